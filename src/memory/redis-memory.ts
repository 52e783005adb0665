/** What is remembered, in Redis: each summary and each profile is a record with one line of revisions. */
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { RecordStore } from '../redis/record-store.ts';
import type { MemoryStore, ProfileDraft, SummaryDraft, Written } from './memory-store.ts';
import { NoteStore } from './note-store.ts';
import { bounded, isText, Profile, Summary, withSeen } from './records.ts';

/** What is gone leaves the store with the write that says so, in ms. */
const AT_ONCE_MS = 1;

export class RedisMemory implements MemoryStore {
  readonly notes: NoteStore;
  readonly #summaries: RecordStore<Summary & Gone>;
  readonly #profiles: RecordStore<Profile & Gone>;

  constructor(
    redis: RedisClient,
    keys: Keys,
    writer: EffectWriter,
    /** How long a record is kept after its last change, in ms; the sweep takes it before that and says so. */
    keepMs: () => number,
  ) {
    this.notes = new NoteStore(redis, keys);
    const kind = {
      partitionOf,
      dueOf: () => undefined,
      keepMs: ({ gone }: Gone) => (gone ? AT_ONCE_MS : keepMs()),
    };
    this.#summaries = new RecordStore<Summary & Gone>(redis, keys, writer, {
      ...kind,
      family: 'sum',
      parse: (document) => Summary.parse(document),
    });
    this.#profiles = new RecordStore<Profile & Gone>(redis, keys, writer, {
      ...kind,
      family: 'prf',
      parse: (document) => Profile.parse(document),
    });
  }

  async summaryOf(conversationId: ConversationId): Promise<Summary | undefined> {
    return this.#summaries.find(conversationId);
  }

  async keepSummary(
    conversationId: ConversationId,
    { text, ...draft }: SummaryDraft,
    over: number,
    audit?: AuditEvent,
  ): Promise<Written> {
    if (!isText(text)) return 'moved';
    const written = await this.#summaries.apply<Written>(conversationId, (stored, atMs) => {
      if ((stored?.rev ?? 0) !== over) return { result: 'moved' };
      const next = { conversationId, rev: over + 1, ...draft, text: bounded(text), atMs };
      return { result: 'written', next, effects: toEffects(audit) };
    });
    return written ?? 'moved';
  }

  async dropSummary(conversationId: ConversationId, audit?: AuditEvent): Promise<boolean> {
    const dropped = await this.#summaries.apply(conversationId, (stored) =>
      stored
        ? { result: true, next: { ...stored, rev: stored.rev + 1, gone: true }, effects: toEffects(audit) }
        : { result: false },
    );
    return dropped ?? false;
  }

  /** All there are; one may come twice. */
  async *summaries(): AsyncGenerator<Summary> {
    for await (const id of this.#summaries.ids()) {
      const summary = await this.#summaries.find(id);
      if (summary) yield summary;
    }
  }

  /** All there are; one may come twice. */
  async *profiles(): AsyncGenerator<Profile> {
    for await (const id of this.#profiles.ids()) {
      const profile = await this.#profiles.find(id);
      if (profile) yield profile;
    }
  }

  async profileOf(person: PersonId): Promise<Profile | undefined> {
    return this.#profiles.find(person);
  }

  async setConsent(person: PersonId, given: boolean, audit?: AuditEvent): Promise<boolean> {
    const changed = await this.#profiles.apply(person, (stored, atMs) => {
      if ((stored?.consent.given ?? false) === given) return { result: false };
      const { text: _, ...kept } = stored ?? { person, rev: 0, seen: {} };
      const next: Profile = { ...kept, rev: kept.rev + 1, seen: {}, consent: { given, atMs }, atMs };
      return { result: true, next, effects: toEffects(audit) };
    });
    return changed ?? false;
  }

  async keepProfile(
    person: PersonId,
    { text, seen }: ProfileDraft,
    over: number,
    audit?: AuditEvent,
  ): Promise<Written> {
    if (!isText(text)) return 'moved';
    const written = await this.#profiles.apply<Written>(person, (stored, atMs) => {
      if (!stored?.consent.given || stored.rev !== over) return { result: 'moved' };
      const next: Profile = {
        ...stored,
        rev: over + 1,
        text: bounded(text),
        seen: seen ? withSeen(stored.seen, seen) : stored.seen,
        atMs,
      };
      return { result: 'written', next, effects: toEffects(audit) };
    });
    return written ?? 'moved';
  }

  async dropProfile(person: PersonId, audit?: AuditEvent): Promise<boolean> {
    const dropped = await this.#profiles.apply(person, (stored) =>
      stored
        ? { result: true, next: { ...stored, rev: stored.rev + 1, gone: true }, effects: toEffects(audit) }
        : { result: false },
    );
    return dropped ?? false;
  }
}

interface Gone {
  /** On its way out of the store. */
  readonly gone?: boolean;
}

function toEffects(audit: AuditEvent | undefined): Effect[] {
  return audit ? [{ kind: 'audit', event: audit }] : [];
}
