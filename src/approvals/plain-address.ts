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
  const found: FoundAddress[] = (LINKIFY.match(folded) ?? []).map(
    ({ url, index: from, lastIndex: to, schema }) => {
      const own = text.slice(from, to);
      return { text: own, url, from, to, isBareHost: schema === '' && !/[/?#:]/.test(asRead(own)) };
    },
  );
  const others = [...folded.matchAll(WITH_SCHEME)]
    .map(({ 0: match, index: from }) => ({ from, to: from + withoutEnd(match).length }))
    .filter(({ from, to }) => !found.some((each) => each.from < to && from < each.to))
    .map(({ from, to }) => ({
      text: text.slice(from, to),
      url: folded.slice(from, to),
      from,
      to,
      isBareHost: false,
    }));
  return [...found, ...others].toSorted((a, b) => a.from - b.from);
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

/** What ends a sentence is no part of an address. */
function withoutEnd(address: string): string {
  return address.replace(/[.,;:!?)\]}]+$/, '') || address;
}
