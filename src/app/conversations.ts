/** The agent at work: conversations, with the model that thinks and the one that writes summaries afterwards. */
import { MeteredModel } from '../agent/model/metered-model.ts';
import { PermitOffice } from '../approvals/permit-office.ts';
import { StandingYes } from '../approvals/standing-yes.ts';
import { BackgroundBudget } from '../budget/background-budget.ts';
import { BudgetDesk } from '../budget/budget-desk.ts';
import { ToolThrottle } from '../budget/tool-throttle.ts';
import { UsageLedger } from '../budget/usage-ledger.ts';
import type { StopSign } from '../control/stop-sign.ts';
import { createWhereOf } from '../control/whereabouts.ts';
import { Outbox } from '../delivery/outbox.ts';
import { ModelOutage } from '../escalation/model-outage.ts';
import { Slots } from '../health/slots.ts';
import { KeyedQueue } from '../mailbox/keyed-queue.ts';
import { aloneBy } from '../memory/alone.ts';
import { Recollection } from '../memory/recollection.ts';
import { ConversationStates } from '../router/conversation-state.ts';
import { createConversationWorker } from '../router/conversation-worker.ts';
import { DelayMarks } from '../router/delay-marks.ts';
import { LanePool } from '../services/lane-pool.ts';
import { MemoryKeeper } from '../services/memory-keeper.ts';
import { workerPoolName } from '../services/pool-names.ts';
import type { AgentEquipment } from './agent-equipment.ts';
import type { Core } from './base.ts';
import { createModels, type SharedByModels, withSummariser } from './models.ts';
import { handOver } from './outboxes.ts';
import { createRooms } from './rooms.ts';

export interface Conversations {
  readonly pool: LanePool;
  readonly keeper: MemoryKeeper;
}

export interface ConversationParts {
  /** By platform. */
  readonly outboxes: ReadonlyMap<string, LanePool>;
  readonly stops: StopSign;
}

export function createConversations(
  core: Core,
  agent: AgentEquipment,
  { outboxes, stops }: ConversationParts,
): Conversations {
  const { config, clock, log, redis, keys, session, stores, gateways, reach } = core;
  const { tools, outputs, scripts, breakers } = agent;
  const budgets = new BudgetDesk(
    new UsageLedger(redis, keys),
    stores.writer,
    () => config().settings.budgets,
    clock,
  );
  const shared = { breakers, slots: createSlots(core), log };
  const keeper = createKeeper(core, shared, budgets);
  const queue = new KeyedQueue(redis, keys, session, 'm', config().settings.limits.history_entries);
  const worker = createConversationWorker({
    queue,
    approvals: stores.approvals,
    permits: new PermitOffice(
      stores.approvals,
      new StandingYes({ ...stores, policies: () => config().escalation.policies, clock }),
    ),
    grants: stores.grants,
    controls: stores.controls,
    rooms: createRooms(core),
    memory: stores.memory,
    states: new ConversationStates(redis, { ...stores, stops }),
    stops,
    escalations: stores.escalations,
    modelOutage: new ModelOutage(redis, keys),
    delays: new DelayMarks(redis, keys),
    whereOf: createWhereOf(() => config().settings.messaging.channels ?? {}, gateways),
    outbox: new Outbox(redis, keys),
    directory: stores.directory,
    reach,
    config,
    model: createModels(config, shared),
    budgets,
    throttle: new ToolThrottle(redis, keys, () => config().settings.tools),
    tools,
    outputs,
    skills: scripts,
    gateways,
    sendNow: (platform) => (outboxes.get(platform)?.hasRoom() ? session.id : ''),
    onHanded: (claims) => handOver(claims, outboxes),
    recollection: new Recollection(
      stores.memory,
      () => config().settings.memory,
      aloneBy(stores.transcripts),
    ),
    onTurn: (turn) => keeper.turnDone(turn),
    clock,
    log,
  });
  const pool = new LanePool({
    name: workerPoolName(keys),
    redis,
    queue,
    concurrency: () => config().settings.workers.conversations,
    handle: (claim, mode) => worker.handle(claim, mode),
    log,
  });
  return { pool, keeper };
}

function createSlots({ config }: Core): Slots {
  return new Slots(() => {
    const { concurrency: places, wait: waitMs } = config().settings.model;
    return { places, waitMs };
  });
}

function createKeeper(
  { config, stores, log }: Core,
  shared: SharedByModels,
  budgets: BudgetDesk,
): MemoryKeeper {
  const background = new BackgroundBudget(budgets);
  const summarisers = createModels(withSummariser(config), shared);
  return new MemoryKeeper({
    ...stores,
    model: () => new MeteredModel(summarisers(), background),
    settings: () => config().settings,
    log,
  });
}
