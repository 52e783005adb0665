/** `escalation.yaml`: how long an approval waits, and who hears about it meanwhile. */
import { z } from 'zod';
import { Platform } from '../domain/ids.ts';
import { duration } from './duration.ts';

/** Times are in milliseconds once parsed. */
export const EscalationPolicy = z.strictObject({
  deadline: duration({ min: '1s', max: '365d' }).describe('How long an approval waits for an answer.'),
  remind_after: z
    .array(duration({ min: '1s' }))
    .default([])
    .describe('When to remind, counted from the question; each before the deadline, in order.'),
  warn_before: duration({ min: '1s' })
    .optional()
    .describe('How long before the deadline the last warning goes out. Left out: no warning.'),
  valid_for: duration({ min: '1s', max: '7d' })
    .prefault('15m')
    .describe('How long a yes may wait for its execution; after that it is withdrawn.'),
  approve_from: z
    .array(Platform)
    .min(1)
    .optional()
    .describe('Platforms a yes may come from; a no may come from anywhere. Left out: all.'),
  on_timeout: z
    .enum(['expire'])
    .default('expire')
    .describe('expire: the action does not run, and everybody is told it expired, not that it was refused.'),
});
export type EscalationPolicy = z.infer<typeof EscalationPolicy>;

export const EscalationConfig = z
  .strictObject({
    policies: z
      .object({ default: EscalationPolicy.describe('For every rule that names no policy.') })
      .catchall(EscalationPolicy)
      .describe('Policy name to policy; `default` is required.'),
  })
  .describe('How long an approval waits, and who hears about it.');
export type EscalationConfig = z.infer<typeof EscalationConfig>;
