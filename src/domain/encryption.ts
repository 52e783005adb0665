/** What may be said in the clear: only what does not leave this machine. */
import { readUrl } from './url.ts';
/** This machine: what is said to it in the clear is heard by nobody else. */
export function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '');
  return LOOPBACK_V4.test(bare) || bare === '::1' || bare === 'localhost';
}

const LOOPBACK_V4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

/** Of an address over HTTP. What is no URL at all says nothing in the clear. */
export function isEncryptedOrLocal(url: string): boolean {
  const read = readUrl(url);
  if (!read) return true;
  const { protocol, hostname } = read;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
