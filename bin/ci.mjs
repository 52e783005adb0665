/**
 * What `.ci/run` runs: the tests, part of them on the newest Node, the checks, the histories of approvals at full
 * length, the crash suite. Its last line counts what passed and failed: tests one by one, every other suite as one;
 * the lines before it name what failed, with the first lines of why, and how a history that went wrong is played again.
 * Nothing is left out because something before it failed.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { inRoot, ROOT } from './door/root.mjs';

/** Longest a suite may take, so that one that hangs is a failure and not a run without end. */
const LONGEST_MS = {
  test: 35 * 60_000,
  newest: 15 * 60_000,
  check: 5 * 60_000,
  model: 40 * 60_000,
  crash: 30 * 60_000,
};

/** How a suite begins a line that names a failure. */
const NAMES_FAILURE = /^\s*(?:FAIL|FAILED)\s+/;
/** Of a history, or of a property: what plays it again. */
const PLAYS_AGAIN = /SIGNALBOX_MODEL=\S+ npx vitest run [\w./-]+|\{ seed: -?\d+, path: "[\d:]+".*\}/;
/** What stands between two failures. */
const ENDS_FAILURE = /^\s*⎯/;
const MOST_NAMED = 50;
/** Lines of why, below a failure. */
const MOST_LINES = 30;

const total = { passed: 0, failed: 0 };
/**
 * By name: why, line by line.
 *
 * @type {Map<string, string[]>}
 */
const failures = new Map();
/** @type {Set<string>} */
const playedAgain = new Set();
for (const [verb, longestMs] of Object.entries(LONGEST_MS)) {
  if (verb === 'crash' && !existsSync(inRoot('tests', 'crash', 'main.ts'))) continue;
  const { passed, failed } = await runSuite(verb, longestMs);
  total.passed += passed;
  total.failed += failed;
}
for (const [each, why] of [...failures].slice(0, MOST_NAMED)) {
  console.log(each);
  for (const line of why) console.log(`  ${line}`);
}
for (const each of [...playedAgain].slice(0, MOST_NAMED)) console.log(`again: ${each}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

/**
 * @param {string} verb
 * @param {number} longestMs
 */
async function runSuite(verb, longestMs) {
  console.log(`\n== npm run ${verb}`);
  const { code, lastLine, named } = await run('npm', ['run', '--silent', verb], longestMs);
  for (const [each, why] of named) failures.set(`${verb}: ${each}`, why);
  if (code !== 0 && named.size === 0) failures.set(`${verb}: ended with ${code}`, []);
  const counted = /^(\d+) passed, (\d+) failed$/.exec(lastLine);
  if (!counted) return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  const failed = Number(counted[2]);
  return { passed: Number(counted[1]), failed: failed === 0 && code !== 0 ? 1 : failed };
}

/**
 * Shows the output as it comes and remembers its last line.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {number} longestMs
 * @returns {Promise<{ code: number, lastLine: string, named: Map<string, string[]> }>}
 */
function run(command, args, longestMs) {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that everything a suite started ends with it.
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const end = (/** @type {NodeJS.Signals} */ signal) => child.pid && process.kill(-child.pid, signal);
    const tooLong = setTimeout(() => {
      console.log(`ended after ${longestMs / 60_000} minutes`);
      end('SIGKILL');
    }, longestMs);
    process.on('SIGINT', end).on('SIGTERM', end);
    let lastLine = '';
    /** @type {Map<string, string[]>} */
    const named = new Map();
    /** @type {string[] | undefined} */
    let why;
    const read = (/** @type {string} */ line, isOutput = true) => {
      const words = stripVTControlCharacters(line);
      const [again] = PLAYS_AGAIN.exec(words) ?? [];
      if (again !== undefined) playedAgain.add(again);
      if (NAMES_FAILURE.test(words)) {
        const name = words.replace(NAMES_FAILURE, '');
        why = named.get(name) ?? [];
        named.set(name, why);
      } else if (ENDS_FAILURE.test(words)) why = undefined;
      else if (why && why.length < MOST_LINES && words.trim() !== '') why.push(words.trimEnd());
      if (isOutput && words.trim() !== '') lastLine = words.trim();
    };
    child.stdout.pipe(process.stdout, { end: false });
    child.stderr.pipe(process.stderr, { end: false });
    createInterface({ input: child.stdout }).on('line', (line) => read(line));
    createInterface({ input: child.stderr }).on('line', (line) => read(line, false));
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(tooLong);
      process.off('SIGINT', end).off('SIGTERM', end);
      resolve({ code: code ?? 1, lastLine, named });
    });
  });
}
