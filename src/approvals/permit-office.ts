/**
 * Grants permits to run approved calls, and takes the reports of what came of them.
 *
 * Invariant: nothing runs by a standing yes that has ended meanwhile. It is revoked instead, as what has changed since
 * people agreed to it is, so that it can be asked for again.
 */
import { randomUUID } from 'node:crypto';
import {
  type ClaimResult,
  type CompleteResult,
  claim,
  complete,
  loseTrack,
  type Permit,
  renew,
} from '../domain/approval/execution.ts';
import type { Approval } from '../domain/approval/record.ts';
import { whoseOf } from '../domain/provenance.ts';
import type { ToolOutput } from '../domain/tool.ts';
import type { ApprovalStore } from './approval-store.ts';
import type { StandingYes } from './standing-yes.ts';

export class PermitOffice {
  constructor(
    private readonly approvals: ApprovalStore,
    private readonly standingYes: Pick<StandingYes, 'whyNot'>,
  ) {}

  async claim(asked: Approval, digestToRun: string, changed?: string): Promise<ClaimResult> {
    const { id } = asked;
    // Looked at last: whoever has taken it back until now was told that it lets nothing run any more.
    const drift = changed ?? (await this.standingYes.whyNot(asked));
    // New for every attempt: if the reply is lost and the request is sent again, the grant is recognised as ours.
    const owner = randomUUID();
    // Whoever asks has only now taken up what says that it may run.
    const result = await this.approvals.apply(id, (approval, nowMs, { outages }) =>
      claim(approval, owner, digestToRun, nowMs, drift, { outages, unheard: true }),
    );
    if (!result) throw new Error(`${id} does not exist`);
    return result;
  }

  async renew({ approvalId, epoch }: Permit): Promise<boolean> {
    const result = await this.approvals.apply(approvalId, (approval, nowMs) => renew(approval, epoch, nowMs));
    return result === 'RENEWED';
  }

  async complete({ approvalId, epoch }: Permit, output: ToolOutput): Promise<CompleteResult> {
    const { status, text } = output;
    const outcome = { status, text, ...whoseOf(output) };
    return (
      (await this.approvals.apply(approvalId, (approval, nowMs) =>
        complete(approval, epoch, outcome, nowMs),
      )) ?? 'FENCED'
    );
  }

  async loseTrack({ approvalId, epoch }: Permit, remark: string): Promise<CompleteResult> {
    return (
      (await this.approvals.apply(approvalId, (approval) => loseTrack(approval, epoch, remark))) ?? 'FENCED'
    );
  }
}
