/**
 * One walk through a plan: the steps that are due, up to one that waits.
 *
 * Where an outage let several calls fall due, only the last of them is made: whoever is called then is called as
 * loudly as the time asks for, and nobody is called by the way.
 */

import type { Importance } from '../person.ts';
import { type Called, call, changesOf, isNobody, join, ring, toldWith, unpostedOf } from './calling.ts';
import {
  type Condition,
  type EscalationPlan,
  holdOf,
  importanceOf,
  isAtLeast,
  type PlanStep,
} from './plan.ts';
import {
  type Act,
  advance,
  type Escalation,
  type EscalationEvent,
  type EscalationStep,
  type Standing,
  type StepTaken,
  type Taken,
} from './record.ts';
import type { Surroundings } from './surroundings.ts';

/** Steps taken in one walk, at most: all rounds of a long plan, after a long outage. */
const MOST_TAKEN = 2_000;
/** A step that is so late was overtaken by an outage: what its waiting would have led to meanwhile counts. */
const OUTAGE_MS = 60_000;
/** How often it is looked whether somebody is there who can be called, where nothing says when. */
const LOOK_AGAIN_MS = 60_000;
/** The same for hours that never open again, until the configuration says otherwise. */
const NEVER_OPEN_MS = 60 * 60_000;

type NotifyStep = Extract<PlanStep, { kind: 'notify' }>;

/** Whom a step would call, unless time has passed it by. */
interface Batch {
  readonly called: Called;
  /** Its place in `taken`. */
  readonly index: number;
  readonly isPassed: boolean;
}

export class PlanWalk {
  readonly #acts: Act[] = [];
  readonly #taken: Taken[] = [];
  #atMs: number;
  #batch: Batch | undefined;
  /** Nobody is waited for up to the next call: nobody was called before it, or somebody wants it. */
  #skips: 'nobody-called' | 'pushed' | undefined;
  /** Waits that were left out: nothing is gone through twice without waiting, but by a round or a goto, which end. */
  readonly #skipped = new Set<string>();

  /** @param dueMs when its step is, or was, due */
  constructor(
    private escalation: Escalation,
    dueMs: number,
    private readonly s: Surroundings,
  ) {
    this.#atMs = s.nowMs - dueMs > OUTAGE_MS ? dueMs : s.nowMs;
  }

  /** Takes what is due, and resolves with how it stands then. */
  go(): EscalationStep<EscalationEvent> {
    const { nowMs } = this.s;
    const { pushed, ...escalation } = this.escalation;
    this.escalation = escalation;
    const closed = pushed ? undefined : closedUntil(escalation.plan, this.s);
    if (closed !== undefined) return this.#end('held', { state: 'HELD', reason: 'closed', nextMs: closed });
    if (pushed === 'to-next') this.#skips = 'pushed';
    for (let taken = 0; taken < MOST_TAKEN && this.#atMs <= nowMs; taken++) {
      if (!pushed && !this.#isOpenThen()) continue;
      const { plan, step, round } = this.escalation;
      const current = plan.steps[step];
      if (!current || (current.kind === 'stop' && this.#isCallOwed())) {
        // Whoever pushes it on, or does not have it any more, was told that somebody is called, not that it ends.
        if (current) return this.exhaust();
        if (round + 1 >= plan.rounds) return this.exhaust();
        this.escalation = { ...this.escalation, step: 0, round: round + 1 };
      } else if (current.kind === 'stop') {
        this.#note(current);
        return this.#end('resolved', { state: 'RESOLVED', remark: 'its policy ends here' });
      } else if (!this.#take(current)) {
        return this.#end('held', { state: 'HELD', reason: 'nobody', nextMs: this.#somebodyAt(current) });
      }
    }
    // More is due than one walk takes: the next look goes on in the past, and whom time has passed by stays uncalled.
    if (this.#atMs <= nowMs) this.#passBy();
    return this.#end('called', { state: 'ACTIVE', nextMs: this.#atMs });
  }

  #isCallOwed(): boolean {
    return this.#skips === 'pushed' || this.escalation.owesCall === true;
  }

  /** Nobody came: the last resort is called, now and from time to time. */
  exhaust(): EscalationStep<EscalationEvent> {
    const { lastResort, nagMs } = this.escalation.plan;
    this.#paid();
    this.#passBy();
    this.#callBatch();
    const calling = { ...lastResort, caller: 'last' } as const;
    const called = call(this.escalation, calling, 'last', this.s);
    const isHeard = !isNobody(called);
    this.#acts.push(...called.posts, ...(isHeard ? [] : [{ kind: 'alarm' } as const]));
    this.escalation = {
      ...this.escalation,
      calling: {
        ...calling,
        ...changesOf(this.escalation, lastResort.who, this.s),
        ...unpostedOf(lastResort.who, called),
      },
      chains: join(this.escalation.chains, called.chains),
      exhausted: true,
    };
    return this.#end('exhausted', { state: 'EXHAUSTED', nextMs: this.s.nowMs + nagMs, isHeard });
  }

  /** False when there is nobody to call and the step waits until there is. */
  #take(step: Exclude<PlanStep, { kind: 'stop' }>): boolean {
    const { plan } = this.escalation;
    switch (step.kind) {
      case 'notify':
        return this.#notify(step);
      case 'wait':
        if (this.#leavesOut(step)) {
          this.#note(step, 'left-out');
          this.#goTo(this.escalation.step + 1);
          return true;
        }
        this.#wait(step);
        break;
      case 'branch': {
        const target = this.#holds(step.if) ? step.goesTo : step.otherwise;
        this.#note(step);
        this.#goTo(target === undefined ? this.escalation.step + 1 : indexOf(plan, target));
        return true;
      }
      case 'goto':
        this.#note(step);
        this.#jump(step);
        return true;
      case 'webhook': {
        // As it is now: a later step of the same walk may make it worse.
        const { severity } = this.escalation;
        this.#acts.push({ kind: 'webhook', webhook: step.webhook, severity, caller: this.#now(step) });
        this.#somethingCalled();
        break;
      }
      case 'hand-off':
        this.#acts.push({ kind: 'hand-off', caller: this.#now(step) });
        this.#somethingCalled();
        break;
      case 'severity':
        this.escalation = { ...this.escalation, severity: step.severity };
        break;
      default:
        return step satisfies never;
    }
    this.#note(step);
    this.#goTo(this.escalation.step + 1);
    return true;
  }

  #notify(step: NotifyStep): boolean {
    const importance = step.importance ?? importanceOf(this.escalation.severity);
    const caller = this.#now(step);
    const first = call(this.escalation, { who: step.who, importance, caller }, 'call', this.s);
    const instead = isNobody(first) && step.onEmpty.kind === 'instead' ? step.onEmpty.who : undefined;
    const who = instead ?? step.who;
    const called = instead ? call(this.escalation, { who, importance, caller }, 'call', this.s) : first;
    const next = this.escalation.step + 1;
    if (isNobody(called)) {
      // Where somebody is there whom it comes from, nobody else would come.
      const isOnlyExcepted = !isNobody(
        call({ ...this.escalation, except: [] }, { who, importance, caller }, 'call', this.s),
      );
      if (step.onEmpty.kind === 'hold' && !isOnlyExcepted && this.#waitsOn()) return false;
      this.#note(step, 'empty');
      // Who comes to it while it goes on is called then; a channel that cannot be posted in is nobody.
      if (step.onEmpty.kind === 'go-on') this.#lookFor(step, importance);
      if (step.onEmpty.kind !== 'go-on') this.#skips ??= 'nobody-called';
      this.#goTo(next);
      return true;
    }
    this.#skips = undefined;
    this.#paid();
    this.#passBy();
    this.#callBatch();
    this.#note(step);
    this.escalation = { ...this.escalation, lastCalled: step.id };
    this.#batch = { called, index: this.#taken.length - 1, isPassed: false };
    this.escalation = {
      ...this.escalation,
      calling: {
        who: [...who],
        importance,
        caller,
        ...changesOf(this.escalation, who, this.s),
        ...unpostedOf(who, called),
      },
    };
    this.#goTo(next);
    return true;
  }

  #leavesOut({ id }: PlanStep): boolean {
    const { round, jumps } = this.escalation;
    const place = JSON.stringify([id, round, Object.values(jumps)]);
    const leavesOut = this.#skips !== undefined && !this.#skipped.has(place);
    this.#skipped.add(place);
    return leavesOut;
  }

  /** What it brings about has to have its time, unless somebody wants the next call at once. */
  #somethingCalled(): void {
    if (this.#skips === 'nobody-called') this.#skips = undefined;
  }

  /** Whether a step may be taken at the time it was due; otherwise that is when the hours open again. */
  #isOpenThen(): boolean {
    const { onlyIn } = this.escalation.plan;
    if (onlyIn === undefined || this.s.isOpen(onlyIn, this.#atMs)) return true;
    const opensMs = this.s.opensAt(onlyIn, this.#atMs);
    if (opensMs === undefined) return true;
    this.#atMs = opensMs;
    this.#overtake();
    return false;
  }

  /** Whether it waits on for somebody to be there: as long as its policy lets it. */
  #waitsOn(): boolean {
    const { waitsSinceMs = this.s.nowMs, plan } = this.escalation;
    const waitedMs = this.s.nowMs - waitsSinceMs;
    const isOver = waitedMs >= holdOf(plan);
    this.escalation = isOver
      ? { ...this.escalation, missedMs: waitedMs }
      : { ...this.escalation, waitsSinceMs };
    return !isOver;
  }

  #lookFor(step: NotifyStep, importance: Importance): void {
    const caller = this.#now(step);
    const people = step.who.filter(({ kind }) => kind !== 'channel');
    this.escalation = {
      ...this.escalation,
      calling: { who: people, importance, caller, ...changesOf(this.escalation, people, this.s) },
    };
  }

  #wait({ forMs, hours }: Extract<PlanStep, { kind: 'wait' }>): void {
    // Hours that never open again are not waited for: it is never silent.
    const untilMs = hours === undefined ? this.#atMs + forMs : this.s.after(hours, this.#atMs, forMs);
    this.#atMs = untilMs ?? this.#atMs;
    this.#overtake();
  }

  /** It is later by now: whoever was to be called before may be passed by. */
  #overtake(): void {
    if (this.#batch && this.#atMs <= this.s.nowMs) this.#batch = { ...this.#batch, isPassed: true };
  }

  #jump({ id, step, most }: Extract<PlanStep, { kind: 'goto' }>): void {
    const { jumps, plan, step: at } = this.escalation;
    const made = jumps[id] ?? 0;
    const isSpent = made >= most;
    if (!isSpent) this.escalation = { ...this.escalation, jumps: { ...jumps, [id]: made + 1 } };
    this.#goTo(isSpent ? at + 1 : indexOf(plan, step));
  }

  #holds({ within, outside, severity, count }: Condition): boolean {
    const { s, escalation } = this;
    return (
      (within === undefined || s.isOpen(within, s.nowMs)) &&
      (outside === undefined || !s.isOpen(outside, s.nowMs)) &&
      (severity === undefined || isAtLeast(escalation.severity, severity)) &&
      (count === undefined || escalation.count >= count)
    );
  }

  #somebodyAt(step: PlanStep): number {
    const { changesMs = Number.POSITIVE_INFINITY } =
      step.kind === 'notify' ? changesOf(this.escalation, step.who, this.s) : {};
    const { waitsSinceMs = this.s.nowMs, plan } = this.escalation;
    return Math.min(changesMs, this.s.nowMs + LOOK_AGAIN_MS, waitsSinceMs + holdOf(plan));
  }

  #goTo(step: number): void {
    const { waitsSinceMs: _, ...escalation } = this.escalation;
    this.escalation = { ...escalation, step };
  }

  #note(step: PlanStep, how: Taken['how'] = 'done'): void {
    this.#taken.push({ ...this.#now(step), how });
  }

  #now({ id }: PlanStep): StepTaken {
    return { round: this.escalation.round, step: id };
  }

  /** Somebody is called. */
  #paid(): void {
    const { owesCall: _, ...escalation } = this.escalation;
    this.escalation = escalation;
  }

  /** Something louder has fallen due since: those it would have called are not called. */
  #passBy(): void {
    if (!this.#batch?.isPassed) return;
    const taken = this.#taken[this.#batch.index];
    if (taken) this.#taken[this.#batch.index] = { ...taken, how: 'overtaken' };
    this.#batch = undefined;
  }

  #callBatch(): void {
    if (!this.#batch) return;
    const { chains, posts } = this.#batch.called;
    this.#acts.push(...posts);
    this.escalation = { ...this.escalation, chains: join(this.escalation.chains, chains) };
    this.#batch = undefined;
  }

  #end(event: EscalationEvent, standing: Standing): EscalationStep<EscalationEvent> {
    this.#callBatch();
    const { chains, acts } = ring(this.escalation, this.escalation.chains, 'found', this.s);
    const all = [...this.#acts, ...acts];
    const next: Escalation = {
      ...advance(this.escalation, standing),
      chains: standing.state === 'RESOLVED' ? [] : chains,
      ...toldWith(this.escalation, all),
    };
    return { result: event, moved: { next, event, actor: 'system', acts: all, taken: this.#taken } };
  }
}

/** @throws when the plan has no such step; the configuration is checked for that */
export function indexOf(plan: EscalationPlan, id: string): number {
  const index = plan.steps.findIndex((step) => step.id === id);
  if (index === -1) throw new Error(`the escalation policy ${plan.name} has no step ${id}`);
  return index;
}

/** When the hours of a plan open again; undefined where they are open, or it has none. */
export function closedUntil(
  { onlyIn }: Pick<EscalationPlan, 'onlyIn'>,
  s: Pick<Surroundings, 'nowMs' | 'isOpen' | 'opensAt'>,
): number | undefined {
  if (onlyIn === undefined || s.isOpen(onlyIn, s.nowMs)) return undefined;
  return s.opensAt(onlyIn, s.nowMs) ?? s.nowMs + NEVER_OPEN_MS;
}
