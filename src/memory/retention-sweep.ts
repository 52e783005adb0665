/**
 * Removes what has been kept long enough, class by class, and says so in the audit: how much of what, never what it said.
 *
 *   transcripts   what was said before then, up to where somebody speaks next; a silent conversation as a whole
 *   summaries     of conversations, and of people, that were not changed since; that somebody agreed to it stays known
 *   notes         not written since
 *
 * Any number of processes may sweep: what was changed meanwhile is left alone. Should nobody sweep, the store forgets
 * transcripts, summaries and profiles by itself some days later.
 */
import type { AuditEvent } from '../domain/audit-event.ts';
import { ConflictError } from '../domain/errors.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { RedisMemory } from './redis-memory.ts';
import type { StoredEntry, TranscriptStore } from './transcript-store.ts';

/** How long each class is kept, in ms. */
export interface Retention {
  readonly transcripts: number;
  readonly summaries: number;
  readonly notes: number;
}

/** How much was removed: entries, summaries with profiles, notes. */
export interface Swept {
  readonly transcripts: number;
  readonly summaries: number;
  readonly notes: number;
}

export class RetentionSweep {
  constructor(
    private readonly memory: RedisMemory,
    private readonly transcripts: TranscriptStore,
    private readonly writer: EffectWriter,
    private readonly retention: () => Retention,
  ) {}

  async sweep(nowMs: number, signal: AbortSignal): Promise<Swept> {
    const retention = this.retention();
    return {
      transcripts: await this.#transcripts(nowMs - retention.transcripts, signal),
      summaries: await this.#summaries(nowMs - retention.summaries, signal),
      notes: await this.#notes(nowMs - retention.notes, nowMs, signal),
    };
  }

  async #transcripts(beforeMs: number, signal: AbortSignal): Promise<number> {
    let removed = 0;
    for await (const conversationId of this.transcripts.conversations()) {
      if (signal.aborted) break;
      const [first] = await this.transcripts.read(conversationId, 'first');
      if (!first || isYounger(first, beforeMs)) continue;
      removed += await this.#trim(conversationId, beforeMs);
    }
    return removed;
  }

  async #trim(conversationId: ConversationId, beforeMs: number): Promise<number> {
    const entries = await this.transcripts.read(conversationId);
    const young = entries.findIndex((each) => isYounger(each, beforeMs));
    const count = young === -1 ? entries.length : young;
    const last = entries[count - 1];
    if (!last) return 0;
    const audit = toAudit('transcripts', conversationId, count, beforeMs);
    if (!(await this.transcripts.trim(conversationId, count, last.json, audit))) return 0;
    await this.memory.shortenSummary(conversationId, count);
    return count;
  }

  async #summaries(beforeMs: number, signal: AbortSignal): Promise<number> {
    let removed = 0;
    for await (const summary of this.memory.summaries()) {
      if (signal.aborted) break;
      if (summary.atMs >= beforeMs) continue;
      const audit = toAudit('summaries', summary.conversationId, 1, beforeMs);
      if (await this.memory.expireSummary(summary, audit)) removed++;
    }
    for await (const profile of this.memory.profiles()) {
      if (signal.aborted) break;
      if (profile.atMs >= beforeMs) continue;
      const audit = toAudit('summaries', profile.person, 1, beforeMs);
      if (await this.memory.expireProfile(profile, audit)) removed++;
    }
    return removed;
  }

  async #notes(beforeMs: number, nowMs: number, signal: AbortSignal): Promise<number> {
    let removed = 0;
    for await (const owner of this.memory.notes.owners()) {
      if (signal.aborted) break;
      const old = (await this.memory.notes.list(owner)).filter(({ atMs }) => atMs < beforeMs);
      if (old.length === 0) continue;
      try {
        const changes = old.map(({ name, version }) => ({ name, text: undefined, over: version }));
        await this.memory.notes.write(owner, changes, nowMs);
      } catch (error) {
        if (error instanceof ConflictError) continue; // written again meanwhile: the next sweep looks anew
        throw error;
      }
      await this.writer.write(owner, [
        { kind: 'audit', event: toAudit('notes', owner, old.length, beforeMs) },
      ]);
      removed += old.length;
    }
    return removed;
  }
}

/** Whether somebody spoke then or later; what has no time of its own belongs to what stands before it. */
function isYounger({ entry }: StoredEntry, beforeMs: number): boolean {
  return entry !== undefined && 'at' in entry && Date.parse(entry.at) >= beforeMs;
}

function toAudit(what: keyof Retention, subject: string, count: number, beforeMs: number): AuditEvent {
  return {
    event: 'retention.removed',
    actor: 'system',
    subject,
    correlation: `retention:${subject}`,
    detail: { class: what, count, before: new Date(beforeMs).toISOString() },
  };
}
