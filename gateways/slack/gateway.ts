/**
 * Slack, by way of Bolt: Socket Mode, or signed HTTP.
 *
 * Owns      the connection, what is listened to, and what Slack is told when.
 * Not here  who may decide what, what is said, and how fast a channel may be posted to.
 *
 * Invariants
 *   1. Slack is acknowledged after `receive` resolved, and shown a failure when it rejected or took too long.
 *   2. A channel that is not open is not listened to, neither to its messages nor to presses and commands in it.
 *   3. Bots cannot keep us talking: those not listed are automatic, those listed run out of turns.
 */
import { App, type ViewSubmitAction } from '@slack/bolt';
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError } from '../../src/domain/errors.ts';
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
import type {
  Address,
  Inbound,
  InboundMessage,
  OutboundMessage,
  Receipt,
  Sent,
} from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { BotBudget } from '../bot-budget.ts';
import { LastRequest } from '../last-request.ts';
import type { WebhookListener } from '../webhook-listener.ts';
import { within } from '../within.ts';
import { checkSlack } from './check.ts';
import { CredentialError, type Self, SlackClient } from './client.ts';
import { CommandDesk } from './command-desk.ts';
import { missingCredentials, type SlackSettings } from './config.ts';
import { SlackFiles } from './files.ts';
import { HttpReceiver } from './http-receiver.ts';
import { isOfInterest, SLACK, toInbound } from './inbound.ts';
import { parsePayload } from './intake.ts';
import { keepTrying } from './keep-trying.ts';
import { toMrkdwn } from './mrkdwn.ts';
import { isPrivate, linkTo, toDirectAddress } from './outbound.ts';
import { Presses } from './presses.ts';
import { EventEnvelope, type MessageEvent } from './schema.ts';
import { SlackSender } from './sender.ts';
import { toSlackLogger } from './slack-logger.ts';
import { SocketReceiver } from './socket-receiver.ts';
import { Teller } from './teller.ts';

export interface SlackTiming {
  /** Slack counts an event or a press as failed after 3 s (docs.slack.dev, Events API); half a second is for the way. */
  readonly storeWithinMs: number;
  /** The first wait before a failed connection is tried again; doubles up to `reconnectAtMostMs`. */
  readonly reconnectAfterMs: number;
  readonly reconnectAtMostMs: number;
  /** A socket is given up on which Slack has not said hello by then; it comes at once or never. */
  readonly openWithinMs: number;
}

const TIMING: SlackTiming = {
  storeWithinMs: 2_500,
  reconnectAfterMs: 1_000,
  reconnectAtMostMs: 30_000,
  openWithinMs: 10_000,
};

export interface SlackDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** Needed in mode `http`. */
  readonly listener?: WebhookListener;
  /** Where it is kept that Slack called, in mode `http`; without it `check` cannot tell. */
  readonly bookmarks?: Bookmarks;
  readonly timing?: Partial<SlackTiming>;
}

/** What is known while the gateway runs. */
interface Session {
  readonly us: Self;
  readonly receive: Receive;
  readonly lookup: Forms;
}

/** What the core is asked for; without it no form is offered. */
type Forms = Pick<Lookup, 'formFor'>;

export class SlackGateway implements Gateway {
  readonly platform = SLACK;
  readonly progress: Progress;
  readonly pace: Pace;
  readonly #client: SlackClient;
  readonly #files: SlackFiles;
  readonly #sender: SlackSender;
  readonly #teller: Teller;
  readonly #presses: Presses;
  readonly #commands: CommandDesk;
  readonly #bots: BotBudget;
  readonly #timing: SlackTiming;
  #stopping = new AbortController();
  #receiver: SocketReceiver | HttpReceiver | undefined;
  #us: Self | undefined;

  constructor(
    private readonly settings: SlackSettings,
    private readonly deps: SlackDeps,
  ) {
    const botToken = settings.bot_token ?? '';
    this.#client = new SlackClient(botToken, settings.api_url, deps.log);
    this.#files = new SlackFiles(this.#client, botToken, settings.api_url);
    this.#sender = new SlackSender(this.#client, this.#files, () => this.#whoAmI(), botToken);
    this.#bots = new BotBudget(settings.bot_turns);
    this.#timing = { ...TIMING, ...deps.timing };
    this.#teller = new Teller(this.#client, deps.log);
    const taking = {
      teller: this.#teller,
      isOpen: (channel: string | undefined) => this.#isOpen(channel),
      storeWithinMs: this.#timing.storeWithinMs,
    };
    this.#presses = new Presses({ ...taking, client: this.#client, log: deps.log });
    this.#commands = new CommandDesk({ ...taking, clock: deps.clock, log: deps.log, botToken });
    const { posts, seconds } = settings.pace;
    this.pace = {
      posts,
      perMs: seconds * 1_000,
      channelOf: ({ route }) => route.channel ?? route.user ?? '',
    };
    this.progress = {
      show: (update, signal) => this.#sender.showProgress(update, signal),
      settle: (update, signal) => this.#sender.settleProgress(update, signal),
    };
  }

  /**
   * Tries until Slack answers, however long it is away. Rejects when `stop` is called meanwhile.
   *
   * @throws {StartupError} when credentials are missing or wrong
   */
  async start(receive: Receive, lookup: Forms = {}): Promise<void> {
    this.#stopping = new AbortController();
    const receiver = this.#createReceiver();
    try {
      const us = await this.#connect();
      this.#stopping.signal.throwIfAborted();
      this.#receiver = receiver;
      await this.#createApp(receiver, { us, receive, lookup }).start();
      this.deps.log.info({ team: us.teamName, mode: this.settings.mode }, 'Slack is connected');
    } catch (error) {
      throw error instanceof CredentialError ? toStartupError(error) : error;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const receiver = this.#receiver;
    this.#receiver = undefined;
    await receiver?.stop();
    await this.#teller.drain();
  }

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    return this.#sender.send(message, signal);
  }

  async download(ref: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#files.download(ref, signal);
  }

  directAddress(account: AccountId): Address {
    return toDirectAddress(account);
  }

  isPrivate(place: Address): boolean {
    return isPrivate(place);
  }

  isOneMessage(markdown: string): boolean {
    return toMrkdwn(markdown).length === 1;
  }

  linkTo(place: Address): string | undefined {
    return linkTo(place, this.#us?.workspaceUrl);
  }

  channelAddress(channel: string): Address {
    return { platform: this.platform, route: { channel } };
  }

  async check(): Promise<CheckFinding[]> {
    return checkSlack(this.settings, this.#client, this.deps.log, this.#lastRequest());
  }

  #createReceiver(): SocketReceiver | HttpReceiver {
    const { settings, deps } = this;
    const missing = missingCredentials(settings);
    if (missing.length > 0) {
      throw new StartupError(
        `Slack lacks ${missing.join(' and ')}`,
        'Run `signalbox check`: it says where to get them.',
      );
    }
    if (settings.mode === 'socket') {
      const { app_token: appToken = '', api_url: apiUrl } = settings;
      return new SocketReceiver({ appToken, apiUrl, ...this.#timing }, deps.log);
    }
    const { path, signing_secret: signingSecret = '' } = settings;
    const { listener, clock, log } = deps;
    if (!listener) throw new Error('Slack in mode http was not given the webhook listener');
    return new HttpReceiver(
      { path, signingSecret },
      { listener, clock, log, lastRequest: this.#lastRequest() },
    );
  }

  #lastRequest(): LastRequest | undefined {
    const { bookmarks, clock, log } = this.deps;
    return bookmarks && new LastRequest(`slack-request:${this.settings.path}`, { bookmarks, clock, log });
  }

  async #connect(): Promise<Self> {
    const { reconnectAfterMs: afterMs, reconnectAtMostMs: atMostMs } = this.#timing;
    return keepTrying(
      () => this.#whoAmI(),
      {
        afterMs,
        atMostMs,
        isFinal: (error) => error instanceof CredentialError,
        onFailure: (error) => this.deps.log.warn({ error }, 'Slack does not answer; trying again'),
      },
      this.#stopping.signal,
    );
  }

  /** Asked once and remembered. */
  async #whoAmI(): Promise<Self> {
    this.#us ??= await this.#client.whoAmI();
    return this.#us;
  }

  #createApp(receiver: SocketReceiver | HttpReceiver, session: Session): App {
    const { us } = session;
    const app = new App({
      receiver,
      // Without a token Bolt builds no clients of its own; who speaks was settled by the signature or the socket.
      authorize: async () => ({ botId: us.botId, botUserId: us.userId, teamId: us.teamId }),
      ignoreSelf: false, // `toInbound` knows us
      convoStore: false,
      attachFunctionToken: false,
      logger: toSlackLogger(this.deps.log),
      clientOptions: { slackApiUrl: this.settings.api_url },
    });
    app.event('message', async ({ body }) => this.#takeMessage(body, session));
    app.event('app_mention', async ({ body }) => this.#takeMessage(body, session));
    app.action(/^/, async ({ body, ack }) => this.#presses.takePress(body, ack, session));
    app.view<ViewSubmitAction>(/^/, async ({ body, ack }) => this.#presses.takeForm(body, ack, session));
    // Whatever it is called in this workspace.
    app.command(/^/, async ({ body, ack }) => this.#commands.take(body, ack, session));
    // Bolt's own handler only logs; the receiver has to know.
    app.error(async (error) => {
      throw error;
    });
    return app;
  }

  async #takeMessage(body: unknown, { us, receive }: Session): Promise<void> {
    if (!isOfInterest(body)) return;
    const envelope = parsePayload('message', EventEnvelope, body);
    const inbound = toInbound(envelope, us);
    if (!inbound || !this.#isOpen(envelope.event.channel)) return;
    await this.#store(
      inbound.kind === 'message' ? this.#withBotsBounded(inbound, envelope.event) : inbound,
      receive,
    );
  }

  /** Rejects when it is not stored in the time Slack gives us. */
  async #store(inbound: Inbound, receive: Receive): Promise<Receipt> {
    return within(this.#timing.storeWithinMs, receive(inbound));
  }

  /** A bot we listen to counts as a person while its thread's budget lasts; every other bot never does. */
  #withBotsBounded(message: InboundMessage, event: MessageEvent): InboundMessage {
    if (!message.sender.automatic) {
      this.#bots.renew(message.conversationId);
      return message;
    }
    const listenedTo = this.settings.bots.some((bot) => bot === event.bot_id || bot === event.user);
    if (!listenedTo) return message;
    if (!this.#bots.spend(message.conversationId)) {
      this.deps.log.warn(
        { conversation: message.conversationId },
        'bots have talked long enough here; a person has to speak first',
      );
      return message;
    }
    return { ...message, sender: { ...message.sender, automatic: false } };
  }

  /** Direct messages are always open; they are between one person and us. */
  #isOpen(channel: string | undefined): boolean {
    const allowed = this.settings.allowed_channels;
    return (
      allowed === undefined ||
      channel?.startsWith('D') === true ||
      (channel !== undefined && allowed.includes(channel))
    );
  }
}

function toStartupError(error: CredentialError): StartupError {
  return new StartupError(
    error.message,
    'Run `signalbox check`: it says which token is wrong and where to get another.',
    {
      cause: error,
    },
  );
}
