/** What somebody wrote directly in Discord before the gateway ever heard of them, while it was not running. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BOT, DANA } from '../../src/sandbox/people.ts';
import { Story } from '../support/story.ts';
import { textOf } from '../support/surfaces/discord-surface.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

it('is answered after the start, because everybody in contacts.yaml is looked for', async () => {
  await story.app.stop();
  await story.sandbox.discord.dm({ user: DANA.discordUser, text: 'what can you do?' });

  await story.restart();

  const said = await story.sandbox.discord.until((discord) =>
    discord.messages(DANA.discordDm).find(({ author }) => author === BOT.discordUser),
  );
  expect(textOf(said)).not.toBe('');
});
