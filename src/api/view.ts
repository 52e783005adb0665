/** An approval as programs see it. Pure. */
import { askedOf, factsOf, standingForClient, titleOf } from '../approvals/sentences.ts';
import { type Approval, type Assent, isEnded, isWaiting } from '../domain/approval/record.ts';
import { behind } from '../domain/outside-text.ts';
import type { ApprovalView, Outcome } from './schema.ts';

/** @param hold when it runs once it is agreed to, in a part of a sentence; undefined where nothing holds it */
export function toView(approval: Approval, hold?: string): ApprovalView {
  const { request, policy, execution, result, client } = approval;
  return {
    id: approval.id,
    state: approval.state,
    outcome: outcomeOf(approval) ?? null,
    sentence: standingForClient(approval, hold),
    rev: approval.rev,
    gen: approval.gen,
    digest: approval.digest,
    title: titleOf(approval),
    action: request.tool,
    args: request.args ?? null,
    facts: factsOf(request),
    risk: request.risk,
    reversible: request.reversible,
    client: client?.name ?? null,
    requester: { person: request.requester, name: request.requesterName },
    askedOf: askedOf(approval),
    policy: policy.name,
    choices: isWaiting(approval.state) ? [...policy.choices] : [],
    options: policy.options ?? [],
    createdAt: instant(approval.openedMs),
    deadline: instant(approval.deadlineMs),
    decision: decisionOf(approval),
    yes: (approval.assents ?? []).map(toSaid),
    no: (approval.dissents ?? []).map(toSaid),
    talk: (approval.talk ?? []).map(({ kind, by, via, text, atMs }) => ({
      kind,
      person: by.person,
      name: by.name,
      via,
      text,
      at: instant(atMs),
    })),
    permit: client?.permit ?? true,
    execution: execution
      ? {
          epoch: execution.epoch,
          attempt: execution.attempt,
          leaseUntil: instant(execution.leaseUntilMs),
        }
      : null,
    result: result
      ? { status: result.status, text: behind(result.heading, result.text), at: instant(result.atMs) }
      : null,
    remark: approval.remark ?? null,
    supersededBy: approval.supersededBy ?? null,
    supersedes: [...(approval.supersedes ?? [])],
  };
}

/** Undefined while people are asked, and while their yes is still to be handed over. */
function outcomeOf({ state, client }: Pick<Approval, 'state' | 'client'>): Outcome | undefined {
  switch (state) {
    case 'OPEN':
    case 'NEEDS_INFO':
      return undefined;
    case 'APPROVED':
      return isToHandOver({ state, client }) ? undefined : 'approved';
    case 'EXECUTING':
    case 'EXECUTED':
    case 'FAILED':
      return 'approved';
    case 'DENIED':
      return 'denied';
    case 'ANSWERED':
      return 'answered';
    case 'EXPIRED':
      return 'expired';
    case 'CANCELLED':
      return 'cancelled';
    case 'SUPERSEDED':
      return 'superseded';
    case 'REVOKED':
      return 'revoked';
    case 'UNKNOWN':
      return 'unknown';
    default:
      return state satisfies never;
  }
}

/** Whether there is nothing left to wait for. What is handed over ends with that. */
export function isOver({ state, client }: Approval, until: 'decided' | 'ended'): boolean {
  if (isToHandOver({ state, client })) return false;
  if (until === 'decided' || client?.permit === false) return !isWaiting(state);
  return isEnded(state);
}

/** Whether people said yes and it is not the program's yet: until then they can take it back. */
export function isToHandOver({ state, client }: Pick<Approval, 'state' | 'client'>): boolean {
  return state === 'APPROVED' && client?.permit === false;
}

function decisionOf({ decision, validUntilMs, state }: Approval): ApprovalView['decision'] {
  if (!decision) return null;
  const { choice, source, by, via, text, option, atMs } = decision;
  return {
    choice,
    source,
    by: by ? { person: by.person, name: by.name } : null,
    via: via ?? null,
    text: text ?? null,
    option: option ?? null,
    at: instant(atMs),
    validUntil: state === 'APPROVED' && validUntilMs !== undefined ? instant(validUntilMs) : null,
  };
}

function toSaid({ by, via, text, atMs }: Assent): ApprovalView['yes'][number] {
  return { person: by.person, name: by.name, via, text: text ?? null, at: instant(atMs) };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
