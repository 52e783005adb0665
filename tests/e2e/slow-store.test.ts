/** What people are told of a command or a press while the store gives no answer, and what becomes of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OwnRedis, startRedis } from '../support/redis.ts';
import { ALEX, DANA, GENERAL, Story, textOf } from '../support/story.ts';

let story: Story;
let redis: OwnRedis;

beforeEach(async () => {
  redis = await startRedis();
  story = await Story.begin({ redisUrl: redis.url });
});
afterEach(async () => {
  redis.resume();
  await story.end(); // before its store goes
  await redis.stop();
});

const seenBy = (user: string) => story.sandbox.slack.ephemerals(user).map(textOf);
const told = (user: string, pattern: RegExp) =>
  story.sandbox.slack.until(() => seenBy(user).find((text) => pattern.test(text)));

describe('while the store gives no answer', () => {
  it('OM-140 a command of Slack is not called unrecorded, and is done once when the store answers again', async () => {
    redis.pause();
    const outcome = await story.sandbox.slack.command({
      user: ALEX.slack,
      channel: GENERAL,
      command: '/signalbox',
      text: 'ask refund order 3 for 10 EUR',
    });
    const meanwhile = seenBy(ALEX.slack);
    redis.resume();

    expect(outcome.kind).toBe('acknowledged');
    expect(meanwhile).toEqual([expect.stringMatching(/cannot tell yet.*do not type it again/)]);
    await told(ALEX.slack, /is recorded/);
    await told(ALEX.slack, /Done/);
    await story.quiet();
    expect(story.refunds(3)).toHaveLength(1);
    expect(seenBy(ALEX.slack).join()).not.toContain('not recorded');
  });

  it('OM-140 a press of Approve in Slack is not called unrecorded, and counts when the store answers again', async () => {
    const thread = await story.mention('refund order 7');
    const card = await story.answer(thread, /Waiting for role manager/);

    redis.pause();
    const pressed = await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: 'signalbox.approve',
    });
    await told(DANA.slack, /cannot tell yet/);
    redis.resume();

    expect(pressed.kind).toBe('acknowledged');
    await story.answer(thread, /Approved by Dana Reyes.*Done/);
    await story.sandbox.slack.until(() => seenBy(DANA.slack).length > 1);
    expect(story.refunds(7)).toEqual([120]);
    expect(seenBy(DANA.slack).join()).not.toMatch(/not recorded|press again/);
  });
});
