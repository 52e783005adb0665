/** What people say to each other in an issue in which the agent has a part. */
import { afterEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { ALEX, BOT, DANA, PROJECT } from '../../src/sandbox/people.ts';
import { Story, type StoryConfig, withPerson } from '../support/story.ts';

const ISSUE = 'OPS-2';
const TALK = 'what can you do about the lobby lamp?';

let story: Story;

afterEach(async () => {
  await story.end();
});

async function begin(jira: Partial<StoryConfig['settings']['gateways']['jira']> = {}): Promise<void> {
  story = await Story.begin({
    config: (config) => {
      const { gateways } = config.settings;
      return {
        ...config,
        settings: { ...config.settings, gateways: { ...gateways, jira: { ...gateways.jira, ...jira } } },
      };
    },
  });
}

async function write(user: string, text: string, issue = ISSUE): Promise<void> {
  await story.sandbox.jira.comment({ user, issue, text }).acknowledged;
}

function ours(issue = ISSUE): string[] {
  return story.sandbox.jira
    .comments(issue)
    .filter(({ author }) => author === BOT.jiraAccount)
    .map(({ body }) => body);
}

async function shown(pattern: RegExp, issue = ISSUE): Promise<string> {
  return story.sandbox.jira.until(() => ours(issue).find((body) => pattern.test(body)));
}

/** Whether the model was shown these words. */
function wasRead(words: string): boolean {
  return JSON.stringify(story.sandbox.claude.requests).includes(words);
}

describe('a comment between people', () => {
  it('is not for the agent, though it has answered there, and neither the model nor the transcript has it', async () => {
    await begin();
    await write(ALEX.jiraAccount, '@signalbox show OPS-3');
    await shown(/Release 2\.4 of api/);
    const before = ours().length;

    await write(ALEX.jiraAccount, TALK);
    await write(DANA.jiraAccount, 'no idea, ask Eve');
    await story.quiet();
    expect(ours()).toHaveLength(before);

    await write(ALEX.jiraAccount, '@signalbox show OPS-1');
    await story.sandbox.jira.until(() => ours().length > before);
    expect(wasRead('show OPS-1')).toBe(true);
    expect(wasRead('lobby lamp')).toBe(false);
    expect(wasRead('ask Eve')).toBe(false);
  });

  it('is not for the agent in an issue that is assigned to it, with `assigned: mentions_only`', async () => {
    await begin({ assigned: 'mentions_only' });
    const { jira } = story.sandbox;
    await jira.assign({ user: ALEX.jiraAccount, issue: ISSUE, to: BOT.jiraAccount }).acknowledged;
    await jira.until(() => ours().length > 0);
    const before = ours().length;

    await write(ALEX.jiraAccount, TALK);
    await story.quiet();

    expect(ours()).toHaveLength(before);
    expect(wasRead('lobby lamp')).toBe(false);
  });

  it('takes nobody the right to decide what somebody asks for afterwards', async () => {
    await begin();
    await write(ALEX.jiraAccount, '@signalbox show OPS-3');
    await shown(/Release 2\.4 of api/);
    await write(DANA.jiraAccount, 'order 7 was broken when it came');
    await write(ALEX.jiraAccount, '@signalbox refund order 7');
    const [line = ''] = /^approve apr_\S+$/m.exec(await shown(/^approve apr_/m)) ?? [];

    await write(DANA.jiraAccount, line);

    await shown(/Approved by Dana Reyes in Jira[\s\S]*Done/);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('is for the agent where every comment is followed', async () => {
    await begin({ follow: 'every_comment' });
    await write(ALEX.jiraAccount, '@signalbox show OPS-3');
    await shown(/Release 2\.4 of api/);

    await write(ALEX.jiraAccount, TALK);

    await shown(/Here is what I can do/);
  });

  it('counts as theirs while a person has the conversation', async () => {
    await begin();
    await write(ALEX.jiraAccount, '@signalbox show OPS-3');
    await shown(/Release 2\.4 of api/);
    await write(DANA.jiraAccount, '@signalbox /takeover');
    await story.quiet();
    await write(DANA.jiraAccount, 'Alex, the lobby lamp is on order');
    await story.quiet();
    await write(DANA.jiraAccount, '@signalbox /handback');
    await story.quiet();

    await write(ALEX.jiraAccount, '@signalbox show OPS-1');
    await story.sandbox.jira.until(() => wasRead('show OPS-1'));
    expect(wasRead('lobby lamp is on order')).toBe(true);
  });
});

describe('the issue for approvals', () => {
  it('OM-124 says to whoever is asked there that a word alone decides nothing, and which line does', async () => {
    await begin();
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('jira')] });
    const thread = await story.mention('refund order 7');
    const { approvalIssue } = PROJECT;
    const [line = ''] = /^approve apr_\S+$/m.exec(await shown(/^approve apr_/m, approvalIssue)) ?? [];

    await write(DANA.jiraAccount, 'Approved.', approvalIssue);
    const told = await shown(/That decided nothing: it does not name the request/, approvalIssue);
    expect(told.replaceAll('\\', '')).toContain(line);
    expect(story.refunds(7)).toEqual([]);

    await write(DANA.jiraAccount, line, approvalIssue);
    await story.answer(thread, /Approved by Dana Reyes in Jira/);
  });
});
