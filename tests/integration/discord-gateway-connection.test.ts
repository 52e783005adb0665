import { afterEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../src/domain/errors.ts';
import { ALEX, BOT, GUILD } from '../../src/sandbox/people.ts';
import { closedPort } from '../support/closed-port.ts';
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

describe('Discord calling us', () => {
  const http: DiscordFixtureOptions = { mode: 'http' };
  const slash = () =>
    discord.sandbox.slash({
      user: alex,
      channel: GENERAL.id,
      command: 'ask',
      options: { question: 'hello' },
    });

  it('OM-191 passes what Discord tries when the address is entered', async () => {
    await open(http);

    expect(await discord.sandbox.verifyInteractionsUrl()).toBe(true);
  });

  it('takes commands, and answers them in their place', async () => {
    await open(http);

    const outcome = await slash();
    await discord.send({ to: discord.messages()[0]!.replyTo, body: { kind: 'text', markdown: 'Done.' } });

    expect(outcome.kind).toBe('thinking');
    expect(discord.sandbox.messages(GENERAL.id).map(({ content }) => content)).toEqual(['Done.']);
    expect(discord.sandbox.connections).toBe(0);
  });

  it('tells the person when a command could not be stored', async () => {
    await open(http);
    discord.onReceive(async () => {
      throw new Error('the store is away');
    });

    const outcome = await slash();

    expect(outcome).toMatchObject({
      kind: 'message',
      message: { content: expect.stringContaining('not recorded') },
    });
  });

  it.each([
    ['no signature', { signature: null }],
    ['a wrong signature', { signature: '0'.repeat(128) }],
    ['an old time', { skewSeconds: -400 }],
  ])('OM-191 OM-192 refuses %s with 401', async (_, over) => {
    await open(http);

    const outcome = await discord.sandbox.deliverRaw({ body: '{"type":1}', ...over });

    expect(outcome).toMatchObject({ status: 401 });
    expect(discord.received).toEqual([]);
  });

  it('answers 400 to what is signed and cannot be read, a thousand times over', async () => {
    await open(http);
    const bodies = ['', 'x', '{}', '[]', 'null', '{"type":2}', '{"type":9}', '{"type":2,"data":{"name":1}}'];

    for (let count = 0; count < 1_000; count++) {
      const outcome = await discord.sandbox.deliverRaw({ body: bodies[count % bodies.length]! });
      expect(outcome).toMatchObject({ status: 400 });
    }

    expect(discord.received).toEqual([]);
  }, 60_000);
});

describe('checking Discord', () => {
  const findings = async () =>
    (await discord.gateway.check()).map(({ subject, status }) => [subject, status] as const);

  it('says what works', async () => {
    await open();

    expect(await findings()).toEqual([
      ['Discord bot token', 'works'],
      ['Discord application', 'works'],
      ['Discord message content', 'works'],
      [`Discord server ${GUILD.name}`, 'works'],
      [`Discord channels of ${GUILD.name}`, 'works'],
      ['Discord commands', 'works'],
      ['Discord gateway', 'works'],
    ]);
  });

  it('says what each missing permission is for, and gives the invitation that grants it', async () => {
    await open();
    discord.sandbox.setPermissions(['VIEW_CHANNEL', 'SEND_MESSAGES']);

    const finding = (await discord.gateway.check()).find(({ status }) => status === 'missing');

    expect(finding?.detail).toContain('Read Message History (replying');
    expect(finding?.detail).toContain('Attach Files');
    expect(finding?.remedy).toMatch(
      /https:\/\/discord\.com\/oauth2\/authorize\?client_id=\d+&scope=bot\+applications\.commands&permissions=\d+/,
    );
  });

  describe('each channel', () => {
    const ALL_BUT_FILES = [
      'VIEW_CHANNEL',
      'SEND_MESSAGES',
      'EMBED_LINKS',
      'READ_MESSAGE_HISTORY',
      'CREATE_PUBLIC_THREADS',
      'SEND_MESSAGES_IN_THREADS',
    ] as const;
    const lacking = async () => (await discord.gateway.check()).filter(({ status }) => status !== 'works');

    it('that takes something away is named, with what it is for and where to grant it', async () => {
      await open();
      discord.sandbox.setPermissions(ALL_BUT_FILES, OPS.id);

      expect(await lacking()).toEqual([
        {
          subject: 'Discord channel #ops',
          status: 'missing',
          detail: `Attach Files (sending files), in the server ${GUILD.name}`,
          remedy: expect.stringMatching(/"Edit Channel", "Permissions".*role signalbox.*allow Attach Files/),
        },
      ]);
    });

    it('that lacks the same is named in one line', async () => {
      await open();
      discord.sandbox.setPermissions(ALL_BUT_FILES, OPS.id);
      discord.sandbox.setPermissions(ALL_BUT_FILES, GENERAL.id);

      expect(await lacking()).toMatchObject([{ subject: 'Discord channels #general, #ops' }]);
    });

    it('is left out when the bot is not meant to be there', async () => {
      await open();
      discord.sandbox.setPermissions([], OPS.id);

      expect(await lacking()).toEqual([]);
    });

    it('that the bot does not see is named, with what lets it in', async () => {
      await open();
      discord.sandbox.setPermissions([], OPS.id);

      const finding = (await discord.gateway.check()).find(({ subject }) => /without the bot/.test(subject));

      expect(finding?.detail).toMatch(
        /^#ops: the bot does not see.*"Edit Channel", "Permissions".*role signalbox.*allow View Channels, Send/,
      );
    });

    it('is looked at when it is named, seen or not', async () => {
      await open({ settings: { allowed_channels: [OPS.id] } });
      discord.sandbox.setPermissions([], OPS.id);
      discord.sandbox.setPermissions(['VIEW_CHANNEL'], GENERAL.id);

      expect(await lacking()).toMatchObject([
        { subject: 'Discord channel #ops', detail: expect.stringContaining('View Channels') },
      ]);
    });

    it('may grant by itself what the server does not', async () => {
      await open({ settings: { allowed_channels: [OPS.id] } });
      discord.sandbox.setPermissions(['VIEW_CHANNEL']);
      discord.sandbox.setPermissions([...ALL_BUT_FILES, 'ATTACH_FILES'], OPS.id);
      expect(await lacking()).toEqual([]);

      discord.sandbox.setPermissions(ALL_BUT_FILES, OPS.id);
      expect(await lacking()).toMatchObject([
        { subject: `Discord server ${GUILD.name}`, detail: 'Attach Files (sending files)' },
      ]);
    });

    it('is not looked at where Discord does not show the channels, and the server still is', async () => {
      await open();
      discord.sandbox.fail('GET /guilds/:guild/members/:user', { kind: 'status', status: 403, code: 50_001 });
      discord.sandbox.setPermissions(ALL_BUT_FILES);

      expect(await lacking()).toMatchObject([
        { subject: `Discord server ${GUILD.name}`, detail: 'Attach Files (sending files)' },
      ]);
    });
  });

  it('says where to switch on an intent that is asked for and not granted', async () => {
    await open({ started: false, settings: { message_content: true } });

    const finding = (await discord.gateway.check()).find(
      ({ subject }) => subject === 'Discord message content',
    );

    expect(finding).toMatchObject({
      status: 'missing',
      remedy: expect.stringContaining('Message Content Intent'),
    });
  });

  it('tells a channel that is not there from one that cannot be seen', async () => {
    await open({ settings: { allowed_channels: [GENERAL.id, '900000000000000999'] } });
    const lacking = async () => (await discord.gateway.check()).filter(({ status }) => status !== 'works');
    const subject = 'Discord channel 900000000000000999';

    expect(await lacking()).toMatchObject([
      {
        subject,
        detail: 'it is in allowed_channels, but Discord knows no channel with this id',
        remedy: expect.stringMatching(/"Copy Channel ID".*gateways\.discord\.allowed_channels/),
      },
    ]);
    discord.sandbox.fail('GET /channels/:channel', {
      kind: 'status',
      status: 403,
      code: 50_001,
      message: 'Missing Access',
    });
    expect(await lacking()).toMatchObject([
      {
        subject,
        detail: 'it is in allowed_channels, but the bot cannot see it: Missing Access',
        remedy: expect.stringContaining('Edit Channel'),
      },
    ]);
  });

  it('invites the bot whose token it has, whatever application id was set', async () => {
    await open({
      started: false,
      settings: { application_id: '900000000000000009', allowed_guilds: ['900000000000000008'] },
    });

    const lacking = (await discord.gateway.check()).filter(({ status }) => status !== 'works');

    expect(lacking.map(({ subject }) => subject)).toEqual([
      'Discord application',
      'Discord server 900000000000000008',
    ]);
    const links = JSON.stringify(lacking).match(/client_id=\d+/g);
    expect(new Set(links)).toEqual(new Set([`client_id=${BOT.discordApplication}`]));
  });

  it('says which commands are not registered yet', async () => {
    await open({ started: false });

    const finding = (await discord.gateway.check()).find(({ subject }) => subject === 'Discord commands');

    expect(finding).toMatchObject({ status: 'missing', detail: expect.stringContaining('ask, approvals') });
  });

  it.each([
    ['in a server', [GUILD.id], [], `left over in the server ${GUILD.id}`],
    ['for every server', [], [GUILD.id], 'left over for every server'],
  ])('says which commands an earlier configuration left over %s', async (_, before, now, told) => {
    await open({ settings: { guild_commands: before } });
    await discord.gateway.stop();
    const commands = async (guilds: string[]) =>
      (await discord.other({ guild_commands: guilds }).check()).find(
        ({ subject }) => subject === 'Discord commands',
      );

    expect(await commands(before)).toMatchObject({ status: 'works' });
    expect(await commands(now)).toMatchObject({
      status: 'missing',
      detail: expect.stringContaining(told),
      remedy: expect.stringContaining('takes away what is left over'),
    });
  });

  it.each([
    [
      'a token nobody knows',
      { bot_token: 'MTIzNDU2Nzg5MDEy.wrong.token' },
      'Press "Reset Token" under "Bot" of your application',
      'failed',
    ],
    [
      'an application of others',
      { application_id: '900000000000000009' },
      'DISCORD_APPLICATION_ID',
      'failed',
    ],
    ['a server it is not in', { allowed_guilds: ['900000000000000009'] }, 'oauth2/authorize', 'missing'],
    ['no token at all', { bot_token: undefined }, 'DISCORD_BOT_TOKEN', 'missing'],
  ])('says what to do about %s', async (_, settings, remedy, status) => {
    await open({ started: false, settings });

    const found = await discord.gateway.check();

    expect(
      found.filter((finding) => finding.status === status).map((finding) => finding.remedy?.toLowerCase()),
    ).toEqual(expect.arrayContaining([expect.stringContaining(remedy.toLowerCase())]));
  });

  it.each([
    ['', 'works', 'which has to lead to'],
    ['/behind/a/proxy', 'works', 'which has to lead to'],
    ['/slack', 'failed', 'but signed requests are expected at'],
  ])('compares the Interactions Endpoint URL with ours: …%s is %s', async (at, status, told) => {
    const path = at === '/slack' ? '/events' : '/discord/interactions';
    const entered = `https://gateway.test${at}${path}`;
    await open({ mode: 'http', started: false, sandbox: { interactionsUrl: entered } });

    const finding = (await discord.gateway.check()).find(({ subject }) => subject === 'Discord requests');

    expect(finding).toMatchObject({ status });
    expect(finding?.detail).toMatch(
      new RegExp(`${entered}, ${told} http://127\\.0\\.0\\.1:\\d+/discord/interactions`),
    );
    if (status === 'failed')
      expect(finding?.remedy).toContain('https://gateway.test/discord/interactions, if that leads here');
  });

  it('names what is in the way when Discord cannot be reached, and what to do', async () => {
    await open({ started: false });
    const port = await closedPort();

    const found = await discord.other({ api_url: `http://127.0.0.1:${port}/api` }).check();

    expect(found).toMatchObject([
      {
        status: 'failed',
        detail: `Discord cannot be reached: nothing takes connections at 127.0.0.1:${port} (ECONNREFUSED)`,
        remedy: expect.stringMatching(/api_url.*Check the address and the port/),
      },
    ]);
  });

  it('says that Discord is away, and never throws', async () => {
    await open({ started: false });
    discord.sandbox.fail('*', { kind: 'status', status: 503 }, 10);

    const found = await discord.gateway.check();

    expect(found).toMatchObject([{ status: 'failed', remedy: expect.stringContaining('can reach Discord') }]);
  });
});
