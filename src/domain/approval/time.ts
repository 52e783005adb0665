/** What time alone does to an approval, and when. Pure. */

import type { PersonId } from '../ids.ts';
import { awayBetween, type Outage } from '../outage.ts';
import type { Approvers } from '../quorum.ts';
import { enoughSaid, insteadOf } from './agreement.ts';
import { answerOf } from './answer.ts';
import { isSeenByNobody, withFurther, withinBounds, withoutAsked, withResting } from './copies.ts';
import { endOfHold, endOfYes, holdInLine } from './holding.ts';
import { nextRung } from './ladder.ts';
import { askedIn, endOfQuiet, leftAloneOf, type QuietUntil } from './quiet.ts';
import {
  type Approval,
  type ApprovalEvent,
  advance,
  approversOf,
  type CardCopy,
  capped,
  type Decision,
  endOfPause,
  isUnanswered,
  isWaiting,
  latestOf,
  QUIET_MS,
  type Step,
  unpaused,
} from './record.ts';
import { type PeopleNow, withoutVoid } from './validity.ts';
import { warnedOf } from './warning.ts';

/** As in lanes.lua: that nobody looked for so long is an outage of ours, in ms. */
const OUTAGE_MS = 60_000;

/** How often somebody is asked again to find out about a call whose outcome is unknown. */
const NAG_EVERY_MS = 4 * 60 * 60 * 1_000;

/** Claims of one call that may be repeated, at most. */
const MOST_ATTEMPTS = 3;

export type TickResult =
  | 'nothing'
  | 'reminded'
  | 'asked'
  | 'postponed'
  | 'escalated'
  /** Escalated to people of whom nobody can be asked. */
  | 'unasked'
  | 'expired'
  | 'lapsed'
  | 'held'
  | 'released'
  | 'unknown';

/** What the machine has to know of the world when time moves an approval on. */
export interface Circumstances {
  readonly outages: readonly Outage[];
  /** Where those are asked who come to it now; undefined where nobody can tell, or this process has no way to. */
  readonly copiesFor: (
    approval: Approval,
    approvers: Approvers,
    nowMs: number,
  ) => readonly CardCopy[] | undefined;
  /** Where somebody is asked who decides in the place of another; undefined where they cannot be, or nobody can tell. */
  readonly copyOf?: ((approval: Approval, person: PersonId) => CardCopy | undefined) | undefined;
  /** When others come to be among those who are asked; undefined when nobody does, or nobody can tell. */
  readonly nextChange?: ((approval: Approval, nowMs: number) => number | undefined) | undefined;
  /** When so much time is over, by the hours of the approval. Left out: by the clock on the wall. */
  readonly later?: ((approval: Approval, fromMs: number, lengthMs: number) => number) | undefined;
  /** How much time has passed between two instants, by the same. */
  readonly elapsed?: ((approval: Approval, fromMs: number, untilMs: number) => number) | undefined;
  /** Who is who now; absent where nobody can tell, so that what was said counts as it did then. */
  readonly people?: PeopleNow | undefined;
  /** Whether what tells its conversation what it came to still waits to be taken up there. */
  readonly unheard?: boolean | undefined;
  /** Until when somebody wants to be left alone; absent where nobody can tell. */
  readonly quietUntil?: QuietUntil | undefined;
  /** Those who are not reminded of it by itself now, because they were told of much already. */
  readonly spared?: ReadonlySet<PersonId> | undefined;
}

export const NO_CIRCUMSTANCES: Circumstances = { outages: [], copiesFor: () => undefined };

/** What time alone brings about. */
export function tick(
  approval: Approval,
  nowMs: number,
  circumstances: Circumstances = NO_CIRCUMSTANCES,
): Step<TickResult> {
  const dueMs = dueOf(approval);
  if (dueMs === undefined || nowMs < dueMs) return { result: 'nothing' };
  switch (approval.state) {
    case 'OPEN':
      return nowMs >= approval.deadlineMs
        ? passDeadline(approval, nowMs, circumstances)
        : nowMs >= reminderOf(approval)
          ? remind(approval, nowMs, circumstances)
          : nowMs >= endOfQuiet(approval)
            ? remindLater(approval, nowMs, circumstances)
            : lookAgain(approval, nowMs, circumstances);
    case 'NEEDS_INFO':
      if (nowMs < endOfQuestion(approval)) return lookAgain(approval, nowMs, circumstances);
      return approval.pausedMs === undefined
        ? passDeadline(approval, nowMs, circumstances)
        : endPause(approval, nowMs, circumstances);
    case 'APPROVED':
      return (isInLine(approval, nowMs, circumstances) && holdInLine(approval, nowMs)) || lapse(approval);
    case 'EXECUTING':
      return release(approval, nowMs);
    case 'UNKNOWN':
      return nag(approval, nowMs, circumstances);
    default:
      return { result: 'nothing' };
  }
}

/** When `tick` has something to do next; undefined when it waits for no time. */
export function dueOf(approval: Approval): number | undefined {
  switch (approval.state) {
    case 'OPEN':
      return Math.min(
        reminderOf(approval),
        endOfQuiet(approval),
        approval.lookAgainMs ?? Infinity,
        approval.deadlineMs,
      );
    case 'NEEDS_INFO':
      return Math.min(endOfQuestion(approval), approval.lookAgainMs ?? Infinity);
    case 'APPROVED':
      return approval.validUntilMs;
    case 'EXECUTING':
      return approval.execution && approval.execution.leaseUntilMs + QUIET_MS;
    case 'UNKNOWN':
      return sinceUnknown(approval) + NAG_EVERY_MS * ((approval.nagged ?? 0) + 1);
    default:
      return undefined;
  }
}

/** Whether a reminder is next, and should have gone out so long ago that nobody of ours can have been there. */
export function isOverdueReminder(approval: Approval, nowMs: number): boolean {
  const dueMs = dueOf(approval);
  if (dueMs === undefined || nowMs - dueMs < OUTAGE_MS) return false;
  if (approval.state === 'UNKNOWN') return true;
  return approval.state === 'OPEN' && nowMs < approval.deadlineMs && nowMs >= reminderOf(approval);
}

function toSpared(spared: Circumstances['spared']): { readonly spared?: ReadonlySet<PersonId> } {
  return spared && spared.size > 0 ? { spared } : {};
}

/** When the next reminder is due; infinite after the last one. */
function reminderOf({ openedMs, policy, reminded, warnMs = Infinity }: Approval): number {
  const afterMs = policy.remindAfterMs[reminded];
  return afterMs === undefined ? warnMs : Math.min(openedMs + afterMs, warnMs);
}

/** While a question is open: when that holds the deadline up no more, or the deadline itself. */
function endOfQuestion(approval: Approval): number {
  return approval.pausedMs === undefined ? approval.deadlineMs : endOfPause(approval);
}

/** A step that always changes something. */
type Moved<Result> = Step<Result> & { readonly moved: NonNullable<Step<Result>['moved']> };

// ── The deadline ─────────────────────────────────────────────────────────────────────────────────────────────

type Passed = Moved<'postponed' | 'escalated' | 'unasked' | 'expired'>;

/**
 * Time is up. Whoever could not have answered gets the time they lacked; then the next rung of the ladder is taken;
 * after the last one it expires.
 */
export function passDeadline(
  approval: Approval,
  nowMs: number,
  circumstances: Circumstances = NO_CIRCUMSTANCES,
): Passed {
  const window = { notBeforeMs: approval.deadlineMs };
  const later = chanceOf(approval, nowMs, circumstances.outages);
  if (later) {
    // Whoever has it in front of them reads the new deadline; while nobody has, there is nothing to correct.
    const face = approval.visibleMs === undefined ? approval.face : approval.face + 1;
    const next = warnedOf({ ...advance(approval, approval.state), ...later, face }, nowMs, circumstances);
    return { result: 'postponed', moved: { next, event: 'postponed', actor: 'system' }, window };
  }
  return { ...climb(approval, nowMs, circumstances), window };
}

/** The deadline that makes up for what was lacking; undefined when nothing was, or the hard deadline has passed. */
function chanceOf(
  approval: Approval,
  nowMs: number,
  outages: readonly Outage[],
): Pick<Approval, 'deadlineMs' | 'creditedMs'> | undefined {
  const { openedMs, deadlineMs, policy, visibleMs, creditedMs = 0 } = approval;
  const awayMs = awayBetween(outages, openedMs, nowMs);
  const owed = capped(approval, deadlineMs + Math.max(0, awayMs - creditedMs));
  const seen =
    policy.minVisibleMs === undefined ? owed : capped(approval, (visibleMs ?? nowMs) + policy.minVisibleMs);
  const laterMs = Math.max(owed, seen);
  if (laterMs <= nowMs) return undefined;
  return { deadlineMs: laterMs, ...(awayMs > 0 ? { creditedMs: Math.max(awayMs, creditedMs) } : {}) };
}

function climb(
  approval: Approval,
  nowMs: number,
  circumstances: Circumstances,
): Moved<'escalated' | 'unasked' | 'expired'> {
  const { rung, taken = 0 } = nextRung(approval) ?? {};
  const decided = {
    source: 'timeout',
    digest: approval.digest,
    key: `timeout:${approval.id}:${taken - 1}`,
    atMs: nowMs,
  } as const;
  switch (rung?.kind) {
    case undefined:
      return end(advance(approval, 'EXPIRED'), 'expired');
    case 'escalate': {
      const untilMs = circumstances.later?.(approval, nowMs, rung.forMs) ?? nowMs + rung.forMs;
      const deadlineMs = capped(approval, untilMs);
      if (deadlineMs <= nowMs) return end(advance(approval, 'EXPIRED'), 'expired');
      const further = circumstances.copiesFor(approval, rung.approvers, nowMs);
      const widened: Approval = {
        ...advance(unpaused(approval), 'OPEN'),
        face: approval.face + 1,
        rung: taken,
        deadlineMs,
        copies: withFurther(approval.copies, further ?? []),
      };
      const next = withoutVoid(widened, nowMs, circumstances.people);
      const agreed = agreedAlready(next, approval.copies, nowMs);
      if (agreed) return end(agreed, 'approved');
      const asked = askingNow(
        warnedOf(next, nowMs, circumstances),
        thoseThereNow(next, nowMs, circumstances),
      );
      const moved = { next: asked, event: 'escalated', actor: 'system' } as const;
      return further?.length === 0
        ? { result: 'unasked', moved: { ...moved, unasked: rung.approvers } }
        : { result: 'escalated', moved };
    }
    case 'default': {
      const decision: Decision = { ...decided, choice: 'answer', ...answerOf(approval.policy, rung.text) };
      return end({ ...advance(approval, 'ANSWERED'), decision }, 'answered');
    }
    case 'approve': {
      const decision: Decision = { ...decided, choice: 'approve' };
      const validUntilMs = nowMs + approval.policy.validForMs;
      return end({ ...advance(approval, 'APPROVED'), decision, validUntilMs }, 'approved');
    }
    default:
      return rung satisfies never;
  }
}

/**
 * What was said before may be enough now that others may decide as well: then nobody is asked for more, unless somebody
 * has asked what nobody told them.
 */
function agreedAlready(approval: Approval, copies: Approval['copies'], nowMs: number): Approval | undefined {
  const last = isUnanswered(approval) ? undefined : enoughSaid(approval);
  if (!last) return undefined;
  const { by, via, text, key, digest } = last;
  const decision: Decision = {
    choice: 'approve',
    source: 'human',
    digest,
    by,
    via,
    ...insteadOf(approval, approval.assents ?? [], by.person),
    ...(text ? { text } : {}),
    key,
    atMs: nowMs,
  };
  const validUntilMs = nowMs + approval.policy.validForMs;
  return { ...approval, state: 'APPROVED', copies, decision, validUntilMs };
}

function end(ended: Approval, event: ApprovalEvent): Moved<'expired'> {
  const next = unpaused(ended);
  return { result: 'expired', moved: { next, event, actor: 'system' } };
}

/** The question has held the deadline up for as long as it may; from now on time runs again. */
function endPause(approval: Approval, nowMs: number, circumstances: Circumstances): Moved<'postponed'> {
  const next: Approval = {
    ...advance(unpaused(approval), 'NEEDS_INFO'),
    face: approval.face + 1,
    deadlineMs: capped(approval, latestOf(approval)),
    heldUpMs: approval.policy.pauseMs ?? 0,
  };
  return {
    result: 'postponed',
    moved: { next: warnedOf(next, nowMs, circumstances), event: 'postponed', actor: 'system' },
    window: { notBeforeMs: endOfPause(approval) },
  };
}

// ── Other times ──────────────────────────────────────────────────────────────────────────────────────────────

/**
 * People, roles, absences or duty are others than when it was last looked at: whoever comes to it by that is asked
 * now, also while a question is open.
 */
export function heedPeople(
  approval: Approval,
  nowMs: number,
  circumstances: Circumstances = NO_CIRCUMSTANCES,
): Step<'asked' | 'nothing'> {
  const dueMs = approval.state === 'NEEDS_INFO' ? endOfQuestion(approval) : approval.deadlineMs;
  if (!isWaiting(approval.state) || nowMs >= dueMs) return { result: 'nothing' };
  const { copies, lookAgainMs } = thoseThereNow(approval, nowMs, circumstances);
  const toShape = ({ id, resting }: CardCopy) => `${id} ${resting === true}`;
  const isAsBefore =
    lookAgainMs === approval.lookAgainMs &&
    copies.map(toShape).join('\n') === approval.copies.map(toShape).join('\n');
  return isAsBefore ? { result: 'nothing' } : lookAgain(approval, nowMs, circumstances);
}

/**
 * Others have come on duty, or back, or hold a role now, or somebody stands in: they are asked as well. Whoever was
 * asked and is not among them any more keeps the card, and is left alone.
 */
function lookAgain(approval: Approval, nowMs: number, circumstances: Circumstances): Moved<'asked'> {
  const next = askingNow(
    advance(withoutLook(approval), approval.state),
    thoseThereNow(approval, nowMs, circumstances),
  );
  return {
    result: 'asked',
    moved: { next, event: 'rerouted', actor: 'system' },
    window: { beforeMs: latestOf(approval) },
  };
}

/** Who is asked, and where, and when that changes. */
interface ThoseThere extends Pick<Approval, 'copies' | 'lookAgainMs'> {
  /** Nobody of them has it in front of them yet. */
  readonly isUnseen: boolean;
}

/** Nothing expires before somebody who may answer has had it in front of them: whoever may no more does not count. */
function askingNow({ visibleMs, ...approval }: Approval, { isUnseen, ...there }: ThoseThere): Approval {
  return { ...approval, ...(visibleMs === undefined || isUnseen ? {} : { visibleMs }), ...there };
}

/** As it stands where nobody can tell who is there. */
function thoseThereNow(
  approval: Approval,
  nowMs: number,
  { copiesFor, copyOf, nextChange }: Circumstances,
): ThoseThere {
  const lookAgainMs = nextChange?.(approval, nowMs);
  const asked = copiesFor(approval, approversOf(approval), nowMs);
  const { delegations = [] } = approval;
  const trusted = delegations.flatMap(({ to }) => copyOf?.(approval, to) ?? []);
  const unasked = withoutAsked(asked ?? [], approval.copies);
  const further = withinBounds(approval.copies, { further: unasked, asked: asked ?? [] });
  const all = withFurther(approval.copies, [...further, ...trusted]);
  const copies = asked ? withResting(all, asked, delegations) : all;
  const isUnseen = asked !== undefined && isSeenByNobody(copies, asked, delegations);
  return { copies, isUnseen, ...(lookAgainMs === undefined ? {} : { lookAgainMs }) };
}

function withoutLook({ lookAgainMs: _, ...approval }: Approval): Approval {
  return approval;
}

function remind(approval: Approval, nowMs: number, circumstances: Circumstances): Moved<'reminded'> {
  // Reminders that fell due while nobody swept are one reminder.
  const passed = approval.policy.remindAfterMs.filter(
    (afterMs) => approval.openedMs + afterMs <= nowMs,
  ).length;
  const there = thoseThereNow(approval, nowMs, circumstances);
  const { warnMs = Infinity, leftAlone: _, ...waiting } = withoutLook(approval);
  const next: Approval = {
    ...askingNow(advance(waiting, 'OPEN'), there),
    ...(warnMs <= nowMs || warnMs === Infinity ? {} : { warnMs }),
    reminded: passed,
  };
  const { spared = new Set(), quietUntil } = circumstances;
  const told = [...askedIn(next)].filter((person) => !spared.has(person));
  return reminded(next, { leftAlone: leftAloneOf(next, told, nowMs, quietUntil), spared });
}

/** It is quiet no more for some of those who were left alone; everybody else was reminded in time. */
function remindLater(approval: Approval, nowMs: number, { quietUntil }: Circumstances): Moved<'reminded'> {
  const { leftAlone = [], ...waiting } = approval;
  const told = leftAlone.filter(({ untilMs }) => untilMs <= nowMs).map(({ person }) => person);
  const again = leftAloneOf(approval, told, nowMs, quietUntil);
  const others = [...askedIn(approval)].filter((person) => !told.includes(person));
  return reminded(advance(waiting, 'OPEN'), {
    leftAlone: [...leftAlone.filter(({ untilMs }) => untilMs > nowMs), ...again],
    spared: new Set(others),
  });
}

function reminded(
  approval: Approval,
  {
    leftAlone,
    spared,
  }: { readonly leftAlone: NonNullable<Approval['leftAlone']>; readonly spared: ReadonlySet<PersonId> },
): Moved<'reminded'> {
  const next = leftAlone.length > 0 ? { ...approval, leftAlone } : approval;
  const notNow = new Set([...spared, ...leftAlone.map(({ person }) => person)]);
  return {
    result: 'reminded',
    moved: { next, event: 'reminded', actor: 'system', ...toSpared(notNow) },
    window: { beforeMs: approval.deadlineMs },
  };
}

/** Whoever wants to be left alone now hears of it the next time; it has no deadline that they could miss. */
function nag(
  approval: Approval,
  nowMs: number,
  { spared = new Set(), quietUntil }: Circumstances,
): Moved<'reminded'> {
  // As with reminders: those that fell due while nobody swept are one.
  const nagged = Math.floor((nowMs - sinceUnknown(approval)) / NAG_EVERY_MS);
  const next = { ...advance(approval, 'UNKNOWN'), nagged };
  const leftAlone = leftAloneOf({ deadlineMs: Infinity }, askedIn(next), nowMs, quietUntil);
  const notNow = new Set([...spared, ...leftAlone.map(({ person }) => person)]);
  return { result: 'reminded', moved: { next, event: 'reminded', actor: 'system', ...toSpared(notNow) } };
}

/** From when on somebody has to find out what came of a call. */
function sinceUnknown({ execution, openedMs }: Approval): number {
  return execution?.leaseUntilMs ?? openedMs;
}

/**
 * Whether a yes stays good though its time is over: its conversation has not got to it yet, because of something else
 * it had to do first. A yes that nobody acted on because nobody of ours was there lapses.
 */
export function isInLine(
  approval: Approval,
  nowMs: number,
  { unheard = false, outages }: Pick<Circumstances, 'unheard' | 'outages'>,
): boolean {
  const { client, policy } = approval;
  if (!unheard || client !== undefined || nowMs >= endOfHold(approval)) return false;
  return awayBetween(outages, endOfYes(approval) - policy.validForMs, nowMs) < policy.validForMs;
}

export const LAPSED = 'the yes was not acted on in time and is no longer valid';

/** The yes was not acted on in time. */
export function lapse(approval: Approval): Moved<'lapsed'> {
  const next = { ...advance(approval, 'REVOKED'), remark: LAPSED };
  return {
    result: 'lapsed',
    moved: { next, event: 'revoked', actor: 'system' },
    window: { notBeforeMs: approval.validUntilMs ?? 0 },
  };
}

function release(approval: Approval, nowMs: number): Moved<'released' | 'unknown'> {
  const window = { notBeforeMs: (approval.execution?.leaseUntilMs ?? 0) + QUIET_MS };
  const attempts = approval.execution?.attempt ?? 0;
  if (approval.request.effect === 'idempotent' && attempts < MOST_ATTEMPTS) {
    const next = { ...advance(approval, 'APPROVED'), validUntilMs: nowMs + approval.policy.validForMs };
    return { result: 'released', moved: { next, event: 'released', actor: 'system' }, window };
  }
  const next = {
    ...advance(approval, 'UNKNOWN'),
    // Of a program outside, nothing is known but that its permit has run out.
    remark: approval.client
      ? 'the program that asked for it took up the yes, and had not reported what came of it when its time for that was over'
      : 'the process that ran it stopped before it could report',
  };
  return { result: 'unknown', moved: { next, event: 'unknown', actor: 'system' }, window };
}
