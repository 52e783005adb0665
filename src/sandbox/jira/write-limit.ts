/** How often one issue may be written to; see `limits.ts`. */
import type { Clock } from '../../domain/clock.ts';
import { ISSUE_WRITES } from './limits.ts';

export class WriteLimit {
  readonly #writes = new Map<string, number[]>();

  constructor(private readonly clock: Clock) {}

  /** Counts a write. The seconds to wait when it is one too many, or undefined. */
  refuses(issue: string): number | undefined {
    const now = this.clock.now();
    const longest = Math.max(...ISSUE_WRITES.map(({ withinMs }) => withinMs));
    const recent = (this.#writes.get(issue) ?? []).filter((at) => at > now - longest);
    for (const { writes, withinMs } of ISSUE_WRITES) {
      const within = recent.filter((at) => at > now - withinMs);
      const oldest = within[within.length - writes];
      if (oldest !== undefined) return Math.ceil((oldest + withinMs - now) / 1_000);
    }
    this.#writes.set(issue, [...recent, now]);
    return undefined;
  }
}
