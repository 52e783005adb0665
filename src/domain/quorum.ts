/**
 * Who has to say yes: a person, holders of a role, whoever is on call, or so many of several such groups, nested.
 *
 * Invariants
 *   1. One person fills one place. Whoever holds two roles that are both asked for stands for one of them, so that
 *      "a manager and somebody from finance" are always two people. The same is true of whom they stand in for: the
 *      word of one person never counts twice, whoever says it.
 *   2. More people never make a quorum fail that fewer would have reached.
 */
import { z } from 'zod';
import { type AccountId, PersonId } from './ids.ts';
import { RoleName } from './person.ts';

/** Places of one quorum, all groups together: what a person can still read on a card. */
export const MAX_PLACES = 12;

/** The name of a schedule that says who is on call. */
export const ScheduleName = z
  .string()
  .regex(
    /^[a-z][a-z0-9._-]{0,63}$/,
    'a schedule is lower-case letters, digits, dots, hyphens and underscores',
  );
export type ScheduleName = z.infer<typeof ScheduleName>;

export type Approvers =
  | { readonly person: PersonId }
  /** That many holders of the role; one, if nothing is said. */
  | { readonly role: RoleName; readonly count?: number | undefined }
  /** Whoever is on call when they answer. */
  | { readonly onCall: ScheduleName }
  /** That many of the groups. */
  | { readonly atLeast: number; readonly of: readonly Approvers[] };

export const Approvers: z.ZodType<Approvers> = z.lazy(() =>
  z.union([
    z.object({ person: PersonId }),
    z.object({ role: RoleName, count: z.int().min(1).optional() }),
    z.object({ onCall: ScheduleName }),
    z.object({ atLeast: z.int().min(1), of: z.array(Approvers).min(1) }),
  ]),
);

/** Somebody's word: a person, the roles they have at that moment, and the schedules that name them then. */
export interface Authority {
  readonly person: PersonId;
  readonly roles: readonly string[];
  readonly onCall?: readonly string[] | undefined;
  /** Every account of theirs now, as far as they are known. */
  readonly accounts?: readonly AccountId[] | undefined;
}

/** Somebody who says yes, for themselves or for one of those who let them. */
export interface Voter extends Authority {
  readonly standsFor?: readonly Authority[] | undefined;
}

/** Whether this person can fill one of the places. */
export function isApprover(approvers: Approvers, voter: Voter): boolean {
  return leavesOf(approvers).some((leaf) => wordsOf(voter).some((word) => fits(leaf, word)));
}

/** Whether one person, if it is the right one, is enough. */
export function takesOne(approvers: Approvers): boolean {
  for (const places of selectionsOf(approvers)) if (places.length === 1) return true;
  return false;
}

/** Whether these people are enough. Each counts once, however often they are named. */
export function isQuorum(approvers: Approvers, voters: readonly Voter[]): boolean {
  const people = [...new Map(voters.map((voter) => [voter.person, voter])).values()];
  for (const words of wordsTogether(people)) {
    for (const places of selectionsOf(approvers)) {
      if (places.length <= words.length && canFill(places, words)) return true;
    }
  }
  return false;
}

function wordsOf({ standsFor = [], ...own }: Voter): readonly Authority[] {
  return [own, ...standsFor];
}

/** Every way in which each of them speaks for one person, and nobody is spoken for twice. */
function* wordsTogether([first, ...others]: readonly Voter[]): Generator<readonly Authority[]> {
  if (!first) {
    yield [];
    return;
  }
  for (const rest of wordsTogether(others)) {
    const free = wordsOf(first).filter(({ person }) => !rest.some((each) => each.person === person));
    if (free.length === 0) yield rest;
    for (const word of free) yield [word, ...rest];
  }
}

/** Every role, person and schedule that is named. */
export function leavesOf(approvers: Approvers): Leaf[] {
  return 'of' in approvers ? approvers.of.flatMap(leavesOf) : [approvers];
}

/** Places of all groups together, also of those that need not all be filled. */
export function placesIn(approvers: Approvers): number {
  if ('of' in approvers) return approvers.of.reduce((sum, each) => sum + placesIn(each), 0);
  return 'role' in approvers ? (approvers.count ?? 1) : 1;
}

export type Leaf = Exclude<Approvers, { readonly of: unknown }>;

function fits(leaf: Leaf, { person, roles, onCall }: Authority): boolean {
  if ('person' in leaf) return leaf.person === person;
  return 'role' in leaf ? roles.includes(leaf.role) : (onCall?.includes(leaf.onCall) ?? false);
}

/** Every smallest set of places that, all filled, is enough. */
function* selectionsOf(approvers: Approvers): Generator<readonly Leaf[]> {
  if ('person' in approvers || 'onCall' in approvers) yield [approvers];
  else if ('role' in approvers) yield Array.from({ length: approvers.count ?? 1 }, () => approvers);
  else for (const groups of choicesOf(approvers.of, approvers.atLeast)) yield* combinationsOf(groups);
}

function* choicesOf(groups: readonly Approvers[], count: number): Generator<readonly Approvers[]> {
  if (count === 0) yield [];
  for (const [index, first] of groups.entries()) {
    if (count === 0 || groups.length - index < count) return;
    for (const others of choicesOf(groups.slice(index + 1), count - 1)) yield [first, ...others];
  }
}

function* combinationsOf(groups: readonly Approvers[]): Generator<readonly Leaf[]> {
  const [first, ...others] = groups;
  if (!first) {
    yield [];
    return;
  }
  for (const places of selectionsOf(first)) {
    for (const rest of combinationsOf(others)) yield [...places, ...rest];
  }
}

/** Whether every place finds a person of its own: places are given away, and given over when that lets one more in. */
function canFill(places: readonly Leaf[], people: readonly Authority[]): boolean {
  const holder = new Map<Authority, number>();
  const find = (place: number, tried: Set<Authority>): boolean => {
    const leaf = places[place];
    for (const person of people) {
      if (!leaf || tried.has(person) || !fits(leaf, person)) continue;
      tried.add(person);
      const other = holder.get(person);
      if (other === undefined || find(other, tried)) {
        holder.set(person, place);
        return true;
      }
    }
    return false;
  };
  return places.every((_leaf, place) => find(place, new Set()));
}
