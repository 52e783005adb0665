import { expect, it } from 'vitest';
import { RetentionSweeper } from '../../../src/services/retention-sweeper.ts';
import { defer, ManualClock, silent } from '../../support/core.ts';

const NOTHING = { transcripts: 0, summaries: 0, notes: 0 };

it('OM-195 sweeps again and again, also after a sweep that failed, until it is stopped', async () => {
  const clock = new ManualClock();
  const third = defer();
  const seen: number[] = [];
  const retention = {
    sweep: async (nowMs: number) => {
      seen.push(nowMs);
      clock.advance(1_000);
      if (seen.length === 3) third.resolve();
      if (seen.length === 2) throw new Error('the store is away');
      return NOTHING;
    },
  };
  const sweeper = new RetentionSweeper(retention, clock, silent, { firstMs: 1, everyMs: 1 });

  await sweeper.start();
  await third.promise;
  await sweeper.stop();
  const swept = seen.length;
  await sweeper.stop();

  expect(seen.slice(0, 3).map((at) => at - seen[0]!)).toEqual([0, 1_000, 2_000]);
  expect(seen).toHaveLength(swept);
});

it('removes nothing in the moment it starts', async () => {
  let sweeps = 0;
  const retention = {
    sweep: async () => {
      sweeps++;
      return NOTHING;
    },
  };
  const sweeper = new RetentionSweeper(retention, new ManualClock(), silent);

  await sweeper.start();
  await sweeper.stop();

  expect(sweeps).toBe(0);
});
