import { describe, expect, it, onTestFinished } from 'vitest';
import { LeaseLostError } from '../../src/domain/errors.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import {
  idOf,
  ManualClock,
  openStore,
  openWorker,
  post,
  type Store,
  serverTime,
  serverTimePasses,
  type Worker,
} from '../support/core.ts';
import { startRedis } from '../support/redis.ts';

const LEASE_MS = 3_600_000;
const CONVERSATION = 'test:thread';
const PARTITION = partitionOf(CONVERSATION);

/** Two of them, on a server that has been up for longer than a lease, as far as they know. */
async function openWorkers(store: Store): Promise<[Worker, Worker]> {
  const clock = new ManualClock();
  const workers: [Worker, Worker] = [await openWorker(store, { clock }), await openWorker(store, { clock })];
  clock.advance(LEASE_MS + 1);
  return workers;
}

/** Claims the one conversation there is. */
async function claimIt(worker: Worker) {
  const [claim] = await worker.queue('m').claim(PARTITION, 1, new Set());
  if (!claim) throw new Error('there was nothing to claim');
  return claim;
}

/** As if this worker had been silent for more than a lease, or since a lease before that moment, in server ms. */
async function silence({ redis, keys }: Store, { session }: Worker, deadlineMs = 1): Promise<void> {
  await Promise.all(
    keys.partitions().map((each) => redis.zadd(keys.sessions(each), 'XX', deadlineMs, session.id)),
  );
}

describe('a worker that dies', () => {
  it('loses its conversations to another worker, which goes on with the same item', async () => {
    const store = await openStore();
    const [dead, heir] = await openWorkers(store);
    await post(dead, CONVERSATION, 'one');
    await post(dead, CONVERSATION, 'two');
    const lost = await claimIt(dead);

    await silence(store, dead);
    expect(await heir.session.reap()).toBe(1);
    const taken = await claimIt(heir);

    expect([idOf(taken), taken.attempt]).toEqual(['one', 2]);
    await expect(dead.queue('m').commit(lost, [], 'more')).rejects.toThrow(LeaseLostError);
    const { next } = await heir.queue('m').commit(taken, [], 'more');
    expect(next && idOf(next)).toBe('two');
  });

  it('is not taken for dead before its lease has ended', async () => {
    const store = await openStore();
    const [alive, other] = await openWorkers(store);
    await post(alive, CONVERSATION, 'one');
    const claim = await claimIt(alive);

    expect(await other.session.reap()).toBe(0);

    await expect(alive.queue('m').commit(claim, [], 'yield')).resolves.toMatchObject({ next: undefined });
  });

  it('keeps its conversations when it beats in time', async () => {
    const store = await openStore();
    const [late, other] = await openWorkers(store);
    await post(late, CONVERSATION, 'one');
    const claim = await claimIt(late);

    await silence(store, late);
    await late.session.beat();

    expect(await other.session.reap()).toBe(0);
    await expect(late.queue('m').commit(claim, [], 'yield')).resolves.toBeDefined();
  });

  it('hears that it was taken for dead, stops what it does and goes on under a new session', async () => {
    const store = await openStore();
    const [paused, other] = await openWorkers(store);
    await post(paused, CONVERSATION, 'one');
    const { signal } = await claimIt(paused);
    const before = paused.session.id;

    await silence(store, paused);
    await other.session.reap();
    await paused.session.beat();

    expect(signal.aborted).toBe(true);
    expect(paused.session.id).not.toBe(before);
    expect(paused.session.signal.aborted).toBe(false);
    expect(idOf(await claimIt(paused))).toBe('one');
  });

  it('gives back everything at once when it stops in an orderly way', async () => {
    const store = await openStore();
    const [leaving, staying] = await openWorkers(store);
    await post(leaving, CONVERSATION, 'one');
    await claimIt(leaving);

    await leaving.session.stop();
    await leaving.session.stop();

    expect(idOf(await claimIt(staying))).toBe('one');
  });
});

describe('a server that was away', () => {
  it('finds nobody dead in the first lease after its start', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const store = await openStore({ url: server.url, prefix: '' });
    const clock = new ManualClock();
    const [dead, heir] = [await openWorker(store, { clock }), await openWorker(store, { clock })];
    await post(dead, CONVERSATION, 'one');
    await claimIt(dead);

    await silence(store, dead);
    expect(await heir.session.reap()).toBe(0);

    clock.advance(LEASE_MS + 1);
    expect(await heir.session.reap()).toBe(1);
  });

  it('finds nobody dead in the first lease after a restart, however long it was away', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const store = await openStore({ url: server.url, prefix: '' });
    const clock = new ManualClock();
    const [one, other] = [await openWorker(store, { clock }), await openWorker(store, { clock })];
    await post(one, CONVERSATION, 'one');
    const claim = await claimIt(one);

    await silence(store, one);
    const away = new Promise((resolve) => store.redis.once('close', resolve));
    const back = new Promise((resolve) => store.redis.once('ready', resolve));
    await server.kill();
    await away;
    // Not before: both look for the dead by themselves, twice a second.
    clock.advance(LEASE_MS + 1);
    expect(await other.session.reap()).toBe(0);
    await server.restart();
    await back;

    expect(await other.session.reap()).toBe(0);
    await one.session.beat();
    await expect(one.queue('m').commit(claim, [], 'yield')).resolves.toBeDefined();
  });

  it('finds nobody dead before it was itself heard three times since the other was', async () => {
    const store = await openStore();
    const [one, other] = await openWorkers(store);
    await post(one, CONVERSATION, 'one');
    await claimIt(one);

    // Both were heard last when the server went away; a lease later it is back.
    await serverTimePasses(store, 1);
    await silence(store, one, await serverTime(store));
    expect(await other.session.reap()).toBe(0);
    await other.session.beat();
    expect(await other.session.reap()).toBe(0);
    await other.session.beat();

    expect(await other.session.reap()).toBe(1);
  });

  it('lets go on whoever is heard meanwhile', async () => {
    const store = await openStore();
    const [one, other] = await openWorkers(store);
    await post(one, CONVERSATION, 'one');
    const claim = await claimIt(one);

    await serverTimePasses(store, 1);
    await silence(store, one, await serverTime(store));
    await other.session.beat();
    await one.session.beat();
    await other.session.beat();

    expect(await other.session.reap()).toBe(0);
    await expect(one.queue('m').commit(claim, [], 'yield')).resolves.toBeDefined();
  });

  it('replaces a session that was lost once, however many heartbeats piled up meanwhile', async () => {
    const store = await openStore();
    const [paused, other] = await openWorkers(store);
    await silence(store, paused);
    await other.session.reap();

    await Promise.all(Array.from({ length: 5 }, () => paused.session.beat()));

    const sessions = await store.redis.zrange(store.keys.sessions(PARTITION), '0', '-1');
    expect(sessions.toSorted()).toEqual([paused.session.id, other.session.id].toSorted());
  });
});
