/**
 * What becomes of a request when the one who asked for it writes again, as its policy says. Pure.
 *
 *   cancel      while it waits, it is withdrawn
 *   supersede   a newer request of theirs for the same tool takes its place: of one that waits, and of a yes that was
 *               never acted on. What has begun to run, or may have, is not replaced.
 */
import type { PersonId, Platform } from '../ids.ts';
import { type Approval, advance, isWaiting, type Step, unpaused } from './record.ts';
import { settledBy, type WithdrawResult, withdraw } from './withdrawal.ts';

/** Whoever wrote again. */
export interface Writer {
  readonly person: PersonId;
  readonly name: string;
  readonly via: Platform;
}

/** Whether a new message of its requester may end it. What a program asked for belongs to no talk. */
export function mayGiveWay({ state, policy, client, execution }: Approval): boolean {
  if (client) return false;
  switch (policy.onNewMessage) {
    case undefined:
      return false;
    case 'cancel':
      return isWaiting(state);
    case 'supersede':
      return isWaiting(state) || (state === 'APPROVED' && execution === undefined);
    default:
      return policy.onNewMessage satisfies never;
  }
}

/** Its requester writes again, so it waits no longer. */
export function callOff(approval: Approval, by: Writer, nowMs: number): Step<WithdrawResult> {
  const isMeant = approval.policy.onNewMessage === 'cancel' && approval.request.requester === by.person;
  if (!isMeant || !mayGiveWay(approval)) return { result: { code: 'ALREADY', approval } };
  return withdraw(approval, 'CANCELLED', { ...by, operates: false }, 'there is a newer message', nowMs);
}

/** A request that people are asked about now, and what makes it one instead of another. */
export type Newer = Pick<Approval, 'id' | 'conversationId' | 'origin' | 'request'>;

export type SupersedeResult =
  | { readonly code: 'DONE'; readonly approval: Approval }
  /** This one took its place before; or it stays as it is. */
  | { readonly code: 'REPLAY' | 'KEPT'; readonly approval: Approval };

/** A newer request takes its place. */
export function supersede(approval: Approval, newer: Newer, nowMs: number): Step<SupersedeResult> {
  if (approval.supersededBy === newer.id) return { result: { code: 'REPLAY', approval } };
  if (!isReplacedBy(approval, newer)) return { result: { code: 'KEPT', approval } };
  const { request, origin } = newer;
  const by = { person: request.requester, name: request.requesterName, via: origin.platform };
  const next: Approval = {
    ...advance(unpaused(approval), 'SUPERSEDED'),
    supersededBy: newer.id,
    settledBy: settledBy(by, nowMs),
  };
  return {
    result: { code: 'DONE', approval: next },
    moved: { next, event: 'superseded', actor: request.requester },
  };
}

/** Of the same person, for the same tool, in the same conversation; and it still may be replaced. */
export function isReplacedBy(approval: Approval, newer: Newer): boolean {
  return (
    approval.policy.onNewMessage === 'supersede' &&
    mayGiveWay(approval) &&
    approval.id !== newer.id &&
    approval.conversationId === newer.conversationId &&
    approval.request.requester === newer.request.requester &&
    approval.request.tool === newer.request.tool
  );
}
