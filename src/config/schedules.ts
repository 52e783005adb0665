/** Who is on call: rotations in layers, overrides on top, somebody underneath. */
import { z } from 'zod';
import { PersonId } from '../domain/ids.ts';
import { duration } from './duration.ts';
import { HolidaysName, TimeZoneName, WeekRanges } from './hours.ts';

/** What the clock on the wall shows, as ms since 1970-01-01T00:00 on the same wall. */
export type WallTime = number;

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
    from: LocalDateTime,
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

const ScheduleName: z.ZodType<string, string> = z
  .string()
  .regex(
    /^[a-z][a-z0-9._-]{0,63}$/,
    'a schedule is lower-case letters, digits, dots, hyphens and underscores',
  );

export const Schedules = z.record(ScheduleName, Schedule).describe('Name to on-call schedule.');
export type Schedules = z.infer<typeof Schedules>;

/** Undefined for what is not a date and time of the calendar: 30 February, 24:30. */
export function toWallTime(text: string): WallTime | undefined {
  const [, date, time, seconds = ':00'] = LOCAL_PATTERN.exec(text) ?? [];
  const written = `${date}T${time}${seconds}`;
  const wall = Date.parse(`${written}Z`);
  if (Number.isNaN(wall)) return undefined;
  // A date that does not exist was moved to one that does.
  return new Date(wall).toISOString().startsWith(written) ? wall : undefined;
}
