/** Somebody writes again while what they asked for still waits: it goes on, is withdrawn, or is replaced. */
import { afterEach, describe, expect, it } from 'vitest';
import type { EscalationPolicy } from '../../src/config/escalation.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { Entry } from '../../src/domain/transcript.ts';
import { ALEX as ALEX_IN_JIRA } from '../../src/sandbox/people.ts';
import { aVote } from '../support/approvals.ts';
import { defer } from '../support/core.ts';
import { ALEX, button, DANA, GENERAL, Story, textOf } from '../support/story.ts';

let story: Story;
afterEach(() => story.end());

async function begin(
  policy: Partial<EscalationPolicy>,
  model: Partial<Story['config']['settings']['model']> = {},
): Promise<void> {
  story = await Story.begin({
    config: (shipped) => {
      const policies = Object.fromEntries(
        Object.entries(shipped.escalation.policies).map(([name, each]) => [name, { ...each, ...policy }]),
      );
      return {
        ...shipped,
        settings: { ...shipped.settings, model: { ...shipped.settings.model, ...model } },
        escalation: { ...shipped.escalation, policies: { ...shipped.escalation.policies, ...policies } },
      };
    },
  });
}

/** Alex asks for a refund of order 7. Resolves when it waits. */
async function ask(): Promise<{ thread: string; first: Approval }> {
  const thread = await story.mention('refund order 7');
  await story.answer(thread, /Waiting for role manager/);
  const [first] = await story.waiting();
  return { thread, first: first! };
}

async function find({ id }: Pick<Approval, 'id'>): Promise<Approval> {
  return (await story.app.approvals.find(id))!;
}

/** What the agent has read of a request, as events. */
async function toldOf({ id, conversationId }: Approval): Promise<string[]> {
  const entries = await story.redis.lrange(story.keys.transcript(conversationId), 0, -1);
  return entries
    .map((json) => Entry.parse(JSON.parse(json)))
    .flatMap((entry) => (entry.kind === 'event' && entry.text.includes(id) ? [entry.text] : []));
}

describe('a new request of the same person', () => {
  it('takes the place of the one that waits, and every card, answer, list and program says so', async () => {
    await begin({ on_new_message: 'supersede' });
    const { thread, first } = await ask();
    const card = await story.answer(thread, /Waiting for role manager/);

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> refund order 7 for 80 EUR');
    await story.answer(thread, /Replaced by Alex Kim on Slack.*takes its place/s);
    await story.quiet();

    const [second, ...others] = await story.waiting();
    expect(others).toEqual([]);
    expect(second).toMatchObject({ state: 'OPEN', supersedes: [first.id] });
    const replaced = await find(first);
    expect(replaced).toMatchObject({ state: 'SUPERSEDED', supersededBy: second!.id });
    await story.answer(thread, new RegExp(`It takes the place of ${first.id}`));
    // The agent has read of it, once, and says nothing about it.
    expect(await toldOf(first)).toEqual([expect.stringContaining(': superseded. Replaced by Alex Kim')]);
    expect(story.said(thread).map(textOf).join()).not.toContain('Meanwhile this happened');

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /"Approve"/),
      copy: card,
    });
    await story.told(DANA.slack, new RegExp(`changed nothing.*Replaced by Alex Kim.*${second!.id}`, 's'));
    await story.say(DANA.slack, thread, `reopen ${first.id}`);
    await story.told(DANA.slack, /A newer request took its place/);
    expect(story.refunds(7)).toEqual([]);

    await story.say(DANA.slack, thread, `approve ${second!.id}`);
    await story.answer(thread, /Approved by Dana Reyes on Slack.*Done/s);
    await story.quiet();
    expect(story.refunds(7)).toEqual([80]);
  });

  it('takes the place of a yes whose run still stands in line, so only one of them runs', async () => {
    await begin({ on_new_message: 'supersede' });
    const { thread, first } = await ask();

    // The model is slow with the second message, so Dana's yes stands in line behind it.
    const [reached, resumed] = [defer(), defer()];
    story.sandbox.claude.script(async () => {
      reached.resolve();
      await resumed.promise;
      return undefined; // by its rules
    });
    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> refund order 7 for 80 EUR');
    await reached.promise;
    await story.say(DANA.slack, thread, `approve ${first.id}`);
    await story.answer(thread, /Approved by Dana Reyes on Slack.*It has not run yet/s);
    resumed.resolve();
    await story.answer(thread, /Approved by Dana Reyes.*Replaced by Alex Kim on Slack/s);
    await story.quiet();

    expect(story.refunds(7)).toEqual([]);
    expect((await find(first)).state).toBe('SUPERSEDED');
    const [second] = await story.waiting();
    await story.say(DANA.slack, thread, `approve ${second!.id}`);
    await story.answer(thread, /Done/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([80]);
  });

  it('takes no place of what is decided in that very moment, and the agent need not think again', async () => {
    await begin({ on_new_message: 'supersede' });
    const { thread, first } = await ask();
    const { approvals } = story.app;
    const changeOf = approvals.changeOf.bind(approvals);
    approvals.changeOf = async (id, decide) => {
      const change = await changeOf(id, decide);
      await approvals.apply(first.id, (current, nowMs) =>
        vote(current, aVote(current, { choice: 'deny', text: 'no' }), nowMs),
      );
      return change;
    };

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> refund order 7 for 80 EUR');
    await story.answer(thread, /Denied by Dana on Slack/);
    await story.answer(thread, /amount 80.*Waiting for role manager/s);
    await story.quiet();

    expect(await find(first)).toMatchObject({ state: 'DENIED' });
    expect((await find(first)).supersededBy).toBeUndefined();
    const [second, ...others] = await story.waiting();
    expect([second?.supersedes, others]).toEqual([undefined, []]);
    const asked = story.sandbox.claude.requests.filter(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('refund order 7 for 80 EUR'),
    );
    expect(asked).toHaveLength(1);
    expect(
      story
        .said(thread)
        .map(textOf)
        .filter((text) => /Waiting for role manager/.test(text)),
    ).toHaveLength(1);
  });

  it('takes no place with what a rule lets run by itself', async () => {
    await begin({ on_new_message: 'supersede' });
    const { thread, first } = await ask();

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> refund order 7 for 40 EUR');
    await story.answer(thread, /Allowed by policy. Done/);
    await story.quiet();

    expect((await find(first)).state).toBe('OPEN');
  });

  it('leaves alone what was asked for in the same turn, for another tool, or elsewhere', async () => {
    await begin({ on_new_message: 'supersede' });
    const elsewhere = await ask();

    const thread = await story.mention('refund order 7 and order 12');
    await story.answer(thread, /Approval needed: refund: order 12/);
    await story.quiet();
    expect(await story.waiting()).toHaveLength(3);

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> deploy api to production');
    await story.quiet();
    expect((await story.waiting()).map(({ state }) => state)).toEqual(
      Array.from({ length: 4 }, () => 'OPEN'),
    );
    expect((await find(elsewhere.first)).state).toBe('OPEN');
  });
});

describe('a new message', () => {
  it('leaves what waits as it is, where nothing else is said', async () => {
    await begin({});
    const { thread, first } = await ask();

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> refund order 7 for 80 EUR');
    await story.answer(thread, /amount 80/);
    await story.quiet();

    expect((await find(first)).state).toBe('OPEN');
    expect(await story.waiting()).toHaveLength(2);
  });

  it('withdraws what waits where the policy says so, and the agent knows before it answers', async () => {
    await begin({ on_new_message: 'cancel' });
    const { thread, first } = await ask();

    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> hello');
    await story.answer(thread, /Withdrawn by Alex Kim on Slack.*there is a newer message/s);
    await story.quiet();

    expect(await find(first)).toMatchObject({ state: 'CANCELLED', settledBy: { person: 'alex' } });
    expect(await toldOf(first)).toHaveLength(1);
    const asked = story.sandbox.claude.requests.at(-1)?.messages;
    expect(JSON.stringify(asked)).toMatch(/cancelled\. Withdrawn by Alex Kim.*hello/s);
  });

  it('withdraws it once, though the turn has to be begun again, and the agent hears of it all the same', async () => {
    await begin({ on_new_message: 'cancel' }, { retries: 0 });
    const { thread, first } = await ask();

    story.sandbox.claude.fault({ kind: 'overloaded' }, 1_000);
    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> hello');
    await story.answer(thread, /cannot reach my language model/);
    expect(await find(first)).toMatchObject({ state: 'CANCELLED' });
    story.sandbox.claude.heal();
    await story.advance(5 * 60_000);
    await story.answer(thread, /It was called off, so it was not done/);
    await story.quiet();

    expect(await toldOf(first)).toHaveLength(1);
    expect(await story.waiting()).toEqual([]);
  });

  it('withdraws nothing by what is only overheard, until its requester speaks to the agent', async () => {
    await begin({ on_new_message: 'cancel' });
    const { jira } = story.sandbox;
    const write = (text: string) =>
      jira.comment({ user: ALEX_IN_JIRA.jiraAccount, issue: 'OPS-2', text }).acknowledged;
    const shown = (pattern: RegExp) =>
      jira.until(() => jira.comments('OPS-2').find(({ body }) => pattern.test(body)));
    await write('@signalbox refund order 7');
    await shown(/Waiting for role manager/);
    const [first] = await story.waiting();

    await write('hello everybody');
    await story.quiet();
    expect((await find(first!)).state).toBe('OPEN');

    await write('@signalbox hello');
    await shown(/Withdrawn by Alex Kim in Jira/);
  });

  it('withdraws nothing by words of others, commands or answers', async () => {
    await begin({ on_new_message: 'cancel' });
    const { thread, first } = await ask();

    await story.say(DANA.slack, thread, '<@U0SIGNALBOX> hello');
    await story.say(DANA.slack, thread, `question ${first.id} why?`);
    await story.answer(thread, /Alex Kim, please write/);
    await story.say(ALEX.slack, thread, `reply ${first.id} because`);
    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> /status');
    await story.quiet();

    expect((await find(first)).state).toBe('OPEN');
  });
});
