/**
 * When those who are asked are warned of the deadline: so long before it, by the hours it is counted in, and anew
 * whenever it moves. Pure.
 */
import type { Approval } from './record.ts';

/** The hours of a request, as `Circumstances` knows them; absent: the clock on the wall. */
interface Counting {
  readonly later?: ((approval: Approval, fromMs: number, lengthMs: number) => number) | undefined;
  readonly elapsed?: ((approval: Approval, fromMs: number, untilMs: number) => number) | undefined;
}

/** The deadline is another one: the warning of the earlier one tells nobody of this. One that nobody has had yet stays. */
export function warnedOf(approval: Approval, nowMs: number, counting: Counting): Approval {
  const warnMs = warningOf(approval, nowMs, counting);
  return warnMs === undefined ? approval : { ...approval, warnMs };
}

/** Undefined where none is wanted, or so little time is left that the news of the deadline is one. */
function warningOf(approval: Approval, nowMs: number, { later, elapsed }: Counting): number | undefined {
  const { deadlineMs, policy } = approval;
  if (policy.warnBeforeMs === undefined) return undefined;
  if (!policy.hours || !later || !elapsed) {
    const warnMs = deadlineMs - policy.warnBeforeMs;
    return warnMs > nowMs ? warnMs : undefined;
  }
  const leftMs = elapsed(approval, nowMs, deadlineMs) - policy.warnBeforeMs;
  const warnMs = leftMs > 0 ? later(approval, nowMs, leftMs) : nowMs;
  return warnMs > nowMs && warnMs < deadlineMs ? warnMs : undefined;
}
