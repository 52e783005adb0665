/** What people are told of the deadline is what the deadline brings. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Approval, Rung } from '../../../src/domain/approval/record.ts';
import { type Silence, whatSilenceDoes } from '../../../src/domain/approval/silence.ts';
import { ask } from '../../../src/domain/approval/talk.ts';
import { dueOf, tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
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
    said: fc.constantFrom('nothing', 'yes', 'question'),
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
    if (said === 'yes') return vote(opened, aVote(opened, { roles }), OPENED_MS + 1).moved?.next ?? opened;
    return said === 'question' ? (ask(opened, question, OPENED_MS + 1).moved?.next ?? opened) : opened;
  });

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
});
