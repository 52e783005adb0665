/**
 * The folders skills are in: which files there are, and what their heads say.
 *
 * Only heads are read, and only of files that changed; the one exception are files of third parties, whose whole
 * content has to be known before any of it is believed.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SkillSettings } from '../config/skills.ts';
import { type HeadReading, holdsHead, readHead, splitSkill, toSkillId } from './front-matter.ts';
import { isThirdParty, SKILL_SOURCES, type SkillFile, type SkillSource } from './skill.ts';

/** Where the skills that come with Signalbox are. */
const BUNDLED = fileURLToPath(new URL('../../skills', import.meta.url));

/** Largest file taken for a skill; the format recommends less than 5,000 tokens (agentskills.io, "Specification"). */
export const MAX_SKILL_BYTES = 256 * 1024;
/** Nearly every head ends within this. */
const HEAD_BYTES = 4 * 1024;
/** Folders inside each other, at most; a link that leads round in a circle ends here. */
const MOST_DEPTH = 5;

const SKILL_FILE = /^skill\.md$/i;
const SKIPPED = /^(?:\.|node_modules$)/;

export interface SkillFolder {
  readonly source: SkillSource;
  readonly path: string;
}

/** A file as it is now. */
export interface FoundFile {
  readonly source: SkillSource;
  readonly path: string;
  readonly stamp: string;
  readonly bytes: number;
}

/** In the order of loading: what counts least comes first. */
export function foldersOf({ workspace, managed, extra }: SkillSettings, bundled = BUNDLED): SkillFolder[] {
  const folders: SkillFolder[] = [
    ...extra.map((path): SkillFolder => ({ source: 'extra', path })),
    { source: 'bundled', path: bundled },
    { source: 'managed', path: managed },
    { source: 'workspace', path: workspace },
  ];
  return folders.toSorted((a, b) => SKILL_SOURCES[a.source] - SKILL_SOURCES[b.source]);
}

/**
 * Every file of these folders, in their order. A folder that is not there is empty.
 *
 * @throws when one that is there cannot be looked into
 */
export async function findSkillFiles(folders: readonly SkillFolder[]): Promise<FoundFile[]> {
  const found = await Promise.all(folders.map(({ path, source }) => filesBelow(path, source, MOST_DEPTH)));
  return found.flat();
}

/**
 * What identifies a file's content without reading it; undefined when it is gone. At once: asked in every turn of the
 * few skills that fit, and a way through the thread pool takes many times as long.
 */
export function stampOf(path: string): string | undefined {
  try {
    return toStamp(statSync(path, { bigint: true }));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The file with its head, from `known` where it has not changed since. Never throws: what is wrong is in the reading. */
export function readSkillFile(file: FoundFile, known: ReadonlyMap<string, SkillFile>): SkillFile {
  const before = known.get(file.path);
  if (before?.stamp === file.stamp && before.source === file.source) return before;
  const folder = basename(dirname(file.path));
  const { reading, sha256 } = readFrom(file, folder);
  const id = reading.kind === 'read' ? reading.head.id : (toSkillId(folder) ?? folder);
  return { ...file, id, reading, sha256 };
}

/** In hex, as `sha256sum` prints it. */
export function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

async function filesBelow(folder: string, source: SkillSource, depth: number): Promise<FoundFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  // By name, so that which of two files of one name comes first does not depend on the disk.
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const own = sorted.find((entry) => SKILL_FILE.test(entry.name));
  if (own) {
    const path = join(folder, own.name);
    const seen = await look(path);
    return seen ? [{ source, path, ...seen }] : [];
  }
  if (depth === 0) return [];
  const below = await Promise.all(
    sorted
      .filter((entry) => !SKIPPED.test(entry.name))
      .map(async (entry) => {
        const path = join(folder, entry.name);
        const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isFolderAt(path)));
        return isFolder ? filesBelow(path, source, depth - 1) : [];
      }),
  );
  return below.flat();
}

async function look(path: string): Promise<{ stamp: string; bytes: number } | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    return { stamp: toStamp(found), bytes: Number(found.size) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function toStamp({ mtimeNs, size, ino }: BigIntStats): string {
  return `${mtimeNs}:${size}:${ino}`;
}

async function isFolderAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // a link that leads nowhere
  }
}

/** Read at once and not one after the other through the thread pool, which takes several times as long. */
function readFrom(file: FoundFile, folder: string): { reading: HeadReading; sha256: string | undefined } {
  if (file.bytes > MAX_SKILL_BYTES) {
    const why = `it has ${file.bytes} bytes; a skill has at most ${MAX_SKILL_BYTES}`;
    return { reading: { kind: 'broken', why }, sha256: undefined };
  }
  try {
    const content = isThirdParty(file) ? readFileSync(file.path) : undefined;
    const head = splitSkill(content ? content.toString('utf8') : readStart(file));
    const reading: HeadReading = head
      ? readHead(head.yaml, folder)
      : { kind: 'broken', why: 'it does not begin with a head: lines of YAML between two lines of ---' };
    return { reading, sha256: content && sha256Of(content) };
  } catch (error) {
    const why = `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return { reading: { kind: 'broken', why }, sha256: undefined };
  }
}

/** So much of a file that its head is in it. */
function readStart({ path, bytes }: FoundFile): string {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(HEAD_BYTES, bytes));
    const length = readSync(descriptor, buffer, 0, buffer.length, 0);
    const start = buffer.toString('utf8', 0, length);
    return holdsHead(start) || bytes <= HEAD_BYTES ? start : readFileSync(path, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** Whether that is what went wrong: nothing is there under this path. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
