/**
 * How much markdown is read as markdown. Pure.
 *
 * What a parser of markdown takes grows with the square of the marks, the lines, and the words behind an open bracket,
 * and while it reads nobody else is answered. Beyond these bounds a text is plain text: for whoever judges it, and for
 * whoever shows it.
 */

/** In characters: longer than any answer. */
const MOST_CHARS = 200_000;

/** Longest paragraph with an opening bracket in it, in characters: from each word the parser looks back to that. */
const MOST_IN_BRACKETS = 8_000;

/** Longer words with the beginning of an address in them, in characters, are none: the parser tries each end there is. */
const LONG_WORD = /\S{2000,}/g;
const ADDRESS_BEGINS = /@|www\.|:\/\//i;

/** Marks outside of blocks of code: more than the longest table has. */
const MOST_MARKS = 2_000;

/** Lines, those of a block of code counted as one. */
const MOST_LINES = 1_500;

/** Quotes and lists inside each other on one line: deeper than any person nests, and the parser recurses on them. */
const MOST_NESTING = 64;

const NESTED = new RegExp(`^(?:[ \\t]*(?:>|[-*+]|\\d{1,9}[.)])){${MOST_NESTING}}`);

/** What means something within a paragraph, and what may be an address of mail. */
const MARK = /[*_~[\]<>`|=\\&@]/g;

/** Whether it is read as markdown. Takes a time that grows with the text alone. */
export function isReadable(markdown: string): boolean {
  if (markdown.length > MOST_CHARS) return false;
  const lines = linesToRead(markdown);
  if (lines.length > MOST_LINES || lines.some((line) => NESTED.test(line) || holdsLongAddress(line)))
    return false;
  return marksIn(lines) <= MOST_MARKS && longestInBrackets(lines) <= MOST_IN_BRACKETS;
}

/** Writing without spaces between its words is no address. */
function holdsLongAddress(line: string): boolean {
  return (line.match(LONG_WORD) ?? []).some((word) => ADDRESS_BEGINS.test(word));
}

function marksIn(lines: readonly string[]): number {
  return lines.reduce((marks, line) => marks + (line.match(MARK)?.length ?? 0), 0);
}

/** Of the paragraphs with an opening bracket, in characters. */
function longestInBrackets(lines: readonly string[]): number {
  let longest = 0;
  let chars = 0;
  let isOpen = false;
  for (const line of lines) {
    const isBlank = line.trim() === '';
    chars = isBlank ? 0 : chars + line.length;
    isOpen = !isBlank && (isOpen || /[[<]/.test(line));
    if (isOpen) longest = Math.max(longest, chars);
  }
  return longest;
}

/** Without what surely stands in a block of code: one that begins with its line is inside of nothing else. */
function linesToRead(markdown: string): string[] {
  const lines = markdown.split(/\r\n|\r|\n/);
  const outside: string[] = [];
  let fence: string | undefined;
  for (const line of lines) {
    // What looks like HTML may reach over the beginning of a block.
    if (fence === undefined && /^ {0,3}</.test(line)) return lines;
    if (fence === undefined) outside.push(line);
    fence = fence === undefined ? fenceIn(line) : isEndOf(fence, line) ? undefined : fence;
  }
  return outside;
}

/** The marks that a block of code begins with: three of them or more, at the very beginning of the line. */
function fenceIn(line: string): string | undefined {
  return /^(?:(`{3,})[^`]*|(~{3,}).*)$/.exec(line)?.slice(1).find(Boolean);
}

function isEndOf(fence: string, line: string): boolean {
  const end = line.trim();
  return /^ {0,3}[`~]/.test(line) && end.startsWith(fence) && end === fence.charAt(0).repeat(end.length);
}
