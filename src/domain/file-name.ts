/** Names and texts of files, as others wrote them and as they are safe to show and to keep. Pure. */

import { withoutEnd } from './text-end.ts';

/** Longest name kept, in characters; far below what file systems and platforms take (255 bytes). */
const MAX_NAME_CHARS = 120;
/** Longest ending that survives a cut, the dot included. */
const MAX_ENDING_CHARS = 12;

/**
 * The name alone: no path, nothing that controls a terminal or turns the reading direction round, nothing that a file
 * system or a header takes for something else. Never empty, and never hidden by a leading dot.
 */
export function toFileName(name: string): string {
  const [last = ''] = name.split(/[/\\]/).slice(-1);
  const plain = last
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu, '')
    .replaceAll(/["'`<>:|?*%$;&[\](){}]/g, '_')
    .replaceAll(/\s+/gu, ' ')
    .replace(/^[\s.]+/u, '');
  const whole = withoutEnd(plain, /[\s.]/u);
  return whole === '' ? 'file' : shortened(whole);
}

/** What no text file needs and what a reader cannot see: control characters, except tabs and the ends of lines. */
export function dropUnreadable(text: string): string {
  return text.replaceAll(/(?![\t\n\r])\p{Cc}/gu, '');
}

function shortened(name: string): string {
  const characters = [...name];
  if (characters.length <= MAX_NAME_CHARS) return name;
  const dot = characters.lastIndexOf('.');
  const ending = characters.length - dot <= MAX_ENDING_CHARS && dot > 0 ? characters.slice(dot) : [];
  return [...characters.slice(0, MAX_NAME_CHARS - 1 - ending.length), '…', ...ending].join('');
}
