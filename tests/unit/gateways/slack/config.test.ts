import { describe, expect, it } from 'vitest';
import { missingCredentials, SlackSettings } from '../../../../gateways/slack/config.ts';

describe('the settings of Slack', () => {
  it('need nothing to be there', () => {
    expect(SlackSettings.parse({})).toEqual({
      enabled: 'auto',
      mode: 'socket',
      api_url: 'https://slack.com/api/',
      path: '/slack/events',
      bots: [],
      bot_turns: 5,
      pace: { posts: 10, seconds: 10 },
    });
  });

  it.each([
    ['an unknown key', { tokens: 'x' }],
    ['a bot token that is none', { bot_token: 'xapp-1' }],
    ['an app token that is none', { app_token: 'xoxb-1' }],
    ['an empty signing secret', { signing_secret: '' }],
    ['a path without a slash', { path: 'slack' }],
    ['being enabled without credentials', { enabled: true }],
    ['OM-190 an address in plain text outside this machine', { api_url: 'http://slack.example.com/api/' }],
  ])('refuse %s', (_, settings) => {
    expect(SlackSettings.safeParse(settings).success).toBe(false);
  });

  it('OM-190 allow plain text to this machine only', () => {
    for (const host of ['127.0.0.1:4080', 'localhost:4080', '[::1]:4080']) {
      expect(SlackSettings.safeParse({ api_url: `http://${host}/slack/api/` }).success).toBe(true);
    }
    expect(SlackSettings.safeParse({ api_url: 'http://127.0.0.1.evil.example/' }).success).toBe(false);
  });

  it('know what their mode needs', () => {
    expect(missingCredentials(SlackSettings.parse({}))).toEqual(['bot_token', 'app_token']);
    expect(missingCredentials(SlackSettings.parse({ mode: 'http', bot_token: 'xoxb-1' }))).toEqual([
      'signing_secret',
    ]);
    expect(missingCredentials(SlackSettings.parse({ bot_token: 'xoxb-1', app_token: 'xapp-1' }))).toEqual([]);
  });
});
