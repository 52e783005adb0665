/**
 * Tells those who wait for an approval that it has changed, in whatever process they wait.
 *
 * A bell that is lost delays an answer, and loses none: everybody who waits looks again by themselves.
 */
import type { ApprovalId } from '../domain/ids.ts';
import { duplicateRedis, type RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';

/** Longest time between two looks without a bell, in ms. */
const LOOK_AGAIN_MS = 1_000;

export interface Ringing {
  /** Resolves when it may have changed, when it is time to look again, and when the signal aborts. */
  readonly rung: Promise<void>;
  silence(): void;
}

export class ApprovalBell {
  readonly name = 'api-bell';
  readonly #waiting = new Map<string, Set<() => void>>();
  #bells: RedisClient | undefined;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly lookAgainMs = LOOK_AGAIN_MS,
  ) {}

  async start(): Promise<void> {
    if (this.#bells) return;
    const bells = duplicateRedis(this.redis, 'signalbox-api');
    this.#bells = bells;
    bells.on('error', () => undefined); // said by the main connection
    bells.on('message', (_channel: string, id: string) => this.#wake(id));
    await bells.subscribe(this.keys.apiBell());
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#bells?.disconnect();
    this.#bells = undefined;
  }

  async ring(id: ApprovalId): Promise<void> {
    await this.redis.publish(this.keys.apiBell(), id);
  }

  /** To be called before one looks, so that nothing falls between the two. */
  listen(id: ApprovalId, signal: AbortSignal): Ringing {
    let ring = () => {};
    const rung = new Promise<void>((resolve) => {
      ring = resolve;
    });
    if (signal.aborted) ring();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(ring));
    const timer = setTimeout(ring, this.lookAgainMs);
    signal.addEventListener('abort', ring);
    const silence = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', ring);
      waiting.delete(ring);
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
    };
    return { rung, silence };
  }

  #wake(id: string): void {
    for (const ring of this.#waiting.get(id) ?? []) ring();
  }
}
