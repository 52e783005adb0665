/** How an escalation begins, and what time brings about. See `record.ts`. */
import { z } from 'zod';
import { EscalationId, PersonId } from '../ids.ts';
import { Address } from '../message.ts';
import { awayBetween, type Outage } from '../outage.ts';
import type { Importance } from '../person.ts';
import {
  call,
  changesOf,
  heardIn,
  isIn,
  isSamePlace,
  isUnreachable,
  join,
  ring,
  skipFailed,
  toldWith,
} from './calling.ts';
import { type EscalationPlan, importanceOf, isAtLeast, isWorse, Severity } from './plan.ts';
import {
  type Act,
  advance,
  advanceEpoch,
  type Escalation,
  type EscalationEvent,
  type EscalationStep,
  isLive,
  ownerBefore,
  type Place,
  type Standing,
  Subject,
} from './record.ts';
import type { Surroundings } from './surroundings.ts';
import { closedUntil, indexOf, PlanWalk } from './walk.ts';

type Acked = Extract<Standing, { state: 'ACKED' }>;

/** Something happened that somebody has to look after. */
export const Report = z.object({
  id: EscalationId,
  /** The same key is the same thing. */
  key: z.string(),
  subject: Subject,
  severity: Severity,
  title: z.string(),
  words: z.string().optional(),
  /** Leads to where it is; of our own making. */
  link: z.string().optional(),
  origin: Address.optional(),
  correlation: z.string(),
  except: z.array(PersonId),
});
export type Report = z.infer<typeof Report>;

export type RaiseResult = 'RAISED' | 'DEDUPED' | 'WORSE';

/** @param before what is known under the same key, over or not */
export function raise(
  before: Escalation | undefined,
  report: Report,
  plan: EscalationPlan,
  nowMs: number,
): EscalationStep<RaiseResult> {
  if (before && isLive(before)) return raiseAgain(before, report, nowMs);
  const next: Escalation = {
    ...report,
    rev: (before?.rev ?? 0) + 1,
    epoch: (before?.epoch ?? 0) + 1,
    standing: { state: 'ACTIVE', nextMs: nowMs + plan.settleMs },
    plan,
    reported: report.severity,
    count: 1,
    firstMs: nowMs,
    lastMs: nowMs,
    step: 0,
    round: 0,
    jumps: {},
    chains: [],
    told: [],
    stepsCalled: false,
  };
  return { result: 'RAISED', moved: bySystem(next, 'raised') };
}

/** The same once more: counted; and where it got worse, it is about that, and what the plan says comes of it. */
function raiseAgain(
  before: Escalation,
  { severity, title, words, origin, except }: Report,
  nowMs: number,
): EscalationStep<RaiseResult> {
  const further = except.filter((person) => !before.except.includes(person));
  const owner = before.standing.state === 'ACKED' ? before.standing.owner.person : undefined;
  const since = owner === undefined ? [] : further.map((person) => [person, owner] as const);
  const counted: Escalation = {
    ...before,
    count: before.count + 1,
    lastMs: nowMs,
    except: [...before.except, ...further],
    ...((before.except.length === 0) === (except.length === 0) ? {} : { isPartlyFromNobody: true }),
    ...(since.length > 0 ? { exceptSince: { ...before.exceptSince, ...Object.fromEntries(since) } } : {}),
  };
  // A policy that takes it less seriously makes no further report of the same a worse one.
  if (!isWorse(severity, before.severity) || !isWorse(severity, before.reported ?? before.severity)) {
    return { result: 'DEDUPED', moved: bySystem(advance(counted, before.standing), 'reported-again') };
  }
  // Who may read the words is decided by where they come from.
  const said = words === undefined ? {} : { words, ...(origin ? { origin } : {}) };
  const worse: Escalation = { ...counted, severity, reported: severity, title, ...said };
  return { result: 'WORSE', moved: bySystem(worsened(worse, nowMs), 'worse') };
}

function worsened(worse: Escalation, nowMs: number): Escalation {
  const { standing } = worse;
  const { onWorse } = worse.plan;
  if (onWorse.kind === 'keep') {
    // Whoever put it off put off something milder.
    if (standing.state === 'SNOOZED') return goesOnAt(worse, worse.step, nowMs);
    // Whoever took it took something milder: they are asked at once whether they look after this, too.
    const asking = standing.state === 'ACKED' ? { ...standing, asked: false, nextMs: nowMs } : standing;
    return advance(worse, asking);
  }
  const step = onWorse.kind === 'step' ? indexOf(worse.plan, onWorse.step) : 0;
  return startAt(worse, step, nowMs);
}

/** It goes on at this step at once, because somebody wants it, or it got worse; what was begun is over. */
export function startAt(escalation: Escalation, step: number, nowMs: number): Escalation {
  // From the beginning is a further course of all its rounds and gotos.
  const anew = step === 0 ? { round: 0, jumps: {} } : {};
  return { ...resumeAt(escalation, step, nowMs), ...anew };
}

/** The same where nobody asked for it: in the round it is in, with the gotos that are left. */
function resumeAt(escalation: Escalation, step: number, nowMs: number): Escalation {
  const {
    askedUntilMs: _,
    exhausted,
    ...begun
  } = advanceEpoch(escalation, { state: 'ACTIVE', nextMs: nowMs });
  const isPastSteps = exhausted && step >= escalation.plan.steps.length;
  return { ...begun, ...ownerBefore(escalation), ...(isPastSteps ? { exhausted } : {}), step };
}

/**
 * The same where whoever it was with does not have it any more, and others are to be called: as long as a question is
 * open, nobody is.
 */
export function goesOnAt(escalation: Escalation, step: number, nowMs: number): Escalation {
  const { askedUntilMs = 0 } = escalation;
  const next: Escalation = { ...resumeAt(escalation, step, nowMs), owesCall: true };
  if (askedUntilMs <= nowMs) return next;
  return { ...next, askedUntilMs, standing: { state: 'HELD', reason: 'asked', nextMs: askedUntilMs } };
}

export type TickResult = 'nothing' | EscalationEvent;

/** What time brings about. @param outages in which nobody of ours was there, so that nobody could be heard */
export function tick(
  escalation: Escalation,
  s: Surroundings,
  outages: readonly Outage[] = [],
): EscalationStep<TickResult> {
  const { standing } = escalation;
  const isDue = 'nextMs' in standing && standing.nextMs !== undefined && standing.nextMs <= s.nowMs;
  switch (standing.state) {
    case 'RESOLVED':
    case 'CANCELLED':
      return { result: 'nothing' };
    case 'ACTIVE':
    case 'HELD':
      return isDue ? new PlanWalk(escalation, standing.nextMs, s).go() : callOn(escalation, s);
    case 'EXHAUSTED': {
      if (!isDue) return callOn(escalation, s);
      const { onlyIn } = escalation.plan;
      const isClosed = onlyIn !== undefined && !s.isOpen(onlyIn, s.nowMs);
      // Hours that never open again are not waited for: it is never silent.
      const opensMs = isClosed ? s.opensAt(onlyIn, s.nowMs) : undefined;
      if (opensMs === undefined) return new PlanWalk(escalation, standing.nextMs, s).exhaust();
      return {
        result: 'held',
        moved: bySystem(advance(escalation, { ...standing, nextMs: opensMs }), 'held'),
      };
    }
    case 'ACKED':
      return isDue ? lookAfterOwner(escalation, standing, s, outages) : { result: 'nothing' };
    case 'SNOOZED':
      if (!isDue) return { result: 'nothing' };
      return { result: 'woken', moved: bySystem(goesOnAt(escalation, escalation.step, s.nowMs), 'woken') };
    default:
      return standing satisfies never;
  }
}

/** Between two steps: further ways to people who were called, and people who came on call meanwhile. */
function callOn(escalation: Escalation, s: Surroundings): EscalationStep<TickResult> {
  const { calling, chains, standing } = escalation;
  const why = standing.state === 'EXHAUSTED' ? 'last' : 'call';
  const isChanging = calling?.changesMs !== undefined && calling.changesMs <= s.nowMs;
  const opensMs = isChanging ? closedUntil(escalation.plan, s) : undefined;
  const newcomers =
    isChanging && opensMs === undefined
      ? call(escalation, calling, why, s).chains.filter(({ person }) => !isIn(chains, person))
      : [];
  const rung = ring(escalation, join(chains, newcomers), 'joined', s);
  const isLeft = rung.chains.length < chains.length;
  if (rung.acts.length === 0 && !isChanging && !isLeft) return { result: 'nothing' };
  const { changesMs: _, ...same } = calling ?? { who: [], importance: 'normal' as const };
  const next: Escalation = {
    ...advance(escalation, heardBy(standing, rung.acts)),
    chains: rung.chains,
    ...toldWith(escalation, rung.acts),
    ...(isChanging ? { calling: { ...same, ...changesOf(escalation, calling.who, s) } } : {}),
    // Whoever came to it outside of its hours is called when they begin.
    ...(opensMs === undefined ? {} : { calling: { ...same, changesMs: opensMs } }),
  };
  return { result: 'called', moved: bySystem(next, 'called', rung.acts) };
}

/**
 * The same once people, duty or absences are configured otherwise: who was to come on call, and when, was looked up under
 * the configuration of then.
 */
export function heedPeople(escalation: Escalation, s: Surroundings): EscalationStep<TickResult> {
  const { standing, calling } = escalation;
  const isCalling =
    standing.state === 'ACTIVE' || standing.state === 'HELD' || standing.state === 'EXHAUSTED';
  if (!isCalling || !calling) return { result: 'nothing' };
  const step = callOn({ ...escalation, calling: { ...calling, changesMs: s.nowMs } }, s);
  const isSame =
    step.moved?.acts.length === 0 &&
    step.moved.next.chains.length === escalation.chains.length &&
    step.moved.next.calling?.changesMs === calling.changesMs;
  return isSame ? { result: 'nothing' } : step;
}

/** Somebody of the last resort who comes later has heard of it. */
function heardBy(standing: Standing, acts: readonly Act[]): Standing {
  const isHeard = acts.some((act) => act.kind === 'page' && act.why === 'last');
  return standing.state === 'EXHAUSTED' && isHeard ? { ...standing, isHeard } : standing;
}

/**
 * Whoever took it is asked whether they are still on it; if they do not say so, it goes on without them: the time for
 * that runs from when they can be told. Who is trusted, or has the conversation, is asked only because it got worse, and
 * keeps it all the same.
 */
function lookAfterOwner(
  escalation: Escalation,
  standing: Acked,
  s: Surroundings,
  outages: readonly Outage[],
): EscalationStep<TickResult> {
  const { acknowledge, maxAgeMs } = escalation.plan;
  const { nextMs: _, ...same } = standing;
  const isTrusted = acknowledge.remindMs === undefined || standing.hasConversation === true;
  const isTooOld = s.nowMs - escalation.lastMs > maxAgeMs;
  if (!standing.asked || isTooOld) {
    // A report may make it young again: then whoever has it must have had their time.
    const pauseMs = Math.max(isTooOld ? (acknowledge.remindMs ?? 0) : 0, acknowledge.withinMs);
    const { acts, toldMs } = stillOnIt(standing.owner.person, escalation.severity, s);
    const asked: Standing = { ...same, asked: true, ...(isTrusted ? {} : { nextMs: toldMs + pauseMs }) };
    const { calledOn } = toldWith(escalation, acts);
    const next: Escalation = { ...advance(escalation, asked), ...(calledOn ? { calledOn } : {}) };
    return { result: 'asked-still', moved: bySystem(next, 'asked-still', acts) };
  }
  const { nextMs: untilMs = s.nowMs } = standing;
  const awayMs = awayBetween(outages, untilMs - acknowledge.withinMs, s.nowMs);
  // What they wrote meanwhile is still to be heard.
  if (awayMs > 0 && s.nowMs < untilMs + awayMs) {
    const later: Standing = { ...standing, nextMs: untilMs + awayMs };
    return { result: 'credited', moved: bySystem(advance(escalation, later), 'credited') };
  }
  const at = { first: 0, same: lastCallOf(escalation), next: escalation.step }[acknowledge.goesOnAt];
  // Its policy wants it all again.
  const anew = acknowledge.goesOnAt === 'first' ? { round: 0, jumps: {} } : {};
  const next = { ...goesOnAt(escalation, at, s.nowMs), ...anew };
  return { result: 'not-confirmed', moved: bySystem(next, 'not-confirmed') };
}

/**
 * `toldMs`: when they read the question; at once where there is no way to them, so that others are called. What is mild
 * waits for the end of their quiet hours, and stays theirs until then. What is bad does not: nobody else would be called
 * about it for hours, and nobody would know whether anybody looks after it.
 */
function stillOnIt(
  person: PersonId,
  severity: Severity,
  s: Surroundings,
): { readonly acts: readonly Act[]; readonly toldMs: number } {
  const loudness = loudnessOf(severity);
  const isQuiet = s.tellableAt(person, loudness, s.nowMs) > s.nowMs;
  const importance = isQuiet && isAtLeast(severity, 'error') ? 'urgent' : loudness;
  const [best] = s.linksOf(person, importance);
  if (!best) return { acts: [], toldMs: s.nowMs };
  const act: Act = { kind: 'page', person, platform: best.platform, importance, why: 'still' };
  return { acts: [act], toldMs: s.tellableAt(person, importance, s.nowMs) };
}

/** What is mild is asked about, not whispered. */
function loudnessOf(severity: Severity): Importance {
  const importance = importanceOf(severity);
  return importance === 'low' ? 'normal' : importance;
}

/** What it is about waits for a reply: until then nobody is called who has not taken it. */
export function hold(escalation: Escalation, untilMs: number): EscalationStep<'HELD' | 'NOTHING'> {
  const { standing } = escalation;
  if (!isLive(escalation)) return { result: 'NOTHING' };
  const held: Escalation = { ...escalation, askedUntilMs: untilMs };
  const isQuiet = standing.state === 'ACKED' || standing.state === 'SNOOZED';
  const next = isQuiet
    ? advance(held, standing)
    : advanceEpoch(held, { state: 'HELD', reason: 'asked', nextMs: untilMs });
  return { result: 'HELD', moved: bySystem(next, 'held') };
}

/** What it is about is something else by now: whoever is called from here on reads that. */
export function retitle(escalation: Escalation, title: string): EscalationStep<'RETITLED' | 'NOTHING'> {
  if (!isLive(escalation) || escalation.title === title) return { result: 'NOTHING' };
  const next = { ...advance(escalation, escalation.standing), title };
  return { result: 'RETITLED', moved: bySystem(next, 'retitled') };
}

/** There is a reply: where nobody has it, whoever was called last is called again. */
export function goOn(escalation: Escalation, nowMs: number): EscalationStep<'GOES_ON' | 'NOTHING'> {
  const { standing } = escalation;
  if (standing.state === 'HELD' && standing.reason === 'asked') {
    const next = resumeAt(escalation, lastCallOf(escalation), nowMs);
    return { result: 'GOES_ON', moved: bySystem(next, 'woken') };
  }
  const { askedUntilMs = 0, ...known } = escalation;
  if (askedUntilMs <= nowMs || !isLive(escalation)) return { result: 'NOTHING' };
  return { result: 'GOES_ON', moved: bySystem(advance(known, standing), 'answered') };
}

/** The step that called somebody last; behind the last of them where the last resort did. */
function lastCallOf({ plan: { steps }, step, exhausted, lastCalled }: Escalation): number {
  if (exhausted) return steps.length;
  const known = steps.findIndex(({ id }) => id === lastCalled);
  if (known !== -1) return known;
  return Math.max(
    0,
    steps.findLastIndex(({ kind }, index) => index < step && kind === 'notify'),
  );
}

/**
 * A call did not arrive: the next way to that person is taken at once; with nobody reached, the next step. Where no
 * step is left, nobody has heard of it.
 */
export function unreached(
  escalation: Escalation,
  { epoch, person }: { readonly epoch: number; readonly person: PersonId },
  nowMs: number,
): EscalationStep<'GOES_ON' | 'OVER'> {
  // Where nobody is being called, there are no chains.
  if (epoch !== escalation.epoch || !isIn(escalation.chains, person)) return { result: 'OVER' };
  const chains = escalation.chains.map((chain) =>
    chain.person === person ? skipFailed(chain, nowMs) : chain,
  );
  return { result: 'GOES_ON', moved: { ...missed({ ...escalation, chains }, nowMs), actor: person } };
}

/** A post did not arrive: whoever reads that channel has not heard of it. */
export function unposted(
  escalation: Escalation,
  { epoch, place }: { readonly epoch: number; readonly place: Place },
  nowMs: number,
): EscalationStep<'GOES_ON' | 'OVER'> {
  const { calling, posted = [] } = escalation;
  const isAwaited = heardIn(escalation).some((each) => isSamePlace(each, place));
  if (epoch !== escalation.epoch || !calling || !isAwaited) return { result: 'OVER' };
  const without: Escalation = {
    ...escalation,
    calling: { ...calling, unposted: [...(calling.unposted ?? []), place] },
    posted: posted.filter((each) => !isSamePlace(each, place)),
  };
  return { result: 'GOES_ON', moved: missed(without, nowMs) };
}

/** With nobody and no channel left that could have heard of it, it goes on at once. */
function missed(escalation: Escalation, nowMs: number): NonNullable<EscalationStep<unknown>['moved']> {
  const { standing, chains } = escalation;
  const isNobodyLeft = heardIn(escalation).length === 0 && chains.every(isUnreachable);
  const next = advance(escalation, isNobodyLeft ? withNobody(standing, nowMs) : standing);
  const isUnheard = isNobodyLeft && standing.state === 'EXHAUSTED' && standing.isHeard;
  return bySystem(next, 'unreached', isUnheard ? [{ kind: 'alarm' }] : []);
}

/** What waited for somebody who was not reached waits no longer; what waits for something else goes on waiting. */
function withNobody(standing: Standing, nowMs: number): Standing {
  switch (standing.state) {
    case 'ACTIVE':
      return { ...standing, nextMs: Math.min(standing.nextMs, nowMs) };
    case 'EXHAUSTED':
      return { ...standing, isHeard: false };
    default:
      return standing;
  }
}

export function bySystem(
  next: Escalation,
  event: EscalationEvent,
  acts: readonly Act[] = [],
): NonNullable<EscalationStep<unknown>['moved']> {
  return { next, event, actor: 'system', acts, taken: [] };
}
