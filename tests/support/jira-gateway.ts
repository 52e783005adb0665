/** The Jira gateway against the emulated Jira: real client, real wire, and a core that only writes down. */
import { fastify } from 'fastify';
import { JiraSettings } from '../../gateways/jira/config.ts';
import { JiraGateway, type JiraTiming } from '../../gateways/jira/gateway.ts';
import { WebhookListener } from '../../gateways/webhook-listener.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import type {
  Inbound,
  InboundMessage,
  InboundRevision,
  OutboundMessage,
  Receipt,
  Sent,
} from '../../src/domain/message.ts';
import { JiraSandbox, type JiraSandboxOptions } from '../../src/sandbox/jira/jira-sandbox.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { Watch } from '../../src/sandbox/watch.ts';
import { collectingLogger, type LogLine } from './slack-gateway.ts';

export interface JiraFixture {
  readonly gateway: JiraGateway;
  readonly sandbox: JiraSandbox;
  readonly lines: LogLine[];
  /** Everything handed to the core, oldest first. */
  readonly received: Inbound[];
  readonly bookmarks: Map<string, string>;
  /** Where webhooks go. */
  readonly url: string;
  /** Of Jira itself. */
  readonly siteUrl: string;
  messages(): InboundMessage[];
  revisions(): InboundRevision[];
  /** Resolves with what `find` returns, as soon as that is something; looks after everything the core took. */
  heard<Found>(find: () => Found | undefined | false): Promise<Found>;
  /** What the core does with what it is handed from now on. */
  onReceive(receive: (inbound: Inbound) => Promise<Receipt>): void;
  start(): Promise<void>;
  send(message: Pick<OutboundMessage, 'to' | 'body'> & Partial<OutboundMessage>): Promise<Sent>;
  /** Bodies of calls of one operation, as they arrived. */
  calls(operation: string): unknown[];
  /** @throws when the gateway asked for something that does not fit the published API */
  close(): Promise<void>;
}

export interface JiraFixtureOptions {
  readonly sandbox?: JiraSandboxOptions;
  readonly settings?: Record<string, unknown>;
  readonly clock?: Clock;
  /** With the token that has scopes, at the address where such tokens work. Default false. */
  readonly scoped?: boolean;
  /** Default true. */
  readonly started?: boolean;
  readonly timing?: JiraTiming;
}

export async function openJira(options: JiraFixtureOptions = {}): Promise<JiraFixture> {
  const { clock = systemClock } = options;
  const lines: LogLine[] = [];
  const log = collectingLogger(lines);
  const listener = new WebhookListener({ host: '127.0.0.1', port: 0 }, log);
  await listener.start();
  const url = `${listener.url}/jira/webhook`;
  const journal = new Journal();
  await journal.start();
  const app = fastify({ forceCloseConnections: true });
  const sandbox = new JiraSandbox(
    journal,
    { retryDelaysMs: [0, 0, 0], webhookUrl: url, ...options.sandbox },
    clock,
  );
  sandbox.register(app);
  await sandbox.start();
  await app.listen({ host: '127.0.0.1', port: 0 });
  const isServer = options.sandbox?.flavour === 'data-center';
  const bookmarks = new Map<string, string>();
  const gateway = new JiraGateway(
    JiraSettings.parse({
      url: `${app.listeningOrigin}/jira${options.scoped ? `/ex/jira/${sandbox.cloudId}` : ''}`,
      ...(isServer
        ? { personal_token: sandbox.personalToken }
        : { email: sandbox.email, api_token: options.scoped ? sandbox.scopedToken : sandbox.apiToken }),
      webhook_secret: sandbox.webhookSecret,
      approval_issue: 'OPS-1',
      ...options.settings,
    }),
    {
      log,
      clock,
      listener,
      bookmarks: {
        read: async (name) => bookmarks.get(name),
        write: async (name, value) => void bookmarks.set(name, value),
      },
      timing: { reconnectAfterMs: 10, reconnectAtMostMs: 50, ...options.timing },
    },
  );

  const received: Inbound[] = [];
  const taken = new Watch('in the core');
  let core = async (_: Inbound): Promise<Receipt> => ({ kind: 'stored' });
  const start = () =>
    gateway.start(async (inbound) => {
      received.push(inbound);
      const receipt = await core(inbound);
      taken.changed();
      return receipt;
    });
  if (options.started !== false) await start();

  let sent = 0;
  return {
    gateway,
    sandbox,
    lines,
    received,
    bookmarks,
    url,
    siteUrl: `${app.listeningOrigin}/jira`,
    messages: () => received.filter((inbound) => inbound.kind === 'message'),
    revisions: () => received.filter((inbound) => inbound.kind === 'revision'),
    heard: (find) => taken.until(find, () => JSON.stringify(received.slice(-5))),
    onReceive: (next) => {
      core = next;
    },
    start,
    send: (message) =>
      gateway.send(
        { id: `out-${++sent}`, conversationId: ConversationId.parse('jira:s:1'), attempt: 1, ...message },
        new AbortController().signal,
      ),
    calls: (operation) =>
      sandbox.calls.filter((call) => call.operation === operation).map(({ body }) => body),
    close: async () => {
      await gateway.stop();
      await listener.stop();
      await sandbox.stop();
      await app.close();
      const { violations } = sandbox;
      if (violations.length > 0)
        throw new Error(`what was asked of Jira breaks its API: ${JSON.stringify(violations)}`);
    },
  };
}
