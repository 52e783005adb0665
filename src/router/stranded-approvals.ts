/**
 * Finds requests that those who are there now could not approve any more, because people left or lost a role, and
 * says so loudly: in the log, in the audit, and where it was asked.
 *
 * They are not refused by it. Whoever runs the gateway can give somebody the role, and the deadline stands.
 */
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { askedOf, endText, literal, titleOf } from '../approvals/sentences.ts';
import { type OutboxItem, toOutEffect } from '../delivery/outbox.ts';
import { type Approval, approversOf, excludedFrom, isWaiting } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import { isQuorum } from '../domain/quorum.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';

/** Waiting approvals that are looked through, those that expire first. */
const MOST_LOOKED_AT = 1_000;
/** The same of the same request is said once in this time, whichever process sees it. */
const SAY_AGAIN_MS = 24 * 60 * 60_000;

export interface StrandedDeps {
  readonly approvals: ApprovalStore;
  readonly directory: Directory;
  readonly writer: EffectWriter;
  readonly clock: Clock;
  readonly log: Logger;
}

export class StrandedApprovals {
  constructor(private readonly deps: StrandedDeps) {}

  /** To be called when people or rules may have changed. Rejects while the store is away. */
  async look(): Promise<void> {
    const pending = await this.deps.approvals.pending(MOST_LOOKED_AT);
    for (const approval of pending) {
      if (isWaiting(approval.state) && !canBeApproved(approval, this.deps.directory, this.deps.clock.now()))
        await this.#say(approval);
    }
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
      markdown: `**Nobody can approve this any more:** ${literal(titleOf(approval))}\n\nIt needs a yes of ${literal(askedOf(approval))}, and those who are left are not enough. It goes on waiting until ${endText(approval)}; whoever runs me can give somebody the role.`,
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

/** Whether those who have said yes and those who still could are enough together. Pure, given who is who. */
function canBeApproved(approval: Approval, directory: Directory, nowMs: number): boolean {
  const approvers = approversOf(approval);
  if (directory.isGranted(approvers)) return true;
  const voters = [
    ...(approval.assents ?? []).map(({ by, ...rights }) => ({ ...rights, person: by.person })),
    ...directory.votersFor(approvers, excludedFrom(approval), nowMs, approval.deadlineMs),
  ];
  return isQuorum(approvers, voters);
}
