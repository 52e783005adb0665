/**
 * The one door for platforms and programs that call us: a plain HTTP listener that keeps the bytes of every body.
 *
 * Owns      the port, the routes, the largest body, and what is answered when nobody is responsible.
 * Not here  who may call (each gateway checks its platform's signature over the bytes), TLS (a proxy's work).
 *
 * Invariants
 *   1. A handler sees the body exactly as it was sent; nothing is parsed before its signature was checked.
 *   2. A body over the limit is refused while it arrives, without being kept.
 *   3. A handler that fails costs its caller a 500, never the process.
 *   4. A connection is handed on for an upgrade before anything is answered; whoever takes it owns it from then on.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../src/observability/logger.ts';

/** Well above any event of Slack or Jira, and small enough that a flood of them fits in memory. */
const MAX_BODY_BYTES = 1_024 * 1_024;

/** A caller that sends slower than this is not a platform. */
const REQUEST_TIMEOUT_MS = 10_000;

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'OPTIONS';

export interface WebhookRequest {
  readonly method: HttpMethod;
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** Aborts when the caller is gone before it was answered. */
  readonly signal: AbortSignal;
}

export interface WebhookResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body?: string;
}

/** Answers one request. What it throws becomes a 500 and a line in the log. */
export type WebhookHandler = (request: WebhookRequest) => Promise<WebhookResponse>;

export interface RouteOptions {
  /** Default: POST alone. */
  readonly methods?: readonly HttpMethod[];
  /** Largest body, in bytes. Default: 1 MiB. */
  readonly maxBodyBytes?: number;
}

/** Takes over the connection of a request that asks for another protocol. What it throws ends the connection. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Takes a request as it comes, reads its body and answers it by itself. What it throws becomes a 500. */
export type MountedHandler = (request: IncomingMessage, response: ServerResponse) => void;

interface Route {
  readonly handler: WebhookHandler;
  readonly methods: readonly HttpMethod[];
  readonly maxBodyBytes: number;
}

export interface WebhookListenerSettings {
  readonly host: string;
  /** 0 takes any free port; so does a port that is taken. */
  readonly port: number;
}

export class WebhookListener {
  readonly name = 'webhook-listener';
  readonly #routes = new Map<string, Route>();
  readonly #mounts = new Map<string, MountedHandler>();
  readonly #upgrades = new Map<string, UpgradeHandler>();
  /** Connections on which nothing has been asked yet: to the server they are as busy as those it answers. */
  readonly #unused = new Set<Duplex>();
  #server: Server | undefined;

  constructor(
    private readonly settings: WebhookListenerSettings,
    private readonly log: Logger,
  ) {}

  /** Resolves once the port is open. A gateway may add its route before or after. Safe to call twice. */
  async start(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      this.#unused.delete(request.socket);
      void this.#serve(request, response);
    });
    this.#server = server;
    server.on('connection', (socket) => {
      this.#unused.add(socket);
      socket.once('close', () => this.#unused.delete(socket));
    });
    this.#hearUpgrades();
    await this.#listen(server).catch((error: unknown) => {
      this.#server = undefined;
      throw error;
    });
    this.log.info({ url: this.url }, 'waiting for webhooks');
  }

  /** Takes no more requests, lets those being answered finish, and waits for nobody who has not asked. Safe to call twice. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      for (const socket of this.#unused) socket.destroy();
    });
  }

  /** Where the listener can be reached from this machine, without a slash at the end. */
  get url(): string {
    const address = this.#server?.address();
    if (!isBound(address)) throw new Error('the webhook listener has not been started');
    return urlOf(address.address, address.port);
  }

  /** Where it can be reached, or will be once it is started, if its port is free then. */
  get expectedUrl(): string {
    return isBound(this.#server?.address()) ? this.url : urlOf(this.settings.host, this.settings.port);
  }

  /** Sends requests for this path to `handler`. Returns what takes the route away again. */
  route(path: string, handler: WebhookHandler, options: RouteOptions = {}): () => void {
    const { methods = ['POST'], maxBodyBytes = MAX_BODY_BYTES } = options;
    if (this.#routes.has(path)) throw new Error(`two gateways want their webhooks at ${path}`);
    this.#routes.set(path, { handler, methods, maxBodyBytes });
    return () => this.#routes.delete(path);
  }

  /**
   * Hands every request below this path to `handler`, for what has more addresses than can be listed. Returns what
   * takes that away again.
   */
  mount(path: string, handler: MountedHandler): () => void {
    if (this.#mounts.has(path)) throw new Error(`two parts want their requests below ${path}`);
    this.#mounts.set(path, handler);
    return () => this.#mounts.delete(path);
  }

  /** Hands connections that ask for another protocol at this path to `handler`. Returns what takes that away again. */
  routeUpgrade(path: string, handler: UpgradeHandler): () => void {
    if (this.#upgrades.has(path)) throw new Error(`two gateways want their connections at ${path}`);
    this.#upgrades.set(path, handler);
    this.#hearUpgrades();
    return () => this.#upgrades.delete(path);
  }

  /** Only once somebody wants upgrades: until then a request that offers one is served as the plain one it is, too. */
  #hearUpgrades(): void {
    const server = this.#server;
    if (!server || this.#upgrades.size === 0 || server.listenerCount('upgrade') > 0) return;
    server.on('upgrade', (request, socket, head) => {
      this.#unused.delete(socket);
      this.#upgrade(request, socket, head);
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const handler = this.#upgrades.get(pathOf(request));
    if (!handler) {
      refuseUpgrade(socket, '503 Service Unavailable');
      return;
    }
    try {
      handler(request, socket, head);
    } catch (error) {
      this.log.error({ error }, 'a connection could not be taken');
      socket.destroy();
    }
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
    const path = pathOf(request);
    const route = this.#routes.get(path);
    const mounted = route ? undefined : this.#mountedAt(path);
    if (mounted) return this.#handOn(mounted, request, response);
    // 503, not 404: while a gateway starts or stops, its platform is to come again.
    if (!route) return this.#refuse(request, response, 503);
    const method = route.methods.find((each) => each === request.method);
    if (!method) return this.#refuse(request, response, 405);

    const body = await readBody(request, route.maxBodyBytes);
    if (body === 'aborted') return;
    if (body === 'too-large') {
      this.log.warn({ path, limit: route.maxBodyBytes }, 'a webhook was refused for its size');
      return this.#refuse(request, response, 413);
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const answered = await this.#handle(route.handler, {
      method,
      headers: request.headers,
      query: queryOf(request),
      body,
      signal: gone.signal,
    });
    // A connection kept open for more would hold up the stop.
    if (!this.#server) response.setHeader('connection', 'close');
    answer(response, answered);
  }

  #mountedAt(path: string): MountedHandler | undefined {
    for (const [below, handler] of this.#mounts) {
      if (path === below || path.startsWith(`${below}/`)) return handler;
    }
    return undefined;
  }

  #handOn(handler: MountedHandler, request: IncomingMessage, response: ServerResponse): void {
    try {
      handler(request, response);
    } catch (error) {
      this.log.error({ error }, 'a request could not be handled');
      if (!response.headersSent) answer(response, { status: 500 });
    }
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

/**
 * Turns a connection away that asked for another protocol, and lets go of it: the other side may keep its half open.
 *
 * @param status as in `401 Unauthorized`
 */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function answer(
  response: ServerResponse,
  { status, headers, contentType, body = '' }: WebhookResponse,
): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    ...(contentType === undefined
      ? {}
      : { 'content-type': contentType, 'x-content-type-options': 'nosniff' }),
  });
  response.end(body);
}

async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | 'too-large' | 'aborted'> {
  if (Number(request.headers['content-length']) > maxBytes) return 'too-large';
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) resolve('too-large');
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', () => resolve('aborted'));
    request.on('close', () => resolve('aborted'));
  });
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const mark = url.indexOf('?');
  return mark === -1 ? url : url.slice(0, mark);
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const mark = url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
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
