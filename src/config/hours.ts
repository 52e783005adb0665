/** Hours of the week, written as people write them: when somebody works, and when they want quiet. */
import { z } from 'zod';
import type { Week } from '../calendar/hours.ts';
import { isTimeZone } from '../calendar/time-zone.ts';
import type { Milliseconds } from './duration.ts';
import { didYouMean } from './schema-check.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A name of the IANA time-zone database. Offsets such as `+01:00` are refused: they know no summer time. */
export const TimeZoneName = z.string().superRefine((name, context) => {
  if (isTimeZone(name)) return;
  const meant = didYouMean(name, Intl.supportedValuesOf('timeZone'));
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  context.addIssue({
    code: 'custom',
    message: `must be an IANA time zone such as Europe/Berlin or UTC${hint}`,
  });
});
export type TimeZoneName = z.infer<typeof TimeZoneName>;

/** A range of one day in ms since its midnight, the end not included; one that goes overnight ends after 24 h. */
export interface DayRange {
  readonly from: Milliseconds;
  readonly until: Milliseconds;
}

const RANGE_PATTERN = /^(?:[01]?\d|2[0-3]):[0-5]\d ?[-–] ?(?:(?:[01]?\d|2[0-3]):[0-5]\d|24:00)$/;

/** `09:00-17:30`; `22:00-06:00` goes on into the next day; `00:00-24:00` is the whole day. */
export const DayRange = z
  .string()
  .regex(RANGE_PATTERN, 'must be a range such as 09:00-17:30, 22:00-06:00 (overnight) or 00:00-24:00')
  .transform((text, context): DayRange => {
    const [from = 0, until = 0] = text.split(/[-–]/).map(sinceMidnight);
    if (from === until) {
      context.addIssue({
        code: 'custom',
        message: 'must be a range that ends at another time than it begins; 00:00-24:00 is the whole day',
      });
    }
    return { from, until: from < until ? until : until + DAY_MS };
  });

const DayRanges = z
  .union([DayRange, z.array(DayRange)])
  .transform((ranges) => [ranges].flat().sort((a, b) => a.from - b.from))
  .refine(areApart, { message: 'must be ranges that do not overlap' });

const Day = DayRanges.optional().describe('A range such as 09:00-17:30, or a list of them; [] for none.');

/** Sunday first, as JavaScript counts. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** At least one day has hours. */
export const WeekRanges = z
  .strictObject({
    mon: Day,
    tue: Day,
    wed: Day,
    thu: Day,
    fri: Day,
    sat: Day,
    sun: Day,
    every_day: DayRanges.optional().describe('For each day that is not named.'),
  })
  .transform((days): Week => WEEKDAYS.map((day) => days[day] ?? days.every_day ?? []))
  .refine((week) => week.flat().length > 0, {
    message: 'must have at least one range of hours, for example mon: 09:00-17:00',
  })
  .describe('Weekday to a range of hours or a list of them; [] is a day without any.');

/** Whether there is no moment of the week outside of them. */
export function isRoundTheClock(week: Week): boolean {
  const weekMs = WEEKDAYS.length * DAY_MS;
  const ranges = week
    .flatMap((day, index) =>
      day.map(({ from, until }) => ({ from: index * DAY_MS + from, until: index * DAY_MS + until })),
    )
    // What goes on overnight from the last day reaches into the first.
    .flatMap((range) => [range, { from: range.from - weekMs, until: range.until - weekMs }])
    .sort((a, b) => a.from - b.from);
  let openUntil = 0;
  for (const { from, until } of ranges) {
    if (from > openUntil) break;
    openUntil = Math.max(openUntil, until);
  }
  return openUntil >= weekMs;
}

/** The name of a holiday calendar, in `holidays`. */
export const HolidaysName = z
  .string()
  .regex(
    /^[a-z][a-z0-9._-]{0,63}$/,
    'a holiday calendar is lower-case letters, digits, dots, hyphens and underscores',
  );
export type HolidaysName = z.infer<typeof HolidaysName>;

export const WorkingHours = z
  .strictObject({
    time_zone: TimeZoneName.describe('Where the clock on the wall hangs: an IANA name.'),
    days: WeekRanges,
    holidays: HolidaysName.optional().describe('The calendar of days off, by its name in holidays.'),
  })
  .describe('When a person or team works.');
export type WorkingHours = z.infer<typeof WorkingHours>;

/** The name of working hours, in `working_hours`. */
export const HoursName = z
  .string()
  .regex(
    /^[a-z][a-z0-9._-]{0,63}$/,
    'the name of working hours is lower-case letters, digits, dots, hyphens and underscores',
  );
export type HoursName = z.infer<typeof HoursName>;

/** What runs while a deadline does: the clock on the wall, or the working hours that are named. */
export const DeadlineClock = z.union([
  z.literal('wall'),
  z.strictObject({
    working: HoursName.describe('Working hours of schedules.yaml: time counts only while they are open.'),
  }),
]);
export type DeadlineClock = z.infer<typeof DeadlineClock>;

function sinceMidnight(time: string): Milliseconds {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return (hours * 60 + minutes) * MINUTE_MS;
}

function areApart(ranges: readonly DayRange[]): boolean {
  return ranges.every((range, index) => range.from >= (ranges[index - 1]?.until ?? 0));
}
