/** What is remembered beyond a turn: of a conversation, and of people who agreed to it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { BOT, DISCORD_CHANNELS, ALEX as IN_SANDBOX, TEAM } from '../../src/sandbox/people.ts';
import { ALEX, DANA, GENERAL, Story, type StoryConfig } from '../support/story.ts';

const [CHANNEL] = DISCORD_CHANNELS;
const [ALEX_DM, DANA_DM] = ['D0ALEX', 'D0DANA'];
const ALEX_ID = PersonId.parse('alex');
/** What is written after a turn tells nobody that it is there. */
const SOON = { timeout: 20_000 };

vi.setConfig({ testTimeout: 60_000 });

let story: Story;

afterEach(async () => {
  await story.end();
});

function remembering(memory: object) {
  return (config: StoryConfig): StoryConfig => ({
    ...config,
    settings: {
      ...config.settings,
      memory: {
        ...config.settings.memory,
        ...memory,
        summaries: { ...config.settings.memory.summaries, after_entries: 4, after_messages: 1 },
      },
    },
  });
}

/** What the model was given to read for the newest answer that somebody was shown. */
function lastRead(): string {
  const turns = story.sandbox.claude.requests.map((request) => JSON.stringify(request));
  return turns.findLast((text) => text.includes('How this place works')) ?? '';
}

/** Once the agent has answered so many times in a thread. */
async function answered(thread: string, times: number): Promise<void> {
  await story.sandbox.slack.until(() => story.said(thread).length === times || undefined);
}

const conversationIn = (thread: string) => ConversationId.parse(`slack:${TEAM.id}:${GENERAL}:${thread}`);

describe('what is known of a person', () => {
  it('OB-030 OB-035 OM-194 is told to the agent when they ask, after they agreed, and to nobody else', async () => {
    story = await Story.begin({ config: remembering({}) });
    const before = await story.mention('what can you do? I like short answers');
    await story.answer(before, /Here is what I can do/);
    await story.quiet();
    expect(await story.app.memory.profileOf(ALEX_ID)).toBeUndefined();

    await story.mention('/memory on');
    expect(await story.told(ALEX.slack, /From now on I may write down/)).toContain('!memory off');
    const thread = await story.mention('what can you do? I like long answers');
    await story.answer(thread, /Here is what I can do/);
    await expect
      .poll(async () => (await story.app.memory.profileOf(ALEX_ID))?.text, SOON)
      .toContain('long answers');
    expect((await story.app.memory.profileOf(ALEX_ID))?.text).not.toContain('short answers');

    await story.say(ALEX.slack, thread, 'what can you do now?');
    await answered(thread, 2);
    expect(lastRead()).not.toContain('The one who asks');
    const danas = await story.dm(DANA.slack, 'what can you do for me?');
    await story.answer(danas, /Here is what I can do/, DANA_DM);
    expect(lastRead()).not.toContain('The one who asks');
    const own = await story.dm(ALEX.slack, 'what can you do now?');
    await story.answer(own, /Here is what I can do/, ALEX_DM);
    expect(lastRead()).toContain('The one who asks');

    await story.mention('/memory');
    await story.told(ALEX.slack, /What I have written down about you/);
    await story.mention('/memory off please');
    await story.told(ALEX.slack, /I have changed nothing: write/);
    expect((await story.app.memory.profileOf(ALEX_ID))?.consent.given).toBe(true);
    await story.mention('/memory off.');
    await story.told(ALEX.slack, /what I had written down is gone/);
    expect(await story.app.memory.profileOf(ALEX_ID)).not.toHaveProperty('text');
    const { ok } = await story.app.audit.verify();
    expect(ok).toBe(true);
  });
});

describe('what a conversation is about', () => {
  it('OB-031 OB-033 is told to the agent when its beginning is not shown any more', async () => {
    story = await Story.begin({ config: remembering({}) });
    const thread = await story.mention('what can you do about project Zephyr?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slack, thread, 'what can you do about the weather?');
    await answered(thread, 2);
    await expect.poll(() => story.app.memory.summaryOf(conversationIn(thread)), SOON).toBeDefined();

    // So little that the last few entries are all there is room for.
    const { settings } = story.config;
    const memory = { ...settings.memory, context_tokens: 22_000 };
    story.config = { ...story.config, settings: { ...settings, memory } };
    for (const [nth, rest] of ['and then?', 'and after that?', 'what were we discussing?'].entries()) {
      await story.say(ALEX.slack, thread, `what can you do? ${'word '.repeat(5_000)} ${rest}`);
      await answered(thread, 3 + nth);
    }

    expect(lastRead()).not.toContain('Alex Kim (alex): what can you do about project Zephyr');
    expect(lastRead()).toContain('This conversation so far');
    expect(lastRead()).toContain('wrote: what can you do');
  });

  it('OB-033 is over with a new context, for good', async () => {
    story = await Story.begin({ config: remembering({}) });
    const thread = await story.mention('what can you do about project Zephyr?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slack, thread, 'what can you do about the weather?');
    await answered(thread, 2);
    await expect.poll(() => story.app.memory.summaryOf(conversationIn(thread)), SOON).toBeDefined();

    await story.say(ALEX.slack, thread, '!new');
    await story.quiet();

    expect(await story.app.memory.summaryOf(conversationIn(thread))).toBeUndefined();
  });
});

describe('what was decided', () => {
  it('OM-034 can be opened with what was said and with why it was decided so', async () => {
    story = await Story.begin();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    const [approval] = await story.open();

    const about = await story.app.audit.trace(approval!.request.correlation);
    const said = await story.app.transcripts.read(conversationIn(thread));

    const why = Object.fromEntries(about.map(({ event }) => [event.event, event.detail?.rule]));
    expect(why['message.received']).toMatch(/permission ask of/);
    expect(Object.values(why).join(' ')).toMatch(/refunds/);
    expect(said.map(({ entry }) => entry?.kind)).toEqual(['user', 'assistant', 'tool-result']);
    expect(said[0]?.entry).toMatchObject({ text: 'refund order 7' });
    expect(said[2]?.entry).toMatchObject({ status: 'waiting' });
  });
});

describe('what a person has noted', () => {
  it('is told to them where they alone read it, and not in a channel, where others read though nobody has spoken', async () => {
    story = await Story.begin();
    const own = await story.dm(ALEX.slack, 'remember that my door code hint is kestrel');
    await story.answer(own, /noted|remember/i, ALEX_DM);
    const again = await story.dm(ALEX.slack, 'what do you know about kestrel?');
    await story.answer(again, /what I know:[\s\S]*kestrel/, ALEX_DM);
    await story.write(ALEX.mail, 'A question', 'what do you know about kestrel?');
    await story.mail(ALEX.mail, /what I know:[\s\S]*code hint/);

    const group = await story.mention('what do you know about kestrel?');
    await story.answer(group, /direct message/);
    await story.quiet();

    expect(JSON.stringify(story.sandbox.claude.requests.at(-1))).toContain('direct message');
    expect(
      story
        .said(group)
        .map((each) => JSON.stringify(each))
        .join(),
    ).not.toContain('code hint');
  });

  it('is told to them in a direct message of Discord, and not in a channel of a server', async () => {
    story = await Story.begin();
    const { discord } = story.sandbox;
    const user = IN_SANDBOX.discordUser;
    const own = IN_SANDBOX.discordDm;
    const told = (channel: string) =>
      discord
        .messages(channel)
        .filter(({ author }) => author === BOT.discordUser)
        .map(({ content }) => content)
        .join();
    await discord.dm({ user, text: 'remember that my door code hint is kestrel' });
    await discord.until(() => /noted|remember/i.test(told(own)) || undefined);
    await discord.dm({ user, text: 'what do you know about kestrel?' });
    await discord.until(() => /what I know:[\s\S]*kestrel/.test(told(own)) || undefined);

    await discord.say({
      user,
      channel: CHANNEL.id,
      text: '@signalbox what do you know about kestrel?',
    });
    await discord.until(() => /direct message/.test(told(CHANNEL.id)) || undefined);

    expect(told(CHANNEL.id)).not.toContain('code hint');
  });
});
