/**
 * What bounds one question while it is looked into, and what it was that ended it.
 *
 *   steps · tokens · time · the budget of the turn · somebody stops the turn · the model fails
 *
 * Each of them ends this question and nothing else, with what there is; what breaks the turn itself off is not among
 * them.
 */
import { PartMeter } from '../../budget/part-meter.ts';
import type { ResearchSettings } from '../../config/research.ts';
import { timeLimit } from '../../domain/time-limit.ts';
import type { ModelClient } from '../model/model-client.ts';
import type { TurnOutcome, TurnSetup } from '../turn.ts';

const STOPPED = 'somebody stopped the turn';
const OUT_OF_BUDGET = 'the budget is used up';

/** Aborts when so many ms are over. */
export type TimeOver = (ms: number) => AbortSignal;

/** Why none is begun any more, as a part of a sentence. */
export async function whyNotBegun({
  stop,
  meter,
}: Pick<TurnSetup, 'stop' | 'meter'>): Promise<string | undefined> {
  if (stop?.aborted) return STOPPED;
  return (await meter?.reached()) ? OUT_OF_BUDGET : undefined;
}

export class QuestionBounds {
  readonly meter: PartMeter;
  /** The turn's own. */
  readonly model: ModelClient;
  /** Aborts when the question ends from outside. */
  readonly end: AbortSignal;
  readonly #time: AbortSignal;
  readonly #stop: AbortSignal | undefined;
  /** Aborted with the error of the model. */
  readonly #failed = new AbortController();

  /** Its time begins. */
  constructor(
    private readonly settings: ResearchSettings,
    { model, meter, stop }: Pick<TurnSetup, 'model' | 'meter' | 'stop'>,
    timeOver: TimeOver = (ms) => timeLimit(ms),
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

  /** Whether the answer after so many is the last, or may be. */
  isLast(answers: number): boolean {
    return answers === this.settings.steps - 1 || this.meter.isNearEnd();
  }

  /** Why it ended before it was done, as a part of a sentence. */
  whyNotDone(outcome: TurnOutcome): string {
    switch (outcome.kind) {
      case 'replied':
        return outcome.cut ? 'the answer reached its length limit' : 'the model had nothing to say';
      case 'declined':
        return 'the model declined to answer';
      case 'exhausted':
        if (!outcome.by) return `its ${this.settings.steps} steps were used up`;
        if (outcome.by === 'room') return 'it had become more than the model can be shown';
        return outcome.by === this.meter.own
          ? `its ${this.settings.tokens} tokens were used up`
          : OUT_OF_BUDGET;
      case 'stopped':
        if (this.#stop?.aborted) return STOPPED;
        if (this.#time.aborted) return `its time of ${this.settings.timeout / 1_000} s was over`;
        return wordsOf(this.#failed.signal.reason);
      case 'suspended':
        throw new Error('a question was left to humans, though nobody may be asked about it');
      default:
        return outcome satisfies never;
    }
  }

  /** It is over: nothing listens any longer for what could have ended it, however long its time would have been. */
  close(): void {
    this.#failed.abort();
  }
}

/** A part of a sentence, so without its full stop. */
export function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
