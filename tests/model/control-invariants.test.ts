/** The invariants of who has a conversation, by their numbers, over a great many histories in memory. */

import { beforeAll, describe, expect, it } from 'vitest';
import { type ControlEvent, ControlState } from '../../src/domain/control.ts';
import { History } from '../support/control-model-history.ts';
import { INVARIANTS, type InvariantName } from '../support/control-model-invariants.ts';
import { type HistoryPlan, history } from '../support/control-model-plan.ts';
import { modelRuns, reportOf, type Trial, trials } from '../support/model-runs.ts';

const USUAL_RUNS = 2_000;
/** Of a long run. */
const SHARE = 0.3;
/** Of each history, with a margin, in ms. */
const LONGEST_MS = 15;
const FILE = 'tests/model/control-invariants.test.ts';
const NAMES = Object.keys(INVARIANTS) as InvariantName[]; // the keys of a constant

/** The first history that broke each of them. */
const broken = new Map<InvariantName, Trial<HistoryPlan>>();
const reached = { states: new Set<string>(), events: new Set<string>(), became: new Set<string>() };

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

describe('any history of who has a conversation', () => {
  it.each(NAMES)('%s', async (name) => {
    const trial = broken.get(name);
    const report = trial && (await reportOf(history, trial, FILE, (plan) => wrongOf(name, plan)));

    expect(report).toBeUndefined();
  });

  it.skipIf(modelRuns(USUAL_RUNS, SHARE) < 10_000)(
    'reaches every state, and everything that can happen',
    () => {
      expect([...reached.states].toSorted()).toEqual(ControlState.options.toSorted());
      expect([...reached.events].toSorted()).toEqual(EVENTS);
      expect([...reached.became].toSorted()).toEqual(BECAME);
    },
  );
});

async function wrongOf(name: InvariantName, plan: HistoryPlan): Promise<string | undefined> {
  return INVARIANTS[name](await new History(plan).play());
}

function note({ happenings }: History): void {
  for (const happening of happenings) {
    if (happening.kind === 'written') {
      reached.states.add(happening.moved.next.state);
      reached.events.add(happening.moved.event);
    }
    if (happening.kind === 'handled') reached.became.add(happening.became);
  }
}

const EVENTS: readonly ControlEvent[] = [
  'active',
  'gone-quiet',
  'handed-back',
  'handoff-requested',
  'handoff-unanswered',
  'handoff-withdrawn',
  'let-go',
  'looked-after',
  'place-learned',
  'place-moved',
  'returned',
  'said',
  'settled',
  'settled-in-part',
  'taken-over',
  'unanswered-in-part',
];

/** Everything that becomes of an item. */
const BECAME: readonly string[] = ['again', 'done', 'hold', 'keep', 'later', 'moved', 'turn', 'used'];
