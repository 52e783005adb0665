/** Nobody answers, and somebody is found all the same. */
import { afterEach, describe, expect, it } from 'vitest';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { DANA, Story, type StoryConfig, textOf } from '../support/story.ts';

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

function withCalling(config: StoryConfig, more: { triggers?: unknown; approvals?: string } = {}): StoryConfig {
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
    expect(story.refunds(7)).toEqual([80]);
    expect(await story.app.escalations.live(10)).toEqual([]);
  });
});
