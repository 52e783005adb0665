/**
 * The end of a text, looked at from behind. An expression for "all of these up to the end" searches for that end from
 * each of them anew, so that many of them in the middle of a text take minutes. Pure.
 */

/** Without as many characters at its end as `mark` matches, each by itself; `mark` has no flag `g`. */
export function withoutEnd(text: string, mark: RegExp): string {
  let end = text.length;
  for (let last = lastOf(text, end); last !== '' && mark.test(last); last = lastOf(text, end)) {
    end -= last.length;
  }
  return text.slice(0, end);
}

/** The whole character before a place; nothing before the first. */
function lastOf(text: string, end: number): string {
  const [last = ''] = [...text.slice(Math.max(0, end - 2), end)].slice(-1);
  return last;
}
