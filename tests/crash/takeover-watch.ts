/**
 * Measures how long the conversations of a killed gateway stood still.
 *
 *   takeover   from the kill to the first commit, by another gateway, of an item that the dead one had in hand
 *   lease      from the kill until another gateway had the lane, for every lane the dead one had leased
 *
 * Both count when another gateway lived through all of it; otherwise the start of the next one is part of them, and
 * they are kept apart. A lane whose new holder is killed in turn begins again with that kill.
 *
 * Time in which this machine gave a timer of ours no turn is left out: nobody else had one either.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Keys, QueueName } from '../../src/redis/keys.ts';

const LOOK_EVERY_MS = 20;

/** One killed gateway that held something. */
interface Death {
  readonly pid: number;
  readonly killedAt: number;
  /** Another gateway was there all the time. */
  witnessed: boolean;
  /** Something of it was committed since. */
  committed: boolean;
}

interface Lane {
  readonly itemsKey: string;
  readonly leaseKey: string;
  readonly head: string;
  readonly death: Death;
  /** How long timers had been late in all when it was killed, in ms. */
  readonly lateMs: number;
  leased: boolean;
}

export interface StoodStill {
  readonly takeovers: number[];
  readonly leases: number[];
}

export class TakeoverWatch {
  readonly witnessed: StoodStill = { takeovers: [], leases: [] };
  readonly unwitnessed: StoodStill = { takeovers: [], leases: [] };
  readonly #lanes = new Map<string, Lane>();
  readonly #stopping = new AbortController();
  #lateMs = 0;
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

  /** Lanes whose item in hand nobody has committed yet. */
  get pending(): number {
    return this.#lanes.size;
  }

  /** Call it right after the kill. `witnessed`: another gateway lives. */
  async killed(pid: number, killedAt: number, witnessed: boolean): Promise<void> {
    const death: Death = { pid, killedAt, witnessed, committed: false };
    const held = await Promise.all(this.keys.partitions().map((partition) => this.#heldBy(death, partition)));
    for (const lane of held.flat()) this.#lanes.set(lane.itemsKey, lane);
  }

  /** No gateway is left: whoever comes has to start first. */
  nobodyLeft(): void {
    for (const { death } of this.#lanes.values()) death.witnessed = false;
  }

  /** The lanes a dead gateway has leased. */
  async #heldBy(death: Death, partition: number): Promise<Lane[]> {
    const { store, keys } = this;
    const sessions = await store.zrange(keys.sessions(partition), 0, '-1');
    const own = sessions.filter((session) => isSessionOf(session, death.pid));
    const members = (
      await Promise.all(own.map((session) => store.smembers(keys.owned(partition, session))))
    ).flat();
    const lanes = await Promise.all(
      members.map(async (member): Promise<Lane[]> => {
        const bar = member.indexOf('|');
        // A member is `queue|lane`, written by the product.
        const queue = member.slice(0, bar) as QueueName;
        const name = member.slice(bar + 1);
        const itemsKey = keys.items(partition, queue, name);
        const head = await store.lindex(itemsKey, 0);
        const leaseKey = keys.lease(partition, queue, name);
        const lateMs = this.#lateMs;
        return head === null ? [] : [{ itemsKey, leaseKey, head, death, lateMs, leased: false }];
      }),
    );
    return lanes.flat();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await Promise.all([...this.#lanes.values()].map((lane) => this.#check(lane)));
      const from = performance.now();
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {}); // stopping
      this.#lateMs += Math.max(0, performance.now() - from - 2 * LOOK_EVERY_MS);
    }
  }

  async #check(lane: Lane): Promise<void> {
    const { itemsKey, leaseKey, head, death, lateMs } = lane;
    const [holder, item] = await Promise.all([
      this.store.hget(leaseKey, 'w'),
      this.store.lindex(itemsKey, 0),
    ]);
    if (this.#lanes.get(itemsKey) !== lane) return;
    const committed = item !== head;
    const tookMs = performance.now() - death.killedAt - (this.#lateMs - lateMs);
    const { leases, takeovers } = death.witnessed ? this.witnessed : this.unwitnessed;
    if (!lane.leased && (committed || (holder !== null && !isSessionOf(holder, death.pid)))) {
      lane.leased = true;
      leases.push(tookMs);
    }
    if (!committed) return;
    this.#lanes.delete(itemsKey);
    if (!death.committed) takeovers.push(tookMs);
    death.committed = true;
  }
}

/** A session's id begins with the process that opened it. */
function isSessionOf(session: string, pid: number): boolean {
  return session.startsWith(`${pid.toString(36)}-`);
}
