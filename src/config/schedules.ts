/** `schedules.yaml`: who is on call, which hours count, which days are off. Others refer to all three by name. */
import { z } from 'zod';
import { Calendar } from '../calendar/calendar.ts';
import type { Holidays } from '../calendar/holidays.ts';
import type { WallTime } from '../calendar/time-zone.ts';
import { PersonId } from '../domain/ids.ts';
import { ScheduleName } from '../domain/quorum.ts';
import { duration } from './duration.ts';
import { HolidaySources } from './holidays.ts';
import { HolidaysName, HoursName, TimeZoneName, WeekRanges, WorkingHours } from './hours.ts';

/** Three centuries, so that a slip in the year is noticed. */
const LOCAL_PATTERN = /^((?:19|20|21)\d{2}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?$/;

const LOCAL_WORDS = 'must be a local date and time such as 2026-03-02T09:00, without an offset';

/** `2026-03-02T09:00` or `2026-03-02 09:00`, without an offset: the time zone stands beside it. */
export const LocalDateTime = z
  .string()
  .regex(LOCAL_PATTERN, LOCAL_WORDS)
  .transform((text, context): WallTime => {
    const wall = toWallTime(text);
    if (wall !== undefined) return wall;
    context.addIssue({ code: 'custom', message: LOCAL_WORDS });
    return z.NEVER;
  });

const Restriction = z
  .strictObject({
    days: WeekRanges,
    holidays: HolidaysName.optional().describe('Days this rotation does not cover, by name in holidays.'),
  })
  .describe('The hours this rotation covers; in all others the rotations above it in the list count.');

const MINUTE_MS = 60_000;

export const Rotation = z.strictObject({
  name: z.string().min(1).max(100).optional().describe('As it is shown; left out: its place in the list.'),
  start: LocalDateTime.describe('When the first person takes over, for example 2026-03-02T09:00.'),
  shift: duration({ min: '15m', max: '366d' })
    .refine((ms) => ms % MINUTE_MS === 0, { message: 'must be a whole number of minutes' })
    .describe('How long one shift lasts on the clock on the wall: 12h, 1d, 1w.'),
  people: z.array(PersonId).min(1).describe('Who takes turns, in order. Naming somebody twice is two turns.'),
  restrict: Restriction.optional(),
});
export type Rotation = z.infer<typeof Rotation>;

export const Override = z
  .strictObject({
    from: LocalDateTime.describe('When it begins, for example 2026-04-03T09:00.'),
    until: LocalDateTime.describe('Not included.'),
    person: PersonId.describe('Who is on call instead.'),
    replaces: PersonId.optional().describe('Only where this person would be on call. Left out: whoever is.'),
  })
  .refine(({ from, until }) => from < until, {
    path: ['until'],
    message: 'must be later than from',
  });
export type Override = z.infer<typeof Override>;

export const Schedule = z
  .strictObject({
    time_zone: TimeZoneName.describe('Where the clock on the wall hangs: an IANA name.'),
    rotations: z
      .array(Rotation)
      .default([])
      .describe('Later ones take precedence over earlier ones wherever they cover.'),
    overrides: z
      .array(Override)
      .default([])
      .describe(
        'Exceptions. Those without replaces go before those with it; later ones before earlier ones.',
      ),
    fallback: PersonId.optional().describe('On call whenever nobody else is.'),
  })
  .refine(({ rotations, fallback }) => rotations.length > 0 || fallback !== undefined, {
    message: 'must have at least one rotation, or a fallback',
  });
export type Schedule = z.infer<typeof Schedule>;

/** Keys of a parsed file are plain text again: a literal object is a valid configuration in a test. */
const ScheduleKey: z.ZodType<string, string> = ScheduleName;
const HoursKey: z.ZodType<string, string> = HoursName;

export const Schedules = z.record(ScheduleKey, Schedule).describe('Name to on-call schedule.');
export type Schedules = z.infer<typeof Schedules>;

export const SchedulesConfig = z
  .strictObject({
    on_call: Schedules.default({}),
    working_hours: z
      .record(HoursKey, WorkingHours)
      .default({})
      .describe('Name to working hours; people and deadlines refer to the name.'),
    holidays: HolidaySources.default({}),
  })
  .describe('Who is on call, which hours count, which days are off.');
export type SchedulesConfig = z.infer<typeof SchedulesConfig>;

/** Everyone it could ever name, each once. */
export function peopleOf({ rotations, overrides, fallback }: Schedule): PersonId[] {
  const named = [...rotations.flatMap(({ people }) => people), ...overrides.map(({ person }) => person)];
  return [...new Set([...named, ...(fallback === undefined ? [] : [fallback])])];
}

/** What the file says, ready to be asked. */
export function toCalendar(
  { on_call, working_hours }: SchedulesConfig,
  holidays: ReadonlyMap<string, Holidays>,
): Calendar {
  const hours = new Map(Object.entries(working_hours));
  return new Calendar({ holidays, hours, schedules: new Map(Object.entries(on_call)) });
}

/** Undefined for what is not a date and time of the calendar: 30 February, 24:30. */
export function toWallTime(text: string): WallTime | undefined {
  const [, date, time, seconds = ':00'] = LOCAL_PATTERN.exec(text) ?? [];
  const written = `${date}T${time}${seconds}`;
  const wall = Date.parse(`${written}Z`);
  if (Number.isNaN(wall)) return undefined;
  // A date that does not exist was moved to one that does.
  return new Date(wall).toISOString().startsWith(written) ? wall : undefined;
}
