/** `purpose.yaml`: what the agent is for and how it speaks. */
import { z } from 'zod';

export const Purpose = z
  .strictObject({
    name: z.string().min(1).max(80).describe('What the agent is called and answers to.'),
    purpose: z
      .string()
      .min(1)
      .describe('What the agent is for, in a few sentences. Begins its instructions.'),
    principles: z
      .array(z.string().min(1))
      .default([])
      .describe('What it always keeps to, one sentence each.'),
    answer_style: z.string().min(1).optional().describe('How answers should read: length, tone, form.'),
    language: z
      .string()
      .min(2)
      .optional()
      .describe(
        'Language of the answers, e.g. `en` or `German`. Left out: the language of the person asking.',
      ),
  })
  .describe('What the agent is for.');
export type Purpose = z.infer<typeof Purpose>;
