/** Who is connected to the server: processes tell each other by the names of their connections what they are at. */
import { isCluster, type RedisClient } from './client.ts';

/** Names of all connections, whoever's they are; none where the server does not tell. */
export async function connectionNames(redis: RedisClient): Promise<ReadonlySet<string>> {
  const nodes = isCluster(redis) ? redis.nodes('master') : [redis];
  const lists = await Promise.all(nodes.map((node) => node.client('LIST').catch(() => '')));
  const names = lists.flatMap((list) =>
    [...String(list).matchAll(/ name=(\S+)/g)].map(([, name]) => name ?? ''),
  );
  return new Set(names);
}
