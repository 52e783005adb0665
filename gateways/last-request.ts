/**
 * When a platform that calls us was last found genuine, kept where `signalbox check` and a restart find it.
 *
 * Invariants
 *   1. Only what was accepted is noted: a forged request proves nothing about the way in.
 *   2. Noting never holds up an answer, and never fails one.
 */
import type { Clock } from '../src/domain/clock.ts';
import type { Bookmarks } from '../src/domain/gateway.ts';
import type { Logger } from '../src/observability/logger.ts';

/** A busy platform is noted so often, in ms; nobody asks to the second. */
const NOTE_EVERY_MS = 60_000;

interface Deps {
  readonly bookmarks: Bookmarks;
  readonly clock: Clock;
  readonly log: Logger;
}

export class LastRequest {
  #notedMs = Number.NEGATIVE_INFINITY;
  #noting: Promise<void> = Promise.resolve();

  constructor(
    /** Of the platform, and of the address it calls, so that another address is not taken for it. */
    private readonly name: string,
    private readonly deps: Deps,
  ) {}

  /** One was accepted now. */
  note(): void {
    const { bookmarks, clock, log } = this.deps;
    const nowMs = clock.now();
    if (nowMs - this.#notedMs < NOTE_EVERY_MS) return;
    this.#notedMs = nowMs;
    this.#noting = bookmarks.write(this.name, String(nowMs)).catch((error: unknown) => {
      this.#notedMs = Number.NEGATIVE_INFINITY;
      log.warn({ error }, 'that a platform called could not be noted; `signalbox check` does not know of it');
    });
  }

  /** Resolves when what was noted is kept. */
  async settled(): Promise<void> {
    await this.#noting;
  }

  /** When it was, in ms; undefined when none ever came. Rejects when the store is away. */
  async read(): Promise<number | undefined> {
    const kept = await this.deps.bookmarks.read(this.name);
    return kept === undefined ? undefined : Number(kept);
  }
}
