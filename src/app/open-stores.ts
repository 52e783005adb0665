/** What is kept, without anything that works on it: no gateway and no agent is loaded. */
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import { type BaseOptions, createBase } from './base.ts';
import { connectStore } from './store-connection.ts';
import { createStores, type Stores } from './stores.ts';

/** For commands that look at, or settle, what is stored. `close` lets go of the connection. */
export async function openStores(
  options: BaseOptions & { readonly redisUrl: string },
): Promise<Stores & { redis: RedisClient; keys: Keys; close(): void }> {
  const redis = await connectStore(options.redisUrl, options.log);
  const base = createBase(options, redis);
  const stores = createStores(base);
  await stores.links.now();
  return { ...stores, redis, keys: base.keys, close: () => redis.disconnect() };
}
