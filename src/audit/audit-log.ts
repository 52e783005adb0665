/**
 * The audit: who did what, when, where, and under which rule; one chain per partition.
 *
 * Most entries are appended by the scripts that make the change they record (`redis/lanes.lua`); here is reading.
 *
 * Invariants
 *   1. An entry's hash covers its number, its time, its text and the hash before it: none can be changed, removed
 *      or put in between without every later hash being wrong.
 *   2. Entries are only ever appended.
 */
import { createHash } from 'node:crypto';
import { AuditEvent } from '../domain/audit-event.ts';
import { ApprovalId, EscalationId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import { EffectWriter } from '../redis/effect-writer.ts';
import { type Keys, PARTITIONS } from '../redis/keys.ts';

export interface AuditEntry {
  /** Place in its partition's chain, from 1. */
  readonly number: number;
  readonly partition: number;
  readonly atMs: number;
  readonly event: AuditEvent;
  /** As stored; what the hash covers. */
  readonly text: string;
  readonly hash: string;
}

export type Verification =
  | { readonly ok: true; readonly entries: number }
  | { readonly ok: false; readonly entries: number; readonly broken: readonly BrokenLink[] };

export interface BrokenLink {
  readonly partition: number;
  readonly number: number;
  readonly problem: string;
}

/** Entries read at a time. */
const PAGE = 1_000;

export class AuditLog {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** For what changes nothing else. `owner` decides the partition. */
  async append(owner: string, ...events: readonly AuditEvent[]): Promise<void> {
    await new EffectWriter(this.redis, this.keys).write(
      owner,
      events.map((event) => ({ kind: 'audit', event })),
    );
  }

  /** The newest entries of all partitions, oldest first. */
  async tail(count: number): Promise<AuditEntry[]> {
    const pages = await Promise.all(
      this.keys
        .partitions()
        .map(async (partition) =>
          (await this.redis.xrevrange(this.keys.audit(partition), '+', '-', 'COUNT', count)).map((raw) =>
            toEntry(partition, raw),
          ),
        ),
    );
    return pages.flat().toSorted(byTime).slice(-count);
  }

  /** Every entry of one request, in order; of an approval or an escalation, every entry that names it. */
  async trace(id: string): Promise<AuditEntry[]> {
    const found: AuditEntry[] = [];
    for (const partition of this.keys.partitions()) {
      for await (const entry of this.#read(partition)) {
        if (belongsTo(id, entry)) found.push(entry);
      }
    }
    return found.toSorted(byTime);
  }

  /** Every entry about one thing (an approval, a conversation), in order. */
  async about(subject: string, partition: number): Promise<AuditEntry[]> {
    const found: AuditEntry[] = [];
    for await (const entry of this.#read(partition)) {
      if (entry.event.subject === subject) found.push(entry);
    }
    return found;
  }

  /** Recomputes every chain, also while entries are being appended. */
  async verify(): Promise<Verification> {
    let entries = 0;
    const broken: BrokenLink[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const newest = await this.#head(partition);
      let before = { number: 0, hash: '' };
      let reached = newest.number === 0;
      for await (const entry of this.#read(partition)) {
        entries++;
        const problem = problemWith(entry, before);
        if (problem) broken.push({ partition, number: entry.number, problem });
        if (entry.number === newest.number && entry.hash === newest.hash) reached = true;
        before = entry;
      }
      if (!reached)
        broken.push({ partition, number: newest.number, problem: 'the newest entries are missing' });
      if (before.number > (await this.#head(partition)).number) {
        broken.push({ partition, number: before.number, problem: 'it was put behind the newest entry' });
      }
    }
    return broken.length === 0 ? { ok: true, entries } : { ok: false, entries, broken };
  }

  /** The newest entry, as the scripts know it. */
  async #head(partition: number): Promise<{ number: number; hash: string }> {
    const [number, hash] = await this.redis.hmget(this.keys.auditHead(partition), 'n', 'h');
    return { number: Number(number ?? 0), hash: hash ?? '' };
  }

  async *#read(partition: number): AsyncGenerator<AuditEntry> {
    let from = '-';
    for (;;) {
      const page = await this.redis.xrange(this.keys.audit(partition), from, '+', 'COUNT', PAGE);
      for (const raw of page) yield toEntry(partition, raw);
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      from = `(${last[0]}`;
    }
  }
}

function problemWith(entry: AuditEntry, before: { number: number; hash: string }): string | undefined {
  if (entry.number !== before.number + 1)
    return `entries ${before.number + 1} to ${entry.number - 1} are missing`;
  return entry.hash === hashOf(entry, before.hash) ? undefined : 'it was changed, or the one before it was';
}

/** SHA-1, because it is the one hash the server's scripts can compute; a forger needs a second preimage of it. */
function hashOf({ number, atMs, text }: AuditEntry, before: string): string {
  return createHash('sha1').update(`${before}\n${number}\n${atMs}\n${text}`).digest('hex');
}

function toEntry(partition: number, [id, fields]: [string, string[]]): AuditEntry {
  const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
  const text = field('e');
  return {
    number: Number.parseInt(id, 10),
    partition,
    atMs: Number(field('at')),
    event: readEvent(text),
    text,
    hash: field('h'),
  };
}

/** What the agent asks for is recorded under the message that led to it, and names the approval beside that. */
function belongsTo(id: string, { event, text }: AuditEntry): boolean {
  if (event.correlation === id) return true;
  return [ApprovalId, EscalationId].some((kind) => kind.safeParse(id).success) && text.includes(id);
}

/** An entry that somebody tampered with may be anything; reading it must not fail. */
function readEvent(text: string): AuditEvent {
  try {
    return AuditEvent.parse(JSON.parse(text));
  } catch {
    return { event: 'unreadable', actor: '?', subject: '?', correlation: '?' };
  }
}

function byTime(a: AuditEntry, b: AuditEntry): number {
  return a.atMs - b.atMs || a.partition - b.partition || a.number - b.number;
}
