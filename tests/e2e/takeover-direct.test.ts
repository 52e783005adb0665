/** Somebody waits for a human, or talks to one, in the direct messages of Slack, where each message begins a thread. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccountId, ConversationId, MessageId, PersonId, Platform } from '../../src/domain/ids.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import { ALEX, DANA, EVE, TEAM } from '../../src/sandbox/people.ts';
import { GENERAL, Story } from '../support/story.ts';

const PATIENT = { timeout: 10_000 };

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

const alexReads = (thread: string, pattern: RegExp) => story.answer(thread, pattern, ALEX.slackDm);

async function alexReplies(thread: string, text: string): Promise<void> {
  const { slack } = story.sandbox;
  await (await slack.say({ user: ALEX.slackUser, channel: ALEX.slackDm, thread, text })).acknowledged;
}

/** Resolves with the thread in which a human is waited for, and the ticket of it. */
async function alexCallsHuman(): Promise<{ thread: string; ticket: string }> {
  const thread = await story.dm(ALEX.slackUser, 'what can you do?');
  await alexReads(thread, /Here is what I can do/);
  await alexReplies(thread, '!human');
  await alexReads(thread, /A human was asked for/);
  const call = await story.mail(DANA.mail, /asks for a human/);
  const ticket = /con_p\d+_\w{12}/.exec(call.text)?.[0];
  if (!ticket) throw new Error(`no ticket in: ${call.text}`);
  return { thread, ticket };
}

async function danaTakesOver({ thread, ticket }: { thread: string; ticket: string }): Promise<void> {
  await story.dm(DANA.slackUser, `!takeover ${ticket}`);
  await alexReads(thread, /Dana Reyes has taken over/);
}

/** What Dana is brought, where she likes to be written to. */
async function danaReads(pattern: RegExp): Promise<string> {
  return (await story.mail(DANA.mail, pattern)).text;
}

/** What the model was asked last. */
const lastRequest = () => JSON.stringify(story.sandbox.claude.requests.at(-1));

describe('a new message in the direct messages of somebody', () => {
  it('C2 is for the person who has their conversation there: the agent does nothing about it, and knows it later', async () => {
    const { claude } = story.sandbox;
    const talk = await alexCallsHuman();
    await danaTakesOver(talk);
    const asked = claude.requests.length;

    const other = await story.dm(ALEX.slackUser, 'refund order 3');
    expect(await danaReads(/Alex Kim writes/)).toContain('refund order 3');
    await story.quiet();

    expect(claude.requests).toHaveLength(asked);
    expect(story.refunds(3)).toEqual([]);
    expect(story.said(other, ALEX.slackDm)).toEqual([]);
    await story.dm(DANA.slackUser, `!say ${talk.ticket} I look at it.`);
    await alexReads(other, /I look at it/);

    await story.dm(DANA.slackUser, `!handback ${talk.ticket}`);
    await alexReads(other, /handed this conversation back/);
    await alexReplies(other, 'what can you do now?');
    await alexReads(other, /Here is what I can do/);
    expect(lastRequest()).toMatch(/refund order 3.*I look at it.*what can you do now/);
    expect(story.refunds(3)).toEqual([]);
  });

  it('C2 waits with the rest while a human is waited for, and is answered where it was written', async () => {
    const { claude } = story.sandbox;
    const talk = await alexCallsHuman();
    const asked = claude.requests.length;

    const other = await story.dm(ALEX.slackUser, 'refund order 3');
    await alexReads(other, /A human has been asked to come/);

    expect(claude.requests).toHaveLength(asked);
    expect(story.refunds(3)).toEqual([]);

    await story.dm(ALEX.slackUser, '!handback');
    await alexReads(talk.thread, /no human is needed/);
    await alexReads(other, /Order 3 was refunded/);
    expect(story.refunds(3)).toHaveLength(1);
    expect(await story.app.controls.away(5)).toEqual([]);
  });

  it('OB-010 is called off by the word behind the name of the command, with no mark in front of it', async () => {
    const talk = await alexCallsHuman();
    const { slack } = story.sandbox;

    await slack.command({
      user: ALEX.slackUser,
      channel: ALEX.slackDm,
      command: '/signalbox',
      text: 'handback',
    });

    await alexReads(talk.thread, /no human is needed/);
    expect(await story.app.controls.away(5)).toEqual([]);
  });

  it('C2 is theirs, too, where it might be meant for an answer to a request', async () => {
    const { config } = story;
    const { dana, alex } = config.contacts.people;
    const carl = { ...dana!, name: 'Carl Chen', accounts: { slack: [`${TEAM.id}/${EVE.slackUser}`] } };
    const approves = { ...alex!, roles: [...dana!.roles], prefers: [Platform.parse('slack')] };
    const people = { ...config.contacts.people, alex: approves, carl };
    story.config = { ...config, contacts: { ...config.contacts, people } };
    const asked = await story.mention('refund order 7', EVE.slackUser);
    await story.answer(asked, /Waiting for/);
    await story.sandbox.slack.until(() =>
      story.sandbox.slack.messages(ALEX.slackDm).find(({ text }) => /refund/i.test(text)),
    );
    await danaTakesOver(await alexCallsHuman());

    await story.dm(ALEX.slackUser, 'Approved.');

    expect(await danaReads(/Approved\./)).toContain('Alex Kim writes');
    const told = story.sandbox.slack.ephemerals(ALEX.slackUser).map(({ text }) => text);
    expect(told.filter((text) => /decided nothing/.test(text ?? ''))).toEqual([]);
    expect(story.refunds(7)).toEqual([]);
  });

  it('begins a conversation of its own again once they have given it back', async () => {
    const talk = await alexCallsHuman();
    await danaTakesOver(talk);
    await story.dm(DANA.slackUser, `!handback ${talk.ticket}`);
    await alexReads(talk.thread, /handed this conversation back/);

    const next = await story.dm(ALEX.slackUser, 'and now to something else');
    await expect.poll(lastRequest, PATIENT).toContain('something else');

    expect(lastRequest()).not.toContain('what can you do?');
    expect(next).not.toBe(talk.thread);
  });

  it('C3 is handled once, though Slack brings it again after the hand-back', async () => {
    const { claude } = story.sandbox;
    const talk = await alexCallsHuman();
    await danaTakesOver(talk);
    const other = await story.dm(ALEX.slackUser, 'refund order 3');
    await danaReads(/Alex Kim writes/);
    await story.dm(DANA.slackUser, `!handback ${talk.ticket}`);
    await alexReads(other, /handed this conversation back/);
    const asked = claude.requests.length;

    expect(await story.app.router.receive(aMessage(other, 'refund order 3'))).toEqual({ kind: 'duplicate' });
    await story.quiet();
    expect(claude.requests).toHaveLength(asked);
    expect(story.refunds(3)).toEqual([]);
  });

  it('C2 C3 is for the person, too, if it stood in a line of its own when they came', async () => {
    const { claude } = story.sandbox;
    const talk = await alexCallsHuman();
    await danaTakesOver(talk);
    const asked = claude.requests.length;
    const message = aMessage(`${Math.floor(Date.now() / 1_000)}.000001`, 'refund order 3');
    const { id, conversationId, sentAt } = message;
    const requester = { person: PersonId.parse('alex'), name: 'Alex Kim', roles: ['employee'] };

    await story.app.writer.write(conversationId, [
      {
        kind: 'mail',
        conversationId,
        item: { kind: 'message', id, correlation: id, message, receivedAt: sentAt, requester },
      },
    ]);
    expect(await danaReads(/Alex Kim writes/)).toContain('refund order 3');
    expect(await story.app.router.receive(message)).toEqual({ kind: 'duplicate' });
    await story.quiet();

    expect(claude.requests).toHaveLength(asked);
    expect(story.refunds(3)).toEqual([]);
    const brought = story.sandbox.mail
      .mailbox(DANA.mail)
      .filter(({ text }) => text.includes('refund order 3'));
    expect(brought).toHaveLength(1);
    expect(await story.app.transcripts.read(conversationId, 10)).toEqual([]);
  });

  it('means that conversation by a command, also by the one of Slack', async () => {
    const { slack } = story.sandbox;
    const { ticket } = await alexCallsHuman();
    const alexTypes = { user: ALEX.slackUser, channel: ALEX.slackDm, command: '/signalbox' };

    await slack.command({ ...alexTypes, text: 'refund order 3' });
    await story.dm(DANA.slackUser, `!takeover ${ticket}`);
    expect(await danaReads(/Alex Kim writes/)).toContain('refund order 3');
    expect(story.refunds(3)).toEqual([]);

    await story.dm(DANA.slackUser, `!handback ${ticket}`);
    await expect.poll(() => story.app.controls.away(5), PATIENT).toEqual([]);
    await slack.command({ ...alexTypes, text: 'ask something of its own' });
    await expect.poll(lastRequest, PATIENT).toContain('something of its own');
    expect(lastRequest()).not.toContain('refund order 3');
  });

  it('is answered by the agent in a thread that was begun before, in a channel, and in those of anybody else', async () => {
    const earlier = await story.dm(ALEX.slackUser, 'what can you do?');
    await alexReads(earlier, /Here is what I can do/);
    await danaTakesOver(await alexCallsHuman());

    await alexReplies(earlier, 'and in this thread?');
    await expect.poll(lastRequest, PATIENT).toContain('and in this thread?');
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/, GENERAL);
    await story.dm(DANA.slackUser, 'what can you do for me?');
    await expect.poll(lastRequest, PATIENT).toContain('for me?');
  });
});

function conversationIn(thread: string): ConversationId {
  return ConversationId.parse(`slack:${TEAM.id}:${ALEX.slackDm}:${thread}`);
}

/** As Slack's gateway takes it in, however often. */
function aMessage(ts: string, text: string): InboundMessage {
  const room = `slack:${TEAM.id}:${ALEX.slackDm}:`;
  return {
    kind: 'message',
    id: MessageId.parse(`${room}${ts}`),
    conversationId: conversationIn(ts),
    room,
    sender: {
      account: AccountId.parse(`slack:${TEAM.id}/${ALEX.slackUser}`),
      displayName: 'Alex',
      authenticated: true,
      automatic: false,
    },
    text,
    addressedToBot: true,
    sentAt: new Date(Number(ts) * 1_000).toISOString(),
    replyTo: { platform: Platform.parse('slack'), route: { channel: ALEX.slackDm, thread: ts } },
  };
}
