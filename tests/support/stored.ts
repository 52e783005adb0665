/** Everything that lies in a store, whoever put it there, as text: to look for what should not be there. */
import type { RedisClient } from '../../src/redis/client.ts';
import type { Keys } from '../../src/redis/keys.ts';

/** One for each key: its name, and all it holds. */
export async function everything(redis: RedisClient, { prefix }: Pick<Keys, 'prefix'>): Promise<string[]> {
  const names = await redis.keys(`${prefix}*`);
  return Promise.all(names.map(async (key) => `${key} ${JSON.stringify(await contentOf(redis, key))}`));
}

async function contentOf(redis: RedisClient, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'hash':
      return redis.hgetall(key);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, 0, '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    case 'none':
      return undefined; // gone meanwhile
    default:
      throw new Error(`${key} is a ${type}, which nobody looks into`);
  }
}
