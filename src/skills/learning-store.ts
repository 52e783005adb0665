/**
 * What the agent has learned: for each skill it proposed and somebody agreed to, who that was, what led to it, and what
 * turns of its kind came to before.
 *
 * Invariants
 *   1. One approval leaves one record, however often its call is run; what it says is not changed afterwards.
 *   2. A person who is erased is named in none.
 */
import { z } from 'zod';
import { MatcherName } from '../config/skills.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { ApprovalId, ConversationId, PersonId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { RecordStore } from '../redis/record-store.ts';
import { Measured, MeasureName } from './turn-measure.ts';

/** In place of a name. */
const ERASED_NAME = 'somebody (erased)';

/** Without an id: whoever it was is erased. */
const Named = z.object({ person: PersonId.optional(), name: z.string() });
export type Named = z.infer<typeof Named>;

export const LearningRecord = z.object({
  id: ApprovalId,
  rev: z.int(),
  skill: z.string(),
  version: z.string(),
  proposed: z.object({ conversationId: ConversationId, by: Named }),
  approvedBy: z.array(Named),
  pattern: z.string(),
  measure: MeasureName,
  /** What turns of its kind are told by, as it was then: before and after have to be of the same kind. */
  calledBy: z.object({ matcher: MatcherName, description: z.string(), keywords: z.array(z.string()) }),
  before: Measured,
  /** The store's time at which it was learned, in ms. */
  atMs: z.int(),
});
export type LearningRecord = z.infer<typeof LearningRecord>;
export type LearningDraft = Omit<LearningRecord, 'rev' | 'atMs'>;

export class LearningStore {
  readonly #records: RecordStore<LearningRecord>;

  constructor(
    redis: RedisClient,
    keys: Keys,
    writer: EffectWriter,
    /** How long a record is kept, in ms. */
    keepMs: () => number,
  ) {
    this.#records = new RecordStore(redis, keys, writer, {
      family: 'lrn',
      parse: (document) => LearningRecord.parse(document),
      partitionOf,
      dueOf: () => undefined,
      keepMs,
    });
  }

  async find(id: ApprovalId): Promise<LearningRecord | undefined> {
    return this.#records.find(id);
  }

  /** Kept with its line in the audit; nothing happens where there is one of this approval. */
  async keep(draft: LearningDraft): Promise<void> {
    await this.#records.apply(draft.id, (stored, nowMs) =>
      stored
        ? { result: undefined }
        : {
            result: undefined,
            next: { ...draft, rev: 1, atMs: nowMs },
            effects: [{ kind: 'audit', event: toLearned(draft) }],
          },
    );
  }

  /** All there are, the newest first. */
  async list(): Promise<LearningRecord[]> {
    const found = new Map<string, LearningRecord>();
    for await (const id of this.#records.ids()) {
      const record = await this.#records.find(id);
      if (record) found.set(id, record);
    }
    return [...found.values()].toSorted((a, b) => b.atMs - a.atMs || (a.id < b.id ? -1 : 1));
  }

  async naming(people: readonly PersonId[]): Promise<LearningRecord[]> {
    return (await this.list()).filter((record) => isNamed(record, people));
  }

  /** Takes these people out of one record. Whether they were in it. */
  async forget(id: string, people: readonly PersonId[], audit: AuditEvent): Promise<boolean> {
    const forgotten = await this.#records.apply(id, (stored) => {
      if (!stored || !isNamed(stored, people)) return { result: false };
      const next = {
        ...stored,
        rev: stored.rev + 1,
        proposed: { ...stored.proposed, by: withoutName(stored.proposed.by, people) },
        approvedBy: stored.approvedBy.map((each) => withoutName(each, people)),
      };
      return { result: true, next, effects: [{ kind: 'audit', event: audit }] };
    });
    return forgotten ?? false;
  }
}

function isNamed({ proposed, approvedBy }: LearningRecord, people: readonly PersonId[]): boolean {
  return [proposed.by, ...approvedBy].some((each) => isOneOf(each, people));
}

function withoutName(named: Named, people: readonly PersonId[]): Named {
  return isOneOf(named, people) ? { name: ERASED_NAME } : named;
}

function isOneOf({ person }: Named, people: readonly PersonId[]): boolean {
  return person !== undefined && people.includes(person);
}

function toLearned({ id, skill, version, measure, before, approvedBy }: LearningDraft): AuditEvent {
  return {
    event: 'skill.learned',
    actor: approvedBy.find(({ person }) => person !== undefined)?.person ?? 'system',
    subject: skill,
    correlation: id,
    detail: { version, measure, before: before.value ?? null, turns: before.turns },
  };
}
