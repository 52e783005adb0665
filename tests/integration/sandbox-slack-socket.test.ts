import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, LogLevel } from '@slack/bolt';
import { LogLevel as SocketLogLevel, SocketModeClient } from '@slack/socket-mode';
import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ALEX, BOT, DANA } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

const CHANNEL = 'C0GENERAL';

let sandbox: Sandbox;
let app: App;
let heard: { type: string; event: Record<string, unknown>; eventId: string }[];

beforeEach(async () => {
  sandbox = await startSandbox();
});

afterEach(async () => {
  await sandbox.stop();
});

describe('Bolt in Socket Mode', () => {
  beforeEach(() => {
    heard = [];
    app = boltOn(sandbox);
  });

  afterEach(async () => {
    await app.stop();
  });

  it('hears a mention as message and as app_mention, and answers in its thread', async () => {
    app.event('app_mention', async ({ event, say }) => {
      heard.push({ type: event.type, event: { ...event }, eventId: '' });
      await say({ text: 'Hello', thread_ts: event.ts });
    });
    app.message(async ({ message }) => {
      heard.push({ type: message.type, event: { ...message }, eventId: '' });
    });
    await app.start();

    const { ts, acknowledged } = await sandbox.slack.say({
      user: ALEX.slackUser,
      channel: CHANNEL,
      text: '@signalbox hi',
    });
    const reply = await sandbox.slack.until((slack) =>
      slack.thread(CHANNEL, ts).find(({ text }) => text === 'Hello'),
    );
    await acknowledged;

    expect(reply).toMatchObject({ user: BOT.user, thread_ts: ts });
    expect(heard.map(({ type }) => type).sort()).toEqual(['app_mention', 'message']);
    expect(heard.every(({ event }) => event.ts === ts && event.text === `<@${BOT.user}> hi`)).toBe(true);
  });

  it('carries a button press, opens a modal with its trigger and takes the submission', async () => {
    app.action('deny-with-reason', async ({ ack, body, client }) => {
      await ack();
      if (body.type !== 'block_actions') throw new Error('not a button');
      await client.views.open({
        trigger_id: body.trigger_id,
        view: {
          type: 'modal',
          callback_id: 'reason',
          title: { type: 'plain_text', text: 'Deny' },
          submit: { type: 'plain_text', text: 'Deny' },
          blocks: [
            {
              type: 'input',
              block_id: 'why',
              label: { type: 'plain_text', text: 'Why?' },
              element: { type: 'plain_text_input', action_id: 'text' },
            },
          ],
        },
      });
    });
    const reasons: unknown[] = [];
    app.view('reason', async ({ ack, view }) => {
      reasons.push(view.state.values.why?.text?.value);
      await ack();
    });
    await app.start();
    const { ts } = await app.client.chat.postMessage({
      channel: CHANNEL,
      text: 'Refund?',
      blocks: [
        {
          type: 'actions',
          elements: [
            {
              type: 'button',
              action_id: 'deny-with-reason',
              text: { type: 'plain_text', text: 'Deny' },
              value: 'v',
            },
          ],
        },
      ],
    });

    const press = { user: DANA.slackUser, channel: CHANNEL, ts: ts!, actionId: 'deny-with-reason' };
    const pressed = await sandbox.slack.press(press);
    await sandbox.slack.until((slack) => slack.views(DANA.slackUser).length === 1);
    const submitted = await sandbox.slack.submitView({ user: DANA.slackUser, values: { why: 'too much' } });

    expect(pressed.kind).toBe('acknowledged');
    expect(submitted).toEqual({ kind: 'closed' });
    expect(reasons).toEqual(['too much']);
    expect(sandbox.slack.views(DANA.slackUser)).toEqual([]);
  });
});

describe('Socket Mode', () => {
  it('delivers again, with number and reason, what was not acknowledged in time', async () => {
    const hasty = await startSandbox({ slack: { ackTimeoutMs: 20, retryDelaysMs: [0, 0] } });
    const seen: { id: string; retry: number | undefined; reason: string | undefined }[] = [];
    const client = await connect(hasty, async ({ body, ack, retry_num: retry, retry_reason: reason }) => {
      seen.push({ id: body.event_id, retry, reason });
      if (seen.length === 3) await ack();
    });

    const { acknowledged } = await hasty.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'hi' });
    await acknowledged;

    expect(seen.map(({ retry, reason }) => [retry, reason])).toEqual([
      [0, ''],
      [1, 'timeout'],
      [2, 'timeout'],
    ]);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
    await client.disconnect();
    await hasty.stop();
  });

  it('delivers what a lost connection had not acknowledged over the next one', async () => {
    let arrived = () => {};
    const delivered = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await connect(sandbox, async () => arrived(), { autoReconnectEnabled: false });
    const { acknowledged } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'hi' });
    await delivered;

    sandbox.slack.dropConnections();
    await sandbox.slack.until(({ connections }) => connections === 0);
    const second = await connect(sandbox, async ({ ack }) => ack());
    await acknowledged;

    expect(sandbox.slack.deliveries.map(({ outcome }) => outcome)).toEqual([
      'connection_failed',
      'acknowledged',
    ]);
    await second.disconnect();
  });

  it('keeps events until somebody connects, also across a kill of the sandbox', async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'sandbox-'));
    const first = await startSandbox({ dataDir });
    const { ts } = await first.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'are you there' });
    await first.stop();

    const second = await startSandbox({ dataDir });
    const texts: string[] = [];
    const client = await connect(second, async ({ body, ack }) => {
      texts.push(body.event.text);
      await ack();
    });
    await second.slack.until((slack) => slack.unacknowledged === 0);
    await second.stop();
    const third = await startSandbox({ dataDir });

    expect(texts).toEqual(['are you there']);
    expect(second.url).toBe(first.url);
    expect(third.slack.unacknowledged).toBe(0);
    expect(third.slack.message(CHANNEL, ts)).toMatchObject({ text: 'are you there' });
    await client.disconnect();
    await third.stop();
    rmSync(dataDir, { recursive: true });
  });

  it('gives each event to one of several connections, and refuses an eleventh', async () => {
    const counts = new Map<number, number>();
    const clients = [];
    for (let n = 0; n < 10; n++) {
      clients.push(
        await connect(sandbox, async ({ ack }) => {
          counts.set(n, (counts.get(n) ?? 0) + 1);
          await ack();
        }),
      );
    }
    const eleventh = await openSocket(sandbox);
    const [refusal] = await once(eleventh, 'message');
    for (let n = 0; n < 20; n++)
      await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: `${n}` });
    await sandbox.slack.until((slack) => slack.unacknowledged === 0);

    expect(JSON.parse(String(refusal))).toMatchObject({ type: 'disconnect', reason: 'too_many_websockets' });
    expect([...counts.values()]).toEqual(Array(10).fill(2));
    for (const client of clients) await client.disconnect();
  });

  it('opens one connection per ticket', async () => {
    const socket = await openSocket(sandbox);
    await once(socket, 'message');

    const again = new WebSocket(socket.url);
    const [error] = await once(again, 'error');

    expect(String(error)).toContain('403');
    socket.terminate();
  });

  it('has real clients come back when it asks for a refresh', async () => {
    const client = await connect(sandbox, async ({ ack }) => ack(), { clientPingTimeout: 20 });

    sandbox.slack.disconnect();
    await sandbox.slack.until(({ connections }) => connections === 0);
    await sandbox.slack.until(({ connections }) => connections === 1);
    const { acknowledged } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'hi' });

    await expect(acknowledged).resolves.toBeUndefined();
    await client.disconnect();
  });

  it('shrugs off frames it cannot read', async () => {
    const socket = await openSocket(sandbox);
    await once(socket, 'message');

    for (const frame of ['', 'null', '{', '[]', '{"envelope_id":7}', '{"envelope_id":"nobody"}'])
      socket.send(frame);
    const pong = once(socket, 'pong');
    socket.ping();

    await expect(pong).resolves.toBeDefined();
    expect(sandbox.slack.connections).toBe(1);
    socket.terminate();
  });

  it('tells a person at once that nobody is there to take a button press', async () => {
    const { ts } = await postButtons(sandbox);

    const outcome = await sandbox.slack.press({ user: DANA.slackUser, channel: CHANNEL, ts, actionId: 'go' });

    expect(outcome).toEqual({ kind: 'failed', reason: 'no_connection' });
  });
});

interface Delivered {
  // The client types what it emits as any; these are the fields the tests read.
  readonly body: { event_id: string; event: { text: string } };
  readonly retry_num: number | undefined;
  readonly retry_reason: string | undefined;
  ack(): Promise<void>;
}

async function connect(
  { env }: Sandbox,
  onEvent: (delivered: Delivered) => Promise<void>,
  options: { autoReconnectEnabled?: boolean; clientPingTimeout?: number } = {},
): Promise<SocketModeClient> {
  const client = new SocketModeClient({
    appToken: env.SLACK_APP_TOKEN!,
    logLevel: SocketLogLevel.ERROR,
    clientOptions: { slackApiUrl: env.SLACK_API_URL! },
    ...options,
  });
  client.on('slack_event', onEvent);
  await client.start();
  return client;
}

async function openSocket({ env }: Sandbox): Promise<WebSocket> {
  const web = new WebClient(env.SLACK_APP_TOKEN!, { slackApiUrl: env.SLACK_API_URL! });
  const { url } = await web.apps.connections.open();
  return new WebSocket(url!);
}

async function postButtons({ env }: Sandbox): Promise<{ ts: string }> {
  const web = new WebClient(env.SLACK_BOT_TOKEN!, { slackApiUrl: env.SLACK_API_URL! });
  const button = {
    type: 'button' as const,
    action_id: 'go',
    text: { type: 'plain_text' as const, text: 'Go' },
  };
  const { ts } = await web.chat.postMessage({
    channel: CHANNEL,
    text: 'Go?',
    blocks: [{ type: 'actions', elements: [button] }],
  });
  return { ts: ts! };
}

function boltOn({ env }: Sandbox): App {
  return new App({
    token: env.SLACK_BOT_TOKEN!,
    appToken: env.SLACK_APP_TOKEN!,
    socketMode: true,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: env.SLACK_API_URL! },
  });
}
