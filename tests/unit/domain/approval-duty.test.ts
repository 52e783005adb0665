/** Approvals of whoever is on call: who may answer when, and who is asked when that changes. */
import { describe, expect, it } from 'vitest';
import { noteCopy } from '../../../src/domain/approval/copies.ts';
import { delegate } from '../../../src/domain/approval/delegation.ts';
import type { Approval, CardCopy } from '../../../src/domain/approval/record.ts';
import { ask } from '../../../src/domain/approval/talk.ts';
import {
  type Circumstances,
  dueOf,
  heedPeople,
  NO_CIRCUMSTANCES,
  tick,
} from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
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

  it('at the deadline the deadline counts', () => {
    const late = ofDuty({ copies: [dana] }, OPENED_MS + 70_000);
    expect(dueOf({ ...late, reminded: 9 })).toBe(late.deadlineMs);
    expect(tick(late, late.deadlineMs, handover).result).not.toBe('asked');
  });

  it('OM-120 while a question is open whoever is on call then is asked as well, and it stays open', () => {
    const open = ofDuty(
      { copies: [dana], policy: { remindAfterMs: [], choices: ['ask'] } },
      OPENED_MS + SHIFT_MS,
    );
    const question = aVote(open, { roles: [], onCall: ['primary'], text: 'which parcel?', key: 'q' });
    const asked = ask(open, question, OPENED_MS + 1).moved!.next;
    expect(dueOf(asked)).toBe(OPENED_MS + SHIFT_MS);

    const { result, moved } = tick(asked, OPENED_MS + SHIFT_MS, handover);

    expect(result).toBe('asked');
    expect(moved?.next).toMatchObject({ state: 'NEEDS_INFO', face: asked.face });
    expect(moved?.next.copies).toEqual([{ ...dana, resting: true }, copyOf(LEE)]);
    expect(dueOf(moved!.next)).toBe(asked.deadlineMs);
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

describe('when somebody is given a role, or loses it', () => {
  const dana = copyOf(PersonId.parse('dana'));
  const manager = { role: RoleName.parse('manager') };
  const to = (...people: PersonId[]): Circumstances => ({
    ...NO_CIRCUMSTANCES,
    copiesFor: () => people.map(copyOf),
  });
  const many = (count: number) => Array.from({ length: count }, (_, n) => PersonId.parse(`person-${n}`));

  it('OM-120 whoever holds it now is asked, by the next reminder at the latest; whoever lost it rests', () => {
    const approval = anApproval({ copies: [dana], policy: { approvers: manager } });
    const after = [{ ...dana, resting: true }, copyOf(LEE)];

    expect(heedPeople(approval, OPENED_MS + 1, to(LEE)).moved?.next.copies).toEqual(after);
    expect(tick(approval, OPENED_MS + 10_000, to(LEE)).moved?.next.copies).toEqual(after);
  });

  it('OM-123 it does not expire before whoever may answer now had it in front of them, whoever had it before', () => {
    const policy = { approvers: manager, remindAfterMs: [], minVisibleMs: 5_000 };
    const seen = { ...anApproval({ copies: [{ ...dana, ref: 'm1' }], policy }), visibleMs: OPENED_MS };
    const lateMs = seen.deadlineMs - 1;

    const replaced = heedPeople(seen, lateMs, to(LEE)).moved!.next;
    const joined = heedPeople(seen, lateMs, to(dana.person!, LEE)).moved!.next;
    const sent = noteCopy(replaced, LEE, { ref: 'm2', shown: replaced.face }, lateMs + 1).moved!.next;

    expect(replaced.visibleMs).toBeUndefined();
    expect(sent.visibleMs).toBe(lateMs + 1);
    expect(tick(sent, sent.deadlineMs, to(LEE))).toMatchObject({
      result: 'postponed',
      moved: { next: { deadlineMs: lateMs + 1 + 5_000 } },
    });
    expect(tick(joined, joined.deadlineMs, to(dana.person!, LEE)).result).toBe('expired');
  });

  it('OM-120 OM-124 they are asked while a question is open, too', () => {
    const open = anApproval({ copies: [dana], policy: { approvers: manager, choices: ['ask'] } });
    const asked = ask(open, aVote(open, { text: 'which parcel?', key: 'q' }), OPENED_MS + 1).moved!.next;

    const { moved } = heedPeople(asked, OPENED_MS + 2, to(LEE));

    expect(moved?.next).toMatchObject({ state: 'NEEDS_INFO', talk: [{ kind: 'question' }] });
    expect(moved?.next.copies.map(({ person }) => person)).toEqual(['dana', LEE]);
    expect(heedPeople(moved!.next, OPENED_MS + 3, to(LEE)).result).toBe('nothing');
  });

  it('nobody more is asked where as many are asked as there would have been from the beginning', () => {
    const [asked, more] = [many(20), PersonId.parse('one-more')];
    const approval = anApproval({ copies: asked.map(copyOf), policy: { approvers: manager } });

    expect(heedPeople(approval, OPENED_MS + 1, to(...asked, more)).result).toBe('nothing');
    const fewer = heedPeople(approval, OPENED_MS + 1, to(...asked.slice(1), more)).moved?.next.copies;
    expect(fewer?.filter(({ resting }) => !resting).map(({ person }) => person)).toEqual([
      ...asked.slice(1),
      more,
    ]);
  });

  it('nobody more is named one by one where so many are named on one card that not all were', () => {
    const [named, more] = [many(10), PersonId.parse('one-more')];
    const forAll: CardCopy = { id: 'conversation', to: anAddress('slack'), named };
    const approval = anApproval({ copies: [forAll], policy: { approvers: manager } });

    expect(heedPeople(approval, OPENED_MS + 1, to(...named, more)).result).toBe('nothing');
    expect(heedPeople(approval, OPENED_MS + 1, to(...named.slice(1), more)).moved?.next.copies).toEqual([
      forAll,
      copyOf(more),
    ]);
  });
});
