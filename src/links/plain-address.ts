/**
 * Addresses in a text, and how to write them so that nothing opens them. Pure.
 *
 * Programs that scan mail look at every address in it before anybody reads it, and that alone tells its host what stands
 * in it.
 */
import LinkifyIt from 'linkify-it';
import { type AsciiView, asciiViewOf, OTHER_LETTER, type Place } from './ascii-view.ts';

/** Letters of the last part of a host's name, whatever it may be. */
const NAME = `[a-z${OTHER_LETTER}]{2,63}`;

/** Finds those without a scheme, too. */
const LINKIFY = new LinkifyIt({ fuzzyEmail: false, fuzzyIP: true }).tlds([NAME]);

/** What begins with a scheme counts as an address up to the next blank, whatever stands behind it. */
const WITH_SCHEME =
  /(?<![a-z])(?:[a-z][a-z\d+.-]{0,40}:[\\/]{2}|(?:https?|ftp|mailto|xmpp|tel|smsto|sms|callto|sips?|skype|facetime|magnet|news|nntp):)(?=[^\s<>"'`(])/gi;

/** No file is called so, and every client makes a link of it, whatever stands behind it. */
const WWW = /(?<![a-z\d.\\/-])www\.(?=[^\s<>"'`(])/gi;

const LABEL = `[a-z\\d${OTHER_LETTER}_-]{1,63}`;
const HOST = `(?:(?:${LABEL}\\.){1,20}(?:${NAME}|xn--[a-z\\d-]{1,59})|(?:\\d{1,3}\\.){3}\\d{1,3})`;
const NO_WORD_BEFORE = `(?<![a-z\\d${OTHER_LETTER}\\\\])`;

/** The name of a host with something behind it, also where it follows a mark: `at:evil.test/x`, `evil.test./x`. */
const WITH_PATH = new RegExp(
  `${NO_WORD_BEFORE}(?<!(?<!/)/|(?<!\\.)\\.)${HOST}\\.?(?::\\d{1,5})?[/?#](?=[^\\s<>"'\`])`,
  'gi',
);

/** A folder of another machine, as some programs open it: `\\evil.test\x`. */
const SHARE = new RegExp(
  `${NO_WORD_BEFORE}\\\\{2,}(?:${LABEL}\\.)+${LABEL}(?:@\\w+)*[\\\\/]+(?=[^\\s<>"'\`])`,
  'gi',
);

/** The name alone, behind marks before which no other address is found. */
const BEHIND_MARK = new RegExp(`(?<=(?<!\\S)[-_]|:|\\.\\.)${HOST}(?![a-z\\d${OTHER_LETTER}_@-])`, 'gi');

interface Pattern {
  /** Of what an address begins with. */
  readonly head: RegExp;
  readonly hasScheme: boolean;
  /** All that stands behind its head belongs to it. */
  readonly goesOn: boolean;
}

const PATTERNS: readonly Pattern[] = [
  { head: WITH_SCHEME, hasScheme: true, goesOn: true },
  { head: SHARE, hasScheme: true, goesOn: true },
  { head: WWW, hasScheme: false, goesOn: true },
  { head: WITH_PATH, hasScheme: false, goesOn: true },
  { head: BEHIND_MARK, hasScheme: false, goesOn: false },
];

/** A dot for programs that read addresses, though it does not look quite like one. */
const DOT_LIKE = /[\uFF0E\u3002\uFF61\u2024\uFE52]/g;

/** Not those that are broken already. */
const ANY_DOT = /(?<!\[)[.\uFF0E\u3002\uFF61\u2024\uFE52]/g;

/** Times a text is looked through. */
const MOST_ROUNDS = 10;

export interface FoundAddress {
  /** As it stands there. */
  readonly text: string;
  /** With its scheme. */
  readonly url: string;
  readonly from: number;
  readonly to: number;
  /** Nothing but the name of a host. */
  readonly isBareHost: boolean;
}

/** In their order; none overlaps another. */
export function addressesIn(text: string): FoundAddress[] {
  const view = asciiViewOf(text);
  const linked = linkedIn(view.text);
  const known = linked.filter(({ isBareHost }) => !isBareHost);
  const found = [...linked, ...PATTERNS.flatMap((pattern) => markedIn(view.text, pattern, known))];
  // The name of a host may be the beginning of an address only: `done.https://evil.test/x`.
  const whole = leftmost(found.filter(({ isBareHost }) => !isBareHost));
  const bare = leftmost(found.filter(({ isBareHost }) => isBareHost));
  return [...whole, ...besides(whole, bare)].toSorted(byPlace).map((each) => toAddress(each, text, view));
}

interface Found extends Place {
  readonly hasScheme: boolean;
  /** Nothing but the name of a host. */
  readonly isBareHost: boolean;
}

/** Of those that overlap the first, and of those the longest. */
function leftmost(found: readonly Found[]): Found[] {
  let end = 0;
  return found.toSorted(byPlace).filter(({ from, to }) => {
    const isFree = from >= end;
    if (isFree) end = to;
    return isFree;
  });
}

function byPlace(a: Place, b: Place): number {
  return a.from - b.from || b.to - a.to;
}

function toAddress(found: Found, text: string, view: AsciiView): FoundAddress {
  const { from, to } = view.placeOf(found);
  const own = text.slice(from, to);
  const url = found.hasScheme ? asRead(own) : `http://${asRead(own)}`;
  return { text: own, url, from, to, isBareHost: found.isBareHost };
}

function linkedIn(text: string): Found[] {
  return piecesOf(text).reduce<Found[]>((all, { text: piece, at, goesOn }) => {
    for (const { index, lastIndex, schema } of LINKIFY.match(piece) ?? []) {
      const from = at + index;
      // What reaches the end of its piece may go on behind it.
      const to = at + lastIndex + (lastIndex === piece.length ? goesOn : 0);
      if (from < (all.at(-1)?.to ?? 0)) continue;
      const hasScheme = schema !== '';
      all.push({ from, to, hasScheme, isBareHost: !hasScheme && isBareHost(text.slice(from, to)) });
    }
    return all;
  }, []);
}

function isBareHost(address: string): boolean {
  return !/[/?#:\\]|^www\./i.test(address);
}

/** Longest word that is looked at as a whole: what looking takes grows with the square of it. */
const WHOLE_WORD_CHARS = 1_000;

const LONG_WORD = new RegExp(`[^\\p{Z}\\p{Cc}]{${WHOLE_WORD_CHARS + 1},}`, 'gu');

interface Piece {
  readonly text: string;
  readonly at: number;
  /** So much of its word stands behind it. */
  readonly goesOn: number;
}

/** Long words in pieces that overlap each other by half, and what stands between those words. */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  const rest = (to: number) => pieces.push({ text: text.slice(done, to), at: done, goesOn: 0 });
  for (const { 0: word, index } of text.matchAll(LONG_WORD)) {
    rest(index);
    done = index + word.length;
    for (let at = 0; at < word.length; at += WHOLE_WORD_CHARS / 2) {
      const piece = word.slice(at, at + WHOLE_WORD_CHARS);
      pieces.push({ text: piece, at: index + at, goesOn: word.length - at - piece.length });
    }
  }
  rest(text.length);
  return pieces;
}

/** @param known what was found already, in order: one of these may go on behind it, and ends where the next begins */
function markedIn(text: string, { head, hasScheme, goesOn }: Pattern, known: readonly Found[]): Found[] {
  const all: Found[] = [];
  const search = new RegExp(head);
  let stop: Stop = { at: -1, end: -1 };
  let next = 0;
  for (let match = search.exec(text); match; match = search.exec(text)) {
    const from = match.index;
    if (stop.at < search.lastIndex) stop = nextStop(text, search.lastIndex);
    while ((known[next]?.from ?? Number.POSITIVE_INFINITY) <= from) next++;
    const end = goesOn ? endOf(stop, from) : search.lastIndex;
    const to = Math.min(end, known[next]?.from ?? end);
    const same = known[next - 1]?.from === from ? known[next - 1] : undefined;
    const isWhole = same === undefined || (same.to < to && GOES_ON.includes(text.charAt(same.to)));
    if (isWhole) {
      const isBare = !hasScheme && isBareHost(text.slice(from, to));
      all.push({ from, to, hasScheme, isBareHost: isBare });
    }
    search.lastIndex = Math.max(search.lastIndex, isWhole ? to : same.to);
  }
  return all;
}

/** Clients differ in whether an address ends there: `https://a.test/x(y`. */
const GOES_ON = '([{?';

interface Stop {
  /** Of the next character that is in no address. */
  readonly at: number;
  /** Where an address before it ends: what ends a sentence is no part of it. */
  readonly end: number;
}

/** Where nothing but such marks is behind its beginning, they are the address. */
function endOf({ at, end }: Stop, from: number): number {
  return end > from ? end : at;
}

function nextStop(text: string, from: number): Stop {
  const found = text.slice(from).search(/[\s<>"'`]/);
  const at = found === -1 ? text.length : from + found;
  let end = at;
  // From behind: an expression would try each mark there is.
  while (end > 0 && END_MARKS.includes(text.charAt(end - 1))) end--;
  return { at, end };
}

const END_MARKS = '.,;:!?)]}';

/** Those that overlap none that is found already; both in their order. */
function besides<Some extends Place>(found: readonly Place[], more: readonly Some[]): Some[] {
  let next = 0;
  return more.filter(({ from, to }) => {
    while ((found[next]?.to ?? Number.POSITIVE_INFINITY) <= from) next++;
    return (found[next]?.from ?? Number.POSITIVE_INFINITY) >= to;
  });
}

/** Where a text may be cut so that at most so many characters are left: in no address, for its beginning is another one. */
export function cutBesideAddress(text: string, most: number): number {
  const cut = addressesIn(text).find(({ from, to }) => from < most && to > most);
  return cut?.from ?? Math.min(most, text.length);
}

/** `https[:]//evil[.]test/x`: to be read, not followed. */
export function unlinked(text: string): string {
  return withAddresses(text, ({ text: found }) =>
    found
      .replace(/^([^/\\?#:\uFF1A\u2236\uFE55\uA789]*)([:\uFF1A\u2236\uFE55\uA789])(?!\])/, '$1[:]')
      .replaceAll(/[:\uFF1A\u2236\uFE55\uA789](?=[/\\\uFF0F\uFF3C\u2044\u2215\u29F8]{2})/g, '[:]')
      .replaceAll(ANY_DOT, '[.]')
      .replaceAll(/(?<!\[)@/g, '[@]')
      .replace(/^\/\//, '[/]/'),
  );
}

/**
 * The text with something else in place of its addresses. What is left when one is gone may make another one, so it is
 * looked at again.
 *
 * @param by what takes the place of one; undefined: it stays
 */
export function withAddresses(text: string, by: (address: FoundAddress) => string | undefined): string {
  let before = text;
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
    const after = once(before, by);
    if (after === before) break;
    before = after;
  }
  return before;
}

function once(text: string, by: (address: FoundAddress) => string | undefined): string {
  let out = '';
  let at = 0;
  for (const address of addressesIn(text)) {
    out += text.slice(at, address.from) + (by(address) ?? address.text);
    at = address.to;
  }
  return out + text.slice(at);
}

/** As programs read it that make links: letters and dots of other widths are those of addresses. As long as the text. */
function asRead(text: string): string {
  return text
    .replaceAll(DOT_LIKE, '.')
    .replaceAll(/[\uFF01-\uFF5E]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
}

/** Marks of markdown behind an address look like a part of it. */
export function withoutMarks(address: string): string {
  let end = address.length;
  while (end > 0 && MARKS.includes(address.charAt(end - 1))) end--;
  return address.slice(0, end);
}

const MARKS = '*_~|)]\\';
