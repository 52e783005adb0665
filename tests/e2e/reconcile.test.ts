/** A call was started, and nobody knows what came of it: people look, and say so where they are. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { DANA as DANA_, PROJECT } from '../../src/sandbox/people.ts';
import { ALEX, button, codesIn, DANA, GENERAL, Story, withPerson } from '../support/story.ts';
import { buttonOf, discordSurface, textOf as discordText } from '../support/surfaces/discord-surface.ts';
import { jiraSurface } from '../support/surfaces/jira-surface.ts';
import { seen } from '../support/surfaces/surface.ts';
import { openCardFor, webSurface } from '../support/surfaces/web-surface.ts';

const HOUR = 60 * 60_000;
const NOBODY_KNOWS = /nobody can tell whether it happened/;

let story: Story;
beforeEach(async () => {
  story = await Story.begin();
});
afterEach(() => story.end());

/** A refund Dana said yes to, of which nobody knows whether it was made. Resolves with its thread and its card there. */
async function lost(fault: 'cut-after' | 'error-before' = 'cut-after') {
  story.sandbox.shop.fault(fault);
  const thread = await story.mention('refund order 7');
  const asked = await story.mail(DANA.mail, /Decide before/);
  await story.sandbox.mail.reply(asked, { line: `approve ${codesIn(asked).approve}`, quoting: 'top' });
  const card = await story.answer(thread, NOBODY_KNOWS);
  await story.answer(thread, /cannot say whether it was done/);
  return { thread, card };
}

async function press(user: string, ts: string, actionId: string): Promise<void> {
  await story.sandbox.slack.press({ user, channel: GENERAL, ts, actionId });
}

describe('a call of which nobody knows what came of it', () => {
  it('OM-122 OM-124 is shown with buttons in Slack; who may not say so is told alone, and who may tells the agent', async () => {
    const { thread, card } = await lost();
    const ran = button(card, /It ran/);
    expect([/It did not run/, /Run it again/].map((label) => button(card, label))).toHaveLength(2);
    expect(() => button(card, /"Approve"/)).toThrow();

    await press(ALEX.slack, card.ts, ran);
    expect(await story.told(ALEX.slack, /Nothing changed/)).toContain('Only those who may decide this');
    await press(DANA.slack, card.ts, ran);

    await story.answer(thread, /Done: Dana Reyes confirmed that it happened \(on Slack, /);
    await story.told(DANA.slack, /Recorded/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages)).toContain(
      'Dana Reyes confirmed that it happened',
    );
  });

  it('OM-124 runs again by a button, once the first attempt must be over, and a button of the first attempt is void then', async () => {
    const { thread, card } = await lost('error-before');
    const again = button(card, /Run it again/);
    story.sandbox.shop.fault('cut-after');

    await press(DANA.slack, card.ts, again);
    await story.told(DANA.slack, /may still be at work/);
    await story.advance(HOUR);
    await press(DANA.slack, card.ts, again);
    await story.sandbox.slack.until(() => story.refunds(7).length === 1 || undefined);
    await story.answer(thread, NOBODY_KNOWS);
    await story.quiet();

    const stale = { ...card, ts: card.ts };
    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /It did not run/),
      copy: stale,
    });
    await story.told(DANA.slack, /let run again after what you looked at/);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-125 is settled by mail, with the line that the mail names', async () => {
    const { thread } = await lost();
    const mail = await story.mail(DANA.mail, NOBODY_KNOWS);
    expect(mail.subject).toContain('What came of it?');
    const line = /^happened [A-Z0-9]{4,8}$/m.exec(mail.text)?.[0] ?? '';
    expect(mail.text).toMatch(/^did-not-happen [A-Z0-9]{4,8}$/m);
    expect(mail.text).toMatch(/^retry [A-Z0-9]{4,8}$/m);

    await story.sandbox.mail.reply(mail, { line: 'happened', quoting: 'top' });
    await story.mail(DANA.mail, /decided nothing: the code is missing/);
    await story.sandbox.mail.reply(mail, { line, quoting: 'top' });

    await story.answer(thread, /Done: Dana Reyes confirmed that it happened \(by e-mail, /);
  });

  it('OM-125 is settled by a line, in a thread', async () => {
    const { thread } = await lost('error-before');
    const [approval] = await story.app.approvals.pending(10);

    await story.say(ALEX.slack, thread, `did-not-happen ${approval?.id}`);
    await story.told(ALEX.slack, /Only those who may decide this/);
    await story.say(DANA.slack, thread, `did-not-happen ${approval?.id}`);

    await story.answer(thread, /did not work: Dana Reyes confirmed that it did not happen/);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-122 is settled by a button on Discord', async () => {
    preferring('discord');
    const discord = discordSurface(story.sandbox.discord);
    story.sandbox.shop.fault('cut-after');
    const place = await discord.ask('refund order 7');
    await seen(discord, discord.shownToDana, /Waiting for/);
    await discord.approve();
    const card = await discord.until(() =>
      story.sandbox.discord
        .messages(DANA_.discordDm)
        .find((message) => NOBODY_KNOWS.test(discordText(message))),
    );

    await story.sandbox.discord.press({
      user: DANA_.discordUser,
      channel: DANA_.discordDm,
      message: card.id,
      customId: buttonOf(card, /It ran/),
    });

    await seen(discord, () => discord.said(place), /confirmed that it happened \(on Discord/);
  });

  it('OM-122 is settled over the web, and by a comment in Jira', async () => {
    preferring('web');
    const [web, jira] = [webSurface(story.sandbox.web), jiraSurface(story.sandbox.jira)];
    story.sandbox.shop.fault('cut-after', 'cut-after');
    const place = await web.ask('refund order 7');
    await seen(web, web.shownToDana, /Waiting for/);
    await web.approve();
    await seen(web, web.shownToDana, NOBODY_KNOWS);
    const card = openCardFor(story.sandbox.web, DANA_.webClient)!;
    expect(card.choices).toEqual(['happened', 'did-not-happen', 'retry']);

    story.sandbox.web.answer({ client: DANA_.webClient, card, choice: 'happened' });
    await seen(web, () => web.said(place), /confirmed that it happened \(over the web/);

    preferring('jira');
    const comment = await jira.ask('refund order 8 for 60 EUR');
    await seen(jira, jira.shownToDana, /Waiting for/);
    await jira.approve();
    const shown = await seen(jira, jira.shownToDana, NOBODY_KNOWS);
    const line = /^happened apr_\S+$/m.exec(shown)?.[0] ?? '';
    await story.sandbox.jira.comment({ user: DANA_.jiraAccount, issue: PROJECT.approvalIssue, text: line })
      .acknowledged;
    await seen(jira, () => jira.said(comment), /confirmed that it happened \(in Jira/);
  });
});

function preferring(platform: string): void {
  story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse(platform)] });
}
