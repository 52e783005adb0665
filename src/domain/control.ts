/**
 * Who speaks for this side of a conversation: the agent, or a person who has taken it over.
 *
 *   BOT ──somebody asks for a human──▶ HANDOFF_PENDING ──nobody comes in time, or never mind──▶ BOT
 *    │                                      │
 *    └───────────somebody takes over────────┴──▶ HUMAN ◀──somebody else takes over── HUMAN
 *                                                 │ ▲
 *                      handed back, or gone quiet │ │ somebody takes over
 *                                                 ▼ │
 *   BOT ◀──all that was said before is stored── HANDBACK_PENDING
 *
 *   HANDOFF_PENDING is waited in longer while anybody who was called says that they look after it, and as before once
 *   nobody does any more; it leads to BOT when one of them says that it is done. Where another escalation wants a human
 *   there, it is waited for that one first.
 *
 * The functions here are the whole state machine. They decide; the store applies what they return in one write,
 * guarded by the revision they saw.
 *
 * Invariants (numbers of the specification)
 *   C1  The epoch never goes down, and every change of control raises it: what was begun under an older one is
 *       recognised and not said.
 *   C2  There is one controller at any moment; only in BOT may the agent answer.
 *   C3  What comes in belongs to whoever is the controller of the epoch it was handled in, and to nobody else.
 *   C4  Every state but BOT has an end: a time at which `tick` leads back to the agent.
 *   C5  HANDBACK_PENDING leads to BOT or to another person, never back to silence.
 */
import { z } from 'zod';
import { ConversationId, EscalationId, PersonId } from './ids.ts';
import { Address } from './message.ts';
import { awayBetween, type Outage } from './outage.ts';

export const ControlState = z.enum(['BOT', 'HANDOFF_PENDING', 'HUMAN', 'HANDBACK_PENDING']);
export type ControlState = z.infer<typeof ControlState>;

/** A person who acts on a conversation. */
export const Controller = z.object({ person: PersonId, name: z.string() });
export type Controller = z.infer<typeof Controller>;

/** Why a human is wanted: a person asked, the agent does not get on, or a rule of the configuration says so. */
export const HandoffRequest = z.object({
  by: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('person'), person: PersonId, name: z.string() }),
    z.object({ kind: z.literal('agent') }),
    z.object({ kind: z.literal('rule'), rule: z.string() }),
    /** A step of an escalation policy, by which people are called already. */
    z.object({
      kind: z.literal('escalation'),
      policy: z.string(),
      /** Absent: begun by a version that did not note it. */
      escalation: EscalationId.optional(),
    }),
  ]),
  reason: z.string().optional(),
  /** Whose words it comes from, where the agent or a rule wants one. */
  from: PersonId.optional(),
});
export type HandoffRequest = z.infer<typeof HandoffRequest>;

/** Whoever was called about it and looks after it, without having taken the conversation over. */
export const Helper = Controller.extend({
  escalation: EscalationId,
  /** What was left of the wait when the first of them took it, in ms. */
  leftMs: z.int(),
  /** How long they are waited for. */
  untilMs: z.int(),
});
export type Helper = z.infer<typeof Helper>;

/** Another escalation that wants a human where one is waited for. */
export const FurtherRequest = z.object({
  request: HandoffRequest,
  /** If nobody has come by then, this one waits no longer. */
  untilMs: z.int(),
});
export type FurtherRequest = z.infer<typeof FurtherRequest>;

export const Handback = z.object({
  /** Absent: they were not heard of for so long that it was taken back. */
  by: Controller.optional(),
  /** What they want the agent to know. */
  summary: z.string().optional(),
});
export type Handback = z.infer<typeof Handback>;

const common = {
  conversationId: ConversationId,
  /** +1 with every change. */
  rev: z.int(),
  /** +1 with every change of control: the turn epoch. */
  epoch: z.int(),
  /** When it came to this state. */
  sinceMs: z.int(),
  /** Where it is said who speaks now; absent until somebody has written there. */
  origin: Address.optional(),
  /** The mailbox item that a rule acted on last; no rule acts on it again. */
  actedOn: z.string().optional(),
  /** The escalations that wanted a human here in the last wait, until whoever came has handed back. */
  calledBy: z
    // As a version wrote it that knew of one.
    .preprocess((stored) => (typeof stored === 'string' ? [stored] : stored), z.array(EscalationId))
    .optional(),
};

const Written = z.discriminatedUnion('state', [
  z.object({ ...common, state: z.literal('BOT') }),
  z.object({
    ...common,
    state: z.literal('HANDOFF_PENDING'),
    request: HandoffRequest,
    /** If nobody has come by then, the agent goes on. */
    untilMs: z.int(),
    /** Those who have said that they look after it: one for each escalation, the first of them first. */
    helpers: z.array(Helper).default([]),
    /** What a human is waited for once this request is settled, or nobody has come to it, in this order. */
    further: z.array(FurtherRequest).default([]),
    /** The end of our last outage that was credited to them, in ms; absent: none was. */
    creditedMs: z.int().optional(),
  }),
  z.object({
    ...common,
    state: z.literal('HUMAN'),
    owner: Controller,
    /** How long they may be quiet. */
    idleMs: z.int(),
    untilMs: z.int(),
    /** The end of our last outage that was credited to them, in ms; absent: none was. */
    creditedMs: z.int().optional(),
  }),
  z.object({
    ...common,
    state: z.literal('HANDBACK_PENDING'),
    owner: Controller,
    handback: Handback,
    /** In case nobody finds that everything said before is stored. */
    untilMs: z.int(),
  }),
]);

/** As a version wrote it that knew of one helper, for whom the whole wait was. */
const OfOneHelper = z.looseObject({
  untilMs: z.int(),
  helper: z.looseObject({}),
  helpers: z.undefined().optional(),
});

export const Control = z.preprocess((stored) => {
  const { success, data } = OfOneHelper.safeParse(stored);
  if (!success) return stored;
  const { helper, ...control } = data;
  return { ...control, helpers: [{ ...helper, untilMs: data.untilMs }] };
}, Written);
export type Control = z.infer<typeof Control>;
export type HumanControl = Extract<Control, { state: 'HUMAN' }>;
export type PendingControl = Extract<Control, { state: 'HANDOFF_PENDING' }>;

/** How long the way back may take before it is cut short. */
export const HANDBACK_MS = 30_000;
/** Escalations that are known to want a human there, at most; those before call people anyway. */
const MOST_CALLED_BY = 50;
/** What a person who holds a conversation writes is noted at most this often. */
const NOTE_EVERY_MS = 10_000;

/** What happened, as the audit names it. */
export type ControlEvent =
  | 'handoff-requested'
  | 'handoff-withdrawn'
  | 'handoff-unanswered'
  | 'unanswered-in-part'
  | 'looked-after'
  | 'let-go'
  | 'settled'
  | 'settled-in-part'
  | 'taken-over'
  | 'handed-back'
  | 'gone-quiet'
  | 'returned'
  | 'active'
  | 'said'
  | 'credited'
  | 'place-learned'
  | 'place-moved';

export interface ControlMove {
  readonly next: Control;
  readonly event: ControlEvent;
  readonly actor: string;
  /** Of a wait that was called off: whoever says so, where they may say it for all who were called. */
  readonly calledOff?: Controller;
  /** Of a wait that was settled: who did, and what they want the agent to know. */
  readonly settled?: Handback;
}

/** What a function of the machine returns: perhaps a next state, always an answer for the caller. */
export interface ControlStep<Result> {
  readonly result: Result;
  readonly moved?: ControlMove;
}

/** A conversation nobody has ever taken over. */
export function untouched(conversationId: ConversationId): Control {
  return { conversationId, rev: 0, epoch: 0, sinceMs: 0, state: 'BOT' };
}

/** Whether something said in a turn of this epoch may still be said. */
export function mayBeSaid(utteranceEpoch: number, currentEpoch: number): boolean {
  return utteranceEpoch >= currentEpoch;
}

/** When `tick` has something to do; undefined while the agent speaks. */
export function endOf(control: Control): number | undefined {
  return control.state === 'BOT' ? undefined : control.untilMs;
}

/** What may come with a change, whoever makes it. */
interface Cause {
  /** Where it is announced. */
  readonly origin?: Address | undefined;
  /** The mailbox item that brought it about. */
  readonly actedOn?: string;
}

export type HandoffResult = { readonly code: 'PENDING' | 'ALREADY'; readonly control: Control };

/**
 * Somebody wants a human; the agent falls silent until one comes, or `waitMs` have passed. An escalation for which one
 * is waited already is one of those that want it.
 */
export function requestHandoff(
  control: Control,
  request: HandoffRequest,
  { waitMs, ...cause }: Cause & { readonly waitMs: number },
  nowMs: number,
): ControlStep<HandoffResult> {
  const escalation = escalationOf(request);
  if (control.state !== 'BOT') return alsoCalled(control, { request, untilMs: nowMs + waitMs });
  const { calledBy: _, ...same } = changed(control, cause, nowMs);
  const next: Control = {
    ...same,
    ...(escalation === undefined ? {} : { calledBy: [escalation] }),
    state: 'HANDOFF_PENDING',
    request,
    untilMs: nowMs + waitMs,
    helpers: [],
    further: [],
  };
  const actor = request.by.kind === 'person' ? request.by.person : request.by.kind;
  return {
    result: { code: 'PENDING', control: next },
    moved: { next, event: 'handoff-requested', actor },
  };
}

function alsoCalled(
  control: Exclude<Control, { state: 'BOT' }>,
  other: FurtherRequest,
): ControlStep<HandoffResult> {
  const escalation = escalationOf(other.request);
  if (control.state !== 'HANDOFF_PENDING' || escalation === undefined) {
    return { result: { code: 'ALREADY', control } };
  }
  const { calledBy = [], request, further } = control;
  if (escalationOf(request) === escalation) return { result: { code: 'ALREADY', control } };
  const next: PendingControl = {
    ...control,
    rev: control.rev + 1,
    calledBy: [...new Set([...calledBy, escalation])].slice(-MOST_CALLED_BY),
    // One that comes to want a human again waits from then on.
    further: [...without(further, escalation), other].slice(-MOST_CALLED_BY),
  };
  return {
    result: { code: 'ALREADY', control: next },
    moved: { next, event: 'active', actor: 'escalation' },
  };
}

/** What this one called people for is over: nobody comes for it any more. */
export function forgetCall(
  control: Control,
  escalation: EscalationId,
  nowMs: number,
): ControlStep<'FORGOTTEN' | 'NOTHING'> {
  const { calledBy = [] } = control;
  if (control.state !== 'HANDOFF_PENDING' || !calledBy.includes(escalation)) return { result: 'NOTHING' };
  const next: PendingControl = {
    ...withoutHelper(control, escalation, nowMs),
    rev: control.rev + 1,
    calledBy: calledBy.filter((each) => each !== escalation),
    further: without(control.further, escalation),
  };
  return { result: 'FORGOTTEN', moved: { next, event: 'active', actor: 'escalation' } };
}

/**
 * Somebody who was called looks after it: the agent does not give up before they have, `untilMs` at the latest. Said
 * again it is for the new time; said by two who were called by two escalations, it is for as long as either of them.
 */
export function lookAfter(
  control: Control,
  by: Controller & Pick<Helper, 'escalation'>,
  untilMs: number,
  nowMs: number,
): ControlStep<'NOTED' | 'NOTHING'> {
  if (control.state !== 'HANDOFF_PENDING') return { result: 'NOTHING' };
  const { helpers } = control;
  const { person, name, escalation } = by;
  const leftMs = helpers[0]?.leftMs ?? Math.max(control.untilMs - nowMs, 0);
  const helper = { person, name, escalation, leftMs, untilMs: Math.max(untilMs, nowMs + leftMs) };
  const known = helpers.find((each) => each.escalation === escalation);
  if (known?.person === person && known.untilMs === helper.untilMs) return { result: 'NOTHING' };
  const next = known
    ? withHelpers(
        control,
        helpers.map((each) => (each === known ? helper : each)),
      )
    : withHelpers(control, [...helpers, helper]);
  const isKnown = helpers.some((each) => each.person === person);
  const isAllThere = helpers.every((each) => isHelped(next, each));
  const event = !isKnown ? 'looked-after' : isAllThere ? 'active' : 'let-go';
  return { result: 'NOTED', moved: { next, event, actor: person } };
}

/**
 * Whoever was called by this escalation does not look after it any more: it is waited for those who still do, and where
 * nobody does, what was left of the wait is left.
 */
export function letGo(
  control: Control,
  escalation: EscalationId,
  nowMs: number,
): ControlStep<'LET_GO' | 'NOTHING'> {
  if (control.state !== 'HANDOFF_PENDING') return { result: 'NOTHING' };
  const gone = control.helpers.find((each) => each.escalation === escalation);
  if (!gone) return { result: 'NOTHING' };
  const next = withoutHelper(control, escalation, nowMs);
  // Whoever had it by two escalations looks after it still.
  const event = isHelped(next, gone) ? 'active' : 'let-go';
  return { result: 'LET_GO', moved: { next, event, actor: 'system' } };
}

/** Waited for those who still look after it, or for what was left of the wait. */
function withoutHelper(control: PendingControl, escalation: EscalationId, nowMs: number): PendingControl {
  const gone = control.helpers.find((each) => each.escalation === escalation);
  if (!gone) return control;
  const left = control.helpers.filter((each) => each !== gone);
  return left.length > 0
    ? withHelpers(control, left)
    : { ...control, rev: control.rev + 1, helpers: [], untilMs: nowMs + gone.leftMs };
}

/** Waited for the one that takes longest. */
function withHelpers(control: PendingControl, helpers: Helper[]): PendingControl {
  const untilMs = Math.max(...helpers.map((each) => each.untilMs));
  return { ...control, rev: control.rev + 1, helpers, untilMs };
}

function isHelped({ helpers }: PendingControl, { person }: Controller): boolean {
  return helpers.some((each) => each.person === person);
}

/** How what a human was wanted for ended. */
interface Settled extends Handback {
  /** By which people were called. */
  readonly escalation: EscalationId;
  readonly isCancelled: boolean;
}

/**
 * What a human was wanted for is done, or over: the agent speaks again, unless another escalation wants one here still.
 */
export function settle(
  control: Control,
  { escalation, isCancelled, ...note }: Settled,
  nowMs: number,
): ControlStep<'SETTLED' | 'IN_PART' | 'NOTHING'> {
  if (control.state !== 'HANDOFF_PENDING') return { result: 'NOTHING' };
  const actor = note.by?.person ?? 'system';
  const waiting = passedOn(control, escalation, nowMs);
  if (waiting) {
    // Called off is nothing that anybody has done.
    const settled = isCancelled ? {} : note;
    return { result: 'IN_PART', moved: { next: waiting, event: 'settled-in-part', actor, settled } };
  }
  const next: Control = { ...changed(control, {}, nowMs), state: 'BOT' };
  return {
    result: 'SETTLED',
    moved: isCancelled
      ? { next, event: 'handoff-withdrawn', actor }
      : { next, event: 'settled', actor, settled: note },
  };
}

/**
 * The wait, for the next of those who want a human here; undefined when nobody does any more.
 *
 * @param settled what is over; undefined: nobody came, but people are called on
 */
function passedOn(
  control: PendingControl,
  settled: EscalationId | undefined,
  nowMs: number,
): PendingControl | undefined {
  const { helpers, further, calledBy = [] } = control;
  const isHelpedBy = ({ request }: FurtherRequest) =>
    helpers.some(({ escalation }) => escalation === escalationOf(request));
  const [first, ...others] = (settled === undefined ? further : without(further, settled)).filter(
    (each) => each.untilMs > nowMs || isHelpedBy(each),
  );
  if (!first) return undefined;
  const { request, untilMs } = first;
  const left = helpers.filter(({ escalation }) => escalation !== settled);
  const next = {
    ...control,
    request,
    further: others,
    calledBy: calledBy.filter((each) => each !== settled),
  };
  // What is left of the wait is that of the one it is for now.
  const leftMs = Math.max(untilMs - nowMs, 0);
  return left.length > 0
    ? withHelpers(
        next,
        left.map((each) => ({ ...each, leftMs })),
      )
    : { ...next, rev: control.rev + 1, helpers: [], untilMs };
}

/** Whether this escalation is one of those that want a human where it is waited for another. */
export function isFurther(control: PendingControl, escalation: EscalationId): boolean {
  return control.further.some(({ request }) => escalationOf(request) === escalation);
}

function without(further: readonly FurtherRequest[], settled: EscalationId): FurtherRequest[] {
  return further.filter(({ request }) => escalationOf(request) !== settled);
}

function escalationOf({ by }: HandoffRequest): EscalationId | undefined {
  return by.kind === 'escalation' ? by.escalation : undefined;
}

export type TakeOverResult =
  | { readonly code: 'TAKEN'; readonly control: Control; readonly from: Controller | undefined }
  | { readonly code: 'ALREADY' | 'NOT_PERMITTED'; readonly control: Control };

export interface TakeOver extends Cause {
  readonly by: Controller;
  /** Whether a role of theirs lets them take conversations over. */
  readonly permitted: boolean;
  readonly idleMs: number;
}

/** A person speaks from now on; also in the place of another who did. */
export function takeOver(
  control: Control,
  { by, permitted, idleMs, ...cause }: TakeOver,
  nowMs: number,
): ControlStep<TakeOverResult> {
  if (!permitted) return { result: { code: 'NOT_PERMITTED', control } };
  if (control.state === 'HUMAN' && control.owner.person === by.person) {
    return { result: { code: 'ALREADY', control } };
  }
  const from = control.state === 'HUMAN' ? control.owner : undefined;
  const next: Control = {
    ...changed(control, cause, nowMs),
    state: 'HUMAN',
    owner: { person: by.person, name: by.name },
    idleMs,
    untilMs: nowMs + idleMs,
  };
  return {
    result: { code: 'TAKEN', control: next, from },
    moved: { next, event: 'taken-over', actor: by.person },
  };
}

export type HandBackResult = {
  readonly code: 'HANDED_BACK' | 'WITHDRAWN' | 'NOT_HELD' | 'ALREADY' | 'NOT_PERMITTED';
  readonly control: Control;
};

export interface HandBack extends Cause {
  readonly by: Controller;
  /** Whether a role of theirs lets them take conversations over; who holds this one, or asked for a human, needs none. */
  readonly permitted: boolean;
  readonly summary?: string | undefined;
}

/**
 * The agent is to speak again: as soon as all that was said before is stored, or at once where nobody had come.
 */
export function handBack(
  control: Control,
  { by, permitted, summary, ...cause }: HandBack,
  nowMs: number,
): ControlStep<HandBackResult> {
  switch (control.state) {
    case 'BOT':
      return { result: { code: 'NOT_HELD', control } };
    case 'HANDOFF_PENDING': {
      const isAsker = askerOf(control.request) === by.person;
      if (!permitted && !isAsker) return { result: { code: 'NOT_PERMITTED', control } };
      const { calledBy, ...same } = changed(control, cause, nowMs);
      // Whoever only asked says nothing for those who were called for something else.
      const still = permitted || calledBy === undefined ? {} : { calledBy };
      const next: Control = { ...same, ...still, state: 'BOT' };
      const calledOff = permitted ? { calledOff: { person: by.person, name: by.name } } : {};
      return {
        result: { code: 'WITHDRAWN', control: next },
        moved: { next, event: 'handoff-withdrawn', actor: by.person, ...calledOff },
      };
    }
    case 'HUMAN': {
      if (!permitted && control.owner.person !== by.person) {
        return { result: { code: 'NOT_PERMITTED', control } };
      }
      const next = leaving(
        control,
        {
          by: { person: by.person, name: by.name },
          ...(summary === undefined ? {} : { summary }),
        },
        cause,
        nowMs,
      );
      return {
        result: { code: 'HANDED_BACK', control: next },
        moved: { next, event: 'handed-back', actor: by.person },
      };
    }
    case 'HANDBACK_PENDING':
      return { result: { code: 'ALREADY', control } };
    default:
      return control satisfies never;
  }
}

/** Who wants the human, and may say that none is needed: also where the agent asked on their behalf. */
export function askerOf({ by, from }: HandoffRequest): PersonId | undefined {
  if (by.kind === 'person') return by.person;
  return by.kind === 'agent' ? from : undefined;
}

/** All that was said before the hand-back of this epoch is stored: the agent speaks again. */
export function finishHandback(
  control: Control,
  epoch: number,
  nowMs: number,
): ControlStep<'RETURNED' | 'OVER'> {
  // Somebody may have taken it over again meanwhile.
  if (control.state !== 'HANDBACK_PENDING' || control.epoch !== epoch) return { result: 'OVER' };
  return returned(control, nowMs);
}

/** Whoever holds it has written: they are not gone. */
export function noteActivity(
  control: Control,
  person: PersonId,
  nowMs: number,
): ControlStep<'NOTED' | 'NOTHING'> {
  if (control.state !== 'HUMAN' || control.owner.person !== person) return { result: 'NOTHING' };
  const untilMs = nowMs + control.idleMs;
  if (untilMs - control.untilMs < Math.min(NOTE_EVERY_MS, control.idleMs / 4)) return { result: 'NOTHING' };
  const next: Control = { ...control, rev: control.rev + 1, untilMs };
  return { result: 'NOTED', moved: { next, event: 'active', actor: person } };
}

/**
 * Somebody wrote in a conversation that was taken over from elsewhere: now it is known where that is. If it is whoever
 * holds it, they are not gone, either.
 *
 * @param person who wrote; undefined: it is known from what people were called for
 */
export function learnPlace(
  control: Control,
  origin: Address,
  person: PersonId | undefined,
  nowMs: number,
): ControlStep<'LEARNED' | 'NOTHING'> {
  if (control.origin !== undefined || control.state === 'BOT') return { result: 'NOTHING' };
  const { moved } = person === undefined ? {} : noteActivity(control, person, nowMs);
  const next: Control = { ...(moved?.next ?? control), rev: control.rev + 1, origin };
  return { result: 'LEARNED', moved: { next, event: 'place-learned', actor: 'system' } };
}

/** Somebody else wrote in it from another place than is known: what is said in it goes there from now on. */
export function movePlace(control: Control, origin: Address): ControlStep<'MOVED' | 'NOTHING'> {
  if (control.state !== 'HUMAN') return { result: 'NOTHING' };
  const next: Control = { ...control, rev: control.rev + 1, origin };
  return { result: 'MOVED', moved: { next, event: 'place-moved', actor: 'system' } };
}

/**
 * Whether a call of the conversation that was agreed to runs now.
 *
 * @param runWhileHuman whether that is wanted while a person speaks there
 */
export function runsAgreed({ state }: Pick<Control, 'state'>, runWhileHuman: boolean): boolean {
  switch (state) {
    case 'BOT':
      return true;
    case 'HANDOFF_PENDING':
      return false;
    case 'HUMAN':
    case 'HANDBACK_PENDING':
      return runWhileHuman;
    default:
      return state satisfies never;
  }
}

export type SayResult = {
  /** `NOT_YOURS`: whoever it is does not have it, or not any more. `NOWHERE`: nobody has written in it yet. */
  readonly code: 'SAID' | 'NOT_YOURS' | 'NOT_PERMITTED' | 'NOWHERE';
  readonly control: Control;
};

/** Whoever has it says something in it from elsewhere: they are not gone. */
export function say(
  control: Control,
  { by, permitted }: { readonly by: Controller; readonly permitted: boolean },
  nowMs: number,
): ControlStep<SayResult> {
  if (control.state !== 'HUMAN' || control.owner.person !== by.person) {
    return { result: { code: 'NOT_YOURS', control } };
  }
  if (!permitted) return { result: { code: 'NOT_PERMITTED', control } };
  if (control.origin === undefined) return { result: { code: 'NOWHERE', control } };
  const next: Control = { ...control, rev: control.rev + 1, untilMs: nowMs + control.idleMs };
  return {
    result: { code: 'SAID', control: next },
    moved: { next, event: 'said', actor: by.person },
  };
}

export type ControlTick = 'nothing' | 'credited' | 'unanswered' | 'gone-quiet' | 'returned';

/** What time brings about. While nobody of ours was there, nobody could be heard: that time is theirs. */
export function tick(
  control: Control,
  nowMs: number,
  outages: readonly Outage[] = [],
): ControlStep<ControlTick> {
  if (control.state === 'BOT' || nowMs < control.untilMs) return { result: 'nothing' };
  const later = credited(control, nowMs, outages);
  if (later) return { result: 'credited', moved: { next: later, event: 'credited', actor: 'system' } };
  switch (control.state) {
    case 'HANDOFF_PENDING': {
      // Whoever said that they look after it has not been heard of, either.
      const waiting = passedOn({ ...control, helpers: [] }, undefined, nowMs);
      if (waiting) {
        return {
          result: 'unanswered',
          moved: { next: waiting, event: 'unanswered-in-part', actor: 'system' },
        };
      }
      const next: Control = { ...changed(control, {}, nowMs), state: 'BOT' };
      return { result: 'unanswered', moved: { next, event: 'handoff-unanswered', actor: 'system' } };
    }
    case 'HUMAN': {
      const next = leaving(control, {}, {}, nowMs);
      return { result: 'gone-quiet', moved: { next, event: 'gone-quiet', actor: 'system' } };
    }
    case 'HANDBACK_PENDING':
      return { ...returned(control, nowMs), result: 'returned' };
    default:
      return control satisfies never;
  }
}

/** Undefined where nothing is owed: each outage is credited once. */
function credited(control: Control, nowMs: number, outages: readonly Outage[]): Control | undefined {
  if (control.state !== 'HUMAN' && control.state !== 'HANDOFF_PENDING') return undefined;
  const fromMs = control.state === 'HUMAN' ? control.untilMs - control.idleMs : control.sinceMs;
  const owed = outages.filter(({ untilMs }) => untilMs > Math.max(fromMs, control.creditedMs ?? 0));
  const awayMs = awayBetween(owed, fromMs, nowMs);
  if (awayMs === 0) return undefined;
  const creditedMs = Math.max(...owed.map(({ untilMs }) => untilMs));
  const later = <Waiting extends { readonly untilMs: number }>(each: Waiting): Waiting => ({
    ...each,
    untilMs: each.untilMs + awayMs,
  });
  const next = { ...later(control), rev: control.rev + 1, creditedMs };
  return next.state === 'HUMAN'
    ? next
    : { ...next, helpers: next.helpers.map(later), further: next.further.map(later) };
}

function returned(
  control: Extract<Control, { state: 'HANDBACK_PENDING' }>,
  nowMs: number,
): ControlStep<'RETURNED'> {
  const next: Control = { ...changed(control, {}, nowMs), state: 'BOT' };
  return {
    result: 'RETURNED',
    moved: { next, event: 'returned', actor: control.handback.by?.person ?? 'system' },
  };
}

function leaving(
  { owner, calledBy, ...control }: HumanControl,
  handback: Handback,
  cause: Cause,
  nowMs: number,
): Control {
  // Who was only quiet has not done it: whoever comes next comes for the same.
  const still = handback.by || calledBy === undefined ? {} : { calledBy };
  return {
    ...changed({ ...control, owner, ...still }, cause, nowMs),
    state: 'HANDBACK_PENDING',
    owner,
    handback,
    untilMs: nowMs + HANDBACK_MS,
  };
}

/** Everything that outlives a change of control, one revision and one epoch on. */
function changed(
  { conversationId, rev, epoch, origin, actedOn, calledBy }: Control,
  cause: Cause,
  nowMs: number,
): Omit<Extract<Control, { state: 'BOT' }>, 'state'> {
  const place = cause.origin ?? origin;
  const item = cause.actedOn ?? actedOn;
  return {
    conversationId,
    rev: rev + 1,
    epoch: epoch + 1,
    sinceMs: nowMs,
    ...(place === undefined ? {} : { origin: place }),
    ...(item === undefined ? {} : { actedOn: item }),
    ...(calledBy === undefined ? {} : { calledBy }),
  };
}
