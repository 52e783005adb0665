/** What happens when time is up, where not everything that a policy names can be done about this request. */
import { describe, expect, it } from 'vitest';
import type { Approval, ApprovalPolicy, ApprovalRequest, Rung } from '../../../src/domain/approval/record.ts';
import { tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { anApproval, aVote, DEADLINE_MS, OPENED_MS } from '../../support/approvals.ts';

const OPTIONS = [
  { id: 'eu', label: 'Europe' },
  { id: 'us', label: 'America' },
];
const EU: Rung = { kind: 'default', text: 'eu' };
const ASK_MORE: Rung = { kind: 'escalate', approvers: { role: 'director' }, forMs: DEADLINE_MS };
const HARMLESS = { risk: 'low', reversible: true } as const;

function asked(policy: Partial<ApprovalPolicy>, request: Partial<ApprovalRequest> = {}): Approval {
  return anApproval({ request, policy: { remindAfterMs: [], ...policy } });
}

function over(approval: Approval): Approval {
  return tick(approval, approval.deadlineMs).moved!.next;
}

describe('the answer of a policy when nobody answers', () => {
  it('OM-123 is kept as that of a person is: the option, in its own words', () => {
    const opened = asked({ options: OPTIONS, ladder: [EU] });
    const person = vote(opened, aVote(opened, { choice: 'answer', text: 'eu' }), OPENED_MS + 1).moved!.next;

    const { state, decision } = over(opened);

    expect(state).toBe('ANSWERED');
    expect(decision).toMatchObject({ choice: 'answer', source: 'timeout', text: 'Europe', option: 'eu' });
    expect([decision?.text, decision?.option]).toEqual([person.decision?.text, person.decision?.option]);
  });

  it('is any words where there are no options', () => {
    expect(over(asked({ ladder: [{ kind: 'default', text: 'go on without' }] })).decision?.text).toBe(
      'go on without',
    );
  });

  it.each<[string, Partial<ApprovalPolicy>]>([
    ['is none of the options', { options: [{ id: 'x', label: 'X' }] }],
    ['would be an answer where none is offered', { choices: ['approve', 'deny'] }],
  ])('is passed over when it %s: the next step is taken, and after the last it expires', (_when, policy) => {
    const next = over(asked({ ...policy, ladder: [EU, ASK_MORE] }));

    expect([next.state, next.rung, next.decision]).toEqual(['OPEN', 2, undefined]);
    expect(over(next)).toMatchObject({ state: 'EXPIRED' });
    expect(over(asked({ ...policy, ladder: [EU] }))).toHaveProperty('state', 'EXPIRED');
  });
});

describe('silence as a yes', () => {
  it('runs nothing that somebody said no to, though that no alone was not enough', () => {
    const approvers = { role: RoleName.parse('manager'), count: 1 };
    const opened = asked({ approvers, denyRule: 'enough', ladder: [{ kind: 'approve' }] }, HARMLESS);
    const others = [aVote(opened).by.person, 'lee'].map((id) => ({
      person: PersonId.parse(id),
      roles: ['manager'],
    }));
    const refused = vote(opened, { ...aVote(opened, { choice: 'deny' }), others }, OPENED_MS + 1).moved!.next;

    expect(refused).toMatchObject({ state: 'OPEN', dissents: [{}] });
    expect(over(refused).state).toBe('EXPIRED');
  });

  it('runs nothing that somebody said no to either once somebody else has changed it, until that is unsaid', () => {
    const approvers = { role: RoleName.parse('manager'), count: 2 };
    const choices: ApprovalPolicy['choices'] = ['approve', 'deny', 'edit', 'take-back'];
    const opened = asked({ approvers, choices, denyRule: 'enough', ladder: [{ kind: 'approve' }] }, HARMLESS);
    const others = [aVote(opened).by.person, 'lee', 'kim'].map((id) => ({
      person: PersonId.parse(id),
      roles: ['manager'],
    }));
    const say = (to: Approval, wish: Parameters<typeof aVote>[1]) =>
      vote(to, { ...aVote(to, wish), others }, OPENED_MS + 1).moved!.next;
    const refused = say(opened, { choice: 'deny' });
    const lee = { by: { ...aVote(opened).by, person: PersonId.parse('lee'), name: 'Lee' }, key: 'lee' };
    const refreshed = say(refused, {
      choice: 'edit',
      edit: { why: 'it has changed', preview: { changes: [] } },
      ...lee,
    });
    const edited = say(refused, { choice: 'edit', edit: { args: { order: 7, amount: 119 } }, ...lee });

    for (const changed of [refreshed, edited]) {
      expect(changed).toMatchObject({ state: 'OPEN', dissents: [] });
      expect(over(changed).state).toBe('EXPIRED');
    }
    expect(over(say(refused, { choice: 'take-back', key: 'unsaid' })).state).toBe('APPROVED');
  });

  it('runs what is harmless, and asks others where it is not, if the policy says so', () => {
    const ladder: Rung[] = [{ kind: 'approve' }, ASK_MORE];

    expect(over(asked({ ladder }, HARMLESS)).state).toBe('APPROVED');
    for (const request of [{ risk: 'medium' }, { reversible: false }] as const) {
      const next = over(asked({ ladder }, { ...HARMLESS, ...request }));
      expect([next.state, next.rung]).toEqual(['OPEN', 2]);
      expect(over(next).state).toBe('EXPIRED');
    }
  });
});
