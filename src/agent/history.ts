/**
 * The transcript as a turn begins with it.
 *
 * What is read of a long transcript may begin in the middle of a call and its results; what the model is shown begins
 * with somebody speaking. How much of it fits into a request is decided when there is one (`compaction/`). Pure.
 */
import type { PersonId } from '../domain/ids.ts';
import { Entry } from '../domain/transcript.ts';
import { nameOf } from './compaction/window.ts';

/**
 * Entries as stored, newest last. One that cannot be read does not stop the conversation: it goes on with what came
 * after it, because what stands before and behind it may belong together.
 */
export function toHistory(stored: readonly string[]): Entry[] {
  const entries = stored.map(toEntry);
  const last = entries.findLastIndex((entry) => entry === undefined || isNewContext(entry));
  const readable = entries.slice(last + 1).filter((entry) => entry !== undefined);
  const start = readable.findIndex((entry) => entry.kind === 'user' || entry.kind === 'event');
  return start === -1 ? [] : readable.slice(start);
}

/**
 * Whether a summary still tells of what the conversation is about: a new context ends it, unless it was written since.
 *
 * @param through see `Summary`
 */
export function summaryHolds(
  stored: readonly string[],
  history: readonly Entry[],
  through: string | undefined,
): boolean {
  if (through === undefined) return true;
  const isAnew = stored.some((json) => isNewContext(toEntry(json)));
  return !isAnew || history.some((entry) => nameOf(entry) === through);
}

/** Everybody we know who has spoken since the agent's last words, as far back as the entries go. */
export function speakersSince(stored: readonly string[]): PersonId[] {
  const speakers: PersonId[] = [];
  for (const json of stored.toReversed()) {
    const entry = toEntry(json);
    if (entry?.kind === 'assistant' || isNewContext(entry)) break;
    if (entry?.kind === 'user' && entry.from.person) speakers.unshift(entry.from.person);
  }
  return speakers;
}

/** What somebody wants: the words a turn begins with, or the last ones before something that is told it. */
export function lastSaid(opening: Entry, stored: readonly string[]): string {
  if (opening.kind === 'user') return opening.text;
  for (const json of stored.toReversed()) {
    const entry = toEntry(json);
    if (isNewContext(entry)) break;
    if (entry?.kind === 'user') return entry.text;
  }
  return '';
}

/** Somebody asked for a new context: nothing that stands before it is shown. */
export function isNewContext(entry: Entry | undefined): boolean {
  return entry?.kind === 'event' && entry.anew === true;
}

function toEntry(json: string): Entry | undefined {
  try {
    return Entry.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
