/**
 * On which days something recurs by a rule (RFC 5545, 3.3.10).
 *
 * Owns      which rules are understood, and their days.
 * Not here  the time of day, UNTIL and time zones (`holiday-file.ts`).
 *
 * Invariants
 *   1. Every reading ends: it goes from one period to the next until the last year, and looks at each day of a period
 *      once, whether or not any of them fits. What looks for the next day that fits may look for ever.
 *   2. A rule that says what is not understood here is refused, in words that say how to write it.
 *
 * A day is its midnight, in ms since the epoch as if the clock were UTC's. Pure.
 */

const DAY_MS = 24 * 60 * 60 * 1000;
const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY'] as const;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

export interface Rule {
  readonly frequency: (typeof FREQUENCIES)[number];
  /** Every so many periods, from 1. */
  readonly interval: number;
  /** How often at most, from 1; undefined for as often as it comes. */
  readonly count: number | undefined;
  readonly weekStart: number;
  /** From 1. */
  readonly months: readonly number[] | undefined;
  /** From 1, or from -1 for the last. */
  readonly monthDays: readonly number[] | undefined;
  /** From 1, or from -1 for the last. */
  readonly yearDays: readonly number[] | undefined;
  readonly weekdays: readonly Weekday[] | undefined;
  /** Which of the days of one period: from 1, or from -1 for the last. */
  readonly positions: readonly number[] | undefined;
}

/** A day of the week; with `nth`, only the first (1), the last (-1) and so on of its month or year. */
interface Weekday {
  /** 0 is Sunday. */
  readonly day: number;
  readonly nth?: number;
}

/**
 * @param written what stands after `RRULE:`
 * @throws {Error} when it says what is not understood, or what no rule may say
 */
export function toRule(written: string): Rule {
  const parts = new Map(written.split(';').map((part) => toPart(part)));
  const known = Object.keys(FORMS);
  const stranger = [...parts.keys()].find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new Error(
      `its RRULE says ${stranger}, which is not understood here; write it with ${known.join(', ')}`,
    );
  }
  for (const [name, { form, words }] of Object.entries(FORMS)) {
    const value = parts.get(name);
    if (value !== undefined && !form.test(value)) {
      throw new Error(`its RRULE has ${name}=${value}; ${name} is ${words}`);
    }
  }
  const frequency = FREQUENCIES.find((name) => name === parts.get('FREQ'));
  if (frequency === undefined)
    throw new Error('its RRULE has no FREQ; it begins with one, such as FREQ=YEARLY');

  const rule: Rule = {
    frequency,
    interval: Number(parts.get('INTERVAL') ?? 1),
    count: numbersOf(parts.get('COUNT'))?.[0],
    weekStart: WEEKDAYS.indexOf(parts.get('WKST') ?? 'MO'),
    months: numbersOf(parts.get('BYMONTH')),
    monthDays: numbersOf(parts.get('BYMONTHDAY')),
    yearDays: numbersOf(parts.get('BYYEARDAY')),
    weekdays: parts.get('BYDAY')?.split(',').map(toWeekday),
    positions: numbersOf(parts.get('BYSETPOS')),
  };
  const misfit = misfitOf(rule);
  if (misfit !== undefined) throw new Error(`its RRULE has ${misfit}`);
  return rule;
}

const NUMBER = '[1-9]\\d{0,3}';
const SIGNED = '[+-]?[1-9]\\d{0,2}';

/** What each part of a rule looks like. What UNTIL stands for is told by the reader of the file. */
const FORMS: Readonly<Record<string, { readonly form: RegExp; readonly words: string }>> = {
  FREQ: { form: /^(YEARLY|MONTHLY|WEEKLY|DAILY)$/, words: 'YEARLY, MONTHLY, WEEKLY or DAILY for days off' },
  INTERVAL: { form: new RegExp(`^${NUMBER}$`), words: 'a number from 1 to 9999' },
  COUNT: { form: new RegExp(`^${NUMBER}$`), words: 'a number from 1 to 9999' },
  UNTIL: { form: /./, words: 'a date or a time' },
  WKST: { form: /^(SU|MO|TU|WE|TH|FR|SA)$/, words: 'a day such as MO' },
  BYMONTH: { form: listOf('0?[1-9]|1[0-2]'), words: 'months from 1 to 12' },
  BYMONTHDAY: {
    form: listOf('[+-]?(0?[1-9]|[12]\\d|3[01])'),
    words: 'days from 1 to 31, or from -1 for the last one',
  },
  BYYEARDAY: { form: listOf(SIGNED), words: 'days from 1 to 366, or from -1 for the last one' },
  BYDAY: { form: listOf('([+-]?[1-9]\\d?)?(SU|MO|TU|WE|TH|FR|SA)'), words: 'days such as MO, 1MO or -1MO' },
  BYSETPOS: { form: listOf(SIGNED), words: 'places from 1, or from -1 for the last one' },
};

function listOf(item: string): RegExp {
  return new RegExp(`^(${item})(,(${item}))*$`);
}

function toPart(part: string): [name: string, value: string] {
  const [name = '', ...value] = part.trim().toUpperCase().split('=');
  return [name, value.join('=')];
}

function numbersOf(value: string | undefined): number[] | undefined {
  return value?.split(',').map(Number);
}

function toWeekday(written: string): Weekday {
  const day = WEEKDAYS.indexOf(written.slice(-2));
  const nth = written.slice(0, -2);
  return nth === '' ? { day } : { day, nth: Number(nth) };
}

/** What the standard does not allow together (its tables of 3.3.10), and what it leaves without a meaning. */
function misfitOf({ frequency, monthDays, yearDays, weekdays, positions, months }: Rule): string | undefined {
  if (frequency === 'WEEKLY' && monthDays) return 'FREQ=WEEKLY with BYMONTHDAY; write FREQ=DAILY instead';
  if (frequency !== 'YEARLY' && yearDays)
    return `FREQ=${frequency} with BYYEARDAY; write FREQ=YEARLY instead`;
  if ((frequency === 'DAILY' || frequency === 'WEEKLY') && weekdays?.some(({ nth }) => nth !== undefined)) {
    return `FREQ=${frequency} with a BYDAY that counts; write FREQ=MONTHLY for the first Monday of each month`;
  }
  if (positions && !(months || monthDays || yearDays || weekdays)) {
    return 'BYSETPOS alone; it chooses among days that another part names, such as BYDAY';
  }
  return undefined;
}

/**
 * The days it recurs on, in order, from `start` to the end of `lastYear`.
 *
 * @param look told of each day, and each period, that is looked at; what it throws ends the reading
 */
export function* daysOf(written: Rule, start: number, lastYear: number, look: () => void): Generator<number> {
  const rule = withDefaults(written, start);
  let left = rule.count ?? Infinity;
  for (const period of periodsOf(rule, start, lastYear)) {
    look();
    for (const day of chosen(fittingIn(period, rule, look), rule.positions)) {
      if (day < start) continue;
      if (left-- <= 0) return;
      yield day;
    }
  }
}

/** What a rule does not say is taken from its start; 29 February stays where it is in other years. */
function withDefaults(rule: Rule, start: number): Rule {
  const { frequency, months, monthDays, yearDays, weekdays } = rule;
  const { month, day, weekday } = dateOf(start);
  if (monthDays || yearDays || weekdays) return rule;
  switch (frequency) {
    case 'YEARLY':
      return { ...rule, months: months ?? [month], monthDays: [day] };
    case 'MONTHLY':
      return { ...rule, monthDays: [day] };
    case 'WEEKLY':
      return { ...rule, weekdays: [{ day: weekday }] };
    case 'DAILY':
      return rule;
    default:
      return frequency satisfies never;
  }
}

/** Years, months, weeks or days: the first day and the one after the last. */
interface Period {
  readonly from: number;
  readonly until: number;
}

function* periodsOf(
  { frequency, interval, weekStart }: Rule,
  start: number,
  lastYear: number,
): Generator<Period> {
  const { year, month, weekday } = dateOf(start);
  const end = toDay(lastYear + 1, 1, 1);
  const week = start - ((weekday - weekStart + 7) % 7) * DAY_MS;
  for (let index = 0; ; index += interval) {
    const period = periodAt();
    if (period.from >= end) return;
    yield { from: period.from, until: Math.min(period.until, end) };

    function periodAt(): Period {
      switch (frequency) {
        case 'YEARLY':
          return { from: toDay(year + index, 1, 1), until: toDay(year + index + 1, 1, 1) };
        case 'MONTHLY':
          return { from: toDay(year, month + index, 1), until: toDay(year, month + index + 1, 1) };
        case 'WEEKLY':
          return { from: week + index * 7 * DAY_MS, until: week + (index + 1) * 7 * DAY_MS };
        case 'DAILY':
          return { from: start + index * DAY_MS, until: start + (index + 1) * DAY_MS };
        default:
          return frequency satisfies never;
      }
    }
  }
}

function fittingIn({ from, until }: Period, rule: Rule, look: () => void): number[] {
  const days: number[] = [];
  for (let day = from; day < until; day += DAY_MS) {
    look();
    const date = dateOf(day);
    if (rule.months && !rule.months.includes(date.month)) {
      // On to the last day of a month that is left out.
      day = toDay(date.year, date.month + 1, 1) - DAY_MS;
      continue;
    }
    if (fits(date, rule)) days.push(day);
  }
  return days;
}

function fits(date: CalendarDate, { frequency, months, monthDays, yearDays, weekdays }: Rule): boolean {
  const inMonth = (): Place => ({ index: date.day - 1, length: lengthOf(date.year, date.month, 1) });
  const inYear = (): Place => ({
    index: (toDay(date.year, date.month, date.day) - toDay(date.year, 1, 1)) / DAY_MS,
    length: lengthOf(date.year, 1, 12),
  });
  if (monthDays && !monthDays.some((nth) => isNth(nth, inMonth()))) return false;
  if (yearDays && !yearDays.some((nth) => isNth(nth, inYear()))) return false;
  if (!weekdays) return true;
  return weekdays.some(({ day, nth }) => {
    if (day !== date.weekday) return false;
    if (nth === undefined) return true;
    // Counted in the month, unless the rule is about years and names none.
    return isNth(nth, inWeeks(frequency === 'YEARLY' && !months ? inYear() : inMonth()));
  });
}

/** A place among so many, from 0. */
interface Place {
  readonly index: number;
  readonly length: number;
}

function isNth(nth: number, { index, length }: Place): boolean {
  return nth > 0 ? index === nth - 1 : index === length + nth;
}

/** Of a day among all of its days of the week: the eighth day is the second of its kind. */
function inWeeks({ index, length }: Place): Place {
  const before = Math.floor(index / 7);
  return { index: before, length: before + 1 + Math.floor((length - 1 - index) / 7) };
}

function chosen(days: readonly number[], positions: Rule['positions']): readonly number[] {
  if (!positions) return days;
  return days.filter((_, index) => positions.some((nth) => isNth(nth, { index, length: days.length })));
}

interface CalendarDate {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

function dateOf(day: number): CalendarDate {
  const date = new Date(day);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
  };
}

/** A month beyond 12 is one of the years after. */
function toDay(year: number, month: number, day: number): number {
  // `Date.UTC` takes the years below 100 for those of the last century.
  return new Date(0).setUTCFullYear(year, month - 1, day);
}

/** How many days so many months have. */
function lengthOf(year: number, month: number, months: number): number {
  return (toDay(year, month + months, 1) - toDay(year, month, 1)) / DAY_MS;
}
