/** By whom a word came to somebody, along what was passed on of one request. Pure. */
import type { PersonId } from '../ids.ts';
import type { Approval, Delegation } from './record.ts';

/** How often a word can be passed on. */
export const LONGEST_CHAIN = 3;

/** Everybody whose word this person may speak, by delegation of this request; nearest first. */
export function delegatorsOf(
  { delegations = [] }: Pick<Approval, 'delegations'>,
  person: PersonId,
): PersonId[] {
  return chainTo(person, delegations).slice(0, LONGEST_CHAIN);
}

/** Whose word has come to this person, directly or through others. */
export function chainTo(person: PersonId, delegations: readonly Delegation[]): PersonId[] {
  const found: PersonId[] = [];
  const look = (at: PersonId): void => {
    for (const { from, to } of delegations) {
      if (to !== at || from === person || found.includes(from)) continue;
      found.push(from);
      look(from);
    }
  };
  look(person);
  return found;
}
