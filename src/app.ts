/**
 * The composition root: with its parts in `app/` the only place that knows every concrete class, and where each meets
 * the others.
 *
 *   configuration ─▶ memory ─▶ tools ─▶ workers ─▶ channels ─▶ ready
 *
 * Started in this order, stopped in reverse: first nothing more comes in, then what is under way is finished.
 */
import type { WebhookListener } from '../gateways/webhook-listener.ts';
import type { ToolCatalog } from './agent/tools/tool-catalog.ts';
import { type AgentEquipment, equipAgent } from './app/agent-equipment.ts';
import { reachPeople } from './app/asking.ts';
import { type Base, type BaseOptions, type Core, createBase } from './app/base.ts';
import { type ChannelOptions, type Channels, createChannels } from './app/channels.ts';
import { createConfigChange } from './app/config-change.ts';
import { createConversations } from './app/conversations.ts';
import { createEscalations } from './app/escalations.ts';
import { createHttpApi } from './app/http-api.ts';
import { createIntake } from './app/intake.ts';
import { createOutboxes } from './app/outboxes.ts';
import { createStores, type Stores } from './app/stores.ts';
import { createWatch } from './app/watch.ts';
import { createReplyTokens } from './approvals/reply-token.ts';
import { isApiOn } from './config/api.ts';
import { createHoldOf } from './control/hold.ts';
import { StopSign } from './control/stop-sign.ts';
import type { Gateway } from './domain/gateway.ts';
import { HealthBoard } from './health/health-board.ts';
import { WorkerSession } from './mailbox/session.ts';
import type { Logger } from './observability/logger.ts';
import { createRedis, type RedisClient } from './redis/client.ts';
import type { Keys } from './redis/keys.ts';
import { readSecret } from './redis/secret-store.ts';
import { BallotBox } from './router/ballot-box.ts';
import { GrantDesk } from './router/grant-desk.ts';
import type { MessageRouter } from './router/message-router.ts';
import { GatewayService } from './services/gateway-service.ts';
import type { SelfAuditor } from './services/self-auditor.ts';
import { ServiceGroup } from './services/service-group.ts';
import type { TimerSweeper } from './services/timer-sweeper.ts';
import type { SkillRegistry } from './skills/skill-registry.ts';

export interface AppOptions extends BaseOptions, ChannelOptions {
  readonly redisUrl: string;
  /** False: conversations and deadlines are left to another process; this one carries for its gateways alone. */
  readonly workers?: boolean;
}

export interface App extends Stores {
  readonly router: MessageRouter;
  readonly skills: SkillRegistry;
  readonly sweeper: TimerSweeper;
  readonly auditor: SelfAuditor;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly listener: WebhookListener;
  /** To be told when another configuration is in force. Never rejects. */
  configChanged(): Promise<void>;
  /** Stops taking things in, finishes what is under way, lets go of everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** Resolves once everything runs and every channel is open. */
export async function startApp(options: AppOptions): Promise<App> {
  const { log } = options;

  log.info({ step: 2, stage: 'Agent Bootstrap' }, 'connecting to memory');
  const redis = await connect(options.redisUrl, log);
  try {
    return await assemble(options, redis);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

/** For commands that look at, or settle, what is stored. `close` lets go of the connection. */
export async function openStores(
  options: BaseOptions & Pick<AppOptions, 'redisUrl'>,
): Promise<Stores & { redis: RedisClient; keys: Keys; close(): void }> {
  const redis = await connect(options.redisUrl, options.log);
  const base = createBase(options, redis);
  const stores = createStores(base);
  await stores.links.now();
  return { ...stores, redis, keys: base.keys, close: () => redis.disconnect() };
}

/**
 * Every tool the agent has by this configuration, for commands that tell of them: no store and no platform is asked.
 * Those of programs that are asked what they have (MCP) are not among them.
 */
export async function openTools(options: BaseOptions): Promise<ToolCatalog> {
  const redis = createRedis('redis://127.0.0.1', 'signalbox'); // never connected
  const { agent } = await equip(createBase(options, redis), {});
  await agent.scripts.look();
  redis.disconnect();
  return agent.tools;
}

async function assemble(options: AppOptions, redis: RedisClient): Promise<App> {
  const base = createBase(options, redis);
  const { config, clock, log, keys } = base;
  const { settings } = config();
  const isWorking = options.workers !== false;
  // The first thing that is written, so that a store that takes nothing is found out before anything else.
  const tokens = createReplyTokens(await readSecret(redis, keys, 'reply-tokens'));

  log.info({ step: 3, stage: 'Capability Registration' }, 'registering tools');
  const { stores, channels, agent } = await equip(base, options);
  const { configured, gateways, reach, listener } = channels;
  const { tools, skills, scripts } = agent;
  const session = new WorkerSession(redis, keys, clock, log, settings.workers.lease);
  const core: Core = { ...base, stores, session, gateways, reach };

  const copiesFor = reachPeople(core);
  const stops = new StopSign(redis, keys);
  const outboxes = createOutboxes(core, tokens);
  const conversations = createConversations(core, agent, { outboxes, stops });
  const escalations = createEscalations(core);
  const { approvals, directory } = stores;
  const grants = new GrantDesk(stores.grants, directory, clock);
  const ballots = new BallotBox({
    approvals,
    directory,
    grants,
    reach,
    tools,
    holdOf: createHoldOf(core.stores.controls, config),
    config,
  });
  const intake = createIntake(core, agent, {
    tokens,
    ballots,
    grants,
    stops,
    conversations: conversations.pool,
  });
  const api =
    options.platforms === false || !isApiOn(settings.api) ? [] : createHttpApi(core, listener, ballots);
  const watch = createWatch(core, { escalations, sagas: agent.sagas, copiesFor });
  const working = [
    watch.auditor,
    scripts,
    skills,
    agent.mcp,
    conversations.keeper,
    conversations.pool,
    escalations.pool,
    watch.sweeper,
    watch.retention,
  ];
  const services = new ServiceGroup(
    [
      session,
      stores.links,
      new HealthBoard(redis, keys, agent.breakers, session.id, clock, log),
      ...outboxes.values(),
      ...(isWorking ? working : []),
      ...(configured.length > 0 ? [channels.clientLog] : []),
      ...(configured.length > 0 || api.length > 0 ? [listener] : []),
      ...api,
      new GatewayService([...gateways.values()], intake, log),
    ],
    log,
  );
  const change = createConfigChange(core, agent, isWorking);

  log.info({ step: 4, channels: [...gateways.keys()] }, 'opening channels');
  await services.start();
  log.info({ step: 5, conversations: settings.workers.conversations }, 'taking up work');
  log.info({ step: 6, stage: 'Ready State' }, 'ready');
  void change.heed(); // it may have, while nothing ran

  return {
    ...stores,
    router: intake.router,
    skills,
    sweeper: watch.sweeper,
    auditor: watch.auditor,
    gateways,
    listener,
    configChanged: () => change.heed(),
    stop: async () => {
      const looked = change.stop();
      await services.stop();
      await Promise.all([...agent.databases.values()].map((database) => database.stop()));
      await looked;
      redis.disconnect();
    },
  };
}

/** What there is before any of it is put to work. */
interface Equipment {
  readonly stores: Stores;
  readonly channels: Channels;
  readonly agent: AgentEquipment;
}

/** Nothing is asked of the store yet. */
async function equip(base: Base, options: ChannelOptions): Promise<Equipment> {
  const stores = createStores(base);
  const channels = createChannels(base, stores.directory, options);
  return { stores, channels, agent: await equipAgent(base, stores, channels) };
}

async function connect(url: string, log: Logger): Promise<RedisClient> {
  const redis = createRedis(url, 'signalbox');
  let away = false;
  redis.on('error', (error: unknown) => {
    if (!away)
      log.error({ err: error }, 'the connection to Redis is lost; everything waits until it is back');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info({}, 'the connection to Redis is back');
    away = false;
  });
  await redis.connect();
  return redis;
}
