/**
 * Finds out that somebody meant to answer a request, and wrote no answer: so that they hear of it, and how to write
 * one. Pure. Nothing here decides anything, however near it comes.
 */
import { distance } from 'fastest-levenshtein';
import { parseTicket } from '../domain/card.ts';
import { withoutEnd } from '../domain/text-end.ts';
import { isWithdrawing, parseTicketReply, type TicketReply, verdictOf } from './reply-parser.ts';

export type NearMiss =
  /** It names a request, and what it says of it is no answer: another word, or words around it. */
  | { readonly kind: 'no-line'; readonly request: Named }
  /** It holds an answer, and begins with something else. */
  | { readonly kind: 'not-first'; readonly request: Named }
  /** It is a word that would decide, and names no request. */
  | { readonly kind: 'no-ticket' };

/** `withdraws`: it would have taken the request back. */
type Named = Pick<TicketReply, 'approvalId' | 'gen'> & { readonly withdraws?: true | undefined };

/** Lines that are looked at. */
const MOST_LINES = 20;
/** A longer line without a ticket is talk that begins with such a word. */
const MOST_BARE_WORDS = 3;
/** Of which people write variants. */
const MEANT = ['approve', 'approved', 'approval', 'deny', 'denied', 'reject', 'rejected'];
const MEANT_TO_WITHDRAW = ['withdraw', 'withdrawn', 'cancel', 'cancelled'];
/** Letters that may be wrong, in a word of more than so many. */
const TYPOS = [
  { over: 4, wrong: 2 },
  { over: 2, wrong: 1 },
];

/** Undefined for what is no attempt to answer. Of an answer, as `parseTicketReply` reads it, nothing is missed. */
export function nearMissIn(text: string): NearMiss | undefined {
  if (parseTicketReply(text)) return undefined;
  const lines = text
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/u)
    .map((line) => line.trim())
    // What is quoted was said by somebody else, and who asks does not answer.
    .filter((line) => line !== '' && !line.startsWith('>') && !line.includes('?'))
    .slice(0, MOST_LINES);
  const misses = lines.map(missIn);
  return misses.find((miss) => miss && miss.kind !== 'no-ticket') ?? misses.find((miss) => miss);
}

/**
 * The same where people talk to the agent, which hears whatever is no answer: a message of nothing but a word that would
 * decide. With anything beside it, it is talk.
 */
export function bareMissIn(text: string): NearMiss | undefined {
  const verdict = verdictOf(bare(text.trim()));
  return verdict === 'approve' || verdict === 'deny' ? { kind: 'no-ticket' } : undefined;
}

function missIn(line: string): NearMiss | undefined {
  const answer = parseTicketReply(line);
  if (answer) return { kind: 'not-first', request: named(answer) };
  const words = line
    .split(/[\s,;`*]+/u)
    .map(bare)
    .filter((word) => word !== '');
  const tickets = words.map(parseTicket);
  const at = tickets.findIndex((each) => each !== undefined);
  const ticket = tickets[at];
  // Farther away it is talk about the request.
  const beside = [words[at - 2], words[at - 1], words[at + 1]];
  if (ticket && beside.some(isWithdrawalMeant)) {
    return { kind: 'no-line', request: named({ ...ticket, withdraws: true }) };
  }
  if (ticket) return beside.some(isMeant) ? { kind: 'no-line', request: named(ticket) } : undefined;
  const [first = ''] = words;
  return words.length <= MOST_BARE_WORDS && isMeant(first) ? { kind: 'no-ticket' } : undefined;
}

function isMeant(word = ''): boolean {
  const verdict = verdictOf(word);
  return verdict === 'approve' || verdict === 'deny' || isLike(word, MEANT);
}

function isWithdrawalMeant(word = ''): boolean {
  return isWithdrawing(word) || isLike(word, MEANT_TO_WITHDRAW);
}

function isLike(word: string, meant: readonly string[]): boolean {
  const folded = word.toLowerCase();
  const { wrong = 0 } = TYPOS.find(({ over }) => folded.length > over) ?? {};
  return meant.some((each) => each[0] === folded[0] && distance(each, folded) <= wrong);
}

function bare(word: string): string {
  return withoutEnd(word.replace(/^[(_"'“„«]+/u, ''), /[.!:)_"'”»。、…]/u);
}

function named({ approvalId, gen, withdraws }: Named): Named {
  return { approvalId, gen, ...(withdraws ? { withdraws } : {}) };
}
