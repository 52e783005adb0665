import { describe, expect, it } from 'vitest';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { NO_CIRCUMSTANCES } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { type WithdrawalDeps, WithdrawalDesk } from '../../../src/router/withdrawal-desk.ts';
import { ALEX, anApproval, aVote, DANA, OPENED_MS } from '../../support/approvals.ts';

const OPERATOR = RoleName.parse('operator');
const ACCOUNT = AccountId.parse('slack:T0/U0SOMEBODY');
const yes = vote(anApproval(), aVote(anApproval()), OPENED_MS + 1).result.approval;

/** What became of it, and in which state it is then. */
async function withdrawn(approval: Approval, by: PersonId, roles: RoleName[] = []) {
  let now = approval;
  const approvals: WithdrawalDeps['approvals'] = {
    apply: async (_id, decide) => {
      const { result, moved } = decide(now, OPENED_MS + 2, NO_CIRCUMSTANCES);
      now = moved?.next ?? now;
      return result;
    },
  };
  const directory = { may: (held: readonly string[]) => held.includes(OPERATOR) };
  const desk = new WithdrawalDesk({ approvals, directory });
  const speaker = { id: by, name: 'Somebody', roles };
  const told = await desk.withdraw(approval.id, { speaker, account: ACCOUNT }, '');
  return [told?.code, now.state, now.remark];
}

describe('a request that is taken back', () => {
  it('OM-120 ends while it waits, by the word of whoever asked, or of an operator', async () => {
    const ended = ['DONE', 'CANCELLED', 'no longer needed'];

    expect(await withdrawn(anApproval(), ALEX)).toEqual(ended);
    expect(await withdrawn(anApproval(), PersonId.parse('olga'), [OPERATOR])).toEqual(ended);
    expect(await withdrawn(anApproval(), DANA)).toEqual(['NOT_ELIGIBLE', 'OPEN', undefined]);
  });

  it('OM-120 ends after the yes as well, as long as nothing has begun; also by the word of who said it', async () => {
    const ended = ['DONE', 'REVOKED', 'no longer needed'];

    expect(yes.state).toBe('APPROVED');
    expect(await withdrawn(yes, ALEX)).toEqual(ended);
    expect(await withdrawn(yes, DANA)).toEqual(ended);
    expect(await withdrawn(yes, PersonId.parse('kim'))).toEqual(['NOT_ELIGIBLE', 'APPROVED', undefined]);
  });

  it('A21 stays as it is once it has begun, or has ended', async () => {
    expect(await withdrawn({ ...yes, state: 'EXECUTING' }, ALEX)).toEqual([
      'TOO_LATE',
      'EXECUTING',
      undefined,
    ]);
    expect(await withdrawn({ ...yes, state: 'EXECUTED' }, ALEX)).toEqual(['ALREADY', 'EXECUTED', undefined]);
  });
});
