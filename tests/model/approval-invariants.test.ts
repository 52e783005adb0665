/** The invariants of approvals, by their numbers, over a great many histories in memory. */

import { beforeAll, describe, expect, it } from 'vitest';
import { type ApprovalEvent, ApprovalState } from '../../src/domain/approval/record.ts';
import type { VoteResult } from '../../src/domain/approval/voting.ts';
import { History } from '../support/approval-history.ts';
import { INVARIANTS, type InvariantName } from '../support/approval-invariants.ts';
import { type HistoryPlan, history } from '../support/approval-plan.ts';
import { modelRuns, reportOf, type Trial, trials } from '../support/model-runs.ts';

const USUAL_RUNS = 20_000;
/** Of each history, with a margin, in ms. */
const LONGEST_MS = 10;
const CONVERSATION = 'slack:T0:C0:1';
const FILE = 'tests/model/approval-invariants.test.ts';
const NAMES = Object.keys(INVARIANTS) as InvariantName[]; // the keys of a constant

/** One that could not be played to its end. */
let unplayable: Trial<HistoryPlan> | undefined;
/** The first history that broke each of them. */
const broken = new Map<InvariantName, Trial<HistoryPlan>>();
const reached = { states: new Set<string>(), events: new Set<string>(), votes: new Set<string>() };

beforeAll(
  async () => {
    for (const trial of trials(history, USUAL_RUNS)) {
      const played = await new History(trial.plan, CONVERSATION).play();
      note(played);
      for (const name of NAMES) {
        if (!broken.has(name) && INVARIANTS[name](played) !== undefined) broken.set(name, trial);
      }
    }
  },
  60_000 + modelRuns(USUAL_RUNS) * LONGEST_MS,
);

describe('any history of approvals', () => {
  it.each(NAMES)('%s', async (name) => {
    const trial = broken.get(name);
    const report = trial && (await reportOf(history, trial, FILE, (plan) => wrongOf(name, plan)));

    expect(report).toBeUndefined();
  });

  it('can be played to its end: every decision holds at the time at which it is made', async () => {
    const report = unplayable && (await reportOf(history, unplayable, FILE, wrongOfPlaying));

    expect(report).toBeUndefined();
  });

  it.skipIf(modelRuns(USUAL_RUNS) < 10_000)('reaches every state, and everything that can happen', () => {
    expect([...reached.states].toSorted()).toEqual(ApprovalState.options.toSorted());
    expect([...reached.events].toSorted()).toEqual(EVENTS);
    expect([...reached.votes].toSorted()).toEqual(CODES);
  });
});

async function wrongOf(name: InvariantName, plan: HistoryPlan): Promise<string | undefined> {
  const played = await play(plan);
  return typeof played === 'string' ? undefined : INVARIANTS[name](played);
}

async function wrongOfPlaying(plan: HistoryPlan): Promise<string | undefined> {
  const played = await play(plan);
  return typeof played === 'string' ? played : undefined;
}

/** The history, or in words why it cannot be played. */
async function play(plan: HistoryPlan): Promise<History | string> {
  try {
    return await new History(plan, CONVERSATION).play();
  } catch (error) {
    return String(error);
  }
}

function note({ happenings }: History): void {
  for (const happening of happenings) {
    if (happening.kind === 'written') {
      reached.states.add(happening.after.state);
      reached.events.add(happening.moved.event);
    }
    // What `vote` answers.
    if (happening.kind === 'answered' && happening.input.kind === 'vote')
      reached.votes.add((happening.result as VoteResult).code);
  }
}

/** All but `opened`, which is how a history begins. */
const EVENTS: readonly ApprovalEvent[] = [
  'answered',
  'approved',
  'asked',
  'assented',
  'cancelled',
  'card-sent',
  'claimed',
  'delegated',
  'denied',
  'dissented',
  'edited',
  'escalated',
  'executed',
  'expired',
  'failed',
  'held',
  'postponed',
  'reconciled',
  'refreshed',
  'released',
  'reminded',
  'renewed',
  'replied',
  'reported-late',
  'rerouted',
  'revoked',
  'superseded',
  'taken-back',
  'unknown',
];

/** Everything a vote can be answered. */
const CODES: readonly VoteResult['code'][] = [
  'ALREADY',
  'CONTENT_CHANGED',
  'DECIDED',
  'INVALID',
  'LATE',
  'NOT_ELIGIBLE',
  'NOT_OFFERED',
  'RECORDED',
  'REFRESHED',
  'REPLAY',
  'STALE_CARD',
  'STEP_UP',
];
