/** Days off, by name: from an iCal file, listed, or both. */
import { z } from 'zod';
import { type HolidayFault, HolidayFileError } from '../calendar/holiday-file.ts';
import { type DayOff, type Holidays, toHolidays } from '../calendar/holidays.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigFile, Parsed, Path } from './config-file.ts';
import { HolidaysName } from './hours.ts';
import { didYouMean } from './schema-check.ts';

const DATE_PATTERN = /^(?:((?:19|20|21)\d{2})-)?(\d{2})-(\d{2})$/;
/** So that 29 February is a day of "every year"; it is off in the years that have one. */
const LEAP_YEAR = 2000;

const DATE_WORDS = 'must be a date such as 2026-12-24, or 12-25 for every year';

/** `2026-12-24`, or `12-25` for every year. */
export const HolidayDate = z
  .string()
  .regex(DATE_PATTERN, DATE_WORDS)
  .transform((text, context): DayOff => {
    const [, year, month, day] = DATE_PATTERN.exec(text) ?? [];
    const date = { ...(year && { year: Number(year) }), month: Number(month), day: Number(day) };
    if (!isDate(date)) context.addIssue({ code: 'custom', message: DATE_WORDS });
    return date;
  });

/** In the configuration folder itself, so that whoever may change the one may change the other. */
const HolidayFileName = z
  .string()
  .regex(
    /^\w[\w .-]*\.ics$/,
    'must be the name of an .ics file in the configuration folder, such as de-holidays.ics',
  );

export const HolidaySource = z
  .strictObject({
    file: HolidayFileName.optional().describe('An iCal file beside this one: de-holidays.ics.'),
    dates: z.array(HolidayDate).min(1).optional().describe('Days off: 2026-12-24, or 12-25 for every year.'),
  })
  .refine(({ file, dates }) => file !== undefined || dates !== undefined, {
    message: 'must have a file (an .ics), a list of dates, or both',
  })
  .meta({ minProperties: 1 }); // the same for editors
export type HolidaySource = z.infer<typeof HolidaySource>;

/** Keys of a parsed file are plain text again: a literal object is a valid configuration in a test. */
const HolidaysKey: z.ZodType<string, string> = HolidaysName;

export const HolidaySources = z
  .record(HolidaysKey, HolidaySource)
  .describe('Name to days off; working hours and rotations refer to the name.');
export type HolidaySources = z.infer<typeof HolidaySources>;

/** The days off of each calendar that can be read, and what is wrong with the others. */
export function readHolidays(
  schedules: Parsed<{ readonly holidays: HolidaySources }> | undefined,
  texts: Readonly<Record<string, string>> = {},
): { readonly holidays: ReadonlyMap<string, Holidays>; readonly problems: readonly ConfigProblem[] } {
  const holidays = new Map<string, Holidays>();
  const problems: ConfigProblem[] = [];
  for (const [name, { file, dates = [] }] of Object.entries(schedules?.value?.holidays ?? {})) {
    const text = file === undefined ? undefined : texts[file];
    if (schedules && file !== undefined && text === undefined) {
      problems.push(missingFile(schedules.file, ['holidays', name, 'file'], file, Object.keys(texts)));
      continue;
    }
    try {
      holidays.set(name, toHolidays(dates, text));
    } catch (error) {
      if (!(error instanceof HolidayFileError) || file === undefined) throw error;
      problems.push(...error.faults.map((fault) => unreadableFile(file, fault)));
    }
  }
  return { holidays, problems };
}

function missingFile(schedules: ConfigFile, at: Path, file: string, there: readonly string[]): ConfigProblem {
  const meant = didYouMean(file, there);
  return schedules.problemAt(at, {
    expected:
      there.length === 0
        ? 'an .ics file in the configuration folder; there is none'
        : `an .ics file in the configuration folder: ${there.join(', ')}`,
    hint: meant && `did you mean ${meant}?`,
  });
}

function unreadableFile(file: string, { line, message }: HolidayFault): ConfigProblem {
  return {
    file,
    line,
    keyPath: '',
    expected: 'an iCal file that says which days are off',
    found: message,
    hint: 'mend the file, or export it anew from the calendar it came from',
  };
}

function isDate({ year = LEAP_YEAR, month, day }: DayOff): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
