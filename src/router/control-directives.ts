/**
 * What `/takeover`, `/handback`, `/human` and `/say` do, and what whoever wrote them is told.
 *
 * A ticket behind the command names another conversation than the one it was written in: that is what the buttons
 * of a call for a human say, and what can be typed anywhere.
 */

import { quotesInNote, trustOf } from '../agent/provenance.ts';
import { literal } from '../approvals/sentences.ts';
import { courseText, lastWordsText, leftText, nothingToSay, sayText } from '../control/bridge-sentences.ts';
import type { ControlDesk, Gesture } from '../control/control-desk.ts';
import { type ControlStore, ticketFor } from '../control/control-store.ts';
import { lastWordsIn } from '../control/last-words.ts';
import {
  handBackText,
  handoffText,
  nobodyCouldCome,
  takeOverText,
  type Which,
} from '../control/sentences.ts';
import type { WhereOf } from '../control/whereabouts.ts';
import type { TakeOverResult } from '../domain/control.ts';
import { type ConversationId, ConversationTicket, platformOf } from '../domain/ids.ts';
import type { InboundMessage } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import type { TranscriptStore } from '../memory/transcript-store.ts';
import type { Bridge } from './bridge.ts';
import type { Reach } from './reach.ts';
import { itemIdOf } from './rooms.ts';

export type ControlDirective = 'takeover' | 'handback' | 'human' | 'say';

/** Most of a reason or a note that is kept, in characters. */
const MOST_CHARS = { human: 500, handback: 2_000 } as const;

const NO_SUCH =
  'I know no conversation by that ticket, or it is over. `signalbox conversations list` shows those that are not mine now.';
const onlyYours = (command: ControlDirective) =>
  `What you ask by a command is a conversation of your own, which nobody else sees. Say which one you mean: \`/${command} <ticket>\`. The ticket stands in every call for a human.`;
const NOT_MINE =
  'I have no part in this conversation, so there is nothing to take over. Write it in a thread I answer in, or put the ticket of one behind it.';

export interface ControlDirectiveDeps {
  readonly whereOf: WhereOf;
  readonly desk: ControlDesk;
  readonly controls: Pick<ControlStore, 'named' | 'isKnown'>;
  readonly directory: Pick<Directory, 'standingOf'>;
  readonly bridge: Pick<Bridge, 'courseOf' | 'isPrivate'>;
  readonly transcripts: Pick<TranscriptStore, 'read' | 'inLine'>;
  readonly reach: Pick<Reach, 'tellsEverybody'>;
}

export class ControlDirectives {
  constructor(private readonly deps: ControlDirectiveDeps) {}

  /** Does it, and resolves with what whoever wrote it is told. */
  async take(
    directive: ControlDirective,
    message: InboundMessage,
    person: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<string> {
    const { ticket, rest } = readRest(message.text);
    const { desk, controls } = this.deps;
    const conversationId = ticket ? await controls.named(ticket) : message.conversationId;
    if (conversationId === undefined) return NO_SUCH;
    const isHere = conversationId === message.conversationId;
    const gesture = toGesture(message, person, conversationId);
    const which = isHere ? 'this conversation' : 'that conversation';
    switch (directive) {
      case 'takeover':
        if (isHere && this.#isOnlyTheirs(message)) return onlyYours(directive);
        if (isHere && !(await controls.isKnown(conversationId))) return NOT_MINE;
        return this.#takeOver(gesture, message, which);
      case 'handback': {
        const result = await desk.handBack(gesture, rest?.slice(0, MOST_CHARS.handback));
        const isOfNone = result.code === 'NOT_HELD' && isHere && this.#isOnlyTheirs(message);
        return isOfNone ? onlyYours(directive) : handBackText(result, which);
      }
      case 'human': {
        const item = wordsForHuman(message) === undefined ? undefined : itemIdOf(message);
        const result = await desk.callHuman(gesture, { reason: rest?.slice(0, MOST_CHARS.human), item });
        const left = ticket === undefined ? '' : leftText((message.attachments ?? []).length);
        return result ? `${handoffText(result)}${left}` : nobodyCouldCome(desk.mayTakeOver(gesture.by.roles));
      }
      case 'say':
        return this.#say(gesture, message, rest);
      default:
        return directive satisfies never;
    }
  }

  /** What is asked by a command whose answer its author alone is shown; in a room it is about what is said there. */
  #isOnlyTheirs({ isCommand, room, replyTo }: InboundMessage): boolean {
    return isCommand === true && room === undefined && this.deps.bridge.isPrivate(replyTo);
  }

  async #takeOver(gesture: Gesture, message: InboundMessage, which: Which): Promise<string> {
    const { desk, bridge } = this.deps;
    const { replyTo } = message;
    const { origin, ...elsewhere } = gesture;
    // What somebody writes to us alone, in a mail of theirs, tells nothing of where the others are.
    const isApart = origin !== undefined && bridge.isPrivate(replyTo);
    const result = await desk.takeOver(isApart ? elsewhere : gesture);
    const told = [takeOverText(result, which), ...this.#course(result, origin)];
    if (which === 'this conversation') return told.join(' ');
    const elsewhereText = [...told, ...this.#where(result)].join(' ');
    return [elsewhereText, ...(await this.#lastWords(result, message))].join('\n\n');
  }

  /** What was written there last, where whoever has it now is the only one to read it. */
  async #lastWords(
    { code, control: { conversationId } }: TakeOverResult,
    { replyTo }: InboundMessage,
  ): Promise<string[]> {
    const { reach, transcripts } = this.deps;
    if (code === 'NOT_PERMITTED' || reach.tellsEverybody(replyTo.platform)) return [];
    const said = await lastWordsIn(transcripts, conversationId);
    return said.length === 0 ? [] : [lastWordsText(said)];
  }

  /** As far as it is known. */
  #where({ code, control: { origin } }: TakeOverResult): string[] {
    if (code === 'NOT_PERMITTED' || origin === undefined) return [];
    const { text, link } = this.deps.whereOf(origin);
    return [`It is ${literal(text)}${link === undefined ? '.' : `: ${link}`}`];
  }

  /** How they can answer there. */
  #course({ code, control }: TakeOverResult, here: InboundMessage['replyTo'] | undefined): string[] {
    if (code === 'NOT_PERMITTED' || control.state !== 'HUMAN') return [];
    const course = this.deps.bridge.courseOf(control, here);
    const text = courseText(course, ticketFor(control.conversationId));
    return text === undefined ? [] : [text];
  }

  async #say(gesture: Gesture, { replyTo, attachments }: InboundMessage, words = ''): Promise<string> {
    const { desk, directory } = this.deps;
    const { by, conversationId } = gesture;
    const ticket = ticketFor(conversationId);
    if (words === '') return nothingToSay(ticket);
    const result = await desk.say(gesture, {
      words,
      trust: trustOf(directory.standingOf(by.person, by.roles)),
      passesOn: quotesInNote(words),
      answerTo: replyTo,
    });
    return sayText(result, ticket, (attachments ?? []).length);
  }
}

function toGesture(
  { id, conversationId: here, sender, replyTo }: InboundMessage,
  { id: person, name, roles }: Pick<Person, 'id' | 'name' | 'roles'>,
  conversationId: ConversationId,
): Gesture {
  return {
    id,
    conversationId,
    by: { person, name, roles },
    channel: platformOf(sender.account),
    ...(conversationId === here ? { origin: replyTo } : {}),
  };
}

/**
 * What somebody says to whoever comes, behind `/human`: no words at all, where they send files alone. Undefined where
 * they say nothing, or it is about another conversation.
 */
export function wordsForHuman({
  text,
  attachments = [],
}: Pick<InboundMessage, 'text' | 'attachments'>): string | undefined {
  const { ticket, rest } = readRest(text);
  if (ticket !== undefined) return undefined;
  return rest ?? (attachments.length > 0 ? '' : undefined);
}

/** What follows the command: a ticket, words, both or nothing. */
function readRest(text: string): { ticket?: ConversationTicket; rest?: string } {
  const after = text.trim().replace(/^\S+\s*/, '');
  const [first = '', ...others] = after.split(/\s+/);
  const ticket = ConversationTicket.safeParse(first.toLowerCase()).data;
  const rest = ticket ? after.slice(first.length).trim() : after;
  return {
    ...(ticket ? { ticket } : {}),
    ...(rest === '' || (ticket && others.length === 0) ? {} : { rest }),
  };
}
