/** A process stands still while the store loses its last writes, and gives their revisions a second time. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ControlStore } from '../../src/control/control-store.ts';
import { handBack, takeOver } from '../../src/domain/control.ts';
import { ControlMovedError } from '../../src/domain/errors.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { RecordStore } from '../../src/redis/record-store.ts';
import { openStore, type Store } from '../support/core.ts';

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
