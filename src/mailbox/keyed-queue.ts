/**
 * A keyed queue: many lanes, each first in first out, each worked on by one holder at a time.
 *
 * The mailboxes are one such queue (a lane per conversation); the outboxes of each platform are another (a lane
 * per conversation and destination).
 *
 * Owns      items, their order, and the leases that let one worker at a time handle one lane.
 * Not here  what an item means, and who may post one.
 *
 * Invariants
 *   1. A lane with items is in exactly one place: the ready list, a session's set of leased lanes, or parked.
 *      So "the list went from empty to one" is the whole scheduling test.
 *   2. The head of a lane stays in place until the commit that handles it; a crash means it is handled again.
 *   3. Only the holder of the newest fence and of its current step, under the session that leased it, can commit.
 *   4. All effects of a commit become visible together with the removal of the item, or not at all.
 */
import { setImmediate } from 'node:timers/promises';
import { ControlMovedError, LeaseLostError } from '../domain/errors.ts';
import { onConnection, type RedisClient } from '../redis/client.ts';
import { type Effect, toArguments, withControl } from '../redis/effects.ts';
import type { Keys, QueueName } from '../redis/keys.ts';
import { loadScript, runScript, type Script, type ScriptArgument } from '../redis/script.ts';
import type { WorkerSession } from './session.ts';

const claimScript = loadScript('claim', import.meta.url);
const commitScript = loadScript('commit', import.meta.url);
const retryLaterScript = loadScript('retry-later', import.meta.url);
const leasesScript = loadScript('leases', import.meta.url);
const reconcileScript = loadScript('reconcile', import.meta.url);

/** Names of lanes, as they are at the moment of the question. */
export type Lanes = Pick<ReadonlySet<string>, 'has'>;

/** A leased lane and its oldest item. */
export interface Claim {
  readonly queue: QueueName;
  readonly partition: number;
  readonly lane: string;
  readonly fence: string;
  readonly step: string;
  readonly session: string;
  /** 1 the first time this item is handled. */
  readonly attempt: number;
  /** Earlier attempts that failed; those left over ended with their process, whosever fault that was. */
  readonly failures: number;
  /** As posted: JSON. */
  readonly item: string;
  /** The newest transcript entries, oldest first, as JSON; empty for an outbox. */
  readonly entries: readonly string[];
  /** Aborts when the lease can no longer be committed. */
  readonly signal: AbortSignal;
}

/** What is written when an item cannot be handled: it is kept for a person to look at. */
export function toDeadLetter({ queue, lane, attempt, item }: Claim, reason: string): Effect {
  return { kind: 'dead', queue, lane, attempts: attempt, reason, item };
}

/** Names this handling of the item among all of them, also of those after it was retried from the dead letters. */
export function takingOf({ fence, step }: Pick<Claim, 'fence' | 'step'>): string {
  return `${fence}.${step}`;
}

export interface Committed {
  /** The lane's next item under the same lease, if there is one and it was asked for. */
  readonly next: Claim | undefined;
  /** Outbound lanes that this process may send from at once. */
  readonly handed: readonly Claim[];
}

export class KeyedQueue {
  /** Set when a reply may have been lost, or a lane could not be given up: lanes may be ours without our knowing. */
  #uncertain = false;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly session: WorkerSession,
    readonly name: QueueName,
    /** How many transcript entries come with a claim. */
    private readonly historyEntries: number,
  ) {
    onConnection(redis, this.#doubt);
  }

  /** The bell of each partition, in the order of the partitions. */
  bells(): string[] {
    return this.keys.partitions().map((partition) => this.keys.bell(partition, this.name));
  }

  /**
   * Leases up to `count` lanes of one partition.
   *
   * @param working the lanes of this queue the process works on now, to find those whose lease it does not know of
   */
  async claim(partition: number, count: number, working: Lanes): Promise<Claim[]> {
    if (this.#uncertain) {
      this.#uncertain = false;
      await this.reconcile(working);
    }
    const session = this.session.id;
    const signal = this.session.signal;
    const reply = await runScript(
      this.redis,
      claimScript,
      [this.keys.ready(partition, this.name)],
      [this.keys.partition(partition), this.name, session, count, this.historyEntries],
    );
    if (!Array.isArray(reply)) return [];
    const claims: Claim[] = [];
    for (let i = 0; i + 5 < reply.length; i += 6) {
      claims.push({
        queue: this.name,
        partition,
        session,
        signal,
        step: '0',
        lane: String(reply[i]),
        fence: String(reply[i + 1]),
        attempt: Number(reply[i + 2]),
        failures: Number(reply[i + 3]),
        item: String(reply[i + 4]),
        entries: toStrings(reply[i + 5]),
      });
    }
    return claims;
  }

  /**
   * Takes the item off and writes the effects of handling it.
   *
   * @param mode `more` to be given the lane's next item, `yield` to let others have a turn
   * @throws {LeaseLostError} when somebody else has the lane now; nothing was written
   * @throws {ControlMovedError} when the effects were decided on a control that is not the current one; nothing was written
   */
  async commit(claim: Claim, effects: readonly Effect[], mode: 'more' | 'yield'): Promise<Committed> {
    const reply = await this.#settle(
      commitScript,
      [
        this.keys.items(claim.partition, claim.queue, claim.lane),
        this.keys.lease(claim.partition, claim.queue, claim.lane),
      ],
      [
        this.keys.partition(claim.partition),
        claim.queue,
        claim.lane,
        claim.fence,
        claim.step,
        claim.session,
        mode,
        ...toArguments(effects),
      ],
    );
    if (!Array.isArray(reply) || Number(reply[0]) === -1) throw new LeaseLostError(claim.lane);
    if (Number(reply[0]) === 0) return { next: undefined, handed: toHanded(claim, reply.slice(1)) };
    const next: Claim = {
      ...claim,
      step: String(reply[1]),
      attempt: 1,
      failures: 0,
      item: String(reply[2]),
      entries: [...claim.entries, ...ownEntries(effects)],
    };
    return { next, handed: toHanded(claim, reply.slice(3)) };
  }

  /** What stands in line behind the claim's item, as posted, oldest first; no more than `most`. */
  async behind({ partition, queue, lane }: Claim, most: number): Promise<string[]> {
    return this.redis.lrange(this.keys.items(partition, queue, lane), 1, most);
  }

  /**
   * Gives the lane up; its head item is handled again after the pause.
   *
   * @param counting `free` when the attempt was nobody's fault and must not bring the item nearer to the dead letters
   * @throws {LeaseLostError} when somebody else has the lane now; nothing was written
   * @throws {ControlMovedError} when the effects were decided on a control that is not the current one; nothing was written
   */
  async retryLater(
    claim: Claim,
    pauseMs: number,
    counting: 'counts' | 'free',
    effects: readonly Effect[] = [],
  ): Promise<void> {
    const reply = await this.#settle(
      retryLaterScript,
      [this.keys.lease(claim.partition, claim.queue, claim.lane)],
      [
        this.keys.partition(claim.partition),
        claim.queue,
        claim.lane,
        claim.fence,
        claim.session,
        Math.ceil(pauseMs),
        counting,
        ...toArguments(effects),
      ],
    );
    if (reply !== 1) throw new LeaseLostError(claim.lane);
  }

  /** Gives back lanes this session owns without working on them. Resolves with how many. */
  async reconcile(working: Lanes): Promise<number> {
    const released = await Promise.all(
      this.keys.partitions().map((partition) => this.#reconcile(partition, working)),
    );
    return released.reduce((sum, count) => sum + count, 0);
  }

  async #reconcile(partition: number, working: Lanes): Promise<number> {
    const owned = [this.keys.owned(partition, this.session.id)];
    const about = [this.keys.partition(partition), this.name];
    const reply = toStrings(await runScript(this.redis, leasesScript, owned, about));
    // What was leased before this list was made was also answered before it; whoever it is for has it by the next turn.
    await setImmediate();
    const unknown = toLeases(reply).filter(({ lane }) => !working.has(lane));
    if (unknown.length === 0) return 0;
    const leases = unknown.flatMap(({ lane, fence }) => [lane, fence]);
    return Number(await runScript(this.redis, reconcileScript, owned, [...about, ...leases]));
  }

  /** Runs what ends a claim. When that fails, nobody works on the lane and it is still ours. */
  async #settle(script: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    try {
      return await withControl(runScript(this.redis, script, keys, args));
    } catch (error) {
      // Refused, and said so: the lane is still in the caller's hands.
      if (!(error instanceof ControlMovedError)) this.#doubt();
      throw error;
    }
  }

  readonly #doubt = (): void => {
    this.#uncertain = true;
  };
}

/** How many processes ended while they handled the claim's item. */
export function deathsIn({ attempt, failures }: Claim): number {
  return attempt - 1 - failures;
}

function toHanded(claim: Claim, flat: readonly unknown[]): Claim[] {
  const handed: Claim[] = [];
  for (let i = 0; i + 3 < flat.length; i += 4) {
    handed.push({
      // The script names only queues that the effects named.
      queue: String(flat[i]) as QueueName,
      partition: claim.partition,
      lane: String(flat[i + 1]),
      fence: String(flat[i + 2]),
      item: String(flat[i + 3]),
      step: '0',
      session: claim.session,
      signal: claim.signal,
      attempt: 1,
      failures: 0,
      entries: [],
    });
  }
  return handed;
}

function toLeases(flat: readonly string[]): { lane: string; fence: string }[] {
  const leases: { lane: string; fence: string }[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) leases.push({ lane: flat[i] ?? '', fence: flat[i + 1] ?? '' });
  return leases;
}

function ownEntries(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.kind === 'entry' ? [JSON.stringify(effect.entry)] : []));
}

export function toStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
