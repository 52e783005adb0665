import { describe, expect, it } from 'vitest';
import { jointName, policyNamed as policyAt } from '../../../src/approvals/joint-policy.ts';
import { lengthsAt } from '../../../src/approvals/plan.ts';
import { Calendar } from '../../../src/calendar/calendar.ts';
import { type EscalationConfig, EscalationPolicy } from '../../../src/config/escalation.ts';
import { WorkingHours } from '../../../src/config/hours.ts';

const HOUR = 3_600_000;
const SLOW = EscalationPolicy.parse({
  deadline: '24h',
  valid_for: '5m',
  approve_from: ['slack', 'email'],
  refuse_by: 'enough',
  standing_yes: { rules: ['exact'] },
  min_visible: '20m',
  on_timeout: ['approve'],
  escalation: 'duty',
});
const FAST = EscalationPolicy.parse({
  deadline: '30m',
  remind_after: ['10m'],
  approve_from: ['slack', 'web'],
  hard_deadline: '1h',
  pause_for_questions: '1h',
  on_timeout: ['approve'],
});
const POLICIES = { default: SLOW, fast: FAST, 'a + b': FAST };

const OFFICE = WorkingHours.parse({
  time_zone: 'Europe/Berlin',
  days: { every_day: '09:00-17:00', sat: [], sun: [] },
});
const calendar = new Calendar({ hours: new Map([['office', OFFICE]]) });

/** On a Monday morning, unless it is said otherwise. */
function policyNamed(
  policies: EscalationConfig['policies'],
  name: string,
  nowMs = Date.parse('2026-06-01T10:00+02:00'),
) {
  return policyAt(policies, name, lengthsAt(nowMs, { calendar }));
}

describe('the policy of several calls', () => {
  it('is in everything the strictest of theirs', () => {
    expect(policyNamed(POLICIES, jointName(['fast', 'default']))).toEqual({
      ...FAST,
      valid_for: SLOW.valid_for,
      approve_from: ['slack'],
      refuse_by: 'one',
      standing_yes: undefined,
      min_visible: SLOW.min_visible,
      on_timeout: [],
      escalation: 'duty',
    });
  });

  it('is the same in whatever order they come', () => {
    expect(jointName(['fast', 'default', 'fast'])).toBe(jointName(['default', 'fast']));
    expect(policyNamed(POLICIES, 'fast + default')).toEqual(policyNamed(POLICIES, 'default + fast'));
  });

  it('is that of one of them as it is, where there is but one', () => {
    expect(policyNamed(POLICIES, jointName(['fast', 'fast']))).toBe(FAST);
    expect(policyNamed(POLICIES, 'a + b')).toBe(FAST);
  });

  it.each(['gone', 'gone + fast', 'toString'])(
    'is the strictest of all for one that is not there: %s',
    (name) => {
      expect(policyNamed(POLICIES, name)).toEqual(policyNamed(POLICIES, 'fast + default'));
    },
  );

  it('lets nothing happen by itself for one that is not there, though all others do', () => {
    const policies = { default: SLOW };

    expect(policyNamed(policies, 'gone')).toMatchObject({ on_timeout: [], refuse_by: 'one' });
    expect(policyNamed(policies, 'gone').standing_yes).toBeUndefined();
  });

  it('ends with whichever of theirs is over first then, be it counted by the wall or by hours somebody works', () => {
    const policies = {
      default: EscalationPolicy.parse({ deadline: '1h', clock: { working: 'office' } }),
      urgent: EscalationPolicy.parse({ deadline: '2h', hard_deadline: '90m' }),
    };
    const midday = Date.parse('2026-06-05T12:00+02:00');
    const evening = Date.parse('2026-06-05T20:00+02:00');

    expect(policyNamed(policies, 'default + urgent', midday)).toMatchObject({
      ...policies.default,
      hard_deadline: 2 * HOUR,
    });
    expect(policyNamed(policies, 'default + urgent', evening)).toMatchObject({
      deadline: 2 * HOUR,
      clock: 'wall',
      hard_deadline: 2 * HOUR,
    });
  });
});
