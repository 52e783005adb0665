/**
 * Reads one mail from a stream: its headers, the texts a person would read, and small attachments. The rest flows past.
 *
 * Owns      sizes and structure: what is too large or too tangled is refused while it is read.
 * Not here  what the mail means (`inbound.ts`), or who really sent it (`authentication.ts`, which listens in).
 *
 * Invariants
 *   1. Attachments are kept up to what a message may carry; a mail of any size costs a fixed amount of memory.
 *   2. A message inside the message is an attachment: its text is not the sender's.
 *   3. Reading ends: by the size limit, or by the signal that comes with it.
 */
import { createHash } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type MimeNode, Splitter, type SplitterChunk } from '@zone-eu/mailsplit';
import libmime from 'libmime';
import libqp from 'libqp';
import { AppError } from '../../src/domain/errors.ts';
import { MAX_INLINE_BYTES } from '../../src/domain/message.ts';

/** Text considered, of each kind, in bytes: nobody types more, and parsers of replies take their time. */
const MAX_PLAIN_BYTES = 64 * 1024;

/** Mail programs wrap a line of text in a page of HTML. */
const MAX_HTML_BYTES = 1024 * 1024;

/** Headers of one part, in bytes; long threads and many signatures stay far below. */
const MAX_HEADER_BYTES = 256 * 1024;

/** Parts of one mail, and how deep they may lie in each other. */
const MAX_PARTS = 500;
const MAX_DEPTH = 50;

const MAX_ATTACHMENTS = 20;

/**
 * A picture that the HTML shows in its text is an attachment only from this size on, in bytes: smaller ones are the
 * logos of signatures, larger ones somebody pasted.
 */
const MIN_PASTED_BYTES = 20_000;

/** What mail programs show as the mail's own text; the rest of `text/…` (calendar, csv, vcard) is attached. */
const PLAIN_TYPES: readonly string[] = ['text/plain', 'text/markdown', 'text/enriched'];
const HTML_TYPES: readonly string[] = ['text/html', 'text/x-amp-html', 'text/watch-html'];

export interface HeaderField {
  /** Lower case. */
  readonly name: string;
  /** Unfolded; encoded words as they came. */
  readonly value: string;
}

export interface MailAttachment {
  /** As it came, encoded words and all. */
  readonly name: string;
  readonly type: string;
  /** Decoded; of one that is not carried, as far as that can be told without keeping it. */
  readonly size: number;
  /** Absent when all of them together would be more than a message carries. */
  readonly content: Buffer | undefined;
}

export interface ReadMail {
  /** In order, repeated ones included. */
  readonly headers: readonly HeaderField[];
  /** Every text/plain part shown inline, one below the other; undefined if there is none. */
  readonly plain: string | undefined;
  /** Every text/html part shown inline, as HTML; undefined if there is none. */
  readonly html: string | undefined;
  /** Media types of all parts, lower case, in order; a message inside the message is one part. */
  readonly types: readonly string[];
  /** The first of them, in order, without the small pictures that belong to the HTML. */
  readonly attachments: readonly MailAttachment[];
  /** SHA-256 of all bytes, in hex. */
  readonly digest: string;
  readonly size: number;
}

/** The mail cannot be read, now or later. */
export class UnreadableMailError extends AppError {
  override readonly code = 'UNREADABLE_MAIL';

  constructor(
    readonly reason: 'too-large' | 'malformed' | 'too-slow',
    options?: ErrorOptions,
  ) {
    super(`the mail cannot be read: ${reason}`, options);
  }
}

export interface ReadOptions {
  readonly maxBytes: number;
  /** Sees the raw bytes as they pass, and may slow them down. */
  readonly listener?: Transform;
}

/**
 * @throws {UnreadableMailError} when the mail is too large, malformed, or takes too long
 * @throws what the source throws when it breaks off
 */
export async function readMail(
  source: Readable,
  options: ReadOptions,
  signal: AbortSignal,
): Promise<ReadMail> {
  const meter = new Meter(options.maxBytes);
  const parts = new PartReader();
  const splitter = new Splitter({
    ignoreEmbedded: true,
    maxHeadSize: MAX_HEADER_BYTES,
    maxChildNodes: MAX_PARTS,
  });
  // Whoever fails takes the others down with its own error, so only the first to fail is to blame.
  let culprit: 'source' | 'mail' | undefined;
  const blame = (stream: EventEmitter, who: 'source' | 'mail') =>
    stream.once('error', () => {
      culprit ??= who;
    });
  blame(source, 'source');
  blame(splitter, 'mail');
  try {
    await pipeline(
      source,
      meter,
      options.listener ?? new PassThrough(),
      splitter,
      (chunks) => parts.take(chunks),
      { signal },
    );
  } catch (error) {
    if (error instanceof UnreadableMailError) throw error;
    if (signal.aborted) throw new UnreadableMailError('too-slow', { cause: error });
    if (culprit === 'mail') throw new UnreadableMailError('malformed', { cause: error });
    throw error;
  }
  return { ...parts.result(), digest: meter.digest(), size: meter.size };
}

/** Counts, hashes, and ends what is too large. */
class Meter extends Transform {
  size = 0;
  readonly #hash = createHash('sha256');

  constructor(private readonly maxBytes: number) {
    super();
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null, data?: Buffer) => void,
  ): void {
    this.size += chunk.length;
    this.#hash.update(chunk);
    if (this.size > this.maxBytes) done(new UnreadableMailError('too-large'));
    else done(null, chunk);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** Keeps the texts and lets the rest go. */
class PartReader {
  #headers: readonly HeaderField[] = [];
  readonly #types: string[] = [];
  readonly #attachments: Enclosed[] = [];
  #room = MAX_INLINE_BYTES;
  readonly #plain = new TextPile(MAX_PLAIN_BYTES);
  readonly #html = new TextPile(MAX_HTML_BYTES);
  readonly #depths = new Map<MimeNode, number>();
  #current: Part | undefined;

  async take(chunks: AsyncIterable<SplitterChunk>): Promise<void> {
    for await (const chunk of chunks) {
      if (chunk.type === 'node') this.#beginPart(chunk);
      else if (chunk.type === 'body') this.#keep(chunk.value);
    }
    this.#endPart();
  }

  result(): Omit<ReadMail, 'digest' | 'size'> {
    const html = this.#html.text() ?? '';
    return {
      headers: this.#headers,
      plain: this.#plain.text(),
      html: this.#html.text(),
      types: this.#types,
      attachments: this.#attachments
        .filter((each) => !isDecoration(each, html))
        .map(({ name, type, size, content }) => ({ name, type, size, content })),
    };
  }

  #beginPart(node: MimeNode): void {
    this.#endPart();
    if (!node.parentNode) this.#headers = fieldsOf(node);
    const depth = node.parentNode ? (this.#depths.get(node.parentNode) ?? 0) + 1 : 0;
    if (depth > MAX_DEPTH) throw new UnreadableMailError('malformed');
    this.#depths.set(node, depth);

    const type = node.contentType || 'text/plain';
    this.#types.push(type);
    if (node.multipart) return;
    const pile = this.#pileFor(node, type);
    // Transfer encodings at most triple the size.
    const mostRaw = pile ? pile.maxBytes * 3 : this.#room * 3;
    this.#current = { node, type, pile, mostRaw, bytes: [], size: 0 };
  }

  #pileFor(node: MimeNode, type: string): TextPile | undefined {
    if (node.disposition === 'attachment') return undefined;
    if (HTML_TYPES.includes(type)) return this.#html;
    return PLAIN_TYPES.includes(type) && !node.filename ? this.#plain : undefined;
  }

  #keep(value: Buffer | undefined): void {
    const part = this.#current;
    if (!part || !value) return;
    if (part.size <= part.mostRaw) part.bytes.push(value);
    part.size += value.length;
  }

  #endPart(): void {
    const part = this.#current;
    this.#current = undefined;
    if (part?.pile) part.pile.add(decodeText(part.node, Buffer.concat(part.bytes)));
    else if (part && this.#attachments.length < MAX_ATTACHMENTS) this.#enclose(part);
  }

  #enclose({ node, type, bytes, size, mostRaw }: Part): void {
    const encoding = node.encoding || '';
    const decoded = size <= mostRaw ? decodeTransfer(encoding, Buffer.concat(bytes)) : undefined;
    const content = decoded && decoded.length <= this.#room ? decoded : undefined;
    this.#room -= content?.length ?? 0;
    this.#attachments.push({
      name: String(node.filename || 'unnamed'),
      type,
      size: decoded?.length ?? (encoding === 'base64' ? Math.floor(size * BASE64_SHARE) : size),
      content,
      shownAs: node.disposition === 'attachment' ? undefined : contentIdOf(node),
    });
  }
}

/** Of what base64 with its line ends takes, the bytes that are in it. */
const BASE64_SHARE = (3 / 4) * (76 / 78);

/** One part of the mail while it passes. */
interface Part {
  readonly node: MimeNode;
  readonly type: string;
  /** Undefined for an attachment. */
  readonly pile: TextPile | undefined;
  /** What comes after so many bytes, as they come, is not kept. */
  readonly mostRaw: number;
  readonly bytes: Buffer[];
  size: number;
}

interface Enclosed extends MailAttachment {
  /** By which the HTML may show it, without angle brackets. */
  readonly shownAs: string | undefined;
}

function isDecoration({ type, size, shownAs }: Enclosed, html: string): boolean {
  return (
    shownAs !== undefined &&
    type.startsWith('image/') &&
    size < MIN_PASTED_BYTES &&
    html.includes(`cid:${shownAs}`)
  );
}

function contentIdOf(node: MimeNode): string | undefined {
  const value = fieldsOf(node).find(({ name }) => name === 'content-id')?.value;
  return value?.replace(/^<|>$/g, '') || undefined;
}

/** Text of one kind, up to a limit. */
class TextPile {
  readonly #texts: string[] = [];
  #size = 0;

  constructor(readonly maxBytes: number) {}

  add(text: string): void {
    const kept = text.slice(0, Math.max(0, this.maxBytes - this.#size));
    this.#size += kept.length;
    this.#texts.push(kept);
  }

  text(): string | undefined {
    return this.#texts.length === 0 ? undefined : this.#texts.join('\n');
  }
}

function decodeText(node: MimeNode, bytes: Buffer): string {
  const raw = decodeTransfer(node.encoding || '', bytes);
  const text = decoderFor(node.charset || 'utf-8').decode(raw);
  return node.flowed ? libmime.decodeFlowed(text, node.delSp) : text;
}

function decodeTransfer(encoding: string, bytes: Buffer): Buffer {
  if (encoding === 'base64') return Buffer.from(bytes.toString('latin1'), 'base64');
  if (encoding === 'quoted-printable') return libqp.decode(bytes.toString('latin1'));
  return bytes;
}

/** UTF-7 is none of them, on purpose: it hides words from everyone but the decoder. */
function decoderFor(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset.trim());
  } catch {
    return new TextDecoder('utf-8');
  }
}

function fieldsOf(node: MimeNode): HeaderField[] {
  const lines = node.headers ? node.headers.getList() : [];
  return lines.map(({ key, line }) => ({ name: key.toLowerCase(), value: fieldValue(line) }));
}

/** A header line holds one character per byte. */
function fieldValue(line: string): string {
  const unfolded = line.slice(line.indexOf(':') + 1).replace(/\r?\n[ \t]?/g, ' ');
  return Buffer.from(unfolded, 'latin1').toString('utf8').trim();
}
