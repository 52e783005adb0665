/**
 * Slack, by way of Bolt: Socket Mode, or signed HTTP.
 *
 * Owns      the connection, what is acknowledged when, and what the person who pressed a button is told.
 * Not here  who may decide what, what is said, and how fast a channel may be posted to.
 *
 * Invariants
 *   1. Slack is acknowledged after `receive` resolved, and shown a failure when it rejected or took too long.
 *   2. A press that was not recorded is never silent: the person is told to press again.
 *   3. A person is told what came of a press only after the core has said so.
 */
import { App, type ViewSubmitAction } from '@slack/bolt';
import pRetry from 'p-retry';
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError } from '../../src/domain/errors.ts';
import type { CheckFinding, Gateway, Progress, Receive } from '../../src/domain/gateway.ts';
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
import type { WebhookListener } from '../webhook-listener.ts';
import { BotBudget } from './bot-budget.ts';
import { toReasonModal } from './card.ts';
import { checkSlack } from './check.ts';
import { CredentialError, type Self, SlackClient } from './client.ts';
import { missingCredentials, type SlackSettings } from './config.ts';
import { HttpReceiver } from './http-receiver.ts';
import { isOfInterest, REASON_MODAL, SLACK, toInbound, toPress, toReasonedAnswer } from './inbound.ts';
import { parsePayload } from './intake.ts';
import { toMrkdwn } from './mrkdwn.ts';
import { toDirectAddress } from './outbound.ts';
import {
  BlockActions,
  EventEnvelope,
  type MessageEvent,
  type ReasonContext,
  ViewSubmission,
} from './schema.ts';
import { SlackSender } from './sender.ts';
import { toSlackLogger } from './slack-logger.ts';
import { SocketReceiver } from './socket-receiver.ts';

export interface SlackTiming {
  /** Slack counts an event or a press as failed after 3 s (docs.slack.dev, Events API); half a second is for the way. */
  readonly storeWithinMs: number;
  /** The first wait before a failed connection is tried again; doubles up to `reconnectAtMostMs`. */
  readonly reconnectAfterMs: number;
  readonly reconnectAtMostMs: number;
}

const TIMING: SlackTiming = { storeWithinMs: 2_500, reconnectAfterMs: 1_000, reconnectAtMostMs: 30_000 };

export interface SlackDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** Needed in mode `http`. */
  readonly listener?: WebhookListener;
  readonly timing?: Partial<SlackTiming>;
}

/** What is known while the gateway runs. */
interface Session {
  readonly us: Self;
  readonly receive: Receive;
}

/** Whom to tell what came of a press, and where they pressed. */
interface Presser {
  readonly user: string;
  readonly channel: string | undefined;
  readonly thread: string | undefined;
  readonly responseUrl: string | undefined;
}

const NOT_RECORDED = 'Your answer was **not recorded**. Please press again; pressing twice does no harm.';
const NOT_RECORDED_MODAL = 'Not recorded. Please send it again; sending twice does no harm.';
const UNKNOWN_BUTTON = 'I do not know this button, so nothing was decided.';
const UNKNOWN_MODAL = 'I do not know this form, so nothing was decided.';
const NO_MODAL = 'The form could not be opened, so nothing was decided. Please press again.';

export class SlackGateway implements Gateway {
  readonly platform = SLACK;
  readonly progress: Progress;
  readonly #client: SlackClient;
  readonly #sender: SlackSender;
  readonly #bots: BotBudget;
  readonly #timing: SlackTiming;
  /** Words on their way to people who pressed. */
  readonly #telling = new Set<Promise<void>>();
  #stopping = new AbortController();
  #receiver: SocketReceiver | HttpReceiver | undefined;
  #us: Self | undefined;

  constructor(
    private readonly settings: SlackSettings,
    private readonly deps: SlackDeps,
  ) {
    this.#client = new SlackClient(settings.bot_token ?? '', settings.api_url, deps.log);
    this.#sender = new SlackSender(this.#client, () => this.#whoAmI());
    this.#bots = new BotBudget(settings.bot_turns);
    this.#timing = { ...TIMING, ...deps.timing };
    this.progress = { show: (update, signal) => this.#sender.showProgress(update, signal) };
  }

  /**
   * Tries until Slack answers, however long it is away; `stop` ends that too.
   *
   * @throws {StartupError} when credentials are missing or wrong
   */
  async start(receive: Receive): Promise<void> {
    this.#stopping = new AbortController();
    const receiver = this.#createReceiver();
    try {
      const us = await this.#connect();
      this.#receiver = receiver;
      await this.#createApp(receiver, { us, receive }).start();
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
    await Promise.all(this.#telling);
  }

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    return this.#sender.send(message, signal);
  }

  directAddress(account: AccountId): Address {
    return toDirectAddress(account);
  }

  async check(): Promise<CheckFinding[]> {
    return checkSlack(this.settings, this.#client, this.deps.log);
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
    return new HttpReceiver({ path, signingSecret }, { listener, clock, log });
  }

  async #connect(): Promise<Self> {
    return pRetry(() => this.#whoAmI(), {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: this.#timing.reconnectAfterMs,
      maxTimeout: this.#timing.reconnectAtMostMs,
      randomize: true,
      signal: this.#stopping.signal,
      shouldRetry: ({ error }) => !(error instanceof CredentialError),
      onFailedAttempt: ({ error }) => this.deps.log.warn({ error }, 'Slack does not answer; trying again'),
    });
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
    app.action(/^/, async ({ body, ack }) => this.#takePress(body, ack, session));
    app.view<ViewSubmitAction>(/^/, async ({ body, ack }) => this.#takeForm(body, ack, session));
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

  async #takePress(body: unknown, ack: () => Promise<void>, { us, receive }: Session): Promise<void> {
    const press = parsePayload('press', BlockActions, body);
    const presser = presserOf(press);
    const pressed = toPress(press, us);
    if (pressed.kind === 'unknown' || !this.#isOpen(presser.channel)) {
      this.deps.log.warn(
        { user: presser.user, channel: presser.channel },
        'a press on something that is no button of ours decided nothing',
      );
      this.#tell(presser, UNKNOWN_BUTTON);
    } else if (pressed.kind === 'ask-words') {
      await this.#askWords(press.trigger_id, pressed.context, presser);
    } else {
      await this.#record(pressed.answer, presser, receive);
    }
    await ack();
  }

  async #takeForm(
    body: unknown,
    ack: (answer?: FormErrors) => Promise<void>,
    { us, receive }: Session,
  ): Promise<void> {
    const form = parsePayload('form', ViewSubmission, body);
    const answer = toReasonedAnswer(form, us);
    const card = answer?.card?.to.route;
    if (!answer || !this.#isOpen(card?.channel)) return ack(formError(UNKNOWN_MODAL));

    const presser = {
      user: form.user.id,
      channel: card?.channel,
      thread: card?.thread,
      responseUrl: undefined,
    };
    try {
      const receipt = await this.#store(answer, receive);
      this.#tellReceipt(presser, receipt);
    } catch (error) {
      // The form stays open with what was typed in it.
      this.deps.log.error(
        { error, answer: answer.id },
        'an answer could not be recorded; the person was asked to send it again',
      );
      return ack(formError(NOT_RECORDED_MODAL));
    }
    await ack();
  }

  async #record(answer: Inbound, presser: Presser, receive: Receive): Promise<void> {
    try {
      this.#tellReceipt(presser, await this.#store(answer, receive));
    } catch (error) {
      this.#tell(presser, NOT_RECORDED);
      throw error;
    }
  }

  async #askWords(triggerId: string | undefined, context: ReasonContext, presser: Presser): Promise<void> {
    try {
      if (triggerId === undefined) throw new Error('the press came without a trigger');
      await within(this.#timing.storeWithinMs, this.#client.openModal(triggerId, toReasonModal(context)));
    } catch (error) {
      this.deps.log.warn({ error, approval: context.approval }, 'the form for a reason could not be opened');
      this.#tell(presser, NO_MODAL);
    }
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

  #tellReceipt(presser: Presser, receipt: Receipt): void {
    if (receipt.kind === 'answered') this.#tell(presser, receipt.notice);
    if (receipt.kind === 'ignored') this.#tell(presser, `Nothing was decided: ${receipt.reason}.`);
  }

  /** Not awaited: Slack waits for the acknowledgement meanwhile. `stop` waits for it. */
  #tell(presser: Presser, markdown: string): void {
    const telling = this.#reach(presser, toMrkdwn(markdown).join('\n\n'))
      .catch((error: unknown) =>
        this.deps.log.warn(
          { error, user: presser.user },
          'a person could not be told what came of their press',
        ),
      )
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  async #reach({ user, channel, thread, responseUrl }: Presser, text: string): Promise<void> {
    try {
      if (channel === undefined) throw new Error('the press came from no channel');
      await this.#client.postEphemeral({ channel, thread, user }, text);
    } catch (error) {
      // Where the bot may not post, the address that came with the press still reaches the presser.
      if (responseUrl === undefined || !(await this.#client.respond(responseUrl, text))) throw error;
    }
  }
}

/** What Slack shows in a form that stays open. */
interface FormErrors {
  readonly response_action: 'errors';
  readonly errors: Record<string, string>;
}

function formError(sentence: string): FormErrors {
  return { response_action: 'errors', errors: { [REASON_MODAL.block]: sentence } };
}

function presserOf({ user, channel, message, response_url: responseUrl }: BlockActions): Presser {
  return { user: user.id, channel: channel?.id, thread: message?.thread_ts, responseUrl };
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

/** Rejects when the promise takes longer than `ms`; what it comes to afterwards is nobody's concern. */
async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
