/**
 * The Redis server everything is measured against, and what it counted.
 *
 * A child of the benchmark with its own data directory on loopback, removed at the end; a server that is already
 * running is never touched.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Child } from './child.ts';

/** When the append-only file is flushed to disk: with every write, or once a second. */
export type Fsync = 'always' | 'everysec';

export interface RedisFigures {
  /** Every command executed, those inside scripts included. */
  readonly commands: number;
  readonly cpuMs: number;
  readonly usedBytes: number;
  readonly rssBytes: number;
}

export class BenchRedis {
  readonly url: string;
  readonly #child: Child;
  readonly #directory: string;
  readonly #client: Redis;

  private constructor(child: Child, directory: string, port: number) {
    this.url = `redis://127.0.0.1:${port}`;
    this.#child = child;
    this.#directory = directory;
    this.#client = this.connect();
  }

  static async start(server: string, fsync: Fsync): Promise<BenchRedis> {
    const directory = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
    const port = await freePort();
    const child = Child.start({
      name: 'redis-server',
      command: server,
      args: [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', fsync],
      ],
    });
    await child.line(/Ready to accept connections/, 10_000);
    return new BenchRedis(child, directory, port);
  }

  /** A connection of the caller's own; the caller closes it. */
  connect(): Redis {
    // A server that died stays dead; whoever asks is to hear of it.
    return new Redis(this.url, { retryStrategy: () => null });
  }

  async empty(): Promise<void> {
    await this.#client.flushall();
    await this.#client.call('MEMORY', 'PURGE');
  }

  async figures(): Promise<RedisFigures> {
    const info = await this.#client.info('everything');
    return parseInfo(info);
  }

  async version(): Promise<string> {
    const info = await this.#client.info('server');
    return /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'unknown';
  }

  async stop(): Promise<void> {
    this.#client.disconnect();
    await this.#child.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** The parts of `INFO everything` that are reported. */
export function parseInfo(info: string): RedisFigures {
  const value = (name: string) => Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(info)?.[1] ?? Number.NaN);
  const calls = [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
    // The benchmark's own questions are not anybody's work.
    .filter(([, name]) => !/^(info|memory\|.*|flushall|monitor)$/.test(name ?? ''))
    // A script's commands are counted one by one, and the call that ran it as one more.
    .map(([, , count]) => Number(count));
  return {
    commands: calls.reduce((total, count) => total + count, 0),
    cpuMs: (value('used_cpu_user') + value('used_cpu_sys')) * 1000,
    usedBytes: value('used_memory'),
    rssBytes: value('used_memory_rss'),
  };
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string')
    throw new Error('no port was given for a TCP listener');
  return address.port;
}
