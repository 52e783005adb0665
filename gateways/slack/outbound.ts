/**
 * What we say, as Slack messages. Pure: decides texts, blocks, keys and places; calls nobody.
 *
 * Invariants
 *   1. Every message carries a key made of what caused it, `<id>#<part>`, the same on every attempt.
 *   2. One of the messages stands for all: a reference names it and `replaces` edits it. Of a long text it is the
 *      first, which takes the place of the progress shown so far; of a card it is the card, which comes last.
 */
import type { types } from '@slack/bolt';
import { z } from 'zod';
import type { Card } from '../../src/domain/card.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import type { Address, Button, OutFile, Picker } from '../../src/domain/message.ts';
import { toCard } from './card.ts';
import { isDirect, PICK_ACTION, SAY_ACTION, SLACK } from './inbound.ts';
import { MAX_MESSAGE_BYTES, toFenced, toMrkdwn } from './mrkdwn.ts';
import { SlackId, SlackTs } from './schema.ts';

/** One Slack message to be. */
export interface Post {
  readonly key: string;
  readonly text: string;
  readonly blocks?: types.KnownBlock[];
}

/** Messages in the order in which they are to appear. */
export interface Posts {
  readonly before: readonly Post[];
  readonly main: Post;
  readonly after: readonly Post[];
}

export function toTextPosts(id: string, markdown: string, buttons: readonly Button[] = []): Posts {
  const texts = toMrkdwn(markdown);
  const [main, ...after] = texts.map((text, index) => ({
    key: partKey(id, index + 1),
    text,
    ...(index === texts.length - 1 ? withButtons(text, buttons) : {}),
  }));
  if (!main) throw new Error('a text has at least one part');
  return { before: [], main, after };
}

/** Longest text of a section (docs.slack.dev, Block Kit, section). */
const MAX_SECTION_CHARS = 3_000;

/** Below the text; what they say stands in it, so where there is no room nothing is lost. */
export function withButtons(
  text: string,
  buttons: readonly Button[],
  pick?: Picker | undefined,
): Pick<Post, 'blocks'> {
  if ((buttons.length === 0 && !pick) || text.length > MAX_SECTION_CHARS) return {};
  return {
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text } },
      ...(pick ? pickBlocks(pick) : []),
      ...(buttons.length === 0 ? [] : [{ type: 'actions' as const, elements: buttons.map(toSayButton) }]),
    ],
  };
}

function toSayButton({ label, says }: Button, index: number): types.ActionsBlockElement {
  const text = { type: 'plain_text' as const, text: label, emoji: false };
  return { type: 'button', action_id: `${SAY_ACTION}${index}`, text, value: says };
}

/** Options of one group of boxes, and characters of one (docs.slack.dev, Block Kit, checkboxes, option). */
const MAX_BOXES = 10;
const MAX_OPTION_CHARS = 75;

/** Boxes to tick, and a button that says what was ticked. */
function pickBlocks({ label, says, options }: Picker): types.KnownBlock[] {
  const groups = Array.from({ length: Math.ceil(options.length / MAX_BOXES) }, (_, group) =>
    options.slice(group * MAX_BOXES, (group + 1) * MAX_BOXES),
  );
  return [
    ...groups.map(
      (group, index): types.KnownBlock => ({
        type: 'actions',
        elements: [
          {
            type: 'checkboxes',
            action_id: `${PICK_ACTION}.boxes.${index}`,
            options: group.map(({ label: text, value }) => ({
              text: { type: 'plain_text', text: shortened(text), emoji: false },
              value,
            })),
          },
        ],
      }),
    ),
    {
      type: 'actions',
      elements: [
        {
          type: 'button',
          action_id: PICK_ACTION,
          text: { type: 'plain_text', text: label, emoji: false },
          value: says,
        },
      ],
    },
  ];
}

function shortened(text: string): string {
  return text.length <= MAX_OPTION_CHARS ? text : `${text.slice(0, MAX_OPTION_CHARS - 1).trimEnd()}…`;
}

export function toCardPosts(id: string, card: Card): Posts {
  const { attachments, text, blocks } = toCard(card);
  const before = attachments
    .flatMap(({ label, value }) => toFenced(label, value))
    .map((part, index) => ({ key: partKey(id, index + 2), text: part }));
  return { before, main: { key: partKey(id, 1), text, blocks }, after: [] };
}

/** What one person alone is told. */
export function toNoticePosts(
  id: string,
  markdown: string,
  { buttons = [], pick }: { readonly buttons?: readonly Button[]; readonly pick?: Picker } = {},
): Post[] {
  const texts = toMrkdwn(markdown);
  return texts.map((text, index) => ({
    key: partKey(id, `notice-${index + 1}`),
    text,
    ...(index === texts.length - 1 ? withButtons(text, buttons, pick) : {}),
  }));
}

/** Said in place of files that Slack does not take. */
export function toFilesRefusedPost(id: string, files: readonly OutFile[], reason: string): Post {
  const names = files.map(({ name }) => `"${name}"`).join(', ');
  const [text = ''] = toMrkdwn(`I could not attach ${literal(names)}: Slack says ${literal(reason)}.`);
  return { key: `${id}#files`, text };
}

/** As it stands, whatever it would mean in markdown. */
function literal(text: string): string {
  return text.replaceAll(/[\\`*_~#<>[\]|&@!]/g, '\\$&');
}

const GOES_ON = '\n…';

/** What shows progress until the reply is there: one message, under the key of the reply's first part. */
export function toProgressPost(key: string, markdown: string): Post {
  const [text = '', ...rest] = toMrkdwn(markdown, MAX_MESSAGE_BYTES - Buffer.byteLength(GOES_ON));
  return { key: partKey(key, 1), text: rest.length === 0 ? text : text + GOES_ON };
}

function partKey(id: string, part: number | string): string {
  return `${id}#${part}`;
}

/** Where a message goes: a channel or a thread of it, one person in a channel, or a person's direct messages. */
export type Place =
  | { readonly kind: 'channel'; readonly channel: string; readonly thread: string | undefined }
  | AlonePlace
  | { readonly kind: 'direct'; readonly user: string };

/** Where a command was typed: what is said there is for that one person. */
export interface AlonePlace {
  readonly kind: 'alone';
  readonly channel: string;
  readonly user: string;
  /** The address that came with the command, sealed. */
  readonly sealed: string | undefined;
}

const Route = z.union([
  z
    .object({ channel: SlackId, user: SlackId, sealed: z.string().optional() })
    .transform(({ channel, user, sealed }): Place => ({ kind: 'alone', channel, user, sealed })),
  z
    .object({ channel: SlackId, thread: SlackTs.optional() })
    .transform(({ channel, thread }): Place => ({ kind: 'channel', channel, thread })),
  z.object({ user: SlackId }).transform(({ user }): Place => ({ kind: 'direct', user })),
]);

/** Undefined when the address is not one of ours. */
export function toPlace(to: Address): Place | undefined {
  return to.platform === SLACK ? Route.safeParse(to.route).data : undefined;
}

/** `slack:T024/U0DANA` is reached at U0DANA. */
export function toDirectAddress(account: AccountId): Address {
  return { platform: SLACK, route: { user: userOf(account) } };
}

/** A direct message, or where a command was given: what is said there is for whoever gave it. */
export function isPrivate(address: Address): boolean {
  const place = toPlace(address);
  return place !== undefined && (place.kind !== 'channel' || isDirect(place.channel));
}

/**
 * To the first message of a thread, with the thread beside it, as `chat.getPermalink` makes it (docs.slack.dev). Without a
 * thread, or while the workspace is not known, to the channel: whoever follows it is asked which workspace, where they
 * are in several.
 *
 * @param workspaceUrl `https://acme.slack.com/`
 */
export function linkTo(to: Address, workspaceUrl: string | undefined): string | undefined {
  const place = toPlace(to);
  if (place?.kind !== 'channel') return undefined;
  const { channel, thread } = place;
  if (thread === undefined || workspaceUrl === undefined)
    return `https://slack.com/app_redirect?channel=${channel}`;
  const link = new URL(`archives/${channel}/p${thread.replace('.', '')}`, workspaceUrl);
  link.search = new URLSearchParams({ thread_ts: thread, cid: channel }).toString();
  return link.href;
}

export function userOf(account: AccountId): string {
  return account.slice(account.lastIndexOf('/') + 1);
}

/** The channel and timestamp a reference of ours names; undefined if it is none. */
export function parseRef(ref: string): { channel: string; ts: string } | undefined {
  const [channel, ts] = ref.split('/');
  const parsed = z.object({ channel: SlackId, ts: SlackTs }).safeParse({ channel, ts });
  return parsed.data;
}
