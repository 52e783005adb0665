/** What Slack tells an app, in Slack's words. Pure: state in, payload out. */
import { ALEX, BOT, CHANNELS, PEOPLE, TEAM } from '../people.ts';
import type { Block } from './block-rules.ts';
import type { SlackMessage } from './workspace.ts';

/** A JSON object on its way to the app. */
export type Payload = Record<string, unknown>;

export function isDm(channel: string): boolean {
  return channel.startsWith('D');
}

/** True where the app receives `message` events and may post. */
export function botIsIn(channel: string): boolean {
  return isDm(channel) || CHANNELS.some(({ id, botIsMember }) => id === channel && botIsMember);
}

export function channelExists(channel: string): boolean {
  return CHANNELS.some(({ id }) => id === channel) || PEOPLE.some(({ slackDm }) => slackDm === channel);
}

/**
 * The events one new message causes. A mention in a channel is told twice: as `message` and as `app_mention`; in a
 * channel the bot has not joined only as the latter, in a direct message only as the former.
 */
export function eventsOfNewMessage(message: SlackMessage): Payload[] {
  const mentioned = message.bot_id === undefined && message.text.includes(`<@${BOT.user}>`);
  return [
    ...(botIsIn(message.channel) ? [messageEvent(message)] : []),
    ...(mentioned && !isDm(message.channel) ? [appMention(message)] : []),
  ];
}

export function eventsOfEdit(before: SlackMessage, after: SlackMessage, eventTs: string): Payload[] {
  if (!botIsIn(after.channel)) return [];
  return [
    {
      type: 'message',
      subtype: 'message_changed',
      hidden: true,
      message: toWire(after),
      previous_message: toWire(before),
      channel: after.channel,
      ...channelType(after.channel),
      ts: eventTs,
      event_ts: eventTs,
    },
  ];
}

export function eventsOfRemoval(gone: SlackMessage, eventTs: string): Payload[] {
  if (!botIsIn(gone.channel)) return [];
  return [
    {
      type: 'message',
      subtype: 'message_deleted',
      hidden: true,
      deleted_ts: gone.ts,
      previous_message: toWire(gone),
      channel: gone.channel,
      ...channelType(gone.channel),
      ts: eventTs,
      event_ts: eventTs,
    },
  ];
}

/** The outer envelope of an event (docs.slack.dev, Events API). */
export function toCallback(event: Payload, eventId: string, nowMs: number): Payload {
  return {
    token: 'sandbox-verification-token',
    team_id: TEAM.id,
    context_team_id: TEAM.id,
    context_enterprise_id: null,
    api_app_id: BOT.app,
    event,
    type: 'event_callback',
    event_id: eventId,
    event_time: Math.floor(nowMs / 1_000),
    authorizations: [
      {
        enterprise_id: null,
        team_id: TEAM.id,
        user_id: BOT.user,
        is_bot: true,
        is_enterprise_install: false,
      },
    ],
    is_ext_shared_channel: false,
  };
}

export interface Gesture {
  readonly user: string;
  readonly triggerId: string;
  readonly responseUrl: string;
}

export function blockActions(
  message: MessageSurface,
  action: Payload,
  gesture: Gesture,
  values: Payload = {},
): Payload {
  return {
    type: 'block_actions',
    ...interaction(gesture),
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: message.channel,
      is_ephemeral: message.isEphemeral,
      ...(message.thread === undefined ? {} : { thread_ts: message.thread }),
    },
    channel: { id: message.channel, name: channelName(message.channel) },
    message: message.wire,
    state: { values },
    response_url: gesture.responseUrl,
    actions: [action],
  };
}

/** Something with buttons in it. */
export interface MessageSurface {
  readonly ts: string;
  readonly channel: string;
  readonly thread: string | undefined;
  readonly isEphemeral: boolean;
  readonly blocks: readonly Block[];
  /** As Slack sends it along; absent for an ephemeral message. */
  readonly wire: Payload | undefined;
}

export function viewSubmission(view: Payload, gesture: Gesture): Payload {
  return { type: 'view_submission', ...interaction(gesture), view, response_urls: [] };
}

export function viewClosed(view: Payload, user: string): Payload {
  return { type: 'view_closed', ...actor(user), view, is_cleared: false };
}

export function slashCommand(
  command: string,
  text: string,
  channel: string,
  gesture: Gesture,
): Record<string, string> {
  return {
    token: 'sandbox-verification-token',
    team_id: TEAM.id,
    team_domain: TEAM.domain,
    channel_id: channel,
    channel_name: channelName(channel),
    user_id: gesture.user,
    user_name: handleOf(gesture.user),
    command,
    text,
    api_app_id: BOT.app,
    is_enterprise_install: 'false',
    response_url: gesture.responseUrl,
    trigger_id: gesture.triggerId,
  };
}

/** A stored view as the app sees it. */
export function toWireView(id: string, hash: string, view: Payload, values: Payload): Payload {
  return {
    ...view,
    id,
    hash,
    team_id: TEAM.id,
    app_id: BOT.app,
    bot_id: BOT.botId,
    root_view_id: id,
    previous_view_id: null,
    external_id: '',
    state: { values },
  };
}

/** A stored message as the app sees it. `metadata` only where it was asked for. */
export function toWire(message: SlackMessage, options: { metadata: boolean } = { metadata: false }): Payload {
  const {
    channel: _,
    metadata,
    unfurl_links: _l,
    unfurl_media: _m,
    mrkdwn: _k,
    streaming: _s,
    ...shown
  } = message;
  return {
    type: 'message',
    team: TEAM.id,
    ...shown,
    ...(message.bot_id === undefined
      ? {}
      : { bot_profile: { id: BOT.botId, app_id: BOT.app, name: BOT.name } }),
    ...(options.metadata && metadata !== undefined ? { metadata } : {}),
  };
}

export function handleOf(user: string): string {
  if (user === BOT.user) return BOT.name;
  return (PEOPLE.find(({ slackUser }) => slackUser === user) ?? ALEX).firstName.toLowerCase();
}

function messageEvent(message: SlackMessage): Payload {
  return {
    ...toWire(message),
    channel: message.channel,
    event_ts: message.ts,
    ...channelType(message.channel),
  };
}

/** Unlike `message`, it carries no `channel_type`. */
function appMention(message: SlackMessage): Payload {
  return { ...toWire(message), type: 'app_mention', channel: message.channel, event_ts: message.ts };
}

function channelType(channel: string): Payload {
  return { channel_type: isDm(channel) ? 'im' : 'channel' };
}

function channelName(channel: string): string {
  return CHANNELS.find(({ id }) => id === channel)?.name ?? 'directmessage';
}

function interaction(gesture: Gesture): Payload {
  return { ...actor(gesture.user), trigger_id: gesture.triggerId };
}

function actor(user: string): Payload {
  return {
    team: { id: TEAM.id, domain: TEAM.domain },
    user: { id: user, username: handleOf(user), name: handleOf(user), team_id: TEAM.id },
    api_app_id: BOT.app,
    token: 'sandbox-verification-token',
    enterprise: null,
    is_enterprise_install: false,
  };
}
