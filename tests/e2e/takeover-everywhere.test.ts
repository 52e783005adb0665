/** A person takes a conversation over on each platform, by what can be typed there, and by the button where there is one. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, EVE, PROJECT } from '../../src/sandbox/people.ts';
import { defer } from '../support/core.ts';
import { button, GENERAL, Story, textOf } from '../support/story.ts';
import { buttonOf, discordSurface, textOf as discordTextOf } from '../support/surfaces/discord-surface.ts';
import { emailSurface } from '../support/surfaces/email-surface.ts';
import { jiraSurface } from '../support/surfaces/jira-surface.ts';
import { slackSurface } from '../support/surfaces/slack-surface.ts';
import { type Surface, seen } from '../support/surfaces/surface.ts';
import { openTerminals } from '../support/surfaces/terminal-surface.ts';
import { webSurface } from '../support/surfaces/web-surface.ts';

const [CHANNEL] = DISCORD_CHANNELS;

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

/** A platform on which Alex goes on writing in a place, and Dana writes to the bot somewhere else. */
interface Side {
  readonly surface: (story: Story) => Surface;
  readonly alexWrites: (story: Story, place: string, text: string) => Promise<unknown>;
  readonly danaWrites: (story: Story, text: string) => Promise<unknown>;
}

const SIDES: Readonly<Record<string, Side>> = {
  slack: {
    surface: ({ sandbox }) => slackSurface(sandbox.slack),
    alexWrites: (its, thread, text) => its.say(ALEX.slackUser, thread, text),
    danaWrites: (its, text) => its.dm(DANA.slackUser, text),
  },
  discord: {
    surface: ({ sandbox }) => discordSurface(sandbox.discord),
    alexWrites: ({ sandbox: { discord } }, place, text) =>
      discord.say({
        user: ALEX.discordUser,
        channel: discord.thread(place) ? place : CHANNEL.id,
        text: `@signalbox ${text}`,
      }),
    danaWrites: ({ sandbox }, text) => sandbox.discord.dm({ user: DANA.discordUser, text }),
  },
  jira: {
    surface: ({ sandbox }) => jiraSurface(sandbox.jira),
    alexWrites: ({ sandbox }, _place, text) =>
      sandbox.jira.comment({ user: ALEX.jiraAccount, issue: 'OPS-2', text: `@signalbox ${text}` })
        .acknowledged,
    danaWrites: ({ sandbox }, text) =>
      sandbox.jira.comment({
        user: DANA.jiraAccount,
        issue: PROJECT.approvalIssue,
        text: `@signalbox ${text}`,
      }).acknowledged,
  },
  email: {
    surface: ({ sandbox }) => emailSurface(sandbox.mail),
    alexWrites: async ({ sandbox: { mail } }, place, text) => {
      const latest = mail.mailbox(ALEX.mail).findLast(({ references }) => references.includes(place));
      if (!latest) throw new Error('there is nothing to reply to');
      return mail.settled(await mail.reply(latest, { line: text, quoting: 'top' }));
    },
    danaWrites: (its, text) => its.write(DANA.mail, 'Mine', text),
  },
  web: {
    surface: ({ sandbox }) => webSurface(sandbox.web),
    alexWrites: ({ sandbox: { web } }, conversation, text) => {
      const id = web.say({ client: ALEX.webClient, conversation, text });
      return web.until(() => web.outcome(id));
    },
    danaWrites: ({ sandbox: { web } }, text) => {
      const id = web.say({ client: DANA.webClient, conversation: 'hers', text });
      return web.until(() => web.outcome(id));
    },
  },
};

/** What the newest call for a human tells Dana to write. */
async function ticketOfCall(): Promise<string> {
  const call = await story.mail(DANA.mail, /asks for a human/);
  const ticket = /con_p\d+_\w{12}/.exec(call.text)?.[0];
  if (!ticket) throw new Error(`no ticket in: ${call.text}`);
  return ticket;
}

describe.each(Object.entries(SIDES))(
  'a conversation on %s',
  (_name, { surface: open, alexWrites, danaWrites }) => {
    it('C1 C5 is taken over in the middle of an answer, and the agent answers again after it', async () => {
      const surface = open(story);
      const { claude } = story.sandbox;
      const begun = defer();
      const finish = defer();
      async function* slowly(): AsyncGenerator<string> {
        yield 'This is the ';
        begun.resolve();
        await finish.promise;
        yield 'stale answer.';
      }
      claude.script(({ messages }) => {
        const latest = JSON.stringify(messages.at(-1));
        if (latest.includes('third')) return { text: 'The third answer.' };
        return latest.includes('second') ? { text: slowly() } : { text: 'The first answer.' };
      });
      const place = await surface.ask('the first question');
      const said = () => surface.said(place);
      await seen(surface, said, /The first answer/);

      await alexWrites(story, place, '!human it is urgent');
      await seen(surface, said, /A human was asked for \(“it is urgent”\)/);
      const ticket = await ticketOfCall();
      await alexWrites(story, place, '!handback');
      await seen(surface, said, /no human is needed/);
      await alexWrites(story, place, 'the second question');
      await begun.promise;
      await danaWrites(story, `/takeover ${ticket}`);
      await seen(surface, said, /Dana Reyes has taken over/);
      finish.resolve();
      await story.quiet();
      await alexWrites(story, place, 'are you a person now?');
      await story.quiet();

      expect(said().join('\n')).not.toContain('stale answer');
      // The first question, what was said when a human was wanted and then was not, and the second.
      expect(claude.requests).toHaveLength(3);

      await danaWrites(story, `/handback ${ticket}`);
      await seen(surface, said, /Dana Reyes has handed this conversation back/);
      await alexWrites(story, place, 'the third question');
      await seen(surface, said, /The third answer/);
      expect(JSON.stringify(claude.requests.at(-1))).toContain('are you a person now?');
    });
  },
);

it('is shown to whoever takes it over where they alone read it, and to nobody on an issue', async () => {
  const { slack, jira } = story.sandbox;
  const thread = await story.dm(ALEX.slackUser, 'what can you do? I am no. 4711');
  await story.answer(thread, /Here is what I can do/, ALEX.slackDm);
  await slack.say({ user: ALEX.slackUser, channel: ALEX.slackDm, thread, text: '!human' });
  const ticket = await ticketOfCall();
  const text = `@signalbox /takeover ${ticket}`;

  await jira.comment({ user: DANA.jiraAccount, issue: 'OPS-2', text }).acknowledged;
  const onIssue = () =>
    jira
      .comments('OPS-2')
      .map(({ body }) => body)
      .join('\n');
  await jira.until(() => onIssue().includes('You have that conversation now') || undefined);
  await story.mention(`!takeover ${ticket}`, DANA.slackUser);

  expect(await story.told(DANA.slackUser, /You have that conversation already/)).toContain('4711');
  expect(onIssue()).not.toContain('4711');
});

describe('the button of a call for a human', () => {
  it('C2 takes over on Slack for whoever may, and the one under the announcement gives it back', async () => {
    const { slack } = story.sandbox;
    const thread = await story.mention('what can you do?');
    await story.answer(thread, /Here is what I can do/);
    await story.say(ALEX.slackUser, thread, '!human');
    const call = await story.answer(thread, /A human was asked for/);
    const press = (user: string, message: typeof call, label: RegExp) =>
      slack.press({ user, channel: GENERAL, ts: message.ts, actionId: button(message, label) });

    await press(ALEX.slackUser, call, /Take over/);
    expect(await story.told(ALEX.slackUser, /take-over/)).toContain('You may not take conversations over');
    await press(DANA.slackUser, call, /Take over/);
    const taken = await story.answer(thread, /Dana Reyes has taken over/);
    await press(DANA.slackUser, taken, /Hand back/);
    await story.answer(thread, /handed this conversation back/);

    expect(story.said(thread).filter((message) => /has taken over/.test(textOf(message)))).toHaveLength(1);
  });

  it('C2 takes over on Discord, and gives it back', async () => {
    const { discord } = story.sandbox;
    const { surface: open, alexWrites } = SIDES.discord!;
    const surface = open(story);
    const place = await surface.ask('what can you do?');
    await seen(surface, () => surface.said(place), /Here is what I can do/);
    await alexWrites(story, place, '!human');
    await seen(surface, () => surface.said(place), /A human was asked for/);
    const channel = discord.thread(place) ? place : CHANNEL.id;
    const press = async (pattern: RegExp, label: RegExp) => {
      const message = discord.messages(channel).findLast((each) => pattern.test(discordTextOf(each)));
      if (!message) throw new Error(`nothing like ${pattern}`);
      await discord.press({
        user: DANA.discordUser,
        channel,
        message: message.id,
        customId: buttonOf(message, label),
      });
    };

    await press(/A human was asked for/, /Take over/);
    await seen(surface, () => surface.said(place), /Dana Reyes has taken over/);
    await press(/Dana Reyes has taken over/, /Hand back/);
    await seen(surface, () => surface.said(place), /handed this conversation back/);
  });

  it('C2 takes over by a slash command on Discord, and everybody reads it; so they do that it was given back', async () => {
    const { discord } = story.sandbox;
    const { surface: open, alexWrites } = SIDES.discord!;
    const surface = open(story);
    const place = await surface.ask('what can you do?');
    await seen(surface, () => surface.said(place), /Here is what I can do/);
    const channel = discord.thread(place) ? place : CHANNEL.id;
    const danaTypes = (command: string) => discord.slash({ user: DANA.discordUser, channel, command });

    await danaTypes('takeover');
    await seen(surface, () => surface.said(place), /Dana Reyes has taken over/);
    await seen(surface, () => surface.told(DANA), /You have this conversation now/);
    await alexWrites(story, place, 'is anybody there?');
    await story.quiet();
    await danaTypes('handback');
    await seen(surface, () => surface.said(place), /Dana Reyes has handed this conversation back/);

    await alexWrites(story, place, 'what can you do now?');
    await discord.until(() =>
      surface.said(place).filter((text) => text.includes('Here is what I can do')).length === 2
        ? true
        : undefined,
    );
    expect(surface.told(DANA).join()).not.toContain('Dana Reyes has');
  });

  it('C2 comes to programs as what they have to say', async () => {
    const { web } = story.sandbox;
    const { surface: open, alexWrites } = SIDES.web!;
    const surface = open(story);
    const place = await surface.ask('what can you do?');
    await alexWrites(story, place, '!human');
    await seen(surface, () => surface.said(place), /A human was asked for/);

    const buttons = web
      .heard(ALEX.webClient)
      .flatMap(({ event }) => (event.kind === 'text' && event.buttons ? event.buttons : []));
    expect(buttons).toEqual([{ label: 'Take over', says: expect.stringMatching(/^\/takeover con_p\d+_/) }]);
  });
});

/** A place where nobody reads but Alex, and what Alex reads there. */
interface AlonePlace {
  readonly alexWrites: (story: Story, text: string) => Promise<unknown>;
  readonly alexReads: (story: Story) => readonly string[];
}

const ALONE_PLACES: Readonly<Record<string, AlonePlace>> = {
  'a direct message on Slack': {
    alexWrites: async ({ sandbox: { slack } }, text) => {
      const [first] = slack.messages(ALEX.slackDm);
      const thread = first ? { thread: first.ts } : {};
      await (await slack.say({ user: ALEX.slackUser, channel: ALEX.slackDm, text, ...thread })).acknowledged;
    },
    alexReads: ({ sandbox: { slack } }) => slack.messages(ALEX.slackDm).map(textOf),
  },
  'a direct message on Discord': {
    alexWrites: ({ sandbox: { discord } }, text) => discord.dm({ user: ALEX.discordUser, text }),
    alexReads: ({ sandbox: { discord } }) => discord.messages(ALEX.discordDm).map(discordTextOf),
  },
  mail: {
    alexWrites: async (its, text) => {
      const { mail } = its.sandbox;
      const latest = mail.mailbox(ALEX.mail).findLast(({ from }) => from === BOT.mail);
      if (!latest) return its.write(ALEX.mail, 'A wish', text);
      return mail.settled(await mail.reply(latest, { line: text, quoting: 'top' }));
    },
    alexReads: ({ sandbox: { mail } }) => mail.mailbox(ALEX.mail).map(({ text }) => text),
  },
  'a program on the web': {
    alexWrites: ({ sandbox: { web } }, text) => {
      const id = web.say({ client: ALEX.webClient, conversation: 'alone', text });
      return web.until(() => web.outcome(id));
    },
    alexReads: ({ sandbox: { web } }) => webSurface(web).said('alone'),
  },
};

it('C1 sends nothing that somebody said before they gave it back, and they and the agent hear of it', async () => {
  const { slack, claude } = story.sandbox;
  const thread = await story.dm(ALEX.slackUser, 'what can you do?');
  const alexHas = (pattern: RegExp) => story.answer(thread, pattern, ALEX.slackDm);
  await alexHas(/Here is what I can do/);
  await slack.say({ user: ALEX.slackUser, channel: ALEX.slackDm, thread, text: '!human' });
  const ticket = await ticketOfCall();
  await story.write(DANA.mail, 'Mine', `/takeover ${ticket}`);
  await alexHas(/has taken over/);
  slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterSeconds: 2 });

  await story.write(DANA.mail, 'Mine', `/say ${ticket} I am on my way.`);
  await slack.until(({ calls }) => calls.some(({ result }) => result === 'rate-limited'));
  await story.write(DANA.mail, 'Mine', `/handback ${ticket}`);

  expect(await danaReads(/I have not sent this/)).toContain('I am on my way.');
  await alexHas(/handed this conversation back/);
  await slack.say({ user: ALEX.slackUser, channel: ALEX.slackDm, thread, text: 'and now?' });
  await expect.poll(() => JSON.stringify(claude.requests.at(-1)), PATIENT).toContain('and now?');
  expect(JSON.stringify(claude.requests.at(-1))).toMatch(/I am on my way.*was not delivered/);
  expect(slack.messages(ALEX.slackDm).map(textOf).join()).not.toContain('on my way');
});

it('is told to its author alone that an answer to a mail of ours, without the command, reaches nobody', async () => {
  const { mail } = story.sandbox;
  await story.write(ALEX.mail, 'A wish', 'what can you do?');
  const first = await story.mail(ALEX.mail, /Here is what I can do/);
  await mail.settled(await mail.reply(first, { line: '!human', quoting: 'top' }));
  const ticket = await ticketOfCall();
  const call = await story.mail(DANA.mail, /asks for a human/);

  await mail.settled(await mail.reply(call, { line: `/takeover ${ticket}`, quoting: 'top' }));
  await story.mail(ALEX.mail, /Dana Reyes has taken over/);
  const alexWrote = await story.mail(ALEX.mail, /Dana Reyes has taken over/);
  await mail.settled(await mail.reply(alexWrote, { line: 'my card was stolen', quoting: 'top' }));
  const brought = await story.mail(DANA.mail, /Alex Kim writes/);
  await mail.settled(await mail.reply(brought, { line: 'I have blocked it', quoting: 'top' }));

  expect(await danaReads(/Nobody but me has read that/)).toContain(`/say ${ticket}`);
  await mail.settled(await mail.reply(brought, { line: `/say ${ticket} It is blocked`, quoting: 'top' }));
  expect((await story.mail(ALEX.mail, /It is blocked/)).text).toContain('Dana Reyes');
  expect(
    mail
      .mailbox(ALEX.mail)
      .map(({ text }) => text)
      .join(),
  ).not.toMatch(/I have blocked it|Alex Kim writes/);
});

it('is brought from a terminal to whoever took it over, and back', async () => {
  const terminals = await openTerminals(story);
  try {
    const { alex } = terminals;
    const alexReads = async (pattern: RegExp) => {
      await expect
        .poll(async () => {
          await alex.gateway.showNews();
          return alex.text;
        }, PATIENT)
        .toMatch(pattern);
    };
    await alex.type('what can you do?');
    await alexReads(/Here is what I can do/);
    await alex.type('/human private matter');
    const ticket = await ticketOfCall();
    await story.write(DANA.mail, 'Mine', `/takeover ${ticket}`);
    await alexReads(/Dana Reyes has taken over/);
    const before = await danaReads(/You have that conversation now/);
    expect(before).toMatch(/wrote there last.*Alex Kim:\s*> what can you do\?/s);
    expect(before).not.toContain('Here is what I can do');

    await alex.type('my card was stolen');
    const brought = await danaReads(/Alex Kim writes[\s\S]*my card was stolen/);
    await story.write(DANA.mail, 'Mine', `/say ${ticket} I have blocked it.`);

    expect(brought).toContain('> my card was stolen');
    await alexReads(/Dana Reyes:.*I have blocked it\./);
  } finally {
    await terminals.close();
  }
});

/** Some of these platforms are heard of only after a while. */
const PATIENT = { timeout: 10_000 };

/** What Dana was told by mail last that looks like this. */
function danaReads(pattern: RegExp): Promise<string> {
  return story.mail(DANA.mail, pattern).then(({ text }) => text);
}

describe.each(Object.entries(ALONE_PLACES))(
  'a conversation in %s that is taken over from elsewhere',
  (_name, { alexWrites, alexReads }) => {
    const alexHas = (pattern: RegExp) =>
      expect.poll(() => alexReads(story).filter((text) => pattern.test(text)), PATIENT).toHaveLength(1);
    const danaTakesOver = async () => {
      await alexWrites(story, 'what can you do?');
      await alexHas(/Here is what I can do/);
      await alexWrites(story, '!human private matter');
      const ticket = await ticketOfCall();
      await story.write(DANA.mail, 'Mine', `/takeover ${ticket}`);
      await alexHas(/Dana Reyes has taken over/);
      return ticket;
    };

    it('is talked in both ways, and the agent knows of it after the hand-back', async () => {
      const ticket = await danaTakesOver();

      expect(await danaReads(/You have that conversation now/)).toContain(`/say ${ticket}`);
      await alexWrites(story, 'my card was stolen');
      const brought = await danaReads(/Alex Kim writes[\s\S]*my card was stolen/);
      expect(brought).toContain('> my card was stolen');
      expect(brought).toContain(`/say ${ticket}`);
      await story.write(DANA.mail, 'Mine', `/say ${ticket} I have blocked it.\n\nA new one comes on Monday.`);
      expect(await danaReads(/on its way/)).toContain('in your name');
      await alexHas(/Dana Reyes[\s\S]*I have blocked it\.[\s\S]*A new one comes on Monday\./);
      const asked = story.sandbox.claude.requests.length;
      await story.write(DANA.mail, 'Mine', `/handback ${ticket} all is well`);
      await alexHas(/handed this conversation back/);
      await alexWrites(story, 'what can you do now?');

      await expect.poll(() => story.sandbox.claude.requests.length, PATIENT).toBe(asked + 1);
      const known = JSON.stringify(story.sandbox.claude.requests.at(-1)?.messages);
      expect(known).toMatch(/private matter.*my card was stolen.*I have blocked it/);
    });

    it('is spoken in by nobody who does not have it', async () => {
      const ticket = await danaTakesOver();

      await story.write(EVE.mail, 'Mine', `/say ${ticket} give me your card number`);
      await story.write(ALEX.mail, 'Mine', `/say ${ticket} give me your card number`);
      expect((await story.mail(ALEX.mail, /do not have that conversation/)).text).toContain('said nothing');
      await story.write(DANA.mail, 'Mine', `/handback ${ticket}`);
      await story.quiet();
      await story.write(DANA.mail, 'Mine', `/say ${ticket} one more thing`);
      await danaReads(/do not have that conversation/);
      await story.quiet();

      expect(alexReads(story).join()).not.toMatch(/card number|one more thing/);
      expect(story.sandbox.claude.requests.map((each) => JSON.stringify(each)).join()).not.toContain(
        'card number',
      );
    });
  },
);
