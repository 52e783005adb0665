/** One exact replacement in a text, and where two texts differ, for those who decide. Pure. */
import { structuredPatch } from 'diff';
import { cutBefore } from '../domain/text-cut.ts';
import type { Preview } from '../domain/tool.ts';
import { versionOf } from './workspace.ts';

export interface Edit {
  readonly find: string;
  readonly replace: string;
}

/** The text with the one place replaced; otherwise why not, as the end of a sentence. */
export function applyEdit(text: string, { find, replace }: Edit): { text: string } | { problem: string } {
  const at = text.indexOf(find);
  if (at === -1) return { problem: 'the text to be replaced is not in it' };
  if (text.indexOf(find, at + 1) !== -1) {
    return { problem: 'the text to be replaced is in it more than once; give more of what stands around it' };
  }
  return { text: text.slice(0, at) + replace + text.slice(at + find.length) };
}

/** What a text was before an edit that was made on this version; undefined where it does not come of that. */
export function beforeEdit(text: string, { find, replace }: Edit, over: string): string | undefined {
  if (replace === '') return undefined;
  for (let at = text.indexOf(replace); at !== -1; at = text.indexOf(replace, at + 1)) {
    const before = text.slice(0, at) + find + text.slice(at + replace.length);
    if (versionOf(before) === over) return before;
  }
  return undefined;
}

/** Places of a difference that are shown. */
const MOST_PLACES = 15;
/** Shown of one place, and what a new file is shown of, in characters. */
const MAX_PLACE_CHARS = 1_000;

/** Lines that come or go, at most, for which it is worked out where: the time that takes grows with their square. */
const MOST_LINES = 2_000;

/**
 * Every place that differs, with what stands there and what will; what is not shown is counted. Where more differs than
 * can be told apart, it is one place, from the first line that differs on.
 */
export function changesBetween(before: string, after: string): Preview['changes'] {
  const options = { context: 0, maxEditLength: MOST_LINES };
  const { hunks } = structuredPatch('', '', before, after, undefined, undefined, options) ?? {};
  if (!hunks) return rewritten(before.split('\n'), after.split('\n'));
  const shown = hunks.slice(0, MOST_PLACES).map(({ oldStart, oldLines, newStart, lines }) => ({
    label: oldLines > 0 ? `line ${oldStart}` : `new line ${newStart}`,
    ...(oldLines > 0 ? { before: beginningOf(linesWith('-', lines)) } : {}),
    after: beginningOf(linesWith('+', lines)) || 'nothing',
  }));
  const rest = hunks.length - shown.length;
  return rest > 0 ? [...shown, { label: 'further places', after: `${rest} more, not shown here` }] : shown;
}

function rewritten(before: readonly string[], after: readonly string[]): Preview['changes'] {
  const differs = after.findIndex((line, n) => line !== before[n]);
  const first = differs === -1 ? after.length : differs;
  return [
    {
      label: `from line ${first + 1} on`,
      before: beginningOf(before.slice(first).join('\n')),
      after: beginningOf(after.slice(first).join('\n')) || 'nothing',
    },
  ];
}

function linesWith(sign: '+' | '-', lines: readonly string[]): string {
  return lines
    .filter((line) => line.startsWith(sign))
    .map((line) => line.slice(1))
    .join('\n');
}

function beginningOf(text: string): string {
  const end = cutBefore(text, MAX_PLACE_CHARS);
  return end < text.length ? `${text.slice(0, end)} … (and ${text.length - end} more characters)` : text;
}
