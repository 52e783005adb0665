/**
 * In whose inbox an approval lies: of everybody who could answer it, by what makes them somebody who could. Pure.
 *
 * An inbox is not a person's but a role's, a schedule's or a person's: who holds a role, and who is on call, is known
 * when somebody looks, and changes without anything having to be moved. So an entry is a hint, and whoever reads looks
 * at who may answer.
 *
 * A conversation has two as well: one for all that is held in it, and one for what its requester may end by writing
 * again, which is read with every message (`replacement.ts` says what that is). And there is one for the calls of which
 * nobody knows whether they ran.
 */
import { type Approval, approversOf, isEnded, isWaiting } from '../domain/approval/record.ts';
import { mayGiveWay } from '../domain/approval/replacement.ts';
import type { ConversationId } from '../domain/ids.ts';
import { type Leaf, leavesOf, type Voter } from '../domain/quorum.ts';

/** Calls of which nobody knows whether they ran. */
export const INBOX_OF_UNKNOWN = 'unknown';

/** The inboxes an approval lies in; none when it has ended. */
export function inboxesOf(approval: Approval): string[] {
  return [...new Set([...inboxesOfPeople(approval), ...inboxesOfPlaces(approval)])];
}

function inboxesOfPeople(approval: Approval): string[] {
  if (!isWaiting(approval.state)) return [];
  const named = leavesOf(approversOf(approval)).map(inboxOf);
  const trusted = (approval.delegations ?? []).map(({ to }) => inboxOf({ person: to }));
  return [...named, ...trusted];
}

function inboxesOfPlaces(approval: Approval): string[] {
  const { state, conversationId, client } = approval;
  return [
    // What a program asked for belongs to no talk.
    ...(isEnded(state) || client ? [] : [inboxOfHeld(conversationId)]),
    ...(mayGiveWay(approval) ? [inboxOfConversation(conversationId)] : []),
    ...(state === 'UNKNOWN' ? [INBOX_OF_UNKNOWN] : []),
  ];
}

/** What waits in a conversation, or runs because somebody agreed to it. As JSON: a line break would end the name in what the scripts read. */
export function inboxOfHeld(conversationId: ConversationId): string {
  return `held:${JSON.stringify(conversationId)}`;
}

/** What its requester may end by writing again in the conversation. As JSON, as above. */
export function inboxOfConversation(conversationId: ConversationId): string {
  return `conversation:${JSON.stringify(conversationId)}`;
}

/** The inboxes somebody looks into: their own, and those of the ones they stand in for. */
export function inboxesFor({ standsFor = [], ...own }: Voter): string[] {
  const words = [own, ...standsFor];
  return [
    ...new Set(
      words.flatMap(({ person, roles, onCall = [] }) => [
        `person:${person}`,
        ...roles.map((role) => `role:${role}`),
        ...onCall.map((schedule) => `on-call:${schedule}`),
      ]),
    ),
  ];
}

/** What has to be moved for a change, as the scripts read it: a line for each inbox, `+` into it and `-` out of it. */
export function movesBetween(before: Approval | undefined, next: Approval): string {
  const [was, is] = [before ? inboxesOf(before) : [], inboxesOf(next)];
  const isRescored = before?.deadlineMs !== next.deadlineMs;
  return [
    ...was.filter((name) => !is.includes(name)).map((name) => `-${name}`),
    ...is.filter((name) => isRescored || !was.includes(name)).map((name) => `+${name}`),
  ].join('\n');
}

function inboxOf(leaf: Leaf): string {
  if ('person' in leaf) return `person:${leaf.person}`;
  return 'role' in leaf ? `role:${leaf.role}` : `on-call:${leaf.onCall}`;
}
