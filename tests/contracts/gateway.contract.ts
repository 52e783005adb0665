/** What every gateway owes, whatever its platform. */
import { setImmediate as soon } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReplyTokens } from '../../src/approvals/reply-token.ts';
import { standing } from '../../src/approvals/sentences.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { type Card, ticketOf } from '../../src/domain/card.ts';
import { BrokenOffError, RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import { AccountId, ConversationId, PersonId } from '../../src/domain/ids.ts';
import type {
  Inbound,
  InboundMessage,
  OutboundBody,
  OutboundMessage,
  Sent,
} from '../../src/domain/message.ts';
import { anApproval, DANA, EMAIL, OPENED_MS, SLACK } from '../support/approvals.ts';
import { aCard } from '../support/slack-gateway.ts';
import {
  BOT_TURNS,
  type Cards,
  type Clause,
  type Lacks,
  type PlatformWorld,
  type Reader,
  type Said,
  type WorldOptions,
} from './platform-world.ts';

/** An open card, each of its parts in words of its own; with the codes of a reply, for platforms that answer by mail. */
function openCard(): Card {
  const { approvalId, gen } = aCard();
  const tokens = createReplyTokens('a secret for the reply addresses of this contract');
  const subject = { approvalId, person: PersonId.parse('dana'), gen, expiresAt: Date.now() + 3_600_000 };
  return aCard({
    title: 'refund: on behalf of a customer',
    facts: [
      { label: 'order', value: '4711' },
      { label: 'amount', value: '120 EUR' },
    ],
    modelSays: 'They were charged twice.',
    reply: tokens.issue(subject),
  });
}

/** A request of which people have said and done everything that leaves it open. */
function onItsWay(): Approval {
  const approval = anApproval();
  const saidBy = (id: string, name: string) => ({
    by: { person: PersonId.parse(id), name, account: AccountId.parse(`slack:T0/${id}`) },
    roles: [],
    digest: approval.digest,
    key: `said by ${id}`,
    atMs: OPENED_MS,
  });
  const carl = saidBy('carl', 'Carl Chen');
  const lee = saidBy('lee', 'Lee Park');
  const dana = saidBy('dana', 'Dana Reyes');
  const alex = saidBy('alex', 'Alex Kim');
  const delegation = { from: DANA, to: lee.by.person, by: DANA, atMs: OPENED_MS };
  return {
    ...approval,
    assents: [{ ...carl, via: SLACK }],
    dissents: [{ ...lee, via: EMAIL }],
    voided: [{ ...saidBy('ben', 'Ben Ost'), via: SLACK, why: 'powerless' }],
    edited: { ...carl, via: SLACK, from: { amount: 120 } },
    talk: [
      { ...dana, kind: 'question', via: EMAIL, text: 'which parcel?' },
      { ...alex, kind: 'reply', via: SLACK, text: 'the blue one' },
    ],
    delegations: [delegation],
    rung: 1,
  };
}

/** What the core reads of an answer in words to this request; empty when it would not find the request. */
function wordsAbout(card: Card, answer: Inbound | undefined): string {
  if (answer?.kind !== 'message') return '';
  const { approvalReply, text } = answer;
  if (!approvalReply) return text.includes(ticketOf(card)) ? text : '';
  return approvalReply.token === card.reply?.token ? (approvalReply.readings[0] ?? '') : '';
}

type OpenWorld = (options?: WorldOptions) => Promise<PlatformWorld>;

export function describeGateway(name: string, open: OpenWorld, lacks: Lacks = {}): void {
  describe(`the ${name} gateway`, () => {
    let world: PlatformWorld;
    let sent = 0;

    beforeEach(async () => {
      world = await open();
    });
    afterEach(async () => {
      const unguarded = world.unguarded();
      await world.close();
      expect(unguarded).toEqual([]);
    });

    /** A clause that the platform has no way to meet is left out, with the reason. */
    function clause(which: Clause, title: string, test: () => Promise<void>, timeoutMs?: number): void {
      const reason = lacks[which];
      if (reason === undefined) it(title, test, timeoutMs);
      else it.skip(`${title} (${reason})`, test);
    }

    function need<Member>(member: Member | undefined): Member {
      if (member === undefined) throw new Error(`the world of ${name} lacks this, and does not say so`);
      return member;
    }

    function deliveries(): InboundMessage[] {
      return world.received.filter((inbound): inbound is InboundMessage => inbound.kind === 'message');
    }

    /** Each once, as the core counts them: some platforms deliver one thing as two events. */
    function messages(): InboundMessage[] {
      return [...new Map(deliveries().map((message) => [message.id, message])).values()];
    }

    /** What was handed over after so many, each once, and nothing that was known before. */
    function newSince(count: number): Inbound[] {
      const known = new Set(world.received.slice(0, count).map(({ id }) => id));
      const later = world.received.slice(count).filter(({ id }) => !known.has(id));
      return [...new Map(later.map((inbound) => [inbound.id, inbound])).values()];
    }

    function send(
      said: Said,
      body: OutboundBody,
      { id = `out-${++sent}`, attempt = 1, ...more }: Partial<OutboundMessage> = {},
    ): Promise<Sent> {
      return world.gateway.send(
        { id, conversationId: ConversationId.parse('contract:1'), to: said.place, body, attempt, ...more },
        new AbortController().signal,
      );
    }

    /**
     * The core takes no answer from now on, and says why to whoever gave it: with the receipt of a press, and with a
     * notice of its own to whoever wrote words.
     */
    function coreRefuses(code: string, notice: string): void {
      const known = new Set(world.received.map(({ id }) => id));
      world.onReceive(async (answer) => {
        if (known.has(answer.id)) return { kind: 'duplicate' };
        known.add(answer.id);
        if (answer.kind !== 'message') return { kind: 'answered', code, notice };
        await world.gateway.send(
          {
            id: `told:${code}:${answer.id}`,
            conversationId: answer.conversationId,
            to: answer.replyTo,
            body: { kind: 'notice', markdown: notice, onlyFor: answer.sender.account, openly: OPENLY },
            attempt: 1,
          },
          new AbortController().signal,
        );
        return { kind: 'stored' };
      });
    }

    /** One person hears of it, and nobody else; where everybody does, it is in words that say nothing of it. */
    async function expectToldAlone(who: Reader, words: string): Promise<void> {
      const { tellsEverybody } = world.gateway;
      expect(await world.toldTo(tellsEverybody ? OPENLY : words)).toEqual([who]);
      if (tellsEverybody) expect(await world.toldTo(words)).toEqual([]);
    }

    async function read(said: Said): Promise<string> {
      return (await world.shown(said)).map((native) => world.plain(native)).join('\n');
    }

    describe('coming in', () => {
      it('OM-050 hands over who said what, and where the answer belongs', async () => {
        const said = await world.say('what is up?');

        expect(messages()).toHaveLength(1);
        const [message] = messages();
        expect(message).toMatchObject({
          text: 'what is up?',
          addressedToBot: true,
          sender: { authenticated: true, automatic: false },
        });
        expect(message?.id).toMatch(/^[a-z-]+:/);
        expect(message?.conversationId).toMatch(/^[a-z-]+:/);
        await send(said, { kind: 'text', markdown: 'All quiet.' });
        expect(await read(said)).toContain('All quiet.');
      });

      clause('redelivery', 'OM-192 gives a redelivered event the same id', async () => {
        await world.say('hello');
        const before = deliveries().length;
        await need(world.redeliver)();

        expect(deliveries().length).toBeGreaterThan(before);
        expect(messages()).toHaveLength(1);
      });

      clause('acknowledgement', 'acknowledges only what was stored, so that it comes again', async () => {
        let failures = 2; // as while the store is away
        const seen: string[] = [];
        world.onReceive(async (inbound: Inbound) => {
          seen.push(inbound.id);
          if (failures-- > 0) throw new Error('the store is away');
          return { kind: 'stored' };
        });

        await world.say('hello');

        expect(seen.length).toBeGreaterThanOrEqual(3);
        expect(new Set(seen).size).toBe(1);
      });

      clause('echo', 'ignores what it said itself', async () => {
        const said = await world.say('hello');
        await send(said, { kind: 'text', markdown: 'hi' });
        await need(world.echo)(said);
        await world.say('and now a person'); // so that what came back has been dealt with

        expect(messages().map(({ text }) => text)).toEqual(['hello', 'and now a person']);
      });

      clause('bots', 'never lets another bot run a turn', async () => {
        const said = await world.say('hello');
        await send(said, { kind: 'text', markdown: 'hi' });
        await need(world.sayAsBot)('hello bot', said);
        await world.say('and now a person'); // so that what the bot said has been dealt with

        expect(messages().at(-1)?.text).toContain('and now a person');
        for (const { sender } of messages().slice(1, -1)) expect(sender.automatic).toBe(true);
      });

      clause('loops', 'lets a bot it listens to speak so often, and then a person has to', async () => {
        await world.close();
        world = await open({ hearsBots: true });
        const said = await world.say('hello');
        await send(said, { kind: 'text', markdown: 'hi' });
        for (let turn = 0; turn < BOT_TURNS + 2; turn++) await need(world.sayAsBot)(`go on ${turn}`, said);

        const heard = messages().slice(1);
        expect(heard).toHaveLength(BOT_TURNS + 2);
        expect(heard.filter(({ sender }) => !sender.automatic)).toHaveLength(BOT_TURNS);
      });

      clause('edits', 'records an edit, and never takes it for something said', async () => {
        const said = await world.say('hello');
        await need(world.edit)(said, 'approve apr_p7_0123456789ab.1');

        expect(messages()).toHaveLength(1);
        expect(newSince(0).filter(({ kind }) => kind === 'revision')).toMatchObject([{ change: 'edited' }]);
      });

      it('stays up through 1,000 payloads that make no sense, and serves everybody else', async () => {
        await world.malformed(1_000);
        const before = messages().length;
        await world.say('still there?');

        expect(messages().slice(before)).toMatchObject([{ text: 'still there?' }]);
      }, 60_000);
    });

    describe('going out', () => {
      it('puts a reply where it was asked for, and nowhere else', async () => {
        const one = await world.say('first');
        const other = await world.say('second');
        await send(other, { kind: 'text', markdown: 'the answer to the second' });
        await send(one, { kind: 'text', markdown: 'the answer to the first' });

        expect(await read(one)).toContain('the answer to the first');
        expect(await read(other)).toContain('the answer to the second');
        if (JSON.stringify(one.place) !== JSON.stringify(other.place)) {
          expect(await read(one)).not.toContain('the answer to the second');
        }
      });

      clause('splitting', 'splits what is too long, cutting nothing off and no code open', async () => {
        const { size, sizeOf, fence } = need(world.limit);
        const said = await world.say('tell me everything');
        const words = Math.ceil(size / 4);
        const lines = Math.ceil(size / 10);
        const markdown = `${'word '.repeat(words)}\n\n\`\`\`\n${'code line\n'.repeat(lines)}\`\`\`\n\nThe end.`;
        await send(said, { kind: 'text', markdown });

        const parts = (await world.shown(said)).filter((part) => /word|code line|The end/.test(part));
        expect(parts.length).toBeGreaterThan(2);
        for (const part of parts) {
          expect(sizeOf(part)).toBeLessThanOrEqual(size);
          const fences = part.match(fence) ?? [];
          expect(fences.length % 2).toBe(0);
          expect(fences.length > 0).toBe(/code line/.test(part));
        }
        const all = parts.join('\n');
        expect(all.match(/\bword\b/g)).toHaveLength(words);
        expect(all.match(/\bcode line\b/g)).toHaveLength(lines);
        expect(all).toContain('The end.');
      });

      clause('splitting', 'C1 says nothing more of it once it may not be said any more', async () => {
        const { size } = need(world.limit);
        const said = await world.say('tell me everything');
        const markdown = 'word '.repeat(size);
        let asked = 0;
        const sending = send(said, { kind: 'text', markdown }, { mayBeSaid: async () => ++asked < 2 });

        await expect(sending).rejects.toBeInstanceOf(BrokenOffError);
        // The first is sent without being asked about, the second after a yes.
        expect((await world.shown(said)).filter((part) => part.includes('word'))).toHaveLength(2);
        expect(asked).toBe(2);
      });

      clause('splitting', 'knows before it is sent whether a text goes out in one message', async () => {
        const { size } = need(world.limit);
        const isOneMessage = need(world.gateway.isOneMessage?.bind(world.gateway));
        const ofWords = (share: number) => 'word '.repeat(Math.ceil((size * share) / 5));
        for (const [share, isOne] of [
          [0.9, true],
          [1.1, false],
        ] as const) {
          const said = await world.say('tell me');
          expect(isOneMessage(ofWords(share))).toBe(isOne);
          await send(said, { kind: 'text', markdown: ofWords(share) });

          const parts = (await world.shown(said)).filter((part) => part.includes('word'));
          expect(parts.length === 1).toBe(isOne);
        }
      });

      it('OM-050 writes headings, lists, tables, code, links and quotes so that every word is read', async () => {
        const said = await world.say('show me');
        const markdown = [
          '## Heading',
          'Some **bold** and _soft_ words, `inline`.',
          '- first\n  - nested',
          '| left | right |\n|---|---|\n| one | two |',
          '```js\nconst a = 1;\n```',
          '[docs](https://docs.example.com/a)',
          '> quoted',
        ].join('\n\n');
        await send(said, { kind: 'text', markdown });

        const plain = await read(said);
        for (const word of [
          'Heading',
          'bold',
          'soft',
          'inline',
          'first',
          'nested',
          'left',
          'right',
          'one',
          'two',
          'const a = 1;',
          'docs',
          'https://docs.example.com/a',
          'quoted',
        ]) {
          expect(plain).toContain(word);
        }
        expect(plain.indexOf('Heading')).toBeLessThan(plain.indexOf('quoted'));
        expect(plain).not.toMatch(/\*\*bold\*\*|\[docs\]\(/);
      });

      it('OM-186 notifies nobody, whatever it is told to write, and whatever it changes', async () => {
        const said = await world.say('shout');
        const account = need(messages()[0]).sender.account;
        const markdown = `${SHOUT} and that is all`;
        const card = {
          ...openCard(),
          title: `refund ${SHOUT}`,
          facts: [{ label: SHOUT, value: SHOUT }],
          modelSays: SHOUT,
        };
        await world.gateway.progress?.show(
          { to: said.place, key: 'p', markdown },
          new AbortController().signal,
        );
        const text = await send(said, { kind: 'text', markdown });
        await send(said, { kind: 'text', markdown: `${SHOUT} and that is changed`, replaces: text.ref });
        world.keep?.(card);
        const { ref } = await send(said, { kind: 'card', card });
        await send(said, { kind: 'card', card: { ...card, requestedBy: SHOUT }, replaces: ref });
        const done = { ...card, choices: [], status: { state: 'denied' as const, sentence: `No. ${SHOUT}` } };
        world.keep?.(done);
        await send(said, { kind: 'card', card: done, replaces: ref });
        if (lacks.notice === undefined) await send(said, { kind: 'notice', markdown, onlyFor: account });

        expect(await world.pings()).toEqual([]);
        expect(world.unguarded()).toEqual([]);
        expect(await read(said)).toContain('and that is changed');
      });

      clause('links', 'OM-186 hides no address behind another, whatever it is told to write', async () => {
        const said = await world.say('where?');
        const markdown =
          'See [https://good.test/a](https://evil.test/b) and [good.test](https://evil.test/c), or [the docs](https://docs.test/d).';
        await send(said, { kind: 'text', markdown });

        const plain = await read(said);
        for (const address of ['https://evil.test/b', 'https://evil.test/c', 'https://docs.test/d']) {
          expect(plain).toContain(address);
        }
        expect(plain).not.toMatch(/good\.test\S*\s*⟨/);
      });

      clause('files', 'carries a file in and out', async () => {
        const base64 = Buffer.from('one,two\n').toString('base64');
        const said = await world.say('look', [{ name: 'in.csv', mediaType: 'text/csv', base64 }]);
        const [file] = messages()[0]?.attachments ?? [];
        expect(file).toMatchObject({ name: 'in.csv' });
        const bytes =
          file?.base64 === undefined
            ? await need(world.gateway.download?.bind(world.gateway))(
                file?.ref ?? '',
                new AbortController().signal,
              )
            : Buffer.from(file.base64, 'base64');
        expect(Buffer.from(bytes).toString()).toBe('one,two\n');

        const files = [{ name: 'out.csv', mediaType: 'text/csv', base64 }];
        await send(said, { kind: 'text', markdown: 'Here.', files });
        expect(await need(world.files)(said)).toEqual([{ name: 'out.csv', content: 'one,two\n' }]);
      });

      clause(
        'repetition',
        'finds what an earlier attempt has sent, and sends it no second time',
        async () => {
          const said = await world.say('hello');
          const body = { kind: 'text', markdown: 'said only once' } as const;
          const first = await send(said, body, { id: 'the-same', attempt: 1 });
          world.forget?.();
          const second = await send(said, body, { id: 'the-same', attempt: 2 });

          expect((await read(said)).match(/said only once/g)).toHaveLength(1);
          expect(second.ref).toBe(first.ref);
        },
      );

      clause('progress', 'changes progress that another process has shown, and only that', async () => {
        const said = await world.say('hello');
        const { show, settle } = need(world.gateway.progress);
        const { signal } = new AbortController();
        const about = { to: said.place, key: 'reply:left' };
        await show({ ...about, markdown: 'The rules say …' }, signal);
        const fresh = { ...about, markdown: 'I stopped here.' };

        expect(await settle({ ...fresh, key: 'reply:unknown' }, signal)).toBeUndefined();
        expect(await read(said)).toContain('The rules say');
        expect(await settle(fresh, signal)).toBeDefined();
        expect(await read(said)).toContain('I stopped here.');
        expect(await read(said)).not.toContain('The rules say');

        // The turn is taken up again after all: its reply is not taken for one that was sent.
        await send(said, { kind: 'text', markdown: 'the reply itself' }, { id: 'reply:left', attempt: 2 });
        expect((await read(said)).match(/the reply itself/g)).toHaveLength(1);
      });

      clause('progress', 'leaves the reply that took the place of progress as it is', async () => {
        const said = await world.say('hello');
        const { show, settle } = need(world.gateway.progress);
        const { signal } = new AbortController();
        const about = { to: said.place, key: 'reply:whole' };
        const replaces = await show({ ...about, markdown: 'The rules say …' }, signal);
        await send(said, { kind: 'text', markdown: 'Thirty days.', replaces }, { id: 'reply:whole' });

        expect(await settle({ ...about, markdown: 'I stopped here.' }, signal)).toBeUndefined();
        expect(await read(said)).toContain('Thirty days.');
        expect(await read(said)).not.toContain('I stopped here.');
      });

      clause('progress', 'changes progress that breaks off anywhere: in code, in a table', async () => {
        const said = await world.say('hello');
        const { show, settle } = need(world.gateway.progress);
        const { signal } = new AbortController();
        const halves = [
          'The rules say: half\n\n```ts\nconst fee = …',
          'The rules say: half\n\n```ts …',
          'The rules say: half\n\n| order | fee |\n|---|---|\n| 7 | 12 …',
          '#### The rules say: half …',
        ];
        for (const [index, markdown] of halves.entries()) {
          const about = { to: said.place, key: `reply:half-${index}` };
          await show({ ...about, markdown }, signal);

          expect(await settle({ ...about, markdown: 'I stopped here.' }, signal), markdown).toBeDefined();
        }
        expect(await read(said)).not.toContain('The rules say: half');
      });

      clause('progress', 'changes progress it is led to, however long ago it was shown', async () => {
        const said = await world.say('hello');
        const { show, settle } = need(world.gateway.progress);
        const { signal } = new AbortController();
        const about = { to: said.place, key: 'reply:old' };
        const ref = await show({ ...about, markdown: 'Working on it …' }, signal);
        const whole = { to: said.place, key: 'reply:old-whole' };
        const replaces = await show({ ...whole, markdown: 'The rules say …' }, signal);
        await send(said, { kind: 'text', markdown: 'Thirty days.', replaces }, { id: whole.key });
        world.forget?.();

        expect(await settle({ ...about, markdown: 'I stopped here.', ref }, signal)).toBe(ref);
        expect(
          await settle({ ...whole, markdown: 'I stopped there.', ref: replaces }, signal),
        ).toBeUndefined();
        expect(await read(said)).toContain('I stopped here.');
        expect(await read(said)).not.toContain('Working on it');
        expect(await read(said)).toContain('Thirty days.');
      });

      clause('rate limit', 'says how long it was asked to wait', async () => {
        const said = await world.say('hello');
        await need(world.refuse)({ kind: 'rate-limited', seconds: 120 });

        const error = await send(said, { kind: 'text', markdown: 'hi' }).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(RateLimitedError);
        const { retryAfterMs } = error as RateLimitedError;
        expect(retryAfterMs).toBeGreaterThanOrEqual(120_000);
        expect(retryAfterMs).toBeLessThan(125_000);
      });

      clause('permanent error', 'says when trying again cannot help', async () => {
        const said = await world.say('hello');
        await need(world.refuse)({ kind: 'permanent' });

        await expect(send(said, { kind: 'text', markdown: 'hi' })).rejects.toBeInstanceOf(UndeliverableError);
      });
    });

    describe('cards', () => {
      const ask = async (): Promise<{ said: Said; card: Card; ref: string; cards: Cards }> => {
        const said = await world.say('refund order 7');
        const card = openCard();
        world.keep?.(card);
        const { ref } = await send(said, { kind: 'card', card });
        return { said, card, ref, cards: need(world.cards) };
      };

      clause('cards', 'OM-121 says what, why and how risky, and offers the choices in words', async () => {
        const { said, cards } = await ask();

        const plain = await read(said);
        for (const words of [
          'refund: on behalf of a customer',
          'order',
          '4711',
          'amount',
          '120 EUR',
          'They were charged twice.',
          'Alex Kim',
          'role manager',
          'high',
        ]) {
          expect(plain).toContain(words);
        }
        expect(plain).toMatch(/approve/i);
        expect(plain).toMatch(/deny/i);
        expect(await cards.isOpen(said)).toBe(true);
      });

      clause(
        'cards',
        'OM-121 OM-124 says where it stands, with all that was said and done since',
        async () => {
          const said = await world.say('refund order 7');
          const card = { ...openCard(), status: { state: 'open' as const, sentence: standing(onItsWay()) } };
          world.keep?.(card);
          await send(said, { kind: 'card', card });

          const plain = await read(said);
          for (const words of [
            'Waiting for role manager',
            'If it is not decided in time',
            'Carl Chen on Slack has said yes',
            'Lee Park by e-mail has said no',
            'The yes of Ben Ost no longer counts',
            'Carl Chen changed it on Slack',
            'Dana Reyes asks: “which parcel?”',
            'Alex Kim replies: “the blue one”',
            'Dana lets lee decide',
            'more people may decide it',
          ]) {
            expect(plain).toContain(words);
          }
        },
      );

      clause('cards', 'hands over an answer with who gave it, and what they had seen', async () => {
        const { said, card, cards } = await ask();
        const before = world.received.length;
        await cards.approve(said, 'dana');

        const [answer] = newSince(before);
        if (cards.inWords) {
          expect(answer).toMatchObject({ kind: 'message', sender: { authenticated: true } });
          expect(wordsAbout(card, answer)).toMatch(/^approve \S+$/m);
        } else {
          expect(answer).toMatchObject({
            kind: 'answer',
            approvalId: aCard().approvalId,
            choice: 'approve',
            gen: aCard().gen,
            digest: aCard().digest,
            sender: { authenticated: true, automatic: false },
          });
        }
      });

      clause('cards', 'hands over a no with the reason, in the words of who said it', async () => {
        const { said, card, cards } = await ask();
        const before = world.received.length;
        await cards.deny(said, 'order 7 was never paid');

        const [answer] = newSince(before);
        if (cards.inWords) {
          expect(answer).toMatchObject({ kind: 'message', sender: { authenticated: true } });
          expect(wordsAbout(card, answer)).toMatch(/^deny \S+ order 7 was never paid$/m);
        } else {
          expect(answer).toMatchObject({
            kind: 'answer',
            approvalId: aCard().approvalId,
            choice: 'deny',
            text: 'order 7 was never paid',
            gen: aCard().gen,
            digest: aCard().digest,
            sender: { authenticated: true, automatic: false },
          });
        }
      });

      clause('cards', 'OM-124 tells the wrong person alone why not, and leaves the card open', async () => {
        const { said, cards } = await ask();
        coreRefuses('NOT_ELIGIBLE', 'You may not decide this.');
        const told = await cards.approve(said, 'eve');

        if (!cards.inWords) expect(told).toContain('You may not decide this.');
        await expectToldAlone('eve', 'You may not decide this.');
        expect(await cards.isOpen(said)).toBe(true);
      });

      clause('cards', 'is brought up to date when it was settled elsewhere', async () => {
        const { said, card, ref, cards } = await ask();
        expect(await cards.isOpen(said)).toBe(true);
        const status = { state: 'executed' as const, sentence: 'Approved by Dana Reyes by e-mail. Done.' };
        const settled = { ...card, choices: [], status };
        world.keep?.(settled);
        await send(said, { kind: 'card', card: settled, replaces: ref });

        expect(await read(said)).toContain('Approved by Dana Reyes by e-mail. Done.');
        if (!world.gateway.cannotEdit) expect(await cards.isOpen(said)).toBe(false);
      });

      clause('cards', 'OM-124 tells whoever answers too late, and nobody else, that it was', async () => {
        const { said, cards } = await ask();
        coreRefuses('LATE', 'It expired before your answer.');
        const told = await cards.approve(said, 'dana');

        if (!cards.inWords) expect(told).toContain('It expired before your answer.');
        await expectToldAlone('dana', 'It expired before your answer.');
      });

      clause('notice', 'tells one person something where they wrote', async () => {
        const said = await world.say('what waits for me?');
        const account = messages()[0]?.sender.account;
        await send(said, { kind: 'notice', markdown: 'Nothing waits for you.', onlyFor: need(account) });

        expect(await read(said)).toContain('Nothing waits for you.');
        expect(await world.toldTo('Nothing waits for you.')).toEqual(['alex']);
      });
    });

    describe('the connection', () => {
      it('takes nothing in once it is stopped', async () => {
        await world.say('one');
        await world.gateway.stop();
        await world.sayUnheard('two');

        expect(messages().map(({ text }) => text)).toEqual(['one']);
      });

      it('is not stopped before what it took is stored', async () => {
        const order: string[] = [];
        const stored: (() => void)[] = [];
        const taken = new Promise<void>((resolve) => {
          world.onReceive(async () => {
            resolve();
            await new Promise<void>((done) => stored.push(done));
            order.push('stored');
            return { kind: 'stored' };
          });
        });
        void world.say('one').catch(() => undefined); // a second event of it may find nobody
        await taken;
        const stopping = world.gateway.stop().then(() => order.push('stopped'));
        await aWhile();
        for (const done of stored) done();
        await stopping;

        expect(order.at(-1)).toBe('stopped');
        expect(order).toContain('stored');
      });

      it('may be stopped twice, and goes on when it is started again', async () => {
        await world.say('one');
        await world.gateway.stop();
        await world.gateway.stop();
        await world.start();
        await world.say('two');

        expect(messages().map(({ text }) => text)).toEqual(expect.arrayContaining(['one', 'two']));
      });

      clause('reconnect', 'comes back after the platform dropped it', async () => {
        await world.say('one');
        await need(world.drop)();
        const said = await world.say('two');
        await send(said, { kind: 'text', markdown: 'Here I am again.' });

        expect(messages().map(({ text }) => text)).toEqual(['one', 'two']);
        expect(await read(said)).toContain('Here I am again.');
      });
    });
  });
}

/** Said of an answer where everybody reads it. */
const OPENLY = 'That decided nothing.';

/** What would notify people, ring a bell, or add a line of its own to the head of a mail. */
const SHOUT = [
  '@everyone @here <!channel> <!here> <!everyone|all> <@U0DANA> <!subteam^S0TEAM>',
  '<@900000000000000102> <@!900000000000000102> <@&900000000000000401>',
  '[~dana] [~accountid:70121:00000000-0000-4000-8000-000000000002]',
  '\u0007\u001b]9;look\u0007 \r\nBcc: dana@corp.test\r\n',
].join(' ');

/** Long enough for what must not happen on this machine to have happened. */
async function aWhile(): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) await soon();
}
