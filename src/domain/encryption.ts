/** What may be said in the clear: only what does not leave this machine. */
import { isIP } from 'node:net';

/** This machine: what is said to it in the clear is heard by nobody else. */
export function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '');
  if (isIP(bare) === 4) return bare.startsWith('127.');
  return bare === '::1' || bare === 'localhost';
}

/** Of an address over HTTP. What is no URL at all says nothing in the clear. */
export function isEncryptedOrLocal(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
