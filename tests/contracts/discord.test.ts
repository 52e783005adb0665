import { z } from 'zod';
import type { OutFile } from '../../src/domain/message.ts';
import type { DiscordSandbox, Upload } from '../../src/sandbox/discord/discord-sandbox.ts';
import { OTHER_BOT } from '../../src/sandbox/discord/wire.ts';
import type { DiscordMessage } from '../../src/sandbox/discord/world.ts';
import { ALEX, BOT, DANA, EVE, GUILD } from '../../src/sandbox/people.ts';
import { buttonOf, GENERAL, OPS, openDiscord } from '../support/discord-gateway.ts';
import { describeGateway } from './gateway.contract.ts';
import { BOT_TURNS, type PlatformWorld, type Said, type WorldOptions } from './platform-world.ts';

const PEOPLE = { alex: ALEX, dana: DANA, eve: EVE };

/** Nonces count for minutes, and the token of a command for a quarter of an hour (docs.discord.com). */
const FORGETS_AFTER_MS = 20 * 60_000;

type Mode = 'gateway' | 'http';

/** Without the WebSocket Discord tells of nothing but what people do with commands, buttons and forms. */
const NOT_TOLD = 'without a WebSocket Discord tells of no messages';

describeGateway('Discord (gateway)', (options) => openDiscordWorld('gateway', options));
describeGateway('Discord (http)', (options) => openDiscordWorld('http', options), {
  acknowledgement: 'Discord delivers a command once; whoever gave it is told that it was not recorded',
  echo: NOT_TOLD,
  bots: NOT_TOLD,
  loops: NOT_TOLD,
  edits: NOT_TOLD,
  reconnect: 'Discord calls; there is no connection to drop',
});

async function openDiscordWorld(
  mode: Mode,
  { hearsBots = false }: WorldOptions = {},
): Promise<PlatformWorld> {
  let aheadMs = 0;
  const discord = await openDiscord({
    mode,
    clock: { now: () => Date.now() + aheadMs },
    // A place of its own for everything that is said.
    settings: { threads: 'always', bots: hearsBots ? [OTHER_BOT.id] : [], bot_turns: BOT_TURNS },
    timing: { retryAfterMs: 10, retryAtMostMs: 20 },
  });
  const { sandbox, gateway } = discord;
  const fromBot = ({ author }: DiscordMessage) => author === BOT.discordUser;
  const inPlace = (ref: string) => sandbox.messages(ref).filter(fromBot);
  let isTold = false;
  /** Resolves once the core has taken a message of this id. */
  const taken = (id: string) =>
    discord.until(() =>
      discord.messages().find((message) => message.id.endsWith(`:${id}`) && settled.has(message.id)),
    );
  const settled = new Set<string>();
  const hear = (receive: Parameters<PlatformWorld['onReceive']>[0]) =>
    discord.onReceive(async (inbound) => {
      const receipt = await receive(inbound);
      isTold = receipt.kind === 'answered';
      settled.add(inbound.id);
      // Whoever waits looks again.
      queueMicrotask(() => discord.lines.push({ level: 'debug', facts: {}, sentence: 'settled' }));
      return receipt;
    });
  hear(async () => ({ kind: 'stored' }));
  const slash = (question: string, file?: Upload) =>
    sandbox.slash({
      user: ALEX.discordUser,
      channel: GENERAL.id,
      command: 'ask',
      options: { question, ...(file ? { file } : {}) },
    });
  /** By `/ask`, whose answer begins the place of its own. */
  const ask = async (question: string, file?: Upload): Promise<Said> => {
    const seen = await slash(question, file);
    if (seen.kind !== 'thinking') throw new Error(`the command was answered with ${JSON.stringify(seen)}`);
    const message = discord.messages().at(-1);
    if (!message) throw new Error('the core has no message');
    return { place: message.replyTo, ref: seen.message.id };
  };
  return {
    name: 'Discord',
    gateway,
    received: discord.received,
    onReceive: hear,
    start: discord.start,
    say: async (text, files = []) => {
      const [file] = files.map(toUpload);
      if (mode === 'http') return ask(text, file);
      const { id } = await sandbox.say({
        user: ALEX.discordUser,
        channel: GENERAL.id,
        text: `@signalbox ${text}`,
        files: file ? [file] : [],
      });
      const message = await taken(id);
      return { place: message.replyTo, ref: id };
    },
    sayUnheard: async (text) => {
      if (mode === 'http') {
        await slash(text);
        return;
      }
      const before = discord.received.length;
      await sandbox.say({ user: ALEX.discordUser, channel: GENERAL.id, text: `@signalbox ${text}` });
      const gone = sandbox.until(({ connections }) => connections === 0).catch(() => undefined);
      const heard = discord.until(() => discord.received.length > before).catch(() => undefined);
      await Promise.race([gone, heard]);
    },
    shown: async ({ ref }) => [
      ...inPlace(ref).map(shownOf),
      ...sandbox.messages(ALEX.discordDm).filter(fromBot).map(shownOf),
      ...sandbox.ephemerals(ALEX.discordUser).map(shownOf),
    ],
    plain: (native) =>
      native
        .replaceAll(/\[([^\]]+)\]\(<?([^)>]+)>?\)/g, '$1 ⟨$2⟩')
        .replaceAll(/<(https?:[^>]+)>/g, '$1')
        .replaceAll('\\', '')
        .replaceAll(/\*\*|(?<!\w)[_~](?=\S)|(?<=\S)[_~](?!\w)/g, ''),
    limit: { size: 2_000, sizeOf: (text) => text.length, fence: /```/g },
    redeliver: async () => {
      const before = discord.received.length;
      // As after a reconnect: what is read again from the history of the channel has the same ids. Over HTTP: as when
      // the answer to a request got lost.
      await sandbox.redeliver(mode === 'http' ? 'INTERACTION_CREATE' : 'MESSAGE_CREATE');
      await discord.until(() => discord.received.length > before);
    },
    echo: async ({ ref }) => {
      const [ours] = inPlace(ref).slice(-1);
      sandbox.deliverEvent('MESSAGE_CREATE', {
        id: ours!.id,
        channel_id: GENERAL.id, // where people speak, too: what is said in one channel is taken in order
        guild_id: GUILD.id,
        author: { id: BOT.discordUser, username: 'signalbox', bot: true },
        content: `<@${BOT.discordUser}> ${ours!.content}`,
        timestamp: ours!.createdAt,
        mentions: [{ id: BOT.discordUser, username: 'signalbox', bot: true }],
        attachments: [],
        embeds: [],
        type: 0,
      });
    },
    sayAsBot: async (text, { ref }) => {
      const { id } = await sandbox.sayAsBot({ channel: ref, text: `@signalbox ${text}` });
      await taken(id);
    },
    edit: async ({ ref }, text) => {
      await sandbox.edit({ message: ref, text: `@signalbox ${text}` });
      await discord.until(() => discord.revisions().length > 0);
    },
    pings: () => sandbox.pings.filter(({ by }) => by === BOT.discordUser).map((ping) => JSON.stringify(ping)),
    unguarded: () => sandbox.calls.flatMap(unguarded),
    toldTo: async (words) => {
      const has = (message: DiscordMessage) => shownOf(message).includes(words);
      const alone = (['alex', 'dana', 'eve'] as const).filter((who) =>
        [...sandbox.ephemerals(PEOPLE[who].discordUser), ...sandbox.messages(PEOPLE[who].discordDm)].some(
          has,
        ),
      );
      const places = [GENERAL, OPS, ...sandbox.threads()];
      return places.some(({ id }) => sandbox.messages(id).some(has)) ? [...alone, 'everybody'] : alone;
    },
    cards: {
      inWords: false,
      isOpen: async ({ ref }) => JSON.stringify(inPlace(ref)).includes('"label":"Approve"'),
      approve: async ({ ref }, who) => {
        const card = inPlace(ref).findLast(({ components }) => components.length > 0)!;
        const user = PEOPLE[who].discordUser;
        const before = sandbox.ephemerals(user).length;
        await sandbox.press({ user, channel: ref, message: card.id, customId: buttonOf(card, 'Approve') });
        if (!isTold) return undefined;
        return shownOf(await sandbox.until(() => sandbox.ephemerals(user)[before]));
      },
      deny: async ({ ref }, words) => {
        const card = inPlace(ref).findLast(({ components }) => components.length > 0)!;
        const pressed = { user: DANA.discordUser, channel: ref, message: card.id };
        await sandbox.press({ ...pressed, customId: buttonOf(card, 'Deny with reason') });
        await sandbox.submitModal({ user: DANA.discordUser, values: { words } });
      },
    },
    forget: () => {
      aheadMs += FORGETS_AFTER_MS;
    },
    refuse: (how) =>
      sandbox.fail(
        'POST /channels/:channel/messages',
        how.kind === 'permanent'
          ? { kind: 'status', status: 403, code: 50_001, message: 'Missing Access' }
          : { kind: 'rate-limited', retryAfterSeconds: how.seconds },
      ),
    drop: async () => {
      sandbox.disconnect();
      await sandbox.until(({ connections }) => connections === 0);
      await sandbox.until(({ connections }) => connections > 0);
    },
    malformed: async (count) => {
      if (mode === 'http') return refuseNonsense(sandbox, count);
      for (let n = 0; n < count; n++)
        sandbox.deliverEvent('MESSAGE_CREATE', NONSENSE[n % NONSENSE.length] as never);
    },
    files: async ({ ref }) =>
      inPlace(ref).flatMap(({ attachments }) =>
        attachments.map(({ id, filename }) => ({
          name: filename,
          content: sandbox.fileContent(id)?.toString() ?? '',
        })),
      ),
    close: discord.close,
  };
}

function toUpload({ name, mediaType, base64 }: OutFile): Upload {
  return { filename: name, contentType: mediaType, bytes: Buffer.from(base64, 'base64') };
}

/** Rightly signed, and still without sense. */
async function refuseNonsense(sandbox: DiscordSandbox, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const outcome = await sandbox.deliverRaw({ body: SIGNED_NONSENSE[n % SIGNED_NONSENSE.length] ?? '' });
    if (outcome.kind !== 'answered' || outcome.status >= 500)
      throw new Error(`Discord was answered ${JSON.stringify(outcome)}`);
  }
}

function shownOf({ content, embeds, components }: DiscordMessage): string {
  const rest = [embeds, components].filter((part) => part.length > 0).map((part) => JSON.stringify(part));
  return [content, ...rest].join('\n');
}

/** Nobody at all: not by name, not by role, not even whoever is answered. */
const Guarded = z.object({
  allowed_mentions: z.object({
    parse: z.array(z.never()),
    users: z.array(z.never()).optional(),
    roles: z.array(z.never()).optional(),
    replied_user: z.literal(false).optional(),
  }),
});

/** Routes by which a message is made or changed: of a channel, of an interaction. */
const WRITES = /^(?:POST|PATCH) .*(?:\/messages(?:\/[^/]+)?|\/callback|\/webhooks\/[^/]+\/[^/]+)$/;
/** Interaction responses that carry no message: deferred ones, a form, offers to complete a word. */
const WITHOUT_MESSAGE: ReadonlySet<unknown> = new Set([1, 5, 6, 8, 9]);
const MENTION = /@everyone|@here|<@[!&]?\d+>/;
/** Nothing in it is read as a mention. */
const CODE = /```[\s\S]*?```/g;

function unguarded({ route, body }: DiscordSandbox['calls'][number]): string[] {
  if (!WRITES.test(route)) return [];
  const { type, data } = z.object({ type: z.unknown(), data: z.unknown() }).partial().parse(body);
  const isResponse = route.endsWith('/callback');
  if (isResponse && WITHOUT_MESSAGE.has(type)) return [];
  const message = isResponse ? data : body;
  const { content } = z.object({ content: z.string().nullish() }).parse(message);
  return [
    ...(Guarded.safeParse(message).success ? [] : [`${route} may notify: ${JSON.stringify(message)}`]),
    ...(MENTION.test((content ?? '').replaceAll(CODE, '')) ? [`${route} mentions: ${content}`] : []),
  ];
}

const SIGNED_NONSENSE = [
  '',
  '{',
  'null',
  '[]',
  '{"type":2}',
  '{"type":2,"id":"x","token":5,"channel_id":{},"data":[]}',
  JSON.stringify({ type: 3, id: '1', token: 't', channel_id: GENERAL.id, data: { custom_id: 7 } }),
  JSON.stringify({ type: 99, id: '1', token: 't', channel_id: '../..' }),
];

const NONSENSE = [
  {},
  { id: 5, channel_id: [], author: null },
  { id: 'x', channel_id: 'y', author: { id: 'z' }, content: { a: 1 } },
  {
    id: '1',
    channel_id: GENERAL.id,
    author: { id: ALEX.discordUser },
    content: 'x',
    timestamp: 'never',
    mentions: 'all',
  },
  { id: '900000000000009999', channel_id: '../../etc', author: { id: ALEX.discordUser }, mentions: [{}] },
];
