/** Sees to it that what the lock file names is installed; touches no network when it is. */
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withProgress } from './progress.mjs';
import { ROOT } from './root.mjs';
import { runQuietly } from './run.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, dev?: boolean, optional?: boolean, devOptional?: boolean, link?: boolean }} LockedPackage
 * @typedef {Record<string, LockedPackage>} LockedPackages
 */

/**
 * Resolves when everything is there, or with the sentence that says why not.
 *
 * @param {{ development: boolean, root?: string }} options `development`: tools for tests and checks are needed too
 * @returns {Promise<string | undefined>}
 */
export async function provideDependencies({ development, root = ROOT }) {
  const locked = await lockedPackages(join(root, 'package-lock.json'));
  if (!locked)
    return 'package-lock.json is missing or damaged: restore it with `git checkout package-lock.json`.';
  // npm writes its own record last, so an installation that was cut short has none.
  const installed = await lockedPackages(join(root, 'node_modules', '.package-lock.json'));
  if (installed && isInstalled(locked, installed, development)) return undefined;
  // An installation empties the folder first, and would empty the one that the link leads to.
  if (await isLink(join(root, 'node_modules'))) {
    return 'node_modules is a link to a folder that does not fit package-lock.json: remove the link, or bring that folder up to date with `npm ci` where it belongs.';
  }
  return install(root);
}

/**
 * Pure: does what is installed agree with the lock file? Optional packages may be absent, they belong to other
 * platforms.
 *
 * @param {LockedPackages} locked
 * @param {LockedPackages} installed
 * @param {boolean} development
 */
export function isInstalled(locked, installed, development) {
  return Object.entries(locked).every(([path, wanted]) => {
    if (path === '' || wanted.link) return true;
    const found = installed[path];
    if (!found)
      return Boolean(wanted.optional) || (Boolean(wanted.dev || wanted.devOptional) && !development);
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

/** @param {string} path */
async function isLink(path) {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() ?? false;
}

/** @param {string} root */
async function install(root) {
  const { command, args } = npm();
  const options = ['ci', '--no-audit', '--no-fund'];
  const { code, output } = await withProgress('installing dependencies', () =>
    runQuietly(command, [...args, ...options], { cwd: root }),
  );
  return code === 0 ? undefined : installFailure(output);
}

/**
 * Pure: what npm printed, as one sentence with a next step.
 *
 * @param {string} output
 */
export function installFailure(output) {
  if (/^npm (error|ERR!) code EUSAGE/m.test(output)) {
    return 'package.json and package-lock.json do not agree: run `npm install` once.';
  }
  const reasons = output.match(/^npm (?:error|ERR!) (?!code|A complete log).+/gm) ?? [];
  const reason = reasons[0]?.replace(/^npm (error|ERR!) /, '') ?? 'npm gave no reason';
  return `the dependencies could not be installed (${reason}): check the network connection and run the command again.`;
}

/** The npm that runs us, else the one on PATH. */
function npm() {
  const running = process.env.npm_execpath;
  return running?.endsWith('npm-cli.js')
    ? { command: process.execPath, args: [running] }
    : { command: 'npm', args: [] };
}

/**
 * @param {string} file
 * @returns {Promise<LockedPackages | undefined>}
 */
async function lockedPackages(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
