/** The ways of matching that `skills.matcher` of settings.yaml can choose from. */
import type { MatcherName } from '../config/skills.ts';
import { createKeywordMatcher } from './keyword-matcher.ts';
import type { Matcher } from './matcher.ts';
import { createScoredMatcher } from './scored-matcher.ts';
import type { Skill } from './skill.ts';

const MATCHERS: Readonly<Record<MatcherName, (skills: readonly Skill[]) => Matcher>> = {
  keyword: createKeywordMatcher,
  scored: createScoredMatcher,
};

export function createMatcher(name: MatcherName, skills: readonly Skill[]): Matcher {
  return MATCHERS[name](skills);
}
