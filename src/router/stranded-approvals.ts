/**
 * Finds requests that those who are there now could not approve any more, because people left or lost a role, and
 * says so loudly: in the log, in the audit, and where it was asked.
 *
 * They are not refused by it. Whoever runs the gateway can give somebody the role, and the deadline stands.
 *
 * Invariant: every request that waits from the beginning of a look to its end is looked at, however many there are.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { generationOf } from '../approvals/saying.ts';
import { askedOf, endText, literal, silenceText, titleOf } from '../approvals/sentences.ts';
import { type OutboxItem, toOutEffect } from '../delivery/outbox.ts';
import { type Approval, isWaiting } from '../domain/approval/record.ts';
import { withoutVoid } from '../domain/approval/validity.ts';
import { canStillAgree } from '../domain/approval/voting.ts';
import type { Clock } from '../domain/clock.ts';
import { ApprovalId } from '../domain/ids.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Keys } from '../redis/keys.ts';

/** Waiting approvals that are read at a time; between two pages others have their turn. */
const PAGE = 200;
/** The same of the same request is said once in this time, whichever process sees it. */
const SAY_AGAIN_MS = 24 * 60 * 60_000;

export interface StrandedDeps {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly approvals: Pick<ApprovalStore, 'find'>;
  readonly directory: Pick<Directory, 'votersOn' | 'peopleNow'>;
  readonly writer: EffectWriter;
  readonly clock: Clock;
  readonly log: Logger;
}

export class StrandedApprovals {
  readonly #stopping = new AbortController();

  constructor(private readonly deps: StrandedDeps) {}

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
    const { redis, keys, approvals, directory, clock } = this.deps;
    const [next, members] = await redis.zscan(keys.timers(partition), cursor, 'COUNT', PAGE);
    const ids = members.flatMap((id, index) =>
      index % 2 === 0 ? (ApprovalId.safeParse(id).data ?? []) : [],
    );
    // One that cannot be read hides no other.
    const reads = await Promise.allSettled(ids.map((id) => approvals.find(id)));
    for (const read of reads) {
      const approval = read.status === 'fulfilled' ? read.value : undefined;
      if (approval && isWaiting(approval.state) && !canBeApproved(approval, directory, clock.now()))
        await this.#say(approval);
    }
    return next === '0' ? undefined : next;
  }

  async #say(approval: Approval): Promise<void> {
    const { id, conversationId, origin, request, policy } = approval;
    const { writer, clock, log } = this.deps;
    const item: OutboxItem = {
      kind: 'text',
      id: `stranded:${id}:${clock.now()}`,
      correlation: request.correlation,
      conversationId,
      to: origin,
      markdown: `**Nobody can approve this any more:** ${literal(titleOf(approval))}\n\nIt needs a yes of ${literal(askedOf(approval))}, and those who are left are not enough. It goes on waiting until ${endText(approval)}. ${literal(silenceText(approval) ?? '')} Whoever runs me can give somebody the role.`,
      about: { kind: 'unasked', ...generationOf(approval) },
      atMs: clock.now(),
    };
    const isFirst = await writer.write(
      conversationId,
      [
        toOutEffect(item),
        {
          kind: 'audit',
          event: {
            event: 'approval.stranded',
            actor: 'system',
            subject: id,
            correlation: request.correlation,
            detail: { rule: policy.rule },
          },
        },
      ],
      { key: `stranded:${id}`, forMs: SAY_AGAIN_MS },
    );
    if (isFirst) {
      log.error(
        { approval: id, tool: request.tool, rule: policy.rule, asked: askedOf(approval) },
        'nobody who is left can approve a waiting request; give somebody the role, or cancel it',
      );
    }
  }
}

/** Judged as votes are. True also where nobody can tell. */
function canBeApproved(approval: Approval, directory: StrandedDeps['directory'], nowMs: number): boolean {
  const others = directory.votersOn(approval, nowMs);
  if (others === undefined) return true;
  return canStillAgree(withoutVoid(approval, nowMs, directory.peopleNow()), others);
}
