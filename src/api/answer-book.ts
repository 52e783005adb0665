/**
 * Which idempotency key stands for which words about an approval, and what they came to.
 *
 * Invariants
 *   1. A key is bound to one approval and one fingerprint: other words under it are told apart from a repetition.
 *   2. What was refused does not use a key up. A request that was broken off keeps it, for a repetition of the same.
 */
import { z } from 'zod';
import type { ApprovalId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import { type Keys, partitionOfApproval } from '../redis/keys.ts';

/** What a key stands for. */
export const Noted = z.object({
  fingerprint: z.string(),
  /** What it came to; absent as long as that is not known. */
  code: z.string().optional(),
});
export type Noted = z.infer<typeof Noted>;

/** Whose key it is, and what it is about. */
export interface Place {
  readonly client: string;
  readonly id: ApprovalId;
  readonly key: string;
}

export class AnswerBook {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    /** How long a key is remembered, in ms. */
    private readonly rememberMs: () => number,
  ) {}

  /** Binds the key, unless it is bound: resolves with what it stood for before, undefined when it was free. */
  async bind(place: Place, fingerprint: string): Promise<Noted | undefined> {
    const noted = JSON.stringify({ fingerprint } satisfies Noted);
    const before = await this.redis.set(this.#at(place), noted, 'PX', this.rememberMs(), 'NX', 'GET');
    return before === null ? undefined : Noted.parse(JSON.parse(before));
  }

  async settle(place: Place, noted: Required<Noted>): Promise<void> {
    await this.redis.set(this.#at(place), JSON.stringify(noted), 'PX', this.rememberMs());
  }

  async free(place: Place): Promise<void> {
    await this.redis.del(this.#at(place));
  }

  #at({ client, id, key }: Place): string {
    return this.keys.once(partitionOfApproval(id), `said:${client}:${id}:${key}`);
  }
}
