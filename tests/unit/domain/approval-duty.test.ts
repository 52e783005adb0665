/** Approvals of whoever is on call: who may answer when, and who is asked when that changes. */
import { describe, expect, it } from 'vitest';
import { delegate } from '../../../src/domain/approval/delegation.ts';
import type { Approval, CardCopy } from '../../../src/domain/approval/record.ts';
import { type Circumstances, dueOf, NO_CIRCUMSTANCES, tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { type Approvers, isApprover, isQuorum, type Voter } from '../../../src/domain/quorum.ts';
import { anAddress, anApproval, aVote, OPENED_MS } from '../../support/approvals.ts';

const PRIMARY: Approvers = { onCall: 'primary' };
const LEE = PersonId.parse('lee');
const SHIFT_MS = 20_000;

function ofDuty(wish: Parameters<typeof anApproval>[0] = {}, lookAgainMs?: number): Approval {
  const approval = anApproval({ ...wish, policy: { approvers: PRIMARY, ...wish.policy } });
  return lookAgainMs === undefined ? approval : { ...approval, lookAgainMs };
}

function copyOf(person: PersonId): CardCopy {
  return { id: person, to: anAddress('slack'), person };
}

/** From the shift on it is Lee who is asked; nobody else comes after that. */
const handover: Circumstances = {
  outages: [],
  copiesFor: (_approval, _approvers, nowMs) =>
    nowMs < OPENED_MS + SHIFT_MS ? [copyOf(PersonId.parse('dana'))] : [copyOf(LEE)],
  nextChange: (_approval, nowMs) => (nowMs < OPENED_MS + SHIFT_MS ? OPENED_MS + SHIFT_MS : undefined),
};

describe('a quorum of whoever is on call', () => {
  const on = (person: string, ...onCall: string[]): Voter => ({
    person: PersonId.parse(person),
    roles: [],
    onCall,
  });

  it('counts those who are, each once, by the schedules that name them', () => {
    const two: Approvers = { atLeast: 2, of: [PRIMARY, { onCall: 'database' }] };

    expect(isApprover(PRIMARY, on('dana', 'primary'))).toBe(true);
    expect(isApprover(PRIMARY, on('dana', 'database'))).toBe(false);
    expect(isApprover(PRIMARY, { person: PersonId.parse('dana'), roles: ['primary'] })).toBe(false);
    expect(isQuorum(two, [on('dana', 'primary', 'database')])).toBe(false);
    expect(isQuorum(two, [on('dana', 'primary', 'database'), on('lee', 'primary')])).toBe(true);
  });

  it('counts whoever stands in for one of them', () => {
    expect(isQuorum(PRIMARY, [{ ...on('sam'), standsFor: [on('dana', 'primary')] }])).toBe(true);
  });
});

describe('a yes of whoever is on call', () => {
  it('decides, if they are when they say it', () => {
    const approval = ofDuty();

    const now = vote(approval, aVote(approval, { roles: [], onCall: ['primary'] }), OPENED_MS + 1);
    const before = vote(approval, aVote(approval, { roles: ['manager'] }), OPENED_MS + 1);

    expect(now.result.code).toBe('DECIDED');
    expect(before.result.code).toBe('NOT_ELIGIBLE');
  });

  it('stays said when their shift is over, and is kept with the schedule that named them', () => {
    const both: Approvers = { atLeast: 2, of: [PRIMARY, { role: 'manager' }] };
    const approval = ofDuty({ policy: { approvers: both } });

    const first = vote(
      approval,
      aVote(approval, { person: 'lee', roles: [], onCall: ['primary'], key: 'k1' }),
      OPENED_MS + 1,
    ).moved!.next;
    expect(first.assents).toMatchObject([{ by: { person: 'lee' }, roles: [], onCall: ['primary'] }]);

    const second = vote(first, aVote(first, { roles: ['manager'], key: 'k2' }), OPENED_MS + SHIFT_MS);
    expect(second.result.code).toBe('DECIDED');
  });
});

describe('when the shift changes', () => {
  const dana = copyOf(PersonId.parse('dana'));

  it('whoever is on call then is asked at that moment; whoever was rests', () => {
    const approval = ofDuty({ copies: [dana], policy: { remindAfterMs: [] } }, OPENED_MS + SHIFT_MS);
    expect(dueOf(approval)).toBe(OPENED_MS + SHIFT_MS);
    expect(tick(approval, OPENED_MS + SHIFT_MS - 1, handover).moved).toBeUndefined();

    const { result, moved } = tick(approval, OPENED_MS + SHIFT_MS, handover);

    expect(result).toBe('asked');
    expect(moved).toMatchObject({ event: 'rerouted', next: { state: 'OPEN', face: approval.face } });
    expect(moved?.next.copies).toEqual([{ ...dana, resting: true }, copyOf(LEE)]);
    expect(moved?.next.lookAgainMs).toBeUndefined();
    expect(dueOf(moved!.next)).toBe(approval.deadlineMs);
  });

  it('a reminder looks as well, and wakes those who are back', () => {
    const resting: CardCopy = { ...dana, resting: true };
    const approval = ofDuty({ copies: [resting], policy: { remindAfterMs: [10_000] } }, OPENED_MS + 5_000);

    const { result, moved } = tick(approval, OPENED_MS + 10_000, handover);

    expect(result).toBe('reminded');
    expect(moved?.next.copies).toEqual([dana]);
    expect(moved?.next.lookAgainMs).toBe(OPENED_MS + SHIFT_MS);
  });

  it('at the deadline the deadline counts, and an approval of roles is as it was', () => {
    const late = ofDuty({ copies: [dana] }, OPENED_MS + 70_000);
    expect(dueOf({ ...late, reminded: 9 })).toBe(late.deadlineMs);
    expect(tick(late, late.deadlineMs, handover).result).not.toBe('asked');

    const ofRole = anApproval({ copies: [dana] });
    const further: Circumstances = { ...NO_CIRCUMSTANCES, copiesFor: () => [copyOf(LEE)] };
    expect(tick(ofRole, OPENED_MS + 10_000, further).moved?.next.copies).toEqual([dana]);
  });

  it('whoever has somebody’s word for this request does not rest', () => {
    const approval: Approval = {
      ...ofDuty({ copies: [copyOf(PersonId.parse('sam'))] }, OPENED_MS + SHIFT_MS),
      reminded: 9,
      delegations: [
        {
          from: PersonId.parse('dana'),
          to: PersonId.parse('sam'),
          by: PersonId.parse('dana'),
          atMs: OPENED_MS,
        },
      ],
    };

    const { moved } = tick(approval, OPENED_MS + SHIFT_MS, handover);

    expect(moved?.next.copies).toEqual([copyOf(PersonId.parse('sam')), copyOf(LEE)]);
  });

  it('a rung that leads to nobody who can be asked says so, unless nobody can tell', () => {
    const ladder = [{ kind: 'escalate' as const, approvers: PRIMARY, forMs: 1_000 }];
    const approval = anApproval({ copies: [dana], policy: { remindAfterMs: [], ladder } });
    const by = (copiesFor: Circumstances['copiesFor']) =>
      tick(approval, approval.deadlineMs, { ...NO_CIRCUMSTANCES, copiesFor });

    expect(by(() => [])).toMatchObject({
      result: 'unasked',
      moved: { event: 'escalated', unasked: PRIMARY },
    });
    for (const step of [by(() => [dana]), by(() => [copyOf(LEE)]), by(() => undefined)]) {
      expect(step).toMatchObject({ result: 'escalated', moved: { event: 'escalated' } });
      expect(step.moved).not.toHaveProperty('unasked');
    }
  });

  it('somebody who was let decide where nobody could tell how they are reached is asked at the next look', () => {
    const [DANA, SAM] = [PersonId.parse('dana'), PersonId.parse('sam')];
    const approval = anApproval({ copies: [dana], policy: { remindAfterMs: [] } });
    const { moved } = delegate(
      approval,
      {
        from: { person: DANA, roles: ['manager'] },
        to: { person: SAM },
        by: { person: DANA },
        operates: false,
        copies: undefined,
      },
      OPENED_MS + 5,
    );
    expect(moved?.next.copies).toEqual([dana]);
    expect(dueOf(moved!.next)).toBe(OPENED_MS + 5);

    const asked = tick(moved!.next, OPENED_MS + 5, {
      ...NO_CIRCUMSTANCES,
      copiesFor: () => [dana],
      copyOf: (_approval, person) => copyOf(person),
    });

    expect(asked).toMatchObject({ result: 'asked', moved: { event: 'rerouted' } });
    expect(asked.moved?.next.copies).toEqual([dana, copyOf(SAM)]);
    expect(dueOf(asked.moved!.next)).toBe(approval.deadlineMs);
  });

  it('where nobody can tell who is there, nobody comes to rest', () => {
    const approval = { ...ofDuty({ copies: [dana] }, OPENED_MS + 10), reminded: 9 };

    expect(tick(approval, OPENED_MS + 10).moved?.next.copies).toEqual([dana]);
  });

  it('a rung of the ladder asks who is there then, for as long as its hours say', () => {
    const ladder = [{ kind: 'escalate' as const, approvers: PRIMARY, forMs: 1_000 }];
    const approval = anApproval({ copies: [dana], policy: { remindAfterMs: [], ladder } });
    const by: Circumstances = { ...handover, later: (_approval, fromMs, lengthMs) => fromMs + 60 * lengthMs };

    const { result, moved } = tick(approval, approval.deadlineMs, by);

    expect(result).toBe('escalated');
    expect(moved?.next.deadlineMs).toBe(approval.deadlineMs + 60_000);
    expect(moved?.next.copies.map(({ person }) => person)).toEqual(['dana', 'lee']);
  });
});
