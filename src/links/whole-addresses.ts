/**
 * Which addresses stand whole in a part of a text. Pure.
 *
 * The beginning of an address is another address, and whoever chooses where a text is cut chooses which one: what is cut
 * at the edge of a part counts as none.
 */

import { cutBefore } from '../domain/text-cut.ts';
import { addressesIn, type FoundAddress } from './plain-address.ts';

/** Looked at behind an edge, in characters; what goes on further than that is whole in no part. */
const BEYOND = 10_000;

/** As they stand there, and with their scheme, each once. */
export function wholeAddressesIn(text: string, from: number, to: number): string[] {
  const found = around(text, from, to).filter((each) => each.from >= from && each.to <= to);
  return [...new Set(found.flatMap(({ text: own, url }) => [own, url]))];
}

/** As `cutBefore`, and in front of an address that it would cut, where that leaves half of what there may be. */
export function cutBeforeAddress(text: string, most: number): number {
  const end = cutBefore(text, most);
  if (end >= text.length) return end;
  const half = Math.floor(most / 2);
  const cut = around(text, half, end).find((each) => each.from < end && each.to > end);
  return cut && cut.from >= half ? cut.from : end;
}

/** Those that are at least in part there, by their places in the whole text; none that may go on beyond what was looked at. */
function around(
  text: string,
  from: number,
  to: number,
): Pick<FoundAddress, 'from' | 'to' | 'text' | 'url'>[] {
  const [start, end] = [startOfWord(text, from), endOfWord(text, to)];
  return addressesIn(text.slice(start, end))
    .map((each) => ({ ...each, from: each.from + start, to: each.to + start }))
    .filter((each) => (each.from > start || isEdge(text, start)) && (each.to < end || isEdge(text, end)));
}

const BLANK = /[\p{Z}\p{Cc}]/u;

/** Nothing goes on over it. */
function isEdge(text: string, at: number): boolean {
  return at === 0 || at === text.length || BLANK.test(text[at - 1] ?? '') || BLANK.test(text[at] ?? '');
}

function startOfWord(text: string, from: number): number {
  let at = from;
  while (at > 0 && from - at < BEYOND && !BLANK.test(text[at - 1] ?? '')) at--;
  return at;
}

function endOfWord(text: string, to: number): number {
  let at = to;
  while (at < text.length && at - to < BEYOND && !BLANK.test(text[at] ?? '')) at++;
  return at;
}
