/** Sees to it that there is a Redis server to run, before anything needs one. */
import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findServerBinary, serverRemedy, UNPACKED_SERVER } from '../../src/redis/server-binary.mjs';
import { hasDebianPackages, unpackPackages } from './debian.mjs';
import { withProgress } from './progress.mjs';

/**
 * Resolves when a server can be started, or with the sentence that says why not.
 *
 * @param {string} target where to unpack one when the machine has none
 * @returns {Promise<string | undefined>}
 */
export async function provideRedis(target = UNPACKED_SERVER) {
  const found = await findServerBinary();
  if (found.kind === 'found') return undefined;
  if (!(await hasDebianPackages())) return serverRemedy(found);
  try {
    await withProgress('unpacking a Redis server from the distribution’s package', () => unpackRedis(target));
  } catch (error) {
    return `${serverRemedy(found)} (The distribution’s package could not be had: ${error instanceof Error ? error.message : error})`;
  }
  const unpacked = await findServerBinary([target]);
  return unpacked.kind === 'found' ? undefined : serverRemedy(unpacked);
}

/** @param {string} target */
async function unpackRedis(target) {
  await unpackPackages(['redis-server'], dirname(target), async (tree) => {
    const starter = join(tree, 'redis-server');
    await writeFile(starter, STARTER);
    await chmod(starter, 0o755);
  });
}

/** The libraries are not where the loader looks, so it is told. */
const STARTER = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$(echo "$here"/usr/lib/*-linux-gnu*)\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$here/usr/bin/redis-server" "$@"
`;
