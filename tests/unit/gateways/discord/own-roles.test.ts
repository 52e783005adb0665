import { describe, expect, it } from 'vitest';
import { OwnRoles } from '../../../../gateways/discord/own-roles.ts';
import { Role } from '../../../../gateways/discord/schema.ts';
import { UndeliverableError } from '../../../../src/domain/errors.ts';

const ROLES = [
  Role.parse({ id: '4', name: '@everyone' }),
  Role.parse({ id: '5', name: 'deploy', tags: { bot_id: '2' } }),
  Role.parse({ id: '6', name: 'signalbox', tags: { bot_id: '1' } }),
  Role.parse({ id: '7', name: 'boosters', tags: { premium_subscriber: null } }),
];

describe('the role that came with the bot', () => {
  it('is known without asking where a session told of it', async () => {
    const roles = new OwnRoles(async () => Promise.reject(new Error('asked')));
    roles.learn('4', ROLES, '1');

    expect(roles.known('4')).toBe('6');
    expect(await roles.find('4', '1')).toBe('6');
  });

  it('is asked for once where no session did', async () => {
    let asked = 0;
    const roles = new OwnRoles(async () => {
      asked++;
      return ROLES;
    });

    expect(roles.known('4')).toBeUndefined();
    expect(await roles.find('4', '1')).toBe('6');
    expect(await roles.find('4', '1')).toBe('6');
    expect(asked).toBe(1);
  });

  it('is none where the bot has none, or may not ask', async () => {
    const refused = new OwnRoles(async () => Promise.reject(new UndeliverableError('discord', 'no')));

    expect(await new OwnRoles(async () => ROLES.slice(0, 2)).find('4', '1')).toBeUndefined();
    expect(await refused.find('4', '1')).toBeUndefined();
  });

  it('is asked for again when Discord was away', async () => {
    let isAway = true;
    const roles = new OwnRoles(async () => {
      if (isAway) throw new Error('away');
      return ROLES;
    });
    await expect(roles.find('4', '1')).rejects.toThrow('away');

    isAway = false;

    expect(await roles.find('4', '1')).toBe('6');
  });
});
