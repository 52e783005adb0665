/** The emulated Jira as a Data Center: the real client library with a personal token. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ALEX, BOT, DANA } from '../../src/sandbox/people.ts';
import { type JiraSandboxFixture, openJiraSandbox } from '../support/jira-sandbox.ts';

const ISSUE = 'OPS-2';

let open: JiraSandboxFixture;

beforeEach(async () => {
  open = await openJiraSandbox({ flavour: 'data-center' });
});
afterEach(async () => open.close());

it('answers the real client: who it is, an issue, a comment, a transition, an assignment by name', async () => {
  const { client, jira } = open;

  const us = await client.getCurrentUser();
  expect(us).toMatchObject({ key: BOT.jiraAccount, name: 'signalbox' });
  expect(us).not.toHaveProperty('accountId');
  expect(await client.getServerInfo()).toMatchObject({
    deploymentType: 'Server',
    versionNumbers: [10, 3, 0],
  });
  expect(await client.genericGet(`issue/${ISSUE}`)).toMatchObject({
    key: ISSUE,
    fields: { status: { name: 'To Do' } },
  });
  const added = await client.addComment(ISSUE, 'hello');
  expect(jira.comments(ISSUE)).toMatchObject([{ id: added.id, author: BOT.jiraAccount }]);
  const { transitions } = await client.listTransitions(ISSUE);
  await client.transitionIssue(ISSUE, { transition: { id: transitions.at(-1).id } });
  expect(jira.status(ISSUE)).toBe('Done');
  await client.updateAssignee(ISSUE, 'dana');
  expect(jira.issue(ISSUE)?.assignee).toBe(DANA.jiraAccount);
  await open.call('PUT', `/rest/api/2/issue/${ISSUE}/assignee`, { name: null });
  expect(jira.issue(ISSUE)?.assignee).toBeUndefined();
  const { key } = await client.addNewIssue({
    fields: { project: { key: 'OPS' }, issuetype: { name: 'Bug' }, summary: 'x', assignee: { name: 'alex' } },
  });
  expect(jira.issue(key)?.assignee).toBe(ALEX.jiraAccount);
  expect(jira.violations).toEqual([]);
});

it('knows people by key and by name, and finds them by what is in their names', async () => {
  const { client, call } = open;

  expect(await client.genericGet(`user?key=${encodeURIComponent(DANA.jiraAccount)}`)).toMatchObject({
    name: 'dana',
  });
  expect(await client.genericGet('user?username=dana')).toMatchObject({ key: DANA.jiraAccount });
  expect(await client.genericGet('user/search?username=dan')).toMatchObject([{ name: 'dana' }]);
  expect(await client.genericGet('user/assignable/search?project=OPS&username=ale')).toMatchObject([
    { name: 'alex' },
  ]);
  expect((await call('GET', '/rest/api/2/user/search?query=dan')).status).toBe(400);
  expect(await client.genericGet('groups/picker?query=lead')).toMatchObject({ groups: [{ name: 'leads' }] });
});

it('searches in pages with a total, and gives no more than its limit', async () => {
  const { client } = open;

  const found = await client.searchJira('project = OPS ORDER BY key', {
    startAt: 1,
    maxResults: 1,
    fields: ['summary'],
  });
  expect(found).toMatchObject({ startAt: 1, maxResults: 1, total: 3, issues: [{ key: 'OPS-2' }] });
  expect(Object.keys(found.issues[0].fields)).toEqual(['summary']);
  expect(await client.searchJira('project = OPS', { maxResults: 9_999 })).toMatchObject({
    maxResults: 1_000,
  });
  expect(await client.genericGet('search?jql=key%3DOPS-1&expand=changelog')).toMatchObject({
    issues: [{ changelog: { total: 0 } }],
  });
});

it('tells of comments as updates of their issue', async () => {
  const { jira, webhooks } = open;

  const { id, acknowledged } = jira.comment({
    user: ALEX.jiraAccount,
    issue: ISSUE,
    text: '@signalbox hello',
  });
  await acknowledged;
  await jira.editComment({ user: DANA.jiraAccount, id, text: 'hello!' }).acknowledged;
  await jira.removeComment({ id }).acknowledged;

  expect(webhooks.map(({ body }) => JSON.parse(body.toString()))).toMatchObject([
    {
      webhookEvent: 'jira:issue_updated',
      issue_event_type_name: 'issue_commented',
      user: { key: ALEX.jiraAccount },
      issue: { key: ISSUE },
      comment: { id, body: '[~signalbox] hello' },
    },
    { issue_event_type_name: 'issue_comment_edited', user: { key: DANA.jiraAccount } },
    { issue_event_type_name: 'issue_comment_deleted' },
  ]);
});

it('keeps files beside the REST API, at the address it names', async () => {
  const { attach, call, client, jira, url } = open;
  expect((await attach(ISSUE)).status).toBe(200);
  const [file] = jira.attachments(ISSUE);

  const { content } = await client.genericGet(`attachment/${file!.id}`);
  expect(content).toBe(`${url}/secure/attachment/${file!.id}/a.csv`);
  const path = content.slice(url.length);
  expect(await (await call('GET', path)).text()).toBe('one,two');
  expect((await call('GET', path, undefined, { authorization: 'Bearer wrong' })).status).toBe(401);
  expect((await call('GET', `/rest/api/2/attachment/content/${file!.id}`)).status).toBe(404);
});

it('lists what a new issue needs under the names of Data Center', async () => {
  const { client } = open;

  const types = await client.genericGet('issue/createmeta/OPS/issuetypes');
  expect(types).toMatchObject({ isLast: true, values: [{ name: 'Task' }, {}, {}] });
  expect(types).not.toHaveProperty('issueTypes');
  const needed = await client.genericGet(`issue/createmeta/OPS/issuetypes/${types.values[0].id}`);
  expect(needed.values).toContainEqual(expect.objectContaining({ fieldId: 'summary', required: true }));
});

it.each([
  ['the search of Cloud', 404, 'GET', '/rest/api/2/search/jql?jql=project%3DOPS'],
  ['the third version', 404, 'GET', '/rest/api/3/search/jql?jql=project%3DOPS'],
  ['a history in pages', 404, 'GET', `/rest/api/2/issue/${ISSUE}/changelog`],
  ['a parameter of Cloud', 400, 'GET', `/rest/api/2/issue/${ISSUE}?fieldsByKeys=true`],
  ['a group by its id', 400, 'GET', '/rest/api/2/group/member?groupId=1'],
])('does not have %s, and notes who asks', async (_what, status, method, path) => {
  expect((await open.call(method, path)).status).toBe(status);
  expect(open.jira.violations).toHaveLength(1);
});

it('takes no token of Cloud', async () => {
  const basic = Buffer.from(`${open.jira.email}:${open.jira.apiToken}`).toString('base64');
  const answer = await open.call('GET', '/rest/api/2/myself', undefined, { authorization: `Basic ${basic}` });

  expect(answer.status).toBe(401);
});
