/** `/signalbox` in Slack, through the whole product. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, DANA, EVE, GENERAL, Story, textOf } from '../support/story.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

async function type(user: string, text: string, channel = GENERAL): Promise<void> {
  const outcome = await story.sandbox.slack.command({ user, channel, command: '/signalbox', text });
  expect(outcome.kind).toBe('acknowledged');
}

/** What somebody alone was shown. */
async function told(user: string, pattern: RegExp): Promise<string> {
  const seen = await story.sandbox.slack.until((slack) =>
    slack.ephemerals(user).find((message) => pattern.test(textOf(message))),
  );
  return seen.text;
}

describe('OB-010 the command /signalbox', () => {
  it('OB-010 asks which conversation is to be taken over: what is asked by it is nobody else’s', async () => {
    await type(DANA.slack, 'refund order 3');
    await told(DANA.slack, /refunded/);

    await type(DANA.slack, 'takeover');

    expect(await told(DANA.slack, /a conversation of your own/)).toMatch(/`\/signalbox !takeover \S*ticket/);
    expect(await story.app.controls.away(5)).toEqual([]);
  });

  it('OB-010 asks which one is to be handed back, where somebody has a thread beside it', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);

    await type(DANA.slack, 'handback they were paid, be kind');

    expect(await told(DANA.slack, /a conversation of your own/)).toMatch(/`\/signalbox handback \S*ticket/);
    expect(await story.app.controls.away(5)).toHaveLength(1);
  });

  it('OB-010 OM-121 asks, lists, approves and tells, each for the one who typed it', async () => {
    await type(ALEX.slack, 'ask refund order 7');
    await told(ALEX.slack, /Working on it/);
    await told(ALEX.slack, /in our direct messages/);
    await type(DANA.slack, 'approvals');
    const list = await told(DANA.slack, /Waiting for your answer/);
    const ticket = /\/signalbox approve (apr_\S+?)`/.exec(list)?.[1];

    await type(EVE.slack, `approve ${ticket}`);
    await type(DANA.slack, `approve ${ticket}`);
    await told(DANA.slack, /[Aa]pproved|Recorded/);
    await told(ALEX.slack, /allowed, and it is done/);

    expect(story.refunds(7)).toEqual([120]);
    expect(story.sandbox.slack.messages(GENERAL)).toEqual([]);
    expect(await told(EVE.slack, /do not know|not/)).not.toContain('refund');
  });

  it('OB-010 denies with a reason, and the one who asked hears it', async () => {
    await type(ALEX.slack, 'refund order 7');
    await story.sandbox.slack.until((slack) => slack.messages('D0ALEX').length > 0);
    const [approval] = await story.open();

    await type(DANA.slack, `deny ${approval!.id}.${approval!.gen} not before Monday`);

    const card = await story.sandbox.slack.until((slack) =>
      slack.messages('D0ALEX').find((message) => /not before Monday/.test(textOf(message))),
    );
    expect(textOf(card)).toContain('Denied by Dana Reyes');
    expect(story.refunds(7)).toEqual([]);
  });

  it('OB-010 helps and says how things stand, without asking the model', async () => {
    await type(DANA.slack, '');
    await type(DANA.slack, 'status', 'C0LOUNGE');

    await told(DANA.slack, /What you can write to me/);
    expect(await told(DANA.slack, /You are Dana Reyes/)).toContain('manager');
    expect(story.sandbox.claude.requests).toEqual([]);
  });

  it('OB-010 OM-050 names commands as they can be typed: with a mark in a thread, behind its name elsewhere', async () => {
    const thread = await story.mention('!human my order is lost');
    const pending = textOf(await story.answer(thread, /calls it off/));
    const back = /`([^`]+)` calls it off/.exec(pending)?.[1] ?? '';
    await type(DANA.slack, '');
    const help = await told(DANA.slack, /What you can write to me/);
    const memory = /`\/signalbox (memory)`/.exec(help)?.[1] ?? '';

    await story.say(ALEX.slack, thread, back);
    await type(DANA.slack, memory);

    expect(back).toBe('!handback');
    await story.answer(thread, /no human is needed/);
    await told(DANA.slack, /written down about you|direct message/);
  });

  it('OB-010 tells a stranger once who they are to us, and then that nothing was done', async () => {
    await type(EVE.slack, 'ask refund order 7');
    await told(EVE.slack, /do not know you yet/);
    await story.quiet();
    expect(story.sandbox.slack.ephemerals(EVE.slack)).toHaveLength(1);

    await type(EVE.slack, 'ask refund order 7');
    await told(EVE.slack, /Nothing was done: unknown sender/);
    await story.quiet();
    expect(story.sandbox.slack.ephemerals(EVE.slack)).toHaveLength(2);
  });

  it('OB-010 says that a human is waited for, or who has it, where nobody works on what is asked; so does the status', async () => {
    const { slack } = story.sandbox;
    const { acknowledged } = await slack.dm({ user: ALEX.slack, text: '!human my order is lost' });
    await acknowledged;
    await slack.until(() => slack.messages('D0ALEX').find((each) => /calls it off/.test(textOf(each))));

    await type(ALEX.slack, 'refund order 3', 'D0ALEX');
    const waits = await told(ALEX.slack, /refund order 3/);
    await type(ALEX.slack, 'status', 'D0ALEX');
    const status = await told(ALEX.slack, /You are Alex/);

    expect(waits).toContain('A human is waited for here');
    expect(waits).not.toContain('Working on it');
    expect(status).toContain('A human is waited for here');
  });

  it('goes on where the same person left off, and keeps that from others in the channel', async () => {
    await type(ALEX.slack, 'ask my favourite colour is teal');
    await story.quiet();
    await type(ALEX.slack, 'ask and now?');
    await type(DANA.slack, 'ask and now?');
    await story.quiet();

    const requests = story.sandbox.claude.requests.map((request) => JSON.stringify(request));
    expect(requests).toHaveLength(3);
    expect(requests.filter((request) => request.includes('teal'))).toHaveLength(2);
  });

  it('OM-001 is answered after the gateway was started anew in between', async () => {
    await type(ALEX.slack, 'ask refund order 7');
    await story.sandbox.slack.until((slack) => slack.messages('D0ALEX').length > 0);
    const [approval] = await story.open();

    await story.restart();
    await type(DANA.slack, `approve ${approval!.id}`);

    await told(ALEX.slack, /allowed, and it is done/);
    expect(story.refunds(7)).toEqual([120]);
  });
});
