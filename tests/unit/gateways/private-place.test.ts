/** Which places are read by one person alone, as the platforms name them. */
import { describe, expect, it } from 'vitest';
import { isPrivate as isPrivateOnDiscord } from '../../../gateways/discord/outbound.ts';
import { isPrivate as isPrivateMail } from '../../../gateways/email/outbound.ts';
import { isPrivate as isPrivateOnSlack } from '../../../gateways/slack/outbound.ts';
import { Platform } from '../../../src/domain/ids.ts';

const at = (platform: string, route: Record<string, string>) => ({
  platform: Platform.parse(platform),
  route,
});
const [CHANNEL, THREAD, USER] = ['900000000000000001', '900000000000000002', '900000000000000003'];

describe('a place that one person alone reads', () => {
  it.each([
    ['a direct message', { channel: 'D0ALEX', thread: '1700000000.000100' }, true],
    ['a person', { user: 'U0ALEX' }, true],
    ['a command, whose answer its author alone is shown', { channel: 'C0GENERAL', user: 'U0ALEX' }, true],
    ['a channel', { channel: 'C0GENERAL' }, false],
    ['a thread of a channel', { channel: 'C0GENERAL', thread: '1700000000.000100' }, false],
    ['a conversation of several people', { channel: 'G0SEVERAL' }, false],
    ['no address of Slack', { to: 'alex@example.com' }, false],
  ])('of Slack: %s', (_, route, isPrivate) => {
    expect(isPrivateOnSlack(at('slack', route))).toBe(isPrivate);
  });

  it.each([
    ['an answer in a direct message', { channel: CHANNEL, reply: THREAD }, true],
    ['a command in a direct message', { channel: CHANNEL, interaction: THREAD, sealed: 'x' }, true],
    ['a person', { user: USER }, true],
    ['an answer in a server', { channel: CHANNEL, guild: USER, reply: THREAD }, false],
    ['a thread of a server', { channel: CHANNEL, guild: USER, thread: THREAD, title: 'x' }, false],
    ['a channel that was only named', { channel: CHANNEL }, false],
  ])('of Discord: %s', (_, route, isPrivate) => {
    expect(isPrivateOnDiscord(at('discord', route))).toBe(isPrivate);
  });

  it.each([
    ['an answer, which goes to the author alone', { to: 'alex@example.com', subject: 'Hello' }, true],
    ['an address that was only named, and may be a list', { to: 'team@example.com' }, false],
  ])('of mail: %s', (_, route, isPrivate) => {
    expect(isPrivateMail(at('email', route))).toBe(isPrivate);
  });
});
