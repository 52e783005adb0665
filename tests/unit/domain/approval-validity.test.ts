/** What somebody has said counts only as long as they could still say it: judged anew with every word that follows. */
import { describe, expect, it } from 'vitest';
import { standing } from '../../../src/approvals/sentences.ts';
import { delegate } from '../../../src/domain/approval/delegation.ts';
import type { Approval, ApprovalPolicy, Assent } from '../../../src/domain/approval/record.ts';
import { ask } from '../../../src/domain/approval/talk.ts';
import { type Circumstances, NO_CIRCUMSTANCES, tick } from '../../../src/domain/approval/time.ts';
import { type PersonNow, withoutVoid } from '../../../src/domain/approval/validity.ts';
import { canStillAgree, type Vote, vote } from '../../../src/domain/approval/voting.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import { guestIdOf, RoleName } from '../../../src/domain/person.ts';
import { ScheduleName } from '../../../src/domain/quorum.ts';
import { accountOf, anApproval, aVote, DEADLINE_MS, OPENED_MS, ownerOf } from '../../support/approvals.ts';

const MANAGER = RoleName.parse('manager');
const FINANCE = RoleName.parse('finance');
const OWNER = RoleName.parse('owner');
const DUTY = ScheduleName.parse('duty');
const NOW_MS = OPENED_MS + 1;
const PROGRAM = AccountId.parse('api:inbox');
const GUEST_ACCOUNT = AccountId.parse('discord:1');

type World = Record<string, Partial<PersonNow> | undefined>;
type Owners = Record<string, string | undefined>;

/** Everybody is a manager of one account, but as it is said here; and a program speaks for these. */
function now(world: World = {}, owners: Owners = {}, spokenFor: readonly string[] = []): Circumstances {
  const people = {
    find: (person: PersonId, lent: readonly string[]): PersonNow | undefined => {
      if (person in world && world[person] === undefined) return undefined;
      const { roles = ['manager'], ...rest } = world[person] ?? {};
      return { accounts: [], roles: [...roles, ...lent], permitted: true, ...rest };
    },
    ownerOf: (account: AccountId) => {
      if (!(account in owners)) return ownerOf(account);
      const owner = owners[account];
      return owner === undefined ? undefined : PersonId.parse(owner);
    },
    isProgramOf: (account: AccountId, person: PersonId) => account === PROGRAM && spokenFor.includes(person),
  };
  return { ...NO_CIRCUMSTANCES, people };
}

function asked(policy: Partial<ApprovalPolicy> = {}, request: Partial<Approval['request']> = {}): Approval {
  return anApproval({
    request,
    policy: {
      approvers: { role: MANAGER, count: 2 },
      choices: ['approve', 'deny', 'edit', 'take-back'],
      remindAfterMs: [],
      ...policy,
    },
  });
}

function say(approval: Approval, wish: Parameters<typeof aVote>[1], world: Circumstances = now()) {
  const key = `${wish?.choice ?? 'approve'} of ${wish?.person ?? 'dana'} in ${approval.rev}`;
  const { result, moved } = vote(approval, aVote(approval, { key, ...wish }), NOW_MS, world);
  return { code: result.code, after: moved?.next ?? approval };
}

function saidBy({ assents = [] }: Pick<Approval, 'assents'>): string[] {
  return assents.map(({ by }) => by.person);
}

describe('a question of somebody who is gone', () => {
  it('OM-124 bars nobody else’s yes, as it does while they are here', () => {
    const open = asked({ approvers: { role: MANAGER }, choices: ['approve', 'ask'] });
    const wish = { text: 'which parcel?', key: 'q', person: 'lee' };
    const question = ask(open, aVote(open, wish), NOW_MS).moved!.next;

    expect(say(question, { person: 'dana' })).toMatchObject({ code: 'INVALID' });
    expect(say(question, { person: 'dana' }, now({ lee: undefined })).after.state).toBe('APPROVED');
  });
});

describe('a yes that is said once more', () => {
  const LEGAL = RoleName.parse('legal');
  const either = {
    atLeast: 1,
    of: [
      { role: MANAGER, count: 2 },
      { atLeast: 2, of: [{ role: FINANCE }, { role: LEGAL }] },
      { role: OWNER },
    ],
  };

  it('A4 is worth what whoever says it may by now', () => {
    const said = say(asked({ approvers: either }), { person: 'carl' }).after;

    const again = say(said, { person: 'carl', roles: ['manager', 'owner'] });

    expect([again.code, again.after.state]).toEqual(['DECIDED', 'APPROVED']);
    expect(again.after.decision).toMatchObject({ by: { person: 'carl' }, choice: 'approve' });
  });

  it('A4 counts where it is enough by now, though whoever says it is not on call any more', () => {
    const approvers = {
      atLeast: 1,
      of: [{ role: OWNER }, { atLeast: 2, of: [{ onCall: DUTY }, { role: MANAGER }] }],
    };
    const said = say(asked({ approvers }), { person: 'carl', onCall: [DUTY] }).after;

    const again = say(said, { person: 'carl', roles: ['owner'] }, now({ carl: { roles: ['owner'] } }));

    expect(again.after.state).toBe('APPROVED');
  });

  it('A4 A5 takes the place of the earlier one where it is worth more, and is still one', () => {
    const first = aVote(asked({ approvers: either }), { person: 'carl', key: 'first' });
    const said = vote(asked({ approvers: either }), first, NOW_MS, now()).moved!.next;

    const world = now({ carl: { roles: ['manager', 'finance'] } });
    const again = say(said, { person: 'carl', roles: ['manager', 'finance'] }, world).after;

    expect(saidBy(again)).toEqual(['carl']);
    expect(vote(again, first, NOW_MS, world).result.code).toBe('REPLAY');
    expect(say(again, { person: 'lee', roles: ['legal'] }, world).after.state).toBe('APPROVED');
    expect(say(again, { person: 'lee', roles: ['finance'] }, world).after.state).toBe('OPEN');
  });

  it.each([
    ['as much', { roles: ['manager', 'other'] }],
    ['less', { roles: ['manager'] }],
    ['something else', { roles: ['manager', 'legal'] }],
  ])('changes nothing where it is worth %s, and is not enough', (_, wish) => {
    const approvers = { atLeast: 3, of: [{ role: MANAGER }, { onCall: DUTY }, { role: LEGAL }] };
    const opened = asked({ approvers });
    const said = say(opened, { person: 'carl', roles: ['manager'], onCall: [DUTY] }).after;

    const again = vote(said, aVote(said, { person: 'carl', key: 'again', ...wish }), NOW_MS, now());

    expect(again.result.code).toBe('RECORDED');
    expect(again.moved).toBeUndefined();
  });

  it('A4 waits for the reply to an open question where it would be enough by now', () => {
    const policy = { approvers: either, choices: ['approve', 'ask'] as const };
    const said = say(asked({ ...policy, choices: [...policy.choices] }), { person: 'carl' }).after;
    const { choice: _, ...question } = aVote(said, { person: 'erin', key: 'why', text: 'why?' });
    const open = ask(said, question, NOW_MS).moved!.next;

    const again = vote(
      open,
      aVote(open, { person: 'carl', key: 'again', roles: ['owner', 'manager'] }),
      NOW_MS,
      now(),
    );

    expect(again.result).toMatchObject({ code: 'INVALID', untilReply: true });
    expect(again.moved).toBeUndefined();
  });

  it('keeps nobody waiting whose yes counts already, though another one counts no more', () => {
    const opened = asked({ approvers: { role: MANAGER, count: 4 }, choices: ['approve', 'ask'] });
    const two = say(say(opened, { person: 'carl' }).after, { person: 'dana' }).after;
    const { choice: _, ...question } = aVote(two, { person: 'erin', key: 'why', text: 'why?' });
    const open = ask(two, question, NOW_MS).moved!.next;

    const again = say(open, { person: 'dana', key: 'again' }, now({ carl: undefined }));

    expect([again.code, again.after.state, saidBy(again.after)]).toEqual([
      'RECORDED',
      'NEEDS_INFO',
      ['dana'],
    ]);
  });
});

describe('a yes that was said before the one that would be enough', () => {
  it.each<[string, World, Owners, string]>([
    ['who is removed', { carl: undefined }, {}, 'gone'],
    ['who has lost the role', { carl: { roles: [] } }, {}, 'powerless'],
    ['none of whose roles may approve', { carl: { permitted: false } }, {}, 'powerless'],
    ['for whom it turns out to be asked', { carl: { accounts: [GUEST_ACCOUNT] } }, {}, 'requester'],
    ['whose account is nobody’s now', {}, { 'slack:T0/U0CARL': undefined }, 'not-theirs'],
    ['whose account is somebody else’s now', {}, { 'slack:T0/U0CARL': 'lee' }, 'not-theirs'],
    ['whose account is the requester’s now', {}, { 'slack:T0/U0CARL': 'alex' }, 'requester'],
  ])('A4 OM-124 counts no more of somebody %s', (_who, world, owners, why) => {
    const opened = asked({}, { accounts: [GUEST_ACCOUNT], lineage: [guestIdOf(GUEST_ACCOUNT)] });
    const said = say(opened, { person: 'carl' }).after;

    const second = say(said, { person: 'dana' }, now(world, owners));

    expect([second.code, second.after.state]).toEqual(['RECORDED', 'OPEN']);
    expect(saidBy(second.after)).toEqual(['dana']);
    expect(second.after.voided).toEqual([{ by: said.assents![0]!.by, via: 'slack', why, atMs: NOW_MS }]);
    expect(standing(second.after)).toContain('The yes of carl no longer counts: ');
    expect(say(second.after, { person: 'sam' }, now(world, owners)).after.state).toBe('APPROVED');
  });

  it('A5 is known when it is delivered again, though it counts no more', () => {
    const first = aVote(asked(), { person: 'carl', key: 'once' });
    const said = vote(asked(), first, NOW_MS, now()).moved!.next;
    const { after } = say(said, { person: 'dana' }, now({ carl: undefined }));

    expect(vote(after, first, NOW_MS, now()).result.code).toBe('REPLAY');
  });

  it('counts again once they may, and say it anew', () => {
    const said = say(asked({ approvers: { role: MANAGER, count: 3 } }), { person: 'carl' }).after;
    const without = say(said, { person: 'dana' }, now({ carl: { roles: [] } })).after;

    const anew = say(without, { person: 'carl' }).after;

    expect(saidBy(anew)).toEqual(['dana', 'carl']);
    expect(anew.voided).toEqual([]);
    expect(standing(anew)).not.toContain('no longer counts');
  });

  it('is found out by whoever says again what they have said', () => {
    const two = say(say(asked({ approvers: { role: MANAGER, count: 3 } }), { person: 'carl' }).after, {});

    const again = say(two.after, { key: 'again' }, now({ carl: undefined }));

    expect(again.code).toBe('RECORDED');
    expect(saidBy(again.after)).toEqual(['dana']);
    expect(again.after.face).toBe(two.after.face + 1);
  });

  it('is worth what is left of it, where somebody keeps one of two roles', () => {
    const approvers = { atLeast: 2, of: [{ role: MANAGER }, { role: FINANCE }] };
    const said = say(asked({ approvers }), { person: 'carl', roles: ['manager', 'finance'] }).after;

    const manager = say(said, { person: 'dana' }, now());
    const finance = say(said, { person: 'dana', roles: ['finance'] }, now({ dana: { roles: ['finance'] } }));

    expect([manager.code, saidBy(manager.after)]).toEqual(['RECORDED', ['carl', 'dana']]);
    expect(manager.after.assents?.[0]?.roles).toEqual(['manager']);
    expect(finance.after.state).toBe('APPROVED');
  });

  it('is worth no more than when it was said', () => {
    const approvers = { atLeast: 2, of: [{ role: MANAGER }, { role: FINANCE }] };
    const said = say(asked({ approvers }), { person: 'carl' }).after;

    const { after } = say(said, { person: 'dana' }, now({ carl: { roles: ['manager', 'finance'] } }));

    expect([after.state, saidBy(after)]).toEqual(['OPEN', ['carl', 'dana']]);
  });

  it('keeps the role a group carried, as long as one may carry it', () => {
    const said = say(asked(), { person: 'carl', roles: ['manager'], lent: ['manager'] }).after;

    expect(said.assents?.[0]?.lent).toEqual(['manager']);
    expect(say(said, {}, now({ carl: { roles: [] } })).after.state).toBe('APPROVED');
  });

  it('counts no more when the program that passed it on speaks for them no more', () => {
    const cast = aVote(asked(), { person: 'carl' });
    const passedOn = { ...cast, by: { ...cast.by, account: PROGRAM } };
    const said = vote(asked(), passedOn, NOW_MS, now()).moved!.next;

    const withdrawn = say(said, {}, now({}, {}, ['lee']));

    expect(withdrawn.after).toMatchObject({
      state: 'OPEN',
      voided: [{ by: { person: 'carl' }, why: 'not-theirs' }],
    });
    expect(say(said, {}, now({}, {}, ['carl'])).after.state).toBe('APPROVED');
  });

  it('counts no more when whoever entered it is gone, or turns out to be the one who asked', () => {
    const opened = asked({}, { accounts: [GUEST_ACCOUNT] });
    const cast = aVote(opened, { person: 'carl', operator: { person: PersonId.parse('kim') } });
    const entered = { ...cast, by: { ...cast.by, account: accountOf('kim') } };
    const said = vote(opened, entered, NOW_MS, now()).moved!.next;

    const gone = say(said, {}, now({ kim: undefined })).after;
    const asking = say(said, {}, now({ kim: { accounts: [GUEST_ACCOUNT] } })).after;

    expect([gone.voided?.[0]?.why, asking.voided?.[0]?.why]).toEqual(['gone', 'requester']);
    expect(say(said, {}).after.state).toBe('APPROVED');
  });

  it('leaves a question, a no and other arguments as they are', () => {
    const said = say(asked(), { person: 'carl' }).after;
    const world = now({ carl: undefined });
    const edit = { args: { order: 7, amount: 40, currency: 'EUR' } };

    expect(say(said, { choice: 'deny' }, world).after.state).toBe('DENIED');
    expect(say(said, { choice: 'edit', edit }, world).after).toMatchObject({ state: 'OPEN', gen: 2 });
    expect(say(said, { choice: 'edit', edit }, world).after.voided).toBeUndefined();
  });
});

describe('a yes in the place of somebody else', () => {
  const erin = { person: PersonId.parse('erin'), roles: ['manager'] };
  const standsFor = [erin];

  function stoodIn(): Approval {
    return say(asked(), { person: 'carl', roles: [], mute: true, standsFor }, now()).after;
  }

  it('counts as long as both are there and the one whose place it is may decide', () => {
    const carl = { roles: [], permitted: false };

    expect(say(stoodIn(), {}, now({ carl })).after.state).toBe('APPROVED');
  });

  it.each<[string, World, string]>([
    ['the one whose place it is is gone', { erin: undefined }, 'powerless'],
    ['the one whose place it is has lost the role', { erin: { roles: [] } }, 'powerless'],
    ['the one whose place it is may approve nothing', { erin: { permitted: false } }, 'powerless'],
    ['it is asked on behalf of them', { erin: { accounts: [GUEST_ACCOUNT] } }, 'powerless'],
    ['the one who stands in is gone', { carl: undefined }, 'gone'],
  ])('counts no more when %s', (_when, world, why) => {
    const opened = asked({}, { accounts: [GUEST_ACCOUNT] });
    const said = say(opened, { person: 'carl', roles: [], mute: true, standsFor }).after;

    const { after } = say(said, {}, now({ carl: { roles: [], permitted: false }, ...world }));

    expect([after.state, after.voided?.[0]?.why]).toEqual(['OPEN', why]);
  });

  it('keeps what a group carried for the one who let them decide', () => {
    const from = { person: erin.person, roles: ['manager'] };
    const passing = { from, lent: ['manager'], to: { person: PersonId.parse('carl') }, operates: false };
    const passed = delegate(asked(), { ...passing, by: from, copies: [] }, NOW_MS).moved!.next;
    const said = say(passed, { person: 'carl', roles: [], mute: true, standsFor }).after;

    const { after } = say(said, {}, now({ erin: { roles: [] }, carl: { roles: [] } }));

    expect(after.state).toBe('APPROVED');
  });

  it('A4 counts no more of somebody to whom it was passed, and who may not approve any more', () => {
    const passing = {
      from: { person: erin.person, roles: ['manager'] },
      to: { person: PersonId.parse('carl') },
    };
    const by = passing.from;
    const passed = delegate(asked(), { ...passing, by, operates: false, copies: [] }, NOW_MS).moved!.next;
    const said = say(passed, { person: 'carl', roles: [], mute: true, standsFor }).after;

    const second = say(said, {}, now({ carl: { roles: [], permitted: false } }));

    expect([second.code, second.after.state]).toEqual(['RECORDED', 'OPEN']);
    expect(second.after.voided).toMatchObject([{ by: { person: 'carl' }, why: 'powerless' }]);
  });

  it('A4 counts of somebody who stands in and may approve nothing, though it was passed to them as well', () => {
    const passing = {
      from: { person: erin.person, roles: ['manager'] },
      to: { person: PersonId.parse('carl') },
    };
    const by = passing.from;
    const passed = delegate(asked(), { ...passing, by, operates: false, copies: [] }, NOW_MS).moved!.next;
    const away = [{ ...erin, way: 'absence' as const }];
    const said = say(passed, { person: 'carl', roles: [], mute: true, standsFor: away }).after;
    const carl = { roles: [], permitted: false };

    expect(say(said, {}, now({ carl })).after.state).toBe('APPROVED');
    const twoWays = [{ ...erin, way: 'delegation' as const }];
    const saidOnce = say(passed, { person: 'carl', roles: [], mute: true, standsFor: twoWays }).after;
    expect(say(saidOnce, {}, now({ carl })).after.state).toBe('OPEN');
  });
});

describe('whether enough people are left', () => {
  const yes = (person: string): Vote => aVote(asked(), { person });
  const voters = (...people: string[]) =>
    people.map((person) => ({ person: PersonId.parse(person), roles: ['manager'] }));

  it('OM-124 does not count the yes of somebody who is gone', () => {
    const said = vote(asked(), yes('carl'), NOW_MS).moved!.next;

    const left = (world: World) => withoutVoid(said, NOW_MS, now(world).people);

    expect(canStillAgree(left({}), voters('dana'))).toBe(true);
    expect(canStillAgree(left({ carl: undefined }), voters('dana'))).toBe(false);
    expect(canStillAgree(left({ carl: undefined }), voters('dana', 'sam'))).toBe(true);
  });

  it('ends it with the no after which they could not agree any more, where one no is not enough', () => {
    const said = say(asked({ denyRule: 'enough' }), { person: 'carl' }).after;
    const others = voters('dana', 'sam');
    const no = { choice: 'deny' as const, others };

    expect(say(said, no).after.state).toBe('OPEN');
    expect(say(said, no, now({ carl: undefined })).after.state).toBe('DENIED');
  });

  it('A4 is not told by a yes of somebody who is gone when further people may decide', () => {
    const approvers = { role: MANAGER, count: 2 };
    const ladder = [{ kind: 'escalate' as const, approvers: { role: MANAGER }, forMs: DEADLINE_MS }];
    const said = say(asked({ approvers, ladder }), { person: 'carl' }).after;
    const over = OPENED_MS + DEADLINE_MS;

    const counting = tick(said, over, now()).moved!.next;
    const gone = tick(said, over, now({ carl: undefined })).moved!.next;

    expect(counting.state).toBe('APPROVED');
    expect([gone.state, saidBy(gone), gone.voided?.[0]?.why]).toEqual(['OPEN', [], 'gone']);
  });
});

it('changes nothing where nobody can tell who is who, or everybody still counts', () => {
  const said = say(asked(), { person: 'carl' }).after;
  const assents = said.assents as Assent[]; // of the yes just said

  expect(withoutVoid(said, NOW_MS, undefined)).toBe(said);
  expect(withoutVoid(said, NOW_MS, now().people)).toBe(said);
  expect(assents).toHaveLength(1);
});
