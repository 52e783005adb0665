/** Accounts that become somebody's by a code, and strangers who are let in. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStores } from '../../src/app/open-stores.ts';
import { AccountId, type ApprovalId, PersonId } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, EVE, TEAM } from '../../src/sandbox/people.ts';
import { silent } from '../support/core.ts';
import { button, GENERAL, Story, type StoryConfig, textOf as slackTextOf } from '../support/story.ts';
import { textOf } from '../support/surfaces/discord-surface.ts';

const [GENERAL_] = DISCORD_CHANNELS;
const CODE = /[2-9A-Z]{4}-[2-9A-Z]{5}-[2-9A-Z]{5}/;
const DANA_ON_DISCORD = AccountId.parse(`discord:${DANA.discordUser}`);

let story: Story;

beforeEach(async () => {
  story = await Story.begin({ config: (shipped) => withoutDiscord(shipped, 'alex', 'dana') });
});
afterEach(async () => {
  await story.end();
});

/** Nobody's accounts on Discord are known. */
function withoutDiscord(config: StoryConfig, ...ids: string[]): StoryConfig {
  const people = Object.entries(config.contacts.people).map(([id, person]) => {
    const { discord, ...accounts } = person.accounts;
    return [id, { ...person, accounts: ids.includes(id) || !discord ? accounts : { ...accounts, discord } }];
  });
  return { ...config, contacts: { ...config.contacts, people: Object.fromEntries(people) } };
}

/** Something the bot wrote to somebody in their direct messages on Slack. */
async function toldOnSlack(person: typeof DANA, pattern: RegExp): Promise<string> {
  return story.sandbox.slack.until((slack) =>
    [
      ...slack.messages(person.slackDm).filter(({ user }) => user === BOT.user),
      ...slack.ephemerals(person.slackUser),
    ]
      .map(slackTextOf)
      .find((text) => pattern.test(text)),
  );
}

/** Discord does not say when a message has been taken in; the audit does. */
async function untilIgnored() {
  for (;;) {
    const trail = (await story.app.audit.tail(200)).map(({ event }) => event);
    const found = trail.findLast(({ event }) => event === 'message.ignored');
    if (found) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function toldOnDiscord(person: typeof DANA, pattern: RegExp): Promise<string> {
  return story.sandbox.discord.until((discord) =>
    [
      ...discord.messages(person.discordDm).filter(({ author }) => author === BOT.discordUser),
      ...discord.ephemerals(person.discordUser),
    ]
      .map(textOf)
      .find((text) => pattern.test(text)),
  );
}

function codeIn(text: string): string {
  const [code] = CODE.exec(text) ?? [];
  if (!code) throw new Error(`no code in: ${text}`);
  return code;
}

/** Dana asks for a code on Slack. */
async function offered(): Promise<string> {
  await story.dm(DANA.slackUser, '/link');
  return codeIn(await toldOnSlack(DANA, /from the account that is to be yours/));
}

/** Dana's account on Discord becomes hers. */
async function linked(): Promise<void> {
  const code = await offered();
  await story.sandbox.discord.dm({ user: DANA.discordUser, text: `!link ${code}` });
  const asked = await toldOnSlack(DANA, /Is this you/);
  await story.dm(DANA.slackUser, `/link confirm ${codeIn(asked)}`);
  await toldOnDiscord(DANA, /This account is linked now/);
}

/** Dana asks for a refund from an account that is nobody's. */
async function askedAsGuest(): Promise<ApprovalId> {
  const { authorizations } = story.config;
  story.config = {
    ...story.config,
    authorizations: { ...authorizations, unknown_senders: 'answer', guest_role: RoleName.parse('member') },
  };
  await story.sandbox.discord.dm({ user: DANA.discordUser, text: 'refund order 7' });
  const [approval] = await waitForOpen();
  return approval!.id;
}

describe('an account that was linked by a code', () => {
  it('OM-180 approves what was asked on Slack, and the audit has both accounts and no code', async () => {
    await linked();
    await story.mention('refund order 7');
    const [approval] = await waitForOpen();

    await story.sandbox.discord.dm({ user: DANA.discordUser, text: `approve ${approval!.id}` });
    await story.quiet();

    expect(story.refunds(7)).toEqual([120]);
    const trail = await story.app.audit.tail(200);
    const entry = trail.find(({ event }) => event.event === 'identity.linked');
    expect(entry?.event).toMatchObject({
      actor: 'dana',
      subject: DANA_ON_DISCORD,
      detail: {
        account: DANA_ON_DISCORD,
        person: 'dana',
        from: `slack:${TEAM.id}/${DANA.slackUser}`,
        confirmedBy: `slack:${TEAM.id}/${DANA.slackUser}`,
      },
    });
    expect(JSON.stringify(trail)).not.toMatch(CODE);
  });

  it('OM-182 decides nothing from the moment it is unlinked, whatever this process knows of it', async () => {
    await linked();
    await story.mention('refund order 7');
    const [approval] = await waitForOpen();
    const other = await openStores({
      config: () => story.config,
      redisUrl: story.redisUrl,
      clock: story.clock,
      log: silent,
    });
    const by = { id: 'gesture-1', account: AccountId.parse('cli:local'), channel: 'cli', actor: 'dana' };

    const taken = await other.linkDesk.takeBack(by, DANA_ON_DISCORD);
    await story.sandbox.discord.dm({ user: DANA.discordUser, text: `/approve ${approval!.id}` });
    await toldOnDiscord(DANA, /do not know you here/);
    other.close();

    expect(taken.code).toBe('UNLINKED');
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-182 is nobody’s once the account that confirmed it is theirs no more, whoever goes by their id then', async () => {
    await linked();
    await story.mention('refund order 7');
    const [approval] = await waitForOpen();
    const { dana, ...others } = story.config.contacts.people;
    const newer = { ...dana!, name: 'Dana Newman', accounts: { slack: [`${TEAM.id}/${EVE.slackUser}`] } };
    story.config = {
      ...story.config,
      contacts: { ...story.config.contacts, people: { ...others, dana: newer } },
    };

    await story.sandbox.discord.dm({ user: DANA.discordUser, text: `/approve ${approval!.id}` });
    await toldOnDiscord(DANA, /do not know you here/);

    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });

  it('does not make somebody two people: what they asked as a guest they cannot approve as a manager', async () => {
    const { authorizations } = story.config;
    story.config = {
      ...story.config,
      authorizations: { ...authorizations, unknown_senders: 'answer', guest_role: 'member' },
    };
    await story.sandbox.discord.dm({ user: DANA.discordUser, text: 'refund order 7' });
    const [approval] = await waitForOpen();
    await linked();

    for (const write of [
      (text: string) => story.sandbox.discord.dm({ user: DANA.discordUser, text }),
      (text: string) => story.dm(DANA.slackUser, text),
    ]) {
      await write(`!approve ${approval!.id}`);
    }
    await toldOnDiscord(DANA, /asked for this yourself/);
    await toldOnSlack(DANA, /asked for this yourself/);

    expect(approval!.request.requester).toMatch(/^guest\./);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });

  it('A4 does not let a friend decide it instead, who may not decide anything themselves', async () => {
    const id = await askedAsGuest();
    await linked();

    await story.dm(DANA.slackUser, `!delegate ${id} alex`);
    await toldOnSlack(DANA, /cannot pass it on/);
    await story.dm(ALEX.slackUser, `!approve ${id}`);
    await toldOnSlack(ALEX, /not one of those who may decide/);

    expect((await story.app.approvals.find(id))?.delegations).toBeUndefined();
    expect(story.refunds(7)).toEqual([]);
  });

  it('A4 nor whoever stands in while they are away', async () => {
    const id = await askedAsGuest();
    await linked();
    const { alex, ...people } = story.config.contacts.people;
    const { dana } = people;
    story.config = {
      ...story.config,
      contacts: {
        ...story.config.contacts,
        people: {
          ...people,
          alex: alex!,
          dana: {
            ...dana!,
            time_zone: 'UTC',
            absences: [{ from: Date.UTC(2000, 0), to: Date.UTC(2100, 0), stand_in: PersonId.parse('alex') }],
          },
        },
      },
    };
    await story.app.configChanged();

    await story.dm(ALEX.slackUser, `!approve ${id}`);
    await toldOnSlack(ALEX, /not one of those who may decide/);
    expect(story.refunds(7)).toEqual([]);
  });

  it('A3 does not let them have it run again, whose outcome nobody knows', async () => {
    const carl = {
      ...story.config.contacts.people.dana!,
      name: 'Carl Chen',
      accounts: { slack: [`${TEAM.id}/${EVE.slackUser}`], email: [EVE.mail] },
    };
    const { contacts } = story.config;
    story.config = { ...story.config, contacts: { ...contacts, people: { ...contacts.people, carl } } };
    story.sandbox.shop.fault('cut-after');
    const id = await askedAsGuest();
    await linked();
    await story.dm(EVE.slackUser, `!approve ${id}`);
    await story.quiet();
    expect((await story.app.approvals.find(id))?.state).toBe('UNKNOWN');
    await story.advance(10 * 60_000);

    await story.dm(DANA.slackUser, `!retry ${id}`);
    await toldOnSlack(DANA, /not one of those|cannot|may not|Only/);

    expect((await story.app.approvals.find(id))?.state).toBe('UNKNOWN');
    expect(story.refunds(7)).toEqual([120]);
  });

  it('gives one word, not two, where several have to agree', async () => {
    const rules = story.config.authorizations.rules.map((rule) =>
      rule.decision === 'ask' ? { ...rule, approvers: { role: 'manager', count: 2 } } : rule,
    );
    const lee = {
      ...story.config.contacts.people.alex!,
      name: 'Lee',
      roles: ['manager'],
      accounts: { cli: ['lee'] },
    };
    story.config = {
      ...story.config,
      authorizations: { ...story.config.authorizations, rules },
      contacts: { ...story.config.contacts, people: { ...story.config.contacts.people, lee } },
    };
    await linked();
    await story.mention('refund order 7');
    const [approval] = await waitForOpen();

    await story.dm(DANA.slackUser, `approve ${approval!.id}`);
    await story.sandbox.discord.dm({ user: DANA.discordUser, text: `!approve ${approval!.id}` });
    await toldOnDiscord(DANA, /more are needed/);

    const { assents } = (await story.app.approvals.find(approval!.id))!;
    expect(assents?.map(({ by }) => by.person)).toEqual(['dana']);
    expect(story.refunds(7)).toEqual([]);
  });

  it('is nobody’s as long as the other side has not confirmed it, and never if that says no', async () => {
    const code = await offered();
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: `!link ${code}` });
    const asked = await toldOnSlack(DANA, /Is this you.*Eve Stone/s);
    await story.sandbox.discord.dm({ user: DANA.discordUser, text: `!link ${code}` });
    await toldOnDiscord(DANA, /know no such code/);

    await story.dm(DANA.slackUser, '/link refuse');
    await toldOnDiscord(EVE, /not linked/);
    await story.dm(DANA.slackUser, `/link confirm ${codeIn(asked)}`);
    await toldOnSlack(DANA, /know no such code/);

    expect((await story.app.links.now()).links).toEqual([]);
  });

  it('may be confirmed by a button, and vouches for no other', async () => {
    const { slack, discord } = story.sandbox;
    const code = await offered();
    await discord.dm({ user: DANA.discordUser, text: `!link ${code}` });
    const asked = await slack.until((now) =>
      now.messages(DANA.slackDm).find((message) => /Is this you/.test(slackTextOf(message))),
    );
    await slack.press({
      user: DANA.slackUser,
      channel: DANA.slackDm,
      ts: asked.ts,
      actionId: button(asked, /It is me/),
    });
    await toldOnDiscord(DANA, /linked now/);

    await discord.dm({ user: DANA.discordUser, text: '!link' });

    await toldOnDiscord(DANA, /cannot vouch for another/);
  });
});

describe('a code', () => {
  it('is not told where everybody reads, and what the model sees holds none', async () => {
    await story.mention('/link', DANA.slackUser);
    const told = await toldOnSlack(DANA, /from the account that is to be yours/);
    const code = codeIn(told);

    await story.mention(`what does ${code} mean?`);
    await story.quiet();

    const shown = story.sandbox.slack.messages(GENERAL).filter(({ user }) => user === BOT.user);
    expect(shown.map(slackTextOf).join()).not.toContain(code);
    expect(JSON.stringify(story.sandbox.claude.requests)).toContain('[code hidden]');
    expect(JSON.stringify(story.sandbox.claude.requests)).not.toContain(code);
  });

  it('cannot be guessed: after five wrong ones not even the right one is read', async () => {
    const code = await offered();
    for (let n = 0; n < 5; n++) {
      await story.sandbox.discord.dm({
        user: EVE.discordUser,
        text: `!link ${code.slice(0, 4)}-22222-2222${n + 2}`,
      });
    }
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: `!link ${code}` });
    await toldOnDiscord(EVE, /too many wrong codes/);
    await story.sandbox.discord.dm({ user: DANA.discordUser, text: `!link ${code}` });
    await toldOnDiscord(DANA, /know no such code/);

    expect((await story.app.links.now()).offers).toEqual([]);
  });
});

describe('a stranger where no role is for guests', () => {
  it('is listed with what can be done about them, and no more', async () => {
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello there' });
    await toldOnDiscord(EVE, /do not know you yet/);

    await story.dm(DANA.slackUser, '/pair');

    const list = await toldOnSlack(DANA, /Strangers who want to talk/);
    expect(list).toMatch(/: `[/!]pair \w+ refuse`/);
    expect(list).not.toContain('guest');
  });
});

describe('a stranger', () => {
  beforeEach(() => {
    const { authorizations } = story.config;
    const roles = { ...authorizations.roles, guest: { permissions: ['ask' as const] } };
    story.config = { ...story.config, authorizations: { ...authorizations, roles, guest_role: 'guest' } };
  });

  it('is let in as a guest by whoever may pair, hears of it, and talks to the agent', async () => {
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello there' });
    const code = codeIn(await toldOnDiscord(EVE, /do not know you yet/));
    await story.mail(DANA.mail, /A stranger wants to talk to me.*Eve Stone/s);

    await story.dm(DANA.slackUser, `/pair ${code} guest 7d`);
    await toldOnDiscord(EVE, /let in as a guest/);
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'what can you do?' });
    await toldOnDiscord(EVE, /Here is what I can do/);

    expect(story.app.directory.personOf(AccountId.parse(`discord:${EVE.discordUser}`))).toBeUndefined();
    const trail = (await story.app.audit.tail(200)).map(({ event }) => event);
    expect(trail.find(({ event }) => event === 'authorization.allow')?.detail).toMatchObject({
      action: 'pair',
      rule: 'permission pair of operator',
    });
    expect(trail.find(({ event }) => event === 'identity.admitted')?.actor).toBe('dana');
  });

  it('OM-120 is told that their time as a guest is over, and who withdraws then what they asked for', async () => {
    const { discord } = story.sandbox;
    await discord.dm({ user: EVE.discordUser, text: 'hello there' });
    const code = codeIn(await toldOnDiscord(EVE, /do not know you yet/));
    await story.dm(DANA.slackUser, `/pair ${code} guest 1h`);
    await toldOnDiscord(EVE, /let in as a guest/);
    await discord.dm({ user: EVE.discordUser, text: 'refund order 7' });
    const [approval] = await waitForOpen();
    await story.advance(61 * 60_000);
    story.clock.move(61 * 60_000);

    await discord.dm({ user: EVE.discordUser, text: `!withdraw ${approval!.id}.1 no longer needed` });
    expect(await toldOnDiscord(EVE, /can neither withdraw this nor reply/)).toMatch(
      /Your time as a guest here is over.*whoever runs me can withdraw it/,
    );
    expect(await story.open()).toHaveLength(1);
    await discord.dm({ user: EVE.discordUser, text: 'hello again' });
    codeIn(
      await toldOnDiscord(EVE, /Your time as a guest here is over\. Please give whoever runs me this code/),
    );
  });

  it('OM-180 is told their code alone where others read what I write, and in Jira is told none', async () => {
    const { discord, jira, slack } = story.sandbox;
    const everywhere = () =>
      JSON.stringify([
        slack.messages(GENERAL),
        discord.messages(GENERAL_.id),
        jira.comments('OPS-2').map(({ body }) => body),
      ]);

    await story.mention('hello there', EVE.slackUser);
    await discord.say({ user: EVE.discordUser, channel: GENERAL_.id, text: '@signalbox hello' });
    await jira.comment({ user: EVE.jiraAccount, issue: 'OPS-2', text: '@signalbox hello' }).acknowledged;

    codeIn(await toldOnSlack(EVE, /do not know you yet/));
    await story.dm(DANA.slackUser, '/pair');
    expect(await toldOnSlack(DANA, /Strangers who want to talk/)).toMatch(/[/!]pair \w+ guest`, `[/!]pair/);
    codeIn(await toldOnDiscord(EVE, /do not know you yet/));
    const comment = await jira.until(() =>
      jira.comments('OPS-2').find(({ body }) => body.includes('do not know you yet')),
    );
    expect(comment.body).toContain(EVE.jiraAccount);
    expect(everywhere()).not.toMatch(CODE);
    await story.mail(DANA.mail, /A stranger .*Jira.*I gave them no code/s);
  });

  it('OM-180 is heard of by whoever can be written to, however many stand before them who cannot', async () => {
    const { people } = story.config.contacts;
    const unreachable = Array.from({ length: 5 }, (_, n) => [
      `op${n}`,
      {
        ...people.dana!,
        name: `Op ${n}`,
        accounts: { jira: [`70121:00000000-0000-4000-8000-00000000010${n}`] },
      },
    ]);
    story.config = {
      ...story.config,
      contacts: { ...story.config.contacts, people: { ...Object.fromEntries(unreachable), ...people } },
    };

    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello there' });

    await story.mail(DANA.mail, /A stranger wants to talk to me.*Eve Stone/s);
  });

  it('is let in by being said to be a guest, unless somebody goes by that id: they are asked', async () => {
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello there' });
    const code = codeIn(await toldOnDiscord(EVE, /do not know you yet/));
    const { alex, ...others } = story.config.contacts.people;
    const { contacts } = story.config;
    story.config = { ...story.config, contacts: { ...contacts, people: { ...others, guest: alex! } } };

    await story.dm(DANA.slackUser, `/pair ${code} as guest`);
    await toldOnSlack(ALEX, /Is this you/);
    expect((await story.app.links.now()).guests).toEqual([]);
    await story.dm(ALEX.slackUser, '/link refuse');
    await toldOnSlack(ALEX, /Nothing is linked/);
    story.config = { ...story.config, contacts };
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello again' });
    const next = await story.sandbox.discord.until((discord) =>
      discord
        .messages(EVE.discordDm)
        .map(textOf)
        .find((text) => /I do not know you yet/.test(text) && codeIn(text) !== code),
    );
    await story.dm(DANA.slackUser, `/pair ${codeIn(next)} as guest`);

    await toldOnDiscord(EVE, /let in as a guest/);
  });

  it('is nobody as long as the person they are said to be has not confirmed it', async () => {
    await story.sandbox.discord.dm({ user: ALEX.discordUser, text: 'hello there' });
    const code = codeIn(await toldOnDiscord(ALEX, /do not know you yet/));

    await story.dm(DANA.slackUser, `/pair ${code.slice(0, 4)}-22222-22222 as alex`);
    await toldOnSlack(DANA, /No stranger waits with such a code/);
    await story.dm(DANA.slackUser, `/pair ${code} as alex`);
    const asked = await toldOnSlack(ALEX, /Is this you/);
    await story.sandbox.discord.dm({ user: ALEX.discordUser, text: 'hello again' });
    await story.quiet();
    const told = story.sandbox.discord.messages(ALEX.discordDm).map(({ content }) => content);
    expect(told.filter((text) => text.includes('do not know you yet'))).toHaveLength(1);
    expect(story.app.directory.personOf(AccountId.parse(`discord:${ALEX.discordUser}`))).toBeUndefined();
    await story.dm(ALEX.slackUser, `/link confirm ${codeIn(asked)}`);
    await toldOnDiscord(ALEX, /you are Alex Kim/);

    expect(story.app.directory.personOf(AccountId.parse(`discord:${ALEX.discordUser}`))?.id).toBe('alex');
  });

  it('OM-180 is told a new code when the person they are said to be wants something newer, and so is whoever said it', async () => {
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello?' });
    const code = codeIn(await toldOnDiscord(EVE, /I do not know you yet/));
    await story.dm(DANA.slackUser, `/pair ${code} as alex`);
    await toldOnSlack(ALEX, /Is this you/);

    await story.dm(ALEX.slackUser, '/link');

    await toldOnDiscord(EVE, /this account is not linked. Write to me again, and I tell you a new code/);
    await story.mail(DANA.mail, /Alex Kim had not confirmed that the account .* is theirs/s);
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello again' });
    await story.sandbox.discord.until((discord) =>
      discord
        .messages(EVE.discordDm)
        .map(textOf)
        .find((text) => /I do not know you yet/.test(text) && codeIn(text) !== code),
    );
  });

  it('is not heard for a day once they were turned away, and nobody may do that without the permission', async () => {
    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello there' });
    const code = codeIn(await toldOnDiscord(EVE, /do not know you yet/));
    await story.dm(ALEX.slackUser, `/pair ${code} guest`);
    await toldOnSlack(ALEX, /may not let strangers in/);
    await story.dm(DANA.slackUser, `/pair ${code} refuse`);
    await toldOnDiscord(EVE, /not let in/);
    await story.quiet();
    const before = story.sandbox.discord.messages(EVE.discordDm).length;

    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'hello again' });
    const ignored = await untilIgnored();
    await story.quiet();

    expect(story.sandbox.discord.messages(EVE.discordDm).length).toBe(before + 1);
    const trail = (await story.app.audit.tail(200)).map(({ event }) => event);
    expect(trail.find(({ event }) => event === 'authorization.deny')).toMatchObject({
      actor: 'alex',
      detail: { action: 'pair', rule: 'no role has the permission pair' },
    });
    expect(ignored.detail).toMatchObject({ reason: 'turned-away' });
  });
});

async function waitForOpen() {
  for (;;) {
    const open = await story.open();
    if (open.length > 0) return open;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
