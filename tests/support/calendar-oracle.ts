/**
 * The slow truth about calendars: minute by minute, from what the runtime's own formatter shows. It takes schedules
 * as they are written in a file and shares nothing with the product, neither parsing nor time zones.
 *
 * The one rule they have in common is stated in its own way here: while the clock repeats an hour, what counts is the
 * latest it has shown.
 */
import type { z } from 'zod';
import type { WorkingHours } from '../../src/config/hours.ts';
import type { Schedule } from '../../src/config/schedules.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export type WrittenHours = z.input<typeof WorkingHours>;
export type WrittenSchedule = z.input<typeof Schedule>;
type WrittenRotation = NonNullable<WrittenSchedule['rotations']>[number];

/** Days off: dates on the local calendar, and stretches of instants. */
export interface WrittenHolidays {
  readonly dates: readonly string[];
  readonly closed: readonly { readonly from: number; readonly until: number }[];
}

export interface MinuteOfTruth {
  readonly instant: number;
  readonly isOpen: boolean;
  readonly onCall: string | undefined;
}

/** What is true at each whole minute of a window. The window must not begin within a repeated hour. */
export function truthBetween(
  window: { readonly from: number; readonly until: number },
  hours: WrittenHours,
  schedule: WrittenSchedule,
  holidays: WrittenHolidays,
): MinuteOfTruth[] {
  const clock = new WallClock(schedule.time_zone);
  const open = toWeek(hours.days);
  const layers = (schedule.rotations ?? []).map(toLayer);
  const truth: MinuteOfTruth[] = [];
  let latest = -Infinity;
  for (let instant = window.from; instant < window.until; instant += MINUTE) {
    latest = Math.max(latest, clock.read(instant));
    const now = toReading(latest, instant);
    truth.push({
      instant,
      isOpen: isOpen(open, holidays, now),
      onCall: onCall(schedule, layers, holidays, now),
    });
  }
  return truth;
}

/** Reads the clock of one zone: minutes of the local calendar as ms, as if the place kept UTC. */
export class WallClock {
  readonly #format: Intl.DateTimeFormat;

  constructor(zone: string) {
    // Swedish dates are ISO dates.
    this.#format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
  }

  read(instant: number): number {
    const shown = this.#format.format(instant);
    const wall = Date.parse(`${shown.slice(0, 10)}T${shown.slice(11)}Z`);
    if (Number.isNaN(wall)) throw new Error(`the formatter shows ${shown}`);
    return wall;
  }
}

/** Instants at which the clock of a zone jumps, found by looking once a week and then closer. */
export function jumpsOf(zone: string, from: number, until: number): number[] {
  const clock = new WallClock(zone);
  const offset = (instant: number) => clock.read(instant) - instant;
  const jumps: number[] = [];
  for (let week = from; week < until; week += 7 * DAY) {
    let before = week;
    let after = week + 7 * DAY;
    if (offset(before) === offset(after)) continue;
    while (after - before > MINUTE) {
      const middle = before + Math.floor((after - before) / (2 * MINUTE)) * MINUTE;
      if (offset(middle) === offset(week)) before = middle;
      else after = middle;
    }
    jumps.push(after);
  }
  return jumps;
}

/** What the clock and the calendar beside it show; texts sort as the times they name. */
interface Reading {
  readonly instant: number;
  readonly wall: number;
  readonly shown: string;
  readonly date: string;
  readonly time: string;
  readonly weekday: number;
}

function toReading(wall: number, instant: number): Reading {
  const local = new Date(wall);
  const shown = local.toISOString().slice(0, 16);
  return {
    instant,
    wall,
    shown,
    date: shown.slice(0, 10),
    time: shown.slice(11),
    weekday: local.getUTCDay(),
  };
}

/** Beginning and end of each range as written, Sunday first. */
type Week = readonly (readonly (readonly string[])[])[];

function toWeek(days: WrittenHours['days']): Week {
  return (['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const).map((name) =>
    [days[name] ?? days.every_day ?? []].flat().map((range) => range.split('-')),
  );
}

function isOpen(week: Week, holidays: WrittenHolidays, now: Reading): boolean {
  const { instant, date, time, weekday } = now;
  if (holidays.dates.includes(date)) return false;
  if (holidays.closed.some(({ from, until }) => from <= instant && instant < until)) return false;

  const today = week[weekday]!.some(([from, until]) =>
    from! < until! ? from! <= time && time < until! : from! <= time,
  );
  const sinceYesterday = week[(weekday + 6) % 7]!.some(([from, until]) => from! > until! && time < until!);
  return today || sinceYesterday;
}

interface Layer {
  /** Who has the turn, asked at local times that only grow; undefined before the first. */
  readonly turnAt: (wall: number) => string | undefined;
  readonly week: Week | undefined;
  readonly hasHolidays: boolean;
}

function toLayer({ start, shift, people, restrict }: WrittenRotation): Layer {
  let turn = -1;
  let handover = Date.parse(`${start}Z`);
  const turnAt = (wall: number) => {
    for (; handover <= wall; handover += length(shift)) turn++;
    return turn < 0 ? undefined : people[turn % people.length];
  };
  return {
    turnAt,
    week: restrict && toWeek(restrict.days),
    hasHolidays: restrict?.holidays !== undefined,
  };
}

function onCall(
  { fallback, overrides = [] }: WrittenSchedule,
  layers: readonly Layer[],
  holidays: WrittenHolidays,
  now: Reading,
): string | undefined {
  let person: string | undefined = fallback;
  for (const { turnAt, week, hasHolidays } of layers) {
    const turn = turnAt(now.wall);
    if (turn !== undefined && (!week || isOpen(week, hasHolidays ? holidays : NONE, now))) person = turn;
  }
  const regular = person;
  const due = overrides.filter(({ from, until }) => from <= now.shown && now.shown < until);
  for (const { replaces, person: other } of due) if (replaces && replaces === regular) person = other;
  for (const { replaces, person: other } of due) if (!replaces) person = other;
  return person;
}

const NONE: WrittenHolidays = { dates: [], closed: [] };

function length(shift: string): number {
  const units: Record<string, number> = { m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };
  return Number.parseInt(shift, 10) * units[shift.slice(-1)]!;
}
