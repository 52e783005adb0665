import { describe, expect, it } from 'vitest';
import type { GrantStore } from '../../../src/approvals/grant-store.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { AccountId } from '../../../src/domain/ids.ts';
import type { Person } from '../../../src/domain/person.ts';
import type { Directory } from '../../../src/identity/directory.ts';
import { GrantDesk } from '../../../src/router/grant-desk.ts';
import { anApproval, aVote, DANA, OPENED_MS } from '../../support/approvals.ts';

const DAY = 86_400_000;
const DANA_THERE = {
  person: { id: DANA, name: 'Dana', roles: ['manager'] } as unknown as Person, // all that is read of her
  account: AccountId.parse('slack:T0/U0DANA'),
};

const APPROVAL = anApproval({
  request: { args: { issue: 'OPS-1', amount: 120 }, risk: 'low', reversible: true },
  policy: { standingYes: { rules: ['exact', 'like'], longestMs: 7 * DAY, mostTimes: 5 } },
});

/** What comes of what Dana writes behind `always TICKET`. */
async function propose(text: string, approval = APPROVAL) {
  const directory = {
    lentRoles: () => [],
    voterOf: ({ id, roles }: Person) => ({ person: id, roles, ids: [id], onCall: [] }),
    may: () => true,
  } as unknown as Directory; // all that is asked of it
  const desk = new GrantDesk({} as GrantStore, directory, { now: () => OPENED_MS });
  return desk.propose(approval, DANA_THERE, { key: 'k', gen: approval.gen }, text);
}

/** What she reads. */
async function told(text: string): Promise<string> {
  const proposal = await propose(text);
  return proposal.kind === 'told' ? proposal.notice : '';
}

describe('a standing yes', () => {
  it('OM-124 that holds for too long is answered with the length that the file says, in days', async () => {
    expect(await told('exact 8d 2x')).toContain('hold for 7 days at most');
  });

  it('OM-124 names an argument once that was written twice', async () => {
    const notice = await told('like issue,issue 7d 2x');

    expect(notice).toContain('with amount 120, any issue,');
    expect(notice).not.toContain('any issue, any issue');
    expect(notice).toMatch(/`always \S+ like issue 7d 2x/);
  });

  it('OM-124 is given by the very line that decided the request, where that was broken off in between', async () => {
    const [, line = ''] = /`always \S+ ([^`]+)`/.exec(await told('exact 7d 2x')) ?? [];
    const decidedBy = (key: string) => vote(APPROVAL, aVote(APPROVAL, { key }), OPENED_MS).moved!.next;

    expect(await propose(line, decidedBy('k'))).toMatchObject({ kind: 'confirmed' });
    expect(await propose(line, decidedBy('another'))).toMatchObject({ kind: 'told', code: 'ALREADY' });
  });
});
