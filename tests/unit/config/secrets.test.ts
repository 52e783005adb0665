/** What of the environment must not be read, as soon as it stands in the configuration. */
import { describe, expect, it } from 'vitest';
import { gatewaySettings } from '../../../gateways/gateway-settings.ts';
import { parseConfig } from '../../../src/config/load-config.ts';
import { redactText, secretsOf } from '../../../src/observability/redaction.ts';
import { aConfig } from './config-texts.ts';

const MCP = `mcp:
  servers:
    repo:
      command: /usr/bin/repo-server
      args: [--pin, "\${REPO_PIN}"]
      env: { GITHUB_PAT: "\${REPO_PAT}", REGION: "\${REPO_REGION:-a-default-region}", HOME: "\${SOME_HOME}" }
    notes:
      url: \${NOTES_URL}
      headers: { X-Access: "key \${NOTES_ACCESS}", Authorization: "Bearer \${NOTES_BEARER}" }
redis:
  url: \${REDIS_URL}
gateways:
  email:
    address: \${MAIL_ADDRESS}
    smtp: { host: "\${SMTP_HOST}", user: "\${SMTP_USER}", password: "\${SMTP_PASSWORD}" }
`;
const ENV = {
  REPO_PIN: 'one-time-pin-77',
  REPO_PAT: 'plainwordsofapat',
  SOME_HOME: '/home/signalbox',
  NOTES_URL: 'https://notes.corp.test/mcp',
  NOTES_ACCESS: 'abcdabcd12345678',
  NOTES_BEARER: '9f8e7d6c5b4a3210',
  REDIS_URL: 'rediss://default:s3cr3tpassw0rd@redis.corp.test:6379',
  MAIL_ADDRESS: 'bot@corp.test',
  SMTP_HOST: 'smtp.corp.test',
  SMTP_USER: 'signalbox-mailer',
  SMTP_PASSWORD: 'staple42staple',
};

const secrets = () =>
  secretsOf(
    parseConfig(aConfig({ settings: MCP }), { directory: 'config', env: ENV, gateways: gatewaySettings }),
  );

describe('secrets of a configuration', () => {
  it.each([
    'one-time-pin-77',
    'plainwordsofapat',
    'abcdabcd12345678',
    '9f8e7d6c5b4a3210',
    's3cr3tpassw0rd',
    'staple42staple',
  ])('OM-187 hold what came from the environment, whatever its key is called: %s', (secret) => {
    expect(redactText(`It is ${secret}.`, secrets())).toBe('It is [redacted].');
  });

  it.each([
    'bot@corp.test',
    'smtp.corp.test',
    'signalbox-mailer',
    'https://notes.corp.test/mcp',
    '/home/signalbox',
    'a-default-region',
    'redis.corp.test',
    'default',
  ])('hold nothing that anybody may read: %s', (plain) => {
    expect(redactText(`It is ${plain}.`, secrets())).toBe(`It is ${plain}.`);
  });

  it('begin with the longest, so that no rest of one is left', () => {
    const lengths = secrets().map(({ length }) => length);
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
  });
});
