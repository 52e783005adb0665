/**
 * What Slack says, in our words. Pure: no client, no clock, no logging.
 *
 * Invariants
 *   1. One message has one id, however often and in whatever shape it arrives: a mention comes as `message` and as
 *      `app_mention`, a missed one again as a retry. The id is made of what those share: team, channel, timestamp.
 *   2. Whether the bot was addressed is read from the message itself, never from which of the two events came first.
 *   3. Nobody is taken for a member of our team because their own team is not named.
 *   4. An edit or a removal is a revision, never a message. Our own messages are nothing at all.
 */
import { createHash } from 'node:crypto';
import { FORM_CHOICES } from '../../src/domain/form.ts';
import { AccountId, ConversationId, MessageId, namesEscalation, Platform } from '../../src/domain/ids.ts';
import type {
  Address,
  Attachment,
  InboundAnswer,
  InboundMessage,
  InboundRevision,
  Sender,
} from '../../src/domain/message.ts';
import { fromMrkdwn, mentions, withoutMention } from './mrkdwn.ts';
import {
  type BlockActions,
  CardStamp,
  type Clicker,
  type EventEnvelope,
  EventKind,
  FormContext,
  type MessageEvent,
  ReasonContext,
  type SlackFile,
  type ViewSubmission,
} from './schema.ts';

export const SLACK: Platform = Platform.parse('slack');

/** Who we are in the workspace the app is installed in. */
export interface Identity {
  readonly teamId: string;
  readonly userId: string;
  readonly botId: string;
}

/** Subtypes under which a person talks; all others are the channel's own bookkeeping. */
const SPOKEN: readonly (string | undefined)[] = [
  undefined,
  'file_share',
  'me_message',
  'thread_broadcast',
  'bot_message',
];

const REVISED: readonly (string | undefined)[] = ['message_changed', 'message_deleted'];

/** A message deeper in its blocks than this is not looked for mentions. */
const MAX_BLOCK_DEPTH = 8;

/** Longest reason or answer taken from a modal, in characters: Slack's limit of a text input (docs.slack.dev, Block Kit). */
export const MAX_REASON_CHARS = 3_000;

/** False for the channel's own bookkeeping, whose many shapes are not worth reading. */
export function isOfInterest(body: unknown): boolean {
  const { success, data } = EventKind.safeParse(body);
  return !success || SPOKEN.includes(data.event.subtype) || REVISED.includes(data.event.subtype);
}

/** Undefined when nobody spoke: our own messages, joins and topics, talk in a channel that is not meant for us. */
export function toInbound(
  envelope: EventEnvelope,
  us: Identity,
): InboundMessage | InboundRevision | undefined {
  switch (envelope.event.subtype) {
    case 'message_changed':
      return toEdit(envelope, us);
    case 'message_deleted':
      return toRemoval(envelope, us);
    default:
      return SPOKEN.includes(envelope.event.subtype) ? toMessage(envelope, us) : undefined;
  }
}

function toMessage(envelope: EventEnvelope, us: Identity): InboundMessage | undefined {
  const { event } = envelope;
  const sender = senderOf(event, envelope);
  if (!sender || isOurs(event, us)) return undefined;

  const addressedToBot = isAddressed(event, us);
  const text = fromMrkdwn(withoutMention(event.text ?? '', us.userId));
  // Talk of others that is neither for us nor in a thread is none of our business, so it goes no further.
  if (!addressedToBot && !isReply(event) && !namesEscalation(text)) return undefined;

  const thread = event.thread_ts ?? event.ts;
  return {
    kind: 'message',
    // Not event_id: the two events of one mention have different ones.
    id: messageId(us, event.channel, event.ts),
    conversationId: conversationId(us, event.channel, thread),
    ...roomOf(us, event.channel),
    sender,
    text,
    ...(event.files?.length ? { attachments: event.files.map(toAttachment) } : {}),
    addressedToBot,
    sentAt: new Date(Number(event.ts) * 1_000).toISOString(),
    replyTo: addressOf(event.channel, thread),
    ...(event.parent_user_id === us.userId && event.thread_ts
      ? { inReplyTo: messageId(us, event.channel, event.thread_ts) }
      : {}),
  };
}

function toEdit(envelope: EventEnvelope, us: Identity): InboundRevision | undefined {
  const { message, previous_message: before } = envelope.event;
  if (!message || message.text === before?.text) return undefined; // a link got its preview, a thread its first reply
  return toRevision(envelope, message, `edited:${message.edited?.ts ?? envelope.event.ts}`, us);
}

function toRemoval(envelope: EventEnvelope, us: Identity): InboundRevision | undefined {
  const { previous_message: before } = envelope.event;
  return before && toRevision(envelope, before, 'deleted', us);
}

function toRevision(
  envelope: EventEnvelope,
  message: NonNullable<MessageEvent['message']>,
  what: `edited:${string}` | 'deleted',
  us: Identity,
): InboundRevision | undefined {
  const sender = senderOf(message, envelope);
  if (!sender || isOurs(message, us)) return undefined;

  const { channel } = envelope.event;
  const of = messageId(us, channel, message.ts);
  return {
    kind: 'revision',
    id: MessageId.parse(`${of}:${what}`),
    conversationId: conversationId(us, channel, message.thread_ts ?? message.ts),
    sender,
    of,
    change: what === 'deleted' ? 'deleted' : 'edited',
  };
}

type Author = Pick<
  MessageEvent,
  'user' | 'bot_id' | 'app_id' | 'team' | 'user_team' | 'source_team' | 'subtype'
>;

/** Undefined when Slack names nobody. */
function senderOf(author: Partial<Author>, envelope: EventEnvelope): Sender | undefined {
  const id = author.user ?? author.bot_id;
  if (!id) return undefined;
  return {
    account: accountOf(teamOf(author, envelope), id),
    displayName: id,
    authenticated: true,
    automatic: author.bot_id !== undefined || author.subtype === 'bot_message',
  };
}

/** The sender's own team. In a shared channel the envelope's team says where the event was seen, not who spoke. */
function teamOf(author: Partial<Author>, envelope: EventEnvelope): string {
  const own = author.user_team ?? author.source_team ?? author.team;
  return own ?? (envelope.is_ext_shared_channel ? undefined : envelope.team_id) ?? 'unknown';
}

function isOurs(author: Partial<Author>, us: Identity): boolean {
  return author.user === us.userId || author.bot_id === us.botId;
}

function isAddressed(event: MessageEvent, us: Identity): boolean {
  return (
    event.type === 'app_mention' ||
    isDirect(event.channel) ||
    event.parent_user_id === us.userId ||
    mentions(event.text ?? '', us.userId) ||
    mentionedInBlocks(event.blocks, us.userId, MAX_BLOCK_DEPTH)
  );
}

/** A mention may stand in the blocks alone; both events of it must be judged alike, or the first would hide the second. */
function mentionedInBlocks(node: unknown, user: string, depth: number): boolean {
  if (depth === 0 || typeof node !== 'object' || node === null) return false;
  if ('user_id' in node && node.user_id === user && 'type' in node && node.type === 'user') return true;
  return Object.values(node).some((child) => mentionedInBlocks(child, user, depth - 1));
}

/** Between one person and the bot; a conversation of several people has another letter. */
export function isDirect(channel: string): boolean {
  return channel.startsWith('D');
}

function isReply(event: MessageEvent): boolean {
  return event.thread_ts !== undefined && event.thread_ts !== event.ts;
}

/** Longest name of a file that is passed on, in characters. */
const MAX_FILE_NAME_CHARS = 255;

/** What is in it is asked for when it is read; until then its id stands for it. */
function toAttachment({ id, name, title, mimetype, size }: SlackFile): Attachment {
  return {
    name: (name || title || 'unnamed').slice(0, MAX_FILE_NAME_CHARS),
    mediaType: mimetype ?? 'application/octet-stream',
    bytes: size ?? 0,
    ...(id === undefined ? {} : { ref: id }),
  };
}

/** A press on one of a card's buttons, or what is wrong with it. */
export type Press =
  | { readonly kind: 'answer'; readonly answer: InboundAnswer }
  /** The answer needs words first: a modal is to be opened with this. */
  | { readonly kind: 'ask-words'; readonly context: ReasonContext }
  /** The answer needs a form that the core makes, for this person. */
  | { readonly kind: 'fill-in'; readonly sender: Sender; readonly context: FormContext }
  /** A button that says something for whoever presses it. */
  | { readonly kind: 'say'; readonly message: InboundMessage }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The buttons of a card. Stable: a card sent before an update must still work after it. */
export const ACTIONS = {
  approve: 'signalbox.approve',
  deny: 'signalbox.deny',
  'deny-with-reason': 'signalbox.deny_with_reason',
  answer: 'signalbox.answer',
  ask: 'signalbox.ask',
  edit: 'signalbox.edit',
  always: 'signalbox.always',
  happened: 'signalbox.happened',
  'did-not-happen': 'signalbox.did_not_happen',
  retry: 'signalbox.retry',
} as const;

/** Buttons that say it all. */
const AT_ONCE = ['approve', 'deny', 'happened', 'did-not-happen', 'retry'] as const;

/** A list of options to answer with; with a number behind it, the button of one of them. */
export const OPTION_ACTION = 'signalbox.option';

/** Begins the action of a button that says something, in the words of its value. */
export const SAY_ACTION = 'signalbox.say.';
/** The button that says its value and everything that was picked above it. */
export const PICK_ACTION = 'signalbox.pick';

export function toPress(press: BlockActions, us: Identity): Press {
  const [action] = press.actions;
  const { channel, message } = press;
  const place = placeOf(press);
  const says = saidBy(press);
  if (says !== undefined && place) return { kind: 'say', message: toSaid(press, says, place, us) };
  // A card that was forwarded or quoted is somebody else's message; only the card itself decides.
  if (press.container.type !== 'message' || !channel || !message)
    return { kind: 'unknown', reason: 'not on a card of ours' };

  const stamp = parsed(CardStamp, action?.selected_option?.value ?? action?.value);
  if (!action || !stamp) return { kind: 'unknown', reason: 'not a button of ours' };

  const card = { channel: channel.id, ts: message.ts, thread: message.thread_ts };
  const choice = AT_ONCE.find((each) => ACTIONS[each] === action.action_id);
  if (choice) return { kind: 'answer', answer: toAnswer(choice, press, stamp, card, us) };
  if (action.action_id.startsWith(OPTION_ACTION) && stamp.option !== undefined) {
    const answer = toAnswer('answer', press, stamp, card, us);
    return { kind: 'answer', answer: { ...answer, text: stamp.option } };
  }
  switch (action.action_id) {
    case ACTIONS['deny-with-reason']:
      return { kind: 'ask-words', context: { ...stamp, ...card, choice: 'deny' } };
    case ACTIONS.answer:
      return { kind: 'ask-words', context: { ...stamp, ...card, choice: 'answer' } };
    default: {
      const filled = FORM_CHOICES.find((each) => ACTIONS[each] === action.action_id);
      if (!filled) return { kind: 'unknown', reason: 'not a button of ours' };
      return {
        kind: 'fill-in',
        sender: clickerOf(press.user),
        context: { ...stamp, ...card, choice: filled },
      };
    }
  }
}

/** The words of a button that says something, with what was picked beside it. */
function saidBy({ actions, state }: BlockActions): string | undefined {
  const [action] = actions;
  if (action?.value === undefined) return undefined;
  if (action.action_id === PICK_ACTION) {
    const picked = Object.values(state?.values ?? {})
      .flatMap((block) => Object.values(block))
      .flatMap(({ selected_options: options = [] }) => options.map(({ value }) => value));
    return [action.value, ...picked].join(' ');
  }
  return action.action_id.startsWith(SAY_ACTION) ? action.value : undefined;
}

/** Where it was pressed; also under what only they see, which is no message for Slack. */
function placeOf({
  container,
  channel,
  message,
}: BlockActions): { channel: string; ts: string; thread_ts: string | undefined; alone: boolean } | undefined {
  if (container.type !== 'message' || !channel) return undefined;
  if (message) return { channel: channel.id, ts: message.ts, thread_ts: message.thread_ts, alone: false };
  if (!container.is_ephemeral || container.message_ts === undefined) return undefined;
  return { channel: channel.id, ts: container.message_ts, thread_ts: container.thread_ts, alone: true };
}

/** What a button says is a message of whoever pressed it, in the thread it stands in. */
function toSaid(
  { user, actions }: BlockActions,
  text: string,
  { channel, ts, thread_ts, alone }: NonNullable<ReturnType<typeof placeOf>>,
  us: Identity,
): InboundMessage {
  const thread = thread_ts ?? ts;
  const at = actions[0]?.action_ts ?? ts;
  // What one person was shown alone is nobody else's talk, and its answer belongs there.
  const isOfCommand = alone && thread_ts === undefined;
  return {
    kind: 'message',
    // One press is one gesture: Slack delivers it again under the same action_ts.
    id: MessageId.parse(`${messageId(us, channel, ts)}:${at}:${user.id}:say`),
    conversationId: isOfCommand
      ? ConversationId.parse(`slack:${us.teamId}:${channel}:command:${user.id}`)
      : conversationId(us, channel, thread),
    ...(isOfCommand ? {} : roomOf(us, channel)),
    sender: clickerOf(user),
    text,
    addressedToBot: true,
    sentAt: new Date(Number(at) * 1_000).toISOString(),
    replyTo: addressOf(channel, alone ? thread_ts : thread),
  };
}

interface CardPlace {
  readonly channel: string;
  readonly ts: string;
  readonly thread: string | undefined;
}

function toAnswer(
  choice: (typeof AT_ONCE)[number] | 'answer',
  press: BlockActions,
  stamp: CardStamp,
  card: CardPlace,
  us: Identity,
): InboundAnswer {
  return {
    kind: 'answer',
    // One press is one gesture: Slack delivers it again under the same action_ts.
    id: MessageId.parse(
      `${messageId(us, card.channel, card.ts)}:${press.actions[0]?.action_ts ?? ''}:${press.user.id}:${ACTIONS[choice]}`,
    ),
    sender: clickerOf(press.user),
    approvalId: stamp.approval,
    choice,
    gen: stamp.gen,
    digest: stamp.digest,
    card: cardOf(card),
  };
}

/** The modal in which a person gives the words of a denial or an answer. */
export const REASON_MODAL = { id: 'signalbox.reason', block: 'reason', input: 'words' } as const;

/** Undefined when it is not our modal, or not one we could have opened. */
export function toReasonedAnswer({ user, view }: ViewSubmission, us: Identity): InboundAnswer | undefined {
  const context = parsed(ReasonContext, view.private_metadata);
  if (view.callback_id !== REASON_MODAL.id || !context) return undefined;

  const words = view.state.values[REASON_MODAL.block]?.[REASON_MODAL.input]?.value
    ?.trim()
    .slice(0, MAX_REASON_CHARS);
  return {
    kind: 'answer',
    // One modal is sent once; sending it again after a failure is the same gesture.
    id: MessageId.parse(`slack:${us.teamId}:view:${view.id}:${user.id}`),
    sender: clickerOf(user),
    approvalId: context.approval,
    choice: context.choice,
    ...(words ? { text: words } : {}),
    gen: context.gen,
    digest: context.digest,
    card: cardOf(context),
  };
}

/** The form that the core makes for an answer; each field is a block under its own name. */
export const FORM_MODAL = { id: 'signalbox.form', input: 'value' } as const;

/** Undefined when it is not such a form, or not one we could have opened. */
export function toFilledAnswer({ user, view }: ViewSubmission, us: Identity): InboundAnswer | undefined {
  const context = parsed(FormContext, view.private_metadata);
  if (view.callback_id !== FORM_MODAL.id || !context) return undefined;
  const fields = Object.fromEntries(
    Object.entries(view.state.values).map(([name, block]) => [name, block[FORM_MODAL.input]?.value ?? '']),
  );
  // The same words sent again are the same gesture; others, after a word about what was wrong, are another.
  const words = createHash('sha256').update(JSON.stringify(fields)).digest('hex').slice(0, 16);
  return {
    kind: 'answer',
    id: MessageId.parse(`slack:${us.teamId}:view:${view.id}:${user.id}:${words}`),
    sender: clickerOf(user),
    approvalId: context.approval,
    choice: context.choice,
    fields,
    gen: context.gen,
    digest: context.digest,
    card: cardOf(context),
  };
}

/** A button is pressed by a person. The team named beside the press is where it happened, which proves nothing. */
function clickerOf(user: Clicker): Sender {
  return {
    account: accountOf(user.team_id ?? 'unknown', user.id),
    displayName: user.name ?? user.username ?? user.id,
    authenticated: true,
    automatic: false,
  };
}

function cardOf(card: CardPlace): NonNullable<InboundAnswer['card']> {
  return { to: addressOf(card.channel, card.thread), ref: refOf(card.channel, card.ts) };
}

export function accountOf(team: string, user: string): AccountId {
  return AccountId.parse(`slack:${team}/${user}`);
}

export function messageId(us: Identity, channel: string, ts: string): MessageId {
  return MessageId.parse(`slack:${us.teamId}:${channel}:${ts}`);
}

function conversationId(us: Identity, channel: string, thread: string): ConversationId {
  return ConversationId.parse(`slack:${us.teamId}:${channel}:${thread}`);
}

/** In a direct message whatever is not written in a thread begins one. */
export function roomOf(us: Identity, channel: string): Pick<InboundMessage, 'room'> {
  return isDirect(channel) ? { room: `slack:${us.teamId}:${channel}:` } : {};
}

export function addressOf(channel: string, thread: string | undefined): Address {
  return { platform: SLACK, route: thread === undefined ? { channel } : { channel, thread } };
}

/** How a message of ours is named outside this gateway: channel and timestamp. */
export function refOf(channel: string, ts: string): string {
  return `${channel}/${ts}`;
}

function parsed<Value>(
  schema: { safeParse(input: unknown): { data?: Value | undefined } },
  json: string | undefined,
): Value | undefined {
  if (json === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined; // not JSON, so not written by us
  }
}
