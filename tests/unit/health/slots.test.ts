import { describe, expect, it } from 'vitest';
import { Slots } from '../../../src/health/slots.ts';
import { defer } from '../../support/core.ts';

const never = new AbortController().signal;

describe('places', () => {
  it('OM-161 of a pool of two the third waits, and runs when one is free', async () => {
    const slots = new Slots(() => ({ places: 2, waitMs: 60_000 }));
    const [first, second] = [defer(), defer()];
    const began: number[] = [];
    const run = (n: number, until = Promise.resolve()) =>
      slots.run(async () => {
        began.push(n);
        await until;
        return n;
      }, never);

    const running = [run(1, first.promise), run(2, second.promise), run(3)];
    await Promise.resolve();
    await Promise.resolve();
    const before = { began: [...began], use: slots.use };
    first.resolve();
    await running[0];

    expect(before).toEqual({ began: [1, 2], use: { taken: 2, waiting: 1 } });
    expect(await running[2]).toBe(3);
    second.resolve();
    await running[1];
    expect(began).toEqual([1, 2, 3]);
  });

  it('OM-161 says so when there was no place in time, and begins nothing then', async () => {
    const slots = new Slots(() => ({ places: 1, waitMs: 1 }));
    const busy = defer();
    const first = slots.run(() => busy.promise, never);
    let began = false;

    const late = slots.run(async () => {
      began = true;
    }, never);

    await expect(late).rejects.toMatchObject({ code: 'NO_SLOT', places: 1 });
    busy.resolve();
    await first;
    expect(await slots.run(async () => 'next', never)).toBe('next');
    expect(began).toBe(false);
  });

  it('lets go of whoever breaks off while it waits', async () => {
    const slots = new Slots(() => ({ places: 1, waitMs: 60_000 }));
    const busy = defer();
    const first = slots.run(() => busy.promise, never);
    const impatient = new AbortController();

    const waiting = slots.run(async () => 'never', impatient.signal);
    impatient.abort(new Error('enough'));

    await expect(waiting).rejects.toThrow('enough');
    busy.resolve();
    await first;
  });

  it('has as many places as are configured now', async () => {
    let places = 1;
    const slots = new Slots(() => ({ places, waitMs: 60_000 }));
    const busy = defer();
    const first = slots.run(() => busy.promise, never);

    places = 2;

    expect(await slots.run(async () => 'beside it', never)).toBe('beside it');
    busy.resolve();
    await first;
  });
});
