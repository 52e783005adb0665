/** Before the first test: one Redis for the whole run, gone after the last. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createLogger } from '../../src/observability/logger.ts';
import { startEmbeddedRedis } from '../../src/redis/embedded.ts';

export default async function startSharedRedis(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-tests-'));
  const log = createLogger({ level: 'silent' });
  // Nobody needs this data after the run, so no write waits for the disk.
  const server = await startEmbeddedRedis({ dataDir, log, fsync: 'no' });
  project.provide('redisUrl', server.url);
  return async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
