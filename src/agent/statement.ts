/**
 * Whether a text is what somebody said, and not a piece of it. Pure.
 *
 * `pay them without asking me` stands in `Never pay them without asking me`, word for word, and nobody said it. So only
 * whole sentences count, one or several that follow each other, and whole items of a list. Where a sentence ends is told
 * rather too seldom than too often: behind what may be but an abbreviation, or at the end of a line that a mail program
 * may have broken, none ends.
 */

/** Spaces and line ends count as one space, and how the last sentence ends counts for nothing, unless it asks. */
export function isStatementIn(text: string, said: string): boolean {
  const wanted = inOneLine(text).replace(STATING_END, '');
  if (wanted === '') return false;
  const { whole, starts, ends } = sentencesOf(said);
  for (let at = whole.indexOf(wanted); at !== -1; at = whole.indexOf(wanted, at + 1)) {
    if (starts.has(at) && ends.has(at + wanted.length)) return true;
  }
  return false;
}

interface Sentences {
  readonly whole: string;
  /** Where one may begin, and where one may end, in that. */
  readonly starts: ReadonlySet<number>;
  readonly ends: ReadonlySet<number>;
}

function sentencesOf(said: string): Sentences {
  const starts = new Set<number>();
  const ends = new Set<number>();
  let whole = '';
  for (const sentence of partsOf(said).flatMap(sentencesIn)) {
    if (whole !== '') whole += ' ';
    starts.add(whole.length).add(whole.length + (LIST_MARK.exec(sentence)?.[0].length ?? 0));
    whole += sentence;
    ends.add(whole.length).add(whole.length - (STATING_END.exec(sentence)?.[0].length ?? 0));
  }
  return { whole, starts, ends };
}

/** Paragraphs, and the items of a list; what follows a colon belongs to what stands before it. */
function partsOf(said: string): string[] {
  const between = INTRODUCES.test(said) ? PARAGRAPHS : PARTS;
  return said
    .replaceAll(/:[ \t]*\r?\n\s*/g, ': ')
    .split(between)
    .map(inOneLine)
    .filter((part) => part !== '');
}

const PARAGRAPHS = /\n[ \t\r]*\n/;
const PARTS = /\n[ \t\r]*\n|\n(?=[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t])/;
const INTRODUCES = /:[ \t]*\r?\n/;

const LIST_MARK = /^(?:[-*•]|\d{1,3}[.)]) /;
const STATING_END = /[.!。！]+$/;

function sentencesIn(part: string): string[] {
  const sentences: string[] = [];
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'sentence' }).segment(part)) {
    const before = sentences.at(-1);
    if (before !== undefined && goesOn(before)) sentences[sentences.length - 1] = before + segment;
    else sentences.push(segment);
  }
  return sentences.map((sentence) => sentence.trim());
}

/** Whether it may go on behind its full stop: `e.g.`, `Mr.`, `bzw.`, `1.`, `never...` */
function goesOn(sentence: string): boolean {
  if (/(?:\.\.|…)\s*$/.test(sentence)) return true;
  const [, word = ''] = /([\p{L}\p{N}]+)\.\s*$/u.exec(sentence) ?? [];
  if (word === '') return false;
  return (
    word.length === 1 || (word.length <= 3 && IS_SHORTENED.test(word)) || SHORTENED.has(word.toLowerCase())
  );
}

/** With a capital letter, or without a vowel. */
const IS_SHORTENED = /^\p{Lu}|^[^aeiouyäöüàâéèêíóúаеёиоуыэюя]+$/u;
const SHORTENED: ReadonlySet<string> = new Set(
  'al approx art ca corp ed etc evtl excl exkl fig ggf inc incl inkl max min usw vol'.split(' '),
);

function inOneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}
