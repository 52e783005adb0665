/** The invariants of the specification, on random plans in random worlds with random people. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EscalationPlan,
  isAtLeast,
  type PlanStep,
  type Target,
} from '../../../src/domain/escalation/plan.ts';
import {
  type Act,
  type Caller,
  dueOf,
  Escalation,
  isLive,
  type Taken,
} from '../../../src/domain/escalation/record.ts';
import type { PersonId } from '../../../src/domain/ids.ts';
import {
  codeOf,
  commands,
  DAY,
  type Event,
  HOUR,
  MINUTE,
  NIGHT_MS,
  PEOPLE,
  plans,
  quietIn,
  Run,
  runOf,
  START,
  type World,
  worlds,
} from '../../support/escalation-world.ts';
import { runs, timeFor } from '../../support/property-runs.ts';

const [ALEX, DANA] = PEOPLE as [PersonId, PersonId];
/** Looks at one instant after which it must be quiet. */
const MOST_LOOKS = 20;

const anything = { world: worlds(), plan: plans(), course: commands() };
const byDay = (plan: EscalationPlan): boolean => plan.acknowledge.remindMs === undefined;

describe('an escalation', { timeout: timeFor(60_000) }, () => {
  it('E1 kills what was begun whenever somebody takes it, puts it off, pushes it on, or it is over', () => {
    always(anything, ({ world, plan, course }) => {
      const { events } = runOf(world, plan, course);

      for (const { command, before, moved } of events) {
        if (!before || !moved) continue;
        expect(moved.next.rev).toBe(before.rev + 1);
        expect(moved.next.epoch).toBeGreaterThanOrEqual(before.epoch);
        // A policy that ends by itself has called whom it calls; that stands.
        const isEnded = moved.event === 'resolved' && command.kind !== 'look';
        if (!isEnded && (!KILLS.has(moved.event) || isKept(before, moved.event))) continue;
        expect(moved.next.epoch, command.kind).toBe(before.epoch + 1);
        expect(moved.next.chains).toEqual([]);
      }
    });
  });

  it('E2 has a time at which it goes on as long as it is live, and none when it is over', () => {
    always(anything, ({ world, plan, course }) => {
      for (const { moved } of runOf(world, plan, course).events) {
        if (!moved) continue;
        const { next } = moved;
        // Who is trusted is asked when it gets worse, and only then.
        const { standing } = next;
        const isTrusted = standing.state === 'ACKED' && standing.nextMs === undefined && byDay(next.plan);
        expect(dueOf(next) !== undefined).toBe(isLive(next) && !isTrusted);
      }
    });
  });

  it('E3 takes the steps of its plan in their order, by its branches and gotos alone', () => {
    always(anything, ({ world, plan, course }) => {
      for (const { steps, start } of stretchesOf(runOf(world, plan, course).events)) {
        expectLegal(plan, steps, start);
      }
    });
  });

  it('E4 takes each step of a round once, but for gotos', () => {
    always(anything, ({ world, plan, course }) => {
      for (const { steps } of stretchesOf(runOf(world, plan, course).events)) {
        const seen = new Map<string, number>();
        for (const { round, step } of steps) {
          const key = `${round}/${step}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
        const gotos = plan.steps.flatMap((each) => (each.kind === 'goto' ? [each.most] : []));
        const most = 1 + gotos.reduce((sum, each) => sum + each, 0);
        expect(Math.max(0, ...seen.values())).toBeLessThanOrEqual(gotos.length === 0 ? 1 : most);
      }
    });
  });

  it('E5 comes to its last resort if nobody acts, whatever its rounds and gotos, and whoever it waits for', () => {
    always({ world: worlds({ reachable: true }), plan: plans() }, ({ world, plan }) => {
      const run = new Run(world, plan).raise();

      run.pass(START + 400 * DAY, 'EXHAUSTED');
      const events = run.events.map(({ moved }) => moved?.event);

      const isOver = run.escalation.standing.state === 'RESOLVED';
      expect(isOver || events.includes('exhausted')).toBe(true);
      for (const each of plan.steps) {
        if (each.kind !== 'goto') continue;
        expect(run.escalation.jumps[each.id] ?? 0).toBeLessThanOrEqual(each.most);
      }
      expect(run.escalation.round).toBeLessThan(plan.rounds);
    });
  });

  it('E6 is never silent: there is always something it will do later', () => {
    always(anything, ({ world, plan, course }) => {
      const run = runOf(world, plan, course);

      for (let looks = 0; looks < MOST_LOOKS; looks++) run.look();

      const due = dueOf(run.escalation);
      const isTrusted = run.escalation.standing.state === 'ACKED' && byDay(plan);
      if (!isLive(run.escalation) || isTrusted) expect(due).toBeUndefined();
      else expect(due).toBeGreaterThan(run.atMs);
    });
  });

  it('E6 calls its last resort again and again, or raises the alarm, as long as nobody takes it', () => {
    always({ world: worlds(), plan: plans({ holds: false }) }, ({ world, plan }) => {
      const run = new Run(world, plan).raise().pass(START + 400 * DAY, 'EXHAUSTED');
      fc.pre(run.escalation.standing.state === 'EXHAUSTED');

      const from = run.events.length;
      // It keeps to its hours, which begin every day.
      run.pass(run.atMs + 3 * plan.nagMs + (plan.onlyIn === undefined ? 0 : 3 * DAY));

      const nags = run.events.slice(from).filter(({ moved }) => moved?.event === 'exhausted');
      expect(nags.length).toBeGreaterThanOrEqual(3);
      for (const { moved } of nags) {
        expect(moved?.acts.some(({ kind }) => kind !== 'webhook' && kind !== 'hand-off')).toBe(true);
      }
    });
  });

  it('E6 asks whoever took it, and goes on without them if they do not say that they are still on it in time, which runs from when they are told', () => {
    always(anything, ({ world, plan, course }) => {
      fc.pre(plan.acknowledge.remindMs !== undefined);
      const run = runOf(world, plan, course);
      fc.pre(isLive(run.escalation));
      run.do({ kind: 'report', afterMs: 0, severity: 'info' });
      run.do({ kind: 'acknowledge', by: ALEX, instead: true, permitted: true, afterMs: 0 });
      const { remindMs = 0, withinMs } = plan.acknowledge;
      fc.pre(remindMs + withinMs + NIGHT_MS < plan.maxAgeMs && run.escalation.standing.state === 'ACKED');

      const from = run.events.length;
      run.pass(run.atMs + DAY, 'ACTIVE');

      const [asked, gone, ...further] = run.events.slice(from);
      expect([asked?.moved?.event, gone?.moved?.event]).toEqual(['asked-still', 'not-confirmed']);
      expect(further).toEqual([]);
      const [question] = asked?.moved?.acts ?? [];
      const askedMs = asked?.atMs ?? 0;
      const toldMs = question?.kind === 'page' ? quietIn(world, ALEX)(question.importance, askedMs) : askedMs;
      expect(gone?.atMs).toBe(toldMs + withinMs);
      if (isAtLeast(run.escalation.severity, 'error')) expect(toldMs).toBe(askedMs);
    });
  });

  it('E9 is one for one key: further reports are counted, and after its end a new one begins', () => {
    always(anything, ({ world, plan, course }) => {
      let count = 0;
      for (const { command, before, moved, result } of runOf(world, plan, course).events) {
        if (command.kind !== 'report' && command.kind !== 'raise') continue;
        const isNew = before === undefined || !isLive(before);
        count = isNew ? 1 : count + 1;
        expect(moved?.next.count).toBe(count);
        expect(result === 'RAISED').toBe(isNew);
        expect(moved?.next.id).toBe(before?.id ?? moved?.next.id);
        if (before && isNew) expect(moved?.next.epoch).toBeGreaterThan(before.epoch);
      }
    });
  });

  it('E10 has one owner: who comes second is told who came first', () => {
    always(anything, ({ world, plan, course }) => {
      const run = runOf(world, plan, course);
      const { standing } = run.escalation;
      fc.pre(isLive(run.escalation) && standing.state !== 'ACKED');

      run.do({ kind: 'acknowledge', by: ALEX, instead: false, permitted: true, afterMs: 0 });
      run.do({ kind: 'acknowledge', by: DANA, instead: false, permitted: true, afterMs: 0 });

      expect(run.events.slice(-2).map(codeOf)).toEqual(['ACKNOWLEDGED', 'ALREADY']);
      expect(run.escalation.standing).toMatchObject({ state: 'ACKED', owner: { person: ALEX } });
      expect(run.events.at(-1)).toMatchObject({ result: { escalation: run.escalation }, moved: undefined });
    });
  });

  it('E11 reaches the level that is due with one look, however long nobody looked', () => {
    const outageMs = fc.oneof(
      fc.integer({ min: 2 * MINUTE, max: 3 * HOUR }),
      fc.integer({ min: 2 * MINUTE, max: 30 * DAY }),
    );
    const still = worlds().map(unchanging);
    always(
      { world: still, plan: plans({ roundTheClock: true, holds: false }), outageMs },
      ({ world, plan, outageMs: late }) => {
        const punctual = new Run(world, plan).raise().pass(START + late);
        const overdue = new Run(world, plan).raise();

        overdue.atMs = START + late;
        overdue.look();

        expect(levelOf(overdue.escalation)).toEqual(levelOf(punctual.escalation));
      },
    );
  });

  it('E11 calls nobody twice with what was missed', () => {
    always({ ...anything, outageMs: fc.integer({ min: 0, max: 30 * DAY }) }, (given) => {
      const run = runOf(given.world, given.plan, given.course);
      const from = run.events.length;

      run.atMs += given.outageMs;
      for (let looks = 0; looks < MOST_LOOKS; looks++) run.look();

      const acts = run.events.slice(from).flatMap(({ moved }) => moved?.acts ?? []);
      for (const person of PEOPLE) expect(pagesOf(acts, person)).toBeLessThanOrEqual(1);
    });
  });

  it('E12 keeps the plan it began with, whatever becomes of the configuration', () => {
    always({ ...anything, other: plans() }, ({ world, plan, course, other }) => {
      const run = new Run(world, plan).raise();

      run.plan = { ...other, name: 'another' };
      for (const command of course) run.do(command);

      for (const { before, moved } of run.events) {
        if (before && moved && isLive(before)) expect(moved.next.plan).toBe(before.plan);
      }
    });
  });

  it('says of each call which target leads to it, and whether they were found, came meanwhile, or took it by no way before', () => {
    always(anything, ({ world, plan, course }) => {
      for (const { before, moved } of runOf(world, plan, course).events) {
        if (!before || !moved) continue;
        for (const act of moved.acts) {
          if (act.kind !== 'page' || act.why === 'still') continue;
          const { kind, by, afterMs } = act.cause ?? {};
          const running = before.chains.find(({ person }) => person === act.person);
          expect(targetsOf(by?.caller, plan)).toContainEqual(by?.target);
          expect(by?.caller === 'last').toBe(act.why === 'last');
          if (kind === 'next-way')
            expect(running?.links[running.link]).toEqual({ platform: act.platform, afterMs });
          if (kind === 'joined') expect({ running, taken: moved.taken }).toEqual({ taken: [] });
          if (kind === 'found' && by?.caller !== 'last')
            expect(moved.taken).toContainEqual({ ...by?.caller, how: 'done' });
        }
      }
    });
  });

  it('is the same after it was stored and read', () => {
    always(anything, ({ world, plan, course }) => {
      const { events } = runOf(world, plan, course);
      // What is held is looked at every minute, and every look is alike.
      const different = events.filter(({ moved }, n) => moved?.event !== events[n - 1]?.moved?.event);

      for (const { moved } of different) {
        if (moved) expect(Escalation.parse(JSON.parse(JSON.stringify(moved.next)))).toEqual(moved.next);
      }
    });
  });

  it('does nothing for somebody who may not', () => {
    always(anything, ({ world, plan, course }) => {
      for (const event of runOf(world, plan, course).events) {
        if (!('permitted' in event.command) || event.command.permitted) continue;
        expect(codeOf(event)).toBe('NOT_PERMITTED');
        expect(event.moved).toBeUndefined();
      }
    });
  });

  it('calls nobody it comes from', () => {
    always(anything, ({ world, plan, course }) => {
      const run = new Run(world, plan).raise('warning', [ALEX]);
      for (const command of course) if (command.kind !== 'report') run.do(command);

      const acts = run.events.flatMap(({ moved }) => moved?.acts ?? []);
      // Whoever took it is asked whether they are still on it, whoever they are.
      const called = acts.filter((act) => act.kind === 'page' && act.why !== 'still');
      expect(pagesOf(called, ALEX)).toBe(0);
    });
  });
});

function always<Given extends Record<string, unknown>>(
  given: { [Name in keyof Given]: fc.Arbitrary<Given[Name]> },
  holds: (value: Given) => void,
): void {
  fc.assert(fc.property(fc.record(given) as fc.Arbitrary<Given>, holds), { numRuns: runs(150) });
}

const KILLS: ReadonlySet<string> = new Set([
  'worse',
  'acknowledged',
  'let-go',
  'snoozed',
  'woken',
  'pushed',
  'not-confirmed',
  'cancelled',
]);

function isKept(before: Escalation, event: string): boolean {
  return event === 'worse' && before.plan.onWorse.kind === 'keep';
}

/** Steps taken one after the other within one epoch, and where they began. */
interface Stretch {
  readonly start: { readonly step: number; readonly round: number };
  readonly steps: readonly Taken[];
}

function stretchesOf(events: readonly Event[]): Stretch[] {
  const stretches: { start: { step: number; round: number }; steps: Taken[]; epoch: number }[] = [];
  for (const { moved } of events) {
    if (!moved) continue;
    const { next, taken } = moved;
    if (stretches.at(-1)?.epoch !== next.epoch) {
      // Whatever raises the epoch takes no step itself.
      expect(taken).toEqual([]);
      stretches.push({ start: { step: next.step, round: next.round }, steps: [], epoch: next.epoch });
    }
    stretches.at(-1)?.steps.push(...taken);
  }
  return stretches;
}

/** Read again from the plan, by rules of its own. */
function expectLegal(
  { steps, rounds }: EscalationPlan,
  taken: readonly Taken[],
  start: Stretch['start'],
): void {
  let places = placesFrom(start, steps.length, rounds);
  for (const { round, step } of taken) {
    const index = steps.findIndex(({ id }) => id === step);
    expect(places).toContain(`${round}/${index}`);
    const current = steps[index] as PlanStep;
    places = followersOf(current, index, steps).flatMap((next) =>
      placesFrom({ step: next, round }, steps.length, rounds),
    );
  }
}

/** Behind the last step is the first one of the next round. */
function placesFrom({ step, round }: Stretch['start'], length: number, rounds: number): string[] {
  if (step < length) return [`${round}/${step}`];
  return round + 1 < rounds ? [`${round + 1}/0`] : [];
}

function followersOf(step: PlanStep, index: number, steps: readonly PlanStep[]): number[] {
  const at = (id: string) => steps.findIndex((each) => each.id === id);
  switch (step.kind) {
    case 'stop':
      return [];
    case 'branch':
      return [at(step.goesTo), step.otherwise === undefined ? index + 1 : at(step.otherwise)];
    case 'goto':
      return [at(step.step), index + 1];
    default:
      return [index + 1];
  }
}

/** Those that a step, or the last resort, may call. */
function targetsOf(caller: Caller | undefined, { steps, lastResort }: EscalationPlan): readonly Target[] {
  if (caller === 'last') return lastResort.who;
  const step = steps.find(({ id }) => id === caller?.step);
  if (step?.kind !== 'notify') return [];
  return step.onEmpty.kind === 'instead' ? [...step.who, ...step.onEmpty.who] : step.who;
}

/** The same people at any time. */
function unchanging(world: World): World {
  const schedules = Object.entries(world.schedules).map(([name, { people, turnMs }]) => [
    name,
    { turnMs, people: people.slice(0, 1) },
  ]);
  return { ...world, schedules: Object.fromEntries(schedules) };
}

function levelOf({ standing, step, round, jumps, severity, calling }: Escalation): object {
  const { who, importance } = calling ?? {};
  const nextMs = standing.state === 'ACTIVE' ? { nextMs: standing.nextMs } : {};
  return { state: standing.state, step, round, jumps, severity, who, importance, ...nextMs };
}

function pagesOf(acts: readonly Act[], person: PersonId): number {
  return acts.filter((act) => act.kind === 'page' && act.person === person).length;
}
