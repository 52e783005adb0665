/**
 * What has to be true of escalations at every moment: one that is live has its timer (E2), what somebody is to be told
 * is told, whoever has one with its conversation has that, and one that has come to its end was heard by somebody. What is not so is put right where that can be.
 */
import type { ControlStore } from '../control/control-store.ts';
import type { Clock } from '../domain/clock.ts';
import type { Control } from '../domain/control.ts';
import { keepWithoutConversation } from '../domain/escalation/answers.ts';
import type { Escalation } from '../domain/escalation/record.ts';
import type { EscalationStore } from './escalation-store.ts';
import type { Pagers } from './pagers.ts';

/** What was found: the escalation, or the person who is to be told something. */
export interface EscalationFlaw {
  readonly kind: 'call-timer' | 'call-stuck' | 'call-unheard' | 'unreadable';
  readonly subject: string;
  readonly mended: boolean;
}

/** Escalations that have come to their end are looked through, at most. */
const MOST_LIVE = 10_000;

/** What follows from a change of hands is written by then. */
const FOLLOWED_WITHIN_MS = 60_000;

export class EscalationAudit {
  constructor(
    private readonly escalations: Pick<EscalationStore, 'prove' | 'live' | 'apply'>,
    private readonly pagers: Pick<Pagers, 'prove'>,
    private readonly controls: Pick<ControlStore, 'find'>,
    private readonly clock: Clock,
  ) {}

  async *look(): AsyncGenerator<EscalationFlaw> {
    for (const flaws of [this.escalations.prove(), this.pagers.prove()]) {
      for await (const { id, kind } of flaws) {
        if (kind === 'unreadable') {
          yield { kind, subject: id, mended: false };
          continue;
        }
        const isStuck = kind === 'stuck';
        yield { kind: isStuck ? 'call-stuck' : 'call-timer', subject: id, mended: !isStuck };
      }
    }
    for (const escalation of await this.escalations.live(MOST_LIVE)) {
      const { id, standing } = escalation;
      if (standing.state === 'EXHAUSTED' && !standing.isHeard) {
        yield { kind: 'call-unheard', subject: id, mended: false };
      }
      if (await this.#isLeftWithoutConversation(escalation)) {
        await this.escalations.apply(id, (before, nowMs) => before && keepWithoutConversation(before, nowMs));
        yield { kind: 'call-stuck', subject: id, mended: true };
      }
    }
  }

  /** It has no time of its own as long as somebody has it with the conversation (E6). */
  async #isLeftWithoutConversation({ standing, subject }: Escalation): Promise<boolean> {
    if (standing.state !== 'ACKED' || !standing.hasConversation || subject.kind === 'trouble') return false;
    const control = await this.controls.find(subject.conversationId);
    return !isWith(control, standing.owner) && this.clock.now() - control.sinceMs > FOLLOWED_WITHIN_MS;
  }
}

function isWith(control: Control, { person }: { readonly person: string }): boolean {
  return control.state === 'HUMAN' && control.owner.person === person;
}
