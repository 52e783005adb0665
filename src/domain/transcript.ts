/** What was said and done in a conversation, entry by entry; enough to think again from. */
import { z } from 'zod';
import { PersonId } from './ids.ts';

export const CallRecord = z.object({ id: z.string(), tool: z.string(), input: z.unknown() });

export const Usage = z.object({
  inputTokens: z.int(),
  outputTokens: z.int(),
  cacheReadTokens: z.int(),
  cacheWriteTokens: z.int(),
});
export type Usage = z.infer<typeof Usage>;

export const Entry = z.discriminatedUnion('kind', [
  /** Somebody spoke. `trusted`: a known person; anything else is data. */
  z.object({
    kind: z.literal('user'),
    from: z.object({ person: PersonId.optional(), name: z.string() }),
    text: z.string(),
    at: z.iso.datetime(),
  }),
  z.object({
    kind: z.literal('assistant'),
    text: z.string(),
    calls: z.array(CallRecord),
    model: z.string(),
    usage: Usage.optional(),
  }),
  z.object({
    kind: z.literal('tool-result'),
    callId: z.string(),
    status: z.enum(['ok', 'error', 'waiting']),
    text: z.string(),
  }),
  /** The gateway tells the model what happened meanwhile: an approval was decided, a call was run. */
  z.object({ kind: z.literal('event'), text: z.string(), at: z.iso.datetime() }),
]);
export type Entry = z.infer<typeof Entry>;
