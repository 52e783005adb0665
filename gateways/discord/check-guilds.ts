/**
 * What `signalbox check` says about servers and their channels: where the bot lacks what, and where that is granted.
 *
 * Channels looked at are those the configuration names, and where it names none, those the bot can see; the others are
 * named, for whoever wonders why it is deaf there. What is lacking
 * in the whole server is said of the server, once; what a channel takes away, of the channel.
 */

import { UndeliverableError } from '../../src/domain/errors.ts';
import type { CheckFinding } from '../../src/domain/gateway.ts';
import { codeOf, type DiscordClient, type GuildInfo, RefusedError } from './client.ts';
import type { DiscordSettings } from './config.ts';
import {
  ADMINISTRATOR,
  EVERY_NEEDED,
  FORUM_TYPES,
  isDeniedItself,
  lackingOf,
  MENTION_EVERYONE,
  NEEDED,
  type NeededPermission,
  neededIn,
  permissionsAt,
  permissionsIn,
  type Standing,
} from './permissions.ts';
import { type GuildChannel, type Member, TEXT_TYPES } from './schema.ts';

/** Servers that are looked into; a check is not to take minutes. */
export const MAX_GUILDS = 20;

/** Channels that are named in one line. */
const MAX_NAMED = 10;

/** A server, and the channels of it that matter. */
interface Surveyed {
  readonly guild: GuildInfo;
  readonly standing: Standing;
  readonly channels: readonly GuildChannel[];
  /** Those it does not see, where none are named: private ones, most often as they are meant to be. */
  readonly unseen: readonly GuildChannel[];
}

export async function checkGuilds(
  settings: DiscordSettings,
  client: DiscordClient,
  { userId }: { readonly userId: string },
): Promise<CheckFinding[]> {
  const invite = `Open ${inviteUrl(settings.application_id ?? '')} as somebody who manages the server.`;
  const guilds = await client.guilds();
  const open = guilds.filter(({ id }) => settings.allowed_guilds?.includes(id) ?? true);
  const absent = (settings.allowed_guilds ?? []).filter((id) => !guilds.some((guild) => guild.id === id));
  const missing: CheckFinding[] = absent.map((id) => ({
    subject: `Discord server ${id}`,
    status: 'missing',
    detail: 'it is in allowed_guilds, but the bot is not a member',
    remedy: invite,
  }));
  if (open.length === 0 && missing.length === 0) {
    return [
      {
        subject: 'Discord servers',
        status: 'missing',
        detail: 'the bot is in none; only people who can write it directly reach it',
        remedy: invite,
      },
    ];
  }

  const found: CheckFinding[] = [];
  const seen = new Set<string>();
  for (const [index, guild] of open.entries()) {
    const surveyed = index < MAX_GUILDS ? await survey(guild, { settings, client, userId }) : guild;
    if ('standing' in surveyed) {
      for (const { id } of surveyed.channels) seen.add(id);
      found.push(...findingsOf(surveyed, settings, invite));
    } else {
      found.push(guildFinding(guild, lackingOf(guild.permissions ?? ~0n, EVERY_NEEDED), invite));
    }
  }
  const unseen = (settings.allowed_channels ?? []).filter((id) => !seen.has(id));
  return [...missing, ...found, ...(await checkUnseen(unseen, client))];
}

/** Where somebody who manages a server lets the bot in, with what it needs and nothing more. */
export function inviteUrl(applicationId: string): string {
  const permissions = EVERY_NEEDED.reduce((bits, name) => bits | NEEDED[name].bit, 0n);
  const query = new URLSearchParams({
    client_id: applicationId,
    scope: 'bot applications.commands',
    permissions: String(permissions),
  });
  return `https://discord.com/oauth2/authorize?${query}`;
}

/** The server alone, when Discord does not say more of it. */
async function survey(
  guild: GuildInfo,
  {
    settings,
    client,
    userId,
  }: { readonly settings: DiscordSettings; readonly client: DiscordClient; readonly userId: string },
): Promise<Surveyed | GuildInfo> {
  const member = await memberOf(guild, { client, userId });
  if (member === undefined) return guild;
  const standing = { guild: guild.id, userId, roles: await client.roles(guild.id), has: member.roles ?? [] };
  const all = await client.guildChannels(guild.id);
  const { allowed_channels: named } = settings;
  const written = all.filter(({ type }) => TEXT_TYPES.includes(type) || FORUM_TYPES.includes(type));
  const channels = written.filter((channel) => named?.includes(channel.id) ?? sees(channel, standing));
  const unseen = named ? [] : written.filter((channel) => !sees(channel, standing));
  return { guild, standing, channels, unseen };
}

/** Undefined when Discord will not say. */
async function memberOf(
  { id }: GuildInfo,
  { client, userId }: { readonly client: DiscordClient; readonly userId: string },
): Promise<Member | undefined> {
  try {
    return await client.member(id, userId);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

function sees(channel: GuildChannel, standing: Standing): boolean {
  return (permissionsIn(channel, standing) & NEEDED['View Channels'].bit) !== 0n;
}

function findingsOf(
  { guild, standing, channels, unseen }: Surveyed,
  { threads }: DiscordSettings,
  invite: string,
): CheckFinding[] {
  const opensThreads = threads !== 'never';
  const lacking = channels.map((channel) => ({
    channel,
    lacks: lackingOf(permissionsIn(channel, standing), neededIn(channel, opensThreads)),
  }));
  const atServer = lackingOf(permissionsAt(standing), neededIn({ type: 0 }, opensThreads));
  // What every channel that matters grants by itself need not be granted in the server.
  const inServer = atServer.filter(
    (name) => channels.length === 0 || lacking.some(({ lacks }) => lacks.includes(name)),
  );
  const inChannels = lacking
    .map(({ channel, lacks }) => ({ channel, lacks: lacks.filter((name) => !inServer.includes(name)) }))
    .filter(({ lacks }) => lacks.length > 0);
  const role = standing.roles.find(({ tags }) => tags?.bot_id === standing.userId)?.name;
  return [
    guildFinding({ ...guild, permissions: permissionsAt(standing) }, inServer, invite),
    ...grouped(inChannels, standing.userId).map((group) => channelsFinding(group, guild, role)),
    ...(inChannels.length === 0 && channels.length > 0 && inServer.length === 0
      ? [channelsWork(channels, guild)]
      : []),
    ...(unseen.length > 0 && !inServer.includes('View Channels')
      ? [unseenChannels(unseen, { guild, role, opensThreads })]
      : []),
  ];
}

function guildFinding(
  { id, name, permissions }: GuildInfo,
  lacking: readonly NeededPermission[],
  invite: string,
): CheckFinding {
  const subject = `Discord server ${name || id}`;
  if (permissions === undefined) return { subject, status: 'works', detail: 'the bot is a member' };
  if (lacking.length > 0) {
    return {
      subject,
      status: 'missing',
      detail: withUses(lacking),
      remedy: `${invite} Or grant them to the bot's role under "Server Settings", "Roles".`,
    };
  }
  const excess = excessOf(permissions);
  if (excess === undefined)
    return { subject, status: 'works', detail: 'the bot is a member and may do what it needs to' };
  return {
    subject,
    status: 'works',
    detail: `everything needed is granted, and more: ${excess} is better taken away from the bot's role`,
  };
}

function excessOf(permissions: bigint): string | undefined {
  if ((permissions & ADMINISTRATOR) !== 0n) return 'Administrator';
  return (permissions & MENTION_EVERYONE) === 0n ? undefined : 'Mention Everyone';
}

interface Group {
  readonly channels: readonly GuildChannel[];
  readonly lacks: readonly NeededPermission[];
  /** It is taken from the bot itself, not from a role. */
  readonly itself: boolean;
}

/** Channels that lack the same for the same reason: most often a category took it from all of them. */
function grouped(
  lacking: readonly { channel: GuildChannel; lacks: readonly NeededPermission[] }[],
  userId: string,
): Group[] {
  const groups = new Map<string, Group>();
  for (const { channel, lacks } of lacking) {
    const itself = isDeniedItself(channel, lacks, userId);
    const key = JSON.stringify([lacks, itself]);
    const channels = [...(groups.get(key)?.channels ?? []), channel];
    groups.set(key, { channels, lacks, itself });
  }
  return [...groups.values()];
}

function channelsFinding(
  { channels, lacks, itself }: Group,
  { id, name }: GuildInfo,
  role: string | undefined,
): CheckFinding {
  const whom = itself ? 'the bot itself, which is denied it there' : `the role ${role ?? 'of the bot'}`;
  return {
    subject: `Discord ${channels.length === 1 ? 'channel' : 'channels'} ${namesOf(channels)}`,
    status: 'missing',
    detail: `${withUses(lacks)}, in the server ${name || id}`,
    remedy: `In Discord choose "Edit Channel", "Permissions" of ${channels.length === 1 ? 'it' : 'each, or of their category'}, add ${whom}, and allow ${lacks.join(', ')}.`,
  };
}

function channelsWork(channels: readonly GuildChannel[], { id, name }: GuildInfo): CheckFinding {
  return {
    subject: `Discord channels of ${name || id}`,
    status: 'works',
    detail: `the bot may do what it needs to in ${namesOf(channels)}`,
  };
}

/** No fault: a private channel is private. Whoever wants the bot in it reads here how. */
function unseenChannels(
  channels: readonly GuildChannel[],
  where: { readonly guild: GuildInfo; readonly role: string | undefined; readonly opensThreads: boolean },
): CheckFinding {
  const { guild, role, opensThreads } = where;
  const needed = neededIn({ type: 0 }, opensThreads).join(', ');
  return {
    subject: `Discord channels of ${guild.name || guild.id} without the bot`,
    status: 'works',
    detail: `${namesOf(channels)}: the bot does not see what is said there, and answers a command there within 15 minutes or not at all. To let it in, choose "Edit Channel", "Permissions", add the role ${role ?? 'of the bot'}, and allow ${needed}`,
  };
}

function namesOf(channels: readonly GuildChannel[]): string {
  const names = channels.slice(0, MAX_NAMED).map(({ id, name }) => `#${name ?? id}`);
  const more = channels.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

function withUses(lacking: readonly NeededPermission[]): string {
  return lacking.map((name) => `${name} (${NEEDED[name].use})`).join(', ');
}

/** Those that are named and in none of the servers looked at. A thread is fine; it is in no list. */
async function checkUnseen(ids: readonly string[], client: DiscordClient): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = [];
  for (const id of ids) {
    try {
      await client.channel(id);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      findings.push(unseenFinding(id, error));
    }
  }
  return findings;
}

/** Discord's code for a channel that does not exist (docs.discord.com, JSON Error Codes). */
const UNKNOWN_CHANNEL = 10_003;

function unseenFinding(id: string, error: unknown): CheckFinding {
  const subject = `Discord channel ${id}`;
  if (codeOf(error) === UNKNOWN_CHANNEL) {
    return {
      subject,
      status: 'failed',
      detail: 'it is in allowed_channels, but Discord knows no channel with this id',
      remedy:
        'Right-click the channel, choose "Copy Channel ID" (developer mode has to be on), and correct it in gateways.discord.allowed_channels, or take it out.',
    };
  }
  return {
    subject,
    status: 'failed',
    detail: `it is in allowed_channels, but the bot cannot see it: ${reasonOf(error)}`,
    remedy:
      'Add the bot\'s role to the channel under "Edit Channel", "Permissions", or take it out of allowed_channels; in a server without the bot, invite it first.',
  };
}

/** In Discord's own words. */
function reasonOf(error: unknown): string {
  const cause = error instanceof UndeliverableError ? error.cause : error;
  return cause instanceof RefusedError ? cause.reason : String(cause);
}
