import type { SlackSandbox } from '../../src/sandbox/slack/slack-sandbox.ts';
import { openSlack } from '../support/slack-gateway.ts';
import { button } from '../support/story.ts';
import { describeGateway } from './gateway.contract.ts';
import { BOT_TURNS, type PlatformWorld, type WorldOptions } from './platform-world.ts';

const CHANNEL = 'C0GENERAL';
const BOT = 'U0SIGNALBOX';
const PEOPLE = { alex: 'U0ALEX', dana: 'U0DANA', eve: 'U0EVE' };

for (const mode of ['socket', 'http'] as const) {
  describeGateway(`Slack (${mode})`, (options) => openSlackWorld(mode, options), {
    ...(mode === 'http' ? { reconnect: 'Slack calls; there is no connection to drop' } : {}),
  });
}

async function openSlackWorld(
  mode: 'socket' | 'http',
  { hearsBots = false }: WorldOptions = {},
): Promise<PlatformWorld> {
  let bots = 0;
  const slack = await openSlack({
    mode,
    settings: { bots: hearsBots ? ['B0OTHER'] : [], bot_turns: BOT_TURNS },
    sandbox: { ackTimeoutMs: 500, retryDelaysMs: [0, 0, 0] },
  });
  const { sandbox, gateway } = slack;
  /** The core had something to say to the last answer. */
  let isTold = false;
  return {
    name: 'Slack',
    gateway,
    received: slack.received,
    onReceive: (receive) =>
      slack.onReceive(async (inbound) => {
        const receipt = await receive(inbound);
        isTold = receipt.kind === 'answered';
        return receipt;
      }),
    start: slack.start,
    say: async (text, files = []) => {
      const said = await sandbox.say({
        user: 'U0ALEX',
        channel: CHANNEL,
        text: `@signalbox ${text}`,
        files: files.map(({ name, mediaType, base64 }) => ({
          name,
          mediaType,
          bytes: Buffer.from(base64, 'base64'),
        })),
      });
      await said.acknowledged;
      return { place: slack.messages().at(-1)!.replyTo, ref: said.ts };
    },
    sayUnheard: async (text) => {
      const said = await sandbox.say({ user: 'U0ALEX', channel: CHANNEL, text: `@signalbox ${text}` });
      const given = said.acknowledged.catch(() => undefined); // given up by Slack, or as the sandbox ends
      const nobody =
        mode === 'http'
          ? given
          : sandbox.until(({ connections }) => connections === 0).catch(() => undefined);
      await Promise.race([given, nobody]);
    },
    shown: async ({ ref }) => [
      ...sandbox
        .thread(CHANNEL, ref)
        .filter(({ user }) => user === BOT)
        .map(({ text, blocks }) => (blocks ? `${text}\n${JSON.stringify(blocks)}` : text)),
      ...sandbox.ephemerals('U0ALEX').map(({ text }) => text ?? ''),
    ],
    plain: (native) =>
      native
        .replaceAll(/<([^|>]+)\|([^>]+)>/g, '$2 ⟨$1⟩')
        .replaceAll(/<([^>]+)>/g, '$1')
        .replaceAll(/(?<!\w)[*_~](?=\S)|(?<=\S)[*_~](?!\w)/g, ''),
    limit: { size: 4_000, sizeOf: (text) => Buffer.byteLength(text), fence: /```/g },
    redeliver: async () => {
      const [message] = sandbox
        .messages(CHANNEL)
        .filter(({ user }) => user === 'U0ALEX')
        .slice(-1);
      await sandbox.deliverEvent({
        type: 'app_mention',
        user: 'U0ALEX',
        channel: CHANNEL,
        ts: message!.ts,
        text: message!.text,
        team: 'T0SANDBOX',
      });
    },
    echo: async ({ ref }) => {
      const ours = sandbox.thread(CHANNEL, ref).find(({ user }) => user === BOT)!;
      await sandbox.deliverEvent({ ...ours, type: 'message', team: 'T0SANDBOX' });
    },
    sayAsBot: (text, { ref }) =>
      sandbox.deliverEvent({
        type: 'message',
        subtype: 'bot_message',
        channel: CHANNEL,
        team: 'T0SANDBOX',
        bot_id: 'B0OTHER',
        ts: `${Math.trunc(Date.now() / 1_000)}.${String(900_000 + ++bots)}`,
        thread_ts: ref,
        text: `<@${BOT}> ${text}`,
      }),
    edit: async ({ ref }, text) => {
      await (await sandbox.edit({ channel: CHANNEL, ts: ref, text })).acknowledged;
    },
    pings: () => sandbox.pings.map((ping) => JSON.stringify(ping)),
    unguarded: () => sandbox.calls.flatMap(unguarded),
    toldTo: async (words) => {
      const has = (message: object) => JSON.stringify(message).includes(words);
      const alone = (['alex', 'dana', 'eve'] as const).filter((who) =>
        sandbox.ephemerals(PEOPLE[who]).some(has),
      );
      return sandbox.messages(CHANNEL).some(has) ? [...alone, 'everybody'] : alone;
    },
    cards: {
      inWords: false,
      isOpen: async ({ ref }) => JSON.stringify(sandbox.thread(CHANNEL, ref)).includes('"Approve"'),
      approve: async ({ ref }, who) => {
        const card = sandbox.thread(CHANNEL, ref).findLast(({ user, blocks }) => user === BOT && blocks)!;
        const before = sandbox.ephemerals(PEOPLE[who]).length;
        await sandbox.press({
          user: PEOPLE[who],
          channel: CHANNEL,
          ts: card.ts,
          actionId: button(card, /Approve/),
        });
        if (!isTold) return undefined;
        const told = await sandbox.until(() => sandbox.ephemerals(PEOPLE[who])[before]);
        return `${told.text} ${JSON.stringify(told.blocks ?? [])}`;
      },
      deny: async ({ ref }, words) => {
        const user = PEOPLE.dana;
        const card = sandbox.thread(CHANNEL, ref).findLast((each) => each.user === BOT && each.blocks)!;
        await sandbox.press({
          user,
          channel: CHANNEL,
          ts: card.ts,
          actionId: button(card, /Deny with reason/),
        });
        await sandbox.submitView({ user, values: { words } });
      },
    },
    refuse: (how) =>
      sandbox.fail(
        'chat.postMessage',
        how.kind === 'permanent'
          ? { kind: 'error', error: 'is_archived' }
          : { kind: 'rate-limited', retryAfterSeconds: how.seconds },
      ),
    drop: async () => {
      sandbox.disconnect();
      await sandbox.until(({ connections }) => connections === 0 || undefined).catch(() => undefined);
      await sandbox.until(({ connections }) => connections > 0);
    },
    malformed: async (count) => {
      for (let n = 0; n < count; n++) {
        const delivered = sandbox.deliverEvent(NONSENSE[n % NONSENSE.length] as never);
        // Over HTTP a refusal is all there is to say; over a socket it is acknowledged, so that it does not come again.
        await (mode === 'http' ? delivered.catch(() => undefined) : delivered);
        const again = sandbox.deliveries.find(({ status = 0 }) => status >= 500);
        if (again) throw new Error(`Slack was answered ${again.status}`);
      }
    },
    files: async ({ ref }) =>
      sandbox.thread(CHANNEL, ref).flatMap(({ user, files = [] }) =>
        user === BOT
          ? files.map(({ id, name }) => ({
              name: name ?? '',
              content: sandbox.fileContent(id)?.toString() ?? '',
            }))
          : [],
      ),
    close: slack.close,
  };
}

/** What Slack is told about names and links with everything written: to leave them alone. */
const GUARDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'chat.postMessage': { parse: 'none', link_names: 'false', unfurl_links: 'false', unfurl_media: 'false' },
  'chat.postEphemeral': { parse: 'none', link_names: 'false' },
  'chat.update': { parse: 'none', link_names: 'false' },
};

function unguarded({ method, args }: SlackSandbox['calls'][number]): string[] {
  const guards = Object.entries(GUARDS[method] ?? {});
  const missing = guards.filter(([name, value]) => String(args[name]) !== value);
  // Text objects of blocks are looked through for mentions unless they are verbatim.
  const blocks = JSON.stringify(args.blocks ?? []);
  const loose = blocks.match(/\{(?=[^{}]*"type":"mrkdwn")(?![^{}]*"verbatim":true)[^{}]*\}/g) ?? [];
  return [...missing.map(([name]) => `${method} without ${name}`), ...loose];
}

const NONSENSE = [
  {},
  { type: 'message' },
  { type: 'message', channel: 5, user: [], ts: {} },
  { type: 'app_mention', text: null },
  { type: 'message', channel: CHANNEL, user: 'U0ALEX', ts: 'not a time', text: 'x'.repeat(50_000) },
  { type: 'message', subtype: 'message_changed', channel: CHANNEL, message: 'gone' },
  { type: 'x'.repeat(1_000) },
  { type: 'reaction_added', item: null },
  { type: 'channel_created', channel: null },
];
