/** `/signalbox`: taken, stored, acknowledged, and answered for whoever typed it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccountId } from '../../src/domain/ids.ts';
import type { Address, Receipt } from '../../src/domain/message.ts';
import { RESPONSE_URL_LIFETIME_MS, RESPONSE_URL_USES } from '../../src/sandbox/slack/limits.ts';
import { aCard, openSlack, type SlackFixture, type SlackFixtureOptions } from '../support/slack-gateway.ts';

const GENERAL = 'C0GENERAL';
/** The bot is no member there. */
const LOUNGE = 'C0LOUNGE';

let slack: SlackFixture;
afterEach(async () => slack.close());

const type = (text: string, { user = 'U0ALEX', channel = GENERAL } = {}) =>
  slack.sandbox.command({ user, channel, command: '/signalbox', text });

/** Alex types a command; resolves with where the answer belongs. */
async function asked(text = 'status', channel = GENERAL): Promise<Address> {
  const outcome = await type(text, { channel });
  expect(outcome.kind).toBe('acknowledged');
  return slack.messages().at(-1)!.replyTo;
}

const say = (to: Address, markdown: string) => slack.send({ to, body: { kind: 'text', markdown } });
const seenBy = (user: string) => slack.sandbox.ephemerals(user).map(({ text }) => text);
const everybodySees = () => slack.sandbox.messages(GENERAL).map(({ text }) => text);

describe.each(['socket', 'http'] as const)('the command /signalbox over %s', (mode) => {
  beforeEach(async () => {
    slack = await openSlack({ mode, sandbox: { ackTimeoutMs: 500 } });
  });

  it('OB-010 OM-050 is handed over as what it says, and answered for whoever typed it alone', async () => {
    const to = await asked('approvals');

    await say(to, '**Nothing** waits for you.');

    expect(slack.messages()[0]).toMatchObject({
      conversationId: `slack:T0SANDBOX:${GENERAL}:command:U0ALEX`,
      sender: { account: 'slack:T0SANDBOX/U0ALEX', authenticated: true, automatic: false },
      text: '/approvals',
      addressedToBot: true,
    });
    expect(seenBy('U0ALEX')).toEqual(['*Nothing* waits for you.']);
    expect(seenBy('U0DANA')).toEqual([]);
    expect(everybodySees()).toEqual([]);
  });

  it('shows a question to whoever asked it, with word that it is worked on', async () => {
    await type('ask refund <order> *7* @here');

    expect(seenBy('U0ALEX')).toEqual([expect.stringContaining('Working on it')]);
    expect(seenBy('U0ALEX')[0]).toContain('refund &lt;order&gt; *7* @here');
    expect(slack.sandbox.pings).toEqual([]);
  });

  it('is acknowledged only once it is stored', async () => {
    let store = (_: Receipt) => {};
    const handedOver = new Promise<void>((resolve) => {
      slack.onReceive(async () => {
        resolve();
        return new Promise((stored) => {
          store = stored;
        });
      });
    });

    const typed = type('ask refund order 7');
    await handedOver;
    slack.onReceive(async () => ({ kind: 'stored' }));
    await (await slack.sandbox.dm({ user: 'U0DANA', text: 'meanwhile' })).acknowledged;
    const acknowledged = slack.sandbox.deliveries.map(({ what }) => what);
    store({ kind: 'stored' });

    expect(acknowledged).toEqual(['message']);
    expect((await typed).kind).toBe('acknowledged');
  });

  it('that could not be stored is shown as failed, and the person is asked to type it again', async () => {
    slack.onReceive(async () => {
      throw new Error('the store is away');
    });

    const outcome = await type('ask refund order 7');
    await slack.sandbox.until(() => seenBy('U0ALEX').length > 0);

    expect(outcome).toEqual({ kind: 'failed', reason: mode === 'http' ? 'http_error' : 'timeout' });
    expect(seenBy('U0ALEX')).toEqual([
      expect.stringMatching(/not recorded.*Look at `\/signalbox status` before you type it again/),
    ]);
  });

  it('that was turned away says so, and a repetition says nothing', async () => {
    slack.onReceive(async () => ({ kind: 'ignored', reason: 'may-not-ask' }));
    await type('ask refund order 7');
    slack.onReceive(async () => ({ kind: 'duplicate' }));
    await type('ask refund order 7');

    expect(seenBy('U0ALEX')).toEqual(['Nothing was done: may not ask.']);
  });

  it('that was turned away says nothing of it where a message of its own does', async () => {
    slack.onReceive(async () => ({ kind: 'ignored', reason: 'may-not-ask', told: true }));
    await type('ask refund order 7');

    expect(seenBy('U0ALEX')).toEqual([]);
  });
});

describe('a command that is not stored in time', () => {
  /** Resolves what the core was asked last. */
  let settle: { resolve(receipt: Receipt): void; reject(error: Error): void };
  beforeEach(async () => {
    slack = await openSlack({ mode: 'http', timing: { storeWithinMs: 20 } });
    slack.onReceive(
      () =>
        new Promise<Receipt>((resolve, reject) => {
          settle = { resolve, reject };
        }),
    );
  });
  const toldLater = async (pattern: RegExp) =>
    slack.sandbox.until(() => seenBy('U0ALEX').find((text) => pattern.test(text)));

  it('is not called unrecorded: who typed it is told not to type it again, and that it is recorded once it is', async () => {
    const outcome = await type('ask refund order 7');
    const atFirst = seenBy('U0ALEX');
    settle.resolve({ kind: 'stored' });

    expect(outcome.kind).toBe('acknowledged');
    expect(atFirst).toEqual([
      expect.stringMatching(/cannot tell yet.*do not type it again.*signalbox status/),
    ]);
    expect(atFirst.join()).not.toContain('not recorded');
    expect(await toldLater(/is recorded/)).toMatch(/> refund order 7\n\nWorking on it …/);
  });

  it('is called unrecorded once the store has said so', async () => {
    await type('ask refund order 7');
    settle.reject(new Error('the store refused it'));

    expect(await toldLater(/not recorded/)).toContain('before you type it again');
  });

  it('and is turned away then says so', async () => {
    await type('ask refund order 7');
    settle.resolve({ kind: 'ignored', reason: 'may-not-ask' });

    expect(await toldLater(/Nothing was done/)).toBe('Nothing was done: may not ask.');
  });

  it('does not keep the gateway from stopping', async () => {
    await type('ask refund order 7');

    await slack.gateway.stop();

    expect(slack.lines.map(({ sentence }) => sentence)).toContain(
      'people could not be told in time what came of what they did',
    );
  });
});

describe('a command', () => {
  const open = async (options: SlackFixtureOptions = {}) => {
    slack = await openSlack({ mode: 'http', ...options });
  };

  it.each([
    ['OM-191 with a wrong signature is refused', { signature: `v0=${'0'.repeat(64)}` }],
    ['OM-192 of six minutes ago is refused', { skewSeconds: -360 }],
  ])('%s', async (_, raw) => {
    await open();

    const outcome = await slack.sandbox.deliverRaw({ ...form(), ...raw });

    expect(outcome).toMatchObject({ kind: 'answered', status: 401 });
    expect(slack.received).toEqual([]);
  });

  it('OM-192 that is replayed is the same message', async () => {
    await open();

    await slack.sandbox.deliverRaw(form());
    await slack.sandbox.deliverRaw(form());

    expect(new Set(slack.messages().map(({ id }) => id)).size).toBe(1);
  });

  it.each(['user_id', 'channel_id', 'team_id', 'trigger_id'])(
    'OM-185 without %s is answered with 4xx',
    async (field) => {
      await open();

      const outcome = await slack.sandbox.deliverRaw(form({ [field]: '' }));

      expect(outcome).toMatchObject({ status: 400 });
      expect(slack.received).toEqual([]);
    },
  );

  it('sends nothing to an address that is not one of Slack', async () => {
    await open();
    await slack.sandbox.deliverRaw(form({ response_url: 'http://127.0.0.1:9/elsewhere' }));

    await say(slack.messages()[0]!.replyTo, 'for you');

    expect(slack.calls('chat.postEphemeral')).toMatchObject([{ channel: GENERAL, user: 'U0ALEX' }]);
  });

  it('in a channel that is not open does nothing, and says so', async () => {
    await open({ settings: { allowed_channels: ['C0OPS'] } });

    await type('ask refund order 7');

    expect(slack.received).toEqual([]);
    expect(seenBy('U0ALEX')).toEqual([expect.stringContaining('do not listen in this channel')]);
  });

  it('is answered where the bot is no member', async () => {
    await open();

    await say(await asked('status', LOUNGE), 'All quiet.');

    expect(slack.sandbox.ephemerals('U0ALEX')).toMatchObject([{ channel: LOUNGE, text: 'All quiet.' }]);
  });

  it('in direct messages with the bot is answered by messages that stay', async () => {
    await open();

    await say(await asked('status', 'D0ALEX'), 'All quiet.');

    expect(slack.sandbox.messages('D0ALEX').map(({ text }) => text)).toEqual(['All quiet.']);
  });

  it.each([
    ['used up', async (to: Address) => useUp(to)],
    [
      'too old',
      async () => {
        nowMs += RESPONSE_URL_LIFETIME_MS + 1;
      },
    ],
  ])('is still answered in its channel when its address is %s', async (_, spoil) => {
    nowMs = Date.now();
    await open({ sandboxClock: { now: () => nowMs } });
    const to = await asked();

    await spoil(to);
    await say(to, 'at last');

    expect(seenBy('U0ALEX').at(-1)).toBe('at last');
    expect(slack.calls('chat.postEphemeral')).toHaveLength(1);
  });

  it('is answered in direct messages when the address is used up and the bot is no member', async () => {
    await open();
    const to = await asked('status', LOUNGE);

    await useUp(to);
    await say(to, 'at last');

    expect(slack.sandbox.messages('D0ALEX').map(({ text }) => text)).toEqual(['at last']);
  });

  it('is answered whole when the answer is long', async () => {
    await open();
    const long = Array.from({ length: 400 }, (_, line) => `Line ${line}: ${'x'.repeat(80)}`).join('\n\n');

    await say(await asked(), long);

    const seen = seenBy('U0ALEX');
    expect(seen.length).toBeGreaterThan(RESPONSE_URL_USES);
    expect(seen.join('\n\n')).toBe(long);
  });

  it('puts a card, which has to be brought up to date, and files into direct messages', async () => {
    await open();
    const to = await asked('ask refund order 7');
    const { ref } = await slack.send({ to, body: { kind: 'card', card: aCard() } });
    await slack.send({
      to,
      body: { kind: 'card', card: aCard({ title: 'refund: done' }), replaces: ref },
    });
    await slack.send({
      to,
      body: {
        kind: 'text',
        markdown: 'Here it is.',
        files: [{ name: 'a.txt', mediaType: 'text/plain', base64: Buffer.from('hello').toString('base64') }],
      },
    });

    const [card, answer, file] = slack.sandbox.messages('D0ALEX');
    expect(JSON.stringify(card?.blocks)).toContain('refund: done');
    expect(answer?.text).toBe('Here it is.');
    expect(file?.files).toMatchObject([{ name: 'a.txt' }]);
    expect(seenBy('U0ALEX').at(-1)).toContain('direct messages');
    expect(everybodySees()).toEqual([]);
  });

  it('shows no progress that could not be edited into the answer', async () => {
    await open();
    const to = await asked('ask refund order 7');
    const before = slack.sandbox.calls.length;

    const ref = await slack.gateway.progress.show(
      { to, key: 'k', markdown: 'Working' },
      new AbortController().signal,
    );
    await slack.send({ to, body: { kind: 'text', markdown: 'Done.', replaces: ref } });

    expect(slack.sandbox.calls.length).toBe(before);
    expect(seenBy('U0ALEX').at(-1)).toBe('Done.');
  });

  it('is told in words that can be typed in Slack', async () => {
    await open();
    const to = await asked();

    await slack.send({
      to,
      body: { kind: 'notice', markdown: '`/approvals` lists them.', onlyFor: account('U0ALEX') },
    });

    expect(seenBy('U0ALEX')).toEqual(['`/signalbox approvals` lists them.']);
  });

  it('does not tell whoever typed it what is for somebody else', async () => {
    await open();
    const to = await asked();

    await slack.send({ to, body: { kind: 'notice', markdown: 'secret', onlyFor: account('U0DANA') } });

    expect(seenBy('U0ALEX')).toEqual([]);
    expect(seenBy('U0DANA')).toEqual(['secret']);
  });
});

let nowMs = 0;

function account(user: string): AccountId {
  return AccountId.parse(`slack:T0SANDBOX/${user}`);
}

async function useUp(to: Address): Promise<void> {
  for (let use = 0; use < RESPONSE_URL_USES; use++) await say(to, `answer ${use}`);
}

/** A command as Slack posts it. */
function form(over: Record<string, string> = {}): { body: string; contentType: string } {
  const fields = {
    team_id: 'T0SANDBOX',
    channel_id: GENERAL,
    user_id: 'U0ALEX',
    user_name: 'alex',
    command: '/signalbox',
    text: 'status',
    trigger_id: '1.2.3',
    response_url: '',
    ...over,
  };
  return {
    body: new URLSearchParams(fields).toString(),
    contentType: 'application/x-www-form-urlencoded',
  };
}
