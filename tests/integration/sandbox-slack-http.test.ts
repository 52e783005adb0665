import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { App, HTTPReceiver, LogLevel } from '@slack/bolt';
import { afterEach, describe, expect, it } from 'vitest';
import { ALEX, DANA, EVE } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { signatureOf } from '../../src/sandbox/slack/signature.ts';
import type { SlackSandboxOptions } from '../../src/sandbox/slack/slack-sandbox.ts';

const CHANNEL = 'C0GENERAL';
const BUTTONS = [
  {
    type: 'actions' as const,
    elements: [
      {
        type: 'button' as const,
        action_id: 'approve',
        text: { type: 'plain_text' as const, text: 'Approve' },
        value: 'v1',
      },
    ],
  },
];

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

describe('Bolt behind signed HTTP', () => {
  it('passes url_verification, takes a mention and answers it', async () => {
    const { sandbox, app } = await boltOverHttp();
    app.event('app_mention', async ({ event, say }) => {
      await say({ text: 'Hello', thread_ts: event.ts });
    });

    const verified = await sandbox.slack.verifyRequestUrl();
    const { ts, acknowledged } = await sandbox.slack.say({
      user: ALEX.slackUser,
      channel: CHANNEL,
      text: '@signalbox hi',
    });
    await acknowledged;
    await sandbox.slack.until((slack) => slack.thread(CHANNEL, ts).some((reply) => reply.text === 'Hello'));

    expect(verified).toBe(true);
    expect(
      sandbox.slack.deliveries.every(({ via, outcome }) => via === 'http' && outcome === 'acknowledged'),
    ).toBe(true);
  });

  it('lets Bolt refuse a forged signature and an old timestamp', async () => {
    const { sandbox } = await boltOverHttp();
    const body = JSON.stringify({ type: 'url_verification', challenge: 'c' });

    const outcomes = [
      await sandbox.slack.deliverRaw({ body }),
      await sandbox.slack.deliverRaw({ body, signature: 'v0=0000' }),
      await sandbox.slack.deliverRaw({ body, signature: null }),
      await sandbox.slack.deliverRaw({ body, skewSeconds: -301 }),
    ];

    expect(outcomes).toMatchObject([{ status: 200 }, { status: 401 }, { status: 401 }, { status: 401 }]);
  });

  it('carries buttons by anybody, slash commands and what is answered through a response_url', async () => {
    const { sandbox, app } = await boltOverHttp({ commands: ['/ask'] });
    app.action('approve', async ({ ack, body, respond }) => {
      await ack();
      await respond({
        text: `not you, ${body.user.id}`,
        response_type: 'ephemeral',
        replace_original: false,
      });
    });
    app.command('/ask', async ({ command, ack }) => {
      await ack(`you said ${command.text}`);
    });
    const { ts } = await app.client.chat.postMessage({ channel: CHANNEL, text: 'Refund?', blocks: BUTTONS });

    const pressed = await sandbox.slack.press({
      user: EVE.slackUser,
      channel: CHANNEL,
      ts: ts!,
      actionId: 'approve',
    });
    const asked = await sandbox.slack.command({
      user: DANA.slackUser,
      channel: CHANNEL,
      command: '/ask',
      text: 'why',
    });
    await sandbox.slack.until((slack) => slack.ephemerals(EVE.slackUser).length === 1);

    expect([pressed.kind, asked.kind]).toEqual(['acknowledged', 'acknowledged']);
    expect(sandbox.slack.ephemerals(EVE.slackUser)).toMatchObject([{ text: 'not you, U0EVE' }]);
    expect(sandbox.slack.ephemerals(DANA.slackUser)).toMatchObject([{ text: 'you said why' }]);
  });

  it('knows no command that the app has not registered', async () => {
    const { sandbox } = await boltOverHttp({ commands: ['/ask'] });
    const typed = { user: DANA.slackUser, channel: CHANNEL, command: '/aks', text: 'why' };

    await expect(sandbox.slack.command(typed)).rejects.toThrow('/aks is not a valid command');
  });

  it('presses an old copy of a message that has changed since', async () => {
    const { sandbox, app } = await boltOverHttp();
    const values: unknown[] = [];
    app.action('approve', async ({ ack, payload }) => {
      values.push(payload.type === 'button' && payload.value);
      await ack();
    });
    const { ts } = await app.client.chat.postMessage({ channel: CHANNEL, text: 'Refund?', blocks: BUTTONS });
    const copy = sandbox.slack.message(CHANNEL, ts!)!;
    await app.client.chat.update({ channel: CHANNEL, ts: ts!, text: 'Done', blocks: [] });
    const press = { user: DANA.slackUser, channel: CHANNEL, ts: ts!, actionId: 'approve' };

    const outcome = await sandbox.slack.press({ ...press, copy });

    expect(outcome.kind).toBe('acknowledged');
    expect(values).toEqual(['v1']);
    await expect(sandbox.slack.press(press)).rejects.toThrow('no button');
  });
});

describe('delivery over HTTP', () => {
  it('tries a failed event again with the same id, a number and a reason, and then gives up', async () => {
    const requests: IncomingMessage[] = [];
    const ids = new Set<unknown>();
    const sandbox = await sandboxFor(
      async (request) => {
        requests.push(request);
        ids.add(JSON.parse(await text(request)).event_id);
        return 500;
      },
      { retryDelaysMs: [0, 1, 1] },
    );

    const { acknowledged } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'hi' });

    await expect(acknowledged).rejects.toThrow('gave up');
    expect(
      requests.map(({ headers }) => [headers['x-slack-retry-num'], headers['x-slack-retry-reason']]),
    ).toEqual([
      [undefined, undefined],
      ['1', 'http_error'],
      ['2', 'http_error'],
      ['3', 'http_error'],
    ]);
    expect(ids.size).toBe(1);
    expect(sandbox.slack.unacknowledged).toBe(0);
  });

  it('goes on until acknowledged when told to', async () => {
    let left = 6;
    const sandbox = await sandboxFor(async () => (left-- > 0 ? 503 : 200), {
      retryDelaysMs: [0],
      retryUntilAcknowledged: true,
    });

    const { acknowledged } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'hi' });
    await acknowledged;

    expect(sandbox.slack.deliveries.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503, 503, 200]);
  });

  it('stops at once when the app asks for no retry', async () => {
    const sandbox = await sandboxFor(async () => 'no-retry', { retryDelaysMs: [0, 0] });

    const { acknowledged } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'hi' });

    await expect(acknowledged).rejects.toThrow('gave up');
    expect(sandbox.slack.deliveries).toHaveLength(1);
  });

  it('counts silence beyond the limit as a timeout', async () => {
    const sandbox = await sandboxFor(() => new Promise(() => {}), { ackTimeoutMs: 20, retryDelaysMs: [] });

    const { acknowledged } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'hi' });

    await expect(acknowledged).rejects.toThrow('http_timeout');
    expect(sandbox.slack.deliveries).toMatchObject([{ outcome: 'http_timeout' }]);
  });

  it('delivers a mention twice under two ids, in either order', async () => {
    const heard: { type: string; ts: string; clientMsgId: string; id: string }[] = [];
    const sandbox = await sandboxFor(async (request) => {
      const { event, event_id: id } = JSON.parse(await text(request));
      heard.push({ type: event.type, ts: event.ts, clientMsgId: event.client_msg_id, id });
      return 200;
    });

    for (const name of ['one', 'two']) {
      const { acknowledged } = await sandbox.slack.say({
        user: ALEX.slackUser,
        channel: CHANNEL,
        text: `@signalbox ${name}`,
      });
      await acknowledged;
    }

    expect(heard).toHaveLength(4);
    expect(new Set(heard.map(({ id }) => id)).size).toBe(4);
    expect(new Set(heard.map(({ ts }) => ts)).size).toBe(2);
    expect(new Set(heard.map(({ clientMsgId }) => clientMsgId)).size).toBe(2);
    expect(heard.map(({ type }) => type).toSorted()).toEqual([
      'app_mention',
      'app_mention',
      'message',
      'message',
    ]);
  });

  it('tells edits, deletions and the app’s own posts as Slack does', async () => {
    const heard: Record<string, unknown>[] = [];
    const sandbox = await sandboxFor(async (request) => {
      heard.push(JSON.parse(await text(request)).event);
      return 200;
    });
    const first = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'one' });
    const second = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'two' });
    await sandbox.slack.say({ user: DANA.slackUser, channel: CHANNEL, text: 'reply', thread: second.ts });
    await sandbox.slack.dm({ user: EVE.slackUser, text: 'psst' });
    await sandbox.slack.edit({ channel: CHANNEL, ts: first.ts, text: 'one more' });
    await sandbox.slack.remove({ channel: CHANNEL, ts: first.ts });
    await sandbox.slack.remove({ channel: CHANNEL, ts: second.ts });
    await fetch(`${sandbox.env.SLACK_API_URL}chat.postMessage`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sandbox.slack.botToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ channel: CHANNEL, text: 'mine' }),
    });
    await sandbox.slack.until((slack) => slack.unacknowledged === 0);

    const told = (fits: (event: Record<string, unknown>) => boolean) => heard.find(fits);
    expect(told(({ text: said }) => said === 'psst')).toMatchObject({ channel: 'D0EVE', channel_type: 'im' });
    expect(told(({ text: said }) => said === 'reply')).toMatchObject({ thread_ts: second.ts });
    expect(told(({ message }) => (message as { text?: string })?.text === 'one more')).toMatchObject({
      subtype: 'message_changed',
      previous_message: { ts: first.ts, text: 'one' },
    });
    expect(told(({ subtype }) => subtype === 'message_deleted')).toMatchObject({ deleted_ts: first.ts });
    expect(told(({ message }) => (message as { subtype?: string })?.subtype === 'tombstone')).toMatchObject({
      subtype: 'message_changed',
      previous_message: { ts: second.ts },
    });
    expect(told(({ text: said }) => said === 'mine')).toMatchObject({
      bot_id: 'B0SIGNALBOX',
      app_id: 'A0SANDBOX',
    });
  });
});

describe('the signature', () => {
  it('is the one of the published example', () => {
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';

    expect(signatureOf('8f742231b10e8888abcd99yyyzzz85a5', 1531420618, body)).toBe(
      'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    );
  });
});

async function boltOverHttp(slack: SlackSandboxOptions = {}): Promise<{ sandbox: Sandbox; app: App }> {
  const sandbox = await startSandbox({ slack });
  stops.push(() => sandbox.stop());
  const receiver = new HTTPReceiver({ signingSecret: sandbox.slack.signingSecret, logLevel: LogLevel.ERROR });
  const app = new App({
    token: sandbox.slack.botToken,
    receiver,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: sandbox.env.SLACK_API_URL! },
  });
  const server = (await app.start({ port: 0, host: '127.0.0.1' })) as Server; // Bolt types it as either kind of server
  stops.push(() => app.stop());
  sandbox.slack.deliverTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
  return { sandbox, app };
}

/** A sandbox whose app is this function: it gives the status to answer with. */
async function sandboxFor(
  app: (request: IncomingMessage) => Promise<number | 'no-retry'>,
  options: SlackSandboxOptions = {},
): Promise<Sandbox> {
  const server = createServer(async (request, response) => {
    const status = await app(request);
    if (status === 'no-retry') response.writeHead(500, { 'x-slack-no-retry': '1' }).end();
    else response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sandbox = await startSandbox({ slack: { ...options, requestUrl: `http://127.0.0.1:${port}/` } });
  stops.push(
    () => sandbox.stop(),
    async () => {
      server.closeAllConnections();
      server.close();
    },
  );
  return sandbox;
}
