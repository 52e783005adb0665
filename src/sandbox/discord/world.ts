/**
 * What is in the emulated Discord, and how it changes.
 *
 * Owns      messages (ephemeral ones too), threads, commands, interactions, open modals, files, and pings.
 * Not here  who may do what (`*-routes.ts`), and how an event reaches the app (`gateway-server.ts`).
 *
 * Invariants
 *   1. Everything changes through `record`, which keeps the change in the journal before it is applied; applying
 *      the journal again gives the same world.
 *   2. Ids are snowflakes: unique, and later ones are larger, across restarts.
 */
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';
import { DISCORD_CHANNELS, PEOPLE } from '../people.ts';
import { CommandDefinition } from './command-rules.ts';

export const Attachment = z.object({
  id: z.string(),
  filename: z.string(),
  contentType: z.string(),
  size: z.int(),
  description: z.string().optional(),
});
export type Attachment = z.infer<typeof Attachment>;

/** Whom a message really mentions, after `allowed_mentions`. */
export const Mentions = z.object({
  everyone: z.boolean(),
  users: z.array(z.string()),
  roles: z.array(z.string()),
});
export type Mentions = z.infer<typeof Mentions>;

/** A message as the world keeps it; `wire.ts` says what of it Discord shows. */
export const DiscordMessage = z.object({
  id: z.string(),
  channel: z.string(),
  /** User id. */
  author: z.string(),
  /** Discord's message type: 0 plain, 19 reply, 20 slash command, 23 context command, 18 thread created. */
  type: z.int(),
  content: z.string(),
  embeds: z.array(z.looseObject({})),
  components: z.array(z.looseObject({})),
  attachments: z.array(Attachment),
  mentions: Mentions,
  flags: z.int(),
  createdAt: z.iso.datetime(),
  editedAt: z.iso.datetime().optional(),
  /** The message this one answers. */
  replyTo: z.string().optional(),
  nonce: z.union([z.string(), z.int()]).optional(),
  /** An ephemeral message: the one person who sees it. */
  onlyFor: z.string().optional(),
  /** The interaction whose answer it is. */
  interaction: z.string().optional(),
  /** Shows "is thinking…": deferred, and not answered yet. */
  loading: z.boolean().optional(),
  reactions: z.array(z.object({ emoji: z.string(), users: z.array(z.string()) })).optional(),
});
export type DiscordMessage = z.infer<typeof DiscordMessage>;

export const Thread = z.object({
  id: z.string(),
  /** The channel it is in. */
  parent: z.string(),
  name: z.string(),
  /** User id of who opened it. */
  owner: z.string(),
  archived: z.boolean(),
  locked: z.boolean(),
  autoArchiveMinutes: z.int(),
  createdAt: z.iso.datetime(),
  members: z.array(z.string()),
});
export type Thread = z.infer<typeof Thread>;

export const Command = CommandDefinition.extend({
  id: z.string(),
  version: z.string(),
  /** Undefined: global. */
  guild: z.string().optional(),
});
export type Command = z.infer<typeof Command>;

export const InteractionRecord = z.object({
  id: z.string(),
  token: z.string(),
  /** 2 command, 3 component, 4 autocomplete, 5 modal. */
  type: z.int(),
  user: z.string(),
  channel: z.string(),
  at: z.number(),
  /** The name of the command, when it was one. */
  command: z.string().optional(),
  /** The message with the component, or with the button that opened the modal. */
  message: z.string().optional(),
  state: z.enum(['waiting', 'answered', 'failed']),
  /** The message that `@original` names. */
  original: z.string().optional(),
});
export type InteractionRecord = z.infer<typeof InteractionRecord>;

export const OpenModal = z.object({
  user: z.string(),
  channel: z.string(),
  message: z.string().optional(),
  customId: z.string(),
  title: z.string(),
  components: z.array(z.looseObject({})),
});
export type OpenModal = z.infer<typeof OpenModal>;

/** Somebody was notified. */
export const RecordedPing = z.object({
  /** `everyone`, `here`, or the id of a user or a role. */
  target: z.string(),
  how: z.enum(['mention', 'reply']),
  on: z.enum(['create', 'edit']),
  channel: z.string(),
  message: z.string(),
  by: z.string(),
});
export type RecordedPing = z.infer<typeof RecordedPing>;

const StoredFile = z.object({ id: z.string(), contentType: z.string(), base64: z.string() });
type StoredFile = z.infer<typeof StoredFile>;

export const Change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('message-put'), message: DiscordMessage }),
  z.object({ kind: z.literal('message-gone'), id: z.string() }),
  z.object({ kind: z.literal('thread-put'), thread: Thread }),
  z.object({ kind: z.literal('command-put'), command: Command, isNew: z.boolean(), at: z.number() }),
  z.object({ kind: z.literal('command-gone'), id: z.string() }),
  z.object({ kind: z.literal('interaction-put'), interaction: InteractionRecord }),
  z.object({ kind: z.literal('modal-put'), modal: OpenModal }),
  z.object({ kind: z.literal('modal-gone'), user: z.string() }),
  z.object({ kind: z.literal('file-put'), file: StoredFile }),
  z.object({ kind: z.literal('ping'), ping: RecordedPing }),
]);
export type Change = z.infer<typeof Change>;

/** Where a message can be. */
export type Place =
  | { readonly kind: 'channel'; readonly id: string; readonly name: string }
  | { readonly kind: 'dm'; readonly id: string; readonly user: string }
  | { readonly kind: 'thread'; readonly id: string; readonly thread: Thread };

/** The first second of Discord's time, from which snowflakes count. */
const DISCORD_EPOCH_MS = 1_420_070_400_000;

const JOURNAL_KIND = 'discord';

export class World {
  readonly #messages = new Map<string, DiscordMessage>();
  /** By channel, then by id. */
  readonly #byChannel = new Map<string, Map<string, DiscordMessage>>();
  /** By the one person who sees them, then by id. */
  readonly #ephemerals = new Map<string, Map<string, DiscordMessage>>();
  /** The message that a nonce made last, by channel, author and nonce. */
  readonly #byNonce = new Map<string, string>();
  readonly #threads = new Map<string, Thread>();
  readonly #commands = new Map<string, Command>();
  readonly #commandCreates: { guild: string | undefined; at: number }[] = [];
  readonly #interactions = new Map<string, InteractionRecord>();
  readonly #modals = new Map<string, OpenModal>();
  readonly #files = new Map<string, { contentType: string; bytes: Buffer }>();
  readonly #pings: RecordedPing[] = [];
  readonly #listeners = new Set<() => void>();
  #lastId = 0n;

  constructor(
    private readonly journal: Journal,
    private readonly clock: Clock,
  ) {}

  async start(): Promise<void> {
    for (const record of this.journal.replay(JOURNAL_KIND)) this.#apply(Change.parse(record));
  }

  record(change: Change): void {
    this.journal.append(JOURNAL_KIND, change);
    this.#apply(change);
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` after every change; the function returned ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A snowflake for something that happens now. */
  nextId(): string {
    const sinceEpoch = BigInt(Math.max(0, this.clock.now() - DISCORD_EPOCH_MS));
    const next = sinceEpoch << 22n;
    this.#lastId = next > this.#lastId ? next : this.#lastId + 1n;
    return String(this.#lastId);
  }

  place(id: string): Place | undefined {
    const channel = DISCORD_CHANNELS.find((known) => known.id === id);
    if (channel !== undefined) return { kind: 'channel', ...channel };
    const person = PEOPLE.find(({ discordDm }) => discordDm === id);
    if (person !== undefined) return { kind: 'dm', id, user: person.discordUser };
    const thread = this.#threads.get(id);
    return thread && { kind: 'thread', id, thread };
  }

  message(id: string): DiscordMessage | undefined {
    return this.#messages.get(id);
  }

  /** What everybody there sees, oldest first. */
  messages(channel: string): DiscordMessage[] {
    return [...(this.#byChannel.get(channel)?.values() ?? [])];
  }

  /** What only this person sees, oldest first. */
  ephemerals(user: string): DiscordMessage[] {
    return [...(this.#ephemerals.get(user)?.values() ?? [])];
  }

  withNonce(channel: string, author: string, nonce: string | number): DiscordMessage | undefined {
    return this.#messages.get(this.#byNonce.get(`${channel} ${author} ${nonce}`) ?? '');
  }

  /** All threads, or those of one channel. */
  threads(parent?: string): Thread[] {
    return [...this.#threads.values()].filter((thread) => parent === undefined || thread.parent === parent);
  }

  /** Global commands, or those of one guild. */
  commands(guild: string | undefined): Command[] {
    return [...this.#commands.values()].filter((command) => command.guild === guild);
  }

  command(id: string): Command | undefined {
    return this.#commands.get(id);
  }

  commandCreatesSince(guild: string | undefined, since: number): number {
    return this.#commandCreates.filter((create) => create.guild === guild && create.at > since).length;
  }

  interaction(token: string): InteractionRecord | undefined {
    return this.#interactions.get(token);
  }

  modal(user: string): OpenModal | undefined {
    return this.#modals.get(user);
  }

  file(id: string): { contentType: string; bytes: Buffer } | undefined {
    return this.#files.get(id);
  }

  pings(): readonly RecordedPing[] {
    return this.#pings;
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'message-put':
        this.#put(change.message);
        return;
      case 'message-gone':
        this.#drop(change.id);
        return;
      case 'thread-put':
        this.#threads.set(change.thread.id, change.thread);
        this.#noteId(change.thread.id);
        return;
      case 'command-put':
        this.#commands.set(change.command.id, change.command);
        if (change.isNew) this.#commandCreates.push({ guild: change.command.guild, at: change.at });
        this.#noteId(change.command.version);
        return;
      case 'command-gone':
        this.#commands.delete(change.id);
        return;
      case 'interaction-put':
        this.#interactions.set(change.interaction.token, change.interaction);
        this.#noteId(change.interaction.id);
        return;
      case 'modal-put':
        this.#modals.set(change.modal.user, change.modal);
        return;
      case 'modal-gone':
        this.#modals.delete(change.user);
        return;
      case 'file-put':
        this.#files.set(change.file.id, toFile(change.file));
        this.#noteId(change.file.id);
        return;
      case 'ping':
        this.#pings.push(change.ping);
        return;
      default:
        change satisfies never;
    }
  }

  #put(message: DiscordMessage): void {
    const { id, channel, author, onlyFor, nonce } = message;
    this.#messages.set(id, message);
    if (onlyFor === undefined) putInto(this.#byChannel, channel, message);
    else putInto(this.#ephemerals, onlyFor, message);
    if (nonce !== undefined) this.#byNonce.set(`${channel} ${author} ${nonce}`, id);
    this.#noteId(id);
  }

  #drop(id: string): void {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    this.#messages.delete(id);
    this.#byChannel.get(message.channel)?.delete(id);
    this.#ephemerals.get(message.onlyFor ?? '')?.delete(id);
  }

  #noteId(id: string): void {
    const noted = BigInt(id);
    if (noted > this.#lastId) this.#lastId = noted;
  }
}

function putInto(
  groups: Map<string, Map<string, DiscordMessage>>,
  key: string,
  message: DiscordMessage,
): void {
  const group = groups.get(key) ?? new Map<string, DiscordMessage>();
  groups.set(key, group.set(message.id, message));
}

function toFile({ contentType, base64 }: StoredFile): { contentType: string; bytes: Buffer } {
  return { contentType, bytes: Buffer.from(base64, 'base64') };
}
