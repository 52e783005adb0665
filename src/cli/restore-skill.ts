/** `signalbox skills restore`: an earlier version of a skill of the workspace takes the place of the one there is. */
import { join } from 'node:path';
import { AppError } from '../domain/errors.ts';
import { dropUnreadable } from '../domain/file-name.ts';
import { MOST_BYTES } from '../skills/folder-content.ts';
import { FIRST_VERSION, type HeadReading, readHead, splitSkill, toSkillId } from '../skills/front-matter.ts';
import { readPlainFile, UnfitFile } from '../skills/plain-file.ts';
import { isMissing, sha256Of } from '../skills/skill-folders.ts';
import { SKILL_FILE, writeSkill } from '../skills/skill-place.ts';
import { type KeptVersion, keptVersions, readVersion } from '../skills/skill-versions.ts';
import { readConfig } from './prepare.ts';
import type { SkillsOptions } from './skills.ts';

/** There is nothing to go back to. The message says what there is. */
class NoVersionError extends AppError {
  override readonly code = 'NO_VERSION';
}

/** What lies where the skill belongs is nothing that could be kept. */
class UnfitPlaceError extends AppError {
  override readonly code = 'UNFIT_PLACE';
}

/**
 * @param version one that is kept; undefined: the one put away last that says something else
 * @throws {NoVersionError} when none is kept, or not this one
 * @throws {UnfitPlaceError} when a pipe, a folder or the like lies in its place
 */
export async function restoreSkill(
  name: string,
  version: string | undefined,
  { config, json }: SkillsOptions,
): Promise<number> {
  const { workspace } = readConfig(config).settings.skills;
  const id = toSkillId(name);
  if (id === undefined) throw new NoVersionError(`"${name}" is no name of a skill.`);
  const path = join(workspace, id, SKILL_FILE);
  const now = whatIsThere(path, name);
  const { kept, text } = await choose(name, version, await keptVersions(path), now?.text);
  await writeSkill({ path, now }, text);
  const restored = { skill: name, version: kept.version, before: now?.version ?? null, file: path };
  return say(json ? JSON.stringify(restored, undefined, 2) : told(restored));
}

interface There {
  readonly version: string;
  readonly text: string;
  readonly sha256: string;
}

/** Undefined where nothing lies there any more. */
function whatIsThere(path: string, folder: string): There | undefined {
  try {
    const content = readPlainFile(path, MOST_BYTES);
    const text = content.toString('utf8');
    return { version: versionIn(text, folder), text, sha256: sha256Of(content) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (!(error instanceof UnfitFile)) throw error;
    throw new UnfitPlaceError(
      `${path} cannot be put away: ${error.message}. Move it elsewhere, then try again.`,
    );
  }
}

/** Also of one that cannot be read as a skill: it is put away like any other. */
function versionIn(text: string, folder: string): string {
  const parts = splitSkill(text);
  const reading: HeadReading | undefined = parts && readHead(parts.yaml, folder);
  return reading?.kind === 'read' ? reading.head.version : FIRST_VERSION;
}

async function choose(
  name: string,
  version: string | undefined,
  kept: readonly KeptVersion[],
  now: string | undefined,
): Promise<{ kept: KeptVersion; text: string }> {
  for (const each of kept) {
    if (version !== undefined && each.version !== version) continue;
    const text = await readVersion(each);
    if (text !== now) return { kept: each, text };
  }
  const versions = [...new Set(kept.map((each) => each.version))];
  if (versions.length === 0) {
    throw new NoVersionError(
      `No earlier version of ${name} is kept. One is when a proposal of the agent takes its place, in a skill of skills.workspace.`,
    );
  }
  throw new NoVersionError(
    `${version === undefined ? `No other text of ${name}` : `No other text of ${name} ${version}`} is kept. There is: ${versions.join(', ')}.`,
  );
}

function told({ skill, version, before }: { skill: string; version: string; before: string | null }): string {
  const rest = before === null ? 'There was none.' : `${before} is kept and can be restored in turn.`;
  return `${skill} ${version} is used again, by a running gateway within seconds. ${rest}`;
}

function say(text: string): number {
  process.stdout.write(`${dropUnreadable(text)}\n`);
  return 0;
}
