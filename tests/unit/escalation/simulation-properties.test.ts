/** What a simulation says of each call, looked up again in the configuration: random plans, and people who come and go. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EscalationPlan,
  type OnEmpty,
  type PlanStep,
  Severity,
  type Target,
} from '../../../src/domain/escalation/plan.ts';
import type { Caller } from '../../../src/domain/escalation/record.ts';
import { PersonId, Platform } from '../../../src/domain/ids.ts';
import { Importance } from '../../../src/domain/person.ts';
import { type Happening, type Simulation, simulate } from '../../../src/escalation/simulation.ts';
import { LiveSurroundings } from '../../../src/escalation/surroundings.ts';
import { type EscalationWorld, MONDAY, worldWith } from '../../support/escalations.ts';
import { runs, timeFor } from '../../support/property-runs.ts';

const MINUTE = 60_000;
const NAMES = ['alex', 'dana', 'kim'];
type Call = Extract<Happening, { kind: 'call' }>;

describe('of any plan, with any people', { timeout: timeFor(60_000) }, () => {
  it('a call is made by a step whose targets lead there, or by the next way, or to somebody who was not there', () => {
    always((world, plan, { happenings }) => {
      const calls = happenings.filter((each): each is Call => each.kind === 'call');

      calls.forEach((call, index) => {
        const wrong = wrongOf(call, calls.slice(0, index), plan, world);
        expect(wrong && { wrong, call }).toBeUndefined();
      });
    });
  });

  it('what happens at one moment is told in the order of the steps', () => {
    always((_, plan, { happenings }) => {
      const places = happenings.flatMap((each) =>
        'at' in each ? [{ atMs: each.atMs, place: placeOf(each.at, plan) }] : [],
      );

      expect(happenings.map(({ atMs }) => atMs)).toEqual(
        happenings.map(({ atMs }) => atMs).toSorted(byNumber),
      );
      expect(places).toEqual(
        places.toSorted((one, other) => one.atMs - other.atMs || one.place - other.place),
      );
    }, step);
  });

  it('whoever is said not to be called is away, or cannot be reached, or nobody is there', () => {
    always((world, _, { happenings }) => {
      for (const each of happenings) {
        if (each.kind !== 'missing') continue;
        const here = new LiveSurroundings(world, each.atMs);
        const { missing } = each;
        if (missing.kind === 'away')
          expect(here.peopleOf({ kind: 'person', person: missing.person }, each.atMs)).toEqual([]);
        if (missing.kind === 'unreachable') expect(here.linksOf(missing.person, 'urgent')).toEqual([]);
        if (missing.kind === 'nobody') expect(here.peopleOf(missing.target, each.atMs)).toEqual([]);
        if (missing.kind === 'no-posting') expect(here.canPost(missing.platform)).toBe(false);
      }
    });
  });
});

/** What the reason of a call says that is not so. */
function wrongOf(
  { atMs, person, platform, importance, at, reason }: Call,
  before: readonly Call[],
  plan: EscalationPlan,
  world: EscalationWorld,
): string | undefined {
  const here = new LiveSurroundings(world, atMs);
  const isThere = (target: Target, ms = atMs) =>
    new LiveSurroundings(world, ms).peopleOf(target, ms).includes(person);
  const ways = here.linksOf(person, importance);
  if (reason.kind === 'next-way') {
    const last = before.findLast((call) => call.person === person);
    const way = ways.findIndex((link) => link.platform === platform);
    if (way < 1) return 'it is no next way';
    const isAfter = last?.atMs === atMs - reason.afterMs && last.platform === ways[way - 1]?.platform;
    return isAfter && keyOf(last.at) === keyOf(at) ? undefined : 'they were not called by the way before';
  }
  if (platform !== ways[0]?.platform) return 'it is not their first way';
  if (reason.found.person !== person) return 'somebody else was found';
  if (!isThere(reason.target)) return 'its target does not lead to them';
  const lists = whoOf(at, plan, here, reason.kind === 'joined').filter((who) =>
    who.some((target) => isSame(target, reason.target)),
  );
  if (lists.length === 0) return 'the step has no such target';
  const wereThere = lists.every((who) => who.some((target) => isThere(target, atMs - 1)));
  return reason.kind === 'joined' && wereThere ? 'they were there before' : undefined;
}

/** Whom a step calls, as it is then; while it waits, one or the other of those it may have called. */
function whoOf(
  at: Caller,
  plan: EscalationPlan,
  here: LiveSurroundings,
  isWaiting: boolean,
): readonly (readonly Target[])[] {
  if (at === 'last') return [plan.lastResort.who];
  const step = plan.steps.find(({ id }) => id === at.step);
  if (step?.kind !== 'notify') return [];
  const instead = step.onEmpty.kind === 'instead' ? step.onEmpty.who : [];
  if (isWaiting) return [step.who, instead];
  const isHeard = step.who.some((target) =>
    target.kind === 'channel'
      ? here.canPost(target.platform)
      : here.peopleOf(target, here.nowMs).some((person) => here.linksOf(person, 'normal').length > 0),
  );
  return [isHeard ? step.who : instead];
}

/** Steps of such a plan are taken from top to bottom. */
function placeOf(at: Caller, { steps }: EscalationPlan): number {
  return at === 'last'
    ? Number.MAX_SAFE_INTEGER
    : at.round * steps.length + steps.findIndex(({ id }) => id === at.step);
}

function keyOf(at: Caller): string {
  return at === 'last' ? at : `${at.round}/${at.step}`;
}

function isSame(one: Target, other: Target): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function byNumber(one: number, other: number): number {
  return one - other;
}

// ── Worlds and plans ─────────────────────────────────────────────────────────────────────────────────────────────

/** In minutes from the beginning. */
const absence = fc.record({
  from: fc.integer({ min: -30, max: 60 }),
  minutes: fc.integer({ min: 1, max: 40 }),
  standIn: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
});

const worlds = fc
  .record({
    absences: fc.tuple(...NAMES.map(() => fc.array(absence, { maxLength: 2 }))),
    off: fc.constantFrom([], [], ['slack'], ['email']),
    handover: fc.integer({ min: -20, max: 40 }),
  })
  .map(({ absences, off, handover }) => {
    const edit = (text: string) =>
      NAMES.reduce((all, name, n) => {
        const times = (absences[n] ?? []).map(
          ({ from, minutes, standIn }) =>
            `{ from: ${wallOf(from)}, to: ${wallOf(from + minutes)}${standIn === undefined || standIn === name ? '' : `, stand_in: ${standIn}`} }`,
        );
        return all.replace(
          `  ${name}:\n`,
          `  ${name}:\n    time_zone: Europe/Berlin\n    absences: [${times.join(', ')}]\n`,
        );
      }, text);
    const schedules = `  turns:
    time_zone: Europe/Berlin
    rotations: [{ start: ${wallOf(handover - 7 * 24 * 60)}, shift: 1d, people: [kim, alex, dana] }]
`;
    return worldWith('steps: [{ notify: dana }, { wait: 5m }]\nlast_resort: kim', { edit, schedules, off });
  });

/** In Berlin, in winter. */
function wallOf(minutes: number): string {
  return new Date(MONDAY + 60 * MINUTE + minutes * MINUTE).toISOString().slice(0, 16);
}

const target: fc.Arbitrary<Target> = fc.oneof(
  fc.constantFrom(...NAMES).map((name) => ({ kind: 'person' as const, person: PersonId.parse(name) })),
  fc.constantFrom('manager', 'member').map((role) => ({ kind: 'role' as const, role })),
  fc.constantFrom('support', 'turns').map((schedule) => ({ kind: 'on-call' as const, schedule })),
  fc.constantFrom('slack', 'email').map((platform) => ({
    kind: 'channel' as const,
    platform: Platform.parse(platform),
    channel: 'C0OPS',
  })),
);
const who = fc.array(target, { minLength: 1, maxLength: 3 });
const importance = fc.constantFrom(...Importance.options);

const onEmpty: fc.Arbitrary<OnEmpty> = fc.oneof(
  fc.constantFrom<OnEmpty>({ kind: 'skip' }, { kind: 'go-on' }, { kind: 'hold' }),
  who.map((others) => ({ kind: 'instead' as const, who: others })),
);

const id = ''; // given by its place
const wait = fc.constantFrom(1, 2, 5, 10).map((n): PlanStep => ({ id, kind: 'wait', forMs: n * MINUTE }));
const step: fc.Arbitrary<PlanStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      id: fc.constant(id),
      kind: fc.constant('notify' as const),
      who,
      onEmpty,
      importance,
    }),
  },
  { weight: 4, arbitrary: wait },
  {
    weight: 2,
    arbitrary: fc.constantFrom<PlanStep>(
      { id, kind: 'webhook', webhook: 'pager' },
      { id, kind: 'hand-off' },
      { id, kind: 'severity', severity: 'critical' },
    ),
  },
  { weight: 1, arbitrary: fc.constant<PlanStep>({ id, kind: 'stop' }) },
);

/** From the beginning once more. */
const goto = fc.record({
  id: fc.constant(id),
  kind: fc.constant('goto' as const),
  step: fc.constant('s0'),
  most: fc.constantFrom(1, 2),
});

const plans = (steps: fc.Arbitrary<PlanStep>) =>
  fc.record({
    steps: fc
      .array(steps, { minLength: 1, maxLength: 8 })
      .map((steps) => steps.map((each, n): PlanStep => ({ ...each, id: `s${n}` }))),
    rounds: fc.integer({ min: 1, max: 2 }),
    lastResort: fc.record({ who, importance }),
  });

/** Holds of whatever is played. */
function always(
  check: (world: EscalationWorld, plan: EscalationPlan, played: Simulation) => void,
  steps: fc.Arbitrary<PlanStep> = fc.oneof({ weight: 8, arbitrary: step }, { weight: 1, arbitrary: goto }),
): void {
  const anything = fc.record({
    world: worlds,
    plan: plans(steps),
    severity: fc.constantFrom(...Severity.options),
  });
  fc.assert(
    fc.property(anything, ({ world, plan: drawn, severity }) => {
      const plan = { ...world.plan, ...drawn, holdMs: 30 * MINUTE };
      check(world, plan, simulate(world, { plan, severity, atMs: MONDAY, forMs: 6 * 60 * MINUTE }));
    }),
    { numRuns: runs(150) },
  );
}
