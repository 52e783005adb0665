/** Who may do what, people and the agent alike: checked when it is done, recorded, and with a way upward. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Authorizations, DenyRule } from '../../src/config/authorizations.ts';
import { defer } from '../support/core.ts';
import { ALEX, button, codesIn, DANA, Story, textOf } from '../support/story.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

function change(authorizations: Partial<Authorizations>): void {
  story.config = { ...story.config, authorizations: { ...story.config.authorizations, ...authorizations } };
}

/** Another configuration in which Alex holds these roles. */
function alexIs(...roles: string[]): void {
  const { people } = story.config.contacts;
  story.config = {
    ...story.config,
    contacts: { ...story.config.contacts, people: { ...people, alex: { ...people.alex!, roles } } },
  };
}

/** The agent holds one role, which covers these tools. */
function agentMayCall(...tools: string[]): void {
  const { roles } = story.config.authorizations;
  change({
    roles: { ...roles, helpdesk: { permissions: [], calls: [{ tools }] } },
    agents: { signalbox: { roles: ['helpdesk'] } },
  });
}

async function trail(event: string) {
  const entries = await story.app.audit.tail(300);
  return entries.flatMap((entry) => (entry.event.event === event ? [entry.event] : []));
}

describe('the agent', () => {
  it('OM-180 OM-183 calls no tool outside its role, and each check is on record with its rule', async () => {
    agentMayCall('deploy');
    const refund = await story.mention('refund order 7');
    await story.answer(refund, /no role of signalbox \(helpdesk\) covers refund/);
    await story.mention('deploy api to staging');
    await story.quiet();

    expect(await story.open()).toEqual([]);
    expect(await trail('authorization.deny')).toMatchObject([
      {
        actor: 'alex',
        subject: 'tool:refund',
        detail: { action: 'call', rule: 'no role of signalbox (helpdesk) covers refund' },
      },
    ]);
    expect(await trail('authorization.allow')).toMatchObject([
      {
        actor: 'alex',
        subject: 'tool:deploy',
        detail: { action: 'call', rule: 'staging deploys', agent: 'role helpdesk of signalbox' },
      },
    ]);
  });

  it('OM-182 does not run what was approved once its role no longer covers it', async () => {
    agentMayCall('refund');
    const thread = await story.mention('refund order 7');
    const request = await story.mail(DANA.mail, /refund/);
    agentMayCall('deploy');

    await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'none' });
    await story.answer(thread, /Taken back before it ran.*no role of signalbox/s);

    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-182 finds a rule that changed in the middle of a turn at its next call', async () => {
    const asked = defer();
    const changed = defer();
    let calls = 0;
    story.sandbox.claude.script(() => {
      calls += 1;
      if (calls === 1) return { calls: [{ tool: 'recall', input: {} }] };
      async function* slowly(): AsyncGenerator<string> {
        yield 'Let me look again. ';
        asked.resolve();
        await changed.promise;
      }
      return calls === 2
        ? { text: slowly(), calls: [{ tool: 'recall', input: {} }] }
        : { text: 'I could not look again.' };
    });
    const thread = await story.mention('what did you note?');
    await asked.promise;
    const never: DenyRule = { name: 'no notes', tool: ['recall'], decision: 'deny' };
    change({ rules: [never] });
    changed.resolve();
    await story.answer(thread, /I could not look again/);

    expect(await trail('authorization.allow')).toHaveLength(1);
    expect(await trail('authorization.deny')).toMatchObject([{ detail: { rule: 'no notes' } }]);
  });
});

describe('a person', () => {
  it('OM-181 OM-182 is refused from the next message on, when their role may ask no more, and with no restart', async () => {
    const first = await story.mention('what can you do?');
    await story.answer(first, /Here is what I can do/);
    alexIs('viewer');

    const second = await story.mention('what can you do?');
    await story.answer(second, /You may not ask me for things/);

    alexIs('member');
    const third = await story.mention('what can you do?');
    await story.answer(third, /Here is what I can do/);
  });

  it('OM-182 is not served with a message that waited while the right to ask was taken away', async () => {
    const begun = defer();
    const finish = defer();
    async function* slowly(): AsyncGenerator<string> {
      yield 'One moment. ';
      begun.resolve();
      await finish.promise;
    }
    story.sandbox.claude.script(() => ({ text: slowly() }));
    const thread = await story.mention('first');
    await begun.promise;
    await story.say(ALEX.slack, thread, '<@U0SIGNALBOX> second');
    alexIs('viewer');
    finish.resolve();

    await story.answer(thread, /may not ask me for things any more/);

    expect(story.sandbox.claude.requests).toHaveLength(1);
    expect(await trail('message.refused')).toMatchObject([
      { detail: { authorization: 'deny', rule: 'no role has the permission ask any more' } },
    ]);
  });
});

describe('a call that is denied, with somebody to ask for an exception', () => {
  const frozen: DenyRule = {
    name: 'nothing is paid in December',
    tool: ['refund'],
    decision: 'deny',
    escalate: { approvers: { role: 'manager' } },
  };

  beforeEach(() => {
    change({ rules: [frozen, ...story.config.authorizations.rules] });
  });

  it('OM-184 waits for them instead of a flat no; the card says by what it is denied, and who asked', async () => {
    const thread = await story.mention('refund order 7');
    const card = await story.answer(thread, /Waiting for role manager/);
    const request = await story.mail(DANA.mail, /refund/);

    for (const shown of [textOf(card), request.text]) {
      expect(shown).toMatch(/normally denied/i);
      expect(shown).toMatch(/by the rule “nothing is paid in December”; a yes makes an exception, this once/);
      expect(shown).toContain('Alex Kim');
    }
    expect(story.refunds(7)).toEqual([]);
    expect(await trail('authorization.ask')).toMatchObject([
      { subject: 'tool:refund', detail: { rule: 'nothing is paid in December' } },
    ]);

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: 'C0GENERAL',
      ts: card.ts,
      actionId: button(card, /Approve/),
    });
    await story.answer(thread, /Approved by Dana Reyes[\s\S]*Done/);
    expect(story.refunds(7)).toEqual([120]);
    await story.answer(thread, /It was allowed, and it is done/);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1))).toMatch(
      /The rule “nothing is paid in December” denies this; an exception was asked for\. Waiting for a human/,
    );
  });

  it('OM-184 takes no standing yes, and silence makes no exception', async () => {
    const { escalation } = story.config;
    const policy = {
      ...escalation.policies.default,
      on_timeout: [{ kind: 'approve' as const }],
      standing_yes: { rules: ['exact' as const], longest: 86_400_000, most_times: 5 },
    };
    story.config = {
      ...story.config,
      escalation: { ...escalation, policies: { ...escalation.policies, default: policy } },
    };
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    const [approval] = await story.open();
    await story.seen();

    await story.dm(DANA.slack, `/always ${approval!.id} exact 1d 2x`);
    await story.sandbox.slack.until((slack) =>
      [...slack.ephemerals(DANA.slack), ...slack.messages('D0DANA')]
        .map(textOf)
        .find((text) => /takes no standing yes/.test(text)),
    );
    await story.advance(48 * 3_600_000);
    await story.answer(thread, /Expired/);

    expect(approval!.policy).toMatchObject({ exception: true });
    expect(story.refunds(7)).toEqual([]);
  });
});
