/** Looks through stored conversations for turns of one kind, and measures them. */
import type { ConversationId } from '../domain/ids.ts';
import type { Entry } from '../domain/transcript.ts';
import { countIn, type Measured, type MeasureName, meanOf, turnsIn } from './turn-measure.ts';

/** Conversations that are looked through, at most; a store of millions is not read for a mean. */
const MOST_CONVERSATIONS = 2_000;
/** Newest entries of each, at most. */
const MOST_ENTRIES = 500;

/** Where conversations are kept. */
export interface Transcripts {
  /** One may come twice. */
  conversations(): AsyncIterable<ConversationId>;
  /** So many of the newest, oldest first. */
  read(
    conversationId: ConversationId,
    newest: number,
  ): Promise<readonly { readonly entry: Entry | undefined }[]>;
}

export interface MeasureWish {
  readonly measure: MeasureName;
  /** Of turns that began then or later, in ms, and before `untilMs`. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Whether a message is of the kind. */
  readonly fits: (text: string) => boolean;
}

export interface ScanBounds {
  readonly conversations: number;
  readonly entries: number;
}

const BOUNDS: ScanBounds = { conversations: MOST_CONVERSATIONS, entries: MOST_ENTRIES };

/** One answer for each wish; every conversation is read once for all of them. @throws when the store is away, or the signal aborts */
export async function measureTurns(
  transcripts: Transcripts,
  wishes: readonly MeasureWish[],
  signal: AbortSignal,
  bounds: ScanBounds = BOUNDS,
): Promise<Measured[]> {
  if (wishes.length === 0) return [];
  const counts = wishes.map((): number[] => []);
  const seen = new Set<ConversationId>();
  let isPart = false;
  for await (const conversationId of transcripts.conversations()) {
    signal.throwIfAborted();
    if (seen.has(conversationId)) continue;
    if (seen.size >= bounds.conversations) {
      isPart = true;
      break;
    }
    seen.add(conversationId);
    const entries = (await transcripts.read(conversationId, bounds.entries)).map(({ entry }) => entry);
    if (entries.length >= bounds.entries) isPart = true;
    for (const turn of turnsIn(entries)) {
      wishes.forEach(({ measure, fromMs, untilMs, fits }, index) => {
        if (turn.atMs < fromMs || turn.atMs >= untilMs || !fits(turn.text)) return;
        counts[index]?.push(countIn(turn, measure));
      });
    }
  }
  return counts.map((each) => ({ ...meanOf(each), ...(isPart ? { isPart: true as const } : {}) }));
}
