/**
 * The part of a transcript that the model is shown.
 *
 * A window cut out of a long transcript may begin in the middle of a call and its results; what the model is shown
 * begins with somebody speaking, and holds every result together with its call. Pure.
 */
import { Entry } from '../domain/transcript.ts';

/**
 * Entries as stored, newest last. One that cannot be read does not stop the conversation: it goes on with what came
 * after it, because what stands before and behind it may belong together.
 */
export function toHistory(stored: readonly string[]): Entry[] {
  const entries = stored.map(toEntry);
  const readable = entries.slice(entries.lastIndexOf(undefined) + 1).filter((entry) => entry !== undefined);
  const start = readable.findIndex((entry) => entry.kind === 'user' || entry.kind === 'event');
  return start === -1 ? [] : readable.slice(start);
}

function toEntry(json: string): Entry | undefined {
  try {
    return Entry.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
