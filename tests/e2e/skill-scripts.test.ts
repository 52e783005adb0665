/** Scripts of skills in the whole product: who is asked, what is run once, what the agent hears of it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ScriptSettings } from '../../src/config/skills.ts';
import type { MessagesRequest } from '../../src/sandbox/claude/messages-request.ts';
import { RUN_SCRIPT } from '../../src/skills/skill-scripts.ts';
import { realSandbox, skippedBecause } from '../support/scripts.ts';
import { skillText } from '../support/skills.ts';
import { DANA, Story, type StoryConfig } from '../support/story.ts';
import { ASK_MANAGER, rules } from '../support/tools.ts';

vi.setConfig({ testTimeout: 60_000 });

const { folders, problem } = await realSandbox();
const SUM = 'import json, sys\nprint("The sum is", sum(json.load(sys.stdin)["amounts"]))\n';
const CALL = { skill: 'adding-up', script: 'scripts/sum.py', stdin: '{"amounts": [19, 23]}' };

let story: Story;
let workspace: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'signalbox-workspace-'));
  put(
    'adding-up/SKILL.md',
    skillText('adding-up', { head: 'keywords: [add up]', body: 'Run scripts/sum.py.' }),
  );
  put('adding-up/scripts/sum.py', SUM);
  put('greeting/SKILL.md', skillText('greeting', { head: 'keywords: [good morning]' }));
});
afterEach(async () => {
  await story.end();
  rmSync(workspace, { recursive: true, force: true });
});

function put(path: string, text: string): void {
  mkdirSync(dirname(join(workspace, path)), { recursive: true });
  writeFileSync(join(workspace, path), text);
}

/** @param path folders in which programs are found */
async function begin(path: string, written: object = { enabled: true }): Promise<void> {
  vi.stubEnv('PATH', path);
  onTestFinished(() => void vi.unstubAllEnvs());
  const config = (shipped: StoryConfig): StoryConfig => ({
    ...shipped,
    settings: {
      ...shipped.settings,
      skills: { ...shipped.settings.skills, workspace, scripts: ScriptSettings.parse(written) },
    },
    authorizations: {
      ...shipped.authorizations,
      rules: [
        ...rules({ name: 'scripts of skills', tool: RUN_SCRIPT, ...ASK_MANAGER }).rules,
        ...shipped.authorizations.rules,
      ],
    },
  });
  story = await Story.begin({ config });
}

const withBubblewrap = () => begin([...folders, process.env.PATH ?? ''].join(':'));

/** Tools Claude was offered for a message. */
async function offered(text: string): Promise<string[]> {
  const before = story.sandbox.claude.requests.length;
  const thread = await story.mention(text);
  await story.answer(thread, /./);
  await story.quiet();
  return toolsOf(story.sandbox.claude.requests[before]);
}

function toolsOf(request: MessagesRequest | undefined): string[] {
  return (request?.tools ?? []).map(({ name }) => name);
}

/** Claude runs the script once, and then says what it was told. */
function willCall(): void {
  story.sandbox.claude.script((request) => {
    const last = JSON.stringify(request.messages.at(-1));
    if (/tool_result|has run|Not run|did not run|not be run/.test(last)) return { text: 'I was told.' };
    return last.includes('please') ? { calls: [{ tool: RUN_SCRIPT, input: CALL }] } : { text: 'Hello.' };
  });
}

/** The request that waits once somebody has asked. */
async function asked(): Promise<{ thread: string; id: string; args: unknown }> {
  const thread = await story.mention('please add up 19 and 23');
  await story.answer(thread, /Approval needed/);
  await story.seen();
  const [approval] = await story.open();
  return { thread, id: approval!.id, args: approval!.request.args };
}

describe.skipIf(problem !== undefined)(`a script of a skill${skippedBecause(problem)}`, () => {
  it('is offered with its skill, and with no other', async () => {
    await withBubblewrap();

    expect(await offered('add up, if you can')).toContain(RUN_SCRIPT);
    expect(await offered('good morning')).not.toContain(RUN_SCRIPT);
    expect(await offered('is anybody there?')).not.toContain(RUN_SCRIPT);
  });

  it('waits for a human, who is shown what is run on what; then it runs, and the agent hears what it said', async () => {
    await withBubblewrap();
    willCall();
    const { thread, id, args } = await asked();
    const card = JSON.stringify(story.said(thread).at(-1));

    await story.dm(DANA.slack, `/approve ${id}`);
    await story.answer(thread, /The sum is 42/);
    await story.quiet();

    expect(args).toEqual({ ...CALL, args: [], sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    for (const fact of [
      'adding-up',
      'scripts/sum.py',
      'amounts',
      (args as { sha256: string }).sha256.slice(0, 20),
    ]) {
      expect(card).toContain(fact);
    }
    const source = 'the script scripts/sum.py of adding-up 1.0.0';
    expect(JSON.stringify(story.said(thread))).toMatch(
      /Done: scripts\/sum\.py of adding-up 1\.0\.0 has run \(after [\d.]+ s\)\. \(words of the script scripts\/sum\.py of adding-up 1\.0\.0\): Output:/,
    );
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages)).toMatch(
      new RegExp(`    \\| Words of ${source}:\\\\n    \\| Output:\\\\n    \\| The sum is 42`),
    );
  });

  it('may say more than the agent is shown at once, who then reads on in it', async () => {
    await withBubblewrap();
    put('adding-up/scripts/sum.py', 'print("0123456789" * 4000)\nprint("the very end")');
    willCall();
    const { thread, id } = await asked();

    await story.dm(DANA.slack, `/approve ${id}`);
    await story.answer(thread, /I was told/);
    await story.quiet();

    const told = JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages);
    const [, handle = ''] = /Read on with read_output, handle \\"(out_[0-9a-f]+)\\"/.exec(told) ?? [];
    const kept = await story.redis.keys(`*${handle}*`);
    expect(told).not.toContain('the very end');
    expect(handle).not.toBe('');
    expect(await story.redis.get(kept[0]!)).toContain('the very end');
  });

  it('is not run once it is another one than somebody has said yes to', async () => {
    await withBubblewrap();
    willCall();
    const { thread, id } = await asked();
    put('adding-up/scripts/sum.py', 'print("The sum is whatever I say")');

    await story.dm(DANA.slack, `/approve ${id}`);
    await story.answer(thread, /are not what they were/);
    await story.quiet();

    expect(
      story
        .said(thread)
        .map((message) => JSON.stringify(message))
        .join('\n'),
    ).not.toContain('whatever I say');
  });

  it('makes its words those of a stranger: what would run by a rule waits from then on', async () => {
    await withBubblewrap();
    story.sandbox.claude.script((request) => {
      const last = JSON.stringify(request.messages.at(-1));
      if (last.includes('now refund')) {
        return { calls: [{ tool: 'refund', input: { order: 7, amount: 5, currency: 'EUR', reason: 'x' } }] };
      }
      if (/tool_result|has run/.test(last)) return { text: 'I was told.' };
      return last.includes('please') ? { calls: [{ tool: RUN_SCRIPT, input: CALL }] } : { text: 'Hello.' };
    });
    const { thread, id } = await asked();
    await story.dm(DANA.slack, `/approve ${id}`);
    await story.answer(thread, /I was told/);
    await story.quiet();

    await story.say('U0ALEX', thread, '<@U0SIGNALBOX> now refund order 7');
    await story.answer(thread, /refund/);
    await story.quiet();

    expect(await story.open()).toMatchObject([
      { request: { tool: 'refund', strangers: [expect.any(String)] } },
    ]);
    expect(story.refunds(7)).toEqual([]);
  });
});

describe('without a sandbox', () => {
  it('no script is offered, whatever the configuration says, and the gateway runs all the same', async () => {
    await begin('/nowhere');

    expect(await offered('add up, if you can')).not.toContain(RUN_SCRIPT);
  });
});
