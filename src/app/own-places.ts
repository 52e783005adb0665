/** Where this gateway keeps what is nobody else's business: its configuration, its data, its skills, its program. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENV_FILE } from '../config/environment.ts';
import type { Config } from '../config/load-config.ts';
import { foldersOf } from '../skills/skill-folders.ts';
import { mustLieApart } from '../workspace/apart.ts';

const PROGRAM = fileURLToPath(new URL('../..', import.meta.url));
/** What is run of it, and what that is built and updated from; a folder of one's own may lie beside them. */
const PROGRAM_PARTS = ['.cache', '.git', 'bin', 'gateways', 'node_modules', 'package.json', 'src'];
/** Where it is built when its own folder cannot be written to (`bin/build/provide-build.mjs`). */
const BUILT_AT_HOME = join(homedir(), '.cache', 'signalbox');

/** Folders that a script of a skill does not see. */
export function ownFolders({ directory, settings: { workspace, redis } }: Config): string[] {
  return [
    process.cwd(),
    directory,
    redis.data_directory,
    ...(workspace.directory === undefined ? [] : [workspace.directory]),
  ];
}

/** Files and folders that the workspace must not reach: who writes there teaches the agent, or lets it do more. */
export function keptFromWorkspace({ directory, settings: { skills, redis } }: Config): string[] {
  return [
    directory,
    ENV_FILE,
    redis.data_directory,
    ...foldersOf(skills).map(({ path }) => path),
    ...PROGRAM_PARTS.map((part) => join(PROGRAM, part)),
    BUILT_AT_HOME,
  ];
}

/** @throws {StartupError} when the workspace reaches one of these, or lies in one */
export function checkWorkspace(config: Config): void {
  const { directory } = config.settings.workspace;
  if (directory !== undefined) mustLieApart(directory, keptFromWorkspace(config));
}
