/** `signalbox check` for Jira, asked of the emulated one. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckFinding } from '../../src/domain/gateway.ts';
import { SCOPES, type Scope } from '../../src/sandbox/jira/app-account.ts';
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

const FLAVOURS = ['cloud', 'data-center'] as const;

/** What is found besides what works. */
function troubles(findings: readonly CheckFinding[]): CheckFinding[] {
  return findings.filter(({ status }) => status !== 'works');
}

describe.each(FLAVOURS)('the check of permissions on %s', (flavour) => {
  it.each(['ADD_COMMENTS', 'EDIT_OWN_COMMENTS', 'CREATE_ATTACHMENTS'])(
    'names %s when it is missing, in which project, and the page on which to grant it',
    async (permission) => {
      const settings = { projects: ['OPS', 'HELP'], approval_issue: undefined };
      const sandbox = { flavour, lacks: [`HELP:${permission}`] };
      jira = await openJira({ sandbox, settings, started: false });

      const findings = await jira.gateway.check();

      expect(troubles(findings)).toEqual([
        {
          subject: `Jira permission ${permission} in HELP`,
          status: 'missing',
          detail: expect.stringMatching(/is not granted: no \w+/),
          remedy: expect.stringMatching(
            /^As an administrator grant "[A-Z][\w ]+" .*\/jira\/plugins\/servlet\/project-config\/HELP\/permissions/,
          ),
        },
      ]);
      expect(findings).toContainEqual(
        expect.objectContaining({ subject: 'Jira permissions in OPS', status: 'works' }),
      );
      expect(jira.sandbox.violations).toEqual([]);
    },
  );

  it.each([
    ['CREATE_ISSUES', 'jira_create_issue', 'project-config/OPS'],
    ['TRANSITION_ISSUES', 'jira_transition', 'project-config/OPS'],
    ['ASSIGN_ISSUES', 'jira_assign', 'project-config/OPS'],
    ['LINK_ISSUES', 'jira_link', 'project-config/OPS'],
    ['ASSIGNABLE_USER', 'issues that are assigned to the bot', 'project-config/OPS'],
    ['USER_PICKER', 'telling people by a mention', 'GlobalPermissions'],
  ])(
    'says that without %s Jira will refuse %s alone, and where to grant it',
    async (permission, use, page) => {
      const settings = { projects: ['OPS'] };
      jira = await openJira({ sandbox: { flavour, lacks: [permission] }, settings, started: false });

      const findings = await jira.gateway.check();

      expect(troubles(findings)).toEqual([]);
      const { detail } = findings.find(({ subject }) => subject === 'Jira permissions in OPS')!;
      expect(detail).toContain(`Jira will refuse ${use} (${permission}, `);
      expect(detail).toContain(page);
    },
  );

  it('tells a project that is hidden from one in which something is missing', async () => {
    const settings = { projects: ['OPS', 'HELP', 'NONE'] };
    jira = await openJira({
      sandbox: { flavour, lacks: ['HELP:BROWSE_PROJECTS'] },
      settings,
      started: false,
    });

    expect(troubles(await jira.gateway.check())).toMatchObject([
      {
        subject: 'Jira project HELP',
        status: 'missing',
        remedy: expect.stringContaining('"Browse Projects"'),
      },
      {
        subject: 'Jira project NONE',
        status: 'missing',
        detail: expect.stringContaining('there is no project NONE'),
      },
    ]);
  });

  it('looks whether people can be asked in the issue for approvals', async () => {
    jira = await openJira({ sandbox: { flavour, lacks: ['OPS:ADD_COMMENTS'] }, started: false });
    expect(troubles(await jira.gateway.check())).toMatchObject([
      {
        subject: 'Jira approval issue',
        status: 'missing',
        remedy: expect.stringContaining('"Add Comments"'),
      },
    ]);
    await jira.close();

    jira = await openJira({ sandbox: { flavour }, settings: { approval_issue: 'OPS-99' }, started: false });
    expect(troubles(await jira.gateway.check())).toMatchObject([
      {
        subject: 'Jira approval issue',
        status: 'failed',
        detail: expect.stringContaining('Jira answered 404'),
        remedy: expect.stringContaining('OPS-99 is none'),
      },
    ]);
  });

  it.each([
    [401, { cloud: 'api-tokens', 'data-center': 'Personal Access Tokens' }],
    [403, { cloud: 'admin.atlassian.com', 'data-center': 'Application access' }],
    [404, { cloud: 'no Jira at this address', 'data-center': 'no Jira at this address' }],
    [503, { cloud: 'status.atlassian.com', 'data-center': 'a proxy before it' }],
  ] as const)('says what to do about a sign-in that is answered with %i', async (status, remedies) => {
    jira = await openJira({ sandbox: { flavour }, started: false });
    jira.sandbox.fail('getCurrentUser', { kind: 'status', status });

    expect(await jira.gateway.check()).toEqual([
      {
        subject: 'Jira account',
        status: 'failed',
        detail: expect.stringContaining(`Jira answered ${status}`),
        remedy: expect.stringContaining(remedies[flavour]),
      },
    ]);
  });
});

describe('the check of a token with scopes', () => {
  /** At the address such tokens work at. */
  async function withScopes(scopes: readonly Scope[]): Promise<CheckFinding[]> {
    jira = await openJira({ sandbox: { scopes }, scoped: true, started: false });
    return jira.gateway.check();
  }

  it('names every scope when all are there', async () => {
    const findings = await withScopes(SCOPES);

    expect(troubles(findings)).toEqual([]);
    expect(findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(SCOPES.map((scope) => `Jira scope ${scope}`)),
    );
  });

  it.each(SCOPES)('names %s when it is missing, and says how to get another token', async (scope) => {
    const findings = await withScopes(SCOPES.filter((each) => each !== scope));

    expect(troubles(findings)).toEqual([
      {
        subject: `Jira scope ${scope}`,
        status: 'missing',
        detail: expect.stringContaining('the token has not this scope'),
        remedy: expect.stringContaining('https://id.atlassian.com/manage-profile/security/api-tokens'),
      },
    ]);
  });

  it('changes nothing in Jira', async () => {
    await withScopes(SCOPES);

    const writing = jira.sandbox.calls.filter(({ method }) => method !== 'GET');
    expect(writing).toMatchObject([{ operation: 'deleteCommentProperty', status: 404 }]);
    expect(jira.sandbox.violations).toEqual([]);
  });

  it('asks for no scopes of a token that has none', async () => {
    jira = await openJira({ started: false });

    const subjects = (await jira.gateway.check()).map(({ subject }) => subject);
    expect(subjects.filter((subject) => subject.includes('scope'))).toEqual([]);
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
        detail: expect.stringMatching(
          /"Signalbox" calls .* for all that is needed: jira:issue_created, jira:issue_updated/,
        ),
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

  it('says that Jira shows nobody the secret, and how one sees that it is the right one', async () => {
    await check({ administrator: true });

    expect(await jira.gateway.check()).toContainEqual({
      subject: 'Jira webhook secret',
      status: 'works',
      detail: expect.stringMatching(/first webhook comes.*answered with 401/),
    });
  });

  it('asks for no list when Jira is polled', async () => {
    const found = await check({ administrator: true }, { mode: 'poll' });

    expect(await found()).toBeUndefined();
    expect(jira.sandbox.calls.map(({ operation }) => operation)).not.toContain('listWebhooks');
  });
});
