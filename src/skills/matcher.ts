/** The port every way of matching skills plugs into. Another one: a file beside these, and a line in `matchers.ts`. */
import type { Skill } from './skill.ts';

export interface Match {
  readonly skill: Skill;
  /** Comparable between matches of one text, higher is better. */
  readonly score: number;
  /** What of the text led to it, for people. */
  readonly reasons: readonly string[];
}

/** Best first; the same text and skills give the same result. */
export type Matcher = (text: string) => readonly Match[];

/** Of two that fit alike, the one whose source counts more, then by name. */
export function byScore(rank: (skill: Skill) => number): (a: Match, b: Match) => number {
  return (a, b) => b.score - a.score || rank(b.skill) - rank(a.skill) || (a.skill.id < b.skill.id ? -1 : 1);
}
