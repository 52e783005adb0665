/** Who has to agree where several want people to. Pure. */
import { type Approvers, placesIn } from './quorum.ts';

/**
 * A yes of all of them. What one of them wants whole is taken apart first, however deep, and then each part is wanted as
 * often as the one wants it that wants it most, not the sum: of the same role so many holders, the same person once.
 *
 * It is reached only by people who reach each of them alone. The other way round it is, where each wants all of what it
 * names, by people who can reach each of them with everyone in the same single place throughout: whoever is a manager
 * and from finance is one of the two here as well. Groups of which some are enough count as one part, and as the same
 * only where they name the same.
 */
export function together(all: readonly Approvers[]): Approvers {
  const most = new Map<string, Wanted>();
  for (const [key, wanted] of all.flatMap((each) => [...wantedBy(each)])) {
    if (wanted.times > (most.get(key)?.times ?? 0)) most.set(key, wanted);
  }
  const of = [...most.values()].flatMap(toApprovers);
  const [only] = of;
  return only && of.length === 1 ? only : { atLeast: of.length, of };
}

/** Whether both want the same of the same people, however they are written. */
export function wantTheSame(one: Approvers, other: Approvers): boolean {
  return formOf(together([one])) === formOf(together([other]));
}

function formOf(approvers: Approvers): string {
  return `${placesIn(approvers)} of ${keyOf(approvers)}`;
}

interface Wanted {
  readonly part: Approvers;
  /** Of a role so many holders. */
  readonly times: number;
}

function wantedBy(approvers: Approvers): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const part of partsOf(approvers)) {
    const key = keyOf(part);
    const times = (wanted.get(key)?.times ?? 0) + ('role' in part ? placesIn(part) : 1);
    wanted.set(key, { part, times });
  }
  return wanted;
}

function partsOf(approvers: Approvers): readonly Approvers[] {
  const isWhole = 'of' in approvers && approvers.atLeast === approvers.of.length;
  return isWhole ? approvers.of.flatMap(partsOf) : [approvers];
}

/** The same for what wants the same, in whatever order it is written; of a role, however many of them it wants. */
function keyOf(part: Approvers): string {
  if (!('of' in part)) return JSON.stringify('role' in part ? { role: part.role } : part);
  const members = part.of.map(formOf);
  return JSON.stringify([part.atLeast, ...members.toSorted()]);
}

function toApprovers({ part, times }: Wanted): readonly Approvers[] {
  if (!('role' in part)) return Array.from({ length: times }, () => part);
  return [times === 1 ? { role: part.role } : { role: part.role, count: times }];
}
