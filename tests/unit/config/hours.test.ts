import { describe, expect, it } from 'vitest';
import { DayRange, WorkingHours } from '../../../src/config/hours.ts';
import { problemsOf, readConfig } from '../../support/config-problems.ts';

const HOUR = 3_600_000;

describe('hours of the week', () => {
  it('are read from YAML as people write it, Sunday first', () => {
    const hours = readConfig(
      WorkingHours,
      `
      time_zone: Europe/Berlin
      holidays: bavaria
      days:
        every_day: 9:00-17:00
        mon: [13:30-18:00, 09:00-12:30]
        sat: []
        sun: 22:00-06:00
      `,
    );

    const usual = [{ from: 9 * HOUR, until: 17 * HOUR }];
    expect(hours).toEqual({
      time_zone: 'Europe/Berlin',
      holidays: 'bavaria',
      days: [
        [{ from: 22 * HOUR, until: 30 * HOUR }],
        [
          { from: 9 * HOUR, until: 12.5 * HOUR },
          { from: 13.5 * HOUR, until: 18 * HOUR },
        ],
        usual,
        usual,
        usual,
        usual,
        [],
      ],
    });
  });

  it.each([
    ['00:00-24:00', 0, 24],
    ['09:00 - 17:15', 9, 17.25],
    ['09:00–17:00', 9, 17],
    ['22:00-00:00', 22, 24],
    ['08:00-07:59', 8, 24 + 7 + 59 / 60],
  ])('takes %s for a range', (written, from, until) => {
    const range = DayRange.parse(written);

    expect(range.from / HOUR).toBeCloseTo(from);
    expect(range.until / HOUR).toBeCloseTo(until);
  });

  it.each(['9-17', '09:00', '09:00-25:00', '24:00-06:00', '09:00-17:60', '09:00-17:00 ', '', '10:00-10:00'])(
    'refuses %j as a range',
    (written) => {
      expect(DayRange.safeParse(written).success).toBe(false);
    },
  );

  it('say for each mistake what was expected', () => {
    const problems = problemsOf(
      WorkingHours,
      `
      time_zone: Europe/Berln
      days:
        mon: 9-17
        wed: 10:00-10:00
        thu: [09:00-12:00, 11:00-13:00]
        tusday: 09:00-10:00
      holiday: bavaria
      `,
    );

    expect(problems).toEqual([
      'time_zone: an IANA time zone such as Europe/Berlin or UTC (did you mean Europe/Berlin?)',
      'days.mon: a range such as 09:00-17:30, 22:00-06:00 (overnight) or 00:00-24:00',
      'days.wed: a range that ends at another time than it begins; 00:00-24:00 is the whole day',
      'days.thu: ranges that do not overlap',
      'days.tusday: only the keys mon, tue, wed, thu, fri, sat, sun, every_day',
      'holiday: only the keys time_zone, days, holidays (did you mean holidays?)',
    ]);
  });

  it('refuse a week without any, which would never end', () => {
    const problems = problemsOf(WorkingHours, 'time_zone: UTC\ndays: { mon: [], tue: [] }');

    expect(problems).toEqual(['days: at least one range of hours, for example mon: 09:00-17:00']);
  });

  it.each(['+01:00', 'Berlin', 'CEST2', ''])('refuse %j as a time zone', (name) => {
    expect(WorkingHours.safeParse({ time_zone: name, days: { mon: '09:00-17:00' } }).success).toBe(false);
  });

  it.each(['UTC', 'Asia/Kolkata', 'Asia/Calcutta', 'US/Pacific', 'Etc/GMT+5'])(
    'take %s as a time zone',
    (name) => {
      expect(WorkingHours.safeParse({ time_zone: name, days: { mon: '09:00-17:00' } }).success).toBe(true);
    },
  );
});
