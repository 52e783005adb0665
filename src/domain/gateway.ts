/**
 * The port every chat platform plugs into.
 *
 * A gateway translates and carries; it does not decide. Routing, identity, authorisation, approvals and wording
 * all belong to the code behind `Receive`.
 */
import type { FormOffer, FormWish } from './form.ts';
import type { AccountId, Platform } from './ids.ts';
import type { Address, Inbound, OutboundMessage, Receipt, Sender, Sent } from './message.ts';
import type { Tool } from './tool.ts';

/**
 * Takes something in. Resolves once it is stored (or refused for good), so a gateway acknowledges its platform
 * after this resolves and never before. Rejects when it could not be stored; the gateway then lets the platform
 * see a failure, so that it delivers again.
 */
export type Receive = (inbound: Inbound) => Promise<Receipt>;

/** What a gateway may ask the core: to help somebody fill in a command, to look for what they said. */
export interface Lookup {
  /** Approvals that wait and that this account may answer, the next to expire first. */
  approvalsFor(sender: Pick<Sender, 'account' | 'groups'>, most: number): Promise<readonly WaitingApproval[]>;

  /** The form for an answer that takes more than a press; absent where nothing is asked by cards. Writes nothing. */
  formFor?(wish: FormWish): Promise<FormOffer>;

  /** Accounts on this platform of everybody we know; absent where nobody is known. */
  accountsOn?(platform: Platform): readonly AccountId[];
}

export interface WaitingApproval {
  /** Names the request and what of it was shown; see `ticketOf`. */
  readonly ticket: string;
  /** One line, from the arguments. Plain text. */
  readonly title: string;
}

export interface Gateway {
  readonly platform: Platform;

  /** Connects and begins handing things to `receive`. Resolves when connected. */
  start(receive: Receive, lookup: Lookup): Promise<void>;

  /** Stops taking things in, then waits for those already taken. Safe to call twice. */
  stop(): Promise<void>;

  /**
   * Delivers one message and resolves with the platform's reference to it. Splits what is too long.
   * A message with the same `id` that already reached the platform is found, not sent twice, as far as the
   * platform allows it.
   *
   * @throws {RateLimitedError} when the platform asks us to wait
   * @throws {UndeliverableError} when trying again cannot help
   */
  send(message: OutboundMessage, signal: AbortSignal): Promise<Sent>;

  /** Where a person with this account is reached directly; undefined where there is no such place. Pure. */
  directAddress(account: AccountId): Address | undefined;

  /** Where a channel is written to, by the id the platform gives it; absent where there are none. Pure. */
  channelAddress?(channel: string): Address;

  /**
   * Whether what is sent there is read by one person and nobody else: a direct message, a mail to its author. False where
   * nothing is known; absent where everything is read by others. Pure.
   */
  isPrivate?(place: Address): boolean;

  /** The address under which people see the place in the platform itself; absent where there is none. Pure. */
  linkTo?(place: Address): string | undefined;

  /**
   * The same place, where what is sent names these accounts, so that it reaches them; absent where those who are asked
   * are reached without. Pure.
   */
  naming?(place: Address, accounts: readonly AccountId[]): Address;

  /**
   * Reads a file that came with a message, by its `ref`; absent where files come inside messages.
   *
   * @throws {UndeliverableError} when it is gone, or larger than `MAX_INLINE_BYTES`
   */
  download?(ref: string, signal: AbortSignal): Promise<Uint8Array>;

  /** Whether a text goes out in one message, and not in several one after the other; absent where each does. Pure. */
  isOneMessage?(markdown: string): boolean;

  /** What was sent stays as it is (mail): an update of a card is a further message, so only outcomes are worth one. */
  readonly cannotEdit?: true;

  /** What is for one person alone is read by others, too: there is no word in private here (an issue). */
  readonly tellsEverybody?: true;

  /** How fast one channel of this platform may be posted to; absent where there is no such limit. */
  readonly pace?: Pace;

  /** Shows that work is going on before there is an answer; absent where a platform has no such thing. */
  readonly progress?: Progress;

  /** What the agent can look up and do on this platform; absent where it only talks. */
  readonly tools?: readonly Tool[];

  /**
   * Tries the connection with the configured credentials; used by `signalbox check`. Never throws. `unreached`: accounts
   * here of people who may approve, and whom nobody can ask about what comes from another platform.
   */
  check(unreached?: readonly AccountId[]): Promise<CheckFinding[]>;

  /** What keeps it from its platform although it was started, until that is mended; undefined while it works. Pure. */
  trouble?(): Trouble | undefined;
}

/** Why a gateway that runs does not work, and what to do about it. */
export interface Trouble {
  readonly sinceMs: number;
  /** What happened, to which thing; without secrets. */
  readonly detail: string;
  /** The next step. */
  readonly remedy: string;
  /** It is connected, and only some of what was asked for does not work. */
  readonly partly?: true;
}

export interface Pace {
  /** Posts to one channel within `perMs`, at most. */
  readonly posts: number;
  readonly perMs: number;
  /** What counts as one channel. Pure. */
  channelOf(to: Address): string;
}

export interface Progress {
  /**
   * Creates, or with `ref` updates, the one message that shows progress on the reply with idempotency key `key`.
   * Resolves with the reference to pass as `replaces` when the reply itself is sent. Best effort.
   */
  show(update: ProgressUpdate, signal: AbortSignal): Promise<string>;

  /**
   * Changes what some attempt, in whichever process, showed under `key`, when no reply will take its place; with `ref`
   * it is looked for there first, however long ago that was. A reply stays as it is. Resolves with its reference; with
   * undefined, having said nothing, where no progress stands there.
   */
  settle(update: ProgressUpdate, signal: AbortSignal): Promise<string | undefined>;
}

export interface ProgressUpdate {
  readonly to: Address;
  readonly key: string;
  readonly markdown: string;
  readonly ref?: string;
}

/** One line of `signalbox check`: what was tried, how it went, and what to do about it. */
export interface CheckFinding {
  readonly subject: string;
  readonly status: 'works' | 'missing' | 'failed';
  readonly detail: string;
  /** The next step, when the status is not `works`. */
  readonly remedy?: string;
}

/** Where a gateway keeps its reading position (an IMAP cursor), outside the process. */
export interface Bookmarks {
  read(name: string): Promise<string | undefined>;
  write(name: string, value: string): Promise<void>;
}

/** How far a gateway has read in many places (the channels of Discord), for all its processes together. */
export interface Places {
  /** Position by place, whichever process advanced it. */
  load(name: string): Promise<ReadonlyMap<string, string>>;
  /** Moves places on, never back; the `most` that are furthest on are kept. */
  advance(name: string, marks: PlaceMarks, most: number): Promise<void>;
}

/** Positions are whole decimal numbers, of any length. */
export interface PlaceMarks {
  /** Everything up to there has been read. */
  readonly read: ReadonlyMap<string, string>;
  /** To be read from there on; counts where nothing else is known. */
  readonly begun: ReadonlyMap<string, string>;
  readonly forgotten: readonly string[];
}

/**
 * What waits for clients that come and go: each client's events in order, kept up to a bound, each with a position
 * to read on from. Every process sees the same.
 */
export interface ClientLog {
  /** Once per `key`; a repetition changes nothing and resolves with the position of the first. */
  append(client: string, key: string, event: string): Promise<number>;

  /** What comes after a position, oldest first; 0 is before everything. */
  read(client: string, after: number, most: number): Promise<ClientEvents>;

  /** Resolves when `read` would have something, or when the signal aborts. */
  changed(client: string, after: number, signal: AbortSignal): Promise<void>;
}

export interface ClientEvents {
  readonly events: readonly ClientEvent[];
  /** Something between the position and these events is no longer kept, or the position is not of this log. */
  readonly missed: boolean;
  /** Where to read on: the position of the last of these, or of the last there was where they are gone. */
  readonly next: number;
}

export interface ClientEvent {
  /** 1, 2, 3, … without gaps. */
  readonly position: number;
  readonly event: string;
}
