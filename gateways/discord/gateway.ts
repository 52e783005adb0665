/**
 * Discord, by way of discord.js: a WebSocket, or signed HTTP for commands and presses alone.
 *
 * Owns      the connection, what is listened to, and that nothing said to us is lost on the way in.
 * Not here  who may decide what, what is said, and how fast a channel may be posted to.
 *
 * Invariants
 *   1. What is said over the WebSocket is stored in order, tried until it is; what was said while nobody listened is
 *      read from the history of every channel we are part of.
 *   2. Interactions are answered within Discord's three seconds, and told when they were not recorded.
 *   3. A guild or channel that is not open is not listened to; direct messages are between one person and us.
 *   4. Bots cannot keep us talking: those not listed are automatic, those listed run out of turns.
 */
import pRetry from 'p-retry';
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError, UndeliverableError } from '../../src/domain/errors.ts';
import type {
  Bookmarks,
  CheckFinding,
  Gateway,
  Lookup,
  Pace,
  Progress,
  Receive,
} from '../../src/domain/gateway.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import type { Address, InboundMessage, OutboundMessage, Sent } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { BotBudget } from '../bot-budget.ts';
import type { WebhookListener } from '../webhook-listener.ts';
import { Channels } from './channels.ts';
import { checkDiscord } from './check.ts';
import { CredentialError, DiscordClient, PAGE_SIZE, type Self } from './client.ts';
import { COMMANDS, diffCommands } from './commands.ts';
import { type DiscordSettings, missingDiscordSettings } from './config.ts';
import { DiscordConnection, type GatewayEvent } from './connection.ts';
import { HttpReceiver } from './http-receiver.ts';
import {
  DISCORD,
  type Identity,
  isForUs,
  isSpoken,
  type Spot,
  toEdit,
  toInboundMessage,
  toRemoval,
} from './inbound.ts';
import { Intake, type IntakeTiming } from './intake.ts';
import { type DeskTiming, InteractionDesk, type Session } from './interaction-desk.ts';
import { channelOf, toDirectAddress } from './outbound.ts';
import { Positions } from './positions.ts';
import {
  type Channel,
  ChannelEvent,
  compareIds,
  Interaction,
  Message,
  MessageDelete,
  MessageDeleteBulk,
  THREAD_TYPES,
  timeOf,
} from './schema.ts';
import { DiscordSender } from './sender.ts';
import { Traffic } from './traffic.ts';

export interface DiscordTiming extends DeskTiming, IntakeTiming {
  /** The first wait before a failed connection is tried again; doubles up to `reconnectAtMostMs`. */
  readonly reconnectAfterMs: number;
  readonly reconnectAtMostMs: number;
}

const TIMING: DiscordTiming = {
  storeWithinMs: 2_500,
  deferAfterMs: 2_000,
  retryAfterMs: 500,
  retryAtMostMs: 15_000,
  reconnectAfterMs: 1_000,
  reconnectAtMostMs: 30_000,
};

/** Messages read again of one channel at most; more than that was said while nobody listened is too old to answer. */
const MAX_CATCH_UP_PAGES = 10;

/** Messages handed on whose author and conversation are remembered, for when they are removed. */
const MAX_REMEMBERED = 5_000;

export interface DiscordDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly bookmarks: Bookmarks;
  /** Needed in mode `http`. */
  readonly listener?: WebhookListener;
  readonly timing?: Partial<DiscordTiming>;
}

type HandedOn = Pick<InboundMessage, 'id' | 'conversationId' | 'sender'>;

export class DiscordGateway implements Gateway {
  readonly platform = DISCORD;
  readonly pace: Pace;
  readonly progress: Progress;
  readonly #client: DiscordClient;
  readonly #sender: DiscordSender;
  readonly #desk: InteractionDesk;
  readonly #positions: Positions;
  readonly #channels: Channels;
  readonly #bots: BotBudget;
  readonly #timing: DiscordTiming;
  readonly #traffic = new Traffic();
  readonly #handedOn = new Map<string, HandedOn>();
  #stopping = new AbortController();
  #connection: DiscordConnection | undefined;
  #receiver: HttpReceiver | undefined;
  #intake: Intake | undefined;
  #self: Self | undefined;

  constructor(
    private readonly settings: DiscordSettings,
    private readonly deps: DiscordDeps,
  ) {
    const { bot_token: token = '', application_id: applicationId = '', api_url: apiUrl } = settings;
    const { clock, log } = deps;
    this.#timing = { ...TIMING, ...deps.timing };
    this.#client = new DiscordClient(token, applicationId, apiUrl);
    this.#positions = new Positions(deps.bookmarks, `discord:${applicationId}:positions`);
    this.#channels = new Channels((channel) => this.#client.channel(channel), clock);
    this.#bots = new BotBudget(settings.bot_turns);
    this.#desk = new InteractionDesk({
      client: this.#client,
      log,
      timing: this.#timing,
      isOpen: ({ guild_id: guild, channel_id: channel, channel: { parent_id: parent } = {} }) =>
        this.#isOpen({ guild, channel, parent }),
    });
    this.#sender = new DiscordSender({
      client: this.#client,
      clock,
      whoAmI: () => this.#whoAmI(),
      answered: (interaction) => this.#desk.answered(interaction),
      wrote: ({ channel, message }) => this.#positions.begin(channel, message),
    });
    const { posts, seconds } = settings.pace;
    this.pace = { posts, perMs: seconds * 1_000, channelOf };
    this.progress = { show: (update, signal) => this.#sender.showProgress(update, signal) };
  }

  /**
   * Tries until Discord answers, however long it is away. Rejects when `stop` is called meanwhile.
   *
   * @throws {StartupError} when credentials are missing or wrong, or Discord refuses an intent
   */
  async start(receive: Receive, lookup: Lookup): Promise<void> {
    this.#stopping = new AbortController();
    const missing = missingDiscordSettings(this.settings);
    if (missing.length > 0) {
      throw new StartupError(
        `Discord lacks ${missing.join(' and ')}`,
        'Run `signalbox check`: it says where to get them.',
      );
    }
    try {
      const us = await this.#untilItAnswers(() => this.#whoAmI());
      await this.#registerCommands();
      const session = { us, receive, lookup };
      if (this.settings.mode === 'http') this.#listen(session);
      else await this.#connect(session);
      this.deps.log.info({ as: us.name, mode: this.settings.mode }, 'Discord is connected');
    } catch (error) {
      throw error instanceof CredentialError ? toStartupError(error) : error;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const { connection, intake } = { connection: this.#connection, intake: this.#intake };
    this.#receiver?.stop();
    this.#connection = undefined;
    this.#receiver = undefined;
    this.#intake = undefined;
    await connection?.stop();
    await intake?.stop();
    await this.#desk.drain();
    if (intake) await this.#keepPositions();
  }

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    return this.#sender.send(message, signal);
  }

  directAddress(account: AccountId): Address | undefined {
    return toDirectAddress(account);
  }

  async download(ref: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#client.download(ref, signal);
  }

  async check(): Promise<CheckFinding[]> {
    return checkDiscord(this.settings, this.#client);
  }

  #listen(session: Session): void {
    const { public_key: publicKey = '', path } = this.settings;
    const { listener, clock, log } = this.deps;
    if (!listener) throw new Error('Discord in mode http was not given the webhook listener');
    this.#receiver = new HttpReceiver(
      { path, publicKey },
      {
        listener,
        clock,
        log,
        take: (interaction, respond) => this.#desk.take(interaction, respond, session),
      },
    );
    this.#receiver.start();
  }

  async #connect(session: Session): Promise<void> {
    await this.#positions.load();
    const intake = new Intake({
      log: this.deps.log,
      timing: this.#timing,
      catchUp: (channel) => this.#catchUp(channel, session),
    });
    this.#intake = intake;
    const { bot_token: token = '', api_url, message_content, shards } = this.settings;
    await this.#untilItAnswers(async () => {
      const connection = new DiscordConnection(
        { token, api_url, message_content, shards },
        this.deps.log,
        (event) => this.#take(event, { intake, session }),
      );
      this.#connection = connection;
      await connection.start();
    });
  }

  async #untilItAnswers<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    return pRetry(ask, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: this.#timing.reconnectAfterMs,
      maxTimeout: this.#timing.reconnectAtMostMs,
      randomize: true,
      signal: this.#stopping.signal,
      shouldRetry: ({ error }) => !(error instanceof CredentialError || error instanceof StartupError),
      onFailedAttempt: ({ error }) => this.deps.log.warn({ error }, 'Discord does not answer; trying again'),
    });
  }

  /** Asked once and remembered. */
  async #whoAmI(): Promise<Self> {
    this.#self ??= await this.#client.whoAmI();
    return this.#self;
  }

  /** Without commands the bot still works, so a failure is a line in the log, and `check` says more. */
  async #registerCommands(): Promise<void> {
    const { guild_commands: guilds } = this.settings;
    try {
      for (const guild of guilds.length === 0 ? [undefined] : guilds) {
        const changes = diffCommands(COMMANDS, await this.#client.commands(guild));
        await this.#client.changeCommands(guild, changes);
      }
    } catch (error) {
      if (error instanceof CredentialError) throw error;
      this.deps.log.warn(
        { error },
        'the commands could not be registered with Discord; those that are there still work',
      );
    }
  }

  /** Must not throw: discord.js calls it between reading two packets. */
  #take({ type, data }: GatewayEvent, { intake, session }: { intake: Intake; session: Session }): void {
    switch (type) {
      case 'READY':
        // A new session: whatever was said since the last one is in the history alone.
        for (const [channel] of this.#positions.entries()) {
          intake.take(channel, () => this.#catchUp(channel, session));
        }
        return;
      case 'MESSAGE_CREATE':
        this.#with(Message, type, data, (message) =>
          intake.take(message.channel_id, () => this.#takeMessage(message, session)),
        );
        return;
      case 'MESSAGE_UPDATE':
        this.#takeEdit(data, { intake, session });
        return;
      case 'MESSAGE_DELETE':
        this.#with(MessageDelete, type, data, ({ id, channel_id: channel }) =>
          intake.take(channel, () => this.#takeRemoval(id, session)),
        );
        return;
      case 'MESSAGE_DELETE_BULK':
        this.#with(MessageDeleteBulk, type, data, ({ ids, channel_id: channel }) => {
          for (const id of ids) intake.take(channel, () => this.#takeRemoval(id, session));
        });
        return;
      case 'INTERACTION_CREATE':
        this.#with(Interaction, type, data, (interaction) => {
          void this.#desk.take(
            interaction,
            (response) => this.#client.respond(interaction, response),
            session,
          );
        });
        return;
      case 'CHANNEL_UPDATE':
      case 'CHANNEL_DELETE':
      case 'THREAD_UPDATE':
      case 'THREAD_DELETE':
        this.#with(ChannelEvent, type, data, ({ id }) => this.#channels.forget(id));
        return;
      default:
        return;
    }
  }

  #with<Value>(
    schema: {
      safeParse(input: unknown): { data?: Value | undefined; error?: { issues: unknown[] } | undefined };
    },
    event: string,
    data: unknown,
    use: (value: Value) => void,
  ): void {
    const { data: value, error } = schema.safeParse(data);
    if (value === undefined) {
      this.deps.log.warn(
        { event, problems: error?.issues.length },
        'something malformed came from Discord and was dropped',
      );
    } else {
      use(value);
    }
  }

  async #takeMessage(message: Message, session: Session): Promise<void> {
    const { us } = session;
    if (isSpoken(message, us)) {
      this.#traffic.note(message.channel_id, message.author.id, timeOf(message.id));
      await this.#handOn(message, session);
    }
    this.#positions.pass(message.channel_id, message.id);
  }

  async #handOn(message: Message, { us, receive }: Session): Promise<void> {
    // Talk in a channel of which we see nothing but that it happened.
    if (!isForUs(message, us) && !this.settings.message_content) return;
    const channel =
      message.guild_id === undefined ? undefined : await this.#channels.find(message.channel_id);
    if (!this.#isOpen({ guild: message.guild_id, channel: message.channel_id, parent: parentOf(channel) }))
      return;

    const spot = this.#spotOf(message, channel, us);
    const inbound = toInboundMessage(message, spot, us);
    if (!inbound) return;
    await receive(this.#withBotsBounded(inbound, message));
    this.#remember(message.id, inbound);
    this.#positions.follow(message.channel_id, message.id);
    // A thread of its own has the id of the message it begins with.
    if (spot.opensThread) this.#positions.follow(message.id, message.id);
    await this.#keepPositions();
  }

  #spotOf(message: Message, channel: Channel | undefined, us: Identity): Spot {
    const isThread = channel !== undefined && THREAD_TYPES.includes(channel.type);
    return {
      channel: message.channel_id,
      guild: message.guild_id,
      thread: isThread ? { ours: channel.owner_id === us.userId } : undefined,
      opensThread: this.#opensThread(message, channel, us),
    };
  }

  /** An answer to something we said stays where it was said. */
  #opensThread(message: Message, channel: Channel | undefined, us: Identity): boolean {
    if (channel === undefined || !HOLDS_THREADS.includes(channel.type)) return false;
    if (message.referenced_message?.author.id === us.userId) return false;
    const { threads } = this.settings;
    return (
      threads === 'always' || (threads === 'auto' && this.#traffic.isBusy(channel.id, timeOf(message.id)))
    );
  }

  /** An edit comes also when a link got its preview, and may lack nearly everything. */
  #takeEdit(data: unknown, { intake, session }: { intake: Intake; session: Session }): void {
    const { data: message } = Message.safeParse(data);
    if (!message) return;
    const edit = toEdit(message, session.us);
    const before = this.#handedOn.get(message.id);
    if (!edit || !(before || isForUs(message, session.us))) return;
    intake.take(message.channel_id, async () => {
      const channel =
        message.guild_id === undefined ? undefined : await this.#channels.find(message.channel_id);
      if (!this.#isOpen({ guild: message.guild_id, channel: message.channel_id, parent: parentOf(channel) }))
        return;
      await session.receive({ ...edit, conversationId: before?.conversationId ?? edit.conversationId });
    });
  }

  async #takeRemoval(id: string, { receive }: Session): Promise<void> {
    const before = this.#handedOn.get(id);
    if (before) await receive(toRemoval(before));
  }

  /** Reads what was said in a channel since its position, oldest first. */
  async #catchUp(channel: string, session: Session): Promise<void> {
    const known = await this.#channels.find(channel);
    if (!known) return this.#positions.forget(channel);
    for (let page = 0; page < MAX_CATCH_UP_PAGES; page++) {
      const after = this.#positions.after(channel);
      if (after === undefined) return;
      const messages = await this.#pageAfter(channel, after);
      for (const message of messages) {
        await this.#takeMessage(await this.#asLive(message, known), session);
      }
      if (messages.length < PAGE_SIZE) return;
    }
    this.deps.log.warn(
      { channel },
      'more was said while nobody listened than is read again; the rest is passed over',
    );
  }

  async #pageAfter(channel: string, after: string): Promise<Message[]> {
    try {
      const messages = await this.#client.messages(channel, { after });
      return messages.toSorted((a, b) => compareIds(a.id, b.id));
    } catch (error) {
      if (error instanceof UndeliverableError) return [];
      throw error;
    }
  }

  /** The history says neither where a message was nor which roles its author has. */
  async #asLive(message: Message, { guild_id: guild }: Channel): Promise<Message> {
    if (guild === undefined) return message;
    const member = isForUs({ ...message, guild_id: guild }, await this.#whoAmI())
      ? await this.#client.member(guild, message.author.id)
      : undefined;
    return { ...message, guild_id: guild, member };
  }

  /** A bot we listen to counts as a person while its conversation's budget lasts; every other bot never does. */
  #withBotsBounded(message: InboundMessage, { author }: Message): InboundMessage {
    if (!message.sender.automatic) {
      this.#bots.renew(message.conversationId);
      return message;
    }
    if (!this.settings.bots.includes(author.id)) return message;
    if (!this.#bots.spend(message.conversationId)) {
      this.deps.log.warn(
        { conversation: message.conversationId },
        'bots have talked long enough here; a person has to speak first',
      );
      return message;
    }
    return { ...message, sender: { ...message.sender, automatic: false } };
  }

  #isOpen({
    guild,
    channel,
    parent,
  }: {
    guild: string | undefined;
    channel: string;
    parent: string | undefined;
  }): boolean {
    if (guild === undefined) return true;
    const { allowed_guilds: guilds, allowed_channels: channels } = this.settings;
    return (
      (guilds === undefined || guilds.includes(guild)) &&
      (channels === undefined ||
        channels.includes(channel) ||
        (parent !== undefined && channels.includes(parent)))
    );
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

/** Channel types in which a message can begin a thread: text and announcements. */
const HOLDS_THREADS: readonly number[] = [0, 5];

/** The channel a thread is in. The parent of any other channel is a mere category. */
function parentOf(channel: Channel | undefined): string | undefined {
  return channel && THREAD_TYPES.includes(channel.type) ? channel.parent_id : undefined;
}

function toStartupError(error: CredentialError): StartupError {
  return new StartupError(error.message, 'Run `signalbox check`: it says where to get another token.', {
    cause: error,
  });
}
