/**
 * What is said on Discord, handed on: as it happens, and from the history where nobody listened.
 *
 * Owns      which messages are for us, where their conversation is, and how far each channel has been read.
 * Not here  the order in which a channel's events are taken, and what is tried again (`intake.ts`).
 *
 * Invariants
 *   1. A position moves over a message only after it was stored, or found to be of no interest.
 *   2. What was said before a session with Discord began is taken before what is said in it, channel by channel.
 *   3. A channel that is not open is not listened to; a thread counts as its channel.
 *   4. Bots cannot keep us talking: those not listed are automatic, those listed run out of turns.
 */
import type { Clock } from '../../src/domain/clock.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { Places, Receive } from '../../src/domain/gateway.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { BotBudget } from '../bot-budget.ts';
import { type Channels, isThread, type KnownChannel } from './channels.ts';
import { type DiscordClient, PAGE_SIZE, type Written } from './client.ts';
import { type DiscordSettings, isOpen } from './config.ts';
import {
  conversationId,
  type Identity,
  isForUs,
  isSpoken,
  type Spot,
  toEdit,
  toInboundMessage,
  toRemoval,
} from './inbound.ts';
import { OwnRoles } from './own-roles.ts';
import { Positions } from './positions.ts';
import {
  type Channel,
  compareIds,
  type GuildCreate,
  idAt,
  idBefore,
  type Message,
  timeOf,
} from './schema.ts';
import type { Traffic } from './traffic.ts';

/** Messages read again of one channel at most; more than that was said while nobody listened is too old to answer. */
const MAX_CATCH_UP_PAGES = 10;

/** Channels of a server that are looked at for what was missed, those in which something was said last. */
const MAX_LISTED = 200;

/** A message is dealt with within this time of being said, or is known to be for us. */
const UNDER_WAY_MS = 60_000;

/** How far what is kept of where we listened to may lag; so much is read again after a kill. */
const KEEP_LISTENED_MS = 10_000;

/** Messages handed on whose author and conversation are remembered, for when they are changed or removed. */
const MAX_REMEMBERED = 5_000;

/** A channel that is not there and of which nothing was read for so long is gone. An approval may take days. */
const THREAD_OPENS_WITHIN_MS = 7 * 24 * 60 * 60_000;

type HandedOn = Pick<InboundMessage, 'id' | 'conversationId' | 'sender'>;

export interface Hearer {
  readonly us: Identity;
  readonly receive: Receive;
}

interface DeskDeps {
  readonly settings: DiscordSettings;
  readonly client: DiscordClient;
  readonly channels: Channels;
  readonly traffic: Traffic;
  readonly places: Places;
  readonly clock: Clock;
  readonly log: Logger;
}

export class MessageDesk {
  readonly #positions: Positions;
  readonly #ownRoles: OwnRoles;
  readonly #bots: BotBudget;
  readonly #handedOn = new Map<string, HandedOn>();
  /** Channels as they were when this session began, with the last that was said there. */
  readonly #listed = new Map<string, string>();
  /** Channels we were part of when this session began. */
  #before: readonly string[] = [];
  /** Those still to be read again in it, and those other processes are part of; asked for when it is first needed. */
  #unread: Promise<Set<string>> | undefined;

  constructor(private readonly deps: DeskDeps) {
    const { settings, client, places } = deps;
    this.#positions = new Positions(places, `discord:${settings.application_id ?? ''}:positions`);
    this.#ownRoles = new OwnRoles((guild) => client.roles(guild));
    this.#bots = new BotBudget(settings.bot_turns);
  }

  /** From now on Discord tells what happens; what happened before is in the history alone. */
  beginSession(): void {
    this.#before = this.#positions.channels();
    this.#unread = undefined;
    this.#listed.clear();
  }

  /** A server as this session begins: our role in it, and its channels, each with the last that was said there. */
  guildSeen({ id: guild, channels = [], threads = [], roles }: GuildCreate, us: Identity): void {
    if (roles) this.#ownRoles.learn(guild, roles, us.userId);
    const said = [...channels, ...threads].flatMap(({ id, parent_id, last_message_id: last }) =>
      last && isOpen(this.deps.settings, { guild, channel: id, parent: parent_id ?? undefined })
        ? [{ id, last }]
        : [],
    );
    const newest = said.toSorted((a, b) => compareIds(b.last, a.last)).slice(0, MAX_LISTED);
    for (const { id, last } of newest) this.#listed.set(id, last);
  }

  /** Channels we are not part of in which something was said since anybody of us listened. */
  async missed(): Promise<readonly string[]> {
    await this.#unreadChannels();
    const since = this.#positions.listenedUntil();
    if (since === undefined) return [];
    return [...this.#listed].flatMap(([channel, last]) => (compareIds(last, since) > 0 ? [channel] : []));
  }

  /** The channels that are still to be read again in this session. Rejects while the store is away. */
  async unread(): Promise<ReadonlySet<string>> {
    return this.#unreadChannels();
  }

  async #unreadChannels(): Promise<Set<string>> {
    this.#unread ??= this.#positions.load().then(async (kept) => {
      // Of what was said before the first session of all nothing is for us.
      if (this.#positions.listenedUntil() === undefined) {
        this.#positions.listen(idAt(this.deps.clock.now()));
        await this.#positions.save();
      }
      return new Set([...this.#before, ...kept]);
    });
    const unread = this.#unread;
    return unread.catch((error: unknown) => {
      if (this.#unread === unread) this.#unread = undefined; // to be tried again
      throw error;
    });
  }

  /** Keeps how far every channel has been read. */
  async close(): Promise<void> {
    await this.#keepPositions();
  }

  /** We wrote there, and will know it after a restart: whatever is said after it is for us to read. */
  async wrote({ channel, message }: Written): Promise<void> {
    if (this.#positions.begin(channel, message)) await this.#keepPositions();
  }

  /** Somebody spoke to us: until it is stored, it is to be found in the history. */
  heard(message: Message, self: Identity): void {
    const { guild_id: guild } = message;
    const us = guild === undefined ? self : { ...self, role: this.#ownRoles.known(guild) };
    if (isSpoken(message, us) && isForUs(message, us) && this.#isOpen(message, undefined)) {
      this.#positions.hear(message.channel_id, idBefore(message.id));
    }
  }

  /** Something about a channel changed. */
  forgetChannel(channel: string): void {
    this.deps.channels.forget(channel);
  }

  /** Resolves once it is stored, or found to be of no interest, and what was said before it, too. */
  async takeMessage(message: Message, hearer: Hearer): Promise<void> {
    const { wasRead } = await this.catchUpOnce(message.channel_id, hearer);
    if (wasRead && this.#handedOn.has(message.id)) return;
    await this.#take(message, hearer);
  }

  async #take(message: Message, hearer: Hearer): Promise<void> {
    const { us } = hearer;
    if (isSpoken(message, us)) {
      this.deps.traffic.note(message.channel_id, message.author.id, timeOf(message.id));
      await this.#handOn(message, hearer);
    }
    this.#positions.pass(message.channel_id, message.id);
    await this.#keepListening(message.id);
  }

  /** Keeps up to where everything was listened to, less what may still be on its way; not for every message. */
  async #keepListening(message: string): Promise<void> {
    const until = idAt(timeOf(message) - UNDER_WAY_MS);
    const known = this.#positions.listenedUntil();
    if (known === undefined || timeOf(until) - timeOf(known) < KEEP_LISTENED_MS) return;
    this.#positions.listen(until);
    await this.#keepPositions();
  }

  async #handOn(message: Message, { us: self, receive }: Hearer): Promise<void> {
    const us = await this.#asNamedIn(message, self);
    // Talk in a channel of which we see nothing but that it happened.
    if (!isForUs(message, us) && !this.deps.settings.message_content) return;
    const channel = await this.#channelOf(message);
    if (!this.#isOpen(message, channel)) return;

    const spot = this.#spotOf(message, channel, us);
    const inbound = toInboundMessage(message, spot, us);
    if (!inbound) return;
    const receipt = await receive(this.#withBotsBounded(inbound, message));
    this.#remember(message.id, inbound);
    // Strangers would fill the channels that are read again, at the cost of those who wait for an answer.
    if (receipt.kind === 'ignored') return this.#positions.leave(message.channel_id);
    this.#positions.follow(message.channel_id, message.id);
    // A thread of its own has the id of the message it begins with.
    if (spot.opensThread) this.#positions.follow(message.id, message.id);
    await this.#keepPositions();
  }

  #spotOf(message: Message, channel: KnownChannel | undefined, us: Identity): Spot {
    return {
      channel: message.channel_id,
      guild: message.guild_id,
      thread:
        channel && isThread(channel)
          ? { ours: channel.owner_id === us.userId, command: channel.command }
          : undefined,
      opensThread: this.#opensThread(message, channel, us),
    };
  }

  /** An answer to something we said stays where it was said. */
  #opensThread(message: Message, channel: Channel | undefined, us: Identity): boolean {
    if (channel === undefined || message.referenced_message?.author.id === us.userId) return false;
    const { settings, traffic } = this.deps;
    return traffic.wantsThread(channel, settings.threads, timeOf(message.id));
  }

  /** An edit comes also when a link got its preview. */
  async takeEdit(message: Message, { us, receive }: Hearer): Promise<void> {
    const edit = toEdit(message, us);
    const before = this.#handedOn.get(message.id);
    if (!edit || !(before || isForUs(message, await this.#asNamedIn(message, us)))) return;
    const channel = await this.#channelOf(message);
    if (!this.#isOpen(message, channel)) return;
    const where = conversationId(message.guild_id, channel?.command ?? message.channel_id);
    await receive({ ...edit, conversationId: before?.conversationId ?? where });
  }

  async takeRemoval(id: string, { receive }: Hearer): Promise<void> {
    const before = this.#handedOn.get(id);
    if (before) await receive(toRemoval(before));
  }

  /** Reads what was said in a channel before this session began, unless that was done. */
  async catchUpOnce(channel: string, hearer: Hearer): Promise<{ wasRead: boolean }> {
    const unread = await this.#unreadChannels();
    const since = this.#positions.listenedUntil();
    const last = this.#listed.get(channel);
    const isMissed = last !== undefined && since !== undefined && compareIds(last, since) > 0;
    if (!unread.has(channel) && !isMissed) return { wasRead: false };
    if (isMissed) this.#positions.hear(channel, since);
    await this.catchUp(channel, hearer);
    unread.delete(channel);
    this.#listed.delete(channel);
    this.#positions.leave(channel);
    return { wasRead: true };
  }

  /** Reads what was said in a channel since its position, oldest first. */
  async catchUp(channel: string, hearer: Hearer): Promise<void> {
    const known = await this.deps.channels.find(channel);
    if (!known) return this.#forgetIfGone(channel);
    for (let page = 0; page < MAX_CATCH_UP_PAGES; page++) {
      const after = this.#positions.after(channel);
      if (after === undefined) return;
      const messages = await this.#pageAfter(channel, after);
      for (const message of messages) {
        await this.#take(await this.#asLive(message, known, hearer), hearer);
      }
      if (messages.length < PAGE_SIZE) return;
    }
    this.deps.log.warn(
      { channel },
      'more was said while nobody listened than is read again; the rest is passed over',
    );
  }

  /** A thread is followed from its first message on, and there only once somebody has answered. */
  #forgetIfGone(channel: string): void {
    const after = this.#positions.after(channel);
    if (after !== undefined && timeOf(after) < this.deps.clock.now() - THREAD_OPENS_WITHIN_MS) {
      this.#positions.forget(channel);
    }
  }

  async #pageAfter(channel: string, after: string): Promise<Message[]> {
    try {
      const messages = await this.deps.client.messages(channel, { after });
      return messages.toSorted((a, b) => compareIds(a.id, b.id));
    } catch (error) {
      if (error instanceof UndeliverableError) return [];
      throw error;
    }
  }

  /** The history says neither where a message was nor which roles its author has. */
  async #asLive(message: Message, { guild_id: guild }: Channel, { us }: Hearer): Promise<Message> {
    if (guild === undefined) return message;
    const said = { ...message, guild_id: guild };
    const member = isForUs(said, await this.#asNamedIn(said, us))
      ? await this.deps.client.member(guild, message.author.id)
      : undefined;
    return { ...said, member };
  }

  /** Us, with the role that is ours in the server of a message that names roles. */
  async #asNamedIn({ guild_id: guild, mention_roles: roles = [] }: Message, us: Identity): Promise<Identity> {
    if (guild === undefined || roles.length === 0) return us;
    return { ...us, role: await this.#ownRoles.find(guild, us.userId) };
  }

  /** A bot we listen to counts as a person while its conversation's budget lasts; every other bot never does. */
  #withBotsBounded(message: InboundMessage, { author }: Message): InboundMessage {
    if (!message.sender.automatic) {
      this.#bots.renew(message.conversationId);
      return message;
    }
    if (!this.deps.settings.bots.includes(author.id)) return message;
    if (!this.#bots.spend(message.conversationId)) {
      this.deps.log.warn(
        { conversation: message.conversationId },
        'bots have talked long enough here; a person has to speak first',
      );
      return message;
    }
    return { ...message, sender: { ...message.sender, automatic: false } };
  }

  async #channelOf({ guild_id: guild, channel_id: channel }: Message): Promise<KnownChannel | undefined> {
    return guild === undefined ? undefined : this.deps.channels.find(channel);
  }

  #isOpen({ guild_id: guild, channel_id: channel }: Message, known: Channel | undefined): boolean {
    return isOpen(this.deps.settings, { guild, channel, parent: parentOf(known) });
  }

  #remember(message: string, { id, conversationId, sender }: InboundMessage): void {
    this.#handedOn.set(message, { id, conversationId, sender });
    const [oldest] = this.#handedOn.keys();
    if (this.#handedOn.size > MAX_REMEMBERED && oldest !== undefined) this.#handedOn.delete(oldest);
  }

  /** A position that is not kept costs reading a little twice, which the core counts once. */
  async #keepPositions(): Promise<void> {
    try {
      await this.#positions.save();
    } catch (error) {
      this.deps.log.warn({ error }, 'the reading positions of Discord could not be kept');
    }
  }
}

/** The channel a thread is in. The parent of any other channel is a mere category. */
function parentOf(channel: Channel | undefined): string | undefined {
  return channel && isThread(channel) ? channel.parent_id : undefined;
}
