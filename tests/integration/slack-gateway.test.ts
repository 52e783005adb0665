import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccountId } from '../../src/domain/ids.ts';
import type { Address, Receipt } from '../../src/domain/message.ts';
import { aCard, openSlack, type SlackFixture } from '../support/slack-gateway.ts';

const CHANNEL = 'C0GENERAL';

describe.each(['socket', 'http'] as const)('the Slack gateway over %s', (mode) => {
  let slack: SlackFixture;

  beforeEach(async () => {
    // Over Socket Mode a failure is an acknowledgement that never comes, so it is not waited for as long as Slack does.
    slack = await openSlack({ mode, sandbox: { ackTimeoutMs: 500 } });
  });
  afterEach(async () => slack.close());

  /** Alex mentions the bot; resolves with where the answer belongs. */
  async function mention(text: string, thread?: string): Promise<{ ts: string; replyTo: Address }> {
    const said = await slack.sandbox.say({
      user: 'U0ALEX',
      channel: CHANNEL,
      text: `@signalbox ${text}`,
      ...(thread === undefined ? {} : { thread }),
    });
    await said.acknowledged;
    return { ts: said.ts, replyTo: slack.messages().at(-1)!.replyTo };
  }

  /** A card in the thread of a mention, and its place. */
  async function openCard(
    over: Parameters<typeof aCard>[0] = {},
  ): Promise<{ ts: string; ref: string; replyTo: Address }> {
    const { replyTo } = await mention('refund order 7');
    const { ref } = await slack.send({ to: replyTo, body: { kind: 'card', card: aCard(over) } });
    return { ts: ref.split('/')[1]!, ref, replyTo };
  }

  describe('coming in', () => {
    it('OM-050 hands a mention over and carries the answer into its thread', async () => {
      const { ts, replyTo } = await mention('what is up?');

      expect(slack.messages()[0]).toMatchObject({
        id: `slack:T0SANDBOX:${CHANNEL}:${ts}`,
        conversationId: `slack:T0SANDBOX:${CHANNEL}:${ts}`,
        sender: { account: 'slack:T0SANDBOX/U0ALEX', authenticated: true, automatic: false },
        text: 'what is up?',
        addressedToBot: true,
      });
      await slack.send({ to: replyTo, body: { kind: 'text', markdown: '**All** quiet.' } });

      const [, reply] = slack.sandbox.thread(CHANNEL, ts);
      expect(reply?.text).toBe('*All* quiet.');
    });

    it('OM-192 gives both events of a mention, and every repetition of them, one id', async () => {
      const { ts } = await mention('hello');
      const [first] = slack.messages();

      await slack.sandbox.deliverEvent({
        type: 'app_mention',
        user: 'U0ALEX',
        channel: CHANNEL,
        ts,
        text: '<@U0SIGNALBOX> hello',
        team: 'T0SANDBOX',
      });

      expect(slack.messages()).toHaveLength(3);
      expect(new Set(slack.messages().map((message) => message.id))).toEqual(new Set([first?.id]));
      expect(new Set(slack.messages().map((message) => message.addressedToBot))).toEqual(new Set([true]));
    });

    it('hands over replies in a thread, addressed or not, in the conversation of its root', async () => {
      const { ts } = await mention('hello');
      const reply = await slack.sandbox.say({
        user: 'U0DANA',
        channel: CHANNEL,
        text: 'and another thing',
        thread: ts,
      });
      await reply.acknowledged;

      expect(slack.messages().at(-1)).toMatchObject({
        conversationId: `slack:T0SANDBOX:${CHANNEL}:${ts}`,
        sender: { account: 'slack:T0SANDBOX/U0DANA' },
        text: 'and another thing',
        addressedToBot: false,
      });
    });

    it('hands over direct messages as addressed to the bot', async () => {
      const said = await slack.sandbox.dm({ user: 'U0DANA', text: 'just between us' });
      await said.acknowledged;

      expect(slack.messages()).toMatchObject([{ text: 'just between us', addressedToBot: true }]);
    });

    it('keeps out of what people say to each other', async () => {
      const said = await slack.sandbox.say({ user: 'U0DANA', channel: CHANNEL, text: 'lunch?' });
      await said.acknowledged;

      expect(slack.received).toEqual([]);
    });

    it('hands over an edit and a removal as revisions, never as messages', async () => {
      const { ts } = await mention('refund order 7');
      const before = slack.messages().length;

      await (await slack.sandbox.edit({ channel: CHANNEL, ts, text: '@signalbox refund order 8' }))
        .acknowledged;
      await (await slack.sandbox.remove({ channel: CHANNEL, ts })).acknowledged;

      expect(slack.messages()).toHaveLength(before);
      expect(slack.revisions()).toMatchObject([
        { change: 'edited', of: slack.messages()[0]?.id, sender: { account: 'slack:T0SANDBOX/U0ALEX' } },
        { change: 'deleted', of: slack.messages()[0]?.id },
      ]);
      expect(slack.revisions()[0]?.id).not.toBe(slack.revisions()[1]?.id);
    });

    it('never hears itself', async () => {
      const { replyTo } = await mention('hello');
      const before = slack.received.length;

      const { ref } = await slack.send({
        to: replyTo,
        body: { kind: 'text', markdown: 'first <@U0SIGNALBOX>' },
      });
      await slack.send({ to: replyTo, body: { kind: 'text', markdown: 'second', replaces: ref } });
      await slack.sandbox.until((sandbox) => sandbox.unacknowledged === 0);

      expect(slack.received).toHaveLength(before);
    });

    it('acknowledges an event only once it is stored', async () => {
      let store: (receipt: Receipt) => void = () => {};
      const stored = new Promise<Receipt>((resolve) => {
        store = resolve;
      });
      const handedOver = new Promise<void>((resolve) => {
        slack.onReceive(async () => {
          resolve();
          return stored;
        });
      });

      const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'hello' });
      await handedOver;
      const unacknowledged = slack.sandbox.unacknowledged;
      store({ kind: 'stored' });
      await said.acknowledged;

      expect(unacknowledged).toBe(1);
      expect(slack.sandbox.deliveries).toMatchObject([{ outcome: 'acknowledged', attempt: 0 }]);
    });

    it('hands over again, under the same id, what could not be stored the first time', async () => {
      slack.onReceive(async () => {
        slack.onReceive(async () => ({ kind: 'stored' }));
        throw new Error('Redis is away');
      });

      const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'hello' });
      await said.acknowledged;

      expect(slack.messages()).toHaveLength(2);
      expect(slack.messages()[0]?.id).toBe(slack.messages()[1]?.id);
      expect(slack.lines).toContainEqual(expect.objectContaining({ level: 'error' }));
    });
  });

  describe('approval cards', () => {
    it('a press on a button is an answer that carries back what the card showed', async () => {
      const { ts, ref } = await openCard();

      const outcome = await slack.sandbox.press({
        user: 'U0DANA',
        channel: CHANNEL,
        ts,
        actionId: 'signalbox.approve',
      });

      expect(outcome.kind).toBe('acknowledged');
      expect(slack.answers()).toMatchObject([
        {
          sender: { account: 'slack:T0SANDBOX/U0DANA', authenticated: true, automatic: false },
          approvalId: 'apr_p7_0123456789ab',
          choice: 'approve',
          gen: 1,
          digest: 'sha256-of-the-call',
          card: { ref },
        },
      ]);
    });

    it('two presses are two gestures', async () => {
      const { ts } = await openCard();

      await slack.sandbox.press({ user: 'U0DANA', channel: CHANNEL, ts, actionId: 'signalbox.approve' });
      await slack.sandbox.press({ user: 'U0DANA', channel: CHANNEL, ts, actionId: 'signalbox.approve' });

      expect(new Set(slack.answers().map((answer) => answer.id)).size).toBe(2);
    });

    it('tells what came of a press to the one who pressed, and only after the core has said so', async () => {
      const { ts } = await openCard();
      slack.onReceive(async () => {
        expect(slack.sandbox.ephemerals('U0EVE')).toEqual([]);
        return { kind: 'answered', code: 'NOT_ELIGIBLE', notice: 'You are not asked to decide this.' };
      });

      await slack.sandbox.press({ user: 'U0EVE', channel: CHANNEL, ts, actionId: 'signalbox.approve' });
      const told = await slack.sandbox.until((sandbox) => sandbox.ephemerals('U0EVE')[0]);

      expect(told.text).toBe('You are not asked to decide this.');
      expect(slack.sandbox.ephemerals('U0DANA')).toEqual([]);
    });

    it('a press that could not be stored is shown as failed, and the person is asked to press again', async () => {
      const { ts } = await openCard();
      slack.onReceive(async () => Promise.reject(new Error('Redis is away')));

      const pressing = slack.sandbox.press({
        user: 'U0DANA',
        channel: CHANNEL,
        ts,
        actionId: 'signalbox.deny',
      });
      const told = await slack.sandbox.until((sandbox) => sandbox.ephemerals('U0DANA')[0]);

      expect(told.text).toContain('*not recorded*');
      expect((await pressing).kind).toBe('failed');
    });

    it.each([
      ['recorded', /^You approved it\.$/],
      ['failed', /\*not recorded\*/],
    ] as const)(
      'a press nobody can tell of in time is not called unrecorded; that it was %s is told once it is known',
      async (outcome, expected) => {
        await slack.close();
        slack = await openSlack({ mode, timing: { storeWithinMs: 20 } });
        const { ts } = await openCard();
        let settle = () => {};
        slack.onReceive(
          () =>
            new Promise((resolve, reject) => {
              settle = () =>
                outcome === 'recorded'
                  ? resolve({ kind: 'answered', code: 'approved', notice: 'You approved it.' })
                  : reject(new Error('the store refused it'));
            }),
        );
        const told = () => slack.sandbox.ephemerals('U0DANA').map(({ text }) => text);

        const pressed = await slack.sandbox.press({
          user: 'U0DANA',
          channel: CHANNEL,
          ts,
          actionId: 'signalbox.approve',
        });
        const atFirst = await slack.sandbox.until(() => told()[0]);
        settle();

        expect(pressed.kind).toBe('acknowledged');
        expect(atFirst).toContain('*cannot tell yet*');
        expect(atFirst).not.toContain('not recorded');
        await slack.sandbox.until(() => told().some((text) => expected.test(text)));
      },
    );

    it('a form nobody can tell of in time stays open, and what came of it is told once it is known', async () => {
      await slack.close();
      slack = await openSlack({ mode, timing: { storeWithinMs: 400 } });
      const { ts } = await openCard({ choices: ['approve', 'answer'] });
      await slack.sandbox.press({ user: 'U0DANA', channel: CHANNEL, ts, actionId: 'signalbox.answer' });
      let settle = (_: Receipt) => {};
      slack.onReceive(
        () =>
          new Promise((resolve) => {
            settle = resolve;
          }),
      );

      const kept = await slack.sandbox.submitView({ user: 'U0DANA', values: { words: 'Use the voucher.' } });
      settle({ kind: 'answered', code: 'DECIDED', notice: 'Recorded.' });

      expect(kept).toMatchObject({
        kind: 'refused',
        errors: { reason: expect.stringContaining('I cannot tell yet whether this was recorded') },
      });
      await slack.sandbox.until((sandbox) =>
        sandbox.ephemerals('U0DANA').some(({ text }) => text === 'Recorded.'),
      );
    });

    it('a button nobody knows decides nothing, and says so', async () => {
      const { ts } = await openCard();
      const card = slack.sandbox.message(CHANNEL, ts)!;
      const copy = JSON.parse(
        JSON.stringify(card).replaceAll('signalbox.approve', 'signalbox.approve_all'),
      ) as typeof card;

      const outcome = await slack.sandbox.press({
        user: 'U0DANA',
        channel: CHANNEL,
        ts,
        actionId: 'signalbox.approve_all',
        copy,
      });
      const told = await slack.sandbox.until((sandbox) => sandbox.ephemerals('U0DANA')[0]);

      expect(outcome.kind).toBe('acknowledged');
      expect(slack.answers()).toEqual([]);
      expect(told.text).toContain('nothing was decided');
    });

    it('a denial with a reason asks for it in a form and is one answer', async () => {
      const { ts, ref } = await openCard();

      await slack.sandbox.press({
        user: 'U0DANA',
        channel: CHANNEL,
        ts,
        actionId: 'signalbox.deny_with_reason',
      });
      const pressed = slack.answers().length;
      const outcome = await slack.sandbox.submitView({
        user: 'U0DANA',
        values: { words: 'Wrong order, <@U0ALEX>.' },
      });

      expect(pressed).toBe(0);
      expect(outcome.kind).toBe('closed');
      expect(slack.answers()).toMatchObject([
        {
          choice: 'deny',
          text: 'Wrong order, <@U0ALEX>.',
          gen: 1,
          digest: 'sha256-of-the-call',
          card: { ref },
        },
      ]);
    });

    it('a form that could not be stored stays open, says so, and is the same gesture when sent again', async () => {
      const { ts } = await openCard({ choices: ['approve', 'answer'] });
      await slack.sandbox.press({ user: 'U0DANA', channel: CHANNEL, ts, actionId: 'signalbox.answer' });
      slack.onReceive(async () => Promise.reject(new Error('Redis is away')));

      const refused = await slack.sandbox.submitView({
        user: 'U0DANA',
        values: { words: 'Use the voucher.' },
      });
      slack.onReceive(async () => ({ kind: 'answered', code: 'DECIDED', notice: 'Recorded.' }));
      const taken = await slack.sandbox.submitView({ user: 'U0DANA', values: { words: 'Use the voucher.' } });

      expect(refused).toMatchObject({
        kind: 'refused',
        errors: { reason: expect.stringContaining('Not recorded') },
      });
      expect(taken.kind).toBe('closed');
      expect(slack.answers().map((answer) => answer.choice)).toEqual(['answer', 'answer']);
      expect(slack.answers()[0]?.id).toBe(slack.answers()[1]?.id);
      await slack.sandbox.until((sandbox) =>
        sandbox.ephemerals('U0DANA').some(({ text }) => text === 'Recorded.'),
      );
    });

    it('says so when the form cannot be opened', async () => {
      const { ts } = await openCard();
      slack.sandbox.fail('views.open', { kind: 'error', error: 'expired_trigger_id' });

      await slack.sandbox.press({
        user: 'U0DANA',
        channel: CHANNEL,
        ts,
        actionId: 'signalbox.deny_with_reason',
      });

      const told = await slack.sandbox.until((sandbox) => sandbox.ephemerals('U0DANA')[0]);
      expect(told.text).toContain('could not be opened');
    });

    it('reaches the presser by the address of the press where the bot may not post', async () => {
      const { ts } = await openCard();
      slack.onReceive(async () => ({ kind: 'answered', code: 'DECIDED', notice: 'Recorded.' }));
      slack.sandbox.fail('chat.postEphemeral', { kind: 'error', error: 'channel_not_found' });

      await slack.sandbox.press({ user: 'U0DANA', channel: CHANNEL, ts, actionId: 'signalbox.approve' });

      const told = await slack.sandbox.until((sandbox) => sandbox.ephemerals('U0DANA')[0]);
      expect(told.text).toBe('Recorded.');
    });

    it('shows the outcome in place of the buttons once settled', async () => {
      const { ts, ref, replyTo } = await openCard();
      const settled = aCard({
        choices: [],
        status: { state: 'executed', sentence: 'Approved by Dana Reyes by e-mail; refunded.' },
      });

      const sent = await slack.send({ to: replyTo, body: { kind: 'card', card: settled, replaces: ref } });

      const card = slack.sandbox.message(CHANNEL, ts)!;
      expect(sent.ref).toBe(ref);
      expect(card.blocks?.some((block) => block.type === 'actions')).toBe(false);
      expect(JSON.stringify(card.blocks)).toContain('Approved by Dana Reyes by e-mail; refunded.');
      expect(card.text).toContain('Approved by Dana Reyes by e-mail; refunded.');
    });

    it('reaches a person directly by their account', async () => {
      const to = slack.gateway.directAddress(AccountId.parse('slack:T0SANDBOX/U0DANA'));

      await slack.send({ to, body: { kind: 'card', card: aCard() } });
      await slack.send({ to, body: { kind: 'text', markdown: 'a reminder' } });

      expect(slack.sandbox.messages('D0DANA')).toHaveLength(2);
      expect(slack.calls('conversations.open')).toHaveLength(1);
    });
  });
});
