import type { DiscordSandbox } from '../../../src/sandbox/discord/discord-sandbox.ts';
import type { DiscordMessage } from '../../../src/sandbox/discord/world.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS } from '../../../src/sandbox/people.ts';
import { isAboutHands, isBegun, keyOf, type Post, type Surface } from './surface.ts';

/**
 * Every conversation is a thread, which the bot opens on its first message. Discord acknowledges nothing: a message
 * counts as taken when the bot has said something to it. What is said in one thread is taken in order, though.
 */
export function createDiscordSurface(discord: DiscordSandbox): Surface {
  const [channel] = DISCORD_CHANNELS;
  let taken = 0;
  const postsIn = (place: string) => discord.messages(place).filter(isOurs).map(toPost);
  const answered = (place: string, text: string) => {
    const label = /\bc\d+ m\d+\b/.exec(text)?.[0] ?? text;
    return discord
      .until(() => postsIn(place).some((post) => post.text.includes(`${label}:`) && !post.isProgress), {
        timeoutMs: TAKEN_WITHIN_MS,
      })
      .then(() => {
        taken += 1;
      });
  };
  return {
    platform: 'discord',
    write: async ({ place, text, isAnswered }) => {
      // Without the privileged intent the bot reads only what mentions it.
      const said = await discord.say({
        user: ALEX.discordUser,
        channel: place ?? channel.id,
        text: `@signalbox ${text}`,
      });
      const acknowledged = isAnswered ? answered(place ?? said.id, text) : undefined;
      return { place: place ?? said.id, acknowledged };
    },
    speak: async (place, text) => {
      await discord.say({ user: DANA.discordUser, channel: place, text: `@signalbox ${text}` });
    },
    posts: postsIn,
    approve: async (place, card) => {
      const message = discord.messages(place).find((each) => isOurs(each) && rawOf(each) === card.raw);
      const customId = message && buttonOf(message);
      if (!message || customId === undefined) return false;
      const pressed = { user: DANA.discordUser, channel: place, message: message.id, customId };
      const outcome = await discord.press(pressed).catch(() => undefined); // it changed under her finger
      return outcome !== undefined && outcome.kind !== 'failed';
    },
    unacknowledged: 0,
    get written() {
      return discord.calls.filter(({ route }) => /^(?:POST|PATCH) .*\/messages/.test(route)).length;
    },
    get stored() {
      return taken;
    },
    onChange: (listener) => discord.onChange(listener),
  };
}

/** Longer than any storm keeps the gateways away from one message. */
const TAKEN_WITHIN_MS = 20 * 60_000;

function isOurs({ author }: DiscordMessage): boolean {
  return author === BOT.discordUser;
}

function toPost(message: DiscordMessage): Post {
  const raw = rawOf(message);
  const key = keyOf(message.content) ?? keyOf(raw);
  return {
    text: message.content,
    key,
    isProgress: isBegun(message.content) || (key === undefined && !isAboutHands(message.content)),
    isOpen: buttonOf(message) !== undefined,
    raw,
  };
}

function rawOf({ id, content, embeds, components }: DiscordMessage): string {
  return `${id} ${content} ${JSON.stringify(embeds)} ${JSON.stringify(components)}`;
}

function buttonOf({ components }: DiscordMessage): string | undefined {
  return /\{[^{}]*"label":"Approve"[^{}]*\}/
    .exec(JSON.stringify(components))?.[0]
    .match(/"custom_id":"([^"]+)"/)?.[1];
}
