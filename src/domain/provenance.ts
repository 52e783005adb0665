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

/** Whose words a text is, as its tool names them, and how far they are trusted. Absent: its tool's. */
export const Whose = z.object({
  source: z.string().optional(),
  trust: Trust.optional(),
  /** What its tool says of it itself, where the words are somebody else's; told in front of them. */
  heading: z.string().optional(),
});
export type Whose = z.infer<typeof Whose>;

/** That alone, of what came of a call. */
export function whoseOf({ source, trust, heading }: Whose): Whose {
  return {
    ...(source === undefined ? {} : { source }),
    ...(trust === undefined ? {} : { trust }),
    ...(heading === undefined ? {} : { heading }),
  };
}

/** Whether anybody may have written it, so that doing what it says needs a human. */
export function isStrangers(trust: Trust): boolean {
  return trust === 'outsider' || trust === 'web';
}
