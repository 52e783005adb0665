/**
 * Addresses in a text, and how to write them so that nothing opens them. Pure.
 *
 * Programs that scan mail look at every address in it before anybody reads it, and that alone tells its host what stands
 * in it.
 */
import LinkifyIt from 'linkify-it';

/** Finds those without a scheme, too, under whatever name a host may have. */
const LINKIFY = new LinkifyIt({ fuzzyEmail: false, fuzzyIP: true }).tlds(['[a-z]{2,63}']);

/** What begins with a scheme counts as an address up to the next blank, whatever stands behind it. */
const WITH_SCHEME =
  /(?<![\p{L}\p{N}+.-])(?:[a-z][a-z\d+.-]*:[\\/]{2}|(?:https?|ftp|mailto|xmpp):)(?=[^\s<>"'`(])[^\s<>"'`]+/giu;

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
  const folded = asRead(text);
  const found = piecesOf(folded).reduce<FoundAddress[]>((all, { text: piece, at, goesOn }) => {
    for (const { url, index, lastIndex, schema } of LINKIFY.match(piece) ?? []) {
      const from = at + index;
      // What reaches the end of its piece may go on behind it.
      const to = at + lastIndex + (lastIndex === piece.length ? goesOn : 0);
      if (from < (all.at(-1)?.to ?? 0)) continue;
      const own = text.slice(from, to);
      const isBareHost = schema === '' && !/[/?#:]/.test(asRead(own));
      all.push({ text: own, url: url + folded.slice(at + lastIndex, to), from, to, isBareHost });
    }
    return all;
  }, []);
  const others = besides(found, withScheme(folded)).map(({ from, to }) => ({
    text: text.slice(from, to),
    url: folded.slice(from, to),
    from,
    to,
    isBareHost: false,
  }));
  return [...found, ...others].toSorted((a, b) => a.from - b.from);
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

type Span = Pick<FoundAddress, 'from' | 'to'>;

function withScheme(text: string): Span[] {
  return [...text.matchAll(WITH_SCHEME)].map(({ 0: match, index: from }) => ({
    from,
    to: from + withoutEnd(match).length,
  }));
}

/** Those that overlap none that is found already; both in their order. */
function besides(found: readonly Span[], spans: readonly Span[]): Span[] {
  let next = 0;
  return spans.filter(({ from, to }) => {
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
      .replace(/^([a-z][a-z\d+.-]*):/i, '$1[:]')
      .replaceAll('://', '[:]//')
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

/** What ends a sentence is no part of an address. From behind: an expression would try each mark there is. */
function withoutEnd(address: string): string {
  let end = address.length;
  while (end > 0 && END_MARKS.includes(address.charAt(end - 1))) end--;
  return address.slice(0, end) || address;
}

const END_MARKS = '.,;:!?)]}';

/** Marks of markdown behind an address look like a part of it. */
export function withoutMarks(address: string): string {
  let end = address.length;
  while (end > 0 && MARKS.includes(address.charAt(end - 1))) end--;
  return address.slice(0, end);
}

const MARKS = '*_~|)]\\';
