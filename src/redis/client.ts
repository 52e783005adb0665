/**
 * Connections to Redis or Valkey: one server, or a cluster when several addresses are given.
 *
 * A command whose reply was lost is sent again after the reconnect, so every script must be harmless when run
 * twice; the headers of the scripts say how.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** Reconnects are tried at least this often, in milliseconds. */
const LONGEST_RECONNECT_PAUSE_MS = 1_000;
/** Each queue and each session hears of a new connection; more than these are none of ours, and Node says so. */
const MOST_LISTENERS = 64;

/**
 * @param url `redis://host:port/db`, `rediss://…`, `unix:///path/to.sock`, or several `redis://` addresses of one
 *   cluster separated by commas
 * @param name shown by `CLIENT LIST`
 */
export function createRedis(url: string, name: string): RedisClient {
  return connectionTo(url, name).setMaxListeners(MOST_LISTENERS);
}

function connectionTo(url: string, name: string): RedisClient {
  const options = {
    connectionName: name,
    lazyConnect: true,
    // Redis being away costs delay, never a message: a command waits for the reconnect instead of failing.
    maxRetriesPerRequest: null,
    autoResendUnfulfilledCommands: true,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), LONGEST_RECONNECT_PAUSE_MS),
  };
  const nodes = url.split(',').map((part) => part.trim());
  if (nodes.length > 1) {
    const { retryStrategy, ...redisOptions } = options;
    return new Cluster(nodes, {
      lazyConnect: true,
      clusterRetryStrategy: retryStrategy,
      // The same for a node that is away, or a cluster that is down without it: asked again, after a pause.
      maxRedirections: Number.POSITIVE_INFINITY,
      redisOptions: { ...redisOptions, ...accessOf(nodes[0]) },
    });
  }
  const socket = /^unix:\/\/(.+)$/.exec(url);
  if (socket?.[1] !== undefined) return new Redis({ ...options, path: socket[1] });
  return new Redis(url, options);
}

/** Nodes of a cluster that are found later are reached as the first one is: with its user and password, and over TLS. */
function accessOf(node = ''): Pick<RedisOptions, 'tls' | 'username' | 'password'> {
  const { protocol, username, password } = new URL(node);
  return {
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}

/** A second connection with the same target, for commands that block. */
export function duplicateRedis(redis: RedisClient, name: string): RedisClient {
  if (redis instanceof Cluster) return redis.duplicate([], { redisOptions: { connectionName: name } });
  return redis.duplicate({ connectionName: name });
}

/** Hears of every new connection to a server: replies to what was sent before may be lost. */
export function onConnection(redis: RedisClient, listener: () => void): void {
  redis.on('ready', listener);
  // A cluster stays ready while one of its nodes goes and comes back.
  if (isCluster(redis)) redis.on('+node', listener);
}

export function isCluster(redis: RedisClient): redis is Cluster {
  return redis instanceof Cluster;
}
