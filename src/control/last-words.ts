/** What people wrote last in a conversation that somebody takes over from elsewhere. */
import type { ConversationId } from '../domain/ids.ts';
import { cutBefore } from '../domain/text-cut.ts';
import type { Entry } from '../domain/transcript.ts';
import type { TranscriptStore } from '../memory/transcript-store.ts';

export interface LastWords {
  readonly name: string;
  /** The beginning of what they wrote, as it was written. */
  readonly words: string;
}

/** Entries looked through for them. */
const LOOKED_THROUGH = 60;
const MOST_MESSAGES = 4;
const MOST_CHARS = 400;

export async function lastWordsIn(
  transcripts: Pick<TranscriptStore, 'read' | 'inLine'>,
  conversationId: ConversationId,
): Promise<LastWords[]> {
  // In this order: what is handled meanwhile stands in both, and in neither otherwise.
  const inLine = await transcripts.inLine(conversationId, LOOKED_THROUGH);
  const entries = (await transcripts.read(conversationId, LOOKED_THROUGH)).map(({ entry }) => entry);
  return lastWords([
    ...entries,
    ...inLine.filter((said) => !entries.some((entry) => isSameSaying(entry, said))),
  ]);
}

function isSameSaying(entry: Entry | undefined, said: Extract<Entry, { kind: 'user' }>): boolean {
  if (entry?.kind !== 'user') return false;
  return entry.at === said.at && entry.text === said.text && entry.from.person === said.from.person;
}

/**
 * The newest messages of people, in order. What the agent answered is left out: it may hold what only whoever asked was
 * to read, and an answer that was not sent stands in the transcript as well.
 */
export function lastWords(entries: readonly (Entry | undefined)[]): LastWords[] {
  return entries
    .flatMap((entry) => {
      if (entry?.kind !== 'user' || entry.planned || entry.text.trim() === '') return [];
      const { from, text } = entry;
      const end = cutBefore(text, MOST_CHARS);
      return [{ name: from.name, words: end < text.length ? `${text.slice(0, end)} …` : text }];
    })
    .slice(-MOST_MESSAGES);
}
