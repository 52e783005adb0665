/** What somebody said from an account that is theirs no more: it counts for nothing that has not happened yet. */
import { afterEach, describe, expect, it } from 'vitest';
import { ticketOf } from '../../src/domain/card.ts';
import { AccountId, PersonId } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import { ALEX, DANA, EVE, Story, type StoryConfig, withPerson } from '../support/story.ts';

const HOUR_MS = 3_600_000;
const MANAGER = RoleName.parse('manager');
const CARL = PersonId.parse('carl');
const EVES_ACCOUNT = `T0SANDBOX/${EVE.slack}`;
const ACCOUNT = AccountId.parse(`slack:${EVES_ACCOUNT}`);

let story: Story;
afterEach(() => story.end());

/** Two managers have to agree, Dana and Carl. */
function withTwo(accounts: StoryConfig['contacts']['people'][string]['accounts']) {
  return (config: StoryConfig): StoryConfig => {
    const { dana, ...others } = config.contacts.people;
    const carl = { ...dana!, name: 'Carl Chen', roles: [MANAGER], accounts };
    const rules = config.authorizations.rules.map((rule) =>
      rule.decision === 'ask' ? { ...rule, approvers: { role: MANAGER, count: 2 } } : rule,
    );
    return {
      ...config,
      contacts: { ...config.contacts, people: { ...others, dana: dana!, carl } },
      authorizations: { ...config.authorizations, rules },
    };
  };
}

/** By whoever runs the gateway. */
function gesture(id: string) {
  const person = story.app.directory.find(PersonId.parse('dana'))!;
  return { id, account: AccountId.parse('cli:local'), channel: 'cli', actor: 'dana', person };
}

async function ticket(): Promise<string> {
  const [approval] = await story.waiting();
  return ticketOf({ approvalId: approval!.id, gen: approval!.gen });
}

describe('what was said from an account that is taken away', () => {
  it('A4 OM-124 is no yes once the account stands no more in contacts.yaml, and the card says so', async () => {
    story = await Story.begin({ config: withTwo({ slack: [EVES_ACCOUNT], email: [EVE.mail] }) });
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for/);
    await story.say(EVE.slack, thread, `approve ${await ticket()}`);
    await story.answer(thread, /Carl Chen on Slack has said yes/);

    story.config = withPerson(story.config, 'carl', { accounts: { email: [EVE.mail] } });
    await story.say(DANA.slack, thread, `approve ${await ticket()}`);

    await story.answer(
      thread,
      /Dana Reyes on Slack has said yes.*The yes of Carl Chen no longer counts: the account it came from is not theirs any more/,
    );
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);
  });

  it('A4 OM-124 OM-182 lets nothing run again once the account is unlinked', async () => {
    story = await Story.begin({ config: withTwo({ email: [EVE.mail] }) });
    await story.app.linkDesk.adopt(gesture('link'), ACCOUNT, CARL);
    story.sandbox.shop.fault('error-before');
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for/);
    const named = await ticket();
    await story.say(DANA.slack, thread, `approve ${named}`);
    await story.answer(thread, /Dana Reyes on Slack has said yes/);
    await story.say(EVE.slack, thread, `approve ${named}`);
    await story.answer(thread, /nobody can tell whether it happened/);
    await story.advance(HOUR_MS);
    await story.say(EVE.slack, thread, `retry ${named}`);
    await story.answer(thread, /Carl Chen on Slack/);

    await story.app.linkDesk.takeBack(gesture('unlink'), ACCOUNT);
    await story.say(DANA.slack, thread, `retry ${named}`);
    await story.told(DANA.slack, /others/);
    await story.quiet();

    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-182 is no standing yes once the account is unlinked: people are asked', async () => {
    const rule = { rules: ['tool' as const], longest: 72 * HOUR_MS, most_times: 10 };
    story = await Story.begin({
      config: (config) => {
        const { policies } = config.escalation;
        const urgent = { ...policies.urgent!, standing_yes: rule };
        return { ...config, escalation: { ...config.escalation, policies: { ...policies, urgent } } };
      },
    });
    await story.app.linkDesk.adopt(gesture('link'), ACCOUNT, PersonId.parse('dana'));
    const first = await story.mention('deploy api 2.0 to production');
    await story.answer(first, /Waiting for/);
    await story.say(EVE.slack, first, `always ${await ticket()} tool 1d 3x`);
    const said = await story.told(EVE.slack, /To agree to both/);
    await story.say(EVE.slack, first, /`(always [^`]+)`/.exec(said)![1]!);
    await story.answer(first, /Done/);
    const second = await story.mention('deploy api 2.1 to production');
    await story.answer(second, /Done/);

    await story.app.linkDesk.takeBack(gesture('unlink'), ACCOUNT);
    const third = await story.mention('deploy api 3.0 to production');
    await story.answer(third, /Waiting for/);

    expect(story.sandbox.shop.deploys.map(({ version }) => version)).toEqual(['2.0', '2.1']);
  });
});

describe('whoever has spoken before it was asked', () => {
  it('A4 decides it by no other name either, as long as the account is the same', async () => {
    const accounts = { slack: [EVES_ACCOUNT] };
    story = await Story.begin({ config: (config) => withCarl(config, 'carl', accounts) });
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(EVE.slack, thread, '!takeover');
    await story.answer(thread, /Carl Chen/);
    await story.say(EVE.slack, thread, 'Order 7 can go back, I have seen it.');
    await story.say(EVE.slack, thread, '!handback');
    await story.say(ALEX.slack, thread, 'refund order 7');
    await story.answer(thread, /Waiting for/);
    const named = await ticket();

    story.config = withCarl(withoutCarl(story.config), 'karl', accounts);
    await story.say(EVE.slack, thread, `approve ${named}`);

    await story.told(EVE.slack, /spoke here before I asked, so somebody else has to decide/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);
    await story.say(DANA.slack, thread, `approve ${named}`);
    await story.answer(thread, /Done/);
  });
});

/** A second manager. */
function withCarl(
  config: StoryConfig,
  id: string,
  accounts: StoryConfig['contacts']['people'][string]['accounts'],
): StoryConfig {
  const { people } = config.contacts;
  const carl = { ...people.dana!, name: 'Carl Chen', accounts };
  return { ...config, contacts: { ...config.contacts, people: { ...people, [id]: carl } } };
}

function withoutCarl(config: StoryConfig): StoryConfig {
  const { carl: _, ...people } = config.contacts.people;
  return { ...config, contacts: { ...config.contacts, people } };
}
