/** Installs what the benchmark compares with into `reference/`, on first use and whenever its lock file changed. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from './child.ts';
import type { Progress } from './progress.ts';

export const REFERENCE_DIR = join(import.meta.dirname, 'reference');

/** Long enough for a slow line; npm itself gives up on a registry earlier. */
const INSTALL_WITHIN_MS = 300_000;

/** @throws {Error} with npm's last lines, when the installation fails */
export async function installReferences(progress: Progress): Promise<void> {
  const lock = await readFile(join(REFERENCE_DIR, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const marker = join(REFERENCE_DIR, 'node_modules', '.installed');
  if ((await readFile(marker, 'utf8').catch(() => '')) === wanted) return;

  progress('installing the references (chat, @chat-adapter/*, bullmq) into tests/bench/reference, once');
  const npm = Child.start({
    name: 'npm ci',
    command: 'npm',
    args: ['ci', '--no-progress', '--loglevel', 'error'],
    cwd: REFERENCE_DIR,
  });
  await npm.success(INSTALL_WITHIN_MS);
  await writeFile(marker, wanted);
  progress('references installed');
}

/** The installed version of a package, `?` if it cannot be read. */
export async function referenceVersion(name: string, directory = REFERENCE_DIR): Promise<string> {
  const manifest = join(directory, 'node_modules', name, 'package.json');
  const text = await readFile(manifest, 'utf8').catch(() => '');
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? '?';
}
