/** What every store of memory keeps to. */
import { describe, expect, it } from 'vitest';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { MemoryStore } from '../../src/memory/memory-store.ts';
import { Note } from '../../src/memory/note-store.ts';
import { Profile, Summary } from '../../src/memory/records.ts';

export interface MemoryFixture {
  readonly memory: MemoryStore;
  /** Events of the audit that were written with it, in order. */
  audited(): Promise<readonly string[]>;
}

const HERE = ConversationId.parse('slack:T0:C0:1');
const THERE = ConversationId.parse('slack:T0:C0:2');
const ALEX = PersonId.parse('alex');
const DANA = PersonId.parse('dana');

const draft = (text: string) => ({ text, through: 'name-of-an-entry', length: 12 });
const event = (name: string) => ({ event: name, actor: 'agent', subject: 's', correlation: 'c' });
const seen = { conversationId: HERE, name: 'name-of-a-message' };

export function describeMemory(name: string, open: () => Promise<MemoryFixture>): void {
  describe(`${name}, as a store of memory`, () => {
    it('OM-087 OB-047 replaces a summary by the next, text and place together, over the revision that was seen', async () => {
      const { memory, audited } = await open();

      const first = await memory.keepSummary(HERE, draft('Refunds.'), 0, event('memory.summarised'));
      const second = await memory.keepSummary(
        HERE,
        { text: 'Refunds, order 7.', through: 'next', length: 30, strangers: ['a page'] },
        1,
      );

      expect([first, second]).toEqual(['written', 'written']);
      expect(await memory.summaryOf(HERE)).toMatchObject({
        conversationId: HERE,
        rev: 2,
        text: 'Refunds, order 7.',
        through: 'next',
        length: 30,
        strangers: ['a page'],
      });
      expect(await memory.summaryOf(THERE)).toBeUndefined();
      expect(await audited()).toEqual(['memory.summarised']);
    });

    it('OM-087 lets one of two writers of one revision win, and tells the other', async () => {
      const { memory } = await open();
      await memory.keepSummary(HERE, draft('One.'), 0);

      const results = await Promise.all([
        memory.keepSummary(HERE, draft('Two.'), 1),
        memory.keepSummary(HERE, draft('Three.'), 1),
      ]);

      expect(results.toSorted()).toEqual(['moved', 'written']);
      expect(await memory.summaryOf(HERE)).toMatchObject({ rev: 2 });
    });

    it('C-44 writes no empty text over one that is there', async () => {
      const { memory } = await open();
      await memory.keepSummary(HERE, draft('Refunds.'), 0);
      await memory.setConsent(ALEX, true);
      await memory.keepProfile(ALEX, { text: 'Likes tea.' }, 1);

      expect(await memory.keepSummary(HERE, draft('  \n'), 1)).toBe('moved');
      expect(await memory.keepProfile(ALEX, { text: '' }, 2)).toBe('moved');
      expect(await memory.summaryOf(HERE)).toMatchObject({ text: 'Refunds.', rev: 1 });
      expect(await memory.profileOf(ALEX)).toMatchObject({ text: 'Likes tea.', rev: 2 });
    });

    it('OM-194 knows nothing of a person who has not agreed, and forgets with their consent what it knew', async () => {
      const { memory, audited } = await open();

      expect(await memory.keepProfile(ALEX, { text: 'Likes tea.' }, 0)).toBe('moved');
      expect(await memory.profileOf(ALEX)).toBeUndefined();

      expect(await memory.setConsent(ALEX, true, event('memory.consent-given'))).toBe(true);
      expect(await memory.keepProfile(ALEX, { text: 'Likes tea.', seen }, 1)).toBe('written');
      expect(await memory.profileOf(ALEX)).toMatchObject({
        text: 'Likes tea.',
        seen: { [HERE]: 'name-of-a-message' },
      });

      expect(await memory.setConsent(ALEX, false, event('memory.consent-withdrawn'))).toBe(true);
      const left = await memory.profileOf(ALEX);
      expect(left).toMatchObject({ consent: { given: false }, seen: {} });
      expect(left).not.toHaveProperty('text');
      expect(await memory.keepProfile(ALEX, { text: 'Likes tea.' }, left!.rev)).toBe('moved');
      expect(await audited()).toEqual(['memory.consent-given', 'memory.consent-withdrawn']);
    });

    it('says that nothing changed when the wish is what it was', async () => {
      const { memory } = await open();

      expect(await memory.setConsent(ALEX, false)).toBe(false);
      expect(await memory.setConsent(ALEX, true)).toBe(true);
      expect(await memory.setConsent(ALEX, true)).toBe(false);
    });

    it('OB-032 C-45 keeps conversations and people apart, each under its own name', async () => {
      const { memory } = await open();
      for (const person of [ALEX, DANA]) await memory.setConsent(person, true);
      await memory.keepProfile(ALEX, { text: 'Alex.' }, 1);
      await memory.keepProfile(DANA, { text: 'Dana.' }, 1);
      await memory.keepSummary(HERE, draft('Here.'), 0);
      await memory.keepSummary(THERE, draft('There.'), 0);
      await memory.keepSummary(HERE, draft('Another topic.'), 1);

      expect((await memory.profileOf(ALEX))?.text).toBe('Alex.');
      expect((await memory.profileOf(DANA))?.text).toBe('Dana.');
      expect((await memory.summaryOf(HERE))?.text).toBe('Another topic.');
      expect((await memory.summaryOf(THERE))?.text).toBe('There.');
    });

    it('drops a summary and a profile once, and begins anew after that', async () => {
      const { memory } = await open();
      await memory.keepSummary(HERE, draft('Here.'), 0);
      await memory.setConsent(ALEX, true);

      expect([await memory.dropSummary(HERE), await memory.dropProfile(ALEX)]).toEqual([true, true]);
      await expect.poll(() => memory.summaryOf(HERE), { timeout: 10_000 }).toBeUndefined();
      await expect.poll(() => memory.profileOf(ALEX), { timeout: 10_000 }).toBeUndefined();
      expect([await memory.dropSummary(HERE), await memory.dropProfile(ALEX)]).toEqual([false, false]);
      const { summary, rev } = await memory.latestSummary(HERE);
      expect(summary).toBeUndefined();
      expect(await memory.keepSummary(HERE, draft('Anew.'), rev)).toBe('written');
      expect(await memory.setConsent(ALEX, true)).toBe(true);
    });

    it('OM-193 keeps nothing that was begun before it was dropped, whether there was one before or not', async () => {
      const { memory } = await open();
      const first = await memory.latestSummary(HERE);
      await memory.dropSummary(HERE);
      await memory.keepSummary(THERE, draft('There.'), 0);
      const next = await memory.latestSummary(THERE);
      await memory.dropSummary(THERE);
      await memory.setConsent(ALEX, true);
      const { rev } = (await memory.profileOf(ALEX))!;
      await memory.dropProfile(ALEX);
      await memory.setConsent(ALEX, true);

      expect(await memory.keepSummary(HERE, draft('Of their words.'), first.rev)).toBe('moved');
      expect(await memory.keepSummary(THERE, draft('Of their words.'), next.rev)).toBe('moved');
      expect(await memory.keepProfile(ALEX, { text: 'Of their words.' }, rev)).toBe('moved');
      expect([await memory.summaryOf(HERE), await memory.summaryOf(THERE)]).toEqual([undefined, undefined]);
      expect(await memory.profileOf(ALEX)).not.toHaveProperty('text');
    });

    it('OM-193 stores these fields and no other', async () => {
      const { memory } = await open();
      await memory.keepSummary(HERE, { ...draft('Here.'), strangers: ['a page'], people: [ALEX] }, 0);
      await memory.setConsent(ALEX, true);
      await memory.keepProfile(ALEX, { text: 'Alex.', seen }, 1);
      await memory.notes.write(
        'team',
        [{ name: 'a', text: 'b', over: undefined, by: ALEX, isStrangers: true }],
        1,
      );

      const fields = async (stored: Promise<object | undefined>) =>
        Object.keys((await stored) ?? {}).toSorted();
      expect(await fields(memory.summaryOf(HERE))).toEqual(Object.keys(Summary.shape).toSorted());
      expect(await fields(memory.profileOf(ALEX))).toEqual(Object.keys(Profile.shape).toSorted());
      expect(await fields(memory.notes.find('team', 'a'))).toEqual(Object.keys(Note.shape).toSorted());
      expect(Object.keys(Summary.shape)).toEqual([
        'conversationId',
        'rev',
        'text',
        'through',
        'length',
        'strangers',
        'people',
        'atMs',
      ]);
      expect(Object.keys(Profile.shape)).toEqual(['person', 'rev', 'consent', 'text', 'seen', 'atMs']);
      expect(Object.keys(Note.shape)).toEqual([
        'name',
        'text',
        'version',
        'rule',
        'by',
        'isStrangers',
        'atMs',
      ]);
    });

    it('OM-087 OM-030 keeps notes by owner, the newest first, each change a new version', async () => {
      const { memory } = await open();
      const { notes } = memory;
      await notes.write('person:alex', [{ name: 'tea', text: 'green', over: 0 }], 1);
      await notes.write('person:alex', [{ name: 'city', text: 'Berlin', over: undefined }], 2);
      await notes.write('person:alex', [{ name: 'tea', text: 'black', over: undefined }], 3);

      expect(await notes.list('person:alex')).toMatchObject([
        { name: 'tea', text: 'black', version: 2, rule: 'last-write' },
        { name: 'city', version: 1, rule: 'as-seen' },
      ]);
      expect(await notes.list('person:dana')).toEqual([]);
      await expect(
        notes.write('person:alex', [{ name: 'tea', text: 'x', over: 1 }], 4),
      ).rejects.toMatchObject({
        code: 'CONFLICT',
        current: 2,
      });
    });
  });
}
