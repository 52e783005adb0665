import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchNotes } from '../../../src/memory/note-search.ts';
import type { Note } from '../../../src/memory/note-store.ts';
import { runs } from '../../support/property-runs.ts';

const note = (name: string, text: string, atMs: number): Note => ({ name, text, version: 1, atMs });

const NOTES = [
  note('drinks', 'Green tea', 1),
  note('food', 'green apples', 2),
  note('travel', "Doesn't fly on Fridays; e-mail: alex@example.com (why?)", 3),
  note('都市', '東京に住んでいる', 4),
];

const found = (wish: string) => searchNotes(NOTES, wish).map(({ name }) => name);

describe('a search in notes', () => {
  it('finds by all of the words, in any case, wherever they stand, the newest of equals first', () => {
    expect(found('GREEN')).toEqual(['food', 'drinks']);
    expect(found('tea drinks')).toEqual(['drinks']);
    expect(found('coffee')).toEqual([]);
    expect(found('green coffee')).toEqual([]);
    expect(found('  ')).toHaveLength(4);
  });

  it('finds the beginning of a word, one with a wrong letter, and parts of what has no spaces', () => {
    expect(found('app')).toEqual(['food']);
    expect(found('aples')).toEqual(['food']);
    expect(found('東京')).toEqual(['都市']);
  });

  it('finds what is quoted only as it stands', () => {
    expect(found('"green tea"')).toEqual(['drinks']);
    expect(found('"tea green"')).toEqual([]);
    expect(found('"green" apples')).toEqual(['food']);
  });

  it.each(["doesn't", 'alex@example.com', 'e-mail', 'why?', 'fly -apples', 'fly OR apples', '(fly'])(
    'C-50 takes every character for what it is: %s',
    (wish) => {
      expect(() => found(wish)).not.toThrow();
      if (!/apples/.test(wish)) expect(found(wish)).toContain('travel');
    },
  );

  it('looks for a word once, however often it is written', () => {
    const words = Array.from({ length: 500 * 200 }, (_, n) => `w${n.toString(36)}`);
    const many = Array.from({ length: 500 }, (_, n) =>
      note(`n${n}`, words.slice(n * 200, (n + 1) * 200).join(' '), n),
    );
    const before = process.cpuUsage();

    expect(searchNotes(many, 'w '.repeat(100))).toHaveLength(500);

    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(5_000);
  });

  it('C-50 never fails, and finds every note by its own words', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (wish) => {
        expect(searchNotes(NOTES, wish).every((each) => NOTES.includes(each))).toBe(true);
      }),
      { numRuns: runs(300) },
    );
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{3,12}$/), { minLength: 1, maxLength: 6 }), (words) => {
        const own = note('own', words.join(' '), 9);
        expect(searchNotes([...NOTES, own], words.toReversed().join(' '))).toContain(own);
      }),
      { numRuns: runs(100) },
    );
  });
});
