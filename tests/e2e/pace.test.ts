/** How fast one channel is posted to, whatever happens in the others. */
import { afterEach, expect, it } from 'vitest';
import { ALEX, GENERAL, Story } from '../support/story.ts';

const OPS = 'C0OPS';

let story: Story;
afterEach(() => story.end());

it('a channel that has had its share waits, and no other channel waits with it', async () => {
  story = await Story.begin({ pace: { posts: 1, seconds: 3_600 } });
  const first = await story.mention('hello');
  await story.answer(first, /stand-in/);

  const second = await story.mention('hello again');
  const { ts: elsewhere } = await story.sandbox.slack.say({
    user: ALEX.slack,
    channel: OPS,
    text: '<@U0SIGNALBOX> hello',
  });

  await story.sandbox.slack.until((slack) => slack.thread(OPS, elsewhere).length > 1);
  expect(story.sandbox.slack.thread(GENERAL, second)).toHaveLength(1);
});
