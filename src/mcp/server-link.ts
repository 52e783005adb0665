/**
 * The connection to one MCP server, kept up for as long as the gateway runs.
 *
 *   connecting ──▶ up ──ends──▶ waiting ──▶ connecting …        the wait grows up to a cap, and is short again once it
 *       └───fails────────────────▲                              has been up for a while
 *
 * Nobody waits for a server: while it is not up, a call is answered at once.
 *
 * Invariants
 *   1. What came of a call is told as far as it is known: not sent, answered, or sent and nobody can tell.
 *   2. The server is given nothing but calls: it can ask neither the model nor a person for anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type CallToolResult,
  CallToolResultSchema,
  ErrorCode,
  McpError,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import pRetry from 'p-retry';
import type { Logger } from '../observability/logger.ts';
import { networkTrouble } from '../observability/network-trouble.ts';
import { MAX_TOOLS } from './pins.ts';
import type { ReadDefinition } from './tool-definition.ts';
import { readTools } from './tool-list.ts';

export interface LinkTimings {
  /** Wait after the first failure, in ms; twice as long after each further one. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** A connection that held so long was a good one. */
  readonly steadyMs: number;
  /** For connecting, and for each page of the list of tools. */
  readonly answerMs: number;
  /** Time between two looks at the tools of a server that says nothing by itself. */
  readonly lookAgainMs: number;
  /** Shortest time between two looks, however often the server says that something changed. */
  readonly restMs: number;
}

export const LINK_TIMINGS: LinkTimings = {
  firstWaitMs: 1_000,
  longestWaitMs: 60_000,
  steadyMs: 30_000,
  answerMs: 20_000,
  lookAgainMs: 60_000,
  restMs: 1_000,
};

export type CallOutcome =
  | { readonly kind: 'answered'; readonly result: CallToolResult }
  /** Nothing was done; `why` is a sentence. */
  | { readonly kind: 'not-done'; readonly why: string };

export interface LinkOptions {
  readonly server: string;
  /** Made anew for each connection. @throws when there is nothing to connect to */
  readonly transport: () => Transport;
  /** Hears which tools the server has, whenever it was asked. Never rejects. */
  readonly onTools: (read: readonly ReadDefinition[]) => Promise<void>;
  /** Hears why it does not run, after each try: the end of a sentence. Never rejects. */
  readonly onDown: (why: string) => Promise<void>;
  readonly log: Logger;
  readonly timings?: LinkTimings;
}

/** What servers are told of us. */
export const CLIENT = { name: 'signalbox', version: '1.0.0' };

export class ServerLink {
  readonly #timings: LinkTimings;
  #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #client: Client | undefined;
  #isTold = false;

  constructor(private readonly options: LinkOptions) {
    this.#timings = options.timings ?? LINK_TIMINGS;
  }

  get isUp(): boolean {
    return this.#client !== undefined;
  }

  /** Begins to connect; waits for nothing. */
  start(): void {
    if (this.#running) return;
    this.#stopping = new AbortController();
    this.#running = this.#keepUp(this.#stopping.signal);
  }

  /** Resolves once nothing of it runs any more. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the gateway stops'));
    await this.#running;
    this.#running = undefined;
  }

  /**
   * Calls a tool, once.
   *
   * @throws when it was sent, or may have been, and nobody can tell what came of it
   */
  async call(
    params: { readonly name: string; readonly arguments: Record<string, unknown>; readonly key: string },
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<CallOutcome> {
    const { server } = this.options;
    const client = this.#client;
    if (!client) {
      const why = `The MCP server ${server} does not answer at the moment; it is tried again by itself. The call was not made.`;
      return { kind: 'not-done', why };
    }
    try {
      const { name, arguments: args, key } = params;
      const result = await client.request(
        { method: 'tools/call', params: { name, arguments: args, _meta: { idempotencyKey: key } } },
        CallToolResultSchema,
        // One of its own: the SDK goes on listening to it.
        { signal: AbortSignal.any([signal]), timeout: timeoutMs, maxTotalTimeout: timeoutMs },
      );
      return { kind: 'answered', result };
    } catch (error) {
      signal.throwIfAborted();
      // Over HTTP it is by a call that it is noticed that a server has gone.
      if (!(error instanceof McpError)) void client.close();
      const why = refusalIn(error);
      if (why === undefined)
        throw new Error(`${server} was asked, and ${problemOf(error)}`, { cause: error });
      return { kind: 'not-done', why: `The MCP server ${server} did not make the call: ${why}.` };
    }
  }

  async #keepUp(signal: AbortSignal): Promise<void> {
    const { firstWaitMs, longestWaitMs } = this.#timings;
    while (!signal.aborted) {
      await pRetry(() => this.#connection(signal), {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: firstWaitMs,
        maxTimeout: longestWaitMs,
        signal,
        unref: true,
        onFailedAttempt: ({ error }) => this.#tellDown(error),
      }).catch(() => undefined); // we are stopping: nothing else ends it
    }
  }

  /** From connecting until it ends. @throws unless it held for a while, so that the next one waits */
  async #connection(signal: AbortSignal): Promise<void> {
    const { server, log } = this.options;
    const { answerMs, steadyMs } = this.#timings;
    const client = new Client(CLIENT, { capabilities: {} });
    const over = new AbortController();
    client.onclose = () => over.abort();
    client.onerror = (error) => log.debug({ err: error, server }, 'an MCP server did something unexpected');
    // Not by the SDK's own way: it would listen to this signal for good, once more with each connection.
    const end = () => void client.close();
    signal.addEventListener('abort', end, { once: true });
    let upSinceMs = Number.POSITIVE_INFINITY;
    try {
      await client.connect(this.options.transport(), { timeout: answerMs });
      const changes = new Changes();
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => changes.note());
      await this.#look(client);
      this.#client = client;
      this.#isTold = false;
      upSinceMs = performance.now();
      log.info({ server, ...client.getServerVersion() }, 'an MCP server is up');
      await this.#watch(client, changes, over.signal);
    } catch (error) {
      // Whatever it was, it is tried again: p-retry gives up on some kinds of errors.
      throw new Error(problemOf(error), { cause: error });
    } finally {
      this.#client = undefined;
      signal.removeEventListener('abort', end);
      await client.close().catch(() => undefined);
    }
    if (signal.aborted) return;
    if (performance.now() - upSinceMs < steadyMs) throw new Error('it ended soon after it had begun');
    log.warn({ server }, 'an MCP server ended; it is tried again');
  }

  /** Looks at its tools again and again, until the connection ends. @throws when it does not answer */
  async #watch(client: Client, changes: Changes, over: AbortSignal): Promise<void> {
    const { lookAgainMs, restMs } = this.#timings;
    while (!over.aborted) {
      await changes.next(lookAgainMs, over);
      if (over.aborted) return;
      await this.#look(client);
      await sleep(restMs, undefined, { signal: over, ref: false }).catch(() => undefined); // it ended
    }
  }

  async #look(client: Client): Promise<void> {
    const { read, isCut } = await readTools(client, this.#timings.answerMs);
    if (isCut) {
      const { server, log } = this.options;
      log.warn({ server, read: MAX_TOOLS }, 'an MCP server has more tools than are read');
    }
    await this.options.onTools(read);
  }

  /** In the log once for each outage. */
  async #tellDown(error: Error): Promise<void> {
    if (this.#stopping.signal.aborted) return; // it ended because we do
    const { server, log } = this.options;
    const facts = { server, reason: error.message };
    if (this.#isTold) log.debug(facts, 'an MCP server still does not run');
    else log.warn(facts, 'an MCP server does not run; its tools answer so until it does');
    this.#isTold = true;
    await this.options.onDown(error.message);
  }
}

/** Whether the server said that its tools changed; several times at once are one. */
class Changes {
  #noted = new AbortController();

  note(): void {
    this.#noted.abort();
  }

  /** Resolves when it has, after `mostMs`, or when it is over. */
  async next(mostMs: number, over: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.#noted.signal, over]);
    await sleep(mostMs, undefined, { signal, ref: false }).catch(() => undefined); // that is what was waited for
    this.#noted = new AbortController();
  }
}

/** By the JSON-RPC specification and MCP's: refused before anything was done. */
const REFUSALS: ReadonlySet<number> = new Set([
  ErrorCode.InvalidRequest,
  ErrorCode.MethodNotFound,
  ErrorCode.InvalidParams,
  ErrorCode.ParseError,
]);

/** The end of a sentence, if nothing was done for certain. */
function refusalIn(error: unknown): string | undefined {
  if (error instanceof McpError) return REFUSALS.has(error.code) ? problemOf(error) : undefined;
  if (error instanceof StreamableHTTPError) {
    const { code = 0 } = error;
    return code >= 400 && code < 500 ? `it answered ${code}` : undefined;
  }
  const trouble = networkTrouble(error);
  return trouble && NEVER_SENT.has(trouble.code) ? trouble.detail : undefined;
}

/** Failures that happen before a single byte of the request has left. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The end of a sentence: what went wrong. */
export function problemOf(error: unknown): string {
  if (error instanceof McpError && error.code === ErrorCode.RequestTimeout)
    return 'it did not answer in time';
  if (error instanceof McpError && error.code === ErrorCode.ConnectionClosed)
    return 'it ended before it answered';
  const trouble = networkTrouble(error);
  if (trouble) return trouble.detail;
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, 300);
}
