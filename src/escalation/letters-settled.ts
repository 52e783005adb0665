/** Whoever was called because something was kept in the dead letters hears when nothing of that queue is any more. */
import type { EscalationTrigger } from '../config/escalation-triggers.ts';
import { partitionOfEscalation } from '../delivery/escalation-item.ts';
import type { Clock } from '../domain/clock.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { closingsOf } from './triggers.ts';

/** What `DeadLetters` is to call. */
export function lettersSettled(
  writer: EffectWriter,
  triggers: () => readonly EscalationTrigger[],
  clock: Clock,
): (queue: string, last: string) => Promise<void> {
  return async (queue, last) => {
    const closings = closingsOf(
      triggers(),
      { kind: 'letters-settled', queue },
      { id: `settled:${last}`, nowMs: clock.now() },
    );
    for (const { escalation, effect } of closings) {
      await writer.writeIn(partitionOfEscalation(escalation), [effect]);
    }
  };
}
