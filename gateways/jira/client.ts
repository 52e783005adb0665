/**
 * Calls to Jira, by way of jira-client; its errors become ours.
 *
 * Owns      the transport (so that status and Retry-After are not lost), the parsing of every answer, and which calls
 *           of jira-client are alive.
 * Not here  what is written, and when it is tried again: nothing here repeats a call.
 */
import type JiraApi from 'jira-client';
import { z } from 'zod';
import { RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import { MAX_INLINE_BYTES } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { flavourOf, type JiraSettings } from './config.ts';
import {
  CommentPage,
  CreatedIssue,
  CreateField,
  CreatePage,
  CreateType,
  type HistoryEntry,
  JiraComment,
  JiraFile,
  JiraIssue,
  JiraUser,
  JiraWebhook,
  Permissions,
  SearchPage,
  Transitions,
  WithHistory,
} from './schema.ts';

/** Longest wait for one answer, in ms. */
const TIMEOUT_MS = 20_000;
/** Waits after a 429 that names no time, in ms; some proxies before Jira leave it out. */
const DEFAULT_WAIT_MS = 2_000;
/** An hourly quota that is used up: asking on would only use up the next. */
const QUOTA_WAIT_MS = 10 * 60_000;
/** Where administrators' webhooks are listed, below `/rest` (developer.atlassian.com, "Webhooks"). */
const WEBHOOK_LIST = 'webhooks/1.0/webhook';
/** The same, on Data Center since 10. */
const SERVER_WEBHOOK_LIST = 'jira-webhook/1.0/webhooks';
/** Types or fields of one page of what is needed to create an issue (REST API reference: up to 200). */
const CREATE_PAGE = 100;
/** What the gateway before Jira Cloud says, with a 401, to a token that does not reach so far. */
const WRONG_SCOPE = /scope does not match/i;
/** Where scoped tokens work (developer.atlassian.com, "Scoped API tokens"). */
const SCOPED_HOST = 'https://api.atlassian.com';

/** The credentials are wrong or may not do this at all. */
export class JiraCredentialError extends Error {}

/** The token is right, and its scopes do not reach so far. */
export class JiraScopeError extends JiraCredentialError {}

/** Jira answered with a status that is no success. */
export class JiraHttpError extends Error {
  constructor(
    readonly status: number,
    readonly sentences: string,
    readonly retryAfterMs: number | undefined,
    readonly reason: string | undefined,
  ) {
    super(`Jira answered ${status}${sentences ? `: ${sentences}` : ''}`);
  }
}

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

export interface NewComment {
  readonly body: string;
  readonly visibility?: { readonly type: 'role' | 'group'; readonly value: string };
  readonly properties?: readonly { readonly key: string; readonly value: unknown }[];
}

export class JiraClient {
  readonly isCloud: boolean;
  readonly #base: URL;
  #api: Promise<JiraApi> | undefined;

  constructor(
    private readonly settings: JiraSettings,
    private readonly log: Logger,
  ) {
    this.isCloud = flavourOf(settings) === 'cloud';
    const site = settings.url ?? 'http://localhost';
    this.#base = new URL(
      settings.cloud_id === undefined ? site : `${SCOPED_HOST}/ex/jira/${settings.cloud_id}`,
    );
  }

  async whoAmI(): Promise<JiraUser> {
    return JiraUser.parse(await this.#ask((jira) => jira.getCurrentUser()));
  }

  /** What this account may do in one project, in one issue, or in any project at all. */
  async permissions(
    names: readonly string[],
    { project, issue }: { project?: string; issue?: string } = {},
  ): Promise<ReadonlyMap<string, boolean>> {
    const query = new URLSearchParams({
      permissions: names.join(','),
      ...(project === undefined ? {} : { projectKey: project }),
      ...(issue === undefined ? {} : { issueKey: issue }),
    });
    const { permissions } = Permissions.parse(await this.#get(`mypermissions?${query}`));
    return new Map(Object.entries(permissions).map(([name, { havePermission }]) => [name, havePermission]));
  }

  /** Takes away what cannot be there, to see whether the token may write at all. */
  async tryToWrite(): Promise<void> {
    await this.#call('DELETE', 'comment/0/properties/signalbox-check').catch((error: unknown) => {
      if (!(error instanceof UndeliverableError)) throw error;
    });
  }

  /** The webhooks that administrators have entered; undefined when this account may not look. */
  async webhooks(): Promise<readonly JiraWebhook[] | undefined> {
    const lists = this.isCloud ? [WEBHOOK_LIST] : [SERVER_WEBHOOK_LIST, WEBHOOK_LIST];
    for (const list of lists) {
      try {
        const answer = await this.#send({ uri: this.#resource(list), method: 'GET' });
        return z.array(JiraWebhook).parse(answer);
      } catch (error) {
        const status = error instanceof Error && error.cause instanceof JiraHttpError && error.cause.status;
        if (status === 401 || status === 403) return undefined;
        if (status !== 404) throw error; // 404: the list of another version
      }
    }
    return undefined;
  }

  /** How an account is written in a mention: on Cloud by its id, on Data Center by its name, which may change. */
  async mentionName(account: string): Promise<string> {
    if (this.isCloud) return `accountid:${account}`;
    const { name } = JiraUser.parse(await this.#get(`user?key=${encodeURIComponent(account)}`));
    return name ?? account;
  }

  // ── Issues ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** `fields`: names of fields, all when absent. By the generic call: that of jira-client asks for too much. */
  async issue(key: string, fields?: readonly string[]): Promise<JiraIssue> {
    const query = fields ? `?fields=${fields.join(',')}` : '';
    return JiraIssue.parse(await this.#get(`issue/${encodeURIComponent(key)}${query}`));
  }

  async issueAsIs(key: string, fields: readonly string[]): Promise<unknown> {
    return this.#get(`issue/${encodeURIComponent(key)}?fields=${fields.join(',')}`);
  }

  /** Who last changed the assignee, and in which entry of the history; undefined when nobody did since it was created. */
  async lastAssignment(key: string): Promise<HistoryEntry | undefined> {
    const { changelog } = WithHistory.parse(
      await this.#get(`issue/${encodeURIComponent(key)}?fields=assignee&expand=changelog`),
    );
    return changelog.histories
      .filter(({ items }) => items.some(({ field }) => field === 'assignee'))
      .toSorted((one, other) => Date.parse(one.created) - Date.parse(other.created))
      .at(-1);
  }

  /** On Cloud by `search/jql`; the search that jira-client knows is gone there. Only ids unless `fields` are named. */
  async search(
    jql: string,
    {
      fields,
      most,
      after,
      properties = [],
    }: { fields: readonly string[]; most: number; after?: string; properties?: readonly string[] },
  ): Promise<z.infer<typeof SearchPage>> {
    if (this.isCloud) {
      const body = {
        jql,
        fields,
        maxResults: most,
        ...(after === undefined ? {} : { nextPageToken: after }),
        ...(properties.length === 0 ? {} : { properties }),
      };
      return SearchPage.parse(await this.#call('POST', 'search/jql', body));
    }
    const startAt = Number(after ?? 0);
    const asked = properties.length === 0 ? {} : { properties: [...properties] };
    const page = SearchPage.parse(
      await this.#ask((jira) =>
        jira.searchJira(jql, { fields: [...fields], maxResults: most, startAt, ...asked }),
      ),
    );
    const next = startAt + page.issues.length;
    const isLast = page.issues.length === 0 || next >= (page.total ?? next);
    return { ...page, isLast, ...(isLast ? {} : { nextPageToken: String(next) }) };
  }

  async createIssue(issue: {
    readonly fields: object;
    readonly properties: readonly { readonly key: string; readonly value: unknown }[];
  }): Promise<z.infer<typeof CreatedIssue>> {
    const { fields, properties } = issue;
    const wanted = { fields, ...(properties.length === 0 ? {} : { properties }) };
    return CreatedIssue.parse(await this.#ask((jira) => jira.addNewIssue(wanted)));
  }

  /** Types of issues that this account may create there. By the generic call: that of jira-client is gone on Cloud. */
  async createTypes(project: string): Promise<CreateType[]> {
    return z.array(CreateType).parse(await this.#createPages(`${encodeURIComponent(project)}/issuetypes`));
  }

  /** What is on the screen on which issues of a type are created. */
  async createFields(project: string, typeId: string): Promise<CreateField[]> {
    const path = `${encodeURIComponent(project)}/issuetypes/${encodeURIComponent(typeId)}`;
    return z.array(CreateField).parse(await this.#createPages(path));
  }

  async #createPages(path: string): Promise<unknown[]> {
    const all: unknown[] = [];
    for (;;) {
      const query = `startAt=${all.length}&maxResults=${CREATE_PAGE}`;
      const page = CreatePage.parse(await this.#get(`issue/createmeta/${path}?${query}`));
      const items = page.issueTypes ?? page.fields ?? page.values ?? [];
      all.push(...items);
      if (items.length === 0 || page.isLast === true || all.length >= (page.total ?? 0)) return all;
    }
  }

  async transitions(key: string): Promise<z.infer<typeof Transitions>['transitions']> {
    return Transitions.parse(await this.#ask((jira) => jira.listTransitions(encodeURIComponent(key))))
      .transitions;
  }

  async transition(key: string, id: string): Promise<void> {
    await this.#ask((jira) => jira.transitionIssue(encodeURIComponent(key), { transition: { id } }));
  }

  /** `account` undefined takes the assignee away. */
  async assign(key: string, account: string | undefined): Promise<void> {
    const who = this.isCloud
      ? { accountId: account ?? null }
      : { name: account === undefined ? null : await this.mentionName(account) };
    await this.#call('PUT', `issue/${encodeURIComponent(key)}/assignee`, who);
  }

  async link(link: { type: string; inward: string; outward: string }): Promise<void> {
    await this.#ask((jira) =>
      jira.issueLink({
        type: { name: link.type },
        inwardIssue: { key: link.inward },
        outwardIssue: { key: link.outward },
      }),
    );
  }

  // ── Comments ───────────────────────────────────────────────────────────────────────────────────────────────

  async comment(issue: string, id: string): Promise<JiraComment> {
    const path = `issue/${encodeURIComponent(issue)}/comment/${encodeURIComponent(id)}?expand=properties`;
    return JiraComment.parse(await this.#get(path));
  }

  /** Newest first. */
  async comments(issue: string, { most, from = 0 }: { most: number; from?: number }): Promise<JiraComment[]> {
    const query = `startAt=${from}&maxResults=${most}&orderBy=-created&expand=properties`;
    return CommentPage.parse(await this.#get(`issue/${encodeURIComponent(issue)}/comment?${query}`)).comments;
  }

  async addComment(issue: string, comment: NewComment): Promise<JiraComment> {
    return JiraComment.parse(await this.#call('POST', `issue/${encodeURIComponent(issue)}/comment`, comment));
  }

  async updateComment(issue: string, id: string, comment: NewComment): Promise<void> {
    const path = `issue/${encodeURIComponent(issue)}/comment/${encodeURIComponent(id)}`;
    await this.#call('PUT', path, comment);
  }

  /** Undefined when the comment has no such property. */
  async commentProperty(id: string, key: string): Promise<unknown> {
    try {
      const found = await this.#get(`comment/${encodeURIComponent(id)}/properties/${key}`);
      return z.object({ value: z.unknown() }).parse(found).value;
    } catch (error) {
      if (error instanceof UndeliverableError) return undefined;
      throw error;
    }
  }

  // ── Files ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Without jira-client, which reads files to disk and does not encode their names. */
  async attach(issue: string, file: { name: string; mediaType: string; bytes: Uint8Array }): Promise<void> {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(file.bytes)], { type: file.mediaType }), file.name);
    const response = await this.#fetch(this.#address(`issue/${encodeURIComponent(issue)}/attachments`), {
      method: 'POST',
      headers: { 'x-atlassian-token': 'no-check' },
      body: form,
    });
    z.array(JiraFile).parse(await response.json());
  }

  async filesOf(issue: string): Promise<JiraFile[]> {
    return (await this.issue(issue, ['attachment'])).fields.attachment ?? [];
  }

  /** @throws {UndeliverableError} when it is gone or too large */
  async download(id: string, signal: AbortSignal): Promise<Uint8Array> {
    const path = this.isCloud ? `attachment/content/${encodeURIComponent(id)}?redirect=false` : undefined;
    const address = path === undefined ? await this.#contentAddress(id) : this.#address(path);
    const response = await this.#fetch(address, { signal });
    const length = Number(response.headers.get('content-length') ?? 0);
    if (length > MAX_INLINE_BYTES) throw new UndeliverableError('jira', 'the file is too large');
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > MAX_INLINE_BYTES) throw new UndeliverableError('jira', 'the file is too large');
    return bytes;
  }

  /** Data Center names the address of the content; one of another host is not followed with our credentials. */
  async #contentAddress(id: string): Promise<string> {
    const { content } = z
      .object({ content: z.url() })
      .parse(await this.#get(`attachment/${encodeURIComponent(id)}`));
    // The scheme, too: Jira behind a proxy may write http, and the token would travel in the clear.
    if (new URL(content).origin !== this.#base.origin)
      throw new UndeliverableError('jira', 'the file lies elsewhere');
    return content;
  }

  // ── The wire ───────────────────────────────────────────────────────────────────────────────────────────────

  async #get(path: string): Promise<unknown> {
    return this.#ask((jira) => jira.genericGet(path));
  }

  /** For what jira-client cannot say, or says wrongly. */
  async #call(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    return this.#send({ uri: this.#address(path), method, body });
  }

  #address(path: string): string {
    return this.#resource(`api/2/${path}`);
  }

  #resource(path: string): string {
    return `${this.#base.href.replace(/\/$/, '')}/rest/${path}`;
  }

  /** Asks by way of jira-client. */
  async #ask(call: (jira: JiraApi) => Promise<unknown>): Promise<unknown> {
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
        this.#send(wanted).then(
          (body) => ({ answered: true, body }),
          (error: unknown) => ({
            answered: false,
            error: error instanceof Error ? error : new Error(String(error)),
          }),
        ),
    });
  }

  async #send(wanted: unknown): Promise<unknown> {
    const { uri, method, body, headers = {} } = Wanted.parse(wanted);
    const response = await this.#fetch(uri, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  }

  async #fetch(uri: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(uri, {
      ...init,
      headers: { accept: 'application/json', authorization: this.#credentials(), ...init.headers },
      redirect: 'error',
      signal: init.signal ? AbortSignal.any([init.signal, timeout]) : timeout,
    });
    if (response.ok) return response;
    throw this.#toOurError(await toHttpError(response));
  }

  #credentials(): string {
    const { email = '', api_token: token = '', personal_token: personal } = this.settings;
    if (!this.isCloud) return `Bearer ${personal ?? ''}`;
    return `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}`;
  }

  #toOurError(error: JiraHttpError): Error {
    switch (error.status) {
      case 401:
        return WRONG_SCOPE.test(error.sentences)
          ? new JiraScopeError(`${error.message}; the token lacks a scope`, { cause: error })
          : new JiraCredentialError(`${error.message}; the token is wrong, expired, or of another site`, {
              cause: error,
            });
      case 429:
        return this.#tooMuch(error);
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

  /** Burst and per-issue limits pass in seconds; a quota that is used up does not, and somebody has to know. */
  #tooMuch(error: JiraHttpError): RateLimitedError {
    const isQuota = error.reason?.startsWith('jira-quota') === true;
    if (isQuota)
      this.log.error(
        { reason: error.reason },
        'the quota of Jira is used up; nothing is asked of it for a while',
      );
    const waitMs = error.retryAfterMs ?? (isQuota ? QUOTA_WAIT_MS : DEFAULT_WAIT_MS);
    return new RateLimitedError('jira', waitMs, { cause: error });
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

async function toHttpError(response: Response): Promise<JiraHttpError> {
  const body: unknown = await response.json().catch(() => undefined);
  const said = z
    .object({
      errorMessages: z.array(z.string()).default([]),
      errors: z.record(z.string(), z.string()).default({}),
      /** Of the gateway before Jira Cloud. */
      message: z.string().optional(),
    })
    .safeParse(body);
  const sentences = said.success
    ? [
        ...said.data.errorMessages,
        ...(said.data.message === undefined ? [] : [said.data.message]),
        ...Object.entries(said.data.errors).map(([field, text]) => `${field}: ${text}`),
      ]
    : [];
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new JiraHttpError(
    response.status,
    sentences.join(' ').slice(0, 500),
    Number.isFinite(after) ? after * 1_000 : undefined,
    response.headers.get('ratelimit-reason') ?? undefined,
  );
}
