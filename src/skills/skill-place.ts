/**
 * The one file a proposed skill may become: `<workspace>/<name>/SKILL.md`.
 *
 * Invariants
 *   1. Nothing else is written but what was there before, beside it; and no link is followed from the workspace's folder on.
 *   2. No skill disappears that the proposal does not name: not one further in, and not one under another name.
 *   3. A file is there whole or not at all.
 */
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { readUnlinkedFile } from './plain-file.ts';
import type { Standing } from './shelf.ts';
import { isReadable, SKILL_SOURCES, type Skill } from './skill.ts';
import { isMissing, MAX_SKILL_BYTES, sha256Of } from './skill-folders.ts';
import { keepVersion, VERSIONS_FOLDER } from './skill-versions.ts';

export const SKILL_FILE = 'SKILL.md';

/** A file that another text may take the place of. */
interface Replaced {
  readonly version: string;
  readonly text: string;
  readonly sha256: string;
}

export interface SkillPlace {
  readonly path: string;
  /** What lies there now. */
  readonly now: (Replaced & { readonly skill: Skill }) | undefined;
  /** The skill of this name that is used where the workspace has none. */
  readonly below: Standing['file'] | undefined;
}

/**
 * What there is of a name; in words, a part of a sentence, why nothing may be written there.
 *
 * @param workspace folder of the owner's skills
 * @param standings of all skills, as they are now
 */
export async function placeOf(
  workspace: string,
  name: string,
  standings: readonly Standing[],
): Promise<SkillPlace | string> {
  const folder = join(workspace, name);
  const path = join(folder, SKILL_FILE);
  const files = standings.map(({ file }) => file);
  const own = files.filter(({ source }) => source === 'workspace');
  const elsewhere = own.find((file) => file.id === name && file.path !== path);
  if (elsewhere) return `there is a skill ${name} in ${elsewhere.path}; a person has to change it`;
  const inside = own.find((file) => file.path.startsWith(`${folder}${sep}`) && file.path !== path);
  if (inside) return `${folder} holds other skills, which would not be found any more`;
  const below = files
    .filter((file) => file.id === name && file.source !== 'workspace')
    .toSorted((a, b) => SKILL_SOURCES[b.source] - SKILL_SOURCES[a.source])[0];

  const kind = await kindOf(folder);
  if (kind === 'nothing') return { path, now: undefined, below };
  if (kind !== 'folder') return `${folder} is ${kind === 'file' ? 'a file' : 'a link or something else'}`;
  const file = await kindOf(path);
  if (file === 'nothing') {
    const names = (await readdir(folder)).filter(
      (each) => !each.startsWith(`${SKILL_FILE}.`) && each !== VERSIONS_FOLDER,
    );
    if (names.length > 0) return `there is a folder ${folder} that is no skill`;
    return { path, now: undefined, below };
  }
  if (file !== 'file') return `${path} is no plain file`;
  const skill = own.find((each) => each.path === path);
  if (!skill || !isReadable(skill) || skill.id !== name) {
    return `${path} is there and cannot be read as the skill ${name}; a person has to look at it`;
  }
  const content = readUnlinkedFile(path, MAX_SKILL_BYTES);
  const { version } = skill.reading.head;
  return { path, now: { skill, version, text: content.toString('utf8'), sha256: sha256Of(content) }, below };
}

/** What tells a place from itself after somebody changed something. */
export function basisOf({ now, below }: SkillPlace, name: string): string {
  const there = now ? `${now.version}, sha256 ${now.sha256}` : 'nothing';
  return `workspace skill ${name}: ${there}; elsewhere: ${below?.source ?? 'nothing'}`;
}

/** Puts the text there, and what it takes the place of beside it. @throws when it cannot be written */
export async function writeSkill(
  { path, now }: { readonly path: string; readonly now: Replaced | undefined },
  text: string,
): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  if (now) await keepVersion(path, now);
  await writeFileAtomic(path, text, { encoding: 'utf8' });
}

async function kindOf(path: string): Promise<'nothing' | 'folder' | 'file' | 'other'> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return 'folder';
    return found.isFile() ? 'file' : 'other';
  } catch (error) {
    if (isMissing(error)) return 'nothing';
    throw error;
  }
}
