/**
 * Every sentence about a conversation that somebody has from elsewhere: what is written in it, what they say in it. Pure.
 */
import { literal, viaText } from '../approvals/sentences.ts';
import type { SayResult } from '../domain/control.ts';
import type { ConversationTicket } from '../domain/ids.ts';
import type { LastWords } from './last-words.ts';

/**
 * How whoever has a conversation talks there.
 *
 *   there      they write in it, as anybody does
 *   elsewhere  they can, but wrote this in another place
 *   brought    they cannot: what is written there is brought to them
 *   unreached  nor is there a place where only they read it
 */
export type Course = 'there' | 'elsewhere' | 'brought' | 'unreached';

/** What is said beside that they have it; nothing where they simply write there. In markdown. */
export function courseText(course: Course, ticket: ConversationTicket): string | undefined {
  const command = sayCommand(ticket);
  switch (course) {
    case 'there':
      return undefined;
    case 'elsewhere':
      return `Write there, or ${command} from anywhere, which I say there in your name.`;
    case 'brought':
      return `You cannot write there yourself: I bring you what is written there, and ${command} answers it in your name.`;
    case 'unreached':
      return `You cannot write there yourself, and I know no place where only you read what I bring you, so I keep what is written there for myself. ${command} says something there in your name.`;
    default:
      return course satisfies never;
  }
}

export interface Brought {
  readonly name: string;
  /** Where it was written, as platforms are called. */
  readonly channel: string;
  /** As it was written. */
  readonly words: string;
  /** Names of files that came with it. */
  readonly files: readonly string[];
  readonly ticket: ConversationTicket;
}

/** What somebody wrote there, for whoever has it. The words are theirs: shown as they are, and nothing in them counts. */
export function broughtText({ name, channel, words, files, ticket }: Brought): string {
  const enclosed =
    files.length === 0
      ? []
      : [`With it came what I do not bring: ${files.map((file) => literal(file)).join(', ')}.`];
  return [
    `**${literal(name)} writes** ${viaText(channel)}, in a conversation that you have:`,
    ...(words.trim() === '' ? [] : [quoted(words)]),
    ...enclosed,
    `${sayCommand(ticket)} answers in your name; \`/handback ${ticket}\` gives the conversation back to me.`,
  ].join('\n\n');
}

/** Read by whoever has taken it over from elsewhere. The words are those of others, as with `broughtText`. */
export function lastWordsText(said: readonly LastWords[]): string {
  const each = said.map(({ name, words }) => `**${literal(name)}:**\n\n${quoted(words)}`);
  return ['What people wrote there last, the newest at the end:', ...each].join('\n\n');
}

/** In the name of whoever has the conversation; the words are theirs. */
export function saidText(name: string, words: string): string {
  return `**${literal(name)}:**${words.includes('\n') ? '\n\n' : ' '}${words}`;
}

/** What they are told who said something in it. @param files that came with it */
export function sayText({ code }: SayResult, ticket: ConversationTicket, files: number): string {
  switch (code) {
    case 'SAID':
      return `It is on its way there, in your name. If it cannot be delivered, or the conversation changes hands before, I tell you.${leftText(files)}`;
    case 'NOT_YOURS':
      return `You do not have that conversation, or not any more, so I have said nothing there. \`/takeover ${ticket}\` takes it over, where you may.`;
    case 'NOT_PERMITTED':
      return 'You may not speak in conversations any more: no role of yours has the permission `take-over`. I have said nothing there.';
    case 'NOWHERE':
      return 'Nobody has written there since it was taken over, so I do not know where that is. I have said nothing; as soon as somebody writes, you can answer.';
    default:
      return code satisfies never;
  }
}

/** Behind what is told of a message about another conversation. @param files that came with it */
export function leftText(files: number): string {
  return files === 0 ? '' : ' The files I do not pass on.';
}

/** Behind a ticket there are no words. */
export function nothingToSay(ticket: ConversationTicket): string {
  return `Write behind it what I am to say there: ${sayCommand(ticket)}.`;
}

/** To whoever has it, and wrote in it where nobody else reads. */
export function unreadText(ticket: ConversationTicket): string {
  return `Nobody but me has read that: I pass on what you write to me only if you say so. ${sayCommand(ticket)} says it there in your name.`;
}

/** To whoever said something that was not sent any more. @param words as they were to be sent */
export function withheldText(words: string): string {
  return `I have not sent this: the conversation had changed hands before it went out.\n\n${words.replaceAll(/^/gm, '> ')}`;
}

/** For the agent: what the transcript shows as said was not. */
export const SAID_UNREAD =
  'What a person said last in this conversation from elsewhere was not delivered. Nobody here has read it.';

function sayCommand(ticket: ConversationTicket): string {
  return `\`/say ${ticket} your words\``;
}

function quoted(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => `> ${literal(line)}`.trimEnd())
    .join('\n');
}
