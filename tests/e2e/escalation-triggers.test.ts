/** What makes people be called by itself, each kind once, and how they hear that they need not come after all. */
import { afterEach, describe, expect, it } from 'vitest';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { Platform } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import type { Script } from '../../src/sandbox/claude/claude-sandbox.ts';
import { DANA as DANA_ON_DISCORD, DISCORD_CHANNELS } from '../../src/sandbox/people.ts';
import {
  ALEX,
  button,
  DANA,
  EVE,
  GENERAL,
  Story,
  type StoryConfig,
  textOf,
  withPerson,
} from '../support/story.ts';

const MINUTE = 60_000;
const OPS = 'C0OPS';
const DANA_DM = 'D0DANA';

let story: Story;
afterEach(() => story.end());

/** Dana is called on Slack, and the channel reads it. */
const DUTY = {
  steps: [{ notify: [{ channel: { slack: OPS } }, 'dana'] }, { wait: '10m' }],
  last_resort: 'dana',
  settle: '0s',
};

function calling(
  when: unknown,
  { severity = 'warning', name }: { severity?: string; name?: string } = {},
): (shipped: StoryConfig) => StoryConfig {
  return (shipped) => {
    const config = withPerson(shipped, 'dana', {
      prefers: ['slack', 'email'].map((each) => Platform.parse(each)),
    });
    return {
      ...config,
      escalation: {
        ...config.escalation,
        escalations: { duty: WrittenPlan.parse(DUTY) },
        triggers: EscalationTriggers.parse([
          { when, raise: 'duty', severity, ...(name === undefined ? {} : { name }) },
        ]),
      },
    };
  };
}

/** Whoever is on duty is called about every request that waits. */
function callingForRequests(shipped: StoryConfig): StoryConfig {
  const { escalation, ...config } = calling('handoff')(shipped);
  const policies = Object.entries(escalation.policies).map(([name, policy]) => [
    name,
    { ...policy, escalation: 'duty' },
  ]);
  return { ...config, escalation: { ...escalation, policies: Object.fromEntries(policies) } };
}

/** With other triggers; `night` is as `duty` is. */
function naming(config: StoryConfig, triggers: readonly unknown[]): StoryConfig {
  const escalations = { ...config.escalation.escalations, night: WrittenPlan.parse(DUTY) };
  return {
    ...config,
    escalation: { ...config.escalation, escalations, triggers: EscalationTriggers.parse(triggers) },
  };
}

/** What Dana was told of a kind, oldest first. */
function told(pattern: RegExp, place = DANA_DM): string[] {
  return story.sandbox.slack
    .messages(place)
    .map(textOf)
    .filter((text) => pattern.test(text));
}

async function untilTold(pattern: RegExp, place = DANA_DM): Promise<string> {
  return story.sandbox.slack.until(() => told(pattern, place).at(-1));
}

/** Where it was called out, and a little later those who were called: good news disturbs nobody. */
async function untilOver(pattern: RegExp): Promise<void> {
  await untilTold(pattern, OPS);
  await story.quiet();
  await story.advance(3 * MINUTE);
  await untilTold(pattern);
}

async function live() {
  await story.quiet();
  return story.app.escalations.live(10);
}

/** A request that Dana agrees to, as soon as somebody is asked. */
async function agreed(order: number): Promise<string> {
  const thread = await story.mention(`refund order ${order}`);
  await agree(thread);
  return thread;
}

async function agree(thread: string): Promise<void> {
  await story.answer(thread, /Waiting for .*role manager/);
  await story.seen();
  const [approval] = await story.open();
  await story.dm(DANA.slack, `/approve ${approval!.id}`);
}

const isAfter = (request: Parameters<Script>[0], text: string) =>
  JSON.stringify(request.messages.at(-1)).includes(text);

describe('a tool that fails', () => {
  const often = { tool_failed: { tools: ['refund'], times: 2 } };

  it('OM-053 OM-166 calls somebody once after so many failures of agreed calls, and says once when it works again', async () => {
    story = await Story.begin({ config: calling(often, { severity: 'error' }) });
    story.sandbox.shop.fault('refuse', 'refuse', 'refuse');
    const thread = await agreed(7);
    await story.answer(thread, /failed/i);
    expect(await live()).toEqual([]);

    for (const word of ['second', 'third']) {
      await story.say(ALEX.slack, thread, `refund order 7 for the ${word} time`);
      await agree(thread);
      await story.quiet();
    }
    expect(await untilTold(/The tool refund failed 2 times in a row/)).toContain('error');
    expect(await live()).toMatchObject([{ count: 2, standing: { state: 'ACTIVE' } }]);
    expect(told(/The tool refund failed/)).toHaveLength(1);

    await story.say(ALEX.slack, thread, 'refund order 7, please');
    await agree(thread);
    await untilOver(/It is over: The tool refund failed.*The tool refund works again\./);
    expect(await live()).toEqual([]);

    await story.say(ALEX.slack, thread, 'refund order 8 for 60 EUR');
    await agree(thread);
    await story.quiet();
    await story.advance(30 * MINUTE);
    await story.quiet();
    expect(told(/works again/)).toHaveLength(1);
    expect(told(/works again/, OPS)).toHaveLength(1);
    expect(told(/Somebody has to look after this/, OPS)).toHaveLength(1);
  });

  it('tells whoever looks after it when it works again', async () => {
    story = await Story.begin({ config: calling('tool_failed') });
    story.sandbox.shop.fault('refuse');
    const thread = await agreed(7);
    const [ticket] = /esc_p\d+_[0-9a-z]{12}/.exec(await untilTold(/The tool refund failed once/)) ?? [];
    await story.dm(DANA.slack, `!ack ${ticket}`);
    await untilTold(/Dana Reyes looks after it/, OPS);

    await story.say(ALEX.slack, thread, 'refund order 7');
    await agree(thread);
    await untilOver(/It is over: The tool refund failed once/);
    expect(await live()).toEqual([]);
  });

  it('OM-053 counts one that fails inside a turn, and not one that failed and then worked', async () => {
    story = await Story.begin({
      config: calling({ tool_failed: { tools: ['storage_put'], times: 3 } }),
    });
    let failures = 0;
    /** Over a version there is not, it fails. */
    const put = (over: { text?: string; replaces?: number } = {}) => ({
      calls: [{ tool: 'storage_put', input: { name: 'plan', text: 'cake', ...over } }],
    });
    story.sandbox.claude.script((request) => {
      if (failures > 0) {
        failures--;
        return put({ replaces: 7 });
      }
      return isAfter(request, 'tool_result') && !isAfter(request, '"is_error":true')
        ? { text: 'Done.' }
        : put();
    });
    failures = 2;
    const thread = await story.mention('keep the plan');
    await story.answer(thread, /Done\./);
    expect(await live()).toEqual([]);

    story.sandbox.claude.script((request) =>
      isAfter(request, 'tool_result') ? { text: 'I cannot.' } : put({ text: 'pie', replaces: 7 }),
    );
    for (const word of ['one', 'two', 'three']) {
      await story.say(ALEX.slack, thread, word);
      await story.quiet();
      expect(await live()).toHaveLength(word === 'three' ? 1 : 0);
    }
    await untilTold(/The tool storage_put failed 3 times in a row/);
  });

  it('OM-053 calls nobody for what is refused, or does not fit, however often somebody asks for it', async () => {
    story = await Story.begin({ config: calling('tool_failed') });
    story.sandbox.claude.script((request) =>
      isAfter(request, 'tool_result')
        ? { text: 'I cannot.' }
        : {
            calls: [
              { tool: 'deploy', input: { service: 'shop', environment: 'the moon' } },
              { tool: 'state_confidence', input: { confidence: 7, about: 'it' } },
            ],
          },
    );

    const thread = await story.mention('deploy it to the moon');
    await story.answer(thread, /I cannot\./);
    await story.quiet();

    expect(await live()).toEqual([]);
  });
});

describe('an agent that does not get on', () => {
  it('OM-053 OM-166 calls somebody at the named try of a message, and says once when a later one is answered', async () => {
    story = await Story.begin({ config: calling({ turn_failed: 3 }) });
    const working = story.config;
    refuse(working);
    const thread = await story.mention('what can you do?');
    for (let failure = 1; failure <= 6; failure++) {
      await parked();

      await story.advance(MINUTE);
    }
    await story.answer(thread, /could not handle this message/);
    expect(await untilTold(/could not answer 3 times in a row/)).toContain('warning');
    expect(told(/could not answer/)).toHaveLength(1);
    expect(await live()).toMatchObject([{ origin: { platform: 'slack' } }]);

    story.config = working;
    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> hello?');
    await untilOver(/It is over: The agent could not answer.*The agent answers there again\./);
    await story.say(ALEX.slack, thread, 'hello again?');
    expect(await live()).toEqual([]);
    expect(told(/answers there again/)).toHaveLength(1);
    expect(told(/answers there again/, OPS)).toHaveLength(1);
  });

  it('OM-166 is over as soon as a further try of the same message succeeds', async () => {
    story = await Story.begin({ config: calling({ turn_failed: 1 }) });
    const working = story.config;
    refuse(working);
    const thread = await story.mention('hello');
    await parked();
    await untilTold(/could not answer once/);

    story.config = working;
    await story.advance(MINUTE);
    await story.answer(thread, /./);
    await untilOver(/It is over: The agent could not answer once/);
    expect(await live()).toEqual([]);
  });

  it('OM-053 OM-140 OM-166 calls somebody once when the model stays away, whoever waits, and says so when it answers', async () => {
    story = await Story.begin({ config: withImpatientModel(calling({ model_away: { after: '5m' } })) });
    story.sandbox.claude.fault({ kind: 'overloaded' }, 1_000);
    const threads = [await story.mention('what can you do?'), await story.mention('and what else?')];
    for (const thread of threads) await story.answer(thread, /cannot reach my language model/);

    for (let look = 0; look < 4; look++) {
      await parked(2);
      await story.advance(3 * MINUTE);
    }
    await parked(2);
    expect(await untilTold(/The language model has not answered for \d+ minutes/)).toContain('warning');
    expect(await story.app.escalations.live(10)).toMatchObject([{ count: 1 }]);

    story.sandbox.claude.heal();
    await story.advance(MINUTE);
    await untilOver(/It is over: The language model.*The language model answers again\./);
    expect(await live()).toEqual([]);
    expect(told(/answers again/, OPS)).toHaveLength(1);

    story.sandbox.claude.fault({ kind: 'overloaded' }, 1_000);
    await story.say(ALEX.slack, threads[0]!, 'and now?');
    await parked();
    expect(await story.app.escalations.live(10)).toEqual([]);
    await story.advance(6 * MINUTE);
    await story.sandbox.slack.until(
      () => told(/Somebody has to look after this/, OPS).length === 2 || undefined,
    );
  });

  it('OM-053 calls somebody when a turn takes so much of its steps, and not for less', async () => {
    const spending = calling({ budget: { percent: 75 } });
    story = await Story.begin({
      config: (shipped) => {
        const config = spending(shipped);
        const model = { ...config.settings.model, max_steps: 4 };
        return { ...config, settings: { ...config.settings, model } };
      },
    });
    let steps = 0;
    story.sandbox.claude.script(() =>
      --steps > 0
        ? { calls: [{ tool: 'state_confidence', input: { confidence: 0.9, about: 'it' } }] }
        : { text: 'Done.' },
    );
    steps = 2;
    const thread = await story.mention('a little');
    await story.answer(thread, /Done\./);
    expect(await live()).toEqual([]);

    steps = 3;
    await story.say(ALEX.slack, thread, 'more');
    await untilTold(/A turn has used 75 % of the steps it may take/);
  });
});

describe('what began by a policy that no trigger names any more', () => {
  it.each([
    ['another policy', [{ when: 'handoff', raise: 'night' }]],
    ['nothing', []],
  ])(
    'OM-166 is over once somebody takes the conversation over: the triggers name %s',
    async (_, triggers) => {
      story = await Story.begin({ config: calling('handoff') });
      const thread = await story.mention('what can you do?');
      await story.answer(thread, /Here is what I can do/);
      await story.say(ALEX.slack, thread, '!human my order is lost');
      await untilTold(/A human is wanted/);

      story.config = naming(story.config, triggers);
      await story.say(DANA.slack, thread, '!takeover');
      await untilTold(/It is over: A human is wanted.*Dana Reyes has taken the conversation over\./, OPS);

      expect(await live()).toEqual([]);
    },
  );

  it('OM-166 is over once a tool works again', async () => {
    story = await Story.begin({ config: calling('tool_failed') });
    story.sandbox.shop.fault('refuse');
    const thread = await agreed(7);
    await untilTold(/The tool refund failed once/);

    story.config = naming(story.config, [{ when: 'tool_failed', raise: 'night' }]);
    await story.say(ALEX.slack, thread, 'refund order 7');
    await agree(thread);
    await untilOver(/It is over: The tool refund failed once.*The tool refund works again\./);

    expect(await live()).toEqual([]);
  });

  it('OM-166 is over once a turn works again', async () => {
    story = await Story.begin({ config: calling({ turn_failed: 1 }) });
    const working = story.config;
    refuse(working);
    await story.mention('hello');
    await parked();
    await untilTold(/could not answer once/);

    story.config = naming(working, []);
    await story.advance(MINUTE);
    await untilOver(/It is over: The agent could not answer once/);

    expect(await live()).toEqual([]);
  });

  it('OM-166 is over once the model answers again', async () => {
    story = await Story.begin({ config: withImpatientModel(calling({ model_away: { after: '5m' } })) });
    story.sandbox.claude.fault({ kind: 'overloaded' }, 1_000);
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /cannot reach my language model/);
    for (let look = 0; look < 4; look++) {
      await parked();
      await story.advance(3 * MINUTE);
    }
    await untilTold(/The language model has not answered/);

    story.config = naming(story.config, [{ when: 'model_away', raise: 'night' }]);
    story.sandbox.claude.heal();
    await story.advance(MINUTE);
    await untilOver(/It is over: The language model/);

    expect(await live()).toEqual([]);
  });

  it('OM-166 is over once everything that was kept is settled', async () => {
    story = await Story.begin({ config: calling('dead_letter') });
    refuse(story.config);
    await story.mention('one');
    await failForGood();
    await untilTold(/Something could not be handled or delivered/);
    const [letter] = await story.app.deadLetters.list();

    story.config = naming(story.config, [{ when: 'dead_letter', raise: 'night' }]);
    await story.app.deadLetters.discard(letter!.id, 'dana');
    await untilTold(/It is over: .*Everything that was kept is settled\./, OPS);

    expect(await live()).toEqual([]);
  });
});

describe('something nobody can handle', () => {
  it('OM-053 OM-166 calls somebody once for what went to the dead letters, and says once when all of it is settled', async () => {
    story = await Story.begin({ config: calling('dead_letter', { name: 'kept' }) });
    const working = story.config;
    refuse(working);
    for (const text of ['one', 'two']) {
      await story.mention(text);
      for (let failure = 1; failure <= 6; failure++) {
        await parked();
        await story.advance(MINUTE);
      }
      await story.quiet();
    }
    await untilTold(/kept: Something could not be handled or delivered/);
    expect(await live()).toMatchObject([{ count: 2 }]);
    const [first, second] = await story.app.deadLetters.list();

    await story.app.deadLetters.discard(first!.id, 'dana');
    expect(await live()).toHaveLength(1);
    story.config = working;
    await story.app.deadLetters.retry(second!.id, 'dana');
    await untilTold(/It is over: .*Everything that was kept is settled\./, OPS);
    await story.quiet();
    await story.advance(3 * MINUTE);
    // Where they were called last: by then by mail as well.
    await story.mail(DANA.mail, /Everything that was kept is settled\./);
    expect(await live()).toEqual([]);
    expect(told(/is settled/)).toEqual([]);
    expect(told(/is settled/, OPS)).toHaveLength(1);
    expect(told(/Somebody has to look after this/, OPS)).toHaveLength(1);
  });

  it.each([
    // It was over once it was retried, and begins anew.
    ['dead_letter', 'dead_letter', /Something could not be handled or delivered/, [[1], [1]]],
    // Each of the tries from the third on counts, those after it was retried as well.
    ['turn_failed', { turn_failed: 3 }, /could not answer 3 times in a row/, [[4], [8]]],
  ])(
    'OM-166 calls somebody anew when it fails again after it was retried: %s',
    async (_name, when, words, counts) => {
      story = await Story.begin({ config: calling(when) });
      refuse(story.config);
      await story.mention('one');
      await failForGood();
      await untilTold(words);
      const called = async () => (await story.app.escalations.live(10)).map(({ count }) => count);
      const before = await called();
      const [letter] = await story.app.deadLetters.list();

      await story.app.deadLetters.retry(letter!.id, 'dana');
      await failForGood();

      expect(await story.app.deadLetters.list()).toHaveLength(1);
      expect([before, await called()]).toEqual(counts);
    },
  );
});

/** Every try of what was said, until it is given up. */
async function failForGood(): Promise<void> {
  for (let failure = 1; failure <= 6; failure++) {
    await parked();
    await story.advance(MINUTE);
  }
  await story.quiet();
}

describe('a channel that was called', () => {
  const FIRE = calling({ message: { words: ['fire'] } });
  /** Carl has Eve's Slack account, and a role that runs nothing. */
  const withCarl = (shipped: StoryConfig): StoryConfig => {
    const config = FIRE(shipped);
    const { people } = config.contacts;
    const carl = { ...people.alex!, name: 'Carl Chen', accounts: { slack: [`T0SANDBOX/${EVE.slack}`] } };
    return { ...config, contacts: { ...config.contacts, people: { ...people, carl } } };
  };
  /** Eve, who is in no file, may speak to the agent. */
  const withGuests = (shipped: StoryConfig): StoryConfig => {
    const config = FIRE(shipped);
    const guests = { unknown_senders: 'answer' as const, guest_role: RoleName.parse('member') };
    return { ...config, authorizations: { ...config.authorizations, ...guests } };
  };

  async function raised(): Promise<string> {
    await story.mention('there is a fire');
    return /esc_p\d+_[0-9a-z]{12}/.exec(await untilTold(/a rule watches for/, OPS))?.[0] ?? '';
  }

  async function writes(user: string, text: string, channel = OPS): Promise<void> {
    const said = await story.sandbox.slack.say({ user, channel, text: `<@U0SIGNALBOX> ${text}` });
    await said.acknowledged;
  }

  const standing = async () => (await story.app.escalations.live(10)).map((each) => each.standing.state);

  it('lets people we know act from within it, and from nowhere else', async () => {
    story = await Story.begin({ config: withCarl });
    const ticket = await raised();

    await writes(EVE.slack, `!ack ${ticket}`, GENERAL);
    await story.told(EVE.slack, /You were not called about this/);
    expect(await standing()).toEqual(['ACTIVE']);

    await writes(EVE.slack, `!ack ${ticket}`);
    await story.told(EVE.slack, /You look after it now/);
    expect(await standing()).toEqual(['ACKED']);
    const rules = (await story.app.audit.tail(50)).map(({ event }) => event.detail?.rule);
    expect(rules).toContain(`they are in slack ${OPS}, which was called`);
  });

  it('hears them without being mentioned, for the ticket says whom they mean', async () => {
    story = await Story.begin({ config: withCarl });
    const ticket = await raised();

    const said = await story.sandbox.slack.say({ user: EVE.slack, channel: OPS, text: `!ack ${ticket}` });
    await said.acknowledged;

    await story.told(EVE.slack, /You look after it now/);
    expect(await standing()).toEqual(['ACKED']);
  });

  it('lets whoever was called act on it, and see what waits, though they may not talk to the agent', async () => {
    const withVoters = (shipped: StoryConfig): StoryConfig => {
      const config = FIRE(shipped);
      const { roles } = config.authorizations;
      const voter = { permissions: ['approve' as const] };
      return withPerson(
        { ...config, authorizations: { ...config.authorizations, roles: { ...roles, voter } } as never },
        'dana',
        { roles: [RoleName.parse('voter')] },
      );
    };
    story = await Story.begin({ config: withVoters });
    const ticket = await raised();

    await writes(DANA.slack, 'what can you do?');
    await story.sandbox.slack.until(() => told(/You may not ask me/, OPS).at(-1));
    await writes(DANA.slack, '!escalations');
    await story.told(DANA.slack, /Somebody has to look after these/);
    await writes(DANA.slack, '!approvals');
    await story.told(DANA.slack, /Nothing waits|no approvals|waiting/i);
    await writes(DANA.slack, `!ack ${ticket}`);
    await story.told(DANA.slack, /You look after it now/);
    expect(await standing()).toEqual(['ACKED']);
  });

  it('takes no command that was changed after it was sent', async () => {
    story = await Story.begin({ config: withCarl });
    const ticket = await raised();
    const { discord } = story.sandbox;
    const channel = DISCORD_CHANNELS[0].id;
    const user = DANA_ON_DISCORD.discordUser;
    await discord.say({ user, channel, text: '@signalbox !escalations' });
    await discord.until(
      () => /look after these/.test(JSON.stringify(discord.messages(DANA_ON_DISCORD.discordDm))) || undefined,
    );

    // Read from the history only after it was changed.
    await story.app.stop();
    const { id: message } = await discord.say({ user, channel, text: '@signalbox !escalations' });
    await discord.edit({ message, text: `@signalbox !resolve ${ticket}` });
    await story.restart();

    const said = () =>
      JSON.stringify([...discord.messages(channel), ...discord.messages(DANA_ON_DISCORD.discordDm)]);
    await discord.until(() => /was changed after it was sent/.test(said()) || undefined);
    expect(await standing()).toEqual(['ACTIVE']);
  });

  it('lets them press the button of the post', async () => {
    story = await Story.begin({ config: withCarl });
    await raised();
    const post = await story.sandbox.slack.until((slack) =>
      slack.messages(OPS).find((message) => /a rule watches for/.test(textOf(message))),
    );

    const actionId = button(post, /I look after it/);
    await story.sandbox.slack.press({ user: EVE.slack, channel: OPS, ts: post.ts, actionId });

    await story.told(EVE.slack, /You look after it now/);
  });

  it('calls neither strangers who are let in, nor whoever it comes from', async () => {
    story = await Story.begin({ config: withGuests });
    const ticket = await raised();

    for (const [user, why] of [
      [EVE.slack, /You were not called about this/],
      [ALEX.slack, /It comes from you/],
    ] as const) {
      await writes(user, `!ack ${ticket}`);
      await story.told(user, why);
    }

    expect(await standing()).toEqual(['ACTIVE']);
  });

  it('lets whoever it comes from neither close it nor put it off, though they run the gateway', async () => {
    story = await Story.begin({
      config: (shipped) => withPerson(FIRE(shipped), 'alex', { roles: [RoleName.parse('operator')] }),
    });
    const ticket = await raised();

    for (const word of ['resolve', 'snooze']) await story.dm(ALEX.slack, `!${word} ${ticket}`);
    await story.sandbox.slack.until(
      () => story.sandbox.slack.ephemerals(ALEX.slack).length === 2 || undefined,
    );

    const answers = story.sandbox.slack.ephemerals(ALEX.slack).map(textOf);
    for (const answer of answers) expect(answer).toContain('It comes from you');
    expect(await standing()).toEqual(['ACTIVE']);
  });
});

describe('whom it comes from', () => {
  const HANDOFF = calling('handoff');

  it('is not called about a human whom a rule wants', async () => {
    story = await Story.begin({
      config: (shipped) => {
        const config = HANDOFF(withPerson(shipped, 'alex', { roles: [RoleName.parse('operator')] }));
        const { takeover } = config.authorizations;
        const rules = [{ name: 'lawyers', when: { words: ['lawyer'] }, do: 'call-human' as const }];
        return {
          ...config,
          authorizations: { ...config.authorizations, takeover: { ...takeover, rules } },
        };
      },
    });
    const thread = await story.mention('I will call my lawyer', DANA.slack);
    await story.answer(thread, /This is for a human/);
    await untilTold(/A human is wanted/, OPS);
    const [escalation] = await story.app.escalations.live(10);
    expect(escalation?.except).toEqual(['dana']);
  });

  it('is not called about a human whom the agent wants', async () => {
    story = await Story.begin({
      config: (shipped) => HANDOFF(withPerson(shipped, 'alex', { roles: [RoleName.parse('operator')] })),
    });
    story.sandbox.claude.script(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('A human is asked')
        ? { text: 'I cannot find it, sorry.' }
        : { calls: [{ tool: 'hand_off', input: { reason: 'it is not in my books' } }] },
    );
    const thread = await story.mention('where is order 99?', DANA.slack);
    await story.answer(thread, /I cannot find it/);
    await untilTold(/A human is wanted/, OPS);
    const [escalation] = await story.app.escalations.live(10);
    expect(escalation?.except).toEqual(['dana']);
  });

  it('may not act on it once they report it too, though they were called; what is theirs stays theirs', async () => {
    story = await Story.begin({ config: calling({ message: { words: ['lawsuit'] } }) });
    const thread = await story.mention('I think about a lawsuit');
    const [ticket] = /esc_p\d+_\w+/.exec(await untilTold(/what a rule watches for/)) ?? [];
    await story.say(DANA.slack, thread, 'a lawsuit, really?');
    await story.quiet();
    expect(await live()).toMatchObject([{ count: 2, except: ['alex', 'dana'] }]);

    await story.dm(DANA.slack, `!ack ${ticket}`);
    await story.told(DANA.slack, /It comes from you/);
    expect(await live()).toMatchObject([{ standing: { state: 'ACTIVE' } }]);
  });

  it('lets go of what they had before they reported it too', async () => {
    story = await Story.begin({ config: calling({ message: { words: ['lawsuit'] } }) });
    const thread = await story.mention('I think about a lawsuit');
    const [ticket] = /esc_p\d+_\w+/.exec(await untilTold(/what a rule watches for/)) ?? [];
    await story.dm(DANA.slack, `!ack ${ticket}`);
    await story.told(DANA.slack, /You look after it now/);
    await story.say(DANA.slack, thread, 'a lawsuit, really?');
    await story.quiet();

    await story.dm(DANA.slack, `!release ${ticket}`);

    await story.told(DANA.slack, /It is not yours any more/);
  });

  it('is not called about turns that fail', async () => {
    story = await Story.begin({ config: calling({ turn_failed: 1 }) });
    refuse(story.config);
    await story.mention('hello', DANA.slack);
    await parked();
    await untilTold(/could not answer once/, OPS);
    const [escalation] = await story.app.escalations.live(10);
    expect(escalation?.except).toEqual(['dana']);
  });
});

describe('what is said', () => {
  it('OM-053 calls somebody for words of a message where the rule watches, and nowhere else', async () => {
    story = await Story.begin({
      config: calling({ message: { words: ['lawsuit'], channels: [OPS] } }),
    });
    const thread = await story.mention('I think about a lawsuit');
    await story.answer(thread, /./);
    expect(await live()).toEqual([]);
  });

  it('OM-053 offers to take the conversation over to those who may', async () => {
    const watching = calling({ message: { words: ['lawsuit'] } });
    const calledWith = async (config: (shipped: StoryConfig) => StoryConfig) => {
      story = await Story.begin({ config });
      await story.mention('I think about a lawsuit');
      const call = await untilTold(/Somebody wrote what a rule watches for/);
      await story.end();
      return call;
    };

    expect(await calledWith(watching)).toContain('"text":"Take over"');
    const notOffered = await calledWith((shipped) =>
      withPerson(watching(shipped), 'dana', { roles: ['manager'] }),
    );
    expect(notOffered).not.toContain('"text":"Take over"');
    expect(notOffered).toContain('if you may take conversations over');
    const byGroup = { permissions: ['take-over' as const], granted_by: ['slack:T0SANDBOX:S0GUIDES'] };
    const mayByGroup = await calledWith((shipped) => {
      const config = withPerson(watching(shipped), 'dana', { roles: ['manager'] });
      const roles = { ...config.authorizations.roles, guide: byGroup };
      return { ...config, authorizations: { ...config.authorizations, roles } };
    });
    expect(mayByGroup).toContain('"text":"Take over"');
    story = await Story.begin();
  });

  it('OM-053 OM-140 calls somebody for words of a message once, though the model is away, and when it is back', async () => {
    story = await Story.begin({ config: withImpatientModel(calling({ message: { words: ['lawsuit'] } })) });
    story.sandbox.claude.fault({ kind: 'overloaded' }, 1_000);
    const thread = await story.mention('I think about a lawsuit');
    await story.answer(thread, /cannot reach my language model/);
    await untilTold(/Somebody wrote what a rule watches for/);

    await parked();
    await story.advance(MINUTE);
    await parked();
    story.sandbox.claude.heal();
    await story.advance(MINUTE);
    await story.sandbox.slack.until(() => story.said(thread).length > 1 || undefined);
    expect(await live()).toMatchObject([{ count: 1 }]);
  });

  it('OM-053 calls somebody for words of a message that is never answered, once', async () => {
    story = await Story.begin({ config: calling({ message: { words: ['lawsuit'] } }) });
    refuse(story.config);
    await story.mention('I think about a lawsuit');
    await failForGood();

    await untilTold(/Somebody wrote what a rule watches for/);
    expect(await story.app.deadLetters.list()).toHaveLength(1);
    expect(await live()).toMatchObject([{ count: 1 }]);
  });

  it('OM-053 calls somebody for words said to a person who has taken the conversation over', async () => {
    story = await Story.begin({ config: calling({ message: { words: ['lawsuit'] } }) });
    const thread = await story.mention('hello');
    await story.answer(thread, /./);
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);

    await story.say(ALEX.slack, thread, 'this will be a lawsuit');
    await untilTold(/Somebody wrote what a rule watches for/);
    expect(await live()).toMatchObject([{ count: 1 }]);
  });

  describe('behind another message, while a human is waited for', () => {
    const WORDS = 'this is urgent, production is down';
    const WATCH = { when: { message: { words: ['production is down'] } }, raise: 'duty' };

    /** The thread in which they stand in line, once somebody was called for them. */
    async function standing(config = calling(WATCH.when)): Promise<string> {
      story = await Story.begin({ config });
      const thread = await story.mention('hello');
      await story.answer(thread, /./);
      await story.say(ALEX.slack, thread, '!human my order is lost');
      await story.answer(thread, /A human was asked for/);
      await story.say(ALEX.slack, thread, 'is anybody there?');
      await story.say(ALEX.slack, thread, WORDS);
      await story.advance(MINUTE);
      await untilTold(/somebody wrote what a rule watches for/i);
      return thread;
    }

    async function takenOver(thread: string): Promise<void> {
      await story.say(DANA.slack, thread, '!takeover');
      await story.answer(thread, /Dana Reyes has taken over/);
    }

    it('OM-053 calls somebody before a human has come, and once, also where the gateway begins anew meanwhile', async () => {
      const thread = await standing();
      expect(await story.app.escalations.live(10)).toMatchObject([{ count: 1, words: WORDS }]);

      await story.restart();
      await story.advance(MINUTE);
      await takenOver(thread);

      expect(await live()).toMatchObject([{ count: 1 }]);
    });

    it('OM-053 calls nobody once more for what is over, though its rule is edited meanwhile', async () => {
      const named = { ...WATCH, name: 'Outages' };
      const thread = await standing((shipped) => naming(calling(WATCH.when)(shipped), [named]));
      const [called] = await story.app.escalations.live(10);
      await story.dm(DANA.slack, `!resolve ${called?.id} we know`);
      await untilTold(/Dana Reyes has closed it/, OPS);

      const edited = { ...named, severity: 'critical', when: { message: { words: ['urgent'] } } };
      story.config = naming(story.config, [edited]);
      await takenOver(thread);

      expect(await live()).toEqual([]);
    });

    it('OM-053 calls somebody once for each rule, though another is put in front of it meanwhile', async () => {
      const thread = await standing();

      const urgent = { when: { message: { words: ['urgent'] } }, raise: 'night' };
      story.config = naming(story.config, [urgent, WATCH]);
      await takenOver(thread);

      const all = await live();
      expect(all.map(({ plan, count }) => [plan.name, count]).sort()).toEqual([
        ['duty', 1],
        ['night', 1],
      ]);
    });
  });

  it('OM-053 calls somebody when the agent is less sure than named, with what it is not sure of, and not when it is', async () => {
    story = await Story.begin({ config: calling({ low_confidence: { below: 0.6 } }) });
    let confidence = 0.6;
    story.sandbox.claude.script((request) =>
      isAfter(request, 'tool_result')
        ? { text: 'I believe so.' }
        : { calls: [{ tool: 'state_confidence', input: { confidence, about: 'the notice period' } }] },
    );
    const thread = await story.mention('how long is it?');
    await story.answer(thread, /I believe so/);
    expect(await live()).toEqual([]);

    confidence = 0.59;
    await story.say(ALEX.slack, thread, 'really?');
    expect(await untilTold(/not sure of its answer \(59 %\)/)).toContain('the notice period');
  });

  it('OM-053 calls somebody when a human is asked for, and it is over once the agent is to answer again', async () => {
    story = await Story.begin({ config: calling('handoff', { severity: 'critical' }) });
    const thread = await story.mention('hello');
    await story.answer(thread, /./);
    await story.say(ALEX.slack, thread, '!human my contract');
    expect(await untilTold(/A human is wanted/)).toMatch(/critical[\s\S]*my contract/);

    await story.say(DANA.slack, thread, '!takeover');
    await untilTold(/It is over: A human is wanted.*has taken the conversation over/, OPS);
    expect(await live()).toEqual([]);
  });
});

describe('what is said to us in private', () => {
  const SALARY = 'my salary of 4321 EUR was not paid';

  it('OM-053 is read by the person who is called, and by nobody in the channel that is called', async () => {
    story = await Story.begin({ config: calling('handoff') });

    await story.dm(ALEX.slack, `!human ${SALARY}`);

    expect(await untilTold(/A human is wanted/)).toContain(SALARY);
    const post = await untilTold(/A human is wanted/, OPS);
    expect(post).toContain('by Alex Kim');
    expect(post).toContain(
      'It comes from a direct message on Slack: what was said there is not repeated here.',
    );
    expect(post).toContain('!takeover');
    expect(told(/./, OPS).join()).not.toContain('4321');
  });

  it('OM-053 is said in no channel either where it is a message that a rule watches for', async () => {
    story = await Story.begin({ config: calling({ message: { words: ['salary'] } }, { name: 'money' }) });

    await story.dm(ALEX.slack, SALARY);

    expect(await untilTold(/a rule watches for/)).toContain(SALARY);
    expect(await untilTold(/money: Somebody wrote what a rule watches for/, OPS)).not.toContain('4321');
  });

  it('OM-053 OM-123 is said in no channel where a request waits that was asked for there, nor when that is over', async () => {
    story = await Story.begin({ config: callingForRequests });

    await story.dm(ALEX.slack, 'refund order 7');

    expect(await untilTold(/Somebody has to look after this/)).toContain('order 7');
    const post = await untilTold(/A request waits for a yes/, OPS);
    const [approval] = await story.open();
    expect(post).toContain(approval!.id);
    await story.dm(DANA.slack, `/approve ${approval!.id}`);
    await untilTold(/It is over: A request waits for a yes/, OPS);
    expect(told(/order/, OPS)).toEqual([]);
  });

  it('OM-053 is not read on an issue by everybody, where whoever is called is told on one', async () => {
    const onJira = (shipped: StoryConfig): StoryConfig =>
      withPerson(calling('handoff')(shipped), 'dana', { prefers: [Platform.parse('jira')] });
    story = await Story.begin({ config: onJira });

    await story.dm(ALEX.slack, `!human ${SALARY}`);

    const comments = () => JSON.stringify(story.sandbox.jira.comments('OPS-1'));
    await story.sandbox.jira.until(() => /A human is wanted/.test(comments()) || undefined);
    expect(comments()).toContain('what was said there is not repeated here');
    expect(comments()).not.toContain('4321');
  });

  it('OM-053 is repeated where it was said in a channel', async () => {
    story = await Story.begin({ config: calling({ message: { words: ['salary'] } }) });

    await story.mention(SALARY);

    expect(await untilTold(/a rule watches for/, OPS)).toContain(SALARY);
  });
});

describe('a wish for a human that nobody answers in time', () => {
  it('OM-053 calls those behind the wait for a human too, until somebody takes the conversation over', async () => {
    const steps = [
      { notify: 'dana' },
      { wait: '15m' },
      { notify: { channel: { slack: OPS } } },
      { wait: '45m' },
    ];
    story = await Story.begin({
      config: (shipped) => {
        const config = calling('handoff')(shipped);
        const escalations = { duty: WrittenPlan.parse({ ...DUTY, steps }) };
        return { ...config, escalation: { ...config.escalation, escalations } };
      },
    });
    const thread = await story.mention('hello');
    await story.answer(thread, /./);
    await story.say(ALEX.slack, thread, '!human my order is lost');
    await untilTold(/A human is wanted/);

    await story.advance(10 * MINUTE + 1_000);
    await story.answer(thread, /nobody could come in time/);
    expect(await live()).toMatchObject([{ standing: { state: 'ACTIVE' } }]);
    await story.advance(6 * MINUTE);
    expect(await untilTold(/A human is wanted/, OPS)).toContain('!takeover');
    await story.say(DANA.slack, thread, '!takeover');

    await untilTold(/It is over: A human is wanted.*has taken the conversation over/, OPS);
    expect(await live()).toEqual([]);
  });
});

/** From here on the model refuses what it is asked. */
function refuse(working: StoryConfig): void {
  const model = { ...working.settings.model, name: 'no-such-model', retries: 0 };
  story.config = { ...working, settings: { ...working.settings, model } };
}

/** A model that is asked once, and not for long. */
function withImpatientModel(change: (shipped: StoryConfig) => StoryConfig) {
  return (shipped: StoryConfig): StoryConfig => {
    const config = change(shipped);
    const model = { ...config.settings.model, retries: 0, timeout: 500 };
    return { ...config, settings: { ...config.settings, model } };
  };
}

/** Resolves when so many items wait to be tried again. */
async function parked(wanted = 1): Promise<void> {
  for (;;) {
    const counts = await Promise.all(
      story.keys.partitions().map((partition) => story.redis.zcard(story.keys.parked(partition))),
    );
    if (counts.reduce((sum, count) => sum + count, 0) >= wanted) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
