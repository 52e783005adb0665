/** What was written to a stream that nobody has read yet: all of it, however many pieces one look takes. */
import type { Readable } from 'node:stream';

export function waitingText(stream: Readable): string {
  const parts: string[] = [];
  for (let part: unknown = stream.read(); part !== null; part = stream.read()) parts.push(String(part));
  return parts.join('');
}
