/** Somebody has the agent do something at another time, and it is done then. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { TakeoverRule } from '../../src/config/takeover.ts';
import { defer } from '../support/core.ts';
import { ALEX, DANA, Story, textOf } from '../support/story.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

/** In two hours, as the clock in UTC shows it. */
function inTwoHours(): string {
  return new Date(story.clock.now() + 2 * HOUR).toISOString().slice(0, 16);
}

/** Where the day, which a budget is for, goes on for half of it at least. */
function whereItIsEarly(): string {
  return new Date().getUTCHours() < 12 ? 'UTC' : 'Pacific/Auckland';
}

/** Whoever asks for it is reminded of what is open in two hours. */
function scripted(): void {
  const plan = {
    title: 'standup',
    text: 'Say what is open.',
    kind: 'once',
    at: inTwoHours(),
    time_zone: 'UTC',
  };
  story.sandbox.claude.script(({ messages }) => {
    const said = JSON.stringify(messages.at(-1));
    if (said.includes('remind us')) return { calls: [{ tool: 'schedule_create', input: plan }] };
    if (said.includes('I planned this before')) return { text: 'Order 7 is open.' };
    return { text: 'It is planned.' };
  });
}

function said(thread: string): string {
  return story.said(thread).map(textOf).join('\n');
}

describe('something planned for later', () => {
  it('OM-111 OM-125 is done where it was planned, in the name of whoever planned it, also by another process', async () => {
    const { claude } = story.sandbox;
    const at = inTwoHours();
    const plan = { title: 'standup', text: 'Say what is open.', kind: 'once', at, time_zone: 'UTC' };
    claude.script(({ messages }) => {
      const said = JSON.stringify(messages.at(-1));
      if (said.includes('remind us')) return { calls: [{ tool: 'schedule_create', input: plan }] };
      if (said.includes('I planned this before')) return { text: 'Order 7 is open.' };
      return { text: 'It is planned.' };
    });

    const thread = await story.mention('remind us of what is open, in two hours');
    await story.answer(thread, /It is planned\./);
    await story.restart();
    await story.advance(1 * HOUR);
    await story.quiet();
    expect(story.said(thread).map(textOf).join()).not.toContain('planned this');
    await story.advance(2 * HOUR);

    await story.answer(thread, /Alex Kim planned this: standup/);
    await story.answer(thread, /Order 7 is open\./);
    await story.advance(24 * HOUR);
    await story.quiet();
    expect(story.said(thread).filter((message) => textOf(message).includes('planned this'))).toHaveLength(1);
  });

  it('C1 C3 is not spoken of while a person has the conversation, and is done when it is handed back', async () => {
    scripted();
    const thread = await story.mention('remind us of what is open');
    await story.answer(thread, /It is planned\./);
    await story.advance(HOUR + 50 * MINUTE);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /has taken over/);

    for (let n = 0; n < 3; n++) await story.advance(9 * MINUTE);
    await story.quiet();
    expect(said(thread)).not.toMatch(/planned this|Order 7/);
    expect(await story.app.controls.away(1)).toMatchObject([{ state: 'HUMAN' }]);
    await story.say(DANA.slack, thread, '!handback');
    await story.quiet();
    await story.advance(MINUTE);

    await story.answer(thread, /Alex Kim planned this: standup .*It is late/);
    await story.answer(thread, /Order 7 is open\./);
  });

  it('C3 that falls due before somebody takes over is done after them, and keeps nobody who is quiet', async () => {
    scripted();
    const thread = await story.mention('remind us of what is open', DANA.slack);
    await story.answer(thread, /It is planned\./);
    story.sandbox.claude.script(async ({ messages }) => {
      if (JSON.stringify(messages.at(-1)).includes('I planned this before')) return { text: slowly() };
      return { text: 'Well.' };
    });
    const finish = defer();
    async function* slowly(): AsyncGenerator<string> {
      yield 'Order 7 ';
      await finish.promise;
      yield 'is open.';
    }

    await story.advance(2 * HOUR + MINUTE);
    await story.answer(thread, /Order 7 +…/);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /has taken over/);
    finish.resolve();
    await story.quiet();
    const [before] = await story.app.controls.away(1);
    await story.say(DANA.slack, thread, '!handback');
    await story.quiet();
    await story.advance(MINUTE);

    await story.answer(thread, /Order 7 is open\./);
    expect(before).toMatchObject({ state: 'HUMAN', rev: 1 });
  });

  it('OM-162 waits for a budget that is used up, says so once, and is done when that begins anew', async () => {
    const time_zone = whereItIsEarly();
    const budgeted = (limits: object) => {
      const budgets = BudgetSettings.parse({ ...limits, time_zone });
      return { ...story.config, settings: { ...story.config.settings, budgets } };
    };
    story.config = budgeted({});
    scripted();
    const thread = await story.mention('remind us of what is open');
    await story.answer(thread, /It is planned\./);
    story.config = budgeted({ person: { day: { tokens: 1 } } });

    await story.advance(2 * HOUR + MINUTE);
    await story.answer(
      thread,
      /standup .* not done yet, because the budget of Alex Kim for today is used up/,
    );
    for (let n = 0; n < 3; n++) await story.advance(6 * MINUTE);
    await story.quiet();
    expect(said(thread).match(/planned this/g)).toHaveLength(1);
    expect(said(thread)).not.toMatch(/Order 7|begins anew on/);
    story.config = budgeted({});
    await story.advance(6 * MINUTE);

    await story.answer(thread, /Alex Kim planned this: standup .*It is late/);
    await story.answer(thread, /Order 7 is open\./);
  });

  it('is not said by whoever planned it: no rule takes over for them, and no words of it call anybody', async () => {
    scripted();
    const thread = await story.mention('remind us of what is open', DANA.slack);
    await story.answer(thread, /It is planned\./);
    await story.say(ALEX.slack, thread, 'and me too');
    await story.quiet();
    const { authorizations, escalation } = story.config;
    const rule = { name: 'steps in', when: { roles: ['operator'], platforms: ['slack'] }, do: 'take-over' };
    const duty = WrittenPlan.parse({ steps: [{ notify: 'alex' }, { wait: '10m' }], last_resort: 'alex' });
    const trigger = { when: { message: { words: ['what is open'] } }, raise: 'duty' };
    story.config = {
      ...story.config,
      authorizations: {
        ...authorizations,
        takeover: { ...authorizations.takeover, rules: [TakeoverRule.parse(rule)] },
      },
      escalation: { ...escalation, escalations: { duty }, triggers: EscalationTriggers.parse([trigger]) },
    };

    await story.advance(2 * HOUR + MINUTE);
    await story.answer(thread, /Order 7 is open\./);

    await story.quiet();
    expect(await story.app.controls.away(1)).toEqual([]);
    expect(await story.app.escalations.live(1)).toEqual([]);
  });

  it('again and again waits for a yes, as whatever a rule holds', async () => {
    const { claude } = story.sandbox;
    const plan = { title: 'report', text: 'Report.', kind: 'cron', cron: '0 9 * * *' };
    claude.script(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('every morning')
        ? { calls: [{ tool: 'schedule_create', input: plan }] }
        : { text: 'Noted.' },
    );

    const thread = await story.mention('report every morning');

    await story.answer(thread, /schedule_create/);
    const [waiting] = await story.waiting();
    expect(waiting?.request).toMatchObject({ tool: 'schedule_create', args: { cron: '0 9 * * *' } });
    expect(waiting?.request.preview?.changes[0]?.after).toMatch(/^0 9 \* \* \* \(UTC\): /);
  });
});
