/** A reminder that its platform did not take in time does not come after the answer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { DANA, Story, textOf, withPerson } from '../support/story.ts';

const HOUR = 60 * 60_000;

let story: Story;
beforeEach(async () => {
  story = await Story.begin({
    config: (shipped) => withPerson(shipped, 'dana', { prefers: [Platform.parse('slack')] }),
  });
});
afterEach(() => story.end());

describe('a reminder that Slack refuses as too fast', () => {
  it('OM-123 is not sent any more once the request was denied', async () => {
    const { slack } = story.sandbox;
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    await story.seen();
    await story.quiet();
    const [asked] = await story.open();
    slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterSeconds: 2 });

    await story.advance(7 * HOUR);
    await slack.until(({ calls }) => calls.some(({ method, result }) => isRefusal(method, result)));
    await story.say(DANA.slack, thread, `deny ${asked?.id}.1 no`);
    await story.answer(thread, /Denied by/);
    await story.quiet();

    const told = slack.messages('D0DANA').map(textOf);
    expect(told.filter((text) => /Reminder/.test(text))).toEqual([]);
    expect(told.filter((text) => /Denied by/.test(text))).toHaveLength(1);
  });
});

function isRefusal(method: string, result: string): boolean {
  return method === 'chat.postMessage' && /rate|429/i.test(result);
}
