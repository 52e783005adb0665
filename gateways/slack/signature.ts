/** Whether a request really comes from Slack, and now (docs.slack.dev, Verifying requests from Slack). Pure. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far a request's time may be from ours, in either direction; a later one would be good for longer than it should. */
const MAX_CLOCK_SKEW_S = 5 * 60;

export interface SignedRequest {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

export type SignatureVerdict =
  | { readonly kind: 'genuine' }
  | { readonly kind: 'forged'; readonly reason: 'not-signed' | 'stale' | 'wrong-signature' };

/** Throws when there is no secret: then nothing could be told from a forgery, and nothing may pass. */
export function judgeSignature(request: SignedRequest, secret: string, nowMs: number): SignatureVerdict {
  if (secret === '') throw new Error('the Slack signing secret is empty');

  const { timestamp, signature, body } = request;
  if (timestamp === undefined || signature === undefined || !/^\d{1,11}$/.test(timestamp)) {
    return { kind: 'forged', reason: 'not-signed' };
  }
  if (Math.abs(nowMs / 1_000 - Number(timestamp)) > MAX_CLOCK_SKEW_S)
    return { kind: 'forged', reason: 'stale' };

  const expected = Buffer.from(
    `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex')}`,
  );
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected)
    ? { kind: 'genuine' }
    : { kind: 'forged', reason: 'wrong-signature' };
}
