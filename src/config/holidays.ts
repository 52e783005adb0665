/** Days off, by name: from an iCal file, listed, or both. */
import { z } from 'zod';
import { HolidaysName } from './hours.ts';

/** A day off: of one year, or (without `year`) of every year. Months count from 1. */
export interface HolidayDate {
  readonly year?: number;
  readonly month: number;
  readonly day: number;
}

const DATE_PATTERN = /^(?:((?:19|20|21)\d{2})-)?(\d{2})-(\d{2})$/;
/** So that 29 February is a day of "every year"; it is off in the years that have one. */
const LEAP_YEAR = 2000;

const DATE_WORDS = 'must be a date such as 2026-12-24, or 12-25 for every year';

/** `2026-12-24`, or `12-25` for every year. */
export const HolidayDate = z
  .string()
  .regex(DATE_PATTERN, DATE_WORDS)
  .transform((text, context): HolidayDate => {
    const [, year, month, day] = DATE_PATTERN.exec(text) ?? [];
    const date = { ...(year && { year: Number(year) }), month: Number(month), day: Number(day) };
    if (!isDate(date)) context.addIssue({ code: 'custom', message: DATE_WORDS });
    return date;
  });

export const HolidaySource = z
  .strictObject({
    file: z.string().min(1).optional().describe('An iCal file (.ics), seen from the configuration folder.'),
    dates: z.array(HolidayDate).min(1).optional().describe('Days off: 2026-12-24, or 12-25 for every year.'),
  })
  .refine(({ file, dates }) => file !== undefined || dates !== undefined, {
    message: 'must have a file (an .ics), a list of dates, or both',
  });
export type HolidaySource = z.infer<typeof HolidaySource>;

/** Keys of a parsed file are plain text again: a literal object is a valid configuration in a test. */
const HolidaysKey: z.ZodType<string, string> = HolidaysName;

export const HolidaySources = z
  .record(HolidaysKey, HolidaySource)
  .describe('Name to days off; working hours and rotations refer to the name.');
export type HolidaySources = z.infer<typeof HolidaySources>;

function isDate({ year = LEAP_YEAR, month, day }: HolidayDate): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
