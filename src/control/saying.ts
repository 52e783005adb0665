/** What whoever has a conversation says in it from elsewhere: for people there, and for the agent to know. Pure. */

import { hideReplySecrets } from '../approvals/reply-parser.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { HumanControl } from '../domain/control.ts';
import type { Address } from '../domain/message.ts';
import type { Trust } from '../domain/provenance.ts';
import type { Entry } from '../domain/transcript.ts';
import { hideCodes } from '../identity/link-code.ts';
import type { Effect } from '../redis/effects.ts';
import { saidText } from './bridge-sentences.ts';

export interface Saying {
  readonly words: string;
  /** Of whoever says it, now. */
  readonly trust: Trust;
  /** It holds words of others as well. */
  readonly passesOn: boolean;
  /** Where they are told if it does not arrive; left out, in a place of their own. */
  readonly answerTo?: Address;
}

/** How its key begins in the outbox, where what is not sent is told of by it. */
export const SAID_PREFIX = 'said:';

/**
 * Said under the epoch in which they have it: once somebody else speaks, it is not sent any more.
 *
 * @param gesture the same on every delivery
 */
export function toSaid(
  { conversationId, epoch, owner, origin }: HumanControl,
  gesture: string,
  { words, trust, passesOn, answerTo }: Saying,
  { keepMs, nowMs }: { readonly keepMs: number; readonly nowMs: number },
): Effect[] {
  if (origin === undefined) return [];
  const text = hideCodes(hideReplySecrets(words));
  const entry: Entry = {
    kind: 'user',
    from: owner,
    text,
    trust,
    ...(passesOn ? { passesOn: true as const } : {}),
    at: new Date(nowMs).toISOString(),
  };
  return [
    { kind: 'entry', conversationId, entry, keepMs },
    toOutEffect({
      kind: 'text',
      id: `${SAID_PREFIX}${gesture}`,
      correlation: gesture,
      conversationId,
      to: origin,
      ...(answerTo ? { author: answerTo } : {}),
      requester: owner.person,
      markdown: saidText(owner.name, text),
      epoch,
      atMs: nowMs,
    }),
  ];
}
