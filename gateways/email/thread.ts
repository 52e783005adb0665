/**
 * Which mails belong together. Pure.
 *
 * Invariants
 *   1. A Message-ID of ours is derived from what caused the mail, so sending again sends the same mail.
 *   2. It carries the conversation, so an answer finds its way back even if a mail program or a server
 *      kept only one of the ids it should have kept.
 *   3. All other mails belong to the conversation of the first Message-ID of their thread.
 */
import { createHash } from 'node:crypto';
import { ConversationId } from '../../src/domain/ids.ts';
import { domainOf } from './addresses.ts';

/** Lower case, because some systems fold the case of what is before the @. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** 26 characters of base32: 130 bits. */
const HASH_CHARS = 26;

/** Ids looked at in one header; threads are long, headers need not be. */
const MAX_REFERENCES = 100;

/** Ids we repeat in an answer: the first, which names the thread, and the latest. */
const MAX_SENT_REFERENCES = 20;

/** RFC 5322, 2.1.1: no line, hence no id, is longer. */
const MAX_ID_CHARS = 998;

export interface ThreadHeaders {
  /** With angle brackets. */
  readonly messageId: string | undefined;
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
}

/** `fallback` names the thread of a mail that has no id at all. */
export function conversationOf(thread: ThreadHeaders, own: string, fallback: string): ConversationId {
  for (const id of [...thread.references, ...thread.inReplyTo]) {
    const ours = readOwnMessageId(id, own);
    if (ours) return conversationFromHash(ours.conversation);
  }
  const root = thread.references[0] ?? thread.inReplyTo[0] ?? thread.messageId ?? fallback;
  return conversationFromHash(hash(root));
}

/** `key`: what caused the mail. The same key and conversation always give the same id. */
export function ownMessageId(key: string, conversation: ConversationId, own: string): string {
  return `<${hash(key)}.${conversationHash(conversation)}@${domainOf(own)}>`;
}

/** Undefined when the id is not one we would have made. */
export function readOwnMessageId(id: string, own: string): { readonly conversation: string } | undefined {
  const match = /^<[a-z2-7]{26}\.([a-z2-7]{26})@([^@<>\s]+)>$/.exec(id.toLowerCase());
  return match?.[1] !== undefined && match[2] === domainOf(own) ? { conversation: match[1] } : undefined;
}

/** A conversation that began elsewhere has a mail thread of its own, named by its hash. */
export function conversationHash(conversation: ConversationId): string {
  const [, own] = /^email:([a-z2-7]{26})$/.exec(conversation) ?? [];
  return own ?? hash(conversation);
}

export function conversationFromHash(hashed: string): ConversationId {
  return ConversationId.parse(`email:${hashed}`);
}

/** The ids in a References, In-Reply-To or Message-ID header, in order. */
export function readMessageIds(value: string): string[] {
  const ids = value.match(/<[^<>\s]{1,996}>/g) ?? [];
  return ids.length <= MAX_REFERENCES ? ids : [...ids.slice(0, 1), ...ids.slice(1 - MAX_REFERENCES)];
}

/** What an answer to this mail says in its References. */
export function referencesOfAnswer({ messageId, inReplyTo, references }: ThreadHeaders): string[] {
  const before = references.length > 0 ? references : inReplyTo;
  const all = [...new Set([...before, ...(messageId === undefined ? [] : [messageId])])];
  return all.length <= MAX_SENT_REFERENCES
    ? all
    : [...all.slice(0, 1), ...all.slice(1 - MAX_SENT_REFERENCES)];
}

export function isMessageId(text: string): boolean {
  return text.length <= MAX_ID_CHARS && /^<[^<>\s\p{Cc}]+>$/u.test(text);
}

/** 130 bits of SHA-256, in lower-case base32. */
export function hash(text: string | Buffer): string {
  const bytes = createHash('sha256').update(text).digest();
  let hashed = '';
  for (let at = 0; at < HASH_CHARS; at++) {
    const bit = at * 5;
    hashed += BASE32.charAt((bytes.readUInt16BE(bit >> 3) >> (11 - (bit & 7))) & 31);
  }
  return hashed;
}
