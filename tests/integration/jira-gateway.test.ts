/** The Jira gateway against the emulated Jira, both flavours. */
import { afterEach, describe, expect, it } from 'vitest';
import { RateLimitedError, StartupError, UndeliverableError } from '../../src/domain/errors.ts';
import { AccountId } from '../../src/domain/ids.ts';
import type { Address } from '../../src/domain/message.ts';
import { ALEX, BOT, DANA, EVE } from '../../src/sandbox/people.ts';
import { ManualClock } from '../support/core.ts';
import { type JiraFixture, type JiraFixtureOptions, openJira } from '../support/jira-gateway.ts';
import { aCard } from '../support/slack-gateway.ts';

const ISSUE = 'OPS-2';
const DAY_MS = 24 * 60 * 60_000;

let jira: JiraFixture;

async function open(options: JiraFixtureOptions = {}): Promise<void> {
  jira = await openJira(options);
}

afterEach(async () => jira.close());

/** Alex mentions the bot; resolves with where the answer belongs. */
async function mention(text: string, issue = ISSUE): Promise<{ id: string; replyTo: Address }> {
  const wrote = jira.sandbox.comment({ user: ALEX.jiraAccount, issue, text: `@signalbox ${text}` });
  await wrote.acknowledged;
  return { id: wrote.id, replyTo: jira.messages().at(-1)!.replyTo };
}

function bodies(issue = ISSUE): string[] {
  return jira.sandbox
    .comments(issue)
    .filter(({ author }) => author === BOT.jiraAccount)
    .map(({ body }) => body);
}

describe.each(['cloud', 'data-center'] as const)('the Jira gateway on %s', (flavour) => {
  it('OM-050 hands a mention over and answers it with a comment in wiki markup', async () => {
    await open({ sandbox: { flavour } });
    const { id, replyTo } = await mention('what *is* up?');
    const issue = jira.sandbox.issue(ISSUE)!;

    expect(jira.messages()).toMatchObject([
      {
        id: `jira:127.0.0.1:${issue.id}:${id}`,
        conversationId: `jira:127.0.0.1:${issue.id}`,
        sender: { account: `jira:${ALEX.jiraAccount}`, authenticated: true, automatic: false },
        text: 'what **is** up?',
        addressedToBot: true,
      },
    ]);
    await jira.send({ to: replyTo, body: { kind: 'text', markdown: '**All** quiet.\n\n- one\n- `two`' } });
    expect(bodies()).toEqual(['*All* quiet.\n\n* one\n* {{two}}']);
  });

  it('is given an issue, and takes its summary and description as what is asked', async () => {
    await open({ sandbox: { flavour } });
    const { key, acknowledged } = jira.sandbox.createIssue({
      user: ALEX.jiraAccount,
      summary: 'Parcel lost',
      description: 'h2. What happened\nIt is gone.',
    });
    await acknowledged;
    expect(jira.messages()).toEqual([]);

    await jira.sandbox.assign({ user: DANA.jiraAccount, issue: key, to: BOT.jiraAccount }).acknowledged;

    expect(jira.messages()).toMatchObject([
      { sender: { account: `jira:${DANA.jiraAccount}` }, addressedToBot: true },
    ]);
    expect(jira.messages()[0]?.text).toMatch(/assigned to you[\s\S]*> Parcel lost[\s\S]*> ## What happened/);
  });

  it.each([
    ['mentions_only', false],
    ['every_comment', true],
  ])(
    'hands over comments that mention nobody; in an issue of the bot, %s says whether to it',
    async (assigned, isSpokenTo) => {
      await open({ sandbox: { flavour }, settings: { assigned } });
      await jira.sandbox.comment({
        user: DANA.jiraAccount,
        issue: ISSUE,
        text: 'approve apr_p7_0123456789ab.1',
      }).acknowledged;
      await jira.sandbox.assign({ user: DANA.jiraAccount, issue: ISSUE, to: BOT.jiraAccount }).acknowledged;
      await jira.sandbox.comment({ user: DANA.jiraAccount, issue: ISSUE, text: 'and now?' }).acknowledged;

      expect(jira.messages().map(({ text, addressedToBot }) => [text.slice(0, 12), addressedToBot])).toEqual([
        ['approve apr_', false],
        ['OPS-2 was as', true],
        ['and now?', isSpokenTo],
      ]);
      expect(jira.messages().map(({ overheard }) => overheard === true)).toEqual([true, false, !isSpokenTo]);
      await jira.sandbox.comment({ user: DANA.jiraAccount, issue: ISSUE, text: '@signalbox well?' })
        .acknowledged;
      expect(jira.messages().at(-1)).toMatchObject({ addressedToBot: true });
      expect(jira.messages().at(-1)).not.toHaveProperty('overheard');
    },
  );

  it('takes no comment for one that people write to each other where every comment is followed', async () => {
    await open({ sandbox: { flavour }, settings: { follow: 'every_comment' } });
    await jira.sandbox.comment({ user: DANA.jiraAccount, issue: ISSUE, text: 'and now?' }).acknowledged;

    expect(jira.messages()).toMatchObject([{ addressedToBot: false }]);
    expect(jira.messages()[0]).not.toHaveProperty('overheard');
  });

  it('records edits and deletions, and never takes them for something said', async () => {
    await open({ sandbox: { flavour } });
    const { id } = await mention('hello');
    await jira.sandbox.editComment({ user: DANA.jiraAccount, id, text: 'approve apr_p7_0123456789ab.1' })
      .acknowledged;
    await jira.sandbox.removeComment({ id }).acknowledged;

    expect(jira.messages()).toHaveLength(1);
    expect(jira.revisions().map(({ change, sender }) => [change, sender.account])).toEqual([
      ['edited', `jira:${DANA.jiraAccount}`],
      ['deleted', `jira:${ALEX.jiraAccount}`],
    ]);
  });

  it('ignores what it wrote itself', async () => {
    await open({ sandbox: { flavour } });
    const { replyTo } = await mention('hello');
    await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'hi' } });
    await jira.sandbox.until(
      ({ deliveries }) => deliveries.every(({ state }) => state === 'acknowledged') && deliveries.length > 1,
    );

    expect(jira.received).toHaveLength(1);
  });
});

describe('coming in', () => {
  it('OM-191 refuses a webhook without the right signature', async () => {
    await open();
    const body = JSON.stringify({
      webhookEvent: 'comment_created',
      comment: { id: '1' },
      issue: { id: '2' },
    });
    expect(await jira.sandbox.deliverRaw({ body, signature: null })).toBe(401);
    expect(await jira.sandbox.deliverRaw({ body, signature: `sha256=${'0'.repeat(64)}` })).toBe(401);
    expect(jira.received).toEqual([]);
  });

  it('OM-192 believes nothing that a webhook says before Jira says it, too', async () => {
    await open();
    const issue = jira.sandbox.issue(ISSUE)!;
    const forged = {
      webhookEvent: 'comment_created',
      comment: {
        id: '99999',
        author: { accountId: DANA.jiraAccount },
        body: 'approve apr_p7_0123456789ab.1',
      },
      issue: { id: issue.id, key: ISSUE },
    };
    expect(await jira.sandbox.deliverRaw({ body: JSON.stringify(forged) })).toBe(200);
    expect(jira.received).toEqual([]);
  });

  it('OM-192 gives a redelivered webhook the same id', async () => {
    await open();
    await mention('hello');
    await jira.sandbox.redeliver('comment_created');
    expect(new Set(jira.messages().map(({ id }) => id)).size).toBe(1);
    expect(jira.messages()).toHaveLength(2);
  });

  it.each([false, true])(
    'OM-192 gives a redelivered assignment one id, that of its entry in the history, and the next another (without changelog: %s)',
    async (webhooksWithoutChangelog) => {
      await open({ sandbox: { webhooksWithoutChangelog } });
      const assign = (to: string | undefined) =>
        jira.sandbox.assign({ user: DANA.jiraAccount, issue: ISSUE, to }).acknowledged;
      await assign(BOT.jiraAccount);
      await jira.sandbox.redeliver('jira:issue_updated');
      await assign(undefined);
      await assign(BOT.jiraAccount);

      const { id, history } = jira.sandbox.issue(ISSUE)!;
      const [first, , second] = history.map((entry) => `jira:127.0.0.1:${id}:assigned:${entry.id}`);
      expect(jira.messages().map((message) => message.id)).toEqual([first, first, second]);
    },
  );

  it('OM-192 takes an assignment in the name of whoever made it, though the event of the creation comes late', async () => {
    await open();
    const { key, id, acknowledged } = jira.sandbox.createIssue({
      user: DANA.jiraAccount,
      summary: 'Parcel lost',
    });
    await acknowledged;
    await jira.sandbox.assign({ user: EVE.jiraAccount, issue: key, to: BOT.jiraAccount }).acknowledged;
    await jira.sandbox.redeliver('jira:issue_created');

    const [given] = jira.sandbox.issue(key)!.history;
    const eves = [`jira:127.0.0.1:${id}:assigned:${given!.id}`, `jira:${EVE.jiraAccount}`];
    expect(jira.messages().map((message) => [message.id, message.sender.account])).toEqual([eves, eves]);
  });

  it('OM-192 takes no assignment to somebody else for one to the bot, though the issue is its by now', async () => {
    await open();
    const assign = (user: string, to: string) => jira.sandbox.assign({ user, issue: ISSUE, to }).acknowledged;
    await assign(DANA.jiraAccount, ALEX.jiraAccount);
    const late = jira.sandbox.deliveries.at(-1)!.body;
    await assign(EVE.jiraAccount, BOT.jiraAccount);

    expect(await jira.sandbox.deliverRaw({ body: late })).toBe(200);
    expect(new Set(jira.messages().map(({ id }) => id)).size).toBe(1);
    expect(jira.messages().map(({ sender }) => sender.account)).toEqual(
      Array(2).fill(`jira:${EVE.jiraAccount}`),
    );
  });

  it('OM-192 believes no event about who assigned an issue', async () => {
    await open();
    jira.sandbox.deliverTo(undefined);
    jira.sandbox.assign({ user: EVE.jiraAccount, issue: ISSUE, to: BOT.jiraAccount });
    jira.sandbox.deliverTo(jira.url);
    const forged = {
      webhookEvent: 'jira:issue_updated',
      issue_event_type_name: 'issue_assigned',
      user: { accountId: DANA.jiraAccount },
      issue: { id: jira.sandbox.issue(ISSUE)!.id },
    };

    expect(await jira.sandbox.deliverRaw({ body: JSON.stringify(forged) })).toBe(200);
    expect(jira.messages().map(({ sender }) => sender.account)).toEqual([`jira:${EVE.jiraAccount}`]);
  });

  it('OM-192 gives an issue that is created for the bot one id, which is that of the creation', async () => {
    await open();
    const { id, acknowledged } = jira.sandbox.createIssue({
      user: ALEX.jiraAccount,
      summary: 'Look into it',
      assignee: BOT.jiraAccount,
    });
    await acknowledged;
    await jira.sandbox.redeliver('jira:issue_created');

    expect(jira.messages().map((message) => message.id)).toEqual(
      Array(2).fill(`jira:127.0.0.1:${id}:assigned:created`),
    );
  });

  it('acknowledges only what was stored, so that Jira delivers it again', async () => {
    await open();
    let failures = 2;
    jira.onReceive(async () => {
      if (failures-- > 0) throw new Error('the store is away');
      return { kind: 'stored' };
    });
    await mention('hello');
    expect(jira.messages()).toHaveLength(3);
    expect(jira.sandbox.deliveries[0]).toMatchObject({ attempts: 3, state: 'acknowledged' });
  });

  it('has the webhook come again when Jira cannot be asked', async () => {
    await open();
    jira.sandbox.fail('getComment', { kind: 'status', status: 503 }, 2);
    await mention('hello');
    expect(jira.messages()).toHaveLength(1);
  });

  it('marks a comment that was edited before it was read, and trusts none that somebody else edited', async () => {
    await open({ started: false });
    const own = jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox helo' });
    const other = jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' });
    jira.sandbox
      .editComment({ user: ALEX.jiraAccount, id: own.id, text: '@signalbox hello' })
      .acknowledged.catch(() => {});
    jira.sandbox
      .editComment({ user: DANA.jiraAccount, id: other.id, text: 'approve' })
      .acknowledged.catch(() => {});
    await jira.start();
    await jira.sandbox.redeliver('comment_created');
    const issue = jira.sandbox.issue(ISSUE)!;
    await jira.sandbox.deliverRaw({
      body: JSON.stringify({
        webhookEvent: 'comment_created',
        comment: { id: own.id },
        issue: { id: issue.id },
      }),
    });

    expect(jira.messages().map(({ edited, sender }) => [edited, sender.authenticated])).toEqual(
      expect.arrayContaining([
        [true, true],
        [true, false],
      ]),
    );
  });

  it('finds the issue where the webhook leaves it out', async () => {
    await open({ sandbox: { webhooksWithoutIssue: true } });
    await mention('hello');
    expect(jira.messages()).toHaveLength(1);
  });

  it.each([
    ['for some people only', ISSUE, { visibility: { type: 'role' as const, value: 'Administrators' } }],
    ['for agents only', 'HELP-1', { internal: true }],
  ])('keeps what becomes of a comment %s to its own conversation', async (_what, issue, audience) => {
    await open();
    const { id, acknowledged } = jira.sandbox.comment({
      user: DANA.jiraAccount,
      issue,
      text: '@signalbox between us',
      ...audience,
    });
    await acknowledged;
    await jira.sandbox.editComment({ user: DANA.jiraAccount, id, text: 'changed' }).acknowledged;
    await jira.sandbox.removeComment({ id }).acknowledged;

    const { conversationId } = jira.messages()[0]!;
    expect(conversationId).toMatch(/:(?:only:[0-9a-f]{16}|internal)$/);
    expect(jira.revisions()).toMatchObject([
      { change: 'edited', conversationId },
      { change: 'deleted', conversationId },
    ]);
  });

  it('ignores what is deleted in other projects, too, and what is deleted with its issue', async () => {
    await open({ settings: { projects: ['HELP'] } });
    const remove = async (issue: string) => {
      const { id, acknowledged } = jira.sandbox.comment({ user: ALEX.jiraAccount, issue, text: 'hello' });
      await acknowledged;
      await jira.sandbox.removeComment({ id }).acknowledged;
    };
    await remove(ISSUE);
    expect(jira.revisions()).toEqual([]);
    await remove('HELP-1');
    expect(jira.revisions()).toHaveLength(1);

    const gone = { webhookEvent: 'comment_deleted', comment: { id: '1' }, issue: { id: '999999' } };
    expect(await jira.sandbox.deliverRaw({ body: JSON.stringify(gone) })).toBe(200);
    expect(jira.revisions()).toHaveLength(1);
  });

  it('ignores other projects', async () => {
    await open({ settings: { projects: ['HELP'] } });
    await jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' })
      .acknowledged;
    expect(jira.received).toEqual([]);
  });

  it('names the files a comment shows, and reads them when they are wanted', async () => {
    await open();
    jira.sandbox.attach({
      user: ALEX.jiraAccount,
      issue: ISSUE,
      filename: 'a.csv',
      mimeType: 'text/csv',
      bytes: Buffer.from('one,two'),
    });
    await mention('look at [^a.csv]');
    const [file] = jira.messages()[0]?.attachments ?? [];
    expect(file).toMatchObject({ name: 'a.csv', mediaType: 'text/csv', bytes: 7 });
    const bytes = await jira.gateway.download(file!.ref!, new AbortController().signal);
    expect(Buffer.from(bytes).toString()).toBe('one,two');
  });

  it('stays up and logs a line for each of 1,000 malformed webhooks', { timeout: 120_000 }, async () => {
    await open();
    const shapes = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"webhookEvent":1}',
      `{"webhookEvent":"comment_created","comment":${'['.repeat(200)}${']'.repeat(200)}}`,
      JSON.stringify({ webhookEvent: 'comment_created', comment: { id: 5 }, issue: [] }),
      JSON.stringify({ webhookEvent: 'x'.repeat(100_000), issue: { id: '../../etc', key: 7 } }),
      '\u0000\u0001\u0002',
    ];
    for (let batch = 0; batch < 100; batch++) {
      await Promise.all(shapes.map((body) => jira.sandbox.deliverRaw({ body })));
    }
    expect(jira.lines.filter(({ level }) => level === 'warn').length).toBe(1_000);
    await mention('still there?');
    expect(jira.messages()).toHaveLength(1);
  });
});

describe('going out', () => {
  it('answers within the same role, and never beyond', async () => {
    await open();
    await jira.sandbox.comment({
      user: DANA.jiraAccount,
      issue: ISSUE,
      text: '@signalbox between us',
      visibility: { type: 'role', value: 'Administrators' },
    }).acknowledged;
    await jira.send({
      to: jira.messages()[0]!.replyTo,
      body: {
        kind: 'text',
        markdown: 'yes',
        files: [{ name: 'a.csv', mediaType: 'text/csv', base64: Buffer.from('1,2').toString('base64') }],
      },
    });

    const ours = jira.sandbox.comments(ISSUE).filter(({ author }) => author === BOT.jiraAccount);
    expect(ours.map(({ visibility }) => visibility)).toMatchObject([
      { type: 'role', value: 'Administrators' },
      { type: 'role', value: 'Administrators' },
    ]);
    expect(ours[1]?.body).toContain('{code}\n1,2\n{code}');
    expect(ours[1]?.body).toContain('I do not attach it: a file on an issue can be opened by everybody');
    expect(jira.sandbox.attachments(ISSUE)).toEqual([]);
  });

  it.each([
    ['by its id alone', { identifier: '276f955c-63d7-42c8-9520-92d01dca0610' }],
    ['by its id and its name', { value: 'jira-users', identifier: '276f955c-63d7-42c8-9520-92d01dca0610' }],
  ])('answers within the same group, told %s', async (_how, group) => {
    await open();
    const visibility = { type: 'group' as const, ...group };
    jira.sandbox.comment({
      user: DANA.jiraAccount,
      issue: ISSUE,
      text: '@signalbox between us',
      visibility,
    });
    const { replyTo } = await jira.heard(() => jira.messages()[0]);
    await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'yes' } });

    expect(jira.calls('addComment')).toMatchObject([{ visibility }]);
    expect(jira.sandbox.comments(ISSUE).at(-1)?.visibility).toEqual(visibility);
  });

  it('answers to nobody rather than to everybody where Jira does not say who may read', async () => {
    await open();
    const to = { platform: jira.gateway.platform, route: { issue: ISSUE, visibilityType: 'group' } };

    await expect(jira.send({ to, body: { kind: 'text', markdown: 'yes' } })).rejects.toThrow(
      /does not say for whom/,
    );
    expect(bodies()).toEqual([]);
  });

  it.each([
    [
      'that only sounds like text',
      'a.docx',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      Buffer.from('PK'),
      /left out\. I do not attach it/,
    ],
    ['that is no text', 'a.png', 'image/png', Buffer.from('PNG'), /left out\. I do not attach it/],
    ['that is too long', 'a.csv', 'text/csv', Buffer.alloc(60_001, 'x'), /too long to be shown here/],
  ])(
    'says to some people why a file %s does not come, and does not put it before all',
    async (_what, name, mediaType, bytes, why) => {
      await open();
      const { replyTo } = await mention('help', 'HELP-1'); // for agents only
      const files = [{ name, mediaType, base64: bytes.toString('base64') }];
      await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'here', files } });

      expect(jira.sandbox.attachments('HELP-1')).toEqual([]);
      expect(bodies('HELP-1')).toEqual(['here', expect.stringContaining(name)]);
      expect(bodies('HELP-1')[1]).toMatch(why);
      const internal = { 'sd.public.comment': { internal: true } };
      const told = jira.sandbox.comments('HELP-1').filter(({ author }) => author === BOT.jiraAccount);
      expect(told.map(({ properties }) => properties)).toMatchObject([internal, internal]);
    },
  );

  it('answers in a service desk for agents only, unless told otherwise', async () => {
    await open();
    const { replyTo } = await mention('help', 'HELP-1');
    await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'hm' } });
    expect(jira.sandbox.comments('HELP-1').at(-1)?.properties).toMatchObject({
      'sd.public.comment': { internal: true },
    });
    await jira.close();

    await open({ settings: { answers_internal: false } });
    const open2 = await mention('help', 'HELP-1');
    await jira.send({ to: open2.replyTo, body: { kind: 'text', markdown: 'hm' } });
    expect(jira.sandbox.comments('HELP-1').at(-1)?.properties).not.toHaveProperty('sd.public.comment');
  });

  it('writes nothing twice when the answer was lost', async () => {
    await open();
    const { replyTo } = await mention('hello');
    const message = { id: 'reply-1', to: replyTo, body: { kind: 'text' as const, markdown: 'once' } };
    jira.sandbox.fail('addComment', { kind: 'lost-response' });
    await expect(jira.send(message)).rejects.toThrow();
    const { ref } = await jira.send({ ...message, attempt: 2 });

    expect(bodies()).toEqual(['once']);
    expect(ref).toBe(jira.sandbox.comments(ISSUE).at(-1)?.id);
  });

  it('sends only the missing parts of a long answer again', async () => {
    await open();
    const { replyTo } = await mention('hello');
    const markdown = `${'word '.repeat(9_000)}\n\n\`\`\`\n${'line of code\n'.repeat(2_000)}\`\`\``;
    const message = { id: 'long', to: replyTo, body: { kind: 'text' as const, markdown } };
    jira.sandbox.fail('addComment', { kind: 'status', status: 503 });
    await expect(jira.send(message)).rejects.toThrow(/503/);
    await jira.send({ ...message, attempt: 2 });

    const parts = bodies();
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(32_767);
      expect((part.match(/\{code\}/g) ?? []).length % 2).toBe(0);
    }
    expect(parts.join('\n').match(/word/g)).toHaveLength(9_000);
    expect(parts.join('\n').match(/line of code/g)).toHaveLength(2_000);
  });

  it('mentions people on Data Center by their name, which is not their key', async () => {
    await open({ sandbox: { flavour: 'data-center' } });
    const { replyTo } = await mention('hello');
    const onlyFor = AccountId.parse(`jira:${DANA.jiraAccount}`);
    await jira.send({ to: replyTo, body: { kind: 'notice', markdown: 'Not you.', onlyFor } });
    expect(bodies()).toEqual(['[~dana] Not you.']);
  });

  it('writes the rest of a long text behind the comment it edits', async () => {
    await open();
    const { replyTo } = await mention('hello');
    const { ref } = await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'one' } });
    await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'word '.repeat(9_000), replaces: ref } });
    expect(bodies().join('\n').match(/word/g)).toHaveLength(9_000);
    expect(bodies().join('\n')).not.toContain('one');
  });

  it('edits in place, and writes anew when what was to be edited is gone', async () => {
    await open();
    const { replyTo } = await mention('hello');
    const { ref } = await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'one' } });
    await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'two', replaces: ref } });
    expect(bodies()).toEqual(['two']);
    jira.sandbox.removeComment({ id: ref }).acknowledged.catch(() => {});
    await jira.send({ to: replyTo, body: { kind: 'text', markdown: 'three', replaces: ref } });
    expect(bodies()).toEqual(['three']);
  });

  it('OM-186 lets no text of the model mention anybody, open a macro, or hide an address', async () => {
    await open();
    const { replyTo } = await mention('hello');
    await jira.send({
      to: replyTo,
      body: {
        kind: 'text',
        markdown: `[~accountid:${DANA.jiraAccount}] {panel}x{panel} [https://good.test](https://evil.test) \`[~dana]\` !http://evil.test/a.png!`,
      },
    });
    const [body = ''] = bodies();
    expect(body).not.toMatch(/(?<!\\)\[~/);
    expect(body).not.toMatch(/(?<!\\)\{panel/);
    expect(body).toContain('[https://evil.test/]');
    expect(body).not.toMatch(/(?<!\\)!http/);
  });

  it('OM-121 asks for an approval with both lines to answer with, and takes them away when it is settled', async () => {
    await open();
    const to = jira.gateway.directAddress(AccountId.parse(`jira:${DANA.jiraAccount}`))!;
    const { ref } = await jira.send({ to, body: { kind: 'card', card: aCard() } });
    const [asked = ''] = bodies('OPS-1');

    expect(asked).toContain(`[~accountid:${DANA.jiraAccount}]`);
    expect(asked).toContain('approve apr_p7_0123456789ab.1\ndeny apr_p7_0123456789ab.1 your reason');
    await jira.send({
      to,
      body: {
        kind: 'card',
        card: aCard({
          choices: [],
          status: { state: 'executed', sentence: 'Approved by Dana Reyes on Slack. Done.' },
        }),
        replaces: ref,
      },
    });
    expect(bodies('OPS-1')).toHaveLength(1);
    expect(bodies('OPS-1')[0]).toContain('Approved by Dana Reyes');
    expect(bodies('OPS-1')[0]).not.toMatch(/approve apr_|\[~/);
  });

  it.each([
    ['cloud', `[~accountid:${DANA.jiraAccount}] [~accountid:gone]`],
    ['data-center', '[~dana]'],
  ] as const)(
    'names those who may decide on the card for everybody (%s), and does without one who is gone',
    async (flavour, mentions) => {
      await open({ sandbox: { flavour } });
      const { replyTo } = await mention('hello');
      const accounts = [DANA.jiraAccount, 'gone'].map((account) => AccountId.parse(`jira:${account}`));
      const to = jira.gateway.naming(replyTo, accounts);
      const { ref } = await jira.send({ to, body: { kind: 'card', card: aCard() } });
      expect(bodies()[0]?.split('\n')[0]).toBe(mentions);

      const status = { state: 'expired' as const, sentence: 'Nobody answered in time.' };
      const settled = aCard({ choices: [], status });
      await jira.send({ to, body: { kind: 'card', card: settled, replaces: ref } });
      expect(bodies().join()).not.toContain('[~');
    },
  );

  it('shows every character of what is to be judged, however long, before the lines to answer with', async () => {
    await open();
    const to = jira.gateway.directAddress(AccountId.parse(`jira:${DANA.jiraAccount}`))!;
    const value = `${'9876543210 '.repeat(6_000)}END`;
    await jira.send({ to, body: { kind: 'card', card: aCard({ facts: [{ label: 'text', value }] }) } });
    const all = bodies('OPS-1');
    expect(all.length).toBeGreaterThan(1);
    expect(all.join('\n').match(/9876543210/g)).toHaveLength(6_000);
    expect(all.at(-1)).toContain('approve apr_');
    expect(all.slice(0, -1).join()).not.toContain('approve apr_');
  });

  it('tells one person something by a mention, where they wrote', async () => {
    await open();
    const { replyTo } = await mention('hello');
    await jira.send({
      to: replyTo,
      body: { kind: 'notice', markdown: 'Not you.', onlyFor: AccountId.parse(`jira:${ALEX.jiraAccount}`) },
    });
    expect(bodies()).toEqual([`[~accountid:${ALEX.jiraAccount}] Not you.`]);
  });

  it.each([
    ['burst', { reason: 'jira-burst-based', retryAfterSeconds: 3 }, 3_000],
    ['per issue', { reason: 'jira-per-issue-on-write', retryAfterSeconds: 1 }, 1_000],
    ['quota', { reason: 'jira-quota-global-based', retryAfterSeconds: 900 }, 900_000],
    ['quota without a time', { reason: 'jira-quota-tenant-based' }, 600_000],
    ['no reason, no time', {}, 2_000],
  ] as const)('waits as long as it is told: %s', async (_what, limit, waitMs) => {
    await open();
    const { replyTo } = await mention('hello');
    jira.sandbox.fail('addComment', { kind: 'rate-limited', ...limit });
    const error = await jira
      .send({ to: replyTo, body: { kind: 'text', markdown: 'x' } })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ retryAfterMs: waitMs });
    expect(jira.lines.some(({ level, sentence }) => level === 'error' && /quota/.test(sentence))).toBe(
      'reason' in limit && limit.reason.startsWith('jira-quota'),
    );
  });

  it.each([403, 404, 400])('gives up on a %i, and not on a 401 or a 503', async (status) => {
    await open();
    const { replyTo } = await mention('hello');
    jira.sandbox.fail('addComment', { kind: 'status', status });
    await expect(jira.send({ to: replyTo, body: { kind: 'text', markdown: 'x' } })).rejects.toBeInstanceOf(
      UndeliverableError,
    );
    for (const passing of [401, 503]) {
      jira.sandbox.fail('addComment', { kind: 'status', status: passing });
      await expect(
        jira.send({ to: replyTo, body: { kind: 'text', markdown: 'x' } }),
      ).rejects.not.toBeInstanceOf(UndeliverableError);
    }
  });

  it('puts a file on the issue, once', async () => {
    await open();
    const { replyTo } = await mention('hello');
    const files = [{ name: 'a.csv', mediaType: 'text/csv', base64: Buffer.from('1,2').toString('base64') }];
    await jira.send({ id: 'f', to: replyTo, body: { kind: 'text', markdown: 'here', files } });
    await jira.send({ id: 'f', to: replyTo, body: { kind: 'text', markdown: 'here', files }, attempt: 2 });
    expect(jira.sandbox.attachments(ISSUE).map(({ filename }) => filename)).toEqual(['a.csv']);
    expect(bodies()).toEqual(['here']);
  });

  it('takes no file for its own that somebody else put there, or that it put there for something else', async () => {
    const clock = new ManualClock();
    await open({ clock });
    const { replyTo } = await mention('hello');
    const file = { name: 'a.csv', mediaType: 'text/csv', base64: Buffer.from('1,2').toString('base64') };
    const body = { kind: 'text' as const, markdown: 'here', files: [file] };
    await jira.send({ id: 'one', to: replyTo, body });
    clock.advance(DAY_MS);
    const bytes = Buffer.from('3,4');
    jira.sandbox.attach({
      user: ALEX.jiraAccount,
      issue: ISSUE,
      filename: 'a.csv',
      mimeType: 'text/csv',
      bytes,
    });
    await jira.send({ id: 'two', to: replyTo, body, attempt: 2, queuedAt: clock.now() });
    await jira.send({ id: 'two', to: replyTo, body, attempt: 3, queuedAt: clock.now() });

    const authors = jira.sandbox.attachments(ISSUE).map(({ author }) => author);
    expect(authors).toEqual([BOT.jiraAccount, ALEX.jiraAccount, BOT.jiraAccount]);
  });

  it('has no direct address without an issue to ask in', async () => {
    await open({ settings: { approval_issue: undefined } });
    expect(jira.gateway.directAddress(AccountId.parse(`jira:${DANA.jiraAccount}`))).toBeUndefined();
  });
});

describe('polling', () => {
  it('finds what was said and assigned, each with the id a webhook would give, and what was said while it was away', async () => {
    await open({ settings: { mode: 'poll' }, sandbox: { webhookUrl: '' as never }, started: false });
    jira.sandbox.deliverTo(undefined);
    const first = jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' });
    jira.sandbox.assign({ user: DANA.jiraAccount, issue: 'OPS-3', to: BOT.jiraAccount });
    await jira.start();
    const [given] = jira.sandbox.issue('OPS-3')!.history;
    expect(jira.messages().map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        `jira:127.0.0.1:${jira.sandbox.issue(ISSUE)!.id}:${first.id}`,
        `jira:127.0.0.1:${jira.sandbox.issue('OPS-3')!.id}:assigned:${given!.id}`,
      ]),
    );

    await jira.gateway.stop();
    const second = jira.sandbox.comment({
      user: ALEX.jiraAccount,
      issue: ISSUE,
      text: '@signalbox still there?',
    });
    await jira.start();
    expect(jira.messages().map(({ id }) => id)).toContain(
      `jira:127.0.0.1:${jira.sandbox.issue(ISSUE)!.id}:${second.id}`,
    );
    expect([...jira.bookmarks.keys()]).toEqual(['jira:127.0.0.1']);
  });

  it('takes an assignment for the word of whoever made it, not of whoever wrote the issue', async () => {
    await open({ settings: { mode: 'poll' }, started: false });
    jira.sandbox.deliverTo(undefined);
    jira.sandbox.assign({ user: DANA.jiraAccount, issue: 'OPS-3', to: BOT.jiraAccount });
    await jira.start();
    expect(jira.messages().map(({ sender }) => sender.account)).toEqual([`jira:${DANA.jiraAccount}`]);
  });

  it('notices the edit of a comment that is old, with a hundred newer ones behind it', async () => {
    const clock = new ManualClock();
    await open({ settings: { mode: 'poll' }, started: false, clock });
    jira.sandbox.deliverTo(undefined);
    const { id } = jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: 'one' });
    for (let n = 0; n < 120; n++) {
      jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: `and ${n}` });
    }
    clock.advance(DAY_MS);
    jira.sandbox.editComment({ user: DANA.jiraAccount, id, text: 'two' });
    await jira.start();

    expect(jira.messages()).toEqual([]);
    expect(jira.revisions()).toMatchObject([
      {
        change: 'edited',
        of: expect.stringContaining(`:${id}`),
        sender: { account: `jira:${DANA.jiraAccount}` },
      },
    ]);
  });

  it('notices that a comment it has seen is gone, once, with the id a webhook would give', async () => {
    await open({ settings: { mode: 'poll' }, started: false });
    jira.sandbox.deliverTo(undefined);
    const { id } = jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' });
    await jira.start();
    await jira.gateway.stop();
    jira.sandbox.removeComment({ id });
    for (let n = 0; n < 2; n++) {
      await jira.start();
      await jira.gateway.stop();
    }

    expect(jira.revisions()).toMatchObject([
      {
        id: `jira:127.0.0.1:${jira.sandbox.issue(ISSUE)!.id}:${id}:deleted`,
        change: 'deleted',
        sender: { account: `jira:${ALEX.jiraAccount}` },
      },
    ]);
  });

  it('reads an issue that stands still twice, and then again only when it has changed', async () => {
    const clock = new ManualClock();
    await open({ settings: { mode: 'poll' }, started: false, clock });
    jira.sandbox.deliverTo(undefined);
    for (let look = 0; look < 3; look++) {
      await jira.start();
      await jira.gateway.stop();
    }
    const before = jira.calls('getComments').length;
    clock.advance(1);
    jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' });
    await jira.start();

    expect(before).toBe(2 * jira.sandbox.issues.length);
    expect(jira.calls('getComments')).toHaveLength(before + 1);
    expect(jira.messages()).toHaveLength(1);
  });

  it('finds what it had not come to when it was stopped, however much there was', async () => {
    const clock = new ManualClock();
    await open({ settings: { mode: 'poll' }, started: false, clock });
    jira.sandbox.deliverTo(undefined);
    jira.bookmarks.set('jira:127.0.0.1', String(clock.now()));
    const said = Array.from({ length: 60 }, (_, n) => {
      const { key } = jira.sandbox.createIssue({ user: ALEX.jiraAccount, summary: `${n}` });
      clock.advance(1_000);
      return jira.sandbox.comment({ user: ALEX.jiraAccount, issue: key, text: `@signalbox ${n}` }).id;
    });
    clock.advance(60 * 60_000);
    let stopped: Promise<void> | undefined;
    jira.onReceive(async () => {
      stopped ??= jira.gateway.stop();
      return { kind: 'stored' };
    });
    await jira.start();
    await stopped;
    expect(jira.messages()).toHaveLength(1);

    await jira.start();
    const heard = new Set(jira.messages().map(({ id }) => id.split(':').at(-1)));
    expect(said.filter((id) => !heard.has(id))).toEqual([]);
  });

  it.each(['cloud', 'data-center'] as const)(
    'loses nothing of more issues than a page holds, which move while they are read (%s)',
    async (flavour) => {
      const clock = new ManualClock();
      await open({ settings: { mode: 'poll' }, sandbox: { flavour }, started: false, clock });
      jira.sandbox.deliverTo(undefined);
      jira.bookmarks.set('jira:127.0.0.1', String(clock.now()));
      const keys = new Map<string, string>();
      const said = Array.from({ length: 120 }, (_, n) => {
        const { key } = jira.sandbox.createIssue({ user: ALEX.jiraAccount, summary: `${n}` });
        clock.advance(1_000);
        const { id } = jira.sandbox.comment({
          user: ALEX.jiraAccount,
          issue: key,
          text: `@signalbox ${n}`,
        });
        keys.set(id, key);
        return id;
      });
      clock.advance(60 * 60_000);
      // Each is answered at once, and becomes the one that changed last.
      jira.onReceive(async ({ id }) => {
        clock.advance(1_000);
        const issue = keys.get(id.split(':').at(-1) ?? '');
        if (issue !== undefined) jira.sandbox.comment({ user: BOT.jiraAccount, issue, text: 'an answer' });
        return { kind: 'stored' };
      });
      await jira.start();

      const heard = new Set(jira.messages().map(({ id }) => id.split(':').at(-1)));
      expect(said.filter((id) => !heard.has(id))).toEqual([]);
    },
  );

  it('asks for projects whose keys are words of JQL', async () => {
    await open({ settings: { mode: 'poll', projects: ['ORDER', 'OPS'] }, started: false });
    jira.sandbox.deliverTo(undefined);
    jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' });
    await jira.start();

    expect(jira.messages()).toHaveLength(1);
  });

  it.each([
    ['that Jira does not show', { kind: 'status', status: 403 }],
    ['that is gone', { kind: 'status', status: 404 }],
    ['that cannot be read', { kind: 'garbage', body: '{"id":"1","key":"OPS-1","fields":[]}' }],
  ] as const)('says which issue it is %s, and goes on with the others', async (_what, fault) => {
    await open({ settings: { mode: 'poll' }, started: false });
    jira.sandbox.deliverTo(undefined);
    jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' });
    jira.sandbox.fail('getIssue', fault);
    await jira.start();

    expect(jira.messages()).toHaveLength(1);
    expect(jira.bookmarks.size).toBe(1);
    expect(jira.lines.filter(({ sentence }) => /passed over/.test(sentence))).toHaveLength(1);
  });

  it('hears what is said beside a comment that cannot be read, and takes that for none that is gone', async () => {
    await open({ settings: { mode: 'poll' }, started: false });
    jira.sandbox.deliverTo(undefined);
    const issue = jira.sandbox.createIssue({ user: ALEX.jiraAccount, summary: 'A place' });
    const [odd] = ['one', '@signalbox two'].map(
      (text) => jira.sandbox.comment({ user: ALEX.jiraAccount, issue: issue.key, text }).id,
    );
    await jira.start();
    await jira.gateway.stop();
    const now = new Date().toISOString();
    const author = { accountId: ALEX.jiraAccount };
    const adf = { id: odd, author, body: { type: 'doc' }, created: now, updated: now };
    const fresh = { ...adf, id: '987654', body: '[~accountid:nobody] three' };
    const page = { startAt: 0, maxResults: 100, total: 2, comments: [fresh, adf] };
    jira.sandbox.fail('getComments', { kind: 'garbage', body: JSON.stringify(page) }, 100);
    await jira.start();

    expect(jira.messages().at(-1)?.text).toContain('three');
    expect(jira.revisions().filter(({ of }) => of.endsWith(`:${odd}`))).toEqual([]);
  });

  it('keeps its place when something could not be stored', async () => {
    await open({ settings: { mode: 'poll' }, started: false });
    jira.sandbox.deliverTo(undefined);
    jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' });
    jira.onReceive(async () => Promise.reject(new Error('the store is away')));
    await jira.start();
    expect(jira.bookmarks.size).toBe(0);
    await jira.gateway.stop();
    jira.onReceive(async () => ({ kind: 'stored' }));
    await jira.start();
    expect(jira.messages().length).toBeGreaterThanOrEqual(2);
    expect(jira.bookmarks.size).toBe(1);
  });
});

describe('starting', () => {
  it('says what is wrong with credentials instead of trying for ever', async () => {
    await open({ settings: { api_token: 'wrong-token' }, started: false });
    await expect(jira.start()).rejects.toBeInstanceOf(StartupError);
    expect(await jira.gateway.check()).toMatchObject([
      { subject: 'Jira account', status: 'failed', remedy: expect.stringContaining('api-tokens') },
    ]);
  });

  it('waits for a Jira that is away', async () => {
    await open({ started: false });
    jira.sandbox.fail('getCurrentUser', { kind: 'status', status: 503 }, 2);
    await jira.start();
    await mention('hello');
    expect(jira.messages()).toHaveLength(1);
  });

  it('takes nothing while it is stopped, and goes on after it is started again', async () => {
    await open();
    await jira.gateway.stop();
    await jira.gateway.stop();
    const wrote = jira.sandbox.comment({ user: ALEX.jiraAccount, issue: ISSUE, text: '@signalbox hello' });
    await expect(wrote.acknowledged).rejects.toThrow(/503/);
    await jira.start();
    await mention('again');
    expect(jira.messages().map(({ text }) => text)).toEqual(['again']);
  });

  it('says that all is well when it is', async () => {
    await open();
    await mention('hello');
    expect((await jira.gateway.check()).map(({ subject, status }) => [subject, status])).toEqual([
      ['Jira account', 'works'],
      ['Jira permissions', 'works'],
      ['Jira service desk HELP', 'works'],
      ['Jira approval issue', 'works'],
      ['Jira webhooks', 'works'],
      ['Jira webhook secret', 'works'],
    ]);
  });
});
