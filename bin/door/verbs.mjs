/** What the door can do: what each verb needs, then the program it runs. */
import { existsSync, readFileSync } from 'node:fs';
import { runChecks } from './checks.mjs';
import { provideDependencies } from './dependencies.mjs';
import { say } from './progress.mjs';
import { provideRedis } from './redis.mjs';
import { inRoot, ROOT } from './root.mjs';
import { runInPlace, runQuietly } from './run.mjs';
import { runTests } from './tests.mjs';

/** What people have who take the newest; the oldest is in `engines`. */
const NEWEST_NODE = '26';

/** Everything without a wire, every client library on one, and a first conversation. */
const ON_NEWEST_NODE = [
  'tests/unit',
  ...['slack', 'discord', 'jira', 'email'].map((platform) => `tests/integration/${platform}-gateway.test.ts`),
  'tests/integration/claude-client.test.ts',
  'tests/e2e/first-steps.test.ts',
];

/**
 * Each verb: what it needs beside the dependencies it runs on, and how it runs. Resolves with the exit code.
 *
 * @type {Record<string, { development: boolean, redis: boolean, run: (args: string[]) => Promise<number> }>}
 */
const VERBS = {
  start: { development: false, redis: true, run: start },
  dev: { development: true, redis: true, run: dev },
  test: { development: true, redis: true, run: runTests },
  newest: { development: true, redis: true, run: newest },
  check: { development: true, redis: false, run: runChecks },
  model: { development: true, redis: true, run: model },
  crash: { development: true, redis: true, run: (args) => runProgram('tests/crash/main.ts', args) },
  bench: { development: true, redis: true, run: (args) => runProgram('tests/bench/main.ts', args) },
};

/**
 * @param {string | undefined} name
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
export async function runVerb(name, args) {
  const verb = VERBS[name ?? 'start'];
  if (!verb) return refuse(`there is no \`${name}\`; there are ${Object.keys(VERBS).join(', ')}.`);
  const missing =
    (await provideDependencies({ development: verb.development })) ??
    (verb.redis && !hasRedisUrl() ? await provideRedis() : undefined);
  return missing ? refuse(missing) : verb.run(args);
}

/**
 * V8's young generation, which a start fills with garbage that is never given back: small enough that an idle
 * gateway stays small, large enough that a busy one does not feel it.
 */
const YOUNG_GENERATION = '--max-semi-space-size=8';

/** @param {string[]} args */
function start(args) {
  return runInPlace(process.execPath, [YOUNG_GENERATION, inRoot('bin', 'signalbox.mjs'), 'start', ...args]);
}

/** Runs the sources as they are, and again whenever one changes. @param {string[]} args */
function dev(args) {
  const main = inRoot('src', 'main.ts');
  return runInPlace(process.execPath, ['--watch', '--import', 'tsx', main, 'start', ...args]);
}

/**
 * Histories that the long run tries of each kind (approvals, escalations, who has a conversation) in memory, and of all
 * kinds together beside Redis, so that it stays at some ten minutes on two cores.
 */
const MODEL_RUNS = '100000';

/** @param {string[]} args */
function model(args) {
  process.env.SIGNALBOX_MODEL_RUNS ??= MODEL_RUNS;
  return runTests(['tests/model', ...args]);
}

/** On another Node than ours, which npm fetches; where it cannot, it is said and left out. @param {string[]} args */
async function newest(args) {
  const node = ['exec', '--yes', `--package=node@${NEWEST_NODE}`, '--', 'node'];
  const { code, output } = await runQuietly('npm', [...node, '--version'], { cwd: ROOT });
  if (code !== 0) {
    say(
      `Node ${NEWEST_NODE} cannot be fetched, so nothing is tested on it: ${output.trim().split('\n').at(-1)}`,
    );
    console.log('0 passed, 0 failed');
    return 0;
  }
  const files = args.length > 0 ? args : ON_NEWEST_NODE;
  return runInPlace('npm', [...node, inRoot('bin', 'door.mjs'), 'test', ...files], { cwd: ROOT });
}

/**
 * @param {string} file
 * @param {string[]} args
 */
function runProgram(file, args) {
  if (!existsSync(inRoot(file))) return refuse(`${file} is not there.`);
  return runInPlace(process.execPath, ['--import', 'tsx', inRoot(file), ...args], { cwd: ROOT });
}

/** A server of the operator's own makes ours unnecessary. */
function hasRedisUrl() {
  if (process.env.REDIS_URL) return true;
  const file = inRoot('.env');
  return existsSync(file) && /^\s*(export\s+)?REDIS_URL\s*=\s*\S/m.test(readFileSync(file, 'utf8'));
}

/** @param {string} sentence */
async function refuse(sentence) {
  say(sentence);
  return 1;
}
