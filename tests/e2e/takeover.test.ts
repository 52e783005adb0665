/** A person takes a conversation over from the agent, and gives it back. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defer } from '../support/core.ts';
import { ALEX, button, DANA, GENERAL, Story, textOf } from '../support/story.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

describe('a takeover while the bot is mid-answer', () => {
  it('C1 lets nothing out that was begun before, and C3 C5 gives the agent what was said meanwhile', async () => {
    const { slack, claude } = story.sandbox;
    const finish = defer();
    async function* slowly(): AsyncGenerator<string> {
      yield 'The refund rules ';
      await finish.promise;
      yield 'say that you get nothing.';
    }
    claude.script(({ messages }) => {
      const said = JSON.stringify(messages.at(-1));
      return said.includes('so what about it') ? { text: 'I answer: it is settled.' } : { text: slowly() };
    });

    const thread = await story.mention('what do the rules say?');
    await story.answer(thread, /The refund rules +…/);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.answer(thread, /I broke off here/);
    finish.resolve();
    await story.say(DANA.slack, thread, 'Alex, I pay it from my own budget.');
    await story.say(ALEX.slack, thread, 'Thank you so much!');
    await story.quiet();
    expect(story.said(thread).map(textOf).join()).not.toMatch(/you get nothing|I answer/);

    await story.say(DANA.slack, thread, '!handback it is settled; be kind');
    await story.answer(thread, /Dana Reyes has handed this conversation back/);
    await story.say(ALEX.slack, thread, 'so what about it?');
    await story.answer(thread, /I answer: /);

    const seen = JSON.stringify(claude.requests.at(-1));
    for (const part of [
      'what do the rules say?',
      'has taken this conversation over',
      'from my own budget',
      'Thank you so much!',
      'handed this conversation back',
      'no longer holds',
      'it is settled; be kind',
      'so what about it?',
    ]) {
      expect(seen).toContain(part);
    }
    expect(slack.calls.length).toBeGreaterThan(0);
  });
});

describe('who may', () => {
  it('is told so, and nothing changes, when they may not; the audit names the rule either way', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);

    await story.say(ALEX.slack, thread, '!takeover');
    expect(await story.told(ALEX.slack, /take-over/)).toContain('You may not take conversations over');
    const [control] = await story.app.controls.away(10);
    expect(control).toBeUndefined();

    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    const trail = JSON.stringify(await story.app.audit.tail(100));
    expect(trail).toContain('no role has the permission take-over');
    expect(trail).toContain('permission take-over of operator');
  });
});

describe('approvals while a person has the conversation', () => {
  it('stay valid, run after the hand-back, in order, and not before', async () => {
    const thread = await story.mention('refund order 7');
    const card = await story.answer(thread, /Waiting for role manager/);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /Approve/),
    });
    await story.sandbox.slack.until((slack) =>
      slack.thread(GENERAL, thread).find((message) => /Approved by/.test(textOf(message))),
    );
    await story.quiet();
    await story.advance((60 * 60_000) / 4);
    expect(story.refunds(7)).toEqual([]);

    await story.say(DANA.slack, thread, '!handback');
    await story.sandbox.slack.until(() => story.refunds(7).length === 1 || undefined);
    await story.answer(thread, /handed this conversation back/);
  });
});

describe('somebody asks for a human', () => {
  it('C4 and is not left waiting: nobody comes, so the agent apologises and answers what was written', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);

    await story.say(ALEX.slack, thread, '!human my order is lost');
    await story.answer(thread, /A human was asked for/);
    await story.mail(DANA.mail, /Alex Kim asks for a human/);
    const before = story.sandbox.claude.requests.length;
    await story.say(ALEX.slack, thread, 'what can you do for me?');
    await story.answer(thread, /A human has been asked to come and will read this/);
    expect(story.sandbox.claude.requests).toHaveLength(before);

    await story.advance(11 * 60_000);
    await story.answer(thread, /I am sorry: nobody could come/);
    await story.sandbox.slack.until(
      () => story.said(thread).filter((m) => /Here is what I can do/.test(textOf(m))).length === 2,
    );
  });
});
