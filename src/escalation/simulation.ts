/**
 * What would happen: a policy played through by the very machine that carries it out, with a clock that jumps from one
 * due time to the next, people who are there as the calendar says, and nobody who takes it.
 *
 * Nothing is stored and nothing is sent. Every call fails to find a taker, and none fails to arrive.
 */
import { raise, tick } from '../domain/escalation/course.ts';
import { admit, flush, type Page, type Pager } from '../domain/escalation/pager.ts';
import type { EscalationPlan, PlanStep, Severity, Target } from '../domain/escalation/plan.ts';
import {
  type Act,
  dueOf,
  type Escalation,
  type EscalationMove,
  type Standing,
} from '../domain/escalation/record.ts';
import { EscalationId, type PersonId, type Platform } from '../domain/ids.ts';
import type { Importance } from '../domain/person.ts';
import { type Found, LiveSurroundings, quietOf, type SurroundingsDeps } from './surroundings.ts';

export interface Scenario {
  readonly plan: EscalationPlan;
  readonly severity: Severity;
  /** When it is reported, in ms since the epoch. */
  readonly atMs: number;
  /** So long it is watched, in ms. */
  readonly forMs: number;
  /** How long the agent is silent for a human, in ms, and whether it may begin with a wish for one. */
  readonly handoff?: { readonly waitMs: number; readonly isWished: boolean };
}

/** A step of the plan as it was taken; `last` is the last resort. */
export interface StepTaken {
  /** Counted from 0. */
  readonly round: number;
  readonly step: string;
}

/** Why somebody is called, or is not. */
export type Reason =
  | { readonly kind: 'found'; readonly target: Target; readonly found: Found }
  /** Nobody took it for so long, and this is the next way to them. */
  | { readonly kind: 'next-way'; readonly afterMs: number }
  /** They came on call, or back, while it waited. */
  | { readonly kind: 'joined'; readonly target: Target; readonly found: Found };

/** What is there to be called, and was not. */
export type Missing =
  | { readonly kind: 'away'; readonly person: PersonId; readonly untilMs: number | undefined }
  | { readonly kind: 'unreachable'; readonly person: PersonId }
  | { readonly kind: 'nobody'; readonly target: Target }
  | { readonly kind: 'no-posting'; readonly platform: Platform };

/** Nobody asks anything in a simulation. */
type HeldReason = 'closed' | 'nobody';

/** One line of the course. */
export type Happening = { readonly atMs: number } & (
  | {
      readonly kind: 'call';
      readonly person: PersonId;
      readonly platform: Platform;
      readonly importance: Importance;
      readonly at: StepTaken | 'last';
      readonly reason: Reason;
      /** When they are told; absent: not within the time watched. */
      readonly toldMs?: number;
      /** Why that is later: their quiet hours, or that it is told together with something else. */
      readonly delay?: 'quiet' | 'together';
    }
  | {
      readonly kind: 'post';
      readonly platform: Platform;
      readonly channel: string;
      readonly at: StepTaken | 'last';
    }
  | { readonly kind: 'missing'; readonly at: StepTaken | 'last'; readonly missing: Missing }
  | { readonly kind: 'webhook'; readonly webhook: string; readonly at: StepTaken }
  | { readonly kind: 'hand-off'; readonly at: StepTaken }
  /** No human has come in time. `isWished`: that is so only if it began with a wish for one. */
  | { readonly kind: 'agent-back'; readonly isWished: boolean }
  | { readonly kind: 'severity'; readonly severity: Severity; readonly at: StepTaken }
  | { readonly kind: 'held'; readonly reason: HeldReason; readonly untilMs: number }
  | { readonly kind: 'alarm' }
);

export interface Simulation {
  readonly happenings: readonly Happening[];
  /** How it ended: nobody is left to call, its policy ended it, or it was watched no longer. */
  readonly end: { readonly kind: 'exhausted' | 'resolved' | 'watched'; readonly atMs: number };
}

/** @throws when the plan names a step it does not have; the configuration is checked for that */
export function simulate(deps: SurroundingsDeps, scenario: Scenario): Simulation {
  return new Play(deps, scenario).toEnd();
}

/** Looks in all, at most; a step that waits for somebody is looked at every minute. */
const MOST_LOOKS = 100_000;

const REPORT = {
  id: EscalationId.parse('esc_p0_simulated000'),
  key: 'simulation',
  subject: { kind: 'trouble' },
  title: 'simulation',
  correlation: 'simulation',
} as const;

class Play {
  readonly #happenings: Happening[] = [];
  readonly #pagers = new Map<PersonId, Pager>();
  /** Of each page, where its call stands in the list. */
  readonly #calls = new Map<string, number>();
  /** By whom each person was called last. */
  readonly #calledAt = new Map<PersonId, StepTaken | 'last'>();
  #lastStep: StepTaken | 'last' = { round: 0, step: '1' };
  #escalation: Escalation;
  /** When the agent would answer again, if it is silent. */
  #backMs = Number.POSITIVE_INFINITY;
  #isWished = false;

  constructor(
    private readonly deps: SurroundingsDeps,
    private readonly scenario: Scenario,
  ) {
    const { plan, severity, atMs, handoff } = scenario;
    if (handoff?.isWished) {
      this.#isWished = true;
      this.#backMs = atMs + handoff.waitMs;
    }
    const raised = raise(undefined, { ...REPORT, severity, except: [] }, plan, atMs).moved;
    if (!raised) throw new Error('nothing began');
    this.#escalation = raised.next;
  }

  toEnd(): Simulation {
    const untilMs = this.scenario.atMs + this.scenario.forMs;
    let exhaustedMs: number | undefined;
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const { standing } = this.#escalation;
      // Called once more would be the same again.
      const isRepeating = standing.state === 'EXHAUSTED' && this.#machineMs() === standing.nextMs;
      const machineMs = isRepeating ? Number.POSITIVE_INFINITY : this.#machineMs();
      const nowMs = Math.min(machineMs, this.#pagerMs(), this.#backMs);
      if (nowMs > untilMs) break;
      if (this.#backMs <= nowMs) this.#agentBack(nowMs);
      if (machineMs <= nowMs) this.#look(nowMs);
      this.#tellAll(nowMs);
      if (this.#escalation.standing.state === 'EXHAUSTED') exhaustedMs ??= nowMs;
      if (this.#escalation.standing.state === 'RESOLVED') return this.#ended('resolved', nowMs);
    }
    return exhaustedMs === undefined
      ? this.#ended('watched', untilMs)
      : this.#ended('exhausted', exhaustedMs);
  }

  #ended(kind: Simulation['end']['kind'], atMs: number): Simulation {
    return { happenings: this.#happenings, end: { kind, atMs } };
  }

  #agentBack(atMs: number): void {
    this.#add({ kind: 'agent-back', atMs, isWished: this.#isWished });
    this.#backMs = Number.POSITIVE_INFINITY;
    this.#isWished = false;
  }

  #machineMs(): number {
    return dueOf(this.#escalation) ?? Number.POSITIVE_INFINITY;
  }

  #pagerMs(): number {
    return Math.min(
      ...[...this.#pagers.values()].map(({ nextMs }) => nextMs ?? Number.POSITIVE_INFINITY),
      Number.POSITIVE_INFINITY,
    );
  }

  #look(nowMs: number): void {
    const world = new LiveSurroundings(this.deps, nowMs);
    const before = this.#escalation;
    const { moved } = tick(before, world);
    if (!moved) throw new Error('nothing happened when something was due');
    this.#escalation = moved.next;
    this.#tellSteps(moved, world);
    this.#tellActs(before, moved, world);
    this.#tellStanding(before.standing, moved.next.standing, nowMs);
  }

  /** What a step says but does not do; and who of it is not called. */
  #tellSteps({ taken, event, next }: EscalationMove, world: LiveSurroundings): void {
    const { nowMs } = world;
    for (const { round, step: id, how } of taken) {
      const step = next.plan.steps.find((each) => each.id === id);
      const at: StepTaken = { round, step: id };
      if (step?.kind === 'severity')
        this.#add({ kind: 'severity', atMs: nowMs, at, severity: step.severity });
      if (step?.kind !== 'notify' || how === 'overtaken') continue;
      this.#lastStep = at;
      this.#tellMissing(step.who, at, world);
      if (isInstead(step, how, world)) this.#tellMissing(insteadOf(step), at, world);
    }
    if (event === 'exhausted') {
      this.#lastStep = 'last';
      this.#tellMissing(next.plan.lastResort.who, 'last', world);
    }
  }

  #tellMissing(targets: readonly Target[], at: StepTaken | 'last', world: LiveSurroundings): void {
    for (const missing of targets.flatMap((target) => missingOf(target, world))) {
      this.#add({ kind: 'missing', atMs: world.nowMs, at, missing });
    }
  }

  #tellActs(before: Escalation, moved: EscalationMove, world: LiveSurroundings): void {
    const steps = moved.taken.flatMap(({ round, step: id, how }) => {
      const step = moved.next.plan.steps.find((each) => each.id === id);
      return step && how === 'done' ? [{ at: { round, step: id }, step }] : [];
    });
    const webhooks = steps.filter(({ step }) => step.kind === 'webhook').values();
    const handOffs = steps.filter(({ step }) => step.kind === 'hand-off').values();
    moved.acts.forEach((act, index) => {
      const atMs = world.nowMs;
      switch (act.kind) {
        case 'page':
          this.#tellPage(act, `${moved.next.rev}:${index}`, { before, moved, steps, world });
          break;
        case 'post':
          this.#add({
            kind: 'post',
            atMs,
            platform: act.platform,
            channel: act.channel,
            at: this.#postedAt(act, steps),
          });
          break;
        case 'webhook':
          this.#add({ kind: 'webhook', atMs, webhook: act.webhook, at: atOf(webhooks.next().value) });
          break;
        case 'hand-off':
          this.#add({ kind: 'hand-off', atMs, at: atOf(handOffs.next().value) });
          this.#silent(atMs);
          break;
        case 'alarm':
          this.#add({ kind: 'alarm', atMs });
          break;
        default:
          act satisfies never;
      }
    });
  }

  /** Nobody is waited for twice: where it is silent already, it stays so for no longer. */
  #silent(atMs: number): void {
    const { handoff } = this.scenario;
    if (!handoff || (Number.isFinite(this.#backMs) && !this.#isWished)) return;
    this.#isWished = false;
    this.#backMs = atMs + handoff.waitMs;
  }

  #postedAt({ why, channel }: Extract<Act, { kind: 'post' }>, steps: readonly Done[]): StepTaken | 'last' {
    if (why === 'last') return 'last';
    const posting = steps.findLast(
      ({ step }) =>
        step.kind === 'notify' &&
        [...step.who, ...insteadOf(step)].some((each) => each.kind === 'channel' && each.channel === channel),
    );
    return posting?.at ?? this.#lastStep;
  }

  #tellPage(act: Extract<Act, { kind: 'page' }>, key: string, { before, moved, steps, world }: Look): void {
    const { person, platform, importance, why } = act;
    if (why === 'still') return;
    const chain = moved.next.chains.find((each) => each.person === person);
    const link = (chain?.link ?? 1) - 1;
    const found = this.#origin(person, why, { before, moved, steps, world });
    const reason: Reason =
      link > 0 ? { kind: 'next-way', afterMs: chain?.links[link]?.afterMs ?? 0 } : found.reason;
    const at = link > 0 ? (this.#calledAt.get(person) ?? found.at) : found.at;
    this.#calledAt.set(person, at);
    this.#calls.set(key, this.#happenings.length);
    this.#add({ kind: 'call', atMs: world.nowMs, person, platform, importance, at, reason });
    const page: Page = {
      id: key,
      escalation: REPORT.id,
      epoch: moved.next.epoch,
      platform,
      importance,
      why,
      markdown: '',
      atMs: world.nowMs,
    };
    this.#pagers.set(
      person,
      admit(this.#pagers.get(person), person, page, quietOf(this.deps.directory, person)),
    );
  }

  /** By which step and target somebody is called for the first time in a while. */
  #origin(
    person: PersonId,
    why: 'call' | 'last',
    { moved, steps, world }: Look,
  ): { at: StepTaken | 'last'; reason: Reason } {
    const { plan, calling } = moved.next;
    if (why === 'last' && moved.event === 'exhausted') {
      const reason = reasonFor(person, plan.lastResort.who, world, 'found');
      if (reason) return { at: 'last', reason };
    }
    for (const { at, step } of steps.toReversed()) {
      if (step.kind !== 'notify') continue;
      const reason = reasonFor(person, [...step.who, ...insteadOf(step)], world, 'found');
      if (reason) return { at, reason };
    }
    const joined = reasonFor(person, calling?.who ?? [], world, 'joined');
    return { at: this.#lastStep, reason: joined ?? { kind: 'next-way', afterMs: 0 } };
  }

  #tellStanding(before: Standing, after: Standing, nowMs: number): void {
    if (after.state !== 'HELD') return;
    // Looked at again and still the same: said once.
    const last = this.#happenings.at(-1);
    const isSame = before.state === 'HELD' && before.reason === after.reason && last?.kind === 'held';
    if (isSame) this.#happenings[this.#happenings.length - 1] = { ...last, untilMs: after.nextMs };
    else if (after.reason !== 'asked')
      this.#add({ kind: 'held', atMs: nowMs, reason: after.reason, untilMs: after.nextMs });
  }

  #tellAll(nowMs: number): void {
    for (const [person, pager] of this.#pagers) {
      const flushed = flush(pager, () => true, quietOf(this.deps.directory, person), nowMs);
      if (!flushed) continue;
      this.#pagers.set(person, flushed.next);
      for (const { id } of flushed.told.flatMap(({ pages }) => pages)) this.#told(id, nowMs);
    }
  }

  #told(page: string, toldMs: number): void {
    const index = this.#calls.get(page);
    const call = index === undefined ? undefined : this.#happenings[index];
    if (index === undefined || call?.kind !== 'call') return;
    const { person, importance, atMs } = call;
    const isQuiet = quietOf(this.deps.directory, person)(importance, atMs) > atMs;
    const delay = toldMs > atMs ? ({ delay: isQuiet ? 'quiet' : 'together' } as const) : {};
    this.#happenings[index] = { ...call, toldMs, ...delay };
  }

  #add(happening: Happening): void {
    this.#happenings.push(happening);
  }
}

interface Done {
  readonly at: StepTaken;
  readonly step: PlanStep;
}

interface Look {
  readonly before: Escalation;
  readonly moved: EscalationMove;
  readonly steps: readonly Done[];
  readonly world: LiveSurroundings;
}

function atOf(done: Done | undefined): StepTaken {
  return done?.at ?? { round: 0, step: '1' };
}

function insteadOf(step: Extract<PlanStep, { kind: 'notify' }>): readonly Target[] {
  return step.onEmpty.kind === 'instead' ? step.onEmpty.who : [];
}

/** Whether others were looked for because nobody of the step could be called. */
function isInstead(
  step: Extract<PlanStep, { kind: 'notify' }>,
  how: 'done' | 'empty',
  world: LiveSurroundings,
): boolean {
  if (step.onEmpty.kind !== 'instead') return false;
  if (how === 'empty') return true;
  return step.who.every((target) => {
    if (target.kind === 'channel') return !world.canPost(target.platform);
    return world
      .peopleOf(target, world.nowMs)
      .every((person) => world.linksOf(person, 'normal').length === 0);
  });
}

function reasonFor(
  person: PersonId,
  targets: readonly Target[],
  world: LiveSurroundings,
  kind: 'found' | 'joined',
): Reason | undefined {
  for (const target of targets) {
    const found = world.presenceOf(target, world.nowMs).there.find((each) => each.person === person);
    if (found) return { kind, target, found };
  }
  return undefined;
}

function missingOf(target: Target, world: LiveSurroundings): Missing[] {
  if (target.kind === 'channel') {
    return world.canPost(target.platform) ? [] : [{ kind: 'no-posting', platform: target.platform }];
  }
  const { there, away } = world.presenceOf(target, world.nowMs);
  if (there.length === 0 && away.length === 0) return [{ kind: 'nobody', target }];
  return [
    ...away.map((each): Missing => ({ kind: 'away', ...each })),
    ...there.flatMap(({ person }): Missing[] =>
      world.linksOf(person, 'normal').length === 0 ? [{ kind: 'unreachable', person }] : [],
    ),
  ];
}
