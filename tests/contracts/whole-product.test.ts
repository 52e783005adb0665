/** What a gateway and the core owe together, on every platform: to who answers, to who is late, to who waits. */
import { setImmediate as soon } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { viaText } from '../../src/approvals/sentences.ts';
import { Platform } from '../../src/domain/ids.ts';
import {
  ALEX,
  BOT,
  DANA,
  DISCORD_CHANNELS,
  EVE,
  PROJECT,
  type SandboxPerson,
} from '../../src/sandbox/people.ts';
import { type OwnRedis, startRedis } from '../support/redis.ts';
import { button, codesIn, GENERAL, Story, textOf, withPerson } from '../support/story.ts';
import { buttonOf, discordSurface, textOf as shownOf } from '../support/surfaces/discord-surface.ts';
import { emailSurface } from '../support/surfaces/email-surface.ts';
import { jiraSurface } from '../support/surfaces/jira-surface.ts';
import { slackSurface } from '../support/surfaces/slack-surface.ts';
import { type Surface, seen } from '../support/surfaces/surface.ts';
import {
  openRequest,
  openTerminals,
  type Terminals,
  terminalSurface,
} from '../support/surfaces/terminal-surface.ts';
import { openCardFor, webSurface } from '../support/surfaces/web-surface.ts';

const PLATFORMS = ['slack', 'discord', 'jira', 'email', 'web', 'cli'] as const;
type PlatformName = (typeof PLATFORMS)[number];

/** Where nothing that is sent can be refused for good. */
const TAKE_EVERYTHING: ReadonlyMap<PlatformName, string> = new Map([
  ['web', 'the log of a program takes everything'],
  ['cli', 'a terminal looks for requests itself'],
]);

/** Where Alex asks and where the request is answered, on one platform. */
interface Desk extends Surface {
  /** The request as it is shown now, for anybody who sees it to say yes to, now or later. */
  request(place: string): (who: SandboxPerson) => Promise<void>;
  /** Somebody who may use this platform, and not decide; and what they are told then. */
  readonly wrong: { readonly who: SandboxPerson; readonly told: RegExp };
  /** Where Dana is told what is for her alone, if that cannot be here. */
  readonly alone?: Surface;
  /** Dana cannot be asked here, now or ever. */
  shutDanaOut(): void;
  /** Nothing can be said on this platform any more, to whoever it is. */
  shut(): void;
}

/** A member of the platform whom the product does not know, or who was not asked. */
const A_STRANGER = { who: EVE, told: /do not know you|sent to somebody else/ };
/** Where strangers are not let in at all. */
const THE_REQUESTER = { who: ALEX, told: /You asked for this yourself/ };

/** More often than any test sends something. */
const EVERY_TIME = 1_000;

const [CHANNEL] = DISCORD_CHANNELS;
const DAY = 24 * 60 * 60_000;

function deskOf(platform: PlatformName, { sandbox }: Story, terminals?: Terminals): Desk {
  const { slack, discord, jira, mail, web } = sandbox;
  switch (platform) {
    case 'slack':
      return {
        ...slackSurface(slack),
        wrong: A_STRANGER,
        request: (thread) => {
          const card = slack.thread(GENERAL, thread).findLast((each) => /Waiting for/.test(textOf(each)));
          if (!card) throw new Error('there is no card in Slack');
          const pressed = { channel: GENERAL, ts: card.ts, actionId: button(card, /Approve/), copy: card };
          return async ({ slackUser }) => void (await slack.press({ ...pressed, user: slackUser }));
        },
        shutDanaOut: () => slack.fail('conversations.open', { kind: 'error', error: 'user_disabled' }),
        shut: () => slack.fail('chat.postMessage', { kind: 'error', error: 'is_archived' }, EVERY_TIME),
      };
    case 'discord':
      return {
        ...discordSurface(discord),
        wrong: A_STRANGER,
        request: (place) => {
          const cards = [...discord.messages(CHANNEL.id), ...discord.messages(place)];
          const card = cards.findLast((each) => /Waiting for/.test(shownOf(each)));
          if (!card) throw new Error('there is no card in Discord');
          const pressed = {
            channel: card.channel,
            message: card.id,
            customId: buttonOf(card, /Approve/),
            copy: card,
          };
          return async ({ discordUser }) => void (await discord.press({ ...pressed, user: discordUser }));
        },
        shutDanaOut: () =>
          discord.fail('POST /channels/:channel/messages', { kind: 'status', status: 403, code: 50_007 }),
        shut: () =>
          discord.fail(
            'POST /channels/:channel/messages',
            { kind: 'status', status: 403, code: 50_013 },
            EVERY_TIME,
          ),
      };
    case 'jira': {
      const ours = () =>
        ['OPS-2', PROJECT.approvalIssue].flatMap((issue) =>
          jira.comments(issue).filter(({ author }) => author === BOT.jiraAccount),
        );
      return {
        ...jiraSurface(jira),
        // Everybody reads a comment, so it says nothing of whoever is told.
        wrong: { who: EVE, told: /That decided nothing\. I say why only where nobody else reads it/ },
        alone: emailSurface(mail),
        request: () => {
          const [line] = ours().flatMap(({ body }) => /^approve apr_\S+$/m.exec(body) ?? []);
          if (line === undefined) throw new Error('there is no request in Jira');
          return async ({ jiraAccount }) => {
            await jira.comment({ user: jiraAccount, issue: 'OPS-2', text: line }).acknowledged;
          };
        },
        shutDanaOut: () => jira.fail('addComment', { kind: 'status', status: 404 }),
        shut: () => jira.fail('addComment', { kind: 'status', status: 403 }, EVERY_TIME),
      };
    }
    case 'email':
      return {
        ...emailSurface(mail),
        wrong: A_STRANGER,
        request: () => {
          const asked = mail.mailbox(DANA.mail).findLast(({ text }) => /^approve [A-Z0-9]{4,8}$/m.test(text));
          if (!asked) throw new Error('there is no request by mail');
          const line = `approve ${codesIn(asked).approve}`;
          return async ({ mail: from }) => {
            await mail.settled(await mail.reply(asked, { from, line, quoting: 'top' }));
          };
        },
        shutDanaOut: () => mail.fault({ kind: 'refuse', at: 'recipient', code: 550 }),
        shut: () => mail.fault({ kind: 'refuse', at: 'recipient', code: 550 }, EVERY_TIME),
      };
    case 'web':
      return {
        ...webSurface(web),
        wrong: THE_REQUESTER,
        request: () => {
          const card = openCardFor(web, DANA.webClient);
          if (!card) throw new Error('Dana was not asked over the web');
          return async ({ webClient: client }) => {
            const id = web.answer({ client, card, choice: 'approve' });
            await web.until(() => web.outcome(id));
          };
        },
        shutDanaOut: () => undefined,
        shut: () => undefined,
      };
    case 'cli': {
      if (!terminals) throw new Error('nobody sits at a terminal');
      const { alex, dana } = terminals;
      return {
        ...terminalSurface(terminals),
        wrong: THE_REQUESTER,
        request: () => {
          const id = openRequest(dana);
          return (who) => (who === DANA ? dana : alex).type(`/approve ${id}`);
        },
        shutDanaOut: () => undefined,
        shut: () => undefined,
      };
    }
    default:
      return platform satisfies never;
  }
}

describe.each(PLATFORMS)('a request shown on %s', (platform) => {
  let story: Story;
  let terminals: Terminals | undefined;
  let desk: Desk;

  beforeEach(async () => {
    story = await Story.begin();
    // What Jira cannot tell her alone comes by mail.
    const prefers = platform === 'jira' ? ['jira', 'email'] : [platform];
    story.config = withPerson(story.config, 'dana', { prefers: prefers.map((each) => Platform.parse(each)) });
    terminals = platform === 'cli' ? await openTerminals(story) : undefined;
    desk = deskOf(platform, story, terminals);
  });
  afterEach(async () => {
    await terminals?.close();
    await story.end();
  });

  /** Alex asks here, and Dana is asked here. Resolves with the request, as a person sees it. */
  async function request() {
    const place = await desk.ask('refund order 7');
    await seen(desk, () => desk.said(place), /Waiting for role manager/);
    await seen(desk, desk.shownToDana, /order 7/);
    return { place, approve: desk.request(place) };
  }

  function danaIsTold(pattern: RegExp): Promise<string> {
    const where = desk.alone ?? desk;
    return seen(where, () => where.told(DANA), pattern);
  }

  it('OM-124 is refused to the wrong person, who is told why, and stays open for the right one', async () => {
    const { place, approve } = await request();

    const { who, told } = desk.wrong;
    await approve(who);
    await seen(desk, () => desk.told(who), told);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
    await approve(DANA);

    const outcome = new RegExp(`Approved by Dana Reyes ${viaText(desk.name)}[\\s\\S]*Done`);
    await seen(desk, () => desk.said(place), outcome);
    await seen(desk, desk.shownToDana, outcome);
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-124 tells whoever answers after the deadline that it was too late', async () => {
    const { place, approve } = await request();
    await story.seen();
    await story.advance(2 * DAY);
    await seen(desk, () => desk.said(place), /Expired on/);

    await approve(DANA);

    await danaIsTold(/after the deadline/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-124 tells whoever answers what has been answered that it was', async () => {
    const { place, approve } = await request();
    await approve(DANA);
    await seen(desk, () => desk.said(place), /Approved by Dana Reyes[\s\S]*Done/);

    await approve(DANA);

    await danaIsTold(/already|settled before/);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
  });

  const reason = TAKE_EVERYTHING.get(platform);
  const shown = reason === undefined ? '' : ` (${reason})`;
  it.skipIf(reason !== undefined)(
    `OM-142 goes to the dead letters when it cannot be shown, and whoever asked is told${shown}`,
    async () => {
      const other = deskOf(platform === 'slack' ? 'discord' : 'slack', story);
      desk.shutDanaOut();

      const place = await other.ask('refund order 7');

      const told = new RegExp(
        `could not deliver the request for an approval to Dana Reyes ${viaText(desk.name)}`,
      );
      await seen(other, () => other.said(place), told);
      expect(await story.app.deadLetters.list()).toHaveLength(1);
      expect(await story.open()).toHaveLength(1);
    },
  );
});

/** Where Alex asks, where he is told when that place fails, and where Dana is asked. */
const FAILING_PLACES = [
  ['slack', 'email', 'email'],
  ['discord', 'slack', 'email'],
  ['jira', 'slack', 'email'],
  ['email', 'slack', 'slack'],
] as const;

describe.each(FAILING_PLACES)('a request asked for on %s, where nothing can be said', (here, there, hers) => {
  let story: Story;

  beforeEach(async () => {
    story = await Story.begin();
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse(hers)] });
    // In Jira everybody would read it.
    const prefers = ['jira', 'slack', 'email'].map((each) => Platform.parse(each));
    story.config = withPerson(story.config, 'alex', { prefers });
  });
  afterEach(async () => {
    await story.end();
  });

  /** What Alex alone reads on a platform. */
  function readByAlex(platform: PlatformName): readonly string[] {
    const { slack, mail } = story.sandbox;
    return platform === 'slack'
      ? slack.messages(ALEX.slackDm).map(textOf)
      : mail.mailbox(ALEX.mail).map(({ text }) => text);
  }

  it(`OM-142 tells whoever asked on ${there} how it stands and what came of it, once each`, async () => {
    const desk = deskOf(here, story);
    const alex = deskOf(there, story);
    const dana = deskOf(hers, story);
    desk.shut();

    await desk.ask('refund order 7');
    const failed = `could not deliver [\\s\\S]*${viaText(here)}[\\s\\S]*`;
    await seen(alex, () => readByAlex(there), new RegExp(`${failed}Waiting for role manager`));
    await seen(dana, dana.shownToDana, /order 7/);
    await dana.approve();
    await seen(alex, () => readByAlex(there), new RegExp(`${failed}Approved by Dana Reyes[\\s\\S]*Done`));
    await seen(alex, () => readByAlex(there), new RegExp(`${failed}it is done`));
    await story.quiet();

    expect(story.refunds(7)).toEqual([120]);
    // What the agent said, and where the request stood: before it was approved, and after.
    expect(readByAlex(there)).toHaveLength(4);
    expect(new Set(readByAlex(there)).size).toBe(readByAlex(there).length);
  });

  it('OM-142 ends with the dead letters where nothing can be said elsewhere either', async () => {
    deskOf(here, story).shut();
    deskOf(there, story).shut();

    await deskOf(here, story).ask('what can you do?');
    while ((await story.app.deadLetters.list()).length < 2) await soon();
    await story.quiet();

    const letters = await story.app.deadLetters.list();
    expect(letters.map(({ queue }) => queue)).toEqual(expect.arrayContaining([`o.${here}`, `o.${there}`]));
    expect(letters).toHaveLength(2);
  });
});

describe('while the store is away', () => {
  let redis: OwnRedis;
  let story: Story;

  beforeEach(async () => {
    redis = await startRedis();
    story = await Story.begin({
      redisUrl: redis.url,
      sandbox: {
        slack: { retryDelaysMs: [0, 50], retryUntilAcknowledged: true, ackTimeoutMs: 500 },
        mail: { pace: { firstMs: 50, mostMs: 200 } },
      },
    });
  });
  afterEach(async () => {
    await story.end(); // before its store goes
    await redis.stop();
  });

  it('OM-140 no platform is told that anything was taken, and all is answered once when it is back', async () => {
    // At a terminal, whoever types is told that it was not stored.
    const desks = PLATFORMS.filter((platform) => platform !== 'cli').map((each) => deskOf(each, story));
    const { jira, mail } = story.sandbox;

    await redis.kill();
    const taken: string[] = [];
    const asked = desks.map(async (desk) => {
      const place = await desk.ask('what can you do?');
      // Discord hears of nothing it sent; whoever asked there is done at once.
      if (desk.name !== 'discord') taken.push(desk.name);
      return place;
    });
    while (!mail.deliveries.some(({ attempts }) => attempts > 0) || jira.unacknowledged === 0) await soon();
    expect(taken).toEqual([]);
    await redis.restart();
    const places = await Promise.all(asked);

    const help = /Here is what I can do/;
    for (const [n, desk] of desks.entries()) {
      await seen(desk, () => desk.said(places[n] ?? ''), help);
    }
    await story.quiet();
    for (const [n, desk] of desks.entries()) {
      expect(desk.said(places[n] ?? '').filter((text) => help.test(text))).toHaveLength(1);
    }
  });
});
