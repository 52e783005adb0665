/**
 * What the agent calls when it does not get on, or somebody wants a human. It only says so: the turn that called it
 * ends, and its commit makes the wish known (`router/handoff-wish`).
 */
import { z } from 'zod';
import type { Tool } from '../domain/tool.ts';

export const HAND_OFF = 'hand_off';

export const HandOffInput = z.strictObject({
  reason: z
    .string()
    .min(1)
    .max(500)
    .describe('Why a human is needed, in one sentence for people; everybody in the conversation reads it.'),
});

/** @param isAnybodyThere whether somebody could come, as the configuration stands */
export function createHandOffTool(isAnybodyThere: () => boolean): Tool<typeof HandOffInput> {
  return {
    name: HAND_OFF,
    group: 'system',
    family: 'control',
    version: 2,
    description:
      'Asks for a human to take this conversation over. Use it when somebody wants to speak to a person, or when you cannot help and somebody else could. You are silent from then on, until you are told otherwise.',
    input: HandOffInput,
    risk: 'low',
    effect: 'idempotent',
    reversible: true,
    inTurn: true,
    deed: 'word',
    timeoutMs: 1_000,
    execute: async () =>
      isAnybodyThere()
        ? {
            status: 'ok',
            text: 'A human is asked to come as soon as this turn is over. End it now, with a sentence at most.',
          }
        : {
            status: 'error',
            text: 'There is nobody who could take over. Say so, and help as well as you can.',
          },
  };
}
