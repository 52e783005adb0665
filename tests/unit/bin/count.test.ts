import { expect, it } from 'vitest';
import { toCount } from '../../../bin/door/tests.mjs';

it('counts tests', () => {
  expect(toCount(aReport({ passed: 12, failed: 1, files: [['passed', 'failed']] }), 1)).toEqual({
    passed: 12,
    failed: 1,
  });
});

it('counts a file that could not run as one failure', () => {
  expect(toCount(aReport({ passed: 3, failed: 0, files: [[]] }), 1)).toEqual({ passed: 3, failed: 1 });
});

it('counts a run that ended badly without a failed test as one failure', () => {
  expect(toCount(aReport({ passed: 3, failed: 0, files: [] }), 1)).toEqual({ passed: 3, failed: 1 });
});

it('counts a run without a report as one failure', () => {
  expect(toCount('', 1)).toEqual({ passed: 0, failed: 1 });
});

it('counts no failure in a good run', () => {
  expect(toCount(aReport({ passed: 3, failed: 0, files: [] }), 0)).toEqual({ passed: 3, failed: 0 });
});

/** A report as vitest writes it; `files` are those that failed, each with the states of its tests. */
function aReport({ passed, failed, files }: { passed: number; failed: number; files: string[][] }): string {
  return JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    testResults: files.map((tests) => ({
      status: 'failed',
      assertionResults: tests.map((status) => ({ status })),
    })),
  });
}
