/**
 * Brings whoever has a conversation what is written in it where they cannot be: a direct message, a mail, a program of
 * somebody else's. What they say there goes through the desk (`control-desk`).
 *
 * Invariants
 *   1. Words from a private place are brought to a place where only one person reads.
 *   2. They are somebody else's: quoted, and nothing in them is a command, a link or a name that is called.
 *   3. Who has it when the message is handled reads it, and nobody else.
 */

import { broughtText, type Course, unreadText } from '../control/bridge-sentences.ts';
import { ticketFor } from '../control/control-store.ts';
import { placeOf, toOutEffect, toSender } from '../delivery/outbox.ts';
import type { HumanControl } from '../domain/control.ts';
import { channelOf, type PersonId, platformOf } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';
import type { MessageItem } from './handling.ts';
import type { Place, Reach } from './reach.ts';

export interface BridgeDeps {
  readonly directory: Pick<Directory, 'find'>;
  readonly reach: Pick<Reach, 'isPrivate' | 'privatePlaceOf'>;
}

export class Bridge {
  constructor(private readonly deps: BridgeDeps) {}

  /** What follows from a message that is kept for the agent: whoever has the conversation reads it, too. */
  bring(item: MessageItem, control: HumanControl, nowMs: number, log: Logger): Effect[] {
    const { message, requester, correlation } = item;
    const { conversationId, owner } = control;
    if (requester.person === owner.person) return this.#unread(item, control, nowMs);
    if (!this.#isApart(message.replyTo, owner.person)) return [];
    const place = this.#placeOf(owner.person);
    if (!place) {
      log.warn({}, 'whoever has the conversation can be told nowhere in private what is written in it');
      return [];
    }
    const words = {
      name: requester.name,
      channel: channelOf(message.replyTo.platform),
      words: message.text,
      files: (message.attachments ?? []).map(({ name }) => name),
      ticket: ticketFor(conversationId),
    };
    return [
      toOutEffect({
        kind: 'text',
        id: `brought:${item.id}`,
        correlation,
        conversationId,
        to: place.to,
        requester: owner.person,
        markdown: broughtText(words),
        atMs: nowMs,
      }),
    ];
  }

  /** Where the others are now: somebody wrote to whoever has it from another private place. */
  moved(to: Address, writer: PersonId, { origin, owner }: HumanControl): Address | undefined {
    if (writer === owner.person || origin === undefined) return undefined;
    const isFollowed = this.isPrivate(origin) && this.isPrivate(to);
    return isFollowed && JSON.stringify(origin) !== JSON.stringify(to) ? to : undefined;
  }

  /** Whether one person reads what is sent there, and nobody else. */
  isPrivate(place: Address): boolean {
    return this.deps.reach.isPrivate(place);
  }

  /** @param here where they took it over, if that is in the conversation */
  courseOf({ origin, owner }: HumanControl, here: Address | undefined): Course {
    if (here && (origin === undefined || placeOf(origin) === placeOf(here))) return 'there';
    if (origin === undefined || !this.#isApart(origin, owner.person)) return here ? 'there' : 'elsewhere';
    return this.#placeOf(owner.person) ? 'brought' : 'unreached';
  }

  /** They can neither read nor write there: one person reads it who is not them, or they have no account there. */
  #isApart(place: Address, person: PersonId): boolean {
    if (this.isPrivate(place)) return true;
    const known = this.deps.directory.find(person);
    return known !== undefined && !known.accounts.some((each) => platformOf(each) === place.platform);
  }

  #placeOf(person: PersonId): Place | undefined {
    const known = this.deps.directory.find(person);
    return known && this.deps.reach.privatePlaceOf(known);
  }

  /** What they answer a mail of ours with is part of the conversation, and reaches nobody in it. */
  #unread({ id, message }: MessageItem, { conversationId, origin }: HumanControl, nowMs: number): Effect[] {
    const { replyTo } = message;
    if (origin === undefined || !this.isPrivate(replyTo) || placeOf(origin) === placeOf(replyTo)) return [];
    const markdown = unreadText(ticketFor(conversationId));
    return [toOutEffect(toSender(message, { id: `unread:${id}`, markdown, atMs: nowMs }))];
  }
}
