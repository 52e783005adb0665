/**
 * The files of the workspace: looking at them, and changing one at a time.
 *
 * Invariants
 *   1. A file changes from a version that whoever changes it has seen, or from none, to another; a version is what the
 *      content hashes to. What is at another version is left as it is, and what has changed already stays so. (Between
 *      that look and the change, other programs on this machine could still write, another Signalbox among them; of
 *      this one, nothing.)
 *   2. A file is there whole or not at all: it is written aside, in the same folder, and takes its place in one step.
 *   3. Nothing is written beyond the limits; what is there is counted before, with the folders still to be made.
 *   4. What a look leaves out, it says.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { link, mkdir, open, readdir, realpath, rename, rm, unlink } from 'node:fs/promises';
import pLimit from 'p-limit';
import type { WorkspaceSettings } from '../config/workspace.ts';
import { StartupError } from '../domain/errors.ts';
import { mustLieApart } from './apart.ts';
import { namesIn, problemOf, UNFINISHED } from './file-path.ts';
import { entryAt, type Folder, isOneOf, Jail, PathRefusal, WorkspaceRefusal } from './jail.ts';

/** Characters of a version; so short that it can be said, so long that two files hardly share one. */
const VERSION_CHARS = 16;
/** What is read in one search, in bytes. */
const MOST_SEARCHED_BYTES = 50_000_000;

export type WorkspaceLimits = Omit<WorkspaceSettings, 'directory'>;

export interface TextFile {
  readonly text: string;
  readonly bytes: number;
  readonly version: string;
}

export interface FileEntry {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly bytes: number;
}

export interface Listing {
  readonly entries: readonly FileEntry[];
  /** There are more than were looked at. */
  readonly more: boolean;
}

export interface Hit {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

export interface Found {
  readonly hits: readonly Hit[];
  readonly files: number;
  /** Why not everything was looked through, in words; empty when it was. */
  readonly leftOut: readonly string[];
}

/** What is to stand in a file: `over` is the version it takes the place of, undefined where there is none yet. */
export interface Writing {
  readonly path: string;
  readonly text: string;
  readonly over: string | undefined;
}

export interface Move {
  readonly from: string;
  readonly to: string;
  readonly over: string;
}

export class Workspace {
  readonly #jail: Jail;
  /** One change at a time: what it has looked at holds until it is made. */
  readonly #changes = pLimit(1);

  private constructor(
    top: string,
    readonly limits: WorkspaceLimits,
  ) {
    this.#jail = new Jail(top);
  }

  /**
   * @param kept what must not be reached from it, nor it from them: configuration, skills, data, the program
   * @throws {StartupError} when it cannot be used
   */
  static async open(directory: string, limits: WorkspaceLimits, kept: readonly string[]): Promise<Workspace> {
    mustLieApart(directory, kept);
    const top = await mkdir(directory, { recursive: true })
      .then(() => realpath(directory))
      .catch((error: unknown) => {
        const remedy = 'set workspace.directory in settings.yaml to a folder this program may write to';
        throw new StartupError(`the workspace ${directory} cannot be opened`, remedy, { cause: error });
      });
    return new Workspace(top, limits);
  }

  // ── Looking ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** What lies in a folder, by name. */
  async list(path: string): Promise<Listing> {
    return this.#jail.withFolder(namesIn(path), async (folder) => {
      const all = (await readdir(folder.at('.'))).filter((name) => !name.startsWith(UNFINISHED)).toSorted();
      const some = all.slice(0, this.limits.max_files);
      const entries = await Promise.all(
        some.map(async (name) => {
          const stats = await entryAt(folder, name);
          const where = [...namesIn(path), name].join('/');
          return stats ? [{ path: where, kind: kindOf(stats), bytes: stats.isFile() ? stats.size : 0 }] : [];
        }),
      );
      return { entries: entries.flat(), more: all.length > some.length };
    });
  }

  /** @throws {WorkspaceRefusal} when it is not there, too large, or no text */
  async read(path: string): Promise<TextFile> {
    const content = await this.#bytesOf(path);
    const text = textIn(content);
    if (text === undefined) {
      throw new PathRefusal(`"${path}" is not text: ${content.length} bytes of something else`);
    }
    return { text, bytes: content.length, version: versionOf(content) };
  }

  /** What a file hashes to; undefined where there is none. */
  async versionAt(path: string): Promise<string | undefined> {
    const isThere = await this.#isThere(path);
    return isThere ? versionOf(await this.#bytesOf(path)) : undefined;
  }

  /** Lines with these words in them, letter by letter but for upper and lower case. */
  async search(under: string, words: string, most: number, signal: AbortSignal): Promise<Found> {
    const wanted = words.toLowerCase();
    const hits: Hit[] = [];
    let files = 0;
    let bytes = 0;
    let skipped = 0;
    const leftOut: string[] = [];
    for await (const { path, stats } of this.#files(under, signal)) {
      if (files >= this.limits.max_files || bytes >= MOST_SEARCHED_BYTES) {
        leftOut.push(`only the first ${files} files were looked through`);
        break;
      }
      if (stats.size > this.limits.max_file_bytes) {
        skipped++;
        continue;
      }
      const text = await this.#bytesOf(path).then(textIn, () => undefined);
      if (text === undefined) {
        skipped++;
        continue;
      }
      files++;
      bytes += stats.size;
      hits.push(...linesWith(text, wanted).map((hit) => ({ path, ...hit })));
      if (hits.length > most) {
        leftOut.push(`there are more than ${most} such lines`);
        break;
      }
    }
    if (skipped > 0) leftOut.push(`${skipped} files are too large, or no text`);
    return { hits: hits.slice(0, most), files, leftOut };
  }

  // ── Changing ─────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Writes a whole file, with the folders it lies in.
   *
   * @returns its version now
   * @throws {WorkspaceRefusal} when it is at another version than the one to be replaced, or there is no room
   */
  write(writing: Writing, signal: AbortSignal): Promise<string> {
    return this.#changes(() => this.#write(writing, signal));
  }

  async #write({ path, text, over }: Writing, signal: AbortSignal): Promise<string> {
    const content = Buffer.from(text);
    const version = versionOf(content);
    const now = await this.versionAt(path);
    if (now === version) return version;
    mustBeAt(path, now, over);
    const replaced = now === undefined ? 0 : (await this.#bytesOf(path)).length;
    await this.#mustHaveRoom(path, content.length, { replaced, files: now === undefined ? 1 : 0 }, signal);
    await this.#jail.withFolderOf(
      path,
      async (folder, name) => {
        mustBePlain(path, await entryAt(folder, name));
        await this.#putInPlace(folder, name, content, now === undefined ? 'new' : 'instead');
      },
      { create: true },
    );
    return version;
  }

  /** Gives a file another path. Nothing is overwritten. */
  move(move: Move, signal: AbortSignal): Promise<void> {
    return this.#changes(() => this.#move(move, signal));
  }

  async #move({ from, to, over }: Move, signal: AbortSignal): Promise<void> {
    const now = await this.versionAt(from);
    const there = await this.versionAt(to);
    if (now === undefined && there === over) return;
    mustBeAt(from, now, over);
    await this.#mustHaveRoom(to, 0, { replaced: 0, files: 0 }, signal);
    const move = (folder: Folder, name: string) =>
      this.#jail.withFolderOf(
        to,
        async (target, newName) => {
          mustBePlain(from, await entryAt(folder, name));
          // Unlike a rename, a link never takes the place of something; a crash in between leaves both names.
          await link(folder.at(name), target.at(newName)).catch(async (error: unknown) => {
            if (!isOneOf(error, 'EEXIST')) throw error;
            const [one, other] = [await entryAt(folder, name), await entryAt(target, newName)];
            if (one?.ino !== other?.ino || one?.dev !== other?.dev) {
              throw new PathRefusal(`there is something at "${to}" already`, { cause: error });
            }
          });
          await unlink(folder.at(name));
        },
        { create: true },
      );
    await this.#jail.withFolderOf(from, move);
  }

  /** Removes a file. One that is gone is no error. */
  remove(path: string, over: string): Promise<void> {
    return this.#changes(() => this.#remove(path, over));
  }

  async #remove(path: string, over: string): Promise<void> {
    const now = await this.versionAt(path);
    if (now === undefined) return;
    mustBeAt(path, now, over);
    await this.#jail.withFolderOf(path, async (folder, name) => {
      mustBePlain(path, await entryAt(folder, name));
      await rm(folder.at(name), { force: true });
    });
  }

  /** @throws {WorkspaceRefusal} when it could not be written to, as things are */
  async mayWrite({ path, text }: Omit<Writing, 'over'>, signal: AbortSignal): Promise<void> {
    const isThere = await this.#isThere(path);
    const replaced = isThere ? (await this.#bytesOf(path)).length : 0;
    await this.#mustHaveRoom(path, Buffer.byteLength(text), { replaced, files: isThere ? 0 : 1 }, signal);
  }

  // ── How ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async #isThere(path: string): Promise<boolean> {
    try {
      return await this.#jail.withFolderOf(path, async (folder, name) => {
        const stats = await entryAt(folder, name);
        if (stats && !stats.isFile() && !stats.isSymbolicLink()) {
          throw new PathRefusal(`"${path}" is not a plain file`);
        }
        return stats !== undefined;
      });
    } catch (error) {
      if (isNoFolder(error)) return false;
      throw error;
    }
  }

  /** How many folders would have to be made for it. */
  async #foldersFor(path: string): Promise<number> {
    const names = namesIn(path).slice(0, -1);
    for (let missing = 0; names.length > 0; missing++, names.pop()) {
      if (await this.#hasFolder(names)) return missing;
    }
    return namesIn(path).length - 1;
  }

  async #hasFolder(names: readonly string[]): Promise<boolean> {
    return this.#jail
      .withFolder(names, () => Promise.resolve(true))
      .catch((error: unknown) => {
        if (isNoFolder(error)) return false;
        throw error;
      });
  }

  async #bytesOf(path: string): Promise<Buffer> {
    const { max_file_bytes: most } = this.limits;
    return this.#jail.withFile(path, async (handle, stats) => {
      const tooLarge = () => new PathRefusal(`"${path}" is too large: more than ${most} bytes`);
      if (stats.size > most) throw tooLarge();
      // One byte more than may be there: it may grow while it is read.
      const buffer = Buffer.alloc(most + 1);
      let filled = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
        filled += bytesRead;
        if (filled > most) throw tooLarge();
        if (bytesRead === 0) return buffer.subarray(0, filled);
      }
    });
  }

  async #putInPlace(folder: Folder, name: string, content: Buffer, how: 'new' | 'instead'): Promise<void> {
    const aside = folder.at(`${UNFINISHED}${randomUUID()}`);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const handle = await open(aside, flags, 0o644);
    try {
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (how === 'instead') return await rename(aside, folder.at(name));
      await link(aside, folder.at(name)).catch((error: unknown) => {
        if (!isOneOf(error, 'EEXIST')) throw error;
        throw new PathRefusal(`there is something at "${name}" already`, { cause: error });
      });
    } finally {
      await rm(aside, { force: true });
    }
  }

  async #mustHaveRoom(
    path: string,
    bytes: number,
    { replaced, files }: { readonly replaced: number; readonly files: 0 | 1 },
    signal: AbortSignal,
  ): Promise<void> {
    const { max_file_bytes, max_files, max_total_bytes } = this.limits;
    const problem = problemOf(path);
    if (problem !== undefined) throw new PathRefusal(`"${path}" ${problem}`);
    if (bytes > max_file_bytes) {
      throw new PathRefusal(`"${path}" would have ${bytes} bytes; a file may have ${max_file_bytes}`);
    }
    let [count, total] = [0, 0];
    for await (const { stats } of this.#entries('', signal)) {
      count++;
      if (stats.isFile()) total += stats.size;
    }
    const added = files + (await this.#foldersFor(path));
    if (added > 0 && count + added > max_files) {
      throw new PathRefusal(
        `the workspace is full: it has ${count} files and folders, this would add ${added}, and it may have ${max_files}`,
      );
    }
    if (total - replaced + bytes > max_total_bytes) {
      throw new PathRefusal(`the workspace is full: it has ${total} bytes, and may have ${max_total_bytes}`);
    }
  }

  async *#files(under: string, signal: AbortSignal): AsyncGenerator<{ path: string; stats: Stats }> {
    for await (const entry of this.#entries(under, signal)) if (entry.stats.isFile()) yield entry;
  }

  /** All files and folders, in order; links are not gone along. */
  async *#entries(under: string, signal: AbortSignal): AsyncGenerator<{ path: string; stats: Stats }> {
    const waiting = [namesIn(under)];
    for (let names = waiting.pop(); names !== undefined; names = waiting.pop()) {
      signal.throwIfAborted();
      const found = await this.#entriesOf(names, names.length === namesIn(under).length);
      for (const { name, stats } of found) {
        yield { path: [...names, name].join('/'), stats };
        if (stats.isDirectory()) waiting.push([...names, name]);
      }
    }
  }

  /** @param mustBeThere a folder that was found on the way may be gone by now */
  async #entriesOf(
    names: readonly string[],
    mustBeThere: boolean,
  ): Promise<{ name: string; stats: Stats }[]> {
    const look = async (folder: Folder) => {
      const all = (await readdir(folder.at('.'))).filter((name) => !name.startsWith(UNFINISHED)).toSorted();
      const entries: { name: string; stats: Stats }[] = [];
      for (const name of all) {
        const stats = await entryAt(folder, name);
        if (stats) entries.push({ name, stats });
      }
      return entries;
    };
    return this.#jail.withFolder(names, look).catch((error: unknown) => {
      if (mustBeThere || !(error instanceof WorkspaceRefusal)) throw error;
      return [];
    });
  }
}

function isNoFolder(error: unknown): boolean {
  return error instanceof WorkspaceRefusal && error.why.startsWith('there is no folder');
}

/** What a content is known by. */
export function versionOf(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, VERSION_CHARS);
}

function mustBeAt(path: string, now: string | undefined, over: string | undefined): void {
  if (now === over) return;
  if (now === undefined) throw new PathRefusal(`there is no file "${path}" (any more)`);
  if (over === undefined) {
    throw new PathRefusal(`there is a file "${path}" already; read it, and name its version to replace it`);
  }
  throw new PathRefusal(`"${path}" has changed: it is at version ${now}, not ${over}; read it again`);
}

/** A link is never written through, moved or removed by the name of what it leads to. */
function mustBePlain(path: string, stats: Stats | undefined): void {
  if (stats && !stats.isFile()) throw new PathRefusal(`"${path}" is not a plain file`);
}

/** Undefined for what is no text: not UTF-8, or with NUL in it. */
function textIn(content: Buffer): string | undefined {
  if (content.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

function linesWith(text: string, wanted: string): { line: number; text: string }[] {
  return text
    .split('\n')
    .map((line, index) => ({ line: index + 1, text: line }))
    .filter((each) => each.text.toLowerCase().includes(wanted));
}

function kindOf(stats: Stats): FileEntry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'other';
}
