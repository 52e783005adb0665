/** What we say, as a mail. Pure: no connection, no clock. */
import type { ElementContent } from 'hast';
import { toString as plainText } from 'mdast-util-to-string';
import type { Card } from '../../src/domain/card.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import type { Address, OutboundMessage, OutFile } from '../../src/domain/message.ts';
import { withoutEnd } from '../../src/domain/text-end.ts';
import { dropHidden } from '../markdown/hidden-characters.ts';
import { parseMarkdown } from '../markdown/parse.ts';
import { addressOf, normalAddress, withTag } from './addresses.ts';
import { type MailBody, outcomeBody, questionBody } from './approval-mail.ts';
import { LOOP_HEADER } from './automatic.ts';
import { markdownToHtml, page } from './html-body.ts';
import { toPlainBody } from './plain-body.ts';
import { bounceAddress, subjectToken } from './reply-address.ts';
import { MailRoute } from './schema.ts';
import { isMessageId, ownMessageId, readMessageIds } from './thread.ts';

/** As whom we write. */
export interface Author {
  readonly address: string;
  readonly name: string;
  readonly plus_addressing: boolean;
}

export interface OutgoingMail {
  readonly from: { readonly name: string; readonly address: string };
  readonly to: string;
  readonly envelope: { readonly from: string; readonly to: string };
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
  readonly inReplyTo: string | undefined;
  readonly references: readonly string[];
  readonly replyTo: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly attachments: readonly MailFile[];
}

/** A file that goes out with a mail. */
export interface MailFile {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Buffer;
  /** Never shown as a part of the text. */
  readonly contentDisposition: 'attachment';
}

/** Longest subject we write, in characters; a longer one is cut. */
const MAX_SUBJECT_CHARS = 150;

/** Most of a text that makes the subject of a new thread, in characters. */
const MAX_FIRST_WORDS_CHARS = 60;

/** An answer goes to the author of the mail and nobody else; an address that was only named may be a list. */
export function isPrivate({ route }: Address): boolean {
  return route.subject !== undefined;
}

/**
 * Undefined when there is nothing worth a mail: the card is being carried out, and its outcome will follow.
 *
 * @throws {UndeliverableError} when the address is not one a mail can be sent to
 */
export function toMail(message: OutboundMessage, author: Author): OutgoingMail | undefined {
  const route = routeOf(message);
  switch (message.body.kind) {
    case 'text':
      return compose(message, author, {
        ...route,
        subject:
          route.subject === undefined
            ? firstWords(message.body.markdown, author.name)
            : answering(route.subject),
        body: markdownBody(message.body.markdown),
        files: message.body.files ?? [],
      });
    case 'notice':
      return compose(message, author, {
        ...route,
        to: recipientOf(message.body.onlyFor, route.to),
        subject:
          route.subject === undefined
            ? firstWords(message.body.markdown, author.name)
            : answering(route.subject),
        body: markdownBody(message.body.markdown),
      });
    case 'card':
      return cardMail(message, author, { card: message.body.card, replaces: message.body.replaces });
    default:
      return message.body satisfies never;
  }
}

/** The question while it is open, a short word once it is settled. */
function cardMail(
  message: OutboundMessage,
  author: Author,
  { card, replaces }: { card: Card; replaces: string | undefined },
): OutgoingMail | undefined {
  if (card.status.state === 'executing' && replaces !== undefined) return undefined;

  const route = routeOf(message);
  // Part of the thread in which it was asked for, too, where there is one.
  const thread =
    replaces !== undefined && isMessageId(replaces)
      ? { inReplyTo: replaces, references: [...route.references, replaces] }
      : {};
  const token = card.reply?.token;
  const isUnknown = card.status.state === 'unknown';
  const title = `${isUnknown ? 'What came of it?' : 'Approval needed:'} ${card.title}`;
  if (card.choices.length === 0 && card.status.state !== 'open') {
    return compose(message, author, {
      ...route,
      ...thread,
      subject: answering(title),
      body: outcomeBody(card),
    });
  }

  const tagged = token !== undefined && author.plus_addressing;
  const subject = token !== undefined && !tagged ? `${subjectToken(token)} ${title}` : title;
  const replyTo = tagged ? withTag(author.address, token) : author.address;
  return compose(message, author, {
    ...route,
    ...thread,
    subject: replaces === undefined ? subject : answering(subject),
    body: questionBody(card, replyTo, cutSubject(subject)),
    replyTo,
  });
}

interface Composition {
  readonly to: string;
  readonly subject: string;
  readonly body: MailBody;
  readonly inReplyTo: string | undefined;
  readonly references: readonly string[];
  readonly replyTo?: string;
  readonly files?: readonly OutFile[];
}

function compose(message: OutboundMessage, author: Author, parts: Composition): OutgoingMail {
  return {
    from: { name: oneLine(author.name), address: author.address },
    to: parts.to,
    envelope: { from: envelopeSender(author, message.conversationId), to: parts.to },
    subject: cutSubject(parts.subject),
    text: `${parts.body.text}\n`,
    html: page(parts.body.html),
    messageId: ownMessageId(message.id, message.conversationId, author.address),
    inReplyTo: parts.inReplyTo,
    references: parts.references,
    replyTo: parts.replyTo,
    headers: {
      // RFC 3834. Together these keep responders from answering, and us from answering ourselves.
      'Auto-Submitted': parts.inReplyTo === undefined ? 'auto-generated' : 'auto-replied',
      'X-Auto-Response-Suppress': 'All',
      [LOOP_HEADER]: author.address,
    },
    attachments: (parts.files ?? []).map(({ name, mediaType, base64 }) => ({
      filename: oneLine(name),
      contentType: mediaType,
      content: Buffer.from(base64, 'base64'),
      contentDisposition: 'attachment',
    })),
  };
}

function routeOf(
  message: OutboundMessage,
): Pick<Composition, 'to' | 'inReplyTo' | 'references'> & { subject: string | undefined } {
  const route = MailRoute.safeParse(message.to.route);
  const to = route.success ? normalAddress(route.data.to) : undefined;
  if (!route.success || to === undefined)
    throw new UndeliverableError('email', 'the address is not a mail address');

  const { inReplyTo, references, subject } = route.data;
  return {
    to,
    subject,
    inReplyTo: inReplyTo !== undefined && isMessageId(inReplyTo) ? inReplyTo : undefined,
    references: readMessageIds(references ?? ''),
  };
}

/** A notice is for one account; if that is not a mail address, for the one who wrote. */
function recipientOf(account: Parameters<typeof addressOf>[0], otherwise: string): string {
  return account.startsWith('email:') ? (normalAddress(addressOf(account)) ?? otherwise) : otherwise;
}

/** A bounce then names the conversation, and cannot be answered by mistake. */
function envelopeSender({ address, plus_addressing }: Author, conversation: ConversationId): string {
  return plus_addressing ? bounceAddress(address, conversation) : address;
}

function markdownBody(markdown: string): MailBody {
  const visible = dropHidden(markdown);
  const html: ElementContent[] = markdownToHtml(visible);
  return { text: toPlainBody(visible.trimEnd()), html };
}

function answering(subject: string): string {
  return /^\s*(?:re|aw|sv|antw?|rif|res)\s*:/i.test(subject) ? subject : `Re: ${subject}`;
}

/** A new thread needs a subject; the text's beginning says more than our name alone. */
function firstWords(markdown: string, name: string): string {
  for (const line of dropHidden(markdown).split('\n')) {
    const words = wordsOf(line);
    if (/\p{L}|\p{N}/u.test(words)) return `${name}: ${shortened(words, MAX_FIRST_WORDS_CHARS)}`;
  }
  return `Message from ${name}`;
}

/** As it reads once it is shown; of a mark that goes on in the next line nothing is left. */
function wordsOf(line: string): string {
  const words = oneLine(plainText(parseMarkdown(line.trim())));
  return withoutEnd(words.replace(/^[*_~`|\s]+/, ''), /[*_~`|\s]/);
}

function cutSubject(subject: string): string {
  return shortened(oneLine(subject), MAX_SUBJECT_CHARS);
}

/** Cut between words, unless one of them is too long by itself; never in an address, whose beginning is another one. */
function shortened(line: string, maxChars: number): string {
  if (line.length <= maxChars) return line;
  const [first = ''] = line.trimStart().split(/\s/, 1);
  if (first.length >= maxChars && /[.:/@]/.test(first)) return '…';
  const kept = line.slice(0, maxChars).replace(/(?<=\S)\s+\S*$/, '');
  return `${kept.slice(0, maxChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** No line break survives, so no header can be added. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
