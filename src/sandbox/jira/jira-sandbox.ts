/**
 * The emulated Jira: one site, one app account, and the people in it.
 *
 * Owns      the parts and what they are told of each other, and what was called.
 * Not here  the app's side, which is the real wire (`rest-server.ts`, `webhooks.ts`); what people do (`deeds.ts`).
 *
 * Nothing is accepted from the app that Jira would refuse.
 */
import type { FastifyInstance } from 'fastify';
import { type Clock, systemClock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';
import { PROJECT } from '../people.ts';
import { Watch } from '../watch.ts';
import { Announcer } from './announcer.ts';
import { type AccountOptions, AppAccount } from './app-account.ts';
import { STATUSES, userOf } from './catalogue.ts';
import type { CreateScreen } from './create-screen.ts';
import { Deeds } from './deeds.ts';
import type { Fault } from './faults.ts';
import { createOperations } from './operations.ts';
import { type RestCall, RestServer, type Violation } from './rest-server.ts';
import type { PayloadOptions } from './webhook-payloads.ts';
import {
  type ListedWebhook,
  type RawPost,
  type WebhookDelivery,
  type WebhookOptions,
  Webhooks,
} from './webhooks.ts';
import { type Site, toJiraTime } from './wire.ts';
import { type Comment, type Issue, type Link, type StoredFile, World } from './world.ts';

export interface JiraSandboxOptions extends WebhookOptions, AccountOptions, PayloadOptions {
  /** Default cloud. */
  readonly flavour?: Site['flavour'];
  /** Of Data Center, three numbers. Default 10.3.0. */
  readonly version?: string;
  /** Where webhooks go; without it nobody is told. */
  readonly webhookUrl?: string;
  /** What the screen on which issues are created has not, or has more. Default: every field that can be set. */
  readonly createScreen?: CreateScreen;
  /** Refuse more writes to one issue than Jira allows. Default false: stories are told faster than people write. */
  readonly limitWrites?: boolean;
  /** Refuse more calls of one endpoint in a second than Jira Cloud takes. Default false, for the same reason. */
  readonly limitBursts?: boolean;
  /** Points of an hour, which all calls together use up. Default: no quota, as for an account with an API token. */
  readonly pointsPerHour?: number;
  /** How long after a change a search does not see it yet, in ms. Default 0. */
  readonly searchLagMs?: number;
}

/** How many calls and violations are kept to be looked at. */
const MAX_KEPT = 20_000;

export class JiraSandbox {
  readonly webhookSecret = 'sandbox-jira-webhook-secret';
  readonly calls: RestCall[] = [];
  /** Requests that do not fit the published API. */
  readonly violations: Violation[] = [];

  readonly #account: AppAccount;
  readonly #world: World;
  readonly #server: RestServer;
  readonly #webhooks: Webhooks;
  readonly #deeds: Deeds;
  readonly #watch = new Watch('in Jira');
  readonly #flavour: Site['flavour'];
  #app: FastifyInstance | undefined;

  constructor(
    journal: Journal,
    private readonly options: JiraSandboxOptions = {},
    private readonly clock: Clock = systemClock,
  ) {
    this.#flavour = options.flavour ?? 'cloud';
    this.#account = new AppAccount(this.#flavour, options);
    this.#world = new World(journal, clock);
    this.#webhooks = new Webhooks(this.webhookSecret, options, () => this.#watch.changed());
    this.#webhooks.use(options.webhookUrl);
    const site = () => this.#site();
    const announcer = new Announcer(this.#world, this.#webhooks, site, clock, options);
    this.#deeds = new Deeds(this.#world, announcer, this.#flavour);
    this.#server = new RestServer({
      world: this.#world,
      operations: createOperations({
        world: this.#world,
        site,
        now: () => clock.now(),
        happened: (happening) => void announcer.tell(happening), // the app itself did it
        holds: (permission, project) => this.#account.holds(permission, project),
        createScreen: options.createScreen ?? {},
        webhooks: () => this.#webhooks.list,
        searchLagMs: () => options.searchLagMs ?? 0,
      }),
      flavour: this.#flavour,
      site,
      clock,
      account: this.#account,
      limitsWrites: options.limitWrites ?? false,
      limitsBursts: options.limitBursts ?? false,
      pointsPerHour: options.pointsPerHour,
      note: (call) => this.#keep(this.calls, call),
      violated: (violation) => this.#keep(this.violations, violation),
    });
    this.#world.onChange(() => this.#watch.changed());
  }

  get email(): string {
    return this.#account.email;
  }

  get cloudId(): string {
    return this.#account.cloudId;
  }

  get apiToken(): string {
    return this.#account.apiToken;
  }

  /** Works only below `/ex/jira/<cloud id>`. */
  get scopedToken(): string {
    return this.#account.scopedToken;
  }

  /** Of Data Center. */
  get personalToken(): string {
    return this.#account.personalToken;
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
      JIRA_EMAIL: this.email,
      JIRA_API_TOKEN: this.apiToken,
      JIRA_WEBHOOK_SECRET: this.webhookSecret,
      JIRA_APPROVAL_ISSUE: PROJECT.approvalIssue,
    };
  }

  // What people do; see `deeds.ts`.

  comment(...wanted: Parameters<Deeds['comment']>): ReturnType<Deeds['comment']> {
    return this.#deeds.comment(...wanted);
  }

  editComment(...wanted: Parameters<Deeds['editComment']>): ReturnType<Deeds['editComment']> {
    return this.#deeds.editComment(...wanted);
  }

  removeComment(...wanted: Parameters<Deeds['removeComment']>): ReturnType<Deeds['removeComment']> {
    return this.#deeds.removeComment(...wanted);
  }

  assign(...wanted: Parameters<Deeds['assign']>): ReturnType<Deeds['assign']> {
    return this.#deeds.assign(...wanted);
  }

  transition(...wanted: Parameters<Deeds['transition']>): ReturnType<Deeds['transition']> {
    return this.#deeds.transition(...wanted);
  }

  createIssue(...wanted: Parameters<Deeds['createIssue']>): ReturnType<Deeds['createIssue']> {
    return this.#deeds.createIssue(...wanted);
  }

  removeIssue(...wanted: Parameters<Deeds['removeIssue']>): ReturnType<Deeds['removeIssue']> {
    return this.#deeds.removeIssue(...wanted);
  }

  link(...wanted: Parameters<Deeds['link']>): ReturnType<Deeds['link']> {
    return this.#deeds.link(...wanted);
  }

  attach(...wanted: Parameters<Deeds['attach']>): ReturnType<Deeds['attach']> {
    return this.#deeds.attach(...wanted);
  }

  mention(...wanted: Parameters<Deeds['mention']>): ReturnType<Deeds['mention']> {
    return this.#deeds.mention(...wanted);
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
    return this.#watch.onChange(listener);
  }

  /**
   * Resolves with what `find` returns, as soon as that is neither undefined nor false. Looks after every change.
   *
   * @throws {Error} after `timeoutMs` (default 10 s), with what there is instead
   */
  async until<Found>(
    find: (jira: this) => Found | undefined | false,
    { timeoutMs }: { timeoutMs?: number } = {},
  ): Promise<Found> {
    return this.#watch.until(
      () => find(this),
      () => this.#summary(),
      timeoutMs,
    );
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
    this.#watch.changed();
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
