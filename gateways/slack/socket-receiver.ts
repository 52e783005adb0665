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
 */
import type { App, Receiver } from '@slack/bolt';
import { SocketModeClient } from '@slack/socket-mode';
import pRetry from 'p-retry';
import { z } from 'zod';
import type { Logger } from '../../src/observability/logger.ts';
import { CredentialError, toOurError } from './client.ts';
import { Intake } from './intake.ts';
import { toSlackLogger } from './slack-logger.ts';

/** Slack says hello right after the socket opened; without it the connection is no good. */
const HELLO_WITHIN_MS = 10_000;

/** An address for a socket is one small call. */
const CALL_TIMEOUT_MS = 10_000;

/** A polite peer closes at once when asked to; a dead one is not waited for. */
const CLOSE_WITHIN_MS = 1_000;

export interface SocketReceiverSettings {
  readonly appToken: string;
  readonly apiUrl: string;
  /** The first wait after a failed attempt; doubles up to `reconnectAtMostMs`. */
  readonly reconnectAfterMs: number;
  readonly reconnectAtMostMs: number;
}

export class SocketReceiver implements Receiver {
  readonly #intake: Intake;
  #stopping = new AbortController();
  #client: EnvelopeClient | undefined;
  #connecting: Promise<void> | undefined;

  constructor(
    private readonly settings: SocketReceiverSettings,
    private readonly log: Logger,
  ) {
    this.#intake = new Intake(log);
  }

  init(app: App): void {
    this.#intake.init(app);
  }

  /** Resolves once Slack has said hello; tries until then. Throws `CredentialError` when it never will. */
  async start(): Promise<void> {
    this.#stopping = new AbortController();
    const client = this.#createClient();
    this.#client = client;
    client.on('disconnected', () => this.#reconnect());
    await this.#connect({ insist: false });
  }

  /** Takes nothing more, resolves when what was taken is stored and acknowledged, and the socket is closed. */
  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#stopping.abort();
    await this.#intake.drain();
    await this.#connecting?.catch(() => {}); // aborted: we are stopping
    if (client) await close(client);
  }

  get connected(): boolean {
    return this.#client?.websocket?.isActive() ?? false;
  }

  #createClient(): EnvelopeClient {
    return new EnvelopeClient(
      {
        appToken: this.settings.appToken,
        // Ours to do: the client's own way back ends with an unhandled rejection when Slack is away.
        autoReconnectEnabled: false,
        logger: toSlackLogger(this.log),
        clientOptions: {
          slackApiUrl: this.settings.apiUrl,
          timeout: CALL_TIMEOUT_MS,
          rejectRateLimitedCalls: true,
          retryConfig: { retries: 0 },
        },
      },
      (envelope) => void this.#receive(envelope),
      this.log,
    );
  }

  async #receive(envelope: Envelope): Promise<void> {
    const client = this.#client;
    if (!client) return; // stopping: not acknowledged, so Slack delivers it to whoever comes next
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

  #reconnect(): void {
    if (this.#stopping.signal.aborted || this.#connecting) return;
    this.log.info({}, 'the socket to Slack was closed; opening another');
    // A token that was good may be good again, so not even a refusal ends the trying.
    void this.#connect({ insist: true }).catch(() => {}); // aborted: we are stopping
  }

  #connect({ insist }: { insist: boolean }): Promise<void> {
    const { reconnectAfterMs, reconnectAtMostMs } = this.settings;
    this.#connecting ??= pRetry(() => this.#openSocket(), {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: reconnectAfterMs,
      maxTimeout: reconnectAtMostMs,
      randomize: true,
      signal: this.#stopping.signal,
      shouldRetry: ({ error }) => insist || !(error instanceof CredentialError),
      onFailedAttempt: ({ error, attemptNumber }) => {
        this.log.warn({ error, attempt: attemptNumber }, 'no socket to Slack; trying again');
      },
    })
      .finally(() => {
        this.#connecting = undefined;
      })
      .then(() => {
        if (!this.connected) this.#reconnect(); // it closed again while nobody was listening for that
      });
    return this.#connecting;
  }

  async #openSocket(): Promise<void> {
    const client = this.#client;
    if (!client) throw new Error('the receiver was stopped');
    const timeout = setTimeout(() => client.websocket?.disconnect(), HELLO_WITHIN_MS);
    try {
      await client.start();
      this.log.info({}, 'the socket to Slack is open');
    } catch (error) {
      // The client gives no reason when the socket closes before Slack said hello.
      throw error === undefined
        ? new Error('Slack closed the socket before saying hello')
        : toOurError(error);
    } finally {
      clearTimeout(timeout);
    }
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
}

async function close(client: EnvelopeClient): Promise<void> {
  // Asked a second time, the socket is torn down without waiting for the other side.
  const force = setTimeout(() => client.websocket?.disconnect(), CLOSE_WITHIN_MS);
  await client.disconnect();
  clearTimeout(force);
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
