import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aCard, openSlack, type SlackFixture } from '../support/slack-gateway.ts';

const CHANNEL = 'C0GENERAL';

/** An event callback that would be a direct message of Dana's. */
function aDirectMessage(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: 'event_callback',
    team_id: 'T0SANDBOX',
    event_id: 'Ev1',
    event: {
      type: 'message',
      channel: 'D0DANA',
      channel_type: 'im',
      user: 'U0DANA',
      team: 'T0SANDBOX',
      ts: '1712345678.000100',
      text: 'hello',
      ...over,
    },
  };
}

describe('requests that claim to be from Slack', () => {
  let slack: SlackFixture;
  beforeEach(async () => {
    slack = await openSlack({ mode: 'http' });
  });
  afterEach(async () => slack.close());

  const body = JSON.stringify(aDirectMessage());

  it('are heard when rightly signed', async () => {
    const outcome = await slack.sandbox.deliverRaw({ body });

    expect(outcome).toMatchObject({ status: 200 });
    expect(slack.messages()).toHaveLength(1);
  });

  it.each([
    ['OM-191 refuses a wrong signature', { signature: `v0=${'0'.repeat(64)}` }],
    ['OM-191 refuses a request without a signature', { signature: null }],
    ['OM-191 refuses a signature of another length', { signature: 'v0=00' }],
    ['OM-192 refuses a timestamp more than five minutes old', { skewSeconds: -301 }],
    ['OM-192 refuses a timestamp more than five minutes ahead', { skewSeconds: 310 }],
    ['refuses to be told to skip the check', { signature: 'v0=00', headers: { 'x-ssl-check': '1' } }],
  ])('%s', async (_, raw) => {
    const outcome = await slack.sandbox.deliverRaw({ body, ...raw });

    expect(outcome).toMatchObject({ kind: 'answered', status: 401 });
    expect(slack.received).toEqual([]);
    expect(slack.lines.at(-1)).toMatchObject({ level: 'warn', sentence: expect.stringContaining('refused') });
  });

  it('OM-192 refuses a body that was changed after it was signed', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const signature = `v0=${createHmac('sha256', slack.sandbox.signingSecret).update(`v0:${now}:${body}`).digest('hex')}`;

    const outcome = await slack.sandbox.deliverRaw({
      body: body.replace('hello', 'hallo'),
      signature,
      headers: { 'x-slack-request-timestamp': String(now) },
    });

    expect(outcome).toMatchObject({ status: 401 });
    expect(slack.received).toEqual([]);
  });

  it('OM-192 a request that is replayed is the same message, not another', async () => {
    await slack.sandbox.deliverRaw({ body });
    await slack.sandbox.deliverRaw({ body });

    expect(slack.messages()).toHaveLength(2);
    expect(slack.messages()[0]?.id).toBe(slack.messages()[1]?.id);
  });

  it('a truthy ssl_check does not get past the signature', async () => {
    const outcome = await slack.sandbox.deliverRaw({
      body: 'ssl_check=1&payload=%7B%7D',
      contentType: 'application/x-www-form-urlencoded',
      signature: 'v0=00',
    });

    expect(outcome).toMatchObject({ status: 401 });
  });

  it('answers the handshake after its signature was checked, and only then', async () => {
    const challenge = JSON.stringify({ type: 'url_verification', challenge: 'abc' });

    const forged = await slack.sandbox.deliverRaw({ body: challenge, signature: 'v0=00' });

    expect(forged).toMatchObject({ status: 401 });
    expect(await slack.sandbox.verifyRequestUrl()).toBe(true);
  });

  it('refuses a body over the limit and goes on', async () => {
    const outcome = await slack.sandbox.deliverRaw({
      body: JSON.stringify(aDirectMessage({ text: 'x'.repeat(1_100_000) })),
    });
    const next = await slack.sandbox.deliverRaw({ body });

    expect(outcome.kind === 'failed' || (outcome.kind === 'answered' && outcome.status === 413)).toBe(true);
    expect(next).toMatchObject({ status: 200 });
  });

  it.each([
    ['broken JSON', '{"type":'],
    ['no JSON at all', 'hello'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '7'],
    ['an event that is no object', JSON.stringify({ type: 'event_callback', event: 'message' })],
    ['an event without a type', JSON.stringify({ type: 'event_callback', event: {} })],
    ['a message without a channel', JSON.stringify(aDirectMessage({ channel: undefined }))],
    ['a channel that is an object', JSON.stringify(aDirectMessage({ channel: { id: 'D0DANA' } }))],
    ['a timestamp that is none', JSON.stringify(aDirectMessage({ ts: 'yesterday' }))],
    ['a text that is a number', JSON.stringify(aDirectMessage({ text: 7 }))],
  ])('OM-185 answers %s with 4xx', async (_, malformed) => {
    const outcome = await slack.sandbox.deliverRaw({ body: malformed });

    expect(outcome).toMatchObject({ status: 400 });
    expect(slack.received).toEqual([]);
    expect(slack.lines.at(-1)?.level).toBe('warn');
  });
});

describe('who may be heard', () => {
  let slack: SlackFixture;
  afterEach(async () => slack.close());

  it('only open channels, for messages and for presses alike', async () => {
    slack = await openSlack({ settings: { allowed_channels: ['C0OPS'] } });
    const elsewhere = await slack.sandbox.say({ user: 'U0ALEX', channel: CHANNEL, text: '@signalbox hello' });
    const here = await slack.sandbox.say({ user: 'U0ALEX', channel: 'C0OPS', text: '@signalbox hello' });
    const direct = await slack.sandbox.dm({ user: 'U0ALEX', text: 'hello' });
    await Promise.all([elsewhere.acknowledged, here.acknowledged, direct.acknowledged]);

    const heard = new Set(slack.messages().map((message) => message.replyTo.route.channel));
    const card = await slack.send({
      to: { platform: slack.gateway.platform, route: { channel: CHANNEL } },
      body: { kind: 'card', card: aCard() },
    });
    await slack.sandbox.press({
      user: 'U0DANA',
      channel: CHANNEL,
      ts: card.ref.split('/')[1]!,
      actionId: 'signalbox.approve',
    });

    expect(heard).toEqual(new Set(['C0OPS', 'D0ALEX']));
    expect(slack.answers()).toEqual([]);
    await slack.sandbox.until((sandbox) => sandbox.ephemerals('U0DANA').length === 1);
  });

  it('other bots are automatic; those we listen to count as people until they have talked long enough', async () => {
    slack = await openSlack({ settings: { bots: ['B0FRIEND'], bot_turns: 2 } });
    const thread_ts = '1712345678.000100';
    const say = async (author: Record<string, unknown>, ts: string) =>
      slack.sandbox.deliverEvent({
        type: 'message',
        channel: CHANNEL,
        text: '<@U0SIGNALBOX> go on',
        ts,
        thread_ts,
        team: 'T0SANDBOX',
        ...author,
      });

    await say({ bot_id: 'B0STRANGER' }, '1712345679.000100');
    await say({ bot_id: 'B0FRIEND', user: 'U0FRIEND' }, '1712345680.000100');
    await say({ bot_id: 'B0FRIEND', user: 'U0FRIEND' }, '1712345681.000100');
    await say({ bot_id: 'B0FRIEND', user: 'U0FRIEND' }, '1712345682.000100');
    await say({ user: 'U0ALEX' }, '1712345683.000100');
    await say({ bot_id: 'B0FRIEND', user: 'U0FRIEND' }, '1712345684.000100');

    expect(slack.messages().map((message) => message.sender.automatic)).toEqual([
      true,
      false,
      false,
      true,
      false,
      false,
    ]);
  });

  it('a person of another team keeps their own team', async () => {
    slack = await openSlack();
    const event = {
      type: 'message',
      channel: CHANNEL,
      text: '<@U0SIGNALBOX> hi',
      team: 'T0OTHER',
      user_team: 'T0OTHER',
      source_team: 'T0OTHER',
      user: 'U0ALEX',
    };

    await slack.sandbox.deliverEvent({ ...event, ts: '1712345679.000100' });

    expect(slack.messages()[0]?.sender.account).toBe('slack:T0OTHER/U0ALEX');
    expect(slack.messages()[0]?.conversationId).toBe(`slack:T0SANDBOX:${CHANNEL}:1712345679.000100`);
  });
});

describe('malformed input', () => {
  let slack: SlackFixture;
  afterEach(async () => slack.close());

  const templates = [
    aDirectMessage(),
    aDirectMessage({
      subtype: 'message_changed',
      message: { user: 'U0DANA', ts: '1712345678.000100', text: 'b' },
      previous_message: { user: 'U0DANA', ts: '1712345678.000100', text: 'a' },
    }),
    {
      type: 'block_actions',
      team: { id: 'T0SANDBOX' },
      user: { id: 'U0DANA', team_id: 'T0SANDBOX' },
      container: { type: 'message', message_ts: '1712345678.000100', channel_id: CHANNEL },
      channel: { id: CHANNEL },
      message: { ts: '1712345678.000100' },
      response_url: 'https://evil.example/collect',
      actions: [
        {
          type: 'button',
          action_id: 'signalbox.approve',
          block_id: 'b',
          action_ts: '1712345679.000100',
          value: '{"approval":"apr_p7_0123456789ab","gen":1,"digest":"d"}',
        },
      ],
    },
    {
      type: 'view_submission',
      team: { id: 'T0SANDBOX' },
      user: { id: 'U0DANA', team_id: 'T0SANDBOX' },
      view: {
        id: 'V1',
        callback_id: 'signalbox.reason',
        private_metadata: '{"approval":"apr_p7_0123456789ab"}',
        state: { values: {} },
      },
    },
  ];

  /** Anything at all: not JSON, JSON of any shape, a known payload with one part replaced, very large or very deep. */
  const malformed = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
    fc.json({ maxDepth: 6 }).map((json) => Buffer.from(json)),
    fc.constantFrom(...templates).map((template) => Buffer.from(JSON.stringify(template).slice(0, -7))),
    fc
      .tuple(
        fc.constantFrom(...templates),
        fc.nat(),
        fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant('x'.repeat(100_000))),
      )
      .map(([template, position, value]) =>
        Buffer.from(JSON.stringify(withReplaced(template, position, value))),
      ),
    fc.nat({ max: 100_000 }).map((depth) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))),
    fc
      .nat({ max: 20_000 })
      .map((depth) =>
        Buffer.from(`{"type":"event_callback","event":${'{"event":'.repeat(depth)}1${'}'.repeat(depth)}}`),
      ),
  );

  it('OM-188 over http 1,000 malformed payloads cost a log line each, and nobody else notices', {
    timeout: 120_000,
  }, async () => {
    slack = await openSlack({ mode: 'http' });
    const statuses: number[] = [];
    let silent = 0;

    for (const [index, body] of fc.sample(malformed, { numRuns: 1_000, seed: 188 }).entries()) {
      const before = slack.lines.length + slack.received.length + slack.calls('chat.postEphemeral').length;
      const form = index % 3 === 0;
      const outcome = await slack.sandbox.deliverRaw({
        body: form ? new URLSearchParams({ payload: body.toString('latin1') }).toString() : body,
        contentType: form ? 'application/x-www-form-urlencoded' : 'application/json',
      });
      if (outcome.kind === 'answered') statuses.push(outcome.status);
      const after = slack.lines.length + slack.received.length + slack.calls('chat.postEphemeral').length;
      // What a mutation left intact is a message; what it made into something nobody listens to is of no interest.
      if (after === before && outcome.kind === 'answered' && outcome.status !== 200) silent++;
    }

    const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'still there?' });
    await said.acknowledged;
    expect(silent).toBe(0);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    expect(statuses.filter((status) => status === 400).length).toBeGreaterThan(700);
    expect(slack.messages().at(-1)?.text).toBe('still there?');
    expect(slack.lines.filter((line) => line.level === 'error')).toEqual([]);
  });

  it('OM-188 over a socket 1,000 malformed frames cost a log line each, and nobody else notices', {
    timeout: 120_000,
  }, async () => {
    slack = await openSlack();
    const payloads = fc.sample(malformed, { numRuns: 1_000, seed: 881 });

    for (const [index, body] of payloads.entries()) {
      const text = body.toString('latin1');
      const enveloped = `{"envelope_id":"e${index}","type":${['"events_api"', '"interactive"', '7', '"close"'][index % 4]},"payload":${text}}`;
      slack.sandbox.deliverFrame(index % 5 === 0 ? body : index % 5 === 1 ? text : enveloped);
    }
    const said = await slack.sandbox.dm({ user: 'U0ALEX', text: 'still there?' });
    await said.acknowledged;

    expect(slack.messages().at(-1)?.text).toBe('still there?');
    expect(slack.sandbox.connections).toBe(1);
    expect(slack.lines.filter((line) => line.level === 'error')).toEqual([]);
    expect(slack.lines.filter((line) => line.level === 'warn').length).toBeGreaterThan(700);
  });

  it("never answers a press at an address that is not Slack's", async () => {
    slack = await openSlack({ mode: 'http' });
    slack.sandbox.fail('chat.postEphemeral', { kind: 'error', error: 'channel_not_found' });
    slack.onReceive(async () => ({ kind: 'answered', code: 'DECIDED', notice: 'Recorded.' }));

    await slack.sandbox.deliverRaw({
      body: new URLSearchParams({
        payload: JSON.stringify({ ...templates[2], response_url: 'http://169.254.169.254/latest' }),
      }).toString(),
      contentType: 'application/x-www-form-urlencoded',
    });
    await slack.gateway.stop();

    expect(slack.answers()).toHaveLength(1);
    expect(slack.lines.at(-1)).toMatchObject({
      level: 'warn',
      sentence: expect.stringContaining('could not be told'),
    });
  });
});

/** A copy with the value at one place, counted through the tree, replaced. */
function withReplaced(template: unknown, position: number, value: unknown): unknown {
  const places = placesIn(template, []);
  const [place = []] = places.slice(position % places.length);
  return place.length === 0 ? value : replacedAt(template, place, value);
}

function placesIn(node: unknown, path: readonly string[]): (readonly string[])[] {
  if (typeof node !== 'object' || node === null) return [path];
  return [path, ...Object.entries(node).flatMap(([key, child]) => placesIn(child, [...path, key]))];
}

function replacedAt(node: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const copy = structuredClone(node) as Record<string, unknown>; // a template is made of objects and lists
  copy[key] = rest.length === 0 ? value : replacedAt(copy[key], rest, value);
  return copy;
}
