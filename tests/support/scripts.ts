/** Scripts of skills for tests: the real sandbox where this machine lets one be built, and scripts to run in it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { findTestProgram } from '../../bin/door/test-programs.mjs';
import { ScriptSettings } from '../../src/config/skills.ts';
import type { Interpreter } from '../../src/skills/interpreter.ts';
import type { Script, ScriptLimits } from '../../src/skills/script-sandbox.ts';

/** The settings' defaults, changed; as they are once they were read. */
export function scriptLimits(changed: Partial<ScriptLimits> = {}): ScriptLimits {
  return { ...ScriptSettings.parse({}), ...changed };
}

/**
 * Folders to look for bubblewrap in, and why no sandbox can be built here; undefined: one can. Found out without any
 * code of ours, so that a mistake in it is no reason to skip what would find it.
 */
export async function realSandbox(): Promise<{ folders: string[]; problem: string | undefined }> {
  const program = await findTestProgram('bubblewrap');
  if (program === undefined) return { folders: [], problem: 'bubblewrap is not installed' };
  const walls = ['--unshare-all', '--unshare-user', '--disable-userns', '--ro-bind', '/', '/', 'true'];
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const { status, stderr } = spawnSync(program, walls, { ...nobody, cwd: '/', encoding: 'utf8' });
  const folders = [folderWith(program)];
  return { folders, problem: status === 0 ? undefined : `no namespace can be made: ${stderr.trim()}` };
}

/** For titles: why it is skipped, where it is. */
export function skippedBecause(problem: string | undefined): string {
  return problem === undefined ? '' : ` (skipped here: ${problem.split('\n')[0]})`;
}

/** One that was unpacked has another name. */
function folderWith(program: string): string {
  if (basename(program) === 'bwrap') return dirname(program);
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-bwrap-'));
  symlinkSync(program, join(folder, 'bwrap'));
  return folder;
}

const INTERPRETERS: Readonly<Record<string, Interpreter>> = {
  sh: ['/bin/sh'],
  py: ['/usr/bin/env', 'python3'],
  mjs: ['/usr/bin/env', 'node'],
};

/** One script in a folder of its own. */
export function aScript(ending: 'sh' | 'py' | 'mjs', text: string, more: Partial<Script> = {}): Script {
  const path = `scripts/it.${ending}`;
  return {
    content: { sha256: '', files: [{ path, bytes: Buffer.from(text), isExecutable: false }] },
    path,
    interpreter: INTERPRETERS[ending]!,
    args: [],
    stdin: '',
    ...more,
  };
}
