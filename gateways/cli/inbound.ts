/** What a typed line is: something for the agent, an answer to a request, or a wish for the terminal. Pure. */
import { distance } from 'fastest-levenshtein';
import { type Card, parseTicket } from '../../src/domain/card.ts';
import {
  type AccountId,
  type ApprovalId,
  ConversationId,
  MessageId,
  Platform,
} from '../../src/domain/ids.ts';
import type {
  AnswerChoice,
  Attachment,
  InboundAnswer,
  InboundMessage,
  Sender,
} from '../../src/domain/message.ts';

/** Who types, and in which conversation. */
export interface CliSession {
  /** Lower-case letters and digits, at most 20. */
  readonly name: string;
  readonly account: AccountId;
  readonly displayName: string;
}

export type Line =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'say'; readonly text: string }
  | {
      readonly kind: 'answer';
      readonly choice: AnswerChoice;
      /** Absent: the one request that is on screen. */
      readonly approvalId: ApprovalId | undefined;
      /** Absent: as it is on screen. */
      readonly gen: number | undefined;
      readonly text: string | undefined;
    }
  | { readonly kind: 'attach'; readonly path: string }
  | { readonly kind: 'approvals' | 'help' | 'quit' }
  | { readonly kind: 'mistake'; readonly sentence: string };

export const COMMANDS = [
  '/approvals',
  '/approve',
  '/deny',
  '/answer',
  '/happened',
  '/did-not-happen',
  '/retry',
  '/attach',
  '/help',
  '/quit',
] as const;

/** A path or a fraction is not a command; `/word` is, with a mark behind it that ends it in writing. */
const COMMAND = /^(\/[a-z]+(?:-[a-z]+)*)([,:;.!]*)(?:\s+(.*))?$/is;

export function parseLine(typed: string): Line {
  const text = typed.trim();
  if (text === '') return { kind: 'nothing' };
  const [, command, mark = '', rest = ''] = COMMAND.exec(text) ?? [];
  if (command === undefined) return { kind: 'say', text };
  if (mark !== '' && BY_THE_LETTER.has(command.toLowerCase())) {
    return { kind: 'mistake', sentence: `${command} is taken only without the ${mark} behind it.` };
  }
  // What the core reads by itself: it names its request by a ticket, or several of them.
  if (PASSED_ON.includes(command.toLowerCase()) || severalIn(rest)) return { kind: 'say', text };
  switch (command.toLowerCase()) {
    case '/approve':
      return toAnswer('approve', rest);
    case '/deny':
      return toAnswer('deny', rest);
    case '/answer':
      return toAnswer('answer', rest);
    case '/happened':
      return toAnswer('happened', rest);
    case '/did-not-happen':
      return toAnswer('did-not-happen', rest);
    case '/retry':
      return toAnswer('retry', rest);
    case '/attach':
      return rest === ''
        ? { kind: 'mistake', sentence: 'Which file? /attach <path>' }
        : { kind: 'attach', path: rest };
    // With words behind them the core reads these, as it does on every platform: two commands are refused there.
    case '/approvals':
      return rest === '' ? { kind: 'approvals' } : { kind: 'say', text };
    case '/help':
      return rest === '' ? { kind: 'help' } : { kind: 'say', text };
    case '/quit':
    case '/exit':
      return rest === '' ? { kind: 'quit' } : { kind: 'mistake', sentence: nothingBehind(command) };
    default:
      return { kind: 'mistake', sentence: unknownCommand(command) };
  }
}

/** What the core reads and takes for an answer to the request it names. */
const ANSWERS: readonly string[] = [
  ...['/question', '/reply', '/edit', '/undo', '/delegate', '/reassign', '/reopen', '/always', '/confirm'],
  ...['/withdraw', '/cancel'],
];

/** What answers a request, or names a file: as elsewhere, no mark is read as part of it. */
const BY_THE_LETTER: ReadonlySet<string> = new Set([
  ...['/approve', '/deny', '/answer', '/happened', '/did-not-happen', '/retry'],
  ...ANSWERS,
  '/attach',
]);

/** What the core reads by itself: everything it takes that is no answer to the one request on the screen. */
const PASSED_ON: readonly string[] = [
  // In front of a message: how it is to be handled.
  ...['/think', '/verbose', '/reasoning', '/elevated', '/quiet', '/silent'],
  ...['/minimal', '/coding', '/messaging', '/full'],
  // The conversation, and whoever speaks in it.
  ...['/ask', '/new', '/stop', '/status', '/memory', '/human', '/takeover', '/handback', '/say'],
  ...ANSWERS,
  '/grants',
  // People who were called.
  ...['/escalations', '/ack', '/release', '/snooze', '/escalate', '/resolve'],
  // Accounts.
  ...['/link', '/unlink', '/pair'],
];

/** Whether several requests are named. */
function severalIn(rest: string): boolean {
  const [first = '', second = ''] = rest.split(/[\s,]+/);
  return parseTicket(first) !== undefined && parseTicket(second) !== undefined;
}

/** A request is named by its id, or by its ticket as other channels show it: the id and what of it was shown. */
function toAnswer(choice: AnswerChoice, rest: string): Line {
  const [, first = '', words = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? [];
  const named = first.startsWith('apr_');
  const ticket = named ? parseTicket(first) : undefined;
  if (named && !ticket) return { kind: 'mistake', sentence: `${first} is not the id of a request.` };
  const text = (named ? words : rest).trim();
  if (choice === 'answer' && text === '')
    return { kind: 'mistake', sentence: 'What is the answer? /answer <id> <text>' };
  if (FINDINGS.has(choice) && text !== '')
    return { kind: 'mistake', sentence: `Nothing goes behind it. /${choice} <id>` };
  if (choice === 'approve' && text !== '') {
    return { kind: 'mistake', sentence: 'A yes takes no words. /approve <id>, or /answer <id> <text>' };
  }
  const gen = first.includes('.') ? ticket?.gen : undefined;
  return { kind: 'answer', choice, approvalId: ticket?.approvalId, gen, text: text || undefined };
}

/** What came of a call, where nobody knows. */
const FINDINGS: ReadonlySet<AnswerChoice> = new Set(['happened', 'did-not-happen', 'retry']);

function nothingBehind(command: string): string {
  return `Nothing goes behind ${command}: write it alone.`;
}

function unknownCommand(command: string): string {
  const known = [...COMMANDS, ...PASSED_ON];
  const [nearest = '/help'] = known.toSorted((a, b) => distance(command, a) - distance(command, b));
  const hint = distance(command, nearest) <= 2 ? ` Did you mean ${nearest}?` : ' /help lists them.';
  return `There is no ${command}.${hint}`;
}

/** What the Tab key offers. */
export function completionsOf(line: string, openIds: readonly string[]): string[] {
  if (!line.startsWith('/')) return [];
  const withId = ['/approve', '/deny', '/answer', '/happened', '/did-not-happen', '/retry'].flatMap(
    (command) => openIds.map((id) => `${command} ${id} `),
  );
  const all = line.includes(' ') ? withId : [...COMMANDS, ...PASSED_ON];
  return all.filter((candidate) => candidate.startsWith(line));
}

/** The channel of one terminal, so that only the process that has it sends to it. */
export function platformOfSession(session: string): Platform {
  return Platform.parse(`cli-${session}`);
}

export function toInboundMessage(
  session: CliSession,
  { text, attachments }: { readonly text: string; readonly attachments: readonly Attachment[] },
  key: string,
  nowMs: number,
): InboundMessage {
  return {
    kind: 'message',
    id: MessageId.parse(`cli:${session.name}:${key}`),
    conversationId: conversationOfSession(session),
    sender: senderOf(session),
    text,
    ...(attachments.length > 0 ? { attachments: [...attachments] } : {}),
    addressedToBot: true,
    sentAt: new Date(nowMs).toISOString(),
    replyTo: { platform: platformOfSession(session.name), route: { session: session.name } },
  };
}

/** An answer to exactly what the card showed. */
export function toInboundAnswer(
  session: CliSession,
  card: Card,
  { choice, text }: { readonly choice: AnswerChoice; readonly text: string | undefined },
  key: string,
): InboundAnswer {
  return {
    kind: 'answer',
    id: MessageId.parse(`cli:${session.name}:${key}`),
    sender: senderOf(session),
    approvalId: card.approvalId,
    choice,
    ...(text === undefined ? {} : { text }),
    gen: card.gen,
    digest: card.digest,
  };
}

/** The account is part of it: nobody goes on with somebody else's conversation by knowing its name. */
export function conversationOfSession({ account, name }: CliSession): ConversationId {
  return ConversationId.parse(`${account.slice(0, 150)}:${name}`);
}

/** Whoever may run the program is who the configuration says the terminal is. */
function senderOf({ account, displayName }: CliSession): Sender {
  return { account, displayName, authenticated: true, automatic: false };
}
