/**
 * The engine of escalations on a real Redis, with the scripts of its records, beside the model of it: the same histories
 * on both, and after every step both have answered the same and look the same.
 */
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedis } from '../../src/redis/client.ts';
import { Keys } from '../../src/redis/keys.ts';
import { History, PARTITIONS, PlannedSetting, WATCHED } from '../support/escalation-model-history.ts';
import { type HistoryPlan, history } from '../support/escalation-model-plan.ts';
import { RealEngine } from '../support/escalation-model-world.ts';
import { modelRuns } from '../support/model-runs.ts';
import { wrongAmong } from '../support/model-search.ts';
import { testRedis } from '../support/redis.ts';
import { prepare, StoreKeys } from '../support/store-world.ts';

/** Each takes several ms: a long run tries a part of what it does in memory. */
const RUNS = { usual: 300, share: 0.1 };
const FILE = 'tests/model/escalation-scripts.test.ts';
/** Of each history, with a margin, in ms. */
const LONGEST_MS = 50;

let redis: Redis;

beforeAll(async () => {
  // One address, so one server.
  redis = createRedis(testRedis().url, 'escalation-model') as Redis;
  await redis.connect();
  await prepare(redis);
});

afterAll(() => {
  redis.disconnect();
});

describe('the engine of escalations and its model', () => {
  it(
    'E1 E2 E9 E10 answer the same and look the same after every step of any history: crashes, repetitions, delays, races, lost writes and jumps of the clock included',
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
  const time = { nowMs: 0 };
  const engine = new RealEngine(redis, new Keys(prefix), new PlannedSetting(plan), time);
  const real = { redis, keys, processOn: engine.processOn.bind(engine) };
  const played = new History(plan, real, () => engine.processOn(redis));
  Object.defineProperty(time, 'nowMs', { get: () => played.store.nowMs });
  try {
    await played.play();
    return played.sides.wrong;
  } catch (error) {
    return `it cannot be played: ${error instanceof Error ? error.stack : String(error)}`;
  } finally {
    await keys.end();
  }
}
