/**
 * Records of one family, each changed only by a pure decision on what it is: read, decide, write, and if somebody
 * else was first, decide anew. So every record has one line of revisions, and a change becomes visible together with
 * its timer and with everything that follows from it.
 *
 * Invariants
 *   1. Nothing else writes a record of the family or its place in the list of what is due.
 *   2. What is written over is, to the byte, what was decided on: a server that lost writes gives a revision twice.
 *   3. A record leaves that list, or moves on in it, only together with what its time brought about; one that cannot be
 *      moved on is put off, and tried again.
 */
import { AppError, RecordMovedError } from '../domain/errors.ts';
import { type Outage, toOutages } from '../domain/outage.ts';
import type { RedisClient } from './client.ts';
import type { EffectWriter } from './effect-writer.ts';
import type { Effect, Once } from './effects.ts';
import { fingerprintOf } from './fingerprint.ts';
import { scanKeys } from './key-scan.ts';
import { type Keys, PARTITIONS, type RecordFamily } from './keys.ts';
import { loadScript, runScript } from './script.ts';

const readScript = loadScript('record-read', import.meta.url);
const dueScript = loadScript('record-due', import.meta.url);
const rearmScript = loadScript('record-rearm', import.meta.url);
const putOffScript = loadScript('record-put-off', import.meta.url);

/** Times a change is decided anew before the caller hears that it could not be recorded. */
const MOST_TRIES = 50;

/** A place in the list may be so much later than the record says: one that was put off is tried again then. */
const LATE_MS = 61_000;
/** Something that is due for so long is not moved on by anybody. */
const STUCK_MS = 5 * 60_000;

/** What should never be. `stuck` and `unreadable` are left as they are. */
export interface Flaw<Stored> {
  readonly id: string;
  readonly kind: 'lost' | 'left-over' | 'stuck' | 'unreadable';
  readonly stored: Stored | undefined;
}

/** What the store has to know of a family. */
export interface RecordKind<Stored extends { readonly rev: number }> {
  readonly family: RecordFamily;
  /** @throws for what is not such a record */
  parse(document: unknown): Stored;
  partitionOf(id: string): number;
  /** When time moves it on; undefined when it does not. */
  dueOf(stored: Stored): number | undefined;
  /** How long one that is over is kept, in ms; undefined for one that is not. */
  keepMs(stored: Stored): number | undefined;
}

/** What was decided on a record: perhaps its next revision with what follows from it, always an answer. */
export interface Decided<Stored, Result> {
  readonly result: Result;
  readonly next?: Stored;
  readonly effects?: readonly Effect[];
  /** `as-before`: one that is over, and stays so, is forgotten when it was to be; absent: kept from now on. */
  readonly kept?: 'as-before';
}

export interface DueRecords {
  readonly ids: readonly string[];
  /** The store's time of the next one, in ms; undefined when none is waiting. */
  readonly nextMs: number | undefined;
  readonly nowMs: number;
}

export class RecordStore<Stored extends { readonly rev: number }> {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly writer: EffectWriter,
    private readonly kind: RecordKind<Stored>,
  ) {}

  async find(id: string): Promise<Stored | undefined> {
    return this.#parse(await this.redis.get(this.#key(id)));
  }

  /** The record, and the time by which it is judged, in ms. */
  async read(id: string): Promise<{ stored: Stored | undefined; nowMs: number }> {
    const { stored, nowMs } = await this.#look(id);
    return { stored, nowMs };
  }

  /**
   * Decides on a record and writes what was decided.
   *
   * @returns the answer; undefined when `once` was used up before, so that nothing was written
   * @throws when the store is away, or others changed the record faster than this could
   */
  async apply<Result>(
    id: string,
    decide: (
      stored: Stored | undefined,
      nowMs: number,
      outages: readonly Outage[],
    ) => Decided<Stored, Result>,
    once?: Once,
  ): Promise<Result | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { stored, seen, nowMs, outages } = await this.#look(id);
      const { result, next, effects = [], kept } = decide(stored, nowMs, outages);
      if (!next) return result;
      try {
        const all = [this.#toEffect(id, seen, next, kept), ...effects];
        const isFirst = await this.writer.writeIn(this.kind.partitionOf(id), all, once);
        return isFirst ? result : undefined;
      } catch (error) {
        if (!(error instanceof RecordMovedError)) throw error;
      }
    }
    throw new Error(`the record ${id} was changed by others ${MOST_TRIES} times in a row`);
  }

  /** What has fallen due in a partition. */
  async due(partition: number, limit: number): Promise<DueRecords> {
    const list = this.keys.recordTimers(partition, this.kind.family);
    return readDue(this.redis, list, this.keys.partition(partition), limit);
  }

  /** Those that are not over, and are wanted, that are due first first; however many others come before them. */
  async live(limit: number, wanted: (stored: Stored) => boolean = () => true): Promise<Stored[]> {
    const found = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, partition) => this.#liveIn(partition, wanted, limit)),
    );
    return found
      .flat()
      .toSorted((a, b) => (this.kind.dueOf(a) ?? Infinity) - (this.kind.dueOf(b) ?? Infinity))
      .slice(0, limit);
  }

  async #liveIn(partition: number, wanted: (stored: Stored) => boolean, limit: number): Promise<Stored[]> {
    const found: Stored[] = [];
    const ids = await this.redis.zrange(this.keys.recordTimers(partition, this.kind.family), 0, '-1');
    for (let from = 0; from < ids.length && found.length < limit; from += limit) {
      // One that cannot be read hides no other.
      const page = await Promise.all(
        ids.slice(from, from + limit).map((id) => this.find(id).catch(passOver)),
      );
      found.push(...page.flatMap((stored) => (stored && wanted(stored) ? [stored] : [])));
    }
    return found;
  }

  /** Of every record there is; one may come twice. */
  async *ids(): AsyncGenerator<string> {
    for await (const keys of scanKeys(this.redis, this.keys.everyRecord(this.kind.family))) {
      for (const key of keys) yield key.slice(key.indexOf('}:') + 2 + this.kind.family.length + 1);
    }
  }

  /**
   * Looks at every record and at every place in the list, and puts right what should never be: a record that waits for
   * its time, and is not, or too late, in the list; a place in it without a record. Names what it found.
   */
  async *prove(): AsyncGenerator<Flaw<Stored>> {
    for await (const id of this.ids()) {
      const flaw = await this.#flawOf(id).catch(unreadable(id));
      if (flaw) yield flaw;
    }
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const id of await this.redis.zrange(
        this.keys.recordTimers(partition, this.kind.family),
        0,
        '-1',
      )) {
        // One that cannot be read was found above.
        const looked = await this.#look(id).catch(unreadable(id));
        if ('kind' in looked) continue;
        const { stored, seen } = looked;
        if (stored && this.kind.keepMs(stored) === undefined) continue;
        if (await this.#rearm(id, seen, '')) yield { id, kind: 'left-over', stored };
      }
    }
  }

  async #flawOf(id: string): Promise<Flaw<Stored> | undefined> {
    const list = this.keys.recordTimers(this.kind.partitionOf(id), this.kind.family);
    const { stored, seen, nowMs } = await this.#look(id);
    if (!stored || this.kind.keepMs(stored) !== undefined) return undefined;
    const dueMs = this.kind.dueOf(stored) ?? Number.POSITIVE_INFINITY;
    const kind = await standingOf(this.redis, list, { id, dueMs, nowMs });
    if (kind !== 'lost') return kind && { id, kind, stored };
    const at = Number.isFinite(dueMs) ? String(dueMs) : '+inf';
    return (await this.#rearm(id, seen, at)) ? { id, kind: 'lost', stored } : undefined;
  }

  async #rearm(id: string, seen: string, at: string): Promise<boolean> {
    const list = this.keys.recordTimers(this.kind.partitionOf(id), this.kind.family);
    return rearm(this.redis, this.#key(id), list, { id, seen, at });
  }

  /** Takes a record out of the list that is not there any more; one that has come there meanwhile stays. */
  async dropTimer(id: string): Promise<void> {
    await this.#rearm(id, '', '');
  }

  /** Looks at a record again only after a while: it cannot be moved on now. One that was, by somebody else, is not due. */
  async postpone(id: string, untilMs: number): Promise<void> {
    const partition = this.kind.partitionOf(id);
    const list = this.keys.recordTimers(partition, this.kind.family);
    await putOff(this.redis, list, this.keys.partition(partition), { id, untilMs });
  }

  #toEffect(id: string, from: string, next: Stored, kept: Decided<Stored, unknown>['kept']): Effect {
    return {
      kind: 'record',
      family: this.kind.family,
      id,
      from,
      rev: next.rev,
      // As it will be read: what is the same is written in the same way.
      document: JSON.stringify(this.kind.parse(next)),
      dueMs: this.kind.dueOf(next),
      keepMs: kept ?? this.kind.keepMs(next),
    };
  }

  /** What is there, what it is told by, and the time by which it is judged. */
  async #look(
    id: string,
  ): Promise<{ stored: Stored | undefined; seen: string; nowMs: number; outages: readonly Outage[] }> {
    const prefix = this.keys.partition(this.kind.partitionOf(id));
    const { document, nowMs, outages } = await readTimed(this.redis, this.#key(id), prefix);
    return { stored: this.#parse(document), seen: fingerprintOf(document), nowMs, outages };
  }

  #key(id: string): string {
    return this.keys.record(this.kind.partitionOf(id), this.kind.family, id);
  }

  /** `<revision> <document>`; the one in front is for the scripts. */
  #parse(stored: unknown): Stored | undefined {
    if (typeof stored !== 'string') return undefined;
    try {
      return this.kind.parse(JSON.parse(stored.slice(stored.indexOf(' ') + 1)));
    } catch (error) {
      throw new UnreadableRecordError(this.kind.family, error);
    }
  }
}

/** Written by another version, or damaged. */
export class UnreadableRecordError extends AppError {
  override readonly code = 'UNREADABLE_RECORD';

  constructor(family: RecordFamily, cause: unknown) {
    super(`a record (${family}) cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

function passOver(error: unknown): undefined {
  if (!(error instanceof UnreadableRecordError)) throw error;
}

interface Unreadable {
  readonly id: string;
  readonly kind: 'unreadable';
  readonly stored: undefined;
}

function unreadable(id: string): (error: unknown) => Unreadable {
  return (error) => {
    if (error instanceof UnreadableRecordError) return { id, kind: 'unreadable', stored: undefined };
    throw error;
  };
}

/** What a key holds, the time of its partition by which it is judged, in ms, and when nobody of ours was there. */
export async function readTimed(
  redis: RedisClient,
  key: string,
  prefix: string,
): Promise<{ document: unknown; nowMs: number; outages: readonly Outage[] }> {
  const reply = await runScript(redis, readScript, [key], [prefix]);
  const [document, now, outages] = Array.isArray(reply) ? reply : [];
  return { document, nowMs: Number(now), outages: toOutages(outages) };
}

/**
 * Puts a record in its place in the list of what is due, or takes it out where `at` is empty.
 *
 * @param seen `fingerprintOf` what was looked at
 * @returns false when it is not what was looked at any more, so that nothing was written
 */
export async function rearm(
  redis: RedisClient,
  key: string,
  list: string,
  { id, seen, at }: { readonly id: string; readonly seen: string; readonly at: string },
): Promise<boolean> {
  return (await runScript(redis, rearmScript, [key, list], [id, seen, at])) === 1;
}

/** Puts off a look at something in a list of what is due; nothing happens to what is not, or no longer, due. */
export async function putOff(
  redis: RedisClient,
  list: string,
  prefix: string,
  { id, untilMs }: { readonly id: string; readonly untilMs: number },
): Promise<void> {
  await runScript(redis, putOffScript, [list], [prefix, id, untilMs]);
}

/** How something that waits stands in the list of what is due: not, or in the wrong place; unmoved past its time; or right. */
export async function standingOf(
  redis: RedisClient,
  list: string,
  { id, dueMs, nowMs }: { readonly id: string; readonly dueMs: number; readonly nowMs: number },
): Promise<'lost' | 'stuck' | undefined> {
  const score = await redis.zscore(list, id);
  const atMs = score === null ? undefined : toScore(score);
  if (atMs === undefined || atMs > dueMs + LATE_MS) return 'lost';
  if (atMs >= nowMs - STUCK_MS) return undefined;
  // Looked at again and again, and it is not time yet: its place is wrong.
  return dueMs > nowMs ? 'lost' : 'stuck';
}

/** As Redis writes a score: `inf` where there is no end. */
function toScore(written: string): number {
  return written === 'inf' ? Number.POSITIVE_INFINITY : Number(written);
}

/** Which members of a sorted set have fallen due, by the time of its partition. */
export async function readDue(
  redis: RedisClient,
  list: string,
  prefix: string,
  limit: number,
): Promise<DueRecords> {
  const reply = await runScript(redis, dueScript, [list], [prefix, limit]);
  const [due, next, now] = Array.isArray(reply) ? reply : [];
  return {
    ids: (Array.isArray(due) ? due : []).map(String),
    nextMs: Number(next) < 0 ? undefined : Number(next),
    nowMs: Number(now),
  };
}
