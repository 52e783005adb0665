import { describe, expect, it } from 'vitest';
import { gatewaySettings } from '../../../gateways/gateway-settings.ts';
import { type BannerFacts, banner } from '../../../src/cli/banner.ts';
import { loadConfig } from '../../../src/config/load-config.ts';

function facts(env: Record<string, string>, over: Partial<BannerFacts> = {}): BannerFacts {
  return {
    config: loadConfig({ directory: 'config', env, gateways: gatewaySettings }),
    gateways: [],
    sandboxUrl: undefined,
    played: [],
    embedded: true,
    ...over,
  };
}

const REAL = {
  ANTHROPIC_API_KEY: 'sk-ant-0123456789',
  SLACK_BOT_TOKEN: 'xoxb-1',
  SLACK_APP_TOKEN: 'xapp-1',
  DISCORD_BOT_TOKEN: 'MTIzNDU2Nzg5MDEy.very.secret',
  DISCORD_APPLICATION_ID: '123456789012345678',
  JIRA_URL: 'https://corp.atlassian.net',
  JIRA_EMAIL: 'bot@corp.test',
  JIRA_API_TOKEN: 'very-secret-token',
  JIRA_WEBHOOK_SECRET: 'very-secret-webhook',
  MAIL_ADDRESS: 'bot@corp.test',
  SMTP_HOST: 'mail.corp.test',
  IMAP_HOST: 'mail.corp.test',
  IMAP_USER: 'bot',
  IMAP_PASSWORD: 'very-secret',
};

describe('the banner', () => {
  it('tells what to try in five lines when the sandbox plays everything', () => {
    const text = banner(
      facts(REAL, {
        gateways: ['slack', 'email'],
        sandboxUrl: 'http://127.0.0.1:4080',
        played: ['slack', 'email', 'claude'],
      }),
    );

    expect(text).toContain('Open http://127.0.0.1:4080');
    expect(text.match(/^ {4}\d\. /gm)).toHaveLength(5);
    expect(text).toContain('Model:    a stand-in for Claude');
    expect(text).toContain('Without credentials: Slack, E-mail, Claude');
  });

  it.each([
    [
      ['slack', 'discord', 'jira', 'email'],
      ['write in #general:  @signalbox', 'reply to the mail'],
    ],
    [['slack'], ['write in #general:  @signalbox', 'press Approve on the card']],
    [
      ['discord', 'email'],
      ['On the tab Discord', '/ask refund order 7', 'reply to the mail'],
    ],
    [['discord'], ['On the tab Discord', '/ask refund order 7', 'press Approve on the card']],
    [
      ['jira', 'email'],
      ['On the tab Jira', 'reply to the mail'],
    ],
    [['jira'], ['On the tab Jira', 'comment with the line it names']],
    [['email'], ["In Alex's mailbox", 'reply to the mail', "result in Alex's mailbox"]],
  ] as const)('tells what to try with what is played alone: %j', (played, steps) => {
    const text = banner(facts(REAL, { sandboxUrl: 'http://127.0.0.1:4080', played: [...played, 'web'] }));

    expect(text.match(/^ {4}\d\. /gm)).toHaveLength(5);
    for (const step of steps) expect(text).toContain(step);
    if (!(played as readonly string[]).includes('email')) expect(text).not.toMatch(/mail/);
  });

  it('sends nobody to the page when the sandbox plays Claude alone', () => {
    const over = { gateways: ['slack'], sandboxUrl: 'http://127.0.0.1:4080', played: ['claude'] } as const;

    const text = banner(facts(REAL, over));

    expect(text).not.toContain('http://127.0.0.1:4080');
    expect(text).toContain('Mention the bot in a Slack channel');
  });

  it('says how to speak to it, and of nothing that is missing, when everything is real', () => {
    const text = banner(facts(REAL, { gateways: ['slack', 'discord', 'jira', 'email'], embedded: false }));

    expect(text).toContain('Slack:    connected');
    expect(text).toContain(
      'Mention the bot in a Slack channel it was invited to. Use /ask on Discord. Mention it in a comment in Jira. Write it a mail.',
    );
    expect(text).toContain('the Redis of REDIS_URL');
    expect(text).not.toContain('Without credentials');
    expect(text).not.toContain('very-secret');
  });

  it('does not pretend that anything works without credentials and sandbox', () => {
    const text = banner(facts({}));

    expect(text).toContain('No platform is connected.');
    expect(text).toContain('none: there is no API key, so nothing is answered');
    for (const platform of ['Slack', 'Discord', 'Jira', 'E-mail', 'Claude']) {
      expect(text).toMatch(new RegExp(`Without credentials: .*${platform}.*check`));
    }
  });
});
