/** What somebody was told about their answer stays so, and what only some may know stays with them. */
import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS } from '../../src/sandbox/people.ts';
import { Story, withPerson } from '../support/story.ts';
import { textOf } from '../support/surfaces/discord-surface.ts';

const [CHANNEL] = DISCORD_CHANNELS;
const ISSUE = 'OPS-2';
type Config = Story['config'];

let story: Story;

afterEach(() => story.end());

/** Nobody we know may decide; members of some group could. */
function withoutManagers(config: Config): Config {
  const changed = withPerson(config, 'dana', {
    roles: ['operator'] as Config['contacts']['people'][string]['roles'],
  });
  const { roles } = changed.authorizations;
  const manager = { ...roles.manager!, granted_by: ['discord:1/2'] };
  return { ...changed, authorizations: { ...changed.authorizations, roles: { ...roles, manager } } };
}

function asManager(config: Config): Config {
  return withPerson(config, 'dana', { roles: ['manager'] as Config['contacts']['people'][string]['roles'] });
}

async function comment(text: string, user = DANA, role?: string): Promise<string> {
  const visibility = role === undefined ? {} : { visibility: { type: 'role' as const, value: role } };
  const said = story.sandbox.jira.comment({ user: user.jiraAccount, issue: ISSUE, text, ...visibility });
  await said.acknowledged;
  return said.id;
}

const answers = () => story.sandbox.jira.comments(ISSUE).filter(({ author }) => author === BOT.jiraAccount);

async function waiting() {
  await story.quiet();
  const [approval] = await story.open();
  return approval!;
}

describe('an answer that decided nothing', () => {
  it('A21 decides nothing when it is delivered again after its author has been made an approver', async () => {
    story = await Story.begin({ config: withoutManagers });
    await story.mention('refund order 7');
    const approval = await waiting();
    const id = await comment(`approve ${approval.id}.1`);
    await story.quiet();
    // Where she alone reads it.
    await story.mail(DANA.mail, /Nothing was decided/);
    expect(answers()).toEqual([]);

    story.config = asManager(story.config);
    const { webhookUrl = '', webhookSecret } = story.sandbox.jira;
    const body = JSON.stringify({
      webhookEvent: 'comment_created',
      timestamp: Date.now(),
      comment: { id, body: '', created: '', updated: '' },
      issue: { id: story.sandbox.jira.issue(ISSUE)!.id, key: ISSUE },
    });
    const signature = `sha256=${createHmac('sha256', webhookSecret).update(body).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-hub-signature': signature };
    const again = await fetch(webhookUrl, { method: 'POST', body, headers });
    await story.quiet();

    expect(again.status).toBe(200);
    expect(story.refunds(7)).toEqual([]);
    expect(await story.open()).toHaveLength(1);

    // A new one counts.
    await comment(`approve ${approval.id}.1`);
    await story.quiet();
    expect(story.refunds(7)).toEqual([120]);
  });

  it('OM-122 was changed while nobody listened', async () => {
    story = await Story.begin();
    const { discord } = story.sandbox;
    await discord.say({ user: ALEX.discordUser, channel: CHANNEL.id, text: '@signalbox refund order 7' });
    await discord.until(() => discord.messages(CHANNEL.id).some((each) => /Waiting for/.test(textOf(each))));
    const approval = await waiting();
    await story.app.stop();
    const said = { user: DANA.discordUser, channel: CHANNEL.id, text: '@signalbox let me think about this' };
    const message = await discord.say(said);
    await discord.edit({ message: message.id, text: `@signalbox approve ${approval.id}.1` });

    await story.restart();
    await discord.say({ user: ALEX.discordUser, channel: CHANNEL.id, text: '@signalbox what can you do?' });
    await discord.until(() =>
      discord.messages(CHANNEL.id).some((each) => /Here is what I can do/.test(textOf(each))),
    );
    await story.quiet();

    expect(story.refunds(7)).toEqual([]);
    expect(await story.open()).toHaveLength(1);
  });
});

describe('what only some people may read', () => {
  it('OM-190 is not in what the model is shown when others ask in the same issue', async () => {
    story = await Story.begin();
    await comment('@signalbox the salary of Bob is 77777', DANA, 'Administrators');
    await story.quiet();
    const before = story.sandbox.claude.requests.length;
    expect(JSON.stringify(story.sandbox.claude.requests)).toContain('77777');

    await comment('@signalbox what did Dana tell you?', ALEX);
    await story.quiet();

    const shown = story.sandbox.claude.requests.slice(before);
    expect(shown.length).toBeGreaterThan(0);
    expect(JSON.stringify(shown)).not.toContain('77777');
  });

  it('OM-190 is told elsewhere when a command asks for it where everybody reads along', async () => {
    story = await Story.begin();
    await story.dm(ALEX.slackUser, 'refund order 7 for 99 EUR because Jane Doe is ill');
    await waiting();

    await comment('@signalbox /approvals');
    const told = await story.mail(DANA.mail, /Waiting for your answer/);
    await story.quiet();

    expect(told.text).toContain('Jane Doe');
    expect(answers().map(({ body }) => body)).toEqual([expect.stringContaining('I answered you by e-mail')]);
  });

  it('OM-190 is not told at all when there is no other place', async () => {
    story = await Story.begin({
      config: (config) =>
        withPerson(config, 'dana', {
          accounts: { jira: [DANA.jiraAccount] },
          prefers: [Platform.parse('jira')],
        }),
    });
    await story.dm(ALEX.slackUser, 'refund order 7 for 99 EUR because Jane Doe is ill');
    await waiting();

    await comment('@signalbox /status');
    await story.quiet();

    const words = answers().map(({ body }) => body);
    expect(words.at(-1)).toContain('where I can tell you alone');
    expect(words.at(-1)).not.toContain('Jane Doe');
  });

  it('OM-190 includes the token of an interaction, which stands in nothing that is kept', async () => {
    story = await Story.begin();
    const { discord } = story.sandbox;
    const ask = { user: ALEX.discordUser, channel: CHANNEL.id, command: 'ask' };
    await discord.slash({ ...ask, options: { question: 'refund order 7' } });
    await waiting();
    const tokens = discord.calls.flatMap(
      ({ path }) => /^\/(?:interactions|webhooks)\/\d+\/([^/?]+)/.exec(path)?.[1] ?? [],
    );

    expect(tokens.length).toBeGreaterThan(0);
    const kept = await everythingKept();
    expect(kept).toContain('"sealed"');
    for (const token of new Set(tokens)) expect(kept).not.toContain(token);
  });
});

describe('a command in Discord', () => {
  it('OM-123 is answered once', async () => {
    story = await Story.begin();
    const { discord } = story.sandbox;
    await discord.slash({ user: DANA.discordUser, channel: CHANNEL.id, command: 'help', options: {} });
    await discord.until(() =>
      discord.ephemerals(DANA.discordUser).some((each) => /What you can write/.test(textOf(each))),
    );
    await story.quiet();

    // It may take several messages; each is said once.
    const texts = discord.ephemerals(DANA.discordUser).map(textOf);
    expect(texts.filter((text) => /What you can write/.test(text))).toHaveLength(1);
    expect(new Set(texts).size).toBe(texts.length);
  });
});

/** Every value of this story in the store, as text. */
async function everythingKept(): Promise<string> {
  const { redis, keys } = story;
  const names = await redis.keys(`${keys.prefix}*`);
  const values = await Promise.all(
    names.map(async (name) => {
      switch (await redis.type(name)) {
        case 'string':
          return (await redis.get(name)) ?? '';
        case 'hash':
          return JSON.stringify(await redis.hgetall(name));
        case 'list':
          return JSON.stringify(await redis.lrange(name, 0, -1));
        case 'stream':
          return JSON.stringify(await redis.xrange(name, '-', '+'));
        default:
          return '';
      }
    }),
  );
  const approvals = await story.open();
  return `${values.join('\n').replaceAll('\\"', '"')}${JSON.stringify(approvals)}`;
}
