/**
 * Finds skills by everything their head says, weighed: keywords of one word most, then phrases and the name, then the
 * description; rare words count more than common ones (BM25, by MiniSearch). Forgives endings and typing errors.
 *
 * One word of a phrase or a description is a coincidence; a skill is found by a keyword, or by two words and more.
 */
import MiniSearch, { type SearchResult } from 'minisearch';
import { byScore, type Match, type Matcher } from './matcher.ts';
import { SKILL_SOURCES, type Skill } from './skill.ts';
import { wordsOf } from './words.ts';

const WEIGHTS = { keywords: 4, phrases: 2, description: 1 } as const;
/** Words of the text that are searched for, at most, the first of them. */
const MOST_WORDS = 60;
/** What is left of a word without its ending has so many letters at least. */
const SHORTEST_STEM = 4;
const ENDING = /(?:ings?|ed|es|s)$/;
/** From so many letters on a word may go on, and a word that no skill has may have one wrong letter. */
const LONG_ENOUGH = 5;
const MOST_ERRORS = 1;
/** What fits far less than the best is not meant. */
const LEAST_OF_BEST = 0.3;

/** Words that say nothing about what a text is about; others are told apart by how rare they are. */
const EMPTY_WORDS: ReadonlySet<string> = new Set(
  'a about all also an and any are as at be been but by can could do does for from get give go had has have he hello help her hey hi him his how i if in into is it its just let like make may me more my need no not now of on one or our out please she should so some tell than thank thanks that the their them then there these they this to today up us use used using want was we were what when where which who why will with would you your'.split(
    ' ',
  ),
);

export function createScoredMatcher(skills: readonly Skill[]): Matcher {
  const known = new Set<string>();
  const index = new MiniSearch({
    fields: Object.keys(WEIGHTS),
    tokenize: wordsOf,
    processTerm: (word) => (EMPTY_WORDS.has(word) ? null : stemOf(word)),
    searchOptions: {
      boost: WEIGHTS,
      prefix: (word) => word.length >= LONG_ENOUGH,
      fuzzy: (word) => (word.length >= LONG_ENOUGH && !known.has(word) ? MOST_ERRORS : false),
    },
  });
  const documents = skills.map(toDocument);
  index.addAll(documents);
  for (const { keywords, phrases, description } of documents) {
    for (const word of wordsOf(`${keywords} ${phrases} ${description}`)) known.add(stemOf(word));
  }
  return (text) => {
    const words = [...new Set(wordsOf(text))].filter((word) => !EMPTY_WORDS.has(word)).slice(0, MOST_WORDS);
    const results = index.search(words.join(' ')).filter(isMeant);
    const least = (results[0]?.score ?? 0) * LEAST_OF_BEST;
    return results
      .filter(({ score }) => score >= least)
      .flatMap((result) => toMatch(result, skills))
      .toSorted(byScore(({ source }) => SKILL_SOURCES[source]));
  };
}

/** Roughly: it is the same for what is looked for and what is looked in, and need not be right. */
function stemOf(word: string): string {
  const stem = word.replace(ENDING, '');
  return stem.length >= SHORTEST_STEM ? stem : word;
}

function toDocument({ reading: { head } }: Skill, id: number) {
  const written = [...head.keywords, head.id];
  const isOne = (keyword: string) => wordsOf(keyword).length === 1;
  return {
    id,
    keywords: written.filter(isOne).join(' '),
    phrases: written.filter((keyword) => !isOne(keyword)).join(' '),
    description: head.description,
  };
}

function isMeant({ match, queryTerms }: SearchResult): boolean {
  const fields = new Set(Object.values(match).flat());
  return fields.has('keywords') || new Set(queryTerms).size >= 2;
}

function toMatch({ id, score, match }: SearchResult, skills: readonly Skill[]): Match[] {
  const skill = skills[Number(id)];
  const reasons = Object.entries(match).map(([word, fields]) => `"${word}" in its ${fields.join(' and ')}`);
  return skill ? [{ skill, score: Math.round(score * 100) / 100, reasons }] : [];
}
