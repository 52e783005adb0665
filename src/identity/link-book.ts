/**
 * Where it is kept which accounts belong to people by a link, and which strangers were let in.
 *
 * One record, changed only through the state machine (`domain/link.ts`); so an account never comes to belong to two
 * people, whoever writes at the same moment. Every process has a copy to look things up in.
 *
 * Invariants
 *   1. `snapshot` may be behind by the time a bell takes, and if that is lost by `lookAgainMs`.
 *   2. `now` is never behind what was stored before it was asked for.
 *   3. Before the first look, and wherever nothing is known, nobody is linked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EMPTY_LEDGER, LinkLedger, type LinkStep } from '../domain/link.ts';
import type { Logger } from '../observability/logger.ts';
import { duplicateRedis, type RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect, Once } from '../redis/effects.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { RecordStore } from '../redis/record-store.ts';

/** Longest time between two looks without a bell, in ms. */
const LOOK_AGAIN_MS = 1_000;
/** Longest beginning of the record that holds its revision. */
const REVISION_CHARS = 20;
const FAMILY = 'lnk';
const RECORD = 'book';

/** What lookups need of the book. */
export interface Links {
  snapshot(): LinkLedger;
  now(): Promise<LinkLedger>;
}

export class LinkBook implements Links {
  readonly name = 'link-book';
  readonly #records: RecordStore<LinkLedger>;
  #snapshot = EMPTY_LEDGER;
  #bells: RedisClient | undefined;
  #stopping = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  #onChange: () => void = () => undefined;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly writer: EffectWriter,
    private readonly log: Logger,
    private readonly lookAgainMs = LOOK_AGAIN_MS,
  ) {
    this.#records = new RecordStore(redis, keys, writer, {
      family: FAMILY,
      parse: (document) => LinkLedger.parse(document),
      partitionOf: () => linkPartition(),
      dueOf: () => undefined,
      keepMs: () => undefined,
    });
  }

  /** Told whenever this process sees other links than before. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Resolves once every link is known here. */
  async start(): Promise<void> {
    if (this.#bells) return;
    const bells = duplicateRedis(this.redis, 'signalbox-links');
    this.#bells = bells;
    this.#stopping = new AbortController();
    bells.on('error', () => undefined); // said by the main connection
    bells.on('message', () => void this.#look());
    // A server that came back may have lost something, and have got to the same revision anew.
    bells.on('ready', () => void this.#look('anew'));
    await bells.subscribe(this.keys.linkBell());
    await this.now();
    this.#looking = this.#keepLooking(this.#stopping.signal);
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#bells?.disconnect();
    this.#bells = undefined;
    await this.#looking;
  }

  /** As this process saw it last. */
  snapshot(): LinkLedger {
    return this.#snapshot;
  }

  /**
   * As it stands in the store at this moment.
   *
   * @throws when the store is away
   */
  async now(): Promise<LinkLedger> {
    const key = this.keys.record(linkPartition(), FAMILY, RECORD);
    const head = await this.redis.getrange(key, 0, REVISION_CHARS);
    return Number.parseInt(head || '0', 10) === this.#snapshot.rev ? this.#snapshot : this.#read();
  }

  /**
   * Puts an event to the state machine and writes what it decides, with all that follows from it.
   *
   * @param follow what is written with a change; nothing is where nothing changes
   * @returns what the machine answered; undefined when `once` was used up before, so that nothing was written
   */
  async apply<Result>(
    decide: (ledger: LinkLedger, nowMs: number) => LinkStep<Result>,
    follow: (result: Result, nowMs: number) => readonly Effect[],
    once?: Once,
  ): Promise<Result | undefined> {
    let written: LinkLedger | undefined;
    const result = await this.#records.apply(
      RECORD,
      (stored, nowMs) => {
        const step = decide(stored ?? EMPTY_LEDGER, nowMs);
        written = step.next;
        return step.next
          ? { result: step.result, next: step.next, effects: follow(step.result, nowMs) }
          : { result: step.result };
      },
      once,
    );
    if (written && result !== undefined) {
      this.#keep(written);
      await this.redis.publish(this.keys.linkBell(), String(written.rev));
    }
    return result;
  }

  /** Writes what changes nothing of the links: an entry of the audit. */
  async record(effects: readonly Effect[], once: Once): Promise<void> {
    await this.writer.writeIn(linkPartition(), effects, once);
  }

  async wasWritten(key: string): Promise<boolean> {
    return this.writer.wasWrittenIn(linkPartition(), key);
  }

  async #read(): Promise<LinkLedger> {
    return this.#keep((await this.#records.find(RECORD)) ?? EMPTY_LEDGER);
  }

  /** Replies of one connection come in the order of the questions, so the last one is the newest. */
  #keep(ledger: LinkLedger): LinkLedger {
    this.#snapshot = ledger;
    this.#onChange();
    return this.#snapshot;
  }

  async #keepLooking(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.lookAgainMs, undefined, { signal }).catch(() => undefined); // aborted: we are stopping
      if (!signal.aborted) await this.#look();
    }
  }

  async #look(how: 'if-changed' | 'anew' = 'if-changed'): Promise<void> {
    try {
      await (how === 'anew' ? this.#read() : this.now());
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.log.debug({ err: error }, 'the links could not be looked at');
    }
  }
}

/** Everything about links is in one partition. */
function linkPartition(): number {
  return partitionOf('links');
}
