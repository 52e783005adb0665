/** What a test sent beyond the published limits of a platform: nothing, unless it says so. */
import { expect } from 'vitest';

/** A platform that notes what broke its limits. */
interface Strict {
  readonly violations: unknown[];
}

/** To be called when a test is over. */
export function expectNoViolations(...platforms: readonly Strict[]): void {
  expect(platforms.flatMap(({ violations }) => violations)).toEqual([]);
}

/** These were sent on purpose, in this order, and nothing else was; from here on nothing is meant to be again. */
export function expectViolations({ violations }: Strict, meant: readonly object[]): void {
  expect(violations.splice(0)).toMatchObject(meant);
}
