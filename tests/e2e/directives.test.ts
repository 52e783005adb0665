/** Commands and answers written as text, where there is no button, or nobody wants one. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toOpenEffect } from '../../src/approvals/approval-store.ts';
import { claim } from '../../src/domain/approval/execution.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { ConversationId, Platform } from '../../src/domain/ids.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { anApproval, aVote, DEADLINE_MS } from '../support/approvals.ts';
import { ALEX, DANA, EVE, GENERAL, Story, textOf, withPerson } from '../support/story.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

/** What somebody alone was shown in a channel of Slack. */
async function told(user: string, pattern: RegExp): Promise<string> {
  const seen = await story.sandbox.slack.until((slack) =>
    slack.ephemerals(user).find((message) => pattern.test(textOf(message))),
  );
  return textOf(seen);
}

async function held(): Promise<{ thread: string; ticket: string }> {
  const thread = await story.mention('refund order 7');
  await story.answer(thread, /Waiting for role manager/);
  const [approval] = await story.open();
  return { thread, ticket: `${approval!.id}.${approval!.gen}` };
}

/** What Dana was told of a word that names no request. */
function bareWords(): string[] {
  return story.sandbox.slack
    .ephemerals(DANA.slack)
    .map(textOf)
    .filter((each) => /That decided nothing, and I did not take it for anything else/.test(each));
}

async function write(user: string, text: string, thread?: string): Promise<void> {
  const said = await story.sandbox.slack.say({
    user,
    channel: GENERAL,
    text,
    ...(thread === undefined ? {} : { thread }),
  });
  await said.acknowledged;
}

describe('OB-010 commands in text', () => {
  it('OB-010 are answered to whoever wrote them, alone, and never reach the model', async () => {
    await story.mention('/help', DANA.slack);
    expect(await told(DANA.slack, /What you can write to me/)).toContain('!approvals');
    await story.mention('!status', DANA.slack);
    expect(await told(DANA.slack, /You are Dana Reyes/)).toContain('manager');

    await story.quiet();
    expect(story.sandbox.claude.requests).toEqual([]);
    expect(story.sandbox.slack.messages(GENERAL).filter(({ user }) => user === 'U0SIGNALBOX')).toEqual([]);
  });

  it('OB-010 list what waits for somebody, with the ticket to answer by, and nothing for anybody else', async () => {
    const { ticket } = await held();

    await story.mention('/approvals', DANA.slack);
    await story.mention('/approvals', ALEX.slack);

    expect(await told(DANA.slack, /Waiting for your answer/)).toContain(`!approve ${ticket}`);
    expect(await told(ALEX.slack, /Nothing waits for your answer/)).not.toContain(ticket);
  });

  it('OB-010 leave a text that only begins with a slash to the agent, and take /ask as a question', async () => {
    const path = await story.mention('/etc/hosts is broken, what can you do?');
    await story.answer(path, /Here is what I can do/);
    const asked = await story.mention('/ask what can you do?');
    await story.answer(asked, /Here is what I can do/);
  });

  it('OB-010 need no mention in a thread the bot answers in, and are left alone in one of others', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.quiet();
    const { claude, slack } = story.sandbox;
    const before = claude.requests.length;

    await write(ALEX.slack, '!help', thread);
    expect(await told(ALEX.slack, /What you can write to me/)).toContain('!approvals');
    await write(ALEX.slack, '/status', thread);
    await told(ALEX.slack, /You are Alex/);
    await write(ALEX.slack, '!stop', thread);
    await told(ALEX.slack, /nothing to stop|not at anything|I am doing nothing/i);
    await write(ALEX.slack, '!new', thread);
    await told(ALEX.slack, /A new context begins here/);
    const shown = slack.ephemerals(ALEX.slack).length;
    const others = await slack.say({ user: ALEX.slack, channel: GENERAL, text: 'lunch?' });
    await write(DANA.slack, '!help', others.ts);
    await write(DANA.slack, '!stop', others.ts);
    await story.quiet();

    expect(claude.requests).toHaveLength(before);
    expect(slack.ephemerals(ALEX.slack)).toHaveLength(shown);
    expect(slack.ephemerals(DANA.slack)).toEqual([]);
  });

  it('are answered once when they are delivered twice', async () => {
    await story.mention('/help', DANA.slack);
    await told(DANA.slack, /What you can write/);
    await story.quiet();

    // A mention comes as two events.
    expect(story.sandbox.slack.ephemerals(DANA.slack)).toHaveLength(1);
  });
});

describe('OB-010 OM-152 what is held in a conversation', () => {
  it('OB-010 is told to run while it does, without a line that could not take it back any more', async () => {
    const { thread } = await held();
    const [approval] = await story.open();
    await story.app.approvals.apply(approval!.id, (open, nowMs) => {
      const agreed = vote(open, aVote(open, { roles: ['manager'] }), nowMs).result.approval;
      return claim(agreed, 'another process', agreed.digest, nowMs);
    });

    await write(ALEX.slack, '!status', thread);
    const status = await told(ALEX.slack, /You are Alex/);
    await write(ALEX.slack, '!stop', thread);
    const stopped = await told(ALEX.slack, /This still waits, or runs/);

    for (const text of [status, stopped]) {
      expect(text).toMatch(/refund: order 7.*: it is running now/);
      expect(text).not.toContain('withdraw');
    }
  });

  it('OB-010 is told there, and to the agent that gets it back, however many others wait elsewhere', async () => {
    const { thread } = await held();
    await thousandsWaitElsewhere();

    await write(ALEX.slack, '!status', thread);
    expect(await told(ALEX.slack, /You are Alex/)).toContain('!withdraw');
    await write(ALEX.slack, '!stop', thread);
    await told(ALEX.slack, /This still waits/);
    await write(DANA.slack, '!takeover', thread);
    await told(DANA.slack, /You have this conversation now/);
    await write(DANA.slack, '!handback', thread);
    await write(ALEX.slack, 'what can you do?', thread);
    await story.answer(thread, /Here is what I can do/);

    expect(JSON.stringify(story.sandbox.claude.requests.at(-1))).toMatch(
      /Still waiting for a human: refund: order 7/,
    );
  });
});

/** More than one look takes in, and all of them sooner due. */
async function thousandsWaitElsewhere(): Promise<void> {
  const writer = new EffectWriter(story.redis, story.keys);
  const conversation = ConversationId.parse('slack:T0:C0:elsewhere');
  const openedMs = await story.app.approvals.nowMs(conversation);
  const waiting = Array.from({ length: 1_001 }, (_, n) =>
    toOpenEffect(
      anApproval({
        conversation,
        openedMs,
        tail: String(n).padStart(12, '0'),
        policy: { remindAfterMs: [] },
      }),
      DEADLINE_MS,
    ),
  );
  await writer.write(conversation, waiting);
}

describe('OM-052 the same words', () => {
  it('OM-052 go to the agent from one who asks, and decide when a ticket stands behind them', async () => {
    const { thread, ticket } = await held();

    await write(DANA.slack, 'approve it', thread);
    await story.quiet();
    expect(await story.open()).toHaveLength(1);
    expect(story.sandbox.claude.requests.length).toBeGreaterThan(1);

    await write(DANA.slack, `approve ${ticket}`, thread);
    await story.answer(thread, /Approved by Dana Reyes on Slack.*Done/);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-052 answer where somebody wants to be answered', async () => {
    story.config = withPerson(story.config, 'alex', { answers_on: Platform.parse('email') });

    const thread = await story.mention('what can you do?');

    await story.mail(ALEX.mail, /Here is what I can do/);
    await story.answer(thread, /answered you by e-mail/);
  });
});

/** From now on. */
function letSayInAMinute(most: number): void {
  const { settings } = story.config;
  const limits = { ...settings.limits, messages_per_person_per_minute: most };
  story.config = { ...story.config, settings: { ...settings, limits } };
}

describe('whoever has said a lot in a short time', () => {
  it('OM-052 still decides, takes it back and stops what is under way', async () => {
    const { thread, ticket } = await held();
    letSayInAMinute(3);
    for (let n = 0; n < 4; n++) await write(DANA.slack, '!status', thread);
    await story.answer(thread, /a lot in a short time/);

    await write(DANA.slack, `!deny ${ticket} wrong gate`, thread);
    await story.answer(thread, /Denied by Dana Reyes on Slack.*wrong gate/);
    await write(DANA.slack, `!undo ${ticket}`, thread);
    await told(DANA.slack, /settled before your answer came/);
    await write(DANA.slack, '!stop', thread);

    expect(await told(DANA.slack, /I am not at anything here|I stop/)).toBeTruthy();
    expect(await story.open()).toEqual([]);
  });

  it.each([
    ['!grants revoke grt_1', /There is no standing yes grt_1/],
    ['!memory off', /write nothing down about you/],
    ['!unlink discord:9000', /linked to nobody/],
    ['!pair K7PM-3QXWH-9TRCD refuse', /may not let strangers in|No stranger/],
    ['!link refuse', /Nothing (?:of yours waits|is linked)/],
  ])('OM-052 still ends something with %j', async (line, answer) => {
    const { thread } = await held();
    letSayInAMinute(3);
    for (let n = 0; n < 4; n++) await write(DANA.slack, '!status', thread);
    await story.answer(thread, /a lot in a short time/);

    await write(DANA.slack, line, thread);

    expect(await told(DANA.slack, answer)).toBeTruthy();
  });

  it('OM-052 still decides after having looked at lists again and again', async () => {
    const { thread, ticket } = await held();
    letSayInAMinute(2);
    for (let n = 0; n < 3; n++) await write(DANA.slack, '!grants', thread);
    await story.answer(thread, /a lot in a short time/);

    await write(DANA.slack, `!deny ${ticket} wrong gate`, thread);

    await story.answer(thread, /Denied by Dana Reyes on Slack.*wrong gate/);
  });

  it('OM-052 is told of each answer and each command to act that was not taken, alone', async () => {
    const { thread, ticket } = await held();
    letSayInAMinute(1);
    await write(DANA.slack, '!withdraw', thread);

    await write(DANA.slack, `!deny ${ticket} wrong gate`, thread);
    await write(DANA.slack, `approve ${ticket}`, thread);
    await write(DANA.slack, '!stop', thread);
    await story.quiet();

    const refused = story.sandbox.slack
      .ephemerals(DANA.slack)
      .filter((each) => /Nothing came of what you just wrote/.test(textOf(each)));
    expect(refused).toHaveLength(3);
    expect(story.said(thread).filter((each) => /a lot in a short time/.test(textOf(each)))).toEqual([]);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });
});

describe('answers by ticket', () => {
  it('say no with a reason, also as a command', async () => {
    const { thread, ticket } = await held();

    await story.mention(`/deny ${ticket} the parcel is on its way`, DANA.slack);

    await story.answer(thread, /Denied by Dana Reyes on Slack.*the parcel is on its way/);
    expect(await told(DANA.slack, /Recorded/)).toContain('Denied by Dana Reyes');
    expect(story.refunds(7)).toEqual([]);
  });

  it.each([
    ['the one who asked', ALEX.slack, /You asked for this yourself/],
    ['a stranger', EVE.slack, /do not know you here/],
  ])('are refused to %s, who alone is told why, and the request stays open', async (_who, user, why) => {
    const { thread, ticket } = await held();

    await write(user, `approve ${ticket}`, thread);

    await told(user, why);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });

  it.each([
    ['a question', (ticket: string) => `approve ${ticket}?`, /it|question/],
    [
      'something behind it',
      (ticket: string) => `approve ${ticket} unless it rains`,
      /more in its first line/,
    ],
    ['both', (ticket: string) => `deny ${ticket} do not approve`, /two different things/],
  ])('decide nothing with %s', async (_what, line, why) => {
    const { thread, ticket } = await held();

    await write(DANA.slack, line(ticket), thread);

    expect(await told(DANA.slack, /decided nothing/)).toMatch(why);
    expect(await story.open()).toHaveLength(1);
  });

  it('decide nothing about what was asked differently', async () => {
    const { thread, ticket } = await held();

    await write(DANA.slack, `approve ${ticket.replace(/\.1$/, '.2')}`, thread);

    await told(DANA.slack, /not what is being asked now/);
    expect(await story.open()).toHaveLength(1);
  });

  it.each([
    ['in the thread', (thread: string) => write(DANA.slack, 'approve', thread)],
    [
      'in the thread, to the agent',
      (thread: string) => write(DANA.slack, '<@U0SIGNALBOX> Approved.', thread),
    ],
    [
      'behind a word that says how it is handled',
      (thread: string) => write(DANA.slack, '<@U0SIGNALBOX> !quiet approve', thread),
    ],
    [
      'behind the word by which one asks',
      (thread: string) => write(DANA.slack, '<@U0SIGNALBOX> !ask approve', thread),
    ],
  ])(
    'decide nothing as a bare word %s, and each time its author reads which line does',
    async (_where, say) => {
      const { thread, ticket } = await held();
      await story.seen();
      const before = story.sandbox.claude.requests.length;

      for (const count of [1, 2]) {
        await say(thread);
        await story.sandbox.slack.until(() => bareWords().length === count || undefined);
      }

      expect(bareWords()[0]).toContain(`approve ${ticket}`);
      expect(story.sandbox.claude.requests).toHaveLength(before);
      expect(await story.open()).toHaveLength(1);
      expect(story.refunds(7)).toEqual([]);
      await write(DANA.slack, `approve ${ticket}`, thread);
      await story.answer(thread, /Approved by Dana Reyes on Slack/);
    },
  );

  it('are no talk as a bare word that is delivered again once the request is settled', async () => {
    const { thread, ticket } = await held();
    const { slack, claude } = story.sandbox;
    const { ts } = await slack.say({ user: DANA.slack, channel: GENERAL, text: 'approve', thread });
    await slack.until(() => bareWords().length === 1 || undefined);
    await write(DANA.slack, `approve ${ticket}`, thread);
    await story.answer(thread, /Done/);
    await story.quiet();
    const before = claude.requests.length;

    await slack.deliverEvent({
      type: 'message',
      user: DANA.slack,
      channel: GENERAL,
      channel_type: 'channel',
      text: 'approve',
      ts,
      thread_ts: thread,
      event_ts: ts,
    });
    await story.quiet();

    expect(claude.requests).toHaveLength(before);
    expect(bareWords()).toHaveLength(1);
  });

  it('OM-052 are no talk as a bare word that was one too many, and is delivered again once the request is settled', async () => {
    const { thread, ticket } = await held();
    const { slack, claude } = story.sandbox;
    letSayInAMinute(1);
    await write(DANA.slack, '!withdraw', thread);
    const { ts, acknowledged } = await slack.say({
      user: DANA.slack,
      channel: GENERAL,
      text: 'approve',
      thread,
    });
    await acknowledged;
    await told(DANA.slack, /Nothing came of what you just wrote/);
    letSayInAMinute(1_000);
    await write(DANA.slack, `approve ${ticket}`, thread);
    await story.answer(thread, /Done/);
    await story.quiet();
    const before = claude.requests.length;

    await slack.deliverEvent({
      type: 'message',
      user: DANA.slack,
      channel: GENERAL,
      channel_type: 'channel',
      text: 'approve',
      ts,
      thread_ts: thread,
      event_ts: ts,
    });
    await story.quiet();

    expect(claude.requests).toHaveLength(before);
    expect(bareWords()).toEqual([]);
  });

  it('are talk for the agent as a bare word of whoever is not asked, elsewhere, and with anything beside it', async () => {
    const { thread } = await held();
    const wasRead = (text: string) =>
      JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages).includes(text);

    await story.say(DANA.slack, thread, '<@U0SIGNALBOX> approve the budget draft, what can you do?');
    await story.sandbox.slack.until(() => wasRead('approve the budget draft') || undefined);
    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> approved');
    await story.sandbox.slack.until(() => wasRead('approved') || undefined);
    await story.mention('deny', DANA.slack);
    await story.sandbox.slack.until(() => wasRead('deny') || undefined);

    expect(bareWords()).toEqual([]);
  });

  it('are said to whoever has the conversation as a bare word, and the agent knows it when it has that again', async () => {
    const { thread } = await held();
    await write(DANA.slack, '!takeover', thread);
    await story.answer(thread, /Dana Reyes has taken over/);

    await write(DANA.slack, 'Approved.', thread);
    await write(DANA.slack, '!handback', thread);
    await story.answer(thread, /I answer again/);
    await story.say(ALEX.slack, thread, 'what did she say?');
    await story.sandbox.slack.until(
      () =>
        JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages).includes('what did she') || undefined,
    );

    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages)).toContain('Approved.');
    expect(bareWords()).toEqual([]);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-124 name no line for a yes as a bare word where it is taken from elsewhere only', async () => {
    const { policies } = story.config.escalation;
    const elsewhere = Object.entries(policies).map(([name, policy]) => [
      name,
      { ...policy, approve_from: [Platform.parse('discord')] },
    ]);
    story.config = {
      ...story.config,
      escalation: { ...story.config.escalation, policies: Object.fromEntries(elsewhere) as typeof policies },
    };
    const { thread, ticket } = await held();

    await write(DANA.slack, 'approve', thread);
    await story.sandbox.slack.until(() => bareWords().length === 1 || undefined);

    expect(bareWords()[0]).toContain('A yes to this is only taken on Discord; a no can be said here.');
    expect(bareWords()[0]).toContain(`deny ${ticket}`);
    expect(bareWords()[0]).not.toContain(`approve ${ticket}`);
  });

  it('are not taken by mail, where a first line may be quoted', async () => {
    const { ticket } = await held();

    await story.write(DANA.mail, 'approval', `approve ${ticket}`);

    await story.mail(DANA.mail, /only as a reply to the mail that asked/);
    expect(await story.open()).toHaveLength(1);
  });

  it('come too late after the deadline, and are told so', async () => {
    const { thread, ticket } = await held();
    await story.seen();
    await story.advance(25 * 60 * 60_000);
    await story.answer(thread, /Expired/);

    await story.mention(`/approve ${ticket}`, DANA.slack);

    await told(DANA.slack, /after the deadline/);
    expect(story.refunds(7)).toEqual([]);
  });
});
