/** What is kept of conversations and people beyond what was said, field by field; there is nothing else. */
import { z } from 'zod';
import { ConversationId, PersonId } from '../domain/ids.ts';

/** Longest summary that is kept, in characters; one of 4,000 tokens has fewer. */
export const MAX_SUMMARY_CHARS = 20_000;

/** What a conversation was about, up to some place in it. Written by a model from data: data itself. */
export const Summary = z.object({
  conversationId: ConversationId,
  /** From 1; +1 with every change. */
  rev: z.int(),
  text: z.string().min(1),
  /** `nameOf` the last place at which somebody spoke that it tells of; it tells of everything up to the next. */
  through: z.string(),
  /** Entries the transcript had when it was written. */
  length: z.int(),
  /** What of strangers it was made of, in words for people: it is no cleaner than that. */
  strangers: z.array(z.string()).optional(),
  /** Whose words it was made of, so that it goes with them; their messages may be gone before. */
  people: z.array(PersonId).optional(),
  atMs: z.int(),
});
export type Summary = z.infer<typeof Summary>;

/** What is known of one person, and whether they have agreed to it. Without consent there is no text. */
export const Profile = z.object({
  person: PersonId,
  rev: z.int(),
  consent: z.object({ given: z.boolean(), atMs: z.int() }),
  /** Who they are and what they prefer, made of their own words alone. */
  text: z.string().optional(),
  /** By conversation: `nameOf` the last of their messages that was read for it. */
  seen: z.record(ConversationId, z.string()),
  atMs: z.int(),
});
export type Profile = z.infer<typeof Profile>;

/** Stands for a while where something was dropped, so that its revisions go on: what was begun before is not written. */
export const Gone = z.object({ rev: z.int(), gone: z.literal(true) });
export type Gone = z.infer<typeof Gone>;

export function isText(text: string): boolean {
  return text.trim() !== '';
}

export function bounded(text: string): string {
  return text.trim().slice(0, MAX_SUMMARY_CHARS);
}

/** Conversations of one person of which it is remembered how far they were read; the oldest is read anew. */
const MOST_SEEN = 50;

/** Keys keep the order in which they were written. */
export function withSeen(
  seen: Profile['seen'],
  { conversationId, name }: { readonly conversationId: ConversationId; readonly name: string },
): Profile['seen'] {
  const others = Object.entries(seen).filter(([id]) => id !== conversationId);
  return Object.fromEntries([...others, [conversationId, name]].slice(-MOST_SEEN));
}
