/**
 * The hours of a week that count: when somebody works, when they want quiet, when a rotation covers.
 *
 * Owns      arithmetic over open time. Instants are ms since the epoch, lengths are ms.
 * Not here  what a local time means where the clock jumps (`time-zone.ts`), which days are off (`holidays.ts`).
 *
 * Rules
 *   1. A range belongs to the day it begins on; an overnight range goes on into the next.
 *   2. A day off closes its date from midnight to midnight: it ends an overnight range that reaches into it, and the
 *      one that begins on it does not begin before the next midnight.
 *   3. Open time passes as time does: an hour that the clock repeats counts twice, one it skips not at all.
 *   4. Closing time is not open any more: what would be over at 17:00 sharp is over when the hours next begin.
 *
 * Invariants
 *   E7  elapsed(a, c) = elapsed(a, b) + elapsed(b, c) for a <= b <= c; never negative; what `add` returns is open,
 *       and as much has elapsed until then as was asked for.
 *
 * Nothing here steps through time by the minute: days are taken one by one, and each has its few ranges.
 */
import type { Holidays } from './holidays.ts';
import { type Interval, isWithin, without } from './interval.ts';
import type { TimeZone } from './time-zone.ts';

/**
 * The ranges of each weekday in order, Sunday first, in ms since its midnight; one that goes overnight ends after 24 h.
 * A day may have none.
 */
export type Week = readonly (readonly Interval[])[];

const DAY_MS = 24 * 60 * 60 * 1000;
/** Where looking for the next open time ends: hours that days off have closed for good must not be sought for ever. */
const SEARCH_MS = 20 * 366 * DAY_MS;
/** Where looking for the end of open time ends: hours around the clock have none. Longer than the longest shift. */
const CLOSING_SEARCH_MS = 367 * DAY_MS;
/** 1970-01-01 was a Thursday; Sunday is 0. */
const FIRST_WEEKDAY = 4;

export class Hours {
  constructor(
    private readonly zone: TimeZone,
    private readonly week: Week,
    private readonly holidays: Holidays,
  ) {}

  isOpen(instant: number): boolean {
    const wall = this.zone.wallAt(instant);
    const day = Math.floor(wall / DAY_MS);
    return (
      (this.#hasRange(day, wall) || this.#hasRange(day - 1, wall)) &&
      !isWithin(this.holidays.local, wall) &&
      !isWithin(this.holidays.exact, instant)
    );
  }

  /** How much of the time between two instants is open; 0 if the second is not the later one. */
  elapsed(from: number, until: number): number {
    let sum = 0;
    for (const open of this.#openings(from, until)) sum += open.until - open.from;
    return sum;
  }

  /**
   * The first open instant by which `lengthMs` of open time has elapsed since `from`; with 0, `from` itself if open.
   * Undefined if the next twenty years have not that much.
   */
  add(from: number, lengthMs: number): number | undefined {
    let left = Math.max(lengthMs, 0);
    for (const open of this.#openings(from, from + SEARCH_MS)) {
      const length = open.until - open.from;
      if (left < length) return open.from + left;
      left -= length;
    }
    return undefined;
  }

  /** `instant` itself if open, else when the hours next begin. Undefined if not within twenty years. */
  nextOpening(instant: number): number | undefined {
    return this.add(instant, 0);
  }

  /** `instant` itself if not open, else when the hours next end. Undefined if not within a year. */
  nextClosing(instant: number): number | undefined {
    const horizon = instant + CLOSING_SEARCH_MS;
    let end = instant;
    for (const open of this.#openings(instant, horizon)) {
      if (open.from > end) break;
      end = open.until;
    }
    return end < horizon ? end : undefined;
  }

  /** When `isOpen` next changes, after `instant`. Undefined if it does not within the spans above. */
  nextChange(instant: number): number | undefined {
    return this.isOpen(instant) ? this.nextClosing(instant) : this.nextOpening(instant);
  }

  #hasRange(day: number, wall: number): boolean {
    const sinceMidnight = wall - day * DAY_MS;
    return this.#rangesOf(day).some((range) => range.from <= sinceMidnight && sinceMidnight < range.until);
  }

  #rangesOf(day: number): Week[number] {
    return this.week[(((day + FIRST_WEEKDAY) % 7) + 7) % 7] ?? [];
  }

  /** Open time in order, cut to the two instants; pieces may touch (at midnight), but share nothing. */
  *#openings(from: number, until: number): Generator<Interval> {
    let reached = from;
    // From the day before: its overnight ranges reach into this one.
    let day = Math.floor(this.zone.wallAt(from) / DAY_MS) - 1;
    const last = Math.floor(this.zone.wallAt(until) / DAY_MS);
    for (; day <= last; day++) {
      for (const range of this.#rangesOf(day)) {
        for (const open of this.#openTimeOf(day, range)) {
          const piece = { from: Math.max(open.from, reached), until: Math.min(open.until, until) };
          if (piece.from >= piece.until) continue;
          reached = piece.until;
          yield piece;
        }
      }
    }
  }

  #openTimeOf(day: number, range: Interval): Interval[] {
    const midnight = day * DAY_MS;
    return without({ from: midnight + range.from, until: midnight + range.until }, this.holidays.local)
      .map((wall) => ({ from: this.zone.instantOf(wall.from), until: this.zone.instantOf(wall.until) }))
      .flatMap((open) => without(open, this.holidays.exact));
  }
}
