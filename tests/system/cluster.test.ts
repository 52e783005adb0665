/** The same code on a Redis Cluster: every script stays within one slot, order holds, nothing is lost. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ApprovalStore, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOf, consequencesOfOpening, replay } from '../../src/approvals/consequences.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import type { Claim } from '../../src/mailbox/keyed-queue.ts';
import { KeyedQueue } from '../../src/mailbox/keyed-queue.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import { WorkerSession } from '../../src/mailbox/session.ts';
import { NoteStore } from '../../src/memory/note-store.ts';
import { createRedis, type RedisClient } from '../../src/redis/client.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import type { Effect } from '../../src/redis/effects.ts';
import { Keys, PARTITIONS, partitionOf, type QueueName } from '../../src/redis/keys.ts';
import { LanePool } from '../../src/services/lane-pool.ts';
import { TimerSweeper } from '../../src/services/timer-sweeper.ts';
import { anApproval, aVote, DEADLINE_MS } from '../support/approvals.ts';
import { defer, idOf, post, silent, type Worker } from '../support/core.ts';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';

/** One or more in each partition. */
const CONVERSATIONS = Array.from({ length: 64 }, (_, n) => `test:c${n}`);
const HOUR_MS = 3_600_000;

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
}, 60_000);

afterAll(() => cluster?.stop());

interface Process extends Worker {
  readonly redis: RedisClient;
  readonly keys: Keys;
}

async function openProcess(prefix: string): Promise<Process> {
  const redis = createRedis(cluster.url, 'cluster-test');
  redis.on('error', () => undefined);
  await redis.connect();
  onTestFinished(() => redis.disconnect());
  const keys = new Keys(prefix);
  const session = new WorkerSession(redis, keys, systemClock, silent, HOUR_MS);
  await session.start();
  onTestFinished(() => session.stop());
  const queues = new Map<QueueName, KeyedQueue>();
  const queue = (name: QueueName): KeyedQueue => {
    const known = queues.get(name) ?? new KeyedQueue(redis, keys, session, name, 50);
    queues.set(name, known);
    return known;
  };
  return { redis, keys, session, mailbox: new Mailbox(redis, keys, session, () => HOUR_MS, 50), queue };
}

/** What a turn leaves behind: entries, a message to be sent, an audit entry, all in one commit. */
function effectsOf(claim: Claim): Effect[] {
  const conversationId = ConversationId.parse(claim.lane);
  const entry = { kind: 'event', text: idOf(claim), at: '2026-01-01T00:00:00Z' } as const;
  const event = { event: 'turn.done', actor: 'agent', subject: claim.lane, correlation: idOf(claim) };
  const item = { id: `reply:${idOf(claim)}` };
  return [
    { kind: 'entry', conversationId, entry, keepMs: HOUR_MS },
    { kind: 'out', queue: 'o.slack', lane: claim.lane, item, session: claim.session },
    { kind: 'audit', event },
  ];
}

/** Works through mailboxes and outbox; resolves when so many messages were sent. */
async function workUntil(process: Process, sent: Map<string, string[]>, count: number): Promise<LanePool[]> {
  const done = defer();
  let total = 0;
  const [mailboxes, outbox] = [process.queue('m'), process.queue('o.slack')];
  const { redis } = process;
  const deliveries = new LanePool({
    name: 'deliveries',
    redis,
    queue: outbox,
    concurrency: () => 32,
    log: silent,
    handle: async (claim, mode) => {
      const { next } = await outbox.commit(claim, [], mode);
      sent.set(claim.lane, [...(sent.get(claim.lane) ?? []), (JSON.parse(claim.item) as { id: string }).id]);
      if (++total === count) done.resolve();
      return next;
    },
  });
  const conversations = new LanePool({
    name: 'conversations',
    redis,
    queue: mailboxes,
    concurrency: () => 32,
    log: silent,
    handle: async (claim, mode) => {
      const { next, handed } = await mailboxes.commit(claim, effectsOf(claim), mode);
      for (const each of handed) deliveries.offer(each);
      return next;
    },
  });
  const pools = [deliveries, conversations];
  for (const pool of pools) {
    await pool.start();
    onTestFinished(() => pool.stop());
  }
  await done.promise;
  return pools;
}

describe('a cluster of three nodes', () => {
  it('holds the partitions on all of its nodes, each partition on one', async () => {
    const process = await openProcess('spread:');
    for (const conversation of CONVERSATIONS) await post(process, conversation, 'one');

    const held = await Promise.all(
      cluster.nodes.map(
        async (node) => new Set((await node.keys('spread:*')).map((key) => /\{p\d+\}/.exec(key)?.[0])),
      ),
    );

    expect(held.map(({ size }) => size).every((size) => size > 0)).toBe(true);
    expect(held.reduce((sum, { size }) => sum + size, 0)).toBe(PARTITIONS);
  });

  it('keeps every conversation in order, from mailbox to outbox, and loses nothing', async () => {
    const process = await openProcess('order:');
    const sent = new Map<string, string[]>();
    const working = workUntil(process, sent, CONVERSATIONS.length * 5);

    for (let n = 0; n < 5; n++) {
      await Promise.all(CONVERSATIONS.map((conversation) => post(process, conversation, String(n))));
    }
    await working;

    for (const conversation of CONVERSATIONS) {
      expect(sent.get(conversation)).toEqual(['0', '1', '2', '3', '4'].map((n) => `reply:${n}`));
      const entries = await process.redis.lrange(
        process.keys.transcript(ConversationId.parse(conversation)),
        0,
        -1,
      );
      expect(entries).toHaveLength(5);
    }
    const audit = new AuditLog(process.redis, process.keys);
    expect(await audit.verify()).toEqual({ ok: true, entries: CONVERSATIONS.length * 5 });
  });

  it('opens, decides and lets expire approvals of every partition', async () => {
    const { redis, keys } = await openProcess('approvals:');
    const approvals = new ApprovalStore(redis, keys, consequencesOf, () => HOUR_MS);
    const writer = new EffectWriter(redis, keys);
    const audit = new AuditLog(redis, keys);
    const opened = [];
    for (const conversation of CONVERSATIONS) {
      const openedMs = await approvals.nowMs(ConversationId.parse(conversation));
      const tail = String(opened.length).padStart(12, '0');
      const approval = anApproval({ conversation, tail, openedMs });
      await writer.write(conversation, [
        toOpenEffect(approval, HOUR_MS),
        ...consequencesOfOpening(approval, openedMs),
      ]);
      opened.push(approval);
    }

    const [answered, silent_] = [opened.slice(0, 32), opened.slice(32)];
    const results = await Promise.all(
      answered.map((each) => approvals.apply(each.id, (now, nowMs) => vote(now, aVote(each), nowMs))),
    );
    const partitions = new Set(silent_.map(({ conversationId }) => partitionOf(conversationId)));
    for (const partition of partitions) {
      const { nowMs } = await approvals.due(partition, 0);
      await redis.set(`${keys.partition(partition)}clock`, nowMs + DEADLINE_MS);
    }
    await new TimerSweeper(approvals, silent).sweep();

    expect(results.map((result) => result?.code)).toEqual(answered.map(() => 'DECIDED'));
    for (const { id, conversationId } of silent_) {
      const now = await approvals.find(id);
      expect(now?.state).toBe('EXPIRED');
      const entries = await audit.about(id, partitionOf(conversationId));
      expect(replay(entries.map(({ event }) => event))).toEqual(now);
    }
    expect(await audit.verify()).toMatchObject({ ok: true });
  });

  it('writes notes of one owner together', async () => {
    const { redis, keys } = await openProcess('notes:');
    const notes = new NoteStore(redis, keys);
    for (let n = 0; n < 20; n++) {
      await notes.write(
        `person:${n}`,
        [
          { name: 'one', text: '1', over: 0 },
          { name: 'two', text: '2', over: 0 },
        ],
        n,
      );
      expect(await notes.list(`person:${n}`)).toHaveLength(2);
    }
  });

  it('goes on after one of its nodes was killed and came back, with all that was accepted', async () => {
    const process = await openProcess('killed:');
    for (const conversation of CONVERSATIONS) await post(process, conversation, 'before');
    // Leased, and nobody knows: as if the reply had been lost with the node.
    for (const partition of process.keys.partitions())
      await process.queue('m').claim(partition, 1, new Set());

    const meanwhile = Promise.all(
      CONVERSATIONS.map((conversation) => post(process, conversation, 'meanwhile')),
    );
    await cluster.restart(0);
    await meanwhile;

    const sent = new Map<string, string[]>();
    await workUntil(process, sent, CONVERSATIONS.length * 2);
    for (const conversation of CONVERSATIONS) {
      expect(sent.get(conversation)).toEqual(['reply:before', 'reply:meanwhile']);
    }
  }, 60_000);
});
