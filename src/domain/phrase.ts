/**
 * Phrases that are looked for in what people write: as whole words, whatever stands between them and in whatever case.
 *
 * Scripts that put no spaces between words are read letter by letter, so that a phrase is found wherever it stands: how
 * a dictionary would cut the text is not asked.
 */

/** More of a text is not looked through. */
const MOST_CHARS = 10_000;

/** Written without spaces between words. With `scx` come signs that several of them share, such as the ー of kana. */
const UNSPACED = String.raw`[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}]`;
/** What `visible` makes of what cannot be seen. */
const WRITTEN_OUT = /⟨U\+(10[\dA-F]{4}|[\dA-F]{4,5})⟩/g;
const LETTER = String.raw`[\p{L}\p{M}\p{N}]`;

export function holdsPhrase(text: string, phrase: string): boolean {
  const wanted = wordsOf(phrase);
  return (
    wanted.length > 0 && ` ${wordsOf(text.slice(0, MOST_CHARS)).join(' ')} `.includes(` ${wanted.join(' ')} `)
  );
}

/**
 * Whether somebody is named in a text, by the whole name and in its case. However the gateway writes names, in quotes,
 * with marks for what cannot be seen, or with other signs between the words, it is the same name. One without a letter
 * is found wherever its signs stand.
 */
export function holdsName(text: string, name: string): boolean {
  const sought = legible(name).trim();
  const wanted = wordsIn(sought);
  if (wanted.length === 0) return sought !== '' && legible(text).includes(sought);
  return ` ${wordsIn(legible(text)).join(' ')} `.includes(` ${wanted.join(' ')} `);
}

/** Whether any text could hold it: there is a letter or a digit in it. */
export function isPhrase(phrase: string): boolean {
  return wordsOf(phrase).length > 0;
}

function wordsOf(text: string): string[] {
  return wordsIn(text.normalize('NFKC').toLowerCase());
}

function wordsIn(text: string): string[] {
  const word = new RegExp(`(?=${LETTER})${UNSPACED}|(?:(?!${UNSPACED})${LETTER})+`, 'gu');
  return text.match(word) ?? [];
}

/** In one form, without what cannot be seen: neither as itself nor written out as `⟨U+200C⟩`. */
function legible(text: string): string {
  return text
    .replaceAll(WRITTEN_OUT, (_mark, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .normalize('NFKC')
    .replaceAll(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '');
}
