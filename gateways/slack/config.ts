/** The settings of the Slack gateway. */
import { z } from 'zod';
import { isEncryptedOrLocal } from '../../src/domain/encryption.ts';

const token = (prefix: string, where: string) =>
  z.string().regex(new RegExp(`^${prefix}`), `starts with ${prefix} (Slack app settings, ${where})`);

/** OM-190: the token would travel in the clear to anything but this machine. */
const ApiUrl = z.url().refine(isEncryptedOrLocal, 'must be https, or an address of this machine');

const Settings = z.strictObject({
  /** `auto`: on when its credentials are there. */
  enabled: z.union([z.literal('auto'), z.boolean()]).default('auto'),
  /** `socket`: Slack is reached from here, nothing needs to be reachable from outside. `http`: Slack calls us. */
  mode: z.enum(['socket', 'http']).default('socket'),
  bot_token: token('xox[be]', '"OAuth & Permissions"').optional(),
  /** Socket Mode only. */
  app_token: token('xapp-', '"Basic Information", scope connections:write').optional(),
  /** HTTP only. */
  signing_secret: z
    .string()
    .min(1, 'must not be empty: requests could not be told from forged ones')
    .optional(),
  api_url: ApiUrl.default('https://slack.com/api/'),
  /** Where Slack's requests arrive, for events and interactivity alike. HTTP only. */
  path: z.string().startsWith('/').default('/slack/events'),
  /** Channel ids; everything from other channels is ignored. Absent: every channel the bot was invited to. */
  allowed_channels: z.array(z.string()).optional(),
  /** Bots that may speak to us, by bot id (B…) or user id (U…); every other bot is ignored. */
  bots: z.array(z.string()).default([]),
  /** How often those bots may speak in one thread before a person has to. */
  bot_turns: z.int().min(1).max(100).default(5),
  pace: z
    .strictObject({
      posts: z.int().min(1).max(1_000_000).default(10).describe('Posts and edits in one channel …'),
      seconds: z.int().min(1).max(3_600).default(10).describe('… within so many seconds.'),
    })
    .prefault({})
    .describe(
      'Slack allows about one a second in a channel, and short bursts (docs.slack.dev, rate limits).',
    ),
});

export const SlackSettings = Settings.refine(
  (slack) => slack.enabled !== true || missingCredentials(slack).length === 0,
  { error: 'is enabled but lacks credentials: bot_token, and app_token (socket) or signing_secret (http)' },
);
export type SlackSettings = z.infer<typeof SlackSettings>;

/** Names of the settings that are needed in this mode and not there. */
export function missingCredentials(slack: z.infer<typeof Settings>): string[] {
  const needed =
    slack.mode === 'socket'
      ? (['bot_token', 'app_token'] as const)
      : (['bot_token', 'signing_secret'] as const);
  return needed.filter((name) => !slack[name]);
}
