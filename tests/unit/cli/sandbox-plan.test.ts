import { describe, expect, it } from 'vitest';
import { gatewaySettings, missingOf } from '../../../gateways/gateway-settings.ts';
import {
  environmentBeside,
  playedBySandbox,
  sandboxEnvironment,
  targetsOf,
} from '../../../src/cli/sandbox-plan.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { Platform } from '../../../src/domain/ids.ts';

const TOKEN = 'a'.repeat(32);
const SLACK = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' };
const REAL_PLATFORMS = {
  ...SLACK,
  DISCORD_BOT_TOKEN: 'MTIzNDU2Nzg5MDEy.a.b',
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

function shipped(env: Record<string, string> = {}) {
  return loadConfig({ directory: 'config', env, gateways: gatewaySettings });
}

function running(...platforms: string[]): ReadonlyMap<string, Gateway> {
  const gateways = platforms.map((name): [string, Gateway] => [
    name,
    {
      platform: Platform.parse(name),
      start: async () => undefined,
      stop: async () => undefined,
      send: async () => ({ ref: '' }),
      directAddress: () => undefined,
      check: async () => [],
    },
  ]);
  return new Map(gateways);
}

describe('what the sandbox plays', () => {
  it('is everything without credentials, and programs of its people with it', () => {
    expect(playedBySandbox(shipped())).toEqual(['slack', 'discord', 'jira', 'email', 'web', 'claude']);
    expect(playedBySandbox(shipped(SLACK))).toEqual(['discord', 'jira', 'email', 'web', 'claude']);
  });

  it('OM-185 hands no program a token where every platform is real, with or without a model', () => {
    expect(playedBySandbox(shipped(REAL_PLATFORMS))).toEqual(['claude']);
    expect(playedBySandbox(shipped({ ...REAL_PLATFORMS, ANTHROPIC_API_KEY: 'sk-ant-1' }))).toEqual([]);
  });

  it('is no program where a client has a token of its own', () => {
    expect(playedBySandbox(shipped({ WEB_TOKEN: TOKEN }))).not.toContain('web');
  });

  it('is told to the gateway by the variables of what is played, and no others', () => {
    const env = { SANDBOX_URL: 'http://x', WEB_TOKEN_ALEX: TOKEN, SLACK_BOT_TOKEN: 'xoxb-1' };

    expect(sandboxEnvironment(['web'], env)).toEqual({ SANDBOX_URL: 'http://x', WEB_TOKEN_ALEX: TOKEN });
    expect(sandboxEnvironment(['slack'], env)).toEqual({
      SANDBOX_URL: 'http://x',
      SLACK_BOT_TOKEN: 'xoxb-1',
    });
  });
});

describe('a process beside the one that has the sandbox', () => {
  it('knows where people are reached on everything that is played, whichever way it is connected', () => {
    const played = playedBySandbox(shipped());

    for (const modes of [{}, { SLACK_MODE: 'http', DISCORD_MODE: 'http', JIRA_MODE: 'poll' }]) {
      const { gateways } = shipped({ ...modes, ...environmentBeside(played) }).settings;
      expect(Object.values(missingOf(gateways)).flat()).toEqual([]);
      expect(gateways.jira.approval_issue).toBe('OPS-1');
      expect(gateways.web.clients).toMatchObject({
        alex: { token: expect.any(String) },
        dana: { token: expect.any(String) },
      });
    }
  });

  it('knows nothing more of what is not played', () => {
    const names = Object.keys(environmentBeside(['slack']));

    expect(names.toSorted()).toEqual(['SLACK_APP_TOKEN', 'SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET']);
  });
});

describe('where the sandbox finds the gateway', () => {
  const listener = { url: 'http://127.0.0.1:4000' };

  it('is the web gateway, when it runs', () => {
    expect(targetsOf(running('web'), listener, shipped())).toEqual({ webUrl: 'http://127.0.0.1:4000/web' });
    expect(targetsOf(running('slack'), listener, shipped())).toEqual({});
  });

  it('is what calls over HTTP, and nothing for what connects by itself', () => {
    const config = shipped({ SLACK_MODE: 'http' });

    expect(targetsOf(running('slack', 'discord', 'jira'), listener, config)).toEqual({
      slackUrl: `http://127.0.0.1:4000${config.settings.gateways.slack.path}`,
      jiraUrl: `http://127.0.0.1:4000${config.settings.gateways.jira.path}`,
    });
  });
});
