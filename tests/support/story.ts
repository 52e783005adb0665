/**
 * The whole product in one test: the emulated platforms on their real wire, a real Redis, and the gateway, which
 * can be stopped and started again while the platforms and the store go on.
 */
import { Redis } from 'ioredis';
import { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { type App, startApp } from '../../src/app.ts';
import { sandboxEnvironment, targetsOf } from '../../src/cli/sandbox-plan.ts';
import { type Config, loadConfig } from '../../src/config/load-config.ts';
import { type Approval, isWaiting } from '../../src/domain/approval/record.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { Keys } from '../../src/redis/keys.ts';
import type { Delivery } from '../../src/sandbox/mail/delivery-queue.ts';
import type { Mail } from '../../src/sandbox/mail/mail.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { testRedis } from './redis.ts';

export const GENERAL = 'C0GENERAL';
export const ALEX = { slack: 'U0ALEX', mail: 'alex@corp.test' };
export const DANA = { slack: 'U0DANA', mail: 'dana@corp.test' };
export const BOT = { slack: 'U0SIGNALBOX', mail: 'signalbox@gateway.test' };
export const EVE = { slack: 'U0EVE', mail: 'eve@evil.test' };

/** How fast a channel may be posted to, in effect: as fast as anybody likes. */
const UNLIMITED = { posts: 100_000, seconds: 1 };

export type StoryConfig = Config<typeof gatewaySettings>;

export interface StoryOptions {
  readonly sandbox?: SandboxOptions;
  /** Changes the shipped configuration for this story. */
  readonly config?: (shipped: StoryConfig) => StoryConfig;
  /** How fast a Slack channel may be posted to. Default: without a limit. */
  readonly pace?: { posts: number; seconds: number };
  readonly logLevel?: 'silent' | 'debug' | 'info' | 'warn' | 'error';
  /** Where the log goes; default: standard output. */
  readonly logTo?: NodeJS.WritableStream;
  /** A server of the story's own, to kill and restart. Default: the one all tests share. */
  readonly redisUrl?: string;
}

export class Story {
  app: App;

  private constructor(
    readonly sandbox: Sandbox,
    readonly redisUrl: string,
    readonly redis: Redis,
    readonly keys: Keys,
    public config: StoryConfig,
    /** The gateway's own clock; deadlines are judged by the store's, see `advance`. */
    readonly clock: MovableClock,
    app: App,
    private readonly start: () => Promise<App>,
  ) {
    this.app = app;
  }

  static async begin(options: StoryOptions = {}): Promise<Story> {
    const { url: sharedUrl, prefix } = testRedis();
    const url = options.redisUrl ?? sharedUrl;
    const sandbox = await startSandbox({
      port: 0,
      ...options.sandbox,
      mail: { keyBits: 1_024, ...options.sandbox?.mail },
      jira: { retryDelaysMs: [0, 50], retryUntilAcknowledged: true, ...options.sandbox?.jira },
    });
    const env = sandboxEnvironment(['slack', 'discord', 'jira', 'email', 'web', 'claude'], sandbox.env);
    const shipped = loadConfig({ directory: 'config', env, gateways: gatewaySettings });
    const chosen = options.config?.(shipped) ?? shipped;
    const { settings } = chosen;
    const config: StoryConfig = {
      ...chosen,
      settings: {
        ...settings,
        redis: { ...settings.redis, key_prefix: prefix.slice(0, -1) },
        gateways: {
          ...settings.gateways,
          // A story is told faster than people talk.
          slack: { ...settings.gateways.slack, pace: options.pace ?? UNLIMITED },
          discord: { ...settings.gateways.discord, pace: UNLIMITED },
          jira: { ...settings.gateways.jira, pace: UNLIMITED },
        },
        http: { ...settings.http, port: 0 },
        // What failed is tried again as soon as the story says that it works.
        breakers: { ...settings.breakers, cool_down: 1 },
      },
    };
    const level = options.logLevel ?? process.env.STORY_LOG ?? 'silent';
    const log = createLogger({ level, ...(options.logTo ? { destination: options.logTo } : {}) });
    const clock = new MovableClock();
    const start = async (): Promise<App> => {
      const app = await startApp({
        config: () => story?.config ?? config,
        redisUrl: url,
        clock,
        log,
      });
      const { smtp, slackUrl, discordUrl, jiraUrl, webUrl } = targetsOf(app.gateways, app.listener, config);
      if (smtp) sandbox.mail.connectGateway(smtp);
      if (slackUrl) sandbox.slack.deliverTo(slackUrl);
      if (discordUrl) sandbox.discord.deliverTo(discordUrl);
      if (jiraUrl) sandbox.jira.deliverTo(jiraUrl);
      if (webUrl) sandbox.web.connectTo(webUrl);
      return app;
    };
    let story: Story | undefined;
    const app = await start();
    const redis = new Redis(url);
    redis.on('error', () => undefined); // it is away because a test took it away
    story = new Story(sandbox, url, redis, new Keys(prefix), config, clock, app, start);
    return story;
  }

  /** Stops the gateway and starts it anew, as another process would: nothing is kept but the store. */
  async restart(): Promise<void> {
    await this.app.stop();
    this.app = await this.start();
  }

  /** @throws when the gateway broke a published limit of a platform on the way */
  async end(): Promise<void> {
    await this.app.stop();
    const { discord, jira, web } = this.sandbox;
    const broken = [...discord.violations, ...jira.violations, ...web.violations];
    await this.sandbox.stop();
    this.redis.disconnect();
    if (broken.length > 0) throw new Error(`what was sent breaks limits: ${JSON.stringify(broken)}`);
  }

  /** Alex mentions the bot in #general. Resolves with the thread. */
  async mention(text: string, user = ALEX.slack): Promise<string> {
    const { ts, acknowledged } = await this.sandbox.slack.say({
      user,
      channel: GENERAL,
      text: `<@U0SIGNALBOX> ${text}`,
    });
    await acknowledged;
    return ts;
  }

  /** The first message of the bot in a thread that looks like this. */
  answer(thread: string, pattern: RegExp, channel: string = GENERAL): Promise<SlackMessage> {
    return this.sandbox.slack.until((slack) =>
      slack
        .thread(channel, thread)
        .find((message) => message.user === BOT.slack && pattern.test(textOf(message))),
    );
  }

  /** Somebody types in a thread the bot is part of. */
  async say(user: string, thread: string, text: string): Promise<void> {
    const { acknowledged } = await this.sandbox.slack.say({ user, channel: GENERAL, thread, text });
    await acknowledged;
  }

  /** What only this person was told in #general, as it looks. */
  told(user: string, pattern: RegExp): Promise<string> {
    return this.sandbox.slack.until((slack) =>
      slack
        .ephemerals(user)
        .map(textOf)
        .find((text) => pattern.test(text)),
    );
  }

  /** Everything the bot has said in a thread, oldest first. */
  said(thread: string, channel: string = GENERAL): SlackMessage[] {
    return this.sandbox.slack.thread(channel, thread).filter((message) => message.user === BOT.slack);
  }

  /** Somebody types to the bot in their direct messages. Resolves with the thread. */
  async dm(user: string, text: string): Promise<string> {
    const { ts, acknowledged } = await this.sandbox.slack.dm({ user, text });
    await acknowledged;
    return ts;
  }

  /** Somebody writes to the bot by mail. Resolves once the gateway has taken it, or refused it. */
  async write(from: string, subject: string, text: string): Promise<Delivery> {
    const { mail } = this.sandbox;
    return mail.settled(await mail.send({ from, to: BOT.mail, subject, text }));
  }

  /** The newest mail to somebody whose subject or text looks like this. */
  mail(address: string, pattern: RegExp): Promise<Mail> {
    return this.sandbox.mail.until(() =>
      this.sandbox.mail
        .mailbox(address)
        .findLast((mail) => pattern.test(mail.subject) || pattern.test(mail.text)),
    );
  }

  /** Moves the store's time forward and lets it take effect. */
  async advance(ms: number, { sweep = true }: { sweep?: boolean } = {}): Promise<void> {
    const [seconds, micros] = await this.redis.time();
    const server = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    for (const partition of this.keys.partitions()) {
      const key = `${this.keys.partition(partition)}clock`;
      const mark = Number((await this.redis.get(key)) ?? 0);
      const now = Math.max(server, mark) + ms;
      // Unless nobody is to be there, the time passes while somebody looks.
      if (sweep) await this.redis.set(this.keys.watched(partition), now);
      await this.redis.set(key, now);
      // Pauses between attempts are measured by the server's own clock, which nobody can move.
      const parked = this.keys.parked(partition);
      for (const lane of await this.redis.zrange(parked, 0, '-1'))
        await this.redis.zincrby(parked, `${-ms}`, lane);
    }
    if (sweep) await this.app.sweeper.sweep();
  }

  /** Approvals that still wait for a human. */
  async open(): Promise<Approval[]> {
    return (await this.app.approvals.pending(1_000)).filter(({ state }) => state === 'OPEN');
  }

  /** Resolves when everything that waits is in front of somebody who may decide it. */
  async seen(): Promise<void> {
    while ((await this.waiting()).some(({ visibleMs }) => visibleMs === undefined)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The same, those whose question is open among them. */
  async waiting(): Promise<Approval[]> {
    return (await this.app.approvals.pending(1_000)).filter(({ state }) => isWaiting(state));
  }

  /** Resolves when nothing is waiting to be handled or sent. */
  async quiet(): Promise<void> {
    for (;;) {
      const waiting = await this.redis.keys(`${this.keys.prefix}*:q:*`);
      if (waiting.length === 0) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Amounts refunded for an order, one for each refund that was really made. */
  refunds(order: number): number[] {
    return this.sandbox.shop.refunds.filter((refund) => refund.order === order).map(({ amount }) => amount);
  }
}

/** The time of this machine, and then some. */
export class MovableClock implements Clock {
  #aheadMs = 0;

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  move(ms: number): void {
    this.#aheadMs += ms;
  }
}

/** The configuration with something about one of its people changed. */
export function withPerson(
  config: StoryConfig,
  id: string,
  change: Partial<StoryConfig['contacts']['people'][string]>,
): StoryConfig {
  const person = config.contacts.people[id];
  if (!person) throw new Error(`there is no ${id} in contacts.yaml`);
  const people = { ...config.contacts.people, [id]: { ...person, ...change } };
  return { ...config, contacts: { ...config.contacts, people } };
}

/** Everything a message shows, blocks included. */
export function textOf(message: Pick<SlackMessage, 'text' | 'blocks'>): string {
  return `${message.text ?? ''} ${JSON.stringify(message.blocks ?? [])}`;
}

/** The words a request mail names for a yes or a no. */
/** What the gateway tells the model for one turn alone, before what the turn is about. */
export function isGuidance(text: string): boolean {
  return text.startsWith('[signalbox] For this turn');
}

export function codesIn(mail: Mail): { approve: string; deny: string } {
  const approve = /approve ([A-Z0-9]{4,8})/.exec(mail.text)?.[1];
  const deny = /deny ([A-Z0-9]{4,8})/.exec(mail.text)?.[1];
  if (!approve || !deny) throw new Error(`no codes in: ${mail.text}`);
  return { approve, deny };
}

/** The action id of a card's button by its label. */
export function button(message: SlackMessage, label: RegExp): string {
  const found = JSON.stringify(message.blocks ?? []).match(/"type":"button".*?"action_id":"[^"]+"/g) ?? [];
  for (const block of message.blocks ?? []) {
    for (const element of elementsOf(block)) {
      if (element.action_id !== undefined && label.test(JSON.stringify(element.text)))
        return element.action_id;
    }
  }
  throw new Error(`no button ${label} among ${found.length}: ${JSON.stringify(message.blocks)}`);
}

function elementsOf(block: unknown): { action_id?: string; text?: unknown }[] {
  return typeof block === 'object' && block !== null && 'elements' in block && Array.isArray(block.elements)
    ? block.elements
    : [];
}
