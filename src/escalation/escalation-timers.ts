/** Moves escalations on when their time has come: whichever process looks first. */
import { heedPeople, tick } from '../domain/escalation/course.ts';
import type { Surroundings } from '../domain/escalation/surroundings.ts';
import { EscalationId } from '../domain/ids.ts';
import type { Logger } from '../observability/logger.ts';
import type { EscalationStore } from './escalation-store.ts';

/** An escalation that cannot be read or written is looked at again after this long. */
const POSTPONE_MS = 60_000;

export class EscalationTimers {
  constructor(
    private readonly escalations: EscalationStore,
    private readonly surroundings: (nowMs: number) => Surroundings,
    private readonly log: Logger,
  ) {}

  /** One look at a partition. Resolves with how much moved, and when there is more to do, in ms. */
  async sweep(partition: number, limit: number): Promise<{ moved: number; nextInMs: number }> {
    const { ids, nextMs, nowMs } = await this.escalations.due(partition, limit);
    await Promise.all(ids.map((id) => this.#tick(EscalationId.parse(id), nowMs)));
    return { moved: ids.length, nextInMs: (nextMs ?? Number.POSITIVE_INFINITY) - nowMs };
  }

  /** To be called when people, duty or absences may have changed: whoever comes on call by that is called. */
  async heedPeople(): Promise<void> {
    for await (const { id } of this.escalations.all()) {
      try {
        await this.escalations.apply(
          id,
          (escalation, nowMs) => escalation && heedPeople(escalation, this.surroundings(nowMs)),
        );
      } catch (error) {
        this.log.error(
          { err: error, escalation: id },
          'an escalation could not be held against who is there now',
        );
      }
    }
  }

  async #tick(id: EscalationId, nowMs: number): Promise<void> {
    try {
      const result = await this.escalations.apply(
        id,
        (escalation, nowMs, outages) => escalation && tick(escalation, this.surroundings(nowMs), outages),
      );
      if (result === undefined) await this.escalations.dropTimer(id);
      else if (result !== 'nothing') this.log.info({ escalation: id, result }, 'time moved an escalation on');
    } catch (error) {
      this.log.error(
        { err: error, escalation: id },
        'an escalation could not be moved on; trying again in a minute',
      );
      await this.escalations.postpone(id, nowMs + POSTPONE_MS);
    }
  }
}
