/**
 * What the agent calls to say how sure it is. It only says so: where a trigger of the configuration asks for it, the
 * turn's commit makes people be called.
 */
import { z } from 'zod';
import type { Tool } from '../domain/tool.ts';

export const STATE_CONFIDENCE = 'state_confidence';

export const ConfidenceInput = z.strictObject({
  confidence: z
    .number()
    .min(0)
    .max(1)
    .describe('How sure you are that your answer is right: 0 not at all, 1 fully.'),
  about: z.string().min(1).max(500).describe('What you are not sure of, in one sentence for people.'),
});

export function createConfidenceTool(): Tool<typeof ConfidenceInput> {
  return {
    name: STATE_CONFIDENCE,
    group: 'system',
    family: 'control',
    version: 2,
    description:
      'Says how sure you are of what you answer. Use it whenever you are not sure, before you answer; whoever runs this gateway may have somebody look at it.',
    input: ConfidenceInput,
    risk: 'low',
    effect: 'idempotent',
    reversible: true,
    inTurn: true,
    deed: 'word',
    timeoutMs: 1_000,
    execute: async () => ({ status: 'ok', text: 'Noted. Answer now, and say what you are not sure of.' }),
  };
}
