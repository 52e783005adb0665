/** Slack's request signature, version 0 (docs.slack.dev, Verifying requests from Slack). Pure. */
import { createHmac } from 'node:crypto';

export function signatureOf(secret: string, timestampSeconds: number, body: string | Uint8Array): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestampSeconds}:`).update(body).digest('hex')}`;
}
