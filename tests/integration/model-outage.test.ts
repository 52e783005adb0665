/** Since when the language model is away, as several processes see it. */
import { describe, expect, it } from 'vitest';
import { ModelOutage } from '../../src/escalation/model-outage.ts';
import { openStore, type Store } from '../support/core.ts';

const MINUTE = 60_000;

/** The store's time jumps ahead. */
async function pass({ redis, keys }: Store, ms: number): Promise<void> {
  const clock = `${keys.partition(0)}clock`;
  await redis.set(clock, Math.max(Number(await redis.get(clock)), Date.now()) + ms);
}

describe('an outage of the model', () => {
  it('begins with the first who notes it, goes on whoever notes it, and is over when it answers anybody', async () => {
    const store = await openStore();
    const [one, other] = [new ModelOutage(store.redis, store.keys), new ModelOutage(store.redis, store.keys)];

    const first = await one.note(MINUTE);
    await pass(store, 7 * MINUTE);
    const second = await other.note(MINUTE);

    expect(first.forMs).toBe(0);
    expect(second.sinceMs).toBe(first.sinceMs);
    expect(second.forMs).toBeGreaterThanOrEqual(7 * MINUTE);
    expect([await other.end(), await one.end()]).toEqual([true, false]);
    expect((await one.note(MINUTE)).sinceMs).toBeGreaterThan(first.sinceMs);
  });

  it('is forgotten a while after its next try was due, so that the next one is another', async () => {
    const { redis, keys } = await openStore();

    await new ModelOutage(redis, keys).note(10 * MINUTE);

    const leftMs = await redis.pttl(keys.modelAway());
    expect(leftMs).toBeGreaterThan(14 * MINUTE);
    expect(leftMs).toBeLessThanOrEqual(15 * MINUTE);
  });
});
