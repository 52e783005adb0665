import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findServerBinary, serverRemedy, toVersion } from '../../../src/redis/server-binary.mjs';

describe('findServerBinary', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-binary-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('takes the first server that is new enough', async () => {
    const old = await aServer('old', 'Redis server v=6.0.16 sha=00000000:0');
    const redis = await aServer('redis', 'Redis server v=7.0.15 sha=00000000:0');
    const valkey = await aServer('valkey', 'Valkey server v=8.1.1 sha=00000000:0');

    expect(await findServerBinary([old, redis, valkey])).toEqual({
      kind: 'found',
      command: redis,
      version: '7.0.15',
    });
  });

  it('takes Valkey as well as Redis, and knows that 10 is more than 7', async () => {
    const valkey = await aServer('valkey', 'Valkey server v=10.0.0 sha=00000000:0');

    expect(await findServerBinary([valkey])).toMatchObject({ kind: 'found', version: '10.0.0' });
  });

  it('tells a server that is too old from none', async () => {
    const old = await aServer('old', 'Redis server v=6.0.16 sha=00000000:0');

    expect(await findServerBinary(['/nowhere/redis-server', old])).toMatchObject({ kind: 'too-old' });
    expect(await findServerBinary(['/nowhere/redis-server'])).toEqual({ kind: 'missing' });
  });

  it('passes over a program that does not run', async () => {
    const broken = await aServer('broken', 'Redis server v=7.0.15', 1);

    expect(await findServerBinary([broken])).toEqual({ kind: 'missing' });
  });

  async function aServer(name: string, line: string, code = 0): Promise<string> {
    const file = join(folder, name);
    await writeFile(file, `#!/bin/sh\necho '${line}'\nexit ${code}\n`);
    await chmod(file, 0o755);
    return file;
  }
});

describe('serverRemedy', () => {
  it.each([
    ['darwin', 'brew install redis'],
    ['linux', 'apt-get install redis-server'],
    ['win32', 'WSL'],
  ] as const)('says in one sentence what to do on %s', (platform, hint) => {
    const sentence = serverRemedy({ kind: 'missing' }, platform);

    expect(sentence).toContain(hint);
    expect(sentence).toContain('REDIS_URL');
    expect(sentence).not.toContain('\n');
  });

  it('names the server that is too old', () => {
    expect(serverRemedy({ kind: 'too-old', command: 'redis-server', version: '6.0.16' })).toMatch(
      /redis-server is version 6\.0\.16/,
    );
  });
});

it('reads no version out of other output', () => {
  expect(toVersion('')).toBeUndefined();
  expect(toVersion('bash: redis-server: command not found')).toBeUndefined();
});
