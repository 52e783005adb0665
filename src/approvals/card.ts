/** The card of an approval, built from the record alone; the same for every platform. Pure. */

import { attemptOf } from '../domain/approval/reconciliation.ts';
import {
  type Approval,
  type ApprovalState,
  type CardCopy,
  isEnded,
  isWaiting,
  needsWord,
} from '../domain/approval/record.ts';
import { endOf } from '../domain/approval/silence.ts';
import type { Card, CardChoice } from '../domain/card.ts';
import { isGrantable } from '../domain/grant.ts';
import type { Platform } from '../domain/ids.ts';
import { takesOne } from '../domain/quorum.ts';
import { cutBesideAddress } from '../links/plain-address.ts';
import { redactText } from '../observability/redaction.ts';
import {
  askedOf,
  changesOf,
  endText,
  exceptionOf,
  firstChars,
  readBeforeOf,
  silenceText,
  standing,
  titleOf,
  toldOf,
  visible,
  yesElsewhereText,
} from './sentences.ts';

const MAIL = 'email';
/** Longest prose of the model shown on a card, in characters. */
const MAX_PROSE_CHARS = 600;

/**
 * @param here where it is shown: a yes that is not taken there is not offered there; undefined: anywhere
 * @param hold when it runs once it is agreed to, in a part of a sentence; undefined where nothing holds it
 */
export function toCard(approval: Approval, reply: Card['reply'], here?: Platform, hold?: string): Card {
  const { request, state } = approval;
  const offered = choicesOf(approval);
  const silence = silenceText(approval);
  const yesElsewhere = offered.some(isYes) ? yesElsewhereText(approval, here) : undefined;
  return {
    approvalId: approval.id,
    gen: approval.gen,
    digest: state === 'UNKNOWN' ? attemptOf(approval) : approval.digest,
    title: titleOf(approval),
    facts: [...exceptionOf(approval), ...readBeforeOf(request), ...toldOf(request), ...changesOf(request)],
    ...(request.summary ? { modelSays: proseOf(request.summary) } : {}),
    requestedBy: request.requesterName,
    askedOf: askedOf(approval),
    risk: request.risk,
    reversible: request.reversible,
    deadline: new Date(endOf(approval)).toISOString(),
    deadlineText: endText(approval),
    ...(silence === undefined ? {} : { silence }),
    choices: yesElsewhere === undefined ? offered : offered.filter((choice) => !isYes(choice)),
    ...(yesElsewhere === undefined ? {} : { yesElsewhere }),
    ...(approval.policy.options && isWaiting(state) ? { options: approval.policy.options } : {}),
    // A mail has room for all of it, and is where it can be read whole.
    status: { state: faceOf(state), sentence: standing(approval, hold, here !== undefined && here !== MAIL) },
    ...(reply && needsWord(state) ? { reply } : {}),
  };
}

/**
 * A copy that was never sent is not sent any more once everything is over, except the one in the conversation. Where
 * each word is a further mail, a yes is worth one only where something holds it, for whoever was asked there.
 *
 * @param hold as for `toCard`
 */
export function isWorthSending(approval: Approval, copy: CardCopy, hold?: string): boolean {
  if (copy.outcomeOnly && approval.state === 'EXECUTING') return false;
  if (copy.outcomeOnly && approval.state === 'APPROVED' && (hold === undefined || copy.ref === undefined)) {
    return false;
  }
  if (copy.ref === undefined) return !isEnded(approval.state) || copy.person === undefined;
  return (copy.shown ?? 0) < approval.face;
}

/** Several lines stay several lines; what cannot be seen is made visible in each. */
function proseOf(summary: string): string {
  const prose = redactText(summary).split('\n').map(visible).join('\n');
  if (prose.length <= MAX_PROSE_CHARS) return prose;
  return `${firstChars(prose, cutBesideAddress(prose, MAX_PROSE_CHARS))} …`;
}

/** While a question is open it still waits for people. */
function faceOf(state: ApprovalState): Card['status']['state'] {
  // The other states of the card are those of the approval, in lower case.
  return isWaiting(state) ? 'open' : (state.toLowerCase() as Card['status']['state']);
}

/** What takes the channel of a yes. */
function isYes(choice: CardChoice): boolean {
  return choice === 'approve' || choice === 'edit' || choice === 'always' || choice === 'retry';
}

/** What a card offers, as it stands. */
export function choicesOf(approval: Approval): Card['choices'] {
  if (approval.state === 'UNKNOWN') {
    // A standing yes covered one call; nobody was named who could say it for another.
    const isRepeatable = approval.decision?.source !== 'grant';
    return ['happened', 'did-not-happen', ...(isRepeatable ? (['retry'] as const) : [])];
  }
  return isWaiting(approval.state) ? offered(approval) : [];
}

/** What has a button, or a line of its own; what is unsaid again is written. */
function offered(approval: Approval): Card['choices'] {
  const { choices } = approval.policy;
  return [
    ...(choices.includes('approve') ? (['approve'] as const) : []),
    ...(choices.includes('deny') ? (['deny', 'deny-with-reason'] as const) : []),
    ...(choices.includes('answer') ? (['answer'] as const) : []),
    ...(choices.includes('ask') ? (['ask'] as const) : []),
    ...(choices.includes('edit') && hasArguments(approval) ? (['edit'] as const) : []),
    ...(offersAlways(approval) ? (['always'] as const) : []),
  ];
}

/** A yes to further calls: where the policy takes one, from somebody who can decide alone. */
export function offersAlways(approval: Approval): boolean {
  const { policy, request } = approval;
  return policy.standingYes !== undefined && isGrantable(request) && takesOne(policy.approvers);
}

function hasArguments({ request: { args } }: Approval): boolean {
  return typeof args === 'object' && args !== null && !Array.isArray(args) && Object.keys(args).length > 0;
}
