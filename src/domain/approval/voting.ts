/** What an answer of a person does to an approval that waits for it. Pure. */

import type { AccountId, PersonId, Platform } from '../ids.ts';
import type { AnswerChoice } from '../message.ts';
import { isApprover, isQuorum, type Voter } from '../quorum.ts';
import {
  type Approval,
  type ApprovalEvent,
  type ApprovalState,
  type Assent,
  advance,
  type Decision,
  type Step,
} from './record.ts';
import { expire } from './time.ts';

export interface Vote {
  /** The platform's id of the gesture. */
  readonly key: string;
  readonly choice: AnswerChoice;
  readonly text: string | undefined;
  readonly gen: number;
  readonly digest: string;
  readonly by: { readonly person: PersonId; readonly name: string; readonly account: AccountId };
  /** The roles of that person now, not when they were asked. */
  readonly roles: readonly string[];
  /** Whether one of those roles may decide approvals at all, now. */
  readonly permitted: boolean;
  readonly via: Platform;
}

export type VoteResult =
  | { readonly code: 'DECIDED' | 'REPLAY'; readonly approval: Approval }
  /** A yes that counts, and others are still needed. */
  | { readonly code: 'RECORDED'; readonly approval: Approval }
  /** Somebody, or something, was first. */
  | { readonly code: 'ALREADY' | 'LATE'; readonly approval: Approval }
  /** The card that was answered is not the current one. */
  | { readonly code: 'STALE_CARD' | 'CONTENT_CHANGED'; readonly approval: Approval }
  | {
      readonly code: 'NOT_ELIGIBLE';
      readonly approval: Approval;
      readonly reason: 'requester' | 'not-an-approver';
    }
  | { readonly code: 'NOT_OFFERED'; readonly approval: Approval }
  /** This channel does not prove enough for a yes; the sentence says which does. */
  | { readonly code: 'STEP_UP'; readonly approval: Approval }
  | { readonly code: 'INVALID'; readonly approval: Approval; readonly problem: string };

export function vote(approval: Approval, answer: Vote, nowMs: number): Step<VoteResult> {
  if (isKnown(approval, answer.key)) return { result: { code: 'REPLAY', approval } };
  if (approval.state !== 'OPEN') {
    return { result: { code: approval.state === 'EXPIRED' ? 'LATE' : 'ALREADY', approval } };
  }
  if (nowMs >= approval.deadlineMs) {
    // The boundary has one owner: the deadline is applied first, then the answer is judged.
    const expired = expire(approval);
    return { ...expired, result: { code: 'LATE', approval: expired.moved.next } };
  }
  const refusal = refuse(approval, answer);
  if (refusal) return { result: refusal };
  if (answer.choice === 'approve') {
    const before = assentsTo(approval);
    const assents = [
      ...before.filter(({ by }) => by.person !== answer.by.person),
      toAssent(approval, answer, nowMs),
    ];
    if (!isQuorum(approval.policy.approvers, assents.map(toVoter))) return record(approval, assents, before);
    if (assents.length > 1) return decide({ ...approval, assents }, answer, nowMs);
  }
  return decide(approval, answer, nowMs);
}

/** A yes counts for what was agreed to, so not for what the request has become since. */
function assentsTo({ assents = [], digest }: Approval): readonly Assent[] {
  return assents.filter((assent) => assent.digest === digest);
}

function isKnown({ decision, assents = [] }: Approval, key: string): boolean {
  return decision?.key === key || assents.some((assent) => assent.key === key);
}

function toAssent({ digest }: Approval, { by, via, roles, text, key }: Vote, atMs: number): Assent {
  return { by, via, roles: [...roles], ...(text ? { text } : {}), digest, key, atMs };
}

function toVoter({ by, roles }: Assent): Voter {
  return { person: by.person, roles };
}

/** Who said yes before and says it again has changed nothing. */
function record(approval: Approval, assents: readonly Assent[], before: readonly Assent[]): Step<VoteResult> {
  const latest = assents.at(-1);
  if (!latest || assents.length === before.length) return { result: { code: 'RECORDED', approval } };
  const next = { ...advance(approval, 'OPEN'), face: approval.face + 1, assents: [...assents] };
  return {
    result: { code: 'RECORDED', approval: next },
    moved: { next, event: 'assented', actor: latest.by.person },
    window: { beforeMs: approval.deadlineMs },
  };
}

function decide(approval: Approval, answer: Vote, nowMs: number): Step<VoteResult> {
  const decision: Decision = {
    choice: answer.choice,
    source: 'human',
    digest: approval.digest,
    by: answer.by,
    via: answer.via,
    ...(answer.text ? { text: answer.text } : {}),
    key: answer.key,
    atMs: nowMs,
  };
  const next: Approval = {
    ...advance(approval, stateAfter(answer.choice)),
    decision,
    ...(answer.choice === 'approve' ? { validUntilMs: nowMs + approval.policy.validForMs } : {}),
  };
  return {
    result: { code: 'DECIDED', approval: next },
    moved: { next, event: eventOf(answer.choice), actor: answer.by.person },
    window: { beforeMs: approval.deadlineMs },
  };
}

function refuse(approval: Approval, answer: Vote): VoteResult | undefined {
  if (answer.gen !== approval.gen) return { code: 'STALE_CARD', approval };
  if (answer.digest !== approval.digest) return { code: 'CONTENT_CHANGED', approval };
  if (answer.by.person === approval.request.requester) {
    return { code: 'NOT_ELIGIBLE', approval, reason: 'requester' };
  }
  if (!answer.permitted || !mayDecide(approval, answer.by.person, answer.roles)) {
    return { code: 'NOT_ELIGIBLE', approval, reason: 'not-an-approver' };
  }
  if (!approval.policy.choices.includes(answer.choice)) return { code: 'NOT_OFFERED', approval };
  const { approveFrom } = approval.policy;
  if (answer.choice === 'approve' && approveFrom && !approveFrom.includes(answer.via)) {
    return { code: 'STEP_UP', approval };
  }
  if (answer.choice === 'answer' && !answer.text?.trim()) {
    return { code: 'INVALID', approval, problem: 'an answer needs some text' };
  }
  return undefined;
}

/** Is this person, with the roles they have now, one of those who decide? The requester never is. */
export function mayDecide(approval: Approval, person: PersonId, roles: readonly string[]): boolean {
  if (person === approval.request.requester) return false;
  return isApprover(approval.policy.approvers, { person, roles });
}

function stateAfter(choice: AnswerChoice): ApprovalState {
  return choice === 'approve' ? 'APPROVED' : choice === 'deny' ? 'DENIED' : 'ANSWERED';
}

function eventOf(choice: AnswerChoice): ApprovalEvent {
  return choice === 'approve' ? 'approved' : choice === 'deny' ? 'denied' : 'answered';
}
