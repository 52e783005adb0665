/** The keyed queue on a real Redis, with the verbs of `queue-model.ts`, so that the two can be compared. */
import type { Redis } from 'ioredis';
import { ApprovalStore } from '../../src/approvals/approval-store.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { LeaseLostError } from '../../src/domain/errors.ts';
import { type ApprovalId, ConversationId } from '../../src/domain/ids.ts';
import type { MailboxItem } from '../../src/domain/mailbox-item.ts';
import type { Entry } from '../../src/domain/transcript.ts';
import { DeadLetters } from '../../src/mailbox/dead-letters.ts';
import { type Claim, KeyedQueue } from '../../src/mailbox/keyed-queue.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import { WorkerSession } from '../../src/mailbox/session.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Effect } from '../../src/redis/effects.ts';
import type { Keys, QueueName } from '../../src/redis/keys.ts';
import { loadScript, runScript } from '../../src/redis/script.ts';
import {
  type LaneRef,
  type ModelClaim,
  type ModelEffect,
  type PartitionView,
  toMember,
} from './queue-model.ts';

const HOUR_MS = 3_600_000;

const mailboxModule = new URL('../../src/mailbox/session.ts', import.meta.url).href;
const beatScript = loadScript('beat', mailboxModule);
const reapScript = loadScript('reap', mailboxModule);

const silent = createLogger({ level: 'silent' });

/** One worker process: a session and its view of every queue. */
interface Worker {
  readonly session: WorkerSession;
  readonly mailbox: Mailbox;
  readonly queues: ReadonlyMap<string, KeyedQueue>;
}

export class QueueWorld {
  readonly #workers = new Map<string, Worker>();
  readonly #deadLetters: DeadLetters;
  readonly #approvals: ApprovalStore;

  constructor(
    private readonly redis: Redis,
    readonly keys: Keys,
    private readonly partitions: readonly number[],
    private readonly queueNames: readonly QueueName[],
  ) {
    this.#deadLetters = new DeadLetters(redis, keys);
    this.#approvals = new ApprovalStore(
      redis,
      keys,
      () => [],
      () => HOUR_MS,
    );
  }

  // ── Sessions ───────────────────────────────────────────────────────────────────────────────────────────────

  async openSession(): Promise<string> {
    const session = new WorkerSession(this.redis, this.keys, systemClock, silent, HOUR_MS);
    const queues = this.queueNames.map(
      (name) => [name, new KeyedQueue(this.redis, this.keys, session, name, 0)] as const,
    );
    const mailbox = new Mailbox(this.redis, this.keys, session, () => HOUR_MS, 0);
    this.#workers.set(session.id, { session, mailbox, queues: new Map(queues) });
    await this.#beat(session.id, 'open');
    return session.id;
  }

  /** Moves the session's deadline into the past, instead of waiting for it. */
  async expire(session: string): Promise<void> {
    await Promise.all(
      this.partitions.map((partition) => this.redis.zadd(this.keys.sessions(partition), 'XX', 1, session)),
    );
  }

  async beat(session: string): Promise<boolean> {
    return (await this.#beat(session, 'renew')).every((reply) => reply !== 0);
  }

  async reap(): Promise<number> {
    const released = await Promise.all(
      this.partitions.map((partition) =>
        runScript(
          this.redis,
          reapScript,
          [this.keys.sessions(partition)],
          [this.keys.partition(partition), 1_000, Number.MAX_SAFE_INTEGER],
        ),
      ),
    );
    return released.reduce<number>((sum, count) => sum + Number(count), 0);
  }

  async reconcile(session: string, queue: string, working: ReadonlySet<string>): Promise<number> {
    return this.#queue(session, queue).reconcile(working);
  }

  async #beat(session: string, mode: 'open' | 'renew'): Promise<unknown[]> {
    return Promise.all(
      this.partitions.map((partition) =>
        runScript(this.redis, beatScript, [this.keys.sessions(partition)], [session, HOUR_MS, mode]),
      ),
    );
  }

  // ── Items ──────────────────────────────────────────────────────────────────────────────────────────────────

  async post(
    lane: string,
    id: string,
    session: string,
    takeNow: boolean,
  ): Promise<ReturnType<Mailbox['post']>> {
    const { mailbox } = this.#worker(session);
    return mailbox.post({
      conversationId: ConversationId.parse(lane),
      item: toItem(id),
      whose: 'any',
      takeNow,
    });
  }

  async claim(partition: number, queue: string, session: string, count: number): Promise<Claim[]> {
    return this.#queue(session, queue).claim(partition, count, new Set());
  }

  /** The claims that came of it, `lost` when the lease was. */
  async commit(
    claim: ModelClaim,
    effects: readonly ModelEffect[],
    mode: 'more' | 'yield',
  ): Promise<{ next: Claim | undefined; handed: readonly Claim[] } | 'lost'> {
    const queue = this.#queue(claim.session, claim.queue);
    return orLost(queue.commit(this.#toClaim(claim), effects.map(toEffect), mode));
  }

  async retryLater(
    claim: ModelClaim,
    pause: 'none' | 'parked',
    counting: 'counts' | 'free',
    effects: readonly ModelEffect[],
  ): Promise<boolean> {
    const queue = this.#queue(claim.session, claim.queue);
    const pauseMs = pause === 'none' ? 0 : HOUR_MS;
    const done = await orLost(
      queue.retryLater(this.#toClaim(claim), pauseMs, counting, effects.map(toEffect)).then(() => true),
    );
    return done !== 'lost';
  }

  async makeDue({ partition, queue, lane }: LaneRef): Promise<void> {
    await this.redis.zadd(this.keys.parked(partition), 'XX', 1, toMember(queue, lane));
  }

  async unpark(partition: number): Promise<number> {
    return (await this.#approvals.due(partition, 1_000)).unparked;
  }

  // ── Dead letters ───────────────────────────────────────────────────────────────────────────────────────────

  async settleDead(partition: number, at: number, verb: 'retry' | 'discard'): Promise<boolean> {
    const letters = (await this.#deadLetters.list(1_000)).filter(({ id }) => id.startsWith(`p${partition}.`));
    return this.#deadLetters[verb](letters[at]?.id ?? `p${partition}.1-1`, 'alex');
  }

  // ── Bells ──────────────────────────────────────────────────────────────────────────────────────────────────

  async takeBell(partition: number, queue: QueueName): Promise<boolean> {
    return (await this.redis.lpop(this.keys.bell(partition, queue))) !== null;
  }

  // ── What can be seen ───────────────────────────────────────────────────────────────────────────────────────

  /** Everything of a partition, found by looking at every key there is; nothing left over can hide. */
  async view(partition: number, names: readonly string[]): Promise<PartitionView> {
    const at = this.keys.partition(partition);
    const members = this.queueNames.flatMap((queue) => names.map((lane) => ({ queue, lane })));
    const sessions = [...this.#workers.keys()];
    const read = this.redis.pipeline();
    for (const { queue, lane } of members) {
      read.lrange(this.keys.items(partition, queue, lane), 0, -1);
      read.hgetall(this.keys.lease(partition, queue, lane));
    }
    for (const queue of this.queueNames) {
      read.lrange(this.keys.ready(partition, queue), 0, -1);
      read.llen(this.keys.bell(partition, queue));
    }
    for (const session of sessions) read.smembers(this.keys.owned(partition, session));
    for (const lane of names) read.lrange(`${at}h:${lane}`, 0, -1);
    read.zrange(this.keys.sessions(partition), '0', '-1');
    read.zrange(this.keys.parked(partition), '0', '-1');
    read.xrange(this.keys.deadLetters(partition), '-', '+');
    const replies = (await read.exec())!.map(([error, reply]) => {
      if (error) throw error;
      return reply;
    });

    const next = <Reply>(): Reply => replies.shift() as Reply;
    const lanes = members
      .map(({ queue, lane }) => {
        const items = next<string[]>().map(fromItem);
        return [toMember(queue, lane), { items, lease: next<Record<string, string>>() }] as const;
      })
      .filter(([, { items, lease }]) => items.length > 0 || Object.keys(lease).length > 0);
    const queues = this.queueNames.map((queue) => ({
      queue,
      ready: next<string[]>(),
      bells: next<number>(),
    }));
    const owned = sessions.map((session) => [session, next<string[]>().toSorted()] as const);
    const transcripts = names.map((lane) => [lane, next<string[]>().map(toText)] as const);
    return {
      lanes: Object.fromEntries(lanes),
      ready: Object.fromEntries(
        queues.filter(({ ready }) => ready.length > 0).map(({ queue, ready }) => [queue, ready]),
      ),
      bells: Object.fromEntries(
        queues.filter(({ bells }) => bells > 0).map(({ queue, bells }) => [queue, bells]),
      ),
      owned: Object.fromEntries(owned.filter(([, owns]) => owns.length > 0)),
      transcripts: Object.fromEntries(transcripts.filter(([, texts]) => texts.length > 0)),
      sessions: next<string[]>().toSorted(),
      parked: next<string[]>().toSorted(),
      dead: next<[string, string[]][]>().map(([, fields]) => fromItem(fields[fields.indexOf('item') + 1]!)),
    };
  }

  #worker(session: string): Worker {
    const worker = this.#workers.get(session);
    if (!worker) throw new Error(`no worker has the session ${session}`);
    return worker;
  }

  #queue(session: string, queue: string): KeyedQueue {
    return this.#worker(session).queues.get(queue)!;
  }

  #toClaim({ queue, fence, step, ...rest }: ModelClaim): Claim {
    return {
      ...rest,
      queue: queue as QueueName,
      fence: String(fence),
      step: String(step),
      entries: [],
      signal: this.#worker(rest.session).session.signal,
    };
  }
}

/** A claim as the model speaks of it. */
export function toModelClaim({ fence, step, item, entries: _, signal: __, ...rest }: Claim): ModelClaim {
  return { ...rest, fence: Number(fence), step: Number(step), item: fromItem(item) };
}

/** The smallest item there is; the queue looks at nothing but its id. */
function toItem(id: string): MailboxItem {
  // An approval that does not exist is as good as any: nothing here handles the item.
  return {
    kind: 'approval',
    id,
    correlation: 'test',
    approvalId: 'apr_p0_000000000000' as ApprovalId,
    state: 'OPEN',
  };
}

function fromItem(json: string): string {
  return (JSON.parse(json) as { id: string }).id;
}

function toText(json: string): string {
  return (JSON.parse(json) as { text: string }).text;
}

function toEffect(effect: ModelEffect): Effect {
  switch (effect.kind) {
    case 'entry': {
      const entry: Entry = { kind: 'event', text: effect.text, at: '2026-01-01T00:00:00Z' };
      return { kind: 'entry', conversationId: ConversationId.parse(effect.lane), entry, keepMs: HOUR_MS };
    }
    case 'mail':
      return {
        kind: 'mail',
        conversationId: ConversationId.parse(effect.lane),
        item: toItem(effect.item),
        ...(effect.once === undefined ? {} : { once: { key: effect.once, forMs: HOUR_MS } }),
      };
    case 'out':
      return {
        kind: 'out',
        queue: effect.queue as QueueName,
        lane: effect.lane,
        item: toItem(effect.item),
        session: effect.session,
      };
    case 'dead':
      return {
        ...effect,
        queue: effect.queue as QueueName,
        reason: 'a test',
        item: JSON.stringify(toItem(effect.item)),
      };
    default:
      return effect satisfies never;
  }
}

async function orLost<Result>(done: Promise<Result>): Promise<Result | 'lost'> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof LeaseLostError) return 'lost';
    throw error;
  }
}
