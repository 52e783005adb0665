/**
 * The web gateway over plain HTTP: one address for each verb, JSON in and out.
 *
 * Invariants
 *   1. Nothing is read from a request before its token was found genuine.
 *   2. Nothing is handed on once the gateway stops, even if the request had begun before.
 *   3. 2xx means stored; 503 asks to send the same again; 4xx is for what can never be taken, and says why.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Logger } from '../../src/observability/logger.ts';
import type {
  HttpMethod,
  WebhookHandler,
  WebhookListener,
  WebhookRequest,
  WebhookResponse,
} from '../webhook-listener.ts';
import { clientOf, isAllowedOrigin, tokenIn } from './access.ts';
import type { WebSettings } from './config.ts';
import type { ClientDesk, Outcome } from './desk.ts';
import { AnswerRequest, EventsQuery, FormRequest, MessageRequest } from './schema.ts';

/** A few files of `MAX_INLINE_BYTES`, in base64. */
export const MAX_REQUEST_BYTES = 4 * 1_024 * 1_024;
/** Requests for events that one client may have waiting; each holds a connection. */
const MAX_WAITING = 16;
/** How long a browser remembers that a page may call. */
const PREFLIGHT_S = 600;

export interface HttpDoorDeps {
  readonly settings: WebSettings;
  readonly listener: WebhookListener;
  readonly desk: ClientDesk;
  readonly log: Logger;
  /** Aborts when no more is taken in: whoever waits for events is answered. */
  readonly stopping: AbortSignal;
}

type Serve = (client: string, request: WebhookRequest) => Promise<WebhookResponse>;

export class HttpDoor {
  readonly #waiting = new Map<string, number>();
  #unroute: (() => void)[] = [];

  constructor(private readonly deps: HttpDoorDeps) {}

  open(): void {
    const { listener, settings } = this.deps;
    const route = (method: HttpMethod, name: string, serve: Serve) =>
      listener.route(`${settings.path}/${name}`, this.#guarded(method, serve), {
        methods: [method, 'OPTIONS'],
        maxBodyBytes: MAX_REQUEST_BYTES,
      });
    this.#unroute = [
      route('POST', 'messages', (client, request) => this.#message(client, request)),
      route('POST', 'answers', (client, request) => this.#answer(client, request)),
      route('POST', 'forms', (client, request) => this.#form(client, request)),
      route('GET', 'events', (client, request) => this.#events(client, request)),
      route('GET', 'approvals', async (client) => json(200, await this.deps.desk.approvals(client))),
    ];
  }

  close(): void {
    for (const unroute of this.#unroute.splice(0)) unroute();
  }

  /** Lets in who may come in, and turns a failure into a request to come again. */
  #guarded(method: HttpMethod, serve: Serve): WebhookHandler {
    return async (request) => {
      const { settings, log } = this.deps;
      const { origin } = request.headers;
      if (!isAllowedOrigin(origin, settings)) {
        log.warn({ origin }, 'a request from a web page that is not allowed was refused');
        return refusal(
          403,
          'origin-not-allowed',
          `pages of ${origin} may not call; add it to gateways.web.allowed_origins`,
        );
      }
      const cors = origin === undefined ? {} : corsHeaders(origin, method);
      if (request.method === 'OPTIONS') return { status: 204, headers: cors };
      const client = clientOf(tokenIn(request.headers), settings);
      const answer =
        client === undefined ? this.#unauthorized() : await this.#attempt(client, request, serve);
      return { ...answer, headers: { ...answer.headers, ...cors } };
    };
  }

  #unauthorized(): WebhookResponse {
    this.deps.log.warn({}, 'a request without a valid token was refused');
    const refused = refusal(
      401,
      'unauthorized',
      'send the header "Authorization: Bearer <token>" with the token of a client of gateways.web.clients',
    );
    return { ...refused, headers: { 'www-authenticate': 'Bearer' } };
  }

  async #attempt(client: string, request: WebhookRequest, serve: Serve): Promise<WebhookResponse> {
    if (this.deps.stopping.aborted) return comeAgain('the gateway stops');
    try {
      return await serve(client, request);
    } catch (error) {
      return this.#notTaken(client, error);
    }
  }

  /** It may be stored all the same: only under the same id does it count once. */
  #notTaken(client: string, error: unknown, id?: string): WebhookResponse {
    this.deps.log.error(
      { err: error, client },
      'a request was not taken; the client is asked to send it again',
    );
    return comeAgain('nobody can tell whether this was stored', id);
  }

  async #message(client: string, { body }: WebhookRequest): Promise<WebhookResponse> {
    const read = this.#read(client, MessageRequest, parseJson(body));
    if ('refused' in read) return read.refused;
    // A message without an id cannot be told from its repetition, so it has one before anything can go wrong.
    const id = read.data.id ?? randomUUID();
    try {
      const outcome = await this.deps.desk.message(client, { ...read.data, id });
      return json(statusOf(outcome), outcome);
    } catch (error) {
      return this.#notTaken(client, error, id);
    }
  }

  async #answer(client: string, { body }: WebhookRequest): Promise<WebhookResponse> {
    const read = this.#read(client, AnswerRequest, parseJson(body));
    if ('refused' in read) return read.refused;
    const outcome = await this.deps.desk.answer(client, read.data);
    return json(statusOf(outcome), outcome);
  }

  async #form(client: string, { body }: WebhookRequest): Promise<WebhookResponse> {
    const read = this.#read(client, FormRequest, parseJson(body));
    return 'refused' in read ? read.refused : json(200, await this.deps.desk.form(client, read.data));
  }

  async #events(client: string, { query, signal }: WebhookRequest): Promise<WebhookResponse> {
    const read = this.#read(client, EventsQuery, Object.fromEntries(query));
    if ('refused' in read) return read.refused;
    const { after, wait } = read.data;
    const waiting = this.#waiting.get(client) ?? 0;
    if (waiting >= MAX_WAITING) {
      return refusal(429, 'too-many-waiting', `at most ${MAX_WAITING} requests for events may wait at once`);
    }
    this.#waiting.set(client, waiting + 1);
    try {
      const enough = AbortSignal.any([signal, this.deps.stopping]);
      return json(200, await this.deps.desk.events(client, after, wait * 1_000, enough));
    } finally {
      this.#waiting.set(client, (this.#waiting.get(client) ?? 1) - 1);
    }
  }

  #read<Schema extends z.ZodType>(
    client: string,
    schema: Schema,
    value: unknown,
  ): { data: z.infer<Schema> } | { refused: WebhookResponse } {
    const parsed = schema.safeParse(value);
    if (parsed.success) return { data: parsed.data };
    const message = value === undefined ? 'the body is not JSON' : z.prettifyError(parsed.error);
    this.deps.log.warn({ client, problem: message }, 'a request could not be read');
    return { refused: refusal(400, 'malformed', message) };
  }
}

function statusOf({ status }: Outcome): number {
  return status === 'stored' ? 202 : 200;
}

function refusal(status: number, code: string, message: string): WebhookResponse {
  return json(status, { error: { code, message } });
}

/** `id`: under which to send it again, where the client may have given it none. */
function comeAgain(because: string, id?: string): WebhookResponse {
  const message = `${because}; send the same again, with the same id`;
  const refused = json(503, { error: { code: 'try-again', message }, ...(id === undefined ? {} : { id }) });
  return { ...refused, headers: { 'retry-after': '1' } };
}

function json(status: number, value: object): WebhookResponse {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

function corsHeaders(origin: string, method: HttpMethod): Record<string, string> {
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': method,
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': String(PREFLIGHT_S),
    vary: 'origin',
  };
}

/** Undefined when it is none. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
