/**
 * Moves on whatever time moves on: approvals nobody answered, calls nobody reported on, lanes that were parked.
 *
 * Looking is deliberate: a timer per approval would die with its process, while a sorted set in Redis outlives
 * every one of them. Any number of sweepers may run; each transition happens once, because the state machine and
 * the revision decide, not the sweeper.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ApprovalStore, DueApproval } from '../approvals/approval-store.ts';
import type { ApprovalId } from '../domain/ids.ts';
import type { Logger } from '../observability/logger.ts';
import { PARTITIONS } from '../redis/keys.ts';
import type { Service } from './service.ts';

/** Timers taken from one partition at a time. */
const BATCH = 200;
/** Longest time between two looks at a partition, in ms: how late a timer set by another process can be noticed. */
const LOOK_EVERY_MS = 500;
/** Shortest pause, in ms: halves the cost of looking every millisecond and fires about 3 ms late. */
const SHORTEST_PAUSE_MS = 5;
/** An approval that cannot be read or written is looked at again after this long. */
const POSTPONE_MS = 60_000;

export class TimerSweeper implements Service {
  readonly name = 'timer-sweeper';
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** What is being moved on now; the next look need not wait for it. */
  readonly #moving = new Map<ApprovalId, Promise<void>>();

  constructor(
    private readonly approvals: ApprovalStore,
    private readonly log: Logger,
  ) {}

  async start(): Promise<void> {
    this.#stopping = new AbortController();
    this.#loop = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await Promise.all(this.#moving.values());
  }

  /** One look at every partition, public so that a test need not wait for it. Resolves with how much moved. */
  async sweep(): Promise<number> {
    const looks = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, partition) => this.#sweep(partition)),
    );
    return looks.reduce((sum, { moved }) => sum + moved, 0);
  }

  /** Looks at each partition when its next timer falls due, by the store's clock, and every now and then. */
  async #run(signal: AbortSignal): Promise<void> {
    const lookAt = Array.from({ length: PARTITIONS }, () => 0);
    while (!signal.aborted) {
      const now = performance.now();
      const looks = lookAt.map(async (at, partition) => {
        if (at <= now) lookAt[partition] = performance.now() + (await this.#look(partition));
      });
      await Promise.all(looks);
      const soonest = Math.min(...lookAt) - performance.now();
      await pause(Math.max(soonest, SHORTEST_PAUSE_MS), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves with how long to wait before the next look, in ms. */
  async #look(partition: number): Promise<number> {
    try {
      return (await this.#sweep(partition)).pauseMs;
    } catch (error) {
      this.log.warn({ err: error, partition }, 'looking for what is due failed');
      return LOOK_EVERY_MS;
    }
  }

  async #sweep(partition: number): Promise<{ moved: number; pauseMs: number }> {
    const due = await this.approvals.due(partition, BATCH);
    for (const each of due.approvals) this.#moveOn(each);
    const moved = due.unparked + due.approvals.length;
    if (due.unparked >= BATCH || due.approvals.length >= BATCH) return { moved, pauseMs: 0 };
    return { moved, pauseMs: Math.min((due.nextMs ?? Number.POSITIVE_INFINITY) - due.nowMs, LOOK_EVERY_MS) };
  }

  #moveOn(due: DueApproval): void {
    if (this.#moving.has(due.id)) return;
    this.#moving.set(
      due.id,
      this.#tick(due).finally(() => this.#moving.delete(due.id)),
    );
  }

  async #tick(due: DueApproval): Promise<void> {
    const { id } = due;
    try {
      const result = await this.approvals.tick(due);
      if (result === undefined) await this.approvals.dropTimer(id);
      else if (result !== 'nothing') this.log.info({ approval: id, result }, 'time moved an approval on');
    } catch (error) {
      this.log.error(
        { err: error, approval: id },
        'an approval could not be moved on; trying again in a minute',
      );
      await this.approvals.postpone(id, POSTPONE_MS);
    }
  }
}
