/**
 * The composition root: with its parts in `app/` the only place that knows every concrete class, and where each meets
 * the others.
 *
 *   configuration ─▶ memory ─▶ tools ─▶ workers ─▶ channels ─▶ ready
 *
 * Started in this order, stopped in reverse: first nothing more comes in, then what is under way is finished.
 */
import type { WebhookListener } from '../gateways/webhook-listener.ts';
import { reachPeople } from './app/asking.ts';
import { type BaseOptions, type Core, createBase } from './app/base.ts';
import type { ChannelOptions } from './app/channels.ts';
import { createConfigChange } from './app/config-change.ts';
import { createConversations } from './app/conversations.ts';
import { equip } from './app/equipment.ts';
import { createEscalations } from './app/escalations.ts';
import { createHttpApi } from './app/http-api.ts';
import { createIntake } from './app/intake.ts';
import { createOutboxes } from './app/outboxes.ts';
import { connectStore } from './app/store-connection.ts';
import type { Stores } from './app/stores.ts';
import { createWatch } from './app/watch.ts';
import { createReplyTokens } from './approvals/reply-token.ts';
import { isApiOn } from './config/api.ts';
import { createHoldOf } from './control/hold.ts';
import { StopSign } from './control/stop-sign.ts';
import type { Gateway } from './domain/gateway.ts';
import { HealthBoard } from './health/health-board.ts';
import { WorkerSession } from './mailbox/session.ts';
import type { RedisClient } from './redis/client.ts';
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
  const redis = await connectStore(options.redisUrl, log);
  try {
    return await assemble(options, redis);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
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
  const change = createConfigChange(core, agent, [escalations.timers, escalations.pagers], isWorking);

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
