/**
 * What `/takeover`, `/handback` and `/human` do, and what whoever wrote them is told.
 *
 * A ticket behind the command names another conversation than the one it was written in: that is what the buttons
 * of a call for a human say, and what can be typed anywhere.
 */
import type { ControlDesk, Gesture } from '../control/control-desk.ts';
import type { ControlStore } from '../control/control-store.ts';
import { handBackText, handoffText, NOBODY_COULD_COME, takeOverText } from '../control/sentences.ts';
import { type ConversationId, ConversationTicket, platformOf } from '../domain/ids.ts';
import type { InboundMessage } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';

export type ControlDirective = 'takeover' | 'handback' | 'human';

/** Most of a reason or a note that is kept, in characters. */
const MOST_CHARS = { human: 500, handback: 2_000 } as const;

const NO_SUCH =
  'I know no conversation by that ticket, or it is over. `signalbox conversations list` shows those that are not mine now.';
const NOT_MINE =
  'I have no part in this conversation, so there is nothing to take over. Write it in a thread I answer in, or put the ticket of one behind it.';

export class ControlDirectives {
  constructor(
    private readonly desk: ControlDesk,
    private readonly controls: Pick<ControlStore, 'named' | 'isKnown'>,
  ) {}

  /** Does it, and resolves with what whoever wrote it is told. */
  async take(
    directive: ControlDirective,
    message: InboundMessage,
    person: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<string> {
    const { ticket, rest } = readRest(message.text);
    const conversationId = ticket ? await this.controls.named(ticket) : message.conversationId;
    if (conversationId === undefined) return NO_SUCH;
    const isHere = conversationId === message.conversationId;
    const gesture = toGesture(message, person, conversationId);
    const which = isHere ? 'this conversation' : 'that conversation';
    switch (directive) {
      case 'takeover':
        if (isHere && !(await this.controls.isKnown(conversationId))) return NOT_MINE;
        return takeOverText(await this.desk.takeOver(gesture), which);
      case 'handback':
        return handBackText(await this.desk.handBack(gesture, rest?.slice(0, MOST_CHARS.handback)), which);
      case 'human': {
        const result = await this.desk.callHuman(gesture, rest?.slice(0, MOST_CHARS.human));
        return result ? handoffText(result) : NOBODY_COULD_COME;
      }
      default:
        return directive satisfies never;
    }
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
