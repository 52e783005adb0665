import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type APIApplicationCommand,
  type APIMessage,
  type APIThreadChannel,
  DiscordAPIError,
  HTTPError,
  RateLimitError,
  type RawFile,
  type REST,
  Routes,
} from 'discord.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DiscordSandboxOptions } from '../../src/sandbox/discord/discord-sandbox.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, GUILD, GUILD_ROLES } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { discordRest } from '../support/discord-client.ts';
import { expectNoViolations, expectViolations } from '../support/violations.ts';

const [GENERAL, OPS] = DISCORD_CHANNELS;
const [MANAGERS] = GUILD_ROLES;
const USER_AGENT = 'DiscordBot (https://example.test, 1.0)';
const QUIET = { allowed_mentions: { parse: [] } };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const V2 = 1 << 15;

let sandbox: Sandbox;
let rest: REST;
let now: number;

beforeEach(async () => {
  now = Date.now();
  await start();
});

afterEach(async () => {
  await sandbox.stop();
  expectNoViolations(sandbox.discord);
});

describe('what a message may look like', () => {
  it.each<[string, object, string[]]>([
    ['no content at all', {}, []],
    ['content over 2000', { content: 'x'.repeat(2_001) }, ['content', 'BASE_TYPE_MAX_LENGTH']],
    ['content that is no text', { content: 7 }, ['content', 'STRING_TYPE_CONVERT']],
    ['a nonce over 25', { content: 'x', nonce: 'n'.repeat(26) }, ['nonce', 'BASE_TYPE_MAX_LENGTH']],
    [
      'eleven embeds',
      { embeds: Array.from({ length: 11 }, () => ({ title: 't' })) },
      ['embeds', 'BASE_TYPE_MAX_LENGTH'],
    ],
    ['an embed without anything', { embeds: [{ color: 1 }] }, ['description', 'BASE_TYPE_REQUIRED']],
    [
      'an embed too long',
      { embeds: [{ description: 'x'.repeat(4_097) }] },
      ['description', 'BASE_TYPE_MAX_LENGTH'],
    ],
    [
      'embeds over 6000 together',
      { embeds: [{ description: 'x'.repeat(4_000) }, { description: 'x'.repeat(2_001) }] },
      ['embeds', 'MAX_EMBED_SIZE_EXCEEDED'],
    ],
    [
      'a field without a value',
      { embeds: [{ fields: [{ name: 'n', value: '' }] }] },
      ['value', 'BASE_TYPE_REQUIRED'],
    ],
    [
      'six rows',
      { components: Array.from({ length: 6 }, (_, row) => buttonRow(`b${row}`)) },
      ['components', 'BASE_TYPE_MAX_LENGTH'],
    ],
    [
      'six buttons in a row',
      { components: [buttonRow('a', 'b', 'c', 'd', 'e', 'f')] },
      ['components', 'BASE_TYPE_BAD_LENGTH'],
    ],
    [
      'the same custom_id twice',
      { components: [buttonRow('a'), buttonRow('a')] },
      ['COMPONENT_CUSTOM_ID_DUPLICATED'],
    ],
    [
      'a custom_id over 100',
      { components: [buttonRow('x'.repeat(101))] },
      ['custom_id', 'BASE_TYPE_MAX_LENGTH'],
    ],
    [
      'a button without custom_id',
      { components: [row({ type: 2, style: 1, label: 'x' })] },
      ['custom_id', 'BASE_TYPE_REQUIRED'],
    ],
    [
      'a button label over 80',
      { components: [row({ ...button('a'), label: 'x'.repeat(81) })] },
      ['label', 'BASE_TYPE_MAX_LENGTH'],
    ],
    [
      'a button that opens what no client opens',
      { components: [row({ type: 2, style: 5, label: 'x', url: 'javascript:alert(1)' })] },
      ['url', 'URL_TYPE_INVALID_SCHEME'],
    ],
    [
      'an embed that leads to no address',
      { embeds: [{ title: 't', url: 'nowhere' }] },
      ['url', 'URL_TYPE_INVALID_URL'],
    ],
    [
      'a picture that is no file of the message and not on the web',
      { embeds: [{ title: 't', image: { url: 'data:image/png;base64,AA==' } }] },
      ['image', 'URL_TYPE_INVALID_SCHEME'],
    ],
    [
      'a link button without url',
      { components: [row({ type: 2, style: 5, label: 'x' })] },
      ['url', 'BASE_TYPE_REQUIRED'],
    ],
    ['a menu of 26', { components: [row(menu(26))] }, ['options', 'BASE_TYPE_MAX_LENGTH']],
    [
      'a menu beside a button',
      { components: [row(menu(1), button('b'))] },
      ['components', 'BASE_TYPE_BAD_LENGTH'],
    ],
    ['a text component without its flag', { components: [text('x')] }, ['type', 'BASE_TYPE_CHOICES']],
    [
      'content beside Components V2',
      { flags: V2, content: 'x', components: [text('x')] },
      ['content', 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2'],
    ],
    [
      '41 components',
      { flags: V2, components: Array.from({ length: 41 }, () => text('x')) },
      ['BASE_TYPE_MAX_LENGTH'],
    ],
    [
      'texts over 4000 together',
      { flags: V2, components: [text('x'.repeat(2_000)), text('x'.repeat(2_001))] },
      ['COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED'],
    ],
    [
      "a flag that is not the app's to set",
      { content: 'x', flags: 1 << 6 },
      ['flags', 'MESSAGE_FLAGS_INVALID'],
    ],
    [
      'parse and ids of one kind',
      { content: 'x', allowed_mentions: { parse: ['users'], users: ['1'] } },
      ['MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE'],
    ],
    [
      'a reply to nothing',
      { content: 'x', message_reference: { message_id: '1' } },
      ['message_reference', 'REPLIES_UNKNOWN_MESSAGE'],
    ],
    [
      'a file that was not sent',
      { content: 'x', attachments: [{ id: 0 }] },
      ['attachments', 'ATTACHMENT_NOT_FOUND'],
    ],
  ])('refuses %s', async (_what, body, named) => {
    const error = await refusal(post(body));

    expect(error).toMatchObject({ status: 400, code: named.length === 0 ? 50_006 : 50_035 });
    for (const name of named) expect(JSON.stringify(error.rawError)).toContain(`"${name}"`);
    expect(sandbox.discord.messages(GENERAL.id)).toEqual([]);
    expectViolations(sandbox.discord, [{ route: 'POST /channels/:channel/messages' }]);
  });

  it('names the field at fault as Discord does', async () => {
    const error = await refusal(post({ components: [row(button('a'), button('x'.repeat(101)))] }));

    expect(error.rawError).toEqual({
      code: 50_035,
      message: 'Invalid Form Body',
      errors: {
        components: {
          0: {
            components: {
              1: {
                custom_id: {
                  _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 100 or fewer in length.' }],
                },
              },
            },
          },
        },
      },
    });
    expectViolations(sandbox.discord, [{ error: { code: 50_035 } }]);
  });

  it('takes what is just within', async () => {
    const rows = Array.from({ length: 5 }, (_, index) =>
      buttonRow(...[0, 1, 2, 3, 4].map((column) => `${index}${column}`.padEnd(100, 'x'))),
    );

    await post({ content: 'x'.repeat(2_000), components: rows, nonce: 'n'.repeat(25), enforce_nonce: true });
    await post({ flags: V2, components: Array.from({ length: 40 }, () => text('x'.repeat(100))) });
    await post({ embeds: [{ title: 't'.repeat(256), description: 'x'.repeat(4_096) }] });

    expectNoViolations(sandbox.discord);
  });

  it('keeps Components V2 on, and content out of it, over edits', async () => {
    const { id } = await post({ flags: V2, components: [text('one')] });

    const error = await refusal(edit(id, { content: 'two' }));
    await edit(id, { components: [text('two')] });

    expect(error.code).toBe(50_035);
    expectViolations(sandbox.discord, [{ error: { code: 50_035 } }]);
    expect(sandbox.discord.message(id)).toMatchObject({ flags: V2, components: [{ content: 'two' }] });
  });
});

describe('whom a message notifies', () => {
  it('parses everything when allowed_mentions is left out, on create and on edit', async () => {
    const { id } = await post({ content: `@everyone <@${ALEX.discordUser}> <@&${MANAGERS.id}>`, ...QUIET });
    const quiet = [...sandbox.discord.pings];
    await edit(id, { content: `@here <@${ALEX.discordUser}>` });

    expect(quiet).toEqual([]);
    expect(sandbox.discord.pings).toMatchObject([
      { target: 'here', on: 'edit', message: id },
      { target: ALEX.discordUser, on: 'edit', message: id },
    ]);
  });

  it('notifies the author of what is replied to, unless told otherwise', async () => {
    const said = await sandbox.discord.say({ user: DANA.discordUser, channel: GENERAL.id, text: 'hello' });
    const reference = { message_reference: { message_id: said.id } };

    await post({ content: 'loud', ...reference });
    await post({ content: 'quiet', ...reference, ...QUIET });

    expect(sandbox.discord.pings.filter(({ by }) => by === BOT.discordUser)).toMatchObject([
      { target: DANA.discordUser, how: 'reply' },
    ]);
  });

  it('notifies those it names', async () => {
    await post({
      content: `@everyone <@${ALEX.discordUser}> <@${DANA.discordUser}>`,
      allowed_mentions: { parse: [], users: [DANA.discordUser] },
    });

    expect(sandbox.discord.pings.map(({ target }) => target)).toEqual([DANA.discordUser]);
  });

  it('counts mentions in text components', async () => {
    await post({ flags: V2, components: [{ type: 17, components: [text('@everyone')] }] });

    expect(sandbox.discord.pings).toMatchObject([{ target: 'everyone' }]);
  });
});

describe('the same message again', () => {
  it('returns the first one for a nonce that is enforced, for some minutes', async () => {
    const first = await post({ content: 'one', nonce: 'n1', enforce_nonce: true });
    const again = await post({ content: 'one', nonce: 'n1', enforce_nonce: true });
    const elsewhere = await post({ content: 'one', nonce: 'n1', enforce_nonce: true }, OPS.id);
    now += 10 * MINUTE_MS;
    const later = await post({ content: 'one', nonce: 'n1', enforce_nonce: true });

    expect(again.id).toBe(first.id);
    expect(new Set([first.id, elsewhere.id, later.id]).size).toBe(3);
  });

  it('shows a nonce as long as it holds the app to it', async () => {
    const { id } = await post({ content: 'one', nonce: 'n1', enforce_nonce: true });
    const read = async () => (await rest.get(Routes.channelMessage(GENERAL.id, id))) as APIMessage;

    const early = await read();
    now += 10 * MINUTE_MS;
    const late = await read();

    expect([early.nonce, late.nonce]).toEqual(['n1', undefined]);
  });

  it('posts twice when the nonce is not enforced', async () => {
    await post({ content: 'one', nonce: 'n1' });
    await post({ content: 'one', nonce: 'n1' });

    expect(sandbox.discord.messages(GENERAL.id)).toHaveLength(2);
  });
});

describe('reading, editing, deleting', () => {
  it('pages from the newest, before, after and around', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1) ids.push((await post({ content: `m${index}` })).id);
    const list = async (query: Record<string, string>) => {
      const options = { query: new URLSearchParams(query) };
      const page = (await rest.get(Routes.channelMessages(GENERAL.id), options)) as APIMessage[];
      return page.map(({ content }) => content);
    };

    expect(await list({ limit: '2' })).toEqual(['m6', 'm5']);
    expect(await list({ limit: '2', before: ids[3]! })).toEqual(['m2', 'm1']);
    expect(await list({ limit: '2', after: ids[3]! })).toEqual(['m5', 'm4']);
    expect(await list({ limit: '3', around: ids[3]! })).toEqual(['m4', 'm3', 'm2']);
    expect((await refusal(list({ limit: '101' }))).code).toBe(50_035);
    expectViolations(sandbox.discord, [{ error: { code: 50_035 } }]);
  });

  it('hides what people say to each other from an app without the intent', async () => {
    const said = await sandbox.discord.say({ user: DANA.discordUser, channel: GENERAL.id, text: 'secret' });

    const hidden = (await rest.get(Routes.channelMessage(GENERAL.id, said.id))) as APIMessage;
    sandbox.discord.setIntents({ messageContent: true });
    const shown = (await rest.get(Routes.channelMessage(GENERAL.id, said.id))) as APIMessage;

    expect([hidden.content, shown.content]).toEqual(['', 'secret']);
  });

  it('lets nobody edit what others wrote', async () => {
    const said = await sandbox.discord.say({ user: DANA.discordUser, channel: GENERAL.id, text: 'mine' });
    const { id } = await post({ content: 'ours' });

    expect(await refusal(edit(said.id, { content: 'x' }))).toMatchObject({ status: 403, code: 50_005 });
    expect(await refusal(rest.delete(Routes.channelMessage(GENERAL.id, said.id)))).toMatchObject({
      code: 50_013,
    });
    expect((await refusal(edit(id, { content: '' }))).code).toBe(50_006);
    expectViolations(sandbox.discord, [{ error: { code: 50_006 } }]);
    await rest.delete(Routes.channelMessage(GENERAL.id, id));
    expect((await refusal(edit(id, { content: 'x' }))).code).toBe(10_008);
  });

  it('takes files in and gives them out', async () => {
    const posted = await post(
      { content: 'log', attachments: [{ id: 0, description: 'lines' }] },
      GENERAL.id,
      [{ name: 'a log.txt', data: 'one\ntwo', contentType: 'text/plain' }],
    );
    const [file] = posted.attachments;

    const read = await fetch(file!.url);
    const kept = (await edit(posted.id, { content: 'log again' })).attachments;
    const gone = (await edit(posted.id, { attachments: [] })).attachments;

    expect(file).toMatchObject({ filename: 'a_log.txt', size: 7, description: 'lines' });
    expect([await read.text(), read.headers.get('content-type')]).toEqual(['one\ntwo', 'text/plain']);
    expect([kept.length, gone.length]).toEqual([1, 0]);
  });

  it('refuses files that are too large or too many', async () => {
    const large = { name: 'large', data: Buffer.alloc(10 * 1024 * 1024 + 1) };
    const many = Array.from({ length: 11 }, (_, index) => ({ name: `f${index}`, data: 'x' }));

    expect(await refusal(post({ content: 'x' }, GENERAL.id, [large]))).toMatchObject({
      status: 413,
      code: 40_005,
    });
    expect((await refusal(post({ content: 'x' }, GENERAL.id, many))).code).toBe(50_035);
    expectViolations(sandbox.discord, [{ error: { code: 40_005 } }, { error: { code: 50_035 } }]);
  });

  it('takes twenty different reactions to a message', async () => {
    const { id } = await post({ content: 'x' });
    const react = (emoji: string) =>
      rest.put(Routes.channelMessageOwnReaction(GENERAL.id, id, encodeURIComponent(emoji)));
    const many = Array.from({ length: 21 }, (_, index) => String.fromCodePoint(0x1f600 + index));
    for (const emoji of many.slice(0, 20)) await react(emoji);

    expect(await refusal(react(many[20]!))).toMatchObject({ status: 400, code: 30_010 });
    await react(many[0]!);
  });

  it('gives fresh links for those that have ended, and none for what never was one', async () => {
    const [file] = (await post({ content: 'x' }, GENERAL.id, [{ name: 'f.txt', data: 'abc' }])).attachments;
    const refresh = (urls: unknown) =>
      rest.post('/attachments/refresh-urls', { body: { attachment_urls: urls } });
    now += 2 * DAY_MS;
    expect((await fetch(file!.url)).status).toBe(404);

    const answer = (await refresh([file!.url, 'https://example.test/f.txt'])) as {
      refreshed_urls: { original: string; refreshed: string | null }[];
    };
    const [fresh, foreign] = answer.refreshed_urls;

    expect(await (await fetch(fresh!.refreshed!)).text()).toBe('abc');
    expect(foreign).toEqual({ original: 'https://example.test/f.txt', refreshed: null });
    expect((await refusal(refresh(Array.from({ length: 51 }, () => file!.url)))).code).toBe(50_035);
    expect((await refusal(refresh('x'))).code).toBe(50_035);
    expectViolations(sandbox.discord, [{ error: { code: 50_035 } }, { error: { code: 50_035 } }]);
  });

  it('reacts, and types', async () => {
    const { id } = await post({ content: 'x' });

    await rest.put(Routes.channelMessageOwnReaction(GENERAL.id, id, encodeURIComponent('👀')));
    await rest.post(Routes.channelTyping(GENERAL.id));

    expect(sandbox.discord.message(id)?.reactions).toEqual([{ emoji: '👀', users: [BOT.discordUser] }]);
  });
});

describe('direct messages', () => {
  it('are opened by user, and refused by who blocks the app', async () => {
    const open = (user: string) => rest.post(Routes.userChannels(), { body: { recipient_id: user } });

    expect(await open(ALEX.discordUser)).toMatchObject({ id: ALEX.discordDm, type: 1 });
    expect((await refusal(open('1'))).code).toBe(50_033);
    sandbox.discord.refuseDms(ALEX.discordUser);
    expect(await refusal(post({ content: 'x' }, ALEX.discordDm))).toMatchObject({
      status: 403,
      code: 50_007,
    });
  });
});

describe('threads', () => {
  it('open from a message, once, under its id', async () => {
    const { id } = await post({ content: 'root' });

    const thread = await openThread(id, { name: 'talk', auto_archive_duration: 60 });
    await post({ content: 'inside' }, thread.id);

    expect(thread).toMatchObject({ id, parent_id: GENERAL.id, type: 11 });
    expect(sandbox.discord.messages(id)).toMatchObject([{ content: 'inside' }]);
    expect(sandbox.discord.thread(id)).toMatchObject({ members: [BOT.discordUser] });
    expect((await refusal(openThread(id, { name: 'again' }))).code).toBe(160_004);
    expect((await refusal(openThread(id, { name: '' }))).code).toBe(50_035);
    expect((await refusal(openThread(id, { name: 'x', auto_archive_duration: 61 }))).code).toBe(50_035);
    expectViolations(sandbox.discord, [{ error: { code: 50_035 } }, { error: { code: 50_035 } }]);
  });

  it('wake up when written to, and stay shut when locked', async () => {
    const { id } = await post({ content: 'root' });
    await openThread(id, { name: 'talk' });
    const inside = await post({ content: 'inside' }, id);

    await sandbox.discord.archive({ thread: id });
    const asleep = await refusal(edit(inside.id, { content: 'x' }, id));
    await post({ content: 'awake' }, id);
    const awake = sandbox.discord.thread(id)?.archived;
    await sandbox.discord.archive({ thread: id, locked: true });
    const locked = await refusal(post({ content: 'x' }, id));

    expect([asleep.code, awake, locked.code]).toEqual([50_083, false, 160_005]);
  });

  it('cannot begin with a note of the channel itself, which cannot be replied to either', async () => {
    await rest.post(Routes.threads(GENERAL.id), { body: { name: 'talk', type: 11 } });
    const [note] = sandbox.discord.messages(GENERAL.id);

    expect((await refusal(openThread(note!.id, { name: 'about' }))).code).toBe(50_021);
    const reply = await refusal(post({ content: 'x', message_reference: { message_id: note!.id } }));
    expect(JSON.stringify(reply.rawError)).toContain('REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE');
    expectViolations(sandbox.discord, [{ error: { code: 50_035 } }]);
  });

  it('are a thousand at a time', async () => {
    const { id } = await post({ content: 'root' });
    const opened = Array.from({ length: 1_000 }, (_, index) =>
      sandbox.discord.openThread({ user: ALEX.discordUser, channel: OPS.id, name: `t${index}` }),
    );
    const [first] = await Promise.all(opened);

    expect(await refusal(openThread(id, { name: 'talk' }))).toMatchObject({ status: 400, code: 160_006 });
    await sandbox.discord.archive({ thread: first!.id });
    await openThread(id, { name: 'talk' });
  });

  it('without a message are told of in their channel', async () => {
    const thread = (await rest.post(Routes.threads(GENERAL.id), { body: { name: 'talk', type: 11 } })) as {
      id: string;
    };

    expect(sandbox.discord.messages(GENERAL.id)).toMatchObject([{ type: 18, content: 'talk' }]);
    expect(await rest.get(Routes.guildActiveThreads(GUILD.id))).toMatchObject({
      threads: [{ id: thread.id }],
    });
  });
});

describe('what the app may do', () => {
  it.each([
    ['see the channel', [], 50_001],
    ['write there', ['VIEW_CHANNEL'], 50_013],
  ] as const)('refuses an app that may not %s', async (_what, permissions, code) => {
    sandbox.discord.setPermissions(permissions, GENERAL.id);

    expect(await refusal(post({ content: 'x' }))).toMatchObject({ status: 403, code });
    await post({ content: 'x' }, OPS.id);
  });

  it('refuses files and threads without the permission for them', async () => {
    const { id } = await post({ content: 'root' });
    sandbox.discord.setPermissions(['VIEW_CHANNEL', 'SEND_MESSAGES', 'READ_MESSAGE_HISTORY']);

    expect((await refusal(post({ content: 'x' }, GENERAL.id, [{ name: 'f', data: 'x' }]))).code).toBe(50_013);
    expect((await refusal(openThread(id, { name: 'talk' }))).code).toBe(50_013);
    await post({ content: '@everyone' });
    expect(sandbox.discord.pings).toEqual([]);
  });

  it('refuses a program that does not say what it is', async () => {
    const answer = await fetch(`${sandbox.env.DISCORD_API_URL}/v10/users/@me`, {
      headers: { authorization: `Bot ${sandbox.env.DISCORD_BOT_TOKEN}`, 'user-agent': 'curl/8.0' },
    });

    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 40_333 });
    expectViolations(sandbox.discord, [{ route: 'GET /users/@me' }]);
  });

  it('refuses a wrong token, and what does not exist', async () => {
    expect(await refusal(discordRest(sandbox, 'wrong').get(Routes.user()))).toMatchObject({ status: 401 });
    expect((await refusal(post({ content: 'x' }, '1'))).code).toBe(10_003);
    expect((await refusal(rest.get('/nonsense'))).status).toBe(404);
    expect((await refusal(rest.get(Routes.guildMembers(GUILD.id)))).code).toBe(50_001);
    expect(await rest.get(Routes.guildMember(GUILD.id, DANA.discordUser))).toMatchObject({
      roles: [MANAGERS.id],
    });
  });

  it('says who the app is', async () => {
    sandbox.discord.setIntents({ messageContent: true });

    expect(await rest.get(Routes.currentApplication())).toMatchObject({
      id: BOT.discordApplication,
      verify_key: sandbox.env.DISCORD_PUBLIC_KEY,
      flags: 1 << 19,
      interactions_endpoint_url: null,
    });
  });
});

describe('a body that cannot be read', () => {
  it.each([
    ['no JSON', 'application/json', '{"content":'],
    ['JSON of another kind', 'application/json', 'null'],
    ['a list', 'application/json', '[1]'],
    ['plain text', 'text/plain', 'hello'],
    ['a form without end', 'multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data'],
    ['a form whose JSON is none', 'multipart/form-data; boundary=x', formOf('{')],
  ])('is refused: %s', async (_what, contentType, body) => {
    const answer = await fetch(`${sandbox.env.DISCORD_API_URL}/v10/channels/${GENERAL.id}/messages`, {
      method: 'POST',
      headers: {
        authorization: `Bot ${sandbox.env.DISCORD_BOT_TOKEN}`,
        'user-agent': USER_AGENT,
        'content-type': contentType,
      },
      body,
    });

    const { code } = (await answer.json()) as { code: number };
    expect(answer.status).toBe(400);
    expect([50_035, 50_109]).toContain(code);
    expectViolations(sandbox.discord, [{ error: { code } }]);
    await post({ content: 'still there' });
  });
});

describe('commands', () => {
  const guild = Routes.applicationGuildCommands(BOT.discordApplication, GUILD.id);
  const global = Routes.applicationCommands(BOT.discordApplication);
  const PING = { name: 'ping', description: 'Ping' };

  it('are created once by name, changed, and deleted', async () => {
    const first = (await rest.post(guild, { body: PING })) as APIApplicationCommand;
    const again = (await rest.post(guild, {
      body: { ...PING, description: 'Pong' },
    })) as APIApplicationCommand;
    const one = Routes.applicationGuildCommand(BOT.discordApplication, GUILD.id, first.id);
    await rest.patch(one, { body: { description: 'Changed' } });

    expect(again.id).toBe(first.id);
    expect(again.version).not.toBe(first.version);
    expect(await rest.get(guild)).toMatchObject([{ ...PING, description: 'Changed', guild_id: GUILD.id }]);
    expect(await rest.get(global)).toEqual([]);
    await rest.delete(one);
    expect((await refusal(rest.get(one))).code).toBe(10_063);
  });

  it('are replaced all at once, those that stay under their id', async () => {
    const first = (await rest.post(global, { body: PING })) as APIApplicationCommand;
    await rest.put(global, { body: [PING, { name: 'Look', type: 3 }] });
    await rest.put(global, { body: [PING] });

    expect(await rest.get(global)).toMatchObject([{ id: first.id, name: 'ping', contexts: null }]);
  });

  it.each<[string, object, string]>([
    ['a name in capitals', { name: 'Ping', description: 'x' }, 'APPLICATION_COMMAND_INVALID_NAME'],
    ['a name over 32', { name: 'x'.repeat(33), description: 'x' }, 'BASE_TYPE_MAX_LENGTH'],
    ['no description', { name: 'x' }, 'BASE_TYPE_REQUIRED'],
    ['a description over 100', { name: 'x', description: 'x'.repeat(101) }, 'BASE_TYPE_MAX_LENGTH'],
    ['26 options', { ...PING, options: options(26) }, 'BASE_TYPE_MAX_LENGTH'],
    [
      'an optional option before a required one',
      { ...PING, options: [option('a'), { ...option('b'), required: true }] },
      'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
    ],
    [
      'two options of one name',
      { ...PING, options: [option('a'), option('a')] },
      'APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS',
    ],
    ['26 choices', { ...PING, options: [{ ...option('a'), choices: choices(26) }] }, 'BASE_TYPE_MAX_LENGTH'],
    [
      'choices and autocomplete',
      { ...PING, options: [{ ...option('a'), autocomplete: true, choices: choices(1) }] },
      'APPLICATION_COMMAND_OPTIONS_CHOICES_AND_AUTOCOMPLETE',
    ],
    [
      'a message command with a description',
      { name: 'Look', type: 3, description: 'x' },
      'APPLICATION_COMMAND_INVALID_DESCRIPTION',
    ],
    [
      'more than 8000 characters',
      { ...PING, options: options(25).map((one) => ({ ...one, choices: choices(25, 'x'.repeat(20)) })) },
      'APPLICATION_COMMAND_TOO_LARGE',
    ],
  ])('refuse %s', async (_what, body, name) => {
    const error = await refusal(rest.post(guild, { body }));

    expect(error.code).toBe(50_035);
    expect(JSON.stringify(error.rawError)).toContain(name);
    expectViolations(sandbox.discord, [{ error: { code: 50_035 } }]);
  });

  it('refuse more than 200 creates a day, and take them tomorrow', async () => {
    for (let round = 0; round < 2; round += 1) {
      await rest.put(guild, {
        body: Array.from({ length: 100 }, (_, index) => ({ ...PING, name: `c${round}-${index}` })),
      });
      await rest.put(guild, { body: [] });
    }
    const error = await refusal(rest.post(guild, { body: PING }));
    now += DAY_MS + 1;
    await rest.post(guild, { body: PING });

    expect(error.code).toBe(30_034);
    expectViolations(sandbox.discord, [{ error: { code: 30_034 } }]);
  });

  it('refuse the 101st', async () => {
    const many = Array.from({ length: 101 }, (_, index) => ({ ...PING, name: `c${index}` }));

    expect((await refusal(rest.put(guild, { body: many }))).code).toBe(30_032);
    expectViolations(sandbox.discord, [{ error: { code: 30_032 } }]);
  });
});

describe('rate limits', () => {
  it('are announced in headers, per channel', async () => {
    await restart({ rateLimits: 'real' });
    const send = (channel: string) =>
      raw('POST', `/channels/${channel}/messages`, { content: 'x', ...QUIET });

    const first = await send(GENERAL.id);
    const second = await send(GENERAL.id);
    const elsewhere = await send(OPS.id);

    expect(headersOf(first)).toMatchObject({ limit: '5', remaining: '4' });
    expect(headersOf(second)).toMatchObject({ limit: '5', remaining: '3', bucket: headersOf(first).bucket });
    expect(headersOf(elsewhere)).toMatchObject({ remaining: '4' });
    expect(Number(headersOf(first)['reset-after'])).toBeGreaterThan(4);
  });

  it('refuse what is above them, and say when to come back', async () => {
    await restart({ rateLimits: 'real' });
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        raw('POST', `/channels/${GENERAL.id}/messages`, { content: 'x', ...QUIET }),
      ),
    );
    const refused = answers.find(({ status }) => status === 429)!;

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(refused.headers.get('x-ratelimit-scope')).toBe('user');
    expect(await refused.json()).toMatchObject({ global: false, retry_after: expect.any(Number) });
    expect(sandbox.discord.violations).toEqual([]);
  });

  it('have one for the whole app, which interactions are outside of', async () => {
    await restart({
      rateLimits: {
        everyRoute: { requests: 100, perSeconds: 1 },
        routes: {},
        globalPerSecond: 1,
        invalidRequests: 100,
      },
    });

    const answers = await Promise.all([raw('GET', '/users/@me'), raw('GET', '/users/@me')]);
    const interaction = await raw('POST', '/interactions/1/nope/callback', { type: 5 });

    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 429]);
    expect(answers.find(({ status }) => status === 429)?.headers.get('x-ratelimit-global')).toBe('true');
    expect(interaction.status).toBe(404);
  });

  it('shut out an app that is refused too often', async () => {
    await restart({
      rateLimits: {
        everyRoute: { requests: 100, perSeconds: 1 },
        routes: {},
        globalPerSecond: 100,
        invalidRequests: 3,
      },
    });

    for (let tries = 0; tries < 4; tries += 1)
      await discordRest(sandbox, 'wrong')
        .get(Routes.user())
        .catch(() => {});
    const banned = await raw('GET', '/users/@me');

    expect([banned.status, banned.headers.get('content-type')]).toEqual([429, 'text/html']);
  });
});

describe('ordered failures', () => {
  it('happen as often as ordered, to the route they were ordered for', async () => {
    const route = 'POST /channels/:channel/messages';
    sandbox.discord.fail(route, { kind: 'status', status: 500 }, 1);
    sandbox.discord.fail(route, { kind: 'rate-limited', retryAfterSeconds: 7, scope: 'shared' });

    await rest.get(Routes.user());
    const broken = await post({ content: 'x' }).catch((error: unknown) => error);
    const limited = await post({ content: 'x' }).catch((error: unknown) => error);
    rest = discordRest(sandbox); // The old one waits for the seven seconds to be over.
    await post({ content: 'x' });

    expect(broken).toBeInstanceOf(HTTPError);
    expect(limited).toBeInstanceOf(RateLimitError);
    expect(sandbox.discord.messages(GENERAL.id)).toHaveLength(1);
  });

  it('can lose the answer to what was done, which a nonce finds again', async () => {
    const body = { content: 'x', nonce: 'n1', enforce_nonce: true };
    sandbox.discord.fail('*', { kind: 'lost-response' });

    await expect(post(body)).rejects.toThrow();
    await post(body);

    expect(sandbox.discord.messages(GENERAL.id)).toHaveLength(1);
    sandbox.discord.fail('*', { kind: 'status', status: 500 });
    sandbox.discord.heal();
    await post({ content: 'y' });
  });
});

describe('what is kept', () => {
  it('notes every call with its body, for tests to read', async () => {
    await post({ content: 'x', ...QUIET });

    expect(sandbox.discord.calls.at(-1)).toEqual({
      route: 'POST /channels/:channel/messages',
      method: 'POST',
      path: `/channels/${GENERAL.id}/messages`,
      body: { content: 'x', ...QUIET },
      files: [],
      status: 200,
    });
  });

  it('is there again after a restart on the same directory', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'sandbox-discord-'));
    await restart({}, dataDir);
    const { id } = await post({ content: 'root', nonce: 'n1', enforce_nonce: true }, GENERAL.id, [
      { name: 'f.txt', data: 'kept' },
    ]);
    await openThread(id, { name: 'talk' });
    await rest.put(Routes.applicationGuildCommands(BOT.discordApplication, GUILD.id), {
      body: [{ name: 'ping', description: 'Ping' }],
    });
    const before = sandbox.env;

    await restart({}, dataDir);

    const again = (await rest.get(Routes.channelMessage(GENERAL.id, id))) as APIMessage;
    expect(sandbox.env.DISCORD_API_URL).toBe(before.DISCORD_API_URL);
    expect(sandbox.env.DISCORD_PUBLIC_KEY).toBe(before.DISCORD_PUBLIC_KEY);
    expect(again).toMatchObject({ content: 'root', thread: { id, name: 'talk' } });
    expect(await (await fetch(again.attachments[0]!.url)).text()).toBe('kept');
    expect(sandbox.discord.commands()).toMatchObject([{ name: 'ping' }]);
    expect((await post({ content: 'root', nonce: 'n1', enforce_nonce: true })).id).toBe(id);
    expect(BigInt((await post({ content: 'next' })).id)).toBeGreaterThan(BigInt(id));
    await rm(dataDir, { recursive: true });
  });
});

/** A form with this as its `payload_json`. */
function formOf(json: string): string {
  return `--x\r\nContent-Disposition: form-data; name="payload_json"\r\n\r\n${json}\r\n--x--\r\n`;
}

async function start(discord: DiscordSandboxOptions = {}, dataDir?: string): Promise<void> {
  sandbox = await startSandbox({ clock: { now: () => now }, discord, ...(dataDir ? { dataDir } : {}) });
  rest = discordRest(sandbox);
}

async function restart(discord: DiscordSandboxOptions, dataDir?: string): Promise<void> {
  await sandbox.stop();
  await start(discord, dataDir);
}

async function post(body: object, channel: string = GENERAL.id, files?: RawFile[]): Promise<APIMessage> {
  const options = { body, ...(files === undefined ? {} : { files }) };
  return (await rest.post(Routes.channelMessages(channel), options)) as APIMessage;
}

async function edit(id: string, body: object, channel: string = GENERAL.id): Promise<APIMessage> {
  return (await rest.patch(Routes.channelMessage(channel, id), { body })) as APIMessage;
}

async function openThread(message: string, body: object): Promise<APIThreadChannel> {
  return (await rest.post(Routes.threads(GENERAL.id, message), { body })) as APIThreadChannel;
}

function raw(method: string, route: string, body?: object): Promise<Response> {
  return fetch(`${sandbox.env.DISCORD_API_URL}/v10${route}`, {
    method,
    headers: {
      authorization: `Bot ${sandbox.env.DISCORD_BOT_TOKEN}`,
      'user-agent': USER_AGENT,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function headersOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries(
    [...headers].flatMap(([name, value]) =>
      name.startsWith('x-ratelimit-') ? [[name.slice('x-ratelimit-'.length), value]] : [],
    ),
  );
}

async function refusal(request: Promise<unknown>): Promise<DiscordAPIError> {
  try {
    await request;
  } catch (error) {
    if (error instanceof DiscordAPIError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

function row(...components: object[]): object {
  return { type: 1, components };
}

function button(customId: string): object {
  return { type: 2, style: 1, label: 'x', custom_id: customId };
}

function buttonRow(...customIds: string[]): object {
  return row(...customIds.map(button));
}

function menu(size: number): object {
  const many = Array.from({ length: size }, (_, index) => ({ label: `l${index}`, value: `v${index}` }));
  return { type: 3, custom_id: 'menu', options: many };
}

function text(content: string): object {
  return { type: 10, content };
}

function option(name: string) {
  return { type: 3, name, description: 'x' };
}

function options(count: number) {
  return Array.from({ length: count }, (_, index) => option(`o${index}`));
}

function choices(count: number, suffix = '') {
  return Array.from({ length: count }, (_, index) => ({ name: `${index}${suffix}`, value: `${index}` }));
}
