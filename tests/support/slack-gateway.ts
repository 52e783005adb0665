/** The Slack gateway against the emulated Slack: real client, real wire, and a core that only writes down. */
import { fastify } from 'fastify';
import { SlackSettings } from '../../gateways/slack/config.ts';
import { type SlackDeps, SlackGateway } from '../../gateways/slack/gateway.ts';
import { WebhookListener } from '../../gateways/webhook-listener.ts';
import type { Card } from '../../src/domain/card.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import type { Bookmarks } from '../../src/domain/gateway.ts';
import { ApprovalId, ConversationId } from '../../src/domain/ids.ts';
import type {
  Inbound,
  InboundAnswer,
  InboundMessage,
  InboundRevision,
  OutboundMessage,
  Receipt,
  Sent,
} from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { SlackSandbox, type SlackSandboxOptions } from '../../src/sandbox/slack/slack-sandbox.ts';
import { MemoryBookmarks } from './email.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly facts: object;
  readonly sentence: string;
}

export interface SlackFixture {
  readonly gateway: SlackGateway;
  readonly sandbox: SlackSandbox;
  readonly lines: LogLine[];
  /** Everything handed to the core, oldest first. */
  readonly received: Inbound[];
  messages(): InboundMessage[];
  answers(): InboundAnswer[];
  revisions(): InboundRevision[];
  /** What the core does with what it is handed from now on. */
  onReceive(receive: (inbound: Inbound) => Promise<Receipt>): void;
  start(): Promise<void>;
  send(message: Pick<OutboundMessage, 'to' | 'body'> & Partial<OutboundMessage>): Promise<Sent>;
  /** Calls of one method of the Web API, as they arrived. */
  calls(method: string): Record<string, unknown>[];
  close(): Promise<void>;
}

export interface SlackFixtureOptions {
  readonly mode?: 'socket' | 'http';
  readonly sandbox?: SlackSandboxOptions;
  readonly settings?: Partial<SlackSettings>;
  readonly timing?: SlackDeps['timing'];
  readonly clock?: Clock;
  /** Default: its own, in memory. */
  readonly bookmarks?: Bookmarks;
  /** What time it is in Slack. */
  readonly sandboxClock?: Clock;
  /** Default true. */
  readonly started?: boolean;
}

export async function openSlack(options: SlackFixtureOptions = {}): Promise<SlackFixture> {
  const { mode = 'socket', clock = systemClock } = options;
  const lines: LogLine[] = [];
  const log = collectingLogger(lines);
  const listener = new WebhookListener({ host: '127.0.0.1', port: 0 }, log);
  await listener.start();
  const world = await startSlack(
    {
      ...(mode === 'http' ? { requestUrl: `${listener.url}/slack/events` } : {}),
      ...options.sandbox,
    },
    options.sandboxClock,
  );
  const gateway = new SlackGateway(
    {
      ...SlackSettings.parse({
        mode,
        bot_token: world.slack.botToken,
        app_token: world.slack.appToken,
        signing_secret: world.slack.signingSecret,
        api_url: world.apiUrl,
      }),
      ...options.settings,
    },
    {
      log,
      clock,
      listener,
      bookmarks: options.bookmarks ?? new MemoryBookmarks(),
      timing: { reconnectAfterMs: 10, reconnectAtMostMs: 50, ...options.timing },
    },
  );

  const received: Inbound[] = [];
  let core = async (_: Inbound): Promise<Receipt> => ({ kind: 'stored' });
  const receive = async (inbound: Inbound): Promise<Receipt> => {
    received.push(inbound);
    return core(inbound);
  };
  const start = () => gateway.start(receive);
  if (options.started !== false) await start();

  let sent = 0;
  return {
    gateway,
    sandbox: world.slack,
    lines,
    received,
    start,
    messages: () => received.filter((inbound) => inbound.kind === 'message'),
    answers: () => received.filter((inbound) => inbound.kind === 'answer'),
    revisions: () => received.filter((inbound) => inbound.kind === 'revision'),
    onReceive: (next) => {
      core = next;
    },
    send: (message) =>
      gateway.send(
        { id: `out-${++sent}`, conversationId: ConversationId.parse('slack:T:C:1'), attempt: 1, ...message },
        new AbortController().signal,
      ),
    calls: (method) => world.slack.calls.filter((call) => call.method === method).map((call) => call.args),
    close: async () => {
      await gateway.stop();
      await listener.stop();
      await world.stop();
    },
  };
}

/** The emulated Slack alone, on a port of its own. */
async function startSlack(
  options: SlackSandboxOptions,
  clock: Clock = systemClock,
): Promise<{ slack: SlackSandbox; apiUrl: string; stop(): Promise<void> }> {
  const journal = new Journal();
  const app = fastify({ forceCloseConnections: true });
  const slack = new SlackSandbox(journal, options, clock);
  slack.register(app);
  await journal.start();
  await slack.start();
  await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    slack,
    apiUrl: `${app.listeningOrigin}/slack/api/`,
    stop: async () => {
      await slack.stop();
      await app.close();
      await journal.stop();
    },
  };
}

export function aCard(over: Partial<Card> = {}): Card {
  return {
    approvalId: ApprovalId.parse('apr_p7_0123456789ab'),
    gen: 1,
    digest: 'sha256-of-the-call',
    title: 'refund: order 7, 120 EUR',
    facts: [
      { label: 'order', value: '7' },
      { label: 'amount', value: '120 EUR' },
    ],
    requestedBy: 'Alex Kim',
    askedOf: 'role manager',
    risk: 'high',
    reversible: false,
    deadline: '2026-05-01T12:00:00.000Z',
    deadlineText: '1 May 2026, 12:00 UTC',
    choices: ['approve', 'deny', 'deny-with-reason'],
    status: { state: 'open', sentence: 'Waiting for an answer.' },
    ...over,
  };
}

export function collectingLogger(lines: LogLine[]): Logger {
  const at = (level: LogLine['level']) => (facts: object, sentence: string) => {
    lines.push({ level, facts, sentence });
  };
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}
