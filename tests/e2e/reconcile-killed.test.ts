/** The process that runs an approved call is killed in the middle of it, as the real process. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KilledStory, LEASE_IS_OVER_MS, PROCESS_TIMEOUTS } from '../support/killed-story.ts';
import { ALEX, button, codesIn, DANA, GENERAL, textOf } from '../support/story.ts';

vi.setConfig(PROCESS_TIMEOUTS);

let story: KilledStory;

beforeEach(async () => {
  story = await KilledStory.begin();
});
afterEach(() => story.end());

it('OM-011 OM-124 a call whose process was killed in the middle is not made again; a person finds out, and the agent is told', async () => {
  const gateway = await story.start();
  const { ts: thread } = await story.sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    text: '@signalbox refund order 7',
  });
  await story.answer(thread, /Waiting for role manager/);
  const request = await story.sandbox.mail.until(() =>
    story.sandbox.mail.mailbox(DANA.mail).find(({ subject }) => /refund/.test(subject)),
  );
  story.sandbox.shop.fault('hang-after');
  const made = story.ledger(() => story.sandbox.shop.refunds.length > 0);
  await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
  await made;

  gateway.signal('SIGKILL');
  await gateway.ended();
  await story.start();
  await story.pass(LEASE_IS_OVER_MS);
  const card = await story.answer(thread, /nobody can tell whether it happened/);
  await story.answer(thread, /cannot say whether it was done/);
  await story.sandbox.slack.press({
    user: DANA.slack,
    channel: GENERAL,
    ts: card.ts,
    actionId: button(card, /It ran/),
  });

  await story.answer(thread, /Done: Dana Reyes confirmed that it happened \(on Slack/);
  await story.sandbox.slack.until(
    () =>
      JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages).includes('confirmed that it happened') ||
      undefined,
  );
  expect(story.sandbox.shop.refunds.map(({ amount }) => amount)).toEqual([120]);
});

it('C1 what was shown of an answer whose process was killed says that it was broken off, once a person takes over', async () => {
  async function* endlessly(): AsyncGenerator<string> {
    yield 'The refund rules ';
    await new Promise(() => {});
  }
  story.sandbox.claude.script(() => ({ text: endlessly() }));
  const gateway = await story.start();
  const { ts: thread } = await story.sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    text: '@signalbox what do the rules say?',
  });
  await story.answer(thread, /The refund rules +…/);

  gateway.signal('SIGKILL');
  await gateway.ended();
  await story.start();
  await story.sandbox.slack.say({ user: DANA.slack, channel: GENERAL, thread, text: '!takeover' });

  await story.answer(thread, /Dana Reyes has taken over/);
  await story.answer(thread, /I broke off here/);
  expect(story.sandbox.slack.thread(GENERAL, thread).map(textOf).join()).not.toContain('The refund rules');
});
