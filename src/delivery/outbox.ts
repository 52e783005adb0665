/**
 * The outbox: what waits to be sent, as keyed queues, one per platform, a lane per conversation and destination.
 *
 * So posts of one conversation to one place keep their order, and a slow platform, or one refused message, holds
 * up nobody else. An item is written in the same step as the decision that caused it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Page } from '../domain/escalation/pager.ts';
import { AccountId, ApprovalId, ConversationId, PersonId } from '../domain/ids.ts';
import { Address, Button, type InboundMessage, OutFile, Picker } from '../domain/message.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Effect, Once } from '../redis/effects.ts';
import { type Keys, partitionOf, type QueueName } from '../redis/keys.ts';

const request = { approvalId: ApprovalId, gen: z.int() };

/** A request that a text is about: the text is sent only while it is true of it. */
export const AboutApproval = z.discriminatedUnion('kind', [
  /** Beside one copy of its card; its words are those that are true when it is sent. */
  z.object({ kind: z.literal('reminder'), ...request, copyId: z.string() }),
  /** Somebody wants to know something first. */
  z.object({ kind: z.literal('question'), ...request }),
  /** That it waits, and nobody can be asked. */
  z.object({ kind: z.literal('unasked'), ...request }),
  /** That it cannot be brought to somebody who may decide it. */
  z.object({ kind: z.literal('undelivered'), approvalId: ApprovalId }),
]);
export type AboutApproval = z.infer<typeof AboutApproval>;

const common = {
  /** Idempotency key of the message; derived from what caused it. */
  id: z.string(),
  correlation: z.string(),
  conversationId: ConversationId,
  to: Address,
  /** Where whoever caused it is told when it cannot be delivered; absent where that would be the same place. */
  author: Address.optional(),
  /** Whoever asked for what this answers: told in a place of their own, where `to` is the one that fails. */
  requester: PersonId.optional(),
  atMs: z.int(),
};

export const OutboxItem = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('text'),
    markdown: z.string(),
    /** Whose message it answers; stands for `requester`, where that is not known. */
    saidTo: AccountId.optional(),
    /** The progress message that this text takes the place of. */
    replaces: z.string().optional(),
    /**
     * Key of a reply that will not come: this takes the place of its progress, which is looked for in `replaces` first,
     * and is not said where there is none.
     */
    progressOf: z.string().optional(),
    /** An earlier attempt at the same turn may have sent a message under this key already. */
    mayExist: z.boolean().optional(),
    files: z.array(OutFile).optional(),
    /** The turn epoch it belongs to: once the conversation is at a later one, it is not said any more. */
    epoch: z.int().optional(),
    buttons: z.array(Button).optional(),
    about: AboutApproval.optional(),
  }),
  /** Bring one copy of an approval's card up to date, whatever that takes when its turn comes. */
  z.object({
    ...common,
    kind: z.literal('card'),
    approvalId: ApprovalId,
    copyId: z.string(),
    /** The face this is about: at least this much is shown once it was sent. */
    face: z.int(),
  }),
  /** What somebody, or a channel, is called about; what is no longer true when its turn comes is left out. */
  z.object({
    ...common,
    kind: z.literal('page'),
    person: PersonId.optional(),
    /** The channel, where it is called. */
    channel: z.string().optional(),
    pages: z.array(Page).min(1),
  }),
  z.object({
    ...common,
    kind: z.literal('notice'),
    markdown: z.string(),
    onlyFor: AccountId,
    openly: z.string().optional(),
    buttons: z.array(Button).optional(),
    pick: Picker.optional(),
  }),
]);
export type OutboxItem = z.infer<typeof OutboxItem>;

export function outboxOf(platform: string): QueueName {
  return `o.${platform}`;
}

/** What waits to be sent, for those who must not get ahead of it. */
export class Outbox {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** Whether everything this conversation had to say there was sent. */
  async isEmpty(conversationId: ConversationId, to: Address): Promise<boolean> {
    const lane = laneOf({ conversationId, to });
    const items = this.keys.items(partitionOf(conversationId), outboxOf(to.platform), lane);
    return (await this.redis.exists(items)) === 0;
  }
}

/** A text for whoever sent a message, where they sent it; for them alone where they gave a command. */
export function toSender(
  message: InboundMessage,
  { id, markdown, atMs }: { readonly id: string; readonly markdown: string; readonly atMs: number },
): OutboxItem {
  const item = {
    id,
    correlation: message.id,
    conversationId: message.conversationId,
    to: message.replyTo,
    markdown,
    atMs,
  };
  const { account, authenticated, automatic } = message.sender;
  if (message.isCommand) return { kind: 'notice', ...item, onlyFor: account };
  // Whoever it may not have been is told nothing elsewhere.
  return { kind: 'text', ...item, ...(authenticated && !automatic ? { saidTo: account } : {}) };
}

/** Posts an item; the lane, and so the order, is the conversation and the destination. */
export function toOutEffect(item: OutboxItem, options: { once?: Once; session?: string } = {}): Effect {
  return { kind: 'out', queue: outboxOf(item.to.platform), lane: laneOf(item), item, ...options };
}

/** Keys of a route that say where something goes; the others say how. */
const PLACE_KEYS: ReadonlySet<string> = new Set([
  'to',
  'channel',
  'user',
  'thread',
  'session',
  'issue',
  'client',
]);

function laneOf({ conversationId, to }: Pick<OutboxItem, 'conversationId' | 'to'>): string {
  return `${conversationId}|${createHash('sha256').update(routeOf(to)).digest('base64url').slice(0, 10)}`;
}

/** Where something goes, the same for all that goes there. */
export function placeOf(to: Address): string {
  return `${to.platform}|${routeOf(to)}`;
}

function routeOf(to: Address): string {
  return (
    Object.entries(to.route)
      // Where a mail thread stands changes with every mail; the person it goes to does not.
      .filter(([key]) => PLACE_KEYS.has(key))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`)
      .join('&')
  );
}
