/** Waiting for something to be so on an emulated platform: who looks is told of every change. */

/** How long `until` waits before it says what it saw instead. */
const UNTIL_TIMEOUT_MS = 10_000;

export class Watch {
  readonly #listeners = new Set<() => void>();

  /** @param place where it was not seen, in words: `in Slack` */
  constructor(private readonly place: string) {}

  changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** The function returned ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves with what `find` returns, as soon as that is neither undefined nor false. Looks after every change.
   *
   * @throws {Error} after `timeoutMs` (default 10 s), with what `summary` says there is instead
   */
  async until<Found>(
    find: () => Found | undefined | false,
    summary: () => string,
    timeoutMs = UNTIL_TIMEOUT_MS,
  ): Promise<Found> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        stopListening();
        act();
      };
      const look = () => {
        try {
          const found = find();
          if (found !== undefined && found !== false) settle(() => resolve(found));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const tooLate = () =>
        reject(new Error(`not seen ${this.place} within ${timeoutMs} ms. There is: ${summary()}`));
      const timer = setTimeout(() => settle(tooLate), timeoutMs);
      const stopListening = this.onChange(look);
      look();
    });
  }
}
