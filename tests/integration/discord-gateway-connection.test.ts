import { afterEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../src/domain/errors.ts';
import { ALEX, GUILD } from '../../src/sandbox/people.ts';
import {
  buttonOf,
  type DiscordFixture,
  type DiscordFixtureOptions,
  GENERAL,
  inChannel,
  OPS,
  openDiscord,
} from '../support/discord-gateway.ts';
import { aCard } from '../support/slack-gateway.ts';

const alex = ALEX.discordUser;

let discord: DiscordFixture;

const open = async (options: DiscordFixtureOptions = {}) => {
  discord = await openDiscord(options);
};
const texts = () => discord.messages().map(({ text }) => text);

afterEach(async () => {
  expect(discord.sandbox.violations).toEqual([]);
  await discord.close();
});

describe('the connection to Discord', () => {
  it('comes back when it is cut, resumes, and misses nothing', async () => {
    await open();

    discord.sandbox.disconnect();
    await discord.sandbox.dm({ user: alex, text: 'still there?' });

    await discord.until(() => texts().includes('still there?'));
    expect(discord.sandbox.connections).toBe(1);
  });

  it('comes back when Discord asks it to', async () => {
    await open();

    discord.sandbox.askToReconnect();
    await discord.sandbox.dm({ user: alex, text: 'still there?' });

    await discord.until(() => texts().includes('still there?'));
  });

  it('comes back with a new session, and reads what was said before it', async () => {
    await open();
    await discord.sandbox.dm({ user: alex, text: 'first' });
    await discord.until(() => texts().includes('first'));

    discord.sandbox.endSessions();
    await discord.sandbox.dm({ user: alex, text: 'second' });

    await discord.until(() => texts().includes('second'));
  });

  it('starts once Discord answers', async () => {
    await open({ started: false });
    discord.sandbox.fail('GET /users/@me', { kind: 'status', status: 503 }, 2);
    discord.sandbox.fail('GET /gateway/bot', { kind: 'status', status: 503 }, 2);

    await discord.start();

    expect(discord.sandbox.connections).toBe(1);
  });

  it('a wrong token is a clear error at start', async () => {
    await open({ started: false, settings: { bot_token: 'MTIzNDU2Nzg5MDEy.wrong.token' } });

    await expect(discord.start()).rejects.toThrow(StartupError);
  });

  it('without an intent that was not granted works as it does without it, and says loudly where to grant it', async () => {
    await open({ settings: { message_content: true } });

    expect(discord.sandbox.connections).toBe(1);
    expect(discord.lines.filter(({ level }) => level === 'error')).toMatchObject([
      {
        sentence: expect.stringContaining('without message content'),
        facts: {
          reason: expect.stringContaining('4014'),
          remedy: expect.stringContaining('Message Content Intent'),
        },
      },
    ]);
    expect(discord.gateway.trouble()).toMatchObject({
      partly: true,
      remedy: expect.stringContaining('Message Content Intent'),
    });
    await discord.sandbox.say({ user: alex, channel: GENERAL.id, text: '@signalbox hello' });
    await discord.until(() => texts().includes('hello'));
  });

  it('takes up an intent that is granted later, and lets the connection without it go', async () => {
    await open({ settings: { message_content: true }, timing: { refusedAfterMs: 10, refusedAtMostMs: 20 } });
    expect(discord.gateway.trouble()).toBeDefined();

    discord.sandbox.setIntents({ messageContent: true });

    await discord.until(() => discord.gateway.trouble() === undefined);
    await discord.until(() => discord.lines.some(({ sentence }) => sentence.includes('connected again')));
    await discord.sandbox.until(({ connections }) => connections === 1);
    const thread = await discord.sandbox.openThread({ user: alex, channel: GENERAL.id, name: 'a thread' });
    await discord.sandbox.say({ user: alex, channel: thread.id, text: 'without a mention' });
    await discord.until(() => texts().includes('without a mention'));
  });

  it('stops while it waits for an intent to be granted', async () => {
    await open({
      settings: { message_content: true },
      timing: { refusedAfterMs: 3_600_000, refusedAtMostMs: 3_600_000 },
    });

    await discord.gateway.stop();

    expect(discord.sandbox.connections).toBe(0);
  });

  it('a missing token is a clear error at start', async () => {
    await open({ started: false, settings: { bot_token: undefined } });

    await expect(discord.start()).rejects.toThrow('bot_token');
  });

  it('stops while it is still trying to start', async () => {
    await open({ started: false });
    discord.sandbox.fail('GET /users/@me', { kind: 'status', status: 503 }, 1_000);

    const starting = discord.start();
    starting.catch(() => {});
    await discord.sandbox.until((sandbox) => sandbox.calls.length > 0);
    await discord.gateway.stop();

    await expect(starting).rejects.toThrow();
  });

  it('OM-010 stopping waits for what was taken and takes nothing more', async () => {
    await open();
    let store = () => {};
    discord.onReceive(async () => {
      await new Promise<void>((release) => {
        store = release;
      });
      return { kind: 'stored' };
    });
    await discord.sandbox.dm({ user: alex, text: 'first' });
    await discord.until(() => texts().includes('first'));

    let stopped = false;
    const stopping = discord.gateway.stop().then(() => {
      stopped = true;
    });
    await discord.sandbox.until((sandbox) => sandbox.connections === 0);
    await discord.sandbox.dm({ user: alex, text: 'second' });
    expect(stopped).toBe(false);
    store();
    await stopping;
    await discord.gateway.stop();

    expect(texts()).toEqual(['first']);
  });

  it('starts again after it was stopped', async () => {
    await open();
    await discord.gateway.stop();

    await discord.start();
    await discord.sandbox.dm({ user: alex, text: 'hello again' });

    await discord.until(() => texts().includes('hello again'));
  });

  it('is as many connections as Discord recommends, and hears every message once', async () => {
    await open({ sandbox: { shards: 2 } });

    await discord.sandbox.say({ user: alex, channel: GENERAL.id, text: '@signalbox in the guild' });
    await discord.sandbox.dm({ user: alex, text: 'directly' });

    await discord.until(() => discord.messages().length === 2);
    expect(discord.sandbox.connections).toBe(2);
    expect(texts().toSorted()).toEqual(['directly', 'in the guild']);
  }, 20_000);
});

describe('a connection that Discord ends for good', () => {
  const soon: DiscordFixtureOptions = { timing: { refusedAfterMs: 10, refusedAtMostMs: 40 } };
  const troubles = () =>
    discord.lines.filter(({ sentence }) => sentence.includes('Discord is not connected'));
  const identifies = () => discord.sandbox.calls.filter(({ route }) => route === 'GET /gateway/bot').length;

  it('for its token is an error with the next step, and is not tried again with IDENTIFY while it is refused', async () => {
    await open(soon);
    expect(discord.gateway.trouble()).toBeUndefined();

    discord.sandbox.revokeToken();
    await discord.until(() => troubles().length === 4);

    expect(troubles()[0]).toMatchObject({
      level: 'error',
      facts: {
        reason: expect.stringMatching(/does not accept the bot token.*4004/),
        remedy: expect.stringMatching(/Reset Token.*https:.*DISCORD_BOT_TOKEN/),
      },
    });
    expect(discord.gateway.trouble()).toMatchObject({
      detail: expect.stringContaining('token'),
      remedy: expect.stringContaining('DISCORD_BOT_TOKEN'),
    });
    expect(identifies()).toBe(1);
  });

  it('comes back by itself when it is mended, and reads what was said meanwhile', async () => {
    await open(soon);
    await discord.sandbox.dm({ user: alex, text: 'first' });
    await discord.until(() => texts().includes('first'));
    discord.sandbox.revokeToken();
    await discord.until(() => troubles().length > 0);
    await discord.sandbox.dm({ user: alex, text: 'does it hear me?' });

    discord.sandbox.restoreToken();

    await discord.until(() => texts().includes('does it hear me?'));
    await discord.until(() => discord.lines.some(({ sentence }) => sentence.includes('connected again')));
    expect(discord.gateway.trouble()).toBeUndefined();
    expect(discord.sandbox.connections).toBe(1);
    expect(discord.lines.filter(({ level }) => level === 'error')).toEqual(troubles());
  });

  it('for an intent that was taken away comes back without it, says where to grant it, and has it once it is', async () => {
    await open({
      ...soon,
      settings: { message_content: true },
      sandbox: { intents: { messageContent: true } },
    });

    discord.sandbox.setIntents({});
    discord.sandbox.disconnect(4014);
    await discord.sandbox.until(({ connections }) => connections === 0);
    await discord.sandbox.until(({ connections }) => connections === 1);
    await discord.until(() => discord.gateway.trouble());
    expect(discord.gateway.trouble()).toMatchObject({
      partly: true,
      detail: expect.stringContaining('4014'),
      remedy: expect.stringContaining('Message Content Intent'),
    });
    expect(troubles()).toEqual([]);
    discord.sandbox.setIntents({ messageContent: true });

    await discord.until(() => discord.gateway.trouble() === undefined);
  });

  it.each([4010, 4011, 4012, 4013])(
    'with close code %i is tried again, and says what to do',
    async (code) => {
      await open(soon);

      discord.sandbox.disconnect(code);
      await discord.until(() => troubles().length > 0);

      await discord.until(() => discord.gateway.trouble() === undefined);
      expect(troubles()[0]?.facts).toMatchObject({ reason: expect.stringContaining(String(code)) });
      expect(discord.sandbox.connections).toBe(1);
    },
  );

  it('is tried ever more seldom: Discord takes the token from who identifies 1,000 times a day', async () => {
    const at = Date.now();
    await open({ ...soon, clock: { now: () => at } });

    discord.sandbox.revokeToken();
    await discord.until(() => troubles().length === 5);

    const waits = troubles().map(({ facts }) => Date.parse(Reflect.get(facts, 'nextTry')) - at);
    expect(waits).toEqual([10, 20, 40, 40, 40]);
  });

  it('does not hold up stopping', async () => {
    await open({ timing: { refusedAfterMs: 3_600_000, refusedAtMostMs: 3_600_000 } });
    discord.sandbox.revokeToken();
    await discord.until(() => troubles().length === 1);

    await discord.gateway.stop();
    discord.sandbox.restoreToken();
    await discord.start();

    expect(discord.gateway.trouble()).toBeUndefined();
    expect(discord.sandbox.connections).toBe(1);
  });

  it('without a WebSocket is known by what cannot be sent, and told once', async () => {
    await open({ mode: 'http' });
    const send = () => discord.send({ to: inChannel(GENERAL.id), body: { kind: 'text', markdown: 'hi' } });
    discord.sandbox.revokeToken();

    await expect(send()).rejects.toThrow('bot token');
    await expect(send()).rejects.toThrow('bot token');
    expect(discord.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { facts: { remedy: expect.stringContaining('DISCORD_BOT_TOKEN') } },
    ]);
    expect(discord.gateway.trouble()).toMatchObject({ detail: expect.stringContaining('token') });

    discord.sandbox.restoreToken();
    await send();
    expect(discord.gateway.trouble()).toBeUndefined();
  });
});

describe('two gateways', () => {
  it('hear the same, and one of them answers', async () => {
    await open();
    const seen = new Set<string>();
    discord.onReceive(async ({ id, kind }) => {
      if (seen.has(id)) return { kind: 'duplicate' };
      seen.add(id);
      return kind === 'answer'
        ? { kind: 'answered', code: 'approved', notice: 'You approved it.' }
        : { kind: 'stored' };
    });
    await discord.startAnother();
    const { ref } = await discord.send({ to: inChannel(GENERAL.id), body: { kind: 'card', card: aCard() } });
    const card = discord.sandbox.message(ref.split('/')[1]!)!;

    const command = { user: alex, channel: GENERAL.id, command: 'ask', options: { question: 'hello' } };
    const asked = await discord.sandbox.slash(command);
    const press = { user: alex, channel: GENERAL.id, message: card.id, customId: buttonOf(card, 'Approve') };
    const pressed = await discord.sandbox.press(press);
    await discord.until(() => discord.received.length === 4);

    expect(asked.kind).toBe('thinking');
    expect(pressed).toMatchObject({ kind: 'message', message: { content: 'You approved it.' } });
    expect(seen.size).toBe(2);
    expect(discord.sandbox.violations).toEqual([]);
    expect(discord.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
