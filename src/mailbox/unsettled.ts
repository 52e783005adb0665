/** What of somebody's nobody has dealt with yet, and what therefore outlives them being erased: messages in line, letters. */
import { z } from 'zod';
import type { PersonId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import { scanKeys } from '../redis/key-scan.ts';
import type { Keys } from '../redis/keys.ts';
import type { DeadLetters } from './dead-letters.ts';

export interface Open {
  /** Items that wait to be handled or sent, or for a conversation to be handed back. */
  readonly waiting: number;
  /** Ids of dead letters. */
  readonly letters: readonly string[];
}

/** By whom an item of any queue is, or for whom: it says so in one of these ways, or names nobody. */
const Named = z.object({
  requester: z.union([z.string(), z.object({ person: z.string() })]).optional(),
  by: z.object({ person: z.string() }).optional(),
});

export class Unsettled {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly deadLetters: Pick<DeadLetters, 'all'>,
  ) {}

  /** @param people every id somebody goes by */
  async of(people: readonly PersonId[]): Promise<Open> {
    let waiting = 0;
    for (const pattern of [this.keys.everyLane(), this.keys.everyHeldBack()])
      for (const key of await this.#keysLike(pattern)) {
        const items = await this.redis.lrange(key, 0, -1);
        waiting += items.filter((item) => isOf(item, people)).length;
      }
    const letters: string[] = [];
    for await (const { id, item } of this.deadLetters.all()) if (isOf(item, people)) letters.push(id);
    return { waiting, letters };
  }

  /** Each once. */
  async #keysLike(pattern: string): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for await (const page of scanKeys(this.redis, pattern)) for (const key of page) found.add(key);
    return found;
  }
}

function isOf(item: string, people: readonly PersonId[]): boolean {
  const { requester, by } = Named.safeParse(parsed(item)).data ?? {};
  const named = [typeof requester === 'object' ? requester.person : requester, by?.person];
  return people.some((person) => named.includes(person));
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
