/** Approvals in the store: many hands at once, time that jumps, processes that end, and a record of all of it. */
import { randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApprovalStore, approvalIdFor, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOf, consequencesOfOpening, replay } from '../../src/approvals/consequences.ts';
import { PermitOffice } from '../../src/approvals/permit-office.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { noteCopy } from '../../src/domain/approval/copies.ts';
import { reconcile } from '../../src/domain/approval/reconciliation.ts';
import { type Approval, isEnded, QUIET_MS } from '../../src/domain/approval/record.ts';
import { supersede } from '../../src/domain/approval/replacement.ts';
import { dueOf, tick } from '../../src/domain/approval/time.ts';
import { type VoteResult, vote } from '../../src/domain/approval/voting.ts';
import { cancel, revoke } from '../../src/domain/approval/withdrawal.ts';
import { RecordMovedError } from '../../src/domain/errors.ts';
import { AccountId, ApprovalId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { MailboxItem } from '../../src/domain/mailbox-item.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import type { Effect } from '../../src/redis/effects.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { TimerSweeper } from '../../src/services/timer-sweeper.ts';
import {
  type ApprovalWish,
  anApproval,
  aVote,
  DANA,
  DEADLINE_MS,
  LEASE_MS,
  NO_STANDING_YES,
  VALID_FOR_MS,
} from '../support/approvals.ts';
import { openStore, type Store, silent } from '../support/core.ts';
import { runs, timeFor } from '../support/property-runs.ts';

const KEEP_MS = 3_600_000;
/** As in lanes.lua: that nobody looked for so long is an outage. */
const OUTAGE_MS = 60_000;
const LEE = PersonId.parse('lee');

/** One process: its own connection, its own view of the approvals. */
interface Process {
  readonly store: Store;
  readonly approvals: ApprovalStore;
  readonly sweeper: TimerSweeper;
}

async function openProcess(shared?: Store): Promise<Process> {
  const store = await openStore(shared && { url: shared.url, prefix: shared.keys.prefix });
  const approvals = new ApprovalStore(store.redis, store.keys, consequencesOf, () => KEEP_MS);
  return { store, approvals, sweeper: new TimerSweeper(approvals, silent) };
}

/** Opens an approval as the commit of a turn does: the record, its timer, what follows from it. */
async function openApproval({ store, approvals }: Process, wish: ApprovalWish = {}): Promise<Approval> {
  const conversation = wish.conversation ?? `slack:T0:C0:${randomUUID()}`;
  const openedMs = await approvals.nowMs(ConversationId.parse(conversation));
  const tail = randomUUID().replaceAll('-', '').slice(0, 12);
  const approval = anApproval({ openedMs, tail, ...wish, conversation });
  await new EffectWriter(store.redis, store.keys).write(conversation, [
    toOpenEffect(approval, KEEP_MS),
    ...consequencesOfOpening(approval, openedMs),
  ]);
  return approval;
}

/** The partition's time jumps ahead by so much. */
async function passTime(
  { store, approvals }: Process,
  { conversationId }: Approval,
  ms: number,
): Promise<void> {
  const clock = `${store.keys.partition(partitionOf(conversationId))}clock`;
  await store.redis.set(clock, (await approvals.nowMs(conversationId)) + ms);
}

async function read({ approvals }: Process, { id }: Approval): Promise<Approval> {
  const approval = await approvals.find(id);
  if (!approval) throw new Error(`${id} is gone`);
  return approval;
}

/** What waits in the conversation's mailbox. */
async function wakeUps(
  { store: { redis, keys } }: Process,
  { conversationId }: Approval,
): Promise<MailboxItem[]> {
  const items = await redis.lrange(keys.items(partitionOf(conversationId), 'm', conversationId), 0, -1);
  return items.map((json) => MailboxItem.parse(JSON.parse(json)));
}

async function timerOf(
  { store: { redis, keys } }: Process,
  { id, conversationId }: Approval,
): Promise<number | undefined> {
  const score = await redis.zscore(keys.timers(partitionOf(conversationId)), id);
  return score === null ? undefined : Number(score);
}

function cast(
  process: Process,
  approval: Approval,
  wish: Parameters<typeof aVote>[1] = {},
): Promise<VoteResult | undefined> {
  return process.approvals.apply(approval.id, (current, nowMs) =>
    vote(current, aVote(approval, wish), nowMs),
  );
}

describe('a change that is written together with something else', () => {
  const other = {
    kind: 'audit',
    event: { event: 'other', actor: 'system', subject: 'x', correlation: 'x' },
  } as const;

  /** An older request gives way to a newer one of the same person. */
  async function change({ approvals }: Process, older: Approval): Promise<readonly Effect[]> {
    const newer = { ...older, id: ApprovalId.parse(`${older.id.slice(0, -12)}newer0000000`) };
    const found = await approvals.changeOf(older.id, (current, nowMs) => supersede(current, newer, nowMs));
    return found!.effects;
  }

  it('A14 is all there, with its timer, its inboxes, the item that tells of it and the audit that rebuilds it', async () => {
    const process = await openProcess();
    const { redis, keys } = process.store;
    const older = await openApproval(process, { policy: { onNewMessage: 'supersede' } });
    const { conversationId } = older;
    expect(await process.approvals.givingWayIn(conversationId)).toEqual([older]);

    await new EffectWriter(redis, keys).write(conversationId, [...(await change(process, older)), other]);

    const ended = await read(process, older);
    expect(ended).toMatchObject({ state: 'SUPERSEDED', rev: 2 });
    expect(await timerOf(process, older)).toBeUndefined();
    expect(await redis.pttl(keys.approval(older.id))).toBeGreaterThan(0);
    expect(await process.approvals.givingWayIn(conversationId)).toEqual([]);
    expect(await process.approvals.inbox(['role:manager'], ({ id }) => id === older.id, 10)).toEqual([]);
    expect(await redis.zscore(keys.inbox(partitionOf(conversationId), 'role:manager'), older.id)).toBeNull();
    expect(await wakeUps(process, older)).toMatchObject([{ approvalId: older.id, state: 'SUPERSEDED' }]);
    const entries = await new AuditLog(redis, keys).about(older.id, partitionOf(conversationId));
    expect(canonicalize(replay(entries.map(({ event }) => event)))).toBe(canonicalize(ended));
  });

  it('is refused with all of it, if somebody was faster', async () => {
    const process = await openProcess();
    const { redis, keys } = process.store;
    const older = await openApproval(process, { policy: { onNewMessage: 'supersede' } });
    const effects = await change(process, older);
    await cast(process, older);
    const [before, heard] = [await read(process, older), await wakeUps(process, older)];

    const writing = new EffectWriter(redis, keys).write(older.conversationId, [other, ...effects]);

    await expect(writing).rejects.toThrow(RecordMovedError);
    expect(await read(process, older)).toEqual(before);
    expect(await wakeUps(process, older)).toEqual(heard);
    const entries = await redis.xrange(keys.audit(partitionOf(older.conversationId)), '-', '+');
    expect(JSON.stringify(entries)).not.toContain('"event":"other"');
  });
});

describe('several hands at once', () => {
  it('A7 approve and deny at once: one decides, and the other is told who did', async () => {
    const one = await openProcess();
    const second = await openProcess(one.store);
    for (let round = 0; round < 20; round++) {
      const approval = await openApproval(one);

      const results = await Promise.all([
        cast(one, approval, { choice: 'approve', person: 'dana' }),
        cast(second, approval, { choice: 'deny', person: 'lee', text: 'too much' }),
      ]);

      const codes = results.map((result) => result?.code);
      expect(codes.toSorted()).toEqual(['ALREADY', 'DECIDED']);
      const winner = codes.indexOf('DECIDED') === 0 ? 'dana' : 'lee';
      const loser = results.find((result) => result?.code === 'ALREADY');
      expect(loser?.approval.decision?.by?.person).toBe(winner);
      expect((await read(one, approval)).decision?.by?.person).toBe(winner);
      expect(await wakeUps(one, approval)).toHaveLength(1);
    }
  });

  it('A7 a double click decides once, and both clicks are told that it is recorded', async () => {
    const one = await openProcess();
    const second = await openProcess(one.store);
    const approval = await openApproval(one);

    const results = await Promise.all([cast(one, approval), cast(second, approval)]);

    expect(results.map((result) => result?.code).toSorted()).toEqual(['DECIDED', 'REPLAY']);
    expect(await wakeUps(one, approval)).toHaveLength(1);
  });

  it('A7 many hands, one after the other in whatever order: exactly one decision stands', async () => {
    const processes = [await openProcess()];
    for (let n = 0; n < 3; n++) processes.push(await openProcess(processes[0]!.store));
    const approval = await openApproval(processes[0]!);

    const results = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        cast(processes[n % 4]!, approval, { key: `click ${n}`, choice: n % 2 === 0 ? 'approve' : 'deny' }),
      ),
    );

    const decided = results.filter((result) => result?.code === 'DECIDED');
    expect(decided).toHaveLength(1);
    const final = await read(processes[0]!, approval);
    expect(final.rev).toBe(2);
    for (const result of results) expect(result?.approval.decision).toEqual(final.decision);
  });

  it('A7 an answer and the deadline at once: whoever is first decides, and both agree on it', async () => {
    const voter = await openProcess();
    const clock = await openProcess(voter.store);
    for (let round = 0; round < 20; round++) {
      const approval = await openApproval(voter);
      await passTime(voter, approval, DEADLINE_MS - 3);

      const [result] = await Promise.all([cast(voter, approval), ticksUntilOver(clock, approval)]);

      const { state } = await read(voter, approval);
      expect([state, result?.code]).toBeOneOf([
        ['APPROVED', 'DECIDED'],
        ['EXPIRED', 'LATE'],
      ]);
      expect(await wakeUps(voter, approval)).toHaveLength(1);
    }
  });
});

/** Looks for what is due until this approval is no longer open. */
async function ticksUntilOver(process: Process, approval: Approval): Promise<void> {
  do await process.sweeper.sweep();
  while ((await read(process, approval)).state === 'OPEN');
}

describe('time', () => {
  it('OM-123 expires once what nobody answered, also when nobody was there at the deadline', async () => {
    const before = await openProcess();
    const approval = await openApproval(before);
    before.store.redis.disconnect();
    const after = await openProcess(before.store);
    const second = await openProcess(before.store);

    await passTime(after, approval, 7 * 24 * 3_600_000);
    await Promise.all([after.sweeper.sweep(), second.sweeper.sweep(), after.sweeper.sweep()]);

    expect(await read(after, approval)).toMatchObject({ state: 'EXPIRED', rev: 2 });
    expect(await wakeUps(after, approval)).toMatchObject([{ kind: 'approval', state: 'EXPIRED' }]);
    expect(await timerOf(after, approval)).toBeUndefined();
  });

  it('OM-011 keeps a pending approval and its deadline when every process ends', async () => {
    const before = await openProcess();
    const approval = await openApproval(before);
    before.store.redis.disconnect();

    const after = await openProcess(before.store);

    expect(await read(after, approval)).toEqual(approval);
    await passTime(after, approval, DEADLINE_MS - 10_000);
    await after.sweeper.sweep();
    expect((await read(after, approval)).state).toBe('OPEN');
    await passTime(after, approval, 10_001);
    await after.sweeper.sweep();
    expect((await read(after, approval)).state).toBe('EXPIRED');
  });

  it('OM-124 refuses an answer after the deadline as late, even before anybody noticed the deadline', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    await passTime(process, approval, DEADLINE_MS);

    const result = await cast(process, approval);

    expect(result).toMatchObject({ code: 'LATE', approval: { state: 'EXPIRED' } });
    expect(await cast(process, approval, { key: 'another' })).toMatchObject({ code: 'LATE' });
  });

  it('A10 takes an answer up to the last millisecond', async () => {
    const process = await openProcess();
    const approval = await openApproval(process, { deadlineMs: Number.MAX_SAFE_INTEGER - 1 });

    expect(await cast(process, approval)).toMatchObject({ code: 'DECIDED' });
  });

  it('A20 never runs backwards: what expired stays expired when the clock is put back', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    await passTime(process, approval, DEADLINE_MS);
    await process.sweeper.sweep();
    const expiredAt = await process.approvals.nowMs(approval.conversationId);

    // Nothing ever puts this key back; should somebody, the past must not return.
    await process.store.redis.del(
      `${process.store.keys.partition(partitionOf(approval.conversationId))}clock`,
    );
    await process.sweeper.sweep();

    expect((await read(process, approval)).state).toBe('EXPIRED');
    expect(expiredAt).toBeGreaterThanOrEqual(approval.deadlineMs);
  });

  it('A20 judges by the latest time any decision was made at', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    await passTime(process, approval, 30_000);
    const ahead = await process.approvals.nowMs(approval.conversationId);

    await cast(process, approval);

    expect(await process.approvals.nowMs(approval.conversationId)).toBeGreaterThanOrEqual(ahead);
    expect((await read(process, approval)).decision?.atMs).toBeGreaterThanOrEqual(ahead);
  });

  it('A20 notes the time of every change, so that no later one is judged by an earlier time', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    const { redis, keys } = process.store;
    const clock = `${keys.partition(partitionOf(approval.conversationId))}clock`;
    expect(await redis.get(clock)).toBeNull();

    await cast(process, approval);

    const { decision } = await read(process, approval);
    expect(Number(await redis.get(clock))).toBeGreaterThanOrEqual(decision!.atMs);
  });

  it('lets nobody decide by a time that has passed meanwhile', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    await passTime(process, approval, DEADLINE_MS);
    let seen = approval.openedMs;

    const result = await process.approvals.apply(approval.id, (current, nowMs) => {
      const step = vote(current, aVote(approval), seen);
      seen = nowMs;
      return step;
    });

    expect(result).toMatchObject({ code: 'LATE', approval: { state: 'EXPIRED' } });
  });

  it('lets nothing expire by a clock that runs ahead of the store', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    let seen = approval.deadlineMs;

    const result = await process.approvals.apply(approval.id, (current, nowMs) => {
      const step = tick(current, seen);
      seen = nowMs;
      return step;
    });

    expect(result).toBe('nothing');
    expect((await read(process, approval)).state).toBe('OPEN');
  });

  it('reminds once for all reminders that fell due while nobody looked', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    await passTime(process, approval, 45_000);

    await process.sweeper.sweep();
    await process.sweeper.sweep();

    expect(await read(process, approval)).toMatchObject({ state: 'OPEN', reminded: 2 });
    expect(await remindersFor(process, approval)).toHaveLength(1);
  });
});

async function remindersFor(
  { store: { redis, keys } }: Process,
  { conversationId, id }: Approval,
): Promise<string[]> {
  const lanes = await redis.lrange(keys.ready(partitionOf(conversationId), 'o.email'), 0, -1);
  const items = await Promise.all(
    lanes.map((lane) => redis.lrange(keys.items(partitionOf(conversationId), 'o.email', lane), 0, -1)),
  );
  return items.flat().filter((json) => json.includes(`remind:${id}:`));
}

describe('running an approved call', () => {
  async function approved(process: Process, effect: 'once' | 'idempotent') {
    const approval = await openApproval(process, { request: { effect } });
    await cast(process, approval);
    const office = new PermitOffice(process.approvals, NO_STANDING_YES);
    return { office, approval: await read(process, approval) };
  }

  it('OM-125 is permitted to one of many who ask at once', async () => {
    const process = await openProcess();
    const second = await openProcess(process.store);
    const { approval } = await approved(process, 'once');
    const offices = [
      new PermitOffice(process.approvals, NO_STANDING_YES),
      new PermitOffice(second.approvals, NO_STANDING_YES),
    ];

    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, n) => offices[n % 2]!.claim(approval, approval.digest)),
    );

    expect(claims.map(({ code }) => code).toSorted()).toEqual(['GRANTED', ...Array(9).fill('HELD')]);
  });

  it('is refused for anything but what was approved', async () => {
    const process = await openProcess();
    const { office, approval } = await approved(process, 'once');

    expect(await office.claim(approval, 'of other arguments')).toMatchObject({ code: 'MISMATCH' });
    expect((await read(process, approval)).state).toBe('APPROVED');
  });

  it('becomes unknown when the one who ran a call that must not be repeated never reports', async () => {
    const process = await openProcess();
    const { office, approval } = await approved(process, 'once');
    await office.claim(approval, approval.digest);

    await passTime(process, approval, LEASE_MS + QUIET_MS);
    await process.sweeper.sweep();

    expect(await read(process, approval)).toMatchObject({ state: 'UNKNOWN', execution: { attempt: 1 } });
    expect((await wakeUps(process, approval)).at(-1)).toMatchObject({ state: 'UNKNOWN' });
    expect(await office.claim(approval, approval.digest)).toMatchObject({ code: 'HELD' });
  });

  it('is claimed again under the same key when the call may be repeated, three times at most', async () => {
    const process = await openProcess();
    const { office, approval } = await approved(process, 'idempotent');
    const keys = new Set<string>();

    for (let attempt = 1; attempt <= 3; attempt++) {
      const claimed = await office.claim(approval, approval.digest);
      expect(claimed).toMatchObject({ code: 'GRANTED', permit: { epoch: attempt } });
      if (claimed.code === 'GRANTED') keys.add(claimed.permit.idempotencyKey);
      await passTime(process, approval, LEASE_MS + QUIET_MS);
      await process.sweeper.sweep();
    }

    expect(keys.size).toBe(1);
    expect((await read(process, approval)).state).toBe('UNKNOWN');
  });

  it('keeps a report that comes after the call became unknown as evidence, and leaves the finding to a person', async () => {
    const process = await openProcess();
    const { office, approval } = await approved(process, 'once');
    const claimed = await office.claim(approval, approval.digest);
    if (claimed.code !== 'GRANTED') throw new Error('the claim was refused');
    await passTime(process, approval, LEASE_MS + QUIET_MS);
    await process.sweeper.sweep();

    expect(await office.complete(claimed.permit, { status: 'ok', text: 'refunded' })).toBe('LATE');
    expect(await office.renew(claimed.permit)).toBe(false);
    expect(await read(process, approval)).toMatchObject({
      state: 'UNKNOWN',
      lateReport: { status: 'ok', text: 'refunded' },
    });
  });

  it('takes a repeated report for what it is', async () => {
    const process = await openProcess();
    const { office, approval } = await approved(process, 'once');
    const claimed = await office.claim(approval, approval.digest);
    if (claimed.code !== 'GRANTED') throw new Error('the claim was refused');
    const report = { status: 'ok', text: 'refunded' } as const;

    expect(await office.complete(claimed.permit, report)).toBe('RECORDED');
    expect(await office.complete(claimed.permit, report)).toBe('REPLAY');
    expect(await office.complete(claimed.permit, { ...report, text: 'refunded twice' })).toBe('FENCED');
    expect((await wakeUps(process, approval)).map((item) => item.kind === 'approval' && item.state)).toEqual([
      'APPROVED',
      'EXECUTED',
    ]);
  });

  it('is reconciled by those who may, and retried only after the old permit cannot begin any more', async () => {
    const process = await openProcess();
    const { office, approval } = await approved(process, 'once');
    const claimed = await office.claim(approval, approval.digest);
    if (claimed.code !== 'GRANTED') throw new Error('the claim was refused');
    await office.loseTrack(claimed.permit, 'the connection broke');
    const via = Platform.parse('cli');
    const account = AccountId.parse('cli:dana');
    const dana = { person: DANA, name: 'Dana Reyes', account, via, roles: ['manager'], operates: false };
    const operator = { person: LEE, name: 'Lee Park', account, via, roles: [], operates: true };
    const settle = (by: Parameters<typeof reconcile>[1], finding: 'happened' | 'retry') =>
      process.approvals.apply(approval.id, (current, nowMs) => reconcile(current, by, finding, nowMs));

    expect(await settle({ ...operator, operates: false }, 'happened')).toMatchObject({
      code: 'NOT_ELIGIBLE',
    });
    expect(await settle(operator, 'retry')).toMatchObject({ code: 'NOT_ELIGIBLE' });
    expect(await settle(dana, 'retry')).toMatchObject({ code: 'NOT_YET' });
    await passTime(process, approval, LEASE_MS + QUIET_MS);
    expect(await settle(dana, 'retry')).toMatchObject({ code: 'DONE', approval: { state: 'APPROVED' } });
    expect(await office.claim(approval, approval.digest)).toMatchObject({
      code: 'GRANTED',
      permit: { epoch: 2 },
    });
    expect(await settle(operator, 'happened')).toMatchObject({ code: 'NOT_UNKNOWN' });
  });

  it('is in time when the conversation comes to it late, because of what was before it', async () => {
    const process = await openProcess();
    const { office, approval } = await approved(process, 'once');
    await passTime(process, approval, VALID_FOR_MS - 1);
    await process.sweeper.sweep();
    await passTime(process, approval, 1);

    expect(await office.claim(approval, approval.digest)).toMatchObject({ code: 'GRANTED' });
  });

  it('is too late once the yes is no longer valid, and nobody was there to act on it', async () => {
    const process = await openProcess();
    const { office, approval } = await approved(process, 'once');
    await process.sweeper.sweep();
    await passTime(process, approval, OUTAGE_MS + VALID_FOR_MS);

    expect(await office.claim(approval, approval.digest)).toMatchObject({ code: 'REFUSED' });
    expect((await read(process, approval)).state).toBe('REVOKED');
  });
});

// ── Random histories ─────────────────────────────────────────────────────────────────────────────────────────

const step = fc.oneof(
  fc.record({
    kind: fc.constant('vote' as const),
    person: fc.constantFrom('dana', 'lee', 'alex'),
    choice: fc.constantFrom('approve' as const, 'approve' as const, 'deny' as const, 'answer' as const),
  }),
  fc.record({
    kind: fc.constantFrom(
      'claim' as const,
      'complete' as const,
      'lose-track' as const,
      'cancel' as const,
      'revoke' as const,
      'retry' as const,
      'happened' as const,
      'card' as const,
    ),
  }),
  fc.record({
    kind: fc.constant('time' as const),
    ms: fc.constantFrom(1, LEASE_MS + QUIET_MS, VALID_FOR_MS, DEADLINE_MS, 5 * 3_600_000),
  }),
);
type RandomStep = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function take(process: Process, approval: Approval, each: RandomStep, n: number): Promise<unknown> {
  const { approvals } = process;
  const office = new PermitOffice(approvals, NO_STANDING_YES);
  const by = {
    account: AccountId.parse('cli:dana'),
    person: DANA,
    name: 'Dana Reyes',
    via: Platform.parse('cli'),
    roles: ['manager'],
    operates: true,
  };
  const { execution } = await read(process, approval);
  const permit = {
    approvalId: approval.id,
    epoch: execution?.epoch ?? 0,
    idempotencyKey: '',
    leaseUntilMs: 0,
  };
  switch (each.kind) {
    case 'vote':
      return cast(process, approval, {
        person: each.person,
        choice: each.choice,
        text: 'ｏｋ ✓',
        key: `k${n}`,
      });
    case 'claim':
      return office.claim(approval, approval.digest);
    case 'complete':
      return office.complete(permit, { status: n % 2 === 0 ? 'ok' : 'error', text: `report ${n}` });
    case 'lose-track':
      return office.loseTrack(permit, 'the line went dead');
    case 'cancel':
      return approvals.apply(approval.id, (current, nowMs) => cancel(current, by, 'no longer needed', nowMs));
    case 'revoke':
      return approvals.apply(approval.id, (current, nowMs) => revoke(current, by, 'changed my mind', nowMs));
    case 'retry':
    case 'happened': {
      const finding = each.kind;
      return approvals.apply(approval.id, (current, nowMs) => reconcile(current, by, finding, nowMs));
    }
    case 'card':
      return approvals.apply(approval.id, (current, nowMs) =>
        noteCopy(current, 'dana', { ref: `mail-${n}`, shown: current.face }, nowMs),
      );
    case 'time':
      await passTime(process, approval, each.ms);
      return process.sweeper.sweep();
    default:
      return each satisfies never;
  }
}

const randomHistory = fc.record({
  effect: fc.constantFrom('once' as const, 'idempotent' as const),
  verdict: fc.constantFrom(
    'human' as const,
    'human' as const,
    'human' as const,
    'allowed' as const,
    'nobody' as const,
  ),
  steps: fc.array(step, { minLength: 1, maxLength: 14 }),
});

describe('any history', () => {
  it(
    'A8 has exactly one timer, at the right time, while it waits, and none when it ended; A12 wakes the conversation once for every outcome; OM-153 is rebuilt exactly from its audit entries',
    async () => {
      const process = await openProcess();
      const audit = new AuditLog(process.store.redis, process.store.keys);
      await fc.assert(
        fc.asyncProperty(randomHistory, async ({ effect, verdict, steps }) => {
          const approval = await openApproval(process, { request: { effect }, verdict });
          for (const [n, each] of steps.entries()) {
            await take(process, approval, each, n);
            const now = await read(process, approval);
            expect(await timerOf(process, approval)).toBe(dueOf(now));
          }

          const final = await read(process, approval);
          const items = await wakeUps(process, approval);
          const states = items.map((item) => (item.kind === 'approval' ? item.state : item.kind));
          expect(states.filter((state) => state !== 'APPROVED' && state !== 'UNKNOWN')).toEqual(
            isEnded(final.state) ? [final.state] : [],
          );
          expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);

          const entries = await audit.about(approval.id, partitionOf(approval.conversationId));
          const rebuilt = replay(entries.map(({ event }) => event));
          expect(canonicalize(rebuilt)).toBe(canonicalize(final));
          expect(entries).toHaveLength(final.rev);
        }),
        { numRuns: runs(40) },
      );
      expect(await audit.verify()).toMatchObject({ ok: true });
    },
    timeFor(30_000),
  );
});

describe('a timer', () => {
  it('whose approval is gone is dropped', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    await process.store.redis.del(process.store.keys.approval(approval.id));
    await passTime(process, approval, DEADLINE_MS);

    await process.sweeper.sweep();

    expect(await timerOf(process, approval)).toBeUndefined();
  });

  it('whose approval cannot be read is looked at again later, and stops nobody else', async () => {
    const process = await openProcess();
    const conversation = `slack:T0:C0:${randomUUID()}`;
    const [broken, whole] = [
      await openApproval(process, { conversation, tail: '00000000000a' }),
      await openApproval(process, { conversation, tail: '00000000000b' }),
    ];
    await process.store.redis.set(process.store.keys.approval(broken.id), 'not a record');
    await passTime(process, whole, DEADLINE_MS);

    await process.sweeper.sweep();

    expect((await read(process, whole)).state).toBe('EXPIRED');
    expect(await timerOf(process, broken)).toBeGreaterThan(
      await process.approvals.nowMs(whole.conversationId),
    );
  });

  it('is not brought back by a look that failed after its approval ended', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    await cast(process, approval, { choice: 'deny' });

    const nowMs = await process.approvals.nowMs(approval.conversationId);
    await process.approvals.postpone({ id: approval.id, nowMs }, 60_000);

    expect(await timerOf(process, approval)).toBeUndefined();
  });

  it('stays where another process has moved it to, when a look at it failed here', async () => {
    const process = await openProcess();
    const approval = await openApproval(process, { policy: { remindAfterMs: [] } });
    const nowMs = await process.approvals.nowMs(approval.conversationId);

    await process.approvals.postpone({ id: approval.id, nowMs }, 1_000);

    expect(await timerOf(process, approval)).toBe(approval.deadlineMs);
  });
});

describe('what waits for somebody', () => {
  it('is found however much waits for others, the next to expire first, until it is decided', async () => {
    const process = await openProcess();
    const conversations = Array.from({ length: 20 }, () => `slack:T0:C0:${randomUUID()}`);
    const others = conversations.flatMap((conversation, c) =>
      Array.from({ length: 60 }, (_, n) => ({ conversation, tail: String(60 * c + n).padStart(12, '0') })),
    );
    await Promise.all(
      others.map((wish) => openApproval(process, { ...wish, policy: { approvers: { person: LEE } } })),
    );
    const later = await openApproval(process, { deadlineMs: Date.now() + 10 * DEADLINE_MS });
    const sooner = await openApproval(process, { deadlineMs: Date.now() + 9 * DEADLINE_MS });
    const list = () => process.approvals.inbox(['person:dana', 'role:manager'], () => true, 20);

    expect((await list()).map(({ id }) => id)).toEqual([sooner.id, later.id]);
    expect(await process.approvals.inbox(['person:lee'], () => true, 20)).toHaveLength(20);
    expect(await process.approvals.pending(1_300)).toHaveLength(1_202);

    await cast(process, sooner);
    expect((await list()).map(({ id }) => id)).toEqual([later.id]);
  });

  it('is found behind all that is not wanted', async () => {
    const process = await openProcess();
    for (let n = 0; n < 30; n++) await openApproval(process, { request: { callId: 'another' } });
    const wanted = await openApproval(process, { deadlineMs: Date.now() + 10 * DEADLINE_MS });

    const found = await process.approvals.inbox(
      ['role:manager'],
      ({ request }) => request.callId !== 'another',
      5,
    );

    expect(found.map(({ id }) => id)).toEqual([wanted.id]);
  });

  it('is found, and is held in its conversation, behind thousands of others', async () => {
    const process = await openProcess();
    const { redis, keys } = process.store;
    const others = `slack:T0:C0:${randomUUID()}`;
    const openedMs = await process.approvals.nowMs(ConversationId.parse(others));
    const effects = Array.from({ length: 1_100 }, (_, n) =>
      toOpenEffect(
        anApproval({
          conversation: others,
          tail: String(n).padStart(12, '0'),
          openedMs,
          request: { callId: 'another' },
        }),
        KEEP_MS,
      ),
    );
    await new EffectWriter(redis, keys).write(ConversationId.parse(others), effects);
    const wanted = await openApproval(process, { deadlineMs: openedMs + 10 * DEADLINE_MS });
    const isWanted = ({ request }: Approval) => request.callId !== 'another';

    expect(await process.approvals.heldIn(wanted.conversationId)).toEqual([wanted]);
    expect(await process.approvals.heldIn(ConversationId.parse(others))).toHaveLength(1_100);
    expect(await process.approvals.inbox(['role:manager'], isWanted, 5)).toEqual([wanted]);
    expect(await process.approvals.pending(5, isWanted)).toEqual([wanted]);

    await cast(process, wanted, { choice: 'deny' });
    expect(await process.approvals.heldIn(wanted.conversationId)).toEqual([]);
  });
});

describe('an id', () => {
  it('is the same for the same call of the same item, and another for any other', () => {
    const one = ConversationId.parse('slack:T0:C0:1');
    const ids = [
      approvalIdFor(one, 'm1', 0),
      approvalIdFor(one, 'm1', 1),
      approvalIdFor(one, 'm2', 0),
      approvalIdFor(ConversationId.parse('slack:T0:C0:2'), 'm1', 0),
    ];

    expect(approvalIdFor(one, 'm1', 0)).toBe(ids[0]);
    expect(new Set(ids).size).toBe(4);
    expect(ids.map((id) => ApprovalId.safeParse(id).success)).toEqual([true, true, true, true]);
  });

  it('opened twice stays as it was first', async () => {
    const process = await openProcess();
    const approval = await openApproval(process);
    await cast(process, approval);

    await new EffectWriter(process.store.redis, process.store.keys).write(approval.conversationId, [
      toOpenEffect(approval, KEEP_MS),
    ]);

    expect((await read(process, approval)).state).toBe('APPROVED');
    expect(await timerOf(process, approval)).toBe(dueOf(await read(process, approval)));
  });
});
