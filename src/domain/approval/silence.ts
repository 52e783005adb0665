/**
 * What comes of a request if nobody says anything more. Pure.
 *
 * Invariant: this is what `tick` does at the deadline, and at each one after it. Whatever changes there changes here;
 * `tests/unit/domain/approval-silence.test.ts` holds the two together.
 */
import type { Approvers } from '../quorum.ts';
import { enoughSaid } from './agreement.ts';
import { answerOf } from './answer.ts';
import { nextRung } from './ladder.ts';
import { type Approval, capped, isUnanswered, latestOf } from './record.ts';

export type Silence =
  | { readonly kind: 'expires' }
  /** Silence is a yes. */
  | { readonly kind: 'runs' }
  | { readonly kind: 'answers'; readonly text: string }
  /** These may decide it as well from then on. */
  | { readonly kind: 'asks'; readonly approvers: Approvers }
  /** The same, and what was said before is enough by that: it runs. */
  | { readonly kind: 'agrees'; readonly approvers: Approvers };

/** One after the other, each at the deadline that the one before has led to; the last one ends it. */
export function whatSilenceDoes(approval: Approval): readonly Silence[] {
  return fromRung(approval, endOf(approval));
}

/** When time is up, in ms since the epoch: with a question open, as late as it can be. */
export function endOf(approval: Approval): number {
  return capped(approval, latestOf(approval));
}

function fromRung(approval: Approval, nowMs: number): readonly Silence[] {
  const { rung, taken } = nextRung(approval) ?? {};
  switch (rung?.kind) {
    case undefined:
      return [{ kind: 'expires' }];
    case 'escalate': {
      // By working hours it is this late at least; whatever is later is as far beyond a hard deadline.
      const untilMs = capped(approval, nowMs + rung.forMs);
      if (untilMs <= nowMs) return [{ kind: 'expires' }];
      const { approvers } = rung;
      const next = { ...approval, rung: taken };
      return enoughSaid(next) && !isUnanswered(next)
        ? [{ kind: 'agrees', approvers }]
        : [{ kind: 'asks', approvers }, ...fromRung(next, untilMs)];
    }
    case 'default':
      return [{ kind: 'answers', text: answerOf(approval.policy, rung.text)?.text ?? rung.text }];
    case 'approve':
      return [{ kind: 'runs' }];
    default:
      return rung satisfies never;
  }
}
