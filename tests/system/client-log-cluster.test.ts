/** The log of a client on a Redis Cluster: its keys share a slot, and its bell is heard on whichever node one listens. */
import { expect, it, onTestFinished } from 'vitest';
import { RedisClientLog } from '../../src/delivery/client-log.ts';
import { createRedis } from '../../src/redis/client.ts';
import { Keys, partitionOf } from '../../src/redis/keys.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';

it('keeps and wakes on a Redis Cluster, whichever node a client is on', async () => {
  const cluster = await startRedisCluster();
  onTestFinished(() => cluster.stop());
  const openLog = async (): Promise<RedisClientLog> => {
    const redis = createRedis(cluster.url, 'client-log-test');
    redis.on('error', () => undefined);
    await redis.connect();
    onTestFinished(() => redis.disconnect());
    // Only a bell wakes who waits.
    const log = new RedisClientLog(redis, new Keys('t:'), { events: 2, lookAgainMs: 3_600_000 });
    await log.start();
    onTestFinished(() => log.stop());
    return log;
  };
  const [reader, writer] = [await openLog(), await openLog()];
  const clients = Array.from({ length: 40 }, (_, n) => `client-${n}`);
  expect(new Set(clients.map(partitionOf)).size).toBeGreaterThan(10);

  for (const client of clients) {
    const changed = reader.changed(client, 0, new AbortController().signal);
    for (const key of ['one', 'one', 'two', 'three']) await writer.append(client, key, key);
    await changed;
    expect(await reader.read(client, 0, 10)).toEqual({
      events: [
        { position: 2, event: 'two' },
        { position: 3, event: 'three' },
      ],
      missed: true,
      next: 3,
    });
  }
}, 60_000);
