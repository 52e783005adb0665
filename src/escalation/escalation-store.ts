/** Where escalations are kept: one record for each thing that somebody has to look after. */

import { z } from 'zod';
import { partitionOfEscalation } from '../delivery/escalation-item.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { dueOf, Escalation, type EscalationStep, isLive } from '../domain/escalation/record.ts';
import { EscalationId } from '../domain/ids.ts';
import type { Outage } from '../domain/outage.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect, Once } from '../redis/effects.ts';
import type { Keys } from '../redis/keys.ts';
import { askTogether, type Query } from '../redis/query.ts';
import { type DueRecords, type Flaw, RecordStore, UnreadableRecordError } from '../redis/record-store.ts';
import { consequencesOf } from './consequences.ts';

/** How long it is known what a trouble has begun, in ms; from its last report. */
const KNOW_BEGUN_MS = 90 * 24 * 60 * 60_000;

export class EscalationStore {
  readonly #records: RecordStore<Escalation>;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    writer: EffectWriter,
    /** How long one that is over is kept, in ms. */
    keepMs: () => number,
  ) {
    this.#records = new RecordStore(redis, keys, writer, {
      family: 'esc',
      parse: (document) => Escalation.parse(document),
      partitionOf: partitionOfEscalation,
      dueOf,
      keepMs: (escalation) => (isLive(escalation) ? undefined : keepMs()),
    });
  }

  async find(id: EscalationId): Promise<Escalation | undefined> {
    return this.#records.find(id);
  }

  /** Those that are not over, and are wanted, the next to move first. */
  async live(limit: number, wanted?: (escalation: Escalation) => boolean): Promise<Escalation[]> {
    return this.#records.live(limit, wanted);
  }

  /**
   * Over or not, each once.
   *
   * @throws {UnreadableRecordError} behind all others when one cannot be read
   */
  async *all(): AsyncGenerator<Escalation> {
    const seen = new Set<string>();
    let unread: UnreadableRecordError | undefined;
    for await (const id of this.#records.ids()) {
      if (seen.has(id)) continue;
      seen.add(id);
      const found = await this.#records.find(id).catch((error: unknown) => {
        if (!(error instanceof UnreadableRecordError)) throw error;
        unread = error;
        return undefined;
      });
      if (found) yield found;
    }
    if (unread) throw unread;
  }

  /**
   * Takes words out of one that is over. Nothing else follows from it: nobody is called or told, and it is forgotten when
   * it was to be.
   *
   * @param without the very same escalation where there is nothing to take out
   * @returns `live`: it is not over, and left as it is; `same`: there was nothing, or it is forgotten
   */
  async reword(
    id: EscalationId,
    without: (escalation: Escalation) => Escalation,
    audit: AuditEvent,
  ): Promise<'reworded' | 'live' | 'same'> {
    const done = await this.#records.apply<'reworded' | 'live' | 'same'>(id, (stored) => {
      const left = stored && without(stored);
      if (stored === undefined || left === undefined || left === stored) return { result: 'same' };
      if (isLive(stored)) return { result: 'live' };
      const next = { ...left, rev: stored.rev + 1 };
      return { result: 'reworded', next, effects: [{ kind: 'audit', event: audit }], kept: 'as-before' };
    });
    return done ?? 'same';
  }

  /**
   * Puts an event to the state machine and writes what it decides, with all that follows from it.
   *
   * @param also written with the change, if there is one
   * @returns what the machine answered; undefined when there is no such escalation and `decide` makes none, or when
   *   `once` was used up before
   */
  async apply<Result>(
    id: EscalationId,
    decide: (
      escalation: Escalation | undefined,
      nowMs: number,
      outages: readonly Outage[],
    ) => EscalationStep<Result> | undefined,
    { also = [], once }: { readonly also?: readonly Effect[]; readonly once?: Once } = {},
  ): Promise<Result | undefined> {
    return this.#records.apply<Result | undefined>(
      id,
      (before, nowMs, outages) => {
        const step = decide(before, nowMs, outages);
        if (!step?.moved) return { result: step?.result };
        const effects = [...also, ...consequencesOf(before, step.moved, nowMs)];
        return { result: step.result, next: step.moved.next, effects };
      },
      once,
    );
  }

  /**
   * What a trouble has begun and is not over, whichever policies that were: triggers may name others by now.
   *
   * @param trouble as `troubleOf` of triggers.ts says it
   */
  async begunBy(trouble: string): Promise<EscalationId[]> {
    return (await this.begunByEach([trouble])).flat();
  }

  /** The same for each of several, in their order. */
  async begunByEach(troubles: readonly string[]): Promise<EscalationId[][]> {
    const begun = await askTogether<EscalationId[][]>(
      this.redis,
      troubles.map((trouble) => this.#begunQuery(trouble)),
    );
    return Promise.all(begun.map((ids) => this.#liveOf(ids)));
  }

  #begunQuery(trouble: string): Query<EscalationId[]> {
    return {
      command: ['smembers', this.keys.begunBy(trouble)],
      read: (ids) => z.array(EscalationId).parse(ids),
    };
  }

  async #liveOf(ids: readonly EscalationId[]): Promise<EscalationId[]> {
    const found = await Promise.all(ids.map((id) => this.find(id)));
    return found.flatMap((each) => (each && isLive(each) ? [each.id] : []));
  }

  /** Before it begins: what has begun is known, then, by what it is about. */
  async noteBegun(trouble: string, id: EscalationId): Promise<void> {
    const key = this.keys.begunBy(trouble);
    await this.redis.multi().sadd(key, id).pexpire(key, KNOW_BEGUN_MS).exec();
  }

  /** Once it is over, and never begins again. */
  async forgetBegun(trouble: string, id: EscalationId): Promise<void> {
    await this.redis.srem(this.keys.begunBy(trouble), id);
  }

  async due(partition: number, limit: number): Promise<DueRecords> {
    return this.#records.due(partition, limit);
  }

  async postpone(id: EscalationId, untilMs: number): Promise<void> {
    await this.#records.postpone(id, untilMs);
  }

  /** Puts right what should never be, and names it. */
  prove(): AsyncGenerator<Flaw<Escalation>> {
    return this.#records.prove();
  }

  async dropTimer(id: EscalationId): Promise<void> {
    await this.#records.dropTimer(id);
  }
}
