/**
 * The one door for platforms that call us: a plain HTTP listener that keeps the bytes of every body.
 *
 * Owns      the port, the routes, the largest body, and what is answered when nobody is responsible.
 * Not here  who may call (each gateway checks its platform's signature over the bytes), TLS (a proxy's work).
 *
 * Invariants
 *   1. A handler sees the body exactly as it was sent; nothing is parsed before its signature was checked.
 *   2. A body over the limit is refused while it arrives, without being kept.
 *   3. A handler that fails costs its caller a 500, never the process.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../src/observability/logger.ts';

/** Well above any event of Slack or Jira, and small enough that a flood of them fits in memory. */
const MAX_BODY_BYTES = 1_024 * 1_024;

/** A caller that sends slower than this is not a platform. */
const REQUEST_TIMEOUT_MS = 10_000;

export interface WebhookRequest {
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

export interface WebhookResponse {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string;
}

/** Answers one request. What it throws becomes a 500 and a line in the log. */
export type WebhookHandler = (request: WebhookRequest) => Promise<WebhookResponse>;

export interface WebhookListenerSettings {
  readonly host: string;
  /** 0 takes any free port; so does a port that is taken. */
  readonly port: number;
}

export class WebhookListener {
  readonly name = 'webhook-listener';
  readonly #routes = new Map<string, WebhookHandler>();
  #server: Server | undefined;

  constructor(
    private readonly settings: WebhookListenerSettings,
    private readonly log: Logger,
  ) {}

  /** Resolves once the port is open. A gateway may add its route before or after. Safe to call twice. */
  async start(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server = server;
    await this.#listen(server).catch((error: unknown) => {
      this.#server = undefined;
      throw error;
    });
    this.log.info({ url: this.url }, 'waiting for webhooks');
  }

  /** Takes no more requests, lets those being answered finish. Safe to call twice. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  }

  /** Where the listener can be reached from this machine, without a slash at the end. */
  get url(): string {
    const address = this.#server?.address();
    if (!isBound(address)) throw new Error('the webhook listener has not been started');
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}`;
  }

  /** Sends POST requests for this path to `handler`. Returns what takes the route away again. */
  route(path: string, handler: WebhookHandler): () => void {
    if (this.#routes.has(path)) throw new Error(`two gateways want their webhooks at ${path}`);
    this.#routes.set(path, handler);
    return () => this.#routes.delete(path);
  }

  async #listen(server: Server): Promise<void> {
    const { host, port } = this.settings;
    try {
      await listening(server, port, host);
    } catch (error) {
      if (!isAddressInUse(error) || port === 0) throw error;
      await listening(server, 0, host);
      this.log.warn({ port, url: this.url }, 'the webhook port is taken; listening on a free one instead');
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    const handler = this.#routes.get(mark === -1 ? target : target.slice(0, mark));
    // 503, not 404: while a gateway starts or stops, its platform is to come again.
    if (!handler) return this.#refuse(request, response, 503);
    if (request.method !== 'POST') return this.#refuse(request, response, 405);

    const body = await readBody(request);
    if (body === 'aborted') return;
    if (body === 'too-large') {
      this.log.warn({ path: target, limit: MAX_BODY_BYTES }, 'a webhook was refused for its size');
      return this.#refuse(request, response, 413);
    }
    answer(
      response,
      await this.#handle(handler, { headers: request.headers, query: queryOf(target, mark), body }),
    );
  }

  async #handle(handler: WebhookHandler, request: WebhookRequest): Promise<WebhookResponse> {
    try {
      return await handler(request);
    } catch (error) {
      this.log.error({ error }, 'a webhook could not be handled');
      return { status: 500 };
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
    // The rest of the body is not worth reading; without this the connection would wait for it.
    if (!request.complete) response.setHeader('connection', 'close');
    answer(response, { status });
    request.resume();
  }
}

function answer(response: ServerResponse, { status, contentType, body = '' }: WebhookResponse): void {
  if (response.destroyed) return;
  const length = Buffer.byteLength(body);
  response.writeHead(
    status,
    contentType === undefined
      ? { 'content-length': length }
      : { 'content-length': length, 'content-type': contentType, 'x-content-type-options': 'nosniff' },
  );
  response.end(body);
}

async function readBody(request: IncomingMessage): Promise<Buffer | 'too-large' | 'aborted'> {
  if (Number(request.headers['content-length']) > MAX_BODY_BYTES) return 'too-large';
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) resolve('too-large');
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', () => resolve('aborted'));
    request.on('close', () => resolve('aborted'));
  });
}

function queryOf(target: string, mark: number): URLSearchParams {
  return new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1));
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isBound(address: AddressInfo | string | null | undefined): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
