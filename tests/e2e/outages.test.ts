/** What people see, and what is kept, while something the gateway needs is away. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Finding, reconcile } from '../../src/domain/approval/reconciliation.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { AccountId, PersonId, Platform } from '../../src/domain/ids.ts';
import { MOST_FAILURES } from '../../src/domain/mailbox-item.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { type OwnRedis, startRedis } from '../support/redis.ts';
import {
  ALEX,
  button,
  codesIn,
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
const HELP = /Here is what I can do/;

let story: Story;

afterEach(async () => {
  await story.end();
});

describe('while Claude is away', () => {
  beforeEach(async () => {
    story = await Story.begin({ config: withImpatientModel });
  });

  it('OM-140 tells people once, keeps what they say, and answers all of it in order when it is back', async () => {
    story.sandbox.claude.fault({ kind: 'overloaded' }, 1_000);
    const thread = await story.mention('refund');
    await story.answer(thread, /cannot reach my language model right now.*Your message is kept/);
    for (const text of ['what can you do?', 'remember that it rained']) {
      await (await story.sandbox.slack.say({ user: ALEX.slack, channel: GENERAL, thread, text }))
        .acknowledged;
    }
    for (let attempt = 0; attempt < 3; attempt++) {
      await parked();
      await story.advance(5 * MINUTE);
    }
    await parked();

    story.sandbox.claude.heal();
    await story.advance(5 * MINUTE);
    await story.answer(thread, /Noted/);
    await story.quiet();

    expect(story.said(thread).map(textOf)).toEqual([
      expect.stringContaining('cannot reach'),
      expect.stringContaining('Which order?'),
      expect.stringMatching(HELP),
      expect.stringContaining('Noted'),
    ]);
  });

  it('OM-140 tells people once, too, where it answers now and then in between', async () => {
    const { claude } = story.sandbox;
    const answerOnce = async (answer: RegExp) => {
      await parked();
      claude.heal();
      await story.advance(5 * MINUTE);
      await story.answer(thread, answer);
    };
    claude.fault({ kind: 'overloaded' }, 1_000);
    // After each answer it is away again.
    claude.script(() => void claude.fault({ kind: 'overloaded' }, 1_000));
    const thread = await story.mention('refund');
    await story.answer(thread, /cannot reach/);
    for (const text of ['what can you do?', 'refund order 3']) {
      await (await story.sandbox.slack.say({ user: ALEX.slack, channel: GENERAL, thread, text }))
        .acknowledged;
    }

    await answerOnce(/Which order\?/);
    await answerOnce(HELP);
    await parked();

    expect(story.said(thread).map(textOf)).toEqual([
      expect.stringContaining('cannot reach'),
      expect.stringContaining('Which order?'),
      expect.stringMatching(HELP),
    ]);
  });

  it('OM-140 begins a message anew only so often when each answer was paid for and none came to its end', async () => {
    const { claude } = story.sandbox;
    let begun = 0;
    claude.script((request) => {
      if (JSON.stringify(request.messages.at(-1)).includes('tool_result'))
        return { text: 'never '.repeat(50) };
      begun++;
      claude.fault({ kind: 'cut-stream' });
      return { calls: [{ tool: 'current_time', input: {} }] };
    });
    const thread = await story.mention('what can you do?');
    for (let attempt = 1; attempt <= MOST_FAILURES; attempt++) {
      await eventually(async () => (begun >= attempt ? [begun] : []));
      await parked();
      await story.advance(2 * MINUTE);
    }

    await story.answer(thread, /could not handle this message/);
    expect(begun).toBe(MOST_FAILURES);
  });

  it('OM-140 does not wait for ever for a model that says nothing, and tells people by mail, too', async () => {
    story.sandbox.claude.fault({ kind: 'hang' });

    await story.write(ALEX.mail, 'A question', 'refund');
    await story.mail(ALEX.mail, /cannot reach my language model right now/);
    await parked();
    await story.advance(5 * MINUTE);

    const answer = await story.mail(ALEX.mail, /Which order\?/);
    expect(answer.subject).toBe('Re: A question');
  });

  it('OM-140 answers once, and whole, when answers break off, fail or fall silent in the middle', async () => {
    story.sandbox.claude.fault({ kind: 'cut-stream' });
    story.sandbox.claude.fault({ kind: 'fail-stream' });
    story.sandbox.claude.fault({ kind: 'stall-stream' });

    const thread = await story.mention('what can you do?');
    await story.answer(thread, /cannot reach/);
    for (let attempt = 0; attempt < 3; attempt++) {
      await parked();
      await story.advance(5 * MINUTE);
    }
    await story.answer(thread, /so that it must be split/);
    await story.quiet();

    expect(story.said(thread).filter((message) => HELP.test(textOf(message)))).toHaveLength(1);
  });
});

describe('while Slack is away', () => {
  beforeEach(async () => {
    story = await Story.begin();
  });

  it('lets one channel wait when Slack says so, and answers in the others meanwhile', async () => {
    story.sandbox.slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterSeconds: 1 });
    const held = await story.mention('what can you do?');
    await story.sandbox.slack.until(({ calls }) => calls.some(({ method }) => method === 'chat.postMessage'));
    const refusedAt = Date.now();

    const sameChannel = await story.mention('what can you do?');
    const { ts: other } = await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: OPS,
      text: '@signalbox what can you do?',
    });
    const elsewhere = await story.answer(other, HELP, OPS);
    const waited = [await story.answer(held, HELP), await story.answer(sameChannel, HELP)];

    expect(postedAt(elsewhere)).toBeLessThan(refusedAt + 900);
    for (const reply of waited) expect(postedAt(reply)).toBeGreaterThan(refusedAt + 900);
    expect(story.said(held)).toHaveLength(1);
  });

  it('keeps every reply while the Web API is down, and sends each once, in order, when it is back', async () => {
    story.sandbox.slack.fail('*', { kind: 'status', status: 503 }, 1_000);
    const thread = await story.mention('refund');
    const second = await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      thread,
      text: 'what can you do?',
    });
    await second.acknowledged;
    await story.sandbox.slack.until(({ calls }) => calls.length > 2);

    await parked();
    story.sandbox.slack.heal();
    await story.advance(5 * MINUTE);
    await story.answer(thread, HELP);
    await story.quiet();

    expect(story.said(thread).map(textOf)).toEqual([
      expect.stringContaining('Which order?'),
      expect.stringMatching(HELP),
    ]);
  });

  it('posts nothing twice when Slack took a message and the answer was lost', async () => {
    story.sandbox.slack.fail('chat.postMessage', { kind: 'lost-response' });

    const thread = await story.mention('what can you do?');
    await story.answer(thread, HELP);
    await story.advance(MINUTE);
    await story.quiet();

    expect(story.said(thread)).toHaveLength(1);
    expect(await story.app.deadLetters.list()).toEqual([]);
  });

  it.each(['is_archived', 'not_in_channel'])(
    'keeps a reply for whoever runs it when Slack will never take it (%s), and can send it later',
    async (error) => {
      story.sandbox.slack.fail('chat.postMessage', { kind: 'error', error });

      const thread = await story.mention('what can you do?');
      const [letter] = await eventually(() => story.app.deadLetters.list());
      const toldBefore = story.said(thread).length;
      await story.app.deadLetters.retry(letter!.id, 'dana');
      await story.answer(thread, HELP);

      expect(letter?.reason).toContain(error);
      expect(toldBefore).toBe(0);
      expect(await story.app.deadLetters.list()).toEqual([]);
    },
  );

  it('OM-142 asks by mail when the approver cannot be reached in Slack, says so, and has it on record', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('slack')] });
    story.sandbox.slack.fail('conversations.open', { kind: 'error', error: 'user_disabled' });

    const thread = await story.mention('refund order 7');

    await story.answer(
      thread,
      /could not deliver the request for an approval to Dana Reyes on Slack.*user_disabled.*asked them by e-mail instead/,
    );
    const request = await story.mail(DANA.mail, /refund/);
    await story.answer(thread, /Waiting for role manager/);
    expect(await story.app.deadLetters.list()).toHaveLength(1);
    const events = (await story.app.audit.tail(100)).map(({ event }) => event.event);
    expect(events).toEqual(expect.arrayContaining(['message.undeliverable', 'approval.rerouted']));
    await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
    await story.answer(thread, /Approved by Dana Reyes by e-mail.*Done/);
  });

  it('OM-142 says so once of a person and a place, however often the request changes, and not when it is decided', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('slack')] });
    story.sandbox.slack.fail('conversations.open', { kind: 'error', error: 'user_disabled' }, 100);
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /asked them by e-mail instead/);
    const request = await story.mail(DANA.mail, /refund/);

    const line = `question ${codesIn(request).approve} which parcel?`;
    await story.sandbox.mail.reply(request, { line, quoting: 'top' });
    await story.answer(thread, /Dana Reyes asks by e-mail/);
    const [waiting] = await story.waiting();
    await story.say(ALEX.slack, thread, `reply ${waiting?.id}.${waiting?.gen} the blue one`);
    const anew = await story.mail(DANA.mail, /the blue one/);
    await story.sandbox.mail.reply(anew, { line: `approve ${codesIn(anew).approve}`, quoting: 'top' });
    await story.answer(thread, /Approved by Dana Reyes by e-mail.*Done/);
    await story.quiet();

    expect(await story.app.deadLetters.list()).toHaveLength(1);
    const said = story.said(thread).map(textOf);
    expect(said.filter((text) => text.includes('could not deliver'))).toHaveLength(1);
  });

  it('OM-142 asks in the next place, too, while the first is away, and the answer from either counts', async () => {
    story.sandbox.mail.fault({ kind: 'refuse', at: 'connect', code: 421 }, 100);
    const thread = await story.mention('refund order 7');
    await parked();
    story.clock.move(3 * MINUTE);
    await story.advance(MINUTE);

    const asked = await story.sandbox.slack.until((slack) =>
      slack.messages('D0DANA').find((message) => /Waiting for role manager/.test(textOf(message))),
    );
    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: 'D0DANA',
      ts: asked.ts,
      actionId: button(asked, /Approve/),
    });

    await story.answer(thread, /Approved by Dana Reyes on Slack.*Done/);
  });

  it('OM-143 says which of several approvers could not be asked, and that the others were', async () => {
    const dana = story.config.contacts.people.dana!;
    const manager = (name: string, accounts: Record<string, string[]>) => ({
      name,
      roles: dana.roles,
      accounts,
    });
    const people = {
      ...story.config.contacts.people,
      ben: manager('Ben Ito', { slack: ['T0SANDBOX/U0EVE'] }),
      cleo: manager('Cleo Marsh', { email: [EVE.mail] }),
      finn: manager('Finn Otto', { email: ['nobody@corp.test'] }),
    };
    story.config = { ...story.config, contacts: { ...story.config.contacts, people } };

    const thread = await story.mention('refund order 7');

    await story.answer(thread, /to Finn Otto by e-mail.*So far \d of 4 people who may decide have it/);
    expect(await story.open()).toHaveLength(1);
  });
});

describe('while the mail server refuses', () => {
  beforeEach(async () => {
    story = await Story.begin();
  });

  it('tries again after a 4xx, and nothing is lost or doubled', async () => {
    story.sandbox.mail.fault({ kind: 'refuse', at: 'recipient', code: 451 }, 2);

    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    for (let attempt = 0; attempt < 2; attempt++) {
      await parked();
      await story.advance(MINUTE);
    }
    const request = await story.mail(DANA.mail, /refund/);
    await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
    await story.answer(thread, /Done/);

    const sent = story.sandbox.mail.mailbox(DANA.mail).filter(({ subject }) => subject === request.subject);
    expect(sent).toHaveLength(1);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('gives up after a 5xx: a dead letter, and a word in the thread', async () => {
    story.sandbox.mail.fault({ kind: 'refuse', at: 'recipient', code: 550 });

    const thread = await story.mention('refund order 7');

    await story.answer(thread, /to Dana Reyes by e-mail.*550.*asked them on Slack instead/);
    expect(await story.app.deadLetters.list()).toHaveLength(1);
    expect(await story.open()).toHaveLength(1);
  });

  it('sends the very same mail again when it cannot know whether the first arrived', async () => {
    story.sandbox.mail.fault({ kind: 'drop-after-data', kept: true });

    const thread = await story.mention('refund order 7');
    const request = await story.mail(DANA.mail, /refund/);
    await story.answer(thread, /Waiting for role manager/);
    await parked();
    await story.advance(MINUTE);
    await story.sandbox.mail.until(() => story.sandbox.mail.repeats(DANA.mail, request.messageId) === 1);
    await story.quiet();

    expect(story.sandbox.mail.mailbox(DANA.mail)).toHaveLength(1);
  });
});

describe('while the model refuses what it is asked', () => {
  it('keeps a message that failed every time, says so, and has it on record once when it is handled after all', async () => {
    story = await Story.begin();
    const working = story.config;
    const model = { ...working.settings.model, name: 'no-such-model', retries: 0 };
    story.config = { ...working, settings: { ...working.settings, model } };

    const thread = await story.mention('what can you do?');
    for (let failure = 1; failure <= 6; failure++) {
      await parked();
      await story.advance(MINUTE);
    }
    await story.answer(thread, /could not handle this message/);
    const [letter] = await eventually(() => story.app.deadLetters.list());
    story.config = working;
    await story.app.deadLetters.retry(letter!.id, 'dana');
    await story.answer(thread, HELP);
    await story.quiet();

    const events = (await story.app.audit.tail(100)).map(({ event }) => event);
    expect(
      events.filter(({ event, correlation }) => event === 'message.received' && correlation.includes(thread)),
    ).toMatchObject([{ actor: 'slack:T0SANDBOX/U0ALEX', channel: 'slack', detail: { person: 'alex' } }]);
    expect(events.map(({ event }) => event)).toContain('message.buried');
  });
});

describe('while Redis is away', () => {
  let redis: OwnRedis;

  beforeEach(async () => {
    redis = await startRedis();
    story = await Story.begin({
      redisUrl: redis.url,
      sandbox: {
        slack: { retryDelaysMs: [0, 50], retryUntilAcknowledged: true, ackTimeoutMs: 500 },
        mail: { pace: { firstMs: 50, mostMs: 200 } },
      },
    });
  });
  afterEach(async () => {
    await story.end(); // before its store goes
    await redis.stop();
  });

  it('OM-140 OM-011 takes up a pending approval and everything said meanwhile when Redis is back on its data', async () => {
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    const request = await story.mail(DANA.mail, /refund/);

    await redis.kill();
    const question = await story.sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      text: '@signalbox what can you do?',
    });
    const yes = await story.sandbox.mail.reply(request, {
      line: `approve ${codesIn(request).approve}`,
      quoting: 'top',
    });
    await story.sandbox.mail.until(() =>
      story.sandbox.mail.deliveries.some(({ id, attempts }) => id === yes.id && attempts > 0),
    );
    await redis.restart();

    await question.acknowledged;
    await story.answer(question.ts, HELP);
    await story.answer(thread, /Approved by Dana Reyes by e-mail.*Done/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
    expect(story.said(question.ts)).toHaveLength(1);
    expect((await story.app.audit.verify()).ok).toBe(true);
  });
});

describe('while the shop fails', () => {
  /** A refund Dana said yes to. */
  async function refunded(): Promise<string> {
    const thread = await story.mention('refund order 7');
    const request = await story.mail(DANA.mail, /refund/);
    await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
    return thread;
  }

  async function unknown(): Promise<Approval> {
    const [approval] = await eventually(async () =>
      (await story.app.approvals.pending(10)).filter(({ state }) => state === 'UNKNOWN'),
    );
    return approval!;
  }

  async function settle({ id }: Approval, finding: Finding) {
    const by = {
      person: PersonId.parse('dana'),
      name: 'Dana Reyes',
      account: AccountId.parse('cli:dana'),
      via: Platform.parse('cli'),
      roles: ['manager'],
      operates: true,
    };
    const result = await story.app.approvals.apply(id, (approval, nowMs) =>
      reconcile(approval, by, finding, nowMs),
    );
    return result?.code;
  }

  it('says that nothing was done when the shop could not say what would change', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    story = await Story.begin({
      config: (shipped) => ({ ...shipped, settings: { ...shipped.settings, sandbox: { url } } }),
    });

    const thread = await refunded();

    await story.answer(thread, /what it changes.*could not be found out, so that a yes will not be acted on/);
    await story.answer(thread, /Taken back before it ran.*what it would change could not be found out/);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-085 leaves all as it was, and the trail shows the attempt, the failure and how it was mended', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    let working: StoryConfig | undefined;
    story = await Story.begin({
      config: (shipped) => {
        working = shipped;
        return { ...shipped, settings: { ...shipped.settings, sandbox: { url } } };
      },
    });
    await story.answer(await story.mention('refund order 3'), /it failed|did not work/i);
    expect(story.refunds(3)).toEqual([]);

    const { sandbox } = working!.settings;
    story.config = { ...story.config, settings: { ...story.config.settings, sandbox } };
    await story.restart();
    await story.answer(await story.mention('refund order 3'), /Done/);
    expect(story.refunds(3)).toHaveLength(1);

    const trail = (await story.app.audit.tail(1_000))
      .map(({ event }) => event)
      .filter(({ event }) => /^approval\.(?:claimed|executed|failed)$/.test(event));
    expect(trail.map(({ event, subject }) => [subject, event])).toEqual([
      [trail[0]?.subject, 'approval.claimed'],
      [trail[0]?.subject, 'approval.failed'],
      [trail[2]?.subject, 'approval.claimed'],
      [trail[2]?.subject, 'approval.executed'],
    ]);
  });

  describe('after it was asked', () => {
    beforeEach(async () => {
      story = await Story.begin();
    });

    it('says that it is unknown whether a refund was made, and never makes it again by itself', async () => {
      story.sandbox.shop.fault('cut-after');
      const thread = await refunded();
      await story.answer(thread, /nobody can tell whether it happened/);
      await story.answer(thread, /cannot say whether it was done/);

      await story.restart();
      for (let hour = 0; hour < 5; hour++) await story.advance(60 * MINUTE);
      await story.mail(DANA.mail, /Still unknown/);
      await story.quiet();

      expect(story.refunds(7)).toEqual([120]);
      expect((await unknown()).request.tool).toBe('refund');
    });

    it.each([
      ['happened', 'cut-after', /Done: Dana Reyes confirmed that it happened \(in the terminal, /, [120]],
      [
        'did-not-happen',
        'error-before',
        /did not work: Dana Reyes confirmed that it did not happen \(in the terminal, /,
        [],
      ],
    ] as const)('is told by a person that it %s, and says so', async (finding, fault, sentence, refunds) => {
      story.sandbox.shop.fault(fault);
      const thread = await refunded();
      await story.answer(thread, /nobody can tell whether it happened/);

      expect(await settle(await unknown(), finding)).toBe('DONE');

      await story.answer(thread, sentence);
      await story.quiet();
      expect(story.refunds(7)).toEqual(refunds);
    });

    it('makes the refund anew when a person who looked says so, and not before the first attempt must be over', async () => {
      story.sandbox.shop.fault('error-before');
      const thread = await refunded();
      await story.answer(thread, /nobody can tell whether it happened/);
      const approval = await unknown();

      expect(await settle(approval, 'retry')).toBe('NOT_YET');
      await story.advance(5 * MINUTE);
      expect(await settle(approval, 'retry')).toBe('DONE');

      await story.answer(thread, /Done: Order 7 was refunded/);
      expect(story.refunds(7)).toEqual([120]);
    });

    it('asks an operator to find out where a rule had allowed the call by itself, and lets them repeat it', async () => {
      story.sandbox.shop.fault('error-before');
      const thread = await story.mention('refund order 7 for 20 EUR');

      const asked = await story.mail(DANA.mail, /nobody can tell whether it happened/);
      await story.answer(thread, /cannot say whether it was done/);
      const approval = await unknown();
      expect(asked.text).toContain(`signalbox approvals reconcile ${approval.id}`);
      expect(approval.decision?.source).toBe('policy');

      for (let hour = 0; hour < 5; hour++) await story.advance(60 * MINUTE);
      await story.mail(DANA.mail, /Still unknown/);
      expect(await settle(approval, 'retry')).toBe('DONE');
      await story.answer(thread, /Done: Order 7 was refunded|Order 7 was refunded 20/);
      expect(story.refunds(7)).toEqual([20]);
    });

    it('repeats a deploy by itself under the same key, so that it is made once', async () => {
      story.sandbox.shop.fault('cut-after');
      const thread = await story.mention('deploy api to staging');
      await eventually(() => story.sandbox.shop.deploys);

      await story.advance(5 * MINUTE);

      await story.answer(thread, /api is deployed to staging/);
      await story.quiet();
      expect(story.sandbox.shop.deploys).toHaveLength(1);
    });
  });
});

/** Nobody listens there. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** Resolves when something waits for its next attempt. */
async function parked(): Promise<void> {
  await eventually(async () => {
    const counts = await Promise.all(
      story.keys.partitions().map((partition) => story.redis.zcard(story.keys.parked(partition))),
    );
    return counts.filter((count) => count > 0);
  });
}

function postedAt({ ts }: SlackMessage): number {
  return Number(ts) * 1_000;
}

/** Asks until there is something. */
async function eventually<Item>(look: () => Item[] | Promise<Item[]>): Promise<Item[]> {
  for (;;) {
    const found = await look();
    if (found.length > 0) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function withImpatientModel(shipped: StoryConfig): StoryConfig {
  const model = { ...shipped.settings.model, retries: 0, timeout: 500 };
  return { ...shipped, settings: { ...shipped.settings, model } };
}
