/** The emulated Jira, asked by the real client library and by plain requests. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signatureOf } from '../../src/sandbox/jira/webhooks.ts';
import { ALEX, BOT, DANA } from '../../src/sandbox/people.ts';
import { ManualClock } from '../support/core.ts';
import { type JiraSandboxFixture, openJiraSandbox } from '../support/jira-sandbox.ts';

const ISSUE = 'OPS-2';

let open: JiraSandboxFixture;

beforeEach(async () => {
  open = await openJiraSandbox();
});
afterEach(async () => open.close());

describe('the REST API', () => {
  it('answers the real client: who it is, an issue, a comment, a transition, an assignment', async () => {
    const { client, jira } = open;

    expect(await client.getCurrentUser()).toMatchObject({ accountId: BOT.jiraAccount });
    expect(await client.findIssue(ISSUE)).toMatchObject({
      key: ISSUE,
      fields: { status: { name: 'To Do' } },
    });
    const added = await client.addComment(ISSUE, 'h1. hello');
    expect(jira.comments(ISSUE)).toMatchObject([
      { id: added.id, body: 'h1. hello', author: BOT.jiraAccount },
    ]);
    const { transitions } = await client.listTransitions(ISSUE);
    await client.transitionIssue(ISSUE, {
      transition: { id: transitions.find(({ name }: { name: string }) => name === 'Done').id },
    });
    expect(jira.status(ISSUE)).toBe('Done');
    await client.updateAssigneeWithId(ISSUE, DANA.jiraAccount);
    expect(jira.issue(ISSUE)?.assignee).toBe(DANA.jiraAccount);
    expect(jira.violations).toEqual([]);
  });

  it('is dead where Jira Cloud is: the search that the client knows', async () => {
    await expect(open.client.searchJira('project = OPS')).rejects.toThrow(/has been removed/);
    const found = await open.client.genericGet(
      'search/jql?jql=project%20%3D%20OPS&fields=summary&maxResults=2',
    );
    expect(found.issues.map(({ key }: { key: string }) => key)).toEqual(['OPS-1', 'OPS-2']);
    expect(found).toMatchObject({ isLast: false, nextPageToken: expect.any(String) });
  });

  it('changes every field of an edit, by value and by verb', async () => {
    const { call, jira } = open;
    const edit = (body: unknown) => call('PUT', `/rest/api/2/issue/${ISSUE}`, body);
    const first = await edit({
      fields: {
        assignee: { accountId: DANA.jiraAccount },
        reporter: { accountId: ALEX.jiraAccount },
        description: 'x',
      },
    });
    expect(first.status).toBe(204);
    expect(jira.issue(ISSUE)).toMatchObject({ assignee: DANA.jiraAccount, reporter: ALEX.jiraAccount });

    const second = await edit({
      fields: { assignee: null, description: null },
      update: {
        labels: [{ set: ['a', 'b'] }, { add: 'c' }, { remove: 'a' }],
        comment: [{ add: { body: 'why' } }],
      },
    });
    expect(second.status).toBe(204);
    const shown = await open.client.findIssue(ISSUE);
    expect(shown.fields).toMatchObject({ assignee: null, description: null, labels: ['b', 'c'] });
    expect(jira.comments(ISSUE)).toMatchObject([{ body: 'why' }]);
    expect(jira.violations).toEqual([]);
    expect((await edit({ fields: { labels: [] }, update: { labels: [{ add: 'd' }] } })).status).toBe(400);
  });

  it('drops nothing of a creation: reporter, verbs, transition, properties, comment', async () => {
    const { call, client, jira } = open;
    const body = {
      fields: {
        project: { key: 'OPS' },
        issuetype: { name: 'Bug' },
        summary: 'x',
        reporter: { accountId: DANA.jiraAccount },
        assignee: { accountId: '-1' },
      },
      update: { labels: [{ add: 'a' }], comment: [{ add: { body: 'why' } }] },
      transition: { id: '21' },
      properties: [{ key: 'source', value: { from: 'test' } }],
    };
    const created = await call('POST', '/rest/api/2/issue', body);
    const { key } = (await created.json()) as { key: string };

    const shown = await client.genericGet(`issue/${key}?properties=*all`);
    expect(shown.fields).toMatchObject({
      issuetype: { name: 'Bug' },
      reporter: { accountId: DANA.jiraAccount },
      assignee: null,
      labels: ['a'],
      status: { name: 'In Progress' },
    });
    expect(shown.properties).toEqual({ source: { from: 'test' } });
    expect(jira.comments(key)).toMatchObject([{ body: 'why' }]);

    const moved = await call('POST', `/rest/api/2/issue/${key}/transitions`, {
      transition: { id: '31' },
      fields: { assignee: { accountId: ALEX.jiraAccount } },
    });
    expect(moved.status).toBe(204);
    expect(jira.issue(key)).toMatchObject({ assignee: ALEX.jiraAccount });
    const edited = await call('PUT', `/rest/api/2/issue/${key}?returnIssue=true`, {
      fields: { issuetype: { name: 'Task' } },
      transition: { id: '11' },
    });
    expect(await edited.json()).toMatchObject({
      fields: { issuetype: { name: 'Task' }, status: { name: 'To Do' } },
    });
    expect((await call('PUT', `/rest/api/2/issue/${key}`, { transition: { id: '11' } })).status).toBe(400);
  });

  it('refuses a search without a restriction, and one for too much', async () => {
    const search = (body: object) => open.call('POST', '/rest/api/2/search/jql', body);

    expect((await search({ jql: 'ORDER BY key' })).status).toBe(400);
    expect((await search({})).status).toBe(400);
    expect((await search({ jql: 'project = OPS', maxResults: 5_001 })).status).toBe(400);
  });

  it('writes the comment of a link to its outward issue', async () => {
    const link = {
      type: { name: 'Blocks' },
      inwardIssue: { key: 'OPS-1' },
      outwardIssue: { key: ISSUE },
      comment: { body: 'linked' },
    };
    expect((await open.call('POST', '/rest/api/2/issueLink', link)).status).toBe(201);
    expect(open.jira.comments(ISSUE)).toMatchObject([{ body: 'linked' }]);
  });

  it('tells a stranger nothing about addresses, and notes unknown and removed ones', async () => {
    const stranger = await open.call('GET', '/rest/api/2/nonsense', undefined, {
      authorization: 'Basic eA==',
    });
    expect(stranger.status).toBe(401);
    expect(open.jira.violations).toEqual([]);
    expect((await open.call('GET', '/rest/api/2/nonsense')).status).toBe(404);
    expect((await open.call('GET', '/rest/api/2/search?jql=x')).status).toBe(410);
    expect(open.jira.violations).toHaveLength(2);
    expect(open.jira.calls.map(({ status }) => status)).toEqual([401, 404, 410]);
  });

  it('searches as Data Center does, and refuses what is no JQL', async () => {
    await open.close();
    open = await openJiraSandbox({ flavour: 'data-center' });
    const post = (path: string, body: unknown) => open.call('POST', path, body);

    expect((await post('/rest/api/2/search', { jql: 'project = OPS', startAt: -1 })).status).toBe(400);
    expect((await post('/rest/api/2/search', { jql: 'project = OPS', maxResults: '2' })).status).toBe(400);
    expect((await post('/rest/api/2/search', { jql: 'project = = (' })).status).toBe(400);
    const found = await post('/rest/api/2/search', { jql: 'project = OPS', maxResults: 1 });
    expect(await found.json()).toMatchObject({ startAt: 0, issues: [{ key: 'OPS-1' }] });
    const got = await open.call('GET', '/rest/api/2/search?jql=project%3DOPS&fields=summary&maxResults=2');
    expect(await got.json()).toMatchObject({ issues: [{ key: 'OPS-1' }, { key: 'OPS-2' }] });
    expect((await post('/rest/api/2/search/jql', { jql: 'project = OPS' })).status).toBe(404);
  });

  it('takes a property of a comment away, once', async () => {
    const { id } = await open.client.addComment(ISSUE, 'x');
    const path = `/rest/api/2/comment/${id}/properties/mark`;
    expect((await open.call('PUT', path, { a: 1 })).status).toBe(201);
    expect((await open.call('DELETE', path)).status).toBe(204);
    expect((await open.call('GET', path)).status).toBe(404);
    expect((await open.call('DELETE', path)).status).toBe(404);
  });

  it('keeps properties with an issue, and tells them to a search that asks', async () => {
    const { call, client, jira } = open;
    const before = jira.issue(ISSUE)!.updated;
    const path = `/rest/api/2/issue/${ISSUE}/properties/origin`;

    expect((await call('PUT', path, { id: 7 })).status).toBe(201);
    expect((await call('PUT', path, { id: 8 })).status).toBe(200);
    expect(await client.getIssueProperty(ISSUE, 'origin')).toEqual({ key: 'origin', value: { id: 8 } });
    expect(await client.genericGet(`issue/${ISSUE}/properties`)).toMatchObject({ keys: [{ key: 'origin' }] });
    const found = await client.genericGet(`search/jql?jql=key%3D${ISSUE}&fields=summary&properties=origin`);
    expect(found.issues[0].properties).toEqual({ origin: { id: 8 } });
    expect(jira.issue(ISSUE)!.updated).toBe(before);

    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('DELETE', path)).status).toBe(404);
    await expect(client.getIssueProperty(ISSUE, 'origin')).rejects.toThrow(/does not exist/);
    expect((await call('GET', '/rest/api/2/issue/OPS-999/properties/origin')).status).toBe(404);
    expect(jira.violations).toEqual([]);
  });

  it('shows a link with both its ends, and takes it away once', async () => {
    const { call, client, jira } = open;
    const { id } = jira.link({ type: 'Blocks', inward: 'OPS-1', outward: ISSUE });

    expect(await client.genericGet(`issueLink/${id}`)).toMatchObject({
      type: { name: 'Blocks' },
      inwardIssue: { key: 'OPS-1' },
      outwardIssue: { key: ISSUE, fields: { summary: expect.any(String) } },
    });
    await client.deleteIssueLink(id);
    expect(jira.links(ISSUE)).toEqual([]);
    expect((await call('DELETE', `/rest/api/2/issueLink/${id}`)).status).toBe(404);
    await jira.until(({ unacknowledged }) => unacknowledged === 0);
    expect(open.webhooks.map(({ body }) => JSON.parse(body.toString()).webhookEvent)).toContain(
      'issuelink_deleted',
    );
  });

  it('takes a file away, once', async () => {
    const { attach, call, jira } = open;
    await attach(ISSUE);
    const path = `/rest/api/2/attachment/${jira.attachments(ISSUE)[0]!.id}`;

    expect((await call('DELETE', path)).status).toBe(204);
    expect(jira.attachments(ISSUE)).toEqual([]);
    expect((await call('DELETE', path)).status).toBe(404);
  });

  it('refuses what is not on the screen for creating issues, and what is left out there', async () => {
    await open.close();
    const team = { id: 'customfield_10050', name: 'Team' };
    open = await openJiraSandbox({ createScreen: { lacks: ['labels'], requires: [team] } });
    const create = (labels: object) =>
      open.client.addNewIssue({
        fields: { project: { key: 'OPS' }, issuetype: { name: 'Task' }, summary: 'x', ...labels },
      });

    await expect(create({ labels: ['a'] })).rejects.toThrow(/'labels' cannot be set[\s\S]*Team is required/);
    await expect(create({})).rejects.toThrow(/Team is required/);
    const { fields } = await open.client.genericGet('issue/createmeta/OPS/issuetypes/10001');
    const ids = fields.map(({ fieldId }: { fieldId: string }) => fieldId);
    expect(ids).toContain(team.id);
    expect(ids).not.toContain('labels');
    expect(open.jira.issues).toHaveLength(4);
  });

  it('lists the types of issues', async () => {
    const listed = await open.call('GET', '/rest/api/2/issuetype');
    expect(await listed.json()).toContainEqual(expect.objectContaining({ id: expect.any(String) }));
  });

  it('remembers what was changed, by whom, oldest first in pages and newest first in the issue', async () => {
    const { call, client, jira } = open;
    await jira.assign({ user: ALEX.jiraAccount, issue: ISSUE, to: DANA.jiraAccount }).acknowledged;
    await jira.transition({ user: DANA.jiraAccount, issue: ISSUE, to: 'Done' }).acknowledged;
    await call('PUT', `/rest/api/2/issue/${ISSUE}`, { fields: { summary: 'New', labels: ['a'] } });

    const page = await call('GET', `/rest/api/2/issue/${ISSUE}/changelog?startAt=1&maxResults=2`);
    expect(await page.json()).toMatchObject({
      startAt: 1,
      maxResults: 2,
      total: 3,
      isLast: true,
      values: [
        {
          author: { accountId: DANA.jiraAccount },
          items: [{ field: 'status', from: '10100', fromString: 'To Do', toString: 'Done' }],
        },
        {
          items: [
            { field: 'labels', from: null, toString: 'a' },
            { field: 'summary', from: null, toString: 'New' },
          ],
        },
      ],
    });
    const shown = await client.genericGet(`issue/${ISSUE}?fields=summary&expand=changelog`);
    expect(shown.changelog.histories.at(-1).items).toMatchObject([
      { field: 'assignee', to: DANA.jiraAccount },
    ]);
    const told = JSON.parse(open.webhooks.at(1)!.body.toString());
    expect(told.changelog.id).toBe(shown.changelog.histories[1].id);
  });

  it('deletes an issue with all that is in it, and never gives its key again', async () => {
    const { call, jira } = open;
    const { key } = jira.createIssue({ user: ALEX.jiraAccount, summary: 'gone soon' });
    const { id } = jira.comment({ user: ALEX.jiraAccount, issue: key, text: 'x' });
    jira.link({ type: 'Blocks', inward: key, outward: ISSUE });
    expect((await call('DELETE', `/rest/api/2/issue/${key}?deleteSubtasks=true`)).status).toBe(204);

    expect((await call('GET', `/rest/api/2/issue/${key}`)).status).toBe(404);
    expect((await call('GET', `/rest/api/2/comment/${id}/properties`)).status).toBe(404);
    expect(jira.links(ISSUE)).toEqual([]);
    expect(jira.createIssue({ user: ALEX.jiraAccount, summary: 'next' }).key).not.toBe(key);
    await jira.until(({ deliveries }) => deliveries.some(({ event }) => event === 'jira:issue_deleted'));
  });

  it('says what issues are made of: fields, types, and what a new one needs', async () => {
    const { client } = open;
    const fields = await client.listFields();
    expect(fields).toContainEqual(expect.objectContaining({ id: 'summary', custom: false }));
    const { issueTypes } = await client.genericGet('issue/createmeta/OPS/issuetypes');
    const path = `issue/createmeta/OPS/issuetypes/${issueTypes[0].id}`;
    const needed = await client.genericGet(path);
    expect(needed.fields.filter(({ required }: { required: boolean }) => required)).toMatchObject([
      { fieldId: 'project', allowedValues: [{ key: 'OPS' }, { key: 'HELP' }] },
      { fieldId: 'issuetype' },
      { fieldId: 'summary' },
    ]);
    expect(await client.genericGet(`${path}?startAt=2&maxResults=1`)).toMatchObject({
      total: needed.total,
      fields: [{ fieldId: 'summary' }],
    });
    await expect(client.genericGet('issue/createmeta/NONE/issuetypes')).rejects.toThrow(/No project/);
  });

  it('knows permissions and groups', async () => {
    await open.close();
    open = await openJiraSandbox({ lacks: ['ADD_COMMENTS'] });
    const { call, client } = open;
    const { permissions } = await client.genericGet('permissions');
    expect(permissions.ADD_COMMENTS).toMatchObject({ type: 'PROJECT' });
    const mine = await client.genericGet('mypermissions?permissions=ADD_COMMENTS,BROWSE_PROJECTS');
    expect(mine.permissions).toMatchObject({
      ADD_COMMENTS: { havePermission: false },
      BROWSE_PROJECTS: { havePermission: true },
    });
    expect((await call('GET', '/rest/api/2/mypermissions?permissions=RULE_THE_WORLD')).status).toBe(400);
    const inNone = '/rest/api/2/mypermissions?permissions=BROWSE_PROJECTS&projectKey=NONE';
    expect((await call('GET', inNone)).status).toBe(404);

    expect(await client.genericGet('groups/picker?query=lead')).toMatchObject({
      total: 1,
      groups: [{ name: 'leads', groupId: expect.any(String) }],
    });
    expect(await client.genericGet('group/member?groupname=leads')).toMatchObject({
      isLast: true,
      values: [{ accountId: DANA.jiraAccount }],
    });
    expect((await call('GET', '/rest/api/2/group/member?groupname=kings')).status).toBe(404);
    expect((await call('GET', '/rest/api/2/group/member')).status).toBe(400);
  });

  it('gives ids alone when a search names no fields', async () => {
    const found = await open.client.genericGet('search/jql?jql=key%20%3D%20OPS-1');
    expect(found.issues).toEqual([{ id: open.jira.issue('OPS-1')?.id }]);
  });

  it.each([
    ['no credentials', 401, () => fetch(`${open.url}/rest/api/2/myself`)],
    [
      'a field the comment does not have',
      400,
      () => open.call('POST', `/rest/api/2/issue/${ISSUE}/comment`, { body: 'x', colour: 'red' }),
    ],
    [
      'a document where v2 wants text',
      400,
      () => open.call('POST', `/rest/api/2/issue/${ISSUE}/comment`, { body: { type: 'doc' } }),
    ],
    [
      'a comment that is too long',
      400,
      () => open.call('POST', `/rest/api/2/issue/${ISSUE}/comment`, { body: 'x'.repeat(32_768) }),
    ],
    [
      'a comment for a role the writer is not in',
      400,
      () =>
        open.call('POST', `/rest/api/2/issue/${ISSUE}/comment`, {
          body: 'x',
          visibility: { type: 'role', value: 'Kings' },
        }),
    ],
    ['an operation that does not exist', 404, () => open.call('GET', '/rest/api/2/treasure')],
    ['a file without the header against forged forms', 403, () => open.attach(ISSUE, {})],
    ['an issue that is not there', 404, () => open.call('GET', '/rest/api/2/issue/OPS-999')],
    [
      'JQL it does not know',
      400,
      () => open.call('GET', `/rest/api/2/search/jql?jql=${encodeURIComponent('colour = red')}`),
    ],
    ['a scoped token at the address of the site', 401, () => scoped('')],
  ])('refuses %s with %i', async (_what, status, call) => {
    expect((await call()).status).toBe(status);
  });

  it('notes what does not fit the published description', async () => {
    await open.call('POST', `/rest/api/2/issue/${ISSUE}/comment`, { body: 'x', colour: 'red' });
    expect(open.jira.violations).toMatchObject([
      { method: 'POST', problem: expect.stringContaining('colour') },
    ]);
  });

  it('refuses what Atlassian describes otherwise, on Cloud, of which the description is', async () => {
    const edit = { fields: { summary: 'x' }, historyMetadata: { type: 7 } };
    expect((await open.call('PUT', `/rest/api/2/issue/${ISSUE}`, edit)).status).toBe(400);
    expect(open.jira.violations).toMatchObject([
      { method: 'PUT', problem: expect.stringMatching(/body: not as published[\s\S]*historyMetadata\.type/) },
    ]);
    expect(open.jira.issue(ISSUE)?.summary).not.toBe('x');

    await open.close();
    open = await openJiraSandbox({ flavour: 'data-center' });
    expect((await open.call('PUT', `/rest/api/2/issue/${ISSUE}`, edit)).status).toBe(204);
  });

  it('takes a scoped token at the address of the cloud', async () => {
    expect((await scoped(`/ex/jira/${open.jira.cloudId}`)).status).toBe(200);
  });

  it('lets a scoped token do what its scopes allow, and nothing else', async () => {
    await open.close();
    open = await openJiraSandbox({ scopes: ['read:jira-work'] });
    const token = Buffer.from(`${open.jira.email}:${open.jira.scopedToken}`).toString('base64');
    const ask = (method: string, path: string, body?: unknown) =>
      open.call(method, `/ex/jira/${open.jira.cloudId}/rest/api/2/${path}`, body, {
        authorization: `Basic ${token}`,
      });

    expect((await ask('GET', `issue/${ISSUE}`)).status).toBe(200);
    expect((await ask('POST', 'search/jql', { jql: 'key = OPS-1' })).status).toBe(200);
    const [reading, writing] = [
      await ask('GET', 'myself'),
      await ask('POST', `issue/${ISSUE}/comment`, { body: 'x' }),
    ];
    for (const refused of [reading, writing]) {
      expect(refused.status).toBe(401);
      expect(await refused.json()).toEqual({ code: 401, message: 'Unauthorized; scope does not match' });
    }
    expect(open.jira.comments(ISSUE)).toEqual([]);
  });

  it('keeps files, and gives them back', async () => {
    expect((await open.attach(ISSUE)).status).toBe(200);
    const [file] = open.jira.attachments(ISSUE);
    const content = await open.call('GET', `/rest/api/2/attachment/content/${file!.id}`);
    expect(await content.text()).toBe('one,two');
  });

  it('limits how often one issue is written to', async () => {
    await open.close();
    open = await openJiraSandbox({ limitWrites: true });
    const writes = Array.from({ length: 21 }, () =>
      open.call('POST', `/rest/api/2/issue/${ISSUE}/comment`, { body: 'x' }),
    );
    const refused = (await Promise.all(writes)).filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.headers.get('ratelimit-reason')).toBe('jira-per-issue-on-write');
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('limits how often one endpoint is called in a second, by method', async () => {
    await open.close();
    const clock = new ManualClock();
    open = await openJiraSandbox({ limitBursts: true, clock });
    const { call, jira } = open;
    const statuses = async (times: number, ...request: Parameters<typeof call>) => {
      const answers = await Promise.all(Array.from({ length: times }, () => call(...request)));
      return answers.filter(({ status }) => status === 429);
    };
    const edit = ['PUT', `/rest/api/2/issue/${ISSUE}`, { fields: { labels: [] } }] as const;

    const refused = await statuses(101, 'GET', '/rest/api/2/myself');
    expect(refused).toHaveLength(1);
    expect(refused[0]!.headers.get('ratelimit-reason')).toBe('jira-burst-based');
    expect(refused[0]!.headers.get('retry-after')).toBe('1');
    expect(await statuses(1, 'GET', '/rest/api/2/serverInfo')).toEqual([]);
    expect(await statuses(51, ...edit)).toHaveLength(1);
    clock.advance(1_000);
    expect(await statuses(1, 'GET', '/rest/api/2/myself')).toEqual([]);
    expect(await statuses(1, ...edit)).toEqual([]);
    expect(jira.violations).toEqual([]);
  });

  it('answers with ordered failures, and may lose an answer after the work was done', async () => {
    open.jira.fail('addComment', { kind: 'lost-response' });
    await expect(open.call('POST', `/rest/api/2/issue/${ISSUE}/comment`, { body: 'x' })).rejects.toThrow();
    expect(open.jira.comments(ISSUE)).toHaveLength(1);
    open.jira.fail('addComment', { kind: 'rate-limited', retryAfterSeconds: 7, reason: 'jira-burst-based' });
    expect(
      (await open.call('POST', `/rest/api/2/issue/${ISSUE}/comment`, { body: 'x' })).headers.get(
        'retry-after',
      ),
    ).toBe('7');
  });

  it('finds by JQL: text, status, person, time, order', async () => {
    const { jira } = open;
    await jira.transition({ user: ALEX.jiraAccount, issue: 'OPS-3', to: 'In Progress' }).acknowledged;
    const found = async (jql: string) => {
      const response = await open.call(
        'GET',
        `/rest/api/2/search/jql?fields=summary&jql=${encodeURIComponent(jql)}`,
      );
      return ((await response.json()) as { issues: { key: string }[] }).issues.map(
        ({ key }: { key: string }) => key,
      );
    };
    expect(await found('project = OPS AND status = "In Progress"')).toEqual(['OPS-3']);
    expect(await found('text ~ "parcel broken"')).toEqual(['OPS-2']);
    expect(await found('project in (OPS, HELP) AND updated >= -5m ORDER BY key DESC')).toHaveLength(4);
    expect(await found('assignee is EMPTY AND NOT project = HELP ORDER BY key ASC')).toEqual([
      'OPS-1',
      'OPS-2',
      'OPS-3',
    ]);
    expect(await found('assignee = currentUser()')).toEqual([]);
  });
});

describe('the webhooks', () => {
  it('are signed, name their event, and say who wrote what', async () => {
    const { acknowledged, id } = open.jira.comment({
      user: ALEX.jiraAccount,
      issue: ISSUE,
      text: '@signalbox hello',
    });
    await acknowledged;

    const [request] = open.webhooks;
    const body = request!.body.toString();
    expect(request!.headers['x-hub-signature']).toBe(signatureOf(body, open.jira.webhookSecret));
    expect(request!.headers['x-atlassian-webhook-identifier']).toMatch(/^[\da-f-]{36}$/);
    expect(JSON.parse(body)).toMatchObject({
      webhookEvent: 'comment_created',
      comment: { id, author: { accountId: ALEX.jiraAccount }, body: `[~accountid:${BOT.jiraAccount}] hello` },
      issue: { key: ISSUE },
    });
    expect(JSON.parse(body)).not.toHaveProperty('user');
  });

  it('come again under the same identifier until they are acknowledged', async () => {
    await open.close();
    const answers = [500, 429, 200];
    open = await openJiraSandbox({ answer: () => answers.shift() ?? 200 });

    await open.jira.assign({ user: ALEX.jiraAccount, issue: ISSUE, to: BOT.jiraAccount }).acknowledged;

    expect(open.webhooks.map(({ headers }) => headers['x-atlassian-webhook-retry'])).toEqual([
      undefined,
      '1',
      '2',
    ]);
    expect(new Set(open.webhooks.map(({ headers }) => headers['x-atlassian-webhook-identifier'])).size).toBe(
      1,
    );
  });

  it('are given up at once when they are refused for good', async () => {
    await open.close();
    open = await openJiraSandbox({ answer: () => 401 });
    await expect(
      open.jira.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: 'x' }).acknowledged,
    ).rejects.toThrow(/gave up.*401/);
    expect(open.webhooks).toHaveLength(1);
  });

  it('are listed for administrators alone', async () => {
    const list = () => open.call('GET', '/rest/webhooks/1.0/webhook');
    expect((await list()).status).toBe(403);

    await open.close();
    open = await openJiraSandbox({ administrator: true });
    expect(await (await list()).json()).toMatchObject([
      {
        name: 'Signalbox',
        url: open.jira.webhookUrl,
        events: expect.arrayContaining(['comment_created']),
        filters: {},
        excludeBody: false,
        enabled: true,
      },
    ]);
    const held = await open.call('GET', '/rest/api/2/mypermissions?permissions=ADMINISTER');
    expect(await held.json()).toMatchObject({ permissions: { ADMINISTER: { havePermission: true } } });
    expect((await open.call('GET', '/rest/jira-webhook/1.0/webhooks')).status).toBe(404);
  });

  it('tell of a link by the numbers of its issues, once', async () => {
    const link = { type: { name: 'Blocks' }, inwardIssue: { key: 'OPS-1' }, outwardIssue: { key: ISSUE } };
    await open.client.issueLink(link);
    await open.client.issueLink(link);
    await open.jira.until(({ deliveries }) => deliveries.every(({ state }) => state === 'acknowledged'));

    expect(open.webhooks.map(({ body }) => JSON.parse(body.toString()))).toMatchObject([
      {
        webhookEvent: 'issuelink_created',
        issueLink: {
          sourceIssueId: Number(open.jira.issue('OPS-1')!.id),
          destinationIssueId: Number(open.jira.issue(ISSUE)!.id),
          issueLinkType: { name: 'Blocks', outwardName: 'blocks' },
        },
      },
    ]);
  });

  it('go only to those that are enabled, want the event, and match the issue', async () => {
    const [webhook] = open.jira.webhookList;
    const write = (issue: string) =>
      open.jira.comment({ user: ALEX.jiraAccount, issue, text: 'x' }).acknowledged;

    open.jira.webhookList = [
      { ...webhook!, enabled: false },
      { ...webhook!, events: ['comment_updated'] },
      { ...webhook!, jql: 'project = HELP' },
    ];
    await write(ISSUE);
    expect(open.webhooks).toEqual([]);
    await write('HELP-1');
    expect(open.webhooks).toHaveLength(1);

    open.jira.webhookList = [{ ...webhook!, excludeBody: true }];
    await write(ISSUE);
    expect(open.webhooks.at(-1)!.body).toHaveLength(0);
  });

  it('name the edit of another person as theirs', async () => {
    const { id, acknowledged } = open.jira.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: 'x' });
    await acknowledged;
    await open.jira.editComment({ user: DANA.jiraAccount, id, text: 'y' }).acknowledged;
    expect(JSON.parse(open.webhooks.at(-1)!.body.toString())).toMatchObject({
      webhookEvent: 'comment_updated',
      comment: {
        author: { accountId: ALEX.jiraAccount },
        updateAuthor: { accountId: DANA.jiraAccount },
        body: 'y',
      },
    });
  });
});

function scoped(base: string): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${open.jira.email}:${open.jira.scopedToken}`).toString('base64')}`;
  return fetch(`${open.url}${base}/rest/api/2/myself`, { headers: { authorization } });
}
