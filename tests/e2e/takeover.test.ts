/** A person takes a conversation over from the agent, and gives it back. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startApp } from '../../src/app.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { GIVE_UP_AFTER_MS } from '../../src/router/delivery-worker.ts';
import { TEAM } from '../../src/sandbox/people.ts';
import type { SentFile } from '../../src/sandbox/slack/files.ts';
import { defer } from '../support/core.ts';
import { ALEX, BOT, button, codesIn, DANA, EVE, GENERAL, Story, textOf } from '../support/story.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

it('C4 whoever alone could take over is told so when they ask for a human', async () => {
  const thread = await story.mention('hello', DANA.slack);
  await story.answer(thread, /./);

  await story.say(DANA.slack, thread, '!human nobody answers me');

  expect(await story.told(DANA.slack, /nobody else who could take over/)).toContain('only you');
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

describe('a new context while a person has the conversation', () => {
  const shown = () => JSON.stringify(story.sandbox.claude.requests.at(-1)!.messages);

  async function danaSaysAndHandsBack(thread: string): Promise<void> {
    await story.say(DANA.slack, thread, 'The parcel is in the cellar, do not refund it.');
    await story.say(DANA.slack, thread, '!handback');
    await story.answer(thread, /Dana Reyes has handed this conversation back/);
    await story.say(ALEX.slack, thread, 'so what about it?');
    await story.quiet();
  }

  it('C3 C5 does not begin, and whoever asks for it is told when it can; the agent knows what was said', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.say(DANA.slack, thread, 'It is under the LYCHEE stairs.');

    await story.say(ALEX.slack, thread, '!new');
    expect(await story.told(ALEX.slack, /No new context begins here/)).toMatch(
      /Dana Reyes has this conversation.*handed back.*!new/,
    );
    await danaSaysAndHandsBack(thread);

    expect(shown()).toContain('LYCHEE');
    expect(shown()).toContain('in the cellar, do not refund');
  });

  it('C3 C5 nor one that was asked for before, and still stands in line when they come', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slack, thread, '!human');
    await story.answer(thread, /A human was asked for/);
    await story.say(ALEX.slack, thread, 'it is about the LYCHEE parcel');
    await story.say(ALEX.slack, thread, '!new');
    await story.told(ALEX.slack, /A new context begins here/);

    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /No new context begins here: Dana Reyes has this conversation/);
    await danaSaysAndHandsBack(thread);

    expect(shown()).toContain('LYCHEE');
    expect(shown()).toContain('in the cellar, do not refund');
  });
});

describe('words that were said before, and not sent yet', () => {
  it('C1 are dropped at the last hop when another process takes over, and the audit and the agent know it', async () => {
    const { slack, claude } = story.sandbox;
    claude.script(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('and now')
        ? { text: 'I am back.' }
        : { text: 'A stale answer.' },
    );
    const other = await startApp({
      config: () => story.config,
      redisUrl: story.redisUrl,
      clock: story.clock,
      log: createLogger({ level: 'silent' }),
      platforms: false,
      workers: false,
    });
    // The answer is in the outbox, and waits.
    slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterSeconds: 2 });
    const thread = await story.mention('hello there');
    await slack.until(({ calls }) => calls.some(({ result }) => result === 'rate-limited'));
    const conversationId = ConversationId.parse(`slack:${TEAM.id}:${GENERAL}:${thread}`);
    const dana = story.app.directory.find(PersonId.parse('dana'))!;

    const taken = await other.controlDesk.takeOver({
      id: 'gesture-1',
      conversationId,
      by: { person: dana.id, name: dana.name, roles: dana.roles },
      channel: 'cli',
    });
    await other.stop();
    await story.quiet();
    await story.say(ALEX.slack, thread, 'are you there?');
    await story.answer(thread, /Dana Reyes has taken over/);

    expect(taken.code).toBe('TAKEN');
    expect(story.said(thread).map(textOf).join()).not.toContain('stale');
    const trail = await story.app.audit.tail(100);
    expect(trail.find(({ event }) => event.event === 'message.withheld')?.event).toMatchObject({
      subject: conversationId,
      detail: { epoch: 0, current: 1 },
    });
    await story.say(DANA.slack, thread, '!handback');
    await story.say(ALEX.slack, thread, 'and now?');
    await story.answer(thread, /I am back/);
    expect(JSON.stringify(claude.requests.at(-1))).toContain('was not sent');
  });
});

describe('that a conversation changed hands', () => {
  it('C1 is known longer than a word from before may wait to be sent, however briefly transcripts are kept', async () => {
    const { settings } = story.config;
    const retention = { ...settings.retention, transcripts: 60 * 60_000 };
    story.config = { ...story.config, settings: { ...settings, retention } };
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);

    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.say(DANA.slack, thread, '!handback');
    await story.answer(thread, /handed this conversation back/);

    const conversation = ConversationId.parse(`slack:${TEAM.id}:${GENERAL}:${thread}`);
    expect(await story.redis.pttl(story.keys.control(conversation))).toBeGreaterThan(GIVE_UP_AFTER_MS);
  });
});

describe('the news that a message could not be handled', () => {
  it('C1 is not said any more when a person has taken the conversation over before it is sent', async () => {
    const working = story.config;
    const model = { ...working.settings.model, name: 'no-such-model', retries: 0 };
    story.config = { ...working, settings: { ...working.settings, model } };
    const { slack } = story.sandbox;
    slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterSeconds: 2 });
    const thread = await story.mention('hello there');
    await failForGood();
    await slack.until(({ calls }) => calls.some(({ result }) => result === 'rate-limited'));
    const dana = story.app.directory.find(PersonId.parse('dana'))!;

    await story.app.controlDesk.takeOver({
      id: 'gesture-2',
      conversationId: ConversationId.parse(`slack:${TEAM.id}:${GENERAL}:${thread}`),
      by: { person: dana.id, name: dana.name, roles: dana.roles },
      channel: 'cli',
    });
    await story.quiet();

    expect(await story.app.deadLetters.list()).toHaveLength(1);
    expect(story.said(thread).map(textOf).join()).not.toContain('could not handle');
    const trail = (await story.app.audit.tail(100)).map(({ event }) => event.event);
    expect(trail).toContain('message.withheld');
  });
});

describe('the agent', () => {
  it('C4 hands over by itself, says why, and whoever comes finds all of it', async () => {
    const { claude } = story.sandbox;
    claude.script(({ messages }) => {
      const said = JSON.stringify(messages.at(-1));
      if (said.includes('A human is asked')) return { text: 'I cannot find it, sorry.' };
      return { calls: [{ tool: 'hand_off', input: { reason: 'The order is not in my books' } }] };
    });
    const thread = await story.mention('where is order 99?');
    await story.answer(thread, /I cannot find it, sorry/);
    await story.answer(
      thread,
      /I am asking for a human to take over here \(“The order is not in my books”\)/,
    );
    const call = await story.mail(DANA.mail, /The order is not in my books/);
    const ticket = /takeover (con_p\d+_\w+)/.exec(call.text)?.[1];

    await story.write(DANA.mail, 'Mine', `/takeover ${ticket}`);

    await story.answer(thread, /Dana Reyes has taken over/);
    await story.mail(DANA.mail, /You have that conversation now/);
    await story.say(ALEX.slack, thread, 'hello Dana');
    await story.quiet();
    expect(claude.requests).toHaveLength(2);
  });
});

describe('rules of the configuration', () => {
  it('C2 call a human for words, once, and let an operator who steps in speak from then on', async () => {
    const { takeover } = story.config.authorizations;
    const rules = [
      { name: 'lawyers', when: { words: ['lawyer'] }, do: 'call-human' as const },
      { name: 'operators', when: { roles: ['operator'] }, do: 'take-over' as const },
    ];
    story.config = {
      ...story.config,
      authorizations: { ...story.config.authorizations, takeover: { ...takeover, rules } },
    };
    const thread = await story.mention('I will call my lawyer: what can you do?');
    await story.answer(thread, /This is for a human/);
    expect(story.sandbox.claude.requests).toEqual([]);
    await story.advance(11 * 60_000);
    await story.answer(thread, /nobody could come/);
    await story.answer(thread, /Here is what I can do/);

    await story.say(DANA.slack, thread, 'Alex, let me look at that.');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.quiet();

    expect(story.sandbox.claude.requests).toHaveLength(1);
    expect(JSON.stringify(await story.app.audit.tail(100))).toContain('takeover rule operators');
  });
});

describe('a gateway that dies', () => {
  it('C2 C4 leaves a takeover as it was: the next one is silent, and time still gives it back', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);

    await story.restart();
    await story.say(ALEX.slack, thread, 'what can you do now?');
    await story.quiet();
    expect(story.sandbox.claude.requests).toHaveLength(1);

    await story.advance(31 * 60_000);
    await story.answer(thread, /Dana Reyes has not written for a while/);
    await story.say(ALEX.slack, thread, 'what can you do?');
    await story.sandbox.slack.until(() => story.sandbox.claude.requests.length === 2 || undefined);
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

describe('an answer that is ready at the very moment of the takeover', () => {
  it('C1 C3 is not committed: the message belongs to the person, and nothing of the turn remains', async () => {
    const { claude } = story.sandbox;
    let conversationId = ConversationId.parse('unknown');
    const dana = story.app.directory.find(PersonId.parse('dana'))!;
    async function* overtaken(): AsyncGenerator<string> {
      await story.app.controlDesk.takeOver({
        id: 'gesture-1',
        conversationId,
        by: { person: dana.id, name: dana.name, roles: dana.roles },
        channel: 'cli',
      });
      yield 'Too late.';
    }
    claude.script(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('second')
        ? { text: overtaken() }
        : { text: 'The first answer.' },
    );
    const thread = await story.mention('the first question');
    await story.answer(thread, /The first answer/);
    conversationId = ConversationId.parse(`slack:${TEAM.id}:${GENERAL}:${thread}`);

    await story.say(ALEX.slack, thread, 'the second question');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.quiet();

    const trail = (await story.app.audit.tail(100)).map(({ event }) => event.event);
    expect(trail.filter((event) => event === 'turn.done')).toHaveLength(1);
    expect(trail.filter((event) => event === 'message.received')).toHaveLength(2);
    expect(story.said(thread).map(textOf).join()).not.toContain('Too late');
    const transcript = await story.redis.lrange(story.keys.transcript(conversationId), 0, -1);
    expect(transcript.join()).toContain('the second question');
    expect(transcript.join()).not.toContain('Too late');
  });
});

describe('approvals while a person has the conversation', () => {
  it('run at once where the configuration says so', async () => {
    const { takeover } = story.config.authorizations;
    story.config = {
      ...story.config,
      authorizations: { ...story.config.authorizations, takeover: { ...takeover, run_while_human: true } },
    };
    await approvedWhileDanaSpeaks();

    await story.sandbox.slack.until(() => story.refunds(7).length === 1 || undefined);
    await story.quiet();
    expect(story.sandbox.claude.requests).toHaveLength(1);
  });

  it('say on the card when they run, and do then', async () => {
    const thread = await approvedWhileDanaSpeaks();

    await story.answer(
      thread,
      /It has not run yet: Dana Reyes has the conversation it belongs to, and it runs when they hand that back\./,
    );
    await story.say(DANA.slack, thread, '!handback');
    await story.answer(thread, /Approved by Dana Reyes.*Done: /s);
  });

  it('say so by mail, once, to whoever said yes there and whoever else was asked by mail, and then that it is done', async () => {
    const carl = {
      ...story.config.contacts.people.dana!,
      name: 'Carl Chen',
      accounts: { email: [EVE.mail] },
    };
    const { contacts } = story.config;
    story.config = { ...story.config, contacts: { ...contacts, people: { ...contacts.people, carl } } };
    const thread = await story.mention('refund order 7');
    const asked = await story.mail(DANA.mail, /Decide before/);
    await story.mail(EVE.mail, /Decide before/);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);

    await story.sandbox.mail.reply(asked, { line: `approve ${codesIn(asked).approve}`, quoting: 'top' });
    const held = /It has not run yet: Dana Reyes has the conversation it belongs to, and it runs when/;
    for (const address of [DANA.mail, EVE.mail]) await story.mail(address, held);
    await story.quiet();
    await story.say(DANA.slack, thread, '!handback');

    for (const address of [DANA.mail, EVE.mail]) {
      await story.mail(address, /Approved by Dana Reyes by e-mail.*Done: /s);
      const mails = story.sandbox.mail.mailbox(address);
      expect(mails.filter(({ text }) => held.test(text))).toHaveLength(1);
      expect(mails.filter(({ text }) => /Approved by/.test(text))).toHaveLength(2);
    }
  });

  it('stay valid, run after the hand-back, in order, and not before', async () => {
    const thread = await approvedWhileDanaSpeaks();
    await story.sandbox.slack.until((slack) =>
      slack.thread(GENERAL, thread).find((message) => /Approved by/.test(textOf(message))),
    );
    await story.quiet();
    await story.advance(20 * 60_000);
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

    await story.say(ALEX.slack, thread, '!human');
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

describe('what somebody says when they ask for a human', () => {
  const shown = () => JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages);
  const waits = () => story.sandbox.claude.requests.length;

  it('C4 is answered by the agent when nobody comes', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slack, thread, '!human the SOURSOP parcel never came');
    await story.answer(thread, /A human was asked for/);
    const before = waits();

    await story.advance(11 * 60_000);
    await story.answer(thread, /I am sorry: nobody could come/);
    await story.sandbox.slack.until(() => waits() > before || undefined);
    await story.quiet();

    expect(shown()).toContain('the SOURSOP parcel never came');
    expect(story.said(thread).filter((m) => /A human has been asked to come/.test(textOf(m)))).toEqual([]);
  });

  it('C5 is known to the agent after the hand-back, and is no answer of it before', async () => {
    const thread = await story.mention('!human help me with GUAVA');
    await story.answer(thread, /A human was asked for/);
    const before = waits();
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.say(DANA.slack, thread, '!handback');
    await story.answer(thread, /handed this conversation back/);
    expect(waits()).toBe(before);

    await story.say(ALEX.slack, thread, 'what can you do?');
    await story.answer(thread, /Here is what I can do/);
    expect(shown()).toContain('help me with GUAVA');
  });

  it('C4 is kept where it is a file alone, and read by the agent when nobody comes', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    const { acknowledged } = await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      thread,
      text: '!human',
      files: [aReceipt('SLACK-RECEIPT paid twice')],
    });
    await acknowledged;
    await story.answer(thread, /A human was asked for/);
    const before = waits();

    await story.advance(11 * 60_000);
    await story.answer(thread, /I am sorry: nobody could come/);
    await story.sandbox.slack.until(() => waits() > before || undefined);
    await story.quiet();

    expect(shown()).toContain('SLACK-RECEIPT paid twice');
  });

  it('C4 is kept where it is a file alone, in a mail', async () => {
    const { mail } = story.sandbox;
    const files = [aReceipt('MAIL-RECEIPT paid twice')];
    const wish = { from: ALEX.mail, to: BOT.mail, subject: 'Paid twice', text: '/human', files };
    await mail.settled(await mail.send(wish));
    await story.mail(ALEX.mail, /A human was asked for/);
    const before = waits();

    await story.advance(11 * 60_000);
    await story.mail(ALEX.mail, /I am sorry: nobody could come/);
    await mail.until(() => waits() > before);
    await story.quiet();

    expect(shown()).toContain('MAIL-RECEIPT paid twice');
  });

  it('is for the conversation it was written about, where a ticket names another', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slack, thread, '!human');
    const call = await story.mail(DANA.mail, /Alex Kim asks for a human/);
    const named = /con_p\d+_\w{12}/.exec(call.text)?.[0];
    await story.say(ALEX.slack, thread, '!handback');
    await story.quiet();
    const before = waits();

    await story.dm(ALEX.slack, `!human ${named} come there`);
    await story.mail(DANA.mail, /Alex Kim asks for a human[\s\S]*come there/);
    await story.quiet();
    expect(waits()).toBe(before);
  });

  it('is told that a file is not passed on, where a ticket names another conversation', async () => {
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slack, thread, '!human');
    const call = await story.mail(DANA.mail, /Alex Kim asks for a human/);
    const named = /con_p\d+_\w{12}/.exec(call.text)?.[0];

    const files = [aReceipt('paid twice')];
    await story.sandbox.slack.dm({ user: ALEX.slack, text: `!human ${named}`, files });

    await story.told(ALEX.slack, /The files I do not pass on\./);
  });
});

function aReceipt(text: string): SentFile {
  return { name: 'receipt.txt', mediaType: 'text/plain', bytes: Buffer.from(text) };
}

/** Dana takes a conversation over in which a refund is asked for, and approves it. */
async function approvedWhileDanaSpeaks(): Promise<string> {
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
  return thread;
}

/** Every try of what was said, until it is given up. */
async function failForGood(): Promise<void> {
  while ((await story.app.deadLetters.list()).length === 0) await story.advance(60_000);
}
