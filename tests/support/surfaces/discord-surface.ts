import type { DiscordSandbox } from '../../../src/sandbox/discord/discord-sandbox.ts';
import type { DiscordMessage } from '../../../src/sandbox/discord/world.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS } from '../../../src/sandbox/people.ts';
import type { Surface } from './surface.ts';

const [GENERAL] = DISCORD_CHANNELS;

export function discordSurface(discord: DiscordSandbox): Surface {
  const fromBot = ({ author }: DiscordMessage) => author === BOT.discordUser;
  return {
    name: 'discord',
    ask: async (text, { discordUser: user } = ALEX) => {
      const { id } = await discord.say({
        user,
        channel: GENERAL.id,
        text: `@signalbox ${text}`,
      });
      return id;
    },
    // In the channel, or in a thread that was opened for it.
    said: (message) =>
      [...discord.messages(GENERAL.id), ...discord.messages(message)]
        .filter((each) => fromBot(each) && Number(each.id) >= Number(message))
        .map(textOf),
    shownToDana: () => discord.messages(DANA.discordDm).filter(fromBot).map(textOf),
    // To who presses or uses a command, in its place; to who writes, directly.
    told: ({ discordUser, discordDm }) =>
      [...discord.ephemerals(discordUser), ...discord.messages(discordDm).filter(fromBot)].map(textOf),
    approve: async () => {
      const card = discord
        .messages(DANA.discordDm)
        .findLast((message) => fromBot(message) && /Waiting for/.test(textOf(message)));
      if (!card) throw new Error('Dana was not asked in Discord');
      const customId = buttonOf(card, /Approve/);
      await discord.press({ user: DANA.discordUser, channel: DANA.discordDm, message: card.id, customId });
    },
    until: (predicate) => discord.until(() => predicate() ?? undefined),
  };
}

/** Everything a message shows, embeds and components included. */
export function textOf({ content, embeds, components }: DiscordMessage): string {
  return `${content} ${JSON.stringify(embeds)} ${JSON.stringify(components)}`;
}

/** The custom id of a card's button by its label. */
export function buttonOf(message: DiscordMessage, label: RegExp): string {
  for (const row of message.components) {
    const buttons = Array.isArray(row.components) ? row.components : [];
    for (const each of buttons) {
      if (label.test(String(each.label))) return String(each.custom_id);
    }
  }
  throw new Error(`no button ${label}: ${JSON.stringify(message.components)}`);
}
