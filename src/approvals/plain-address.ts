/**
 * Addresses in a text, and how to write them so that nothing opens them. Pure.
 *
 * Programs that scan mail look at every address in it before anybody reads it, and that alone tells its host what stands
 * in it.
 */
import LinkifyIt from 'linkify-it';

/** Finds those without a scheme, too, under whatever name a host may have. */
const LINKIFY = new LinkifyIt({ fuzzyEmail: false }).tlds(['[a-z]{2,63}']);

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
  return (LINKIFY.match(text) ?? []).map(({ text: found, url, index: from, lastIndex: to, schema }) => ({
    text: found,
    url,
    from,
    to,
    isBareHost: schema === '' && !found.includes('/'),
  }));
}

/** `https[:]//evil[.]test/x`: to be read, not followed. */
export function unlinked(text: string): string {
  return withAddresses(text, ({ text: found }) =>
    found.replaceAll('://', '[:]//').replaceAll('.', '[.]').replaceAll('@', '[@]').replace(/^\/\//, '[/]/'),
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
    const { from, to } = address;
    const isCode = text[from - 1] === '`' && text[to] === '`';
    out += text.slice(at, from) + ((isCode ? undefined : by(address)) ?? address.text);
    at = to;
  }
  return out + text.slice(at);
}
