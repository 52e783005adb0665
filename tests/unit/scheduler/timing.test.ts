import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextAfter, nextRuns, readWish, type Wish } from '../../../src/scheduler/timing.ts';
import { runs } from '../../support/property-runs.ts';

const NOW = Date.parse('2026-03-27T12:00:00Z');
const FIVE_MINUTES = 5 * 60_000;
const BERLIN = 'Europe/Berlin';
const read = (wish: Partial<Wish>) =>
  readWish({ kind: wish.at === undefined ? 'cron' : 'once', zone: BERLIN, ...wish }, NOW, FIVE_MINUTES);
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

function whenOf(wish: Partial<Wish>) {
  const found = read(wish);
  if ('problem' in found) throw new Error(found.problem);
  return found.when;
}

describe('a time somebody names', () => {
  it('is that of the clock in the zone they mean', () => {
    expect(iso(nextAfter(whenOf({ at: '2026-03-28T09:00' }), NOW))).toBe('2026-03-28T08:00:00.000Z');
    expect(iso(nextAfter(whenOf({ at: '2026-03-30T09:00' }), NOW))).toBe('2026-03-30T07:00:00.000Z');
    expect(iso(nextAfter(whenOf({ at: '2026-03-28T09:00', zone: 'Asia/Tokyo' }), NOW))).toBe(
      '2026-03-28T00:00:00.000Z',
    );
  });

  it('stands for the jump where clocks skip it', () => {
    expect(iso(nextAfter(whenOf({ at: '2026-03-29T02:30' }), NOW))).toBe('2026-03-29T01:00:00.000Z');
  });

  it('stays nine in the morning when clocks change', () => {
    const when = whenOf({ cron: '0 9 * * 1-5' });

    expect(nextRuns(when, NOW, 2).map(iso)).toEqual(['2026-03-30T07:00:00.000Z', '2026-03-31T07:00:00.000Z']);
    expect(iso(nextAfter(when, Date.parse('2026-10-23T12:00:00Z')))).toBe('2026-10-26T08:00:00.000Z');
  });

  it.each([
    [{ at: '2026-03-27T12:59' }, 'is over'],
    [{ at: 'tomorrow' }, 'must be a local time'],
    [{ at: '2026-02-30T09:00' }, 'there is no 2026-02-30T09:00'],
    [{ at: '2027-04-30T09:00' }, 'more than a year away'],
    [{ at: '2026-03-28T09:00', zone: '+01:00' }, 'is no time zone'],
    [{ cron: '0 9 * *' }, 'must be five fields'],
    [{ cron: '0 0 9 * * *' }, 'must be five fields'],
    [{ cron: '@daily' }, 'must be five fields'],
    [{ cron: '61 9 * * *' }, 'is no cron expression'],
    [{ cron: '0 0 30 2 *' }, 'is never'],
    [{ cron: '* * * * *' }, 'every 1 minutes; the shortest is 5'],
    [{ cron: '0,4 9 1 * *' }, 'every 4 minutes; the shortest is 5'],
  ])('is refused where it cannot be: %j', (wish, problem) => {
    expect(read(wish)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('OM-111 never comes more often than it may, whatever the expression', () => {
    const minute = fc.oneof(
      fc.integer({ min: 0, max: 59 }).map(String),
      fc.integer({ min: 1, max: 59 }).map((step) => `*/${step}`),
      fc
        .uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 4 })
        .map((all) => all.join(',')),
    );
    const hour = fc.oneof(fc.constant('*'), fc.integer({ min: 0, max: 23 }).map(String), fc.constant('9-17'));
    fc.assert(
      fc.property(minute, hour, fc.constantFrom('*', '1', '1-5', 'MON'), (minutes, hours, days) => {
        const found = read({ cron: `${minutes} ${hours} * * ${days}`, zone: 'UTC' });
        if ('problem' in found) return;

        const times = nextRuns(found.when, NOW, 50);

        expect(times.every((time, n) => n === 0 || time - times[n - 1]! >= FIVE_MINUTES)).toBe(true);
      }),
      { numRuns: runs(60) },
    );
  });
});
