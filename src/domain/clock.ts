/** Where time comes from. Deadlines are judged by the store's own time; this clock serves everything else. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** How much time passes, by a clock that nobody sets: its readings mean something beside each other only. */
export const monotonicClock: Clock = { now: () => performance.now() };
