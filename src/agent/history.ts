/**
 * The part of a transcript that the model is shown.
 *
 * A window cut out of a long transcript may begin in the middle of a call and its results; what the model is shown
 * begins with somebody speaking, and holds every result together with its call. Pure.
 */
import { Entry } from '../domain/transcript.ts';

/** Entries as stored, newest last; one that does not parse is left out rather than stopping the conversation. */
export function toHistory(stored: readonly string[]): Entry[] {
  const entries = stored.flatMap((json) => {
    const parsed = Entry.safeParse(JSON.parse(json));
    return parsed.success ? [parsed.data] : [];
  });
  const start = entries.findIndex((entry) => entry.kind === 'user' || entry.kind === 'event');
  return start === -1 ? [] : entries.slice(start);
}
