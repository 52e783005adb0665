/** What was deleted is gone from the files of a real server of ours, too. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../src/observability/logger.ts';
import { rewriteAppendOnlyFile } from '../../src/redis/append-only-file.ts';
import { startEmbeddedRedis } from '../../src/redis/embedded.ts';
import { openStore } from '../support/core.ts';

const NEVER = new AbortController().signal;

async function open() {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-append-only-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const server = await startEmbeddedRedis({ dataDir, log: createLogger({ level: 'silent' }) });
  onTestFinished(() => server.stop());
  const { redis } = await openStore({ url: server.url, prefix: 'test:' });
  const folder = join(dataDir, 'redis', 'appendonlydir');
  const text = async () =>
    (await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1')))).join(
      '',
    );
  return { redis, text };
}

it('holds nothing of what was deleted once it is written anew, and all the rest', async () => {
  const { redis, text } = await open();
  await redis.set('theirs', 'a kestrel');
  await redis.set('others', 'a red van');
  await redis.del('theirs');
  expect(await text()).toContain('a kestrel');

  expect(await rewriteAppendOnlyFile(redis, NEVER)).toBe(true);

  expect(await text()).not.toContain('a kestrel');
  expect(await text()).toContain('a red van');
});

it('waits for a rewrite that began before, which still holds it, and does it once more', async () => {
  const { redis, text } = await open();
  // What is written to the file as it goes lets the first one last until the word was deleted.
  await redis.config('SET', 'rdb-key-save-delay', '300');
  for (let n = 0; n < 1_000; n++) await redis.set(`n${n}`, 'x');
  await redis.set('theirs', 'a kestrel');
  await redis.bgrewriteaof();
  await redis.del('theirs');
  await redis.config('SET', 'rdb-key-save-delay', '0');

  expect(await rewriteAppendOnlyFile(redis, NEVER)).toBe(true);

  expect(await text()).not.toContain('a kestrel');
});

it('tells when it was not waited for to the end', async () => {
  const { redis } = await open();
  await redis.config('SET', 'rdb-key-save-delay', '1000000');
  await redis.set('others', 'a red van');

  expect(await rewriteAppendOnlyFile(redis, AbortSignal.timeout(100))).toBe(false);
});
