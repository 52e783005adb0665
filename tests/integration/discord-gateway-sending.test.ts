import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import { AccountId, ConversationId, Platform } from '../../src/domain/ids.ts';
import type { Address } from '../../src/domain/message.ts';
import { ALEX, BOT, DANA, GUILD } from '../../src/sandbox/people.ts';
import { type DiscordFixture, GENERAL, inChannel, openDiscord } from '../support/discord-gateway.ts';
import { aCard } from '../support/slack-gateway.ts';

const alex = ALEX.discordUser;
const dana = DANA.discordUser;
const account = AccountId.parse(`discord:${alex}`);
const signal = new AbortController().signal;
const READ = 'GET /channels/:channel/messages/:message';
const CREATE = 'POST /channels/:channel/messages';
const EDIT = 'PATCH /channels/:channel/messages/:message';
const FILL = 'PATCH /webhooks/:app/:token/messages/:message';

describe('sending to Discord', () => {
  let nowMs: number | undefined;
  let discord: DiscordFixture;
  let to: Address;
  let asked: string;

  beforeEach(async () => {
    nowMs = undefined;
    discord = await openDiscord({ clock: { now: () => nowMs ?? Date.now() } });
    const said = await discord.sandbox.say({ user: alex, channel: GENERAL.id, text: '@signalbox go' });
    asked = said.id;
    to = (await discord.until(() => discord.messages()[0])).replyTo;
  });
  afterEach(async () => {
    await discord.close();
  });

  const replies = () =>
    discord.sandbox.messages(GENERAL.id).filter(({ author }) => author === BOT.discordUser);
  const contents = () => replies().map(({ content }) => content);
  const text = (markdown: string, replaces?: string) =>
    ({ kind: 'text', markdown, ...(replaces === undefined ? {} : { replaces }) }) as const;
  const notice = (markdown: string) => ({ kind: 'notice', markdown, onlyFor: account }) as const;
  const calls = (route: string) => discord.sandbox.calls.filter((call) => call.route === route);
  const ask = async (): Promise<Address> => {
    const before = discord.messages().length;
    await discord.sandbox.slash({
      user: alex,
      channel: GENERAL.id,
      command: 'ask',
      options: { question: 'x' },
    });
    return discord.messages()[before]!.replyTo;
  };
  const directly = (user: string) => discord.gateway.directAddress(AccountId.parse(`discord:${user}`))!;
  const later = (minutes: number) => {
    nowMs = Date.now() + minutes * 60_000;
  };

  describe('texts', () => {
    it('OM-186 notifies nobody, on a create and on an edit, whatever the text says', async () => {
      const hostile = [
        `@everyone @here <@${dana}> <@!${dana}> <@&900000000000000401> @Dana`,
        `\\@everyone <\u200B@${dana}> \`@everyone\` [@everyone](https://example.com/@here)`,
        '```\n@everyone\n```',
        `| @here | <@${dana}> |\n| --- | --- |\n| @everyone | x |`,
      ].join('\n\n');

      const { ref } = await discord.send({ to, body: text(hostile) });
      await discord.send({ to, body: text(`${hostile} again`, ref) });
      await discord.send({
        to,
        body: {
          kind: 'card',
          card: aCard({
            title: hostile.slice(0, 200),
            facts: [{ label: '@everyone', value: hostile.repeat(20) }],
            modelSays: hostile,
            requestedBy: '@here',
            status: { state: 'open', sentence: `@everyone <@${dana}>` },
          }),
        },
      });
      await discord.send({ to, body: notice(hostile) });
      await discord.send({ to: await ask(), body: text(hostile) });
      await discord.gateway.progress.show({ to, key: 'p', markdown: hostile }, signal);

      expect(replies().length).toBeGreaterThan(3);
      expect(discord.sandbox.pings.filter(({ by }) => by === BOT.discordUser)).toEqual([]);
      for (const { body } of [...calls(CREATE), ...calls(EDIT)]) {
        expect(body).toMatchObject({
          allowed_mentions: { parse: [], users: [], roles: [], replied_user: false },
        });
      }
    });

    it('answers the message, under a nonce Discord holds it to', async () => {
      await discord.send({ to, body: text('see https://example.com/secret') });

      expect(replies()).toMatchObject([{ replyTo: asked, flags: 4 }]);
      expect(calls(CREATE)).toMatchObject([
        { body: { nonce: expect.stringMatching(/^[\w-]{25}$/), enforce_nonce: true } },
      ]);
    });

    it('posts a long answer in parts that keep their order', async () => {
      const paragraphs = Array.from(
        { length: 20 },
        (_, index) => `Paragraph ${index}: ${'all work. '.repeat(40)}`,
      );

      await discord.send({ to, body: text(paragraphs.join('\n\n')) });

      expect(replies().length).toBeGreaterThan(3);
      expect(
        contents()
          .join('\n')
          .match(/Paragraph \d+/g),
      ).toEqual(paragraphs.map((_, index) => `Paragraph ${index}`));
      expect(replies().map(({ replyTo }) => replyTo)).toEqual([
        asked,
        ...Array(replies().length - 1).fill(undefined),
      ]);
    });

    it('posts an extremely long answer as its beginning and a file that holds all of it', async () => {
      const long = 'all work and no play. '.repeat(2_000);

      await discord.send({ to, body: text(long) });

      expect(replies()).toHaveLength(2);
      const [file] = replies()[1]!.attachments;
      expect(file).toMatchObject({ filename: 'answer.md', size: long.length });
    });

    it('sends files, ten with a message', async () => {
      const files = Array.from({ length: 12 }, (_, index) => ({
        name: `${index}.txt`,
        mediaType: 'text/plain',
        base64: Buffer.from(String(index)).toString('base64'),
      }));

      await discord.send({ to, body: { ...text('here'), files } });

      expect(replies().map(({ attachments }) => attachments.length)).toEqual([10, 2]);
    });

    it('edits the message it replaces, and posts what does not fit after it', async () => {
      const ref = await discord.gateway.progress.show({ to, key: 'answer', markdown: 'thinking…' }, signal);

      const sent = await discord.send({
        id: 'answer',
        to,
        body: text(`${'word '.repeat(350)}\n\n${'more '.repeat(350)}`, ref),
      });

      expect(sent.ref).toBe(ref);
      expect(contents().map((content) => content.slice(0, 4))).toEqual(['word', 'more']);
    });

    it('posts anew what it was to replace and is gone', async () => {
      const { ref } = await discord.send({ to, body: text('first') });
      await discord.sandbox.remove({ message: ref.split('/')[1]! });

      const sent = await discord.send({ to, body: text('second', ref) });

      expect(sent.ref).not.toBe(ref);
      expect(contents()).toEqual(['second']);
    });
  });

  describe('once', () => {
    it('finds what reached Discord although the answer got lost, instead of posting it again', async () => {
      discord.sandbox.fail(CREATE, { kind: 'lost-response' });

      await expect(discord.send({ id: 'a', to, body: text('hello') })).rejects.toThrow();
      const sent = await discord.send({ id: 'a', to, body: text('hello'), attempt: 2 });

      expect(contents()).toEqual(['hello']);
      expect(sent.ref).toBe(`${GENERAL.id}/${replies()[0]?.id}`);
    });

    it('posts only the parts that are missing', async () => {
      const long = Array.from({ length: 3 }, (_, index) => `${index} ${'word '.repeat(350)}`).join('\n\n');
      discord.sandbox.fail(CREATE, { kind: 'lost-response' });

      await expect(discord.send({ id: 'a', to, body: text(long) })).rejects.toThrow();
      await discord.send({ id: 'a', to, body: text(long), attempt: 2 });

      expect(contents().map((content) => content[0])).toEqual(['0', '1', '2']);
    });

    it('finds a card in direct messages too', async () => {
      discord.sandbox.fail(CREATE, { kind: 'lost-response' });
      const card = { to: directly(dana), body: { kind: 'card', card: aCard() } } as const;

      await expect(discord.send({ id: 'a', ...card })).rejects.toThrow();
      await discord.send({ id: 'a', ...card, attempt: 2 });

      expect(discord.sandbox.messages(DANA.discordDm)).toHaveLength(1);
    });

    it('says the same words again when they are another message', async () => {
      await discord.send({ id: 'a', to, body: text('Done.') });
      await discord.sandbox.say({ user: alex, channel: GENERAL.id, text: '@signalbox again' });
      const again = await discord.until(() => discord.messages()[1]);

      await discord.send({ id: 'b', to: again.replyTo, body: text('Done.'), attempt: 2 });

      expect(contents()).toEqual(['Done.', 'Done.']);
    });

    it('says the same words again when they are another message and Discord has forgotten the first one’s nonce', async () => {
      nowMs = Date.now();
      const first = await discord.send({ id: 'a', to: directly(dana), body: text('Done.'), queuedAt: nowMs });
      nowMs += 10 * 60_000;

      // That of the first attempt, found although its receipt got lost; then one of the same words, written later.
      const found = await discord.send({
        id: 'a',
        to: directly(dana),
        body: text('Done.'),
        queuedAt: nowMs - 10 * 60_000,
        attempt: 2,
      });
      expect(found.ref).toBe(first.ref);
      const second = await discord.send({
        id: 'b',
        to: directly(dana),
        body: text('Done.'),
        queuedAt: nowMs ?? 0,
        attempt: 2,
      });

      expect(second.ref).not.toBe(first.ref);
      expect(discord.sandbox.messages(DANA.discordDm)).toHaveLength(2);
    });

    it('takes progress shown under the key for what is to be replaced, not for the answer', async () => {
      await discord.gateway.progress.show({ to, key: 'a', markdown: 'thinking…' }, signal);

      await discord.send({ id: 'a', to, body: text('the answer'), attempt: 2 });

      expect(contents()).toEqual(['the answer']);
    });

    it('does not search on the first attempt', async () => {
      await discord.send({ to, body: text('hello') });

      expect(calls('GET /channels/:channel/messages')).toEqual([]);
    });
  });

  describe('progress', () => {
    it('is one message, edited', async () => {
      const first = await discord.gateway.progress.show({ to, key: 'a', markdown: 'reading …' }, signal);
      const second = await discord.gateway.progress.show(
        { to, key: 'a', markdown: 'writing …', ref: first },
        signal,
      );

      expect(second).toBe(first);
      expect(contents()).toEqual(['writing …']);
    });

    it('is the deferred answer of a command, edited into the answer itself', async () => {
      const route = await ask();

      const ref = await discord.gateway.progress.show({ to: route, key: 'a', markdown: 'reading' }, signal);
      await discord.gateway.progress.show({ to: route, key: 'a', markdown: 'writing', ref }, signal);
      await discord.send({ id: 'a', to: route, body: text('Done.', ref) });

      expect(contents()).toEqual(['Done.']);
      expect(calls(CREATE)).toEqual([]);
    });

    it.each([50_001, 50_013])('is settled where its message may not be read by itself: %i', async (code) => {
      const ref = await discord.gateway.progress.show({ to, key: 'a', markdown: 'reading …' }, signal);
      discord.sandbox.fail(READ, { kind: 'status', status: 403, code });

      const settled = { to, key: 'a', markdown: 'I stopped here.', ref };
      expect(await discord.gateway.progress.settle(settled, signal)).toBe(ref);

      expect(contents()).toEqual(['I stopped here.']);
    });

    it('shows the beginning of what is too long', async () => {
      await discord.gateway.progress.show({ to, key: 'a', markdown: 'word '.repeat(2_000) }, signal);

      expect(contents()).toHaveLength(1);
      expect(contents()[0]?.endsWith('…')).toBe(true);
    });
  });

  describe('answers to a command', () => {
    it('take the place of "thinking", and what follows answers that', async () => {
      const route = await ask();

      await discord.send({ to: route, body: text('I asked Dana.') });
      await discord.send({ to: route, body: { kind: 'card', card: aCard() } });
      await discord.send({ to: route, body: text('Done.') });

      expect(contents()).toEqual(['I asked Dana.', expect.stringContaining('Approval needed'), 'Done.']);
    });

    it('stay with their reader where nobody else sees what is answered, however long', async () => {
      await discord.sandbox.slash({ user: alex, channel: GENERAL.id, command: 'status' });
      const {
        replyTo: to,
        sender: { account: onlyFor },
      } = discord.messages().at(-1)!;

      await discord.send({ to, body: { kind: 'notice', markdown: 'word '.repeat(700), onlyFor } });
      await discord.send({ to, body: { kind: 'notice', markdown: 'And more.', onlyFor } });

      expect(contents()).toEqual([]);
      expect(discord.sandbox.ephemerals(alex).map(({ content }) => content.slice(0, 4))).toEqual([
        'word',
        'word',
        'And ',
      ]);
    });

    it('are seen by everybody when they are for everybody, whoever sees the answer to the command', async () => {
      await discord.sandbox.slash({ user: alex, channel: GENERAL.id, command: 'takeover' });
      const {
        replyTo: to,
        sender: { account: onlyFor },
      } = discord.messages().at(-1)!;

      await discord.send({ to, body: text('Alex Kim has taken over.') });
      await discord.send({ to, body: { kind: 'card', card: aCard() } });
      await discord.send({ to, body: { kind: 'notice', markdown: 'You have it now.', onlyFor } });

      expect(contents()).toEqual(['Alex Kim has taken over.', expect.stringContaining('Approval needed')]);
      expect(discord.sandbox.ephemerals(alex).map(({ content }) => content)).toEqual(['You have it now.']);
    });

    it('go to the channel once the 15 minutes are over, below the answer that was given', async () => {
      const route = await ask();
      const { ref } = await discord.send({ to: route, body: text('I asked Dana.') });
      later(16);

      await discord.send({ to: route, body: text('Done.') });

      expect(replies().at(-1)).toMatchObject({ content: 'Done.', replyTo: ref.split('/')[1] });
      expect(calls(CREATE)).toHaveLength(1);
    });

    it('update a card once the 15 minutes are over', async () => {
      const route = await ask();
      const { ref } = await discord.send({ to: route, body: { kind: 'card', card: aCard() } });
      later(16);

      const settled = aCard({ choices: [], status: { state: 'approved', sentence: 'Dana said yes.' } });
      await discord.send({ to: route, body: { kind: 'card', card: settled, replaces: ref } });

      expect(replies()).toMatchObject([{ content: '✅ Dana said yes.', components: [] }]);
    });

    it('go by the interaction where the bot may not write', async () => {
      const route = await ask();
      await discord.send({ to: route, body: text('I asked Dana.') });
      discord.sandbox.setPermissions([]);

      await discord.send({ to: route, body: text('Done.') });

      expect(contents()).toEqual(['I asked Dana.', 'Done.']);
    });

    it('take the place of "thinking" in a channel the bot does not see, also when the first try failed', async () => {
      discord.sandbox.setPermissions([], GENERAL.id);
      const route = await ask();
      discord.sandbox.fail(FILL, { kind: 'status', status: 500 });

      await expect(discord.send({ id: 'a', to: route, body: text('Done.') })).rejects.toThrow('500');
      await discord.send({ id: 'a', to: route, body: text('Done.'), attempt: 2 });

      expect(replies()).toMatchObject([{ content: 'Done.', loading: false }]);
    });

    it.each([
      ['sees', undefined],
      ['does not see', []],
    ])(
      'are found in the place of "thinking" in a channel the bot %s, instead of being said again',
      async (_, may) => {
        discord.sandbox.setPermissions(may, GENERAL.id);
        const route = await ask();
        discord.sandbox.fail(FILL, { kind: 'lost-response' });
        // Written once the turn was over, which is later than "thinking".
        const done = { id: 'a', to: route, body: text('Done.'), queuedAt: Date.now() + 60_000 };

        await expect(discord.send(done)).rejects.toThrow();
        const { ref } = await discord.send({ ...done, attempt: 2 });

        expect(contents()).toEqual(['Done.']);
        expect(ref).toBe(`${GENERAL.id}/${replies()[0]?.id}`);
      },
    );

    it('are found in the place of "thinking" once the 15 minutes are over', async () => {
      const route = await ask();
      discord.sandbox.fail(FILL, { kind: 'lost-response' });
      const done = { id: 'a', to: route, body: text('Done.'), queuedAt: Date.now() };

      await expect(discord.send(done)).rejects.toThrow();
      later(20);
      await discord.send({ ...done, attempt: 2 });

      expect(contents()).toEqual(['Done.']);
    });

    it.each([
      ['in its 15 minutes', 1, false],
      ['after them', 20, false],
      ['after them, in a process that has not written the first', 20, true],
    ])(
      'say the same words again when they are another text of the interaction, %s',
      async (_, minutes, isOther) => {
        const route = await ask();
        await discord.send({ id: 'a', to: route, body: text('Done.'), queuedAt: Date.now() });
        later(minutes);
        const second = {
          id: 'b',
          conversationId: ConversationId.parse('discord:G:C'),
          to: route,
          body: text('Done.'),
          queuedAt: nowMs ?? 0,
          attempt: 2,
        };

        const sender = isOther ? await discord.startAnother() : discord.gateway;
        await sender.send(second, signal);

        expect(contents()).toEqual(['Done.', 'Done.']);
      },
    );

    it('leave nothing to settle where the bot does not see what it has shown', async () => {
      discord.sandbox.setPermissions([], GENERAL.id);
      const route = await ask();
      await discord.send({ to: route, body: text('I asked Dana.') });

      const settled = await discord.gateway.progress.settle(
        { to: route, key: 'a', markdown: 'I stopped here.' },
        signal,
      );

      expect(settled).toBeUndefined();
      expect(contents()).toEqual(['I asked Dana.']);
    });

    it('wait for the first answer that is on its way', async () => {
      let answered: Promise<unknown> | undefined;
      discord.onReceive(async () => {
        const [, message] = discord.messages();
        answered = discord.send({ to: message!.replyTo, body: text('Quick.') });
        return { kind: 'stored' };
      });

      await ask();
      await answered;

      expect(contents()).toEqual(['Quick.']);
    });

    it('OM-190 show the token of an interaction to no log', async () => {
      const route = await ask();
      discord.sandbox.fail('*', { kind: 'status', status: 400, code: 50_035 }, 3);

      await expect(discord.send({ to: route, body: text('Done.') })).rejects.toThrow();

      const tokens = discord.sandbox.calls.flatMap(
        ({ path }) => /^\/webhooks\/\d+\/([^/]+)/.exec(path)?.[1] ?? [],
      );
      expect(tokens.length).toBeGreaterThan(0);
      for (const token of tokens) {
        expect(JSON.stringify(discord.lines)).not.toContain(token);
        expect(JSON.stringify(route)).not.toContain(token);
      }
    });
  });

  describe('notices', () => {
    it('are for their reader alone: by the command while it lives', async () => {
      const route = await ask();

      await discord.send({ to: route, body: notice('You may not do that.') });

      expect(discord.sandbox.ephemerals(alex).map(({ content }) => content)).toEqual([
        'You may not do that.',
      ]);
      expect(contents()).toEqual([]);
    });

    it('are for their reader alone: in direct messages otherwise', async () => {
      await discord.send({ to, body: notice('You may not do that.') });

      expect(discord.sandbox.messages(ALEX.discordDm).map(({ content }) => content)).toEqual([
        'You may not do that.',
      ]);
      expect(contents()).toEqual([]);
    });

    it('are undeliverable to who takes no direct messages, and to accounts of others', async () => {
      discord.sandbox.refuseDms(alex);

      await expect(discord.send({ to, body: notice('x') })).rejects.toThrow(UndeliverableError);
      await expect(
        discord.send({ to, body: { kind: 'notice', markdown: 'x', onlyFor: AccountId.parse('slack:T/U') } }),
      ).rejects.toThrow(UndeliverableError);
    });
  });

  describe('cards', () => {
    it('put a value too long for the card before it, whole', async () => {
      const body = Array.from({ length: 300 }, (_, line) => `line ${line} of the mail`).join('\n');

      const { ref } = await discord.send({
        to,
        body: { kind: 'card', card: aCard({ facts: [{ label: 'text', value: body }] }) },
      });

      const all = contents().join('\n');
      expect(all.match(/line \d+ of/g)).toHaveLength(300);
      expect(ref).toBe(`${GENERAL.id}/${replies().at(-1)?.id}`);
      expect(replies().at(-1)?.components).toHaveLength(1);
    });

    it('are updated in place when they are settled', async () => {
      const { ref } = await discord.send({ to, body: { kind: 'card', card: aCard() } });

      const settled = aCard({ choices: [], status: { state: 'denied', sentence: 'Dana said no.' } });
      const sent = await discord.send({ to, body: { kind: 'card', card: settled, replaces: ref } });

      expect(sent.ref).toBe(ref);
      expect(replies()).toMatchObject([{ content: '⛔ Dana said no.', components: [] }]);
    });
  });

  describe('what Discord refuses', () => {
    it('a full bucket is the caller’s wait, as long as Discord says', async () => {
      discord.sandbox.fail(CREATE, { kind: 'rate-limited', retryAfterSeconds: 3 });

      const sending = discord.send({ to, body: text('hello') });

      await expect(sending).rejects.toThrow(RateLimitedError);
      await expect(sending).rejects.toMatchObject({ retryAfterMs: expect.closeTo(3_000, -3) });
    });

    it('one full channel does not hold up another', async () => {
      discord.sandbox.fail(CREATE, { kind: 'rate-limited', retryAfterSeconds: 30, scope: 'shared' });
      await expect(discord.send({ to, body: text('hello') })).rejects.toThrow(RateLimitedError);

      await discord.send({ to: directly(dana), body: text('hello') });

      expect(discord.sandbox.messages(DANA.discordDm)).toHaveLength(1);
    });

    it.each([
      ['an unknown channel', () => inChannel('900000000000000999')],
      ['somebody who is not there', () => directly('900000000000000998')],
      [
        'an address of another platform',
        () => ({ platform: Platform.parse('slack'), route: { channel: 'C1' } }),
      ],
      [
        'an address that is none',
        () => ({ platform: Platform.parse('discord'), route: { channel: 'general' } }),
      ],
    ])('%s is undeliverable', async (_, where) => {
      await expect(discord.send({ to: where(), body: text('hello') })).rejects.toThrow(UndeliverableError);
    });

    it('a channel the bot may not write in is undeliverable', async () => {
      discord.sandbox.setPermissions(['VIEW_CHANNEL'], GENERAL.id);

      await expect(discord.send({ to, body: text('hello') })).rejects.toThrow(UndeliverableError);
    });

    it.each([500, 502, 503])('%i may pass, so it is worth another try', async (status) => {
      discord.sandbox.fail(CREATE, { kind: 'status', status });

      const sending = discord.send({ to, body: text('hello') });

      await expect(sending).rejects.toThrow(String(status));
      await expect(sending).rejects.not.toThrow(UndeliverableError);
    });
  });

  it('names what counts as one channel', () => {
    const { channelOf } = discord.gateway.pace;

    expect(channelOf(inChannel('1'))).toBe('1');
    expect(channelOf({ ...inChannel('1'), route: { guild: GUILD.id, channel: '1', thread: '2' } })).toBe('2');
    expect(channelOf(directly(dana))).toBe(dana);
  });
});
