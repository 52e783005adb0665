/** The part of `escalation.yaml` about what begins an escalation by itself, and about the webhooks its steps call. */
import { z } from 'zod';
import { isEncryptedOrLocal } from '../domain/encryption.ts';
import { Severity } from '../domain/escalation/plan.ts';
import { MOST_FAILURES } from '../domain/mailbox-item.ts';
import { SigningSecret } from './api.ts';
import { duration } from './duration.ts';
import { EscalationName } from './escalation-plans.ts';
import { MessageCondition } from './takeover.ts';

const Times = z.int().min(1).max(100);
/** Shorter than that, what is written waits, and people hardly notice. */
const MODEL_AWAY_MS = 5 * 60_000;
const ToolNames = z.array(z.string().min(1).max(64)).min(1);

/** Something that happens. What is written without details happens whatever they are. */
export const TriggerCondition = z.union([
  z.literal('handoff').transform(() => ({ kind: 'handoff' as const })),
  z
    .strictObject({
      turn_failed: z
        .int()
        .min(1)
        .max(MOST_FAILURES)
        .describe(
          `So many tries to handle one message failed, one after the other. After ${MOST_FAILURES} it goes to the dead letters.`,
        ),
    })
    .transform(({ turn_failed }) => ({ kind: 'turn-failed' as const, times: turn_failed })),
  z.literal('model_away').transform(() => ({ kind: 'model-away' as const, afterMs: MODEL_AWAY_MS })),
  z
    .strictObject({
      model_away: z
        .strictObject({
          after: duration({ min: '1s', max: '7d' }).describe(
            'No turn has got an answer from it for so long.',
          ),
        })
        .describe('The language model cannot be reached, or does not answer.'),
    })
    .transform(({ model_away }) => ({ kind: 'model-away' as const, afterMs: model_away.after })),
  z.literal('tool_failed').transform((): ToolFailed => ({ kind: 'tool-failed', times: 1 })),
  z
    .strictObject({
      tool_failed: z
        .strictObject({
          tools: ToolNames.optional().describe('One of these tools. Left out: any.'),
          times: Times.default(1).describe(
            'So often in one conversation, one after the other, whether or not a human had to agree.',
          ),
        })
        .describe('A tool did not do what it was called for.'),
    })
    .transform(({ tool_failed }): ToolFailed => ({ kind: 'tool-failed', ...tool_failed })),
  z.literal('low_confidence').transform(() => ({ kind: 'low-confidence' as const, below: 0.5 })),
  z
    .strictObject({
      low_confidence: z
        .strictObject({ below: z.number().gt(0).max(1).describe('Less than this, between 0 and 1.') })
        .describe('The agent is not sure of its answer.'),
    })
    .transform(({ low_confidence }) => ({ kind: 'low-confidence' as const, ...low_confidence })),
  z
    .strictObject({
      message: MessageCondition.describe('Somebody writes a message that fits; all must hold.'),
    })
    .transform(({ message }) => ({ kind: 'message' as const, ...message })),
  z.literal('dead_letter').transform(() => ({ kind: 'dead-letter' as const })),
  z.literal('plan_raised').transform(() => ({ kind: 'plan-raised' as const })),
  z.literal('budget').transform(() => ({ kind: 'budget' as const, percent: 100 })),
  z
    .strictObject({
      budget: z
        .strictObject({ percent: z.int().min(1).max(100).describe('So much of it is spent.') })
        .describe('A budget is nearly, or fully, spent.'),
    })
    .transform(({ budget }) => ({ kind: 'budget' as const, ...budget })),
]);
export type TriggerCondition = z.infer<typeof TriggerCondition>;

interface ToolFailed {
  readonly kind: 'tool-failed';
  readonly tools?: readonly string[] | undefined;
  readonly times: number;
}

export const EscalationTrigger = z.strictObject({
  name: z.string().min(1).max(120).optional().describe('What it is for; shown in the audit and to people.'),
  when: TriggerCondition.describe(
    'handoff: somebody asked for a human. `{ turn_failed: 3 }`: a message failed so many times in a row. `{ model_away: { after: 5m } }`: the model does not answer. tool_failed. low_confidence. ' +
      '`{ message: … }`: words, platforms, channels, roles. dead_letter: something could not be handled or delivered. ' +
      'plan_raised: a plan is done only in part, or nobody knows. budget: it is spent.',
  ),
  raise: EscalationName.describe('The policy under `escalations` by which people are called.'),
  severity: Severity.default('warning').describe('How bad it is.'),
});
export type EscalationTrigger = z.infer<typeof EscalationTrigger>;

export const EscalationTriggers = z
  .array(EscalationTrigger)
  .max(100)
  .describe('What makes people be called by itself; every trigger that fits counts.');
export type EscalationTriggers = z.infer<typeof EscalationTriggers>;

export const EscalationWebhook = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine(isEncryptedOrLocal, 'must be https, or an address of this machine')
    .describe('What is called: https, or http on this machine.'),
  secret: SigningSecret.describe('Signs what is sent: whsec_… From the environment.'),
});
export type EscalationWebhook = z.infer<typeof EscalationWebhook>;
