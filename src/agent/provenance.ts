/**
 * Whether strangers' words have been read in a conversation, and which words are those of people we know.
 *
 * The agent may do what a text says without anybody noticing. So a text of a stranger stays with everything that was
 * written in sight of it: what the agent wrote then is no cleaner than what it had read. Whoever asks is no stranger to
 * their own request: the rules hold them to what they may have done. Pure.
 */

import type { PersonId } from '../domain/ids.ts';
import { isStrangers, type Trust } from '../domain/provenance.ts';
import { isWrittenBy, MORE_SOURCES, sourceOfFile, sourceOfQuote, sourceOfWords } from '../domain/source.ts';
import { withoutEnd } from '../domain/text-end.ts';
import { type Entry, isOwnWords, isSpoken, speakersTrust } from '../domain/transcript.ts';
import { addressesIn, withoutMarks } from '../links/plain-address.ts';
import { isStatementIn } from './statement.ts';

/** Sources that are named to people, at most. */
const MOST_NAMED = 5;
/** Sources that are kept with each answer of the agent, at most; all others are one. */
export const MOST_KEPT = 20;

export interface Reading {
  /** What was read, in words for people: `a page of the web`. Empty: nothing but words of people we know. */
  readonly strangers: readonly string[];
  /** The same whoever asks: all there is. */
  readonly heard: readonly string[];
  /** Whether exactly this, as whole words or as a whole address, was written by somebody we know. */
  readonly isTyped: (text: string) => boolean;
  /**
   * Whether whoever asks said exactly this, as a whole message, whether we know them or not; nothing they planned or passed
   * on is theirs here.
   */
  readonly isOwn: (text: string) => boolean;
  /** Whether this address stands as a whole anywhere in what was read, and is none that the agent put there itself. */
  readonly isSeen: (text: string) => boolean;
}

export const NOTHING_READ: Reading = {
  strangers: [],
  heard: [],
  isTyped: () => false,
  isOwn: () => false,
  isSeen: () => false,
};

/**
 * Of what a model is shown, in the order of the transcript.
 *
 * @param heard what of strangers it is told beside that
 * @param requester who asks
 */
export function readingOf(
  entries: readonly Entry[],
  heard: readonly string[] = [],
  requester?: PersonId,
): Reading {
  const all = strangersOf(entries, heard);
  const labels = all.filter((source) => requester === undefined || !isWrittenBy(source, requester));
  return {
    strangers: labels.slice(0, MOST_NAMED),
    heard: all,
    isTyped: (text) => entries.some((entry) => isTrustedSpeech(entry) && standsWhole(text, entry.text)),
    isOwn: (text) => entries.some((entry) => isSaidNow(entry, requester) && isStatementIn(text, entry.text)),
    isSeen: seenBy(entries),
  };
}

/** With what was written and read in the turn it stands beside. */
export function withOuter(reading: Reading, outer: Pick<Reading, 'isTyped' | 'isSeen'> | undefined): Reading {
  if (!outer) return reading;
  return {
    ...reading,
    isTyped: (text) => reading.isTyped(text) || outer.isTyped(text),
    isSeen: (text) => reading.isSeen(text) || outer.isSeen(text),
  };
}

/** All of strangers there is in it, in words for people, whoever asks: the first of them, and that there is more. */
export function strangersOf(entries: readonly Entry[], heard: readonly string[] = []): string[] {
  const tools = toolsIn(entries);
  return bounded([...heard, ...entries.flatMap((entry) => strangersIn(entry, tools))]);
}

/** Each once. What is left out of them is still there as one that nobody's own words can be. */
export function bounded(sources: readonly string[]): string[] {
  const named = new Set(sources.filter((each) => each !== MORE_SOURCES));
  const isAll = named.size <= MOST_KEPT && !sources.includes(MORE_SOURCES);
  return isAll ? [...named] : [...[...named].slice(0, MOST_KEPT), MORE_SOURCES];
}

/** How far a person is trusted. `roles` carry the permissions they have at that moment. */
export function trustOf(person: { readonly isKnown: boolean; readonly isOwner: boolean }): Trust {
  if (!person.isKnown) return 'outsider';
  return person.isOwner ? 'owner' : 'member';
}

/** Whether a message holds words of others beside those of its author, as far as its form shows. */
export function quotesOthers(text: string): boolean {
  const lines = text.replaceAll(LINE_END, '\n');
  return (
    QUOTED.test(lines) ||
    [...lines.matchAll(LABELLED_LINES)].some(([head]) => YEAR.test(head) && TIME.test(head))
  );
}

/** The same of a line or two that go with something, where a quotation stands in the middle of a line, too. */
export function quotesInNote(text: string): boolean {
  return quotesOthers(text) || QUOTED_IN_LINE.test(text);
}

/** `wrote > …`, `wrote: >…`; no number that something is greater than, and no arrow. */
const QUOTED_IN_LINE = /[:：]\s*>(?!=)|(?:^|[^-=<\p{L}\p{N}])>+\s*(?:[\p{L}“”„«»"'‘’]|>)/u;

/** Whatever begins a new line somewhere. Many of them must not be blanks as well: each would be searched to its end. */
const LINE_END = /\r\n?|[\v\f\u0085\u2028\u2029]/g;

/** A quoted line and no row of a table, the line mail programs draw above what is passed on, the head of a mail that stands in another. */
const QUOTED =
  /^[\p{Zs}\p{Cf}\t]*(?:(?:[-*+•]|\d{1,3}[.)])[\p{Zs}\t]+)*(?:>(?!=)|[＞│┃▌▎]|\|[ \t](?![^\n|]+\|[^\n]*\|[ \t]*$))|^[ \t]*[-_*=]{4,}[ \t]*\p{L}[^\n]{0,80}[-_*=]{4,}[ \t]*$|^[ \t*_]*\p{L}[\p{L} ]{0,20}[*_]{0,2}:[*_]{0,2}[ \t][^\n]{0,200}[<[(][^\s<>]{0,80}@[\p{L}\d-]/mu;

/** `From: … / Sent: … / To: …`: how some mail programs begin what they quote, in whatever language, without addresses. */
const LABELLED_LINES =
  /(?:^[ \t*_]*\p{L}[\p{L} .-]{0,24}[ \t*_]{0,2}[:：][ \t]*\S[^\n]{0,500}(?:\n|$)){3,}/gmu;
/** The head of a mail always says when, to the minute. */
const YEAR = /(?:19|20)\d{2}/u;
const TIME = /\b\d{1,2}[:.h]\d{2}\b/u;

function strangersIn(entry: Entry, tools: ReadonlyMap<string, string>): string[] {
  switch (entry.kind) {
    case 'user': {
      const { from, files = [] } = entry;
      const own = isStrangers(speakersTrust(entry)) ? [sourceOfWords(from)] : [];
      const others = entry.passesOn ? [sourceOfQuote(from)] : [];
      return [...own, ...others, ...files.map(({ name }) => sourceOfFile({ name, person: from.person }))];
    }
    case 'tool-result':
      return entry.trust !== undefined && isStrangers(entry.trust) ? [sourceOf(entry, tools)] : [];
    case 'event': {
      const told = entry.trust !== undefined && isStrangers(entry.trust);
      return [...(entry.strangers ?? []), ...(told ? [`what ${entry.ran?.tool ?? 'a tool'} told`] : [])];
    }
    case 'assistant':
      return entry.strangers ?? [];
    default:
      return entry satisfies never;
  }
}

/** Theirs: not what they pass on, nor what they had planned, whose words the agent chose. */
function isTrustedSpeech(entry: Entry): entry is Extract<Entry, { kind: 'user' }> {
  return isOwnWords(entry) && !isStrangers(speakersTrust(entry));
}

function isSaidNow(entry: Entry, by: PersonId | undefined): entry is Extract<Entry, { kind: 'user' }> {
  return isOwnWords(entry) && by !== undefined && entry.from.person === by;
}

function sourceOf(
  { callId, trust }: Extract<Entry, { kind: 'tool-result' }>,
  tools: ReadonlyMap<string, string>,
): string {
  return `${trust === 'web' ? 'a page of the web' : 'what others wrote'} (${tools.get(callId) ?? 'a tool'})`;
}

/** Which tool was called, by the id of the call. */
function toolsIn(entries: readonly Entry[]): Map<string, string> {
  const calls = entries.flatMap((entry) => (entry.kind === 'assistant' ? entry.calls : []));
  return new Map(calls.toReversed().map(({ id, tool }) => [id, tool]));
}

// ── Whose words a text is ──────────────────────────────────────────────────────────────────────────────────────

/**
 * Whether it is there as a whole. A beginning of an address is another address, and which beginning it is may tell
 * something; so an address counts only from one end to the other, and anything else as whole words.
 */
function standsWhole(text: string, within: string): boolean {
  if (text === '' || isAddressIn(text, within)) return true;
  const parts = text.split(/\s+/).filter((part) => ADDRESS_SIGN.test(part));
  const known = parts.length === 0 ? undefined : partsOf(within);
  if (!parts.every((part) => known?.has(part))) return false;
  for (let at = within.indexOf(text); at !== -1; at = within.indexOf(text, at + 1)) {
    if (!isWithinWord(within, at) && !isWithinWord(within, at + text.length)) return true;
  }
  return false;
}

/** The same address where only the secure way to it is asked for: nothing but that can be fetched. */
function isAddressIn(text: string, within: string): boolean {
  if (!ADDRESS_SIGN.test(text) || /\s/.test(text)) return false;
  const asked = [text, text.replace(/^https:/i, 'http:')];
  return addressesIn(within)
    .flatMap((address) => [address.text, address.url])
    .some((address) => asked.includes(address) || asked.includes(withoutMarks(address)));
}

const ADDRESS_SIGN = /[./:@?&=%#\\]/;

/** What stands between spaces and brackets, as it is and without the marks around it. */
function partsOf(text: string): Set<string> {
  const parts = text.split(/[\s<>|]+|\]\(/);
  return new Set(
    parts.flatMap((part) => [part, withoutEnd(part.replace(/^\p{P}+/u, ''), /[^\p{L}\p{N}/]/u)]),
  );
}

/** Of scripts that put no space between words, each letter is one. */
const LETTER =
  /^(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{N}\p{M}_]$/u;

function isWithinWord(text: string, at: number): boolean {
  const before = [...text.slice(Math.max(0, at - 2), at)].at(-1) ?? '';
  const [after = ''] = text.slice(at, at + 2);
  return LETTER.test(before) && LETTER.test(after);
}

/** Looks up whole addresses; each entry is looked through once. */
function seenBy(entries: readonly Entry[]): Reading['isSeen'] {
  const words = once((entry: AgentEntry) => ownTexts(entry).map(loosely));
  const addresses = once((entry: OthersEntry) => new Set(othersAddresses(entry)));
  return (address) => isSeenIn(entries, address, { words, addresses });
}

type AgentEntry = Extract<Entry, { kind: 'assistant' }>;
type OthersEntry = Exclude<Entry, { kind: 'assistant' }>;

/** What is made of one is made once. */
function once<From extends object, To>(make: (from: From) => To): (from: From) => To {
  const made = new Map<From, To>();
  return (from) => {
    const known = made.get(from) ?? make(from);
    made.set(from, known);
    return known;
  };
}

/** What the agent wrote comes back to it in words of tools: from then on it is the agent's, unless a person writes it. */
function isSeenIn(
  entries: readonly Entry[],
  address: string,
  of: {
    readonly words: (entry: AgentEntry) => readonly string[];
    readonly addresses: (entry: OthersEntry) => ReadonlySet<string>;
  },
): boolean {
  const wanted = loosely(address);
  let isOwn = false;
  for (const entry of entries) {
    if (entry.kind === 'assistant') isOwn ||= of.words(entry).some((each) => each.includes(wanted));
    else if ((entry.kind === 'user' || !isOwn) && of.addresses(entry).has(address)) return true;
  }
  return false;
}

/** As they stand there, with their scheme, and without marks of markdown behind them. */
function othersAddresses(entry: OthersEntry): string[] {
  const texts = isOthers(entry) ? textsOf(entry) : [];
  const seen = entry.kind === 'tool-result' && entry.status === 'ok' ? (entry.seen ?? []) : [];
  const found = texts.flatMap(addressesIn).flatMap(({ text, url }) => [text, url]);
  return [...found, ...seen].flatMap((address) => [address, withoutMarks(address)]);
}

/**
 * Nothing in it was put together of what the agent wrote. A refusal repeats what was asked for, and what the gateway
 * says of itself repeats the calls it speaks of.
 */
function isOthers(entry: Exclude<Entry, { kind: 'assistant' }>): boolean {
  // What was planned may be the agent's: it chose the words.
  if (entry.kind === 'user') return isSpoken(entry);
  const status = entry.kind === 'event' ? entry.ran?.status : entry.status;
  return status === 'ok' && entry.composed !== true;
}

function ownTexts({ text, calls }: Extract<Entry, { kind: 'assistant' }>): string[] {
  return [text, ...calls.flatMap(({ tool, input }) => [tool, ...stringsIn(input)])];
}

/** Every text in it, and every name of a part. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => [key, ...stringsIn(each)]);
}

/** The same for addresses that lead to the same place, as far as tools write them in another way than they were given. */
function loosely(text: string): string {
  return text
    .replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/[\s\p{Cc}\p{Cf}\\]/gu, '')
    .toLowerCase();
}

function textsOf(entry: Exclude<Entry, { kind: 'assistant' }>): string[] {
  // The gateway's sentence repeats the call; what the call told stands beside it.
  if (entry.kind === 'event' && entry.told !== undefined) return [entry.told];
  if (entry.kind !== 'user') return [entry.text];
  return [
    entry.text,
    ...(entry.files ?? []).flatMap((file) => (file.kind === 'text' ? [file.name, file.text] : [file.name])),
  ];
}
