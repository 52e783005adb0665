import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Positions } from '../../gateways/discord/positions.ts';
import type { PlaceMarks, Places } from '../../src/domain/gateway.ts';
import { createRedis, type RedisClient } from '../../src/redis/client.ts';
import { Keys } from '../../src/redis/keys.ts';
import { PlaceStore } from '../../src/redis/place-store.ts';
import { testRedis } from '../support/redis.ts';

const NAME = 'discord:1:positions';

let redis: RedisClient;
let keys: Keys;
let places: PlaceStore;

beforeAll(() => {
  redis = createRedis(testRedis().url, 'test');
});
afterAll(() => {
  redis.disconnect();
});
beforeEach(() => {
  keys = new Keys(testRedis().prefix);
  places = new PlaceStore(redis, keys);
});

const positions = () => new Positions(places, NAME);

describe('reading positions', () => {
  it('move forward only', () => {
    const ours = positions();

    ours.follow('7', '100');
    ours.follow('7', '99');
    ours.pass('7', '98');

    expect(ours.after('7')).toBe('100');
  });

  it('compare ids as numbers, whatever their length', () => {
    const ours = positions();

    ours.follow('7', '999');
    ours.pass('7', '1000');

    expect(ours.after('7')).toBe('1000');
  });

  it('pass over what is said only where we are part of it', () => {
    const ours = positions();

    ours.pass('7', '100');
    ours.begin('8', '100');
    ours.begin('8', '200');

    expect(ours.channels()).toEqual(['8']);
    expect(ours.after('8')).toBe('100');
  });

  it('are there again after a restart, to the last digit', async () => {
    const before = positions();
    before.follow('7', '1442345678901234567');
    await before.save();

    const after = positions();
    await after.load();

    expect(after.after('7')).toBe('1442345678901234567');
  });

  it('of several processes are kept together: none takes away what another has read', async () => {
    const [first, second] = [positions(), positions()];
    first.follow('7', '100');
    await first.save();
    second.follow('8', '300');
    second.follow('7', '99');
    await second.save();

    const third = positions();
    await third.load();

    expect(new Map(third.channels().map((channel) => [channel, third.after(channel)]))).toEqual(
      new Map([
        ['7', '100'],
        ['8', '300'],
      ]),
    );
  });

  it('begun by a process that knew nothing of a channel do not pass over what another has yet to read', async () => {
    const [first, second] = [positions(), positions()];
    first.follow('7', '100');
    await first.save();
    second.begin('7', '200');
    await second.save();
    await second.load();

    expect(second.after('7')).toBe('100');
    expect(await places.load(NAME)).toEqual(new Map([['7', '100']]));
  });

  it('keep the channels last active, in memory and in the store', async () => {
    const ours = positions();
    for (let channel = 1; channel <= 201; channel++) ours.follow(String(channel), String(channel));
    await ours.save();
    const another = positions();
    another.follow('998', '500');
    another.follow('999', '501');
    await another.save();

    const kept = await places.load(NAME);
    expect(ours.channels()).toHaveLength(200);
    expect(ours.channels()).not.toContain('1');
    expect(kept.size).toBe(201); // and up to where everything was listened to
    expect([kept.has('2'), kept.has('3'), kept.has('999')]).toEqual([false, true, true]);
  });

  it('of a channel that is forgotten are gone for all', async () => {
    const ours = positions();
    ours.follow('7', '100');
    await ours.save();
    ours.forget('7');
    await ours.save();

    expect(await places.load(NAME)).toEqual(new Map());
  });

  it('begin anew where what was kept is not a position', async () => {
    const broken: PlaceMarks = { read: new Map([['c', '5']]), begun: new Map([['5', 'x']]), forgotten: [] };
    await places.advance(NAME, broken, 10);
    const ours = positions();

    await ours.load();

    expect(ours.channels()).toEqual([]);
  });

  it('are written again after a write that failed', async () => {
    const away = createRedis('redis://127.0.0.1:1', 'test');
    away.on('error', () => undefined);
    const failing: Places = {
      load: (name) => places.load(name),
      advance: (...marks) => new PlaceStore(isAway ? away : redis, keys).advance(...marks),
    };
    let isAway = true;
    const ours = new Positions(failing, NAME);
    ours.follow('7', '100');
    const saving = ours.save();
    away.disconnect();
    await expect(saving).rejects.toThrow();

    isAway = false;
    await ours.save();

    expect(await places.load(NAME)).toEqual(new Map([['7', '100']]));
  });

  it('in the store are the furthest anybody has read, in whatever order it is told', async () => {
    const mark = fc.tuple(fc.constantFrom('1', '2', '3'), fc.bigInt({ min: 0n, max: 10n ** 19n }));
    await fc.assert(
      fc.asyncProperty(fc.array(mark, { minLength: 1, maxLength: 12 }), async (marks) => {
        const store = new PlaceStore(redis, new Keys(testRedis().prefix));
        for (const [place, position] of marks) {
          const read = new Map([[place, String(position)]]);
          await store.advance(NAME, { read, begun: new Map(), forgotten: [] }, 10);
        }
        const furthest = new Map<string, string>();
        for (const [place, position] of marks) {
          if (position >= BigInt(furthest.get(place) ?? 0)) furthest.set(place, String(position));
        }
        expect(await store.load(NAME)).toEqual(furthest);
      }),
      { numRuns: 50 },
    );
  });

  it('hold up to where everything was listened to, which only ever moves on', async () => {
    const [first, second] = [positions(), positions()];
    expect(first.listenedUntil()).toBeUndefined();
    first.listen('500');
    first.listen('400');
    await first.save();

    await second.load();

    expect(second.listenedUntil()).toBe('500');
    expect(second.channels()).toEqual([]);
  });

  it('begin as far back as anything says that there may be something for us', () => {
    const ours = positions();
    ours.hear('7', '500');
    ours.hear('7', '300');
    ours.hear('7', '400');
    expect(ours.after('7')).toBe('300');

    ours.pass('7', '600');
    expect(ours.after('7')).toBe('600');
    ours.leave('7');
    expect(ours.after('7')).toBeUndefined();
  });
});
