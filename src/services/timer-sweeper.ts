/**
 * Moves on whatever time moves on: approvals nobody answered, calls nobody reported on, lanes that were parked.
 *
 * Looking is deliberate: a timer per approval would die with its process, while a sorted set in Redis outlives
 * every one of them. Any number of sweepers may run; each transition happens once, because the state machine and
 * the revision decide, not the sweeper.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import type { ApprovalId } from '../domain/ids.ts';
import type { Logger } from '../observability/logger.ts';
import { PARTITIONS } from '../redis/keys.ts';
import type { Service } from './service.ts';

/** Timers taken from one partition at a time. */
const BATCH = 200;
/** Longest pause between two looks, in ms: how late a timer set by another process can be noticed. */
const LONGEST_PAUSE_MS = 250;
/** Shortest pause, in ms: halves the cost of looking every millisecond and fires about 3 ms late. */
const SHORTEST_PAUSE_MS = 5;

export class TimerSweeper implements Service {
  readonly name = 'timer-sweeper';
  #stopping = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(
    private readonly approvals: ApprovalStore,
    private readonly log: Logger,
  ) {}

  async start(): Promise<void> {
    this.#stopping = new AbortController();
    setMaxListeners(PARTITIONS, this.#stopping.signal);
    this.#loops = Array.from({ length: PARTITIONS }, (_, partition) =>
      this.#run(partition, this.#stopping.signal),
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
  }

  /** One look at every partition, public so that a test need not wait for it. Resolves with how much moved. */
  async sweep(): Promise<number> {
    const moved = await Promise.all(
      Array.from({ length: PARTITIONS }, async (_, partition) => (await this.#sweep(partition)).moved),
    );
    return moved.reduce((sum, count) => sum + count, 0);
  }

  async #run(partition: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await this.#sweep(partition)
        .then(({ pauseMs }) => pauseMs)
        .catch((error: unknown) => {
          this.log.warn({ err: error, partition }, 'looking for what is due failed');
          return LONGEST_PAUSE_MS;
        });
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sweep(partition: number): Promise<{ moved: number; pauseMs: number }> {
    const due = await this.approvals.due(partition, BATCH);
    await Promise.all(due.approvals.map((id) => this.#tick(id)));
    const moved = due.unparked + due.approvals.length;
    if (moved >= BATCH) return { moved, pauseMs: 0 };
    const waitMs = due.nextMs === undefined ? LONGEST_PAUSE_MS : due.nextMs - due.nowMs;
    return { moved, pauseMs: Math.min(Math.max(waitMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS) };
  }

  async #tick(id: ApprovalId): Promise<void> {
    try {
      const result = await this.approvals.tick(id);
      if (result === undefined) await this.approvals.dropTimer(id);
      else if (result !== 'nothing') this.log.info({ approval: id, result }, 'time moved an approval on');
    } catch (error) {
      this.log.error(
        { err: error, approval: id },
        'an approval could not be moved on; trying again in a minute',
      );
      await this.approvals.postpone(id, 60_000);
    }
  }
}
