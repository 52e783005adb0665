/**
 * What follows from a change of who speaks: the announcement, what the agent is told, who is called, the way back
 * through the mailbox, the audit. Written in the same step as the change. Pure.
 */
import { hideReplySecrets } from '../approvals/reply-parser.ts';
import { type EscalationItem, toItem } from '../delivery/escalation-item.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Control, Controller, ControlMove, Handback, HandoffRequest } from '../domain/control.ts';
import type { PersonId } from '../domain/ids.ts';
import type { Entry } from '../domain/transcript.ts';
import { hideCodes } from '../identity/link-code.ts';
import type { Effect } from '../redis/effects.ts';
import { type ControlConsequences, ticketFor } from './control-store.ts';
import type { Handoffs } from './handoff-call.ts';
import { announcementOf, eventText } from './sentences.ts';

export interface ConsequenceDeps {
  readonly handoffs: Handoffs;
  /** How long a transcript is kept, in ms. */
  readonly keepTranscriptMs: () => number;
  /** Whose words a note for the agent is. */
  readonly standingOf: (by: Controller, note: string) => NoteStanding;
}

/** How far whoever wrote it is trusted, and whether it holds words of others as well. */
export type NoteStanding = Pick<Extract<Entry, { kind: 'user' }>, 'trust' | 'passesOn'>;

export function createConsequences(deps: ConsequenceDeps): ControlConsequences {
  return (before, moved, { nowMs, waiting }) => [
    ...audits(before, moved),
    ...told(before, moved, waiting, nowMs, deps),
    ...announcements(before, moved, deps.handoffs, nowMs),
    ...(moved.event === 'handoff-requested' && moved.next.state === 'HANDOFF_PENDING'
      ? deps.handoffs.onHandoff(moved.next, nowMs)
      : []),
    // That nobody came in time is no end of it: people are called on, and may still come.
    ...(endsWish(before, moved) ? deps.handoffs.onSettled(moved, nowMs) : []),
    ...toCalls(before, moved, nowMs),
    ...wayBack(moved.next, moved.event),
  ];
}

/** Whether nobody need come any more to a human that was asked for, by somebody there, the agent or a rule. */
function endsWish(before: Control, { event, calledOff }: ControlMove): boolean {
  if (event === 'taken-over' || calledOff) return true;
  const isOver = event === 'handoff-withdrawn' || event === 'settled' || event === 'settled-in-part';
  // What a policy waits for is no such wish: one from before, to which nobody came in time, is called about on.
  return isOver && before.state === 'HANDOFF_PENDING' && before.request.by.kind !== 'escalation';
}

/** Whatever people are called here for hears of who came, how that ended, and that nobody need come. */
function toCalls({ calledBy: called = [] }: Control, moved: ControlMove, nowMs: number): Effect[] {
  const { conversationId, epoch } = moved.next;
  const deed = deedOf(moved);
  if (deed === undefined || (deed.became === 'withdrawn' && called.length === 0)) return [];
  const id = `takeover:${conversationId}:${epoch}`;
  return [toItem({ kind: 'takeover-all', id, atMs: nowMs, conversationId, called, ...deed })];
}

function deedOf({ next, event, calledOff }: ControlMove): Deed | undefined {
  if (calledOff) return { by: calledOff, became: 'withdrawn' };
  if (next.state !== 'HUMAN' && next.state !== 'HANDBACK_PENDING') return undefined;
  const became = BECAME[event];
  return became && { by: next.owner, became };
}

type Deed = Pick<Extract<EscalationItem, { kind: 'takeover-all' }>, 'by' | 'became'>;

const BECAME: Partial<Record<ControlMove['event'], Deed['became']>> = {
  'taken-over': 'taken',
  'handed-back': 'handed-back',
  'gone-quiet': 'quiet',
};

/** Why: that somebody wrote who holds it anyway is in the audit of their message. */
function audits(before: Control, { next, event, actor }: ControlMove): Effect[] {
  if (event === 'active' || event === 'place-moved') return [];
  const audit: AuditEvent = {
    event: `conversation.${event}`,
    actor,
    subject: next.conversationId,
    correlation: next.actedOn ?? next.conversationId,
    detail: { from: before.state, to: next.state, epoch: next.epoch, set: whoOf(next) },
  };
  return [{ kind: 'audit', event: audit }];
}

/** Who and until when; what people wrote is no part of the audit. */
function whoOf(control: Control): Record<string, unknown> {
  switch (control.state) {
    case 'BOT':
      return {};
    case 'HANDOFF_PENDING': {
      const { request, untilMs, helpers } = control;
      const [helper, ...others] = helpers.map(({ person }) => person);
      return {
        by: byText(request.by),
        untilMs,
        ...(helper === undefined ? {} : { helper }),
        ...(others.length > 0 ? { others } : {}),
      };
    }
    case 'HUMAN':
      return { owner: control.owner.person, untilMs: control.untilMs };
    case 'HANDBACK_PENDING':
      return { owner: control.owner.person, by: control.handback.by?.person ?? 'system' };
    default:
      return control satisfies never;
  }
}

function byText(by: HandoffRequest['by']): string {
  if (by.kind === 'rule') return `rule ${by.rule}`;
  return by.kind === 'escalation' ? `escalation ${by.policy}` : by.kind;
}

function told(
  before: Control,
  moved: ControlMove,
  waiting: readonly string[],
  nowMs: number,
  { keepTranscriptMs, standingOf }: ConsequenceDeps,
): Effect[] {
  const text = eventText(before, moved, waiting);
  if (text === undefined) return [];
  const { conversationId } = moved.next;
  const settler = moved.settled?.by ? [moved.settled.by.person] : [];
  const about = [...new Set([...peopleIn(before), ...peopleIn(moved.next), ...settler])];
  const at = new Date(nowMs).toISOString();
  const entry = { kind: 'event' as const, text, at, ...(about.length > 0 ? { about } : {}) };
  const entries: Entry[] = [entry, ...noteIn(noteOf(before, moved), standingOf, at)];
  const keepMs = keepTranscriptMs();
  return entries.map((each) => ({ kind: 'entry', conversationId, entry: each, keepMs }));
}

function noteOf(before: Control, { event, settled }: ControlMove): Handback | undefined {
  return event === 'returned' && before.state === 'HANDBACK_PENDING' ? before.handback : settled;
}

/** Said by whoever wrote it, and by them alone: in the gateway's own words it would be believed, whomever it quotes. */
function noteIn(
  { by, summary }: Handback = {},
  standingOf: ConsequenceDeps['standingOf'],
  at: string,
): Entry[] {
  if (by === undefined || summary === undefined) return [];
  const text = hideCodes(hideReplySecrets(summary));
  return [{ kind: 'user', from: { person: by.person, name: by.name }, text, ...standingOf(by, summary), at }];
}

/** Whoever has it in hand, looks after it, or gave it back. */
function peopleIn(control: Control): PersonId[] {
  switch (control.state) {
    case 'BOT':
      return [];
    case 'HANDOFF_PENDING':
      return control.helpers.map(({ person }) => person);
    case 'HUMAN':
      return [control.owner.person];
    case 'HANDBACK_PENDING':
      return [control.owner, ...(control.handback.by ? [control.handback.by] : [])].map(
        ({ person }) => person,
      );
    default:
      return control satisfies never;
  }
}

/** Changes that leave everybody where they are, and may come again. */
const WITHIN_EPOCH: ReadonlySet<ControlMove['event']> = new Set([
  'looked-after',
  'let-go',
  'settled-in-part',
  'unanswered-in-part',
]);

/** Said under the new epoch: if it is over before it was said, it is not said. */
function announcements(before: Control, moved: ControlMove, handoffs: Handoffs, nowMs: number): Effect[] {
  const { next, event } = moved;
  const asked = next.state === 'HANDOFF_PENDING' ? handoffs.namesFor(next.request) : undefined;
  const markdown = announcementOf(before, moved, asked);
  if (markdown === undefined || next.origin === undefined) return [];
  const ticket = ticketFor(next.conversationId);
  const buttons = {
    HANDOFF_PENDING: [{ label: 'Take over', says: `/takeover ${ticket}` }],
    HUMAN: [{ label: 'Hand back', says: `/handback ${ticket}` }],
    BOT: [],
    HANDBACK_PENDING: [],
  }[next.state];
  return [
    toOutEffect({
      kind: 'text',
      // Who looks after it may change within one epoch.
      id: `control:${next.conversationId}:${next.epoch}:${event}${WITHIN_EPOCH.has(event) ? `:${next.rev}` : ''}`,
      correlation: next.actedOn ?? next.conversationId,
      conversationId: next.conversationId,
      to: next.origin,
      markdown,
      ...(buttons.length > 0 ? { buttons } : {}),
      epoch: next.epoch,
      atMs: nowMs,
    }),
  ];
}

/** Behind everything that was said before: when it is handled, all that is stored. */
function wayBack({ state, conversationId, epoch }: Control, event: ControlMove['event']): Effect[] {
  if (state !== 'HANDBACK_PENDING' || (event !== 'handed-back' && event !== 'gone-quiet')) return [];
  const id = `handback:${conversationId}:${epoch}`;
  return [
    { kind: 'mail', conversationId, item: { kind: 'handback', id, correlation: conversationId, epoch } },
  ];
}
