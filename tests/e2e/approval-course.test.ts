/** What people do with a request beside saying yes or no: change it, ask about it, pass it on, leave it lying. */
import { afterEach, describe, expect, it } from 'vitest';
import { Calendar } from '../../src/calendar/calendar.ts';
import type { EscalationPolicy } from '../../src/config/escalation.ts';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { HoursName, WeekRanges, WorkingHours } from '../../src/config/hours.ts';
import { ticketOf } from '../../src/domain/card.ts';
import { PersonId, Platform } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import type { Approvers } from '../../src/domain/quorum.ts';
import type { DiscordMessage } from '../../src/sandbox/discord/world.ts';
import { DANA as DANA_IN_SANDBOX } from '../../src/sandbox/people.ts';
import { ALEX, codesIn, DANA, EVE, Story, textOf, withPerson } from '../support/story.ts';
import { textOf as discordText } from '../support/surfaces/discord-surface.ts';

type Config = Story['config'];

const HOUR = 3_600_000;
const LEES_DM = DANA_IN_SANDBOX.discordDm;
const DANAS_DM = DANA_IN_SANDBOX.slackDm;
const [MANAGER, DIRECTOR] = [RoleName.parse('manager'), RoleName.parse('director')];

let story: Story;
afterEach(() => story.end());

/** Carl has Eve's Slack account and mailbox; he is what the test makes him. */
async function begin(
  wish: {
    approvers?: Approvers;
    policy?: Partial<EscalationPolicy>;
    carl?: 'manager' | 'director' | 'member';
    /** A third manager, who has the Discord account that is Dana's elsewhere. */
    lee?: boolean;
  } = {},
): Promise<void> {
  story = await Story.begin({ config: (config) => with_(config, wish) });
}

function with_(
  config: Config,
  { approvers, policy, carl = 'manager', lee = false }: NonNullable<Parameters<typeof begin>[0]>,
): Config {
  const { dana } = config.contacts.people;
  const person = {
    ...dana!,
    name: 'Carl Chen',
    roles: [RoleName.parse(carl)],
    accounts: { slack: [`T0SANDBOX/${EVE.slack}`], email: [EVE.mail] },
  };
  const { discord = [], ...others } = dana!.accounts;
  const third = {
    lee: {
      ...dana!,
      name: 'Lee Park',
      roles: [MANAGER],
      accounts: { discord },
      prefers: [Platform.parse('discord')],
    },
    dana: { ...dana!, accounts: others },
  };
  const people = { ...config.contacts.people, ...(lee ? third : {}), carl: person };
  const rules = config.authorizations.rules.map((rule) =>
    rule.decision === 'ask' && approvers ? { ...rule, approvers } : rule,
  );
  const roles = {
    ...config.authorizations.roles,
    [DIRECTOR]: { permissions: ['ask' as const, 'approve' as const] },
  };
  const { policies } = config.escalation;
  return {
    ...config,
    contacts: { ...config.contacts, people },
    authorizations: { ...config.authorizations, roles, rules },
    escalation: {
      ...config.escalation,
      policies: {
        default: { ...policies.default, ...policy },
        urgent: { ...policies.urgent!, ...policy },
      },
    },
  };
}

async function ticket(): Promise<string> {
  const [approval] = await story.waiting();
  if (!approval) throw new Error('nothing waits');
  return ticketOf({ approvalId: approval.id, gen: approval.gen });
}

/** What Lee sees of the request, once it looks like this. */
function leesCard(pattern: RegExp): Promise<DiscordMessage> {
  return story.sandbox.discord.until((discord) =>
    discord.messages(LEES_DM).findLast((message) => pattern.test(discordText(message))),
  );
}

describe('two of three managers', () => {
  it('OM-120 OM-124 one of them changes the amount, so the other’s yes is void, and what runs is what both saw', async () => {
    await begin({ approvers: { role: MANAGER, count: 2 }, lee: true });
    const thread = await story.mention('refund order 7');
    const asked = await story.mail(DANA.mail, /Decide before/);
    await leesCard(/Refund[\s\S]*120/i);
    await story.sandbox.mail.reply(asked, { line: `approve ${codesIn(asked).approve}`, quoting: 'top' });
    await story.answer(thread, /Dana Reyes by e-mail has said yes/);
    const before = await ticket();

    await story.say(EVE.slack, thread, `edit ${before} amount=80`);
    await story.answer(
      thread,
      /amount 80.*Carl Chen on Slack has said yes.*Carl Chen changed it on Slack; it was .*120/s,
    );
    expect(story.refunds(7)).toEqual([]);
    await leesCard(/amount[\s\S]*80[\s\S]*Carl Chen changed it on Slack/);

    // What was asked before is not what is asked now.
    await story.sandbox.mail.reply(asked, { line: `approve ${codesIn(asked).approve}`, quoting: 'top' });
    await story.mail(DANA.mail, /not what is being asked now/);
    const anew = await story.mail(DANA.mail, /amount: 80/);
    await story.sandbox.mail.reply(anew, { line: `approve ${codesIn(anew).approve}`, quoting: 'top' });

    await story.answer(thread, /Approved by Carl Chen on Slack and Dana Reyes by e-mail.*Done/s);
    // Whoever was not needed any more sees how it ended, and can do nothing about it.
    const over = await leesCard(/Approved by Carl Chen on Slack and Dana Reyes by e-mail[\s\S]*Done/);
    expect(over.components).toEqual([]);
    await story.quiet();
    expect(story.refunds(7)).toEqual([80]);
  });

  it('A16 takes no change that the rules do not allow, nor one that does not fit the tool', async () => {
    await begin();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);

    await story.say(DANA.slack, thread, `edit ${await ticket()} amount=much`);
    await story.told(DANA.slack, /do not fit/);
    await story.say(DANA.slack, thread, `edit ${await ticket()} amount=120`);
    await story.told(DANA.slack, /nothing was changed/);

    expect(story.refunds(7)).toEqual([]);
    expect((await story.waiting())[0]?.gen).toBe(1);
  });
});

describe('a yes that somebody takes back', () => {
  it('OM-124 before the call was run is revoked by that: the card says so, and the call is never made', async () => {
    await begin();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    const its = await ticket();
    // What is agreed to waits while a person has the conversation.
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.dm(DANA.slack, `/approve ${its}`);
    await story.answer(thread, /Approved by Dana Reyes/);

    await story.dm(DANA.slack, `/undo ${its}`);
    await story.answer(thread, /Taken back before it ran by Dana Reyes/);
    await story.say(DANA.slack, thread, '!handback');
    await story.answer(thread, /handed this conversation back to me/);

    await story.quiet();
    expect(story.refunds(7)).toEqual([]);
    expect(await story.waiting()).toEqual([]);
    const events = (await story.app.audit.tail(100)).map(({ event }) => event);
    expect(events).toContainEqual(expect.objectContaining({ event: 'approval.revoked', actor: 'dana' }));
    expect(events.map(({ event }) => event)).not.toContain('approval.claimed');
  });
});

describe('a line that counts, written where no card lies', () => {
  it('OM-124 is answered there, a change as well as a yes, each time', async () => {
    await begin({ approvers: { role: MANAGER, count: 2 } });
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for 2 of role manager/);
    const changesTold = (count: number) =>
      story.sandbox.slack.until((slack) => {
        const told = slack.ephemerals(DANA.slack).map(textOf);
        return (
          told.filter((text) => /Recorded\. Waiting.*Dana Reyes changed it/s.test(text)).length === count
        );
      });

    await story.dm(DANA.slack, `edit ${await ticket()} amount=80`);
    await changesTold(1);
    await story.dm(DANA.slack, `edit ${await ticket()} amount=60`);
    await changesTold(2);
    await story.dm(EVE.slack, `approve ${await ticket()}`);
    await story.told(EVE.slack, /Recorded\. Approved by/);
    await story.answer(thread, /Done/);

    expect(story.refunds(7)).toEqual([60]);
  });

  it('is not taken from a bare word beside the card of whoever is asked, and they read which line it takes', async () => {
    await begin();
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('slack')] });
    await story.mention('refund order 7');
    await story.sandbox.slack.until((slack) =>
      slack.messages(DANAS_DM).some((message) => /Waiting for role manager/.test(textOf(message))),
    );
    const before = story.sandbox.claude.requests.length;

    await story.dm(DANA.slack, 'approve');

    const line = `approve ${await ticket()}`;
    const isTold = (text: string) => text.includes('That decided nothing') && text.includes(line);
    await story.sandbox.slack.until((slack) =>
      [...slack.messages(DANAS_DM), ...slack.ephemerals(DANA.slack)].map(textOf).some(isTold),
    );
    expect(story.sandbox.claude.requests).toHaveLength(before);
    expect(story.refunds(7)).toEqual([]);
  });

  it('is named by its own line to whoever answers its card with a bare word while others wait', async () => {
    await begin();
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('slack')] });
    const { slack } = story.sandbox;
    const cards = () =>
      slack.messages(DANAS_DM).filter((message) => /Waiting for role manager/.test(textOf(message)));
    await story.mention('refund order 7');
    await slack.until(() => cards().length === 1 || undefined);
    const first = await ticket();
    await story.mention('refund order 7');
    await slack.until(() => cards().length === 2 || undefined);
    await story.quiet();
    const tickets = (await story.open()).map(({ id, gen }) => `${id}.${gen}`);
    const [card] = cards();
    const before = story.sandbox.claude.requests.length;

    const said = await slack.say({ user: DANA.slack, channel: DANAS_DM, text: 'approve', thread: card!.ts });
    await said.acknowledged;

    const told = await slack.until(() =>
      [...slack.messages(DANAS_DM), ...slack.ephemerals(DANA.slack)]
        .map(textOf)
        .find((text) => text.includes('That decided nothing')),
    );
    expect(tickets).toHaveLength(2);
    expect(tickets.filter((each) => told.includes(`approve ${each}`))).toEqual([first]);
    expect(story.sandbox.claude.requests).toHaveLength(before);
  });

  it('is not answered where the card says what came of it', async () => {
    await begin();
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('slack')] });
    const thread = await story.mention('refund order 7');
    await story.sandbox.slack.until((slack) =>
      slack.messages(DANAS_DM).some((message) => /Waiting for role manager/.test(textOf(message))),
    );

    await story.dm(DANA.slack, `approve ${await ticket()}`);
    await story.answer(thread, /Done/);
    await story.quiet();

    const { slack } = story.sandbox;
    const told = [...slack.messages(DANAS_DM), ...slack.ephemerals(DANA.slack)].map(textOf);
    expect(told.join('\n')).not.toContain('Recorded');
  });
});

describe('a question about a request', () => {
  it('goes where it was asked for, holds every yes up, and its reply is on the card', async () => {
    await begin();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);

    await story.say(EVE.slack, thread, `question ${await ticket()} which parcel is it?`);
    const question = await story.answer(thread, /Carl Chen asks on Slack.*which parcel is it\?/s);
    expect(textOf(question)).toContain('Alex Kim, please write');
    await story.say(DANA.slack, thread, `approve ${await ticket()}`);
    await story.told(DANA.slack, /Carl Chen has asked a question that nobody has answered yet/);

    await story.say(EVE.slack, thread, `reply ${await ticket()} I can answer that myself`);
    await story.told(EVE.slack, /Only those on whose behalf/);
    await story.say(ALEX.slack, thread, `reply ${await ticket()} the blue one`);
    await story.answer(thread, /Waiting for role manager.*Alex Kim replies: “the blue one”/s);

    await story.say(DANA.slack, thread, `approve ${await ticket()}`);
    await story.answer(thread, /Done/);
    expect(story.refunds(7)).toEqual([120]);
  });
});

describe('a reply to a question', () => {
  it('OM-124 is taken by mail of whoever asked by mail, and decides nothing', async () => {
    await begin();
    await story.write(ALEX.mail, 'Refund', 'refund order 7');
    await expect.poll(() => story.waiting()).toHaveLength(1);
    await story.dm(EVE.slack, `question ${await ticket()} which parcel is it?`);
    const question = await story.mail(ALEX.mail, /which parcel is it/);

    const line = /reply apr_\S+/.exec(question.text)?.[0] ?? '';
    await story.sandbox.mail.reply(question, { line: `${line} the blue one`, quoting: 'top' });

    await expect
      .poll(async () => (await story.open())[0]?.talk?.map(({ text }) => text))
      .toEqual(['which parcel is it?', 'the blue one']);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-124 is taken of a guest who asked, and of no other', async () => {
    story = await Story.begin({
      config: (config) => {
        const { authorizations, ...others } = withPerson(config, 'dana', {
          prefers: [Platform.parse('slack')],
        });
        const guests = { unknown_senders: 'answer' as const, guest_role: RoleName.parse('member') };
        return { ...others, authorizations: { ...authorizations, ...guests } };
      },
    });
    const thread = await story.mention('refund order 7', EVE.slack);
    await story.answer(thread, /Waiting for/);
    await story.dm(DANA.slack, `question ${await ticket()} which parcel is it?`);
    await story.answer(thread, /Dana Reyes asks/);

    await story.say(ALEX.slack, thread, `reply ${await ticket()} any`);
    await story.told(ALEX.slack, /Only those on whose behalf/);
    await story.say(EVE.slack, thread, `reply ${await ticket()} the blue one`);

    await story.answer(thread, /replies: “the blue one”/);
    expect((await story.open())[0]?.talk).toHaveLength(2);
  });
});

describe('a question that is asked by mail', () => {
  it('OM-121 OM-124 comes back in the mail that asks anew, with the reply, and with what others have said', async () => {
    await begin({ approvers: { role: MANAGER, count: 2 } });
    const thread = await story.mention('refund order 7');
    const asked = await story.mail(DANA.mail, /Decide before/);
    await story.answer(thread, /Waiting for 2 of role manager/);
    await story.say(EVE.slack, thread, `approve ${await ticket()}`);
    await story.answer(thread, /Carl Chen on Slack has said yes/);

    const line = `question ${codesIn(asked).approve} which parcel was it?`;
    await story.sandbox.mail.reply(asked, { line, quoting: 'top' });
    await story.answer(thread, /Dana Reyes asks by e-mail/);
    await story.say(ALEX.slack, thread, `reply ${await ticket()} the BLUE one`);
    const anew = await story.mail(DANA.mail, /BLUE/);

    for (const shown of [anew.text, anew.html]) {
      expect(shown).toContain('Dana Reyes asks: “which parcel was it?”');
      expect(shown).toContain('Alex Kim replies: “the BLUE one”');
      expect(shown).toContain('Carl Chen on Slack has said yes');
    }
    await story.sandbox.mail.reply(anew, { line: `approve ${codesIn(anew).approve}`, quoting: 'top' });
    await story.answer(thread, /Done/);
    expect(story.refunds(7)).toEqual([120]);
  });
});

describe('a question about a request that is counted in working hours', () => {
  it('holds the deadline up by those hours alone', async () => {
    const working = HoursName.parse('office');
    // Open for two hours, three hours from now.
    const [opens, closes] = [3, 5].map(
      (hours) => `${new Date(Date.now() + hours * HOUR).toISOString().slice(11, 13)}:00`,
    );
    const hours = WorkingHours.parse({ time_zone: 'UTC', days: { every_day: `${opens}-${closes}` } });
    story = await Story.begin({
      config: (shipped) => ({
        ...with_(shipped, {
          policy: { deadline: HOUR, clock: { working }, remind_after: [], warn_before: undefined },
        }),
        calendar: new Calendar({ hours: new Map([[working, hours]]) }),
      }),
    });
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    const [before] = await story.waiting();

    await story.say(DANA.slack, thread, `question ${await ticket()} which parcel is it?`);
    await story.answer(thread, /Dana Reyes asks on Slack/);
    await story.advance(HOUR);
    await story.say(ALEX.slack, thread, `reply ${await ticket()} the blue one`);
    await story.answer(thread, /Alex Kim replies/);

    const [after] = await story.waiting();
    expect(after).toMatchObject({ state: 'OPEN', deadlineMs: before!.deadlineMs });
  });
});

describe('requests nobody could be reminded of for a while', () => {
  it('E11 are told of one by one as the policy says, and all others in one message', async () => {
    await begin({ carl: 'member', policy: { remind_after: [2 * HOUR], catch_up_reminders: 1 } });
    for (const order of [7, 12, 7]) {
      const thread = await story.mention(`refund order ${order}`);
      await story.answer(thread, /Waiting for role manager/);
    }
    await story.seen();
    await story.quiet();

    await story.advance(4 * HOUR, { sweep: false });
    const digest = await story.mail(DANA.mail, /more requests wait/);
    await story.quiet();

    expect(digest.text).toContain('2 more requests wait for your answer.');
    const mails = story.sandbox.mail.mailbox(DANA.mail).map(({ text }) => text);
    expect(mails.filter((text) => /Reminder:/.test(text))).toHaveLength(1);
    expect(mails.filter((text) => /more requests wait/.test(text))).toHaveLength(1);
  });
});

describe('a reminder', () => {
  it('OM-123 waits until the quiet hours of whoever is asked are over', async () => {
    await begin({ policy: { remind_after: [2 * HOUR], warn_before: undefined } });
    const clock = (afterHours: number) =>
      new Date(Date.now() + afterHours * HOUR).toISOString().slice(11, 16);
    const dana = {
      quiet_hours: WeekRanges.parse({ every_day: `${clock(-1)}-${clock(3)}` }),
      time_zone: 'UTC',
    };
    story.config = withPerson(story.config, 'dana', dana);
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for/);
    await story.mail(DANA.mail, /Decide before/);
    await story.seen();
    const reminders = () =>
      story.sandbox.mail.mailbox(DANA.mail).filter(({ text }) => /Reminder:/.test(text)).length;

    await story.advance(2 * HOUR);
    await story.quiet();
    expect([reminders(), (await story.open())[0]?.reminded]).toEqual([0, 1]);

    await story.advance(1.5 * HOUR);
    await story.mail(DANA.mail, /Reminder:/);
    await story.quiet();
    expect(reminders()).toBe(1);
  });
});

describe('a request nobody answers', () => {
  it('OM-120 OM-123 is asked of the next ones when its time is up, who then can decide, and expires after that', async () => {
    await begin({
      carl: 'director',
      policy: { on_timeout: [{ kind: 'escalate', approvers: { role: DIRECTOR }, forMs: 4 * HOUR }] },
    });
    const thread = await story.mention('refund order 7');
    await story.mail(DANA.mail, /Decide before/);
    await story.quiet();
    expect(story.sandbox.mail.mailbox(EVE.mail)).toEqual([]);
    await story.seen();
    await story.advance(25 * HOUR);

    const asked = await story.mail(EVE.mail, /Decide before/);
    await story.answer(thread, /Waiting for role manager or role director.*more people may decide it/s);
    await story.sandbox.mail.reply(asked, { line: `approve ${codesIn(asked).approve}`, quoting: 'top' });

    await story.answer(thread, /Approved by Carl Chen by e-mail.*Done/s);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-123 says where it was asked that nobody further can be asked, when its next ones are those who asked', async () => {
    await begin({
      policy: {
        on_timeout: [{ kind: 'escalate', approvers: { person: PersonId.parse('alex') }, forMs: 4 * HOUR }],
      },
    });
    const thread = await story.mention('refund order 7');
    await story.mail(DANA.mail, /Decide before/);
    await story.quiet();
    await story.seen();

    await story.advance(25 * HOUR);

    await story.answer(thread, /Nobody further has been asked.*Alex Kim may decide it as well/s);
    expect(await story.open()).toMatchObject([{ rung: 1 }]);
  });

  it('OM-123 is answered by the policy where it says so, and nothing runs', async () => {
    await begin({ policy: { on_timeout: [{ kind: 'default', text: 'ask again on Monday' }] } });
    const thread = await story.mention('refund order 7');
    await story.mail(DANA.mail, /Decide before/);
    await story.quiet();
    await story.seen();
    await story.advance(25 * HOUR);

    await story.answer(thread, /the policy answered: “ask again on Monday”/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);
  });
});

describe('somebody who lets somebody else decide', () => {
  it('is told each time why nobody was let in, where it is for another reason', async () => {
    await begin();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);

    await story.say(DANA.slack, thread, `delegate ${await ticket()} alex`);
    await story.told(DANA.slack, /Alex Kim cannot decide this: it is asked on their behalf/);
    await story.say(DANA.slack, thread, `delegate ${await ticket()} dana`);

    await story.told(DANA.slack, /You can decide this yourself already/);
  });

  it('is stood in for, by one who could not decide before', async () => {
    await begin({ carl: 'director' });
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    await story.say(EVE.slack, thread, `approve ${await ticket()}`);
    await story.told(EVE.slack, /not one of those who may decide/);

    await story.say(DANA.slack, thread, `delegate ${await ticket()} alex`);
    await story.told(
      DANA.slack,
      /Alex Kim cannot decide this: it is asked on their behalf\. Nothing has changed\./,
    );
    await story.say(DANA.slack, thread, `delegate ${await ticket()} carl`);
    await story.told(DANA.slack, /Carl Chen can now decide this in your place/);
    await story.answer(thread, /Dana Reyes lets Carl Chen decide/);
    await story.say(DANA.slack, thread, `delegate ${await ticket()} carl`);
    await story.told(DANA.slack, /Carl Chen can decide this in your place already. Nothing has changed/);

    await story.say(EVE.slack, thread, `approve ${await ticket()}`);
    await story.answer(thread, /Approved by Carl Chen in the place of Dana Reyes on Slack.*Done/s);
    expect(story.refunds(7)).toEqual([120]);
  });
});

describe('what a call would change', () => {
  it('OM-120 is shown before and after, and is checked again before it runs', async () => {
    await begin();
    const first = await story.mention('refund order 7');
    await story.answer(first, /Waiting for role manager/);
    const second = await story.mention('refund order 7');
    const card = await story.answer(second, /Waiting for role manager/);
    expect(JSON.stringify(card.blocks)).toContain('0.00 EUR → 120.00 EUR');

    const [one, other] = (await story.waiting()).toSorted((a, b) => a.openedMs - b.openedMs);
    await story.say(DANA.slack, first, `approve ${one!.id}.1`);
    await story.answer(first, /Done/);
    await story.say(DANA.slack, second, `approve ${other!.id}.1`);

    await story.answer(second, /Taken back before it ran: things have changed since it was asked/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-120 OM-124 is shown as it is now before other arguments are taken, and can be agreed to then', async () => {
    await begin();
    const first = await story.mention('refund order 7');
    await story.answer(first, /Waiting for role manager/);
    const second = await story.mention('refund order 7');
    await story.answer(second, /Waiting for role manager/);
    const [one, other] = (await story.waiting()).toSorted((a, b) => a.openedMs - b.openedMs);
    await story.say(DANA.slack, first, `approve ${one!.id}.1`);
    await story.answer(first, /Done/);

    await story.say(DANA.slack, second, `edit ${other!.id} amount=80`);

    await story.told(
      DANA.slack,
      /Nothing was decided: things have changed since it was asked.*was: 0\.00 EUR; it is: 120\.00 EUR.*look at it again/,
    );
    await story.sandbox.slack.until(() => {
      const [card] = story.said(second).filter((each) => /Waiting for role manager/.test(textOf(each)));
      return JSON.stringify(card?.blocks).includes('120.00 EUR → 240.00 EUR') || undefined;
    });
    expect(story.refunds(7)).toEqual([120]);
    expect(await story.waiting()).toMatchObject([{ id: other!.id, gen: 2 }]);

    await story.say(DANA.slack, second, `approve ${other!.id}.1`);
    await story.told(DANA.slack, /not what is being asked now/);
    await story.say(DANA.slack, second, `edit ${other!.id}.2 amount=80`);
    await story.answer(second, /Done/);
    expect(story.refunds(7)).toEqual([120, 80]);
  });
});

describe('what people are called about', () => {
  it('OM-085 is what is asked by then, once somebody changed the arguments', async () => {
    const steps = [
      { notify: { to: 'dana', importance: 'high' } },
      { wait: '10m' },
      { notify: { to: { channel: { slack: 'C0OPS' } } } },
      { wait: '20m' },
    ];
    const lead = WrittenPlan.parse({ steps, last_resort: 'dana', settle: '0s' });
    const two = { approvers: { role: MANAGER, count: 2 }, policy: { escalation: 'lead' } } as const;
    story = await Story.begin({
      config: (config) => {
        const wanted = with_(config, two);
        return { ...wanted, escalation: { ...wanted.escalation, escalations: { lead } } };
      },
    });
    const thread = await story.mention('refund order 7');
    await story.mail(DANA.mail, /Somebody has to look after this/);

    await story.say(EVE.slack, thread, `edit ${await ticket()} amount=80`);
    await story.answer(thread, /changed it on Slack/);
    await story.quiet();
    await story.advance(11 * 60_000);

    const post = await story.sandbox.slack.until((slack) =>
      slack.messages('C0OPS').find((message) => /look after/.test(textOf(message))),
    );
    expect(textOf(post)).toContain('amount 80');
    expect(textOf(post)).not.toContain('amount 120');
  });
});

describe('a standing yes', () => {
  const standing_yes = { rules: ['exact' as const, 'like' as const], longest: 30 * 24 * HOUR, most_times: 5 };

  /** Deploys to production are asked for, and can be undone. */
  async function ask(version: string): Promise<string> {
    return story.mention(`deploy web ${version} to production`);
  }

  async function confirmed(thread: string, rule: string): Promise<void> {
    await story.say(DANA.slack, thread, `always ${await ticket()} ${rule}`);
    const proposal = await story.told(
      DANA.slack,
      /asked for by Alex.*To agree to both, write `?always .* 7d \dx/,
    );
    expect(story.sandbox.shop.deploys).toEqual([]);
    await story.say(DANA.slack, thread, /write `?(always [^`]+)`?/.exec(proposal)![1]!);
  }

  it('OM-120 is unsaid with the yes it came with, and whoever gave it is told what it is called', async () => {
    await begin({ policy: { standing_yes } });
    const first = await ask('1.1');
    await story.answer(first, /Waiting for role manager/);
    await story.say(DANA.slack, first, '!takeover');
    await story.answer(first, /has taken over/);
    const named = await ticket();
    await confirmed(first, 'like version 7d 2x');
    const given = await story.told(
      DANA.slack,
      /From now on this runs without asking.*[/!]grants revoke gr_\w+/,
    );
    const [, id] = /(gr_\w+)/.exec(given)!;

    await story.say(DANA.slack, first, `undo ${named}`);
    await story.told(DANA.slack, new RegExp(`standing yes you gave with it is taken back as well: .*${id}`));
    const second = await ask('1.2');
    await story.answer(second, /Waiting for role manager/);

    expect(story.sandbox.shop.deploys).toEqual([]);
    expect(await story.app.grants.list()).toMatchObject([{ id, uses: [], revoked: { by: 'dana' } }]);
  });

  it('goes on where what it came with has run by the time it is unsaid, and whoever gave it hears how it is taken back', async () => {
    await begin({ policy: { standing_yes } });
    const first = await ask('1.1');
    await story.answer(first, /Waiting for role manager/);
    const named = await ticket();
    await confirmed(first, 'like version 7d 2x');
    await story.answer(first, /Done/);

    await story.say(DANA.slack, first, `undo ${named}`);

    await story.told(DANA.slack, /The standing yes you gave with it goes on: .*[/!]grants revoke/);
  });

  it('is shown exactly before it is given, lets run what it covers, as often as it says, and nothing else', async () => {
    await begin({ policy: { standing_yes } });
    const first = await ask('1.1');
    await story.answer(first, /Waiting for role manager/);
    await story.say(DANA.slack, first, `always ${await ticket()} like version 7d 2x sum replicas<=5`);
    await story.told(DANA.slack, /Nothing was decided: the call has no argument replicas; it has /);
    await confirmed(first, 'like version 7d 2x');
    await story.answer(first, /Done/);

    const second = await ask('1.2');
    await story.answer(second, /is deployed/);
    expect(await story.waiting()).toEqual([]);
    const [used] = await story.app.grants.list();
    expect(used).toMatchObject({ tool: 'deploy', times: 2, uses: [{ amount: 0 }] });

    const third = await ask('1.3');
    await story.answer(third, /is deployed/);
    const fourth = await ask('1.4');
    await story.answer(fourth, /Waiting for role manager/);
    const elsewhere = await story.mention('deploy api 1.2 to production');
    await story.answer(elsewhere, /Waiting for role manager/);
    expect(story.sandbox.shop.deploys.map(({ version }) => version)).toEqual(['1.1', '1.2', '1.3']);
  });

  it('A17 lets nothing run once the policy takes none any more', async () => {
    await begin({ policy: { standing_yes } });
    const first = await ask('1.1');
    await story.answer(first, /Waiting for role manager/);
    await confirmed(first, 'like version,service 7d 5x');
    await story.answer(first, /Done/);
    const covered = await ask('1.2');
    await story.answer(covered, /is deployed/);

    const { escalation } = story.config;
    const policies = Object.entries(escalation.policies).map(([name, policy]) => [
      name,
      { ...policy, standing_yes: undefined },
    ]);
    story.config = { ...story.config, escalation: { ...escalation, policies: Object.fromEntries(policies) } };

    const now = await ask('1.3');
    await story.answer(now, /Waiting for role manager/);
    expect(story.sandbox.shop.deploys.map(({ version }) => version)).toEqual(['1.1', '1.2']);
  });

  it('is not given while a question is open, by whoever may decide alone since they said yes', async () => {
    const either = { atLeast: 1, of: [{ role: MANAGER, count: 2 }, { role: DIRECTOR }] };
    await begin({ carl: 'manager', approvers: either, policy: { standing_yes } });
    const thread = await ask('1.1');
    await story.answer(thread, /Waiting for/);
    await story.say(DANA.slack, thread, `approve ${await ticket()}`);
    await story.quiet();
    await story.say(EVE.slack, thread, `question ${await ticket()} is that tested?`);
    await story.answer(thread, /Carl Chen asks on Slack/);
    story.config = withPerson(story.config, 'dana', { roles: [MANAGER, DIRECTOR] });

    await confirmed(thread, 'like version 7d 2x');
    await story.told(DANA.slack, /Carl Chen has asked a question that nobody has answered yet/);

    expect(await story.app.grants.list()).toEqual([]);
    expect(await story.waiting()).toMatchObject([{ state: 'NEEDS_INFO' }]);
    expect(story.sandbox.shop.deploys).toEqual([]);
  });

  it('is not taken where the policy asks every time, nor for what cannot be undone', async () => {
    await begin();
    const thread = await ask('1.1');
    await story.answer(thread, /Waiting for role manager/);
    await story.say(DANA.slack, thread, `always ${await ticket()} exact 7d 2x`);
    await story.told(DANA.slack, /asks every time/);
    expect(story.sandbox.shop.deploys).toEqual([]);
  });

  it('is taken back by the one who gave it', async () => {
    await begin({ policy: { standing_yes } });
    const first = await ask('1.1');
    await story.answer(first, /Waiting for role manager/);
    await confirmed(first, 'like version 7d 5x');
    await story.answer(first, /Done/);

    const [grant] = await story.app.grants.list();
    await story.say(DANA.slack, first, '<@U0SIGNALBOX> !grants revoke');
    await story.told(DANA.slack, /Which one\?.*Nothing has changed/);
    await story.say(DANA.slack, first, `<@U0SIGNALBOX> !grants revoke ${grant!.id}`);
    await story.told(DANA.slack, /Taken back/);
    const second = await ask('1.2');
    await story.answer(second, /Waiting for role manager/);
  });
});
