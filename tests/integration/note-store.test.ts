import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConflictError } from '../../src/domain/errors.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { Tool } from '../../src/domain/tool.ts';
import { NoteStore } from '../../src/memory/note-store.ts';
import { createNoteTools } from '../../src/memory/note-tools.ts';
import { ManualClock, openStore } from '../support/core.ts';
import { runs } from '../support/property-runs.ts';

const OWNER = 'person:alex';

async function openNotes(): Promise<NoteStore> {
  const { redis, keys } = await openStore();
  return new NoteStore(redis, keys);
}

const write = (notes: NoteStore, name: string, text: string | undefined, over: number | undefined) =>
  notes.write(OWNER, [{ name, text, over }], 1);

describe('notes', () => {
  it('OM-102 are created, read, updated and removed, each change a new version', async () => {
    const notes = await openNotes();

    expect(await write(notes, 'tea', 'green', 0)).toEqual([
      { name: 'tea', text: 'green', version: 1, atMs: 1 },
    ]);
    expect(await write(notes, 'tea', 'black', 1)).toMatchObject([{ version: 2 }]);
    expect(await notes.find(OWNER, 'tea')).toEqual({
      name: 'tea',
      text: 'black',
      version: 2,
      rule: 'as-seen',
      atMs: 1,
    });
    expect(await write(notes, 'tea', undefined, 2)).toEqual([]);
    expect(await notes.find(OWNER, 'tea')).toBeUndefined();
    expect(await notes.list(OWNER)).toEqual([]);
  });

  it('OM-102 tell the second of two writers of one version what the version is now', async () => {
    const notes = await openNotes();
    await write(notes, 'tea', 'green', 0);

    const results = await Promise.allSettled([
      write(notes, 'tea', 'black', 1),
      write(notes, 'tea', 'white', 1),
    ]);

    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = results.find((result) => result.status === 'rejected')?.reason;
    expect(refused).toBeInstanceOf(ConflictError);
    expect(refused).toMatchObject({ code: 'CONFLICT', current: 2 });
    expect((await notes.find(OWNER, 'tea'))?.version).toBe(2);
  });

  it('OM-102 refuse to be created twice', async () => {
    const notes = await openNotes();
    await write(notes, 'tea', 'green', 0);

    await expect(write(notes, 'tea', 'black', 0)).rejects.toMatchObject({ current: 1 });
  });

  it('OM-101 that are written together are all written, or none', async () => {
    const notes = await openNotes();
    await write(notes, 'two', 'before', 0);
    const both = (over: number) =>
      notes.write(
        OWNER,
        [
          { name: 'one', text: 'new', over: 0 },
          { name: 'two', text: 'new', over },
        ],
        2,
      );

    await expect(both(7)).rejects.toThrow(ConflictError);
    expect(await notes.find(OWNER, 'one')).toBeUndefined();
    expect(await notes.find(OWNER, 'two')).toMatchObject({ text: 'before', version: 1 });

    await both(1);
    expect((await notes.list(OWNER)).map(({ name, version }) => [name, version]).toSorted()).toEqual([
      ['one', 1],
      ['two', 2],
    ]);
  });

  it('count every change, also those that overwrite whatever is there, all at once', async () => {
    const notes = await openNotes();

    const written = await Promise.all(
      Array.from({ length: 20 }, (_, n) => write(notes, 'tea', `cup ${n}`, undefined)),
    );

    expect(
      written
        .flat()
        .map(({ version }) => version)
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect((await notes.find(OWNER, 'tea'))?.version).toBe(20);
  });

  it('OM-103 of two gateways that write at once are the same for both, and say that the last write counts', async () => {
    const { url, redis, keys } = await openStore();
    const other = await openStore({ url, prefix: keys.prefix });
    const gateways = [new NoteStore(redis, keys), new NoteStore(other.redis, other.keys)];
    const texts = ['green', 'black'];

    const written = await Promise.all(gateways.map((notes, n) => write(notes, 'tea', texts[n], undefined)));
    const [here, there] = await Promise.all(gateways.map((notes) => notes.find(OWNER, 'tea')));

    const last = written.findIndex(([note]) => note?.version === 2);
    expect(here).toEqual({ name: 'tea', text: texts[last], version: 2, rule: 'last-write', atMs: 1 });
    expect(there).toEqual(here);
    await write(gateways[0]!, 'tea', 'none', 2);
    expect(await gateways[1]?.find(OWNER, 'tea')).toMatchObject({ version: 3, rule: 'as-seen' });
  });

  it('keep any text as it is', async () => {
    const notes = await openNotes();
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        async (name, text) => {
          await write(notes, name, text, undefined);
          expect(await notes.find(OWNER, name)).toMatchObject({ name, text });
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it('are found by all of the words asked for, the newest first', async () => {
    const notes = await openNotes();
    await notes.write(OWNER, [{ name: 'drinks', text: 'Green tea', over: 0 }], 1);
    await notes.write(OWNER, [{ name: 'food', text: 'green apples', over: 0 }], 2);

    expect((await notes.search(OWNER, 'GREEN')).map(({ name }) => name)).toEqual(['food', 'drinks']);
    expect((await notes.search(OWNER, 'tea drinks')).map(({ name }) => name)).toEqual(['drinks']);
    expect(await notes.search(OWNER, 'coffee')).toEqual([]);
    expect(await notes.search(OWNER, '  ')).toHaveLength(2);
  });
});

describe('the note tools', () => {
  async function openTools() {
    const clock = new ManualClock();
    const [remember, recall] = createNoteTools(await openNotes(), clock) as [Tool, Tool];
    const as = (person: string) => ({
      idempotencyKey: 'key',
      conversationId: ConversationId.parse('slack:T0:C0:1'),
      requester: PersonId.parse(person),
      signal: new AbortController().signal,
    });
    return { remember, recall, as, clock };
  }

  it('keep what one person said from every other', async () => {
    const { remember, recall, as } = await openTools();
    await remember.execute({ text: 'My PIN hint is the cat.' }, as('alex'));

    expect(await recall.execute({ words: '' }, as('alex'))).toEqual({
      status: 'ok',
      text: '- My PIN hint is the cat.',
    });
    expect(await recall.execute({ words: '' }, as('dana'))).toEqual({
      status: 'ok',
      text: 'There is no such note.',
    });
  });

  it('do the same again without a second note, and replace a note of the same topic', async () => {
    const { remember, recall, as } = await openTools();
    await remember.execute({ text: 'Tea.' }, as('alex'));
    await remember.execute({ text: 'Tea.' }, as('alex'));
    await remember.execute({ text: 'Berlin', topic: 'city' }, as('alex'));
    await remember.execute({ text: 'Paris', topic: 'city' }, as('alex'));

    const { text } = await recall.execute({ words: '' }, as('alex'));

    expect(text.split('\n').toSorted()).toEqual(['- Paris', '- Tea.']);
  });

  it('say how many notes they left out', async () => {
    const { remember, recall, as, clock } = await openTools();
    for (let n = 0; n < 23; n++) {
      clock.advance(1);
      await remember.execute({ text: `note ${n}` }, as('alex'));
    }

    const lines = (await recall.execute({ words: '' }, as('alex'))).text.split('\n');

    expect(lines).toHaveLength(21);
    expect([lines[0], lines.at(-1)]).toEqual(['- note 22', '(and 3 more)']);
  });

  it('refuse what is too long, and what is no text', async () => {
    const { remember } = await openTools();

    expect(remember.input.safeParse({ text: 'x'.repeat(2_001) }).success).toBe(false);
    expect(remember.input.safeParse({ text: '' }).success).toBe(false);
    expect(remember.input.safeParse({ text: ['x'] }).success).toBe(false);
  });
});
