/** How a request, or a yes to it, is taken back. Pure. */

import type { PersonId, Platform } from '../ids.ts';
import { type Approval, advance, isEnded, isWaiting, type Step } from './record.ts';

export type WithdrawResult =
  | { readonly code: 'DONE'; readonly approval: Approval }
  | { readonly code: 'ALREADY' | 'TOO_LATE' | 'NOT_ELIGIBLE'; readonly approval: Approval };

/** Somebody who takes a request back, or says what came of it. */
export interface Settler {
  readonly person: PersonId;
  readonly name: string;
  readonly via: Platform;
  /** Runs the gateway. */
  readonly operates: boolean;
}

/** The requester, or somebody who runs the gateway, takes the request back. An approval not yet acted on is revoked. */
export function cancel(approval: Approval, by: Settler, reason: string, nowMs: number): Step<WithdrawResult> {
  if (by.person !== approval.request.requester && !by.operates)
    return { result: { code: 'NOT_ELIGIBLE', approval } };
  if (approval.state === 'APPROVED') return withdraw(approval, 'REVOKED', by, reason, nowMs);
  if (isWaiting(approval.state)) return withdraw(approval, 'CANCELLED', by, reason, nowMs);
  return { result: { code: isEnded(approval.state) ? 'ALREADY' : 'TOO_LATE', approval } };
}

/** One of those who said yes, or somebody who runs the gateway, takes the yes back before it was acted on. */
export function revoke(approval: Approval, by: Settler, reason: string, nowMs: number): Step<WithdrawResult> {
  if (!hasAgreed(approval, by.person) && !by.operates) return { result: { code: 'NOT_ELIGIBLE', approval } };
  if (approval.state === 'APPROVED') return withdraw(approval, 'REVOKED', by, reason, nowMs);
  return { result: { code: isEnded(approval.state) ? 'ALREADY' : 'TOO_LATE', approval } };
}

/** Whether the yes is theirs, alone or with others. */
export function hasAgreed({ decision, assents = [], again }: Approval, person: PersonId): boolean {
  const said = [...assents, ...(again?.said ?? [])];
  return [decision?.by, ...said.map(({ by }) => by)].some((each) => each?.person === person);
}

/** It ends without effect, by somebody's word. */
export function withdraw(
  approval: Approval,
  state: 'CANCELLED' | 'REVOKED',
  by: Settler,
  reason: string,
  nowMs: number,
): Step<WithdrawResult> {
  const maybeRun = (approval.execution?.attempt ?? 0) > 0;
  const remark = maybeRun ? `${reason} (an earlier attempt may have run)` : reason;
  const next = { ...advance(approval, state), remark, settledBy: settledBy(by, nowMs) };
  return {
    result: { code: 'DONE', approval: next },
    moved: { next, event: state === 'CANCELLED' ? 'cancelled' : 'revoked', actor: by.person },
  };
}

export function settledBy(
  { person, name, via }: Omit<Settler, 'operates'>,
  atMs: number,
): Approval['settledBy'] {
  return { person, name, via, atMs };
}
