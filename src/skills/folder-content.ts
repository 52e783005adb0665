/**
 * Everything in the folder of a skill as it is at one moment: read once, so that what is hashed is what is run.
 *
 * Invariants
 *   1. A copy holds exactly the bytes its hash was made of; what becomes of the folder afterwards changes nothing.
 *   2. Nothing outside the folder is read: a link anywhere in it refuses the whole folder, and so does whatever is
 *      neither a file nor a folder.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Interpreter, interpreterOf } from './interpreter.ts';

/** Most files of one skill, folders not counted, and most bytes of all of them: a skill is a page and a few helpers. */
export const MOST_FILES = 500;
export const MOST_BYTES = 16 * 1024 * 1024;
/** Folders inside each other, at most. */
const MOST_DEPTH = 10;

/** Scripts are offered by names that need no quotes anywhere. */
const SCRIPT_NAME = /^scripts(?:\/[A-Za-z0-9_][\w.-]*)+$/;
/** What `sha256sum` writes otherwise than it is, or a reader does not see; also what is not written in UTF-8. */
const ODD_NAME = /[\p{C}\\\uFFFD]/u;

export interface FolderContent {
  /**
   * In hex, over the hash and the path of every file, as this prints it in the folder:
   * `find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`
   */
  readonly sha256: string;
  readonly files: readonly ContentFile[];
}

export interface ContentFile {
  /** From the folder on, with slashes between: `scripts/report.py`. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly isExecutable: boolean;
}

/** `why`: the end of a sentence. */
export type FolderReading =
  | { readonly kind: 'read'; readonly content: FolderContent }
  | { readonly kind: 'refused'; readonly why: string };

/** @throws when the folder cannot be read */
export async function readFolder(folder: string): Promise<FolderReading> {
  try {
    const root = await realpath(folder);
    const files: ContentFile[] = [];
    await gather(root, '', files, MOST_DEPTH);
    const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
    return { kind: 'read', content: { sha256: hashOf(sorted), files: sorted } };
  } catch (error) {
    if (error instanceof UnfitFolder) return { kind: 'refused', why: error.message };
    throw error;
  }
}

/** The scripts of a skill by name, each with what runs it; files in `scripts/` that nothing runs are none. */
export function scriptsIn({ files }: FolderContent): ReadonlyMap<string, Interpreter> {
  return new Map(
    files
      .filter(({ path }) => SCRIPT_NAME.test(path))
      .flatMap((file) => {
        const interpreter = interpreterOf(file);
        return interpreter ? [[file.path, interpreter] as const] : [];
      }),
  );
}

/** Writes all of it into an empty folder. */
export async function writeContent({ files }: FolderContent, folder: string): Promise<void> {
  for (const { path, bytes, isExecutable } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, bytes, { flag: 'wx', mode: isExecutable ? 0o555 : 0o444 });
  }
}

/** The folder is none that scripts are run of; the message is the end of a sentence. */
class UnfitFolder extends Error {}

async function gather(root: string, path: string, files: ContentFile[], depth: number): Promise<void> {
  if (depth === 0) throw new UnfitFolder(`it has folders in more than ${MOST_DEPTH} folders: ${path}`);
  for (const entry of await readdir(join(root, path), { withFileTypes: true })) {
    const inner = path === '' ? entry.name : `${path}/${entry.name}`;
    if (ODD_NAME.test(entry.name)) {
      throw new UnfitFolder(
        `the name of one of its files has characters that cannot be read: ${path || '.'}`,
      );
    }
    if (entry.isSymbolicLink()) throw new UnfitFolder(`${inner} is a link, and links are not followed`);
    if (entry.isDirectory()) await gather(root, inner, files, depth - 1);
    else if (entry.isFile()) files.push(await readWhole(root, inner, roomLeft(files)));
    else throw new UnfitFolder(`${inner} is neither a file nor a folder`);
  }
}

/** @throws when there is none for another file */
function roomLeft(files: readonly ContentFile[]): number {
  if (files.length >= MOST_FILES) throw new UnfitFolder(`it has more than ${MOST_FILES} files`);
  return MOST_BYTES - files.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** What became a link or a pipe in this moment is refused, too. */
async function readWhole(root: string, path: string, room: number): Promise<ContentFile> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(root, path), flags).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP')
      throw new UnfitFolder(`${path} is a link, and links are not followed`);
    throw error;
  });
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new UnfitFolder(`${path} is neither a file nor a folder`);
    if (facts.size > room) throw new UnfitFolder(`it has more than ${MOST_BYTES} bytes`);
    const bytes = await readUpTo(file, facts.size + 1);
    if (bytes.length > facts.size) throw new UnfitFolder(`${path} became longer while it was read`);
    return { path, bytes, isExecutable: (facts.mode & 0o111) !== 0 };
  } finally {
    await file.close();
  }
}

/** Up to its end, or so much of it: what a file says of its size may be wrong a moment later. */
async function readUpTo(file: FileHandle, mostBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(mostBytes);
  let length = 0;
  while (length < mostBytes) {
    const { bytesRead } = await file.read(bytes, length, mostBytes - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

function hashOf(files: readonly ContentFile[]): string {
  const lines = files.map(({ path, bytes }) => `${hexOf(bytes)}  ./${path}\n`);
  return hexOf(Buffer.from(lines.join('')));
}

function hexOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
