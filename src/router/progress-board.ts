/**
 * Shows people that an answer is on its way, when it takes longer than a moment.
 *
 * One message, edited at the platform's pace; the reply takes its place, so it must not stand before the reply to an
 * earlier message. Best effort: whatever goes wrong here never disturbs the turn.
 *
 * Invariant (number of the specification)
 *   C1  Each edit asks, right before it is made, whether the agent may still speak in the epoch of its turn; once it
 *       may not, nothing more is shown.
 */
import type { Progress } from '../domain/gateway.ts';
import type { Address } from '../domain/message.ts';
import type { Logger } from '../observability/logger.ts';

/** Shorter turns show nothing, in ms. */
const FIRST_AFTER_MS = 1_000;
/** Between two edits, in ms; Slack allows about 50 edits a minute. */
const EDIT_EVERY_MS = 1_500;
/** Longest part of an unfinished answer shown, in characters. */
const MAX_SHOWN_CHARS = 3_000;

export class ProgressBoard {
  #latest = () => 'Working on it …';
  #shown: string | undefined;
  #ref: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #showing: Promise<void> = Promise.resolve();
  #done = false;

  constructor(
    private readonly progress: Pick<Progress, 'show'>,
    private readonly to: Address,
    private readonly key: string,
    /** Whether everything said earlier was sent. */
    private readonly isNext: () => Promise<boolean>,
    /** Whether what this turn says may still be said; asked of the store each time. */
    private readonly maySpeak: () => Promise<boolean>,
    private readonly log: Logger,
    private readonly signal: AbortSignal,
  ) {}

  start(): void {
    this.#timer = setTimeout(() => this.#tick(), FIRST_AFTER_MS);
  }

  /** @param toSay asked only when it is shown; of a part of the text it leaves what may go out of that part */
  text(toSay: (cut: (text: string) => string) => string): void {
    this.#latest = () => {
      const text = toSay(lastPart);
      return text.trim() ? `${text} …` : (this.#shown ?? '');
    };
  }

  tool(name: string): void {
    this.#latest = () => `Using \`${name}\` …`;
  }

  /** Resolves with the message to be replaced by the reply, if one was shown. */
  async finish(): Promise<string | undefined> {
    this.#done = true;
    clearTimeout(this.#timer);
    await this.#showing;
    return this.#ref;
  }

  #tick(): void {
    this.#showing = this.#show().finally(() => {
      if (!this.#done) this.#timer = setTimeout(() => this.#tick(), EDIT_EVERY_MS);
    });
  }

  async #show(): Promise<void> {
    const markdown = this.#latest();
    if (markdown === '' || markdown === this.#shown) return;
    const { to, key } = this;
    try {
      if (this.#ref === undefined && !(await this.isNext())) return;
      if (this.#done || !(await this.maySpeak())) return;
      this.#ref = await this.progress.show(
        { to, key, markdown, ...(this.#ref === undefined ? {} : { ref: this.#ref }) },
        this.signal,
      );
      this.#shown = markdown;
    } catch (error) {
      this.log.debug({ err: error }, 'progress could not be shown');
    }
  }
}

function lastPart(text: string): string {
  return text.length > MAX_SHOWN_CHARS ? `… ${text.slice(-MAX_SHOWN_CHARS)}` : text;
}
