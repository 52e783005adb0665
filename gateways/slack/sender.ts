/**
 * Gets messages to Slack: posts them, edits them, and finds those that are there already.
 *
 * Invariants
 *   1. After an unknown outcome (a later attempt) the key of every part is looked up first, and only what is missing
 *      is posted.
 *   2. A progress message found under the key of a reply is not the reply: it is edited into it.
 *   3. What was to be edited and is gone is posted anew: an answer is worth more than its place.
 *   4. Files follow their text in a message of their own, which can carry no key. After an unknown outcome a message
 *      of ours behind the text that carries just these files is taken for it: nothing overtakes a text in its place.
 */
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { ProgressUpdate } from '../../src/domain/gateway.ts';
import { type AccountId, platformOf } from '../../src/domain/ids.ts';
import type { Address, OutboundMessage, OutFile, Sent } from '../../src/domain/message.ts';
import { type Found, platformErrorOf, type SlackClient } from './client.ts';
import type { SlackFiles } from './files.ts';
import { type Identity, refOf, SLACK } from './inbound.ts';
import { toMrkdwn } from './mrkdwn.ts';
import {
  type Place,
  type Post,
  type Posts,
  parseRef,
  toCardPosts,
  toFilesRefusedPost,
  toPlace,
  toProgressPost,
  toTextPosts,
  userOf,
} from './outbound.ts';

/** Slack takes no files here, and will not on another try (docs.slack.dev, files.completeUploadExternal). */
const FILES_REFUSED: ReadonlySet<string> = new Set([
  'access_denied',
  'file_upload_size_restricted',
  'file_uploads_disabled',
  'file_uploads_except_images_disabled',
  'invalid_arguments',
  'missing_scope',
  'posting_to_channel_denied',
  'restricted_action',
  'slack_connect_file_upload_sharing_blocked',
  'storage_limit_reached',
]);

/** A channel, and the thread of it. */
interface Spot {
  readonly channel: string;
  readonly thread: string | undefined;
}

export class SlackSender {
  /** Direct conversations by user: Slack names the same channel every time, so it is asked once. */
  readonly #directChannels = new Map<string, string>();

  constructor(
    private readonly client: SlackClient,
    private readonly files: SlackFiles,
    /** Whose messages to look for; asked only when looking. */
    private readonly whoAmI: () => Promise<Identity>,
  ) {}

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    const place = placeOf(message.to);
    const { id, body } = message;
    switch (body.kind) {
      case 'text':
        return this.#text(message, body, { place, signal });
      case 'card':
        return this.#deliver(toCardPosts(id, body.card), message, body.replaces, { place, signal });
      case 'notice':
        return this.#notify(body.markdown, body.onlyFor, place, signal);
      default:
        return body satisfies never;
    }
  }

  /** Creates or edits the one message that shows progress; resolves with the reference to it. */
  async showProgress(update: ProgressUpdate, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const post = toProgressPost(update.key, update.markdown);
    const shown = update.ref === undefined ? undefined : parseRef(update.ref);
    if (shown && (await this.client.update(shown.channel, shown.ts, post, 'progress'))) {
      return refOf(shown.channel, shown.ts);
    }
    const { channel, thread } = await this.#spotOf(placeOf(update.to));
    return refOf(channel, await this.client.post(channel, thread, post, 'progress'));
  }

  async #text(
    message: OutboundMessage,
    { markdown, replaces, files = [] }: Extract<OutboundMessage['body'], { kind: 'text' }>,
    way: { place: Place; signal: AbortSignal },
  ): Promise<Sent> {
    const sent = await this.#deliver(toTextPosts(message.id, markdown), message, replaces, way);
    if (files.length > 0) await this.#attach(files, message, sent, way);
    return sent;
  }

  async #attach(
    files: readonly OutFile[],
    { id, attempt }: OutboundMessage,
    { ref }: Sent,
    { place, signal }: { place: Place; signal: AbortSignal },
  ): Promise<void> {
    const spot = await this.#spotOf(place);
    if (attempt > 1 && (await this.#isShared(files, spot, ref, signal))) return;
    try {
      await this.files.share(files, spot, signal);
    } catch (error) {
      const reason = platformErrorOf(error) ?? '';
      if (!FILES_REFUSED.has(reason)) throw error;
      const post = toFilesRefusedPost(id, files, reason);
      const told = attempt > 1 ? await this.#find([post], spot, signal) : new Map<string, Found>();
      if (!told.has(post.key)) await this.#post(spot, post, signal);
    }
  }

  async #isShared(files: readonly OutFile[], spot: Spot, ref: string, signal: AbortSignal): Promise<boolean> {
    const { botId } = await this.whoAmI();
    const sizes = files.map(({ name, base64 }) => ({ name, bytes: Buffer.byteLength(base64, 'base64') }));
    return this.client.hasShared({ ...spot, botId }, parseRef(ref)?.ts ?? '0', sizes, signal);
  }

  async #deliver(
    posts: Posts,
    { attempt }: OutboundMessage,
    replaces: string | undefined,
    { place, signal }: { place: Place; signal: AbortSignal },
  ): Promise<Sent> {
    signal.throwIfAborted();
    const spot = await this.#spotOf(place);
    const sent = attempt > 1 ? await this.#findSent(posts, spot, signal) : new Map<string, Found>();
    const missing = (post: Post) => sent.get(post.key)?.state !== 'final';

    let ref = await this.#reuse(posts.main, spot, sent.get(posts.main.key), replaces);
    if (ref === undefined) {
      for (const post of posts.before.filter(missing)) await this.#post(spot, post, signal);
      ref = await this.#post(spot, posts.main, signal);
    }
    for (const post of posts.after.filter(missing)) await this.#post(spot, post, signal);
    return { ref };
  }

  async #findSent(posts: Posts, spot: Spot, signal: AbortSignal): Promise<Map<string, Found>> {
    return this.#find([...posts.before, posts.main, ...posts.after], spot, signal);
  }

  async #find(posts: readonly Post[], spot: Spot, signal: AbortSignal): Promise<Map<string, Found>> {
    const keys = new Set(posts.map((post) => post.key));
    const { botId } = await this.whoAmI();
    return this.client.find({ ...spot, botId }, keys, signal);
  }

  /** The message that already is the main one, or was edited into it; undefined when it has to be posted. */
  async #reuse(
    main: Post,
    spot: Spot,
    found: Found | undefined,
    replaces: string | undefined,
  ): Promise<string | undefined> {
    if (found?.state === 'final') return refOf(spot.channel, found.ts);
    const target =
      replaces === undefined ? found && { channel: spot.channel, ts: found.ts } : parseRef(replaces);
    if (!target) return undefined;
    return (await this.client.update(target.channel, target.ts, main, 'final'))
      ? refOf(target.channel, target.ts)
      : undefined;
  }

  async #post({ channel, thread }: Spot, post: Post, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    return refOf(channel, await this.client.post(channel, thread, post, 'final'));
  }

  /** In a channel only the one person sees it; their direct messages are theirs alone anyway. */
  async #notify(markdown: string, onlyFor: AccountId, place: Place, signal: AbortSignal): Promise<Sent> {
    if (platformOf(onlyFor) !== SLACK)
      throw new UndeliverableError(SLACK, `${onlyFor} is not an account of Slack`);
    const user = userOf(onlyFor);
    const { channel, thread } = await this.#spotOf(place);
    let ref = '';
    for (const text of toMrkdwn(markdown)) {
      signal.throwIfAborted();
      ref = refOf(channel, await this.client.postEphemeral({ channel, thread, user }, text));
    }
    return { ref };
  }

  async #spotOf(place: Place): Promise<Spot> {
    if (place.kind === 'channel') return { channel: place.channel, thread: place.thread };
    const known = this.#directChannels.get(place.user);
    const channel = known ?? (await this.client.openDirect(place.user));
    this.#directChannels.set(place.user, channel);
    return { channel, thread: undefined };
  }
}

function placeOf(to: Address): Place {
  const place = toPlace(to);
  if (!place) throw new UndeliverableError(SLACK, 'the address is not one of Slack');
  return place;
}
