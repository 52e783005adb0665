/**
 * What one program has heard, as it is to be shown: one entry for each thing, however often it was changed.
 *
 * Invariants
 *   1. Entries are in the order of the positions that showed them first; a later event with `replaces` changes the
 *      entry in its place.
 *   2. An event counts once. After a gap, a position that is not new means that the log began anew, and what was heard of the old one is
 *      forgotten.
 */
import type { EventFrame } from './frames.ts';

/** Entries kept of one program; a demo has tens, a load test thousands. */
const MAX_ENTRIES = 5_000;

export interface Heard {
  /** Position of the event that showed it first. */
  readonly first: number;
  /** When that was. */
  readonly at: string;
  /** The event that it shows now. */
  readonly event: EventFrame;
}

export class EventLog {
  readonly #entries = new Map<number, Heard>();
  #last = 0;
  #gapBefore = false;

  /** Position of the newest event; where to read on. */
  get last(): number {
    return this.#last;
  }

  get entries(): Heard[] {
    return [...this.#entries.values()].sort((a, b) => a.first - b.first);
  }

  /** Something that was to come next is no longer kept by the gateway. */
  miss(): void {
    this.#gapBefore = true;
  }

  take(event: EventFrame): void {
    const isNew = event.position > this.#last;
    if (!isNew && !this.#gapBefore) return;
    if (!isNew) this.#entries.clear(); // invariant 2
    this.#gapBefore = false;
    this.#last = event.position;
    const first = 'replaces' in event && event.replaces !== undefined ? event.replaces : event.position;
    this.#entries.set(first, { first, at: this.#entries.get(first)?.at ?? event.at, event });
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
  }
}
