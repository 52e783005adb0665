/**
 * What the model gets to see of the files somebody sent: text as text, pictures and PDFs as such, the rest by name.
 *
 * Pure. Bytes decide what a file is, never the name or the type it came under; whatever is wrong with a file becomes
 * a remark about it, never an error: a message is worth answering without its attachment, too.
 */
import { imageSize } from 'image-size';
import { dropUnreadable, toFileName } from '../domain/file-name.ts';
import type { Attachment } from '../domain/message.ts';
import type { Entry, FileNote } from '../domain/transcript.ts';
import type { Exhibit, ModelReply } from './model/model-client.ts';

/**
 * Text of all files of one message that is shown, in characters: with the longest message and a prompt it still fits
 * into 200,000 tokens where each character takes one (Anthropic docs, "Context windows").
 */
export const MAX_FILES_CHARS = 80_000;

/** The longest side of a picture, in pixels (Anthropic docs, "Vision"). */
const MAX_IMAGE_SIDE = 8_000;

/** How the pictures begin that the model takes. The rest of a file is looked at only after one of these. */
const IMAGE_MARKS: readonly { readonly mark: string; readonly mediaType: Exhibit['mediaType'] }[] = [
  { mark: '\x89PNG\r\n\x1a\n', mediaType: 'image/png' },
  { mark: '\xff\xd8\xff', mediaType: 'image/jpeg' },
  { mark: 'GIF87a', mediaType: 'image/gif' },
  { mark: 'GIF89a', mediaType: 'image/gif' },
  { mark: 'RIFF', mediaType: 'image/webp' },
];

/** A file and what became of reading it. */
export type ReadFile =
  | { readonly kind: 'read'; readonly attachment: Attachment; readonly bytes: Uint8Array }
  | { readonly kind: 'unread'; readonly attachment: Attachment; readonly why: string };

export interface Enclosures {
  readonly notes: readonly FileNote[];
  readonly exhibits: readonly Exhibit[];
}

/** Why the model has never seen what came with a message: nothing was run for it, or its turn was stopped first. */
export type Unseen = NonNullable<ModelReply['unseen']> | 'not-run' | 'stopped';

const WHY_UNSEEN: Record<Unseen, string> = {
  refused: 'was refused by your service, or something sent with it was',
  'no-room': 'was more than there was room for',
  'not-run': 'came while you could not look at it, and is not kept; if it matters, ask for it again',
  stopped:
    'came with a message at which you were stopped before you had answered, and is not kept; if it matters, ask for it again',
};

export function toEnclosures(files: readonly ReadFile[]): Enclosures {
  const notes: FileNote[] = [];
  const exhibits: Exhibit[] = [];
  let room = MAX_FILES_CHARS;
  for (const file of files) {
    const { note, exhibit } = examine(file, room);
    notes.push(note);
    if (exhibit) exhibits.push(exhibit);
    if (note.kind === 'text') room -= note.text.length;
  }
  return { notes, exhibits };
}

/** As it is kept when the model was shown none of its pictures and documents, and never will be. */
export function withUnseen(entry: Entry, unseen: Unseen): Entry {
  if (entry.kind !== 'user' || !entry.files) return entry;
  return { ...entry, files: entry.files.map((file) => toUnseen(file, unseen)) };
}

function toUnseen(file: FileNote, unseen: Unseen): FileNote {
  if (file.kind !== 'shown') return file;
  const { what: _, ...about } = file;
  return { ...about, kind: 'unread', why: WHY_UNSEEN[unseen] };
}

interface Examined {
  readonly note: FileNote;
  readonly exhibit?: Exhibit;
}

type About = Pick<FileNote, 'name' | 'mediaType' | 'bytes'>;

function examine(file: ReadFile, room: number): Examined {
  const { attachment } = file;
  const about = {
    name: toFileName(attachment.name),
    mediaType: plainType(attachment.mediaType),
    bytes: file.kind === 'read' ? file.bytes.length : attachment.bytes,
  };
  if (file.kind === 'unread') return unread(about, file.why);
  const { bytes } = file;
  if (bytes.length === 0) return unread(about, 'is empty');
  if (isPdf(bytes)) return shown('document', about, 'application/pdf', bytes);
  return asImage(about, bytes) ?? asText(about, bytes, room);
}

/** Undefined when it is no picture. */
function asImage(about: About, bytes: Uint8Array): Examined | undefined {
  const image = imageIn(bytes);
  if (!image) return undefined;
  const { width, height, mediaType } = image;
  if (Math.max(width, height) > MAX_IMAGE_SIDE) {
    return unread(about, `is a picture with more than ${MAX_IMAGE_SIDE} pixels on one side`);
  }
  if (Math.min(width, height) < 1) return unread(about, 'is a picture without any pixels');
  return shown('image', about, mediaType, bytes);
}

function asText(about: About, bytes: Uint8Array, room: number): Examined {
  const text = textIn(bytes);
  // Of text only pictures and PDFs are not made; other types are often wrong about it: `.ts` is a kind of video, too.
  const mayBeText = !/^image\/(?!svg)|\/pdf$/.test(about.mediaType);
  if (text === undefined || !mayBeText) {
    const isWrong = !mayBeText || about.mediaType.startsWith('text/');
    return unread(about, isWrong ? 'is not what its type says' : 'is not of a kind that can be read');
  }
  const kept = text.slice(0, endOfCut(text, Math.max(0, room)));
  return { note: { kind: 'text', ...about, text: kept, leftOff: text.length - kept.length } };
}

function unread(about: About, why: string): Examined {
  return { note: { kind: 'unread', ...about, why } };
}

function shown(
  what: 'image' | 'document',
  about: About,
  mediaType: Exhibit['mediaType'],
  bytes: Uint8Array,
): Examined {
  const note: FileNote = { kind: 'shown', what, name: about.name, bytes: about.bytes, mediaType };
  return { note, exhibit: { mediaType, base64: Buffer.from(bytes).toString('base64') } };
}

function imageIn(
  bytes: Uint8Array,
): { mediaType: Exhibit['mediaType']; width: number; height: number } | undefined {
  const head = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  const found = IMAGE_MARKS.find(({ mark }) => head.startsWith(mark));
  if (!found) return undefined;
  try {
    const { width, height } = imageSize(bytes);
    return { mediaType: found.mediaType, width, height };
  } catch {
    return undefined; // none, or broken
  }
}

/** Only at its beginning: a text that speaks of PDFs further down is a text. */
function isPdf(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart().startsWith('%PDF-');
}

/** Undefined when these bytes are not the text they would have to be: UTF-8, or UTF-16 that says so. */
function textIn(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  const wide =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(wide, { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : dropUnreadable(text);
  } catch {
    return undefined;
  }
}

/** Never in the middle of a character. */
function endOfCut(text: string, most: number): number {
  return most < text.length && /[\uD800-\uDBFF]/.test(text.charAt(most - 1)) ? most - 1 : most;
}

/** `Text/CSV; charset=utf-8` is `text/csv`; what is no media type is called none. */
function plainType(mediaType: string): string {
  const [type = ''] = mediaType.toLowerCase().split(';');
  return /^[a-z0-9][\w.+-]{0,60}\/[\w.+-]{1,80}$/.test(type.trim())
    ? type.trim()
    : 'application/octet-stream';
}
