/** What follows from a change of a saga: what the audit keeps, who is told, who is called. Pure. */
import type { EscalationTrigger } from '../config/escalation-triggers.ts';
import type { WhereOf } from '../control/whereabouts.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Saga } from '../domain/saga.ts';
import { reportsOf } from '../escalation/triggers.ts';
import type { Effect } from '../redis/effects.ts';
import { raisedText, troubleText } from './sentences.ts';

/** Who is called about a plan that comes to no good end, and where that is. */
interface RaiseCircle {
  readonly triggers: () => readonly EscalationTrigger[];
  readonly whereOf: WhereOf;
}

export function consequencesOf(
  before: Saga | undefined,
  next: Saga,
  circle: RaiseCircle,
  nowMs: number,
): Effect[] {
  const isRaised = next.state === 'raised' && before?.state !== 'raised';
  return [
    ...eventsOf(before, next).map((event): Effect => ({ kind: 'audit', event })),
    ...(isRaised ? [...raise(next, circle, nowMs)] : []),
  ];
}

/** One for each step that moved, then one for the whole. */
function eventsOf(before: Saga | undefined, next: Saga): AuditEvent[] {
  const { id, correlation, approvalId, steps, state, epoch } = next;
  const about = { correlation, actor: 'system', subject: id };
  const moved = steps.flatMap((step, index): AuditEvent[] => {
    const was = before?.steps[index]?.state ?? 'waiting';
    if (was === step.state) return [];
    const detail = { step: index + 1, tool: step.tool, from: was, runs: step.runs, undos: step.undos };
    return [{ ...about, event: `plan.step-${step.state}`, detail }];
  });
  if (!before) return [{ ...about, event: 'plan.began', detail: { approval: approvalId } }];
  const taken = before.epoch === epoch ? [] : [{ ...about, event: 'plan.taken-up', detail: { epoch } }];
  const whole =
    before.state === state ? [] : [{ ...about, event: `plan.${state}`, detail: { approval: approvalId } }];
  return [...taken, ...moved, ...whole];
}

function raise(saga: Saga, { triggers, whereOf }: RaiseCircle, nowMs: number): Effect[] {
  const { id, conversationId, origin, correlation, requester, title } = saga;
  const told = toOutEffect({
    kind: 'text',
    id: `plan-raised:${id}`,
    correlation,
    conversationId,
    to: origin,
    requester,
    markdown: raisedText(saga),
    atMs: nowMs,
  });
  const happening = { kind: 'plan-raised', plan: id, title, words: troubleText(saga) } as const;
  return [
    told,
    ...reportsOf(triggers(), happening, {
      id: `plan-raised:${id}`,
      conversationId,
      origin,
      link: whereOf(origin).link,
      correlation,
      person: requester,
      nowMs,
    }),
  ];
}
