/**
 * Where accounts are linked to people and strangers are let in, wherever that is done: a command, a button, a terminal.
 *
 * Owns      making and reading codes, who may do what here, the audit.
 * Not here  what a step does (`domain/link.ts`), what people are told of it (`router/link-news.ts`).
 *
 * Invariants
 *   1. Only an account of `contacts.yaml` vouches for a person: what was linked links nothing further.
 *   2. Who may pair is checked here, at the moment of the act; each check is in the audit with what decided.
 *   3. One gesture changes something once, however often it is delivered; a code is told once, and kept as a hash.
 *   4. No code is in the audit.
 */
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Clock } from '../domain/clock.ts';
import type { AccountId, PersonId } from '../domain/ids.ts';
import {
  type AdmitResult,
  type AdoptResult,
  type AskResult,
  admit,
  adopt,
  askToPair,
  type Claim,
  type Claimed,
  type ClaimResult,
  type ConfirmResult,
  claim,
  confirm,
  decline,
  type GivenCode,
  type Guest,
  isStopped,
  type Link,
  type LinkLedger,
  type LinkStep,
  mayAskToPair,
  type Offer,
  offer,
  type PairAsk,
  type Place,
  type ProposeResult,
  propose,
  type TurnAwayResult,
  turnAway,
  type UnlinkResult,
  unlink,
} from '../domain/link.ts';
import type { Person } from '../domain/person.ts';
import type { Effect } from '../redis/effects.ts';
import type { Directory } from './directory.ts';
import type { LinkBook } from './link-book.ts';
import { newCode, readCode } from './link-code.ts';

/** What people are to be told of; `code` is the one they need for the next step. */
export type LinkNews =
  | { readonly kind: 'claimed'; readonly offer: Claimed; readonly code: string }
  | { readonly kind: 'linked'; readonly link: Link; readonly offer: Claimed }
  | { readonly kind: 'adopted'; readonly link: Link; readonly ask: PairAsk | undefined }
  | { readonly kind: 'declined'; readonly offers: readonly Offer[] }
  /** Something newer of the same person has made these void. */
  | { readonly kind: 'displaced'; readonly offers: readonly Offer[] }
  | { readonly kind: 'unlinked'; readonly link: Link }
  | { readonly kind: 'asked'; readonly ask: PairAsk; readonly code: string; readonly wasGuest: boolean }
  | { readonly kind: 'admitted'; readonly guest: Guest; readonly ask: PairAsk }
  | { readonly kind: 'turned-away'; readonly ask: PairAsk };

/** Writes down what people are told, with the change itself. */
export type LinkTelling = (
  news: LinkNews,
  cause: { readonly id: string; readonly atMs: number },
) => readonly Effect[];

/** Somebody does something about links. */
export interface LinkGesture {
  /** The same on every delivery. */
  readonly id: string;
  readonly account: AccountId;
  readonly channel: string;
  /** As the audit names them. */
  readonly actor: string;
}

/** Somebody who acts as one we know. */
export interface Known extends LinkGesture {
  readonly person: Pick<Person, 'id' | 'roles'>;
}

/** An earlier delivery of the same gesture did it. */
export type Replayed = { readonly code: 'REPLAY' };
/** Only an account of `contacts.yaml` may do this. */
export type SecondHand = { readonly code: 'SECOND_HAND' };
export type NotPermitted = { readonly code: 'NOT_PERMITTED' };

export interface LinkDeskDeps {
  readonly book: LinkBook;
  readonly directory: Directory;
  /** How long a gesture is remembered, in ms. */
  readonly rememberMs: () => number;
  readonly clock: Clock;
}

export class LinkDesk {
  #tell: LinkTelling = () => [];

  constructor(private readonly deps: LinkDeskDeps) {}

  /** What is written with each change for people to read. Before that, or where nothing is sent, nobody is told. */
  followedBy(tell: LinkTelling): void {
    this.#tell = tell;
  }

  // ── By a code ──────────────────────────────────────────────────────────────────────────────────────────────

  /** `place`: where the person will be asked whether it is them. */
  async offer(
    gesture: Known,
    place: Place,
  ): Promise<
    { code: 'OFFERED'; text: string; untilMs: number } | { code: 'TOO_MANY' } | Replayed | SecondHand
  > {
    if (!this.#vouches(gesture)) return { code: 'SECOND_HAND' };
    const code = await newCode();
    const { account: from, person } = gesture;
    const wish = { id: code.id, hash: code.hash, person: person.id, from, place };
    const result = await this.#apply(
      gesture,
      (ledger, nowMs) => offer(ledger, wish, nowMs),
      (result) => ({
        event: 'identity.offered',
        subject: from,
        detail: { person: person.id },
        ...(result.code === 'OFFERED' ? { displaced: result.displaced } : {}),
      }),
    );
    if (result.code !== 'OFFERED') return result;
    return { code: 'OFFERED', text: code.text, untilMs: result.offer.untilMs };
  }

  /** Of an account that belongs to nobody yet. */
  async claim(
    gesture: LinkGesture,
    given: GivenCode,
    by: Omit<Claim, 'account'>,
  ): Promise<ClaimResult | Replayed> {
    const { account } = gesture;
    const confirming = await newCode(given.id);
    const isOwned = this.deps.directory.isConfigured(account);
    const claiming = { given, by: { ...by, account }, isOwned, confirmHash: confirming.hash };
    return this.#apply<ClaimResult>(
      gesture,
      (ledger, nowMs) => claim(ledger, claiming, nowMs),
      (result) =>
        result.code === 'CLAIMED'
          ? {
              event: 'identity.claimed',
              subject: account,
              detail: { person: result.offer.person, from: result.offer.from },
              news: { kind: 'claimed', offer: result.offer, code: confirming.text },
            }
          : missedEvent(gesture, result.code),
    );
  }

  async confirm(gesture: Known, given: GivenCode): Promise<ConfirmResult | Replayed | SecondHand> {
    if (!this.#vouches(gesture)) return { code: 'SECOND_HAND' };
    const { account, person } = gesture;
    const confirming = { given, person: person.id, account, isOwned: this.#isOwned };
    return this.#apply<ConfirmResult>(
      gesture,
      (ledger, nowMs) => confirm(ledger, confirming, nowMs),
      (result) =>
        result.code === 'LINKED'
          ? {
              ...linkedEvent(result.link, result.offer.from),
              news: { kind: 'linked', link: result.link, offer: result.offer },
            }
          : missedEvent(gesture, result.code),
    );
  }

  async decline(gesture: Known): Promise<{ code: 'DECLINED' | 'NONE' } | Replayed> {
    return this.#apply<ReturnType<typeof decline>['result']>(
      gesture,
      (ledger, nowMs) => decline(ledger, gesture.person.id, nowMs),
      (result) => ({
        event: 'identity.declined',
        subject: gesture.account,
        detail: { person: gesture.person.id },
        ...(result.code === 'DECLINED' ? { news: { kind: 'declined', offers: result.offers } } : {}),
      }),
    );
  }

  // ── Taking back ────────────────────────────────────────────────────────────────────────────────────────────

  /** By whomever it belongs to, from whichever account of theirs. */
  async unlink(gesture: Known, account: AccountId): Promise<UnlinkResult | Replayed> {
    return this.#unlink(gesture, { account, person: gesture.person.id });
  }

  /** By whoever runs the gateway, who may put a guest out as well; the person hears of it. */
  async takeBack(gesture: LinkGesture, account: AccountId): Promise<UnlinkResult | Replayed> {
    return this.#unlink(gesture, { account });
  }

  async #unlink(
    gesture: LinkGesture,
    wish: { readonly account: AccountId; readonly person?: PersonId },
  ): Promise<UnlinkResult | Replayed> {
    const { account, person } = wish;
    return this.#apply<UnlinkResult>(
      gesture,
      (ledger, nowMs) => unlink(ledger, wish, nowMs),
      (result) => {
        if (result.code !== 'UNLINKED') return { event: 'identity.put-out', subject: account, detail: {} };
        const { link } = result;
        const news = person === undefined ? { news: { kind: 'unlinked' as const, link } } : {};
        return { event: 'identity.unlinked', subject: account, detail: { person: link.person }, ...news };
      },
    );
  }

  /** By whoever runs the gateway: as if it stood in `contacts.yaml`. */
  async adopt(gesture: LinkGesture, account: AccountId, person: PersonId): Promise<AdoptResult | Replayed> {
    const wish = { account, person, by: gesture.actor, isOwned: this.#isOwned(account) };
    return this.#apply<AdoptResult>(
      gesture,
      (ledger, nowMs) => adopt(ledger, wish, nowMs),
      (result) => ({
        ...('link' in result
          ? linkedEvent(result.link, gesture.account)
          : refusedEvent(account, result.code)),
        ...('link' in result ? { news: { kind: 'adopted', link: result.link, ask: result.ask } } : {}),
      }),
    );
  }

  // ── Strangers ──────────────────────────────────────────────────────────────────────────────────────────────

  /** A stranger spoke to the agent: they are given a code, and whoever may pair hears of it. */
  async askToPair(
    gesture: LinkGesture,
    { name, place }: Omit<Claim, 'account'>,
  ): Promise<AskResult | Replayed> {
    const { book, clock } = this.deps;
    // Before anything is worked out: strangers can write as much as they like.
    if (!mayAskToPair(await book.now(), gesture.account, clock.now())) return { code: 'AGAIN' };
    const code = await newCode();
    const ask = { id: code.id, hash: code.hash, account: gesture.account, name, place };
    return this.#apply<AskResult>(
      gesture,
      (ledger, nowMs) => askToPair(ledger, ask, nowMs),
      (result) => ({
        event: 'identity.asked',
        subject: gesture.account,
        detail: {},
        ...(result.code === 'ASKED'
          ? { news: { kind: 'asked', ask: result.ask, code: code.text, wasGuest: result.wasGuest } }
          : {}),
      }),
    );
  }

  /** Says who a stranger is; that person has to confirm it. */
  async propose(
    gesture: Known,
    given: GivenCode,
    wish: { readonly person: PersonId; readonly place: Place },
  ): Promise<ProposeResult | Replayed | NotPermitted> {
    if (!(await this.#mayPair(gesture))) return { code: 'NOT_PERMITTED' };
    const code = await newCode();
    const { id, hash } = code;
    const proposal = { given, by: gesture.account, isOwned: this.#isOwned, offer: { id, hash, ...wish } };
    return this.#apply<ProposeResult>(
      gesture,
      (ledger, nowMs) => propose(ledger, proposal, nowMs),
      (result) =>
        result.code === 'CLAIMED'
          ? {
              event: 'identity.proposed',
              subject: result.offer.claim.account,
              detail: { person: wish.person },
              news: { kind: 'claimed', offer: result.offer, code: code.text },
              displaced: result.displaced,
            }
          : missedEvent(gesture, result.code),
    );
  }

  /** Lets a stranger talk to the agent, for so long, in ms. */
  async admit(
    gesture: Known,
    given: { readonly id: string; readonly hash?: string },
    forMs: number,
  ): Promise<AdmitResult | Replayed | NotPermitted> {
    if (!(await this.#mayPair(gesture))) return { code: 'NOT_PERMITTED' };
    const by = { account: gesture.account, person: gesture.person.id };
    return this.#apply<AdmitResult>(
      gesture,
      (ledger, nowMs) => admit(ledger, { given, by, forMs }, nowMs),
      (result) =>
        result.code === 'ADMITTED'
          ? {
              event: 'identity.admitted',
              subject: result.guest.account,
              detail: { until: new Date(result.guest.untilMs).toISOString() },
              news: { kind: 'admitted', guest: result.guest, ask: result.ask },
            }
          : missedEvent(gesture, result.code),
    );
  }

  async turnAway(
    gesture: Known,
    given: { readonly id: string; readonly hash?: string },
  ): Promise<TurnAwayResult | Replayed | NotPermitted> {
    if (!(await this.#mayPair(gesture))) return { code: 'NOT_PERMITTED' };
    const by = { account: gesture.account, person: gesture.person.id };
    return this.#apply<TurnAwayResult>(
      gesture,
      (ledger, nowMs) => turnAway(ledger, { given, by }, nowMs),
      (result) =>
        result.code === 'TURNED_AWAY'
          ? {
              event: 'identity.turned-away',
              subject: result.ask.account,
              detail: {},
              news: { kind: 'turned-away', ask: result.ask },
            }
          : missedEvent(gesture, result.code),
    );
  }

  /** Reads what somebody wrote as a code; `WAIT` after too many wrong ones, `undefined` for what is no code. */
  async read(account: AccountId, text: string): Promise<GivenCode | 'WAIT' | undefined> {
    const { book, clock } = this.deps;
    if (isStopped(await book.now(), account, clock.now())) return 'WAIT';
    return readCode(text);
  }

  mayPair(roles: readonly string[]): boolean {
    return this.#pairingRule(roles) !== undefined;
  }

  // ── Checking ───────────────────────────────────────────────────────────────────────────────────────────────

  #vouches({ account, person }: Known): boolean {
    const { directory } = this.deps;
    return directory.isConfigured(account) && directory.personOf(account)?.id === person.id;
  }

  readonly #isOwned = (account: AccountId): boolean => this.deps.directory.isConfigured(account);

  #pairingRule(roles: readonly string[]): string | undefined {
    const { directory } = this.deps;
    for (const permission of ['pair', 'operate'] as const) {
      const carrying = roles.filter((role) => directory.may([role], permission));
      if (carrying.length > 0) return `permission ${permission} of ${carrying.join(', ')}`;
    }
    return undefined;
  }

  async #mayPair({ id, actor, channel, person }: Known): Promise<boolean> {
    const rule = this.#pairingRule(person.roles);
    const event: AuditEvent = {
      event: rule === undefined ? 'authorization.deny' : 'authorization.allow',
      actor,
      subject: 'strangers',
      correlation: id,
      channel,
      detail: { action: 'pair', rule: rule ?? 'no role has the permission pair' },
    };
    const once = { key: `link-checked:${id}`, forMs: this.deps.rememberMs() };
    await this.deps.book.record([{ kind: 'audit', event }], once);
    return rule !== undefined;
  }

  // ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────

  async #apply<Result extends { readonly code: string }>(
    { id, actor, channel }: LinkGesture,
    decide: (ledger: LinkLedger, nowMs: number) => LinkStep<Result>,
    toHappening: (result: Result) => Happening,
  ): Promise<Result | Replayed> {
    const { book, rememberMs } = this.deps;
    const once = { key: `link:${id}`, forMs: rememberMs() };
    const result = await book.apply(
      decide,
      (decided, atMs) => {
        const { news, displaced = [], ...event } = toHappening(decided);
        const isWaitedFor = displaced.some(({ claim }) => claim !== undefined);
        return [
          { kind: 'audit', event: { ...event, actor, channel, correlation: id } },
          ...(news ? this.#tell(news, { id, atMs }) : []),
          ...(isWaitedFor ? this.#tell({ kind: 'displaced', offers: displaced }, { id, atMs }) : []),
        ];
      },
      once,
    );
    return result ?? { code: 'REPLAY' };
  }
}

/** What the audit says of a change, and what people are told. */
type Happening = Pick<AuditEvent, 'event' | 'subject' | 'detail'> & {
  readonly news?: LinkNews;
  /** What it has made void. */
  readonly displaced?: readonly Offer[];
};

/** Both accounts, so that it can be found by either. */
function linkedEvent({ account, person, confirmedBy }: Link, from: AccountId): Happening {
  return { event: 'identity.linked', subject: account, detail: { account, person, from, confirmedBy } };
}

function missedEvent({ account }: LinkGesture, code: string): Happening {
  return code === 'MISSED'
    ? { event: 'identity.missed', subject: account, detail: {} }
    : refusedEvent(account, code);
}

function refusedEvent(account: AccountId, code: string): Happening {
  return { event: 'identity.refused', subject: account, detail: { result: code } };
}
