/**
 * What a person is shown of an item that lies among the dead letters. Pure.
 *
 * Invariants
 *   1. Of a file there is its name, its type and its size; never what is in it.
 *   2. Nothing that lets somebody act in another's name, under whatever key, in whatever text.
 */
import { isSecretKey, REDACTED, redactText } from '../observability/redaction.ts';

/** Of an item that cannot be read, its beginning says what it was. */
const MAX_UNREADABLE_CHARS = 2_000;

/** @param known the secrets of the configuration, which may look like anything */
export function toShownItem(item: string, known: readonly string[]): unknown {
  try {
    return shown(JSON.parse(item), known);
  } catch {
    return toShownText(cut(item), known); // That it cannot be read may be why it is here.
  }
}

export function toShownText(text: string, known: readonly string[]): string {
  return redactText(text, known);
}

function shown(value: unknown, known: readonly string[]): unknown {
  if (typeof value === 'string') return toShownText(value, known);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => shown(entry, known));
  return Object.fromEntries(Object.entries(value).flatMap(([key, entry]) => shownEntry(key, entry, known)));
}

function shownEntry(key: string, value: unknown, known: readonly string[]): [string, unknown][] {
  if (key === 'base64' && typeof value === 'string') return [['bytes', Buffer.byteLength(value, 'base64')]];
  const isHidden = typeof value === 'string' && (isSecretKey(key) || key === 'sealed');
  return [[key, isHidden ? REDACTED : shown(value, known)]];
}

function cut(text: string): string {
  const more = text.length - MAX_UNREADABLE_CHARS;
  return more <= 0 ? text : `${text.slice(0, MAX_UNREADABLE_CHARS)} … ${more} more characters`;
}
