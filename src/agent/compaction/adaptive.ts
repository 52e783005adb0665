/** As much of the newest as fits. How many entries that is follows from the budget and their sizes. Asks no model. */
import type { Compaction, Room, Transcript } from './compaction.ts';
import { firstFitting, keepFrom, startBefore, tokensFrom } from './window.ts';

/** Entries that are kept whatever they come to; their texts are shortened where they are too much. */
export const LEAST_ENTRIES = 4;

export const adaptive: Compaction = {
  compact: (transcript, room) => keepFrom(transcript, adaptiveStart(transcript, room), room),
};

export function adaptiveStart(transcript: Transcript, { mostTokens, lowTokens, standing }: Room): number {
  if (standing !== undefined) return standing;
  const first = transcript.starts[0] ?? 0;
  if (tokensFrom(transcript, first) <= mostTokens) return first;
  return Math.min(firstFitting(transcript, lowTokens), startBefore(transcript, LEAST_ENTRIES));
}
