/** What the page shows, as plain data. Pure reading: everything is text here, and stays text in the browser. */
import type { DiscordSandbox } from '../discord/discord-sandbox.ts';
import type { DiscordMessage } from '../discord/world.ts';
import { STATUSES } from '../jira/catalogue.ts';
import type { JiraSandbox } from '../jira/jira-sandbox.ts';
import type { Mail } from '../mail/mail.ts';
import type { MailSandbox } from '../mail/mail-sandbox.ts';
import { BOT, CHANNELS, DISCORD_CHANNELS, PEOPLE } from '../people.ts';
import type { ShopSandbox } from '../shop/shop-sandbox.ts';
import type { SlackSandbox } from '../slack/slack-sandbox.ts';
import type { Ephemeral, SlackMessage } from '../slack/workspace.ts';
import type { Heard } from '../web/event-log.ts';
import type { Asked, WebSandbox } from '../web/web-sandbox.ts';

/** Application Command Option Type of a file (docs.discord.com). */
export const FILE_OPTION = 11;

/** Newest entries shown per channel and mailbox; a demo has tens, a load test thousands. */
const MAX_SHOWN = 200;

export interface PageSources {
  readonly slack: SlackSandbox;
  readonly discord: DiscordSandbox;
  readonly jira: JiraSandbox;
  readonly web: WebSandbox;
  readonly mail: MailSandbox;
  readonly shop: ShopSandbox;
}

export function toPageState({ slack, discord, jira, web, mail, shop }: PageSources) {
  return {
    discord: toDiscordState(discord),
    jira: toJiraState(jira),
    web: toWebState(web),
    bot: { user: BOT.user, name: BOT.name, mail: BOT.mail },
    people: PEOPLE,
    places: [
      ...CHANNELS.filter(({ botIsMember }) => botIsMember).map(({ id, name }) => ({
        id,
        name,
        dmOf: undefined,
      })),
      ...PEOPLE.map(({ slackDm, slackUser }) => ({ id: slackDm, name: BOT.name, dmOf: slackUser })),
    ].map((place) => ({
      ...place,
      messages: slack
        .messages(place.id)
        .slice(-MAX_SHOWN)
        .map((m) => toShown(m, slack)),
    })),
    ephemerals: PEOPLE.flatMap(({ slackUser }) =>
      slack.ephemerals(slackUser).slice(-MAX_SHOWN).map(toShownEphemeral),
    ),
    modals: PEOPLE.flatMap(({ slackUser }) =>
      slack
        .views(slackUser)
        .slice(-1)
        .map(({ id, view }) => ({ id, user: slackUser, view })),
    ),
    commands: slack.commands,
    gateway: {
      connections: slack.connections,
      overHttp: slack.requestUrl !== undefined,
      unacknowledged: slack.unacknowledged,
    },
    mailboxes: PEOPLE.map((person) => ({
      address: person.mail,
      mails: mail.mailbox(person.mail).slice(-MAX_SHOWN).map(toShownMail),
    })),
    sent: mail.deliveries
      .slice(-MAX_SHOWN)
      .map(({ id, sender, subject, state, queuedAt, lastAnswer, messageId }) => ({
        id,
        sender,
        subject,
        state,
        queuedAt,
        lastAnswer,
        messageId,
      })),
    refunds: shop.refunds
      .slice(-MAX_SHOWN)
      .map((line) => ({ ...line, takenBack: shop.charges.some(({ refund }) => refund === line.id) })),
    deploys: shop.deploys
      .slice(-MAX_SHOWN)
      .map((line) => ({ ...line, takenBack: shop.rollbacks.some(({ deploy }) => deploy === line.id) })),
  };
}

function toDiscordState(discord: DiscordSandbox) {
  const shown = (place: string) => discord.messages(place).slice(-MAX_SHOWN).map(toDiscordMessage);
  const threads = discord.threads().slice(-MAX_SHOWN);
  return {
    bot: BOT.discordUser,
    commands: discord
      .commands()
      .filter(({ type }) => type === 1)
      .map(({ name, options = [] }) => ({
        name,
        // A file is attached, not typed.
        options: options.filter(({ type }) => type !== FILE_OPTION).map((option) => option.name),
      })),
    places: [
      ...DISCORD_CHANNELS.map(({ id, name }) => ({ id, name: `# ${name}`, dmOf: undefined })),
      ...threads.map(({ id, name }) => ({ id, name: `↳ ${name}`, dmOf: undefined })),
      ...PEOPLE.map((person) => ({ id: person.discordDm, name: `✉ ${BOT.name}`, dmOf: person.discordUser })),
    ].map((place) => ({ ...place, messages: shown(place.id) })),
    ephemerals: PEOPLE.flatMap(({ discordUser }) =>
      discord.ephemerals(discordUser).slice(-MAX_SHOWN).map(toDiscordMessage),
    ),
    modals: PEOPLE.flatMap(({ discordUser }) =>
      discord.modals(discordUser).map(({ user, title, components }) => ({ user, title, components })),
    ),
  };
}

function toDiscordMessage(message: DiscordMessage) {
  const { id, channel, author, content, embeds, components, attachments, createdAt, editedAt } = message;
  return {
    id,
    channel,
    author,
    content,
    embeds,
    components,
    files: attachments.map(({ id, filename, size }) => ({ id, name: filename, size })),
    createdAt,
    isEdited: editedAt !== undefined,
    onlyFor: message.onlyFor,
    isThinking: message.loading === true,
  };
}

function toJiraState(jira: JiraSandbox) {
  return {
    bot: BOT.jiraAccount,
    statuses: STATUSES.map(({ name }) => name),
    issues: jira.issues.map(({ id, key, summary, description, assignee }) => ({
      id,
      key,
      summary,
      description,
      status: jira.status(key),
      assignee,
      files: jira.attachments(key).map((file) => ({
        id: file.id,
        name: file.filename,
        author: file.author,
        size: Buffer.byteLength(file.base64, 'base64'),
      })),
      comments: jira
        .comments(key)
        .slice(-MAX_SHOWN)
        .map((comment) => ({
          id: comment.id,
          author: comment.author,
          body: comment.body,
          created: new Date(comment.created).toISOString(),
          isEdited: comment.updated !== comment.created,
          visibility: comment.visibility?.value ?? comment.visibility?.identifier ?? undefined,
          isInternal: 'sd.public.comment' in comment.properties,
        })),
    })),
  };
}

function toWebState(web: WebSandbox) {
  return {
    programs: PEOPLE.map(({ webClient }) => ({
      client: webClient,
      connection: web.connection(webClient),
      asked: web.asked(webClient).slice(-MAX_SHOWN).map(toWebAsked),
      heard: web.heard(webClient).slice(-MAX_SHOWN).map(toWebHeard),
    })),
  };
}

function toWebAsked({ request, outcome }: Asked) {
  const { id, at } = request;
  const about = { id, at, outcome };
  return request.kind === 'message'
    ? {
        kind: 'message',
        ...about,
        conversation: request.conversation,
        text: request.text,
        files: (request.attachments ?? []).map(toWebFile),
      }
    : { kind: 'answer', ...about, approvalId: request.approvalId, choice: request.choice };
}

/** Without what files hold: they are fetched one by one. */
function toWebHeard({ first, at, event }: Heard) {
  const { kind, position, conversation } = event;
  const about = { kind, first, position, at, conversation };
  if (kind === 'card') return { ...about, card: event.card };
  const files = kind === 'text' ? (event.files ?? []) : [];
  const { buttons, pick } = kind === 'notice' ? event : { buttons: buttonsOf(event), pick: undefined };
  return { ...about, markdown: event.markdown, files: files.map(toWebFile), buttons, pick };
}

function buttonsOf(event: Heard['event']) {
  return event.kind === 'text' ? event.buttons : undefined;
}

function toWebFile({ name, base64 }: { name: string; base64: string }) {
  return { name, size: Buffer.byteLength(base64, 'base64') };
}

function toShown(message: SlackMessage, slack: SlackSandbox) {
  const { ts, user, text, blocks, thread_ts: thread, edited, reactions, subtype, streaming } = message;
  return {
    ts,
    user,
    text,
    blocks,
    thread: thread === ts ? undefined : thread,
    isEdited: edited !== undefined,
    isGone: subtype === 'tombstone',
    isStreaming: streaming === true,
    /** What was streamed is Markdown, also once the stream has ended. */
    isMarkdown: streaming !== undefined,
    reactions,
    files: (message.files ?? []).map(({ id, name, size }) => ({ id, name, size })),
    status: slack.status(message.channel, ts),
  };
}

function toShownEphemeral({ ts, channel, user, text, blocks, thread_ts: thread }: Ephemeral) {
  return { ts, channel, user, text, blocks, thread };
}

function toShownMail(mail: Mail) {
  const { messageId, from, fromName, to, subject, date, text, html, inReplyTo, attachments } = mail;
  const files = attachments.map(({ name, bytes }) => ({ name, size: bytes }));
  return {
    id: messageId,
    from,
    fromName,
    to,
    subject,
    date,
    text,
    hasHtml: html !== undefined,
    inReplyTo,
    files,
  };
}
