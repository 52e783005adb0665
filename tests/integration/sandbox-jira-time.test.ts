/** What time does to the emulated Jira: restarts, searches that lag behind, and time zones. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ALEX, DANA } from '../../src/sandbox/people.ts';
import { ManualClock } from '../support/core.ts';
import { type JiraSandboxFixture, openJiraSandbox } from '../support/jira-sandbox.ts';

const ISSUE = 'OPS-2';

let open: JiraSandboxFixture;

afterEach(async () => open.close());

describe('a restart', () => {
  it('keeps issues, comments, properties, files, links and histories, and gives no id twice', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'jira-'));
    open = await openJiraSandbox({ directory });
    const { call, jira } = open;
    const commented = await call('POST', `/rest/api/2/issue/${ISSUE}/comment`, {
      body: 'for some',
      visibility: { type: 'role', value: 'Administrators' },
      properties: [{ key: 'mark', value: 1 }],
    });
    const { id } = (await commented.json()) as { id: string };
    await call('PUT', `/rest/api/2/comment/${id}/properties/late`, { a: 1 });
    const edited = jira.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: 'x' });
    jira.editComment({ user: DANA.jiraAccount, id: edited.id, text: 'y' });
    jira.removeComment(jira.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: 'gone' }));
    jira.assign({ user: ALEX.jiraAccount, issue: ISSUE, to: DANA.jiraAccount });
    jira.transition({ user: DANA.jiraAccount, issue: ISSUE, to: 'In Progress' });
    jira.link({ type: 'Blocks', inward: 'OPS-1', outward: ISSUE });
    await open.attach(ISSUE);
    const gone = jira.createIssue({ user: ALEX.jiraAccount, summary: 'gone' });
    jira.removeIssue({ user: ALEX.jiraAccount, issue: gone.key });
    const before = snapshot(open);
    const last = jira.comment({ user: ALEX.jiraAccount, issue: 'OPS-3', text: 'last' });
    await open.close();

    open = await openJiraSandbox({ directory });

    expect(snapshot(open)).toEqual({ ...before, issues: open.jira.issues });
    expect(open.jira.issues.map(({ key }) => key)).toEqual(['OPS-1', 'OPS-2', 'OPS-3', 'HELP-1']);
    expect(open.jira.issue(ISSUE)?.history).toHaveLength(2);
    expect(open.jira.status(ISSUE)).toBe('In Progress');
    const next = open.jira.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: 'next' });
    expect(Number(next.id)).toBeGreaterThan(Number(last.id));
    const created = open.jira.createIssue({ user: ALEX.jiraAccount, summary: 'new' });
    expect(created.key).not.toBe(gone.key);
    await rm(directory, { recursive: true });
  });
});

describe('the search of Cloud', () => {
  it('lags behind what was written, unless it is told to look at an issue afresh', async () => {
    const clock = new ManualClock();
    open = await openJiraSandbox({ clock, searchLagMs: 5_000 });
    clock.advance(60_000);
    const { id, key } = open.jira.createIssue({ user: ALEX.jiraAccount, summary: 'new' });
    const help = open.jira.createIssue({ user: ALEX.jiraAccount, project: 'HELP', summary: 'other' });
    const found = async (more = {}): Promise<string[]> => {
      const body = { jql: 'project = OPS ORDER BY key', fields: ['key'], ...more };
      const answer = await open.call('POST', '/rest/api/2/search/jql', body);
      return ((await answer.json()) as { issues: { key: string }[] }).issues.map((each) => each.key);
    };

    expect(await found()).toEqual(['OPS-1', 'OPS-2', 'OPS-3']);
    expect(await found({ reconcileIssues: [Number(id)] })).toContain(key);
    expect(await found({ reconcileIssues: [Number(help.id)] })).not.toContain(help.key);
    clock.advance(5_000);
    expect(await found()).toContain(key);
    expect(open.jira.violations).toEqual([]);
  });
});

describe('a date in JQL', () => {
  it.each([
    ['in winter', '2026-01-15T12:30:20Z', '2026-01-15 13:30', '2026-01-15 13:31'],
    ['in summer', '2026-07-15T12:30:20Z', '2026/07/15 14:30', '2026/07/15 14:31'],
    ['just before summer begins', '2026-03-29T00:30:00Z', '2026-03-29 01:30', '2026-03-29 01:31'],
    ['just after summer began', '2026-03-29T01:30:00Z', '2026-03-29 03:30', '2026-03-29 03:31'],
  ])('is in the time zone of whoever asks, %s', async (_when, now, minute, next) => {
    open = await openJiraSandbox({ clock: new ManualClock(Date.parse(now)) });
    const count = async (jql: string) => {
      const answer = await open.call('GET', `/rest/api/2/search/jql?jql=${encodeURIComponent(jql)}`);
      return ((await answer.json()) as { issues: unknown[] }).issues.length;
    };

    expect(await count(`updated >= "${minute}"`)).toBe(4);
    expect(await count(`updated = "${minute}"`)).toBe(4);
    expect(await count(`updated >= "${next}"`)).toBe(0);
    expect(await count('updated >= -1m')).toBe(4);
    expect(await count('created > "1h 30m"')).toBe(0);
  });
});

function snapshot({ jira }: JiraSandboxFixture) {
  return {
    issues: jira.issues,
    comments: jira.comments(ISSUE),
    files: jira.attachments(ISSUE),
    links: jira.links(ISSUE),
  };
}
