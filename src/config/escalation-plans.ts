/**
 * The part of `escalation.yaml` about calling people: who is called, what is waited for, and who is left when nobody
 * came.
 *
 * Parsed, it is what the machine reads; only the names of its steps are added. What a step without an id is called is
 * its place in the list, which no written id can be.
 */
import { z } from 'zod';
import type { EscalationPlan, OnEmpty, PlanStep, Target } from '../domain/escalation/plan.ts';
import { Severity } from '../domain/escalation/plan.ts';
import { PersonId, Platform } from '../domain/ids.ts';
import { Importance, RoleName } from '../domain/person.ts';
import { ScheduleName } from '../domain/quorum.ts';
import { duration } from './duration.ts';
import type { EscalationConfig } from './escalation.ts';
import { HoursName } from './hours.ts';

/** Every policy by its name, as an escalation keeps it. */
export function plansOf({
  escalation,
}: {
  readonly escalation: Pick<EscalationConfig, 'escalations'>;
}): ReadonlyMap<string, EscalationPlan> {
  return new Map(
    Object.entries(escalation.escalations).map(([name, policy]) => [name, { name, ...policy }] as const),
  );
}

/** Steps of one policy, at most: what can still be read as one sequence. */
const MOST_STEPS = 50;
/** Targets of one step, at most. */
const MOST_TARGETS = 20;

/** What a person calls a step: the target of a branch or a goto. */
export const StepName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,31}$/,
    'a step is named with lower-case letters, digits, hyphens and underscores',
  );
export type StepName = z.infer<typeof StepName>;

/** The name of an escalation policy. */
export const EscalationName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,63}$/,
    'an escalation policy is named with lower-case letters, digits, hyphens and underscores',
  );
export type EscalationName = z.infer<typeof EscalationName>;

export const WebhookName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,63}$/,
    'a webhook is named with lower-case letters, digits, hyphens and underscores',
  );
export type WebhookName = z.infer<typeof WebhookName>;

/** Keys of a parsed file are plain text again: a literal object is a valid configuration in a test. */
const PlatformKey: z.ZodType<string, string> = Platform;

const WrittenTarget = z.union([
  z.literal('last_owner').transform((): Target[] => [{ kind: 'last-owner' }]),
  PersonId.transform((person): Target[] => [{ kind: 'person', person }]),
  z
    .strictObject({ person: PersonId.describe('This person of contacts.yaml.') })
    .transform(({ person }): Target[] => [{ kind: 'person', person }]),
  z
    .strictObject({ role: RoleName.describe('Everybody who holds this role.') })
    .transform(({ role }): Target[] => [{ kind: 'role', role }]),
  z
    .strictObject({
      on_call: ScheduleName.describe('Whoever is on call by this schedule of schedules.yaml.'),
    })
    .transform(({ on_call }): Target[] => [{ kind: 'on-call', schedule: on_call }]),
  z
    .strictObject({
      channel: z
        .record(
          PlatformKey,
          z
            .string()
            .max(280)
            .regex(/^[^#@\s]/, 'a channel is named by its id, not by its name'),
        )
        .describe('Platform to channel, by the id the platform gives it: `{ slack: C0123 }`.'),
    })
    .transform(({ channel }): Target[] =>
      Object.entries(channel).map(([platform, id]) => ({
        kind: 'channel',
        platform: Platform.parse(platform),
        channel: id,
      })),
    ),
]);

const WrittenTargets = z
  .union([WrittenTarget, z.array(WrittenTarget).min(1).max(MOST_TARGETS)])
  .transform((targets) => targets.flat());

const WrittenImportance = Importance.describe(
  'How much it may disturb: low, normal, high, urgent. Decides where people are called, as reach of contacts.yaml says.',
);

const OnNobody = z.union([
  z.literal('skip').transform((): OnEmpty => ({ kind: 'skip' })),
  z.literal('go_on').transform((): OnEmpty => ({ kind: 'go-on' })),
  z.literal('hold').transform((): OnEmpty => ({ kind: 'hold' })),
  z
    .strictObject({ instead: WrittenTargets.describe('These are called.') })
    .transform(({ instead }): OnEmpty => ({ kind: 'instead', who: instead })),
]);

const Notify = z.union([
  WrittenTargets.transform((who) => ({ who, onEmpty: { kind: 'skip' } as OnEmpty })),
  z
    .strictObject({
      to: WrittenTargets.describe('Who is called, all at the same time.'),
      importance: WrittenImportance.optional(),
      if_nobody: OnNobody.prefault('skip').describe(
        'When none of them is there. skip: the next step that calls somebody, at once. go_on: as if somebody had ' +
          'been called; who comes meanwhile is called then. hold: until one of them is there, for `hold_at_most`; then as ' +
          'skip. `{ instead: … }`: these are called.',
      ),
    })
    .transform(({ to, importance, if_nobody }) => ({
      who: to,
      onEmpty: if_nobody,
      ...(importance === undefined ? {} : { importance }),
    })),
]);

const Wait = duration({ min: '1s', max: '30d' });

const Waiting = z.union([
  Wait.transform((forMs) => ({ forMs })),
  z
    .strictObject({
      for: Wait.describe('How long.'),
      hours: HoursName.describe('Only time within these working hours of schedules.yaml counts.'),
    })
    .transform(({ for: forMs, hours }) => ({ forMs, hours })),
]);

const WrittenCondition = z
  .strictObject({
    within: HoursName.optional().describe('These working hours are open.'),
    outside: HoursName.optional().describe('These working hours are closed.'),
    severity: Severity.optional().describe('It is at least this bad.'),
    count: z.int().min(1).optional().describe('It was reported at least so often.'),
  })
  .refine((condition) => Object.keys(condition).length > 0, 'at least one condition; all must hold');

const id = StepName.optional().describe('So that a branch, a goto or somebody can name this step.');

/** A step whose id is still to be found. */
type Unnamed<Step> = Step extends PlanStep ? Omit<Step, 'id'> & { readonly id?: string | undefined } : never;
type WrittenStep = Unnamed<PlanStep>;

const Step = z.union([
  z
    .strictObject({
      notify: Notify.describe(
        'Who is called: a person of contacts.yaml, `{ role: … }`, `{ on_call: … }`, `{ channel: { slack: … } }`, ' +
          '`last_owner` (who had it before), or a list of these; or `{ to: …, importance: …, if_nobody: … }`.',
      ),
      id,
    })
    .transform(({ notify, id }): WrittenStep => ({ kind: 'notify', id, ...notify })),
  z
    .strictObject({
      wait: Waiting.describe('How long until the next step; or `{ for: 30m, hours: … }`, of working hours.'),
      id,
    })
    .transform(({ wait, id }): WrittenStep => ({ kind: 'wait', id, ...wait })),
  z
    .strictObject({
      branch: z
        .strictObject({
          if: WrittenCondition.describe('All that is given must hold.'),
          go_to: StepName.describe('Then it goes on at this step, further down.'),
          otherwise: StepName.optional().describe('Else at this one, further down. Left out: the next step.'),
        })
        .describe('Goes on at another step.'),
      id,
    })
    .transform(
      ({ branch, id }): WrittenStep => ({
        kind: 'branch',
        id,
        if: branch.if,
        goesTo: branch.go_to,
        otherwise: branch.otherwise,
      }),
    ),
  z
    .strictObject({
      goto: z
        .strictObject({
          step: StepName.describe('The step it goes on at, further up or down.'),
          most: z.int().min(1).max(20).default(1).describe('How often; after that it is passed over.'),
        })
        .describe('Goes on at another step, so many times.'),
      id,
    })
    .transform(({ goto, id }): WrittenStep => ({ kind: 'goto', id, ...goto })),
  z
    .strictObject({ webhook: WebhookName.describe('Calls this webhook of `webhooks`.'), id })
    .transform(({ webhook, id }): WrittenStep => ({ kind: 'webhook', id, webhook })),
  z.literal('hand_off').transform((): WrittenStep => ({ kind: 'hand-off' })),
  z
    .strictObject({
      hand_off: z.literal(true).describe('The agent falls silent, and the conversation waits for a human.'),
      id,
    })
    .transform(({ id }): WrittenStep => ({ kind: 'hand-off', id })),
  z
    .strictObject({ set_severity: Severity.describe('How bad it is from now on.'), id })
    .transform(({ set_severity, id }): WrittenStep => ({ kind: 'severity', id, severity: set_severity })),
  z.literal('stop').transform((): WrittenStep => ({ kind: 'stop' })),
  z
    .strictObject({ stop: z.literal(true).describe('It ends here, as resolved.'), id })
    .transform(({ id }): WrittenStep => ({ kind: 'stop', id })),
]);

const Steps = z
  .array(Step)
  .min(1)
  .max(MOST_STEPS)
  .transform((steps) => steps.map(named));

function named(step: WrittenStep, index: number): PlanStep {
  // Only the id changes; the union is spread over its members.
  return { ...step, id: step.id ?? String(index + 1) } as PlanStep;
}

const LastResort = z.union([
  WrittenTargets.transform((who) => ({ who, importance: 'urgent' as Importance })),
  z
    .strictObject({
      to: WrittenTargets.describe('Who is called.'),
      importance: WrittenImportance.default('urgent'),
    })
    .transform(({ to, importance }) => ({ who: to, importance })),
]);

const Acknowledge = z
  .strictObject({
    remind_after: z
      .union([z.literal('never'), duration({ min: '1m', max: '7d' })])
      .prefault('1h')
      .describe('When whoever took it is asked whether they are still on it. never: they are trusted.'),
    within: duration({ min: '1m', max: '7d' })
      .prefault('15m')
      .describe('How long they have to say so, from when they can be told; then it goes on without them.'),
    goes_on_at: z
      .enum(['first', 'same', 'next'])
      .default('same')
      .describe('Where it goes on then: at the first step, at the one that called last, or at the next.'),
  })
  .transform(({ remind_after, within, goes_on_at }): EscalationPlan['acknowledge'] => ({
    ...(remind_after === 'never' ? {} : { remindMs: remind_after }),
    withinMs: within,
    goesOnAt: goes_on_at,
  }));

const WhenWorse = z.union([
  z.literal('keep').transform((): EscalationPlan['onWorse'] => ({ kind: 'keep' })),
  z.literal('restart').transform((): EscalationPlan['onWorse'] => ({ kind: 'restart' })),
  z
    .strictObject({ go_to: StepName.describe('The step it goes on at.') })
    .transform(({ go_to }): EscalationPlan['onWorse'] => ({ kind: 'step', step: go_to })),
]);

/** A policy without its name. Times are in milliseconds once parsed. */
export const WrittenPlan = z
  .strictObject({
    steps: Steps.describe('What happens, one after the other, until somebody takes it.'),
    repeat: z.int().min(1).max(20).default(1).describe('How often all steps are gone through.'),
    last_resort: LastResort.describe(
      'Who is called when all steps did not help, and again and again: as under `notify`, or `{ to: …, importance: … }`.',
    ),
    repeat_last_resort_every: duration({ min: '1m', max: '7d' })
      .prefault('4h')
      .describe('How often the last resort is called again.'),
    hold_at_most: duration({ min: '1m', max: '30d' })
      .prefault('24h')
      .describe('How long a step with `if_nobody: hold` waits for one of them to be there.'),
    settle: duration({ min: '0s', max: '1h' })
      .prefault('10s')
      .describe('Nobody is called before that, in case it is over by itself.'),
    acknowledge: Acknowledge.prefault({}).describe('What happens after somebody took it.'),
    max_age: duration({ min: '1m', max: '365d' })
      .prefault('72h')
      .describe(
        'So long after the last report, what somebody has taken stays with them: they are asked whether they are still on it, and nobody else is called. The last resort of what nobody has taken is called all the same.',
      ),
    when_worse: WhenWorse.prefault('keep').describe(
      'When it gets worse meanwhile. keep: it goes on as it is. restart: from the first step, whoever has it. ' +
        '`{ go_to: … }`: at this step.',
    ),
    only_in: HoursName.optional().describe(
      'Steps are taken within these working hours of schedules.yaml only; whoever comes on call meanwhile, and the last resort once more, are called when they begin.',
    ),
  })
  .transform(
    (policy): Omit<EscalationPlan, 'name'> => ({
      steps: policy.steps,
      rounds: policy.repeat,
      lastResort: policy.last_resort,
      nagMs: policy.repeat_last_resort_every,
      holdMs: policy.hold_at_most,
      settleMs: policy.settle,
      acknowledge: policy.acknowledge,
      maxAgeMs: policy.max_age,
      onWorse: policy.when_worse,
      ...(policy.only_in === undefined ? {} : { onlyIn: policy.only_in }),
    }),
  );
export type WrittenPlan = z.infer<typeof WrittenPlan>;
