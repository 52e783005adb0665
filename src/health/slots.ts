/** A bounded number of places for something that many want at once: first come, first served, for so long. */
import pLimit, { type LimitFunction } from 'p-limit';
import { AppError } from '../domain/errors.ts';

/** Every place was taken for as long as somebody was ready to wait. */
export class NoSlotError extends AppError {
  override readonly code = 'NO_SLOT';
  override readonly retryable = true;

  constructor(
    readonly places: number,
    readonly waitedMs: number,
  ) {
    super(`all ${places} places were taken for ${waitedMs / 1_000} s`);
  }
}

export interface SlotSettings {
  /** Places there are. */
  readonly places: number;
  /** How long a place is waited for, in ms. */
  readonly waitMs: number;
}

export class Slots {
  readonly #limit: LimitFunction;

  constructor(private readonly settings: () => SlotSettings) {
    this.#limit = pLimit(settings().places);
  }

  /** How many places are taken, and how many wait for one. */
  get use(): { readonly taken: number; readonly waiting: number } {
    return { taken: this.#limit.activeCount, waiting: this.#limit.pendingCount };
  }

  /**
   * Does the work once there is a place for it. The time of the wait is no part of the work.
   *
   * @throws {NoSlotError} when there was none in time; nothing was begun then
   */
  async run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    const { places, waitMs } = this.settings();
    if (this.#limit.concurrency !== places) this.#limit.concurrency = places;
    const { taken, waiting } = this.use;
    if (taken + waiting < places && !signal.aborted) return this.#limit(work);
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(new NoSlotError(places, waitMs)), waitMs);
    const gaveUp = AbortSignal.any([signal, patience.signal]);
    return new Promise<Result>((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        reject(gaveUp.reason);
      };
      gaveUp.addEventListener('abort', leave, { once: true });
      void this.#limit(async () => {
        clearTimeout(timer);
        gaveUp.removeEventListener('abort', leave);
        // Whoever has left gives the place on at once.
        if (gaveUp.aborted) return;
        await work().then(resolve, reject);
      });
      if (gaveUp.aborted) leave();
    });
  }
}
