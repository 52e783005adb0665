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
  readonly written: string;
  readonly skill: Skill;
}

export function createKeywordMatcher(skills: readonly Skill[]): Matcher {
  const phrases = byFirstWord(skills.flatMap(phrasesOf));
  return (text) => {
    const words = wordsOf(text);
    const found = new Map<Skill, Set<Phrase>>();
    words.forEach((word, at) => {
      for (const phrase of phrases.get(word) ?? []) {
        if (!stands(phrase, words, at)) continue;
        found.set(phrase.skill, (found.get(phrase.skill) ?? new Set()).add(phrase));
      }
    });
    return [...found].map(toMatch).toSorted(byScore(({ source }) => SKILL_SOURCES[source]));
  };
}

function phrasesOf(skill: Skill): Phrase[] {
  const { head } = skill.reading;
  const named = new Map([...head.keywords, head.id].map((written) => [wordsOf(written).join(' '), written]));
  return [...named].flatMap(([words, written]) =>
    words === '' ? [] : [{ words: words.split(' '), written, skill }],
  );
}

function byFirstWord(phrases: readonly Phrase[]): ReadonlyMap<string, readonly Phrase[]> {
  const known = new Map<string, Phrase[]>();
  for (const phrase of phrases) {
    const [first = ''] = phrase.words;
    const beside = known.get(first);
    if (beside) beside.push(phrase);
    else known.set(first, [phrase]);
  }
  return known;
}

function stands({ words }: Phrase, text: readonly string[], at: number): boolean {
  return words.every((word, index) => text[at + index] === word);
}

function toMatch([skill, phrases]: [Skill, ReadonlySet<Phrase>]): Match {
  const score = [...phrases].reduce((sum, { words }) => sum + words.length, 0);
  return { skill, score, reasons: [...phrases].map(({ written }) => `keyword "${written}"`) };
}
