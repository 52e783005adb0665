/** Approvals asked for in an issue, where no issue is set in which people are asked directly. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import type { Comment } from '../../src/sandbox/jira/world.ts';
import { ALEX, BOT, DANA, EVE } from '../../src/sandbox/people.ts';
import { Story, type StoryConfig, withPerson } from '../support/story.ts';

const MENTION = (account: string) => `[~accountid:${account}]`;
const JIRA = Platform.parse('jira');
const MINUTE_MS = 60_000;

let story: Story;

beforeEach(async () => {
  story = await Story.begin({ config: withoutApprovalIssue });
});
afterEach(async () => {
  await story.end();
});

function withoutApprovalIssue(config: StoryConfig): StoryConfig {
  const { settings } = config;
  const { approval_issue: _, ...jira } = settings.gateways.jira;
  return { ...config, settings: { ...settings, gateways: { ...settings.gateways, jira } } };
}

/** Dana is known by her account in Jira, and by no other. */
function onlyInJira(config: StoryConfig): StoryConfig {
  return withPerson(config, 'dana', { accounts: { jira: [DANA.jiraAccount] }, prefers: [JIRA] });
}

function ours(issue: string): Comment[] {
  return story.sandbox.jira.comments(issue).filter(({ author }) => author === BOT.jiraAccount);
}

/** The first comment of ours in an issue that looks like this. */
function shown(issue: string, pattern: RegExp): Promise<Comment> {
  return story.sandbox.jira.until(() => ours(issue).find(({ body }) => pattern.test(body)));
}

async function ask(text: string, issue = 'OPS-2', visibility?: Comment['visibility']): Promise<void> {
  const wanted = { user: ALEX.jiraAccount, issue, text: `@signalbox ${text}` };
  await story.sandbox.jira.comment(visibility ? { ...wanted, visibility } : wanted).acknowledged;
}

async function answer(user: string, line: string, issue = 'OPS-2'): Promise<void> {
  await story.sandbox.jira.comment({ user, issue, text: line }).acknowledged;
}

function lineIn({ body }: Comment): string {
  const line = /^approve apr_\S+$/m.exec(body)?.[0];
  if (!line) throw new Error(`no line to answer with: ${body}`);
  return line;
}

describe('a request in an issue', () => {
  it('OM-121 mentions the lead, who has an account in Jira only, and takes their comment for a yes', async () => {
    story.config = onlyInJira(story.config);
    await ask('refund order 7');
    const card = await shown('OPS-2', /^approve apr_/m);

    expect(card.body.split('\n')[0]).toBe(MENTION(DANA.jiraAccount));
    expect(card.body).not.toContain(MENTION(ALEX.jiraAccount));
    await story.seen();
    await answer(DANA.jiraAccount, lineIn(card));

    const settled = await shown('OPS-2', /Approved by Dana Reyes in Jira[\s\S]*Done/);
    expect(settled.body).not.toContain('[~');
    expect(story.refunds(7)).toEqual([120]);
    expect(ours('OPS-2').map(({ body }) => body)).not.toContainEqual(
      expect.stringMatching(/Nobody has been asked/),
    );
  });

  it('mentions the lead also when they are asked elsewhere, and reminds them there alone', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('email')] });
    await ask('refund order 7');
    const card = await shown('OPS-2', /^approve apr_/m);
    await story.mail(DANA.mail, /refund/);
    const [approval] = await story.open();

    expect(card.body).toContain(MENTION(DANA.jiraAccount));
    await story.advance(approval!.policy.remindAfterMs[0]! + MINUTE_MS);
    await story.mail(DANA.mail, /Reminder/);
    await story.quiet();
    expect(ours('OPS-2').filter(({ body }) => /Reminder/.test(body))).toEqual([]);
  });

  it('reminds whoever is asked there alone, by their name', async () => {
    story.config = onlyInJira(story.config);
    await ask('refund order 7');
    await shown('OPS-2', /^approve apr_/m);
    await story.seen();
    const [approval] = await story.open();

    await story.advance(approval!.policy.remindAfterMs[0]! + MINUTE_MS);
    const { body } = await shown('OPS-2', /Reminder/);

    expect(body).toContain(MENTION(DANA.jiraAccount));
  });

  it('keeps to those who were meant to read it, mention or not', async () => {
    story.config = onlyInJira(story.config);
    await ask('refund order 7', 'OPS-2', { type: 'role', value: 'Users' });
    await ask('refund order 8 for 120 EUR', 'HELP-1');
    const [restricted, internal] = [
      await shown('OPS-2', /^approve apr_/m),
      await shown('HELP-1', /^approve apr_/m),
    ];

    for (const { body } of [restricted, internal]) expect(body).toContain(MENTION(DANA.jiraAccount));
    expect(restricted.visibility).toMatchObject({ type: 'role', value: 'Users' });
    expect(internal.properties).toMatchObject({ 'sd.public.comment': { internal: true } });
  });

  it('mentions whoever is asked because nobody else answered', async () => {
    story.config = withLadder(withLead(onlyInJira(story.config)));
    await ask('refund order 7');
    await shown('OPS-2', /^approve apr_/m);
    await story.seen();
    const [approval] = await story.open();

    await story.advance(approval!.deadlineMs - approval!.openedMs + MINUTE_MS);
    const second = await story.sandbox.jira.until(() =>
      ours('OPS-2').find(({ body }) => body.startsWith(MENTION(EVE.jiraAccount))),
    );
    await answer(EVE.jiraAccount, lineIn(second));

    await shown('OPS-2', /Approved by Eve Stone in Jira[\s\S]*Done/);
  });
});

describe('a request from elsewhere', () => {
  it('OM-121 says loudly that nobody can be asked, when whoever may decide has an account in Jira only', async () => {
    story.config = onlyInJira(story.config);
    const thread = await story.mention('refund order 7');

    await story.answer(thread, /Nobody has been asked yet.*Dana Reyes.*signalbox check/s);
    await story.quiet();
    const open = await story.open();
    expect(open).toHaveLength(1);
    expect(ours('OPS-2')).toEqual([]);
    // Wherever they see it, they can decide it.
    await answer(DANA.jiraAccount, `approve ${open[0]!.id}.1`);
    await story.answer(thread, /Approved by Dana Reyes in Jira/);
  });

  it('says nothing of it where enough others are asked', async () => {
    story.config = withLead(story.config, 'manager');
    const thread = await story.mention('refund order 7');
    await story.seen();
    await story.quiet();

    expect(JSON.stringify(story.said(thread))).not.toContain('Nobody has been asked');
  });
});

describe('what somebody is told of their answer', () => {
  it('OM-124 says it to the wrong person by mail, and nothing of it in the issue', async () => {
    story.config = withPerson(story.config, 'alex', { prefers: [Platform.parse('email')] });
    await ask('refund order 7');
    const card = await shown('OPS-2', /^approve apr_/m);
    const before = ours('OPS-2').length;
    await answer(ALEX.jiraAccount, lineIn(card));

    const { text } = await story.mail(ALEX.mail, /You asked for this yourself/);
    expect(text).toMatch(/You answered apr_\S+ in Jira\./);
    await story.quiet();
    expect(ours('OPS-2')).toHaveLength(before);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-124 says it to nobody where there is no place for it, only that it decided nothing', async () => {
    await ask('refund order 7');
    const card = await shown('OPS-2', /^approve apr_/m);
    await answer(EVE.jiraAccount, lineIn(card));
    const { body } = await shown('OPS-2', /decided nothing/);

    expect(body).toBe(
      `${MENTION(EVE.jiraAccount)} That decided nothing. I say why only where nobody else reads it.`,
    );
    expect(await story.open()).toHaveLength(1);
  });

  it('OM-124 says it among those alone who read the card', async () => {
    await ask('refund order 7', 'HELP-1');
    const card = await shown('HELP-1', /^approve apr_/m);
    await answer(EVE.jiraAccount, lineIn(card), 'HELP-1');

    const told = await shown('HELP-1', /I do not know you here/);
    expect(told.properties).toMatchObject({ 'sd.public.comment': { internal: true } });
  });

  it('OM-124 says by mail that an answer came too late', async () => {
    await ask('refund order 7');
    const card = await shown('OPS-2', /^approve apr_/m);
    await story.seen();
    const [approval] = await story.open();
    await story.advance(approval!.deadlineMs - approval!.openedMs + MINUTE_MS);
    await shown('OPS-2', /Expired on/);
    await answer(DANA.jiraAccount, lineIn(card));

    await story.mail(DANA.mail, /came after the deadline/);
    await story.quiet();
    expect(ours('OPS-2').map(({ body }) => body)).not.toContainEqual(
      expect.stringMatching(/after the deadline/),
    );
  });

  it('says how to write an answer where it was written', async () => {
    await ask('refund order 7');
    const card = await shown('OPS-2', /^approve apr_/m);
    await answer(DANA.jiraAccount, `${lineIn(card)} please`);

    await shown('OPS-2', /That decided nothing: there is more in its first line than the answer/);
  });
});

describe('a call that cannot work', () => {
  it('is not put before anybody, and whoever asked hears why', async () => {
    await ask('move OPS-3 to Nirvana');

    await shown('OPS-2', /OPS-3 can only become: In Progress, Done/);
    await story.quiet();
    expect(await story.open()).toEqual([]);
    expect(ours('OPS-2').map(({ body }) => body)).not.toContainEqual(expect.stringMatching(/approve apr_/));
  });

  it('does not run when what it was about has changed since it was agreed to', async () => {
    await ask('move OPS-3 to Done');
    const card = await shown('OPS-2', /^approve apr_/m);
    expect(card.body).toContain('To Do → Done');
    story.sandbox.jira.transition({ user: ALEX.jiraAccount, issue: 'OPS-3', to: 'In Progress' });
    await answer(DANA.jiraAccount, lineIn(card));

    await shown('OPS-2', /things have changed since it was asked/);
    expect(story.sandbox.jira.status('OPS-3')).toBe('In Progress');
  });
});

describe('an answer that was not quite written', () => {
  it.each([
    [
      'with a word that is almost right',
      (line: string) => line.replace('approve', 'aprove'),
      /not one of the/,
    ],
    ['without the request', () => 'approved', /does not name the request/],
    ['with a typo and without the request', () => 'Aproved, thanks!', /does not name the request/],
    ['behind a greeting', (line: string) => `Hi Alex,\n\n${line}`, /has to be the very first/],
    ['in a sentence', (line: string) => `I hereby ${line}`, /not one of the lines/],
  ])('OM-124 decides nothing %s, and whoever wrote it reads how to write it', async (_how, written, why) => {
    await ask('refund order 7');
    const card = await shown('OPS-2', /^approve apr_/m);
    const line = lineIn(card);
    await answer(DANA.jiraAccount, written(line));

    const { body } = await shown('OPS-2', /That decided nothing/);
    expect(body).toMatch(why);
    expect(body).toContain(MENTION(DANA.jiraAccount));
    const how = `{{${line}}} or {{${line.replace('approve', 'deny')} your reason}}`;
    expect(body.replaceAll('\\', '')).toContain(how);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
    await answer(DANA.jiraAccount, line);
    await shown('OPS-2', /Approved by Dana Reyes in Jira[\s\S]*Done/);
  });

  it('OM-124 is told also to whoever mentions the bot with it, and the agent does not hear it', async () => {
    await ask('refund order 7');
    await shown('OPS-2', /^approve apr_/m);
    await answer(DANA.jiraAccount, '@signalbox approved');

    await shown('OPS-2', /That decided nothing: it does not name the request/);
    await story.quiet();
    expect(JSON.stringify(story.sandbox.claude.requests)).not.toContain('approved');
  });

  it('is not told to those who are not asked, nor in another issue, nor for talk', async () => {
    await ask('refund order 7');
    const card = await shown('OPS-2', /^approve apr_/m);
    await story.seen();
    const before = ours('OPS-2').length;
    await answer(ALEX.jiraAccount, 'approved');
    await answer(EVE.jiraAccount, lineIn(card).replace('approve', 'aprove'));
    await answer(DANA.jiraAccount, 'approved', 'OPS-3');
    await answer(DANA.jiraAccount, 'I have looked at it and will approve it tomorrow');
    await answer(DANA.jiraAccount, `should I ${lineIn(card)}?`);
    await story.quiet();

    expect(ours('OPS-2')).toHaveLength(before);
    expect(ours('OPS-3')).toEqual([]);
  });
});

/** Eve, too, is somebody we know, in Jira alone; by default she is asked when nobody else answered. */
function withLead(config: StoryConfig, role = 'director'): StoryConfig {
  const { contacts, authorizations } = config;
  const [dana, manager] = [contacts.people.dana, authorizations.roles.manager];
  if (!dana || !manager) throw new Error('the configuration has no Dana who is a manager');
  const roles = [RoleName.parse(role)];
  const eve = { ...dana, name: EVE.name, accounts: { jira: [EVE.jiraAccount] }, prefers: [JIRA], roles };
  return {
    ...config,
    contacts: { ...contacts, people: { ...contacts.people, eve } },
    authorizations: { ...authorizations, roles: { ...authorizations.roles, director: manager } },
  };
}

/** When time is up, directors are asked, too. */
function withLadder(config: StoryConfig): StoryConfig {
  const { escalation } = config;
  const approvers = { role: RoleName.parse('director') };
  const onTimeout = [{ kind: 'escalate' as const, approvers, forMs: 60 * MINUTE_MS }];
  const policies = Object.fromEntries(
    Object.entries(escalation.policies).map(([name, policy]) => [name, { ...policy, on_timeout: onTimeout }]),
  );
  return { ...config, escalation: { ...escalation, policies: { ...escalation.policies, ...policies } } };
}
