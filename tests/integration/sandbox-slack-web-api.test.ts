import { SocketModeClient } from '@slack/socket-mode';
import { ErrorCode, WebClient } from '@slack/web-api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, BOT, DANA } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

const CHANNEL = 'C0GENERAL';
const MODAL = {
  type: 'modal' as const,
  title: { type: 'plain_text' as const, text: 'Deny' },
  blocks: [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text: 'x' } }],
};
const BUTTONS = [
  {
    type: 'actions' as const,
    elements: [
      {
        type: 'button' as const,
        action_id: 'approve',
        text: { type: 'plain_text' as const, text: 'Approve' },
      },
    ],
  },
];

let sandbox: Sandbox;
let client: WebClient;
let now: number;

beforeEach(async () => {
  now = Date.now();
  sandbox = await startSandbox({ clock: { now: () => now }, slack: { ackTimeoutMs: 20, retryDelaysMs: [] } });
  client = clientWith(sandbox.env.SLACK_BOT_TOKEN!);
});

afterEach(async () => {
  await sandbox.stop();
});

describe('the Web API through the real client', () => {
  it('says who the token is, and refuses others', async () => {
    expect(await client.auth.test()).toMatchObject({
      user_id: BOT.user,
      bot_id: BOT.botId,
      team_id: 'T0SANDBOX',
    });
    expect(await refusal(clientWith('xoxb-wrong').auth.test())).toBe('invalid_auth');
    expect(await refusal(clientWith('').auth.test())).toBe('not_authed');
    expect(await refusal(clientWith(sandbox.env.SLACK_APP_TOKEN!).auth.test())).toBe(
      'not_allowed_token_type',
    );
    expect(await refusal(client.apps.connections.open())).toBe('not_allowed_token_type');
  });

  it('keeps a message with blocks and metadata and finds it by them', async () => {
    const root = await client.chat.postMessage({ channel: CHANNEL, text: 'root' });
    const metadata = { event_type: 'signalbox_message', event_payload: { key: 'k1' } };
    const posted = await client.chat.postMessage({
      channel: CHANNEL,
      text: 'reply',
      thread_ts: root.ts!,
      metadata,
      blocks: BUTTONS,
      unfurl_links: false,
    });

    const plain = await client.conversations.replies({ channel: CHANNEL, ts: root.ts! });
    const withMetadata = await client.conversations.replies({
      channel: CHANNEL,
      ts: root.ts!,
      include_all_metadata: true,
    });

    expect(plain.messages).toMatchObject([
      { ts: root.ts, reply_count: 1 },
      { ts: posted.ts, thread_ts: root.ts, bot_id: BOT.botId },
    ]);
    expect(plain.messages?.[1]).not.toHaveProperty('metadata');
    expect(withMetadata.messages?.[1]?.metadata).toEqual(metadata);
    expect(sandbox.slack.message(CHANNEL, posted.ts!)).toMatchObject({ unfurl_links: false });
  });

  it('pages through replies and history', async () => {
    const root = await client.chat.postMessage({ channel: CHANNEL, text: 'root' });
    for (const text of ['1', '2', '3'])
      await client.chat.postMessage({ channel: CHANNEL, text, thread_ts: root.ts! });

    const first = await client.conversations.replies({ channel: CHANNEL, ts: root.ts!, limit: 2 });
    const cursor = first.response_metadata?.next_cursor ?? '';
    const second = await client.conversations.replies({ channel: CHANNEL, ts: root.ts!, limit: 2, cursor });

    expect([first, second].map(({ messages }) => messages?.map(({ text }) => text))).toEqual([
      ['root', '1'],
      ['2', '3'],
    ]);
    expect([first.has_more, second.has_more]).toEqual([true, false]);
    expect((await client.conversations.history({ channel: CHANNEL })).messages).toMatchObject([
      { text: 'root' },
    ]);
  });

  it.each([
    ['an unknown channel', { channel: 'C0NOWHERE', text: 'x' }, 'channel_not_found'],
    ['a channel it has not joined', { channel: 'C0LOUNGE', text: 'x' }, 'not_in_channel'],
    ['no text', { channel: CHANNEL, text: '' }, 'no_text'],
    ['text over 40,000 characters', { channel: CHANNEL, text: 'x'.repeat(40_001) }, 'msg_too_long'],
    ['a broken thread_ts', { channel: CHANNEL, text: 'x', thread_ts: 'yesterday' }, 'invalid_thread_ts'],
    [
      'invalid blocks',
      {
        channel: CHANNEL,
        text: 'x',
        blocks: [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text: '' } }],
      },
      'invalid_blocks',
    ],
  ])('refuses a post with %s', async (_what, message, error) => {
    expect(await refusal(client.chat.postMessage(message))).toBe(error);
  });

  it('refuses what does not exist or is not its own', async () => {
    const { ts } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'mine' });

    expect(await refusal(client.chat.update({ channel: CHANNEL, ts, text: 'x' }))).toBe(
      'cant_update_message',
    );
    expect(await refusal(client.chat.delete({ channel: CHANNEL, ts }))).toBe('cant_delete_message');
    expect(await refusal(client.chat.update({ channel: CHANNEL, ts: '1.1', text: 'x' }))).toBe(
      'message_not_found',
    );
    expect(await refusal(client.conversations.replies({ channel: CHANNEL, ts: '1.1' }))).toBe(
      'thread_not_found',
    );
    expect(await refusal(client.users.info({ user: 'U0NOBODY' }))).toBe('user_not_found');
    expect(await refusal(client.users.lookupByEmail({ email: 'x@y.test' }))).toBe('users_not_found');
    expect(await refusal(client.apiCall('chat.teleport'))).toBe('unknown_method');
  });

  it('updates text, keeps blocks that are left out, and takes them away when the list is empty', async () => {
    const { ts } = await client.chat.postMessage({ channel: CHANNEL, text: 'Refund?', blocks: BUTTONS });

    await client.chat.update({ channel: CHANNEL, ts: ts!, text: 'Approved' });
    const kept = sandbox.slack.message(CHANNEL, ts!)?.blocks;
    await client.chat.update({ channel: CHANNEL, ts: ts!, text: 'Done', blocks: [] });

    expect(kept).toHaveLength(1);
    expect(sandbox.slack.message(CHANNEL, ts!)).toMatchObject({
      text: 'Done',
      blocks: [],
      edited: { user: BOT.user },
    });
    expect(await refusal(client.chat.update({ channel: CHANNEL, ts: ts!, text: 'ä'.repeat(2_001) }))).toBe(
      'msg_too_long',
    );
  });

  it('shows an ephemeral message to one person only', async () => {
    await client.chat.postEphemeral({ channel: CHANNEL, user: DANA.slackUser, text: 'only for you' });

    expect(sandbox.slack.ephemerals(DANA.slackUser)).toMatchObject([{ text: 'only for you' }]);
    expect(sandbox.slack.ephemerals(ALEX.slackUser)).toEqual([]);
    expect(sandbox.slack.messages(CHANNEL)).toEqual([]);
    expect(
      await refusal(client.chat.postEphemeral({ channel: 'D0ALEX', user: DANA.slackUser, text: 'x' })),
    ).toBe('user_not_in_channel');
  });

  it('streams a message in pieces, and refuses more once it is stopped', async () => {
    const { ts: thread } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'go' });
    const recipient = { recipient_user_id: ALEX.slackUser, recipient_team_id: 'T0SANDBOX' };

    const { ts } = await client.chat.startStream({
      channel: CHANNEL,
      thread_ts: thread,
      markdown_text: 'one ',
      ...recipient,
    });
    await client.chat.appendStream({ channel: CHANNEL, ts: ts!, markdown_text: '**two** ' });
    await client.chat.stopStream({ channel: CHANNEL, ts: ts!, markdown_text: 'three' });

    expect(sandbox.slack.message(CHANNEL, ts!)).toMatchObject({
      text: 'one **two** three',
      thread_ts: thread,
      streaming: false,
    });
    expect(await refusal(client.chat.appendStream({ channel: CHANNEL, ts: ts!, markdown_text: 'x' }))).toBe(
      'message_not_in_streaming_state',
    );
    expect(
      await refusal(client.chat.startStream({ channel: CHANNEL, thread_ts: thread, markdown_text: 'x' })),
    ).toBe('missing_recipient_user_id');
  });

  it('shows a status until the app answers in that thread', async () => {
    const { ts: thread } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'go' });

    await client.assistant.threads.setStatus({
      channel_id: CHANNEL,
      thread_ts: thread,
      status: 'is thinking…',
    });
    const during = sandbox.slack.status(CHANNEL, thread);
    await client.chat.postMessage({ channel: CHANNEL, thread_ts: thread, text: 'here' });

    expect([during, sandbox.slack.status(CHANNEL, thread)]).toEqual(['is thinking…', '']);
  });

  it('posts in the channel itself when the thread is gone, as Slack does', async () => {
    const { ts: thread } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'go' });
    await sandbox.slack.remove({ channel: CHANNEL, ts: thread });

    const { ts } = await client.chat.postMessage({ channel: CHANNEL, thread_ts: thread, text: 'late' });

    expect(sandbox.slack.message(CHANNEL, ts!)?.thread_ts).toBeUndefined();
  });

  it('lets a trigger open one modal, once, within three seconds', async () => {
    const { ts } = await client.chat.postMessage({ channel: CHANNEL, text: 'x', blocks: BUTTONS });
    const press = { user: DANA.slackUser, channel: CHANNEL, ts: ts!, actionId: 'approve' };

    const inTime = await triggerOf(() => sandbox.slack.press(press));
    await client.views.open({ trigger_id: inTime, view: MODAL });
    const late = await triggerOf(() => sandbox.slack.press(press));
    now += 3_001;

    expect(sandbox.slack.views(DANA.slackUser)).toHaveLength(1);
    expect(await refusal(client.views.open({ trigger_id: inTime, view: MODAL }))).toBe(
      'exchanged_trigger_id',
    );
    expect(await refusal(client.views.open({ trigger_id: late, view: MODAL }))).toBe('expired_trigger_id');
    expect(await refusal(client.views.open({ trigger_id: 'made-up', view: MODAL }))).toBe(
      'invalid_trigger_id',
    );
  });

  it('counts whom the app pinged, and nobody else’s pings', async () => {
    await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: '<!channel> @dana' });
    await client.chat.postMessage({ channel: CHANNEL, text: '&lt;!channel&gt; @here' });
    const quiet = [...sandbox.slack.pings];
    await client.chat.postMessage({ channel: CHANNEL, text: '@here', link_names: true });

    expect(quiet).toEqual([]);
    expect(sandbox.slack.pings).toMatchObject([{ target: 'here', how: 'link_names', by: BOT.user }]);
  });
});

describe('calls no client would make', () => {
  it('are refused in Slack’s words, never with a crash', async () => {
    const methods = [
      'chat.postMessage',
      'chat.update',
      'views.open',
      'conversations.replies',
      'chat.startStream',
      'constructor',
    ];
    const call = fc.record({
      method: fc.constantFrom(...methods),
      body: fc.oneof(
        fc.string(),
        fc.json(),
        fc.object().map((args) => JSON.stringify({ channel: CHANNEL, text: 'x', ...args })),
      ),
      contentType: fc.constantFrom(
        'application/json',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'x/y',
      ),
    });
    await fc.assert(
      fc.asyncProperty(call, async ({ method, body, contentType }) => {
        const response = await fetch(`${sandbox.env.SLACK_API_URL}${method}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${sandbox.slack.botToken}`, 'content-type': contentType },
          body,
        });

        expect(response.status).toBe(200);
        expect(await response.json()).toHaveProperty('ok');
      }),
      { numRuns: 200 },
    );
  });
});

describe('failures to order', () => {
  it('refuses with 429 and Retry-After, once, and has done nothing', async () => {
    sandbox.slack.fail('chat.postMessage', { kind: 'rate-limited', retryAfterSeconds: 7 });

    const refused = await client.chat
      .postMessage({ channel: CHANNEL, text: 'x' })
      .catch((error: unknown) => error);
    await client.chat.postMessage({ channel: CHANNEL, text: 'y' });

    expect(refused).toMatchObject({ code: ErrorCode.RateLimitedError, retryAfter: 7 });
    expect(sandbox.slack.messages(CHANNEL)).toMatchObject([{ text: 'y' }]);
  });

  it('does the work and loses the answer', async () => {
    sandbox.slack.fail('chat.postMessage', { kind: 'lost-response' });

    const failed = await client.chat
      .postMessage({ channel: CHANNEL, text: 'x' })
      .catch((error: unknown) => error);

    expect(failed).toMatchObject({ code: ErrorCode.RequestError });
    expect(sandbox.slack.messages(CHANNEL)).toMatchObject([{ text: 'x' }]);
    expect(sandbox.slack.calls.at(-1)).toMatchObject({ method: 'chat.postMessage', result: 'ok' });
  });

  it('answers with a status or a named error, as often as asked', async () => {
    sandbox.slack.fail('*', { kind: 'status', status: 503 }, 2);
    sandbox.slack.fail('auth.test', { kind: 'error', error: 'fatal_error' });

    const first = await client.auth.test().catch((error: unknown) => error);
    const second = await client.auth.test().catch((error: unknown) => error);

    expect([first, second]).toMatchObject([{ code: ErrorCode.HTTPError }, { code: ErrorCode.HTTPError }]);
    expect(await refusal(client.auth.test())).toBe('fatal_error');
    expect(await client.auth.test()).toMatchObject({ ok: true });
  });

  it('limits posts per channel when asked to', async () => {
    const limited = await startSandbox({ slack: { rateLimit: { postsPerSecond: 1, burst: 2 } } });
    const poster = new WebClient(limited.env.SLACK_BOT_TOKEN!, {
      ...QUIET,
      slackApiUrl: limited.env.SLACK_API_URL!,
    });

    const posts = await Promise.allSettled(
      ['1', '2', '3', '4'].map((text) => poster.chat.postMessage({ channel: CHANNEL, text })),
    );
    const elsewhere = await poster.chat.postMessage({ channel: 'C0OPS', text: 'x' });

    expect(posts.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: ErrorCode.RateLimitedError } },
    ]);
    expect(elsewhere.ok).toBe(true);
    await limited.stop();
  });
});

const QUIET = { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, logger: silentLogger() };

function clientWith(token: string): WebClient {
  return new WebClient(token, { ...QUIET, slackApiUrl: sandbox.env.SLACK_API_URL! });
}

async function refusal(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return String((error as { data?: { error?: unknown } } | undefined)?.data?.error); // the client's own error shape
}

/** What the app would read in the payload of the next gesture. */
async function triggerOf(gesture: () => Promise<unknown>): Promise<string> {
  const app = new SocketModeClient({
    appToken: sandbox.env.SLACK_APP_TOKEN!,
    logger: silentLogger(),
    clientOptions: { slackApiUrl: sandbox.env.SLACK_API_URL! },
  });
  const trigger = new Promise<string>((resolve) => {
    app.on('slack_event', async ({ body, ack }) => {
      await ack();
      if (body.trigger_id !== undefined) resolve(body.trigger_id);
    });
  });
  await app.start();
  await gesture();
  await app.disconnect();
  return trigger;
}

function silentLogger() {
  const nothing = () => {};
  return {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: nothing,
    setLevel: nothing,
    setName: nothing,
    getLevel: () => 'error' as never,
  };
}
