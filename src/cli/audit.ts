/** `signalbox audit …`: reads what was recorded, and proves that nobody changed it. */
import { setTimeout as pause } from 'node:timers/promises';
import { visible } from '../approvals/sentences.ts';
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts';
import { actorOf, demand } from './actor.ts';
import { type StoreSession, withKnownStores } from './with-stores.ts';

/** Between two looks for new entries, in ms. */
const LOOK_AGAIN_MS = 500;
/** Newest entries looked at first; more when that leaves a gap. */
const LOOK_BACK = 50;

export interface AuditOptions {
  readonly config: string;
  readonly json: boolean;
}

export async function verifyAudit(options: AuditOptions): Promise<number> {
  return withReader(options, async ({ audit }) => {
    const verification = await audit.verify();
    if (options.json) return print(JSON.stringify(verification), verification.ok ? 0 : 1);
    if (verification.ok)
      return print(`The audit is whole: ${verification.entries} entries, every hash fits.`);
    const broken = verification.broken.map(
      ({ partition, number, problem }) => `  chain ${partition}, entry ${number}: ${problem}`,
    );
    return print(
      [`The audit was tampered with or damaged (${verification.entries} entries):`, ...broken].join('\n'),
      1,
    );
  });
}

export async function tailAudit(
  options: AuditOptions & { readonly count: number; readonly follow: boolean },
): Promise<number> {
  return withReader(options, async (session) => {
    // Where each chain ends now; read first, so that nothing falls between what is shown and what is followed.
    const newest = await endsOf(session);
    const shown = await session.audit.tail(options.count);
    printEntries(shown, options.json);
    if (!options.follow) return 0;
    note(newest, shown);
    const interrupted = new AbortController();
    process.once('SIGINT', () => interrupted.abort()).once('SIGTERM', () => interrupted.abort());
    for await (const entries of newEntries(session.audit, newest, interrupted.signal)) {
      printEntries(entries, options.json);
    }
    return 0;
  });
}

export async function traceAudit(id: string, options: AuditOptions): Promise<number> {
  return withReader(options, async ({ audit }) => {
    const entries = await audit.trace(id);
    if (entries.length === 0 && !options.json) {
      return print(
        `Nothing is recorded under ${id}. \`signalbox audit tail\` ends each line with its correlation.`,
        1,
      );
    }
    printEntries(entries, options.json);
    return 0;
  });
}

/** One line: when, what, who, where, about what, and which request it belongs to. Pure. */
export function auditLine({ atMs, event: entry, isErased }: AuditEntry): string {
  const { event, actor, subject, channel, correlation, detail } = entry;
  const small = Object.entries(detail ?? {}).filter(([, value]) => typeof value !== 'object');
  const words = [
    new Date(atMs).toISOString(),
    event,
    `by ${actor}`,
    ...(channel === undefined ? [] : [`on ${channel}`]),
    `· ${subject}`,
    ...small.map(([name, value]) => `${name}=${String(value)}`),
    ...(isErased ? ['(what was said is erased)'] : []),
    `· ${correlation}`,
  ];
  return visible(words.join(' '));
}

async function endsOf({ redis, keys }: StoreSession): Promise<Map<number, number>> {
  const ends = keys.partitions().map(async (partition): Promise<[number, number]> => {
    return [partition, Number((await redis.hget(keys.auditHead(partition), 'n')) ?? 0)];
  });
  return new Map(await Promise.all(ends));
}

/** Batches of entries behind `newest`, which moves along. Ends with the signal. */
async function* newEntries(
  audit: AuditLog,
  newest: Map<number, number>,
  signal: AbortSignal,
): AsyncGenerator<AuditEntry[]> {
  while (!signal.aborted) {
    const entries = await unseen(audit, newest);
    note(newest, entries);
    if (entries.length > 0) yield entries;
    await pause(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Looks further back until no chain has a gap. */
async function unseen(audit: AuditLog, newest: ReadonlyMap<number, number>): Promise<AuditEntry[]> {
  for (let back = LOOK_BACK; ; back *= 4) {
    const tail = await audit.tail(back);
    const fresh = tail.filter(({ partition, number }) => number > (newest.get(partition) ?? 0));
    if (fresh.length < back) return fresh;
  }
}

function note(newest: Map<number, number>, entries: readonly AuditEntry[]): void {
  for (const { partition, number } of entries) {
    newest.set(partition, Math.max(number, newest.get(partition) ?? 0));
  }
}

async function withReader(
  { config }: AuditOptions,
  work: (session: StoreSession) => Promise<number>,
): Promise<number> {
  return withKnownStores(config, async (session) => {
    demand(session.directory, actorOf(session.config, session.directory), 'audit.read', 'read the audit');
    return work(session);
  });
}

function printEntries(entries: readonly AuditEntry[], json: boolean): void {
  for (const entry of entries) print(json ? JSON.stringify(toJson(entry)) : auditLine(entry));
}

function toJson({ atMs, partition, number, event, isErased, hash }: AuditEntry): object {
  const erased = isErased ? { words: 'erased' } : {};
  return { at: new Date(atMs).toISOString(), chain: partition, number, ...event, ...erased, hash };
}

function print(text: string, exitCode = 0): number {
  process.stdout.write(`${text}\n`);
  return exitCode;
}
