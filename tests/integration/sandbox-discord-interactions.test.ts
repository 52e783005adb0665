import { createPublicKey, verify } from 'node:crypto';
import {
  ActionRowBuilder,
  type APIInteraction,
  ButtonBuilder,
  ButtonStyle,
  type Client,
  DiscordAPIError,
  Events,
  InteractionContextType,
  MessageFlags,
  ModalBuilder,
  type REST,
  Routes,
  StringSelectMenuBuilder,
  TextInputBuilder,
  TextInputStyle,
} from 'discord.js';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, EVE, GUILD, GUILD_ROLES } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { BareGateway, connectDiscord, discordRest, onInteraction } from '../support/discord-client.ts';
import { expectNoViolations, expectViolations } from '../support/violations.ts';

const [GENERAL] = DISCORD_CHANNELS;
const SECOND_MS = 1_000;
const ASK = {
  name: 'ask',
  description: 'Ask',
  options: [
    { type: 3, name: 'text', description: 'What', required: true, max_length: 20 },
    { type: 11, name: 'file', description: 'With' },
    { type: 6, name: 'whom', description: 'Whom' },
  ],
};
const APPROVE = {
  name: 'approve',
  description: 'Approve',
  options: [{ type: 3, name: 'ticket', description: 'Which', required: true, autocomplete: true }],
};
const LOOK = { name: 'Ask Signalbox about this', type: 3 };
const SPK_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

let sandbox: Sandbox;
let client: Client<true>;
let rest: REST;
let now: number;

beforeEach(async () => {
  now = Date.now();
  sandbox = await startSandbox({ clock: { now: () => now } });
  client = await connectDiscord(sandbox);
  rest = discordRest(sandbox);
  await client.application.commands.set([ASK, APPROVE, LOOK], GUILD.id);
});

afterEach(async () => {
  await client.destroy();
  await sandbox.stop();
  expectNoViolations(sandbox.discord);
});

describe('slash commands', () => {
  it('come with who typed them, their roles, and what they named', async () => {
    const typed = new Promise<APIInteraction>((resolve) => onInteraction(client, resolve));
    const outcome = ask({
      text: 'why',
      whom: DANA.discordUser,
      file: { filename: 'log.txt', contentType: 'text/plain', bytes: bytes('lines') },
    });

    const interaction = await typed;
    await callback(interaction, { type: 4, data: { content: 'because' } });

    expect(interaction).toMatchObject({
      type: 2,
      guild_id: GUILD.id,
      channel: { id: GENERAL.id, type: 0 },
      member: { user: { id: ALEX.discordUser }, roles: [GUILD_ROLES[1].id] },
      data: {
        name: 'ask',
        options: [
          { name: 'text', value: 'why' },
          { name: 'file', value: expect.any(String) },
          { name: 'whom', value: DANA.discordUser },
        ],
        resolved: { users: { [DANA.discordUser]: { global_name: DANA.name } } },
      },
    });
    expect(await outcome).toMatchObject({ kind: 'message', message: { content: 'because', type: 20 } });
  });

  it('carry files that can be read for a day', async () => {
    client.on(Events.InteractionCreate, async (interaction) => {
      if (!interaction.isChatInputCommand()) return;
      await interaction.reply(interaction.options.getAttachment('file', true).url);
    });

    const file = { filename: 'log.txt', contentType: 'text/plain', bytes: bytes('lines') };
    const seen = await ask({ text: 'why', file });
    const url = seen.kind === 'message' ? seen.message.content : '';
    const fresh = await fetch(url);
    const forged = await fetch(url.replace(/hm=.{4}/, 'hm=beef'));
    now += 25 * 60 * 60 * SECOND_MS;
    const stale = await fetch(url);

    expect(await fresh.text()).toBe('lines');
    expect([forged.status, stale.status]).toEqual([404, 404]);
  });

  it('must be registered, and their options must fit', async () => {
    await expect(slash('nothing')).rejects.toThrow(
      'the app has no command "nothing" here; it has: ask, approve',
    );
    await expect(ask({})).rejects.toThrow('option text of /ask is required');
    await expect(ask({ text: 'x'.repeat(21) })).rejects.toThrow('takes at most 20 characters');
    await expect(ask({ text: 'x', who: 'y' })).rejects.toThrow('/ask has no option who');
    await expect(
      sandbox.discord.slash({ user: ALEX.discordUser, channel: ALEX.discordDm, command: 'ask' }),
    ).rejects.toThrow('no command "ask" here; it has: none');
  });

  it('are answered for the person alone when the app says so', async () => {
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isChatInputCommand())
        await interaction.reply({ content: 'psst', flags: MessageFlags.Ephemeral });
    });

    const seen = await ask({ text: 'why' });

    expect(seen).toMatchObject({ kind: 'message', message: { onlyFor: ALEX.discordUser } });
    expect(sandbox.discord.messages(GENERAL.id)).toEqual([]);
    expect(sandbox.discord.ephemerals(EVE.discordUser)).toEqual([]);
    const id = sandbox.discord.ephemerals(ALEX.discordUser)[0]!.id;
    expect(await code(rest.get(Routes.channelMessage(GENERAL.id, id)))).toBe(10_008);
  });

  it('are offered in direct messages when they are global, and not kept out of them', async () => {
    await client.application.commands.set([
      { name: 'here', description: 'Here' },
      { name: 'guild', description: 'Not here', contexts: [InteractionContextType.Guild] },
    ]);
    const typed = new Promise<APIInteraction>((resolve) => onInteraction(client, resolve));
    const inDm = { user: ALEX.discordUser, channel: ALEX.discordDm };

    const outcome = sandbox.discord.slash({ ...inDm, command: 'here' });
    const interaction = await typed;
    await callback(interaction, { type: 4, data: { content: 'hello' } });

    expect(await outcome).toMatchObject({ kind: 'message', message: { channel: ALEX.discordDm } });
    expect(interaction).toMatchObject({ context: 1, user: { id: ALEX.discordUser }, channel: { type: 1 } });
    expect(interaction).not.toHaveProperty('member');
    await expect(sandbox.discord.slash({ ...inDm, command: 'guild' })).rejects.toThrow('it has: here');
  });

  it('may have subcommands', async () => {
    const close = {
      type: 1,
      name: 'close',
      description: 'Close',
      options: [{ type: 4, name: 'number', description: 'Which', min_value: 1 }],
    };
    await client.application.commands.set(
      [{ name: 'ticket', description: 'Tickets', options: [close] }],
      GUILD.id,
    );
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isChatInputCommand())
        await interaction.reply(
          `${interaction.options.getSubcommand()} ${interaction.options.getInteger('number')}`,
        );
    });

    expect(await slash('ticket close', { number: 7 })).toMatchObject({ message: { content: 'close 7' } });
    await expect(slash('ticket close', { number: 0 })).rejects.toThrow('takes at least 1');
    await expect(slash('ticket')).rejects.toThrow('needs one of its subcommands');
    await expect(slash('ticket open')).rejects.toThrow('has no subcommand open');
  });

  it('show the target of a message command whole', async () => {
    const said = await sandbox.discord.say({
      user: DANA.discordUser,
      channel: GENERAL.id,
      text: 'secret plan',
    });
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isMessageContextMenuCommand())
        await interaction.reply(`about: ${interaction.targetMessage.content}`);
    });

    const seen = await sandbox.discord.contextCommand({
      user: ALEX.discordUser,
      channel: GENERAL.id,
      message: said.id,
      command: LOOK.name,
    });

    expect(seen).toMatchObject({ kind: 'message', message: { content: 'about: secret plan' } });
  });

  it('offer what the app completes', async () => {
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isAutocomplete())
        await interaction.respond([{ name: `for ${interaction.options.getFocused()}`, value: 'a.1' }]);
    });

    expect(await completing('ab')).toEqual({ kind: 'choices', choices: [{ name: 'for ab', value: 'a.1' }] });
  });

  it('cannot be deferred while completing, nor offer too many choices', async () => {
    const codes: unknown[] = [];
    onInteraction(client, async (interaction) => {
      codes.push(await code(callback(interaction, { type: 5 })));
      const choices = Array.from({ length: 26 }, (_, index) => ({ name: `n${index}`, value: `v${index}` }));
      codes.push(await code(callback(interaction, { type: 8, data: { choices } })));
      await callback(interaction, { type: 8, data: { choices: [] } });
    });

    await completing('ab');

    expect(codes).toEqual([50_035, 50_035]);
    expectViolations(sandbox.discord, [
      { error: { errors: { type: {} } } },
      { error: { errors: { data: { choices: {} } } } },
    ]);
  });
});

describe('the first response', () => {
  it('is taken once', async () => {
    const codes = new Promise((resolve) =>
      onInteraction(client, async (interaction) => {
        await callback(interaction, { type: 5 });
        resolve(await code(callback(interaction, { type: 4, data: { content: 'again' } })));
      }),
    );

    await ask({ text: 'why' });

    expect(await codes).toBe(40_060);
    const interaction = sandbox.discord.hearings.at(-1)?.interaction;
    expectViolations(sandbox.discord, [{ at: now, interaction, error: { code: 40_060 } }]);
  });

  it('is not taken after three seconds, and the person reads that it failed', async () => {
    const late = new Promise((resolve) =>
      onInteraction(client, async (interaction) => {
        now += 3 * SECOND_MS + 1;
        resolve(await code(callback(interaction, { type: 4, data: { content: 'late' } })));
      }),
    );

    const seen = await ask({ text: 'why' });

    expect(await late).toBe(10_062);
    expect(seen).toEqual({ kind: 'failed', reason: 'timeout', text: 'The application did not respond' });
    expect(sandbox.discord.messages(GENERAL.id)).toEqual([]);
  });

  it('is refused under a wrong token, of a wrong type, and with flags that a deferral cannot have', async () => {
    const codes: unknown[] = [];
    onInteraction(client, async (interaction) => {
      codes.push(await code(callback({ ...interaction, token: 'nope' } as APIInteraction, { type: 5 })));
      codes.push(await code(callback(interaction, { type: 7, data: { content: 'x' } })));
      codes.push(await code(callback(interaction, { type: 5, data: { flags: 1 << 15 } })));
      await callback(interaction, { type: 5, data: { flags: 64 } });
    });

    const seen = await ask({ text: 'why' });

    expect(codes).toEqual([10_062, 50_035, 50_035]);
    expectViolations(sandbox.discord, [{ error: { errors: { type: {} } } }, { error: { code: 50_035 } }]);
    expect(seen).toMatchObject({ kind: 'thinking', message: { onlyFor: ALEX.discordUser } });
  });

  it('can be asked back', async () => {
    const answer = new Promise((resolve) =>
      onInteraction(client, async (interaction) => {
        const query = new URLSearchParams({ with_response: 'true' });
        resolve(await callback(interaction, { type: 4, data: { content: 'here' } }, query));
      }),
    );

    const seen = await ask({ text: 'why' });

    const id = seen.kind === 'message' ? seen.message.id : '';
    expect(await answer).toMatchObject({
      interaction: { response_message_id: id, response_message_loading: false },
      resource: { type: 4, message: { id, content: 'here' } },
    });
  });

  it('is known to have been due from whom: those who were told, and those of them who were cut since', async () => {
    onInteraction(client, (interaction) => void callback(interaction, { type: 5 }));
    const other = await BareGateway.identified(sandbox);
    await ask({ text: 'why' });

    other.cut();
    await sandbox.discord.until(({ connections }) => connections === 1);
    await ask({ text: 'why' });

    const [first, second] = sandbox.discord.hearings;
    expect(first?.listeners.map(({ cutAt }) => cutAt)).toEqual([undefined, now]);
    expect(second?.listeners.map(({ cutAt }) => cutAt)).toEqual([undefined]);
  });

  it('fails for want of a connection', async () => {
    await client.destroy();
    await sandbox.stop();
    sandbox = await startSandbox({ discord: { firstResponseMs: 5 } });
    await discordRest(sandbox).put(Routes.applicationGuildCommands(BOT.discordApplication, GUILD.id), {
      body: [ASK],
    });

    expect(await ask({ text: 'why' })).toMatchObject({ kind: 'failed', reason: 'no_connection' });
  });
});

describe('what comes after the first response', () => {
  it('fills in a deferred answer with the first follow-up, then adds', async () => {
    const done = new Promise<void>((resolve) =>
      onInteraction(client, async (interaction) => {
        await callback(interaction, { type: 5 });
        await followUp(interaction, { content: 'one' });
        await followUp(interaction, { content: 'two', flags: 64 });
        resolve();
      }),
    );

    const seen = await ask({ text: 'why' });
    await done;

    const thinking = seen.kind === 'thinking' ? seen.message.id : '';
    expect(sandbox.discord.messages(GENERAL.id)).toMatchObject([
      { id: thinking, content: 'one', loading: false },
    ]);
    expect(sandbox.discord.ephemerals(ALEX.discordUser)).toMatchObject([{ content: 'two' }]);
  });

  it('can be read, edited and deleted for fifteen minutes', async () => {
    const answered = new Promise<APIInteraction>((resolve) =>
      onInteraction(client, async (interaction) => {
        await callback(interaction, { type: 4, data: { content: 'one' } });
        resolve(interaction);
      }),
    );
    await ask({ text: 'why' });
    const { token } = await answered;
    const original = Routes.webhookMessage(BOT.discordApplication, token, '@original');

    const edited = await rest.patch(original, { body: { content: 'two' }, auth: false });
    const read = await rest.get(original, { auth: false });
    now += 15 * 60 * SECOND_MS + 1;
    const late = await code(rest.patch(original, { body: { content: 'three' }, auth: false }));

    expect(edited).toMatchObject({ content: 'two' });
    expect(read).toMatchObject({ content: 'two' });
    expect(late).toBe(50_027);
  });

  it('needs the first response', async () => {
    const early = new Promise((resolve) =>
      onInteraction(client, async (interaction) => {
        resolve(await code(followUp(interaction, { content: 'early' })));
        await callback(interaction, { type: 5 });
      }),
    );

    await ask({ text: 'why' });

    expect(await early).toBe(10_015);
  });
});

describe('components and modals', () => {
  it('tell who pressed, and change the message in place', async () => {
    const card = await postCard();
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isButton())
        await interaction.update({ content: `approved by ${interaction.user.id}`, components: [] });
    });

    const seen = await press(card, DANA.discordUser, 'yes');

    expect(seen).toMatchObject({ kind: 'updated', message: { id: card } });
    expect(sandbox.discord.message(card)).toMatchObject({
      content: `approved by ${DANA.discordUser}`,
      components: [],
    });
  });

  it('can be acknowledged without a sign, and the message changed later', async () => {
    const card = await postCard();
    client.on(Events.InteractionCreate, async (interaction) => {
      if (!interaction.isButton()) return;
      await interaction.deferUpdate();
      await interaction.editReply('changed later');
    });

    expect(await press(card, DANA.discordUser, 'yes')).toEqual({ kind: 'acknowledged' });
    await sandbox.discord.until((discord) => discord.message(card)?.content === 'changed later');
  });

  it('open a modal, whose submission knows the message', async () => {
    const card = await postCard();
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isButton()) await interaction.showModal(reasonModal());
      else if (interaction.isModalSubmit() && interaction.isFromMessage())
        await interaction.update({ content: interaction.fields.getTextInputValue('reason'), components: [] });
    });

    const opened = await press(card, DANA.discordUser, 'no');
    await expect(submit({ reason: '' })).rejects.toThrow('input reason is required');
    await expect(submit({ other: 'x' })).rejects.toThrow('no input other');
    const seen = await submit({ reason: 'too dear' });

    expect(opened).toMatchObject({ kind: 'modal', modal: { title: 'Deny', user: DANA.discordUser } });
    expect(seen).toMatchObject({ kind: 'updated', message: { id: card, content: 'too dear' } });
    expect(sandbox.discord.modals(DANA.discordUser)).toEqual([]);
  });

  it('offer menus', async () => {
    const menu = new StringSelectMenuBuilder()
      .setCustomId('pick')
      .addOptions({ label: 'A', value: 'a' }, { label: 'B', value: 'b' });
    const card = await post({
      components: [new ActionRowBuilder<StringSelectMenuBuilder>().addComponents(menu)],
    });
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isStringSelectMenu()) await interaction.reply(interaction.values.join());
    });
    const choose = (values: string[]) =>
      sandbox.discord.choose({
        user: EVE.discordUser,
        channel: GENERAL.id,
        message: card,
        customId: 'pick',
        values,
      });

    expect(await choose(['b'])).toMatchObject({ kind: 'message', message: { content: 'b' } });
    await expect(choose(['c'])).rejects.toThrow('does not offer c');
    await expect(choose(['a', 'b'])).rejects.toThrow('takes 1 to 1 values');
  });

  it('cannot be pressed when they are not there, save on an older copy', async () => {
    const card = await postCard();
    const copy = sandbox.discord.message(card)!;
    await rest.patch(Routes.channelMessage(GENERAL.id, card), { body: { content: 'done', components: [] } });
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isButton())
        await interaction.reply({ content: `too late: ${interaction.message.content}`, flags: 64 });
    });

    await expect(press(card, DANA.discordUser, 'yes')).rejects.toThrow('no button with custom_id yes');
    const where = { user: DANA.discordUser, channel: GENERAL.id, message: card, customId: 'yes' };
    expect(await sandbox.discord.press({ ...where, copy })).toMatchObject({
      kind: 'message',
      message: { content: 'too late: done', onlyFor: DANA.discordUser },
    });
  });
});

describe('interactions over HTTP', () => {
  let app: FastifyInstance;
  let answer: (interaction: APIInteraction) => unknown;
  let verifies: boolean;

  beforeEach(async () => {
    verifies = true;
    app = fastify();
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    app.post('/interactions', async (request, reply) => {
      const signed = Buffer.from(`${request.headers['x-signature-timestamp']}${request.body}`);
      const signature = Buffer.from(String(request.headers['x-signature-ed25519']), 'hex');
      if (verifies && !verify(null, signed, publicKey(), signature)) return reply.code(401).send();
      const interaction = JSON.parse(String(request.body));
      return interaction.type === 1 ? { type: 1 } : answer(interaction);
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    sandbox.discord.deliverTo(`${app.listeningOrigin}/interactions`);
  });

  afterEach(async () => {
    await app.close();
  });

  it('takes the answer to the request as the first response', async () => {
    answer = ({ data }) => ({ type: 4, data: { content: `you typed /${(data as { name: string }).name}` } });

    expect(await ask({ text: 'why' })).toMatchObject({
      kind: 'message',
      message: { content: 'you typed /ask' },
    });
  });

  it('comes again with the same id when it is delivered again', async () => {
    const ids: string[] = [];
    answer = ({ id }) => {
      ids.push(id);
      return { type: 5 };
    };

    await ask({ text: 'why' });
    await sandbox.discord.redeliver('INTERACTION_CREATE');

    expect(ids).toEqual([ids[0], ids[0]]);
  });

  it('verifies the endpoint as Discord does', async () => {
    expect(await sandbox.discord.verifyInteractionsUrl()).toBe(true);

    verifies = false;

    expect(await sandbox.discord.verifyInteractionsUrl()).toBe(false);
  });

  it('OM-191 takes the URL away from an app that believes a wrong signature', async () => {
    verifies = false;
    answer = () => ({ type: 4, data: { content: 'believed' } });

    expect(await ask({ text: 'why' })).toMatchObject({ kind: 'failed', reason: 'http_error' });
    expect(sandbox.discord.interactionsUrl).toBeUndefined();
    expect(sandbox.discord.deliveries).toEqual([{ what: 'wrong signature', outcome: 200 }]);
  });

  it('lets the person see a failure when the answer is an error, or none that Discord takes', async () => {
    answer = () => {
      throw new Error('stored nothing');
    };
    const failed = await ask({ text: 'why' });
    answer = () => ({ type: 4, data: { content: 'x'.repeat(2_001) } });
    const invalid = await ask({ text: 'why' });

    expect(failed).toMatchObject({ kind: 'failed', reason: 'http_error' });
    expect(invalid).toMatchObject({ kind: 'failed', reason: 'invalid_response' });
    expectViolations(sandbox.discord, [
      { route: 'interactions endpoint', error: { errors: { data: { content: {} } } } },
    ]);
  });

  it('posts what it is told to post, signed or not', async () => {
    const body = JSON.stringify({ type: 1 });

    expect(await sandbox.discord.deliverRaw({ body })).toMatchObject({ status: 200 });
    expect(await sandbox.discord.deliverRaw({ body, signature: 'ab'.repeat(64) })).toMatchObject({
      status: 401,
    });
    expect(await sandbox.discord.deliverRaw({ body, signature: null })).toMatchObject({ status: 401 });
  });
});

function publicKey() {
  const key = Buffer.concat([SPK_PREFIX, Buffer.from(sandbox.env.DISCORD_PUBLIC_KEY!, 'hex')]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

function ask(options: NonNullable<Parameters<Sandbox['discord']['slash']>[0]['options']>) {
  return slash('ask', options);
}

function slash(command: string, options = {}) {
  return sandbox.discord.slash({ user: ALEX.discordUser, channel: GENERAL.id, command, options });
}

function completing(value: string) {
  const where = { user: ALEX.discordUser, channel: GENERAL.id };
  return sandbox.discord.autocomplete({ ...where, command: 'approve', option: 'ticket', value });
}

function callback({ id, token }: APIInteraction, body: unknown, query?: URLSearchParams) {
  return rest.post(Routes.interactionCallback(id, token), { body, auth: false, ...(query ? { query } : {}) });
}

function followUp({ token }: APIInteraction, body: unknown) {
  return rest.post(Routes.webhook(BOT.discordApplication, token), { body, auth: false });
}

function submit(values: Record<string, string>) {
  return sandbox.discord.submitModal({ user: DANA.discordUser, values });
}

function press(message: string, user: string, customId: string) {
  return sandbox.discord.press({ user, channel: GENERAL.id, message, customId });
}

async function postCard(): Promise<string> {
  const button = (customId: string, label: string) =>
    new ButtonBuilder().setCustomId(customId).setLabel(label).setStyle(ButtonStyle.Primary);
  return post({
    components: [
      new ActionRowBuilder<ButtonBuilder>().addComponents(button('yes', 'Approve'), button('no', 'Deny')),
    ],
  });
}

async function post({ components }: { components: { toJSON(): unknown }[] }): Promise<string> {
  const body = { content: 'card', components: components.map((row) => row.toJSON()) };
  const posted = await rest.post(Routes.channelMessages(GENERAL.id), { body });
  return (posted as { id: string }).id;
}

function reasonModal(): ModalBuilder {
  const input = new TextInputBuilder()
    .setCustomId('reason')
    .setLabel('Why?')
    .setStyle(TextInputStyle.Paragraph)
    .setRequired(true);
  return new ModalBuilder()
    .setCustomId('deny')
    .setTitle('Deny')
    .addComponents(new ActionRowBuilder<TextInputBuilder>().addComponents(input));
}

/** Discord's code of a refusal; `none` when there was none. */
async function code(request: Promise<unknown>): Promise<number | string> {
  try {
    await request;
    return 'none';
  } catch (error) {
    if (error instanceof DiscordAPIError) return error.code;
    throw error;
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
