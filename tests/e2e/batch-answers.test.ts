/** Several requests answered at once: read back first, then each counts by itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { DANA as DANA_ } from '../../src/sandbox/people.ts';
import { ALEX, button, DANA, EVE, GENERAL, Story, textOf, withPerson } from '../support/story.ts';
import { buttonOf, textOf as discordText } from '../support/surfaces/discord-surface.ts';

let story: Story;
beforeEach(async () => {
  story = await Story.begin({
    config: (shipped) => withPerson(shipped, 'dana', { prefers: [Platform.parse('slack')] }),
  });
});
afterEach(() => story.end());

interface Asked {
  readonly thread: string;
  readonly ticket: string;
}

/** Alex asks; resolves when it waits in the thread. */
async function ask(text: string): Promise<Asked> {
  const thread = await story.mention(text);
  const card = await story.answer(thread, /Waiting for role manager/);
  const [, id] = /apr_p\d+_[0-9a-z]{12}/.exec(textOf(card))
    ? [0, /apr_p\d+_[0-9a-z]{12}/.exec(textOf(card))?.[0]]
    : [];
  return { thread, ticket: `${id}.1` };
}

async function threeAsked(): Promise<readonly [Asked, Asked, Asked]> {
  return [
    await ask('deploy api to production'),
    await ask('deploy web to production'),
    await ask('refund order 7'),
  ];
}

function shownAlone(user: string, pattern: RegExp) {
  return story.sandbox.slack.until((slack) =>
    slack.ephemerals(user).findLast((message) => pattern.test(textOf(message))),
  );
}

async function votes(): Promise<string[]> {
  const entries = await story.app.audit.tail(1_000);
  return entries
    .map(({ event }) => event)
    .filter(({ event, subject }) => event === 'answer.received' && subject.startsWith('apr_'))
    .map(({ subject, detail }) => `${subject} ${detail?.choice} ${detail?.result}`);
}

describe('several answers by one line', () => {
  it('OM-124 are read back with digest and title, leave out what is of high risk, and count one by one', async () => {
    const [api, web, refund] = await threeAsked();

    await story.say(DANA.slack, api.thread, `approve ${api.ticket} ${web.ticket} ${refund.ticket}`);
    const shown = await story.told(DANA.slack, /Yes to these 2/);
    for (const part of ['service api', 'service web', 'Not among them', 'of high risk, and answered alone'])
      expect(shown).toContain(part);
    const digests = (await story.waiting()).map(({ digest }) => digest.slice(0, 12));
    expect(digests.filter((digest) => shown.includes(digest))).toHaveLength(2);
    expect(await story.waiting()).toHaveLength(3);

    await story.say(DANA.slack, api.thread, /`(approve apr_[^`]+)`/.exec(shown)?.[1] ?? '');
    await story.answer(api.thread, /Approved by Dana Reyes on Slack/);
    await story.answer(web.thread, /Approved by Dana Reyes on Slack/);
    await story.told(DANA.slack, /Each by itself/);
    expect((await story.waiting()).map(({ request }) => request.tool)).toEqual(['refund']);
    expect((await votes()).toSorted()).toEqual(
      [api, web].map(({ ticket }) => `${ticket.slice(0, -2)} approve DECIDED`).toSorted(),
    );
  });

  it('OM-124 refuse each of them with the same reason', async () => {
    const [api, web] = [await ask('deploy api to production'), await ask('deploy web to production')];

    await story.say(DANA.slack, api.thread, `deny ${api.ticket} ${web.ticket} not on a Friday`);
    const shown = await story.told(DANA.slack, /No to these 2/);
    await story.say(DANA.slack, api.thread, /`(deny apr_[^`]+)`/.exec(shown)?.[1] ?? '');

    await story.answer(api.thread, /Denied by Dana Reyes on Slack.*not on a Friday/);
    await story.answer(web.thread, /Denied by Dana Reyes on Slack.*not on a Friday/);
  });

  it('OM-124 are no batch where a no to one is given a reason that begins like a sign', async () => {
    const refund = await ask('refund order 7');

    await story.say(DANA.slack, refund.thread, `deny ${refund.ticket} HTTP 500, look first`);

    await story.answer(refund.thread, /Denied by Dana Reyes on Slack.*HTTP 500, look first/);
  });

  it('OM-185 count nothing for who may not decide, nor for what was settled meanwhile, and each is told why', async () => {
    const [api, web] = [await ask('deploy api to production'), await ask('deploy web to production')];

    await story.say(ALEX.slack, api.thread, `approve ${api.ticket} ${web.ticket}`);
    await story.told(ALEX.slack, /None of them can be answered so/);
    await story.say(DANA.slack, api.thread, `approve ${api.ticket} ${web.ticket}`);
    const shown = await story.told(DANA.slack, /Yes to these 2/);
    await story.say(DANA.slack, api.thread, `deny ${web.ticket} not that one`);
    await story.answer(web.thread, /Denied by Dana/);
    await story.say(DANA.slack, api.thread, /`(approve apr_[^`]+)`/.exec(shown)?.[1] ?? '');

    await story.answer(api.thread, /Approved by Dana Reyes on Slack/);
    expect(await story.told(DANA.slack, /Each by itself/)).toMatch(
      /not counted\. This was settled before your answer came.*Denied by Dana/s,
    );
    expect((await story.waiting()).length).toBe(0);
  });

  it('OM-185 are not read back where none could count, and each is told why: a yes is taken elsewhere', async () => {
    await story.end();
    story = await Story.begin({
      config: (shipped) => {
        const config = withPerson(shipped, 'dana', { prefers: [Platform.parse('slack')] });
        const { policies } = config.escalation;
        const elsewhere = Object.entries(policies).map(([name, policy]) => [
          name,
          { ...policy, approve_from: [Platform.parse('discord')] },
        ]);
        return {
          ...config,
          escalation: { ...config.escalation, policies: Object.fromEntries(elsewhere) as typeof policies },
        };
      },
    });
    const [api, web] = [await ask('deploy api to production'), await ask('deploy web to production')];

    await story.say(DANA.slack, api.thread, `approve ${api.ticket} ${web.ticket}`);
    const told = await story.told(DANA.slack, /None of them can be answered so/);

    expect(told.match(/A yes to this is only taken from Discord\./g)).toHaveLength(2);
    await story.say(DANA.slack, api.thread, `deny ${api.ticket} ${web.ticket} no`);
    await story.told(DANA.slack, /No to these 2/);
  });

  it('OM-185 are not read back while a question of somebody else is open, which is said of each', async () => {
    await story.end();
    story = await Story.begin({
      config: (shipped) => {
        const config = withPerson(shipped, 'dana', { prefers: [Platform.parse('slack')] });
        const { dana } = config.contacts.people;
        const lee = { ...dana!, name: 'Lee Chen', accounts: { slack: [`T0SANDBOX/${EVE.slack}`] } };
        return {
          ...config,
          contacts: { ...config.contacts, people: { ...config.contacts.people, lee } },
        };
      },
    });
    const [api, web] = [await ask('deploy api to production'), await ask('deploy web to production')];
    await story.say(EVE.slack, api.thread, `question ${api.ticket} which version?`);
    await story.answer(api.thread, /A question is open/);

    await story.say(DANA.slack, api.thread, `approve ${api.ticket} ${web.ticket}`);

    expect(await story.told(DANA.slack, /Yes to this one/)).toMatch(
      /Not among them:.*service api.*Lee Chen has asked a question that nobody has answered yet/s,
    );
  });

  it('OM-185 take no sign that belongs to other requests', async () => {
    const [api, web] = [await ask('deploy api to production'), await ask('deploy web to production')];

    await story.say(DANA.slack, api.thread, `approve ${api.ticket} ${web.ticket} KXQ4`);

    await story.told(DANA.slack, /Yes to these 2.*Nothing was decided yet/s);
    expect(await story.waiting()).toHaveLength(2);
  });
});

describe('several answers picked from the list', () => {
  it('OM-124 by boxes on Slack: ticked, read back, agreed to by a button', async () => {
    const [api, web] = await threeAsked();
    const tickets = (await story.waiting()).map(({ id }) => `${id}.1`);

    await story.sandbox.slack.command({
      user: DANA.slack,
      channel: GENERAL,
      command: '/signalbox',
      text: 'approvals',
    });
    const list = await shownAlone(DANA.slack, /Waiting for your answer/);
    await press(list, /Approve those picked/, tickets);
    const shown = await shownAlone(DANA.slack, /Yes to these 2/);
    expect(await story.waiting()).toHaveLength(3);
    await press(shown, /Yes, agree/);

    await story.answer(api.thread, /Approved by Dana Reyes on Slack/);
    await story.answer(web.thread, /Approved by Dana Reyes on Slack/);
    await shownAlone(DANA.slack, /Each by itself/);
  });

  it('OM-124 by a menu on Discord, in the sight of nobody else', async () => {
    const [api, web] = await threeAsked();
    const { discord } = story.sandbox;
    const tickets = (await story.waiting()).map(({ id }) => `${id}.1`);
    const where = { user: DANA_.discordUser, channel: '900000000000000501' };

    await discord.slash({ ...where, command: 'approvals', options: {} });
    const alone = (pattern: RegExp) =>
      discord.until(() =>
        discord.ephemerals(DANA_.discordUser).findLast((message) => pattern.test(discordText(message))),
      );
    const list = await alone(/Waiting for your answer/);
    await discord.choose({ ...where, message: list.id, customId: 'signalbox|s|/approve', values: tickets });
    const shown = await alone(/Yes to these 2/);
    await discord.press({ ...where, message: shown.id, customId: buttonOf(shown, /Yes, agree/) });

    await story.answer(api.thread, /Approved by Dana Reyes on Discord/);
    await story.answer(web.thread, /Approved by Dana Reyes on Discord/);
    await alone(/Each by itself/);
  });

  async function press(
    message: Awaited<ReturnType<typeof shownAlone>>,
    label: RegExp,
    ticked: readonly string[] = [],
  ) {
    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: message.ts,
      actionId: button(message as Parameters<typeof button>[0], label),
      ticked,
    });
  }
});
