/** What comes in: the router, and the desks that take what is not for the agent. */
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import type { ReplyTokens } from '../approvals/reply-token.ts';
import { BudgetDesk } from '../budget/budget-desk.ts';
import { UsageLedger } from '../budget/usage-ledger.ts';
import type { StopSign } from '../control/stop-sign.ts';
import { createWhereOf } from '../control/whereabouts.ts';
import type { Gateway, Lookup, Receive, Trouble } from '../domain/gateway.ts';
import { channelOf, platformOf } from '../domain/ids.ts';
import { Mailbox } from '../mailbox/mailbox.ts';
import { connectionNames } from '../redis/connections.ts';
import { AnswerDesk } from '../router/answer-desk.ts';
import type { BallotBox } from '../router/ballot-box.ts';
import { BatchDesk } from '../router/batch-desk.ts';
import { Bridge } from '../router/bridge.ts';
import { Confirmations } from '../router/confirmations.ts';
import { ControlDirectives } from '../router/control-directives.ts';
import { DirectiveDesk } from '../router/directive-desk.ts';
import { EscalationDirectives } from '../router/escalation-directives.ts';
import type { GrantDesk } from '../router/grant-desk.ts';
import { LinkDirectives } from '../router/link-directives.ts';
import { MemoryDirectives } from '../router/memory-directives.ts';
import { MessageRouter } from '../router/message-router.ts';
import { ReopenDesk } from '../router/reopen-desk.ts';
import { WithdrawalDesk } from '../router/withdrawal-desk.ts';
import type { LanePool } from '../services/lane-pool.ts';
import type { AgentEquipment } from './agent-equipment.ts';
import type { Core } from './base.ts';
import { openChannels, platformsOf } from './channels.ts';
import { createRooms } from './rooms.ts';

export interface IntakeParts {
  readonly tokens: ReplyTokens;
  readonly ballots: BallotBox;
  readonly grants: GrantDesk;
  readonly stops: StopSign;
  /** Where conversations are worked on. */
  readonly conversations: LanePool;
}

export interface Intake {
  readonly router: MessageRouter;
  /** For the gateways. */
  readonly receive: Receive;
  readonly lookup: Lookup;
}

export function createIntake(core: Core, { tools, results }: AgentEquipment, parts: IntakeParts): Intake {
  const { directory } = core.stores;
  const answers = createAnswers(core, tools, parts);
  const router = createRouter(core, parts, answers);
  return {
    router,
    receive: async (inbound) => {
      // A platform that tells of something may be another than its tools have read.
      await results.invalidate([channelOf(platformOf(inbound.sender.account))]);
      return router.receive(inbound);
    },
    lookup: {
      approvalsFor: (sender, most) => answers.approvalsFor(sender, most),
      formFor: (wish) => answers.formFor(wish),
      accountsOn: (platform) => directory.accountsOn(platform),
    },
  };
}

function createAnswers(core: Core, tools: ToolCatalog, { tokens, ballots }: IntakeParts): AnswerDesk {
  const { config, clock, log, redis, keys, stores, reach, rememberMs } = core;
  return new AnswerDesk({
    ballots,
    ...stores,
    rooms: createRooms(core),
    reach,
    tokens,
    batches: new BatchDesk({ ballots, approvals: stores.approvals, clock }),
    reopening: new ReopenDesk({ ...stores, reach, tools, config, log }),
    withdrawals: new WithdrawalDesk(stores),
    confirmations: new Confirmations(redis, keys),
    rememberMs,
    clock,
  });
}

function createRouter(core: Core, parts: IntakeParts, answers: AnswerDesk): MessageRouter {
  const { config, clock, log, redis, keys, session, stores, gateways, reach, rememberMs } = core;
  const { grants, stops, conversations } = parts;
  const { history_entries: mostEntries } = config().settings.limits;
  const links = new LinkDirectives({
    ...stores,
    desk: stores.linkDesk,
    book: stores.links,
    reach,
    config,
    rememberMs,
    clock,
  });
  return new MessageRouter({
    mailbox: new Mailbox(redis, keys, session, rememberMs, mostEntries),
    answers,
    directives: new DirectiveDesk({
      approvals: stores.approvals,
      hands: stores.controls,
      lookup: answers,
      grants,
      stops,
      config,
      controls: new ControlDirectives({
        desk: stores.controlDesk,
        controls: stores.controls,
        directory: stores.directory,
        bridge: new Bridge({ directory: stores.directory, reach }),
        transcripts: stores.transcripts,
        reach,
        whereOf: createWhereOf(() => config().settings.messaging.channels ?? {}, gateways),
      }),
      escalations: new EscalationDirectives(stores.escalationDesk),
      links,
      budgets: new BudgetDesk(
        new UsageLedger(redis, keys),
        stores.writer,
        () => config().settings.budgets,
        clock,
      ),
      memory: new MemoryDirectives(stores.memory, () => config().settings.memory),
      directory: stores.directory,
      reach,
      writer: stores.writer,
      rememberMs,
      platforms: () => platformsOf(gateways),
      openPlatforms: async () => openChannels(await connectionNames(redis), keys),
      troubles: () => troublesOf(gateways),
      clock,
    }),
    links,
    linking: stores.linkDesk,
    directory: stores.directory,
    writer: stores.writer,
    rooms: createRooms(core),
    controls: stores.controls,
    config,
    isKnown: (conversationId) => stores.controls.isKnown(conversationId),
    hasRoom: () => conversations.hasRoom(),
    onTaken: (claim) => conversations.offer(claim),
    clock,
    log,
  });
}

function troublesOf(gateways: ReadonlyMap<string, Gateway>): Map<string, Trouble> {
  return new Map(
    [...gateways.values()].flatMap((gateway) => {
      const trouble = gateway.trouble?.();
      return trouble ? [[String(channelOf(gateway.platform)), trouble] as const] : [];
    }),
  );
}
