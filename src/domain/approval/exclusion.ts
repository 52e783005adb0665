/**
 * Who has no say in a request: whoever asked, everybody on whose behalf that was, and whoever has one of their accounts
 * now, by whatever name they went when they used it. Pure.
 *
 * Invariant: the same rule tells whose answer does not count, who is not asked, whether enough people are left, and who
 * is not called.
 */
import type { AccountId, PersonId } from '../ids.ts';
import { guestIdOf, isGuestId } from '../person.ts';
import type { ApprovalRequest } from './record.ts';

/** Somebody as they are now. */
export interface Known {
  readonly person: PersonId;
  /** Every account of theirs. */
  readonly accounts?: readonly AccountId[] | undefined;
}

/** Whether somebody has no say. */
export type Excluded = (somebody: Known) => boolean;

type Asking = Pick<ApprovalRequest, 'requester' | 'lineage' | 'accounts'>;

export function isExcluded(
  { request: { requester, lineage = [], accounts = [] } }: { readonly request: Asking },
  { person, accounts: own = [] }: Known,
): boolean {
  const asking = [requester, ...lineage];
  if (asking.includes(person) || own.some((account) => accounts.includes(account))) return true;
  return asking.some(isGuestId) && own.some((account) => asking.includes(guestIdOf(account)));
}

/** The same as a question about one person after the other. */
export function excludedFrom(asked: { readonly request: Asking }): Excluded {
  return (somebody) => isExcluded(asked, somebody);
}

/** Every id that those who asked may go by, where only ids are kept: whoever goes by one of them (`idsOf`) is excluded. */
export function idsAsking({
  request: { requester, lineage = [], accounts = [] },
}: {
  readonly request: Asking;
}): PersonId[] {
  return [...new Set([requester, ...lineage, ...accounts.map(guestIdOf)])];
}

/** Every id somebody may go by: their own, and those of the strangers they would be by each of their accounts. */
export function idsOf({ person, accounts = [] }: Known): PersonId[] {
  return [person, ...accounts.map(guestIdOf)];
}
