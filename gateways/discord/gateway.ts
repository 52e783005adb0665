/**
 * Discord, by way of discord.js: a WebSocket, or signed HTTP for commands and presses alone.
 *
 * Owns      the life of the connection, and which events are read.
 * Not here  what a message (`message-desk.ts`), a gesture (`interaction-desk.ts`) or an answer (`sender.ts`) comes to,
 *           and the commands people find (`registration.ts`).
 *
 * Invariants
 *   1. What is said over the WebSocket is stored in order, tried until it is; what was said while nobody listened is
 *      read from the history of every channel we are part of.
 *   2. Gestures do not wait behind messages: Discord gives them three seconds.
 *   3. Nothing an event contains can throw out of here; what cannot be read costs a line in the log.
 */
import pRetry from 'p-retry';
import type { z } from 'zod';
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError } from '../../src/domain/errors.ts';
import type {
  CheckFinding,
  Gateway,
  Lookup,
  Pace,
  Places,
  Progress,
  Receive,
  Trouble,
} from '../../src/domain/gateway.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import type { Address, OutboundMessage, Sent } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { WebhookListener } from '../webhook-listener.ts';
import { Channels } from './channels.ts';
import { checkDiscord } from './check.ts';
import { CredentialError, DiscordClient, mayAskForContent, type Self } from './client.ts';
import { type DiscordSettings, missingDiscordSettings } from './config.ts';
import { DiscordConnection, type GatewayEvent, TOKEN_REMEDY } from './connection.ts';
import { DiscordFiles } from './files.ts';
import { HttpReceiver } from './http-receiver.ts';
import { DISCORD } from './inbound.ts';
import { Intake, type IntakeTiming } from './intake.ts';
import { type DeskTiming, InteractionDesk, type Session } from './interaction-desk.ts';
import { DiscordLink, type LinkTiming } from './link.ts';
import { type CatchUpTiming, MessageDesk } from './message-desk.ts';
import { channelOf, isPrivate, linkTo, toDirectAddress, toTextPosts, userOf } from './outbound.ts';
import { Registration } from './registration.ts';
import {
  ChannelEvent,
  GuildCreate,
  Interaction,
  Message,
  MessageDelete,
  MessageDeleteBulk,
  MessageUpdate,
} from './schema.ts';
import { DiscordSender } from './sender.ts';
import { TokenSeal } from './token-seal.ts';
import { Traffic } from './traffic.ts';

export interface DiscordTiming extends DeskTiming, IntakeTiming, LinkTiming, CatchUpTiming {
  /** The first wait before a failed connection is tried again; doubles up to `reconnectAtMostMs`. */
  readonly reconnectAfterMs: number;
  readonly reconnectAtMostMs: number;
}

const TIMING: DiscordTiming = {
  storeWithinMs: 2_500,
  deferAfterMs: 1_500,
  standInAfterMs: 1_500,
  retryAfterMs: 500,
  retryAtMostMs: 15_000,
  reconnectAfterMs: 1_000,
  reconnectAtMostMs: 30_000,
  // At most 30 attempts in a day, each one IDENTIFY per shard of the 1,000 there are (docs.discord.com, Session Start Limit).
  refusedAfterMs: 60_000,
  refusedAtMostMs: 60 * 60_000,
  directsPauseMs: 2_000,
  requestAtLeastMs: 160,
};

/** Of finding the channels that are to be read again; no channel has these ids. */
const READY_LANE = 'ready';
const DIRECTS_LANE = 'directs';

export interface DiscordDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly places: Places;
  /** Needed in mode `http`. */
  readonly listener?: WebhookListener;
  readonly timing?: Partial<DiscordTiming>;
}

/** While there is a connection. */
interface Listening {
  readonly intake: Intake;
  readonly session: Session;
}

export class DiscordGateway implements Gateway {
  readonly platform = DISCORD;
  readonly pace: Pace;
  readonly progress: Progress;
  readonly #client: DiscordClient;
  readonly #files: DiscordFiles;
  readonly #sender: DiscordSender;
  readonly #messages: MessageDesk;
  readonly #interactions: InteractionDesk;
  readonly #registration: Registration;
  readonly #timing: DiscordTiming;
  #stopping = new AbortController();
  #link: DiscordLink | undefined;
  #receiver: HttpReceiver | undefined;
  #intake: Intake | undefined;
  /** Discord took the token away from us; known by what could not be sent. */
  #refused: Trouble | undefined;
  #self: Self | undefined;

  constructor(
    private readonly settings: DiscordSettings,
    private readonly deps: DiscordDeps,
  ) {
    const { bot_token: token = '', application_id: applicationId = '', api_url: apiUrl } = settings;
    const { clock, log, places } = deps;
    const client = new DiscordClient(token, applicationId, apiUrl);
    this.#client = client;
    this.#files = new DiscordFiles(client, apiUrl, clock);
    const seal = new TokenSeal(token);
    this.#timing = { ...TIMING, ...deps.timing };
    const channels = new Channels(client, clock, () => this.#whoAmI());
    const traffic = new Traffic();
    this.#registration = new Registration({ settings, client, log });
    const shared = { settings, client, channels, traffic, log };
    this.#messages = new MessageDesk({ ...shared, places, clock, timing: this.#timing });
    this.#interactions = new InteractionDesk({ ...shared, seal, timing: this.#timing });
    this.#sender = new DiscordSender({
      seal,
      client,
      clock,
      whoAmI: () => this.#whoAmI(),
      answered: (interaction) => this.#interactions.answered(interaction),
      wrote: (written) => this.#messages.wrote(written),
    });
    const { posts, seconds } = settings.pace;
    this.pace = { posts, perMs: seconds * 1_000, channelOf };
    this.progress = {
      show: (update, signal) => this.#sender.showProgress(update, signal),
      settle: (update, signal) => this.#sender.settleProgress(update, signal),
    };
  }

  /**
   * Tries until Discord answers, however long it is away. Rejects when `stop` is called meanwhile.
   *
   * @throws {StartupError} when credentials are missing or wrong
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
    const us = await this.#untilItAnswers(() => this.#whoAmI());
    const session = { us, receive, lookup, signal: this.#stopping.signal };
    await this.#registration.begin(this.#stopping.signal).catch((error: unknown) => {
      throw error instanceof CredentialError ? toStartupError(error) : error;
    });
    if (this.settings.mode === 'http') this.#listen(session);
    else await this.#connect(session);
    this.deps.log.info({ as: us.name, mode: this.settings.mode }, 'Discord is connected');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const { link, intake } = { link: this.#link, intake: this.#intake };
    this.#receiver?.stop();
    this.#link = undefined;
    this.#receiver = undefined;
    this.#intake = undefined;
    await link?.close();
    await intake?.stop();
    await this.#interactions.drain();
    await this.#registration.done();
    if (intake) await this.#messages.close();
  }

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    try {
      const sent = await this.#sender.send(message, signal);
      this.#refused = undefined;
      return sent;
    } catch (error) {
      if (error instanceof CredentialError) this.#noteRefused(error);
      throw error;
    }
  }

  trouble(): Trouble | undefined {
    return this.#link?.trouble() ?? this.#refused;
  }

  directAddress(account: AccountId): Address | undefined {
    return toDirectAddress(account);
  }

  isPrivate(place: Address): boolean {
    return isPrivate(place);
  }

  isOneMessage(markdown: string): boolean {
    return toTextPosts('', markdown).after.length === 0;
  }

  linkTo(place: Address): string | undefined {
    return linkTo(place);
  }

  channelAddress(channel: string): Address {
    return { platform: this.platform, route: { channel } };
  }

  async download(ref: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#files.download(ref, signal);
  }

  async check(): Promise<CheckFinding[]> {
    return checkDiscord(this.settings, this.#client, this.deps.listener?.expectedUrl);
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
        take: (interaction, line) => this.#interactions.take(interaction, line, session),
      },
    );
    this.#receiver.start();
  }

  async #connect(session: Session): Promise<void> {
    const intake = new Intake({
      log: this.deps.log,
      timing: this.#timing,
      catchUp: (lane) => this.#catchUp(lane, { intake, session }),
    });
    this.#intake = intake;
    const { bot_token: token = '', api_url, message_content, shards } = this.settings;
    const { clock, log } = this.deps;
    const link = new DiscordLink({
      log,
      clock,
      timing: this.#timing,
      create: ({ content }) =>
        new DiscordConnection({ token, api_url, message_content: content, shards }, log, (event) =>
          this.#take(event, { intake, session }),
        ),
      wantsContent: message_content,
      grantsContent: async () => mayAskForContent(await this.#client.application()),
      tryToken: () => this.#untilItAnswers(() => this.#client.whoAmI()),
      untilItAnswers: (ask) => this.#untilItAnswers(ask),
    });
    this.#link = link;
    await link.open();
  }

  /** @throws {StartupError} when trying again cannot help */
  async #untilItAnswers<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const askOnce = () =>
      ask().catch((error: unknown) => {
        throw error instanceof CredentialError ? toStartupError(error) : error;
      });
    return pRetry(askOnce, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: this.#timing.reconnectAfterMs,
      maxTimeout: this.#timing.reconnectAtMostMs,
      randomize: true,
      signal: this.#stopping.signal,
      shouldRetry: ({ error }) => !(error instanceof StartupError),
      onFailedAttempt: ({ error }) => {
        if (!(error instanceof StartupError))
          this.deps.log.warn({ error }, 'Discord does not answer; trying again');
      },
    });
  }

  /** Told once, not for every message that waits. */
  #noteRefused(error: CredentialError): void {
    if (this.#refused) return;
    const { message: detail, remedy } = toStartupError(error);
    this.#refused = { sinceMs: this.deps.clock.now(), detail, remedy };
    this.deps.log.error({ reason: detail, remedy }, 'Discord takes nothing from us until this is mended');
  }

  /** Asked once and remembered. */
  async #whoAmI(): Promise<Self> {
    this.#self ??= await this.#client.whoAmI();
    return this.#self;
  }

  /** Must not throw: discord.js calls it between reading two packets. */
  #take({ type, data }: GatewayEvent, { intake, session }: Listening): void {
    const desk = this.#messages;
    switch (type) {
      case 'READY':
        // A new session: whatever was said since the last one is in the history alone.
        desk.beginSession();
        intake.take(READY_LANE, () => this.#readMissed({ intake, session }));
        intake.take(DIRECTS_LANE, () => this.#lookForDirects({ intake, session }));
        return;
      case 'GUILD_CREATE':
        this.#with(GuildCreate, { type, data }, (guild) => {
          desk.guildSeen(guild, session.us);
          intake.take(READY_LANE, () => this.#readMissed({ intake, session }));
        });
        return;
      case 'MESSAGE_CREATE':
        this.#with(Message, { type, data }, (message) => {
          desk.heard(message, session.us);
          intake.take(message.channel_id, () => desk.takeMessage(message, session));
        });
        return;
      case 'MESSAGE_UPDATE':
        this.#with(MessageUpdate, { type, data }, (message) => {
          if (message) intake.take(message.channel_id, () => desk.takeEdit(message, session));
        });
        return;
      case 'MESSAGE_DELETE':
        this.#with(MessageDelete, { type, data }, ({ id, channel_id: channel }) =>
          intake.take(channel, () => desk.takeRemoval(id, session)),
        );
        return;
      case 'MESSAGE_DELETE_BULK':
        this.#with(MessageDeleteBulk, { type, data }, ({ ids, channel_id: channel }) => {
          for (const id of ids) intake.take(channel, () => desk.takeRemoval(id, session));
        });
        return;
      case 'INTERACTION_CREATE':
        this.#with(Interaction, { type, data }, (interaction) => {
          const respond = (response: object) => this.#client.respond(interaction, response);
          // Never rejects; it answers Discord by itself.
          void this.#interactions.take(interaction, { respond, shared: true }, session);
        });
        return;
      case 'CHANNEL_CREATE':
      case 'CHANNEL_UPDATE':
      case 'CHANNEL_DELETE':
      case 'THREAD_CREATE':
      case 'THREAD_UPDATE':
      case 'THREAD_DELETE':
        this.#with(ChannelEvent, { type, data }, ({ id }) => desk.forgetChannel(id));
        return;
      default:
        return;
    }
  }

  /** Reads again what did not fit into memory. */
  async #catchUp(lane: string, listening: Listening): Promise<void> {
    if (lane === READY_LANE) return this.#readMissed(listening);
    if (lane === DIRECTS_LANE) return this.#lookForDirects(listening);
    return this.#messages.catchUpAgain(lane, listening.session);
  }

  async #readMissed({ intake, session }: Listening): Promise<void> {
    for (const channel of await this.#messages.missed()) {
      intake.take(channel, async () => void (await this.#messages.catchUpOnce(channel, session)));
    }
  }

  async #lookForDirects({ intake, session }: Listening): Promise<void> {
    const users = (session.lookup.accountsOn?.(DISCORD) ?? []).flatMap((account) => userOf(account) ?? []);
    const read = (channel: string) =>
      intake.take(
        channel,
        async () => void (await this.#messages.catchUpOnce(channel, session, { isDirect: true })),
      );
    await this.#messages.lookForDirects(users, read, session.signal);
  }

  #with<Value>(schema: z.ZodType<Value>, { type, data }: GatewayEvent, use: (value: Value) => void): void {
    const read = schema.safeParse(data);
    if (read.success) {
      use(read.data);
      return;
    }
    // Where and what, never the value: it may be a person's words.
    const problems = read.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${path.join('.')}: ${message}`);
    this.deps.log.warn({ event: type, problems }, 'something malformed came from Discord and was dropped');
  }
}

function toStartupError(error: CredentialError): StartupError {
  return new StartupError(error.message, TOKEN_REMEDY, { cause: error });
}
