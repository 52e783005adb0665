/** What kind of text an answer over HTTP is, and how it is encoded. Pure. */

const READABLE = [
  /^text\/(?!event-stream$)/,
  /^application\/(?:[\w.-]+\+)?(?:json|xml|yaml)$/,
  /^application\/(?:xhtml\+xml|x-yaml|javascript|ld\+json|x-ndjson|toml)$/,
];

/** @param type without parameters, in small letters */
export function isReadableType(type: string): boolean {
  return READABLE.some((pattern) => pattern.test(type));
}

export function isHtml(type: string): boolean {
  return type === 'text/html' || type === 'application/xhtml+xml';
}

const BYTE_ORDER_MARKS: readonly (readonly [bytes: readonly number[], charset: string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xfe, 0xff], 'utf-16be'],
  [[0xff, 0xfe], 'utf-16le'],
];

/** How far into a page its own word on its encoding is looked for, in bytes (WHATWG HTML, "prescan"). */
const PRESCAN_BYTES = 1_024;

/** A label `TextDecoder` knows: as the mark in front, the header, or the page itself says; UTF-8 where none does. */
export function charsetOf(header: string, type: string, bytes: Buffer): string {
  const marked = BYTE_ORDER_MARKS.find(([mark]) => mark.every((byte, n) => bytes[n] === byte));
  if (marked) return marked[1];
  const [, named] = /;\s*charset\s*=\s*"?([\w:.-]+)/i.exec(header) ?? [];
  const head = isHtml(type) ? bytes.toString('latin1', 0, PRESCAN_BYTES) : '';
  const [, written] = /<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w:.-]+)/i.exec(head) ?? [];
  return [named, written].find((label) => label !== undefined && isKnown(label)) ?? 'utf-8';
}

function isKnown(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}
