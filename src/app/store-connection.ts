/** The connection everything is kept through, which says once that it is lost, and once that it is back. */
import type { Logger } from '../observability/logger.ts';
import { createRedis, type RedisClient } from '../redis/client.ts';

export async function connectStore(url: string, log: Logger): Promise<RedisClient> {
  const redis = createRedis(url, 'signalbox');
  let away = false;
  redis.on('error', (error: unknown) => {
    if (!away)
      log.error({ err: error }, 'the connection to Redis is lost; everything waits until it is back');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info({}, 'the connection to Redis is back');
    away = false;
  });
  await redis.connect();
  return redis;
}
