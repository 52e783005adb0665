/** `research` of `settings.yaml`: how much the agent may have looked into beside a turn. */
import { z } from 'zod';
import { duration } from './duration.ts';

export const ResearchSettings = z.strictObject({
  concurrency: z
    .int()
    .min(1)
    .max(20)
    .default(3)
    .describe('Most questions of one turn that are looked into at the same time.'),
  questions: z.int().min(1).max(20).default(5).describe('Most questions of one call.'),
  steps: z.int().min(1).max(50).default(8).describe('Most calls to the model for one question.'),
  tokens: z
    .int()
    .min(1_000)
    .max(100_000_000)
    .default(200_000)
    .describe('Most tokens for one question, counted as under `budgets`. They count for the turn as well.'),
  timeout: duration({ min: '1s', max: '30m' })
    .prefault('3m')
    .describe('For one question. Then it ends with what was found until then.'),
});
export type ResearchSettings = z.infer<typeof ResearchSettings>;
