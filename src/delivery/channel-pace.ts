/**
 * How fast one channel of a platform is posted to, so that the platform need not refuse.
 *
 * Kept per process: with several gateways the platform's own refusal (429) is the last word, and it parks only the
 * lanes of that channel.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Pace } from '../domain/gateway.ts';
import type { Address } from '../domain/message.ts';

export class ChannelPace {
  readonly #limiter: RateLimiterMemory;

  constructor(private readonly pace: Pace) {
    this.#limiter = new RateLimiterMemory({ points: pace.posts, duration: pace.perMs / 1_000 });
  }

  /** 0 to post now, else how long to wait, in ms. */
  async waitMs(to: Address): Promise<number> {
    try {
      await this.#limiter.consume(this.pace.channelOf(to));
      return 0;
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return Math.max(refused.msBeforeNext, 1);
      throw refused;
    }
  }

  /** The platform refused: nothing more to this channel for so long. */
  async hold(to: Address, forMs: number): Promise<void> {
    await this.#limiter.block(this.pace.channelOf(to), Math.ceil(forMs / 1_000));
  }
}
