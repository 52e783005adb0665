/** What a talk costs: how much of each request the model's service reads from its cache. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PromptCache } from '../../src/sandbox/claude/prompt-cache.ts';
import { skillText } from '../support/skills.ts';
import { Story } from '../support/story.ts';

/** Of what goes in, from the third turn on. */
const LEAST_READ = 0.85;

let story: Story;
let skills: string;

beforeEach(async () => {
  skills = mkdtempSync(join(tmpdir(), 'skills-'));
  for (const [name, keyword] of [
    ['tea', 'tea'],
    ['coffee', 'coffee'],
  ] as const) {
    mkdirSync(join(skills, name));
    writeFileSync(
      join(skills, name, 'SKILL.md'),
      skillText(name, { head: `keywords: [${keyword}]`, body: `How ${name} is made.` }),
    );
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
    const thread = await story.mention(words[0]!);
    await story.answer(thread, /Answer 1:/);
    for (const [index, text] of words.slice(1).entries()) {
      await story.say('U0ALEX', thread, text);
      await story.answer(thread, new RegExp(`Answer ${index + 2}:`));
    }
    await story.quiet();

    // The sandbox's own accounts, request by request: a turn that uses a tool makes two.
    const cache = new PromptCache();
    const requests = story.sandbox.claude.requests.filter(({ tools = [] }) => tools.length > 0);
    const read = requests.map((request) => cache.use(request, 'one key', 0));
    expect(requests).toHaveLength(words.length + 1);
    for (const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } of read.slice(2)) {
      const all = input_tokens + cache_read_input_tokens + cache_creation_input_tokens;
      expect(cache_read_input_tokens / all).toBeGreaterThanOrEqual(LEAST_READ);
    }
  });
});
