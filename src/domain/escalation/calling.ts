/** Calling people: who that is now, and by which ways, one after the other. Pure. */
import type { PersonId } from '../ids.ts';
import type { Importance } from '../person.ts';
import type { Target } from './plan.ts';
import type { Act, Caller, Cause, Chain, Escalation, Place } from './record.ts';
import type { Surroundings } from './surroundings.ts';

/** Most people that one step calls: more would be a crowd. */
export const MOST_CALLED = 20;

export type Why = Chain['why'];

/** Those who are there and can be reached. */
export interface Called {
  readonly chains: readonly Chain[];
  readonly posts: readonly Act[];
}

/** Those who are to be called. */
export interface Calling {
  readonly who: readonly Target[];
  readonly importance: Importance;
  /** Whose targets these are, as far as is known. */
  readonly caller?: Caller | undefined;
}

/** Whom these targets are now, and how each is called: by the first target that leads to them. */
export function call(
  { except, lastOwner }: Pick<Escalation, 'except' | 'lastOwner'>,
  { who, importance, caller }: Calling,
  why: Why,
  s: Surroundings,
): Called {
  const found = new Map<PersonId, Target>();
  for (const target of who) {
    for (const person of s.peopleOf(asNamed(target, lastOwner), s.nowMs)) {
      if (!found.has(person)) found.set(person, target);
    }
  }
  const people = [...found].filter(([person]) => !isExcepted(person, except, s));
  const reachable = people.flatMap(([person, target]): Chain[] => {
    const links = s.linksOf(person, importance);
    if (links.length === 0) return [];
    const by = caller === undefined ? {} : { by: { caller, target } };
    return [{ person, importance, why, ...by, links: [...links], link: 0, dueMs: s.nowMs, failed: 0 }];
  });
  const chains = reachable.slice(0, MOST_CALLED);
  const posts = who.flatMap((target): Act[] => {
    if (target.kind !== 'channel' || !s.canPost(target.platform)) return [];
    return [{ kind: 'post', platform: target.platform, channel: target.channel, importance, why, caller }];
  });
  return { chains, posts };
}

/** Whoever had it before is called as anybody is who is named: they may be away, and somebody stand in for them. */
function asNamed(target: Target, lastOwner: PersonId | undefined): Target {
  if (target.kind !== 'last-owner' || lastOwner === undefined) return target;
  return { kind: 'person', person: lastOwner };
}

function isExcepted(person: PersonId, except: readonly PersonId[], s: Pick<Surroundings, 'idsOf'>): boolean {
  return s.idsOf(person).some((id) => except.includes(id));
}

export function isNobody({ chains, posts }: Called): boolean {
  return chains.length === 0 && posts.length === 0;
}

/** Channels among these targets that are not posted in. */
export function unpostedOf(who: readonly Target[], { posts }: Called): { unposted?: Place[] } {
  const left = placesIn(who).filter(
    (place) => !posts.some((act) => act.kind === 'post' && isSamePlace(act, place)),
  );
  return left.length === 0 ? {} : { unposted: left };
}

/** Channels that those who are called now were posted in, as far as is known. */
export function heardIn({ calling }: Pick<Escalation, 'calling'>): Place[] {
  const { who = [], unposted = [] } = calling ?? {};
  return placesIn(who).filter((place) => !unposted.some((each) => isSamePlace(each, place)));
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.platform === other.platform && one.channel === other.channel;
}

function placesIn(who: readonly Target[]): Place[] {
  return who.flatMap((target) =>
    target.kind === 'channel' ? [{ platform: target.platform, channel: target.channel }] : [],
  );
}

/** When the next of these targets may be somebody else. */
export function changesOf(
  { lastOwner }: Pick<Escalation, 'lastOwner'>,
  who: readonly Target[],
  s: Surroundings,
): { changesMs?: number } {
  const changes = who.flatMap((target) => s.changesAt(asNamed(target, lastOwner), s.nowMs) ?? []);
  return changes.length === 0 ? {} : { changesMs: Math.min(...changes) };
}

/** Whoever is called anew is called from their first way on; all others go on as they were. */
export function join(running: readonly Chain[], added: readonly Chain[]): Chain[] {
  return [...running.filter(({ person }) => !isIn(added, person)), ...added];
}

export function isIn(chains: readonly Chain[], person: PersonId): boolean {
  return chains.some((each) => each.person === person);
}

/**
 * The ways that are due, and how it goes on with each person. Whoever has gone away meanwhile is let be until they are
 * back; so is, for good, who has reported it meanwhile.
 *
 * @param first why those are called who are called by their first way
 */
export function ring(
  { except }: Pick<Escalation, 'except'>,
  chains: readonly Chain[],
  first: Exclude<Cause['kind'], 'next-way'>,
  s: Pick<Surroundings, 'nowMs' | 'peopleOf' | 'idsOf'>,
): { chains: Chain[]; acts: Act[] } {
  const { nowMs } = s;
  const acts: Act[] = [];
  const rung = chains.flatMap((chain): Chain[] => {
    const { person, importance, why, by, links, link, dueMs } = chain;
    const current = links[link];
    if (current === undefined || dueMs === undefined || dueMs > nowMs) return [chain];
    if (!s.peopleOf({ kind: 'person', person }, nowMs).includes(person)) return [];
    if (isExcepted(person, except, s)) return [];
    const cause: Cause = { kind: link === 0 ? first : 'next-way', by, afterMs: current.afterMs };
    acts.push({ kind: 'page', person, platform: current.platform, importance, why, cause });
    return [goOn(chain, nowMs)];
  });
  return { chains: rung, acts };
}

function goOn(chain: Chain, nowMs: number): Chain {
  const { dueMs: _, ...rest } = chain;
  const next = chain.links[chain.link + 1];
  return { ...rest, link: chain.link + 1, ...(next ? { dueMs: nowMs + next.afterMs } : {}) };
}

/** A way led nowhere: the next one is due at once. */
export function skipFailed(chain: Chain, nowMs: number): Chain {
  const failed = { ...chain, failed: chain.failed + 1 };
  return chain.dueMs === undefined ? failed : { ...failed, dueMs: nowMs };
}

/** Whether no way to this person is left that could lead anywhere. */
export function isUnreachable({ links, failed }: Chain): boolean {
  return failed >= links.length;
}

type Heard = Pick<Escalation, 'told' | 'calledOn' | 'posted' | 'stepsCalled'>;

/** Who has heard of it, and where it stands to be read, once these acts were done. */
export function toldWith({ told, calledOn, posted = [] }: Heard, acts: readonly Act[]): Heard {
  const pages = acts.flatMap((act) => (act.kind === 'page' ? [[act.person, act.platform] as const] : []));
  const places = acts.flatMap((act) =>
    act.kind === 'post' ? [{ platform: act.platform, channel: act.channel }] : [],
  );
  const byStep = acts.some((act) => (act.kind === 'page' || act.kind === 'post') && act.why === 'call');
  const all = new Map([...posted, ...places].map((place) => [`${place.platform}:${place.channel}`, place]));
  return {
    told: [...new Set([...told, ...pages.map(([person]) => person)])],
    ...(pages.length > 0 ? { calledOn: { ...calledOn, ...Object.fromEntries(pages) } } : {}),
    ...(all.size > 0 ? { posted: [...all.values()] } : {}),
    ...(byStep ? { stepsCalled: true } : {}),
  };
}
