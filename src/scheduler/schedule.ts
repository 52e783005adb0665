/**
 * Something a person wants done at another time, as it is kept.
 *
 *   active ──its time──▶ active (the next time) | done (there is none)
 *      ├──taken back──▶ cancelled
 *      └──whoever planned it may not ask any more──▶ stopped
 *
 * Pure. Done, cancelled and stopped are final.
 *
 * Invariants
 *   1. Each planned time brings about one run at most. Those that passed while nobody looked bring about one together.
 *   2. A run is due at the time it was planned for; later than `LATE_MS` it says so.
 */
import { z } from 'zod';
import { AccountId, ConversationId, PersonId } from '../domain/ids.ts';
import { Address } from '../domain/message.ts';
import { nextAfter, When } from './timing.ts';

/** So long after its time a run is not told as late, in ms. */
export const LATE_MS = 2 * 60_000;

export const Schedule = z.object({
  id: z.string(),
  rev: z.int().positive(),
  conversationId: ConversationId,
  /** Where the answer goes: where it was planned. */
  to: Address,
  /** Whoever planned it, and from which account. What groups carry is not known while they do not speak. */
  by: z.object({ person: PersonId, name: z.string(), account: AccountId }),
  title: z.string(),
  /** What the agent is told when the time has come. */
  text: z.string(),
  /** It was planned after strangers' words were read, so it may be theirs. */
  isStrangers: z.literal(true).optional(),
  when: When,
  state: z.enum(['active', 'done', 'cancelled', 'stopped']),
  nextMs: z.int(),
  /** When it is looked at again, where it may not be run yet though it is due. */
  lookMs: z.int().optional(),
  runs: z.int(),
  createdMs: z.int(),
});
export type Schedule = z.infer<typeof Schedule>;

export type Plan = Omit<Schedule, 'rev' | 'state' | 'runs' | 'nextMs' | 'lookMs'>;

/** One run of it. */
export interface Run {
  /** 1, 2, 3, … */
  readonly number: number;
  readonly plannedMs: number;
  readonly lateMs: number;
}

/** @throws when its time is over; see `readWish` */
export function planned(plan: Plan): Schedule {
  const nextMs = nextAfter(plan.when, plan.createdMs);
  if (nextMs === undefined) throw new Error(`${plan.id} would never run`);
  return { ...plan, rev: 1, state: 'active', runs: 0, nextMs };
}

/** Undefined while its time has not come, or once it is over. */
export function runDue(schedule: Schedule, nowMs: number): { next: Schedule; run: Run } | undefined {
  if (schedule.state !== 'active' || schedule.nextMs > nowMs) return undefined;
  const following = nextAfter(schedule.when, nowMs);
  const number = schedule.runs + 1;
  const { lookMs: _, ...same } = schedule;
  return {
    next: {
      ...same,
      rev: schedule.rev + 1,
      runs: number,
      ...(following === undefined ? { state: 'done' } : { nextMs: following }),
    },
    run: { number, plannedMs: schedule.nextMs, lateMs: nowMs - schedule.nextMs },
  };
}

/** It may not be run now; undefined while its time has not come, or once it is over. */
export function putOff(schedule: Schedule, nowMs: number, forMs: number): Schedule | undefined {
  if (schedule.state !== 'active' || schedule.nextMs > nowMs) return undefined;
  return { ...schedule, rev: schedule.rev + 1, lookMs: nowMs + forMs };
}

/** When there is something to do about it; undefined once it is over. */
export function dueOf({ state, nextMs, lookMs = 0 }: Schedule): number | undefined {
  return state === 'active' ? Math.max(nextMs, lookMs) : undefined;
}

/** Undefined once it is over. */
export function ended(schedule: Schedule, state: 'cancelled' | 'stopped'): Schedule | undefined {
  return schedule.state === 'active' ? { ...schedule, rev: schedule.rev + 1, state } : undefined;
}
