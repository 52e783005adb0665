/** The world in Discord's words: users, channels and messages as the app gets to see them. Pure. */
import type { Clock } from '../../domain/clock.ts';
import { BOT, DISCORD_CHANNELS, GUILD, GUILD_ROLES, PEOPLE } from '../people.ts';
import { NONCE_LIFETIME_MS } from './limits.ts';
import { EPHEMERAL, HAS_THREAD, LOADING } from './message-rules.ts';
import type { Permissions } from './permissions.ts';
import type {
  Attachment,
  Command,
  DiscordMessage,
  InteractionRecord,
  Place,
  Thread,
  World,
} from './world.ts';

/** A view without the part that each connection has for itself. */
export type SharedView = Omit<View, 'content'>;

export type Payload = Record<string, unknown>;

/** Channel types (Channel resource). */
const GUILD_TEXT = 0;
const DM = 1;
const PUBLIC_THREAD = 11;

/** What a member without restrictions may do, as a permission bit set. */
const MEMBER_PERMISSIONS = '2248473465835073';

/** The world began before anybody came. */
const LONG_AGO = '2024-01-01T00:00:00.000Z';

/** What decides how much of a message is shown, and how its files are linked. */
export interface View {
  readonly world: World;
  /** The message-content intent: shows what other people wrote to each other. */
  readonly content: boolean;
  readonly linkOf: (channel: string, attachment: Attachment) => string;
  readonly permissions: Permissions;
  readonly clock: Clock;
}

export function isPerson(user: string): boolean {
  return PEOPLE.some(({ discordUser }) => discordUser === user);
}

export function isMember(user: string): boolean {
  return user === BOT.discordUser || isPerson(user);
}

export function toUser(user: string): Payload {
  const person = PEOPLE.find(({ discordUser }) => discordUser === user);
  return {
    id: user,
    username: person?.firstName.toLowerCase() ?? (user === OTHER_BOT.id ? OTHER_BOT.name : BOT.name),
    discriminator: '0',
    global_name: person?.name ?? null,
    avatar: null,
    public_flags: 0,
    ...(person === undefined ? { bot: true } : {}),
  };
}

export function toMember(user: string): Payload {
  return { ...toMemberOnly(user), user: toUser(user) };
}

/** As beside a user that is named already. */
export function toMemberOnly(user: string): Payload {
  return {
    nick: null,
    avatar: null,
    roles: rolesOf(user),
    joined_at: LONG_AGO,
    premium_since: null,
    deaf: false,
    mute: false,
    pending: false,
    flags: 0,
  };
}

export function rolesOf(user: string): string[] {
  if (user === BOT.discordUser) return [BOT_ROLE];
  return GUILD_ROLES.filter(({ members }) => members.some((member) => member === user)).map(({ id }) => id);
}

export function toRoles({ bits }: Pick<Permissions, 'bits'>): Payload[] {
  // Nothing comes by itself, so that what the app may do is what its own role says.
  const everyone = { id: GUILD.id, name: '@everyone', position: 0, permissions: '0' };
  const named = GUILD_ROLES.map(({ id, name }, index) => ({
    id,
    name,
    position: index + 1,
    permissions: MEMBER_PERMISSIONS,
  }));
  const ofBot = { id: BOT_ROLE, name: BOT.name, position: 9, permissions: String(bits) };
  return [everyone, ...named, ofBot].map((role) => ({
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    icon: null,
    unicode_emoji: null,
    managed: role.id === BOT_ROLE,
    mentionable: role.id !== GUILD.id,
    flags: 0,
    ...(role.id === BOT_ROLE ? { tags: { bot_id: BOT.discordUser } } : {}),
    ...role,
  }));
}

/** A bot of somebody else's. */
export const OTHER_BOT = { id: '900000000000000009', name: 'otherbot' } as const;

/** The role that came with the app. */
export const BOT_ROLE = '900000000000000409';

export function toGuild(view: SharedView): Payload {
  const { world, permissions } = view;
  return {
    id: GUILD.id,
    name: GUILD.name,
    icon: null,
    splash: null,
    discovery_splash: null,
    owner_id: PEOPLE[1]?.discordUser,
    afk_channel_id: null,
    afk_timeout: 300,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    roles: toRoles(permissions),
    emojis: [],
    features: [],
    mfa_level: 0,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    max_members: 500_000,
    vanity_url_code: null,
    description: null,
    banner: null,
    premium_tier: 0,
    premium_subscription_count: 0,
    preferred_locale: 'en-US',
    nsfw_level: 0,
    premium_progress_bar_enabled: false,
    joined_at: LONG_AGO,
    large: false,
    unavailable: false,
    member_count: PEOPLE.length + 1,
    voice_states: [],
    members: [toMember(BOT.discordUser)],
    channels: DISCORD_CHANNELS.map(({ id }) => toChannel(view, { kind: 'channel', ...named(id) })),
    threads: world
      .threads()
      .filter(({ archived }) => !archived)
      .map((thread) => toThread(world, thread)),
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    stickers: [],
    soundboard_sounds: [],
  };
}

export function toChannel({ world, permissions }: SharedView, place: Place): Payload {
  switch (place.kind) {
    case 'channel':
      return {
        id: place.id,
        type: GUILD_TEXT,
        guild_id: GUILD.id,
        name: place.name,
        position: 0,
        permission_overwrites: overwritesOf(permissions, place.id),
        parent_id: null,
        topic: null,
        nsfw: false,
        rate_limit_per_user: 0,
        last_message_id: world.messages(place.id).at(-1)?.id ?? null,
        flags: 0,
      };
    case 'dm':
      return {
        id: place.id,
        type: DM,
        recipients: [toUser(place.user)],
        last_message_id: world.messages(place.id).at(-1)?.id ?? null,
        flags: 0,
      };
    case 'thread':
      return toThread(world, place.thread);
    default:
      return place satisfies never;
  }
}

export function toThread(world: World, thread: Thread): Payload {
  const said = world.messages(thread.id);
  return {
    id: thread.id,
    type: PUBLIC_THREAD,
    guild_id: GUILD.id,
    parent_id: thread.parent,
    owner_id: thread.owner,
    name: thread.name,
    last_message_id: said.at(-1)?.id ?? null,
    message_count: said.length,
    total_message_sent: said.length,
    member_count: thread.members.length,
    rate_limit_per_user: 0,
    flags: 0,
    thread_metadata: {
      archived: thread.archived,
      locked: thread.locked,
      auto_archive_duration: thread.autoArchiveMinutes,
      archive_timestamp: thread.createdAt,
      create_timestamp: thread.createdAt,
    },
    ...(thread.members.includes(BOT.discordUser) ? { member: toThreadMember(thread, BOT.discordUser) } : {}),
  };
}

export function toThreadMember({ id, createdAt }: Thread, user: string): Payload {
  return { id, user_id: user, join_timestamp: createdAt, flags: 0 };
}

/** As REST answers with it; an event adds where it is and who wrote it. */
export function toMessage(message: DiscordMessage, view: View): Payload {
  const { world } = view;
  const shown = showsContent(message, view);
  const answered = message.replyTo === undefined ? undefined : world.message(message.replyTo);
  const thread = world.place(message.id);
  return {
    id: message.id,
    channel_id: message.channel,
    type: message.type,
    author: toUser(message.author),
    content: shown ? message.content : '',
    embeds: shown ? message.embeds : [],
    components: shown ? message.components : [],
    attachments: shown ? message.attachments.map((file) => toAttachment(message.channel, file, view)) : [],
    timestamp: message.createdAt,
    edited_timestamp: message.editedAt ?? null,
    tts: false,
    pinned: false,
    mention_everyone: message.mentions.everyone,
    mentions: message.mentions.users.filter(isMember).map((user) => toUser(user)),
    mention_roles: message.mentions.roles,
    flags: flagsOf(message, thread !== undefined),
    ...nonceOf(message, view),
    ...(message.reactions === undefined ? {} : { reactions: message.reactions.map(toReaction) }),
    ...(message.replyTo === undefined
      ? {}
      : {
          message_reference: {
            type: 0,
            message_id: message.replyTo,
            channel_id: message.channel,
            ...(inGuild(world, message.channel) ? { guild_id: GUILD.id } : {}),
          },
          referenced_message:
            answered === undefined ? null : toMessage({ ...answered, replyTo: undefined }, view),
        }),
    ...(thread?.kind === 'thread' ? { thread: toThread(world, thread.thread) } : {}),
    ...interactionOf(message, world),
  };
}

/** What an event about a message says beside the message itself. */
export function toMessageEvent(message: DiscordMessage, view: View): Payload {
  const { world } = view;
  const guild = inGuild(world, message.channel);
  const place = world.place(message.channel);
  return {
    ...toMessage(message, view),
    // discord.js cannot tell what an unknown channel is without this.
    ...(place === undefined ? {} : { channel_type: toChannel(view, place).type }),
    ...(guild ? { guild_id: GUILD.id, member: toMemberOnly(message.author) } : {}),
  };
}

/**
 * Without the intent: own messages, direct messages, and messages that mention the app (Message Content Intent). Nothing
 * says that its role counts as the app, so here it does not.
 */
function showsContent({ author, mentions, channel }: DiscordMessage, { world, content }: View): boolean {
  return (
    content ||
    author === BOT.discordUser ||
    mentions.users.includes(BOT.discordUser) ||
    !inGuild(world, channel)
  );
}

export function inGuild(world: World, channel: string): boolean {
  return world.place(channel)?.kind !== 'dm';
}

export function toCommand({ guild, ...command }: Command): Payload {
  return {
    ...command,
    application_id: BOT.discordApplication,
    default_member_permissions: command.default_member_permissions ?? null,
    name_localizations: command.name_localizations ?? null,
    description_localizations: command.description_localizations ?? null,
    nsfw: command.nsfw ?? false,
    ...(guild === undefined
      ? {
          dm_permission: command.dm_permission ?? true,
          contexts: command.contexts ?? null,
          integration_types: command.integration_types ?? [0],
        }
      : { guild_id: guild }),
  };
}

/** Who did something, as an interaction says it. */
export function toActor(user: string, isInGuild: boolean): Payload {
  return isInGuild
    ? { member: { ...toMember(user), permissions: MEMBER_PERMISSIONS } }
    : { user: toUser(user) };
}

/** Discord remembers a nonce as long as it holds an app to it. */
function nonceOf({ nonce, createdAt }: DiscordMessage, { clock }: View): Payload {
  const isRemembered = clock.now() - Date.parse(createdAt) <= NONCE_LIFETIME_MS;
  return nonce === undefined || !isRemembered ? {} : { nonce };
}

function overwritesOf(permissions: Permissions, channel: string): Payload[] {
  const overwrite = permissions.overwrite(channel);
  if (overwrite === undefined) return [];
  return [{ id: BOT_ROLE, type: 0, allow: String(overwrite.allow), deny: String(overwrite.deny) }];
}

function interactionOf({ interaction: token, author }: DiscordMessage, world: World): Payload {
  const interaction = token === undefined ? undefined : world.interaction(token);
  if (interaction === undefined) return {};
  return {
    application_id: author,
    webhook_id: author,
    interaction_metadata: toInteractionMetadata(interaction),
  };
}

function toInteractionMetadata({ id, type, user, message, command }: InteractionRecord): Payload {
  return {
    id,
    type,
    user: toUser(user),
    authorizing_integration_owners: { 0: GUILD.id },
    ...(command === undefined ? {} : { name: command, command_type: 1 }),
    ...(message === undefined ? {} : { interacted_message_id: message }),
  };
}

export function toAttachment(channel: string, file: Attachment, { linkOf }: View): Payload {
  const url = linkOf(channel, file);
  return {
    id: file.id,
    filename: file.filename,
    size: file.size,
    url,
    proxy_url: url,
    content_type: file.contentType,
    ...(file.description === undefined ? {} : { description: file.description }),
  };
}

function toReaction({ emoji, users }: { emoji: string; users: string[] }): Payload {
  return {
    emoji: { id: null, name: emoji },
    count: users.length,
    count_details: { burst: 0, normal: users.length },
    me: users.includes(BOT.discordUser),
    me_burst: false,
    burst_colors: [],
  };
}

function flagsOf({ flags, onlyFor, loading }: DiscordMessage, hasThread: boolean): number {
  return (
    flags |
    (onlyFor === undefined ? 0 : EPHEMERAL) |
    (loading === true ? LOADING : 0) |
    (hasThread ? HAS_THREAD : 0)
  );
}

function named(id: string): { id: string; name: string } {
  return { id, name: DISCORD_CHANNELS.find((channel) => channel.id === id)?.name ?? '' };
}
