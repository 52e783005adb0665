/**
 * An audit entry as it is stored: the text that the chain's hashes cover, and beside it the words that can be erased.
 *
 *   text    the event, with a digest in place of its words
 *   words   the words, with a salt
 *
 * Invariant: from the text alone nobody can find out what the words were by trying; the salt stands, and goes, with them.
 */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { AuditEvent } from '../domain/audit-event.ts';

const SALT_BYTES = 16;

export interface AuditText {
  readonly text: string;
  /** Empty where the event has none. */
  readonly words: string;
}

export function toAuditText({ words, ...event }: AuditEvent): AuditText {
  if (words === undefined) return { text: JSON.stringify(event), words: '' };
  const beside = toBeside(words);
  return { text: JSON.stringify({ ...event, words: digestOf(beside) }), words: beside };
}

/** Words as they stand beside an entry, under a salt of their own. */
export function toBeside(words: NonNullable<AuditEvent['words']>): string {
  return JSON.stringify({ salt: randomBytes(SALT_BYTES).toString('base64url'), words });
}

/** Of words as they stand beside an entry. */
export function digestOf(beside: string): string {
  return createHash('sha256').update(beside).digest('base64url');
}

/** What is stored of an entry, read. */
export interface ReadText {
  /** With its words, where they stand beside it. */
  readonly event: AuditEvent;
  /** Of its words, as the text holds it; undefined where it has none. */
  readonly digest: string | undefined;
}

/**
 * @param beside what stands beside the text; undefined where nothing does
 * @throws when either is not what this file writes
 */
export function fromAuditText(text: string, beside?: string): ReadText {
  const { words: digest, ...event } = StoredEvent.parse(JSON.parse(text));
  if (beside === undefined) return { event, digest };
  return { event: { ...event, words: Beside.parse(JSON.parse(beside)).words }, digest };
}

const StoredEvent = AuditEvent.extend({ words: z.string().optional() });
const Beside = z.object({ salt: z.string(), words: z.record(z.string(), z.unknown()) });
