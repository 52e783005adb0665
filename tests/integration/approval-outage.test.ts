/**
 * An hour in which no process of ours was there, and what people find afterwards: one reminder at most for each
 * request, at the newest stage, few for each person, and nothing that ended while nobody could answer.
 */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { ApprovalStore, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { CatchUps } from '../../src/approvals/catch-ups.ts';
import { consequencesOf, consequencesOfOpening } from '../../src/approvals/consequences.ts';
import { noteCopy } from '../../src/domain/approval/copies.ts';
import type { Approval, ApprovalPolicy } from '../../src/domain/approval/record.ts';
import { PersonId } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import { leavesOf } from '../../src/domain/quorum.ts';
import { Directory } from '../../src/identity/directory.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { TimerSweeper } from '../../src/services/timer-sweeper.ts';
import { anAddress, anApproval } from '../support/approvals.ts';
import { openStore, type Store, silent } from '../support/core.ts';
import { parse } from '../unit/config/config-texts.ts';

/** So far ahead that only the test lets time pass. */
const BEGIN_MS = Date.parse('2100-01-01T00:00:00Z');
const MINUTE_MS = 60_000;
const OUTAGE_MS = 60 * MINUTE_MS;
const KEEP_MS = 3_600_000;
/** Less than what counts as an outage. */
const LOOK_MS = 50_000;
/** How often somebody is asked about a call of unknown outcome. */
const NAG_MS = 4 * 60 * MINUTE_MS;

let store: Store;
let approvals: ApprovalStore;
let sweeper: TimerSweeper;
let nowMs: number;

beforeEach(async () => {
  store = await openStore();
  approvals = new ApprovalStore(store.redis, store.keys, consequencesOf, () => KEEP_MS);
  approvals.reachPeopleBy((_, approvers) =>
    leavesOf(approvers).map((leaf) => {
      const id = 'role' in leaf && leaf.role === 'director' ? 'rita' : 'dana';
      return { id, to: anAddress('email'), person: PersonId.parse(id), outcomeOnly: true as const };
    }),
  );
  sweeper = new TimerSweeper(approvals, silent);
  nowMs = BEGIN_MS;
  await passTime(0);
  await sweeper.sweep(); // somebody is there
});

describe('after an hour in which none of our processes was there', () => {
  it('A9 A10 nothing has expired, and everybody has the hour again', async () => {
    const waiting = await openSome(40, { deadlineMs: 30 * MINUTE_MS });

    await passTime(OUTAGE_MS);
    await sweeper.sweep();

    for (const { id, deadlineMs } of waiting) {
      const now = await approvals.find(id);
      expect(now).toMatchObject({ state: 'OPEN', creditedMs: OUTAGE_MS, deadlineMs: deadlineMs + OUTAGE_MS });
    }
    await watch(30 * MINUTE_MS - 1);
    expect(await statesOf(waiting)).toEqual(['OPEN']);
    await watch(1);
    expect(await statesOf(waiting)).toEqual(['EXPIRED']);
  });

  it('A9 nothing expires that was never in front of anybody, for as long as it takes to be seen', async () => {
    const minVisibleMs = 10 * MINUTE_MS;
    const waiting = await openSome(10, { deadlineMs: 30 * MINUTE_MS, policy: { minVisibleMs } });

    await passTime(OUTAGE_MS);
    await sweeper.sweep();
    await watch(30 * MINUTE_MS);

    expect(await statesOf(waiting)).toEqual(['OPEN']);
    for (const { id } of waiting) {
      await approvals.apply(id, (approval, atMs) =>
        noteCopy(approval, 'dana', { ref: 'mail', shown: 1 }, atMs),
      );
    }
    await watch(minVisibleMs - 1);
    expect(await statesOf(waiting)).toEqual(['OPEN']);
    await watch(1);
    expect(await statesOf(waiting)).toEqual(['EXPIRED']);
  });

  it('nobody is reminded more than once of each request, of its newest stage, however many were missed', async () => {
    const remindAfterMs = [10, 20, 30, 40, 50].map((minutes) => minutes * MINUTE_MS);
    const waiting = await openSome(40, { deadlineMs: 24 * 60 * MINUTE_MS, policy: { remindAfterMs } });

    await passTime(OUTAGE_MS);
    await sweeper.sweep();
    await Promise.all([sweeper.sweep(), sweeper.sweep()]);

    for (const approval of waiting) {
      expect(await approvals.find(approval.id)).toMatchObject({ state: 'OPEN', reminded: 5 });
      expect(await sentAbout(approval, `remind:${approval.id}:`)).toHaveLength(1);
    }
  });

  it('E11 somebody with fifty requests gets three reminders, and one message that says how many more wait', async () => {
    spareSomebody();
    const waiting = await openSome(50, {
      deadlineMs: 24 * 60 * MINUTE_MS,
      policy: { remindAfterMs: [10 * MINUTE_MS] },
    });

    await passTime(OUTAGE_MS);
    await Promise.all([sweeper.sweep(), sweeper.sweep()]);
    await sweeper.sweep();

    const sent = await sentToDana();
    expect(sent.filter(({ id }) => id.startsWith('remind:'))).toHaveLength(3);
    const digests = sent.filter(({ id }) => id.startsWith('catch-up:dana:'));
    expect(digests).toMatchObject([
      { kind: 'text', markdown: expect.stringMatching(/\*\*47 more requests wait.*`\/approvals`/s) },
    ]);
    for (const { id } of waiting) expect(await approvals.find(id)).toMatchObject({ reminded: 1 });
  });

  it('E11 the policy says how many, and what comes in time is not counted', async () => {
    spareSomebody();
    const policy = { remindAfterMs: [10 * MINUTE_MS, 70 * MINUTE_MS], catchUp: 5 };
    await openSome(8, { deadlineMs: 24 * 60 * MINUTE_MS, policy });

    await passTime(OUTAGE_MS);
    await sweeper.sweep();
    expect((await sentToDana()).map(({ id }) => id.split(':')[0]).toSorted()).toEqual([
      'catch-up',
      ...Array.from({ length: 5 }, () => 'remind'),
    ]);

    await watch(11 * MINUTE_MS);
    expect((await sentToDana()).filter(({ id }) => id.startsWith('remind:'))).toHaveLength(5 + 8);
  });

  it('E11 whoever is spared hears how much is left, calls of unknown outcome too', async () => {
    spareSomebody();
    await openSome(5, { deadlineMs: 24 * 60 * MINUTE_MS, unknown: true });
    await openSome(2, {
      deadlineMs: 24 * 60 * MINUTE_MS,
      policy: { remindAfterMs: [10 * MINUTE_MS] },
    });

    await passTime(NAG_MS + OUTAGE_MS);
    await sweeper.sweep();

    const sent = await sentToDana();
    const told = sent.filter(({ id }) => id.startsWith('remind:'));
    expect(told).toHaveLength(3);
    const unknown = 5 - told.filter(({ markdown }) => markdown.startsWith('**Still unknown')).length;
    const requests = 2 - (3 - (5 - unknown));
    const digests = sent.filter(({ id }) => id.startsWith('catch-up:'));
    expect(digests).toHaveLength(1);
    expect(numbersIn(digests[0]!.markdown)).toEqual({ requests, unknown });
  });

  it('E11 a call of unknown outcome is told of once, however often its time came', async () => {
    await openSome(1, { deadlineMs: 48 * 60 * MINUTE_MS, unknown: true });

    await passTime(24 * 60 * MINUTE_MS);
    for (let look = 1; look <= 8; look++) await sweeper.sweep();

    expect((await sentToDana()).filter(({ id }) => id.startsWith('remind:'))).toHaveLength(1);
  });

  it('E11 a process that ends over a reminder leaves it to the next one, which decides the same', async () => {
    const catchUps = spareSomebody();
    const waiting = await openSome(5, {
      deadlineMs: 24 * 60 * MINUTE_MS,
      policy: { remindAfterMs: [10 * MINUTE_MS] },
    });
    await passTime(OUTAGE_MS);

    // It had asked for all of them, and sent nothing yet.
    for (const approval of waiting) await catchUps.spared(approval, nowMs);
    await sweeper.sweep();

    const sent = await sentToDana();
    expect(sent.filter(({ id }) => id.startsWith('remind:'))).toHaveLength(3);
    expect(sent.filter(({ id }) => id.startsWith('catch-up:'))).toHaveLength(1);
  });

  it('the next people are asked once, when the first have had the time that they lacked', async () => {
    const ladder: ApprovalPolicy['ladder'] = [
      { kind: 'escalate', approvers: { role: RoleName.parse('director') }, forMs: 20 * MINUTE_MS },
    ];
    const waiting = await openSome(20, { deadlineMs: 5 * MINUTE_MS, policy: { ladder } });
    await watch(4 * MINUTE_MS);

    await passTime(OUTAGE_MS);
    await sweeper.sweep();
    await watch(MINUTE_MS);
    await sweeper.sweep();

    for (const approval of waiting) {
      expect(await approvals.find(approval.id)).toMatchObject({ state: 'OPEN', rung: 1 });
      expect(await sentAbout(approval, `card:${approval.id}:rita:`)).toHaveLength(1);
    }
  });

  it('those who were to be asked further have their whole time, and nothing ends in the same look', async () => {
    const ladder: ApprovalPolicy['ladder'] = [
      { kind: 'escalate', approvers: { role: RoleName.parse('director') }, forMs: 5 * MINUTE_MS },
      { kind: 'default', text: 'nobody was there' },
    ];
    const waiting = await openSome(10, { deadlineMs: MINUTE_MS, policy: { ladder } });
    await watch(MINUTE_MS);
    expect((await approvals.find(waiting[0]!.id))?.rung).toBe(1);

    await passTime(OUTAGE_MS);
    await sweeper.sweep();

    expect(await statesOf(waiting)).toEqual(['OPEN']);
    await watch(5 * MINUTE_MS);
    expect(await statesOf(waiting)).toEqual(['ANSWERED']);
  });
});

/** From now on nobody is reminded of too much at once. */
function spareSomebody(): CatchUps {
  const config = parse();
  const writer = new EffectWriter(store.redis, store.keys);
  const directory = new Directory(() => config);
  const catchUps = new CatchUps({ ...store, approvals, directory, writer });
  approvals.sparePeopleBy((approval, atMs) => catchUps.spared(approval, atMs));
  return catchUps;
}

/** Texts that were given to the mail gateway. Cards are no texts. */
async function sentToDana(): Promise<{ id: string; markdown: string }[]> {
  const { redis, keys } = store;
  const lanes = await redis.keys(`${keys.prefix}*o.email:q:*`);
  const items = await Promise.all(lanes.map((lane) => redis.lrange(lane, 0, -1)));
  return items
    .flat()
    .map((json) => JSON.parse(json))
    .filter(({ kind }) => kind === 'text');
}

/** What a digest says is left. */
function numbersIn(markdown: string): { requests: number; unknown: number } {
  const requests = /\*\*(\d+) more requests? waits? for your answer/.exec(markdown)?.[1];
  const unknown = /what came of (\d+) more calls?\./.exec(markdown)?.[1];
  return { requests: Number(requests ?? 0), unknown: Number(unknown ?? 0) };
}

/** In as many conversations, of several partitions. */
async function openSome(
  count: number,
  wish: { deadlineMs: number; policy?: Partial<ApprovalPolicy>; unknown?: boolean },
): Promise<Approval[]> {
  const writer = new EffectWriter(store.redis, store.keys);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const conversation = `slack:T0:C0:${randomUUID()}`;
      const opened = anApproval({
        conversation,
        tail: randomUUID().replaceAll('-', '').slice(0, 12),
        openedMs: nowMs,
        deadlineMs: nowMs + wish.deadlineMs,
        policy: { remindAfterMs: [], ...wish.policy },
      });
      const approval: Approval = wish.unknown ? { ...opened, state: 'UNKNOWN' } : opened;
      await writer.write(conversation, [
        toOpenEffect(approval, KEEP_MS),
        ...consequencesOfOpening(approval, nowMs),
      ]);
      return approval;
    }),
  );
}

async function passTime(ms: number): Promise<void> {
  nowMs += ms;
  const clocks = store.keys
    .partitions()
    .map((partition) => [`${store.keys.partition(partition)}clock`, nowMs]);
  await Promise.all(clocks.map(([key, value]) => store.redis.set(String(key), Number(value))));
}

/** Time passes while somebody of ours is there. */
async function watch(ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= LOOK_MS) {
    await passTime(Math.min(LOOK_MS, leftMs));
    await sweeper.sweep();
  }
}

async function statesOf(some: readonly Approval[]): Promise<(string | undefined)[]> {
  const now = await Promise.all(some.map(({ id }) => approvals.find(id)));
  return [...new Set(now.map((approval) => approval?.state))];
}

/** What was given to the mail gateway about it, under ids that begin so. */
async function sentAbout({ conversationId }: Approval, id: string): Promise<string[]> {
  const { redis, keys } = store;
  const partition = partitionOf(conversationId);
  const lanes = await redis.lrange(keys.ready(partition, 'o.email'), 0, -1);
  const items = await Promise.all(
    lanes.map((lane) => redis.lrange(keys.items(partition, 'o.email', lane), 0, -1)),
  );
  return items.flat().filter((json) => json.includes(`"id":"${id}`));
}
