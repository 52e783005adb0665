/**
 * What of somebody's nobody has dealt with yet, and what therefore outlives them being erased: messages in line, letters.
 *
 * A message is its author's. Everything else is the gateway's word, which may be for somebody, or quote them: it is
 * theirs where it says so by an id of theirs, wherever that stands in it, and where it calls them by name.
 */
import { z } from 'zod';
import { AccountId, type PersonId } from '../domain/ids.ts';
import { guestIdOf, isGuestId } from '../domain/person.ts';
import { holdsName } from '../domain/phrase.ts';
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

/** Who is looked for. */
export interface Sought {
  /** Every id they go by. */
  readonly people: readonly PersonId[];
  /** What they are, or were, called. */
  readonly names: readonly string[];
}

/** What somebody said, and who they are. */
const Message = z.object({
  kind: z.literal('message'),
  requester: z.object({ person: z.string() }),
});

export class Unsettled {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly deadLetters: Pick<DeadLetters, 'all'>,
  ) {}

  async of(sought: Sought): Promise<Open> {
    let waiting = 0;
    for (const pattern of [this.keys.everyLane(), this.keys.everyHeldBack()])
      for (const key of await this.#keysLike(pattern)) {
        const items = await this.redis.lrange(key, 0, -1);
        waiting += items.filter((item) => isOf(item, sought)).length;
      }
    const letters: string[] = [];
    for await (const { id, item } of this.deadLetters.all()) if (isOf(item, sought)) letters.push(id);
    return { waiting, letters };
  }

  /** Each once. */
  async #keysLike(pattern: string): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for await (const page of scanKeys(this.redis, pattern)) for (const key of page) found.add(key);
    return found;
  }
}

function isOf(item: string, { people, names }: Sought): boolean {
  const read = parsed(item);
  const message = Message.safeParse(read);
  if (message.success) return people.some((person) => person === message.data.requester.person);
  // In sentences, a guest is called by their id as well.
  const called = [...names, ...people.filter(isGuestId)];
  return textsIn(read).some(
    (text) =>
      people.some((person) => person === text || person === guestOf(text)) ||
      called.some((name) => holdsName(text, name)),
  );
}

/** Where it is an account. */
function guestOf(text: string): PersonId | undefined {
  const account = AccountId.safeParse(text);
  return account.success ? guestIdOf(account.data) : undefined;
}

/** Wherever they stand in it. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
