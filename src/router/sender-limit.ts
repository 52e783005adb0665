/**
 * How much one person may say in a minute.
 *
 * Kept per process: it guards against a flood, not against one message more.
 *
 * Invariant: a message counts once, however often it is delivered. Slack tells of a mention twice, and again when it
 * got no answer; none of that is more to read.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Clock } from '../domain/clock.ts';

const WINDOW_MS = 60_000;

export class SenderLimit {
  #limiter: { perMinute: number; limiter: RateLimiterMemory } | undefined;
  /** What was said about each message of this window, and of the one before it. */
  #said = new Map<string, Promise<number>>();
  #saidBefore = new Map<string, Promise<number>>();
  #windowEndsMs = 0;

  constructor(
    private readonly perMinute: () => number,
    private readonly clock: Clock,
  ) {}

  /** 0, or how long the sender has to wait, in ms. */
  async waitMs(sender: string, messageId: string): Promise<number> {
    this.#turnWindow();
    const said = this.#said.get(messageId) ?? this.#saidBefore.get(messageId) ?? this.#count(sender);
    this.#said.set(messageId, said);
    return said;
  }

  async #count(sender: string): Promise<number> {
    try {
      await this.#limiterNow().consume(sender);
      return 0;
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return refused.msBeforeNext;
      throw refused;
    }
  }

  #limiterNow(): RateLimiterMemory {
    const perMinute = this.perMinute();
    if (this.#limiter?.perMinute !== perMinute) {
      const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_MS / 1_000 });
      this.#limiter = { perMinute, limiter };
    }
    return this.#limiter.limiter;
  }

  #turnWindow(): void {
    const nowMs = this.clock.now();
    if (nowMs < this.#windowEndsMs) return;
    this.#saidBefore = this.#said;
    this.#said = new Map();
    this.#windowEndsMs = nowMs + WINDOW_MS;
  }
}
