/**
 * Accounts that belong to people by a link instead of by `contacts.yaml`, and strangers who were let in.
 *
 *   by a code     known account ──offer──▶ code ──new account claims──▶ claimed ──known account confirms──▶ linked
 *   by pairing    stranger asks ──▶ code ──somebody who may pair──┬─ proposes a person ──▶ claimed ──the person confirms──▶ linked
 *                                                                 ├─ admits ──▶ guest
 *                                                                 └─ turns away ──▶ silence for a while
 *   by the one who runs the gateway    ──adopt──▶ linked
 *
 * The functions here are the whole state machine. They decide on one ledger and return the next one; storage, codes,
 * audit and words are elsewhere. What comes in of a code is its id and the hash of the rest.
 *
 * Invariants
 *   1. An account belongs to one person at most; what `contacts.yaml` says of an account wins, and is never linked.
 *   2. By a code or by pairing nothing is linked unless the new account and the person were both heard, the person
 *      last, from an account of theirs, and of exactly this account.
 *   3. A code works once, until its time is over, and for `MOST_TRIES` tries.
 *   4. A stranger is given one code a day; another one before only where theirs was lost without a decision of those
 *      who may pair: the person they were said to be declined, or asked for something newer, or it was guessed at too
 *      often. For as long as they are said to be somebody, that is open.
 *   5. Wrong codes are counted for each account and for all together; beyond the limit not even a right one is read.
 */
import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AccountId, ConversationId, PersonId } from './ids.ts';
import { Address } from './message.ts';

/** A code of a link is good for so long, and so is the one by which the claim is confirmed. */
export const CODE_MS = 10 * 60_000;
/** A stranger has so long to find whoever runs the gateway. */
export const PAIRING_MS = 24 * 60 * 60_000;
/** Whoever was turned away is not heard for so long. */
export const SILENCE_MS = 24 * 60 * 60_000;
/** Whoever was a guest is told for so long that their time is over. */
export const REMEMBER_GUEST_MS = 30 * 24 * 60 * 60_000;
/** Wrong tries of one code; then it is void. */
export const MOST_TRIES = 5;
/** Wrong codes are remembered for so long; within it there are at most so many of one account, and of all. */
export const MISS_MS = 60 * 60_000;
export const MOST_MISSES = 5;
export const MOST_MISSES_OF_ALL = 50;
/** Strangers who wait to be let in, at most: each is a message to somebody who has to look. */
export const MOST_ASKS = 20;
/** Codes that are open at a time, at most. */
export const MOST_OFFERS = 200;
/** Links and guests, at most: all are one record, read whole. */
export const MOST_LINKS = 5_000;

/** Longest name of an account that is kept, in characters. It is what a stranger calls themselves. */
const MOST_NAME_CHARS = 80;

export const Name = z.string().transform((name) => name.slice(0, MOST_NAME_CHARS));

/** Where somebody is told something; `onlyFor` where others could read it. */
export const Place = z.object({ to: Address, conversationId: ConversationId, onlyFor: AccountId.optional() });
export type Place = z.infer<typeof Place>;

export const Link = z.object({
  account: AccountId,
  person: PersonId,
  name: Name,
  /** The account that confirmed it, or the person who did it as the one who runs the gateway. */
  confirmedBy: z.string(),
  atMs: z.int(),
});
export type Link = z.infer<typeof Link>;

export const Guest = z.object({
  account: AccountId,
  name: Name,
  /** The person who let them in. */
  by: z.string(),
  atMs: z.int(),
  untilMs: z.int(),
});
export type Guest = z.infer<typeof Guest>;

/** The new account, once it has given the code. */
export const Claim = z.object({ account: AccountId, name: Name, place: Place });
export type Claim = z.infer<typeof Claim>;

const secret = {
  /** Found by it; no secret. */
  id: z.string(),
  hash: z.string(),
  tries: z.int(),
  untilMs: z.int(),
};

export const Offer = z.object({
  ...secret,
  person: PersonId,
  /** The account that vouches for the person, or that proposed them. */
  from: AccountId,
  /** Where the person is asked whether it is them. */
  place: Place,
  /** Once somebody has claimed it, `hash` is that of the code which confirms. */
  claim: Claim.optional(),
});
export type Offer = z.infer<typeof Offer>;

/** A stranger who wants to be let in. */
export const PairAsk = z.object({ ...secret, account: AccountId, name: Name, place: Place });
export type PairAsk = z.infer<typeof PairAsk>;

export const LinkLedger = z.object({
  /** +1 with every change. */
  rev: z.int(),
  links: z.array(Link),
  guests: z.array(Guest),
  offers: z.array(Offer),
  asks: z.array(PairAsk),
  /** Accounts that are not heard until then. */
  silenced: z.array(z.object({ account: AccountId, untilMs: z.int() })),
  /** Strangers who were given a code, and are given no other until then. */
  told: z.array(z.object({ account: AccountId, untilMs: z.int() })).default([]),
  /** Guests whose time is over, who are told so until then. */
  ended: z.array(z.object({ account: AccountId, untilMs: z.int() })).default([]),
  misses: z.array(z.object({ account: AccountId, atMs: z.int() })),
});
export type LinkLedger = z.infer<typeof LinkLedger>;

export const EMPTY_LEDGER: LinkLedger = {
  rev: 0,
  links: [],
  guests: [],
  offers: [],
  asks: [],
  silenced: [],
  told: [],
  ended: [],
  misses: [],
};

/** What somebody wrote, ready to be compared. */
export interface GivenCode {
  readonly id: string;
  readonly hash: string;
}

/** What a step answers; with the next ledger, if anything changed. */
export interface LinkStep<Result> {
  readonly result: Result;
  readonly next?: LinkLedger;
}

/** `TOO_MANY`: too much of it is open, or kept. */
export type Refused = 'MISSED' | 'WAIT' | 'TAKEN' | 'TOO_MANY';
/** `displaced`: what was open of the same person and is void now. */
export type OfferResult =
  | { readonly code: 'OFFERED'; readonly offer: Offer; readonly displaced: readonly Offer[] }
  | { readonly code: 'TOO_MANY' };
export type ClaimResult = { readonly code: 'CLAIMED'; readonly offer: Claimed } | { readonly code: Refused };
export type ProposeResult =
  | { readonly code: 'CLAIMED'; readonly offer: Claimed; readonly displaced: readonly Offer[] }
  | { readonly code: Refused };
export type ConfirmResult =
  | { readonly code: 'LINKED'; readonly link: Link; readonly offer: Claimed }
  | { readonly code: Refused };
export type AdoptResult =
  | { readonly code: 'LINKED' | 'ALREADY'; readonly link: Link; readonly ask?: PairAsk }
  | { readonly code: 'TAKEN' | 'TOO_MANY' };
export type AskResult =
  /** `wasGuest`: not long ago, and their time is over. */
  | { readonly code: 'ASKED'; readonly ask: PairAsk; readonly wasGuest: boolean }
  /** They have a code, were turned away, or are one too many. */
  | { readonly code: 'AGAIN' | 'SILENCED' | 'TOO_MANY' };
export type AdmitResult =
  | { readonly code: 'ADMITTED'; readonly guest: Guest; readonly ask: PairAsk }
  | { readonly code: Refused };
export type TurnAwayResult =
  | { readonly code: 'TURNED_AWAY'; readonly ask: PairAsk }
  | { readonly code: 'MISSED' | 'WAIT' };
export type UnlinkResult =
  | { readonly code: 'UNLINKED'; readonly link: Link }
  | { readonly code: 'PUT_OUT'; readonly guest: Guest }
  | { readonly code: 'NOT_LINKED' | 'NOT_THEIRS' };

export type Claimed = Offer & { readonly claim: Claim };

// ── By a code ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Somebody we know wants to speak from another account as well. An earlier code of theirs is void. */
export function offer(
  ledger: LinkLedger,
  wish: Pick<Offer, 'id' | 'hash' | 'person' | 'from' | 'place'>,
  nowMs: number,
): LinkStep<OfferResult> {
  const now = tidy(ledger, nowMs);
  const [others, displaced] = partedBy(now.offers, wish.person);
  if (others.length >= MOST_OFFERS) return { result: { code: 'TOO_MANY' } };
  const made: Offer = { ...wish, tries: 0, untilMs: nowMs + CODE_MS };
  return {
    result: { code: 'OFFERED', offer: made, displaced },
    next: withoutNamed({ ...now, offers: [...others, made] }, displaced),
  };
}

/** The new account gives the code. `isOwned`: `contacts.yaml` gives it to somebody. */
export function claim(
  ledger: LinkLedger,
  { given, by, isOwned, confirmHash }: Claiming,
  nowMs: number,
): LinkStep<ClaimResult> {
  const now = tidy(ledger, nowMs);
  if (isOwned || isLinked(now, by.account)) return { result: { code: 'TAKEN' } };
  if (hasMissedTooOften(now, by.account)) return { result: { code: 'WAIT' } };
  const found = now.offers.find((each) => each.id === given.id && !each.claim);
  if (!found || !isSame(found.hash, given.hash)) return missed(now, by.account, found, nowMs);
  const next: Claimed = { ...found, claim: by, hash: confirmHash, tries: 0, untilMs: nowMs + CODE_MS };
  return { result: { code: 'CLAIMED', offer: next }, next: withOffer(now, next) };
}

export interface Claiming {
  readonly given: GivenCode;
  readonly by: Claim;
  readonly isOwned: boolean;
  /** Of the code that confirms; its id is that of the offer. */
  readonly confirmHash: string;
}

/** The person says that the one who claimed it is themselves. `isOwned`: of the claiming account, as above. */
export function confirm(
  ledger: LinkLedger,
  {
    given,
    person,
    account,
    isOwned,
  }: {
    readonly given: GivenCode;
    readonly person: PersonId;
    readonly account: AccountId;
    readonly isOwned: (account: AccountId) => boolean;
  },
  nowMs: number,
): LinkStep<ConfirmResult> {
  const now = tidy(ledger, nowMs);
  if (hasMissedTooOften(now, account)) return { result: { code: 'WAIT' } };
  const found = now.offers.find((each) => each.id === given.id && each.person === person && each.claim);
  if (!found?.claim || !isSame(found.hash, given.hash)) return missed(now, account, found, nowMs);
  const without = withoutOffer(now, found);
  const { claim: claimed } = found;
  // It may have become somebody's while the confirmation was on its way.
  if (isOwned(claimed.account) || isLinked(now, claimed.account)) {
    return { result: { code: 'TAKEN' }, next: without };
  }
  const link: Link = {
    account: claimed.account,
    person,
    name: claimed.name,
    confirmedBy: account,
    atMs: nowMs,
  };
  return linked(without, link, { code: 'LINKED', link, offer: { ...found, claim: claimed } });
}

/** The person says that it is not them, or thinks better of it: nothing of theirs that is open can be used any more. */
export function decline(
  ledger: LinkLedger,
  person: PersonId,
  nowMs: number,
): LinkStep<{ readonly code: 'DECLINED'; readonly offers: readonly Offer[] } | { readonly code: 'NONE' }> {
  const now = tidy(ledger, nowMs);
  const [offers, theirs] = partedBy(now.offers, person);
  if (theirs.length === 0) return { result: { code: 'NONE' } };
  return {
    result: { code: 'DECLINED', offers: theirs },
    // Whoever they were said to be, they are not: with a new code it can be said who they are instead.
    next: withoutNamed({ ...now, offers }, theirs),
  };
}

/** `person`: who wants it; absent: whoever runs the gateway, who may put guests out as well. */
export function unlink(
  ledger: LinkLedger,
  { account, person }: { readonly account: AccountId; readonly person?: PersonId },
  nowMs: number,
): LinkStep<UnlinkResult> {
  const now = tidy(ledger, nowMs);
  const link = now.links.find((each) => each.account === account);
  const guest = now.guests.find((each) => each.account === account);
  if (link && person !== undefined && link.person !== person) return { result: { code: 'NOT_THEIRS' } };
  if (link) {
    const links = now.links.filter((each) => each !== link);
    return { result: { code: 'UNLINKED', link }, next: { ...now, links } };
  }
  if (guest && person === undefined) {
    const guests = now.guests.filter((each) => each !== guest);
    return { result: { code: 'PUT_OUT', guest }, next: { ...now, guests } };
  }
  return { result: { code: 'NOT_LINKED' } };
}

/** Whoever runs the gateway says whose it is, as they could write it into `contacts.yaml`. */
export function adopt(
  ledger: LinkLedger,
  {
    account,
    person,
    by,
    isOwned,
  }: Pick<Link, 'account' | 'person'> & { readonly by: string; readonly isOwned: boolean },
  nowMs: number,
): LinkStep<AdoptResult> {
  const now = tidy(ledger, nowMs);
  const before = now.links.find((each) => each.account === account);
  if (before?.person === person) return { result: { code: 'ALREADY', link: before } };
  if (before || isOwned) return { result: { code: 'TAKEN' } };
  const ask = now.asks.find((each) => each.account === account);
  const name = ask?.name ?? account;
  const link: Link = { account, person, name, confirmedBy: by, atMs: nowMs };
  return linked(now, link, { code: 'LINKED', link, ...(ask ? { ask } : {}) });
}

// ── Strangers ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A stranger is given a code, once a day, whatever became of it. */
export function askToPair(
  ledger: LinkLedger,
  ask: Pick<PairAsk, 'id' | 'hash' | 'account' | 'name' | 'place'>,
  nowMs: number,
): LinkStep<AskResult> {
  const now = tidy(ledger, nowMs);
  if (isSilenced(now, ask.account, nowMs)) return { result: { code: 'SILENCED' } };
  if ([...now.asks, ...now.told].some(({ account }) => account === ask.account))
    return { result: { code: 'AGAIN' } };
  if (now.asks.length >= MOST_ASKS) return { result: { code: 'TOO_MANY' } };
  const untilMs = nowMs + PAIRING_MS;
  const made: PairAsk = { ...ask, tries: 0, untilMs };
  const told = [...now.told, { account: ask.account, untilMs }];
  const wasGuest = now.ended.some(({ account }) => account === ask.account);
  return {
    result: { code: 'ASKED', ask: made, wasGuest },
    next: { ...now, asks: [...now.asks, made], told },
  };
}

/** Somebody who may pair says who the stranger is; that person is asked, as if the stranger had given their code. */
export function propose(
  ledger: LinkLedger,
  {
    given,
    by,
    isOwned,
    offer: { id, hash, person, place },
  }: {
    readonly given: GivenCode;
    readonly by: AccountId;
    readonly isOwned: (account: AccountId) => boolean;
    readonly offer: Pick<Offer, 'id' | 'hash' | 'person' | 'place'>;
  },
  nowMs: number,
): LinkStep<ProposeResult> {
  const now = tidy(ledger, nowMs);
  if (hasMissedTooOften(now, by)) return { result: { code: 'WAIT' } };
  const ask = now.asks.find((each) => each.id === given.id);
  if (!ask || !isSame(ask.hash, given.hash)) return missed(now, by, ask, nowMs);
  if (isOwned(ask.account) || isLinked(now, ask.account)) return { result: { code: 'TAKEN' } };
  const [free, displaced] = partedBy(now.offers, person);
  if (free.length >= MOST_OFFERS) return { result: { code: 'TOO_MANY' } };
  const made: Claimed = {
    id,
    hash,
    person,
    from: by,
    place,
    tries: 0,
    // The person asked for nothing, and need not be there now.
    untilMs: nowMs + PAIRING_MS,
    claim: { account: ask.account, name: ask.name, place: ask.place },
  };
  const asks = now.asks.filter((each) => each !== ask);
  return {
    result: { code: 'CLAIMED', offer: made, displaced },
    next: withoutNamed({ ...now, asks, offers: [...free, made] }, displaced),
  };
}

/** A stranger may talk to the agent for a while. `given`: their code, or its id where nothing else could be meant. */
export function admit(
  ledger: LinkLedger,
  { given, by, forMs }: Naming & { readonly forMs: number },
  nowMs: number,
): LinkStep<AdmitResult> {
  const now = tidy(ledger, nowMs);
  if (hasMissedTooOften(now, by.account)) return { result: { code: 'WAIT' } };
  const ask = now.asks.find((each) => each.id === given.id);
  if (!ask || !isNamed(ask, given)) return unnamed(now, { given, by }, ask, nowMs);
  if (isLinked(now, ask.account)) return { result: { code: 'TAKEN' } };
  if (now.links.length + now.guests.length >= MOST_LINKS) return { result: { code: 'TOO_MANY' } };
  const { account, name } = ask;
  const guest: Guest = { account, name, by: by.person, atMs: nowMs, untilMs: nowMs + forMs };
  const guests = [...now.guests.filter((each) => each.account !== account), guest];
  const asks = now.asks.filter((each) => each !== ask);
  // When their time has ended by itself they may ask again at once; when they were put out before, they may not.
  const told = now.told.map((each) =>
    each.account === account ? { ...each, untilMs: Math.min(each.untilMs, guest.untilMs) } : each,
  );
  return { result: { code: 'ADMITTED', guest, ask }, next: { ...now, guests, asks, told } };
}

export function turnAway(ledger: LinkLedger, { given, by }: Naming, nowMs: number): LinkStep<TurnAwayResult> {
  const now = tidy(ledger, nowMs);
  if (hasMissedTooOften(now, by.account)) return { result: { code: 'WAIT' } };
  const ask = now.asks.find((each) => each.id === given.id);
  if (!ask || !isNamed(ask, given)) return unnamed(now, { given, by }, ask, nowMs);
  const asks = now.asks.filter((each) => each !== ask);
  const silenced = [...now.silenced, { account: ask.account, untilMs: nowMs + SILENCE_MS }];
  return { result: { code: 'TURNED_AWAY', ask }, next: { ...now, asks, silenced } };
}

/** Who was named by somebody who may pair. */
export interface Naming {
  readonly given: { readonly id: string; readonly hash?: string };
  readonly by: { readonly account: AccountId; readonly person: string };
}

// ── Who is who ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function isSilenced({ silenced }: LinkLedger, account: AccountId, nowMs: number): boolean {
  return silenced.some((each) => each.account === account && nowMs < each.untilMs);
}

/** Whether no code of this account is read now, not even a right one. */
export function isStopped(ledger: LinkLedger, account: AccountId, nowMs: number): boolean {
  return hasMissedTooOften(tidy(ledger, nowMs), account);
}

/** The strangers whose code is still good. */
export function waiting({ asks }: LinkLedger, nowMs: number): readonly PairAsk[] {
  return asks.filter(({ untilMs }) => nowMs < untilMs);
}

/** Whether a stranger who spoke would be told something new. */
export function mayAskToPair(ledger: LinkLedger, account: AccountId, nowMs: number): boolean {
  const open = waiting(ledger, nowMs);
  return (
    open.length < MOST_ASKS &&
    [...open, ...ledger.silenced, ...ledger.told].every(
      (each) => each.account !== account || nowMs >= each.untilMs,
    )
  );
}

export function guestWith({ guests }: LinkLedger, account: AccountId, nowMs: number): Guest | undefined {
  return guests.find((each) => each.account === account && nowMs < each.untilMs);
}

/** What somebody called themselves when an account of theirs was linked or let in, or when that was asked for. */
export function namesOf(
  { links, guests, asks, offers }: LinkLedger,
  isTheirs: (account: AccountId) => boolean,
): string[] {
  const claims = offers.flatMap(({ claim: claimed }) => claimed ?? []);
  const named = [...links, ...guests, ...asks, ...claims].filter(({ account }) => isTheirs(account));
  return [...new Set(named.map(({ name }) => name))];
}

// ── Parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The next revision, without what time has ended. */
function tidy(ledger: LinkLedger, nowMs: number): LinkLedger {
  const isOpen = ({ untilMs }: { readonly untilMs: number }) => nowMs < untilMs;
  return {
    rev: ledger.rev + 1,
    links: ledger.links,
    guests: ledger.guests.filter(isOpen),
    ended: endedOf(ledger, nowMs),
    offers: ledger.offers.filter(isOpen),
    asks: ledger.asks.filter(isOpen),
    silenced: ledger.silenced.filter(isOpen),
    told: ledger.told.filter(isOpen),
    misses: ledger.misses.filter(({ atMs }) => nowMs < atMs + MISS_MS),
  };
}

function endedOf({ guests, ended }: LinkLedger, nowMs: number): LinkLedger['ended'] {
  const fresh = guests.filter(({ untilMs }) => untilMs <= nowMs);
  const isFresh = (account: AccountId) => fresh.some((each) => each.account === account);
  return [
    ...ended.filter(({ account }) => !isFresh(account)),
    ...fresh.map(({ account, untilMs }) => ({ account, untilMs: untilMs + REMEMBER_GUEST_MS })),
  ].filter(({ untilMs }) => nowMs < untilMs);
}

function isLinked({ links }: LinkLedger, account: AccountId): boolean {
  return links.some((each) => each.account === account);
}

/** Whoever is somebody is no guest, and waits for nothing. */
function linked<Result extends { readonly code: string }>(
  now: LinkLedger,
  link: Link,
  result: Result,
): LinkStep<Result | { readonly code: 'TOO_MANY' }> {
  if (now.links.length + now.guests.length >= MOST_LINKS) return { result: { code: 'TOO_MANY' } };
  const isOther = (each: { readonly account: AccountId }) => each.account !== link.account;
  const next: LinkLedger = {
    ...now,
    links: [...now.links, link],
    guests: now.guests.filter(isOther),
    ended: now.ended.filter(isOther),
    asks: now.asks.filter(isOther),
    silenced: now.silenced.filter(isOther),
    offers: now.offers.filter((each) => each.claim === undefined || isOther(each.claim)),
  };
  return { result, next };
}

function withOffer(now: LinkLedger, changed: Offer): LinkLedger {
  return { ...now, offers: now.offers.map((each) => (each.id === changed.id ? changed : each)) };
}

function withoutOffer(now: LinkLedger, gone: Offer): LinkLedger {
  return { ...now, offers: now.offers.filter((each) => each !== gone) };
}

/** Those of others, and those of this person. */
function partedBy(offers: readonly Offer[], person: PersonId): readonly [Offer[], Offer[]] {
  return [offers.filter((each) => each.person !== person), offers.filter((each) => each.person === person)];
}

/** Whoever waited for one of these, and for nothing else, may be given a new code. */
function withoutNamed(next: LinkLedger, gone: readonly Offer[]): LinkLedger {
  const isNamedBy = (offers: readonly Offer[], account: AccountId) =>
    offers.some(({ claim }) => claim?.account === account);
  const isFreed = (account: AccountId) =>
    isNamedBy(gone, account) &&
    !isNamedBy(next.offers, account) &&
    !next.asks.some((each) => each.account === account);
  return { ...next, told: next.told.filter(({ account }) => !isFreed(account)) };
}

/** An id is no secret that could be guessed: to name one that waits no more costs nobody a try. */
function unnamed(
  now: LinkLedger,
  { given, by }: Naming,
  near: PairAsk | undefined,
  nowMs: number,
): LinkStep<{ readonly code: 'MISSED' }> {
  return given.hash === undefined ? { result: { code: 'MISSED' } } : missed(now, by.account, near, nowMs);
}

/** A wrong code: counted for the one who gave it, and for the one it was nearest to. */
function missed(
  now: LinkLedger,
  account: AccountId,
  near: Pick<Offer | PairAsk, 'id'> | undefined,
  nowMs: number,
): LinkStep<{ readonly code: 'MISSED' }> {
  const count = <Each extends Offer | PairAsk>(each: Each): Each[] => {
    if (each !== near) return [each];
    return each.tries + 1 >= MOST_TRIES ? [] : [{ ...each, tries: each.tries + 1 }];
  };
  const asks = now.asks.flatMap(count);
  const isVoid = ({ account }: { readonly account: AccountId }) =>
    now.asks.some((each) => each.account === account) && !asks.some((each) => each.account === account);
  const offers = now.offers.flatMap(count);
  const gone = now.offers.filter((each) => !offers.some(({ id }) => id === each.id));
  const next: LinkLedger = {
    ...now,
    offers,
    asks,
    told: now.told.filter((each) => !isVoid(each)),
    misses: [...now.misses, { account, atMs: nowMs }],
  };
  return { result: { code: 'MISSED' }, next: withoutNamed(next, gone) };
}

function hasMissedTooOften({ misses }: LinkLedger, account: AccountId): boolean {
  const own = misses.filter((each) => each.account === account).length;
  return own >= MOST_MISSES || misses.length >= MOST_MISSES_OF_ALL;
}

function isNamed({ hash }: PairAsk, given: Naming['given']): boolean {
  return given.hash === undefined || isSame(hash, given.hash);
}

function isSame(kept: string, given: string): boolean {
  const [a, b] = [Buffer.from(kept), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
