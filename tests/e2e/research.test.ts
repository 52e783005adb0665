/** Questions the agent has looked into beside its turn, as people on Slack see it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { periodAt } from '../../src/budget/period.ts';
import { UsageLedger } from '../../src/budget/usage-ledger.ts';
import { Authorizations } from '../../src/config/authorizations.ts';
import { ResearchSettings } from '../../src/config/research.ts';
import type { ScriptedAnswer } from '../../src/sandbox/claude/claude-sandbox.ts';
import type { MessagesRequest } from '../../src/sandbox/claude/messages-request.ts';
import { defer } from '../support/core.ts';
import { ALEX, Story, type StoryConfig, textOf } from '../support/story.ts';

const QUESTIONS = ['What is known of OPS-1?', 'What is known of OPS-2?', 'What time is it in Tokyo?'];

/** However busy the machine is. */
const PATIENT = { timeout: 10_000 };

let story: Story;
beforeEach(async () => {
  story = await Story.begin();
});
afterEach(() => story.end());

/** The turn asks all questions at once and tells what it was told; each question is the test's to answer. */
function scripted(
  answer: (question: string, request: MessagesRequest) => ScriptedAnswer | Promise<ScriptedAnswer>,
) {
  const asked: string[] = [];
  story.sandbox.claude.script((request) => {
    const question = questionIn(request);
    if (question !== undefined) {
      asked.push(question);
      return answer(question, request);
    }
    const told = toldIn(request);
    return told === undefined
      ? { calls: [{ tool: 'research', input: { questions: QUESTIONS } }] }
      : { text: `Here is what I found:\n\n${told}` };
  });
  return { asked };
}

function withSettings(over: Partial<StoryConfig['settings']>): void {
  story.config = { ...story.config, settings: { ...story.config.settings, ...over } };
}

/** What a sub-agent is asked; undefined of a turn itself. */
function questionIn({ system, messages }: MessagesRequest): string | undefined {
  if (!JSON.stringify(system).includes('You look into one question')) return undefined;
  return /\| (What [^"\\]*\?)/.exec(JSON.stringify(messages[0]))?.[1];
}

/** What `research` told, in the newest request of the turn. */
function toldIn({ messages }: MessagesRequest): string | undefined {
  const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const result = blocks.findLast(({ type }) => type === 'tool_result');
  return result?.type === 'tool_result' ? JSON.stringify(result.content) : undefined;
}

const hasRead = ({ messages }: MessagesRequest) => JSON.stringify(messages).includes('tool_result');

const trail = async () => JSON.stringify(await story.app.audit.tail(100));

describe('three questions', () => {
  it('OM-116 OM-176 are looked into at the same time, and one answer tells of all of them, in order', async () => {
    const open = new Map<string, () => void>();
    const { asked } = scripted(async (question) => {
      const { promise, resolve } = defer();
      open.set(question, () => resolve());
      await promise;
      return { text: `Found: ${question}` };
    });

    const thread = await story.mention('find all of that out');
    // All three are under way while none of them is answered.
    await expect.poll(() => asked.toSorted(), PATIENT).toEqual(QUESTIONS.toSorted());
    await story.answer(thread, /Looking into 3 questions …/);
    for (const question of QUESTIONS.slice(1)) open.get(question)?.();
    await story.answer(thread, /Looking into 3 questions, 2 of them done …/);
    open.get(QUESTIONS[0] ?? '')?.();
    const answer = await story.answer(thread, /Here is what I found/);
    await story.quiet();

    const places = QUESTIONS.map((question) => textOf(answer).indexOf(`Found: ${question}`));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(story.said(thread)).toHaveLength(1);
  });

  it('use the tools that read and no others, on record with the question they were for', async () => {
    const offered = new Set<string>();
    scripted((question, request) => {
      for (const { name } of request.tools ?? []) offered.add(name);
      if (hasRead(request)) return { text: `Found: ${question}` };
      const order = { order: '7', amount: 120, currency: 'EUR', reason: 'x' };
      return {
        calls: [
          { tool: 'current_time', input: {} },
          ...(question.includes('OPS-2') ? [{ tool: 'refund', input: order }] : []),
        ],
      };
    });

    const thread = await story.mention('find all of that out');
    await story.answer(thread, /Found: What time/);
    await story.quiet();

    expect(offered).toContain('current_time');
    expect(offered).toContain('read_output');
    for (const name of ['refund', 'remember', 'send_message', 'hand_off', 'research', 'schedule_list']) {
      expect(offered).not.toContain(name);
    }
    expect(await story.open()).toEqual([]);
    expect(story.sandbox.shop.refunds).toEqual([]);
    const record = await trail();
    expect(record.match(/"subject":"tool:current_time"/g)).toHaveLength(3);
    expect(record).toMatch(/"event":"authorization\.deny"[^}]*"subject":"tool:refund".*?"question":2/);
  });

  it('are counted for whoever asked, to the token, with the calls made for them', async () => {
    scripted((question, request) =>
      hasRead(request) ? { text: `Found: ${question}` } : { calls: [{ tool: 'current_time', input: {} }] },
    );

    const thread = await story.mention('find all of that out');
    await story.answer(thread, /Here is what I found/);
    await story.quiet();

    const ledger = new UsageLedger(story.redis, story.keys);
    const lines = await ledger.lines(periodAt('day', story.clock.now(), 'UTC'));
    const of = (kind: string, subject: string) =>
      lines.find((line) => line.kind === kind && line.subject === subject)?.counts;
    expect(of('model', story.config.settings.model.name)).toMatchObject({ calls: 2 + 3 * 2 });
    expect(of('person', 'alex')).toMatchObject({
      turns: 1,
      tokens: of('model', story.config.settings.model.name)?.tokens,
    });
    expect(of('tool', 'research')).toEqual({ calls: 1 });
    expect(of('tool', 'current_time')).toEqual({ calls: 3 });
  });

  it('of which one reads an issue that somebody else wrote make what follows wait for a human', async () => {
    scripted((question, request) => {
      const issue = /OPS-\d/.exec(question)?.[0];
      if (issue === undefined || hasRead(request)) return { text: `Found: ${question}` };
      return { calls: [{ tool: 'jira_get_issue', input: { issue } }] };
    });
    const thread = await story.mention('find all of that out');
    await story.answer(thread, /Here is what I found/);
    await story.quiet();

    // Alone, a small refund is made without asking.
    story.sandbox.claude.script(() => undefined);
    await story.say(ALEX.slack, thread, 'refund order 3');

    await story.answer(thread, /Waiting for/);
    expect(await story.open()).toMatchObject([{ request: { tool: 'refund' } }]);
    expect(story.refunds(3)).toEqual([]);
  });

  it('end with the turn when somebody stops it', async () => {
    const { asked } = scripted(() => new Promise<ScriptedAnswer>(() => undefined));
    const thread = await story.mention('find all of that out');
    await expect.poll(() => asked, PATIENT).toHaveLength(3);

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> /stop');

    await story.answer(thread, /I stopped\./);
    await story.quiet();
    expect(asked).toHaveLength(3);
  });

  it('are looked into anew when the turn has to begin again, and answered once', async () => {
    withSettings({ model: { ...story.config.settings.model, retries: 0 } });
    const { asked } = scripted((question) => {
      // What the turn itself is told then.
      if (asked.length === 3) story.sandbox.claude.fault({ kind: 'overloaded' });
      return { text: `Found: ${question}` };
    });

    const thread = await story.mention('find all of that out');
    await story.answer(thread, /cannot reach my language model/);
    await story.advance(60_000);
    await story.answer(thread, /Here is what I found/);
    await story.quiet();

    expect(asked.toSorted()).toEqual([...QUESTIONS, ...QUESTIONS].toSorted());
    expect(story.said(thread).filter((message) => /Here is what I found/.test(textOf(message)))).toHaveLength(
      1,
    );
  });
});

describe('whoever runs the gateway', () => {
  function withAuthorizations(over: Partial<StoryConfig['authorizations']>): void {
    story.config = { ...story.config, authorizations: { ...story.config.authorizations, ...over } };
  }

  it('keeps the agent from it by a rule that wants a human: nobody is asked, and the agent hears why', async () => {
    const { rules } = Authorizations.parse({
      roles: { manager: { permissions: ['ask', 'approve'] } },
      rules: [{ name: 'research', tool: 'research', decision: 'ask', approvers: { role: 'manager' } }],
    });
    withAuthorizations({ rules: [...rules, ...story.config.authorizations.rules] });
    const { asked } = scripted(() => ({ text: 'found' }));

    const thread = await story.mention('find all of that out');
    await story.answer(
      thread,
      /Nobody was asked about this, because it cannot work.*look into them yourself/,
    );
    await story.quiet();

    expect(asked).toEqual([]);
    expect(await story.waiting()).toEqual([]);
  });

  it('switches it off as any other tool, from the next turn on', async () => {
    const { tools } = story.config.authorizations;
    withAuthorizations({ tools: { ...tools, deny: ['research'] } });
    const { asked } = scripted(() => ({ text: 'found' }));

    const thread = await story.mention('find all of that out');
    await story.answer(thread, /it is on the list tools\.deny/);

    expect(asked).toEqual([]);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.tools)).not.toContain('"research"');
  });
});

describe('the sandbox’s stand-in', () => {
  it('has two issues looked into, and tells of both', async () => {
    const thread = await story.mention('compare OPS-1 and OPS-2');
    const answer = await story.answer(thread, /Here is what I found/);

    expect(textOf(answer)).toMatch(/Question 1: show OPS-1.*OPS-1.*Question 2: show OPS-2/s);
    expect(textOf(answer)).toContain('jira_get_issue');
    expect(textOf(answer)).not.toContain('begins ---');
    expect(story.sandbox.claude.requests).toHaveLength(6);
  });
});

describe('a place for one question at a time', () => {
  it('is taken by one after the other, from the next turn on', async () => {
    let most = 0;
    let running = 0;
    const { asked } = scripted(async (question) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { text: `Found: ${question}` };
    });
    withSettings({ research: ResearchSettings.parse({ concurrency: 1 }) });

    const thread = await story.mention('find all of that out');
    await story.answer(thread, /Here is what I found/);

    expect(asked).toEqual(QUESTIONS);
    expect(most).toBe(1);
  });
});
