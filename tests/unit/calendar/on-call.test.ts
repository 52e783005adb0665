import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Calendar } from '../../../src/calendar/calendar.ts';
import { toHolidays } from '../../../src/calendar/holidays.ts';
import type { OnCallSchedule } from '../../../src/calendar/on-call.ts';
import { Schedule } from '../../../src/config/schedules.ts';
import { DAY, HOUR, MINUTE, type WrittenSchedule } from '../../support/calendar-oracle.ts';
import { HOLIDAYS, toIcal, type Written, written } from '../../support/calendars.ts';
import { runs } from '../../support/property-runs.ts';
import { microseconds } from '../../support/stopwatch.ts';

const at = (instant: string) => Date.parse(instant);
const iso = (instant: number | undefined) => instant && new Date(instant).toISOString();

/** `bank` has 1 May off. */
function scheduleOf(written: Omit<WrittenSchedule, 'time_zone'>, zone = 'Europe/Berlin'): OnCallSchedule {
  const bank = toHolidays([{ month: 5, day: 1 }]);
  return new Calendar({ holidays: new Map([['bank', bank]]) }).schedule(
    Schedule.parse({ ...written, time_zone: zone }),
  );
}

const WEEKLY = { name: 'weekly', start: '2026-03-02T09:00', shift: '1w', people: ['alex', 'dana', 'kim'] };
const OFFICE = {
  start: '2026-03-02T00:00',
  shift: '1d',
  people: ['lee'],
  restrict: { days: { every_day: '10:00-16:00', sat: [], sun: [] }, holidays: 'bank' },
};

describe('a schedule', () => {
  it('hands over at the same local time all year, and names the rotation and the shift', () => {
    const schedule = scheduleOf({ rotations: [WEEKLY] });

    expect(schedule.onCallAt(at('2026-03-02T07:59:59.999Z'))).toBeUndefined();
    expect(schedule.onCallAt(at('2026-03-02T08:00:00Z'))).toEqual({
      person: 'alex',
      because: { kind: 'rotation', rotation: 0, name: 'weekly', shift: 0 },
    });
    // By 30 March the clock has gone forward.
    expect(schedule.onCallAt(at('2026-03-30T06:59:59.999Z'))).toMatchObject({
      person: 'alex',
      because: { shift: 3 },
    });
    expect(schedule.onCallAt(at('2026-03-30T07:00:00Z'))).toMatchObject({
      person: 'dana',
      because: { shift: 4 },
    });
  });

  it('lets a later rotation go first while it covers, and an earlier one on days off', () => {
    const schedule = scheduleOf({ rotations: [WEEKLY, OFFICE] });

    expect(schedule.onCallAt(at('2026-04-30T10:00:00Z'))).toEqual({
      person: 'lee',
      because: { kind: 'rotation', rotation: 1, name: '2', shift: 59 },
    });
    expect(schedule.onCallAt(at('2026-04-30T14:00:00Z'))?.person).toBe('kim');
    expect(schedule.onCallAt(at('2026-05-01T10:00:00Z'))?.person).toBe('kim');
  });

  it('puts an override before a swap, and a swap before the rotation', () => {
    const swap = { from: '2026-03-03T00:00', until: '2026-03-05T00:00', person: 'kim', replaces: 'alex' };
    const override = { from: '2026-03-04T00:00', until: '2026-03-05T00:00', person: 'lee' };
    const schedule = scheduleOf({ rotations: [WEEKLY], overrides: [override, swap] });

    expect(schedule.onCallAt(at('2026-03-02T12:00:00Z'))?.person).toBe('alex');
    expect(schedule.onCallAt(at('2026-03-03T12:00:00Z'))).toEqual({
      person: 'kim',
      because: { kind: 'swap', override: 1, replaces: 'alex' },
    });
    expect(schedule.onCallAt(at('2026-03-04T12:00:00Z'))).toEqual({
      person: 'lee',
      because: { kind: 'override', override: 0 },
    });
  });

  it('swaps only the shifts of the person who is replaced, and lets two people trade', () => {
    const fortnight = { from: '2026-03-02T09:00', until: '2026-03-16T09:00' };
    const schedule = scheduleOf({
      rotations: [WEEKLY],
      overrides: [
        { ...fortnight, person: 'dana', replaces: 'alex' },
        { ...fortnight, person: 'alex', replaces: 'dana' },
      ],
    });

    const people = schedule
      .shiftsBetween(at('2026-03-02T08:00:00Z'), at('2026-03-23T08:00:00Z'))
      .map(({ person }) => person);

    expect(people).toEqual(['dana', 'alex', 'kim']);
  });

  it('lets the later of two overrides go first', () => {
    const day = { from: '2026-03-03T00:00', until: '2026-03-04T00:00' };
    const schedule = scheduleOf({
      rotations: [WEEKLY],
      overrides: [
        { ...day, person: 'lee' },
        { ...day, person: 'dana' },
      ],
    });

    expect(schedule.onCallAt(at('2026-03-03T12:00:00Z'))).toMatchObject({
      person: 'dana',
      because: { override: 1 },
    });
  });

  it('falls back where no rotation covers, and on nobody without a fallback', () => {
    const noon = at('2026-05-01T12:00:00Z');

    expect(scheduleOf({ rotations: [OFFICE], fallback: 'dana' }).onCallAt(noon)).toEqual({
      person: 'dana',
      because: { kind: 'fallback' },
    });
    expect(scheduleOf({ rotations: [OFFICE] }).onCallAt(noon)).toBeUndefined();
    expect(scheduleOf({ rotations: [OFFICE] }).shiftsBetween(noon, noon + HOUR)).toEqual([]);
  });

  it('lists shifts half-open, cut to what was asked, an hour shorter where the clock goes forward', () => {
    const schedule = scheduleOf({
      rotations: [{ start: '2026-03-28T09:00', shift: '12h', people: ['alex', 'dana'] }],
    });

    const shifts = schedule.shiftsBetween(at('2026-03-28T12:00:00Z'), at('2026-03-29T12:00:00Z'));

    expect(shifts.map(({ person, from, until }) => [person, iso(from), iso(until)])).toEqual([
      ['alex', '2026-03-28T12:00:00.000Z', '2026-03-28T20:00:00.000Z'],
      ['dana', '2026-03-28T20:00:00.000Z', '2026-03-29T07:00:00.000Z'],
      ['alex', '2026-03-29T07:00:00.000Z', '2026-03-29T12:00:00.000Z'],
    ]);
  });

  it('leaves out a shift that the clock skips, and lengthens one that it repeats', () => {
    const hourly = scheduleOf({
      rotations: [{ start: '2027-01-01T00:00', shift: '1h', people: ['alex', 'dana'] }],
    });
    const spring = hourly.shiftsBetween(at('2027-03-28T00:00:00Z'), at('2027-03-28T03:00:00Z'));
    const autumn = hourly.shiftsBetween(at('2027-10-30T23:00:00Z'), at('2027-10-31T03:00:00Z'));

    // 01:00, then 03:00 and 04:00; 00:00 was even, so Alex has the even hours.
    expect(spring.map(({ person }) => person)).toEqual(['dana', 'dana', 'alex']);
    // 01:00, 02:00 twice, 03:00.
    expect(autumn.map(({ person, from, until }) => [person, (until - from) / HOUR])).toEqual([
      ['dana', 1],
      ['alex', 2],
      ['dana', 1],
    ]);
  });

  it('knows when another person comes next, past handovers from somebody to themselves', () => {
    const schedule = scheduleOf({
      rotations: [{ start: '2026-03-02T09:00', shift: '1d', people: ['alex', 'alex', 'dana'] }],
    });
    const alone = scheduleOf({ rotations: [{ ...WEEKLY, people: ['alex'] }] });

    expect(iso(schedule.nextChange(at('2026-03-02T12:00:00Z')))).toBe('2026-03-04T08:00:00.000Z');
    expect(iso(schedule.nextChange(at('2026-03-01T12:00:00Z')))).toBe('2026-03-02T08:00:00.000Z');
    expect(alone.nextChange(at('2026-03-02T12:00:00Z'))).toBeUndefined();
  });

  it('sees a day off more than a year ahead among hours that are otherwise around the clock', () => {
    const schedule = scheduleOf({
      rotations: [
        {
          start: '2026-05-02T00:00',
          shift: '366d',
          people: ['alex'],
          restrict: { days: { every_day: '00:00-24:00' }, holidays: 'bank' },
        },
      ],
      fallback: 'dana',
    });

    const shifts = schedule.shiftsBetween(at('2026-06-01T00:00:00Z'), at('2028-06-01T00:00:00Z'));

    expect(shifts.filter(({ person }) => person === 'dana').map(({ from }) => iso(from))).toEqual([
      '2027-04-30T22:00:00.000Z',
      '2028-04-30T22:00:00.000Z',
    ]);
  });

  it('lists everyone it could name, once', () => {
    const schedule = scheduleOf({
      rotations: [WEEKLY, OFFICE],
      overrides: [{ from: '2026-03-03T00:00', until: '2026-03-04T00:00', person: 'sam', replaces: 'pat' }],
      fallback: 'dana',
    });

    expect(schedule.people()).toEqual(['alex', 'dana', 'kim', 'lee', 'sam']);
  });

  it('answers within 50 µs, with a hundred overrides', () => {
    const day = { from: '2025-03-03T00:00', until: '2025-03-04T00:00', person: 'kim' };
    const schedule = scheduleOf({
      rotations: [WEEKLY, OFFICE],
      overrides: Array.from({ length: 100 }, () => day),
    });
    const now = at('2026-11-21T12:00:00Z');

    expect(microseconds(() => schedule.onCallAt(now))).toBeLessThan(50);
  });

  it('refers to holidays that are there', () => {
    const schedule = Schedule.parse({
      time_zone: 'UTC',
      rotations: [{ ...OFFICE, restrict: { ...OFFICE.restrict, holidays: 'moon' } }],
    });

    expect(() => new Calendar({}).schedule(schedule)).toThrow('there is no holiday calendar "moon"');
  });
});

describe('E8', () => {
  const zones = Intl.supportedValuesOf('timeZone');
  const anything = fc
    .tuple(
      fc.constantFrom(...zones),
      fc.integer({ min: Date.UTC(2010, 0) / MINUTE, max: Date.UTC(2037, 0) / MINUTE }),
    )
    .chain(([zone, minute]) =>
      fc.record({
        config: written(zone, minute * MINUTE),
        from: fc.integer({ min: -DAY, max: 0 }).map((before) => minute * MINUTE + before),
        length: fc.integer({ min: 1, max: 2 * DAY }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );

  it('two readings of one configuration give the same answer', () => {
    fc.assert(
      fc.property(anything, ({ config, from, length }) => {
        const shifts = onCall(config).shiftsBetween(from, from + length);

        expect(onCall(structuredClone(config)).shiftsBetween(from, from + length)).toEqual(shifts);
      }),
      { numRuns: runs(100) },
    );
  });

  it('no instant has two owners or none because of a boundary', () => {
    fc.assert(
      fc.property(anything, ({ config, from, length }) => {
        const schedule = onCall(config);
        const shifts = schedule.shiftsBetween(from, from + length);

        for (const [index, shift] of shifts.entries()) {
          const before = shifts[index - 1]?.until ?? from;
          expect(shift.from).toBeLessThan(shift.until);
          expect(shift.from).toBeGreaterThanOrEqual(before);
          if (shift.from > before) expect(schedule.onCallAt(before)).toBeUndefined();
          expect(schedule.onCallAt(shift.from)?.person).toBe(shift.person);
          expect(schedule.onCallAt(shift.until - 1)?.person).toBe(shift.person);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it('shifts of two windows side by side are those of both together', () => {
    fc.assert(
      fc.property(anything, ({ config, from, length, share }) => {
        const schedule = onCall(config);
        const middle = from + Math.floor(length * share);
        const minutes = (begin: number, end: number) =>
          schedule
            .shiftsBetween(begin, end)
            .reduce<Record<string, number>>((sum, { person, from, until }) => {
              sum[person] = (sum[person] ?? 0) + (until - from);
              return sum;
            }, {});

        const [left, right, both] = [
          minutes(from, middle),
          minutes(middle, from + length),
          minutes(from, from + length),
        ];

        for (const person of schedule.people()) {
          expect((left[person] ?? 0) + (right[person] ?? 0)).toBe(both[person] ?? 0);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it('an override goes before a swap, and a swap before the rotation', () => {
    fc.assert(
      fc.property(anything, ({ config, from }) => {
        const answer = onCall(config).onCallAt(from);
        const bare = onCall({ ...config, schedule: { ...config.schedule, overrides: [] } });
        const due = Schedule.parse(config.schedule).overrides.filter(
          (override) => wallAt(config, from) >= override.from && wallAt(config, from) < override.until,
        );
        const override = due.findLast(({ replaces }) => replaces === undefined);
        const regular = bare.onCallAt(from)?.person;
        const swap = due.findLast(({ replaces }) => replaces !== undefined && replaces === regular);

        expect(answer?.person).toBe(override?.person ?? swap?.person ?? regular);
      }),
      { numRuns: runs(200) },
    );
  });

  function wallAt({ schedule }: Written, instant: number): number {
    return new Calendar({}).zone(schedule.time_zone).wallAt(instant);
  }

  function onCall({ schedule, holidays }: Written): OnCallSchedule {
    const off = toHolidays([], toIcal(holidays));
    return new Calendar({ holidays: new Map([[HOLIDAYS, off]]) }).schedule(Schedule.parse(schedule));
  }
});
