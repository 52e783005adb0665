/** The main story, from the mention to the result in the thread, and every way it may go wrong. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, button, codesIn, DANA, EVE, GENERAL, Story, textOf } from '../support/story.ts';

const HOUR = 60 * 60 * 1_000;

describe('a refund asked for in Slack and decided by mail', () => {
  let story: Story;

  beforeEach(async () => {
    story = await Story.begin();
  });
  afterEach(async () => {
    await story.end();
  });

  /** Alex asks; resolves when the card is in the thread and the mail with Dana. */
  async function ask() {
    const thread = await story.mention('refund order 7');
    const card = await story.answer(thread, /Waiting for role manager/);
    const mail = await story.mail(DANA.mail, /refund/);
    return { thread, card, mail };
  }

  it('OM-120 OM-122 OM-123 OM-125 OM-011 is held, survives a restart, is made once on the yes, and says who and where', async () => {
    const { thread, mail } = await ask();
    expect(story.refunds(7)).toEqual([]);

    await story.restart();
    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });

    const result = await story.answer(thread, /was approved|executed|refund/i);
    const card = await story.answer(thread, /Approved by Dana Reyes by e-mail.*Done/);
    expect(result).toBeDefined();
    expect(textOf(card)).not.toContain('"button"');
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-124 ends in a no with its reason, and nothing is done', async () => {
    const { thread, mail } = await ask();

    await story.sandbox.mail.reply(mail, {
      line: `deny ${codesIn(mail).deny} the customer has been paid already`,
      quoting: 'top',
    });

    await story.answer(thread, /Denied by Dana Reyes by e-mail.*the customer has been paid already/);
    await story.answer(thread, /was not approved|denied|refused|declined/i);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-123 expires when nobody answers, once, and an answer after that is told so', async () => {
    const { thread, mail } = await ask();

    await story.seen();
    await story.advance(25 * HOUR);

    await story.answer(thread, /Expired on/);
    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });
    const told = await story.mail(DANA.mail, /after the deadline/);
    expect(told.text).toContain('nobody answered in time');
    expect(story.refunds(7)).toEqual([]);
    const card = await story.answer(thread, /Expired on/);
    expect(textOf(card)).not.toContain('Denied');
  });

  it('OM-123 gives back the time in which the gateway was down, and then expires', async () => {
    const { thread, mail } = await ask();
    await story.seen();
    await story.app.stop();

    await story.advance(25 * HOUR, { sweep: false });
    await story.restart();
    const [waiting] = await story.open();
    expect(waiting?.deadlineMs).toBeGreaterThan((waiting?.openedMs ?? 0) + 40 * HOUR);
    await story.answer(thread, /Waiting for role manager/);

    await story.advance(26 * HOUR);
    await story.answer(thread, /Expired on/);
    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });
    await story.mail(DANA.mail, /after the deadline/);
    expect(story.refunds(7)).toEqual([]);
  });

  it("refuses an outsider's click with a private word, and the card stays open", async () => {
    const { card, mail, thread } = await ask();

    await story.sandbox.slack.press({
      user: EVE.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /Approve/),
    });

    const [told] = await story.sandbox.slack.until((slack) => {
      const seen = slack.ephemerals(EVE.slack);
      return seen.length > 0 && seen;
    });
    expect(textOf(told ?? { text: '' })).toMatch(/do not know you/);
    expect(textOf(await story.answer(thread, /Waiting for role manager/))).toContain('Approve');
    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });
    await story.answer(thread, /Done/);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('refuses the one who asked', async () => {
    const { card } = await ask();

    await story.sandbox.slack.press({
      user: ALEX.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /Approve/),
    });

    const [told] = await story.sandbox.slack.until((slack) => {
      const seen = slack.ephemerals(ALEX.slack);
      return seen.length > 0 && seen;
    });
    expect(textOf(told ?? { text: '' })).toMatch(/somebody else has to decide/);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-191 takes nothing from a forged sender, and tells the one whose name was used', async () => {
    const { mail } = await ask();

    const forged = await story.sandbox.mail.forge({
      from: `Dana Reyes <${DANA.mail}>`,
      to: mail.replyTo,
      subject: `Re: ${mail.subject}`,
      text: `approve ${codesIn(mail).approve}`,
    });
    await story.sandbox.mail.settled(forged);

    const told = await story.mail(DANA.mail, /could not be proved/);
    expect(told.text).toContain('Nothing was decided');
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });

  it('takes nothing from an out-of-office reply, and does not answer it', async () => {
    const { mail } = await ask();
    const before = story.sandbox.mail.mailbox(DANA.mail).length;

    await story.sandbox.mail.settled(await story.sandbox.mail.outOfOffice(mail));

    expect(await story.open()).toHaveLength(1);
    expect(story.sandbox.mail.mailbox(DANA.mail)).toHaveLength(before);
    expect(story.refunds(7)).toEqual([]);
  });

  it('takes nothing from a reply whose only "approve" is in the quoted text, and helps once', async () => {
    const { mail } = await ask();

    for (const line of ['What is this about?', 'And why today?']) {
      await story.sandbox.mail.settled(await story.sandbox.mail.reply(mail, { line, quoting: 'top' }));
    }

    const help = await story.mail(DANA.mail, /decided nothing/);
    expect(help.text).toContain(codesIn(mail).approve);
    expect(
      story.sandbox.mail.mailbox(DANA.mail).filter(({ text }) => /decided nothing/.test(text)),
    ).toHaveLength(1);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });

  it('counts a double click once', async () => {
    const { thread, card } = await ask();
    const press = () =>
      story.sandbox.slack.press({
        user: DANA.slack,
        channel: GENERAL,
        ts: card.ts,
        actionId: button(card, /Approve/),
      });

    await Promise.all([press(), press()]);

    await story.answer(thread, /Approved by Dana Reyes on Slack.*Done/);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('lets exactly one of an approval and a denial at the same moment win, and tells the other', async () => {
    const { thread, card, mail } = await ask();

    await Promise.all([
      story.sandbox.slack.press({
        user: DANA.slack,
        channel: GENERAL,
        ts: card.ts,
        actionId: button(card, /"Deny"/),
      }),
      story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' }),
    ]);

    const settled = await story.answer(thread, /Denied by Dana Reyes|Approved by Dana Reyes.*Done/);
    const denied = /Denied/.test(textOf(settled));
    if (denied) await story.mail(DANA.mail, /settled before your answer came/);
    else {
      await story.sandbox.slack.until((slack) =>
        slack.ephemerals(DANA.slack).some((each) => /settled before your answer came/.test(textOf(each))),
      );
    }
    expect(story.refunds(7)).toEqual(denied ? [] : [120]);
  });

  it('OM-062 OM-154 leaves the six events of the collaboration in order under one correlation id', async () => {
    const { thread, mail } = await ask();
    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });
    await story.answer(thread, /Done/);
    await story.quiet();

    const trace = await story.app.audit.trace(`slack:T0SANDBOX:${GENERAL}:${thread}`);

    const events = trace.map(({ event }) => event.event);
    const wanted = [
      'message.received',
      'authorization.ask',
      'approval.opened',
      'message.sent',
      'approval.approved',
      'approval.claimed',
      'approval.executed',
      'message.sent',
    ];
    let from = 0;
    for (const event of wanted) {
      const at = events.indexOf(event, from);
      expect(at, `${event} in ${events.join(' ')}`).toBeGreaterThanOrEqual(from);
      from = at + 1;
    }
    expect((await story.app.audit.verify()).ok).toBe(true);
  });
});
