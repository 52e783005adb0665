/** What is kept of the self-audit: which process does it, since when it can prove what, and what the last look found. */
import { z } from 'zod';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';

const holdScript = loadScript('hold', import.meta.url);

export const LookRecord = z.object({
  atMs: z.int(),
  tookMs: z.int(),
  approvals: z.int(),
  lanes: z.int(),
  /** How many of each kind; empty when all was in order. */
  found: z.record(z.string(), z.int()),
  /** Of those found, how many were put right. */
  mended: z.int(),
  heartbeat: z.enum(['sent', 'failed', 'withheld', 'off']),
});
export type LookRecord = z.infer<typeof LookRecord>;

export class WatchdogRecord {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** Whether this process is the one that audits, for so long from now. */
  async hold(process: string, forMs: number): Promise<boolean> {
    return (await runScript(this.redis, holdScript, [this.keys.auditor()], [process, forMs])) === 1;
  }

  /** Leaves the post to another process. */
  async leave(process: string): Promise<void> {
    await this.hold(process, 0);
  }

  /** Whether notes are taken of what conversations handled; what was settled before can have none. */
  async isBegun(): Promise<boolean> {
    return (await this.redis.hexists(this.keys.watchdog(), 'begun')) === 1;
  }

  async begin(atMs: number): Promise<void> {
    await this.redis.hset(this.keys.watchdog(), 'begun', atMs);
  }

  async write(look: LookRecord): Promise<void> {
    await this.redis.hset(this.keys.watchdog(), 'last', JSON.stringify(look));
    for (const [kind, count] of Object.entries(look.found)) {
      await this.redis.hincrby(this.keys.watchdog(), `found:${kind}`, count);
    }
    if (look.mended > 0) await this.redis.hincrby(this.keys.watchdog(), 'mended', look.mended);
  }

  /** The last look, and how much was put right since the beginning; undefined before the first. */
  async last(): Promise<{ readonly look: LookRecord; readonly mendedEver: number } | undefined> {
    const [last, mended] = await this.redis.hmget(this.keys.watchdog(), 'last', 'mended');
    if (last === null || last === undefined) return undefined;
    const look = LookRecord.safeParse(JSON.parse(last));
    return look.success ? { look: look.data, mendedEver: Number(mended ?? 0) } : undefined;
  }
}
