/** Has what was kept long enough removed, every now and then. Any number of processes may. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';
import type { RetentionSweep } from '../memory/retention-sweep.ts';
import type { Logger } from '../observability/logger.ts';
import type { Service } from './service.ts';

/**
 * `firstMs` after the start, because whoever starts has better things to do, and every `everyMs` from then on: nothing is
 * kept longer than its time by more than this.
 */
const PACE = { firstMs: 60_000, everyMs: 60 * 60_000 };

export class RetentionSweeper implements Service {
  readonly name = 'retention-sweeper';
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly retention: Pick<RetentionSweep, 'sweep'>,
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly pace: Readonly<typeof PACE> = PACE,
  ) {}

  async start(): Promise<void> {
    this.#stopping = new AbortController();
    this.#loop = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let pauseMs = this.pace.firstMs; !signal.aborted; pauseMs = this.pace.everyMs) {
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#sweep(signal);
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    try {
      const swept = await this.retention.sweep(this.clock.now(), signal);
      if (Object.values(swept).some((count) => count > 0)) {
        this.log.info({ ...swept }, 'what was kept long enough was removed');
      }
    } catch (error) {
      this.log.error(
        { err: error },
        'removing what was kept long enough failed; it is tried again with the next look',
      );
    }
  }
}
