/** Who has no say, and that it is the same for everybody who asks. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  excludedFrom,
  idsAsking,
  idsOf,
  isExcluded,
  type Known,
} from '../../../src/domain/approval/exclusion.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { reply } from '../../../src/domain/approval/talk.ts';
import { canStillAgree } from '../../../src/domain/approval/voting.ts';
import { call } from '../../../src/domain/escalation/calling.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import { guestIdOf, RoleName } from '../../../src/domain/person.ts';
import { ALEX, anApproval, DANA, OPENED_MS, SLACK } from '../../support/approvals.ts';
import { surroundings, type World } from '../../support/escalation-world.ts';
import { runs } from '../../support/property-runs.ts';

const ACCOUNTS = ['slack:T0/U1', 'slack:T0/U2', 'email:a@corp.test', 'discord:1'].map((each) =>
  AccountId.parse(each),
);
const [MINE, OTHER] = ACCOUNTS as [AccountId, AccountId];
const PEOPLE = [ALEX, DANA, PersonId.parse('lee'), ...ACCOUNTS.map(guestIdOf)];
const MANAGER = RoleName.parse('manager');

const known: fc.Arbitrary<Known> = fc.record({
  person: fc.constantFrom(...PEOPLE),
  accounts: fc.subarray(ACCOUNTS),
});
const asking: fc.Arbitrary<{ readonly request: Approval['request'] }> = fc
  .record({
    requester: fc.constantFrom(...PEOPLE),
    lineage: fc.subarray(PEOPLE),
    accounts: fc.subarray(ACCOUNTS),
  })
  .map((request) => anApproval({ request }));

const WORLD: World = {
  hours: {},
  schedules: {},
  roles: {},
  links: { [DANA]: [{ platform: SLACK, afterMs: 0 }] },
  posts: [],
};

describe('whoever asked', () => {
  it('is whoever has one of their accounts now, by whatever name', () => {
    const guest = anApproval({ request: { requester: guestIdOf(MINE) } });
    const renamed = anApproval({ request: { requester: PersonId.parse('al'), accounts: [MINE] } });

    for (const approval of [guest, renamed]) {
      expect(isExcluded(approval, { person: DANA, accounts: [OTHER, MINE] })).toBe(true);
      expect(isExcluded(approval, { person: DANA, accounts: [OTHER] })).toBe(false);
    }
  });

  it('is the same where only ids are kept', () => {
    fc.assert(
      fc.property(asking, known, (asked, somebody) => {
        const ids = idsAsking(asked);
        // Accounts tell who somebody is; that a guest has another one is known by its own.
        const byIds = idsOf(somebody).some((id) => ids.includes(id));

        if (isExcluded(asked, somebody)) expect(byIds).toBe(true);
        else if (!PEOPLE.slice(3).includes(somebody.person)) expect(byIds).toBe(false);
        expect(excludedFrom(asked)(somebody)).toBe(isExcluded(asked, somebody));
      }),
      { numRuns: runs(300) },
    );
  });

  it('is not counted among those who could still agree', () => {
    const approval = anApproval({
      request: { requester: guestIdOf(MINE) },
      policy: { approvers: { role: MANAGER } },
    });
    const manager = (...accounts: AccountId[]) => ({ person: DANA, roles: ['manager'], accounts });

    expect(canStillAgree(approval, [manager(OTHER)])).toBe(true);
    expect(canStillAgree(approval, [manager(OTHER, MINE)])).toBe(false);
    const standsFor = [{ person: PersonId.parse('lee'), roles: ['manager'], accounts: [MINE] }];
    expect(canStillAgree(approval, [{ person: DANA, roles: [], accounts: [OTHER], standsFor }])).toBe(false);
  });

  it('is not called about it, and may reply to what is asked back, also when they are somebody by now', () => {
    const asked = anApproval({ request: { requester: guestIdOf(MINE) } });
    const s = {
      ...surroundings(WORLD, OPENED_MS),
      idsOf: (person: PersonId) => idsOf({ person, accounts: [MINE] }),
    };
    const who = [{ kind: 'person' as const, person: DANA }];
    const question = { kind: 'question' as const, by: { person: DANA, name: 'Dana' }, via: SLACK };
    const open: Approval = {
      ...asked,
      state: 'NEEDS_INFO',
      talk: [{ ...question, text: 'which?', key: 'q', atMs: OPENED_MS }],
    };
    const answer = { key: 'r', via: SLACK, text: 'the red one', operates: false };

    const called = (except: PersonId[]) => call({ except }, { who, importance: 'normal' }, 'call', s).chains;
    expect(called([ALEX])).toHaveLength(1);
    expect(called(idsAsking(asked))).toEqual([]);
    expect(
      reply(open, { ...answer, by: { person: ALEX, accounts: [MINE], name: 'Alex' } }, OPENED_MS),
    ).toMatchObject({ result: { code: 'RECORDED' } });
    expect(
      reply(open, { ...answer, by: { person: ALEX, accounts: [OTHER], name: 'Alex' } }, OPENED_MS),
    ).toMatchObject({ result: { code: 'NOT_ELIGIBLE' } });
  });
});

describe('a yes that was said', () => {
  it('is worth what it was, though who said it holds fewer roles now', () => {
    const FINANCE = RoleName.parse('finance');
    const [lee, sam] = ['lee', 'sam'].map((each) => PersonId.parse(each)) as [PersonId, PersonId];
    const approvers = { atLeast: 2, of: [{ role: FINANCE }, { role: MANAGER }] };
    const by = { person: sam, name: 'Sam', account: OTHER };
    const approval: Approval = {
      ...anApproval({ policy: { approvers } }),
      assents: [{ by, via: SLACK, roles: ['finance', 'manager'], digest: '', key: 'k', atMs: OPENED_MS }],
    };
    const now = (samNow: string[]) => [
      { person: sam, roles: samNow },
      { person: lee, roles: ['manager'] },
    ];

    expect(canStillAgree(approval, now(['manager']))).toBe(true);
    expect(canStillAgree({ ...approval, assents: [] }, now(['manager']))).toBe(false);
    expect(canStillAgree({ ...approval, assents: [] }, now(['finance']))).toBe(true);
  });
});
