/** Nobody answers, and somebody is found all the same. */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { EscalationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { defer } from '../support/core.ts';
import { ALEX, button, DANA, EVE, Story, type StoryConfig, textOf, withPerson } from '../support/story.ts';

const MINUTE = 60_000;
const ID = /esc_p\d+_[0-9a-z]{12}/;

let story: Story;
afterEach(() => story.end());

/** The lead by mail, then the channel, then the last resort. */
const LEAD_FIRST = {
  steps: [
    { notify: { to: 'dana', importance: 'high' } },
    { wait: '10m' },
    { notify: { to: { channel: { slack: 'C0OPS' } } } },
    { wait: '20m' },
  ],
  last_resort: 'dana',
  settle: '0s',
};

function withCalling(
  config: StoryConfig,
  more: { triggers?: unknown; approvals?: string } = {},
): StoryConfig {
  const { escalation } = config;
  const policies = Object.fromEntries(
    Object.entries(escalation.policies).map(([name, policy]) => [
      name,
      { ...policy, ...(more.approvals === undefined ? {} : { escalation: more.approvals }) },
    ]),
  );
  return {
    ...config,
    escalation: {
      ...escalation,
      policies: { ...escalation.policies, ...policies },
      escalations: { lead: WrittenPlan.parse(LEAD_FIRST) },
      triggers: EscalationTriggers.parse(more.triggers ?? []),
    },
  };
}

function posts(channel: string, pattern: RegExp) {
  return story.sandbox.slack.until((slack) =>
    slack.messages(channel).find((message) => pattern.test(textOf(message))),
  );
}

describe('a request that nobody answers', () => {
  it('OM-053 OM-123 calls the lead by mail, then the channel, and ends with the answer', async () => {
    story = await Story.begin({ config: (shipped) => withCalling(shipped, { approvals: 'lead' }) });
    const thread = await story.mention('refund order 7');
    const called = await story.mail(DANA.mail, /Somebody has to look after this/);
    expect(called.text).toMatch(ID);

    await story.advance(11 * MINUTE);
    const post = await posts('C0OPS', /Somebody has to look after this/);
    expect(textOf(post)).toMatch(/refund/i);

    const [approval] = await story.open();
    await story.dm(DANA.slack, `/approve ${approval!.id}`);
    await story.answer(thread, /was approved|executed|refund/i);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
    expect(await story.app.escalations.live(10)).toEqual([]);
  });
});

describe('a request about which somebody asks something first', () => {
  it('calls nobody until there is a reply, and then whoever was called last', async () => {
    story = await Story.begin({ config: (shipped) => withCalling(shipped, { approvals: 'lead' }) });
    const thread = await story.mention('refund order 7');
    await story.mail(DANA.mail, /Somebody has to look after this/);
    const [approval] = await story.open();
    const calls = () =>
      story.sandbox.mail
        .mailbox(DANA.mail)
        .filter(({ text }) => /Somebody has to look after this/.test(text));

    await story.dm(DANA.slack, `!question ${approval!.id} is it damaged?`);
    await story.answer(thread, /is it damaged/);
    await story.quiet();
    await story.advance(15 * MINUTE);
    await story.quiet();
    expect(story.sandbox.slack.messages('C0OPS')).toEqual([]);

    await story.say(ALEX.slack, thread, `!reply ${approval!.id} yes, it is`);
    await story.sandbox.mail.until(() => calls().length === 2 || undefined);
  });
});

describe('an hour without the gateway', () => {
  it('E11 calls whoever is due by then, in one look, and nobody by the way', async () => {
    story = await Story.begin({
      config: (shipped) => {
        const config = withCalling(onSlack(shipped), {
          triggers: [{ when: { message: { words: ['fire'] } }, raise: 'long' }],
        });
        const long = WrittenPlan.parse({
          steps: [
            { notify: { to: 'dana', importance: 'high' } },
            { wait: '10m' },
            { notify: { channel: { slack: 'C0OPS' } } },
            { wait: '10m' },
            { notify: { to: 'dana', importance: 'high' } },
            { wait: '2h' },
          ],
          last_resort: 'dana',
          settle: '1m',
        });
        return { ...config, escalation: { ...config.escalation, escalations: { long } } };
      },
    });
    await story.mention('there is a fire');
    await story.quiet();
    await story.app.stop();
    await story.advance(60 * MINUTE, { sweep: false });
    await story.restart();

    await dmWith(DANA.slack, /a rule watches for/);
    await story.app.sweeper.sweep();
    await story.quiet();
    const calls = story.sandbox.slack
      .messages(DANA_DM)
      .filter((each) => textOf(each).includes('a rule watches for'));
    expect(calls).toHaveLength(1);
    expect(story.sandbox.slack.messages('C0OPS')).toEqual([]);
    const [escalation] = await story.app.escalations.live(10);
    expect(escalation).toMatchObject({ standing: { state: 'ACTIVE' }, step: 6 });
  });
});

describe('somebody who asks for a human', () => {
  const triggers = [{ when: 'handoff', raise: 'lead', severity: 'error' }];

  it('OM-053 is looked after by whoever presses the button, and it is over once they take over', async () => {
    story = await Story.begin({ config: (shipped) => withCalling(onSlack(shipped), { triggers }) });
    const thread = await story.mention('hello');
    await story.answer(thread, /./);
    await story.say(ALEX.slack, thread, '!human it is about my contract');
    const called = await dmWith(DANA.slack, /A human is wanted/);
    expect(textOf(called)).toContain('it is about my contract');

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: DANA_DM,
      ts: called.ts,
      actionId: button(called, /I look after it/),
    });
    await story.told(DANA.slack, /You look after it now/);
    await story.advance(30 * MINUTE, { sweep: true });
    expect(story.sandbox.slack.messages('C0OPS')).toEqual([]);
  });

  it('is refused to whoever was not called, and says so', async () => {
    story = await Story.begin({ config: (shipped) => withCalling(onSlack(shipped), { triggers }) });
    const thread = await story.mention('hello');
    await story.answer(thread, /./);
    await story.say(ALEX.slack, thread, '!human');
    const called = await dmWith(DANA.slack, /A human is wanted/);
    const [ticket] = ID.exec(textOf(called)) ?? [];
    await story.dm(ALEX.slack, `!ack ${ticket}`);
    await story.told(ALEX.slack, /It comes from you, so others look after it/);
    expect((await story.app.escalations.live(10)).map(({ standing }) => standing.state)).toEqual(['ACTIVE']);

    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.quiet();
    expect(await story.app.escalations.live(10)).toEqual([]);
  });

  it('is put off, let go of and closed by commands, and nothing is lost when the gateway starts anew', async () => {
    story = await Story.begin({ config: (shipped) => withCalling(onSlack(shipped), { triggers }) });
    const thread = await story.mention('hello');
    await story.answer(thread, /./);
    await story.say(ALEX.slack, thread, '!human');
    const called = await dmWith(DANA.slack, /A human is wanted/);
    const [ticket] = ID.exec(textOf(called)) ?? [];

    await story.dm(DANA.slack, `!snooze ${ticket} 5m`);
    await story.told(DANA.slack, /Nobody is called before/);
    await story.restart();
    await story.advance(6 * MINUTE);
    await story.sandbox.slack.until((slack) =>
      slack.messages('C0OPS').some((each) => textOf(each).includes('A human is wanted')),
    );
    await story.dm(DANA.slack, `!ack ${ticket}`);
    await story.told(DANA.slack, /You look after it now/);
    await story.dm(DANA.slack, `!release ${ticket}`);
    await story.told(DANA.slack, /It is not yours any more/);
    await story.dm(DANA.slack, `!resolve ${ticket} it was a misunderstanding`);
    await story.told(DANA.slack, /Closed: A human is wanted/);
    expect(await story.app.escalations.live(10)).toEqual([]);
  });
});

describe('a call that does not arrive', () => {
  const triggers = [{ when: { message: { words: ['fire'] } }, raise: 'lead' }];

  it('OM-122 goes on by the next way to the same person at once', async () => {
    story = await Story.begin({ config: (shipped) => withCalling(onSlack(shipped), { triggers }) });
    story.sandbox.slack.fail('conversations.open', { kind: 'error', error: 'user_not_found' }, 10);
    await story.mention('there is a fire');
    expect((await story.mail(DANA.mail, /a rule watches for/)).text).toContain('there is a fire');
  });

  it('OM-122 goes on by the next step at once when a channel cannot be posted in', async () => {
    story = await Story.begin({
      config: (shipped) => {
        const config = withCalling(onSlack(shipped), { triggers });
        const steps = [
          { notify: { channel: { slack: 'C0GONE' } } },
          { wait: '4h' },
          { notify: 'dana' },
          { wait: '4h' },
        ];
        const lead = WrittenPlan.parse({ steps, last_resort: 'dana', settle: '0s' });
        return { ...config, escalation: { ...config.escalation, escalations: { lead } } };
      },
    });
    await story.mention('there is a fire');

    await dmWith(DANA.slack, /a rule watches for/);

    const [escalation] = await story.app.escalations.live(10);
    expect(escalation).toMatchObject({ standing: { state: 'ACTIVE' }, posted: [] });
  });

  it('E10 has one owner when two take it at once, and the other is told', async () => {
    story = await Story.begin({
      config: (shipped) => {
        const config = withPerson(onSlack(shipped), 'alex', { roles: ['operator'] as never });
        const { people } = config.contacts;
        const carl = { ...shipped.contacts.people.alex!, accounts: { slack: [`T0SANDBOX/${EVE.slack}`] } };
        return withCalling(
          { ...config, contacts: { ...config.contacts, people: { ...people, carl } } },
          { triggers },
        );
      },
    });
    await story.mention('there is a fire', EVE.slack);
    const [ticket = ''] = ID.exec(textOf(await dmWith(DANA.slack, /a rule watches for/))) ?? [];
    const { escalationDesk } = story.app;
    const gestures = ['dana', 'alex'].map((id) => {
      const { id: person, name, roles } = story.app.directory.find(PersonId.parse(id))!;
      return {
        id: `gesture-${id}`,
        escalation: EscalationId.parse(ticket),
        by: { person, name, roles },
        channel: Platform.parse('cli'),
      };
    });
    const taken = await Promise.all(
      gestures.map((gesture) => escalationDesk.act(gesture, { kind: 'acknowledge', instead: false })),
    );
    expect(taken.map((each) => each?.code).toSorted()).toEqual(['ACKNOWLEDGED', 'ALREADY']);
    const again = await Promise.all(
      gestures.map((gesture) => escalationDesk.act(gesture, { kind: 'acknowledge', instead: false })),
    );
    expect(new Set(again.map((each) => JSON.stringify(each?.escalation.standing))).size).toBe(1);
  });
});

describe('a call that was not sent yet when somebody took it', () => {
  it('E1 is not sent any more', async () => {
    const triggers = [{ when: { message: { words: ['fire'] } }, raise: 'both' }];
    story = await Story.begin({
      config: (shipped) => {
        const config = withCalling(onSlack(shipped), { triggers });
        const both = WrittenPlan.parse({
          steps: [{ notify: [{ channel: { slack: 'C0OPS' } }, 'dana'] }, { wait: '1h' }],
          last_resort: 'dana',
          settle: '0s',
        });
        return { ...config, escalation: { ...config.escalation, escalations: { both } } };
      },
    });
    const { slack } = story.sandbox;
    slack.fail('conversations.open', { kind: 'rate-limited', retryAfterSeconds: 1 });
    await story.mention('there is a fire');
    const post = await posts('C0OPS', /a rule watches for/);
    const [ticket = ''] = ID.exec(textOf(post)) ?? [];
    await slack.until(({ calls }) => calls.some(({ result }) => result === 'rate-limited'));
    const dana = story.app.directory.find(PersonId.parse('dana'))!;
    const taken = await story.app.escalationDesk.act(
      {
        id: 'gesture',
        escalation: EscalationId.parse(ticket),
        by: { person: dana.id, name: dana.name, roles: dana.roles },
        channel: Platform.parse('cli'),
      },
      { kind: 'acknowledge', instead: false },
    );
    expect(taken?.code).toBe('ACKNOWLEDGED');
    await story.quiet();
    expect(slack.messages(DANA_DM).map(textOf).join()).not.toContain('a rule watches for');
  });
});

describe('a program that is called', () => {
  it('gets a signed webhook, again when it did not take the first, and no secret of the configuration in it', async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const requests: { headers: IncomingHttpHeaders; body: string }[] = [];
    const taken = defer();
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        requests.push({ headers: request.headers, body });
        response.writeHead(requests.length === 1 ? 503 : 200).end();
        if (requests.length > 1) taken.resolve();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    story = await Story.begin({
      config: (shipped) => {
        const config = withCalling(shipped, {
          triggers: [{ when: { message: { words: ['fire'] } }, raise: 'pager' }],
        });
        const escalations = {
          pager: WrittenPlan.parse({
            steps: [{ webhook: 'pager' }, 'stop'],
            last_resort: 'dana',
            settle: '0s',
          }),
        };
        const webhooks = { pager: { url: `http://127.0.0.1:${port}/page`, secret } };
        const secrets = [...config.secrets, 'a rule watches'];
        return { ...config, secrets, escalation: { ...config.escalation, escalations, webhooks } };
      },
    });
    await story.mention('there is a fire');
    await taken.promise;
    server.close();

    const [first, second] = requests;
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(new Webhook(secret).verify(second!.body, second!.headers as Record<string, string>)).toMatchObject(
      {
        type: 'escalation.called',
        data: { title: expect.stringContaining('[redacted] for'), severity: 'warning', count: 1 },
      },
    );
  });
});

describe('a program that does not take its call', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  let server: Server;
  const titles: string[] = [];
  const called = new EventEmitter();

  beforeEach(async () => {
    titles.length = 0;
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const { title } = (JSON.parse(body) as { data: { title: string } }).data; // ours
        titles.push(title);
        response.writeHead(title.startsWith('fire') ? 503 : 200).end();
        called.emit('call');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    story = await Story.begin({
      config: (shipped) => {
        const config = withCalling(onSlack(shipped), {
          triggers: ['fire', 'flood'].map((word) => ({
            name: word,
            when: { message: { words: [word] } },
            raise: 'pager',
          })),
        });
        const steps = [{ webhook: 'pager' }, { notify: 'dana' }, { wait: '2h' }];
        const escalations = { pager: WrittenPlan.parse({ steps, last_resort: 'dana', settle: '0s' }) };
        const webhooks = { pager: { url: `http://127.0.0.1:${port}/page`, secret } };
        return { ...config, escalation: { ...config.escalation, escalations, webhooks } };
      },
    });
  });
  afterEach(() => server.close());

  const until = async (title: RegExp, times = 1) => {
    while (titles.filter((each) => title.test(each)).length < times) await once(called, 'call');
  };

  it('E1 is not called again once somebody has closed it', async () => {
    await story.mention('there is a fire');
    await until(/^fire/);
    const [ticket] = ID.exec(textOf(await dmWith(DANA.slack, /a rule watches for/))) ?? [];

    await story.dm(DANA.slack, `!resolve ${ticket}`);
    await story.told(DANA.slack, /Closed/);
    const before = titles.length;
    await story.advance(10 * MINUTE);
    await story.quiet();

    expect(titles).toHaveLength(before);
    expect(await story.app.deadLetters.list(10)).toEqual([]);
  });

  it('holds up no call about something else', async () => {
    const thread = await story.mention('there is a fire');
    await until(/^fire/);

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> there is a flood');

    await until(/^flood/);
  });
});

describe('whoever looks after what is bad, in their quiet hours', () => {
  it('is asked whether they are still on it all the same, and told when it goes on without them', async () => {
    const triggers = [{ when: { message: { words: ['fire'] } }, raise: 'lead', severity: 'error' }];
    story = await Story.begin({
      config: (shipped) => {
        const config = withCalling(onSlack(shipped), { triggers });
        return withPerson(config, 'dana', {
          time_zone: 'Etc/UTC',
          quiet_hours: quietIn(30 * MINUTE) as never,
        });
      },
    });
    await story.mention('there is a fire');
    const [ticket] = ID.exec(textOf(await dmWith(DANA.slack, /a rule watches for/))) ?? [];
    await story.dm(DANA.slack, `!ack ${ticket}`);
    await story.told(DANA.slack, /You look after it now/);

    await story.advance(61 * MINUTE);
    await dmWith(DANA.slack, /Are you still on it\?/);
    await story.advance(16 * MINUTE);
    await story.quiet();
    // Good news and bad that can wait disturbs nobody at night.
    await story.advance(9 * 60 * MINUTE);

    const lost = await dmWith(DANA.slack, /did not say so\. It is not yours any more, and goes on to others/);
    expect(textOf(lost)).toContain(`!ack ${ticket}`);
  });
});

describe('what happens by itself', () => {
  it('OM-146 OM-166 calls somebody once for a message that could not be delivered, however many there are', async () => {
    story = await Story.begin({
      config: (shipped) =>
        withCalling(onSlack(shipped), {
          triggers: [{ when: 'dead_letter', raise: 'lead', name: 'undelivered' }],
        }),
    });
    const { slack } = story.sandbox;
    for (const word of ['one', 'two']) {
      slack.fail('chat.postMessage', { kind: 'error', error: 'channel_not_found' });
      await story.mention(word);
      await story.quiet();
    }
    const called = await dmWith(DANA.slack, /undelivered: Something could not be handled or delivered/);
    const [only] = await story.app.escalations.live(10);
    expect(textOf(called)).toMatch(ID);
    expect(only?.count).toBe(2);
  });

  it('OM-053 calls somebody when the agent says that it is not sure', async () => {
    story = await Story.begin({
      config: (shipped) =>
        withCalling(onSlack(shipped), {
          triggers: [{ when: { low_confidence: { below: 0.6 } }, raise: 'lead' }],
        }),
    });
    const { claude } = story.sandbox;
    claude.script(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('tool_result')
        ? { text: 'I believe so.' }
        : { calls: [{ tool: 'state_confidence', input: { confidence: 0.3, about: 'the notice period' } }] },
    );
    const thread = await story.mention('how long is the notice period?');
    await story.answer(thread, /I believe so/);
    const called = await dmWith(DANA.slack, /not sure of its answer/);
    expect(textOf(called)).toContain('the notice period');
  });

  it('OM-053 calls somebody when a message holds what a rule watches for', async () => {
    story = await Story.begin({
      config: (shipped) =>
        withCalling(onSlack(shipped), {
          triggers: [{ when: { message: { words: ['lawsuit'] } }, raise: 'lead', severity: 'critical' }],
        }),
    });
    await story.mention('I think about a lawsuit');
    expect(textOf(await dmWith(DANA.slack, /a rule watches for/))).toContain('critical');
  });
});

const DANA_DM = 'D0DANA';
const DMS: Record<string, string> = { [DANA.slack]: DANA_DM, [ALEX.slack]: 'D0ALEX' };

function dmWith(user: string, pattern: RegExp) {
  return story.sandbox.slack.until((slack) =>
    slack.messages(DMS[user]!).findLast((each) => pattern.test(textOf(each))),
  );
}

/** Dana is called on Slack first. */
function onSlack(config: StoryConfig): StoryConfig {
  return withPerson(config, 'dana', { prefers: ['slack', 'email'].map((each) => Platform.parse(each)) });
}

/** Eight hours of quiet every day, from so long after now on. */
function quietIn(ms: number) {
  const DAY = 24 * 60 * MINUTE;
  const from = Math.floor(((Date.now() + ms) % DAY) / MINUTE) * MINUTE;
  return Array.from({ length: 7 }, () => [{ from, until: from + 8 * 60 * MINUTE }]);
}
