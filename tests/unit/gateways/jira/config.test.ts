import { describe, expect, it } from 'vitest';
import { gatewaySettings } from '../../../../gateways/gateway-settings.ts';
import { flavourOf, JiraSettings, missingJiraSettings, siteOf } from '../../../../gateways/jira/config.ts';
import { loadConfig } from '../../../../src/config/load-config.ts';

const cloud = {
  url: 'https://example.atlassian.net',
  email: 'bot@example.com',
  api_token: 'token-of-the-bot',
  webhook_secret: 'sixteen-characters',
};

describe('the settings of the Jira gateway', () => {
  it('lack nothing with what Cloud needs, or what Data Center needs', () => {
    const { url, webhook_secret } = cloud;
    const server = { url, webhook_secret, personal_token: 'token-of-the-bot' };

    expect(missingJiraSettings(JiraSettings.parse(cloud))).toEqual([]);
    expect(missingJiraSettings(JiraSettings.parse(server))).toEqual([]);
    expect(flavourOf(JiraSettings.parse(cloud))).toBe('cloud');
    expect(flavourOf(JiraSettings.parse(server))).toBe('data-center');
  });

  it('name what is missing', () => {
    expect(missingJiraSettings(JiraSettings.parse({}))).toEqual([
      'url',
      'email',
      'api_token',
      'webhook_secret',
    ]);
    expect(missingJiraSettings(JiraSettings.parse({ mode: 'poll', flavour: 'data-center' }))).toEqual([
      'url',
      'personal_token',
    ]);
  });

  it.each([
    ['an address in the clear', { url: 'http://jira.example.com' }, 'https'],
    ['a secret that can be guessed', { webhook_secret: 'short' }, '16 characters'],
    ['an issue key that is none', { approval_issue: 'ops 1' }, 'OPS-12'],
    ['a project key that is none', { projects: ['ops'] }, 'capital letters'],
    ['a look back that misses late changes', { poll: { overlap_minutes: 1 } }, '5'],
    ['a setting that does not exist', { token: 'x' }, 'token'],
    ['being on without credentials', { enabled: true }, 'lacks credentials'],
  ])('OM-190 refuse %s and say why', (_what, settings, why) => {
    const { error } = JiraSettings.safeParse({ ...cloud, email: undefined, ...settings });

    expect(error?.message).toContain(why);
  });

  it('say of an address without its beginning that https:// belongs before it', () => {
    const env = { JIRA_URL: 'example.atlassian.net' };
    const load = () => loadConfig({ directory: 'config', env, gateways: gatewaySettings });

    expect(load).toThrow(/gateways\.jira\.url.*https:\/\/ before it/s);
  });

  it('take an address of this machine in the clear', () => {
    expect(JiraSettings.safeParse({ url: 'http://127.0.0.1:8080/jira' }).success).toBe(true);
  });

  it('tell sites apart by their host', () => {
    expect(siteOf(JiraSettings.parse(cloud))).toBe('example.atlassian.net');
  });
});
