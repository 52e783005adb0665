/** The settings of the Discord gateway. */
import { z } from 'zod';
import { isEncryptedOrLocal } from '../../src/domain/encryption.ts';

const Snowflake = z
  .string()
  .regex(/^\d{15,20}$/, 'a Discord id is 15 to 20 digits (developer mode, "Copy ID")');

/** OM-190: the token would travel in the clear to anything but this machine. */
const ApiUrl = z.url().refine(isEncryptedOrLocal, 'must be https, or an address of this machine');

const Settings = z.strictObject({
  /** `auto`: on when its credentials are there. */
  enabled: z.union([z.literal('auto'), z.boolean()]).default('auto'),
  /** `gateway`: Discord is reached from here over a WebSocket. `http`: Discord calls us, for commands and presses alone. */
  mode: z.enum(['gateway', 'http']).default('gateway'),
  bot_token: z
    .string()
    .regex(
      /^[\w-]{10,}(?:\.[\w-]+){1,3}$/,
      'must be three parts with dots between (developer portal, "Bot", "Reset Token")',
    )
    .optional(),
  application_id: Snowflake.optional(),
  /** HTTP only. */
  public_key: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits (developer portal, "General Information")')
    .optional(),
  api_url: ApiUrl.default('https://discord.com/api'),
  /** Where Discord's interactions arrive. HTTP only. */
  path: z.string().startsWith('/').default('/discord/interactions'),
  /** Ask for the privileged intent, so that follow-ups in a thread need no mention. */
  message_content: z.boolean().default(false),
  /** Guilds to register the commands in, at once, while developing. Empty: everywhere. */
  guild_commands: z.array(Snowflake).default([]),
  /** Everything from other guilds is ignored. Absent: every guild the bot was invited to. */
  allowed_guilds: z.array(Snowflake).optional(),
  /** Everything from other channels is ignored; a thread counts as its channel. Absent: every channel it can see. */
  allowed_channels: z.array(Snowflake).optional(),
  /** Whether a mention or an `/ask` in a channel gets a thread of its own; `auto`: where others are talking too. */
  threads: z.enum(['never', 'auto', 'always']).default('auto'),
  /** Connections; `auto` is what Discord recommends for the number of guilds. */
  shards: z.union([z.literal('auto'), z.int().min(1).max(1_000)]).default('auto'),
  /** Bots that may speak to us, by user id; every other bot is ignored. */
  bots: z.array(Snowflake).default([]),
  /** How often those bots may speak in one conversation before a person has to. */
  bot_turns: z.int().min(1).max(100).default(5),
  pace: z
    .strictObject({
      posts: z.int().min(1).max(1_000_000).default(5).describe('Posts and edits in one channel …'),
      seconds: z.int().min(1).max(3_600).default(5).describe('… within so many seconds.'),
    })
    .prefault({})
    .describe('Discord takes about five in five seconds in a channel, and says so in its headers.'),
});

export const DiscordSettings = Settings.refine(
  (discord) => discord.enabled !== true || missingDiscordSettings(discord).length === 0,
  { error: 'is enabled but lacks credentials: bot_token, application_id, and public_key (http)' },
);
export type DiscordSettings = z.infer<typeof DiscordSettings>;

/** Names of the settings that are needed in this mode and not there. */
export function missingDiscordSettings(discord: z.infer<typeof Settings>): string[] {
  const needed =
    discord.mode === 'http'
      ? (['bot_token', 'application_id', 'public_key'] as const)
      : (['bot_token', 'application_id'] as const);
  return needed.filter((name) => !discord[name]);
}

/** Whether anything said there is listened to. Direct messages always are; they are between one person and us. */
export function isOpen(
  { allowed_guilds: guilds, allowed_channels: channels }: DiscordSettings,
  { guild, channel, parent }: { guild: string | undefined; channel: string; parent: string | undefined },
): boolean {
  if (guild === undefined) return true;
  return (
    (guilds === undefined || guilds.includes(guild)) &&
    (channels === undefined ||
      channels.includes(channel) ||
      (parent !== undefined && channels.includes(parent)))
  );
}
