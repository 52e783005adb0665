/**
 * What Discord says in messages, in our words. Pure: no client, no clock, no logging.
 *
 * Invariants
 *   1. One message has one id, however often it arrives: live, replayed after a resume, read again from the history.
 *   2. Talk of others that is not for us goes no further, except in threads, where the core knows what we are part of.
 *   3. An edit or a removal is a revision, never a message. Our own messages are nothing at all.
 */
import { AccountId, ConversationId, MessageId, namesEscalation, Platform } from '../../src/domain/ids.ts';
import type {
  Address,
  Attachment,
  InboundMessage,
  InboundRevision,
  Sender,
} from '../../src/domain/message.ts';
import { fromDiscordMarkdown, withoutMention } from './discord-markdown.ts';
import {
  type Message,
  type Attachment as NativeAttachment,
  SPOKEN_TYPES,
  timeOf,
  type User,
} from './schema.ts';

export const DISCORD: Platform = Platform.parse('discord');

/** Who we are. */
export interface Identity {
  readonly userId: string;
  readonly applicationId: string;
  /** The role that came with us in the server a message was said in; undefined where there is none, or it does not matter. */
  readonly role?: string | undefined;
}

/** Where a message was said. */
export interface Spot {
  readonly channel: string;
  /** Undefined in direct messages. */
  readonly guild: string | undefined;
  /** Undefined when it is no thread. `ours`: we opened it; on the answer to `command`, if it was one. */
  readonly thread:
    | {
        readonly ours: boolean;
        readonly command?: string | undefined;
        /** The channel it is in. */
        readonly parent: string | undefined;
      }
    | undefined;
  /** An answer opens a thread on the message, so that the channel stays readable. */
  readonly opensThread: boolean;
}

/** Files per message that are handed on; Discord itself takes 10 (docs.discord.com, Create Message). */
const MAX_ATTACHMENTS = 10;

/** Longest file name a message of ours holds. */
const MAX_NAME_CHARS = 255;

/** Undefined when nobody spoke to us: our own messages, joins and pins, talk of others. */
export function toInboundMessage(message: Message, spot: Spot, us: Identity): InboundMessage | undefined {
  if (!isSpoken(message, us)) return undefined;
  const addressedToBot = isAddressed(message, spot, us);
  const text = textOf(message, us);
  const attachments = (message.attachments ?? []).slice(0, MAX_ATTACHMENTS).map(toAttachment);
  // Without the message-content intent what others say arrives empty: there is nothing to hand on.
  const isEmpty = text === '' && attachments.length === 0;
  const isOurs = addressedToBot || namesEscalation(text);
  if (!isOurs && (spot.thread === undefined || isEmpty)) return undefined;

  const { channel, guild } = spot;
  const answered = message.referenced_message;
  return {
    kind: 'message',
    id: messageId(guild, channel, message.id),
    // A thread opened from a message has the message's id (docs.discord.com, Start Thread from Message).
    conversationId: conversationId(guild, spot.opensThread ? message.id : (spot.thread?.command ?? channel)),
    sender: senderOf(message, guild),
    text,
    ...(attachments.length === 0 ? {} : { attachments }),
    addressedToBot,
    // Read from the history, it may have been changed since it was written.
    ...(message.edited_timestamp === undefined ? {} : { edited: true as const }),
    sentAt: new Date(timeOf(message.id)).toISOString(),
    replyTo: replyAddress(message, spot, text),
    ...(answered?.author.id === us.userId ? { inReplyTo: messageId(guild, channel, answered.id) } : {}),
  };
}

/** True for what a person, or another bot, said; not for what the channel notes about itself, and not for us. */
export function isSpoken(message: Message, us: Identity): boolean {
  return (
    SPOKEN_TYPES.includes(message.type) && message.author.id !== us.userId && message.author.system !== true
  );
}

/** Readable from the message alone: they named us, by the role that is ours alone too, or answered us. */
export function isForUs(message: Message, us: Identity): boolean {
  return (
    message.guild_id === undefined ||
    (message.mentions ?? []).some(({ id }) => id === us.userId) ||
    namesOurRole(message, us) ||
    message.referenced_message?.author.id === us.userId
  );
}

function namesOurRole({ mention_roles: roles = [] }: Message, us: Identity): boolean {
  return us.role !== undefined && roles.includes(us.role);
}

function isAddressed(message: Message, { guild, thread }: Spot, us: Identity): boolean {
  return guild === undefined || isForUs(message, us) || thread?.ours === true;
}

/**
 * What somebody says to our role arrives empty without the message-content intent, even the mention itself. That it
 * cannot be read is then all there is to answer to.
 */
const UNREAD_WORDS =
  'I mentioned your role. Discord shows you what I wrote only if I mention you yourself, so you cannot read this message.';

function textOf(message: Message, us: Identity): string {
  const { content = '' } = message;
  if (content === '' && namesOurRole(message, us)) return UNREAD_WORDS;
  return fromDiscordMarkdown(withoutMention(content, us), namesOf(message));
}

/**
 * How those whom a message mentions are called in it: by what nobody can make a sentence of. What people call themselves
 * would stand among the words of whoever mentions them, as if these had written it.
 */
export function namesOf({ mentions = [] }: Pick<Message, 'mentions'>): {
  users: ReadonlyMap<string, string>;
} {
  return {
    users: new Map(mentions.map(({ id, username = '' }) => [id, HANDLE.test(username) ? username : id])),
  };
}

/** Of a person (docs.discord.com, Usernames and Nicknames); of an app it may be anything. */
const HANDLE = /^[a-z0-9_.]{2,32}$/;

export function toAttachment(file: NativeAttachment): Attachment {
  return {
    name: file.filename.slice(0, MAX_NAME_CHARS) || 'unnamed',
    mediaType: file.content_type ?? 'application/octet-stream',
    bytes: file.size,
    ref: file.url,
  };
}

/** The longest name of a thread (docs.discord.com, Start Thread from Message). */
const MAX_THREAD_NAME_CHARS = 100;

/** What a thread about this is called. */
export function threadNameOf(text: string): string {
  return text.split('\n')[0]?.trim().slice(0, MAX_THREAD_NAME_CHARS).trim() || 'Conversation';
}

function replyAddress(message: Message, spot: Spot, text: string): Address {
  const { channel, guild, thread, opensThread } = spot;
  const where = routeTo({ guild, channel, parent: thread?.parent });
  if (!opensThread) return { platform: DISCORD, route: { ...where, reply: message.id } };
  return { platform: DISCORD, route: { ...where, thread: message.id, title: threadNameOf(text) } };
}

/** A channel; a thread names the one it is in, as what is configured for that holds in it. */
export function routeTo({
  guild,
  channel,
  parent,
}: {
  readonly guild: string | undefined;
  readonly channel: string;
  readonly parent: string | undefined;
}): Address['route'] {
  return {
    channel,
    ...(guild === undefined ? {} : { guild }),
    ...(parent === undefined ? {} : { parent }),
  };
}

/** Undefined when only an embed changed, and for our own messages. */
export function toEdit(message: Message, us: Identity): InboundRevision | undefined {
  if (message.edited_timestamp === undefined || !isSpoken(message, us)) return undefined;
  const { guild_id: guild, channel_id: channel } = message;
  const of = messageId(guild, channel, message.id);
  return {
    kind: 'revision',
    id: MessageId.parse(`${of}:edited:${message.edited_timestamp}`),
    conversationId: conversationId(guild, channel),
    sender: senderOf(message, guild),
    of,
    change: 'edited',
  };
}

/** Discord does not say whose message it was, so the message as it was handed on is needed. */
export function toRemoval(
  removed: Pick<InboundMessage, 'id' | 'conversationId' | 'sender'>,
): InboundRevision {
  return {
    kind: 'revision',
    id: MessageId.parse(`${removed.id}:deleted`),
    conversationId: removed.conversationId,
    sender: removed.sender,
    of: removed.id,
    change: 'deleted',
  };
}

function senderOf(message: Message, guild: string | undefined): Sender {
  const { author, member, webhook_id: webhook } = message;
  return {
    ...toSender(author, guild, member),
    automatic: author.bot === true || webhook !== undefined,
  };
}

/** A person as Discord names them; what their roles are worth is configured. */
export function toSender(
  user: User,
  guild: string | undefined,
  member: { nick?: string | undefined; roles?: readonly string[] | undefined } | undefined,
): Sender {
  const roles = member?.roles ?? [];
  return {
    account: accountOf(user.id),
    displayName: member?.nick ?? nameOf(user),
    ...(guild === undefined || roles.length === 0
      ? {}
      : { groups: roles.map((role) => `${DISCORD}:${guild}/${role}`) }),
    authenticated: true,
    automatic: user.bot === true,
  };
}

export function nameOf(user: User): string {
  return user.global_name ?? user.username ?? user.id;
}

export function accountOf(user: string): AccountId {
  return AccountId.parse(`${DISCORD}:${user}`);
}

export function messageId(guild: string | undefined, channel: string, message: string): MessageId {
  return MessageId.parse(`${DISCORD}:${guild ?? 'dm'}:${channel}:${message}`);
}

export function conversationId(guild: string | undefined, channel: string): ConversationId {
  return ConversationId.parse(`${DISCORD}:${guild ?? 'dm'}:${channel}`);
}
