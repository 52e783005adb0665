/** What somebody said in other conversations, told by the whole product: what of the store is read for it. */
import { connect } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { ALEX, Story, type StoryConfig } from '../support/story.ts';

vi.setConfig({ testTimeout: 120_000 });

let story: Story;

afterEach(async () => {
  await story.end();
});

it.each([
  ['sessions_list', {}],
  ['sessions_history', { conversation: 'slack:T0:C0:1' }],
])('reads no entry of the audit for %s, which grows for ever', async (tool, input) => {
  story = await Story.begin({ config: withOwnHistory });
  const told: string[] = [];
  story.sandbox.claude.script(({ messages, tools = [] }) => {
    if (tools.length === 0) return undefined;
    const last = JSON.stringify(messages.at(-1));
    if (last.includes('tool_result')) told.push(last);
    else if (last.includes('where else')) return { text: 'I look.', calls: [{ tool, input }] };
    return { text: 'Done.' };
  });
  await story.mention('a word in the channel');
  await story.quiet();
  const watched = await watch();

  await story.dm(ALEX.slack, 'where else did I talk to you?');
  await expect.poll(() => told.length, { timeout: 30_000 }).toBe(1);
  const lines = await watched.lines();

  expect(told[0]).toMatch(tool === 'sessions_list' ? /a word in the channel/ : /no other conversation/);
  expect(lines.some((line) => line.includes(':h:'))).toBe(true);
  expect(lines.filter((line) => /"x(?:rev)?range" "[^"]*:audit/i.test(line))).toEqual([]);
});

/** Lines of what the server is asked from now on, by the story alone. */
async function watch() {
  const { redis, redisUrl, keys } = story;
  const { protocol, pathname, hostname, port } = new URL(redisUrl);
  const socket = protocol === 'unix:' ? connect(pathname) : connect(Number(port), hostname);
  let seen = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
  });
  const hasSeen = (text: string) => expect.poll(() => seen.includes(text), { timeout: 30_000 }).toBe(true);
  socket.write('MONITOR\r\n');
  await hasSeen('+OK');
  return {
    /** All before it was asked for. */
    lines: async () => {
      await redis.exists(`${keys.prefix}mark`);
      await hasSeen(`${keys.prefix}mark`);
      socket.destroy();
      return seen.split('\r\n').filter((line) => line.includes(keys.prefix));
    },
  };
}

function withOwnHistory(config: StoryConfig): StoryConfig {
  const { settings } = config;
  return { ...config, settings: { ...settings, sessions: { ...settings.sessions, own_history: true } } };
}
