/**
 * What people are told after a time in which nobody of ours was there: of the first few requests they were to be
 * reminded of, each by itself; of all others together, once.
 *
 * Invariants (number of the specification)
 *   E11  Within an hour nobody gets more reminders that come late than the policy says, and one message that tells how
 *        many more wait for them. What is told in time does not count.
 *   1.   Whoever is not told of something gets that message: there is no silence about the rest.
 */

import { toOutEffect } from '../delivery/outbox.ts';
import { askedBy } from '../domain/approval/copies.ts';
import { answeredBy } from '../domain/approval/reconciliation.ts';
import { type Approval, isWaiting } from '../domain/approval/record.ts';
import { isOverdueReminder } from '../domain/approval/time.ts';
import { mayDecide } from '../domain/approval/voting.ts';
import { ConversationId, type PersonId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Directory } from '../identity/directory.ts';
import type { RedisClient } from '../redis/client.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';
import type { ApprovalStore } from './approval-store.ts';
import { inboxesFor } from './inbox.ts';
import { digestText } from './sentences.ts';

const catchUpScript = loadScript('catch-up', import.meta.url);

/** Told one by one where the policy of the request says nothing else (specification, "Timers", catch-up mode). */
const USUAL_BUDGET = 3;
/** How long the budget is for, from the first of the messages on. */
const BUDGET_MS = 60 * 60_000;
/** Requests, and calls of unknown outcome, that are looked through, at most. */
const MOST_COUNTED = 1_000;

export interface CatchUpDeps {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly approvals: Pick<ApprovalStore, 'inbox' | 'unknown'>;
  readonly directory: Pick<Directory, 'find' | 'may' | 'voterOf'>;
  readonly writer: Pick<EffectWriter, 'write'>;
}

export class CatchUps {
  constructor(private readonly deps: CatchUpDeps) {}

  /**
   * Those who are not told by itself that time has come for this approval; those whose turn it is are told of all
   * that waits for them. Nobody, where it is not late.
   */
  async spared(approval: Approval, nowMs: number): Promise<ReadonlySet<PersonId>> {
    const spared = new Set<PersonId>();
    if (!isOverdueReminder(approval, nowMs)) return spared;
    const most = approval.policy.catchUp ?? USUAL_BUDGET;
    const answered = answeredBy(approval);
    for (const copy of approval.copies.filter(({ resting }) => !resting)) {
      for (const person of askedBy(copy).filter((each) => !answered.has(each) && !spared.has(each))) {
        const answer = await this.#spend(person, approval, most);
        if (answer !== 'tell') spared.add(person);
        if (answer === 'digest') await this.#tellAll(person, copy.to, approval, nowMs);
      }
    }
    return spared;
  }

  async #spend(person: PersonId, { id, reminded, nagged = 0 }: Approval, most: number): Promise<unknown> {
    const budget = this.deps.keys.catchUp(partitionOf(person), person);
    return runScript(
      this.deps.redis,
      catchUpScript,
      [budget],
      [`${id}:${reminded}:${nagged}`, most, BUDGET_MS],
    );
  }

  /** Once, though a process may end over it and another take it up. */
  async #tellAll(person: PersonId, to: Address, approval: Approval, nowMs: number): Promise<void> {
    const left = await this.#leftFor(person, approval, nowMs);
    const id = `catch-up:${person}:${approval.id}:${approval.reminded}:${approval.nagged ?? 0}`;
    const conversationId = ConversationId.parse(`catch-up:${person}`);
    const { correlation } = approval.request;
    await this.deps.writer.write(
      conversationId,
      [
        toOutEffect({
          kind: 'text',
          id,
          correlation,
          conversationId,
          to,
          markdown: digestText(left),
          atMs: nowMs,
        }),
      ],
      { key: id, forMs: BUDGET_MS },
    );
  }

  /** What they are asked for now and were not told of by itself: this one at least. */
  async #leftFor(
    person: PersonId,
    approval: Approval,
    nowMs: number,
  ): Promise<{ readonly requests: number; readonly unknown: number }> {
    const told = await this.#toldTo(person);
    const all = [...(await this.#waitingFor(person, nowMs)), ...(await this.#unknownTo(person))];
    const others = all.filter(({ id }) => id !== approval.id && !told.has(id));
    const left = [approval, ...others];
    const unknown = left.filter(({ state }) => state === 'UNKNOWN').length;
    return { requests: left.length - unknown, unknown };
  }

  async #toldTo(person: PersonId): Promise<ReadonlySet<string>> {
    const things = await this.deps.redis.hgetall(this.deps.keys.catchUp(partitionOf(person), person));
    const told = Object.keys(things).filter((thing) => things[thing] === 'tell');
    // As `#spend` and catch-up.lua name them; no id of an approval holds a colon.
    return new Set(told.flatMap((thing) => thing.split(':')[1] ?? []));
  }

  /** The requests they could answer now. */
  async #waitingFor(id: PersonId, nowMs: number): Promise<readonly Approval[]> {
    const { directory, approvals } = this.deps;
    const person = directory.find(id);
    if (!person) return [];
    const voter = directory.voterOf(person, nowMs);
    return approvals.inbox(
      inboxesFor(voter),
      (each) => isWaiting(each.state) && mayDecide(each, voter),
      MOST_COUNTED,
    );
  }

  /** The calls they were asked to find out about. They lie in nobody's own inbox. */
  async #unknownTo(person: PersonId): Promise<readonly Approval[]> {
    return this.deps.approvals.unknown(
      ({ copies }) => copies.some((copy) => !copy.resting && askedBy(copy).includes(person)),
      MOST_COUNTED,
    );
  }
}
