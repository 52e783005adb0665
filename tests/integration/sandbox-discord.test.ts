import { type Client, type ClientEvents, Events, type Message } from 'discord.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, GUILD } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { connectDiscord } from '../support/discord-client.ts';
import { expectNoViolations } from '../support/violations.ts';

const [GENERAL, OPS] = DISCORD_CHANNELS;
let sandbox: Sandbox;
let client: Client<true>;
let now: number;

beforeEach(async () => {
  now = Date.now();
  sandbox = await startSandbox({ clock: { now: () => now } });
  client = await connectDiscord(sandbox);
});

afterEach(async () => {
  await client.destroy();
  await sandbox.stop();
  expectNoViolations(sandbox.discord);
});

describe('messages through the real client', () => {
  it('knows the bot, its guild and its channels', () => {
    expect(client.user.id).toBe(BOT.discordUser);
    expect(client.guilds.cache.map(({ id }) => id)).toEqual([GUILD.id]);
    expect(client.channels.cache.has(GENERAL.id)).toBe(true);
  });

  it('delivers what a person says to the bot, with the roles they have', async () => {
    const said = nextMessage();

    await sandbox.discord.say({ user: DANA.discordUser, channel: GENERAL.id, text: '@signalbox hello' });

    const message = await said;
    expect(message.content).toBe(`<@${BOT.discordUser}> hello`);
    expect(message.author.id).toBe(DANA.discordUser);
    expect(message.member?.roles.cache.map(({ name }) => name)).toContain('Managers');
  });

  it('delivers direct messages', async () => {
    const said = nextMessage();

    await sandbox.discord.dm({ user: ALEX.discordUser, text: 'psst' });

    expect(await said).toMatchObject({ content: 'psst', channelId: ALEX.discordDm, guildId: null });
  });

  it('keeps what the app posts and edits', async () => {
    const posted = await (await channel()).send({ content: 'one' });
    await posted.edit({ content: 'two' });

    expect(sandbox.discord.messages(GENERAL.id)).toMatchObject([
      { id: posted.id, author: BOT.discordUser, content: 'two', editedAt: expect.any(String) },
    ]);
    expect(sandbox.discord.violations).toEqual([]);
  });

  it('delivers edits and deletions of what it knows', async () => {
    const said = nextMessage();
    const { id } = await sandbox.discord.dm({ user: ALEX.discordUser, text: 'one' });
    await said;
    const edited = once(Events.MessageUpdate);
    const deleted = once(Events.MessageDelete);

    await sandbox.discord.edit({ message: id, text: 'two' });
    await sandbox.discord.remove({ message: id });

    expect((await edited)[1]).toMatchObject({ id, content: 'two', editedTimestamp: now });
    expect((await deleted)[0]).toMatchObject({ id });
    expect(sandbox.discord.messages(ALEX.discordDm)).toEqual([]);
  });

  it('brings the files that came with a message', async () => {
    const said = nextMessage();
    const bytes = new TextEncoder().encode('lines');

    await sandbox.discord.dm({
      user: ALEX.discordUser,
      text: 'see',
      files: [{ filename: 'log.txt', contentType: 'text/plain', bytes }],
    });

    const [file] = (await said).attachments.values();
    expect(file).toMatchObject({ name: 'log.txt', size: 5, contentType: 'text/plain' });
    expect(await (await fetch(file!.url)).text()).toBe('lines');
  });

  it('opens threads, and hears what is said in them', async () => {
    const said = nextMessage();
    await sandbox.discord.say({ user: DANA.discordUser, channel: GENERAL.id, text: '@signalbox hello' });
    const thread = await (await said).startThread({ name: 'talk' });
    await thread.send('in the thread');
    const replied = nextMessage((message) => message.author.id === DANA.discordUser);

    await sandbox.discord.say({ user: DANA.discordUser, channel: thread.id, text: '@signalbox go on' });

    expect((await replied).channel).toMatchObject({ id: thread.id, parentId: GENERAL.id });
    expect(sandbox.discord.messages(thread.id)).toMatchObject([
      { content: 'in the thread' },
      { content: `<@${BOT.discordUser}> go on` },
    ]);
    expect(sandbox.discord.threads(GENERAL.id)).toMatchObject([{ id: thread.id, name: 'talk' }]);
  });

  it('notices a thread that wakes up', async () => {
    const { id } = await sandbox.discord.openThread({
      user: DANA.discordUser,
      channel: GENERAL.id,
      name: 'talk',
    });
    await sandbox.discord.archive({ thread: id });
    await client.destroy();
    client = await connectDiscord(sandbox);
    const said = nextMessage();

    await sandbox.discord.say({ user: DANA.discordUser, channel: id, text: '@signalbox still there?' });

    expect((await said).channelId).toBe(id);
    expect(sandbox.discord.thread(id)?.archived).toBe(false);
  });

  it('tells the client what it may do in a channel', async () => {
    sandbox.discord.setPermissions(['VIEW_CHANNEL'], GENERAL.id);
    await client.destroy();
    client = await connectDiscord(sandbox);
    const [general, ops] = [GENERAL, OPS].map(
      ({ id }) => client.guilds.cache.get(GUILD.id)!.channels.cache.get(id)!,
    );
    const me = await client.guilds.cache.get(GUILD.id)!.members.fetchMe();

    expect(me.permissionsIn(general!).toArray()).toEqual(['ViewChannel']);
    expect(me.permissionsIn(ops!).has('SendMessages')).toBe(true);
  });

  it('takes from people what their client would send: 2,000 characters, 4,000 with Nitro', async () => {
    const said = { user: ALEX.discordUser, channel: GENERAL.id };
    const of = (length: number) => 'x'.repeat(length);

    await expect(sandbox.discord.say({ ...said, text: of(2_001) })).rejects.toThrow('2000, 4000 with Nitro');
    await expect(sandbox.discord.say({ ...said, text: of(4_001), nitro: true })).rejects.toThrow('has 4001');
    await sandbox.discord.say({ ...said, text: of(4_000), nitro: true });
    const { id } = await sandbox.discord.say({ ...said, text: of(2_000) });
    await expect(sandbox.discord.edit({ message: id, text: of(2_001) })).rejects.toThrow('has 2001');

    expect(sandbox.discord.messages(GENERAL.id).map(({ content }) => content.length)).toEqual([4_000, 2_000]);
  });

  it('lets people say nothing where they are not', async () => {
    const say = (user: string, channel: string) => sandbox.discord.say({ user, channel, text: 'x' });

    await expect(say(DANA.discordUser, ALEX.discordDm)).rejects.toThrow(
      `is not in channel ${ALEX.discordDm}`,
    );
    await expect(say(DANA.discordUser, '1')).rejects.toThrow('there is no channel 1');
    await expect(say('1', GENERAL.id)).rejects.toThrow('there is no person 1');
  });
});

describe('interactions through the real client', () => {
  it('defers a slash command, edits the answer and follows up', async () => {
    await client.application.commands.set(
      [
        {
          name: 'ask',
          description: 'Ask',
          options: [{ type: 3, name: 'text', description: 'What', required: true }],
        },
      ],
      GUILD.id,
    );
    client.once(Events.InteractionCreate, async (interaction) => {
      if (!interaction.isChatInputCommand()) return;
      await interaction.deferReply({ flags: 64 });
      await interaction.editReply(`you asked ${interaction.options.getString('text')}`);
      await interaction.followUp('for all');
    });

    const seen = await sandbox.discord.slash({
      user: ALEX.discordUser,
      channel: GENERAL.id,
      command: '/ask',
      options: { text: 'why' },
    });
    await sandbox.discord.until((discord) => discord.messages(GENERAL.id).length === 1);

    expect(seen).toMatchObject({ kind: 'thinking', message: { onlyFor: ALEX.discordUser } });
    expect(sandbox.discord.ephemerals(ALEX.discordUser)).toMatchObject([{ content: 'you asked why' }]);
    expect(sandbox.discord.messages(GENERAL.id)).toMatchObject([{ content: 'for all' }]);
    expect(sandbox.discord.violations).toEqual([]);
  });
});

async function channel() {
  const found = await client.channels.fetch(GENERAL.id);
  if (!found?.isSendable()) throw new Error('no text channel');
  return found;
}

function nextMessage(fits: (message: Message) => boolean = () => true): Promise<Message> {
  return new Promise((resolve) => {
    client.on(Events.MessageCreate, (message) => {
      if (fits(message)) resolve(message);
    });
  });
}

function once<Name extends keyof ClientEvents>(name: Name): Promise<ClientEvents[Name]> {
  return new Promise((resolve) => client.once(name, (...args) => resolve(args)));
}
