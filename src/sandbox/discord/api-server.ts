/** The REST API over HTTP: token, limits, ordered failures, the body; then the route; then what Discord says no with. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Fault, Faults } from './faults.ts';
import { FILES_PATH, type Files } from './files.ts';
import { GATEWAY_PATH } from './gateway-server.ts';
import { MAX_REQUEST_BYTES } from './limits.ts';
import { nameOf, type RateLimitSettings, RateLimits } from './rate-limits.ts';
import { INVALID_FORM_BODY, Refusal } from './refusal.ts';
import { type RequestBody, readBody } from './request-body.ts';
import type { RestAnswer, RestRoute } from './rest-route.ts';

/** One call of the REST API, as it came. */
export interface RestCall {
  /** Such as `POST /channels/:channel/messages`. */
  readonly route: string;
  readonly method: string;
  /** Below `/api/v10`, with the query. */
  readonly path: string;
  readonly body: unknown;
  /** Names of the files that came with it. */
  readonly files: readonly string[];
  readonly status: number;
  /** Discord's error code, or the failure that was ordered. */
  readonly error?: number | string;
}

/** A request that broke a published limit. */
export interface Violation {
  readonly at: number;
  readonly route: string;
  readonly error: unknown;
  /** The interaction that was to be answered. */
  readonly interaction?: string;
}

/** As the documentation asks for: a library, where it is from, and its version (Reference, User Agent). */
const USER_AGENT = /^DiscordBot \(\S+, \S+\)/;

const BLOCKED = 40_333;

/** Refusals that say the app broke a published rule, rather than that the world is not as it thought. */
const VIOLATION_CODES: readonly number[] = [
  INVALID_FORM_BODY,
  40_005,
  40_060,
  50_006,
  50_109,
  30_032,
  30_034,
  BLOCKED,
];

const API_PATH = '/discord/api/v10';
/** Routes below answer the interaction of this id. */
const INTERACTION = '/interactions/:id/';

interface Deps {
  readonly routes: readonly RestRoute[];
  readonly files: Files;
  /** Undefined while there is none. */
  readonly token: () => string | undefined;
  readonly rateLimits: RateLimitSettings;
  readonly note: (call: RestCall) => void;
  readonly violated: (violation: Omit<Violation, 'at'>) => void;
}

export class ApiServer {
  readonly faults = new Faults();
  readonly #limits: RateLimits;

  constructor(private readonly deps: Deps) {
    this.#limits = new RateLimits(deps.rateLimits);
  }

  register(app: FastifyInstance): void {
    app.register(async (scope) => {
      // Bodies are read by us, so that what is wrong with one is said in Discord's words.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        '*',
        { parseAs: 'buffer', bodyLimit: MAX_REQUEST_BYTES },
        (_request, body, done) => done(null, body),
      );
      scope.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
        if (error.statusCode !== 413) throw error;
        return reply.code(413).send(new Refusal(413, 40_005, 'Request entity too large').toWire());
      });
      for (const route of this.deps.routes) {
        scope.route({
          method: route.method,
          url: API_PATH + route.path,
          handler: (request, reply) => this.#serve(route, request, reply),
        });
      }
      scope.all('/discord/api/*', async (_request, reply) =>
        reply.code(404).send({ message: '404: Not Found', code: 0 }),
      );
      scope.get(`${FILES_PATH}/:channel/:id/:filename`, (request, reply) => this.#file(request, reply));
      // Upgrades are taken over before the router; what arrives here asked for none.
      scope.get(GATEWAY_PATH, async (_request, reply) => reply.code(426).send('upgrade required'));
    });
  }

  async #serve(route: RestRoute, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const params = Strings.parse(request.params);
    const verdict = await this.#limits.take(route, params);
    if (verdict.kind === 'banned') return banned(reply, verdict.retryAfterSeconds);
    reply.headers(verdict.headers);
    const body = await bodyOf(request);
    const fault: Fault | undefined =
      verdict.kind === 'limited'
        ? { kind: 'rate-limited', retryAfterSeconds: verdict.retryAfterSeconds, scope: verdict.scope }
        : this.faults.take(nameOf(route));
    if (fault !== undefined && fault.kind !== 'lost-response') {
      this.#note(route, request, body, { status: statusOf(fault), error: fault.kind });
      if (fault.kind !== 'rate-limited' || fault.scope !== 'shared')
        await this.#limits.answered(statusOf(fault));
      return failAs(fault, reply);
    }

    const answer = await this.#run(route, request, body, params);
    await this.#limits.answered(answer.status);
    if (fault !== undefined) return breakOff(reply);
    // A 204 must not claim to be JSON.
    return answer.body === undefined
      ? reply.code(answer.status).send()
      : reply.code(answer.status).send(answer.body);
  }

  async #run(
    route: RestRoute,
    request: FastifyRequest,
    body: RequestBody | Refusal,
    params: Record<string, string>,
  ): Promise<RestAnswer> {
    try {
      this.#authorise(route, request);
      if (body instanceof Refusal) throw body;
      const answer = await route.run({ ...body, params, query: Strings.parse(request.query) });
      this.#note(route, request, body, { status: answer.status });
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#note(route, request, body, { status: error.status, error: error.code });
      if (VIOLATION_CODES.includes(error.code))
        this.deps.violated({
          route: nameOf(route),
          error: error.toWire(),
          ...(route.path.startsWith(INTERACTION) ? { interaction: params.id } : {}),
        });
      return { status: error.status, body: error.toWire() };
    }
  }

  #authorise(route: RestRoute, request: FastifyRequest): void {
    if (!USER_AGENT.test(request.headers['user-agent'] ?? ''))
      throw new Refusal(
        403,
        BLOCKED,
        'Cloudflare is blocking your request. This can often be resolved by setting a proper User Agent',
      );
    const token = this.deps.token();
    if (route.open === true || (token !== undefined && request.headers.authorization === `Bot ${token}`))
      return;
    throw new Refusal(401, 0, '401: Unauthorized');
  }

  #note(
    route: RestRoute,
    request: FastifyRequest,
    body: RequestBody | Refusal,
    result: Pick<RestCall, 'status' | 'error'>,
  ): void {
    const read = body instanceof Refusal ? { json: undefined, files: [] } : body;
    this.deps.note({
      route: nameOf(route),
      method: route.method,
      path: request.url.slice(API_PATH.length),
      body: read.json,
      files: read.files.map(({ filename }) => filename),
      ...result,
    });
  }

  async #file(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { id } = FileParams.parse(request.params);
    const { ex = '', hm = '' } = Strings.parse(request.query);
    const file = this.deps.files.read(id, ex, hm);
    if (file === undefined) return reply.code(404).send('This content is no longer available.');
    return reply.header('content-type', file.contentType).send(file.bytes);
  }
}

const Strings = z.record(z.string(), z.string());
const FileParams = z.object({ id: z.string() });

async function bodyOf(request: FastifyRequest): Promise<RequestBody | Refusal> {
  const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  try {
    return await readBody(raw, request.headers['content-type'] ?? '');
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

type AnsweringFault = Exclude<Fault, { kind: 'lost-response' }>;

function statusOf(fault: AnsweringFault): number {
  switch (fault.kind) {
    case 'rate-limited':
      return 429;
    case 'status':
      return fault.status;
    case 'hang':
      return 0;
    default:
      return fault satisfies never;
  }
}

function failAs(fault: AnsweringFault, reply: FastifyReply): unknown {
  switch (fault.kind) {
    case 'rate-limited':
      return rateLimited(reply, fault.retryAfterSeconds, fault.scope ?? 'user');
    case 'status':
      return reply
        .code(fault.status)
        .send({ message: fault.message ?? `${fault.status}: ordered`, code: fault.code ?? 0 });
    case 'hang':
      return reply.hijack();
    default:
      return fault satisfies never;
  }
}

function rateLimited(reply: FastifyReply, retryAfter: number, scope: string): FastifyReply {
  const global = scope === 'global';
  return reply
    .code(429)
    .headers({
      'retry-after': String(Math.ceil(retryAfter)),
      'x-ratelimit-scope': scope,
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset-after': String(retryAfter),
      ...(global ? { 'x-ratelimit-global': 'true' } : {}),
    })
    .send({ message: 'You are being rate limited.', retry_after: retryAfter, global });
}

/** The front's own page, which is no JSON. */
function banned(reply: FastifyReply, retryAfter: number): FastifyReply {
  return reply
    .code(429)
    .headers({ 'retry-after': String(retryAfter), 'content-type': 'text/html' })
    .send('<html><title>Access denied</title><body>error code: 1015</body></html>');
}

function breakOff(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.destroy();
  return reply;
}
