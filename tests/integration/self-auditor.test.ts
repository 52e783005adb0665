/** The self-audit: each promise is broken as a mistake elsewhere would break it, found, put right, and told of. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { toHeard } from '../../src/approvals/approval-audit.ts';
import { toDocument } from '../../src/approvals/approval-codec.ts';
import { ApprovalRounds } from '../../src/approvals/approval-rounds.ts';
import { ApprovalStore, toOpenEffect } from '../../src/approvals/approval-store.ts';
import {
  cardUpdate,
  consequencesOf,
  consequencesOfOpening,
  wakeUpFor,
} from '../../src/approvals/consequences.ts';
import { PermitOffice } from '../../src/approvals/permit-office.ts';
import { copyFor } from '../../src/approvals/plan.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { ControlStore } from '../../src/control/control-store.ts';
import { escalationIdOf, partitionOfEscalation } from '../../src/delivery/escalation-item.ts';
import { outboxOf } from '../../src/delivery/outbox.ts';
import { noteCopy } from '../../src/domain/approval/copies.ts';
import type { Approval, CardCopy } from '../../src/domain/approval/record.ts';
import { type Circumstances, dueOf, tick } from '../../src/domain/approval/time.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { endOf, handBack, takeOver } from '../../src/domain/control.ts';
import { takeWithConversation } from '../../src/domain/escalation/answers.ts';
import { raise, tick as tickEscalation } from '../../src/domain/escalation/course.ts';
import type { EscalationPlan } from '../../src/domain/escalation/plan.ts';
import type { Surroundings } from '../../src/domain/escalation/surroundings.ts';
import { AccountId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { MailboxItem } from '../../src/domain/mailbox-item.ts';
import { RoleName } from '../../src/domain/person.ts';
import { begin } from '../../src/domain/saga.ts';
import { EscalationAudit } from '../../src/escalation/escalation-audit.ts';
import { EscalationStore } from '../../src/escalation/escalation-store.ts';
import { Pagers } from '../../src/escalation/pagers.ts';
import { LaneRounds } from '../../src/mailbox/lane-rounds.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { SagaStore, sagaIdOf } from '../../src/plans/saga-store.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf, type QueueName } from '../../src/redis/keys.ts';
import type { Leap } from '../../src/redis/partition-clocks.ts';
import { ScheduleStore, scheduleIdOf } from '../../src/scheduler/schedule-store.ts';
import { Heartbeat, type HeartbeatSettings } from '../../src/services/heartbeat.ts';
import { type AuditorDeps, type Finding, type Owner, SelfAuditor } from '../../src/services/self-auditor.ts';
import { WatchdogRecord } from '../../src/services/watchdog-record.ts';
import {
  type ApprovalWish,
  anAddress,
  anApproval,
  aVote,
  LEASE_MS,
  NO_STANDING_YES,
} from '../support/approvals.ts';
import { ManualClock, openStore, openWorker, type Store, silent } from '../support/core.ts';

const KEEP_MS = 3_600_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SLACK_OUT = outboxOf('slack');
const MAIL_OUT = outboxOf('email');
const LEE = PersonId.parse('lee');
const OLGA: Owner = {
  person: PersonId.parse('olga'),
  place: { to: { ...anAddress('slack'), route: { user: 'U0OLGA' } }, cannotEdit: false },
};

/** One process that audits, and the ear outside. */
class World {
  /** When the ear was called: method and path. */
  readonly beats: string[] = [];
  readonly rounds: ApprovalRounds;
  readonly approvals: ApprovalStore;
  readonly auditor: SelfAuditor;
  readonly escalations: EscalationStore;
  readonly pagers: Pagers;
  readonly sagas: SagaStore;
  readonly schedules: ScheduleStore;
  readonly controls: ControlStore;
  readonly clock = new ManualClock(Date.now());
  owners: Owner[] = [];
  copiesFor: Circumstances['copiesFor'] = () => undefined;

  private constructor(
    readonly store: Store,
    heartbeat: Partial<HeartbeatSettings>,
    deps: Partial<AuditorDeps>,
  ) {
    const { redis, keys } = store;
    this.approvals = new ApprovalStore(redis, keys, consequencesOf, () => KEEP_MS);
    this.approvals.reachPeopleBy((...asked) => this.copiesFor(...asked));
    this.rounds = new ApprovalRounds(redis, keys);
    const writer = new EffectWriter(redis, keys);
    this.escalations = new EscalationStore(redis, keys, writer, () => KEEP_MS);
    this.pagers = new Pagers(redis, keys, writer, {
      escalations: this.escalations,
      quietOf: () => (_importance, atMs) => atMs + HOUR,
      placeOn: () => undefined,
      show: async () => {},
      isOneMessage: () => true,
      rememberMs: () => HOUR,
      log: silent,
    });
    this.sagas = new SagaStore(redis, keys, writer, {
      keepMs: () => KEEP_MS,
      triggers: () => [],
      whereOf: () => ({ text: '', isPrivate: false }),
    });
    this.schedules = new ScheduleStore(redis, keys, writer, () => KEEP_MS);
    this.controls = new ControlStore(redis, keys, writer, () => KEEP_MS);
    const settings = { heartbeat_method: 'GET', heartbeat_timeout: 5_000, ...heartbeat } as const;
    this.auditor = new SelfAuditor({
      approvals: this.approvals,
      rounds: this.rounds,
      lanes: new LaneRounds(redis, keys),
      calls: new EscalationAudit(this.escalations, this.pagers, this.controls, this.clock),
      plans: this.sagas,
      schedules: this.schedules,
      controls: this.controls,
      clocks: { leaps: async () => [] },
      record: new WatchdogRecord(redis, keys),
      writer: new EffectWriter(redis, keys),
      heartbeat: new Heartbeat(() => settings, deps.log ?? silent),
      copiesFor: (...asked) => this.copiesFor(...asked),
      owners: () => this.owners,
      everyMs: () => HOUR,
      clock: this.clock,
      log: silent,
      ...deps,
    });
  }

  static async open(
    options: {
      store?: Store;
      deps?: Partial<AuditorDeps>;
      heartbeat?: Partial<HeartbeatSettings>;
      answer?: (request: IncomingMessage, response: ServerResponse) => void;
    } = {},
  ): Promise<World> {
    const store = await openStore(
      options.store && { url: options.store.url, prefix: options.store.keys.prefix },
    );
    const ear = createServer((request, response) => {
      world.beats.push(`${request.method} ${request.url}`);
      if (options.answer) options.answer(request, response);
      else response.end('ok');
    });
    ear.listen(0, '127.0.0.1');
    await once(ear, 'listening');
    onTestFinished(() => {
      ear.closeAllConnections();
      ear.close();
    });
    const { port } = ear.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/ping/2b5ba3c1`;
    const world: World = new World(store, { heartbeat_url: url, ...options.heartbeat }, options.deps ?? {});
    await world.auditor.start();
    onTestFinished(() => world.auditor.stop());
    return world;
  }

  /** Opens an approval as the commit of a turn does. */
  async opened(wish: ApprovalWish = {}): Promise<Approval> {
    const conversation = wish.conversation ?? `slack:T0:C0:${randomUUID()}`;
    const openedMs = await this.approvals.nowMs(ConversationId.parse(conversation));
    const tail = randomUUID().replaceAll('-', '').slice(0, 12);
    const approval = anApproval({
      openedMs,
      tail,
      deadlineMs: openedMs + HOUR,
      policy: { remindAfterMs: [], validForMs: HOUR, ...wish.policy },
      ...wish,
      conversation,
    });
    await new EffectWriter(this.store.redis, this.store.keys).write(conversation, [
      toOpenEffect(approval, KEEP_MS),
      ...consequencesOfOpening(approval, openedMs),
    ]);
    return approval;
  }

  /** One that waits, all of whose cards were sent. */
  async waiting(wish: ApprovalWish = {}): Promise<Approval> {
    return this.sent(await this.opened(wish));
  }

  /** Dana says something to it. */
  async answered(approval: Approval, wish: Parameters<typeof aVote>[1] = {}): Promise<Approval> {
    const current = await this.read(approval);
    await this.approvals.apply(current.id, (seen, nowMs) => vote(seen, aVote(current, wish), nowMs));
    return this.read(approval);
  }

  /** All its cards are brought up to date, as the delivery of them does it. */
  async sent(approval: Approval): Promise<Approval> {
    const { face, copies } = await this.read(approval);
    for (const { id } of copies) {
      await this.approvals.apply(approval.id, (current, nowMs) =>
        noteCopy(current, id, { ref: `ref-${id}`, shown: face }, nowMs),
      );
    }
    await this.lose(approval, SLACK_OUT);
    await this.lose(approval, MAIL_OUT);
    return this.read(approval);
  }

  /** Its conversation handles whatever waits for it, as the worker does it. */
  async handled(approval: Approval, most = Number.POSITIVE_INFINITY): Promise<void> {
    const worker = await openWorker(this.store);
    const queue = worker.queue('m');
    for (let handled = 0; handled < most; handled++) {
      const [claim] = await queue.claim(partitionOf(approval.conversationId), 1, new Map());
      if (!claim) return;
      const item = MailboxItem.parse(JSON.parse(claim.item));
      const effects =
        item.kind === 'approval' ? toHeard(item.state, await this.read({ id: item.approvalId })) : [];
      await queue.commit(claim, effects, 'yield');
    }
  }

  async read({ id }: Pick<Approval, 'id'>): Promise<Approval> {
    const approval = await this.approvals.find(id);
    if (!approval) throw new Error(`${id} is gone`);
    return approval;
  }

  /** What waits in the lanes of a queue, in this approval's partition. */
  async items(approval: Approval, queue: QueueName): Promise<{ id: string }[]> {
    const { redis } = this.store;
    const lanes = await this.#lanes(approval, queue);
    return (await Promise.all(lanes.map((key) => redis.lrange(key, 0, -1))))
      .flat()
      .map((json) => JSON.parse(json));
  }

  /** Takes all items of a queue away without a trace. */
  async lose(approval: Approval, queue: QueueName): Promise<void> {
    const { redis, keys } = this.store;
    const partition = partitionOf(approval.conversationId);
    for (const key of await this.#lanes(approval, queue)) {
      await redis.del(key);
      await redis.lrem(keys.ready(partition, queue), 0, key.slice(key.indexOf(':q:') + ':q:'.length));
    }
  }

  async timerOf({ id, conversationId }: Approval): Promise<number | undefined> {
    const score = await this.store.redis.zscore(this.timers({ conversationId }), id);
    return score === null ? undefined : Number(score);
  }

  timers({ conversationId }: Pick<Approval, 'conversationId'>): string {
    return this.store.keys.timers(partitionOf(conversationId));
  }

  /** The partition's time jumps ahead by so much. */
  async pass({ conversationId }: Pick<Approval, 'conversationId'>, ms: number): Promise<void> {
    const clock = `${this.store.keys.partition(partitionOf(conversationId))}clock`;
    await this.store.redis.set(clock, (await this.approvals.nowMs(conversationId)) + ms);
  }

  async events(): Promise<string[]> {
    const entries = await new AuditLog(this.store.redis, this.store.keys).tail(500);
    return entries.map(({ event }) => `${event.event} ${event.subject} ${event.detail?.flaw ?? ''}`);
  }

  /** This minute nobody outside hears from us, and in the next all is well again. */
  async expectMended(...found: Pick<Finding, 'kind' | 'subject'>[]): Promise<void> {
    const before = this.beats.length;

    const broken = await this.auditor.look();
    const beatsThen = this.beats.length;
    const after = await this.auditor.look();

    expect(broken.findings.map(({ kind, subject, mended }) => ({ kind, subject, mended }))).toEqual(
      found.map((each) => ({ ...each, mended: true })),
    );
    expect(broken.heartbeat).toBe('withheld');
    expect(beatsThen).toBe(before);
    expect(after.findings).toEqual([]);
    expect(this.beats).toHaveLength(before + 1);
  }

  async expectInOrder(): Promise<void> {
    const { findings, heartbeat } = await this.auditor.look();

    expect(findings).toEqual([]);
    expect(heartbeat).toBe('sent');
  }

  async #lanes({ conversationId }: Approval, queue: QueueName): Promise<string[]> {
    // An outbox has lanes for each conversation, one for each place.
    return this.store.redis.keys(
      `${this.store.keys.items(partitionOf(conversationId), queue, conversationId)}*`,
    );
  }
}

const IDEMPOTENT = { effect: 'idempotent' } as const;

describe('while all is well', () => {
  it('finds nothing at any station of a request, and is heard outside after each look', async () => {
    const world = await World.open();
    await world.expectInOrder();

    const fresh = await world.opened();
    await world.expectInOrder();
    await world.sent(fresh);
    await world.expectInOrder();
    const approved = await world.answered(fresh);
    await world.expectInOrder();
    await world.handled(approved);
    await world.sent(approved);
    await world.expectInOrder();
    const permits = new PermitOffice(world.approvals, NO_STANDING_YES);
    const claim = await permits.claim(approved, approved.digest);
    await world.expectInOrder();
    if (claim.code === 'GRANTED') await permits.complete(claim.permit, { status: 'ok', text: 'done' });
    await world.expectInOrder();
    await world.handled(approved);
    await world.sent(approved);
    await world.expectInOrder();

    expect((await world.read(approved)).state).toBe('EXECUTED');
    expect(world.beats).toHaveLength(8);
  });

  it('does not read again what it knows to be in order, and sees at once when that has changed', async () => {
    const world = await World.open();
    const waiting = await world.waiting();
    const ended = await world.answered(await world.waiting(), { choice: 'deny', text: 'no' });
    await world.handled(ended);
    await world.sent(ended);
    await world.auditor.look();
    const looked: string[] = [];
    for await (const { count, seen } of world.rounds.all((id) =>
      id === waiting.id ? { rev: waiting.rev, dueMs: dueOf(waiting) } : undefined,
    )) {
      looked.push(...seen.map(({ id }) => id));
      expect(count).toBeGreaterThanOrEqual(0);
    }

    await world.store.redis.zrem(world.timers(waiting), waiting.id);

    expect(looked).toEqual([]);
    await world.expectMended({ kind: 'timer-missing', subject: waiting.id });
  });

  it('goes through hundreds of requests in every partition', async () => {
    const world = await World.open();
    const all = [];
    for (let n = 0; n < 200; n++) all.push(await world.opened({ copies: [] }));
    const lost = all.filter((_, n) => n % 7 === 0);
    for (const each of lost) await world.store.redis.zrem(world.timers(each), each.id);

    const { approvals, findings } = await world.auditor.look();

    expect(approvals).toBe(200);
    expect(findings.map(({ subject }) => subject).toSorted()).toEqual(lost.map(({ id }) => id).toSorted());
    await world.expectInOrder();
  });
});

describe('the timer of a request', () => {
  it('A8 that is missing is set again, at the time the request waits for', async () => {
    const world = await World.open();
    const approval = await world.waiting();
    await world.store.redis.zrem(world.timers(approval), approval.id);

    await world.expectMended({ kind: 'timer-missing', subject: approval.id });

    expect(await world.timerOf(approval)).toBe(dueOf(approval));
  });

  it('A8 that is set too late is set right, a permit that is out and a yes that may lapse included', async () => {
    const world = await World.open();
    const open = await world.waiting();
    const approved = await world.sent(await world.answered(await world.waiting()));
    const running = await world.sent(await world.answered(await world.waiting()));
    await new PermitOffice(world.approvals, NO_STANDING_YES).claim(running, running.digest);
    await world.handled(approved);
    await world.handled(running);
    const late = [open, approved, await world.read(running)];
    for (const each of late) await world.store.redis.zincrby(world.timers(each), 1, each.id);

    const { findings } = await world.auditor.look();

    expect(findings.map(({ kind }) => kind)).toEqual(['timer-late', 'timer-late', 'timer-late']);
    for (const each of late) expect(await world.timerOf(each)).toBe(dueOf(each));
    await world.expectInOrder();
  });

  it('that goes off without anybody moving the request on is acted on', async () => {
    const world = await World.open();
    const approval = await world.waiting();
    await world.pass(approval, HOUR + 2 * MINUTE);
    // It is somebody's hour that passed, not an outage.
    await world.store.redis.set(
      world.store.keys.watched(partitionOf(approval.conversationId)),
      await world.approvals.nowMs(approval.conversationId),
    );

    await world.expectMended({ kind: 'timer-stuck', subject: approval.id });

    expect((await world.read(approval)).state).toBe('EXPIRED');
  });

  it('that goes off long before its time, again and again, is set to its time', async () => {
    const world = await World.open();
    const approval = await world.waiting();
    await world.store.redis.zadd(world.timers(approval), 1, approval.id);

    await world.expectMended({ kind: 'timer-stuck', subject: approval.id });

    expect(await world.timerOf(approval)).toBe(dueOf(approval));
  });

  it('that is left over from a request that ended is removed', async () => {
    const world = await World.open();
    const ended = await world.answered(await world.waiting(), { choice: 'deny', text: 'no' });
    await world.store.redis.zadd(world.timers(ended), 1, ended.id);

    await world.expectMended({ kind: 'timer-left-over', subject: ended.id });

    expect(await world.timerOf(ended)).toBeUndefined();
  });

  it('that belongs to no request is removed', async () => {
    const world = await World.open();
    const { conversationId, id } = anApproval();
    await world.store.redis.zadd(world.timers({ conversationId }), Date.now() + HOUR, id);

    await world.expectMended({ kind: 'timer-orphan', subject: id });

    expect(await world.store.redis.zcard(world.timers({ conversationId }))).toBe(0);
  });
});

describe('the conversation that waits', () => {
  it.each([
    ['approve', 'APPROVED'],
    ['deny', 'DENIED'],
  ] as const)('A12 is told again when what told it that somebody said %s was lost', async (choice, state) => {
    const world = await World.open();
    const decided = await world.sent(
      await world.answered(await world.waiting(), { choice, text: 'so be it' }),
    );
    await world.expectInOrder();
    await world.lose(decided, 'm');

    await world.expectMended({ kind: 'waiter-unheard', subject: decided.id });

    expect(await world.items(decided, 'm')).toMatchObject([
      { kind: 'approval', approvalId: decided.id, state },
    ]);
    await world.handled(decided);
    await world.expectInOrder();
    expect(await world.items(decided, 'm')).toEqual([]);
  });

  it('A12 is told of the second attempt, though it heard of the first', async () => {
    const world = await World.open();
    const approved = await world.answered(await world.waiting({ request: IDEMPOTENT }));
    await world.handled(approved);
    await new PermitOffice(world.approvals, NO_STANDING_YES).claim(approved, approved.digest);
    await world.pass(approved, LEASE_MS + MINUTE);
    await world.approvals.apply(approved.id, tick);
    await world.sent(approved);
    await world.lose(approved, 'm');

    await world.expectMended({ kind: 'waiter-unheard', subject: approved.id });

    expect(await world.items(approved, 'm')).toHaveLength(1);
  });

  it('A12 is not taken to know the end because it was told that it may begin', async () => {
    const world = await World.open();
    const approved = await world.answered(await world.waiting());
    await world.handled(approved);
    const permits = new PermitOffice(world.approvals, NO_STANDING_YES);
    const claim = await permits.claim(approved, approved.digest);
    if (claim.code === 'GRANTED') await permits.complete(claim.permit, { status: 'ok', text: 'done' });
    await world.sent(approved);
    await world.lose(approved, 'm');

    await world.expectMended({ kind: 'waiter-unheard', subject: approved.id });
  });

  it('A12 is told that a yes is no longer valid, though it heard, too late, of the yes', async () => {
    const world = await World.open();
    const approved = await world.answered(await world.waiting());
    await world.pass(approved, 2 * HOUR);
    await world.approvals.apply(approved.id, tick);
    await world.sent(approved);
    await world.handled(approved, 1);
    await world.expectInOrder();
    await world.lose(approved, 'm');

    await world.expectMended({ kind: 'waiter-unheard', subject: approved.id });

    expect(await world.items(approved, 'm')).toMatchObject([{ state: 'REVOKED' }]);
  });

  it('is not told twice: not what it has in hand, not what is kept aside for it, not by two who look', async () => {
    const world = await World.open();
    const other = await World.open({ store: world.store });
    const inHand = await world.sent(await world.answered(await world.waiting()));
    const worker = await openWorker(world.store);
    await worker.queue('m').claim(partitionOf(inHand.conversationId), 1, new Map());
    const aside = await world.sent(await world.answered(await world.waiting()));
    const { redis, keys } = world.store;
    const lane = keys.items(partitionOf(aside.conversationId), 'm', aside.conversationId);
    await redis.rename(
      lane,
      `${keys.partition(partitionOf(aside.conversationId))}ch:${aside.conversationId}`,
    );
    await redis.lrem(keys.ready(partitionOf(aside.conversationId), 'm'), 0, aside.conversationId);
    await world.expectInOrder();
    const lost = await world.sent(await world.answered(await world.waiting()));
    await world.lose(lost, 'm');
    await redis.rpush(lane, '{}'); // some other item, which does not say it
    await redis.rpush(keys.ready(partitionOf(aside.conversationId), 'm'), aside.conversationId);

    const looks = await Promise.all([world.auditor.look(), other.auditor.look()]);

    expect(looks.flatMap(({ findings }) => findings.map(({ subject }) => subject))).toEqual([lost.id]);
    expect((await world.items(lost, 'm')).filter(({ id }) => id?.includes(lost.id))).toHaveLength(1);
  });

  it('is not told again of what was settled before anybody took notes', async () => {
    const before = await World.open();
    const ended = await before.answered(await before.waiting(), { choice: 'deny', text: 'no' });
    await before.sent(ended);
    await before.lose(ended, 'm');
    await before.store.redis.del(before.store.keys.watchdog());

    const world = await World.open({ store: before.store });
    await world.expectInOrder();

    expect(await world.items(ended, 'm')).toEqual([]);
  });

  it('leaves no notes behind when the request is forgotten', async () => {
    const world = await World.open();
    const ended = await world.answered(await world.waiting(), { choice: 'deny', text: 'no' });
    const { redis, keys } = world.store;
    const keptFor = async () =>
      Math.abs((await redis.pttl(keys.heard(ended.id))) - (await redis.pttl(keys.approval(ended.id))));
    await world.handled(ended);
    const atFirst = await keptFor();
    await world.sent(ended);
    await world.auditor.look();

    const later = await keptFor();

    expect(atFirst).toBeLessThan(10_000);
    expect(later).toBeLessThan(10_000);
    expect(await redis.get(keys.heard(ended.id))).toMatch(/^DENIED\/0 r\d+$/);
  });
});

describe('the cards of a request', () => {
  it('A13 that show something old are corrected when what should correct them was lost', async () => {
    const world = await World.open();
    const decided = await world.answered(await world.waiting(), { choice: 'deny', text: 'no' });
    await world.handled(decided);
    await world.lose(decided, SLACK_OUT);
    await world.lose(decided, MAIL_OUT);

    await world.expectMended(
      { kind: 'card-behind', subject: decided.id },
      { kind: 'card-behind', subject: decided.id },
    );

    expect(await world.items(decided, SLACK_OUT)).toMatchObject([
      { kind: 'card', copyId: 'conversation', face: 2 },
    ]);
    expect(await world.items(decided, MAIL_OUT)).toMatchObject([{ kind: 'card', copyId: 'dana', face: 2 }]);
    await world.sent(decided);
    await world.expectInOrder();
  });

  it('A13 that nobody was sent yet are sent after all', async () => {
    const world = await World.open();
    const fresh = await world.opened();
    await world.expectInOrder();
    await world.lose(fresh, MAIL_OUT);

    await world.expectMended({ kind: 'card-behind', subject: fresh.id });

    expect(await world.items(fresh, MAIL_OUT)).toMatchObject([{ kind: 'card', copyId: 'dana' }]);
  });

  it('are left to the person who has the dead letter, and are posted anew only once', async () => {
    const world = await World.open();
    const fresh = await world.opened();
    const [item] = await world.items(fresh, MAIL_OUT);
    await world.lose(fresh, MAIL_OUT);
    const dead = { kind: 'dead', queue: MAIL_OUT, lane: 'l', attempts: 1, reason: 'refused' } as const;
    await new EffectWriter(world.store.redis, world.store.keys).write(fresh.conversationId, [
      { ...dead, item: JSON.stringify(item) },
    ]);
    await world.expectInOrder();

    const again = await world.opened();
    await world.lose(again, SLACK_OUT);
    await world.auditor.look();
    await world.lose(again, SLACK_OUT);

    await world.expectInOrder();
  });

  it('that cannot be edited need not show every vote', async () => {
    const world = await World.open();
    const approval = await world.waiting({
      policy: { approvers: { atLeast: 2, of: [{ role: RoleName.parse('manager') }] }, remindAfterMs: [] },
    });
    const half = await world.answered(approval);
    await world.approvals.apply(half.id, (current, nowMs) =>
      noteCopy(current, 'conversation', { ref: 'ref-conversation', shown: current.face }, nowMs),
    );
    await world.lose(half, SLACK_OUT);

    expect((await world.read(half)).copies.map(({ shown }) => shown)).toEqual([2, 1]);
    await world.expectInOrder();
  });
});

describe('the people of a request', () => {
  it('who came to it because time was up have their card, or get it', async () => {
    const world = await World.open();
    const leads = { role: RoleName.parse('lead') };
    const to: CardCopy = copyFor(LEE, { to: anAddress('slack'), cannotEdit: false }, LEE);
    world.copiesFor = () => [to];
    const approval = await world.waiting({
      policy: {
        remindAfterMs: [],
        ladder: [{ kind: 'escalate', approvers: leads, forMs: 10 * HOUR }],
      },
    });
    await world.pass(approval, HOUR + 1);
    await world.store.redis.set(
      world.store.keys.watched(partitionOf(approval.conversationId)),
      await world.approvals.nowMs(approval.conversationId),
    );
    await world.approvals.apply(approval.id, tick);
    const asked = await world.sent(approval);
    await world.expectInOrder();
    const { redis, keys } = world.store;
    await redis.set(
      keys.approval(asked.id),
      toDocument({ ...asked, rev: asked.rev + 1, copies: asked.copies.slice(0, 2) }),
    );

    await world.expectMended({ kind: 'copy-missing', subject: asked.id });

    expect(await world.items(asked, SLACK_OUT)).toMatchObject([{ kind: 'card', copyId: LEE }]);
  });

  it('OM-125 who was given the role when nobody looked is asked, and that is no alarm', async () => {
    const world = await World.open();
    const approval = await world.sent(await world.waiting({ policy: { remindAfterMs: [] } }));
    world.copiesFor = () => [copyFor(LEE, { to: anAddress('slack'), cannotEdit: false }, LEE)];

    await world.expectInOrder();

    expect((await world.read(approval)).copies).toMatchObject([
      { id: 'conversation' },
      { person: 'dana', resting: true },
      { person: LEE },
    ]);
  });

  /** One that ran, and of which nobody knows what came of it, for so long. */
  async function unknown(world: World, forMs: number): Promise<Approval> {
    const approved = await world.answered(await world.waiting({ copies: [] }));
    await world.handled(approved);
    const permits = new PermitOffice(world.approvals, NO_STANDING_YES);
    const claim = await permits.claim(approved, approved.digest);
    if (claim.code === 'GRANTED') await permits.loseTrack(claim.permit, 'the line broke');
    await world.handled(approved);
    await world.pass(approved, forMs);
    return world.read(approved);
  }

  it('who could find out what came of it are asked after a quarter of an hour', async () => {
    const world = await World.open();
    const approval = await unknown(world, 14 * MINUTE);
    await world.expectInOrder();
    await world.pass(approval, 2 * MINUTE);
    world.owners = [OLGA];

    const broken = await world.auditor.look();
    await world.sent(approval);

    expect(broken).toMatchObject({
      findings: [{ kind: 'unknown-unasked', mended: true }],
      heartbeat: 'withheld',
    });
    expect((await world.read(approval)).copies).toMatchObject([{ person: 'olga' }]);
    await world.lose(approval, SLACK_OUT);
    await world.expectInOrder();
  });

  it('are missed in every look while there is nobody to ask', async () => {
    const world = await World.open();
    await unknown(world, 16 * MINUTE);

    const looks = [await world.auditor.look(), await world.auditor.look()];

    expect(looks.map(({ findings }) => findings.map(({ kind, mended }) => `${kind} ${mended}`))).toEqual([
      ['unknown-unasked false'],
      ['unknown-unasked false'],
    ]);
    expect(world.beats).toEqual([]);
  });
});

describe('the lines in which messages wait', () => {
  it('are joined again by a lane that dropped out of them', async () => {
    const world = await World.open();
    const decided = await world.sent(
      await world.answered(await world.waiting(), { choice: 'deny', text: 'no' }),
    );
    const { redis, keys } = world.store;
    const partition = partitionOf(decided.conversationId);
    await redis.del(keys.ready(partition, 'm'));

    await world.expectMended({ kind: 'lane-lost', subject: `m|${decided.conversationId}` });

    expect(await redis.lrange(keys.ready(partition, 'm'), 0, -1)).toEqual([decided.conversationId]);
  });

  it('E6 are joined again by a call of people that dropped out of them', async () => {
    const world = await World.open();
    const { redis, keys } = world.store;
    await redis.rpush(keys.items(3, 'e', 'alex'), 'a call');

    await world.expectMended({ kind: 'lane-lost', subject: 'e|alex' });

    expect(await redis.lrange(keys.ready(3, 'e'), 0, -1)).toEqual(['alex']);
  });

  it('are joined again by a lane whose pause was forgotten, or whose holder is nowhere', async () => {
    const world = await World.open();
    const fresh = await world.opened({ copies: [{ id: 'conversation', to: anAddress('slack') }] });
    const { redis, keys } = world.store;
    const partition = partitionOf(fresh.conversationId);
    const [lane = ''] = await redis.lrange(keys.ready(partition, SLACK_OUT), 0, -1);
    const worker = await openWorker(world.store);
    const [claim] = await worker.queue(SLACK_OUT).claim(partition, 1, new Map());
    await world.expectInOrder();
    await redis.zrem(keys.sessions(partition), claim!.session);
    await world.expectMended({ kind: 'lane-lost', subject: `${SLACK_OUT}|${lane}` });
    await redis.del(keys.ready(partition, SLACK_OUT));
    await redis.zadd(keys.parked(partition), Date.now() - 2 * MINUTE, `${SLACK_OUT}|${lane}`);

    await world.expectMended({ kind: 'lane-lost', subject: `${SLACK_OUT}|${lane}` });

    expect(await redis.zcard(keys.parked(partition))).toBe(0);
    expect(await redis.lrange(keys.ready(partition, SLACK_OUT), 0, -1)).toEqual([lane]);
  });

  it('hold no message for a quarter of an hour that nobody tries to send', async () => {
    const world = await World.open();
    const fresh = await world.opened({ copies: [{ id: 'conversation', to: anAddress('slack') }] });
    world.clock.advance(20 * MINUTE);
    await world.expectInOrder();

    const { findings, heartbeat } = await world.auditor.look();

    expect(findings).toMatchObject([{ kind: 'item-unserved', mended: false }]);
    expect(heartbeat).toBe('withheld');
    await world.sent(fresh);
    await world.expectInOrder();
  });

  it('may hold an old message that is tried again and again', async () => {
    const world = await World.open();
    const fresh = await world.opened({ copies: [{ id: 'conversation', to: anAddress('slack') }] });
    const worker = await openWorker(world.store);
    const queue = worker.queue(SLACK_OUT);
    world.clock.advance(20 * MINUTE);

    for (let attempt = 0; attempt < 3; attempt++) {
      const [claim] = await queue.claim(partitionOf(fresh.conversationId), 1, new Map());
      await world.expectInOrder();
      await queue.retryLater(claim!, attempt === 0 ? MINUTE : 0, 'counts');
      await world.expectInOrder();
      await world.store.redis.del(world.store.keys.parked(partitionOf(fresh.conversationId)));
      await world.auditor.look();
    }
  });
});

describe('somebody who is to be called', () => {
  const KEY = 'trouble:disk';
  const subject = { kind: 'trouble' } as const;
  const id = escalationIdOf(KEY, subject);
  const plan: EscalationPlan = {
    name: 'lead',
    steps: [
      { id: '1', kind: 'notify', who: [{ kind: 'person', person: LEE }], onEmpty: { kind: 'skip' } },
      { id: '2', kind: 'wait', forMs: HOUR },
    ],
    rounds: 1,
    lastResort: { who: [{ kind: 'person', person: LEE }], importance: 'urgent' },
    nagMs: HOUR,
    settleMs: HOUR,
    acknowledge: { withinMs: HOUR, goesOnAt: 'same' },
    maxAgeMs: HOUR,
    onWorse: { kind: 'keep' },
  };
  const report = {
    id,
    key: KEY,
    subject,
    severity: 'error' as const,
    title: 'The disk is full',
    correlation: 'disk',
    except: [],
  };

  it('E2 E6 is called after all when the timer of an escalation was lost, or set too late', async () => {
    const world = await World.open();
    await world.escalations.apply(id, (before, nowMs) => raise(before, report, plan, nowMs));
    const list = world.store.keys.recordTimers(partitionOfEscalation(id), 'esc');
    const wasMs = Number(await world.store.redis.zscore(list, id));
    expect((await world.auditor.look()).findings).toEqual([]);

    await world.store.redis.zrem(list, id);
    expect((await world.auditor.look()).findings).toMatchObject([
      { kind: 'call-timer', subject: id, mended: true },
    ]);
    expect(Number(await world.store.redis.zscore(list, id))).toBe(wasMs);

    await world.store.redis.zadd(list, wasMs + 24 * HOUR, id);
    expect((await world.auditor.look()).findings).toMatchObject([
      { kind: 'call-timer', subject: id, mended: true },
    ]);
    expect(Number(await world.store.redis.zscore(list, id))).toBe(wasMs);
  });

  it('is found where the escalation cannot be read, which hides no other', async () => {
    const world = await World.open();
    const other = escalationIdOf('other', subject);
    for (const each of [id, other])
      await world.escalations.apply(each, (before, nowMs) =>
        raise(before, { ...report, id: each }, plan, nowMs),
      );
    const { redis, keys } = world.store;
    await redis.set(keys.record(partitionOfEscalation(id), 'esc', id), '7 {"severity":"unheard of"}');
    await redis.zrem(keys.recordTimers(partitionOfEscalation(other), 'esc'), other);

    const { findings } = await world.auditor.look();

    expect(findings.map(({ kind, subject: about }) => [kind, about]).toSorted()).toEqual([
      ['call-timer', other],
      ['unreadable', id],
    ]);
    expect((await world.escalations.live(9)).map((each) => each.id)).toEqual([other]);
  });

  it('E6 is told after all when what waits for them was forgotten', async () => {
    const world = await World.open();
    await world.pagers.admit(LEE, {
      id: 'page-1',
      escalation: id,
      epoch: 1,
      platform: Platform.parse('slack'),
      importance: 'normal',
      why: 'call',
      markdown: 'The disk is full',
      atMs: 0,
    });
    const list = world.store.keys.recordTimers(partitionOf(LEE), 'pgr');
    expect(await world.store.redis.zrem(list, LEE)).toBe(1);
    expect((await world.auditor.look()).findings).toMatchObject([
      { kind: 'call-timer', subject: 'lee', mended: true },
    ]);
    expect(await world.store.redis.zcard(list)).toBe(1);
  });

  it('E6 is asked about again where it was had with a conversation that its owner does not have any more', async () => {
    const world = await World.open();
    const conversationId = ConversationId.parse('slack:T:C:1');
    const dana = { person: PersonId.parse('dana'), name: 'Dana Reyes' };
    const taken = { by: dana, permitted: true };
    await world.controls.apply(conversationId, (control, nowMs) =>
      takeOver(control, { ...taken, idleMs: HOUR }, nowMs),
    );
    const about = { ...report, subject: { kind: 'conversation', conversationId } as const };
    const asking = { ...plan, acknowledge: { ...plan.acknowledge, remindMs: HOUR } };
    await world.escalations.apply(id, (before, nowMs) => raise(before, about, asking, nowMs));
    await world.escalations.apply(
      id,
      (before, nowMs) => before && takeWithConversation(before, taken, nowMs),
    );
    expect((await world.auditor.look()).findings).toEqual([]);

    await world.controls.apply(conversationId, (control, nowMs) => handBack(control, taken, nowMs));
    expect((await world.auditor.look()).findings).toEqual([]); // what follows from it is on its way

    world.clock.advance(2 * 60_000);
    expect((await world.auditor.look()).findings).toMatchObject([
      { kind: 'call-stuck', subject: id, mended: true },
    ]);
    const standing = (await world.escalations.find(id))?.standing;
    expect(standing).toMatchObject({ state: 'ACKED', nextMs: expect.any(Number) });
    expect((await world.auditor.look()).findings).toEqual([]);
  });

  it('is not in order while everybody was called in vain and nobody is left', async () => {
    const world = await World.open();
    const nobody: Surroundings = {
      nowMs: Date.now(),
      peopleOf: () => [],
      changesAt: () => undefined,
      idsOf: (person) => [person],
      linksOf: () => [],
      tellableAt: (_person, _importance, atMs) => atMs,
      canPost: () => false,
      isOpen: () => true,
      opensAt: (_, atMs) => atMs,
      after: (_, fromMs, forMs) => fromMs + forMs,
    };
    await world.escalations.apply(id, (before, nowMs) =>
      raise(before, report, { ...plan, settleMs: 0 }, nowMs),
    );
    await world.escalations.apply(
      id,
      (before, nowMs) => before && tickEscalation(before, { ...nobody, nowMs }),
    );
    expect((await world.auditor.look()).findings).toMatchObject([
      { kind: 'call-unheard', subject: id, mended: false },
    ]);
    expect(world.beats).toEqual([]);
  });
});

describe('whatever is put right', () => {
  it('is left alone when the request has changed, or was handled, since it was looked at', async () => {
    const world = await World.open();
    const before = await world.waiting();
    const decided = await world.answered(before, { choice: 'deny', text: 'no' });
    const [wakeUp] = wakeUpFor(decided, 0);
    const [copy] = before.copies;
    await world.handled(decided);
    await world.sent(decided);

    const rearmed = await world.rounds.rearm(before, 1);
    const told =
      wakeUp?.kind === 'mail' && (await world.rounds.ensureWakeUp({ ...decided, rev: before.rev }, wakeUp));
    const update = cardUpdate(before, copy!, 0);
    const shown = update.kind === 'out' && (await world.rounds.ensureUpdate(before, copy!, update));
    const settled = await world.read(decided);
    const again = wakeUp?.kind === 'mail' && (await world.rounds.ensureWakeUp(settled, wakeUp));
    await world.rounds.prove(before);

    expect({ rearmed, told, shown }).toEqual({ rearmed: false, told: 'changed', shown: 'changed' });
    expect(again).toBe('heard');
    expect(await world.timerOf(decided)).toBeUndefined();
    expect(await world.items(decided, 'm')).toEqual([]);
    await world.expectInOrder();
  });
});

describe('the alarm', () => {
  it('is told once to those who run the gateway, and stands in the audit for every repair', async () => {
    const world = await World.open();
    world.owners = [OLGA];
    const approval = await world.waiting();
    for (let time = 0; time < 3; time++) {
      await world.store.redis.zrem(world.timers(approval), approval.id);
      await world.auditor.look();
    }

    const told = await world.items(
      { ...approval, conversationId: ConversationId.parse('signalbox:self-audit') },
      SLACK_OUT,
    );
    const events = await world.events();

    expect(told).toMatchObject([
      {
        kind: 'text',
        to: OLGA.place?.to,
        markdown: expect.stringContaining(`put right (\`${approval.id}\`)`),
      },
    ]);
    expect(events.filter((event) => event === `self-audit.mended ${approval.id} timer-missing`)).toHaveLength(
      3,
    );
  });

  it('is told of what is new, however much stands that was told before', async () => {
    const stuck = (n: number) => ({ id: `sag_p0_${String(n).padStart(12, '0')}`, kind: 'stuck' as const });
    let count = 1_200;
    const plans = {
      prove: async function* () {
        for (let n = 0; n < count; n++) yield { ...stuck(n), stored: undefined };
      },
    };
    const world = await World.open({ deps: { plans } });
    await world.auditor.look();
    await world.auditor.look();
    count = 1_201;
    await world.auditor.look();

    expect(await world.events()).toContain(`self-audit.found ${stuck(1_200).id} plan-stuck`);
  });

  it('A20 is raised for a clock of Redis that has leapt, as long as it is not believed, and once when it is over', async () => {
    const leap = (why: Leap['why']): Leap => ({ partition: 3, why, byMs: HOUR, n: why === 'leapt' ? 1 : 2 });
    let leaps = [leap('leapt')];
    const world = await World.open({ deps: { clocks: { leaps: async () => leaps } } });
    const look = async () => (await world.auditor.look()).findings;

    const subject = 'clock 3.1: leapt, 3600 s';
    const held = { kind: 'clock-leapt', subject, partition: 3, mended: false };
    expect([await look(), await look()]).toEqual([[held], [held]]);
    expect(world.beats).toEqual([]);

    leaps = [leap('confirmed')];
    expect(await look()).toMatchObject([{ subject: 'clock 3.2: confirmed, 3600 s', mended: true }]);
    expect(await look()).toEqual([]);
    expect(world.beats).toHaveLength(1);
    expect(await world.events()).toContain(`self-audit.found ${subject} clock-leapt`);
  });

  it('is raised for a request that cannot be read, which hides no other', async () => {
    const world = await World.open();
    const [broken, other] = [await world.waiting(), await world.waiting()];
    await world.store.redis.set(world.store.keys.approval(broken.id), '7 zzz');
    await world.store.redis.zrem(world.timers(other), other.id);

    const { findings } = await world.auditor.look();

    expect(findings.map(({ kind, mended }) => `${kind} ${mended}`).toSorted()).toEqual([
      'timer-missing true',
      'unreadable false',
    ]);
  });

  it('is kept: what the last look found, and what was ever put right', async () => {
    const world = await World.open();
    const approval = await world.waiting();
    await world.store.redis.zrem(world.timers(approval), approval.id);
    await world.auditor.look();
    await world.auditor.look();

    const record = await new WatchdogRecord(world.store.redis, world.store.keys).last();

    expect(record).toMatchObject({ look: { approvals: 1, found: {}, heartbeat: 'sent' }, mendedEver: 1 });
  });
});

describe('the sign of life', () => {
  it('is called as it is configured', async () => {
    const world = await World.open({ heartbeat: { heartbeat_method: 'POST' } });

    await world.expectInOrder();

    expect(world.beats).toEqual(['POST /ping/2b5ba3c1']);
  });

  it('is not sent without an address, and the look is none the worse for it', async () => {
    const world = await World.open({ heartbeat: { heartbeat_url: undefined } });

    expect(await world.auditor.look()).toMatchObject({ findings: [], heartbeat: 'off' });
  });

  it.each([
    ['is refused', (_: IncomingMessage, response: ServerResponse) => response.writeHead(500).end()],
    ['is not answered', () => undefined],
    ['breaks off', (request: IncomingMessage) => request.socket.destroy()],
  ])('says in the log that it %s, and never where it goes', async (_, answer) => {
    const lines: string[] = [];
    const log = createLogger({
      level: 'debug',
      destination: { write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WritableStream,
    });
    const world = await World.open({ answer, deps: { log }, heartbeat: { heartbeat_timeout: 200 } });

    expect(await world.auditor.look()).toMatchObject({ findings: [], heartbeat: 'failed' });

    expect(lines.join('')).toMatch(/heartbeat (was refused|could not be sent)/);
    expect(lines.join('')).not.toContain('2b5ba3c1');
  });
});

describe('from minute to minute', () => {
  it('one of several processes looks, and no other', async () => {
    const soon = { everyMs: () => 20 };
    const first = heard(1);
    const one = await World.open({ deps: { everyMs: soonAndThenLater() }, answer: first.answer });
    await first.enough;
    const other = await World.open({ store: one.store, deps: soon });
    const fourth = heard(4);
    const stranger = await World.open({ deps: soon, answer: fourth.answer });
    await fourth.enough;

    expect(one.beats).toHaveLength(1);
    expect(other.beats).toEqual([]);
    expect(stranger.beats.length).toBeGreaterThanOrEqual(4);
  });

  it('another process takes over as soon as the one that looks leaves', async () => {
    const [first, second] = [heard(1), heard(1)];
    const one = await World.open({ deps: { everyMs: soonAndThenLater() }, answer: first.answer });
    await first.enough;
    const other = await World.open({
      store: one.store,
      deps: { everyMs: () => 20 },
      answer: second.answer,
    });

    await one.auditor.stop();
    await second.enough;
    await one.auditor.stop();
    await other.auditor.stop();

    expect(one.beats).toHaveLength(1);
    expect(await one.store.redis.exists(one.store.keys.auditor())).toBe(0);
  });
});

/** The first look comes at once, the next in an hour; who looks has the post for longer than that. */
function soonAndThenLater(): () => number {
  let asked = 0;
  return () => (asked++ === 0 ? 20 : HOUR);
}

/** Resolves when the ear was called so often. */
function heard(times: number) {
  let calls = 0;
  let done: () => void = () => undefined;
  const enough = new Promise<void>((resolve) => {
    done = resolve;
  });
  return {
    enough,
    answer: (_: IncomingMessage, response: ServerResponse) => {
      if (++calls === times) done();
      response.end();
    },
  };
}

describe('a conversation that a person has', () => {
  const TALK = ConversationId.parse('slack:T:C:1');
  const by = { person: LEE, name: 'Lee' };

  async function taken(): Promise<{ world: World; list: string; untilMs: number }> {
    const world = await World.open();
    const result = await world.controls.apply(TALK, (control, nowMs) =>
      takeOver(control, { by, permitted: true, idleMs: HOUR }, nowMs),
    );
    const untilMs = endOf(result!.control)!;
    expect((await world.auditor.look()).findings).toEqual([]);
    return { world, list: world.store.keys.controlTimers(partitionOf(TALK)), untilMs };
  }

  it.each([
    ['was lost', (world: World, list: string) => world.store.redis.zrem(list, TALK)],
    ['is too late', (world: World, list: string) => world.store.redis.zincrby(list, HOUR, TALK)],
    ['is too early', (world: World, list: string) => world.store.redis.zincrby(list, -3 * HOUR, TALK)],
  ])('C4 comes back to the agent in the end, though its timer %s', async (_what, harm) => {
    const { world, list, untilMs } = await taken();

    await harm(world, list);

    expect((await world.auditor.look()).findings).toEqual([
      { kind: 'control-timer', subject: TALK, partition: partitionOf(TALK), mended: true },
    ]);
    expect(Number(await world.store.redis.zscore(list, TALK))).toBe(untilMs);
    expect((await world.auditor.look()).findings).toEqual([]);
  });

  it('C4 is named when its time has come and nobody moves it on', async () => {
    const { world } = await taken();

    await world.pass({ conversationId: TALK }, 2 * HOUR);

    expect((await world.auditor.look()).findings).toMatchObject([{ kind: 'control-stuck', mended: false }]);
  });
});

describe('a plan that runs', () => {
  it('is raised to a human after all when its timer was lost', async () => {
    const world = await World.open();
    const { id, conversationId, origin, request } = anApproval();
    const saga = begin(
      {
        id: sagaIdOf(conversationId, 'key'),
        takenBy: 'w1',
        title: 'Move order 7',
        approvalId: id,
        conversationId,
        origin,
        requester: request.requester,
        correlation: request.correlation,
        steps: [{ tool: 'refund', words: 'order 7', readsOnly: false, repeatable: false }],
      },
      await world.approvals.nowMs(conversationId),
    );
    await world.sagas.apply(saga.id, () => ({ kind: 'moved', next: saga }));
    const list = world.store.keys.recordTimers(partitionOf(conversationId), 'sag');
    expect((await world.auditor.look()).findings).toEqual([]);

    await world.store.redis.zrem(list, saga.id);

    expect((await world.auditor.look()).findings).toMatchObject([
      { kind: 'plan-timer', subject: saga.id, partition: partitionOf(conversationId), mended: true },
    ]);
    expect(Number(await world.store.redis.zscore(list, saga.id))).toBe(saga.dueMs);
  });
});

describe('what is planned for another time', () => {
  const here = ConversationId.parse('slack:T0:C0:1');

  async function planned(world: World) {
    const createdMs = await world.approvals.nowMs(here);
    return world.schedules.add({
      id: scheduleIdOf(here, 'k'),
      conversationId: here,
      to: { platform: Platform.parse('slack'), route: { channel: 'C0', thread: '1' } },
      by: { person: PersonId.parse('alex'), name: 'Alex Kim', account: AccountId.parse('slack:T0/U0ALEX') },
      title: 'morning report',
      text: 'Tell me what is open.',
      when: { kind: 'once', atMs: createdMs + HOUR, zone: 'UTC' },
      createdMs,
    });
  }
  const timersOf = ({ store }: World) => store.keys.recordTimers(partitionOf(here), 'sch');

  it('comes after all when its timer was lost, and those who run the gateway are told', async () => {
    const world = await World.open();
    world.owners = [OLGA];
    const { id, nextMs } = await planned(world);
    expect((await world.auditor.look()).findings).toEqual([]);

    await world.store.redis.zrem(timersOf(world), id);

    expect(await world.auditor.look()).toMatchObject({
      findings: [{ kind: 'schedule-timer', subject: id, partition: partitionOf(here), mended: true }],
      heartbeat: 'withheld',
    });
    expect(Number(await world.store.redis.zscore(timersOf(world), id))).toBe(nextMs);
    const told = await world.items(
      { ...anApproval(), conversationId: ConversationId.parse('signalbox:self-audit') },
      SLACK_OUT,
    );
    expect(JSON.stringify(told)).toContain('something planned for another time would never have been run');
    expect((await world.auditor.look()).findings).toEqual([]);
  });

  it('is told of when its time has come and nobody runs it, and is left as it is', async () => {
    const world = await World.open();
    const { id } = await planned(world);
    await world.schedules.apply(id, (stored, nowMs) => ({
      next: { ...stored, rev: stored.rev + 1, nextMs: nowMs - HOUR },
      effects: [],
    }));

    expect((await world.auditor.look()).findings).toMatchObject([
      { kind: 'schedule-stuck', subject: id, mended: false },
    ]);
    expect(await world.schedules.find(id)).toMatchObject({ state: 'active', runs: 0 });
  });

  it('has no timer left once it is over', async () => {
    const world = await World.open();
    const { id, nextMs } = await planned(world);
    await world.schedules.cancel(id, PersonId.parse('alex'));
    await world.store.redis.zadd(timersOf(world), nextMs, id);

    expect((await world.auditor.look()).findings).toMatchObject([{ kind: 'schedule-timer', mended: true }]);
    expect(await world.store.redis.zscore(timersOf(world), id)).toBeNull();
  });
});
