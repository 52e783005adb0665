/**
 * Where schedules are kept: one record for each, in the partition of its conversation.
 *
 * Invariant: what a person had planned can be taken out whole, whatever its state; then nothing of it is run.
 */
import { createHash } from 'node:crypto';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { type DueRecords, type Flaw, RecordStore } from '../redis/record-store.ts';
import { dueOf, ended, type Plan, planned, Schedule } from './schedule.ts';

/** What is gone leaves the store with the write that says so, in ms. */
const AT_ONCE_MS = 1;

/** Active ones that are looked through for those of a person or a conversation. */
const MOST_LOOKED_AT = 10_000;

export interface ScheduleChange {
  readonly next: Schedule;
  readonly effects: readonly Effect[];
}

export class ScheduleStore {
  readonly #records: RecordStore<Schedule & Gone>;

  constructor(redis: RedisClient, keys: Keys, writer: EffectWriter, keepMs: () => number) {
    this.#records = new RecordStore<Schedule & Gone>(redis, keys, writer, {
      family: 'sch',
      parse: (document) => Schedule.parse(document),
      partitionOf: partitionOfSchedule,
      dueOf: ({ gone, ...schedule }) => (gone ? undefined : dueOf(schedule)),
      keepMs: ({ state, gone }) => (gone ? AT_ONCE_MS : state === 'active' ? undefined : keepMs()),
    });
  }

  async find(id: string): Promise<Schedule | undefined> {
    return this.#records.find(id);
  }

  /** Adds one. The same id again changes nothing, and resolves with what is there. */
  async add(plan: Plan): Promise<Schedule> {
    const added = await this.#records.apply<Schedule>(plan.id, (stored) => {
      if (stored) return { result: stored };
      const next = planned(plan);
      return { result: next, next, effects: [toAudit(next, 'schedule.created', plan.by.person)] };
    });
    if (!added) throw new Error(`${plan.id} was neither there nor added`);
    return added;
  }

  /** Resolves with it as it is then; undefined for one that is not there. One that is over stays as it is. */
  async cancel(id: string, by: PersonId): Promise<Schedule | undefined> {
    return this.#records.apply<Schedule | undefined>(id, (stored) => {
      const next = stored && ended(stored, 'cancelled');
      return next
        ? { result: next, next, effects: [toAudit(next, 'schedule.cancelled', by)] }
        : { result: stored };
    });
  }

  /** Writes what is decided on one, with all that follows from it. Resolves with whether anything was. */
  async apply(
    id: string,
    decide: (schedule: Schedule, nowMs: number) => ScheduleChange | undefined,
  ): Promise<boolean> {
    const changed = await this.#records.apply<boolean>(id, (stored, nowMs) => {
      const change = stored && decide(stored, nowMs);
      return change ? { result: true, ...change } : { result: false };
    });
    return changed === true;
  }

  /** What is planned, the next first. */
  async active(): Promise<Schedule[]> {
    return this.#records.live(MOST_LOOKED_AT);
  }

  /** Everything these people have planned, also what is over and still kept. */
  async plannedBy(people: readonly PersonId[]): Promise<Schedule[]> {
    const found = new Map<string, Schedule>();
    for await (const id of this.#records.ids()) {
      const schedule = await this.#records.find(id);
      if (schedule && people.includes(schedule.by.person)) found.set(id, schedule);
    }
    return [...found.values()];
  }

  /** Takes one out of the store, whatever its state. Whether it was there. */
  async drop(id: string, audit: AuditEvent): Promise<boolean> {
    const dropped = await this.#records.apply<boolean>(id, (stored) =>
      stored
        ? {
            result: true,
            next: { ...stored, rev: stored.rev + 1, gone: true },
            effects: [{ kind: 'audit', event: audit }],
          }
        : { result: false },
    );
    return dropped ?? false;
  }

  async due(partition: number, limit: number): Promise<DueRecords> {
    return this.#records.due(partition, limit);
  }

  async postpone(id: string, untilMs: number): Promise<void> {
    await this.#records.postpone(id, untilMs);
  }

  async dropTimer(id: string): Promise<void> {
    await this.#records.dropTimer(id);
  }

  /** Puts right what should never be, and names it. */
  prove(): AsyncGenerator<Flaw<Schedule>> {
    return this.#records.prove();
  }
}

interface Gone {
  /** On its way out of the store. */
  readonly gone?: boolean;
}

/** Of what is planned under this key, in the partition of its conversation: `sch_p7_0123456789ab`. */
export function scheduleIdOf(conversationId: ConversationId, key: string): string {
  const digest = createHash('sha256').update(`${conversationId}:${key}`).digest('hex');
  return `sch_p${partitionOf(conversationId)}_${digest.slice(0, 12)}`;
}

export function partitionOfSchedule(id: string): number {
  return Number.parseInt(id.slice('sch_p'.length), 10);
}

export function toAudit(
  { id, conversationId, when }: Schedule,
  event: string,
  actor: string,
  detail: AuditEvent['detail'] = {},
): Effect {
  const about = { conversation: conversationId, kind: when.kind, ...detail };
  return { kind: 'audit', event: { event, actor, subject: id, correlation: id, detail: about } };
}
