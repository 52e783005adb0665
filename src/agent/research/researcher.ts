/**
 * Looks into the questions of one turn, beside it: each in a turn of its own that only reads, a few at a time.
 *
 *   questions ─▶ wait for a place ─▶ a turn with the reading tools alone ─▶ finding
 *                      └─▶ stopped, or nothing left to spend ─▶ finding: not begun
 *
 * Invariants
 *   1. Never more than `concurrency` of them at a time, of all calls of the turn together.
 *   2. Findings come in the order of the questions, one for each. What goes wrong with one is its finding and nobody
 *      else's.
 *   3. Whatever is used is counted for the turn; a question ends with what it has when its steps, its tokens, its time
 *      or the budget of the turn are used up, or somebody stops the turn. When the turn is broken off, all of them are.
 *   4. It begins with what the turn had read, so each of its calls is held by what strangers wrote there, too; its
 *      question counts as nobody's word.
 *   5. It makes no approval, and looks into no further questions.
 */
import pLimit, { type LimitFunction } from 'p-limit';
import { PartMeter } from '../../budget/part-meter.ts';
import type { ResearchSettings } from '../../config/research.ts';
import type { Clock } from '../../domain/clock.ts';
import { isStrangers, type Trust } from '../../domain/provenance.ts';
import type { Finding } from '../../domain/tool.ts';
import type { Entry, Usage } from '../../domain/transcript.ts';
import type { Logger } from '../../observability/logger.ts';
import { cutText } from '../compaction/shorten.ts';
import type { ModelClient } from '../model/model-client.ts';
import { NO_OUTLET, outgoingText } from '../outgoing-text.ts';
import { LAST_ANSWER, questionText } from '../prompt/research-prompt.ts';
import { readingOf } from '../provenance.ts';
import { calledIn, type Found, type Inquiry, runTurn, type TurnOutcome, type TurnSetup } from '../turn.ts';
import { ReadingTools } from './reading-tools.ts';

/** Of what a question had read when it ended without a word on it: so many outputs, so much of each, in characters. */
const MOST_TOLD = 3;
const TOLD_CHARS = 1_000;

const STOPPED = 'somebody stopped the turn';
const OUT_OF_BUDGET = 'the budget is used up';

export interface ResearchDeps {
  readonly settings: ResearchSettings;
  readonly systemPrompt: string;
  /** A sentence that tells the time. */
  readonly now: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when so many ms are over. Left out: by the machine's own clock. */
  readonly timeOver?: (ms: number) => AbortSignal;
}

export class Researcher {
  readonly #places: LimitFunction;
  #asked = 0;
  #done = 0;

  constructor(private readonly deps: ResearchDeps) {
    this.#places = pLimit(deps.settings.concurrency);
  }

  /** Rejects only when the signal aborts. */
  async inquire(
    questions: readonly string[],
    inquiry: Inquiry,
    signal: AbortSignal,
  ): Promise<readonly Found[]> {
    this.#asked += questions.length;
    this.#tell(inquiry);
    return Promise.all(
      questions.map((question, index) =>
        this.#places(async () => {
          const found = await this.#lookInto(
            question,
            { ...inquiry, key: `${inquiry.key}:${index}` },
            signal,
          );
          this.#done++;
          this.#tell(inquiry);
          return found;
        }),
      ),
    );
  }

  async #lookInto(question: string, inquiry: Inquiry, signal: AbortSignal): Promise<Found> {
    signal.throwIfAborted();
    const { turn } = inquiry;
    const blocked = turn.stop?.aborted ? STOPPED : turn.meter?.reached() ? OUT_OF_BUDGET : undefined;
    if (blocked !== undefined) return nothing(question, blocked);

    const course = new Course(this.deps, turn);
    try {
      const setup = this.#setup(inquiry, course);
      const opening = this.#event(questionText(question, this.deps.now));
      const outcome = await runTurn(setup, [opening], signal);
      const found = toFound(question, outcome, { setup, opening, course, settings: this.deps.settings });
      this.#note(found, outcome);
      return found;
    } catch (error) {
      signal.throwIfAborted();
      this.deps.log.error({ err: error }, 'a question beside a turn could not be looked into');
      return nothing(question, wordsOf(error));
    } finally {
      course.close();
    }
  }

  #setup({ turn, key, reading }: Inquiry, course: Course): TurnSetup {
    const { requester, outlet, throttle, readsAtOnce } = turn;
    let isReminded = false;
    return {
      model: course.model,
      systemPrompt: this.deps.systemPrompt,
      tools: new ReadingTools(turn.tools, course.end),
      maxSteps: this.deps.settings.steps,
      stop: course.end,
      meter: course.meter,
      key,
      heard: reading.heard,
      typed: reading.isTyped,
      ...(requester === undefined ? {} : { requester }),
      ...(outlet ? { outlet } : {}),
      ...(throttle ? { throttle } : {}),
      ...(readsAtOnce === undefined ? {} : { readsAtOnce }),
      remind: (answers) => {
        const isLast = answers === this.deps.settings.steps - 1 || course.meter.isNearEnd();
        if (!isLast || isReminded) return undefined;
        isReminded = true;
        return this.#event(LAST_ANSWER);
      },
      answerHeld: async () => {
        throw new Error('a call that needs a human got past the reading tools');
      },
      onProgress: () => undefined,
    };
  }

  #event(text: string): Entry {
    return { kind: 'event', text, at: new Date(this.deps.clock.now()).toISOString() };
  }

  #tell({ turn }: Inquiry): void {
    const text = progressText(this.#asked, this.#done);
    turn.onProgress({ kind: 'text', toSay: () => text });
  }

  #note(found: Found, { entries }: TurnOutcome): void {
    const { kind, sources, trust } = found;
    const answers = entries.filter((entry) => entry.kind === 'assistant').length;
    const why = found.kind === 'answered' ? {} : { why: found.why };
    this.deps.log.info({ result: kind, ...why, answers, sources, trust }, 'a question was looked into');
  }
}

/** For people who wait. */
function progressText(asked: number, done: number): string {
  const questions = asked === 1 ? 'a question' : `${asked} questions`;
  return `Looking into ${questions}${done === 0 ? '' : `, ${done} of them done`}`;
}

/** What bounds one question while it is looked into, and what it was that ended it. */
class Course {
  readonly meter: PartMeter;
  /** Asked as the turn's own; its failure ends this question and nothing else, with what there is. */
  readonly model: ModelClient;
  readonly end: AbortSignal;
  readonly #time: AbortSignal;
  readonly #stop: AbortSignal | undefined;
  /** Aborted with the error of the model. */
  readonly #failed = new AbortController();

  constructor(
    { settings, timeOver = (ms) => AbortSignal.timeout(ms) }: Pick<ResearchDeps, 'settings' | 'timeOver'>,
    { model, meter, stop }: Pick<TurnSetup, 'model' | 'meter' | 'stop'>,
  ) {
    this.meter = new PartMeter(settings.tokens, meter);
    this.#time = timeOver(settings.timeout);
    this.#stop = stop;
    this.end = AbortSignal.any([this.#time, this.#failed.signal, ...(stop ? [stop] : [])]);
    this.model = {
      complete: (request, onText, signal) =>
        model.complete(request, onText, signal).catch((error: unknown) => {
          this.#failed.abort(error);
          throw error;
        }),
      check: (signal) => model.check(signal),
    };
  }

  /** It is over: nothing listens any longer for what could have ended it, however long its time would have been. */
  close(): void {
    this.#failed.abort();
  }

  /** Of one that was ended from outside. */
  whyEnded({ timeout }: Pick<ResearchSettings, 'timeout'>): string {
    if (this.#stop?.aborted) return STOPPED;
    if (this.#time.aborted) return `its time of ${timeout / 1_000} s was over`;
    return wordsOf(this.#failed.signal.reason);
  }
}

interface Surroundings {
  readonly setup: Pick<TurnSetup, 'heard' | 'requester' | 'outlet'>;
  readonly opening: Entry;
  readonly course: Course;
  readonly settings: ResearchSettings;
}

function toFound(question: string, outcome: TurnOutcome, around: Surroundings): Found {
  const { usage, screened, entries } = outcome;
  const trust = trustOf(entries);
  const finding: Omit<Finding, 'kind'> = {
    question,
    sources: calledIn(outcome),
    ...(trust === undefined ? {} : { trust }),
  };
  const common = { ...finding, usage, screened };
  if (outcome.kind === 'replied' && !outcome.cut && outcome.text.trim() !== '') {
    return { ...common, kind: 'answered', text: outcome.text.trim() };
  }
  const why = whyNotDone(outcome, around);
  const text = soFar(entries, around);
  return text === '' ? { ...common, kind: 'failed', why } : { ...common, kind: 'cut', text, why };
}

function whyNotDone(outcome: TurnOutcome, { course, settings }: Surroundings): string {
  switch (outcome.kind) {
    case 'replied':
      return outcome.cut ? 'the answer reached its length limit' : 'the model had nothing to say';
    case 'exhausted':
      if (!outcome.by) return `its ${settings.steps} steps were used up`;
      return outcome.by === course.meter.own ? `its ${settings.tokens} tokens were used up` : OUT_OF_BUDGET;
    case 'stopped':
      return course.whyEnded(settings);
    case 'suspended':
      throw new Error('a question was left to humans, though nobody may be asked about it');
    default:
      return outcome satisfies never;
  }
}

/** Its last words, and the beginnings of what it had read since. */
function soFar(entries: readonly Entry[], { setup, opening }: Surroundings): string {
  const at = entries.findLastIndex((entry) => entry.kind === 'assistant' && entry.text.trim() !== '');
  const last = entries[at];
  const reading = readingOf([opening, ...entries], setup.heard, setup.requester);
  const words =
    last?.kind === 'assistant' ? [outgoingText(last.text.trim(), reading, setup.outlet ?? NO_OUTLET)] : [];
  const told = entries
    .slice(at + 1)
    .flatMap((entry) => (entry.kind === 'tool-result' && entry.status === 'ok' ? [entry.text] : []))
    .slice(-MOST_TOLD)
    .map((text) => `Read, and not yet put into words:\n${cutText(text, TOLD_CHARS)}`);
  return [...words, ...told].join('\n\n');
}

/** Of the least trusted of whose words were read. */
function trustOf(entries: readonly Entry[]): Trust | undefined {
  const read = entries.flatMap((entry) => (entry.kind === 'tool-result' ? (entry.trust ?? []) : []));
  const strangers = read.filter(isStrangers);
  return strangers.includes('web') ? 'web' : strangers[0];
}

function nothing(question: string, why: string): Found {
  return { kind: 'failed', question, why, sources: [], usage: NO_USAGE, screened: [] };
}

const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** The beginning or end of a sentence, without its full stop. */
function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
