/**
 * The built program: one folder per state of the sources, so that a build is never changed while somebody runs it.
 *
 * Why there is a build at all: loading some 1,500 source files one by one and translating TypeScript on the way
 * takes three times as long and 50 MB more than loading one file made of them.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { access, constants, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What a build is made of: our sources, the dependencies, and the builder. */
const SOURCES = ['src', 'gateways', 'bin/build'];
const SINGLE_FILES = ['package-lock.json'];
/** Builds beside the current one that stay, for processes that still run them. */
const KEPT = 3;

/** Beside the sources, or in the user's own cache where that cannot be written (an image, another user's clone). */
const PLACES = [join(ROOT, '.cache', 'build'), join(homedir(), '.cache', 'signalbox', 'build')];

/** There is no program to run. The message says what to do, in words for whoever ran the command. */
export class NoBuildError extends Error {}

/**
 * Builds only when the sources changed since the last build.
 *
 * @returns {Promise<string>} the file to import
 * @throws {NoBuildError}
 */
export async function provideBuild() {
  const name = fingerprint();
  const built = PLACES.map((place) => join(place, name)).find((folder) =>
    existsSync(join(folder, 'main.mjs')),
  );
  return join(built ?? (await buildInto(await writablePlace(), name)), 'main.mjs');
}

/** The same for the same contents, whatever their age. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of [...SINGLE_FILES, ...SOURCES.flatMap(sourceFiles)]) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** @param {string} folder */
function sourceFiles(folder) {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => `${folder}/${name}`)
    .sort();
}

async function writablePlace() {
  for (const place of PLACES) {
    const writable = await mkdir(place, { recursive: true })
      .then(() => access(place, constants.W_OK))
      .then(
        () => true,
        () => false,
      );
    if (writable) return place;
  }
  throw new NoBuildError(`the build needs a folder it can write: ${PLACES.join(' or ')}`);
}

/**
 * The build appears complete or not at all.
 *
 * @param {string} place
 * @param {string} name
 */
async function buildInto(place, name) {
  const folder = join(place, name);
  const partial = `${folder}.${process.pid}`;
  try {
    await compile(partial);
    await rename(partial, folder).catch(onlyIfThere);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  await tidy(place, name);
  return folder;
}

/**
 * In a process of its own, which takes the compiler's memory with it.
 *
 * @param {string} folder
 */
function compile(folder) {
  const missing = new NoBuildError(
    'its dependencies are not installed, or not all of them yet: run `npm start`, which sees to that, or `npm ci`, and this command again once it is done',
  );
  if (!hasCompiler()) throw missing;
  const builder = fileURLToPath(new URL('./build.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [builder, folder], { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  if (!isInstalled()) throw missing;
  throw new NoBuildError('the program could not be built; what the compiler said is above');
}

function hasCompiler() {
  try {
    createRequire(import.meta.url).resolve('esbuild');
    return true;
  } catch {
    return false;
  }
}

/** npm writes its record last. Of other package managers there is none; after them this tells nothing. */
function isInstalled() {
  return existsSync(join(ROOT, 'node_modules', '.package-lock.json'));
}

/**
 * Removes all but the newest builds.
 *
 * @param {string} place
 * @param {string} current
 */
async function tidy(place, current) {
  const names = (await readdir(place)).filter((name) => name !== current);
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(place, name))).mtimeMs })),
  );
  const old = dated.sort((a, b) => b.at - a.at).slice(KEPT);
  for (const { name } of old) await rm(join(place, name), { recursive: true, force: true });
}

/** Somebody else was faster; their build is as good. @param {NodeJS.ErrnoException} error */
function onlyIfThere(error) {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}
