/** Grants permits to run approved calls, and takes the reports of what came of them. */
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
import type { ToolOutput } from '../domain/tool.ts';
import type { ApprovalStore } from './approval-store.ts';

export class PermitOffice {
  constructor(private readonly approvals: ApprovalStore) {}

  async claim({ id }: Approval, digestToRun: string, drift?: string): Promise<ClaimResult> {
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

  async complete(
    { approvalId, epoch }: Permit,
    { status, text, trust }: ToolOutput,
  ): Promise<CompleteResult> {
    const outcome = { status, text, ...(trust === undefined ? {} : { trust }) };
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
