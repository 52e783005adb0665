import { App, LogLevel } from '@slack/bolt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, BOT, DANA } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

const CHANNEL = 'C0GENERAL';

let sandbox: Sandbox;
let app: App;
let heard: { type: string; event: Record<string, unknown>; eventId: string }[];

beforeEach(async () => {
  sandbox = await startSandbox();
  heard = [];
  app = boltOn(sandbox);
});

afterEach(async () => {
  await app.stop();
  await sandbox.stop();
});

describe('Bolt in Socket Mode', () => {
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

function boltOn({ env }: Sandbox): App {
  return new App({
    token: env.SLACK_BOT_TOKEN!,
    appToken: env.SLACK_APP_TOKEN!,
    socketMode: true,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: env.SLACK_API_URL! },
  });
}
