/**
 * One line of the audit: something that happened, who did it, where, and which request it belongs to.
 *
 * Every communication, every authorisation check and every change of an approval has exactly one. The store adds
 * sequence, time and the hash of the entry before.
 */
import { z } from 'zod';

export const AuditEvent = z.object({
  /** `message.received`, `message.sent`, `message.undeliverable`, `turn.done`, `approval.<event>`, `authorization.<allow|deny>`, `config.<…>` … */
  event: z.string().min(1),
  /** Ties every entry of one request together: the id of the message that began it. */
  correlation: z.string(),
  /** Person, account, or `system`. */
  actor: z.string(),
  /** Conversation, approval, file: what it happened to. */
  subject: z.string(),
  channel: z.string().optional(),
  /** Facts, small; never a message body, never a secret. */
  detail: z.record(z.string(), z.unknown()).optional(),
  /**
   * What people were asked, and what they said about it, word for word: all of an approval's record, to rebuild it from.
   * It stands beside the entry, which holds a digest of it, and is erased with the people it is of.
   */
  words: z.record(z.string(), z.unknown()).optional(),
});
export type AuditEvent = z.infer<typeof AuditEvent>;
