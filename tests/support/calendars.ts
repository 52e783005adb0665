/** Random hours, schedules and days off, as they would be written in a file, around one moment of one zone. */
import * as fc from 'fast-check';
import {
  DAY,
  HOUR,
  MINUTE,
  WallClock,
  type WrittenHolidays,
  type WrittenHours,
  type WrittenSchedule,
} from './calendar-oracle.ts';

export const PEOPLE = ['alex', 'dana', 'kim', 'lee'];

/** Refers to holidays by this name. */
export const HOLIDAYS = 'bank';

export interface Written {
  readonly hours: WrittenHours;
  readonly schedule: WrittenSchedule;
  readonly holidays: WrittenHolidays;
}

/** Near `instant` things begin and end often, and the small hours, when clocks change, are favoured. */
export function written(zone: string, instant: number): fc.Arbitrary<Written> {
  const wall = new WallClock(zone).read(instant);
  return fc.record({
    hours: hours(zone),
    schedule: schedule(zone, wall),
    holidays: holidays(instant, wall),
  });
}

const minuteOfDay = fc.oneof(
  fc.integer({ min: 0, max: 4 * 60 }),
  fc.integer({ min: 0, max: 24 * 60 - 1 }),
  fc.integer({ min: 0, max: 23 }).map((hour) => hour * 60),
);

const minutesInOrder = (count: number) =>
  fc
    .uniqueArray(minuteOfDay, { minLength: count, maxLength: count })
    .map((minutes) => minutes.sort((a, b) => a - b).map(time));

/** One range or two, the last of them overnight at times; or the whole day; or none. */
const ranges: fc.Arbitrary<string[]> = fc.oneof(
  minutesInOrder(2).chain(([a, b]) => fc.constantFrom<string[][]>([`${a}-${b}`], [`${b}-${a}`])),
  minutesInOrder(4).chain(([a, b, c, d]) =>
    fc.constantFrom<string[][]>([`${a}-${b}`, `${c}-${d}`], [`${b}-${c}`, `${d}-${a}`]),
  ),
  fc.constant<string[]>(['00:00-24:00']),
  fc.constant<string[]>([]),
);

/** At least one day has hours, as the schema asks. */
export const days = fc
  .record(
    {
      mon: ranges,
      tue: ranges,
      wed: ranges,
      thu: ranges,
      fri: ranges,
      sat: ranges,
      sun: ranges,
      every_day: ranges,
    },
    { requiredKeys: ['every_day'] },
  )
  .map((week) => ({ ...week, thu: ['09:00-17:00'], ...(week.thu?.length && { thu: week.thu }) }));

function hours(zone: string): fc.Arbitrary<WrittenHours> {
  return days.map((week) => ({ time_zone: zone, days: week, holidays: HOLIDAYS }));
}

function schedule(zone: string, wall: number): fc.Arbitrary<WrittenSchedule> {
  const person = fc.constantFrom(...PEOPLE);
  const restrict = fc.record({ days, holidays: fc.constant(HOLIDAYS) }, { requiredKeys: ['days'] });
  const rotation = fc.record(
    {
      start: local(wall, -20 * DAY, 2 * HOUR),
      shift: fc.constantFrom('15m', '40m', '1h', '8h', '12h', '1d', '3d', '1w'),
      people: fc.array(person, { minLength: 1, maxLength: 3 }),
      restrict,
    },
    { requiredKeys: ['start', 'shift', 'people'] },
  );
  const override = fc
    .record(
      {
        from: local(wall, -6 * HOUR, 6 * HOUR),
        minutes: fc.integer({ min: 1, max: 12 * 60 }),
        person,
        replaces: person,
      },
      { requiredKeys: ['from', 'minutes', 'person'] },
    )
    .map(({ minutes, ...rest }) => ({ ...rest, until: iso(Date.parse(`${rest.from}Z`) + minutes * MINUTE) }));
  return (
    fc
      .record(
        {
          time_zone: fc.constant(zone),
          rotations: fc.array(rotation, { minLength: 1, maxLength: 3 }),
          overrides: fc.array(override, { maxLength: 4 }),
          fallback: person,
        },
        { requiredKeys: ['time_zone', 'rotations', 'overrides'] },
      )
      // Written out: the types of a file know nothing of brands.
      .map((value) => value as WrittenSchedule)
  );
}

function holidays(instant: number, wall: number): fc.Arbitrary<WrittenHolidays> {
  return fc.record({
    dates: fc
      .uniqueArray(fc.integer({ min: -3, max: 3 }), { maxLength: 2 })
      .map((offsets) => offsets.map((offset) => iso(wall + offset * DAY).slice(0, 10))),
    closed: fc.array(
      fc.tuple(fc.integer({ min: -240, max: 240 }), fc.integer({ min: 1, max: 180 })).map(([at, length]) => ({
        from: instant + at * MINUTE,
        until: instant + (at + length) * MINUTE,
      })),
      { maxLength: 1 },
    ),
  });
}

/** A local time near another, as often as not on the hour. */
function local(wall: number, fromMs: number, untilMs: number): fc.Arbitrary<string> {
  return fc
    .integer({ min: Math.floor(fromMs / MINUTE), max: Math.floor(untilMs / MINUTE) })
    .chain((minutes) => fc.constantFrom(minutes, minutes - (minutes % 60)))
    .map((minutes) => iso(wall + minutes * MINUTE));
}

/** All-day events for the dates, timed ones in UTC for the rest, and one long ago: a file without events is refused. */
export function toIcal({ dates, closed }: WrittenHolidays): string {
  const basic = (ms: number) => `${iso(ms).replaceAll(/[-:]/g, '')}00Z`;
  const events = [
    ['DTSTART;VALUE=DATE:20010101'],
    ...dates.map((date) => [`DTSTART;VALUE=DATE:${date.replaceAll('-', '')}`]),
    ...closed.map(({ from, until }) => [`DTSTART:${basic(from)}`, `DTEND:${basic(until)}`]),
  ];
  return icalFile(...events);
}

/** An iCal file from the lines of its events. */
export function icalFile(...events: readonly (readonly string[])[]): string {
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//example//holidays//EN',
    ...events.flatMap((lines, index) => ['BEGIN:VEVENT', `UID:event-${index}`, ...lines, 'END:VEVENT']),
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}

function iso(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16);
}

function time(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
