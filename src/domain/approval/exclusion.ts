/**
 * Who has no say in a request: whoever asked, everybody on whose behalf that was, and whoever has one of their accounts
 * now, by whatever name they went when they used it. Pure.
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

type Asking = Pick<ApprovalRequest, 'requester' | 'lineage' | 'accounts'>;

export function isExcluded(
  { request: { requester, lineage = [], accounts = [] } }: { readonly request: Asking },
  { person, accounts: own = [] }: Known,
): boolean {
  const asking = [requester, ...lineage];
  if (asking.includes(person) || own.some((account) => accounts.includes(account))) return true;
  return asking.some(isGuestId) && own.some((account) => asking.includes(guestIdOf(account)));
}
