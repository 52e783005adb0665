/**
 * Moves on whatever time moves on: approvals nobody answered, calls nobody reported on, lanes that were parked.
 *
 * Looking is deliberate: a timer per approval would die with its process, while a sorted set in Redis outlives
 * every one of them. Any number of sweepers may run; each transition happens once, because the state machine and
 * the revision decide, not the sweeper.
 *
 * Invariant: nothing is judged by a clock of the store that has leapt since this process looked last.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApprovalStore, DueApproval } from '../approvals/approval-store.ts';
import type { Logger } from '../observability/logger.ts';
import { PARTITIONS } from '../redis/keys.ts';
import type { PartitionClocks } from '../redis/partition-clocks.ts';
import type { Service } from './service.ts';

/** Timers taken from one partition at a time. */
const BATCH = 200;
/** Longest time between two looks at a partition, in ms: how late a timer set by another process can be noticed. */
const LOOK_EVERY_MS = 500;
/** Shortest pause, in ms: halves the cost of looking every millisecond and fires about 3 ms late. */
const SHORTEST_PAUSE_MS = 5;
/** An approval that cannot be read or written is looked at again after this long. */
const POSTPONE_MS = 60_000;

/** Something else that time moves on. */
export interface Timed {
  /** What has fallen due in a partition, moved on. Resolves with how much that was, and when there is more, in ms. */
  sweep(partition: number, limit: number): Promise<{ readonly moved: number; readonly nextInMs: number }>;
}

export class TimerSweeper implements Service {
  readonly name = 'timer-sweeper';
  #stopping = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(
    private readonly approvals: ApprovalStore,
    private readonly log: Logger,
    private readonly others: readonly Timed[] = [],
    /** Absent: the store's clock is believed. */
    private readonly clocks?: Pick<PartitionClocks, 'look'>,
  ) {}

  async start(): Promise<void> {
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    setMaxListeners(PARTITIONS, signal);
    this.#loops = Array.from({ length: PARTITIONS }, (_, partition) => this.#run(partition, signal));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
  }

  /** One look at every partition, public so that a test need not wait for it. Resolves with how much moved. */
  async sweep(): Promise<number> {
    const looks = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, partition) => this.#sweep(partition)),
    );
    return looks.reduce((sum, { moved }) => sum + moved, 0);
  }

  /** Looks at a partition when its next timer falls due, by the store's clock, and every now and then. */
  async #run(partition: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await this.#look(partition);
      await pause(Math.max(pauseMs, SHORTEST_PAUSE_MS), undefined, { signal }).catch(() => undefined);
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
    await this.clocks?.look(partition);
    const [due, ...others] = await Promise.all([
      this.approvals.due(partition, BATCH),
      ...this.others.map((each) => each.sweep(partition, BATCH)),
    ]);
    await Promise.all(due.approvals.map((each) => this.#tick(each)));
    const moved = due.unparked + due.approvals.length + others.reduce((sum, other) => sum + other.moved, 0);
    if (due.unparked >= BATCH || due.approvals.length >= BATCH) return { moved, pauseMs: 0 };
    const nextInMs = (due.nextMs ?? Number.POSITIVE_INFINITY) - due.nowMs;
    return { moved, pauseMs: Math.min(nextInMs, ...others.map((other) => other.nextInMs), LOOK_EVERY_MS) };
  }

  async #tick(due: DueApproval): Promise<void> {
    const { id } = due;
    try {
      const result = await this.approvals.tick(due);
      if (result === undefined) await this.approvals.dropTimer(id);
      else if (result === 'unasked') {
        this.log.error(
          { approval: id },
          'a request was not decided in time, and nobody of those it went on to can be asked; `signalbox check` says what is missing',
        );
      } else if (result !== 'nothing') this.log.info({ approval: id, result }, 'time moved an approval on');
    } catch (error) {
      this.log.error(
        { err: error, approval: id },
        'an approval could not be moved on; trying again in a minute',
      );
      await this.approvals.postpone(due, POSTPONE_MS);
    }
  }
}
