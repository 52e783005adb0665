/** What people are told of the deadline is what the deadline brings. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Approval, isWaiting, type Rung } from '../../../src/domain/approval/record.ts';
import { type Silence, whatSilenceDoes } from '../../../src/domain/approval/silence.ts';
import { ask } from '../../../src/domain/approval/talk.ts';
import { dueOf, tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { anApproval, aVote, DEADLINE_MS, OPENED_MS } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

/** What really comes of it, when nobody says anything any more. */
function whatComes(opened: Approval): Silence['kind'][] {
  const kinds: Silence['kind'][] = [];
  for (let approval = opened; ; ) {
    const dueMs = dueOf(approval);
    const { moved } = dueMs === undefined ? {} : tick(approval, dueMs);
    if (!moved) return kinds;
    kinds.push(...kindOf(moved.next, moved.event));
    if (moved.next.state !== 'OPEN' && moved.next.state !== 'NEEDS_INFO') return kinds;
    approval = moved.next;
  }
}

function kindOf({ state, decision }: Approval, event: string): Silence['kind'][] {
  if (event === 'escalated') return ['asks'];
  switch (state) {
    case 'EXPIRED':
      return ['expires'];
    case 'ANSWERED':
      return ['answers'];
    case 'APPROVED':
      return [decision?.source === 'timeout' ? 'runs' : 'agrees'];
    default:
      return [];
  }
}

const LEE = PersonId.parse('lee');

const role = fc.constantFrom('manager', 'director').map((name) => RoleName.parse(name));
const rung: fc.Arbitrary<Rung> = fc.oneof(
  fc.record({
    kind: fc.constant('escalate' as const),
    approvers: fc.record({ role, count: fc.constantFrom(1, 2) }),
    forMs: fc.constantFrom(10_000, 200_000),
  }),
  fc.record({ kind: fc.constant('default' as const), text: fc.constantFrom('eu', 'later') }),
  fc.record({ kind: fc.constant('approve' as const) }),
);

const approval = fc
  .record({
    ladder: fc.array(rung, { maxLength: 4 }),
    risk: fc.constantFrom('low', 'high'),
    reversible: fc.boolean(),
    options: fc.boolean(),
    answers: fc.boolean(),
    hard: fc.option(fc.constantFrom(DEADLINE_MS, 100_000), { nil: undefined }),
    said: fc.subarray(['yes', 'question', 'yes of whoever asked'] as const),
    pauses: fc.boolean(),
  })
  .map(({ ladder, risk, reversible, options, answers, hard, said, pauses }) => {
    const opened = anApproval({
      request: { risk, reversible },
      policy: {
        approvers: { role: RoleName.parse('manager'), count: 2 },
        choices: ['approve', 'deny', 'ask', ...(answers ? (['answer'] as const) : [])],
        ladder,
        ...(hard === undefined ? {} : { hardDeadlineMs: hard }),
        ...(pauses ? { pauseMs: 30_000 } : {}),
        ...(options
          ? {
              options: [
                { id: 'eu', label: 'Europe' },
                { id: 'us', label: 'America' },
              ],
            }
          : {}),
      },
    });
    const roles = ['manager', 'director'];
    const { choice: _, ...question } = aVote(opened, { text: 'which?', roles, key: 'q' });
    const yes = aVote(opened, { roles });
    return said.reduce((now, what, n) => {
      const atMs = OPENED_MS + 1 + n;
      switch (what) {
        case 'yes':
          return vote(now, { ...yes, by: { ...yes.by, person: LEE, name: 'Lee' } }, atMs).moved?.next ?? now;
        case 'question':
          return ask(now, question, atMs).moved?.next ?? now;
        case 'yes of whoever asked':
          return vote(now, { ...yes, key: 'own' }, atMs).moved?.next ?? now;
        default:
          return what satisfies never;
      }
    }, opened);
  })
  .filter(({ state }) => isWaiting(state));

describe('what silence does', () => {
  it('is what comes of it, whatever the policy, the call and what was said before', () => {
    fc.assert(
      fc.property(approval, (opened) => {
        expect(whatSilenceDoes(opened).map(({ kind }) => kind)).toEqual(whatComes(opened));
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('is a yes only to what is of low risk and can be undone', () => {
    const policy = { ladder: [{ kind: 'approve' as const }] };
    const kinds = (request: object) =>
      whatSilenceDoes(anApproval({ request, policy })).map(({ kind }) => kind);

    expect(kinds({ risk: 'low', reversible: true })).toEqual(['runs']);
    expect(kinds({ risk: 'low', reversible: false })).toEqual(['expires']);
    expect(kinds({ risk: 'medium', reversible: true })).toEqual(['expires']);
  });

  it('is no yes while nobody has told somebody what they asked, alone or with a yes from before', () => {
    const roles = ['manager', 'director'];
    const twoManagers = { role: RoleName.parse('manager'), count: 2 };
    const further = { role: RoleName.parse('director'), count: 1 };
    const outcome = (ladder: readonly Rung[], said: (opened: Approval) => Approval) => {
      const request = { risk: 'low' as const, reversible: true };
      const policy = {
        approvers: twoManagers,
        ladder: [...ladder],
        choices: ['approve', 'deny', 'ask'] as const,
      };
      return whatComes(said(anApproval({ request, policy: { ...policy, choices: [...policy.choices] } })));
    };
    const asked = (now: Approval) => {
      const { choice: _, ...question } = aVote(now, { text: 'which?', roles, key: 'q' });
      return ask(now, question, OPENED_MS + 2).moved!.next;
    };
    const agreed = (now: Approval) => {
      const yes = aVote(now, { roles });
      return vote(now, { ...yes, by: { ...yes.by, person: LEE, name: 'Lee' } }, OPENED_MS + 1).moved!.next;
    };
    const escalate: Rung = { kind: 'escalate', approvers: further, forMs: 10_000 };

    expect(outcome([{ kind: 'approve' }], asked)).toEqual(['expires']);
    expect(outcome([escalate], agreed)).toEqual(['agrees']);
    expect(outcome([escalate, { kind: 'approve' }], (opened) => asked(agreed(opened)))).toEqual([
      'asks',
      'expires',
    ]);
  });
});
