/**
 * Services outside, cut off while they fail: a call to one that has failed again and again is not tried.
 *
 *   CLOSED ── so many failures, one after the other ──▶ OPEN ── cool-down over, next call ──▶ HALF_OPEN
 *      ▲                                                 ▲                                      │
 *      └──────────────── the probe works ────────────────┴──────── the probe fails ─────────────┘
 *
 * Invariants
 *   1. One probe at a time; whoever comes while it runs is refused at once, not kept waiting.
 *   2. Only what says that a service is away counts as a failure: a refusal is an answer.
 */
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleType } from 'cockatiel';
import type { Clock } from '../domain/clock.ts';
import { AppError } from '../domain/errors.ts';
import type { Logger } from '../observability/logger.ts';

export interface BreakerSettings {
  /** Failures, one after the other, that cut a service off. */
  readonly failures: number;
  /** How long, in ms, until it is probed. */
  readonly coolDownMs: number;
}

export type BreakerState = 'CLOSED' | 'OPEN' | 'HALF_OPEN';

/** How one service stands. */
export interface Health {
  /** `model:claude-x`, `tools:jira`. */
  readonly name: string;
  readonly state: BreakerState;
  /** Since when, in ms since the epoch. */
  readonly sinceMs: number;
  /** Why it failed last; absent when it works. */
  readonly reason?: string;
}

/** The call was not made: what it is for has failed too often of late. */
export class CutOffError extends AppError {
  override readonly code = 'CUT_OFF';
  override readonly retryable = true;

  constructor(
    readonly service: string,
    readonly retryAfterMs: number,
    readonly reason: string,
  ) {
    super(
      `${service} is cut off for another ${Math.ceil(retryAfterMs / 1_000)} s, because it failed: ${reason}`,
    );
  }
}

export class Breakers {
  readonly #breakers = new Map<string, Breaker>();
  readonly #listeners = new Set<(health: Health) => void>();

  constructor(
    private readonly settings: () => BreakerSettings,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** The one of this service; with other settings than before it begins anew. */
  of(name: string): Breaker {
    const settings = this.settings();
    const known = this.#breakers.get(name);
    if (known?.isMadeOf(settings)) return known;
    const made = new Breaker(name, settings, this.clock, (health) => this.#changed(health));
    this.#breakers.set(name, made);
    return made;
  }

  /** Of every service that was called so far. */
  health(): Health[] {
    return [...this.#breakers.values()].map((breaker) => breaker.health());
  }

  onChange(listener: (health: Health) => void): void {
    this.#listeners.add(listener);
  }

  #changed(health: Health): void {
    const { name: service, state, reason } = health;
    if (state === 'OPEN') this.log.error({ service, reason }, 'a service fails; it is cut off for a while');
    if (state === 'HALF_OPEN') this.log.info({ service }, 'a service that was cut off is tried again');
    if (state === 'CLOSED') this.log.info({ service }, 'a service that was cut off works again');
    for (const listener of this.#listeners) listener(health);
  }
}

export class Breaker {
  readonly #policy;
  #sinceMs: number;
  #reason = '';

  constructor(
    readonly name: string,
    private readonly settings: BreakerSettings,
    private readonly clock: Clock,
    onChange: (health: Health) => void,
  ) {
    this.#sinceMs = clock.now();
    this.#policy = circuitBreaker(handleType(Away), {
      halfOpenAfter: settings.coolDownMs,
      breaker: new ConsecutiveBreaker(settings.failures),
    });
    this.#policy.onStateChange(() => {
      this.#sinceMs = clock.now();
      onChange(this.health());
    });
  }

  isMadeOf({ failures, coolDownMs }: BreakerSettings): boolean {
    return this.settings.failures === failures && this.settings.coolDownMs === coolDownMs;
  }

  /**
   * @param isFailure whether an error says that the service is away
   * @throws {CutOffError} when it is cut off; otherwise what the work throws
   */
  async run<Result>(work: () => Promise<Result>, isFailure: (error: unknown) => boolean): Promise<Result> {
    if (this.#policy.state === CircuitState.HalfOpen) throw this.#cutOff();
    try {
      return await this.#policy.execute(() => this.#attempt(work, isFailure));
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw this.#cutOff();
      throw error instanceof Away ? error.cause : error;
    }
  }

  async #attempt<Result>(
    work: () => Promise<Result>,
    isFailure: (error: unknown) => boolean,
  ): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!isFailure(error)) throw error;
      this.#reason = error instanceof Error ? error.message : String(error);
      throw new Away(this.name, { cause: error });
    }
  }

  health(): Health {
    const state = STATES[this.#policy.state];
    const base = { name: this.name, state, sinceMs: this.#sinceMs };
    return state === 'CLOSED' ? base : { ...base, reason: this.#reason };
  }

  #cutOff(): CutOffError {
    const leftMs = this.#sinceMs + this.settings.coolDownMs - this.clock.now();
    return new CutOffError(this.name, Math.max(leftMs, 0) || this.settings.coolDownMs, this.#reason);
  }
}

/** The error behind it says that the service is away. */
class Away extends Error {}

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'CLOSED',
  [CircuitState.Open]: 'OPEN',
  [CircuitState.HalfOpen]: 'HALF_OPEN',
  [CircuitState.Isolated]: 'OPEN',
};
