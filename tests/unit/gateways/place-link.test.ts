import { describe, expect, it } from 'vitest';
import { linkTo as linkToDiscord } from '../../../gateways/discord/outbound.ts';
import { linkTo as linkToSlack } from '../../../gateways/slack/outbound.ts';
import { Platform } from '../../../src/domain/ids.ts';
import type { Address } from '../../../src/domain/message.ts';

const at = (platform: string, route: Address['route']): Address => ({
  platform: Platform.parse(platform),
  route,
});
const WORKSPACE = 'https://acme.slack.com/';
const GUILD = '200000000000000001';
const CHANNEL = '300000000000000001';
const MESSAGE = '400000000000000001';

describe('OM-053 a link to where somebody wants a human', () => {
  it('leads into the thread on Slack, not only to its channel', () => {
    const thread = at('slack', { channel: 'C0GENERAL', thread: '1358546515.000008' });

    expect(linkToSlack(thread, WORKSPACE)).toBe(
      'https://acme.slack.com/archives/C0GENERAL/p1358546515000008?thread_ts=1358546515.000008&cid=C0GENERAL',
    );
  });

  it.each([
    ['there is no thread', { channel: 'C0GENERAL' }, WORKSPACE],
    ['Slack has not said where the workspace is', { channel: 'C0GENERAL', thread: '1.1' }, undefined],
  ])('leads to the channel on Slack where %s', (_, route, workspace) => {
    expect(linkToSlack(at('slack', route), workspace)).toBe(
      'https://slack.com/app_redirect?channel=C0GENERAL',
    );
  });

  it('leads nowhere on Slack where there is no channel', () => {
    expect(linkToSlack(at('slack', { user: 'U0ALEX' }), WORKSPACE)).toBeUndefined();
  });

  it.each([
    ['the thread', { guild: GUILD, channel: CHANNEL, reply: MESSAGE }, `${GUILD}/${CHANNEL}`],
    [
      'the message that a thread is opened on',
      { guild: GUILD, channel: CHANNEL, thread: MESSAGE, title: 'Help' },
      `${GUILD}/${CHANNEL}/${MESSAGE}`,
    ],
    [
      'the channel where the thread is opened on an answer of ours',
      { guild: GUILD, channel: CHANNEL, thread: MESSAGE, interaction: MESSAGE },
      `${GUILD}/${CHANNEL}`,
    ],
  ])('leads on Discord to %s', (_, route, path) => {
    expect(linkToDiscord(at('discord', route))).toBe(`https://discord.com/channels/${path}`);
  });

  it('leads nowhere on Discord where there is no server', () => {
    expect(linkToDiscord(at('discord', { channel: CHANNEL, reply: MESSAGE }))).toBeUndefined();
  });
});
