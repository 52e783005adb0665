/** The port to what is remembered, within a process: what the contract is held against beside Redis. */
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { ConflictError } from '../../src/domain/errors.ts';
import type { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type {
  MemoryStore,
  Notes,
  ProfileDraft,
  SummaryDraft,
  Written,
} from '../../src/memory/memory-store.ts';
import type { Note, NoteChange } from '../../src/memory/note-store.ts';
import { bounded, isText, type Profile, type Summary, withSeen } from '../../src/memory/records.ts';

export class InProcessMemory implements MemoryStore {
  readonly notes: Notes = new InProcessNotes();
  readonly audits: AuditEvent[] = [];
  readonly #summaries = new Map<ConversationId, Summary>();
  /** Of everything that was ever kept here, and of what was dropped. */
  readonly #revisions = new Map<string, number>();
  readonly #profiles = new Map<PersonId, Profile>();

  constructor(private readonly now: () => number) {}

  async summaryOf(conversationId: ConversationId): Promise<Summary | undefined> {
    return this.#summaries.get(conversationId);
  }

  async latestSummary(
    conversationId: ConversationId,
  ): Promise<{ summary: Summary | undefined; rev: number }> {
    const rev = this.#revisions.get(conversationId) ?? 0;
    return { summary: this.#summaries.get(conversationId), rev };
  }

  async keepSummary(
    conversationId: ConversationId,
    { text, ...draft }: SummaryDraft,
    over: number,
    audit?: AuditEvent,
  ): Promise<Written> {
    if (!isText(text) || (this.#revisions.get(conversationId) ?? 0) !== over) return 'moved';
    const rev = this.#next(conversationId);
    const next = { conversationId, rev, ...draft, text: bounded(text), atMs: this.now() };
    this.#summaries.set(conversationId, next);
    this.#record(audit);
    return 'written';
  }

  async dropSummary(conversationId: ConversationId, audit?: AuditEvent): Promise<boolean> {
    const wasThere = this.#summaries.delete(conversationId);
    this.#next(conversationId);
    if (wasThere) this.#record(audit);
    return wasThere;
  }

  async profileOf(person: PersonId): Promise<Profile | undefined> {
    return this.#profiles.get(person);
  }

  async setConsent(person: PersonId, given: boolean, audit?: AuditEvent): Promise<boolean> {
    const before = this.#profiles.get(person);
    if ((before?.consent.given ?? false) === given) return false;
    const atMs = this.now();
    this.#profiles.set(person, {
      person,
      rev: this.#next(person),
      seen: {},
      consent: { given, atMs },
      atMs,
    });
    this.#record(audit);
    return true;
  }

  async keepProfile(
    person: PersonId,
    { text, seen }: ProfileDraft,
    over: number,
    audit?: AuditEvent,
  ): Promise<Written> {
    const before = this.#profiles.get(person);
    if (!isText(text) || !before?.consent.given || before.rev !== over) return 'moved';
    this.#profiles.set(person, {
      ...before,
      rev: this.#next(person),
      text: bounded(text),
      seen: seen ? withSeen(before.seen, seen) : before.seen,
      atMs: this.now(),
    });
    this.#record(audit);
    return 'written';
  }

  async dropProfile(person: PersonId, audit?: AuditEvent): Promise<boolean> {
    const wasThere = this.#profiles.delete(person);
    this.#next(person);
    if (wasThere) this.#record(audit);
    return wasThere;
  }

  #next(id: string): number {
    const rev = (this.#revisions.get(id) ?? 0) + 1;
    this.#revisions.set(id, rev);
    return rev;
  }

  #record(audit: AuditEvent | undefined): void {
    if (audit) this.audits.push(audit);
  }
}

class InProcessNotes implements Notes {
  readonly #notes = new Map<string, Map<string, Note>>();

  async list(owner: string): Promise<Note[]> {
    return [...(this.#notes.get(owner)?.values() ?? [])].toSorted((a, b) => b.atMs - a.atMs);
  }

  async find(owner: string, name: string): Promise<Note | undefined> {
    return this.#notes.get(owner)?.get(name);
  }

  async write(owner: string, changes: readonly NoteChange[], nowMs: number): Promise<Note[]> {
    const kept = new Map(this.#notes.get(owner));
    const written: Note[] = [];
    for (const { name, text, over, ...about } of changes) {
      const version = kept.get(name)?.version ?? 0;
      if (over !== undefined && over !== version) throw new ConflictError(`the note "${name}"`, version);
      if (text === undefined) {
        kept.delete(name);
        continue;
      }
      const note = { name, text, version: version + 1, ...about, atMs: nowMs };
      const rule = over === undefined && version > 0 ? 'last-write' : 'as-seen';
      kept.set(name, { ...note, rule });
      written.push(note);
    }
    this.#notes.set(owner, kept);
    return written;
  }
}
