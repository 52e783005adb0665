/**
 * Bolt's receiver for Socket Mode: one WebSocket that we open and Slack speaks on.
 *
 *   connecting ──hello──▶ connected ──closed──▶ connecting (again, at once, then ever more slowly)
 *        └──────────────── stop ────────────────▶ stopped
 *
 * Invariants
 *   1. An envelope is acknowledged only after what it carries is stored. (Bolt's own receiver acknowledges before
 *      its listeners run, so that a crash would lose the event.)
 *   2. What Slack sends can be anything; nothing of it ends the process or the connection.
 *   3. A lost connection is opened again for as long as the receiver runs.
 *   4. Every attempt has a client of its own and can be given up at any point of it, so that stopping waits for nobody:
 *      left to itself, the client waits half a minute for a peer that does not close.
 */
import type { App, Receiver } from '@slack/bolt';
import { SocketModeClient } from '@slack/socket-mode';
import type { FetchFunction } from '@slack/web-api';
import { z } from 'zod';
import type { Logger } from '../../src/observability/logger.ts';
import { CredentialError, toOurError } from './client.ts';
import { Intake } from './intake.ts';
import { keepTrying } from './keep-trying.ts';
import { toSlackLogger } from './slack-logger.ts';
import { createTransport } from './transport.ts';

/** A polite peer closes at once when asked to; a dead one is not waited for. */
const CLOSE_WITHIN_MS = 500;

export interface SocketReceiverSettings {
  readonly appToken: string;
  readonly apiUrl: string;
  /** The first wait after a failed attempt; doubles up to `reconnectAtMostMs`. */
  readonly reconnectAfterMs: number;
  readonly reconnectAtMostMs: number;
  /** For one attempt: asking for an address, opening the socket, and Slack's hello on it. */
  readonly openWithinMs: number;
}

export class SocketReceiver implements Receiver {
  readonly #intake: Intake;
  readonly #transport: FetchFunction;
  #stopping = new AbortController();
  /** Whose socket Slack speaks on. */
  #client: EnvelopeClient | undefined;
  #connecting: Promise<void> | undefined;

  constructor(
    private readonly settings: SocketReceiverSettings,
    private readonly log: Logger,
  ) {
    this.#intake = new Intake(log);
    this.#transport = createTransport(settings.openWithinMs);
  }

  init(app: App): void {
    this.#intake.init(app);
  }

  /** Resolves once Slack has said hello; tries until then. Throws `CredentialError` when it never will. */
  async start(): Promise<void> {
    this.#stopping = new AbortController();
    await this.#connect({ insist: false });
  }

  /** Takes nothing more, resolves when what was taken is stored and acknowledged, and the socket is closed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#intake.drain();
    await this.#connecting?.catch(() => {}); // aborted: we are stopping
    // Read only now: an attempt may have succeeded in the last moment.
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }

  get connected(): boolean {
    return this.#client?.websocket?.isActive() ?? false;
  }

  #connect({ insist }: { insist: boolean }): Promise<void> {
    const { reconnectAfterMs: afterMs, reconnectAtMostMs: atMostMs } = this.settings;
    this.#connecting ??= keepTrying(
      () => this.#openSocket(),
      {
        afterMs,
        atMostMs,
        isFinal: (error) => !insist && error instanceof CredentialError,
        onFailure: (error, attempt) => this.log.warn({ error, attempt }, 'no socket to Slack; trying again'),
      },
      this.#stopping.signal,
    )
      .finally(() => {
        this.#connecting = undefined;
      })
      .then(() => {
        if (!this.connected) this.#reconnect(); // it closed again while nobody was listening for that
      });
    return this.#connecting;
  }

  #reconnect(): void {
    if (this.#stopping.signal.aborted || this.#connecting) return;
    this.log.info({}, 'the socket to Slack was closed; opening another');
    // A token that was good may be good again, so not even a refusal ends the trying.
    void this.#connect({ insist: true }).catch(() => {}); // aborted: we are stopping
  }

  async #openSocket(): Promise<void> {
    const attempt = new AbortController();
    const giveUp = () => attempt.abort(new Error('Slack did not say hello'));
    const timeout = setTimeout(giveUp, this.settings.openWithinMs);
    this.#stopping.signal.addEventListener('abort', giveUp, { once: true });
    const client = this.#createClient(attempt.signal);
    try {
      await client.start();
      attempt.signal.throwIfAborted();
      this.#client = client;
      client.on('disconnected', () => this.#reconnect());
      this.log.info({}, 'the socket to Slack is open');
    } catch (error) {
      attempt.signal.throwIfAborted();
      // The client gives no reason when the socket closes before Slack said hello.
      throw error === undefined
        ? new Error('Slack closed the socket before saying hello')
        : toOurError(error);
    } finally {
      clearTimeout(timeout);
      this.#stopping.signal.removeEventListener('abort', giveUp);
    }
  }

  /** @param signal gives the attempt up, wherever it is */
  #createClient(signal: AbortSignal): EnvelopeClient {
    const client: EnvelopeClient = new EnvelopeClient(
      {
        appToken: this.settings.appToken,
        // Ours to do: the client's own way back ends with an unhandled rejection when Slack is away.
        autoReconnectEnabled: false,
        logger: toSlackLogger(this.log),
        clientOptions: {
          slackApiUrl: this.settings.apiUrl,
          fetch: (url, init) => this.#transport(url, { ...init, signal }),
          rejectRateLimitedCalls: true,
          retryConfig: { retries: 0 },
        },
      },
      (envelope) => void this.#receive(envelope, client),
      this.log,
    );
    signal.addEventListener('abort', () => client.tearDown(), { once: true });
    // Said between the answer with the address and the opening of the socket: thrown there, it is not opened.
    client.once('connecting', () => signal.throwIfAborted());
    return client;
  }

  async #receive(envelope: Envelope, client: EnvelopeClient): Promise<void> {
    // Not acknowledged, so Slack delivers it to whoever comes next.
    if (this.#stopping.signal.aborted) return;
    const taken = await this.#intake.take(envelope.payload, {
      ...(envelope.retry_attempt ? { num: envelope.retry_attempt } : {}),
      ...(envelope.retry_reason ? { reason: envelope.retry_reason } : {}),
    });
    // A malformed one is acknowledged: it would be no better the next time.
    if (taken.kind === 'not-taken') return;
    await client
      .acknowledge(envelope.envelope_id, taken.kind === 'taken' ? taken.answer : undefined)
      .catch((error: unknown) => {
        this.log.warn(
          { error },
          'an envelope could not be acknowledged; Slack delivers it again, which changes nothing',
        );
      });
  }
}

/** What Slack wraps every payload in. */
const Envelope = z.object({
  envelope_id: z.string(),
  type: z.string(),
  payload: z.unknown().optional(),
  retry_attempt: z.number().nullish(),
  retry_reason: z.string().nullish(),
});
type Envelope = z.infer<typeof Envelope>;

/** The conversation about the connection itself, which is the client's business. */
const CONTROL: readonly unknown[] = ['hello', 'disconnect'];

/**
 * Slack's client with its reading of messages replaced: the original dereferences a payload unchecked, and lets the
 * payload choose which of the client's own events is emitted.
 */
class EnvelopeClient extends SocketModeClient {
  constructor(
    options: ConstructorParameters<typeof SocketModeClient>[0],
    private readonly deliver: (envelope: Envelope) => void,
    private readonly log: Logger,
  ) {
    super(options);
  }

  protected override async onWebSocketMessage(data: string | ArrayBuffer, isBinary: boolean): Promise<void> {
    const message = isBinary || typeof data !== 'string' ? undefined : parseJson(data);
    if (CONTROL.includes(typeOf(message))) return super.onWebSocketMessage(data, isBinary);

    const envelope = Envelope.safeParse(message);
    if (envelope.success) this.deliver(envelope.data);
    else
      this.log.warn(
        { bytes: sizeOf(data) },
        'a message on the socket to Slack could not be read and was dropped',
      );
  }

  async acknowledge(envelopeId: string, answer: unknown): Promise<void> {
    const socket = this.websocket;
    if (!socket?.isActive()) throw new Error('the socket to Slack is not open');
    const message = JSON.stringify({
      envelope_id: envelopeId,
      ...(answer === undefined || answer === '' ? {} : { payload: answer }),
    });
    await new Promise<void>((resolve, reject) => {
      socket.send(message, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Says goodbye, and waits a moment for the other side to agree. */
  async close(): Promise<void> {
    const force = setTimeout(() => this.tearDown(), CLOSE_WITHIN_MS);
    await this.disconnect();
    clearTimeout(force);
  }

  /** Ends the connection at once, in whatever state it is. */
  tearDown(): void {
    // Asked once, the socket begins to close; asked again, it no longer waits for the other side.
    this.websocket?.disconnect();
    this.websocket?.disconnect();
  }
}

function typeOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sizeOf(data: string | ArrayBuffer): number {
  return typeof data === 'string' ? data.length : data.byteLength;
}
