/** The web gateway with real clients: `fetch` and `ws`, the log in a real Redis, and a core that only writes down. */
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { z } from 'zod';
import { WebSettings } from '../../gateways/web/config.ts';
import { type WebDeps, WebGateway } from '../../gateways/web/gateway.ts';
import { WebhookListener } from '../../gateways/webhook-listener.ts';
import { RedisClientLog } from '../../src/delivery/client-log.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import type { ClientLog, Lookup } from '../../src/domain/gateway.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import type { Inbound, OutboundMessage, Receipt, Sent } from '../../src/domain/message.ts';
import { openStore } from './core.ts';
import { type TestRedis, testRedis } from './redis.ts';
import { collectingLogger, type LogLine } from './slack-gateway.ts';

export const TOKEN = 'token-of-shop-0123456789abcdef0123456789';
export const OTHER_TOKEN = 'token-of-ops-0123456789abcdef01234567890';
export const PAGE = 'https://page.example.com';

export interface WebFixtureOptions {
  readonly timing?: WebDeps['timing'];
  readonly clock?: Clock;
  readonly settings?: z.input<typeof WebSettings>;
  /** Default: one of its own. Two fixtures with one are two processes. */
  readonly redis?: TestRedis;
  readonly clientLog?: (real: ClientLog) => ClientLog;
  readonly lookup?: Lookup;
  /** Default true. */
  readonly started?: boolean;
}

export interface WebFixture {
  readonly gateway: WebGateway;
  readonly listener: WebhookListener;
  readonly redis: TestRedis;
  readonly lines: LogLine[];
  /** Everything handed to the core, oldest first. */
  readonly received: Inbound[];
  readonly url: string;
  /** What the core does with what it is handed from now on. */
  onReceive(receive: (inbound: Inbound) => Promise<Receipt>): void;
  /** A request as a client makes it; a body that is no text is sent as JSON. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** A socket that is open. */
  connect(options?: ConnectOptions): Promise<TestSocket>;
  start(): Promise<void>;
  /** A gateway with other settings before the same log; not started. */
  another(settings: z.input<typeof WebSettings>): WebGateway;
  send(message: Pick<OutboundMessage, 'body'> & Partial<OutboundMessage>): Promise<Sent>;
}

export interface CallOptions {
  /** `null`: none. */
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks where it knows something is
  readonly body: any;
}

export interface ConnectOptions {
  /** `null`: none. */
  readonly token?: string | null;
  readonly protocols?: string[];
  readonly origin?: string;
}

export async function openWeb(options: WebFixtureOptions = {}): Promise<WebFixture> {
  const redis = options.redis ?? testRedis();
  const store = await openStore(redis);
  const real = new RedisClientLog(store.redis, store.keys);
  await real.start();
  const lines: LogLine[] = [];
  const log = collectingLogger(lines);
  const listener = new WebhookListener({ host: '127.0.0.1', port: 0 }, log);
  await listener.start();
  const settings = WebSettings.parse({
    allowed_origins: [PAGE],
    clients: { shop: { token: TOKEN }, ops: { token: OTHER_TOKEN }, idle: {} },
    ...options.settings,
  });
  const { clock = systemClock, timing = {} } = options;
  const clientLog = options.clientLog?.(real) ?? real;
  const deps = { listener, clientLog, clock, log, timing };
  const gateway = new WebGateway(settings, deps);

  const received: Inbound[] = [];
  let core = async (_: Inbound): Promise<Receipt> => ({ kind: 'stored' });
  const receive = async (inbound: Inbound): Promise<Receipt> => {
    received.push(inbound);
    return core(inbound);
  };
  const start = () => gateway.start(receive, options.lookup ?? { approvalsFor: async () => [] });
  if (options.started !== false) await start();
  onTestFinished(async () => {
    await gateway.stop();
    await listener.stop();
    await real.stop();
  });

  const url = `${listener.url}${settings.path}`;
  let sent = 0;
  return {
    gateway,
    listener,
    redis,
    lines,
    received,
    start,
    url,
    onReceive: (next) => {
      core = next;
    },
    call: async (method, path, body, { token = TOKEN, headers, signal } = {}) => {
      const response = await fetch(`${url}/${path}`, {
        method,
        headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === '' ? '' : JSON.parse(text),
      };
    },
    connect: (connect) => TestSocket.open(url, connect),
    another: (other) => new WebGateway(WebSettings.parse(other), deps),
    send: (message) =>
      gateway.send({
        id: `out-${++sent}`,
        conversationId: ConversationId.parse('web:shop:c1'),
        to: { platform: gateway.platform, route: { client: 'shop', conversation: 'c1' } },
        attempt: 1,
        ...message,
      }),
  };
}

export interface ServerFrame {
  readonly type: string;
  readonly id?: string;
  readonly position?: number;
  readonly [field: string]: unknown;
}

/** A client that keeps every frame until somebody asks for it. */
export class TestSocket {
  readonly frames: ServerFrame[] = [];
  readonly closed: Promise<number>;
  #taken = 0;
  #arrived: (() => void) | undefined;

  private constructor(readonly socket: WebSocket) {
    this.closed = once(socket, 'close').then(([code]) => Number(code));
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)));
      this.#arrived?.();
    });
  }

  static async open(
    url: string,
    { token = TOKEN, protocols = [], origin }: ConnectOptions = {},
  ): Promise<TestSocket> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket`, protocols, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(origin === undefined ? {} : { origin }),
    });
    const opened = new TestSocket(socket);
    await once(socket, 'open');
    onTestFinished(() => socket.terminate());
    return opened;
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The next frame nobody has asked for yet. */
  async next(): Promise<ServerFrame> {
    while (this.frames.length <= this.#taken) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.frames[this.#taken++]!;
  }

  async take(count: number): Promise<ServerFrame[]> {
    const taken = [];
    for (let n = 0; n < count; n++) taken.push(await this.next());
    return taken;
  }

  async ask(frame: object): Promise<ServerFrame> {
    this.say(frame);
    return this.next();
  }
}
