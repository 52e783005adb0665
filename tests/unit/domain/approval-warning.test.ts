/** Those who are asked are warned before a deadline, the first and every further one. */
import { describe, expect, it } from 'vitest';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { ask, reply } from '../../../src/domain/approval/talk.ts';
import { dueOf, NO_CIRCUMSTANCES, tick } from '../../../src/domain/approval/time.ts';
import { ALEX, anApproval, aVote, DEADLINE_MS, OPENED_MS, SLACK } from '../../support/approvals.ts';

const RUNG_MS = 3_600_000;
const WARN_MS = 10_000;
const ladder = [{ kind: 'escalate' as const, approvers: { role: 'director' }, forMs: RUNG_MS }];

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Of a day, with a warning ten minutes before its end; somebody asks after `askedMs`, and is told after `toldMs`. */
function withQuestion(wish: {
  readonly askedMs: number;
  readonly toldMs: number;
  readonly hardDeadlineMs?: number;
}): Approval {
  const { askedMs, toldMs, hardDeadlineMs } = wish;
  const opened = {
    ...anApproval({
      deadlineMs: OPENED_MS + 24 * HOUR,
      policy: {
        choices: ['approve', 'deny', 'ask'],
        remindAfterMs: [6 * HOUR],
        warnBeforeMs: 10 * MINUTE,
        pauseMs: 4 * HOUR,
        ...(hardDeadlineMs === undefined ? {} : { hardDeadlineMs }),
      },
    }),
    warnMs: OPENED_MS + 24 * HOUR - 10 * MINUTE,
  };
  const { choice: _, ...question } = aVote(opened, { text: 'which one?', key: 'question' });
  let waiting = ask(opened, question, OPENED_MS + askedMs).moved!.next;
  for (let dueMs = dueOf(waiting)!; dueMs <= OPENED_MS + toldMs; dueMs = dueOf(waiting)!) {
    waiting = tick(waiting, dueMs).moved!.next;
  }
  const words = { key: 'reply', by: { person: ALEX, name: 'Alex' }, via: SLACK, text: '7', operates: false };
  return reply(waiting, words, OPENED_MS + toldMs).moved!.next;
}

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

  it('OM-123 moves with the deadline that a question has put off, and reminders stay where they are', () => {
    const replied = withQuestion({ askedMs: HOUR, toldMs: 4 * HOUR });

    expect(course(replied)).toEqual([
      [6 * HOUR, 'reminded'],
      [27 * HOUR - 10 * MINUTE, 'reminded'],
      [27 * HOUR, 'expired'],
    ]);
  });

  it('moves also when the question has held the deadline up for as long as it may', () => {
    const replied = withQuestion({ askedMs: HOUR, toldMs: 7 * HOUR });

    expect(course({ ...replied, reminded: 1 })).toEqual([
      [28 * HOUR - 10 * MINUTE, 'reminded'],
      [28 * HOUR, 'expired'],
    ]);
  });

  it('comes at once when a question took the time in which it would have come', () => {
    const wish = { askedMs: 22 * HOUR, toldMs: 24 * HOUR, hardDeadlineMs: 24 * HOUR + 5 * MINUTE };
    const replied = { ...withQuestion(wish), reminded: 1 };

    expect(course(replied)).toEqual([
      [24 * HOUR - 10 * MINUTE, 'reminded'],
      [24 * HOUR + 5 * MINUTE, 'expired'],
    ]);
  });

  it.each([
    ['there is none', undefined],
    ['the time left is as short', RUNG_MS],
  ])('does not come where %s', (_why, warnBeforeMs) => {
    const policy = { ladder, remindAfterMs: [], ...(warnBeforeMs === undefined ? {} : { warnBeforeMs }) };

    expect(course(anApproval({ policy })).map(([, event]) => event)).toEqual(['escalated', 'expired']);
  });
});
