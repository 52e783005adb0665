/**
 * The newest word for word; what stands before it is told by the summary, which is brought up to date with what has
 * aged, before that leaves the window.
 *
 * The window begins where the summary ends, so nothing falls between the two. Only when that is more than fits, because
 * the summary could not be made in time, is it cut as `adaptive` does; what is left out then is summarised later, for
 * the summary goes on where it ended.
 */

import { adaptiveStart, LEAST_ENTRIES } from './adaptive.ts';
import type { Compaction, Room, Transcript } from './compaction.ts';
import { firstFitting, keepFrom, startBefore, tokensFrom } from './window.ts';

/** How full the window is, of what fits, when the oldest part of it is to be summarised: well before it must leave. */
const SUMMARISE_AT = 0.8;

export const progressive: Compaction = {
  compact(transcript, room) {
    const begins = Math.min(firstUnsummarised(transcript, room), startBefore(transcript, LEAST_ENTRIES));
    // What is known to fit from one place on fits from every later one.
    const standing = Math.max(begins, room.standing ?? 0);
    const fits = room.standing !== undefined || tokensFrom(transcript, standing) <= room.mostTokens;
    const from = fits ? standing : adaptiveStart(transcript, { ...room, standing: undefined });
    return keepFrom(transcript, from, room);
  },
};

/**
 * Up to where a summary is to reach next, as a number of entries.
 *
 * @returns undefined while what is not summarised has room enough
 */
export function agedTo(transcript: Transcript, room: Room): number | undefined {
  const begins = firstUnsummarised(transcript, room);
  if (tokensFrom(transcript, begins) <= room.mostTokens * SUMMARISE_AT) return undefined;
  const to = Math.min(firstFitting(transcript, room.lowTokens), startBefore(transcript, LEAST_ENTRIES));
  return to > begins ? to : undefined;
}

/** A summary may end inside a turn that was going on; the window begins with the whole of it. */
function firstUnsummarised({ starts }: Transcript, { summarisedTo }: Room): number {
  const first = starts[0] ?? 0;
  return starts.findLast((start) => start <= (summarisedTo ?? first)) ?? first;
}
