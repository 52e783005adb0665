/** Files that people show to the agent in Jira, and files that it puts on an issue. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, BOT, DANA } from '../../src/sandbox/people.ts';
import { Story } from '../support/story.ts';

const ISSUE = 'OPS-2';
const ADMINISTRATORS = { type: 'role', value: 'Administrators' } as const;

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

function said() {
  return story.sandbox.jira.comments(ISSUE).filter(({ author }) => author === BOT.jiraAccount);
}

/** Resolves with the first comment of the bot that says this. */
async function answer(pattern: RegExp) {
  return story.sandbox.jira.until(() => said().find(({ body }) => pattern.test(body)));
}

describe('a file in Jira', () => {
  it('is read by the agent when a comment to it shows it, and no other is', async () => {
    const { jira, claude } = story.sandbox;
    for (const [filename, text] of [
      ['orders.csv', 'order,amount\n7,120\n'],
      ['other.txt', 'the word is sesame'],
    ] as const) {
      const bytes = Buffer.from(text);
      jira.attach({ user: ALEX.jiraAccount, issue: ISSUE, filename, mimeType: 'text/plain', bytes });
    }
    await jira.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox look at [^orders.csv]' })
      .acknowledged;

    await answer(/orders\.csv/);

    const asked = JSON.stringify(claude.requests.at(-1)?.messages);
    expect(asked).toContain('    | 7,120');
    expect(asked).not.toContain('sesame');
  });

  it('comes back as an attachment of the issue, once, though the answer of Jira is lost', async () => {
    const { jira } = story.sandbox;
    jira.fail('addAttachment', { kind: 'lost-response' });
    await jira.comment({
      user: ALEX.jiraAccount,
      issue: ISSUE,
      text: '@signalbox send me the orders as a file',
    }).acknowledged;

    await answer(/Here is the file/);
    await jira.until(() => jira.attachments(ISSUE).length > 0);
    await story.restart();
    await story.advance(60_000);
    await story.quiet();

    const [file, ...others] = jira.attachments(ISSUE);
    expect(file).toMatchObject({ filename: 'orders.csv', author: BOT.jiraAccount });
    expect(Buffer.from(file!.base64, 'base64').toString()).toContain('7,120,EUR');
    expect(others).toEqual([]);
    expect(said().filter(({ body }) => /Here is the file/.test(body))).toHaveLength(1);
  });

  it('for some people only is shown to them as text, with the reason, and not put on the issue', async () => {
    const { jira } = story.sandbox;
    const text = '@signalbox send me the orders as a file';
    await jira.comment({ user: DANA.jiraAccount, issue: ISSUE, text, visibility: ADMINISTRATORS })
      .acknowledged;

    const shown = await answer(/7,120,EUR/);

    expect(shown.body).toContain('I do not attach it');
    expect(said().map(({ visibility }) => visibility)).toEqual(said().map(() => ADMINISTRATORS));
    expect(jira.attachments(ISSUE)).toEqual([]);
  });
});
