/**
 * What it means for the requests that wait that people, roles, absences or duty are configured otherwise than before:
 * nobody may be left who could approve one (`stranded-approvals.ts`), and others may come to one.
 *
 * Invariant: every request that waits from the beginning of a look to its end is looked at, however many there are.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { type Approval, isWaiting } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import { ApprovalId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import type { StrandedApprovals } from './stranded-approvals.ts';

/** Waiting approvals that are read at a time; between two pages others have their turn. */
const PAGE = 200;

export interface PeopleChangeDeps {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly approvals: Pick<ApprovalStore, 'find' | 'heedPeople'>;
  readonly stranded: Pick<StrandedApprovals, 'judge'>;
  readonly clock: Clock;
}

export class PeopleChange {
  readonly #stopping = new AbortController();

  constructor(private readonly deps: PeopleChangeDeps) {}

  /** To be called when people or rules may have changed: goes through all there are. Rejects while the store is away. */
  async look(): Promise<void> {
    for (const partition of this.deps.keys.partitions()) {
      for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
        if (this.#stopping.signal.aborted) return;
        cursor = await this.#lookAtPage(partition, cursor);
        await nextTurn();
      }
    }
  }

  /** Ends a look behind the page it is at. Safe to call twice; nothing is looked at after that. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Resolves with where the next page begins; undefined behind the last one. */
  async #lookAtPage(partition: number, cursor: string): Promise<string | undefined> {
    const { redis, keys, approvals } = this.deps;
    const [next, members] = await redis.zscan(keys.timers(partition), cursor, 'COUNT', PAGE);
    const ids = members.flatMap((id, index) =>
      index % 2 === 0 ? (ApprovalId.safeParse(id).data ?? []) : [],
    );
    // One that cannot be read hides no other.
    const reads = await Promise.allSettled(ids.map((id) => approvals.find(id)));
    for (const read of reads) {
      const approval = read.status === 'fulfilled' ? read.value : undefined;
      if (approval && isWaiting(approval.state)) await this.#lookAt(approval);
    }
    return next === '0' ? undefined : next;
  }

  async #lookAt(approval: Approval): Promise<void> {
    const { approvals, stranded, clock } = this.deps;
    await stranded.judge(approval);
    await approvals.heedPeople(approval, clock.now());
  }
}
