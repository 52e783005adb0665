/**
 * The emulated Jira: one site, one app account, and the people in it.
 *
 * The app's side is the real wire (REST API v2, signed webhooks); the people's side is this class, for the page and
 * for tests. Nothing is accepted from the app that Jira would refuse.
 */
import type { FastifyInstance } from 'fastify';
import { type Clock, systemClock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';
import { BOT, PROJECT } from '../people.ts';
import { STATUSES, TRANSITIONS, userOf } from './catalogue.ts';
import type { Fault } from './faults.ts';
import { parseJql } from './jql.ts';
import type { Happening } from './operation.ts';
import { createOperations } from './operations.ts';
import { type RestCall, RestServer, type Violation } from './rest-server.ts';
import { toWebhook } from './webhook-payloads.ts';
import {
  type ListedWebhook,
  type RawPost,
  type WebhookDelivery,
  type WebhookOptions,
  Webhooks,
} from './webhooks.ts';
import { type Site, toJiraTime } from './wire.ts';
import { type Comment, type Issue, type Link, type StoredFile, type Visibility, World } from './world.ts';

export interface JiraSandboxOptions extends WebhookOptions {
  /** Default cloud. */
  readonly flavour?: Site['flavour'];
  /** Of Data Center, three numbers. Default 10.3.0. */
  readonly version?: string;
  /** Where webhooks go; without it nobody is told. */
  readonly webhookUrl?: string;
  /** The app's account may administer the site, and so see the list of webhooks. Default false. */
  readonly administrator?: boolean;
  /** Permissions that the app's account has not, by what Jira says when it is asked for them. */
  readonly lacks?: readonly string[];
  /** Refuse more writes to one issue than Jira allows. Default false: stories are told faster than people write. */
  readonly limitWrites?: boolean;
  /** Refuse more calls of one endpoint in a second than Jira Cloud takes. Default false, for the same reason. */
  readonly limitBursts?: boolean;
  /** How long after a change a search does not see it yet, in ms. Default 0. */
  readonly searchLagMs?: number;
  /** Leave the issue out of `comment_created`, as some sites do. Default false. */
  readonly webhooksWithoutIssue?: boolean;
}

export interface Wrote {
  readonly id: string;
  /** Resolves once the app has acknowledged; rejects if Jira gives up. */
  readonly acknowledged: Promise<void>;
}

/** How many calls and violations are kept to be looked at. */
const MAX_KEPT = 20_000;

/** How long `until` waits before it says what it saw instead. */
const UNTIL_TIMEOUT_MS = 10_000;

const EMAIL = 'signalbox@corp.test';
const CLOUD_ID = '11111111-2222-4333-8444-555555555555';

export class JiraSandbox {
  readonly email = EMAIL;
  readonly cloudId = CLOUD_ID;
  readonly apiToken = 'sandbox-jira-api-token';
  /** Works only below `/ex/jira/<cloud id>`. */
  readonly scopedToken = 'sandbox-jira-scoped-token';
  /** Of Data Center. */
  readonly personalToken = 'sandbox-jira-personal-token';
  readonly webhookSecret = 'sandbox-jira-webhook-secret';
  readonly calls: RestCall[] = [];
  /** Requests that do not fit the published API. */
  readonly violations: Violation[] = [];

  readonly #world: World;
  readonly #server: RestServer;
  readonly #webhooks: Webhooks;
  readonly #listeners = new Set<() => void>();
  readonly #flavour: Site['flavour'];
  #app: FastifyInstance | undefined;

  constructor(
    journal: Journal,
    private readonly options: JiraSandboxOptions = {},
    private readonly clock: Clock = systemClock,
  ) {
    this.#flavour = options.flavour ?? 'cloud';
    this.#world = new World(journal, clock);
    this.#webhooks = new Webhooks(this.webhookSecret, options, () => this.#changed());
    this.#webhooks.use(options.webhookUrl);
    this.#server = new RestServer({
      world: this.#world,
      operations: createOperations({
        world: this.#world,
        site: () => this.#site(),
        now: () => clock.now(),
        happened: (happening) => {
          this.#tell(happening).catch(() => undefined); // the app itself did it
        },
        holds: (permission) =>
          permission === 'ADMINISTER'
            ? (options.administrator ?? false)
            : !options.lacks?.includes(permission),
        webhooks: () => this.#webhooks.list,
        searchLagMs: () => options.searchLagMs ?? 0,
      }),
      flavour: this.#flavour,
      site: () => this.#site(),
      clock,
      authenticate: (authorization, isScoped) => this.#authenticate(authorization, isScoped),
      cloudId: CLOUD_ID,
      limitsWrites: options.limitWrites ?? false,
      limitsBursts: options.limitBursts ?? false,
      note: (call) => this.#keep(this.calls, call),
      violated: (violation) => this.#keep(this.violations, violation),
    });
    this.#world.onChange(() => this.#changed());
  }

  /** Adds the REST API at `/jira/rest` and, for scoped tokens, at `/jira/ex/jira/<cloud id>/rest`. */
  register(app: FastifyInstance): void {
    this.#app = app;
    this.#server.register(app);
  }

  /** Reads the journal back. */
  async start(): Promise<void> {
    this.#world.start();
  }

  /** Gives up what was not delivered. Safe to call twice. */
  async stop(): Promise<void> {
    this.#webhooks.stop();
  }

  /** What points a gateway at this sandbox, as environment variables. */
  env(url: string): Record<string, string> {
    return {
      JIRA_URL: `${url}/jira`,
      JIRA_EMAIL: EMAIL,
      JIRA_API_TOKEN: this.apiToken,
      JIRA_WEBHOOK_SECRET: this.webhookSecret,
      JIRA_APPROVAL_ISSUE: PROJECT.approvalIssue,
    };
  }

  // What people do.

  /** Somebody writes a comment. `@signalbox` becomes a mention of the bot; see `mention` for others. */
  comment(wanted: {
    user: string;
    issue: string;
    text: string;
    visibility?: Visibility;
    /** Of a service desk: for agents only. */
    internal?: boolean;
  }): Wrote {
    const { user, issue, text, visibility, internal } = wanted;
    const comment = this.#world.addComment(this.#issue(issue), {
      author: user,
      body: text.replaceAll('@signalbox', this.mention(BOT.jiraAccount)),
      ...(visibility ? { visibility } : {}),
      ...(internal ? { properties: { 'sd.public.comment': { internal: true } } } : {}),
    });
    return { id: comment.id, acknowledged: this.#tell({ kind: 'comment-created', comment }) };
  }

  /** Anybody may edit: an administrator the comment of somebody else, too. */
  editComment({ user, id, text }: { user: string; id: string; text: string }): Wrote {
    const comment = this.#world.changeComment(this.#comment(id), { body: text }, user);
    return { id, acknowledged: this.#tell({ kind: 'comment-updated', comment }) };
  }

  removeComment({ id }: { id: string }): Wrote {
    const comment = this.#comment(id);
    this.#world.removeComment(comment);
    return { id, acknowledged: this.#tell({ kind: 'comment-deleted', comment }) };
  }

  /** `to` undefined takes the assignee away. */
  assign({ user, issue, to }: { user: string; issue: string; to: string | undefined }): Wrote {
    const before = this.#issue(issue);
    const after = this.#world.changeIssue(before, { assignee: to }, user);
    return { id: after.id, acknowledged: this.#tell({ kind: 'issue-updated', before, after, by: user }) };
  }

  /** `to` is the name of a status. */
  transition({ user, issue, to }: { user: string; issue: string; to: string }): Wrote {
    const before = this.#issue(issue);
    const transition = TRANSITIONS.find(({ name }) => name === to);
    if (!transition)
      throw new Error(`no status ${to}; there are ${STATUSES.map(({ name }) => name).join(', ')}`);
    const after = this.#world.changeIssue(before, { status: transition.to }, user);
    return { id: after.id, acknowledged: this.#tell({ kind: 'issue-updated', before, after, by: user }) };
  }

  createIssue(wanted: {
    user: string;
    project?: string;
    summary: string;
    description?: string;
    assignee?: string;
  }): Wrote & { key: string } {
    const { user, project = PROJECT.key, summary, description, assignee } = wanted;
    const issue = this.#world.addIssue({
      project,
      summary,
      reporter: user,
      ...(description === undefined ? {} : { description }),
      ...(assignee === undefined ? {} : { assignee }),
    });
    const acknowledged = this.#tell({ kind: 'issue-created', issue, by: user });
    return { id: issue.id, key: issue.key, acknowledged };
  }

  removeIssue({ user, issue }: { user: string; issue: string }): Wrote {
    const gone = this.#issue(issue);
    this.#world.removeIssue(gone);
    return { id: gone.id, acknowledged: this.#tell({ kind: 'issue-deleted', issue: gone, by: user }) };
  }

  /** `type` is the name of a type of links, such as Blocks: `inward` blocks `outward`. */
  link({ type, inward, outward }: { type: string; inward: string; outward: string }): Wrote {
    const link = this.#world.addLink({
      type,
      inward: this.#issue(inward).id,
      outward: this.#issue(outward).id,
    });
    return { id: link.id, acknowledged: this.#tell({ kind: 'link-created', link }) };
  }

  attach(wanted: {
    user: string;
    issue: string;
    filename: string;
    mimeType: string;
    bytes: Uint8Array;
  }): StoredFile {
    const { user, issue, filename, mimeType, bytes } = wanted;
    const base64 = Buffer.from(bytes).toString('base64');
    return this.#world.addFile({ issue: this.#issue(issue).id, author: user, filename, mimeType, base64 });
  }

  /** What stands for a person in a text. */
  mention(account: string): string {
    return this.#flavour === 'cloud'
      ? `[~accountid:${account}]`
      : `[~${userOf(account)?.displayName.toLowerCase().split(' ')[0]}]`;
  }

  // What there is.

  get issues(): Issue[] {
    return this.#world.issues;
  }

  issue(key: string): Issue | undefined {
    return this.#world.issue(key);
  }

  /** The name of an issue's status. */
  status(key: string): string | undefined {
    return STATUSES.find(({ id }) => id === this.issue(key)?.status)?.name;
  }

  /** Oldest first, those for some only, too. */
  comments(key: string): Comment[] {
    const issue = this.#world.issue(key);
    return issue ? this.#world.commentsOf(issue) : [];
  }

  attachments(key: string): StoredFile[] {
    const issue = this.#world.issue(key);
    return issue ? this.#world.filesOf(issue) : [];
  }

  links(key: string): Link[] {
    const issue = this.#world.issue(key);
    return issue ? this.#world.linksOf(issue) : [];
  }

  get webhookUrl(): string | undefined {
    return this.#webhooks.address;
  }

  get deliveries(): readonly WebhookDelivery[] {
    return this.#webhooks.deliveries;
  }

  get unacknowledged(): number {
    return this.#webhooks.deliveries.filter(({ state }) => state === 'waiting').length;
  }

  /** Calls `listener` after every change of anything above; the function returned ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves with what `find` returns, as soon as that is neither undefined nor false. Looks after every change.
   *
   * @throws {Error} after `timeoutMs` (default 10 s), with what there is instead
   */
  async until<Found>(
    find: (jira: this) => Found | undefined | false,
    { timeoutMs = UNTIL_TIMEOUT_MS }: { timeoutMs?: number } = {},
  ): Promise<Found> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        stopListening();
        act();
      };
      const look = () => {
        try {
          const found = find(this);
          if (found !== undefined && found !== false) settle(() => resolve(found));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const timer = setTimeout(
        () =>
          settle(() =>
            reject(new Error(`not seen in Jira within ${timeoutMs} ms. There is: ${this.#summary()}`)),
          ),
        timeoutMs,
      );
      const stopListening = this.onChange(look);
      look();
    });
  }

  // What goes wrong, and what the app's owner sets.

  /** The next `times` calls of an operation, such as `addComment` (`*`: of any), fail like this. */
  fail(operation: string, fault: Fault, times = 1): void {
    this.#server.faults.add(operation, fault, times);
  }

  /** Forgets the failures still ordered. */
  heal(): void {
    this.#server.faults.clear();
  }

  deliverTo(webhookUrl: string | undefined): void {
    this.#webhooks.use(webhookUrl);
  }

  /** What an administrator has entered; by default one webhook for everything. Deliveries keep to it. */
  get webhookList(): readonly ListedWebhook[] {
    return this.#webhooks.list;
  }

  set webhookList(list: readonly ListedWebhook[]) {
    this.#webhooks.list = list;
  }

  /** Sends the newest event of this name once more, as after a lost answer. */
  redeliver(event: string): Promise<WebhookDelivery['lastOutcome']> {
    return this.#webhooks.repeat(event);
  }

  /** Whatever somebody else might send to the webhook. Resolves with the status. */
  deliverRaw(post: RawPost): Promise<number | 'timeout' | 'failed'> {
    return this.#webhooks.post(post);
  }

  #tell(happening: Happening): Promise<void> {
    const acknowledged = this.#toldOf(happening);
    acknowledged.catch(() => undefined); // whoever waits for it hears of it
    return acknowledged;
  }

  async #toldOf(happening: Happening): Promise<void> {
    const told = toWebhook(happening, {
      world: this.#world,
      site: this.#site(),
      now: this.clock.now(),
      withoutIssue: this.options.webhooksWithoutIssue ?? false,
    });
    if (told) await this.#webhooks.tell(told.event, told.payload, this.#matcher(told.issue));
  }

  /** Whether a webhook with this JQL is told of the issue. JQL limits what happens to issues, and nothing else. */
  #matcher(issue: Issue | undefined): (jql: string) => boolean {
    if (!issue) return () => true;
    const user = userOf(BOT.jiraAccount);
    if (!user) throw new Error('the bot has no account');
    const context = { world: this.#world, user, now: this.clock.now() };
    return (jql) => parseJql(jql, context).matches(issue);
  }

  #authenticate(authorization: string | undefined, isScoped: boolean): string | undefined {
    const basic = (token: string) => `Basic ${Buffer.from(`${EMAIL}:${token}`).toString('base64')}`;
    const accepted =
      this.#flavour === 'data-center'
        ? [`Bearer ${this.personalToken}`]
        : [isScoped ? basic(this.scopedToken) : basic(this.apiToken)];
    return authorization !== undefined && accepted.includes(authorization) ? BOT.jiraAccount : undefined;
  }

  #issue(key: string): Issue {
    const issue = this.#world.issue(key);
    if (!issue)
      throw new Error(
        `there is no issue ${key}; there are ${this.issues.map((each) => each.key).join(', ')}`,
      );
    return issue;
  }

  #comment(id: string): Comment {
    const comment = this.#world.comment(id);
    if (!comment) throw new Error(`there is no comment ${id}`);
    return comment;
  }

  #site(): Site {
    return {
      url: `${this.#app?.listeningOrigin ?? 'http://127.0.0.1'}/jira`,
      flavour: this.#flavour,
      version: this.#flavour === 'cloud' ? '1001.0.0' : (this.options.version ?? '10.3.0'),
    };
  }

  #keep<Kept>(list: Kept[], kept: Kept): void {
    list.push(kept);
    if (list.length > MAX_KEPT) list.shift();
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #summary(): string {
    const comments = this.issues.flatMap(({ key }) =>
      this.comments(key).map(({ author, body }) => ({
        key,
        author: userOf(author)?.displayName,
        body: body.slice(0, 200),
      })),
    );
    return JSON.stringify({
      comments: comments.slice(-6),
      lastCalls: this.calls.slice(-8).map(({ operation, status }) => `${operation}: ${status}`),
      lastDeliveries: this.deliveries
        .slice(-4)
        .map(({ event, state, lastOutcome }) => `${event}: ${state} ${lastOutcome}`),
      violations: this.violations.slice(-3),
      at: toJiraTime(this.clock.now()),
    });
  }
}
