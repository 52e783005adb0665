/** The body of an answer, as far as it is wanted. */
import type { Response } from 'undici';

/** Reads to the end, or until there is more than `maxBytes`. */
export async function readAtMost(
  { body }: Pick<Response, 'body'>,
  maxBytes: number,
): Promise<{ readonly bytes: Buffer; readonly isCut: boolean }> {
  const pieces: Uint8Array[] = [];
  let left = maxBytes;
  for await (const piece of body ?? []) {
    // Of a body that fetch gives, every piece is bytes.
    const bytes = piece as Uint8Array;
    pieces.push(bytes.subarray(0, left));
    if (bytes.length > left) return { bytes: Buffer.concat(pieces), isCut: true };
    left -= bytes.length;
  }
  return { bytes: Buffer.concat(pieces), isCut: false };
}
