/** One handling of one item: what its steps are given, and what they lead to. */
import type { Requester } from '../agent/tools/toolbox.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import type { MessageDirectives } from '../domain/directive.ts';
import type { AccountId, ConversationId, PersonId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Address } from '../domain/message.ts';
import type { Claim } from '../mailbox/keyed-queue.ts';
import type { Logger } from '../observability/logger.ts';
import type { Effect } from '../redis/effects.ts';
import type { ConversationState } from './conversation-state.ts';

export type MessageItem = Extract<MailboxItem, { kind: 'message' }>;
export type ApprovalItem = Extract<MailboxItem, { kind: 'approval' }>;

/** With the conversation as it stood when the handling began. */
export interface Handling extends ConversationState {
  readonly claim: Claim;
  readonly conversationId: ConversationId;
  /** In ms. */
  readonly beganMs: number;
  readonly trace: Trace;
  readonly log: Logger;
}

/** For whom it is, once that is known. */
export interface Work extends Handling {
  readonly item: MailboxItem;
  readonly requester: Requester;
  readonly replyTo: Address;
  /** On whose behalf it is handled, beside the requester. */
  readonly lineage: readonly PersonId[];
  /** From which it was asked. */
  readonly accounts: readonly AccountId[];
  /** Of the requester, at the moment of the question: a role that was taken away meanwhile is gone. */
  readonly rolesNow: () => readonly string[];
  /** What the author of the message behind it asked for beside the text. */
  readonly directives?: MessageDirectives | undefined;
}

/** What is left of a turn that is not committed. */
export interface Trace {
  /** What people may have seen of it. */
  shown?: { readonly ref: string; readonly to: Address };
  /** Counts what it has used, where that could not be done at once. */
  settle?: () => Promise<void>;
  /** Whether it has used any of the model. */
  hasUsed?: () => boolean;
}

/** What it leads to. `onRequests`: what depends on requests that others may change, as they are now. */
export interface Deed {
  readonly effects: readonly Effect[];
  readonly onRequests?: () => Promise<readonly Effect[]>;
}

/** Written in the same commit, and before what the deed writes. */
export function prepend(effects: readonly Effect[], deed: Deed): Deed {
  return { ...deed, effects: [...effects, ...deed.effects] };
}

export function replyIdOf(item: MailboxItem): string {
  return `reply:${item.id}`;
}

/** What is said once about an item, where it was asked for; without the words. */
export function toReply({ item, conversationId, requester, replyTo, control }: Work, atMs: number) {
  return {
    kind: 'text' as const,
    id: replyIdOf(item),
    correlation: item.correlation,
    conversationId,
    to: replyTo,
    requester: requester.person,
    epoch: control.epoch,
    atMs,
  };
}

/** Where whoever waits for it asked; undefined when that is nowhere. */
export async function originOf(
  item: MailboxItem,
  approvals: Pick<ApprovalStore, 'find'>,
): Promise<Address | undefined> {
  if (item.kind === 'message') return item.message.replyTo;
  if (item.kind !== 'approval') return undefined;
  return (await approvals.find(item.approvalId))?.origin;
}
