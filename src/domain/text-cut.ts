/** Where a long text may be cut: never within a character as people see it. */

/**
 * Where a text is cut so that at most so many UTF-16 units are left from `from` on, no character in two. One that by
 * itself is longer is cut between its code points, so that reading on always gets further.
 */
export function cutBefore(text: string, most: number, from = 0): number {
  const end = from + most;
  if (end >= text.length) return text.length;
  const whole = CHARACTERS.segment(text).containing(end)?.index ?? end;
  if (whole > from) return whole;
  const isPair = /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(end - 1, end + 1));
  return isPair && end - 1 > from ? end - 1 : end;
}

const CHARACTERS = new Intl.Segmenter('en', { granularity: 'grapheme' });
