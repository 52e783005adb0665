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
 *   4. All of what was said while nobody listened is read, however much it is; only then it counts as listened to.
 *   5. Bots cannot keep us talking: those not listed are automatic, those listed run out of turns.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Clock } from '../../src/domain/clock.ts';
import { RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import type { Places, Receive } from '../../src/domain/gateway.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { BotBudget } from '../bot-budget.ts';
import { type Channels, isThread, type KnownChannel, parentOf } from './channels.ts';
import { type DiscordClient, PAGE_SIZE, type Page, type Written } from './client.ts';
import { type DiscordSettings, isOpen } from './config.ts';
import { DirectChannels } from './direct-channels.ts';
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
  type Member,
  type Message,
  type Snowflake,
  timeOf,
} from './schema.ts';
import type { Traffic } from './traffic.ts';

/** Requests at the same time while catching up, over all channels; see `CatchUpTiming`. */
const REQUESTS_AT_ONCE = 4;

/** What a member's roles are is asked once in this time while catching up. */
const KEEP_MEMBERS_MS = 10_000;

/** Reading on is told about after so many pages of one channel. */
const PAGES_PER_REPORT = 10;

/** Channels of all servers in which something was said since anybody listened. */
const MAX_LISTED = 100_000;

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
  /** Aborts when we are stopping: reading on may take long, and goes on at the next start. */
  readonly signal: AbortSignal;
}

export interface CatchUpTiming {
  /** Between two people whose direct messages are looked for. */
  readonly directsPauseMs: number;
  /** Shortest time of a request while catching up: of Discord's 50 in a second answers need some, too. */
  readonly requestAtLeastMs: number;
}

interface DeskDeps {
  readonly settings: DiscordSettings;
  readonly client: DiscordClient;
  readonly channels: Channels;
  readonly traffic: Traffic;
  readonly places: Places;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing: CatchUpTiming;
}

/** What is still to be read when a session begins. */
interface Backlog {
  /** Channels we are part of, and those other processes are part of. */
  readonly unread: Set<string>;
  /** Up to where everything was listened to before this session. */
  readonly since: Snowflake;
}

export class MessageDesk {
  readonly #positions: Positions;
  readonly #ownRoles: OwnRoles;
  readonly #bots: BotBudget;
  readonly #handedOn = new Map<string, HandedOn>();
  /** Messages found in the history before they were told of. */
  readonly #fromHistory = new Set<string>();
  readonly #directs: DirectChannels;
  readonly #members = new Map<string, Promise<Member | undefined>>();
  readonly #atOnce = pLimit(REQUESTS_AT_ONCE);
  /** Channels in which something may have been said since anybody listened, with the last that was said there. */
  readonly #listed = new Map<string, string>();
  /** Channels that were read up to where this session began. */
  readonly #readOnce = new Set<string>();
  #looksForDirects = false;
  /** Channels we were part of when this session began. */
  #before: readonly string[] = [];
  #backlog: Promise<Backlog> | undefined;

  constructor(private readonly deps: DeskDeps) {
    const { settings, client, places, log, timing } = deps;
    const ours = `discord:${settings.application_id ?? ''}`;
    this.#positions = new Positions(places, `${ours}:positions`);
    this.#directs = new DirectChannels({
      client,
      places,
      log,
      name: `${ours}:directs`,
      pauseMs: timing.directsPauseMs,
    });
    this.#ownRoles = new OwnRoles((guild) => client.roles(guild));
    this.#bots = new BotBudget(settings.bot_turns);
  }

  /** From now on Discord tells what happens; what happened before is in the history alone. */
  beginSession(): void {
    this.#before = this.#positions.channels();
    this.#backlog = undefined;
    this.#readOnce.clear();
    this.#directs.beginSession();
    this.#looksForDirects = true;
  }

  /** A server as this session begins: our role in it, and its channels, each with the last that was said there. */
  guildSeen({ id: guild, channels = [], threads = [], roles }: GuildCreate, us: Identity): void {
    if (roles) this.#ownRoles.learn(guild, roles, us.userId);
    for (const channel of [...channels, ...threads]) {
      const { id, parent_id: parent, last_message_id: last } = channel;
      if (last === undefined || !isOpen(this.deps.settings, { guild, channel: id, parent })) continue;
      this.#list(id, last);
      if (channel.owner_id !== us.userId) this.deps.channels.learn({ ...channel, guild_id: guild });
    }
  }

  /** The channels to be read before this session is up to date. Rejects while the store is away. */
  async missed(): Promise<ReadonlySet<string>> {
    const { unread, since } = await this.#backlogOf();
    for (const [channel, last] of this.#listed) {
      if (compareIds(last, since) <= 0) this.#listed.delete(channel);
    }
    return new Set([...unread, ...this.#listed.keys()]);
  }

  /** Looks for direct messages of these people, and calls `found` with every channel that is to be read for them. */
  async lookForDirects(
    users: readonly string[],
    found: (channel: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { since } = await this.#backlogOf();
    await this.#directs.look(
      users,
      ({ id, last_message_id: last }) => {
        if (last === undefined || compareIds(last, since) <= 0 || this.#readOnce.has(id)) return;
        this.#list(id, last);
        found(id);
      },
      signal,
    );
    if (!signal.aborted) this.#looksForDirects = false;
  }

  #list(channel: string, last: Snowflake): void {
    if (this.#listed.size < MAX_LISTED || this.#listed.has(channel)) this.#listed.set(channel, last);
    else
      this.deps.log.error(
        { channel, limit: MAX_LISTED },
        'too many channels at once: what was said in this one while nobody listened is not read; whoever asked there has to ask again',
      );
  }

  async #backlogOf(): Promise<Backlog> {
    this.#backlog ??= this.#positions.load().then(async (kept) => {
      // Of what was said before the first session of all nothing is for us.
      if (this.#positions.listenedUntil() === undefined) {
        this.#positions.listen(idAt(this.deps.clock.now()));
        await this.#positions.save();
      }
      const since = this.#positions.listenedUntil() ?? idAt(this.deps.clock.now());
      return { unread: new Set([...this.#before, ...kept]), since };
    });
    const backlog = this.#backlog;
    return backlog.catch((error: unknown) => {
      if (this.#backlog === backlog) this.#backlog = undefined; // to be tried again
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
    const isDirect = message.guild_id === undefined;
    await this.catchUpOnce(message.channel_id, hearer, { isDirect });
    if (this.#fromHistory.delete(message.id)) return;
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
    if (!(await this.#isUpToDate())) return;
    const until = idAt(timeOf(message) - UNDER_WAY_MS);
    const known = this.#positions.listenedUntil();
    if (known === undefined || timeOf(until) - timeOf(known) < KEEP_LISTENED_MS) return;
    this.#positions.listen(until);
    await this.#keepPositions();
  }

  /** Nothing of what was said before this session is still to be read. */
  async #isUpToDate(): Promise<boolean> {
    const { unread } = await this.#backlogOf();
    return unread.size === 0 && this.#listed.size === 0 && !this.#looksForDirects;
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
          ? { ours: channel.owner_id === us.userId, command: channel.command, parent: channel.parent_id }
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

  /**
   * Reads what was said in a channel before this session began, unless that was done. Discord does not say beforehand
   * in which direct messages something was said, so those are looked at when they are first heard of.
   */
  async catchUpOnce(
    channel: string,
    hearer: Hearer,
    { isDirect = false } = {},
  ): Promise<{ wasRead: boolean }> {
    const { unread, since } = await this.#backlogOf();
    const last = this.#listed.get(channel);
    const isMissed =
      (last !== undefined && compareIds(last, since) > 0) || (isDirect && !this.#readOnce.has(channel));
    if (!unread.has(channel) && !isMissed) return { wasRead: false };
    this.#positions.hear(channel, since);
    await this.catchUp(channel, hearer);
    unread.delete(channel);
    this.#listed.delete(channel);
    this.#readOnce.add(channel);
    this.#positions.leave(channel);
    return { wasRead: true };
  }

  /** Reads again what was let go of a channel for want of room. */
  async catchUpAgain(channel: string, hearer: Hearer): Promise<void> {
    const { wasRead } = await this.catchUpOnce(channel, hearer);
    if (!wasRead) await this.catchUp(channel, hearer);
  }

  /** Reads what was said in a channel since its position, oldest first, to the end. Rejects when that is broken off. */
  async catchUp(channel: string, hearer: Hearer): Promise<void> {
    let after = this.#positions.after(channel);
    if (after === undefined) return;
    const { signal } = hearer;
    const known = await this.#ask(() => this.deps.channels.find(channel), signal);
    if (!known) return this.#forgetIfGone(channel);
    for (let pages = 1; after !== undefined; pages++) {
      const { messages, unreadable, next } = await this.#pageAfter(channel, after, signal);
      for (const message of messages) {
        signal.throwIfAborted();
        await this.#take(await this.#asLive(message, known, hearer), hearer);
        if (this.#handedOn.has(message.id)) keepSome(this.#fromHistory.add(message.id));
      }
      if (unreadable > 0)
        this.deps.log.warn(
          { channel, messages: unreadable },
          'malformed messages in the history were dropped',
        );
      if (next !== undefined && pages % PAGES_PER_REPORT === 0)
        this.deps.log.info(
          { channel, messages: pages * PAGE_SIZE, upTo: new Date(timeOf(next)).toISOString() },
          'much was said while nobody listened; reading on',
        );
      after = next;
    }
  }

  /** A thread is followed from its first message on, and there only once somebody has answered. */
  #forgetIfGone(channel: string): void {
    const after = this.#positions.after(channel);
    if (after !== undefined && timeOf(after) < this.deps.clock.now() - THREAD_OPENS_WITHIN_MS) {
      this.#positions.forget(channel);
    }
  }

  async #pageAfter(channel: string, after: string, signal: AbortSignal): Promise<Page> {
    try {
      return await this.#ask(() => this.deps.client.messagesAfter(channel, after), signal);
    } catch (error) {
      if (error instanceof UndeliverableError) return NO_PAGE; // not ours to see any more
      throw error;
    }
  }

  /** The history says neither where a message was nor which roles its author has. */
  async #asLive(message: Message, { guild_id: guild }: Channel, { us, signal }: Hearer): Promise<Message> {
    if (guild === undefined) return message;
    const said = { ...message, guild_id: guild };
    const member = isForUs(said, await this.#asNamedIn(said, us))
      ? await this.#member(guild, message.author.id, signal)
      : undefined;
    return { ...said, member };
  }

  async #member(guild: string, user: string, signal: AbortSignal): Promise<Member | undefined> {
    const key = `${guild}/${user}`;
    const known = this.#members.get(key);
    if (known) return known;
    const asked = this.#ask(() => this.deps.client.member(guild, user), signal);
    this.#members.set(key, asked);
    const forget = () => this.#members.delete(key);
    asked.then(() => setTimeout(forget, KEEP_MEMBERS_MS).unref(), forget);
    return asked;
  }

  /** A request of catching up: few at a time, none too fast. The answer does not wait for that, the next request does. */
  async #ask<Answer>(request: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      void this.#atOnce(async () => {
        const pause = sleep(this.deps.timing.requestAtLeastMs, undefined, { ref: false });
        await patiently(request, signal).then(resolve, reject);
        await pause;
      });
    });
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
    return isOpen(this.deps.settings, { guild, channel, parent: known && parentOf(known) });
  }

  #remember(message: string, { id, conversationId, sender }: InboundMessage): void {
    keepSome(this.#handedOn.set(message, { id, conversationId, sender }));
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

/** Waits as long, and as often, as Discord wants. */
async function patiently<Answer>(request: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof RateLimitedError)) throw error;
      await sleep(error.retryAfterMs, undefined, { signal });
    }
  }
}

/** The oldest is forgotten first. */
function keepSome(remembered: Map<string, unknown> | Set<string>): void {
  const [oldest] = remembered.keys();
  if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
}

const NO_PAGE: Page = { messages: [], unreadable: 0, next: undefined };
