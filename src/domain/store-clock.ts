/**
 * Whether the store's clock may be believed. Deadlines are judged by it, so whoever sets it an hour ahead would end
 * everything that is due within the hour.
 *
 *   trusted ──leaps ahead of a clock nobody sets──▶ held: the leap is taken off ──returns by itself──▶ trusted
 *                                                    └──goes right for a while───▶ trusted, as it is now
 *
 * A process looks at it again and again, and says by its own monotonic clock how much time has passed in between. What
 * nobody has watched is no leap but an outage, which is none of this file's business. Pure.
 *
 * Invariants (number of the specification)
 *   A20  What is judged by never runs ahead of the time that has really passed by more than a tolerance, until the
 *        store's clock has gone right for `QUARANTINE_MS` since.
 *   1.   It does not run back: a clock that was set back is waited for (`steadyTime` of lanes.lua).
 *   2.   A slow answer, a process that stood still, or a store that was away, is no leap.
 */

/** So much the two clocks may differ between two looks, in ms; of the specification. */
export const TOLERANCE_MS = 5_000;
/** How long a clock that has leapt has to go right before it is believed, in ms; of the specification. */
export const QUARANTINE_MS = 30_000;

/** What is taken off the store's clock, in ms. `n` counts how often that was changed. */
export interface Hold {
  readonly ms: number;
  readonly n: number;
}

/** One look: when it was asked for and answered by the monotonic clock, and what the store's clock said. */
export interface Sample {
  readonly askedMs: number;
  readonly answeredMs: number;
  readonly storeMs: number;
  readonly hold: Hold;
}

/** What one process remembers. */
export interface Watch {
  readonly sample: Sample;
  /** Since when it has gone right, by the monotonic clock. */
  readonly rightSinceMs: number;
}

/** From now on so much is to be taken off. */
export interface Adjustment {
  readonly why: 'leapt' | 'returned' | 'confirmed';
  readonly ms: number;
}

export function judge(
  before: Watch | undefined,
  sample: Sample,
): { readonly watch: Watch; readonly adjustment?: Adjustment } {
  const { hold } = sample;
  // Somebody else has seen to it since: what is between the two looks is theirs.
  if (!before || before.sample.hold.n !== hold.n) return { watch: from(sample) };

  const passedMs = sample.storeMs - before.sample.storeMs;
  const mostMs = sample.answeredMs - before.sample.askedMs;
  const leastMs = sample.askedMs - before.sample.answeredMs;
  if (passedMs > mostMs + TOLERANCE_MS) {
    return { watch: from(sample), adjustment: { why: 'leapt', ms: hold.ms + passedMs - leastMs } };
  }
  if (hold.ms === 0) return { watch: { ...before, sample } };
  if (passedMs < leastMs - TOLERANCE_MS) {
    const leftMs = hold.ms - (leastMs - passedMs);
    return { watch: from(sample), adjustment: { why: 'returned', ms: leftMs > TOLERANCE_MS ? leftMs : 0 } };
  }
  if (sample.askedMs - before.rightSinceMs >= QUARANTINE_MS) {
    return { watch: from(sample), adjustment: { why: 'confirmed', ms: 0 } };
  }
  return { watch: { ...before, sample } };
}

/** The same watch, once what it led to is written. */
export function adjusted({ sample, rightSinceMs }: Watch, hold: Hold): Watch {
  return { sample: { ...sample, hold }, rightSinceMs };
}

function from(sample: Sample): Watch {
  return { sample, rightSinceMs: sample.answeredMs };
}
