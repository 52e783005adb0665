/**
 * Requests that those who are there now could not approve any more, because people left or lost a role: that is said
 * loudly, in the log, in the audit, and where it was asked.
 *
 * They are not refused by it. Whoever runs the gateway can give somebody the role, and the deadline stands.
 */
import { generationOf } from '../approvals/saying.ts';
import { askedOf, endText, literal, silenceText, titleOf } from '../approvals/sentences.ts';
import { type OutboxItem, toOutEffect } from '../delivery/outbox.ts';
import type { Approval } from '../domain/approval/record.ts';
import { withoutVoid } from '../domain/approval/validity.ts';
import { canStillAgree } from '../domain/approval/voting.ts';
import type { Clock } from '../domain/clock.ts';
import type { ApprovalId } from '../domain/ids.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';

/** The same of the same request is said once in this time, whichever process sees it, unless it could be approved between. */
const SAY_AGAIN_MS = 24 * 60 * 60_000;

export interface StrandedDeps {
  readonly directory: Pick<Directory, 'votersOn' | 'peopleNow'>;
  readonly writer: EffectWriter;
  readonly clock: Clock;
  readonly log: Logger;
}

export class StrandedApprovals {
  constructor(private readonly deps: StrandedDeps) {}

  /** Of one that waits. */
  async judge(approval: Approval): Promise<void> {
    const { directory, writer, clock } = this.deps;
    const { id, conversationId } = approval;
    if (!canBeApproved(approval, directory, clock.now())) return this.#say(approval);
    await writer.forget(conversationId, saidKey(id));
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
      { key: saidKey(id), forMs: SAY_AGAIN_MS },
    );
    if (isFirst) {
      log.error(
        { approval: id, tool: request.tool, rule: policy.rule, asked: askedOf(approval) },
        'nobody who is left can approve a waiting request; give somebody the role, or cancel it',
      );
    }
  }
}

function saidKey(id: ApprovalId): string {
  return `stranded:${id}`;
}

/** Judged as votes are. True also where nobody can tell. */
function canBeApproved(approval: Approval, directory: StrandedDeps['directory'], nowMs: number): boolean {
  const others = directory.votersOn(approval, nowMs);
  if (others === undefined) return true;
  return canStillAgree(withoutVoid(approval, nowMs, directory.peopleNow()), others);
}
