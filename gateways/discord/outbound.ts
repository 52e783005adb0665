/**
 * What we say, as Discord messages. Pure: decides texts, cards, keys and places; calls nobody.
 *
 * Invariants
 *   1. Every message carries a key made of what caused it, `<id>#<part>`, the same on every attempt.
 *   2. One of the messages stands for all: a reference names it and `replaces` edits it. Of a long text it is the
 *      first, which takes the place of the progress shown so far; of a card it is the card, which comes last.
 *   3. Nothing is cut: what would flood a channel goes as a file, whole.
 */
import { createHash } from 'node:crypto';
import type {
  APIActionRowComponent,
  APIButtonComponentWithCustomId,
  APIStringSelectComponent,
} from 'discord.js';
import { z } from 'zod';
import type { Card } from '../../src/domain/card.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import type { Address, Button, OutFile, Picker } from '../../src/domain/message.ts';
import { type RenderedCard, toCard } from './card.ts';
import { toSayId } from './custom-id.ts';
import { MAX_MESSAGE_CHARS, toDiscordMarkdown, toFenced } from './discord-markdown.ts';
import { DISCORD } from './inbound.ts';
import { Snowflake } from './schema.ts';

/** Files of one message (docs.discord.com, Create Message). */
const MAX_FILES = 10;

/** A text of more messages than this is sent as a file behind its beginning. */
const MAX_PARTS = 10;

type ButtonRow = APIActionRowComponent<APIButtonComponentWithCustomId>;
type MenuRow = APIActionRowComponent<APIStringSelectComponent>;

/** One Discord message to be. */
export interface Post {
  readonly key: string;
  readonly content: string;
  readonly embeds?: RenderedCard['embeds'];
  readonly components?: readonly (ButtonRow | MenuRow)[];
  readonly files?: readonly OutFile[];
}

/** Messages in the order in which they are to appear. */
export interface Posts {
  readonly before: readonly Post[];
  readonly main: Post;
  readonly after: readonly Post[];
}

export function toTextPosts(
  id: string,
  markdown: string,
  files: readonly OutFile[] = [],
  buttons: readonly Button[] = [],
): Posts {
  const { texts, whole } = toTexts(markdown);
  const [first = [], ...further] = inTens([...whole, ...files]);
  const posts = [
    // Files come with the end of the text, so that they are found below it.
    ...texts.map((content, index) => ({
      content,
      files: index === texts.length - 1 ? first : [],
      ...(index === texts.length - 1 && buttons.length > 0 ? { components: [buttonRow(buttons)] } : {}),
    })),
    ...further.map((more) => ({ content: '', files: more })),
  ].map((post, index): Post => ({ key: partKey(id, index + 1), ...post }));
  const [main, ...after] = posts;
  if (!main) throw new Error('a text has at least one part');
  return { before: [], main, after };
}

export function buttonRow(buttons: readonly Button[]): ButtonRow {
  return {
    type: 1,
    components: buttons.map(({ label, says }) => ({ type: 2, style: 2, label, custom_id: toSayId(says) })),
  };
}

/** Longest text of an option of a menu, in characters (docs.discord.com, String Select). */
const MAX_OPTION_CHARS = 100;

/** A menu: what is picked in it is said at once. */
function pickRow({ label, says, options }: Picker): MenuRow {
  return {
    type: 1,
    components: [
      {
        type: 3,
        custom_id: toSayId(says),
        placeholder: label,
        min_values: 1,
        max_values: options.length,
        options: options.map(({ label: text, value }) => ({ label: shortened(text), value })),
      },
    ],
  };
}

function shortened(text: string): string {
  return text.length <= MAX_OPTION_CHARS ? text : `${text.slice(0, MAX_OPTION_CHARS - 1).trimEnd()}…`;
}

/** What one person alone is told, in messages; what there is to press comes under the last. */
export function toNoticePosts(
  id: string,
  markdown: string,
  { buttons = [], pick }: { readonly buttons?: readonly Button[]; readonly pick?: Picker } = {},
): Posts {
  const posts = toTextPosts(id, markdown);
  const rows = [...(pick ? [pickRow(pick)] : []), ...(buttons.length === 0 ? [] : [buttonRow(buttons)])];
  if (rows.length === 0) return posts;
  const last = posts.after.at(-1);
  return last
    ? { ...posts, after: [...posts.after.slice(0, -1), { ...last, components: rows }] }
    : { ...posts, main: { ...posts.main, components: rows } };
}

/** The text in messages, or its beginning with the whole of it as a file. */
function toTexts(markdown: string): { texts: string[]; whole: OutFile[] } {
  const texts = toDiscordMarkdown(markdown);
  if (texts.length <= MAX_PARTS) return { texts, whole: [] };
  const [beginning = ''] = toDiscordMarkdown(markdown, MAX_MESSAGE_CHARS - 200);
  return {
    texts: [
      beginning,
      `This is the beginning; all ${markdown.length} characters are in the file \`answer.md\`.`,
    ],
    whole: [
      { name: 'answer.md', mediaType: 'text/markdown', base64: Buffer.from(markdown).toString('base64') },
    ],
  };
}

function inTens(files: readonly OutFile[]): OutFile[][] {
  return Array.from({ length: Math.ceil(files.length / MAX_FILES) }, (_, index) =>
    files.slice(index * MAX_FILES, (index + 1) * MAX_FILES),
  );
}

export function toCardPosts(id: string, card: Card): Posts {
  const { attachments, content, embeds, components } = toCard(card);
  const before = attachments
    .flatMap(({ label, value }) => toFenced(label, value))
    .map((part, index) => ({ key: partKey(id, index + 2), content: part }));
  return { before, main: { key: partKey(id, 1), content, embeds, components }, after: [] };
}

const GOES_ON = '\n…';

/** What shows progress until the reply is there: one message, under a key of its own. */
export function toProgressPost(key: string, markdown: string): Post {
  const [text = '', ...rest] = toDiscordMarkdown(markdown, MAX_MESSAGE_CHARS - GOES_ON.length);
  const saysSo = rest.length === 0 && goesOn(text);
  return { key: `${key}#progress`, content: saysSo ? text : text + GOES_ON };
}

/** Whether it ends as progress always does: by a mark of its own, behind whatever code or table is still open. */
export function goesOn(content: string): boolean {
  return /\s…\s*$/.test(content);
}

/** What a command is answered with where the answer gets a thread of its own: what it is about. */
export function toThreadStart(title: string): Post {
  return { key: '', content: toDiscordMarkdown(`> ${title}`)[0] ?? title };
}

function partKey(id: string, part: number): string {
  return `${id}#${part}`;
}

/** Longest nonce, in characters (docs.discord.com, Create Message). */
const NONCE_CHARS = 25;

/** Under the same nonce Discord creates a message once, for a few minutes. */
export function nonceOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, NONCE_CHARS);
}

/** How an interaction is answered, while it can be. */
/** How the first answer to a command begins that says why nothing was done; what the core says of it takes its place. */
const NOTHING_DONE = 'Nothing was done: ';

export function nothingDone(reason: string): string {
  return `${NOTHING_DONE}${reason.replaceAll('-', ' ')}.`;
}

/** Whether something we wrote is such an answer still. */
export function saysNothingDone(content: string): boolean {
  return content.startsWith(NOTHING_DONE);
}

export interface InteractionRef {
  readonly id: string;
  readonly token: string;
}

/** Where a message goes. */
export type Place =
  | {
      readonly kind: 'channel';
      readonly channel: string;
      readonly guild: string | undefined;
      /** The message that is answered. */
      readonly reply: string | undefined;
      /** The thread to be opened first, on a message, by its id, or on the `answer` to the interaction. */
      readonly opens: { readonly on: string; readonly title: string } | undefined;
      /** What is answered, its token sealed. */
      readonly interaction: { readonly id: string; readonly sealed: string } | undefined;
    }
  | { readonly kind: 'direct'; readonly user: string };

const Route = z.union([
  z
    .object({
      channel: Snowflake,
      guild: Snowflake.optional(),
      reply: Snowflake.optional(),
      thread: Snowflake.optional(),
      title: z.string().optional(),
      interaction: Snowflake.optional(),
      sealed: z.string().optional(),
    })
    .transform(
      ({ channel, guild, reply, thread, title, interaction, sealed }): Place => ({
        kind: 'channel',
        channel,
        guild,
        reply,
        opens:
          thread === undefined
            ? undefined
            : { on: thread === interaction ? 'answer' : thread, title: title ?? 'Conversation' },
        interaction: interaction && sealed ? { id: interaction, sealed } : undefined,
      }),
    ),
  z.object({ user: Snowflake }).transform(({ user }): Place => ({ kind: 'direct', user })),
]);

/** Undefined when the address is not one of ours. */
export function toPlace(to: Address): Place | undefined {
  return to.platform === DISCORD ? Route.safeParse(to.route).data : undefined;
}

/** What Discord counts a message against: a thread is a channel of its own. */
export function channelOf({ route }: Address): string {
  return route.thread ?? route.channel ?? route.user ?? '';
}

/** Bots are in no conversation of several people but in a server. A channel that was only named may lie in one. */
export function isPrivate({ route }: Address): boolean {
  const isAnswer = route.reply !== undefined || route.interaction !== undefined;
  return route.guild === undefined && (route.user !== undefined || isAnswer);
}

/** To a channel or a thread; where the thread is not there yet, to the message that it is opened on. */
export function linkTo(to: Address): string | undefined {
  const place = toPlace(to);
  if (place?.kind !== 'channel' || place.guild === undefined) return undefined;
  const { guild, channel, opens } = place;
  const message = opens === undefined || opens.on === 'answer' ? [] : [opens.on];
  return ['https://discord.com/channels', guild, channel, ...message].join('/');
}

/** `discord:80351110224678912` is reached at that user; undefined when the account is no person of Discord. */
export function toDirectAddress(account: AccountId): Address | undefined {
  const user = userOf(account);
  return user === undefined ? undefined : { platform: DISCORD, route: { user } };
}

export function userOf(account: AccountId): string | undefined {
  const [platform, id] = account.split(':');
  return platform === DISCORD ? Snowflake.safeParse(id).data : undefined;
}

/** How a message of ours is named outside this gateway: channel and message. */
export function refOf(channel: string, message: string): string {
  return `${channel}/${message}`;
}

/** Undefined if it is no reference of ours. */
export function parseRef(ref: string): { channel: string; message: string } | undefined {
  const [channel, message] = ref.split('/');
  return z.object({ channel: Snowflake, message: Snowflake }).safeParse({ channel, message }).data;
}
