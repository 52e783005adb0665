/**
 * The store of approvals, with its scripts, beside the model of it: the same histories on both, several processes, and
 * after every step both have answered the same and look the same.
 */
import type { Redis } from 'ioredis';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedis } from '../../src/redis/client.ts';
import { copiesFor, History } from '../support/approval-history.ts';
import { differenceOf } from '../support/approval-model.ts';
import { type HistoryPlan, history } from '../support/approval-plan.ts';
import { ApprovalWorld, prepare } from '../support/approval-world.ts';
import { modelRuns, reportOf, type Trial, trials } from '../support/model-runs.ts';
import { testRedis } from '../support/redis.ts';

/** A long run tries 100,000 beside Redis: eight in ten here, the others on the two other stores. */
const RUNS = { usual: 5_000, share: 0.8 };
/** Histories that are under way at a time, all on one connection. */
const AT_ONCE = 64;
const FILE = 'tests/model/approval-scripts.test.ts';
const CONVERSATION = 'slack:T0:C0:1';
/** Of each history, with a margin, in ms. */
const LONGEST_MS = 25;

let redis: Redis;

beforeAll(async () => {
  // One address, so one server.
  redis = createRedis(testRedis().url, 'approval-model') as Redis;
  await redis.connect();
  await prepare(redis);
});

afterAll(() => {
  redis.disconnect();
});

describe('the store of approvals and its model', () => {
  it(
    'A7 A8 A14 answer the same and look the same after every step of any history: crashes, repetitions, delays, lost writes and jumps of the clock included',
    async () => {
      const bad = await firstOf(async (trial) =>
        (await wrongOf(trial.plan)) === undefined ? undefined : trial,
      );
      const report = bad && (await reportOf(history, bad, FILE, wrongOf));

      expect(report).toBeUndefined();
    },
    60_000 + LONGEST_MS * modelRuns(RUNS.usual, RUNS.share),
  );
});

/** Tries all histories, many at a time, until one is found. */
async function firstOf<Found>(
  look: (trial: Trial<HistoryPlan>) => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const limit = pLimit(AT_ONCE);
  let found: Found | undefined;
  const under: Promise<void>[] = [];
  for (const trial of trials(history, RUNS.usual, RUNS.share)) {
    if (found !== undefined) break;
    under.push(
      limit(async () => {
        const bad = await look(trial);
        found ??= bad; // only now: others may have found one meanwhile
      }),
    );
    if (under.length >= 4 * AT_ONCE) await Promise.all(under.splice(0, 2 * AT_ONCE));
  }
  await Promise.all(under);
  return found;
}

/** What differs first, if anything. */
async function wrongOf(plan: HistoryPlan): Promise<string | undefined> {
  const world = new ApprovalWorld(redis, testRedis().prefix, CONVERSATION, copiesFor);
  let wrong: string | undefined;
  const compare = (what: string, expected: unknown, actual: unknown): void => {
    wrong ??= differenceOf(expected, actual, what);
  };
  const played = new History(plan, CONVERSATION, world, compare);
  const look = async (): Promise<void> => {
    if (wrong !== undefined) return;
    const seen = await world.view(played.opened.map(({ id }) => id));
    wrong = differenceOf(played.model.view(), seen, 'the store');
  };
  await played.play(look);
  await look();
  await world.wipe();
  return wrong;
}
