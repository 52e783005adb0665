/** Whether anything of one conversation is still to be handled, or to be sent to one place. */
import { outboxOf, toOutEffect } from '../delivery/outbox.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import { partitionOf } from '../redis/keys.ts';
import type { OpenStores } from './with-stores.ts';

/**
 * An item stays in its lane until what it led to is written in the same step, so nothing is ever between two
 * lanes: both empty means that all is done, but for what waits for a human.
 */
export async function isAllDone(
  { redis, keys }: Pick<OpenStores, 'redis' | 'keys'>,
  conversationId: ConversationId,
  to: Address,
): Promise<boolean> {
  const partition = partitionOf(conversationId);
  const outbound = keys.items(partition, outboxOf(to.platform), outboundLane(conversationId, to));
  return (await redis.exists(keys.items(partition, 'm', conversationId), outbound)) === 0;
}

/** As the outbox itself names it for whatever goes there. */
function outboundLane(conversationId: ConversationId, to: Address): string {
  const effect = toOutEffect({
    kind: 'text',
    id: '',
    correlation: '',
    conversationId,
    to,
    markdown: '',
    atMs: 0,
  });
  return effect.kind === 'out' ? effect.lane : '';
}
