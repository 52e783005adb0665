/**
 * An escalation policy as the machine sees it: who is called, how loudly, what is waited for, and who is left when
 * nobody came. Times are in milliseconds. An escalation keeps the plan it began with; a later edit changes nothing.
 */
import { z } from 'zod';
import { PersonId, Platform } from '../ids.ts';
import { Importance } from '../person.ts';

/** How bad it is, the mildest first. */
export const Severity = z.enum(['info', 'warning', 'error', 'critical']);
export type Severity = z.infer<typeof Severity>;

/** Who is called. A role or a schedule names whoever that is at the moment of the step. */
export const Target = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('person'), person: PersonId }),
  z.object({ kind: z.literal('role'), role: z.string() }),
  z.object({ kind: z.literal('on-call'), schedule: z.string() }),
  /** Whoever has taken it before and let go of it. */
  z.object({ kind: z.literal('last-owner') }),
  z.object({ kind: z.literal('channel'), platform: Platform, channel: z.string() }),
]);
export type Target = z.infer<typeof Target>;

/** All that are given must hold. */
export const Condition = z.object({
  /** These working hours are open. */
  within: z.string().optional(),
  /** These working hours are closed. */
  outside: z.string().optional(),
  /** At least this bad. */
  severity: Severity.optional(),
  /** It was reported at least so often. */
  count: z.int().optional(),
});
export type Condition = z.infer<typeof Condition>;

/** What happens when a step has nobody to call. */
export const OnEmpty = z.discriminatedUnion('kind', [
  /** The next step that calls somebody is taken at once. */
  z.object({ kind: z.literal('skip') }),
  /** As if somebody had been called. */
  z.object({ kind: z.literal('go-on') }),
  /** Until there is somebody, or it was waited for long enough; then as `skip`. */
  z.object({ kind: z.literal('hold') }),
  z.object({ kind: z.literal('instead'), who: z.array(Target).min(1) }),
]);
export type OnEmpty = z.infer<typeof OnEmpty>;

const common = { id: z.string() };

export const PlanStep = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('notify'),
    who: z.array(Target).min(1),
    /** Absent: what its severity is worth. */
    importance: Importance.optional(),
    onEmpty: OnEmpty,
  }),
  /** With `hours`, only time within these working hours counts. */
  z.object({ ...common, kind: z.literal('wait'), forMs: z.int(), hours: z.string().optional() }),
  z.object({
    ...common,
    kind: z.literal('branch'),
    if: Condition,
    goesTo: z.string(),
    /** Absent: the next step. */
    otherwise: z.string().optional(),
  }),
  /** At most `most` times in one escalation; after that it is passed over. */
  z.object({ ...common, kind: z.literal('goto'), step: z.string(), most: z.int() }),
  z.object({ ...common, kind: z.literal('webhook'), webhook: z.string() }),
  /** The conversation waits for a human from now on. */
  z.object({ ...common, kind: z.literal('hand-off') }),
  z.object({ ...common, kind: z.literal('severity'), severity: Severity }),
  z.object({ ...common, kind: z.literal('stop') }),
]);
export type PlanStep = z.infer<typeof PlanStep>;

export const EscalationPlan = z.object({
  name: z.string(),
  steps: z.array(PlanStep).min(1),
  /** How often all steps are gone through. */
  rounds: z.int().min(1),
  /** How long a step waits for somebody to be there, where it does. Absent: as long as is usual. */
  holdMs: z.int().optional(),
  /** Called when all that did not help, and again and again. */
  lastResort: z.object({ who: z.array(Target).min(1), importance: Importance }),
  nagMs: z.int(),
  /** Nothing is said before that, in case it is over by itself. */
  settleMs: z.int(),
  acknowledge: z.object({
    /** After that whoever took it is asked whether they are still on it. Absent: they are trusted. */
    remindMs: z.int().optional(),
    /** How long after that question it goes on without them. */
    withinMs: z.int(),
    goesOnAt: z.enum(['first', 'same', 'next']),
  }),
  /** Without a new report, it stays with whoever has it after that: nobody else is called. */
  maxAgeMs: z.int(),
  /** When it gets worse: go on, begin again, or go to this step. */
  onWorse: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('keep') }),
    z.object({ kind: z.literal('restart') }),
    z.object({ kind: z.literal('step'), step: z.string() }),
  ]),
  /** Steps are taken within these working hours only. */
  onlyIn: z.string().optional(),
});
export type EscalationPlan = z.infer<typeof EscalationPlan>;

/** How long a step waits for somebody to be there, where its policy does not say. */
const HOLD_MS = 24 * 60 * 60_000;

export function holdOf({ holdMs = HOLD_MS }: Pick<EscalationPlan, 'holdMs'>): number {
  return holdMs;
}

/** Whether the agent falls silent by it, so that somebody is wanted in the conversation. */
export function handsOff({ steps }: Pick<EscalationPlan, 'steps'>): boolean {
  return steps.some(({ kind }) => kind === 'hand-off');
}

export function isWorse(severity: Severity, than: Severity): boolean {
  return Severity.options.indexOf(severity) > Severity.options.indexOf(than);
}

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return !isWorse(least, severity);
}

/** What a severity is worth disturbing somebody for, where a step does not say it. */
export function importanceOf(severity: Severity): Importance {
  return ({ info: 'low', warning: 'normal', error: 'high', critical: 'urgent' } as const)[severity];
}

/** What a request of this risk is worth disturbing those for who may decide it. */
export function importanceOfRisk(risk: 'low' | 'medium' | 'high'): Importance {
  return ({ low: 'low', medium: 'normal', high: 'high' } as const)[risk];
}
