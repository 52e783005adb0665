/**
 * Calls to Discord's REST API by way of discord.js; its errors become ours.
 *
 * Invariants
 *   1. Nothing waits long inside: one attempt, bounded in time, and a wait worth telling is the caller's at once.
 *   2. Nothing we write notifies anybody, on a create and on an edit alike: Discord reads an edit anew.
 *   3. Every create carries a nonce that Discord holds us to, so that repeating it soon does nothing.
 *   4. No error of ours holds an address or a body: both may hold an interaction's token.
 */
import type { RawFile, REST, RESTOptions } from 'discord.js';
import { z } from 'zod';
import { RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import { type NetworkTrouble, networkTrouble } from '../../src/observability/network-trouble.ts';
import type { CommandChanges, RegisteredCommand } from './commands.ts';
import { DISCORD } from './inbound.ts';
import { loadDiscord } from './library.ts';
import { type InteractionRef, nonceOf, type Post, saysNothingDone } from './outbound.ts';
import {
  Channel,
  compareIds,
  GuildChannel,
  Member,
  Message,
  MessageFlag,
  Role,
  Snowflake,
} from './schema.ts';

/** Longer than Discord takes on a bad day, shorter than a person waits. */
const CALL_TIMEOUT_MS = 10_000;

/** A bucket that is full again sooner than this is waited for; longer is the outbox's business. */
const MAX_QUIET_WAIT_MS = 500;

/** Discord's answer to a full bucket always says how long; this is for the day it does not. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

/** Messages per page of history (docs.discord.com, Get Channel Messages). */
export const PAGE_SIZE = 100;

/** Minutes without a word after which a thread is put away; a word brings it back. */
const ARCHIVE_AFTER_MINUTES = 1_440;

/** JSON error codes that no repetition mends (docs.discord.com, Opcodes and Status Codes). */
const FINAL_CODES: ReadonlySet<number> = new Set([
  10_003, // unknown channel
  10_004, // unknown guild
  10_008, // unknown message
  10_013, // unknown user
  40_005, // request entity too large
  50_001, // missing access
  50_007, // cannot send messages to this user
  50_008, // cannot send messages in a non-text channel
  50_013, // missing permissions
  50_024, // cannot execute on this channel type
  50_033, // invalid recipients
  50_035, // invalid form body
  50_083, // thread is archived
  160_005, // thread is locked
  200_000, // blocked by the guild's AutoMod
  200_001,
]);

/** The message, or the way to it, is no more. */
const GONE_CODES: ReadonlySet<number> = new Set([10_003, 10_008, 50_001, 50_005, 50_083]);

/** The same of one that is read, which takes the permission for a channel's history (docs.discord.com, Get Channel Message). */
const UNSEEN_CODES: ReadonlySet<number> = new Set([...GONE_CODES, 50_013]);

/** Left the server, or was never in it: unknown guild, unknown member, unknown user; all of them come with 404. */
const NOBODY_CODES: ReadonlySet<number> = new Set([10_004, 10_007, 10_013]);

/** The interaction is over: never answered in time, or older than its token lives. */
const EXPIRED_CODES: ReadonlySet<number> = new Set([10_008, 10_015, 10_062, 50_027]);

const ALREADY_ANSWERED: ReadonlySet<number> = new Set([40_060]);

const THREAD_EXISTS: ReadonlySet<number> = new Set([160_004]);

/** `allowed_mentions` for everything we write. */
const NO_MENTIONS = { parse: [], users: [], roles: [], replied_user: false };

/** Who our token makes us. */
export interface Self {
  readonly userId: string;
  readonly applicationId: string;
  readonly name: string;
}

export interface ApplicationInfo {
  readonly id: string;
  readonly name: string;
  readonly flags: number;
  readonly verifyKey: string | undefined;
  readonly interactionsUrl: string | undefined;
}

/** Application flags that say the intent may be asked for: granted, or self-service in small apps. */
const MESSAGE_CONTENT_FLAGS = (1 << 18) | (1 << 19);

/** Whether the intent for message content is switched on for the application. */
export function mayAskForContent({ flags }: ApplicationInfo): boolean {
  return (flags & MESSAGE_CONTENT_FLAGS) !== 0;
}

export interface GuildInfo {
  readonly id: string;
  readonly name: string;
  /** Of the bot in this guild, as a bit set; undefined when Discord does not say. */
  readonly permissions: bigint | undefined;
}

export interface Written {
  readonly channel: string;
  readonly message: string;
}

export interface Page {
  readonly messages: readonly Message[];
  /** So many more were there, of a shape we do not know. */
  readonly unreadable: number;
  /** The message behind which there may be more; undefined when there was none yet. */
  readonly next: Snowflake | undefined;
}

/** The first answer to an interaction. */
export interface Original extends Written {
  /** What is said later takes its place: it still shows "is thinking…", or says only that nothing was done. */
  readonly waits: boolean;
  readonly visible: 'everybody' | 'them';
  /** As it is now; undefined when it is of a shape we do not know. */
  readonly shown: Message | undefined;
}

const WrittenMessage = z.object({
  id: Snowflake,
  channel_id: Snowflake,
  flags: z.number().default(0),
  content: z.string().default(''),
});
const Identified = z.object({ id: Snowflake });
const CurrentUser = z.object({ id: Snowflake, username: z.string() });
const Application = z.object({
  id: Snowflake,
  name: z.string().default(''),
  flags: z.number().default(0),
  verify_key: z.string().optional(),
  interactions_endpoint_url: z.string().nullish(),
});
const Guilds = z.array(
  z.object({
    id: Snowflake,
    name: z.string().default(''),
    permissions: z.string().regex(/^\d+$/).optional(),
  }),
);
const Refreshed = z.object({ refreshed_urls: z.array(z.object({ refreshed: z.string().nullish() })) });
const Commands = z.array(z.looseObject({ id: Snowflake, name: z.string(), type: z.number().optional() }));

export class DiscordClient {
  #forBot: Promise<REST> | undefined;
  #forInteractions: Promise<REST> | undefined;

  constructor(
    private readonly token: string,
    private readonly applicationId: string,
    private readonly apiUrl: string,
  ) {}

  /** Throws `CredentialError` when the token makes us nobody. */
  async whoAmI(): Promise<Self> {
    const user = CurrentUser.parse(await this.#call('get', '/users/@me'));
    return { userId: user.id, applicationId: this.applicationId, name: user.username };
  }

  async application(): Promise<ApplicationInfo> {
    const answer = Application.parse(await this.#call('get', '/applications/@me'));
    return {
      id: answer.id,
      name: answer.name,
      flags: answer.flags,
      verifyKey: answer.verify_key,
      interactionsUrl: answer.interactions_endpoint_url ?? undefined,
    };
  }

  async guilds(): Promise<GuildInfo[]> {
    const guilds = Guilds.parse(await this.#call('get', '/users/@me/guilds'));
    return guilds.map(({ id, name, permissions }) => ({
      id,
      name,
      permissions: permissions === undefined ? undefined : BigInt(permissions),
    }));
  }

  /** Creates one message. `reply`: the message it answers, if that is still there. */
  async create(channel: string, post: Post, reply: string | undefined): Promise<Written> {
    const body = {
      ...bodyOf(post),
      nonce: nonceOf(post.key),
      enforce_nonce: true,
      ...(reply === undefined
        ? {}
        : { message_reference: { type: 0, message_id: reply, fail_if_not_exists: false } }),
    };
    return toWritten(
      await this.#call('post', `/channels/${channel}/messages`, { body, files: filesOf(post) }),
    );
  }

  /** Edits one message of ours. Resolves false when it is gone, or not ours to edit any more. */
  async edit({ channel, message }: Written, post: Post): Promise<boolean> {
    const path = `/channels/${channel}/messages/${message}` as const;
    const edited = await unless(GONE_CODES, () => this.#call('patch', path, editOf(post)));
    return edited !== undefined;
  }

  /** Up to `PAGE_SIZE` messages of a channel, the newest first; with `after`, the oldest ones behind that. */
  async messages(channel: string, page: { after?: string; before?: string } = {}): Promise<Message[]> {
    return readable(await this.#page(channel, page));
  }

  /** The messages behind one, oldest first, as many as one request gives. */
  async messagesAfter(channel: string, after: string): Promise<Page> {
    const page = await this.#page(channel, { after });
    const messages = readable(page).toSorted((a, b) => compareIds(a.id, b.id));
    const ids = page.flatMap((message) => Identified.safeParse(message).data?.id ?? []);
    const last = ids.toSorted(compareIds).at(-1);
    return {
      messages,
      unreadable: page.length - messages.length,
      next: page.length === PAGE_SIZE ? last : undefined,
    };
  }

  async #page(channel: string, page: { after?: string; before?: string }): Promise<unknown[]> {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...page });
    return z.array(z.unknown()).parse(await this.#call('get', `/channels/${channel}/messages`, { query }));
  }

  async channel(channel: string): Promise<Channel> {
    return Channel.parse(await this.#call('get', `/channels/${channel}`));
  }

  /** The interaction that a message of ours answers; undefined when it answers none, or is gone. */
  async commandOf(channel: string, message: string): Promise<string | undefined> {
    return (await this.message(channel, message))?.interaction_metadata?.id;
  }

  /** One message; undefined when it is gone, when we do not see it, and when it is of a shape we do not know. */
  async message(channel: string, message: string): Promise<Message | undefined> {
    const path = `/channels/${channel}/messages/${message}` as const;
    const answer = await unless(UNSEEN_CODES, () => this.#call('get', path));
    return Message.safeParse(answer).data;
  }

  /** All of a server but its threads, those included that we cannot see. */
  async guildChannels(guild: string): Promise<GuildChannel[]> {
    return z.array(GuildChannel).parse(await this.#call('get', `/guilds/${guild}/channels`));
  }

  async roles(guild: string): Promise<Role[]> {
    return z.array(Role).parse(await this.#call('get', `/guilds/${guild}/roles`));
  }

  /** A member of a guild, with their roles; undefined when there is no such member. */
  async member(guild: string, user: string): Promise<Member | undefined> {
    const answer = await unless(NOBODY_CODES, () => this.#call('get', `/guilds/${guild}/members/${user}`));
    return answer === undefined ? undefined : Member.parse(answer);
  }

  /** The channel of a person's direct messages with us. */
  async openDirect(user: string): Promise<string> {
    return (await this.directWith(user)).id;
  }

  async directWith(user: string): Promise<Channel> {
    return Channel.parse(await this.#call('post', '/users/@me/channels', { body: { recipient_id: user } }));
  }

  /** Opens the thread on a message, whose id it has; one that is there already is the same one. */
  async openThread(channel: string, message: string, name: string): Promise<string> {
    const body = { name, auto_archive_duration: ARCHIVE_AFTER_MINUTES };
    await unless(THREAD_EXISTS, () =>
      this.#call('post', `/channels/${channel}/messages/${message}/threads`, { body }),
    );
    return message;
  }

  /** The first answer to an interaction, unless it has had one; Discord waits three seconds for it. */
  async respond({ id, token }: InteractionRef, response: object): Promise<void> {
    const path = `/interactions/${id}/${token}/callback` as const;
    await unless(ALREADY_ANSWERED, () => this.#call('post', path, { body: response, auth: false }));
  }

  /** The first answer, and whether it still shows "is thinking…"; undefined when there is none, or it is too late. */
  async original({ token }: InteractionRef): Promise<Original | undefined> {
    const path = this.#webhook(token, '/messages/@original');
    const answer = await unless(EXPIRED_CODES, () => this.#call('get', path, { auth: false }));
    if (answer === undefined) return undefined;
    const { id, channel_id: channel, flags, content } = WrittenMessage.parse(answer);
    const visible = (flags & MessageFlag.ephemeral) === 0 ? 'everybody' : 'them';
    const waits = (flags & MessageFlag.loading) !== 0 || (visible === 'them' && saysNothingDone(content));
    return { channel, message: id, waits, visible, shown: Message.safeParse(answer).data };
  }

  /** Writes the first answer (`@original`), or another message of the interaction. Undefined when it is over. */
  async editAnswer({ token }: InteractionRef, message: string, post: Post): Promise<Written | undefined> {
    const path = this.#webhook(token, `/messages/${message}`);
    const answer = await unless(EXPIRED_CODES, () =>
      this.#call('patch', path, { ...editOf(post), auth: false }),
    );
    return answer === undefined ? undefined : toWritten(answer);
  }

  /** Takes the first answer away. */
  async removeAnswer({ token }: InteractionRef): Promise<void> {
    const path = this.#webhook(token, '/messages/@original');
    await unless(EXPIRED_CODES, () => this.#call('delete', path, { auth: false }));
  }

  /** Says one thing more to an interaction. Undefined when it is over. */
  async followUp(
    { token }: InteractionRef,
    post: Post,
    visible: 'everybody' | 'them',
  ): Promise<Written | undefined> {
    const body = bodyOf(post);
    const flags = body.flags | (visible === 'them' ? MessageFlag.ephemeral : 0);
    const answer = await unless(EXPIRED_CODES, () =>
      this.#call('post', this.#webhook(token, ''), {
        body: { ...body, flags },
        files: filesOf(post),
        auth: false,
      }),
    );
    return answer === undefined ? undefined : toWritten(answer);
  }

  async commands(guild: string | undefined): Promise<RegisteredCommand[]> {
    return Commands.parse(await this.#call('get', this.#commandsOf(guild)));
  }

  /** Makes the changes one by one: none of them touches a command that is as it should be. */
  async changeCommands(
    guild: string | undefined,
    { create, edit, remove }: CommandChanges,
    signal: AbortSignal,
  ): Promise<void> {
    const path = this.#commandsOf(guild);
    for (const { id } of remove) {
      signal.throwIfAborted();
      await this.#call('delete', `${path}/${id}`);
    }
    for (const { id, command } of edit) {
      signal.throwIfAborted();
      await this.#call('patch', `${path}/${id}`, { body: command });
    }
    for (const command of create) {
      signal.throwIfAborted();
      await this.#call('post', path, { body: command });
    }
  }

  /** The same file at an address that does not end soon; undefined when Discord knows no such file. */
  async refreshAddress(address: string): Promise<string | undefined> {
    const body = { attachment_urls: [address] };
    const { refreshed_urls: refreshed } = Refreshed.parse(
      await this.#call('post', '/attachments/refresh-urls', { body }),
    );
    return refreshed[0]?.refreshed ?? undefined;
  }

  #webhook(token: string, path: string): `/${string}` {
    return `/webhooks/${this.applicationId}/${token}${path}`;
  }

  #commandsOf(guild: string | undefined): `/${string}` {
    const scope = guild === undefined ? '' : `/guilds/${guild}`;
    return `/applications/${this.applicationId}${scope}/commands`;
  }

  /** By the bot's token, or by that of an interaction, which Discord does not count against the bot. */
  async #rest(auth: boolean): Promise<REST> {
    if (!auth) {
      this.#forInteractions ??= this.#createRest({ globalRequestsPerSecond: Number.POSITIVE_INFINITY });
      return this.#forInteractions;
    }
    this.#forBot ??= this.#createRest();
    const rest = await this.#forBot;
    // discord.js forgets a token that was refused once; only asking again shows whether it works again.
    return rest.setToken(this.token);
  }

  /** discord.js is large; it is loaded by the first call. */
  async #createRest(options: Partial<RESTOptions> = {}): Promise<REST> {
    const { REST } = await loadDiscord();
    return new REST({
      api: this.apiUrl.replace(/\/$/, ''),
      version: '10',
      retries: 0,
      timeout: CALL_TIMEOUT_MS,
      // Node's own: discord.js's would send files through whatever undici another library has made the global one.
      makeRequest: async (url, init) => fetch(url, init as object), // the same type, of another copy
      rejectOnRateLimit: ({ timeToReset }) => timeToReset > MAX_QUIET_WAIT_MS,
      ...options,
    });
  }

  async #call(
    method: 'get' | 'post' | 'patch' | 'delete',
    path: `/${string}`,
    { auth = true, ...request }: CallOptions = {},
  ): Promise<unknown> {
    const rest = await this.#rest(auth);
    try {
      return await rest[method](path, { ...request, auth });
    } catch (error) {
      throw toOurError(error);
    }
  }
}

interface CallOptions {
  readonly body?: object;
  readonly files?: RawFile[];
  readonly query?: URLSearchParams;
  readonly auth?: boolean;
}

/** The credentials are wrong; nothing gets better by trying again. */
export class CredentialError extends Error {
  constructor(readonly reason: string) {
    super(`Discord does not accept the bot token: ${reason}`);
    this.name = 'CredentialError';
  }
}

/** Discord did not answer at all; the way to it is what fails. */
export class UnreachableError extends Error {
  constructor(
    readonly trouble: NetworkTrouble | undefined,
    reason: string,
  ) {
    super(`Discord cannot be reached: ${trouble?.detail ?? reason}`);
    this.name = 'UnreachableError';
  }
}

/** Discord said no, and this is its number for why (docs.discord.com, JSON Error Codes). */
export class RefusedError extends Error {
  constructor(
    readonly status: number,
    readonly discordCode: number,
    readonly reason: string,
  ) {
    super(`Discord refused (${status}, ${discordCode}): ${reason}`);
    this.name = 'RefusedError';
  }
}

/** One message of a shape we do not know must not hide the others. */
function readable(page: readonly unknown[]): Message[] {
  return page.flatMap((message) => Message.safeParse(message).data ?? []);
}

/** Resolves with undefined instead of rejecting with one of these codes. */
async function unless<Answer>(
  codes: ReadonlySet<number>,
  request: () => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await request();
  } catch (error) {
    if (codes.has(codeOf(error) ?? 0)) return undefined;
    throw error;
  }
}

/** Discord's own number for what went wrong, of an error of ours. */
export function codeOf(error: unknown): number | undefined {
  if (error instanceof RefusedError) return error.discordCode;
  return error instanceof UndeliverableError ? codeOf(error.cause) : undefined;
}

const RateLimited = z.object({ timeToReset: z.number(), retryAfter: z.number() });
const Refused = z.object({ status: z.number(), code: z.union([z.number(), z.string()]).optional() });

/** discord.js's errors in the words of the port. What may pass stays a plain error: trying again is worth it. */
export function toOurError(error: unknown): Error {
  const limited = RateLimited.safeParse(error).data;
  if (limited) {
    const waitMs = Math.max(limited.timeToReset, limited.retryAfter, 0);
    return new RateLimitedError(
      DISCORD,
      Number.isFinite(waitMs) ? Math.ceil(waitMs) : DEFAULT_RETRY_AFTER_MS,
    );
  }
  const refused = Refused.safeParse(error).data;
  const reason = error instanceof Error ? error.message : String(error);
  if (!refused) return new UnreachableError(networkTrouble(error), reason);
  const { status } = refused;
  const code = Number(refused.code ?? 0);
  if (status >= 500) return new Error(`Discord answered ${status}`);
  if (status === 401) return new CredentialError(reason);
  const refusal = new RefusedError(status, code, reason);
  return FINAL_CODES.has(code) ? new UndeliverableError(DISCORD, reason, { cause: refusal }) : refusal;
}

function bodyOf({ content, embeds = [], components = [] }: Post) {
  return {
    content,
    embeds,
    components,
    allowed_mentions: NO_MENTIONS,
    // Previews of links are other people's pictures under our name; a card is an embed itself.
    flags: embeds.length > 0 ? 0 : MessageFlag.suppressEmbeds,
  };
}

function editOf(post: Post): { body: object; files: RawFile[] } {
  return { body: bodyOf(post), files: filesOf(post) };
}

function filesOf({ files = [] }: Post): RawFile[] {
  return files.map(({ name, mediaType, base64 }) => ({
    name,
    contentType: mediaType,
    data: Buffer.from(base64, 'base64'),
  }));
}

function toWritten(answer: unknown): Written {
  const { id, channel_id: channel } = WrittenMessage.parse(answer);
  return { channel, message: id };
}
