/**
 * How often tools may be called in a minute, by everybody together, in all processes.
 *
 * Invariant: when the store cannot say how often a tool was called, reading goes on, and what changes something or costs
 * waits until it can.
 */
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { ToolSettings } from '../config/resilience.ts';
import type { Tool } from '../domain/tool.ts';
import { withPatience } from '../health/patience.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';

const WINDOW_SECONDS = 60;
/** How long the store is waited for, in ms. */
const PATIENCE_MS = 1_000;

interface Limiter {
  readonly perMinute: number;
  readonly limiter: RateLimiterRedis;
}

export class ToolThrottle {
  readonly #limiters = new Map<string, Limiter>();

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly settings: () => ToolSettings,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Counts a call, with those it is made of. Why it cannot be made now, for the model; undefined when it can. */
  async refusal(tool: Tool, args: unknown): Promise<string | undefined> {
    for (const each of [tool, ...(tool.calls?.(args) ?? []).map((call) => call.tool)]) {
      const refused = await this.#count(each);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  async #count({ name, effect }: Tool): Promise<string | undefined> {
    const perMinute = this.settings()[name]?.per_minute;
    if (perMinute === undefined) return undefined;
    const counted = await withPatience(this.#consume(name, perMinute), this.patienceMs);
    if (counted === undefined) {
      return effect === 'read'
        ? undefined
        : `Not called: how often ${name} was called cannot be found out just now. Try again in a minute.`;
    }
    if (counted === 'free') return undefined;
    const seconds = Math.ceil(counted.msBeforeNext / 1_000);
    const often = perMinute === 1 ? 'once' : `${perMinute} times`;
    return `Not called: ${name} may be called ${often} in a minute, and it was. Try again in ${seconds} s.`;
  }

  async #consume(tool: string, perMinute: number): Promise<'free' | RateLimiterRes> {
    try {
      await this.#limiterOf(tool, perMinute).consume(tool);
      return 'free';
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return refused;
      throw refused;
    }
  }

  #limiterOf(tool: string, perMinute: number): RateLimiterRedis {
    const known = this.#limiters.get(tool);
    if (known?.perMinute === perMinute) return known.limiter;
    const limiter = new RateLimiterRedis({
      storeClient: this.redis,
      keyPrefix: this.keys.toolCalls(),
      points: perMinute,
      duration: WINDOW_SECONDS,
    });
    this.#limiters.set(tool, { perMinute, limiter });
    return limiter;
  }
}
