/**
 * What the bot may do in a server and in a channel of it, and what it needs. Pure.
 *
 * As Discord reckons (docs.discord.com, Permissions, Permission Overwrites): what the roles grant in the server, then
 * what the channel says of everybody, of the roles and of the bot itself, each denying before it allows.
 */
import type { GuildChannel, Role } from './schema.ts';

/** Permissions as bits (docs.discord.com, Permissions), and what does not work without each. */
export const NEEDED = {
  'View Channels': { bit: 1n << 10n, use: 'seeing what is said' },
  'Send Messages': { bit: 1n << 11n, use: 'answering' },
  'Embed Links': { bit: 1n << 14n, use: 'approval cards' },
  'Attach Files': { bit: 1n << 15n, use: 'sending files' },
  'Read Message History': { bit: 1n << 16n, use: 'replying, and finding what was said while it was away' },
  'Create Public Threads': { bit: 1n << 35n, use: 'conversations of their own in busy channels' },
  'Send Messages in Threads': { bit: 1n << 38n, use: 'answering there' },
} as const;
export type NeededPermission = keyof typeof NEEDED;

// The keys of an object literal are exactly those of its type.
export const EVERY_NEEDED = Object.keys(NEEDED) as NeededPermission[];

export const MENTION_EVERYONE = 1n << 17n;
export const ADMINISTRATOR = 1n << 3n;

/** An administrator may do everything everywhere. */
const EVERYTHING = ~0n;

/** Channel types in which people talk in posts alone: forums, and those for media. */
export const FORUM_TYPES: readonly number[] = [15, 16];

/** In a forum there is nothing but threads, which people open. */
const NOT_IN_FORUMS: readonly NeededPermission[] = ['Send Messages', 'Create Public Threads'];

/** The bot in one server. */
export interface Standing {
  readonly guild: string;
  readonly userId: string;
  /** Roles of the server. */
  readonly roles: readonly Role[];
  /** Ids of those the bot has. */
  readonly has: readonly string[];
}

/** In the whole server, as a bit set. */
export function permissionsAt({ guild, roles, has }: Standing): bigint {
  const granted = roles
    // The role of everybody has the id of the server.
    .filter(({ id }) => id === guild || has.includes(id))
    .reduce((bits, { permissions }) => bits | BigInt(permissions), 0n);
  return (granted & ADMINISTRATOR) === 0n ? granted : EVERYTHING;
}

/** In one channel, as a bit set. */
export function permissionsIn(
  { permission_overwrites: overwrites = [] }: GuildChannel,
  who: Standing,
): bigint {
  const base = permissionsAt(who);
  if (base === EVERYTHING) return EVERYTHING;

  const of = (ids: readonly string[]) => overwrites.filter(({ id }) => ids.includes(id));
  const ofRoles = of(who.has.filter((id) => id !== who.guild));
  return [of([who.guild]), ofRoles, of([who.userId])].reduce(overwritten, base);
}

function overwritten(bits: bigint, overwrites: NonNullable<GuildChannel['permission_overwrites']>): bigint {
  const denied = overwrites.reduce((all, { deny }) => all | BigInt(deny), 0n);
  const allowed = overwrites.reduce((all, { allow }) => all | BigInt(allow), 0n);
  return (bits & ~denied) | allowed;
}

/** Those needed that are not among the granted. */
export function lackingOf(granted: bigint, needed: readonly NeededPermission[]): NeededPermission[] {
  return needed.filter((name) => (granted & NEEDED[name].bit) === 0n);
}

/** What is needed in a channel of this type. `opensThreads`: the configuration lets answers have threads. */
export function neededIn(
  { type }: Pick<GuildChannel, 'type'>,
  opensThreads: boolean,
): readonly NeededPermission[] {
  return EVERY_NEEDED.filter(
    (name) =>
      (opensThreads || name !== 'Create Public Threads') &&
      !(FORUM_TYPES.includes(type) && NOT_IN_FORUMS.includes(name)),
  );
}

/** The channel says of the bot itself, rather than of a role, that it may not: only there can that be changed. */
export function isDeniedItself(
  { permission_overwrites: overwrites = [] }: GuildChannel,
  lacking: readonly NeededPermission[],
  userId: string,
): boolean {
  const own = overwrites.find(({ id }) => id === userId);
  return own !== undefined && lacking.some((name) => (BigInt(own.deny) & NEEDED[name].bit) !== 0n);
}
