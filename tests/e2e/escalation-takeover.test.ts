/** Whoever is called about a conversation takes it over by what the call says, whatever they were called for. */
import { afterEach, describe, expect, it } from 'vitest';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { Platform } from '../../src/domain/ids.ts';
import { ALEX, DANA, GENERAL, Story, type StoryConfig, textOf, withPerson } from '../support/story.ts';

const MINUTE = 60_000;
const OPS = 'C0OPS';
const DANA_DM = 'D0DANA';
const ALEX_DM = 'D0ALEX';

let story: Story;
afterEach(() => story.end());

describe('a call about a conversation that has never changed hands', () => {
  it.each<[string, unknown, () => Promise<string>]>([
    ['words of a message', { message: { words: ['lawyer'] } }, () => story.mention('I will call my lawyer')],
    ['a turn that fails', { turn_failed: 1 }, failingTurn],
    ['a tool that fails', 'tool_failed', failingTool],
    ['a doubt', { low_confidence: { below: 0.6 } }, doubt],
    ['a turn that uses up its steps', { budget: { percent: 1 } }, doubt],
  ])('OM-053 says what takes it over, and leads there, for %s', async (_, when, happen) => {
    story = await Story.begin({ config: calling([{ when, raise: 'duty' }]) });

    const thread = await happen();
    const call = await called();
    const [line = ''] = /[!/]takeover con_p\d+_\w+/.exec(call) ?? [];
    await story.dm(DANA.slack, line);

    await story.told(DANA.slack, /You have that conversation now/);
    await story.answer(thread, /Dana Reyes has taken over/);
    expect(call).toContain(`archives/${GENERAL}/p${thread.replace('.', '')}`);
  });

  it('OM-053 says what takes it over where it is a direct message, and leads nowhere', async () => {
    story = await Story.begin({
      config: calling([{ when: { message: { words: ['lawyer'] } }, raise: 'duty' }]),
    });

    await story.dm(ALEX.slack, 'I will call my lawyer');
    const call = await called();
    const [line = ''] = /[!/]takeover con_p\d+_\w+/.exec(call) ?? [];
    await story.dm(DANA.slack, line);

    await story.told(DANA.slack, /You have that conversation now/);
    expect(call).not.toContain('archives/');
  });
});

describe('somebody who has the conversation that others are called to', () => {
  const lawyer = { when: { message: { words: ['lawyer'] } }, raise: 'duty' };

  it('E1 OM-053 has what they were called for, also before the policy hands off, and without a hand-off at all', async () => {
    story = await Story.begin({
      config: calling(
        [lawyer],
        [{ notify: 'dana' }, { wait: '1m' }, { notify: { channel: { slack: OPS } } }],
      ),
    });
    const thread = await story.mention('I will call my lawyer');
    await called();

    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await later(3);

    expect(said(OPS).join()).not.toContain('Somebody has to look after this');
    expect(said(DANA_DM).join()).not.toContain('Nobody has this');
    expect(await live()).toMatchObject([{ standing: { state: 'ACKED', owner: { person: 'dana' } } }]);
  });

  it('E1 OM-053 has it where the policy hands off what waits for a human, or is theirs, already', async () => {
    story = await Story.begin({
      config: calling([lawyer], ['hand_off', { notify: 'dana' }, { wait: '30m' }]),
    });
    const thread = await story.mention('!human');
    await story.answer(thread, /A human was asked for/);
    const other = await story.mention('what can you do?');
    await story.answer(other, /Here is what I can do/);
    await story.say(DANA.slack, other, '!takeover');
    await story.answer(other, /Dana Reyes has taken over/);

    await story.say(ALEX.slack, thread, 'I will call my lawyer');
    await story.say(ALEX.slack, other, 'I will call my lawyer');
    await wanted();
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.quiet();

    const dana = { standing: { state: 'ACKED', owner: { person: 'dana' } } };
    expect(await live()).toMatchObject([dana, dana]);
  });

  it('E6 OM-053 keeps it as long as they write there, and it is over when they hand back', async () => {
    story = await Story.begin({
      config: calling([lawyer], ['hand_off', { notify: 'dana' }, { wait: '30m' }]),
    });
    const thread = await story.mention('I will call my lawyer');
    await called();
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);

    for (let written = 0; written < 5; written++) {
      await later(20);
      await story.say(DANA.slack, thread, `I am looking into it, part ${written}`);
      await story.quiet();
    }
    expect(said(DANA_DM).join()).not.toMatch(/still on it|not yours any more|Nobody has taken/);
    expect(await live()).toMatchObject([{ standing: { state: 'ACKED' } }]);
    await story.say(DANA.slack, thread, '!handback all done');
    await story.answer(thread, /has handed this conversation back/);

    expect(await live()).toEqual([]);
  });

  it('OM-053 calls nobody any more once they say that no human is needed', async () => {
    story = await Story.begin({
      config: calling([lawyer], ['hand_off', { notify: 'dana' }, { wait: '30m' }]),
    });
    const thread = await story.mention('I will call my lawyer');
    await story.answer(thread, /Whoever may take conversations over can call it off/);
    await called();

    await story.say(DANA.slack, thread, '!handback');
    await story.answer(thread, /no human is needed/);

    expect(await live()).toEqual([]);
    await later(40);
    expect(said(DANA_DM).join()).not.toContain('Nobody has this');
  });

  it('OM-053 is not told that they have taken it over', async () => {
    story = await Story.begin({
      config: calling(
        [{ when: 'handoff', raise: 'duty' }],
        [{ notify: ['dana', { channel: { slack: OPS } }] }, { wait: '30m' }],
      ),
    });
    const thread = await story.mention('!human');
    await called();

    await story.say(DANA.slack, thread, '!takeover');
    await untilSaid(OPS, /It is over.*has taken the/);
    await later(3);

    expect(said(DANA_DM).join()).not.toContain('It is over');
  });
});

it('OM-053 somebody for whom the agent asked for a human can call that off', async () => {
  story = await Story.begin();
  await story.dm(ALEX.slack, 'get me a human');
  await untilSaid(ALEX_DM, /I am asking for a human.*`!handback` calls it off/);

  await story.dm(ALEX.slack, '!handback');

  await untilSaid(ALEX_DM, /no human is needed/);
});

it('E1 OM-053 whoever takes the conversation of a request over looks after that, also without a hand-off, and each time', async () => {
  story = await Story.begin({ config: forRequests([{ notify: 'dana' }, { wait: '30m' }]) });
  const thread = await waitingRequest();
  await called();

  for (let time = 0; time < 2; time++) {
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    expect(await live()).toMatchObject([{ standing: { state: 'ACKED', owner: { person: 'dana' } } }]);
    await story.say(DANA.slack, thread, '!handback');
    // It goes on at once; by now it may have come to its end.
    expect(await live()).toMatchObject([
      { standing: { state: expect.stringMatching(/^(ACTIVE|EXHAUSTED)$/) } },
    ]);
  }
});

it('E6 OM-053 whoever may take the conversation of a request over, and was not called about that, has no part in it by this', async () => {
  const steps = [{ notify: { channel: { slack: OPS } } }, { wait: '5m' }, { notify: 'dana' }, { wait: '1h' }];
  story = await Story.begin({ config: (shipped) => notRunning(forRequests(steps)(shipped)) });
  const thread = await waitingRequest();

  await story.say(DANA.slack, thread, '!takeover');
  await story.answer(thread, /Dana Reyes has taken over/);
  expect(await live()).toMatchObject([{ standing: { state: 'ACTIVE' } }]);
  await later(6);

  await called();
});

describe('a call about a request, whose policy hands the conversation over', () => {
  const handingOver = [{ notify: 'dana' }, { wait: '10m' }, 'hand_off', { wait: '30m' }];

  it('E6 OM-053 goes on when whoever had the conversation meanwhile hands it back, or is not heard of there', async () => {
    for (const end of ['handed back', 'quiet']) {
      story = await Story.begin({ config: forRequests(handingOver) });
      const thread = await waitingRequest();
      await story.say(DANA.slack, thread, '!takeover');
      await story.answer(thread, /Dana Reyes has taken over/);
      await later(12);
      expect(await live()).toMatchObject([{ standing: { state: 'ACKED', owner: { person: 'dana' } } }]);

      if (end === 'handed back') await story.say(DANA.slack, thread, '!handback');
      for (let minutes = 0; minutes < 100; minutes += 10) await later(10);

      const lastWay = said(DANA_DM).filter((text) => /Nobody has this/.test(text));
      expect(lastWay.length, end).toBeGreaterThan(0);
      if (end === 'handed back') await story.end();
    }
  });

  it('E6 OM-053 is not over because the conversation is handed back, or nobody need come, while the request waits', async () => {
    story = await Story.begin({ config: forRequests([{ notify: 'dana' }, 'hand_off', { wait: '30m' }]) });
    const thread = await waitingRequest();
    const other = await waitingRequest();
    for (const each of [thread, other]) await story.answer(each, /This is for a human/);

    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.say(DANA.slack, thread, '!handback');
    await story.answer(thread, /has handed this conversation back/);
    await story.say(DANA.slack, other, '!handback');
    await story.answer(other, /is called on only about a request that waits/);

    expect(await story.open()).toHaveLength(2);
    expect(await live()).toHaveLength(2);
  });

  it('OM-053 says what takes the conversation over, and whose it is then', async () => {
    story = await Story.begin({ config: forRequests([{ notify: 'dana' }, 'hand_off', { wait: '30m' }]) });
    const thread = await waitingRequest();

    const call = await called();
    const [line = ''] = /[!/]takeover con_p\d+_\w+/.exec(call) ?? [];
    await story.dm(DANA.slack, line);

    await story.told(DANA.slack, /You have that conversation now/);
    await story.answer(thread, /Dana Reyes has taken over/);
    expect(await live()).toMatchObject([{ standing: { state: 'ACKED', owner: { person: 'dana' } } }]);
  });
});

it('E6 OM-053 whoever let go of it does not close it by handing the conversation back', async () => {
  const lawyer = { when: { message: { words: ['lawyer'] } }, raise: 'duty' };
  story = await Story.begin({ config: calling([lawyer]) });
  const thread = await story.mention('I will call my lawyer');
  await called();
  await story.say(DANA.slack, thread, '!takeover');
  await story.answer(thread, /Dana Reyes has taken over/);
  const [it] = await live();

  await story.dm(DANA.slack, `!release ${it!.id}`);
  await story.told(DANA.slack, /others are called/);
  await story.say(DANA.slack, thread, '!handback');
  await story.answer(thread, /has handed this conversation back/);

  expect(await live()).toHaveLength(1);
});

it('E1 OM-053 whoever comes after a second wait has what the first was for', async () => {
  story = await Story.begin({ config: forRequests(['hand_off', { wait: '3h' }]) });
  const thread = await waitingRequest();
  await story.answer(thread, /This is for a human/);
  await later(11);
  await story.answer(thread, /nobody could come in time/);

  await story.say(ALEX.slack, thread, '!human');
  await story.answer(thread, /A human was asked for/);
  await story.say(DANA.slack, thread, '!takeover');
  await story.answer(thread, /Dana Reyes has taken over/);

  expect(await live()).toMatchObject([{ standing: { state: 'ACKED', owner: { person: 'dana' } } }]);
});

async function waitingRequest(): Promise<string> {
  const thread = await story.mention('refund order 7');
  await story.answer(thread, /Waiting for .*role manager/);
  await story.seen();
  return thread;
}

async function later(minutes: number): Promise<void> {
  await story.quiet();
  await story.advance(minutes * MINUTE);
  await story.quiet();
}

async function live() {
  await story.quiet();
  return story.app.escalations.live(10);
}

/** Resolves when a policy wants a human where one is waited for already. */
async function wanted(): Promise<void> {
  for (;;) {
    const away = await story.app.controls.away(10);
    if (away.some(({ state, calledBy }) => state === 'HANDOFF_PENDING' && calledBy?.length === 1)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function untilSaid(place: string, pattern: RegExp): Promise<string> {
  return story.sandbox.slack.until(() => said(place).find((text) => pattern.test(text)));
}

function said(place: string): string[] {
  return story.sandbox.slack.messages(place).map(textOf);
}

async function called(): Promise<string> {
  return story.sandbox.slack.until(() =>
    said(DANA_DM).find((text) => text.includes('Somebody has to look after this')),
  );
}

async function failingTurn(): Promise<string> {
  const model = { ...story.config.settings.model, name: 'no-such-model', retries: 0 };
  story.config = { ...story.config, settings: { ...story.config.settings, model } };
  return story.mention('what can you do?');
}

async function failingTool(): Promise<string> {
  story.sandbox.shop.fault('refuse');
  const thread = await story.mention('refund order 7');
  await story.answer(thread, /Waiting for .*role manager/);
  await story.seen();
  const [approval] = await story.open();
  await story.dm(DANA.slack, `/approve ${approval!.id}`);
  return thread;
}

async function doubt(): Promise<string> {
  story.sandbox.claude.script((request) =>
    JSON.stringify(request.messages.at(-1)).includes('tool_result')
      ? { text: 'I believe so.' }
      : { calls: [{ tool: 'state_confidence', input: { confidence: 0.3, about: 'it' } }] },
  );
  return story.mention('how long is it?');
}

/** Dana is called on Slack, and after a while once more. */
function calling(
  triggers: readonly unknown[],
  steps: readonly unknown[] = [{ notify: 'dana' }, { wait: '30m' }],
): (shipped: StoryConfig) => StoryConfig {
  return (shipped) => {
    const config = withPerson(shipped, 'dana', { prefers: [Platform.parse('slack')] });
    const duty = WrittenPlan.parse({ steps, last_resort: 'dana', settle: '0s' });
    const escalation = {
      ...config.escalation,
      escalations: { duty },
      triggers: EscalationTriggers.parse(triggers),
    };
    return { ...config, escalation };
  };
}

/** Dana may take conversations over, and does not run the gateway. */
function notRunning(config: StoryConfig): StoryConfig {
  const { authorizations } = config;
  const guide = { permissions: ['ask' as const, 'take-over' as const] };
  const roles = { ...authorizations.roles, guide };
  const dana = withPerson(config, 'dana', { roles: ['manager', 'guide'] });
  return { ...dana, authorizations: { ...authorizations, roles } };
}

/** The same steps for what waits for an answer. */
function forRequests(steps: readonly unknown[]): (shipped: StoryConfig) => StoryConfig {
  return (shipped) => {
    const config = calling([], steps)(shipped);
    const { policies } = config.escalation;
    const raising = { ...policies.default!, escalation: 'duty' };
    return { ...config, escalation: { ...config.escalation, policies: { ...policies, default: raising } } };
  };
}
