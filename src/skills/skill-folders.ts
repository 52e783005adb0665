/**
 * The folders skills are in, and what the heads of their files say; how the files are found is in `skill-walk.ts`.
 *
 * Only heads are read, and only of files that changed; the one exception are files of third parties, whose whole
 * content has to be known before any of it is believed.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SkillSettings } from '../config/skills.ts';
import { type HeadReading, holdsHead, readHead, splitSkill, toSkillId } from './front-matter.ts';
import { readBeginning, readUnlinkedFile, UnfitFile } from './plain-file.ts';
import { isThirdParty, SKILL_SOURCES, type SkillFile, type SkillSource } from './skill.ts';

/** Where the skills that come with Signalbox are. */
const BUNDLED = fileURLToPath(new URL('../../skills', import.meta.url));

/** Largest file taken for a skill; the format recommends less than 5,000 tokens (agentskills.io, "Specification"). */
export const MAX_SKILL_BYTES = 256 * 1024;
/** Nearly every head ends within this. */
const HEAD_BYTES = 4 * 1024;

export interface SkillFolder {
  readonly source: SkillSource;
  readonly path: string;
}

/** A file as it is now, or what cannot be one. */
export type FoundFile = {
  readonly source: SkillSource;
  readonly path: string;
  /** Name of the folder, by which a skill goes that does not say its own. */
  readonly folder: string;
} & (
  | {
      readonly kind: 'file';
      /** The path without links. */
      readonly real: string;
      readonly stamp: string;
      readonly bytes: number;
    }
  /** `why`: the end of a sentence. */
  | { readonly kind: 'unfit'; readonly why: string }
);
type PlainFile = Extract<FoundFile, { kind: 'file' }>;

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
 * What identifies a file's content without reading it; undefined when it is gone. At once: asked in every turn of the
 * few skills that fit, and a way through the thread pool takes many times as long. What cannot be looked at any more is
 * gone, too: the next look at its folder says why.
 */
export function stampOf(path: string): string | undefined {
  try {
    return toStamp(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

/** The file with its head, from `known` where it has not changed since. Never throws: what is wrong is in the reading. */
export function readSkillFile(file: FoundFile, known: ReadonlyMap<string, SkillFile>): SkillFile {
  const before = known.get(file.path);
  if (file.kind === 'file' && isSame(before, file)) return before;
  const now = file.kind === 'file' ? read(file) : toUnfit(file, file.why);
  // The same object for the same trouble, too, so that nothing has changed.
  return isSame(before, now) ? before : now;
}

function isSame(
  before: SkillFile | undefined,
  { stamp, source }: Pick<SkillFile, 'stamp' | 'source'>,
): before is SkillFile {
  return before?.stamp === stamp && before.source === source;
}

/** In hex, as `sha256sum` prints it. */
export function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function toStamp({ mtimeNs, size, ino }: BigIntStats): string {
  return `${mtimeNs}:${size}:${ino}`;
}

function read(file: PlainFile): SkillFile {
  const { source, path, folder, stamp, bytes } = file;
  try {
    if (bytes > MAX_SKILL_BYTES) throw new UnfitFile(`it has more than ${MAX_SKILL_BYTES} bytes`);
    const content = isThirdParty(file) ? readUnlinkedFile(file.real, MAX_SKILL_BYTES) : undefined;
    const head = splitSkill(content ? content.toString('utf8') : readStart(file));
    const reading: HeadReading = head
      ? readHead(head.yaml, folder)
      : { kind: 'broken', why: 'it does not begin with a head: lines of YAML between two lines of ---' };
    const id = reading.kind === 'read' ? reading.head.id : idOf(folder);
    return { id, source, path, stamp, bytes, sha256: content && sha256Of(content), reading };
  } catch (error) {
    return toUnfit(file, whyUnread(error));
  }
}

/** So much of a file that its head is in it. */
function readStart({ real }: PlainFile): string {
  return readBeginning(real, { firstBytes: HEAD_BYTES, mostBytes: MAX_SKILL_BYTES }, holdsHead);
}

/** What could not be read is tried again at every look: a right that was given does not show in a file's stamp. */
function toUnfit({ source, path, folder }: FoundFile, why: string): SkillFile {
  const reading: HeadReading = { kind: 'broken', why };
  return { id: idOf(folder), source, path, stamp: why, bytes: 0, sha256: undefined, reading };
}

function idOf(folder: string): string {
  return toSkillId(folder) ?? folder;
}

/** The end of a sentence. */
export function whyUnread(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UnfitFile) return error.message;
  switch ('code' in error ? error.code : undefined) {
    case 'EACCES':
    case 'EPERM':
      return 'the user this gateway runs as has no right to read it';
    case 'ENOTDIR':
      return 'it is a file, or lies in one, and is no folder';
    case 'ELOOP':
      return 'it is a link that leads round in a circle';
    default:
      return `it cannot be read: ${error.message}`;
  }
}

/** Whether that is what went wrong: nothing is there under this path, nor could be before a file on the way is moved. */
export function isMissing(error: unknown): boolean {
  return isAbsent(error) || (error instanceof Error && 'code' in error && error.code === 'ENOTDIR');
}

/** Whether that is what went wrong: nothing is there under this path, and nothing is in its way. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
