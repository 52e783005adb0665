/**
 * The store of who has a conversation beside the model of it: the same histories on both, several processes, and after
 * every step both have answered the same, said the same, and look the same.
 */
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedis } from '../../src/redis/client.ts';
import { Keys } from '../../src/redis/keys.ts';
import { History, PARTITIONS, WATCHED } from '../support/control-model-history.ts';
import { type HistoryPlan, history } from '../support/control-model-plan.ts';
import { RealControls } from '../support/control-model-world.ts';
import { modelRuns } from '../support/model-runs.ts';
import { wrongAmong } from '../support/model-search.ts';
import { testRedis } from '../support/redis.ts';
import { prepare, StoreKeys } from '../support/store-world.ts';

/** Each takes several ms: a long run tries a part of what it does in memory. */
const RUNS = { usual: 400, share: 0.1 };
const FILE = 'tests/model/control-scripts.test.ts';
/** Of each history, with a margin, in ms. */
const LONGEST_MS = 50;

let redis: Redis;

beforeAll(async () => {
  // One address, so one server.
  redis = createRedis(testRedis().url, 'control-model') as Redis;
  await redis.connect();
  await prepare(redis);
});

afterAll(() => {
  redis.disconnect();
});

describe('the store of who has a conversation and its model', () => {
  it(
    'C1 C2 C3 C4 answer the same, say the same and look the same after every step of any history: crashes, repetitions, delays, races, lost writes and jumps of the clock included',
    async () => {
      const report = await wrongAmong(history, RUNS, FILE, wrongOf);

      expect(report).toBeUndefined();
    },
    60_000 + LONGEST_MS * modelRuns(RUNS.usual, RUNS.share),
  );
});

/** What differs first, if anything. */
async function wrongOf(plan: HistoryPlan): Promise<string | undefined> {
  const { prefix } = testRedis();
  const keys = new StoreKeys(redis, prefix, PARTITIONS, WATCHED);
  const controls: RealControls = new RealControls(new Keys(prefix), () => played.store);
  const real = { redis, keys, processOn: controls.processOn.bind(controls) };
  const played: History = new History(plan, real, () => controls.processOn(redis));
  try {
    await played.play();
    return played.sides.wrong;
  } catch (error) {
    return `it cannot be played: ${error instanceof Error ? error.stack : String(error)}`;
  } finally {
    await keys.end();
  }
}
