/**
 * Mails that no mail program writes: what attackers and machines send. Only for tests of who is believed.
 * Everything here only makes bytes; `mail-sandbox.ts` signs and sends them.
 */
import type { Mail } from './mail.ts';
import { toReplySubject } from './reply-text.ts';

/** The bytes of a mail with further header lines in front, e.g. a second From. */
export function withHeaderInFront(raw: Buffer, name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from(`${name}: ${value}\r\n`), raw]);
}

/** The bytes of a mail with text behind its end. */
export function withTextAppended(raw: Buffer, text: string): Buffer {
  return Buffer.concat([raw, Buffer.from(text.replace(/\r?\n/g, '\r\n'))]);
}

/** How many bytes follow the header. */
export function bodyLength(raw: Buffer): number {
  const end = raw.indexOf('\r\n\r\n');
  return end === -1 ? 0 : raw.length - end - 4;
}

/** The headers that answering machines set. RFC 3834, 5; Exchange and older programs for the others. */
export const OUT_OF_OFFICE_HEADERS = {
  'Auto-Submitted': 'auto-replied',
  'X-Auto-Response-Suppress': 'All',
  Precedence: 'auto_reply',
};

/** What an answering machine writes: its own text, and the mail it answers quoted whole. */
export function toOutOfOffice(mail: Mail, text: string): { subject: string; text: string } {
  const quote = mail.text.replace(/^/gm, '> ');
  return { subject: `Automatic reply: ${toReplySubject(mail.subject)}`, text: `${text}\n\n${quote}\n` };
}

export interface BounceFacts {
  readonly reporter: string;
  readonly to: string;
  readonly recipient: string;
  /** Enhanced status code, e.g. `5.1.1`. */
  readonly status: string;
  readonly diagnostic: string;
  readonly messageId: string;
  readonly date: Date;
}

/** A delivery status notification: `multipart/report` with the original's header. RFC 3462, RFC 3464. */
export function toBounce(mail: Mail, facts: BounceFacts): Buffer {
  const boundary = `report-${facts.messageId.replace(/\W/g, '')}`;
  const lines = [
    `From: Mail Delivery System <${facts.reporter}>`,
    `To: ${facts.to}`,
    'Subject: Undelivered Mail Returned to Sender',
    `Date: ${facts.date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${facts.messageId}`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `Your mail could not be delivered to ${facts.recipient}: ${facts.diagnostic}`,
    '',
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; ${facts.reporter.slice(facts.reporter.indexOf('@') + 1)}`,
    '',
    `Final-Recipient: rfc822; ${facts.recipient}`,
    'Action: failed',
    `Status: ${facts.status}`,
    `Diagnostic-Code: smtp; ${facts.diagnostic}`,
    '',
    `--${boundary}`,
    'Content-Type: text/rfc822-headers',
    '',
    mail.raw.slice(0, mail.raw.indexOf('\r\n\r\n')),
    '',
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'latin1');
}
