/**
 * What clients have asked, newest first, so that it can be listed.
 *
 * An entry is made before its approval, which may then never come to be, and outlives it; so an entry is a hint, and
 * whoever reads looks at the approval itself. Entries that lead nowhere are cleared away when something new is asked.
 */
import { ApprovalId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';

/** Entries looked at for being out of date whenever one is added: more than come in, so they get fewer. */
const SWEPT_AT_ONCE = 3;
/** An entry older than this is of an approval that was opened, or never will be. */
const SURELY_OPENED_MS = 60 * 60 * 1_000;

export interface Asked {
  readonly id: ApprovalId;
  /** To go on from behind this one. */
  readonly cursor: string;
}

export class AskedIndex {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** Doing it again changes nothing. */
  async add(client: string, id: ApprovalId, atMs: number): Promise<void> {
    await Promise.all(
      [this.keys.apiIndex(client), this.keys.apiIndex()].map((index) =>
        this.redis.zadd(index, 'NX', atMs, id),
      ),
    );
    await this.#sweep(client, atMs - SURELY_OPENED_MS);
  }

  /** @param after the `cursor` of an earlier one; one that cannot be read begins at the newest */
  async list(client: string | undefined, after: string | undefined, most: number): Promise<Asked[]> {
    const index = this.keys.apiIndex(client);
    const from = after === undefined ? 0 : await this.#placeAfter(index, after);
    const found = await this.redis.zrevrange(index, from, from + most - 1, 'WITHSCORES');
    const asked: Asked[] = [];
    for (let i = 0; i + 1 < found.length; i += 2) {
      asked.push({ id: ApprovalId.parse(found[i]), cursor: `${found[i + 1]}.${found[i]}` });
    }
    return asked;
  }

  /** Also when the entry itself has been cleared away since. */
  async #placeAfter(index: string, cursor: string): Promise<number> {
    const [, atMs, id = ''] = /^(\d{1,16})\.(.+)$/.exec(cursor) ?? [];
    if (atMs === undefined) return 0;
    const place = await this.redis.zrevrank(index, id);
    return place === null ? this.redis.zcount(index, `(${atMs}`, '+inf') : place + 1;
  }

  async #sweep(client: string, beforeMs: number): Promise<void> {
    const index = this.keys.apiIndex(client);
    const oldest = await this.redis.zrangebyscore(index, '-inf', beforeMs, 'LIMIT', 0, SWEPT_AT_ONCE);
    for (const text of oldest) {
      const id = ApprovalId.parse(text);
      if ((await this.redis.exists(this.keys.approval(id))) === 1) continue;
      await this.redis.zrem(index, id);
      await this.redis.zrem(this.keys.apiIndex(), id);
    }
  }
}
