import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daysOf, stepsOf, toRule } from '../../../src/calendar/recurrence.ts';
import { runs } from '../../support/property-runs.ts';
import { daysByBruteForce } from '../../support/recurrence-oracle.ts';

const DAY_MS = 24 * 3_600_000;
const LAST = Date.UTC(2099, 11, 31);

function daysFrom(start: string, rule: string, most = 6): string[] {
  const days = daysOf(toRule(rule), { start: Date.parse(start), last: LAST });
  return days.slice(0, most).map((day) => new Date(day).toISOString().slice(0, 10));
}

const anyWeekday = fc.constantFrom('SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA');
const listOf = (item: fc.Arbitrary<unknown>) =>
  fc.array(item, { minLength: 1, maxLength: 4 }).map((items) => items.join(','));
const signed = (most: number) => fc.integer({ min: -most, max: most }).filter((number) => number !== 0);

/** Every rule that can be written with the parts we know, whether or not it is one, and whether or not a day fits. */
const anyRule = fc
  .record(
    {
      FREQ: fc.constantFrom('YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY'),
      INTERVAL: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9_999 })),
      COUNT: fc.integer({ min: 1, max: 9_999 }),
      WKST: anyWeekday,
      BYMONTH: listOf(fc.integer({ min: 1, max: 12 })),
      BYMONTHDAY: listOf(signed(31)),
      BYYEARDAY: listOf(signed(366)),
      BYDAY: listOf(
        fc.tuple(fc.constantFrom('', '1', '2', '5', '-1', '53'), anyWeekday).map((day) => day.join('')),
      ),
      BYSETPOS: listOf(signed(366)),
    },
    { requiredKeys: ['FREQ'] },
  )
  .map((parts) =>
    Object.entries(parts)
      .map(([name, value]) => `${name}=${value}`)
      .join(';'),
  );

describe('a recurrence rule', () => {
  // The examples of RFC 5545, 3.8.5.3, as far as they are about days.
  it.each([
    [
      '1997-09-02',
      'FREQ=DAILY;INTERVAL=10;COUNT=5',
      ['1997-09-02', '1997-09-12', '1997-09-22', '1997-10-02', '1997-10-12'],
    ],
    [
      '1997-09-02',
      'FREQ=WEEKLY;INTERVAL=2;COUNT=4;WKST=SU;BYDAY=TU,TH',
      ['1997-09-02', '1997-09-04', '1997-09-16', '1997-09-18'],
    ],
    [
      '1997-08-05',
      'FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO',
      ['1997-08-05', '1997-08-10', '1997-08-19', '1997-08-24'],
    ],
    [
      '1997-08-05',
      'FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU',
      ['1997-08-05', '1997-08-17', '1997-08-19', '1997-08-31'],
    ],
    [
      '1997-09-07',
      'FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU',
      ['1997-09-07', '1997-09-28', '1997-11-02', '1997-11-30'],
    ],
    ['1997-09-22', 'FREQ=MONTHLY;COUNT=3;BYDAY=-2MO', ['1997-09-22', '1997-10-20', '1997-11-17']],
    ['1997-09-28', 'FREQ=MONTHLY;COUNT=3;BYMONTHDAY=-3', ['1997-09-28', '1997-10-29', '1997-11-28']],
    [
      '1997-06-10',
      'FREQ=YEARLY;COUNT=4;BYMONTH=6,7',
      ['1997-06-10', '1997-07-10', '1998-06-10', '1998-07-10'],
    ],
    [
      '1997-01-01',
      'FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200',
      ['1997-01-01', '1997-04-10', '1997-07-19', '2000-01-01'],
    ],
    ['1997-05-19', 'FREQ=YEARLY;COUNT=3;BYDAY=20MO', ['1997-05-19', '1998-05-18', '1999-05-17']],
    ['1997-09-02', 'FREQ=MONTHLY;COUNT=3;BYDAY=FR;BYMONTHDAY=13', ['1998-02-13', '1998-03-13', '1998-11-13']],
    [
      '1996-11-05',
      'FREQ=YEARLY;INTERVAL=4;COUNT=3;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8',
      ['1996-11-05', '2000-11-07', '2004-11-02'],
    ],
    [
      '1997-09-04',
      'FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3',
      ['1997-09-04', '1997-10-07', '1997-11-06'],
    ],
    [
      '1997-09-29',
      'FREQ=MONTHLY;COUNT=3;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2',
      ['1997-09-29', '1997-10-30', '1997-11-27'],
    ],
    [
      '2007-01-15',
      'FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5',
      ['2007-01-15', '2007-01-30', '2007-02-15', '2007-03-15', '2007-03-30'],
    ],
  ])('from %s on, %s, is on the days its standard says', (start, rule, days) => {
    expect(daysFrom(start, rule)).toEqual(days);
  });

  it('that is understood is on the days that are found by looking at each of them', () => {
    const anyStart = fc
      .integer({ min: 0, max: 12 * 365 })
      .map((days) => Date.UTC(2020, 0, 1) + days * DAY_MS);
    let understood = 0;

    fc.assert(
      fc.property(anyRule, anyStart, (written, start) => {
        const rule = ruleOf(written);
        if (rule === undefined) return;
        understood += 1;
        const last = start + 8 * 366 * DAY_MS;

        expect(daysOf(rule, { start, last })).toEqual(daysByBruteForce(written, start, last));
      }),
      { numRuns: runs(300) },
    );
    expect(understood).toBeGreaterThan(10);
  });

  it('takes a step for each period until the last day, more where it chooses among its days', () => {
    const aYear = { start: Date.UTC(2026, 0, 1), last: Date.UTC(2026, 11, 31) };

    expect(stepsOf(toRule('FREQ=DAILY'), aYear)).toBe(365);
    expect(stepsOf(toRule('FREQ=DAILY;INTERVAL=9999'), aYear)).toBe(2);
    expect(stepsOf(toRule('FREQ=YEARLY;BYDAY=MO;BYSETPOS=300'), aYear)).toBe(24);
  });

  it.each([
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=YEARLY;BYDAY=TH;BYSETPOS=200',
    'FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31',
  ])('that no day fits has none: %s', (rule) => {
    expect(daysFrom('2026-01-01', rule)).toEqual([]);
  });

  it.each([
    ['FREQ=SECONDLY', 'FREQ=SECONDLY; FREQ is YEARLY, MONTHLY, WEEKLY or DAILY'],
    ['FREQ=HOURLY;BYMONTH=2', 'FREQ=HOURLY; FREQ is YEARLY, MONTHLY, WEEKLY or DAILY'],
    ['FREQ=DAILY;INTERVAL=0', 'INTERVAL=0; INTERVAL is a number from 1 to 9999'],
    ['FREQ=DAILY;INTERVAL=1e9', 'INTERVAL=1E9; INTERVAL is a number from 1 to 9999'],
    ['FREQ=DAILY;COUNT=0', 'COUNT=0; COUNT is a number from 1 to 9999'],
    ['FREQ=YEARLY;BYWEEKNO=20', 'says BYWEEKNO, which is not understood here'],
    ['FREQ=DAILY;BYHOUR=9,10', 'says BYHOUR, which is not understood here'],
    ['FREQ=YEARLY;BYMONTH=13', 'BYMONTH=13; BYMONTH is months from 1 to 12'],
    ['BYMONTH=2', 'has no FREQ'],
    ['FREQ=WEEKLY;BYMONTHDAY=1', 'FREQ=WEEKLY with BYMONTHDAY; write FREQ=DAILY instead'],
    ['FREQ=WEEKLY;BYDAY=1MO', 'a BYDAY that counts; write FREQ=MONTHLY'],
    ['FREQ=MONTHLY;BYYEARDAY=1', 'write FREQ=YEARLY instead'],
    ['FREQ=MONTHLY;BYSETPOS=1', 'BYSETPOS alone'],
    ['FREQ=YEARLY;BYYEARDAY=5;BYDAY=TH', 'BYYEARDAY with other days'],
    ['FREQ=YEARLY;BYDAY=1MO,TU', 'a BYDAY that counts beside other days of a year; write two events'],
  ])('that is not understood is refused with how to write it: %s', (rule, message) => {
    expect(() => toRule(rule)).toThrow(message);
  });
});

function ruleOf(written: string) {
  try {
    return toRule(written);
  } catch {
    return undefined;
  }
}
