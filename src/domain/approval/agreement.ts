/** What those who said yes come to together, each with the word they had when they said it. Pure. */

import type { PersonId } from '../ids.ts';
import { type Authority, humanOf, isApprover, isQuorum, leavesOf, type Voter } from '../quorum.ts';
import { isExcluded } from './exclusion.ts';
import { type Approval, type Assent, approversOf, type Consent, type Decision } from './record.ts';

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

// ── In whose place ───────────────────────────────────────────────────────────────────────────────────────────────

/** Something said, with what it was worth then. */
type Weighed = Pick<Consent, 'by' | 'roles' | 'onCall' | 'standsFor' | 'mute' | 'enteredBy'>;

/**
 * Those in whose place each of these words counts, beside the others; nobody, where the own word of whoever said it
 * does as much.
 */
export function placesTaken(
  approval: Approval,
  said: readonly Weighed[],
): ReadonlyMap<PersonId, readonly Authority[]> {
  const approvers = approversOf(approval);
  const words = said.map((each) => voterIn(approval, toVoter(each)));
  const areEnough = isQuorum(approvers, words);
  const taken = new Map<PersonId, readonly Authority[]>();
  for (const [index, voter] of words.entries()) {
    const fitting = oneByOne(voter).filter((word) => isApprover(approvers, word));
    const counting = areEnough
      ? fitting.find((word) => isQuorum(approvers, words.with(index, word)))
      : fitting.find(({ standsFor }) => standsFor === undefined);
    if (counting) words[index] = counting;
    taken.set(
      voter.person,
      (counting ? [counting] : fitting).flatMap(({ standsFor = [] }) => standsFor),
    );
  }
  return taken;
}

/** Each word that somebody may say, as if it were the only one: their own first. */
function oneByOne({ standsFor = [], ...own }: Voter): readonly Voter[] {
  return [own, ...standsFor.map((each): Voter => ({ ...own, mute: true, standsFor: [each] }))];
}

/** As the decision keeps it, for the word it was made with. */
export function insteadOf(
  approval: Approval,
  said: readonly Weighed[],
  person: PersonId,
): Pick<Decision, 'insteadOf'> {
  const places = placesTaken(approval, said).get(person) ?? [];
  return places.length > 0
    ? { insteadOf: places.map(({ person: id, name }) => ({ person: id, ...(name ? { name } : {}) })) }
    : {};
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

/**
 * The same for a yes: what somebody said themselves gives way to what they say now, where that is worth more by now, or
 * with it they are enough.
 */
export function withYes(approval: Approval, word: Assent): readonly Assent[] {
  const { assents = [] } = approval;
  const mine = assents.find(({ by }) => by.person === word.by.person);
  if (!mine || !isOwn(mine) || !isOwn(word)) return withWord(assents, word);
  const [before, now] = [worthOf(approval, mine), worthOf(approval, word)];
  if ([...now].every((each) => before.has(each))) return assents;
  const anew = assents.map((each) => (each === mine ? word : each));
  const isLess = [...before].some((each) => !now.has(each));
  return isLess && !enoughSaid({ ...approval, assents: anew }) ? assents : anew;
}

/** Each of those who are asked that a word helps with, and in whose place. */
function worthOf(approval: Approval, word: Assent): ReadonlySet<string> {
  const leaves = leavesOf(approversOf(approval));
  const words = oneByOne(voterIn(approval, toVoter(word)));
  return new Set(
    words.flatMap((each) => {
      const person = each.standsFor?.[0]?.person ?? each.person;
      return leaves.flatMap((leaf, n) => (isApprover(leaf, each) ? [`${n} ${person}`] : []));
    }),
  );
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
