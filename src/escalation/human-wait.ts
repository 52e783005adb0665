/**
 * What the wait for a human in a conversation learns of the escalation by which people are called to it: somebody looks
 * after it, does not any more, or says that it is done; and what the escalation learns of whoever came. Pure.
 */
import { type EscalationItem, toItem } from '../delivery/escalation-item.ts';
import {
  type Control,
  type ControlStep,
  forgetCall,
  type HandoffRequest,
  isFurther,
  letGo,
  lookAfter,
  settle,
} from '../domain/control.ts';
import {
  type Deed,
  keepWithoutConversation,
  letGo as release,
  resolve,
  takeBesideConversation,
  takeWithConversation,
} from '../domain/escalation/answers.ts';
import { handsOff } from '../domain/escalation/plan.ts';
import {
  comesFrom,
  type Escalation,
  type EscalationMove,
  type EscalationStep,
  isLive,
  isOwner,
  type Owner,
} from '../domain/escalation/record.ts';
import { API_PLATFORM, type ConversationId, type PersonId } from '../domain/ids.ts';
import type { Effect } from '../redis/effects.ts';
import { isOfHandoff, isOfPlan } from './triggers.ts';

/** Waited for longer than it takes to see that nobody has confirmed: the escalation is the one to say so. */
const GRACE_MS = 15 * 60_000;

/** What a change of an escalation has the conversation that waits for a human look at. */
export function toWait(before: Escalation | undefined, { next }: EscalationMove, nowMs: number): Effect[] {
  const conversationId = waitingIn(next);
  const isNews = [before, next].some((each) => each?.standing.state === 'ACKED') || !isLive(next);
  if (conversationId === undefined || !isNews) return [];
  const { id, rev } = next;
  return [toItem({ kind: 'wait', id: `wait:${id}:${rev}`, atMs: nowMs, escalation: id, conversationId })];
}

/** The conversation that may wait because of it. */
function waitingIn({ subject, key, plan }: Escalation): ConversationId | undefined {
  if (subject.kind === 'trouble') return undefined;
  const mayWait = isOfHandoff(key) || handsOff(plan);
  return mayWait ? subject.conversationId : undefined;
}

/** What whoever is called can take over; undefined where nobody need speak. Nobody does in what a program asked. */
export function conversationToTake({
  subject,
  origin,
  plan,
}: Pick<Escalation, 'subject' | 'origin' | 'plan'>): ConversationId | undefined {
  if (subject.kind === 'trouble') return undefined;
  const isAnsweredThere = subject.kind === 'conversation' || handsOff(plan);
  return isAnsweredThere && origin?.platform !== API_PLATFORM ? subject.conversationId : undefined;
}

/**
 * Looked at as it stands now, however often and however late: what it said before is overtaken.
 *
 * @param asOfMs when it came to stand so; a wait that began later is another one
 */
export function followWait(
  control: Control,
  escalation: Escalation,
  asOfMs: number,
  nowMs: number,
): ControlStep<unknown> {
  const { id, standing } = escalation;
  if (control.state !== 'HANDOFF_PENDING' || control.sinceMs > asOfMs) return { result: 'NOTHING' };
  if (!mayEnd(control.request, escalation)) {
    if (!isLive(escalation)) return forgetCall(control, id, nowMs);
    if (!isFurther(control, id)) return { result: 'NOTHING' };
  }
  switch (standing.state) {
    case 'ACKED':
      return lookAfter(
        control,
        { ...standing.owner, escalation: id },
        endOfDuty(escalation, standing),
        nowMs,
      );
    case 'RESOLVED':
    case 'CANCELLED': {
      const { by, remark } = standing;
      // Over by itself is a call for a human because it is no longer waited for; what else it was about may be mended.
      if (!by && control.request.by.kind !== 'escalation') return letGo(control, id, nowMs);
      const note = { ...(by ? { by } : {}), ...(remark === undefined ? {} : { summary: remark }) };
      return settle(control, { ...note, escalation: id, isCancelled: standing.state === 'CANCELLED' }, nowMs);
    }
    case 'ACTIVE':
    case 'HELD':
    case 'SNOOZED':
    case 'EXHAUSTED':
      return letGo(control, id, nowMs);
    default:
      return standing satisfies never;
  }
}

type Became = Extract<EscalationItem, { kind: 'takeover-all' }>['became'];

/** What somebody has done with the conversation, and who that is. */
export type Taking = Pick<Extract<EscalationItem, { kind: 'takeover-all' }>, 'by' | 'became'> & {
  /** Every id they go by. */
  readonly ids: readonly PersonId[];
  /** Whether they run the gateway. */
  readonly operates: boolean;
};

/**
 * Whoever has the conversation that people were called to looks after what they were called for: nobody else is called
 * (E1). It is done when they hand back; when they were quiet there, it goes on. A wish for a human is over by itself.
 */
export function followTakeover(
  escalation: Escalation,
  taking: Taking,
  nowMs: number,
): EscalationStep<unknown> {
  const { key, subject } = escalation;
  const { by, became } = taking;
  if (isOfHandoff(key)) return { result: 'NOTHING' };
  const deed = { by, permitted: mayHave(escalation, taking) };
  if (subject.kind === 'approval') return followForRequest(escalation, deed, became, nowMs);
  switch (became) {
    case 'taken':
      // Whom it comes from does not look after it; who had it with the conversation has it without, then.
      return deed.permitted
        ? takeWithConversation(escalation, deed, nowMs)
        : keepWithoutConversation(escalation, nowMs);
    case 'quiet':
      return isOwner(escalation, by.person) ? giveUp(escalation, by, nowMs) : { result: 'NOTHING' };
    case 'handed-back':
      if (!wasTheirs(escalation, by.person)) return { result: 'NOTHING' };
      return deed.permitted && isDoneThere(escalation)
        ? resolve(escalation, deed, 'the conversation was handed back')
        : keepWithoutConversation(escalation, nowMs);
    case 'withdrawn':
      return resolve(escalation, deed, 'nobody need come to the conversation');
    default:
      return became satisfies never;
  }
}

/**
 * Nobody has what comes from them. Who may take the conversation over that a request waits in is not called about that
 * by this alone, unless its policy wants somebody there.
 */
function mayHave(escalation: Escalation, { by, ids, operates }: Taking): boolean {
  const { subject, plan, told } = escalation;
  if (comesFrom(escalation, by.person, ids)) return false;
  return subject.kind !== 'approval' || handsOff(plan) || operates || told.includes(by.person);
}

/** A request waits for its answer, whoever has the conversation: people are called on until it has one (E6). */
function followForRequest(
  escalation: Escalation,
  deed: Deed,
  became: Became,
  nowMs: number,
): EscalationStep<unknown> {
  switch (became) {
    case 'taken':
      return takeBesideConversation(escalation, deed, nowMs);
    case 'quiet':
    case 'handed-back': {
      const { person } = deed.by;
      const isTheirs = escalation.cameWith === person && isOwner(escalation, person);
      return isTheirs ? giveUp(escalation, deed.by, nowMs) : { result: 'NOTHING' };
    }
    case 'withdrawn':
      return { result: 'NOTHING' };
    default:
      return became satisfies never;
  }
}

/** Also where they could not take it any more: others are called then. */
function giveUp(escalation: Escalation, by: Owner, nowMs: number): EscalationStep<unknown> {
  return release(escalation, { by, permitted: true }, nowMs);
}

/** Also where it was put off, or pushed on, meanwhile; not where they let go of it, or somebody else has it. */
function wasTheirs(escalation: Escalation, person: PersonId): boolean {
  const { standing, cameWith } = escalation;
  return standing.state === 'ACKED' ? isOwner(escalation, person) : cameWith === person;
}

/** What a plan left to be done by hand is done elsewhere, unless its policy wanted a person there. */
function isDoneThere({ key, plan }: Escalation): boolean {
  return !isOfPlan(key) || handsOff(plan);
}

/** Whether a wait is the one that people are called to by it. */
function mayEnd({ by }: HandoffRequest, { id, key, plan }: Escalation): boolean {
  if (by.kind !== 'escalation') return isOfHandoff(key);
  return by.escalation === undefined ? by.policy === plan.name : by.escalation === id;
}

/** When it is known at the latest whether they are still on it; whoever is trusted is, for as long as anybody is asked. */
function endOfDuty(
  { plan }: Escalation,
  { nextMs, asked, sinceMs }: Extract<Escalation['standing'], { state: 'ACKED' }>,
): number {
  if (nextMs === undefined) return sinceMs + plan.maxAgeMs;
  return nextMs + (asked ? 0 : plan.acknowledge.withinMs) + GRACE_MS;
}
