import { Events, GatewayIntentBits, type Message } from 'discord.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DiscordSandboxOptions } from '../../src/sandbox/discord/discord-sandbox.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, GUILD } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { BareGateway, connectDiscord, identityOf, PLAIN_INTENTS } from '../support/discord-client.ts';
import { expectNoViolations, expectViolations } from '../support/violations.ts';

const [GENERAL] = DISCORD_CHANNELS;
const RESUME_WINDOW_MS = 60_000;
const UNPRIVILEGED = PLAIN_INTENTS.reduce((bits, bit) => bits | bit, 0);

let sandbox: Sandbox;
let now: number;

beforeEach(async () => {
  now = Date.now();
  sandbox = await startSandbox({
    clock: { now: () => now },
    discord: { resumeWindowMs: RESUME_WINDOW_MS },
  });
});

afterEach(async () => {
  await sandbox.stop();
  expectNoViolations(sandbox.discord);
});

describe('who may connect', () => {
  it.each([
    ['a wrong token', { token: 'wrong' }, 4004],
    ['an intent that does not exist', { intents: 1 << 30 }, 4013],
    ['message content that the app was not given', { intents: UNPRIVILEGED | (1 << 15) }, 4014],
    ['a shard that cannot be', { shard: [2, 2] }, 4010],
    ['no intents at all', { intents: undefined }, 4002],
  ])('closes on %s', async (_what, change, code) => {
    const gateway = await BareGateway.open(sandbox);

    gateway.send(2, { ...identityOf(sandbox), ...change });

    expect(await gateway.closed()).toBe(code);
    expect(sandbox.discord.connections).toBe(0);
  });

  it('takes message content once the app was given it', async () => {
    sandbox.discord.setIntents({ messageContent: true });

    const gateway = await BareGateway.identified(sandbox, { intents: UNPRIVILEGED | (1 << 15) });

    expect((await gateway.event('READY')).d.application.flags).toBe(1 << 19);
  });

  it('closes on what is no payload, too large, unknown, or comes before IDENTIFY', async () => {
    const codes = await Promise.all(
      [
        'no json',
        JSON.stringify({ op: 3, d: { padding: 'x'.repeat(5_000) } }),
        JSON.stringify({ op: 99, d: null }),
        JSON.stringify({ op: 3, d: null }),
      ].map(async (frame) => {
        const gateway = await BareGateway.open(sandbox);
        gateway.sendRaw(frame);
        return gateway.closed();
      }),
    );

    expect(codes).toEqual([4002, 4002, 4001, 4003]);
    expectViolations(sandbox.discord, [{ error: expect.stringContaining('bytes') }]);
  });

  it('closes on a second IDENTIFY, on a wrong version, and above 120 payloads a minute', async () => {
    const twice = await BareGateway.identified(sandbox);
    const old = await BareGateway.open(sandbox, '?v=6');
    const hasty = await BareGateway.identified(sandbox);

    twice.send(2, identityOf(sandbox));
    for (let sent = 0; sent < 120; sent += 1) hasty.send(1, null);

    expect(await twice.closed()).toBe(4005);
    expect(await old.closed()).toBe(4012);
    expect(await hasty.closed()).toBe(4008);
    expectViolations(sandbox.discord, [{ error: expect.stringContaining('more than 120') }]);
  });

  it('counts the IDENTIFYs of a day', async () => {
    await BareGateway.identified(sandbox);

    const answer = await fetch(`${sandbox.env.DISCORD_API_URL}/v10/gateway/bot`, {
      headers: {
        authorization: `Bot ${sandbox.env.DISCORD_BOT_TOKEN}`,
        'user-agent': 'DiscordBot (https://example.test, 1.0)',
      },
    });

    expect(await answer.json()).toMatchObject({
      url: `${sandbox.url.replace('http', 'ws')}/discord/gateway`,
      shards: 1,
      session_start_limit: { total: 1_000, remaining: 999 },
    });
  });
});

describe('events and sessions', () => {
  it('acknowledges heartbeats, and does not while frozen', async () => {
    const gateway = await BareGateway.identified(sandbox);

    gateway.send(1, gateway.lastSeq);
    await gateway.frame(({ op }) => op === 11);
    sandbox.discord.freeze();
    gateway.send(1, gateway.lastSeq);
    await say('after the second heartbeat');

    await gateway.event('MESSAGE_CREATE');
    expect(gateway.frames.filter(({ op }) => op === 11)).toHaveLength(1);
  });

  it('replays what was missed to a connection that resumes, in order and once', async () => {
    const first = await BareGateway.identified(sandbox);
    await say('seen');
    await first.event('MESSAGE_CREATE');
    const seq = first.lastSeq;
    first.cut();
    await sandbox.discord.until((discord) => discord.connections === 0);
    await say('missed one');
    await say('missed two');

    const second = await resume(first.sessionId, seq);
    await second.event('RESUMED');
    await say('live again');
    await second.frame(({ s }) => s === seq + 4);

    const numbers = second.frames.flatMap(({ op, s }) => (op === 0 ? [s] : []));
    const names = second.frames.flatMap(({ op, t }) => (op === 0 ? [t] : []));
    expect(numbers.slice(0, 3)).toEqual([seq + 1, seq + 2, seq + 3]);
    expect(names.slice(0, 3)).toEqual(['MESSAGE_CREATE', 'MESSAGE_CREATE', 'RESUMED']);
  });

  it('tells nobody of what happened while there was no session', async () => {
    await say('before');

    const gateway = await BareGateway.identified(sandbox);
    await gateway.event('GUILD_CREATE');
    await say('after');
    await gateway.event('MESSAGE_CREATE');

    expect(gateway.frames.filter(({ t }) => t === 'MESSAGE_CREATE')).toHaveLength(1);
  });

  it.each([
    ['the session is unknown', async () => 'never was'],
    ['the client said goodbye', async (gateway: BareGateway) => leave(gateway, 1000)],
    [
      'nobody came back in time',
      async (gateway: BareGateway) => {
        gateway.cut();
        await sandbox.discord.until((discord) => discord.connections === 0);
        now += RESUME_WINDOW_MS + 1;
        return gateway.sessionId;
      },
    ],
    [
      'Discord ended it',
      async (gateway: BareGateway) => {
        sandbox.discord.endSessions();
        await gateway.frame(({ op, d }) => op === 9 && d === false);
        return gateway.sessionId;
      },
    ],
  ])('answers a RESUME with INVALID_SESSION when %s', async (_when, end) => {
    const gateway = await BareGateway.identified(sandbox);
    const sessionId = await end(gateway);

    const second = await resume(sessionId, gateway.lastSeq);

    expect((await second.frame(({ op }) => op === 9)).d).toBe(false);
  });

  it('closes on a RESUME with a number that was never told', async () => {
    const gateway = await BareGateway.identified(sandbox);

    const second = await resume(gateway.sessionId, gateway.lastSeq + 5);

    expect(await second.closed()).toBe(4007);
  });

  it('tells again what it told, as another event about the same thing', async () => {
    const gateway = await BareGateway.identified(sandbox);
    const { id } = await say('@signalbox once');

    sandbox.discord.redeliver('MESSAGE_CREATE');
    sandbox.discord.deliverEvent('FLUSHED', {});
    await gateway.event('FLUSHED');

    const told = gateway.frames.filter(({ t }) => t === 'MESSAGE_CREATE');
    expect(told.map(({ d }) => d.id)).toEqual([id, id]);
    expect(told[1]!.s).toBe(told[0]!.s! + 1);
  });

  it('asks clients to reconnect', async () => {
    const gateway = await BareGateway.identified(sandbox);

    sandbox.discord.askToReconnect();

    expect(await gateway.frame(({ op }) => op === 7)).toMatchObject({ d: null });
  });

  it('tells each shard of its guilds, and shard 0 of direct messages', async () => {
    const [zero, one] = await Promise.all(
      [0, 1].map((shard) => BareGateway.identified(sandbox, { shard: [shard, 2] })),
    );
    const guildShard = Number((BigInt(GUILD.id) >> 22n) % 2n);
    const [ofGuild, other] = guildShard === 0 ? [zero!, one!] : [one!, zero!];

    await ofGuild.event('GUILD_CREATE');
    await say('in the guild');
    await sandbox.discord.dm({ user: ALEX.discordUser, text: 'direct' });
    await zero!.frame(({ d }) => d?.channel_id === ALEX.discordDm);

    expect(other.frames.some(({ t }) => t === 'GUILD_CREATE')).toBe(false);
    expect(other.frames.some(({ d }) => d?.channel_id === GENERAL.id)).toBe(false);
  });

  it('tells only what the intents ask for', async () => {
    const gateway = await BareGateway.identified(sandbox, { intents: GatewayIntentBits.DirectMessages });

    await say('@signalbox in the guild');
    await sandbox.discord.dm({ user: ALEX.discordUser, text: 'direct' });
    await gateway.event('MESSAGE_CREATE');

    expect(gateway.frames.filter(({ op }) => op === 0).map(({ t }) => t)).toEqual([
      'READY',
      'MESSAGE_CREATE',
    ]);
  });

  it('tells nothing of a channel that the app may not see', async () => {
    const gateway = await BareGateway.identified(sandbox);
    sandbox.discord.setPermissions([], GENERAL.id);

    await say('hidden');
    await sandbox.discord.say({
      user: ALEX.discordUser,
      channel: DISCORD_CHANNELS[1].id,
      text: '@signalbox shown',
    });

    expect((await gateway.event('MESSAGE_CREATE')).d.channel_id).toBe(DISCORD_CHANNELS[1].id);
  });
});

describe('the message-content rule', () => {
  it('shows without the intent only what is for the app', async () => {
    const gateway = await BareGateway.identified(sandbox);

    await say('between people', {
      files: [{ filename: 'a.txt', contentType: 'text/plain', bytes: bytes('a') }],
    });
    await say('@signalbox listen');
    await sandbox.discord.dm({ user: ALEX.discordUser, text: 'direct' });
    await gateway.frame(({ d }) => d?.channel_id === ALEX.discordDm);

    const told = gateway.frames.filter(({ t }) => t === 'MESSAGE_CREATE').map(({ d }) => d);
    expect(told.map(({ content }) => content)).toEqual(['', `<@${BOT.discordUser}> listen`, 'direct']);
    expect(told[0].attachments).toEqual([]);
  });

  it('shows a reply that notifies the app', async () => {
    const client = await connectDiscord(sandbox);
    const channel = await client.channels.fetch(GENERAL.id);
    const ours = channel?.isSendable() ? await channel.send('question') : undefined;
    const gateway = await BareGateway.identified(sandbox);

    await say('answer', { replyTo: ours!.id });
    await say('quiet answer', { replyTo: ours!.id, notifies: false });
    await gateway.frame(({ d }) => d?.content === '' && d.channel_id === GENERAL.id);

    expect((await gateway.event('MESSAGE_CREATE')).d).toMatchObject({
      content: 'answer',
      type: 19,
      message_reference: { message_id: ours!.id },
      referenced_message: { content: 'question' },
    });
    await client.destroy();
  });

  it('shows everything with the intent', async () => {
    sandbox.discord.setIntents({ messageContent: true });
    const gateway = await BareGateway.identified(sandbox, { intents: UNPRIVILEGED | (1 << 15) });

    await say('between people');

    expect((await gateway.event('MESSAGE_CREATE')).d.content).toBe('between people');
  });
});

describe('connections that die', () => {
  it('are closed when no heartbeat comes', async () => {
    await restart({ heartbeatIntervalMs: 10 });
    const gateway = await BareGateway.identified(sandbox);

    now += 60_000;

    expect(await gateway.closed()).toBe(4009);
  });

  it('are noticed by the real client, which resumes elsewhere', async () => {
    await restart({ heartbeatIntervalMs: 50 });
    const client = await connectDiscord(sandbox);
    const gone = new Promise((resolve) => client.once(Events.ShardReconnecting, resolve));
    const resumed = new Promise((resolve) => client.once(Events.ShardResume, resolve));

    sandbox.discord.freeze();
    await gone;
    sandbox.discord.heal();
    await resumed;

    expect(sandbox.discord.connections).toBe(1);
    await client.destroy();
  });
});

describe('the real client', () => {
  it('opens as many shards as are recommended', async () => {
    await restart({ shards: 2 });

    const client = await connectDiscord(sandbox, PLAIN_INTENTS, { shards: 'auto' });

    expect(sandbox.discord.connections).toBe(2);
    expect(client.guilds.cache.get(GUILD.id)?.shardId).toBe(Number((BigInt(GUILD.id) >> 22n) % 2n));
    await client.destroy();
  });

  it('hears other bots as bots', async () => {
    const client = await connectDiscord(sandbox);
    const said = new Promise<Message>((resolve) => client.once(Events.MessageCreate, resolve));

    await sandbox.discord.sayAsBot({ channel: GENERAL.id, text: '@signalbox hello' });

    expect((await said).author).toMatchObject({ bot: true, username: 'otherbot' });
    await client.destroy();
  });

  it('resumes after a cut and gets what it missed', async () => {
    const client = await connectDiscord(sandbox);
    const texts: string[] = [];
    const resumed = new Promise((resolve) => client.once(Events.ShardResume, resolve));
    client.on(Events.MessageCreate, ({ content }) => texts.push(content));

    sandbox.discord.disconnect();
    await sandbox.discord.until((discord) => discord.connections === 0);
    await sandbox.discord.dm({ user: DANA.discordUser, text: 'while you were away' });
    await resumed;

    expect(texts).toEqual(['while you were away']);
    await client.destroy();
  });
});

async function restart(discord: DiscordSandboxOptions): Promise<void> {
  await sandbox.stop();
  sandbox = await startSandbox({ clock: { now: () => now }, discord });
}

async function say(text: string, more: Partial<Parameters<Sandbox['discord']['say']>[0]> = {}) {
  return sandbox.discord.say({ user: ALEX.discordUser, channel: GENERAL.id, text, ...more });
}

async function resume(sessionId: string, seq: number): Promise<BareGateway> {
  const gateway = await BareGateway.open(sandbox);
  gateway.send(6, { token: sandbox.env.DISCORD_BOT_TOKEN, session_id: sessionId, seq });
  return gateway;
}

async function leave(gateway: BareGateway, code: number): Promise<string> {
  gateway.close(code);
  await sandbox.discord.until((discord) => discord.connections === 0);
  return gateway.sessionId;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
