/** The Web API over HTTP: reads arguments and token, orders failures and 429s, answers. */
import querystring from 'node:querystring';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { z } from 'zod';
import type { Payload } from './events.ts';
import { type Fault, Faults } from './faults.ts';
import type { Interactions } from './interactions.ts';
import { SOCKET_PATH } from './socket-mode.ts';
import type { Answer, WebApi } from './web-api.ts';

export interface RateLimit {
  readonly postsPerSecond: number;
  /** Posts above the rate that one channel takes before it refuses. */
  readonly burst: number;
}

/** One call of the Web API, as it came. */
export interface ApiCall {
  readonly method: string;
  readonly args: Payload;
  /** `ok`, the name of an error, or of the failure that was ordered. */
  readonly result: string;
}

/** Posts are limited per channel; the rest is not, because no test needed it. */
const LIMITED_METHODS: ReadonlySet<string> = new Set([
  'chat.postMessage',
  'chat.postEphemeral',
  'chat.startStream',
]);

/** The longest body taken, as Slack's own front refuses larger ones. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

interface Deps {
  readonly api: WebApi;
  readonly interactions: Interactions;
  readonly rateLimit: RateLimit | undefined;
  readonly note: (call: ApiCall) => void;
}

export class ApiServer {
  readonly faults = new Faults();
  readonly #limiter: BurstyRateLimiter | undefined;

  constructor(private readonly deps: Deps) {
    this.#limiter = deps.rateLimit && createLimiter(deps.rateLimit);
  }

  register(app: FastifyInstance): void {
    app.register(async (scope) => {
      // Slack reads what it can and says so in its own words, so nothing may be refused before it gets here.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        '*',
        { parseAs: 'string', bodyLimit: MAX_BODY_BYTES },
        (_request, body, done) => done(null, body),
      );
      scope.all('/slack/api/:method', (request, reply) => this.#serve(request, reply));
      scope.post('/slack/response/:id', async (request, reply) => {
        const taken = this.deps.interactions.respond(
          ResponseParams.parse(request.params).id,
          String(request.body),
        );
        return taken ? reply.send('ok') : reply.code(404).send('expired_url');
      });
      // Upgrades are taken over before the router; what arrives here asked for none.
      scope.get(SOCKET_PATH, async (_request, reply) => reply.code(426).send('upgrade required'));
    });
  }

  async #serve(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { method } = MethodParams.parse(request.params);
    const args = argumentsOf(request);
    const fault = this.faults.take(method) ?? (await this.#overRate(method, args));
    const lost = fault?.kind === 'lost-response';
    if (fault !== undefined && !lost) {
      this.deps.note({ method, args, result: fault.kind });
      return failAs(fault, reply);
    }

    const answer = this.deps.api.call(method, args, tokenOf(request, args));
    this.deps.note({ method, args, result: resultOf(answer) });
    return lost ? breakOff(reply) : answer;
  }

  async #overRate(method: string, args: Payload): Promise<Fault | undefined> {
    if (this.#limiter === undefined || !LIMITED_METHODS.has(method)) return undefined;
    try {
      await this.#limiter.consume(String(args.channel));
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return {
        kind: 'rate-limited',
        retryAfterSeconds: Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000)),
      };
    }
  }
}

const MethodParams = z.object({ method: z.string() });
const ResponseParams = z.object({ id: z.string() });

function createLimiter({ postsPerSecond, burst }: RateLimit): BurstyRateLimiter {
  return new BurstyRateLimiter(
    new RateLimiterMemory({ points: postsPerSecond, duration: 1 }),
    new RateLimiterMemory({ points: burst, duration: Math.ceil(burst / postsPerSecond) }),
  );
}

function argumentsOf(request: FastifyRequest): Payload {
  const body = typeof request.body === 'string' ? request.body : '';
  const fromQuery = querystring.parse(request.url.split('?')[1] ?? '');
  if (!(request.headers['content-type'] ?? '').includes('json'))
    return { ...fromQuery, ...querystring.parse(body) };
  const parsed = z.record(z.string(), z.unknown()).safeParse(parseJson(body));
  return { ...fromQuery, ...parsed.data };
}

function tokenOf(request: FastifyRequest, args: Payload): string | undefined {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer ?? (typeof args.token === 'string' ? args.token : undefined);
}

function resultOf(answer: Answer): string {
  return answer.ok ? 'ok' : String(answer.error);
}

function failAs(fault: Exclude<Fault, { kind: 'lost-response' }>, reply: FastifyReply): unknown {
  switch (fault.kind) {
    case 'rate-limited':
      return reply
        .code(429)
        .header('retry-after', String(fault.retryAfterSeconds))
        .send({ ok: false, error: 'ratelimited' });
    case 'status':
      return reply.code(fault.status).send('');
    case 'error':
      return { ok: false, error: fault.error };
    case 'hang':
      return reply.hijack();
    default:
      return fault satisfies never;
  }
}

function breakOff(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.destroy();
  return reply;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
