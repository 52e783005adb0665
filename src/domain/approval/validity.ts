/**
 * Whether a yes that was said before still counts, now that the next word is counted. Pure, given who is who now.
 *
 *   the person        is still somebody here, and it is not asked on their behalf
 *   their authority   what they still have of the roles they had; who was on call or away then, decided then
 *   the account       is still theirs; of a program: which may still record what that person says
 *   another's word    as long as that other one may, and, where it was passed to them, they may approve themselves
 *
 * Invariant: nothing is worth more than when it was said. Whoever may do more by now can say it anew.
 */
import type { AccountId, PersonId } from '../ids.ts';
import { isApprover } from '../quorum.ts';
import { toVoter, voterIn } from './agreement.ts';
import { chainTo } from './delegation-chain.ts';
import { isExcluded, type Known } from './exclusion.ts';
import { type Approval, type Assent, approversOf, type VoidedAssent } from './record.ts';

/** Somebody as they are now. */
export interface PersonNow {
  readonly accounts: readonly AccountId[];
  /** Their own, and of those that a group carried, the ones that a group still may. */
  readonly roles: readonly string[];
  /** Whether one of those roles may decide approvals at all. */
  readonly permitted: boolean;
}

export interface PeopleNow {
  /** Undefined when they are nobody here any more. `lent`: roles that a group carried when they spoke. */
  readonly find: (person: PersonId, lent: readonly string[]) => PersonNow | undefined;
  /** Whose account it is; undefined when it is nobody's, as that of a program always is. */
  readonly ownerOf: (account: AccountId) => PersonId | undefined;
  /** Whether it is the account of a program that may record what they say. */
  readonly isProgramOf: (account: AccountId, person: PersonId) => boolean;
}

/** Without every yes that counts no more, and each worth what is left of it; as it is, where all of them count. */
export function withoutVoid(approval: Approval, nowMs: number, people: PeopleNow | undefined): Approval {
  const { assents = [], voided = [], spent = [] } = approval;
  if (!people || assents.length === 0) return approval;
  const judged = assents.map((assent) => ({ assent, left: leftOf(approval, assent, people) }));
  if (judged.every(({ assent, left }) => left === assent)) return approval;
  const gone = judged.flatMap(({ assent: { by, via, key }, left }) =>
    typeof left === 'string' ? [{ key, entry: { by, via, why: left, atMs: nowMs } }] : [],
  );
  return {
    ...approval,
    assents: judged.flatMap(({ left }) => (typeof left === 'string' ? [] : [left])),
    voided: [...voided, ...gone.map(({ entry }) => entry)],
    spent: [...spent, ...gone.map(({ key }) => key)],
  };
}

/** Of what was said, all that still counts, each worth what is left of it. */
export function stillCounting<Said extends Word>(
  approval: Approval,
  said: readonly Said[],
  people: PeopleNow | undefined,
): readonly Said[] {
  if (!people) return said;
  return said.flatMap((each) => {
    const left = leftOf(approval, each, people);
    return typeof left === 'string' ? [] : [left];
  });
}

/** A yes, to the call or to another attempt at it. */
type Word = Pick<Assent, 'roles' | 'onCall' | 'lent' | 'mute' | 'standsFor' | 'enteredBy'> & {
  /** No account: in records from before it was kept. */
  readonly by: { readonly person: PersonId; readonly account?: AccountId | undefined };
};

/** What is left of it, or why nothing is. */
function leftOf<Said extends Word>(
  approval: Approval,
  assent: Said,
  people: PeopleNow,
): Said | VoidedAssent['why'] {
  const { by, enteredBy, lent = [] } = assent;
  const speaker = people.find(by.person, lent);
  const operator = enteredBy && people.find(enteredBy, []);
  const owner = by.account && people.ownerOf(by.account);
  if (!speaker || (enteredBy && !operator)) return 'gone';
  const behind: Known[] = [
    { person: by.person, accounts: speaker.accounts },
    ...(enteredBy && operator ? [{ person: enteredBy, accounts: operator.accounts }] : []),
    ...(owner ? [{ person: owner }] : []),
  ];
  if (behind.some((each) => isExcluded(approval, each))) return 'requester';
  const isTheirs =
    by.account === undefined ||
    owner === (enteredBy ?? by.person) ||
    people.isProgramOf(by.account, by.person);
  if (!isTheirs) return 'not-theirs';

  const left = reduced(approval, assent, { speaker, people });
  const isWorthless = left.mute && (left.standsFor ?? []).length === 0;
  if (isWorthless || !isApprover(approversOf(approval), voterIn(approval, toVoter(left)))) return 'powerless';
  return left;
}

/** With what they, and those they stand in for, still have of what they had. */
function reduced<Said extends Word>(
  approval: Approval,
  assent: Said,
  { speaker, people }: { readonly speaker: PersonNow; readonly people: PeopleNow },
): Said {
  const { roles, mute, standsFor = [], ...said } = assent;
  // A request is passed to those who may approve alone, by roles of their own.
  const mayBePassed = people.find(said.by.person, [])?.permitted === true;
  const passed = mayBePassed
    ? []
    : chainTo(said.by.person, approval.delegations ?? []).map(({ person }) => person);
  const kept = standsFor.flatMap((word) => {
    const now = people.find(word.person, lentBy(approval, word.person));
    const isHeard =
      now?.permitted &&
      !(word.way !== 'absence' && passed.includes(word.person)) &&
      !isExcluded(approval, { person: word.person, accounts: now.accounts });
    return now && isHeard ? [{ ...word, roles: still(word.roles, now) }] : [];
  });
  const own = still(roles, speaker);
  const isMute = mute ?? !speaker.permitted;
  const isSame =
    isMute === (mute ?? false) &&
    own.length === roles.length &&
    kept.length === standsFor.length &&
    kept.every((word, n) => word.roles.length === standsFor[n]?.roles.length);
  if (isSame) return assent;
  const left = {
    ...said,
    roles: own,
    ...(isMute ? { mute: true } : {}),
    ...(kept.length > 0 ? { standsFor: kept } : {}),
  };
  return left as Said; // the same fields of it, with less in them
}

function still(roles: readonly string[], now: PersonNow): string[] {
  return roles.filter((role) => now.roles.includes(role));
}

/** What a group carried for somebody when they let others decide. */
function lentBy({ delegations = [] }: Pick<Approval, 'delegations'>, person: PersonId): string[] {
  return delegations.flatMap(({ from, roles = [] }) => (from === person ? roles : []));
}
