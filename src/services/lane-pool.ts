/**
 * Works through the lanes of one queue, many at a time, each lane's items one after the other.
 *
 * Lanes come in two ways: claimed from the ready lists when a bell rings, or handed over by the very step that put
 * their first item there (`offer`), which spares a round trip.
 *
 *   idle ──bell──▶ claim ──▶ handle an item ──▶ commit ──next item──▶ handle …
 *     ▲                          ▲                 └──────none──▶ idle
 *     └── looks everywhere once a second, in case a bell was lost
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Claim, KeyedQueue } from '../mailbox/keyed-queue.ts';
import type { Logger } from '../observability/logger.ts';
import { duplicateRedis, isCluster, type RedisClient } from '../redis/client.ts';
import { PARTITIONS } from '../redis/keys.ts';
import type { Service } from './service.ts';

/** Longest wait for a bell, in seconds; then every partition is looked at. */
const BELL_TIMEOUT_S = 1;
/** A cluster's bells cannot be waited for on one connection, so its partitions are looked at this often. */
const CLUSTER_POLL_MS = 100;
/** Items of one lane handled in a row before others get a turn. */
const BURST = 32;
/** Lanes taken by one claim at most, so that other processes get their share. */
const CLAIM_AT_ONCE = 8;

export interface LanePoolOptions {
  readonly name: string;
  readonly redis: RedisClient;
  readonly queue: KeyedQueue;
  /** Lanes worked on at the same time; read at every claim, so it can change while running. */
  readonly concurrency: () => number;
  /**
   * Handles the claim's item and commits it, or gives the lane up. Resolves with the claim on the lane's next item,
   * if it was asked for more. Must not throw; a throw is logged and the lane comes back when its lease ends.
   */
  readonly handle: (claim: Claim, mode: 'more' | 'yield') => Promise<Claim | undefined>;
  readonly log: Logger;
}

export class LanePool implements Service {
  readonly name: string;
  readonly #working = new Map<string, Promise<void>>();
  #bells: RedisClient | undefined;
  #loop: Promise<void> = Promise.resolve();
  #running = false;
  #roomMade: (() => void) | undefined;

  constructor(private readonly options: LanePoolOptions) {
    this.name = options.name;
  }

  async start(): Promise<void> {
    this.#running = true;
    this.#bells = duplicateRedis(this.options.redis, `signalbox-${this.name}`);
    this.#bells.on('error', () => undefined);
    this.#loop = this.#run(this.#bells);
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#bells?.disconnect();
    this.#roomMade?.();
    await this.#loop;
    await Promise.all(this.#working.values());
  }

  /** Lanes being worked on now. */
  get active(): number {
    return this.#working.size;
  }

  /** Whether a lane offered now would be worked on at once. */
  hasRoom(): boolean {
    return this.#running && this.#working.size < this.options.concurrency();
  }

  /** Takes a lane that is leased to this process already. */
  offer(claim: Claim): void {
    const work: Promise<void> = this.#work(claim).finally(() => {
      // The lane may have been given to us again between its last commit and now.
      if (this.#working.get(claim.lane) === work) this.#working.delete(claim.lane);
      this.#roomMade?.();
    });
    this.#working.set(claim.lane, work);
  }

  async #work(first: Claim): Promise<void> {
    const { handle, log } = this.options;
    let claim: Claim | undefined = first;
    try {
      for (let handled = 1; claim; handled++) {
        claim = await handle(claim, this.#running && handled < BURST ? 'more' : 'yield');
      }
    } catch (error) {
      log.error({ err: error, lane: first.lane }, 'handling an item failed in an unexpected way');
    }
  }

  async #run(bells: RedisClient): Promise<void> {
    await this.#sweep();
    while (this.#running) {
      try {
        await this.#room();
        await this.#ring(bells);
        if (!this.#running) return;
        // Where one bell rings, others often do; asking for them one after the other would let lanes wait in line.
        await this.#sweep();
      } catch (error) {
        if (!this.#running) return;
        this.options.log.warn({ err: error, pool: this.name }, 'looking for work failed');
        await pause(CLUSTER_POLL_MS);
      }
    }
  }

  async #room(): Promise<void> {
    while (this.#running && !this.hasRoom()) {
      await new Promise<void>((resolve) => {
        this.#roomMade = resolve;
      });
    }
  }

  /** Resolves when a bell rang, or when it is time to look without one. */
  async #ring(bells: RedisClient): Promise<void> {
    if (isCluster(bells)) await pause(CLUSTER_POLL_MS);
    else await bells.blpop(...this.options.queue.bells(), BELL_TIMEOUT_S);
  }

  async #sweep(): Promise<void> {
    await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => this.#claim(partition)));
  }

  async #claim(partition: number): Promise<void> {
    const room = this.options.concurrency() - this.#working.size;
    const claims = await this.options.queue.claim(
      partition,
      Math.max(1, Math.min(Math.ceil(room / PARTITIONS), CLAIM_AT_ONCE)),
      new Set(this.#working.keys()),
    );
    for (const claim of claims) this.offer(claim);
  }
}
