/** The oldest is dropped until the rest fits. Quick, and what is dropped is gone from the model's sight. Asks no model. */
import type { Compaction } from './compaction.ts';
import { firstFitting, keepFrom, tokensFrom } from './window.ts';

export const truncate: Compaction = {
  compact(transcript, room) {
    const first = transcript.starts[0] ?? 0;
    const fits = tokensFrom(transcript, first) <= room.mostTokens;
    const from = room.standing ?? (fits ? first : firstFitting(transcript, room.lowTokens));
    return keepFrom(transcript, from, room);
  },
};
