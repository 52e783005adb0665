import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApprovalId, ConversationId, PersonId, Platform } from '../../../src/domain/ids.ts';
import {
  ABANDONED_AFTER_MS,
  abandon,
  begin,
  isOver,
  isStanding,
  MOST_RUNS,
  MOST_UNDOS,
  moveOf,
  type Outcome,
  RETRY_PAUSES_MS,
  refuse,
  report,
  Saga,
  type SagaPlan,
  type SagaStep,
  start,
  takeUp,
} from '../../../src/domain/saga.ts';
import { runs, timeFor } from '../../support/property-runs.ts';

const STEP_MS = 10_000;
const T0 = 1_000_000;

type Written = Partial<Pick<SagaStep, 'undoneBy' | 'readsOnly' | 'repeatable'>>;

function aPlan(steps: readonly Written[]): SagaPlan {
  return {
    id: 'sag_p0_0123456789ab',
    takenBy: 'w1',
    title: 'Move order 7',
    approvalId: ApprovalId.parse('apr_p0_0123456789ab'),
    conversationId: ConversationId.parse('slack:T0:C0:1'),
    origin: { platform: Platform.parse('slack'), route: {} },
    requester: PersonId.parse('alex'),
    correlation: 'slack:T0:C0:1',
    steps: steps.map((step, index) => ({
      tool: `tool${index}`,
      words: `order ${index}`,
      readsOnly: false,
      repeatable: false,
      ...step,
    })),
  };
}

const UNDOABLE = { undoneBy: 'take it back' };
const ok: Outcome = { kind: 'ok', text: 'done' };
const error: Outcome = { kind: 'error', text: 'refused' };
const unknown: Outcome = { kind: 'unknown', text: 'no answer' };

/** Does what is next, with these outcomes, until it is over or they are used up. */
function drive(saga: Saga, outcomes: readonly Outcome[]): { saga: Saga; deeds: string[] } {
  const deeds: string[] = [];
  let now = saga;
  for (const outcome of outcomes) {
    const move = moveOf(now);
    if (move.kind === 'over') break;
    const turn = { epoch: now.epoch, index: 'index' in move ? move.index : 0 };
    if (move.kind !== 'find-out') {
      deeds.push(`${move.kind} ${turn.index}`);
      now = moved(start(now, turn, T0, STEP_MS));
    }
    now = moved(report(now, turn, outcome, T0));
  }
  return { saga: now, deeds };
}

function moved(change: ReturnType<typeof start>): Saga {
  if (change.kind !== 'moved') throw new Error('the change did not count');
  return change.next;
}

function states({ steps }: Saga): string[] {
  return steps.map(({ state }) => state);
}

describe('a saga', () => {
  it('runs its steps in order, and is done', () => {
    const { saga, deeds } = drive(begin(aPlan([UNDOABLE, {}, UNDOABLE]), T0), [ok, ok, ok, ok]);

    expect(deeds).toEqual(['run 0', 'run 1', 'run 2']);
    expect(saga.state).toBe('done');
  });

  it('OM-151 undoes B and then A when C fails', () => {
    const { saga, deeds } = drive(begin(aPlan([UNDOABLE, UNDOABLE, UNDOABLE]), T0), [ok, ok, error, ok, ok]);

    expect(deeds).toEqual(['run 0', 'run 1', 'run 2', 'undo 1', 'undo 0']);
    expect(saga.state).toBe('undone');
    expect(states(saga)).toEqual(['undone', 'undone', 'failed']);
  });

  it('OM-150 leaves nothing when the first step fails', () => {
    const { saga } = drive(begin(aPlan([UNDOABLE, UNDOABLE]), T0), [error]);

    expect(saga.state).toBe('undone');
    expect(states(saga)).toEqual(['failed', 'waiting']);
  });

  it('OM-152 tries an undoing again after growing pauses, then raises it with what is above it left as it is', () => {
    const failing = begin(aPlan([UNDOABLE, UNDOABLE, {}]), T0);
    const pauses: number[] = [];
    let { saga } = drive(failing, [ok, ok, error]);
    while (!isOver(saga)) {
      const move = moveOf(saga);
      if (move.kind === 'undo') pauses.push(move.waitMs);
      saga = drive(saga, [error]).saga;
    }

    expect(pauses).toEqual([0, ...RETRY_PAUSES_MS]);
    expect(saga.state).toBe('raised');
    expect(states(saga)).toEqual(['done', 'stuck', 'failed']);
  });

  it('OM-143 names what stands when a step that nothing undoes was done before the one that failed', () => {
    const { saga, deeds } = drive(begin(aPlan([UNDOABLE, {}, UNDOABLE]), T0), [ok, ok, error, ok]);

    expect(deeds.at(-1)).toBe('undo 0');
    expect(saga.state).toBe('raised');
    expect(saga.steps.map(isStanding)).toEqual([false, true, false]);
  });

  it('has nothing to undo of a step that changes nothing', () => {
    const { saga } = drive(begin(aPlan([{ readsOnly: true }, {}]), T0), [ok, error]);

    expect(saga.state).toBe('undone');
  });

  it('OM-187 keeps whose words it has of a step, and of the remark the last one’s alone', () => {
    const by = { source: 'the bank', trust: 'web' } as const;
    const { saga } = drive(begin(aPlan([UNDOABLE, {}]), T0), [
      { ...ok, ...by },
      { ...error, ...by },
      { ...error, ...by },
      error,
    ]);

    expect(saga.steps[0]).toMatchObject({ outcome: by, remark: 'refused' });
    expect(saga.steps[0]?.remarkOf).toEqual({});
    expect(saga.steps[1]?.outcome).toEqual({ status: 'error', text: 'refused', ...by });
    expect(Saga.parse(JSON.parse(JSON.stringify(saga)))).toEqual(saga);
  });

  it('OM-187 says in its own words what no tool has said: that a step was lost, or that a rule forbids it', () => {
    const begun = begin(aPlan([{}, {}]), T0);
    const running = moved(start(begun, { epoch: 1, index: 0 }, T0, STEP_MS));

    expect(moved(abandon(running, running.dueMs)).steps[0]?.remarkOf).toEqual({ trust: 'tool' });
    expect(moved(refuse(begun, { epoch: 1, index: 0 }, 'no', T0)).steps[0]?.outcome).toEqual({
      status: 'error',
      text: 'no',
      trust: 'tool',
    });
  });

  it('reads a record of a plan that was begun before whose words it tells was kept', () => {
    const { saga } = drive(begin(aPlan([UNDOABLE, {}]), T0), [ok, error]);
    const old = JSON.parse(JSON.stringify(saga));
    for (const step of old.steps) delete step.remarkOf;

    expect(Saga.parse(old).steps.map(({ outcome }) => outcome)).toEqual([
      { status: 'ok', text: 'done' },
      { status: 'error', text: 'refused' },
    ]);
  });

  it('raises a step whose outcome nobody knows, and undoes nothing before it', () => {
    const { saga, deeds } = drive(begin(aPlan([UNDOABLE, UNDOABLE]), T0), [ok, unknown]);

    expect(deeds).toEqual(['run 0', 'run 1']);
    expect(saga.state).toBe('raised');
    expect(states(saga)).toEqual(['done', 'unknown']);
  });

  it('runs a step again that is harmless to repeat, a few times', () => {
    const saga = begin(aPlan([{ repeatable: true }, {}]), T0);

    expect(drive(saga, [unknown, ok, ok]).saga.state).toBe('done');
    const always = drive(
      saga,
      Array.from({ length: 10 }, () => unknown),
    );
    expect(always.deeds).toEqual(Array.from({ length: MOST_RUNS }, () => 'run 0'));
    expect(always.saga.state).toBe('raised');
  });

  it('does not call a step failed that may have been done in an earlier run', () => {
    const tried = drive(begin(aPlan([{ repeatable: true }, {}]), T0), [unknown]).saga;

    const refused = moved(refuse(tried, { epoch: 1, index: 0 }, 'not allowed any more', T0));
    expect(drive(tried, [error, error]).saga.state).toBe('raised');
    expect(refused.state).toBe('raised');
  });

  it('leaves what was under way for whoever takes it up to find out about, and does not run it', () => {
    const begun = moved(start(begin(aPlan([UNDOABLE, {}]), T0), { epoch: 1, index: 0 }, T0, STEP_MS));

    const taken = moved(takeUp(begun, 'w2', T0));

    expect(moveOf(taken)).toEqual({ kind: 'find-out', index: 0 });
    expect(start(taken, { epoch: 2, index: 0 }, T0, STEP_MS).kind).toBe('fenced');
  });

  it('is taken up once by the same attempt, and by nobody when it is over', () => {
    const saga = begin(aPlan([UNDOABLE, {}]), T0);
    const taken = moved(takeUp(saga, 'w2', T0));

    expect(takeUp(taken, 'w2', T0).kind).toBe('fenced');
    expect(takeUp(drive(saga, [ok, ok]).saga, 'w2', T0).kind).toBe('fenced');
  });

  it('takes nothing of whoever had it before', () => {
    const begun = moved(start(begin(aPlan([{ repeatable: true }, {}]), T0), { epoch: 1, index: 0 }, T0, 1));
    const taken = moved(takeUp(begun, 'w2', T0));
    const again = moved(start(taken, { epoch: 2, index: 0 }, T0, 1));

    expect(start(taken, { epoch: 1, index: 0 }, T0, 1).kind).toBe('fenced');
    expect(refuse(taken, { epoch: 1, index: 0 }, 'no', T0).kind).toBe('fenced');
    expect(report(again, { epoch: 1, index: 0 }, ok, T0).kind).toBe('fenced');
    expect(report(again, { epoch: 2, index: 0 }, ok, T0).kind).toBe('moved');
  });

  it('fails a step that is refused, without having begun it', () => {
    const { saga } = drive(begin(aPlan([UNDOABLE, UNDOABLE]), T0), [ok]);

    const refused = moved(refuse(saga, { epoch: 1, index: 1 }, 'not allowed any more', T0));

    expect(refused.steps[1]).toMatchObject({ state: 'failed', runs: 0 });
    expect(moveOf(refused)).toMatchObject({ kind: 'undo', index: 0 });
  });

  it('is raised when nobody goes on with it in time, and not before', () => {
    const begun = moved(start(begin(aPlan([UNDOABLE, {}]), T0), { epoch: 1, index: 0 }, T0, STEP_MS));
    const dueMs = T0 + STEP_MS + ABANDONED_AFTER_MS;

    expect(abandon(begun, dueMs - 1).kind).toBe('fenced');
    const raised = moved(abandon(begun, dueMs));
    expect(raised.state).toBe('raised');
    expect(states(raised)).toEqual(['unknown', 'waiting']);
    expect(report(raised, { epoch: 1, index: 0 }, ok, dueMs).kind).toBe('fenced');
  });
});

// ── Whatever happens ─────────────────────────────────────────────────────────────────────────────────────────

type Event =
  | { readonly kind: 'act'; readonly outcome: Outcome }
  /** The process ends: before it begins what is next, or after it was written that it begins. */
  | { readonly kind: 'killed'; readonly during: boolean; readonly happened: boolean }
  | { readonly kind: 'refused' }
  /** Whoever had it before comes back and reports. */
  | { readonly kind: 'ghost'; readonly outcome: Outcome };

const outcomes = fc.constantFrom<Outcome>(ok, ok, ok, error, unknown);
const steps = fc.array(
  fc
    .record({ undo: fc.boolean(), readsOnly: fc.boolean(), repeatable: fc.boolean() })
    .map(({ undo, ...step }): Written => ({ ...step, ...(undo ? UNDOABLE : {}) })),
  { minLength: 2, maxLength: 6 },
);
const events = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('act' as const), outcome: outcomes }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('killed' as const),
        during: fc.boolean(),
        happened: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'refused' as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('ghost' as const), outcome: outcomes }) },
  ),
  { maxLength: 40 },
);

/** What really happened outside, in order. */
interface Deed {
  readonly kind: 'run' | 'undo';
  readonly index: number;
  /** It did what it was for, or may have. */
  readonly happened: boolean;
}

interface Course {
  readonly all: readonly Saga[];
  readonly deeds: readonly Deed[];
}

function courseOf(written: readonly Written[], happenings: readonly Event[]): Course {
  let saga = begin(aPlan(written), T0);
  const all = [saga];
  const deeds: Deed[] = [];
  const go = (change: ReturnType<typeof start>) => {
    if (change.kind === 'fenced') return false;
    saga = Saga.parse(JSON.parse(JSON.stringify(change.next)));
    all.push(saga);
    return true;
  };
  for (const event of happenings) {
    const move = moveOf(saga);
    if (move.kind === 'over') break;
    const turn = { epoch: saga.epoch, index: move.index };
    switch (event.kind) {
      case 'act':
        if (move.kind === 'find-out') go(report(saga, turn, unknown, T0));
        else if (go(start(saga, turn, T0, STEP_MS))) {
          const happened = move.kind === 'run' ? event.outcome.kind !== 'error' : event.outcome.kind === 'ok';
          deeds.push({ kind: move.kind, index: move.index, happened });
          go(report(saga, turn, event.outcome, T0));
        }
        break;
      case 'killed':
        if (event.during && move.kind !== 'find-out' && go(start(saga, turn, T0, STEP_MS))) {
          deeds.push({ kind: move.kind, index: move.index, happened: event.happened });
        }
        go(takeUp(saga, `w${all.length + 1}`, T0));
        break;
      case 'refused':
        go(refuse(saga, turn, 'not allowed', T0));
        break;
      case 'ghost':
        go(report(saga, { epoch: saga.epoch - 1, index: move.index }, event.outcome, T0));
        break;
      default:
        event satisfies never;
    }
  }
  return { all, deeds };
}

function always(check: (course: Course, written: readonly Written[]) => void): void {
  fc.assert(
    fc.property(steps, events, (written, happenings) => check(courseOf(written, happenings), written)),
    { numRuns: runs(1_000) },
  );
}

describe('whatever happens to a saga', { timeout: timeFor(60_000) }, () => {
  it('never has two steps under way at once', () => {
    always(({ all }) => {
      for (const { steps: now } of all) {
        expect(now.filter(({ state }) => state === 'running' || state === 'undoing').length).toBeLessThan(2);
      }
    });
  });

  it('OM-150 runs no step once one has failed, or its outcome is unknown', () => {
    always(({ all }) => {
      for (const [index, { steps: now }] of all.entries()) {
        if (!now.some(({ state }) => state === 'failed' || state === 'unknown')) continue;
        const later = all.slice(index).map((saga) => saga.steps.map(({ runs }) => runs));
        for (const each of later) expect(each).toEqual(now.map(({ runs }) => runs));
      }
    });
  });

  it('runs a step when all before it are done, and more than once only if that is harmless', () => {
    always(({ all }, written) => {
      for (const { steps: now } of all) {
        const running = now.findIndex(({ state }) => state === 'running');
        if (running > 0) {
          expect(now.slice(0, running).every(({ state }) => state === 'done')).toBe(true);
        }
        for (const [index, { runs: times, undos }] of now.entries()) {
          expect(times).toBeLessThanOrEqual(written[index]?.repeatable ? MOST_RUNS : 1);
          expect(undos).toBeLessThanOrEqual(MOST_UNDOS);
        }
      }
    });
  });

  it('OM-151 undoes only what was done, the last first', () => {
    always(({ all, deeds }) => {
      const undone = deeds.filter(({ kind }) => kind === 'undo').map(({ index }) => index);
      expect(undone).toEqual(undone.toSorted((a, b) => b - a));
      for (const index of undone) expect(deeds).toContainEqual({ kind: 'run', index, happened: true });
      for (const { steps: now } of all) {
        const undoing = now.findIndex(({ state }) => state === 'undoing');
        if (undoing < 0) continue;
        const after = now.slice(undoing + 1).filter(({ undoneBy }) => undoneBy !== undefined);
        expect(after.every(({ state, readsOnly }) => state !== 'done' || readsOnly)).toBe(true);
      }
    });
  });

  it('never changes a step back from an end, nor the whole', () => {
    const ends = new Set(['failed', 'unknown', 'undone', 'stuck']);
    always(({ all }) => {
      for (const [index, before] of all.slice(0, -1).entries()) {
        const after = all[index + 1];
        expect(isOver(before)).toBe(false);
        expect(after?.rev).toBe(before.rev + 1);
        for (const [at, step] of before.steps.entries()) {
          if (ends.has(step.state)) expect(after?.steps[at]?.state).toBe(step.state);
        }
      }
    });
  });

  it('OM-143 ends done, undone or raised to a human, if only nobody goes on with it', () => {
    always(({ all }) => {
      const last = all.at(-1)!;
      const ended = isOver(last) ? last : moved(abandon(last, last.dueMs));

      const standing = ended.steps.filter(isStanding).length;
      expect(['done', 'undone', 'raised']).toContain(ended.state);
      if (ended.state === 'done') expect(ended.steps.every(({ state }) => state === 'done')).toBe(true);
      if (ended.state === 'undone') {
        expect(standing).toBe(0);
        expect(ended.steps.some(({ state }) => state === 'unknown')).toBe(false);
      }
    });
  });

  it('OM-150 says undone only if everything that happened, or may have, was taken back', () => {
    always(({ all, deeds }, written) => {
      if (all.at(-1)?.state !== 'undone') return;
      for (const { kind, index, happened } of deeds) {
        if (kind === 'undo' || !happened || written[index]?.readsOnly) continue;
        expect(deeds).toContainEqual({ kind: 'undo', index, happened: true });
      }
    });
  });
});
