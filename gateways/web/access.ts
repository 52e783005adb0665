/**
 * Who may come in: a client by its token, a web page by its origin. Pure.
 *
 * Invariants
 *   1. A token is compared in constant time, with that of every client, so that the time taken tells nothing of it.
 *   2. A request with an origin comes from a web page, and is let in only from those that are allowed; a browser
 *      sends the origin whether the page wants it or not.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { WebSettings } from './config.ts';

/** What a browser offers, besides the token: it can set no header on a socket. */
export const PROTOCOL = 'signalbox.v1';
const TOKEN_PROTOCOL = 'bearer.';

/** The client this token belongs to. */
export function clientOf(token: string | undefined, { clients }: WebSettings): string | undefined {
  if (token === undefined) return undefined;
  const offered = digestOf(token);
  let found: string | undefined;
  for (const [name, client] of Object.entries(clients)) {
    if (client.token !== undefined && timingSafeEqual(digestOf(client.token), offered)) found = name;
  }
  return found;
}

/** The token of `Authorization: Bearer …`, or of the subprotocol `bearer.…`. */
export function tokenIn(headers: IncomingHttpHeaders): string | undefined {
  const [, token] = /^bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  if (token !== undefined) return token;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  return offered.find((each) => each.startsWith(TOKEN_PROTOCOL))?.slice(TOKEN_PROTOCOL.length);
}

export function isAllowedOrigin(origin: string | undefined, settings: WebSettings): boolean {
  return origin === undefined || settings.allowed_origins.includes(origin);
}

/** Digests are of one length, whatever was offered. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
