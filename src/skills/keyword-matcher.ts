/**
 * Finds a skill when one of its keywords, or its name, is in the text, as whole words: `hi` is not in "this". Each
 * keyword counts once, a phrase for as much as it has words. What a skill is found by is what its author wrote down,
 * and nothing else.
 */
import { byScore, type Match, type Matcher } from './matcher.ts';
import { SKILL_SOURCES, type Skill } from './skill.ts';
import { wordsOf } from './words.ts';

interface Phrase {
  readonly words: readonly string[];
  /** Where its rarest word is among them. */
  readonly rarest: number;
  readonly written: string;
  readonly skill: Skill;
}

export function createKeywordMatcher(skills: readonly Skill[]): Matcher {
  const phrases = byRarestWord(skills.flatMap(phrasesOf));
  return (text) => {
    const words = wordsOf(text);
    const found = new Map<Skill, Set<Phrase>>();
    words.forEach((word, at) => {
      for (const phrase of phrases.get(word) ?? []) {
        if (!stands(phrase, words, at - phrase.rarest)) continue;
        found.set(phrase.skill, (found.get(phrase.skill) ?? new Set()).add(phrase));
      }
    });
    return [...found].map(toMatch).toSorted(byScore(({ source }) => SKILL_SOURCES[source]));
  };
}

type Written = Omit<Phrase, 'rarest'>;

function phrasesOf(skill: Skill): Written[] {
  const { head } = skill.reading;
  const named = new Map([...head.keywords, head.id].map((written) => [wordsOf(written).join(' '), written]));
  return [...named].flatMap(([words, written]) =>
    words === '' ? [] : [{ words: words.split(' '), written, skill }],
  );
}

/** So that words that many skills share, in a phrase of each, lead to few of them. */
function byRarestWord(all: readonly Written[]): ReadonlyMap<string, readonly Phrase[]> {
  const counts = new Map<string, number>();
  for (const { words } of all) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const known = new Map<string, Phrase[]>();
  for (const written of all) {
    const rarest = rarestIn(written.words, counts);
    const word = written.words[rarest] ?? '';
    const beside = known.get(word) ?? [];
    known.set(word, beside);
    beside.push({ ...written, rarest });
  }
  return known;
}

/** The first of them, where several are as rare. */
function rarestIn(words: readonly string[], counts: ReadonlyMap<string, number>): number {
  const rarities = words.map((word) => counts.get(word) ?? 0);
  return rarities.indexOf(Math.min(...rarities));
}

/** @param from where in the text its first word would be */
function stands({ words }: Phrase, text: readonly string[], from: number): boolean {
  for (let index = 0; index < words.length; index++) if (text[from + index] !== words[index]) return false;
  return true;
}

function toMatch([skill, phrases]: [Skill, ReadonlySet<Phrase>]): Match {
  const score = [...phrases].reduce((sum, { words }) => sum + words.length, 0);
  return { skill, score, reasons: [...phrases].map(({ written }) => `keyword "${written}"`) };
}
