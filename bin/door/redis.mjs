/** Sees to it that there is a Redis server to run, before anything needs one. */
import { basename, dirname } from 'node:path';
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

/**
 * @param {string} target the server afterwards; the rest of the package goes beside it
 */
export function unpackRedis(target) {
  // The program of redis-server is a link to one of redis-tools, which a machine may have without the other.
  return unpackPackages(['redis-server', 'redis-tools'], dirname(target), {
    name: basename(target),
    program: 'usr/bin/redis-server',
  });
}
