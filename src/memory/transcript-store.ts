/**
 * Transcripts as they lie in the store: read for summaries, for people who ask what is kept of them, and for the sweep.
 * Turns append to them in their own commit (`redis/effects.lua`).
 *
 * Invariant: an entry is only replaced, and only taken off the beginning, if it is still what was looked at.
 */
import type { AuditEvent } from '../domain/audit-event.ts';
import { ConversationId } from '../domain/ids.ts';
import { MailboxItem } from '../domain/mailbox-item.ts';
import { Entry } from '../domain/transcript.ts';
import type { RedisClient } from '../redis/client.ts';
import { scanKeys } from '../redis/key-scan.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';

const rewriteScript = loadScript('rewrite-transcript', import.meta.url);
const trimScript = loadScript('trim-transcript', import.meta.url);

export interface StoredEntry {
  /** As stored: JSON. */
  readonly json: string;
  /** Undefined for what cannot be read. */
  readonly entry: Entry | undefined;
}

type UserEntry = Extract<Entry, { kind: 'user' }>;

export class TranscriptStore {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  async length(conversationId: ConversationId): Promise<number> {
    return this.redis.llen(this.keys.transcript(conversationId));
  }

  /** What people wrote that stands in line, as while a human is waited for; oldest first. It is part of it once handled. */
  async inLine(conversationId: ConversationId, most: number): Promise<UserEntry[]> {
    const line = this.keys.items(partitionOf(conversationId), 'm', conversationId);
    const items = await this.redis.lrange(line, -most, -1);
    return items.flatMap((json) => {
      const item = MailboxItem.safeParse(JSON.parse(json)).data;
      if (item?.kind !== 'message' || item.planned) return [];
      const { message, requester } = item;
      const from = { person: requester.person, name: requester.name };
      return [{ kind: 'user', from, text: message.text, at: message.sentAt }];
    });
  }

  /** Oldest first; all of them, so many of the newest, or the very first one. */
  async read(
    conversationId: ConversationId,
    which: 'all' | 'first' | number = 'all',
  ): Promise<StoredEntry[]> {
    const from = typeof which === 'number' ? -which : 0;
    const stored = await this.redis.lrange(
      this.keys.transcript(conversationId),
      from,
      which === 'first' ? 0 : -1,
    );
    return stored.map(toStored);
  }

  /** All of them from the newest on, so many at a time, in each page the oldest first. */
  async *pagesBack(conversationId: ConversationId, size: number): AsyncGenerator<StoredEntry[]> {
    const key = this.keys.transcript(conversationId);
    for (let end = await this.length(conversationId); end > 0; end -= size) {
      yield (await this.redis.lrange(key, Math.max(0, end - size), end - 1)).map(toStored);
    }
  }

  /** Every conversation that has a transcript; one may come twice. */
  async *conversations(): AsyncGenerator<ConversationId> {
    for await (const page of scanKeys(this.redis, this.keys.everyTranscript())) {
      for (const key of page) yield ConversationId.parse(key.slice(key.indexOf('}:h:') + '}:h:'.length));
    }
  }

  /**
   * Puts other entries in the place of some.
   *
   * @returns how many were replaced: those that still stood where they had been seen
   */
  async rewrite(
    conversationId: ConversationId,
    changes: readonly { readonly index: number; readonly seen: string; readonly entry: Entry }[],
  ): Promise<number> {
    const args = changes.flatMap(({ index, seen, entry }) => [index, seen, JSON.stringify(entry)]);
    return Number(await runScript(this.redis, rewriteScript, [this.keys.transcript(conversationId)], args));
  }

  /**
   * Takes entries off the beginning, and says so in the audit.
   *
   * @param seen the last of them, as stored
   * @returns false when it does not stand there any more; then nothing was taken
   */
  async trim(
    conversationId: ConversationId,
    count: number,
    seen: string,
    audit: AuditEvent,
  ): Promise<boolean> {
    const prefix = this.keys.partition(partitionOf(conversationId));
    const key = this.keys.transcript(conversationId);
    return (
      (await runScript(this.redis, trimScript, [key], [prefix, count, seen, JSON.stringify(audit)])) === 1
    );
  }
}

function toStored(json: string): StoredEntry {
  return { json, entry: toEntry(json) };
}

function toEntry(json: string): Entry | undefined {
  try {
    return Entry.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
