/** What people do about an escalation. See `record.ts`. */
import type { PersonId, Platform } from '../ids.ts';
import { bySystem, goesOnAt, startAt } from './course.ts';
import {
  type Act,
  advance,
  advanceEpoch,
  type Escalation,
  type EscalationEvent,
  type EscalationMove,
  type EscalationStep,
  isLive,
  type Owner,
  ownerBefore,
} from './record.ts';
import { indexOf } from './walk.ts';

export interface Deed {
  readonly by: Owner;
  /** Whether they may do anything about this one. */
  readonly permitted: boolean;
  /** Where they said it. */
  readonly via?: Platform;
}

/** What whoever acted is told. `OVER`: it is resolved or cancelled already. */
export type DeedCode =
  | 'ACKNOWLEDGED'
  | 'CONFIRMED'
  | 'TAKEN'
  | 'LET_GO'
  | 'SNOOZED'
  | 'PUSHED'
  | 'RESOLVED'
  | 'CANCELLED'
  | 'ALREADY'
  | 'NOT_YOURS'
  | 'NOT_PERMITTED'
  | 'NO_SUCH_STEP'
  | 'OVER';

export interface DeedResult {
  readonly code: DeedCode;
  readonly escalation: Escalation;
  /** Somebody else, who has it no more by this. */
  readonly lostBy?: Owner;
}

/**
 * Somebody takes it: nobody else is called any more. Who has it already confirms by this that they are still on it; a
 * request is theirs by their own word then, whatever becomes of its conversation.
 *
 * @param instead takes it from whoever has it
 */
export function acknowledge(
  escalation: Escalation,
  { by, permitted, via }: Deed,
  nowMs: number,
  { instead = false }: { readonly instead?: boolean } = {},
): EscalationStep<DeedResult> {
  const refused = refusal(escalation, permitted);
  if (refused) return refused;
  const { standing, plan } = escalation;
  const { remindMs } = plan.acknowledge;
  const nextMs = remindMs === undefined ? {} : { nextMs: nowMs + remindMs };
  const byWord = withoutConversation(escalation);
  if (standing.state === 'ACKED' && standing.owner.person === by.person) {
    if (!standing.asked && byWord === escalation) return { result: { code: 'ALREADY', escalation } };
    const { nextMs: _, ...same } = standing;
    const next = advance(byWord, {
      ...same,
      asked: false,
      ...(standing.hasConversation ? {} : nextMs),
    });
    return done('CONFIRMED', next, 'confirmed', by);
  }
  if (standing.state === 'ACKED' && !instead) return { result: { code: 'ALREADY', escalation } };
  // Who was never called, and has it, is told of its end where they took it.
  const calledOn = via === undefined ? {} : { calledOn: { [by.person]: via, ...escalation.calledOn } };
  const next: Escalation = {
    ...advanceEpoch(byWord, { state: 'ACKED', owner: by, sinceMs: nowMs, asked: false, ...nextMs }),
    ...ownerBefore(escalation),
    ...calledOn,
  };
  return done(standing.state === 'ACKED' ? 'TAKEN' : 'ACKNOWLEDGED', next, 'acknowledged', by);
}

/**
 * Somebody has taken the conversation over that it is about: it is theirs, whoever had it before, for as long as they
 * have that. Whether they are still on it is not asked: who is not heard of there loses the conversation, and this.
 */
export function takeWithConversation(
  escalation: Escalation,
  { by, permitted }: Deed,
  nowMs: number,
): EscalationStep<DeedResult> {
  const refused = refusal(escalation, permitted);
  if (refused) return refused;
  const { standing } = escalation;
  const had = { state: 'ACKED', owner: by, asked: false, hasConversation: true } as const;
  if (standing.state === 'ACKED' && standing.owner.person === by.person) {
    if (standing.hasConversation) return { result: { code: 'ALREADY', escalation } };
    const { sinceMs } = standing;
    const next = { ...advance(escalation, { ...had, sinceMs }), cameWith: by.person };
    return done('CONFIRMED', next, 'confirmed', by);
  }
  const next: Escalation = {
    ...advanceEpoch(escalation, { ...had, sinceMs: nowMs }),
    ...ownerBefore(escalation),
    cameWith: by.person,
  };
  return done(standing.state === 'ACKED' ? 'TAKEN' : 'ACKNOWLEDGED', next, 'acknowledged', by);
}

/** A request is not done in its conversation: who has said a word of their own about it has it by that. */
function withoutConversation(escalation: Escalation): Escalation {
  if (escalation.subject.kind !== 'approval' || escalation.cameWith === undefined) return escalation;
  const { cameWith: _, ...byWord } = escalation;
  return byWord;
}

/**
 * Somebody has taken over the conversation in which something waits that is not done there: they look after it as
 * whoever says so does, unless somebody does already by their own word. Whoever had it because they had the conversation
 * has it no more, also where whoever has that now may not.
 */
export function takeBesideConversation(
  escalation: Escalation,
  deed: Deed,
  nowMs: number,
): EscalationStep<DeedResult> {
  const { standing, cameWith } = escalation;
  const owner = standing.state === 'ACKED' ? standing.owner : undefined;
  const isTheirs = owner?.person === deed.by.person;
  const isWithConversation = owner !== undefined && cameWith === owner.person;
  if (isTheirs && isWithConversation && standing.state === 'ACKED' && !standing.asked) {
    return { result: { code: 'ALREADY', escalation } };
  }
  if (isWithConversation && !isTheirs && !deed.permitted) {
    const { result, moved } = letGo(escalation, { by: owner, permitted: true }, nowMs);
    // Whose deed it is: of the one who took the conversation, not of the one who lost it.
    return { result, ...(moved ? { moved: { ...moved, actor: deed.by.person } } : {}) };
  }
  const { result, moved } = acknowledge(escalation, deed, nowMs, { instead: isWithConversation });
  // Who has it by their own word had it before.
  if (!moved || (isTheirs && !isWithConversation)) return { result, ...(moved ? { moved } : {}) };
  return { result, moved: { ...moved, next: { ...moved.next, cameWith: deed.by.person } } };
}

/** Whoever has it does not have the conversation any more: from now on they are asked, as anybody is. */
export function keepWithoutConversation(
  escalation: Escalation,
  nowMs: number,
): EscalationStep<'KEPT' | 'NOTHING'> {
  const { standing, plan } = escalation;
  if (standing.state !== 'ACKED' || !standing.hasConversation) return { result: 'NOTHING' };
  const { hasConversation: _, ...same } = standing;
  const { remindMs } = plan.acknowledge;
  const nextMs = remindMs === undefined ? {} : { nextMs: nowMs + remindMs };
  const next = advance(escalation, { ...same, asked: false, ...nextMs });
  return { result: 'KEPT', moved: bySystem(next, 'confirmed') };
}

/** Whoever has it lets go of it: after a moment it goes on where it was. */
export function letGo(
  escalation: Escalation,
  { by, permitted }: Deed,
  nowMs: number,
): EscalationStep<DeedResult> {
  const refused = refusal(escalation, permitted);
  if (refused) return refused;
  const { standing, plan } = escalation;
  if (standing.state !== 'ACKED' || standing.owner.person !== by.person) {
    return { result: { code: 'NOT_YOURS', escalation } };
  }
  const { cameWith, ...next } = goesOnAt(escalation, escalation.step, nowMs + plan.settleMs);
  const isOthers = cameWith !== undefined && cameWith !== by.person;
  return done('LET_GO', isOthers ? { ...next, cameWith } : next, 'let-go', by);
}

/**
 * Nobody is called until then.
 *
 * @param instead also where somebody else has it, who does not have it any more then
 */
export function snooze(
  escalation: Escalation,
  { by, permitted }: Deed,
  untilMs: number,
  { instead = false }: { readonly instead?: boolean } = {},
): EscalationStep<DeedResult> {
  const refused = refusal(escalation, permitted);
  if (refused) return refused;
  const { standing } = escalation;
  const isTheirs = standing.state === 'ACKED' && standing.owner.person !== by.person;
  if (isTheirs && !instead) return { result: { code: 'ALREADY', escalation } };
  const next: Escalation = {
    ...advanceEpoch(escalation, { state: 'SNOOZED', by, nextMs: untilMs }),
    ...ownerBefore(escalation),
  };
  return done('SNOOZED', next, 'snoozed', by);
}

/** On to the next step, or a named one, at once, whoever has it, and whatever the hours of its policy. */
export function push(
  escalation: Escalation,
  { by, permitted }: Deed,
  nowMs: number,
  step?: string,
): EscalationStep<DeedResult> {
  const refused = refusal(escalation, permitted);
  if (refused) return refused;
  const { plan } = escalation;
  if (step !== undefined && !plan.steps.some(({ id }) => id === step)) {
    return { result: { code: 'NO_SUCH_STEP', escalation } };
  }
  const at = step === undefined ? behindWaiting(escalation) : indexOf(plan, step);
  // Where it waits for somebody to be there, to wait for the same is no new wait.
  const waiting = at === escalation.step && isWaiting(escalation) ? waitOf(escalation) : {};
  const next: Escalation = {
    ...startAt(escalation, at, nowMs),
    ...waiting,
    pushed: step === undefined ? 'to-next' : true,
  };
  const { result, ...moved } = done('PUSHED', next, 'pushed', by);
  const { standing } = escalation;
  const isOthers = standing.state === 'ACKED' && standing.owner.person !== by.person;
  return { result: isOthers ? { ...result, lostBy: standing.owner } : result, ...moved };
}

export function resolve(
  escalation: Escalation,
  { by, permitted }: Deed,
  remark?: string,
): EscalationStep<DeedResult> {
  const refused = refusal(escalation, permitted);
  if (refused) return refused;
  const why = remark === undefined ? {} : { remark };
  return done('RESOLVED', advanceEpoch(escalation, { state: 'RESOLVED', by, ...why }), 'resolved', by);
}

/**
 * What it was about is over by itself: decided, taken over, mended.
 *
 * @param actor whose doing that is, who knows of it
 */
export function close(
  escalation: Escalation,
  remark: string,
  actor = 'system',
): EscalationStep<'CLOSED' | 'OVER'> {
  if (!isLive(escalation)) return { result: 'OVER' };
  const next = advanceEpoch(escalation, { state: 'RESOLVED', remark });
  return { result: 'CLOSED', moved: { ...bySystem(next, 'resolved'), actor } };
}

export function cancel(escalation: Escalation, { by, permitted }: Deed): EscalationStep<DeedResult> {
  const refused = refusal(escalation, permitted);
  if (refused) return refused;
  return done('CANCELLED', advanceEpoch(escalation, { state: 'CANCELLED', by }), 'cancelled', by);
}

function refusal(escalation: Escalation, permitted: boolean): EscalationStep<DeedResult> | undefined {
  if (!permitted) return { result: { code: 'NOT_PERMITTED', escalation } };
  if (!isLive(escalation)) return { result: { code: 'OVER', escalation } };
  return undefined;
}

/** Where it goes on without the one it waits for. */
function behindWaiting(escalation: Escalation): number {
  return isWaiting(escalation) ? escalation.step + 1 : escalation.step;
}

/** Whether its step waits for somebody to be there. */
function isWaiting({ standing }: Escalation): boolean {
  return standing.state === 'HELD' && standing.reason === 'nobody';
}

function waitOf({ waitsSinceMs }: Escalation): Pick<Escalation, 'waitsSinceMs'> {
  return waitsSinceMs === undefined ? {} : { waitsSinceMs };
}

function done(
  code: DeedCode,
  next: Escalation,
  event: EscalationEvent,
  by: { readonly person: PersonId },
): EscalationStep<DeedResult> {
  const acts: readonly Act[] = [];
  const moved: EscalationMove = { next, event, actor: by.person, acts, taken: [] };
  return { result: { code, escalation: next }, moved };
}
