/** The invariants of escalations, by their numbers, over a great many histories in memory. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { EscalationEvent, EscalationState } from '../../src/domain/escalation/record.ts';
import { History } from '../support/escalation-model-history.ts';
import { INVARIANTS, type InvariantName } from '../support/escalation-model-invariants.ts';
import { type HistoryPlan, history } from '../support/escalation-model-plan.ts';
import { modelRuns, reportOf, type Trial, trials } from '../support/model-runs.ts';

const USUAL_RUNS = 1_500;
/** Of a long run. */
const SHARE = 0.3;
/** Of each history, with a margin, in ms. */
const LONGEST_MS = 25;
const FILE = 'tests/model/escalation-invariants.test.ts';
const NAMES = Object.keys(INVARIANTS) as InvariantName[]; // the keys of a constant

/** The first history that broke each of them. */
const broken = new Map<InvariantName, Trial<HistoryPlan>>();
const reached = { states: new Set<string>(), events: new Set<string>(), codes: new Set<string>() };

beforeAll(
  async () => {
    for (const trial of trials(history, USUAL_RUNS, SHARE)) {
      const played = await new History(trial.plan).play();
      note(played);
      for (const name of NAMES) {
        if (!broken.has(name) && INVARIANTS[name](played) !== undefined) broken.set(name, trial);
      }
    }
  },
  60_000 + modelRuns(USUAL_RUNS, SHARE) * LONGEST_MS,
);

describe('any history of escalations', () => {
  it.each(NAMES)('%s', async (name) => {
    const trial = broken.get(name);
    const report = trial && (await reportOf(history, trial, FILE, (plan) => wrongOf(name, plan)));

    expect(report).toBeUndefined();
  });

  it.skipIf(modelRuns(USUAL_RUNS, SHARE) < 10_000)(
    'reaches every state, and everything that can happen',
    () => {
      expect([...reached.states].toSorted()).toEqual(STATES);
      expect([...reached.events].toSorted()).toEqual(EVENTS);
      expect([...reached.codes].toSorted()).toEqual(CODES);
    },
  );
});

async function wrongOf(name: InvariantName, plan: HistoryPlan): Promise<string | undefined> {
  return INVARIANTS[name](await new History(plan).play());
}

function note({ happenings }: History): void {
  for (const happening of happenings) {
    if (happening.kind === 'written') {
      reached.states.add(happening.moved.next.standing.state);
      reached.events.add(happening.moved.event);
    }
    if (happening.kind === 'answered') reached.codes.add(happening.result.code);
  }
}

const STATES: readonly EscalationState[] = [
  'ACKED',
  'ACTIVE',
  'CANCELLED',
  'EXHAUSTED',
  'HELD',
  'RESOLVED',
  'SNOOZED',
];

/** All but `opened`, which nothing brings about. */
const EVENTS: readonly EscalationEvent[] = [
  'acknowledged',
  'answered',
  'asked-still',
  'called',
  'cancelled',
  'confirmed',
  'exhausted',
  'held',
  'let-go',
  'not-confirmed',
  'pushed',
  'raised',
  'reported-again',
  'resolved',
  'snoozed',
  'unreached',
  'woken',
  'worse',
];

const CODES: readonly string[] = [
  'ACKNOWLEDGED',
  'ALREADY',
  'CANCELLED',
  'CONFIRMED',
  'LET_GO',
  'NOT_PERMITTED',
  'NOT_YOURS',
  'NO_SUCH_STEP',
  'OVER',
  'PUSHED',
  'RESOLVED',
  'SNOOZED',
  'TAKEN',
];
