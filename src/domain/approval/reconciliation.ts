/**
 * A call was started, and nobody knows what came of it: people find out, and say so. Pure.
 *
 *   happened, did-not-happen   one of those who may decide it, or who run the gateway; that is the end
 *   retry                      a yes like the first one, so it takes as many as that did, and as much proof of each
 *
 * Invariants
 *   1. What is said about one attempt counts for no other.
 *   2. One human has one word, in whosever name they say it.
 *   3. Whoever agreed earlier still is somebody here who may, when the last one agrees (`validity.ts`).
 */
import type { AccountId, PersonId } from '../ids.ts';
import { type Authority, isQuorum, type Voter } from '../quorum.ts';
import { isSecondWord, toVoter, voterIn, withWord } from './agreement.ts';
import { isExcluded, type Known } from './exclusion.ts';
import { type Approval, advance, approversOf, type Consent, QUIET_MS, type Step } from './record.ts';
import { type PeopleNow, stillCounting } from './validity.ts';
import { mayDecide, rightsOf, standingFor } from './voting.ts';
import { type Settler, settledBy } from './withdrawal.ts';

export type Finding = 'happened' | 'did-not-happen' | 'retry';
export type ReconcileResult =
  /** `RECORDED`: it may run again as soon as enough others agree. */
  | { readonly code: 'DONE' | 'RECORDED'; readonly approval: Approval }
  | {
      /** `HAS_SPOKEN`: that human has agreed in another name already. */
      readonly code: 'NOT_UNKNOWN' | 'NOT_ELIGIBLE' | 'HAS_SPOKEN' | 'NOT_YET' | 'STALE_CARD' | 'STEP_UP';
      readonly approval: Approval;
    };

/** Somebody who says what they found out. */
export interface Finder extends Settler, Omit<Authority, 'person' | 'name'> {
  /** From which they say it. */
  readonly account: AccountId;
  /** Of their roles, those that a group of their platform carries. */
  readonly lent?: readonly string[] | undefined;
  /** Those who let them decide in their place, now. */
  readonly standsFor?: Voter['standsFor'];
  /** They may not approve by themselves. */
  readonly mute?: Voter['mute'];
  /** Who really says it, in their name; absent: they do. */
  readonly operator?: Known | undefined;
  /** The attempt they were shown, as `attemptOf` names it; absent for whoever means the last. */
  readonly about?: string | undefined;
}

/** A person looked and says what really came of a call whose outcome was unknown. */
export function reconcile(
  approval: Approval,
  by: Finder,
  finding: Finding,
  nowMs: number,
  people?: PeopleNow,
): Step<ReconcileResult> {
  if (approval.state !== 'UNKNOWN') return { result: { code: 'NOT_UNKNOWN', approval } };
  if (by.about !== undefined && by.about !== attemptOf(approval))
    return { result: { code: 'STALE_CARD', approval } };
  if (finding === 'retry') return allowAgain(approval, by, { nowMs, people });
  if (!mayDecide(approval, by) && !by.operates) return { result: { code: 'NOT_ELIGIBLE', approval } };

  const next = settled(approval, by, finding, nowMs);
  return {
    result: { code: 'DONE', approval: next },
    moved: { next, event: 'reconciled', actor: by.person },
  };
}

/** Names what a finding is about: a call that was let run again, and whose outcome is unknown again, is another. */
export function attemptOf({ digest, execution }: Pick<Approval, 'digest' | 'execution'>): string {
  return `${digest}.${execution?.epoch ?? 0}`;
}

/** Those who have said that this attempt may be followed by another one, in that order. */
export function consentsTo(approval: Pick<Approval, 'digest' | 'execution' | 'again'>): readonly Consent[] {
  const { again } = approval;
  return again?.about === attemptOf(approval) ? again.said : [];
}

function settled(
  approval: Approval,
  by: Settler,
  finding: Exclude<Finding, 'retry'>,
  nowMs: number,
): Approval {
  const happened = finding === 'happened';
  const text = `${by.name} confirmed that it ${happened ? 'happened' : 'did not happen'}`;
  return {
    ...advance(approval, happened ? 'EXECUTED' : 'FAILED'),
    result: { status: happened ? 'ok' : 'error', text, atMs: nowMs },
    settledBy: settledBy(by, nowMs),
  };
}

// ── Once more ────────────────────────────────────────────────────────────────────────────────────────────────

function allowAgain(
  approval: Approval,
  by: Finder,
  { nowMs, people }: { readonly nowMs: number; readonly people: PeopleNow | undefined },
): Step<ReconcileResult> {
  const { policy, decision, execution } = approval;
  const isByRule = decision?.source === 'policy';
  const { operator = by } = by;
  if (isByRule ? !by.operates : !mayDecide(approval, by) || isExcluded(approval, operator)) {
    return { result: { code: 'NOT_ELIGIBLE', approval } };
  }
  if (policy.approveFrom && !policy.approveFrom.includes(by.via)) {
    return { result: { code: 'STEP_UP', approval } };
  }
  const quietFromMs = (execution?.leaseUntilMs ?? 0) + QUIET_MS;
  if (nowMs < quietFromMs) return { result: { code: 'NOT_YET', approval } };

  const before = consentsTo(approval);
  const earlier = stillCounting(approval, before, people);
  const consent = toConsent(approval, by, nowMs);
  if (isSecondWord(earlier, consent)) return { result: { code: 'HAS_SPOKEN', approval } };
  const said = withWord(earlier, consent);
  const again = { about: attemptOf(approval), said: [...said] };
  if (!isByRule && !areEnough(approval, said)) {
    if (said === earlier && earlier.length === before.length)
      return { result: { code: 'RECORDED', approval } };
    const next = { ...advance(approval, 'UNKNOWN'), face: approval.face + 1, again };
    return {
      result: { code: 'RECORDED', approval: next },
      moved: { next, event: 'assented', actor: by.person },
    };
  }
  // It is a yes of its own, and may wait as long as one.
  const { heldFromMs: _, ...released } = advance(approval, 'APPROVED');
  const next = { ...released, again, validUntilMs: nowMs + policy.validForMs };
  return {
    result: { code: 'DONE', approval: next },
    moved: { next, event: 'reconciled', actor: by.person },
    window: { notBeforeMs: quietFromMs },
  };
}

function areEnough(approval: Approval, said: readonly Consent[]): boolean {
  const voters = said.map((each) => voterIn(approval, toVoter(each)));
  return isQuorum(approversOf(approval), voters);
}

function toConsent(approval: Approval, by: Finder, atMs: number): Consent {
  const { standsFor = [], ...own } = voterIn(approval, by);
  return {
    by: { person: by.person, name: by.name, account: by.account },
    via: by.via,
    ...rightsOf(own),
    ...(by.lent && by.lent.length > 0 ? { lent: [...by.lent] } : {}),
    ...(by.operator ? { enteredBy: by.operator.person } : {}),
    ...(standsFor.length > 0 ? { standsFor: standsFor.map(standingFor) } : {}),
    atMs,
  };
}

// ── Who is still asked ───────────────────────────────────────────────────────────────────────────────────────

/** Those who have said yes or no to what is asked now, so that nobody reminds them. */
export function answeredBy(approval: Approval): ReadonlySet<PersonId> {
  const { assents = [], dissents = [] } = approval;
  const said = approval.state === 'UNKNOWN' ? consentsTo(approval) : [...assents, ...dissents];
  return new Set(said.map(({ by }) => by.person));
}
