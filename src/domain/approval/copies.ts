/** Where the card of an approval is shown, and which face it shows there. Pure. */
import type { PersonId } from '../ids.ts';
import { type Approval, type CardCopy, type Delegation, isEnded, isWaiting, type Step } from './record.ts';

/** Notes which message carries a copy, and the face it shows. */
export function noteCopy(
  approval: Approval,
  copyId: string,
  sent: { ref: string; shown: number },
  nowMs: number,
): Step<'noted'> {
  const copy = approval.copies.find(({ id }) => id === copyId);
  if (!copy || (copy.ref === sent.ref && (copy.shown ?? 0) >= sent.shown)) return { result: 'noted' };
  const copies = approval.copies.map((each) =>
    each.id === copyId ? { ...each, ref: sent.ref, shown: Math.max(sent.shown, each.shown ?? 0) } : each,
  );
  const isFirst = approval.visibleMs === undefined && isWaiting(approval.state);
  const isSeen = isFirst && isInFrontOfSomebody(approval, copy);
  const next = { ...approval, rev: approval.rev + 1, copies, ...(isSeen ? { visibleMs: nowMs } : {}) };
  return { result: 'noted', moved: { next, event: 'card-sent', actor: 'system' } };
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

/** Those whom a copy reaches. Pure. */
export function askedBy({ person, named = [] }: CardCopy): readonly PersonId[] {
  return person === undefined ? named : [person];
}

/** Those who may decide have it there; where nobody is asked by themselves, the conversation has to do. */
function isInFrontOfSomebody({ copies }: Approval, copy: CardCopy): boolean {
  return askedBy(copy).length > 0 || copies.every((each) => askedBy(each).length === 0);
}

/** Those who get a card of their own, at most; the others see the one in the conversation. */
export const MOST_COPIES = 20;
/** People who are named on one card, at most: more would be noise to all of them. */
export const MOST_NAMED = 10;

/**
 * Of those who come to a request that waits, who is asked by themselves: as many as there would have been when it was
 * opened. Where so many were named on one card that the others were not, the others are not written to there either.
 */
export function withinBounds(
  copies: readonly CardCopy[],
  { further, asked }: { readonly further: readonly CardCopy[]; readonly asked: readonly CardCopy[] },
): CardCopy[] {
  const there = new Set(asked.flatMap(askedBy));
  const ofThose = (copy: CardCopy) => askedBy(copy).filter((person) => there.has(person)).length;
  const crowded = copies.filter((copy) => copy.person === undefined && ofThose(copy) >= MOST_NAMED);
  const room = MOST_COPIES - copies.filter((copy) => copy.person !== undefined && ofThose(copy) > 0).length;
  return further
    .filter(({ to }) => crowded.every((copy) => copy.to.platform !== to.platform))
    .slice(0, Math.max(0, room));
}

/** Nobody who has it already is asked again. */
export function withFurther(copies: readonly CardCopy[], further: readonly CardCopy[]): CardCopy[] {
  return [...copies, ...withoutAsked(further, copies)];
}

/** Those of the further copies that are for nobody who has it already. */
export function withoutAsked(further: readonly CardCopy[], copies: readonly CardCopy[]): CardCopy[] {
  const asked = new Set(copies.flatMap(askedBy));
  return further.filter((copy) => !askedBy(copy).some((person) => asked.has(person)));
}

/** Of those who are asked now, each by themselves, none has a card that was sent, though one of them is to get it. */
export function isSeenByNobody(
  copies: readonly CardCopy[],
  asked: readonly CardCopy[],
  delegations: readonly Delegation[] = [],
): boolean {
  const there = peopleIn(asked, delegations);
  const theirs = copies.filter((copy) => askedBy(copy).some((person) => there.has(person)));
  return theirs.length > 0 && theirs.every(({ ref }) => ref === undefined);
}

function peopleIn(asked: readonly CardCopy[], delegations: readonly Delegation[]): ReadonlySet<PersonId> {
  return new Set([...asked.flatMap(askedBy), ...delegations.map(({ to }) => to)]);
}

/** Who is not asked now rests; whoever has the word of somebody for this request does not. */
export function withResting(
  copies: readonly CardCopy[],
  asked: readonly CardCopy[],
  delegations: readonly Delegation[] = [],
): CardCopy[] {
  const there = peopleIn(asked, delegations);
  return copies.map(({ resting: _, ...copy }) =>
    copy.person === undefined || there.has(copy.person) ? copy : { ...copy, resting: true },
  );
}
