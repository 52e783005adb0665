/** Words in front of a message, in the whole product: what Claude is sent and offered, what is kept, what people read. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { ToolAccess } from '../../src/config/tool-access.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import { Entry } from '../../src/domain/transcript.ts';
import type { MessagesRequest } from '../../src/sandbox/claude/messages-request.ts';
import { countInput } from '../../src/sandbox/claude/prompt-cache.ts';
import { defer } from '../support/core.ts';
import { ALEX, DANA, GENERAL, Story, textOf } from '../support/story.ts';
import { discordSurface } from '../support/surfaces/discord-surface.ts';
import { emailSurface } from '../support/surfaces/email-surface.ts';
import { jiraSurface } from '../support/surfaces/jira-surface.ts';
import { slackSurface } from '../support/surfaces/slack-surface.ts';
import { seen } from '../support/surfaces/surface.ts';

let story: Story;
let workspace: string;

beforeEach(async () => {
  workspace = mkdtempSync(join(tmpdir(), 'signalbox-directives-'));
  story = await Story.begin({
    config: (shipped) => ({
      ...shipped,
      settings: {
        ...shipped.settings,
        workspace: { ...shipped.settings.workspace, directory: workspace },
      },
    }),
  });
});
afterEach(async () => {
  await story.end();
  rmSync(workspace, { recursive: true, force: true });
});

/** What Claude was sent first for a message. */
async function ask(text: string, user = ALEX.slack): Promise<{ request: MessagesRequest; thread: string }> {
  const before = story.sandbox.claude.requests.length;
  const thread = await story.mention(text, user);
  await story.answer(thread, /./);
  await story.quiet();
  return { request: story.sandbox.claude.requests[before]!, thread };
}

function toolsOf({ tools = [] }: MessagesRequest): string[] {
  return tools.map(({ name }) => name);
}

/** The blocks of text in the last message, which is a person's. */
function lastOf({ messages }: MessagesRequest): string[] {
  const { content } = messages.at(-1)!;
  return typeof content === 'string'
    ? [content]
    : content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
}

async function entriesOf(thread: string): Promise<Entry[]> {
  const id = ConversationId.parse(`slack:T0SANDBOX:${GENERAL}:${thread}`);
  return (await story.redis.lrange(story.keys.transcript(id), 0, -1)).map((json) =>
    Entry.parse(JSON.parse(json)),
  );
}

function access(change: z.input<typeof ToolAccess>): void {
  const { authorizations } = story.config;
  const tools = ToolAccess.parse(change);
  story.config = { ...story.config, authorizations: { ...authorizations, tools } };
}

describe('a profile in front of a message', () => {
  it('OB-005 OB-007 OB-016 C-10 is the list that Claude is offered, for that message alone', async () => {
    const plain = await ask('what can you do?');
    const minimal = await ask('/minimal what can you do?');
    const after = await ask('what can you do?');

    expect(toolsOf(plain.request)).toEqual(expect.arrayContaining(['refund', 'read_file', 'recall']));
    expect(toolsOf(minimal.request)).toEqual(expect.arrayContaining(['hand_off', 'state_confidence']));
    expect(toolsOf(minimal.request).filter((name) => /refund|file|recall|jira|sql/.test(name))).toEqual([]);
    expect(toolsOf(after.request)).toEqual(toolsOf(plain.request));
  });

  it('OB-005 OB-012 is asked for with a comma or a colon behind it, too', async () => {
    const plain = await ask('show OPS-2');
    const exact = await ask('!minimal show OPS-2');
    for (const written of ['!minimal, show OPS-2', '!minimal: show OPS-2']) {
      const { request } = await ask(written);

      expect(toolsOf(request)).toEqual(toolsOf(exact.request));
      expect(toolsOf(request)).not.toEqual(toolsOf(plain.request));
      expect(lastOf(request).at(-1)).toMatch(/: show OPS-2\s*$/);
    }
  });

  it('OB-007 C-10 refuses a call that is forced all the same, and has it on record', async () => {
    const end = story.sandbox.claude.script(({ messages }) =>
      messages.length > 1 ? undefined : { calls: [{ tool: 'refund', input: { order: 7, amount: 10 } }] },
    );
    const { thread } = await ask('/minimal refund order 7');
    end();

    const trace = await story.app.audit.trace(`slack:T0SANDBOX:${GENERAL}:${thread}`);
    expect(trace.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({
        event: 'authorization.deny',
        subject: 'tool:refund',
        detail: expect.objectContaining({
          rule: 'tools: it is not in the profile minimal (asked for by the message)',
        }),
      }),
    );
    expect(story.refunds(7)).toEqual([]);
    expect(await story.open()).toEqual([]);
  });

  it('OB-008 costs fewer tokens the smaller it is', async () => {
    const tokens: number[] = [];
    for (const profile of ['minimal', 'coding', 'full']) {
      // Both say the same words in the same mode.
      const { request } = await ask(`/${profile} /quiet what can you do?`);
      tokens.push(countInput(request));
    }

    expect(tokens.toSorted((a, b) => a - b)).toEqual(tokens);
    expect(new Set(tokens).size).toBe(3);
  });

  it('OB-006 never passes the ceiling of a role, and narrows below it', async () => {
    access({ roles: { member: { ceiling: 'coding' } } });

    const full = await ask('/full what can you do?');
    const minimal = await ask('/minimal what can you do?');

    expect(toolsOf(full.request)).toContain('read_file');
    expect(toolsOf(full.request)).not.toContain('refund');
    expect(toolsOf(minimal.request)).not.toContain('read_file');
  });

  it('OB-006 is that of the channel when the message asks for none', async () => {
    access({ channels: { [`slack:${GENERAL}`]: { profile: 'minimal' } } });

    expect(toolsOf((await ask('what can you do?')).request)).not.toContain('refund');
    expect(toolsOf((await ask('/full what can you do?')).request)).toContain('refund');
  });

  it('holds what is taken away in the middle of a turn against its next call', async () => {
    let step = 0;
    const end = story.sandbox.claude.script(() => {
      if (step++ > 0) return undefined;
      access({ deny: ['recall'] });
      return { calls: [{ tool: 'recall', input: { query: 'x' } }] };
    });
    const { thread } = await ask('remind me');
    end();

    const results = (await entriesOf(thread)).filter(({ kind }) => kind === 'tool-result');
    expect(results).toEqual([
      expect.objectContaining({ status: 'error', text: expect.stringContaining('tools.deny') }),
    ]);
    expect(toolsOf(story.sandbox.claude.requests.at(-1)!)).not.toContain('recall');
  });
});

describe('a call that was agreed to', () => {
  it('C-14 does not run once its tool is denied to everybody', async () => {
    const { thread } = await ask('refund order 7');
    const [approval] = await story.open();
    access({ deny: ['refund'] });

    await story.mention(`/approve ${approval!.id}.${approval!.gen}`, DANA.slack);
    await story.answer(thread, /tools\.deny/);

    expect(story.refunds(7)).toEqual([]);
  });
});

describe('what is left of a message', () => {
  it('OB-012 OB-018 C-32 is its text without them, to the byte, for Claude and on record', async () => {
    const text = 'why?\n\n```py\n  a =  1\n```';
    const { request, thread } = await ask(`/reasoning /quiet ${text}`);

    const said = (await entriesOf(thread)).find(({ kind }) => kind === 'user');
    expect(said).toMatchObject({
      text,
      directives: { asked: ['reasoning'], mode: 'minimal', overridden: [] },
    });
    expect(lastOf(request).at(-1)).toContain(`why?\n    \n    \`\`\`py\n      a =  1\n    \`\`\``);
    expect(JSON.stringify(request)).not.toContain('/reasoning');
  });

  it('OB-011 keeps a path, and changes nothing by it', async () => {
    const { request } = await ask('look at /full/path/app.py /minimal');

    expect(lastOf(request).at(-1)).toContain('look at /full/path/app.py /minimal');
    expect(toolsOf(request)).toContain('refund');
  });

  it('OB-013 OB-016 has its reasoning shown where that was asked for, and in no other message', async () => {
    const shows = ({ messages }: MessagesRequest) => /show how you got there/.test(JSON.stringify(messages));

    expect(shows((await ask('/reasoning why?')).request)).toBe(true);
    expect(shows((await ask('why?')).request)).toBe(false);
  });

  it("C-33 OB-016 is thought about where that was asked for, and its thoughts are nobody's to read", async () => {
    const { request, thread } = await ask('/think what do you remember of order 7?');
    const thoughtful = story.sandbox.claude.requests.slice();
    const after = await ask('what can you do?');

    expect(request.thinking).toEqual({ type: 'adaptive' });
    expect(thoughtful.every(({ thinking }) => thinking !== undefined)).toBe(true);
    expect(after.request.thinking).toBeUndefined();
    expect(story.said(thread).map(textOf).join()).not.toContain('No model thinks here');
    expect(JSON.stringify(await entriesOf(thread))).not.toContain('No model thinks here');
  });

  it('C-33 comes to its end once, without thinking further, when what was thought leaves no room for it', async () => {
    // Some 12,000 tokens, before each of its steps.
    story.sandbox.claude.script(({ tools = [] }) =>
      tools.length === 0
        ? undefined
        : { thought: 'hm, '.repeat(12_000), calls: [{ tool: 'current_time', input: {} }] },
    );

    const { thread } = await ask('!think look it up, and then again');

    const steps = story.sandbox.claude.requests.filter(({ tools = [] }) => tools.length > 0);
    const isThoughtful = steps.map(({ thinking }) => thinking !== undefined);
    expect(story.said(thread).map(textOf)).toEqual([
      expect.stringMatching(/could not finish this within my step limit.*current_time.* \(12 times\)/),
    ]);
    expect(isThoughtful).toHaveLength(12);
    expect(isThoughtful.lastIndexOf(true)).toBeGreaterThan(3);
    expect(isThoughtful.at(-1)).toBe(false);
  });

  it('OB-010 is read behind /ask as well', async () => {
    const { request } = await ask('/ask !minimal what can you do?');

    expect(lastOf(request).at(-1)).toMatch(/: what can you do\?$/);
    expect(toolsOf(request)).not.toContain('refund');
  });
});

describe('what people read', () => {
  it('OB-015 says in the reply which word gave way', async () => {
    const { thread, request } = await ask('/full /minimal what can you do?');

    await story.answer(thread, /`!full` gave way.*profile minimal/s);
    expect(toolsOf(request)).not.toContain('refund');
  });

  it('C-34 OB-009 says what they would do when there is no message behind them, and runs nothing', async () => {
    await story.mention('/minimal');

    expect(await story.told(ALEX.slack, /I did nothing/)).toContain('profile `minimal`');
    await story.quiet();
    expect(story.sandbox.claude.requests).toEqual([]);
  });

  it('OB-009 lists words and profiles in /help, and no tools', async () => {
    await story.mention('/help');

    const help = await story.told(ALEX.slack, /In front of a message/);
    for (const word of ['!think', '!minimal', '!coding', '!messaging', '!full', '!quiet', '!elevated']) {
      expect(help).toContain(word);
    }
    expect(help).not.toMatch(/refund|recall|jira_/);
  });

  it('OB-006 says in /status which profile, instructions and model a message has here', async () => {
    access({ default_profile: 'coding', people: { alex: { ceiling: 'messaging' } } });

    await story.mention('/status');

    const status = await story.told(ALEX.slack, /You are Alex/);
    expect(status).toMatch(/profile `coding` \(the default\), and no more than messaging by the person alex/);
    expect(status).toContain('claude-sonnet-5-5');
  });
});

describe('the turns that follow from a message', () => {
  it('OB-016 have its words, and the next message has none', async () => {
    const { thread } = await ask('/reasoning refund order 7');
    const [approval] = await story.open();
    await story.mention(`/approve ${approval!.id}.${approval!.gen}`, DANA.slack);
    await story.answer(thread, /Done/);
    await story.quiet();
    const follow = story.sandbox.claude.requests.at(-1)!;
    await story.say(ALEX.slack, thread, 'thank you');
    await story.quiet();

    const guided = (request: MessagesRequest) =>
      /show how you got there/.test(JSON.stringify(request.messages.at(-1)));
    expect(approval!.request.directives).toMatchObject({ asked: ['reasoning'] });
    expect(guided(follow)).toBe(true);
    expect(guided(story.sandbox.claude.requests.at(-1)!)).toBe(false);
  });
});

describe('OB-010 on every platform', () => {
  it('OB-010 OB-012 the same words in front of a text mean the same', async () => {
    const { slack, discord, jira, mail } = story.sandbox;
    const surfaces = [slackSurface(slack), discordSurface(discord), jiraSurface(jira), emailSurface(mail)];

    for (const surface of surfaces) {
      const before = story.sandbox.claude.requests.length;
      const place = await surface.ask('!minimal what can you do?');
      await seen(surface, () => surface.said(place), /./);
      await story.quiet();

      const request = story.sandbox.claude.requests[before]!;
      expect([surface.name, lastOf(request).at(-1)]).toEqual([
        surface.name,
        expect.stringMatching(/: what can you do\?\s*$/),
      ]);
      expect(toolsOf(request)).not.toContain('refund');
    }
  });
});

describe('OB-018 a new context', () => {
  it('shows the model nothing of what was said before, which stays on record', async () => {
    const { thread } = await ask('the word is heliotrope');
    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> /new');
    await story.told(ALEX.slack, /A new context begins/);
    await story.say(ALEX.slack, thread, 'what is the word?');
    await story.quiet();

    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)!.messages)).not.toContain('heliotrope');
    expect(JSON.stringify(await entriesOf(thread))).toContain('heliotrope');
  });
});

/** One that gets no answer of the model before `end`. */
async function aTurnUnderWay() {
  const { promise: reached, resolve: asked } = defer();
  const end = story.sandbox.claude.script(async () => {
    asked();
    await new Promise(() => undefined);
    return undefined;
  });
  const thread = await story.mention('think about it');
  await reached;
  return { thread, end };
}

describe('OB-010 a command behind words of a message', () => {
  it('ends the turn that is under way', async () => {
    const { thread, end } = await aTurnUnderWay();

    await story.say(ALEX.slack, thread, '!quiet !stop');

    await story.answer(thread, /I stopped/);
    end();
    expect(story.sandbox.claude.requests).toHaveLength(1);
  });

  it.each(['!stop please', '!think !stop now', '!stop, that is the wrong order'])(
    'ends it with %j as well, and says that the rest was not read',
    async (written) => {
      const { thread, end } = await aTurnUnderWay();

      await story.say(ALEX.slack, thread, written);

      expect(await story.told(ALEX.slack, /I stop/)).toMatch(
        /What you wrote behind .*stop.* I have not read/,
      );
      await story.answer(thread, /I stopped/);
      end();
      await story.quiet();
      expect(story.sandbox.claude.requests).toHaveLength(1);
    },
  );

  it('begins anew with what stands behind /new, and says so', async () => {
    const { thread } = await ask('the word is heliotrope');

    await story.say(ALEX.slack, thread, '!think !new and now what is the word?');
    await story.told(ALEX.slack, /A new context begins/);
    await story.quiet();

    const request = story.sandbox.claude.requests.at(-1)!;
    expect(lastOf(request).at(-1)).toMatch(/: and now what is the word\?\s*$/);
    expect(JSON.stringify(request.messages)).not.toContain('heliotrope');
    expect(JSON.stringify(request.messages)).not.toContain('!new');
    expect(story.sandbox.claude.requests).toHaveLength(2);
  });

  it('is not carried out where there are two of them, and that is said', async () => {
    const { thread } = await ask('the word is heliotrope');

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> /new /human come');

    await story.answer(thread, /several commands, and I take one at a time/);
    await story.quiet();
    expect(story.sandbox.claude.requests).toHaveLength(1);
  });

  it('is not said to be two of them where only too many words stand in front of a question', async () => {
    const { thread } = await ask('the word is heliotrope');

    await story.say(ALEX.slack, thread, `<@U0SIGNALBOX> ${'/ask '.repeat(9)}why?`);

    await story.answer(thread, /More than 8 words such as/);
    expect(story.said(thread).filter((each) => /several commands/.test(textOf(each)))).toEqual([]);
  });
});

describe('a turn that is to stop', () => {
  it('is one of whoever may operate, whoever asked for it', async () => {
    const { thread, end } = await aTurnUnderWay();

    await story.say(DANA.slack, thread, '<@U0SIGNALBOX> /stop');

    await story.answer(thread, /I stopped/);
    end();
  });

  it('ends where it is, says what it had done, and asks nobody about the rest', async () => {
    const { promise: reached, resolve: asked } = defer();
    const end = story.sandbox.claude.script(async ({ messages }) => {
      if (messages.length === 1) return { calls: [{ tool: 'recall', input: { scope: 'conversation' } }] };
      asked();
      await new Promise(() => undefined); // thinks for ever
      return undefined;
    });
    const thread = await story.mention('find it, then refund order 7');
    await reached;

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> /stop');

    expect(await story.told(ALEX.slack, /I stop/)).toContain('nothing is taken back');
    await story.answer(thread, /I stopped\. Before that I had called `recall`/);
    end();
    await story.quiet();
    const last = (await entriesOf(thread)).at(-1);
    expect(last).toMatchObject({
      kind: 'event',
      text: expect.stringContaining('This turn was stopped by Alex Kim'),
    });
    // What is said later is handled as ever.
    await story.say(ALEX.slack, thread, 'what can you do?');
    await story.answer(thread, /Here is what I can do/);
    expect(story.refunds(7)).toEqual([]);
  });

  it('is not stopped by somebody else who may not operate', async () => {
    const { promise: going, resolve: go } = defer();
    const { promise: reached, resolve: asked } = defer();
    const end = story.sandbox.claude.script(async () => {
      asked();
      await going;
      return { text: 'It went on to its end.' };
    });
    const thread = await story.mention('think about it', DANA.slack);
    await reached;

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> /stop');
    await story.told(ALEX.slack, /for you/);
    go();

    const answer = await story.answer(thread, /went on to its end/);
    end();
    expect(textOf(answer)).not.toContain('I stopped');
  });
});
