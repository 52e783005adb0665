/** The product's durable core on a Redis of the benchmark's, without agent and platforms. */
import { systemClock } from '../../src/domain/clock.ts';
import { AccountId, ConversationId, MessageId, PersonId, Platform } from '../../src/domain/ids.ts';
import type { MailboxItem } from '../../src/domain/mailbox-item.ts';
import type { Address } from '../../src/domain/message.ts';
import { KeyedQueue } from '../../src/mailbox/keyed-queue.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import { WorkerSession } from '../../src/mailbox/session.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createRedis, type RedisClient } from '../../src/redis/client.ts';
import { Keys } from '../../src/redis/keys.ts';

export const LOG = createLogger({ level: 'error', destination: process.stderr });

/** The product's default. */
const LEASE_MS = 5_000;

/** The product's default. */
const HISTORY_ENTRIES = 200;

/** The product's default. */
export const REMEMBER_MS = 24 * 60 * 60 * 1_000;

export interface CoreStore {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly session: WorkerSession;
  readonly mailbox: Mailbox;
  readonly queue: KeyedQueue;
  close(): Promise<void>;
}

export async function openCoreStore(redisUrl: string): Promise<CoreStore> {
  const redis = createRedis(redisUrl, 'signalbox-bench');
  await redis.connect();
  const keys = new Keys('signalbox');
  const session = new WorkerSession(redis, keys, systemClock, LOG, LEASE_MS);
  await session.start();
  return {
    redis,
    keys,
    session,
    mailbox: new Mailbox(redis, keys, session, () => REMEMBER_MS, HISTORY_ENTRIES),
    queue: new KeyedQueue(redis, keys, session, 'm', HISTORY_ENTRIES),
    close: async () => {
      await session.stop();
      redis.disconnect();
    },
  };
}

/** The conversations the samples belong to, each in a channel of its own. */
export function conversationNumber(index: number): ConversationId {
  return ConversationId.parse(`slack:T0BENCH:C${String(index).padStart(9, '0')}:1700000000.000100`);
}

/** What a short mention in a conversation becomes. `index` makes it one of its own. */
export function sampleItem(conversationId: ConversationId, index: number): MailboxItem {
  const id = MessageId.parse(`${conversationId}:${index}`);
  return {
    kind: 'message',
    id,
    correlation: id,
    message: {
      kind: 'message',
      id,
      conversationId,
      sender: {
        account: AccountId.parse('slack:T0BENCH/U0BENCH00'),
        displayName: 'Dana',
        authenticated: true,
        automatic: false,
      },
      text: 'please look up order 4711 for the customer in Lisbon and tell me whether the second parcel has left',
      addressedToBot: true,
      sentAt: '2026-01-01T00:00:00.000Z',
      replyTo: SLACK_THREAD,
    },
    receivedAt: '2026-01-01T00:00:00.000Z',
    requester: { person: PersonId.parse('dana'), name: 'Dana', roles: ['member'] },
  };
}

export const SLACK_THREAD: Address = {
  platform: Platform.parse('slack'),
  route: { channel: 'C000000001', thread: '1700000000.000100' },
};
