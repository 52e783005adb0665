/**
 * The queue's scripts against a plain model of them: random histories of several workers that share the lanes, lose
 * replies, die, come back as zombies and send things twice. After every step both sides must look the same.
 *
 * `PROPERTY_RUNS=100` makes it the long run.
 */
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedis } from '../../src/redis/client.ts';
import { Keys, partitionOf, type QueueName } from '../../src/redis/keys.ts';
import { runs, timeFor } from '../support/property-runs.ts';
import {
  type LaneRef,
  type ModelClaim,
  type ModelEffect,
  misplaced,
  QueueModel,
} from '../support/queue-model.ts';
import { QueueWorld, toModelClaim } from '../support/queue-world.ts';
import { testRedis } from '../support/redis.ts';

const QUEUES: readonly QueueName[] = ['m', 'o.slack', 'o.email'];
const OUTBOXES = QUEUES.slice(1);
/** Conversations of two partitions, several in each, so that lanes compete and partitions do not mix. */
const CONVERSATIONS = conversationsOf([3, 11], 3);
const PARTITIONS = [...new Set(CONVERSATIONS.map(partitionOf))].toSorted((a, b) => a - b);
const WORKERS = 3;

let redis: Redis;

beforeAll(async () => {
  // One address, so one server.
  redis = createRedis(testRedis().url, 'queue-model') as Redis;
  redis.setMaxListeners(0);
  await redis.connect();
});

afterAll(() => {
  redis.disconnect();
});

/** Both sides, and what the workers of this history hold. */
class History {
  readonly model = new QueueModel(PARTITIONS);
  readonly world = new QueueWorld(redis, new Keys(testRedis().prefix), PARTITIONS, QUEUES);
  /** The session each worker goes by now. */
  readonly sessions: string[] = [];
  /** Every claim ever granted, the newest last: a worker may come back with an old one. */
  readonly claims: ModelClaim[] = [];
  steps = 0;

  async begin(): Promise<this> {
    for (let worker = 0; worker < WORKERS; worker++) await this.openSession(worker);
    return this;
  }

  async openSession(worker: number): Promise<void> {
    const session = await this.world.openSession();
    this.model.openSession(session);
    this.sessions[worker] = session;
  }

  session(worker: number): string {
    return this.sessions[worker]!;
  }

  pick({ back, which }: Pick): ModelClaim | undefined {
    const candidates = this.claims.filter((claim) => {
      if (which === 'any') return true;
      const live = this.model.holds(claim);
      return which === 'live' ? live : !live && this.#regranted(claim);
    });
    return candidates.at(-1 - (back % Math.max(candidates.length, 1)));
  }

  /** The same session has been granted the lane anew since. */
  #regranted({ queue, lane, session, fence }: ModelClaim): boolean {
    return this.claims.some(
      (later) =>
        later.queue === queue && later.lane === lane && later.session === session && later.fence > fence,
    );
  }

  effects(claim: ModelClaim, wanted: readonly Wanted[]): ModelEffect[] {
    return wanted.map((want, index) => this.#effect(claim, want, `${this.steps}.${index}`));
  }

  #effect(
    { partition, queue, lane, attempt, item, session }: ModelClaim,
    want: Wanted,
    id: string,
  ): ModelEffect {
    const neighbours = CONVERSATIONS.filter((each) => partitionOf(each) === partition);
    const conversation = neighbours[want.to % neighbours.length]!;
    switch (want.kind) {
      case 'entry':
        return { kind: 'entry', lane: conversation, text: `${item} at ${id}` };
      case 'mail':
        return {
          kind: 'mail',
          lane: conversation,
          item: `mail:${id}`,
          ...(want.once ? { once: `once:${want.to}` } : {}),
        };
      case 'out':
        return {
          kind: 'out',
          queue: OUTBOXES[want.to % OUTBOXES.length]!,
          lane: conversation,
          item: `out:${id}`,
          session: { none: '', own: session, other: this.session(want.to % WORKERS) }[want.session],
        };
      case 'dead':
        return { kind: 'dead', queue, lane, attempts: attempt, item: `${item}:buried:${id}` };
      default:
        return want.kind satisfies never;
    }
  }

  async compare(): Promise<void> {
    for (const partition of PARTITIONS) {
      const seen = await this.world.view(partition, CONVERSATIONS);
      expect(misplaced(seen)).toBeUndefined();
      expect(seen).toEqual(this.model.view(partition));
    }
  }

  async settleOrder(released: readonly LaneRef[]): Promise<void> {
    for (const partition of PARTITIONS) {
      const { ready } = await this.world.view(partition, CONVERSATIONS);
      for (const queue of QUEUES) {
        const lanes = released.filter((each) => each.partition === partition && each.queue === queue);
        const names = new Set(lanes.map(({ lane }) => lane));
        this.model.settleOrder({ partition, queue }, names, ready[queue] ?? []);
      }
    }
  }
}

// ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────

type Command = fc.AsyncCommand<History, History>;

/** One step; `run` does it on both sides and compares the answers. */
function command(name: string, run: (history: History) => Promise<void>): Command {
  return {
    check: () => true,
    toString: () => name,
    async run(history) {
      history.steps++;
      await run(history);
      await history.compare();
    },
  };
}

interface Wanted {
  readonly kind: ModelEffect['kind'];
  readonly to: number;
  readonly once: boolean;
  readonly session: 'none' | 'own' | 'other';
}

const worker = fc.nat(WORKERS - 1);
const partition = fc.constantFrom(...PARTITIONS);
const queue = fc.constantFrom(...QUEUES);
const conversation = fc.constantFrom(...CONVERSATIONS);
interface Pick {
  /** How many claims back, of those that fit. */
  readonly back: number;
  readonly which: 'live' | 'outdated' | 'any';
}

const pick = fc.record({
  back: fc.nat(5),
  which: fc.constantFrom('live', 'live', 'live', 'live', 'outdated', 'any'),
});
const mode = fc.constantFrom('more' as const, 'yield' as const);
const wanted: fc.Arbitrary<Wanted[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('entry', 'mail', 'out', 'dead'),
    to: fc.nat(5),
    once: fc.boolean(),
    session: fc.constantFrom('none', 'own', 'other'),
  }),
  { maxLength: 3 },
);

const post = fc
  .record({ conversation, id: fc.nat(400), worker, takeNow: fc.boolean() })
  .map(({ conversation, id, worker, takeNow }) =>
    command(`post ${id} to ${conversation}${takeNow ? `, take as ${worker}` : ''}`, async (history) => {
      const session = history.session(worker);
      const at = { partition: partitionOf(conversation), queue: 'm', lane: conversation };
      const expected = history.model.post(at, `item:${id}`, takeNow ? session : '');

      const posted = await history.world.post(conversation, `item:${id}`, session, takeNow);

      if (posted.kind !== 'taken' || expected.kind !== 'taken') expect(posted).toEqual(expected);
      else {
        expect(toModelClaim(posted.claim)).toEqual(expected.claim);
        history.claims.push(expected.claim);
      }
    }),
  );

const claim = fc
  .record({
    partition,
    queue,
    worker,
    count: fc.integer({ min: 1, max: 4 }),
    lost: fc.constantFrom(false, false, true),
  })
  .map(({ partition, queue, worker, count, lost }) =>
    command(
      `claim ${count} of ${queue} in ${partition} as ${worker}${lost ? ', reply lost' : ''}`,
      async (history) => {
        const session = history.session(worker);
        const expected = history.model.claim(partition, queue, session, count) ?? [];

        const claims = await history.world.claim(partition, queue, session, count);

        expect(claims.map(toModelClaim)).toEqual(expected);
        if (!lost) history.claims.push(...expected);
      },
    ),
  );

const commit = fc
  .record({ pick, mode, wanted, twice: fc.constantFrom(false, false, false, true) })
  .map(({ pick, mode, wanted, twice }) =>
    command(
      `commit, ${nameOf(pick)}, ${mode}, ${JSON.stringify(wanted)}${twice ? ', twice' : ''}`,
      async (history) => {
        const claim = history.pick(pick);
        if (!claim) return;
        const effects = history.effects(claim, wanted);

        for (let time = 0; time < (twice ? 2 : 1); time++) {
          const expected = history.model.commit(claim, effects, mode);
          const committed = await history.world.commit(claim, effects, mode);

          if (expected.kind === 'lost' || committed === 'lost') {
            expect({ claim, kind: committed === 'lost' ? 'lost' : 'kept' }).toEqual({
              claim,
              kind: expected.kind,
            });
            return;
          }
          const next = expected.kind === 'next' ? [expected.next] : [];
          expect(committed.next ? [toModelClaim(committed.next)] : []).toEqual(next);
          expect(committed.handed.map(toModelClaim)).toEqual(expected.handed);
          history.claims.push(...expected.handed, ...next);
        }
      },
    ),
  );

const retryLater = fc
  .record({
    pick,
    wanted,
    pause: fc.constantFrom('none' as const, 'parked' as const),
    counting: fc.constantFrom('counts' as const, 'free' as const),
  })
  .map(({ pick, wanted, pause, counting }) =>
    command(`retry later, ${nameOf(pick)}, ${pause}, ${counting}`, async (history) => {
      const claim = history.pick(pick);
      if (!claim) return;
      const effects = history.effects(claim, wanted);
      const expected = history.model.retryLater(claim, pause, counting, effects);

      expect(await history.world.retryLater(claim, pause, counting, effects)).toBe(expected);
    }),
  );

/** Somebody with the right fence and the wrong session: after lost writes a server may count a fence twice. */
const impersonate = fc.record({ pick, worker }).map(({ pick, worker }) =>
  command(`commit, ${nameOf(pick)}, under the session of ${worker}`, async (history) => {
    const claim = history.pick(pick);
    if (!claim || claim.session === history.session(worker)) return;
    const forged = { ...claim, session: history.session(worker) };

    expect(await history.world.commit(forged, [], 'yield')).toBe('lost');
    expect(await history.world.retryLater(forged, 'none', 'counts', [])).toBe(false);
  }),
);

const die = fc.record({ worker, noticed: fc.boolean() }).map(({ worker, noticed }) =>
  command(`worker ${worker} stops beating${noticed ? ' and is reaped' : ''}`, async (history) => {
    await history.world.expire(history.session(worker));
    history.model.expire(history.session(worker));
    if (noticed) await reap(history);
  }),
);

const beat = worker.map((worker) =>
  command(`worker ${worker} beats`, async (history) => {
    const session = history.session(worker);
    const expected = history.model.beat(session);

    expect(await history.world.beat(session)).toBe(expected);
    if (!expected) await history.openSession(worker);
  }),
);

const reapAll = fc.constant(command('reap', reap));

const reconcile = fc
  .record({ worker, queue, works: fc.subarray(CONVERSATIONS) })
  .map(({ worker, queue, works }) =>
    command(`worker ${worker} works on ${works.join(', ') || 'nothing'} of ${queue}`, async (history) => {
      const session = history.session(worker);
      const working = new Set(works);
      const released = history.model.reconcile(session, queue, working);

      expect(await history.world.reconcile(session, queue, working)).toBe(released.length);
      await history.settleOrder(released);
    }),
  );

const passTime = fc.record({ conversation, queue, look: fc.boolean() }).map(({ conversation, queue, look }) =>
  command(`the pause of ${queue} ${conversation} is over${look ? ', and seen' : ''}`, async (history) => {
    const at = { partition: partitionOf(conversation), queue, lane: conversation };
    if (history.model.makeDue(at)) await history.world.makeDue(at);
    if (look) expect(await history.world.unpark(at.partition)).toBe(history.model.unpark(at.partition));
  }),
);

const settleDead = fc
  .record({ partition, at: fc.nat(3), retry: fc.boolean() })
  .map(({ partition, at, retry }) =>
    command(`${retry ? 'requeue' : 'discard'} dead letter ${at} of ${partition}`, async (history) => {
      const expected = retry ? history.model.requeue(partition, at) : history.model.discard(partition, at);

      expect(await history.world.settleDead(partition, at, retry ? 'retry' : 'discard')).toBe(expected);
    }),
  );

const takeBell = fc.record({ partition, queue }).map(({ partition, queue }) =>
  command(`take the bell of ${queue} in ${partition}`, async (history) => {
    const expected = history.model.takeBell(partition, queue);

    expect(await history.world.takeBell(partition, queue)).toBe(expected);
  }),
);

function nameOf({ back, which }: Pick): string {
  return `${which} ${back}`;
}

async function reap(history: History): Promise<void> {
  const released = history.model.reap();

  expect(await history.world.reap()).toBe(released.length);
  await history.settleOrder(released);
}

// ── Properties ───────────────────────────────────────────────────────────────────────────────────────────────

describe('the keyed queue and its model', () => {
  it(
    'agree after every step of any history, and every accepted item is committed exactly once, in order',
    async () => {
      // Twice as likely: what moves items on.
      const commands = fc.commands(
        [
          post,
          post,
          claim,
          claim,
          commit,
          commit,
          commit,
          retryLater,
          impersonate,
          die,
          beat,
          reapAll,
          reconcile,
        ].concat([passTime, settleDead, takeBell]),
        { maxCommands: 120, size: 'max' },
      );
      await fc.assert(
        fc.asyncProperty(commands, async (steps) => {
          const history = await new History().begin();

          await fc.asyncModelRun(() => ({ model: history, real: history }), steps);
          await drain(history);

          expect(history.model.committed).toEqual(history.model.accepted);
        }),
        { numRuns: runs(30) },
      );
    },
    timeFor(60_000),
  );
});

/** Everybody dies, a new worker comes, and finishes everything. */
async function drain(history: History): Promise<void> {
  for (const worker of history.sessions.keys()) {
    await history.world.expire(history.session(worker));
    history.model.expire(history.session(worker));
  }
  await reap(history);
  await history.openSession(0);
  for (const { partition, queue, lane } of everyLane()) {
    const at = { partition, queue, lane };
    if (history.model.makeDue(at)) await history.world.makeDue(at);
  }
  for (const partition of PARTITIONS) {
    expect(await history.world.unpark(partition)).toBe(history.model.unpark(partition));
    for (const queue of QUEUES) await finish(history, partition, queue);
  }
  await history.compare();
}

async function finish(history: History, partition: number, queue: QueueName): Promise<void> {
  const session = history.session(0);
  const claims = await history.world.claim(partition, queue, session, 100);
  expect(claims.map(toModelClaim)).toEqual(history.model.claim(partition, queue, session, 100));
  for (const claim of claims) {
    let held: ModelClaim | undefined = toModelClaim(claim);
    while (held) {
      const expected = history.model.commit(held, [], 'more');
      const committed = await history.world.commit(held, [], 'more');
      expect(committed).not.toBe('lost');
      held = expected.kind === 'next' ? expected.next : undefined;
    }
  }
}

function everyLane(): LaneRef[] {
  return QUEUES.flatMap((queue) =>
    CONVERSATIONS.map((lane) => ({ partition: partitionOf(lane), queue, lane })),
  );
}

function conversationsOf(partitions: readonly number[], each: number): string[] {
  const names = Array.from({ length: 500 }, (_, index) => `test:c${index}`);
  return partitions.flatMap((partition) =>
    names.filter((name) => partitionOf(name) === partition).slice(0, each),
  );
}
