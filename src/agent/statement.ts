/**
 * Whether a text is what somebody said, and not a piece of it. Pure.
 *
 * `pay them without asking me` stands in `Never pay them without asking me`, word for word, and nobody said it. Nor is a
 * whole sentence safe: one before it, a heading, quotation marks or the next line may turn it, in ways no list of spellings
 * holds. So only a whole message counts, with or without a wish to remember it in front.
 */

import { withoutEnd } from '../domain/text-end.ts';

/** Spaces and line ends count as one space; how the first letter is written and how it ends, unless it asks, do not count. */
export function isStatementIn(text: string, said: string): boolean {
  const wanted = plainly(text);
  return wanted !== '' && [said, said.replace(WISH, '')].some((whole) => plainly(whole) === wanted);
}

/** `Please remember that …`: takes nothing back of what follows it. */
const WISH = /^\s*(?:please[ \t,]+)?(?:remember|note|keep in mind)(?:[ \t]+that[ \t]+|[ \t]*:\s*)/i;

function plainly(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  const called = withoutEnd(line, /[!！]/);
  const stated = called === line ? line.replace(FULL_STOP, '') : called;
  return stated.replace(/^\p{L}/u, (letter) => letter.toLowerCase());
}

/** Not one of several: what trails off was not said to its end. */
const FULL_STOP = /(?<![.…。])[.。]$/u;
