/**
 * Services outside, cut off while they fail: a call to one that has failed again and again is not tried.
 *
 *   CLOSED ── so many failures, one after the other ──▶ OPEN ── cool-down over, next call ──▶ HALF_OPEN
 *      ▲                                                 ▲                                      │
 *      └──────────────── the probe works ────────────────┴── the probe fails, or is broken off ─┘
 *
 * Invariants
 *   1. One probe at a time; whoever comes while it runs is refused at once, not kept waiting.
 *   2. Only what says that a service is away counts as a failure: a refusal is an answer.
 *   3. A call that was broken off says nothing of the service. If it was the probe, the service stays cut off, and the
 *      next call is the probe, without another cool-down.
 */
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleType,
} from 'cockatiel';
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

/** What an error says of the service: it is away; it answered, and be it no; nothing, for nobody waited any longer. */
export type Verdict = 'away' | 'answered' | 'broken-off';

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
    const made = new Breaker(name, settings, this.clock, (health, isBrokenOff) =>
      this.#changed(health, isBrokenOff),
    );
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

  #changed(health: Health, isBrokenOff: boolean): void {
    const { name: service, state, reason } = health;
    if (isBrokenOff) {
      this.log.info(
        { service, reason },
        'the call that tried a service again was broken off; the next one tries it',
      );
    } else if (state === 'OPEN') {
      this.log.error({ service, reason }, 'a service fails; it is cut off for a while');
    }
    if (state === 'HALF_OPEN') this.log.info({ service }, 'a service that was cut off is tried again');
    if (state === 'CLOSED') this.log.info({ service }, 'a service that was cut off works again');
    for (const listener of this.#listeners) listener(health);
  }
}

export class Breaker {
  readonly #policy;
  #sinceMs: number;
  #reason = '';

  /** @param onChange also told whether it changed because the probe was broken off */
  constructor(
    readonly name: string,
    private readonly settings: BreakerSettings,
    private readonly clock: Clock,
    onChange: (health: Health, isBrokenOff: boolean) => void,
  ) {
    this.#sinceMs = clock.now();
    this.#policy = circuitBreaker(handleType(Away).orType(BrokenOff), {
      halfOpenAfter: new DelegateBackoff(() => (this.#isProbeBrokenOff() ? 0 : settings.coolDownMs)),
      breaker: new ConsecutiveBreaker(settings.failures),
    });
    this.#policy.onStateChange(() => {
      this.#sinceMs = clock.now();
      const health = this.health();
      onChange(health, health.state === 'OPEN' && this.#isProbeBrokenOff());
    });
  }

  isMadeOf({ failures, coolDownMs }: BreakerSettings): boolean {
    return this.settings.failures === failures && this.settings.coolDownMs === coolDownMs;
  }

  /**
   * @param judge what an error of the work says of the service
   * @throws {CutOffError} when it is cut off; otherwise what the work throws
   */
  async run<Result>(work: () => Promise<Result>, judge: (error: unknown) => Verdict): Promise<Result> {
    if (this.#policy.state === CircuitState.HalfOpen) throw this.#cutOff();
    try {
      return await this.#policy.execute(() => this.#attempt(work, judge));
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw this.#cutOff();
      throw error instanceof Away || error instanceof BrokenOff ? error.cause : error;
    }
  }

  async #attempt<Result>(work: () => Promise<Result>, judge: (error: unknown) => Verdict): Promise<Result> {
    // Taken before the work begins: a call that was under way when the service was cut off is no probe.
    const isProbe = this.#policy.state !== CircuitState.Closed;
    try {
      return await work();
    } catch (error) {
      const verdict = judge(error);
      if (verdict === 'broken-off' && isProbe) throw new BrokenOff(this.name, { cause: error });
      if (verdict !== 'away') throw error;
      this.#reason = error instanceof Error ? error.message : String(error);
      throw new Away(this.name, { cause: error });
    }
  }

  #isProbeBrokenOff(): boolean {
    const failure = this.#policy.lastFailure;
    return failure !== undefined && 'error' in failure && failure.error instanceof BrokenOff;
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

/** Nobody waited for the answer of the probe any longer. */
class BrokenOff extends Error {}

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'CLOSED',
  [CircuitState.Open]: 'OPEN',
  [CircuitState.HalfOpen]: 'HALF_OPEN',
  [CircuitState.Isolated]: 'OPEN',
};
