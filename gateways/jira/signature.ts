/** Whether a webhook comes from Jira: HMAC of the raw body (W3C WebSub, "Authenticated content distribution"). */
import { createHmac, timingSafeEqual } from 'node:crypto';

export function isSigned(body: Buffer, signature: string | undefined, secret: string): boolean {
  const given = /^sha256=([\da-f]{64})$/i.exec(signature ?? '')?.[1];
  if (given === undefined || secret === '') return false;
  const expected = createHmac('sha256', secret).update(body).digest();
  return timingSafeEqual(Buffer.from(given, 'hex'), expected);
}
