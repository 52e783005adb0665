/**
 * What waits for clients that come and go, kept in Redis.
 *
 * Owns      the order and positions of each client's events, how many are kept, who is told of new ones, and that
 *           they are forgotten.
 * Not here  what an event says (the gateway that appends it).
 *
 * Invariants
 *   1. An idempotency key is appended once; a repetition finds its position.
 *   2. Positions of a client are 1, 2, 3, … without gaps, so a reader knows whether it missed something.
 *   3. Events that are forgotten take no position with them: the next one comes after the last there was.
 *   4. A bell that is lost delays an event, and loses none: everybody who waits looks again by themselves.
 */
import type { ClientEvent, ClientEvents, ClientLog } from '../domain/gateway.ts';
import { duplicateRedis, type RedisClient } from '../redis/client.ts';
import { scanKeys } from '../redis/key-scan.ts';
import type { Keys } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';

const appendScript = loadScript('append-event', import.meta.url);
const eraseScript = loadScript('erase-events', import.meta.url);

export interface ClientLogBounds {
  /** Of one client. */
  readonly events: number;
  /** Of one client. */
  readonly bytes: number;
  /** Longer than a message waits in an outbox, which is a day. */
  readonly rememberMs: number;
  /** Longest wait for a bell. */
  readonly lookAgainMs: number;
}

const BOUNDS: ClientLogBounds = {
  events: 10_000,
  bytes: 32 * 1_024 * 1_024,
  rememberMs: 48 * 60 * 60 * 1_000,
  lookAgainMs: 1_000,
};

export class RedisClientLog implements ClientLog {
  readonly name = 'client-log';
  readonly #bounds: ClientLogBounds;
  /** Who waits, by client. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #bells: RedisClient | undefined;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    bounds: Partial<ClientLogBounds> = {},
  ) {
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  /** Listens for bells. Without it, `changed` looks again and again. */
  async start(): Promise<void> {
    if (this.#bells) return;
    const bells = duplicateRedis(this.redis, 'signalbox-clients');
    this.#bells = bells;
    bells.on('error', () => undefined); // said by the main connection
    bells.on('message', (_channel: string, client: string) => this.#wake(client));
    await bells.subscribe(this.keys.clientBell());
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#bells?.disconnect();
    this.#bells = undefined;
  }

  async append(client: string, key: string, event: string): Promise<number> {
    const { events, bytes, rememberMs } = this.#bounds;
    const position = await runScript(
      this.redis,
      appendScript,
      [
        this.keys.clientEvents(client),
        this.keys.clientCounters(client),
        this.keys.clientAppended(client, key),
      ],
      [event, rememberMs, events, bytes, client, this.keys.clientBell()],
    );
    return Number(position);
  }

  async read(client: string, after: number, most: number): Promise<ClientEvents> {
    // Before the events: what is appended between the two is no event that is gone.
    const last = await this.#last(client);
    const events = await this.#range(client, after, most);
    const first = events[0];
    if (first) return { events, missed: first.position > after + 1, next: nextOf(events, after) };
    if (last >= after) return { events, missed: last > after, next: last };
    // The position is of a log that is gone: what there is now comes after it.
    const anew = await this.#range(client, 0, most);
    return { events: anew, missed: true, next: nextOf(anew, 0) };
  }

  async changed(client: string, after: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Listening before looking, so that nothing falls between the two.
      const bell = this.#bell(client, signal);
      try {
        if ((await this.#last(client)) !== after) return;
        await bell.rung;
      } finally {
        bell.silence();
      }
    }
  }

  /** Everybody something was ever kept for; one may come twice. */
  async *clients(): AsyncGenerator<string> {
    for await (const page of scanKeys(this.redis, this.keys.everyClientCounters())) {
      for (const key of page) yield key.slice(key.indexOf('}:cl:') + '}:cl:'.length, -':n'.length);
    }
  }

  /** How many events there are. */
  async kept(client: string): Promise<number> {
    return this.redis.xlen(this.keys.clientEvents(client));
  }

  /** Forgets them all, read or not; resolves with how many there were. */
  async erase(client: string): Promise<number> {
    const keys = [this.keys.clientEvents(client), this.keys.clientCounters(client)];
    return Number(await runScript(this.redis, eraseScript, keys, []));
  }

  async #range(client: string, after: number, most: number): Promise<ClientEvent[]> {
    const entries = await this.redis.xrange(
      this.keys.clientEvents(client),
      `${after + 1}-0`,
      '+',
      'COUNT',
      most,
    );
    return entries.map(([id, [, event = '']]) => ({ position: Number.parseInt(id, 10), event }));
  }

  async #last(client: string): Promise<number> {
    return Number((await this.redis.hget(this.keys.clientCounters(client), 'last')) ?? 0);
  }

  /** Rings when there may be something new, when it is time to look again, and when the signal aborts. */
  #bell(client: string, signal: AbortSignal): { readonly rung: Promise<void>; silence(): void } {
    let ring = () => {};
    const rung = new Promise<void>((resolve) => {
      ring = resolve;
    });
    const waiting = this.#waiting.get(client) ?? new Set();
    this.#waiting.set(client, waiting.add(ring));
    const timer = setTimeout(ring, this.#bounds.lookAgainMs);
    signal.addEventListener('abort', ring);
    const silence = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', ring);
      waiting.delete(ring);
      if (waiting.size === 0 && this.#waiting.get(client) === waiting) this.#waiting.delete(client);
    };
    return { rung, silence };
  }

  #wake(client: string): void {
    for (const ring of this.#waiting.get(client) ?? []) ring();
  }
}

function nextOf(events: readonly ClientEvent[], after: number): number {
  return events.at(-1)?.position ?? after;
}
