/** Days off: those somebody listed, and those of an iCal file. */
import { readHolidayFile } from './holiday-file.ts';
import { type Interval, merge } from './interval.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A day off: of one year, or (without `year`) of every year. Months count from 1. */
export interface DayOff {
  readonly year?: number;
  readonly month: number;
  readonly day: number;
}

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
 * @param listed days off that somebody listed
 * @param fileText what stands in an iCal file, where there is one
 * @throws {HolidayFileError} when that is no iCal file, or holds what cannot be understood
 */
export function toHolidays(listed: readonly DayOff[], fileText?: string): Holidays {
  const days = listed.flatMap(toDays);
  const filed = fileText === undefined ? NO_HOLIDAYS : readHolidayFile(fileText, LAST_YEAR);
  return { local: merge([...days, ...filed.local]), exact: merge(filed.exact) };
}

function toDays({ year, month, day }: DayOff): Interval[] {
  const first = year ?? FIRST_YEAR;
  const last = year ?? LAST_YEAR;
  return Array.from({ length: last - first + 1 }, (_, index) => Date.UTC(first + index, month - 1, day))
    .filter((midnight) => new Date(midnight).getUTCDate() === day) // 29 February, in the years that have one
    .map((midnight) => ({ from: midnight, until: midnight + DAY_MS }));
}
