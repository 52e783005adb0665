/**
 * A plain file, read now and never further than asked for, whatever lies under its path.
 *
 * Who fills a folder with skills can put anything there: a pipe nobody writes to, a link to /dev/zero, a file that
 * says it is empty and never ends. Nothing here waits for one, and nothing takes more memory than its bound. All of it
 * is read at once and not through the thread pool, which takes several times as long.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Opening a pipe would wait for somebody to write. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
/** Most that is asked for in one call to the system; a file in /proc does not say how long it is. */
const CHUNK_BYTES = 16 * 1024;

/** It is none, or too large; the message is the end of a sentence. */
export class UnfitFile extends Error {}

/**
 * The whole of it, also by a link.
 *
 * @throws {UnfitFile} when it is no plain file, or has more than `mostBytes`
 * @throws the error of the system when it cannot be read
 */
export function readPlainFile(path: string, mostBytes: number): Buffer {
  return withPlainFile(path, FLAGS, (descriptor) => readRest(descriptor, [], mostBytes));
}

/** The same, not by a link. */
export function readUnlinkedFile(path: string, mostBytes: number): Buffer {
  return withPlainFile(path, FLAGS | constants.O_NOFOLLOW, (descriptor) =>
    readRest(descriptor, [], mostBytes),
  );
}

/** Its first bytes, not by a link; the whole of it where these are not enough. @throws as `readPlainFile` */
export function readBeginning(
  path: string,
  { firstBytes, mostBytes }: { readonly firstBytes: number; readonly mostBytes: number },
  isEnough: (start: string) => boolean,
): string {
  return withPlainFile(path, FLAGS | constants.O_NOFOLLOW, (descriptor) => {
    const first = readChunk(descriptor, firstBytes);
    const start = first.toString('utf8');
    return isEnough(start) ? start : readRest(descriptor, [first], mostBytes).toString('utf8');
  });
}

function withPlainFile<Result>(path: string, flags: number, use: (descriptor: number) => Result): Result {
  const descriptor = openSync(path, flags);
  try {
    if (!fstatSync(descriptor).isFile()) throw new UnfitFile('it is no plain file');
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Up to its end, which only reading tells: what a file says of its size may be wrong a moment later. */
function readRest(descriptor: number, before: readonly Buffer[], mostBytes: number): Buffer {
  const chunks = [...before];
  let length = before.reduce((sum, chunk) => sum + chunk.length, 0);
  while (length <= mostBytes) {
    const chunk = readChunk(descriptor, Math.min(CHUNK_BYTES, mostBytes + 1 - length));
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
    length += chunk.length;
  }
  throw new UnfitFile(`it has more than ${mostBytes} bytes`);
}

function readChunk(descriptor: number, mostBytes: number): Buffer {
  const chunk = Buffer.allocUnsafe(mostBytes);
  return chunk.subarray(0, readSync(descriptor, chunk, 0, mostBytes, null));
}
