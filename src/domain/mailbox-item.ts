/** What wakes a conversation: somebody spoke, or something it was waiting for came to an end. */
import { z } from 'zod';
import { ApprovalState } from './approval/record.ts';
import { MessageDirectives } from './directive.ts';
import { ApprovalId, PersonId } from './ids.ts';
import { InboundMessage } from './message.ts';
import { RoleName } from './person.ts';

/** Failed handlings of one item before it goes to the dead letters. */
export const MOST_FAILURES = 6;

export const MailboxItem = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('message'),
    id: z.string(),
    correlation: z.string(),
    message: InboundMessage,
    /** What its author asked for beside the text, which does not hold it any more. */
    directives: MessageDirectives.optional(),
    receivedAt: z.iso.datetime(),
    /** Its time has come, as it was planned: nobody speaks now, and no rule for what somebody says is for it. */
    planned: z.literal(true).optional(),
    /** The audit has its entry on this message: it was handled before, to no good end. */
    recorded: z.boolean().optional(),
    /** Who that was when the message came in; undefined for somebody who is not in `contacts.yaml`. */
    requester: z.object({ person: PersonId, name: z.string(), roles: z.array(RoleName) }),
  }),
  z.object({
    kind: z.literal('approval'),
    id: z.string(),
    correlation: z.string(),
    approvalId: ApprovalId,
    /** The state it came to: APPROVED asks to run the call, anything else to tell what came of it. */
    state: ApprovalState,
  }),
  /** Somebody asked for a new context: what stands before this is not shown to the model any more. */
  z.object({
    kind: z.literal('new-context'),
    id: z.string(),
    correlation: z.string(),
    by: z.object({ person: PersonId, name: z.string() }),
    at: z.iso.datetime(),
  }),
  /** A person handed the conversation back; what stands before this was said to them. */
  z.object({ kind: z.literal('handback'), id: z.string(), correlation: z.string(), epoch: z.int() }),
]);
export type MailboxItem = z.infer<typeof MailboxItem>;
