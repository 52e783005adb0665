/**
 * On which days something recurs by a rule (RFC 5545, 3.3.10).
 *
 * Owns      which rules are understood, how much work one is, and its days.
 * Not here  the time of day, UNTIL and time zones (`holiday-file.ts`); the expansion, which is rrule-temporal's.
 *
 * Invariants
 *   1. Every reading ends: it goes from one period to the next until its last day, whether or not any day fits. How
 *      many steps that takes is known before the first.
 *   2. A rule that says what is not understood here is refused, in words that say how to write it. So is one the
 *      library reads otherwise than the standard does (2.2.8: in a year, days that are counted among days that are
 *      not, or beside days of the month, or beside days of the year).
 *
 * A day is its midnight, in ms since the epoch as if the clock were UTC's. Pure.
 */
import { RRuleTemporal } from 'rrule-temporal';
import { Temporal } from 'temporal-polyfill';

const DAY_MS = 24 * 60 * 60 * 1000;
/** More than the days of a century and a half. */
const MOST_PERIODS = 60_000;

/** How long a period is at least, and how much more than a step it costs where positions are chosen: measured. */
const PERIODS = {
  YEARLY: { days: 365, chosenSteps: 12 },
  MONTHLY: { days: 28, chosenSteps: 1 },
  WEEKLY: { days: 7, chosenSteps: 3 },
  DAILY: { days: 1, chosenSteps: 1 },
} as const;

export interface Rule {
  /** As it is written, without UNTIL. */
  readonly text: string;
  readonly frequency: keyof typeof PERIODS;
  /** Every so many periods, from 1. */
  readonly interval: number;
  /** Whether it chooses among the days of a period (BYSETPOS). */
  readonly hasPositions: boolean;
}

/** From the first day to the last one that count. */
export interface Stretch {
  readonly start: number;
  readonly last: number;
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
  const misfit = misfitOf(parts);
  if (misfit !== undefined) throw new Error(`its RRULE has ${misfit}`);
  return {
    text: [...parts].flatMap(([name, value]) => (name === 'UNTIL' ? [] : [`${name}=${value}`])).join(';'),
    frequency: parts.get('FREQ') as Rule['frequency'], // its form was looked at
    interval: Number(parts.get('INTERVAL') ?? 1),
    hasPositions: parts.has('BYSETPOS'),
  };
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

/** What the standard does not allow together (its tables of 3.3.10), what it leaves without a meaning, and 2. */
function misfitOf(parts: ReadonlyMap<string, string>): string | undefined {
  const frequency = parts.get('FREQ');
  const [hasMonthDays, hasYearDays] = [parts.has('BYMONTHDAY'), parts.has('BYYEARDAY')];
  const weekdays = parts.get('BYDAY')?.split(',') ?? [];
  const counted = weekdays.filter((weekday) => /\d/.test(weekday));
  const isOfYears = frequency === 'YEARLY' && !parts.has('BYMONTH');

  if (frequency === undefined) return 'no FREQ; it begins with one, such as FREQ=YEARLY';
  if (frequency === 'WEEKLY' && hasMonthDays) return 'FREQ=WEEKLY with BYMONTHDAY; write FREQ=DAILY instead';
  if (frequency !== 'YEARLY' && hasYearDays)
    return `FREQ=${frequency} with BYYEARDAY; write FREQ=YEARLY instead`;
  if ((frequency === 'DAILY' || frequency === 'WEEKLY') && counted.length > 0) {
    return `FREQ=${frequency} with a BYDAY that counts; write FREQ=MONTHLY for the first Monday of each month`;
  }
  if (hasYearDays && (hasMonthDays || weekdays.length > 0)) {
    return 'BYYEARDAY with other days; write it without BYDAY and BYMONTHDAY';
  }
  if (isOfYears && counted.length > 0 && (hasMonthDays || counted.length < weekdays.length)) {
    return 'a BYDAY that counts beside other days of a year; write two events';
  }
  if (
    parts.has('BYSETPOS') &&
    !['BYMONTH', 'BYMONTHDAY', 'BYYEARDAY', 'BYDAY'].some((name) => parts.has(name))
  ) {
    return 'BYSETPOS alone; it chooses among days that another part names, such as BYDAY';
  }
  return undefined;
}

/** How much work its days are, at most: a step takes some 15 µs. */
export function stepsOf({ frequency, interval, hasPositions }: Rule, { start, last }: Stretch): number {
  const { days, chosenSteps } = PERIODS[frequency];
  const periods = Math.ceil(Math.max(last - start, 0) / DAY_MS / days / interval) + 1;
  return periods * (hasPositions ? chosenSteps : 1);
}

/**
 * The days it recurs on, in order.
 *
 * @throws {Error} when the stretch has more than 60,000 of its periods
 */
export function daysOf({ text }: Rule, { start, last }: Stretch): number[] {
  const dtstart = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO('UTC');
  const rule = new RRuleTemporal({ rruleString: text, dtstart, maxIterations: MOST_PERIODS });
  return rule
    .between(new Date(start), new Date(last), true)
    .map(({ epochMilliseconds }) => epochMilliseconds);
}
