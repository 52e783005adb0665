/** What people can count on wherever they are: the same through Slack, Discord, Jira and e-mail, in the whole product. */
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { viaText } from '../../src/approvals/sentences.ts';
import { Platform } from '../../src/domain/ids.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, EVE } from '../../src/sandbox/people.ts';
import { GENERAL, Story, type StoryConfig, withPerson } from '../support/story.ts';
import { discordSurface } from '../support/surfaces/discord-surface.ts';
import { emailSurface } from '../support/surfaces/email-surface.ts';
import { jiraSurface } from '../support/surfaces/jira-surface.ts';
import { slackSurface } from '../support/surfaces/slack-surface.ts';
import { type Surface, seen } from '../support/surfaces/surface.ts';

const PLATFORMS = ['slack', 'discord', 'jira', 'email'] as const;
type PlatformName = (typeof PLATFORMS)[number];

const HELP = /Here is what I can do/;

let story: Story;

function surfaceOf(platform: PlatformName): Surface {
  const { slack, discord, jira, mail } = story.sandbox;
  switch (platform) {
    case 'slack':
      return slackSurface(slack);
    case 'discord':
      return discordSurface(discord);
    case 'jira':
      return jiraSurface(jira);
    case 'email':
      return emailSurface(mail);
    default:
      return platform satisfies never;
  }
}

function prefer(...platforms: readonly PlatformName[]): void {
  const prefers = platforms.map((each) => Platform.parse(each));
  story.config = withPerson(story.config, 'dana', { prefers });
}

/** Where what is for one person alone is told: everybody reads a comment in Jira. */
function aloneOf(platform: PlatformName): Surface {
  return surfaceOf(platform === 'jira' ? 'email' : platform);
}

afterEach(async () => {
  await story.end();
});

describe.each(PLATFORMS)('on %s', (platform) => {
  let surface: Surface;

  beforeEach(async () => {
    story = await Story.begin();
    surface = surfaceOf(platform);
  });

  it(`OM-050 ${platform} an answer comes in the form that is native there`, async () => {
    story.sandbox.claude.script(() => ({ text: 'It is **bold**, see [the docs](https://docs.test/a).' }));

    const place = await surface.ask('what is it?');

    await seen(surface, () => surface.said(place), /bold/);
    const written = platform === 'email' ? htmlIn(place) : surface.said(place);
    expect(written.join('\n')).toMatch(BOLD_AND_LINK[platform]);
  });

  it(`OM-052 ${platform} the same words go to the agent from whoever may ask, and not from a stranger`, async () => {
    const place = await surface.ask('what can you do?');
    await seen(surface, () => surface.said(place), HELP);
    const thought = story.sandbox.claude.requests.length;

    await surface.ask('what can you do?', EVE);

    await seen(surface, () => strangersIn(surface), /do not know you yet/);
    await story.quiet();
    expect(story.sandbox.claude.requests).toHaveLength(thought);
  });

  it(`OM-052 ${platform} an answer goes where somebody wants to be answered`, async () => {
    const wanted = platform === 'email' ? 'slack' : 'email';
    story.config = withPerson(story.config, 'alex', { answers_on: Platform.parse(wanted) });

    const place = await surface.ask('what can you do?');

    await seen(surface, () => surface.said(place), new RegExp(`answered you ${viaText(wanted)}`));
    const { slack } = story.sandbox;
    if (wanted === 'email') await story.mail(ALEX.mail, HELP);
    else await slack.until(() => slack.messages(ALEX.slackDm).find(({ text }) => HELP.test(text ?? '')));
    expect(surface.said(place).filter((text) => HELP.test(text))).toEqual([]);
  });

  it(`OM-121 ${platform} a request shows what, why, the risk and until when, and labels every choice`, async () => {
    prefer(platform);
    await surfaceOf(platform === 'slack' ? 'discord' : 'slack').ask('refund order 7');

    const shown = await seen(surface, surface.shownToDana, /order 7/);

    for (const words of [
      /\b120\b/,
      /EUR/,
      /asked for in the conversation/,
      /Alex Kim/,
      /high/,
      /cannot be/,
    ]) {
      expect(shown).toMatch(words);
    }
    for (const choice of CHOICES[platform]) expect(shown).toMatch(choice);
  });

  it(`OM-142 ${platform} a request that cannot be shown there goes to the next place, and the audit says so`, async () => {
    const next = platform === 'email' ? 'slack' : 'email';
    prefer(platform, next);
    const origin = surfaceOf(platform === 'slack' ? 'discord' : 'slack');
    shutDanaOut(platform);

    const place = await origin.ask('refund order 7');

    const other = surfaceOf(next);
    await seen(other, other.shownToDana, /order 7/);
    const lost = `could not deliver the request for an approval to Dana Reyes ${viaText(platform)}`;
    await seen(origin, () => origin.said(place), new RegExp(`${lost}[\\s\\S]*${viaText(next)} instead`));
    const events = (await story.app.audit.tail(100)).map(({ event }) => event.event);
    expect(events).toEqual(expect.arrayContaining(['message.undeliverable', 'approval.rerouted']));
    await other.approve();
    await seen(origin, () => origin.said(place), new RegExp(`Approved by Dana Reyes ${viaText(next)}`));
  });

  it(`OM-143 ${platform} reads which of several could not be asked, and that the others were`, async () => {
    // A comment is taken whomever it names; nobody is asked in Jira once the issue for that is gone.
    if (platform === 'jira') await moveApprovals('OPS-999');
    story.config = withManagers(story.config, {
      ben: { slack: ['T0SANDBOX/U0EVE'] },
      cleo: { discord: [EVE.discordUser] },
      finn: { [platform]: [NOBODY[platform]] },
    });

    const place = await surface.ask('refund order 7');

    await seen(
      surface,
      () => surface.said(place),
      new RegExp(`to Finn Otto ${viaText(platform)}[\\s\\S]*So far [0-3] of 4 people who may decide have it`),
    );
    await story.quiet();
    const [approval] = await story.open();
    const reached = approval?.copies.flatMap(({ person, ref }) => (person && ref ? [person] : []));
    expect(reached?.toSorted()).toEqual(['ben', 'cleo', 'dana']);
  });

  it(`OM-186 ${platform} what a person writes to ring bells, or to look like another, does neither`, async () => {
    story.sandbox.claude.script(({ messages }) => ({
      text: `You said: ${JSON.stringify(messages.at(-1)?.content)} ${SHOUT}`,
    }));
    const before = rung(platform).length;

    const place = await surface.ask(`repeat: ${SHOUT}`);

    const text = await seen(surface, () => surface.said(place), /You said/);
    await story.quiet();
    expect(rung(platform).slice(before)).toEqual([]);
    expect(text).not.toMatch(HIDDEN);
  });

  it(`OB-010 ${platform} a command in text is answered to whoever wrote it, and never reaches the model`, async () => {
    const alone = aloneOf(platform);

    await surface.ask('/help', DANA);
    await seen(surface, () => surface.told(DANA), /What you can write to me/);
    await surface.ask('!status', DANA);
    await seen(alone, () => alone.told(DANA), /You are Dana Reyes/);

    await story.quiet();
    expect(story.sandbox.claude.requests).toEqual([]);
  });

  it(`OB-010 ${platform} lists what waits by a command in text, and takes the answer by one where it is proof enough`, async () => {
    prefer('email');
    const alone = aloneOf(platform);
    const place = await surface.ask('refund order 7');
    await seen(surface, () => surface.said(place), /Waiting for role manager/);
    const [approval] = await story.open();
    const ticket = `${approval?.id}.${approval?.gen}`;

    await surface.ask('/approvals', DANA);
    await seen(alone, () => alone.told(DANA), new RegExp(`[/!]approve ${ticket}`));
    await surface.ask(`/approve ${ticket}`, DANA);

    if (platform === 'email') {
      // A new mail proves nothing of what its author was shown.
      await seen(alone, () => alone.told(DANA), /only as a reply to the mail that asked/);
      expect(await story.open()).toHaveLength(1);
    } else {
      const outcome = new RegExp(`Approved by Dana Reyes ${viaText(platform)}[\\s\\S]*Done`);
      await seen(surface, () => surface.said(place), outcome);
      expect(story.refunds(7)).toEqual([120]);
    }
  });
});

describe.each(PLATFORMS)('from %s', (platform) => {
  beforeEach(async () => {
    // Where a platform can be reached without a connection of its own to prove it by, a signature has to.
    story = await Story.begin({
      config: (shipped) => {
        const { gateways } = shipped.settings;
        const slack = { ...gateways.slack, mode: 'http' as const };
        const discord = { ...gateways.discord, mode: 'http' as const };
        return {
          ...shipped,
          settings: { ...shipped.settings, gateways: { ...gateways, slack, discord } },
        };
      },
    });
  });

  it(`OM-191 ${platform} nothing is taken that is not proved to come from there`, async () => {
    await forge(platform, 'unsigned');

    await expectNothingDone();
    await expectHonestAnswered(platform);
  });

  it(`OM-192 ${platform} nothing is taken that was changed after it was signed`, async () => {
    await forge(platform, 'changed');

    await expectNothingDone();
    await expectHonestAnswered(platform);
  });

  it(`OM-192 ${platform} what is delivered again is done once`, async () => {
    const { said, again } = await askAndRepeat(platform);
    const surface = surfaceOf(platform);
    await seen(surface, said, HELP);

    await again();

    await story.quiet();
    expect(said().filter((text) => HELP.test(text))).toHaveLength(1);
    expect(story.sandbox.claude.requests).toHaveLength(1);
  });
});

const BOLD_AND_LINK: Readonly<Record<PlatformName, RegExp>> = {
  slack: /\*bold\*.*<https:\/\/docs\.test\/a\|the docs>/,
  discord: /\*\*bold\*\*.*\[the docs\]\(<?https:\/\/docs\.test\/a>?\)/,
  jira: /\*bold\*.*\[the docs\|https:\/\/docs\.test\/a\]/,
  email: /<strong>bold<\/strong>.*<a href="https:\/\/docs\.test\/a"[^>]*>the docs/,
};

/** How each choice of a request is labelled. */
const CHOICES: Readonly<Record<PlatformName, readonly RegExp[]>> = {
  slack: [/"text":"Approve"/, /"text":"Deny"/, /"text":"Deny with reason/],
  discord: [/"label":"Approve"/, /"label":"Deny"/, /"label":"Deny with reason/],
  jira: [/^approve apr_\S+$/m, /^deny apr_\S+/m],
  email: [/^approve [A-Z0-9]{4,8}$/m, /^deny [A-Z0-9]{4,8}\b/m],
};

/** What would notify people, draw outside its line, or add a line to the head of a mail. */
const SHOUT =
  '@everyone @here <!channel> <!here> <@U0DANA> <@900000000000000102> <@&900000000000000401> [~accountid:70121:00000000-0000-4000-8000-000000000002] \u202Eevil\u2066 \u0007 \r\nBcc: dana@corp.test';

// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be shown as it is
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/;

/** Whom what the bot wrote has notified, beside the one who is answered. */
function rung(platform: PlatformName): readonly string[] {
  const { slack, discord, jira, mail } = story.sandbox;
  switch (platform) {
    case 'slack':
      return slack.pings.map((ping) => JSON.stringify(ping));
    case 'discord':
      return discord.pings.filter(({ by }) => by === BOT.discordUser).map((ping) => JSON.stringify(ping));
    case 'jira':
      return jira.issues
        .flatMap(({ key }) => jira.comments(key))
        .filter(({ author }) => author === BOT.jiraAccount)
        .flatMap(({ body }) => body.match(/(?<!\\)\[~[^\]]+\]/g) ?? [])
        .filter((mention) => mention !== jira.mention(ALEX.jiraAccount));
    case 'email':
      return mail.mailbox(DANA.mail).map(({ subject }) => subject);
    default:
      return platform satisfies never;
  }
}

/** The HTML of what Alex was sent in a thread. */
function htmlIn(thread: string): string[] {
  const ours = story.sandbox.mail.mailbox(ALEX.mail).filter(({ references }) => references.includes(thread));
  return ours.map(({ html }) => html ?? '');
}

/** What a stranger reads that the bot has said to them. */
function strangersIn(surface: Surface): readonly string[] {
  const { slack, discord } = story.sandbox;
  switch (surface.name) {
    case 'slack':
      return slack.ephemerals(EVE.slackUser).map(({ text }) => text ?? '');
    case 'discord':
      return discord.messages(EVE.discordDm).map(({ content }) => content);
    default:
      return surface.told(EVE);
  }
}

/** Dana cannot be asked there, now or ever. */
function shutDanaOut(platform: PlatformName): void {
  const { slack, discord, jira, mail } = story.sandbox;
  switch (platform) {
    case 'slack':
      slack.fail('conversations.open', { kind: 'error', error: 'user_disabled' });
      return;
    case 'discord':
      discord.refuseDms(DANA.discordUser);
      return;
    case 'jira':
      jira.fail('addComment', { kind: 'status', status: 404 });
      return;
    case 'email':
      mail.fault({ kind: 'refuse', at: 'recipient', code: 550 });
      return;
    default:
      platform satisfies never;
  }
}

/** In Jira people are asked in another issue from now on. */
async function moveApprovals(issue: string): Promise<void> {
  const { config } = story;
  const { gateways } = config.settings;
  const jira = { ...gateways.jira, approval_issue: issue };
  story.config = { ...config, settings: { ...config.settings, gateways: { ...gateways, jira } } };
  await story.restart();
}

/** Accounts that nobody has. */
const NOBODY: Readonly<Record<PlatformName, string>> = {
  slack: 'T0SANDBOX/U0NOBODY',
  discord: '900000000000000199',
  jira: '70121:00000000-0000-4000-8000-000000000099',
  email: 'nobody@corp.test',
};

type Accounts = Readonly<Record<string, string[]>>;

/** Three more who may decide as Dana does. */
function withManagers(
  config: StoryConfig,
  { ben, cleo, finn }: { ben: Accounts; cleo: Accounts; finn: Accounts },
): StoryConfig {
  const { dana } = config.contacts.people;
  if (!dana) throw new Error('there is no dana in contacts.yaml');
  const manager = (name: string, accounts: Accounts) => ({ name, roles: dana.roles, accounts });
  const people = {
    ...config.contacts.people,
    ben: manager('Ben Ito', ben),
    cleo: manager('Cleo Marsh', cleo),
    finn: manager('Finn Otto', finn),
  };
  return { ...config, contacts: { ...config.contacts, people } };
}

// ── What is not what it seems ──────────────────────────────────────────────────────────────────────────────────

const QUESTION = 'what can you do?';

/** Somebody sends what looks like a question of Alex, and is none. Resolves when it was dealt with. */
async function forge(platform: PlatformName, how: 'unsigned' | 'changed'): Promise<void> {
  const { slack, discord, jira, mail, env } = story.sandbox;
  switch (platform) {
    case 'slack': {
      const now = Math.floor(story.clock.now() / 1_000);
      const body = slackEvent();
      const other = `v0:${now}:${body.replace(QUESTION, 'hello')}`;
      const signature =
        how === 'unsigned'
          ? null
          : `v0=${createHmac('sha256', slack.signingSecret).update(other).digest('hex')}`;
      const headers = { 'x-slack-request-timestamp': String(now) };
      expect(await slack.deliverRaw({ body, signature, headers })).toMatchObject({ status: 401 });
      return;
    }
    case 'discord': {
      // What is signed is the time and the body: with another time it is no longer what was signed.
      const moved = { 'x-signature-timestamp': String(Math.floor(story.clock.now() / 1_000) + 1) };
      const forged = how === 'unsigned' ? { signature: null } : { headers: moved };
      expect(await discord.deliverRaw({ body: discordCommand(), ...forged })).toMatchObject({ status: 401 });
      return;
    }
    case 'jira': {
      const body = JSON.stringify({
        webhookEvent: 'comment_created',
        comment: { id: '1' },
        issue: { id: '2' },
      });
      const secret = env.JIRA_WEBHOOK_SECRET ?? '';
      const signature =
        how === 'unsigned' ? null : `sha256=${createHmac('sha256', secret).update(`${body} `).digest('hex')}`;
      expect(await jira.deliverRaw({ body, signature })).toBe(401);
      return;
    }
    case 'email': {
      const from = `${ALEX.name} <${ALEX.mail}>`;
      const wanted = { from, to: BOT.mail, subject: 'A wish', envelopeFrom: ALEX.mail };
      const forged =
        how === 'unsigned'
          ? await mail.forge({ ...wanted, text: QUESTION })
          : await mail.forge({ ...wanted, text: '', appended: `${QUESTION}\r\n`, signedBy: 'corp.test' });
      await mail.settled(forged);
      return;
    }
    default:
      platform satisfies never;
  }
}

/** Nobody was asked, thought, or told anything. */
async function expectNothingDone(): Promise<void> {
  await story.quiet();
  expect(story.sandbox.claude.requests).toEqual([]);
  const { mail } = story.sandbox;
  expect(mail.addresses.flatMap((address) => mail.mailbox(address))).toEqual([]);
  const events = (await story.app.audit.tail(100)).map(({ event }) => event.event);
  expect(events.filter((event) => event.startsWith('message.') && event !== 'message.ignored')).toEqual([]);
}

/** So that what was refused was refused for what it was. */
async function expectHonestAnswered(platform: PlatformName): Promise<void> {
  const { said } = await askAndRepeat(platform);
  await seen(surfaceOf(platform), said, HELP);
}

function slackEvent(): string {
  return JSON.stringify({
    type: 'event_callback',
    team_id: 'T0SANDBOX',
    event_id: 'Ev1',
    event_time: Math.floor(story.clock.now() / 1_000),
    event: {
      type: 'app_mention',
      user: ALEX.slackUser,
      channel: GENERAL,
      team: 'T0SANDBOX',
      ts: `${Math.floor(story.clock.now() / 1_000)}.000100`,
      text: `<@${BOT.user}> ${QUESTION}`,
    },
  });
}

function discordCommand(): string {
  const [{ id: channel }] = DISCORD_CHANNELS;
  return JSON.stringify({
    type: 2,
    id: '1200000000000000001',
    application_id: BOT.discordApplication,
    token: 'token',
    version: 1,
    channel_id: channel,
    user: { id: ALEX.discordUser, username: 'alex' },
    data: { id: '1', name: 'ask', type: 1, options: [{ name: 'question', type: 3, value: QUESTION }] },
  });
}

/** Alex asks; `again` delivers the very same once more, as platforms do. */
async function askAndRepeat(
  platform: PlatformName,
): Promise<{ said: () => readonly string[]; again: () => Promise<void> }> {
  const { slack, discord, jira, mail } = story.sandbox;
  const surface = surfaceOf(platform);
  const [channel] = DISCORD_CHANNELS;
  switch (platform) {
    case 'slack': {
      const place = await surface.ask(QUESTION);
      const event = { type: 'app_mention', user: ALEX.slackUser, channel: GENERAL, team: 'T0SANDBOX' };
      const text = `<@${BOT.user}> ${QUESTION}`;
      return {
        said: () => surface.said(place),
        again: () => slack.deliverEvent({ ...event, ts: place, text }),
      };
    }
    case 'discord': {
      const typed = { user: ALEX.discordUser, channel: channel.id, command: 'ask' };
      await discord.slash({ ...typed, options: { question: QUESTION } });
      return {
        said: () => surface.said('0'),
        again: () => discord.redeliver('INTERACTION_CREATE'),
      };
    }
    case 'jira': {
      const place = await surface.ask(QUESTION);
      return {
        said: () => surface.said(place),
        again: async () => {
          // Not the newest event, which is of our own answer.
          const comment = { id: place, author: { accountId: ALEX.jiraAccount }, body: QUESTION };
          const { id, key } = jira.issue('OPS-2') ?? {};
          const event = { webhookEvent: 'comment_created', comment, issue: { id, key } };
          expect(await jira.deliverRaw({ body: JSON.stringify(event) })).toBe(200);
        },
      };
    }
    case 'email': {
      const place = await surface.ask(QUESTION);
      return {
        said: () => surface.said(place),
        again: async () => {
          const [newest] = mail.deliveries.slice(-1);
          if (!newest) throw new Error('nothing was sent');
          await mail.settled(await mail.resend(newest));
        },
      };
    }
    default:
      return platform satisfies never;
  }
}
