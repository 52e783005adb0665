/**
 * Notes: what the agent was asked to remember, by owner: a person, a conversation, or the team.
 *
 * Invariants
 *   1. A note is written over a version its writer has seen, or not at all.
 *   2. Several notes written together are all written, or none.
 *   3. Where several overwrite whatever is there, the last write counts for everybody, and the note says so.
 */
import { z } from 'zod';
import { ConflictError } from '../domain/errors.ts';
import { type ConversationId, PersonId } from '../domain/ids.ts';
import type { Trust } from '../domain/provenance.ts';
import type { RedisClient } from '../redis/client.ts';
import { scanKeys } from '../redis/key-scan.ts';
import type { Keys } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';

const writeScript = loadScript('write-notes', import.meta.url);

export const Note = z.object({
  name: z.string(),
  text: z.string(),
  /** From 1; +1 with every change. */
  version: z.int(),
  /** Why it is this one that counts where several wrote; absent in notes of before that was kept. */
  rule: z.enum(['as-seen', 'last-write']).optional(),
  /** Who had it noted, where others may read it. */
  by: PersonId.optional(),
  /** It was noted after strangers' words were read, so it may be theirs. */
  isStrangers: z.literal(true).optional(),
  atMs: z.int(),
});
export type Note = z.infer<typeof Note>;

/** Whose notes they are. */
export const notesOf = {
  person: (person: PersonId) => `person:${person}`,
  conversation: (conversationId: ConversationId) => `conversation:${conversationId}`,
  team: () => 'team',
};

/** What strangers' words went into is theirs. */
export function trustIn(notes: readonly Pick<Note, 'isStrangers'>[]): Trust {
  return notes.some(({ isStrangers }) => isStrangers) ? 'outsider' : 'tool';
}

export interface NoteChange {
  readonly name: string;
  /** Undefined removes the note. */
  readonly text: string | undefined;
  readonly by?: PersonId;
  readonly isStrangers?: true;
  /** The version this replaces; 0 for a new one; undefined to overwrite whatever is there. */
  readonly over: number | undefined;
}

export class NoteStore {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  async list(owner: string): Promise<Note[]> {
    const stored = await this.redis.hvals(this.keys.notes(owner));
    return stored.map((json) => Note.parse(JSON.parse(json))).toSorted((a, b) => b.atMs - a.atMs);
  }

  async find(owner: string, name: string): Promise<Note | undefined> {
    const json = await this.redis.hget(this.keys.notes(owner), name);
    return json === null ? undefined : Note.parse(JSON.parse(json));
  }

  /**
   * @returns the notes as written
   * @throws {ConflictError} when one of them has another version than the one it was to replace; none is written
   */
  async write(owner: string, changes: readonly NoteChange[], nowMs: number): Promise<Note[]> {
    const args = changes.flatMap(({ name, text, over, ...about }) => [
      name,
      over === undefined ? '' : String(over),
      text === undefined ? '' : JSON.stringify({ name, text, ...about, atMs: nowMs }),
    ]);
    const reply = await runScript(this.redis, writeScript, [this.keys.notes(owner)], args);
    const [written, ...rest] = Array.isArray(reply) ? reply : [];
    if (Number(written) !== 1) throw new ConflictError(`the note "${String(rest[0])}"`, Number(rest[1]));
    return changes.flatMap(({ name, text, over: _, ...about }, index) =>
      text === undefined ? [] : [{ name, text, version: Number(rest[index]), ...about, atMs: nowMs }],
    );
  }

  /** Everybody and everything that has notes; one may come twice. */
  async *owners(): AsyncGenerator<string> {
    for await (const page of scanKeys(this.redis, this.keys.everyNotes())) {
      for (const key of page) yield key.slice(key.indexOf('}:note:') + '}:note:'.length);
    }
  }
}
