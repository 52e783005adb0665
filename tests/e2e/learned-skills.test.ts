/** A skill is learned in the whole product: proposed in Slack, agreed to by mail, used, and told of with its numbers. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { MessagesRequest } from '../../src/sandbox/claude/messages-request.ts';
import { createCliHome } from '../support/cli.ts';
import { codesIn, DANA, isGuidance, Story, type StoryConfig } from '../support/story.ts';
import { ASK_MANAGER, rules, type WrittenRule } from '../support/tools.ts';

vi.setConfig({ testTimeout: 120_000 });

const WISH = {
  name: 'late-parcels',
  description: 'What to do about parcels that are late.',
  keywords: ['late parcel'],
  body: '# Late parcels\n\nAsk for the number once, and look in one place: heliotrope.',
  pattern: 'The number of a parcel is looked for twice each time.',
  measure: 'calls_per_turn',
};
const RULE: WrittenRule = { name: 'new skills', tool: 'propose_skill', ...ASK_MANAGER };

let story: Story;
let workspace: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'signalbox-workspace-'));
});
afterEach(async () => {
  await story.end();
  rmSync(workspace, { recursive: true, force: true });
});

async function begin(...first: WrittenRule[]): Promise<void> {
  const config = ({ settings, authorizations, ...shipped }: StoryConfig): StoryConfig => ({
    ...shipped,
    settings: { ...settings, skills: { ...settings.skills, workspace } },
    authorizations: { ...authorizations, rules: [...rules(...first).rules, ...authorizations.rules] },
  });
  story = await Story.begin({ config });
  story.sandbox.claude.script((request) => {
    const last = JSON.stringify(request.messages.at(-1));
    if (last.includes('learn that')) return { calls: [{ tool: 'propose_skill', input: WISH }] };
    if (last.includes('tool_result') || guidanceIn(request).includes('heliotrope'))
      return { text: 'Found it.' };
    if (!last.includes('late parcel')) return { text: 'All right.' };
    const recall = (words: string) => ({ tool: 'recall', input: { words, scope: 'conversation' } });
    return { calls: [recall('parcel'), recall('number')] };
  });
}

function guidanceIn({ messages }: MessagesRequest): string {
  const texts = messages.flatMap(({ content }) =>
    typeof content === 'string'
      ? [content]
      : content.flatMap((block) => (block.type === 'text' ? [block.text] : [])),
  );
  return texts.filter(isGuidance).join('\n');
}

/** The command as it is typed, on what the story has left in its store. */
async function learned(...more: string[]): Promise<string> {
  const home = createCliHome();
  onTestFinished(() => home.remove());
  const { prefix } = story.keys;
  for (const key of await story.redis.keys(`${prefix}*`)) {
    await story.redis.copy(key, `${home.prefix}${key.slice(prefix.length)}`);
  }
  const { code, out, err } = await home.run('skills', 'learned', ...more);
  expect([code, err]).toEqual([0, '']);
  return out;
}

const file = () => join(workspace, 'late-parcels', 'SKILL.md');

describe('a skill the agent proposes', () => {
  it('OM-033 is read and agreed to by mail, given with the next message, and named with what it changed', async () => {
    await begin(RULE);
    const work = await story.mention('where is my late parcel 7?');
    await story.answer(work, /Found it/);
    const thread = await story.mention('you do it the same way each time: learn that');
    await story.answer(thread, /Approval needed/);
    const mail = await story.mail(DANA.mail, /propose_skill/);
    expect(mail.text).toContain('look in one place: heliotrope');
    expect(existsSync(file())).toBe(false);

    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'none' });
    await story.answer(thread, /late-parcels 1\.0\.0 is in use/);
    await story.quiet();
    const before = story.sandbox.claude.requests.length;
    const next = await story.mention('and my late parcel 8?');
    await story.answer(next, /Found it/);
    await story.quiet();

    expect(guidanceIn(story.sandbox.claude.requests[before]!)).toContain('### SKILL: late-parcels');
    expect(readFileSync(file(), 'utf8')).toContain(WISH.body);
    const out = await learned();
    expect(out).toMatch(/late-parcels 1\.0\.0 .*Dana.* {2}2 \(of 1 turn\) {2}0 \(of 1 turn\)/);
    expect(out).toContain(WISH.pattern);
    expect(JSON.parse(await learned('--json'))).toMatchObject([
      {
        skill: 'late-parcels',
        pattern: WISH.pattern,
        approvedBy: [{ person: 'dana' }],
        before: { value: 2, turns: 1 },
        after: { value: 0, turns: 1 },
      },
    ]);
  });

  it('is refused as shipped, where no rule says who agrees', async () => {
    await begin();
    const thread = await story.mention('you do it the same way each time: learn that');
    await story.answer(thread, /Found it/);
    await story.quiet();

    expect(await story.open()).toEqual([]);
    expect(existsSync(file())).toBe(false);
    expect(await learned()).toContain('No skill was learned yet');
  });

  it('is not written because a rule lets every call run', async () => {
    await begin({ name: 'anything', tool: 'propose_skill', decision: 'allow' });
    const thread = await story.mention('you do it the same way each time: learn that');
    await story.answer(thread, /Found it|All right/);
    await story.quiet();

    const heard = JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages);
    expect(heard).toContain('a human has to say yes to just this call');

    expect(existsSync(file())).toBe(false);
  });
});
