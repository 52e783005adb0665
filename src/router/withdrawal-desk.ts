/**
 * Takes back what somebody asked for, at their own word.
 *
 *   waits                  ──▶ CANCELLED, and whoever was asked sees on their card that it was withdrawn
 *   agreed to, not begun   ──▶ REVOKED
 *   begun, or ended        ──▶ stays as it is, and they read how it stands
 *
 * Owns      whose word it takes: the requester's, that of whoever runs the gateway, and for a yes that has not been
 *           acted on, that of those who said it.
 * Not here  what it does to the approval (`domain/approval/withdrawal.ts`), who speaks (`answer-desk.ts`).
 *
 * Invariant: it is about the request, whatever was changed about it since: a ticket of an older card names it as well.
 */
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { withdrawText } from '../approvals/sentences.ts';
import type { Approval, Step } from '../domain/approval/record.ts';
import { cancel, revoke, type Settler, type WithdrawResult } from '../domain/approval/withdrawal.ts';
import { type AccountId, type ApprovalId, platformOf } from '../domain/ids.ts';
import type { Directory, Speaker } from '../identity/directory.ts';

export interface WithdrawalDeps {
  readonly approvals: Pick<ApprovalStore, 'apply'>;
  readonly directory: Pick<Directory, 'may'>;
}

export interface Withdrawn {
  readonly code: WithdrawResult['code'];
  /** In markdown, for whoever said it alone. */
  readonly notice: string;
}

/** What is on record where they gave no reason. */
const NO_REASON = 'no longer needed';

export class WithdrawalDesk {
  constructor(private readonly deps: WithdrawalDeps) {}

  /** Undefined if there is no such approval. */
  async withdraw(
    id: ApprovalId,
    { speaker, account }: { readonly speaker: Speaker; readonly account: AccountId },
    reason: string,
  ): Promise<Withdrawn | undefined> {
    const by: Settler = {
      person: speaker.id,
      name: speaker.name,
      via: platformOf(account),
      operates: this.deps.directory.may(speaker.roles, 'operate'),
    };
    const result = await this.deps.approvals.apply(id, (approval, nowMs) =>
      takeBack(approval, by, reason || NO_REASON, nowMs),
    );
    return result && { code: result.code, notice: withdrawText(result) };
  }
}

function takeBack(approval: Approval, by: Settler, reason: string, nowMs: number): Step<WithdrawResult> {
  const asked = cancel(approval, by, reason, nowMs);
  const isNotTheirs = asked.result.code === 'NOT_ELIGIBLE' && approval.state === 'APPROVED';
  return isNotTheirs ? revoke(approval, by, reason, nowMs) : asked;
}
