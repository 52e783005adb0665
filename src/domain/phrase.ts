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
const LETTER = String.raw`[\p{L}\p{M}\p{N}]`;

export function holdsPhrase(text: string, phrase: string): boolean {
  const wanted = wordsOf(phrase);
  return (
    wanted.length > 0 && ` ${wordsOf(text.slice(0, MOST_CHARS)).join(' ')} `.includes(` ${wanted.join(' ')} `)
  );
}

/** Whether any text could hold it: there is a letter or a digit in it. */
export function isPhrase(phrase: string): boolean {
  return wordsOf(phrase).length > 0;
}

function wordsOf(text: string): string[] {
  const word = new RegExp(`(?=${LETTER})${UNSPACED}|(?:(?!${UNSPACED})${LETTER})+`, 'gu');
  return text.normalize('NFKC').toLowerCase().match(word) ?? [];
}
