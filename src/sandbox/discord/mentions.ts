/**
 * Whom a message notifies, after `allowed_mentions` (docs.discord.com, Allowed Mentions Object). Pure.
 *
 * Counts generously: a mention inside a code block counts too, so that a test that sees none can rely on it.
 */
import { GUILD_ROLES } from '../people.ts';
import type { AllowedMentions } from './message-rules.ts';
import { BOT_ROLE } from './wire.ts';
import type { Mentions } from './world.ts';

/** Without `allowed_mentions`: a message of a person or a bot may notify anybody, one of an interaction only users. */
export type MentionDefaults = 'everybody' | 'users';

export interface MentionSources {
  readonly text: string;
  readonly allowed: AllowedMentions | undefined;
  readonly defaults: MentionDefaults;
  /** The author of the message this one answers. */
  readonly repliedUser: string | undefined;
  /** The author may notify `@everyone` and any role. */
  readonly mayMentionEveryone: boolean;
}

export interface Notified extends Mentions {
  /** `@here` alone, which the message itself shows as `mention_everyone` too. */
  readonly here: boolean;
  readonly byReply: string | undefined;
}

const USER = /<@!?(\d+)>/g;
const ROLE = /<@&(\d+)>/g;

export function notifiedBy(sources: MentionSources): Notified {
  const { text, allowed, repliedUser, mayMentionEveryone } = sources;
  const parse = allowed === undefined ? DEFAULTS[sources.defaults] : (allowed.parse ?? []);
  const passes = (kind: 'users' | 'roles', id: string) =>
    parse.includes(kind) || allowed?.[kind]?.includes(id) === true;

  const users = idsIn(text, USER).filter((id) => passes('users', id));
  const roles = mayMentionEveryone ? idsIn(text, ROLE).filter((id) => isRole(id) && passes('roles', id)) : [];
  const broadcast = mayMentionEveryone && parse.includes('everyone');
  // A reply notifies its author unless the app says something about mentions, and does not say so.
  const repliesNotify = allowed === undefined || allowed.replied_user === true;
  const byReply = repliesNotify ? repliedUser : undefined;
  return {
    everyone: broadcast && text.includes('@everyone'),
    here: broadcast && text.includes('@here'),
    users: [...new Set([...users, ...(byReply === undefined ? [] : [byReply])])],
    roles,
    byReply,
  };
}

const DEFAULTS: Record<MentionDefaults, readonly ('users' | 'roles' | 'everyone')[]> = {
  everybody: ['users', 'roles', 'everyone'],
  users: ['users'],
};

function idsIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, id = '']) => id))];
}

function isRole(id: string): boolean {
  return id === BOT_ROLE || GUILD_ROLES.some((role) => role.id === id);
}
