/**
 * Where approvals live: one document each, with one timer, changed only through the state machine.
 *
 * The machine (`domain/approval/`) decides; one script applies what it decided if the record it saw is still
 * the current one, to the byte, and the server's time lies in the window in which the decision is right. Otherwise it is decided
 * anew, on what is there now. So every approval has one linear history, and a decision, its timer, the item that
 * wakes the conversation, the updates of its cards and its audit entry become visible together.
 *
 * Invariants
 *   1. Nothing else writes an approval's key; nor its timer, but for `approval-rounds.ts`, which puts back what is gone.
 *   2. A timer leaves, or moves, only together with what its time brought about.
 *   3. An approval lives in the partition of its conversation; its id says which.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Approval, isEnded, isWaiting, type Step } from '../domain/approval/record.ts';
import {
  type Circumstances,
  dueOf,
  heedPeople,
  NO_CIRCUMSTANCES,
  type TickResult,
  tick,
} from '../domain/approval/time.ts';
import { ApprovalId, type ConversationId, type PersonId } from '../domain/ids.ts';
import { type Outage, toOutages } from '../domain/outage.ts';
import type { RedisClient } from '../redis/client.ts';
import { type Effect, toArguments } from '../redis/effects.ts';
import { type Keys, partitionOf, partitionOfApproval } from '../redis/keys.ts';
import { ask, type Query } from '../redis/query.ts';
import { putOff } from '../redis/record-store.ts';
import { loadScript, runBinaryScript } from '../redis/script.ts';
import { markOf } from './approval-audit.ts';
import { fromDocument, toDocument } from './approval-codec.ts';
import { INBOX_OF_UNKNOWN, inboxOfConversation, inboxOfHeld, movesBetween } from './inbox.ts';

const readScript = loadScript('read', import.meta.url);
const transitionScript = loadScript('transition', import.meta.url);
const dueScript = loadScript('due', import.meta.url);

/** Times a decision is taken anew before the caller hears that it could not be recorded. */
const MOST_TRIES = 50;
/** Requests of one conversation that one message may end. */
const MOST_GIVING_WAY = 1_000;
/** Approvals that are read at a time, where many are looked through. */
const MOST_READ_AT_ONCE = 1_000;

/** What follows from a change, for other parts of the product: cards, wake-ups, audit. Pure. */
export type Consequences = (
  before: Approval,
  moved: NonNullable<Step<unknown>['moved']>,
  nowMs: number,
) => Effect[];

export interface Due {
  readonly unparked: number;
  readonly approvals: readonly DueApproval[];
  /** The store's time of the next thing that falls due after these, in ms; undefined when nothing is waiting. */
  readonly nextMs: number | undefined;
  readonly nowMs: number;
}

/** An approval whose time has come, as it was stored at that moment; no bytes when only its timer is left. */
export interface DueApproval {
  readonly id: ApprovalId;
  readonly document: unknown;
  readonly nowMs: number;
  readonly outages: readonly Outage[];
}

/** An approval, the time by which it is judged, and when nobody of ours was there, all read in one step. */
interface Seen {
  readonly approval: Approval | undefined;
  /** Of the bytes that are stored. A revision is not enough: a server that lost writes may count one twice. */
  readonly fingerprint: string;
  readonly nowMs: number;
  readonly outages: readonly Outage[];
}

export class ApprovalStore {
  #people: Omit<Circumstances, 'outages'> = NO_CIRCUMSTANCES;
  #spared: ((approval: Approval, nowMs: number) => Promise<ReadonlySet<PersonId>>) | undefined;

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly consequences: Consequences,
    /** How long an ended approval stays, so that a late click gets a truthful answer, in ms. */
    private readonly keepMs: () => number,
  ) {}

  /** How people are found who come to a request later; before that, or where nothing is sent, nobody is. */
  reachPeopleBy(
    copiesFor: Circumstances['copiesFor'],
    further: Pick<
      Circumstances,
      'copyOf' | 'nextChange' | 'quietUntil' | 'people' | 'later' | 'elapsed'
    > = {},
  ): void {
    this.#people = { ...further, copiesFor };
  }

  /** Who is to be spared a reminder of their own that comes late; before that, nobody is. */
  sparePeopleBy(spared: (approval: Approval, nowMs: number) => Promise<ReadonlySet<PersonId>>): void {
    this.#spared = spared;
  }

  async find(id: ApprovalId): Promise<Approval | undefined> {
    return (await this.#read(id)).approval;
  }

  /**
   * Puts an event to the state machine and writes what it decides.
   *
   * @param seen the approval, where it was just read; it is only a guess, the write tells
   * @returns what the machine answered, or undefined if there is no such approval
   * @throws when the store is away, or others changed the record faster than this could
   */
  async apply<Result>(
    id: ApprovalId,
    decide: (approval: Approval, nowMs: number, circumstances: Circumstances) => Step<Result>,
    seen?: Seen,
  ): Promise<Result | undefined> {
    let { approval, fingerprint, nowMs, outages } = seen ?? (await this.#read(id));
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (!approval) return undefined;
      const step = decide(approval, nowMs, { ...this.#people, outages });
      if (!step.moved) return step.result;
      const refused = await this.#write(approval, step, { fingerprint, nowMs });
      if (!refused) return step.result;
      ({ approval, fingerprint, nowMs, outages } = refused);
    }
    throw new Error(`${id} was changed by others ${MOST_TRIES} times in a row`);
  }

  /**
   * The same for a change that becomes visible with somebody else's write, in the partition of the approval. That is
   * refused (`RecordMovedError`) if the approval is no longer as it was read here.
   *
   * @returns nothing to write where the machine changes nothing; undefined if there is no such approval
   */
  async changeOf<Result>(
    id: ApprovalId,
    decide: (approval: Approval, nowMs: number) => Step<Result>,
  ): Promise<{ readonly result: Result; readonly effects: readonly Effect[] } | undefined> {
    const { approval, fingerprint, nowMs } = await this.#read(id);
    if (!approval) return undefined;
    const { result, moved, window } = decide(approval, nowMs);
    if (!moved) return { result, effects: [] };
    if (window) throw new Error(`${moved.event} depends on the time at which it is written`);
    const { next } = moved;
    const change: Effect = {
      kind: 'change',
      approvalId: id,
      from: fingerprint,
      document: toDocument(next),
      dueMs: dueOf(next),
      keepMs: isEnded(next.state) ? this.keepMs() : undefined,
      inboxes: movesBetween(approval, next),
      deadlineMs: next.deadlineMs,
    };
    return { result, effects: [change, ...this.consequences(approval, moved, nowMs)] };
  }

  /**
   * Asks whoever comes to an approval because absences or duty are configured otherwise than before.
   *
   * @param approval as it was read just now; where nothing follows from it, it is not read again
   */
  async heedPeople(approval: Approval, nowMs: number): Promise<void> {
    const guess = heedPeople(approval, nowMs, { ...this.#people, outages: [] });
    if (guess.moved) await this.apply(approval.id, heedPeople);
  }

  /** Applies what time brings about for one approval. */
  async tick({ id, document, nowMs, outages }: DueApproval): Promise<TickResult | undefined> {
    const seen = toSeen(document, nowMs, outages);
    const spared = seen.approval && (await this.#spared?.(seen.approval, nowMs));
    const unheard = seen.approval && (await this.#isUnheard(seen.approval));
    return this.apply(
      id,
      (approval, atMs, circumstances) => tick(approval, atMs, { ...circumstances, spared, unheard }),
      seen,
    );
  }

  /** Whether a yes has not come up in its conversation yet: a message there may wait for a human, or for the model. */
  async #isUnheard(approval: Approval): Promise<boolean> {
    if (approval.state !== 'APPROVED') return false;
    return (await this.redis.get(this.keys.heard(approval.id))) !== markOf(approval);
  }

  /** What has fallen due in a partition; parked lanes among it are back in line already. */
  async due(partition: number, limit: number): Promise<Due> {
    const reply = await runBinaryScript(
      this.redis,
      dueScript,
      [this.keys.parked(partition), this.keys.timers(partition)],
      [this.keys.partition(partition), limit],
    );
    const [unparked, due, next, now, outages] = Array.isArray(reply) ? reply : [];
    const nowMs = Number(now);
    return {
      unparked: Number(unparked),
      approvals: toDue(due, nowMs, toOutages(outages)),
      nextMs: Number(next) < 0 ? undefined : Number(next),
      nowMs,
    };
  }

  /** The time by which everything of a conversation's partition is judged, in ms. */
  async nowMs(conversationId: ConversationId): Promise<number> {
    const partition = partitionOf(conversationId);
    return (await this.due(partition, 0)).nowMs;
  }

  /**
   * Looks at a timer again later, when its approval could not be read or written now. A timer that has left
   * meanwhile, because its approval ended, does not come back; one that somebody else has moved on stays there.
   */
  async postpone({ id, nowMs }: Pick<DueApproval, 'id' | 'nowMs'>, byMs: number): Promise<void> {
    const partition = partitionOfApproval(id);
    const [timers, prefix] = [this.keys.timers(partition), this.keys.partition(partition)];
    await putOff(this.redis, timers, prefix, { id, untilMs: nowMs + byMs }).catch(() => undefined);
  }

  /** A timer without its approval (it expired, or was erased) has nothing to bring about. */
  async dropTimer(id: ApprovalId): Promise<void> {
    await this.redis.zrem(this.keys.timers(partitionOfApproval(id)), id);
  }

  /**
   * Approvals that wait for somebody or something, and are wanted, soonest due first. One that cannot be read hides no
   * other. However many others there are, all are looked through until enough are found.
   */
  async pending(limit: number, wanted: (approval: Approval) => boolean = () => true): Promise<Approval[]> {
    const timers = this.keys.partitions().map((partition) => this.keys.timers(partition));
    const found = await this.#search(timers, wanted, limit);
    return found.sort((a, b) => (dueOf(a) ?? 0) - (dueOf(b) ?? 0));
  }

  /** The ids of all of these, in no order. */
  async pendingIds(): Promise<ApprovalId[]> {
    const timers = this.keys.partitions().map((partition) => this.keys.timers(partition));
    const lists = await Promise.all(timers.map((key) => this.redis.zrange(key, 0, '-1')));
    return lists.flat().map((id) => ApprovalId.parse(String(id)));
  }

  /**
   * What lies in any of these inboxes and is wanted, the next to expire first. One that cannot be read hides no other.
   *
   * @param names as `inboxesFor` of inbox.ts gives them
   */
  async inbox(
    names: readonly string[],
    wanted: (approval: Approval) => boolean,
    limit: number,
  ): Promise<Approval[]> {
    return this.#search(this.#inboxes(names), (each) => isWaiting(each.state) && wanted(each), limit);
  }

  /** Calls of which nobody knows whether they ran, those that are wanted. */
  async unknown(wanted: (approval: Approval) => boolean, limit: number): Promise<Approval[]> {
    const isWanted = (each: Approval) => each.state === 'UNKNOWN' && wanted(each);
    return this.#search(this.#inboxes([INBOX_OF_UNKNOWN]), isWanted, limit);
  }

  /** All that waits in a conversation, or runs because somebody agreed to it, the next to expire first. */
  async heldIn(conversationId: ConversationId): Promise<Approval[]> {
    const inbox = this.keys.inbox(partitionOf(conversationId), inboxOfHeld(conversationId));
    return this.#search([inbox], ({ state }) => !isEnded(state), Number.POSITIVE_INFINITY);
  }

  /** What its requester may end by writing again in this conversation, whether it waits for people or for its run. */
  async givingWayIn(conversationId: ConversationId): Promise<Approval[]> {
    return this.#findAll(await ask(this.redis, this.givingWayQuery(conversationId)));
  }

  givingWayQuery(conversationId: ConversationId): Query<ApprovalId[]> {
    const inbox = this.keys.inbox(partitionOf(conversationId), inboxOfConversation(conversationId));
    return {
      command: ['zrange', inbox, 0, MOST_GIVING_WAY - 1],
      read: (ids) => z.array(ApprovalId).parse(ids),
    };
  }

  #inboxes(names: readonly string[]): string[] {
    return this.keys
      .partitions()
      .flatMap((partition) => names.map((name) => this.keys.inbox(partition, name)));
  }

  /** The first that are wanted of several sorted sets together, however many others come before them. */
  async #search(
    sets: readonly string[],
    wanted: (approval: Approval) => boolean,
    limit: number,
  ): Promise<Approval[]> {
    const found: Approval[] = [];
    const looked = new Set<ApprovalId>();
    for (let count = Math.min(limit, MOST_READ_AT_ONCE); ; count *= 4) {
      const ids = await this.#firstOf(sets, count);
      const further = ids.filter((id) => !looked.has(id));
      for (let from = 0; from < further.length && found.length < limit; from += MOST_READ_AT_ONCE) {
        const page = further.slice(from, from + MOST_READ_AT_ONCE);
        for (const id of page) looked.add(id);
        found.push(...(await this.#findAll(page)).filter(wanted));
      }
      if (found.length >= limit || ids.length < count) return found.slice(0, limit);
    }
  }

  /** The first of several sorted sets together, each once. */
  async #firstOf(keys: readonly string[], count: number): Promise<ApprovalId[]> {
    const lists = await Promise.all(
      keys.map((key) => this.redis.zrange(key, 0, `${count - 1}`, 'WITHSCORES')),
    );
    const scores = new Map<string, number>();
    for (const list of lists) {
      for (let i = 0; i + 1 < list.length; i += 2) scores.set(String(list[i]), Number(list[i + 1]));
    }
    return [...scores]
      .sort(([, a], [, b]) => a - b)
      .slice(0, count)
      .map(([id]) => ApprovalId.parse(id));
  }

  async #findAll(ids: readonly ApprovalId[]): Promise<Approval[]> {
    const reads = await Promise.allSettled(ids.map((id) => this.find(id)));
    return reads.flatMap((read) => (read.status === 'fulfilled' ? (read.value ?? []) : []));
  }

  async #read(id: ApprovalId): Promise<Seen> {
    const partition = this.keys.partition(partitionOfApproval(id));
    const reply = await runBinaryScript(this.redis, readScript, [this.keys.approval(id)], [partition]);
    const [document, now, outages] = Array.isArray(reply) ? reply : [];
    return toSeen(document, Number(now), toOutages(outages));
  }

  /** Undefined when written; what is there now when not. */
  async #write(
    before: Approval,
    { moved, window }: Step<unknown>,
    { fingerprint, nowMs }: Pick<Seen, 'fingerprint' | 'nowMs'>,
  ): Promise<Seen | undefined> {
    if (!moved) return undefined;
    const { next } = moved;
    const reply = await runBinaryScript(
      this.redis,
      transitionScript,
      [this.keys.approval(next.id)],
      [
        this.keys.partition(partitionOfApproval(next.id)),
        next.id,
        fingerprint,
        toDocument(next),
        window?.notBeforeMs ?? 0,
        window?.beforeMs ?? 0,
        dueOf(next) ?? '',
        isEnded(next.state) ? this.keepMs() : '',
        movesBetween(before, next),
        next.deadlineMs,
        ...toArguments(this.consequences(before, moved, nowMs)),
      ],
    );
    const [written, document, now, outages] = Array.isArray(reply) ? reply : [];
    if (Number(written) === 1) return undefined;
    return toSeen(document, Number(now), toOutages(outages));
  }
}

function toSeen(document: unknown, nowMs: number, outages: readonly Outage[]): Seen {
  if (!Buffer.isBuffer(document)) return { approval: undefined, fingerprint: '', nowMs, outages };
  const fingerprint = createHash('sha1').update(document).digest('hex');
  return { approval: fromDocument(document), fingerprint, nowMs, outages };
}

/** Id and document in turn. */
function toDue(flat: unknown, nowMs: number, outages: readonly Outage[]): DueApproval[] {
  const due: DueApproval[] = [];
  for (let i = 0; Array.isArray(flat) && i + 1 < flat.length; i += 2) {
    due.push({ id: ApprovalId.parse(String(flat[i])), document: flat[i + 1], nowMs, outages });
  }
  return due;
}

/** The effect that brings a new approval into being, inside the commit of the turn that asked for it. */
export function toOpenEffect(approval: Approval, keepEndedMs: number): Effect {
  return {
    kind: 'open',
    approvalId: approval.id,
    document: toDocument(approval),
    dueMs: dueOf(approval),
    keepMs: isEnded(approval.state) ? keepEndedMs : undefined,
    inboxes: movesBetween(undefined, approval),
    deadlineMs: approval.deadlineMs,
  };
}

/** Derived from the item and the call that caused it, so that doing the turn again asks the same question once. */
export function approvalIdFor(conversationId: ConversationId, itemId: string, call: number): ApprovalId {
  const digest = createHash('sha256').update(`${conversationId}\n${itemId}\n${call}`).digest();
  const tail = BigInt(`0x${digest.subarray(0, 8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0')
    .slice(-12);
  return ApprovalId.parse(`apr_p${partitionOf(conversationId)}_${tail}`);
}
