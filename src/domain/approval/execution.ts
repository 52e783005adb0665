/** How an approved call runs once, and what is known of it afterwards. Pure. */
import { createHash } from 'node:crypto';
import type { ApprovalId } from '../ids.ts';
import type { Whose } from '../provenance.ts';
import type { ToolOutput } from '../tool.ts';
import { endOfHold } from './holding.ts';
import { type Approval, advance, type Step } from './record.ts';
import { type Circumstances, isInLine, lapse } from './time.ts';

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
    if (execution?.owner !== owner) return { result: { code: 'HELD', approval } };
    return approval.digest === digestToRun
      ? { result: { code: 'GRANTED', permit: permitOf(approval), approval } }
      : { result: { code: 'MISMATCH', approval } };
  }
  if (approval.state === 'UNKNOWN') return { result: { code: 'HELD', approval } };
  if (approval.state !== 'APPROVED') return { result: { code: 'REFUSED', approval } };
  const isOther =
    decision?.choice !== 'approve' || decision.digest !== digestToRun || approval.digest !== digestToRun;
  if (isOther && drift === undefined) return { result: { code: 'MISMATCH', approval } };
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

/** Extends the lease of a call that is still running. The first time its cards say so: one that is over soon is not worth it. */
export function renew(approval: Approval, epoch: number, nowMs: number): Step<'RENEWED' | 'FENCED'> {
  const { execution } = approval;
  if (approval.state !== 'EXECUTING' || execution?.epoch !== epoch) return { result: 'FENCED' };
  const next: Approval = {
    ...advance(approval, 'EXECUTING'),
    ...(execution.shown ? {} : { face: approval.face + 1 }),
    execution: { ...execution, leaseUntilMs: nowMs + approval.policy.leaseMs, shown: true },
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
  outcome: Pick<ToolOutput, 'status' | 'text'> & Whose,
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
  const { lateReport: before } = approval;
  if (before?.epoch === lateReport.epoch) {
    const isSame = before.status === lateReport.status && before.text === lateReport.text;
    return { result: isSame ? 'LATE' : 'FENCED' };
  }
  const next = { ...advance(approval, 'UNKNOWN'), face: approval.face + 1, lateReport };
  return { result: 'LATE', moved: { next, event: 'reported-late', actor: 'system' } };
}

/** The one who runs the call says that nobody can tell what came of it (the connection broke after it was sent). */
export function loseTrack(approval: Approval, epoch: number, remark: string): Step<CompleteResult> {
  if (approval.execution?.epoch !== epoch) return { result: 'FENCED' };
  // Said twice, or found out before it was said: it stands as it is.
  if (approval.state === 'UNKNOWN') return { result: 'REPLAY' };
  if (approval.state !== 'EXECUTING') return { result: 'FENCED' };
  if (approval.request.effect === 'idempotent') {
    // The lease runs out and the call is claimed again under the same key: a repeat is harmless by definition.
    return { result: 'RECORDED' };
  }
  const next = { ...advance(approval, 'UNKNOWN'), remark };
  return { result: 'RECORDED', moved: { next, event: 'unknown', actor: 'system' } };
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
