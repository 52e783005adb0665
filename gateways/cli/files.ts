/** Files of this machine: those the person attaches, and those the agent sends. */
import { mkdtemp, open, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type Attachment, MAX_INLINE_BYTES, type OutFile } from '../../src/domain/message.ts';

/** A file on its way to the agent, or one sentence about why it cannot go. */
export type LocalFile =
  | { readonly kind: 'file'; readonly attachment: Attachment }
  | { readonly kind: 'mistake'; readonly sentence: string };

export async function readLocalFile(path: string): Promise<LocalFile> {
  const whole = resolve(path.replace(/^~(?=\/|$)/, homedir()));
  try {
    const handle = await open(whole);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) return { kind: 'mistake', sentence: `${path} is not a file.` };
      if (stat.size > MAX_INLINE_BYTES) {
        return {
          kind: 'mistake',
          sentence: `${path} has ${stat.size} bytes; a message carries at most ${MAX_INLINE_BYTES}.`,
        };
      }
      return { kind: 'file', attachment: toAttachment(whole, await handle.readFile()) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'mistake', sentence: `${path} cannot be read: ${why}` };
  }
}

/** What it is, the agent finds out from its bytes. */
function toAttachment(path: string, bytes: Buffer): Attachment {
  return {
    name: basename(path),
    mediaType: 'application/octet-stream',
    bytes: bytes.length,
    base64: bytes.toString('base64'),
  };
}

/**
 * Saves files into a folder of their own, which only this person can read: nothing that is there already is replaced,
 * and nothing lands where it would take effect by its name. Resolves with their paths.
 */
export async function saveFiles(files: readonly OutFile[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-'));
  const paths: string[] = [];
  for (const [index, { name, base64 }] of files.entries()) {
    const plain = basename(name).replaceAll(/\p{C}/gu, '').replace(/^\.+/, '') || `file-${index + 1}`;
    const path = join(folder, plain);
    await writeFile(path, Buffer.from(base64, 'base64'), { flag: 'wx', mode: 0o600 });
    paths.push(path);
  }
  return paths;
}
