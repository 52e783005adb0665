import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.ts';
import { AccountId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { Directory } from '../../../src/identity/directory.ts';
import { aConfig, gateways } from '../config/config-texts.ts';

const MANAGERS = 'slack:T0/S0MANAGERS';
const alex = PersonId.parse('alex');
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

    expect(granting.mayDecide(dana, { role: 'manager' }, new Set([alex]), NOW)).toBe(false);
    expect(granting.mayDecide(acting, { role: 'manager' }, new Set([alex]), NOW)).toBe(true);
    expect(granting.mayDecide(acting, { role: 'manager' }, new Set([dana.id]), NOW)).toBe(false);
    expect(granting.mayDecide(acting, { person: alex }, new Set([alex]), NOW)).toBe(false);
  });

  it('make a role one that somebody may hold, though nobody in contacts.yaml does', () => {
    expect(granting.approversOf({ role: 'manager' }, new Set([alex]), NOW)).toEqual([]);
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
