/** What was said on Discord while nobody listened: all of it is found, however much, and wherever it was said. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DiscordClient } from '../../gateways/discord/client.ts';
import { ALEX, DANA, EVE } from '../../src/sandbox/people.ts';
import {
  type DiscordFixture,
  type DiscordFixtureOptions,
  GENERAL,
  OPS,
  openDiscord,
} from '../support/discord-gateway.ts';

const alex = ALEX.discordUser;
const dana = DANA.discordUser;
const eve = EVE.discordUser;

let discord: DiscordFixture;

const open = async (options: DiscordFixtureOptions = {}) => {
  discord = await openDiscord(options);
};
const say = (text: string, channel: string = GENERAL.id) =>
  discord.sandbox.say({ user: alex, channel, text });
const texts = () => discord.messages().map(({ text }) => text);
/** Everything before it has been listened to: it was said when it was heard. */
const heard = async (text = 'listening') => {
  await say(`@signalbox ${text}`);
  await discord.until(() => texts().includes(text));
};
const callsOf = (route: string) => discord.sandbox.calls.filter((call) => call.route === route).length;

afterEach(async () => {
  await discord.close();
});

describe('much', () => {
  it('in one channel is read to the end, and told of', async () => {
    await open();
    await heard();
    await discord.gateway.stop();

    for (let count = 0; count < 1_150; count++) await say('chatter');
    await say('@signalbox still there?');
    await discord.start();

    await discord.until(() => texts().includes('still there?'));
    const told = discord.lines.filter(({ sentence }) => sentence.includes('reading on'));
    expect(told).toMatchObject([{ level: 'info', facts: { channel: GENERAL.id, messages: 1_000 } }]);
  });

  it('in more channels than are followed is read in all of them', async () => {
    await open();
    await heard();
    await discord.gateway.stop();

    const wanted: string[] = [];
    for (let count = 0; count < 205; count++) {
      const thread = await discord.sandbox.openThread({ user: alex, channel: OPS.id, name: `t${count}` });
      await say(`@signalbox number ${count}`, thread.id);
      wanted.push(`number ${count}`);
    }
    await discord.start();

    // discord.js makes 50 requests a second, so this takes a while.
    await discord.until(() => discord.messages().length > 100);
    await discord.until(() => discord.messages().length > 205);
    expect(texts().slice(1).toSorted()).toEqual(wanted.toSorted());
  }, 40_000);

  it('that cannot be read hides nothing behind it', async () => {
    const page = Array.from({ length: 100 }, (_, index) => ({
      id: String(1_000 + index),
      channel_id: '5',
      author: { id: '7' },
      ...(index === 99 || index === 3 ? { author: 'nobody' } : {}),
    }));
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(page));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = new DiscordClient('token', '1', `http://127.0.0.1:${port}/api`);

    const { messages, unreadable, next } = await client.messagesAfter('5', '1');
    server.close();

    expect(messages).toHaveLength(98);
    expect({ unreadable, next }).toEqual({ unreadable: 2, next: '1099' });
    await open({ started: false });
  });
});

describe('what could not be stored before the end', () => {
  it('is found after the next start, whatever was listened to elsewhere', async () => {
    let now = Date.now();
    await open({ clock: { now: () => now } });
    await heard();
    await discord.gateway.stop();
    await say('@signalbox refund order 7', OPS.id);

    now += 10 * 60_000;
    discord.onReceive(async (inbound) => {
      if ('text' in inbound && inbound.text?.startsWith('refund')) throw new Error('the store is away');
      return { kind: 'stored' };
    });
    await discord.start();
    await heard('elsewhere');
    now += 10 * 60_000;
    await heard('and later');
    await discord.until(() => texts().includes('refund order 7'));
    await discord.gateway.stop();
    const before = discord.messages().length;
    discord.onReceive(async () => ({ kind: 'stored' }));
    await discord.startAnother();

    await discord.until(() => texts().slice(before).includes('refund order 7'));
  });
});

describe('reading on', () => {
  it('does not hold up stopping, and goes on at the next start', async () => {
    await open();
    await heard();
    await discord.gateway.stop();
    await say('@signalbox still there?');
    const wait = { kind: 'rate-limited', retryAfterSeconds: 3_600 } as const;
    discord.sandbox.fail('GET /channels/:channel/messages', wait);

    await discord.start();
    await discord.sandbox.until(({ calls }) =>
      calls.some(({ route, status }) => route === 'GET /channels/:channel/messages' && status === 429),
    );
    await say('@signalbox hello?');
    await discord.gateway.stop();
    expect(texts()).toEqual(['listening']);
    await discord.startAnother();

    await discord.until(() => texts().includes('hello?'));
    expect(texts()).toEqual(['listening', 'still there?', 'hello?']);
    expect(discord.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('a first direct message', () => {
  const dm = (user: string, text: string) => discord.sandbox.dm({ user, text });

  it('of somebody who is known is found after the start', async () => {
    await open({ known: [alex, dana] });
    await heard();
    await discord.gateway.stop();

    await dm(dana, 'is anybody there?');
    await dm(dana, 'hello?');
    await discord.start();

    await discord.until(() => texts().includes('hello?'));
    expect(texts()).toEqual(['listening', 'is anybody there?', 'hello?']);
  });

  it('that was not looked for before the end is found after the next start', async () => {
    let now = Date.now();
    const timing = { directsPauseMs: 3_600_000 };
    // Each start asks for one more of them, and waits for an hour.
    await open({ known: [alex, dana, eve], timing, clock: { now: () => now }, started: false });
    await discord.start();
    await heard();
    await discord.gateway.stop();
    await dm(eve, 'is anybody there?');
    now += 10 * 60_000;
    await discord.start();
    await discord.sandbox.until(() => callsOf('POST /users/@me/channels') === 2);
    await heard('elsewhere');
    await discord.gateway.stop();
    expect(texts()).not.toContain('is anybody there?');

    await discord.startAnother();

    await discord.until(() => texts().includes('is anybody there?'));
  });

  it('is looked for without asking Discord for the same person twice, in any process', async () => {
    await open({ known: [alex, dana, eve] });
    await heard();
    await discord.gateway.stop();
    await dm(dana, 'one');
    await discord.start();
    await discord.until(() => texts().includes('one'));
    await discord.gateway.stop();
    await dm(eve, 'two');

    await discord.startAnother();

    await discord.until(() => texts().includes('two'));
    expect(callsOf('POST /users/@me/channels')).toBe(3);
  });

  it('of somebody nobody knows is found when they write again, and comes first', async () => {
    await open({ known: [alex] });
    await heard();
    await discord.gateway.stop();
    await dm(eve, 'is anybody there?');
    await discord.start();
    await heard('after the start');
    expect(texts()).not.toContain('is anybody there?');

    await dm(eve, 'hello?');

    await discord.until(() => texts().includes('hello?'));
    expect(texts().slice(-2)).toEqual(['is anybody there?', 'hello?']);
  });

  it('is handed on once when it comes while somebody listens', async () => {
    await open({ known: [alex, dana] });

    await dm(dana, 'hello');
    await dm(dana, 'hello again');
    await discord.until(() => texts().includes('hello again'));
    await heard();

    expect(texts()).toEqual(['hello', 'hello again', 'listening']);
  });

  it('is not looked for among what was said before the bot was ever there', async () => {
    await open({ known: [dana], started: false });
    await dm(dana, 'before your time');

    await discord.start();
    await heard();

    expect(texts()).toEqual(['listening']);
  });

  it('of others is looked for although somebody is gone', async () => {
    await open({ known: ['123456789012345678', dana] });
    await heard();
    await discord.gateway.stop();
    await dm(dana, 'is anybody there?');

    await discord.start();

    await discord.until(() => texts().includes('is anybody there?'));
  });

  it('is left until they write again when Discord wants no more people to be asked for, which is said', async () => {
    await open({ known: [alex, dana], started: false });
    const tooFast = { kind: 'status', status: 403, code: 40_003 } as const;
    discord.sandbox.fail('POST /users/@me/channels', tooFast, 2);
    await discord.start();
    await heard();
    await discord.gateway.stop();
    await dm(dana, 'is anybody there?');
    await discord.start();
    await discord.until(
      () => discord.lines.filter(({ sentence }) => sentence.includes('wants no more')).length === 2,
    );

    await dm(dana, 'hello?');

    await discord.until(() => texts().includes('hello?'));
    expect(texts()).toEqual(['listening', 'is anybody there?', 'hello?']);
    expect(discord.lines.find(({ sentence }) => sentence.includes('wants no more'))).toMatchObject({
      level: 'warn',
      facts: { people: 2 },
    });
  });
});
