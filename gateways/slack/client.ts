/**
 * Calls to Slack's Web API; its errors become ours.
 *
 * Invariants
 *   1. Nothing waits inside: one attempt, bounded in time, and a 429 is the caller's at once. Waiting for everybody
 *      because one channel is full is what the outbox is there to avoid.
 *   2. Nothing we post unfurls, links names, or is parsed for anything but what we wrote on purpose.
 *   3. Every message carries our mark, so that it is found again after an unknown outcome.
 */

import type { types } from '@slack/bolt';
import {
  type WebAPICallResult,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from '@slack/web-api';
import { RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import { timeLimit } from '../../src/domain/time-limit.ts';
import { readUrl } from '../../src/domain/url.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { Identity } from './inbound.ts';
import type { Post } from './outbound.ts';
import { AuthTest, FileInfo, MessagePage, OurMark, type SlackFile, UploadStart } from './schema.ts';
import { toSlackLogger } from './slack-logger.ts';
import { createTransport } from './transport.ts';

/** Longer than Slack takes on a bad day, shorter than a person waits. */
const CALL_TIMEOUT_MS = 10_000;

/** Slack's answer to a full bucket always carries Retry-After; this is for the day it does not. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

/** Pages of history looked through for a message of ours; the newest 1,000 messages of a channel, or a thread's first. */
const SEARCH_PAGE_SIZE = 200;
const MAX_SEARCH_PAGES = 5;

/** Trying the same message again cannot help (docs.slack.dev, errors of chat.postMessage and conversations.open). */
const FINAL_ERRORS: ReadonlySet<string> = new Set([
  'as_user_not_supported',
  'cannot_dm_bot',
  'cannot_reply_to_message',
  'channel_not_found',
  'duplicate_channel_not_found',
  'invalid_blocks',
  'invalid_blocks_format',
  'is_archived',
  'messages_tab_disabled',
  'metadata_too_large',
  'msg_blocks_too_long',
  'msg_too_long',
  'no_text',
  'not_in_channel',
  'restricted_action',
  'restricted_action_non_threadable_channel',
  'restricted_action_read_only_channel',
  'restricted_action_thread_locked',
  'restricted_action_thread_only_channel',
  'user_disabled',
  'user_not_found',
  'user_not_in_channel',
  'user_not_visible',
  'users_not_found',
]);

/** The message to be edited is no more, or no longer ours to edit. */
const GONE_ERRORS: ReadonlySet<string> = new Set([
  'cant_update_message',
  'edit_window_closed',
  'message_not_found',
  'update_failed',
]);

/** Of a file asked for: it is not to be had (docs.slack.dev, errors of files.info). */
const FILE_GONE_ERRORS: ReadonlySet<string> = new Set([
  'access_denied',
  'file_deleted',
  'file_not_found',
  'missing_scope',
  'no_permission',
  'slack_connect_file_upload_sharing_blocked',
]);

/** What one person alone is shown. */
export interface Shown {
  readonly text: string;
  readonly blocks?: types.KnownBlock[];
}

/** The credentials are wrong; nothing gets better by itself. */
const CREDENTIAL_ERRORS: ReadonlySet<string> = new Set([
  'account_inactive',
  'invalid_auth',
  'not_authed',
  'not_allowed_token_type',
  'org_login_required',
  'token_expired',
  'token_revoked',
]);

export interface Self extends Identity {
  readonly teamName: string;
  /** Where the workspace is, with a slash at its end; undefined where Slack does not say. */
  readonly workspaceUrl: string | undefined;
  readonly scopes: readonly string[] | undefined;
}

/** A message of ours that was found again. */
export interface Found {
  readonly ts: string;
  readonly state: OurMark['event_payload']['state'];
}

export class SlackClient {
  readonly #web: WebClient;

  constructor(
    token: string,
    private readonly apiUrl: string,
    log: Logger,
  ) {
    this.#web = new WebClient(token, {
      slackApiUrl: apiUrl,
      fetch: createTransport(CALL_TIMEOUT_MS),
      rejectRateLimitedCalls: true,
      retryConfig: { retries: 0 },
      allowAbsoluteUrls: false,
      logger: toSlackLogger(log),
    });
  }

  /** Who our token makes us. Throws `CredentialError` when it makes us nobody. */
  async whoAmI(): Promise<Self> {
    const answer = AuthTest.parse(await call(() => this.#web.auth.test()));
    return {
      teamId: answer.team_id,
      userId: answer.user_id,
      botId: answer.bot_id,
      teamName: answer.team ?? answer.team_id,
      workspaceUrl: answer.url,
      scopes: answer.response_metadata?.scopes,
    };
  }

  /** Posts one message; resolves with its timestamp. */
  async post(
    channel: string,
    thread: string | undefined,
    post: Post,
    state: Found['state'],
  ): Promise<string> {
    const { ts } = await call(() =>
      this.#web.chat.postMessage({
        channel,
        text: post.text,
        ...(thread === undefined ? {} : { thread_ts: thread }),
        ...(post.blocks === undefined ? {} : { blocks: post.blocks }),
        metadata: markOf(post, state),
        parse: 'none',
        link_names: false,
        unfurl_links: false,
        unfurl_media: false,
      }),
    );
    return timestampOf(ts);
  }

  /** Edits one message. Resolves false when it is gone. */
  async update(channel: string, ts: string, post: Post, state: Found['state']): Promise<boolean> {
    try {
      await call(() =>
        this.#web.chat.update({
          channel,
          ts,
          text: post.text,
          ...(post.blocks === undefined ? {} : { blocks: post.blocks }),
          metadata: markOf(post, state),
          parse: 'none',
          link_names: false,
        }),
      );
      return true;
    } catch (error) {
      if (GONE_ERRORS.has(platformErrorOf(error) ?? '')) return false;
      throw error;
    }
  }

  /** Shows a text to one person of a channel; it is gone when they reload. */
  async postEphemeral(
    place: { channel: string; thread: string | undefined; user: string },
    { text, blocks }: Shown,
  ): Promise<string> {
    const { message_ts } = await call(() =>
      this.#web.chat.postEphemeral({
        channel: place.channel,
        user: place.user,
        text,
        ...(blocks === undefined ? {} : { blocks }),
        ...(place.thread === undefined ? {} : { thread_ts: place.thread }),
        parse: 'none',
        link_names: false,
      }),
    );
    return timestampOf(message_ts);
  }

  /** Our messages among those of a thread or a channel whose keys are asked for; with `at`, only the one of that time. */
  async find(
    place: { channel: string; thread: string | undefined; botId: string; at?: string },
    keys: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Map<string, Found>> {
    const found = new Map<string, Found>();
    let cursor: string | undefined;
    for (let page = 0; page < MAX_SEARCH_PAGES && found.size < keys.size; page++) {
      signal.throwIfAborted();
      const { messages, response_metadata } = MessagePage.parse(await this.#page(place, cursor));
      for (const message of messages) {
        const mark = OurMark.safeParse(message.metadata).data?.event_payload;
        // Anybody may write our mark into a message; only ours carries our bot.
        if (mark && message.bot_id === place.botId && keys.has(mark.key)) {
          found.set(mark.key, { ts: message.ts, state: mark.state });
        }
      }
      cursor = response_metadata?.next_cursor;
      if (!cursor) break;
    }
    return found;
  }

  async #page(
    place: { channel: string; thread: string | undefined; at?: string },
    cursor: string | undefined,
  ): Promise<WebAPICallResult> {
    const { channel, thread, at } = place;
    const page = {
      channel,
      include_all_metadata: true,
      limit: SEARCH_PAGE_SIZE,
      ...(cursor === undefined ? {} : { cursor }),
      ...(at === undefined ? {} : { oldest: at, latest: at, inclusive: true }),
    };
    return call(() =>
      thread === undefined
        ? this.#web.conversations.history(page)
        : this.#web.conversations.replies({ ...page, ts: thread }),
    );
  }

  /** What Slack knows of a file. @throws {UndeliverableError} when there is none that we may see */
  async fileInfo(id: string): Promise<SlackFile> {
    try {
      return FileInfo.parse(await call(() => this.#web.files.info({ file: id }))).file;
    } catch (error) {
      const reason = platformErrorOf(error) ?? '';
      throw FILE_GONE_ERRORS.has(reason) ? new UndeliverableError('slack', reason, { cause: error }) : error;
    }
  }

  /** Where the bytes of a new file are to be sent, without our token. */
  async startUpload(filename: string, length: number): Promise<{ id: string; url: string }> {
    const started = await call(() => this.#web.files.getUploadURLExternal({ filename, length }));
    const { file_id: id, upload_url: url } = UploadStart.parse(started);
    return { id, url };
  }

  /** Shows uploaded files in one message. */
  async finishUpload(
    files: readonly { readonly id: string; readonly title: string }[],
    channel: string,
    thread: string | undefined,
  ): Promise<void> {
    const [first, ...rest] = files;
    if (!first) return;
    const all: [typeof first, ...typeof rest] = [first, ...rest];
    const shared = { files: all, channel_id: channel };
    await call(() =>
      this.#web.files.completeUploadExternal(
        thread === undefined ? shared : { ...shared, thread_ts: thread },
      ),
    );
  }

  /** Whether a message of ours after `after` carries just these files. */
  async hasShared(
    place: { channel: string; thread: string | undefined; botId: string },
    after: string,
    files: readonly { readonly name: string; readonly bytes: number }[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const wanted = fingerprintOf(files.map(({ name, bytes }) => ({ title: name, size: bytes })));
    let cursor: string | undefined;
    for (let page = 0; page < MAX_SEARCH_PAGES; page++) {
      signal.throwIfAborted();
      const { messages, response_metadata } = MessagePage.parse(await this.#page(place, cursor));
      const ours = messages.filter(({ bot_id, ts }) => bot_id === place.botId && Number(ts) > Number(after));
      if (ours.some((message) => fingerprintOf(message.files ?? []) === wanted)) return true;
      cursor = response_metadata?.next_cursor;
      if (!cursor) break;
    }
    return false;
  }

  /** The channel of a person's direct messages with us. */
  async openDirect(user: string): Promise<string> {
    const { channel } = await call(() => this.#web.conversations.open({ users: user }));
    if (!channel?.id) throw new Error('Slack opened a direct conversation without naming it');
    return channel.id;
  }

  /** Shows a modal to whoever just pressed; Slack takes a trigger once and for 3 s. */
  async openModal(triggerId: string, view: types.ModalView): Promise<void> {
    await call(() => this.#web.views.open({ trigger_id: triggerId, view }));
  }

  /**
   * Answers a press or a command where Slack told us to, up to 5 times within 30 minutes (docs.slack.dev, Handling user
   * interaction). Resolves false when Slack no longer takes it, and when the address is not one Slack gives out: it
   * came in with a request, and what it is sent must not go anywhere else.
   *
   * @throws {RateLimitedError} when Slack asks us to wait
   */
  async respond(responseUrl: string, shown: Shown): Promise<boolean> {
    if (!this.#isSlacks(responseUrl)) return false;
    const response = await fetch(responseUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ response_type: 'ephemeral', replace_original: false, ...shown }),
      redirect: 'error',
      signal: timeLimit(CALL_TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (response.status === 429) {
      const seconds = Number(response.headers.get('retry-after'));
      throw new RateLimitedError('slack', seconds > 0 ? seconds * 1_000 : DEFAULT_RETRY_AFTER_MS);
    }
    if (response.status >= 500) throw new Error(`Slack answered ${response.status}`);
    return response.ok;
  }

  #isSlacks(address: string): boolean {
    const url = readUrl(address);
    if (!url) return false;
    const { protocol, host } = url;
    const api = new URL(this.apiUrl);
    return (
      (protocol === 'https:' && host === 'hooks.slack.com') ||
      (protocol === api.protocol && host === api.host)
    );
  }
}

/** The credentials are wrong; nothing gets better by trying again. */
export class CredentialError extends Error {
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Slack does not accept the token: ${reason}`, options);
    this.name = 'CredentialError';
  }
}

/** Asks Slack for a socket's address, which proves that the app token is good and Socket Mode is on. */
export async function tryAppToken(appToken: string, apiUrl: string, log: Logger): Promise<void> {
  const web = new WebClient(appToken, {
    slackApiUrl: apiUrl,
    fetch: createTransport(CALL_TIMEOUT_MS),
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    logger: toSlackLogger(log),
  });
  await call(() => web.apps.connections.open({}));
}

async function call<Answer>(request: () => Promise<Answer>): Promise<Answer> {
  try {
    return await request();
  } catch (error) {
    throw toOurError(error);
  }
}

/** Slack's errors in the words of the port. What may pass stays a plain error: trying again is worth it. */
export function toOurError(error: unknown): Error {
  if (error instanceof WebAPIRateLimitedError) {
    return new RateLimitedError('slack', error.retryAfter * 1_000, { cause: error });
  }
  if (error instanceof WebAPIHTTPError)
    return new Error(`Slack answered ${error.statusCode}`, { cause: error });
  if (!(error instanceof WebAPIPlatformError))
    return error instanceof Error ? error : new Error(String(error));

  const reason = error.data.error;
  if (reason === 'ratelimited' || reason === 'rate_limited') {
    return new RateLimitedError('slack', DEFAULT_RETRY_AFTER_MS, { cause: error });
  }
  if (CREDENTIAL_ERRORS.has(reason)) return new CredentialError(reason, { cause: error });
  if (FINAL_ERRORS.has(reason)) return new UndeliverableError('slack', reason, { cause: error });
  return new Error(`Slack refused: ${reason}`, { cause: error });
}

/** Slack's own word for what went wrong, of an error of ours. */
export function platformErrorOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof WebAPIPlatformError ? cause.data.error : undefined;
}

function fingerprintOf(files: readonly Pick<SlackFile, 'title' | 'size'>[]): string {
  return JSON.stringify(files.map(({ title, size }) => `${size} ${title}`).toSorted());
}

function markOf(post: Post, state: Found['state']): OurMark {
  return { event_type: 'signalbox_message', event_payload: { key: post.key, state } };
}

function timestampOf(ts: string | undefined): string {
  if (ts === undefined) throw new Error('Slack took the message without giving it a timestamp');
  return ts;
}
