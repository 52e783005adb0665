/** Those who run the gateway find out what came of a call that nobody knows the outcome of. */
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { copiesForOwners } from '../approvals/plan.ts';
import { addCopy } from '../domain/approval/copies.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { Directory } from '../identity/directory.ts';
import type { Reach } from './reach.ts';

export interface OwnerDeps {
  readonly approvals: Pick<ApprovalStore, 'apply'>;
  readonly directory: Pick<Directory, 'operators'>;
  readonly reach: Pick<Reach, 'placesOf'>;
}

/** A card for each of them; also about a call that a rule allowed by itself, or that a program made. */
export async function askOwners(
  approval: Approval,
  { approvals, directory, reach }: OwnerDeps,
): Promise<void> {
  for (const copy of copiesForOwners(approval, ownersIn({ directory, reach }))) {
    await approvals.apply(approval.id, (current) => addCopy(current, copy));
  }
}

/** Each with the place where they are asked; undefined where there is none. */
export function ownersIn({ directory, reach }: Pick<OwnerDeps, 'directory' | 'reach'>) {
  return directory.operators().map((person) => ({ person: person.id, place: reach.placesOf(person)[0] }));
}
