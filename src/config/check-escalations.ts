/**
 * What escalation policies name of each other and of other files, and whether what they say can happen at all: a step
 * nobody comes to, a loop that never waits, a last resort that is nobody. What would be believed in until it is needed
 * is a mistake when it is read.
 *
 * Owns      what can be told without a clock.
 * Not here  who is there at night, which platforms run: `signalbox escalation lint` tells those.
 */
import type { Condition, EscalationPlan, PlanStep, Target } from '../domain/escalation/plan.ts';
import { type Authorizations, mayDo } from './authorizations.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigFile, Parsed, Path } from './config-file.ts';
import type { Contacts } from './contacts.ts';
import { unknownName } from './cross-check.ts';
import type { EscalationConfig } from './escalation.ts';
import { plansOf } from './escalation-plans.ts';
import { peopleOf, type SchedulesConfig } from './schedules.ts';
import { didYouMean } from './schema-check.ts';

export interface EscalationCheckInput {
  readonly escalation: Parsed<EscalationConfig> | undefined;
  readonly authorizations: Parsed<Authorizations> | undefined;
  readonly contacts: Parsed<Contacts> | undefined;
  readonly schedules: Parsed<SchedulesConfig> | undefined;
  /** Platforms that have a gateway. */
  readonly platforms: readonly string[];
}

/** Where another file cannot be read, nothing is held against its names. */
export function checkEscalations({ escalation, ...others }: EscalationCheckInput): ConfigProblem[] {
  if (!escalation?.value) return [];
  const { file, value } = escalation;
  const names: Names = {
    file,
    ...others,
    policies: file.keysAt(['escalations']),
    webhooks: file.keysAt(['webhooks']),
    people: others.contacts?.file.keysAt(['people']),
    roles: others.authorizations?.file.keysAt(['roles']),
    onCall: others.schedules?.file.keysAt(['on_call']),
    hours: others.schedules?.file.keysAt(['working_hours']),
  };
  return [
    ...checkUses(value, names),
    ...checkTriggers(value, names),
    ...[...plansOf({ escalation: value }).values()].flatMap((plan) => checkPlan(plan, names)),
  ];
}

interface Names extends Omit<EscalationCheckInput, 'escalation'> {
  readonly file: ConfigFile;
  readonly policies: readonly string[];
  readonly webhooks: readonly string[];
  readonly people: readonly string[] | undefined;
  readonly roles: readonly string[] | undefined;
  readonly onCall: readonly string[] | undefined;
  readonly hours: readonly string[] | undefined;
}

function checkUses({ policies }: EscalationConfig, { file, policies: known }: Names): ConfigProblem[] {
  return Object.entries(policies).flatMap(([name, { escalation }]) =>
    escalation === undefined
      ? []
      : unknownName(file, ['policies', name, 'escalation'], 'escalation policy', escalation, known),
  );
}

function checkTriggers({ triggers }: EscalationConfig, names: Names): ConfigProblem[] {
  const { file, roles, platforms } = names;
  return triggers.flatMap(({ when, raise }, index) => {
    const at: Path = ['triggers', index];
    const message = [...at, 'when', 'message'];
    const asked = when.kind === 'message' ? when : { roles: [], platforms: [] };
    return [
      ...unknownName(file, [...at, 'raise'], 'escalation policy', raise, names.policies),
      ...(asked.roles ?? []).flatMap((role, n) =>
        unknownName(file, [...message, 'roles', n], 'role', role, roles ?? [role]),
      ),
      ...(asked.platforms ?? []).flatMap((platform, n) =>
        unknownName(file, [...message, 'platforms', n], 'platform', platform, platforms),
      ),
    ];
  });
}

function checkPlan(plan: EscalationPlan, names: Names): ConfigProblem[] {
  const at: Path = ['escalations', plan.name];
  const named = [
    ...checkStepNames(plan, at, names),
    ...plan.steps.flatMap((step, n) => checkStep(step, [...at, 'steps', n], names)),
    ...checkTargets(plan.lastResort.who, withTo(names.file, [...at, 'last_resort']), names),
    ...checkHours(plan.onlyIn, [...at, 'only_in'], names),
  ];
  // Where names lead nowhere, the paths through the plan are anybody's guess.
  if (named.length > 0) return named;
  return [
    ...checkPaths(plan, at, names.file),
    ...checkLastResort(plan, at, names),
    ...checkHandOff(plan, at, names),
  ];
}

// ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────

function checkStepNames({ steps, onWorse }: EscalationPlan, at: Path, { file }: Names): ConfigProblem[] {
  const written = steps.flatMap(({ id }, n) => (isWritten(id, n) ? [id] : []));
  const place = (id: string) => steps.findIndex((step) => step.id === id);
  const twice = steps.flatMap(({ id }, n) =>
    place(id) < n
      ? [
          file.problemAt([...at, 'steps', n, 'id'], {
            expected: 'an id no other step of this policy has',
            hint: `step ${place(id) + 1} has it already`,
          }),
        ]
      : [],
  );
  const step = (where: Path, id: string | undefined) =>
    id === undefined ? [] : unknownName(file, where, 'step', id, written);
  const led = steps.flatMap((each, n) => {
    const here = [...at, 'steps', n];
    switch (each.kind) {
      case 'goto':
        return step([...here, 'goto', 'step'], each.step);
      case 'branch':
        return [
          ...step([...here, 'branch', 'go_to'], each.goesTo),
          ...step([...here, 'branch', 'otherwise'], each.otherwise),
        ];
      default:
        return [];
    }
  });
  const worse = onWorse.kind === 'step' ? step([...at, 'when_worse', 'go_to'], onWorse.step) : [];
  return [...twice, ...led, ...worse];
}

/** Steps without an id are called by their place. */
function isWritten(id: string, index: number): boolean {
  return id !== String(index + 1);
}

function checkStep(step: PlanStep, at: Path, names: Names): ConfigProblem[] {
  const { file } = names;
  switch (step.kind) {
    case 'notify': {
      const { who, onEmpty } = step;
      return [
        ...checkTargets(who, withTo(file, [...at, 'notify']), names),
        ...(onEmpty.kind === 'instead'
          ? checkTargets(onEmpty.who, [...at, 'notify', 'if_nobody', 'instead'], names)
          : []),
      ];
    }
    case 'wait':
      return checkHours(step.hours, [...at, 'wait', 'hours'], names);
    case 'branch':
      return checkCondition(step.if, [...at, 'branch', 'if'], names);
    case 'webhook':
      return unknownName(file, [...at, 'webhook'], 'webhook', step.webhook, names.webhooks);
    case 'goto':
    case 'hand-off':
    case 'severity':
    case 'stop':
      return [];
    default:
      return step satisfies never;
  }
}

function checkCondition({ within, outside }: Condition, at: Path, names: Names): ConfigProblem[] {
  return [...checkHours(within, [...at, 'within'], names), ...checkHours(outside, [...at, 'outside'], names)];
}

function checkHours(hours: string | undefined, at: Path, { file, hours: known }: Names): ConfigProblem[] {
  return hours === undefined || !known ? [] : unknownName(file, at, 'working hours', hours, known);
}

/** Targets stand there by themselves, or under `to`. */
function withTo(file: ConfigFile, at: Path): Path {
  return file.keysAt(at).includes('to') ? [...at, 'to'] : at;
}

function checkTargets(targets: readonly Target[], at: Path, names: Names): ConfigProblem[] {
  const { file } = names;
  const places = file.isList(at) ? file.keysAt(at).map((_, n) => [...at, n]) : [at];
  let next = 0;
  return places.flatMap((place) => {
    // A place with a channel stands for as many targets as it has platforms, every other one for one.
    const channels = file.keysAt([...place, 'channel']);
    if (!file.keysAt(place).includes('channel')) {
      const target = targets[next++];
      return target ? checkTarget(target, place, names) : [];
    }
    next += channels.length;
    if (channels.length === 0) {
      const expected = 'a platform and the id of a channel, such as { slack: C0123 }';
      return [file.problemAt([...place, 'channel'], { expected })];
    }
    return channels.flatMap((platform) =>
      unknownName(file, [...place, 'channel', platform], 'platform', platform, names.platforms),
    );
  });
}

function checkTarget(target: Target, at: Path, names: Names): ConfigProblem[] {
  const { file, people, onCall } = names;
  switch (target.kind) {
    case 'person': {
      const place = file.keysAt(at).includes('person') ? [...at, 'person'] : at;
      return people ? checkPerson(target.person, place, people, names) : [];
    }
    case 'role':
      return checkRole(target.role, [...at, 'role'], names);
    case 'on-call':
      return onCall ? unknownName(file, [...at, 'on_call'], 'schedule', target.schedule, onCall) : [];
    case 'channel':
    case 'last-owner':
      return [];
    default:
      return target satisfies never;
  }
}

function checkPerson(id: string, at: Path, people: readonly string[], names: Names): ConfigProblem[] {
  const { file, roles = [], onCall = [] } = names;
  const meant = roles.includes(id)
    ? `${id} is a role: write { role: ${id} }`
    : onCall.includes(id) && didYouMean(id, people) === undefined
      ? `${id} is a schedule: write { on_call: ${id} }`
      : undefined;
  const unknown = unknownName(file, at, 'person', id, people);
  return meant === undefined ? unknown : unknown.map((problem) => ({ ...problem, hint: meant }));
}

/** Whoever holds a role by a group of a platform is known only while they act there: they cannot be called. */
function checkRole(role: string, at: Path, { file, roles, contacts }: Names): ConfigProblem[] {
  const unknown = roles ? unknownName(file, at, 'role', role, roles) : [];
  const holders = Object.values(contacts?.value?.people ?? {}).filter((person) =>
    person.roles.some((each) => each === role),
  );
  if (unknown.length > 0 || holders.length > 0 || !contacts?.whole) return unknown;
  return [
    file.problemAt(at, {
      expected: 'a role that somebody in contacts.yaml holds',
      found: `${role}, which nobody there holds: nobody would be called`,
      hint: `give somebody the role ${role} in contacts.yaml`,
    }),
  ];
}

// ── Paths ────────────────────────────────────────────────────────────────────────────────────────────────────

function checkPaths(plan: EscalationPlan, at: Path, file: ConfigFile): ConfigProblem[] {
  const { steps } = plan;
  const back = steps.flatMap((step, n) => {
    if (step.kind !== 'branch') return [];
    const targets = { go_to: step.goesTo, otherwise: step.otherwise };
    return Object.entries(targets).flatMap(([key, target]) =>
      target !== undefined && placeOf(steps, target) <= n
        ? [
            file.problemAt([...at, 'steps', n, 'branch', key], {
              expected: 'a step further down',
              hint: 'a branch would go round for ever; use goto, which says how often',
            }),
          ]
        : [],
    );
  });
  if (back.length > 0) return back;
  return [...checkLoops(plan, at, file), ...checkReached(plan, at, file)];
}

/** Whatever goes round has to wait on the way: all would be called again at once. */
function checkLoops({ steps, rounds }: EscalationPlan, at: Path, file: ConfigFile): ConfigProblem[] {
  const isWait = (n: number) => steps[n]?.kind === 'wait';
  const loops = steps.flatMap((step, n) => {
    if (step.kind !== 'goto') return [];
    const target = placeOf(steps, step.step);
    if (!reachedFrom([target], steps, isWait).has(n)) return [];
    return [
      file.problemAt([...at, 'steps', n, 'goto', 'step'], {
        expected: `a wait on every way from step ${nameOf(steps, target)} back to here`,
        hint: 'without one, everybody is called again at once',
      }),
    ];
  });
  if (rounds === 1 || !reachedFrom([0], steps, isWait).has(steps.length)) return loops;
  return [
    ...loops,
    file.problemAt([...at, 'repeat'], {
      expected: 'a wait on every way through the steps, if they are repeated',
      hint: 'without one, everybody is called again at once',
    }),
  ];
}

function checkReached({ steps, onWorse }: EscalationPlan, at: Path, file: ConfigFile): ConfigProblem[] {
  const entries = onWorse.kind === 'step' ? [0, placeOf(steps, onWorse.step)] : [0];
  const reached = reachedFrom(entries, steps, () => false);
  const first = steps.findIndex((_, n) => !reached.has(n));
  if (first === -1) return [];
  return [
    file.problemAt([...at, 'steps', first], {
      expected: 'a step that some way leads to',
      found: `step ${nameOf(steps, first)}, which is never taken`,
      hint: 'everything before it ends or goes on elsewhere; take it out, or lead a branch or a goto to it',
    }),
  ];
}

/** Steps that are come to from these, themselves included; behind the last one is the end. Nothing leads on from those that `ends`. */
function reachedFrom(
  entries: readonly number[],
  steps: readonly PlanStep[],
  ends: (step: number) => boolean,
): ReadonlySet<number> {
  const reached = new Set(entries);
  for (const n of reached) {
    if (ends(n)) continue;
    for (const next of followersOf(steps, n)) reached.add(next);
  }
  return reached;
}

function followersOf(steps: readonly PlanStep[], n: number): number[] {
  const step = steps[n];
  switch (step?.kind) {
    case undefined:
    case 'stop':
      return [];
    case 'goto':
      return [placeOf(steps, step.step), n + 1];
    case 'branch':
      return [
        placeOf(steps, step.goesTo),
        step.otherwise === undefined ? n + 1 : placeOf(steps, step.otherwise),
      ];
    default:
      return [n + 1];
  }
}

function placeOf(steps: readonly PlanStep[], id: string): number {
  return steps.findIndex((step) => step.id === id);
}

/** As people count, with the name if there is one. */
function nameOf(steps: readonly PlanStep[], n: number): string {
  const { id } = steps[n] ?? { id: '' };
  return isWritten(id, n) ? `${n + 1} (${id})` : id;
}

// ── People ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Nobody behind the last resort is an error, loudly: whatever came to it would be silent. */
function checkLastResort({ lastResort }: EscalationPlan, at: Path, names: Names): ConfigProblem[] {
  const { file, contacts, schedules } = names;
  if (!contacts?.whole || !schedules?.whole) return [];
  const isHeard =
    lastResort.who.some(({ kind }) => kind === 'channel') || couldBe(lastResort.who, names).length > 0;
  if (isHeard) return [];
  return [
    file.problemAt([...at, 'last_resort'], {
      expected: 'at least one person, role, schedule or channel',
      found: 'nobody who could be called when all else has failed',
      hint: 'last_owner alone is nobody until somebody has taken it: name somebody beside it',
    }),
  ];
}

/** A conversation that waits for a human is taken by whoever was called; so one of them has to be allowed to. */
function checkHandOff(plan: EscalationPlan, at: Path, names: Names): ConfigProblem[] {
  const { file, authorizations, contacts, schedules } = names;
  const handOff = plan.steps.findIndex(({ kind }) => kind === 'hand-off');
  const roles = authorizations?.whole ? authorizations.value : undefined;
  if (handOff === -1 || !roles || !contacts?.whole || !schedules?.whole) return [];
  const targets = [
    ...plan.steps.flatMap((step) => (step.kind === 'notify' ? step.who : [])),
    ...plan.lastResort.who,
  ];
  const people = couldBe(targets, names);
  const able = people.filter((id) => mayDo(roles, contacts.value?.people[id]?.roles ?? [], 'take-over'));
  if (able.length > 0 || people.length === 0) return [];
  return [
    file.problemAt([...at, 'steps', handOff], {
      expected: 'somebody among those who are called who may take conversations over',
      found: `hand_off, and ${people.join(', ')}: none of them may`,
      hint: 'call somebody with the permission take-over as well, or give one of them a role that has it',
    }),
  ];
}

/** Everybody these targets may be at some time. */
function couldBe(targets: readonly Target[], { contacts, schedules }: Names): string[] {
  const people = contacts?.value?.people ?? {};
  const found = targets.flatMap((target): string[] => {
    switch (target.kind) {
      case 'person':
        return target.person in people ? [target.person] : [];
      case 'role':
        return Object.entries(people).flatMap(([id, { roles }]) =>
          roles.some((role) => role === target.role) ? [id] : [],
        );
      case 'on-call': {
        const schedule = schedules?.value?.on_call[target.schedule];
        return schedule ? peopleOf(schedule) : [];
      }
      case 'channel':
      case 'last-owner':
        return [];
      default:
        return target satisfies never;
    }
  });
  return [...new Set(found)];
}
