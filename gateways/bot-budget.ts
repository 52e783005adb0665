/**
 * How often the bots we listen to may speak in a thread before a person has to.
 *
 * Kept in memory on purpose: it bounds a loop, and a loop that begins anew after a restart is bounded anew. With
 * several gateway processes each counts what reaches it.
 */
export class BotBudget {
  readonly #spent = new Map<string, number>();

  constructor(private readonly turns: number) {}

  /** Counts one message of a bot; false when the thread's budget is spent. */
  spend(conversationId: string): boolean {
    const spent = this.#spent.get(conversationId) ?? 0;
    this.#spent.delete(conversationId); // and set again, so that the least recently used thread comes first
    this.#spent.set(conversationId, Math.min(spent + 1, this.turns));
    if (this.#spent.size > MAX_THREADS) this.#forgetOldest();
    return spent < this.turns;
  }

  /** A person spoke: the bots may go on. */
  renew(conversationId: string): void {
    this.#spent.delete(conversationId);
  }

  #forgetOldest(): void {
    const [oldest] = this.#spent.keys();
    if (oldest !== undefined) this.#spent.delete(oldest);
  }
}

/** Threads remembered; bots that talk in more threads than this at a time have their oldest budget renewed. */
const MAX_THREADS = 10_000;
