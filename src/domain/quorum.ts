/**
 * Who has to say yes: a person, holders of a role, whoever is on call, or so many of several such groups, nested.
 *
 * Invariants
 *   1. One person fills one place. Whoever holds two roles that are both asked for stands for one of them, so that
 *      "a manager and somebody from finance" are always two people. The same is true of whom they stand in for: the
 *      word of one person never counts twice, whoever says it; nor does one human, in however many names.
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
  /** How they are called, as far as it is known. */
  readonly name?: string | undefined;
  readonly roles: readonly string[];
  readonly onCall?: readonly string[] | undefined;
  /** Every account of theirs now, as far as they are known. */
  readonly accounts?: readonly AccountId[] | undefined;
  /** Of a word that another speaks: how it came to them. */
  readonly way?: WordWay | undefined;
}

/** They stand in for somebody who is away; or this one request was passed to them. */
export type WordWay = 'absence' | 'delegation';

/** Somebody who says yes, for themselves or for one of those who let them. */
export interface Voter extends Authority {
  readonly standsFor?: readonly Authority[] | undefined;
  /** They may not approve: they have no word of their own, and speak for others only. */
  readonly mute?: true | undefined;
  /** Who really said it, in this one's name: whatever else that human says, both are one. */
  readonly enteredBy?: PersonId | undefined;
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

/** Whether these people are enough. Each counts once, however often they are named, and so does each human behind them. */
export function isQuorum(approvers: Approvers, voters: readonly Voter[]): boolean {
  const people = new Map(voters.map((voter) => [voter.person, voter]));
  const words = toWords([...people.values()], leavesOf(approvers));
  const most = Math.min(
    new Set(words.map(({ human }) => human)).size,
    new Set(words.map(({ person }) => person)).size,
  );
  for (const places of selectionsOf(approvers)) {
    if (places.length <= most && canFill(places, words)) return true;
  }
  return false;
}

/** Who says something, in whosever name. */
export function humanOf({ person, enteredBy = person }: Pick<Voter, 'person' | 'enteredBy'>): PersonId {
  return enteredBy;
}

function wordsOf({ standsFor = [], mute, ...own }: Voter): readonly Authority[] {
  return mute ? standsFor : [own, ...standsFor];
}

/** What somebody may say: for whom, and which of the groups that helps. */
interface Word {
  /** Who says it, whosever name it is said in. */
  readonly human: PersonId;
  readonly person: PersonId;
  readonly fits: ReadonlySet<Leaf>;
}

/** Of what the voters may say, all that helps. */
function toWords(voters: readonly Voter[], leaves: readonly Leaf[]): Word[] {
  return voters
    .flatMap((voter) =>
      wordsOf(voter).map((word) => ({
        human: humanOf(voter),
        person: word.person,
        fits: new Set(leaves.filter((leaf) => fits(leaf, word))),
      })),
    )
    .filter((word) => word.fits.size > 0);
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

// ── Who fills which place ────────────────────────────────────────────────────────────────────────────────────

/** What can still be taken, from each node of the network to the next. */
type Network = ReadonlyMap<string, Set<string>>;

/**
 * Whether every place finds a word of its own, of a human who says no other, for a person nobody else speaks for.
 *
 *   source ─▶ human ─▶ person ─▶ word ─▶ place ─▶ sink        each step is taken once at most
 *
 * This takes at most places² × words steps. What a person's word is worth is the same, whoever says it, unless
 * their roles changed between two votes; only then, and only if it matters, each of the two is tried by itself.
 */
function canFill(places: readonly Leaf[], words: readonly Word[]): boolean {
  const network = toNetwork(places, words);
  if (!places.every(() => findWay(network))) return false;
  const torn = places.findIndex((leaf, place) => !isFilled(network, place, leaf, words));
  if (torn === -1) return true;
  const person = words.find((word) => network.get(nodeOf.place(torn))?.has(nodeOf.word(word)))?.person;
  const [theirs, others] = [
    words.filter((word) => word.person === person),
    words.filter((word) => word.person !== person),
  ];
  return theirs.some((one) =>
    canFill(places, [...others, ...theirs.filter((each) => isWorthAsMuch(each, one))]),
  );
}

const SOURCE = 'source';
const SINK = 'sink';
const nodeOf = {
  human: ({ human }: Word) => `human ${human}`,
  person: ({ person }: Word) => `person ${person}`,
  word: ({ person }: Word) => `word ${person}`,
  place: (index: number) => `place ${index}`,
};

function toNetwork(places: readonly Leaf[], words: readonly Word[]): Network {
  const network = new Map<string, Set<string>>();
  const connect = (first: string, ...others: readonly string[]) => {
    let from = first;
    for (const to of others) {
      network.set(from, (network.get(from) ?? new Set()).add(to));
      from = to;
    }
  };
  for (const word of words) {
    connect(SOURCE, nodeOf.human(word), nodeOf.person(word), nodeOf.word(word));
    for (const [index, leaf] of places.entries()) {
      if (word.fits.has(leaf)) connect(nodeOf.word(word), nodeOf.place(index), SINK);
    }
  }
  return network;
}

/** Fills one place more, where that can be done; what was given away may be given over on the way. */
function findWay(network: Network, from: string = SOURCE, tried: Set<string> = new Set()): boolean {
  if (from === SINK) return true;
  tried.add(from);
  for (const to of network.get(from) ?? []) {
    if (tried.has(to) || !findWay(network, to, tried)) continue;
    // Taken: from now on it can only be given back.
    network.get(from)?.delete(to);
    network.get(to)?.add(from);
    return true;
  }
  return false;
}

/** Whether the word that came to this place fits it in the mouth of whoever says it. */
function isFilled(network: Network, place: number, leaf: Leaf, words: readonly Word[]): boolean {
  return words.some(
    (word) =>
      word.fits.has(leaf) &&
      network.get(nodeOf.place(place))?.has(nodeOf.word(word)) &&
      network.get(nodeOf.person(word))?.has(nodeOf.human(word)),
  );
}

function isWorthAsMuch(one: Word, other: Word): boolean {
  return one.fits.size === other.fits.size && [...one.fits].every((leaf) => other.fits.has(leaf));
}
