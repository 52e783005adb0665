/** How an approval comes into being. Pure. */

import type { Grant } from '../grant.ts';
import type { ApprovalId, ConversationId } from '../ids.ts';
import type { Address } from '../message.ts';
import { digestOf } from './digest.ts';
import type { Approval, ApprovalPolicy, ApprovalRequest, CardCopy } from './record.ts';

export interface Opening {
  readonly id: ApprovalId;
  readonly conversationId: ConversationId;
  readonly origin: Address;
  readonly request: ApprovalRequest;
  readonly policy: ApprovalPolicy;
  readonly deadlineMs: number;
  readonly lookAgainMs?: number | undefined;
  readonly warnMs?: number | undefined;
  readonly copies: readonly CardCopy[];
  readonly nowMs: number;
  /**
   *   human     somebody is asked
   *   allowed   the policy says yes by itself; the record is there so that the call runs once
   *   granted   somebody has said yes to such calls before
   *   nobody    somebody should be asked, but nobody who may answer exists: a no, said loudly, never a yes
   */
  readonly verdict: 'human' | 'allowed' | 'nobody' | { readonly granted: Pick<Grant, 'id' | 'by'> };
}

export function open(opening: Opening): Approval {
  const digest = digestOf(opening.request);
  const base: Approval = {
    id: opening.id,
    rev: 1,
    gen: 1,
    face: 1,
    state: 'OPEN',
    conversationId: opening.conversationId,
    origin: opening.origin,
    request: opening.request,
    digest,
    policy: opening.policy,
    openedMs: opening.nowMs,
    deadlineMs: opening.deadlineMs,
    ...(opening.lookAgainMs === undefined ? {} : { lookAgainMs: opening.lookAgainMs }),
    ...(opening.warnMs === undefined ? {} : { warnMs: opening.warnMs }),
    reminded: 0,
    copies: [...opening.copies],
  };
  const byPolicy = { source: 'policy' as const, digest, key: `policy:${opening.id}`, atMs: opening.nowMs };
  const { verdict } = opening;
  if (typeof verdict === 'object') {
    const { id, by } = verdict.granted;
    return {
      ...base,
      state: 'APPROVED',
      decision: { ...byPolicy, choice: 'approve', source: 'grant', by, text: id },
      validUntilMs: opening.nowMs + opening.policy.validForMs,
    };
  }
  switch (verdict) {
    case 'human':
      return base;
    case 'allowed':
      return {
        ...base,
        state: 'APPROVED',
        decision: { ...byPolicy, choice: 'approve' },
        validUntilMs: opening.nowMs + opening.policy.validForMs,
      };
    case 'nobody':
      return {
        ...base,
        state: 'DENIED',
        decision: { ...byPolicy, choice: 'deny', text: 'nobody who may approve this could be asked' },
      };
    default:
      return verdict satisfies never;
  }
}
