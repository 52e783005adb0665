/**
 * Which Redis server program there is to run. Plain JavaScript, because `bin/door.mjs` asks before any dependency
 * is installed.
 *
 * It only looks. What puts a server into the cache folder is `bin/unpack-redis.mjs`.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ kind: 'found', command: string, version: string }
 *   | { kind: 'too-old', command: string, version: string }
 *   | { kind: 'missing' }} ServerBinary
 */

/** Where a server unpacked from the distribution's package lives; ignored by git, safe to delete. */
export const UNPACKED_SERVER = fileURLToPath(new URL('../../.cache/redis/redis-server', import.meta.url));

/** Oldest server whose commands our scripts use (`LMPOP`, multi-part append-only files). Valkey began at 7.2. */
export const OLDEST_VERSION = '7.0';

/** Homebrew on Apple silicon, Homebrew on Intel, sbin folders that a normal user's PATH leaves out. */
const FOLDERS = ['', '/opt/homebrew/bin', '/usr/local/bin', '/usr/bin', '/usr/sbin'];

/** Every place a server may be, best first; a bare name is looked up on PATH. */
const PLACES = [
  ...FOLDERS.flatMap((folder) => [join(folder, 'redis-server'), join(folder, 'valkey-server')]),
  UNPACKED_SERVER,
];

/**
 * The first server that is new enough; the first one that is too old if there is no better.
 *
 * @param {readonly string[]} places
 * @returns {Promise<ServerBinary>}
 */
export async function findServerBinary(places = PLACES) {
  /** @type {ServerBinary} */
  let best = { kind: 'missing' };
  for (const command of places) {
    const version = toVersion(await versionLine(command));
    if (version && isNewEnough(version)) return { kind: 'found', command, version };
    if (version && best.kind === 'missing') best = { kind: 'too-old', command, version };
  }
  return best;
}

/**
 * What to do about a server that is missing or too old, in one sentence.
 *
 * @param {ServerBinary} binary
 * @param {NodeJS.Platform} platform
 */
export function serverRemedy(binary, platform = process.platform) {
  const need =
    binary.kind === 'too-old'
      ? `${binary.command} is version ${binary.version} and Signalbox needs ${OLDEST_VERSION} or later`
      : `Signalbox needs a Redis or Valkey server, version ${OLDEST_VERSION} or later`;
  return `${need}: ${installHint(platform)}, or set REDIS_URL to a server you already run.`;
}

/** @param {NodeJS.Platform} platform */
function installHint(platform) {
  if (platform === 'darwin') return 'install it with `brew install redis`';
  if (platform === 'win32')
    return 'run Signalbox in WSL and install it there with `sudo apt-get install redis-server`';
  return 'install it with `sudo apt-get install redis-server`, or your distribution’s `redis` or `valkey` package';
}

/**
 * `Redis server v=7.0.15 sha=…` and `Valkey server v=8.1.1 …` to `7.0.15` and `8.1.1`.
 *
 * @param {string} line
 */
export function toVersion(line) {
  return /\bv=(\d+\.\d+(?:\.\d+)?)/.exec(line)?.[1];
}

/** @param {string} version */
function isNewEnough(version) {
  return Number.parseFloat(version) >= Number.parseFloat(OLDEST_VERSION);
}

/**
 * Empty when the program is not there or does not run.
 *
 * @param {string} command
 * @returns {Promise<string>}
 */
function versionLine(command) {
  return new Promise((resolve) => {
    execFile(command, ['--version'], { timeout: 5_000 }, (error, stdout) => resolve(error ? '' : stdout));
  });
}
