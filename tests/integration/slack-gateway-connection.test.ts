import { afterEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../src/domain/errors.ts';
import { MemoryBookmarks } from '../support/email.ts';
import { openSlack, type SlackFixture } from '../support/slack-gateway.ts';

describe('the connection to Slack', () => {
  let slack: SlackFixture;
  afterEach(async () => slack.close());

  it.each(['refreshed', 'cut'] as const)(
    'comes back when the socket is %s, and misses nothing',
    async (how) => {
      slack = await openSlack();

      if (how === 'refreshed') slack.sandbox.disconnect();
      else slack.sandbox.dropConnections();
      const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'still there?' });
      await said.acknowledged;

      expect(slack.messages().at(-1)?.text).toBe('still there?');
      expect(slack.sandbox.connections).toBe(1);
    },
  );

  it('comes back when Slack is away for a while', async () => {
    slack = await openSlack();
    slack.sandbox.fail('apps.connections.open', { kind: 'status', status: 503 }, 3);

    slack.sandbox.dropConnections();
    const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'still there?' });
    await said.acknowledged;

    expect(slack.calls('apps.connections.open').length).toBeGreaterThanOrEqual(5);
    expect(slack.messages().at(-1)?.text).toBe('still there?');
  });

  it('gives up a socket on which nobody says hello, and opens another', async () => {
    slack = await openSlack({ timing: { openWithinMs: 200 } });
    slack.sandbox.silence('hello');

    slack.sandbox.dropConnections();
    await slack.sandbox.until(({ stalledConnections }) => stalledConnections > 0);
    slack.sandbox.heal();
    const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'still there?' });
    await said.acknowledged;

    expect(slack.messages().at(-1)?.text).toBe('still there?');
    await slack.sandbox.until(
      ({ connections, stalledConnections }) => connections === 1 && stalledConnections === 0,
    );
  });

  it('asks for a socket again no sooner than Slack said', async () => {
    slack = await openSlack();
    slack.sandbox.fail('apps.connections.open', { kind: 'rate-limited', retryAfterSeconds: 1 });

    const droppedAt = performance.now();
    slack.sandbox.dropConnections();
    await slack.sandbox.until(
      ({ connections }) => connections === 1 && slack.calls('apps.connections.open').length === 3,
    );

    expect(performance.now() - droppedAt).toBeGreaterThanOrEqual(1_000);
  });

  it('starts once Slack answers', async () => {
    slack = await openSlack({ started: false });
    slack.sandbox.fail('auth.test', { kind: 'status', status: 503 }, 2);
    slack.sandbox.fail('apps.connections.open', { kind: 'rate-limited', retryAfterSeconds: 1 });

    await slack.gateway.start(async () => ({ kind: 'stored' }));

    expect(slack.sandbox.connections).toBe(1);
  });

  it.each([
    ['bot token', { bot_token: 'xoxb-wrong' }],
    ['app token', { app_token: 'xapp-wrong' }],
  ])('a wrong %s is a clear error at start', async (_, settings) => {
    slack = await openSlack({ started: false, settings });

    const starting = slack.gateway.start(async () => ({ kind: 'stored' }));

    await expect(starting).rejects.toThrow(StartupError);
    await expect(starting).rejects.toThrow('invalid_auth');
  });

  it('a missing token is a clear error at start', async () => {
    slack = await openSlack({ started: false, settings: { app_token: undefined } });

    await expect(slack.gateway.start(async () => ({ kind: 'stored' }))).rejects.toThrow('app_token');
  });

  it('stops while it is still trying to start', async () => {
    slack = await openSlack({ started: false });
    slack.sandbox.fail('auth.test', { kind: 'status', status: 503 }, 1_000);

    const starting = slack.gateway.start(async () => ({ kind: 'stored' }));
    await slack.sandbox.until((sandbox) => sandbox.calls.length > 0);
    await slack.gateway.stop();

    await expect(starting).rejects.toThrow();
  });

  it.each(['socket', 'http'] as const)(
    'OM-010 over %s, stopping waits for what was taken and takes nothing more',
    async (mode) => {
      slack = await openSlack({ mode });
      let store = () => {};
      const handedOver = new Promise<void>((resolve) => {
        slack.onReceive(async () => {
          resolve();
          await new Promise<void>((release) => {
            store = release;
          });
          return { kind: 'stored' };
        });
      });
      const first = await slack.sandbox.dm({ user: 'U0ALEX', text: 'first' });
      await handedOver;

      const stopping = slack.gateway.stop();
      const second = await slack.sandbox.dm({ user: 'U0ALEX', text: 'second' });
      second.acknowledged.catch(() => {});
      store();
      await first.acknowledged;
      await stopping;
      await slack.gateway.stop();

      expect(slack.messages().map((message) => message.text)).toEqual(['first']);
      expect(slack.sandbox.unacknowledged).toBe(1);
      await slack.sandbox.until((sandbox) => sandbox.connections === 0);
    },
  );

  it('starts again after it was stopped', async () => {
    slack = await openSlack();
    await slack.gateway.stop();

    await slack.gateway.start(async (inbound) => {
      slack.received.push(inbound);
      return { kind: 'stored' };
    });
    const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'hello again' });
    await said.acknowledged;

    expect(slack.messages().at(-1)?.text).toBe('hello again');
  });

  it('answers in time when storing does not, and takes the late one as the same message', async () => {
    slack = await openSlack({ mode: 'http', timing: { storeWithinMs: 50 } });
    slack.onReceive(() => {
      slack.onReceive(async () => ({ kind: 'duplicate' }));
      return new Promise(() => {}); // never comes back
    });

    const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'hello' });
    await said.acknowledged;

    expect(slack.sandbox.deliveries.map((delivery) => delivery.status)).toEqual([503, 200]);
    expect(slack.messages()[0]?.id).toBe(slack.messages()[1]?.id);
  });
});

describe('checking Slack', () => {
  let slack: SlackFixture;
  afterEach(async () => slack.close());

  it('says what works', async () => {
    slack = await openSlack({ started: false });

    const findings = await slack.gateway.check();

    expect(findings.map(({ subject, status }) => [subject, status])).toEqual([
      ['Slack bot token', 'works'],
      ['Slack scopes', 'works'],
      ['Slack Socket Mode', 'works'],
    ]);
  });

  it('says which token is wrong and where to get another', async () => {
    slack = await openSlack({
      started: false,
      settings: { bot_token: 'xoxb-wrong', app_token: 'xapp-wrong' },
    });

    const findings = await slack.gateway.check();

    expect(findings).toMatchObject([
      { subject: 'Slack bot token', status: 'failed', remedy: expect.stringContaining('SLACK_BOT_TOKEN') },
      {
        subject: 'Slack Socket Mode',
        status: 'failed',
        remedy: expect.stringContaining('connections:write'),
      },
    ]);
  });

  it('says what is missing', async () => {
    slack = await openSlack({
      started: false,
      settings: { mode: 'http', bot_token: undefined, signing_secret: undefined },
    });

    const findings = await slack.gateway.check();

    expect(findings.map(({ subject, status }) => [subject, status])).toEqual([
      ['Slack bot token', 'missing'],
      ['Slack signing secret', 'missing'],
    ]);
    for (const { remedy } of findings) expect(remedy).toBeTruthy();
  });

  describe('over HTTP', () => {
    const requests = async () =>
      (await slack.gateway.check()).find(({ subject }) => subject === 'Slack requests');

    it('says that nothing has come yet, and how to see something come', async () => {
      slack = await openSlack({ mode: 'http' });

      expect(await requests()).toMatchObject({
        status: 'missing',
        detail: expect.stringContaining('/slack/events yet'),
        remedy: expect.stringMatching(/Request URL.*@signalbox hello.*signalbox check` again/),
      });
    });

    it('says when Slack was there last, whichever process it reached', async () => {
      const bookmarks = new MemoryBookmarks();
      const at = Date.parse('2026-05-01T12:00:00.000Z');
      slack = await openSlack({
        mode: 'http',
        bookmarks,
        clock: { now: () => at },
        sandboxClock: { now: () => at },
      });
      await (await slack.sandbox.dm({ user: 'U0ALEX', text: 'hello' })).acknowledged;
      await slack.close();

      slack = await openSlack({ mode: 'http', bookmarks, started: false });

      expect(await requests()).toMatchObject({
        status: 'works',
        detail: expect.stringContaining('2026-05-01T12:00:00.000Z'),
      });
    });

    it('does not take a forged request for Slack', async () => {
      slack = await openSlack({
        mode: 'http',
        settings: { signing_secret: 'another secret than that of Slack' },
      });

      await slack.sandbox.dm({ user: 'U0ALEX', text: 'hello' });
      await slack.sandbox.until(({ deliveries }) => deliveries.some(({ status }) => status === 401));
      expect(await requests()).toMatchObject({ status: 'missing' });
    });

    it('answers Slack though it cannot be noted, and says that it is not known', async () => {
      const away = async () => Promise.reject(new Error('the store is away'));
      slack = await openSlack({ mode: 'http', bookmarks: { read: away, write: away } });

      await (await slack.sandbox.dm({ user: 'U0ALEX', text: 'hello' })).acknowledged;

      expect(slack.messages()).toHaveLength(1);
      expect(await requests()).toMatchObject({
        status: 'failed',
        detail: expect.stringContaining('the store is away'),
      });
    });
  });

  it('says that Slack cannot be reached', async () => {
    slack = await openSlack({ started: false, settings: { api_url: 'http://127.0.0.1:9/api/' } });

    const findings = await slack.gateway.check();

    expect(findings[0]).toMatchObject({
      status: 'failed',
      remedy: expect.stringContaining('can reach Slack'),
    });
  });
});
