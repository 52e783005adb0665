/**
 * A model that is never asked more than it can read: every request is fitted into the budget first.
 *
 *   request ─▶ what it comes to ─▶ fits ─────────────────────────────▶ ask
 *                                  does not fit ─▶ compaction ─▶ ask ─▶ too long all the same ─▶ ask for half
 *
 * What the model has thought in a turn goes back to it with every further request of that turn, and cannot be cut: all
 * of it is shown, or none. So where it does not fit, the rest of the turn is answered without thinking longer, and
 * nothing that was said is cut for it.
 *
 * What a conversation comes to is known from the last request, which the model's service has counted; what was added
 * since is estimated, on the high side. Where the estimate alone would cut something, the service is asked to count, if
 * it can.
 *
 * Invariants
 *   1. Instructions, tools, files, entries, thoughts and the longest answer come to no more than `contextTokens`.
 *   2. Thinking never costs an answer: what fits without it is asked, with it or without.
 */
import { RequestTooLongError } from '../../domain/errors.ts';
import type { Entry, Shown, Usage } from '../../domain/transcript.ts';
import type { Logger } from '../../observability/logger.ts';
import { type ModelClient, type ModelReply, type ModelRequest, thoughtsOf } from '../model/model-client.ts';
import { COMPACTIONS, type Kept, type StrategyName, type Transcript } from './compaction.ts';
import { NoRoomError } from './shorten.ts';
import { estimateEntry, estimateOverhead } from './token-estimate.ts';
import { nameOf, startAfter, startNamed, tokensFrom, toTranscript } from './window.ts';

export interface ContextBudget {
  readonly strategy: StrategyName;
  /** For the request and its answer together. */
  readonly contextTokens: number;
  /** Kept for the answer. */
  readonly answerTokens: number;
  /** Kept beside that where it is to think longer. */
  readonly thinkingTokens: number;
  /** What part of the room for entries they take after a cut. */
  readonly cutTo: number;
  /** `nameOf` the last place at which somebody spoke that the summary tells of; undefined where there is none. */
  readonly summarisedThrough?: string | undefined;
}

/**
 * An estimate is less than this many times too high, whatever the script. A service that says it has counted less
 * than that has not counted.
 */
const MOST_OVERESTIMATED = 5;

export class BudgetedModel implements ModelClient {
  constructor(
    private readonly model: ModelClient,
    private readonly budget: ContextBudget,
    private readonly log: Logger,
    /** What instructions come to; they are the same in one request after the other. */
    private readonly ofSystem?: (text: string) => number,
  ) {}

  /** @throws {NoRoomError} when not even the newest entry fits */
  async complete(
    request: ModelRequest,
    onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<ModelReply> {
    const fitted = await this.#fit(request, signal);
    try {
      return await this.#ask(fitted, onText, signal);
    } catch (error) {
      if (!(error instanceof RequestTooLongError)) throw error;
      if (hasThoughts(fitted.request)) return this.complete(withoutThinking(request), onText, signal);
      const half = Math.min(this.#limitOf(request), this.#halfOf(fitted.request));
      this.log.warn(
        { tokens: half },
        'the model cannot read that much; it is asked once more, with half of it',
      );
      const asked = fitted.unseen ? { ...request, exhibits: [] } : request;
      const cut = { ...this.#cut(asked, this.#measure(asked), half), unseen: fitted.unseen };
      return this.#ask(cut, onText, signal);
    }
  }

  check(signal: AbortSignal): ReturnType<ModelClient['check']> {
    return this.model.check(signal);
  }

  async #ask(
    { request, shown, unseen }: Fitted,
    onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<ModelReply> {
    const reply = await this.model.complete(request, onText, signal);
    return { ...reply, ...(shown ? { shown } : {}), ...(unseen ? { unseen } : {}) };
  }

  /** For a request without its answer. */
  #limitOf({ thinking }: ModelRequest): number {
    const { contextTokens, answerTokens, thinkingTokens } = this.budget;
    return contextTokens - answerTokens - (thinking ? thinkingTokens : 0);
  }

  async #fit(request: ModelRequest, signal: AbortSignal): Promise<Fitted> {
    const limit = this.#limitOf(request);
    const measured = this.#measure(request);
    const { transcript, begins, tokens } = measured;
    const whole = () => toFitted(request, windowFrom(transcript, begins), measured.overhead).request;
    // Estimates cut nothing that a count shows to fit.
    const fits = tokens <= limit || (await this.#counts(whole(), tokens, limit, signal));
    if (fits) return this.#cut(request, measured, limit, begins);
    if (hasThoughts(request)) {
      this.log.info({}, 'a turn goes on without thinking longer: there is no room for what it has thought');
      return this.#fit(withoutThinking(request), signal);
    }
    if ((request.exhibits ?? []).length > 0 && measured.overhead > limit / 2) {
      this.log.info({}, 'files of this message are left out: there is no room for them');
      return { ...(await this.#fit({ ...request, exhibits: [] }, signal)), unseen: 'no-room' };
    }
    try {
      return this.#cut(request, measured, limit);
    } catch (error) {
      if (!(error instanceof NoRoomError) || !request.thinking) throw error;
      this.log.info({}, 'an answer is given without thinking longer: there is no room for thoughts');
      return this.#fit(withoutThinking(request), signal);
    }
  }

  #measure(request: ModelRequest): Measured {
    return measure(request, estimateOverhead(request, this.ofSystem));
  }

  /** What it comes to with half of its entries. */
  #halfOf(request: ModelRequest): number {
    const ofEntries = tokensFrom(toTranscript(request.entries), 0);
    return estimateOverhead(request, this.ofSystem) + Math.floor(ofEntries / 2);
  }

  #cut(request: ModelRequest, measured: Measured, limit: number, standing?: number): Fitted {
    const { strategy, cutTo, summarisedThrough: through } = this.budget;
    const { transcript, overhead, factor } = measured;
    const mostTokens = limit / factor - overhead;
    const kept = COMPACTIONS[strategy].compact(transcript, {
      // What has been counted may be estimated higher.
      mostTokens: standing === undefined ? mostTokens : Number.POSITIVE_INFINITY,
      lowTokens: mostTokens * cutTo,
      standing,
      summarisedTo: through === undefined ? undefined : startAfter(transcript, through),
    });
    if (standing === undefined && kept.from > measured.begins) {
      const left = kept.entries.length;
      this.log.info(
        { strategy, dropped: kept.from, left },
        'the oldest of a conversation is not shown any more',
      );
    }
    return toFitted(request, kept, overhead);
  }

  /** Whether the service says that it fits after all; it is asked where the estimate may be wrong. */
  async #counts(
    request: ModelRequest,
    estimated: number,
    limit: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!this.model.countTokens || estimated > limit * MOST_OVERESTIMATED) return false;
    try {
      const counted = await this.model.countTokens(request, signal);
      return counted !== undefined && counted <= limit;
    } catch (error) {
      signal.throwIfAborted();
      this.log.info({ err: error }, 'the model could not count; the estimate counts');
      return false;
    }
  }
}

interface Fitted {
  readonly request: ModelRequest;
  /** Undefined when its texts were shortened: what is counted then is not what is stored. */
  readonly shown: Shown | undefined;
  /** Set when the files of the message are left out. */
  readonly unseen?: ModelReply['unseen'];
}

interface Measured {
  readonly transcript: Transcript;
  /** Estimated, of everything but the entries. */
  readonly overhead: number;
  /** Where the last request began; without one, the first place that can be. */
  readonly begins: number;
  /** What the whole of it comes to from there. */
  readonly tokens: number;
  /** By how much it is more than was estimated, where it is. */
  readonly factor: number;
}

/** @param overhead estimated, of everything but the entries */
function measure(request: ModelRequest, overhead: number): Measured {
  const transcript = toTranscript(request.entries, request.thoughts);
  const { entries, starts } = transcript;
  const at = entries.findLastIndex(({ kind }) => kind === 'assistant');
  const { shown, usage } = countedAt(entries[at]);
  const stood = shown && startNamed(transcript, shown.from);
  const begins = stood ?? starts[0] ?? 0;
  const estimated = overhead + tokensFrom(transcript, begins);
  const measured = { transcript, overhead, begins };
  if (stood === undefined || !shown || !usage) return { ...measured, tokens: estimated, factor: 1 };

  const since = tokensFrom(transcript, at + 1) + Math.max(0, overhead - shown.overhead);
  const least =
    (shown.overhead + tokensFrom(transcript, begins) - tokensFrom(transcript, at + 1)) / MOST_OVERESTIMATED;
  const thoughts = { last: shown.thoughts ?? 0, now: ofThoughts(request, entries.slice(begins, at)) };
  const counted = inputOf(usage) - thoughts.last + thoughts.now + leftOf(request, transcript, at);
  const known = Math.max(counted, least) + since;
  // Which of the thoughts a model was really shown, its client alone knows: the count may be without them.
  const tokens = thoughts.last + thoughts.now > 0 ? Math.max(known, estimated) : known;
  return { ...measured, tokens, factor: Math.max(1, tokens / estimated) };
}

function countedAt(entry: Entry | undefined): { shown?: Shown | undefined; usage?: Usage | undefined } {
  return entry?.kind === 'assistant' ? entry : {};
}

function inputOf({ inputTokens, cacheReadTokens, cacheWriteTokens }: Usage): number {
  return inputTokens + cacheReadTokens + cacheWriteTokens;
}

/** Of the last reply: what was thought for it was counted when it was written, and may not go back. */
function leftOf({ thoughts }: ModelRequest, { entries, tokens }: Transcript, at: number): number {
  const [entry, estimated = 0] = [entries[at], tokens[at]];
  const { usage } = countedAt(entry);
  if (!entry || !usage || thoughtsOf(entry, thoughts)) return estimated;
  return Math.min(usage.outputTokens, estimated);
}

/** By how much these come to more than without what was thought before them. */
function ofThoughts({ thoughts }: ModelRequest, entries: readonly Entry[]): number {
  if (!thoughts || thoughts.size === 0) return 0;
  const bare = entries.reduce((sum, entry) => sum + estimateEntry(entry), 0);
  return tokensFrom(toTranscript(entries, thoughts), 0) - bare;
}

function hasThoughts({ entries, thoughts }: ModelRequest): boolean {
  return entries.some((entry) => thoughtsOf(entry, thoughts) !== undefined);
}

/** Thoughts that do not all go back go back not at all, and whoever shows none is not asked to think. */
function withoutThinking({ thinking: _, thoughts: __, ...request }: ModelRequest): ModelRequest {
  return request;
}

function windowFrom({ entries }: Transcript, from: number): Kept {
  return { entries: entries.slice(from), from, shortened: false };
}

function toFitted(request: ModelRequest, { entries, from, shortened }: Kept, overhead: number): Fitted {
  const [first] = entries;
  const { turnStart } = request;
  const thoughts = ofThoughts(request, entries);
  return {
    request: {
      ...request,
      entries,
      ...(turnStart === undefined ? {} : { turnStart: Math.max(0, turnStart - from) }),
    },
    shown:
      shortened || !first
        ? undefined
        : { from: nameOf(first), overhead, ...(thoughts > 0 ? { thoughts } : {}) },
  };
}
