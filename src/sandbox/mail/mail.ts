/** A mail as it lies in somebody's mailbox: the bytes as they came, and what a mail program shows of them. */
import { type AddressObject, type ParsedMail, simpleParser } from 'mailparser';

export interface Envelope {
  /** `MAIL FROM`; empty for bounces. */
  readonly from: string;
  /** `RCPT TO`, plus-addresses as given. */
  readonly to: readonly string[];
}

export interface MailAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: number;
  readonly base64: string;
}

export interface Mail {
  readonly envelope: Envelope;
  /** Address of the author, without the name. */
  readonly from: string;
  readonly fromName: string;
  readonly to: readonly string[];
  /** Where an answer goes: Reply-To, or else the author. */
  readonly replyTo: string;
  readonly subject: string;
  /** ISO 8601, from the Date header, or else when it arrived. */
  readonly date: string;
  readonly text: string;
  readonly html: string | undefined;
  readonly messageId: string;
  readonly inReplyTo: string | undefined;
  readonly references: readonly string[];
  /** By lower-case name; a header that occurs more than once has its values joined by line breaks. */
  readonly headers: Readonly<Record<string, string>>;
  readonly attachments: readonly MailAttachment[];
  /** The bytes, one character each. */
  readonly raw: string;
}

export async function parseMail(raw: Buffer, envelope: Envelope, arrivedAt: Date): Promise<Mail> {
  const parsed = await simpleParser(raw);
  const from = parsed.from?.value[0];
  const author = from?.address ?? envelope.from;
  return {
    envelope,
    from: author,
    fromName: from?.name ?? '',
    to: addressesOf(parsed.to),
    replyTo: parsed.replyTo?.value[0]?.address ?? author,
    subject: parsed.subject ?? '',
    date: (parsed.date ?? arrivedAt).toISOString(),
    text: parsed.text ?? '',
    html: parsed.html === false ? undefined : parsed.html,
    messageId: parsed.messageId ?? '',
    inReplyTo: parsed.inReplyTo,
    references: [parsed.references ?? []].flat(),
    headers: headersOf(parsed),
    attachments: parsed.attachments.map(({ filename = 'unnamed', contentType, content }) => ({
      name: filename,
      mediaType: contentType,
      bytes: content.length,
      base64: content.toString('base64'),
    })),
    raw: raw.toString('latin1'),
  };
}

function addressesOf(field: AddressObject | AddressObject[] | undefined): string[] {
  return [field ?? []].flat().flatMap((object) => object.value.flatMap(({ address }) => address ?? []));
}

function headersOf(parsed: ParsedMail): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { key, line } of parsed.headerLines) {
    const value = line
      .slice(line.indexOf(':') + 1)
      .replace(/\r?\n[ \t]+/g, ' ')
      .trim();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}\n${value}`;
  }
  return headers;
}
