/** A text as the words it consists of, the same for whoever wrote them: no capitals, no variants of letters. Pure. */

/** Further text is not looked at: what a message is about is said before, and matching stays fast. */
const MOST_CHARS = 10_000;

/** Scripts that put no spaces between words; of most of them a letter says as much as several of Latin. */
export const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const WORD = /[\p{L}\p{N}\p{M}]+/gu;

export function wordsOf(text: string): string[] {
  const plain = text.slice(0, MOST_CHARS).normalize('NFKC').toLowerCase();
  if (!UNSPACED.test(plain)) return plain.match(WORD) ?? [];
  const pieces = new Intl.Segmenter(undefined, { granularity: 'word' }).segment(plain);
  return [...pieces]
    .filter(({ isWordLike }) => isWordLike)
    .flatMap(({ segment }) => segment.match(WORD) ?? []);
}
