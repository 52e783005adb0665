/**
 * Calls to Jira, by way of jira-client.
 *
 * Owns      which calls of jira-client are alive, what is asked instead of the others, and the parsing of every answer.
 * Not here  the wire (`transport.ts`), what is written, and when it is tried again: nothing here repeats a call.
 */
import { z } from 'zod';
import { UndeliverableError } from '../../src/domain/errors.ts';
import { MAX_INLINE_BYTES } from '../../src/domain/message.ts';
import { JiraHttpError, JiraScopeError } from './http-error.ts';
import {
  accountOf,
  CommentPage,
  CreatedIssue,
  CreateField,
  CreatePage,
  CreateType,
  type History,
  JiraComment,
  JiraFile,
  JiraIssue,
  JiraProject,
  JiraUser,
  JiraWebhook,
  LinkTypes,
  Permissions,
  ProjectList,
  SearchPage,
  Transitions,
  WithHistory,
} from './schema.ts';
import type { JiraTransport } from './transport.ts';

/** Where administrators' webhooks are listed, below `/rest` (developer.atlassian.com, "Webhooks"). */
const WEBHOOK_LIST = 'webhooks/1.0/webhook';
/** The same, on Data Center since 10. */
const SERVER_WEBHOOK_LIST = 'jira-webhook/1.0/webhooks';
/** Types or fields of one page of what is needed to create an issue (REST API reference: up to 200). */
const CREATE_PAGE = 100;
/** The type of projects that are service desks, and so many of one page (REST API reference, "Get projects paginated"). */
const SERVICE_DESK = 'service_desk';
const PROJECT_PAGE = 50;

export interface NewComment {
  readonly body: string;
  readonly visibility?: {
    readonly type: 'role' | 'group';
    readonly value?: string;
    readonly identifier?: string;
  };
  readonly properties?: readonly { readonly key: string; readonly value: unknown }[];
}

export class JiraClient {
  constructor(private readonly transport: JiraTransport) {}

  get isCloud(): boolean {
    return this.transport.isCloud;
  }

  async whoAmI(): Promise<JiraUser> {
    return JiraUser.parse(await this.transport.ask((jira) => jira.getCurrentUser()));
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
    const { permissions } = Permissions.parse(await this.transport.get(`mypermissions?${query}`));
    return new Map(Object.entries(permissions).map(([name, { havePermission }]) => [name, havePermission]));
  }

  /** Keys of the service desks that the account sees; on Cloud the first so many. */
  async serviceDesks(): Promise<string[]> {
    const query = `project/search?typeKey=${SERVICE_DESK}&maxResults=${PROJECT_PAGE}`;
    const listed = ProjectList.parse(await this.transport.get(this.isCloud ? query : 'project'));
    return z
      .array(JiraProject)
      .parse(listed)
      .filter(({ projectTypeKey }) => projectTypeKey === SERVICE_DESK)
      .map(({ key }) => key);
  }

  /** Takes away what cannot be there, to see whether the token may write at all. */
  async tryToWrite(): Promise<void> {
    await this.transport.call('DELETE', 'comment/0/properties/signalbox-check').catch((error: unknown) => {
      if (!(error instanceof UndeliverableError)) throw error;
    });
  }

  /** The webhooks that administrators have entered; undefined when this account may not look. */
  async webhooks(): Promise<readonly JiraWebhook[] | undefined> {
    const lists = this.isCloud ? [WEBHOOK_LIST] : [SERVER_WEBHOOK_LIST, WEBHOOK_LIST];
    for (const list of lists) {
      try {
        const answer = await this.transport.send({ uri: this.transport.resource(list), method: 'GET' });
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
    const { name } = JiraUser.parse(await this.transport.get(`user?key=${encodeURIComponent(account)}`));
    return name ?? account;
  }

  // ── Issues ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** `fields`: names of fields, all when absent. By the generic call: that of jira-client asks for too much. */
  async issue(key: string, fields?: readonly string[]): Promise<JiraIssue> {
    const query = fields ? `?fields=${fields.join(',')}` : '';
    return JiraIssue.parse(await this.transport.get(`issue/${encodeURIComponent(key)}${query}`));
  }

  async issueAsIs(key: string, fields: readonly string[]): Promise<unknown> {
    return this.transport.get(`issue/${encodeURIComponent(key)}?fields=${fields.join(',')}`);
  }

  /** What was changed in an issue, and by whom; of a long history perhaps the newest entries only. */
  async history(key: string): Promise<History> {
    const { changelog } = WithHistory.parse(
      await this.transport.get(`issue/${encodeURIComponent(key)}?fields=assignee&expand=changelog`),
    );
    const { histories, total = histories.length } = changelog;
    // Ids count up, for what was changed within a second that Jira keeps whole.
    const entries = histories.toSorted(
      (one, other) =>
        Date.parse(one.created) - Date.parse(other.created) || Number(one.id) - Number(other.id),
    );
    return { entries, isWhole: total <= entries.length };
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
      return SearchPage.parse(await this.transport.call('POST', 'search/jql', body));
    }
    const startAt = Number(after ?? 0);
    const asked = properties.length === 0 ? {} : { properties: [...properties] };
    const page = SearchPage.parse(
      await this.transport.ask((jira) =>
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
    return CreatedIssue.parse(await this.transport.ask((jira) => jira.addNewIssue(wanted)));
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
      const page = CreatePage.parse(await this.transport.get(`issue/createmeta/${path}?${query}`));
      const items = page.issueTypes ?? page.fields ?? page.values ?? [];
      all.push(...items);
      if (items.length === 0 || page.isLast === true || all.length >= (page.total ?? 0)) return all;
    }
  }

  async transitions(key: string): Promise<z.infer<typeof Transitions>['transitions']> {
    return Transitions.parse(
      await this.transport.ask((jira) => jira.listTransitions(encodeURIComponent(key))),
    ).transitions;
  }

  async transition(key: string, id: string): Promise<void> {
    await this.transport.ask((jira) => jira.transitionIssue(encodeURIComponent(key), { transition: { id } }));
  }

  /** `account` undefined takes the assignee away. */
  async assign(key: string, account: string | undefined): Promise<void> {
    const who = this.isCloud
      ? { accountId: account ?? null }
      : { name: account === undefined ? null : await this.mentionName(account) };
    await this.transport.call('PUT', `issue/${encodeURIComponent(key)}/assignee`, who);
  }

  /** The person with this account, if an issue can be given to them; `unknown` where we may not look for people. */
  async assignable(key: string, account: string): Promise<JiraUser | 'nobody' | 'unknown'> {
    try {
      const who = this.isCloud ? { accountId: account } : { username: await this.mentionName(account) };
      const query = new URLSearchParams({ issueKey: key, ...who });
      const found = z.array(JiraUser).parse(await this.transport.get(`user/assignable/search?${query}`));
      return found.find((user) => accountOf(user) === account) ?? 'nobody';
    } catch (error) {
      const status = error instanceof Error && error.cause instanceof JiraHttpError && error.cause.status;
      if (status === 404) return 'nobody'; // Data Center, asked for the name of an account that is none
      if (error instanceof UndeliverableError || error instanceof JiraScopeError) return 'unknown';
      throw error;
    }
  }

  /** Names of the types of links. */
  async linkTypes(): Promise<string[]> {
    const { issueLinkTypes } = LinkTypes.parse(await this.transport.get('issueLinkType'));
    return issueLinkTypes.map(({ name }) => name);
  }

  async link(link: { type: string; inward: string; outward: string }): Promise<void> {
    await this.transport.ask((jira) =>
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
    return JiraComment.parse(await this.transport.get(path));
  }

  /** Newest first. One that cannot be read hides none of the others. */
  async comments(
    issue: string,
    { most, from = 0 }: { most: number; from?: number },
  ): Promise<{ comments: JiraComment[]; unread: string[] }> {
    const query = `startAt=${from}&maxResults=${most}&orderBy=-created&expand=properties`;
    const page = CommentPage.parse(
      await this.transport.get(`issue/${encodeURIComponent(issue)}/comment?${query}`),
    );
    const comments: JiraComment[] = [];
    const unread: string[] = [];
    for (const each of page.comments) {
      const { success, data } = JiraComment.safeParse(each);
      if (success) comments.push(data);
      else unread.push(idIn(each));
    }
    if (unread.length > 0)
      this.transport.log.warn({ issue, comments: unread }, 'comments of an issue cannot be read');
    return { comments, unread };
  }

  async addComment(issue: string, comment: NewComment): Promise<JiraComment> {
    return JiraComment.parse(
      await this.transport.call('POST', `issue/${encodeURIComponent(issue)}/comment`, comment),
    );
  }

  async updateComment(issue: string, id: string, comment: NewComment): Promise<void> {
    const path = `issue/${encodeURIComponent(issue)}/comment/${encodeURIComponent(id)}`;
    await this.transport.call('PUT', path, comment);
  }

  /** Undefined when the comment has no such property. */
  async commentProperty(id: string, key: string): Promise<unknown> {
    try {
      const found = await this.transport.get(`comment/${encodeURIComponent(id)}/properties/${key}`);
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
    const response = await this.transport.fetch(
      this.transport.address(`issue/${encodeURIComponent(issue)}/attachments`),
      {
        method: 'POST',
        headers: { 'x-atlassian-token': 'no-check' },
        body: form,
      },
    );
    z.array(JiraFile).parse(await response.json());
  }

  async filesOf(issue: string): Promise<JiraFile[]> {
    return (await this.issue(issue, ['attachment'])).fields.attachment ?? [];
  }

  /** @throws {UndeliverableError} when it is gone or too large */
  async download(id: string, signal: AbortSignal): Promise<Uint8Array> {
    const path = this.isCloud ? `attachment/content/${encodeURIComponent(id)}?redirect=false` : undefined;
    const address = path === undefined ? await this.#contentAddress(id) : this.transport.address(path);
    const response = await this.transport.fetch(address, { signal });
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
      .parse(await this.transport.get(`attachment/${encodeURIComponent(id)}`));
    // The scheme, too: Jira behind a proxy may write http, and the token would travel in the clear.
    if (new URL(content).origin !== this.transport.origin)
      throw new UndeliverableError('jira', 'the file lies elsewhere');
    return content;
  }
}

/** Of what is otherwise unreadable. */
function idIn(thing: unknown): string {
  const { success, data } = z.object({ id: z.string() }).safeParse(thing);
  return success ? data.id : 'without an id';
}
