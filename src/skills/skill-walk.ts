/**
 * The way through the folders of skills: which files there are, level by level.
 *
 * Invariants
 *   1. What cannot be looked into, or may not be read, is one unfit file with its reason; the others are found all the
 *      same. Only where the folder at the top cannot be looked into, nothing is found at all.
 *   2. No folder is looked into twice, whatever links lead to it, and no more than `MOST_FOLDERS` of one source.
 *   3. Links of third parties lead nowhere but into their own folder. Your own lead where you made them lead.
 */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { AppError } from '../domain/errors.ts';
import { isThirdParty } from './skill.ts';
import {
  type FoundFile,
  isAbsent,
  isMissing,
  type SkillFolder,
  toStamp,
  whyUnread,
} from './skill-folders.ts';

/** Folders inside each other, at most. */
export const MOST_DEPTH = 5;
/** Folders of one source that are looked into, at most: they are looked into again and again. */
export const MOST_FOLDERS = 5_000;

const SKILL_FILE = /^skill\.md$/i;
const SKIPPED = /^(?:\.|node_modules$)/;
/** Stands for what could not be read of a name; the system finds nothing under such a name. */
const UNKNOWN = '\uFFFD';

/** What skills there are is not known: a folder of the configuration cannot be looked into. */
export class SkillFolderError extends AppError {
  override readonly code = 'SKILL_FOLDER_UNREADABLE';

  constructor(
    readonly folder: SkillFolder,
    cause: unknown,
  ) {
    super(`The skills in ${folder.path} (${folder.source}) cannot be read: ${whyUnread(cause)}.`, { cause });
  }
}

/**
 * Every file of these folders, in their order; those of one folder by path. A folder that is not there is empty.
 *
 * @throws {SkillFolderError} when one that is there cannot be looked into, or is a file
 */
export async function findSkillFiles(folders: readonly SkillFolder[]): Promise<FoundFile[]> {
  const found = await Promise.all(folders.map(filesIn));
  return found.flat();
}

async function filesIn(folder: SkillFolder): Promise<FoundFile[]> {
  try {
    const real = await realpath(folder.path);
    const files = await new Walk(folder, real).files();
    return files.toSorted(byPath);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw new SkillFolderError(folder, error);
  }
}

/** A file or folder on the way. */
interface Place {
  readonly path: string;
  /** The same without links. */
  readonly real: string;
  /** There is a link between it and the folder of its source. */
  readonly isLinked: boolean;
}

/** What lies in a folder. */
interface Look {
  readonly files: readonly FoundFile[];
  readonly below: readonly Place[];
}

const NOTHING: Look = { files: [], below: [] };

class Walk {
  readonly #seen = new Set<string>();
  #isFull = false;

  /** @param real the path of the folder without links */
  constructor(
    private readonly folder: SkillFolder,
    private readonly real: string,
  ) {}

  /** @throws when the folder at the top cannot be looked into */
  async files(): Promise<FoundFile[]> {
    this.#seen.add(this.real);
    const top = await this.#lookInto({ path: this.folder.path, real: this.real, isLinked: false });
    const files = [...top.files];
    let level = this.#unseen(top.below);
    for (let depth = 1; depth <= MOST_DEPTH && level.length > 0; depth++) {
      const look = merged(await Promise.all(level.map((place) => this.#tryToLookInto(place))));
      files.push(...look.files);
      level = this.#unseen(look.below);
    }
    return [...files, ...this.#leftOut(level)];
  }

  /** Those nobody has been to, as long as there is room; what a link leads to behind what lies there itself. */
  #unseen(places: readonly Place[]): Place[] {
    const linkedLast = places.toSorted((a, b) => Number(a.isLinked) - Number(b.isLinked));
    return linkedLast.filter(({ real }) => {
      if (this.#seen.has(real)) return false;
      this.#isFull ||= this.#seen.size >= MOST_FOLDERS;
      if (!this.#isFull) this.#seen.add(real);
      return !this.#isFull;
    });
  }

  /** Folders of third parties may go on: who keeps skills there keeps other things, too. */
  #leftOut([deeper]: readonly Place[]): FoundFile[] {
    if (this.#isFull) {
      const why = `it holds more than ${MOST_FOLDERS} folders, and not all of them were looked into; take out what is no skill`;
      return [this.#unfit(this.folder.path, why)];
    }
    if (!deeper || isThirdParty(this.folder)) return [];
    const why = `it lies in more than ${MOST_DEPTH} folders, and no skill is looked for that deep; put it further up`;
    return [this.#unfit(deeper.path, why)];
  }

  async #tryToLookInto(place: Place): Promise<Look> {
    try {
      return await this.#lookInto(place);
    } catch (error) {
      return this.#failed(place.path, error);
    }
  }

  async #lookInto(place: Place): Promise<Look> {
    const entries = await readdir(place.real, { withFileTypes: true });
    const [own] = entries.filter(({ name }) => SKILL_FILE.test(name)).toSorted(byName);
    if (own) return this.#lookAt(within(place, own), own);
    // By name, so that which of two files of one name comes first does not depend on the disk.
    const inner = entries.filter(mayBeFolder).toSorted(byName);
    const looks = inner.map((entry) => {
      const found = within(place, entry);
      return entry.isDirectory() ? { files: [], below: [found] } : this.#follow(found);
    });
    return merged(await Promise.all(looks));
  }

  /** A SKILL.md. Only what is a plain file is ever opened: opening a device may do something. */
  async #lookAt({ path, real: unresolved }: Place, entry: Dirent): Promise<Look> {
    const folder = basename(dirname(path));
    const isLink = entry.isSymbolicLink();
    try {
      const real = isLink ? await realpath(unresolved) : unresolved;
      if (this.#leadsOut(real)) return one(this.#unfit(path, this.#whyNotOut(), folder));
      const found = await stat(real, { bigint: true });
      if (!found.isFile()) return one(this.#unfit(path, 'it is no plain file', folder));
      const { source } = this.folder;
      const [stamp, bytes] = [toStamp(found), Number(found.size)];
      return one({ kind: 'file', source, path, folder, real, stamp, bytes });
    } catch (error) {
      if (isLink && isMissing(error))
        return one(this.#unfit(path, 'it is a link that leads nowhere', folder));
      return this.#failed(path, error, folder);
    }
  }

  /** Where a link leads to, if that is a folder. */
  async #follow(link: Place): Promise<Look> {
    try {
      const real = await realpath(link.real);
      if (!(await stat(real)).isDirectory()) return NOTHING;
      if (this.#leadsOut(real)) return one(this.#unfit(link.path, this.#whyNotOut()));
      return { files: [], below: [{ path: link.path, real, isLinked: true }] };
    } catch (error) {
      return this.#failed(link.path, error);
    }
  }

  #leadsOut(real: string): boolean {
    return isThirdParty(this.folder) && real !== this.real && !real.startsWith(join(this.real, sep));
  }

  #whyNotOut(): string {
    return `it is a link that leads out of ${this.folder.path}, and what others wrote must not lead to files of this machine; put the file itself there, or name the folder it leads to in skills.extra`;
  }

  /** What went away in this moment is not there. */
  #failed(path: string, error: unknown, folder = basename(path)): Look {
    if (!isMissing(error)) return one(this.#unfit(path, whyUnread(error), folder));
    if (!path.includes(UNKNOWN)) return NOTHING;
    return one(this.#unfit(path, 'its name is not written in UTF-8; give it another one'));
  }

  #unfit(path: string, why: string, folder = basename(path)): FoundFile {
    return { kind: 'unfit', source: this.folder.source, path, folder, why };
  }
}

function mayBeFolder(entry: Dirent): boolean {
  return !SKIPPED.test(entry.name) && (entry.isDirectory() || entry.isSymbolicLink());
}

function within({ path, real, isLinked }: Place, { name }: Dirent): Place {
  return { path: join(path, name), real: join(real, name), isLinked };
}

function one(file: FoundFile): Look {
  return { files: [file], below: [] };
}

function merged(looks: readonly Look[]): Look {
  return { files: looks.flatMap(({ files }) => files), below: looks.flatMap(({ below }) => below) };
}

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : 1;
}

/** Folder by folder: what lies in `a` comes before what lies in `a-b`. */
function byPath({ path: a }: FoundFile, { path: b }: FoundFile): number {
  return a.replaceAll(sep, '\0') < b.replaceAll(sep, '\0') ? -1 : 1;
}
