/** Several calls agreed to as one: what people see, what runs, and what is left when one of them fails. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { EscalationTriggers } from '../../src/config/escalation-triggers.ts';
import { ticketOf } from '../../src/domain/card.ts';
import { RoleName } from '../../src/domain/person.ts';
import { ABANDONED_AFTER_MS, begin } from '../../src/domain/saga.ts';
import { SagaStore, sagaIdOf } from '../../src/plans/saga-store.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import type { ShopFault } from '../../src/sandbox/shop/shop-sandbox.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { button, DANA, EVE, GENERAL, Story, type StoryConfig, textOf } from '../support/story.ts';

vi.setConfig({ testTimeout: 60_000 });

let story: Story;
afterEach(() => story.end());

const refund = (order: number, amount: number) => ({
  tool: 'refund',
  arguments: { order, amount, currency: 'EUR', reason: 'broken' },
});
const DEPLOY = {
  tool: 'deploy',
  arguments: { service: 'api', environment: 'production', version: '2.0' },
};
const STEPS = [refund(7, 120), DEPLOY, refund(8, 30)];
/** Longer than an undoing that fails is tried again. */
const RETRIED_MS = 40_000;
const BROKEN: readonly ShopFault[] = ['error-before', 'error-before', 'error-before', 'error-before'];

/** The agent makes the plan when it is asked to, and says what it heard of it in the end. */
function planWith(steps: readonly unknown[]): void {
  story.sandbox.claude.script(({ messages }) => {
    const last = JSON.stringify(messages.at(-1));
    if (last.includes('please move')) {
      return { calls: [{ tool: 'run_plan', input: { title: 'Move order 7', steps } }] };
    }
    const heard = /executed\.|failed\.|denied\./.exec(last)?.[0];
    return { text: heard ? `I heard that it was ${heard}` : 'I wait.' };
  });
}

/** Alex asks for the plan; resolves with its thread and the card that Dana sees there. */
async function ask(steps: readonly unknown[] = STEPS): Promise<{ thread: string; card: SlackMessage }> {
  planWith(steps);
  const thread = await story.mention('please move order 7');
  const card = await story.answer(thread, /Waiting for .*role manager/);
  await story.seen();
  return { thread, card };
}

async function press(card: SlackMessage, label: RegExp, user = DANA.slack): Promise<void> {
  await story.sandbox.slack.press({
    user,
    channel: GENERAL,
    ts: card.ts,
    actionId: button(card, label),
  });
}

function onLead(config: StoryConfig): StoryConfig {
  const lead = WrittenPlan.parse({
    steps: [{ notify: { to: 'dana', importance: 'high' } }, { wait: '10m' }],
    last_resort: 'dana',
    settle: '0s',
  });
  const triggers = EscalationTriggers.parse([{ when: 'plan_raised', raise: 'lead', severity: 'error' }]);
  return { ...config, escalation: { ...config.escalation, escalations: { lead }, triggers } };
}

describe('a plan that somebody agrees to', () => {
  it('shows every step with its arguments, its risk and what undoes it, and runs them in order', async () => {
    story = await Story.begin();
    const { thread, card } = await ask();

    const shown = textOf(card);
    expect(shown).toMatch(/3 steps: refund, deploy, refund/);
    expect(shown).toMatch(
      /order 7, amount 120, currency EUR, .* — risk: high — if a later step fails, undone by: charge order 7 120\.00 EUR/,
    );
    expect(shown).toMatch(/— risk: medium — if a later step fails, undone by: roll api in production back/);
    await press(card, /Approve/);

    await story.answer(thread, /Done: All 3 steps are done/);
    await story.answer(thread, /I heard that it was executed/);
    expect(story.sandbox.shop.refunds.map(({ order }) => order)).toEqual([7, 8]);
    expect(story.sandbox.shop.deploys).toMatchObject([{ version: '2.0' }]);
    expect(await story.app.audit.verify()).toMatchObject({ ok: true });
  });

  it('is asked about each time, also where a yes may be given to further calls', async () => {
    story = await Story.begin({ config: withStandingYes });

    const { card } = await ask([DEPLOY, DEPLOY]);

    expect(textOf(card)).toContain('Approve');
    expect(textOf(card)).not.toContain('Always…');
  });

  it('OM-150 OM-151 leaves nothing when its last step fails: the others are taken back, the last first', async () => {
    story = await Story.begin();
    const { thread, card } = await ask();
    const { shop } = story.sandbox;
    const undone: string[] = [];
    shop.onChange(() => {
      undone.splice(0, undone.length, ...[...shop.rollbacks, ...shop.charges].map(({ kind }) => kind));
    });
    shop.fault('none', 'none', 'refuse');

    await press(card, /Approve/);

    await story.answer(thread, /Step 3 failed, so everything done before it was undone/);
    await story.answer(thread, /I heard that it was failed/);
    expect(shop.rollbacks).toMatchObject([{ deploy: 'd1' }]);
    expect(shop.charges).toMatchObject([{ order: 7, amount: 120 }]);
    expect(undone).toEqual(['rollback', 'charge']);
  });

  it('OM-143 OM-152 raises what could not be taken back after further tries: where it was asked, to the agent, and to whoever is called', async () => {
    story = await Story.begin({ config: onLead });
    const { thread, card } = await ask([refund(7, 120), refund(8, 60), DEPLOY]);
    story.sandbox.shop.fault('none', 'none', 'refuse', ...BROKEN);

    await press(card, /Approve/);

    const raised = await story.sandbox.slack.until(
      (slack) => slack.thread(GENERAL, thread).find((message) => /A human has to look/.test(textOf(message))),
      { timeoutMs: RETRIED_MS },
    );
    const told = textOf(raised);
    expect(told).toMatch(/done only in part: 2 of 3 steps stand/);
    expect(told).toMatch(/NOT UNDONE: to undo it \(charge order 8 60\.00 EUR\) was tried 4 times/);
    expect(told).toMatch(/Step 1 \(refund\): it was done; undo it: charge order 7 120\.00 EUR/);
    await story.answer(thread, /It did not work: It is done only in part/);
    await story.answer(thread, /I heard that it was failed/);
    const called = await story.mail(DANA.mail, /A plan needs a human: Move order 7/);
    expect(called.text).toMatch(/charge order 8 60\.00 EUR/);
    expect(called.text).toContain(`/archives/${GENERAL}/p`);
    expect(story.sandbox.shop.charges).toEqual([]);
  });

  it('is agreed to as it is shown: one argument changed is another plan, and a yes to the old one is void', async () => {
    story = await Story.begin({ config: withTwo });
    const { thread } = await ask();
    await story.say(DANA.slack, thread, `approve ${await ticket()}`);
    await story.answer(thread, /Dana Reyes on Slack has said yes/);
    const changed = JSON.stringify([refund(7, 80), ...STEPS.slice(1)]);

    await story.say(EVE.slack, thread, `edit ${await ticket()} steps=${changed}`);
    await story.answer(thread, /amount 80.*Carl Chen on Slack has said yes; more are needed/s);
    await story.quiet();
    expect(story.sandbox.shop.refunds).toEqual([]);
    await story.say(DANA.slack, thread, `approve ${await ticket()}`);

    await story.answer(thread, /Done: All 3 steps are done/);
    expect(story.refunds(7)).toEqual([80]);
  });

  it('OM-187 takes no step of another tool: whether the message may have that nobody has looked at', async () => {
    story = await Story.begin();
    const { thread } = await ask([refund(7, 120), refund(8, 60)]);
    const changed = JSON.stringify([refund(7, 120), DEPLOY]);

    await story.say(DANA.slack, thread, `edit ${await ticket()} steps=${changed}`);
    await story.told(DANA.slack, /it had no step of deploy/);
    await story.say(
      DANA.slack,
      thread,
      `edit ${await ticket()} steps=${JSON.stringify([refund(8, 60), refund(7, 80)])}`,
    );

    await story.answer(thread, /Done: All 2 steps are done/);
    expect(story.refunds(7)).toEqual([80]);
    expect(story.sandbox.shop.deploys).toEqual([]);
  });
});

describe('a plan that nobody goes on with', () => {
  it('OM-152 is raised where it was asked for, when its time has come', async () => {
    story = await Story.begin();
    const { thread } = await ask();
    const [approval] = await story.waiting();
    const { id: approvalId, conversationId, origin, request } = approval!;
    const { requester, correlation } = request;
    const about = { approvalId, conversationId, origin, requester, correlation };
    const id = sagaIdOf(conversationId, 'a process that is gone');
    const sagas = new SagaStore(story.redis, story.keys, new EffectWriter(story.redis, story.keys), {
      keepMs: () => ABANDONED_AFTER_MS,
      triggers: () => [],
      whereOf: () => ({ text: '', isPrivate: false }),
    });
    const step = { tool: 'refund', words: 'order 9', readsOnly: false, repeatable: false };
    await sagas.apply(id, (_, nowMs) => ({
      kind: 'moved',
      next: begin({ id, takenBy: 'w1', title: 'Move order 9', steps: [step], ...about }, nowMs),
    }));

    await story.advance(ABANDONED_AFTER_MS + 1_000);

    await story.answer(thread, /A human has to look at this plan: Move order 9.*Nobody could go on with it/s);
  });
});

describe('the stand-in for the agent', () => {
  it('OM-150 shows a plan that fails, and that nothing of it is left', async () => {
    story = await Story.begin();
    const thread = await story.mention(
      'all or nothing: refund order 7 and deploy api 2.0-broken to production',
    );
    const card = await story.answer(thread, /Waiting for role manager/);

    await press(card, /Approve/);

    await story.answer(thread, /It was allowed, but it failed.*Nothing of the plan stands/s);
    await story.answer(thread, /version 2\.0-broken does not start/);
    expect(story.sandbox.shop.charges).toMatchObject([{ order: 7, amount: 120 }]);
    expect(story.sandbox.shop.deploys).toEqual([]);
  });
});

describe('a plan that needs nobody', () => {
  it('just runs', async () => {
    story = await Story.begin();
    planWith([refund(7, 20), refund(8, 30)]);

    const thread = await story.mention('please move order 7');

    await story.answer(thread, /I heard that it was executed/);
    expect(story.sandbox.shop.refunds.map(({ amount }) => amount)).toEqual([20, 30]);
  });
});

describe('a plan that cannot be', () => {
  it.each([
    ['one step does not fit its tool', [refund(7, 20), { tool: 'deploy', arguments: {} }], /do not fit/],
    ['one step is denied', [refund(7, 20), { tool: 'jira_fly', arguments: {} }], /cannot be a step/],
    [
      'the rules deny one step',
      [refund(7, 20), { tool: 'deploy', arguments: { service: 'api', environment: 'staging' } }],
      /Not allowed by the rule/,
    ],
  ])('is told to the agent at once when %s, and nothing runs', async (_what, steps, words) => {
    story = await Story.begin();
    planWith(steps);

    const thread = await story.mention('please move order 7', DANA.slack);

    await story.answer(thread, /I wait/);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages)).toMatch(words);
    expect(story.sandbox.shop.refunds).toEqual([]);
    expect(await story.waiting()).toEqual([]);
  });
});

/** Where a yes to further calls may be given, also of such risk. */
function withStandingYes(config: StoryConfig): StoryConfig {
  const standing_yes = { rules: ['tool' as const], longest: 3_600_000, most_times: 10 };
  const policies = {
    default: { ...config.escalation.policies.default, standing_yes },
    urgent: { ...config.escalation.policies.urgent!, standing_yes },
  };
  return { ...config, escalation: { ...config.escalation, policies } };
}

async function ticket(): Promise<string> {
  const [approval] = await story.waiting();
  if (!approval) throw new Error('nothing waits');
  return ticketOf({ approvalId: approval.id, gen: approval.gen });
}

/** Carl has Eve's account, is a manager, and both managers have to agree. */
function withTwo(config: StoryConfig): StoryConfig {
  const manager = RoleName.parse('manager');
  const { dana, ...others } = config.contacts.people;
  const carl = {
    ...dana!,
    name: 'Carl Chen',
    accounts: { slack: [`T0SANDBOX/${EVE.slack}`], email: [EVE.mail] },
  };
  const rules = config.authorizations.rules.map((rule) =>
    rule.decision === 'ask' ? { ...rule, approvers: { role: manager, count: 2 } } : rule,
  );
  return {
    ...config,
    contacts: { ...config.contacts, people: { ...others, dana: dana!, carl } },
    authorizations: { ...config.authorizations, rules },
  };
}
