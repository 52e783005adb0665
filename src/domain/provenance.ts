/** Whose words a text is, as far as that is known: what it may bring about depends on it. */
import { z } from 'zod';

/**
 *   owner     somebody who runs this gateway or may change its configuration
 *   member    somebody of `contacts.yaml`
 *   outsider  anybody else, also where a member passes their words on: a file, an issue, a mailbox
 *   tool      a tool that tells of what it knows itself
 *   web       a page
 */
export const Trust = z.enum(['owner', 'member', 'outsider', 'tool', 'web']);
export type Trust = z.infer<typeof Trust>;

/** Whether anybody may have written it, so that doing what it says needs a human. */
export function isStrangers(trust: Trust): boolean {
  return trust === 'outsider' || trust === 'web';
}
