/** The durable core without an application around it: what most tests of it begin with. */
import type { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/domain/clock.ts';
import { ApprovalId, ConversationId } from '../../src/domain/ids.ts';
import type { MailboxItem } from '../../src/domain/mailbox-item.ts';
import type { Claim } from '../../src/mailbox/keyed-queue.ts';
import { KeyedQueue } from '../../src/mailbox/keyed-queue.ts';
import { Mailbox, type Posted } from '../../src/mailbox/mailbox.ts';
import { WorkerSession } from '../../src/mailbox/session.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createRedis } from '../../src/redis/client.ts';
import { Keys, type QueueName } from '../../src/redis/keys.ts';
import { testRedis } from './redis.ts';

export const silent = createLogger({ level: 'silent' });

/** So long that nothing ends by itself within a test. */
const LONG_MS = 3_600_000;

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  constructor(private ms = Date.parse('2026-01-01T00:00:00Z')) {}

  now(): number {
    return this.ms;
  }

  advance(byMs: number): void {
    this.ms += byMs;
  }
}

export interface Store {
  readonly url: string;
  readonly redis: Redis;
  readonly keys: Keys;
}

/** A connection to the shared server under a prefix of its own, closed when the test ends. */
export async function openStore({ url, prefix } = testRedis()): Promise<Store> {
  // One address, so one server.
  const redis = createRedis(url, 'test') as Redis;
  redis.setMaxListeners(0);
  redis.on('error', () => undefined);
  await redis.connect();
  onTestFinished(() => redis.disconnect());
  return { url, redis, keys: new Keys(prefix) };
}

/** One process's view of the queues: a session that is alive, the mailbox, the queues. */
export interface Worker {
  readonly session: WorkerSession;
  readonly mailbox: Mailbox;
  queue(name: QueueName): KeyedQueue;
}

export async function openWorker(
  { redis, keys }: Store,
  { leaseMs = LONG_MS, clock = new ManualClock() }: { leaseMs?: number; clock?: Clock } = {},
): Promise<Worker> {
  const session = new WorkerSession(redis, keys, clock, silent, leaseMs);
  await session.start();
  onTestFinished(() => session.stop());
  return {
    session,
    mailbox: new Mailbox(redis, keys, session, () => LONG_MS, 50),
    queue: (name) => new KeyedQueue(redis, keys, session, name, name === 'm' ? 50 : 0),
  };
}

/** The smallest item a mailbox takes. */
function anItem(id: string): MailboxItem {
  return {
    kind: 'approval',
    id,
    correlation: id,
    approvalId: ApprovalId.parse('apr_p0_000000000000'),
    state: 'OPEN',
  };
}

/** Items are told apart by their id alone, so the conversation is a part of it. */
export async function post(
  { mailbox }: Worker,
  conversation: string,
  id: string,
  takeNow = false,
): Promise<Posted> {
  return mailbox.post({
    conversationId: ConversationId.parse(conversation),
    item: anItem(`${conversation}#${id}`),
    whose: 'any',
    takeNow,
  });
}

/** The id as it was posted. */
export function idOf(claim: Claim): string {
  return (JSON.parse(claim.item) as MailboxItem).id.slice(claim.lane.length + 1);
}

/** A promise and what settles it. */
export function defer<Value = void>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Asks the server for the time until it has moved on. */
export async function serverTimePasses(store: Store, ms: number): Promise<void> {
  const until = (await serverTime(store)) + ms;
  while ((await serverTime(store)) <= until);
}

/** What the server's clock shows, in whole ms. */
export async function serverTime({ redis }: Store): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}
