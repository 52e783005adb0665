/** Those who are asked are warned before a deadline, the first and every further one. */
import { describe, expect, it } from 'vitest';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { dueOf, NO_CIRCUMSTANCES, tick } from '../../../src/domain/approval/time.ts';
import { anApproval, DEADLINE_MS, OPENED_MS } from '../../support/approvals.ts';

const RUNG_MS = 3_600_000;
const WARN_MS = 10_000;
const ladder = [{ kind: 'escalate' as const, approvers: { role: 'director' }, forMs: RUNG_MS }];

/** What time brings about, one after the other, with when. */
function course(from: Approval): [number, string][] {
  const events: [number, string][] = [];
  let approval = from;
  while (events.length < 20) {
    const atMs = dueOf(approval);
    if (atMs === undefined || approval.state !== 'OPEN') return events;
    const { moved } = tick(approval, atMs, NO_CIRCUMSTANCES);
    if (!moved) throw new Error(`nothing happened at ${atMs}`);
    events.push([atMs - OPENED_MS, moved.event]);
    approval = moved.next;
  }
  return events;
}

describe('warning of a deadline', () => {
  it('OM-123 comes again before the deadline of those who are asked next', () => {
    const approval = anApproval({ policy: { ladder, warnBeforeMs: WARN_MS, remindAfterMs: [10_000] } });

    expect(course(approval)).toEqual([
      [10_000, 'reminded'],
      [DEADLINE_MS, 'escalated'],
      [DEADLINE_MS + RUNG_MS - WARN_MS, 'reminded'],
      [DEADLINE_MS + RUNG_MS, 'expired'],
    ]);
  });

  it('comes again before a deadline that was put off, because nobody could see it for long enough', () => {
    const opened = anApproval({
      policy: { warnBeforeMs: WARN_MS, remindAfterMs: [], minVisibleMs: 50_000 },
    });
    const seenLate = { ...opened, visibleMs: opened.deadlineMs - 10_000 };

    expect(course(seenLate).map(([, event]) => event)).toEqual(['postponed', 'reminded', 'expired']);
  });

  it.each([
    ['there is none', undefined],
    ['the time left is as short', RUNG_MS],
  ])('does not come where %s', (_why, warnBeforeMs) => {
    const policy = { ladder, remindAfterMs: [], ...(warnBeforeMs === undefined ? {} : { warnBeforeMs }) };

    expect(course(anApproval({ policy })).map(([, event]) => event)).toEqual(['escalated', 'expired']);
  });
});
