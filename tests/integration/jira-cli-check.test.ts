/** What the command `signalbox check` finds out about Jira from the store and from the people, by the real command. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckFinding } from '../../src/domain/gateway.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';
import { type JiraFixture, openJira } from '../support/jira-gateway.ts';

let jira: JiraFixture;
let home: CliHome;

afterEach(async () => {
  await home.remove();
  await jira.close();
});

/** With mail beside Jira, so that requests come from elsewhere, too. */
async function open(): Promise<void> {
  jira = await openJira({ started: false });
  const { JIRA_APPROVAL_ISSUE: _, ...env } = jira.sandbox.env(new URL(jira.siteUrl).origin);
  home = createCliHome('shared', {
    ...env,
    MAIL_ADDRESS: 'bot@corp.test',
    SMTP_HOST: '127.0.0.1',
    SMTP_PORT: '1',
    MAIL_LISTEN_PORT: '0',
    MAIL_LISTEN_PROTOCOL: 'smtp',
  });
}

async function check(): Promise<CheckFinding[]> {
  const { out } = await home.run('check', '--json');
  return JSON.parse(out).findings;
}

describe('signalbox check', () => {
  it('says that JIRA_APPROVAL_ISSUE is missing once an approver can be asked nowhere but in Jira', {
    timeout: 60_000,
  }, async () => {
    await open();
    const named = (findings: CheckFinding[]) =>
      findings.find(({ subject }) => subject === 'Jira approval issue');
    expect(named(await check())).toMatchObject({ status: 'works' });

    home.edit(
      'contacts.yaml',
      / {2}dana:[\s\S]*$/,
      [
        '  dana:',
        '    name: Dana Reyes',
        '    roles: [manager, operator]',
        '    accounts:',
        '      jira: 70121:00000000-0000-4000-8000-000000000002',
        '      cli: local',
      ].join('\n'),
    );
    expect(named(await check())).toMatchObject({
      status: 'missing',
      detail: expect.stringMatching(
        /^JIRA_APPROVAL_ISSUE is missing: nobody can ask jira:70121:00000000-0000-4000-8000-000000000002 /,
      ),
    });
  });

  it('reads from the store whether a webhook came', { timeout: 60_000 }, async () => {
    await open();

    expect(await check()).toContainEqual(
      expect.objectContaining({
        subject: 'Jira webhook secret',
        status: 'missing',
        detail: 'no webhook that is signed with it has reached /jira/webhook yet',
      }),
    );
  });
});
