/**
 * What `.ci/run` runs: the tests, the checks, the histories of approvals at full length, the crash suite. Its last line
 * counts what passed and failed: tests one by one, every other suite as one. Nothing is left out because something before it failed.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inRoot, ROOT } from './door/root.mjs';

/** Longest a suite may take, so that one that hangs is a failure and not a run without end. */
const LONGEST_MS = { test: 20 * 60_000, check: 5 * 60_000, model: 60 * 60_000, crash: 30 * 60_000 };

const total = { passed: 0, failed: 0 };
for (const [verb, longestMs] of Object.entries(LONGEST_MS)) {
  if (verb === 'crash' && !existsSync(inRoot('tests', 'crash', 'main.ts'))) continue;
  const { passed, failed } = await runSuite(verb, longestMs);
  total.passed += passed;
  total.failed += failed;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

/**
 * @param {string} verb
 * @param {number} longestMs
 */
async function runSuite(verb, longestMs) {
  console.log(`\n== npm run ${verb}`);
  const { code, lastLine } = await run('npm', ['run', '--silent', verb], longestMs);
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
 * @returns {Promise<{ code: number, lastLine: string }>}
 */
function run(command, args, longestMs) {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that everything a suite started ends with it.
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const end = (/** @type {NodeJS.Signals} */ signal) => child.pid && process.kill(-child.pid, signal);
    const tooLong = setTimeout(() => {
      console.log(`ended after ${longestMs / 60_000} minutes`);
      end('SIGKILL');
    }, longestMs);
    process.on('SIGINT', end).on('SIGTERM', end);
    let tail = '';
    child.stdout.on('data', (/** @type {Buffer} */ chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk).slice(-1_000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(tooLong);
      process.off('SIGINT', end).off('SIGTERM', end);
      resolve({ code: code ?? 1, lastLine: tail.trimEnd().split('\n').at(-1) ?? '' });
    });
  });
}
