/**
 * The port to what is remembered: summaries of conversations, what is known of people, and notes.
 *
 * Invariants, of each implementation
 *   1. A summary and a profile are written over the revision their writer has seen, or not at all; an empty text is
 *      never written.
 *   2. Nothing is known of a person who has not agreed to it; when they take that back, it is gone in the same step.
 *   3. A summary and the place up to which it tells are one record.
 *   4. What is dropped does not come back: what somebody had begun to write before that is not written.
 */
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { NoteStore } from './note-store.ts';
import type { Profile, Summary } from './records.ts';

export type SummaryDraft = Pick<Summary, 'text' | 'through' | 'length' | 'strangers' | 'people'>;
export interface ProfileDraft {
  readonly text: string;
  /** The conversation it was read in, and the last message there that was; absent: it was not read anywhere. */
  readonly seen?: { readonly conversationId: ConversationId; readonly name: string };
}

/** `moved`: somebody else was first, or it may not be written; nothing was. */
export type Written = 'written' | 'moved';

export interface MemoryStore {
  readonly notes: Notes;

  summaryOf(conversationId: ConversationId): Promise<Summary | undefined>;
  /** For who will replace it. The revision goes on where one was dropped; 0 where there was none. */
  latestSummary(
    conversationId: ConversationId,
  ): Promise<{ readonly summary: Summary | undefined; readonly rev: number }>;
  /** @param over the revision it replaces, as `latestSummary` told it before what it is made of was read */
  keepSummary(
    conversationId: ConversationId,
    draft: SummaryDraft,
    over: number,
    audit?: AuditEvent,
  ): Promise<Written>;
  /** Whether there was one. */
  dropSummary(conversationId: ConversationId, audit?: AuditEvent): Promise<boolean>;

  profileOf(person: PersonId): Promise<Profile | undefined>;
  /** Whether something changed. Taken back, what is known is gone; so it is when it is not there at all. */
  setConsent(person: PersonId, given: boolean, audit?: AuditEvent): Promise<boolean>;
  /** `moved` also when the person does not agree to it any more. */
  keepProfile(person: PersonId, draft: ProfileDraft, over: number, audit?: AuditEvent): Promise<Written>;
  /** The profile and the consent. Whether there was one. */
  dropProfile(person: PersonId, audit?: AuditEvent): Promise<boolean>;
}

export type Notes = Pick<NoteStore, 'list' | 'find' | 'write'>;
