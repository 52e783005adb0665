/** What the author of a message asks of the turn it brings about, beside the text: words with a slash at its beginning. */
import { z } from 'zod';
import { ApprovalId } from './ids.ts';

/**
 *   think       think longer before answering
 *   verbose     tell more of it
 *   reasoning   show how the answer was found
 *   elevated    with tools that are kept back otherwise
 */
export const MessageDirective = z.enum(['think', 'verbose', 'reasoning', 'elevated']);
export type MessageDirective = z.infer<typeof MessageDirective>;

/** How much of the instructions the model is given. What keeps people safe is in each of them. */
export const PromptMode = z.enum(['full', 'minimal', 'none']);
export type PromptMode = z.infer<typeof PromptMode>;

/** Which groups of tools a turn has. */
export const ToolProfile = z.enum(['minimal', 'coding', 'messaging', 'full']);
export type ToolProfile = z.infer<typeof ToolProfile>;

/** Of one message, and of it alone. */
export const MessageDirectives = z.object({
  asked: z.array(MessageDirective),
  mode: PromptMode.optional(),
  profile: ToolProfile.optional(),
  /** What a later one took the place of, as it was written: `/coding`. */
  overridden: z.array(z.string()),
  /** Set by the gateway: until then, in ms, it has what is kept for elevated messages. */
  elevation: z
    .object({
      untilMs: z.int(),
      /** Of the request by which somebody agreed. Absent: its author may lift that, as long as they may. */
      approvalId: ApprovalId.optional(),
    })
    .optional(),
});
export type MessageDirectives = z.infer<typeof MessageDirectives>;
