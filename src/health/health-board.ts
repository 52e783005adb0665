/**
 * How the services outside stand, as the processes that call them see it: written down for whoever looks from another
 * process.
 *
 * Invariant: what a process that has ended wrote is not shown for long: each line is renewed while its process lives.
 */
import { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import type { Breakers, Health } from './breakers.ts';

const RENEW_MS = 20_000;
/** A line that was not renewed for so long is of a process that has ended. */
const STALE_MS = 3 * RENEW_MS;

const Line = z.object({
  name: z.string(),
  state: z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']),
  sinceMs: z.number(),
  reason: z.string().optional(),
  /** When it was written, in ms since the epoch. */
  atMs: z.number(),
});

/** One service, as one process sees it. */
export type ShownHealth = Health & { readonly process: string };

export class HealthBoard {
  readonly name = 'health-board';
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly breakers: Breakers,
    /** Unlike that of every other process. */
    private readonly process: string,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  async start(): Promise<void> {
    this.breakers.onChange((health) => void this.#write([health]));
    this.#timer = setInterval(() => void this.#write(this.breakers.health()), RENEW_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    const fields = this.breakers.health().map(({ name }) => this.#field(name));
    if (fields.length > 0) await this.redis.hdel(this.keys.health(), ...fields);
  }

  async #write(lines: readonly Health[]): Promise<void> {
    if (lines.length === 0) return;
    const atMs = this.clock.now();
    const fields = lines.flatMap((line) => [this.#field(line.name), JSON.stringify({ ...line, atMs })]);
    try {
      await this.redis.hset(this.keys.health(), ...fields);
      await this.redis.pexpire(this.keys.health(), STALE_MS);
    } catch (error) {
      this.log.warn({ err: error }, 'how the services stand could not be written down');
    }
  }

  #field(service: string): string {
    return `${this.process}/${service}`;
  }
}

/** What the processes that run now have written. */
export async function readHealth(redis: RedisClient, keys: Keys, nowMs: number): Promise<ShownHealth[]> {
  const fields = await redis.hgetall(keys.health());
  return Object.entries(fields).flatMap(([field, json]): ShownHealth[] => {
    const line = Line.safeParse(JSON.parse(json)).data;
    if (!line || nowMs - line.atMs > STALE_MS) return [];
    const { atMs: _, reason, ...health } = line;
    const process = field.slice(0, field.indexOf('/'));
    return [{ ...health, process, ...(reason === undefined ? {} : { reason }) }];
  });
}
