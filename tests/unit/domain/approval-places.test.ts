/** In whose place somebody says yes or no: of nobody, where their own word does as much. */
import { describe, expect, it } from 'vitest';
import { standing } from '../../../src/approvals/sentences.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { type Vote, vote } from '../../../src/domain/approval/voting.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import type { Approvers, Authority } from '../../../src/domain/quorum.ts';
import { anApproval, aVote, OPENED_MS } from '../../support/approvals.ts';

const [MANAGER, FINANCE] = ['manager', 'finance'].map((name) => RoleName.parse(name)) as [RoleName, RoleName];
const BOTH: Approvers = { atLeast: 2, of: [{ role: MANAGER }, { role: FINANCE }] };

function asking(approvers: Approvers): Approval {
  return anApproval({ policy: { approvers } });
}

function named(person: string, name: string, ...roles: string[]): Authority {
  return { person: PersonId.parse(person), name, roles };
}

const DANA = named('dana', 'Dana Reyes', MANAGER);
const LEE = named('lee', 'Lee Park', FINANCE);

/** Carl, whom these let speak for them. */
function carl(
  approval: Approval,
  roles: string[],
  standsFor: Authority[],
  choice: Vote['choice'] = 'approve',
) {
  return vote(
    approval,
    aVote(approval, { person: 'carl', roles, standsFor, choice, key: 'k-carl' }),
    OPENED_MS + 1,
  ).moved!.next;
}

describe('whoever speaks for others as well', () => {
  it('OM-120 decides in their own right where that is enough, and says nothing of anybody’s place', () => {
    for (const choice of ['approve', 'deny'] as const) {
      const decided = carl(asking({ role: MANAGER }), [MANAGER], [DANA], choice);

      expect(decided.decision).not.toHaveProperty('insteadOf');
      expect(standing(decided)).not.toContain('in the place of');
    }
  });

  it('OM-120 OM-124 decides in the place of the one whose word it takes, and of nobody else', () => {
    const yes = carl(asking({ role: MANAGER }), [], [LEE, DANA]);
    const no = carl(asking({ role: MANAGER }), [], [LEE, DANA], 'deny');

    expect(yes.decision?.insteadOf).toEqual([{ person: 'dana', name: 'Dana Reyes' }]);
    expect(standing(yes)).toMatch(/^Approved by carl in the place of Dana Reyes on Slack/);
    expect(standing(no)).toMatch(/^Denied by carl in the place of Dana Reyes on Slack/);
  });

  it('OM-120 OM-124 is named with that place among several as well, while more are needed and in the end', () => {
    const half = carl(asking({ role: MANAGER, count: 2 }), [], [DANA]);
    const done = vote(half, aVote(half, { person: 'erin', roles: [MANAGER] }), OPENED_MS + 2).moved!.next;

    expect(standing(half)).toContain('carl in the place of Dana Reyes on Slack has said yes');
    expect(standing(done)).toMatch(/^Approved by carl in the place of Dana Reyes on Slack and erin on Slack/);
  });

  it('OM-120 takes the place that was lacking, though their own word would fill another', () => {
    const half = carl(asking(BOTH), [MANAGER], [LEE]);
    const done = vote(half, aVote(half, { person: 'erin', roles: [MANAGER] }), OPENED_MS + 2).moved!.next;

    expect(standing(half)).toContain('carl on Slack has said yes');
    expect(standing(done)).toMatch(/^Approved by carl in the place of Lee Park on Slack and erin on Slack/);
  });
});
