/** A program asks which of several: people choose, and the program hears the id of what they chose. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Rung } from '../../src/domain/approval/record.ts';
import { Platform } from '../../src/domain/ids.ts';
import { DANA as DANA_, PROJECT } from '../../src/sandbox/people.ts';
import { type ApiAnswer, aClient, aRequest, beginApiStory, call } from '../support/api.ts';
import { button, codesIn, DANA, type Story, textOf, withPerson } from '../support/story.ts';
import { buttonOf, textOf as discordText } from '../support/surfaces/discord-surface.ts';
import { openCardFor } from '../support/surfaces/web-surface.ts';

const THREE = ['red', 'green', 'blue'].map((id) => ({ id, label: `The ${id} one` }));
const SEVEN = Array.from({ length: 7 }, (_, n) => ({ id: `n-${n + 1}`, label: `Number ${n + 1}` }));

const DAY_MS = 24 * 3_600_000;

let story: Story;
beforeEach(async () => {
  story = await beginApiStory({ shop: aClient() });
});
afterEach(() => story.end());

function ask(wish: Record<string, unknown>): Promise<ApiAnswer> {
  return call(
    story,
    'POST',
    '/approvals',
    aRequest({ choices: ['approve', 'deny', 'answer', 'ask'], ...wish }),
  );
}

async function asked(options: readonly object[]): Promise<{ id: string }> {
  const { body } = await ask({ options });
  return body.approval;
}

function preferring(platform: string): void {
  story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse(platform)] });
}

async function decision(id: string): Promise<ApiAnswer['body']> {
  const { body } = await call(story, 'GET', `/approvals/${id}/wait?until=decided&timeout=10`);
  return body.approval.decision;
}

/** Of a day; after that this happens. */
function onTimeout(...on_timeout: readonly Rung[]): void {
  const { escalation } = story.config;
  const policy = { ...escalation.policies.default, deadline: DAY_MS, on_timeout: [...on_timeout] };
  const policies = { ...escalation.policies, default: policy };
  story.config = { ...story.config, escalation: { ...escalation, policies } };
}

function slackCard() {
  return story.sandbox.slack.until((slack) =>
    slack.messages('D0DANA').find((message) => /Waiting/.test(textOf(message))),
  );
}

describe('an answer that is one of several', () => {
  it('OM-124 has a button for each of a few on Slack, and the program hears which', async () => {
    const { id } = await asked(THREE);
    const card = await slackCard();
    expect(() => button(card, /Answer…/)).toThrow('no button');

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: 'D0DANA',
      ts: card.ts,
      actionId: button(card, /The green one/),
    });

    expect(await decision(id)).toMatchObject({ choice: 'answer', option: 'green', text: 'The green one' });
  });

  it('OM-124 has a list for more on Slack', async () => {
    const { id } = await asked(SEVEN);
    const card = await slackCard();

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: 'D0DANA',
      ts: card.ts,
      actionId: 'signalbox.option',
      chosen: 'Number 6',
    });

    expect(await decision(id)).toMatchObject({ choice: 'answer', option: 'n-6' });
  });

  it.each([
    ['buttons', THREE, 'blue'],
    ['a menu', SEVEN, 'n-7'],
  ] as const)('OM-124 is chosen on Discord by %s', async (how, options, wanted) => {
    preferring('discord');
    const { discord } = story.sandbox;
    const { id } = await asked(options);
    const card = await discord.until(() =>
      discord.messages(DANA_.discordDm).find((message) => /Waiting/.test(discordText(message))),
    );
    const where = { user: DANA_.discordUser, channel: DANA_.discordDm, message: card.id };

    if (how === 'buttons') await discord.press({ ...where, customId: buttonOf(card, /The blue one/) });
    else {
      const menu = /"custom_id":"(signalbox\|o\|[^"]+)"/.exec(discordText(card))?.[1] ?? '';
      await discord.choose({ ...where, customId: menu, values: [wanted] });
    }

    expect(await decision(id)).toMatchObject({ choice: 'answer', option: wanted });
  });

  it('OM-124 is chosen over the web, and words that are none of them decide nothing', async () => {
    preferring('web');
    const { web } = story.sandbox;
    const client = DANA_.webClient;
    const { id } = await asked(THREE);
    const card = await web.until(() => openCardFor(web, client));
    expect(card.options).toEqual(THREE);

    const wrong = web.answer({ client, card, choice: 'answer', text: 'purple' });
    expect(await web.until(() => web.outcome(wrong))).toMatchObject({
      code: 'INVALID',
      notice: expect.stringContaining('red (The red one)'),
    });
    web.answer({ client, card, choice: 'answer', text: 'the RED one' });

    expect(await decision(id)).toMatchObject({ choice: 'answer', option: 'red', text: 'The red one' });
  });

  it('OM-125 is chosen by mail and in Jira, with a line for each', async () => {
    preferring('email');
    const first = await asked(THREE);
    const mail = await story.mail(DANA.mail, /Decide before/);
    const { approve } = codesIn(mail);
    expect(mail.text).toContain(`answer ${approve} red\nanswer ${approve} green\nanswer ${approve} blue`);
    await story.sandbox.mail.reply(mail, { line: `answer ${approve} green`, quoting: 'top' });
    expect(await decision(first.id)).toMatchObject({ option: 'green' });

    preferring('jira');
    const second = await call(story, 'POST', '/approvals', {
      ...aRequest({ choices: ['approve', 'deny', 'answer'], options: SEVEN }),
      idempotencyKey: 'another',
    });
    const { id } = second.body.approval;
    const { jira } = story.sandbox;
    const asking = await jira.until(() =>
      jira.comments(PROJECT.approvalIssue).find(({ body }) => body.includes(`answer ${id}.1 n-3`)),
    );
    expect(asking.body).toContain('Number 3');
    await jira.comment({
      user: DANA_.jiraAccount,
      issue: PROJECT.approvalIssue,
      text: `answer ${id}.1 n-3`,
    }).acknowledged;
    expect(await decision(id)).toMatchObject({ option: 'n-3' });
  });

  it.each([
    ['one alone', { options: THREE.slice(0, 1) }, /options/],
    [
      'more than a list holds',
      { options: Array.from({ length: 21 }, (_, n) => ({ id: `n${n}`, label: 'x' })) },
      /options/,
    ],
    ['an id twice', { options: [...THREE, THREE[0]] }, /has an id or a label twice/],
    ['a label twice', { options: [...THREE, { id: 'r', label: 'the RED one' }] }, /a label twice/],
    [
      'a label that is the id of another',
      { options: [...THREE, { id: 'r', label: 'Blue' }] },
      /id of another/,
    ],
    [
      'a label with what nobody sees',
      { options: [...THREE, { id: 'r', label: 'The red\u200b one' }] },
      /characters that can be seen/,
    ],
    [
      'a label with a blank at its end',
      { options: [...THREE, { id: 'r', label: 'The red one ' }] },
      /no blank at its ends/,
    ],
    ['a choice twice', { options: THREE, choices: ['answer', 'answer'] }, /has a choice twice/],
    [
      'an id of other letters',
      { options: [{ id: 'Red!', label: 'Red' }, ...THREE] },
      /an option is lower-case/,
    ],
    ['options nobody may answer with', { options: THREE, choices: ['approve', 'deny'] }, /offers answer/],
  ])('refuses %s, and says why', async (_what, wish, why) => {
    const { status, body } = await ask(wish);

    expect(status).toBe(400);
    expect(JSON.stringify(body)).toMatch(why);
  });

  it('asks without a yes or no, where the options are all there is to say', async () => {
    const { status, body } = await ask({ options: THREE, choices: ['answer', 'ask'] });

    expect(status).toBe(201);
    expect(body.approval).toMatchObject({ choices: ['answer', 'ask', 'take-back'], options: THREE });
  });
});

describe('when nobody answers in time', () => {
  it('OM-123 the policy answers as a person would: with the option, in its own words', async () => {
    onTimeout({ kind: 'default', text: 'green' });
    const { id } = await asked(THREE);
    await slackCard();
    await story.seen();

    await story.advance(DAY_MS + 3_600_000);

    expect(await decision(id)).toMatchObject({
      choice: 'answer',
      source: 'timeout',
      text: 'The green one',
      option: 'green',
    });
  });

  it('OM-123 it answers nothing that is not offered: such a request is refused, or expires', async () => {
    onTimeout({ kind: 'default', text: 'purple' });

    const refused = await ask({ options: THREE });
    const plain = await ask({ choices: ['approve', 'deny'] });
    await slackCard();
    await story.seen();
    await story.advance(DAY_MS + 3_600_000);

    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ code: 'NOT_OFFERED' });
    expect(refused.body.detail).toBe(
      'When nobody answers, the policy "default" answers "purple", which is none of the options: red, green, blue.',
    );
    const { body } = await call(
      story,
      'GET',
      `/approvals/${plain.body.approval.id}/wait?until=decided&timeout=10`,
    );
    expect(body.approval).toMatchObject({ state: 'EXPIRED', decision: null });
  });
});
