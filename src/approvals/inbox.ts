/**
 * In whose inbox an approval lies: of everybody who could answer it, by what makes them somebody who could. Pure.
 *
 * An inbox is not a person's but a role's, a schedule's or a person's: who holds a role, and who is on call, is known
 * when somebody looks, and changes without anything having to be moved. So an entry is a hint, and whoever reads looks
 * at who may answer.
 *
 * A conversation has one as well, for what its requester may end by writing again: `replacement.ts` says what that is.
 */
import { type Approval, approversOf, isWaiting } from '../domain/approval/record.ts';
import { mayGiveWay } from '../domain/approval/replacement.ts';
import type { ConversationId } from '../domain/ids.ts';
import { type Leaf, leavesOf, type Voter } from '../domain/quorum.ts';

/** The inboxes an approval lies in; none when it waits for nobody any more. */
export function inboxesOf(approval: Approval): string[] {
  const own = mayGiveWay(approval) ? [inboxOfConversation(approval.conversationId)] : [];
  if (!isWaiting(approval.state)) return own;
  const named = leavesOf(approversOf(approval)).map(inboxOf);
  const trusted = (approval.delegations ?? []).map(({ to }) => inboxOf({ person: to }));
  return [...new Set([...named, ...trusted, ...own])];
}

/** As JSON: a line break would end the name in what the scripts read. */
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
