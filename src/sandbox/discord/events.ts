/** What the gateway tells the app: name, who gets it, and what it says to a connection with these intents. Pure. */
import { GUILD } from '../people.ts';
import { inGuild, type Payload, type SharedView, toMessageEvent, toThread } from './wire.ts';
import type { DiscordMessage, Thread, World } from './world.ts';

/** Gateway intents (Gateway, List of Intents). */
export const INTENT = {
  guilds: 1 << 0,
  guildMembers: 1 << 1,
  guildPresences: 1 << 8,
  guildMessages: 1 << 9,
  guildReactions: 1 << 10,
  directMessages: 1 << 12,
  directReactions: 1 << 13,
  messageContent: 1 << 15,
} as const;

export interface GatewayEvent {
  readonly name: string;
  /** A connection gets it with any of these; 0: always. */
  readonly intents: number;
  /** Undefined for direct messages, which go to shard 0. */
  readonly guild: string | undefined;
  /** An app that may not see this channel does not get it. */
  readonly channel?: string;
  /** `content`: the connection has the message-content intent. */
  toData(content: boolean): Payload;
}

export function messageCreated(message: DiscordMessage, view: SharedView): GatewayEvent {
  return messageEvent('MESSAGE_CREATE', message, view);
}

export function messageUpdated(message: DiscordMessage, view: SharedView): GatewayEvent {
  return messageEvent('MESSAGE_UPDATE', message, view);
}

export function messageDeleted({ id, channel }: DiscordMessage, world: World): GatewayEvent {
  const guild = guildOf(channel, world);
  return {
    name: 'MESSAGE_DELETE',
    intents: messageIntents(guild),
    guild,
    channel,
    toData: () => ({ id, channel_id: channel, ...guildId(guild) }),
  };
}

export function threadEvent(
  name: 'THREAD_CREATE' | 'THREAD_UPDATE',
  thread: Thread,
  world: World,
): GatewayEvent {
  return {
    name,
    intents: INTENT.guilds,
    guild: GUILD.id,
    channel: thread.id,
    toData: () => ({
      ...toThread(world, thread),
      ...(name === 'THREAD_CREATE' ? { newly_created: true } : {}),
    }),
  };
}

export function reactionEvent(
  name: 'MESSAGE_REACTION_ADD' | 'MESSAGE_REACTION_REMOVE',
  { id, channel, author }: DiscordMessage,
  { emoji, user }: { emoji: string; user: string },
  world: World,
): GatewayEvent {
  const guild = guildOf(channel, world);
  return {
    name,
    intents: guild === undefined ? INTENT.directReactions : INTENT.guildReactions,
    guild,
    channel,
    toData: () => ({
      user_id: user,
      channel_id: channel,
      message_id: id,
      message_author_id: author,
      emoji: { id: null, name: emoji },
      burst: false,
      type: 0,
      ...guildId(guild),
    }),
  };
}

export function typingEvent(channel: string, user: string, atMs: number, world: World): GatewayEvent {
  const guild = guildOf(channel, world);
  return {
    name: 'TYPING_START',
    intents: guild === undefined ? 1 << 14 : 1 << 11,
    guild,
    channel,
    toData: () => ({
      channel_id: channel,
      user_id: user,
      timestamp: Math.floor(atMs / 1_000),
      ...guildId(guild),
    }),
  };
}

function messageEvent(name: string, message: DiscordMessage, view: SharedView): GatewayEvent {
  const guild = guildOf(message.channel, view.world);
  return {
    name,
    intents: messageIntents(guild),
    guild,
    channel: message.channel,
    toData: (content) => toMessageEvent(message, { ...view, content }),
  };
}

function messageIntents(guild: string | undefined): number {
  return guild === undefined ? INTENT.directMessages : INTENT.guildMessages;
}

export function guildOf(channel: string, world: World): string | undefined {
  return inGuild(world, channel) ? GUILD.id : undefined;
}

function guildId(guild: string | undefined): Payload {
  return guild === undefined ? {} : { guild_id: guild };
}
