/**
 * A process: pending approvals as the product keeps them.
 *
 * They are opened as in production, as effects of a commit, and what time brings about is applied by the product's
 * own sweeper. Only people and platforms are missing.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApprovalRounds } from '../../src/approvals/approval-rounds.ts';
import {
  ApprovalStore,
  approvalIdFor,
  type Consequences,
  type DueApproval,
  toOpenEffect,
} from '../../src/approvals/approval-store.ts';
import { consequencesOf } from '../../src/approvals/consequences.ts';
import { open } from '../../src/domain/approval/opening.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { dueOf, type TickResult } from '../../src/domain/approval/time.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { type ApprovalId, PersonId } from '../../src/domain/ids.ts';
import { LaneRounds } from '../../src/mailbox/lane-rounds.ts';
import { duplicateRedis, type RedisClient } from '../../src/redis/client.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { PARTITIONS, partitionOf } from '../../src/redis/keys.ts';
import { Heartbeat } from '../../src/services/heartbeat.ts';
import { SelfAuditor } from '../../src/services/self-auditor.ts';
import { TimerSweeper } from '../../src/services/timer-sweeper.ts';
import { WatchdogRecord } from '../../src/services/watchdog-record.ts';
import { type CoreStore, conversationNumber, LOG, openCoreStore, SLACK_THREAD } from './core-store.ts';
import { inFlightLoop } from './in-flight-loop.ts';
import {
  type Audited,
  BODY_BYTES,
  type Fired,
  type Listed,
  type PendingOrder,
  type Voted,
} from './pending-protocol.ts';
import { LISTED, PeopleAsked } from './people-asked.ts';

/** Approvals opened by one commit. */
const OPENED_AT_ONCE = 500;

const HOUR_MS = 60 * 60 * 1_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** How long an ended approval is kept; the product's default. */
const KEEP_ENDED_MS = 30 * 24 * HOUR_MS;

class PendingApprovals {
  readonly #store: TimedStore;
  readonly #people: PeopleAsked;
  #opened = 0;
  #voted = 0;
  readonly #writer: EffectWriter;

  constructor(private readonly core: CoreStore) {
    this.#writer = new EffectWriter(core.redis, core.keys);
    this.#store = new TimedStore(core);
    this.#people = new PeopleAsked(core, this.#store);
  }

  async carryOut(order: PendingOrder): Promise<object> {
    switch (order.kind) {
      case 'open': {
        const startedAt = performance.now();
        await this.#open(order.count, (nowMs) => nowMs + WEEK_MS, [HOUR_MS, 24 * HOUR_MS]);
        return { kind: 'opened', durationMs: performance.now() - startedAt };
      }
      case 'fire':
        return this.#fire(order.perSecond, order.seconds);
      case 'vote':
        return this.#vote(order.count, order.inFlight);
      case 'list':
        return this.#list(order.count);
      case 'audit':
        return this.#audit();
      default:
        return order satisfies never;
    }
  }

  async #fire(perSecond: number, seconds: number): Promise<Fired> {
    const count = perSecond * seconds;
    const first = this.#opened;
    // Opening goes at several thousand a second, so all are open some time before the first falls due.
    const startMs = Date.now() + 3_000 + count / 2;
    await this.#open(count, (_nowMs, index) => startMs + ((index - first) * 1_000) / perSecond, []);
    await sleep(startMs - Date.now() - 500);

    const before = process.cpuUsage();
    const sweeper = new TimerSweeper(this.#store, LOG);
    await sweeper.start();
    const deadlineMs = startMs + seconds * 1_000 + 30_000;
    while (this.#store.latenessMs.length < count && Date.now() < deadlineMs) await sleep(100);
    await sweeper.stop();
    const { user, system } = process.cpuUsage(before);
    const latenessMs = this.#store.latenessMs;
    if (latenessMs.length < count) throw new Error(`${latenessMs.length} of ${count} timers fired`);
    return { kind: 'fired', latenessMs, cpuMs: (user + system) / 1_000 / count };
  }

  async #vote(count: number, inFlight: number): Promise<Voted> {
    const startedAt = performance.now();
    const first = this.#voted;
    this.#voted += count;
    const latenciesMs = await inFlightLoop(count, inFlight, async (offset) => {
      const index = first + offset;
      const code = await this.#people.approve(approvalNumber(index), `slack:T0BENCH:vote:${index}`);
      if (code !== 'DECIDED') throw new Error(`a vote was answered ${code ?? 'with nothing'}`);
    });
    return { kind: 'voted', durationMs: performance.now() - startedAt, latenciesMs };
  }

  async #list(count: number): Promise<Listed> {
    const latenciesMs = await inFlightLoop(count, 1, async () => {
      const listed = await this.#people.list();
      if (listed < Math.min(LISTED, this.#opened - this.#voted)) throw new Error(`${listed} were listed`);
    });
    return { kind: 'listed', latenciesMs };
  }

  async #audit(): Promise<Audited> {
    const { redis, keys } = this.core;
    const record = new WatchdogRecord(redis, keys);
    await record.begin(Date.now());
    const auditor = new SelfAuditor({
      approvals: this.#store,
      rounds: new ApprovalRounds(redis, keys),
      lanes: new LaneRounds(redis, keys),
      record,
      writer: new EffectWriter(redis, keys),
      heartbeat: new Heartbeat(() => ({ heartbeat_method: 'GET', heartbeat_timeout: 1_000 }), LOG),
      calls: { async *look() {} },
      plans: { async *prove() {} },
      schedules: { async *prove() {} },
      controls: { async *prove() {} },
      clocks: { leaps: async () => [] },
      copiesFor: () => [],
      owners: () => [],
      everyMs: () => HOUR_MS,
      clock: systemClock,
      log: LOG,
    });
    const waits = new WaitWatch(duplicateRedis(redis, 'signalbox-bench-waits'));
    const watching = waits.watch();
    const startedAt = performance.now();
    const { approvals } = await auditor.look();
    const betweenAt = performance.now();
    const { findings } = await auditor.look();
    const endedAt = performance.now();
    waits.stop();
    await watching;
    if (findings.length > 0) throw new Error(`the self-audit found ${findings.length} things`);
    return {
      kind: 'audited',
      approvals,
      firstMs: betweenAt - startedAt,
      againMs: endedAt - betweenAt,
      longestWaitMs: waits.longestMs,
    };
  }

  /** Numbers go on from those opened before. */
  async #open(
    count: number,
    deadlineOf: (nowMs: number, index: number) => number,
    remindAfterMs: readonly number[],
  ): Promise<void> {
    const batches = Array.from({ length: PARTITIONS }, (): Approval[] => []);
    const nowMs = Date.now();
    const end = this.#opened + count;
    for (; this.#opened < end; this.#opened += 1) {
      const approval = sampleApproval(
        this.#opened,
        nowMs,
        Math.round(deadlineOf(nowMs, this.#opened)),
        remindAfterMs,
      );
      const batch = batches[partitionOf(approval.conversationId)] ?? [];
      batch.push(approval);
      if (batch.length === OPENED_AT_ONCE) await this.#write(batch.splice(0));
    }
    for (const batch of batches) if (batch.length > 0) await this.#write(batch);
  }

  /** All of one partition, so that one write can open them. */
  async #write(approvals: readonly Approval[]): Promise<void> {
    const effects = approvals.map((approval) => toOpenEffect(approval, KEEP_ENDED_MS));
    await this.#writer.write(approvals[0]!.conversationId, effects);
  }
}

/** What somebody else would wait for the server, asked every few milliseconds. */
class WaitWatch {
  longestMs = 0;
  #watching = true;

  constructor(private readonly redis: RedisClient) {}

  async watch(): Promise<void> {
    while (this.#watching) {
      const askedAt = performance.now();
      await this.redis.ping();
      this.longestMs = Math.max(this.longestMs, performance.now() - askedAt);
      await sleep(5);
    }
    this.redis.disconnect();
  }

  stop(): void {
    this.#watching = false;
  }
}

/** Notes how late each deadline was applied: from its time to the moment its effect was stored. */
class TimedStore extends ApprovalStore {
  readonly latenessMs: number[] = [];
  readonly #dueMs: Map<ApprovalId, number>;

  constructor({ redis, keys }: CoreStore) {
    const dueMs = new Map<ApprovalId, number>();
    const consequences: Consequences = (before, moved, nowMs) => {
      dueMs.set(before.id, dueOf(before) ?? Number.NaN);
      return consequencesOf(before, moved, nowMs);
    };
    super(redis, keys, consequences, () => KEEP_ENDED_MS);
    this.#dueMs = dueMs;
  }

  override async tick(due: DueApproval): Promise<TickResult | undefined> {
    const result = await super.tick(due);
    const dueMs = this.#dueMs.get(due.id);
    if (result === 'expired' && dueMs !== undefined) this.latenessMs.push(Date.now() - dueMs);
    return result;
  }
}

function approvalNumber(index: number): ApprovalId {
  return approvalIdFor(conversationNumber(index), String(index), 0);
}

function sampleApproval(
  index: number,
  nowMs: number,
  deadlineMs: number,
  remindAfterMs: readonly number[],
): Approval {
  const conversationId = conversationNumber(index);
  const [, , channel = '', thread = ''] = conversationId.split(':');
  return open({
    id: approvalNumber(index),
    conversationId,
    origin: { platform: SLACK_THREAD.platform, route: { channel, thread } },
    request: {
      tool: 'refund',
      version: 1,
      args: sampleBody(index),
      risk: 'high',
      effect: 'once',
      reversible: false,
      requester: PersonId.parse('alex'),
      requesterName: 'Alex Kim',
      callId: `toolu_${noise(index, 24)}`,
      correlation: `${conversationId}:${index}`,
    },
    policy: {
      name: 'default',
      rule: 'refunds above 50',
      approvers: { role: 'manager' },
      choices: ['approve', 'deny', 'answer'],
      remindAfterMs: [...remindAfterMs],
      validForMs: 15 * 60 * 1_000,
      leaseMs: 30_000,
    },
    deadlineMs,
    copies: [],
    nowMs,
    verdict: 'human',
  });
}

/** The arguments a human agrees to: exactly `BODY_BYTES` of JSON, each its own, so that no store gets it for less. */
function sampleBody(index: number): object {
  const body = { order: String(4_711 + index).padStart(8, '0'), amount: 120, currency: 'EUR', reason: '' };
  return { ...body, reason: noise(index, BODY_BYTES - JSON.stringify(body).length) };
}

/** Characters that no compression finds a pattern in; the same for the same number. */
function noise(index: number, length: number): string {
  return createHash('shake256', { outputLength: length })
    .update(String(index))
    .digest('base64url')
    .slice(0, length);
}

const core = await openCoreStore(process.env.REDIS_URL ?? '');
const pending = new PendingApprovals(core);
process.on('message', async (order: PendingOrder) => {
  const answer = await pending.carryOut(order).catch((error: unknown) => ({
    kind: 'failed' as const,
    reason: error instanceof Error ? error.message : String(error),
  }));
  process.send?.(answer);
});
process.on('disconnect', () => process.exit());
console.log('ready');
