/** Days off: those somebody listed, and those of an iCal file. */
import type { HolidayDate, HolidaySource } from '../../config/holidays.ts';
import { readHolidayFile } from './holiday-file.ts';
import { type Interval, merge } from './interval.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The years for which what recurs is worked out; the last one included. */
export const FIRST_YEAR = 1970;
export const LAST_YEAR = 2099;

/** Both lists are in order and without overlaps. */
export interface Holidays {
  /** On the clock of whoever has the day off, wherever that is: 25 December begins later in New York than in Rome. */
  readonly local: readonly Interval[];
  /** The same instants everywhere, in ms since the epoch. */
  readonly exact: readonly Interval[];
}

export const NO_HOLIDAYS: Holidays = { local: [], exact: [] };

/**
 * @param fileText what stands in `source.file`, where there is one
 * @throws {HolidayFileError} when that is no iCal file, or holds what cannot be understood
 */
export function toHolidays(source: HolidaySource, fileText?: string): Holidays {
  const listed = (source.dates ?? []).flatMap(toDays);
  const filed = fileText === undefined ? NO_HOLIDAYS : readHolidayFile(fileText, LAST_YEAR);
  return { local: merge([...listed, ...filed.local]), exact: merge(filed.exact) };
}

function toDays({ year, month, day }: HolidayDate): Interval[] {
  const first = year ?? FIRST_YEAR;
  const last = year ?? LAST_YEAR;
  return Array.from({ length: last - first + 1 }, (_, index) => Date.UTC(first + index, month - 1, day))
    .filter((midnight) => new Date(midnight).getUTCDate() === day) // 29 February, in the years that have one
    .map((midnight) => ({ from: midnight, until: midnight + DAY_MS }));
}
