/** More than one person has to say yes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PersonId } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import type { Approvers } from '../../src/domain/quorum.ts';
import { ALEX, button, codesIn, DANA, EVE, GENERAL, Story, textOf } from '../support/story.ts';

type Config = Story['config'];

const TWO_MANAGERS: Approvers = { role: RoleName.parse('manager'), count: 2 };

let story: Story;

beforeEach(async () => {
  story = await Story.begin({ config: (config) => askedOf(withCarl(config), TWO_MANAGERS) });
});
afterEach(() => story.end());

/** Carl is another manager; he has Eve's Slack account and mailbox. */
function withCarl(config: Config): Config {
  const { dana } = config.contacts.people;
  const carl = {
    ...dana!,
    name: 'Carl Chen',
    roles: [RoleName.parse('manager')],
    accounts: { slack: [`T0SANDBOX/${EVE.slack}`], email: [EVE.mail] },
  };
  return { ...config, contacts: { ...config.contacts, people: { ...config.contacts.people, carl } } };
}

function withPeople(config: Config, people: Config['contacts']['people']): Config {
  return { ...config, contacts: { ...config.contacts, people } };
}

function askedOf(config: Config, approvers: Approvers): Config {
  const rules = config.authorizations.rules.map((rule) =>
    rule.decision === 'ask' ? { ...rule, approvers } : rule,
  );
  return { ...config, authorizations: { ...config.authorizations, rules } };
}

async function sayYesByMail(): Promise<void> {
  const request = await story.mail(DANA.mail, /Decide before/);
  await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'none' });
}

async function press(user: string, thread: string, label: RegExp): Promise<void> {
  const card = story.said(thread).findLast((each) => /Waiting for/.test(textOf(each)))!;
  await story.sandbox.slack.press({ user, channel: GENERAL, ts: card.ts, actionId: button(card, label) });
}

describe('two managers have to say yes', () => {
  it('OM-120 OM-124 the first yes is recorded and shown, also after a restart, and the second lets it run', async () => {
    const thread = await story.mention('refund order 7');
    await sayYesByMail();
    await story.answer(thread, /2 of role manager.*Dana Reyes by e-mail has said yes; more are needed/);
    await story.mail(DANA.mail, /Recorded/);
    expect(story.refunds(7)).toEqual([]);

    // What Dana has said her word about waits for hers no more.
    await story.write(DANA.mail, 'What waits?', '/approvals');
    await story.write(EVE.mail, 'What waits?', '/approvals');
    await story.mail(DANA.mail, /Nothing waits for your answer/);
    await story.mail(EVE.mail, /Waiting for your answer/);

    await story.restart();
    await press(EVE.slack, thread, /Approve/);

    await story.answer(thread, /Approved by Dana Reyes by e-mail and Carl Chen on Slack.*Done/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-125 the same person saying it twice, on two channels, is one', async () => {
    const thread = await story.mention('refund order 7');
    await sayYesByMail();
    await story.answer(thread, /Dana Reyes by e-mail has said yes/);

    await press(DANA.slack, thread, /Approve/);
    await story.quiet();

    expect(story.refunds(7)).toEqual([]);
    expect((await story.open())[0]?.assents).toHaveLength(1);
    expect(story.sandbox.slack.ephemerals(DANA.slack).map(textOf).join()).toContain('Recorded');
  });

  it('OM-124 a yes counts no more once whoever said it is gone, or has lost the role, and the card says so', async () => {
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /2 of role manager/);
    await press(EVE.slack, thread, /Approve/);
    await story.answer(thread, /Carl Chen on Slack has said yes; more are needed/);

    const { carl, ...others } = story.config.contacts.people;
    story.config = withPeople(story.config, others);
    await sayYesByMail();

    await story.answer(
      thread,
      /Dana Reyes by e-mail has said yes; more are needed.*The yes of Carl Chen no longer counts: whoever said it is nobody here any more/,
    );
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);

    story.config = withPeople(story.config, {
      ...others,
      carl: carl!,
      dana: { ...others.dana!, roles: [RoleName.parse('member')] },
    });
    await press(EVE.slack, thread, /Approve/);
    await story.answer(thread, /Carl Chen on Slack has said yes.*The yes of Dana Reyes no longer counts/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-125 one no is enough, whoever has said yes', async () => {
    const thread = await story.mention('refund order 7');
    await sayYesByMail();
    await story.answer(thread, /Dana Reyes by e-mail has said yes/);

    await press(EVE.slack, thread, /Deny/);

    await story.answer(thread, /Denied by Carl Chen on Slack.*Nothing was done/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-124 a call of unknown outcome runs again once both say so, and not by one', async () => {
    story.sandbox.shop.fault('error-before');
    const thread = await story.mention('refund order 7');
    await sayYesByMail();
    await story.answer(thread, /Dana Reyes by e-mail has said yes/);
    await press(EVE.slack, thread, /Approve/);
    const card = await story.answer(thread, /nobody can tell whether it happened/);
    const again = { channel: GENERAL, ts: card.ts, actionId: button(card, /Run it again/) };
    await story.advance(60 * 60_000);

    await story.sandbox.slack.press({ ...again, user: DANA.slack });
    await story.answer(thread, /Dana Reyes on Slack has agreed that it runs again; more have to/);
    await story.restart();
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);

    await story.sandbox.slack.press({ ...again, user: EVE.slack });

    await story.sandbox.slack.until(() => story.refunds(7).length === 1 || undefined);
    await story.answer(thread, /Done/);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-121 reminds those who have not answered, and nobody else', async () => {
    const thread = await story.mention('refund order 7');
    await sayYesByMail();
    await story.answer(thread, /Dana Reyes by e-mail has said yes/);
    await story.mail(EVE.mail, /Decide before/);

    await story.advance(7 * 60 * 60_000);
    await story.mail(EVE.mail, /Reminder/);
    await story.quiet();

    const toDana = story.sandbox.mail.mailbox(DANA.mail).map(({ text }) => text);
    expect(toDana.filter((text) => text.includes('Reminder'))).toEqual([]);
  });

  it('is refused at once, and loudly, when those there are could not say it together', async () => {
    const both: Approvers = {
      atLeast: 2,
      of: [{ person: PersonId.parse('dana') }, { person: PersonId.parse('alex') }],
    };
    story.config = askedOf(story.config, both);

    const thread = await story.mention('refund order 7', ALEX.slack);

    await story.answer(thread, /nobody who may approve this could be asked|Refused/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);
    expect(await story.open()).toEqual([]);
  });

  it('OM-125 an approver who leaves while asked cannot answer, and that nobody is left is said where it was asked, once', async () => {
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for 2 of role manager/);
    const { people } = story.config.contacts;
    const dana = { ...people.dana!, roles: [RoleName.parse('operator')] };
    story.config = { ...story.config, contacts: { ...story.config.contacts, people: { ...people, dana } } };

    await story.app.configChanged();
    await story.app.configChanged();
    await press(DANA.slack, thread, /Approve/);
    await story.answer(thread, /Nobody can approve this any more[\s\S]*2 of role manager/);
    await story.quiet();

    expect(story.said(thread).filter((each) => /Nobody can approve/.test(textOf(each)))).toHaveLength(1);
    expect(story.sandbox.slack.ephemerals(DANA.slack).map(textOf).join()).toContain(
      'not one of those who may decide',
    );
    expect(await story.open()).toHaveLength(1);
    const entries = await story.app.audit.tail(100);
    expect(entries.filter(({ event }) => event.event === 'approval.stranded')).toHaveLength(1);
  });
});
