/** Who is told that the model is away, as several processes see it. */
import { describe, expect, it } from 'vitest';
import { ConversationId } from '../../src/domain/ids.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { DelayMarks } from '../../src/router/delay-marks.ts';
import { openStore, type Store } from '../support/core.ts';

const MINUTE = 60_000;
const HERE = ConversationId.parse('slack:T0:C0:1');

/** The store's time jumps ahead. */
async function pass({ redis, keys }: Store, ms: number): Promise<void> {
  const clock = `${keys.partition(partitionOf(HERE))}clock`;
  await redis.set(clock, Math.max(Number(await redis.get(clock)), Date.now()) + ms);
}

async function open() {
  const store = await openStore();
  return {
    store,
    one: new DelayMarks(store.redis, store.keys),
    other: new DelayMarks(store.redis, store.keys),
  };
}

describe('that the model is away', () => {
  it('OM-140 is told by the first item of a conversation that waits, at each of its tries, and by no other', async () => {
    const { one, other } = await open();

    expect(await one.isTold(HERE, 'first', MINUTE)).toBe(true);
    expect(await other.isTold(HERE, 'second', MINUTE)).toBe(false);
    expect(await other.isTold(HERE, 'first', MINUTE)).toBe(true);
    expect(await one.isTold(ConversationId.parse('slack:T0:C0:2'), 'second', MINUTE)).toBe(true);
  });

  it('OM-140 is told anew by what waits an hour after the item it was told by was tried last, however often that is tried', async () => {
    const { store, one } = await open();

    await one.isTold(HERE, 'first', MINUTE);
    await pass(store, 30 * MINUTE);
    await one.isTold(HERE, 'first', MINUTE);
    for (const item of ['second', 'third']) {
      await pass(store, 29 * MINUTE);
      expect(await one.isTold(HERE, item, MINUTE)).toBe(false);
    }
    await pass(store, 4 * MINUTE);

    expect(await one.isTold(HERE, 'third', MINUTE)).toBe(true);
    expect(await one.isTold(HERE, 'fourth', MINUTE)).toBe(false);
  });

  it('is not forgotten before the next try, however late that is, and is not kept for long after', async () => {
    const { store, one } = await open();

    await one.isTold(HERE, 'first', 60 * MINUTE);

    const leftMs = await store.redis.pttl(store.keys.delayed(HERE));
    expect(leftMs).toBeGreaterThan(119 * MINUTE);
    expect(leftMs).toBeLessThanOrEqual(120 * MINUTE);
  });
});
