/**
 * One time zone: what the clock on its wall shows, and when it shows it.
 *
 * Owns      the rule for local times that do not exist or exist twice. Every boundary of this folder (a range of
 *           hours, a day off, a shift, an override) goes through it.
 * Not here  the time-zone database: Temporal's transitions, which are the runtime's own.
 *
 * The rule: a local time stands for the first instant at which the clock shows it or something later.
 *
 *   clock goes forward   02:00 ──▶ 03:00   02:30 is never shown; it stands for the instant of the jump
 *   clock goes back      03:00 ──▶ 02:00   02:30 is shown twice; it stands for the first time
 *
 * So a day whose midnight is skipped begins with the jump, and one whose midnight comes twice begins with the first.
 * Seen from an instant: the time that counts is the latest the clock has shown so far. While an hour is repeated
 * that is the last millisecond before the clock went back, so whatever was on then stays on.
 *
 * Invariants
 *   1. `instantOf` never decreases: of two local times the later one never stands for an earlier instant. Ranges
 *      that touch on the wall therefore touch in time, with nothing between them and nothing twice.
 *   2. `wallAt(instant) >= wall` exactly when `instant >= instantOf(wall)`.
 */
import { Temporal } from 'temporal-polyfill';

/** What the clock on the wall shows, as ms since 1970-01-01T00:00 on the same wall. */
export type WallTime = number;

const DAY_MS = 24 * 60 * 60 * 1000;
/** More than any offset (26 h apart at most) and any jump (24 h when the date line moved), so a year sees its edges. */
const MARGIN_MS = 3 * DAY_MS;

/** A time without a transition, in order. The first one of a year began before it. */
interface Period {
  readonly from: number;
  /** Local time minus UTC. */
  readonly offsetMs: number;
  /** One past the latest the clock has shown before this period. */
  readonly shownBefore: WallTime;
}

/** Whether the time-zone database has it. Offsets such as `+01:00` are none: they know no summer time. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export class TimeZone {
  /** Periods by year of UTC, worked out when first asked for. */
  readonly #years = new Map<number, readonly Period[]>();

  constructor(readonly name: string) {}

  /** The latest the clock has shown up to `instant` (ms since the epoch): what it shows, unless it repeats itself. */
  wallAt(instant: number): WallTime {
    const periods = this.#periodsAround(instant);
    for (let index = periods.length - 1; index >= 0; index--) {
      const period = periods[index];
      if (period !== undefined && period.from <= instant) {
        return Math.max(instant + period.offsetMs, period.shownBefore - 1);
      }
    }
    throw new Error(`${this.name} has no period at ${instant}`);
  }

  /** The first instant (ms since the epoch) at which the clock shows `wall` or something later. */
  instantOf(wall: WallTime): number {
    const periods = this.#periodsAround(wall);
    for (let index = periods.length - 1; index >= 0; index--) {
      const period = periods[index];
      if (period !== undefined && period.shownBefore <= wall) {
        return Math.max(period.from, wall - period.offsetMs);
      }
    }
    throw new Error(`${this.name} has no period at the local time ${wall}`);
  }

  /** Serves instants and local times alike: a local time of a year lies within the margin of it. */
  #periodsAround(at: number): readonly Period[] {
    const year = new Date(at).getUTCFullYear();
    const known = this.#years.get(year);
    if (known !== undefined) return known;

    const periods = periodsBetween(this.name, startOf(year) - MARGIN_MS, startOf(year + 1) + MARGIN_MS);
    this.#years.set(year, periods);
    return periods;
  }
}

function periodsBetween(name: string, from: number, until: number): Period[] {
  let moment = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(name);
  let shownBefore = -Infinity;
  const periods: Period[] = [];
  while (true) {
    const offsetMs = moment.offsetNanoseconds / 1_000_000;
    periods.push({ from: moment.epochMilliseconds, offsetMs, shownBefore });

    const next = moment.getTimeZoneTransition('next');
    if (next === null || next.epochMilliseconds >= until) return periods;
    shownBefore = Math.max(shownBefore, next.epochMilliseconds + offsetMs);
    moment = next;
  }
}

function startOf(year: number): number {
  // `Date.UTC` takes the years below 100 for those of the last century.
  return new Date(0).setUTCFullYear(year);
}
