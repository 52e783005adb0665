/** Routes of channels: messages, reactions, threads, typing, and direct messages. */
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { BOT, DISCORD_CHANNELS, PEOPLE } from '../people.ts';
import { type AppMessages, visibleMessage } from './app-messages.ts';
import { type GatewayEvent, typingEvent } from './events.ts';
import {
  ARCHIVE_MINUTES,
  DEFAULT_PAGE_SIZE,
  MAX_ACTIVE_THREADS,
  MAX_PAGE_SIZE,
  MAX_REACTIONS,
  MAX_THREAD_NAME_CHARS,
} from './limits.ts';
import { isSystemMessage, type Messages } from './messages.ts';
import type { Permission, Permissions } from './permissions.ts';
import { parseForm, Refusal, unknown } from './refusal.ts';
import {
  created,
  NO_CONTENT,
  ok,
  param,
  type RestAnswer,
  type RestRequest,
  type RestRoute,
} from './rest-route.ts';
import { type SharedView, toChannel, toMessage, toThread, toThreadMember, type View } from './wire.ts';
import type { DiscordMessage, Place, Thread, World } from './world.ts';

const DEFAULT_ARCHIVE_MINUTES = 4_320;

interface Deps {
  readonly world: World;
  readonly messages: Messages;
  readonly appMessages: AppMessages;
  readonly permissions: Permissions;
  readonly clock: Clock;
  readonly view: () => SharedView;
  /** The app was given the message-content intent, which counts for REST too. */
  readonly hasContent: () => boolean;
  readonly dispatch: (event: GatewayEvent) => void;
}

/** What of a message needs a permission of its own. */
const Extras = z.object({
  embeds: z.array(z.unknown()).nullish(),
  message_reference: z.unknown().optional(),
});
const ThreadName = z.string().min(1).max(MAX_THREAD_NAME_CHARS);
const ArchiveMinutes = z.union(ARCHIVE_MINUTES.map((minutes) => z.literal(minutes)));
const NewThread = z.object({
  name: ThreadName,
  auto_archive_duration: ArchiveMinutes.nullish(),
  type: z.int().optional(),
});
const ThreadChange = z.object({
  name: ThreadName.optional(),
  archived: z.boolean().optional(),
  locked: z.boolean().optional(),
  auto_archive_duration: ArchiveMinutes.optional(),
});
const Page = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE),
  before: z.string().regex(/^\d+$/).optional(),
  after: z.string().regex(/^\d+$/).optional(),
  around: z.string().regex(/^\d+$/).optional(),
});
type Page = z.infer<typeof Page>;

export class ChannelRoutes {
  readonly routes: readonly RestRoute[];

  constructor(private readonly deps: Deps) {
    const message = '/channels/:channel/messages/:message';
    this.routes = [
      { method: 'GET', path: '/channels/:channel', run: (request) => this.#get(request) },
      { method: 'PATCH', path: '/channels/:channel', run: (request) => this.#change(request) },
      { method: 'GET', path: '/channels/:channel/messages', run: (request) => this.#list(request) },
      { method: 'POST', path: '/channels/:channel/messages', run: (request) => this.#create(request) },
      { method: 'GET', path: message, run: (request) => ok(this.#show(this.#read(request))) },
      { method: 'PATCH', path: message, run: (request) => this.#edit(request) },
      { method: 'DELETE', path: message, run: (request) => this.#delete(request) },
      { method: 'PUT', path: `${message}/reactions/:emoji/@me`, run: (request) => this.#react(request) },
      { method: 'DELETE', path: `${message}/reactions/:emoji/@me`, run: (request) => this.#unreact(request) },
      { method: 'POST', path: `${message}/threads`, run: (request) => this.#startFromMessage(request) },
      { method: 'POST', path: '/channels/:channel/threads', run: (request) => this.#start(request) },
      { method: 'PUT', path: '/channels/:channel/thread-members/@me', run: (request) => this.#join(request) },
      {
        method: 'DELETE',
        path: '/channels/:channel/thread-members/@me',
        run: (request) => this.#leave(request),
      },
      { method: 'GET', path: '/channels/:channel/thread-members', run: (request) => this.#members(request) },
      { method: 'POST', path: '/channels/:channel/typing', run: (request) => this.#type(request) },
      { method: 'POST', path: '/users/@me/channels', run: (request) => this.#openDm(request) },
    ];
  }

  #get(request: RestRequest): RestAnswer {
    return ok(toChannel(this.deps.view(), this.#place(request)));
  }

  #list(request: RestRequest): RestAnswer {
    const place = this.#place(request);
    if (!this.#may(place, 'READ_MESSAGE_HISTORY')) return ok([]);
    const page = parseForm(Page, request.query);
    return ok(pageOf(this.deps.world.messages(place.id), page).map((message) => this.#show(message)));
  }

  #create(request: RestRequest): RestAnswer {
    const place = this.#place(request);
    this.#need(place, place.kind === 'thread' ? 'SEND_MESSAGES_IN_THREADS' : 'SEND_MESSAGES');
    if (request.files.length > 0) this.#need(place, 'ATTACH_FILES');
    const { embeds, message_reference: reference } = parseForm(Extras, request.json);
    if ((embeds ?? []).length > 0) this.#need(place, 'EMBED_LINKS');
    if ((reference ?? undefined) !== undefined && !this.#may(place, 'READ_MESSAGE_HISTORY'))
      throw new Refusal(400, 160_002, 'You cannot reply without permission to read message history');
    if (place.kind === 'dm' && this.deps.permissions.refusesDms(place.user))
      throw new Refusal(403, 50_007, 'Cannot send messages to this user');
    if (place.kind === 'thread' && place.thread.locked && !this.#may(place, 'MANAGE_THREADS'))
      throw new Refusal(403, 160_005, 'Thread is locked');
    return ok(this.#show(this.deps.appMessages.create(place.id, request)));
  }

  #edit(request: RestRequest): RestAnswer {
    const before = this.#read(request);
    this.#refuseArchived(request);
    if (before.author !== BOT.discordUser)
      throw new Refusal(403, 50_005, 'Cannot edit a message authored by another user');
    return ok(this.#show(this.deps.appMessages.edit(before, request)));
  }

  #delete(request: RestRequest): RestAnswer {
    const message = this.#read(request);
    const place = this.#place(request);
    this.#refuseArchived(request);
    if (message.author !== BOT.discordUser) {
      if (place.kind === 'dm') throw new Refusal(403, 50_003, 'Cannot execute action on a DM channel');
      this.#need(place, 'MANAGE_MESSAGES');
    }
    this.deps.messages.remove(message);
    return NO_CONTENT;
  }

  #react(request: RestRequest): RestAnswer {
    const message = this.#read(request);
    this.#need(this.#place(request), 'ADD_REACTIONS');
    const emoji = emojiOf(request);
    const reactions = message.reactions ?? [];
    if (reactions.length >= MAX_REACTIONS && !reactions.some((reaction) => reaction.emoji === emoji))
      throw new Refusal(400, 30_010, `Maximum number of reactions reached (${MAX_REACTIONS})`);
    this.deps.messages.react(message, emoji, BOT.discordUser);
    return NO_CONTENT;
  }

  #unreact(request: RestRequest): RestAnswer {
    this.deps.messages.unreact(this.#read(request), emojiOf(request), BOT.discordUser);
    return NO_CONTENT;
  }

  #startFromMessage(request: RestRequest): RestAnswer {
    const place = this.#place(request);
    const message = this.#read(request);
    const form = parseForm(NewThread, request.json);
    if (place.kind !== 'channel')
      throw new Refusal(400, 50_024, 'Cannot execute action on this channel type');
    this.#need(place, 'CREATE_PUBLIC_THREADS');
    if (isSystemMessage(message)) throw new Refusal(400, 50_021, 'Cannot execute action on a system message');
    if (this.deps.world.place(message.id) !== undefined)
      throw new Refusal(400, 160_004, 'A thread has already been created for this message');
    return created(this.#open(message.id, place.id, form));
  }

  #start(request: RestRequest): RestAnswer {
    const place = this.#place(request);
    const form = parseForm(NewThread, request.json);
    if (place.kind !== 'channel')
      throw new Refusal(400, 50_024, 'Cannot execute action on this channel type');
    this.#need(place, 'CREATE_PUBLIC_THREADS');
    return created(this.#open(this.deps.world.nextId(), place.id, form));
  }

  #open(id: string, parent: string, form: z.infer<typeof NewThread>): ReturnType<typeof toThread> {
    if (activeThreads(this.deps.world).length >= MAX_ACTIVE_THREADS)
      throw new Refusal(400, 160_006, 'Maximum number of active threads reached');
    const thread: Thread = {
      id,
      parent,
      name: form.name,
      owner: BOT.discordUser,
      archived: false,
      locked: false,
      autoArchiveMinutes: form.auto_archive_duration ?? DEFAULT_ARCHIVE_MINUTES,
      createdAt: new Date(this.deps.clock.now()).toISOString(),
      members: [BOT.discordUser],
    };
    this.deps.messages.putThread(thread);
    return toThread(this.deps.world, thread);
  }

  #change(request: RestRequest): RestAnswer {
    const place = this.#place(request);
    const change = parseForm(ThreadChange, request.json);
    if (place.kind !== 'thread') throw missingPermissions();
    const isOwn = place.thread.owner === BOT.discordUser;
    const onlyOpens = change.archived === false && !place.thread.locked;
    if ((change.locked !== undefined || !isOwn) && !onlyOpens) this.#need(place, 'MANAGE_THREADS');
    if (place.thread.archived && change.archived !== false) throw archived();
    const thread: Thread = {
      ...place.thread,
      name: change.name ?? place.thread.name,
      archived: change.archived ?? place.thread.archived,
      locked: change.locked ?? place.thread.locked,
      autoArchiveMinutes: change.auto_archive_duration ?? place.thread.autoArchiveMinutes,
    };
    this.deps.messages.putThread(thread);
    return ok(toThread(this.deps.world, thread));
  }

  #join(request: RestRequest): RestAnswer {
    const { thread } = this.#thread(request);
    if (thread.archived) throw archived();
    if (!thread.members.includes(BOT.discordUser))
      this.deps.messages.putThread({ ...thread, members: [...thread.members, BOT.discordUser] });
    return NO_CONTENT;
  }

  #leave(request: RestRequest): RestAnswer {
    const { thread } = this.#thread(request);
    if (thread.archived) throw archived();
    const members = thread.members.filter((member) => member !== BOT.discordUser);
    this.deps.messages.putThread({ ...thread, members });
    return NO_CONTENT;
  }

  #members(request: RestRequest): RestAnswer {
    const { thread } = this.#thread(request);
    return ok(thread.members.map((member) => toThreadMember(thread, member)));
  }

  #type(request: RestRequest): RestAnswer {
    const place = this.#place(request);
    this.#need(place, place.kind === 'thread' ? 'SEND_MESSAGES_IN_THREADS' : 'SEND_MESSAGES');
    const { world, clock } = this.deps;
    this.deps.dispatch(typingEvent(place.id, BOT.discordUser, clock.now(), world));
    return NO_CONTENT;
  }

  #openDm(request: RestRequest): RestAnswer {
    const { recipient_id: recipient } = parseForm(
      z.object({ recipient_id: z.coerce.string() }),
      request.json,
    );
    const person = PEOPLE.find(({ discordUser }) => discordUser === recipient);
    if (person === undefined) throw new Refusal(400, 50_033, 'Invalid Recipient(s)');
    return ok(toChannel(this.deps.view(), { kind: 'dm', id: person.discordDm, user: recipient }));
  }

  #place(request: RestRequest): Place {
    const place = this.deps.world.place(param(request, 'channel'));
    if (place === undefined) throw unknown.channel();
    if (!this.#may(place, 'VIEW_CHANNEL')) throw new Refusal(403, 50_001, 'Missing Access');
    return place;
  }

  #thread(request: RestRequest): Extract<Place, { kind: 'thread' }> {
    const place = this.#place(request);
    if (place.kind !== 'thread') throw unknown.channel();
    return place;
  }

  #read(request: RestRequest): DiscordMessage {
    return visibleMessage(this.deps.world, this.#place(request).id, param(request, 'message'));
  }

  #show(message: DiscordMessage): ReturnType<typeof toMessage> {
    const view: View = { ...this.deps.view(), content: this.deps.hasContent() };
    return toMessage(message, view);
  }

  #refuseArchived(request: RestRequest): void {
    const place = this.#place(request);
    if (place.kind === 'thread' && place.thread.archived) throw archived();
  }

  #may(place: Place, permission: Permission): boolean {
    const { permissions } = this.deps;
    return (
      place.kind === 'dm' ||
      permissions.has(permission, place.kind === 'thread' ? place.thread.parent : place.id)
    );
  }

  #need(place: Place, permission: Permission): void {
    if (!this.#may(place, permission)) throw missingPermissions();
  }
}

/** Channels of the guild, as its own routes list them. */
export function guildChannels(view: SharedView): ReturnType<typeof toChannel>[] {
  return DISCORD_CHANNELS.flatMap(({ id }) => {
    const place = view.world.place(id);
    return place === undefined ? [] : [toChannel(view, place)];
  });
}

export function activeThreads(world: World): ReturnType<typeof toThread>[] {
  return world
    .threads()
    .filter(({ archived: isArchived }) => !isArchived)
    .map((thread) => toThread(world, thread));
}

/** Newest first, whichever side of the anchor they are from. */
function pageOf(
  messages: readonly DiscordMessage[],
  { limit, before, after, around }: Page,
): DiscordMessage[] {
  const newestFirst = messages.toReversed();
  if (after !== undefined) return newestFirst.filter(({ id }) => BigInt(id) > BigInt(after)).slice(-limit);
  if (before !== undefined)
    return newestFirst.filter(({ id }) => BigInt(id) < BigInt(before)).slice(0, limit);
  if (around === undefined) return newestFirst.slice(0, limit);

  const middle = newestFirst.findIndex(({ id }) => BigInt(id) <= BigInt(around));
  const start = Math.max(0, (middle === -1 ? newestFirst.length : middle) - Math.floor(limit / 2));
  return newestFirst.slice(start, start + limit);
}

/** An emoji of Unicode; those of a guild do not exist here. */
function emojiOf(request: RestRequest): string {
  const emoji = param(request, 'emoji');
  if (!/^\p{Emoji}/u.test(emoji)) throw unknown.emoji();
  return emoji;
}

function archived(): Refusal {
  return new Refusal(400, 50_083, 'Thread is archived');
}

function missingPermissions(): Refusal {
  return new Refusal(403, 50_013, 'Missing Permissions');
}
