/** `escalation.yaml`: how long an approval waits, who hears about it meanwhile, and who is called if nobody comes. */
import { z } from 'zod';
import type { Rung } from '../domain/approval/record.ts';
import { Platform } from '../domain/ids.ts';
import { WrittenApprovers } from './approvers.ts';
import { duration } from './duration.ts';
import { EscalationName, WebhookName, WrittenPlan } from './escalation-plans.ts';
import { EscalationTriggers, EscalationWebhook } from './escalation-triggers.ts';
import { DeadlineClock } from './hours.ts';

/** One thing that happens when nobody has answered in time. */
const WrittenRung = z.union([
  z
    .strictObject({
      escalate: z
        .strictObject({
          to: WrittenApprovers,
          for: duration({ min: '1s', max: '30d' }).describe('How much longer it then waits.'),
        })
        .describe('Asks these, too; whoever was asked before may still answer.'),
    })
    .transform(({ escalate }): Rung => ({ kind: 'escalate', approvers: escalate.to, forMs: escalate.for })),
  z
    .strictObject({
      answer: z
        .string()
        .min(1)
        .max(1_000)
        .describe(
          'The agent is told this instead of a result. Nothing runs. Passed over for requests of programs that offer ' +
            'other options, or no answer.',
        ),
    })
    .transform(({ answer }): Rung => ({ kind: 'default', text: answer })),
  z
    .literal('approve')
    .describe('It runs. Only calls of low risk that can be undone; for all others the next step is taken.')
    .transform((): Rung => ({ kind: 'approve' })),
]);

/** Times are in milliseconds once parsed. */
export const EscalationPolicy = z.strictObject({
  deadline: duration({ min: '1s', max: '365d' }).describe('How long an approval waits for an answer.'),
  clock: DeadlineClock.default('wall').describe(
    'What runs meanwhile: the clock on the wall, or only working hours (`{ working: office }`). It counts for ' +
      '`deadline`, `remind_after`, `warn_before`, `for` and `pause_for_questions`.',
  ),
  remind_after: z
    .array(duration({ min: '1s' }))
    .default([])
    .describe('When to remind, counted from the question; each before the deadline, in order.'),
  warn_before: duration({ min: '1s' })
    .optional()
    .describe('How long before the deadline the last warning goes out. Left out: no warning.'),
  catch_up_reminders: z
    .int()
    .min(0)
    .max(1_000)
    .default(3)
    .describe(
      'After a time in which Signalbox was down: how many late reminders one person gets one by one. Of all others ' +
        'they are told together, in one message.',
    ),
  valid_for: duration({ min: '1s', max: '7d' })
    .prefault('15m')
    .describe(
      'How long a yes may wait for its execution; after that it is withdrawn. While something else in its conversation has to be done first, it stays good, for a week at most.',
    ),
  approve_from: z
    .array(Platform)
    .min(1)
    .optional()
    .describe(
      'Platforms a yes may come from; a no may come from anywhere. Enough of those asked need an account on one of them, or nobody is asked and the call is refused. Left out: all.',
    ),
  refuse_by: z
    .enum(['one', 'enough'])
    .default('one')
    .describe(
      'one: a single no refuses it. enough: it is refused when those who have not said no cannot agree any more.',
    ),
  standing_yes: z
    .strictObject({
      rules: z
        .array(z.enum(['exact', 'like', 'tool']))
        .min(1)
        .describe(
          'How wide it may be. exact: the very same arguments. like: some may differ. tool: every call of the tool.',
        ),
      longest: duration({ min: '1m', max: '365d' }).prefault('30d').describe('How long it may hold.'),
      most_times: z.int().min(1).max(10_000).default(100).describe('How often it may be used.'),
    })
    .optional()
    .describe(
      'Who approves may say yes to further calls like this one of the same person. Left out: nobody may. ' +
        'Never for calls of high risk that cannot be undone.',
    ),
  min_visible: duration({ min: '0s', max: '7d' })
    .prefault('10m')
    .describe(
      'Somebody who may answer has had it in front of them for so long before it expires, or for half the deadline.',
    ),
  hard_deadline: duration({ min: '1s', max: '365d' })
    .prefault('7d')
    .describe(
      'When it ends in any case, whatever has put the deadline off. Left out: after 7 days, or at the deadline where ' +
        'that is later.',
    ),
  pause_for_questions: duration({ min: '0s', max: '7d' })
    .prefault('4h')
    .describe('How long, in all, open questions of approvers hold the deadline up.'),
  on_new_message: z
    .enum(['keep', 'cancel', 'supersede'])
    .default('keep')
    .describe(
      'When the one who asked writes again in the same conversation. keep: it goes on waiting. cancel: what waits is ' +
        'withdrawn. supersede: a new request for the same tool takes its place, also that of a yes not yet acted on.',
    ),
  on_timeout: z
    .union([z.literal('expire').transform(() => []), z.array(WrittenRung).min(1).max(10)])
    .prefault('expire')
    .describe(
      'expire: the action does not run, and everybody is told it expired, not that it was refused. ' +
        'Or a list of what happens first, one after the other; after the last it expires.',
    ),
  escalation: EscalationName.optional().describe(
    'By which policy under `escalations` people are called from the moment it is asked. Left out: nobody else is.',
  ),
});
export type EscalationPolicy = z.infer<typeof EscalationPolicy>;

/** Keys of a parsed file are plain text again: a literal object is a valid configuration in a test. */
const EscalationKey: z.ZodType<string, string> = EscalationName;
const WebhookKey: z.ZodType<string, string> = WebhookName;

export const EscalationConfig = z
  .strictObject({
    policies: z
      .object({ default: EscalationPolicy.describe('For every rule that names no policy.') })
      .catchall(EscalationPolicy)
      .describe('Policy name to policy; `default` is required.'),
    escalations: z
      .record(EscalationKey, WrittenPlan)
      .default({})
      .describe('Name to escalation policy: who is called, and who if nobody comes.'),
    triggers: EscalationTriggers.default([]),
    webhooks: z
      .record(WebhookKey, EscalationWebhook)
      .default({})
      .describe('Name to webhook, for steps that call one.'),
  })
  .describe('How long an approval waits, who hears about it, and who is called if nobody comes.');
export type EscalationConfig = z.infer<typeof EscalationConfig>;
