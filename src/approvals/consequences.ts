/**
 * What follows from a change of an approval: an audit entry, the item that wakes the conversation, updates of the
 * cards, reminders. Written in the same step as the change. Pure.
 */

import canonicalize from 'canonicalize';
import { toClientEvent } from '../delivery/client-event.ts';
import { escalationIdOf, type Trouble, toClose, toItem, toReport } from '../delivery/escalation-item.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import { idsAsking } from '../domain/approval/exclusion.ts';
import { consentsTo } from '../domain/approval/reconciliation.ts';
import {
  type Approval,
  type ApprovalEvent,
  type CardCopy,
  endOfPause,
  isEnded,
  isWaiting,
} from '../domain/approval/record.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { PersonId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Approvers } from '../domain/quorum.ts';
import type { Effect } from '../redis/effects.ts';
import { generationOf, remindedIn } from './saying.ts';
import { questionText, reminderText, titleOf, unaskedFurtherText } from './sentences.ts';

export interface Change {
  readonly next: Approval;
  readonly event: ApprovalEvent;
  readonly actor: string;
  /** Those who are not told of it by itself. */
  readonly spared?: ReadonlySet<PersonId>;
  /** Who may decide as well from now on, where nobody of them can be asked. */
  readonly unasked?: Approvers;
}

export function consequencesOf(before: Approval, change: Change, nowMs: number): Effect[] {
  const { next, event, spared } = change;
  return [
    { kind: 'audit', event: toAudit(before, change) },
    ...wakeUps(before, next, nowMs),
    ...cardUpdates(next, copiesToldOf(before, next, event), nowMs),
    ...questions(before, next, nowMs),
    ...(change.unasked ? [unaskedNews(next, change.unasked, nowMs)] : []),
    ...(event === 'reminded' ? reminders(before, next, nowMs, spared) : []),
    ...callsHeld(before, next, nowMs),
    ...callsRetitled(before, next, nowMs),
    ...(isWaiting(before.state) && !isWaiting(next.state) ? callsOff(next, nowMs) : []),
  ];
}

/** The same for an approval that has just come into being, inside the commit of the turn that asked. */
export function consequencesOfOpening(approval: Approval, nowMs: number): Effect[] {
  return [
    {
      kind: 'audit',
      event: {
        event: 'approval.opened',
        actor: approval.request.requester,
        subject: approval.id,
        correlation: approval.request.correlation,
        channel: approval.origin.platform,
        detail: { to: approval.state, tool: approval.request.tool },
        words: { set: approval },
      },
    },
    ...(approval.state === 'OPEN'
      ? [...cardUpdates(approval, approval.copies, nowMs), ...calls(approval, nowMs)]
      : wakeUpFor(approval, nowMs)),
  ];
}

/** People are called by its escalation policy from now on. */
function calls(approval: Approval, nowMs: number): Effect[] {
  const { id, policy, request, origin } = approval;
  if (policy.escalation === undefined) return [];
  const severity = ({ low: 'info', medium: 'warning', high: 'error' } as const)[request.risk];
  const trouble: Trouble = {
    key: callKey(id),
    subject: subjectOf(approval),
    severity,
    title: titleOf(approval),
    origin,
    correlation: request.correlation,
    except: idsAsking(approval),
    reportId: id,
    policy: policy.escalation,
  };
  return [toReport(trouble, nowMs)];
}

/** Nobody is called for what waits for a reply of whoever asked, as long as its deadline waits, too. */
function callsHeld(before: Approval, next: Approval, atMs: number): Effect[] {
  if (next.policy.escalation === undefined || !isWaiting(next.state)) return [];
  const wasHeld = before.pausedMs !== undefined;
  const isHeld = next.pausedMs !== undefined;
  if (wasHeld === isHeld) return [];
  const escalation = escalationIdOf(callKey(next.id), subjectOf(next));
  const cause = `${next.id}:${next.rev}`;
  return [
    isHeld
      ? toItem({ kind: 'hold', id: `hold:${cause}`, atMs, escalation, untilMs: endOfPause(next) })
      : toItem({ kind: 'go-on', id: `go-on:${cause}`, atMs, escalation }),
  ];
}

/** Once the arguments are others, whoever is called reads those. */
function callsRetitled(before: Approval, next: Approval, atMs: number): Effect[] {
  if (next.policy.escalation === undefined || !isWaiting(next.state)) return [];
  const title = titleOf(next);
  if (title === titleOf(before)) return [];
  const escalation = escalationIdOf(callKey(next.id), subjectOf(next));
  const from = idsAsking(next);
  return [
    toItem({
      kind: 'retitle',
      id: `retitle:${next.id}:${next.rev}`,
      atMs,
      escalation,
      title,
      ...(from.length > 0 ? { from } : {}),
    }),
  ];
}

/** It waits for nobody any more. */
function callsOff(approval: Approval, nowMs: number): Effect[] {
  const { id, policy, state } = approval;
  if (policy.escalation === undefined) return [];
  return [toClose(callKey(id), subjectOf(approval), `the request is ${state.toLowerCase()}`, state, nowMs)];
}

function callKey(id: Approval['id']): string {
  return `approval:${id}`;
}

function subjectOf({ id, conversationId }: Approval): Trouble['subject'] {
  return { kind: 'approval', approvalId: id, conversationId };
}

/** New copies, and those that show something else now. Where each word is a further mail, small news is none. */
function copiesToldOf(before: Approval, next: Approval, event: ApprovalEvent): readonly CardCopy[] {
  const added = next.copies.slice(before.copies.length);
  const old = next.face > before.face ? next.copies.slice(0, before.copies.length) : [];
  return [...old.filter(({ outcomeOnly }) => !outcomeOnly || !SMALL_NEWS.has(event)), ...added];
}

const SMALL_NEWS: ReadonlySet<ApprovalEvent> = new Set([
  'assented',
  'dissented',
  'taken-back',
  'asked',
  'delegated',
  'escalated',
  'postponed',
]);

/** What somebody wants to know first goes where it was asked for. */
function questions(before: Approval, next: Approval, nowMs: number): Effect[] {
  if (next.client) return []; // it hears of the state they bring about
  const asked = (next.talk ?? []).slice(before.talk?.length ?? 0).filter(({ kind }) => kind === 'question');
  return asked.map((question) =>
    toOutEffect({
      kind: 'text',
      id: `question:${next.id}:${next.rev}`,
      correlation: next.request.correlation,
      conversationId: next.conversationId,
      to: next.origin,
      requester: next.request.requester,
      markdown: questionText(next, question),
      about: { kind: 'question', ...generationOf(next) },
      atMs: nowMs,
    }),
  );
}

/** Whoever asked would think that somebody else has been asked. */
function unaskedNews(approval: Approval, approvers: Approvers, atMs: number): Effect {
  const { id, rev, request, conversationId, origin } = approval;
  return toOutEffect({
    kind: 'text',
    id: `unasked:${id}:${rev}`,
    correlation: request.correlation,
    conversationId,
    to: origin,
    requester: request.requester,
    markdown: unaskedFurtherText(approval, approvers),
    about: { kind: 'unasked', ...generationOf(approval) },
    atMs,
  });
}

function wakeUps(before: Approval, next: Approval, nowMs: number): Effect[] {
  return before.state === next.state ? [] : wakeUpFor(next, nowMs);
}

/** What tells whoever waits for an approval what it came to; nothing while it is still open. */
export function wakeUpFor(approval: Approval, nowMs: number): Effect[] {
  const { id, rev, state, conversationId, request, client } = approval;
  // A program has no conversation to wake; it hears of everything it may have to act on.
  if (client) return state === 'OPEN' || state === 'EXECUTING' ? [] : [toClientEvent(approval, nowMs)];
  if (state !== 'APPROVED' && state !== 'UNKNOWN' && !isEnded(state)) return [];
  const item: MailboxItem = {
    kind: 'approval',
    id: `approval:${id}:${rev}`,
    correlation: request.correlation,
    approvalId: id,
    state,
  };
  return [{ kind: 'mail', conversationId, item }];
}

function cardUpdates(approval: Approval, copies: readonly CardCopy[], nowMs: number): Effect[] {
  return copies.filter((copy) => hearsOf(approval, copy)).map((copy) => cardUpdate(approval, copy, nowMs));
}

/**
 * Where each word is a further mail, that it is being run is not worth one. That it was approved is where something
 * holds it, which shows when it is sent.
 */
export function hearsOf({ state }: Approval, { outcomeOnly }: CardCopy): boolean {
  return !outcomeOnly || state !== 'EXECUTING';
}

/** Brings one copy up to date. */
export function cardUpdate(approval: Approval, copy: CardCopy, nowMs: number): Effect {
  return toOutEffect({
    kind: 'card',
    id: `card:${approval.id}:${copy.id}:${approval.face}`,
    correlation: approval.request.correlation,
    conversationId: approval.conversationId,
    to: copy.to,
    ...(copy.person === undefined ? {} : { author: approval.origin }),
    approvalId: approval.id,
    copyId: copy.id,
    face: approval.face,
    atMs: nowMs,
  });
}

/** Whoever comes to it at this moment is shown the card, and nothing beside that. */
function reminders(
  before: Approval,
  approval: Approval,
  nowMs: number,
  spared?: ReadonlySet<PersonId>,
): Effect[] {
  const asked = new Set(before.copies.map(({ id }) => id));
  const copies = remindedIn(approval, spared).filter(({ id }) => asked.has(id));
  return copies.map((copy) =>
    toOutEffect({
      kind: 'text',
      id: `remind:${approval.id}:${copy.id}:${approval.rev}`,
      correlation: approval.request.correlation,
      conversationId: approval.conversationId,
      to: copy.to,
      markdown: reminderText(approval),
      about: { kind: 'reminder', ...generationOf(approval), copyId: copy.id },
      atMs: nowMs,
    }),
  );
}

/** Holds all that changed, and the names of what is no more, so that reading the entries from the opening on rebuilds the record. */
function toAudit(before: Approval, { next, event, actor }: Change): AuditEvent {
  const set = Object.fromEntries(
    Object.entries(next).filter(([key, value]) => {
      // `key` comes from the entries of an approval.
      const was = before[key as keyof Approval];
      return value !== was && !isSame(value, was);
    }),
  );
  const gone = Object.keys(before)
    .filter((key) => !(key in next))
    .toSorted();
  return {
    event: `approval.${event}`,
    actor,
    subject: next.id,
    correlation: next.request.correlation,
    ...channelOf(next, event),
    detail: { from: before.state, to: next.state, ...(gone.length > 0 ? { gone } : {}) },
    words: { set },
  };
}

/** In whatever order their fields stand. */
function isSame(value: unknown, was: unknown): boolean {
  const [now, before] = [JSON.stringify(value), JSON.stringify(was)];
  if (now === before || now === undefined || before === undefined) return now === before;
  return canonicalize(value) === canonicalize(was);
}

/** Where the person was who brought this about, if it was one. */
function channelOf(approval: Approval, event: ApprovalEvent): Pick<AuditEvent, 'channel'> {
  const { decision, settledBy } = approval;
  const isConsent = event === 'reconciled' || (event === 'assented' && approval.state === 'UNKNOWN');
  const consent = isConsent && settledBy === undefined ? consentsTo(approval).at(-1) : undefined;
  const via = consent?.via ?? (WITH_SETTLER.has(event) ? settledBy?.via : decision?.via);
  return via && event !== 'card-sent' ? { channel: via } : {};
}

const WITH_SETTLER: ReadonlySet<ApprovalEvent> = new Set([
  'cancelled',
  'superseded',
  'revoked',
  'reconciled',
]);

/**
 * Rebuilds an approval from its audit entries, oldest first, with the words that stand beside them.
 *
 * @returns undefined when they do not begin with its opening
 */
export function replay(events: readonly AuditEvent[]): unknown {
  const opening = events.findIndex(({ event }) => event === 'approval.opened');
  if (opening === -1) return undefined;
  const approval = new Map<string, unknown>();
  for (const { detail, words } of events.slice(opening)) {
    for (const [key, value] of Object.entries(words?.set ?? {})) approval.set(key, value);
    for (const key of Array.isArray(detail?.gone) ? detail.gone : []) approval.delete(key);
  }
  return Object.fromEntries(approval);
}
