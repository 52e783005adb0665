/** `signalbox check` for Jira, asked of the emulated one. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckFinding } from '../../src/domain/gateway.ts';
import type { JiraSandboxOptions } from '../../src/sandbox/jira/jira-sandbox.ts';
import { type JiraFixture, openJira } from '../support/jira-gateway.ts';

const WEBHOOKS = 'Jira webhooks';

let jira: JiraFixture;

afterEach(async () => jira.close());

async function check(sandbox: JiraSandboxOptions = {}, settings: Record<string, unknown> = {}) {
  jira = await openJira({ sandbox, settings, started: false });
  return async (): Promise<CheckFinding | undefined> => {
    const findings = await jira.gateway.check();
    return findings.find(({ subject }) => subject === WEBHOOKS);
  };
}

it('names each permission that is missing, and where to grant it', async () => {
  jira = await openJira({ sandbox: { lacks: ['ADD_COMMENTS'] }, started: false });

  expect(await jira.gateway.check()).toContainEqual({
    subject: 'Jira permissions',
    status: 'missing',
    detail: 'ADD_COMMENTS (answering)',
    remedy: expect.stringContaining('permission scheme'),
  });
});

describe('the check of the webhooks', () => {
  it.each([
    ['Cloud', {}],
    ['Data Center 10', { flavour: 'data-center' as const }],
    ['Data Center 9', { flavour: 'data-center' as const, version: '9.12.0' }],
  ])(
    'tells an administrator of %s which webhook points here, and what is wrong with it',
    async (_, flavour) => {
      const found = await check({ ...flavour, administrator: true });
      expect(await found()).toMatchObject({
        status: 'works',
        detail: expect.stringContaining('"Signalbox" calls'),
      });
      const [webhook] = jira.sandbox.webhookList;

      jira.sandbox.webhookList = [{ ...webhook!, enabled: false, excludeBody: true }];
      expect(await found()).toMatchObject({
        status: 'missing',
        detail: expect.stringContaining('is disabled and leaves out the body'),
        remedy: expect.stringContaining('enable it, switch "Exclude body" off'),
      });

      jira.sandbox.webhookList = [{ ...webhook!, events: ['jira:issue_created'] }];
      expect(await found()).toMatchObject({
        status: 'missing',
        detail: expect.stringContaining('jira:issue_updated'),
      });

      jira.sandbox.webhookList = [{ ...webhook!, jql: 'project = OPS' }];
      expect(await found()).toMatchObject({
        status: 'works',
        detail: expect.stringContaining('its JQL only'),
      });

      jira.sandbox.webhookList = [];
      expect(await found()).toMatchObject({ status: 'missing', remedy: expect.stringContaining('Create') });
      expect(jira.sandbox.violations).toEqual([]);
    },
  );

  it.each([
    ['Cloud', {}, ['listWebhooks']],
    ['Data Center', { flavour: 'data-center' as const }, ['listServerWebhooks']],
  ])('says what to enter to an account of %s that is no administrator', async (_, flavour, asked) => {
    const found = await check(flavour);

    expect(await found()).toMatchObject({
      status: 'works',
      detail: expect.stringContaining('only an administrator of Jira sees'),
    });
    const lists = jira.sandbox.calls.filter(({ operation }) => operation.endsWith('Webhooks'));
    expect(lists.map(({ operation }) => operation)).toEqual(asked);
    expect(lists.map(({ status }) => status)).toContain(403);
  });

  it('says that Jira failed when it did', async () => {
    const found = await check({ administrator: true });
    jira.sandbox.fail('listWebhooks', { kind: 'status', status: 503 });

    expect(await found()).toMatchObject({ status: 'failed', remedy: expect.stringContaining('WebHooks') });
  });

  it('asks for no list when Jira is polled', async () => {
    const found = await check({ administrator: true }, { mode: 'poll' });

    expect(await found()).toBeUndefined();
    expect(jira.sandbox.calls.map(({ operation }) => operation)).not.toContain('listWebhooks');
  });
});
