/**
 * The versions of a skill before the one that is used: one file for each, in `.versions` beside its SKILL.md.
 *
 * Invariant: what is kept is never written over; the same text is kept once. No skill is read from there.
 */
import { lstat, mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { isMissing } from './skill-folders.ts';

/** Begins with a dot: no folder of that kind is looked into for skills. */
export const VERSIONS_FOLDER = '.versions';
/** Of the hash in a file's name, in characters: two texts of one version have two names. */
const HASH_CHARS = 8;

export interface KeptVersion {
  readonly version: string;
  readonly path: string;
  /** When it was put away, in ms. */
  readonly keptAtMs: number;
}

/**
 * @param path of the SKILL.md
 * @throws when it cannot be written, or `.versions` is no folder
 */
export async function keepVersion(
  path: string,
  { version, text, sha256 }: { readonly version: string; readonly text: string; readonly sha256: string },
): Promise<void> {
  const folder = join(dirname(path), VERSIONS_FOLDER);
  await mkdir(folder, { recursive: true });
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
  const file = join(folder, `${version}-${sha256.slice(0, HASH_CHARS)}.md`);
  await writeFileAtomic(file, text, { encoding: 'utf8' });
}

/** Those of a SKILL.md, the last one put away first. */
export async function keptVersions(path: string): Promise<KeptVersion[]> {
  const folder = join(dirname(path), VERSIONS_FOLDER);
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const kept = await Promise.all(names.map((name) => toKept(join(folder, name), name)));
  return kept.filter((each) => each !== undefined).toSorted((a, b) => b.keptAtMs - a.keptAtMs);
}

export function readVersion({ path }: KeptVersion): Promise<string> {
  return readFile(path, 'utf8');
}

async function toKept(path: string, name: string): Promise<KeptVersion | undefined> {
  const [, version] = /^(\d.*)-[0-9a-f]{8}\.md$/.exec(name) ?? [];
  const found = await lstat(path);
  return version === undefined || !found.isFile() ? undefined : { version, path, keptAtMs: found.mtimeMs };
}
