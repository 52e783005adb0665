/** The parts of Discord's payloads that we read, and its numbers by name. What we do not read may have any shape. */
import { z } from 'zod';

export const Snowflake = z.string().regex(/^\d{1,20}$/, 'not a Discord id');
export type Snowflake = z.infer<typeof Snowflake>;

/** The first second of Discord's time, from which its ids count (docs.discord.com, Snowflakes). */
const DISCORD_EPOCH_MS = 1_420_070_400_000n;

/** When what has this id came to be, in milliseconds since the epoch. */
export function timeOf(id: Snowflake): number {
  return Number((BigInt(id) >> 22n) + DISCORD_EPOCH_MS);
}

/** Which of two came first: negative when `a` did. */
export function compareIds(a: Snowflake, b: Snowflake): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}

/** The lowest id of what comes to be at this time, in milliseconds since the epoch. */
export function idAt(ms: number): Snowflake {
  const since = BigInt(Math.trunc(ms)) - DISCORD_EPOCH_MS;
  return String((since > 0n ? since : 0n) << 22n);
}

/** The highest id lower than this one; 0 has none. */
export function idBefore(id: Snowflake): Snowflake {
  return id === '0' ? id : String(BigInt(id) - 1n);
}

/** Interaction types (docs.discord.com, Receiving and Responding). */
export const InteractionType = { ping: 1, command: 2, component: 3, autocomplete: 4, modal: 5 } as const;

/** Types of the answer to an interaction. */
export const ResponseType = {
  pong: 1,
  message: 4,
  deferredMessage: 5,
  deferredUpdate: 6,
  autocomplete: 8,
  modal: 9,
} as const;

/** Command types. */
export const CommandType = { chatInput: 1, message: 3 } as const;

/** Message flags. */
export const MessageFlag = { suppressEmbeds: 1 << 2, ephemeral: 1 << 6, loading: 1 << 7 } as const;

/** Message types under which a person talks: plain, and as a reply. All others are the channel's own bookkeeping. */
export const SPOKEN_TYPES: readonly number[] = [0, 19];

/** Channel types: threads of announcements, public ones, private ones. */
export const THREAD_TYPES: readonly number[] = [10, 11, 12];

/** Channel types in which a message can begin a thread: text and announcements. */
export const TEXT_TYPES: readonly number[] = [0, 5];

const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined);

export const Role = z.object({
  id: Snowflake,
  name: z.string().default(''),
  /** Bit set. */
  permissions: z.string().regex(/^\d+$/).default('0'),
  /** `bot_id`: the role came with this bot, and is its alone. */
  tags: optional(z.object({ bot_id: optional(Snowflake) })),
});
export type Role = z.infer<typeof Role>;

export const User = z.object({
  id: Snowflake,
  username: optional(z.string()),
  global_name: optional(z.string()),
  bot: optional(z.boolean()),
  system: optional(z.boolean()),
});
export type User = z.infer<typeof User>;

export const Member = z.object({ nick: optional(z.string()), roles: optional(z.array(Snowflake)) });
export type Member = z.infer<typeof Member>;

export const Attachment = z.object({
  id: Snowflake,
  filename: z.string(),
  content_type: optional(z.string()),
  size: z.number().int().nonnegative(),
  url: z.string(),
});
export type Attachment = z.infer<typeof Attachment>;

const MessageFields = {
  id: Snowflake,
  channel_id: Snowflake,
  guild_id: optional(Snowflake),
  author: User,
  webhook_id: optional(Snowflake),
  member: optional(Member),
  content: optional(z.string()),
  timestamp: optional(z.string()),
  edited_timestamp: optional(z.string()),
  mentions: optional(z.array(User)),
  mention_roles: optional(z.array(Snowflake)),
  attachments: optional(z.array(Attachment)),
  type: z.number().int().default(0),
  flags: z.number().int().default(0),
  nonce: optional(z.union([z.string(), z.number()])),
  components: z.unknown().optional(),
};

/** `MESSAGE_CREATE`, a message of the history, the target of a context command. */
export const Message = z.object({
  ...MessageFields,
  message_reference: optional(z.object({ message_id: optional(Snowflake) })),
  referenced_message: optional(z.object({ id: Snowflake, author: User })),
  /** The interaction whose answer it is. */
  interaction_metadata: optional(z.object({ id: Snowflake })),
});
export type Message = z.infer<typeof Message>;

/** `MESSAGE_UPDATE`; undefined when it is no edit but a preview of a link, which may lack nearly everything. */
export const MessageUpdate = z.union([
  Message.refine(({ edited_timestamp: edited }) => edited !== undefined),
  z.looseObject({ id: Snowflake, channel_id: Snowflake }).transform(() => undefined),
]);

export const MessageDelete = z.object({
  id: Snowflake,
  channel_id: Snowflake,
  guild_id: optional(Snowflake),
});
export type MessageDelete = z.infer<typeof MessageDelete>;

export const MessageDeleteBulk = z.object({ ids: z.array(Snowflake).max(1_000), channel_id: Snowflake });

/** An event about a channel or a thread. */
export const ChannelEvent = z.object({ id: Snowflake });

/** What of a channel decides where a conversation is. */
export const Channel = z.object({
  id: Snowflake,
  type: z.number().int(),
  guild_id: optional(Snowflake),
  parent_id: optional(Snowflake),
  owner_id: optional(Snowflake),
  name: optional(z.string()),
  /** The last that was said there. */
  last_message_id: optional(Snowflake),
});
export type Channel = z.infer<typeof Channel>;

const Bits = z.string().regex(/^\d+$/);

/** A channel as its server lists it. */
export const GuildChannel = z.object({
  id: Snowflake,
  type: z.number().int(),
  name: optional(z.string()),
  /** What it says of a role or a member, beside what the server does. */
  permission_overwrites: optional(z.array(z.object({ id: Snowflake, allow: Bits, deny: Bits }))),
});
export type GuildChannel = z.infer<typeof GuildChannel>;

/** `GUILD_CREATE`: what a session is told of a server as it begins. */
export const GuildCreate = z.object({
  id: Snowflake,
  channels: z.array(Channel).optional(),
  threads: z.array(Channel).optional(),
  roles: z.array(Role).optional(),
});
export type GuildCreate = z.infer<typeof GuildCreate>;

export interface CommandOption {
  readonly name: string;
  readonly value?: string | number | boolean | undefined;
  readonly focused?: boolean | undefined;
}

const Option = z.object({
  name: z.string(),
  value: optional(z.union([z.string(), z.number(), z.boolean()])),
  focused: optional(z.boolean()),
});

const InteractionFields = {
  id: Snowflake,
  application_id: Snowflake,
  token: z.string().min(1),
  guild_id: optional(Snowflake),
  channel_id: Snowflake,
  channel: optional(z.object({ id: Snowflake, type: z.number().int(), parent_id: optional(Snowflake) })),
  /** What we may do there, as a bit set. */
  app_permissions: optional(z.string().regex(/^\d+$/)),
  /** In a guild. */
  member: optional(Member.extend({ user: User })),
  /** In a direct message. */
  user: optional(User),
};

const Command = z.object({
  ...InteractionFields,
  type: z.union([z.literal(InteractionType.command), z.literal(InteractionType.autocomplete)]),
  data: z.object({
    name: z.string(),
    type: z.number().int().default(CommandType.chatInput),
    target_id: optional(Snowflake),
    options: optional(z.array(Option)),
    resolved: optional(
      z.object({
        messages: optional(z.record(z.string(), Message)),
        attachments: optional(z.record(z.string(), Attachment)),
      }),
    ),
  }),
});
export type Command = z.infer<typeof Command>;

const Component = z.object({
  ...InteractionFields,
  type: z.literal(InteractionType.component),
  /** `values`: what was picked in a menu. */
  data: z.object({ custom_id: z.string(), values: optional(z.array(z.string().max(100)).max(25)) }),
  message: Message,
});
export type Component = z.infer<typeof Component>;

/** A text field, alone in its row or under its label. */
const Field = z.object({ custom_id: z.string(), value: optional(z.string()) });

const ModalRow = z.object({
  component: optional(Field),
  components: optional(z.array(Field)),
});

const Modal = z.object({
  ...InteractionFields,
  type: z.literal(InteractionType.modal),
  data: z.object({ custom_id: z.string(), components: z.array(ModalRow) }),
  message: optional(Message),
});
export type Modal = z.infer<typeof Modal>;

export const Interaction = z.union([Command, Component, Modal]);
export type Interaction = z.infer<typeof Interaction>;

export const Ping = z.object({ type: z.literal(InteractionType.ping) });

/** Who acted. Always the person, never the one who installed the app. Undefined when Discord names nobody. */
export function actorOf({ member, user }: Pick<Interaction, 'member' | 'user'>): User | undefined {
  return member?.user ?? user;
}
