/** Since when the language model could not be reached, by what any process of ours has seen. */
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import { readTimed } from '../redis/record-store.ts';

/** So long after the next try is due, nobody waits for the model any more, in ms: whatever comes then is another outage. */
const FORGET_MS = 5 * 60_000;

export class ModelOutage {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /**
   * It could not be reached just now.
   *
   * @param pauseMs until it is tried again
   * @returns since when that has been so, and for how long, by the store's time, in ms
   */
  async note(pauseMs: number): Promise<{ sinceMs: number; forMs: number }> {
    const key = this.keys.modelAway();
    const { document, nowMs } = await readTimed(this.redis, key, this.keys.partition(0));
    const sinceMs = Number(document ?? nowMs);
    await this.redis.set(key, sinceMs, 'PX', Math.ceil(pauseMs) + FORGET_MS);
    return { sinceMs, forMs: Math.max(0, nowMs - sinceMs) };
  }

  /** It answered. Resolves with whether it had been away. */
  async end(): Promise<boolean> {
    return (await this.redis.del(this.keys.modelAway())) > 0;
  }
}
