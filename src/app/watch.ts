/** What looks again and again: whose time has come, what was kept long enough, whether everything is as it should be. */
import { ApprovalRounds } from '../approvals/approval-rounds.ts';
import { BudgetDesk } from '../budget/budget-desk.ts';
import { UsageLedger } from '../budget/usage-ledger.ts';
import { ControlTimers } from '../control/control-timers.ts';
import type { Circumstances } from '../domain/approval/time.ts';
import { EscalationAudit } from '../escalation/escalation-audit.ts';
import { LaneRounds } from '../mailbox/lane-rounds.ts';
import { RetentionSweep } from '../memory/retention-sweep.ts';
import type { SagaStore } from '../plans/saga-store.ts';
import { SagaTimers } from '../plans/saga-timers.ts';
import { PartitionClocks } from '../redis/partition-clocks.ts';
import { ownersIn } from '../router/owner-cards.ts';
import { ScheduleTimers } from '../scheduler/schedule-timers.ts';
import { Heartbeat } from '../services/heartbeat.ts';
import { RetentionSweeper } from '../services/retention-sweeper.ts';
import { SelfAuditor } from '../services/self-auditor.ts';
import { TimerSweeper } from '../services/timer-sweeper.ts';
import { WatchdogRecord } from '../services/watchdog-record.ts';
import type { Core } from './base.ts';
import type { Escalations } from './escalations.ts';

export interface WatchParts {
  readonly escalations: Escalations;
  readonly sagas: SagaStore;
  /** Where those are asked who come to a request. */
  readonly copiesFor: Circumstances['copiesFor'];
}

export interface Watch {
  readonly sweeper: TimerSweeper;
  readonly auditor: SelfAuditor;
  readonly retention: RetentionSweeper;
}

export function createWatch(core: Core, parts: WatchParts): Watch {
  const clocks = new PartitionClocks(core.redis, core.keys, core.log);
  return {
    sweeper: createSweeper(core, parts, clocks),
    auditor: createAuditor(core, parts, clocks),
    retention: createRetention(core),
  };
}

function createSweeper(
  core: Core,
  { escalations, sagas }: WatchParts,
  clocks: PartitionClocks,
): TimerSweeper {
  const { config, clock, log, redis, keys, stores, reach } = core;
  const planned = new ScheduleTimers({
    schedules: stores.schedules,
    controls: stores.controls,
    directory: stores.directory,
    budgets: new BudgetDesk(
      new UsageLedger(redis, keys),
      stores.writer,
      () => config().settings.budgets,
      clock,
    ),
    operators: () => stores.directory.operators().flatMap((person) => reach.placesOf(person)[0]?.to ?? []),
    log,
  });
  const timers = [
    new ControlTimers(stores.controls, log),
    escalations.timers,
    escalations.pagers,
    new SagaTimers(sagas, log),
    planned,
  ];
  return new TimerSweeper(stores.approvals, log, timers, clocks);
}

function createAuditor(core: Core, parts: WatchParts, clocks: PartitionClocks): SelfAuditor {
  const { config, clock, log, redis, keys, stores, reach } = core;
  const { escalations, sagas, copiesFor } = parts;
  return new SelfAuditor({
    ...stores,
    rounds: new ApprovalRounds(redis, keys),
    lanes: new LaneRounds(redis, keys),
    calls: new EscalationAudit(stores.escalations, escalations.pagers, stores.controls, clock),
    plans: sagas,
    clocks,
    record: new WatchdogRecord(redis, keys),
    heartbeat: new Heartbeat(() => config().settings.watchdog, log),
    copiesFor,
    owners: () => ownersIn({ directory: stores.directory, reach }),
    everyMs: () => config().settings.watchdog.every,
    clock,
    log,
  });
}

function createRetention({ config, clock, log, stores }: Core): RetentionSweeper {
  const { memory, transcripts, writer } = stores;
  const sweep = new RetentionSweep(memory, transcripts, writer, () => config().settings.retention);
  return new RetentionSweeper(sweep, clock, log);
}
