/** A platform that ends its connection for good while everything else runs. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DANA, Story, textOf } from '../support/story.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

async function status(pattern: RegExp): Promise<string> {
  await story.mention('!status', DANA.slack);
  return story.sandbox.slack.until((slack) =>
    slack
      .ephemerals(DANA.slack)
      .map(textOf)
      .find((text) => pattern.test(text)),
  );
}

it('is named by /status on the others, with why and with the next step', async () => {
  expect(await status(/You are Dana/)).toMatch(/Connected: .*discord/);

  story.sandbox.discord.revokeToken();
  await vi.waitUntil(() => story.app.gateways.get('discord')?.trouble?.());

  const told = await status(/Not connected/);
  expect(told).toMatch(/Not connected: discord.*since .*UTC.*bot token.*4004.*DISCORD_BOT_TOKEN/s);
  expect(told).not.toMatch(/Connected: .*discord/);
});
