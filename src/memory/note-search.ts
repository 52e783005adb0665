/**
 * Finds notes by words. What is asked for is words and nothing else: no character of it is an operator. Pure.
 *
 *   coffee berlin     both words, also as the beginning of a longer one, or misspelled by a letter
 *   "green tea"       just so, as it stands there
 */
import MiniSearch from 'minisearch';
import type { Note } from './note-store.ts';

/** Letters for which one may be wrong, as a share of the word. */
const FUZZY = 0.2;
/** Words shorter than this have to be right. */
const FUZZY_FROM = 5;
/** Words that are looked for, at most, the first of them: each is looked for among all that begin with it. */
const MOST_WORDS = 20;

/** The best first, and of equals the newest; all of them, the newest first, where no word is asked for. */
export function searchNotes(notes: readonly Note[], wish: string): Note[] {
  const newest = notes.toSorted((a, b) => b.atMs - a.atMs);
  const { words, phrases } = readWish(wish);
  if (words === '' && phrases.length === 0) return newest;
  const fitting = newest.filter((note) => phrases.every((phrase) => contains(note, phrase)));
  return words === '' ? fitting : byWords(fitting, words);
}

function byWords(notes: readonly Note[], words: string): Note[] {
  const index = new MiniSearch<{ id: number; name: string; text: string }>({
    fields: ['name', 'text'],
    searchOptions: {
      combineWith: 'AND',
      prefix: true,
      fuzzy: (term) => (term.length >= FUZZY_FROM ? FUZZY : false),
      // Long notes are no worse than short ones.
      bm25: { k: 1.2, b: 0, d: 0.5 },
    },
  });
  index.addAll(notes.map(({ name, text }, id) => ({ id, name, text })));
  const tokens: readonly string[] = MiniSearch.getDefault('tokenize')(words);
  const wanted = new Set(tokens.map((word) => word.toLowerCase()));
  const found = index
    .search([...wanted].slice(0, MOST_WORDS).join(' '))
    .toSorted((a, b) => b.score - a.score || Number(a.id) - Number(b.id));
  const ids = new Set(found.map(({ id }) => Number(id)));
  // Scripts without spaces between words are one word to the index.
  const parts = [...new Set(words.toLowerCase().split(/\s+/u).filter(Boolean))];
  const literal = notes.flatMap((note, id) =>
    !ids.has(id) && parts.every((part) => contains(note, part)) ? [note] : [],
  );
  return [...found.flatMap(({ id }) => notes[Number(id)] ?? []), ...literal];
}

function readWish(wish: string): { words: string; phrases: readonly string[] } {
  const phrases = [...wish.matchAll(/["“„]([^"”“]+)["”“]/gu)].map(([, phrase = '']) => phrase.trim());
  const words = wish.replaceAll(/["“„][^"”“]+["”“]/gu, ' ').replaceAll(/["“”„]/gu, ' ');
  return { words: words.trim(), phrases: phrases.filter(Boolean) };
}

function contains({ name, text }: Note, part: string): boolean {
  return `${name} ${text}`.toLowerCase().includes(part.toLowerCase());
}
