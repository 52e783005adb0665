/** Where escalations are kept: one record for each thing that somebody has to look after. */

import { partitionOfEscalation } from '../delivery/escalation-item.ts';
import { dueOf, Escalation, type EscalationStep, isLive } from '../domain/escalation/record.ts';
import type { EscalationId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect, Once } from '../redis/effects.ts';
import type { Keys } from '../redis/keys.ts';
import { type DueRecords, type Flaw, RecordStore } from '../redis/record-store.ts';
import { consequencesOf } from './consequences.ts';

export class EscalationStore {
  readonly #records: RecordStore<Escalation>;

  constructor(
    redis: RedisClient,
    keys: Keys,
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

  /** Those that are not over, the next to move first. */
  async live(limit: number): Promise<Escalation[]> {
    return this.#records.live(limit);
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
    decide: (escalation: Escalation | undefined, nowMs: number) => EscalationStep<Result> | undefined,
    { also = [], once }: { readonly also?: readonly Effect[]; readonly once?: Once } = {},
  ): Promise<Result | undefined> {
    return this.#records.apply<Result | undefined>(
      id,
      (before, nowMs) => {
        const step = decide(before, nowMs);
        if (!step?.moved) return { result: step?.result };
        const effects = [...also, ...consequencesOf(before, step.moved, nowMs)];
        return { result: step.result, next: step.moved.next, effects };
      },
      once,
    );
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
