/** How the Slack gateway ends, whatever state its connection is in. */
import { afterEach, describe, expect, it } from 'vitest';
import { SLACK } from '../../gateways/slack/inbound.ts';
import { aCard, openSlack, type SlackFixture } from '../support/slack-gateway.ts';

/** A process that is told to end has better things to do than wait for Slack. */
const STOPS_WITHIN_MS = 2_000;

const GENERAL = { platform: SLACK, route: { channel: 'C0GENERAL' } };

type Way = (slack: SlackFixture) => Promise<unknown>;

const opens = (slack: SlackFixture) => slack.calls('apps.connections.open').length;
const until = (slack: SlackFixture, seen: (slack: SlackFixture) => boolean) =>
  slack.sandbox.until(() => seen(slack));

/** What Slack is made to do before the gateway is started. */
const WHILE_STARTING: [string, Way][] = [
  [
    'Slack does not say who we are',
    async (slack) => {
      slack.sandbox.fail('auth.test', { kind: 'hang' }, 1_000);
      void slack.start().catch(() => {});
      await until(slack, ({ calls }) => calls('auth.test').length > 0);
    },
  ],
  [
    'Slack does not say where to connect',
    async (slack) => {
      slack.sandbox.fail('apps.connections.open', { kind: 'hang' }, 1_000);
      void slack.start().catch(() => {});
      await until(slack, (all) => opens(all) > 0);
    },
  ],
  [
    'Slack refuses to say where to connect, for now',
    async (slack) => {
      slack.sandbox.fail('apps.connections.open', { kind: 'rate-limited', retryAfterSeconds: 60 }, 1_000);
      void slack.start().catch(() => {});
      await until(slack, (all) => opens(all) > 0);
    },
  ],
  [
    'the socket is not opened',
    async (slack) => {
      slack.sandbox.silence('upgrade');
      void slack.start().catch(() => {});
      await until(slack, ({ sandbox }) => sandbox.stalledConnections > 0);
    },
  ],
  [
    'nobody says hello on the socket',
    async (slack) => {
      slack.sandbox.silence('hello');
      void slack.start().catch(() => {});
      await until(slack, ({ sandbox }) => sandbox.stalledConnections > 0);
    },
  ],
];

/** What happens to a gateway that was connected. */
const ONCE_CONNECTED: [string, Way][] = [
  ['all is well', async () => {}],
  ['Slack has gone silent', async (slack) => slack.sandbox.silence('farewell')],
  [
    'Slack asked for another socket and went silent',
    async (slack) => {
      slack.sandbox.disconnect();
      slack.sandbox.silence('farewell');
    },
  ],
  [
    'Slack does not take what somebody is to be told',
    async (slack) => {
      slack.sandbox.fail('chat.postEphemeral', { kind: 'hang' }, 1_000);
      slack.onReceive(async () => ({ kind: 'answered', code: 'DECIDED', notice: 'Approved.' }));
      await slack.send({ to: GENERAL, body: { kind: 'card', card: aCard() } });
      const ts = slack.sandbox.messages('C0GENERAL')[0]?.ts ?? '';
      await slack.sandbox.press({ user: 'U0DANA', channel: 'C0GENERAL', ts, actionId: 'signalbox.approve' });
      await until(slack, ({ calls }) => calls('chat.postEphemeral').length > 0);
    },
  ],
  ['the socket was just cut', async (slack) => slack.sandbox.dropConnections()],
  [
    'the socket was cut, and Slack does not say where to connect',
    async (slack) => {
      slack.sandbox.fail('apps.connections.open', { kind: 'hang' }, 1_000);
      slack.sandbox.dropConnections();
      await until(slack, (all) => opens(all) > 1);
    },
  ],
  [
    'the socket was cut, and Slack cannot be asked where to connect',
    async (slack) => {
      slack.sandbox.fail('apps.connections.open', { kind: 'status', status: 503 }, 1_000);
      slack.sandbox.dropConnections();
      await until(slack, (all) => opens(all) > 1);
    },
  ],
  [
    'the socket was cut, and Slack wants to be left alone for a minute',
    async (slack) => {
      slack.sandbox.fail('apps.connections.open', { kind: 'rate-limited', retryAfterSeconds: 60 }, 1_000);
      slack.sandbox.dropConnections();
      await until(slack, (all) => opens(all) > 1);
    },
  ],
  [
    'the socket was cut, and the next is not opened',
    async (slack) => {
      slack.sandbox.silence('upgrade');
      slack.sandbox.dropConnections();
      await until(slack, ({ sandbox }) => sandbox.stalledConnections > 0);
    },
  ],
  [
    'the socket was cut, and nobody says hello on the next',
    async (slack) => {
      slack.sandbox.silence('hello');
      slack.sandbox.dropConnections();
      await until(slack, ({ sandbox }) => sandbox.stalledConnections > 0);
    },
  ],
];

describe('the end of the Slack gateway', () => {
  let slack: SlackFixture;
  afterEach(async () => slack.close());

  it.each([
    ...WHILE_STARTING.map(([when, reach]) => ({ when: `starting, and ${when}`, started: false, reach })),
    ...ONCE_CONNECTED.map(([when, reach]) => ({ when: `connected, and ${when}`, started: true, reach })),
  ])('OM-010 comes soon when it was $when', async ({ started, reach }) => {
    slack = await openSlack({ started, timing: { reconnectAfterMs: 60_000, reconnectAtMostMs: 60_000 } });
    await reach(slack);

    const began = performance.now();
    await slack.gateway.stop();
    const tookMs = performance.now() - began;

    expect(tookMs).toBeLessThan(STOPS_WITHIN_MS);
    slack.sandbox.heal(); // hears again, and so learns who has left
    await until(slack, ({ sandbox }) => sandbox.connections === 0 && sandbox.stalledConnections === 0);
  });
});
