/** What comes in from Discord: messages, commands, presses and forms, over the WebSocket. */
import { afterEach, describe, expect, it } from 'vitest';
import { ALEX, DANA, GUILD, GUILD_ROLES } from '../../src/sandbox/people.ts';
import {
  buttonOf,
  type DiscordFixture,
  type DiscordFixtureOptions,
  GENERAL,
  idOf,
  inChannel,
  OPS,
  openDiscord,
} from '../support/discord-gateway.ts';
import { aCard } from '../support/slack-gateway.ts';

let discord: DiscordFixture;

async function open(options: DiscordFixtureOptions = {}): Promise<DiscordFixture> {
  discord = await openDiscord(options);
  return discord;
}

afterEach(async () => {
  expect(discord.sandbox.violations).toEqual([]);
  await discord.close();
});

const [MANAGERS, ENGINEERS] = GUILD_ROLES;
const alex = ALEX.discordUser;
const dana = DANA.discordUser;

describe('messages', () => {
  it('hands on a mention without the privileged intent, with the roles of who wrote it', async () => {
    await open();

    const said = await discord.sandbox.say({
      user: alex,
      channel: GENERAL.id,
      text: '@signalbox refund order 7',
    });

    const message = await discord.until(() => discord.messages()[0]);
    expect(message).toMatchObject({
      id: idOf(said),
      conversationId: `discord:${GUILD.id}:${GENERAL.id}`,
      text: 'refund order 7',
      addressedToBot: true,
      sender: {
        account: `discord:${alex}`,
        authenticated: true,
        automatic: false,
        groups: [`discord:${GUILD.id}/${ENGINEERS.id}`],
      },
      replyTo: { platform: 'discord', route: { guild: GUILD.id, channel: GENERAL.id, reply: said.id } },
    });
  });

  it('hands on a direct message', async () => {
    await open();

    await discord.sandbox.dm({ user: alex, text: 'hello' });

    const message = await discord.until(() => discord.messages()[0]);
    expect(message).toMatchObject({
      text: 'hello',
      addressedToBot: true,
      conversationId: `discord:dm:${ALEX.discordDm}`,
    });
    expect(message.sender.groups).toBeUndefined();
  });
});

describe('commands', () => {
  it('registers its commands once, and writes nothing at the next start', async () => {
    await open();
    await discord.sandbox.until((sandbox) => sandbox.commands().length === 7);
    expect(discord.sandbox.commands().map(({ name }) => name)).toEqual([
      'ask',
      'approvals',
      'approve',
      'deny',
      'status',
      'help',
      'Ask Signalbox about this',
    ]);
    await discord.gateway.stop();
    const before = discord.sandbox.calls.length;

    await discord.start();

    const written = discord.sandbox.calls.slice(before).filter(({ route }) => !route.startsWith('GET'));
    expect(written).toEqual([]);
  });

  it('stores what was asked before it says that it is thinking', async () => {
    await open();

    const outcome = await discord.sandbox.slash({
      user: alex,
      channel: GENERAL.id,
      command: 'ask',
      options: { question: 'refund order 7' },
    });

    expect(discord.messages()[0]).toMatchObject({ text: 'refund order 7', addressedToBot: true });
    expect(outcome).toMatchObject({ kind: 'thinking' });
  });
});

describe('cards', () => {
  it('turns a press into an answer by who pressed, and tells them alone what came of it', async () => {
    await open();
    const { ref } = await discord.send({ to: inChannel(OPS.id), body: { kind: 'card', card: aCard() } });
    const card = discord.sandbox.messages(OPS.id)[0]!;
    discord.onReceive(async () => ({ kind: 'answered', code: 'approved', notice: 'You approved it.' }));

    await discord.sandbox.press({
      user: dana,
      channel: OPS.id,
      message: card.id,
      customId: buttonOf(card, 'Approve'),
    });

    expect(discord.answers()).toEqual([
      expect.objectContaining({
        approvalId: aCard().approvalId,
        choice: 'approve',
        gen: 1,
        digest: aCard().digest,
        sender: expect.objectContaining({
          account: `discord:${dana}`,
          groups: [`discord:${GUILD.id}/${MANAGERS.id}`],
        }),
        card: { to: inChannel(OPS.id), ref },
      }),
    ]);
    expect(discord.sandbox.ephemerals(dana).map(({ content }) => content)).toEqual(['You approved it.']);
  });
});
