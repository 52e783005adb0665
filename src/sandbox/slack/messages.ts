/**
 * Posting, editing and removing, whoever does it: the change itself, whom it pings, and the events it causes.
 *
 * The Web API calls it for the app, the sandbox for its people; neither may change a message in another way.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import { BOT } from '../people.ts';
import type { Block } from './block-rules.ts';
import type { EventQueue } from './event-queue.ts';
import { eventsOfEdit, eventsOfNewMessage, eventsOfRemoval, type Payload, toCallback } from './events.ts';
import { pingsOf } from './pings.ts';
import type { SlackMessage, Workspace } from './workspace.ts';

/** Which of the two events of a mention goes first: Slack promises no order. */
export type MentionOrder = 'message-first' | 'mention-first' | 'alternating';

export type Draft = Omit<SlackMessage, 'ts'> & { readonly linkNames?: boolean };

export interface Posted {
  readonly message: SlackMessage;
  /** Resolves once the app has acknowledged every event of it; rejects if Slack gives up. */
  readonly acknowledged: Promise<void>;
}

export class Messages {
  #mentions = 0;

  constructor(
    private readonly workspace: Workspace,
    private readonly queue: EventQueue,
    private readonly clock: Clock,
    private readonly mentionOrder: MentionOrder,
  ) {}

  post({ linkNames = false, ...draft }: Draft): Posted {
    const message: SlackMessage = { ...draft, ts: this.workspace.nextTs() };
    this.workspace.record({ kind: 'message-put', message });
    this.#clearStatus(message);
    this.#notePings(message, linkNames);
    return { message, acknowledged: this.#announce(this.#ordered(eventsOfNewMessage(message))) };
  }

  /** `seen`: marks it as edited, as a person's edit and chat.update do and a growing stream does not. */
  edit(before: SlackMessage, change: Partial<SlackMessage>, { seen = true, linkNames = false } = {}): Posted {
    const eventTs = this.workspace.nextTs();
    const edited = seen ? { edited: { user: before.user, ts: eventTs } } : {};
    const message: SlackMessage = { ...before, ...change, ...edited };
    this.workspace.record({ kind: 'message-put', message });
    this.#notePings(message, linkNames);
    return { message, acknowledged: this.#announce(eventsOfEdit(before, message, eventTs)) };
  }

  /** A root with replies stays as a tombstone, which Slack tells as an edit; anything else is gone. */
  remove(message: SlackMessage): Promise<void> {
    const { channel, ts } = message;
    const eventTs = this.workspace.nextTs();
    if (this.workspace.replies(channel, ts).length > 0) {
      const tombstone = toTombstone(message);
      this.workspace.record({ kind: 'message-put', message: tombstone });
      return this.#announce(eventsOfEdit(message, tombstone, eventTs));
    }
    this.workspace.record({ kind: 'message-gone', channel, ts });
    return this.#announce(eventsOfRemoval(message, eventTs));
  }

  #announce(events: readonly Payload[]): Promise<void> {
    const acknowledged = Promise.all(
      events.map((event) => {
        const eventId = `Ev${randomUUID().replaceAll('-', '').slice(0, 12).toUpperCase()}`;
        return this.queue.send(eventId, toCallback(event, eventId, this.clock.now()));
      }),
    ).then(() => {});
    acknowledged.catch(() => {}); // Whoever wants to know waits for it; nobody has to.
    return acknowledged;
  }

  #ordered(events: Payload[]): Payload[] {
    if (events.length < 2) return events;
    this.#mentions += 1;
    const mentionFirst =
      this.mentionOrder === 'mention-first' ||
      (this.mentionOrder === 'alternating' && this.#mentions % 2 === 0);
    return mentionFirst ? events.toReversed() : events;
  }

  #notePings({ text, blocks = [], channel, ts, user }: SlackMessage, linkNames: boolean): void {
    for (const ping of pingsOf({ text, blocks, linkNames })) {
      this.workspace.record({ kind: 'ping', ping: { ...ping, channel, ts, by: user } });
    }
  }

  /** The app's answer ends the status it showed in the thread. */
  #clearStatus({ user, channel, thread_ts: thread }: SlackMessage): void {
    if (user !== BOT.user || thread === undefined || this.workspace.status(channel, thread) === '') return;
    this.workspace.record({ kind: 'status', channel, thread, status: '' });
  }
}

/** Blocks without an id get one, as Slack gives them. */
export function withBlockIds(blocks: readonly Block[]): Block[] {
  return blocks.map((block) => ({ ...block, block_id: block.block_id ?? randomUUID().slice(0, 5) }));
}

function toTombstone({ channel, ts, thread_ts }: SlackMessage): SlackMessage {
  return {
    channel,
    ts,
    thread_ts: thread_ts ?? ts,
    subtype: 'tombstone',
    user: 'USLACKBOT',
    text: 'This message was deleted.',
  };
}
