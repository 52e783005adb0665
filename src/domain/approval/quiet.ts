/**
 * Who wants to be left alone when those who are asked are reminded, and is reminded later instead. Pure.
 *
 * Invariant: nobody is left alone beyond the deadline; whose quiet lasts as long is reminded all the same.
 */
import type { PersonId } from '../ids.ts';
import { askedBy } from './copies.ts';
import type { Approval } from './record.ts';

/** When it is quiet no more for somebody; undefined if it is not now, or never ends. */
export type QuietUntil = (person: PersonId, nowMs: number) => number | undefined;

/** When the first of those who were left alone is reminded. */
export function endOfQuiet({ leftAlone = [] }: Pick<Approval, 'leftAlone'>): number {
  return Math.min(...leftAlone.map(({ untilMs }) => untilMs));
}

/** Of those who would be reminded now, who is to be left alone for a while. */
export function leftAloneOf(
  { deadlineMs }: Pick<Approval, 'deadlineMs'>,
  people: Iterable<PersonId>,
  nowMs: number,
  quietUntil: QuietUntil = () => undefined,
): NonNullable<Approval['leftAlone']> {
  return [...people].flatMap((person) => {
    const untilMs = quietUntil(person, nowMs);
    return untilMs !== undefined && untilMs > nowMs && untilMs < deadlineMs ? [{ person, untilMs }] : [];
  });
}

/** Everybody who has it in front of them. */
export function askedIn({ copies }: Pick<Approval, 'copies'>): ReadonlySet<PersonId> {
  return new Set(copies.flatMap((copy) => (copy.resting ? [] : askedBy(copy))));
}
