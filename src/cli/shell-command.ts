/** A command that is printed to be copied: what stands in it for a name means nothing else to a shell. Pure. */
import { visible } from '../approvals/sentences.ts';

/** What no shell reads anything into. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** In one line, each word in quotes where it needs them. */
export function shellCommand(words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : quoted(visible(word)))).join(' ');
}

/** In single quotes nothing means anything to a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
