import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claim, loseTrack } from '../../../src/domain/approval/execution.ts';
import {
  answeredBy,
  attemptOf,
  type Finder,
  type Finding,
  reconcile,
} from '../../../src/domain/approval/reconciliation.ts';
import type { Approval, ApprovalPolicy, Step } from '../../../src/domain/approval/record.ts';
import type { PeopleNow } from '../../../src/domain/approval/validity.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { hasAgreed } from '../../../src/domain/approval/withdrawal.ts';
import { PersonId, type Platform } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import {
  ALEX,
  accountOf,
  anApproval,
  aVote,
  DANA,
  EMAIL,
  LEASE_MS,
  OPENED_MS,
  ownerOf,
  SLACK,
} from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

const MANAGER = RoleName.parse('manager');
const LATER_MS = OPENED_MS + 10 * LEASE_MS;

const dana: Finder = {
  person: DANA,
  name: 'Dana Reyes',
  account: accountOf('dana'),
  via: SLACK,
  operates: false,
  roles: ['manager'],
};

function next({ moved }: Step<unknown>): Approval {
  if (!moved) throw new Error('nothing has changed');
  return moved.next;
}

/** Approved, begun and lost. */
function lost(policy: Partial<ApprovalPolicy> = {}): Approval {
  const open = anApproval({ policy });
  return begunAndLost(next(vote(open, aVote(open), OPENED_MS + 1)), OPENED_MS + 2);
}

function begunAndLost(approved: Approval, nowMs: number): Approval {
  const running = next(claim(approved, `at ${nowMs}`, approved.digest, nowMs));
  return next(loseTrack(running, running.execution?.epoch ?? 0, 'the connection broke'));
}

function found(approval: Approval, finding: Finding, by: Partial<Finder> = {}) {
  return reconcile(approval, { ...dana, ...by }, finding, LATER_MS).result.code;
}

describe('what somebody found out about a call whose outcome nobody knew', () => {
  it('is about the attempt they were shown: after it ran again, and was lost again, it counts no more', () => {
    const first = lost();
    const about = attemptOf(first);
    const again = begunAndLost(next(reconcile(first, { ...dana, about }, 'retry', LATER_MS)), LATER_MS + 1);

    expect(attemptOf(again)).not.toBe(about);
    for (const finding of ['happened', 'did-not-happen', 'retry'] as const) {
      expect(found(again, finding, { about })).toBe('STALE_CARD');
      expect(found(first, finding, { about })).toBe('DONE');
    }
    expect(found(again, 'happened', { about: attemptOf(again) })).toBe('DONE');
  });

  it('counts from anywhere, but that it may run again only from where a yes does', () => {
    const approval = lost({ approveFrom: [SLACK] });

    expect(found(approval, 'retry', { via: EMAIL })).toBe('STEP_UP');
    expect(found(approval, 'retry', { via: SLACK })).toBe('DONE');
    expect(found(approval, 'happened', { via: EMAIL })).toBe('DONE');
    expect(found(approval, 'did-not-happen', { via: EMAIL })).toBe('DONE');
  });
});

describe('that a call of unknown outcome may run again', () => {
  const TWO: ApprovalPolicy['approvers'] = { role: MANAGER, count: 2 };
  const [lee, sam] = ['lee', 'sam'].map(
    (name): Finder => ({ ...dana, person: PersonId.parse(name), name }),
  ) as [Finder, Finder];

  /** Two of three said yes. */
  function lostByTwo(policy: Partial<ApprovalPolicy> = {}): Approval {
    const open = anApproval({ policy: { approvers: TWO, ...policy } });
    const first = next(vote(open, aVote(open), OPENED_MS + 1));
    return begunAndLost(
      next(vote(first, aVote(first, { person: 'sam', key: 'second' }), OPENED_MS + 1)),
      OPENED_MS + 2,
    );
  }

  it('OM-124 takes as many as the first yes did, whoever of those who may say it', () => {
    const lost = lostByTwo();

    const one = reconcile(lost, dana, 'retry', LATER_MS);
    const said = next(one);
    expect([one.result.code, said.state]).toEqual(['RECORDED', 'UNKNOWN']);
    expect(answeredBy(said)).toEqual(new Set([DANA]));
    // Again by the same person it is the same word, also when they were not among the first two.
    expect(reconcile(said, dana, 'retry', LATER_MS)).toEqual({
      result: { code: 'RECORDED', approval: said },
    });

    const two = reconcile(said, lee, 'retry', LATER_MS);
    expect([two.result.code, next(two).state]).toEqual(['DONE', 'APPROVED']);
    expect(next(two).validUntilMs).toBe(LATER_MS + said.policy.validForMs);
    expect(hasAgreed(next(two), lee.person)).toBe(true);
    expect(found(said, 'did-not-happen', sam)).toBe('DONE');
  });

  it('is said of one attempt: those who let it run once more have not said it of the next', () => {
    const said = next(reconcile(lostByTwo(), dana, 'retry', LATER_MS));
    const again = begunAndLost(next(reconcile(said, lee, 'retry', LATER_MS)), LATER_MS + 1);

    expect(answeredBy(again)).toEqual(new Set());
    expect(reconcile(again, lee, 'retry', 2 * LATER_MS).result.code).toBe('RECORDED');
  });

  it('OM-124 takes those who still may when the last one says it', () => {
    const said = next(reconcile(lostByTwo(), { ...dana, lent: ['manager'] }, 'retry', LATER_MS));
    const people = (danaNow: { readonly roles: readonly string[] } | undefined): PeopleNow => ({
      find: (_person, lent) =>
        danaNow && { accounts: [], permitted: true, roles: [...danaNow.roles, ...lent] },
      ownerOf,
      isProgramOf: () => false,
    });

    const gone = reconcile(said, lee, 'retry', LATER_MS, people(undefined));

    expect([gone.result.code, next(gone).state]).toEqual(['RECORDED', 'UNKNOWN']);
    expect(answeredBy(next(gone))).toEqual(new Set([lee.person]));
    // What a group carried for her when she said it counts as before.
    expect(reconcile(said, lee, 'retry', LATER_MS, people({ roles: [] })).result.code).toBe('DONE');
  });

  it('counts one word once, whoever says it, and none of those who asked', () => {
    const said = next(reconcile(lostByTwo(), dana, 'retry', LATER_MS));
    const standsFor = [{ person: DANA, roles: ['manager'] }];
    const standIn: Finder = { ...lee, roles: [], standsFor };
    const requester: Finder = { ...lee, person: ALEX };

    expect(found(said, 'retry', standIn)).toBe('RECORDED');
    expect(
      found(said, 'retry', { ...standIn, standsFor: [{ person: sam.person, roles: ['manager'] }] }),
    ).toBe('DONE');
    expect(found(said, 'retry', requester)).toBe('NOT_ELIGIBLE');
    expect(found(said, 'retry', { ...lee, roles: [], operates: true })).toBe('NOT_ELIGIBLE');
  });

  it('A4 is nothing that somebody who may not approve can say for themselves, though they are named and run it', () => {
    const lost = begunAndLost(
      next(
        vote(
          anApproval({ policy: { approvers: { atLeast: 1, of: [{ role: MANAGER }, { person: DANA }] } } }),
          aVote(anApproval(), { person: 'lee' }),
          OPENED_MS + 1,
        ),
      ),
      OPENED_MS + 2,
    );
    const mute: Finder = { ...dana, roles: [], mute: true, operates: true };

    expect(found(lost, 'retry', mute)).toBe('NOT_ELIGIBLE');
    expect(found(lost, 'retry', { ...mute, standsFor: [{ person: lee.person, roles: [] }] })).toBe(
      'NOT_ELIGIBLE',
    );
    expect(found(lost, 'happened', mute)).toBe('DONE');
  });

  it('A4 counts what was said by somebody who may not approve for those they spoke for alone', () => {
    const named: ApprovalPolicy['approvers'] = { atLeast: 2, of: [{ role: MANAGER }, { person: DANA }] };
    const open = anApproval({ policy: { approvers: named } });
    const both = next(vote(open, aVote(open), OPENED_MS + 1));
    const lost = begunAndLost(
      next(vote(both, aVote(both, { person: 'lee', key: 'second' }), OPENED_MS + 1)),
      OPENED_MS + 2,
    );
    const standsFor = [{ person: sam.person, roles: ['manager'] }];

    const said = next(reconcile(lost, { ...dana, roles: [], mute: true, standsFor }, 'retry', LATER_MS));

    // Of Dana there is only the word of Sam, a manager: her own place is empty.
    expect(reconcile(said, lee, 'retry', LATER_MS).result.code).toBe('RECORDED');
  });

  it('A3 A4 is never reached by fewer than the first yes took, whoever says what in which order', () => {
    const finders = fc.constantFrom(
      dana,
      lee,
      sam,
      { ...lee, person: ALEX },
      { ...lee, roles: [], operates: true },
    );
    const policies = fc.record({
      approvers: fc.constantFrom<ApprovalPolicy['approvers']>(
        TWO,
        { role: MANAGER },
        { role: MANAGER, count: 3 },
      ),
      approveFrom: fc.constantFrom<Platform[]>([SLACK], [SLACK, EMAIL]),
    });
    fc.assert(
      fc.property(policies, fc.array(fc.tuple(finders, fc.constantFrom(SLACK, EMAIL))), (policy, course) => {
        const needed = 'count' in policy.approvers ? (policy.approvers.count ?? 1) : 1;
        let approval: Approval = { ...lostByTwo(), policy: { ...lostByTwo().policy, ...policy } };
        const counted = new Set<PersonId>();
        for (const [by, via] of course) {
          const { result, moved } = reconcile(approval, { ...by, via }, 'retry', LATER_MS);
          if (result.code === 'DONE' || result.code === 'RECORDED') counted.add(by.person);
          approval = moved?.next ?? approval;
        }
        expect(counted.has(ALEX)).toBe(false);
        expect(approval.state).toBe(counted.size >= needed ? 'APPROVED' : 'UNKNOWN');
      }),
      { numRuns: runs(300) },
    );
  });
});
