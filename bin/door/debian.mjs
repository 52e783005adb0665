/** Programs out of Debian's and Ubuntu's own packages, without root: unpacked into a folder, nothing installed. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runQuietly } from './run.mjs';

/** True on Debian, Ubuntu and their relatives. */
export async function hasDebianPackages() {
  const found = await Promise.all([
    runQuietly('apt-get', ['--version']),
    runQuietly('dpkg-deb', ['--version']),
  ]);
  return found.every(({ code }) => code === 0);
}

/**
 * Downloads a package with everything it needs that the system lacks and unpacks all of it into `folder`, which
 * appears complete or not at all. No maintainer script runs.
 *
 * @param {readonly string[]} names
 * @param {string} folder absolute
 * @param {(partial: string) => Promise<void>} finish prepares the unpacked tree before it gets its name
 */
export async function unpackPackages(names, folder, finish) {
  const work = `${folder}.${process.pid}`;
  try {
    const archives = await download(names, work);
    const tree = join(work, 'tree');
    for (const archive of archives) await must('dpkg-deb', ['-x', archive, tree]);
    await finish(tree);
    await rename(tree, folder).catch(onlyIfThere);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * @param {readonly string[]} names
 * @param {string} work
 */
async function download(names, work) {
  const archives = join(work, 'cache', 'archives');
  await mkdir(join(archives, 'partial'), { recursive: true });
  await mkdir(join(work, 'lists', 'partial'), { recursive: true });
  // A normal user may write neither apt's lists nor its cache nor its lock, so all three are ours.
  const own = {
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'Debug::NoLocking': 'true',
    'APT::Sandbox::User': '',
    'APT::Install-Recommends': 'false',
  };
  const options = Object.entries(own).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await must('apt-get', [...options, 'update']);
  await must('apt-get', [...options, '--yes', '--download-only', 'install', ...names]);
  const files = await readdir(archives);
  return files.filter((file) => file.endsWith('.deb')).map((file) => join(archives, file));
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
async function must(command, args) {
  const { code, output } = await runQuietly(command, args);
  if (code !== 0) throw new Error(lastLine(output) || `${command} ended with ${code}`);
}

/** @param {string} output */
function lastLine(output) {
  return output.trim().split('\n').at(-1) ?? '';
}

/** Another door was faster; its tree is as good. @param {NodeJS.ErrnoException} error */
function onlyIfThere(error) {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}
