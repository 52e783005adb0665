/**
 * Gets messages to Discord: creates them, edits them, answers interactions, and finds those that are there already.
 *
 * Invariants
 *   1. A nonce makes a repetition harmless for a few minutes. After an unknown outcome (a later attempt) the channel is
 *      looked through first: for our nonce, for the buttons of the card, for the same words under the same message, or
 *      in the answer to the same interaction, which has no nonce. Where the bot sees no history, the first answer to
 *      the interaction is all there is to look at.
 *   2. An interaction is answered in its place while its token lives; after that, and where it cannot be, the answer
 *      is a message of the bot.
 *   3. What was to be edited and is gone is created anew: an answer is worth more than its place.
 *   4. What is for one person is seen by that person alone: by the interaction, or in direct messages.
 *   5. What is for everybody is never the answer to an interaction that only one person sees.
 */
import type { Clock } from '../../src/domain/clock.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { ProgressUpdate } from '../../src/domain/gateway.ts';
import {
  type OutboundBody,
  type OutboundMessage,
  requireSayable,
  type Sent,
} from '../../src/domain/message.ts';
import { codeOf, type DiscordClient, type Original, PAGE_SIZE, type Written } from './client.ts';
import { DISCORD } from './inbound.ts';
import {
  goesOn,
  type InteractionRef,
  nonceOf,
  type Place,
  type Post,
  type Posts,
  parseRef,
  refOf,
  toCardPosts,
  toNoticePosts,
  toPlace,
  toProgressPost,
  toTextPosts,
  toThreadStart,
  userOf,
} from './outbound.ts';
import { type Message, timeOf } from './schema.ts';
import type { TokenSeal } from './token-seal.ts';

/** How long an interaction can be answered, less what the way takes (docs.discord.com, Interactions). */
const TOKEN_LIVES_MS = 15 * 60_000 - 15_000;

/** An interaction this young may have been taken by another process that has not answered it yet. */
const MAY_BE_UNANSWERED_MS = 4_000;

/** Pages of history looked through for a message of ours. */
const MAX_SEARCH_PAGES = 2;

/** The same words of ours in a channel, answering nothing, are taken for the same message this long. */
const SAME_WORDS_MS = 60 * 60_000;

/** So much may our clock be ahead of Discord's, or behind it. */
const CLOCKS_DIFFER_MS = 2_000;

/** Threads and direct channels remembered; one forgotten is asked for again. */
const MAX_REMEMBERED = 5_000;

/** Where a message is to be written. */
interface Spot {
  readonly channel: string;
  readonly guild: string | undefined;
  /** The message that is answered. */
  readonly reply: string | undefined;
  /** The interaction that is answered, while it can be. */
  readonly interaction: InteractionRef | undefined;
  /** Its first answer, asked for once; undefined when there is none any more. */
  readonly original: () => Promise<Original | undefined>;
  /** The message of that first answer, also when it cannot be changed by the interaction any more. */
  readonly first: () => Promise<string | undefined>;
}

interface SenderDeps {
  readonly client: DiscordClient;
  readonly clock: Clock;
  /** Whose messages to look for; asked only when looking. */
  readonly whoAmI: () => Promise<{ readonly userId: string }>;
  /** Resolves when this process has answered the interaction, if it is the one that does. */
  readonly answered: (interaction: string) => Promise<void>;
  readonly seal: TokenSeal;
  /** Told of every message that was created; resolves once it will be known after a restart that we are part of that channel. */
  readonly wrote: (written: Written) => Promise<void>;
}

/** For one person alone. */
type Notice = Extract<OutboundBody, { kind: 'notice' }>;

export class DiscordSender {
  readonly #directChannels = new Map<string, string>();
  readonly #threads = new Map<string, string>();
  /** Answers to commands on which a thread was opened, by interaction. */
  readonly #starts = new Map<string, string>();
  /** What took the place of a first answer: its key, by message. */
  readonly #filled = new Map<string, string>();

  constructor(private readonly deps: SenderDeps) {}

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    const place = placeOf(message);
    const { id, body } = message;
    switch (body.kind) {
      case 'text':
        return this.#deliver(toTextPosts(id, body.markdown, body.files, body.buttons), {
          message,
          place,
          signal,
        });
      case 'card':
        return this.#deliver(toCardPosts(id, body.card), { message, place, signal });
      case 'notice':
        return this.#notify({ message, body }, place, signal);
      default:
        return body satisfies never;
    }
  }

  /** Creates or edits the one message that shows progress; resolves with the reference to it. */
  async showProgress(update: ProgressUpdate, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const post = toProgressPost(update.key, update.markdown);
    const spot = await this.#spotOf(placeOf(update));
    const shown = update.ref === undefined ? undefined : parseRef(update.ref);
    const written =
      (shown && (await this.#edit(shown, post, spot))) ??
      (await this.#answerInPlace(post, spot)) ??
      (await this.#create(spot, post, signal));
    return refOf(written.channel, written.message);
  }

  /** Changes what shows progress, in whichever process it was posted; undefined when nothing does. */
  async settleProgress(update: ProgressUpdate, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    const spot = await this.#spotOf(placeOf(update));
    const { main } = toTextPosts(`settled:${update.key}`, update.markdown);
    const nonce = nonceOf(toProgressPost(update.key, '').key);
    const shown =
      (await this.#shownAt(update.ref, spot)) ??
      (await this.#ours(spot)).find((message) => message.nonce === nonce);
    // A reply that took its place keeps the nonce, and is told apart by its words.
    if (!shown || !goesOn(shown.content ?? '')) return undefined;
    const written = await this.#edit({ channel: shown.channel_id, message: shown.id }, main, spot);
    return written && refOf(written.channel, written.message);
  }

  /** As it is now: its nonce is known only for a while. Undefined when it is gone, or cannot be seen. */
  async #shownAt(ref: string | undefined, { original }: Spot): Promise<Message | undefined> {
    const known = ref === undefined ? undefined : parseRef(ref);
    if (!known) return undefined;
    const there = await this.deps.client.message(known.channel, known.message);
    if (there) return there;
    const first = (await original())?.shown;
    return first?.id === known.message ? first : undefined;
  }

  async #deliver(
    posts: Posts,
    out: { message: OutboundMessage; place: Place; signal: AbortSignal },
  ): Promise<Sent> {
    const { message, place, signal } = out;
    signal.throwIfAborted();
    const spot = await this.#spotOf(place);
    const found = message.attempt > 1 ? await this.#findSent(message, posts, spot) : NOTHING_FOUND;

    const replaces = message.body.kind === 'notice' ? undefined : message.body.replaces;
    let main =
      found.get(posts.main.key) ??
      (await this.#replace(replaces, posts.main, spot)) ??
      (posts.before.length === 0 ? await this.#answerInPlace(posts.main, spot) : undefined) ??
      (await this.#replace(found.get(progressKey(message)), posts.main, spot));
    if (main === undefined) {
      for (const [index, post] of [...posts.before, posts.main].entries()) {
        // Only the first of them points at the message that is answered.
        const where = index === 0 ? spot : { ...spot, reply: undefined };
        if (index > 0) await requireSayable(message);
        main = found.get(post.key) ?? (await this.#create(where, post, signal));
      }
    }
    for (const post of posts.after) {
      if (found.has(post.key)) continue;
      await requireSayable(message);
      await this.#create({ ...spot, reply: undefined }, post, signal);
    }
    if (main === undefined) throw new Error('a message has a main part');
    return { ref: refOf(main.channel, main.message) };
  }

  async #replace(what: string | Written | undefined, post: Post, spot: Spot): Promise<Written | undefined> {
    const target = typeof what === 'string' ? parseRef(what) : what;
    return target && this.#edit(target, post, spot);
  }

  /** Undefined when there is nothing left to edit. An answer only its reader sees can be edited by its token alone. */
  async #edit(target: Written, post: Post, { interaction }: Spot): Promise<Written | undefined> {
    if (await this.deps.client.edit(target, post)) return target;
    return interaction && this.deps.client.editAnswer(interaction, target.message, post);
  }

  /** The answer that was deferred becomes this; undefined when there is none that waits in everybody's sight. */
  async #answerInPlace(post: Post, { interaction, original }: Spot): Promise<Written | undefined> {
    const first = await original();
    if (!interaction || !first?.waits || first.visible !== 'everybody') return undefined;
    const written = await this.deps.client.editAnswer(interaction, '@original', post);
    if (written) remember(this.#filled, written.message, post.key);
    return written;
  }

  async #originalOf(interaction: InteractionRef): Promise<Original | undefined> {
    await this.deps.answered(interaction.id);
    const original = await this.deps.client.original(interaction);
    if (original === undefined && this.#ageOf(interaction) < MAY_BE_UNANSWERED_MS) {
      throw new Error('the interaction has not been answered yet');
    }
    return original;
  }

  async #create(spot: Spot, post: Post, signal: AbortSignal): Promise<Written> {
    signal.throwIfAborted();
    const { client } = this.deps;
    try {
      const written = await client.create(spot.channel, post, spot.reply);
      await this.deps.wrote(written);
      return written;
    } catch (error) {
      const followed = isNoAccess(error) ? await this.#followUp(spot, post) : undefined;
      if (!followed) throw error;
      return followed;
    }
  }

  /** Where the bot may not write, it may still answer who asked, in everybody's sight if they asked there. */
  async #followUp({ interaction, original }: Spot, post: Post): Promise<Written | undefined> {
    if (!interaction || (await original())?.visible === 'them') return undefined;
    return this.deps.client.followUp(interaction, post, 'everybody');
  }

  async #notify(
    { message, body }: { message: OutboundMessage; body: Notice },
    place: Place,
    signal: AbortSignal,
  ): Promise<Sent> {
    const { markdown, onlyFor, buttons, pick } = body;
    const user = userOf(onlyFor);
    if (user === undefined) throw new UndeliverableError(DISCORD, `${onlyFor} is not an account of Discord`);
    signal.throwIfAborted();
    const next = { ...(buttons ? { buttons } : {}), ...(pick ? { pick } : {}) };
    const posts = toNoticePosts(message.id, markdown, next);
    // A word to one person is not worth a thread that all see.
    const spot = await this.#spotOf(place.kind === 'channel' ? { ...place, opens: undefined } : place);
    const answered = spot.interaction && (await this.#tell(spot.interaction, await spot.original(), posts));
    if (answered) return { ref: refOf(answered.channel, answered.message) };

    const direct =
      spot.guild === undefined && place.kind === 'channel'
        ? { ...spot, ...NO_INTERACTION }
        : await this.#spotOf({ kind: 'direct', user });
    const found = message.attempt > 1 ? await this.#findSent(message, posts, direct) : NOTHING_FOUND;
    let first: Written | undefined;
    for (const post of [posts.main, ...posts.after]) {
      const written = found.get(post.key) ?? (await this.#create(direct, post, signal));
      first ??= written;
    }
    return { ref: first ? refOf(first.channel, first.message) : '' };
  }

  /** Says something to one person in answer to their interaction; undefined when it is too late for that. */
  async #tell(
    interaction: InteractionRef,
    original: Original | undefined,
    { main, after }: Posts,
  ): Promise<Written | undefined> {
    const { client } = this.deps;
    if (original === undefined) return undefined;
    // What waits in everybody's sight would wait forever.
    if (original.waits && original.visible === 'everybody') await client.removeAnswer(interaction);

    const inPlace = original.waits && original.visible === 'them';
    const told = inPlace
      ? await client.editAnswer(interaction, '@original', unkeyed(main))
      : await client.followUp(interaction, unkeyed(main), 'them');
    for (const post of after) await client.followUp(interaction, unkeyed(post), 'them');
    return told;
  }

  async #spotOf(place: Place): Promise<Spot> {
    if (place.kind === 'direct') {
      const channel = await this.#directChannel(place.user);
      return { channel, guild: undefined, reply: undefined, ...NO_INTERACTION };
    }
    const { channel, guild, reply, opens, interaction } = place;
    const live =
      interaction && this.#ageOf(interaction) < TOKEN_LIVES_MS ? this.#opened(interaction) : undefined;
    const start = opens && (opens.on === 'answer' ? await this.#threadStart(place, live) : opens.on);
    if (opens && start !== undefined) return this.#threadOf(place, { message: start, title: opens.title });
    // Nicer with it, but as good without.
    const late =
      interaction && !live ? await this.#answerTo(channel, interaction).catch(() => undefined) : undefined;
    const original = live ? once(() => this.#originalOf(live)) : NO_ANSWER;
    const first = async () => (live ? (await original())?.message : late);
    return { channel, guild, reply: reply ?? late, interaction: live, original, first };
  }

  async #directChannel(user: string): Promise<string> {
    const known = this.#directChannels.get(user);
    if (known !== undefined) return known;
    const channel = await this.deps.client.openDirect(user);
    remember(this.#directChannels, user, channel);
    return channel;
  }

  /** The thread on a message; the channel, as a reply, where there can be none. */
  async #threadOf(
    { channel, guild }: { channel: string; guild: string | undefined },
    { message, title }: { message: string; title: string },
  ): Promise<Spot> {
    const known = this.#threads.get(message);
    const thread = known ?? (await this.#openThread(channel, message, title));
    remember(this.#threads, message, thread);
    const reply = thread === channel ? message : undefined;
    return { channel: thread, guild, reply, ...NO_INTERACTION };
  }

  async #openThread(channel: string, message: string, title: string): Promise<string> {
    try {
      return await this.deps.client.openThread(channel, message, title);
    } catch (error) {
      if (error instanceof UndeliverableError || NO_THREADS.has(codeOf(error) ?? 0)) return channel;
      throw error;
    }
  }

  /** The answer to a command on which its thread is opened, saying what it is about; undefined when there is none. */
  async #threadStart(
    { channel, interaction, opens }: Extract<Place, { kind: 'channel' }>,
    live: InteractionRef | undefined,
  ): Promise<string | undefined> {
    if (interaction === undefined) return undefined;
    const known = this.#starts.get(interaction.id);
    if (known !== undefined) return known;
    const first = live && (await this.#originalOf(live));
    if (live && first?.waits)
      await this.deps.client.editAnswer(live, '@original', toThreadStart(opens?.title ?? ''));
    const start = live ? first?.message : await this.#answerTo(channel, interaction);
    if (start !== undefined) remember(this.#starts, interaction.id, start);
    return start;
  }

  #opened({ id, sealed }: { readonly id: string; readonly sealed: string }): InteractionRef | undefined {
    const token = this.deps.seal.open({ id, sealed });
    return token === undefined ? undefined : { id, token };
  }

  /** The message with which an interaction was answered: it comes right after it. Undefined when it cannot be seen. */
  async #answerTo(channel: string, { id }: Pick<InteractionRef, 'id'>): Promise<string | undefined> {
    try {
      const messages = await this.deps.client.messages(channel, { after: id });
      return messages.find((message) => message.interaction_metadata?.id === id)?.id;
    } catch (error) {
      if (error instanceof UndeliverableError) return undefined;
      throw error;
    }
  }

  #ageOf({ id }: Pick<InteractionRef, 'id'>): number {
    return this.deps.clock.now() - timeOf(id);
  }

  async #findSent(message: OutboundMessage, posts: Posts, spot: Spot): Promise<Map<string, Written>> {
    const ours = await this.#ours(spot);
    const about = { reply: spot.reply, first: await spot.first(), queuedAt: message.queuedAt ?? 0 };
    const found = new Map<string, Written>();
    for (const post of [...posts.before, posts.main, ...posts.after]) {
      const match = ours.find((candidate) => this.#isSame(candidate, post, about));
      if (!match) continue;
      found.set(post.key, { channel: match.channel_id, message: match.id });
      if (match.id === about.first) remember(this.#filled, match.id, post.key);
    }
    const progress = ours.find(({ nonce }) => nonce === nonceOf(progressKey(message)));
    if (progress) found.set(progressKey(message), { channel: progress.channel_id, message: progress.id });
    return found;
  }

  async #ours({ channel, original }: Spot): Promise<Message[]> {
    const { userId } = await this.deps.whoAmI();
    const history = await this.#history(channel).catch(async (error: unknown) => {
      if (!isNoAccess(error)) throw error;
      const shown = (await original())?.shown;
      return shown ? [shown] : [];
    });
    return history.filter(({ author }) => author.id === userId);
  }

  async #history(channel: string): Promise<Message[]> {
    const history: Message[] = [];
    for (let page = 0; page < MAX_SEARCH_PAGES; page++) {
      const before = history.at(-1)?.id;
      const messages = await this.deps.client.messages(channel, before === undefined ? {} : { before });
      history.push(...messages);
      if (messages.length < PAGE_SIZE) break;
    }
    return history;
  }

  /** Discord gives nonces back only for a while, so what a message says counts too. */
  #isSame(candidate: Message, post: Post, { reply, first, queuedAt }: About): boolean {
    if (candidate.nonce !== undefined) return candidate.nonce === nonceOf(post.key);
    const button = post.components?.[0]?.components[0];
    if (button) return JSON.stringify(candidate.components ?? []).includes(JSON.stringify(button.custom_id));
    if (post.content === '' || candidate.content !== post.content.trim()) return false;
    if (candidate.id === first) return this.#mayFill(candidate, post, queuedAt);
    const answers = candidate.message_reference?.message_id;
    if (reply !== undefined) return answers === reply;
    const since = Math.max(this.deps.clock.now() - SAME_WORDS_MS, queuedAt - CLOCKS_DIFFER_MS);
    return timeOf(candidate.id) > since;
  }

  /** Two texts of one interaction may be of the same words; only one of them took the place of "is thinking…". */
  #mayFill({ id }: Message, { key }: Post, queuedAt: number): boolean {
    const by = this.#filled.get(id);
    return by === undefined ? queuedAt < timeOf(id) + TOKEN_LIVES_MS : by === key;
  }
}

/** What a message is about that may have been sent already. */
interface About extends Pick<Spot, 'reply'> {
  readonly first: string | undefined;
  /** In ms; 0 when it is not known. */
  readonly queuedAt: number;
}

const NO_ANSWER = async () => undefined;

/** Of a place where none is answered. */
const NO_INTERACTION = { interaction: undefined, original: NO_ANSWER, first: NO_ANSWER } as const;

/** Asks when first needed, and remembers. */
function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let asked: Promise<Value> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

const NOTHING_FOUND: ReadonlyMap<string, Written> = new Map();

/** Discord's codes for a channel the bot does not see, or may not write in. */
const NO_ACCESS: ReadonlySet<number> = new Set([10_003, 50_001, 50_013]);

function isNoAccess(error: unknown): boolean {
  return error instanceof UndeliverableError && NO_ACCESS.has(codeOf(error) ?? 0);
}

/** Codes for places where there can be no thread: too many, wrong kind of channel, wrong kind of message. */
const NO_THREADS: ReadonlySet<number> = new Set([50_024, 160_002, 160_006, 160_007]);

function progressKey({ id }: OutboundMessage): string {
  return toProgressPost(id, '').key;
}

function placeOf({ to }: Pick<OutboundMessage, 'to'>): Place {
  const place = toPlace(to);
  if (!place) throw new UndeliverableError(DISCORD, 'the address is not one of Discord');
  return place;
}

/** The least recently learnt is forgotten first. */
function remember(map: Map<string, string>, key: string, value: string): void {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_REMEMBERED && oldest !== undefined) map.delete(oldest);
}

/** What only one person sees cannot be looked up, so it needs no key. */
function unkeyed(post: Post): Post {
  return { ...post, key: '' };
}
