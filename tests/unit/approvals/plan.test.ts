/** Until when an approval waits, and when it reminds, by the hours it is counted by. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askHumans, later, type Times } from '../../../src/approvals/plan.ts';
import { endText, standing } from '../../../src/approvals/sentences.ts';
import { Calendar, type NamedHours } from '../../../src/calendar/calendar.ts';
import { toPeople } from '../../../src/config/contacts.ts';
import { EscalationPolicy } from '../../../src/config/escalation.ts';
import { WorkingHours } from '../../../src/config/hours.ts';
import { anApproval } from '../../support/approvals.ts';
import { days } from '../../support/calendars.ts';
import { runs } from '../../support/property-runs.ts';
import { parse } from '../config/config-texts.ts';

const HOUR = 3_600_000;
const DANA = toPeople(parse().contacts)[1]!;
const { id, conversationId, origin, request } = anApproval();

function hoursOf(written: object): NamedHours {
  const hours = new Map([['office', WorkingHours.parse(written)]]);
  return new Calendar({ hours }).hoursNamed('office')!;
}

const OFFICE = hoursOf({ time_zone: 'Europe/Berlin', days: { every_day: '09:00-17:00', sat: [], sun: [] } });

function asked(nowMs: number, policy: object, times: Partial<Times> = {}, rest: { exception?: true } = {}) {
  return askHumans(
    { id, conversationId, origin, request, rule: 'refunds', nowMs },
    {
      approvers: { role: 'manager' },
      policyName: 'default',
      policy: EscalationPolicy.parse(policy),
      eligible: [{ person: DANA, place: undefined }],
      mayBeOthers: false,
      originCannotEdit: false,
      times: {
        hours: undefined,
        voters: [{ person: DANA.id, roles: DANA.roles }],
        lookAgainMs: undefined,
        ...times,
      },
      ...rest,
    },
  );
}

describe('what a rule denies, and others may let through', () => {
  const policy = {
    deadline: '1h',
    on_timeout: ['approve'],
    standing_yes: { rules: ['exact'] },
  };

  it('OM-184 is let through by somebody each time, never by silence and never for good', () => {
    const usual = asked(0, policy).policy;
    const exceptional = asked(0, policy, {}, { exception: true }).policy;

    expect(usual).toMatchObject({ ladder: [{ kind: 'approve' }], standingYes: { rules: ['exact'] } });
    expect(exceptional.exception).toBe(true);
    expect(exceptional.ladder).toBeUndefined();
    expect(exceptional.standingYes).toBeUndefined();
  });
});

const local = (text: string) => Date.parse(`${text}+02:00`);

describe('a deadline by working hours', () => {
  const FRIDAY = local('2026-06-05T16:00');

  it('OM-123 passes over the weekend, reminders and warning with it, and is read on the clock of the hours', () => {
    const policy = { deadline: '4h', remind_after: ['30m', '2h'], warn_before: '30m' };

    const approval = asked(FRIDAY, policy, { hours: OFFICE });

    expect(approval.deadlineMs).toBe(local('2026-06-08T12:00'));
    expect(approval.policy.remindAfterMs.map((ms) => FRIDAY + ms)).toEqual([
      local('2026-06-05T16:30'),
      local('2026-06-08T10:00'),
    ]);
    expect(approval.warnMs).toBe(local('2026-06-08T11:30'));
    expect(endText(approval)).toBe('8 Jun 2026, 12:00 (Europe/Berlin)');
    expect(standing(approval)).toContain('until 8 Jun 2026, 12:00 (Europe/Berlin).');
    expect(endText(asked(FRIDAY, policy))).toBe('5 Jun 2026, 18:00 UTC');
  });

  it('is not cut short by a hard deadline of days on which nobody worked', () => {
    const approval = asked(FRIDAY, { deadline: '9h', hard_deadline: '1d' }, { hours: OFFICE });

    expect(approval.deadlineMs).toBe(local('2026-06-09T09:00'));
    expect(approval.policy.hardDeadlineMs).toBe(approval.deadlineMs - FRIDAY);
  });

  it('is exactly as much open time away as was said, for whatever hours; reminders come before it, in order', () => {
    fc.assert(
      fc.property(
        days,
        fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC'),
        fc.integer({ min: Date.UTC(2025, 0), max: Date.UTC(2027, 0) }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }),
        (week, zone, nowMs, deadline, reminders) => {
          const hours = hoursOf({ time_zone: zone, days: week });
          const before = [...new Set(reminders)].filter((each) => each < deadline).sort((a, b) => a - b);
          const policy = { deadline: `${deadline}h`, remind_after: before.map((each) => `${each}h`) };

          const approval = asked(nowMs, policy, { hours });

          expect(hours.hours.elapsed(nowMs, approval.deadlineMs)).toBe(deadline * HOUR);
          const { remindAfterMs } = approval.policy;
          expect(remindAfterMs).toEqual([...new Set(remindAfterMs)].toSorted((a, b) => a - b));
          for (const afterMs of remindAfterMs) expect(nowMs + afterMs).toBeLessThan(approval.deadlineMs);
        },
      ),
      { numRuns: runs(200) },
    );
  });

  it('by hours that never come again is one by the clock on the wall', () => {
    const never = {
      name: 'never',
      zone: 'UTC',
      hours: new Calendar({}).hours({ time_zone: 'UTC', days: [] }),
    };

    expect(later(never, FRIDAY, HOUR)).toBe(FRIDAY + HOUR);
    expect(later(undefined, FRIDAY, HOUR)).toBe(FRIDAY + HOUR);
  });
});

describe('whether it can be approved at all', () => {
  it('depends on everybody whose word could count before it ends, not on those who are asked now', () => {
    expect(asked(0, { deadline: '1h' }).state).toBe('OPEN');
    expect(asked(0, { deadline: '1h' }, { voters: [] }).state).toBe('DENIED');
  });
});
