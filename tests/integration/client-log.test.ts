import { describe, expect, it, onTestFinished } from 'vitest';
import { type ClientLogBounds, RedisClientLog } from '../../src/delivery/client-log.ts';
import { openStore, type Store } from '../support/core.ts';
import { testRedis } from '../support/redis.ts';
import { everything } from '../support/stored.ts';

async function openLog(bounds?: Partial<ClientLogBounds>, store?: Store): Promise<RedisClientLog> {
  const { redis, keys } = store ?? (await openStore());
  const log = new RedisClientLog(redis, keys, bounds);
  await log.start();
  onTestFinished(() => log.stop());
  return log;
}

const NEVER = new AbortController().signal;

describe('the log of a client', () => {
  it('keeps events in order, each under the next position', async () => {
    const log = await openLog();

    expect(await log.append('a', 'one', '1')).toBe(1);
    expect(await log.append('a', 'two', '2')).toBe(2);
    expect(await log.append('b', 'one', 'other')).toBe(1);

    expect(await log.read('a', 0, 10)).toEqual({
      events: [
        { position: 1, event: '1' },
        { position: 2, event: '2' },
      ],
      missed: false,
      next: 2,
    });
    expect(await log.read('a', 1, 10)).toEqual({
      events: [{ position: 2, event: '2' }],
      missed: false,
      next: 2,
    });
    expect(await log.read('a', 2, 10)).toEqual({ events: [], missed: false, next: 2 });
    expect((await log.read('a', 0, 1)).events).toHaveLength(1);
  });

  it('appends once per key, whoever repeats it', async () => {
    const { url, prefix } = testRedis();
    const [one, other] = [
      await openLog({}, await openStore({ url, prefix })),
      await openLog({}, await openStore({ url, prefix })),
    ];

    const positions = await Promise.all([one, other, one, other].map((log) => log.append('a', 'k', 'e')));

    expect(positions).toEqual([1, 1, 1, 1]);
    expect((await other.read('a', 0, 10)).events).toEqual([{ position: 1, event: 'e' }]);
  });

  it('drops the oldest beyond its bounds, and tells who missed something', async () => {
    const log = await openLog({ events: 3, bytes: 20 });
    for (let n = 1; n <= 5; n++) await log.append('a', `k${n}`, `e${n}`);

    expect((await log.read('a', 0, 10)).events.map(({ position }) => position)).toEqual([3, 4, 5]);
    expect((await log.read('a', 1, 10)).missed).toBe(true);
    expect((await log.read('a', 2, 10)).missed).toBe(false);

    await log.append('a', 'large', 'x'.repeat(100));
    expect((await log.read('a', 5, 10)).events).toEqual([{ position: 6, event: 'x'.repeat(100) }]);
    expect((await log.read('a', 4, 10)).missed).toBe(true);
  });

  it('begins anew for a position of a log that is gone', async () => {
    const log = await openLog();
    await log.append('a', 'k', 'e');

    expect(await log.read('a', 7, 10)).toEqual({
      events: [{ position: 1, event: 'e' }],
      missed: true,
      next: 1,
    });
    await log.changed('a', 7, NEVER);
  });

  it('is forgotten as a whole, read or not, and who reads on is told and gets what comes after', async () => {
    const store = await openStore();
    const log = await openLog({ bytes: 10 }, store);
    for (const client of ['a', 'b']) for (const n of [1, 2]) await log.append(client, `k${n}`, `word ${n}`);

    expect(await log.kept('a')).toBe(1);
    expect(await log.erase('a')).toBe(1);
    expect(await log.erase('a')).toBe(0);

    const stored = (await everything(store.redis, store.keys)).filter((each) => each.includes('word'));
    expect(stored.map((each) => each.split(' ')[0])).toEqual([store.keys.clientEvents('b')]);
    expect(await log.read('a', 0, 10)).toEqual({ events: [], missed: true, next: 2 });
    expect(await log.read('a', 1, 10)).toEqual({ events: [], missed: true, next: 2 });
    expect(await log.read('a', 2, 10)).toEqual({ events: [], missed: false, next: 2 });
    const changed = log.changed('a', 2, NEVER);
    expect(await log.append('a', 'k3', 'word 33')).toBe(3);
    await changed;
    const later = [{ position: 3, event: 'word 33' }];
    expect(await log.read('a', 2, 10)).toEqual({ events: later, missed: false, next: 3 });
    expect(await log.read('a', 1, 10)).toEqual({ events: later, missed: true, next: 3 });
    expect(await log.append('a', 'k1', 'word 1')).toBe(1);
  });

  it('names every client something was ever kept for', async () => {
    const log = await openLog();
    for (const client of ['a', 'b-2']) await log.append(client, 'k', 'e');
    await log.erase('a');

    const clients = new Set<string>();
    for await (const client of log.clients()) clients.add(client);

    expect([...clients].toSorted()).toEqual(['a', 'b-2']);
  });

  it('wakes who waits in another process', async () => {
    const { url, prefix } = testRedis();
    const never = { lookAgainMs: 3_600_000 };
    const reader = await openLog(never, await openStore({ url, prefix }));
    const writer = await openLog(never, await openStore({ url, prefix }));

    const changed = reader.changed('a', 0, NEVER);
    await writer.append('a', 'k', 'e');

    await changed;
  });

  it('looks again when a bell was lost, and stops when it is told to', async () => {
    const { redis, keys } = await openStore();
    const deaf = new RedisClientLog(redis, keys, { lookAgainMs: 5 });
    const enough = new AbortController();

    const changed = deaf.changed('a', 0, NEVER);
    await deaf.append('a', 'k', 'e');
    const stopped = deaf.changed('a', 1, enough.signal);

    await changed;
    enough.abort();
    await stopped;
  });
});
