/**
 * Measures how long the conversations of a killed gateway stood still: from the kill to the commit, by another
 * gateway, of the very item the dead one had leased.
 *
 * A measurement counts as a takeover when another gateway lived through all of it. It is dropped when the one that
 * took over was killed in turn before it committed: the clock then starts again with that kill.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Keys, QueueName } from '../../src/redis/keys.ts';

const LOOK_EVERY_MS = 20;

interface Standing {
  readonly itemsKey: string;
  readonly head: string;
  readonly killedAt: number;
  /** Another gateway was there all the time. */
  witnessed: boolean;
}

export class TakeoverWatch {
  /** With another gateway there all the time, in ms. */
  readonly takeovers: number[] = [];
  /** When nobody was there for a while: the start of the next gateway is part of it, in ms. */
  readonly restarts: number[] = [];
  readonly #standing = new Map<string, Standing>();
  readonly #stopping = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Redis,
    private readonly keys: Keys,
  ) {}

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  /** Lanes whose dead holder nobody has followed yet. */
  get pending(): number {
    return this.#standing.size;
  }

  /** Call it right after the kill. `witnessed`: another gateway lives. Resolves with how many lanes it held. */
  async killed(pid: number, killedAt: number, witnessed: boolean): Promise<number> {
    const lanes = (
      await Promise.all(this.keys.partitions().map((partition) => this.#heldBy(pid, partition)))
    ).flat();
    const heads = await Promise.all(lanes.map((itemsKey) => this.store.lindex(itemsKey, 0)));
    lanes.forEach((itemsKey, index) => {
      const head = heads[index];
      if (head) this.#standing.set(itemsKey, { itemsKey, head, killedAt, witnessed });
    });
    return lanes.length;
  }

  /** No gateway is left: whoever comes has to start first. */
  nobodyLeft(): void {
    for (const standing of this.#standing.values()) standing.witnessed = false;
  }

  /** The keys of the items in the lanes a process has leased. */
  async #heldBy(pid: number, partition: number): Promise<string[]> {
    const sessions = await this.store.zrange(this.keys.sessions(partition), 0, '-1');
    const own = sessions.filter((session) => session.startsWith(`${pid.toString(36)}-`));
    const members = await Promise.all(
      own.map((session) => this.store.smembers(this.keys.owned(partition, session))),
    );
    return members.flat().map((member) => {
      const bar = member.indexOf('|');
      // A member is `queue|lane`, written by the product.
      return this.keys.items(partition, member.slice(0, bar) as QueueName, member.slice(bar + 1));
    });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await Promise.all([...this.#standing.values()].map((standing) => this.#check(standing)));
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {}); // stopping
    }
  }

  async #check(standing: Standing): Promise<void> {
    const { itemsKey, head, killedAt } = standing;
    if ((await this.store.lindex(itemsKey, 0)) === head) return;
    if (this.#standing.get(itemsKey) !== standing) return;
    this.#standing.delete(itemsKey);
    (standing.witnessed ? this.takeovers : this.restarts).push(performance.now() - killedAt);
  }
}
