/** Who speaks for a conversation, on a real Redis, as several processes see it. */
import { describe, expect, it } from 'vitest';
import { ControlStore, ticketFor } from '../../src/control/control-store.ts';
import { ControlTimers } from '../../src/control/control-timers.ts';
import { finishHandback, handBack, requestHandoff, takeOver } from '../../src/domain/control.ts';
import { ControlMovedError } from '../../src/domain/errors.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { MailboxItem } from '../../src/domain/mailbox-item.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { openStore, openWorker, type Store, silent } from '../support/core.ts';

const TALK = ConversationId.parse('slack:T:C:1');
const DANA = { person: PersonId.parse('dana'), name: 'Dana' };
const OSKAR = { person: PersonId.parse('oskar'), name: 'Oskar' };
const IDLE_MS = 60_000;
const KEEP_MS = 3_600_000;

function controlsOf({ redis, keys }: Store): ControlStore {
  return new ControlStore(redis, keys, new EffectWriter(redis, keys), () => KEEP_MS);
}

const taken = (by: typeof DANA) => (control: Parameters<typeof takeOver>[0], nowMs: number) =>
  takeOver(control, { by, permitted: true, idleMs: IDLE_MS }, nowMs);

describe('the store of who speaks', () => {
  it('begins with the agent, at epoch 0, without a record', async () => {
    const controls = controlsOf(await openStore());

    expect(await controls.find(TALK)).toMatchObject({ state: 'BOT', epoch: 0, rev: 0 });
    expect(await controls.epochOf(TALK)).toBe(0);
    expect(await controls.away(10)).toEqual([]);
  });

  it('is seen by every process at once, and found by its ticket', async () => {
    const store = await openStore();
    await controlsOf(store).apply(TALK, taken(DANA));
    const other = controlsOf(await openStore({ url: store.url, prefix: store.keys.prefix }));

    expect(await other.epochOf(TALK)).toBe(1);
    expect(await other.find(TALK)).toMatchObject({ state: 'HUMAN', owner: DANA });
    expect(await other.named(ticketFor(TALK))).toBe(TALK);
    expect((await other.away(10)).map(({ conversationId }) => conversationId)).toEqual([TALK]);
  });

  it('is found by its ticket once people are called to it, and for no less than before', async () => {
    const store = await openStore();
    const controls = controlsOf(store);
    const ticket = ticketFor(TALK);
    const key = store.keys.controlTicket(Number(/p(\d+)/.exec(ticket)?.[1]), ticket);

    const before = await controls.named(ticket);
    await controls.noteTicket(TALK);
    const called = { named: await controls.named(ticket), leftMs: await store.redis.pttl(key) };
    await controls.apply(TALK, taken(DANA));
    await controls.noteTicket(TALK);

    expect(before).toBeUndefined();
    expect(called.named).toBe(TALK);
    expect(called.leftMs).toBeGreaterThan(0);
    expect(await store.redis.pttl(key)).toBe(-1);
  });

  it('C2 has one line of controllers, however many people take it over at the same time', async () => {
    const store = await openStore();
    const stores = [controlsOf(store), controlsOf(store)];
    const people = Array.from({ length: 12 }, (_, n) => ({ person: PersonId.parse(`p${n}`), name: `P${n}` }));

    const results = await Promise.all(people.map((by, n) => stores[n % 2]!.apply(TALK, taken(by))));

    expect(results.map((result) => result?.code)).toEqual(people.map(() => 'TAKEN'));
    const epochs = results.map((result) => result?.control.epoch ?? 0).toSorted((a, b) => a - b);
    expect(epochs).toEqual(people.map((_, n) => n + 1));
    expect(await stores[0]!.epochOf(TALK)).toBe(12);
  });

  it('does a gesture once, whatever has happened since', async () => {
    const controls = controlsOf(await openStore());
    const once = { key: 'control:m1', forMs: KEEP_MS };
    await controls.apply(TALK, taken(DANA), { once });
    await controls.apply(TALK, (control, nowMs) => handBack(control, { by: DANA, permitted: true }, nowMs));

    expect(await controls.apply(TALK, taken(DANA), { once })).toBeUndefined();
    expect((await controls.find(TALK)).state).toBe('HANDBACK_PENDING');
  });

  it('C1 C3 refuses a commit that was decided under another epoch, whole, and leaves the item where it is', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const controls = controlsOf(store);
    const queue = worker.queue('m');
    const posted = await worker.mailbox.post({
      conversationId: TALK,
      item: { kind: 'handback', id: 'i', correlation: 'i', epoch: 0 },
      whose: 'any',
      takeNow: true,
    });
    if (posted.kind !== 'taken') throw new Error(posted.kind);
    const untaken = await controls.find(TALK);
    await controls.apply(TALK, taken(DANA));
    const entry = { kind: 'event' as const, text: 'said too late', at: '2026-01-01T00:00:00.000Z' };

    const commit = queue.commit(
      posted.claim,
      [{ kind: 'entry', conversationId: TALK, entry, keepMs: KEEP_MS }, controls.guardOf(untaken)],
      'more',
    );

    await expect(commit).rejects.toBeInstanceOf(ControlMovedError);
    expect(await store.redis.exists(store.keys.transcript(TALK))).toBe(0);
    expect(await store.redis.llen(store.keys.items(partitionOf(TALK), 'm', TALK))).toBe(1);
    // The lane is still in the caller's hands.
    await queue.commit(posted.claim, [controls.guardOf(await controls.find(TALK))], 'yield');
    expect(await store.redis.exists(store.keys.items(partitionOf(TALK), 'm', TALK))).toBe(0);
  });

  it('puts what was held back in line, in order, when the agent speaks again, and not before', async () => {
    const store = await openStore();
    const controls = controlsOf(store);
    const writer = new EffectWriter(store.redis, store.keys);
    await controls.apply(TALK, taken(DANA));
    const items = ['a', 'b', 'c'].map(
      (id): MailboxItem => ({ kind: 'handback', id, correlation: id, epoch: 0 }),
    );
    await writer.write(
      TALK,
      items.map((item) => ({ kind: 'hold', conversationId: TALK, item })),
    );
    const inLine = async () =>
      (await store.redis.lrange(store.keys.items(partitionOf(TALK), 'm', TALK), 0, -1)).map(
        (json) => (JSON.parse(json) as MailboxItem).id,
      );

    await controls.apply(TALK, taken(OSKAR));
    await controls.apply(TALK, (control, nowMs) => handBack(control, { by: OSKAR, permitted: true }, nowMs));
    const before = await inLine();
    await controls.apply(TALK, (control, nowMs) => finishHandback(control, control.epoch, nowMs));

    expect(before).toEqual([]);
    expect(await inLine()).toEqual(['a', 'b', 'c']);
    expect(await store.redis.exists(store.keys.heldBack(TALK))).toBe(0);
  });

  it('wakes a mailbox that was parked while a human was waited for', async () => {
    const store = await openStore();
    const worker = await openWorker(store);
    const controls = controlsOf(store);
    const queue = worker.queue('m');
    const posted = await worker.mailbox.post({
      conversationId: TALK,
      item: { kind: 'handback', id: 'i', correlation: 'i', epoch: 0 },
      whose: 'any',
      takeNow: true,
    });
    if (posted.kind !== 'taken') throw new Error(posted.kind);
    await controls.apply(TALK, (control, nowMs) =>
      requestHandoff(control, { by: { kind: 'agent' } }, { waitMs: KEEP_MS }, nowMs),
    );
    await queue.retryLater(posted.claim, KEEP_MS, 'free');
    expect(await queue.claim(partitionOf(TALK), 1, new Set())).toEqual([]);

    await controls.apply(TALK, taken(DANA));

    const [claim] = await queue.claim(partitionOf(TALK), 1, new Set());
    expect(claim).toMatchObject({ lane: TALK, attempt: 1 });
  });

  it('C4 leads back to the agent by time alone, in whichever process looks, and each step happens once', async () => {
    const store = await openStore();
    const stores = [controlsOf(store), controlsOf(store)];
    const timers = stores.map((controls) => new ControlTimers(controls, silent));
    await stores[0]!.apply(TALK, taken(DANA));
    const partition = partitionOf(TALK);
    const look = async (afterMs: number) => {
      const { nowMs } = await stores[0]!.read(TALK);
      await store.redis.set(`${store.keys.partition(partition)}clock`, nowMs + afterMs);
      await Promise.all(timers.map((each) => each.sweep(partition, 10)));
      return stores[0]!.find(TALK);
    };

    expect(await look(IDLE_MS - 5_000)).toMatchObject({ state: 'HUMAN', epoch: 1 });
    expect(await look(6_000)).toMatchObject({ state: 'HANDBACK_PENDING', epoch: 2 });
    expect(await look(60_000)).toMatchObject({ state: 'BOT', epoch: 3 });
    expect(await stores[0]!.away(10)).toEqual([]);
  });

  it('C4 keeps the end of a takeover that comes while another process still looks at what was before', async () => {
    const store = await openStore();
    const controls = controlsOf(store);
    const partition = partitionOf(TALK);
    await store.redis.zadd(store.keys.controlTimers(partition), 1, TALK);
    // Whoever looks has found that the agent speaks; only then is it taken over.
    const slow = new Proxy(store.redis, {
      get: (redis, name) => {
        if (name !== 'evalsha') return Reflect.get(redis, name, redis);
        return async (...args: Parameters<typeof redis.evalsha>) => {
          if (args.includes(TALK) && args.at(-1) === '') await controls.apply(TALK, taken(DANA));
          return redis.evalsha(...args);
        };
      },
    });

    await controlsOf({ ...store, redis: slow }).tick(TALK);

    expect(await store.redis.zscore(store.keys.controlTimers(partition), TALK)).not.toBeNull();
    expect((await controls.away(10)).map(({ state }) => state)).toEqual(['HUMAN']);
  });

  it('forgets a conversation that is the agent’s again, after a while, and never one that is not', async () => {
    const store = await openStore();
    const controls = controlsOf(store);
    await controls.apply(TALK, taken(DANA));
    expect(await store.redis.pttl(store.keys.control(TALK))).toBe(-1);

    await controls.apply(TALK, (control, nowMs) => handBack(control, { by: DANA, permitted: true }, nowMs));
    await controls.apply(TALK, (control, nowMs) => finishHandback(control, control.epoch, nowMs));

    expect(await store.redis.pttl(store.keys.control(TALK))).toBeGreaterThan(0);
  });
});
