/**
 * Somebody who was asked lets somebody else decide this one request in their place. Pure.
 *
 * The word stays one: whoever stands in fills the place of the one they stand in for (`quorum.ts`).
 *
 * Invariants
 *   1. Nobody gives themselves a word. Whoever runs the gateway takes no place but one they could fill anyhow.
 *   2. Whoever takes a place may decide approvals at all, then and when they answer (`Directory.wordsPassedTo`),
 *      and for as long as it is to count (`validity.ts`).
 *   3. The word of somebody who is away is said by whom they named for that, and goes no further: it is theirs to pass
 *      on, or, in their place, for whoever runs the gateway.
 */
import type { PersonId } from '../ids.ts';
import type { Authority, Voter } from '../quorum.ts';
import { withFurther } from './copies.ts';
import { chainTo, LONGEST_CHAIN } from './delegation-chain.ts';
import { isExcluded, type Known } from './exclusion.ts';
import { type Approval, advance, type CardCopy, type Delegation, isWaiting, type Step } from './record.ts';
import { mayDecide } from './voting.ts';

export interface Delegating {
  /** With what they can pass on: their own word, and those that were passed to them. */
  readonly from: Voter;
  /** Those who are away, and for whom they answer as long as that lasts. */
  readonly awayFor?: readonly Authority[] | undefined;
  /** Those of their roles that a group of their platform carries, and that nobody could look up later. */
  readonly lent?: readonly string[];
  readonly to: Known & {
    /** They may decide it without that, now. */
    readonly decides?: boolean;
    /** They may not decide approvals at all: no role of theirs has that permission. */
    readonly mute?: boolean;
  };
  /** With the account they say it from. */
  readonly by: Known;
  /** Who really says so, in the name of `by`; absent: they do. */
  readonly operator?: Known | undefined;
  /** Whether the one who says so runs the gateway, and may pass on somebody else's word. */
  readonly operates: boolean;
  /** How those three are called. */
  readonly called?: Delegation['called'];
  /** Where the one who stands in is asked; undefined where this process cannot tell, so that the next that can asks. */
  readonly copies: readonly CardCopy[] | undefined;
}

export type DelegateResult =
  | { readonly code: 'DONE'; readonly approval: Approval }
  /** It was passed on to the same person before, and still is. */
  | { readonly code: 'PASSED_BEFORE'; readonly approval: Approval }
  | {
      readonly code: 'ALREADY' | 'NOT_ELIGIBLE' | 'EXCLUDED' | 'NOT_PERMITTED' | 'TO_ONESELF' | 'TOO_LONG';
      readonly approval: Approval;
    }
  /** They answer only in the place of these, who are away. */
  | { readonly code: 'STANDS_IN'; readonly approval: Approval; readonly insteadOf: readonly PersonId[] };

export function delegate(
  approval: Approval,
  {
    from,
    awayFor = [],
    lent = [],
    to: next,
    by: speaker,
    operator = speaker,
    operates,
    called,
    copies,
  }: Delegating,
  nowMs: number,
): Step<DelegateResult> {
  const { delegations = [] } = approval;
  const { person: by } = speaker;
  const { person: to } = next;
  if (!isWaiting(approval.state)) return { result: { code: 'ALREADY', approval } };
  if (isExcluded(approval, speaker) || isExcluded(approval, operator))
    return { result: { code: 'NOT_ELIGIBLE', approval } };
  if (by !== from.person && !operates) return { result: { code: 'NOT_ELIGIBLE', approval } };
  if (!mayDecide(approval, from)) return { result: withoutWord(approval, awayFor) };
  if (isExcluded(approval, next) || to === from.person) return { result: { code: 'EXCLUDED', approval } };
  if ([by, operator.person].includes(to) && !next.decides)
    return { result: { code: 'TO_ONESELF', approval } };
  if (next.mute) return { result: { code: 'NOT_PERMITTED', approval } };
  if (delegations.some((each) => each.from === from.person && each.to === to)) {
    return { result: { code: 'PASSED_BEFORE', approval } };
  }
  const chain = chainTo(from.person, delegations);
  if (chain.some(({ person, times }) => times >= LONGEST_CHAIN || person === to)) {
    return { result: { code: 'TOO_LONG', approval } };
  }
  const roles = lent.length > 0 ? { roles: [...lent] } : {};
  const names = called ? { called } : {};
  const entry: Delegation = { from: from.person, to, by, ...names, ...roles, atMs: nowMs };
  const passed: Approval = {
    ...advance(approval, approval.state),
    face: approval.face + 1,
    delegations: [...delegations, entry],
    ...(copies ? { copies: withFurther(approval.copies, copies) } : { lookAgainMs: nowMs }),
  };
  return {
    result: { code: 'DONE', approval: passed },
    moved: { next: passed, event: 'delegated', actor: by },
  };
}

/** Nothing to pass on, though they may be asked in the place of others. */
function withoutWord(approval: Approval, awayFor: readonly Authority[]): DelegateResult {
  const insteadOf = awayFor.filter((each) => mayDecide(approval, each)).map(({ person }) => person);
  return insteadOf.length > 0
    ? { code: 'STANDS_IN', approval, insteadOf }
    : { code: 'NOT_ELIGIBLE', approval };
}
