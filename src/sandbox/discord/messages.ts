/**
 * Posting, editing and removing, whoever does it: the change itself, whom it notifies, and the events it causes.
 *
 * The routes call it for the app, the sandbox for its people; neither may change a message in another way.
 */
import type { Clock } from '../../domain/clock.ts';
import { BOT } from '../people.ts';
import { textsIn } from './component-rules.ts';
import {
  type GatewayEvent,
  messageCreated,
  messageDeleted,
  messageUpdated,
  reactionEvent,
  threadEvent,
} from './events.ts';
import { type MentionDefaults, type Notified, notifiedBy } from './mentions.ts';
import type { AllowedMentions } from './message-rules.ts';
import type { SharedView } from './wire.ts';
import type { DiscordMessage, RecordedPing, Thread, World } from './world.ts';

/** Message type of the notice that a thread was opened. */
const THREAD_CREATED = 18;

/** Types of what people and apps say: plain, replies, answers to commands. All others are the channel's own notes. */
const SPOKEN: readonly number[] = [0, 19, 20, 23];

export function isSystemMessage({ type }: Pick<DiscordMessage, 'type'>): boolean {
  return !SPOKEN.includes(type);
}

export interface MentionPolicy {
  readonly allowed: AllowedMentions | undefined;
  readonly defaults: MentionDefaults;
}

export type Draft = Pick<DiscordMessage, 'channel' | 'author'> &
  Partial<Omit<DiscordMessage, 'id' | 'mentions' | 'createdAt' | 'editedAt'>>;

interface Deps {
  readonly world: World;
  readonly clock: Clock;
  readonly view: () => SharedView;
  readonly dispatch: (event: GatewayEvent) => void;
}

export class Messages {
  constructor(private readonly deps: Deps) {}

  post(draft: Draft, policy: MentionPolicy): DiscordMessage {
    const { world } = this.deps;
    const content = (draft.content ?? '').trim(); // Discord keeps no space around a text.
    const whole = { type: 0, embeds: [], components: [], attachments: [], flags: 0, ...draft, content };
    const notified = this.#notified(whole, policy);
    const message: DiscordMessage = {
      ...whole,
      id: world.nextId(),
      mentions: toMentions(notified),
      createdAt: this.#now(),
    };
    this.#wakeThread(message.channel);
    world.record({ kind: 'message-put', message });
    this.#notePings(message, notified, 'create');
    // An ephemeral message is told to nobody but the person it is for.
    if (message.onlyFor === undefined) this.deps.dispatch(messageCreated(message, this.deps.view()));
    return message;
  }

  /** `seen`: marks it as edited, which filling in a deferred answer does not. */
  edit(
    before: DiscordMessage,
    change: Partial<DiscordMessage>,
    policy: MentionPolicy,
    { seen = true } = {},
  ): DiscordMessage {
    const changed = { ...before, ...change, content: (change.content ?? before.content).trim() };
    const notified = this.#notified(changed, policy);
    const message: DiscordMessage = {
      ...changed,
      mentions: toMentions(notified),
      ...(seen ? { editedAt: this.#now() } : {}),
    };
    this.deps.world.record({ kind: 'message-put', message });
    this.#notePings(message, notified, 'edit');
    this.#announceEdit(message);
    return message;
  }

  remove(message: DiscordMessage): void {
    this.deps.world.record({ kind: 'message-gone', id: message.id });
    if (message.onlyFor === undefined) this.deps.dispatch(messageDeleted(message, this.deps.world));
  }

  react(message: DiscordMessage, emoji: string, user: string): void {
    const reactions = message.reactions ?? [];
    const users = reactions.find((reaction) => reaction.emoji === emoji)?.users ?? [];
    if (users.includes(user)) return;
    const others = reactions.filter((reaction) => reaction.emoji !== emoji);
    this.deps.world.record({
      kind: 'message-put',
      message: { ...message, reactions: [...others, { emoji, users: [...users, user] }] },
    });
    this.deps.dispatch(reactionEvent('MESSAGE_REACTION_ADD', message, { emoji, user }, this.deps.world));
  }

  unreact(message: DiscordMessage, emoji: string, user: string): void {
    const reactions = (message.reactions ?? [])
      .map((reaction) =>
        reaction.emoji === emoji
          ? { ...reaction, users: reaction.users.filter((other) => other !== user) }
          : reaction,
      )
      .filter(({ users }) => users.length > 0);
    this.deps.world.record({ kind: 'message-put', message: { ...message, reactions } });
    this.deps.dispatch(reactionEvent('MESSAGE_REACTION_REMOVE', message, { emoji, user }, this.deps.world));
  }

  /** A thread that is new, or changed. */
  putThread(thread: Thread): void {
    const { world, dispatch } = this.deps;
    const isNew = world.place(thread.id) === undefined;
    world.record({ kind: 'thread-put', thread });
    dispatch(threadEvent(isNew ? 'THREAD_CREATE' : 'THREAD_UPDATE', thread, world));
    const starter = world.message(thread.id);
    if (!isNew) return;
    if (starter !== undefined)
      this.#announceEdit(starter); // It has a thread now.
    else this.#announceThread(thread);
  }

  /** A thread that did not begin with a message is told of in its channel, by a message of whoever opened it. */
  #announceThread({ parent, owner, name }: Thread): void {
    this.post(
      { channel: parent, author: owner, type: THREAD_CREATED, content: name },
      { allowed: { parse: [] }, defaults: 'users' },
    );
  }

  #announceEdit(message: DiscordMessage): void {
    if (message.onlyFor === undefined) this.deps.dispatch(messageUpdated(message, this.deps.view()));
  }

  /** Whoever writes into an archived thread opens it again. */
  #wakeThread(channel: string): void {
    const place = this.deps.world.place(channel);
    if (place?.kind === 'thread' && place.thread.archived)
      this.putThread({ ...place.thread, archived: false });
  }

  #notified(
    { author, channel, content, components, replyTo }: Omit<DiscordMessage, 'id' | 'mentions' | 'createdAt'>,
    { allowed, defaults }: MentionPolicy,
  ): Notified {
    const { world, view } = this.deps;
    const mayMentionEveryone =
      author === BOT.discordUser
        ? view().permissions.has('MENTION_EVERYONE', this.#guildChannel(channel))
        : true;
    return notifiedBy({
      text: [content, ...textsIn(components)].join('\n'),
      allowed,
      defaults,
      repliedUser: replyTo === undefined ? undefined : world.message(replyTo)?.author,
      mayMentionEveryone,
    });
  }

  /** Permissions are those of the channel that a thread is in. */
  #guildChannel(channel: string): string {
    const place = this.deps.world.place(channel);
    return place?.kind === 'thread' ? place.thread.parent : channel;
  }

  #notePings({ id, channel, author }: DiscordMessage, notified: Notified, on: RecordedPing['on']): void {
    const targets = [
      ...(notified.everyone ? ['everyone'] : []),
      ...(notified.here ? ['here'] : []),
      ...notified.users,
      ...notified.roles,
    ];
    for (const target of targets) {
      const how = target === notified.byReply ? 'reply' : 'mention';
      this.deps.world.record({ kind: 'ping', ping: { target, how, on, channel, message: id, by: author } });
    }
  }

  #now(): string {
    return new Date(this.deps.clock.now()).toISOString();
  }
}

function toMentions({ everyone, here, users, roles }: Notified): DiscordMessage['mentions'] {
  return { everyone: everyone || here, users, roles };
}
