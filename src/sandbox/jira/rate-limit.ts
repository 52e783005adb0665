/** So many of one kind within so many ms; see `limits.ts` for how many. */
import type { Clock } from '../../domain/clock.ts';

export interface Window {
  readonly most: number;
  readonly withinMs: number;
}

export class RateLimit {
  readonly #times = new Map<string, number[]>();

  constructor(private readonly clock: Clock) {}

  /** Counts one of this kind. The seconds to wait when it is one too many for a window, or undefined. */
  refuses(kind: string, windows: readonly Window[]): number | undefined {
    const now = this.clock.now();
    const longest = Math.max(...windows.map(({ withinMs }) => withinMs));
    const recent = (this.#times.get(kind) ?? []).filter((at) => at > now - longest);
    for (const { most, withinMs } of windows) {
      const within = recent.filter((at) => at > now - withinMs);
      const oldest = within[within.length - most];
      if (oldest !== undefined) return Math.ceil((oldest + withinMs - now) / 1_000);
    }
    this.#times.set(kind, [...recent, now]);
    return undefined;
  }
}
