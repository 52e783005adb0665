/** What is remembered, in Redis: each summary and each profile is a record with one line of revisions. */
import { z } from 'zod';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { RecordStore } from '../redis/record-store.ts';
import type { MemoryStore, ProfileDraft, SummaryDraft, Written } from './memory-store.ts';
import { NoteStore } from './note-store.ts';
import { bounded, Gone, isText, Profile, Summary, withSeen } from './records.ts';

/** How long it is known that something was dropped: longer than a model takes to write what takes its place, in ms. */
const GONE_FOR_MS = 24 * 60 * 60_000;
/** That somebody has agreed is known until they take it back; a record needs an end. */
const CONSENT_FOR_MS = 10 * 365 * 24 * 60 * 60_000;

export class RedisMemory implements MemoryStore {
  readonly notes: NoteStore;
  readonly #summaries: RecordStore<Summary | Gone>;
  readonly #profiles: RecordStore<Profile | Gone>;

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
      keepMs: (stored: object) =>
        isGone(stored) ? GONE_FOR_MS : isConsentAlone(stored) ? CONSENT_FOR_MS : keepMs(),
    };
    this.#summaries = new RecordStore<Summary | Gone>(redis, keys, writer, {
      ...kind,
      family: 'sum',
      parse: (document) => z.union([Gone, Summary]).parse(document),
    });
    this.#profiles = new RecordStore<Profile | Gone>(redis, keys, writer, {
      ...kind,
      family: 'prf',
      parse: (document) => z.union([Gone, Profile]).parse(document),
    });
  }

  async summaryOf(conversationId: ConversationId): Promise<Summary | undefined> {
    return thereOf(await this.#summaries.find(conversationId));
  }

  async latestSummary(
    conversationId: ConversationId,
  ): Promise<{ summary: Summary | undefined; rev: number }> {
    const stored = await this.#summaries.find(conversationId);
    return { summary: thereOf(stored), rev: stored?.rev ?? 0 };
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
    const dropped = await this.#summaries.apply(conversationId, (stored) => {
      const wasThere = thereOf(stored) !== undefined;
      // Also where there is none: somebody may be writing the first one.
      return { result: wasThere, next: afterThat(stored), effects: wasThere ? toEffects(audit) : [] };
    });
    return dropped ?? false;
  }

  /** Drops one that has been kept long enough, unless it was written anew since it was read. Whether it did. */
  async expireSummary({ conversationId, rev }: Summary, audit: AuditEvent): Promise<boolean> {
    const dropped = await this.#summaries.apply(conversationId, (stored) =>
      stored?.rev === rev
        ? { result: true, next: afterThat(stored), effects: toEffects(audit) }
        : { result: false },
    );
    return dropped ?? false;
  }

  /** So many entries are gone from the beginning of the conversation: it was made of as many less that are left. */
  async shortenSummary(conversationId: ConversationId, count: number): Promise<void> {
    await this.#summaries.apply(conversationId, (stored) => {
      const summary = thereOf(stored);
      if (!summary) return { result: undefined };
      const length = Math.max(0, summary.length - count);
      return { result: undefined, next: { ...summary, rev: summary.rev + 1, length }, kept: 'as-before' };
    });
  }

  /** All there are; one may come twice. */
  async *summaries(): AsyncGenerator<Summary> {
    for await (const id of this.#summaries.ids()) {
      const summary = thereOf(await this.#summaries.find(id));
      if (summary) yield summary;
    }
  }

  /** All there are; one may come twice. */
  async *profiles(): AsyncGenerator<Profile> {
    for await (const id of this.#profiles.ids()) {
      const profile = thereOf(await this.#profiles.find(id));
      if (profile) yield profile;
    }
  }

  async profileOf(person: PersonId): Promise<Profile | undefined> {
    return thereOf(await this.#profiles.find(person));
  }

  async setConsent(person: PersonId, given: boolean, audit?: AuditEvent): Promise<boolean> {
    const changed = await this.#profiles.apply(person, (stored, atMs) => {
      if ((thereOf(stored)?.consent.given ?? false) === given) return { result: false };
      const next: Profile = { person, rev: (stored?.rev ?? 0) + 1, seen: {}, consent: { given, atMs }, atMs };
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
      const before = thereOf(stored);
      if (!before?.consent.given || before.rev !== over) return { result: 'moved' };
      const next: Profile = {
        ...before,
        rev: over + 1,
        text: bounded(text),
        seen: seen ? withSeen(before.seen, seen) : before.seen,
        atMs,
      };
      return { result: 'written', next, effects: toEffects(audit) };
    });
    return written ?? 'moved';
  }

  /**
   * Drops what is known of somebody and has been kept long enough, unless it was written anew since it was read. That they
   * agreed to it stays: only they take that back. Whether it did.
   */
  async expireProfile({ person, rev }: Profile, audit: AuditEvent): Promise<boolean> {
    const dropped = await this.#profiles.apply(person, (stored) => {
      const before = thereOf(stored);
      if (before?.rev !== rev) return { result: false };
      const { consent, atMs } = before;
      if (!consent.given) return { result: true, next: afterThat(stored), effects: toEffects(audit) };
      if (before.text === undefined) return { result: false };
      return {
        result: true,
        next: { person, rev: rev + 1, consent, seen: {}, atMs },
        effects: toEffects(audit),
      };
    });
    return dropped ?? false;
  }

  async dropProfile(person: PersonId, audit?: AuditEvent): Promise<boolean> {
    const dropped = await this.#profiles.apply(person, (stored) =>
      thereOf(stored)
        ? { result: true, next: afterThat(stored), effects: toEffects(audit) }
        : { result: false },
    );
    return dropped ?? false;
  }
}

function afterThat(stored: { readonly rev: number } | undefined): Gone {
  return { rev: (stored?.rev ?? 0) + 1, gone: true };
}

function thereOf<Kept extends object>(stored: Kept | Gone | undefined): Kept | undefined {
  return stored && !isGone(stored) ? stored : undefined;
}

function isConsentAlone(stored: object): boolean {
  return 'consent' in stored && !('text' in stored && stored.text !== undefined);
}

function isGone(stored: object): stored is Gone {
  return 'gone' in stored;
}

function toEffects(audit: AuditEvent | undefined): Effect[] {
  return audit ? [{ kind: 'audit', event: audit }] : [];
}
