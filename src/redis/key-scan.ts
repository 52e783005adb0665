/** Walks through the keys of a store, a page at a time, without holding up anybody else. */
import { isCluster, type RedisClient } from './client.ts';

/** Keys the server looks at in one step: a fraction of a millisecond. */
const PAGE = 1_000;

/**
 * Every key that fits the pattern and is there from beginning to end; others perhaps. A key may come twice. Pages may
 * be empty.
 */
export async function* scanKeys(redis: RedisClient, pattern: string): AsyncGenerator<string[]> {
  for (const node of isCluster(redis) ? redis.nodes('master') : [redis]) {
    let cursor = '0';
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', PAGE);
      yield keys;
      cursor = next;
    } while (cursor !== '0');
  }
}
