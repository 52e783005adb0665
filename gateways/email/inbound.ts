/** What a mail says, in our words. Pure: no connection, no clock, no logging. */
import EmailReplyParser from 'email-reply-parser';
import libmime from 'libmime';
import { MessageId, Platform } from '../../src/domain/ids.ts';
import {
  type Attachment,
  type Inbound,
  type InboundMessage,
  MAX_TEXT_CHARS,
} from '../../src/domain/message.ts';
import { accountOf, matchOwn, readMailboxes } from './addresses.ts';
import { type Authentication, fromAddress } from './authentication.ts';
import { automaticReason } from './automatic.ts';
import type { MailAttachment, ReadMail } from './mail-reader.ts';
import { BOUNCE_TAG, SUBJECT_TOKEN } from './reply-address.ts';
import {
  conversationFromHash,
  conversationOf,
  hash,
  readMessageIds,
  readOwnMessageId,
  referencesOfAnswer,
  type ThreadHeaders,
} from './thread.ts';
import { HIDDEN_MARK, toVisibleText, type VisibleText } from './visible-text.ts';

export const EMAIL = Platform.parse('email');

/** Of each rendering, in characters: an answer stands in the first line. */
const MAX_READING_CHARS = 64 * 1024;

/** Beyond what is accepted, so that the core can say that it was too long. */
const MAX_MESSAGE_CHARS = MAX_TEXT_CHARS + 1_000;

const MAX_NAME_CHARS = 100;
const MAX_SUBJECT_CHARS = 300;
const MAX_FILE_NAME_CHARS = 255;

/** How mail programs begin the subject of what somebody passes on, in the languages they come in; before it, that of answers. */
const FORWARDED =
  /^\s*((?:(?:re|aw|sv|antw|odp)\s*:\s*)*)(?:fwd?|wg|tr|rv|enc|vb|vs|doorst|i|pd|yml|továbbítás|转发|轉寄)\s*[:：]/i;

/** How they begin that of an answer. */
const ANSWERED =
  /^\s*(?:re|aw|sv|antw|odp|res|rif|ref|ynt|vá|vs|回复|回覆|答复|答覆|返信|ΑΠ|atb|отв)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]/i;

/** Of a line of which it is said whose it is, in letters and digits: one word is anybody's. */
const MIN_LINE_CHARS = 4;

/** Where a quote is looked for. The parser's time grows with the square of this: a tenth of a second at worst. */
const MAX_SEARCHED_CHARS = 8_000;

/** Of a header with encoded words; the text in it is shorter. */
const MAX_ENCODED_CHARS = 4_000;

/** Longest Message-ID kept as it is; `MessageId` holds 400 characters. */
const MAX_PLAIN_ID_CHARS = 380;

/** Where a program or server writes the address a mail was really delivered to, most trustworthy first. */
const RECIPIENT_HEADERS: readonly string[] = [
  'delivered-to',
  'x-original-to',
  'envelope-to',
  'x-envelope-to',
  'to',
  'cc',
];

export interface Arrival {
  readonly mail: ReadMail;
  readonly authentication: Authentication;
  /** The recipients and sender the transport named; absent when read from a mailbox. */
  readonly envelope?: { readonly from: string; readonly to: readonly string[] };
  readonly at: Date;
}

/** Undefined when nobody is talking: our own mail, or one without an author. `aliases`: addresses that lead to us. */
export function toInbound(
  arrival: Arrival,
  own: string,
  aliases: readonly string[] = [],
): Inbound | undefined {
  const { mail, authentication, envelope } = arrival;
  const author = authorOf(mail);
  if (author === undefined || author === own) return undefined;

  const thread = threadOf(mail);
  const recipients = recipientsOf(arrival);
  const tags = recipients.flatMap((recipient) => matchOwn(own, recipient)?.tag ?? []);
  const token = tokenIn(tags, mail);
  const subject = subjectOf(mail);
  const { text, holdsQuote } = wordsOf(mail, subject);
  const answered = thread.inReplyTo.find((id) => readOwnMessageId(id, own));
  const names = (header: 'to' | 'cc') =>
    readMailboxes(headerOf(mail, header) ?? '').some(({ address }) =>
      [own, ...aliases].some((ours) => matchOwn(ours, address) !== undefined),
    );

  return {
    kind: 'message',
    id: messageIdOf(thread, mail),
    conversationId: bouncedConversation(tags) ?? conversationOf(thread, own, mail.digest),
    sender: {
      account: accountOf(author),
      displayName: displayNameOf(mail, author),
      // What does not name us was written to somebody else. They may have passed it on to us, signature and all, with
      // an envelope of their own: its author has told us nothing.
      authenticated: authentication.kind === 'authenticated' && (names('to') || names('cc')),
      automatic:
        automaticReason({ ...mail, headers: withDecodedSubject(mail, subject) }, envelope?.from) !==
        undefined,
    },
    text,
    ...(mail.attachments.length > 0 ? { attachments: mail.attachments.map(toAttachment) } : {}),
    ...(holdsQuote || FORWARDED.test(subject) ? { passesOn: true as const } : {}),
    addressedToBot: token !== undefined || names('to') || (answered !== undefined && names('cc')),
    sentAt: sentAtOf(mail, arrival.at),
    replyTo: {
      platform: EMAIL,
      route: {
        to: author,
        subject,
        ...(thread.messageId === undefined ? {} : { inReplyTo: thread.messageId }),
        references: referencesOfAnswer(thread).join(' '),
      },
    },
    ...(answered === undefined ? {} : { inReplyTo: messageIdFrom(answered) }),
    ...(token === undefined ? {} : { approvalReply: { token, readings: readingsOf(mail) } }),
  } satisfies InboundMessage;
}

/** The platform's id of one mail, with or without angle brackets. */
export function messageIdFrom(id: string): MessageId {
  const bare = id.replace(/^<|>$/g, '');
  return MessageId.parse(`email:${bare.length <= MAX_PLAIN_ID_CHARS ? bare : hash(bare)}`);
}

/** A bounce has no From of a person, and sometimes none at all. */
function authorOf(mail: ReadMail): string | undefined {
  const single = fromAddress(mail.headers);
  if (single !== undefined) return single;
  // Several authors, or a broken one: never authenticated, but recorded under the first that can be read.
  return mail.headers
    .filter(({ name }) => name === 'from')
    .flatMap(({ value }) => readMailboxes(value))
    .at(0)?.address;
}

function threadOf(mail: ReadMail): ThreadHeaders {
  const ids = (name: string) => readMessageIds(headerOf(mail, name) ?? '');
  return { messageId: ids('message-id')[0], inReplyTo: ids('in-reply-to'), references: ids('references') };
}

function messageIdOf(thread: ThreadHeaders, mail: ReadMail): MessageId {
  return messageIdFrom(thread.messageId ?? `sha256.${mail.digest}`);
}

function recipientsOf({ mail, envelope }: Arrival): string[] {
  const named = RECIPIENT_HEADERS.flatMap((name) =>
    mail.headers.filter((field) => field.name === name).flatMap(({ value }) => readMailboxes(value)),
  );
  return [...(envelope?.to ?? []), ...named.map(({ address }) => address)];
}

/** A tag of ours that is neither a name nor a bounce; without plus-addressing it stands in the subject. */
function tokenIn(tags: readonly string[], mail: ReadMail): string | undefined {
  const tag = tags.find((candidate) => /^[a-z0-9]{20,}$/.test(candidate));
  return tag ?? SUBJECT_TOKEN.exec(subjectOf(mail))?.[1]?.toLowerCase();
}

function bouncedConversation(tags: readonly string[]) {
  const [, hashed] = tags.map((tag) => BOUNCE_TAG.exec(tag)).find((match) => match !== null) ?? [];
  return hashed === undefined ? undefined : conversationFromHash(hashed);
}

/** Every rendering the sender may have seen; one that is blank shows nothing. */
function readingsOf(mail: ReadMail): string[] {
  const plain = (mail.plain ?? '').slice(0, MAX_READING_CHARS);
  const html = visible(mail, false).text;
  const readings = [plain, html].filter((reading) => reading.trim() !== '');
  return readings.length > 0 ? readings : [''];
}

/** Quoted text is left out as a convenience to the reader; nothing may depend on it. */
function wordsOf(mail: ReadMail, subject: string): { text: string; holdsQuote: boolean } {
  const plain = tidy(mail.plain ?? '');
  const page = visible(mail, true);
  const shown = tidy(page.text.replaceAll(HIDDEN_MARK, ''));
  const whole = plain === '' ? shown : plain;
  // What somebody has just passed on is what they write about.
  const [, answering] = FORWARDED.exec(subject) ?? [];
  const text = (answering === '' ? whole : withoutQuotedTail(whole)).slice(0, MAX_MESSAGE_CHARS);
  return { text, holdsQuote: plain === '' ? page.isMixed : repeatsQuote(text, shown) };
}

/**
 * Whether a line of a plain text is one that the page beside it shows as quoted, and nowhere else: not every mail
 * program marks in both what it quotes.
 */
function repeatsQuote(text: string, shown: string): boolean {
  const lines = shown.split('\n');
  const quoted = bareWords(lines.filter((line) => line.startsWith('> ')).join(' '));
  if (quoted === '') return false;
  const own = bareWords(lines.filter((line) => !line.startsWith('> ')).join(' '));
  return [...new Set(text.split('\n').map(bareWords))].some(
    (line) => line.length >= MIN_LINE_CHARS && quoted.includes(line) && !own.includes(line),
  );
}

/** However they are wrapped, and whatever stands between them. */
function bareWords(text: string): string {
  return text.replace(/[^\p{L}\p{N}]+/gu, '').toLowerCase();
}

/** Only the beginning is searched for where the quote begins; if it does not begin there, nothing is left out. */
function withoutQuotedTail(whole: string): string {
  const head = whole.slice(0, MAX_SEARCHED_CHARS);
  const reply = new EmailReplyParser().parseReply(head).trim();
  if (reply === '') return whole;
  return head.length === whole.length || reply.length < head.trim().length ? reply : whole;
}

/** Whatever ends a line does so alike, and blank lines end to end are one; the parser of replies would take minutes for many. */
function tidy(text: string): string {
  const lines = text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/).map((line) => line.trimEnd());
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function toAttachment({ name, type, size, content }: MailAttachment): Attachment {
  return {
    name: oneLine(decodeWords(name), MAX_FILE_NAME_CHARS) || 'unnamed',
    mediaType: type,
    bytes: size,
    ...(content === undefined ? {} : { base64: content.toString('base64') }),
  };
}

function visible(mail: ReadMail, links: boolean): VisibleText {
  if (mail.html === undefined) return { text: '', isMixed: false };
  return toVisibleText(mail.html, { links, maxChars: MAX_READING_CHARS, hasEarlier: hasEarlier(mail) });
}

/** Whether it answers another mail, or passes one on, as far as its head says so. */
function hasEarlier(mail: ReadMail): boolean {
  const subject = subjectOf(mail);
  const isThread = ['in-reply-to', 'references'].some((name) => headerOf(mail, name)?.trim());
  return isThread || ANSWERED.test(subject) || FORWARDED.test(subject);
}

function sentAtOf(mail: ReadMail, arrived: Date): string {
  const claimed = Date.parse(headerOf(mail, 'date') ?? '');
  return Number.isNaN(claimed) || claimed > arrived.getTime() || claimed < 0
    ? arrived.toISOString()
    : new Date(claimed).toISOString();
}

/** A name that looks like another address would be believed; then the real one is shown. */
function displayNameOf(mail: ReadMail, author: string): string {
  const [mailbox] = readMailboxes(headerOf(mail, 'from') ?? '');
  const name = oneLine(decodeWords(mailbox?.name ?? ''), MAX_NAME_CHARS);
  return name === '' || name.includes('@') ? author : name;
}

function subjectOf(mail: ReadMail): string {
  return oneLine(decodeWords(headerOf(mail, 'subject') ?? ''), MAX_SUBJECT_CHARS);
}

function withDecodedSubject(mail: ReadMail, subject: string): ReadMail['headers'] {
  return mail.headers.map((field) => (field.name === 'subject' ? { ...field, value: subject } : field));
}

/** RFC 2047; an unknown encoding stays as it came. */
function decodeWords(text: string): string {
  try {
    return libmime.decodeWords(text.slice(0, MAX_ENCODED_CHARS));
  } catch {
    return text;
  }
}

function oneLine(text: string, maxChars: number): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, maxChars);
}

function headerOf(mail: ReadMail, name: string): string | undefined {
  return mail.headers.find((field) => field.name === name)?.value;
}
