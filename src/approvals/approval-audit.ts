/**
 * What has to be true of an approval and of what is around it, at every moment; and what is not. Pure.
 *
 *   it waits for a time        its timer is there, and no later than that
 *   it waits for no time       it has no timer
 *   it came to something       the conversation has handled that, or an item that says so waits for it
 *   a card of it was sent      it shows the newest face, or an item that brings it up to date waits
 *   further people were asked  each has a copy
 *   its outcome is unknown     after a while, somebody who can find out has it in front of them
 *
 * What an approval comes to is written in one step with the timer, the items and the copies, and whatever handles an
 * item notes that in the step that takes it away. So none of this has to be waited for: when it is not so, something
 * is broken.
 */

import { withoutAsked } from '../domain/approval/copies.ts';
import { type Approval, type CardCopy, isEnded, isWaiting } from '../domain/approval/record.ts';
import { type Circumstances, dueOf } from '../domain/approval/time.ts';
import { API_PLATFORM } from '../domain/ids.ts';
import type { Effect } from '../redis/effects.ts';
import { cardUpdate, hearsOf, wakeUpFor } from './consequences.ts';

/** A timer that is due this long and brought nothing about is not looked at by anybody. */
export const LATE_MS = 60_000;
/** Somebody has to have an unknown outcome in front of them after this long. */
const UNKNOWN_FOR_MS = 15 * 60_000;

/** What was found around an approval, in the same moment as the approval itself. */
export interface Surroundings {
  readonly nowMs: number;
  /** When its timer goes off; undefined when there is none. */
  readonly timerMs: number | undefined;
  /** What its conversation handled last; undefined when it never did. */
  readonly mark: string | undefined;
  readonly copiesFor: Circumstances['copiesFor'];
}

export type Flaw =
  /** It waits for a time that nothing would tell it of, or that would be told too late. */
  | { readonly kind: 'timer-missing' | 'timer-late'; readonly dueMs: number }
  /** Its timer goes off, and nothing moves it on. */
  | { readonly kind: 'timer-stuck' }
  /** A timer of something that waits for no time. */
  | { readonly kind: 'timer-left-over' }
  /** Unless an item in its mailbox says what it came to. */
  | { readonly kind: 'waiter-unheard'; readonly wakeUp: Mail }
  /** Unless an item in an outbox brings the copy up to date. */
  | { readonly kind: 'card-behind'; readonly copy: CardCopy; readonly update: Out }
  | { readonly kind: 'copy-missing'; readonly copies: readonly CardCopy[] }
  | { readonly kind: 'unknown-unasked' };

type Mail = Extract<Effect, { kind: 'mail' }>;
type Out = Extract<Effect, { kind: 'out' }>;

export function flawsOf(approval: Approval, surroundings: Surroundings): Flaw[] {
  return [
    ...timerFlaws(approval, surroundings),
    ...waiterFlaws(approval, surroundings),
    ...cardFlaws(approval, surroundings),
    ...peopleFlaws(approval, surroundings),
    ...unknownFlaws(approval, surroundings),
  ];
}

/** Whether the passing of time alone could bring a flaw about where there is none now. */
export function mayTurn({ state }: Approval): boolean {
  return state === 'UNKNOWN';
}

// ── The timer ────────────────────────────────────────────────────────────────────────────────────────────────

function timerFlaws(approval: Approval, { timerMs, nowMs }: Surroundings): Flaw[] {
  const dueMs = dueOf(approval);
  if (dueMs === undefined) return timerMs === undefined ? [] : [{ kind: 'timer-left-over' }];
  if (timerMs === undefined) return [{ kind: 'timer-missing', dueMs }];
  if (timerMs > dueMs) return [{ kind: 'timer-late', dueMs }];
  return timerMs < nowMs - LATE_MS ? [{ kind: 'timer-stuck' }] : [];
}

// ── The conversation that waits ──────────────────────────────────────────────────────────────────────────────

function waiterFlaws(approval: Approval, { mark, nowMs }: Surroundings): Flaw[] {
  if (mark === markOf(approval)) return [];
  return wakeUpFor(approval, nowMs).flatMap((wakeUp) =>
    // A program takes what is in its own outbox, whenever it likes.
    wakeUp.kind === 'mail' ? [{ kind: 'waiter-unheard', wakeUp } as const] : [],
  );
}

/** To be written in the step that takes off an item about an approval: `itemState` is what the item said of it. */
export function toHeard(itemState: Approval['state'], approval: Approval): Effect[] {
  // An item of an earlier state tells nothing of this one; that has an item of its own.
  if (itemState !== approval.state) return [];
  return [{ kind: 'heard', approvalId: approval.id, mark: markOf(approval) }];
}

/** What it came to: a state is come to once in each attempt at running the call. */
export function markOf({ state, execution }: Pick<Approval, 'state' | 'execution'>): string {
  return `${state}/${execution?.epoch ?? 0}`;
}

/** Text that an item holds which tells the conversation that the approval came to this state, and no other item. */
export function toldBy({ id, state }: Pick<Approval, 'id' | 'state'>): string {
  return `"approvalId":${JSON.stringify(id)},"state":${JSON.stringify(state)}`;
}

// ── The cards ────────────────────────────────────────────────────────────────────────────────────────────────

function cardFlaws(approval: Approval, { nowMs }: Surroundings): Flaw[] {
  return approval.copies.flatMap((copy): Flaw[] => {
    const update = owesUpdate(approval, copy) ? cardUpdate(approval, copy, nowMs) : undefined;
    return update?.kind === 'out' ? [{ kind: 'card-behind', copy, update }] : [];
  });
}

function owesUpdate(approval: Approval, copy: CardCopy): boolean {
  if (copy.to.platform === API_PLATFORM || !hearsOf(approval, copy)) return false;
  if (copy.outcomeOnly && approval.state === 'APPROVED') return false; // told only where something holds it
  // What nobody ever saw need not be corrected once all is over.
  if (copy.ref === undefined) return !isEnded(approval.state);
  // Where each word is a further mail, only what matters is told before the end, and the record does not say what did.
  if (copy.outcomeOnly && isWaiting(approval.state)) return false;
  return (copy.shown ?? 0) < approval.face;
}

/** Text that every item holds which brings this copy up to date, and no other item. */
export function updatedBy({ id }: Pick<Approval, 'id'>, copy: Pick<CardCopy, 'id'>): string {
  return `"id":${JSON.stringify(`card:${id}:${copy.id}:`).slice(0, -1)}`;
}

// ── The people ───────────────────────────────────────────────────────────────────────────────────────────────

function peopleFlaws(approval: Approval, { copiesFor, nowMs }: Surroundings): Flaw[] {
  const copies = missingCopies(approval, copiesFor, nowMs);
  return copies.length > 0 ? [{ kind: 'copy-missing', copies }] : [];
}

/** Copies for those who came to a waiting request because time was up, and have none. */
export function missingCopies(
  approval: Approval,
  copiesFor: Circumstances['copiesFor'],
  nowMs: number,
): CardCopy[] {
  if (!isWaiting(approval.state)) return [];
  const further = (approval.policy.ladder ?? [])
    .slice(0, approval.rung ?? 0)
    .flatMap((rung) => (rung.kind === 'escalate' ? (copiesFor(approval, rung.approvers, nowMs) ?? []) : []));
  return withoutAsked(further, approval.copies);
}

function unknownFlaws(approval: Approval, { nowMs }: Surroundings): Flaw[] {
  if (approval.state !== 'UNKNOWN') return [];
  const sinceMs = approval.execution?.leaseUntilMs ?? approval.openedMs;
  if (nowMs - sinceMs < UNKNOWN_FOR_MS) return [];
  const isAsked = approval.copies.some(
    ({ person, ref, shown }) => person !== undefined && ref !== undefined && (shown ?? 0) >= approval.face,
  );
  return isAsked ? [] : [{ kind: 'unknown-unasked' }];
}
