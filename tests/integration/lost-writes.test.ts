/** A process stands still while the store loses its last writes, and gives their revisions a second time. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GrantStore } from '../../src/approvals/grant-store.ts';
import { ControlStore } from '../../src/control/control-store.ts';
import { handBack, takeOver } from '../../src/domain/control.ts';
import { ControlMovedError } from '../../src/domain/errors.ts';
import { type Grant, use } from '../../src/domain/grant.ts';
import { AccountId, ApprovalId, ConversationId, PersonId } from '../../src/domain/ids.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { RecordStore } from '../../src/redis/record-store.ts';
import { ALEX, DANA, SLACK } from '../support/approvals.ts';
import { ManualClock, openStore, type Store } from '../support/core.ts';

const TALK = ConversationId.parse('slack:T:C:1');
const KEEP_MS = 3_600_000;
const PARTITION = 3;

const Story = z.object({ rev: z.int(), words: z.array(z.string()) });
type Story = z.infer<typeof Story>;

function storiesOf({ redis, keys }: Store, writer: EffectWriter): RecordStore<Story> {
  return new RecordStore<Story>(redis, keys, writer, {
    family: 'sag',
    parse: (document) => Story.parse(document),
    partitionOf: () => PARTITION,
    dueOf: () => undefined,
    keepMs: () => undefined,
  });
}

const says = (word: string) => (story: Story | undefined) => ({
  result: word,
  next: { rev: (story?.rev ?? 0) + 1, words: [...(story?.words ?? []), word] },
});

const GRANT = 'gr_0000000001';

function approvalId(n: number): ApprovalId {
  return ApprovalId.parse(`apr_p0_${String(n).padStart(12, '0')}`);
}

function aGrant(atMs: number): Grant {
  return {
    id: GRANT,
    rev: 1,
    tool: 'refund',
    version: 1,
    requester: ALEX,
    scope: { kind: 'tool' },
    approvers: { person: DANA },
    by: { person: DANA, name: 'Dana', account: AccountId.parse('slack:T0/U0DANA') },
    via: SLACK,
    given: approvalId(0),
    atMs,
    untilMs: atMs + KEEP_MS,
    times: 5,
    sum: { argument: 'amount', most: 100 },
    uses: [],
  };
}

function aCall(amount: number) {
  const approvers = { person: DANA };
  return {
    tool: 'refund',
    version: 1,
    args: { amount },
    requester: ALEX,
    risk: 'low' as const,
    reversible: true,
    approvers,
  };
}

/** Puts a key back to what it was. */
async function lose({ redis }: Store, key: string, to: string | null): Promise<void> {
  await (to === null ? redis.del(key) : redis.set(key, to));
}

describe('a process that stood still over lost writes', () => {
  it('E1 decides anew on a record that has the revision it knows, and says something else', async () => {
    const store = await openStore();
    const writer = new EffectWriter(store.redis, store.keys);
    const stories = storiesOf(store, writer);
    const id = randomUUID();
    const key = store.keys.record(PARTITION, 'sag', id);
    await stories.apply(id, says('kept'));
    const kept = await store.redis.get(key);
    await stories.apply(id, says('lost'));
    let times = 0;
    const standing = new (class extends EffectWriter {
      override async writeIn(...args: Parameters<EffectWriter['writeIn']>): Promise<boolean> {
        if (times++ === 0) {
          await lose(store, key, kept);
          await stories.apply(id, says('instead'));
        }
        return writer.writeIn(...args);
      }
    })(store.redis, store.keys);

    await storiesOf(store, standing).apply(id, says('last'));

    expect(await stories.find(id)).toEqual({ rev: 3, words: ['kept', 'instead', 'last'] });
    expect(times).toBe(2);
  });

  it('C1 C2 writes neither words nor a change under an epoch that was given to somebody else', async () => {
    const store = await openStore();
    const writer = new EffectWriter(store.redis, store.keys);
    const controls = new ControlStore(store.redis, store.keys, writer, () => KEEP_MS);
    const by = (name: string) => ({ person: PersonId.parse(name), name });
    const take = (name: string) =>
      controls.apply(TALK, (control, nowMs) =>
        takeOver(control, { by: by(name), permitted: true, idleMs: KEEP_MS }, nowMs),
      );
    await take('dana');
    const seen = await controls.read(TALK);
    const back = handBack(seen.control, { by: by('dana'), permitted: true }, seen.nowMs).moved!;
    await lose(store, store.keys.control(TALK), null);
    await take('oskar');

    const change = await controls.effectsOf(seen.control, back, seen.nowMs);
    await expect(writer.write(TALK, change)).rejects.toBeInstanceOf(ControlMovedError);
    await expect(writer.write(TALK, [controls.guardOf(seen.control)])).rejects.toBeInstanceOf(
      ControlMovedError,
    );

    expect(await controls.find(TALK)).toMatchObject({ state: 'HUMAN', owner: by('oskar'), epoch: 1, rev: 1 });
    expect(await writer.write(TALK, [controls.guardOf(await controls.find(TALK))])).toBe(true);
  });

  it('A17 loses no use of a standing yes', async () => {
    const store = await openStore();
    const clock = new ManualClock();
    const grants = new GrantStore(store.redis, store.keys, clock);
    const hash = store.keys.grants(0);
    await grants.give(aGrant(clock.now()));
    const kept = (await store.redis.hget(hash, GRANT)) ?? '';
    const used = (amount: number, at: GrantStore = grants) =>
      at.apply(GRANT, 'grant.used', 'system', (grant) =>
        use(grant, approvalId(amount), aCall(amount), clock.now()),
      );
    await used(10);
    let times = 0;
    const standing = new Proxy(store.redis, {
      get: (redis, name) => {
        const found: unknown = Reflect.get(redis, name, redis);
        if (typeof found !== 'function') return found;
        return async (...args: unknown[]): Promise<unknown> => {
          if (name === 'evalsha' && times++ === 0) {
            await redis.hset(hash, GRANT, kept);
            await used(20);
          }
          return Reflect.apply(found, redis, args);
        };
      },
    });

    await used(30, new GrantStore(standing, store.keys, clock));

    expect((await grants.find(GRANT))?.uses.map(({ amount }) => amount)).toEqual([20, 30]);
  });

  it('takes a control for what was read only where it was read', async () => {
    const store = await openStore();
    const controls = new ControlStore(
      store.redis,
      store.keys,
      new EffectWriter(store.redis, store.keys),
      () => 1,
    );

    expect(() =>
      controls.guardOf({ conversationId: TALK, rev: 0, epoch: 0, sinceMs: 0, state: 'BOT' }),
    ).toThrow(/was not read here/);
  });
});
