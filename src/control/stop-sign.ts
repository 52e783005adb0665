/**
 * Somebody wants the agent to stop in a conversation, whichever process its turn runs in.
 *
 * Invariants
 *   1. It ends what was asked for before it: the turn that runs, and what waits in line behind that. What is said later
 *      is handled as ever.
 *   2. Of somebody who may not operate it ends what they asked for themselves.
 */
import { z } from 'zod';
import { type ConversationId, PersonId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { ask, type Query } from '../redis/query.ts';

const LOOK_EVERY_MS = 300;

/** As long as anything can have waited in line since it was asked for. */
const KEEP_MS = 24 * 60 * 60_000;

const Stop = z.object({
  /** Of the gesture; another one is another stop. */
  id: z.string(),
  atMs: z.int(),
  by: z.object({ person: PersonId, name: z.string() }),
  /** Whoever asked for it; else what this person asked for. */
  everybodys: z.boolean(),
});
export type Stop = z.infer<typeof Stop>;

/** One that cannot be read stops nothing. */
const StoredStops = z.array(z.string()).transform((stops) => stops.flatMap(readStop));

export class StopSign {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  async raise(conversationId: ConversationId, stop: Stop): Promise<void> {
    const key = this.keys.stops(conversationId);
    await this.redis.multi().hset(key, stop.by.person, JSON.stringify(stop)).pexpire(key, KEEP_MS).exec();
  }

  /** The last of each person. */
  async of(conversationId: ConversationId): Promise<readonly Stop[]> {
    return ask(this.redis, this.query(conversationId));
  }

  query(conversationId: ConversationId): Query<Stop[]> {
    return {
      command: ['hvals', this.keys.stops(conversationId)],
      read: (stops) => StoredStops.parse(stops),
    };
  }

  /** Whether anything is handled there now, or waits to be. */
  async isBusy(conversationId: ConversationId): Promise<boolean> {
    return (await this.redis.llen(this.keys.items(partitionOf(conversationId), 'm', conversationId))) > 0;
  }
}

/** What a stop would end. */
export interface Stoppable {
  readonly conversationId: ConversationId;
  readonly person: PersonId;
  /** When it was asked for, in ms; undefined: by itself, with the turn. */
  readonly askedMs: number | undefined;
}

/** Ends one turn when somebody wants it to stop; looks again and again, for the reasons `TurnWatch` does. */
export class TurnStop {
  readonly #stopped = new AbortController();
  /** Known when it began. */
  #before: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #stop: Stop | undefined;

  constructor(
    private readonly sign: Pick<StopSign, 'of'>,
    private readonly turn: Stoppable,
  ) {}

  /** Aborts when the turn is to end. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Who wanted it; undefined as long as nobody has. */
  get by(): Stop['by'] | undefined {
    return this.#stop?.by;
  }

  /**
   * @param stops as they were read for it
   * @param agoMs when that was; older than a look, they are looked at again at once
   */
  start(stops: readonly Stop[], agoMs: number): void {
    this.#before = new Set(stops.map(({ id }) => id));
    this.#judge(stops, Math.max(0, LOOK_EVERY_MS - agoMs));
  }

  /** Safe to call twice. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    // A store that is away stops nothing.
    const stops = await this.sign.of(this.turn.conversationId).catch(() => []);
    if (!this.#isOver) this.#judge(stops, LOOK_EVERY_MS);
  }

  /** @param pauseMs until they are looked at again */
  #judge(stops: readonly Stop[], pauseMs: number): void {
    this.#stop = stops.find((stop) => this.#ends(stop));
    if (this.#stop) this.#stopped.abort();
    else this.#timer = setTimeout(() => void this.#look(), pauseMs);
  }

  #ends({ id, atMs, by, everybodys }: Stop): boolean {
    const { person, askedMs } = this.turn;
    if (!everybodys && by.person !== person) return false;
    return !this.#before.has(id) || (askedMs !== undefined && askedMs <= atMs);
  }
}

function readStop(json: string): Stop[] {
  try {
    return [Stop.parse(JSON.parse(json))];
  } catch {
    return [];
  }
}
