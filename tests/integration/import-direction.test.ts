import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A tree whose every file breaks one rule, or none. */
const FILES = {
  'src/domain/ids.ts': 'export const id = 1;',
  'src/domain/clock.ts': "import '../audit/log.ts';",
  'src/observability/logger.ts': 'export type Logger = string;',
  'src/redis/client.ts': "import '../observability/logger.ts';",
  'src/config/load.ts': "import '../redis/client.ts';",
  'src/audit/log.ts': "import '../redis/client.ts';",
  'src/mailbox/mailbox.ts': "import type { Turn } from '../agent/turn.ts'; export type T = Turn;",
  'src/agent/turn.ts': "import '../redis/client.ts'; export type Turn = string;",
  'src/escalation/engine.ts': "import '../agent/turn.ts';",
  'src/router/router.ts': "import '../../gateways/slack/gateway.ts';",
  'src/services/loop.ts': "import '../sandbox/main.ts';",
  'src/sandbox/main.ts': 'export {};',
  'src/approvals/a.ts': "import { b } from './b.ts'; export const a = () => b;",
  'src/approvals/b.ts': "import { a } from './a.ts'; export const b = () => a;",
  'src/approvals/c.ts': "import type { D } from './d.ts'; export type C = D;",
  'src/approvals/d.ts': "import type { C } from './c.ts'; export type D = C | 1;",
  'src/approvals/e.ts': "import '../helpers/text.ts';",
  'src/helpers/text.ts': 'export {};',
  'src/app.ts': "import './app/stores.ts'; import '../gateways/index.ts';",
  'src/app/stores.ts': "import '../redis/client.ts'; import '../../gateways/index.ts';",
  'src/app/open-stores.ts': "import './stores.ts';",
  'src/services/pool.ts': "import type { S } from '../app/stores.ts'; export type T = S;",
  'src/cli/start.ts': "import '../app.ts'; import '../sandbox/main.ts'; import '../../gateways/index.ts';",
  'src/main.ts': "import './cli/start.ts';",
  'gateways/index.ts': "import './slack/gateway.ts'; import './email/gateway.ts';",
  'gateways/slack/gateway.ts': "import '../../src/domain/ids.ts'; import '../markdown/parse.ts';",
  'gateways/email/gateway.ts': "import '../slack/gateway.ts'; import '../../src/audit/log.ts';",
  'gateways/markdown/parse.ts': 'export {};',
};

describe('import direction', () => {
  let tree: string;
  let broken: string[];

  beforeAll(async () => {
    tree = await mkdtemp(join(tmpdir(), 'signalbox-imports-'));
    for (const [name, source] of Object.entries(FILES)) {
      await mkdir(dirname(join(tree, name)), { recursive: true });
      await writeFile(join(tree, name), source);
    }
    broken = await violations(tree);
  });

  afterAll(async () => {
    await rm(tree, { recursive: true, force: true });
  });

  it.each([
    ['the domain imports nothing of ours', 'domain-is-pure: src/domain/clock.ts'],
    ['a folder imports nothing above it, not even a type', 'direction-mailbox: src/mailbox/mailbox.ts'],
    ['folders of one line do not know each other', 'direction-config: src/config/load.ts'],
    ['escalation and the agent do not know each other', 'direction-escalation: src/escalation/engine.ts'],
    ['the agent knows no Redis', 'agent-knows-no-redis: src/agent/turn.ts'],
    ['the parts of the composition root are known to it alone', 'app-under-main: src/services/pool.ts'],
    ['no gateway is known outside the composition', 'gateways-enter-through-app: src/router/router.ts'],
    ['the product knows no sandbox', 'sandbox-enters-through-app: src/services/loop.ts'],
    ['a gateway knows the domain alone', 'gateways-know-the-domain: gateways/email/gateway.ts'],
    ['a gateway knows no other', 'gateways-know-no-other: gateways/email/gateway.ts'],
    ['there are no cycles', 'no-cycles: src/approvals/a.ts'],
    ['what opens the stores loads no gateway', 'stores-open-quickly: src/app/open-stores.ts'],
    ['a new folder needs a place', 'known-folders: src/approvals/e.ts'],
  ])('refuses to let go of: %s', (_, violation) => {
    expect(broken).toContainEqual(expect.stringContaining(violation));
  });

  it.each([
    'src/main.ts',
    'src/app.ts',
    'src/app/stores.ts',
    'src/cli/start.ts',
    'src/redis/client.ts',
    'src/audit/log.ts',
    'src/approvals/c.ts',
    'gateways/index.ts',
    'gateways/slack/gateway.ts',
  ])('has nothing against %s', (file) => {
    expect(broken.filter((line) => line.includes(`: ${file} `))).toEqual([]);
  });
});

/** One line for each: `rule: from → to`. */
async function violations(tree: string): Promise<string[]> {
  const tool = join(ROOT, 'node_modules', '.bin', 'depcruise');
  const args = [
    'src',
    'gateways',
    '--config',
    join(ROOT, '.dependency-cruiser.cjs'),
    '--output-type',
    'json',
  ];
  const { stdout } = await promisify(execFile)(tool, args, { cwd: tree, maxBuffer: 16 * 1024 * 1024 });
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } }; // the tool's own format
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
}

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}
