/**
 * What a policy will do once it is needed, as far as that can be told beforehand: who will be there in the next weeks,
 * on the platforms that run. Mistakes that need no clock are refused when the files are read (`check-escalations.ts`).
 */

import { TimeZone, type WallTime } from '../calendar/time-zone.ts';
import { plansOf } from '../config/escalation-plans.ts';
import type { Config } from '../config/load-config.ts';
import type { Rotation } from '../config/schedules.ts';
import {
  type EscalationPlan,
  handsOff,
  type PlanStep,
  Severity,
  type Target,
} from '../domain/escalation/plan.ts';
import type { PersonId } from '../domain/ids.ts';
import type { Importance } from '../domain/person.ts';
import { type Scenario, type Simulation, simulate } from './simulation.ts';
import { clockText, lengthText, targetText } from './simulation-text.ts';
import { LiveSurroundings, quietOf, type SurroundingsDeps } from './surroundings.ts';

export interface Finding {
  /** `error`: somebody would wait in vain. `warning`: look whether it is meant. `fact`: what it comes to. */
  readonly level: 'error' | 'warning' | 'fact';
  readonly policy: string;
  readonly text: string;
}

export interface LintDeps extends SurroundingsDeps {
  readonly config: Config;
  /** In which times are told. */
  readonly zone: string;
}

/** So far it is looked ahead, in such steps: every hour of the week, and the change of a shift every other week. */
const LOOK_AHEAD_MS = 14 * 24 * 60 * 60_000;
const LOOK_EVERY_MS = 30 * 60_000;
/** Longer than any policy is meant to take; what is not exhausted by then is said to go on. */
const WATCHED_MS = 30 * 24 * 60 * 60_000;

export function lint(deps: LintDeps, nowMs: number): Finding[] {
  return [...plansOf(deps.config).values()].flatMap((plan) => {
    const found = (level: Finding['level']) => (text: string) => ({ level, policy: plan.name, text });
    const closed = closedHours(plan, deps, nowMs);
    // What waits for ever comes to nothing that could be summed up.
    if (closed.length > 0) return closed.map(found('error'));
    return [
      ...unheard(plan, deps, nowMs),
      ...[
        ...unused(plan, deps),
        ...powerless(plan, deps),
        ...hasty(plan),
        ...lasting(plan),
        ...decided(plan),
        ...unrepeated(plan),
        ...repeated(plan, deps),
        ...skipped(plan, deps),
        ...ineffective(plan, deps, nowMs),
      ].map(found('warning')),
      ...[sumOf(plan, deps, nowMs), ...outlasting(plan, deps, nowMs), ...uneven(plan, deps)].map(
        found('fact'),
      ),
    ];
  });
}

function closedHours({ steps, onlyIn }: EscalationPlan, { config }: LintDeps, nowMs: number): string[] {
  const named = [
    onlyIn,
    ...steps.flatMap((step) => {
      if (step.kind === 'wait') return [step.hours];
      return step.kind === 'branch' ? [step.if.within, step.if.outside] : [];
    }),
  ];
  return [...new Set(named)].flatMap((name) => {
    const hours = name === undefined ? undefined : config.calendar.hoursNamed(name)?.hours;
    if (!hours || hours.nextOpening(nowMs) !== undefined) return [];
    return [`the working hours ${name} never open again: look at their days off`];
  });
}

/** Whom it calls, how loudly. */
interface Calling {
  readonly who: readonly Target[];
  readonly importance: Importance;
}

/** Times at which nobody would hear: of the last resort first, then of all steps. */
function unheard(plan: EscalationPlan, deps: LintDeps, nowMs: number): Finding[] {
  const { lastResort, steps, name: policy } = plan;
  const calls = steps.filter((step): step is NotifyStep => step.kind === 'notify').map(toCalling);
  const last = gapsOf([lastResort], deps, nowMs, isReached);
  if (last.isAlways) {
    const who = lastResort.who.map((target) => targetText(target, nameOf(deps))).join(', ');
    const text = hasAccount(lastResort.who, deps, nowMs)
      ? `nobody of the last resort (${who}) is there in the next two weeks: until somebody is, nobody would hear of what comes to it`
      : `nobody of the last resort (${who}) has an account on a platform that runs: nobody would ever hear of what comes to it`;
    return [{ level: 'error', policy, text }];
  }
  const silent = gapsOf(calls, deps, nowMs, isReached);
  const quiet = gapsOf([...calls, lastResort], deps, nowMs, isTold);
  const findings = [
    last.firstMs === undefined ? [] : [`nobody of the last resort can be called ${gapText(last, deps)}`],
    calls.length === 0 || silent.firstMs === undefined
      ? []
      : [`no step has anybody to call ${gapText(silent, deps)}; the last resort is called at once then`],
    quiet.firstMs === undefined
      ? []
      : [
          `whoever could be called wants quiet, or is not there, ${gapText(quiet, deps)}; only what is urgent comes through`,
        ],
  ];
  return findings.flat().map((text) => ({ level: 'warning', policy, text }));
}

/** Whether any of them could be reached, if they were there. */
function hasAccount(who: readonly Target[], deps: LintDeps, nowMs: number): boolean {
  const world = new LiveSurroundings(deps, nowMs);
  return isPosted(who, world) || everyoneOf(who, deps).some((id) => world.linksOf(id, 'urgent').length > 0);
}

type NotifyStep = Extract<PlanStep, { kind: 'notify' }>;

/** Where a step does not say how loud it is, it is as loud as its severity; critical things aside, it heeds quiet hours. */
function toCalling({ who, importance = 'high', onEmpty }: NotifyStep): Calling {
  return { who: onEmpty.kind === 'instead' ? [...who, ...onEmpty.who] : who, importance };
}

interface Gaps {
  readonly firstMs: number | undefined;
  /** How long the first one is, as far as it was looked. */
  readonly lengthMs: number;
  readonly sumMs: number;
  readonly isAlways: boolean;
}

type Heard = (calling: Calling, world: LiveSurroundings, deps: LintDeps) => boolean;

function gapsOf(callings: readonly Calling[], deps: LintDeps, nowMs: number, isHeard: Heard): Gaps {
  const moments = Array.from(
    { length: LOOK_AHEAD_MS / LOOK_EVERY_MS },
    (_, n) => Math.ceil(nowMs / LOOK_EVERY_MS) * LOOK_EVERY_MS + n * LOOK_EVERY_MS,
  );
  const silent = moments.filter((atMs) => {
    const world = new LiveSurroundings(deps, atMs);
    return !callings.some((calling) => isHeard(calling, world, deps));
  });
  const [firstMs] = silent;
  const following = silent.findIndex((atMs, n) => atMs !== (firstMs ?? 0) + n * LOOK_EVERY_MS);
  return {
    firstMs,
    lengthMs: (following === -1 ? silent.length : following) * LOOK_EVERY_MS,
    sumMs: silent.length * LOOK_EVERY_MS,
    isAlways: silent.length === moments.length,
  };
}

function isReached({ who, importance }: Calling, world: LiveSurroundings): boolean {
  return (
    peopleOf(who, world).some((person) => world.linksOf(person, importance).length > 0) ||
    isPosted(who, world)
  );
}

/** The same, and nobody's quiet hours put it off. */
function isTold({ who, importance }: Calling, world: LiveSurroundings, { directory }: LintDeps): boolean {
  const isFree = (person: PersonId) => quietOf(directory, person)(importance, world.nowMs) <= world.nowMs;
  return (
    peopleOf(who, world).some((person) => isFree(person) && world.linksOf(person, importance).length > 0) ||
    isPosted(who, world)
  );
}

function peopleOf(who: readonly Target[], world: LiveSurroundings): PersonId[] {
  return who.flatMap((target) => world.peopleOf(target, world.nowMs));
}

function isPosted(who: readonly Target[], world: LiveSurroundings): boolean {
  return who.some((target) => target.kind === 'channel' && world.canPost(target.platform));
}

function gapText({ firstMs = 0, lengthMs, sumMs, isAlways }: Gaps, { zone }: LintDeps): string {
  if (isAlways) return 'in the next two weeks';
  const sum = sumMs > lengthMs ? `, ${lengthText(sumMs)} in all in the next two weeks` : '';
  return `from ${clockText(firstMs, zone)} (${zone}) on for ${lengthText(lengthMs)}${sum}`;
}

function unused({ name }: EscalationPlan, { config: { escalation } }: LintDeps): string[] {
  const isUsed =
    escalation.triggers.some(({ raise }) => raise === name) ||
    Object.values(escalation.policies).some((policy) => policy.escalation === name);
  return isUsed ? [] : ['nothing uses it: no trigger raises it, and no policy of approvals names it'];
}

/** Called because a conversation waits for a human, and not allowed to take it. */
function powerless(plan: EscalationPlan, deps: LintDeps): string[] {
  const { name } = plan;
  const { triggers } = deps.config.escalation;
  const reasons = [
    ...(handsOff(plan) ? ['hand_off'] : []),
    ...(triggers.some(({ when, raise }) => when.kind === 'handoff' && raise === name)
      ? ['when: handoff']
      : []),
  ];
  if (reasons.length === 0) return [];
  const { directory } = deps;
  return everyoneOf(targetsOf(plan), deps).flatMap((id) => {
    const person = directory.find(id);
    if (!person || directory.may(person.roles, 'take-over')) return [];
    return [`${reasons.join(', ')}: ${person.name} is called, and may not take conversations over`];
  });
}

/** Everybody it may ever call. */
function targetsOf({ steps, lastResort }: Pick<EscalationPlan, 'steps' | 'lastResort'>): readonly Target[] {
  const calls = steps.filter((step): step is NotifyStep => step.kind === 'notify').map(toCalling);
  return [...calls.flatMap(({ who }) => who), ...lastResort.who];
}

/** Away or not, on call or not yet. */
function everyoneOf(targets: readonly Target[], { directory, config }: LintDeps): PersonId[] {
  const people = targets.flatMap((target): PersonId[] => {
    switch (target.kind) {
      case 'person':
        return [target.person];
      case 'role':
        return directory.withRole(target.role).map(({ id }) => id);
      case 'on-call':
        return config.calendar.scheduleNamed(target.schedule)?.people() ?? [];
      case 'last-owner':
      case 'channel':
        return [];
      default:
        return target satisfies never;
    }
  });
  return [...new Set(people)];
}

function hasty({ steps }: EscalationPlan): string[] {
  return steps.at(-1)?.kind === 'notify'
    ? ['its last step calls somebody and does not wait: the last resort is called at the same moment']
    : [];
}

/** What is old stays with whoever has it. If it is that before they are asked the first time, they always keep it. */
function lasting({ maxAgeMs, acknowledge: { remindMs, withinMs } }: EscalationPlan): string[] {
  if (remindMs === undefined || maxAgeMs > remindMs + withinMs) return [];
  return [
    `whoever takes it keeps it, however long they are silent: max_age (${lengthText(maxAgeMs)}) is over before they are asked and could have answered (${lengthText(remindMs + withinMs)})`,
  ];
}

/** Whatever is reported is at least that bad, and was reported at least so often. */
function decided({ steps }: EscalationPlan): string[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'branch') return [];
    const { within, outside, severity, count: least } = step.if;
    const isOpen = within !== undefined || outside !== undefined;
    if (isOpen || (severity ?? Severity.options[0]) !== Severity.options[0] || (least ?? 1) > 1) return [];
    return [
      `step ${step.id} always goes on at ${step.goesTo}: what it looks at holds for whatever is reported`,
    ];
  });
}

/** Who comes behind the last step begins the next round; nobody does where that ends it. */
function unrepeated({ steps, rounds }: EscalationPlan): string[] {
  return rounds > 1 && steps.at(-1)?.kind === 'stop'
    ? [`its last step ends it: it is never gone through again, though repeat says ${rounds} times`]
    : [];
}

/** The same target twice in one call: it is called once. */
function repeated({ steps, lastResort }: EscalationPlan, deps: LintDeps): string[] {
  const calls = [
    ...steps.flatMap((step) => {
      if (step.kind !== 'notify') return [];
      const instead = step.onEmpty.kind === 'instead' ? step.onEmpty.who : [];
      return [
        { where: `step ${step.id}`, who: step.who },
        { where: `if_nobody of step ${step.id}`, who: instead },
      ];
    }),
    { where: 'the last resort', who: lastResort.who },
  ];
  return calls.flatMap(({ where, who }) => {
    const names = who.map((target) => targetText(target, nameOf(deps)));
    const twice = new Set(names.filter((name, n) => names.indexOf(name) !== n));
    return [...twice].map((name) => `${where} names ${name} more than once, who is called once all the same`);
  });
}

interface NamedRotation extends Rotation {
  readonly where: string;
  readonly zone: string;
}

/** All it calls by. */
function schedulesOf(plan: EscalationPlan): string[] {
  const named = targetsOf(plan).flatMap((target) => (target.kind === 'on-call' ? [target.schedule] : []));
  return [...new Set(named)];
}

function rotationsOf(plan: EscalationPlan, { config }: LintDeps): NamedRotation[] {
  return schedulesOf(plan).flatMap((name) => {
    const { rotations = [], time_zone: zone = 'UTC' } = config.schedules.on_call[name] ?? {};
    return rotations.map((rotation, n) => ({
      ...rotation,
      where: `the rotation ${rotation.name ?? n + 1} of the schedule ${name}`,
      zone,
    }));
  });
}

/** It begins at a time that clocks never show, because they are put forward over it. */
function skipped(plan: EscalationPlan, deps: LintDeps): string[] {
  return rotationsOf(plan, deps).flatMap(({ where, zone: name, start }) => {
    const zone = new TimeZone(name);
    const shown = zone.wallAt(zone.instantOf(start));
    if (shown === start) return [];
    return [
      `${where} starts at ${wallText(start)}, which clocks in ${name} never show; it starts at ${wallText(shown)}, and hands over at the hour that was written`,
    ];
  });
}

/** A swap with somebody who is not on call then. */
function ineffective(
  plan: EscalationPlan,
  { config, directory, ...deps }: LintDeps,
  nowMs: number,
): string[] {
  return schedulesOf(plan).flatMap((name) => {
    const schedule = config.calendar.scheduleNamed(name);
    const { overrides = [], time_zone = 'UTC' } = config.schedules.on_call[name] ?? {};
    const zone = new TimeZone(time_zone);
    return overrides.flatMap(({ from, until, person, replaces }, n) => {
      const [fromMs, untilMs] = [Math.max(nowMs, zone.instantOf(from)), zone.instantOf(until)];
      if (!schedule || replaces === undefined || fromMs >= untilMs) return [];
      const shifts = schedule.shiftsBetween(fromMs, untilMs);
      if (shifts.some(({ because }) => because.kind === 'swap' && because.override === n)) return [];
      const called = nameOf({ config, directory, ...deps });
      return [
        `override ${n + 1} of the schedule ${name} changes nothing: ${called(replaces)}, whom ${called(person)} replaces, is not on call in that time, or another override goes before it`,
      ];
    });
  });
}

function wallText(wall: WallTime): string {
  return new Date(wall).toISOString().slice(0, 16);
}

/** Naming somebody twice is two turns, which may be meant. */
function uneven(plan: EscalationPlan, deps: LintDeps): string[] {
  return rotationsOf(plan, deps).flatMap(({ where, people }) =>
    [...new Set(people)].flatMap((person) => {
      const turns = people.filter((each) => each === person).length;
      return turns === 1
        ? []
        : [`in ${where}, ${nameOf(deps)(person)} has ${turns} of ${people.length} turns`];
    }),
  );
}

/** People are called on after the agent has stopped waiting for them. */
function outlasting(plan: EscalationPlan, deps: LintDeps, nowMs: number): string[] {
  const handoff = handoffOf(plan, deps.config);
  const scenario = { plan, severity: 'warning', atMs: nowMs, forMs: WATCHED_MS, handoff } as const;
  const { happenings } = simulate(deps, scenario);
  const back = happenings.findIndex(({ kind }) => kind === 'agent-back');
  const isOn = happenings.some(
    ({ kind }, n) => back !== -1 && n > back && (kind === 'call' || kind === 'post'),
  );
  if (!isOn) return [];
  return [
    `the agent waits for a human for ${lengthText(handoff.waitMs)} (takeover.wait) and answers again then; whoever is called after that may still take the conversation over`,
  ];
}

/** What a policy has to do with the wait for a human, for a simulation of it. */
export function handoffOf(
  { name }: Pick<EscalationPlan, 'name'>,
  { authorizations, escalation }: Pick<Config, 'authorizations' | 'escalation'>,
): NonNullable<Scenario['handoff']> {
  const isWished = escalation.triggers.some(({ when, raise }) => when.kind === 'handoff' && raise === name);
  return { waitMs: authorizations.takeover.wait, isWished };
}

function sumOf(plan: EscalationPlan, deps: LintDeps, nowMs: number): string {
  const sums = Severity.options.map((severity) => {
    const played = simulate(deps, { plan, severity, atMs: nowMs, forMs: WATCHED_MS });
    return { severity, text: endText(played, nowMs) };
  });
  const texts = [...new Set(sums.map(({ text }) => text))];
  const [only] = texts;
  if (texts.length === 1) return `if it began now and nobody acted: ${only}`;
  return `if it began now and nobody acted: ${sums.map(({ severity, text }) => `${severity}: ${text}`).join('; ')}`;
}

/** `3 calls to 2 people, exhausted after 1 h 10 min`. */
export function endText({ happenings, end }: Simulation, fromMs: number): string {
  const calls = happenings.filter((each) => each.kind === 'call');
  const people = new Set(calls.map(({ person }) => person)).size;
  const called = `${count(calls.length, 'call', 'calls')} to ${count(people, 'person', 'people')}`;
  const after = lengthText(end.atMs - fromMs);
  switch (end.kind) {
    case 'exhausted':
      return `${called}, exhausted after ${after}`;
    case 'resolved':
      return `${called}, ended by its policy after ${after}`;
    case 'watched':
      return `${called}, and not exhausted after ${after}`;
    default:
      return end.kind satisfies never;
  }
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

function nameOf({ directory }: LintDeps): (person: PersonId) => string {
  return (person) => directory.find(person)?.name ?? person;
}
