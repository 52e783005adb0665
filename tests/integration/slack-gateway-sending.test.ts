import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import { AccountId, Platform } from '../../src/domain/ids.ts';
import type { Address } from '../../src/domain/message.ts';
import { aCard, openSlack, type SlackFixture } from '../support/slack-gateway.ts';

const CHANNEL = 'C0GENERAL';
const signal = new AbortController().signal;

describe('sending to Slack', () => {
  let slack: SlackFixture;
  let thread: string;
  let to: Address;

  beforeEach(async () => {
    slack = await openSlack();
    const said = await slack.sandbox.say({ user: 'U0ALEX', channel: CHANNEL, text: '@signalbox go' });
    await said.acknowledged;
    thread = said.ts;
    to = slack.messages()[0]!.replyTo;
  });
  afterEach(async () => slack.close());

  const replies = () => slack.sandbox.thread(CHANNEL, thread).slice(1);
  const text = (markdown: string, replaces?: string) =>
    ({ kind: 'text', markdown, ...(replaces === undefined ? {} : { replaces }) }) as const;

  describe('texts', () => {
    it('OM-186 notifies nobody, whatever the text says', async () => {
      const hostile = [
        '<!channel> <!here> <!everyone> <@U0DANA> <!subteam^S012AB3CD> @channel @here @everyone @dana',
        '<\u200B!channel> <!\u200Bchannel> &lt;!channel&gt; \\<!here\\> `<!channel>`',
        '[<!channel>](https://example.com/<!here>) ![<@U0DANA>](https://example.com/a.png)',
        '```\n<!channel>\n```',
        '| <!here> | <@U0DANA> |\n| --- | --- |\n| <!channel> | @here |',
      ].join('\n\n');

      await slack.send({ to, body: text(hostile) });
      await slack.send({
        to,
        body: {
          kind: 'card',
          card: aCard({
            title: hostile.slice(0, 200),
            facts: [
              { label: '<!channel>', value: hostile.repeat(20) },
              { label: 'to', value: '<@U0DANA>' },
            ],
            modelSays: hostile,
            requestedBy: '<!here>',
            status: { state: 'open', sentence: '@channel <!channel>' },
          }),
        },
      });
      await slack.send({
        to,
        body: { kind: 'notice', markdown: hostile, onlyFor: AccountId.parse('slack:T0SANDBOX/U0ALEX') },
      });
      await slack.gateway.progress.show({ to, key: 'p', markdown: hostile }, signal);

      expect(replies().length).toBeGreaterThan(3);
      expect(slack.sandbox.pings).toEqual([]);
    });

    it('has no link unfurled and no name linked, in any message', async () => {
      const { ref } = await slack.send({ to, body: text('see https://example.com/secret') });
      await slack.send({ to, body: text('see https://example.com/other', ref) });
      await slack.send({ to, body: { kind: 'card', card: aCard() } });

      for (const call of slack.calls('chat.postMessage')) {
        expect(call).toMatchObject({
          unfurl_links: 'false',
          unfurl_media: 'false',
          link_names: 'false',
          parse: 'none',
        });
      }
      expect(slack.calls('chat.update')).toMatchObject([{ link_names: 'false', parse: 'none' }]);
    });

    it('posts a long answer in parts that keep their order', async () => {
      const paragraphs = Array.from(
        { length: 40 },
        (_, index) => `Paragraph ${index}: ${'all work and no play. '.repeat(20)}`,
      );

      await slack.send({ to, body: text(paragraphs.join('\n\n')) });

      expect(replies().length).toBeGreaterThan(3);
      const all = replies()
        .map((reply) => reply.text)
        .join('\n\n');
      expect(all.match(/Paragraph \d+/g)).toEqual(paragraphs.map((_, index) => `Paragraph ${index}`));
      for (const reply of replies()) expect(Buffer.byteLength(reply.text)).toBeLessThanOrEqual(4_000);
    });

    it('edits the message it replaces, and posts what does not fit after it', async () => {
      const ref = await slack.gateway.progress.show({ to, key: 'answer', markdown: 'thinking…' }, signal);

      const sent = await slack.send({
        id: 'answer',
        to,
        body: text(`${'word '.repeat(700)}\n\n${'more '.repeat(700)}`, ref),
      });

      expect(sent.ref).toBe(ref);
      expect(replies()).toHaveLength(2);
      expect(replies()[0]?.text).toMatch(/^word/);
      expect(replies()[1]?.text).toMatch(/^more/);
    });

    it('posts anew what it was to replace and is gone', async () => {
      const { ref } = await slack.send({ to, body: text('first') });
      await slack.sandbox.remove({ channel: CHANNEL, ts: ref.split('/')[1]! });

      const sent = await slack.send({ to, body: text('second', ref) });

      expect(sent.ref).not.toBe(ref);
      expect(replies().map((reply) => reply.text)).toEqual(['second']);
    });
  });

  describe('once', () => {
    it('finds what reached Slack although the answer got lost, instead of posting it again', async () => {
      slack.sandbox.fail('chat.postMessage', { kind: 'lost-response' });

      await expect(slack.send({ id: 'a', to, body: text('hello') })).rejects.toThrow();
      const sent = await slack.send({ id: 'a', to, body: text('hello'), attempt: 2 });

      expect(replies().map((reply) => reply.text)).toEqual(['hello']);
      expect(sent.ref).toBe(`${CHANNEL}/${replies()[0]?.ts}`);
    });

    it('posts only the parts that are missing', async () => {
      const long = Array.from({ length: 3 }, (_, index) => `${index} ${'word '.repeat(700)}`).join('\n\n');
      slack.sandbox.fail('chat.postMessage', { kind: 'lost-response' });

      await expect(slack.send({ id: 'a', to, body: text(long) })).rejects.toThrow();
      await slack.send({ id: 'a', to, body: text(long), attempt: 2 });

      expect(replies().map((reply) => reply.text[0])).toEqual(['0', '1', '2']);
    });

    it('finds a direct message too', async () => {
      const direct = slack.gateway.directAddress(AccountId.parse('slack:T0SANDBOX/U0DANA'));
      slack.sandbox.fail('chat.postMessage', { kind: 'lost-response' });

      await expect(
        slack.send({ id: 'a', to: direct, body: { kind: 'card', card: aCard() } }),
      ).rejects.toThrow();
      await slack.send({ id: 'a', to: direct, body: { kind: 'card', card: aCard() }, attempt: 2 });

      expect(slack.sandbox.messages('D0DANA')).toHaveLength(1);
    });

    it('takes progress shown under the key for what is to be replaced, not for the answer', async () => {
      await slack.gateway.progress.show({ to, key: 'a', markdown: 'thinking…' }, signal);

      await slack.send({ id: 'a', to, body: text('the answer'), attempt: 2 });

      expect(replies().map((reply) => reply.text)).toEqual(['the answer']);
    });

    it('does not search on the first attempt', async () => {
      await slack.send({ to, body: text('hello') });

      expect(slack.calls('conversations.replies')).toEqual([]);
    });
  });

  describe('progress', () => {
    it('is one message, edited', async () => {
      const first = await slack.gateway.progress.show({ to, key: 'a', markdown: 'reading' }, signal);
      const second = await slack.gateway.progress.show(
        { to, key: 'a', markdown: 'writing', ref: first },
        signal,
      );

      expect(second).toBe(first);
      expect(replies().map((reply) => reply.text)).toEqual(['writing']);
    });

    it('is settled in the message that is named, however much was said since', async () => {
      const ref = await slack.gateway.progress.show({ to, key: 'a', markdown: 'reading …' }, signal);
      const fresh = { to, key: 'a', markdown: 'I stopped here.' };

      expect(await slack.gateway.progress.settle({ ...fresh, ref }, signal)).toBe(ref);
      const [, ts] = ref.split('/');
      expect(slack.calls('conversations.replies')).toMatchObject([{ oldest: ts, latest: ts }]);
      expect(replies().map((reply) => reply.text)).toEqual(['I stopped here.']);
    });

    it('shows the beginning of what is too long', async () => {
      await slack.gateway.progress.show({ to, key: 'a', markdown: 'word '.repeat(2_000) }, signal);

      expect(replies()).toHaveLength(1);
      expect(replies()[0]?.text.endsWith('…')).toBe(true);
      expect(Buffer.byteLength(replies()[0]!.text)).toBeLessThanOrEqual(4_000);
    });
  });

  describe('cards', () => {
    it('puts a value too long for the card before it, whole', async () => {
      const body = Array.from({ length: 900 }, (_, line) => `line ${line} of the mail`).join('\n');

      await slack.send({
        to,
        body: { kind: 'card', card: aCard({ facts: [{ label: 'text', value: body }] }) },
      });

      const [card, ...before] = replies().toReversed();
      expect(card?.blocks?.at(-1)?.type).toBe('actions');
      const shown = before
        .toReversed()
        .map((reply) => reply.text)
        .join('\n');
      expect(shown.match(/line \d+ of the mail/g)).toHaveLength(900);
    });

    it('is accepted by Slack at its very largest', async () => {
      const facts = Array.from({ length: 60 }, (_, index) => ({
        label: `argument ${index}`,
        value: 'v'.repeat(index * 40),
      }));

      const sent = await slack.send({
        to,
        body: {
          kind: 'card',
          card: aCard({
            title: 'T'.repeat(4_000),
            facts,
            modelSays: 'm'.repeat(9_000),
            status: { state: 'open', sentence: 's'.repeat(4_000) },
          }),
        },
      });

      expect(sent.ref).toBe(`${CHANNEL}/${replies().at(-1)?.ts}`);
    });

    it('does not repeat the long values when it is updated', async () => {
      const card = aCard({ facts: [{ label: 'text', value: 'x'.repeat(9_000) }] });
      const { ref } = await slack.send({ to, body: { kind: 'card', card } });
      const before = replies().length;

      await slack.send({ to, body: { kind: 'card', card: { ...card, choices: [] }, replaces: ref } });

      expect(replies()).toHaveLength(before);
    });
  });

  describe('notices', () => {
    it('are for one person only', async () => {
      await slack.send({
        to,
        body: { kind: 'notice', markdown: '**only** you', onlyFor: AccountId.parse('slack:T0SANDBOX/U0EVE') },
      });

      expect(slack.sandbox.ephemerals('U0EVE')).toMatchObject([{ text: '*only* you', thread_ts: thread }]);
      expect(replies()).toEqual([]);
    });

    it('are not for accounts of other platforms', async () => {
      const notice = {
        kind: 'notice',
        markdown: 'x',
        onlyFor: AccountId.parse('email:dana@corp.test'),
      } as const;

      await expect(slack.send({ to, body: notice })).rejects.toThrow(UndeliverableError);
    });
  });

  describe('refusals', () => {
    it("a full channel is the caller's to wait for, and holds up no other call", async () => {
      slack.sandbox.fail('chat.postMessage', { kind: 'rate-limited', retryAfterSeconds: 30 });

      const refused = await slack.send({ to, body: text('hello') }).catch((error: unknown) => error);
      await slack.send({ to, body: text('hello again') });

      expect(refused).toBeInstanceOf(RateLimitedError);
      expect(refused).toMatchObject({ retryAfterMs: 30_000 });
      expect(replies().map((reply) => reply.text)).toEqual(['hello again']);
    });

    it.each(['channel_not_found', 'not_in_channel', 'is_archived', 'restricted_action'])(
      '%s is final',
      async (error) => {
        slack.sandbox.fail('chat.postMessage', { kind: 'error', error });

        await expect(slack.send({ to, body: text('hello') })).rejects.toThrow(UndeliverableError);
      },
    );

    it.each(['internal_error', 'service_unavailable', 'token_revoked'])('%s may pass', async (error) => {
      slack.sandbox.fail('chat.postMessage', { kind: 'error', error });

      const refused = await slack.send({ to, body: text('hello') }).catch((reason: unknown) => reason);

      expect(refused).toBeInstanceOf(Error);
      expect(refused).not.toBeInstanceOf(UndeliverableError);
      expect(refused).not.toBeInstanceOf(RateLimitedError);
    });

    it('an address of another platform is final', async () => {
      const elsewhere = { platform: Platform.parse('email'), route: { to: 'dana@corp.test' } };

      await expect(slack.send({ to: elsewhere, body: text('hello') })).rejects.toThrow(UndeliverableError);
    });

    it('an aborted send posts nothing', async () => {
      const aborted = AbortSignal.abort(new Error('the lease was lost'));
      const message = {
        id: 'a',
        conversationId: slack.messages()[0]!.conversationId,
        to,
        body: text('hello'),
        attempt: 1,
      };

      await expect(slack.gateway.send(message, aborted)).rejects.toThrow('the lease was lost');
      expect(replies()).toEqual([]);
    });
  });
});
