import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StartupError } from '../../src/domain/errors.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/redis/embedded.ts';

const log = createLogger({ level: 'silent' });

let dataDir: string;
let running: EmbeddedRedis[];
let clients: Redis[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-embedded-'));
  running = [];
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.disconnect();
  for (const redis of running) await redis.stop();
  await rm(dataDir, { recursive: true, force: true });
});

it('writes every change to disk before it is acknowledged, unless told otherwise', async () => {
  const redis = await start();

  const client = connect(redis.url);

  expect(redis.adopted).toBe(false);
  expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
  expect(await client.config('GET', 'appendfsync')).toEqual(['appendfsync', 'always']);
});

it('keeps its data from one start to the next', async () => {
  const first = await start();
  await connect(first.url).set('order', '7');
  await first.stop();

  const second = await start();

  expect(second.url).toBe(first.url);
  expect(await connect(second.url).get('order')).toBe('7');
});

it('shares the running server with a second gateway, and the last one to leave ends it', async () => {
  const first = await start();
  const second = await start();

  expect(second).toMatchObject({ adopted: true, url: first.url });
  expect(second.pid()).toBe(first.pid());

  await first.stop();
  expect(await connect(second.url).ping()).toBe('PONG');
  await second.stop();
  expect(isListening(second.url)).toBe(false);
});

it('starts one server when several gateways start at the same moment', async () => {
  const all = await Promise.all([start(), start(), start(), start(), start()]);

  expect(new Set(all.map((redis) => redis.pid())).size).toBe(1);
  expect(all.filter((redis) => !redis.adopted)).toHaveLength(1);
});

it('ends the server when all its users leave at the same moment', async () => {
  const all = await Promise.all([start(), start(), start()]);

  await Promise.all(all.map((redis) => redis.stop()));

  expect(isListening(all[0]!.url)).toBe(false);
});

it('gives a working server to whoever starts while another one stops', async () => {
  for (let round = 0; round < 10; round++) {
    const leaving = await start();

    const [, arriving] = await Promise.all([leaving.stop(), start()]);

    expect(await connect(arriving.url).ping()).toBe('PONG');
    await arriving.stop();
  }
});

it('may be stopped twice', async () => {
  const redis = await start();

  await Promise.all([redis.stop(), redis.stop()]);

  await expect(redis.stop()).resolves.toBeUndefined();
});

it('outlives a gateway that is killed, and is adopted by the next', async () => {
  const gateway = startInOwnProcess();
  const [line] = await once(createInterface({ input: gateway.stdout! }), 'line');
  const { pid, url } = JSON.parse(line);
  await connect(url).set('order', '7');

  gateway.kill('SIGKILL');
  await once(gateway, 'exit');
  const next = await start();

  expect(next.adopted).toBe(true);
  expect(next.pid()).toBe(pid);
  expect(await connect(next.url).get('order')).toBe('7');
  await next.stop();
  expect(isListening(url)).toBe(false);
});

it('has one server after a gateway was killed in the middle of starting it', async () => {
  await mkdir(join(dataDir, 'redis'));
  const watcher = watch(join(dataDir, 'redis'));
  const gateway = startInOwnProcess();
  await once(watcher, 'change');
  watcher.close();

  gateway.kill('SIGKILL');
  await once(gateway, 'exit');
  const all = await Promise.all([start(), start()]);

  expect(new Set(all.map((redis) => redis.pid())).size).toBe(1);
  expect(await connect(all[0]!.url).set('order', '7')).toBe('OK');
});

it.each([
  ['a process that is gone', JSON.stringify({ pid: 2 ** 22 - 1 })],
  ['a stranger that got the process id', JSON.stringify({ pid: process.pid })],
  ['nothing readable', '{"pid":'],
])('starts although an old claim names %s', async (_, claim) => {
  await mkdir(join(dataDir, 'redis'));
  await writeFile(join(dataDir, 'redis', 'server.7.json'), claim);

  const redis = await start();

  expect(redis.adopted).toBe(false);
  expect(await readdir(join(dataDir, 'redis'))).toContain('server.8.json');
});

it('replaces a server that dies while it is in use, with its data, at the same address', async () => {
  const redis = await start();
  const client = connect(redis.url);
  await client.set('order', '7');
  const pid = redis.pid();

  const closed = new Promise<void>((resolve) => client.once('close', resolve));
  process.kill(pid, 'SIGKILL');
  await closed;

  expect(await client.get('order')).toBe('7');
  expect(await client.info('server')).not.toContain(`process_id:${pid}\r`);
});

it('starts from an append-only file whose last write was cut off', async () => {
  const redis = await start();
  const client = connect(redis.url);
  await client.set('first', 'a'.repeat(100));
  await client.set('second', 'b'.repeat(100));
  process.kill(redis.pid(), 'SIGKILL');
  await redis.stop();
  const file = await appendOnlyFile();
  await truncate(file, (await readFile(file)).byteLength - 20);

  const next = connect((await start()).url);

  expect(await next.get('first')).toBe('a'.repeat(100));
  expect(await next.get('second')).toBeNull();
});

it('says what the server said when it cannot start', async () => {
  const redis = await start();
  await connect(redis.url).set('order', '7');
  await redis.stop();
  await writeFile(
    await appendOnlyFile(),
    'this is no append-only file, and not only in its last line\r\n'.repeat(9),
  );

  const failed = await start().catch((error: unknown) => error);

  expect(failed).toBeInstanceOf(StartupError);
  expect(failed).toMatchObject({
    message: expect.stringContaining('append only file'),
    remedy: expect.stringContaining('redis.log'),
  });
});

it('says that the data directory cannot be written', async () => {
  const file = join(dataDir, 'file');
  await writeFile(file, '');

  const failed = await startEmbeddedRedis({ dataDir: join(file, 'below'), log }).catch(
    (error: unknown) => error,
  );

  expect(failed).toBeInstanceOf(StartupError);
  expect(failed).toMatchObject({
    message: expect.stringContaining(join(file, 'below')),
    remedy: expect.stringContaining('another data directory'),
  });
});

it.each([
  ['too long for a socket', 'deep'.repeat(30)],
  ['nothing for a URL', 'my files? 100% mine'],
])('serves a data directory whose path is %s', async (_, name) => {
  dataDir = join(dataDir, name);

  const redis = await start();

  expect(await connect(redis.url).ping()).toBe('PONG');
  expect(existsSync(join(dataDir, 'redis', 'redis.sock'))).toBe(false);
});

async function start(): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis({ dataDir, log });
  running.push(redis);
  return redis;
}

function connect(url: string): Redis {
  const client = new Redis(url);
  client.on('error', () => {}); // the tests look at what commands return
  clients.push(client);
  return client;
}

/** The data directory's server, started by a process that can be killed. */
function startInOwnProcess(): ChildProcess {
  const program = fileURLToPath(new URL('../support/redis-starter.ts', import.meta.url));
  return spawn(process.execPath, ['--import', 'tsx', program, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function appendOnlyFile(): Promise<string> {
  const folder = join(dataDir, 'redis', 'appendonlydir');
  const name = (await readdir(folder)).find((file) => file.endsWith('.incr.aof'));
  return join(folder, name!);
}

/** A server that ends removes its socket. */
function isListening(url: string): boolean {
  return existsSync(fileURLToPath(url.replace('unix:', 'file:')));
}
