/** `signalbox check` for Jira, asked of the emulated one. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckFinding } from '../../src/domain/gateway.ts';
import { AccountId } from '../../src/domain/ids.ts';
import { SCOPES, type Scope } from '../../src/sandbox/jira/app-account.ts';
import type { JiraSandboxOptions } from '../../src/sandbox/jira/jira-sandbox.ts';
import { ALEX, DANA } from '../../src/sandbox/people.ts';
import { closedPort } from '../support/closed-port.ts';
import { type JiraFixture, type JiraFixtureOptions, openJira } from '../support/jira-gateway.ts';

const WEBHOOKS = 'Jira webhooks';
/** Where it is noted that a webhook came in that is rightly signed. */
const LAST_WEBHOOK = 'jira-webhook:127.0.0.1:/jira/webhook';

let jira: JiraFixture;

afterEach(async () => jira.close());

/** Not started; a webhook came in before, unless a test takes that back. */
async function open(options: JiraFixtureOptions = {}): Promise<void> {
  jira = await openJira({ ...options, started: false });
  jira.bookmarks.set(LAST_WEBHOOK, String(Date.parse('2026-01-01T00:00:00Z')));
}

async function check(sandbox: JiraSandboxOptions = {}, settings: Record<string, unknown> = {}) {
  await open({ sandbox, settings });
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
      await open({ sandbox, settings });

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
      await open({ sandbox: { flavour, lacks: [permission] }, settings });

      const findings = await jira.gateway.check();

      expect(troubles(findings)).toEqual([]);
      const { detail } = findings.find(({ subject }) => subject === 'Jira permissions in OPS')!;
      expect(detail).toContain(`Jira will refuse ${use} (${permission}, `);
      expect(detail).toContain(page);
    },
  );

  it('tells a project that is hidden from one in which something is missing', async () => {
    const settings = { projects: ['OPS', 'HELP', 'NONE'] };
    await open({
      sandbox: { flavour, lacks: ['HELP:BROWSE_PROJECTS'] },
      settings,
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
    await open({ sandbox: { flavour, lacks: ['OPS:ADD_COMMENTS'] } });
    expect(troubles(await jira.gateway.check())).toMatchObject([
      {
        subject: 'Jira approval issue',
        status: 'missing',
        remedy: expect.stringContaining('"Add Comments"'),
      },
    ]);
    await jira.close();

    await open({ sandbox: { flavour }, settings: { approval_issue: 'OPS-99' } });
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
    await open({ sandbox: { flavour } });
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

  it('names what is in the way when Jira cannot be reached, and what to do', async () => {
    const port = await closedPort();
    await open({ sandbox: { flavour }, settings: { url: `http://127.0.0.1:${port}` } });

    expect(await jira.gateway.check()).toEqual([
      {
        subject: 'Jira account',
        status: 'failed',
        detail: `Jira cannot be reached: nothing takes connections at 127.0.0.1:${port} (ECONNREFUSED)`,
        remedy: expect.stringMatching(/^Check JIRA_URL.*Check the address and the port/),
      },
    ]);
  });
});

describe.each(FLAVOURS)('the check of service desks on %s', (flavour) => {
  it('says that the account is an agent, and who reads the answers', async () => {
    await open({ sandbox: { flavour }, settings: { projects: ['OPS', 'HELP'], answers_internal: false } });

    expect((await jira.gateway.check()).filter(({ subject }) => /service desk/.test(subject))).toEqual([
      {
        subject: 'Jira service desk HELP',
        status: 'works',
        detail: 'the account is an agent there; customers read the answers, too (answers_internal: false)',
      },
    ]);
  });

  it('says which role it needs, and what does not work without', async () => {
    await open({
      sandbox: { flavour, lacks: ['HELP:SERVICEDESK_AGENT'] },
      settings: { projects: ['OPS', 'HELP'] },
    });

    expect(troubles(await jira.gateway.check())).toEqual([
      {
        subject: 'Jira service desk HELP',
        status: 'missing',
        detail: expect.stringMatching(/no agent there: as a customer .* cannot write for agents only/),
        remedy: expect.stringContaining('"Service Desk Team"'),
      },
    ]);
  });

  it('finds nothing wrong with one that nobody said it is to work in, and asks nothing of other projects', async () => {
    await open({ sandbox: { flavour, lacks: ['HELP:SERVICEDESK_AGENT'] } });
    const findings = await jira.gateway.check();
    expect(troubles(findings)).toEqual([]);
    expect(findings).toContainEqual(
      expect.objectContaining({
        subject: 'Jira service desk HELP',
        detail: expect.stringContaining('no agent there'),
      }),
    );
    await jira.close();

    await open({ sandbox: { flavour }, settings: { projects: ['OPS'] } });
    const subjects = (await jira.gateway.check()).map(({ subject }) => subject);
    expect(subjects.join()).not.toContain('service desk');
  });
});

describe('the check of where people are asked', () => {
  it('names JIRA_APPROVAL_ISSUE as missing when an approver of something from elsewhere cannot be asked', async () => {
    await open({ settings: { approval_issue: undefined } });
    const account = AccountId.parse(`jira:${DANA.jiraAccount}`);

    expect(troubles(await jira.gateway.check([account]))).toEqual([
      {
        subject: 'Jira approval issue',
        status: 'missing',
        detail: `JIRA_APPROVAL_ISSUE is missing: nobody can ask ${account} about what comes from another platform`,
        remedy: expect.stringMatching(/set JIRA_APPROVAL_ISSUE to its key, such as OPS-1/),
      },
    ]);
    expect(troubles(await jira.gateway.check([]))).toEqual([]);
  });
});

describe('the check of a token with scopes', () => {
  /** At the address such tokens work at. */
  async function withScopes(scopes: readonly Scope[]): Promise<CheckFinding[]> {
    await open({ sandbox: { scopes }, scoped: true });
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
  });

  it('asks for no scopes of a token that has none', async () => {
    await open();

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
    },
  );

  it.each([
    ['Cloud', {}, ['listWebhooks']],
    ['Data Center', { flavour: 'data-center' as const }, ['listServerWebhooks']],
  ])('says what to enter to an account of %s that is no administrator', async (_, flavour, asked) => {
    const found = await check(flavour);

    expect(await found()).toMatchObject({
      status: 'works',
      detail: expect.stringMatching(/could not be looked at \(needs .*Administer Jira.*\), but they come in/),
    });
    jira.bookmarks.clear();
    expect(await found()).toMatchObject({
      status: 'missing',
      detail: expect.stringMatching(/could not be looked at .*none is known to have come in/),
      remedy: expect.stringMatching(
        /"Issue: created", "Issue: updated".*write a comment that mentions the bot, and run `signalbox check` again/,
      ),
    });
    const lists = jira.sandbox.calls.filter(({ operation }) => operation.endsWith('Webhooks'));
    expect(new Set(lists.map(({ operation }) => operation))).toEqual(new Set(asked));
    expect(lists.map(({ status }) => status)).toContain(403);
  });

  it('asks an administrator of Data Center for no events of comments, which come as updates of their issue', async () => {
    const found = await check({ flavour: 'data-center', administrator: true });
    const [webhook] = jira.sandbox.webhookList;
    jira.sandbox.webhookList = [{ ...webhook!, events: ['jira:issue_created', 'jira:issue_updated'] }];

    expect(await found()).toMatchObject({ status: 'works' });
  });

  it('says that Jira failed when it did', async () => {
    const found = await check({ administrator: true });
    jira.sandbox.fail('listWebhooks', { kind: 'status', status: 503 });

    expect(await found()).toMatchObject({ status: 'failed', remedy: expect.stringContaining('WebHooks') });
  });

  it('never says that they work before one came that is rightly signed, and then says when', async () => {
    await check({ administrator: true });
    jira.bookmarks.clear();
    const secret = async () =>
      (await jira.gateway.check()).find(({ subject }) => subject === 'Jira webhook secret');
    expect(await secret()).toEqual({
      subject: 'Jira webhook secret',
      status: 'missing',
      detail: 'no webhook that is signed with it has reached /jira/webhook yet',
      remedy: expect.stringMatching(/^Start the gateway, write a comment that mentions the bot.*401/),
    });

    await jira.start();
    await jira.sandbox.deliverRaw({ body: '{}', signature: null });
    expect(await secret()).toMatchObject({ status: 'missing' });
    const hello = { user: ALEX.jiraAccount, issue: 'OPS-2', text: '@signalbox hello' };
    await jira.sandbox.comment(hello).acknowledged;
    await jira.gateway.stop();

    expect(await secret()).toEqual({
      subject: 'Jira webhook secret',
      status: 'works',
      detail: expect.stringMatching(/^Jira has the same: .* reached \/jira\/webhook at 20\d\d-/),
    });
  });

  it('says that it does not know when the store is away', async () => {
    await check({ administrator: true });
    jira.bookmarks.get = () => {
      throw new Error('the store is away');
    };

    expect(troubles(await jira.gateway.check())).toMatchObject([
      {
        subject: 'Jira webhook secret',
        status: 'failed',
        detail: expect.stringContaining('the store is away'),
      },
    ]);
  });

  it('asks for no list when Jira is polled', async () => {
    const found = await check({ administrator: true }, { mode: 'poll' });

    expect(await found()).toBeUndefined();
    expect(jira.sandbox.calls.map(({ operation }) => operation)).not.toContain('listWebhooks');
  });
});
