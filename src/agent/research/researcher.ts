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
import type { ResearchSettings } from '../../config/research.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Entry } from '../../domain/transcript.ts';
import type { Logger } from '../../observability/logger.ts';
import { NO_OUTLET, outgoingText } from '../outgoing-text.ts';
import { LAST_ANSWER, questionText } from '../prompt/research-prompt.ts';
import { readingOf, withOuter } from '../provenance.ts';
import { type Found, type Inquiry, runTurn, type TurnOutcome, type TurnSetup } from '../turn.ts';
import { nothingFound, toFound } from './found.ts';
import { QuestionBounds, type TimeOver, whyNotBegun, wordsOf } from './question-bounds.ts';
import { ReadingTools } from './reading-tools.ts';

export interface ResearchDeps {
  readonly settings: ResearchSettings;
  readonly systemPrompt: string;
  /** A sentence that tells the time. */
  readonly now: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Left out: by the machine's own clock. */
  readonly timeOver?: TimeOver;
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
          const own = { ...inquiry, key: `${inquiry.key}:${index}` };
          const found = await this.#lookInto(question, own, signal);
          this.#done++;
          this.#tell(inquiry);
          return found;
        }),
      ),
    );
  }

  async #lookInto(question: string, inquiry: Inquiry, signal: AbortSignal): Promise<Found> {
    signal.throwIfAborted();
    const { settings, now, timeOver, log } = this.deps;
    const blocked = await whyNotBegun(inquiry.turn);
    if (blocked !== undefined) return nothingFound(question, blocked);

    const bounds = new QuestionBounds(settings, inquiry.turn, timeOver);
    try {
      const setup = this.#setup(inquiry, bounds);
      const opening = this.#event(questionText(question, now));
      const outcome = await runTurn(setup, [opening], signal);
      const own = readingOf([opening, ...outcome.entries], setup.heard, setup.requester);
      const reading = withOuter(own, inquiry.reading);
      const found = toFound(question, outcome, {
        why: (ended) => bounds.whyNotDone(ended),
        toSay: (text) => outgoingText(text, reading, setup.outlet ?? NO_OUTLET),
        isSeen: reading.isSeen,
      });
      this.#note(found, outcome);
      return found;
    } catch (error) {
      signal.throwIfAborted();
      log.error({ err: error }, 'a question beside a turn could not be looked into');
      return nothingFound(question, wordsOf(error));
    } finally {
      bounds.close();
    }
  }

  #setup({ turn, key, reading }: Inquiry, bounds: QuestionBounds): TurnSetup {
    const { requester, outlet, throttle, readsAtOnce } = turn;
    let isReminded = false;
    return {
      model: bounds.model,
      systemPrompt: this.deps.systemPrompt,
      tools: new ReadingTools(turn.tools, bounds.end),
      maxSteps: this.deps.settings.steps,
      stop: bounds.end,
      meter: bounds.meter,
      key,
      heard: reading.heard,
      outer: reading,
      ...(requester === undefined ? {} : { requester }),
      ...(outlet ? { outlet } : {}),
      ...(throttle ? { throttle } : {}),
      ...(readsAtOnce === undefined ? {} : { readsAtOnce }),
      remind: (answers) => {
        if (isReminded || !bounds.isLast(answers)) return undefined;
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
