/**
 * Measures how long the conversations of a killed gateway stood still.
 *
 *   takeover   from the kill until another gateway had handled one of the items that the dead one had in hand:
 *              committed it, or decided when to go on with it
 *   lease      from the kill until another gateway had the lane, for every lane the dead one had leased
 *
 * Both count when one of the gateways that were there at the kill lived through all of it; otherwise the start of the
 * next one is part of them, and they are kept apart. A lane whose new holder is killed in turn begins again with that
 * kill.
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
  /** The gateways that were there when it was killed, and are still. */
  readonly witnesses: Set<number>;
  /** Something of it was handled since. */
  handled: boolean;
}

interface Lane {
  readonly member: string;
  readonly itemsKey: string;
  readonly leaseKey: string;
  readonly parkedKey: string;
  readonly head: string;
  readonly death: Death;
  /** How long timers had been late in all when it was killed, in ms. */
  readonly lateMs: number;
  leased: boolean;
}

export interface Standstill {
  /** `queue|lane` */
  readonly lane: string;
  readonly tookMs: number;
}

export interface StoodStill {
  readonly takeovers: Standstill[];
  readonly leases: Standstill[];
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

  /** Lanes whose item in hand nobody has handled yet. */
  get pending(): number {
    return this.#lanes.size;
  }

  /** Call it right after the kill. @param witnesses the gateways that are there, by process */
  async killed(pid: number, killedAt: number, witnesses: readonly number[]): Promise<void> {
    for (const { death } of this.#lanes.values()) death.witnesses.delete(pid);
    const death: Death = { pid, killedAt, witnesses: new Set(witnesses), handled: false };
    const held = await Promise.all(this.keys.partitions().map((partition) => this.#heldBy(death, partition)));
    for (const lane of held.flat()) this.#lanes.set(lane.itemsKey, lane);
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
        if (head === null) return [];
        const leaseKey = keys.lease(partition, queue, name);
        const parkedKey = keys.parked(partition);
        return [{ member, itemsKey, leaseKey, parkedKey, head, death, lateMs: this.#lateMs, leased: false }];
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
    const { member, itemsKey, leaseKey, parkedKey, head, death, lateMs } = lane;
    const [holder, item, parkedUntil] = await Promise.all([
      this.store.hget(leaseKey, 'w'),
      this.store.lindex(itemsKey, 0),
      this.store.zscore(parkedKey, member),
    ]);
    if (this.#lanes.get(itemsKey) !== lane) return;
    // Only who has a lane puts it off, and the dead one has it until it is taken.
    const handled = item !== head || parkedUntil !== null;
    const tookMs = performance.now() - death.killedAt - (this.#lateMs - lateMs);
    const { leases, takeovers } = death.witnesses.size > 0 ? this.witnessed : this.unwitnessed;
    if (!lane.leased && (handled || (holder !== null && !isSessionOf(holder, death.pid)))) {
      lane.leased = true;
      leases.push({ lane: member, tookMs });
    }
    if (!handled) return;
    this.#lanes.delete(itemsKey);
    if (!death.handled) takeovers.push({ lane: member, tookMs });
    death.handled = true;
  }
}

/** A session's id begins with the process that opened it. */
function isSessionOf(session: string, pid: number): boolean {
  return session.startsWith(`${pid.toString(36)}-`);
}
