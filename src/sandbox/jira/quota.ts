/** The points of an hour, which all calls together use up; see `limits.ts` for what a call costs. */
import type { Clock } from '../../domain/clock.ts';
import { POINTS, QUOTA_WINDOW_MS } from './limits.ts';

export class Quota {
  #window = 0;
  #used = 0;

  constructor(
    private readonly points: number,
    private readonly clock: Clock,
  ) {}

  /** Counts one call. When there are too few points left for it: the end of the hour, in ms. */
  refuses(method: string): number | undefined {
    const window = Math.floor(this.clock.now() / QUOTA_WINDOW_MS);
    if (window !== this.#window) this.#used = 0;
    this.#window = window;
    const cost = method === 'GET' ? POINTS.read : POINTS.write;
    if (this.#used + cost > this.points) return (window + 1) * QUOTA_WINDOW_MS;
    this.#used += cost;
    return undefined;
  }
}
