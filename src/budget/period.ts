/** The day and the month in which something is spent, by the clock of one time zone. */
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

/** The periods of now: each is worked out once, and holds until it ends. */
export class CurrentPeriods {
  readonly #kept = new Map<PeriodKind, { readonly zone: string; readonly period: Period }>();

  at(kind: PeriodKind, atMs: number, zone: string): Period {
    const kept = this.#kept.get(kind);
    if (kept?.zone === zone && kept.period.startMs <= atMs && atMs < kept.period.endsMs) return kept.period;
    const period = periodAt(kind, atMs, zone);
    this.#kept.set(kind, { zone, period });
    return period;
  }
}

/** Pure. */
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
