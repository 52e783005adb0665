import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MentionSources, notifiedBy } from '../../../../src/sandbox/discord/mentions.ts';
import { ALEX, DANA, GUILD_ROLES } from '../../../../src/sandbox/people.ts';
import { runs } from '../../../support/property-runs.ts';

const [MANAGERS] = GUILD_ROLES;
const EVERYTHING = `@everyone @here <@${ALEX.discordUser}> <@!${DANA.discordUser}> <@&${MANAGERS.id}>`;
const NOBODY = { everyone: false, here: false, users: [], roles: [], byReply: undefined };

describe('whom a message notifies', () => {
  it('is everybody it names when nothing is said about mentions', () => {
    expect(notified()).toEqual({
      everyone: true,
      here: true,
      users: [ALEX.discordUser, DANA.discordUser],
      roles: [MANAGERS.id],
      byReply: undefined,
    });
  });

  it('is users alone when the message answers an interaction', () => {
    expect(notified({ defaults: 'users' })).toMatchObject({
      everyone: false,
      users: [ALEX.discordUser, DANA.discordUser],
      roles: [],
    });
  });

  it('is neither everyone nor a role for an author without that permission', () => {
    expect(notified({ mayMentionEveryone: false })).toMatchObject({
      everyone: false,
      here: false,
      roles: [],
    });
  });

  it.each([
    ['roles', { parse: ['roles' as const] }, { users: [], roles: [MANAGERS.id] }],
    ['one user', { parse: [], users: [DANA.discordUser] }, { users: [DANA.discordUser], roles: [] }],
    ['one role', { parse: [], roles: [MANAGERS.id] }, { users: [], roles: [MANAGERS.id] }],
    ['nobody, by an empty object', {}, { users: [], roles: [] }],
  ])('is %s when the app allows only that', (_what, allowed, expected) => {
    expect(notified({ allowed })).toMatchObject({ everyone: false, ...expected });
  });

  it('includes the author of what is replied to unless the app allows mentions without them', () => {
    const repliedUser = DANA.discordUser;

    expect(notified({ text: '', repliedUser }).byReply).toBe(repliedUser);
    expect(notified({ text: '', repliedUser, allowed: { replied_user: true } }).users).toEqual([repliedUser]);
    expect(notified({ text: '', repliedUser, allowed: { parse: [] } }).users).toEqual([]);
  });

  it('is nobody, whatever the text, when the app allows no mention', () => {
    const anyText = fc
      .array(fc.oneof(fc.string(), fc.constantFrom(...EVERYTHING.split(' '))))
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(anyText, fc.constantFrom(undefined, DANA.discordUser), (text, repliedUser) => {
        expect(notified({ text, repliedUser, allowed: { parse: [] } })).toEqual(NOBODY);
      }),
      { numRuns: runs(200) },
    );
  });
});

function notified(given: Partial<MentionSources> = {}) {
  return notifiedBy({
    text: EVERYTHING,
    allowed: undefined,
    defaults: 'everybody',
    repliedUser: undefined,
    mayMentionEveryone: true,
    ...given,
  });
}
