/**
 * Jira, Cloud and Data Center, by way of jira-client: signed webhooks, or polling.
 *
 * Owns      the connection, what is listened to, and what Jira is told when.
 * Not here  who may decide what, what is said, and how fast an issue may be written to.
 *
 * Invariants
 *   1. A webhook is acknowledged after `receive` resolved, and answered with a failure when it rejected.
 *   2. What a webhook says is asked for again before it is believed.
 *   3. Nothing of ours comes back in: own comments are known by their author and by their mark.
 */
import pRetry from 'p-retry';
import type { Clock } from '../../src/domain/clock.ts';
import { StartupError } from '../../src/domain/errors.ts';
import type { Bookmarks, CheckFinding, Gateway, Pace, Receive, Trouble } from '../../src/domain/gateway.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import type { Address, OutboundMessage, Sent } from '../../src/domain/message.ts';
import type { Tool } from '../../src/domain/tool.ts';
import { readUrl } from '../../src/domain/url.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { LastRequest } from '../last-request.ts';
import type { WebhookListener } from '../webhook-listener.ts';
import { checkJira } from './check.ts';
import { JiraClient } from './client.ts';
import { type JiraSettings, missingJiraSettings, siteOf } from './config.ts';
import { JiraCredentialError } from './http-error.ts';
import { JIRA, toAddress } from './inbound.ts';
import { JiraIntake } from './intake.ts';
import { JiraPoller, type PollTiming } from './poller.ts';
import type { JiraUser, WebhookEvent } from './schema.ts';
import { SeenIssues } from './seen-issues.ts';
import { JiraSender } from './sender.ts';
import { createJiraTools } from './tools.ts';
import { JiraTransport } from './transport.ts';
import { createWebhookHandler } from './webhook.ts';
import { toWiki } from './wiki.ts';

/** Pauses between attempts to reach Jira at start, in ms. */
const RECONNECT_AFTER_MS = 1_000;
const RECONNECT_AT_MOST_MS = 60_000;

export interface JiraDeps {
  readonly listener: WebhookListener;
  readonly bookmarks: Bookmarks;
  readonly clock: Clock;
  readonly log: Logger;
  /** For tests: pauses, in ms. */
  readonly timing?: JiraTiming;
}

export interface JiraTiming extends PollTiming {
  /** Between attempts to reach Jira at start. */
  readonly reconnectAfterMs?: number;
  readonly reconnectAtMostMs?: number;
}

export class JiraGateway implements Gateway {
  readonly tellsEverybody = true;
  readonly platform = JIRA;
  readonly pace: Pace;
  readonly tools: readonly Tool[];
  readonly #transport: JiraTransport;
  readonly #client: JiraClient;
  readonly #sender: JiraSender;
  readonly #lastWebhook: LastRequest;
  readonly #seen = new SeenIssues();
  readonly #underWay = new Set<Promise<void>>();
  #stopping = new AbortController();
  #closeRoute: (() => void) | undefined;
  #poller: JiraPoller | undefined;
  #us: JiraUser | undefined;

  constructor(
    private readonly settings: JiraSettings,
    private readonly deps: JiraDeps,
  ) {
    this.#transport = new JiraTransport(settings, deps.clock, deps.log);
    this.#client = new JiraClient(this.#transport);
    this.#lastWebhook = new LastRequest(`jira-webhook:${siteOf(settings)}:${settings.path}`, deps);
    this.tools = createJiraTools(this.#client, {
      answersInternal: settings.answers_internal,
      projects: settings.projects,
    });
    this.#sender = new JiraSender(this.#client, () => this.#whoAmI());
    const { posts, seconds } = settings.pace;
    this.pace = { posts, perMs: seconds * 1_000, channelOf: ({ route }) => route.issue ?? '' };
  }

  /**
   * Tries until Jira answers, however long it is away. Rejects when `stop` is called meanwhile.
   *
   * @throws {StartupError} when credentials are missing or wrong
   */
  async start(receive: Receive): Promise<void> {
    const { settings, deps } = this;
    this.#stopping = new AbortController();
    const missing = missingJiraSettings(settings);
    if (missing.length > 0) {
      throw new StartupError(
        `Jira lacks ${missing.join(' and ')}`,
        'Run `signalbox check`: it says where to get them.',
      );
    }
    const us = await this.#connect();
    const standpoint = {
      site: siteOf(settings),
      us,
      answersInternal: settings.answers_internal,
      hearsAssigned: settings.assigned === 'every_comment',
      hearsFollowUps: settings.follow === 'every_comment',
    };
    const intake = new JiraIntake({ client: this.#client, settings, standpoint, receive, log: deps.log });
    if (settings.mode === 'webhook') this.#listen(intake);
    else await this.#poll(intake);
    deps.log.info({ site: standpoint.site, mode: settings.mode }, 'Jira is connected');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#closeRoute?.();
    this.#closeRoute = undefined;
    await this.#poller?.stop();
    this.#poller = undefined;
    await Promise.allSettled(this.#underWay);
    await this.#lastWebhook.settled();
  }

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    return this.#sender.send(message, signal);
  }

  async download(ref: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#client.download(ref, signal);
  }

  /** In the issue for approvals; Jira has no direct messages. */
  directAddress(account: AccountId): Address | undefined {
    const { approval_issue: issue } = this.settings;
    return issue === undefined ? undefined : toAddress({ issue, mention: account.slice('jira:'.length) });
  }

  /** An issue, by its key. */
  channelAddress(issue: string): Address {
    return toAddress({ issue });
  }

  isOneMessage(markdown: string): boolean {
    return toWiki(markdown).length === 1;
  }

  linkTo({ route: { issue } }: Address): string | undefined {
    const { url = '' } = this.settings;
    if (issue === undefined || !readUrl(url)) return undefined;
    return `${url.replace(/\/+$/, '')}/browse/${encodeURIComponent(issue)}`;
  }

  /** Nobody is told of a comment that does not mention them. */
  naming(place: Address, accounts: readonly AccountId[]): Address {
    const named = accounts.map((account) => account.slice('jira:'.length)).join(',');
    return { ...place, route: { ...place.route, named } };
  }

  async check(unreached: readonly AccountId[] = []): Promise<CheckFinding[]> {
    return checkJira(this.settings, this.#client, { unreached, lastWebhook: this.#lastWebhook });
  }

  /** While nothing may be asked for long; it passes by itself. */
  trouble(): Trouble | undefined {
    const hold = this.#transport.holds.long();
    if (!hold) return undefined;
    const until = new Date(hold.untilMs).toISOString().slice(11, 16);
    const why = this.#client.isCloud ? 'its quota is used up' : 'it has asked too much at once';
    return {
      sinceMs: hold.sinceMs,
      detail: `Jira lets this account ask nothing until ${until} UTC: ${why}`,
      remedy: 'It goes on by itself then. If this happens often, look at what else uses the same account.',
    };
  }

  #listen(intake: JiraIntake): void {
    const { listener, log } = this.deps;
    const { path, webhook_secret: secret = '' } = this.settings;
    const take = (event: WebhookEvent): Promise<void> => {
      const taken = intake.takeEvent(event);
      this.#underWay.add(taken);
      const done = () => this.#underWay.delete(taken);
      taken.then(done, done);
      return taken;
    };
    const signed = () => this.#lastWebhook.note();
    this.#closeRoute = listener.route(path, createWebhookHandler({ secret, signed, take, log }));
  }

  async #poll(intake: JiraIntake): Promise<void> {
    const { settings, deps } = this;
    const bookmark = `jira:${siteOf(settings)}`;
    const mine = { client: this.#client, seen: this.#seen };
    this.#poller = new JiraPoller({ ...deps, ...mine, intake, settings, bookmark });
    await this.#poller.start();
  }

  async #connect(): Promise<JiraUser> {
    const { reconnectAfterMs = RECONNECT_AFTER_MS, reconnectAtMostMs = RECONNECT_AT_MOST_MS } =
      this.deps.timing ?? {};
    try {
      return await pRetry(() => this.#whoAmI(), {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: reconnectAfterMs,
        maxTimeout: reconnectAtMostMs,
        randomize: true,
        signal: this.#stopping.signal,
        shouldRetry: ({ error }) => !(error instanceof JiraCredentialError),
        onFailedAttempt: ({ error }) => this.deps.log.warn({ error }, 'Jira does not answer; trying again'),
      });
    } catch (error) {
      if (!(error instanceof JiraCredentialError)) throw error;
      const remedy = 'Run `signalbox check`: it says which token is wrong and where to get another.';
      throw new StartupError(error.message, remedy, { cause: error });
    }
  }

  /** Asked once and remembered. */
  async #whoAmI(): Promise<JiraUser> {
    this.#us ??= await this.#client.whoAmI();
    return this.#us;
  }
}
