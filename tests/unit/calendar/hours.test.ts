import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Calendar } from '../../../src/calendar/calendar.ts';
import { toHolidays } from '../../../src/calendar/holidays.ts';
import type { Hours } from '../../../src/calendar/hours.ts';
import { WorkingHours } from '../../../src/config/hours.ts';
import { DAY, HOUR, type WrittenHours } from '../../support/calendar-oracle.ts';
import { days, icalFile } from '../../support/calendars.ts';
import { runs } from '../../support/property-runs.ts';
import { microseconds } from '../../support/stopwatch.ts';

const at = (instant: string) => Date.parse(instant);
const iso = (instant: number | undefined) => instant && new Date(instant).toISOString();

/** Days off are dates, or the lines of events of an iCal file. */
function hoursOf(written: WrittenHours, daysOff: readonly (string | readonly string[])[] = []): Hours {
  const dates = daysOff.filter((day) => typeof day === 'string').map((date) => Date.parse(date));
  const events = daysOff.filter((day) => typeof day !== 'string');
  const listed = dates.map((date) => {
    const day = new Date(date);
    return { year: day.getUTCFullYear(), month: day.getUTCMonth() + 1, day: day.getUTCDate() };
  });
  const holidays = toHolidays(listed, events.length > 0 ? icalFile(...events) : undefined);
  return new Calendar({ holidays: new Map([['off', holidays]]) }).hours(
    WorkingHours.parse({ ...written, holidays: 'off' }),
  );
}

const OFFICE: WrittenHours = {
  time_zone: 'Europe/Berlin',
  days: { every_day: ['09:00-12:30', '13:30-18:00'], sat: [], sun: [] },
};
const NIGHT: WrittenHours = { time_zone: 'Europe/Berlin', days: { every_day: '22:00-06:00' } };

describe('hours', () => {
  it('are open from the first minute of a range to before its last', () => {
    const office = hoursOf(OFFICE);

    expect(office.isOpen(at('2026-11-23T07:59:59.999Z'))).toBe(false);
    expect(office.isOpen(at('2026-11-23T08:00:00.000Z'))).toBe(true);
    expect(office.isOpen(at('2026-11-23T11:29:59.999Z'))).toBe(true);
    expect(office.isOpen(at('2026-11-23T11:30:00.000Z'))).toBe(false);
    expect(office.isOpen(at('2026-11-22T10:00:00.000Z'))).toBe(false);
  });

  it('count no breaks, nights, weekends and days off', () => {
    const office = hoursOf(OFFICE, ['2026-11-24']);

    expect(office.elapsed(at('2026-11-20T16:00:00Z'), at('2026-11-25T09:00:00Z'))).toBe((1 + 8 + 1) * HOUR);
  });

  it('find when a wait is over, past a weekend', () => {
    const office = hoursOf(OFFICE);

    expect(iso(office.add(at('2026-11-20T16:30:00Z'), 2 * HOUR))).toBe('2026-11-23T09:30:00.000Z');
  });

  it('let a wait that would end as they close end when they open', () => {
    const office = hoursOf(OFFICE);

    expect(iso(office.add(at('2026-11-20T16:00:00Z'), HOUR))).toBe('2026-11-23T08:00:00.000Z');
    expect(iso(office.add(at('2026-11-20T20:00:00Z'), 0))).toBe('2026-11-23T08:00:00.000Z');
  });

  it('say when they begin and end next', () => {
    const office = hoursOf(OFFICE, ['2026-11-23']);
    const saturday = at('2026-11-21T10:00:00Z');
    const tuesday = at('2026-11-24T10:00:00Z');

    expect(iso(office.nextOpening(saturday))).toBe('2026-11-24T08:00:00.000Z');
    expect(office.nextOpening(tuesday)).toBe(tuesday);
    expect(iso(office.nextClosing(tuesday))).toBe('2026-11-24T11:30:00.000Z');
    expect(office.nextClosing(saturday)).toBe(saturday);
    expect(iso(office.nextChange(saturday))).toBe('2026-11-24T08:00:00.000Z');
  });

  it('go overnight into the next day, also into one without ranges of its own', () => {
    const friday = hoursOf({ time_zone: 'UTC', days: { fri: '22:00-06:00' } });

    expect(iso(friday.nextClosing(at('2026-11-20T23:00:00Z')))).toBe('2026-11-21T06:00:00.000Z');
  });

  it('are cut at both midnights of a day off', () => {
    const night = hoursOf(NIGHT, ['2026-11-24']);

    expect(iso(night.nextClosing(at('2026-11-23T22:00:00Z')))).toBe('2026-11-23T23:00:00.000Z');
    expect(iso(night.nextOpening(at('2026-11-24T12:00:00Z')))).toBe('2026-11-24T23:00:00.000Z');
  });

  it('begin at the jump when their first hour is skipped', () => {
    const early = hoursOf({ time_zone: 'Europe/Berlin', days: { sun: '02:30-05:00' } });

    expect(iso(early.nextOpening(at('2027-03-27T12:00:00Z')))).toBe('2027-03-28T01:00:00.000Z');
    expect(early.elapsed(at('2027-03-28T00:00:00Z'), at('2027-03-28T12:00:00Z'))).toBe(2 * HOUR);
  });

  it('last longer when the clock repeats an hour of them', () => {
    const night = hoursOf(NIGHT);

    expect(night.elapsed(at('2027-10-30T12:00:00Z'), at('2027-10-31T12:00:00Z'))).toBe(9 * HOUR);
    expect(night.elapsed(at('2027-03-27T12:00:00Z'), at('2027-03-28T12:00:00Z'))).toBe(7 * HOUR);
  });

  it('that end within a repeated hour end the first time, and do not begin again', () => {
    const late = hoursOf({ time_zone: 'Europe/Berlin', days: { every_day: '22:00-02:30' } });

    expect(late.elapsed(at('2027-10-30T12:00:00Z'), at('2027-10-31T12:00:00Z'))).toBe(4.5 * HOUR);
    expect(iso(late.nextClosing(at('2027-10-30T22:00:00Z')))).toBe('2027-10-31T00:30:00.000Z');
    expect(iso(late.nextOpening(at('2027-10-31T01:15:00Z')))).toBe('2027-10-31T21:00:00.000Z');
  });

  it('know the half hour of Lord Howe', () => {
    const night = hoursOf({ time_zone: 'Australia/Lord_Howe', days: { every_day: '00:00-06:00' } });

    expect(night.elapsed(at('2026-04-04T13:00:00Z'), at('2026-04-04T23:00:00Z'))).toBe(6.5 * HOUR);
    expect(night.elapsed(at('2026-10-03T13:30:00Z'), at('2026-10-03T23:00:00Z'))).toBe(5.5 * HOUR);
  });

  it.each([
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z', 23],
    ['Africa/Cairo', '2026-04-24', '2026-04-23T22:00:00.000Z', 23],
    ['Asia/Beirut', '2026-03-29', '2026-03-28T22:00:00.000Z', 23],
    ['America/Sao_Paulo', '2018-02-17', '2018-02-17T02:00:00.000Z', 25],
  ])(
    'of %s close %s, whose midnight is skipped or comes twice, for %s and %i hours',
    (zone, date, begins, length) => {
      const all = hoursOf({ time_zone: zone, days: { every_day: '00:00-24:00' } }, [date]);

      const closing = all.nextClosing(Date.parse(date) - DAY);

      expect(iso(closing)).toBe(begins);
      expect(all.nextOpening(closing!)! - closing!).toBe(length * HOUR);
    },
  );

  it('have no Friday where the date line took one away', () => {
    const friday = hoursOf({ time_zone: 'Pacific/Apia', days: { fri: '09:00-17:00' } });

    expect(friday.elapsed(at('2011-12-25T00:00:00Z'), at('2012-01-05T00:00:00Z'))).toBe(0);
  });

  it('around the clock have no end to be found, and closed ones no beginning', () => {
    const always = hoursOf({ time_zone: 'Europe/Berlin', days: { every_day: '00:00-24:00' } });
    const never = hoursOf(OFFICE, [['DTSTART:20000101T000000Z', 'DTEND:22000101T000000Z']]);
    const now = at('2026-11-21T12:00:00Z');

    expect(always.nextClosing(now)).toBeUndefined();
    expect(always.elapsed(now, now + 7 * DAY)).toBe(7 * DAY);
    expect(never.nextOpening(now)).toBeUndefined();
    expect(never.add(now, HOUR)).toBeUndefined();
    expect(never.isOpen(now)).toBe(false);
  });

  it('take no time for a wait of none or less, and none between an instant and an earlier one', () => {
    const office = hoursOf(OFFICE);
    const monday = at('2026-11-23T09:00:00Z');

    expect(office.add(monday, -HOUR)).toBe(monday);
    expect(office.elapsed(monday, monday - 7 * DAY)).toBe(0);
  });

  it('answer fast: within 50 µs whether they are open, within 1 ms for a wait of months', () => {
    const office = hoursOf(OFFICE, ['2026-12-24', '2026-12-25']);
    const now = at('2026-11-21T12:00:00Z');
    const ask = () => office.isOpen(now);
    const wait = () => office.add(now, 500 * HOUR);

    expect(microseconds(ask)).toBeLessThan(50);
    expect(microseconds(wait)).toBeLessThan(1000);
  });
});

describe('E7', () => {
  const moment = fc.integer({ min: Date.UTC(2005, 0), max: Date.UTC(2037, 0) });
  const away = fc.oneof(fc.integer({ min: 0, max: 3 * DAY }), fc.integer({ min: 0, max: 90 * DAY }));
  const hoursNear = (instant: number) =>
    fc.record({
      instant: fc.constant(instant),
      zone: fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
      week: days,
      off: fc
        .uniqueArray(fc.integer({ min: -2, max: 60 }), { maxLength: 4 })
        .map((offsets) =>
          offsets.map((offset) => new Date(instant + offset * DAY).toISOString().slice(0, 10)),
        ),
      closed: fc.array(
        fc
          .tuple(fc.integer({ min: -DAY, max: 9 * DAY }), fc.integer({ min: 1_000, max: 2 * DAY }))
          .map(([begins, lasts]) => [
            `DTSTART:${basic(instant + begins)}`,
            `DTEND:${basic(instant + begins + lasts)}`,
          ]),
        { maxLength: 2 },
      ),
      first: away,
      second: away,
    });
  const anything = moment.chain(hoursNear);
  type Case = typeof anything extends fc.Arbitrary<infer Value> ? Value : never;
  const hoursIn = ({ zone, week, off, closed }: Case) =>
    hoursOf({ time_zone: zone, days: week }, [...off, ...closed]);

  it('working time is additive and never negative, in any zone and with any days off', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const { instant: a, first, second } = given;
        const hours = hoursIn(given);
        const b = a + first;
        const c = b + second;

        expect(hours.elapsed(a, c)).toBe(hours.elapsed(a, b) + hours.elapsed(b, c));
        expect(hours.elapsed(a, b)).toBeGreaterThanOrEqual(0);
        expect(hours.elapsed(a, b)).toBeLessThanOrEqual(first);
      }),
      { numRuns: runs(200) },
    );
  });

  it('no wait ends outside hours, early or late', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const { instant, first } = given;
        const hours = hoursIn(given);

        const end = hours.add(instant, first)!;

        expect(end).toBeGreaterThanOrEqual(instant);
        expect(hours.isOpen(end)).toBe(true);
        expect(hours.elapsed(instant, end)).toBe(first);
      }),
      { numRuns: runs(200) },
    );
  });

  it('a wait that is interrupted and goes on with what is left ends when it would have', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const { instant, first, second } = given;
        const hours = hoursIn(given);
        const pause = instant + first;
        const left = second - hours.elapsed(instant, pause);
        fc.pre(left >= 0);

        expect(hours.add(pause, left)).toBe(hours.add(instant, second));
      }),
      { numRuns: runs(200) },
    );
  });
});

function basic(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}
