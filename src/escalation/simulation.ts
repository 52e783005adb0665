/**
 * What would happen: a policy played through by the very machine that carries it out, with a clock that jumps from one
 * due time to the next, people who are there as the calendar says, and nobody who takes it.
 *
 * Nothing is stored and nothing is sent. Every call fails to find a taker, and none fails to arrive.
 *
 * Rules
 *   1. Which step calls somebody, and why, is what the machine says of the call (`Cause`); nothing of it is guessed.
 *   2. What happens at one moment is told in the order in which its steps were taken.
 */
import { MOST_CALLED } from '../domain/escalation/calling.ts';
import { raise, tick } from '../domain/escalation/course.ts';
import { admit, flush, type Page, type Pager } from '../domain/escalation/pager.ts';
import type { EscalationPlan, PlanStep, Severity, Target } from '../domain/escalation/plan.ts';
import {
  type Act,
  type Caller,
  dueOf,
  type Escalation,
  type EscalationMove,
  type StepTaken,
  type Taken,
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

/** Why somebody is called, or is not. */
export type Reason =
  | { readonly kind: 'found'; readonly target: Target; readonly found: Found }
  /** Nobody took it for so long, and this is the next way to them. */
  | { readonly kind: 'next-way'; readonly afterMs: number }
  /** They came on call, or back, while it waited. */
  | { readonly kind: 'joined'; readonly target: Target; readonly found: Found }
  /** They were there all the time, and one too many. */
  | { readonly kind: 'room'; readonly target: Target; readonly found: Found };

/** What is there to be called, and was not. */
export type Missing =
  | { readonly kind: 'away'; readonly person: PersonId; readonly untilMs: number | undefined }
  | { readonly kind: 'unreachable'; readonly person: PersonId }
  | { readonly kind: 'nobody'; readonly target: Target }
  /** More than a step calls. */
  | { readonly kind: 'one-too-many'; readonly person: PersonId }
  /** Nothing was waited for until the next call, which is made in its place. */
  | { readonly kind: 'overtaken'; readonly target: Target }
  | { readonly kind: 'no-posting'; readonly platform: Platform; readonly channel: string };

/** Where the agent is silent, or answers again, only if it began so. */
export type Beginning = 'wished' | 'unwished' | 'any';

/** One line of the course. */
export type Happening = { readonly atMs: number } & (
  | {
      readonly kind: 'call';
      readonly person: PersonId;
      readonly platform: Platform;
      readonly importance: Importance;
      readonly at: Caller;
      readonly reason: Reason;
      /** When they are told; absent: not within the time watched. */
      readonly toldMs?: number;
      /** Why that is not at once: their quiet hours, or that it is told together with something else. */
      readonly delay?: 'quiet' | 'together';
    }
  | {
      readonly kind: 'post';
      readonly platform: Platform;
      readonly channel: string;
      readonly at: Caller;
    }
  | { readonly kind: 'missing'; readonly at: Caller; readonly missing: Missing }
  | { readonly kind: 'webhook'; readonly webhook: string; readonly at: StepTaken }
  /** The agent falls silent; `none`: it is silent already, however it began. */
  | { readonly kind: 'hand-off'; readonly at: StepTaken; readonly silences: Beginning | 'none' }
  /** No human has come in time, or what the agent was silent for is over. */
  | { readonly kind: 'agent-back'; readonly where: Beginning; readonly because: 'nobody-came' | 'ended' }
  | { readonly kind: 'severity'; readonly severity: Severity; readonly at: StepTaken }
  | { readonly kind: 'held'; readonly reason: 'closed'; readonly untilMs: number }
  | { readonly kind: 'held'; readonly reason: 'nobody'; readonly untilMs: number; readonly at: StepTaken }
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
  readonly #told: Entry[] = [];
  readonly #pagers = new Map<PersonId, Pager>();
  /** Of each page, its call. */
  readonly #calls = new Map<string, Entry>();
  /** When each step was taken last, in the order of all that were. */
  readonly #places = new Map<string, number>();
  #taken = 0;
  /** There, and not called because there were too many. */
  readonly #tooMany = new Set<PersonId>();
  readonly #silences: Silence[];
  /** What is waited for now, as it is told. */
  #held: { readonly entry: Entry; readonly what: string } | undefined;
  #escalation: Escalation;

  constructor(
    private readonly deps: SurroundingsDeps,
    private readonly scenario: Scenario,
  ) {
    const { plan, severity, atMs, handoff } = scenario;
    this.#silences = silencesOf(handoff, atMs);
    const raised = raise(undefined, { ...REPORT, severity, except: [] }, plan, atMs).moved;
    if (!raised) throw new Error('nothing began');
    this.#escalation = raised.next;
  }

  toEnd(): Simulation {
    const untilMs = this.scenario.atMs + this.scenario.forMs;
    let end: Simulation['end'] | undefined;
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const machineMs = this.#machineMs();
      const nowMs = Math.min(machineMs, this.#pagerMs(), ...this.#silences.map(({ untilMs }) => untilMs));
      if (nowMs > untilMs) break;
      this.#answerAgain('nobody-came', nowMs, (silence) => silence.untilMs <= nowMs);
      if (machineMs <= nowMs) this.#look(nowMs);
      this.#tellPeople(nowMs);
      const { state } = this.#escalation.standing;
      if (state === 'EXHAUSTED') end ??= { kind: 'exhausted', atMs: nowMs };
      if (state === 'RESOLVED') end ??= { kind: 'resolved', atMs: nowMs };
    }
    return {
      happenings: this.#told.map(({ happening }) => happening),
      end: end ?? { kind: 'watched', atMs: untilMs },
    };
  }

  /** When the machine has something to do. The last resort that was called, called once more would be the same again. */
  #machineMs(): number {
    const { standing } = this.#escalation;
    const dueMs = dueOf(this.#escalation) ?? NEVER;
    const isRepeating = standing.state === 'EXHAUSTED' && standing.isHeard && dueMs === standing.nextMs;
    return isRepeating ? NEVER : dueMs;
  }

  #pagerMs(): number {
    return Math.min(...[...this.#pagers.values()].map(({ nextMs }) => nextMs ?? NEVER), NEVER);
  }

  #look(nowMs: number): void {
    const world = new LiveSurroundings(this.deps, nowMs);
    const { moved } = tick(this.#escalation, world);
    const wasExhausted = this.#escalation.standing.state === 'EXHAUSTED';
    if (!moved) throw new Error('nothing happened when something was due');
    this.#escalation = moved.next;
    const places = moved.taken.map((taken) => this.#take(taken));
    if (moved.event === 'exhausted') this.#take('last');
    this.#tellSteps(moved, places, world);
    // Looked at again, and still nobody: said once.
    if (moved.event === 'exhausted' && !wasExhausted)
      this.#tellMissing(missingOf(moved.next.plan.lastResort.who, world), 'last', { atMs: nowMs });
    const acts = moved.acts.filter(({ kind }) => kind !== 'alarm' || !wasExhausted);
    this.#tellActs({ ...moved, acts }, places, world);
    this.#tellStanding(moved.next, nowMs);
  }

  #take(caller: Caller): number {
    this.#taken++;
    this.#places.set(nameOf(caller), this.#taken);
    return this.#taken;
  }

  #placeOf(caller: Caller): number {
    return this.#places.get(nameOf(caller)) ?? 0;
  }

  /** What a step says but does not do; and who of it is not called. */
  #tellSteps({ taken, next }: EscalationMove, places: readonly number[], world: LiveSurroundings) {
    const { nowMs: atMs } = world;
    taken.forEach(({ round, step: id, how }, index) => {
      const step = next.plan.steps.find((each) => each.id === id);
      const at: StepTaken = { round, step: id };
      const place = places[index];
      if (step?.kind === 'severity')
        this.#add({ kind: 'severity', atMs, at, severity: step.severity }, place);
      if (step?.kind !== 'notify') return;
      const who = isInstead(step, how, world) ? [...step.who, ...insteadOf(step)] : step.who;
      const missing =
        how === 'overtaken'
          ? step.who.map((target): Missing => ({ kind: 'overtaken', target }))
          : missingOf(who, world);
      this.#tellMissing(missing, at, { atMs, place });
    });
  }

  #tellMissing(
    all: readonly Missing[],
    at: Caller,
    { atMs, place }: { readonly atMs: number; readonly place?: number | undefined },
  ): void {
    for (const missing of all) {
      if (missing.kind === 'one-too-many') this.#tooMany.add(missing.person);
      this.#add({ kind: 'missing', atMs, at, missing }, place);
    }
  }

  #tellActs({ next, acts, taken }: EscalationMove, places: readonly number[], world: LiveSurroundings): void {
    const { nowMs: atMs } = world;
    const seen = new Map<string, number>();
    // A step may be taken more than once at one moment, and does the same each time.
    const placeOf = (act: Act, caller: Caller): number => {
      const name = JSON.stringify(act);
      const times = seen.get(name) ?? 0;
      seen.set(name, times + 1);
      const own = places.filter(
        (_, index) => taken[index]?.how === 'done' && nameOf(taken[index]) === nameOf(caller),
      );
      return own[times] ?? this.#placeOf(caller);
    };
    acts.forEach((act, index) => {
      switch (act.kind) {
        case 'page':
          this.#tellPage(act, `${next.rev}:${index}`, world);
          break;
        case 'post': {
          const { platform, channel, caller: at = 'last' } = act;
          this.#add({ kind: 'post', atMs, platform, channel, at }, placeOf(act, at));
          break;
        }
        case 'webhook':
          this.#add(
            { kind: 'webhook', atMs, webhook: act.webhook, at: act.caller },
            placeOf(act, act.caller),
          );
          break;
        case 'hand-off': {
          const silences = this.#fallSilent(atMs);
          this.#add({ kind: 'hand-off', atMs, at: act.caller, silences }, placeOf(act, act.caller));
          break;
        }
        case 'alarm':
          this.#add({ kind: 'alarm', atMs }, this.#placeOf('last'));
          break;
        default:
          act satisfies never;
      }
    });
  }

  /** Nobody is waited for twice: where it is silent already, it stays so for no longer. */
  #fallSilent(atMs: number): Beginning | 'none' {
    const { handoff } = this.scenario;
    const fallen = this.#silences.filter(({ untilMs, stepMs }) => untilMs === NEVER && stepMs === undefined);
    for (const silence of fallen) {
      silence.untilMs = atMs + (handoff?.waitMs ?? NEVER);
      silence.stepMs = atMs;
    }
    return fallen.length === 0 ? 'none' : this.#whereOf(fallen);
  }

  #answerAgain(because: 'nobody-came' | 'ended', atMs: number, isOver: (silence: Silence) => boolean): void {
    const over = this.#silences.filter(isOver);
    if (over.length === 0) return;
    for (const silence of over) {
      silence.untilMs = NEVER;
      silence.stepMs = undefined;
    }
    const place = because === 'ended' ? LAST_OF_ALL : 0;
    this.#add({ kind: 'agent-back', atMs, where: this.#whereOf(over), because }, place);
  }

  #whereOf(silences: readonly Silence[]): Beginning {
    const [only] = silences;
    return only && silences.length < this.#silences.length ? only.where : 'any';
  }

  #tellPage(act: Extract<Act, { kind: 'page' }>, key: string, world: LiveSurroundings): void {
    const { person, platform, importance, why, cause } = act;
    if (!cause?.by) throw new Error('somebody was called, and nothing says by whom');
    const { nowMs: atMs } = world;
    const { caller: at, target } = cause.by;
    const quiet = quietOf(this.deps.directory, person);
    const reason: Reason =
      cause.kind === 'next-way'
        ? { kind: 'next-way', afterMs: cause.afterMs }
        : { kind: this.#howOf(person, cause.kind), target, found: foundBy(target, person, world) };
    const delay = quiet(importance, atMs) > atMs ? 'quiet' : 'together';
    const call = { kind: 'call', atMs, person, platform, importance, at, reason, delay } as const;
    this.#tooMany.delete(person);
    this.#calls.set(key, this.#add(call, this.#placeOf(at)));
    const { epoch } = this.#escalation;
    const page: Page = {
      id: key,
      escalation: REPORT.id,
      epoch,
      platform,
      importance,
      why,
      markdown: '',
      atMs,
    };
    this.#pagers.set(person, admit(this.#pagers.get(person), person, page, quiet));
  }

  #howOf(person: PersonId, how: 'found' | 'joined'): 'found' | 'joined' | 'room' {
    return how === 'joined' && this.#tooMany.has(person) ? 'room' : how;
  }

  #tellStanding({ standing, plan, step, round }: Escalation, nowMs: number): void {
    if (standing.state === 'RESOLVED')
      // What fell silent at this very moment is a wait that began later.
      this.#answerAgain('ended', nowMs, ({ stepMs }) => stepMs !== undefined && stepMs < nowMs);
    if (standing.state !== 'HELD' || standing.reason === 'asked') {
      this.#held = undefined;
      return;
    }
    const { reason, nextMs: untilMs } = standing;
    const at: StepTaken = { round, step: plan.steps[step]?.id ?? '' };
    const what = reason === 'closed' ? reason : nameOf(at);
    const happening: Happening = {
      kind: 'held',
      atMs: this.#held?.what === what ? this.#held.entry.happening.atMs : nowMs,
      untilMs,
      ...(reason === 'closed' ? { reason } : { reason, at }),
    };
    // Looked at again and still the same: said once.
    if (this.#held?.what === what) this.#held.entry.happening = happening;
    else this.#held = { what, entry: this.#add(happening, LAST_OF_ALL) };
  }

  #tellPeople(nowMs: number): void {
    for (const [person, pager] of this.#pagers) {
      // However long it is, it is shown as one.
      const by = {
        isTrue: () => true,
        quiet: quietOf(this.deps.directory, person),
        inMessages: (_platform: Platform, pages: readonly Page[]) => [pages],
      };
      const flushed = flush(pager, by, nowMs);
      if (!flushed) continue;
      this.#pagers.set(person, flushed.next);
      for (const { id } of flushed.told.flatMap(({ pages }) => pages)) this.#tell(id, nowMs);
    }
  }

  #tell(page: string, toldMs: number): void {
    const entry = this.#calls.get(page);
    if (entry?.happening.kind !== 'call') return;
    const { delay, ...call } = entry.happening;
    entry.happening = { ...call, toldMs, ...(delay && toldMs > call.atMs ? { delay } : {}) };
  }

  /** Behind what is told of that moment up to its step. */
  #add(happening: Happening, place = this.#taken): Entry {
    const entry = { happening, place };
    const before = this.#told.findLastIndex(
      (each) => each.happening.atMs < happening.atMs || each.place <= place,
    );
    this.#told.splice(before + 1, 0, entry);
    return entry;
  }
}

const NEVER = Number.POSITIVE_INFINITY;
/** Behind every step of its moment. */
const LAST_OF_ALL = NEVER;

/** A happening, and behind which steps of its moment it is told. */
interface Entry {
  happening: Happening;
  readonly place: number;
}

/** The agent in a conversation that began one way or the other. */
interface Silence {
  readonly where: Beginning;
  /** When it answers again; never: it is not silent, or nothing is known of how long. */
  untilMs: number;
  /** When a step had it fall silent; undefined: none did. */
  stepMs: number | undefined;
}

function silencesOf(handoff: Scenario['handoff'], atMs: number): Silence[] {
  const plain: Silence = { where: 'any', untilMs: NEVER, stepMs: undefined };
  if (!handoff?.isWished) return [plain];
  return [
    { ...plain, where: 'wished', untilMs: atMs + handoff.waitMs },
    { ...plain, where: 'unwished' },
  ];
}

function nameOf(caller: Caller): string {
  return caller === 'last' ? caller : `${caller.round}/${caller.step}`;
}

function insteadOf(step: Extract<PlanStep, { kind: 'notify' }>): readonly Target[] {
  return step.onEmpty.kind === 'instead' ? step.onEmpty.who : [];
}

/** Whether others were looked for because nobody of the step could be called. */
function isInstead(
  step: Extract<PlanStep, { kind: 'notify' }>,
  how: Taken['how'],
  world: LiveSurroundings,
): boolean {
  if (step.onEmpty.kind !== 'instead') return false;
  if (how === 'empty') return true;
  return step.who.every((target) => {
    if (target.kind === 'channel') return !world.canPost(target.platform);
    return world.peopleOf(target, world.nowMs).every((person) => !canBeCalled(person, world));
  });
}

function canBeCalled(person: PersonId, world: LiveSurroundings): boolean {
  return world.linksOf(person, 'normal').length > 0;
}

/** Who is one of those themselves is not said to stand in for another of them. */
function foundBy(target: Target, person: PersonId, world: LiveSurroundings): Found {
  const own = world.presenceOf(target, world.nowMs).there.filter((each) => each.person === person);
  const found = own.find(({ standsInFor }) => !standsInFor) ?? own[0];
  if (!found) throw new Error('somebody was called whom no target leads to');
  return found;
}

/** Each once, however many targets lead to it. */
function missingOf(who: readonly Target[], world: LiveSurroundings): Missing[] {
  const there = new Set(who.flatMap((target) => world.peopleOf(target, world.nowMs)));
  const tooMany = [...there]
    .filter((person) => canBeCalled(person, world))
    .slice(MOST_CALLED)
    .map((person): Missing => ({ kind: 'one-too-many', person }));
  const all = [...who.flatMap((target) => missingBy(target, world)), ...tooMany];
  return [...new Map(all.map((missing) => [JSON.stringify(missing), missing])).values()];
}

function missingBy(target: Target, world: LiveSurroundings): Missing[] {
  if (target.kind === 'channel') {
    const { platform, channel } = target;
    return world.canPost(platform) ? [] : [{ kind: 'no-posting', platform, channel }];
  }
  const { there, away } = world.presenceOf(target, world.nowMs);
  if (there.length === 0 && away.length === 0) return [{ kind: 'nobody', target }];
  return [
    ...away.map((each): Missing => ({ kind: 'away', ...each })),
    ...there.flatMap(({ person }): Missing[] =>
      canBeCalled(person, world) ? [] : [{ kind: 'unreachable', person }],
    ),
  ];
}
