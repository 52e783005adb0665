/**
 * Formulas in a table, as text. Pure.
 *
 * A formula can put an address together and load it, with what stands in other cells, as soon as the file is opened
 * (OWASP, "CSV Injection"). What parts the cells is up to the program, its language and the file itself.
 *
 * Invariants
 *   1. Whatever is neither letter nor digit may part the cells: a sign that begins a formula has a `'` in front of it
 *      wherever a cell may begin, so that programs show it as it stands. What calls nothing is left as it is: a number, a
 *      dash in an otherwise empty cell, a word behind a blank, a part of a web address.
 *   2. The file itself names nothing else that parts them, and is not taken for another kind of table.
 *   3. It takes a time that grows with the text alone.
 */

export function withoutFormulas(table: string): string {
  const text = table.replace(READ_OTHERWISE, "$1'");
  const addresses = [...text.matchAll(ADDRESS)].filter(([address]) => !MAY_CALL.test(address));
  let next = 0;
  return text.replaceAll(FORMULA, (signs: string, _sign: string, at: number) => {
    while (endOf(addresses[next]) <= at) next++;
    const isInAddress = at >= (addresses[next]?.index ?? Number.POSITIVE_INFINITY);
    return isInAddress ? signs : `'${signs}`;
  });
}

/** What comes first and says how the rest is read: `sep=x` (Excel), or the beginning of a SYLK file. */
const READ_OTHERWISE = /^([^\p{L}\p{N}]*)(?=sep[^\p{L}\p{N}=]*=|ID;P)/iu;

/** As they are typed, and in the widths of other scripts, which some programs read as the same. */
const SIGN = '[=+\\-@＝＋－＠﹦﹢﹣﹫]';

/** Up to the end of its cell; none that is calculated further in the next line. */
const NUMBER = `[+-]\\d[\\d.]*%?"?(?:[,;|\\t]|$(?!\\s*(?!${SIGN})[^\\p{L}\\p{N}\\s"']))`;

const EMPTY = '(?<=[,;|])-(?:[,;|\\t]|$)';

/** Behind another word: if the blank parts them, this is all of its cell, and without these marks it calls nothing. */
const WORD = '(?<=[\\p{L}\\p{N}] +)[^\\s(!#|&"\'[{\\\\]+(?:\\s|$)';

const HARMLESS = [NUMBER, EMPTY, WORD].map((each) => `(?:${each})`).join('|');

/** The same sign again and again is one: it cannot part cells and begin them. */
const FORMULA = new RegExp(`(?<=^|[^\\p{L}\\p{N}])(?=(${SIGN}))(?<!\\1)(?!${HARMLESS})\\1+`, 'gmu');

const ADDRESS = /https?:\/\/[^\s,;|"<>]*/gi;

/** A colon may part cells, too, but for the one before a port. */
const MAY_CALL = /[(!'[{\\]|(?<!^https?):(?!\d+\/)/i;

function endOf(address: RegExpExecArray | undefined): number {
  return address === undefined ? Number.POSITIVE_INFINITY : address.index + address[0].length;
}
