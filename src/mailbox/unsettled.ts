/**
 * What of somebody's nobody has dealt with yet, and what therefore outlives them being erased: messages in line, calls
 * that wait until they may be told, letters.
 *
 * A message is its author's. Everything else is the gateway's word, which may be for somebody, or quote them: it is
 * theirs where it says so by an id of theirs, wherever that stands in it, and where it calls them by name. What they
 * were called is not known any more once they are erased: what a name tells of is found by its own id then, and so is
 * what repeats it, whose id ends in that one, as `undeliverable:asked:1` does.
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
  /** Items that wait to be handled or sent, for a conversation to be handed back, or until somebody may be disturbed. */
  readonly waiting: number;
  /** Ids of dead letters. */
  readonly letters: readonly string[];
}

export interface Found extends Open {
  /** Ids of items that a name of theirs tells of, each once, without those that were known before. */
  readonly named: readonly string[];
}

/** Who is looked for. */
export interface Sought {
  /** Every id they go by. */
  readonly people: readonly PersonId[];
  /** What they are, or were, called. */
  readonly names: readonly string[];
  /** Ids of items that were found by a name of theirs before. */
  readonly items: readonly string[];
}

/** What somebody said, and who they are. */
const Message = z.object({
  kind: z.literal('message'),
  requester: z.object({ person: z.string() }),
});

/** What somebody is to be told when they may be, as `Pager` of pager.ts keeps it. */
const Calls = z.object({ person: z.string(), waiting: z.array(z.looseObject({})) });

/** Whatever waits or is kept has one, of its own. */
const Item = z.object({ id: z.string() });

export class Unsettled {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly deadLetters: Pick<DeadLetters, 'all'>,
  ) {}

  async of(sought: Sought): Promise<Found> {
    const named = new Set<string>();
    const isTheirs = (item: string) => {
      const found = findIn(item, sought);
      if (found.kind === 'theirs' && found.named !== undefined) named.add(found.named);
      return found.kind === 'theirs';
    };
    let waiting = 0;
    for (const pattern of [this.keys.everyLane(), this.keys.everyHeldBack()])
      for (const key of await this.#keysLike(pattern)) {
        const items = await this.redis.lrange(key, 0, -1);
        waiting += items.filter(isTheirs).length;
      }
    for (const key of await this.#keysLike(this.keys.everyRecord('pgr')))
      waiting += callsIn(await this.redis.get(key)).filter(isTheirs).length;
    const letters: string[] = [];
    for await (const { id, item } of this.deadLetters.all()) if (isTheirs(item)) letters.push(id);
    return { waiting, letters, named: [...named].filter((id) => !sought.items.includes(id)) };
  }

  /** Each once. */
  async #keysLike(pattern: string): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for await (const page of scanKeys(this.redis, pattern)) for (const key of page) found.add(key);
    return found;
  }
}

/** `named`: its id, where a name of theirs tells of it, now or before; of what repeats it, their id may be left out. */
type Whose = { readonly kind: 'others' } | { readonly kind: 'theirs'; readonly named?: string | undefined };

function findIn(item: string, { people, names, items }: Sought): Whose {
  const read = parsed(item);
  const message = Message.safeParse(read);
  if (message.success) return { kind: isAmong(people, message.data.requester.person) ? 'theirs' : 'others' };
  const texts = textsIn(read);
  const calls = (called: readonly string[]) =>
    texts.some((text) => called.some((name) => holdsName(text, name)));
  const id = Item.safeParse(read).data?.id;
  if (isOneOf(items, id) || calls(names)) return { kind: 'theirs', named: id };
  // In sentences, a guest is called by their id as well.
  const isById = texts.some((text) => isAmong(people, text) || isAmong(people, guestOf(text)));
  return { kind: isById || calls(people.filter(isGuestId)) ? 'theirs' : 'others' };
}

/** Each as an item of its own, with whom it is for. */
function callsIn(record: string | null): string[] {
  if (record === null) return []; // told meanwhile
  const { person, waiting } = Calls.parse(parsed(record.slice(record.indexOf(' ') + 1)));
  return waiting.map((page) => JSON.stringify({ ...page, person }));
}

/** Also of what was made of one of them, and repeats it. */
function isOneOf(ids: readonly string[], id: string | undefined): boolean {
  return id !== undefined && ids.some((known) => id === known || id.endsWith(`:${known}`));
}

function isAmong(ids: readonly string[], id: string | undefined): boolean {
  return id !== undefined && ids.includes(id);
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
