/** What stands behind the `+` of our address, or in the subject where tags do not work. Pure. */
import type { ConversationId } from '../../src/domain/ids.ts';
import { withTag } from './addresses.ts';
import { conversationHash } from './thread.ts';

/** In the subject when mail to name+tag@ does not arrive. */
export const SUBJECT_TOKEN = /\[#([a-z0-9]{20,})\]/i;

/** The envelope's sender: a bounce comes back to it and names the conversation. */
export const BOUNCE_TAG = /^b-([a-z2-7]{26})$/;

export function subjectToken(token: string): string {
  return `[#${token}]`;
}

export function bounceAddress(own: string, conversation: ConversationId): string {
  return withTag(own, `b-${conversationHash(conversation)}`);
}
