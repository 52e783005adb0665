/** Who is asked depends on the time: on call, away, by working hours. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Schedule, type SchedulesConfig, toCalendar } from '../../src/config/schedules.ts';
import { PersonId } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import type { Approvers } from '../../src/domain/quorum.ts';
import { ALEX, button, codesIn, DANA, EVE, GENERAL, Story, textOf, withPerson } from '../support/story.ts';

type Config = Story['config'];

const HOUR = 3_600_000;
const MANAGER = RoleName.parse('manager');
const ON_CALL: Approvers = { onCall: 'releases' };

let story: Story;
afterEach(() => story.end());

/** Carl has Eve's accounts; nobody reads what is sent to Lee. */
function withPeople(config: Config, carl: 'manager' | 'member'): Config {
  const { dana } = config.contacts.people;
  const people = {
    ...config.contacts.people,
    carl: {
      ...dana!,
      name: 'Carl Chen',
      roles: [RoleName.parse(carl)],
      accounts: { slack: [`T0SANDBOX/${EVE.slack}`], email: [EVE.mail] },
    },
    lee: { ...dana!, name: 'Lee Park', roles: [MANAGER], accounts: { email: ['lee@corp.test'] } },
  };
  return { ...config, contacts: { ...config.contacts, people } };
}

function withoutLee(config: Config): Config {
  const { lee: _, ...people } = config.contacts.people;
  return { ...config, contacts: { ...config.contacts, people } };
}

function asking(config: Config, approvers: Approvers): Config {
  const rules = config.authorizations.rules.map((rule) =>
    rule.decision === 'ask' ? { ...rule, approvers } : rule,
  );
  return { ...config, authorizations: { ...config.authorizations, rules } };
}

function withSchedules(config: Config, change: Partial<SchedulesConfig>): Config {
  const schedules = { ...config.schedules, ...change };
  return { ...config, schedules, calendar: toCalendar(schedules, config.calendar.names.holidays) };
}

/** As it is written in a file, in UTC. */
function local(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

async function cardIn(thread: string) {
  return story.answer(thread, /Waiting for/);
}

async function press(user: string, thread: string, label: RegExp): Promise<void> {
  const card = story.said(thread).findLast((each) => /Waiting for/.test(textOf(each)))!;
  await story.sandbox.slack.press({ user, channel: GENERAL, ts: card.ts, actionId: button(card, label) });
}

function mailsTo(address: string, pattern: RegExp): number {
  return story.sandbox.mail.mailbox(address).filter(({ text }) => pattern.test(text)).length;
}

describe('whoever is on call', () => {
  beforeEach(async () => {
    const schedule = Schedule.parse({
      time_zone: 'UTC',
      rotations: [{ start: local(Date.now() - HOUR), shift: '12h', people: ['dana', 'carl'] }],
    });
    story = await Story.begin({
      config: (config) =>
        withSchedules(asking(withPeople(config, 'manager'), ON_CALL), { on_call: { releases: schedule } }),
    });
  });

  it('OM-120 OM-123 is asked, the next one when the shift changes, and only the one on duty may answer', async () => {
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for whoever is on call for releases/);
    await story.mail(DANA.mail, /Decide before/);
    await story.quiet();
    expect(mailsTo(EVE.mail, /Decide before/)).toBe(0);

    await press(EVE.slack, thread, /Approve/);
    expect(await story.told(EVE.slack, /not one of those who may decide this/)).toContain(
      'whoever is on call for releases',
    );

    await story.seen();
    await story.advance(11 * HOUR + 60_000);
    await story.mail(EVE.mail, /Decide before/);
    await press(DANA.slack, thread, /Approve/);
    await story.told(DANA.slack, /not one of those who may decide this/);
    expect(story.refunds(7)).toEqual([]);

    await press(EVE.slack, thread, /Approve/);
    await story.answer(thread, /Approved by Carl Chen on Slack.*Done/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-121 is reminded while on duty, and left alone afterwards', async () => {
    await story.mention('refund order 7');
    await story.mail(DANA.mail, /Decide before/);
    await story.seen();
    await story.advance(7 * HOUR);
    await story.mail(DANA.mail, /Reminder/);
    await story.quiet();
    expect(mailsTo(EVE.mail, /Reminder/)).toBe(0);

    await story.advance(5 * HOUR);
    await story.mail(EVE.mail, /Decide before/);
    await story.advance(7 * HOUR);
    await story.mail(EVE.mail, /Reminder/);
    await story.quiet();

    expect(mailsTo(DANA.mail, /Reminder/)).toBe(1);
  });

  it('is asked after a gap, and where nobody comes before it ends it is refused at once', async () => {
    const gap = (untilMs: number) =>
      Schedule.parse({
        time_zone: 'UTC',
        rotations: [{ start: local(Date.now() + untilMs), shift: '1w', people: ['dana'] }],
      });
    story.config = withSchedules(story.config, { on_call: { releases: gap(2 * HOUR) } });

    const thread = await story.mention('refund order 7');
    await cardIn(thread);
    await story.quiet();
    expect(mailsTo(DANA.mail, /Decide before/)).toBe(0);
    await story.advance(2 * HOUR + 60_000);
    await story.mail(DANA.mail, /Decide before/);

    story.config = withSchedules(story.config, { on_call: { releases: gap(30 * 24 * HOUR) } });
    const later = await story.mention('refund order 7');
    await story.answer(later, /Refused: nobody who may approve this could be asked/);
  });
});

describe('two managers, one of them away', () => {
  beforeEach(async () => {
    story = await Story.begin({
      config: (config) => {
        const peopled = withPeople(config, 'member');
        const today = Date.UTC(2020, 0);
        const lee = {
          ...peopled.contacts.people.lee!,
          time_zone: 'Europe/Berlin',
          absences: [{ from: today, to: Date.UTC(2100, 0), stand_in: PersonId.parse('carl') }],
        };
        const people = { ...peopled.contacts.people, lee };
        return asking({ ...peopled, contacts: { people } }, { role: MANAGER, count: 2 });
      },
    });
  });

  it('OM-120 OM-124 the stand-in is asked in the place of whoever is away, and speaks for them', async () => {
    const thread = await story.mention('refund order 7');
    await cardIn(thread);
    const request = await story.mail(DANA.mail, /Decide before/);
    await story.mail(EVE.mail, /Decide before/);
    await story.quiet();
    const asked = (await story.open())[0]?.copies.flatMap(({ person }) => person ?? []);
    expect(asked?.toSorted()).toEqual(['carl', 'dana']);

    await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'none' });
    await story.answer(thread, /Dana Reyes by e-mail has said yes; more are needed/);
    await press(EVE.slack, thread, /Approve/);

    await story.answer(
      thread,
      /Approved by Dana Reyes by e-mail and Carl Chen in the place of Lee Park on Slack.*Done/,
    );
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
  });
});

it('OM-124 somebody falls ill while a request waits: whoever stands in is asked at that moment, and only once', async () => {
  story = await Story.begin({
    config: (config) => asking(withPeople(config, 'member'), { person: PersonId.parse('dana') }),
  });
  const thread = await story.mention('refund order 7');
  await cardIn(thread);
  await story.mail(DANA.mail, /Decide before/);
  const away = { from: Date.UTC(2020, 0), to: Date.UTC(2100, 0), stand_in: PersonId.parse('carl') };

  story.config = withPerson(story.config, 'dana', { time_zone: 'Europe/Berlin', absences: [away] });
  await story.app.configChanged();
  await story.mail(EVE.mail, /Decide before/);
  await story.app.configChanged();
  await press(EVE.slack, thread, /Approve/);

  await story.answer(thread, /Approved by Carl Chen in the place of Dana Reyes on Slack.*Done/);
  expect(mailsTo(EVE.mail, /Decide before/)).toBe(1);
});

it('OM-124 OM-125 whoever is given the role while a request waits is asked at once, and whoever lost it is left alone', async () => {
  const given = (config: Config, dana: string, carl: 'manager' | 'member') =>
    withPerson(withoutLee(withPeople(config, carl)), 'dana', { roles: [RoleName.parse(dana)] });
  story = await Story.begin({
    config: (config) => asking(given(config, 'manager', 'member'), { role: MANAGER }),
  });
  const before = story.config;
  const thread = await story.mention('refund order 7');
  await story.mail(DANA.mail, /Decide before/);
  await story.seen();

  story.config = given(before, 'member', 'member');
  await story.app.configChanged();
  await story.answer(thread, /Nobody can approve this any more/);
  story.config = given(before, 'member', 'manager');
  await story.app.configChanged();
  await story.mail(EVE.mail, /Decide before/);
  await story.seen();
  await story.advance(8 * HOUR);
  await story.mail(EVE.mail, /Reminder/);
  await story.quiet();
  expect(mailsTo(DANA.mail, /Reminder/)).toBe(0);

  await press(EVE.slack, thread, /Approve/);
  await story.answer(thread, /Approved by Carl Chen on Slack.*Done/);
  expect(mailsTo(EVE.mail, /Decide before/)).toBe(1);
});

it('OM-124 somebody falls ill while a question of theirs is open: whoever stands in is asked, and hears of the reply', async () => {
  story = await Story.begin({
    config: (config) => asking(withPeople(config, 'member'), { person: PersonId.parse('dana') }),
  });
  const thread = await story.mention('refund order 7');
  await story.mail(DANA.mail, /Decide before/);
  const [held] = await story.open();
  await story.dm(DANA.slack, `!question ${held!.id} which parcel?`);
  await story.answer(thread, /which parcel\?/);
  const away = { from: Date.UTC(2020, 0), to: Date.UTC(2100, 0), stand_in: PersonId.parse('carl') };

  story.config = withPerson(story.config, 'dana', { time_zone: 'Europe/Berlin', absences: [away] });
  await story.app.configChanged();

  await story.mail(EVE.mail, /which parcel\?/);
  const { id } = held!;
  await story.dm(ALEX.slack, `!reply ${id} the blue one`);
  await story.mail(EVE.mail, /the blue one/);
  await press(EVE.slack, thread, /Approve/);
  await story.answer(thread, /Approved by Carl Chen in the place of Dana Reyes on Slack.*Done/);
});

describe('a deadline in working time', () => {
  it('OM-123 ends when so many hours were worked, and says so on the clock of those hours', async () => {
    const allDay = [{ from: 0, until: 24 * HOUR }];
    const today = new Date().getUTCDay();
    // Closed today, and open around the clock from tomorrow on.
    const days = Array.from({ length: 7 }, (_, day) => (day === today ? [] : allDay));
    story = await Story.begin({
      config: (config) => {
        const { policies } = config.escalation;
        const policy = { ...policies.default, clock: { working: 'late' } };
        return withSchedules(
          { ...config, escalation: { ...config.escalation, policies: { ...policies, default: policy } } },
          { working_hours: { late: { time_zone: 'Etc/GMT', days } } },
        );
      },
    });

    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager until .*\(Etc\/GMT\)/);

    const [approval] = await story.open();
    const midnight = Math.floor(approval!.openedMs / (24 * HOUR) + 1) * 24 * HOUR;
    expect(approval?.deadlineMs).toBe(midnight + 24 * HOUR);
    const reminders = approval?.policy.remindAfterMs.map((ms) => ms + approval.openedMs - midnight);
    expect(reminders).toEqual([6 * HOUR, 18 * HOUR]);
    expect(approval?.warnMs).toBe(midnight + 24 * HOUR - 10 * 60_000);
  });
});
