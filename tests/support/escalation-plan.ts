/** A policy of escalations whose steps are what a test is about: all else of it is as plain as can be. */
import { EscalationPlan, type PlanStep } from '../../src/domain/escalation/plan.ts';

/** @param everyMs how long it waits for anything */
export function planOf(steps: readonly PlanStep[], everyMs: number): EscalationPlan {
  return EscalationPlan.parse({
    name: 'duty',
    steps,
    rounds: 1,
    lastResort: { who: [{ kind: 'role', role: 'operator' }], importance: 'urgent' },
    nagMs: everyMs,
    settleMs: 0,
    acknowledge: { withinMs: everyMs, goesOnAt: 'same' },
    maxAgeMs: everyMs,
    onWorse: { kind: 'keep' },
  });
}
