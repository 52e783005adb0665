import { PermissionsBitField } from 'discord.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ADMINISTRATOR,
  EVERY_NEEDED,
  isDeniedItself,
  lackingOf,
  NEEDED,
  neededIn,
  permissionsAt,
  permissionsIn,
} from '../../../../gateways/discord/permissions.ts';
import { GuildChannel, Role } from '../../../../gateways/discord/schema.ts';

const GUILD = '4';
const US = '1';
const OUR_ROLES = ['6', '7'];
const VIEW = NEEDED['View Channels'].bit;
const SEND = NEEDED['Send Messages'].bit;

const role = (id: string, permissions: bigint) => Role.parse({ id, permissions: String(permissions) });
const standing = (everyone: bigint, ours: bigint, second = 0n) => ({
  guild: GUILD,
  userId: US,
  roles: [role(GUILD, everyone), role('6', ours), role('7', second), role('8', ADMINISTRATOR)],
  has: OUR_ROLES,
});
const channel = (...overwrites: [id: string, allow: bigint, deny: bigint][]) =>
  GuildChannel.parse({
    id: '5',
    type: 0,
    permission_overwrites: overwrites.map(([id, allow, deny]) => ({
      id,
      type: 0,
      allow: String(allow),
      deny: String(deny),
    })),
  });

describe('what the bot may do', () => {
  it('is named by the bits that Discord knows', () => {
    const known: Record<string, bigint> = PermissionsBitField.Flags;

    expect(EVERY_NEEDED.map((name) => NEEDED[name].bit)).toEqual(
      [
        'ViewChannel',
        'SendMessages',
        'EmbedLinks',
        'AttachFiles',
        'ReadMessageHistory',
        'CreatePublicThreads',
        'SendMessagesInThreads',
      ].map((name) => known[name]),
    );
  });

  it('in a server is what everybody and its own roles may', () => {
    expect(permissionsAt(standing(VIEW, SEND))).toBe(VIEW | SEND);
  });

  it.each<[string, [string, bigint, bigint][], boolean]>([
    ['nothing is said', [], true],
    ['everybody is denied', [[GUILD, 0n, SEND]], false],
    [
      'everybody is denied and a role of its is allowed',
      [
        [GUILD, 0n, SEND],
        ['7', SEND, 0n],
      ],
      true,
    ],
    [
      'one of its roles is denied and the other is allowed',
      [
        ['6', 0n, SEND],
        ['7', SEND, 0n],
      ],
      true,
    ],
    [
      'a role of its is allowed and it itself is denied',
      [
        ['7', SEND, 0n],
        [US, 0n, SEND],
      ],
      false,
    ],
    [
      'everything is denied but it itself is allowed',
      [
        [GUILD, 0n, SEND],
        ['6', 0n, SEND],
        [US, SEND, 0n],
      ],
      true,
    ],
    ['a role of others is denied', [['8', 0n, SEND]], true],
  ])('in a channel where %s', (_, overwrites, may) => {
    const granted = permissionsIn(channel(...overwrites), standing(VIEW, SEND));

    expect((granted & SEND) !== 0n).toBe(may);
  });

  it('is everything for an administrator, whatever a channel says', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 50n }), (deny) => {
        const granted = permissionsIn(channel([US, 0n, deny]), standing(0n, ADMINISTRATOR));
        expect(lackingOf(granted, EVERY_NEEDED)).toEqual([]);
      }),
    );
  });

  it('is needed less in a forum, and where no threads are opened', () => {
    expect(neededIn({ type: 15 }, true)).not.toContain('Send Messages');
    expect(neededIn({ type: 15 }, true)).toContain('Send Messages in Threads');
    expect(neededIn({ type: 0 }, false)).not.toContain('Create Public Threads');
    expect(neededIn({ type: 0 }, true)).toEqual(EVERY_NEEDED);
  });

  it('is told apart where it is the bot itself that is denied', () => {
    expect(isDeniedItself(channel([US, 0n, SEND]), ['Send Messages'], US)).toBe(true);
    expect(isDeniedItself(channel(['6', 0n, SEND]), ['Send Messages'], US)).toBe(false);
    expect(isDeniedItself(channel([US, 0n, VIEW]), ['Send Messages'], US)).toBe(false);
  });
});
