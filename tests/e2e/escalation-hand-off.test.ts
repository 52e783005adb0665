/** A policy that has the agent fall silent, so that a person answers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { requestHandoff } from '../../src/domain/control.ts';
import { ConversationId, Platform } from '../../src/domain/ids.ts';
import { aClient, aRequest, call, withClients } from '../support/api.ts';
import { ALEX, GENERAL, Story, type StoryConfig, textOf, withPerson } from '../support/story.ts';

const MINUTE = 60_000;
const DANA_DM = 'D0DANA';

let story: Story;
afterEach(() => story.end());

describe('a policy that hands the conversation off', () => {
  beforeEach(async () => {
    story = await Story.begin({ config: withHandOff });
  });

  it('OM-053 C4 says so where it began, and that it is sorry when nobody has come, and answers then', async () => {
    const thread = await story.mention('I will call my lawyer');

    await story.answer(thread, /This is for a human\. .* Until somebody comes I say nothing more/);
    expect(textOf(await story.answer(thread, /This is for a human/))).toContain('I go on myself');
    await story.say(ALEX.slack, thread, 'hello?');
    await story.answer(thread, /A human has been asked to come and will read this/);
    await story.advance(11 * MINUTE);

    await story.answer(thread, /I am sorry: nobody could come in time/);
    await story.answer(thread, /Here is what I can do/);
  });

  it('OM-053 hands it to whoever comes, and asks them for nothing further', async () => {
    const thread = await story.mention('I will call my lawyer');
    await story.answer(thread, /This is for a human/);

    await story.say(DANA_USER, thread, '!takeover');

    await story.answer(thread, /Dana Reyes has taken over/);
    await story.quiet();
    expect(await story.app.controls.away(5)).toMatchObject([{ state: 'HUMAN', owner: { person: 'dana' } }]);
  });
});

describe('a policy that hands off, and whoever it calls comes', () => {
  const called = () => story.sandbox.slack.messages(DANA_DM).map(textOf);

  beforeEach(async () => {
    story = await Story.begin({ config: withHandOff });
  });

  it('E1 OM-053 calls nobody any more while they have the conversation, nor once they have handed it back', async () => {
    const thread = await story.mention('I will call my lawyer');
    const ticket = await ticketCalled();

    await story.dm(DANA_USER, `/takeover ${ticket}`);
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.quiet();

    expect(await story.app.escalations.live(5)).toMatchObject([
      { standing: { state: 'ACKED', owner: { person: 'dana' } } },
    ]);
    await story.dm(DANA_USER, `/handback ${ticket}`);
    await story.answer(thread, /Dana Reyes has handed this conversation back/);
    await story.quiet();
    expect(await story.app.escalations.live(5)).toEqual([]);
    await story.advance(40 * MINUTE);
    await story.quiet();
    expect(called().join()).not.toContain('Nobody has this');
  });

  it('OM-053 goes on when they were quiet there for so long that it was taken back', async () => {
    const thread = await story.mention('I will call my lawyer');
    await story.dm(DANA_USER, `/takeover ${await ticketCalled()}`);
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.quiet();

    await story.advance(31 * MINUTE);
    await story.answer(thread, /Dana Reyes has not written for a while/);
    await story.quiet();

    const [escalation] = await story.app.escalations.live(5);
    expect(escalation?.standing.state).toBe('ACTIVE');
  });
});

it('OM-053 asks somebody to come when a person says in their own words that they want a human', async () => {
  story = await Story.begin();

  const thread = await story.mention('get me a human please, the printer burns');

  await story.answer(thread, /get me a human please, the printer burns/);
  await story.quiet();
  expect(await story.app.controls.away(5)).toMatchObject([{ state: 'HANDOFF_PENDING' }]);
});

describe('a conversation that waits for a human, and somebody says that they look after it', () => {
  beforeEach(async () => {
    story = await Story.begin({ config: withWishCalled });
  });

  it('OM-053 C4 is told who that is, and does not give up while they do', async () => {
    const { thread, escalation } = await waiting();

    await story.dm(DANA_USER, `/ack ${escalation}`);

    expect(textOf(await story.answer(thread, /Dana Reyes looks after it/))).toContain('I say nothing more');
    await story.say(ALEX.slack, thread, 'hello?');
    await story.answer(thread, /Dana Reyes looks after it\. I keep quiet here/);
    await story.advance(30 * MINUTE);
    expect(allSaid(thread)).not.toContain('I am sorry');
    expect(await story.app.controls.away(5)).toMatchObject([{ state: 'HANDOFF_PENDING' }]);
  });

  it('OM-053 is known to whoever is called by who asks and where, and to whoever takes it over from elsewhere', async () => {
    const { messaging } = story.config.settings;
    const named = { ...messaging, channels: { general: `slack:${GENERAL}` } };
    story.config = { ...story.config, settings: { ...story.config.settings, messaging: named } };

    const { thread, call } = await waiting('printer burns');

    expect(call).toContain('A human is wanted on Slack, in “general”, by Alex Kim');
    expect(call).toContain('printer burns');
    const link = `archives/${GENERAL}/p${thread.replace('.', '')}?thread_ts=${thread}&amp;cid=${GENERAL}`;
    expect(call).toContain(link);
    const [ticket = ''] = /con_p\d+_\w+/.exec(call) ?? [];
    await story.dm(DANA_USER, `/takeover ${ticket}`);
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.told(DANA_USER, /You have that conversation now.*It is on Slack, in “general”: .*archives/s);
  });

  it('OM-053 C4 waits on as before once they let go, and says that nobody could come', async () => {
    const { thread, escalation } = await waiting();
    await story.dm(DANA_USER, `/ack ${escalation}`);
    await story.answer(thread, /Dana Reyes looks after it/);
    await story.advance(30 * MINUTE);

    await story.dm(DANA_USER, `/release ${escalation}`);

    await story.answer(thread, /Dana Reyes does not look after it any more\. If nobody has come by/);
    await story.advance(11 * MINUTE);
    await story.answer(thread, /I am sorry: nobody could come in time/);
  });

  it('OM-053 C4 waits on as before when they are asked whether they are still on it, and do not say so', async () => {
    const { thread, escalation } = await waiting();
    await story.dm(DANA_USER, `/ack ${escalation}`);
    await story.answer(thread, /Dana Reyes looks after it/);

    await story.advance(61 * MINUTE);
    await story.quiet();
    await story.advance(16 * MINUTE);

    await story.answer(thread, /Dana Reyes does not look after it any more/);
  });

  it('OM-053 C4 is waited for by whoever was called by two policies and lets go of one', async () => {
    const triggers = EscalationTriggers.parse([
      { when: 'handoff', raise: 'duty' },
      { when: 'handoff', raise: 'second' },
    ]);
    const { escalation: all } = story.config;
    const escalations = { ...all.escalations, second: all.escalations.duty! };
    story.config = { ...story.config, escalation: { ...all, escalations, triggers } };
    const { thread } = await waiting();
    await story.quiet();
    const [one, other] = await story.app.escalations.live(5);
    await story.dm(DANA_USER, `/ack ${one?.id}`);
    await story.dm(DANA_USER, `/ack ${other?.id}`);
    await story.answer(thread, /Dana Reyes looks after it/);
    await story.quiet();

    await story.dm(DANA_USER, `/release ${one?.id}`);
    await story.quiet();
    await story.advance(11 * MINUTE);
    await story.quiet();

    expect(allSaid(thread)).not.toContain('does not look after it any more');
    expect(allSaid(thread)).not.toContain('I am sorry');
    expect(await story.app.controls.away(5)).toMatchObject([
      { state: 'HANDOFF_PENDING', helpers: [{ escalation: other?.id, person: 'dana' }] },
    ]);
  });

  it('OM-053 C4 is the agent’s again once it is done, who knows what they noted', async () => {
    const { thread, escalation } = await waiting();

    await story.dm(DANA_USER, `/resolve ${escalation} I have phoned Alex, all is well`);

    const told = await story.answer(thread, /Dana Reyes has looked after it, and says that it is done/);
    expect(textOf(told)).not.toContain('phoned');
    await story.say(ALEX.slack, thread, 'what can you do?');
    await story.answer(thread, /Here is what I can do/);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1))).toContain('I have phoned Alex, all is well');
    await story.advance(11 * MINUTE);
    expect(allSaid(thread)).not.toContain('I am sorry');
  });
});

describe('a conversation that waits for a human, and nobody knows where it is', () => {
  it('C4 hears that it is sorry where somebody wrote meanwhile', async () => {
    story = await Story.begin({ config: withHandOff });
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    const conversationId = ConversationId.parse(`slack:T0SANDBOX:${GENERAL}:${thread}`);
    const { wait } = story.config.authorizations.takeover;

    await story.app.controls.apply(conversationId, (control, nowMs) =>
      requestHandoff(control, { by: { kind: 'escalation', policy: 'duty' } }, { waitMs: wait }, nowMs),
    );
    await story.say(ALEX.slack, thread, 'hello?');
    await story.answer(thread, /A human has been asked to come and will read this/);
    await story.advance(11 * MINUTE);

    await story.answer(thread, /I am sorry: nobody could come in time/);
  });
});

describe('a policy that hands off what a program asked', () => {
  it('calls people, and leaves the conversation that is none as it is', async () => {
    story = await Story.begin({
      config: (shipped) => {
        const config = withClients(withHandOff(shipped), { shop: aClient() });
        const { policies } = config.escalation;
        const asked = { ...policies.default!, escalation: 'duty' };
        return { ...config, escalation: { ...config.escalation, policies: { ...policies, default: asked } } };
      },
    });

    const { status } = await call(story, 'POST', '/approvals', aRequest());
    await story.sandbox.slack.until((slack) =>
      slack.messages(DANA_DM).find((message) => /look after this/.test(textOf(message))),
    );
    await story.quiet();

    expect(status).toBe(201);
    expect(await story.app.controls.away(5)).toEqual([]);
  });
});

const DANA_USER = 'U0DANA';

/** Alex has asked for a human, and Dana was called. @param words what Alex says beside it, which waits to be read */
async function waiting(words = ''): Promise<{ thread: string; escalation: string; call: string }> {
  const thread = await story.mention(`!human ${words}`.trim());
  const call = await story.sandbox.slack.until((slack) =>
    slack.messages(DANA_DM).find((message) => /look after this/.test(textOf(message))),
  );
  const [escalation = ''] = /esc_p\d+_\w+/.exec(textOf(call)) ?? [];
  return { thread, escalation, call: textOf(call) };
}

/** Dana was called to it by a policy that hands off. */
async function ticketCalled(): Promise<string> {
  const call = await story.sandbox.slack.until((slack) =>
    slack.messages(DANA_DM).find((message) => /look after this/.test(textOf(message))),
  );
  const [ticket = ''] = /con_p\d+_\w+/.exec(textOf(call)) ?? [];
  return ticket;
}

function allSaid(thread: string): string {
  return story.said(thread).map(textOf).join('\n');
}

/** Whoever asks for a human has Dana called, who is asked after an hour whether she is still on it. */
function withWishCalled(shipped: StoryConfig): StoryConfig {
  const config = withPerson(shipped, 'dana', { prefers: [Platform.parse('slack')] });
  const duty = WrittenPlan.parse({
    steps: [{ notify: 'dana' }, { wait: '30m' }],
    last_resort: 'dana',
    settle: '0s',
  });
  const triggers = EscalationTriggers.parse([{ when: 'handoff', raise: 'duty' }]);
  return { ...config, escalation: { ...config.escalation, escalations: { duty }, triggers } };
}

function withHandOff(shipped: StoryConfig): StoryConfig {
  const config = withPerson(shipped, 'dana', { prefers: [Platform.parse('slack')] });
  const duty = WrittenPlan.parse({
    steps: ['hand_off', { notify: 'dana' }, { wait: '30m' }],
    last_resort: 'dana',
    settle: '0s',
  });
  const triggers = EscalationTriggers.parse([{ when: { message: { words: ['lawyer'] } }, raise: 'duty' }]);
  return { ...config, escalation: { ...config.escalation, escalations: { duty }, triggers } };
}
