/**
 * When something that ended without an effect may be asked again. It is then another approval (`reopenedFrom`), with
 * votes of its own; the one that ended stays as it is. Pure.
 */
import { isExcluded, type Known } from './exclusion.ts';
import { type Approval, isContested, isEnded } from './record.ts';

/** For so long after its end. */
export const REOPEN_WITHIN_MS = 7 * 24 * 60 * 60_000;

/** Somebody who wants it asked again. */
export interface Reopener extends Known {
  /** They may decide it, now. */
  readonly decides: boolean;
  /** They run the gateway. */
  readonly operates: boolean;
}

/** `REPLACED`: a newer request took its place, and is the one to answer. */
export type ReopenCode = 'DONE' | 'NOT_ENDED' | 'REPLACED' | 'HAD_EFFECT' | 'TOO_OLD' | 'NOT_ELIGIBLE';

export function mayReopen(approval: Approval, by: Reopener, nowMs: number): ReopenCode {
  if (!isEnded(approval.state)) return 'NOT_ENDED';
  if (approval.state === 'SUPERSEDED') return 'REPLACED';
  const endMs = endOf(approval);
  if (endMs === undefined) return 'HAD_EFFECT';
  if (!isConcerned(approval, by)) return 'NOT_ELIGIBLE';
  return nowMs < endMs + REOPEN_WITHIN_MS ? 'DONE' : 'TOO_OLD';
}

/** Whoever was told no cannot ask for as long as it takes; those who said it, or could have, can change their mind. */
function isConcerned(approval: Approval, by: Reopener): boolean {
  const { decides, operates } = by;
  const isTheirs = isExcluded(approval, by);
  return isContested(approval) || approval.state === 'DENIED'
    ? decides || (operates && !isTheirs)
    : decides || operates || isTheirs;
}

/** When it ended, if nothing can have come of it. */
function endOf({
  state,
  decision,
  settledBy,
  validUntilMs,
  deadlineMs,
  execution,
}: Approval): number | undefined {
  switch (state) {
    case 'EXPIRED':
      return deadlineMs;
    case 'DENIED':
      return decision?.atMs ?? deadlineMs;
    case 'CANCELLED':
    case 'REVOKED':
      if ((execution?.attempt ?? 0) > 0) return undefined;
      return settledBy?.atMs ?? validUntilMs ?? deadlineMs;
    default:
      return undefined;
  }
}
