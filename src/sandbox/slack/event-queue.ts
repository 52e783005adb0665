/**
 * Brings events to the app, again and again until it has acknowledged them or Slack would give up.
 *
 *   queued ──attempt──▶ acknowledged
 *     ▲ └─── failed, delays left ──┐ └─── failed, none left ──▶ abandoned
 *     └────────── wait ────────────┘
 *
 * Invariants
 *   1. An event is in the journal before its first attempt and leaves it only when acknowledged or abandoned, so a
 *      killed sandbox delivers it again.
 *   2. An event's id is the same on every attempt.
 *   3. The loss of a socket uses up no delay: what was in flight goes out on the next one.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../domain/clock.ts';
import type { Payload } from './events.ts';
import { postSigned } from './request-url.ts';
import type { SocketMode } from './socket-mode.ts';
import type { QueuedEvent, Workspace } from './workspace.ts';

/** Least pause between attempts of an event that is retried until acknowledged. */
const MIN_ENDLESS_DELAY_MS = 50;

export interface QueueSettings {
  readonly signingSecret: string;
  readonly ackTimeoutMs: number;
  readonly retryDelaysMs: readonly number[];
  /** Go on after the last delay, repeating it, instead of giving up. */
  readonly retryUntilAcknowledged: boolean;
}

/** One attempt at bringing one event or interaction to the app. */
export interface Delivery {
  readonly eventId: string;
  /** `message`, `app_mention`, `block_actions`, … */
  readonly what: string;
  readonly via: 'socket' | 'http';
  /** 0 the first time. */
  readonly attempt: number;
  readonly outcome: 'acknowledged' | 'http_timeout' | 'http_error' | 'connection_failed';
  /** Of an HTTP answer. */
  readonly status?: number;
  readonly at: Date;
}

type Attempt =
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly reason: string; readonly mayRetry: boolean };

export class EventQueue {
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly deps: {
      readonly workspace: Workspace;
      readonly sockets: SocketMode;
      readonly clock: Clock;
      readonly settings: QueueSettings;
      /** Undefined: Socket Mode. */
      readonly requestUrl: () => string | undefined;
      readonly note: (delivery: Delivery) => void;
    },
  ) {}

  /** Takes up what the journal says was not acknowledged. */
  start(): void {
    setMaxListeners(0, this.#stopping.signal); // one for every event that waits
    for (const event of this.deps.workspace.queued()) this.#keep(this.#deliver(event));
  }

  /** Breaks off what is under way; it stays in the journal. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the sandbox is stopping'));
    await Promise.allSettled(this.#running);
  }

  /** Resolves once acknowledged; rejects when abandoned, or when the sandbox stops first. */
  send(eventId: string, payload: Payload): Promise<void> {
    const event = { eventId, payload };
    this.deps.workspace.record({ kind: 'event-queued', event });
    return this.#keep(this.#deliver(event));
  }

  async #deliver(event: QueuedEvent): Promise<void> {
    const { workspace } = this.deps;
    const signal = this.#stopping.signal;
    let reason = '';
    let failures = 0;

    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(event, attempt, reason, signal);
      if (signal.aborted) throw signal.reason;
      if (outcome.kind === 'acknowledged') {
        workspace.record({ kind: 'event-done', eventId: event.eventId });
        return;
      }
      if (outcome.kind === 'lost') {
        reason = 'connection_failed';
        continue;
      }

      reason = outcome.reason;
      const delayMs = outcome.mayRetry ? this.#delayAfter(failures++) : undefined;
      if (delayMs === undefined) {
        workspace.record({ kind: 'event-done', eventId: event.eventId });
        throw new Error(`Slack gave up on event ${event.eventId} after ${attempt + 1} attempts: ${reason}`);
      }
      await sleep(delayMs, undefined, { signal });
    }
  }

  async #attempt(event: QueuedEvent, attempt: number, reason: string, signal: AbortSignal): Promise<Attempt> {
    const url = this.deps.requestUrl();
    return url === undefined
      ? this.#attemptSocket(event, attempt, reason, signal)
      : this.#attemptHttp(event, attempt, reason, url, signal);
  }

  async #attemptSocket(
    event: QueuedEvent,
    attempt: number,
    reason: string,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const { sockets, settings } = this.deps;
    await sockets.connected(signal);
    const outcome = await sockets.send(
      {
        type: 'events_api',
        payload: event.payload,
        retryAttempt: attempt,
        retryReason: socketReason(reason),
      },
      settings.ackTimeoutMs,
    );
    switch (outcome.kind) {
      case 'acknowledged':
        this.#note(event, 'socket', attempt, 'acknowledged');
        return { kind: 'acknowledged' };
      case 'lost':
        this.#note(event, 'socket', attempt, 'connection_failed');
        return { kind: 'lost' };
      case 'timeout':
        this.#note(event, 'socket', attempt, 'http_timeout');
        return { kind: 'failed', reason: 'http_timeout', mayRetry: true };
      default:
        return outcome satisfies never;
    }
  }

  async #attemptHttp(
    event: QueuedEvent,
    attempt: number,
    reason: string,
    url: string,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const { settings, clock } = this.deps;
    const outcome = await postSigned({
      url,
      body: JSON.stringify(event.payload),
      contentType: 'application/json',
      signingSecret: settings.signingSecret,
      nowMs: clock.now(),
      timeoutMs: settings.ackTimeoutMs,
      signal,
      headers: attempt === 0 ? {} : { 'x-slack-retry-num': String(attempt), 'x-slack-retry-reason': reason },
    });
    switch (outcome.kind) {
      case 'answered': {
        const accepted = outcome.status >= 200 && outcome.status < 300;
        this.#note(event, 'http', attempt, accepted ? 'acknowledged' : 'http_error', outcome.status);
        return accepted
          ? { kind: 'acknowledged' }
          : { kind: 'failed', reason: 'http_error', mayRetry: outcome.mayRetry };
      }
      case 'timeout':
        this.#note(event, 'http', attempt, 'http_timeout');
        return { kind: 'failed', reason: 'http_timeout', mayRetry: true };
      case 'failed':
        this.#note(event, 'http', attempt, 'connection_failed');
        return { kind: 'failed', reason: 'connection_failed', mayRetry: true };
      default:
        return outcome satisfies never;
    }
  }

  #delayAfter(failures: number): number | undefined {
    const { retryDelaysMs, retryUntilAcknowledged } = this.deps.settings;
    const delayMs = retryDelaysMs[failures];
    if (delayMs !== undefined || !retryUntilAcknowledged) return delayMs;
    return Math.max(MIN_ENDLESS_DELAY_MS, retryDelaysMs.at(-1) ?? 0);
  }

  #note(
    event: QueuedEvent,
    via: Delivery['via'],
    attempt: number,
    outcome: Delivery['outcome'],
    status?: number,
  ): void {
    this.deps.note({
      eventId: event.eventId,
      what: nameOf(event.payload),
      via,
      attempt,
      outcome,
      ...(status === undefined ? {} : { status }),
      at: new Date(this.deps.clock.now()),
    });
  }

  /** Keeps the promise until it settles; a rejection that nobody waits for ends here. */
  #keep(delivery: Promise<void>): Promise<void> {
    const settled = delivery.catch(() => {}).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return delivery;
  }
}

/** Socket Mode names a missed acknowledgement differently from HTTP. */
function socketReason(reason: string): string {
  return reason === 'http_timeout' ? 'timeout' : reason;
}

function nameOf({ event }: Payload): string {
  return typeof event === 'object' && event !== null && 'type' in event ? String(event.type) : 'event';
}
