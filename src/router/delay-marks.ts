/**
 * By which item people in a conversation were told that the language model is away, so that they are told once, whatever
 * waits there and however often it answers in between.
 *
 * It is forgotten an hour after the next try of that item is due: whoever waits then waits for another reason, or has
 * not been told.
 */
import { z } from 'zod';
import type { ConversationId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { readTimed } from '../redis/record-store.ts';

/** So long after its next try was due, being away is another matter, in ms. */
const QUIET_MS = 60 * 60_000;

const Mark = z.object({ item: z.string(), untilMs: z.number() });

export class DelayMarks {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /**
   * The model could not be reached for this item just now. Whoever holds the conversation's lease alone may ask.
   *
   * @param pauseMs until it is tried again
   * @returns whether it is the item by which people are told: the first one, at each of its tries
   */
  async isTold(conversationId: ConversationId, item: string, pauseMs: number): Promise<boolean> {
    const key = this.keys.delayed(conversationId);
    const prefix = this.keys.partition(partitionOf(conversationId));
    const { document, nowMs } = await readTimed(this.redis, key, prefix);
    const known = typeof document === 'string' ? Mark.parse(JSON.parse(document)) : undefined;
    const first = known && nowMs < known.untilMs ? known.item : item;
    // Only what was told of keeps others from it: what waits behind it without end is told of an hour later.
    if (first !== item) return false;
    const forMs = Math.ceil(pauseMs) + QUIET_MS;
    await this.redis.set(key, JSON.stringify({ item, untilMs: nowMs + forMs }), 'PX', forMs);
    return true;
  }
}
