/** The clock of Redis leaps ahead by an hour while a process watches: nothing ends by it that would not have ended. */
import { beforeEach, expect, it } from 'vitest';
import { ApprovalStore, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOf, consequencesOfOpening } from '../../src/approvals/consequences.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import type { RedisClient } from '../../src/redis/client.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { PartitionClocks } from '../../src/redis/partition-clocks.ts';
import { TimerSweeper } from '../../src/services/timer-sweeper.ts';
import { anApproval, aVote } from '../support/approvals.ts';
import { ManualClock, openStore, type Store, serverTime, silent } from '../support/core.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const QUARANTINE_MS = 30_000;
const KEEP_MS = 3_600_000;

let store: Store;
let approvals: ApprovalStore;
/** Of the process that sweeps; nobody sets it. */
let monotonic: ManualClock;
/** How much earlier the server says it is than it does: it leaps when this ends. */
let behindMs: number;

beforeEach(async () => {
  store = await openStore();
  approvals = new ApprovalStore(store.redis, store.keys, consequencesOf, () => KEEP_MS);
  monotonic = new ManualClock();
  behindMs = HOUR_MS;
});

function sweeperOf(clocks: PartitionClocks): TimerSweeper {
  return new TimerSweeper(approvals, silent, [], clocks);
}

/** A process of its own. */
function newClocks(clock = monotonic): PartitionClocks {
  return new PartitionClocks(asTold(store.redis), store.keys, silent, clock);
}

/** What it says first is the time, and it is `behindMs`. */
function asTold(redis: RedisClient): RedisClient {
  return new Proxy(redis, {
    get: (target, name) => {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== 'function') return found;
      return async (...args: unknown[]): Promise<unknown> => {
        const reply: unknown = await Reflect.apply(found, target, args);
        return Array.isArray(reply) ? [Number(reply[0]) - behindMs, ...reply.slice(1)] : reply;
      };
    },
  });
}

/** Asked ten minutes ago, for forty more: by the clock that has leapt it is over. */
async function waiting(): Promise<Approval> {
  const nowMs = (await serverTime(store)) - HOUR_MS;
  const approval = anApproval({ openedMs: nowMs - 10 * MINUTE_MS, deadlineMs: nowMs + 40 * MINUTE_MS });
  const effects = [...consequencesOfOpening(approval, nowMs), toOpenEffect(approval, KEEP_MS)];
  await new EffectWriter(store.redis, store.keys).write(approval.conversationId, effects);
  return approval;
}

it('A20 OM-123 holds the leap back from deadlines, votes and the next process, and says so', async () => {
  const approval = await waiting();
  const partition = partitionOf(approval.conversationId);
  const clocks = newClocks();
  await clocks.look(partition);
  monotonic.advance(500);

  behindMs = 0;
  await sweeperOf(clocks).sweep();
  await sweeperOf(newClocks(new ManualClock())).sweep();

  expect((await approvals.find(approval.id))?.state).toBe('OPEN');
  expect(await clocks.leaps()).toMatchObject([{ partition, why: 'leapt' }]);
  expect((await clocks.leaps())[0]?.byMs).toBeCloseTo(HOUR_MS, -4);
  const answered = await approvals.apply(approval.id, (current, nowMs) =>
    vote(current, aVote(current), nowMs),
  );
  expect(answered?.code).toBe('DECIDED');
});

it('A20 A10 judges by it once it has gone right for a while, and gives people the hour again', async () => {
  const approval = await waiting();
  const clocks = newClocks();
  const sweeper = sweeperOf(clocks);
  await clocks.look(partitionOf(approval.conversationId));
  behindMs = 0;
  await sweeper.sweep();

  monotonic.advance(QUARANTINE_MS);
  behindMs = -QUARANTINE_MS;
  await sweeper.sweep();

  expect(await clocks.leaps()).toMatchObject([{ why: 'confirmed' }]);
  const now = await approvals.find(approval.id);
  expect(now?.state).toBe('OPEN');
  expect(now?.creditedMs).toBeCloseTo(HOUR_MS, -4);
  expect((now?.deadlineMs ?? 0) - approval.deadlineMs).toBe(now?.creditedMs);
});

it('A20 goes on as if nothing had been when the clock returns', async () => {
  const approval = await waiting();
  const clocks = newClocks();
  const sweeper = sweeperOf(clocks);
  await clocks.look(partitionOf(approval.conversationId));
  behindMs = 0;
  await sweeper.sweep();

  monotonic.advance(10_000);
  behindMs = HOUR_MS - 10_000;
  await clocks.look(partitionOf(approval.conversationId));

  expect(await clocks.leaps()).toMatchObject([{ why: 'returned' }]);
  const { state, deadlineMs } = (await approvals.find(approval.id)) ?? {};
  expect({ state, deadlineMs }).toEqual({ state: 'OPEN', deadlineMs: approval.deadlineMs });
});
