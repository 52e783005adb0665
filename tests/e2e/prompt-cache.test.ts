/** What a talk costs: how much of each request the model's service reads from its cache. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PromptCache } from '../../src/sandbox/claude/prompt-cache.ts';
import { skillText } from '../support/skills.ts';
import { ALEX, Story } from '../support/story.ts';

/** Of what goes in, from the third turn on. */
const LEAST_READ = 0.85;
/** Where what stands first is another. */
const LITTLE_READ = 0.05;

let story: Story;
let skills: string;

beforeEach(async () => {
  skills = mkdtempSync(join(tmpdir(), 'skills-'));
  for (const [name, head] of [
    ['tea', 'keywords: [tea]'],
    ['coffee', 'keywords: [coffee]'],
    ['milk', 'keywords: [milk]\nallowed-tools: recall'],
  ] as const) {
    mkdirSync(join(skills, name));
    writeFileSync(join(skills, name, 'SKILL.md'), skillText(name, { head, body: `How ${name} is made.` }));
  }
  story = await Story.begin({
    config: (shipped) => ({
      ...shipped,
      settings: { ...shipped.settings, skills: { ...shipped.settings.skills, workspace: skills } },
    }),
  });
  let turn = 0;
  story.sandbox.claude.script(({ messages, tools = [] }) => {
    if (tools.length === 0) return undefined; // a summary
    const asks = JSON.stringify(messages.at(-1)).includes('look it up');
    const isAnswered = JSON.stringify(messages.at(-1)).includes('tool_result');
    if (asks && !isAnswered) {
      return { text: 'I look.', calls: [{ tool: 'recall', input: { words: 'tea', scope: 'person' } }] };
    }
    turn += 1;
    return { text: `Answer ${turn}: ${'so it is, and here is why. '.repeat(6)}` };
  });
});

afterEach(async () => {
  await story.end();
  rmSync(skills, { recursive: true, force: true });
});

describe('a talk', () => {
  it('is read from the cache from its third turn on, though each turn is given other skills', async () => {
    const words = [
      'tea please',
      'coffee please',
      'and neither',
      'tea, look it up',
      'coffee again',
      'thank you',
    ];

    const shares = await sharesRead(words);

    expect(shares).toHaveLength(words.length + 1); // a turn that uses a tool makes two requests
    for (const share of shares.slice(2)) expect(share).toBeGreaterThanOrEqual(LEAST_READ);
  });

  it.each([
    ['a skill that takes tools away', 'milk please'],
    ['the one for standups that comes along', 'the standup digest please'],
    ['a word that brings another profile and another mode', '!minimal hello'],
    ['a word that brings another mode', '!quiet hello'],
  ])(
    'is read anew for one turn by %s, less of it the next time, and from the cache again behind that',
    async (_, other) => {
      const shares = await sharesRead(['hello', 'and now', 'and then', other, 'so', other, 'thank you']);

      const [, , plain = 0, first = 1, behind = 0, again = 0, end = 0] = shares;
      expect(first).toBeLessThan(LITTLE_READ);
      expect(again).toBeGreaterThan(first);
      for (const share of [plain, behind, end]) expect(share).toBeGreaterThanOrEqual(LEAST_READ);
    },
  );
});

/** Says one thing after the other in a thread. Resolves with how much of each request was read from the cache, of 1. */
async function sharesRead([opening = '', ...further]: readonly string[]): Promise<number[]> {
  const thread = await story.mention(opening);
  await story.answer(thread, /Answer 1:/);
  for (const [index, text] of further.entries()) {
    await story.say(ALEX.slack, thread, text);
    await story.answer(thread, new RegExp(`Answer ${index + 2}:`));
  }
  await story.quiet();

  // The sandbox's own accounts, request by request.
  const cache = new PromptCache();
  const requests = story.sandbox.claude.requests.filter(({ tools = [] }) => tools.length > 0);
  return requests
    .map((request) => cache.use(request, 'one key', 0))
    .map(
      ({ input_tokens, cache_read_input_tokens: read, cache_creation_input_tokens }) =>
        read / (input_tokens + read + cache_creation_input_tokens),
    );
}
