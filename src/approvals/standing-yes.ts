/**
 * Whether a standing yes still stands: when a call is made, and again right before it runs. Between the two may lie
 * days, in which a human has the conversation or the model is away.
 *
 * Owns      who could have given it, and why a call does not run by it any more, in words.
 * Not here  what it covers and how often (`domain/grant.ts`), where it is kept (`grant-store.ts`).
 */

import type { EscalationConfig, EscalationPolicy } from '../config/escalation.ts';
import { type Excluded, excludedFrom } from '../domain/approval/exclusion.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import type { Grant } from '../domain/grant.ts';
import { type Approvers, isQuorum } from '../domain/quorum.ts';
import type { Directory } from '../identity/directory.ts';
import type { GrantStore } from './grant-store.ts';
import { policyNamed } from './joint-policy.ts';
import { NO_POLICY } from './plan.ts';

export interface StandingYesDeps {
  readonly grants: Pick<GrantStore, 'find'>;
  readonly directory: Directory;
  readonly policies: () => EscalationConfig['policies'];
  readonly clock: Clock;
}

export class StandingYes {
  constructor(private readonly deps: StandingYesDeps) {}

  /** In words, why a call does not run by the one it was allowed by; undefined where it does, or people agreed to it. */
  async whyNot(approval: Approval): Promise<string | undefined> {
    const { decision, execution } = approval;
    if (decision?.source !== 'grant') return undefined;
    const id = decision.text ?? '';
    const grant = await this.deps.grants.find(id);
    if (grant) await this.deps.directory.personNow(grant.by.account);
    const end = this.#endOf(grant, approval);
    if (end === undefined) return undefined;
    const before = execution ? ' (an earlier attempt may have run)' : '';
    return `the standing yes ${id} ${end}${before}. Ask for it again, and people are asked`;
  }

  #endOf(grant: Grant | undefined, approval: Approval): string | undefined {
    const { directory, clock, policies } = this.deps;
    const nowMs = clock.now();
    if (!grant) return 'is not there any more';
    if (grant.revoked) return 'has been taken back';
    if (nowMs >= grant.untilMs) return 'is over';
    const { name } = approval.policy;
    const isKnown = name !== NO_POLICY || Object.hasOwn(policies(), name);
    if (
      isKnown &&
      !isTakenBy(
        policyNamed(policies(), name, ({ deadline }) => deadline),
        grant,
      )
    ) {
      return 'is no longer one that the policy takes';
    }
    const asked = { approvers: grant.approvers, excluded: excludedFrom(approval), nowMs };
    if (!couldAgree(grant, asked, directory)) {
      return `holds no more, because ${grant.by.name} could not agree to this alone any more`;
    }
    return isTheirs(grant, directory)
      ? undefined
      : `holds no more, because the account it was given from is not ${grant.by.name}’s any more`;
  }
}

/** Whether the policy by which people would be asked takes such a standing yes, as it is now. */
export function isTakenBy(
  { standing_yes, approve_from }: EscalationPolicy,
  { scope, atMs, untilMs, times, via }: Grant,
): boolean {
  if (!standing_yes) return false;
  return (
    standing_yes.rules.includes(scope.kind) &&
    untilMs - atMs <= standing_yes.longest &&
    times <= standing_yes.most_times &&
    (approve_from === undefined || approve_from.includes(via))
  );
}

interface Asked {
  readonly approvers: Approvers;
  readonly excluded: Excluded;
  readonly nowMs: number;
}

/** Whether the one who gave it could agree to such a call alone, as they are now, from where they gave it. */
export function couldGive(grant: Grant, asked: Asked, directory: Directory): boolean {
  return couldAgree(grant, asked, directory) && isTheirs(grant, directory);
}

function couldAgree(
  { by, roles: lent = [] }: Grant,
  { approvers, excluded, nowMs }: Asked,
  directory: Directory,
): boolean {
  const giver = directory.find(by.person);
  if (!giver) return false;
  const roles = directory.withLent(giver.roles, lent);
  if (!directory.may(roles, 'approve')) return false;
  const { standsFor: _, ...voter } = directory.voterOf({ id: giver.id, roles }, nowMs);
  return !excluded(voter) && isQuorum(approvers, [voter]);
}

/** Whether the account it was given from still belongs to whoever gave it. */
function isTheirs({ by }: Grant, directory: Directory): boolean {
  return directory.personOf(by.account)?.id === by.person;
}
