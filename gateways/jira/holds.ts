/**
 * What Jira has asked to be left alone, and until when: nothing that is held is asked for, so that the wait is kept and
 * everything else goes on.
 *
 * Cloud limits three things independently of each other, and `RateLimit-Reason` tells which was one too many
 * (developer.atlassian.com, "Rate limiting"):
 *
 *   jira-quota-…             the points of an hour   holds everything, until the quota is reset
 *   jira-burst-based         one endpoint, by method holds that endpoint, for every issue
 *   jira-per-issue-on-write  writes to one issue     holds writes to that issue; it can still be read
 *
 * A proxy before Jira names no reason, and is taken to mean the endpoint. Data Center has one limit for each account
 * and all it asks ("Improving instance stability with rate limiting"), so there everything is held.
 *
 * Kept in memory: after a restart Jira says it once more.
 */
import type { Clock } from '../../src/domain/clock.ts';
import { RateLimitedError } from '../../src/domain/errors.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { JiraHttpError } from './http-error.ts';

/** Waits after a 429 that names no time, in ms; some proxies before Jira leave it out. */
const DEFAULT_WAIT_MS = 2_000;
/** An hourly quota that is used up, without a time: asking on would only use up the next. */
const QUOTA_WAIT_MS = 10 * 60_000;
/** Data Center fills its bucket by the second; what it asks for is shown as trouble from here on, in ms. */
const LONG_HOLD_MS = 60_000;
/** Longest hold, in ms: quotas are by the hour. Whatever was said, after that it is tried again. */
const LONGEST_HOLD_MS = 60 * 60_000;

/** A request as limits see it. */
export interface LimitedRequest {
  readonly method: string;
  /** Below `/rest/`, without its query: `api/2/issue/OPS-2/comment`. */
  readonly path: string;
}

export type Scope =
  | { readonly kind: 'everything' }
  | { readonly kind: 'endpoint'; readonly name: string }
  | { readonly kind: 'issue'; readonly name: string };

export interface LongHold {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export class JiraHolds {
  /** End of each hold, in ms, by scope. */
  readonly #until = new Map<string, number>();
  #long: LongHold | undefined;

  constructor(
    private readonly isCloud: boolean,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** @throws {RateLimitedError} while this, or everything, is held */
  check(request: LimitedRequest): void {
    const now = this.clock.now();
    const untilMs = Math.max(...scopesOf(request).map((scope) => this.#until.get(keyOf(scope)) ?? 0));
    if (untilMs > now) throw new RateLimitedError('jira', untilMs - now);
  }

  /** Jira answered this request with a 429. What that is about is held from now on. */
  refused(request: LimitedRequest, error: JiraHttpError): RateLimitedError {
    const scope = scopeOf(request, error.reason, this.isCloud);
    const isQuota = scope.kind === 'everything' && this.isCloud;
    const askedMs = error.retryAfterMs ?? (isQuota ? QUOTA_WAIT_MS : DEFAULT_WAIT_MS);
    const waitMs = Math.min(askedMs, LONGEST_HOLD_MS);
    this.#hold(scope, waitMs, error.reason);
    return new RateLimitedError('jira', waitMs, { cause: error });
  }

  /** While everything is held, and so long that somebody may wonder: not for the seconds that Data Center asks for. */
  long(): LongHold | undefined {
    return this.#long && this.#long.untilMs > this.clock.now() ? this.#long : undefined;
  }

  #hold(scope: Scope, forMs: number, reason = 'none named'): void {
    const now = this.clock.now();
    for (const [key, untilMs] of this.#until) if (untilMs <= now) this.#until.delete(key);
    const untilMs = now + forMs;
    this.#until.set(keyOf(scope), untilMs);
    const isLong = this.isCloud || forMs >= LONG_HOLD_MS;
    if (scope.kind === 'everything' && isLong) this.#long = { sinceMs: this.long()?.sinceMs ?? now, untilMs };
    this.#say(scope, { reason, forMs });
  }

  /** Once for each hold: what is held is not asked for, so it is not refused again. */
  #say(scope: Scope, facts: { readonly reason: string; readonly forMs: number }): void {
    switch (scope.kind) {
      case 'everything': {
        const whose = this.isCloud
          ? 'the quota of Jira is used up'
          : 'this account has asked too much of Jira';
        this.log[this.isCloud ? 'error' : 'warn'](facts, `${whose}; nothing is asked of it for so long`);
        break;
      }
      case 'endpoint':
        this.log.warn(
          { ...facts, endpoint: scope.name },
          'Jira was asked one thing too often at once; that alone waits, for all issues',
        );
        break;
      case 'issue':
        this.log.warn(
          { ...facts, issue: scope.name },
          'one issue of Jira was written to too often; writing there waits, and nothing else',
        );
        break;
      default:
        scope satisfies never;
    }
  }
}

/** What a 429 to this request is about. Pure. */
export function scopeOf(request: LimitedRequest, reason: string | undefined, isCloud: boolean): Scope {
  if (!isCloud || reason?.startsWith('jira-quota')) return { kind: 'everything' };
  const issue = issueWrittenBy(request);
  if (reason === 'jira-per-issue-on-write' && issue !== undefined) return { kind: 'issue', name: issue };
  return { kind: 'endpoint', name: endpointOf(request) };
}

/** Everything whose hold is one on this request. Pure. */
function scopesOf(request: LimitedRequest): Scope[] {
  const issue = issueWrittenBy(request);
  return [
    { kind: 'everything' },
    { kind: 'endpoint', name: endpointOf(request) },
    ...(issue === undefined ? [] : [{ kind: 'issue' as const, name: issue }]),
  ];
}

function keyOf(scope: Scope): string {
  return scope.kind === 'everything' ? scope.kind : `${scope.kind} ${scope.name}`;
}

/** Method and path without what differs from call to call: `POST api/2/issue/…/comment`. */
function endpointOf({ method, path }: LimitedRequest): string {
  const [api, version, ...rest] = path.split('/');
  return `${method} ${[api, version, ...rest.map((part) => (WORD.test(part) ? part : '…'))].join('/')}`;
}

/** Names of resources; ids, keys of issues and of projects have digits or begin with a capital. */
const WORD = /^[a-z]+(?:[A-Z][a-z]+)*$/;

/** Undefined for what writes to no issue, or to more than the path names (a link). */
function issueWrittenBy({ method, path }: LimitedRequest): string | undefined {
  if (method === 'GET') return undefined;
  const [, issue] = /^api\/2\/issue\/([^/]+)(?:\/|$)/.exec(path) ?? [];
  return issue?.toUpperCase();
}
