import { describe, expect, it } from 'vitest';
import {
  attemptOf,
  claim,
  type Finder,
  type Finding,
  loseTrack,
  reconcile,
} from '../../../src/domain/approval/execution.ts';
import type { Approval, ApprovalPolicy, Step } from '../../../src/domain/approval/record.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { anApproval, aVote, DANA, EMAIL, LEASE_MS, OPENED_MS, SLACK } from '../../support/approvals.ts';

const LATER_MS = OPENED_MS + 10 * LEASE_MS;

const dana: Finder = { person: DANA, name: 'Dana Reyes', via: SLACK, operates: false, roles: ['manager'] };

function after({ moved }: Step<unknown>): Approval {
  if (!moved) throw new Error('nothing has changed');
  return moved.next;
}

/** Approved, begun and lost. */
function lost(policy: Partial<ApprovalPolicy> = {}): Approval {
  const open = anApproval({ policy });
  return begunAndLost(after(vote(open, aVote(open), OPENED_MS + 1)), OPENED_MS + 2);
}

function begunAndLost(approved: Approval, nowMs: number): Approval {
  const running = after(claim(approved, `at ${nowMs}`, approved.digest, nowMs));
  return after(loseTrack(running, running.execution?.epoch ?? 0, 'the connection broke'));
}

function found(approval: Approval, finding: Finding, by: Partial<Finder> = {}) {
  return reconcile(approval, { ...dana, ...by }, finding, LATER_MS).result.code;
}

describe('what somebody found out about a call whose outcome nobody knew', () => {
  it('is about the attempt they were shown: after it ran again, and was lost again, it counts no more', () => {
    const first = lost();
    const about = attemptOf(first);
    const again = begunAndLost(after(reconcile(first, { ...dana, about }, 'retry', LATER_MS)), LATER_MS + 1);

    expect(attemptOf(again)).not.toBe(about);
    for (const finding of ['happened', 'did-not-happen', 'retry'] as const) {
      expect(found(again, finding, { about })).toBe('STALE_CARD');
      expect(found(first, finding, { about })).toBe('DONE');
    }
    expect(found(again, 'happened', { about: attemptOf(again) })).toBe('DONE');
  });

  it('counts from anywhere, but that it may run again only from where a yes does', () => {
    const approval = lost({ approveFrom: [SLACK] });

    expect(found(approval, 'retry', { via: EMAIL })).toBe('STEP_UP');
    expect(found(approval, 'retry', { via: SLACK })).toBe('DONE');
    expect(found(approval, 'happened', { via: EMAIL })).toBe('DONE');
    expect(found(approval, 'did-not-happen', { via: EMAIL })).toBe('DONE');
  });
});
