/** The Discord gateway against the emulated Discord: real client, real wire, and a core that only writes down. */
import { fastify } from 'fastify';
import { DiscordClient } from '../../gateways/discord/client.ts';
import { DiscordSettings } from '../../gateways/discord/config.ts';
import { type DiscordDeps, DiscordGateway } from '../../gateways/discord/gateway.ts';
import { WebhookListener } from '../../gateways/webhook-listener.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import type { Lookup, Places, WaitingApproval } from '../../src/domain/gateway.ts';
import { AccountId, ConversationId, type MessageId } from '../../src/domain/ids.ts';
import type {
  Address,
  Inbound,
  InboundAnswer,
  InboundMessage,
  InboundRevision,
  OutboundMessage,
  Receipt,
  Sent,
} from '../../src/domain/message.ts';
import { createRedis } from '../../src/redis/client.ts';
import { Keys } from '../../src/redis/keys.ts';
import { PlaceStore } from '../../src/redis/place-store.ts';
import { DiscordSandbox, type DiscordSandboxOptions } from '../../src/sandbox/discord/discord-sandbox.ts';
import type { DiscordMessage } from '../../src/sandbox/discord/world.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { DISCORD_CHANNELS, GUILD } from '../../src/sandbox/people.ts';
import { testRedis } from './redis.ts';
import { collectingLogger, type LogLine } from './slack-gateway.ts';
import { expectNoViolations } from './violations.ts';

export const [GENERAL, OPS] = DISCORD_CHANNELS;

export interface DiscordFixture {
  readonly gateway: DiscordGateway;
  readonly sandbox: DiscordSandbox;
  readonly lines: LogLine[];
  readonly places: Places;
  /** Everything handed to the core, oldest first. */
  readonly received: Inbound[];
  messages(): InboundMessage[];
  answers(): InboundAnswer[];
  revisions(): InboundRevision[];
  /** What the core does with what it is handed from now on. */
  onReceive(receive: (inbound: Inbound) => Promise<Receipt>): void;
  /** Resolves with what `find` returns, looked at after everything that is handed to the core or logged. */
  until<Found>(find: () => Found | undefined | false): Promise<Found>;
  /** Which requests wait, as the core tells it. */
  waiting: WaitingApproval[];
  send(message: Pick<OutboundMessage, 'to' | 'body'> & Partial<OutboundMessage>): Promise<Sent>;
  start(): Promise<void>;
  /** A second gateway with the same settings, in front of the same core. */
  startAnother(other?: Partial<DiscordSettings>): Promise<DiscordGateway>;
  /** A gateway with other settings, not started. */
  other(other: Partial<DiscordSettings>): DiscordGateway;
  /** Registers a command that is none of ours in the guild. */
  registerForOthers(name: string): Promise<void>;
  /** Fails when something broke a published limit of Discord. */
  close(): Promise<void>;
}

export interface DiscordFixtureOptions {
  readonly mode?: 'gateway' | 'http';
  readonly sandbox?: DiscordSandboxOptions;
  readonly settings?: Partial<DiscordSettings>;
  readonly timing?: DiscordDeps['timing'];
  readonly clock?: Clock;
  /** User ids of the people the core knows. Default: nobody. */
  readonly known?: readonly string[];
  /** Default true. */
  readonly started?: boolean;
}

export async function openDiscord(options: DiscordFixtureOptions = {}): Promise<DiscordFixture> {
  const { mode = 'gateway', clock = systemClock } = options;
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const look of [...watchers]) look();
  };
  const lines: LogLine[] = [];
  const log = collectingLogger(noticing(lines, changed));
  const listener = new WebhookListener({ host: '127.0.0.1', port: 0 }, log);
  await listener.start();
  const world = await startDiscord(
    {
      ...(mode === 'http' ? { interactionsUrl: `${listener.url}/discord/interactions` } : {}),
      ...options.sandbox,
    },
    clock,
  );
  const { url, prefix } = testRedis();
  const redis = createRedis(url, 'test');
  const places = new PlaceStore(redis, new Keys(prefix));
  const settings = {
    ...DiscordSettings.parse({
      mode,
      bot_token: world.env.DISCORD_BOT_TOKEN,
      application_id: world.env.DISCORD_APPLICATION_ID,
      public_key: world.env.DISCORD_PUBLIC_KEY,
      api_url: world.env.DISCORD_API_URL,
    }),
    ...options.settings,
  };
  const timing = {
    reconnectAfterMs: 10,
    reconnectAtMostMs: 50,
    retryAfterMs: 10,
    retryAtMostMs: 50,
    directsPauseMs: 1,
    requestAtLeastMs: 0,
    ...options.timing,
  };
  const create = (other: Partial<DiscordSettings> = {}) =>
    new DiscordGateway({ ...settings, ...other }, { log, clock, listener, places, timing });
  const gateway = create();
  const gateways = [gateway];

  const received: Inbound[] = [];
  const waiting: WaitingApproval[] = [];
  let core = async (_: Inbound): Promise<Receipt> => ({ kind: 'stored' });
  const receive = async (inbound: Inbound): Promise<Receipt> => {
    received.push(inbound);
    changed();
    return core(inbound);
  };
  const lookup: Lookup = {
    approvalsFor: async (_, most) => waiting.slice(0, most),
    accountsOn: (platform) => (options.known ?? []).map((user) => AccountId.parse(`${platform}:${user}`)),
  };
  const start = () => gateway.start(receive, lookup);
  const startAnother = async (other?: Partial<DiscordSettings>) => {
    const another = create(other);
    gateways.push(another);
    await another.start(receive, lookup);
    return another;
  };
  if (options.started !== false) await start();

  let sent = 0;
  return {
    gateway,
    sandbox: world.discord,
    lines,
    places,
    received,
    waiting,
    start,
    startAnother,
    other: create,
    registerForOthers: async (name) => {
      const { bot_token: token = '', application_id: id = '', api_url: api } = settings;
      const changes = { create: [{ name, description: 'Not ours' }], edit: [], remove: [] };
      await new DiscordClient(token, id, api).changeCommands(GUILD.id, changes, new AbortController().signal);
    },
    messages: () => received.filter((inbound) => inbound.kind === 'message'),
    answers: () => received.filter((inbound) => inbound.kind === 'answer'),
    revisions: () => received.filter((inbound) => inbound.kind === 'revision'),
    onReceive: (next) => {
      core = next;
    },
    until: (find) => untilFound(find, watchers, () => JSON.stringify({ received, lines })),
    send: (message) =>
      gateway.send(
        { id: `out-${++sent}`, conversationId: ConversationId.parse('discord:G:C'), attempt: 1, ...message },
        new AbortController().signal,
      ),
    close: async () => {
      for (const each of gateways) await each.stop();
      await listener.stop();
      await world.stop();
      redis.disconnect();
      expectNoViolations(world.discord);
    },
  };
}

/** Where an answer to a channel goes. */
export function inChannel(channel: string): Address {
  return { platform: 'discord' as Address['platform'], route: { guild: GUILD.id, channel } };
}

export function idOf(message: Pick<DiscordMessage, 'channel' | 'id'>, guild: string = GUILD.id): MessageId {
  return `discord:${guild}:${message.channel}:${message.id}` as MessageId;
}

/** The custom id of a card's button, by its label. */
export function buttonOf(message: DiscordMessage, label: string): string {
  const found = JSON.stringify(message.components).match(
    new RegExp(
      `"label":"${label}[^"]*"[^}]*"custom_id":"([^"]+)"|"custom_id":"([^"]+)"[^}]*"label":"${label}`,
    ),
  );
  const id = found?.[1] ?? found?.[2];
  if (id === undefined) throw new Error(`the message has no button ${label}`);
  return id;
}

/** The emulated Discord alone, on a port of its own. */
async function startDiscord(
  options: DiscordSandboxOptions,
  clock: Clock,
): Promise<{ discord: DiscordSandbox; env: Record<string, string>; stop(): Promise<void> }> {
  const journal = new Journal();
  const app = fastify({ forceCloseConnections: true });
  const discord = new DiscordSandbox(journal, options, clock);
  discord.register(app);
  await journal.start();
  await discord.start();
  await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    discord,
    env: discord.env(app.listeningOrigin),
    stop: async () => {
      await discord.stop();
      await app.close();
      await journal.stop();
    },
  };
}

/** How long `until` waits before it says what there is instead. */
const UNTIL_TIMEOUT_MS = 10_000;

async function untilFound<Found>(
  find: () => Found | undefined | false,
  watchers: Set<() => void>,
  there: () => string,
): Promise<Found> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      watchers.delete(look);
    };
    const look = () => {
      const found = find();
      if (found === undefined || found === false) return;
      stop();
      resolve(found);
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`not seen within ${UNTIL_TIMEOUT_MS} ms; there is: ${there()}`));
    }, UNTIL_TIMEOUT_MS);
    watchers.add(look);
    look();
  });
}

/** An array that calls back on every push. */
function noticing<Entry>(entries: Entry[], changed: () => void): Entry[] {
  entries.push = (...added: Entry[]) => {
    const length = Array.prototype.push.apply(entries, added);
    changed();
    return length;
  };
  return entries;
}
