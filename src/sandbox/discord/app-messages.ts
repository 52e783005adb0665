/**
 * Messages as the app writes them: the form it sends, judged, with its files, as a change of the world.
 *
 * The one place where a body becomes a message, for channels and for interactions alike.
 */
import type { Clock } from '../../domain/clock.ts';
import { BOT } from '../people.ts';
import type { Files } from './files.ts';
import { NONCE_LIFETIME_MS } from './limits.ts';
import type { MentionDefaults } from './mentions.ts';
import {
  emptyMessage,
  IS_COMPONENTS_V2,
  type MessageBody,
  parseBody,
  parseNewMessage,
  SUPPRESS_EMBEDS,
  SUPPRESS_NOTIFICATIONS,
} from './message-rules.ts';
import { type Draft, isSystemMessage, type MentionPolicy, type Messages } from './messages.ts';
import { invalidForm, unknown } from './refusal.ts';
import type { RequestBody, UploadedFile } from './request-body.ts';
import type { Attachment, DiscordMessage, World } from './world.ts';

/** Flags a new message may have, and an edit may change (Create Message, Edit Message). */
const CREATE_FLAGS = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | IS_COMPONENTS_V2;
const EDIT_FLAGS = SUPPRESS_EMBEDS | IS_COMPONENTS_V2;

interface Deps {
  readonly world: World;
  readonly messages: Messages;
  readonly files: Files;
  readonly clock: Clock;
}

export class AppMessages {
  constructor(private readonly deps: Deps) {}

  /** @throws {Refusal} */
  create(channel: string, { json, files }: RequestBody): DiscordMessage {
    const body = parseNewMessage(json, { flags: CREATE_FLAGS, files: files.length });
    return this.#sameNonce(channel, body) ?? this.#post({ channel, body, files, defaults: 'everybody' });
  }

  /** An answer to an interaction. @throws {Refusal} */
  answer(given: {
    request: RequestBody;
    /** What the interaction decides: the place, the type, whose eyes. */
    draft: Omit<Draft, 'author'>;
    extraFlags: number;
  }): DiscordMessage {
    const { request, draft, extraFlags } = given;
    const body = parseNewMessage(request.json, {
      flags: CREATE_FLAGS | extraFlags,
      files: request.files.length,
    });
    return this.#post({ channel: draft.channel, body, files: request.files, defaults: 'users', draft });
  }

  /** @throws {Refusal} */
  edit(
    before: DiscordMessage,
    { json, files }: RequestBody,
    { defaults = 'everybody', ...more }: { defaults?: MentionDefaults; extraFlags?: number } = {},
  ): DiscordMessage {
    const rules = { flags: EDIT_FLAGS | (more.extraFlags ?? 0), had: before.flags, files: files.length };
    const body = parseBody(json, rules);
    const attachments = this.#editedAttachments(before, body, files);
    const change = {
      ...(body.content === undefined ? {} : { content: body.content ?? '' }),
      ...(body.embeds === undefined ? {} : { embeds: body.embeds ?? [] }),
      ...(body.components === undefined ? {} : { components: withIds(body.components ?? []) }),
      // Components V2 stays on once it is on; the rest is what the app says.
      flags:
        body.flags === undefined
          ? before.flags
          : ((body.flags ?? 0) & CREATE_FLAGS) | (before.flags & IS_COMPONENTS_V2),
      attachments,
      loading: false,
    };
    if (isEmpty({ ...before, ...change })) throw emptyMessage();
    const wasLoading = before.loading === true;
    return this.deps.messages.edit(before, change, policyOf(body, defaults), { seen: !wasLoading });
  }

  #post(given: {
    channel: string;
    body: MessageBody;
    files: readonly UploadedFile[];
    defaults: MentionDefaults;
    draft?: Omit<Draft, 'author'>;
  }): DiscordMessage {
    const { channel, body, files, defaults, draft } = given;
    const replyTo = this.#repliedTo(channel, body);
    return this.deps.messages.post(
      {
        channel,
        author: BOT.discordUser,
        type: replyTo === undefined ? 0 : 19,
        content: body.content ?? '',
        embeds: body.embeds ?? [],
        components: withIds(body.components ?? []),
        attachments: this.#uploaded(body, files),
        flags: (body.flags ?? 0) & CREATE_FLAGS,
        ...(replyTo === undefined ? {} : { replyTo }),
        ...(body.nonce === undefined || body.nonce === null ? {} : { nonce: body.nonce }),
        ...draft,
      },
      policyOf(body, defaults),
    );
  }

  /** `enforce_nonce`: the message that this nonce made within the past few minutes. */
  #sameNonce(channel: string, { nonce, enforce_nonce: enforced }: MessageBody): DiscordMessage | undefined {
    if (enforced !== true || nonce === undefined || nonce === null) return undefined;
    const since = this.deps.clock.now() - NONCE_LIFETIME_MS;
    const existing = this.deps.world.withNonce(channel, BOT.discordUser, nonce);
    return existing !== undefined && Date.parse(existing.createdAt) >= since ? existing : undefined;
  }

  #repliedTo(channel: string, { message_reference: reference }: MessageBody): string | undefined {
    if (reference === undefined || reference === null) return undefined;
    const { message_id: id, channel_id: where } = reference;
    const found = this.deps.world.message(id);
    if (found?.channel === channel && (where ?? channel) === channel) {
      if (!isSystemMessage(found)) return id;
      throw invalidForm([
        {
          path: ['message_reference'],
          code: 'REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE',
          message: 'Cannot reply to a system message',
        },
      ]);
    }
    if (reference.fail_if_not_exists === false) return undefined;
    throw invalidForm([
      { path: ['message_reference'], code: 'REPLIES_UNKNOWN_MESSAGE', message: 'Unknown message' },
    ]);
  }

  /** Files of `attachments` that were not uploaded are refused; files it does not name are kept all the same. */
  #uploaded({ attachments }: MessageBody, files: readonly UploadedFile[]): Attachment[] {
    for (const [index, { id }] of (attachments ?? []).entries())
      if (!files.some((file) => file.index === id)) throw unknownAttachment(index);
    return files.map((file) => this.#keep(file, attachments));
  }

  #editedAttachments(
    before: DiscordMessage,
    { attachments }: MessageBody,
    files: readonly UploadedFile[],
  ): Attachment[] {
    const added = files.map((file) => this.#keep(file, attachments));
    if (attachments === undefined) return [...before.attachments, ...added];
    const named = (attachments ?? []).map(({ id }) => id);
    for (const [index, id] of named.entries())
      if (!files.some((file) => file.index === id) && !before.attachments.some((file) => file.id === id))
        throw unknownAttachment(index);
    return [...before.attachments.filter(({ id }) => named.includes(id)), ...added];
  }

  #keep(file: UploadedFile, attachments: MessageBody['attachments']): Attachment {
    const named = (attachments ?? []).find(({ id }) => id === file.index);
    return this.deps.files.keep({
      ...file,
      filename: named?.filename ?? file.filename,
      description: named?.description ?? undefined,
    });
  }
}

/** A message of ours that may be changed through its channel. @throws {Refusal} */
export function visibleMessage(world: World, channel: string, id: string): DiscordMessage {
  const message = world.message(id);
  if (message === undefined || message.channel !== channel || message.onlyFor !== undefined)
    throw unknown.message();
  return message;
}

function policyOf({ allowed_mentions: allowed }: MessageBody, defaults: MentionDefaults): MentionPolicy {
  return { allowed: allowed ?? undefined, defaults };
}

function isEmpty({ content, embeds, components, attachments }: DiscordMessage): boolean {
  return content.trim() === '' && embeds.length + components.length + attachments.length === 0;
}

/** Components without a number get one, as Discord counts them. */
function withIds(components: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  let last = 0;
  const number = (component: Record<string, unknown>): Record<string, unknown> => {
    last += 1;
    const numbered: Record<string, unknown> = { id: last, ...component };
    const { components: nested } = component;
    return Array.isArray(nested) ? { ...numbered, components: nested.map(number) } : numbered;
  };
  return components.map(number);
}

function unknownAttachment(index: number) {
  return invalidForm([
    {
      path: ['attachments', index, 'id'],
      code: 'ATTACHMENT_NOT_FOUND',
      message: 'No uploaded file has this id',
    },
  ]);
}
