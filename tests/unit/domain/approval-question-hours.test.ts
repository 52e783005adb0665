/** What a question does to a deadline that is counted in working hours: what was left of it stays left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elapsed, later } from '../../../src/approvals/plan.ts';
import { Calendar, type NamedHours } from '../../../src/calendar/calendar.ts';
import { WorkingHours } from '../../../src/config/hours.ts';
import { type Approval, endOfPause, type Step } from '../../../src/domain/approval/record.ts';
import { ask, reply } from '../../../src/domain/approval/talk.ts';
import { type Circumstances, dueOf, NO_CIRCUMSTANCES, tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { ALEX, anApproval, aVote, SLACK } from '../../support/approvals.ts';
import { days } from '../../support/calendars.ts';
import { runs, timeFor } from '../../support/property-runs.ts';

const HOUR = 3_600_000;
const PAUSE = 4 * HOUR;
/** A Friday. */
const FRIDAY = Date.parse('2026-06-05T00:00:00Z');
const MONDAY = FRIDAY + 3 * 24 * HOUR;

const OFFICE = hoursOf({ time_zone: 'UTC', days: { every_day: '09:00-17:00', sat: [], sun: [] } });

function hoursOf(written: object): NamedHours {
  const hours = new Map([['office', WorkingHours.parse(written)]]);
  return new Calendar({ hours }).hoursNamed('office')!;
}

function by(hours: NamedHours): Circumstances {
  return {
    ...NO_CIRCUMSTANCES,
    later: (_, fromMs, lengthMs) => later(hours, fromMs, lengthMs),
    elapsed: (_, fromMs, untilMs) => elapsed(hours, fromMs, untilMs),
  };
}

/** Asked at noon that Friday, with eight hours that count: until Monday noon. */
function waiting(openedMs = FRIDAY + 12 * HOUR, hours = OFFICE): Approval {
  return anApproval({
    openedMs,
    deadlineMs: later(hours, openedMs, 8 * HOUR),
    policy: {
      choices: ['approve', 'deny', 'ask'],
      remindAfterMs: [],
      pauseMs: PAUSE,
      hours: { name: hours.name, zone: hours.zone },
    },
  });
}

function asked(approval: Approval, atMs: number, hours = OFFICE): Approval {
  const { choice: _, ...question } = aVote(approval, { text: 'which order?', key: `question:${atMs}` });
  return moved(ask(approval, question, atMs, by(hours)));
}

function replied(approval: Approval, atMs: number, hours = OFFICE): Approval {
  const answer = { key: `reply:${atMs}`, by: { person: ALEX, name: 'Alex' }, via: SLACK, text: '7' };
  return moved(reply(approval, { ...answer, operates: false }, atMs, by(hours)));
}

function moved({ moved }: Step<unknown>): Approval {
  if (!moved) throw new Error('nothing has changed');
  return moved.next;
}

describe('a question about what is counted in working hours', () => {
  it('puts the deadline off by the hours that passed, not by the night or the weekend', () => {
    const before = waiting();
    const open = asked(before, FRIDAY + 16 * HOUR);
    const after = replied(open, MONDAY + 10 * HOUR);

    expect(before.deadlineMs).toBe(MONDAY + 12 * HOUR);
    expect(after).toMatchObject({ state: 'OPEN', deadlineMs: MONDAY + 14 * HOUR, heldUpMs: 2 * HOUR });
    expect([after.pausedMs, after.pauseEnds]).toEqual([undefined, undefined]);
  });

  it('that is answered out of hours has taken nothing and adds nothing', () => {
    const open = asked(waiting(), FRIDAY + 20 * HOUR);

    expect(replied(open, FRIDAY + 30 * HOUR).deadlineMs).toBe(MONDAY + 12 * HOUR);
  });

  it('holds it up for as many of those hours as the policy says, and no longer', () => {
    const open = asked(waiting(), FRIDAY + 16 * HOUR);
    const endMs = MONDAY + 12 * HOUR;
    expect([dueOf(open), endOfPause(open)]).toEqual([endMs, endMs]);
    expect(tick(open, endMs - 1, by(OFFICE)).moved).toBeUndefined();

    const late = moved(tick(open, endMs, by(OFFICE)));

    expect(late).toMatchObject({ state: 'NEEDS_INFO', deadlineMs: MONDAY + 16 * HOUR, heldUpMs: PAUSE });
    expect([late.pausedMs, late.pauseEnds]).toEqual([undefined, undefined]);
    const again = asked(replied(late, endMs + 1), endMs + 2);
    expect(again.pausedMs).toBeUndefined();
  });

  it('leaves an answer in time for as long as it is by those hours', () => {
    const open = asked(waiting(), FRIDAY + 16 * HOUR);
    const no = aVote(open, { choice: 'deny' });
    const at = (ms: number) => vote(open, no, ms, by(OFFICE));

    // The weekend is longer than what the question may hold it up on the wall.
    expect(at(MONDAY + 15 * HOUR).result.code).toBe('DECIDED');
    expect(at(MONDAY + 15 * HOUR).window).toEqual({ beforeMs: MONDAY + 16 * HOUR });
    expect(at(MONDAY + 16 * HOUR).result.code).toBe('LATE');
    expect(moved(at(MONDAY + 15 * HOUR)).pauseEnds).toBeUndefined();
  });

  it('E7 leaves as much of the deadline as there was, whatever the hours, unless it is open too long', {
    timeout: timeFor(60_000),
  }, () => {
    const someTime = fc.integer({ min: 0, max: 10 * 24 * HOUR });
    fc.assert(
      fc.property(days, someTime, someTime, someTime, (written, opened, first, second) => {
        const hours = hoursOf({ time_zone: 'Europe/Berlin', days: written });
        const approval = waiting(FRIDAY + opened, hours);
        const askedMs = approval.openedMs + first;
        fc.pre(askedMs < approval.deadlineMs);
        const repliedMs = askedMs + second;
        fc.pre(elapsed(hours, askedMs, repliedMs) <= PAUSE);

        const after = replied(asked(approval, askedMs, hours), repliedMs, hours);

        expect(elapsed(hours, repliedMs, after.deadlineMs)).toBe(
          elapsed(hours, askedMs, approval.deadlineMs),
        );
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('a question about what is counted on the wall', () => {
  it('puts the deadline off by as long as it was open', () => {
    const { hours: _, ...policy } = waiting().policy;
    const open = asked({ ...waiting(), policy }, FRIDAY + 16 * HOUR);

    expect(open.pauseEnds).toBeUndefined();
    expect(replied(open, FRIDAY + 18 * HOUR).deadlineMs).toBe(MONDAY + 14 * HOUR);
  });
});
