/** What a process leaves behind that ends in the middle of its work, again and again. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { ApprovalStore } from '../../src/approvals/approval-store.ts';
import { type Claim, deathsIn } from '../../src/mailbox/keyed-queue.ts';
import type { Effect } from '../../src/redis/effects.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { LanePool } from '../../src/services/lane-pool.ts';
import { TimerSweeper } from '../../src/services/timer-sweeper.ts';
import {
  defer,
  idOf,
  ManualClock,
  openStore,
  openWorker,
  post,
  type Store,
  silent,
  type Worker,
} from '../support/core.ts';

/** Leases the lanes and ends without a word; another worker puts them back in line. */
async function die(store: Store, lanes: readonly string[]): Promise<void> {
  const clock = new ManualClock();
  const [victim, heir] = [await openWorker(store), await openWorker(store, { clock })];
  clock.advance(2 * heir.session.leaseMs); // the server may have started a moment ago
  for (const lane of lanes) await victim.queue('m').claim(partitionOf(lane), 100, new Set());
  for (const partition of store.keys.partitions()) {
    await store.redis.zadd(store.keys.sessions(partition), 'XX', 1, victim.session.id);
  }
  await heir.session.reap();
}

function openPool(store: Store, worker: Worker, handle: (claim: Claim) => Promise<void>): LanePool {
  const queue = worker.queue('m');
  const pool = new LanePool({
    name: 'test',
    redis: store.redis,
    queue,
    concurrency: () => 8,
    handle: async (claim) => {
      await handle(claim);
      return (await queue.commit(claim, [], 'yield')).next;
    },
    log: silent,
  });
  onTestFinished(() => pool.stop());
  return pool;
}

describe('an item in the hands of processes that ended', () => {
  it('tells these attempts from those that failed, and the next item starts anew', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const queue = worker.queue('m');
    await post(worker, 'test:thread', 'one');
    await post(worker, 'test:thread', 'two');
    for (let n = 0; n < 7; n++) await die(store, ['test:thread']);

    const [claim] = await queue.claim(partitionOf('test:thread'), 1, new Set());
    await queue.retryLater(claim!, 0, 'counts');
    const [again] = await queue.claim(partitionOf('test:thread'), 1, new Set());

    expect(again).toMatchObject({ attempt: 9, failures: 1 });
    expect(deathsIn(again!)).toBe(7);
    const { next } = await queue.commit(again!, [], 'more');
    expect(next).toMatchObject({ attempt: 1, failures: 0 });
  });

  it('waits for the one before when several were, so that the guilty one strikes the others no more', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const lanes = ['test:1', 'test:2', 'test:3', 'test:4'];
    for (const lane of lanes) await post(worker, lane, `of ${lane}`);
    for (let n = 0; n < 6; n++) await die(store, lanes);
    const done = defer();
    const handled: string[] = [];
    let atOnce = 0;
    const approvals = new ApprovalStore(
      store.redis,
      store.keys,
      () => [],
      () => 1,
    );
    // Puts back in line what has to wait for its turn.
    const sweeper = new TimerSweeper(approvals, silent);
    onTestFinished(() => sweeper.stop());

    const pool = openPool(store, worker, async (claim) => {
      expect(++atOnce).toBe(1);
      await store.redis.ping();
      atOnce--;
      handled.push(idOf(claim));
      if (handled.length === lanes.length) done.resolve();
    });
    await pool.start();
    await sweeper.start();
    await done.promise;

    expect(handled.toSorted()).toEqual(lanes.map((lane) => `of ${lane}`));
  });
});

describe('a lane that was leased a moment ago', () => {
  it('is not given back while the answer that names it is on its way', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const lane = 'test:thread';
    await post(worker, lane, 'one');
    const [claim] = await worker.queue('m').claim(partitionOf(lane), 1, new Set());
    const reply: Effect = { kind: 'out', queue: 'o.test', lane, item: {}, session: worker.session.id };
    const working = new Set<string>();

    const committing = worker
      .queue('m')
      .commit(claim!, [reply], 'yield')
      .then(({ handed }) => {
        for (const each of handed) working.add(each.lane);
      });
    const released = await worker.queue('o.test').reconcile(working);
    await committing;

    expect(working).toEqual(new Set([lane]));
    expect(released).toBe(0);
  });
});
