/**
 * The append-only file of a server of ours: what was changed or deleted stands in it until it is written anew.
 *
 * A rewrite that began before something was deleted may still hold it, so that one is waited for, and another follows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisClient } from './client.ts';

/** Between two looks at a rewrite. */
const LOOK_AGAIN_MS = 20;

/**
 * Has the file written anew from what there is now; the former files are gone when it resolves.
 *
 * @returns false when the server could not, or the signal aborted; then a rewrite may still be under way
 */
export async function rewriteAppendOnlyFile(redis: RedisClient, signal: AbortSignal): Promise<boolean> {
  try {
    await rewritten(redis, signal);
    // Refused where the server has begun one by itself: that was after the look before, so it serves as well.
    await redis.bgrewriteaof().catch(() => undefined);
    return (await rewritten(redis, signal)).get('aof_last_bgrewrite_status') === 'ok';
  } catch {
    return false;
  }
}

/** What the server says of its files once no rewrite is under way. */
async function rewritten(redis: RedisClient, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  for (;;) {
    const facts = await persistence(redis);
    const isUnderWay = ['aof_rewrite_in_progress', 'aof_rewrite_scheduled'].some(
      (name) => facts.get(name) !== '0',
    );
    if (!isUnderWay) return facts;
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

async function persistence(redis: RedisClient): Promise<ReadonlyMap<string, string>> {
  const lines = String(await redis.info('persistence')).split('\r\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
