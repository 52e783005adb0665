/** Programs out of Debian's and Ubuntu's own packages: installed by root, unpacked into a folder by anybody. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
 * Installs packages on the machine; needs root. No service is started.
 *
 * @param {readonly string[]} names
 */
export async function installPackages(names) {
  // Start scripts of services do nothing in run level 1.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await must('apt-get', ['update'], env);
  await must('apt-get', ['--yes', '--no-install-recommends', 'install', ...names], env);
}

/**
 * Downloads packages, and everything they need that the system lacks, and unpacks all of it into `folder`, which
 * appears complete or not at all. No maintainer script runs. `starter.name` in the folder then runs
 * `starter.program`, a path in the tree, with the unpacked libraries.
 *
 * @param {readonly string[]} names
 * @param {string} folder absolute
 * @param {{ name: string, program: string }} starter
 */
export async function unpackPackages(names, folder, starter) {
  const work = `${folder}.${process.pid}`;
  const tree = join(work, 'tree');
  try {
    for (const archive of await download(names, work)) await must('dpkg-deb', ['-x', archive, tree]);
    await writeFile(join(tree, starter.name), starterScript(starter.program), { mode: 0o755 });
    await mkdir(dirname(folder), { recursive: true });
    await rename(tree, folder).catch(onlyIfThere);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Libraries and fonts are not where programs look for them, so they are told. @param {string} program */
function starterScript(program) {
  return `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
for folder in "$here"/usr/lib/*-linux-gnu* "$here"/usr/lib/*-linux-gnu*/*/ "$here"/lib/*-linux-gnu*; do
  [ -d "$folder" ] && LD_LIBRARY_PATH="$folder\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done
[ -d "$here/etc/fonts" ] && FONTCONFIG_PATH="$here/etc/fonts"
export LD_LIBRARY_PATH FONTCONFIG_PATH
exec "$here/${program}" "$@"
`;
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
  await must('apt-get', [...options, '--yes', '--download-only', '--reinstall', 'install', ...names]);
  const files = await readdir(archives);
  return files.filter((file) => file.endsWith('.deb')).map((file) => join(archives, file));
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
async function must(command, args, env) {
  const { code, output } = await runQuietly(command, args, env ? { env } : {});
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
