/**
 * The emulated Slack: one workspace, one app, and the people in it.
 *
 * The app's side is the real wire (Web API, Socket Mode, signed requests); the people's side is this class, for the
 * page and for tests. Nothing is shown to the app that Slack would not show it, and nothing is accepted from it that
 * Slack would refuse.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type Clock, systemClock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';
import { BOT, CHANNELS, PEOPLE } from '../people.ts';
import { Watch } from '../watch.ts';
import { type ApiCall, ApiServer, type RateLimit } from './api-server.ts';
import { type Delivery, EventQueue } from './event-queue.ts';
import { channelExists, type Payload, toCallback } from './events.ts';
import type { Fault } from './faults.ts';
import { Files, type SentFile, withFiles } from './files.ts';
import {
  type GestureOutcome,
  Interactions,
  type Press,
  type SlashCommand,
  type SubmitOutcome,
} from './interactions.ts';
import { ACK_TIMEOUT_MS, RETRY_DELAYS_MS } from './limits.ts';
import { type MentionOrder, Messages, type Posted, withBlockIds } from './messages.ts';
import { postSigned, type RequestOutcome } from './request-url.ts';
import { type SilentFrom, SocketMode } from './socket-mode.ts';
import { Triggers } from './triggers.ts';
import { toRichText, toSlackText } from './typed-text.ts';
import { WebApi } from './web-api.ts';
import {
  type Ephemeral,
  type OpenView,
  type RecordedPing,
  type SlackMessage,
  Workspace,
} from './workspace.ts';

export interface SlackSandboxOptions {
  readonly botToken?: string;
  readonly appToken?: string;
  readonly signingSecret?: string;
  /** Where events and interactions are posted; without it they go over Socket Mode. */
  readonly requestUrl?: string;
  /** An event without an answer after this long counts as failed. Default 3 s. */
  readonly ackTimeoutMs?: number;
  /** Pauses before the second and later deliveries of a failed event. Default 0, 60 s, 300 s, as Slack. */
  readonly retryDelaysMs?: readonly number[];
  /** Repeat the last pause for ever instead of giving up as Slack does. Default false. */
  readonly retryUntilAcknowledged?: boolean;
  /** Which event of a mention goes first. Default alternating: Slack promises no order. */
  readonly mentionOrder?: MentionOrder;
  /** Commands the app has registered; Slack knows no others. Default `/signalbox`. */
  readonly commands?: readonly string[];
  /** Refuse posts above this rate per channel with 429, after a burst. Default: no limit. */
  readonly rateLimit?: RateLimit;
}

/** What somebody types, and sends along. */
export interface Typed {
  readonly user: string;
  readonly channel: string;
  readonly text: string;
  readonly thread?: string;
  readonly files?: readonly SentFile[];
}

export interface Said {
  readonly ts: string;
  /** Resolves once the app has acknowledged every event of it; rejects if Slack gives up. */
  readonly acknowledged: Promise<void>;
}

/** Calls and deliveries remembered, so that a sandbox left running for weeks does not grow without end. */
const MAX_LOG_ENTRIES = 100_000;

export class SlackSandbox {
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  /** Commands that the app has registered. */
  readonly commands: readonly string[];
  /** Every attempt at bringing something to the app, oldest first. */
  readonly deliveries: Delivery[] = [];
  /** Every call of the Web API, oldest first. */
  readonly calls: ApiCall[] = [];

  readonly #workspace: Workspace;
  readonly #sockets: SocketMode;
  readonly #queue: EventQueue;
  readonly #messages: Messages;
  readonly #interactions: Interactions;
  readonly #files: Files;
  readonly #server: ApiServer;
  readonly #watch = new Watch('in Slack');
  readonly #ackTimeoutMs: number;
  #requestUrl: string | undefined;
  #app: FastifyInstance | undefined;

  constructor(
    journal: Journal,
    options: SlackSandboxOptions = {},
    private readonly clock: Clock = systemClock,
  ) {
    this.botToken = options.botToken ?? 'xoxb-sandbox';
    this.appToken = options.appToken ?? 'xapp-sandbox';
    this.signingSecret = options.signingSecret ?? 'sandbox-signing-secret';
    this.commands = options.commands ?? ['/signalbox'];
    this.#requestUrl = options.requestUrl;
    this.#ackTimeoutMs = options.ackTimeoutMs ?? ACK_TIMEOUT_MS;

    const { signingSecret } = this;
    const ackTimeoutMs = this.#ackTimeoutMs;
    const requestUrl = () => this.#requestUrl;
    const origin = () => this.#app?.listeningOrigin ?? '';
    const note = (delivery: Delivery) => this.#remember(this.deliveries, delivery);
    const workspace = new Workspace(journal, clock);
    const triggers = new Triggers(clock);
    const sockets = new SocketMode(() => this.#watch.changed());
    const queue = new EventQueue({
      workspace,
      sockets,
      clock,
      requestUrl,
      note,
      settings: {
        signingSecret,
        ackTimeoutMs,
        retryDelaysMs: options.retryDelaysMs ?? RETRY_DELAYS_MS,
        retryUntilAcknowledged: options.retryUntilAcknowledged ?? false,
      },
    });
    const messages = new Messages(workspace, queue, clock, options.mentionOrder ?? 'alternating');
    const interactions = new Interactions({
      workspace,
      messages,
      triggers,
      sockets,
      clock,
      signingSecret,
      ackTimeoutMs,
      requestUrl,
      origin,
      note,
    });
    const files = new Files({ workspace, clock, origin, botToken: this.botToken });
    const api = new WebApi({
      workspace,
      messages,
      files,
      triggers,
      tokens: { bot: this.botToken, app: this.appToken },
      origin,
      socketUrl: () => origin().replace('http', 'ws') + sockets.issuePath(),
    });

    this.#workspace = workspace;
    this.#sockets = sockets;
    this.#queue = queue;
    this.#messages = messages;
    this.#interactions = interactions;
    this.#files = files;
    this.#server = new ApiServer({
      api,
      interactions,
      rateLimit: options.rateLimit,
      note: (call) => this.#remember(this.calls, call),
    });
    workspace.onChange(() => this.#watch.changed());
  }

  /** Adds the Web API at `/slack/api`, the response_urls, and the Socket Mode upgrade to this server. */
  register(app: FastifyInstance): void {
    this.#app = app;
    this.#server.register(app);
    this.#files.register(app);
    this.#sockets.attach(app.server);
  }

  /** Reads the journal back and delivers what was not acknowledged. */
  async start(): Promise<void> {
    await this.#workspace.start();
    this.#queue.start();
  }

  /** Cuts every connection and stops delivering. Safe to call twice. */
  async stop(): Promise<void> {
    await Promise.all([this.#queue.stop(), this.#sockets.stop()]);
  }

  // What people do.

  /** Somebody types in a channel; `@signalbox` and the people's first names become mentions. */
  async say(said: Typed): Promise<Said> {
    return toSaid(this.#typed(said));
  }

  /** Somebody types to the bot in their direct messages. */
  async dm(said: Omit<Typed, 'channel'>): Promise<Said> {
    return toSaid(this.#typed({ ...said, channel: dmOf(said.user) }));
  }

  /** Somebody changes what they wrote. */
  async edit({ channel, ts, text }: { channel: string; ts: string; text: string }): Promise<Said> {
    const slackText = toSlackText(text);
    const blocks = withBlockIds([toRichText(slackText)]);
    return toSaid(this.#messages.edit(this.#existing(channel, ts), { text: slackText, blocks }));
  }

  /** Somebody deletes a message. */
  async remove({ channel, ts }: { channel: string; ts: string }): Promise<Said> {
    return { ts, acknowledged: this.#messages.remove(this.#existing(channel, ts)) };
  }

  /**
   * Somebody presses a button of a message, of an older copy of it, or of an ephemeral one.
   *
   * @throws {Error} when there is no such button
   */
  async press(pressed: Press): Promise<GestureOutcome> {
    return this.#interactions.press(pressed);
  }

  /**
   * Somebody submits the modal in front of them; `values` by action_id or block_id of its inputs.
   *
   * @throws {Error} when they have none open
   */
  async submitView({
    user,
    values,
  }: {
    user: string;
    values: Record<string, string>;
  }): Promise<SubmitOutcome> {
    return this.#interactions.submitView(user, values);
  }

  /** Somebody closes the modal in front of them. */
  async closeView({ user }: { user: string }): Promise<void> {
    return this.#interactions.closeView(user);
  }

  /**
   * Somebody types a slash command, anywhere they can write.
   *
   * @throws {Error} when the app has no such command
   */
  async command({ command, text, ...typed }: SlashCommand): Promise<GestureOutcome> {
    if (!this.commands.includes(command)) throw new Error(`${command} is not a valid command.`);
    return this.#interactions.command({ ...typed, command, text: toSlackText(text) });
  }

  // What is there to see.

  /** Every message of a channel, replies included, oldest first. */
  messages(channel: string): SlackMessage[] {
    return this.#workspace.messages(channel);
  }

  message(channel: string, ts: string): SlackMessage | undefined {
    return this.#workspace.message(channel, ts);
  }

  /** A thread's root and replies, oldest first. */
  thread(channel: string, ts: string): SlackMessage[] {
    return this.#workspace.thread(channel, ts);
  }

  /** What only this person sees. */
  ephemerals(user: string): Ephemeral[] {
    return this.#workspace.ephemerals(user);
  }

  /** Modals open on this person's screen, the topmost last. */
  views(user: string): OpenView[] {
    return this.#workspace.views(user);
  }

  /** The bytes of a file; undefined when there are none. */
  fileContent(id: string): Buffer | undefined {
    const base64 = this.#workspace.file(id)?.base64;
    return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
  }

  /** What the app says it is doing in a thread; empty when nothing. */
  status(channel: string, thread: string): string {
    return this.#workspace.status(channel, thread);
  }

  /** Everybody the app's messages notified; what people wrote to each other is not counted. */
  get pings(): readonly RecordedPing[] {
    return this.#workspace.pings().filter(({ by }) => by === BOT.user);
  }

  /** Events that the app has not acknowledged. */
  get unacknowledged(): number {
    return this.#workspace.queued().length;
  }

  /** Where events go; undefined means Socket Mode. */
  get requestUrl(): string | undefined {
    return this.#requestUrl;
  }

  /** Open Socket Mode connections. */
  get connections(): number {
    return this.#sockets.connections;
  }

  /** Connections that Slack leaves without an answer, or without a hello. */
  get stalledConnections(): number {
    return this.#sockets.stalled;
  }

  /** Calls `listener` after every change of anything above; the function returned ends that. */
  onChange(listener: () => void): () => void {
    return this.#watch.onChange(listener);
  }

  /**
   * Resolves with what `find` returns, as soon as that is neither undefined nor false. Looks after every change.
   *
   * @throws {Error} after `timeoutMs` (default 10 s), with what there is instead
   */
  async until<Found>(
    find: (slack: this) => Found | undefined | false,
    { timeoutMs }: { timeoutMs?: number } = {},
  ): Promise<Found> {
    return this.#watch.until(
      () => find(this),
      () => this.#summary(),
      timeoutMs,
    );
  }

  // What goes wrong.

  /** The next `times` calls of `method` (`*`: of any) fail like this. */
  fail(method: string, fault: Fault, times = 1): void {
    this.#server.faults.add(method, fault, times);
  }

  /** Forgets the failures still ordered, and listens to every connection again. */
  heal(): void {
    this.#server.faults.clear();
    this.#sockets.silence(undefined);
  }

  /** Asks every Socket Mode client to reconnect, as Slack does when it recycles a connection. */
  disconnect(): void {
    this.#sockets.refresh();
  }

  /** Cuts every Socket Mode connection without a word. */
  dropConnections(): void {
    this.#sockets.drop();
  }

  /** Says nothing more over Socket Mode, to connections that are open and, from this point on, to new ones. */
  silence(from: SilentFrom): void {
    this.#sockets.silence(from);
  }

  /** Sends one WebSocket frame as it is. */
  deliverFrame(frame: string | Buffer): void {
    this.#sockets.sendRaw(frame);
  }

  /** Posts one body as it is to the request URL, rightly signed unless told otherwise. Needs a request URL. */
  async deliverRaw(raw: {
    body: string | Uint8Array;
    contentType?: string;
    headers?: Record<string, string>;
    /** Instead of the right one; null sends none. */
    signature?: string | null;
    /** Moves the signed timestamp, in seconds. */
    skewSeconds?: number;
  }): Promise<RequestOutcome> {
    return postSigned({
      url: this.#urlOrThrow(),
      body: raw.body,
      contentType: raw.contentType ?? 'application/json',
      signingSecret: this.signingSecret,
      nowMs: this.clock.now() + (raw.skewSeconds ?? 0) * 1_000,
      timeoutMs: this.#ackTimeoutMs,
      ...(raw.headers === undefined ? {} : { headers: raw.headers }),
      ...(raw.signature === undefined ? {} : { forged: { signature: raw.signature ?? undefined } }),
    });
  }

  /** Delivers one event callback again or newly made up, as an event of its own. */
  async deliverEvent(event: Payload, eventId = `Ev${randomUUID()}`): Promise<void> {
    await this.#queue.send(eventId, toCallback(event, eventId, this.clock.now()));
  }

  /** From now on events go to this URL, or over Socket Mode when undefined. */
  deliverTo(requestUrl: string | undefined): void {
    this.#requestUrl = requestUrl;
  }

  /** Does what Slack does when the URL is entered: true if the app echoes the challenge. */
  async verifyRequestUrl(): Promise<boolean> {
    const challenge = randomUUID();
    const outcome = await this.deliverRaw({
      body: JSON.stringify({ token: 'sandbox-verification-token', challenge, type: 'url_verification' }),
    });
    return outcome.kind === 'answered' && outcome.status === 200 && outcome.body.includes(challenge);
  }

  #typed({ user, channel, text, thread, files = [] }: Typed): Posted {
    if (!channelExists(channel)) throw new Error(`there is no channel ${channel}`);
    const slackText = toSlackText(text);
    return this.#messages.post({
      user,
      channel,
      text: slackText,
      blocks: withBlockIds([toRichText(slackText)]),
      client_msg_id: randomUUID(),
      ...withFiles(files.map((file) => this.#files.upload(user, file))),
      ...(thread === undefined ? {} : { thread_ts: thread }),
    });
  }

  #existing(channel: string, ts: string): SlackMessage {
    const message = this.#workspace.message(channel, ts);
    if (message === undefined) throw new Error(`there is no message ${ts} in ${channel}`);
    return message;
  }

  #urlOrThrow(): string {
    if (this.#requestUrl === undefined)
      throw new Error('the sandbox delivers over Socket Mode; it has no request URL');
    return this.#requestUrl;
  }

  #remember<Entry>(log: Entry[], entry: Entry): void {
    if (log.length >= MAX_LOG_ENTRIES) log.shift();
    log.push(entry);
    this.#watch.changed();
  }

  #summary(): string {
    const places = [...CHANNELS.map(({ id }) => id), ...PEOPLE.map(({ slackDm }) => slackDm)];
    return JSON.stringify({
      connections: this.connections,
      unacknowledged: this.unacknowledged,
      lastMessages: places.flatMap((channel) => this.messages(channel).slice(-5)).map(toGist),
      lastCalls: this.calls.slice(-5).map(({ method, result }) => `${method}: ${result}`),
      lastDeliveries: this.deliveries.slice(-5).map(({ what, outcome }) => `${what}: ${outcome}`),
    });
  }
}

function toSaid({ message, acknowledged }: Posted): Said {
  return { ts: message.ts, acknowledged };
}

function dmOf(user: string): string {
  const person = PEOPLE.find(({ slackUser }) => slackUser === user);
  if (person === undefined) throw new Error(`there is no person ${user}`);
  return person.slackDm;
}

function toGist({ channel, user, text, thread_ts }: SlackMessage): object {
  return { channel, user, text: text.slice(0, 200), ...(thread_ts === undefined ? {} : { thread_ts }) };
}
