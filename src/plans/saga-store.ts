/** Where sagas are kept: one record for each plan that was begun. */
import { createHash } from 'node:crypto';
import type { EscalationTrigger } from '../config/escalation-triggers.ts';
import type { WhereOf } from '../control/whereabouts.ts';
import type { ConversationId } from '../domain/ids.ts';
import { isOver, Saga, type SagaChange } from '../domain/saga.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { type DueRecords, type Flaw, RecordStore } from '../redis/record-store.ts';
import { consequencesOf } from './consequences.ts';

export interface SagaSettings {
  /** How long one that is over is kept, in ms. */
  readonly keepMs: () => number;
  readonly triggers: () => readonly EscalationTrigger[];
  readonly whereOf: WhereOf;
}

export class SagaStore {
  readonly #records: RecordStore<Saga>;

  constructor(
    redis: RedisClient,
    keys: Keys,
    writer: EffectWriter,
    private readonly settings: SagaSettings,
  ) {
    this.#records = new RecordStore(redis, keys, writer, {
      family: 'sag',
      parse: (document) => Saga.parse(document),
      partitionOf: partitionOfSaga,
      dueOf: (saga) => (isOver(saga) ? undefined : saga.dueMs),
      keepMs: (saga) => (isOver(saga) ? settings.keepMs() : undefined),
    });
  }

  async find(id: string): Promise<Saga | undefined> {
    return this.#records.find(id);
  }

  /**
   * Puts an event to the state machine and writes what it decides, with all that follows from it.
   *
   * @param seen the saga that whoever goes on with it has, where they do. Nobody else writes under their epoch: a
   *   revision after theirs is their own write, sent again because its reply was lost.
   * @returns the saga as it is now; undefined when the change did not count
   */
  async apply(
    id: string,
    decide: (saga: Saga | undefined, nowMs: number) => SagaChange,
    seen?: Pick<Saga, 'epoch' | 'rev'>,
  ): Promise<Saga | undefined> {
    return this.#records.apply<Saga | undefined>(id, (before, nowMs) => {
      if (seen && before?.epoch === seen.epoch && before.rev === seen.rev + 1) return { result: before };
      const change = decide(before, nowMs);
      if (change.kind === 'fenced') return { result: undefined };
      const { next } = change;
      return {
        result: next,
        next,
        effects: consequencesOf(before, next, this.settings, nowMs),
      };
    });
  }

  async due(partition: number, limit: number): Promise<DueRecords> {
    return this.#records.due(partition, limit);
  }

  async postpone(id: string, untilMs: number): Promise<void> {
    await this.#records.postpone(id, untilMs);
  }

  /** Puts right what should never be, and names it. */
  prove(): AsyncGenerator<Flaw<Saga>> {
    return this.#records.prove();
  }

  async dropTimer(id: string): Promise<void> {
    await this.#records.dropTimer(id);
  }
}

/** Of the plan that runs under this key, in the partition of its conversation: `sag_p7_0123456789ab`. */
export function sagaIdOf(conversationId: ConversationId, key: string): string {
  const digest = createHash('sha256').update(`${conversationId}:${key}`).digest('hex');
  return `sag_p${partitionOf(conversationId)}_${digest.slice(0, 12)}`;
}

export function partitionOfSaga(id: string): number {
  return Number.parseInt(id.slice('sag_p'.length), 10);
}
