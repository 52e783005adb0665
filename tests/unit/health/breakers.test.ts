import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/domain/clock.ts';
import { Breakers, CutOffError, type Health } from '../../../src/health/breakers.ts';
import { defer, silent } from '../../support/core.ts';
import { readableLog } from '../../support/email.ts';

const COOL_DOWN_MS = 30_000;

let breakers: Breakers;
let changes: Health[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  breakers = new Breakers(() => ({ failures: 5, coolDownMs: COOL_DOWN_MS }), systemClock, silent);
  changes = [];
  breakers.onChange((health) => changes.push(health));
});

afterEach(() => vi.useRealTimers());

const fail = () =>
  breakers.of('model:a').run(
    () => Promise.reject(new Error('it is down')),
    () => 'away',
  );
const work = () =>
  breakers.of('model:a').run(
    async () => 'fine',
    () => 'away',
  );

const breakOff = () =>
  breakers.of('model:a').run(
    () => Promise.reject(new Error('enough')),
    () => 'broken-off',
  );

async function cutOff(): Promise<void> {
  for (let n = 0; n < 5; n++) await expect(fail()).rejects.toThrow('it is down');
}

describe('a breaker', () => {
  it('OM-141 cuts a service off after five failures in a row, and calls fail fast', async () => {
    await cutOff();
    const called = vi.fn(async () => 'fine');

    await expect(breakers.of('model:a').run(called, () => 'away')).rejects.toThrow(CutOffError);

    expect(called).not.toHaveBeenCalled();
    expect(breakers.health()).toEqual([
      expect.objectContaining({ name: 'model:a', state: 'OPEN', reason: 'it is down' }),
    ]);
  });

  it('OM-141 stays closed while anything works in between', async () => {
    for (let n = 0; n < 4; n++) await expect(fail()).rejects.toThrow('it is down');
    await work();
    for (let n = 0; n < 4; n++) await expect(fail()).rejects.toThrow('it is down');

    expect(await work()).toBe('fine');
    expect(changes).toEqual([]);
  });

  it('OM-141 probes once after the cool-down; a probe that works closes it', async () => {
    await cutOff();
    vi.setSystemTime(Date.now() + COOL_DOWN_MS);
    const probe = defer<string>();

    const probing = breakers.of('model:a').run(
      () => probe.promise,
      () => 'away',
    );
    await expect(work()).rejects.toThrow(CutOffError); // one probe at a time
    probe.resolve('back');

    expect(await probing).toBe('back');
    expect(await work()).toBe('fine');
    expect(changes.map(({ state }) => state)).toEqual(['OPEN', 'HALF_OPEN', 'CLOSED']);
  });

  it('OM-141 opens again when the probe fails, for another cool-down', async () => {
    await cutOff();
    vi.setSystemTime(Date.now() + COOL_DOWN_MS);

    await expect(fail()).rejects.toThrow('it is down');
    vi.setSystemTime(Date.now() + COOL_DOWN_MS - 1);

    await expect(work()).rejects.toMatchObject({ code: 'CUT_OFF', retryAfterMs: 1 });
    expect(changes.map(({ state }) => state)).toEqual(['OPEN', 'HALF_OPEN', 'OPEN']);
  });

  it('OM-141 stays open when its probe is broken off, and the next call is the probe', async () => {
    await cutOff();
    vi.setSystemTime(Date.now() + COOL_DOWN_MS);

    await expect(breakOff()).rejects.toThrow('enough');

    expect(breakers.health()).toEqual([
      expect.objectContaining({ name: 'model:a', state: 'OPEN', reason: 'it is down' }),
    ]);
    expect(await work()).toBe('fine');
    expect(changes.map(({ state }) => state)).toEqual(['OPEN', 'HALF_OPEN', 'OPEN', 'HALF_OPEN', 'CLOSED']);
  });

  it('OM-141 waits for a whole cool-down when the probe after one that was broken off fails', async () => {
    await cutOff();
    vi.setSystemTime(Date.now() + COOL_DOWN_MS);
    await expect(breakOff()).rejects.toThrow('enough');

    await expect(fail()).rejects.toThrow('it is down');

    await expect(work()).rejects.toMatchObject({ code: 'CUT_OFF', retryAfterMs: COOL_DOWN_MS });
  });

  it('says in the log that a probe was broken off, neither that the service fails nor that it works', async () => {
    const { log, lines } = readableLog();
    breakers = new Breakers(() => ({ failures: 5, coolDownMs: COOL_DOWN_MS }), systemClock, log);
    await cutOff();
    vi.setSystemTime(Date.now() + COOL_DOWN_MS);

    await expect(breakOff()).rejects.toThrow('enough');

    expect(lines.map(({ msg }) => msg)).toEqual([
      'a service fails; it is cut off for a while',
      'a service that was cut off is tried again',
      'the call that tried a service again was broken off; the next one tries it',
    ]);
  });

  it('takes a call that was broken off for no failure, also one that began before the service was cut off', async () => {
    const slow = defer();
    const early = breakers.of('model:a').run(
      () => slow.promise.then(() => Promise.reject(new Error('enough'))),
      () => 'broken-off',
    );
    for (let n = 0; n < 9; n++) await expect(breakOff()).rejects.toThrow('enough');
    expect(breakers.health()).toMatchObject([{ state: 'CLOSED' }]);
    await cutOff();

    slow.resolve();

    await expect(early).rejects.toThrow('enough');
    await expect(work()).rejects.toThrow(CutOffError);
  });

  it('counts only what says that the service is away', async () => {
    for (let n = 0; n < 9; n++) {
      const refused = breakers.of('model:a').run(
        () => Promise.reject(new Error('no')),
        () => 'answered',
      );
      await expect(refused).rejects.toThrow('no');
    }

    expect(await work()).toBe('fine');
  });

  it('is one for each service', async () => {
    await cutOff();

    expect(
      await breakers.of('model:b').run(
        async () => 'fine',
        () => 'away',
      ),
    ).toBe('fine');
  });
});
