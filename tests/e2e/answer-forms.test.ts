/** Answers that take more than a press: a form is opened for those who may, and says what the core would hear as words. */
import { afterEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { ALEX as ALEX_, DANA as DANA_, DISCORD_CHANNELS } from '../../src/sandbox/people.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { ALEX, button, DANA, GENERAL, Story, textOf, withPerson } from '../support/story.ts';
import { buttonOf, discordSurface, textOf as discordText } from '../support/surfaces/discord-surface.ts';
import { openCardFor } from '../support/surfaces/web-surface.ts';

const [GENERAL_] = DISCORD_CHANNELS;

const DAY = 24 * 60 * 60_000;

let story: Story;
afterEach(() => story.end());

async function begin({ standingYes = false } = {}): Promise<{ thread: string; card: SlackMessage }> {
  story = await Story.begin({
    config: (shipped) => {
      const { policies } = shipped.escalation;
      const yes = { rules: ['exact', 'like', 'tool'] as const, longest: 30 * DAY, most_times: 10 };
      const all = Object.entries(policies).map(([name, policy]) => [
        name,
        standingYes ? { ...policy, standing_yes: { ...yes, rules: [...yes.rules] } } : policy,
      ]);
      return { ...shipped, escalation: { ...shipped.escalation, policies: Object.fromEntries(all) } };
    },
  });
  const text = standingYes ? 'deploy api to production' : 'refund order 7';
  const thread = await story.mention(text);
  return { thread, card: await story.answer(thread, /Waiting for role manager/) };
}

async function press(user: string, message: Pick<SlackMessage, 'ts' | 'blocks'>, label: RegExp) {
  const { slack } = story.sandbox;
  await slack.press({
    user,
    channel: GENERAL,
    ts: message.ts,
    actionId: button({ text: '', ...message } as SlackMessage, label),
  });
}

/** What somebody was shown alone, with its buttons. */
function shownAlone(user: string, pattern: RegExp) {
  return story.sandbox.slack.until((slack) =>
    slack.ephemerals(user).findLast((message) => pattern.test(textOf(message))),
  );
}

async function openForm(card: SlackMessage, label: RegExp, user: string = DANA.slack): Promise<string> {
  await press(user, card, label);
  const [open] = await story.sandbox.slack.until((slack) => {
    const views = slack.views(user);
    return views.length > 0 ? views : undefined;
  });
  return JSON.stringify(open?.view.blocks);
}

describe('on Slack', () => {
  it('OM-124 asks back by a form, and the question is where it was asked', async () => {
    const { thread, card } = await begin();

    expect(await openForm(card, /Ask back/)).toContain('What do you want to know?');
    await story.sandbox.slack.submitView({ user: DANA.slack, values: { text: 'which parcel?' } });

    await story.answer(thread, /Dana Reyes asks on Slack.*which parcel\?/s);
    await story.say(ALEX.slack, thread, `reply ${(await story.waiting())[0]?.id} the blue one`);
    await story.answer(thread, /Alex Kim replies: “the blue one”/);
  });

  it('OM-124 changes one argument by a form with a field for each; what does not fit is said in the form', async () => {
    const { thread, card } = await begin();

    const fields = await openForm(card, /Change/);
    for (const name of ['order', 'amount', 'currency', 'reason'])
      expect(fields).toContain(`argument:${name}`);
    expect(fields).toContain('"initial_value":"120"');

    const wrong = await story.sandbox.slack.submitView({
      user: DANA.slack,
      values: { 'argument:amount': 'much' },
    });
    expect(wrong).toMatchObject({
      kind: 'refused',
      errors: { 'argument:order': expect.stringContaining('do not fit') },
    });
    const same = await story.sandbox.slack.submitView({ user: DANA.slack, values: {} });
    expect(same).toMatchObject({
      kind: 'refused',
      errors: { 'argument:order': expect.stringContaining('nothing was changed') },
    });
    const right = await story.sandbox.slack.submitView({
      user: DANA.slack,
      values: { 'argument:amount': '80' },
    });
    expect(right).toEqual({ kind: 'closed' });

    await story.answer(thread, /Approved by Dana Reyes on Slack.*Done/s);
    await story.quiet();
    expect(story.refunds(7)).toEqual([80]);
  });

  it('opens no form for who may not answer, nor on a card that is not the newest; both are told alone', async () => {
    const { thread, card } = await begin();

    await press(ALEX.slack, card, /Change/);
    await story.told(ALEX.slack, /You asked for this yourself/);
    await story.say(DANA.slack, thread, `edit ${(await story.waiting())[0]?.id} amount=80`);
    await story.answer(thread, /Done/);
    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /Change/),
      copy: card,
    });

    await story.told(DANA.slack, /settled before your answer came/);
    expect([ALEX.slack, DANA.slack].flatMap((user) => story.sandbox.slack.views(user))).toEqual([]);
  });

  it('OM-124 says yes to others like it by a form: the rule is shown, and counts once it was agreed to', async () => {
    const { thread, card } = await begin({ standingYes: true });

    const form = await openForm(card, /Always/);
    expect(form).toContain('10 at most');
    await story.sandbox.slack.submitView({
      user: DANA.slack,
      values: { kind: 'exact', for: '7d', times: '3' },
    });
    const proposal = await shownAlone(DANA.slack, /would let run without asking/);
    expect(textOf(proposal)).toMatch(/Nothing was decided yet/);
    expect(await story.waiting()).toHaveLength(1);

    await press(DANA.slack, proposal, /Yes, agree/);
    await story.answer(thread, /Approved by Dana Reyes on Slack/);
    const again = await story.mention('deploy api to production');
    await story.answer(again, /Allowed by a standing yes of Dana Reyes/);
  });

  it('OM-185 takes no word to agree with from anybody but the one who read it', async () => {
    const { thread, card } = await begin({ standingYes: true });
    await openForm(card, /Always/);
    await story.sandbox.slack.submitView({
      user: DANA.slack,
      values: { kind: 'exact', for: '7d', times: '3' },
    });
    const proposal = textOf(await shownAlone(DANA.slack, /would let run without asking/));
    const word = /\/confirm [3479a-z]{8}/.exec(proposal)?.[0] ?? '';

    await story.say(ALEX.slack, thread, word.replace('/', '!'));

    await story.told(ALEX.slack, /do not remember what that would agree to/);
    expect(await story.waiting()).toHaveLength(1);
  });

  it('offers nothing for good where the policy takes no standing yes', async () => {
    const { card } = await begin();

    expect(() => button(card, /Always/)).toThrow('no button');
  });
});

describe('on Discord', () => {
  it('OM-124 asks back, changes and agrees for good by forms, and says alone what does not fit', async () => {
    const { thread } = await begin({ standingYes: true });
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('discord')] });
    const again = await story.mention('deploy web to production');
    const { discord } = story.sandbox;
    const card = await discord.until(() =>
      discord.messages(DANA_.discordDm).find((message) => /service web/.test(discordText(message))),
    );
    const where = { user: DANA_.discordUser, channel: DANA_.discordDm, message: card.id };
    const alone = (pattern: RegExp) =>
      discord.until(() =>
        discord.ephemerals(DANA_.discordUser).findLast((message) => pattern.test(discordText(message))),
      );

    await discord.press({ ...where, customId: buttonOf(card, /Ask back/) });
    await discord.submitModal({ user: DANA_.discordUser, values: { text: 'which build?' } });
    await story.answer(again, /Dana Reyes asks on Discord.*which build\?/s);
    await story.say(ALEX.slack, again, `reply ${(await story.waiting()).at(-1)?.id} the newest`);
    await story.answer(again, /Alex Kim replies: “the newest”/);

    await discord.press({ ...where, customId: buttonOf(card, /Change/) });
    await discord.submitModal({ user: DANA_.discordUser, values: { 'argument:service': 'No Such Name' } });
    await alone(/do not fit/);

    await discord.press({ ...where, customId: buttonOf(card, /Always/) });
    await discord.submitModal({
      user: DANA_.discordUser,
      values: { kind: 'like service', for: '7d', times: '2' },
    });
    const proposal = await alone(/would let run without asking/);
    await discord.press({ ...where, message: proposal.id, customId: buttonOf(proposal, /Yes, agree/) });

    await story.answer(again, /Approved by Dana Reyes on Discord/);
    const further = await story.mention('deploy api to production');
    await story.answer(further, /Allowed by a standing yes of Dana Reyes/);
    expect(thread).toBeDefined();
  });

  it('opens no form for who may not answer', async () => {
    await begin();
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('discord')] });
    const { discord } = story.sandbox;
    const surface = discordSurface(discord);
    await surface.ask('refund order 7');
    const channel = GENERAL_.id;
    const card = await discord.until(() =>
      discord.messages(channel).find((message) => /Waiting for/.test(discordText(message))),
    );

    await discord.press({
      user: ALEX_.discordUser,
      channel,
      message: card.id,
      customId: buttonOf(card, /Change/),
    });

    await discord.until(() =>
      discord
        .ephemerals(ALEX_.discordUser)
        .find((message) => /You asked for this yourself/.test(discordText(message))),
    );
  });
});

describe('over the web', () => {
  it('OM-124 asks back, changes and agrees for good by forms that the gateway hands out', async () => {
    await begin({ standingYes: true });
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('web')] });
    const { web } = story.sandbox;
    const client = DANA_.webClient;
    const thread = await story.mention('deploy web to production');
    const card = await web.until(() => {
      const open = openCardFor(web, client);
      return open && /web/.test(open.title) ? open : undefined;
    });
    const send = (choice: 'ask' | 'edit' | 'always', fields: Record<string, string>) => {
      const id = web.answer({ client, card, choice, fields });
      return web.until(() => web.outcome(id));
    };
    expect(card.choices).toEqual(expect.arrayContaining(['ask', 'edit', 'always']));

    expect(await web.form({ client, card, choice: 'ask' })).toMatchObject({ kind: 'form' });
    expect(await send('ask', { text: 'which build?' })).toMatchObject({ code: 'RECORDED' });
    await story.answer(thread, /Dana Reyes asks over the web.*which build\?/s);
    await story.say(ALEX.slack, thread, `reply ${card.approvalId} the newest`);
    await story.answer(thread, /Alex Kim replies: “the newest”/);

    expect(await web.form({ client, card, choice: 'edit' })).toMatchObject({
      form: {
        fields: expect.arrayContaining([expect.objectContaining({ name: 'argument:service', value: 'web' })]),
      },
    });
    expect(await send('edit', { 'argument:service': 'No Such Name' })).toMatchObject({ code: 'INVALID' });

    expect(await web.form({ client, card, choice: 'always' })).toMatchObject({ kind: 'form' });
    const proposal = await send('always', { kind: 'like service', for: '7d', times: '2' });
    expect(proposal).toMatchObject({ code: 'TO_CONFIRM', buttons: [{ label: 'Yes, agree' }] });
    web.say({ client, conversation: 'c1', text: proposal.buttons?.[0]?.says ?? '' });

    await story.answer(thread, /Approved by Dana Reyes over the web/);
    const further = await story.mention('deploy api to production');
    await story.answer(further, /Allowed by a standing yes of Dana Reyes/);
  });

  it('hands no form to who may not answer, and none that is not offered', async () => {
    await begin();
    const { web } = story.sandbox;
    const [approval] = await story.waiting();
    const card = { approvalId: approval!.id, gen: approval!.gen, digest: approval!.digest };

    expect(await web.form({ client: ALEX_.webClient, card, choice: 'edit' })).toMatchObject({
      kind: 'refused',
      notice: expect.stringContaining('You asked for this yourself'),
    });
    expect(await web.form({ client: DANA_.webClient, card, choice: 'always' })).toMatchObject({
      notice: expect.stringContaining('not offered'),
    });
    expect(
      await web.form({ client: DANA_.webClient, card: { ...card, digest: 'another' }, choice: 'edit' }),
    ).toMatchObject({ kind: 'refused', notice: expect.stringContaining('newest card') });
  });
});
