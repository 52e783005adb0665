/** `npm test`: every test but the long ones, and the count as the last line. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from './progress.mjs';
import { inRoot, ROOT } from './root.mjs';
import { runInPlace, runQuietly } from './run.mjs';
import { provideTestPrograms } from './test-programs.mjs';

/**
 * @param {string[]} args passed on to vitest: file filters, `-t` …
 * @returns {Promise<number>} the exit code
 */
export async function runTests(args) {
  await provideTestPrograms();
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-count-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = inRoot('node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const code = await runInPlace(process.execPath, [vitest, 'run', ...reporters, ...args], { cwd: ROOT });
    const { passed, failed } = toCount(await readFile(report, 'utf8').catch(() => ''), code);
    const changed = failed > 0 ? await changedIn(ROOT) : [];
    if (changed.length > 0) say(ofShippedFiles(changed));
    console.log(`${passed} passed, ${failed} failed`);
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The files under `config/` that are not as they came; none where that cannot be told.
 *
 * @param {string} root
 */
export async function changedIn(root) {
  const { code, output } = await runQuietly('git', ['status', '--porcelain', '-uall', '--', 'config'], {
    cwd: root,
  });
  // Beside them git may warn of something.
  return code === 0 ? [...output.matchAll(/^[ MADRCTU?]{2} (.+)$/gmu)].map(([, name = '']) => name) : [];
}

/** @param {readonly string[]} changed */
function ofShippedFiles(changed) {
  return `the tests hold for the files under config/ as they came, and ${changed.join(', ')} ${changed.length === 1 ? 'is' : 'are'} changed: that alone may be why some failed. In a fresh clone they tell more; \`npx signalbox check\` tells what is wrong with your files.`;
}

/**
 * Pure: counts tests, not files; a file that could not run counts as one failure, and so does a run that ended
 * badly though no test failed.
 *
 * @param {string} report vitest's JSON report, empty if there is none
 * @param {number} code exit code of the run
 */
export function toCount(report, code) {
  const {
    numPassedTests: passed,
    numFailedTests,
    testResults,
  } = report === '' ? NOTHING : JSON.parse(report);
  const broken = testResults.filter(isBroken).length;
  const failed = numFailedTests + broken;
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed };
}

const NOTHING = { numPassedTests: 0, numFailedTests: 0, testResults: [] };

/** @param {{ status: string, assertionResults: { status: string }[] }} file */
function isBroken(file) {
  return file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed');
}
