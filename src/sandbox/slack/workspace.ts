/**
 * What is in the emulated Slack workspace, and how it changes.
 *
 * Owns      messages, ephemeral messages, open modals, statuses, pings, and the events not acknowledged yet.
 * Not here  who may do what (`web-api.ts`), and how an event reaches the app (`event-queue.ts`).
 *
 * Invariants
 *   1. Everything changes through `record`, which keeps the change in the journal before it is applied; applying
 *      the journal again gives the same workspace.
 *   2. A message's `ts` is unique and later ones sort after earlier ones, across restarts.
 */
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';
import { Block, View } from './block-rules.ts';

export const Metadata = z.object({
  event_type: z.string(),
  event_payload: z.record(z.string(), z.unknown()),
});
export type Metadata = z.infer<typeof Metadata>;

/** A file as it is kept; `base64` is absent until its bytes are here. */
export const StoredFile = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string(),
  mimetype: z.string(),
  /** Bytes, as announced. */
  size: z.int(),
  user: z.string(),
  /** Seconds since 1970. */
  created: z.int(),
  state: z.enum(['awaiting', 'uploaded', 'shared']),
  base64: z.string().optional(),
  externalUrl: z.string().optional(),
});
export type StoredFile = z.infer<typeof StoredFile>;

/** A file as a message shows it (docs.slack.dev, file object). */
export const SharedFile = z.object({
  id: z.string(),
  created: z.int(),
  timestamp: z.int(),
  name: z.string(),
  title: z.string(),
  mimetype: z.string(),
  user: z.string(),
  size: z.int(),
  mode: z.enum(['hosted', 'external']),
  is_external: z.boolean(),
  url_private: z.string(),
  url_private_download: z.string().optional(),
});
export type SharedFile = z.infer<typeof SharedFile>;

/** A message as the workspace keeps it; `toWire` says what of it Slack shows. */
export const SlackMessage = z.object({
  ts: z.string(),
  channel: z.string(),
  user: z.string(),
  text: z.string(),
  blocks: z.array(Block).optional(),
  thread_ts: z.string().optional(),
  reply_broadcast: z.boolean().optional(),
  client_msg_id: z.string().optional(),
  bot_id: z.string().optional(),
  app_id: z.string().optional(),
  metadata: Metadata.optional(),
  edited: z.object({ user: z.string(), ts: z.string() }).optional(),
  /** A deleted root of a thread that has replies stays as a tombstone. */
  subtype: z.enum(['tombstone', 'file_share']).optional(),
  files: z.array(SharedFile).optional(),
  streaming: z.boolean().optional(),
  unfurl_links: z.boolean().optional(),
  unfurl_media: z.boolean().optional(),
  mrkdwn: z.boolean().optional(),
  reactions: z.array(z.object({ name: z.string(), users: z.array(z.string()) })).optional(),
});
export type SlackMessage = z.infer<typeof SlackMessage>;

/** Seen by one person only. */
export const Ephemeral = z.object({
  ts: z.string(),
  channel: z.string(),
  /** Who sees it. */
  user: z.string(),
  text: z.string(),
  blocks: z.array(Block).optional(),
  thread_ts: z.string().optional(),
});
export type Ephemeral = z.infer<typeof Ephemeral>;

export const OpenView = z.object({ id: z.string(), user: z.string(), hash: z.string(), view: View });
export type OpenView = z.infer<typeof OpenView>;

/** Somebody was, or would have been, notified. */
export const RecordedPing = z.object({
  target: z.string(),
  how: z.enum(['markup', 'link_names', 'automatic', 'rich_text']),
  channel: z.string(),
  ts: z.string(),
  by: z.string(),
});
export type RecordedPing = z.infer<typeof RecordedPing>;

/** An event on its way to the app. */
export const QueuedEvent = z.object({ eventId: z.string(), payload: z.record(z.string(), z.unknown()) });
export type QueuedEvent = z.infer<typeof QueuedEvent>;

export const Change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('message-put'), message: SlackMessage }),
  z.object({ kind: z.literal('message-gone'), channel: z.string(), ts: z.string() }),
  z.object({ kind: z.literal('ephemeral-put'), ephemeral: Ephemeral }),
  z.object({ kind: z.literal('ephemeral-gone'), ts: z.string() }),
  z.object({ kind: z.literal('view-put'), open: OpenView }),
  z.object({ kind: z.literal('view-gone'), id: z.string() }),
  z.object({ kind: z.literal('status'), channel: z.string(), thread: z.string(), status: z.string() }),
  z.object({ kind: z.literal('file-put'), file: StoredFile }),
  z.object({ kind: z.literal('ping'), ping: RecordedPing }),
  z.object({ kind: z.literal('event-queued'), event: QueuedEvent }),
  z.object({ kind: z.literal('event-done'), eventId: z.string() }),
]);
export type Change = z.infer<typeof Change>;

const JOURNAL_KIND = 'slack';

export class Workspace {
  /** By channel, then by ts. */
  readonly #messages = new Map<string, Map<string, SlackMessage>>();
  /** By channel and the root's ts: the root, if it is still there, and its replies. */
  readonly #threads = new Map<string, Map<string, SlackMessage>>();
  readonly #ephemerals = new Map<string, Ephemeral>();
  readonly #views = new Map<string, OpenView>();
  readonly #statuses = new Map<string, string>();
  readonly #files = new Map<string, StoredFile>();
  readonly #pings: RecordedPing[] = [];
  readonly #queued = new Map<string, QueuedEvent>();
  readonly #listeners = new Set<() => void>();
  #lastTsMicros = 0;

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
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after every change; the function returned ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A `ts` for something that happens now. */
  nextTs(): string {
    this.#lastTsMicros = Math.max(this.#lastTsMicros + 1, this.clock.now() * 1_000);
    return toTs(this.#lastTsMicros);
  }

  message(channel: string, ts: string): SlackMessage | undefined {
    return this.#messages.get(channel)?.get(ts);
  }

  /** Every message of a channel, replies included, oldest first. */
  messages(channel: string): SlackMessage[] {
    return [...(this.#messages.get(channel)?.values() ?? [])];
  }

  /** The root `ts` and its replies, oldest first. */
  thread(channel: string, ts: string): SlackMessage[] {
    return [...(this.#threads.get(`${channel} ${ts}`)?.values() ?? [])];
  }

  replies(channel: string, ts: string): SlackMessage[] {
    return this.thread(channel, ts).filter((message) => message.ts !== ts);
  }

  /** What only this person sees, oldest first. */
  ephemerals(user: string): Ephemeral[] {
    return [...this.#ephemerals.values()].filter((ephemeral) => ephemeral.user === user);
  }

  ephemeral(ts: string): Ephemeral | undefined {
    return this.#ephemerals.get(ts);
  }

  /** Modals open on this person's screen, the topmost last. */
  views(user: string): OpenView[] {
    return [...this.#views.values()].filter((open) => open.user === user);
  }

  view(id: string): OpenView | undefined {
    return this.#views.get(id);
  }

  file(id: string): StoredFile | undefined {
    return this.#files.get(id);
  }

  /** What the app says it is doing in a thread; empty when nothing. */
  status(channel: string, thread: string): string {
    return this.#statuses.get(`${channel} ${thread}`) ?? '';
  }

  pings(): readonly RecordedPing[] {
    return this.#pings;
  }

  /** Events the app has not acknowledged, oldest first. */
  queued(): QueuedEvent[] {
    return [...this.#queued.values()];
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'message-put':
        this.#put(change.message);
        return;
      case 'message-gone':
        this.#drop(change.channel, change.ts);
        return;
      case 'ephemeral-put':
        this.#ephemerals.set(change.ephemeral.ts, change.ephemeral);
        this.#noteTs(change.ephemeral.ts);
        return;
      case 'ephemeral-gone':
        this.#ephemerals.delete(change.ts);
        return;
      case 'view-put':
        this.#views.set(change.open.id, change.open);
        return;
      case 'view-gone':
        this.#views.delete(change.id);
        return;
      case 'status':
        this.#statuses.set(`${change.channel} ${change.thread}`, change.status);
        return;
      case 'file-put':
        this.#files.set(change.file.id, change.file);
        return;
      case 'ping':
        this.#pings.push(change.ping);
        return;
      case 'event-queued':
        this.#queued.set(change.event.eventId, change.event);
        return;
      case 'event-done':
        this.#queued.delete(change.eventId);
        return;
      default:
        change satisfies never;
    }
  }

  #put(message: SlackMessage): void {
    putInto(this.#messages, message.channel, message);
    putInto(this.#threads, threadKey(message), message);
    this.#noteTs(message.ts);
  }

  #drop(channel: string, ts: string): void {
    const message = this.message(channel, ts);
    if (message === undefined) return;
    this.#messages.get(channel)?.delete(ts);
    this.#threads.get(threadKey(message))?.delete(ts);
  }

  #noteTs(ts: string): void {
    this.#lastTsMicros = Math.max(this.#lastTsMicros, toMicros(ts));
  }
}

function putInto(groups: Map<string, Map<string, SlackMessage>>, key: string, message: SlackMessage): void {
  const group = groups.get(key) ?? new Map<string, SlackMessage>();
  groups.set(key, group.set(message.ts, message));
}

function threadKey({ channel, ts, thread_ts }: SlackMessage): string {
  return `${channel} ${thread_ts ?? ts}`;
}

function toTs(micros: number): string {
  return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`;
}

function toMicros(ts: string): number {
  return Math.round(Number(ts) * 1e6);
}
