import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hasDebianPackages } from '../../bin/door/debian.mjs';
import { unpackRedis } from '../../bin/door/redis.mjs';
import { findServerBinary } from '../../src/redis/server-binary.mjs';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-unpacked-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it.skipIf(!(await hasDebianPackages()))(
  'gets a Redis server out of the distribution’s package and installs nothing',
  async ({ skip }) => {
    const server = join(folder, 'redis', 'redis-server');

    const failure = await unpackRedis(server).catch((error: Error) => error.message);
    if (failure && /resolve|connect|Failed to fetch/i.test(failure)) skip(`no network: ${failure}`);

    expect(failure).toBeUndefined();
    expect(await findServerBinary([server])).toMatchObject({ kind: 'found', command: server });
  },
  60_000,
);
