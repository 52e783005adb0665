/** The API for tests: a story in which a program asks, and what it calls over the wire. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { z } from 'zod';
import { ApiClient, type ApiScope } from '../../src/config/api.ts';
import { Platform } from '../../src/domain/ids.ts';
import { Story, type StoryConfig, type StoryOptions, withPerson } from './story.ts';

export const TOKEN = 'shop-key-0123456789abcdef0123456789abcdef';
export const INBOX_TOKEN = 'inbox-key-0123456789abcdef0123456789abcde';
export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export const ALL_SCOPES: ApiScope[] = [
  'approvals:create',
  'approvals:read',
  'approvals:answer',
  'approvals:cancel',
  'approvals:execute',
];

export type ClientWish = z.input<typeof ApiClient>;

/** The shop asks managers; the inbox records what Dana and Alex say, about everything there is. */
export function aClient(wish: Partial<ClientWish> = {}): ApiClient {
  return ApiClient.parse({
    requests_per_minute: 100_000,
    keys: { main: { token: TOKEN, scopes: ALL_SCOPES } },
    asks: [{ role: 'manager' }],
    asks_for: ['alex'],
    ...wish,
  });
}

export function anInbox(wish: Partial<ClientWish> = {}): ApiClient {
  return aClient({
    keys: { main: { token: INBOX_TOKEN, scopes: ['approvals:read', 'approvals:answer'] } },
    asks: [],
    asks_for: [],
    answers_for: ['dana', 'alex'],
    sees: 'all',
    ...wish,
  });
}

/** With Dana asked in Slack. */
export async function beginApiStory(
  clients: Readonly<Record<string, ApiClient>>,
  options: StoryOptions = {},
): Promise<Story> {
  return Story.begin({
    ...options,
    config: (shipped) => {
      const config = options.config?.(shipped) ?? shipped;
      return withClients(withPerson(config, 'dana', { prefers: [Platform.parse('slack')] }), clients);
    },
  });
}

export function withClients(config: StoryConfig, clients: Readonly<Record<string, ApiClient>>): StoryConfig {
  const { settings } = config;
  return { ...config, settings: { ...settings, api: { ...settings.api, clients: { ...clients } } } };
}

/** What tests read of an answer; everything else they look at by `toMatchObject`. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the API says; tests say what they expect of it
  readonly body: any;
}

export interface CallOptions {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
}

export async function call(
  story: Story,
  method: string,
  path: string,
  body?: unknown,
  { token = TOKEN, headers = {}, raw, signal }: CallOptions = {},
): Promise<ApiAnswer> {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${story.app.listener.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal ? { signal } : {}),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** A refund of the shop that a manager decides. */
export function aRequest(wish: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    idempotencyKey: 'order-7',
    tool: 'refund_order',
    args: { order: 7, amount: 120, currency: 'EUR' },
    risk: 'high',
    approvers: { role: 'manager' },
    ...wish,
  };
}

export interface Hook {
  readonly id: string;
  readonly body: { readonly type: string; readonly data: Record<string, unknown> };
  readonly raw: string;
  readonly headers: Record<string, string>;
  /** As the library judges that clients use. */
  readonly genuine: boolean;
}

/** What a client finds out with the library it would use. */
export function isGenuine(raw: string, headers: Record<string, string>, secret = SECRET): boolean {
  try {
    new Webhook(secret).verify(raw, headers);
    return true;
  } catch {
    return false;
  }
}

/** Where a client hears of what it asked. */
export class HookReceiver {
  /** Every delivery, those that were refused among them. */
  readonly heard: Hook[] = [];
  /** What is answered next, before it answers 204 again. */
  readonly answers: number[] = [];
  /** Requests that went where a redirect leads. */
  strayed = 0;
  readonly #server: Server;
  #waiting: (() => void)[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/elsewhere') {
          this.strayed++;
          response.writeHead(204).end();
          return;
        }
        const raw = Buffer.concat(chunks).toString();
        // Node joins repeated headers; ours come once.
        const headers = request.headers as Record<string, string>;
        // What it claims to be; `genuine` says whether it is.
        const body = JSON.parse(raw) as Hook['body'];
        this.heard.push({
          id: headers['webhook-id'] ?? '',
          body,
          raw,
          headers,
          genuine: isGenuine(raw, headers),
        });
        response.writeHead(this.answers.shift() ?? 204, { location: '/elsewhere' }).end();
        for (const look of this.#waiting.splice(0)) look();
      });
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async until(count: number): Promise<Hook[]> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.heard;
  }
}
