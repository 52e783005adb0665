/**
 * Whether a request really comes from Discord (docs.discord.com, Setting Up an Endpoint). Pure.
 *
 * The scheme has no replay window of its own; an old request is told by the time it was signed for, and one that
 * comes twice by the id of its interaction.
 */
import { createPublicKey, verify } from 'node:crypto';

/** How far a request's time may be from ours, in either direction; Discord itself gives up after three seconds. */
const MAX_CLOCK_SKEW_S = 5 * 60;

/** What stands before a raw Ed25519 key in DER (RFC 8410, section 4). */
const KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export interface SignedRequest {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

export type SignatureVerdict =
  | { readonly kind: 'genuine' }
  | { readonly kind: 'forged'; readonly reason: 'not-signed' | 'stale' | 'wrong-signature' };

/** Throws when the key is none: then nothing could be told from a forgery, and nothing may pass. */
export function judgeSignature(request: SignedRequest, publicKey: string, nowMs: number): SignatureVerdict {
  const { timestamp, signature, body } = request;
  const key = createPublicKey({
    key: Buffer.concat([KEY_PREFIX, Buffer.from(publicKey, 'hex')]),
    format: 'der',
    type: 'spki',
  });
  if (
    timestamp === undefined ||
    signature === undefined ||
    !/^\d{1,11}$/.test(timestamp) ||
    !/^[0-9a-f]{128}$/i.test(signature)
  ) {
    return { kind: 'forged', reason: 'not-signed' };
  }
  if (!verify(null, Buffer.concat([Buffer.from(timestamp), body]), key, Buffer.from(signature, 'hex')))
    return { kind: 'forged', reason: 'wrong-signature' };
  return Math.abs(nowMs / 1_000 - Number(timestamp)) > MAX_CLOCK_SKEW_S
    ? { kind: 'forged', reason: 'stale' }
    : { kind: 'genuine' };
}
