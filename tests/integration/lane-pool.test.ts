import { describe, expect, it, onTestFinished } from 'vitest';
import type { Claim } from '../../src/mailbox/keyed-queue.ts';
import { duplicateRedis } from '../../src/redis/client.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { LanePool, type LanePoolOptions } from '../../src/services/lane-pool.ts';
import {
  defer,
  idOf,
  openStore,
  openWorker,
  post,
  type Store,
  silent,
  type Worker,
} from '../support/core.ts';

type Handle = LanePoolOptions['handle'];

async function openPool(store: Store, worker: Worker, handle: Handle, concurrency = 8): Promise<LanePool> {
  const pool = createPool(store, worker, handle, concurrency);
  await pool.start();
  onTestFinished(() => pool.stop());
  return pool;
}

function createPool({ redis }: Store, worker: Worker, handle: Handle, concurrency = 8): LanePool {
  const queue = worker.queue('m');
  return new LanePool({ name: 'test', redis, queue, concurrency: () => concurrency, handle, log: silent });
}

/** Commits everything it is given, and tells when it has had so many items. */
function committing(worker: Worker, count: number) {
  const handled: string[] = [];
  const done = defer();
  const queue = worker.queue('m');
  const handle: Handle = async (claim, mode) => {
    const { next } = await queue.commit(claim, [], mode);
    handled.push(`${claim.lane}: ${idOf(claim)}`);
    if (handled.length === count) done.resolve();
    return next;
  };
  return { handle, handled, done: done.promise };
}

/** Resolves when the connection of this name waits for a bell. */
async function isBlocked({ redis }: Store, name: string): Promise<void> {
  const blocked = new RegExp(`name=${name} .*cmd=blpop`);
  while (!blocked.test(String(await redis.client('LIST'))));
}

describe('the items of a lane', () => {
  it('are handled in the order they came, one after the other, lanes side by side', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const { handle, handled, done } = committing(worker, 60);
    let inLane = new Set<string>();
    await openPool(store, worker, async (claim, mode) => {
      expect(inLane).not.toContain(claim.lane);
      inLane = inLane.add(claim.lane);
      await store.redis.ping();
      inLane.delete(claim.lane);
      return handle(claim, mode);
    });

    for (let n = 0; n < 60; n++) await post(worker, `test:${n % 6}`, `${n}`.padStart(2, '0'));
    await done;

    for (let lane = 0; lane < 6; lane++) {
      const ofLane = handled.filter((line) => line.startsWith(`test:${lane}:`));
      expect(ofLane).toEqual(ofLane.toSorted());
      expect(ofLane).toHaveLength(10);
    }
  });

  it('OM-075 keep nobody waiting but those of their own conversation', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const human = defer();
    const { handle, handled, done } = committing(worker, 20);
    const pool = await openPool(store, worker, async (claim, mode) => {
      if (claim.lane === 'test:slow') await human.promise;
      return handle(claim, mode);
    });

    await post(worker, 'test:slow', 'waits');
    for (let n = 0; n < 20; n++) await post(worker, `test:${n}`, 'answered');
    await done;

    expect(handled).not.toContain('test:slow: waits');
    human.resolve();
    await pool.stop();
    expect(handled.at(-1)).toBe('test:slow: waits');
  });

  it('leave the line to others after a burst, and come back to the end of it', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const { handle, handled, done } = committing(worker, 41);
    const partition = partitionOf('test:busy');
    const neighbour = Array.from({ length: 99 }, (_, n) => `test:${n}`).find(
      (name) => partitionOf(name) === partition,
    )!;
    for (let n = 0; n < 40; n++) await post(worker, 'test:busy', String(n));
    await post(worker, neighbour, 'short');

    await openPool(store, worker, handle, 1);
    await done;

    expect(handled.indexOf(`${neighbour}: short`)).toBe(32);
  });
});

describe('the limit on lanes worked on at a time', () => {
  it('holds, wherever the lanes come from', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const { handle, done } = committing(worker, 60);
    const gate = defer();
    let running = 0;
    let most = 0;
    const pool = createPool(
      store,
      worker,
      async (claim, mode) => {
        most = Math.max(most, ++running);
        await gate.promise;
        await store.redis.ping();
        running--;
        return handle(claim, mode);
      },
      3,
    );
    onTestFinished(() => pool.stop());

    // Leased as they came in, because nobody else was waiting then; the others are claimed.
    for (let n = 0; n < 20; n++) {
      const posted = await post(worker, `test:direct:${n}`, 'one', true);
      if (posted.kind !== 'taken') throw new Error('it was not taken at once');
      pool.offer(posted.claim);
    }
    for (let n = 0; n < 40; n++) await post(worker, `test:waiting:${n}`, 'one');
    await pool.start();
    gate.resolve();
    await done;

    expect(most).toBe(3);
  });

  it('is reached with work of every partition, not of the first ones only', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const gate = defer();
    const started: string[] = [];
    const full = defer();
    const pool = await openPool(
      store,
      worker,
      async (claim, mode) => {
        started.push(claim.lane);
        if (started.length === 16) full.resolve();
        await gate.promise;
        return (await worker.queue('m').commit(claim, [], mode)).next;
      },
      16,
    );
    for (let n = 0; n < 200; n++) await post(worker, `test:${n}`, 'one');
    await full.promise;

    expect(pool.active).toBe(16);
    expect(pool.hasRoom()).toBe(false);
    gate.resolve();
  });
});

describe('a bell', () => {
  it('that was lost delays its lane by a second at most', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const { handle, handled, done } = committing(worker, 1);
    const thief = duplicateRedis(store.redis, 'thief');
    onTestFinished(() => thief.disconnect());
    // Whoever has waited longest is given the bell.
    const stolen = thief.blpop(store.keys.bell(partitionOf('test:thread'), 'm'), 0);
    await isBlocked(store, 'thief');
    await openPool(store, worker, handle);
    await isBlocked(store, 'signalbox-test');

    await post(worker, 'test:thread', 'one');
    expect(await stolen).toBeTruthy();
    await done;

    expect(handled).toEqual(['test:thread: one']);
  });
});

describe('stopping', () => {
  it('finishes the item in hand, takes no other, and may be called twice', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const { handle, handled } = committing(worker, 1);
    const [begun, gate] = [defer<Claim>(), defer()];
    const pool = await openPool(store, worker, async (claim, mode) => {
      begun.resolve(claim);
      await gate.promise;
      return handle(claim, mode === 'more' && pool.hasRoom() ? 'more' : 'yield');
    });
    await post(worker, 'test:thread', 'in hand');
    await post(worker, 'test:thread', 'next');
    await begun.promise;

    const stopped = pool.stop();
    await post(worker, 'test:other', 'too late');
    expect(await Promise.race([stopped.then(() => 'stopped'), store.redis.ping()])).toBe('PONG');
    gate.resolve();
    await stopped;
    await pool.stop();

    expect(handled).toEqual(['test:thread: in hand']);
    expect(pool.hasRoom()).toBe(false);
  });
});

describe('handling that fails in a way nobody expected', () => {
  it('gives the lane up, so that its item is tried again', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const failed = defer<Claim>();
    const pool = await openPool(store, worker, async (claim) => {
      failed.resolve(claim);
      throw new Error('a bug');
    });

    await post(worker, 'test:thread', 'one');
    const { partition, lane } = await failed.promise;
    await pool.stop();

    const parked = await store.redis.zrange(store.keys.parked(partition), '0', '-1');
    expect(parked).toEqual([`m|${lane}`]);
    expect(await store.redis.smembers(store.keys.owned(partition, worker.session.id))).toEqual([]);
  });

  it('goes on looking when the store refuses the first look', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const { handle, handled, done } = committing(worker, 1);
    const ready = store.keys.ready(partitionOf('test:thread'), 'm');
    await store.redis.set(ready, 'not a list');
    await openPool(store, worker, handle);

    await store.redis.del(ready);
    await post(worker, 'test:thread', 'one');
    await done;

    expect(handled).toEqual(['test:thread: one']);
  });
});

describe('a lane that is ours without our knowing', () => {
  it('is given back after the reply that named it was lost with the connection', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const { handle, handled, done } = committing(worker, 1);
    await post(worker, 'test:thread', 'one');
    const queue = worker.queue('m');
    const pool = new LanePool({
      name: 'test',
      redis: store.redis,
      queue,
      concurrency: () => 4,
      handle,
      log: silent,
    });
    onTestFinished(() => pool.stop());
    // The reply arrives nowhere: nobody keeps these claims.
    await queue.claim(partitionOf('test:thread'), 1, new Set());

    store.redis.disconnect(true);
    await pool.start();
    await done;

    expect(handled).toEqual(['test:thread: one']);
  });

  it('is given back after it could not be given up', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const queue = worker.queue('m');
    await post(worker, 'test:thread', 'one');
    const partition = partitionOf('test:thread');
    const [claim] = await queue.claim(partition, 1, new Set());
    const lease = store.keys.lease(partition, 'm', 'test:thread');
    await store.redis.rename(lease, `${lease}:aside`);
    await store.redis.set(lease, 'not a hash');
    await expect(queue.retryLater(claim!, 0, 'counts')).rejects.toThrow('WRONGTYPE');
    await store.redis.rename(`${lease}:aside`, lease);

    const again = await queue.claim(partition, 1, new Set());

    expect(again.map(idOf)).toEqual(['one']);
  });
});
