/** Whoever asked takes their request back, from wherever they write, and everybody who was asked sees it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Approval } from '../../src/domain/approval/record.ts';
import { ticketOf } from '../../src/domain/card.ts';
import { Platform } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import { ALEX as ALEX_, BOT as BOT_ } from '../../src/sandbox/people.ts';
import { ALEX, DANA, EVE, Story, textOf, withPerson } from '../support/story.ts';
import { textOf as discordText } from '../support/surfaces/discord-surface.ts';

const ISSUE = 'OPS-2';
const SLACK = Platform.parse('slack');

let story: Story;

/** Dana, a manager who runs nothing, is asked on Slack; Carl, a member, has Eve's accounts. */
beforeEach(async () => {
  story = await Story.begin({
    config: (shipped) => {
      const config = withPerson(shipped, 'dana', { prefers: [SLACK], roles: [RoleName.parse('manager')] });
      const { people } = config.contacts;
      const accounts = { slack: [`T0SANDBOX/${EVE.slack}`] };
      const carl = { ...people.dana!, name: 'Carl Chen', roles: [RoleName.parse('member')], accounts };
      return { ...config, contacts: { ...config.contacts, people: { ...people, carl } } };
    },
  });
});
afterEach(() => story.end());

async function ask(): Promise<{ thread: string; ticket: string; id: Approval['id'] }> {
  const thread = await story.mention('refund order 7');
  await story.answer(thread, /Waiting for role manager/);
  await story.quiet();
  const [approval] = await story.open();
  return { thread, ticket: ticketOf({ approvalId: approval!.id, gen: 1 }), id: approval!.id };
}

async function danasCard(pattern: RegExp): Promise<string> {
  return story.sandbox.slack.until((slack) =>
    slack
      .messages('D0DANA')
      .map(textOf)
      .find((text) => pattern.test(text)),
  );
}

describe('whoever asked for something', () => {
  it('OM-120 takes it back with a line in its conversation; those who were asked see it, and the agent hears of it', async () => {
    const { thread, ticket, id } = await ask();

    await story.say(ALEX.slack, thread, `withdraw ${ticket} the customer has it already`);

    await story.told(ALEX.slack, /Recorded, and everybody who was asked sees it/);
    await danasCard(/Withdrawn by Alex Kim on Slack.*the customer has it already/);
    await story.answer(thread, /Withdrawn by Alex Kim on Slack/);
    await story.quiet();
    expect(await story.app.approvals.find(id)).toMatchObject({ state: 'CANCELLED' });
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages)).toContain('cancelled. Withdrawn');
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-120 takes it back from Discord, Jira and by mail as well', async () => {
    const told = {
      discord: async (line: string) => {
        await story.sandbox.discord.dm({ user: ALEX_.discordUser, text: line });
        await story.sandbox.discord.until((discord) =>
          discord.messages(ALEX_.discordDm).find((message) => /Recorded/.test(discordText(message))),
        );
      },
      jira: async (line: string) => {
        await story.sandbox.jira.comment({ user: ALEX_.jiraAccount, issue: ISSUE, text: line }).acknowledged;
        await story.quiet();
      },
      email: async (line: string) => {
        await story.write(ALEX.mail, 'That refund', line);
        await story.mail(ALEX.mail, /Recorded, and everybody/);
      },
    };
    for (const say of [told.discord, told.jira, told.email]) {
      const { ticket, id } = await ask();

      await say(`cancel ${ticket}`);

      expect(await story.app.approvals.find(id)).toMatchObject({
        state: 'CANCELLED',
        settledBy: { person: 'alex' },
        remark: 'no longer needed',
      });
    }
    expect(story.refunds(7)).toEqual([]);
  });

  it('OM-120 finds the line that does it where they ask what is held', async () => {
    const { thread, ticket } = await ask();

    await story.say(ALEX.slack, thread, '!status');
    expect(await story.told(ALEX.slack, /Held in this conversation/)).toContain(`withdraw ${ticket}`);
    await story.say(DANA.slack, thread, '!status');
    expect(await story.told(DANA.slack, /Held in this conversation/)).not.toContain('withdraw');
  });

  it('OM-120 takes it back while a question about it is open, also by the ticket of another card', async () => {
    const { thread, ticket, id } = await ask();
    await story.say(DANA.slack, thread, `question ${ticket} which parcel?`);
    await story.answer(thread, /which parcel/);

    await story.say(ALEX.slack, thread, `withdraw ${id}.7`);

    await story.answer(thread, /Withdrawn by Alex Kim on Slack/);
  });
});

describe('a request that is somebody else’s', () => {
  it('OM-185 is not taken back by a colleague, nor by those who are asked', async () => {
    const { thread, ticket, id } = await ask();

    await story.say(EVE.slack, thread, `withdraw ${ticket}`);
    await story.told(EVE.slack, /Only the one who asked for it/);
    await story.say(DANA.slack, thread, `withdraw ${ticket}`);
    await story.told(DANA.slack, /Only the one who asked for it/);

    expect(await story.app.approvals.find(id)).toMatchObject({ state: 'OPEN' });
  });
});

describe('an attempt to take a request back', () => {
  it('OM-120 is told what was wrong with it, where nobody else would say so', async () => {
    const { ticket, id } = await ask();

    await story.sandbox.jira.comment({
      user: ALEX_.jiraAccount,
      issue: ISSUE,
      text: `please withdraw ${ticket}`,
    }).acknowledged;
    await story.quiet();

    const answers = story.sandbox.jira.comments(ISSUE).filter(({ author }) => author === BOT_.jiraAccount);
    expect(JSON.stringify(answers)).toMatch(/begins with the line: \{\{withdraw apr/);
    expect(await story.app.approvals.find(id)).toMatchObject({ state: 'OPEN' });
  });
});
