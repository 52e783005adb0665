/**
 * What has to be true of escalations at every moment: one that is live has its timer (E2), what somebody is to be told
 * is told, and one that has come to its end was heard by somebody. What is not so is put right where that can be.
 */
import type { EscalationStore } from './escalation-store.ts';
import type { Pagers } from './pagers.ts';

/** What was found: the escalation, or the person who is to be told something. */
export interface EscalationFlaw {
  readonly kind: 'call-timer' | 'call-stuck' | 'call-unheard';
  readonly subject: string;
  readonly mended: boolean;
}

/** Escalations that have come to their end are looked through, at most. */
const MOST_LIVE = 10_000;

export class EscalationAudit {
  constructor(
    private readonly escalations: Pick<EscalationStore, 'prove' | 'live'>,
    private readonly pagers: Pick<Pagers, 'prove'>,
  ) {}

  async *look(): AsyncGenerator<EscalationFlaw> {
    for (const flaws of [this.escalations.prove(), this.pagers.prove()]) {
      for await (const { id, kind } of flaws) {
        const isStuck = kind === 'stuck';
        yield { kind: isStuck ? 'call-stuck' : 'call-timer', subject: id, mended: !isStuck };
      }
    }
    for (const { id, standing } of await this.escalations.live(MOST_LIVE)) {
      if (standing.state === 'EXHAUSTED' && !standing.isHeard) {
        yield { kind: 'call-unheard', subject: id, mended: false };
      }
    }
  }
}
