/**
 * The Web API: what the app may ask of the workspace, and how Slack refuses.
 *
 * Owns      the methods, their arguments, tokens, and the errors by name.
 * Not here  state (`workspace.ts`), Block Kit's rules (`block-rules.ts`), ordered failures (`faults.ts`).
 */
import { z } from 'zod';
import { BOT, CHANNELS, PEOPLE, TEAM } from '../people.ts';
import { Block, type BlocksVerdict, judgeMessageBlocks, judgeView, View } from './block-rules.ts';
import { botIsIn, channelExists, handleOf, isDm, type Payload, toWire, toWireView } from './events.ts';
import { type Files, withFiles } from './files.ts';
import {
  DEFAULT_PAGE_SIZE,
  MAX_MARKDOWN_CHARS,
  MAX_PAGE_SIZE,
  MAX_POST_TEXT_CHARS,
  MAX_UPDATE_TEXT_BYTES,
} from './limits.ts';
import { type Messages, withBlockIds } from './messages.ts';
import type { Triggers } from './triggers.ts';
import { Metadata, type SlackMessage, type Workspace } from './workspace.ts';

export type Answer = Payload & { readonly ok: boolean };

export interface Tokens {
  readonly bot: string;
  readonly app: string;
}

interface Deps {
  readonly workspace: Workspace;
  readonly messages: Messages;
  readonly files: Files;
  readonly triggers: Triggers;
  readonly tokens: Tokens;
  /** The WebSocket address of a new connection. */
  readonly socketUrl: () => string;
  readonly origin: () => string;
}

export class WebApi {
  readonly #methods: ReadonlyMap<string, (args: unknown) => Answer>;

  constructor(private readonly deps: Deps) {
    this.#methods = new Map<string, (args: unknown) => Answer>([
      ['api.test', () => ok({})],
      ['auth.test', () => this.#authTest()],
      ['apps.connections.open', () => ok({ url: deps.socketUrl() })],
      ['chat.postMessage', taking(PostMessage, (args) => this.#postMessage(args))],
      ['chat.postEphemeral', taking(PostEphemeral, (args) => this.#postEphemeral(args))],
      ['chat.update', taking(UpdateMessage, (args) => this.#update(args))],
      ['chat.delete', taking(ByTs, (args) => this.#delete(args))],
      ['chat.startStream', taking(StartStream, (args) => this.#startStream(args))],
      ['chat.appendStream', taking(AppendStream, (args) => this.#appendStream(args))],
      ['chat.stopStream', taking(StopStream, (args) => this.#stopStream(args))],
      ['assistant.threads.setStatus', taking(SetStatus, (args) => this.#setStatus(args))],
      ['conversations.replies', taking(Replies, (args) => this.#replies(args))],
      ['conversations.history', taking(History, (args) => this.#history(args))],
      ['conversations.info', taking(ByChannel, (args) => this.#info(args))],
      ['conversations.members', taking(ByChannel, (args) => this.#members(args))],
      ['conversations.open', taking(OpenDm, (args) => this.#openDm(args))],
      [
        'users.info',
        taking(ByUser, ({ user }) => userAnswer((person) => person.slackUser === user, 'user_not_found')),
      ],
      [
        'users.lookupByEmail',
        taking(ByEmail, ({ email }) => userAnswer(({ mail }) => mail === email, 'users_not_found')),
      ],
      ['files.info', taking(ByFile, (args) => this.#fileInfo(args))],
      ['files.getUploadURLExternal', taking(AnnounceFile, (args) => this.#announceFile(args))],
      ['files.completeUploadExternal', taking(ShareFiles, (args) => this.#shareFiles(args))],
      ['reactions.add', taking(Reaction, (args) => this.#react(args))],
      ['views.open', taking(OpenViewArgs, (args) => this.#openView(args))],
      ['views.update', taking(UpdateViewArgs, (args) => this.#updateView(args))],
    ]);
  }

  call(method: string, args: unknown, token: string | undefined): Answer {
    const run = this.#methods.get(method);
    if (run === undefined) return refuse('unknown_method', { req_method: method });
    const refusal = this.#refuseToken(method, token);
    return refusal === undefined ? run(args) : refuse(refusal);
  }

  #refuseToken(method: string, token: string | undefined): string | undefined {
    const { tokens } = this.deps;
    if (token === undefined || token === '') return 'not_authed';
    if (token !== tokens.bot && token !== tokens.app) return 'invalid_auth';
    const wanted = method === 'apps.connections.open' ? tokens.app : tokens.bot;
    return token === wanted || method === 'api.test' ? undefined : 'not_allowed_token_type';
  }

  #authTest(): Answer {
    return ok({
      url: `${this.deps.origin()}/`,
      team: TEAM.name,
      user: BOT.name,
      team_id: TEAM.id,
      user_id: BOT.user,
      bot_id: BOT.botId,
      is_enterprise_install: false,
    });
  }

  #postMessage(args: PostMessage): Answer {
    const refusal = refusePlace(args.channel) ?? refuseContent(args);
    if (refusal !== undefined) return refusal;
    if (args.thread_ts !== undefined && !isTs(args.thread_ts)) return refuse('invalid_thread_ts');

    const { text, blocks } = contentOf(args);
    const { message } = this.deps.messages.post({
      ...AS_BOT,
      channel: args.channel,
      text,
      ...(blocks === undefined ? {} : { blocks: withBlockIds(blocks) }),
      ...this.#threadOf(args.channel, args.thread_ts),
      ...(args.reply_broadcast === true ? { reply_broadcast: true } : {}),
      ...(args.metadata === undefined ? {} : { metadata: args.metadata }),
      ...(args.unfurl_links === undefined ? {} : { unfurl_links: args.unfurl_links }),
      ...(args.unfurl_media === undefined ? {} : { unfurl_media: args.unfurl_media }),
      ...(args.mrkdwn === undefined ? {} : { mrkdwn: args.mrkdwn }),
      linkNames: args.link_names === true || args.parse === 'full',
    });
    return ok({ channel: args.channel, ts: message.ts, message: toWire(message, { metadata: true }) });
  }

  #postEphemeral(args: PostEphemeral): Answer {
    const refusal = refusePlace(args.channel) ?? refuseContent(args);
    if (refusal !== undefined) return refusal;
    if (!membersOf(args.channel).includes(args.user)) return refuse('user_not_in_channel');

    const { text, blocks } = contentOf(args);
    const ts = this.deps.workspace.nextTs();
    this.deps.workspace.record({
      kind: 'ephemeral-put',
      ephemeral: {
        ts,
        channel: args.channel,
        user: args.user,
        text,
        ...(blocks === undefined ? {} : { blocks: withBlockIds(blocks) }),
        ...(args.thread_ts === undefined ? {} : { thread_ts: args.thread_ts }),
      },
    });
    return ok({ message_ts: ts });
  }

  #update(args: UpdateMessage): Answer {
    const refusal = refuseChannel(args.channel);
    if (refusal !== undefined) return refusal;
    const before = this.deps.workspace.message(args.channel, args.ts);
    if (before === undefined || before.subtype === 'tombstone') return refuse('message_not_found');
    if (before.user !== BOT.user) return refuse('cant_update_message');
    const unfit = refuseContent(args);
    if (unfit !== undefined) return unfit;
    if (Buffer.byteLength(args.text ?? '') > MAX_UPDATE_TEXT_BYTES) return refuse('msg_too_long');
    if (before.streaming === true) return refuse('streaming_state_conflict');

    const { text, blocks } = contentOf(args);
    const { message } = this.deps.messages.edit(
      before,
      {
        text,
        // Left out means kept; an empty list takes the blocks away (docs.slack.dev, chat.update).
        ...(blocks === undefined ? {} : { blocks: withBlockIds(blocks) }),
        ...(args.metadata === undefined ? {} : { metadata: args.metadata }),
      },
      { linkNames: args.link_names === true || args.parse === 'full' },
    );
    return ok({ channel: args.channel, ts: args.ts, text: message.text, message: toWire(message) });
  }

  #delete({ channel, ts }: ByTs): Answer {
    const refusal = refuseChannel(channel);
    if (refusal !== undefined) return refusal;
    const message = this.deps.workspace.message(channel, ts);
    if (message === undefined || message.subtype === 'tombstone') return refuse('message_not_found');
    if (message.user !== BOT.user) return refuse('cant_delete_message');

    this.deps.messages.remove(message).catch(() => {});
    return ok({ channel, ts });
  }

  #startStream(args: StartStream): Answer {
    const refusal = refusePlace(args.channel);
    if (refusal !== undefined) return refusal;
    if (!isTs(args.thread_ts)) return refuse('invalid_thread_ts');
    if (this.deps.workspace.message(args.channel, args.thread_ts) === undefined)
      return refuse('invalid_thread_ts');
    if (!isDm(args.channel) && args.recipient_user_id === undefined)
      return refuse('missing_recipient_user_id');
    if (!isDm(args.channel) && args.recipient_team_id === undefined)
      return refuse('missing_recipient_team_id');
    const piece = pieceOf(args);
    if (piece.length > MAX_MARKDOWN_CHARS) return refuse('msg_too_long');

    const { message } = this.deps.messages.post({
      ...AS_BOT,
      channel: args.channel,
      text: piece,
      ...this.#threadOf(args.channel, args.thread_ts),
      streaming: true,
    });
    return ok({ channel: args.channel, ts: message.ts });
  }

  #appendStream(args: AppendStream): Answer {
    const piece = pieceOf(args);
    if (piece.length > MAX_MARKDOWN_CHARS) return refuse('msg_too_long');
    const before = this.#streamOf(args);
    if (typeof before === 'string') return refuse(before);

    this.deps.messages.edit(before, { text: before.text + piece }, { seen: false });
    return ok({ channel: args.channel, ts: args.ts });
  }

  #stopStream(args: StopStream): Answer {
    const verdict = args.blocks === undefined ? ACCEPTED : judgeMessageBlocks(args.blocks);
    if (verdict.kind === 'refused') return refuseBlocks(verdict);
    const before = this.#streamOf(args);
    if (typeof before === 'string') return refuse(before);

    const { message } = this.deps.messages.edit(
      before,
      {
        text: before.text + pieceOf(args),
        streaming: false,
        ...(args.blocks === undefined ? {} : { blocks: withBlockIds(args.blocks) }),
        ...(args.metadata === undefined ? {} : { metadata: args.metadata }),
      },
      { seen: false },
    );
    return ok({ channel: args.channel, ts: args.ts, message: toWire(message) });
  }

  #streamOf({ channel, ts }: ByTs): SlackMessage | string {
    const message = this.deps.workspace.message(channel, ts);
    if (message === undefined) return 'message_not_found';
    return message.streaming === true ? message : 'message_not_in_streaming_state';
  }

  #setStatus({ channel_id: channel, thread_ts: thread, status }: SetStatus): Answer {
    const refusal = refuseChannel(channel);
    if (refusal !== undefined) return refusal;
    if (this.deps.workspace.message(channel, thread) === undefined) return refuse('thread_not_found');

    this.deps.workspace.record({ kind: 'status', channel, thread, status });
    return ok({});
  }

  #replies(args: Replies): Answer {
    const refusal = refusePlace(args.channel);
    if (refusal !== undefined) return refusal;
    const { workspace } = this.deps;
    const message = workspace.message(args.channel, args.ts);
    if (message === undefined) return refuse('thread_not_found');

    const isReply = message.thread_ts !== undefined && message.thread_ts !== message.ts;
    const thread = isReply ? [message] : workspace.thread(args.channel, args.ts);
    return this.#page(thread, args);
  }

  #history(args: History): Answer {
    const refusal = refusePlace(args.channel);
    if (refusal !== undefined) return refusal;

    const inChannel = this.deps.workspace
      .messages(args.channel)
      .filter(
        ({ thread_ts, ts, reply_broadcast }) =>
          thread_ts === undefined || thread_ts === ts || reply_broadcast === true,
      );
    return this.#page(inChannel.reverse(), args);
  }

  #page(messages: readonly SlackMessage[], args: Paging): Answer {
    const fits = (ts: string) =>
      args.inclusive === true
        ? ts >= (args.oldest ?? '0') && ts <= (args.latest ?? '9')
        : ts > (args.oldest ?? '0') && ts < (args.latest ?? '9');
    const within = messages.filter(({ ts }) => fits(ts));
    const start = Number(Buffer.from(args.cursor ?? '', 'base64').toString() || '0');
    const size = Math.min(args.limit ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    const next = start + size;
    const hasMore = next < within.length;

    return ok({
      messages: within
        .slice(start, next)
        .map((message) => this.#withThread(message, args.include_all_metadata === true)),
      has_more: hasMore,
      ...(hasMore
        ? { response_metadata: { next_cursor: Buffer.from(String(next)).toString('base64') } }
        : {}),
    });
  }

  /** A root says how many replies it has, a reply whose thread it is in. */
  #withThread(message: SlackMessage, metadata: boolean): Payload {
    const { workspace } = this.deps;
    const wire = toWire(message, { metadata });
    if (message.thread_ts !== undefined && message.thread_ts !== message.ts) {
      const root = workspace.message(message.channel, message.thread_ts);
      return root === undefined ? wire : { ...wire, parent_user_id: root.user };
    }
    const replies = workspace.replies(message.channel, message.ts);
    if (replies.length === 0) return wire;
    return {
      ...wire,
      thread_ts: message.ts,
      reply_count: replies.length,
      reply_users: [...new Set(replies.map(({ user }) => user))],
      latest_reply: replies.at(-1)?.ts,
    };
  }

  #info({ channel }: ByChannel): Answer {
    const refusal = refuseChannel(channel);
    if (refusal !== undefined) return refusal;
    const dmWith = PEOPLE.find(({ slackDm }) => slackDm === channel);
    if (dmWith !== undefined) return ok({ channel: { id: channel, is_im: true, user: dmWith.slackUser } });

    const { name = '', botIsMember = false } = CHANNELS.find(({ id }) => id === channel) ?? {};
    return ok({
      channel: {
        id: channel,
        name,
        is_channel: true,
        is_im: false,
        is_private: false,
        is_member: botIsMember,
      },
    });
  }

  #members({ channel }: ByChannel): Answer {
    return (
      refuseChannel(channel) ?? ok({ members: membersOf(channel), response_metadata: { next_cursor: '' } })
    );
  }

  #openDm({ users }: OpenDm): Answer {
    const person = PEOPLE.find(({ slackUser }) => slackUser === users);
    return person === undefined ? refuse('user_not_found') : ok({ channel: { id: person.slackDm } });
  }

  #fileInfo({ file: id }: ByFile): Answer {
    const { workspace, files } = this.deps;
    const file = workspace.file(id);
    return file === undefined ? refuse('file_not_found') : ok({ file: files.toShared(file) });
  }

  #announceFile({ filename, length }: AnnounceFile): Answer {
    const { id, url } = this.deps.files.announce(BOT.user, filename, length);
    return ok({ file_id: id, upload_url: url });
  }

  /** Without a channel the files stay the app's own. */
  #shareFiles({
    files,
    channel_id: channel,
    thread_ts: thread,
    initial_comment: comment,
  }: ShareFiles): Answer {
    const refusal = channel === undefined ? undefined : refusePlace(channel);
    if (refusal !== undefined) return refusal;
    if (thread !== undefined && !isTs(thread)) return refuse('invalid_thread_ts');
    const { workspace } = this.deps;
    if (files.some(({ id }) => workspace.file(id)?.state !== 'uploaded')) return refuse('file_not_found');

    const shared = files.flatMap(({ id, title }) => this.deps.files.share(id, title) ?? []);
    if (channel !== undefined) {
      this.deps.messages.post({
        ...AS_BOT,
        channel,
        text: comment ?? '',
        ...withFiles(shared),
        ...this.#threadOf(channel, thread),
      });
    }
    return ok({ files: shared.map(({ id, title }) => ({ id, title })) });
  }

  #react({ channel, timestamp, name }: Reaction): Answer {
    const message = this.deps.workspace.message(channel, timestamp);
    if (message === undefined) return refuse('message_not_found');
    if (!/^[\w+'-]+(::skin-tone-\d)?$/.test(name)) return refuse('invalid_name');

    const reactions = message.reactions ?? [];
    const users = reactions.find((reaction) => reaction.name === name)?.users ?? [];
    if (users.includes(BOT.user)) return refuse('already_reacted');
    const others = reactions.filter((reaction) => reaction.name !== name);
    this.deps.workspace.record({
      kind: 'message-put',
      message: { ...message, reactions: [...others, { name, users: [...users, BOT.user] }] },
    });
    return ok({});
  }

  #openView({ trigger_id: triggerId, view }: OpenViewArgs): Answer {
    const use = this.deps.triggers.use(triggerId);
    if (use.kind === 'refused') return refuse(use.error);
    const verdict = judgeView(view);
    if (verdict.kind === 'refused') return refuseBlocks(verdict);

    return ok({ view: this.#putView(`V${this.#nextId()}`, use.user, View.parse(view)) });
  }

  #updateView({ view_id: id, hash, view }: UpdateViewArgs): Answer {
    const open = this.deps.workspace.view(id);
    if (open === undefined) return refuse('not_found');
    if (hash !== undefined && hash !== open.hash) return refuse('hash_conflict');
    const verdict = judgeView(view);
    if (verdict.kind === 'refused') return refuseBlocks(verdict);

    return ok({ view: this.#putView(id, open.user, View.parse(view)) });
  }

  #putView(id: string, user: string, view: View): Payload {
    const hash = this.#nextId();
    const stored = { ...view, blocks: withBlockIds(view.blocks) };
    this.deps.workspace.record({ kind: 'view-put', open: { id, user, hash, view: stored } });
    return toWireView(id, hash, stored, {});
  }

  #nextId(): string {
    return this.deps.workspace.nextTs().replace('.', '');
  }

  /** The thread a reply goes to. A reply's own ts means its root; a root that is gone leaves the channel itself. */
  #threadOf(channel: string, threadTs: string | undefined): { thread_ts?: string } {
    if (threadTs === undefined) return {};
    const target = this.deps.workspace.message(channel, threadTs);
    return target === undefined ? {} : { thread_ts: target.thread_ts ?? target.ts };
  }
}

const AS_BOT = { user: BOT.user, bot_id: BOT.botId, app_id: BOT.app } as const;
const ACCEPTED: BlocksVerdict = { kind: 'accepted' };

function ok(facts: Payload): Answer {
  return { ok: true, ...facts };
}

function refuse(error: string, facts: Payload = {}): Answer {
  return { ok: false, error, ...facts };
}

function refuseBlocks({ error, problems }: Extract<BlocksVerdict, { kind: 'refused' }>): Answer {
  return refuse(error, {
    errors: problems,
    response_metadata: { messages: problems.map((problem) => `[ERROR] ${problem}`) },
  });
}

function refuseChannel(channel: string): Answer | undefined {
  return channelExists(channel) ? undefined : refuse('channel_not_found');
}

function refusePlace(channel: string): Answer | undefined {
  return refuseChannel(channel) ?? (botIsIn(channel) ? undefined : refuse('not_in_channel'));
}

function refuseContent({ text, markdown_text: markdown, blocks }: Content): Answer | undefined {
  if (markdown !== undefined && (text !== undefined || blocks !== undefined))
    return refuse('markdown_text_conflict');
  if ((markdown ?? text ?? '') === '' && (blocks ?? []).length === 0) return refuse('no_text');
  if ((text ?? '').length > MAX_POST_TEXT_CHARS) return refuse('msg_too_long');
  if ((markdown ?? '').length > MAX_MARKDOWN_CHARS) return refuse('msg_too_long');
  const verdict = judgeMessageBlocks(blocks ?? []);
  return verdict.kind === 'refused' ? refuseBlocks(verdict) : undefined;
}

function contentOf({ text, markdown_text: markdown, blocks }: Content): {
  text: string;
  blocks: Block[] | undefined;
} {
  return markdown === undefined
    ? { text: text ?? '', blocks }
    : { text: markdown, blocks: [{ type: 'markdown', text: markdown }] };
}

/** What one stream call adds, as text. */
function pieceOf({ markdown_text: markdown = '', chunks = [] }: Piece): string {
  return markdown + chunks.map((chunk) => (typeof chunk.text === 'string' ? chunk.text : '')).join('');
}

function membersOf(channel: string): string[] {
  const dmWith = PEOPLE.find(({ slackDm }) => slackDm === channel);
  if (dmWith !== undefined) return [dmWith.slackUser, BOT.user];
  return [...PEOPLE.map(({ slackUser }) => slackUser), ...(botIsIn(channel) ? [BOT.user] : [])];
}

function userAnswer(fits: (person: (typeof PEOPLE)[number]) => boolean, error: string): Answer {
  const person = PEOPLE.find(fits);
  if (person === undefined) return refuse(error);
  return ok({
    user: {
      id: person.slackUser,
      team_id: TEAM.id,
      name: handleOf(person.slackUser),
      real_name: person.name,
      deleted: false,
      is_bot: false,
      is_app_user: false,
      is_restricted: false,
      tz: 'Etc/UTC',
      profile: { email: person.mail, real_name: person.name, display_name: person.firstName, team: TEAM.id },
    },
  });
}

function isTs(value: string): boolean {
  return /^\d{10}\.\d{6}$/.test(value);
}

/** Arguments come as JSON or as form fields, in which lists and objects are JSON in a string. */
function taking<Schema extends z.ZodType>(schema: Schema, run: (args: z.output<Schema>) => Answer) {
  return (args: unknown): Answer => {
    const { data, error } = schema.safeParse(args);
    if (error === undefined) return run(data);
    const problems = error.issues.map(({ message, path }) => `${message} [json-pointer:/${path.join('/')}]`);
    const badBlocks = error.issues.some(({ path }) => path[0] === 'blocks');
    return refuse(badBlocks ? 'invalid_blocks_format' : 'invalid_arguments', {
      response_metadata: { messages: problems.map((problem) => `[ERROR] ${problem}`) },
    });
  };
}

const json = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (typeof value === 'string' ? parseJson(value) : value), schema);
const Flag = z.union([
  z.boolean(),
  z.enum(['true', 'false', '1', '0', '']).transform((word) => word === 'true' || word === '1'),
]);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const Content = z.object({
  text: z.string().optional(),
  markdown_text: z.string().optional(),
  blocks: json(z.array(Block)).optional(),
});
type Content = z.infer<typeof Content>;

const ByChannel = z.object({ channel: z.string() });
type ByChannel = z.infer<typeof ByChannel>;

const ByTs = z.object({ channel: z.string(), ts: z.string() });
type ByTs = z.infer<typeof ByTs>;

const ByUser = z.object({ user: z.string() });
const ByEmail = z.object({ email: z.string() });

const PostMessage = z.object({
  ...ByChannel.shape,
  ...Content.shape,
  thread_ts: z.string().optional(),
  reply_broadcast: Flag.optional(),
  metadata: json(Metadata).optional(),
  unfurl_links: Flag.optional(),
  unfurl_media: Flag.optional(),
  mrkdwn: Flag.optional(),
  link_names: Flag.optional(),
  parse: z.string().optional(),
});
type PostMessage = z.infer<typeof PostMessage>;

const PostEphemeral = z.object({
  ...ByChannel.shape,
  ...Content.shape,
  user: z.string(),
  thread_ts: z.string().optional(),
});
type PostEphemeral = z.infer<typeof PostEphemeral>;

const UpdateMessage = z.object({
  ...ByTs.shape,
  ...Content.shape,
  metadata: json(Metadata).optional(),
  link_names: Flag.optional(),
  parse: z.string().optional(),
});
type UpdateMessage = z.infer<typeof UpdateMessage>;

const Piece = z.object({
  markdown_text: z.string().optional(),
  chunks: json(z.array(z.record(z.string(), z.unknown()))).optional(),
});
type Piece = z.infer<typeof Piece>;

const StartStream = z.object({
  ...ByChannel.shape,
  ...Piece.shape,
  thread_ts: z.string(),
  recipient_user_id: z.string().optional(),
  recipient_team_id: z.string().optional(),
});
type StartStream = z.infer<typeof StartStream>;

const AppendStream = z.object({ ...ByTs.shape, ...Piece.shape });
type AppendStream = z.infer<typeof AppendStream>;

const StopStream = z.object({
  ...ByTs.shape,
  ...Piece.shape,
  blocks: json(z.array(Block)).optional(),
  metadata: json(Metadata).optional(),
});
type StopStream = z.infer<typeof StopStream>;

const SetStatus = z.object({ channel_id: z.string(), thread_ts: z.string(), status: z.string() });
type SetStatus = z.infer<typeof SetStatus>;

const Paging = z.object({
  limit: z.coerce.number().int().positive().optional(),
  cursor: z.string().optional(),
  oldest: z.string().optional(),
  latest: z.string().optional(),
  inclusive: Flag.optional(),
  include_all_metadata: Flag.optional(),
});
type Paging = z.infer<typeof Paging>;

const Replies = z.object({ ...ByTs.shape, ...Paging.shape });
type Replies = z.infer<typeof Replies>;

const History = z.object({ ...ByChannel.shape, ...Paging.shape });
type History = z.infer<typeof History>;

const OpenDm = z.object({ users: z.string() });
type OpenDm = z.infer<typeof OpenDm>;

const ByFile = z.object({ file: z.string() });
type ByFile = z.infer<typeof ByFile>;

const AnnounceFile = z.object({
  filename: z.string().min(1),
  length: z.coerce.number().int().positive(),
  alt_text: z.string().optional(),
  snippet_type: z.string().optional(),
});
type AnnounceFile = z.infer<typeof AnnounceFile>;

const ShareFiles = z.object({
  files: json(z.array(z.object({ id: z.string(), title: z.string().optional() })).min(1)),
  channel_id: z.string().optional(),
  thread_ts: z.string().optional(),
  initial_comment: z.string().optional(),
});
type ShareFiles = z.infer<typeof ShareFiles>;

const Reaction = z.object({ channel: z.string(), timestamp: z.string(), name: z.string() });
type Reaction = z.infer<typeof Reaction>;

const OpenViewArgs = z.object({ trigger_id: z.string(), view: json(z.unknown()) });
type OpenViewArgs = z.infer<typeof OpenViewArgs>;

const UpdateViewArgs = z.object({
  view_id: z.string(),
  hash: z.string().optional(),
  view: json(z.unknown()),
});
type UpdateViewArgs = z.infer<typeof UpdateViewArgs>;
