/**
 * What a message begins with, behind the words that say how it is to be handled (`message-directives`). Pure.
 *
 *   /think  /stop            the command: there is no message those words could be for
 *   /think  /edit <id> …     the answer to a request
 *   /think  /ask why?        the message "/think why?"
 *   /think  /new what now?   a new context, and in it the message "/think what now?"
 *   /stop please             the command, whatever follows it
 *   /new    /stop            two commands: neither
 *
 * Invariants
 *   1. What is for the agent is left as it was written, but for the command in front of it.
 *   2. Nothing that begins with a command of ours is for the agent, unless it goes on in words of its own: `/status of
 *      order 7`. What begins with `/stop` never is.
 */
import { parseBatchReply, parseTicketReply } from '../approvals/reply-parser.ts';
import { readConfirmation } from './confirmations.ts';
import { type Directive, readDirective, STANDS_ALONE } from './directive-desk.ts';
import { afterGap, readMessageDirectives } from './message-directives.ts';

export type Opening =
  | { readonly kind: 'message'; readonly text: string }
  /** `text` begins with it. */
  | { readonly kind: 'command'; readonly directive: Directive; readonly text: string }
  /** `text` begins with a command that answers a request, and is no other one. */
  | { readonly kind: 'answer'; readonly text: string }
  /** `text` is what stands behind `/new`, and the words in front of it. */
  | { readonly kind: 'anew'; readonly text: string }
  | { readonly kind: 'several' }
  /** More such words in front of each other than are looked through. */
  | { readonly kind: 'too-many' };

/** Words in front of each other that are looked through; nobody writes so many, and a text of nothing else is none. */
export const MOST_IN_FRONT = 8;

export function readOpening(written: string, depth = 0): Opening {
  if (depth > MOST_IN_FRONT) return { kind: 'too-many' };
  const rest = readMessageDirectives(written)?.text ?? written;
  const front = written.slice(0, written.length - rest.length);
  const bare = withoutMark(rest);
  const read = readDirective(bare);
  if (read?.directive === 'ask') return readOpening(`${front}${read.text}`, depth + 1);
  if (read) return { kind: 'command', directive: read.directive, text: bare };
  if (isAnswer(rest)) return { kind: 'answer', text: rest };
  const alone = aloneIn(bare);
  if (!alone) return { kind: 'message', text: written };
  // Whoever wants it to end wants that first.
  if (alone.name === 'stop' && !isOnlyWords(alone.behind)) {
    return { kind: 'command', directive: 'stop', text: bare };
  }
  const next = readOpening(alone.behind, depth + 1);
  if (next.kind === 'too-many') return next;
  if (next.kind !== 'message') return { kind: 'several' };
  if (isOnlyWords(next.text)) return { kind: 'command', directive: alone.name, text: `/${alone.name}` };
  if (alone.name === 'new') return { kind: 'anew', text: `${front}${next.text}` };
  return { kind: 'message', text: written };
}

/** Words that say how a message is handled are none. */
function isOnlyWords(text: string): boolean {
  return readMessageDirectives(text)?.text.trim() === '';
}

/** A mark that ends the word in writing is no part of it: `/human, please`. What decides is read by the letter. */
function withoutMark(text: string): string {
  return text.replace(/^(\s*[/!](?!approve|deny)[a-z]+)[,:;.!]+(?=\s|$)/i, '$1');
}

/** A command that is one only with nothing behind it, and what is behind it. */
function aloneIn(text: string): { readonly name: Directive; readonly behind: string } | undefined {
  const [run = '', word = ''] = /^\s*[/!]([a-z]+)(?=\s)/i.exec(text) ?? [];
  const name = STANDS_ALONE.find((each) => each === word.toLowerCase());
  return name && { name, behind: afterGap(text.slice(run.length)) };
}

function isAnswer(text: string): boolean {
  if (!/^\s*[/!]/.test(text)) return false;
  return (parseTicketReply(text) ?? parseBatchReply(text) ?? readConfirmation(text)) !== undefined;
}
