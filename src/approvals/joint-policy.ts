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

/** Of one that is not there (any more) nobody knows how strict it was: it is in everything the strictest of all. */
export function policyNamed(policies: EscalationConfig['policies'], name: string): EscalationPolicy {
  const known = new Map(Object.entries(policies));
  const own = known.get(name);
  if (own) return own;
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
function stricter(one: EscalationPolicy, other: EscalationPolicy): EscalationPolicy {
  const sooner = one.deadline <= other.deadline ? one : other;
  const from = fromBoth(one.approve_from, other.approve_from);
  const escalation = sooner.escalation ?? one.escalation ?? other.escalation;
  return {
    ...sooner,
    valid_for: Math.min(one.valid_for, other.valid_for),
    ...(from ? { approve_from: from } : {}),
    refuse_by: one.refuse_by === 'one' ? 'one' : other.refuse_by,
    standing_yes: undefined,
    min_visible: Math.max(one.min_visible, other.min_visible),
    hard_deadline: Math.min(one.hard_deadline, other.hard_deadline),
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
