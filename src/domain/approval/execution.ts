/** How an approved call runs once, and what is known of it afterwards. Pure. */
import { createHash } from 'node:crypto';
import type { ApprovalId } from '../ids.ts';
import type { Authority } from '../quorum.ts';
import { endOfHold } from './holding.ts';
import { type Approval, advance, QUIET_MS, type Step } from './record.ts';
import { type Circumstances, isInLine, lapse } from './time.ts';
import { mayDecide } from './voting.ts';
import { type Settler, settledBy } from './withdrawal.ts';

export interface Permit {
  readonly approvalId: ApprovalId;
  readonly epoch: number;
  /** The same for every attempt at this call. */
  readonly idempotencyKey: string;
  /** The store's time at which the permit ends. */
  readonly leaseUntilMs: number;
}

export type ClaimResult =
  | { readonly code: 'GRANTED'; readonly permit: Permit; readonly approval: Approval }
  /** Not approved (any more), or approved for something else. */
  | { readonly code: 'REFUSED' | 'MISMATCH'; readonly approval: Approval }
  /** Somebody runs it, or ran it and its outcome is not known yet. */
  | { readonly code: 'HELD'; readonly approval: Approval };

/**
 * Asks to run the call, once.
 *
 * @param owner new for every attempt, so that a repeated request is told from somebody else's
 * @param drift in words, why what was agreed to is not what would happen now
 * @param line whether it was waited for in line, and when nobody of ours was there; left out: by whoever might have come
 *        before
 */
export function claim(
  approval: Approval,
  owner: string,
  digestToRun: string,
  nowMs: number,
  drift?: string,
  line: Pick<Circumstances, 'unheard' | 'outages'> = { outages: [] },
): Step<ClaimResult> {
  const { execution, decision } = approval;
  if (approval.state === 'EXECUTING') {
    if (execution?.owner === owner)
      return { result: { code: 'GRANTED', permit: permitOf(approval), approval } };
    return { result: { code: 'HELD', approval } };
  }
  if (approval.state === 'UNKNOWN') return { result: { code: 'HELD', approval } };
  if (approval.state !== 'APPROVED') return { result: { code: 'REFUSED', approval } };
  if (decision?.choice !== 'approve' || decision.digest !== digestToRun || approval.digest !== digestToRun) {
    return { result: { code: 'MISMATCH', approval } };
  }
  const isLate = nowMs >= (approval.validUntilMs ?? 0);
  if (isLate && !isInLine(approval, nowMs, line)) {
    const lapsed = lapse(approval);
    return { ...lapsed, result: { code: 'REFUSED', approval: lapsed.moved.next } };
  }
  if (drift !== undefined) {
    const revoked = { ...advance(approval, 'REVOKED'), remark: drift };
    return {
      result: { code: 'REFUSED', approval: revoked },
      moved: { next: revoked, event: 'revoked', actor: 'system' },
    };
  }
  const next: Approval = {
    ...advance(approval, 'EXECUTING'),
    execution: {
      epoch: (execution?.epoch ?? 0) + 1,
      owner,
      leaseUntilMs: nowMs + approval.policy.leaseMs,
      attempt: (execution?.attempt ?? 0) + 1,
    },
  };
  return {
    result: { code: 'GRANTED', permit: permitOf(next), approval: next },
    moved: { next, event: 'claimed', actor: 'system' },
    window: { beforeMs: isLate ? endOfHold(approval) : (approval.validUntilMs ?? 0) },
  };
}

/** Extends the lease of a call that is still running. */
export function renew(approval: Approval, epoch: number, nowMs: number): Step<'RENEWED' | 'FENCED'> {
  const { execution } = approval;
  if (approval.state !== 'EXECUTING' || execution?.epoch !== epoch) return { result: 'FENCED' };
  const next: Approval = {
    ...advance(approval, 'EXECUTING'),
    execution: { ...execution, leaseUntilMs: nowMs + approval.policy.leaseMs },
  };
  return { result: 'RENEWED', moved: { next, event: 'renewed', actor: 'system' } };
}

export type CompleteResult = 'RECORDED' | 'REPLAY' | 'LATE' | 'FENCED';

/**
 * Records what came of the call. A report that comes when the outcome has become unknown is kept as evidence for the
 * person who finds out; it settles nothing by itself, because somebody may have acted on its absence.
 */
export function complete(
  approval: Approval,
  epoch: number,
  outcome: { status: 'ok' | 'error'; text: string },
  nowMs: number,
): Step<CompleteResult> {
  const { execution, result } = approval;
  if (execution?.epoch !== epoch) return { result: 'FENCED' };
  if (approval.state === 'UNKNOWN') return reportLate(approval, { ...outcome, epoch, atMs: nowMs });
  if (approval.state !== 'EXECUTING') {
    return {
      result: result?.status === outcome.status && result.text === outcome.text ? 'REPLAY' : 'FENCED',
    };
  }
  const ok = outcome.status === 'ok';
  const next: Approval = {
    ...advance(approval, ok ? 'EXECUTED' : 'FAILED'),
    result: { ...outcome, atMs: nowMs },
  };
  return { result: 'RECORDED', moved: { next, event: ok ? 'executed' : 'failed', actor: 'system' } };
}

function reportLate(
  approval: Approval,
  lateReport: NonNullable<Approval['lateReport']>,
): Step<CompleteResult> {
  if (approval.lateReport?.epoch === lateReport.epoch) return { result: 'LATE' };
  const next = { ...advance(approval, 'UNKNOWN'), face: approval.face + 1, lateReport };
  return { result: 'LATE', moved: { next, event: 'reported-late', actor: 'system' } };
}

/** The one who runs the call says that nobody can tell what came of it (the connection broke after it was sent). */
export function loseTrack(approval: Approval, epoch: number, remark: string): Step<CompleteResult> {
  if (approval.execution?.epoch !== epoch || approval.state !== 'EXECUTING') return { result: 'FENCED' };
  if (approval.request.effect === 'idempotent') {
    // The lease runs out and the call is claimed again under the same key: a repeat is harmless by definition.
    return { result: 'RECORDED' };
  }
  const next = { ...advance(approval, 'UNKNOWN'), remark };
  return { result: 'RECORDED', moved: { next, event: 'unknown', actor: 'system' } };
}

export type Finding = 'happened' | 'did-not-happen' | 'retry';
export type ReconcileResult =
  | { readonly code: 'DONE'; readonly approval: Approval }
  | {
      readonly code: 'NOT_UNKNOWN' | 'NOT_ELIGIBLE' | 'NOT_YET' | 'STALE_CARD' | 'STEP_UP';
      readonly approval: Approval;
    };

/** Somebody who says what they found out. */
export interface Finder extends Settler, Omit<Authority, 'person'> {
  /** The attempt they were shown, as `attemptOf` names it; absent for whoever means the last. */
  readonly about?: string | undefined;
}

/** Names what a finding is about: a call that was let run again, and whose outcome is unknown again, is another. */
export function attemptOf({ digest, execution }: Approval): string {
  return `${digest}.${execution?.epoch ?? 0}`;
}

/** A person looked and says what really came of a call whose outcome was unknown. */
export function reconcile(
  approval: Approval,
  by: Finder,
  finding: Finding,
  nowMs: number,
): Step<ReconcileResult> {
  if (approval.state !== 'UNKNOWN') return { result: { code: 'NOT_UNKNOWN', approval } };
  if (by.about !== undefined && by.about !== attemptOf(approval))
    return { result: { code: 'STALE_CARD', approval } };
  const maySay = mayDecide(approval, by) || by.operates;
  if (finding === 'retry' ? !mayAllowAgain(approval, by) : !maySay) {
    return { result: { code: 'NOT_ELIGIBLE', approval } };
  }
  // It is a yes like the first one, so it takes as much proof of who says it.
  const { approveFrom } = approval.policy;
  if (finding === 'retry' && approveFrom && !approveFrom.includes(by.via)) {
    return { result: { code: 'STEP_UP', approval } };
  }
  const quietFromMs = (approval.execution?.leaseUntilMs ?? 0) + QUIET_MS;
  if (finding === 'retry' && nowMs < quietFromMs) return { result: { code: 'NOT_YET', approval } };

  const next = reconciled(approval, by, finding, nowMs);
  return {
    result: { code: 'DONE', approval: next },
    moved: { next, event: 'reconciled', actor: by.person },
    ...(finding === 'retry' ? { window: { notBeforeMs: quietFromMs } } : {}),
  };
}

/** To let it run again takes the right to have said yes in the first place; where a rule did, to run the gateway. */
function mayAllowAgain(approval: Approval, by: Finder): boolean {
  return approval.decision?.source === 'policy' ? by.operates : mayDecide(approval, by);
}

function reconciled(approval: Approval, by: Settler, finding: Finding, nowMs: number): Approval {
  switch (finding) {
    case 'happened':
      return {
        ...advance(approval, 'EXECUTED'),
        result: { status: 'ok', text: `${by.name} confirmed that it happened`, atMs: nowMs },
        settledBy: settledBy(by, nowMs),
      };
    case 'did-not-happen':
      return {
        ...advance(approval, 'FAILED'),
        result: { status: 'error', text: `${by.name} confirmed that it did not happen`, atMs: nowMs },
        settledBy: settledBy(by, nowMs),
      };
    case 'retry': {
      // It is a yes of its own, and may wait as long as one.
      const { heldFromMs: _, ...again } = advance(approval, 'APPROVED');
      return { ...again, validUntilMs: nowMs + approval.policy.validForMs };
    }
    default:
      return finding satisfies never;
  }
}

function permitOf(approval: Approval): Permit {
  const { id, digest, execution } = approval;
  if (!execution) throw new Error(`${id} has no execution to permit`);
  return {
    approvalId: id,
    epoch: execution.epoch,
    idempotencyKey: createHash('sha256').update(`${id}:${digest}`).digest('base64url').slice(0, 32),
    leaseUntilMs: execution.leaseUntilMs,
  };
}
