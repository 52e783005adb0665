/** The day and the month in which something is spent, by the clock of one time zone. Pure. */
import { Temporal } from 'temporal-polyfill';

export const PERIOD_KINDS = ['day', 'month'] as const;
export type PeriodKind = (typeof PERIOD_KINDS)[number];

export interface Period {
  readonly kind: PeriodKind;
  /** `2026-11-21` or `2026-11`: part of keys, and unlike the one of any other period. */
  readonly name: string;
  /** When it began, in ms since the epoch. */
  readonly startMs: number;
  /** When the next one begins. */
  readonly endsMs: number;
}

export function periodAt(kind: PeriodKind, atMs: number, zone: string): Period {
  const today = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone).toPlainDate();
  const first = kind === 'day' ? today : today.with({ day: 1 });
  const next = first.add(kind === 'day' ? { days: 1 } : { months: 1 });
  return {
    kind,
    name: kind === 'day' ? first.toString() : first.toPlainYearMonth().toString(),
    // A midnight that is skipped is the moment the clock jumps.
    startMs: first.toZonedDateTime(zone).epochMilliseconds,
    endsMs: next.toZonedDateTime(zone).epochMilliseconds,
  };
}
