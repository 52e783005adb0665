/**
 * Rate limits: one bucket per route and main resource, one for the whole app, and a count of invalid requests.
 *
 * Discord publishes no numbers per route and asks to read the headers; the real ones here are as bots observe them.
 */
import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { GLOBAL_REQUESTS_PER_SECOND, INVALID_REQUESTS_PER_MS, MAX_INVALID_REQUESTS } from './limits.ts';
import type { RestRoute } from './rest-route.ts';

export interface RouteLimit {
  readonly requests: number;
  readonly perSeconds: number;
}

export interface RateLimitSettings {
  /** Of routes that `routes` does not name. */
  readonly everyRoute: RouteLimit;
  /** By route, such as `POST /channels/:channel/messages`. */
  readonly routes: Readonly<Record<string, RouteLimit>>;
  readonly globalPerSecond: number;
  /** Of requests answered with 401, 403 or 429 within ten minutes. */
  readonly invalidRequests: number;
}

/** High enough to be out of the way of whatever is told or tested. */
export const GENEROUS_RATE_LIMITS: RateLimitSettings = {
  everyRoute: { requests: 1_000, perSeconds: 1 },
  routes: {},
  globalPerSecond: 10_000,
  invalidRequests: MAX_INVALID_REQUESTS,
};

export const REAL_RATE_LIMITS: RateLimitSettings = {
  everyRoute: { requests: 50, perSeconds: 1 },
  routes: {
    'POST /channels/:channel/messages': { requests: 5, perSeconds: 5 },
    'PATCH /channels/:channel/messages/:message': { requests: 5, perSeconds: 5 },
    'DELETE /channels/:channel/messages/:message': { requests: 5, perSeconds: 1 },
    'POST /channels/:channel/typing': { requests: 5, perSeconds: 5 },
    'POST /webhooks/:app/:token': { requests: 5, perSeconds: 5 },
    'PATCH /webhooks/:app/:token/messages/:message': { requests: 5, perSeconds: 5 },
    'POST /applications/:app/commands': { requests: 5, perSeconds: 20 },
    'POST /applications/:app/guilds/:guild/commands': { requests: 5, perSeconds: 20 },
  },
  globalPerSecond: GLOBAL_REQUESTS_PER_SECOND,
  invalidRequests: MAX_INVALID_REQUESTS,
};

/** Whether a request may go on, and what the answer says about it. */
export type RateVerdict =
  | { readonly kind: 'passed'; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly kind: 'limited';
      readonly scope: 'user' | 'global';
      readonly retryAfterSeconds: number;
      readonly headers: Readonly<Record<string, string>>;
    }
  /** Ten thousand invalid requests: the front shuts this address out. */
  | { readonly kind: 'banned'; readonly retryAfterSeconds: number };

const INVALID_STATUSES: readonly number[] = [401, 403, 429];

export class RateLimits {
  readonly #buckets = new Map<string, RateLimiterMemory>();
  readonly #global: RateLimiterMemory;
  readonly #invalid: RateLimiterMemory;

  constructor(private readonly settings: RateLimitSettings) {
    this.#global = new RateLimiterMemory({ points: settings.globalPerSecond, duration: 1 });
    this.#invalid = new RateLimiterMemory({
      points: settings.invalidRequests,
      duration: INVALID_REQUESTS_PER_MS / 1_000,
    });
  }

  async take(route: RestRoute, params: Readonly<Record<string, string>>): Promise<RateVerdict> {
    const invalid = await this.#invalid.get('app');
    if (invalid !== null && invalid.consumedPoints > this.settings.invalidRequests)
      return { kind: 'banned', retryAfterSeconds: Math.ceil(invalid.msBeforeNext / 1_000) };

    const global = route.open === true ? undefined : await consume(this.#global, 'app');
    if (global !== undefined && !global.passed)
      return {
        kind: 'limited',
        scope: 'global',
        retryAfterSeconds: seconds(global),
        headers: { 'x-ratelimit-global': 'true' },
      };

    const name = nameOf(route);
    const limit = this.settings.routes[name] ?? this.settings.everyRoute;
    const taken = await consume(this.#bucket(name, limit), mainResourceOf(params));
    const headers = headersOf(name, limit, taken);
    return taken.passed
      ? { kind: 'passed', headers }
      : { kind: 'limited', scope: 'user', retryAfterSeconds: seconds(taken), headers };
  }

  /** Counts an answer that Discord calls invalid; a 429 of the `shared` scope is not one. */
  async answered(status: number): Promise<void> {
    if (INVALID_STATUSES.includes(status)) await consume(this.#invalid, 'app');
  }

  #bucket(name: string, { requests, perSeconds }: RouteLimit): RateLimiterMemory {
    const bucket =
      this.#buckets.get(name) ?? new RateLimiterMemory({ points: requests, duration: perSeconds });
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

export function nameOf({ method, path }: Pick<RestRoute, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

interface Taken {
  readonly passed: boolean;
  readonly remaining: number;
  readonly msBeforeNext: number;
}

async function consume(limiter: RateLimiterMemory, key: string): Promise<Taken> {
  try {
    const { remainingPoints, msBeforeNext } = await limiter.consume(key);
    return { passed: true, remaining: remainingPoints, msBeforeNext };
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    return { passed: false, remaining: 0, msBeforeNext: refusal.msBeforeNext };
  }
}

/** Buckets are per channel, guild or webhook (Rate Limits, top-level resources). */
function mainResourceOf({ channel, guild, token, app }: Readonly<Record<string, string>>): string {
  return channel ?? guild ?? token ?? app ?? 'none';
}

function headersOf(name: string, { requests }: RouteLimit, taken: Taken): Record<string, string> {
  const resetAfter = taken.msBeforeNext / 1_000;
  return {
    'x-ratelimit-bucket': createHash('md5').update(name).digest('hex'),
    'x-ratelimit-limit': String(requests),
    'x-ratelimit-remaining': String(taken.remaining),
    'x-ratelimit-reset-after': resetAfter.toFixed(3),
    'x-ratelimit-reset': (Date.now() / 1_000 + resetAfter).toFixed(3),
  };
}

function seconds({ msBeforeNext }: Taken): number {
  return Math.max(0.001, msBeforeNext / 1_000);
}
