/**
 * Jira's REST API on its wire: who calls, whether the request is one of the published ones, and what is answered.
 *
 * Owns      authentication, routing, the check of every request, limits, failures on demand, and what was called.
 * Not here  what an operation does (`operations.ts`).
 *
 * Invariants
 *   1. A request that does not fit its operation (`operations.ts`), or on Cloud the description that Atlassian has
 *      published (`published-api.ts`), does nothing, and is noted as a violation.
 *   2. Credentials are checked before anything else is told, existence of an address included.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import type { AppAccount, Scope } from './app-account.ts';
import { type User, userOf } from './catalogue.ts';
import { type Fault, Faults, type LimitReason } from './faults.ts';
import { BURSTS, ISSUE_WRITES, MAX_ATTACHMENT_BYTES } from './limits.ts';
import { Flag, type Operation, scopeOf } from './operation.ts';
import { PublishedApi } from './published-api.ts';
import { Quota } from './quota.ts';
import { RateLimit, type Window } from './rate-limit.ts';
import { noIssue, Refusal } from './refusal.ts';
import { type Site, toAttachment } from './wire.ts';
import type { World } from './world.ts';

/** One call of the app, as it arrived. */
export interface RestCall {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  status: number;
}

export interface Violation {
  readonly method: string;
  readonly path: string;
  readonly problem: string;
}

export interface RestDeps {
  readonly world: World;
  readonly operations: readonly Operation[];
  readonly flavour: Site['flavour'];
  /** Known once the server listens. */
  readonly site: () => Site;
  readonly clock: Clock;
  readonly account: AppAccount;
  readonly limitsWrites: boolean;
  readonly limitsBursts: boolean;
  readonly pointsPerHour: number | undefined;
  readonly note: (call: RestCall) => void;
  readonly violated: (violation: Violation) => void;
}

const ROOT = '/jira';

/** What somebody asks for, and the scope it takes. */
interface Named {
  readonly id: string;
  readonly scope?: Scope;
}

const UNKNOWN: Named = { id: 'unknown' };
const ATTACHING: Named = { id: 'addAttachment', scope: 'write:jira-work' };
const DOWNLOADING = { id: 'getAttachmentContent', scope: 'read:jira-work' } as const;

/** What the gateway before Jira Cloud says to a token that does not reach so far. */
const WRONG_SCOPE = { code: 401, message: 'Unauthorized; scope does not match' };

export class RestServer {
  readonly faults = new Faults();
  readonly #published = PublishedApi.read();
  readonly #writes: RateLimit;
  readonly #bursts: RateLimit;
  readonly #quota: Quota | undefined;

  constructor(private readonly deps: RestDeps) {
    this.#writes = new RateLimit(deps.clock);
    this.#bursts = new RateLimit(deps.clock);
    const { pointsPerHour, clock } = deps;
    this.#quota = pointsPerHour === undefined ? undefined : new Quota(pointsPerHour, clock);
  }

  register(app: FastifyInstance): void {
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        '*',
        { parseAs: 'buffer', bodyLimit: MAX_ATTACHMENT_BYTES + 65_536 },
        (_request, body, done) => done(null, body),
      );
      for (const isScoped of [false, true]) {
        const base = isScoped ? `${ROOT}/ex/jira/${this.deps.account.cloudId}` : ROOT;
        for (const operation of this.#operations()) {
          scope.route({
            method: operation.method,
            url: `${base}/rest${operation.path}`,
            handler: (request, reply) => this.#serve(operation, isScoped, request, reply),
          });
        }
        scope.post<{ Params: { issue: string } }>(
          `${base}/rest/api/2/issue/:issue/attachments`,
          (request, reply) => this.#attach(isScoped, request, reply),
        );
        scope.get<{ Params: { file: string } }>(`${base}${this.#contentPath()}`, (request, reply) =>
          this.#download(isScoped, request, reply),
        );
        scope.all(`${base}/rest/*`, (request, reply) =>
          this.#answer(UNKNOWN, isScoped, request, reply, () => this.#unknown(request)),
        );
      }
    });
  }

  /** What there is not on this kind of Jira is unknown. */
  #operations(): readonly Operation[] {
    const { flavour, operations } = this.deps;
    return operations.filter(({ on = flavour }) => on === flavour);
  }

  /** Data Center has its files beside the REST API, under the address that `getAttachment` names. */
  #contentPath(): string {
    return this.deps.flavour === 'cloud'
      ? '/rest/api/2/attachment/content/:file'
      : '/secure/attachment/:file/:name';
  }

  async #serve(
    operation: Operation,
    isScoped: boolean,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const named = { id: operation.id, scope: scopeOf(operation) };
    return this.#answer(named, isScoped, request, reply, (user) => {
      const { query: schema, serverQuery = schema } = operation;
      const isServer = this.deps.flavour === 'data-center';
      const query = this.#check(request, 'query', isServer ? serverQuery : schema, request.query);
      const body = operation.body
        ? this.#check(request, 'body', operation.body, jsonOf(request))
        : this.#withoutBody(request);
      if (!isServer) this.#checkPublished(operation, request);
      const params = Params.parse(request.params);
      if (operation.writes) this.#countWrite(params.issue ?? '');
      return operation.run({ params, query, body, user });
    });
  }

  async #attach(
    isScoped: boolean,
    request: FastifyRequest<{ Params: { issue: string } }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const files = await filesOf(request);
    return this.#answer(ATTACHING, isScoped, request, reply, (user) => {
      if (request.headers['x-atlassian-token'] !== 'no-check') throw new Refusal(403, ['XSRF check failed']);
      if (!files || files.length === 0) throw this.#violation(request, 'the form needs a part named file');
      const issue = this.deps.world.issue(request.params.issue);
      if (!issue) throw noIssue();
      this.#countWrite(request.params.issue);
      const stored = files.map(({ filename, mimeType, bytes }) =>
        this.deps.world.addFile({
          issue: issue.id,
          author: user.accountId,
          filename,
          mimeType,
          base64: Buffer.from(bytes).toString('base64'),
        }),
      );
      return { status: 200, body: stored.map((file) => toAttachment(file, this.deps.site())) };
    });
  }

  async #download(
    isScoped: boolean,
    request: FastifyRequest<{ Params: { file: string } }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { id, scope } = DOWNLOADING;
    const user = this.#userOf(request, isScoped);
    if (!user) return reply.code(401).send({});
    if (isScoped && !this.deps.account.hasScope(scope)) return reply.code(401).send(WRONG_SCOPE);
    const isQueryKnown = ContentQuery.safeParse(request.query).success;
    if (!isQueryKnown) return reply.code(400).send(this.#violation(request, 'query: unknown').body);
    const file = this.deps.world.file(request.params.file);
    if (!file) return reply.code(404).send(new Refusal(404, ['The attachment with id does not exist']).body);
    this.#note(id, request, undefined, 200);
    return reply
      .headers({ 'content-type': file.mimeType, 'content-disposition': 'attachment' })
      .send(Buffer.from(file.base64, 'base64'));
  }

  #unknown(request: FastifyRequest): never {
    this.#violation(request, 'there is no such operation');
    throw new Refusal(404, [`null for uri: ${request.url}`]);
  }

  async #answer(
    { id, scope }: Named,
    isScoped: boolean,
    request: FastifyRequest,
    reply: FastifyReply,
    act: (user: User) => { status: number; body?: unknown },
  ): Promise<FastifyReply> {
    const user = this.#userOf(request, isScoped);
    if (!user) {
      this.#note(id, request, undefined, 401);
      return reply
        .code(401)
        .send({ message: 'Client must be authenticated to access this resource.', 'status-code': 401 });
    }
    if (isScoped && scope && !this.deps.account.hasScope(scope)) {
      this.#note(id, request, undefined, 401);
      return reply.code(401).send(WRONG_SCOPE);
    }
    const fault = this.faults.take(id);
    const failed = fault && this.#fail(fault, id, request, reply);
    if (failed) return failed;
    try {
      this.#countPoints(request.method);
      this.#countBurst(id, request.method);
      const { status, body } = act(user);
      this.#note(id, request, jsonOf(request), status);
      if (fault?.kind === 'lost-response') {
        reply.hijack();
        reply.raw.destroy();
        return reply;
      }
      return body === undefined
        ? reply.code(status).send()
        : reply.code(status).type('application/json').send(JSON.stringify(body));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 410) this.#violation(request, 'this operation was removed');
      this.#note(id, request, jsonOf(request), error.status);
      return reply.code(error.status).headers(error.headers).send(error.body);
    }
  }

  /** Undefined when the work is to be done all the same. */
  #fail(fault: Fault, id: string, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    switch (fault.kind) {
      case 'lost-response':
        return undefined;
      case 'hang':
        this.#note(id, request, jsonOf(request), 0);
        return reply.hijack();
      case 'rate-limited': {
        this.#note(id, request, jsonOf(request), 429);
        if (fault.retryAfterSeconds !== undefined)
          reply.header('retry-after', String(fault.retryAfterSeconds));
        if (fault.reason !== undefined) reply.header('ratelimit-reason', fault.reason);
        if (fault.resetAt !== undefined) reply.header('x-ratelimit-reset', fault.resetAt);
        return reply.code(429).send({ errorMessages: ['Rate limit exceeded.'], errors: {} });
      }
      case 'garbage':
        this.#note(id, request, jsonOf(request), 200);
        return reply.type('application/json').send(fault.body);
      case 'status':
        this.#note(id, request, jsonOf(request), fault.status);
        return reply
          .code(fault.status)
          .send({ errorMessages: [fault.message ?? `status ${fault.status}`], errors: {} });
      default:
        return fault satisfies never;
    }
  }

  #userOf(request: FastifyRequest, isScoped: boolean): User | undefined {
    return userOf(this.deps.account.authenticate(request.headers.authorization, isScoped));
  }

  #check(request: FastifyRequest, what: 'query' | 'body', schema: z.ZodType, value: unknown): unknown {
    const checked = schema.safeParse(value);
    if (checked.success) return checked.data;
    throw this.#violation(request, `${what}: ${z.prettifyError(checked.error)}`);
  }

  /** Beside our own schemas, which are narrower and could be wrong. */
  #checkPublished(operation: Operation, request: FastifyRequest): void {
    const query = z.record(z.string(), z.unknown()).parse(request.query ?? {});
    const body = operation.body ? jsonOf(request) : undefined;
    const problem = this.#published.problemOf(operation, query, body);
    if (problem !== undefined) throw this.#violation(request, problem);
  }

  #withoutBody(request: FastifyRequest): undefined {
    const body = request.body;
    if (Buffer.isBuffer(body) && body.length > 0 && body.toString() !== '{}') {
      throw this.#violation(request, 'body: this operation takes none');
    }
    return undefined;
  }

  #countWrite(issue: string): void {
    if (this.deps.limitsWrites) pace(this.#writes, issue, ISSUE_WRITES, 'jira-per-issue-on-write');
  }

  #countPoints(method: string): void {
    const resetMs = this.#quota?.refuses(method);
    if (resetMs === undefined) return;
    const seconds = Math.ceil((resetMs - this.deps.clock.now()) / 1_000);
    throw tooMany(seconds, 'jira-quota-tenant-based', {
      'x-ratelimit-limit': String(this.deps.pointsPerHour),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': new Date(resetMs).toISOString(),
    });
  }

  #countBurst(id: string, method: string): void {
    const [, windows] = Object.entries(BURSTS).find(([name]) => name === method) ?? [];
    if (this.deps.limitsBursts && windows) {
      pace(this.#bursts, `${method} ${id}`, windows, 'jira-burst-based');
    }
  }

  /** Noted, and what Jira says to it. */
  #violation({ method, url }: FastifyRequest, problem: string): Refusal {
    this.deps.violated({ method, path: url, problem });
    return new Refusal(400, [`Invalid request payload. ${problem}`]);
  }

  #note(operation: string, request: FastifyRequest, body: unknown, status: number): void {
    const { method, url, query } = request;
    const path = url.split('?')[0] ?? url;
    this.deps.note({
      operation,
      method,
      path,
      query: z.record(z.string(), z.unknown()).parse(query ?? {}),
      body,
      status,
    });
  }
}

/** @throws {Refusal} 429, when it is one too many */
function pace(limit: RateLimit, kind: string, windows: readonly Window[], reason: LimitReason): void {
  const seconds = limit.refuses(kind, windows);
  if (seconds !== undefined) throw tooMany(seconds, reason);
}

function tooMany(seconds: number, reason: LimitReason, more: Readonly<Record<string, string>> = {}): Refusal {
  const headers = { 'retry-after': String(seconds), 'ratelimit-reason': reason, ...more };
  return new Refusal(429, ['Rate limit exceeded.'], {}, headers);
}

const ContentQuery = z.strictObject({ redirect: Flag.optional() });
const Params = z.record(z.string(), z.string());

/** The body as JSON; undefined for none, and for what is none. */
function jsonOf({ body }: FastifyRequest): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

async function filesOf(
  request: FastifyRequest,
): Promise<{ filename: string; mimeType: string; bytes: Uint8Array }[] | undefined> {
  if (!Buffer.isBuffer(request.body)) return undefined;
  const type = request.headers['content-type'] ?? '';
  const response = new Response(new Uint8Array(request.body), { headers: { 'content-type': type } });
  const form = await response.formData().catch(() => undefined);
  if (!form) return undefined;
  return Promise.all(
    form.getAll('file').flatMap((value) =>
      typeof value === 'string'
        ? []
        : [
            value.arrayBuffer().then((bytes) => ({
              filename: value.name,
              mimeType: value.type === '' ? 'application/octet-stream' : value.type,
              bytes: new Uint8Array(bytes),
            })),
          ],
    ),
  );
}
