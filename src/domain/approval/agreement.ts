/** What those who said yes come to together, each with the word they had when they said it. Pure. */

import { isQuorum, type Voter } from '../quorum.ts';
import { isExcluded } from './exclusion.ts';
import { type Approval, type Assent, approversOf } from './record.ts';

/**
 * The yes with which they were enough; undefined as long as they are not. Others may be asked since it was said, so that
 * what was not enough then is now.
 */
export function enoughSaid(approval: Approval): Assent | undefined {
  const { assents = [] } = approval;
  const approvers = approversOf(approval);
  const voters = assents.map((each) => voterIn(approval, toVoter(each)));
  return assents.find((_, n) => isQuorum(approvers, voters.slice(0, n + 1)));
}

/** Nobody decides in the place of somebody who may not. */
export function voterIn(approval: Approval, voter: Voter): Voter {
  const standsFor = (voter.standsFor ?? []).filter((each) => !isExcluded(approval, each));
  return { ...voter, standsFor };
}

/** Whoever said something, with what their word is worth. */
export function toVoter({
  by,
  roles,
  onCall,
  standsFor,
  mute,
}: Pick<Voter, 'roles' | 'onCall' | 'standsFor' | 'mute'> & { readonly by: Pick<Voter, 'person'> }): Voter {
  return { person: by.person, roles, onCall, standsFor, mute };
}
