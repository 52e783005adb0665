/**
 * The door to the workspace: opens folders and files in it, and nothing outside it.
 *
 *   path ─▶ folder by folder, each held open ─▶ the last name, in the folder that is open
 *
 * Owns      what a path leads to. What is done with it is the business of `workspace.ts`.
 *
 * Invariants
 *   1. A path is walked from the top with every folder held open, and the next name is looked up in the open folder
 *      (by its descriptor, where the system has `/proc/self/fd`), so that what is swapped meanwhile leads nowhere.
 *   2. No link is followed by the system. One that we meet is resolved, and walked anew from the top if it leads inside;
 *      one that leads outside is refused.
 *   3. What is opened to be read is a plain file: no device, no pipe, no socket.
 *
 * Where the system has no `/proc/self/fd`, what was opened is held against where it must be; between two system calls
 * somebody with write access to the folder could still swap a folder there.
 */
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { access, type FileHandle, lstat, mkdir, open, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { AppError } from '../domain/errors.ts';
import { namesIn } from './file-path.ts';

/** Links in one path, at most (as Linux, MAXSYMLINKS in namei.c). */
const MOST_LINKS = 40;

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Opening a pipe would wait for somebody to write; it is refused before that. */
const PLAIN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What was asked for cannot be done in the workspace; `why` is a sentence for whoever asked. */
export class WorkspaceRefusal extends AppError {
  override readonly code = 'WORKSPACE_REFUSED';

  constructor(
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(why, options);
  }
}

/** The same, where `why` names no file or folder but those it was asked for: no name that somebody else has given. */
export class PathRefusal extends WorkspaceRefusal {}

/** A folder of the workspace that is held open. */
export interface Folder {
  /** The path by which the system finds an entry in this very folder. */
  at(name: string): string;
  /** Where the folder was when it was opened. */
  readonly real: string;
  readonly handle: FileHandle;
}

export class Jail {
  #byDescriptor: Promise<boolean> | undefined;

  /** @param top the real path of the workspace */
  constructor(readonly top: string) {}

  /**
   * Holds a folder open for as long as `use` takes.
   *
   * @param names as they were asked for; `byLink`: a link has led to them
   * @throws {WorkspaceRefusal} when there is none, or it is not inside
   */
  async withFolder<Result>(
    names: readonly string[],
    use: (folder: Folder) => Promise<Result>,
    { create = false, byLink = false } = {},
  ): Promise<Result> {
    const folder = await this.#walk(names, { create, byLink });
    try {
      return await use(folder);
    } finally {
      await folder.handle.close();
    }
  }

  /** The folder of a file and its name; see `withFolder`. */
  async withFolderOf<Result>(
    path: string,
    use: (folder: Folder, name: string) => Promise<Result>,
    options?: { readonly create?: boolean },
  ): Promise<Result> {
    const names = namesIn(path);
    const name = names.pop() ?? '.';
    return this.withFolder(names, (folder) => use(folder, name), options);
  }

  /** A folder in one that is open; undefined for what is no folder (any more). */
  async enter(folder: Folder, name: string): Promise<Folder | undefined> {
    try {
      return await this.#openFolder(folder.at(name), join(folder.real, name));
    } catch (error) {
      if (isOneOf(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      throw error;
    }
  }

  /**
   * Holds a plain file open, also by a link that leads inside.
   *
   * @throws {WorkspaceRefusal} when there is none, or it is something else
   */
  async withFile<Result>(
    path: string,
    use: (handle: FileHandle, stats: Stats) => Promise<Result>,
  ): Promise<Result> {
    let names = namesIn(path);
    for (let links = 0; links <= MOST_LINKS; links++) {
      const look = async (folder: Folder) => {
        const name = names.at(-1) ?? '.';
        const stats = await entryAt(folder, name);
        if (!stats) throw new PathRefusal(`there is no file "${path}"`);
        if (stats.isSymbolicLink()) return { link: await this.#inside(folder, name) };
        if (!stats.isFile()) throw new PathRefusal(`"${path}" is not a plain file`);
        const handle = await openPlain(folder.at(name), path);
        try {
          const opened = await handle.stat();
          await this.#mustBe(handle, join(folder.real, name), path);
          if (!opened.isFile()) throw new PathRefusal(`"${path}" is not a plain file`);
          return { result: await use(handle, opened) };
        } finally {
          await handle.close();
        }
      };
      const found = await this.withFolder(names.slice(0, -1), look, { byLink: links > 0 });
      if (found.link === undefined) return found.result;
      names = found.link;
    }
    throw new PathRefusal(`"${path}" leads through too many links`);
  }

  async #walk(
    names: readonly string[],
    { create, byLink }: { readonly create: boolean; readonly byLink: boolean },
  ): Promise<Folder> {
    const path = names.join('/');
    const refused = (why: string) => (byLink ? new WorkspaceRefusal(why) : new PathRefusal(why));
    let folder = await this.#openFolder(this.top, this.top);
    let links = 0;
    try {
      for (let rest = [...names]; rest.length > 0; ) {
        const [name = '', ...after] = rest;
        const stats = await entryAt(folder, name);
        if (!stats && !create) throw refused(`there is no folder "${path}"`);
        if (!stats) await mkdir(folder.at(name)).catch(ifThere);
        if (stats?.isSymbolicLink()) {
          if (++links > MOST_LINKS) throw refused(`"${path}" leads through too many links`);
          rest = [...(await this.#inside(folder, name)), ...after];
          folder = await this.#instead(folder, await this.#openFolder(this.top, this.top));
          continue;
        }
        if (stats && !stats.isDirectory()) {
          const why = `"${name}" in "${path}" is not a folder`;
          throw links > 0 ? new WorkspaceRefusal(why) : refused(why); // once a link was met, so may the name be its own
        }
        const next = await this.enter(folder, name);
        if (!next) throw refused(`"${path}" was changed while it was looked for; try again`);
        folder = await this.#instead(folder, next);
        rest = after;
      }
      return folder;
    } catch (error) {
      await folder.handle.close();
      throw error;
    }
  }

  async #instead(before: Folder, next: Folder): Promise<Folder> {
    await before.handle.close();
    return next;
  }

  /** The names to where a link leads. */
  async #inside(folder: Folder, name: string): Promise<string[]> {
    const path = relative(this.top, join(folder.real, name)); // the link itself, not what was asked for beyond it
    const real = await realpath(folder.at(name)).catch((error: unknown) => {
      throw new WorkspaceRefusal(`"${path}" is a link that leads nowhere`, { cause: error });
    });
    const way = relative(this.top, real);
    if (way === '..' || way.startsWith(`..${sep}`)) {
      throw new WorkspaceRefusal(`"${path}" is a link that leads out of the workspace`);
    }
    return way === '' ? [] : way.split(sep);
  }

  async #openFolder(at: string, real: string): Promise<Folder> {
    const handle = await open(at, FOLDER);
    try {
      await this.#mustBe(handle, real, relative(this.top, real));
      const base = (await this.#hasDescriptors()) ? `/proc/self/fd/${handle.fd}` : real;
      return { handle, real, at: (name) => `${base}/${name}` };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** What is open is what stands there, inside. */
  async #mustBe(handle: FileHandle, real: string, path: string): Promise<void> {
    const changed = () => new WorkspaceRefusal(`"${path}" was changed while it was opened; try again`);
    if (await this.#hasDescriptors()) {
      const way = relative(this.top, await realpath(`/proc/self/fd/${handle.fd}`).catch(() => '/'));
      if (way === '..' || way.startsWith(`..${sep}`)) throw changed();
      return;
    }
    const [opened, there, resolved] = await Promise.all([handle.stat(), stat(real), realpath(real)]);
    if (resolved !== real || opened.ino !== there.ino || opened.dev !== there.dev) throw changed();
  }

  #hasDescriptors(): Promise<boolean> {
    this.#byDescriptor ??= access('/proc/self/fd').then(
      () => true,
      () => false,
    );
    return this.#byDescriptor;
  }
}

/** What stands there under a name, not what a link leads to; undefined when nothing does. */
export async function entryAt(folder: Folder, name: string): Promise<Stats | undefined> {
  return lstat(folder.at(name)).catch((error: unknown) => {
    if (isOneOf(error, 'ENOENT')) return undefined;
    throw error;
  });
}

async function openPlain(at: string, path: string): Promise<FileHandle> {
  return open(at, PLAIN_FILE).catch((error: unknown) => {
    if (!isOneOf(error, 'ELOOP', 'ENOENT', 'ENXIO')) throw error;
    throw new PathRefusal(`"${path}" was changed while it was opened; try again`, { cause: error });
  });
}

function ifThere(error: unknown): void {
  if (!isOneOf(error, 'EEXIST')) throw error;
}

export function isOneOf(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}
