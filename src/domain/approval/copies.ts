/** Where the card of an approval is shown, and which face it shows there. Pure. */
import { type Approval, type CardCopy, isEnded, type Step } from './record.ts';

/** Notes which message carries a copy, and the face it shows. */
export function noteCopy(
  approval: Approval,
  copyId: string,
  sent: { ref: string; shown: number },
): Step<'noted'> {
  const copy = approval.copies.find(({ id }) => id === copyId);
  if (!copy || (copy.ref === sent.ref && (copy.shown ?? 0) >= sent.shown)) return { result: 'noted' };
  const copies = approval.copies.map((each) =>
    each.id === copyId ? { ...each, ref: sent.ref, shown: Math.max(sent.shown, each.shown ?? 0) } : each,
  );
  return {
    result: 'noted',
    moved: { next: { ...approval, rev: approval.rev + 1, copies }, event: 'card-sent', actor: 'system' },
  };
}

/** Asks an approver in a further place, because the first may not reach them. Once for each place. */
export function addCopy(approval: Approval, copy: CardCopy): Step<'added' | 'not-needed'> {
  const isThere = approval.copies.some(({ id }) => id === copy.id);
  if (isThere || isEnded(approval.state)) return { result: 'not-needed' };
  const copies = [...approval.copies, copy];
  return {
    result: 'added',
    moved: { next: { ...approval, rev: approval.rev + 1, copies }, event: 'rerouted', actor: 'system' },
  };
}
