/**
 * The policy by which several calls are decided as one: in everything the strictest of theirs. Pure.
 *
 * Its name is made of theirs, so that whoever has the name finds the policy as it is then.
 */
import type { EscalationConfig, EscalationPolicy } from '../config/escalation.ts';

const AND = ' + ';

export function jointName(names: readonly string[]): string {
  return [...new Set(names)].toSorted().join(AND);
}

/** How long a question waits by a policy, asked now, in ms: an hour of working hours may be a weekend. */
export type LengthOf = (policy: Pick<EscalationPolicy, 'deadline' | 'clock'>) => number;

/** Of one that is not there (any more) nobody knows how strict it was: it is in everything the strictest of all. */
export function policyNamed(
  policies: EscalationConfig['policies'],
  name: string,
  lengthOf: LengthOf,
): EscalationPolicy {
  const known = new Map(Object.entries(policies));
  const own = known.get(name);
  if (own) return own;
  const stricter = (one: EscalationPolicy, other: EscalationPolicy) => stricterOf(one, other, lengthOf);
  const strictest = (): EscalationPolicy => ({
    ...[policies.default, ...known.values()].reduce(stricter),
    refuse_by: 'one',
  });
  return name
    .split(AND)
    .map((each) => known.get(each) ?? strictest())
    .reduce(stricter);
}

/** What one of them lets happen by itself, when nobody answers or once and for all, the other does not: it does not happen. */
function stricterOf(one: EscalationPolicy, other: EscalationPolicy, lengthOf: LengthOf): EscalationPolicy {
  const sooner = lengthOf(one) <= lengthOf(other) ? one : other;
  // It is never before its own deadline, however late that comes to be.
  const endOf = (policy: EscalationPolicy) => Math.max(policy.hard_deadline, lengthOf(policy));
  const from = fromBoth(one.approve_from, other.approve_from);
  const escalation = sooner.escalation ?? one.escalation ?? other.escalation;
  return {
    ...sooner,
    valid_for: Math.min(one.valid_for, other.valid_for),
    ...(from ? { approve_from: from } : {}),
    refuse_by: one.refuse_by === 'one' ? 'one' : other.refuse_by,
    standing_yes: undefined,
    min_visible: Math.max(one.min_visible, other.min_visible),
    hard_deadline: Math.min(endOf(one), endOf(other)),
    pause_for_questions: Math.min(one.pause_for_questions, other.pause_for_questions),
    on_timeout: [],
    ...(escalation === undefined ? {} : { escalation }),
  };
}

/** Undefined: from anywhere. Empty: from nowhere. */
function fromBoth(
  one: EscalationPolicy['approve_from'],
  other: EscalationPolicy['approve_from'],
): EscalationPolicy['approve_from'] {
  return one && other ? one.filter((platform) => other.includes(platform)) : (one ?? other);
}
