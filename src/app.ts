/**
 * The composition root: the only file that knows every concrete class, and where each meets the others.
 *
 *   configuration ─▶ memory ─▶ tools ─▶ workers ─▶ channels ─▶ ready
 *
 * Started in this order, stopped in reverse: first nothing more comes in, then what is under way is finished.
 */

import { createGateways, type gatewaySettings } from '../gateways/index.ts';
import { WebhookListener } from '../gateways/webhook-listener.ts';
import { ClaudeClient } from './agent/model/claude-client.ts';
import { EchoClient } from './agent/model/echo-client.ts';
import { MeteredModel } from './agent/model/metered-model.ts';
import { ModelChain } from './agent/model/model-chain.ts';
import type { ModelClient } from './agent/model/model-client.ts';
import { SlottedModel } from './agent/model/slotted-model.ts';
import { ResearchTools } from './agent/research/research-tool.ts';
import { GuardedSource } from './agent/tools/guarded-source.ts';
import { createPlaceTools } from './agent/tools/place-tools.ts';
import { withBreaker } from './agent/tools/service-breaker.ts';
import { ToolCatalog } from './agent/tools/tool-catalog.ts';
import { Access } from './api/access.ts';
import { AnswerBook } from './api/answer-book.ts';
import { ApprovalDesk } from './api/approval-desk.ts';
import { AskedIndex } from './api/asked-index.ts';
import { ApprovalBell } from './api/bell.ts';
import { ClientDelivery } from './api/client-delivery.ts';
import { HttpDoor } from './api/http-door.ts';
import { ApiKeyStore } from './api/key-store.ts';
import { ApprovalRounds } from './approvals/approval-rounds.ts';
import { ApprovalStore } from './approvals/approval-store.ts';
import { CatchUps } from './approvals/catch-ups.ts';
import { consequencesOf } from './approvals/consequences.ts';
import { GrantStore } from './approvals/grant-store.ts';
import { PermitOffice } from './approvals/permit-office.ts';
import { copyFor, elapsed, later } from './approvals/plan.ts';
import { createReplyTokens } from './approvals/reply-token.ts';
import { titleOf } from './approvals/sentences.ts';
import { AuditLog } from './audit/audit-log.ts';
import { BackgroundBudget } from './budget/background-budget.ts';
import { BudgetDesk } from './budget/budget-desk.ts';
import { ToolThrottle } from './budget/tool-throttle.ts';
import { UsageLedger } from './budget/usage-ledger.ts';
import { isApiOn } from './config/api.ts';
import { searchPath } from './config/environment.ts';
import type { Config } from './config/load-config.ts';
import type { ModelSettings } from './config/settings.ts';
import { createConsequences } from './control/consequences.ts';
import { ControlDesk } from './control/control-desk.ts';
import { ControlStore } from './control/control-store.ts';
import { ControlTimers } from './control/control-timers.ts';
import { createHandOffTool } from './control/hand-off-tool.ts';
import { HandoffCall, type Helper } from './control/handoff-call.ts';
import { StopSign } from './control/stop-sign.ts';
import { Database } from './database/database.ts';
import { createDatabaseTools } from './database/database-tools.ts';
import { API_PLATFORM } from './delivery/client-event.ts';
import { RedisClientLog } from './delivery/client-log.ts';
import { ESCALATION_QUEUE } from './delivery/escalation-item.ts';
import { createFileTools } from './delivery/file-tools.ts';
import { createMessageTools, personWords, type Recipient } from './delivery/message-tools.ts';
import { Outbox, outboxOf } from './delivery/outbox.ts';
import { excludedFrom } from './domain/approval/exclusion.ts';
import { approversOf, isWaiting } from './domain/approval/record.ts';
import type { Circumstances } from './domain/approval/time.ts';
import type { Clock } from './domain/clock.ts';
import { importanceOfRisk } from './domain/escalation/plan.ts';
import type { Gateway, Lookup, Receive, Trouble } from './domain/gateway.ts';
import { channelOf, type PersonId, type Platform, platformOf } from './domain/ids.ts';
import type { Tool } from './domain/tool.ts';
import { createConfidenceTool } from './escalation/confidence-tool.ts';
import { EscalationAudit } from './escalation/escalation-audit.ts';
import { EscalationDesk } from './escalation/escalation-desk.ts';
import { EscalationStore } from './escalation/escalation-store.ts';
import { EscalationTimers } from './escalation/escalation-timers.ts';
import { EscalationWorker } from './escalation/escalation-worker.ts';
import { HandoffEscalation } from './escalation/handoff-escalation.ts';
import { LettersSettled } from './escalation/letters-settled.ts';
import { ModelOutage } from './escalation/model-outage.ts';
import { Pagers } from './escalation/pagers.ts';
import { LiveSurroundings, quietOf } from './escalation/surroundings.ts';
import { Breakers } from './health/breakers.ts';
import { HealthBoard } from './health/health-board.ts';
import { ResultCache } from './health/result-cache.ts';
import { Slots } from './health/slots.ts';
import { Directory } from './identity/directory.ts';
import { LinkBook } from './identity/link-book.ts';
import { LinkDesk } from './identity/link-desk.ts';
import { DeadLetters } from './mailbox/dead-letters.ts';
import { type Claim, KeyedQueue } from './mailbox/keyed-queue.ts';
import { LaneRounds } from './mailbox/lane-rounds.ts';
import { Mailbox } from './mailbox/mailbox.ts';
import { WorkerSession } from './mailbox/session.ts';
import { McpServers } from './mcp/mcp-servers.ts';
import { PinStore } from './mcp/pin-store.ts';
import { createDocumentTools } from './memory/document-tools.ts';
import { createGoalTool } from './memory/goal-tool.ts';
import type { Notes } from './memory/memory-store.ts';
import { createNoteTools } from './memory/note-tools.ts';
import { OutputStore } from './memory/output-store.ts';
import { createOutputTools } from './memory/output-tools.ts';
import { PersonData } from './memory/person-data.ts';
import { Recollection } from './memory/recollection.ts';
import { RedisMemory } from './memory/redis-memory.ts';
import { RetentionSweep } from './memory/retention-sweep.ts';
import { createSessionTools } from './memory/session-tools.ts';
import { TranscriptStore } from './memory/transcript-store.ts';
import type { Logger } from './observability/logger.ts';
import { createPlanTools } from './plans/plan-tool.ts';
import { SagaRunner } from './plans/saga-runner.ts';
import { SagaStore } from './plans/saga-store.ts';
import { SagaTimers } from './plans/saga-timers.ts';
import { BookmarkStore } from './redis/bookmark-store.ts';
import { createRedis, type RedisClient } from './redis/client.ts';
import { EffectWriter } from './redis/effect-writer.ts';
import { Keys } from './redis/keys.ts';
import { PartitionClocks } from './redis/partition-clocks.ts';
import { PlaceStore } from './redis/place-store.ts';
import { readSecret } from './redis/secret-store.ts';
import { AnswerDesk } from './router/answer-desk.ts';
import { BallotBox } from './router/ballot-box.ts';
import { BatchDesk } from './router/batch-desk.ts';
import { Confirmations } from './router/confirmations.ts';
import { ControlDirectives } from './router/control-directives.ts';
import { createConversationWorker } from './router/conversation-worker.ts';
import { DeliveryWorker, GIVE_UP_AFTER_MS } from './router/delivery-worker.ts';
import { DirectiveDesk } from './router/directive-desk.ts';
import { createElevateTool } from './router/elevation.ts';
import { EscalationDirectives } from './router/escalation-directives.ts';
import { GrantDesk } from './router/grant-desk.ts';
import { LinkDirectives } from './router/link-directives.ts';
import { createLinkNews } from './router/link-news.ts';
import { MemoryDirectives } from './router/memory-directives.ts';
import { MessageRouter } from './router/message-router.ts';
import { Reach } from './router/reach.ts';
import { ReopenDesk } from './router/reopen-desk.ts';
import { StrandedApprovals } from './router/stranded-approvals.ts';
import { createShopTools } from './sandbox/shop/shop-tools.ts';
import { ScheduleStore } from './scheduler/schedule-store.ts';
import { ScheduleTimers } from './scheduler/schedule-timers.ts';
import { createScheduleTools } from './scheduler/schedule-tools.ts';
import { GatewayService } from './services/gateway-service.ts';
import { Heartbeat } from './services/heartbeat.ts';
import { LanePool } from './services/lane-pool.ts';
import { MemoryKeeper } from './services/memory-keeper.ts';
import { RetentionSweeper } from './services/retention-sweeper.ts';
import { SelfAuditor } from './services/self-auditor.ts';
import type { Service } from './services/service.ts';
import { ServiceGroup } from './services/service-group.ts';
import { TimerSweeper } from './services/timer-sweeper.ts';
import { WatchdogRecord } from './services/watchdog-record.ts';
import { createHost, versionOfPackage } from './skills/host.ts';
import { ScriptSandbox } from './skills/script-sandbox.ts';
import { foldersOf } from './skills/skill-folders.ts';
import { SkillRegistry } from './skills/skill-registry.ts';
import { SkillScripts } from './skills/skill-scripts.ts';
import { WebClient } from './web/web-client.ts';
import { WebTools } from './web/web-tools.ts';
import { Workspace } from './workspace/workspace.ts';
import { createWorkspaceTools } from './workspace/workspace-tools.ts';

/** How long after its time something is there still, in ms, if nobody sweeps; see `RetentionSweep`. */
const SWEPT_WITHIN_MS = 2 * 24 * 60 * 60_000;

/** Waiting approvals that are looked through for those of one conversation. */
const MOST_LISTED = 1_000;

export interface AppOptions {
  /** The configuration in force at the moment of the call. */
  readonly config: () => Config<typeof gatewaySettings>;
  readonly redisUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Gateways beside the configured ones: a terminal, a test's own. */
  readonly gateways?: readonly Gateway[];
  /** False: only `gateways` run, not the configured ones. */
  readonly platforms?: boolean;
  /** False: conversations and deadlines are left to another process; this one carries for its gateways alone. */
  readonly workers?: boolean;
}

export interface App {
  readonly router: MessageRouter;
  readonly approvals: ApprovalStore;
  readonly audit: AuditLog;
  readonly deadLetters: DeadLetters;
  readonly lettersSettled: LettersSettled;
  readonly grants: GrantStore;
  readonly directory: Directory;
  readonly links: LinkBook;
  readonly linkDesk: LinkDesk;
  readonly controls: ControlStore;
  readonly controlDesk: ControlDesk;
  readonly escalations: EscalationStore;
  readonly escalationDesk: EscalationDesk;
  readonly memory: RedisMemory;
  readonly transcripts: TranscriptStore;
  readonly personData: PersonData;
  readonly apiKeys: ApiKeyStore;
  readonly toolPins: PinStore;
  readonly schedules: ScheduleStore;
  readonly writer: EffectWriter;
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

/** What answers questions about the store without working on it: for commands. */
export type Stores = Pick<
  App,
  | 'approvals'
  | 'audit'
  | 'controls'
  | 'controlDesk'
  | 'deadLetters'
  | 'directory'
  | 'links'
  | 'linkDesk'
  | 'escalations'
  | 'escalationDesk'
  | 'grants'
  | 'lettersSettled'
  | 'memory'
  | 'transcripts'
  | 'personData'
  | 'apiKeys'
  | 'toolPins'
  | 'schedules'
  | 'writer'
>;

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

async function assemble(options: AppOptions, redis: RedisClient): Promise<App> {
  const { config, clock, log } = options;
  const { settings } = config();
  // The first thing that is written, so that a store that takes nothing is found out before anything else.
  const tokens = createReplyTokens(await readSecret(redis, new Keys(prefixOf(config())), 'reply-tokens'));

  log.info({ step: 3, stage: 'Capability Registration' }, 'registering tools');
  const {
    keys,
    stores,
    listener,
    clientLog,
    configured,
    gateways,
    sagas,
    outputs,
    breakers,
    results,
    databases,
    tools,
    mcp,
    skills,
    scripts,
  } = await equip(options, redis);
  const session = new WorkerSession(redis, keys, clock, log, settings.workers.lease);

  const stops = new StopSign(redis, keys);
  const queue = new KeyedQueue(redis, keys, session, 'm', settings.limits.history_entries);
  const outboxes = new Map<string, LanePool>();
  const reach = new Reach(stores.directory, gateways);
  const copyOf: Circumstances['copyOf'] = ({ origin, request }, id) => {
    const person = stores.directory.find(id);
    const importance = importanceOfRisk(request.risk);
    const place = person && reach.placesOf(person, { askedIn: origin, importance })[0];
    return place && copyFor(id, place, id);
  };
  const copiesFor: Circumstances['copiesFor'] = (approval, approvers, nowMs) => {
    const copies = stores.directory
      .approversOf(approvers, excludedFrom(approval), nowMs)
      .flatMap(({ id }) => copyOf(approval, id) ?? []);
    // Whoever is one of them by a group is known to their platform alone.
    return copies.length === 0 && stores.directory.isGranted(approvers) ? undefined : copies;
  };
  stores.approvals.reachPeopleBy(copiesFor, {
    copyOf,
    nextChange: (approval, nowMs) => stores.directory.nextChange(approversOf(approval), nowMs),
    quietUntil: (person, nowMs) => stores.directory.quietUntil(person, nowMs),
    later: ({ policy }, fromMs, lengthMs) =>
      later(policy.hours && config().calendar.hoursNamed(policy.hours.name), fromMs, lengthMs),
    elapsed: ({ policy }, fromMs, untilMs) =>
      elapsed(policy.hours && config().calendar.hoursNamed(policy.hours.name), fromMs, untilMs),
  });
  const catchUps = new CatchUps({ redis, keys, ...stores });
  stores.approvals.sparePeopleBy((approval, nowMs) => catchUps.spared(approval, nowMs));
  followControls(stores, config, () =>
    stores.directory
      .holders('take-over')
      .map((person) => ({ person: person.id, name: person.name, to: reach.placesOf(person)[0]?.to })),
  );
  const budgets = new BudgetDesk(new UsageLedger(redis, keys), () => config().settings.budgets, clock);
  const background = new BackgroundBudget(budgets, stores.writer);
  const slots = new Slots(() => {
    const { concurrency: places, wait: waitMs } = config().settings.model;
    return { places, waitMs };
  });
  const summarisers = createModels(withSummariser(config), { breakers, slots, log });
  const keeper = new MemoryKeeper({
    ...stores,
    model: () => new MeteredModel(summarisers(), background),
    settings: () => config().settings,
    log,
  });
  const retention = new RetentionSweep(
    stores.memory,
    stores.transcripts,
    stores.writer,
    () => config().settings.retention,
  );
  const worker = createConversationWorker({
    queue,
    approvals: stores.approvals,
    permits: new PermitOffice(stores.approvals),
    grants: stores.grants,
    controls: stores.controls,
    stops,
    escalations: stores.escalations,
    modelOutage: new ModelOutage(redis, keys),
    outbox: new Outbox(redis, keys),
    directory: stores.directory,
    reach,
    config,
    model: createModels(config, { breakers, slots, log }),
    budgets,
    throttle: new ToolThrottle(redis, keys, () => config().settings.tools),
    tools,
    outputs,
    skills: scripts,
    gateways,
    sendNow: (platform) => (outboxes.get(platform)?.hasRoom() ? session.id : ''),
    onHanded: (claims) => handOver(claims, outboxes),
    recollection: new Recollection(stores.memory, () => config().settings.memory),
    onTurn: (turn) => keeper.turnDone(turn),
    clock,
    log,
  });
  const conversations = new LanePool({
    // Shown by CLIENT LIST, where other installations on the same server are seen as well.
    name: workerPoolName(keys),
    redis,
    queue,
    concurrency: () => config().settings.workers.conversations,
    handle: (claim, mode) => worker.handle(claim, mode),
    log,
  });
  for (const gateway of gateways.values()) {
    outboxes.set(gateway.platform, createOutboxPool(gateway));
  }
  const grants = new GrantDesk(stores.grants, stores.directory, clock);
  const ballots = new BallotBox({
    approvals: stores.approvals,
    grants,
    directory: stores.directory,
    reach,
    tools,
    config,
  });
  const api = options.platforms === false || !isApiOn(settings.api) ? [] : createApi(ballots);
  const answers = new AnswerDesk({
    ballots,
    ...stores,
    reach,
    tokens,
    batches: new BatchDesk({ ballots, approvals: stores.approvals, clock }),
    reopening: new ReopenDesk({ ...stores, reach, tools, config, log }),
    confirmations: new Confirmations(redis, keys),
    rememberMs: () => config().settings.retention.dedupe,
    clock,
  });
  const lookup: Lookup = {
    approvalsFor: (sender, most) => answers.approvalsFor(sender, most),
    formFor: (wish) => answers.formFor(wish),
    accountsOn: (platform) => stores.directory.accountsOn(platform),
  };
  const rememberMs = () => config().settings.retention.dedupe;
  const hasGuests = () => config().authorizations.guest_role !== undefined;
  stores.linkDesk.followedBy(createLinkNews({ directory: stores.directory, reach, hasGuests }));
  stores.links.onChange(() => sayDisputed(stores.directory, log));
  const linkDirectives = new LinkDirectives({
    ...stores,
    desk: stores.linkDesk,
    book: stores.links,
    reach,
    config,
    rememberMs,
    clock,
  });
  const router = new MessageRouter({
    mailbox: new Mailbox(
      redis,
      keys,
      session,
      () => config().settings.retention.dedupe,
      settings.limits.history_entries,
    ),
    answers,
    directives: new DirectiveDesk({
      approvals: stores.approvals,
      lookup: answers,
      grants,
      stops,
      config,
      controls: new ControlDirectives(stores.controlDesk, stores.controls),
      escalations: new EscalationDirectives(stores.escalationDesk),
      links: linkDirectives,
      memory: new MemoryDirectives(stores.memory, () => config().settings.memory),
      directory: stores.directory,
      reach,
      writer: stores.writer,
      rememberMs: () => config().settings.retention.dedupe,
      platforms: () => [...new Set([...gateways.values()].map(({ platform }) => channelOf(platform)))],
      troubles: () => troublesOf(gateways.values()),
      clock,
    }),
    links: linkDirectives,
    linking: stores.linkDesk,
    directory: stores.directory,
    writer: stores.writer,
    config,
    isKnown: (conversationId) => stores.controls.isKnown(conversationId),
    hasRoom: () => conversations.hasRoom(),
    onTaken: (claim) => conversations.offer(claim),
    clock,
    log,
  });
  const receive: Receive = async (inbound) => {
    // A platform that tells of something may be another than its tools have read.
    await results.invalidate([channelOf(platformOf(inbound.sender.account))]);
    return router.receive(inbound);
  };
  const calling = createCalling();
  const planned = new ScheduleTimers({
    schedules: stores.schedules,
    directory: stores.directory,
    operators: () => stores.directory.operators().flatMap((person) => reach.placesOf(person)[0]?.to ?? []),
    log,
  });
  const clocks = new PartitionClocks(redis, keys, log);
  const sweeper = new TimerSweeper(
    stores.approvals,
    log,
    [
      new ControlTimers(stores.controls, log),
      calling.timers,
      calling.pagers,
      new SagaTimers(sagas, log),
      planned,
    ],
    clocks,
  );
  const auditor = new SelfAuditor({
    ...stores,
    rounds: new ApprovalRounds(redis, keys),
    lanes: new LaneRounds(redis, keys),
    calls: new EscalationAudit(stores.escalations, calling.pagers),
    plans: sagas,
    schedules: stores.schedules,
    controls: stores.controls,
    clocks,
    record: new WatchdogRecord(redis, keys),
    heartbeat: new Heartbeat(() => config().settings.watchdog, log),
    copiesFor,
    owners: () =>
      stores.directory.operators().map((person) => ({ person: person.id, place: reach.placesOf(person)[0] })),
    everyMs: () => config().settings.watchdog.every,
    clock,
    log,
  });
  const stranded = new StrandedApprovals({ ...stores, redis, keys, clock, log });
  let looking = Promise.resolve();
  const configChanged = () => {
    sayDisputed(stores.directory, log);
    if (options.workers === false) return looking;
    void skills.reload();
    void scripts.look();
    results.clear();
    looking = looking
      .then(() => stranded.look())
      .catch((error: unknown) => {
        log.error({ error }, 'the waiting requests could not be held against the people who are left');
      });
    return looking;
  };
  const services = new ServiceGroup(
    [
      session,
      stores.links,
      new HealthBoard(redis, keys, breakers, session.id, clock, log),
      ...outboxes.values(),
      ...(options.workers === false
        ? []
        : [
            auditor,
            scripts,
            skills,
            mcp,
            keeper,
            conversations,
            calling.pool,
            sweeper,
            new RetentionSweeper(retention, clock, log),
          ]),
      ...(configured.length > 0 ? [clientLog] : []),
      ...(configured.length > 0 || api.length > 0 ? [listener] : []),
      ...api,
      new GatewayService([...gateways.values()], { receive, lookup }, log),
    ],
    log,
  );

  log.info({ step: 4, channels: [...gateways.keys()] }, 'opening channels');
  await services.start();
  log.info({ step: 5, conversations: settings.workers.conversations }, 'taking up work');
  log.info({ step: 6, stage: 'Ready State' }, 'ready');
  void configChanged(); // it may have, while nothing ran

  return {
    ...stores,
    router,
    skills,
    sweeper,
    auditor,
    gateways,
    listener,
    configChanged,
    stop: async () => {
      stranded.stop();
      await services.stop();
      await Promise.all([...databases.values()].map((database) => database.stop()));
      await looking;
      redis.disconnect();
    },
  };

  /** Escalations: what they have to do, when their time has come, and what each person is told when. */
  function createCalling(): { pool: LanePool; timers: EscalationTimers; pagers: Pagers } {
    const rememberMs = () => config().settings.retention.dedupe;
    const { escalations, directory } = stores;
    const placeOn = (id: PersonId, platform: Platform) => {
      const person = directory.find(id);
      return person && reach.placesOf(person).find(({ to }) => to.platform === platform);
    };
    const writing = {
      canReach: (person: PersonId, platform: Platform) => placeOn(person, platform) !== undefined,
      canPost: (platform: string) => gateways.get(platform)?.channelAddress !== undefined,
    };
    const pagers = new Pagers(redis, keys, stores.writer, {
      escalations,
      quietOf: (person) => quietOf(directory, person),
      placeOn: (person, platform) => placeOn(person, platform)?.to,
      rememberMs,
      log,
    });
    const queue = new KeyedQueue(redis, keys, session, ESCALATION_QUEUE, 0);
    const worker = new EscalationWorker({
      ...stores,
      queue,
      pagers,
      placeOn,
      channelOn: (platform, channel) => gateways.get(platform)?.channelAddress?.(channel),
      config,
      rememberMs,
      clock,
      log,
    });
    const pool = new LanePool({
      name: `${keys.prefix}escalations`,
      redis,
      queue,
      concurrency: () => config().settings.workers.outbound,
      handle: (claim, mode) => worker.handle(claim, mode),
      log,
    });
    const surroundings = (nowMs: number) =>
      new LiveSurroundings({ config: config(), directory, writing }, nowMs);
    return { pool, timers: new EscalationTimers(escalations, surroundings, log), pagers };
  }

  /** Programs ask over the port of the webhooks, and hear the end from an outbox of their own. */
  function createApi(ballots: BallotBox): Service[] {
    const bell = new ApprovalBell(redis, keys);
    const queue = new KeyedQueue(redis, keys, session, outboxOf(API_PLATFORM), 0);
    const delivery = new ClientDelivery({ ...stores, queue, reach, bell, config, clock, log });
    const pool = new LanePool({
      name: outboxPoolName(keys, API_PLATFORM),
      redis,
      queue,
      concurrency: () => config().settings.workers.outbound,
      handle: (claim, mode) => delivery.handle(claim, mode),
      log,
    });
    const door = new HttpDoor({
      listener,
      access: new Access(() => config().settings.api, stores.apiKeys, clock),
      desk: new ApprovalDesk({
        ...stores,
        ballots,
        reach,
        index: new AskedIndex(redis, keys),
        answers: new AnswerBook(redis, keys, () => config().settings.retention.dedupe),
        bell,
        config,
        log,
      }),
      audit: (event) => stores.audit.append('api', event),
      log,
    });
    return [bell, pool, door];
  }

  function createOutboxPool(gateway: Gateway): LanePool {
    const outbox = new KeyedQueue(redis, keys, session, outboxOf(gateway.platform), 0);
    const delivery = new DeliveryWorker({
      queue: outbox,
      gateway,
      approvals: stores.approvals,
      controls: stores.controls,
      escalations: stores.escalations,
      directory: stores.directory,
      reach,
      tokens,
      triggers: () => config().escalation.triggers,
      keepTranscriptMs: () => config().settings.retention.transcripts,
      clock,
      log,
    });
    return new LanePool({
      name: outboxPoolName(keys, gateway.platform),
      redis,
      queue: outbox,
      concurrency: () => config().settings.workers.outbound,
      handle: (claim, mode) => delivery.handle(claim, mode),
      log,
    });
  }
}

/** The stores, the channels and the tools, before any of them is put to work. Nothing is asked of the store yet. */
async function equip(options: AppOptions, redis: RedisClient) {
  const { config, clock, log } = options;
  const { settings } = config();
  const keys = new Keys(prefixOf(config()));
  const stores = createStores(redis, keys, options);

  const listener = new WebhookListener(settings.http, log);
  const bookmarks = new BookmarkStore(redis, keys);
  const places = new PlaceStore(redis, keys);
  const clientLog = new RedisClientLog(redis, keys);
  const configured =
    options.platforms === false
      ? []
      : createGateways(settings.gateways, { listener, bookmarks, places, clientLog, clock, log });
  const gateways = new Map(
    [...configured, ...(options.gateways ?? [])].map((each) => [String(each.platform), each]),
  );

  const sagas = new SagaStore(redis, keys, stores.writer, {
    keepMs: () => config().settings.retention.approvals,
    triggers: () => config().escalation.triggers,
  });
  const outputs = new OutputStore(redis, keys);
  const databases = new Map(
    Object.entries(settings.databases).map(([name, each]) => [name, new Database(name, each, log)]),
  );
  const breakers = new Breakers(
    () => {
      const { failures, cool_down: coolDownMs } = config().settings.breakers;
      return { failures, coolDownMs };
    },
    clock,
    log,
  );
  const results = new ResultCache(redis, keys, clock);
  const guarded = (tool: Tool) => results.wrap(withBreaker(tool, breakers));
  const single = [
    ...createTools(stores.memory.notes, clock, settings.sandbox.url),
    ...createOutputTools(outputs),
    ...(await createFsTools(settings)),
    ...createDatabaseTools(databases, settings.databases),
    ...createScheduleTools({
      ...stores,
      settings: () => config().settings.scheduler,
      clock,
    }),
    ...createTalkTools(options, stores, gateways),
    ...createPlaceTools({
      clock,
      timeZone: () => config().settings.scheduler.time_zone,
      name: () => config().purpose.name,
      version: versionOfPackage(),
      platforms: () => [...new Set([...gateways.values()].map(({ platform }) => channelOf(platform)))],
      groups: () => tools.groups(),
    }),
    createHandOffTool(() => stores.controlDesk.isAnybodyThere()),
    createConfidenceTool(),
    createGoalTool(() => config().purpose),
    ...configured.flatMap((gateway) => gateway.tools ?? []),
  ].map(guarded);
  const plans = new SagaRunner({
    ...stores,
    sagas,
    authorizations: () => config().authorizations,
    rolesOf: (request) => stores.directory.rolesOfRequester(request),
    log,
  });
  const elevating = createElevateTool(() => config().authorizations.tools);
  const mcp = new McpServers({
    settings: settings.mcp,
    pins: stores.toolPins,
    folders: searchPath(),
    log,
  });
  const webSettings = () => config().settings.web;
  const web = new WebTools(webSettings, new WebClient({ settings: webSettings }));
  const skills: SkillRegistry = new SkillRegistry({
    settings: () => config().settings.skills,
    host: () =>
      createHost({
        platforms: [...gateways.values()].map(({ platform }) => channelOf(platform)),
        toolGroups: tools.groups(),
        model: config().settings.model.provider,
        path: searchPath(),
      }),
    log,
  });
  const scripts = new SkillScripts({
    settings: () => config().settings.skills,
    registry: skills,
    sandbox: new ScriptSandbox({ folders: searchPath(), hidden: ownFolders(settings) }),
    log,
  });
  const outside = [web, mcp, new ResearchTools(() => config().settings.research)].map(
    (source) => new GuardedSource(source, guarded),
  );
  const tools: ToolCatalog = new ToolCatalog(
    [...single, ...createPlanTools(single, plans), elevating],
    undefined,
    [...outside, scripts],
  );
  return {
    keys,
    stores,
    listener,
    clientLog,
    configured,
    gateways,
    sagas,
    outputs,
    breakers,
    databases,
    results,
    tools,
    mcp,
    skills,
    scripts,
  };
}

/**
 * Every tool the agent has by this configuration, for commands that tell of them: no store and no platform is asked.
 * Those of programs that are asked what they have (MCP) are not among them.
 */
export async function openTools(options: Pick<AppOptions, 'config' | 'clock' | 'log'>): Promise<ToolCatalog> {
  const redis = createRedis('redis://127.0.0.1', 'signalbox'); // never connected
  const { tools } = await equip({ ...options, redisUrl: '' }, redis);
  redis.disconnect();
  return tools;
}

/** An account that two say is somebody else's: `contacts.yaml` wins, and somebody has to hear of it. */
function sayDisputed(directory: Directory, log: Logger): void {
  for (const { account, linked, owner } of directory.disputed()) {
    log.error(
      { account, linked, owner },
      'an account of contacts.yaml is linked to somebody else as well; contacts.yaml counts. Take one of them back: `signalbox people unlink`',
    );
  }
}

function troublesOf(gateways: Iterable<Gateway>): Map<string, Trouble> {
  return new Map(
    [...gateways].flatMap((gateway) => {
      const trouble = gateway.trouble?.();
      return trouble ? [[String(channelOf(gateway.platform)), trouble] as const] : [];
    }),
  );
}

/** Names of connections by which one process sees what others are at work on. */
export function workerPoolName(keys: Keys): string {
  return `${keys.prefix}conversations`;
}

export function outboxPoolName(keys: Keys, platform: string): string {
  return `${keys.prefix}outbox-${platform}`;
}

/** For commands that look at, or settle, what is stored. `close` lets go of the connection. */
export async function openStores(
  options: Pick<AppOptions, 'config' | 'redisUrl' | 'clock' | 'log'>,
): Promise<Stores & { redis: RedisClient; keys: Keys; close(): void }> {
  const redis = await connect(options.redisUrl, options.log);
  const keys = new Keys(prefixOf(options.config()));
  const stores = createStores(redis, keys, options);
  await stores.links.now();
  return { ...stores, redis, keys, close: () => redis.disconnect() };
}

function createStores(
  redis: RedisClient,
  keys: Keys,
  { config, clock, log }: Pick<AppOptions, 'config' | 'clock' | 'log'>,
): Stores {
  const writer = new EffectWriter(redis, keys);
  const links = new LinkBook(redis, keys, writer, log);
  const directory = new Directory(config, links);
  const controls = new ControlStore(redis, keys, writer, () =>
    // What was said before a conversation changed hands must not be sent later, so it is known at least as long.
    Math.max(config().settings.retention.transcripts, 2 * GIVE_UP_AFTER_MS),
  );
  const rememberMs = () => config().settings.retention.dedupe;
  const escalations = new EscalationStore(redis, keys, writer, () => config().settings.retention.approvals);
  const deadLetters = new DeadLetters(redis, keys, (queue) => lettersSettled.closeFor(queue));
  const lettersSettled = new LettersSettled(escalations, deadLetters, () => config().escalation.triggers);
  const memory = new RedisMemory(
    redis,
    keys,
    writer,
    () => config().settings.retention.summaries + SWEPT_WITHIN_MS,
  );
  const transcripts = new TranscriptStore(redis, keys);
  const schedules = new ScheduleStore(redis, keys, writer, () => config().settings.retention.approvals);
  const stores: Stores = {
    approvals: new ApprovalStore(redis, keys, consequencesOf, () => config().settings.retention.approvals),
    audit: new AuditLog(redis, keys),
    deadLetters,
    lettersSettled,
    grants: new GrantStore(redis, keys, clock),
    directory,
    links,
    linkDesk: new LinkDesk({ book: links, directory, rememberMs, clock }),
    controls,
    controlDesk: new ControlDesk({ controls, directory, writer, config, rememberMs }),
    escalations,
    escalationDesk: new EscalationDesk({ escalations, directory, writer, rememberMs }),
    memory,
    transcripts,
    personData: new PersonData(memory, transcripts, schedules),
    apiKeys: new ApiKeyStore(redis, keys),
    toolPins: new PinStore(redis, keys, writer),
    schedules,
    writer,
  };
  followControls(stores, config, () => []);
  // Strangers are told where they asked, whoever runs; people where a gateway is at hand.
  const hasGuests = () => config().authorizations.guest_role !== undefined;
  stores.linkDesk.followedBy(
    createLinkNews({ directory, reach: new Reach(directory, new Map()), hasGuests }),
  );
  return stores;
}

/** What a change of who speaks brings about; where nothing is sent, nobody can be told that a human is wanted. */
function followControls(
  { controls, approvals }: Pick<Stores, 'controls' | 'approvals'>,
  config: AppOptions['config'],
  helpers: () => readonly Helper[],
): void {
  controls.followedBy(
    createConsequences({
      handoffs: new HandoffEscalation(() => config().escalation.triggers, new HandoffCall(helpers)),
      keepTranscriptMs: () => config().settings.retention.transcripts,
    }),
    async (conversationId) =>
      (await approvals.pending(MOST_LISTED))
        .filter((approval) => approval.conversationId === conversationId && isWaiting(approval.state))
        .map((approval) => `${titleOf(approval)} (${approval.id})`),
  );
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

/** None where no folder is configured. */
async function createFsTools({ workspace, skills, redis }: Config['settings']): Promise<Tool[]> {
  const { directory, ...limits } = workspace;
  if (directory === undefined) return [];
  // Whoever could write there could teach the agent, or read what it must not.
  const kept = ['config', redis.data_directory, ...foldersOf(skills).map(({ path }) => path)];
  return createWorkspaceTools(await Workspace.open(directory, limits, kept));
}

/** Folders in which this gateway keeps what is nobody else's business. */
export function ownFolders({ workspace, redis }: Config['settings']): string[] {
  return [
    process.cwd(),
    redis.data_directory,
    ...(workspace.directory === undefined ? [] : [workspace.directory]),
  ];
}

/** Words to others, words of before, and texts kept for a conversation. */
function createTalkTools(
  { config, clock }: Pick<AppOptions, 'config' | 'clock'>,
  { directory, approvals, writer, personData, transcripts, memory }: Stores,
  gateways: ReadonlyMap<string, Gateway>,
): Tool[] {
  const reach = new Reach(directory, gateways);
  const channels = () => config().settings.messaging.channels ?? {};
  const person = (wanted: string): Recipient | string => {
    const called = directory.people().filter(({ id, name }) => id === wanted || name === wanted);
    const [found, ...others] = called;
    if (!found || others.length > 0)
      return `${found ? 'more than one person is' : 'nobody is'} called "${wanted}"`;
    const place = reach.placesOf(found)[0];
    return place
      ? { words: personWords(found.name, found.id, place.account), to: place.to }
      : `${found.name} cannot be written to`;
  };
  const channel = (name: string): Recipient | string => {
    const place = channels()[name] ?? '';
    const [platform = '', id = ''] = [
      place.slice(0, place.indexOf(':')),
      place.slice(place.indexOf(':') + 1),
    ];
    const to = gateways.get(platform)?.channelAddress?.(id);
    return to ? { words: `the channel ${name} (${place})`, to } : `there is no channel "${name}" to write to`;
  };
  return [
    ...createMessageTools({
      person,
      channel,
      channels: () => Object.keys(channels()).toSorted(),
      nameOf: (id) => directory.find(id)?.name ?? id,
      originOf: async (id) => (await approvals.find(id))?.origin,
      writer,
      rememberMs: () => config().settings.retention.dedupe,
      clock,
    }),
    ...createDocumentTools(memory.notes, clock),
    ...(config().settings.sessions.own_history
      ? createSessionTools({
          idsOf: (id) => directory.idsOf(id),
          collect: (ids) => personData.collect(ids),
          entriesOf: async (id) => (await transcripts.read(id)).flatMap(({ entry }) => entry ?? []),
        })
      : []),
  ];
}

function createTools(notes: Notes, clock: Clock, sandboxUrl: string | undefined): Tool[] {
  return [
    ...createNoteTools(notes, clock),
    ...createFileTools(),
    ...(sandboxUrl === undefined ? [] : createShopTools(`${sandboxUrl}/shop`)),
  ];
}

/** What all calls to models have in common. */
interface SharedByModels {
  readonly breakers: Breakers;
  readonly slots: Slots;
  readonly log: Logger;
}

/** The models that are configured now; new clients only when their settings changed. */
function createModels(config: AppOptions['config'], shared: SharedByModels): () => ModelClient {
  let made: { from: ModelSettings; model: ModelClient } | undefined;
  return () => {
    const { model } = config().settings;
    if (made?.from !== model) made = { from: model, model: createModel(model, shared) };
    return made.model;
  };
}

/** The configuration with the model that writes summaries: it answers shortly, and may be another. */
function withSummariser(config: AppOptions['config']): AppOptions['config'] {
  let made: { from: Config; config: ReturnType<AppOptions['config']> } | undefined;
  return () => {
    const now = config();
    if (made?.from !== now) {
      const { model, memory } = now.settings;
      const { model: name = model.name, max_tokens } = memory.summaries;
      made = {
        from: now,
        config: { ...now, settings: { ...now.settings, model: { ...model, name, max_tokens } } },
      };
    }
    return made.config;
  };
}

/** The model, then its fallbacks, behind a bounded number of places. */
function createModel(settings: ModelSettings, { breakers, slots, log }: SharedByModels): ModelClient {
  const links = eachModel(settings).map((each) => ({
    name: each.name,
    client: createClient(each),
    breaker: () => breakers.of(`model:${each.name}`),
  }));
  return new SlottedModel(new ModelChain(links, log), slots);
}

/** The settings of each model there is, the one that is asked first in front. */
export function eachModel({ fallbacks, ...first }: ModelSettings): Omit<ModelSettings, 'fallbacks'>[] {
  return [first, ...fallbacks.map((fallback) => ({ ...first, ...fallback }))];
}

export function createClient(settings: Omit<ModelSettings, 'fallbacks'>): ModelClient {
  switch (settings.provider) {
    case 'echo':
      return new EchoClient();
    case 'claude':
      return new ClaudeClient({
        model: settings.name,
        apiKey: settings.api_key,
        baseUrl: settings.base_url,
        maxTokens: settings.max_tokens,
        thinkingTokens: settings.thinking_tokens,
        timeoutMs: settings.timeout,
        retries: settings.retries,
      });
    default:
      return settings.provider satisfies never;
  }
}

function handOver(claims: readonly Claim[], outboxes: ReadonlyMap<string, LanePool>): void {
  for (const claim of claims) outboxes.get(claim.queue.slice('o.'.length))?.offer(claim);
}

function prefixOf({ settings }: Config): string {
  return settings.redis.key_prefix === '' ? '' : `${settings.redis.key_prefix}:`;
}
