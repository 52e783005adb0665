/**
 * The server a command keeps its data on: the one of REDIS_URL, or one of our own, which is shared with whoever
 * runs it already and ends with the last of us.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisSettings } from '../config/settings.ts';
import { StartupError } from '../domain/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { RedisClient } from '../redis/client.ts';
import { connectionNames } from '../redis/connections.ts';
import { startEmbeddedRedis } from '../redis/embedded.ts';
import type { Keys } from '../redis/keys.ts';
import { openPlatforms, workerPoolName } from '../services/pool-names.ts';

/** Longest wait for the first answer of a server that is not ours, in ms. */
const FIRST_ANSWER_MS = 5_000;

export interface StoreServer {
  readonly url: string;
  /** `given`: the server of REDIS_URL. `started`: ours, and nobody used it before us. `shared`: ours, in use. */
  readonly kind: 'given' | 'started' | 'shared';
  /** Lets go; a server of ours ends if nobody else uses it. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * @param isKnown whether there has to be one: who only reads makes none, and takes an empty one for nobody's
 * @throws {StartupError} when nothing answers, or none can be started
 */
export async function openStoreServer(
  settings: RedisSettings,
  log: Logger,
  isKnown = false,
): Promise<StoreServer> {
  const { url, data_directory: dataDir, fsync } = settings;
  if (url === undefined) {
    if (isKnown && !existsSync(join(dataDir, 'redis'))) throw noStore(dataDir);
    const server = await startEmbeddedRedis({ dataDir, fsync, log });
    return { url: server.url, kind: server.adopted ? 'shared' : 'started', stop: () => server.stop() };
  }
  await expectAnswer(url);
  return { url, kind: 'given', stop: async () => undefined };
}

function noStore(dataDir: string): StartupError {
  return new StartupError(
    `there is no store at ${resolve(dataDir, 'redis')}: no gateway was ever started from this folder`,
    'run this in the folder the gateway was started from, or say where its store is: redis.data_directory in settings.yaml as a whole path, or REDIS_URL',
  );
}

/** Whether some process works on conversations of this installation now. */
export async function isGatewayRunning(redis: RedisClient, keys: Keys): Promise<boolean> {
  return (await connectionNames(redis)).has(`signalbox-${workerPoolName(keys)}`);
}

/** Platforms that some process sends to now. */
export async function platformsOpen(redis: RedisClient, keys: Keys): Promise<string[]> {
  return openPlatforms(await connectionNames(redis), keys);
}

/** The address without user and password. */
export function shownAddress(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

async function expectAnswer(url: string): Promise<void> {
  const [first = url] = url.split(',');
  const socket = /^unix:\/\/(.+)$/.exec(first)?.[1];
  const options = {
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    connectTimeout: FIRST_ANSWER_MS,
    commandTimeout: FIRST_ANSWER_MS,
  };
  const probe = socket === undefined ? new Redis(first, options) : new Redis({ ...options, path: socket });
  let problem: unknown;
  let wasTaken = false;
  probe.once('connect', () => {
    wasTaken = true;
  });
  probe.on('error', (error: unknown) => {
    problem ??= error; // what follows is only that the connection is gone
  });
  try {
    await probe.connect();
    await probe.ping();
  } catch (error) {
    throw noAnswer(url, problem ?? error, wasTaken);
  } finally {
    probe.disconnect();
  }
}

/** @param wasTaken whether somebody took the connection */
function noAnswer(url: string, cause: unknown, wasTaken: boolean): StartupError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (wasTaken && /RESP|Protocol error|EPIPE|ECONNRESET|closed/.test(reason)) {
    return new StartupError(
      `what answers at ${shownAddress(url)} is no Redis, or one that wants TLS`,
      'correct REDIS_URL: the port may belong to another program, and a server with TLS is written rediss://; or leave REDIS_URL empty to have a Redis started for you',
      { cause },
    );
  }
  const remedy = /NOAUTH|WRONGPASS/.test(reason)
    ? 'put user and password into REDIS_URL: redis://user:password@host:port'
    : 'start that server, correct REDIS_URL, or leave REDIS_URL empty to have one started for you';
  return new StartupError(`the Redis at ${shownAddress(url)} does not answer: ${reason}`, remedy, { cause });
}
