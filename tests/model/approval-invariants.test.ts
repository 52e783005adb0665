/** The invariants of approvals, by their numbers, over a great many histories in memory. */
import { beforeAll, describe, expect, it } from 'vitest';
import { history, History, type HistoryPlan } from '../support/approval-history.ts';
import { INVARIANTS, type InvariantName } from '../support/approval-invariants.ts';
import { modelRuns, reportOf, type Trial, trials } from '../support/model-runs.ts';

const USUAL_RUNS = 100_000;
const CONVERSATION = 'slack:T0:C0:1';
const NAMES = Object.keys(INVARIANTS) as InvariantName[]; // the keys of a constant

/** The first history that broke each of them. */
const broken = new Map<InvariantName, Trial<HistoryPlan>>();
const reached = { states: new Set<string>(), events: new Set<string>(), codes: new Set<string>() };

beforeAll(async () => {
  for (const trial of trials(history, USUAL_RUNS)) {
    const played = await new History(trial.plan, CONVERSATION).play();
    note(played);
    for (const name of NAMES) {
      if (!broken.has(name) && INVARIANTS[name](played) !== undefined) broken.set(name, trial);
    }
  }
}, 300_000);

describe('any history of approvals', () => {
  it.each(NAMES)('%s', async (name) => {
    const trial = broken.get(name);
    const report = trial && (await reportOf(history, trial, 'tests/model/approval-invariants.test.ts', (plan) => wrongOf(name, plan)));

    expect(report).toBeUndefined();
  });

  it.skipIf(modelRuns(USUAL_RUNS) < 10_000)('reaches every state, and everything that can happen', () => {
    expect([...reached.states].toSorted()).toEqual(STATES);
    expect([...reached.events].toSorted()).toEqual(EVENTS);
    expect([...reached.codes].toSorted()).toEqual(CODES);
  });
});

async function wrongOf(name: InvariantName, plan: HistoryPlan): Promise<string | undefined> {
  return INVARIANTS[name](await new History(plan, CONVERSATION).play());
}

function note({ happenings }: History): void {
  for (const happening of happenings) {
    if (happening.kind === 'written') {
      reached.states.add(happening.after.state);
      reached.events.add(happening.moved.event);
    }
    if (happening.kind === 'answered') reached.codes.add(`${happening.input.kind} ${codeOf(happening.result)}`);
  }
}

function codeOf(result: unknown): string {
  return typeof result === 'object' && result !== null && 'code' in result ? String(result.code) : String(result);
}

const STATES = ['?'];
const EVENTS = ['?'];
const CODES = ['?'];
