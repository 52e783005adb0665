/**
 * How an open question holds the deadline up: what of it is left when it is asked is left when the question is done
 * with, by the hours the deadline is counted in. Pure.
 */
import { type Approval, capped, pauseLeft, unpaused } from './record.ts';
import type { Circumstances } from './time.ts';
import { warnedOf } from './warning.ts';

/** From now on the deadline waits. How long that is by working hours, only whoever knows them can tell. */
export function pauseOf(
  approval: Approval,
  nowMs: number,
  { later }: Circumstances,
): Partial<Pick<Approval, 'pausedMs' | 'pauseEnds'>> {
  const leftMs = pauseLeft(approval);
  if (approval.pausedMs !== undefined || leftMs === 0) return {};
  if (!later || !approval.policy.hours) return { pausedMs: nowMs };
  const atMs = later(approval, nowMs, leftMs);
  return { pausedMs: nowMs, pauseEnds: { atMs, deadlineMs: later(approval, approval.deadlineMs, leftMs) } };
}

/** The question is done with: the deadline is put off by as long as it has waited. As it is, where nothing waits. */
export function resumed(approval: Approval, nowMs: number, circumstances: Circumstances): Approval {
  const heldUpMs = heldUpFor(approval, nowMs, circumstances);
  const next: Approval = {
    ...unpaused(approval),
    deadlineMs: capped(approval, putOff(approval, heldUpMs, circumstances)),
    ...(heldUpMs > 0 ? { heldUpMs: (approval.heldUpMs ?? 0) + heldUpMs } : {}),
  };
  return next.deadlineMs === approval.deadlineMs ? next : warnedOf(next, nowMs, circumstances);
}

/** How long this question has held the deadline up, by the hours of the request. */
function heldUpFor(approval: Approval, nowMs: number, { elapsed }: Circumstances): number {
  const { pausedMs, pauseEnds } = approval;
  if (pausedMs === undefined) return 0;
  const passedMs = pauseEnds && elapsed ? elapsed(approval, pausedMs, nowMs) : nowMs - pausedMs;
  return Math.min(Math.max(0, passedMs), pauseLeft(approval));
}

function putOff(approval: Approval, byMs: number, { later }: Circumstances): number {
  const { deadlineMs, pauseEnds } = approval;
  return pauseEnds && later && byMs > 0 ? later(approval, deadlineMs, byMs) : deadlineMs + byMs;
}
