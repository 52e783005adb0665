/**
 * Goes round all approvals, and puts right what is around one: its timer, and the items that tell of it.
 *
 * Invariants
 *   1. An approval itself is never written here; what has to change in it goes through the state machine.
 *   2. Whatever is put right is put right only if the approval is still the one that was looked at, in the same step.
 *      So any number of processes may go round at the same time.
 */
import type { Approval, CardCopy } from '../domain/approval/record.ts';
import { ApprovalId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Effect } from '../redis/effects.ts';
import { scanKeys } from '../redis/key-scan.ts';
import { type Keys, partitionOfApproval } from '../redis/keys.ts';
import { loadScript, runBinaryScript, runScript } from '../redis/script.ts';
import { LATE_MS, markOf, toldBy, updatedBy } from './approval-audit.ts';

const roundScript = loadScript('round', import.meta.url);
const rearmScript = loadScript('rearm', import.meta.url);
const ensureScript = loadScript('ensure', import.meta.url);
const proveScript = loadScript('prove', import.meta.url);
const orphansScript = loadScript('orphans', import.meta.url);

/** Timers looked at in one step. */
const PAGE = 500;
/** A card that was posted anew is not posted again for the same face within this time, in ms. */
const POST_ONCE_MS = 30 * 24 * 60 * 60_000;

/** An approval that was in order at this revision, and stays so if its timer does. */
export interface Known {
  readonly rev: number;
  readonly dueMs: number | undefined;
}

/** An approval that has to be looked at, and what was around it in the same moment. */
export interface Seen {
  readonly id: ApprovalId;
  readonly document: Buffer;
  readonly nowMs: number;
  readonly timerMs: number | undefined;
  readonly mark: string | undefined;
}

const NOTHING = { count: 0, seen: [] };

/** `waiting`, `heard`: all is well. `given-up`: it was tried, and a person has the dead letter. */
export type Ensured = 'changed' | 'waiting' | 'heard' | 'given-up' | 'posted';

export class ApprovalRounds {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** Every approval there is, a page at a time: how many there are, and those that have to be looked at. */
  async *all(
    known: (id: ApprovalId) => Known | undefined,
  ): AsyncGenerator<{ readonly count: number; readonly seen: readonly Seen[] }> {
    for await (const keys of scanKeys(this.redis, this.keys.everyApproval())) {
      const ids = keys.flatMap((key) => toId(key) ?? []);
      const pages = await Promise.all(
        this.keys.partitions().map(async (partition) => {
          const own = ids.filter((id) => partitionOfApproval(id) === partition);
          return own.length === 0 ? NOTHING : this.#read(partition, own, known);
        }),
      );
      yield {
        count: pages.reduce((sum, { count }) => sum + count, 0),
        seen: pages.flatMap(({ seen }) => seen),
      };
    }
  }

  /** Removes the timers of a partition that belong to no approval. Resolves with whose they were. */
  async dropOrphans(partition: number): Promise<ApprovalId[]> {
    const dropped: ApprovalId[] = [];
    let cursor = '0';
    do {
      const reply = await runScript(
        this.redis,
        orphansScript,
        [this.keys.timers(partition)],
        [this.keys.partition(partition), cursor, PAGE],
      );
      const [next, ...ids] = Array.isArray(reply) ? reply.map(String) : ['0'];
      dropped.push(...ids.map((id) => ApprovalId.parse(id)));
      cursor = next ?? '0';
    } while (cursor !== '0');
    return dropped;
  }

  /** Puts the timer where it belongs; removes it where that is nowhere. False if the approval has changed. */
  async rearm({ id, rev }: Pick<Approval, 'id' | 'rev'>, dueMs: number | undefined): Promise<boolean> {
    const reply = await runScript(
      this.redis,
      rearmScript,
      [this.keys.approval(id), this.keys.timers(partitionOfApproval(id))],
      [id, rev, dueMs ?? ''],
    );
    return reply === 1;
  }

  /** Posts what tells the conversation what the approval came to, unless that is there or was handled. */
  async ensureWakeUp(approval: Approval, wakeUp: Extract<Effect, { kind: 'mail' }>): Promise<Ensured> {
    const { conversationId, item } = wakeUp;
    return this.#ensure(approval, {
      queue: 'm',
      lane: conversationId,
      text: toldBy(approval),
      item,
      mark: markOf(approval),
      onceKey: '',
    });
  }

  /** Posts what brings a copy up to date, unless that is there, or was posted anew and came to nothing. */
  async ensureUpdate(
    approval: Approval,
    copy: CardCopy,
    { queue, lane, item }: Extract<Effect, { kind: 'out' }>,
  ): Promise<Ensured> {
    return this.#ensure(approval, {
      queue,
      lane,
      text: updatedBy(approval, copy),
      item,
      mark: '',
      onceKey: `mended:${approval.id}:${copy.id}:${approval.face}`,
    });
  }

  /** Notes that an approval that ended is in order as it is. */
  async prove(approval: Approval): Promise<void> {
    await this.#note(approval, `${markOf(approval)} r${approval.rev}`);
  }

  /** Takes for handled what an approval came to. */
  async takeForHeard(approval: Approval): Promise<void> {
    await this.#note(approval, markOf(approval));
  }

  async #note({ id, rev }: Approval, note: string): Promise<void> {
    await runScript(this.redis, proveScript, [this.keys.approval(id), this.keys.heard(id)], [rev, note]);
  }

  async #read(
    partition: number,
    ids: readonly ApprovalId[],
    known: (id: ApprovalId) => Known | undefined,
  ): Promise<{ count: number; seen: Seen[] }> {
    const about = ids.flatMap((id) => {
      const { rev = '', dueMs = '' } = known(id) ?? {};
      return [id, rev, dueMs];
    });
    const reply = await runBinaryScript(
      this.redis,
      roundScript,
      [this.keys.timers(partition)],
      [this.keys.partition(partition), LATE_MS, ...about],
    );
    const [now, count, worth] = Array.isArray(reply) ? reply : [];
    return { count: Number(count), seen: toSeen(worth, Number(now)) };
  }

  async #ensure(
    { id, rev }: Approval,
    wanted: {
      readonly queue: Extract<Effect, { kind: 'out' }>['queue'];
      readonly lane: string;
      readonly text: string;
      readonly item: object;
      readonly mark: string;
      readonly onceKey: string;
    },
  ): Promise<Ensured> {
    const { queue, lane, text, item, mark, onceKey } = wanted;
    const partition = partitionOfApproval(id);
    const reply = await runScript(
      this.redis,
      ensureScript,
      [this.keys.approval(id), this.keys.items(partition, queue, lane)],
      [
        this.keys.partition(partition),
        id,
        rev,
        queue,
        lane,
        text,
        JSON.stringify(item),
        mark,
        onceKey,
        POST_ONCE_MS,
      ],
    );
    return toEnsured(reply);
  }
}

function toEnsured(reply: unknown): Ensured {
  switch (reply) {
    case 'changed':
    case 'waiting':
    case 'heard':
    case 'given-up':
    case 'posted':
      return reply;
    default:
      throw new Error(`the ensure script answered ${JSON.stringify(reply)}`);
  }
}

/** Undefined for a key that only looks like an approval's. */
function toId(key: string): ApprovalId | undefined {
  return ApprovalId.safeParse(key.slice(key.indexOf('}:apr:') + '}:apr:'.length)).data;
}

/** Id, document, timer and mark in turn. */
function toSeen(flat: unknown, nowMs: number): Seen[] {
  const seen: Seen[] = [];
  for (let i = 0; Array.isArray(flat) && i + 3 < flat.length; i += 4) {
    const [id, document, timer, mark] = [
      String(flat[i]),
      flat[i + 1],
      String(flat[i + 2]),
      String(flat[i + 3]),
    ];
    seen.push({
      id: ApprovalId.parse(id),
      document: Buffer.isBuffer(document) ? document : Buffer.alloc(0),
      nowMs,
      timerMs: timer === '' ? undefined : Number(timer),
      // What was proved of it stands behind the mark.
      mark: mark === '' ? undefined : mark.replace(/ r\d+$/, ''),
    });
  }
  return seen;
}
