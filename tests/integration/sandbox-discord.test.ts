import { Client, Events, GatewayIntentBits, type Message, Partials } from 'discord.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, GUILD } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

const [GENERAL] = DISCORD_CHANNELS;
const WITHOUT_PRIVILEGES = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.DirectMessages,
];

let sandbox: Sandbox;
let client: Client;
let now: number;

beforeEach(async () => {
  now = Date.now();
  sandbox = await startSandbox({ clock: { now: () => now } });
  client = await connect(WITHOUT_PRIVILEGES);
});

afterEach(async () => {
  await client.destroy();
  await sandbox.stop();
});

describe('messages through the real client', () => {
  it('knows the bot, its guild and its channels', () => {
    expect(client.user?.id).toBe(BOT.discordUser);
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
});

describe('interactions through the real client', () => {
  it('defers a slash command, edits the answer and follows up', async () => {
    await client.application?.commands.set(
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

async function connect(intents: number[]): Promise<Client> {
  const connecting = new Client({
    intents,
    partials: [Partials.Channel],
    rest: { api: sandbox.env.DISCORD_API_URL! },
  });
  const ready = new Promise((resolve) => connecting.once(Events.ClientReady, resolve));
  await connecting.login(sandbox.env.DISCORD_BOT_TOKEN!);
  await ready;
  return connecting;
}

async function channel() {
  const found = await client.channels.fetch(GENERAL.id);
  if (!found?.isSendable()) throw new Error('no text channel');
  return found;
}

function nextMessage(): Promise<Message> {
  return new Promise((resolve) => client.once(Events.MessageCreate, resolve));
}
