/** What is configured for a channel of Discord holds in its threads. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ToolAccess } from '../../src/config/tool-access.ts';
import { ALEX, BOT, DISCORD_CHANNELS } from '../../src/sandbox/people.ts';
import { Story } from '../support/story.ts';

const [GENERAL] = DISCORD_CHANNELS;

let story: Story;

beforeEach(async () => {
  story = await Story.begin({
    config: (shipped) => ({
      ...shipped,
      settings: {
        ...shipped.settings,
        gateways: {
          ...shipped.settings.gateways,
          discord: { ...shipped.settings.gateways.discord, threads: 'always' },
        },
      },
      authorizations: {
        ...shipped.authorizations,
        tools: ToolAccess.parse({ channels: { [`discord:${GENERAL.id}`]: { ceiling: 'minimal' } } }),
      },
    }),
  });
});
afterEach(async () => {
  await story.end();
});

/** Alex mentions the bot; resolves with the message, and the tools that Claude was offered for it. */
async function ask(
  channel: string,
  place: (message: string) => string,
): Promise<{ id: string; tools: string[] }> {
  const { claude, discord } = story.sandbox;
  const before = claude.requests.length;
  const { id } = await discord.say({ user: ALEX.discordUser, channel, text: `<@${BOT.discordUser}> hello` });
  await discord.until((world) => {
    if (claude.requests.length === before) return undefined;
    return world.messages(place(id)).findLast(({ author }) => author === BOT.discordUser);
  });
  await story.quiet();
  return { id, tools: (claude.requests[before]?.tools ?? []).map(({ name }) => name) };
}

describe('the ceiling of a channel', () => {
  it('OB-006 holds in its threads, after a restart as well', async () => {
    const begun = await ask(GENERAL.id, (id) => id);
    const goneOn = await ask(begun.id, () => begun.id);
    await story.restart();
    const later = await ask(begun.id, () => begun.id);

    expect(begun.tools).not.toContain('refund');
    expect(begun.tools).toContain('hand_off');
    expect(goneOn.tools).toEqual(begun.tools);
    expect(later.tools).toEqual(begun.tools);
  });
});
