/**
 * What comes in over the WebSocket, taken in one by one per channel until it is stored.
 *
 * Discord asks for no acknowledgement and delivers nothing twice, so what could not be stored stays here and is tried
 * again. What does not fit, or is left when the process ends, is read again from the channel's history.
 *
 * Invariants
 *   1. What happened in one channel is stored in that order; channels do not wait for each other.
 *   2. Memory is bounded: beyond the limit a channel is marked, and read again once what it has is stored.
 *   3. Nothing an event contains can throw out of here.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { RateLimitedError } from '../../src/domain/errors.ts';
import type { Logger } from '../../src/observability/logger.ts';

/** Events of all channels together that wait to be stored. */
const MAX_WAITING = 10_000;

/** Resolves once stored, or of no interest. What it rejects with is worth another try. */
export type Task = () => Promise<void>;

export interface IntakeTiming {
  /** The first wait before storing is tried again; doubles up to `retryAtMostMs`. */
  readonly retryAfterMs: number;
  readonly retryAtMostMs: number;
}

interface Tried {
  readonly done: boolean;
  /** How long the platform wants to be left alone. */
  readonly askedToWaitMs?: number;
}

interface Lane {
  readonly waiting: Task[];
  /** Something of this channel was let go; its history has it. */
  behind: boolean;
}

export class Intake {
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = withManyWaiting(new AbortController());
  #waiting = 0;

  constructor(
    private readonly deps: {
      readonly log: Logger;
      readonly timing: IntakeTiming;
      /** Reads again what was let go of this channel. */
      readonly catchUp: (channel: string) => Promise<void>;
    },
  ) {}

  take(channel: string, task: Task): void {
    if (this.#stopping.signal.aborted) return;
    const lane = this.#lanes.get(channel);
    if (this.#waiting >= MAX_WAITING) {
      this.#letGo(channel, lane);
    } else if (lane) {
      lane.waiting.push(task);
      this.#waiting++;
    } else {
      this.#waiting++;
      this.#open(channel, { waiting: [task], behind: false });
    }
  }

  /** Takes nothing more, and resolves when what is being stored is stored, or has failed once more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  #letGo(channel: string, lane: Lane | undefined): void {
    if (lane?.behind) return;
    this.deps.log.warn(
      { channel, limit: MAX_WAITING },
      'too much waits to be stored; this channel is read again later',
    );
    if (lane) lane.behind = true;
    else this.#open(channel, { waiting: [], behind: true });
  }

  #open(channel: string, lane: Lane): void {
    this.#lanes.set(channel, lane);
    const running = this.#work(channel, lane).finally(() => {
      this.#lanes.delete(channel);
      this.#waiting -= lane.waiting.length;
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  async #work(channel: string, lane: Lane): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const task = lane.waiting.shift();
      if (task) {
        this.#waiting--;
        await this.#untilDone(channel, task);
      } else if (lane.behind) {
        lane.behind = false;
        await this.#untilDone(channel, () => this.deps.catchUp(channel));
      } else {
        return;
      }
    }
    // One try each for what was taken; the rest is in the history.
    for (const task of lane.waiting) {
      const { done } = await this.#try(channel, task);
      if (!done) return;
    }
  }

  async #untilDone(channel: string, task: Task): Promise<void> {
    const { retryAfterMs, retryAtMostMs } = this.deps.timing;
    const { signal } = this.#stopping;
    let waitMs = retryAfterMs;
    for (;;) {
      const tried = await this.#try(channel, task);
      if (tried.done || signal.aborted) return;
      await sleep(tried.askedToWaitMs ?? waitMs, undefined, { signal }).catch(() => {}); // aborted: we are stopping
      waitMs = Math.min(waitMs * 2, retryAtMostMs);
    }
  }

  async #try(channel: string, task: Task): Promise<Tried> {
    const { log } = this.deps;
    try {
      await task();
      return { done: true };
    } catch (error) {
      if (error instanceof RateLimitedError) {
        log.info({ channel, retryAfterMs: error.retryAfterMs }, 'Discord asked to wait before it is read on');
        return { done: false, askedToWaitMs: error.retryAfterMs };
      }
      // Broken off; it is read again at the next start.
      if (error instanceof Error && error.name === 'AbortError') return { done: false };
      log.error({ error, channel }, 'something from Discord could not be stored; trying again');
      return { done: false };
    }
  }
}

/** As many channels may wait as there are; Node warns of more than ten. */
function withManyWaiting(controller: AbortController): AbortController {
  setMaxListeners(0, controller.signal);
  return controller;
}
