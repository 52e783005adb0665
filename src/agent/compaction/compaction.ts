/**
 * What of a conversation a request shows when it cannot show all of it: one interface, three strategies.
 *
 *   adaptive     as much of the newest as fits, and the last few entries whatever happens; asks no model
 *   progressive  the newest word for word, what stands before it as a summary that is kept up to date
 *   truncate     the oldest is dropped until the rest fits, nothing else
 *
 * Invariants, of each strategy
 *   1. What is kept is the end of the conversation, without a hole; it begins with somebody speaking, and every result
 *      of a call stands with its call.
 *   2. It never comes to more than the budget. Where the least that is kept does, its texts are shortened, and say so.
 *   3. Where the window begins moves rarely: it stays where the last request had it for as long as that fits, and moves
 *      on to `lowTokens` when it does not, so that what stands before a turn is the same for many turns and is read
 *      from the cache.
 *   4. It follows from the entries alone, so every process finds the same.
 */
import type { Entry } from '../../domain/transcript.ts';
import { adaptive } from './adaptive.ts';
import { progressive } from './progressive.ts';
import { truncate } from './truncate.ts';

export type StrategyName = 'adaptive' | 'progressive' | 'truncate';

/** A conversation with what its entries come to. */
export interface Transcript {
  readonly entries: readonly Entry[];
  /** Estimated, one for each entry. */
  readonly tokens: readonly number[];
  /** Where a window may begin: somebody speaks, and no call before it is open. Ascending. */
  readonly starts: readonly number[];
}

export interface Room {
  /** Most tokens of all entries together. */
  readonly mostTokens: number;
  /** To what the window is cut down when it is cut. */
  readonly lowTokens: number;
  /**
   * Where the last request began, if everything from there on is known to fit: what the model has counted of it says so,
   * or the estimate does.
   */
  readonly standing: number | undefined;
  /** The first entry that is not part of the summary the model is shown; undefined where there is none. */
  readonly summarisedTo: number | undefined;
}

export interface Kept {
  readonly entries: readonly Entry[];
  /** Where the window begins: how many entries stand before it. */
  readonly from: number;
  /** Texts were cut, so that what is kept is not what is stored. */
  readonly shortened: boolean;
}

export interface Compaction {
  /**
   * Pure.
   *
   * @throws {NoRoomError} when not even the newest fits, however much is cut from its texts
   */
  compact(transcript: Transcript, room: Room): Kept;
}

export const COMPACTIONS: Readonly<Record<StrategyName, Compaction>> = { adaptive, progressive, truncate };
