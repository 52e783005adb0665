/** When something planned is done: once at a local time, or again and again by a cron expression. Pure. */
import { Cron } from 'croner';
import { z } from 'zod';
import { isTimeZone, TimeZone } from '../calendar/time-zone.ts';

export const When = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('once'), atMs: z.int(), zone: z.string() }),
  z.object({ kind: z.literal('cron'), expression: z.string(), zone: z.string() }),
]);
export type When = z.infer<typeof When>;

/** As it is asked for. */
export interface Wish {
  readonly kind: 'once' | 'cron';
  /** `2026-11-22T09:00`, on the clock of the zone. */
  readonly at?: string | undefined;
  readonly cron?: string | undefined;
  readonly zone: string;
}

export type Read = { readonly when: When } | { readonly problem: string };

/** Furthest away that something can be planned, in ms. */
const FURTHEST_MS = 366 * 24 * 60 * 60_000;
/** Runs that are looked at to find the shortest time between two: with five fields, irregular ones show early. */
const RUNS_LOOKED_AT = 200;

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})$/;
/** Minute, hour, day, month, weekday; without seconds and nicknames. */
const FIVE_FIELDS = /^[\dA-Za-z*,/#L-]+(?: [\dA-Za-z*,/#L-]+){4}$/;

/**
 * Reads a wish at a moment; `problem` is the end of a sentence.
 *
 * @param leastMs between two runs of what is done again and again
 */
export function readWish(wish: Wish, nowMs: number, leastMs: number): Read {
  if (!isTimeZone(wish.zone))
    return { problem: `"${wish.zone}" is no time zone; write one such as Europe/Berlin` };
  const read = wish.kind === 'once' ? readMoment(wish) : readCron(wish, nowMs, leastMs);
  if ('problem' in read) return read;
  const next = nextAfter(read.when, nowMs);
  if (next === undefined) {
    return {
      problem: wish.kind === 'once' ? `${wish.at} (${wish.zone}) is over` : `"${wish.cron}" is never`,
    };
  }
  return next - nowMs > FURTHEST_MS ? { problem: 'it is more than a year away' } : read;
}

/** When it is done next; undefined when never again. */
export function nextAfter(when: When, ms: number): number | undefined {
  switch (when.kind) {
    case 'once':
      return when.atMs > ms ? when.atMs : undefined;
    case 'cron':
      return toCron(when).nextRun(new Date(ms))?.getTime();
    default:
      return when satisfies never;
  }
}

/** When it is done, the next few times. */
export function nextRuns(when: When, ms: number, count: number): number[] {
  if (when.kind === 'once') return when.atMs > ms ? [when.atMs] : [];
  return toCron(when)
    .nextRuns(count, new Date(ms))
    .map((date) => date.getTime());
}

function readMoment({ at, zone }: Wish): Read {
  const parts = LOCAL.exec(at ?? '')
    ?.slice(1)
    .map(Number);
  if (!parts) return { problem: '`at` must be a local time such as 2026-11-22T09:00' };
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = parts;
  const wall = Date.UTC(year, month - 1, day, hour, minute);
  if (new Date(wall).toISOString().slice(0, 16) !== at) return { problem: `there is no ${at}` };
  return { when: { kind: 'once', atMs: new TimeZone(zone).instantOf(wall), zone } };
}

function readCron({ cron = '', zone }: Wish, nowMs: number, leastMs: number): Read {
  const expression = cron.trim().replaceAll(/ +/g, ' ');
  if (!FIVE_FIELDS.test(expression)) {
    return { problem: '`cron` must be five fields (minute hour day month weekday), such as 0 9 * * 1-5' };
  }
  const when: When = { kind: 'cron', expression, zone };
  try {
    const runs = nextRuns(when, nowMs, RUNS_LOOKED_AT);
    const shortest = Math.min(...runs.slice(1).map((run, index) => run - (runs[index] ?? 0)));
    return shortest < leastMs
      ? { problem: `it would run every ${shortest / 60_000} minutes; the shortest is ${leastMs / 60_000}` }
      : { when };
  } catch (error) {
    return {
      problem: `"${expression}" is no cron expression (${error instanceof Error ? error.message : error})`,
    };
  }
}

function toCron({ expression, zone }: Extract<When, { kind: 'cron' }>): Cron {
  // Without a function to call, nothing is started.
  return new Cron(expression, { timezone: zone, mode: '5-part' });
}
