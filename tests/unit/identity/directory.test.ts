import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.ts';
import { type Excluded, excludedFrom } from '../../../src/domain/approval/exclusion.ts';
import { AccountId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { guestIdOf, RoleName } from '../../../src/domain/person.ts';
import type { Voter } from '../../../src/domain/quorum.ts';
import { Directory } from '../../../src/identity/directory.ts';
import { anApproval } from '../../support/approvals.ts';
import { aConfig, gateways } from '../config/config-texts.ts';

const MANAGERS = 'slack:T0/S0MANAGERS';
const alex = PersonId.parse('alex');
const only =
  (...people: PersonId[]): Excluded =>
  ({ person }) =>
    people.includes(person);
const NOW = Date.UTC(2026, 2, 3);

function directoryWith(change: (texts: ReturnType<typeof aConfig>) => Partial<ReturnType<typeof aConfig>>) {
  const texts = aConfig();
  const config = parseConfig({ ...texts, ...change(texts) }, { env: {}, gateways, directory: 'config' });
  return new Directory(() => config);
}

const granting = directoryWith(({ authorizations, contacts }) => ({
  authorizations: authorizations?.replace(
    'manager: { permissions: [ask, approve] }',
    `manager: { permissions: [ask, approve], granted_by: ['${MANAGERS}'] }`,
  ),
  contacts: contacts?.replace('roles: [manager, operator]', 'roles: [operator]'),
}));

describe('roles by a group of the platform', () => {
  it('are held while somebody acts there, beside their own', () => {
    const person = granting.find(PersonId.parse('dana'));

    expect(granting.rolesOf(person!, [MANAGERS, 'slack:T0/S0OTHERS'])).toEqual(['operator', 'manager']);
    expect(granting.rolesOf(person!, ['slack:T0/S0OTHERS'])).toEqual(['operator']);
    expect(granting.rolesOf(person!)).toEqual(['operator']);
  });

  it('let a person decide who could not otherwise, except about what they asked for', () => {
    const dana = granting.find(PersonId.parse('dana'))!;
    const acting = { ...dana, roles: granting.rolesOf(dana, [MANAGERS]) };

    expect(granting.mayDecide(dana, { role: 'manager' }, only(alex), NOW)).toBe(false);
    expect(granting.mayDecide(acting, { role: 'manager' }, only(alex), NOW)).toBe(true);
    expect(granting.mayDecide(acting, { role: 'manager' }, only(dana.id), NOW)).toBe(false);
    expect(granting.mayDecide(acting, { person: alex }, only(alex), NOW)).toBe(false);
  });

  it('make a role one that somebody may hold, though nobody in contacts.yaml does', () => {
    expect(granting.approversOf({ role: 'manager' }, only(alex), NOW)).toEqual([]);
    expect(granting.isGranted({ role: 'manager' })).toBe(true);
    expect(granting.isGranted({ role: 'operator' })).toBe(false);
    expect(granting.isGranted({ person: alex })).toBe(false);
  });
});

describe('where somebody is reached', () => {
  it('is where they prefer, among what runs, after the one that is asked for', () => {
    const directory = directoryWith(() => ({}));
    const dana = directory.find(PersonId.parse('dana'))!;
    const both = new Set(['slack', 'email']);

    expect(directory.reach(dana, both)).toEqual(['email:dana@corp.test', 'slack:T0/U0DANA']);
    expect(directory.reach(dana, both, Platform.parse('slack'))[0]).toBe('slack:T0/U0DANA');
    expect(directory.reach(dana, new Set(['slack']))).toEqual([AccountId.parse('slack:T0/U0DANA')]);
  });
});

describe('whoever asked', () => {
  const DANAS = AccountId.parse('slack:T0/U0DANA');
  const guest = { requester: guestIdOf(DANAS) };
  const role = RoleName.parse('manager');
  const away = directoryWith(({ contacts }) => ({
    contacts: contacts
      ?.replace('roles: [member]', 'roles: [manager]')
      .replace(
        'prefers: [email, slack]',
        'prefers: [email, slack]\n    time_zone: Europe/Berlin\n    absences: [{ from: 2026-03-01, to: 2026-03-09, stand_in: alex }]',
      ),
  }));

  it('before they were somebody here is neither asked nor counted, and nobody speaks for them', () => {
    const mine = anApproval({ request: guest, policy: { approvers: { role } } });
    const others = anApproval({ policy: { approvers: { role } } });
    const dana = away.find(PersonId.parse('dana'))!;
    const ids = (voters: readonly Voter[] = []) =>
      voters.map(({ person, standsFor = [] }) => [person, ...standsFor.map((each) => each.person)]);

    expect(away.approversOf({ role }, excludedFrom(mine), NOW).map(({ id }) => id)).toEqual(['alex']);
    expect(ids(away.votersOn(mine, NOW))).toEqual([['alex']]);
    expect(away.mayDecide(dana, { role }, excludedFrom(mine), NOW)).toBe(false);
    // What they asked for is theirs alone; of all else they decide like everybody.
    expect(
      ids(
        away.votersOn({ ...others, request: { ...others.request, requester: PersonId.parse('sam') } }, NOW),
      ),
    ).toEqual([['alex', 'dana'], ['dana']]);
    expect(away.mayDecide(dana, { role }, excludedFrom(others), NOW)).toBe(true);
  });

  it('is not held up by somebody who is named, and may approve nothing', () => {
    const named = { person: PersonId.parse('alex') };

    expect(directoryWith(() => ({})).votersFor(named, () => false, NOW)).toEqual([]);
    expect(away.votersFor(named, () => false, NOW)).toHaveLength(1);
  });

  it('can say yes where they have an account from which one is taken', () => {
    const [slack, jira] = ['slack', 'jira'].map((each) => Platform.parse(each)) as [Platform, Platform];
    const directory = directoryWith(() => ({}));
    const who = (from?: Platform[]) =>
      directory.votersFor({ role }, () => false, NOW, { from }).map(({ person }) => person);

    expect([who(), who([slack]), who([jira]), who([])]).toEqual([['dana'], ['dana'], [], []]);
    const others = { requester: PersonId.parse('sam') };
    const onlyThere = anApproval({ request: others, policy: { approvers: { role }, approveFrom: [jira] } });
    expect(directory.votersOn(onlyThere, NOW)).toEqual([]);
  });

  it('speaks for whoever passed it to them, as long as they may approve, and for the absent apart from that', () => {
    const [alex, dana] = ['alex', 'dana'].map((person) => PersonId.parse(person)) as [PersonId, PersonId];
    const passedTo = (to: PersonId) => ({ delegations: [{ from: dana, to, by: dana, atMs: NOW }] });

    expect(away.wordsPassedTo(alex, passedTo(alex), NOW)).toMatchObject([
      { person: dana, way: 'delegation' },
    ]);
    expect(away.voterOf(away.find(alex)!, NOW).standsFor).toMatchObject([{ person: dana, way: 'absence' }]);
    expect(directoryWith(() => ({})).wordsPassedTo(alex, passedTo(alex), NOW)).toEqual([]);
  });

  it('goes by every name their accounts would give them', () => {
    expect(away.idsOf(PersonId.parse('dana'))).toContain(guestIdOf(DANAS));
    expect(away.idsOf(PersonId.parse('nobody'))).toEqual(['nobody']);
  });
});
