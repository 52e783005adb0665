/** What people see of an answer before it is there. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, GENERAL, Story, textOf } from '../support/story.ts';

describe('progress', () => {
  let story: Story;

  beforeEach(async () => {
    story = await Story.begin();
  });
  afterEach(async () => {
    await story.end();
  });

  it('does not take a place in the thread that belongs to an earlier reply', async () => {
    const { slack, claude } = story.sandbox;
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    async function* slowly(): AsyncGenerator<string> {
      yield 'The second ';
      await finished;
      yield 'answer.';
    }
    claude.script(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('two') ? { text: slowly() } : { text: 'The first answer.' },
    );
    // The first reply has to wait, longer than it takes until progress is shown.
    slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterSeconds: 3 });

    const thread = await story.mention('one');
    await slack.until(({ calls }) => calls.some(({ result }) => result === 'rate-limited'));
    await slack.say({ user: ALEX.slack, channel: GENERAL, thread, text: 'two' });
    await story.answer(thread, /The first answer/);
    await story.answer(thread, /The second/);
    const seen = story.said(thread).map(({ text }) => text);
    finish();
    await story.answer(thread, /The second answer/);

    expect(seen).toEqual(['The first answer.', expect.stringMatching(/^The second +…/)]);
    expect(story.said(thread).map(textOf)).toEqual([
      expect.stringContaining('The first answer.'),
      expect.stringContaining('The second answer.'),
    ]);
  });
});
