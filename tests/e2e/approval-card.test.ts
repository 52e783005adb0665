/** What an approver reads before they decide, and how they answer with words. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { ALEX, button, codesIn, DANA, GENERAL, Story, textOf, withPerson } from '../support/story.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

/** Alex asks; resolves when the card is in the thread and the mail with Dana. */
async function ask() {
  const thread = await story.mention('refund order 7 because it arrived broken');
  const card = await story.answer(thread, /Waiting for role manager/);
  const mail = await story.mail(DANA.mail, /refund/);
  return { thread, card, mail };
}

describe('the request for an approval', () => {
  it('OM-121 OM-122 says in Slack what would happen, why, at what risk, for whom, until when, and what may be chosen', async () => {
    const { card } = await ask();

    const shown = textOf(card);
    expect(shown).toContain('refund: order 7, amount 120, currency EUR');
    expect(shown).toContain('it arrived broken');
    expect(shown).toContain('Requested by Alex Kim');
    expect(shown).toContain('asked: role manager');
    expect(shown).toContain('high risk, cannot be undone');
    expect(shown).toMatch(/decide by \d{1,2} \w{3,4} \d{4}, \d\d:\d\d UTC/);
    expect(shown).toContain('I will refund order 7: 120 EUR.');
    for (const label of [/"Approve"/, /"Deny"/, /Deny with reason/, /Answer/]) {
      expect(button(card, label)).toMatch(/^signalbox\./);
    }
  });

  it('OM-121 OM-122 says the same by mail, to the one who prefers mail, with the exact words to answer with', async () => {
    const { mail } = await ask();

    const { approve, deny } = codesIn(mail);
    expect(mail.subject).toContain('refund');
    for (const fact of ['order: 7', 'amount: 120', 'currency: EUR', 'reason: it arrived broken']) {
      expect(mail.text).toContain(fact);
    }
    expect(mail.text).toContain('Requested by: Alex Kim');
    expect(mail.text).toContain('Risk: high, cannot be undone');
    expect(mail.text).toMatch(/Decide before: \d{1,2} \w{3,4} \d{4}, \d\d:\d\d UTC/);
    expect(mail.text).toMatch(/Reply with one of these lines, as the first line/);
    expect(mail.text.split('\n')).toEqual(expect.arrayContaining([`approve ${approve}`, `deny ${deny}`]));
    expect(mail.html).toContain(`approve ${approve}`);
    expect(mail.replyTo).not.toBe('signalbox@gateway.test');
    expect(story.sandbox.mail.mailbox(ALEX.mail)).toEqual([]);
  });

  it('OM-122 goes to Slack for somebody who prefers Slack, and the buttons there decide', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('slack')] });

    const thread = await story.mention('refund order 7');
    const card = await story.sandbox.slack.until((slack) =>
      slack.messages('D0DANA').find((message) => /Waiting for role manager/.test(textOf(message))),
    );
    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: 'D0DANA',
      ts: card.ts,
      actionId: button(card, /"Approve"/),
    });

    await story.answer(thread, /Approved by Dana Reyes on Slack.*Done/);
    await story.sandbox.slack.until((slack) =>
      slack.messages('D0DANA').some((message) => message.ts === card.ts && /Done/.test(textOf(message))),
    );
    expect(story.sandbox.mail.mailbox(DANA.mail)).toEqual([]);
    expect(story.refunds(7)).toEqual([120]);
  });
});

describe('an answer in words', () => {
  it('OM-124 OM-062 denies with the reason written into a form, which the agent and the thread hear', async () => {
    const { card, thread } = await ask();

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /Deny with reason/),
    });
    await story.sandbox.slack.until((slack) => slack.views(DANA.slack).length > 0);
    await story.sandbox.slack.submitView({ user: DANA.slack, values: { words: 'send a new one instead' } });

    await story.answer(thread, /Denied by Dana Reyes on Slack.*send a new one instead/);
    await story.answer(thread, /It was not allowed, so it was not done/);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages)).toContain(
      'send a new one instead',
    );
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-124 OM-125 answers a question instead of deciding, and the agent goes on with the answer', async () => {
    const { mail, thread } = await ask();

    await story.sandbox.mail.reply(mail, {
      line: `answer ${codesIn(mail).approve} refund 60 only, and send a voucher`,
      quoting: 'top',
    });

    await story.answer(thread, /I got an answer instead of a yes or no/);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages)).toContain(
      'refund 60 only, and send a voucher',
    );
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-124 OM-123 reminds the approver, and takes their answer after the reminder', async () => {
    const { mail, thread } = await ask();

    await story.advance(7 * 60 * 60_000);
    const reminder = await story.mail(DANA.mail, /Reminder/);
    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });
    await story.answer(thread, /Approved by Dana Reyes by e-mail.*Done/);
    await story.quiet();

    expect(reminder.text).toContain('Alex Kim is waiting for your answer');
    expect(story.refunds(7)).toEqual([120]);
    const outcome = await story.mail(DANA.mail, /Your reply is not needed/);
    expect(outcome.text).toContain('Order 7 was refunded');
  });
});
