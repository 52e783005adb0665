/** A real Redis for tests: one shared server per run, and servers of one's own to kill, pause and restart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { createLogger } from '../../src/observability/logger.ts';
import { startEmbeddedRedis } from '../../src/redis/embedded.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
  }
}

export interface TestRedis {
  readonly url: string;
  /** Unlike any other prefix, of this test run or another; ends with a colon. */
  readonly prefix: string;
}

/** The server all tests share. Stay below the prefix. */
export function testRedis(): TestRedis {
  return { url: inject('redisUrl'), prefix: `test:${crypto.randomUUID()}:` };
}

export interface OwnRedis {
  /** The same before and after a restart. */
  readonly url: string;
  /** Holds the data; the server's log is `redis/redis.log` in it. */
  readonly dataDir: string;
  /** Ends the server at once, as a crash would. What it had acknowledged stays on disk. */
  kill(): Promise<void>;
  /** Starts it again on the same data; resolves when it answers. */
  restart(): Promise<void>;
  /** The server keeps its connections and answers nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/** A server of the test's own; stop it in the end. Default `fsync`: `always`. */
export async function startRedis(options: { fsync?: 'always' | 'everysec' | 'no' } = {}): Promise<OwnRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-redis-'));
  const start = () => startEmbeddedRedis({ dataDir, log: silent, ...options });
  let server = await start();
  return {
    url: server.url,
    dataDir,
    pause: () => process.kill(server.pid(), 'SIGSTOP'),
    resume: () => process.kill(server.pid(), 'SIGCONT'),
    async kill() {
      process.kill(server.pid(), 'SIGKILL');
      await server.stop(); // at once, so that the dead server is not replaced
    },
    async restart() {
      await server.stop();
      server = await start();
    },
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const silent = createLogger({ level: 'silent' });
