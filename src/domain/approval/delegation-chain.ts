/** By whom a word came to somebody, along what was passed on of one request. Pure. */
import type { PersonId } from '../ids.ts';
import type { Approval, Delegation } from './record.ts';

/** How often a word can be passed on. */
export const LONGEST_CHAIN = 3;

/** Somebody's word, and how often it was passed on until it came here. */
interface Passed {
  readonly person: PersonId;
  readonly times: number;
}

/** Everybody whose word this person may speak, by delegation of this request; nearest first. */
export function delegatorsOf(
  { delegations = [] }: Pick<Approval, 'delegations'>,
  person: PersonId,
): PersonId[] {
  return chainTo(person, delegations).flatMap((each) => (each.times <= LONGEST_CHAIN ? [each.person] : []));
}

/** Whose word has come to this person, directly or through others, each by the shortest way; nearest first. */
export function chainTo(person: PersonId, delegations: readonly Delegation[]): readonly Passed[] {
  const found: Passed[] = [{ person, times: 0 }];
  for (const at of found) {
    for (const { from, to } of delegations) {
      if (to !== at.person || found.some((each) => each.person === from)) continue;
      found.push({ person: from, times: at.times + 1 });
    }
  }
  return found.slice(1);
}
