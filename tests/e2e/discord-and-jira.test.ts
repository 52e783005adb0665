/** Stories between Discord and Jira, and what each of the two does that the others do not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_REASON_CHARS } from '../../gateways/discord/card.ts';
import { Platform } from '../../src/domain/ids.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, EVE, GUILD, GUILD_ROLES } from '../../src/sandbox/people.ts';
import { codesIn, Story, withPerson } from '../support/story.ts';
import { buttonOf, discordSurface, textOf } from '../support/surfaces/discord-surface.ts';
import { jiraSurface } from '../support/surfaces/jira-surface.ts';
import { type Surface, seen } from '../support/surfaces/surface.ts';

const [GENERAL] = DISCORD_CHANNELS;

let story: Story;
let discord: Surface;
let jira: Surface;

beforeEach(async () => {
  story = await Story.begin();
  discord = discordSurface(story.sandbox.discord);
  jira = jiraSurface(story.sandbox.jira);
});
afterEach(async () => {
  await story.end();
});

function prefer(platform: string): void {
  story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse(platform)] });
}

/** Alex types /ask; resolves with everything the bot shows in the channel from then on. */
async function ask(text: string): Promise<() => string[]> {
  const before = story.sandbox.discord.messages(GENERAL.id).length;
  await story.sandbox.discord.slash({
    user: ALEX.discordUser,
    channel: GENERAL.id,
    command: 'ask',
    options: { question: text },
  });
  return () =>
    story.sandbox.discord
      .messages(GENERAL.id)
      .slice(before)
      .filter(({ author }) => author === BOT.discordUser)
      .map(textOf);
}

describe.each([
  ['', async () => undefined],
  [', with the process restarted in the middle', () => story.restart()],
])('a call that waits for somebody on the other platform%s', (_restarted, meanwhile) => {
  it('OM-120 OM-121 /ask in Discord waits for a comment of the lead in Jira', async () => {
    prefer('jira');
    const shown = await ask('refund order 7');
    await seen(jira, jira.shownToDana, /order 7/);
    expect(story.refunds(7)).toEqual([]);

    await meanwhile();
    await jira.approve();

    await seen(discord, shown, /Approved by Dana Reyes in Jira[\s\S]*Done/);
    await seen(discord, shown, /allowed, and it is done/);
    await seen(jira, jira.shownToDana, /Approved by Dana Reyes in Jira[\s\S]*Done/);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-120 OM-121 a transition asked for in a Jira comment waits for a button in Discord', async () => {
    prefer('discord');
    const place = await jira.ask('move OPS-3 to Done');
    await seen(discord, discord.shownToDana, /OPS-3/);
    expect(story.sandbox.jira.status('OPS-3')).toBe('To Do');

    await meanwhile();
    await discord.approve();

    await seen(jira, () => jira.said(place), /Approved by Dana Reyes on Discord[\s\S]*OPS-3 is Done now/);
    await seen(jira, () => jira.said(place), /allowed, and it is done/);
    await seen(discord, discord.shownToDana, /Approved by Dana Reyes on Discord/);
    expect(story.sandbox.jira.status('OPS-3')).toBe('Done');
  });
});

describe('in Discord', () => {
  it('OM-052 lists what waits for somebody to them alone, and takes their answer by command', async () => {
    await ask('refund order 7');
    const [approval] = await waitForOpen();
    const typed = { user: DANA.discordUser, channel: GENERAL.id };

    await story.sandbox.discord.slash({ ...typed, command: 'approvals', options: {} });
    const ticket = `${approval!.id}.1`;
    await toldTo(DANA.discordUser, new RegExp(ticket));
    await story.sandbox.discord.slash({
      ...typed,
      command: 'deny',
      options: { request: ticket, reason: 'too much' },
    });

    await toldTo(DANA.discordUser, /Recorded.*Denied by Dana Reyes/s);
    expect(await story.open()).toEqual([]);
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-121 tells the longest reason it takes to who asked, whole, and who gave it a short receipt', async () => {
    prefer('discord');
    const shown = await ask('refund order 7');
    await seen(discord, discord.shownToDana, /order 7/);
    const card = story.sandbox.discord
      .messages(DANA.discordDm)
      .findLast((message) => /Waiting for/.test(textOf(message)))!;
    const reason = 'Not before the order is back in our store. '.repeat(50).slice(0, MAX_REASON_CHARS).trim();

    await story.sandbox.discord.press({
      user: DANA.discordUser,
      channel: DANA.discordDm,
      message: card.id,
      customId: buttonOf(card, /Deny with reason/),
    });
    await story.sandbox.discord.submitModal({ user: DANA.discordUser, values: { words: reason } });

    const quoted = `“${reason}”. Nothing was done.`;
    await story.sandbox.discord.until(() => shown().some((text) => text.includes(quoted)) || undefined);
    await story.sandbox.discord.until(
      () => discord.shownToDana().some((text) => text.includes(quoted)) || undefined,
    );
    expect(story.sandbox.discord.ephemerals(DANA.discordUser).map(({ content }) => content)).toEqual([
      expect.stringMatching(
        /^Recorded\. Denied by Dana Reyes on Discord, [^:]+:\d\d UTC\. Nothing was done\.$/,
      ),
    ]);
  });

  it('tells a stranger alone, and once, who they are to us when they use a command', async () => {
    const typed = { user: EVE.discordUser, channel: GENERAL.id };
    await story.sandbox.discord.slash({ ...typed, command: 'ask', options: { question: 'hello' } });

    await toldTo(EVE.discordUser, /do not know you yet/);
    await story.quiet();
    expect(story.sandbox.discord.ephemerals(EVE.discordUser)).toHaveLength(1);
    expect(story.sandbox.discord.messages(GENERAL.id)).toEqual([]);
  });

  it("refuses an outsider's press with a private word, and the card stays open", async () => {
    prefer('email');
    const shown = await ask('refund order 7');
    await seen(discord, shown, /Waiting for role manager/);
    const card = story.sandbox.discord
      .messages(GENERAL.id)
      .find((message) => /Waiting for/.test(textOf(message)))!;

    const seenByEve = await story.sandbox.discord.press({
      user: EVE.discordUser,
      channel: GENERAL.id,
      message: card.id,
      customId: buttonOf(card, /Approve/),
    });

    expect(JSON.stringify(seenByEve)).toMatch(/do not know you/);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
  });

  it('lets a role of the server decide, for a person of contacts.yaml, and only there', async () => {
    const [managers] = GUILD_ROLES;
    const { authorizations, contacts } = story.config;
    const { manager } = authorizations.roles;
    const dana = contacts.people.dana!;
    story.config = {
      ...story.config,
      authorizations: {
        ...authorizations,
        roles: {
          ...authorizations.roles,
          manager: { ...manager!, granted_by: [`discord:${GUILD.id}/${managers.id}`] },
        },
      },
      contacts: { ...contacts, people: { ...contacts.people, dana: { ...dana, roles: ['operator'] } } },
    };
    const shown = await ask('refund order 7');
    await seen(discord, shown, /Waiting for role manager/);
    const [approval] = await waitForOpen();
    await story.sandbox.jira.comment({
      user: DANA.jiraAccount,
      issue: 'OPS-1',
      text: `approve ${approval!.id}.1`,
    }).acknowledged;
    expect(await story.open()).toHaveLength(1);

    const card = story.sandbox.discord
      .messages(GENERAL.id)
      .find((message) => /Waiting for/.test(textOf(message)))!;
    await story.sandbox.discord.press({
      user: DANA.discordUser,
      channel: GENERAL.id,
      message: card.id,
      customId: buttonOf(card, /Approve/),
    });

    await seen(discord, shown, /Approved by Dana Reyes on Discord[\s\S]*Done/);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-186 notifies nobody, whatever the model writes', async () => {
    const shown = await ask('say hello to everyone');
    await seen(discord, shown, /hello/);
    await story.quiet();
    expect(story.sandbox.discord.pings.filter(({ by }) => by === BOT.discordUser)).toEqual([]);
  });
});

describe('in Jira', () => {
  it('OM-050 answers in the issue, and again when it is mentioned again', async () => {
    const place = await jira.ask('show OPS-3');
    await seen(jira, () => jira.said(place), /Release 2\.4 of api/);
    const further = story.sandbox.jira.comment({
      user: ALEX.jiraAccount,
      issue: 'OPS-2',
      text: '@signalbox what can you do?',
    });
    await further.acknowledged;
    await seen(jira, () => jira.said(further.id), /Here is what I can do/);
  });

  it('OM-124 takes no decision from an edited comment, nor from somebody else, of whom nothing is said', async () => {
    prefer('jira');
    await jira.ask('refund order 7');
    await seen(jira, jira.shownToDana, /approve apr_/);
    const [approval] = await waitForOpen();
    const line = `approve ${approval!.id}.1`;
    const idle = story.sandbox.jira.comment({ user: DANA.jiraAccount, issue: 'OPS-1', text: 'let me think' });
    await idle.acknowledged;
    await story.sandbox.jira.editComment({ user: DANA.jiraAccount, id: idle.id, text: line }).acknowledged;
    const eve = story.sandbox.jira.comment({ user: EVE.jiraAccount, issue: 'OPS-1', text: line });
    await eve.acknowledged;
    await seen(jira, jira.shownToDana, /That decided nothing\. I say why only where nobody else reads it/);
    expect(jira.shownToDana().join()).not.toMatch(/do not know you/);

    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
    await jira.approve();
    await seen(jira, jira.shownToDana, /Approved by Dana Reyes in Jira[\s\S]*Done/);
    expect(story.refunds(7)).toEqual([120]);
  });
});

describe('when somebody cannot be reached', () => {
  it('OM-142 asks by mail when Dana takes no direct messages in Discord, tells Alex so, and keeps one dead letter', async () => {
    prefer('discord');
    story.config = withPerson(story.config, 'dana', {
      prefers: [Platform.parse('discord'), Platform.parse('email')],
    });
    story.sandbox.discord.refuseDms(DANA.discordUser);

    const place = await jira.ask('refund order 7');

    await seen(
      jira,
      () => jira.said(place),
      /could not deliver.*to Dana Reyes on Discord.*by e-mail instead/,
    );
    const request = await story.mail(DANA.mail, /refund/);
    expect(await story.app.deadLetters.list()).toHaveLength(1);

    // Her card in Discord shows something else from then on, and is refused anew.
    const line = `question ${codesIn(request).approve} which parcel?`;
    await story.sandbox.mail.reply(request, { line, quoting: 'top' });
    await seen(jira, () => jira.said(place), /Dana Reyes asks by e-mail/);
    await story.quiet();
    const refused = (await story.app.audit.tail(200)).filter(
      ({ event }) => event.event === 'message.undeliverable',
    );
    expect(refused.length).toBeGreaterThan(1);
    expect(await story.app.deadLetters.list()).toHaveLength(1);
  });

  it('OM-121 shows a request with its buttons where the bot does not see, and what came of it', async () => {
    prefer('discord');
    story.sandbox.discord.setPermissions([], GENERAL.id);
    const shown = await ask('refund order 7');
    await seen(discord, shown, /Waiting for role manager/);

    const card = story.sandbox.discord
      .messages(GENERAL.id)
      .findLast((message) => /Waiting for role manager/.test(textOf(message)))!;
    const customId = buttonOf(card, /Approve/);
    await story.sandbox.discord.press({
      user: DANA.discordUser,
      channel: GENERAL.id,
      message: card.id,
      customId,
    });

    await seen(discord, shown, /Approved by Dana Reyes on Discord[\s\S]*Done/);
    await story.quiet();
    expect(shown().filter((text) => /Waiting for role manager/.test(text))).toEqual([]);
    expect(story.refunds(7)).toEqual([120]);
    expect(await story.app.deadLetters.list()).toEqual([]);
  });

  it('OM-142 tells who asked by a command, in a channel the bot does not see, what came of it later', async () => {
    prefer('email');
    story.sandbox.discord.setPermissions([], GENERAL.id);
    const shown = await ask('refund order 7');
    await seen(discord, shown, /Waiting for role manager/);
    const request = await story.mail(DANA.mail, /refund/);

    story.clock.move(20 * 60_000); // the command can be answered no more
    await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });

    const outcome = /not deliver.*on Discord[\s\S]*Approved by Dana Reyes by e-mail[\s\S]*Done/;
    await story.sandbox.slack.until((slack) =>
      slack.messages(ALEX.slackDm).find(({ text }) => outcome.test(text ?? '')),
    );
    expect(story.refunds(7)).toEqual([120]);
  });

  it('tells the one who asked elsewhere when a comment may not be written', async () => {
    prefer('jira');
    story.sandbox.jira.fail('addComment', { kind: 'status', status: 403 });

    const shown = await ask('refund order 7');

    await seen(discord, shown, /could not deliver the request for an approval to Dana Reyes in Jira/);
    expect(await story.app.deadLetters.list()).toHaveLength(1);
    expect(await story.open()).toHaveLength(1);
  });
});

async function waitForOpen() {
  for (;;) {
    const open = await story.open();
    if (open.length > 0) return open;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What somebody alone was shown in Discord. */
async function toldTo(user: string, pattern: RegExp): Promise<string> {
  return story.sandbox.discord.until((sandbox) =>
    sandbox
      .ephemerals(user)
      .map(textOf)
      .find((text) => pattern.test(text)),
  );
}
