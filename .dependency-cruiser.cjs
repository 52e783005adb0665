/**
 * Which file may import which: the picture in src/README.md, as rules.
 *
 * A folder may import only from lines below its own. Type-only imports count for direction, since they are
 * knowledge too; they do not count for cycles, since they are gone when the program runs.
 */
const LINES = [
  ['app'],
  ['console', 'cli', 'sandbox'],
  ['services'],
  ['orchestrator'],
  ['api'],
  ['router'],
  ['plans', 'scheduler'],
  ['escalation', 'agent'],
  ['control', 'budget'],
  ['approvals'],
  [
    'mailbox',
    'memory',
    'identity',
    'audit',
    'delivery',
    'skills',
    'workspace',
    'database',
    'web',
    'mcp',
    'health',
  ],
  ['redis', 'config', 'observability'],
  ['calendar', 'links'],
  ['domain'],
];

/** Where the parts are put together: the program, its commands, and the root that knows every concrete class. */
const COMPOSITION = ['^src/(main|app)\\.ts$', '^src/(app|cli)/'];

/** Everything says what it does, so the log is below whatever stands beside it. */
const EVERYWHERE = ['observability'];

/** @param {string[]} names */
const folder = (names) => `^src/(${names.join('|')})/`;

const direction = LINES.flatMap((line, index) =>
  line.filter(isBound).map((name) => {
    const above = LINES.slice(0, index).flat();
    const beside = line.filter((other) => other !== name && !EVERYWHERE.includes(other));
    return {
      name: `direction-${name}`,
      comment: `src/${name} may import only from the lines below it.`,
      severity: 'error',
      from: { path: folder([name]) },
      to: { path: [folder([...above, ...beside]), '^src/(main|app)\\.ts$'] },
    };
  }),
);

/**
 * Commands are above every line: they put parts together, and one of them runs the sandbox.
 *
 * @param {string} name
 */
function isBound(name) {
  return name !== 'cli';
}

module.exports = {
  forbidden: [
    ...direction,
    {
      name: 'known-folders',
      comment: 'A new folder of src/ gets its place in LINES.',
      severity: 'error',
      from: { path: '^(src|gateways|bin)/' },
      to: { path: '^src/', pathNot: [folder(LINES.flat()), '^src/(main|app)\\.ts$'] },
    },
    {
      name: 'app-under-main',
      comment: 'The composition root is used by the program and its commands alone.',
      severity: 'error',
      from: { path: '^(src|gateways)/', pathNot: COMPOSITION },
      to: { path: ['^src/(main|app)\\.ts$', folder(['app'])] },
    },
    {
      name: 'gateways-know-the-domain',
      comment: 'A gateway translates and carries: of src/ it knows the domain and the log.',
      severity: 'error',
      from: { path: '^gateways/' },
      to: { path: '^src/', pathNot: folder(['domain', 'observability']) },
    },
    {
      name: 'gateways-know-no-other',
      comment: 'Only index.ts knows which gateways there are; what they share has no gateway.ts.',
      severity: 'error',
      from: { path: '^gateways/([^/]+)/' },
      to: { path: '^gateways/(slack|discord|jira|email|web|cli)/', pathNot: '^gateways/$1/' },
    },
    {
      name: 'gateways-enter-through-app',
      comment: 'Only where parts are put together is it known which gateways there are.',
      severity: 'error',
      from: { path: '^src/', pathNot: COMPOSITION },
      to: { path: '^gateways/' },
    },
    {
      name: 'sandbox-enters-through-app',
      comment: 'The product does not know that it is in a sandbox.',
      severity: 'error',
      from: { path: '^(src|gateways)/', pathNot: ['^src/sandbox/', ...COMPOSITION] },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'The domain imports itself, zod, and what computes the digest of a call: pure functions all.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/domain/', '(^|/)node_modules/(zod|canonicalize)/', '^(node:)?crypto$'] },
    },
    {
      name: 'agent-knows-no-redis',
      comment: 'A turn is a function: history in, outcome out.',
      severity: 'error',
      from: { path: '^src/agent/' },
      to: { path: ['^src/redis/', '(^|/)node_modules/ioredis/'] },
    },
    {
      name: 'one-importer-of-the-anthropic-sdk',
      severity: 'error',
      from: { path: '^(src|gateways|bin)/', pathNot: '^src/agent/model/claude-client\\.ts$' },
      to: { path: '(^|/)node_modules/@anthropic-ai/sdk/' },
    },
    {
      name: 'door-needs-nothing',
      comment: 'The door runs before anything is installed.',
      severity: 'error',
      from: { path: ['^bin/door', '^src/redis/server-binary\\.mjs$'] },
      to: { dependencyTypesNot: ['core', 'local'] },
    },
    {
      name: 'product-knows-no-tests',
      severity: 'error',
      from: { path: '^(src|gateways|bin)/' },
      to: { path: '^tests/' },
    },
    {
      name: 'stores-open-quickly',
      comment:
        'A command that looks at what is stored loads no gateway and no model: their libraries take a second.',
      severity: 'error',
      from: { path: '^src/(app/open-stores|cli/prepare)\\.ts$' },
      to: { path: ['^gateways/index\\.ts$', '^src/agent/model/claude-client\\.ts$'], reachable: true },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^tests/bench/reference/node_modules/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: `${__dirname}/tsconfig.json` },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
