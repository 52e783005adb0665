/** What those who said yes come to together, each with the word they had when they said it. Pure. */

import type { PersonId } from '../ids.ts';
import { humanOf, isQuorum, type Voter } from '../quorum.ts';
import { isExcluded } from './exclusion.ts';
import { type Approval, type Assent, approversOf } from './record.ts';

/**
 * The yes with which they were enough; undefined as long as they are not. Others may be asked since it was said, so that
 * what was not enough then is now.
 */
export function enoughSaid(approval: Approval): Assent | undefined {
  const { assents = [] } = approval;
  const approvers = approversOf(approval);
  const voters = assents.map((each) => voterIn(approval, toVoter(each)));
  return assents.find((_, n) => isQuorum(approvers, voters.slice(0, n + 1)));
}

/** Nobody decides in the place of somebody who may not. */
export function voterIn(approval: Approval, voter: Voter): Voter {
  const standsFor = (voter.standsFor ?? []).filter((each) => !isExcluded(approval, each));
  return { ...voter, standsFor };
}

/** Whoever said something, with what their word is worth. */
export function toVoter({
  by,
  roles,
  onCall,
  standsFor,
  mute,
  enteredBy,
}: Omit<Voter, 'person' | 'accounts'> & { readonly by: Pick<Voter, 'person'> }): Voter {
  return { person: by.person, roles, onCall, standsFor, mute, enteredBy };
}

// ── One human, one word ──────────────────────────────────────────────────────────────────────────────────────────

/** In whose name something is said, and who really says it. */
type Said = Pick<Assent, 'enteredBy'> & { readonly by: Pick<Assent['by'], 'person'> };

/** Whether the human who says this has said something in another name: then it would be a second word of theirs. */
export function isSecondWord(said: readonly Said[], word: Said): boolean {
  return said.some((each) => each.by.person !== word.by.person && speakerOf(each) === speakerOf(word));
}

/** Those with this one among them, once for each person. What they say themselves takes the place of what was said in their name. */
export function withWord<Word extends Said>(said: readonly Word[], word: Word): readonly Word[] {
  const mine = said.find(({ by }) => by.person === word.by.person);
  if (!mine) return [...said, word];
  return isOwn(word) && !isOwn(mine) ? said.map((each) => (each === mine ? word : each)) : said;
}

/** Whether somebody may unsay it: it is theirs, or they said it in another name. */
export function isWordOf(said: Said, person: PersonId): boolean {
  return said.by.person === person || speakerOf(said) === person;
}

/** Whether they said it themselves. */
export function isOwn(said: Said): boolean {
  return speakerOf(said) === said.by.person;
}

function speakerOf({ by, enteredBy }: Said): PersonId {
  return humanOf({ person: by.person, enteredBy });
}
