import { defineConfig } from 'vitest/config';

/** The kinds of tests `npm test` runs; the long ones (tests/crash, tests/bench) are programs of their own. */
const KINDS = ['unit', 'contracts', 'integration', 'model', 'e2e', 'system'];

export default defineConfig({
  test: {
    include: KINDS.map((kind) => `tests/${kind}/**/*.test.ts`),
    globalSetup: ['tests/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Files share what they import: no module of ours has state of its own, and loading it anew took half of the time.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
