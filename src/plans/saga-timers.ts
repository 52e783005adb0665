/** Raises plans that nobody goes on with: whichever process looks first. */
import { abandon } from '../domain/saga.ts';
import type { Logger } from '../observability/logger.ts';
import type { SagaStore } from './saga-store.ts';

/** A plan that cannot be read or written is looked at again after this long. */
const POSTPONE_MS = 60_000;

export class SagaTimers {
  constructor(
    private readonly sagas: SagaStore,
    private readonly log: Logger,
  ) {}

  /** One look at a partition. Resolves with how much moved, and when there is more to do, in ms. */
  async sweep(partition: number, limit: number): Promise<{ moved: number; nextInMs: number }> {
    const { ids, nextMs, nowMs } = await this.sagas.due(partition, limit);
    await Promise.all(ids.map((id) => this.#raise(id, nowMs)));
    return { moved: ids.length, nextInMs: (nextMs ?? Number.POSITIVE_INFINITY) - nowMs };
  }

  async #raise(id: string, nowMs: number): Promise<void> {
    try {
      const raised = await this.sagas.apply(id, (saga, now) =>
        saga ? abandon(saga, now) : { kind: 'fenced' },
      );
      if (raised) this.log.error({ saga: id }, 'nobody went on with a plan; a human has to look at it');
      else if (!(await this.sagas.find(id))) await this.sagas.dropTimer(id);
    } catch (error) {
      this.log.error({ err: error, saga: id }, 'a plan could not be raised; trying again in a minute');
      await this.sagas.postpone(id, nowMs + POSTPONE_MS);
    }
  }
}
