/**
 * Works through the lanes of one queue, many at a time, each lane's items one after the other.
 *
 * Lanes come in two ways: claimed from the ready lists when a bell rings, or handed over by the very step that put
 * their first item there (`offer`), which spares a round trip.
 *
 *   idle ──bell──▶ claim ──▶ handle an item ──▶ commit ──next item──▶ handle …
 *     ▲                          ▲                 └──────none──▶ idle
 *     └── looks everywhere, also once a second without a bell, in case one was lost
 *
 * Invariants
 *   1. Never more lanes are worked on at a time than the limit says; one handed over beyond it waits for a place.
 *   2. Every partition gets its turn, however much there is to do in the others, and the one that rang comes first:
 *      its bell is gone.
 *   3. A lane whose handling fails in an unexpected way is given up, not kept until this process ends.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Claim, deathsIn, type KeyedQueue } from '../mailbox/keyed-queue.ts';
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
/** Processes that may end while they handle an item before the item is suspected to be the reason. */
const UNSUSPECTED_DEATHS = 5;
/** Pause of a suspected item while another one is in hand. */
const SUSPECT_RETRY_MS = 300;
/** Pause of a lane whose handling failed in a way nobody expected. */
const UNEXPECTED_RETRY_MS = 5_000;

export interface LanePoolOptions {
  readonly name: string;
  readonly redis: RedisClient;
  readonly queue: KeyedQueue;
  /** Lanes worked on at the same time; read at every claim, so it can change while running. */
  readonly concurrency: () => number;
  /**
   * Handles the claim's item and commits it, or gives the lane up. Resolves with the claim on the lane's next item,
   * if it was asked for more. Must not throw; a throw is logged and the item is tried again later.
   */
  readonly handle: (claim: Claim, mode: 'more' | 'yield') => Promise<Claim | undefined>;
  readonly log: Logger;
}

export class LanePool implements Service {
  readonly name: string;
  /** Lanes leased to us, worked on now or as soon as there is a place. */
  readonly #working = new Map<string, Promise<void>>();
  /** Places taken, and who waits for one. */
  #busy = 0;
  readonly #waiting: (() => void)[] = [];
  /** Lanes asked for by claims that are under way. */
  #claiming = 0;
  /** The partition that is looked at first next time. */
  #turn = 0;
  /** One item that is suspected to end processes is being worked on. */
  #suspectInHand = false;
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

  /** Whether a lane offered now would be worked on at once, as far as can be told. */
  hasRoom(): boolean {
    return this.#running && this.#working.size < this.options.concurrency();
  }

  /** Takes a lane that is leased to this process already. */
  offer(claim: Claim): void {
    const work: Promise<void> = this.#inTurn(claim).finally(() => {
      // The lane may have been given to us again between its last commit and now.
      if (this.#working.get(claim.lane) === work) this.#working.delete(claim.lane);
      this.#roomMade?.();
    });
    this.#working.set(claim.lane, work);
  }

  /**
   * An item that was in hand when several processes ended may be what ended them. Such items are worked on one
   * after the other, and only the one whose turn it is is in hand, so that none is blamed for another's deed.
   */
  async #inTurn(claim: Claim): Promise<void> {
    if (deathsIn(claim) <= UNSUSPECTED_DEATHS) return this.#work(claim);
    if (this.#suspectInHand) return this.#giveUp(claim, SUSPECT_RETRY_MS, 'free');
    this.#suspectInHand = true;
    await this.#work(claim, 1);
    this.#suspectInHand = false;
  }

  async #work(first: Claim, burst = BURST): Promise<void> {
    const { handle, log } = this.options;
    let claim: Claim | undefined = first;
    await this.#takePlace();
    try {
      for (let handled = 1; claim; handled++) {
        claim = await handle(claim, this.#running && handled < burst ? 'more' : 'yield');
      }
    } catch (error) {
      log.error({ err: error, lane: first.lane }, 'handling an item failed in an unexpected way');
      if (claim) await this.#giveUp(claim, UNEXPECTED_RETRY_MS, 'counts');
    } finally {
      this.#leavePlace();
    }
  }

  async #giveUp(claim: Claim, pauseMs: number, counting: 'counts' | 'free'): Promise<void> {
    try {
      await this.options.queue.retryLater(claim, pauseMs, counting);
    } catch (error) {
      // Either somebody else has it already, or the queue finds out that we hold it without working on it.
      this.options.log.warn({ err: error, lane: claim.lane }, 'a lane could not be given up');
    }
  }

  async #takePlace(): Promise<void> {
    if (this.#busy < this.options.concurrency()) {
      this.#busy++;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** The place goes to the one who waits longest, and is free only when nobody does. */
  #leavePlace(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#busy--;
  }

  async #run(bells: RedisClient): Promise<void> {
    while (this.#running) {
      try {
        await this.#untilRoom();
        // Where one bell rings, others often do; asking for them one after the other would let lanes wait in line.
        await this.#sweep();
        await this.#ring(bells);
      } catch (error) {
        if (!this.#running) return;
        this.options.log.warn({ err: error, pool: this.name }, 'looking for work failed');
        await pause(CLUSTER_POLL_MS);
      }
    }
  }

  async #untilRoom(): Promise<void> {
    while (this.#running && !this.hasRoom()) {
      await new Promise<void>((resolve) => {
        this.#roomMade = resolve;
      });
    }
  }

  /** Resolves when a bell rang, or when it is time to look without one. */
  async #ring(bells: RedisClient): Promise<void> {
    if (isCluster(bells)) return pause(CLUSTER_POLL_MS);
    const names = this.options.queue.bells();
    const rung = await bells.blpop(...names, BELL_TIMEOUT_S);
    this.#turn = rung ? names.indexOf(rung[0]) : (this.#turn + 1) % PARTITIONS;
  }

  async #sweep(): Promise<void> {
    const left = Array.from({ length: PARTITIONS }, (_, index) => (this.#turn + index) % PARTITIONS);
    while (this.#running && left.length > 0 && this.#room() > 0) {
      const each = Math.min(Math.ceil(this.#room() / PARTITIONS), CLAIM_AT_ONCE);
      const now = left.splice(0, Math.floor(this.#room() / each));
      await Promise.all(now.map((partition) => this.#claim(partition, each)));
    }
  }

  async #claim(partition: number, count: number): Promise<void> {
    this.#claiming += count;
    try {
      const claims = await this.options.queue.claim(partition, count, this.#working);
      for (const claim of claims) this.offer(claim);
    } finally {
      this.#claiming -= count;
    }
  }

  /** Lanes there is a place for, those being asked for left out. */
  #room(): number {
    return this.options.concurrency() - this.#working.size - this.#claiming;
  }
}
