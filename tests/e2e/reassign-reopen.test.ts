/** A request that has the wrong people, or ended too soon: an operator passes it on, and it is asked again. */
import { afterEach, describe, expect, it } from 'vitest';
import { Rule } from '../../src/config/authorizations.ts';
import { delegate } from '../../src/domain/approval/delegation.ts';
import { type Approval, advance } from '../../src/domain/approval/record.ts';
import { PersonId, Platform } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import { DANA as OLGA } from '../../src/sandbox/people.ts';
import { ALEX, button, codesIn, DANA, EVE, GENERAL, Story, textOf, withPerson } from '../support/story.ts';
import { textOf as discordText } from '../support/surfaces/discord-surface.ts';

const DAY = 24 * 60 * 60_000;

let story: Story;
afterEach(() => story.end());

/** Eve's accounts are those of Carl, who may decide other things; Alex runs the gateway where the story says so. */
async function begin({
  operator = false,
  carl: role = 'deputy',
}: {
  operator?: boolean;
  carl?: 'deputy' | 'member' | 'operator';
} = {}): Promise<void> {
  story = await Story.begin({
    config: (shipped) => {
      const { dana } = shipped.contacts.people;
      const carl = {
        ...dana!,
        name: 'Carl Chen',
        roles: [RoleName.parse(role)],
        accounts: { slack: [`T0SANDBOX/${EVE.slack}`], email: [EVE.mail] },
        prefers: [Platform.parse('slack')],
      };
      const people = { ...shipped.contacts.people, carl };
      const may = {
        ...shipped.authorizations.roles,
        deputy: { permissions: ['ask' as const, 'approve' as const] },
      };
      const authorizations = { ...shipped.authorizations, roles: may };
      const config = { ...shipped, authorizations, contacts: { ...shipped.contacts, people } };
      const roles = ['member', 'engineer', 'operator'].map((role) => RoleName.parse(role));
      return operator ? withPerson(config, 'alex', { roles }) : config;
    },
  });
}

/** From now on the rules let it run, and every policy gives a standing yes, and a yes by silence. */
function lenient(): void {
  const { authorizations, escalation } = story.config;
  const policies = Object.entries(escalation.policies).map(([name, policy]) => [
    name,
    {
      ...policy,
      standing_yes: { rules: ['exact' as const], longest: DAY, most_times: 5 },
      on_timeout: [{ kind: 'approve' as const }],
      on_new_message: 'cancel' as const,
    },
  ]);
  const anything = Rule.parse({ name: 'anything', tool: '*', decision: 'allow' });
  story.config = {
    ...story.config,
    authorizations: { ...authorizations, rules: [anything] },
    escalation: { ...escalation, policies: Object.fromEntries(policies) },
  };
}

async function ask(): Promise<{ thread: string; ticket: string }> {
  const thread = await story.mention('refund order 7');
  await story.answer(thread, /Waiting for role manager/);
  const [approval] = await story.waiting();
  return { thread, ticket: `${approval?.id}.1` };
}

describe('a request that somebody is asked about in the place of another', () => {
  /** Dana is away, and Carl, a member, stands in for her; Kim is a member, and Olga runs the gateway, from Discord. */
  async function beginWithoutDana(): Promise<{ thread: string; ticket: string }> {
    await begin();
    const { carl } = story.config.contacts.people;
    const away = { from: Date.UTC(2020, 0), to: Date.UTC(2100, 0), stand_in: PersonId.parse('carl') };
    story.config = withPerson(story.config, 'dana', {
      accounts: { email: [DANA.mail] },
      time_zone: 'Europe/Berlin',
      absences: [away],
    });
    const kim = { ...carl!, name: 'Kim Park', accounts: { slack: [`T0SANDBOX/${DANA.slack}`] } };
    const olga = {
      ...carl!,
      name: 'Olga Ott',
      roles: [RoleName.parse('operator')],
      accounts: { discord: [OLGA.discordUser] },
    };
    const people = { ...story.config.contacts.people, kim, olga };
    story.config = { ...story.config, contacts: { ...story.config.contacts, people } };
    await story.app.configChanged();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    const [approval] = await story.waiting();
    return { thread, ticket: `${approval?.id}.1` };
  }

  async function olgaSays(text: string, told: RegExp): Promise<void> {
    await story.sandbox.discord.dm({ user: OLGA.discordUser, text });
    await story.sandbox.discord.until((discord) =>
      discord.messages(OLGA.discordDm).find((message) => told.test(discordText(message))),
    );
  }

  it('OM-120 OM-185 is not passed on by whoever stands in, who reads who can', async () => {
    const { thread, ticket } = await beginWithoutDana();

    await story.say(EVE.slack, thread, `delegate ${ticket} kim`);
    const told = await story.told(EVE.slack, /only in the place of dana/);

    expect(told).toContain(`reassign ${ticket} person for dana`);
    expect((await story.waiting()).map(({ delegations }) => delegations)).toEqual([undefined]);
  });

  it('OM-120 OM-185 is passed on by an operator in the place of the one who is away', async () => {
    const { thread, ticket } = await beginWithoutDana();

    await olgaSays(`reassign ${ticket} kim`, /Carl Chen can decide this only in the place of dana/);
    await olgaSays(
      `reassign ${ticket} kim for dana`,
      /Kim Park can now decide this in the place of Dana Reyes/,
    );
    await story.say(DANA.slack, thread, `approve ${ticket}`);

    await story.answer(thread, /Approved by Kim Park in the place of Dana Reyes on Slack.*Done/s);
    expect(story.refunds(7)).toEqual([120]);
  });
});

describe('an operator passes a request on', () => {
  it('OM-120 OM-124 to somebody who is asked then, and decides in the place of the one who was', async () => {
    await begin();
    const { thread, ticket } = await ask();

    await story.say(DANA.slack, thread, `reassign ${ticket} carl`);
    await story.told(DANA.slack, /Carl Chen can now decide this in the place of Dana Reyes/);
    const card = await story.sandbox.slack.until((slack) =>
      slack.messages('D0EVE').find((message) => /Waiting for/.test(textOf(message))),
    );
    await story.sandbox.slack.press({
      user: EVE.slack,
      channel: 'D0EVE',
      ts: card.ts,
      actionId: button(card, /"Approve"/),
    });

    await story.answer(thread, /Approved by Carl Chen in the place of Dana Reyes on Slack.*Done/s);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-120 OM-124 from where nobody can tell how to reach them: they are asked by the gateway', async () => {
    await begin();
    const { thread, ticket } = await ask();
    const [approval] = await story.waiting();
    const [dana, carl] = ['dana', 'carl'].map((id) => PersonId.parse(id)) as [PersonId, PersonId];

    await story.app.approvals.apply(approval!.id, (current, nowMs) =>
      delegate(
        current,
        {
          from: { person: dana, roles: ['manager'] },
          to: { person: carl },
          by: { person: dana },
          operates: true,
          copies: undefined,
        },
        nowMs,
      ),
    );

    const card = await story.sandbox.slack.until((slack) =>
      slack.messages('D0EVE').find((message) => /Waiting for/.test(textOf(message))),
    );
    expect(ticket).toContain(approval!.id);
    await story.sandbox.slack.press({
      user: EVE.slack,
      channel: 'D0EVE',
      ts: card.ts,
      actionId: button(card, /"Approve"/),
    });
    await story.answer(thread, /Approved by Carl Chen in the place of Dana Reyes on Slack.*Done/s);
  });

  it('OM-120 OM-154 in whose place is asked where several may decide, and recorded as an answer that is not complete', async () => {
    await begin();
    const manager = RoleName.parse('manager');
    story.config = withPerson(story.config, 'carl', { roles: [manager] });
    await story.app.configChanged();
    const { thread, ticket } = await ask();

    await story.say(DANA.slack, thread, `reassign ${ticket} carl`);
    await story.told(DANA.slack, /In whose place\?/);

    const answers = (await story.app.audit.tail(200)).filter(
      ({ event }) => event.event === 'answer.received',
    );
    expect(answers).toMatchObject([{ event: { actor: 'dana', detail: { result: 'INVALID' } } }]);
  });

  it('OM-185 never to those on whose behalf it is asked, and nobody else passes it on', async () => {
    await begin();
    const { thread, ticket } = await ask();

    await story.say(DANA.slack, thread, `reassign ${ticket} alex`);
    await story.told(DANA.slack, /Alex Kim cannot decide this: it is asked on their behalf\. Nothing/);
    await story.say(EVE.slack, thread, `reassign ${ticket} carl`);
    await story.told(EVE.slack, /Only somebody who runs me/);
    await story.say(DANA.slack, thread, `reassign ${ticket} nobody.known for dana`);
    await story.told(DANA.slack, /I know nobody by the id nobody\.known/);

    expect((await story.waiting())[0]?.delegations ?? []).toEqual([]);
  });

  it('OM-185 to nobody who may not decide anything, nor does one decide who may not any more', async () => {
    await begin({ carl: 'member' });
    const { thread, ticket } = await ask();
    const carlIs = async (role: string) => {
      story.config = withPerson(story.config, 'carl', { roles: [RoleName.parse(role)] });
      await story.app.configChanged();
    };

    await story.say(DANA.slack, thread, `reassign ${ticket} carl`);
    await story.told(DANA.slack, /Carl Chen may not decide anything: no role .* has the permission/);
    const before = (await story.waiting())[0]?.delegations;
    await carlIs('deputy');
    await story.say(DANA.slack, thread, `reassign ${ticket} carl`);
    await story.told(DANA.slack, /Carl Chen can now decide this in the place of Dana Reyes/);
    await carlIs('member');
    await story.say(EVE.slack, thread, `approve ${ticket}`);
    await story.told(EVE.slack, /not one of those who may decide/);

    expect(before).toBeUndefined();
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-185 not to themselves, where they may not decide it', async () => {
    await begin({ carl: 'operator' });
    const { thread, ticket } = await ask();

    await story.say(EVE.slack, thread, `reassign ${ticket} carl for dana`);

    await story.told(EVE.slack, /You may not decide this/);
    expect((await story.waiting())[0]?.delegations ?? []).toEqual([]);
  });

  it('OM-185 not where they ask for it themselves', async () => {
    await begin({ operator: true });
    const { thread, ticket } = await ask();

    await story.say(ALEX.slack, thread, `reassign ${ticket} carl`);

    await story.told(ALEX.slack, /or it is asked on your behalf/);
    expect((await story.waiting())[0]?.delegations ?? []).toEqual([]);
  });
});

describe('a request that ended without an effect', () => {
  it('OM-123 is asked again loudly, when nobody who may decide can be reached by then', async () => {
    await begin();
    const { thread, ticket } = await ask();
    await story.seen();
    await story.advance(2 * DAY);
    await story.answer(thread, /Expired on/);
    story.config = withPerson(story.config, 'dana', { accounts: { cli: ['dana'] } });

    await story.say(ALEX.slack, thread, `reopen ${ticket}`);

    await story.answer(thread, /Nobody has been asked yet.*Dana Reyes/s);
    expect(await story.waiting()).toMatchObject([{ copies: [{ id: 'conversation' }] }]);
  });

  it('OM-123 OM-124 is asked again by a button on the answer that came too late, and needs a yes of its own', async () => {
    await begin();
    const { thread } = await ask();
    const card = await story.answer(thread, /Waiting for role manager/);
    await story.seen();
    await story.advance(2 * DAY);
    await story.answer(thread, /Expired on/);

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /"Approve"/),
      copy: card,
    });
    const late = await story.sandbox.slack.until((slack) =>
      slack.ephemerals(DANA.slack).find((message) => /came after the deadline/.test(textOf(message))),
    );
    const again = button(late as Parameters<typeof button>[0], /Ask it again/);
    for (let press = 0; press < 2; press++) {
      await story.sandbox.slack.press({ user: DANA.slack, channel: GENERAL, ts: late.ts, actionId: again });
    }

    await story.told(DANA.slack, /It is asked again, as another request/);
    const [reopened, ...others] = await story.waiting();
    expect(others).toEqual([]);
    expect(reopened).toMatchObject({ state: 'OPEN', reopenedFrom: expect.stringMatching(/^apr_/) });
    expect(story.refunds(7)).toEqual([]);
    await story.say(DANA.slack, thread, `approve ${reopened?.id}`);
    await story.answer(thread, /Approved by Dana Reyes on Slack.*Done/s);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages)).toContain(reopened?.id);
  });

  it('OM-124 is asked again by who asked for it when it expired, but not when somebody said no', async () => {
    await begin();
    const first = await ask();
    await story.say(DANA.slack, first.thread, `deny ${first.ticket} not today`);
    await story.answer(first.thread, /Denied by Dana Reyes/);

    await story.say(ALEX.slack, first.thread, `reopen ${first.ticket}`);
    await story.told(ALEX.slack, /Somebody said no to this/);
    expect(await story.waiting()).toEqual([]);
    await story.say(DANA.slack, first.thread, `reopen ${first.ticket}`);
    await story.told(DANA.slack, /It is asked again/);

    const [reopened] = await story.waiting();
    // Whatever its policy lets silence do, it is no yes to what somebody said no to.
    expect(reopened).toMatchObject({ reopenedFrom: first.ticket.slice(0, -2), contested: true });
  });

  it('OM-123 is not asked again while its tool is on the list of those that are denied', async () => {
    await begin();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for/);
    const [approval] = await story.waiting();
    await story.say(DANA.slack, thread, `deny ${approval!.id} no`);
    await story.answer(thread, /Denied by/);
    const { authorizations } = story.config;
    const tools = { ...authorizations.tools, deny: ['refund'] };
    story.config = { ...story.config, authorizations: { ...authorizations, tools } };

    await story.say(DANA.slack, thread, `reopen ${approval!.id}`);

    await story.told(DANA.slack, /refund is on the list tools.deny now, so it is not asked again/);
    expect(await story.waiting()).toEqual([]);
  });

  it('OM-125 is asked again by mail, with the line that the late answer is told', async () => {
    await begin();
    const { thread } = await ask();
    const mail = await story.mail(DANA.mail, /Decide before/);
    await story.seen();
    await story.advance(2 * DAY);
    await story.answer(thread, /Expired on/);

    await story.sandbox.mail.reply(mail, { line: `approve ${codesIn(mail).approve}`, quoting: 'top' });
    const late = await story.mail(DANA.mail, /To have it asked again/);
    const line = /reopen [A-Z0-9]{4,8}/.exec(late.text)?.[0] ?? '';
    await story.sandbox.mail.reply(mail, { line, quoting: 'top' });

    const anew = await story.sandbox.slack.until((slack) =>
      slack.thread(GENERAL, thread).find((message) => /it was asked before/i.test(textOf(message))),
    );
    expect(textOf(anew)).toContain('Waiting for role manager');
  });

  it('OM-124 takes no answer that it did not take before, and is as strict as it was, whatever the rules are now', async () => {
    await begin();
    const { thread, ticket } = await ask();
    const [asked] = await story.waiting();
    // As what was asked after reading what strangers wrote, as an exception, and with nothing to change in it.
    await story.app.approvals.apply(asked!.id, (current) => {
      const policy = {
        ...current.policy,
        choices: ['approve' as const, 'deny' as const],
        exception: true as const,
      };
      const request = { ...current.request, strangers: ['a mail of somebody'] };
      const next = { ...advance(current, 'OPEN'), request, policy };
      return { result: next, moved: { next, event: 'rerouted', actor: 'system' } };
    });
    await story.say(DANA.slack, thread, `deny ${ticket} not today`);
    await story.answer(thread, /Denied by Dana Reyes/);
    lenient();

    await story.say(DANA.slack, thread, `reopen ${ticket}`);
    await story.told(DANA.slack, /It is asked again/);

    const [{ request, policy }] = (await story.waiting()) as [Approval];
    expect(request.strangers).toEqual(['a mail of somebody']);
    expect(policy.choices).toEqual(['approve', 'deny']);
    expect(policy).toMatchObject({ exception: true });
    expect([policy.standingYes, policy.ladder, policy.onNewMessage]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('OM-124 gives no standing yes where it gave none, like a plan', async () => {
    await begin();
    const { thread, ticket } = await ask();
    await story.say(DANA.slack, thread, `deny ${ticket} not today`);
    await story.answer(thread, /Denied by Dana Reyes/);
    lenient();

    await story.say(DANA.slack, thread, `reopen ${ticket}`);
    await story.told(DANA.slack, /It is asked again/);

    const [reopened] = await story.waiting();
    expect(reopened?.policy.standingYes).toBeUndefined();
    expect(reopened?.policy.ladder).toEqual([{ kind: 'approve' }]);
  });

  it('is not asked again once it was done, nor when it ended too long ago', async () => {
    await begin();
    const done = await ask();
    await story.say(DANA.slack, done.thread, `approve ${done.ticket}`);
    await story.answer(done.thread, /Done/);
    await story.say(DANA.slack, done.thread, `reopen ${done.ticket}`);
    await story.told(DANA.slack, /carried out, or may have been/);

    const other = await ask();
    await story.seen();
    await story.advance(2 * DAY);
    await story.answer(other.thread, /Expired on/);
    await story.advance(8 * DAY);
    await story.say(DANA.slack, other.thread, `reopen ${other.ticket}`);
    await story.told(DANA.slack, /ended too long ago/);

    expect(await story.waiting()).toEqual([]);
  });
});
