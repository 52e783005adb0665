import { describe, expect, it } from 'vitest';
import { DiscordSettings, isOpen, missingDiscordSettings } from '../../../../gateways/discord/config.ts';

const credentials = {
  bot_token: 'MTIzNDU2Nzg5MDEy.Gabcde.secret_part-1',
  application_id: '123456789012345678',
};

describe('the settings of Discord', () => {
  it('need nothing to be there', () => {
    expect(DiscordSettings.parse({})).toMatchObject({
      enabled: 'auto',
      mode: 'gateway',
      message_content: false,
    });
  });

  it.each([
    [{}, ['bot_token', 'application_id']],
    [credentials, []],
    [{ ...credentials, mode: 'http' }, ['public_key']],
  ] as const)('say what is missing of %j', (settings, missing) => {
    expect(missingDiscordSettings(DiscordSettings.parse(settings))).toEqual(missing);
  });

  it.each([
    ['a token that is none', { bot_token: 'secret' }],
    ['an application id that is none', { application_id: 'signalbox' }],
    ['a key that is none', { public_key: 'abc' }],
    ['an address in the clear', { api_url: 'http://discord.test/api' }],
    ['being insisted on without credentials', { enabled: true }],
    ['an unknown key', { intents: 3 }],
  ])('refuse %s', (_, settings) => {
    expect(DiscordSettings.safeParse(settings).success).toBe(false);
  });

  it.each([
    ['direct messages', {}, { guild: undefined, channel: '1', parent: undefined }, true],
    ['any channel', {}, { guild: '5', channel: '1', parent: undefined }, true],
    [
      'a channel not allowed',
      { allowed_channels: ['2'] },
      { guild: '5', channel: '1', parent: undefined },
      false,
    ],
    [
      'a thread of a channel allowed',
      { allowed_channels: ['2'] },
      { guild: '5', channel: '1', parent: '2' },
      true,
    ],
    [
      'a guild not allowed',
      { allowed_guilds: ['6'] },
      { guild: '5', channel: '1', parent: undefined },
      false,
    ],
  ] as const)('listen to %s: %j %j %s', (_, settings, place, open) => {
    const ids = Object.fromEntries(
      Object.entries(settings).map(([key, list]: [string, readonly string[]]) => [
        key,
        list.map((id) => id.padStart(17, '0')),
      ]),
    );
    const long = (id: string | undefined) => id?.padStart(17, '0');

    expect(
      isOpen(DiscordSettings.parse(ids), {
        guild: long(place.guild),
        channel: long(place.channel) ?? '',
        parent: long(place.parent),
      }),
    ).toBe(open);
  });
});
