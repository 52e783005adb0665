/**
 * The page: the sandbox's Slack, mailboxes and ledger side by side, live, for a person at a browser.
 *
 * Owns      the files of the page, the stream of its state, and what its buttons do.
 * Not here  what any of that means: it does what a person could do, through the same methods as a test.
 *
 * Invariants
 *   1. Only a page of this very server may act: every request that changes something is JSON, and its Origin, where
 *      a browser sends one, is ours; the Host is a loopback name, so no foreign name can be bound to it.
 *   2. What people and mails say is data. The page inserts it as text; a mail's HTML is served alone, with neither
 *      scripts nor anything from elsewhere.
 */
import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { FORM_CHOICES } from '../../domain/form.ts';
import { ApprovalId } from '../../domain/ids.ts';
import { AnswerChoice } from '../../domain/message.ts';
import { BOT, PEOPLE } from '../people.ts';
import { FILE_OPTION, type PageSources, toPageState } from './page-state.ts';

const FILES: Readonly<Record<string, string>> = {
  '/': 'index.html',
  '/page/style.css': 'style.css',
  '/page/page.js': 'page.js',
  '/page/dom.js': 'dom.js',
  '/page/markup.js': 'markup.js',
  '/page/blocks.js': 'blocks.js',
  '/page/slack.js': 'slack.js',
  '/page/composer.js': 'composer.js',
  '/page/files.js': 'files.js',
  '/page/discord.js': 'discord.js',
  '/page/jira.js': 'jira.js',
  '/page/web.js': 'web.js',
  '/page/mail.js': 'mail.js',
  '/page/ledger.js': 'ledger.js',
  '/page/icon.svg': 'icon.svg',
};

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** For the HTML of a mail: its own inline styles and nothing else; `sandbox` takes scripts, forms and links away. */
const MAIL_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'";

/** How often a silent stream says that it is alive. */
const KEEP_ALIVE_MS = 15_000;

/** Files of one message, as JSON: a third more than their bytes. */
const MAX_ACTION_BYTES = 16 * 1024 * 1024;

const person = z.enum(PEOPLE.map(({ slackUser }) => slackUser));
const words = z.string().trim().min(1).max(10_000);

const SentFile = z
  .strictObject({ name: z.string().min(1).max(255), mediaType: z.string().max(255), base64: z.base64() })
  .transform(({ name, mediaType, base64 }) => ({
    name,
    mediaType: mediaType || 'application/octet-stream',
    bytes: Buffer.from(base64, 'base64'),
  }));
type SentFile = z.infer<typeof SentFile>;

/** What goes along with a message; a message may be nothing but files. */
const files = z.array(SentFile).max(10).default([]);
const wordsBesideFiles = z.string().trim().max(10_000);

function saysSomething({ text, files }: { text: string; files: readonly SentFile[] }): boolean {
  return text !== '' || files.length > 0;
}

const Say = z
  .strictObject({
    user: person,
    channel: z.string(),
    text: wordsBesideFiles,
    thread: z.string().optional(),
    files,
  })
  .refine(saysSomething, 'says nothing');
const Press = z.strictObject({
  user: person,
  channel: z.string(),
  ts: z.string(),
  actionId: z.string(),
  ticked: z.array(z.string()).default([]),
  chosen: z.string().optional(),
});
const Submit = z.strictObject({ user: person, values: z.record(z.string(), z.string()) });
const Close = z.strictObject({ user: person });
const Reply = z.strictObject({ address: z.string(), id: z.string(), line: words });
const Write = z.strictObject({
  from: z.string(),
  subject: z.string().trim().min(1).max(200),
  text: words,
  files,
});
const discordUser = z.enum(PEOPLE.map((each) => each.discordUser));
const jiraAccount = z.enum(PEOPLE.map((each) => each.jiraAccount));
const DiscordSay = z
  .strictObject({ user: discordUser, channel: z.string(), text: wordsBesideFiles, files })
  .refine(saysSomething, 'says nothing');
const DiscordPress = z.strictObject({
  user: discordUser,
  channel: z.string(),
  message: z.string(),
  customId: z.string(),
});
const DiscordChoose = z.strictObject({ ...DiscordPress.shape, values: z.array(z.string()).min(1) });
const DiscordSubmit = z.strictObject({ user: discordUser, values: z.record(z.string(), z.string()) });
const DiscordClose = z.strictObject({ user: discordUser });
const JiraComment = z
  .strictObject({ user: jiraAccount, issue: z.string(), text: wordsBesideFiles, files })
  .refine(saysSomething, 'says nothing');
const JiraAssign = z.strictObject({ user: jiraAccount, issue: z.string() });
const JiraMove = z.strictObject({ user: jiraAccount, issue: z.string(), to: z.string() });
const JiraCreate = z.strictObject({ user: jiraAccount, summary: z.string().trim().min(1).max(200) });
const webClient = z.enum(PEOPLE.map((each) => each.webClient));
const WebSay = z.strictObject({
  client: webClient,
  conversation: z.string().regex(/^[\w-]{1,100}$/),
  text: words,
  files,
});
const WebAnswer = z.strictObject({
  client: webClient,
  card: z.strictObject({ approvalId: ApprovalId, gen: z.int().nonnegative(), digest: z.string() }),
  choice: AnswerChoice,
  text: words.optional(),
  fields: z.record(z.string().max(100), z.string().max(4_000)).optional(),
});
const WebForm = z.strictObject({
  ...WebAnswer.pick({ client: true, card: true }).shape,
  choice: z.enum(FORM_CHOICES),
});

const Target = z.strictObject({
  slackUrl: z.url().nullable().optional(),
  discordUrl: z.url().nullable().optional(),
  jiraUrl: z.url().nullable().optional(),
  webUrl: z.url().nullable().optional(),
  smtp: z.strictObject({ host: z.string(), port: z.int().min(1).max(65_535) }).optional(),
});
const WebFilePath = z.object({ client: webClient, first: z.coerce.number(), index: z.coerce.number() });
const FilePath = z.object({ platform: z.enum(['slack', 'discord', 'jira']), id: z.string() });
const MailFilePath = z.object({ address: z.string(), id: z.string(), index: z.coerce.number() });
const MailPath = z.object({ address: z.string(), id: z.string() });

export class PageServer {
  readonly #streams = new Set<FastifyReply>();
  #stopListening: (() => void)[] = [];
  #isStale = false;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(private readonly sources: PageSources) {}

  register(app: FastifyInstance): void {
    app.register(async (scope) => {
      scope.addHook('onRequest', refuseStrangers);
      for (const [path, file] of Object.entries(FILES)) this.#serveFile(scope, path, file);
      scope.get('/page/events', (_request, reply) => this.#stream(reply));
      scope.get('/page/mail/:address/:id', (request, reply) => this.#mailHtml(request, reply));
      scope.get('/page/mail/:address/:id/file/:index', (request, reply) => this.#mailFile(request, reply));
      scope.get('/page/web/file/:client/:first/:index', (request, reply) => this.#webFile(request, reply));
      scope.get('/page/file/:platform/:id', (request, reply) => this.#file(request, reply));
      this.#registerActions(scope);
    });
  }

  async start(): Promise<void> {
    const { slack, discord, jira, web, mail, shop } = this.sources;
    this.#stopListening = [slack, discord, jira, web, mail, shop].map((source) =>
      source.onChange(() => this.#publishSoon()),
    );
    this.#keepAlive = setInterval(() => this.#write(': still here\n\n'), KEEP_ALIVE_MS);
    this.#keepAlive.unref();
  }

  /** Ends the streams. Safe to call twice. */
  async stop(): Promise<void> {
    clearInterval(this.#keepAlive);
    for (const stopListening of this.#stopListening) stopListening();
    for (const stream of this.#streams) stream.raw.end();
    this.#streams.clear();
  }

  #registerActions(scope: FastifyInstance): void {
    const { slack, discord, jira, web, mail } = this.sources;
    this.#action(scope, 'POST', '/page/say', Say, (said) => sayInSlack(slack, said));
    this.#action(scope, 'POST', '/page/press', Press, (pressed) => slack.press(pressed));
    this.#action(scope, 'POST', '/page/submit', Submit, (submitted) => slack.submitView(submitted));
    this.#action(scope, 'POST', '/page/close', Close, async (closed) => {
      await slack.closeView(closed);
      return {};
    });
    this.#action(scope, 'POST', '/page/reply', Reply, async ({ address, id, line }) => {
      const original = mail.mailbox(address).find(({ messageId }) => messageId === id);
      if (original === undefined) throw new Error('that mail is not in this mailbox');
      const { messageId } = await mail.reply(original, { from: address, line, quoting: 'top' });
      return { messageId };
    });
    this.#action(scope, 'POST', '/page/write', Write, async ({ from, subject, text, files }) => {
      const { messageId } = await mail.send({ from, to: BOT.mail, subject, text, files });
      return { messageId };
    });
    this.#action(scope, 'POST', '/page/discord/say', DiscordSay, (said) => sayInDiscord(discord, said));
    this.#action(scope, 'POST', '/page/discord/press', DiscordPress, (pressed) => discord.press(pressed));
    this.#action(scope, 'POST', '/page/discord/choose', DiscordChoose, (chosen) => discord.choose(chosen));
    this.#action(scope, 'POST', '/page/discord/submit', DiscordSubmit, (filled) =>
      discord.submitModal(filled),
    );
    this.#action(scope, 'POST', '/page/discord/close', DiscordClose, async (closed) => {
      await discord.closeModal(closed);
      return {};
    });
    this.#action(scope, 'POST', '/page/jira/comment', JiraComment, async (wanted) =>
      commentInJira(jira, wanted),
    );
    this.#action(scope, 'POST', '/page/jira/assign', JiraAssign, async (wanted) => ({
      id: jira.assign({ ...wanted, to: BOT.jiraAccount }).id,
    }));
    this.#action(scope, 'POST', '/page/jira/move', JiraMove, async (wanted) => ({
      id: jira.transition(wanted).id,
    }));
    this.#action(scope, 'POST', '/page/jira/create', JiraCreate, async (wanted) => ({
      key: jira.createIssue(wanted).key,
    }));
    this.#action(scope, 'POST', '/page/web/say', WebSay, async ({ files, ...wanted }) => ({
      id: web.say({ ...wanted, attachments: files.map(toAttachment) }),
    }));
    this.#action(scope, 'POST', '/page/web/answer', WebAnswer, async ({ text, fields, ...wanted }) => ({
      id: web.answer({
        ...wanted,
        ...(text === undefined ? {} : { text }),
        ...(fields === undefined ? {} : { fields }),
      }),
    }));
    this.#action(scope, 'POST', '/page/web/form', WebForm, (wanted) => web.form(wanted));
    this.#action(
      scope,
      'PUT',
      '/gateway',
      Target,
      async ({ slackUrl, discordUrl, jiraUrl, webUrl, smtp }) => {
        if (slackUrl !== undefined) slack.deliverTo(slackUrl ?? undefined);
        if (discordUrl !== undefined) discord.deliverTo(discordUrl ?? undefined);
        if (jiraUrl !== undefined) jira.deliverTo(jiraUrl ?? undefined);
        if (webUrl !== undefined) web.connectTo(webUrl ?? undefined);
        if (smtp !== undefined) mail.connectGateway(smtp);
        return {};
      },
    );
  }

  /** One thing the page can ask for; what goes wrong is answered as a sentence. */
  #action<Wanted>(
    scope: FastifyInstance,
    method: 'POST' | 'PUT',
    url: string,
    schema: z.ZodType<Wanted>,
    act: (wanted: Wanted) => Promise<object>,
  ): void {
    scope.route({
      method,
      url,
      bodyLimit: MAX_ACTION_BYTES,
      handler: async (request, reply) => {
        const wanted = schema.safeParse(request.body);
        if (!wanted.success) return reply.code(400).send({ error: z.prettifyError(wanted.error) });
        try {
          return await act(wanted.data);
        } catch (error) {
          return reply.code(409).send({ error: error instanceof Error ? error.message : String(error) });
        }
      },
    });
  }

  #serveFile(scope: FastifyInstance, path: string, file: string): void {
    const content = readFileSync(new URL(file, import.meta.url));
    scope.get(path, async (_request, reply) =>
      reply
        .headers({
          'content-type': TYPES[file.slice(file.lastIndexOf('.') + 1)],
          'content-security-policy': PAGE_POLICY,
          ...HARDENING,
        })
        .send(content),
    );
  }

  #mailHtml(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { address, id } = MailPath.parse(request.params);
    const html = this.sources.mail.mailbox(address).find(({ messageId }) => messageId === id)?.html;
    if (html === undefined) return reply.code(404).send('no such mail');
    return reply
      .headers({ 'content-type': TYPES.html, 'content-security-policy': MAIL_POLICY, ...HARDENING })
      .send(html);
  }

  #mailFile(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { address, id, index } = MailFilePath.parse(request.params);
    const mail = this.sources.mail.mailbox(address).find(({ messageId }) => messageId === id);
    const file = mail?.attachments[index];
    return sendFile(reply, bytesOf(file), file?.name);
  }

  #webFile(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const path = WebFilePath.safeParse(request.params).data;
    const heard = path && this.sources.web.heard(path.client).find(({ first }) => first === path.first);
    const files = heard?.event.kind === 'text' ? heard.event.files : undefined;
    const file = files?.[path?.index ?? 0];
    return sendFile(reply, bytesOf(file), file?.name);
  }

  #file(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { platform, id } = FilePath.parse(request.params);
    return sendFile(reply, fileOf(this.sources, platform, id));
  }

  #stream(reply: FastifyReply): FastifyReply {
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      ...HARDENING,
    });
    reply.raw.write(toStreamEvent(this.sources));
    reply.raw.once('close', () => this.#streams.delete(reply));
    this.#streams.add(reply);
    return reply;
  }

  /** Many changes of one moment are one event. */
  #publishSoon(): void {
    if (this.#isStale || this.#streams.size === 0) return;
    this.#isStale = true;
    setImmediate(() => {
      this.#isStale = false;
      this.#write(toStreamEvent(this.sources));
    });
  }

  #write(chunk: string): void {
    for (const stream of this.#streams) stream.raw.write(chunk);
  }
}

const HARDENING = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

async function refuseStrangers(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { host = '', origin } = request.headers;
  const isOurHost = LOOPBACK_HOSTS.has(host.replace(/:\d+$/, ''));
  const isOurOrigin = origin === undefined || origin === `http://${host}`;
  if (!isOurHost || !isOurOrigin) await reply.code(403).send({ error: 'this page is for this machine only' });
}

/** What begins with a slash is a command, as in any Slack client; what it knows is said there, too. */
async function sayInSlack(
  slack: PageSources['slack'],
  { user, channel, text, thread, files }: z.infer<typeof Say>,
): Promise<object> {
  const [, command, typed = ''] = /^(\/\S*)\s*([\s\S]*)$/.exec(text) ?? [];
  if (command === undefined) {
    const { ts } = await slack.say({
      user,
      channel,
      text,
      files,
      ...(thread === undefined ? {} : { thread }),
    });
    return { ts };
  }
  if (thread !== undefined) throw new Error(`${command} is not supported in threads. Sorry!`);
  if (files.length > 0) throw new Error(`${command} takes ${filesText(0)}`);
  return slack.command({ user, channel, command, text: typed });
}

/** The files are put on the issue, and the comment names them, as dropping them into its field would do. */
function commentInJira(
  jira: PageSources['jira'],
  { user, issue, text, files }: z.infer<typeof JiraComment>,
): object {
  const names = files.map(({ name, mediaType, bytes }) => {
    // What markup stands for would not be found again under that name.
    const filename = name.replaceAll(/[[\]!|^]/g, '_');
    return jira.attach({ user, issue, filename, mimeType: mediaType, bytes }).filename;
  });
  const named = names.map((name) => `[^${name}]`).join('\n');
  return { id: jira.comment({ user, issue, text: [text, named].filter(Boolean).join('\n\n') }).id };
}

function toAttachment({ name, mediaType, bytes }: SentFile) {
  return { name, mediaType, base64: bytes.toString('base64') };
}

function fileOf(
  { slack, discord, jira }: PageSources,
  platform: z.infer<typeof FilePath>['platform'],
  id: string,
): Buffer | undefined {
  switch (platform) {
    case 'slack':
      return slack.fileContent(id);
    case 'discord':
      return discord.fileContent(id);
    case 'jira':
      return bytesOf(jira.issues.flatMap(({ key }) => jira.attachments(key)).find((file) => file.id === id));
    default:
      return platform satisfies never;
  }
}

function bytesOf(file: { readonly base64: string } | undefined): Buffer | undefined {
  return file && Buffer.from(file.base64, 'base64');
}

/** To be kept, never to be shown: whoever wrote it might mean it as a page. */
function sendFile(reply: FastifyReply, bytes: Buffer | undefined, name?: string): FastifyReply {
  if (bytes === undefined) return reply.code(404).send('no such file');
  // Without a name here, the link that leads here says under which.
  const filename = name === undefined ? '' : `; filename*=UTF-8''${encodeURIComponent(name)}`;
  return reply
    .headers({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment${filename}`,
      'content-security-policy': "default-src 'none'; sandbox",
      ...HARDENING,
    })
    .send(bytes);
}

/**
 * A text that begins with a slash is a command of the app: its words are the options, the last of them takes the rest,
 * and files go where the command takes files.
 */
async function sayInDiscord(
  discord: PageSources['discord'],
  { user, channel, text, files }: z.infer<typeof DiscordSay>,
): Promise<object> {
  const uploads = files.map(toUpload);
  const [, name, rest = ''] = /^\/(\w+)\s*([\s\S]*)$/.exec(text) ?? [];
  if (name === undefined) return { id: (await discord.say({ user, channel, text, files: uploads })).id };
  const command = discord.commands().find((each) => each.name === name);
  if (!command) throw new Error(`there is no command /${name}; there are ${namesOf(discord)}`);
  const all = command.options ?? [];
  const takesFiles = all.filter(({ type }) => type === FILE_OPTION);
  if (uploads.length > takesFiles.length) throw new Error(`/${name} takes ${filesText(takesFiles.length)}`);
  const given = rest.trim() === '' ? [] : rest.trim().split(/\s+/);
  const words = all
    .filter(({ type }) => type !== FILE_OPTION)
    .map((option, index, { length }) => [
      option.name,
      index === length - 1 ? given.slice(index).join(' ') : (given[index] ?? ''),
    ]);
  return discord.slash({
    user,
    channel,
    command: name,
    options: {
      ...Object.fromEntries(words.filter(([, value]) => value !== '')),
      ...Object.fromEntries(uploads.map((upload, index) => [takesFiles[index]?.name, upload])),
    },
  });
}

function toUpload({ name: filename, mediaType: contentType, bytes }: SentFile) {
  return { filename, contentType, bytes };
}

function filesText(count: number): string {
  return count === 0 ? 'no files; send them with a message' : `${count} file${count === 1 ? '' : 's'} only`;
}

function namesOf(discord: PageSources['discord']): string {
  const names = discord.commands().flatMap(({ name, type }) => (type === 1 ? [`/${name}`] : []));
  return names.length === 0 ? 'none yet: no gateway has registered any' : names.join(', ');
}

function toStreamEvent(sources: PageSources): string {
  return `event: state\ndata: ${JSON.stringify(toPageState(sources))}\n\n`;
}
