/** Which of our words Discord offers in its menu of commands, and so takes behind a slash; nothing else is sent to us. */
import type { CommandWords } from '../command-words.ts';

/** With something behind them, or bare. */
const WITH_WORDS: ReadonlySet<string> = new Set([
  'ask',
  'approve',
  'deny',
  'withdraw',
  'takeover',
  'handback',
]);
/** There is no field for anything behind them. */
const BARE: ReadonlySet<string> = new Set(['approvals', 'new', 'stop', 'status', 'help']);

export function isInMenu({ word, rest }: CommandWords): boolean {
  return WITH_WORDS.has(word) || (BARE.has(word) && rest === '');
}
