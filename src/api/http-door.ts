/**
 * The API over HTTP, below `/api/v1` of the listener: who may come in, what fits, and how everything is answered.
 *
 * Owns      keys and scopes at the door, limits, parsing, problems as answers, the stream of events.
 * Not here  what is done (`approval-desk.ts`), the port (`gateways/webhook-listener.ts`), TLS (a proxy's work).
 *
 * Invariants
 *   1. Nothing is read of a body before its key was found genuine.
 *   2. GET and HEAD change nothing.
 *   3. Whatever arrives is answered; what is not done is answered with a problem that says what to do.
 *   4. A key is in no answer and in no line of the log.
 *   5. Whoever waits is judged anew at every look: nothing is told to a key that is gone, or has lost the scope.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { z } from 'zod';
import type { ApiScope } from '../config/api.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ApprovalId } from '../domain/ids.ts';
import { flawIn } from '../domain/json-flaw.ts';
import { timeLimit } from '../domain/time-limit.ts';
import type { Logger } from '../observability/logger.ts';
import type { Access, Caller } from './access.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import { doubtfulKeyIn } from './doubtful-keys.ts';
import { inexactIn, placeOfUnsafe } from './exact-numbers.ts';
import { openApiDocument } from './openapi.ts';
import { API_PATH, OPERATIONS, type Operation, type OperationId, operations } from './operations.ts';
import { malformed, malformedAt, Problem, type ProblemFacts, toBody } from './problem.ts';
import { IdempotencyKey, MAX_KEY_CHARS, type Waited } from './schema.ts';

/** Far above any request that fits the schema. */
const MAX_BODY_BYTES = 64 * 1_024;
/** Of an address that is none; characters. */
const MOST_URL_SHOWN = 200;
/** Of a number that is not taken, so much is said back. */
const MAX_SHOWN_DIGITS = 40;
/** Requests of one key that may wait at once; each holds a connection. */
const MAX_WAITING = 100;
/** A comment goes out so often while there is nothing to say, so that proxies do not take the silence for the end. */
const SSE_BEAT_MS = 15_000;
/** One look of a stream at its approval lasts this long at most. */
const SSE_LOOK_MS = 60_000;
const MINUTE_S = 60;

/** What serves requests on the port the product listens on. */
export interface Mounting {
  mount(path: string, handler: (request: IncomingMessage, response: ServerResponse) => void): () => void;
}

export interface HttpDoorDeps {
  readonly listener: Mounting;
  readonly access: Access;
  readonly desk: ApprovalDesk;
  /** Records what was refused, when it would have changed something. */
  readonly audit: (event: AuditEvent) => Promise<void>;
  readonly log: Logger;
  readonly sseBeatMs?: number;
}

/** One request that was let in. */
interface Visit {
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** Undefined when the answer was given already. */
type Serve = (visit: Visit) => Promise<Answer | undefined>;

export class HttpDoor {
  readonly name = 'api';
  /** Who each request that is being handled comes from. */
  readonly #callers = new WeakMap<FastifyRequest, Caller>();
  readonly #waiting = new Map<string, number>();
  readonly #limiters = new Map<number, RateLimiterMemory>();
  #stopping = new AbortController();
  #app: FastifyInstance | undefined;
  #unmount: (() => void) | undefined;
  #inHand = 0;
  #quiet: (() => void) | undefined;

  constructor(private readonly deps: HttpDoorDeps) {}

  async start(): Promise<void> {
    if (this.#app) return;
    this.#stopping = new AbortController();
    const app = this.#build();
    await app.ready();
    this.#app = app;
    this.#unmount = this.deps.listener.mount(API_PATH, (request, response) => {
      this.#count(response);
      app.routing(request, response);
    });
  }

  /** Takes nothing more, answers those who wait, and resolves when everybody was answered. Safe to call twice. */
  async stop(): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    if (!app) return;
    this.#unmount?.();
    this.#stopping.abort();
    if (this.#inHand > 0) {
      await new Promise<void>((resolve) => {
        this.#quiet = resolve;
      });
    }
    await app.close();
  }

  #count(response: ServerResponse): void {
    this.#inHand++;
    response.once('close', () => {
      this.#inHand--;
      if (this.#inHand === 0) this.#quiet?.();
    });
  }

  // ── Routes ─────────────────────────────────────────────────────────────────────────────────────────────────

  #build(): FastifyInstance {
    const app = fastify({
      bodyLimit: MAX_BODY_BYTES,
      // A HEAD is a GET whose answer is not sent.
      exposeHeadRoutes: true,
      routerOptions: { maxParamLength: 200 },
      // What the door says is in the words of the product; the framework has nothing to add.
      logger: false,
      // Of an address that is none, or that has an id nothing could have.
      frameworkErrors: (_error, request, reply) => this.#refuse(nothingAt(request), request, reply),
    });
    app.removeAllContentTypeParsers();
    const parse = app.getDefaultJsonParser('error', 'error');
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      if (body.length === 0) return done(null, {});
      const text = textOf(body);
      if (text === undefined) return done(notUtf8());
      // What the parser does not take either is named first.
      parse(request, text, (error, read) => done(flawedIn(text) ?? error ?? roundedIn(read, text), read));
    });
    app.addHook('onSend', async (_request, reply) => {
      // A connection kept open for more would hold up the stop.
      if (this.#stopping.signal.aborted) reply.header('connection', 'close');
      reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    });
    app.setErrorHandler((error, request, reply) => this.#refuse(error, request, reply));
    app.setNotFoundHandler((request, reply) => this.#refuse(nowhere(request), request, reply));

    const serving = this.#serving();
    for (const [id, operation] of operations()) {
      app.route({
        method: operation.method,
        url: `${API_PATH}${operation.path}`,
        // Before the body is read.
        onRequest: async (request, reply) => {
          if (operation.scope) this.#callers.set(request, await this.#admit(operation, request, reply));
        },
        handler: async (request, reply) => {
          if (id === 'getOpenApi') return reply.code(200).send(openApiDocument());
          const caller = this.#callers.get(request);
          if (!caller) throw new Error('a request came past the door');
          const answered = await serving[id]({ caller, request, reply });
          if (answered) return reply.code(answered.status).send(answered.body);
          return reply;
        },
      });
    }
    return app;
  }

  #serving(): Record<Exclude<OperationId, 'getOpenApi'>, Serve> {
    const { desk } = this.deps;
    return {
      createApproval: async ({ caller, request }) => {
        const body = bodyOf(OPERATIONS.createApproval.body, request);
        const { kind, act } = await desk.create(caller, body, requiredKey(request, body.idempotencyKey));
        return { status: kind === 'created' ? 201 : 200, body: act };
      },
      listApprovals: async ({ caller, request }) =>
        ok(await desk.list(caller, queryOf(OPERATIONS.listApprovals.query, request))),
      getApproval: async ({ caller, request }) => ok(await desk.show(caller, idOf(request))),
      waitForApproval: (visit) => this.#wait(visit),
      answerApproval: async ({ caller, request }) => {
        const body = bodyOf(OPERATIONS.answerApproval.body, request);
        const key = idempotencyKeyOf(request, body.idempotencyKey);
        return ok(await desk.answer(caller, idOf(request), body, key));
      },
      replyToQuestion: async ({ caller, request }) => {
        const body = bodyOf(OPERATIONS.replyToQuestion.body, request);
        const key = idempotencyKeyOf(request, body.idempotencyKey);
        return ok(await desk.reply(caller, idOf(request), body, key));
      },
      cancelApproval: async ({ caller, request }) =>
        ok(await desk.cancel(caller, idOf(request), bodyOf(OPERATIONS.cancelApproval.body, request))),
      claimApproval: async ({ caller, request }) =>
        ok(await desk.claim(caller, idOf(request), bodyOf(OPERATIONS.claimApproval.body, request))),
      renewPermit: async ({ caller, request }) =>
        ok(await desk.renew(caller, idOf(request), bodyOf(OPERATIONS.renewPermit.body, request))),
      completeApproval: async ({ caller, request }) =>
        ok(await desk.complete(caller, idOf(request), bodyOf(OPERATIONS.completeApproval.body, request))),
    };
  }

  // ── The door ───────────────────────────────────────────────────────────────────────────────────────────────

  async #admit({ scope }: Operation, request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
    if (this.#stopping.signal.aborted) throw tryAgain('The gateway stops.');
    const caller = await this.#callerOf(request);
    await this.#limit(caller, reply);
    if (scope && !caller.scopes.includes(scope)) {
      await this.#recordRefusal(caller, { rule: `scope ${scope}`, why: 'its key is not for that' }, request);
      throw wrongScope(caller, scope);
    }
    return caller;
  }

  async #callerOf({ headers }: FastifyRequest): Promise<Caller> {
    const caller = await this.deps.access.callerOf(headers.authorization);
    if (!caller) throw UNAUTHORIZED;
    return caller;
  }

  /** Whoever was let in, as they are now. */
  async #callerNow(request: FastifyRequest, scope: ApiScope): Promise<Caller> {
    const caller = await this.#callerOf(request);
    if (!caller.scopes.includes(scope)) throw wrongScope(caller, scope);
    return caller;
  }

  async #limit({ client, key, settings }: Caller, reply: FastifyReply): Promise<void> {
    const perMinute = settings.requests_per_minute;
    const limiter =
      this.#limiters.get(perMinute) ?? new RateLimiterMemory({ points: perMinute, duration: MINUTE_S });
    this.#limiters.set(perMinute, limiter);
    try {
      await limiter.consume(`${client}/${key}`);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const retryAfterS = Math.ceil(refused.msBeforeNext / 1_000);
      reply.header('retry-after', retryAfterS);
      throw new Problem({
        code: 'TOO_MANY_REQUESTS',
        detail: `The key ${key} of the client ${client} has sent more than ${perMinute} requests in a minute.`,
        remedy: `Come again in ${retryAfterS} s, or raise api.clients.${client}.requests_per_minute in settings.yaml.`,
      });
    }
  }

  /** A look changes nothing, so it leaves no entry either. */
  async #recordRefusal(
    { client, key }: Caller,
    { rule, why }: { readonly rule: string; readonly why: string },
    request: FastifyRequest,
  ): Promise<void> {
    this.deps.log.warn({ client, key_name: key, rule }, `a request was refused: ${why}`);
    if (request.method !== 'POST') return;
    const subject = request.url.split('?', 1)[0] ?? '';
    await this.deps.audit({
      event: 'authorization.deny',
      actor: `api:${client}`,
      subject,
      correlation: subject,
      channel: 'api',
      detail: { key, client, rule },
    });
  }

  // ── Waiting ────────────────────────────────────────────────────────────────────────────────────────────────

  async #wait({ caller, request, reply }: Visit): Promise<Answer | undefined> {
    const query = queryOf(OPERATIONS.waitForApproval.query, request);
    const id = idOf(request);
    const place = `${caller.client}/${caller.key}`;
    const waiting = this.#waiting.get(place) ?? 0;
    if (waiting >= MAX_WAITING) {
      reply.header('retry-after', 1);
      throw new Problem({
        code: 'TOO_MANY_WAITING',
        detail: `${MAX_WAITING} requests with the key ${caller.key} wait already.`,
        remedy: 'Wait for fewer at once; a webhook tells of all of them.',
      });
    }
    this.#waiting.set(place, waiting + 1);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const over = AbortSignal.any([gone.signal, this.#stopping.signal]);
    const callerNow = () => this.#callerNow(request, OPERATIONS.waitForApproval.scope);
    try {
      const wantsEvents = /\btext\/event-stream\b/.test(request.headers.accept ?? '');
      if (wantsEvents && request.method === 'GET') {
        await this.#stream({ callerNow, request, reply }, id, query.until, over);
        return undefined;
      }
      const timeoutMs = request.method === 'HEAD' ? 0 : query.timeout * 1_000;
      const enough = timeoutMs === 0 ? AbortSignal.abort() : AbortSignal.any([over, timeLimit(timeoutMs)]);
      return ok(await this.deps.desk.wait(callerNow, id, query, enough));
    } finally {
      this.#waiting.set(place, (this.#waiting.get(place) ?? 1) - 1);
    }
  }

  /** Every change as an event, until there is nothing left to wait for. */
  async #stream(
    { callerNow, request, reply }: Pick<Visit, 'request' | 'reply'> & { callerNow: () => Promise<Caller> },
    id: ApprovalId,
    until: 'decided' | 'ended',
    over: AbortSignal,
  ): Promise<void> {
    const { desk, log, sseBeatMs = SSE_BEAT_MS } = this.deps;
    let seen = Number(request.headers['last-event-id'] ?? Number.NaN);
    // Looked up before anything is sent: what goes wrong now is still a problem with a status.
    let now = await desk.wait(callerNow, id, { until, after: undefined }, AbortSignal.abort());
    if (now.code === 'SETTLED' && now.approval.rev === seen) {
      // Tells a client that comes again that this was the last.
      reply.code(204).send();
      return;
    }
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    });
    const beat = setInterval(() => raw.write(': still waiting\n\n'), sseBeatMs);
    try {
      for (;;) {
        if (now.approval.rev !== seen) raw.write(toEvent(now));
        seen = now.approval.rev;
        if (now.code === 'SETTLED' || over.aborted) return;
        const enough = AbortSignal.any([over, timeLimit(SSE_LOOK_MS)]);
        now = await desk.wait(callerNow, id, { until, after: seen }, enough);
      }
    } catch (error) {
      if (error instanceof Problem) {
        log.info(
          { approval: id, reason: error.code },
          'a stream of events ended: it is no longer for its key',
        );
      } else {
        log.warn({ err: error, approval: id }, 'a stream of events ended early; the client comes again');
      }
    } finally {
      clearInterval(beat);
      raw.end();
    }
  }

  // ── Refusing ───────────────────────────────────────────────────────────────────────────────────────────────

  async #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const problem = toProblem(error);
    const caller = this.#callers.get(request);
    const why = WORTH_AN_ENTRY.get(problem.code);
    if (caller && why !== undefined) {
      await this.#recordRefusal(caller, { rule: problem.code, why }, request).catch((failure: unknown) => {
        this.deps.log.error({ err: failure }, 'a refusal could not be audited');
      });
    }
    if (problem.code === 'UNAUTHORIZED') {
      this.deps.log.warn({ method: request.method }, 'a request without a valid key was refused');
      reply.header('www-authenticate', 'Bearer');
    }
    if (problem.code === 'TRY_AGAIN') {
      reply.header('retry-after', 1);
      if (!(error instanceof Problem)) {
        this.deps.log.error({ err: error }, 'a request was not done; the client is asked to send it again');
      }
    }
    // What follows of a body that is not read cannot be told from the next request.
    if (problem.code === 'TOO_LARGE' || problem.code === 'UNAUTHORIZED') reply.header('connection', 'close');
    return (
      reply
        .code(problem.status)
        .header('content-type', 'application/problem+json')
        // As bytes: of a text the framework would say in which characters it is, which this media type does not.
        .send(Buffer.from(JSON.stringify(toBody(problem.facts))))
    );
  }
}

/** What a client tried that cannot be had, with why in the log. What a person may not do has an entry already. */
const WORTH_AN_ENTRY: ReadonlyMap<string, string> = new Map([
  ['NOT_ALLOWED', 'it is not for this client'],
  ['UNKNOWN_RULE', 'it names a rule that is not there'],
  ['UNKNOWN_POLICY', 'it names a policy that is not there'],
  ['UNSATISFIABLE', 'nobody could ever say yes to it'],
]);

const UNAUTHORIZED = new Problem({
  code: 'UNAUTHORIZED',
  detail: 'The request has no valid key.',
  remedy: 'Send the header "Authorization: Bearer <key>" with a key of a client of settings.yaml.',
});

function wrongScope({ client, key }: Caller, scope: ApiScope): Problem {
  return new Problem({
    code: 'WRONG_SCOPE',
    detail: `The key ${key} of the client ${client} does not have the scope ${scope}.`,
    remedy: `Use a key that has it: give it under api.clients.${client}.keys in settings.yaml, or make one with \`signalbox api keys create\`.`,
  });
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem({
        code: 'TOO_LARGE',
        detail: `The body has more than ${MAX_BODY_BYTES} bytes.`,
        remedy: 'Say what is to be decided, and link to the rest.',
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return new Problem({
        code: 'WRONG_MEDIA_TYPE',
        detail: 'The body is not said to be JSON.',
        remedy: 'Send the header "Content-Type: application/json".',
      });
    case undefined:
      return tryAgain('It could not be done just now.');
    default:
      return statusOf(error) < 500 ? unreadable(error) : tryAgain('It could not be done just now.');
  }
}

/**
 * What would not be the same once it was kept, is too deep to be walked, or could be read as something else: whatever is
 * sent again, it stays so. Of what is no JSON, the parser says so.
 */
function flawedIn(text: string): Problem | null {
  const read = jsonIn(text);
  const flaw = read && (flawIn(read.value) ?? doubtfulKeyIn(text));
  return flaw === undefined ? null : malformedAt('body', [{ path: flaw.path, message: flaw.problem }]);
}

/** Undefined when it is no UTF-8: what would be put in for other bytes is nothing anybody has sent. */
function textOf(body: string | Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(body));
  } catch {
    return undefined;
  }
}

function notUtf8(): Problem {
  return new Problem({
    code: 'MALFORMED',
    detail: 'The body is not UTF-8.',
    remedy: 'Send JSON in UTF-8.',
  });
}

function jsonIn(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** A number that JSON can write and this program cannot keep: another one would be shown, and agreed to. */
function roundedIn(body: unknown, written: string): Problem | null {
  const place = placeOfUnsafe(body);
  if (place !== undefined) {
    return new Problem({
      code: 'MALFORMED',
      detail: `The number at ${place} is too large to be kept to the last digit.`,
      remedy: `Send it as a string; whole numbers are exact up to ${Number.MAX_SAFE_INTEGER}.`,
    });
  }
  const literal = inexactIn(written);
  if (literal === undefined) return null;
  return new Problem({
    code: 'MALFORMED',
    detail: `The number ${literal.slice(0, MAX_SHOWN_DIGITS)} cannot be kept as it is written.`,
    remedy: 'Send it as a string, or with 15 digits at most.',
  });
}

function unreadable(error: unknown): Problem {
  return new Problem({
    code: 'MALFORMED',
    detail: `The request cannot be read: ${error instanceof Error ? error.message : 'no reason is known'}`,
    remedy: 'Send JSON, as /api/v1/openapi.json describes it.',
  });
}

function tryAgain(detail: string): Problem {
  return new Problem({
    code: 'TRY_AGAIN',
    detail,
    remedy: 'Send the same again, with the same idempotency key; nothing counts twice.',
  });
}

function nothingAt({ url }: FastifyRequest): Problem {
  return new Problem({
    code: 'NOT_FOUND',
    detail: `There is nothing at ${url.slice(0, MOST_URL_SHOWN)}.`,
    remedy: `The addresses are in ${API_PATH}/openapi.json.`,
  });
}

function nowhere({ method, url }: FastifyRequest): Problem {
  const path = url.split('?', 1)[0] ?? '';
  const methods = operations()
    .filter(([, operation]) => patternOf(operation).test(path))
    .map(([, operation]) => operation.method);
  const facts: Omit<ProblemFacts, 'code'> = {
    detail: methods.length > 0 ? `${path} cannot be called with ${method}.` : `There is nothing at ${path}.`,
    remedy:
      methods.length > 0 ? `Use ${methods.join(' or ')}.` : `The addresses are in ${API_PATH}/openapi.json.`,
  };
  return new Problem({ ...facts, code: methods.length > 0 ? 'METHOD_NOT_ALLOWED' : 'NOT_FOUND' });
}

function patternOf({ path }: Operation): RegExp {
  return new RegExp(`^${API_PATH}${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`);
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────

function bodyOf<Schema extends z.ZodType>(schema: Schema, { body }: FastifyRequest): z.output<Schema> {
  return read('body', schema, body ?? {});
}

function queryOf<Schema extends z.ZodType>(schema: Schema, { query }: FastifyRequest): z.output<Schema> {
  return read('query', schema, query);
}

function idOf({ params }: FastifyRequest): ApprovalId {
  return read('path', OPERATIONS.getApproval.params, params).id;
}

function read<Schema extends z.ZodType>(
  what: Parameters<typeof malformed>[0],
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw malformed(what, parsed.error);
  return parsed.data;
}

function requiredKey(request: FastifyRequest, inBody: string | undefined): string {
  const key = idempotencyKeyOf(request, inBody);
  if (key !== undefined) return key;
  throw new Problem({
    code: 'NO_IDEMPOTENCY_KEY',
    detail: 'The request has no idempotency key, so a repetition could not be told from a new request.',
    remedy: 'Send the header "Idempotency-Key: <a new id of yours>", or `idempotencyKey` in the body.',
  });
}

/** Of the header, with or without the quotes its specification wants; or of the body. */
function idempotencyKeyOf({ headers }: FastifyRequest, inBody: string | undefined): string | undefined {
  const header = headers['idempotency-key'];
  if (header === undefined) return inBody;
  const key = IdempotencyKey.safeParse(String(header).replace(/^"(.*)"$/, '$1'));
  if (!key.success) {
    throw new Problem({
      code: 'MALFORMED',
      detail: `The header Idempotency-Key is 1 to ${MAX_KEY_CHARS} printable ASCII characters, without spaces.`,
      remedy: 'Send a new id of yours there, for each new request another one.',
    });
  }
  if (inBody !== undefined && inBody !== key.data) {
    throw new Problem({
      code: 'MALFORMED',
      detail: 'The header Idempotency-Key and `idempotencyKey` of the body differ.',
      remedy: 'Send one of them.',
    });
  }
  return key.data;
}

function ok(body: object): Answer {
  return { status: 200, body };
}

function toEvent({ approval }: Waited): string {
  return `event: approval\nid: ${approval.rev}\ndata: ${JSON.stringify(approval)}\n\n`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
}
