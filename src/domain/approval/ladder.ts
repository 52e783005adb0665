/** Which step of its policy is next when time is up: the first of those left that can be taken at all. Pure. */
import { answerOf } from './answer.ts';
import { type Approval, isContested, isUnanswered, type Rung } from './record.ts';

/** With `taken`, how many are behind it once it is; undefined when none is left, so that it expires. */
export function nextRung(approval: Approval): { readonly rung: Rung; readonly taken: number } | undefined {
  const { ladder = [] } = approval.policy;
  const place = ladder.findIndex((each, n) => n >= (approval.rung ?? 0) && canTake(approval, each));
  const rung = ladder[place];
  return rung && { rung, taken: place + 1 };
}

function canTake(approval: Approval, rung: Rung): boolean {
  const { request, policy } = approval;
  switch (rung.kind) {
    case 'escalate':
      return true;
    case 'default':
      return answerOf(policy, rung.text) !== undefined;
    case 'approve':
      // Silence is a yes to nothing that could do harm, whatever a file says; and where somebody said no, or asked what
      // nobody told them, it is no silence.
      return (
        request.risk === 'low' && request.reversible && !isContested(approval) && !isUnanswered(approval)
      );
    default:
      return rung satisfies never;
  }
}
