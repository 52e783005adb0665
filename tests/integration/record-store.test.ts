/** Records that wait for their time: the places they have in the list of what is due. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { type Flaw, RecordStore } from '../../src/redis/record-store.ts';
import { openStore, type Store } from '../support/core.ts';

const PARTITION = 3;
const MINUTE = 60_000;

const Task = z.object({ id: z.string(), rev: z.int(), dueMs: z.int() });
type Task = z.infer<typeof Task>;

interface Tasks {
  readonly store: Store;
  readonly records: RecordStore<Task>;
  readonly id: string;
}

/** One task that is due in so many ms. */
async function aTask(inMs: number): Promise<Tasks> {
  const store = await openStore();
  const records = new RecordStore<Task>(store.redis, store.keys, new EffectWriter(store.redis, store.keys), {
    family: 'sag',
    parse: (document) => Task.parse(document),
    partitionOf: () => PARTITION,
    dueOf: ({ dueMs }) => dueMs,
    keepMs: () => undefined,
  });
  const id = randomUUID();
  const tasks = { store, records, id };
  await dueIn(tasks, inMs);
  return tasks;
}

/** It is moved on: its time is another one. */
async function dueIn({ records, id }: Tasks, ms: number): Promise<void> {
  await records.apply(id, (task, nowMs) => ({
    result: undefined,
    next: { id, rev: (task?.rev ?? 0) + 1, dueMs: nowMs + ms },
  }));
}

async function placeOf({ store, id }: Tasks): Promise<number> {
  return Number(await store.redis.zscore(store.keys.recordTimers(PARTITION, 'sag'), id));
}

async function flawsOf({ records, id }: Tasks): Promise<Flaw<Task>['kind'][]> {
  const kinds: Flaw<Task>['kind'][] = [];
  for await (const flaw of records.prove()) if (flaw.id === id) kinds.push(flaw.kind);
  return kinds;
}

describe('a record whose time has come, and that could not be moved on', () => {
  it('is looked at again after a while', async () => {
    const tasks = await aTask(-1);
    const { nowMs } = await tasks.records.read(tasks.id);

    await tasks.records.postpone(tasks.id, nowMs + MINUTE);

    expect(await placeOf(tasks)).toBe(nowMs + MINUTE);
  });

  it('E6 stays where another process has moved it on to meanwhile', async () => {
    const tasks = await aTask(-1);
    const { nowMs } = await tasks.records.due(PARTITION, 10);
    await dueIn(tasks, 60 * MINUTE);
    const movedTo = await placeOf(tasks);

    await tasks.records.postpone(tasks.id, nowMs + MINUTE);

    expect(await placeOf(tasks)).toBe(movedTo);
  });
});

describe('what is looked for among all that wait', () => {
  it('is found, however many others are due before', async () => {
    const wanted = await aTask(60 * MINUTE);
    for (let n = 0; n < 25; n++) await dueIn({ ...wanted, id: randomUUID() }, n * MINUTE);

    const found = await wanted.records.live(2, ({ id }) => id === wanted.id);

    expect(found.map(({ id }) => id)).toEqual([wanted.id]);
    expect(await wanted.records.live(2)).toHaveLength(2);
  });
});

describe('a place in the list', () => {
  it('E6 that is too early, so that the record is looked at in vain, is put right', async () => {
    const tasks = await aTask(60 * MINUTE);
    const right = await placeOf(tasks);
    await tasks.store.redis.zadd(
      tasks.store.keys.recordTimers(PARTITION, 'sag'),
      right - 120 * MINUTE,
      tasks.id,
    );

    expect(await flawsOf(tasks)).toEqual(['lost']);
    expect(await placeOf(tasks)).toBe(right);
    expect(await flawsOf(tasks)).toEqual([]);
  });

  it('whose time has long come, and that nothing moves on, is named and left alone', async () => {
    const tasks = await aTask(-10 * MINUTE);
    const before = await placeOf(tasks);

    expect(await flawsOf(tasks)).toEqual(['stuck']);
    expect(await placeOf(tasks)).toBe(before);
  });
});
