/** Pictures and PDFs that no request to the model held: what is said of them afterwards is true. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BudgetSettings } from '../../src/config/budgets.ts';
import type { SentFile } from '../../src/sandbox/slack/files.ts';
import { defer } from '../support/core.ts';
import { PNG } from '../support/files.ts';
import { ALEX, DANA, GENERAL, Story } from '../support/story.ts';

const PICTURE: SentFile = { name: 'x.png', mediaType: 'image/png', bytes: PNG };
const LOCKED: SentFile = {
  name: 'x.pdf',
  mediaType: 'application/pdf',
  bytes: Buffer.from('%PDF-1.4 locked'),
};

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

async function begun(): Promise<string> {
  const thread = await story.mention('what can you do?');
  await story.answer(thread, /Here is what I can do/);
  await story.quiet();
  return thread;
}

async function send(file: SentFile, thread: string): Promise<void> {
  const { acknowledged } = await story.sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    thread,
    text: 'what is on this?',
    files: [file],
  });
  await acknowledged;
}

/** What the model is told of the file once somebody writes again. */
async function toldLater(thread: string): Promise<string> {
  await story.say(ALEX.slack, thread, 'and now?');
  await story.quiet();
  const request = JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages);
  expect(request).toContain('and now?');
  expect(request).not.toContain('You saw it then');
  return request;
}

function allow(written: Parameters<typeof BudgetSettings.parse>[0]): void {
  const { settings } = story.config;
  story.config = { ...story.config, settings: { ...settings, budgets: BudgetSettings.parse(written) } };
}

describe('a picture that the model was never shown', () => {
  it('came while a budget was used up: people are told that it is not kept, the agent that it has to ask for it', async () => {
    const thread = await begun();
    allow({ person: { day: { tokens: 10 } } });

    await send(PICTURE, thread);
    await story.answer(thread, /used up.*Only pictures and PDFs I cannot keep: send them again then/);
    await story.quiet();
    allow({});

    expect(await toldLater(thread)).toMatch(
      /x\.png.*It was not read: it came while you could not look at it, and is not kept; if it matters, ask for it again\./,
    );
  });

  it('came while a person had the conversation: so it is there', async () => {
    const thread = await begun();
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /I read along, all but pictures and PDFs/);

    await send(PICTURE, thread);
    await story.quiet();
    await story.say(DANA.slack, thread, '!handback');
    await story.quiet();

    expect(await toldLater(thread)).toMatch(/x\.png.*it came while you could not look at it/);
  });

  it('came with a turn that was stopped before the first answer: so it is there', async () => {
    const thread = await begun();
    const never = defer();
    async function* slowly(): AsyncGenerator<string> {
      yield 'Let me have a look at this picture, which is a long beginning. ';
      await never.promise;
    }
    story.sandbox.claude.script((request) =>
      JSON.stringify(request.messages).includes('and now?') ? { text: 'Hello.' } : { text: slowly() },
    );

    await send(PICTURE, thread);
    await story.answer(thread, /Let me have a look/);
    await story.say(ALEX.slack, thread, '!stop');
    await story.answer(thread, /I stopped/);
    never.resolve();
    await story.quiet();

    expect(await toldLater(thread)).toMatch(
      /x\.png.*It was not read: it came with a message at which you were stopped before you had answered/,
    );
  });

  it('is a PDF that the service refused: that is said later, too', async () => {
    const thread = await begun();

    await send(LOCKED, thread);
    await story.answer(thread, /I got this with your message/);

    expect(await toldLater(thread)).toMatch(/x\.pdf.*It was not read: it was refused by your service/);
  });
});
