import { describe, expect, it } from 'vitest';
import { SenderLimit } from '../../../src/router/sender-limit.ts';

function open(perMinute: number) {
  let nowMs = 0;
  const limit = new SenderLimit(() => perMinute, { now: () => nowMs });
  return {
    limit,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('the limit on what one person says', () => {
  it('counts a message once, however often it is delivered', async () => {
    const { limit } = open(2);

    const waits = [];
    for (const id of ['a', 'a', 'a', 'b', 'b', 'a']) waits.push(await limit.waitMs('alex', id));

    expect(waits).toEqual([0, 0, 0, 0, 0, 0]);
    expect(await limit.waitMs('alex', 'c')).toBeGreaterThan(0);
  });

  it('takes what it let through for known when it comes again in the next minute', async () => {
    const { limit, advance } = open(1);
    await limit.waitMs('alex', 'a');

    advance(61_000);

    expect(await limit.waitMs('alex', 'a')).toBe(0);
  });

  it('refuses a refused message again, and nobody else with it', async () => {
    const { limit } = open(1);
    await limit.waitMs('alex', 'a');

    expect(await limit.waitMs('alex', 'b')).toBeGreaterThan(0);
    expect(await limit.waitMs('alex', 'b')).toBeGreaterThan(0);
    expect(await limit.waitMs('dana', 'd')).toBe(0);
  });

  it('lets two deliveries of one message at the same time through as one', async () => {
    const { limit } = open(1);

    expect(await Promise.all([limit.waitMs('alex', 'a'), limit.waitMs('alex', 'a')])).toEqual([0, 0]);
  });
});
