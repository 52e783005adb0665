import { describe, expect, it } from 'vitest';
import { HolidayFileError } from '../../../src/calendar/holiday-file.ts';
import { toHolidays } from '../../../src/calendar/holidays.ts';
import { icalFile } from '../../support/calendars.ts';

type Lines = readonly string[];

/** The dates that are off from midnight to midnight, of one year. */
function datesOff(year: number, ...events: Lines[]): string[] {
  return toHolidays([], icalFile(...events)).local.flatMap(({ from, until }) => {
    const dates: string[] = [];
    for (let day = from; day < until; day += 24 * 3_600_000)
      dates.push(new Date(day).toISOString().slice(0, 10));
    return dates.filter((date) => date.startsWith(String(year)));
  });
}

/** The instants that are off everywhere, as `from/until`, of one year. */
function instantsOff(year: number, ...events: Lines[]): string[] {
  return exactly(icalFile(...events)).filter((span) => span.startsWith(String(year)));
}

function exactly(file: string): string[] {
  return toHolidays([], file).exact.map(({ from, until }) => `${minute(from)}/${minute(until)}`);
}

function minute(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 16)}Z`;
}

function reading(...events: Lines[]) {
  return () => toHolidays([], icalFile(...events));
}

const EVE = ['DTSTART;TZID=Europe/Berlin:20241224T140000', 'DTEND;TZID=Europe/Berlin:20241224T180000'];

/** The zone of a mail program that does not use IANA names. */
const OUTLOOK_ZONE = [
  'BEGIN:VTIMEZONE',
  'TZID:W. Europe Standard Time',
  'BEGIN:STANDARD',
  'DTSTART:16010101T030000',
  'TZOFFSETFROM:+0200',
  'TZOFFSETTO:+0100',
  'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10',
  'END:STANDARD',
  'BEGIN:DAYLIGHT',
  'DTSTART:16010101T020000',
  'TZOFFSETFROM:+0100',
  'TZOFFSETTO:+0200',
  'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
  'END:DAYLIGHT',
  'END:VTIMEZONE',
];

function withZone(file: string): string {
  return file.replace('BEGIN:VEVENT', [...OUTLOOK_ZONE, 'BEGIN:VEVENT'].join('\r\n'));
}

describe('a holiday file', () => {
  it('take an event that ends on the day it begins for that day', () => {
    expect(datesOff(2026, ['DTSTART;VALUE=DATE:20261225', 'DTEND;VALUE=DATE:20261225'])).toEqual([
      '2026-12-25',
    ]);
  });

  it('has all-day events as days on the clock of whoever has them off, their end not included', () => {
    expect(datesOff(2026, ['DTSTART;VALUE=DATE:20260501'])).toEqual(['2026-05-01']);
    expect(datesOff(2026, ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227'])).toEqual([
      '2026-12-24',
      '2026-12-25',
      '2026-12-26',
    ]);
    expect(datesOff(2026, ['DTSTART;VALUE=DATE:20261224', 'DURATION:P2D'])).toEqual([
      '2026-12-24',
      '2026-12-25',
    ]);
  });

  it.each([
    ['each year', ['DTSTART;VALUE=DATE:20201225', 'RRULE:FREQ=YEARLY'], ['2031-12-25']],
    [
      'on a weekday of a month',
      ['DTSTART;VALUE=DATE:20200525', 'RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO'],
      ['2031-05-26'],
    ],
    [
      'on a day only long months have',
      ['DTSTART;VALUE=DATE:20310131', 'RRULE:FREQ=MONTHLY;COUNT=3'],
      ['2031-01-31', '2031-03-31', '2031-05-31'],
    ],
    [
      'until a date, itself included',
      ['DTSTART;VALUE=DATE:20310110', 'RRULE:FREQ=DAILY;UNTIL=20310112'],
      ['2031-01-10', '2031-01-11', '2031-01-12'],
    ],
    [
      'on listed days besides',
      ['DTSTART;VALUE=DATE:20310110', 'RDATE;VALUE=DATE:20310220,20310301'],
      ['2031-01-10', '2031-02-20', '2031-03-01'],
    ],
    [
      'except on some',
      [
        'DTSTART;VALUE=DATE:20310110',
        'RRULE:FREQ=DAILY;COUNT=4',
        'EXDATE;VALUE=DATE:20300101',
        'EXDATE;VALUE=DATE:20310111,20310112',
      ],
      ['2031-01-10', '2031-01-13'],
    ],
  ])('recurs %s', (_, event, dates) => {
    expect(datesOff(2031, event)).toEqual(dates);
  });

  it('that ended before its first day has that day alone', () => {
    const event = ['DTSTART;VALUE=DATE:20310110', 'RRULE:FREQ=DAILY;UNTIL=20300101'];

    expect(datesOff(2031, event)).toEqual(['2031-01-10']);
  });

  it('keeps 29 February to the years that have one', () => {
    const leapDay = ['DTSTART;VALUE=DATE:20200229', 'RRULE:FREQ=YEARLY'];

    expect(datesOff(2028, leapDay)).toEqual(['2028-02-29']);
    expect(datesOff(2027, leapDay)).toEqual([]);
    expect(datesOff(2027, ['DTSTART;VALUE=DATE:20200228', 'RRULE:FREQ=YEARLY'])).toEqual(['2027-02-28']);
  });

  it('recurs for ever to the end of 2099', () => {
    const days = toHolidays([], icalFile(['DTSTART;VALUE=DATE:20201225', 'RRULE:FREQ=YEARLY'])).local;

    expect(days).toHaveLength(80);
    expect(minute(days.at(-1)!.from)).toBe('2099-12-25T00:00Z');
  });

  it('has timed events at the same instants everywhere', () => {
    expect(instantsOff(2024, EVE)).toEqual(['2024-12-24T13:00Z/2024-12-24T17:00Z']);
    expect(instantsOff(2024, ['DTSTART:20241224T140000Z', 'DURATION:PT2H'])).toEqual([
      '2024-12-24T14:00Z/2024-12-24T16:00Z',
    ]);
  });

  it('has timed events without a zone on the clock of whoever has them off', () => {
    const { local, exact } = toHolidays([], icalFile(['DTSTART:20241224T140000', 'DTEND:20241224T180000']));

    expect(local.map(({ from, until }) => [minute(from), minute(until)])).toEqual([
      ['2024-12-24T14:00Z', '2024-12-24T18:00Z'],
    ]);
    expect(exact).toEqual([]);
  });

  it('recurs at the same local time when the clock changes', () => {
    const monthly = [
      'DTSTART;TZID=Europe/Berlin:20260115T140000',
      'DTEND;TZID=Europe/Berlin:20260115T150000',
      'RRULE:FREQ=MONTHLY;INTERVAL=3',
    ];

    expect(instantsOff(2026, monthly)).toEqual([
      '2026-01-15T13:00Z/2026-01-15T14:00Z',
      '2026-04-15T12:00Z/2026-04-15T13:00Z',
      '2026-07-15T12:00Z/2026-07-15T13:00Z',
      '2026-10-15T12:00Z/2026-10-15T13:00Z',
    ]);
  });

  it.each([
    ['in UTC', 'UNTIL=20261224T130000Z'],
    ['as a date', 'UNTIL=20261224'],
    ['as a local time', 'UNTIL=20261224T140000'],
  ])('includes the occurrence at its end, written %s', (_, until) => {
    const event = [...EVE, `RRULE:FREQ=YEARLY;${until}`];

    expect(instantsOff(2026, event)).toEqual(['2026-12-24T13:00Z/2026-12-24T17:00Z']);
    expect(instantsOff(2027, event)).toEqual([]);
  });

  it.each([
    ['in its own zone', 'EXDATE;TZID=Europe/Berlin:20261224T140000'],
    ['in UTC', 'EXDATE:20261224T130000Z'],
    ['as a date', 'EXDATE;VALUE=DATE:20261224'],
  ])('leaves out an occurrence named %s', (_, exception) => {
    const event = [...EVE, 'RRULE:FREQ=YEARLY', exception];

    expect(instantsOff(2026, event)).toEqual([]);
    expect(instantsOff(2027, event)).toHaveLength(1);
  });

  it('knows a zone by what the file says of it, when its name is none', () => {
    const event = [
      'DTSTART;TZID=W. Europe Standard Time:20260115T140000',
      'DURATION:PT1H',
      'RRULE:FREQ=MONTHLY;INTERVAL=6;UNTIL=20260715T120000Z',
    ];

    expect(exactly(withZone(icalFile(event)))).toEqual([
      '2026-01-15T13:00Z/2026-01-15T14:00Z',
      '2026-07-15T12:00Z/2026-07-15T13:00Z',
    ]);
  });

  it('has a moved occurrence where it was moved to, and only there', () => {
    const file = icalFile(
      [...EVE, 'RRULE:FREQ=YEARLY'],
      [
        'RECURRENCE-ID;TZID=Europe/Berlin:20261224T140000',
        'DTSTART;TZID=Europe/Berlin:20261223T120000',
        'DTEND;TZID=Europe/Berlin:20261223T130000',
      ],
    ).replace('UID:event-1', 'UID:event-0');

    expect(exactly(file).slice(1, 4)).toEqual([
      '2025-12-24T13:00Z/2025-12-24T17:00Z',
      '2026-12-23T11:00Z/2026-12-23T12:00Z',
      '2027-12-24T13:00Z/2027-12-24T17:00Z',
    ]);
  });

  it('does not move an occurrence of another event', () => {
    const file = icalFile(
      [...EVE, 'RRULE:FREQ=YEARLY'],
      ['RECURRENCE-ID;TZID=Europe/Berlin:20261224T140000', 'DTSTART;VALUE=DATE:20261223'],
    );

    expect(exactly(file)).toContain('2026-12-24T13:00Z/2026-12-24T17:00Z');
  });

  it('leaves out what is cancelled, and takes days marked as free', () => {
    const cancelled = ['DTSTART;VALUE=DATE:20260501', 'STATUS:CANCELLED'];
    const free = ['DTSTART;VALUE=DATE:20260502', 'TRANSP:TRANSPARENT'];

    expect(datesOff(2026, cancelled, free)).toEqual(['2026-05-02']);
  });

  it('reads several calendars, a byte order mark and folded lines', () => {
    const first = icalFile(['DTSTART;VALUE=DATE:20260501', 'SUMMARY:A long\r\n  name']);
    const second = icalFile(['DTSTART;VALUE=DATE:20260502']).replaceAll('\r\n', '\n');

    expect(toHolidays([], `\uFEFF${first}${second}`).local).toHaveLength(1);
    expect(toHolidays([], `\uFEFF${first}${second}`).local[0]).toEqual({
      from: Date.UTC(2026, 4, 1),
      until: Date.UTC(2026, 4, 3),
    });
  });

  it('and a list of dates are off together', () => {
    const both = toHolidays(
      [
        { month: 12, day: 31 },
        { year: 2026, month: 5, day: 2 },
      ],
      icalFile(['DTSTART;VALUE=DATE:20260501']),
    );

    expect(both.local).toContainEqual({ from: Date.UTC(2026, 4, 1), until: Date.UTC(2026, 4, 3) });
    expect(both.local).toContainEqual({ from: Date.UTC(2098, 11, 31), until: Date.UTC(2099, 0, 1) });
  });

  it('lists 29 February of every year as the leap days there are', () => {
    const days = toHolidays([{ month: 2, day: 29 }]).local.map(({ from }) => minute(from).slice(0, 10));

    expect(days.filter((day) => day.startsWith('202'))).toEqual(['2020-02-29', '2024-02-29', '2028-02-29']);
  });
});

describe('a holiday file that cannot be used', () => {
  it('names every event that is wrong, each with its line, and no more than twenty', () => {
    const wrong = ['DTSTART;VALUE=DATE:20260230'];
    const text = icalFile(
      wrong,
      ['DTSTART;VALUE=DATE:20260101'],
      ['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=HOURLY'],
    );

    const begins = text.split(/\r?\n/).flatMap((line, n) => (line === 'BEGIN:VEVENT' ? [n + 1] : []));
    expect(faultsOf(text)).toEqual([
      { line: begins[0], message: expect.stringContaining('(UID event-0): its DTSTART "2026-02-30"') },
      { line: begins[2], message: expect.stringContaining('(UID event-2): its RRULE') },
    ]);
    expect(faultsOf(icalFile(...Array.from({ length: 30 }, () => wrong)))).toHaveLength(20);
  });

  it.each([
    ['<!doctype html><title>Sign in</title>', 'it is not an iCal file: '],
    ['', 'it has no events: expected an iCal file with BEGIN:VEVENT in it'],
    [icalFile(), 'it has no events'],
  ])('is refused: %j', (text, message) => {
    expect(() => toHolidays([], text)).toThrow(HolidayFileError);
    expect(() => toHolidays([], text)).toThrow(message);
  });

  it.each([
    [['SUMMARY:Nothing'], 'event "Nothing" (UID event-0): it has no DTSTART'],
    [['DTSTART;VALUE=DATE:20260230'], 'its DTSTART "2026-02-30" is no date and no time'],
    [['DTSTART;VALUE=DATE:2026-01-01'], 'its DTSTART '],
    [['DTSTART:garbage'], 'event "without a name" (UID event-0): '],
    [['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=OFTEN'], 'OFTEN'],
    [['DTSTART;VALUE=DATE:20000101', 'RRULE:FREQ=DAILY'], 'it recurs more than 10000 times until 2099'],
    [
      ['DTSTART;TZID=Moon/Base:20260101T090000', 'DURATION:PT1H'],
      'its time zone "Moon/Base" is neither an IANA name',
    ],
    [
      ['DTSTART;TZID=Europe/Berlin:20260101T090000', 'DTEND;TZID=Europe/Paris:20260101T100000'],
      'it begins and ends in different time zones',
    ],
    [['DTSTART;VALUE=DATE:20261225', 'DTEND;VALUE=DATE:20261224'], 'it ends when it begins, or before'],
    [['DTSTART:20261225T000000'], 'it ends when it begins, or before'],
    [['DTSTART;VALUE=DATE:20261225', 'DURATION:P0D'], 'it ends when it begins, or before'],
    [
      ['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=YEARLY;COUNT=3', 'EXRULE:FREQ=YEARLY;INTERVAL=2'],
      'EXRULE is not supported',
    ],
    [
      ['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=YEARLY;COUNT=3', 'EXDATE:20270101T000000Z'],
      'EXDATE and DTSTART must both be local times',
    ],
  ])('names the event and what is wrong: %j', (event, message) => {
    expect(reading(event)).toThrow(HolidayFileError);
    expect(reading(event)).toThrow(message);
  });

  it.each([
    ['FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', 'comes to no day until 2099; mend it, or leave it out'],
    ['FREQ=YEARLY;BYDAY=MO;BYSETPOS=300', 'comes to no day until 2099'],
    ['FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=SECONDLY; FREQ is YEARLY, MONTHLY, WEEKLY or DAILY'],
    ['FREQ=DAILY;INTERVAL=0', 'INTERVAL=0; INTERVAL is a number from 1'],
    ['FREQ=DAI\r\n LY;INTERVAL=0', 'INTERVAL=0; INTERVAL is a number from 1'],
  ])('is refused at once for a rule that would be looked through for ever: %s', (rule, message) => {
    const event = ['DTSTART;VALUE=DATE:20260101', 'SUMMARY:Never', `RRULE:${rule}`];

    expect(reading(event)).toThrow(HolidayFileError);
    expect(reading(event)).toThrow(`event "Never" (UID event-0): its RRULE`);
    expect(reading(event)).toThrow(message);
  });

  it('is refused for a time zone whose clock changes by a rule that may never come', () => {
    const event = ['DTSTART;TZID=W. Europe Standard Time:20260115T140000', 'DURATION:PT1H'];
    const file = withZone(icalFile(event)).replace(
      'FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
      'FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2',
    );

    expect(() => exactly(file)).toThrow(
      'its time zone "W. Europe Standard Time" changes its clock by FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2',
    );
  });

  it('is refused when its rules together are too many to work out', () => {
    const weekends = ['DTSTART;VALUE=DATE:19700103', 'RRULE:FREQ=WEEKLY'];

    expect(reading(...Array.from({ length: 60 }, () => weekends))).toThrow(
      'the rules up to here are too many to work out',
    );
  });

  it('says so when a change is meant for all later occurrences, which is not supported', () => {
    const change = ['RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260501', 'DTSTART;VALUE=DATE:20260502'];

    expect(reading(change)).toThrow('RANGE=THISANDFUTURE');
  });
});

function faultsOf(text: string): unknown {
  try {
    return toHolidays([], text);
  } catch (error) {
    if (error instanceof HolidayFileError) return error.faults;
    throw error;
  }
}
