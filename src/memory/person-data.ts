/**
 * Everything that is remembered of one person, under every id they go by: told, kept aside and put back, erased.
 *
 * Invariants
 *   1. Erased is what was said by them, what was noted about them or by them, what is known of them, what they have
 *      planned for another time, their name in what is kept of skills, and every summary of a conversation they spoke
 *      in, because it is made of their words as well. Where nobody else spoke, the whole conversation goes.
 *   2. The audit stays as it is: it holds no text of a message, and without an entry nobody could prove the others.
 *   3. What is put back gives no consent: what is known of a person comes back only while they agree to it.
 */
import { z } from 'zod';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { Entry } from '../domain/transcript.ts';
import { Note, notesOf } from './note-store.ts';
import type { Profile, Summary } from './records.ts';
import type { RedisMemory } from './redis-memory.ts';
import type { StoredEntry, TranscriptStore } from './transcript-store.ts';

/** In place of what somebody wrote. */
export const ERASED = '(erased at the wish of whoever wrote it)';
const ERASED_NAME = 'Somebody';

/** What there is, as whoever it is about may read it. */
export interface PersonExport {
  readonly ids: readonly PersonId[];
  readonly profiles: readonly Profile[];
  readonly notes: readonly { readonly owner: string; readonly notes: readonly Note[] }[];
  readonly conversations: readonly {
    readonly conversationId: ConversationId;
    /** Nobody else spoke in it. */
    readonly alone: boolean;
    readonly said: readonly Extract<Entry, { kind: 'user' }>[];
    readonly summary?: Summary;
  }[];
  readonly schedules: readonly PlannedByPerson[];
}

/** Something a person wants done at another time. */
export interface PlannedByPerson {
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly title: string;
  /** What the agent is told when the time has come. */
  readonly text: string;
  readonly state: string;
  /** When its time is, or was, in ms. */
  readonly nextMs: number;
}

/** Where that is kept. */
export interface PlannedStore {
  plannedBy(people: readonly PersonId[]): Promise<readonly PlannedByPerson[]>;
  /** Whether it was there. */
  drop(id: string, audit: AuditEvent): Promise<boolean>;
}

/** What is kept of skills that were learned: who proposed one, and who agreed. */
export interface LearnedStore {
  naming(people: readonly PersonId[]): Promise<readonly { readonly id: string }[]>;
  /** Whether they were named in it. */
  forget(id: string, people: readonly PersonId[], audit: AuditEvent): Promise<boolean>;
}

/** How much was, or would be, removed. */
export interface Erased {
  readonly profiles: number;
  readonly notes: number;
  readonly messages: number;
  readonly summaries: number;
  /** Conversations that are gone as a whole. */
  readonly conversations: number;
  /** Planned for another time, also what is over. */
  readonly schedules: number;
  /** Skills that were learned, and do not name them any more. */
  readonly learned: number;
}

export const PersonSnapshot = z.strictObject({
  format: z.literal('signalbox-memory/1'),
  person: z.string(),
  takenAtMs: z.int(),
  notes: z.array(Note),
  profile: z.string().optional(),
});
export type PersonSnapshot = z.infer<typeof PersonSnapshot>;

export interface Restored {
  readonly notes: number;
  /** `no-consent`: it was left out, because the person does not agree to it now. */
  readonly profile: 'restored' | 'none' | 'no-consent';
}

export class PersonData {
  constructor(
    private readonly memory: RedisMemory,
    private readonly transcripts: TranscriptStore,
    private readonly planned: PlannedStore,
    private readonly learned: LearnedStore,
  ) {}

  /** @param ids every id of the person, their own first */
  async collect(ids: readonly PersonId[]): Promise<PersonExport> {
    const profiles = await Promise.all(ids.map((id) => this.memory.profileOf(id)));
    const conversations: PersonExport['conversations'][number][] = [];
    for await (const { conversationId, entries } of this.#spokenIn(ids)) {
      const summary = await this.memory.summaryOf(conversationId);
      conversations.push({
        conversationId,
        alone: isAlone(entries, ids),
        said: entries.flatMap(({ entry }) => (isSaidBy(entry, ids) ? [entry] : [])),
        ...(summary ? { summary } : {}),
      });
    }
    return {
      ids,
      profiles: profiles.flatMap((profile) => profile ?? []),
      notes: await this.#notes(ids),
      conversations,
      schedules: (await this.planned.plannedBy(ids)).map(toPlanned),
    };
  }

  /** What `erase` would remove. Changes nothing. */
  async count(ids: readonly PersonId[]): Promise<Erased> {
    const { profiles, notes, conversations, schedules } = await this.collect(ids);
    return {
      profiles: profiles.length,
      notes: notes.reduce((sum, each) => sum + each.notes.length, 0),
      messages: conversations.reduce((sum, { said }) => sum + said.length, 0),
      summaries: conversations.filter(({ summary }) => summary).length,
      conversations: conversations.filter(({ alone }) => alone).length,
      schedules: schedules.length,
      learned: (await this.learned.naming(ids)).length,
    };
  }

  /** May be called again: what is gone is not counted twice. */
  async erase(
    ids: readonly PersonId[],
    about: Pick<AuditEvent, 'actor' | 'correlation'>,
    nowMs: number,
  ): Promise<Erased> {
    const removed = {
      profiles: 0,
      notes: 0,
      messages: 0,
      summaries: 0,
      conversations: 0,
      schedules: 0,
      learned: 0,
    };
    const audit = (subject: string, detail: Record<string, unknown>): AuditEvent => ({
      ...about,
      event: 'memory.erased',
      subject,
      detail,
    });
    // First: a run that begins would say their words again.
    for (const { id } of await this.planned.plannedBy(ids)) {
      if (await this.planned.drop(id, audit(id, { what: 'schedule' }))) removed.schedules++;
    }
    for (const { id } of await this.learned.naming(ids)) {
      if (await this.learned.forget(id, ids, audit(id, { what: 'learning record' }))) removed.learned++;
    }
    for (const id of ids) {
      if (await this.memory.dropProfile(id, audit(id, { what: 'profile' }))) removed.profiles++;
    }
    for (const { owner, notes } of await this.#notes(ids)) {
      const changes = notes.map(({ name }) => ({ name, text: undefined, over: undefined }));
      await this.memory.notes.write(owner, changes, nowMs);
      removed.notes += notes.length;
    }
    for await (const { conversationId, entries } of this.#spokenIn(ids)) {
      if (await this.memory.dropSummary(conversationId, audit(conversationId, { what: 'summary' }))) {
        removed.summaries++;
      }
      const changes = entries.flatMap(({ json, entry }, index) =>
        isSaidBy(entry, ids) ? [{ index, seen: json, entry: withoutWords(entry) }] : [],
      );
      const last = entries.at(-1);
      const detail = { what: 'conversation', messages: changes.length };
      if (
        isAlone(entries, ids) &&
        last &&
        (await this.transcripts.trim(
          conversationId,
          entries.length,
          last.json,
          audit(conversationId, detail),
        ))
      ) {
        removed.conversations++;
        removed.messages += changes.length;
      } else {
        removed.messages += await this.transcripts.rewrite(conversationId, changes);
      }
    }
    return removed;
  }

  /** What can be put back: their own notes, and what is known of them. */
  async snapshot(person: PersonId, nowMs: number): Promise<PersonSnapshot> {
    const profile = await this.memory.profileOf(person);
    return {
      format: 'signalbox-memory/1',
      person,
      takenAtMs: nowMs,
      notes: await this.memory.notes.list(notesOf.person(person)),
      ...(profile?.text === undefined ? {} : { profile: profile.text }),
    };
  }

  /** Their notes are as they were then, all or none; a note that came later is gone. */
  async restore(person: PersonId, snapshot: PersonSnapshot, nowMs: number): Promise<Restored> {
    const owner = notesOf.person(person);
    const names = new Set(snapshot.notes.map(({ name }) => name));
    const later = (await this.memory.notes.list(owner)).filter(({ name }) => !names.has(name));
    await this.memory.notes.write(
      owner,
      [
        ...snapshot.notes.map(({ name, text, by, isStrangers }) => ({
          name,
          text,
          over: undefined,
          ...(by ? { by } : {}),
          ...(isStrangers ? { isStrangers } : {}),
        })),
        ...later.map(({ name }) => ({ name, text: undefined, over: undefined })),
      ],
      nowMs,
    );
    return { notes: snapshot.notes.length, profile: await this.#restoreProfile(person, snapshot) };
  }

  async #restoreProfile(person: PersonId, { profile: text }: PersonSnapshot): Promise<Restored['profile']> {
    if (text === undefined) return 'none';
    const now = await this.memory.profileOf(person);
    if (!now?.consent.given) return 'no-consent';
    const written = await this.memory.keepProfile(person, { text }, now.rev);
    return written === 'written' ? 'restored' : 'no-consent';
  }

  /** Their own, and those they had noted for others. */
  async #notes(ids: readonly PersonId[]): Promise<PersonExport['notes']> {
    const own = new Set(ids.map(notesOf.person));
    const found = new Map<string, readonly Note[]>();
    for await (const owner of this.memory.notes.owners()) {
      const notes = await this.memory.notes.list(owner);
      const theirs = own.has(owner) ? notes : notes.filter(({ by }) => by !== undefined && ids.includes(by));
      if (theirs.length > 0) found.set(owner, theirs);
    }
    return [...found].map(([owner, notes]) => ({ owner, notes }));
  }

  async *#spokenIn(
    ids: readonly PersonId[],
  ): AsyncGenerator<{ conversationId: ConversationId; entries: readonly StoredEntry[] }> {
    const seen = new Set<ConversationId>();
    for await (const conversationId of this.transcripts.conversations()) {
      if (seen.has(conversationId)) continue;
      seen.add(conversationId);
      const entries = await this.transcripts.read(conversationId);
      if (entries.some(({ entry }) => isSaidBy(entry, ids))) yield { conversationId, entries };
    }
  }
}

function toPlanned({ id, conversationId, title, text, state, nextMs }: PlannedByPerson): PlannedByPerson {
  return { id, conversationId, title, text, state, nextMs };
}

function isSaidBy(
  entry: Entry | undefined,
  ids: readonly PersonId[],
): entry is Extract<Entry, { kind: 'user' }> {
  return entry?.kind === 'user' && entry.from.person !== undefined && ids.includes(entry.from.person);
}

function isAlone(entries: readonly StoredEntry[], ids: readonly PersonId[]): boolean {
  return entries.every(({ entry }) => entry?.kind !== 'user' || isSaidBy(entry, ids));
}

/** Whose trust they had stays: what came of their words is held to it still. */
function withoutWords({ at, trust }: Extract<Entry, { kind: 'user' }>): Entry {
  return { kind: 'user', from: { name: ERASED_NAME }, text: ERASED, ...(trust ? { trust } : {}), at };
}
