/** What people see of budgets, of models that stand in for others, and of what is counted. */
import { afterEach, describe, expect, it } from 'vitest';
import { periodAt } from '../../src/budget/period.ts';
import { UsageLedger } from '../../src/budget/usage-ledger.ts';
import { Authorizations } from '../../src/config/authorizations.ts';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { Platform } from '../../src/domain/ids.ts';
import { readHealth } from '../../src/health/health-board.ts';
import { defer } from '../support/core.ts';
import { ALEX, DANA, Story, type StoryConfig, textOf, withPerson } from '../support/story.ts';

const MINUTE = 60_000;
const OPS = 'C0OPS';

let story: Story;
afterEach(() => story.end());

type Change = (shipped: StoryConfig) => StoryConfig;

function withSettings(config: StoryConfig, over: Partial<StoryConfig['settings']>): StoryConfig {
  return { ...config, settings: { ...config.settings, ...over } };
}

function budgets(written: Parameters<typeof BudgetSettings.parse>[0]): Change {
  return (config) => withSettings(config, { budgets: BudgetSettings.parse(written) });
}

const spentToday = async () => {
  const ledger = new UsageLedger(story.redis, story.keys);
  const lines = await ledger.lines(periodAt('day', story.clock.now(), 'UTC'));
  return (kind: string, subject: string) =>
    lines.find((line) => line.kind === kind && line.subject === subject)?.counts ?? {};
};

const asked = () => story.sandbox.claude.requests.length;
const trail = async () => JSON.stringify(await story.app.audit.tail(100));

describe('a person who has used up their budget', () => {
  it('OM-162 gets the file all the same that somebody agrees to then, and nothing more is asked of the model', async () => {
    story = await Story.begin({
      config: (shipped) => {
        const { rules } = Authorizations.parse({
          roles: { manager: { permissions: ['ask', 'approve'] } },
          rules: [{ name: 'files', tool: 'attach_file', decision: 'ask', approvers: { role: 'manager' } }],
        });
        const { authorizations } = shipped;
        return {
          ...shipped,
          authorizations: { ...authorizations, rules: [...rules, ...authorizations.rules] },
        };
      },
    });
    const thread = await story.mention('send me the orders as a file');
    await story.answer(thread, /Waiting for role manager/);
    await story.quiet();
    const [approval] = await story.open();
    const before = asked();
    story.config = budgets({ person: { day: { tokens: 10 } } })(story.config);

    await story.dm(DANA.slack, `/approve ${approval?.id}`);
    await story.answer(thread, /used up/);
    await story.quiet();

    expect(story.said(thread).filter(({ files }) => files)).toHaveLength(1);
    expect(asked()).toBe(before);
  });

  it('OM-162 is told so once, with the reset time on their own clock; what they say is kept, others are unaffected', async () => {
    story = await Story.begin({
      config: (shipped) => {
        const config = withPerson(shipped, 'alex', { time_zone: 'Europe/Berlin' });
        return budgets({ person: { day: { tokens: 10 } } })(config);
      },
    });
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.quiet();
    const before = asked();

    await story.say(ALEX.slack, thread, 'remember that the code word is kestrel');
    await story.answer(
      thread,
      /The budget you have for today is used up: [\d,]+ of 10 tokens.*\(Europe\/Berlin\)/,
    );
    await story.say(ALEX.slack, thread, 'are you there?');
    await story.quiet();

    expect(
      story
        .said(thread)
        .map(textOf)
        .filter((text) => /used up/.test(text)),
    ).toHaveLength(1);
    expect(asked()).toBe(before);
    expect(await trail()).toContain('"event":"turn.refused"');
    const other = await story.mention('what can you do?', DANA.slack);
    await story.answer(other, /Here is what I can do/);

    // More is allowed again: everything that was said meanwhile is there to be read.
    story.config = budgets({})(story.config);
    await story.say(ALEX.slack, thread, 'and now?');
    await story.quiet();
    const read = JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages);
    expect(read).toContain('kestrel');
    expect(read).toContain('are you there?');
  });

  it('OM-162 is not told for each of those who write where the budget of the conversation is used up', async () => {
    story = await Story.begin({ config: budgets({ conversation: { month: { tokens: 10 } } }) });
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    for (const [who, text] of [
      [ALEX, 'and now?'],
      [DANA, 'and for me?'],
      [ALEX, 'hello?'],
    ] as const) {
      await story.quiet();
      await story.say(who.slack, thread, text);
    }
    await story.quiet();

    expect(
      story
        .said(thread)
        .map(textOf)
        .filter((text) => /used up/.test(text)),
    ).toHaveLength(1);
  });

  it('OM-162 reads it in /status as well, and only while it is so', async () => {
    story = await Story.begin({ config: budgets({ person: { day: { tokens: 10 } } }) });
    await story.mention('/status');
    const before = await story.told(ALEX.slack, /You are Alex/);
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.quiet();

    await story.mention('/status');

    expect(before).not.toContain('used up');
    expect(await story.told(ALEX.slack, /The budget you have for today is used up/)).toContain(
      'You are Alex',
    );
  });

  it('OM-162 is told again when the limit was raised and is used up as well, once', async () => {
    story = await Story.begin({ config: budgets({ person: { day: { tokens: 10 } } }) });
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slack, thread, 'and now?');
    await story.answer(thread, /used up: [\d,]+ of 10 tokens/);
    const spent = (await spentToday())('person', 'alex').tokens ?? 0;
    const raised = spent + 5;

    story.config = budgets({ person: { day: { tokens: raised } } })(story.config);
    await story.say(ALEX.slack, thread, 'one more');
    await story.quiet();
    for (const text of ['and another?', 'hello?']) await story.say(ALEX.slack, thread, text);
    await story.quiet();

    const told = story
      .said(thread)
      .map(textOf)
      .filter((text) => /used up/.test(text));
    expect(told).toHaveLength(2);
    expect(told[1]).toContain(`of ${new Intl.NumberFormat('en-US').format(raised)} tokens`);
  });

  it('OM-160 does not get round it by stopping each answer before its end', async () => {
    story = await Story.begin({ config: budgets({ person: { day: { tokens: 10 } } }) });
    const never = defer();
    async function* slowly(): AsyncGenerator<string> {
      yield 'Here is a long answer that people read while it is written. ';
      await never.promise;
    }
    story.sandbox.claude.script(() => ({ text: slowly() }));
    const thread = await story.mention('tell me all');
    await story.answer(thread, /Here is a long answer/);

    await story.say(ALEX.slack, thread, '!stop');
    await story.answer(thread, /I stopped/);
    never.resolve();
    const again = await story.mention('tell me all, again');

    await story.answer(again, /The budget you have for today is used up/);
    expect(asked()).toBe(1);
    const of = await spentToday();
    expect(of('model', story.config.settings.model.name)).toMatchObject({ calls: 1 });
    expect(of('person', 'alex').tokens).toBeGreaterThan(10);
  });

  it('OM-162 is answered again when the day is over', async () => {
    story = await Story.begin({ config: budgets({ person: { day: { tokens: 10 } } }) });
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slack, thread, 'and now?');
    await story.answer(thread, /used up/);

    const { endsMs } = periodAt('day', story.clock.now(), 'UTC');
    story.clock.move(endsMs - story.clock.now() - 1_000);
    const late = await story.mention('what can you do?');
    await story.answer(late, /used up/);
    story.clock.move(2_000);
    const early = await story.mention('what can you do?');

    await story.answer(early, /Here is what I can do/);
  });

  it('is still told what became of a call that was agreed to, which is carried out', async () => {
    story = await Story.begin();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for .*role manager/);
    await story.seen();
    const [approval] = await story.open();
    story.config = budgets({ person: { day: { tokens: 1 } } })(story.config);

    await story.dm(DANA.slack, `/approve ${approval?.id}`);

    await story.answer(thread, /The budget you have for today is used up/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
    expect(story.said(thread).map(textOf).join('\n')).toMatch(/Approved by/);
  });
});

describe('the budget of one turn', () => {
  it('OM-160 ends it with a sentence and what was done so far, as soon as it is lowered', async () => {
    story = await Story.begin({ config: budgets({ turn: { tokens: 1 } }) });
    story.sandbox.claude.script(() => ({
      text: 'Let me note that.',
      calls: [{ tool: 'state_confidence', input: { confidence: 0.9, about: 'it' } }],
    }));

    const thread = await story.mention('go on for ever');

    await story.answer(
      thread,
      /Let me note that\..*I stopped here: one answer of mine may use at most 1 tokens\. Ask me to go on\. Nothing was done so far\./s,
    );
    expect(asked()).toBe(1);
    expect(await trail()).toContain('"budget":"turn"');
  });
});

describe('what is counted', () => {
  it('OM-164 is each turn once, with the numbers the model gave, though its first attempts came to nothing', async () => {
    story = await Story.begin({
      config: (config) => withSettings(config, { model: { ...config.settings.model, retries: 0 } }),
    });
    story.sandbox.claude.fault({ kind: 'overloaded' }, 2);

    const thread = await story.mention('what can you do?');
    await story.answer(thread, /cannot reach my language model/);
    await expect
      .poll(async () => {
        await story.advance(MINUTE);
        return story.said(thread).length;
      })
      .toBe(2);
    await story.quiet();

    const of = await spentToday();
    expect(of('person', 'alex')).toMatchObject({ turns: 1 });
    const [, usage = ''] = /"usage":(\{[^}]*\})/.exec(await trail()) ?? [];
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = JSON.parse(usage);
    const { calls, tokens, output } = of('model', story.config.settings.model.name);
    expect({ calls, tokens, output }).toEqual({
      calls: 1,
      tokens: inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens,
      output: outputTokens,
    });
  });

  it('OM-164 is one turn, though the gateway is stopped and started while it answers', async () => {
    story = await Story.begin();
    const thread = await story.mention('what can you do?');
    await story.restart();
    await story.answer(thread, /Here is what I can do/);
    await story.quiet();

    expect((await spentToday())('person', 'alex')).toMatchObject({ turns: 1 });
  });
});

describe('a model that is away', () => {
  it('OM-142 is stood in for by the next one, and the audit says which answered', async () => {
    story = await Story.begin({
      config: (config) => {
        const { model } = config.settings;
        return withSettings(config, {
          model: { ...model, retries: 0, fallbacks: [{ name: 'claude-haiku-5' }] },
        });
      },
    });
    story.sandbox.claude.fault({ kind: 'overloaded' });

    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.quiet();

    expect(story.said(thread)).toHaveLength(1);
    expect(await trail()).toContain('"models":["claude-haiku-5"]');
    expect((await spentToday())('model', 'claude-haiku-5')).toMatchObject({ calls: 1 });
  });

  it('OM-141 is cut off after five failures, for every process to see, and seen to work again', async () => {
    story = await Story.begin({
      config: (config) => withSettings(config, { model: { ...config.settings.model, retries: 0 } }),
    });
    const health = async () => {
      const seen = await readHealth(story.redis, story.keys, story.clock.now());
      return seen.find(({ name }) => name.startsWith('model:'));
    };
    story.sandbox.claude.fault({ kind: 'overloaded' }, 1_000);
    for (let n = 0; n < 5; n++) await story.mention(`question ${n}`);

    await expect.poll(health).toMatchObject({ state: expect.stringMatching(/OPEN/), reason: /529/ });
    story.sandbox.claude.heal();
    await expect
      .poll(async () => {
        await story.advance(MINUTE);
        return health();
      })
      .toMatchObject({ state: 'CLOSED' });
  });
});

describe('a budget that runs out', () => {
  const calling =
    (when: unknown): Change =>
    (shipped) => {
      const config = withPerson(shipped, 'dana', {
        prefers: ['slack', 'email'].map((each) => Platform.parse(each)),
      });
      return {
        ...config,
        escalation: {
          ...config.escalation,
          escalations: {
            duty: WrittenPlan.parse({
              steps: [{ notify: [{ channel: { slack: OPS } }, 'dana'] }, { wait: '10m' }],
              last_resort: 'dana',
              settle: '0s',
            }),
          },
          triggers: EscalationTriggers.parse([{ when, raise: 'duty' }]),
        },
      };
    };
  const told = (pattern: RegExp) =>
    story.sandbox.slack
      .messages(OPS)
      .map(textOf)
      .filter((text) => pattern.test(text));

  const withoutTriggers: Change = (config) => ({
    ...config,
    escalation: { ...config.escalation, triggers: [] },
  });

  it.each<[string, Change]>([
    ['', (config) => config],
    [', though no trigger names it any more', withoutTriggers],
  ])(
    'OM-166 calls whom the policy names, once, and says once when there is something left again%s',
    async (_, edited) => {
      const spent = /The budget of everybody together for today: [\d,]+ of 10 tokens/;
      story = await Story.begin({
        config: (shipped) => budgets({ team: { day: { tokens: 10 } } })(calling('budget')(shipped)),
      });
      for (let n = 0; n < 4; n++) await story.mention('what can you do?');
      await story.sandbox.slack.until(() => told(spent).at(0));
      await story.mention('and now?', DANA.slack);
      await story.quiet();
      expect(told(/Somebody has to look after this/)).toHaveLength(1);
      expect(await story.app.escalations.live(10)).toMatchObject([{ standing: { state: 'ACTIVE' } }]);

      story.config = edited(budgets({ team: { day: { tokens: 1_000_000 } } })(story.config));
      const thread = await story.mention('what can you do?');
      await story.answer(thread, /Here is what I can do/);

      await story.sandbox.slack.until(() => told(/It is over: .*There is something left of it again/).at(0));
      await story.mention('what can you do?');
      await story.quiet();
      expect(told(/something left of it again/)).toHaveLength(1);
      expect(await story.app.escalations.live(10)).toEqual([]);
    },
  );
});
