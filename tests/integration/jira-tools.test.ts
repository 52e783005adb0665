/** The agent's tools for Jira, against the emulated Jira. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FutileCallError } from '../../src/domain/errors.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { Preview, ToolOutput } from '../../src/domain/tool.ts';
import type { JiraSandboxOptions } from '../../src/sandbox/jira/jira-sandbox.ts';
import { ALEX, DANA } from '../../src/sandbox/people.ts';
import { type JiraFixture, openJira } from '../support/jira-gateway.ts';

let jira: JiraFixture;

beforeEach(async () => {
  jira = await openJira({ started: false });
});
afterEach(async () => jira.close());

async function run(name: string, input: object, idempotencyKey = 'key-1'): Promise<ToolOutput> {
  const tool = jira.gateway.tools.find((each) => each.name === name);
  if (!tool) throw new Error(`no tool ${name}`);
  return tool.execute(tool.input.parse(input), {
    idempotencyKey,
    conversationId: ConversationId.parse('jira:s:1'),
    requester: PersonId.parse('alex'),
    signal: new AbortController().signal,
  });
}

describe('looking things up', () => {
  it('finds issues by JQL, and says when there are more', async () => {
    for (let n = 0; n < 25; n++)
      jira.sandbox.createIssue({ user: ALEX.jiraAccount, summary: `Broken parcel ${n}` });
    const { text } = await run('jira_search', { jql: 'summary ~ "broken parcel" ORDER BY key ASC' });
    expect(text.match(/^OPS-\d+ · To Do/gm)).toHaveLength(20);
    expect(text).toContain('There are more');
    expect((await run('jira_search', { jql: 'key = OPS-2' })).text).toContain(
      'Parcel of order 7 arrived broken',
    );
    expect((await run('jira_search', { jql: 'summary ~ nothing' })).text).toBe('No issue fits.');
  });

  it('says what Jira says of a query it does not understand', async () => {
    expect(await run('jira_search', { jql: 'colour = red' })).toMatchObject({
      status: 'error',
      text: expect.stringMatching(/Nothing was done.*colour/),
    });
  });

  it('shows an issue with its newest comments, and what is left off', async () => {
    for (let n = 1; n <= 12; n++) {
      jira.sandbox.comment({
        user: ALEX.jiraAccount,
        issue: 'OPS-2',
        text: n === 12 ? 'x'.repeat(5_000) : `*note* ${n}`,
      });
    }
    const { text } = await run('jira_get_issue', { issue: 'OPS-2' });
    expect(text).toContain('**note** 11');
    expect(text).not.toContain('**note** 2\n');
    expect(text).toContain('1000 more characters are left off');
    expect(text).toContain(`Alex Kim [${ALEX.jiraAccount}]`);
  });
});

describe('the files of an issue', () => {
  it('are named, the newest of many, and how one gets to be read', async () => {
    for (let n = 1; n <= 22; n++) {
      const file = { filename: `a${n}.csv`, mimeType: 'text/csv', bytes: Buffer.from('one,two') };
      jira.sandbox.attach({ user: ALEX.jiraAccount, issue: 'OPS-2', ...file });
    }
    const { text } = await run('jira_get_issue', { issue: 'OPS-2' });

    expect(text).toMatch(/Files: a3\.csv \(text\/csv, 7 bytes\), .*a22\.csv .*and 2 older ones/);
    expect(text).toContain('[^a22.csv]');
    expect((await run('jira_get_issue', { issue: 'OPS-3' })).text).not.toContain('Files:');
  });
});

describe('a comment of several parts', () => {
  it.each([
    [{ kind: 'status' as const, status: 403 }, /not/],
    [{ kind: 'rate-limited' as const, retryAfterSeconds: 5 }, /asks to wait/],
  ])('says how much of it was written when the rest was refused: %o', async (fault, why) => {
    // Twice as long in Jira's markup, and so more than one comment.
    const text = '{'.repeat(29_000);
    const stop = jira.sandbox.onChange(() => {
      if (jira.sandbox.comments('OPS-2').length === 1) jira.sandbox.fail('addComment', fault, 9);
    });
    const { status, text: told } = await run('jira_add_comment', { issue: 'OPS-2', text });
    stop();

    expect(status).toBe('error');
    expect(told).toMatch(/^Only 1 of \d comments were written; the rest was not: /);
    expect(told).toMatch(why);
    expect(jira.sandbox.comments('OPS-2')).toHaveLength(1);
  });
});

describe('projects that are out of reach', () => {
  beforeEach(async () => {
    await jira.close();
    jira = await openJira({ started: false, settings: { projects: ['HELP'] } });
  });

  it.each([
    ['jira_get_issue', { issue: 'OPS-2' }],
    ['jira_add_comment', { issue: 'OPS-2', text: 'hello' }],
    ['jira_create_issue', { project: 'OPS', summary: 'x' }],
    ['jira_transition', { issue: 'OPS-2', to: 'Done' }],
    ['jira_assign', { issue: 'OPS-2', account: null }],
    ['jira_link', { from: 'HELP-1', to: 'OPS-2', type: 'Blocks' }],
  ])('are neither read nor changed: %s', async (name, input) => {
    const before = JSON.stringify([jira.sandbox.issue('OPS-2'), jira.sandbox.comments('OPS-2')]);

    expect(await run(name, input)).toEqual({
      status: 'error',
      text: expect.stringMatching(/^Nothing was done: OPS(-2)? is not in a project I work in \(HELP\)/),
    });
    expect(JSON.stringify([jira.sandbox.issue('OPS-2'), jira.sandbox.comments('OPS-2')])).toBe(before);
  });

  it.each(['created >= -7d', 'created >= -7d ORDER BY key DESC', 'key = HELP-1) OR (project = OPS'])(
    'are not found either, whatever is asked: %s',
    async (jql) => {
      const { status, text } = await run('jira_search', { jql });

      expect(status).toBe('ok');
      expect(text).toContain('HELP-1');
      expect(text).not.toMatch(/^OPS-/m);
    },
  );
});

describe('what only some people may read', () => {
  it('is left off and counted, because whoever asks may not be one of them', async () => {
    const visibility = { type: 'role' as const, value: 'Administrators' };
    jira.sandbox.comment({ user: DANA.jiraAccount, issue: 'OPS-2', text: 'between us', visibility });
    jira.sandbox.comment({ user: DANA.jiraAccount, issue: 'OPS-2', text: 'for all' });
    const { text } = await run('jira_get_issue', { issue: 'OPS-2' });
    expect(text).toContain('for all');
    expect(text).not.toContain('between us');
    expect(text).toContain('only some people may read them: 1 of the comments');
  });

  it('stays inside a service desk when a comment is written there', async () => {
    await run('jira_add_comment', { issue: 'HELP-1', text: 'hm' });
    expect(jira.sandbox.comments('HELP-1').at(-1)?.properties).toMatchObject({
      'sd.public.comment': { internal: true },
    });
    await run('jira_add_comment', { issue: 'OPS-2', text: 'hm' }, 'key-2');
    expect(jira.sandbox.comments('OPS-2').at(-1)?.properties).not.toHaveProperty('sd.public.comment');
  });
});

describe('changing things', () => {
  it('writes a comment once, also when the answer to the first attempt was lost', async () => {
    jira.sandbox.fail('addComment', { kind: 'lost-response' });
    await expect(
      run('jira_add_comment', { issue: 'OPS-2', text: '**hi** [~accountid:x]' }),
    ).rejects.toThrow();
    expect(await run('jira_add_comment', { issue: 'OPS-2', text: '**hi** [~accountid:x]' })).toMatchObject({
      status: 'ok',
    });
    expect(jira.sandbox.comments('OPS-2').map(({ body }) => body)).toEqual(['*hi* \\[\\~accountid:x\\]']);
  });

  it('creates an issue once', async () => {
    jira.sandbox.fail('createIssue', { kind: 'lost-response' });
    const wanted = { project: 'OPS', summary: 'Api is slow', description: '- one' };
    await expect(run('jira_create_issue', wanted)).rejects.toThrow();
    const again = await run('jira_create_issue', wanted);
    expect(again.text).toMatch(/created as OPS-4/);
    expect(jira.sandbox.issues.filter(({ summary }) => summary === 'Api is slow')).toMatchObject([
      { description: '* one' },
    ]);
  });

  describe.each(['cloud', 'data-center'] as const)('an issue on %s', (flavour) => {
    const wanted = { project: 'OPS', summary: 'Api is slow' };

    async function reopen(sandbox: JiraSandboxOptions): Promise<void> {
      await jira.close();
      jira = await openJira({ started: false, sandbox: { flavour, ...sandbox } });
    }

    it.each([
      ['by its label', {}],
      ['by its property where the screen has no labels', { lacks: ['labels'] }],
    ])('is created once, found again %s', async (_how, createScreen) => {
      await reopen({ createScreen });
      await run('jira_create_issue', wanted, 'another call');
      jira.sandbox.fail('createIssue', { kind: 'lost-response' });
      await expect(run('jira_create_issue', wanted)).rejects.toThrow();

      expect((await run('jira_create_issue', wanted)).text).toMatch(/created as OPS-5/);
      expect(jira.calls('createIssue')).toHaveLength(2);
      const [, created] = jira.sandbox.issues.filter(({ summary }) => summary === wanted.summary);
      expect(created?.labels).toHaveLength('lacks' in createScreen ? 0 : 1);
      expect(jira.sandbox.issues).toHaveLength(6);
    });

    it.each([
      [
        { requires: [{ id: 'customfield_10050', name: 'Team' }] },
        {},
        /needs a value for Team \(customfield_10050\)/,
      ],
      [{ lacks: ['description'] }, { description: 'long' }, /has no description/],
      [{}, { type: 'Dream' }, /no issues of the type Dream, only: Task, Bug, Story/],
      [{}, { project: 'NONE' }, /No project could be found with key 'NONE'/],
    ])(
      'that cannot be created is not asked for, and it is said why: %j, %j',
      async (createScreen, change, why) => {
        await reopen({ createScreen });

        const { status, text } = await run('jira_create_issue', { ...wanted, ...change });

        expect(status).toBe('error');
        expect(text).toMatch(/^Nothing was done: /);
        expect(text).toMatch(why);
        expect(jira.calls('createIssue')).toEqual([]);
      },
    );
  });

  it.each(['two\nlines', '   '])('takes no summary that is not one line: %j', async (summary) => {
    const tool = jira.gateway.tools.find(({ name }) => name === 'jira_create_issue')!;
    expect(tool.input.safeParse({ project: 'OPS', summary }).success).toBe(false);
  });

  it('moves an issue to where it leads, whatever another way is called', async () => {
    const transitions = [
      { id: '91', name: 'Done', to: { id: '10101', name: 'In Progress' } },
      { id: '31', name: 'Finish', to: { id: '10102', name: 'Done' } },
    ];
    jira.sandbox.fail('getTransitions', { kind: 'garbage', body: JSON.stringify({ transitions }) });
    await run('jira_transition', { issue: 'OPS-3', to: 'done' });

    expect((await run('jira_get_issue', { issue: 'OPS-3' })).text).toMatch(/^OPS-3 · Done/);
  });

  it('moves an issue by the name of the status, and names those there are', async () => {
    expect((await run('jira_transition', { issue: 'OPS-3', to: 'done' })).text).toBe('OPS-3 is Done now.');
    expect((await run('jira_transition', { issue: 'OPS-3', to: 'Done' })).text).toBe(
      'OPS-3 is Done already.',
    );
    expect(await run('jira_transition', { issue: 'OPS-3', to: 'Heaven' })).toMatchObject({
      status: 'error',
      text: 'Nothing was done: from here OPS-3 can only become: To Do, In Progress.',
    });
  });

  it('assigns by account id alone, and takes the assignee away', async () => {
    await run('jira_assign', { issue: 'OPS-2', account: DANA.jiraAccount });
    expect(jira.sandbox.issue('OPS-2')?.assignee).toBe(DANA.jiraAccount);
    await run('jira_assign', { issue: 'OPS-2', account: null });
    expect(jira.sandbox.issue('OPS-2')?.assignee).toBeUndefined();
    expect(await run('jira_assign', { issue: 'OPS-2', account: 'Dana Reyes' })).toMatchObject({
      status: 'error',
    });
  });

  it('links two issues, once', async () => {
    await run('jira_link', { from: 'OPS-2', to: 'OPS-3', type: 'Blocks' });
    await run('jira_link', { from: 'OPS-2', to: 'OPS-3', type: 'Blocks' });
    expect(jira.sandbox.links('OPS-2')).toMatchObject([{ type: 'Blocks' }]);
    expect(await run('jira_link', { from: 'OPS-2', to: 'OPS-999', type: 'Blocks' })).toMatchObject({
      status: 'error',
    });
  });

  it('says that nothing was done when Jira asks to wait, and leaves open what nobody knows', async () => {
    jira.sandbox.fail('doTransition', {
      kind: 'rate-limited',
      retryAfterSeconds: 4,
      reason: 'jira-per-issue-on-write',
    });
    expect(await run('jira_transition', { issue: 'OPS-3', to: 'Done' })).toMatchObject({
      status: 'error',
      text: 'Nothing was done: Jira asks to wait 4 s.',
    });
    jira.sandbox.fail('doTransition', { kind: 'lost-response' });
    await expect(run('jira_transition', { issue: 'OPS-2', to: 'Done' })).rejects.toThrow();
  });
});

describe('what a call would do, before anybody is asked', () => {
  /** What the tool foresees, or why it cannot work. */
  async function foresee(name: string, input: object): Promise<Preview | string> {
    const tool = jira.gateway.tools.find((each) => each.name === name)!;
    const conversationId = ConversationId.parse('jira:s:1');
    const context = { conversationId, requester: PersonId.parse('alex') };
    const signal = new AbortController().signal;
    try {
      return await tool.preview!(tool.input.parse(input), { ...context, signal });
    } catch (error) {
      if (error instanceof FutileCallError) return error.why;
      throw error;
    }
  }

  describe.each(['cloud', 'data-center'] as const)('on %s', (flavour) => {
    beforeEach(async () => {
      await jira.close();
      jira = await openJira({ started: false, sandbox: { flavour } });
    });

    it.each([
      [
        'jira_create_issue',
        { project: 'OPS', summary: 'x', description: '['.repeat(20_000) },
        'shorten it, and add the rest in comments',
      ],
      ['jira_transition', { issue: 'OPS-3', to: 'Nirvana' }, 'can only become: In Progress, Done'],
      ['jira_transition', { issue: 'OPS-3', to: 'to do' }, 'OPS-3 is To Do already'],
      ['jira_transition', { issue: 'OPS-99', to: 'Done' }, 'does not exist'],
      ['jira_assign', { issue: 'OPS-3', account: 'Dana Reyes' }, 'cannot be assigned to Dana Reyes'],
      ['jira_assign', { issue: 'OPS-99', account: null }, 'does not exist'],
      ['jira_link', { from: 'OPS-2', to: 'OPS-99', type: 'Blocks' }, 'does not exist'],
      ['jira_link', { from: 'OPS-2', to: 'OPS-3', type: 'Loves' }, 'only: Blocks, Relates, Duplicate'],
      ['jira_create_issue', { project: 'OPS', type: 'Dream', summary: 'x' }, 'no issues of the type Dream'],
      ['jira_add_comment', { issue: 'OPS-99', text: 'x' }, 'does not exist'],
    ])('says that it cannot work: %s %j', async (name, input, why) => {
      expect(await foresee(name, input)).toEqual(expect.stringContaining(why));
    });

    it('shows what becomes of a status and of an assignee, and lets the rest pass', async () => {
      jira.sandbox.assign({ user: ALEX.jiraAccount, issue: 'OPS-3', to: ALEX.jiraAccount });

      expect(await foresee('jira_transition', { issue: 'OPS-3', to: 'done' })).toEqual({
        changes: [{ label: 'status', before: 'To Do', after: 'Done' }],
        basis: 'OPS-3 is To Do',
      });
      expect(await foresee('jira_assign', { issue: 'OPS-3', account: DANA.jiraAccount })).toMatchObject({
        changes: [
          {
            label: 'assignee',
            before: `Alex Kim [${ALEX.jiraAccount}]`,
            after: `Dana Reyes [${DANA.jiraAccount}]`,
          },
        ],
      });
      const fine = [
        foresee('jira_create_issue', { project: 'OPS', summary: 'x' }),
        foresee('jira_link', { from: 'OPS-2', to: 'OPS-3', type: 'Blocks' }),
        foresee('jira_add_comment', { issue: 'OPS-2', text: 'x' }),
      ];
      expect(await Promise.all(fine)).toEqual(Array(3).fill({ changes: [], basis: 'as it says' }));
    });
  });

  it('lets an assignment pass where this account may not look for people', async () => {
    jira.sandbox.fail('findAssignableUsers', { kind: 'status', status: 403 });
    expect(await foresee('jira_assign', { issue: 'OPS-3', account: DANA.jiraAccount })).toMatchObject({
      changes: [{ after: DANA.jiraAccount }],
    });
  });

  it('does not say that a call cannot work when Jira is away', async () => {
    jira.sandbox.fail('getIssue', { kind: 'status', status: 503 });
    await expect(foresee('jira_transition', { issue: 'OPS-3', to: 'Done' })).rejects.toThrow(/503/);
  });
});

describe('the list', () => {
  it('marks what only looks as such, so that policy can hold all the rest', () => {
    expect(jira.gateway.tools.filter(({ effect }) => effect === 'read').map(({ name }) => name)).toEqual([
      'jira_search',
      'jira_get_issue',
    ]);
    expect(jira.gateway.tools).toHaveLength(7);
  });
});
