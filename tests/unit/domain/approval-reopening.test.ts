import { describe, expect, it } from 'vitest';
import { claim, complete } from '../../../src/domain/approval/execution.ts';
import type { Approval, Step } from '../../../src/domain/approval/record.ts';
import { mayReopen, REOPEN_WITHIN_MS, type Reopener } from '../../../src/domain/approval/reopening.ts';
import { tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { cancel, revoke } from '../../../src/domain/approval/withdrawal.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import { ALEX, anApproval, aVote, DANA, DEADLINE_MS, EMAIL, OPENED_MS } from '../../support/approvals.ts';

const NOW = OPENED_MS + 1_000;
const open = anApproval();
const approved = next(vote(open, aVote(open), NOW));

const requester: Reopener = { person: ALEX, decides: false, operates: false };
const decider: Reopener = { person: DANA, decides: true, operates: false };
const stranger: Reopener = { ...decider, decides: false };
const operator: Reopener = { ...stranger, operates: true };

function next({ moved }: Step<unknown>): Approval {
  if (!moved) throw new Error('nothing has changed');
  return moved.next;
}

const settler = { person: DANA, name: 'Dana', via: EMAIL, operates: true };
const ended: Readonly<Record<string, Approval>> = {
  expired: next(tick(open, OPENED_MS + DEADLINE_MS)),
  denied: next(vote(open, aVote(open, { choice: 'deny', text: 'no' }), NOW)),
  cancelled: next(cancel(open, settler, 'no longer needed', NOW)),
  revoked: next(revoke(approved, settler, 'changed my mind', NOW)),
};

describe('asking again what ended', () => {
  it.each(Object.entries(ended))('is for those concerned, where it was %s', (state, approval) => {
    const may = (by: Reopener) => mayReopen(approval, by, OPENED_MS + DEADLINE_MS + 1);

    expect(may(decider)).toBe('DONE');
    expect(may(operator)).toBe('DONE');
    expect(may(stranger)).toBe('NOT_ELIGIBLE');
    // A no stands until one of those who could say it thinks otherwise.
    expect(may(requester)).toBe(state === 'denied' ? 'NOT_ELIGIBLE' : 'DONE');
    expect(may({ ...requester, operates: true })).toBe(state === 'denied' ? 'NOT_ELIGIBLE' : 'DONE');
  });

  it('is not for whoever asked, where somebody had said no and that was not enough', () => {
    const several = anApproval({ policy: { denyRule: 'enough' } });
    const others = [DANA, 'lee'].map((id) => ({ person: PersonId.parse(id), roles: ['manager'] }));
    const refused = next(vote(several, { ...aVote(several, { choice: 'deny', text: 'no' }), others }, NOW));
    const over = [
      next(tick(refused, OPENED_MS + DEADLINE_MS)),
      next(cancel(refused, { ...settler, operates: false, person: ALEX }, 'no longer needed', NOW)),
    ];

    expect(over.map(({ state }) => state)).toEqual(['EXPIRED', 'CANCELLED']);
    for (const each of over) {
      expect(mayReopen(each, requester, OPENED_MS + DEADLINE_MS + 1)).toBe('NOT_ELIGIBLE');
      expect(mayReopen(each, decider, OPENED_MS + DEADLINE_MS + 1)).toBe('DONE');
    }
  });

  it('knows whoever asked by their accounts, under another name', () => {
    const { denied } = ended;
    const accounts = [AccountId.parse('slack:T0/U0ALEX')];
    const theirs = { ...denied!, request: { ...denied!.request, requester: PersonId.parse('al'), accounts } };

    expect(mayReopen(theirs, { ...operator, accounts }, NOW + 1)).toBe('NOT_ELIGIBLE');
    expect(mayReopen(theirs, operator, NOW + 1)).toBe('DONE');
  });

  it.each(Object.entries(ended))('is for seven days, where it was %s', (_state, approval) => {
    const endedMs = approval.state === 'EXPIRED' ? OPENED_MS + DEADLINE_MS : NOW;

    expect(mayReopen(approval, decider, endedMs + REOPEN_WITHIN_MS - 1)).toBe('DONE');
    expect(mayReopen(approval, decider, endedMs + REOPEN_WITHIN_MS)).toBe('TOO_OLD');
  });

  it('is not for what waits, nor for what was carried out, or may have been', () => {
    const running = next(claim(approved, 'owner', approved.digest, NOW + 1));
    const done = next(complete(running, 1, { status: 'ok', text: 'done' }, NOW + 2));
    const attempted = { ...ended.revoked!, execution: running.execution! };

    expect(mayReopen(open, decider, NOW)).toBe('NOT_ENDED');
    expect(mayReopen(running, decider, NOW)).toBe('NOT_ENDED');
    expect(mayReopen(done, decider, NOW + 3)).toBe('HAD_EFFECT');
    expect(mayReopen(attempted, decider, NOW + 3)).toBe('HAD_EFFECT');
  });
});
