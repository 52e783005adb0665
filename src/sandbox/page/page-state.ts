/** What the page shows, as plain data. Pure reading: everything is text here, and stays text in the browser. */
import type { DiscordSandbox } from '../discord/discord-sandbox.ts';
import type { JiraSandbox } from '../jira/jira-sandbox.ts';
import type { Mail } from '../mail/mail.ts';
import type { MailSandbox } from '../mail/mail-sandbox.ts';
import { BOT, CHANNELS, PEOPLE } from '../people.ts';
import type { ShopSandbox } from '../shop/shop-sandbox.ts';
import type { SlackSandbox } from '../slack/slack-sandbox.ts';
import type { Ephemeral, SlackMessage } from '../slack/workspace.ts';

/** Newest entries shown per channel and mailbox; a demo has tens, a load test thousands. */
const MAX_SHOWN = 200;

export interface PageSources {
  readonly slack: SlackSandbox;
  readonly discord: DiscordSandbox;
  readonly jira: JiraSandbox;
  readonly mail: MailSandbox;
  readonly shop: ShopSandbox;
}

export function toPageState({ slack, mail, shop }: PageSources) {
  return {
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
    refunds: shop.refunds.slice(-MAX_SHOWN),
    deploys: shop.deploys.slice(-MAX_SHOWN),
  };
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
    status: slack.status(message.channel, ts),
  };
}

function toShownEphemeral({ ts, channel, user, text, blocks, thread_ts: thread }: Ephemeral) {
  return { ts, channel, user, text, blocks, thread };
}

function toShownMail({ messageId, from, fromName, to, subject, date, text, html, inReplyTo }: Mail) {
  return { id: messageId, from, fromName, to, subject, date, text, hasHtml: html !== undefined, inReplyTo };
}
