/**
 * Gets messages to Slack: posts them, edits them, and finds those that are there already.
 *
 * Invariants
 *   1. After an unknown outcome (a later attempt) the key of every part is looked up first, and only what is missing
 *      is posted.
 *   2. A progress message found under the key of a reply is not the reply: it is edited into it.
 *   3. What was to be edited and is gone is posted anew: an answer is worth more than its place.
 *   4. Where a command was typed, only the one who typed it is answered; what must stay, and be found again, as cards
 *      and files must, goes to their direct messages.
 *   5. Files follow their text in a message of their own, which can carry no key. After an unknown outcome a message
 *      of ours behind the text that carries just these files is taken for it: nothing overtakes a text in its place.
 */
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { ProgressUpdate } from '../../src/domain/gateway.ts';
import { platformOf } from '../../src/domain/ids.ts';
import {
  type Address,
  type OutboundMessage,
  type OutFile,
  requireSayable,
  type Sent,
} from '../../src/domain/message.ts';
import { type Found, platformErrorOf, type SlackClient } from './client.ts';
import { inSlackWords } from './commands.ts';
import type { SlackFiles } from './files.ts';
import { type Identity, refOf, SLACK } from './inbound.ts';
import {
  type AlonePlace,
  type Place,
  type Post,
  type Posts,
  parseRef,
  toCardPosts,
  toFilesRefusedPost,
  toNoticePosts,
  toPlace,
  toProgressPost,
  toTextPosts,
  userOf,
} from './outbound.ts';
import { Whisperer } from './whisperer.ts';

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

/** Stands for progress that was not shown: what one person alone sees cannot be edited into the reply. */
const NOTHING_SHOWN = '';

const ELSEWHERE = 'I wrote to you in our direct messages.';

type TextBody = Extract<OutboundMessage['body'], { kind: 'text' }>;

/** A channel, and the thread of it. */
interface Spot {
  readonly channel: string;
  readonly thread: string | undefined;
}

export class SlackSender {
  /** Direct conversations by user: Slack names the same channel every time, so it is asked once. */
  readonly #directChannels = new Map<string, string>();
  readonly #whisperer: Whisperer;

  constructor(
    private readonly client: SlackClient,
    private readonly files: SlackFiles,
    /** Whose messages to look for; asked only when looking. */
    private readonly whoAmI: () => Promise<Identity>,
    botToken: string,
  ) {
    this.#whisperer = new Whisperer(client, botToken, (user) => this.#directChannelOf(user));
  }

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    const place = await this.#placeOf(message.to);
    const { id, body } = message;
    switch (body.kind) {
      case 'text':
        return place.kind === 'alone'
          ? this.#textAlone(message, body, place, signal)
          : this.#text(message, body, { place, signal });
      case 'card': {
        const { card, replaces } = body;
        const way = { place: lasting(place), signal };
        const sent = await this.#deliver(toCardPosts(id, card), message, replaces, way);
        if (place.kind === 'alone' && replaces === undefined) await this.#pointElsewhere(id, place, signal);
        return sent;
      }
      case 'notice':
        return this.#notify(message, body, place, signal);
      default:
        return body satisfies never;
    }
  }

  /** Creates or edits the one message that shows progress; resolves with the reference to it. */
  async showProgress(update: ProgressUpdate, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const place = await this.#placeOf(update.to);
    if (place.kind === 'alone') return NOTHING_SHOWN;
    const post = toProgressPost(update.key, update.markdown);
    const shown = update.ref === undefined ? undefined : parseRef(update.ref);
    if (shown && (await this.client.update(shown.channel, shown.ts, post, 'progress'))) {
      return refOf(shown.channel, shown.ts);
    }
    const { channel, thread } = await this.#spotOf(place);
    return refOf(channel, await this.client.post(channel, thread, post, 'progress'));
  }

  /** Changes what shows progress, in whichever process it was posted; undefined when nothing does. */
  async settleProgress(
    { key, to, markdown, ref }: ProgressUpdate,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    signal.throwIfAborted();
    const place = await this.#placeOf(to);
    if (place.kind === 'alone') return undefined;
    const { main } = toTextPosts(`settled:${key}`, markdown); // no reply is looked for under this key
    const shown = toProgressPost(key, '');
    const spot = await this.#spotOf(place);
    const known = ref === undefined ? undefined : parseRef(ref);
    const there =
      known?.channel === spot.channel
        ? await this.#find([shown], { ...spot, at: known.ts }, signal)
        : undefined;
    const found = there?.get(shown.key) ?? (await this.#find([shown], spot, signal)).get(shown.key);
    return found?.state === 'progress' && (await this.client.update(spot.channel, found.ts, main, 'final'))
      ? refOf(spot.channel, found.ts)
      : undefined;
  }

  async #textAlone(
    message: OutboundMessage,
    body: TextBody,
    place: AlonePlace,
    signal: AbortSignal,
  ): Promise<Sent> {
    if (!body.files?.length) {
      const { main, after } = toTextPosts(message.id, inSlackWords(body.markdown));
      return { ref: await this.#whisperer.say([main, ...after], place, signal) };
    }
    const sent = await this.#text(message, body, { place: lasting(place), signal });
    await this.#pointElsewhere(message.id, place, signal);
    return sent;
  }

  async #pointElsewhere(id: string, place: AlonePlace, signal: AbortSignal): Promise<void> {
    await this.#whisperer.say(toNoticePosts(id, ELSEWHERE), place, signal);
  }

  async #text(
    message: OutboundMessage,
    { markdown, replaces, files = [], buttons }: TextBody,
    way: { place: Place; signal: AbortSignal },
  ): Promise<Sent> {
    const sent = await this.#deliver(toTextPosts(message.id, markdown, buttons), message, replaces, way);
    if (files.length > 0) {
      await requireSayable(message);
      await this.#attach(files, message, sent, way);
    }
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
    message: OutboundMessage,
    replaces: string | undefined,
    { place, signal }: { place: Place; signal: AbortSignal },
  ): Promise<Sent> {
    signal.throwIfAborted();
    const { attempt } = message;
    const spot = await this.#spotOf(place);
    const sent = attempt > 1 ? await this.#findSent(posts, spot, signal) : new Map<string, Found>();
    const missing = (post: Post) => sent.get(post.key)?.state !== 'final';

    let ref = await this.#reuse(posts.main, spot, sent.get(posts.main.key), replaces);
    if (ref === undefined) {
      for (const [index, post] of [...posts.before.filter(missing), posts.main].entries()) {
        if (index > 0) await requireSayable(message);
        ref = await this.#post(spot, post, signal);
      }
    }
    for (const post of posts.after.filter(missing)) {
      await requireSayable(message);
      await this.#post(spot, post, signal);
    }
    if (ref === undefined) throw new Error('a message has a main part');
    return { ref };
  }

  async #findSent(posts: Posts, spot: Spot, signal: AbortSignal): Promise<Map<string, Found>> {
    return this.#find([...posts.before, posts.main, ...posts.after], spot, signal);
  }

  async #find(
    posts: readonly Post[],
    spot: Spot & { readonly at?: string },
    signal: AbortSignal,
  ): Promise<Map<string, Found>> {
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
  async #notify(
    { id }: OutboundMessage,
    { markdown, onlyFor, buttons, pick }: Extract<OutboundMessage['body'], { kind: 'notice' }>,
    place: Place,
    signal: AbortSignal,
  ): Promise<Sent> {
    if (platformOf(onlyFor) !== SLACK)
      throw new UndeliverableError(SLACK, `${onlyFor} is not an account of Slack`);
    const user = userOf(onlyFor);
    const next = { ...(buttons ? { buttons } : {}), ...(pick ? { pick } : {}) };
    // The address of a command reaches whoever typed it, and nobody else.
    if (place.kind === 'alone' && place.user === user) {
      const posts = toNoticePosts(id, inSlackWords(markdown), next);
      return { ref: await this.#whisperer.say(posts, place, signal) };
    }
    const { channel, thread } = await this.#spotOf(place);
    let ref = '';
    for (const post of toNoticePosts(id, markdown, next)) {
      signal.throwIfAborted();
      ref = refOf(channel, await this.client.postEphemeral({ channel, thread, user }, post));
    }
    return { ref };
  }

  /** In their direct messages with us a person is alone anyway, and what is said there stays. */
  async #placeOf(to: Address): Promise<Place> {
    const place = placeOf(to);
    if (place.kind !== 'alone' || !place.channel.startsWith('D')) return place;
    const { channel } = place;
    return (await this.#directChannelOf(place.user)) === channel
      ? { kind: 'channel', channel, thread: undefined }
      : place;
  }

  async #spotOf(place: Place): Promise<Spot> {
    switch (place.kind) {
      case 'channel':
        return { channel: place.channel, thread: place.thread };
      case 'alone':
        return { channel: place.channel, thread: undefined };
      case 'direct':
        return { channel: await this.#directChannelOf(place.user), thread: undefined };
      default:
        return place satisfies never;
    }
  }

  async #directChannelOf(user: string): Promise<string> {
    const channel = this.#directChannels.get(user) ?? (await this.client.openDirect(user));
    this.#directChannels.set(user, channel);
    return channel;
  }
}

/** Where what is said to one person can be found again, and edited. */
function lasting(place: Place): Place {
  return place.kind === 'alone' ? { kind: 'direct', user: place.user } : place;
}

function placeOf(to: Address): Place {
  const place = toPlace(to);
  if (!place) throw new UndeliverableError(SLACK, 'the address is not one of Slack');
  return place;
}
