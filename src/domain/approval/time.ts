/** What time alone does to an approval, and when. Pure. */

import { type Approval, advance, QUIET_MS, type Step } from './record.ts';

/** How often somebody is asked again to find out about a call whose outcome is unknown. */
const NAG_EVERY_MS = 4 * 60 * 60 * 1_000;

/** Claims of one call that may be repeated, at most. */
const MOST_ATTEMPTS = 3;

export type TickResult = 'nothing' | 'reminded' | 'expired' | 'lapsed' | 'released' | 'unknown';

/** What time alone brings about. */
export function tick(approval: Approval, nowMs: number): Step<TickResult> {
  const dueMs = dueOf(approval);
  if (dueMs === undefined || nowMs < dueMs) return { result: 'nothing' };
  switch (approval.state) {
    case 'OPEN':
      return nowMs >= approval.deadlineMs ? expire(approval) : remind(approval, nowMs);
    case 'APPROVED':
      return lapse(approval);
    case 'EXECUTING':
      return release(approval, nowMs);
    case 'UNKNOWN':
      return nag(approval);
    default:
      return { result: 'nothing' };
  }
}

/** When `tick` has something to do next; undefined when it waits for no time. */
export function dueOf(approval: Approval): number | undefined {
  switch (approval.state) {
    case 'OPEN': {
      const afterMs = approval.policy.remindAfterMs[approval.reminded];
      if (afterMs === undefined) return approval.deadlineMs;
      return Math.min(approval.openedMs + afterMs, approval.deadlineMs);
    }
    case 'APPROVED':
      return approval.validUntilMs;
    case 'EXECUTING':
      return approval.execution && approval.execution.leaseUntilMs + QUIET_MS;
    case 'UNKNOWN':
      return (
        (approval.execution?.leaseUntilMs ?? approval.openedMs) + NAG_EVERY_MS * ((approval.nagged ?? 0) + 1)
      );
    default:
      return undefined;
  }
}

/** A step that always changes something. */
type Moved<Result> = Step<Result> & { readonly moved: NonNullable<Step<Result>['moved']> };

/** The deadline has passed. */
export function expire(approval: Approval): Moved<'expired'> {
  const next = advance(approval, 'EXPIRED');
  return {
    result: 'expired',
    moved: { next, event: 'expired', actor: 'system' },
    window: { notBeforeMs: approval.deadlineMs },
  };
}

function remind(approval: Approval, nowMs: number): Moved<'reminded'> {
  // Reminders that fell due while nobody swept are one reminder.
  const passed = approval.policy.remindAfterMs.filter(
    (afterMs) => approval.openedMs + afterMs <= nowMs,
  ).length;
  const next = { ...advance(approval, 'OPEN'), reminded: passed };
  return {
    result: 'reminded',
    moved: { next, event: 'reminded', actor: 'system' },
    window: { beforeMs: approval.deadlineMs },
  };
}

function nag(approval: Approval): Moved<'reminded'> {
  const next = { ...advance(approval, 'UNKNOWN'), nagged: (approval.nagged ?? 0) + 1 };
  return { result: 'reminded', moved: { next, event: 'reminded', actor: 'system' } };
}

/** The yes was not acted on in time. */
export function lapse(approval: Approval): Moved<'lapsed'> {
  const next = {
    ...advance(approval, 'REVOKED'),
    remark: 'the yes was not acted on in time and is no longer valid',
  };
  return {
    result: 'lapsed',
    moved: { next, event: 'revoked', actor: 'system' },
    window: { notBeforeMs: approval.validUntilMs ?? 0 },
  };
}

function release(approval: Approval, nowMs: number): Moved<'released' | 'unknown'> {
  const window = { notBeforeMs: (approval.execution?.leaseUntilMs ?? 0) + QUIET_MS };
  const attempts = approval.execution?.attempt ?? 0;
  if (approval.request.effect === 'idempotent' && attempts < MOST_ATTEMPTS) {
    const next = { ...advance(approval, 'APPROVED'), validUntilMs: nowMs + approval.policy.validForMs };
    return { result: 'released', moved: { next, event: 'released', actor: 'system' }, window };
  }
  const next = {
    ...advance(approval, 'UNKNOWN'),
    remark: 'the process that ran it stopped before it could report',
  };
  return { result: 'unknown', moved: { next, event: 'unknown', actor: 'system' }, window };
}
