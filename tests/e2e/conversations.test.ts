/** Talking to the agent: where it may be spoken to, who may speak, and what people see while it works. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LONG_ANSWER } from '../../src/sandbox/claude/long-answer.ts';
import { ALEX, BOT, codesIn, DANA, EVE, GENERAL, Story, textOf, withPerson } from '../support/story.ts';

const HELP = /Here is what I can do/;
const ALEX_DM = 'D0ALEX';

let story: Story;

afterEach(async () => {
  await story.end();
});

describe('the same question on every channel', () => {
  beforeEach(async () => {
    story = await Story.begin();
  });

  it('OM-050 is answered in the thread of a mention, without a mention in that thread, and in direct messages', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, HELP);

    await story.sandbox.slack.say({ user: ALEX.slack, channel: GENERAL, thread, text: 'refund' });
    const followUp = await story.answer(thread, /Which order\?/);
    const direct = await story.dm(ALEX.slack, 'what can you do?');
    const answer = await story.answer(direct, HELP, ALEX_DM);

    expect(followUp.thread_ts).toBe(thread);
    expect(answer.channel).toBe(ALEX_DM);
    expect(story.said(thread)).toHaveLength(2);
  });

  it('OM-050 is answered by mail with the subject, in the thread of the mail', async () => {
    const asked = await story.write(ALEX.mail, 'A question', 'what can you do?');

    const answer = await story.mail(ALEX.mail, HELP);

    expect(asked.state).toBe('accepted');
    expect(answer.subject).toBe('Re: A question');
    expect(answer.inReplyTo).toBe(asked.messageId);
    expect(answer.references).toContain(asked.messageId);
    expect(answer.html).toContain('Here is what I can do');
  });

  it('OM-050 goes on in a mail thread with everything said before, and a new mail begins anew', async () => {
    await story.write(ALEX.mail, 'A question', 'the word is sesame');
    const answer = await story.mail(ALEX.mail, HELP);

    await story.sandbox.mail.reply(answer, { line: 'refund', quoting: 'none' });
    const second = await story.mail(ALEX.mail, /Which order\?/);
    await story.write(ALEX.mail, 'Another matter', 'refund');
    await story.mail(ALEX.mail, /^Re: Another matter/);

    const [, followUp, other] = story.sandbox.claude.requests.map(({ messages }) => JSON.stringify(messages));
    expect(second.references).toContain(answer.messageId);
    expect(followUp).toContain('sesame');
    expect(other).not.toContain('sesame');
  });

  it('leaves talk of others alone, in a channel and in their threads', async () => {
    const { ts: thread, acknowledged } = await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      text: 'lunch?',
    });
    await acknowledged;
    const reply = await story.sandbox.slack.say({ user: DANA.slack, channel: GENERAL, thread, text: 'yes' });
    await reply.acknowledged;

    await story.answer(await story.mention('what can you do?'), HELP);

    expect(story.said(thread)).toEqual([]);
    expect(story.sandbox.claude.requests).toHaveLength(1);
  });

  it('takes a mention that joins a thread of others as being about that thread', async () => {
    const { ts: thread } = await story.sandbox.slack.say({
      user: DANA.slack,
      channel: GENERAL,
      text: 'what a day',
    });

    await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      thread,
      text: '@signalbox what can you do?',
    });

    expect((await story.answer(thread, HELP)).thread_ts).toBe(thread);
  });
});

describe('what is not a person speaking', () => {
  beforeEach(async () => {
    story = await Story.begin();
  });

  it('runs nothing when a message is edited into a request, or deleted, and has it on record', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, HELP);

    const edit = await story.sandbox.slack.edit({
      channel: GENERAL,
      ts: thread,
      text: '@signalbox refund order 3',
    });
    await edit.acknowledged;
    const { ts: reply } = await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      thread,
      text: 'refund',
    });
    await story.answer(thread, /Which order/);
    const removal = await story.sandbox.slack.remove({ channel: GENERAL, ts: reply });
    await removal.acknowledged;
    await story.quiet();

    expect(story.sandbox.claude.requests).toHaveLength(2);
    expect(story.refunds(3)).toEqual([]);
    const revisions = (await story.app.audit.tail(100)).filter(
      ({ event }) => event.event === 'message.revised',
    );
    expect(revisions.map(({ event }) => event.detail?.change)).toEqual(['edited', 'deleted']);
  });

  it('does not answer another bot, a bounce or an answering machine', async () => {
    await story.sandbox.slack.deliverEvent({
      type: 'message',
      subtype: 'bot_message',
      bot_id: 'B0OTHER',
      channel: GENERAL,
      channel_type: 'channel',
      ts: '1700000000.000100',
      text: `<@${BOT.slack}> refund order 3`,
    });
    await story.write(ALEX.mail, 'Hello', 'what can you do?');
    const answer = await story.mail(ALEX.mail, HELP);
    await story.sandbox.mail.settled(await story.sandbox.mail.outOfOffice(answer));
    await story.sandbox.mail.settled(await story.sandbox.mail.bounce(answer));
    await story.quiet();

    expect(story.sandbox.claude.requests).toHaveLength(1);
    expect(story.sandbox.mail.mailbox(ALEX.mail)).toHaveLength(1);
    expect(story.sandbox.slack.messages(GENERAL)).toEqual([]);
    expect(story.refunds(3)).toEqual([]);
  });
});

describe('people the gateway does not know', () => {
  it('are told once how to be added, in Slack and by mail, and nothing runs', async () => {
    story = await Story.begin();

    const first = await story.mention('refund order 3', EVE.slack);
    await story.told(EVE.slack, /do not know you yet.*slack:T0SANDBOX\/U0EVE/s);
    const second = await story.mention('refund order 3, now', EVE.slack);
    await story.write(EVE.mail, 'Refund', 'refund order 3');
    await story.mail(EVE.mail, /do not know you yet/);
    await story.write(EVE.mail, 'Refund again', 'refund order 3');
    await story.quiet();

    expect([...story.said(first), ...story.said(second)]).toEqual([]);
    expect(story.sandbox.mail.mailbox(EVE.mail)).toHaveLength(1);
    expect(story.sandbox.claude.requests).toEqual([]);
    expect(story.refunds(3)).toEqual([]);
  });

  it('get no word where the configuration says to ignore them', async () => {
    story = await Story.begin({
      config: (shipped) => ({
        ...shipped,
        authorizations: { ...shipped.authorizations, unknown_senders: 'ignore' },
      }),
    });

    const thread = await story.mention('refund order 3', EVE.slack);
    await story.write(EVE.mail, 'Refund', 'refund order 3');
    await story.quiet();

    expect(story.said(thread)).toEqual([]);
    expect(story.sandbox.mail.mailbox(EVE.mail)).toEqual([]);
    expect(story.sandbox.claude.requests).toEqual([]);
  });

  it('are answered as guests where the configuration says so, and only as far as a guest may go', async () => {
    story = await Story.begin({
      config: (shipped) => ({
        ...shipped,
        authorizations: {
          ...shipped.authorizations,
          unknown_senders: 'answer',
          guest_role: 'member',
          rules: shipped.authorizations.rules.map((rule) =>
            rule.name === 'small refunds' ? { ...rule, requester: { roles: ['engineer'] } } : rule,
          ),
        },
      }),
    });

    const thread = await story.mention('what can you do?', EVE.slack);
    await story.answer(thread, HELP);
    const refund = await story.mention('refund order 3', EVE.slack);
    await story.answer(refund, /Not allowed by the rule/);

    expect(story.refunds(3)).toEqual([]);
  });
});

describe('people who may not ask', () => {
  it('OM-183 OM-180 are refused with a sentence, and the refusal is on record with who, what and why', async () => {
    story = await Story.begin({
      config: (shipped) => {
        const roles = { ...shipped.authorizations.roles, viewer: { permissions: [] } };
        const authorizations = { ...shipped.authorizations, roles };
        return withPerson({ ...shipped, authorizations }, 'alex', { roles: ['viewer'] });
      },
    });

    const thread = await story.mention('refund order 3');
    await story.answer(thread, /may not ask me/);
    await story.quiet();

    const [refusal] = (await story.app.audit.tail(100)).filter(
      ({ event }) => event.event === 'message.refused',
    );
    expect(refusal?.event).toMatchObject({
      actor: 'slack:T0SANDBOX/U0ALEX',
      channel: 'slack',
      subject: `slack:T0SANDBOX:${GENERAL}:${thread}`,
      detail: { reason: 'may-not-ask', authorization: 'deny' },
    });
    expect(story.refunds(3)).toEqual([]);
  });

  it('OM-181 OM-182 OM-183 are refused from the moment their role is taken away, in the same conversation', async () => {
    story = await Story.begin();
    const thread = await story.mention('deploy api to staging');
    await story.answer(thread, /Done: api is deployed to staging/);

    story.config = withPerson(story.config, 'alex', { roles: ['member'] });
    const { ts, acknowledged } = await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      thread,
      text: 'deploy web to staging',
    });
    await acknowledged;
    await story.answer(thread, /Not allowed by the rule/);
    await story.quiet();

    const denied = await story.app.audit.trace(`slack:T0SANDBOX:${GENERAL}:${ts}`);
    expect(denied.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({
        event: 'authorization.deny',
        actor: 'alex',
        subject: 'tool:deploy',
        detail: expect.objectContaining({ rule: 'default for tools that write' }),
      }),
    );
    expect(story.sandbox.shop.deploys.map(({ service }) => service)).toEqual(['api']);
  });
});

describe('answers that take their time', () => {
  beforeEach(async () => {
    story = await Story.begin();
  });

  it('OM-075 lets other conversations be answered while one waits on a human, and goes on in that one, too', async () => {
    const waiting = await story.mention('refund order 7');
    await story.answer(waiting, /Waiting for role manager/);

    const other = await story.mention('what can you do?');
    await story.answer(other, HELP);
    await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      thread: waiting,
      text: 'what can you do?',
    });
    await story.answer(waiting, HELP);
    const mail = await story.mail(DANA.mail, /refund/);
    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });
    await story.answer(waiting, /Approved by Dana Reyes by e-mail.*Done/);

    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-075 OM-091 shows what it is doing on a slow answer, lets others be answered meanwhile, and puts the reply in its place', async () => {
    const release = gate();
    story.sandbox.claude.script(({ messages }) =>
      JSON.stringify(messages).includes('take your time')
        ? { text: slowly('First half', release.opened, ', second half.') }
        : undefined,
    );

    const thread = await story.mention('take your time');
    const shown = await story.answer(thread, /First half …/);
    await story.answer(await story.mention('what can you do?'), HELP);
    release.open();
    const reply = await story.answer(thread, /First half, second half\./);
    await story.quiet();

    expect(reply.ts).toBe(shown.ts);
    expect(textOf(reply)).not.toContain('…');
    expect(story.said(thread)).toHaveLength(1);
  });

  it('splits a long answer into whole messages that together say all of it, in order', async () => {
    const thread = await story.mention('long answer');
    await story.answer(thread, /This is the last line of the long answer/);
    await story.quiet();

    const parts = story.said(thread);
    const read = words(parts.map(textOf).join(' '));
    expect(parts.length).toBeGreaterThan(1);
    let from = 0;
    for (const line of LONG_ANSWER.split('\n').filter((each) =>
      /console\.log|^## |first point|look at/.test(each),
    )) {
      const at = read.indexOf(words(line), from);
      expect(at, line).toBeGreaterThanOrEqual(from);
      from = at;
    }
    expect(count(read, 'this is the last line')).toBe(1);
  });
});

describe('an answer the model declines to give', () => {
  it('is said to be declined, with what to do, and nothing it had begun to say stays there or is shown to it again', async () => {
    story = await Story.begin();
    const heal = story.sandbox.claude.script(() => ({ text: 'First you take', ends: 'refusal' }));

    const thread = await story.mention('how is that made?');
    const declined = await story.answer(thread, /The model declined to answer this\. .*!new/);
    heal();
    await story.say(ALEX.slack, thread, 'what can you do?');
    await story.answer(thread, HELP);

    expect(textOf(declined)).not.toContain('nothing to add');
    expect(story.said(thread).map(textOf).join('\n')).not.toContain('First you take');
    const [, after] = story.sandbox.claude.requests.map(({ messages }) => JSON.stringify(messages));
    expect(after).toContain('Your service declined to answer this');
    expect(after).not.toContain('First you take');
  });
});

describe('what it was asked to remember', () => {
  it('is known in another conversation and on another channel, to that person and nobody else', async () => {
    story = await Story.begin();
    const told = await story.mention('remember that the cake is for Friday');
    await story.answer(told, /Noted/);

    await story.write(ALEX.mail, 'Cake', 'what do you know about the cake?');
    const known = await story.mail(ALEX.mail, /the cake is for Friday/);
    const asked = await story.dm(DANA.slack, 'what do you know about the cake?');
    await story.answer(asked, /There is no such note/, 'D0DANA');

    expect(known.subject).toBe('Re: Cake');
    expect(textOf(story.said(asked, 'D0DANA')[0]!)).not.toContain('Friday');
  });
});

/** Something others wait for. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

async function* slowly(first: string, release: Promise<void>, rest: string): AsyncGenerator<string> {
  yield first;
  await release;
  yield rest;
}

/** Letters and digits alone: what is left of a text when its markup is gone. */
function words(text: string): string {
  return text
    .toLowerCase()
    .replaceAll('\\n', ' ')
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim();
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

describe('an answer that takes more steps than it may', () => {
  it('is told as far as it came, with what was done, and people are asked whether to go on', async () => {
    story = await Story.begin({
      config: (config) => ({
        ...config,
        settings: { ...config.settings, model: { ...config.settings.model, max_steps: 2 } },
      }),
    });
    story.sandbox.claude.script(() => ({
      text: 'The first half of the answer is 42.',
      calls: [{ tool: 'current_time', input: {} }],
    }));

    const thread = await story.mention('tell me all of it');
    const answer = await story.answer(thread, /step limit/);

    expect(textOf(answer)).toMatch(
      /^The first half of the answer is 42\.\s+_\(I could not finish this within my step limit\. Done so far: .*current_time.* \(2 times\)\. Shall I go on\?\)_/,
    );
  });
});
