/**
 * Jira's REST API on its wire, with and without jira-client; its errors become ours.
 *
 * Owns      addresses, credentials, waits, and what a failed answer means for whoever asked.
 * Not here  which calls there are (`client.ts`), and when one is made again: nothing here repeats a call.
 *
 * Invariants
 *   1. Status, reason and `Retry-After` of an answer are never lost on the way.
 *   2. What Jira has asked to be left alone is not asked for (`holds.ts`).
 *   3. Credentials go to the configured host alone: no redirect is followed.
 */
import type JiraApi from 'jira-client';
import { z } from 'zod';
import type { Clock } from '../../src/domain/clock.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import { timeLimit } from '../../src/domain/time-limit.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { flavourOf, type JiraSettings } from './config.ts';
import { JiraHolds, type LimitedRequest } from './holds.ts';
import { JiraCredentialError, type JiraHttpError, JiraScopeError, toHttpError } from './http-error.ts';

/** Longest wait for one answer, in ms. */
const TIMEOUT_MS = 20_000;
/** What the gateway before Jira Cloud says, with a 401, to a token that does not reach so far. */
const WRONG_SCOPE = /scope does not match/i;
/** Where scoped tokens work (developer.atlassian.com, "Scoped API tokens"). */
const SCOPED_HOST = 'https://api.atlassian.com';

/** One request as jira-client describes it. */
const Wanted = z.object({
  uri: z.string(),
  method: z.string().default('GET'),
  body: z.unknown().optional(),
  headers: z.record(z.string(), z.string()).optional(),
});

/**
 * What our transport gives jira-client instead of an answer: it makes a string of every error, and status and
 * Retry-After would be gone.
 */
const Envelope = z.union([
  z.object({ answered: z.literal(true), body: z.unknown() }),
  z.object({ answered: z.literal(false), error: z.instanceof(Error) }),
]);
type Envelope = z.infer<typeof Envelope>;

export class JiraTransport {
  readonly isCloud: boolean;
  readonly holds: JiraHolds;
  readonly #base: URL;
  #api: Promise<JiraApi> | undefined;

  constructor(
    private readonly settings: JiraSettings,
    private readonly clock: Clock,
    readonly log: Logger,
  ) {
    this.isCloud = flavourOf(settings) === 'cloud';
    this.holds = new JiraHolds(this.isCloud, clock, log);
    const site = settings.url ?? 'http://localhost';
    this.#base = new URL(
      settings.cloud_id === undefined ? site : `${SCOPED_HOST}/ex/jira/${settings.cloud_id}`,
    );
  }

  /** Scheme and host that get our credentials. */
  get origin(): string {
    return this.#base.origin;
  }

  /** Address of something below `/rest/api/2`. */
  address(path: string): string {
    return this.resource(`api/2/${path}`);
  }

  /** Address of something below `/rest`. */
  resource(path: string): string {
    return `${this.#base.href.replace(/\/$/, '')}/rest/${path}`;
  }

  async get(path: string): Promise<unknown> {
    return this.ask((jira) => jira.genericGet(path));
  }

  /** For what jira-client cannot say, or says wrongly. */
  async call(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    return this.send({ uri: this.address(path), method, body });
  }

  /** Asks by way of jira-client. */
  async ask(call: (jira: JiraApi) => Promise<unknown>): Promise<unknown> {
    this.#api ??= this.#load();
    const envelope = Envelope.parse(await call(await this.#api));
    if (!envelope.answered) throw envelope.error;
    return envelope.body;
  }

  /** Loaded when it is first needed, so that who has no Jira does not pay for it. */
  async #load(): Promise<JiraApi> {
    const { default: Client } = await import('jira-client');
    const { protocol, hostname, port, pathname } = this.#base;
    return new Client({
      protocol: protocol.replace(':', ''),
      host: hostname,
      ...(port === '' ? {} : { port }),
      base: pathname.replace(/^\/|\/$/g, ''),
      apiVersion: '2',
      strictSSL: true,
      request: (wanted: unknown): Promise<Envelope> =>
        this.send(wanted).then(
          (body) => ({ answered: true, body }),
          (error: unknown) => ({
            answered: false,
            error: error instanceof Error ? error : new Error(String(error)),
          }),
        ),
    });
  }

  /** What jira-client would request, or something like it. */
  async send(wanted: unknown): Promise<unknown> {
    const { uri, method, body, headers = {} } = Wanted.parse(wanted);
    const response = await this.fetch(uri, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  }

  /** @throws what the answer means, when it is no success */
  async fetch(uri: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    const request = this.#limited(uri, init.method);
    this.holds.check(request);
    const timeout = timeLimit(TIMEOUT_MS);
    const response = await fetch(uri, {
      ...init,
      headers: { accept: 'application/json', authorization: this.#credentials(), ...init.headers },
      redirect: 'error',
      signal: init.signal ? AbortSignal.any([init.signal, timeout]) : timeout,
    });
    if (response.ok) return response;
    throw this.#toOurError(await toHttpError(response, this.clock.now()), request);
  }

  /** A file of Data Center lies beside the REST API; its path is as good as any. */
  #limited(uri: string, method = 'GET'): LimitedRequest {
    const path = new URL(uri).pathname.slice(new URL(this.#base).pathname.replace(/\/$/, '').length);
    return { method, path: path.replace(/^\/(?:rest\/)?/, '') };
  }

  #credentials(): string {
    const { email = '', api_token: token = '', personal_token: personal } = this.settings;
    if (!this.isCloud) return `Bearer ${personal ?? ''}`;
    return `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}`;
  }

  #toOurError(error: JiraHttpError, request: LimitedRequest): Error {
    switch (error.status) {
      case 401:
        return WRONG_SCOPE.test(error.sentences)
          ? new JiraScopeError(`${error.message}; the token lacks a scope`, { cause: error })
          : new JiraCredentialError(`${error.message}; the token is wrong, expired, or of another site`, {
              cause: error,
            });
      case 429:
        return this.holds.refused(request, error);
      case 408:
      case 409:
      case 425:
        return error;
      default:
        return error.status >= 500
          ? error
          : new UndeliverableError('jira', explained(error), { cause: error });
    }
  }
}

function explained({ status, sentences }: JiraHttpError): string {
  const means: Readonly<Record<number, string>> = {
    403: 'the account may not do this (permissions of the project)',
    404: 'it does not exist, or the account cannot see it',
    410: 'this part of its API is gone',
    413: 'it is too large',
  };
  return [means[status] ?? `status ${status}`, sentences].filter(Boolean).join(': ');
}
