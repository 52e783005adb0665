/**
 * Places where one person alone writes to the agent and every message begins a conversation of its own (`room` of a
 * message; a direct message on Slack). Whoever writes there talks to one partner: while a person has a conversation in
 * that room, or is waited for in it, what begins anew there is part of that conversation, and so is from then on what
 * is written in the thread it has begun.
 *
 * Owns      which threads were joined to which conversation.
 * Not here  who has a conversation (`control-store`), what becomes of what is said in it (`standby`).
 *
 * Invariants
 *   1. A thread is joined before anything of it is posted, and once: delivered again, also after the hand-back, it
 *      belongs to the same conversation.
 *   2. What comes from a joined thread is an item of one id there, whoever brings it; so it is handled once.
 *   3. A conversation the agent has a part in is never joined to another.
 *
 * It is looked at as a message comes in, and again right before the agent would begin with it (`redirect`). A person who
 * takes over later than that finds the agent at work in a conversation of its own; it is not called back.
 */
import type { ControlStore } from '../control/control-store.ts';
import { ConversationId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { InboundMessage } from '../domain/message.ts';
import type { Mailbox } from '../mailbox/mailbox.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import { ask, askTogether, type Query } from '../redis/query.ts';

type MessageItem = Extract<MailboxItem, { kind: 'message' }>;

export interface RoomDeps {
  readonly controls: Pick<ControlStore, 'awayIn' | 'knownQuery'>;
  readonly mailbox: Pick<Mailbox, 'post'>;
  /** How long a thread is remembered after it was last written in, in ms. */
  readonly keepMs: () => number;
}

export class Rooms {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly deps: RoomDeps,
  ) {}

  /** The message, in the conversation it belongs to. */
  async settle(message: InboundMessage): Promise<InboundMessage> {
    const { room, conversationId: own, isCommand } = message;
    if (room === undefined) return message;
    // It is delivered once, and what is typed so is one conversation for ever.
    if (isCommand) return partOf(await this.#awayFor(own, room), message);
    const [joined, isKnown] = await askTogether<[ConversationId | undefined, boolean]>(this.redis, [
      this.#joinedTo(own),
      this.deps.controls.knownQuery(own),
    ]);
    if (joined !== undefined || isKnown) return partOf(joined, message);
    return partOf(await this.#join(own, room), message);
  }

  /**
   * Brings something said in a conversation that is not begun yet to the one it belongs to by now.
   *
   * @returns false when that is its own
   */
  async redirect(item: MessageItem): Promise<boolean> {
    const { room, conversationId: own, writtenIn, isCommand } = item.message;
    if (room === undefined || writtenIn !== undefined || isCommand) return false;
    const to = (await ask(this.redis, this.#joinedTo(own))) ?? (await this.#join(own, room));
    if (to === undefined) return false;
    const message = partOf(to, item.message);
    await this.deps.mailbox.post({
      conversationId: to,
      item: { ...item, id: itemIdOf(message), message },
      whose: 'any',
      takeNow: false,
    });
    return true;
  }

  async #join(own: ConversationId, room: string): Promise<ConversationId | undefined> {
    const to = await this.#awayFor(own, room);
    if (to === undefined) return undefined;
    const key = this.keys.joined(own);
    const before = await this.redis.call('set', key, to, 'nx', 'get', 'px', this.deps.keepMs());
    return typeof before === 'string' ? ConversationId.parse(before) : to;
  }

  /** The newest; undefined where there is none, or where it is in its own already. */
  async #awayFor(own: ConversationId, room: string): Promise<ConversationId | undefined> {
    const away = await this.deps.controls.awayIn(room);
    const ids = away.map(({ conversationId }) => conversationId);
    return ids.includes(own) ? undefined : ids[0];
  }

  #joinedTo(own: ConversationId): Query<ConversationId | undefined> {
    return {
      command: ['getex', this.keys.joined(own), 'px', this.deps.keepMs()],
      read: (stored) => (typeof stored === 'string' ? ConversationId.parse(stored) : undefined),
    };
  }
}

/** Under which a message stands in a mailbox. In the one of its own it may have stood before. */
export function itemIdOf({ id, writtenIn }: Pick<InboundMessage, 'id' | 'writtenIn'>): string {
  return writtenIn === undefined ? id : `joined:${id}`;
}

function partOf(to: ConversationId | undefined, message: InboundMessage): InboundMessage {
  return to === undefined ? message : { ...message, conversationId: to, writtenIn: message.conversationId };
}
