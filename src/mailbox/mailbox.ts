/**
 * The mailbox: what each conversation still has to deal with, and the door through which everything enters.
 *
 * Invariants
 *   1. An item id is accepted once, in the same step that appends it; posting it again changes nothing.
 *   2. Items of one conversation are handled in the order they were posted, one at a time, across all processes.
 */
import { ConversationId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { RedisClient } from '../redis/client.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';
import { type Claim, toStrings } from './keyed-queue.ts';
import type { WorkerSession } from './session.ts';

const postScript = loadScript('post', import.meta.url);

export type Posted =
  | { readonly kind: 'stored' }
  /** Stored, and leased to this process in the same step, because nobody else was waiting for a turn. */
  | { readonly kind: 'taken'; readonly claim: Claim }
  | { readonly kind: 'duplicate' }
  /** Not addressed to us, in a conversation we are no part of. */
  | { readonly kind: 'stranger' };

export interface Post {
  readonly conversationId: ConversationId;
  readonly item: MailboxItem;
  /** `known`: take the item only if the conversation is one of ours already. */
  readonly whose: 'any' | 'known';
  /** This process has room to handle it at once. */
  readonly takeNow: boolean;
}

export class Mailbox {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly session: WorkerSession,
    /** How long an item id is remembered, in ms: longer than any platform keeps retrying a delivery. */
    private readonly rememberMs: () => number,
    private readonly historyEntries: number,
  ) {}

  /** Resolves once the item is stored (by the server's own durability setting). */
  async post({ conversationId, item, whose, takeNow }: Post): Promise<Posted> {
    const partition = partitionOf(conversationId);
    const session = this.session.id;
    const signal = this.session.signal;
    const json = JSON.stringify(item);
    const reply = await runScript(
      this.redis,
      postScript,
      [this.keys.seen(partition, item.id), this.keys.items(partition, 'm', conversationId)],
      [
        this.keys.partition(partition),
        conversationId,
        this.rememberMs(),
        json,
        takeNow ? session : '',
        this.historyEntries,
        whose,
      ],
    );
    const [code, fence, entries] = Array.isArray(reply) ? reply : [];
    switch (Number(code)) {
      case 0:
        return { kind: 'duplicate' };
      case 1:
        return { kind: 'stored' };
      case 2:
        return {
          kind: 'taken',
          claim: {
            queue: 'm',
            partition,
            lane: conversationId,
            fence: String(fence),
            step: '0',
            session,
            attempt: 1,
            failures: 0,
            item: json,
            entries: toStrings(entries),
            signal,
          },
        };
      case 3:
        return { kind: 'stranger' };
      default:
        throw new Error(`the post script answered ${JSON.stringify(reply)}`);
    }
  }
}

/** The conversation a mailbox claim is about. */
export function conversationOf(claim: Claim): ConversationId {
  return ConversationId.parse(claim.lane);
}
