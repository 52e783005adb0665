/**
 * Whoever was called because something was kept in the dead letters hears when nothing of that queue is any more.
 *
 * A letter is kept in one write with its report, and reports are taken up later, in another partition. So what is
 * called off is what was looked at: a report that is counted meanwhile makes it be looked at anew, and one that is taken
 * up afterwards begins anew. It is looked at when a letter is settled, and when a report of one was taken up: whichever
 * comes last finds how it is.
 */
import type { EscalationTrigger } from '../config/escalation-triggers.ts';
import { close } from '../domain/escalation/answers.ts';
import { type Escalation, isLive } from '../domain/escalation/record.ts';
import type { DeadLetters } from '../mailbox/dead-letters.ts';
import type { EscalationStore } from './escalation-store.ts';
import { type Closing, closingsOf, troubleMendedBy } from './triggers.ts';

export class LettersSettled {
  constructor(
    private readonly escalations: Pick<EscalationStore, 'find' | 'apply' | 'begunBy'>,
    private readonly letters: Pick<DeadLetters, 'holds'>,
    private readonly triggers: () => readonly EscalationTrigger[],
  ) {}

  /** Calls off whoever was called about this queue, if nothing of it is kept. */
  async closeFor(queue: string): Promise<void> {
    const settled = { kind: 'letters-settled', queue } as const;
    const begun = await this.escalations.begunBy(troubleMendedBy(settled));
    for (const closing of closingsOf(this.triggers(), settled, { id: '', nowMs: 0 }, begun)) {
      await this.#close(closing, queue);
    }
  }

  async #close({ escalation, remark }: Closing, queue: string): Promise<void> {
    for (let isSame = false; !isSame; ) {
      const seen = await this.escalations.find(escalation);
      // Only now: what is reported after this was counted is seen below.
      if (!seen || !isLive(seen) || (await this.letters.holds(queue))) return;
      await this.escalations.apply(escalation, (current) => {
        isSame = current === undefined || isSameReport(current, seen);
        return isSame && current ? close(current, remark) : undefined;
      });
    }
  }
}

/** Whether nothing was reported since. */
function isSameReport(a: Escalation, b: Escalation): boolean {
  return a.count === b.count && a.firstMs === b.firstMs;
}
