/**
 * Keeps summaries up to date: what conversations were about, and what is known of people who have agreed to it.
 *
 *   turn is over ─▶ enough new? ─▶ taken by one process ─▶ the model writes ─▶ kept, if nobody was first
 *
 * Invariants
 *   1. No answer waits for it: it begins after the turn, and what it cannot do now the next turn brings up again.
 *   2. What is there is only replaced by something: a failure, an empty text, one that was cut off by its length limit,
 *      one that is longer than what it stands for, and one that comes too late, or after somebody's words were erased,
 *      leave everything as it was, the place up to which it tells included. What was read in vain is only read again
 *      once there is twice as much of it, so that what is in vain again and again costs ever more rarely, or by another
 *      model or with another limit, which may have been why.
 *   3. A profile is made of its person's own messages alone, not of what they pass on or send along, and of nobody's
 *      without consent.
 *   4. What it took is in the audit, in tokens, whatever came of it.
 */
import pLimit from 'p-limit';
import { COMPACTIONS, type Transcript } from '../agent/compaction/compaction.ts';
import { agedTo } from '../agent/compaction/progressive.ts';
import { type Digest, digest, type Subject } from '../agent/compaction/summariser.ts';
import { estimateText } from '../agent/compaction/token-estimate.ts';
import { nameOf, startAfter, tokensFrom, toTranscript } from '../agent/compaction/window.ts';
import { isNewContext } from '../agent/history.ts';
import type { ModelClient } from '../agent/model/model-client.ts';
import { strangersOf } from '../agent/provenance.ts';
import { strategyFor, summarises } from '../config/memory.ts';
import type { Settings } from '../config/settings.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import { type Address, channelsOf } from '../domain/message.ts';
import { type Entry, isOwnWords } from '../domain/transcript.ts';
import type { MemoryStore } from '../memory/memory-store.ts';
import type { HeldConversation } from '../memory/recollection.ts';
import type { Profile } from '../memory/records.ts';
import type { StoredEntry, TranscriptStore } from '../memory/transcript-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { namelessOnce, type Once } from '../redis/effects.ts';
import type { Service } from './service.ts';

/** Summaries that are written at the same time, by one process. */
const AT_ONCE = 2;
/** Entries that are read for one summary; what stands before them is told by the one before, or by nothing. */
const MOST_READ = 1_000;
/** How long one process has a summary to itself: longer than a model takes. */
const TAKEN_FOR_MS = 5 * 60_000;
/** Of what the model reads in one request, for its instructions and what was written before. */
const SHARE_OF_CONTEXT = 0.5;
/** How long it is remembered that something was read in vain: longer than a conversation rests. */
const IN_VAIN_FOR_MS = 30 * 24 * 60 * 60_000;
/** What is kept where nothing was there before, and nothing was worth keeping. */
const NOTHING_OF_NOTE = 'Nothing of note so far.';

type Unkept = Extract<Digest, { kind: 'unusable' }>['why'] | 'too-long';

export interface TurnDone {
  readonly conversationId: ConversationId;
  readonly person: PersonId;
  /** Where it was asked. */
  readonly at: Address;
}

export interface KeeperDeps {
  readonly memory: MemoryStore;
  readonly transcripts: TranscriptStore;
  readonly writer: EffectWriter;
  /** The one that writes summaries. */
  readonly model: () => ModelClient;
  readonly settings: () => Pick<Settings, 'limits' | 'memory' | 'model'>;
  readonly log: Logger;
}

export class MemoryKeeper implements Service {
  readonly name = 'memory-keeper';
  readonly #room = pLimit(AT_ONCE);
  /** Conversations and people that are looked at, or wait for it. */
  readonly #waiting = new Map<string, Promise<void>>();
  #stopping = new AbortController();

  constructor(private readonly deps: KeeperDeps) {}

  async start(): Promise<void> {
    this.#stopping = new AbortController();
  }

  /** What is under way is given up: the next turn of its conversation brings it up again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.quiet();
  }

  /** To be told after every turn. Never rejects, and takes no time. */
  turnDone({ conversationId, person, at }: TurnDone): void {
    const { memory } = this.deps.settings();
    const held = { conversationId, channels: channelsOf(at) };
    if (summarises(memory, held)) {
      this.#enqueue(conversationId, (signal) => this.#aboutConversation(held, signal));
    }
    if (memory.summaries.people) {
      this.#enqueue(`${conversationId} ${person}`, (signal) =>
        this.#aboutPerson(person, conversationId, signal),
      );
    }
  }

  /** Resolves once nothing is under way. */
  async quiet(): Promise<void> {
    while (this.#waiting.size > 0) await Promise.all(this.#waiting.values());
  }

  #enqueue(key: string, work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#stopping;
    if (this.#waiting.has(key) || signal.aborted) return;
    const done = this.#room(async () => {
      try {
        if (!signal.aborted) await work(signal);
      } catch (error) {
        if (!signal.aborted) this.deps.log.warn({ err: error }, 'a summary could not be brought up to date');
      } finally {
        this.#waiting.delete(key);
      }
    });
    this.#waiting.set(key, done);
  }

  // ── Conversations ──────────────────────────────────────────────────────────────────────────────────────────

  async #aboutConversation(held: HeldConversation, signal: AbortSignal): Promise<void> {
    const { conversationId } = held;
    const { memory, transcripts } = this.deps;
    const settings = this.deps.settings();
    const strategy = strategyFor(settings.memory, held);
    // Before what it is made of is read: what is erased after that moves the revision, so that nothing is kept of it.
    const { summary, rev } = await memory.latestSummary(conversationId);
    const length = await transcripts.length(conversationId);
    if (length - Math.min(summary?.length ?? 0, length) < settings.memory.summaries.after_entries) return;

    const stored = readable(await transcripts.read(conversationId, MOST_READ));
    const anew = stored.findLastIndex(isNewContext) + 1;
    const transcript = toTranscript(stored.slice(anew));
    const from = summary ? startAfter(transcript, summary.through) : undefined;
    if (anew > 0 && from === undefined && stored.length - anew < settings.memory.summaries.after_entries)
      return;
    // A summary of before is no part of a new context.
    const existing = anew > 0 && from === undefined ? undefined : summary?.text;
    const begins = from ?? transcript.starts[0] ?? 0;
    const until =
      strategy === 'progressive'
        ? (agedTo(transcript, {
            ...this.#context(overheadIn(transcript)),
            standing: undefined,
            summarisedTo: from,
          }) ?? this.#outOfReach(transcript, begins))
        : transcript.entries.length;
    const to = this.#readableTo(transcript, begins, until ?? begins);
    const entries = transcript.entries.slice(begins, to);
    const through = transcript.starts.findLast((start) => start >= begins && start < to);
    const last = through === undefined ? undefined : transcript.entries[through];
    const fresh = length - Math.min(summary?.length ?? 0, length);
    const batch = batchOf(fresh, settings.memory.summaries.after_entries);
    const look = `summary:${rev}:${batch}:${writtenWith(settings)}`;
    if (!last || !(await this.#isMine(conversationId, look))) return;

    const { max_tokens: mostTokens } = settings.memory.summaries;
    const subject = { about: 'conversation' as const, existing, entries, mostTokens };
    const written = await digest(this.deps.model(), subject, signal);
    const stoodFor = tokensFrom({ ...transcript, tokens: transcript.tokens.slice(0, to) }, begins);
    const before = existing === undefined ? 0 : estimateText(existing);
    if (written.kind === 'unusable' || estimateText(written.text ?? '') >= stoodFor + before) {
      const why = written.kind === 'unusable' ? written.why : 'too-long';
      await this.#wasInVain(conversationId, look, toAudit(conversationId, 'conversation', written, why));
      this.#sayUnkept({ conversation: conversationId, why }, 'no summary came of it; the one before stays');
      return;
    }
    const covered = length - (transcript.entries.length - to);
    const audit = toAudit(conversationId, 'conversation', written);
    const heard = existing === undefined ? [] : (summary?.strangers ?? []);
    const strangers = strangersOf(entries, heard);
    const draft = {
      text: written.text ?? existing ?? NOTHING_OF_NOTE,
      through: nameOf(last),
      length: covered,
      ...(strangers.length > 0 ? { strangers } : {}),
      people: speakersIn(entries, existing === undefined ? [] : (summary?.people ?? [])),
    };
    const result = await memory.keepSummary(conversationId, draft, rev, audit);
    this.deps.log.info(
      { conversation: conversationId, entries: entries.length, result },
      'a summary was written',
    );
  }

  /**
   * Up to where a turn will soon not look back any more, however little room all of it takes: it is given so many entries
   * and no more. Undefined while it does.
   */
  #outOfReach({ entries, starts }: Transcript, begins: number): number | undefined {
    const { limits, memory } = this.deps.settings();
    const kept = Math.ceil(limits.history_entries / 2);
    if (entries.length - begins < kept + memory.summaries.after_entries) return undefined;
    return starts.findLast((start) => start > begins && start <= entries.length - kept);
  }

  /** What one request to the model can hold of it. */
  #readableTo({ tokens, starts }: Transcript, begins: number, until: number): number {
    const { mostTokens } = this.#context();
    let sum = 0;
    let to = begins;
    for (const next of [...starts.filter((start) => start > begins && start < until), until]) {
      sum += tokens.slice(to, next).reduce((total, each) => total + each, 0);
      if (sum > mostTokens * SHARE_OF_CONTEXT && to > begins) break;
      to = next;
    }
    return to;
  }

  /** What a request has room for, beside so much. */
  #context(overhead = 0): { mostTokens: number; lowTokens: number } {
    const { memory, model } = this.deps.settings();
    const mostTokens = memory.context_tokens - model.max_tokens - overhead;
    return { mostTokens, lowTokens: mostTokens * memory.cut_to };
  }

  // ── People ─────────────────────────────────────────────────────────────────────────────────────────────────

  async #aboutPerson(person: PersonId, conversationId: ConversationId, signal: AbortSignal): Promise<void> {
    const { memory } = this.deps;
    const profile = await memory.profileOf(person);
    if (!profile?.consent.given) return;
    const settings = this.deps.settings();
    const { after_messages: enough, max_tokens: mostTokens } = settings.memory.summaries;
    const { fresh, count } = await this.#saidSince(profile, conversationId, enough);
    const last = fresh.at(-1);
    if (!last || fresh.length < enough) return;
    const look = `profile:${profile.rev}:${conversationId}:${batchOf(count, enough)}:${writtenWith(settings)}`;
    if (!(await this.#isMine(person, look))) return;

    const written = await digest(
      this.deps.model(),
      {
        about: 'person',
        existing: profile.text,
        entries: newestOf(fresh.map(wordsAlone), this.#context().mostTokens),
        mostTokens,
      },
      signal,
    );
    if (written.kind === 'unusable') {
      const { why } = written;
      await this.#wasInVain(person, look, toAudit(person, 'person', written, why));
      this.#sayUnkept({ person, why }, 'nothing came of what a person said; what was known of them stays');
      return;
    }
    const draft = {
      text: written.text ?? profile.text ?? NOTHING_OF_NOTE,
      seen: { conversationId, name: nameOf(last) },
    };
    const result = await memory.keepProfile(person, draft, profile.rev, toAudit(person, 'person', written));
    this.deps.log.info({ person, messages: fresh.length, result }, 'what is known of a person was written');
  }

  /** What is new of a person: so much of it as is read for a profile, and, where that is enough, how much there is. */
  async #saidSince(
    profile: Profile,
    conversationId: ConversationId,
    enough: number,
  ): Promise<{ fresh: readonly Entry[]; count: number }> {
    let fresh: readonly Entry[] | undefined;
    let count = 0;
    for await (const page of this.deps.transcripts.pagesBack(conversationId, MOST_READ)) {
      const found = newIn(readable(page), profile, conversationId);
      fresh ??= found.fresh;
      count += found.fresh.length;
      if (found.isAll || fresh.length < enough) break;
    }
    return { fresh: fresh ?? [], count };
  }

  /** One process writes it; whoever comes second finds it done. One that failed is tried again after a while. */
  async #isMine(owner: string, look: string): Promise<boolean> {
    if (await this.deps.writer.wasWritten(owner, inVain(owner, look).key)) return false;
    return this.deps.writer.write(owner, [], namelessOnce(`memory:${owner}:${look}`, TAKEN_FOR_MS));
  }

  /** What was read was paid for, and would come to nothing again. */
  async #wasInVain(owner: string, look: string, event: AuditEvent): Promise<void> {
    await this.deps.writer.write(owner, [{ kind: 'audit', event }], inVain(owner, look));
  }

  /** One that does not fit is for the operators to mend: there may be none for as long as they do not. */
  #sayUnkept(
    about: { readonly why: Unkept; readonly conversation?: string; readonly person?: string },
    message: string,
  ): void {
    const { log } = this.deps;
    if (about.why === 'cut-off') log.warn({ ...about, setting: 'memory.summaries.max_tokens' }, message);
    else log.info(about, message);
  }
}

/** Changes whenever there is twice as much that is new. */
function batchOf(fresh: number, enough: number): number {
  return Math.floor(Math.log2(fresh / enough));
}

function inVain(owner: string, look: string): Once {
  return namelessOnce(`memory:${owner}:${look}:vain`, IN_VAIN_FOR_MS);
}

/** What may have been why nothing came of it, and can be mended. */
function writtenWith({ memory, model }: Pick<Settings, 'memory' | 'model'>): string {
  return `${memory.summaries.model ?? model.name}:${memory.summaries.max_tokens}`;
}

/** What a person has said themselves since they agreed and since they were read. `isAll`: nothing before it is new. */
function newIn(
  entries: readonly Entry[],
  { person, consent, seen }: Profile,
  conversationId: ConversationId,
): { readonly fresh: readonly Entry[]; readonly isAll: boolean } {
  const isBefore = (entry: Entry) => entry.kind === 'user' && Date.parse(entry.at) < consent.atMs;
  const own = entries.filter(
    (entry) => isOwnWords(entry) && entry.from.person === person && !isBefore(entry),
  );
  const read = own.findLastIndex((entry) => nameOf(entry) === seen[conversationId]);
  return { fresh: own.slice(read + 1), isAll: read >= 0 || entries.some(isBefore) };
}

/** What somebody sends along, and what it is called, is not of their own making. */
function wordsAlone(entry: Entry): Entry {
  if (entry.kind !== 'user') return entry;
  const { files: _, ...words } = entry;
  return words;
}

function readable(stored: readonly StoredEntry[]): Entry[] {
  return stored.flatMap(({ entry }) => entry ?? []);
}

/** Everybody we can name whose words are in it, or may be in what the gateway told of them, and those of before. */
function speakersIn(entries: readonly Entry[], before: readonly PersonId[]): PersonId[] {
  const speakers = entries.flatMap((entry) => {
    if (entry.kind === 'event') return entry.about ?? [];
    return entry.kind === 'user' ? (entry.from.person ?? []) : [];
  });
  return [...new Set([...before, ...speakers])];
}

/** What instructions and tools came to in the last request. */
function overheadIn({ entries }: Transcript): number {
  const last = entries.findLast((entry) => entry.kind === 'assistant' && entry.shown !== undefined);
  return last?.kind === 'assistant' ? (last.shown?.overhead ?? 0) : 0;
}

function newestOf(entries: readonly Entry[], mostTokens: number): readonly Entry[] {
  const room = { mostTokens: mostTokens * SHARE_OF_CONTEXT, lowTokens: mostTokens * SHARE_OF_CONTEXT };
  const unknown = { standing: undefined, summarisedTo: undefined };
  return COMPACTIONS.truncate.compact(toTranscript(entries), { ...room, ...unknown }).entries;
}

/** @param unkept why it was not kept; undefined where it may be */
function toAudit(
  subject: string,
  about: Subject['about'],
  { model, usage }: Digest,
  unkept?: Unkept,
): AuditEvent {
  return {
    event: 'memory.summarised',
    actor: 'agent',
    subject,
    correlation: subject,
    detail: { about, model, usage, ...(unkept ? { unkept } : {}) },
  };
}
