/**
 * The days of a recurrence rule, by looking at every day of every period (RFC 5545, 3.3.10).
 *
 * Slow and plain: what the product answers is compared with it.
 */

const DAY_MS = 24 * 3_600_000;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

/** @param written a rule that is one, in capitals; UNTIL is not looked at */
export function daysByBruteForce(written: string, start: number, last: number): number[] {
  const parts = new Map(written.split(';').map((part) => part.split('=') as [string, string]));
  const fits = fitsBy(withDefaults(parts, start));
  const positions = numbersOf(parts, 'BYSETPOS');
  const interval = Number(parts.get('INTERVAL') ?? 1);
  const found: number[] = [];
  for (let index = 0; ; index += interval) {
    const { from, until } = periodOf(parts, start, index);
    if (from > last) break;
    const fitting = daysIn(from, until).filter((day) => fits(day));
    found.push(
      ...fitting.filter((_, n) => !positions || positions.some((nth) => isNth(nth, n, fitting.length))),
    );
  }
  return found.filter((day) => day >= start && day <= last).slice(0, Number(parts.get('COUNT') ?? Infinity));
}

type Parts = ReadonlyMap<string, string>;

/** What a rule does not say is taken from its start. */
function withDefaults(parts: Parts, start: number): Parts {
  if (['BYMONTHDAY', 'BYYEARDAY', 'BYDAY'].some((name) => parts.has(name))) return parts;
  const date = new Date(start);
  const day: [string, string] = ['BYMONTHDAY', String(date.getUTCDate())];
  switch (parts.get('FREQ')) {
    case 'YEARLY':
      return new Map([['BYMONTH', String(date.getUTCMonth() + 1)], ...parts, day]);
    case 'MONTHLY':
      return new Map([...parts, day]);
    case 'WEEKLY':
      return new Map([...parts, ['BYDAY', WEEKDAYS[date.getUTCDay()] ?? '']]);
    default:
      return parts;
  }
}

function fitsBy(parts: Parts): (day: number) => boolean {
  const months = numbersOf(parts, 'BYMONTH');
  const monthDays = numbersOf(parts, 'BYMONTHDAY');
  const yearDays = numbersOf(parts, 'BYYEARDAY');
  const weekdays = parts.get('BYDAY')?.split(',');
  const isOfYears = parts.get('FREQ') === 'YEARLY' && !months;
  return (day) => {
    const date = new Date(day);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    const ofMonth = daysIn(Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1));
    const ofYear = daysIn(Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1));
    const isAmong = (days: number[]) => (nth: number) => isNth(nth, days.indexOf(day), days.length);
    const isWeekday = (each: string) => {
      if (WEEKDAYS[date.getUTCDay()] !== each.slice(-2)) return false;
      const alike = (isOfYears ? ofYear : ofMonth).filter((other) => (other - day) % (7 * DAY_MS) === 0);
      return each.length === 2 || isAmong(alike)(Number(each.slice(0, -2)));
    };
    return (
      (!months || months.includes(month + 1)) &&
      (!monthDays || monthDays.some(isAmong(ofMonth))) &&
      (!yearDays || yearDays.some(isAmong(ofYear))) &&
      (!weekdays || weekdays.some(isWeekday))
    );
  };
}

function periodOf(parts: Parts, start: number, index: number): { from: number; until: number } {
  const date = new Date(start);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  switch (parts.get('FREQ')) {
    case 'YEARLY':
      return { from: Date.UTC(year + index, 0, 1), until: Date.UTC(year + index + 1, 0, 1) };
    case 'MONTHLY':
      return { from: Date.UTC(year, month + index, 1), until: Date.UTC(year, month + index + 1, 1) };
    case 'WEEKLY': {
      const before = (date.getUTCDay() - WEEKDAYS.indexOf(parts.get('WKST') ?? 'MO') + 7) % 7;
      const from = start + (7 * index - before) * DAY_MS;
      return { from, until: from + 7 * DAY_MS };
    }
    default:
      return { from: start + index * DAY_MS, until: start + (index + 1) * DAY_MS };
  }
}

function daysIn(from: number, until: number): number[] {
  return Array.from({ length: (until - from) / DAY_MS }, (_, index) => from + index * DAY_MS);
}

function isNth(nth: number, index: number, length: number): boolean {
  return nth > 0 ? index === nth - 1 : index === length + nth;
}

function numbersOf(parts: Parts, name: string): number[] | undefined {
  return parts.get(name)?.split(',').map(Number);
}
