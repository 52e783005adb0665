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
    const stops = await this.redis.hvals(this.keys.stops(conversationId));
    return stops.map((json) => Stop.parse(JSON.parse(json)));
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
  #before: ReadonlySet<string> | undefined;
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

  /** Resolves once it is known whether it was stopped before it began. */
  async start(): Promise<void> {
    await this.#look();
  }

  /** Safe to call twice. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    // A store that is away stops nothing.
    const stops = await this.sign.of(this.turn.conversationId).catch(() => []);
    if (this.#isOver) return;
    this.#before ??= new Set(stops.map(({ id }) => id));
    this.#stop = stops.find((stop) => this.#ends(stop));
    if (this.#stop) this.#stopped.abort();
    else this.#timer = setTimeout(() => void this.#look(), LOOK_EVERY_MS);
  }

  #ends({ id, atMs, by, everybodys }: Stop): boolean {
    const { person, askedMs } = this.turn;
    if (!everybodys && by.person !== person) return false;
    return this.#before?.has(id) === false || (askedMs !== undefined && askedMs <= atMs);
  }
}
