/**
 * The audit: who did what, when, where, and under which rule; one chain per partition.
 *
 * Most entries are appended by the scripts that make the change they record (`redis/lanes.lua`); here is reading.
 *
 * Invariants
 *   1. An entry's hash covers its number, its time, its text and the hash before it: none can be changed, removed
 *      or put in between without every later hash being wrong.
 *   2. Entries are only ever appended.
 *   3. What people were asked, word for word, stands beside an entry; the entry holds its digest. It is changed or gone
 *      only where a later entry (`memory.erased`, written with the change) says so and holds the digest of what is left.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AuditEvent } from '../domain/audit-event.ts';
import { ApprovalId, EscalationId } from '../domain/ids.ts';
import { digestOf, fromAuditText, type ReadText } from '../redis/audit-text.ts';
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
  /** What stands beside it, as stored: the words of the event; undefined where it has none, or they are erased. */
  readonly beside: string | undefined;
  /** Of its words, as its text holds it; undefined where it never had any. */
  readonly digest: string | undefined;
  /** It had words, and they are gone. */
  readonly isErased: boolean;
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
/** Times a chain is read again where its words do not fit. */
const MOST_TRIES = 2;

interface Chain {
  readonly entries: number;
  readonly broken: readonly Omit<BrokenLink, 'partition'>[];
}

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
          this.#toEntries(
            partition,
            await this.redis.xrevrange(this.keys.audit(partition), '+', '-', 'COUNT', count),
          ),
        ),
    );
    return pages.flat().toSorted(byTime).slice(-count);
  }

  /** Every entry of a partition, in order. */
  entriesIn(partition: number): AsyncGenerator<AuditEntry> {
    return this.#read(partition);
  }

  /** Every entry of a partition that has words beside it, in order. */
  async *withWords(partition: number): AsyncGenerator<AuditEntry> {
    for await (const entry of this.#read(partition)) if (entry.beside !== undefined) yield entry;
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

  /** Recomputes every chain, also while entries are being appended, and while people are erased. */
  async verify(): Promise<Verification> {
    let entries = 0;
    const broken: BrokenLink[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const chain = await this.#recompute(partition);
      entries += chain.entries;
      broken.push(...chain.broken.map((each) => ({ partition, ...each })));
    }
    return broken.length === 0 ? { ok: true, entries } : { ok: false, entries, broken };
  }

  async #recompute(partition: number, triesLeft = MOST_TRIES): Promise<Chain> {
    const newest = await this.#head(partition);
    const broken: Chain['broken'][number][] = [];
    const words = new WordsProof();
    let entries = 0;
    let before = { number: 0, hash: '' };
    let reached = newest.number === 0;
    for await (const entry of this.#read(partition)) {
      entries++;
      const problem = problemWith(entry, before);
      if (problem) broken.push({ number: entry.number, problem });
      else words.note(entry);
      if (entry.number === newest.number && entry.hash === newest.hash) reached = true;
      before = entry;
    }
    if (!reached) broken.push({ number: newest.number, problem: 'the newest entries are missing' });
    if (before.number > (await this.#head(partition)).number) {
      broken.push({ number: before.number, problem: 'it was put behind the newest entry' });
    }
    const unexplained = words.unexplained();
    // Words that went while this was read, and what says so, may have been met in either order.
    if (unexplained.length > 0 && triesLeft > 0) return this.#recompute(partition, triesLeft - 1);
    return { entries, broken: [...broken, ...unexplained] };
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
      yield* await this.#toEntries(partition, page);
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      from = `(${last[0]}`;
    }
  }

  async #toEntries(partition: number, page: readonly [string, string[]][]): Promise<AuditEntry[]> {
    const numbers = page.map(([id]) => Number.parseInt(id, 10));
    const words =
      numbers.length > 0
        ? await this.redis.hmget(this.keys.auditWords(partition), ...numbers.map(String))
        : [];
    return page.map((raw, n) => toEntry(partition, raw, words[n] ?? undefined));
  }
}

// ── What stands beside entries ───────────────────────────────────────────────────────────────────────────────────

/** Where a later entry says which words are gone: the digest of what is left beside each of them, '' for nothing. */
export const WordsLeft = z.record(z.string(), z.string());

/** Follows the words of one chain, from its beginning. */
class WordsProof {
  /** By the number of the entry: the digest of what is to stand beside it, and of what does; '' for nothing. */
  readonly #wanted = new Map<number, string>();
  readonly #found = new Map<number, string>();

  note({ number, digest: own = '', beside, event }: AuditEntry): void {
    this.#wanted.set(number, own);
    this.#found.set(number, beside === undefined ? '' : digestOf(beside));
    if (event.event !== 'memory.erased') return;
    const left = WordsLeft.safeParse(event.detail?.left).data ?? {};
    for (const [earlier, digest] of Object.entries(left)) this.#wanted.set(Number(earlier), digest);
  }

  unexplained(): Chain['broken'] {
    return [...this.#wanted].flatMap(([number, wanted]) => {
      const found = this.#found.get(number) ?? '';
      if (wanted === found) return [];
      const what = found === '' ? 'are missing' : wanted === '' ? 'were put there' : 'were changed';
      return [{ number, problem: `its words ${what}, and no entry says why` }];
    });
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

function toEntry(
  partition: number,
  [id, fields]: [string, string[]],
  beside: string | undefined,
): AuditEntry {
  const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
  const text = field('e');
  const { event, digest } = readText(text, beside);
  return {
    number: Number.parseInt(id, 10),
    partition,
    atMs: Number(field('at')),
    event,
    text,
    beside,
    digest,
    isErased: digest !== undefined && beside === undefined,
    hash: field('h'),
  };
}

/** What the agent asks for is recorded under the message that led to it, and names the approval beside that. */
function belongsTo(id: string, { event, text }: AuditEntry): boolean {
  if (event.correlation === id) return true;
  return [ApprovalId, EscalationId].some((kind) => kind.safeParse(id).success) && text.includes(id);
}

/** An entry that somebody tampered with may be anything; reading it must not fail. */
function readText(text: string, beside: string | undefined): ReadText {
  try {
    return fromAuditText(text, beside);
  } catch {
    const unreadable = { event: 'unreadable', actor: '?', subject: '?', correlation: '?' };
    return { event: unreadable, digest: undefined };
  }
}

function byTime(a: AuditEntry, b: AuditEntry): number {
  return a.atMs - b.atMs || a.partition - b.partition || a.number - b.number;
}
