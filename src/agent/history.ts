/**
 * The part of a transcript that the model is shown.
 *
 * A window cut out of a long transcript may begin in the middle of a call and its results; what the model is shown
 * begins with somebody speaking, and holds every result together with its call. Pure.
 */
import type { PersonId } from '../domain/ids.ts';
import { Entry } from '../domain/transcript.ts';

/**
 * Most of a transcript that is shown, in characters of what is stored. A request beyond what the model reads fails
 * every time it is made, so a few long messages would silence a conversation for good. 200,000 tokens are what a
 * model of today reads at least (Anthropic docs, "Context windows"); scripts without spaces take one or more for
 * each character, and the newest message, the prompt and the answer need room, too.
 */
const MAX_HISTORY_CHARS = 120_000;

/**
 * Entries as stored, newest last. `opening`: what comes after them and needs room, too. One that cannot be read does not stop the conversation: it goes on with what came
 * after it, because what stands before and behind it may belong together.
 */
export function toHistory(stored: readonly string[], opening?: Entry): Entry[] {
  const entries = newest(stored, MAX_HISTORY_CHARS - charsOfFiles(opening)).map(toEntry);
  const readable = entries.slice(entries.lastIndexOf(undefined) + 1).filter((entry) => entry !== undefined);
  const start = readable.findIndex((entry) => entry.kind === 'user' || entry.kind === 'event');
  return start === -1 ? [] : readable.slice(start);
}

/** Everybody we know who has spoken since the agent's last words, as far back as the entries go. */
export function speakersSince(stored: readonly string[]): PersonId[] {
  const speakers: PersonId[] = [];
  for (const json of stored.toReversed()) {
    const entry = toEntry(json);
    if (entry?.kind === 'assistant') break;
    if (entry?.kind === 'user' && entry.from.person) speakers.unshift(entry.from.person);
  }
  return speakers;
}

/** What somebody wants: the words a turn begins with, or the last ones before something that is told it. */
export function lastSaid(opening: Entry, stored: readonly string[]): string {
  if (opening.kind === 'user') return opening.text;
  for (const json of stored.toReversed()) {
    const entry = toEntry(json);
    if (entry?.kind === 'user') return entry.text;
  }
  return '';
}

/** Files count as much as talk; the room for what is typed is set aside already. */
function charsOfFiles(opening: Entry | undefined): number {
  const files = opening?.kind === 'user' ? (opening.files ?? []) : [];
  return files.reduce((chars, file) => chars + (file.kind === 'text' ? file.text.length : 0), 0);
}

function newest(stored: readonly string[], most: number): readonly string[] {
  let chars = 0;
  const cut = stored.findLastIndex((json) => {
    chars += json.length;
    return chars > most;
  });
  return stored.slice(cut + 1);
}

function toEntry(json: string): Entry | undefined {
  try {
    return Entry.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
